r"""Four families get the same pictures and time; who is sharp, diverse and fast is measured.

Everybody wants all three, and each family is said to give one up. That is the **generative
learning trilemma**: GANs draw sharp pictures at once but lose modes, VAEs keep the modes and draw
at once but blur, diffusion does both well but walks a long way for each picture. Each corner of
the triangle is a measurement.

**Quality** is the classifier FID, the Fréchet distance between real and generated pictures in the
features $\phi$ of our own classifier, by their means $m, m'$ and covariances $C, C'$:

$$F = \lVert m - m' \rVert^2 + \operatorname{tr}\bigl(C + C' - 2 (C C')^{1/2}\bigr)$$

**Diversity** is the coverage: the share of real pictures with a generated one in their
neighbourhood, which reaches to the fifth nearest other real picture, $r_i$ away. The Vendi score
beside it counts how many different pictures there seem to be, whether real or not, by the
eigenvalues $\lambda$ of their similarities.

$$c = \frac 1 n \sum_{i=1}^{n}
\bigl[\min_j \lVert \phi(x_i) - \phi(\hat x_j) \rVert < r_i\bigr], \qquad
\operatorname{Vendi} = \exp\Bigl(-\sum\nolimits_k \lambda_k \ln \lambda_k\Bigr)$$

**Speed** is $v$, pictures a second, of 64 drawn at once. Distances and speeds differ by factors,
so the triangle counts them in logarithms, and all three as shares, clipped to $[0, 1]$:

$$\frac{\ln (F_{\text{worst}} / F)}{\ln (F_{\text{worst}} / F_{\text{real}})}, \qquad
\frac{c}{c_{\text{real}}}, \qquad
\frac{\ln (v / v_{\text{slowest}})}{\ln (v_{\text{fastest}} / v_{\text{slowest}})}$$

The **budget** is in seconds of the machine that trained the shipped runs: each family gets as
many whole epochs as its own shipped run says they are worth, and one at least. The intervals come
from drawing the judged pictures anew, not from training anew: another seed may lie outside.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. Z. Xiao, K. Kreis and
A. Vahdat, *Tackling the generative learning trilemma with denoising diffusion GANs*, ICLR (2022).
M. Heusel et al., *GANs trained by a two time-scale update rule*, NeurIPS (2017), for the FID.
M. Naeem et al., *Reliable fidelity and diversity metrics for generative models*, ICML (2020).
D. Friedman and A. Dieng, *The Vendi score*, TMLR (2023). P. Ghosh et al., *From variational to
deterministic autoencoders*, ICLR (2020), for the mixture.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import AfterValidator, Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.classifier import Classifier, ClassifierSpec, classified, classifier_of
from genlib.config import Config
from genlib.data import DatasetName
from genlib.data.dataset import Dataset
from genlib.data.dataset import load as load_dataset
from genlib.family import Encodes, Generates, encoding, to_float, to_uint8
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.findings import Finding, coverage, of_statistic
from genlib.studies.mixture_prior import FITTED, fitted
from genlib.studies.starts import of_pictures
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.workspace import Workspace

MEMBERS = {"Autoencoder + mixture": "stacked", "VAE": "vae", "GAN": "gan", "Diffusion": "ddpm"}
REAL = "Real pictures"
COMPONENTS = 10  # of the mixture
SHOWN = 64  # samples that are kept, and whose time is told
SAMPLING = 0.02  # seconds that drawing and judging a picture takes, of all four families
REPEATS = 5  # of that; the shortest time counts
MOST = 1000  # epochs
PARTS, MEASURING = 50, 5  # into which the progress of a member is told, and those after training
PACE = 6  # steps that the judge's training takes in a second: the unit of progress


class Figure(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Standing(NamedTuple):
    """What a family reached, or real pictures in its place; None where there is no such figure."""

    name: str
    fid: Figure
    coverage: Figure
    vendi: Figure
    reconstruction: float | None = None  # the test MSE
    parameters: int | None = None
    training: float | None = None  # seconds
    sampling: float | None = None  # seconds for SHOWN samples
    fingerprint: str = ""  # of the run


class Comparison(Config):
    """Four families after the same training budget, on the same data and from the same seed."""

    study: Literal["comparison"] = "comparison"
    dataset: Annotated[DatasetName, AfterValidator(of_pictures)] = Field(title="Data set")
    seed: int = Field(
        0,
        ge=0,
        le=9_999,
        title="Seed",
        description="The start of all four trainings: the same seed gives the same samples.",
    )
    seconds: int = Field(
        120,
        ge=1,
        le=240,
        title="Training budget in seconds",
        description="How long each family may train, on the machine of the shipped runs. One "
        "epoch is the least.",
        json_schema_extra={"options": [10, 30, 120, 240]},
    )
    pictures: int = Field(2000, ge=100, le=10_000, description="Samples that are judged.")

    def specs(self, seconds: Callable[[RunSpec], float]) -> dict[str, RunSpec]:
        """Return the run of each family, with the epochs that the budget pays for.

        Args:
            seconds: returns about how long a run takes where the shipped runs were trained.
        """
        return {name: self._spec(family, seconds) for name, family in MEMBERS.items()}

    def _spec(self, family: str, seconds: Callable[[RunSpec], float]) -> RunSpec:
        preset = RunSpec.of_preset(family, dataset=self.dataset)

        def lasting(epochs: int) -> RunSpec:
            changed = {"epochs": epochs, "seed": self.seed}
            return preset.model_copy(update={"train": preset.train.model_copy(update=changed)})

        return lasting(min(MOST, max(1, round(self.seconds / seconds(lasting(1))))))

    @property
    def prerequisites(self) -> tuple[RunSpec, ...]:
        """None: it trains its members itself."""
        return ()

    def estimated_seconds(self, durations: Durations) -> float | None:
        """Return about how long what is missing takes: runs, the classifier, and the samples."""
        if any(durations.of_run(RunSpec.of_preset(family)) is None for family in MEMBERS.values()):
            return None
        specs = self.specs(lambda spec: durations.of_run(spec) or 0.0)
        seconds = durations.of_missing(specs.values()) + SAMPLING * self.pictures
        classifier = ClassifierSpec(dataset=self.dataset)
        if not durations.store.has_run(classifier.fingerprint):
            seconds += classifier.estimated_seconds(durations) or 0.0
        return seconds

    def perform(self, workspace: Workspace, files: Files) -> Iterator[Progress]:
        """Yield the standings so far; members that were measured before are kept."""
        specs = self.specs(workspace.seconds)
        worth = {
            name: max(2 * (PARTS + MEASURING), round(PACE * workspace.seconds(spec)))
            for name, spec in specs.items()
        }
        classifier, done = yield from classifier_of(self.dataset, workspace, sum(worth.values()))
        steps = done + sum(worth.values())
        data = load_dataset(self.dataset)
        compared = _Compared(classifier, data, min(self.pictures, len(data.test), len(data.train)))
        found, kept = standings(files), samples(files)
        if not found:
            found.append(Standing(REAL, *compared.figures(compared.other)))
            kept[REAL] = data.test[:SHOWN]
        for name, spec in specs.items():
            if name not in kept:
                for part in workspace.train(spec, PARTS):
                    step = done + worth[name] * part // (PARTS + MEASURING)
                    yield Progress(step, steps, _to_files(found, kept))
                standing, kept[name] = compared.member(name, workspace.run(spec), workspace.device)
                found.append(standing)
            done += worth[name]
            yield Progress(done, steps, _to_files(found, kept))


class _Compared:
    """What every member is compared with.

    Args:
        judge: whose features are compared.
        data: the data set.
        count: pictures of each kind.
    """

    def __init__(self, classifier: Classifier, data: Dataset, count: int) -> None:
        self.classifier, self.data, self.count = classifier, data, count
        self.real = classified(classifier, to_float(data.train[-count:])).features
        self.other = classified(classifier, to_float(data.test[:count])).features

    def figures(self, made: Tensor) -> tuple[Figure, Figure, Figure]:
        """Return the classifier FID, the coverage and the Vendi score of pictures' features."""
        places = self.real, made, self.other
        found = of_statistic("classifier FID", *places), coverage(*places)
        fid, covered, vendi = map(_figure, (*found, of_statistic("Vendi score", *places)))
        return fid, covered, vendi

    @torch.no_grad()
    def member(self, name: str, run: Run, device: torch.device) -> tuple[Standing, Tensor]:
        """Return where a member stands, and SHOWN of its samples."""
        began = time.perf_counter()
        draw = drawing(run, self.data, device)
        fitting = time.perf_counter() - began
        made = draw(self.count)
        figures = self.figures(classified(self.classifier, made.clamp(0, 1)).features)
        metrics, encodes = run.provenance.metrics, isinstance(run.family, Encodes)
        standing = Standing(
            name,
            *figures,
            reconstruction=metrics["test_mse"] if encodes else None,
            parameters=sum(weight.numel() for weight in run.family.parameters()),
            training=run.provenance.seconds + fitting,
            sampling=min(_seconds(draw) for _ in range(REPEATS)),
            fingerprint=run.spec.fingerprint,
        )
        return standing, to_uint8(made[:SHOWN])


