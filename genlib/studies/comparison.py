r"""Four families get the same pictures and time budget; quality, diversity, speed are measured.

Everybody wants all three, and each family is said to give one up. That is the **generative
learning trilemma**: GANs are said to be sharp and fast but to lose modes, VAEs to keep the modes
but to blur, diffusion to do both well but slowly. Each corner of the triangle is a measurement.

**Quality** is the classifier FID, the Fréchet distance between real and generated pictures in the
features $\phi$ of our own classifier, by their means $m, m'$ and covariances $C, C'$:

$$F = \lVert m - m' \rVert^2 + \operatorname{tr}\bigl(C + C' - 2 (C C')^{1/2}\bigr)$$

**Diversity** is the recall: the share of real pictures that lie near a generated one, within the
distance $\hat r_j$ to its fifth nearest other generated picture. Results of version 1 have the
coverage instead: the share of real pictures with a generated one within $r_i$, the distance to the
fifth nearest other real one. Coverage is no pure measure of diversity: a blurred sample lies near
no real picture, whatever its kind. The share of samples in each class says whether kinds are
missing. The Vendi score is an index of how unlike the samples are, real or not, by the eigenvalues
$\lambda$ of their similarities; it is no number of pictures.

$$\text{recall} = \frac 1 n \sum_{i=1}^{n}
\bigl[\exists j: \lVert \phi(x_i) - \phi(\hat x_j) \rVert < \hat r_j\bigr], \qquad
\text{coverage} = \frac 1 n \sum_{i=1}^{n}
\bigl[\exists j: \lVert \phi(x_i) - \phi(\hat x_j) \rVert < r_i\bigr]$$

**Speed** is $v$, pictures a second, of 64 drawn at once. Distances and speeds differ by factors,
so the triangle counts them in logarithms, and all three as shares, clipped to $[0, 1]$:

$$\frac{\ln (F_{\text{worst}} / F)}{\ln (F_{\text{worst}} / F_{\text{real}})}, \qquad
\frac{\text{recall}}{\text{recall}_{\text{real}}}, \qquad
\frac{\ln (v / v_{\text{slowest}})}{\ln (v_{\text{fastest}} / v_{\text{slowest}})}$$

The **budget** is in seconds of the machine that trained the shipped runs: each family gets the
whole number of epochs nearest to it, and one at least, so some train longer. The intervals come
from resampling the pictures, not from training anew: another seed may lie outside.

**References.** A. Géron, *Hands-On Machine Learning*, chapter 17. Z. Xiao, K. Kreis and
A. Vahdat, *Tackling the generative learning trilemma with denoising diffusion GANs*, ICLR (2022).
M. Heusel et al., *GANs trained by a two time-scale update rule*, NeurIPS (2017), for the FID.
M. Naeem et al., *Reliable fidelity and diversity metrics for generative models*, ICML (2020).
D. Friedman and A. Dieng, *The Vendi score*, TMLR (2023). P. Ghosh et al., *From variational to
deterministic autoencoders*, ICLR (2020), for the mixture.
"""

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import AfterValidator, Field
from safetensors.torch import load, save
from torch import Tensor

from genlib.classifier import ClassifierSpec, classifier_of
from genlib.data import DatasetName
from genlib.data.dataset import Dataset
from genlib.data.dataset import load as load_dataset
from genlib.family import Encodes, Generates, encoding, to_float, to_uint8
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.findings import CLASSIFIER_FID, PIXEL_FID, Finding
from genlib.studies.mixture_prior import FITTED, fitted
from genlib.studies.reference import SAMPLES, Reference, Seen
from genlib.studies.starts import MeasuredStudy, of_pictures
from genlib.tasks.durations import Durations
from genlib.tasks.progress import Files, Progress
from genlib.tasks.result import Result, list_from_json, list_to_json
from genlib.tasks.workspace import Workspace

MEMBERS = {"Autoencoder + mixture": "stacked", "VAE": "vae", "GAN": "gan", "Diffusion": "ddpm"}
REAL = "Real pictures"
COMPONENTS = 10  # of the mixture
SHOWN = 64  # samples that are kept, and whose sampling time is measured
REPEATS = 5  # of that; the shortest time counts
SAMPLING = 0.02  # seconds of sampling and classifying a picture, of all four families
MOST = 1000  # epochs
PARTS, MEASURING = 50, 5  # steps of a member's training, and of measuring it, before scaling
SPEED = 6  # steps of the classifier's training in a second: the unit of progress


class Figure(Result):
    """A metric with its 95 % interval."""

    value: float
    low: float
    high: float


