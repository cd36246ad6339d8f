"""Tiny families of kinds that are not shipped: integer codes with a prior, and jumps in time."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config, TrainConfig
from genlib.diffusion.config import DiffusionConfig
from genlib.diffusion.diffusion import Diffusion, Objective, network_of
from genlib.diffusion.parameterizations import PARAMETERIZATIONS
from genlib.diffusion.schedules import schedule
from genlib.entry import FamilyEntry, Preset
from genlib.family import Batch, Encodes, Family, Generates, Losses, Shape, Stage
from genlib.models.flow.model import TIMES
from genlib.nn import TimeClassEmbedding
from genlib.nn.conditioning import sinusoidal_embedding

CODES, CODEBOOK, SIZE = 6, 8, 4  # codes of a picture, vectors to choose from, numbers of each


class Codes(Config):
    """The settings of QuantizedAutoencoder: none."""


class QuantizedAutoencoder(Family, Encodes, Generates):
    """Codes are places in a codebook; a prior learns afterwards which one follows which."""

    def __init__(self, config: Codes, shape: Shape) -> None:
        super().__init__(config, shape)
        pixels = shape[0] * shape[1] * shape[2]
        self.encoder = nn.Linear(pixels, CODES * SIZE)
        self.codebook = nn.Embedding(CODEBOOK, SIZE)
        self.decoder = nn.Linear(CODES * SIZE, pixels)
        self.prior = nn.Embedding(CODEBOOK + 1, CODEBOOK)  # logits after a code, or at the start

    def stages(self) -> tuple[Stage, ...]:
        return Stage("codes", 0.5), Stage("prior", 0.5)

    def players(self, stage: str) -> dict[str, nn.Module]:
        if stage == "prior":
            return {"prior": self.prior}
        return {"autoencoder": nn.ModuleList([self.encoder, self.codebook, self.decoder])}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        if batch.stage == "prior":
            with torch.no_grad():
                z = self.encode(batch.x)
            yield "prior", {"nats": F.cross_entropy(self.logits(z).flatten(0, 1), z.flatten())}
            return
        vectors = self.vectors(batch.x)
        chosen = self.codebook(self.encode(batch.x))
        passed = vectors + (chosen - vectors).detach()  # the gradient goes straight through
        yield (
            "autoencoder",
            {
                "mse": F.mse_loss(self.pictures(passed), batch.x),
                "codebook": F.mse_loss(chosen, vectors.detach()),
                "commitment": 0.25 * F.mse_loss(vectors, chosen.detach()),
            },
        )

    def vectors(self, x: Tensor) -> Tensor:
        return self.encoder(x.flatten(1)).view(-1, CODES, SIZE)

    def pictures(self, vectors: Tensor) -> Tensor:
        return self.decoder(vectors.flatten(1)).sigmoid().view(-1, *self.shape)

    def logits(self, z: Tensor) -> Tensor:
        """Return the logits of each code of z after the one before it."""
        start = torch.full_like(z[:, :1], CODEBOOK)
        return self.prior(torch.cat([start, z[:, :-1]], 1))

    def encode(self, x: Tensor) -> Tensor:
        return torch.cdist(self.vectors(x), self.codebook.weight[None]).argmin(2)

    def decode(self, z: Tensor) -> Tensor:
        return self.pictures(self.codebook(z))

    def sample(self, count: int, rng: torch.Generator) -> Tensor:
        z = torch.full((count, 1), CODEBOOK, device=rng.device)
        for _ in range(CODES):
            odds = self.prior(z[:, -1]).softmax(1)
            z = torch.cat([z, torch.multinomial(odds, 1, generator=rng)], 1)
        return self.decode(z[:, 1:])

    def preview(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return torch.cat([self.reconstruct(x), self.sample(len(x), rng)])

    def evaluate(self, x: Tensor) -> Losses:
        z = self.encode(x)
        nats = F.cross_entropy(self.logits(z).flatten(0, 1), z.flatten())
        return {"mse": F.mse_loss(self.decode(z), x), "nats": nats}

    def sizes(self) -> list[tuple[str, int]]:
        pixels = self.decoder.out_features
        return [("picture", pixels), ("codes", CODES), ("picture", pixels)]


class TwoTimes(TimeClassEmbedding):
    """The embedding of a time, and of how far it is to the one to go to: at first of no weight."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(width, classes)
        self.span = nn.Linear(width, width)
        nn.init.zeros_(self.span.weight)
        nn.init.zeros_(self.span.bias)

    def forward(self, t: Tensor, s: Tensor, labels: Tensor | None) -> Tensor:
        vector = super().forward(t, s, labels)
        return vector + self.span(sinusoidal_embedding(t - s, self.width))


class MeanFlow(Diffusion):
    """The mean velocity from t to s, in one evaluation (Geng et al. 2025, arXiv:2505.13447)."""

    def __init__(self, config: DiffusionConfig, shape: Shape) -> None:
        direction, weights = PARAMETERIZATIONS["direction"], torch.ones(TIMES + 1)
        draw = lambda count, rng: torch.rand(count, generator=rng)  # noqa: E731
        goal = Objective(direction, F.mse_loss, weights, draw)
        network = network_of(config, shape, TwoTimes)
        super().__init__(config, shape, network, schedule("flow", TIMES), goal)

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        x = self.scaled(batch.x)
        s, t = torch.rand(2, len(x), generator=rng, device=x.device).sort(0).values
        eps = torch.randn(x.shape, generator=rng, device=x.device)
        across = t.view(-1, 1, 1, 1)
        velocity = eps - x

        def mean_velocity(x_t: Tensor, t: Tensor) -> Tensor:
            return self.network(x_t, self.network.told(t, s, None))

        # eq. 10: u = v − (t − s) du/dt, with du/dt along the path, and no gradient through it
        inputs = (1 - across) * x + across * eps, t
        u, slope = torch.func.jvp(mean_velocity, inputs, (velocity, torch.ones_like(t)))
        target = velocity - (t - s).view(-1, 1, 1, 1) * slope
        error = (u - target.detach()).square().flatten(1).mean(1)
        yield "network", {"loss": (error / (error.detach() + 0.01)).mean()}  # eq. 22, with p = 1


class Entry(FamilyEntry):
    """An entry whose family is in this module."""

    def load(self) -> type[Family]:
        return globals()[self.class_name]


def _entry(config: Config, class_name: str, abilities: set[str], **facts: object) -> Entry:
    preset = Preset(config, TrainConfig(), "It comes next.", "digits")
    return Entry(
        config_type=type(config),
        class_name=class_name,
        presets={"first": preset},
        abilities=frozenset(abilities),
        headline=lambda metrics: "",
        knobs=("learning_rate", "batch_size", "epochs"),
        **facts,
    )


NEXT = {
    "quantized": _entry(Codes(), "QuantizedAutoencoder", {"encodes", "generates"}),
    "meanflow": _entry(
        DiffusionConfig(),
        "MeanFlow",
        {"generates", "diffuses"},
        learns=("pictures", "plane"),
        primary_metric="noise",
    ),
}
