"""The generator by style: mapping network, synthesis network, noise, mixing."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlib.adversarial.growing import GrowingGAN, channels
from genlib.adversarial.levels import (
    SMALLEST,
    GrowingNetwork,
    GrowthState,
    sides,
    to_pictures,
    to_rgb,
)
from genlib.family import Pictures, Shape
from genlib.models.stylegan.config import StyleGANConfig
from genlib.nn import (
    AdaIN,
    ConstantInput,
    ModulatedConv,
    NoiseInjection,
    StyleMixing,
    equalise,
    mapping_network,
    truncated,
)
from genlib.rng import generator

W = Float[Tensor, "batch style"]
Styles = Float[Tensor, "batch layers style"]
Noises = list[Float[Tensor, "_ 1 _ _"]]  # each as large as its layer's maps
AVERAGED = 4096  # codings whose styles have the mean style
LAYERS = 2  # of each size


class StyleLayer(nn.Module):
    """A convolution, noise, an activation, and the style.

    Args:
        config: of the family.
        fan_in: maps that come in.
        fan_out: maps that go out.
        side: of the maps that go out; those that come in are as large, or half as large.
        doubling: whether they are half as large.
    """

    def __init__(
        self, config: StyleGANConfig, fan_in: int, fan_out: int, side: int, *, doubling: bool
    ) -> None:
        super().__init__()
        width = config.width if config.mapping else config.codings
        conv = nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False)
        self.enlarge = nn.Upsample(scale_factor=2) if doubling else nn.Identity()
        modulated = config.style == "modulation"
        self.conv = ModulatedConv(conv, width) if modulated else conv
        self.noise = NoiseInjection(fan_out, side) if config.noise else None
        self.bias = nn.Parameter(torch.zeros(fan_out, 1, 1))
        self.activation = nn.LeakyReLU(0.2)
        self.adain = None if modulated else AdaIN(width, fan_out)

    def forward(self, x: Tensor, w: W, noise: Tensor | None) -> Tensor:
        """Return maps in that style."""
        return self.styled(self.unstyled(x, w, noise), w)

    def unstyled(self, x: Tensor, w: W, noise: Tensor | None) -> Tensor:
        """Return maps before AdaIN; with modulation they have their style already."""
        x = self.enlarge(x)
        x = self.conv(x) if self.adain is not None else self.conv(x, w)
        x = x if self.noise is None else self.noise(x, noise)
        return self.activation(x + self.bias)  # type: ignore[no-any-return]

    def styled(self, x: Tensor, w: W) -> Tensor:
        """Return maps as they leave the layer."""
        return x if self.adain is None else self.adain(x, w)


class StyleGenerator(GrowingNetwork):
    """The mapping network and the synthesis network, which grows.

    Args:
        config: of the family.
        shape: of the pictures, whatever the level.
    """

    def __init__(self, config: StyleGANConfig, shape: Shape) -> None:
        super().__init__()
        self.shape, self.sides = shape, sides(shape)
        filters = channels(config, len(self.sides))
        small = filters[0], SMALLEST, SMALLEST
        width = config.width if config.mapping else config.codings
        dense = nn.Linear(width, math.prod(small)), nn.Unflatten(1, small)
        self.begin = ConstantInput(small) if config.constant else nn.Sequential(*dense)
        self.mixing = StyleMixing(config.mixing)
        self.blocks = nn.ModuleList()
        for level, (side, count) in enumerate(zip(self.sides, filters, strict=True)):
            first = StyleLayer(config, filters[max(0, level - 1)], count, side, doubling=level > 0)
            second = StyleLayer(config, count, count, side, doubling=False)
            self.blocks.append(nn.ModuleList([first, second]))
        self.colours = to_rgb(filters, shape[0], growing=config.growing)
        equalise(self, at_run_time=config.equalised)
        self.mapping = mapping_network(  # it has weights of a size of its own
            config.codings, config.width, config.mapping, equalised=config.equalised
        )

    def forward(self, z: Float[Tensor, "batch codings"], growth: GrowthState) -> Pictures:
        """Return pictures in [0, 1], of their full size at every level."""
        return self.synthesise(self.mixing(self.mapping(z), LAYERS * (growth.level + 1)), growth)

    def synthesise(
        self, styles: Styles, growth: GrowthState, noises: Noises | None = None
    ) -> Pictures:
        """Return the pictures of a style for each layer, and noise; by default, that is kept."""
        *_, below, maps = self.maps(styles, growth, noises)
        return to_pictures(self.colours, below, maps, growth, self.shape)

    def maps(
        self, styles: Styles, growth: GrowthState, noises: Noises | None = None
    ) -> list[Tensor]:
        """Return the input of the synthesis, then what each size makes of it."""
        maps: list[Tensor] = [self.begin(styles[:, 0])]
        for level in range(growth.level + 1):
            maps.append(maps[-1])
            for index in range(LAYERS * level, LAYERS * (level + 1)):
                noise = None if noises is None else noises[index]
                maps[-1] = self.layer(index)(maps[-1], styles[:, index], noise)
        return maps

    def unstyled(self, styles: Styles) -> list[Tensor]:
        """Return the maps of each layer before AdaIN, at the full size and with kept noise."""
        x, maps = self.begin(styles[:, 0]), list[Tensor]()
        for index, w in enumerate(styles.unbind(1)):
            maps.append(self.layer(index).unstyled(x, w, None))
            x = self.layer(index).styled(maps[-1], w)
        return maps

    def layer(self, index: int) -> StyleLayer:
        """Return a layer of the synthesis."""
        level, place = divmod(index, LAYERS)
        block: Any = self.blocks[level]
        chosen: StyleLayer = block[place]
        return chosen


class StyleGAN(GrowingGAN):
    """The GAN whose every layer has a style."""

    config: StyleGANConfig
    generator: StyleGenerator

    def __init__(self, config: StyleGANConfig, shape: Shape) -> None:
        super().__init__(config, shape, StyleGenerator(config, shape))

    def style(self, z: Float[Tensor, "batch codings"]) -> Styles:
        """Return the style w of codings, for each layer the same."""
        w: Tensor = self.generator.mapping(z)
        return w[:, None].expand(-1, LAYERS * len(self.sides), -1)

    def mean_style(self) -> Float[Tensor, "style"]:
        """Return w̄, the mean style of AVERAGED codings, each time the same."""
        device = next(self.parameters()).device
        z = torch.randn(AVERAGED, self.codings, generator=generator(0)).to(device)
        mean: Tensor = self.generator.mapping(z).mean(0)
        return mean

    def truncated(self, styles: Styles, psi: float) -> Styles:
        """Return styles pulled to the mean one: at ψ = 0 that is all that is left."""
        return truncated(styles, self.mean_style(), psi)

    def synthesise(self, styles: Styles, noises: Noises | None = None) -> Pictures:
        """Return the pictures, in [0, 1], of styles; with the noise that is kept, by default."""
        return self.generator.synthesise(styles, GrowthState(len(self.sides) - 1), noises)

    def layers(self) -> dict[str, list[int]]:
        """Return the indices of the layers that draw what is coarse, in the middle, and fine."""
        layers = list(range(LAYERS * len(self.sides)))
        coarse, later = layers[:LAYERS], layers[LAYERS:]
        if len(self.sides) == 2:
            return {"coarse": coarse, "fine": later}
        return {"coarse": coarse, "middle": later[:LAYERS], "fine": later[LAYERS:]}

    def noises(self, count: int, rng: torch.Generator, strength: float = 1.0) -> Noises:
        """Return new noise for each layer, so many times as strong as in training."""
        return [
            strength * torch.randn(count, 1, side, side, generator=rng, device=rng.device)
            for side in self.sides
            for _ in range(LAYERS)
        ]

    def sizes(self) -> list[tuple[str, int]]:
        """Return the values of each layer, through both networks."""
        mapping = [("style", self.config.width)] * bool(self.config.mapping)
        return [("codings", self.codings), *mapping, *self.grown_sizes()]
