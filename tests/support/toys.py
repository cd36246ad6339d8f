"""Families small enough to know by hand, for the tests of the training loop."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genlib.config import Config
from genlib.family import Batch, Family, Losses, Stage
from genlib.rng import build

SHAPE = (1, 4, 4)


class Toy(Family):
    """What every toy shares: it shows the pictures it is given, and remembers its batches."""

    def __init__(self) -> None:
        super().__init__(Config(), SHAPE)
        self.batches: list[Tensor] = []

    def preview(self, x: Tensor, rng: torch.Generator) -> Tensor:
        return x

    def evaluate(self, x: Tensor) -> Losses:
        return {"mean": x.mean()}

    def sizes(self) -> list[tuple[str, int]]:
        return [("picture", 16), ("picture", 16)]


class Copier(Toy):
    """A linear map from a picture to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(16, 16)
        self.seen: list[torch.dtype] = []

    def players(self, stage: str) -> dict[str, nn.Module]:
        return {"copier": self.net}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        self.batches.append(batch.x)
        x = batch.x.flatten(1)
        output = self.net(x)
        self.seen.append(output.dtype)
        yield "copier", {"mse": F.mse_loss(output.float(), x)}


class Denoiser(Toy):
    """A linear map from a noisy picture, with statistics and two losses."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Linear(8, 16))

    def players(self, stage: str) -> dict[str, nn.Module]:
        return {"denoiser": self.net}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        x = batch.x.flatten(1)
        noise = torch.rand(x.shape, generator=rng, device=x.device)
        output = self.net(x + noise)
        yield "denoiser", {"z": F.mse_loss(output, x), "a": output.abs().mean()}


class Stacker(Toy):
    """First an outer autoencoder, then an inner one on its codings."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 16))
        self.inner = nn.Linear(8, 8)

    def stages(self) -> tuple[Stage, ...]:
        return Stage("outer", 0.4), Stage("inner", 0.6)

    def players(self, stage: str) -> dict[str, nn.Module]:
        return {stage: getattr(self, stage)}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        self.batches.append(batch.x)
        x = batch.x.flatten(1)
        if batch.stage == "outer":
            yield "outer", {"mse": F.mse_loss(self.outer(x), x)}
        else:
            codings = self.outer[:2](x).detach()
            yield "inner", {"inner_mse": F.mse_loss(self.inner(codings), codings)}


class Duel(Toy):
    """Two players: the maker's graph is left attached to the critic's loss on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.maker, self.critic = nn.Linear(4, 16), nn.Linear(16, 1)
        self.snapshots: list[dict[str, Tensor]] = []

    def players(self, stage: str) -> dict[str, nn.Module]:
        return {"critic": self.critic, "maker": self.maker}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        x = batch.x.flatten(1)
        z = torch.randn(len(x), 4, generator=rng, device=x.device)
        self._remember()
        real, fake = self.critic(x), self.critic(self.maker(z))
        yield "critic", {"real": F.softplus(-real).mean(), "fake": F.softplus(fake).mean()}
        self._remember()
        yield "maker", {"maker": F.softplus(-self.critic(self.maker(z))).mean()}
        self._remember()

    def _remember(self) -> None:
        self.snapshots.append({name: value.clone() for name, value in self.state_dict().items()})


class Bomb(Toy):
    """A loss of 1 that moves no weight, and is `value` in the steps `when` alone."""

    def __init__(self, when: set[int], value: float, stages: tuple[Stage, ...]) -> None:
        self.phases = stages
        super().__init__()
        self.net = nn.Linear(2, 2)
        self.when, self.value, self.steps = when, value, 0

    def stages(self) -> tuple[Stage, ...]:
        return self.phases

    def players(self, stage: str) -> dict[str, nn.Module]:
        return {"bomb": self.net}

    def updates(self, batch: Batch, rng: torch.Generator) -> Iterator[tuple[str, Losses]]:
        self.steps += 1
        level = self.value if self.steps in self.when else 1.0
        yield "bomb", {"loss": (0 * self.net.weight).sum() + level}


def initialized(make: type[Toy], seed: int = 0) -> Toy:
    """Return a toy with weights drawn from a seed."""
    return build(make, seed)
