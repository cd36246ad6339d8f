"""The families, one file each."""

from genlib.family import Family
from genlib.models.stacked import StackedAutoencoder

FAMILIES: dict[str, type[Family]] = {"stacked": StackedAutoencoder}
