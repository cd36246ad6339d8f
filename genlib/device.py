"""The device that trains, its precision and its memory."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from genlib.errors import KnobError

THREADS = 2  # of a task on the CPU: sums are split among them, so another number rounds otherwise


def available() -> list[torch.device]:
    """Return the devices to train on, best first: every CUDA GPU, or Apple's, or the CPU."""
    if torch.cuda.is_available():
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return [torch.device("mps")]
    return [torch.device("cpu")]


def named(name: str) -> torch.device:
    """Return a device of this machine by its name, such as "cuda:0" or "cpu".

    Raises:
        KnobError: there is no such device here that trains.
    """
    here = {"cpu": torch.device("cpu")} | {str(device): device for device in available()}
    device = here.get(f"{name}:0", here.get(name))
    if device is None:
        raise KnobError(
            f"There is no device {name!r} here that trains: choose {' or '.join(here)}."
        )
    return device


def autocast_type(device: torch.device, precision: str) -> torch.dtype | None:
    """Return the type of the forward pass under autocast, or None for plain float32.

    `auto` is bfloat16 where the GPU computes it natively. A T4 only emulates it, and float16
    would need loss scaling, so it trains in float32; so do the CPU and Apple's GPUs.
    """
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    wanted = precision == "bfloat16" or (precision == "auto" and native)
    return torch.bfloat16 if wanted else None


def name(device: torch.device) -> str:
    """Return what a person calls the device, such as "NVIDIA H200" or "CPU, 2 cores"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    return f"CPU, {os.cpu_count()} cores"


def kind(device: torch.device) -> str:
    """Return what else decides how a device rounds, such as "AVX512" or a GPU's name.

    Two machines with the same kind, number of threads and torch give the same bits.
    """
    return torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else name(device)


@contextmanager
def fixed_threads() -> Iterator[None]:
    """Compute with THREADS threads in the block, however many cores the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def memory(device: torch.device) -> tuple[int, int] | None:
    """Return (free, total) bytes of a CUDA device's memory, None for any other."""
    return torch.cuda.mem_get_info(device) if device.type == "cuda" else None
