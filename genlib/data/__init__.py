"""Data sets of small pictures, and of points; what is known of each, here, needs no torch."""

from genlib.data.catalogue import (
    CELLS,
    DATASETS,
    DatasetName,
    DatasetUnavailableError,
    default_dataset,
    download_fraction,
)

__all__ = [
    "CELLS",
    "DATASETS",
    "DatasetName",
    "DatasetUnavailableError",
    "default_dataset",
    "download_fraction",
]
