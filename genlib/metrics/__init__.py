"""Figures of merit: tensors in, a number out. They import nothing of genlib."""

from genlib.metrics.frechet import frechet_distance
from genlib.metrics.likelihood import importance_bound, log_normal
from genlib.metrics.reference import denoising_error, linear_denoiser, pca_error, psnr
from genlib.metrics.subspace import principal_angles, principal_axes

__all__ = [
    "denoising_error",
    "frechet_distance",
    "importance_bound",
    "linear_denoiser",
    "log_normal",
    "pca_error",
    "principal_angles",
    "principal_axes",
    "psnr",
]
