"""Optimizers by name, their steps, and the schedules of rate and weight average."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Muon, NAdam, Optimizer, RMSprop

from genlib.config import Optimizer as OptimizerName
from genlib.config import TrainConfig
from genlib.device import GRAPHED

Parameters = list[nn.Parameter]


def _adam(make: Callable[..., Optimizer]) -> Callable[..., list[Optimizer]]:
    def build(weights: Parameters, rate: float, momentum: float, **device: Any) -> list[Optimizer]:
        return [make(weights, lr=rate, betas=(momentum, 0.999), **device)]

    return build


def _rmsprop(weights: Parameters, rate: float, _: float, **device: Any) -> list[Optimizer]:
    return [RMSprop(weights, lr=rate, **device)]


def _sgd(weights: Parameters, rate: float, momentum: float, **_: Any) -> list[Optimizer]:
    """SGD keeps no counter on the host, so it has no `capturable` option to pass on."""
    return [SGD(weights, lr=rate, momentum=momentum)]


class FlatMuon(Muon):
    """Muon on weights of any rank: each is a matrix of its first dimension by all others.

    Args:
        weights: contiguous, as the matrices share their memory; they are what `step` reads the
            gradients of, and `zero_grad` does not clear them.
        options: those of `torch.optim.Muon`, which takes matrices alone.
    """

    def __init__(self, weights: Parameters, **options: Any) -> None:
        matrices = [nn.Parameter(weight.detach().view(len(weight), -1)) for weight in weights]
        self.pairs = list(zip(matrices, weights, strict=True))
        super().__init__(matrices, **options)

    def step(self, closure: Any = None) -> Any:
        """Step along the gradients of the weights."""
        for matrix, weight in self.pairs:
            matrix.grad = None if weight.grad is None else weight.grad.flatten(1)
        return super().step(closure)  # type: ignore[no-untyped-call]


def _muon(weights: Parameters, rate: float, momentum: float, **device: Any) -> list[Optimizer]:
    """Muon for matrices and filters, AdamW for the rest (Jordan 2024, kellerjordan.github.io).

    Muon's update is rescaled to AdamW's usual size (Liu et al. 2025, arXiv:2502.16982, eq. 4),
    so one learning rate serves both.
    """
    matrices = [weight for weight in weights if weight.ndim >= 2]
    rest = [weight for weight in weights if weight.ndim < 2]
    parts: list[Optimizer] = []
    if matrices:
        options = {"weight_decay": 0, "adjust_lr_fn": "match_rms_adamw"}
        parts.append(FlatMuon(matrices, lr=rate, **options))
    if rest:
        betas = momentum, 0.999
        parts.append(AdamW(rest, lr=rate, betas=betas, weight_decay=0, **device))
    return parts


OPTIMISERS: dict[OptimizerName, Callable[..., list[Optimizer]]] = {
    "muon": _muon,
    "adamw": _adam(AdamW),
    "adam": _adam(Adam),
    "nadam": _adam(NAdam),
    "rmsprop": _rmsprop,
    "sgd": _sgd,
}


def make_optimizers(
    config: TrainConfig, weights: Iterable[nn.Parameter], device: torch.device
) -> list[Optimizer]:
    """Return the optimizers of one player, at the peak learning rate.

    On CUDA their counters live on the device (`capturable`), so a CUDA graph can hold the step.
    """
    capturable = {"capturable": True} if device.type in GRAPHED else {}
    make = OPTIMISERS[config.optimizer]
    return make(list(weights), config.learning_rate, config.momentum, **capturable)


def rate_factors(config: TrainConfig, steps: int) -> Float[Tensor, "steps"]:
    """Return what the peak learning rate is multiplied by at each step of a stage."""
    warm = max(1, round(config.warmup * steps))
    step = torch.arange(steps)
    rise = ((step + 1) / warm).clamp(max=1.0)
    progress = step / steps
    fall = {
        "none": torch.ones(steps),
        "linear": 1 - progress,
        "cosine": (1 + torch.cos(torch.pi * progress)) / 2,
    }
    return rise * fall[config.decay]


def average_rates(config: TrainConfig, steps: int) -> Float[Tensor, "steps"]:
    """Return how far the weight average moves to the weights at each step.

    That is 1 − decay, and more at first, so that the random start is soon forgotten.
    """
    step = torch.arange(steps)
    return 1 - ((1 + step) / (10 + step)).clamp(max=config.ema)


def descend(
    weights: Parameters,
    optimizers: list[Optimizer],
    loss: Float[Tensor, ""],
    factor: Float[Tensor, ""],
    clip: float,
) -> Float[Tensor, ""]:
    """Step a player's weights down the gradient of its loss, and return the gradient's norm.

    A clip of 0 is none; the norm is that before it.

    The optimizers step at the peak rate; the schedule's factor then scales the step, as every
    optimizer's step is proportional to its rate. The factor is a tensor, so that a graph
    captured once follows the whole schedule.
    """
    for weight in weights:
        weight.grad = None
    loss.backward(inputs=weights)
    norm = nn.utils.get_total_norm([weight.grad for weight in weights if weight.grad is not None])
    if clip:
        nn.utils.clip_grads_with_norm_(weights, clip, norm)
    with torch.no_grad():
        before = [weight.clone() for weight in weights]
        for optimizer in optimizers:
            optimizer.step()
        for weight, start in zip(weights, before, strict=True):
            weight.copy_(torch.lerp(start, weight, factor))
    return norm


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, rate: Float[Tensor, ""]) -> None:
    """Move the weight average towards the weights; copy what is no weight (statistics)."""
    for averaged, weight in zip(average.parameters(), model.parameters(), strict=True):
        averaged.lerp_(weight, rate)
    for buffer, value in zip(average.buffers(), model.buffers(), strict=True):
        buffer.copy_(value)
