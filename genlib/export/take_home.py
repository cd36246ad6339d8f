"""A run to take home: all that repeats it, with or without genlib, and its story as a GIF."""

import io
import json
import zipfile

import numpy as np
from safetensors.torch import save

from genlib.data import DATASETS, DatasetUnavailableError
from genlib.data.dataset import load
from genlib.export.notebook import notebook, script
from genlib.export.plain_script import plain_script
from genlib.family import to_float
from genlib.plots import animation, picture_grid
from genlib.runs.run import Run

COLUMNS = 10  # of pictures, in a GIF
ROUNDED = 0b11111000  # the bits of a grey level that a GIF keeps
GIF_BYTES = 1_000_000  # which most places where one shows a GIF take
CARD = """---
license: mit
library_name: genlib
tags: [genlib, {family}, {dataset}, safetensors]
---

# {family} on {title}

A small generative model, trained with genlib, the playground for generative models.

| | |
|---|---|
| data | {title} |
| trained | {provenance.seconds:.1f} s on {provenance.device}, {provenance.created} |
| with | PyTorch {provenance.torch}, Python {provenance.python} |
| fingerprint | `{fingerprint}` |

## Figures

On test pictures that it was not trained on, unless the name says otherwise:

| figure | value |
|---|---|
{figures}

## How to load it

Without genlib, with PyTorch and safetensors alone: `python plain.py` in this folder. It is the
code that was trained, and nothing else.

With genlib: `genlib hub pull OWNER/NAME`; `train.py` and `train.ipynb` train the same
run anew: on the same kind of processor with the same weights, on a GPU with nearly the same.

## Configuration

```json
{document}
```

## Limits and licence

It was trained to be understood, not to be used: it knows the data set's few kinds of pictures and
nothing else. The weights are under the MIT licence; the pictures of {title} have their own.
"""


def card(run: Run) -> str:
    """Return the run's model card, as the Hub reads it: what it is, how good, how to load it."""
    spec, provenance = run.spec, run.provenance
    return CARD.format(
        family=spec.family,
        dataset=spec.dataset,
        title=DATASETS[spec.dataset].title,
        fingerprint=spec.fingerprint,
        provenance=provenance,
        figures="\n".join(
            f"| {name} | {value:.6g} |" for name, value in provenance.metrics.items()
        ),
        document=json.dumps(spec.model_dump(mode="json"), indent=1),
    )


def take_home(run: Run) -> dict[str, bytes]:
    """Return the files of a folder that shows, explains and repeats a run."""
    texts = {
        "README.md": card(run),
        "train.py": script(run.spec),
        "train.ipynb": notebook(run.spec),
        "plain.py": plain_script(run.spec),
    }
    return run.to_files() | {name: text.encode() for name, text in texts.items()} | _shown(run)


def _shown(run: Run) -> dict[str, bytes]:
    """Return some of the data, for the plain script; nothing where there are none here."""
    try:
        data = load(run.spec.dataset)
    except DatasetUnavailableError:
        return {}
    return {"pictures.safetensors": save({"x": to_float(data.test[data.showcase()]).contiguous()})}


def zipped(run: Run) -> bytes:
    """Return the folder of `take_home` as a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in take_home(run).items():
            archive.writestr(f"{run.spec.family}-{run.spec.fingerprint[:8]}/{name}", part)
    return content.getvalue()


def training_gif(run: Run) -> bytes:
    """Return what the model made at each moment of its training, as an animated GIF.

    Its pictures are as large as GIF_BYTES allow, with 32 levels of grey: fewer compress better.
    """
    rows = [_in_rows(snapshot.images.numpy() & ROUNDED) for snapshot in run.snapshots]
    for factor in (3, 2, 1):
        gif = animation(np.stack([picture_grid(each, factor) for each in rows]))
        if len(gif) <= GIF_BYTES:
            break
    return gif


def _in_rows(pictures: np.ndarray) -> np.ndarray:
    """Return pictures in rows of COLUMNS, as on the page; in one where that leaves a gap."""
    columns = COLUMNS if len(pictures) % COLUMNS == 0 else len(pictures)
    return pictures.reshape(-1, columns, *pictures.shape[1:])
