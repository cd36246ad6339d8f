"""Figures of merit: tensors in, a number out. They import nothing of genlib."""

from genlib.metrics.reference import denoising_error, linear_denoiser, pca_error, psnr
from genlib.metrics.subspace import principal_angles, principal_axes

__all__ = [
    "denoising_error",
    "linear_denoiser",
    "pca_error",
    "principal_angles",
    "principal_axes",
    "psnr",
]
