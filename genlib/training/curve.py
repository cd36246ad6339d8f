"""The losses of every step, kept on the device until somebody reads them."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from genlib.device import GRAPHED

ROWS = 200  # points of a curve as it is read: each is the mean over a window of steps


class Row(NamedTuple):
    """The means over a window of steps that ends with `step`: losses, and gradient norms."""

    step: int
    stage: str
    losses: dict[str, float]
    gradients: dict[str, float] = {}


Numbers = dict[str, Float[Tensor, ""]]


class Table:
    """One stage's numbers: a row for each step, a column for each loss and gradient norm."""

    def __init__(self, stage: str, first: int, length: int) -> None:
        self.stage, self.first, self.length = stage, first, length
        self.names: list[str] = []
        self.losses = 0  # the first so many columns; gradient norms follow
        self.values: Float[Tensor, "steps losses"] | None = None


class Curve:
    """Losses by step and stage.

    `write` runs inside a CUDA graph; `diverged` reads what the device had finished at the
    call before, and so waits for steps that are long past; only `read` waits for all.
    """

    def __init__(self, device: torch.device, steps: int) -> None:
        self.device = device
        self.window = max(1, -(-steps // ROWS))
        self.tables: list[Table] = []
        self.worst = torch.zeros((), device=device)  # largest Σ|loss| / first Σ|loss|, or NaN
        graphed = device.type in GRAPHED
        self._seen = torch.zeros((), pin_memory=graphed)
        # blocking: who waits for it sleeps, and burns no core
        self._copied = torch.cuda.Event(blocking=True) if graphed else None

    def begin(self, stage: str, first: int, length: int) -> None:
        """Open the table of a stage of `length` steps, which starts at step `first`."""
        self.tables.append(Table(stage, first, length))

    def write(self, done: Int64[Tensor, ""], losses: Numbers, norms: Numbers) -> None:
        """Write the losses and gradient norms of the stage's step number `done` (from 0)."""
        table = self.tables[-1]
        if table.values is None:
            table.names, table.losses = [*losses, *norms], len(losses)
            table.values = torch.zeros(table.length, len(table.names), device=self.device)
        first, rest = table.names[: table.losses], table.names[table.losses :]
        values = [losses[name] for name in first] + [norms[name] for name in rest]
        row = torch.stack([value.float() for value in values])
        table.values.index_copy_(0, done.view(1), row[None])
        begun = table.values[0, : table.losses].abs().sum().clamp(min=1e-6)
        self.worst.copy_(torch.maximum(self.worst, row[: table.losses].abs().sum() / begun))

    def diverged(self, limit: float, *, wait: bool) -> bool:
        """Return whether a loss is not finite, or all are `limit` times their first sum.

        The answer is of the call before this one, unless `wait`.
        """
        if self._copied is None:
            return not float(self.worst) <= limit
        if wait:
            return not float(self.worst) <= limit
        self._copied.synchronize()
        answer = not float(self._seen) <= limit
        self._seen.copy_(self.worst, non_blocking=True)
        self._copied.record(torch.cuda.current_stream(self.device))
        return answer

    def read(self, steps: int) -> list[Row]:
        """Return the curve after `steps` steps in all: means over windows of steps.

        The last window may still be growing; all others are final.
        """
        rows = []
        for table in self.tables:
            count = min(steps - table.first, table.length)
            if table.values is None or count <= 0:
                continue
            for start, values in enumerate(table.values[:count].cpu().split(self.window)):
                means = list(zip(table.names, values.mean(0).tolist(), strict=True))
                last = table.first + start * self.window + len(values)
                losses, norms = dict(means[: table.losses]), dict(means[table.losses :])
                rows.append(Row(last, table.stage, losses, norms))
        return rows

    def losses_of(self, step: int) -> dict[str, float]:
        """Return the losses of one step of the present stage, counted from 1."""
        table = self.tables[-1]
        values = table.values[step - table.first - 1].tolist() if table.values is not None else []
        return dict(list(zip(table.names, values, strict=False))[: table.losses])

    def explain_divergence(self, rate: float) -> str:
        """Return one sentence for the student: what happened, and what to change."""
        finite = bool(self.worst.isfinite())
        change = "grew a thousand-fold" if finite else "is no longer a finite number"
        return (
            f"Training diverged: the loss {change}. "
            f"Lower the learning rate (now {rate:g}) or choose another optimizer."
        )

    def state(self) -> dict[str, Tensor]:
        """Return the tables as tensors."""
        state = {"worst": self.worst}
        for index, table in enumerate(self.tables):
            if table.values is not None:
                for place, name in enumerate(table.names):
                    kind = "loss" if place < table.losses else "gradient"
                    state[f"{index}.{kind}.{name}"] = table.values[:, place]
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go back to a `state()`; the stages must have begun."""
        self.worst.copy_(state["worst"])
        for index, table in enumerate(self.tables):
            columns = {
                kind: {
                    key.removeprefix(start): value
                    for key, value in state.items()
                    if key.startswith(start := f"{index}.{kind}.")
                }
                for kind in ("loss", "gradient")
            }
            losses, norms = columns["loss"], columns["gradient"]
            if losses:
                table.names, table.losses = [*losses, *norms], len(losses)
                values = [*losses.values(), *norms.values()]
                table.values = torch.stack(values, 1).to(self.device)
