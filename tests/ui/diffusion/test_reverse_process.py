"""Where the page says that two samplers are one, they are."""

import pytest
import torch

from genlib.diffusion.samplers import SAMPLERS
from genlib.models.ddpm.config import DDPMConfig
from genlib.models.ddpm.model import DDPM
from genlib.models.flow.config import FlowConfig
from genlib.models.flow.model import FlowMatching
from genlib.rng import build, generator
from ui.diffusion.reverse_process import same_as_ddim

SHAPE = (1, 8, 8)


@pytest.mark.parametrize("kind", ["ddpm", "flow"])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("sampler", ["DPM-Solver++", "Heun", "DDPM", "Euler"])
def test_a_sampler_is_called_ddim_where_it_ends_at_the_same_pictures(kind, steps, sampler):
    config = {"width": 8, "depth": 1}
    model = build(
        lambda: (
            DDPM(DDPMConfig(**config, prediction="velocity"), SHAPE)
            if kind == "ddpm"
            else FlowMatching(FlowConfig(**config), SHAPE)
        ),
        0,
    ).eval()
    rng = generator(2)
    for weight in model.parameters():  # where some begin at zero
        weight.data += 0.2 * torch.randn(weight.shape, generator=rng)
    noise = torch.randn(2, *SHAPE, generator=generator(1))
    with torch.no_grad():
        one, other = (model.reverse(noise, SAMPLERS[name], steps) for name in (sampler, "DDIM"))
    alike = torch.allclose(one, other, rtol=0, atol=1e-4)
    if same_as_ddim(sampler, steps):
        assert alike
    elif steps > 2:
        assert not alike
