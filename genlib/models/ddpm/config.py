r"""Noise is added to a picture in many small steps; a network learns to take a step back.

The **forward process** needs no learning. It mixes ever more noise into a picture, and its closed
form reaches any step at once:

$$x_t = \sqrt{\bar\alpha_t}\, x + \sqrt{1 - \bar\alpha_t}\, \varepsilon, \qquad
\bar\alpha_t = \prod_{s \le t} (1 - \beta_s), \qquad \varepsilon \sim \mathcal N(0, I)$$

In the book the network predicts the noise in $x_t$ from $x_t$ and the time. Its loss is a mean
squared error, or Huber's, at a random time:

$$\mathcal L = \mathbb E_{t, x, \varepsilon}
\bigl[w_t \lVert \varepsilon - \hat\varepsilon(x_t, t) \rVert^2\bigr]$$

Whoever knows the noise knows the picture, $\hat x_0 = (x_t - \sigma_t \hat\varepsilon)/\alpha_t$,
and the **score**, $\nabla \ln p(x_t) = -\hat\varepsilon / \sigma_t$. The guess is the mean of all
pictures that may have become $x_t$: blurred where there is much noise. So the **reverse process**
takes a small step towards it, and asks again.

Instead of the noise, the network may be asked for the picture, or for the **velocity**
$v = \alpha_t \varepsilon - \sigma_t x$: the noise where the picture is clean, minus the picture
where all is noise, and so always what is harder to see. All presets but “textbook” predict the
velocity. Min-SNR weighting keeps the nearly clean times, which are many, from taking all its
attention.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. J. Ho et al., *Denoising
diffusion probabilistic models*, NeurIPS (2020). A. Nichol and P. Dhariwal, *Improved denoising
diffusion probabilistic models*, ICML (2021). T. Salimans and J. Ho, *Progressive distillation*,
ICLR (2022), for the velocity. T. Hang et al., *Efficient diffusion training via min-SNR
weighting*, ICCV (2023). W. Peebles and S. Xie, *Scalable diffusion models with transformers*,
ICCV (2023).
"""

from typing import Any, Literal

from pydantic import Field

from genlib.config import textbook_recipe
from genlib.diffusion.config import LARGE, PLANE, QUICK, THOROUGH, DiffusionConfig, diffusion_entry
from genlib.entry import Preset

Prediction = Literal["noise", "picture", "velocity"]


class DDPMConfig(DiffusionConfig):
    """A schedule of noise, what is asked of the network, and the network."""

    timesteps: int = Field(
        1000,
        ge=1,
        le=4000,
        title="Time steps T",
        description="Steps from a picture to noise. Training costs the same for any number.",
        json_schema_extra={"options": [1, 10, 50, 100, 200, 500, 1000, 2000, 4000]},
    )
    schedule: Literal["cosine", "linear", "sigmoid", "linear, not scaled"] = Field(
        "cosine",
        title="Schedule",
        description="The noise schedule: how much noise there is at each time.",
    )
    prediction: Prediction = Field(
        "noise",
        title="Prediction target",
        description="What the network outputs: the noise, the clean picture, or the velocity, a "
        "mixture of both.",
    )
    loss: Literal["mse", "huber"] = Field(
        "mse",
        title="Loss",
        description="Huber's loss grows only linearly with errors above 1, as in the chapter.",
    )
    min_snr: float = Field(
        0.0,
        ge=0.0,
        le=20.0,
        title="Min-SNR γ",
        description="Times at which the signal is more than so many times the noise, by power, "
        "count less: 0 weighs nothing, 5 is usual.",
        json_schema_extra={"options": [0.0, 1.0, 5.0, 20.0]},
    )


PREDICTED: dict[Prediction, str] = {  # of a network, with the formula of x̂_0
    "noise": r"the **noise** $\varepsilon$",
    "picture": "the **clean picture** $x$",
    "velocity": r"the **velocity** $v = \alpha_t \varepsilon - \sigma_t x$",
}


def training_loss(config: DDPMConfig) -> str:
    """Return what the training loss of these settings is."""
    error = "Huber's loss" if config.loss == "huber" else "squared error"
    weights = f", weighted by min-SNR with γ = {config.min_snr:g}" if config.min_snr else ""
    return f"{error} of {PREDICTED[config.prediction]}{weights}"


CALM: dict[str, Any] = {"prediction": "velocity", "min_snr": 5.0}

FAMILY = diffusion_entry(
    config_type=DDPMConfig,
    class_name="DDPM",
    knobs=("prediction", "schedule", "timesteps", "conditional", "epochs"),
    training_loss=training_loss,
    presets={
        "fast": Preset(
            DDPMConfig(**CALM),
            QUICK,
            "A U-Net on half the height and width that predicts the velocity: clothes in minutes.",
            elsewhere={"digits": {"width": 16}},
        ),
        "thorough": Preset(
            DDPMConfig(**CALM),
            THOROUGH,
            "The same for ten epochs.",
        ),
        "textbook": Preset(
            DDPMConfig(network="book's", width=16, timesteps=4000, loss="huber"),
            textbook_recipe(100),
            "The chapter's own: it predicts the noise. T = 4,000, Huber's loss, NAdam; hours on a "
            "CPU.",
        ),
        "best": Preset(
            DDPMConfig(**CALM, width=96, depth=2),
            LARGE,
            "A larger U-Net for a GPU.",
        ),
        "never noise": Preset(
            DDPMConfig(**CALM, timesteps=200, schedule="linear, not scaled"),
            QUICK,
            "A schedule made for 1,000 steps, with 200: it ends before the picture is gone.",
        ),
        "in the plane": Preset(
            DDPMConfig(width=128, depth=3, prediction="velocity"),
            PLANE,
            "Points in the plane, where the score can be drawn beside the exact one.",
            "ring",
        ),
    },
)
