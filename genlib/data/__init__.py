"""Data sets of small pictures, and of points, resident on the device."""

from genlib.data.catalogue import (
    DATASETS,
    Dataset,
    DatasetName,
    DatasetUnavailableError,
    default_dataset,
    download_fraction,
    load,
    resized,
)
from genlib.data.photographs import photographs
from genlib.data.points import CELLS, MODES, Modes, score

__all__ = [
    "CELLS",
    "DATASETS",
    "MODES",
    "Dataset",
    "DatasetName",
    "DatasetUnavailableError",
    "Modes",
    "default_dataset",
    "download_fraction",
    "load",
    "photographs",
    "resized",
    "score",
]
