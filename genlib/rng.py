"""Randomness without a hidden state: every draw takes an explicit generator."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Built = TypeVar("Built", bound=nn.Module)


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a new generator on `device`, seeded with `seed`."""
    return torch.Generator(device).manual_seed(seed)


def build(make: Callable[[], Built], seed: int) -> Built:
    """Return `make()` with weights drawn from `seed`, whatever was drawn before or elsewhere.

    Modules initialise themselves from torch's global generator, hence this one place that
    seeds it; its former state comes back afterwards. Weights are drawn on the CPU, so that the
    same seed gives the same weights on every device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251 (the one allowed use)
        return make()
