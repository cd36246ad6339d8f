r"""Give every layer of the generator a style of its own, and mix the styles of two pictures.

A **mapping network** turns codings $z$ into a style $w$, and the **synthesis network** draws a
learned constant, 4 × 4 places large, larger and larger. Codings go in nowhere else: each layer is
told by $w$ how strong each of its maps shall be, by **adaptive instance normalisation**,

$$\mathrm{AdaIN}(x_i, y) = y_{s,i}\,\frac{x_i - \mu(x_i)}{\sigma(x_i)} + y_{b,i},
\qquad (y_s, y_b) = A\,w,$$

with an affine $A$ of its own. It discards how strong the maps of the layers before were, so the
style of one layer rules only up to the next. In large generators coarse layers decide on shapes
and fine ones on shading; how far that holds here is counted in the lesson. What is left to chance
in a picture comes from **noise** that each layer gets, one number a pixel, times a strength that
each map learns. With **mixing regularisation** some pictures are made of two codes, switched at a
random layer, so that layers do not rely on each other.

With **truncation** $w' = \bar w + \psi\,(w - \bar w)$, styles are pulled to the mean style:
$\psi = 0$ is the mean picture, $\psi = 1$ all variety.

AdaIN has a fault. It throws away how strong maps are compared with each other, and generators
learned to save it by a spot in one map so strong that it swallows the rest: **droplets** in large
pictures. **Modulation** scales the weights by the style instead, and divides by the strength that
is to be expected, not by the one that is there:

$$w'_{ijk} = s_i\,w_{ijk}, \qquad
w''_{ijk} = w'_{ijk} \Big/ \sqrt{\textstyle\sum_{i,k} (w'_{ijk})^2 + \varepsilon}.$$

Both networks grow as in the lesson before, and the discriminator is that lesson's.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. T. Karras, S. Laine, T. Aila,
*A style-based generator architecture for generative adversarial networks*, CVPR (2019). T. Karras
et al., *Analyzing and improving the image quality of StyleGAN*, CVPR (2020), for modulation.
X. Huang, S. Belongie, *Arbitrary style transfer in real-time with adaptive instance
normalization*, ICCV (2017).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from genlib.adversarial.config import RECIPE, THOROUGH, GrowingConfig, growing_entry
from genlib.entry import Preset


class StyleGANConfig(GrowingConfig):
    """A generator by style and a discriminator that grow, and the rules of the game."""

    ingredients: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mapping network": {"mapping": 0},
        "constant input": {"constant": False},
        "noise": {"noise": False},
        "mixing regularisation": {"mixing": 0.0},
        "AdaIN (modulation instead)": {"style": "modulation"},
        "growing": {"growing": False},
    }

    width: int = Field(
        64, ge=8, le=512, title="Style", description="Numbers in the style w of a layer."
    )
    mapping: int = Field(
        8,
        ge=0,
        le=8,
        title="Mapping layers",
        description="Of the network from codings z to styles w; without any, the codings "
        "themselves are the style.",
    )
    style: Literal["AdaIN", "modulation"] = Field(
        "AdaIN",
        title="Style by",
        description="Normalising each map and giving it the style's mean and strength, or "
        "scaling the weights of its convolution.",
    )
    constant: bool = Field(
        True,
        title="Constant input",
        description="Begin with a learned constant; otherwise with a dense layer of the style.",
    )
    noise: bool = Field(
        True,
        title="Noise",
        description="Adds random numbers to each layer, for details that no style decides.",
    )
    mixing: float = Field(
        0.9,
        ge=0.0,
        le=1.0,
        title="Mixing regularisation",
        description="The share of training pictures made of two codes; 0 is off.",
        json_schema_extra={"step": 0.1},
    )


FAST = StyleGANConfig(filters=8, loss="relativistic", r1=0.3, r2=0.3)


def changed(note: str, **knobs: Any) -> Preset:
    """Return the first preset with some knobs changed."""
    return Preset(FAST.model_copy(update=knobs), RECIPE, note)


FAMILY = growing_entry(
    config_type=StyleGANConfig,
    class_name="StyleGAN",
    knobs=("style", "mixing", "noise", "growing", "epochs"),
    presets={
        "fast": changed(
            "Everything of the paper, with a relativistic loss and penalties on D's gradient."
        ),
        "thorough": Preset(FAST, THOROUGH, "The same for three times as long."),
        "modulation": changed(
            "Weight modulation in place of AdaIN: the style scales the weights, not the "
            "normalised maps.",
            style="modulation",
        ),
        "no mixing": changed("Every training picture is made of one code.", mixing=0.0),
        "z is the style": changed("Without a mapping network.", mapping=0),
    },
)
