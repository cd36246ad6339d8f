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

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetName",
    "DatasetUnavailableError",
    "default_dataset",
    "download_fraction",
    "load",
    "resized",
]
