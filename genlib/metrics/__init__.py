"""Figures of merit: tensors in, a number out. They import nothing of genlib."""

from genlib.metrics.reference import pca_error

__all__ = ["pca_error"]
