"""A second device where there is none: "fakegpu" has CUDA's rules, and the CPU computes for it.

A tensor on it is a wrapper around a CPU tensor. A dispatch mode runs each operation on what is
wrapped, and refuses what CUDA refuses: operands on two devices, a generator of another device.
While a step is captured it refuses too what reads the device or needs the host: items, masks that
select, indices and numbers from the host, generators that the graph does not know. A captured
graph is a tape of operations on the same memory; what the capture wrote is undone, and a replay
runs the tape. So "captured equals eager" can be asserted to the last bit.

What it cannot tell: kernels that only CUDA has (cuDNN's LSTM, fused attention), their speed and
rounding, the allocator, streams that race.
"""

from tests.support.fakegpu import autocast as autocast
from tests.support.fakegpu.cuda import fake_gpu
from tests.support.fakegpu.device import DEVICE, NAME, SECOND, FakeGPU, NotCapturableError

__all__ = ["DEVICE", "NAME", "SECOND", "FakeGPU", "NotCapturableError", "fake_gpu"]
