"""A run: what was asked for, and what came of it."""

import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, SerializeAsAny, model_validator
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genlib import device as devices
from genlib.config import Config, Settings, TrainConfig
from genlib.curve import Row
from genlib.data import DATASETS, Dataset, DatasetName
from genlib.data import load as load_dataset
from genlib.events import Checkpoint, Diverged, Finished, Snapshot, State, Step
from genlib.family import Data, Denoises, Encodes, Family, Reference, to_float
from genlib.metrics import denoising_error, linear_denoiser, pca_error
from genlib.models import FAMILIES
from genlib.rng import build, generator
from genlib.store import Store
from genlib.train import train

STEP_EFFORT = 3e7  # multiply-adds that the fixed effort of a step is worth


class RunSpec(Config):
    """All that decides what a run gives. Its fingerprint is the run's name everywhere."""

    family: str = Field(max_length=40, title="Family")
    dataset: DatasetName = Field(title="Data set")
    model: SerializeAsAny[Config]
    train: TrainConfig

    @model_validator(mode="before")
    @classmethod
    def _model_is_of_family(cls, data: Any) -> Any:
        """Validate the model by its family's own config."""
        if not isinstance(data, dict) or str(data.get("family")) not in FAMILIES:
            raise ValueError(f"there are only the families {', '.join(FAMILIES)}")
        wanted, model = FAMILIES[data["family"]].config_type, data.get("model")
        right = isinstance(model, wanted)
        return data | {"model": model if right else wanted.model_validate(model)}

    @model_validator(mode="after")
    def _family_learns_the_data(self) -> "RunSpec":
        """Refuse points for a family that learns pictures alone."""
        if DATASETS[self.dataset].kind not in FAMILIES[self.family].learns:
            raise ValueError(f"{self.family} does not learn {DATASETS[self.dataset].kind}")
        return self

    @classmethod
    def of_preset(
        cls, family: str, preset: str | None = None, dataset: DatasetName | None = None
    ) -> "RunSpec":
        """Return a preset's specification: the family's first, on its own data, by default.

        Raises:
            KeyError: there is no such family or preset.
        """
        presets = FAMILIES[family].presets
        chosen = presets[preset or next(iter(presets))]
        return cls(
            family=family,
            dataset=dataset or chosen.dataset,
            model=chosen.model,
            train=chosen.train,
        )

    def build(self) -> Family:
        """Return the untrained family, its weights drawn from the seed."""
        make, shape = FAMILIES[self.family], DATASETS[self.dataset].shape
        return build(lambda: make(self.model, shape), self.train.seed)


class Provenance(Config):
    """Where and how a run was made, and how good it is on the test pictures."""

    seconds: float
    device: str
    torch: str
    python: str
    created: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Moment:
    """A snapshot of training: its step, its figures of merit, and what the model made then."""

    step: int
    figures: dict[str, float]
    images: Data


@dataclass(frozen=True)
class Run:
    """A finished run."""

    spec: RunSpec
    family: Family
    curve: list[Row]
    moments: list[Moment]
    provenance: Provenance

    def to_files(self) -> dict[str, bytes]:
        """Return the run as safetensors and JSON."""
        config = {"spec": self.spec, "provenance": self.provenance}
        documents = {name: part.model_dump(mode="json") for name, part in config.items()}
        return {
            "config.json": json.dumps(documents, indent=1).encode(),
            "model.safetensors": save(self.family.state_dict()),
            "history.jsonl": curve_to_json(self.curve),
            "snapshots.safetensors": moments_to_tensors(self.moments),
        }

    @classmethod
    def from_files(cls, files: dict[str, bytes]) -> "Run":
        """Return the run of `to_files`."""
        config = json.loads(files["config.json"])
        spec = RunSpec.model_validate(config["spec"])
        family = spec.build()
        family.load_state_dict(load(files["model.safetensors"]))
        return cls(
            spec,
            family.eval().requires_grad_(requires_grad=False),
            curve_from_json(files["history.jsonl"]),
            moments_from_tensors(files["snapshots.safetensors"]),
            Provenance.model_validate(config["provenance"]),
        )


def perform(
    spec: RunSpec,
    device: torch.device,
    state: State | None = None,
    moments: tuple[Moment, ...] = (),
) -> Iterator[Step | Snapshot | Checkpoint | Diverged | Run]:
    """Train what `spec` says and yield what happens, ending with the Run or with Diverged.

    Args:
        spec: what to train.
        device: where.
        state: a Checkpoint's, to go on from there.
        moments: the snapshots taken before that checkpoint.

    Raises:
        DatasetUnavailableError: the pictures are not here and cannot be downloaded.
    """
    data = load_dataset(spec.dataset).to(device)
    family = spec.build().to(device)
    seen = {moment.step: moment for moment in moments}
    events = train(
        family,
        data.train,
        data.validation,
        data.test[data.showcase()],
        spec.train,
        state,
        data.train_labels,
    )
    for event in events:
        if isinstance(event, Finished):
            yield _finish(spec, event, list(seen.values()), data, device)
            return
        if isinstance(event, Snapshot):
            seen[event.step] = Moment(event.step, event.figures, event.images)
        yield event


