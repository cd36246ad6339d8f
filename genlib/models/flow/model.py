"""The objective of flow matching: straight paths, and times from a logit-normal distribution."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from genlib.diffusion.base import Diffusion, Objective
from genlib.diffusion.parameterizations import PREDICTIONS
from genlib.diffusion.schedules import schedule
from genlib.family import Shape
from genlib.models.flow.config import FlowConfig

TIMES = 1000  # from data to noise; t is in units of them


class FlowMatching(Diffusion):
    """Flow matching with straight paths."""

    def __init__(self, config: FlowConfig, shape: Shape) -> None:
        noise = schedule("flow", TIMES)

        def draw(count: int, rng: torch.Generator) -> Float[Tensor, "batch"]:
            normal = torch.randn(count, generator=rng, device=rng.device)
            return (config.centre + config.spread * normal).sigmoid()

        goal = Objective(PREDICTIONS["direction"], F.mse_loss, torch.ones(TIMES + 1), draw)
        super().__init__(config, shape, noise, goal)
