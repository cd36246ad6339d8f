"""Data sets of small pictures, resident on the device as uint8."""

from genlib.data.pictures import (
    DATASETS,
    Dataset,
    DatasetName,
    DatasetUnavailableError,
    default_dataset,
    download_fraction,
    load,
)

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetName",
    "DatasetUnavailableError",
    "default_dataset",
    "download_fraction",
    "load",
]
