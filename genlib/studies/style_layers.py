"""What does each layer's style decide? Exchange it, and let the judge say what became of it.

The figures behind three claims about generators by style: coarse layers decide what is drawn and
fine ones how, a walk between two styles is shorter than one between their codings, and AdaIN
makes the generator grow spots that stick out of their maps.
"""

import json
from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from genlib.classifier import Classifier, classified, classifier_of
from genlib.family import Pictures
from genlib.latents import interpolation, spherical_interpolation
from genlib.models.stylegan.model import LAYERS, StyleGAN
from genlib.nn import mixed
from genlib.rng import generator
from genlib.studies.findings import mean_interval
from genlib.studies.starts import StudyOfRun, Styled, styled
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

WALKS, STEPS = 100, 17  # pairs that are walked between, and the pictures of each walk
ROUNDS = 200  # resamplings of each interval
Space = Literal["z", "w"]


class Share(NamedTuple):
    """How much exchanging some styles changes, with 95 % intervals of the first."""

    name: str  # of the layers
    changed: float  # share of pictures that the judge puts in another class
    low: float
    high: float
    pixels: float  # mean absolute change of a pixel


class Length(NamedTuple):
    """How long walks between two pictures are, over the distance of the two, in the features."""

    space: Space  # that they are straight in; in z, on the sphere
    value: float
    low: float  # of its 95 % interval
    high: float


class Exchanged(NamedTuple):
    """All that was measured."""

    pictures: int
    groups: list[Share]  # coarse, middle, fine
    layers: list[Share]  # each by itself
    lengths: list[Length]
    peaks: list[float]  # of each layer: its largest value over the root of the mean square


class StyleLayers(StudyOfRun):
    """What each layer's style decides."""

    study: Literal["style_layers"] = "style_layers"
    start: Styled = Field(description="The run whose styles are exchanged.")
    pictures: int = Field(2000, ge=100, le=10_000, description="Pairs that exchange styles.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the figures; it begins anew."""
        model = styled(workspace.run(self.start)).to(workspace.device)
        wanted = model.layers() | {
            str(layer + 1): [layer] for layer in range(LAYERS * len(model.sides))
        }
        steps = len(wanted) + 2
        classifier, before = yield from classifier_of(self.start.dataset, workspace, steps)
        own, other = (
            drawn_styles(model, self.pictures, seed, workspace.device) for seed in (0, 1)
        )
        pictures, shares = made(model, own), list[Share]()
        known = classified(classifier, pictures).classes
        for name, layers in wanted.items():
            exchanged = made(model, mixed(own, other, layers))
            changed = (classified(classifier, exchanged).classes != known).float()
            moved = float((exchanged - pictures).abs().mean())
            shares.append(Share(name, *interval(changed), moved))
            yield Progress(before + len(shares), before + steps, {})
        lengths = [
            Length(space, *interval(walks(model, classifier, space, workspace.device)))
            for space in ("w", "z")
        ]
        yield Progress(before + steps - 1, before + steps, {})
        groups = len(model.layers())
        found = Exchanged(
            self.pictures, shares[:groups], shares[groups:], lengths, peaks(model, own[:WALKS])
        )
        kept = {"styles.json": json.dumps(found).encode()}
        yield Progress(before + steps, before + steps, kept)


def drawn_styles(
    model: StyleGAN, count: int, seed: int, device: torch.device
) -> Float[Tensor, "batch layers style"]:
    """Return the styles of codings drawn from N(0, I)."""
    z = torch.randn(count, model.codings, generator=generator(seed))
    return model.style(z.to(device))


def made(model: StyleGAN, styles: Float[Tensor, "batch layers style"]) -> Pictures:
    """Return the pictures of styles, with the noise that is kept."""
    return torch.cat([model.synthesise(part) for part in styles.split(500)])


def interval(values: Float[Tensor, "pictures"]) -> tuple[float, float, float]:
    """Return the mean, and its 95 % interval by the bootstrap."""
    return mean_interval(values.cpu(), ROUNDS)


def walk(
    model: StyleGAN, first: Tensor, last: Tensor, space: Space, steps: int
) -> Float[Tensor, "steps layers style"]:
    """Return the styles from one coding z to another, straight in w, or on the sphere in z."""
    if space == "z":
        return model.style(spherical_interpolation(first, last, steps))
    ends = model.style(torch.stack([first, last]))
    return interpolation(ends[0], ends[1], steps)


def walks(
    model: StyleGAN, classifier: Classifier, space: Space, device: torch.device
) -> Float[Tensor, "walks"]:
    """Return, of each walk, its length over the distance of its ends, in the judge's features.

    A way straight for the eye has 1. Karras et al. (2019, section 4.1) take the slope at one
    place of the way, in the features of another network; this is its mean over the whole way.
    """
    z = torch.randn(2, WALKS, model.codings, generator=generator(2)).to(device)
    ways = [walk(model, z[0, pair], z[1, pair], space, STEPS) for pair in range(WALKS)]
    features = classified(classifier, made(model, torch.cat(ways))).features.unflatten(
        0, (WALKS, STEPS)
    )
    lengths: Tensor = (features[:, 1:] - features[:, :-1]).norm(dim=2).sum(1)
    ends: Tensor = (features[:, -1] - features[:, 0]).norm(dim=1).clamp(min=1e-6)
    ratios: Tensor = lengths / ends
    return ratios


def peaks(model: StyleGAN, styles: Float[Tensor, "batch layers style"]) -> list[float]:
    """Return, of each layer's maps before they are normalised, max |a| / √(mean of a²).

    The median over pictures; for maps of N(0, 1) it is about 4.
    """
    return [_peak(maps) for maps in model.generator.unstyled(styles)]


def _peak(maps: Tensor) -> float:
    flat = maps.flatten(1)
    return float((flat.abs().amax(1) / flat.square().mean(1).sqrt()).median())


def exchanged(files: Files) -> Exchanged:
    """Return what `perform` measured."""
    pictures, groups, layers, lengths, found = json.loads(files["styles.json"])
    return Exchanged(
        pictures,
        [Share(*share) for share in groups],
        [Share(*share) for share in layers],
        [Length(*length) for length in lengths],
        found,
    )
