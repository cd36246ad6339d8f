"""The device that trains, its precision and its memory."""

import os
import platform

import torch


def available() -> list[torch.device]:
    """Return the devices to train on, best first: every CUDA GPU, or Apple's, or the CPU."""
    if torch.cuda.is_available():
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return [torch.device("mps")]
    return [torch.device("cpu")]


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


def memory(device: torch.device) -> tuple[int, int] | None:
    """Return (free, total) bytes of a CUDA device's memory, None for any other."""
    return torch.cuda.mem_get_info(device) if device.type == "cuda" else None