@torch.no_grad()
def _finish(
    spec: RunSpec, end: Finished, moments: list[Moment], data: Dataset, device: torch.device
) -> Run:
    """Measure a trained family on the test pictures, beside the simpler method it has to beat."""
    family = end.family.eval().requires_grad_(requires_grad=False)
    test = to_float(data.test)
    metrics = {f"test_{name}": float(value) for name, value in family.evaluate(test).items()}
    if family.reference != "none":
        name = f"{family.reference}_mse"
        metrics[name] = REFERENCES[family.reference](family, to_float(data.train), test)
    provenance = Provenance(
        seconds=end.seconds,
        device=devices.name(device),
        torch=torch.__version__,
        python=platform.python_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics=metrics,
    )
    curve = end.curve.read(max(moment.step for moment in moments))
    return Run(spec, family.cpu(), curve, moments, provenance)


def _pca(family: Encodes, train_x: Tensor, test_x: Tensor) -> float:
    """Return the test error of PCA with as many components as the family has codings."""
    codings = family.encode(test_x[:1]).shape[1]
    return pca_error(train_x.flatten(1), test_x.flatten(1), codings)


def _linear_denoiser(family: Denoises, train_x: Tensor, test_x: Tensor) -> float:
    """Return the test error of the best linear denoiser of the family's own corruption."""
    flat = train_x.flatten(1)
    best = linear_denoiser(flat, family.noise_variance(flat, family.level))
    corrupted = family.corrupt(test_x, generator(0, test_x.device), family.level)
    return denoising_error(best, corrupted.flatten(1), test_x.flatten(1))


REFERENCES: dict[Reference, Callable[[Any, Tensor, Tensor], float]] = {
    "pca": _pca,
    "linear_denoiser": _linear_denoiser,
}


def open_store(settings: Settings) -> Store:
    """Return the store of the home folder, over the runs shipped with the package."""
    shipped = Path(__file__).with_name("zoo")
    return Store(settings.home, shipped, int(settings.quota_gb * 1e9), settings.runs)


def curve_to_json(curve: list[Row]) -> bytes:
    """Return a curve as JSON lines."""
    return "".join(json.dumps(row._asdict()) + "\n" for row in curve).encode()


def curve_from_json(content: bytes) -> list[Row]:
    """Return the curve of JSON lines."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in content.splitlines()]
    return [Row(**row) for row in rows]


def moments_to_tensors(moments: list[Moment]) -> bytes:
    """Return snapshots as safetensors: images/<step>, and a tensor for each figure of merit."""
    tensors: dict[str, Tensor] = {}
    for moment in moments:
        tensors[f"images/{moment.step}"] = moment.images.contiguous()
        for name, value in moment.figures.items():
            tensors[f"{name}/{moment.step}"] = torch.tensor(value, dtype=torch.float64)
    return save(tensors)


def moments_from_tensors(content: bytes) -> list[Moment]:
    """Return the snapshots of safetensors, by step."""
    by_step: dict[int, dict[str, Tensor]] = {}
    for key, value in load(content).items():
        name, _, step = key.partition("/")
        by_step.setdefault(int(step), {})[name] = value
    moments = []
    for number, parts in sorted(by_step.items()):
        images = parts.pop("images")
        figures = {name: float(value) for name, value in parts.items()}
        moments.append(Moment(number, figures, images))
    return moments


def estimated_seconds(spec: RunSpec, known: Run) -> float:
    """Return about how long a run takes here, from one of its family that was measured.

    A step costs the multiply-adds of its pictures, and a fixed effort that is worth about
    STEP_EFFORT of them.
    """

    def effort(wanted: RunSpec) -> float:
        count = wanted.train.pictures or DATASETS[wanted.dataset].pictures
        batch = min(wanted.train.batch_size, count)
        steps = wanted.train.epochs * (count // batch)
        return steps * (STEP_EFFORT + batch * multiply_adds(wanted))

    return known.provenance.seconds * effort(spec) / effort(known.spec)


@lru_cache(maxsize=256)
@torch.no_grad()
def multiply_adds(spec: RunSpec) -> int:
    """Return the multiply-adds of a step for each picture, but for a factor of the family.

    A layer uses its weights once at each place: of its output, or of what it spreads out.
    """
    counts = [0]

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor | tuple[Any, ...]) -> None:
        weights = sum(weight.numel() for weight in layer.parameters(recurse=False))
        made = output if isinstance(output, Tensor) else output[0]
        places = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else made
        counts.append(weights * places.numel() // places.shape[1 if places.ndim == 4 else -1])

    family = spec.build()
    for layer in list(family.modules()):
        if parametrize.is_parametrized(layer):  # making its weight costs next to nothing
            parametrize.remove_parametrizations(layer, "weight")
        layer.register_forward_hook(count)
    family.preview(torch.zeros(1, *DATASETS[spec.dataset].shape), generator(0))
    return round(sum(counts) * family.effort())
