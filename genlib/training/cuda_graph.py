"""Replaying a step as a CUDA graph: the GPU takes thousands of small kernels as one launch."""

from collections.abc import Callable

import torch

WARM_UP = 3  # eager steps before the capture, in which optimizers allocate their state


class CudaGraphStep:
    """Calls `step`; on CUDA, from the fourth call on, replays a graph captured of it.

    The first calls run eagerly on a side stream, as capturing demands, and count as steps like
    any other. A step must read nothing on the host and keep its tensors where they are. A graph
    holds one stage: a new stage makes a new Replay.

    Args:
        step: the function; all that changes between calls lies in tensors on the device.
        device: where it computes.
        rng: the generator that it draws from, registered with the graph.
    """

    def __init__(
        self, step: Callable[[], None], device: torch.device, rng: torch.Generator
    ) -> None:
        self.step, self.device, self.rng = step, device, rng
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Take one step."""
        if self.device.type != "cuda":
            self.step()
        elif self.calls < WARM_UP:
            self._warm_up()
        else:
            self.graph = self.graph or self._captured()
            self.graph.replay()
        self.calls += 1

    def _warm_up(self) -> None:
        side = torch.cuda.Stream(self.device)
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):
            self.step()
        torch.cuda.current_stream(self.device).wait_stream(side)

    def _captured(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.rng)
        with torch.cuda.graph(graph):
            self.step()
        return graph
