r"""A recurrent autoencoder reads a picture as a sequence: one row after the other, top to bottom.

An LSTM keeps a *state* and changes it at each row $x_t$; what it holds after the last row are the
codings. The decoder is given those codings again at every step and writes the rows one by one.

$$h_t = \mathrm{LSTM}(x_t, h_{t-1}), \quad z = h_T, \qquad
s_t = \mathrm{LSTM}(z, s_{t-1}), \quad \hat x_t = W s_t + b$$

At each row the LSTM's gates, numbers between 0 and 1, decide what to forget, what to add and
what to show: $c_t = f_t \odot c_{t-1} + i_t \odot g_t$ and $h_t = o_t \odot \tanh c_t$. The same
weights serve every row, so the network takes pictures of any number of rows. The rows of a picture
must be read one after the other; only different pictures can be read at the same time.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. S. Hochreiter, J. Schmidhuber,
*Long short-term memory*, Neural Computation 9 (1997). N. Srivastava, E. Mansimov,
R. Salakhutdinov, *Unsupervised learning of video representations using LSTMs*, ICML (2015).
"""

from pydantic import Field

from genlib.config import Config, TrainConfig, textbook_recipe
from genlib.entry import FamilyEntry, Preset
from genlib.headlines import reconstruction


class RecurrentConfig(Config):
    """Two LSTMs to the codings, one back."""

    codings: int = Field(
        30,
        ge=1,
        le=128,
        title="Codings",
        description="How many numbers a picture must pass through: the last state.",
    )
    hidden: int = Field(
        100,
        ge=8,
        le=256,
        title="Hidden units",
        description="Units of the first LSTM and of the one that writes the rows.",
        json_schema_extra={"options": [16, 32, 64, 100, 128, 256]},
    )


FAMILY = FamilyEntry(
    config_type=RecurrentConfig,
    class_name="RecurrentAutoencoder",
    knobs=("codings", "hidden", "learning_rate", "epochs"),
    presets={
        "fast": Preset(
            RecurrentConfig(),
            TrainConfig(batch_size=128, epochs=3, learning_rate=0.03),
            "The textbook's network with Muon on the gates, large batches, averaged weights.",
            elsewhere={"digits": {"codings": 10, "hidden": 64}},
        ),
        "textbook": Preset(
            RecurrentConfig(),
            textbook_recipe(10),
            "The chapter's own recipe: NAdam, batches of 32, 10 epochs.",
        ),
        "break it": Preset(
            RecurrentConfig(codings=2),
            TrainConfig(batch_size=128, epochs=1, learning_rate=0.03),
            "A state of two numbers: little of a picture fits into it.",
        ),
    },
    baseline="pca",
    abilities=frozenset({"encodes"}),
    headline=reconstruction,
)
