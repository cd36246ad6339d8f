"""The objective of denoising diffusion: schedule, parameterization, loss and its weights."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from genlib.diffusion.diffusion import Diffusion, Objective, network_of
from genlib.diffusion.parameterizations import PARAMETERIZATIONS
from genlib.diffusion.schedules import Schedule, schedule
from genlib.family import Batch, Losses, Shape
from genlib.models.ddpm.config import DDPMConfig, Prediction
from genlib.nn import TimeClassEmbedding


class DDPM(Diffusion):
    """A denoising diffusion probabilistic model."""

    loss_code = Diffusion.denoising_loss

    def __init__(self, config: DDPMConfig, shape: Shape) -> None:
        noise = schedule(config.schedule, config.timesteps)
        goal = Objective(
            PARAMETERIZATIONS[config.prediction],
            F.huber_loss if config.loss == "huber" else F.mse_loss,
            min_snr(noise, config.prediction, config.min_snr),
            evenly,
        )
        network = network_of(config, shape, TimeClassEmbedding)
        super().__init__(config, shape, network, noise, goal)

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the denoising loss."""
        yield "network", {"loss": self.denoising_loss(batch, rng)}


def evenly(count: int, rng: torch.Generator) -> Float[Tensor, "batch"]:
    """Return times of which each is as likely."""
    return 1 - torch.rand(count, generator=rng, device=rng.device)


def min_snr(noise: Schedule, prediction: Prediction, cap: float) -> Float[Tensor, "times"]:
    """Return min(SNR, γ) in units of what is predicted (Hang et al. 2023, section 3.4).

    Args:
        noise: the schedule.
        prediction: of the network.
        cap: γ; with 0 each time weighs 1.
    """
    if not cap:
        return torch.ones_like(noise.alphas)
    ratio = noise.log_snr.exp()
    units = {"picture": torch.ones_like(ratio), "noise": ratio, "velocity": ratio + 1}
    return ratio.clamp(max=cap) / units[prediction]
