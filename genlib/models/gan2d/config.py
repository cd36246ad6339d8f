r"""Two players: a generator turns noise into points, a discriminator tells them from real ones.

Each learns from the other. In **phase 1** the discriminator $D$ sees real points and generated
ones and learns to say which is which; in **phase 2** the generator $G$ learns to make points that
$D$ takes for real. In the plane you can see all of the game: the field of $D$, and how $G$ bends
the plane of its codings.

$$\min_D\ \mathbb E_x\bigl[-\ln \sigma(D(x))\bigr] + \mathbb E_z\bigl[-\ln(1 - \sigma(D(G(z))))
\bigr], \qquad \min_G\ \mathbb E_z\bigl[-\ln \sigma(D(G(z)))\bigr]$$

Where $D$ can do no better than guess, this loss is $2 \ln 2 \approx 1.386$; each other loss has a
level of its own. But nothing says that the game ends there. The generator may give up a part of
the data: its points are good, but lie at a few modes (**mode collapse**). The two may circle for
ever, as each answers what the other did last. Or the points lie at no mode at all: the game
**diverged**.

The first preset pairs each generated point with a real one, and keeps $D$ from being steep at
either:

$$\min_D\ \mathbb E\bigl[-\ln \sigma(D(x) - D(G(z)))\bigr]
+ \tfrac{\gamma}{2} \mathbb E \lVert \nabla D(x) \rVert^2
+ \tfrac{\gamma}{2} \mathbb E \lVert \nabla D(G(z)) \rVert^2$$

The first part compares each real point with a generated one, so that real points where $G$ draws
nothing stay in the loss. A $D$ that only guesses has $\ln 2 \approx 0.693$. **R1** and **R2**,
the other two, damp the circling. That the game then converges is proved only near its solution;
whether it keeps all modes from any start, many seeds have to show.

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
    knobs=("loss", "r1", "r2", "learning_rate", "epochs"),
    presets={
        "cured": Preset(
            GAN2DConfig(loss="relativistic", r1=0.01, r2=0.01),
            _recipe(epochs=50, momentum=0.0, ema=0.999),
            "Points paired with real ones, penalties on D's gradient, and 50 epochs in place of "
            "20: all modes, from each of ten seeds.",
            "ring",
        ),
        "collapse": Preset(
            GAN2DConfig(**BOOK),
            _recipe(decay="none", ema=0.0),
            "The textbook's loss, and a learning rate that stays high: at the end its points lie "
            "at no mode, which is divergence.",
            "ring",
        ),
        "calmed": Preset(
            GAN2DConfig(**BOOK),
            _recipe(),
            "Like “collapse”, but the learning rate falls to 0 and G's weights are averaged.",
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
            "Calmed, at a quarter of the rate, and D also meets what G made before, against going "
            "round in circles.",
            "ring",
        ),
        "minibatch discrimination": Preset(
            GAN2DConfig(**BOOK, minibatch_discrimination=True),
            _recipe(learning_rate=1e-3),
            "Calmed, at a quarter of the rate, and D is told how near each point is to the others "
            "of its batch.",
            "ring",
        ),
        "small": Preset(
            GAN2DConfig(**BOOK, hidden=64),
            _recipe(epochs=5, decay="none", ema=0.0),
            "Like “collapse”, with half as many units and fewer steps: quick to try things on.",
            "ring",
        ),
    },
    learns=("plane",),
    shows=("sample", "bent grid", "field"),
)
