"""Figures of merit in words, for the headline of a finished run."""

import math
from collections.abc import Mapping


def psnr(mse: float) -> float:
    """Return the peak signal-to-noise ratio of pictures in [0, 1], in decibels."""
    return -10 * math.log10(max(mse, 1e-12))


def reconstruction(metrics: Mapping[str, float]) -> str:
    """Return the test error of reconstructions beside PCA's, where that was measured."""
    text = f"Test MSE **{metrics['test_mse']:.4f}**"
    if "pca_mse" in metrics:
        text += f" (PCA with as many codings: {metrics['pca_mse']:.4f})"
    return text
