r"""A picture and noise are the ends of a straight line; a network learns its direction.

$$x_t = (1 - t)\, x + t\, \varepsilon, \qquad \frac{\mathrm d x_t}{\mathrm d t} = \varepsilon - x,
\qquad \mathcal L = \mathbb E_{t, x, \varepsilon}
\bigl[\lVert (\varepsilon - x) - \hat v(x_t, t) \rVert^2\bigr]$$

Through one place pass the lines of many pairs; the network learns the **mean velocity** there.
Following it from $t = 1$ to $0$ takes noise to data. These paths do not cross, so they bend where
lines of pairs cross: how much, the page measures, beside the paths of diffusion with its cosine.
The straighter they are, the fewer steps are enough.

At both ends the velocity is a known mean: that of the data at $t = 1$, that of the noise at
$t = 0$. So $t$ is drawn from a **logit-normal** distribution, which prefers the middle. The price:
times near 0 are rarely trained, and a sampler with many small steps visits them.

$$\operatorname{logit} t \sim \mathcal N(0, 1)$$

**References.** Y. Lipman et al., *Flow matching for generative modeling*, ICLR (2023).
X. Liu et al., *Flow straight and fast*, ICLR (2023). P. Esser et al., *Scaling rectified flow
transformers*, ICML (2024), for the logit-normal times. W. Peebles and S. Xie, *Scalable diffusion
models with transformers*, ICCV (2023). J. Ho and T. Salimans, *Classifier-free diffusion
guidance* (2022).
"""

from pydantic import Field

from genlib.diffusion.config import LARGE, PLANE, QUICK, THOROUGH, DiffusionConfig, diffusion_entry
from genlib.entry import Preset


class FlowConfig(DiffusionConfig):
    """The network, and which times it learns most about."""

    centre: float = Field(
        0.0,
        ge=-2.0,
        le=2.0,
        title="Usual time",
        description="The mean of logit t: 0 is the middle, less is nearer to the data.",
        json_schema_extra={"step": 0.1},
    )
    spread: float = Field(
        1.0,
        ge=0.1,
        le=3.0,
        title="Spread of times",
        description="The standard deviation of logit t: large ones prefer both ends.",
        json_schema_extra={"step": 0.1},
    )


def training_loss(config: FlowConfig) -> str:
    """Return what the training loss of these settings is."""
    times = f"logit t is normal with mean {config.centre:g} and deviation {config.spread:g}"
    return rf"squared error of the **direction** $\varepsilon - x$, at times whose {times}"


FAMILY = diffusion_entry(
    config_type=FlowConfig,
    class_name="FlowMatching",
    knobs=("conditional", "network", "width", "learning_rate", "epochs"),
    training_loss=training_loss,
    presets={
        "fast": Preset(
            FlowConfig(),
            QUICK,
            "A U-Net on half the height and width: clothes in minutes, on two cores.",
            elsewhere={"digits": {"width": 16}},
        ),
        "thorough": Preset(
            FlowConfig(),
            THOROUGH,
            "The same for ten epochs.",
        ),
        "told the class": Preset(
            FlowConfig(conditional=True),
            THOROUGH.model_copy(update={"epochs": 5}),
            "Told what each picture shows, so that you can ask it for a class.",
        ),
        "best": Preset(
            FlowConfig(conditional=True, width=96, depth=2),
            LARGE,
            "A larger U-Net for a GPU.",
        ),
        "in the plane": Preset(
            FlowConfig(width=128, depth=3),
            PLANE,
            "Points in the plane, where the paths can be drawn.",
            "ring",
        ),
    },
)
