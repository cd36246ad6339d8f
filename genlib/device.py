"""The device that trains, and its memory."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from genlib.errors import KnobError

NVIDIA = Path("/dev/nvidia0")  # there is one wherever a driver runs a GPU
THREADS = 2  # of a task on the CPU: sums are split among them, so another number rounds otherwise
GRAPHED = {"cuda"}  # kinds of devices that replay a training step as a captured graph


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


def unused_gpu() -> str:
    """Return in one sentence that this PyTorch cannot use a GPU that is here; else nothing."""
    if torch.version.cuda is None or torch.cuda.is_available() or not NVIDIA.exists():
        return ""
    return (
        f"There is a GPU that PyTorch {torch.__version__} cannot use: update NVIDIA's driver, or "
        "install a PyTorch for an older CUDA. Until then the CPU trains."
    )


def name(device: torch.device) -> str:
    """Return what a person calls the device, such as "NVIDIA H200" or "CPU, 2 cores"."""
    if device.type in GRAPHED:
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    return f"CPU, {os.cpu_count()} cores"


def kind(device: torch.device) -> str:
    """Return what else decides how a device rounds, such as "AVX512" or a GPU's name.

    Two machines with the same kind of CPU, number of threads and torch give the same bits.
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


@contextmanager
def current(device: torch.device) -> Iterator[None]:
    """Make a GPU the one that CUDA means, in the block, where no device is named."""
    with torch.cuda.device(device) if device.type in GRAPHED else nullcontext():
        yield


def memory(device: torch.device) -> tuple[int, int] | None:
    """Return (free, total) bytes of a CUDA device's memory, None for any other."""
    return torch.cuda.mem_get_info(device) if device.type in GRAPHED else None
