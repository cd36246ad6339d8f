r"""Two players: a generator turns noise into points, a discriminator tells them from real ones.

Each learns from the other. In **phase 1** the discriminator $D$ sees real points and generated
ones and learns to say which is which; in **phase 2** the generator $G$ learns to make points that
$D$ takes for real. In the plane you can see all of the game: the field of $D$, and how $G$ bends
the plane of its codings.

$$\min_D\ \mathbb E_x\bigl[-\ln \sigma(D(x))\bigr] + \mathbb E_z\bigl[-\ln(1 - \sigma(D(G(z))))
\bigr], \qquad \min_G\ \mathbb E_z\bigl[-\ln \sigma(D(G(z)))\bigr]$$

Where $D$ can do no better than guess, its loss is $2 \ln 2 \approx 1.386$. But nothing says that
the game ends there: the generator may give up a part of the data (**mode collapse**), or the two
may circle for ever, as each answers what the other did last.

The most thorough cure known pairs each generated point with a real one and keeps $D$ from being
steep at either:

$$\min_D\ \mathbb E\bigl[-\ln \sigma(D(x) - D(G(z)))\bigr]
+ \tfrac{\gamma}{2} \mathbb E \lVert \nabla D(x) \rVert^2
+ \tfrac{\gamma}{2} \mathbb E \lVert \nabla D(G(z)) \rVert^2$$

The first part rewards every real point for lying above its partner, so that no part of the data
can be forgotten; **R1** and **R2**, the other two, make the game converge.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. I. Goodfellow et al.,
*Generative adversarial nets*, NeurIPS (2014). Z. Lin et al., *PacGAN*, NeurIPS (2018), for the
ring, the grid and what counts as a mode. L. Mescheder et al., *Which training methods for GANs do
actually converge?*, ICML (2018). N. Huang et al., *The GAN is dead; long live the GAN*, NeurIPS
(2024), for relativistic pairing with both penalties.
"""

from typing import Any

from pydantic import Field

from genlib.adversarial.config import AdversarialConfig, adversarial_entry
from genlib.config import Nonlinearity, TrainConfig
from genlib.entry import Preset


class GAN2DConfig(AdversarialConfig):
    """Two dense networks, and the rules of their game."""

    hidden: int = Field(
        128,
        ge=4,
        le=512,
        title="Hidden units",
        description="Units of each of the two hidden layers, in both networks.",
        json_schema_extra={"options": [8, 16, 32, 64, 128, 256]},
    )
    activation: Nonlinearity = Field(
        "relu", title="Activation", description="The nonlinearity after each hidden layer."
    )


BOOK: dict[str, Any] = {"activation": "tanh"}  # the two networks of PacGAN's experiments


def _recipe(**changes: Any) -> TrainConfig:
    """Return a quick recipe that ends calmly, with changes."""
    common = {"optimizer": "adam", "learning_rate": 4e-3, "batch_size": 64, "warmup": 0.0}
    calm = {"epochs": 20, "momentum": 0.5, "decay": "linear", "ema": 0.995}
    return TrainConfig(**common | calm | changes)


FAMILY = adversarial_entry(
    config_type=GAN2DConfig,
    class_name="PlaneGAN",
    presets={
        "cured": Preset(
            GAN2DConfig(loss="relativistic", r1=0.01, r2=0.01),
            _recipe(epochs=50, momentum=0.0, ema=0.999),
            "Each point paired with a real one, D never steep: all modes, from every seed.",
            "ring",
        ),
        "collapse": Preset(
            GAN2DConfig(**BOOK),
            _recipe(decay="none", ema=0.0),
            "The textbook's loss, and a learning rate that stays high: G runs from mode to mode.",
            "ring",
        ),
        "calmed": Preset(
            GAN2DConfig(**BOOK),
            _recipe(),
            "The collapse, but the learning rate falls to 0 and G's weights are averaged.",
            "ring",
        ),
        "PacGAN": Preset(
            GAN2DConfig(**BOOK, packing=4),
            _recipe(),
            "Calmed, and D sees four points at once: four from one mode give themselves away.",
            "ring",
        ),
        "experience replay": Preset(
            GAN2DConfig(**BOOK, replay=4096),
            _recipe(learning_rate=1e-3),
            "Calmed, slower, and D also meets what G made before, against going round in circles.",
            "ring",
        ),
        "minibatch discrimination": Preset(
            GAN2DConfig(**BOOK, minibatch_discrimination=True),
            _recipe(learning_rate=1e-3),
            "Calmed, slower, and D is told how near each point is to the others of its batch.",
            "ring",
        ),
        "small": Preset(
            GAN2DConfig(**BOOK, hidden=64),
            _recipe(epochs=5, decay="none", ema=0.0),
            "The collapse with half as many units and fewer steps: quick to try things on.",
            "ring",
        ),
    },
    learns=("plane",),
    shows=("sample", "bent grid", "field"),
)
