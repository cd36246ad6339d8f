r"""Learn to draw coarse pictures first: they are learned in seconds, and details come last.

A large picture is hard to forge and easy to tell from a real one, so both players begin with
pictures of 4 × 4 pixels. When those are good, a layer that doubles the size is added to each, and
**fades in**: while $\alpha$ goes from 0 to 1, the picture is

$$x = (1 - \alpha)\,\mathrm{up}(x_\text{old}) + \alpha\,x_\text{new},$$

so that new layers with random weights do not spoil at once what was learned. Three more ideas come
with it, and here each is a switch.

- **Minibatch standard deviation**, at the end of the discriminator: the standard deviation over
  the batch of each value, averaged to one number, as one more map. A batch of pictures that are
  all alike gives itself away, so the generator is pushed to vary them.
- **Equalised learning rate**: all weights are drawn from $\mathcal N(0, 1)$ and multiplied by
  $\sqrt{2 / n_\text{inputs}}$ where they are used. An optimizer that makes steps of one size for
  all weights, as Adam does, then changes each layer by the same share.
- **Pixelwise normalisation**, after each convolution of the generator: each place's values are
  divided by the root of their mean square,

$$b_{xy} = a_{xy} \Big/ \sqrt{\tfrac 1N \textstyle\sum_j (a^j_{xy})^2 + \varepsilon}.$$

At 1,024 × 1,024 pixels growing saved most of the time, since most steps were on small pictures,
and large ones did not train well from the start. At 32 × 32 there are four sizes and whole
pictures are cheap; what growing is worth here, the ablation measures.

Pictures are put in the middle of a black square, of 32 × 32 pixels for those of 28 × 28. Whatever
the stage, both players are given pictures of the full size: the generator repeats its pixels, the
discriminator averages them away first.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. T. Karras, T. Aila, S. Laine,
J. Lehtinen, *Progressive growing of GANs for improved quality, stability, and variation*, ICLR
(2018).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from genlib.adversarial.config import RECIPE, THOROUGH, GrowingConfig, growing_entry
from genlib.entry import Preset


class ProgressiveConfig(GrowingConfig):
    """Two networks that grow, the switches of their ingredients, and the rules of the game."""

    ingredients: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "growing": {"growing": False},
        "fade-in": {"fading": 0.0},
        "minibatch standard deviation": {"minibatch_std": False},
        "equalised learning rate": {"equalised": False},
        "pixelwise normalisation": {"pixel_norm": False},
    }

    pixel_norm: bool = Field(
        True,
        title="Pixelwise normalisation",
        description="Divides the values of each place, in the generator, by the root of their "
        "mean square.",
    )


FAST = ProgressiveConfig(filters=8, loss="relativistic", r1=0.3, r2=0.3)


BARE = {
    knob: value
    for knobs in ProgressiveConfig.ingredients.values()
    for knob, value in knobs.items()
}

FAMILY = growing_entry(
    config_type=ProgressiveConfig,
    class_name="ProgressiveGAN",
    knobs=("growing", "fading", "equalised", "pixel_norm", "minibatch_std"),
    presets={
        "fast": Preset(
            FAST,
            RECIPE,
            "All four ingredients, with a relativistic loss and penalties on D's gradient.",
        ),
        "thorough": Preset(FAST, THOROUGH, "The same for three times as long."),
        "not grown": Preset(
            FAST.model_copy(update={"growing": False}),
            RECIPE,
            "The same networks and as many steps, for whole pictures from the first step on.",
        ),
        "paper": Preset(
            ProgressiveConfig(loss="wasserstein", gradient_penalty=10.0),
            RECIPE.model_copy(update={"learning_rate": 1e-3}),
            "The loss and the learning rate of the paper, which had days for it.",
        ),
        "bare": Preset(
            FAST.model_copy(update=BARE),
            RECIPE.model_copy(update={"learning_rate": 2e-3}),
            "None of the ingredients, and a sixth of the learning rate: with all of it, this "
            "diverges.",
        ),
    },
)
