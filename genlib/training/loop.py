"""The one training loop, the same for every family, optimizer and device.

`train` is a generator of events: whoever runs it decides what to keep and when to stop, and a
run stops within one step. Pictures are resident on the device; a batch is drawn by index. The
loop never waits for the device, except that it lets it fall at most ten steps behind: numbers
stay in a table on the device until somebody reads them.
"""

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Int64
from torch import Tensor

from genlib.config import TrainConfig
from genlib.family import Batch, Data, Family, to_float, to_uint8
from genlib.rng import generator
from genlib.training.cuda_graph import CudaGraphStep
from genlib.training.curve import Curve
from genlib.training.events import Checkpoint, Diverged, Event, Finished, Snapshot, State, Step
from genlib.training.optimizers import (
    average_rates,
    descend,
    follow,
    make_optimizers,
    rate_factors,
)
from genlib.training.precision import autocast_type

Labels = Int64[Tensor, "_"]
SNAPSHOTS = 24  # pictures of progress kept of every run, denser at its start
CHECKED = 5  # steps from one test for divergence to the next
DIVERGED = 1_000.0  # a loss so many times its first value has diverged


def train(
    family: Family,
    images: Data,
    validation: Data,
    showcase: Data,
    config: TrainConfig,
    state: State | None = None,
    labels: Labels | None = None,
) -> Iterator[Event]:
    """Train `family` in place and yield what happens, ending with Finished or Diverged.

    Args:
        family: the model, on the device of the pictures.
        images: training pictures, grey levels 0 … 255; or points.
        validation: pictures for the figures of merit of each snapshot.
        showcase: pictures that each snapshot shows.
        config: the recipe.
        state: a Checkpoint's, to go on from there: on the CPU, bit for bit; from another kind of
            device, with its weights.
        labels: the classes of the training pictures, for class-conditional families.
    """
    run = Training(family, images, config, labels)
    if state is not None:
        run.restore(state)
    saved, pause = time.perf_counter(), 0.25
    while run.step < run.steps:
        if run.step in run.snapshot_steps:
            yield Snapshot(run.step, *run.measured(showcase, validation))
        run.advance()
        yield Step(run.step, run.steps, run.stage_name, run.curve)
        if run.diverged():
            break
        if time.perf_counter() - saved > pause:
            began = time.perf_counter()
            yield Checkpoint(run.step, run.state())
            saved = time.perf_counter()
            pause = max(0.25, 50 * (saved - began))  # saving takes at most 2 % of the time
    else:
        yield Snapshot(run.step, *run.measured(showcase, validation))
    yield run.outcome()


def snapshot_steps(steps: int) -> frozenset[int]:
    """Return the steps of the snapshots: the first, the last, and denser at the start."""
    marks = (steps * (index / (SNAPSHOTS - 1)) ** 2 for index in range(SNAPSHOTS))
    return frozenset(round(mark) for mark in marks)


