"""Figures of merit: tensors in, a number out. They import nothing of genlib."""

from genlib.metrics.baselines import denoising_error, linear_denoiser, pca_error
from genlib.metrics.bootstrap import bootstrap_interval
from genlib.metrics.diversity import (
    ModeCount,
    class_shares,
    count_modes,
    effective_modes,
    support_interval,
    support_size,
    vendi_of_features,
    vendi_score,
)
from genlib.metrics.energy import energy_distance, two_sample_test
from genlib.metrics.frechet import frechet_distance, kernel_distance
from genlib.metrics.likelihood import importance_bound, log_normal
from genlib.metrics.manifold import Manifold, manifold, nearest, radii
from genlib.metrics.neighbors import like_neighbors
from genlib.metrics.subspace import principal_angles, principal_axes

__all__ = [
    "Manifold",
    "ModeCount",
    "bootstrap_interval",
    "class_shares",
    "count_modes",
    "denoising_error",
    "effective_modes",
    "energy_distance",
    "frechet_distance",
    "importance_bound",
    "kernel_distance",
    "like_neighbors",
    "linear_denoiser",
    "log_normal",
    "manifold",
    "nearest",
    "pca_error",
    "principal_angles",
    "principal_axes",
    "radii",
    "support_interval",
    "support_size",
    "two_sample_test",
    "vendi_of_features",
    "vendi_score",
]
