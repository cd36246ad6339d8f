"""The objective of flow matching: straight paths, and times from a logit-normal distribution."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from genlib.diffusion.diffusion import Diffusion, Objective, network_of
from genlib.diffusion.parameterizations import PARAMETERIZATIONS
from genlib.diffusion.schedules import schedule
from genlib.family import Batch, Losses, Shape
from genlib.models.flow.config import FlowConfig
from genlib.nn import TimeClassEmbedding

TIMES = 1000  # from data to noise; t is in units of them


class FlowMatching(Diffusion):
    """Flow matching with straight paths."""

    loss_code = Diffusion.denoising_loss

    def __init__(self, config: FlowConfig, shape: Shape) -> None:
        noise = schedule("flow", TIMES)

        def draw(count: int, rng: torch.Generator) -> Float[Tensor, "batch"]:
            normal = torch.randn(count, generator=rng, device=rng.device)
            return (config.centre + config.spread * normal).sigmoid()

        direction = PARAMETERIZATIONS["direction"]
        goal = Objective(direction, F.mse_loss, torch.ones(TIMES + 1), draw)
        network = network_of(config, shape, TimeClassEmbedding)
        super().__init__(config, shape, network, noise, goal)

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        """Yield the denoising loss."""
        yield "network", {"loss": self.denoising_loss(batch, rng)}
