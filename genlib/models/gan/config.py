r"""A forger and a detective learn from each other, until the forger's pictures pass for real.

The **generator** turns random codings into pictures; the **discriminator** gets pictures, half of
them real, and says which are. In **phase 1** the discriminator learns, in **phase 2** the
generator does, through the discriminator: it never sees a real picture itself.

$$\min_D\ \mathbb E_x\bigl[-\ln \sigma(D(x))\bigr]
+ \mathbb E_z\bigl[-\ln(1 - \sigma(D(G(z))))\bigr], \qquad
\min_G\ \mathbb E_z\bigl[-\ln \sigma(D(G(z)))\bigr]$$

Where nobody can tell the pictures apart, the discriminator says ½ to all, and this loss is
$2 \ln 2 \approx 1.386$. The first preset's relativistic loss is $\ln 2 \approx 0.693$ there: each
loss has a level of its own. Neither player's loss says how good the pictures are: each is measured
against an opponent that changes too. And nothing keeps the generator from giving up a part of the
data. It may find that shoes fool the discriminator best and make nothing else (**mode collapse**);
the discriminator may then learn that shoes are forged, the generator move on to shirts, and so on
round the classes. So look at what is in the pictures, not at the losses.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. I. Goodfellow et al.,
*Generative adversarial nets*, NeurIPS (2014). T. Salimans et al., *Improved techniques for
training GANs*, NeurIPS (2016), for label smoothing and minibatch discrimination. N. Huang et al.,
*The GAN is dead; long live the GAN*, NeurIPS (2024), for the recipe of the first preset.
"""

from pydantic import Field

from genlib.adversarial.config import AdversarialConfig, adversarial_entry
from genlib.config import Nonlinearity, TrainConfig
from genlib.entry import Preset


class GANConfig(AdversarialConfig):
    """Two dense networks, and the rules of their game."""

    codings: int = Field(
        30, ge=1, le=128, title="Codings", description="Random numbers that a picture is made of."
    )
    hidden: int = Field(
        150,
        ge=8,
        le=1024,
        title="Hidden units",
        description="Units of the layers next to the picture; the others have two thirds as many.",
        json_schema_extra={"options": [16, 32, 64, 150, 300, 512, 768, 1024]},
    )
    activation: Nonlinearity = Field(
        "selu", title="Activation", description="The nonlinearity after each hidden layer."
    )


BOOK = TrainConfig(
    optimizer="rmsprop",
    learning_rate=1e-3,
    batch_size=32,
    epochs=10,
    warmup=0.0,
    decay="none",
    ema=0.0,
)

FAMILY = adversarial_entry(
    config_type=GANConfig,
    class_name="DenseGAN",
    knobs=("loss", "r1", "r2", "codings", "epochs"),
    presets={
        "fast": Preset(
            GANConfig(hidden=300, activation="leaky relu", loss="relativistic", r1=3.0, r2=3.0),
            TrainConfig(
                optimizer="adam",
                momentum=0.0,
                learning_rate=2e-3,
                batch_size=64,
                epochs=10,
                ema=0.995,
            ),
            "Pictures paired with real ones, penalties on D's gradient, larger networks, Adam.",
            elsewhere={"digits": {"hidden": 150}},
        ),
        "textbook": Preset(GANConfig(), BOOK, "The chapter's own networks and recipe: RMSprop."),
        "collapse": Preset(
            GANConfig(critic_rate=0.1),
            BOOK.model_copy(update={"epochs": 2}),
            "A D ten times slower than G, for 2 epochs: a few pictures fool it for long.",
        ),
        "experience replay": Preset(
            GANConfig(replay=4096), BOOK, "The chapter's first cure: D also meets older pictures."
        ),
        "minibatch discrimination": Preset(
            GANConfig(minibatch_discrimination=True),
            BOOK,
            "The chapter's second cure: D is told how alike the pictures of a batch are.",
        ),
    },
)
