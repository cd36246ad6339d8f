"""The chapter's recipes as people write them: plain PyTorch, a DataLoader, NAdam.

Each network is the book's own, whatever our presets do: batches of 32, learning rate 0.001.
"""

import gzip
import itertools
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from genlib.data.catalogue import DEBIAN


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)


def dense(*sizes: int) -> nn.Sequential:
    """Return dense layers with ReLU after each but the last."""
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Reshaped(nn.Module):
    """A network whose output becomes pictures again."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction."""
        return self.layers(x).view_as(x)


def convolutional() -> nn.Module:
    """Return filters 16-32-64-30 with pooling, global average; transposed 32-16-1 back."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 30, 3, padding="same"), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(30, 3 * 3 * 16), nn.Unflatten(1, (16, 3, 3))),
        *(nn.ConvTranspose2d(16, 32, 3, stride=2), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
        nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),
    )


class Recurrent(nn.Module):
    """LSTMs 100 and 30 over the rows; the last state repeated, LSTM 100, dense 28."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            nn.LSTM(28, 100, batch_first=True),
            nn.LSTM(100, 30, batch_first=True),
        )
        self.back, self.row = nn.LSTM(30, 100, batch_first=True), nn.Linear(100, 28)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction."""
        codings = self.second(self.first(x[:, 0])[0])[0][:, -1]
        return self.row(self.back(codings[:, None].expand(-1, 28, -1))[0])[:, None]


class Sparse(nn.Module):
    """784-100-300-100-784 with sigmoid codings; keeps their activations."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(dense(784, 100, 300), nn.Sigmoid())
        self.decoder = dense(300, 100, 784)
        self.activations = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction."""
        self.activations = self.encoder(x)
        return self.decoder(self.activations).view_as(x)

    def l1(self) -> Tensor:
        """Return 1e-4 Σ|a|."""
        return 1e-4 * self.activations.abs().sum(1).mean()

    def kl(self) -> Tensor:
        """Return 5e-3 Σ KL(0.1 ‖ mean activation)."""
        q = self.activations.mean(0)
        return 5e-3 * (0.1 * torch.log(0.1 / q) + 0.9 * torch.log(0.9 / (1 - q))).sum()


class Variational(nn.Module):
    """784-150-100, ten codings drawn from each picture's cloud, and back; keeps the clouds."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(dense(784, 150, 100), nn.ReLU())
        self.mean, self.gamma = nn.Linear(100, 10), nn.Linear(100, 10)
        self.decoder = dense(10, 100, 150, 784)
        self.clouds = torch.empty(0), torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of a draw."""
        h = self.encoder(x)
        mean, gamma = self.clouds = self.mean(h), self.gamma(h)
        z = mean + torch.exp(gamma / 2) * torch.randn_like(mean)
        return self.decoder(z).view_as(x)

    def nats(self) -> Tensor:
        """Return KL(q(z | x) ‖ N(0, I)), the mean over the batch."""
        mean, gamma = self.clouds
        return -0.5 * (1 + gamma - gamma.exp() - mean.square()).sum(1).mean()

    def kl(self) -> Tensor:
        """Return the KL divergence by pixel, as the book adds it to the mean squared error."""
        return self.nats() / 784


class Recipe(NamedTuple):
    """A network of the book, how long it trains, and what stands before it and in its loss."""

    network: Callable[[], nn.Module]
    epochs: int
    penalty: Callable[[nn.Module], Tensor] | None = None
    corrupted: bool = False  # by dropout of one half


RECIPES = {
    "stacked": Recipe(lambda: Reshaped(dense(784, 100, 30, 100, 784)), 20),
    "convolutional": Recipe(convolutional, 10),
    "recurrent": Recipe(Recurrent, 10),
    "denoising": Recipe(lambda: Reshaped(dense(784, 100, 30, 100, 784)), 10, corrupted=True),
    "sparse L1": Recipe(Sparse, 10, Sparse.l1),
    "sparse KL": Recipe(Sparse, 10, Sparse.kl),
    "vae": Recipe(Variational, 25, Variational.kl),
}


def pictures(folder: Path) -> Subset[tuple[Tensor, int]]:
    """Return torchvision's Fashion-MNIST, from Debian's files; the first 55,000."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for path in DEBIAN.glob("*.gz"):
        with gzip.open(path) as packed, (raw / path.stem).open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    return Subset(FashionMNIST(folder, train=True, transform=ToTensor()), range(55_000))


def trained(
    recipe: Recipe, data: Subset[tuple[Tensor, int]], epochs: int, device: torch.device
) -> tuple[float, nn.Module]:
    """Return (seconds of the epochs, the network) of a recipe."""
    loader = DataLoader(data, batch_size=32, shuffle=True)
    model = recipe.network().to(device)
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
    started = time.perf_counter()
    for epoch in range(epochs):
        for batch, _ in loader:
            x = batch.to(device)
            loss = F.mse_loss(model(F.dropout(x) if recipe.corrupted else x), x)
            if recipe.penalty is not None:
                loss = loss + recipe.penalty(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        say(f"textbook: epoch {epoch + 1}, {time.perf_counter() - started:.1f} s")
    return time.perf_counter() - started, model
