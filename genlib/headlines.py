"""Figures of merit in words, for the headline of a finished run."""

import math
from collections.abc import Mapping


def psnr(mse: float) -> float:
    """Return the peak signal-to-noise ratio of pictures in [0, 1], in decibels."""
    return -10 * math.log10(max(mse, 1e-12))


GREY_LEVEL = 1 / 255  # of a picture in [0, 1] with 8 bits a pixel


def decibels(mse: float) -> str:
    """Return the PSNR in words: an error too small for 8 bits a pixel is none that can be seen."""
    rounding = GREY_LEVEL**2 / 12  # the mean squared error of rounding to the nearest level
    return "the same picture" if mse < rounding else f"{psnr(mse):.1f} dB"


def reconstruction(metrics: Mapping[str, float]) -> str:
    """Return the test error of reconstructions beside PCA's, where that was measured."""
    text = f"Test MSE **{metrics['test_mse']:.4f}**"
    if "pca_mse" in metrics:
        text += f" (PCA with as many codings: {metrics['pca_mse']:.4f})"
    return text
