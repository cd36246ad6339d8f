"""A run: what was asked for, and what came of it."""

import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import load, save
from torch import Tensor

from genlib import device as devices
from genlib.config import Config
from genlib.data import DATASETS
from genlib.data.dataset import Dataset
from genlib.data.dataset import load as load_dataset
from genlib.entry import Baseline
from genlib.family import (
    Data,
    Denoises,
    Encodes,
    Family,
    Pictures,
    encoding,
    generating,
    to_float,
)
from genlib.metrics import denoising_error, linear_denoiser, pca_error
from genlib.models import FAMILIES
from genlib.rng import generator
from genlib.runs.spec import RunSpec
from genlib.training.curve import Row
from genlib.training.events import Checkpoint, Diverged, Finished, Snapshot, State, Step
from genlib.training.loop import train


class Provenance(Config):
    """Where and how a run was made, and how good it is on the test pictures."""

    seconds: float
    device: str
    torch: str
    python: str
    created: str
    metrics: dict[str, float]
    threads: int | None = None  # of the CPU; older runs do not say
    kind: str = ""  # of the device: see `genlib.device.kind`

    def same_bits(self, device: torch.device) -> bool:
        """Return whether training on a device of this machine gives the same bits again.

        A GPU never promises to: its sums add up in the order in which they come.
        """
        here = devices.THREADS, devices.kind(device), torch.__version__
        return device.type == "cpu" and here == (self.threads, self.kind, self.torch)


@dataclass(frozen=True)
class Run:
    """A finished run."""

    spec: RunSpec
    family: Family
    curve: list[Row]
    snapshots: list[Snapshot]
    provenance: Provenance

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, its name everywhere: the same knobs have the same one."""
        return self.spec.fingerprint

    def sample(self, count: int, seed: int = 0) -> Pictures:
        """Return new pictures in [0, 1], or points: (count, channels, height, width).

        Args:
            count: how many.
            seed: the same seed gives the same pictures.

        Raises:
            TypeError: the family makes no new pictures, such as a plain autoencoder.
        """
        samples = generating(self.family).sample(count, generator(seed))
        return samples.clamp(0, 1) if DATASETS[self.spec.dataset].kind == "pictures" else samples

    def encode(self, x: Data) -> Float[Tensor, "batch codings"]:
        """Return the codings z of pictures x, the mean ones where they are random.

        Args:
            x: (batch, channels, height, width), numbers in [0, 1] or grey levels 0 … 255 (uint8).

        Raises:
            TypeError: the family has no codings, such as a GAN.
        """
        return encoding(self.family).encode(to_float(x))

    def to_files(self) -> dict[str, bytes]:
        """Return the run as safetensors and JSON."""
        config = {"spec": self.spec, "provenance": self.provenance}
        documents = {name: part.model_dump(mode="json") for name, part in config.items()}
        return {
            "config.json": json.dumps(documents, indent=1).encode(),
            "model.safetensors": save(self.family.state_dict()),
            "history.jsonl": curve_to_json(self.curve),
            "snapshots.safetensors": snapshots_to_tensors(self.snapshots),
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
            snapshots_from_tensors(files["snapshots.safetensors"]),
            Provenance.model_validate(config["provenance"]),
        )


def perform(
    spec: RunSpec,
    device: torch.device,
    state: State | None = None,
    snapshots: tuple[Snapshot, ...] = (),
    parent: Family | None = None,
) -> Iterator[Step | Snapshot | Checkpoint | Diverged | Run]:
    """Train what `spec` says and yield what happens, ending with the Run or with Diverged.

    Args:
        spec: what to train.
        device: where.
        state: a Checkpoint's, to go on from there.
        snapshots: the snapshots taken before that checkpoint.
        parent: the model of the run that `spec` begins with.

    Raises:
        ValueError: the parent that `spec` names was not handed over.
        DatasetUnavailableError: the pictures are not here and cannot be downloaded.
    """
    if (spec.parent is None) != (parent is None):
        raise ValueError("hand over the model of the run that this one begins with, if it has one")
    data = load_dataset(spec.dataset).to(device)
    family = spec.build(parent).to(device)
    seen = {snapshot.step: snapshot for snapshot in snapshots}
    showcase = data.test[data.showcase()]
    events = train(
        family, data.train, data.validation, showcase, spec.train, state, data.train_labels
    )
    for event in events:
        if isinstance(event, Finished):
            yield _finish(spec, event, list(seen.values()), data, device)
            return
        if isinstance(event, Snapshot):
            seen[event.step] = event
        yield event


@torch.no_grad()
def _finish(
    spec: RunSpec, end: Finished, snapshots: list[Snapshot], data: Dataset, device: torch.device
) -> Run:
    """Measure a trained family on the test pictures, beside the simpler method it has to beat."""
    family = end.family.eval().requires_grad_(requires_grad=False)
    test = to_float(data.test)
    metrics = {f"test_{name}": float(value) for name, value in family.evaluate(test).items()}
    baseline = FAMILIES[spec.family].baseline
    if baseline != "none":
        metrics[f"{baseline}_mse"] = BASELINES[baseline](family, to_float(data.train), test)
    provenance = Provenance(
        seconds=end.seconds,
        device=devices.name(device),
        torch=torch.__version__,
        python=platform.python_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics=metrics,
        threads=torch.get_num_threads(),
        kind=devices.kind(device),
    )
    curve = end.curve.read(max(snapshot.step for snapshot in snapshots))
    return Run(spec, family.cpu(), curve, snapshots, provenance)


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


BASELINES: dict[Baseline, Callable[[Any, Tensor, Tensor], float]] = {
    "pca": _pca,
    "linear_denoiser": _linear_denoiser,
}


def curve_to_json(curve: list[Row]) -> bytes:
    """Return a curve as JSON lines."""
    return "".join(json.dumps(row._asdict()) + "\n" for row in curve).encode()


def curve_from_json(content: bytes) -> list[Row]:
    """Return the curve of JSON lines."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in content.splitlines()]
    return [Row(**row) for row in rows]


def snapshots_to_tensors(snapshots: list[Snapshot]) -> bytes:
    """Return snapshots as safetensors: images/<step>, and a tensor for each figure of merit."""
    tensors: dict[str, Tensor] = {}
    for snapshot in snapshots:
        tensors[f"images/{snapshot.step}"] = snapshot.images.contiguous()
        for name, value in snapshot.figures.items():
            tensors[f"{name}/{snapshot.step}"] = torch.tensor(value, dtype=torch.float64)
    return save(tensors)


def snapshots_from_tensors(content: bytes) -> list[Snapshot]:
    """Return the snapshots of safetensors, by step."""
    by_step: dict[int, dict[str, Tensor]] = {}
    for key, value in load(content).items():
        name, _, step = key.partition("/")
        by_step.setdefault(int(step), {})[name] = value
    snapshots = []
    for number, parts in sorted(by_step.items()):
        images = parts.pop("images")
        figures = {name: float(value) for name, value in parts.items()}
        snapshots.append(Snapshot(number, figures, images))
    return snapshots
