"""What does each layer's style decide? Exchange it, and let the classifier say what changed.

The figures behind three claims about generators by style: coarse layers decide what is drawn and
fine ones how, a path between two styles is shorter than one between their codings, and AdaIN
makes the generator grow spots that stick out of their maps. The first claim needs two counts: a
picture that changes its class need not get that of the picture whose styles it was given.
"""

from collections.abc import Iterator
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int64
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
from genlib.tasks.result import Result
from genlib.tasks.workspace import Workspace

PATHS, STEPS = 100, 17  # between pairs of styles, and the pictures of each path
ROUNDS = 200  # resamplings of each interval
Space = Literal["w", "z"]
Classes = Int64[Tensor, "pictures"]


class Share(Result):
    """How much exchanging some styles changes, with 95 % intervals of the first."""

    name: str  # of the layers
    changed: float  # share of pictures that the classifier puts in another class
    low: float
    high: float
    pixels: float  # mean absolute change of a pixel


class Length(Result):
    """How long paths between two pictures are, over the distance of the two, in the features."""

    space: Space  # in which they are straight; in z, on the sphere
    value: float
    low: float  # of its 95 % interval
    high: float


class DonorShares(Result):
    """How many pictures have the class of the one whose styles they are given, their donor."""

    pictures: int
    before: float  # share of pairs of one class before any exchange
    groups: dict[str, float]  # share with the donor's class, by the layers that are exchanged


class Exchanged(Result):
    """The effect of exchanged styles, the length of paths, and the peaks of maps."""

    pictures: int
    groups: list[Share]  # coarse, middle, fine
    layers: list[Share]  # each by itself
    lengths: list[Length]
    peaks: list[float]  # of each layer: its largest value over the root of the mean square
    donors: DonorShares | None = None  # studies shipped earlier did not count them


class StyleLayers(StudyOfRun):
    """What each layer's style decides."""

    study: Literal["style_layers"] = "style_layers"
    start: Styled = Field(description="The run whose styles are exchanged.")
    pictures: int = Field(2000, ge=100, le=10_000, description="Pairs that exchange styles.")

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield how far it is, at last the result; it begins anew."""
        device = workspace.device
        model = styled(workspace.run(self.start)).to(device)
        groups = model.layers()
        layers = {str(layer + 1): [layer] for layer in range(LAYERS * len(model.sides))}
        steps = len(groups) + len(layers) + 2
        classifier, before = yield from classifier_of(self.start.dataset, workspace, steps)
        own, other = (drawn_styles(model, self.pictures, seed, device) for seed in (0, 1))
        pictures, shares = synthesized(model, own), list[Share]()
        classes, after = classified(classifier, pictures).classes, dict[str, Tensor]()
        for name, exchanged in (groups | layers).items():
            x = synthesized(model, mixed(own, other, exchanged))
            after[name] = classified(classifier, x).classes
            value, low, high = interval((after[name] != classes).float())
            pixels = float((x - pictures).abs().mean())
            shares.append(Share(name=name, changed=value, low=low, high=high, pixels=pixels))
            yield Progress(before + len(shares), before + steps)
        lengths = [_length(model, classifier, space, device) for space in get_args(Space)]
        yield Progress(before + steps - 1, before + steps)
        result = Exchanged(
            pictures=self.pictures,
            groups=shares[: len(groups)],
            layers=shares[len(groups) :],
            lengths=lengths,
            peaks=peaks(model, own[:PATHS]),
            donors=_shares_of(
                classes,
                classified(classifier, synthesized(model, other)).classes,
                {name: after[name] for name in groups},
            ),
        )
        yield Progress(before + steps, before + steps, {"styles.json": result.to_json()})


def _length(model: StyleGAN, classifier: Classifier, space: Space, device: torch.device) -> Length:
    value, low, high = interval(path_lengths(model, classifier, space, device))
    return Length(space=space, value=value, low=low, high=high)


def donor_shares(
    model: StyleGAN, classifier: Classifier, count: int, device: torch.device
) -> DonorShares:
    """Return how many pictures get their donor's class with its styles at some layers."""

    def classes(styles: Tensor) -> Tensor:
        return classified(classifier, synthesized(model, styles)).classes

    own, other = (drawn_styles(model, count, seed, device) for seed in (0, 1))
    after = {name: classes(mixed(own, other, layers)) for name, layers in model.layers().items()}
    return _shares_of(classes(own), classes(other), after)


def _shares_of(before: Classes, wanted: Classes, after: dict[str, Classes]) -> DonorShares:
    """Return the shares by the class of each picture, of its donor, and of each exchange."""
    return DonorShares(
        pictures=len(wanted),
        before=float((before == wanted).float().mean()),
        groups={name: float((each == wanted).float().mean()) for name, each in after.items()},
    )


def drawn_styles(
    model: StyleGAN, count: int, seed: int, device: torch.device
) -> Float[Tensor, "batch layers style"]:
    """Return the styles of codings drawn from N(0, I)."""
    z = torch.randn(count, model.codings, generator=generator(seed))
    return model.style(z.to(device))


def synthesized(model: StyleGAN, styles: Float[Tensor, "batch layers style"]) -> Pictures:
    """Return the pictures of styles, with the model's own fixed noise."""
    return torch.cat([model.synthesise(part) for part in styles.split(500)])


def interval(values: Float[Tensor, "pictures"]) -> tuple[float, float, float]:
    """Return the mean, and its 95 % interval by the bootstrap."""
    return mean_interval(values.cpu(), ROUNDS)


def path(
    model: StyleGAN, first: Tensor, last: Tensor, space: Space, steps: int
) -> Float[Tensor, "steps layers style"]:
    """Return the styles from one coding z to another, straight in w, or on the sphere in z."""
    if space == "z":
        return model.style(spherical_interpolation(first, last, steps))
    ends = model.style(torch.stack([first, last]))
    return interpolation(ends[0], ends[1], steps)


def path_lengths(
    model: StyleGAN, classifier: Classifier, space: Space, device: torch.device
) -> Float[Tensor, "paths"]:
    """Return the length of each path over the distance of its ends, in the features.

    A path that looks straight has 1. The perceptual path length of Karras et al. (2019, section
    4.1) takes the slope at one place of the path, in the features of another network; this is
    its mean over the whole path.
    """
    z = torch.randn(2, PATHS, model.codings, generator=generator(2)).to(device)
    styles = [path(model, z[0, pair], z[1, pair], space, STEPS) for pair in range(PATHS)]
    x = synthesized(model, torch.cat(styles))
    features = classified(classifier, x).features.unflatten(0, (PATHS, STEPS))
    lengths: Tensor = (features[:, 1:] - features[:, :-1]).norm(dim=2).sum(1)
    ends: Tensor = (features[:, -1] - features[:, 0]).norm(dim=1).clamp(min=1e-6)
    ratios: Tensor = lengths / ends
    return ratios


def peaks(model: StyleGAN, styles: Float[Tensor, "batch layers style"]) -> list[float]:
    """Return, of each layer's maps before they are normalised, max |a| / √(mean of a²).

    The median over pictures. It has no level of its own for chance: maps are taken after noise,
    bias and activation. Compare it with that of the same network before training.
    """
    return [_peak(maps) for maps in model.generator.unstyled(styles)]


def _peak(maps: Tensor) -> float:
    flat = maps.flatten(1)
    return float((flat.abs().amax(1) / flat.square().mean(1).sqrt()).median())


def exchanged(files: Files) -> Exchanged:
    """Return the result of `perform`."""
    return Exchanged.from_json(files["styles.json"])