def drawing(run: Run, data: Dataset, device: torch.device) -> Callable[[int], Tensor]:
    """Return what draws so many new pictures, the same ones each time, on the CPU.

    What has codings but no prior gets a mixture, fitted to the codings of training pictures.
    """
    family = run.family
    if isinstance(family, Generates):
        return lambda count: family.sample(count, generator(0, device)).cpu()
    model = encoding(family)
    codings = model.encode(to_float(data.train[:FITTED]).to(device)).cpu()
    prior = fitted(codings, COMPONENTS)
    return lambda count: model.decode(prior.sample(count, generator(0)).to(device)).cpu()


def _seconds(draw: Callable[[int], Tensor]) -> float:
    began = time.perf_counter()
    draw(SHOWN)
    return time.perf_counter() - began


def _figure(found: Finding) -> Figure:
    return Figure(found.value, found.low, found.high)


def _to_files(found: list[Standing], kept: dict[str, Tensor]) -> Files:
    return {
        "standings.json": json.dumps(found).encode(),
        "samples.safetensors": save(kept),
    }


def standings(files: Files) -> list[Standing]:
    """Return the standings of `perform`: real pictures first, then each member so far."""
    rows: list[list[Any]] = json.loads(files.get("standings.json", b"[]"))
    return [
        Standing(name, Figure(*fid), Figure(*coverage), Figure(*vendi), *others)
        for name, fid, coverage, vendi, *others in rows
    ]