class Training:
    """Everything that changes while a family trains."""

    def __init__(
        self, family: Family, images: Data, config: TrainConfig, labels: Labels | None = None
    ) -> None:
        self.family, self.config, self.labels = family, config, labels
        self.images = images[: config.pictures] if config.pictures else images
        self.device = images.device
        self.batch_size = min(config.batch_size, len(self.images))
        self.steps_per_epoch = len(self.images) // self.batch_size
        self.steps = config.epochs * self.steps_per_epoch
        self.snapshot_steps = snapshot_steps(self.steps)
        self.autocast_type = autocast_type(family, config, self.batch_size, self.device)
        # `to` lays the weights of a copied LSTM side by side again, as cuDNN wants them
        self.average = copy.deepcopy(family).to(self.device) if config.ema else family
        self.average.requires_grad_(not config.ema)
        self.rng = generator(config.seed, self.device)
        self.step = 0
        self.moving: frozenset[str] | None = None  # the players that move; None is all
        self.started = time.perf_counter()
        self.order = torch.zeros(len(self.images), dtype=torch.long, device=self.device)
        self.curve = Curve(self.device, self.steps)
        self.ends = self._stage_ends()
        self._enter(0)

    def _stage_ends(self) -> list[int]:
        """Return the step at which each stage ends; shares are of all steps, rounded."""
        ends, share = [], 0.0
        for stage in self.family.stages():
            share += stage.share
            ends.append(round(share * self.steps))
        return ends

    @property
    def stage_name(self) -> str:
        """The name of the present stage."""
        return self.family.stages()[self.stage].name

    def _enter(self, stage: int) -> None:
        """Begin a stage: its players, optimizers, schedules and, on CUDA, its graph."""
        self.stage = stage
        first = self.ends[stage - 1] if stage else 0
        self.length = length = self.ends[stage] - first
        self.players = {
            name: [weight for weight in player.parameters() if weight.requires_grad]
            for name, player in self.family.players(self.stage_name).items()
        }
        multipliers, peak = self.family.learning_rate_multipliers(), self.config.learning_rate
        recipes = {
            name: self.config.model_copy(
                update={"learning_rate": peak * multipliers.get(name, 1.0)}
            )
            for name in self.players
        }
        self.optimizers = {
            name: make_optimizers(recipes[name], weights, self.device)
            for name, weights in self.players.items()
        }
        self.done = torch.zeros((), dtype=torch.long, device=self.device)  # steps of this stage
        self.rates = rate_factors(self.config, length).to(self.device)
        self.averages = average_rates(self.config, length).to(self.device)
        self.curve.begin(self.stage_name, first, length)
        self.graph_step = CudaGraphStep(self.device, self.rng)

    def advance(self) -> None:
        """Take one step, going on to the next stage and the next shuffle where they are due."""
        while self.step == self.ends[self.stage]:
            self._enter(self.stage + 1)
        epoch, within = divmod(self.step, self.steps_per_epoch)
        if within == 0:
            self._shuffle(epoch)
        self.graph_step(self._step)
        self.step += 1

    def _shuffle(self, epoch: int) -> None:
        """Draw this epoch's order from (seed, epoch) alone, so that resuming can redraw it."""
        rng = generator(self.config.seed * 100_003 + epoch, self.device)
        self.order.copy_(torch.randperm(len(self.order), generator=rng, device=self.device))

    def _batch(self) -> Batch:
        """Return the pictures of the present step, and where in its stage it is."""
        first = self.ends[self.stage - 1] if self.stage else 0
        start = (self.done + first) % self.steps_per_epoch * self.batch_size
        index = self.order[start + torch.arange(self.batch_size, device=self.device)]
        labels = None if self.labels is None else self.labels[index]
        progress = self.done / self.length
        return Batch(to_float(self.images[index]), labels, self.stage_name, progress)

    def _step(self) -> None:
        """One whole step of all players. Runs eagerly or inside a CUDA graph: no host reads."""
        now = self.done.view(1)  # indexing by a tensor without dimensions would read it
        rate = self.rates.index_select(0, now)[0]
        updates = self.family.updates(self._batch(), self.rng)
        kind = self.autocast_type
        numbers: dict[str, Tensor] = {}
        norms: dict[str, Tensor] = {}
        while True:
            with torch.autocast(
                self.device.type, kind, enabled=kind is not None, cache_enabled=False
            ):
                update = next(updates, None)
            if update is None:
                break
            player, losses = update
            loss = torch.stack(list(losses.values())).sum()
            weights, optimizers = self.players[player], self.optimizers[player]
            moves = self.moving is None or player in self.moving
            norms[player] = (
                descend(weights, optimizers, loss, rate, self.config.clip)
                if moves
                else torch.zeros_like(loss)
            )
            numbers |= {name: value.detach() for name, value in losses.items()}
        if self.config.ema:
            follow(self.average, self.family, self.averages.index_select(0, now)[0])
        self.curve.write(self.done, numbers, norms)
        self.done += 1

    def diverged(self, *, wait: bool = False) -> bool:
        """Return whether a loss became infinite or huge; tests every five steps, or at `wait`."""
        return (wait or self.step % CHECKED == 0) and self.curve.diverged(DIVERGED, wait=wait)

    def outcome(self) -> Finished | Diverged:
        """Return how training ended."""
        if self.diverged(wait=True):
            sentence = self.curve.explain_divergence(self.config.learning_rate)
            return Diverged(self.step, sentence)
        return Finished(self.average, self.curve, self.seconds())

    @contextmanager
    def ema_model(self) -> Iterator[Family]:
        """Give the EMA model as it is used after training, grown as far as it is now."""
        self.average.eval()
        yield self.average.in_stage(self.stage_name, self.done / max(1, self.length))
        self.average.train()

    @torch.no_grad()
    def measured(self, showcase: Data, validation: Data) -> tuple[dict[str, float], Data]:
        """Return the figures of merit of the averaged weights, and their preview pictures."""
        rng = generator(self.config.seed, self.device)
        with self.ema_model() as average:
            images = average.preview(to_float(showcase), rng).cpu()
            figures = average.evaluate(to_float(validation))
        shown = images if showcase.is_floating_point() else to_uint8(images)
        return {name: float(value) for name, value in figures.items()}, shown

    def seconds(self) -> float:
        """Return the seconds of training so far, those before a checkpoint included."""
        return time.perf_counter() - self.started

    def state(self) -> State:
        """Return everything that changes, as tensors on the CPU."""
        state = {"step": torch.tensor(self.step), "stage": torch.tensor(self.stage)}
        state["seconds"] = torch.tensor(self.seconds())
        state |= {"done": self.done, "rng": self.rng.get_state()}
        state |= _prefixed("family", self.family.state_dict())
        state |= _prefixed("average", self.average.state_dict())
        state |= _prefixed("curve", self.curve.state())
        for name, optimizer in self._named_optimizers():
            for index, values in optimizer.state_dict()["state"].items():
                state |= _prefixed(f"{name}.{index}", values)
        return {key: value.detach().cpu().clone() for key, value in state.items()}

    def restore(self, state: State) -> None:
        """Go back to a `state()`.

        One of another kind of device has a generator that this one cannot read: then the draws
        go on from the seed and the step, and all else as it was.
        """
        self.step = int(state["step"])
        self.started -= float(state["seconds"])
        for stage in range(1, int(state["stage"]) + 1):
            self._enter(stage)
        self.done.copy_(state["done"])
        if len(state["rng"]) == len(self.rng.get_state()):
            self.rng.set_state(state["rng"])
        else:
            self.rng.manual_seed(self.config.seed * 100_003 + self.step)
        self.family.load_state_dict(_below("family", state))
        self.average.load_state_dict(_below("average", state))
        self.curve.restore(_below("curve", state))
        for name, optimizer in self._named_optimizers():
            saved: dict[int, State] = {}
            for key, value in _below(name, state).items():
                index, _, field = key.partition(".")
                saved.setdefault(int(index), {})[field] = value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": saved, "param_groups": groups})
        self._shuffle(self.step // self.steps_per_epoch)

    def _named_optimizers(self) -> Iterator[tuple[str, torch.optim.Optimizer]]:
        for player, optimizers in self.optimizers.items():
            for index, optimizer in enumerate(optimizers):
                yield f"optimiser.{player}.{index}", optimizer


def _prefixed(prefix: str, values: Mapping[str, Tensor]) -> State:
    return {f"{prefix}.{key}": torch.as_tensor(value) for key, value in values.items()}


def _below(prefix: str, state: State) -> State:
    start = prefix + "."
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}