class Standing(Result):
    """The metrics of a family, or of real pictures in its place; None where there is no such."""

    name: str
    fid: Figure
    coverage: Figure
    vendi: Figure
    reconstruction: float | None = None  # the test MSE
    parameters: int | None = None
    training: float | None = None  # seconds
    sampling: float | None = None  # seconds of SHOWN samples
    fingerprint: str = ""  # of the run
    precision: Figure | None = None  # version 1 did not measure it, nor the next two
    recall: Figure | None = None
    class_shares: list[float] = []  # of samples, by the classifier
    pixel_fid: Figure | None = None  # neither did version 1 measure this


class Comparison(MeasuredStudy):
    """Four families after the same training budget, on the same data and from the same seed.

    The shipped results are of 2,000 samples and as many training pictures.
    """

    shipped_settings: ClassVar[dict[str, Any]] = {"pictures": 2000}
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
        description="About how long each family trains, on the machine of the shipped runs: in "
        "whole epochs, one at least.",
        json_schema_extra={"options": [10, 30, 120, 240]},
    )
    pictures: int = Field(
        SAMPLES, ge=100, le=10_000, description="Samples that are measured, of each family."
    )

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
        weights = {
            name: max(2 * (PARTS + MEASURING), round(SPEED * workspace.seconds(spec)))
            for name, spec in specs.items()
        }
        total = sum(weights.values())
        classifier, done = yield from classifier_of(self.dataset, workspace, total)
        steps = done + total
        data = load_dataset(self.dataset)
        reference = Reference(classifier, data, self.pictures)
        results, pictures = standings(files), samples(files)
        if not results:
            results.append(Standing(name=REAL, **_figures(reference, reference.other)))
            pictures[REAL] = data.test[:SHOWN]
        for name, spec in specs.items():
            if name not in pictures:
                for part in workspace.train(spec, PARTS):
                    step = done + weights[name] * part // (PARTS + MEASURING)
                    yield Progress(step, steps, _to_files(results, pictures))
                run = workspace.run(spec)
                standing, pictures[name] = _measured(name, run, reference, workspace.device, data)
                results.append(standing)
            done += weights[name]
            yield Progress(done, steps, _to_files(results, pictures))


def _figures(reference: Reference, seen: Seen) -> dict[str, Any]:
    """Return the figures of pictures by their features and classes, under a standing's names."""
    findings = {each.name: each for each in reference.manifold(seen)}
    findings["fid"] = reference.statistic(CLASSIFIER_FID, seen)
    findings["pixel_fid"] = reference.statistic(PIXEL_FID, seen)
    findings["vendi"] = reference.statistic("Vendi score", seen)
    names = "fid", "pixel_fid", "coverage", "vendi", "precision", "recall"
    figures = {name: _figure(findings[name]) for name in names}
    return figures | {"class_shares": reference.class_shares(seen).tolist()}


@torch.no_grad()
def _measured(
    name: str, run: Run, reference: Reference, device: torch.device, data: Dataset
) -> tuple[Standing, Tensor]:
    """Return the standing of a family, and SHOWN of its samples."""
    began = time.perf_counter()
    draw = sampler_of(run, data, device)
    fitting = time.perf_counter() - began
    x = draw(reference.count)
    metrics, encodes = run.provenance.metrics, isinstance(run.family, Encodes)
    standing = Standing(
        name=name,
        **_figures(reference, reference.seen(x)),
        reconstruction=metrics["test_mse"] if encodes else None,
        parameters=sum(weight.numel() for weight in run.family.parameters()),
        training=run.provenance.seconds + fitting,
        sampling=min(_seconds(draw) for _ in range(REPEATS)),
        fingerprint=run.spec.fingerprint,
    )
    return standing, to_uint8(x[:SHOWN])


def sampler_of(run: Run, data: Dataset, device: torch.device) -> Callable[[int], Tensor]:
    """Return a function that samples so many pictures, the same ones each time, on the CPU.

    A family with codings but no prior gets a mixture, fitted to the codings of training pictures.
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


def _figure(finding: Finding) -> Figure:
    return Figure(value=finding.value, low=finding.low, high=finding.high)


def _to_files(results: list[Standing], pictures: dict[str, Tensor]) -> Files:
    return {"standings.json": list_to_json(results), "samples.safetensors": save(pictures)}


def standings(files: Files) -> list[Standing]:
    """Return the standings of `perform`: real pictures first, then each member so far."""
    return list_from_json(Standing, files.get("standings.json", b"[]"))


def samples(files: Files) -> dict[str, Tensor]:
    """Return SHOWN samples by the name of their standing, grey levels 0 … 255."""
    return load(files["samples.safetensors"]) if "samples.safetensors" in files else {}