def samples(files: Files) -> dict[str, Tensor]:
    """Return SHOWN samples by the name of their standing, grey levels 0 … 255."""
    return load(files["samples.safetensors"]) if "samples.safetensors" in files else {}


class Shares(NamedTuple):
    """A member's place on each axis of the triangle: 0 is the inner ring, 1 the rim."""

    quality: float  # in ln F: 0 the worst member, 1 real pictures
    diversity: float  # coverage over that of real pictures
    speed: float  # in ln v: 0 the slowest member, 1 the fastest


def shares(found: list[Standing]) -> dict[str, Shares]:
    """Return the places of all members on the axes of the triangle."""
    real, *members = found
    worst = max(each.fid.value for each in members)
    learning_rate_multipliers = {
        each.name: SHOWN / each.sampling for each in members if each.sampling
    }
    slowest, fastest = (
        min(learning_rate_multipliers.values()),
        max(learning_rate_multipliers.values()),
    )
    return {
        each.name: Shares(
            _between(each.fid.value, worst, real.fid.value),
            min(1.0, each.coverage.value / real.coverage.value),
            _between(learning_rate_multipliers[each.name], slowest, fastest),
        )
        for each in members
    }


def _between(value: float, zero: float, one: float) -> float:
    """Return where a value lies between two others, by logarithms, clipped to [0, 1]."""
    whole = math.log(one / zero)
    return min(1.0, max(0.0, math.log(value / zero) / whole)) if whole else 1.0
