"""Replaying a step as a CUDA graph: the GPU takes thousands of small kernels as one launch."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from genlib.device import GRAPHED

log = logging.getLogger(__name__)

WARM_UP = 3  # eager steps before the capture, in which optimizers allocate their state


class CudaGraphStep:
    """Takes steps; on CUDA, from the fourth call on, by replaying a graph captured of the step.

    The first calls run eagerly on the stream that is captured later, as capturing demands, and
    count as steps like any other. A step must read nothing on the host and keep its tensors where
    they are. A graph holds one stage: a new stage makes a new CudaGraphStep. The step is handed
    over at each call and not kept: what owns both is then free as soon as nobody needs it, and
    with it the graph's memory.

    Args:
        device: where the steps compute.
        rng: the generator that they draw from, registered with the graph.
    """

    def __init__(self, device: torch.device, rng: torch.Generator) -> None:
        self.device, self.rng = device, rng
        self.eager = device.type not in GRAPHED
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.stream = None if self.eager else torch.cuda.Stream(device)

    def __call__(self, step: Callable[[], None]) -> None:
        """Take one step."""
        if self.calls >= WARM_UP and self.graph is None and not self.eager:
            self._capture(step)
        if self.graph is not None:
            self.graph.replay()
        elif self.eager:
            step()
        else:
            with self._on_stream():
                step()
        self.calls += 1

    @contextmanager
    def _on_stream(self) -> Iterator[None]:
        """Compute on its own stream: after what was asked for before, and before the rest."""
        own, usual = self.stream, torch.cuda.current_stream(self.device)
        assert own is not None  # noqa: S101 (for the type checker)
        own.wait_stream(usual)
        with torch.cuda.stream(own):
            yield
        usual.wait_stream(own)

    def _capture(self, step: Callable[[], None]) -> None:
        """Capture the graph; where that fails, all steps are eager from now on.

        A capture computes nothing, so a failed one costs time alone. One for want of memory fails
        in a way of its own; where an eager step does not fit either, it says so.
        """
        graph, before = torch.cuda.CUDAGraph(), self.rng.clone_state()
        graph.register_generator_state(self.rng)
        try:
            with self._on_stream(), _no_collection(), torch.cuda.graph(graph, stream=self.stream):
                step()
        except Exception as error:
            self.rng.graphsafe_set_state(before)  # the failed capture may hold on to its own
            log.warning("no CUDA graph of the step: it runs eagerly", exc_info=error)
            self.eager = True
        else:
            self.graph = graph


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold Python's collector off: an old graph that it destroyed would break the capture."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
