"""A run's numbers as CSV (RFC 4180), for a spreadsheet or pandas: curve, codings, a map."""

import csv
import io
from collections.abc import Iterable, Sequence

from jaxtyping import Float
from numpy import ndarray

from genlib.data import DATASETS
from genlib.data.dataset import Dataset
from genlib.runs.run import Run


def curve_table(run: Run) -> str:
    """Return the run's losses, gradient norms and validation figures, a row for each step.

    A cell is empty where nothing was measured at that step.
    """
    rows = dict[int, dict[str, float | str]]()
    for row in run.curve:
        cells = rows.setdefault(row.step, {})
        cells["stage"] = row.stage
        cells |= {f"training {name}": value for name, value in row.losses.items()}
        cells |= {f"gradient norm {name}": value for name, value in row.gradients.items()}
    for snapshot in run.snapshots:
        figures = {f"validation {name}": value for name, value in snapshot.figures.items()}
        rows.setdefault(snapshot.step, {}).update(figures)
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    return _csv(
        ["step", *names],
        ([step, *(rows[step].get(n, "") for n in names)] for step in sorted(rows)),
    )


def coding_table(codings: Float[ndarray, "pictures codings"], data: Dataset) -> str:
    """Return codings of the first test pictures, a row for each, with its number and class."""
    return place_table(codings, data, [f"z{k + 1}" for k in range(codings.shape[1])])


def place_table(
    places: Float[ndarray, "pictures axes"], data: Dataset, names: Sequence[str]
) -> str:
    """Return places of the first test pictures, a row for each, with its number and class.

    Args:
        places: of the pictures.
        data: whose test pictures they are.
        names: of the axes.
    """
    classes = DATASETS[data.name].classes
    labels = data.test_labels[: len(places)].tolist()
    kinds = [classes[label] if classes else "" for label in labels]
    rows = zip(range(len(places)), kinds, places.tolist(), strict=True)
    return _csv(["picture", "class", *names], ([i, kind, *place] for i, kind, place in rows))


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()
