"""torch.cuda, as far as genlib uses it."""

import contextlib
from collections.abc import Iterator
from unittest import mock

import torch
from torch.utils._python_dispatch import _disable_current_modes

from genlib.device import GRAPHED
from tests.support.fakegpu.device import (
    COUNT,
    DEVICE,
    NAME,
    FakeGPU,
    Generator,
    NotCapturableError,
)
from tests.support.fakegpu.tape import Tape

aten = torch.ops.aten
REAL_GRAPH = torch.cuda.CUDAGraph
MODES: list[FakeGPU] = []  # that are on, the last one last


class Stream:
    """Everything runs in order anyway."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = MODES[-1].current if device is None else torch.device(device)

    def wait_stream(self, other: "Stream") -> None: ...


class Event:
    """Everything is done as soon as it is asked for; it refuses a stream that has no say in it."""

    def __init__(self, *, blocking: bool = False) -> None:
        self.blocking = blocking

    def record(self, stream: Stream | None = None) -> None:
        copied = MODES[-1].copied_from
        if copied is not None and copied != (stream or Stream()).device:
            raise RuntimeError(f"the event does not wait for the copy from {copied}")

    def synchronize(self) -> None: ...


class Graph:
    """A CUDA graph, also for whoever checks types."""

    __class__ = property(lambda self: REAL_GRAPH)

    def __init__(self) -> None:
        self.registered: set[int] = set()
        self.tape = Tape()

    def register_generator_state(self, generator: Generator) -> None:
        assert generator.device.type == NAME
        self.registered.add(generator._cdata)

    def replay(self) -> None:
        with _disable_current_modes(), torch.no_grad():
            self.tape.replay()


@contextlib.contextmanager
def _graph(graph: Graph, stream: Stream | None = None) -> Iterator[None]:
    mode = MODES[-1]
    mode.tape, mode.registered = graph.tape, graph.registered
    mode.capturing = DEVICE if stream is None else stream.device  # CUDA's default is made once
    try:
        yield
    except Exception as error:  # ending the broken capture fails in its own way
        raise NotCapturableError(f"failed due to an error during capture: {error}") from error
    finally:
        mode.tape = None
        with _disable_current_modes(), torch.no_grad():
            graph.tape.undo()


@contextlib.contextmanager
def _current(device: torch.device) -> Iterator[None]:
    mode = MODES[-1]
    before, mode.current = mode.current, torch.device(device)
    try:
        yield
    finally:
        mode.current = before


@contextlib.contextmanager
def fake_gpu(*, bfloat16: bool = False) -> Iterator[FakeGPU]:
    """Have the device, and torch.cuda as if it were CUDA's."""
    mode = FakeGPU()
    names = {
        "is_available": lambda: True,
        "device_count": lambda: COUNT,
        "get_device_name": lambda *_: "Fake GPU",
        "get_device_capability": lambda *_: (9, 0) if bfloat16 else (7, 5),
        "mem_get_info": lambda *_: (2**33, 2**34),
        "is_current_stream_capturing": lambda: mode.tape is not None,
        "Stream": Stream,
        "Event": Event,
        "CUDAGraph": Graph,
        "graph": _graph,
        "current_stream": Stream,
        "stream": lambda stream: _current(stream.device),
        "device": _current,
        "empty_cache": lambda: None,
        "synchronize": lambda *_: None,
    }
    with contextlib.ExitStack() as stack:
        for name, value in names.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, value))
        stack.enter_context(mock.patch.object(torch, "Generator", Generator))
        GRAPHED.add(NAME)
        stack.callback(GRAPHED.discard, NAME)
        MODES.append(mode)
        stack.callback(MODES.pop)
        stack.enter_context(mode)
        yield mode


# what PyTorch's own C++ code does below any mode, such as making an index from a list


def _below(op):
    def kernel(*args, **kwargs):
        with _disable_current_modes():
            return MODES[-1].__torch_dispatch__(op, (), args, kwargs)

    return kernel


def _copy_from(source, target, non_blocking=False):
    return _below(aten.copy_.default)(target, source)


LIBRARY = torch.library.Library("aten", "IMPL", "PrivateUse1")
LIBRARY.impl("empty.memory_format", _below(aten.empty.memory_format))
LIBRARY.impl("empty_strided", _below(aten.empty_strided.default))
LIBRARY.impl("_copy_from", _copy_from)
