"""What a simpler method reaches on the same data: the line that a model has to beat."""

import torch
from jaxtyping import Float
from torch import Tensor


def pca_error(
    train: Float[Tensor, "count pixels"], test: Float[Tensor, "tests pixels"], codings: int
) -> float:
    """Return the test mean squared error of PCA with that many components, fitted on `train`.

    PCA is the best linear autoencoder: Eckart & Young (1936), Baldi & Hornik (1989).
    """
    mean = train.mean(0)
    centred = train - mean
    _, vectors = torch.linalg.eigh(centred.T @ centred)  # eigenvalues ascend
    basis = vectors[:, -codings:]
    rest = test - mean
    return float((rest - rest @ basis @ basis.T).square().mean())


def linear_denoiser(
    train: Float[Tensor, "count pixels"], variance: Float[Tensor, "pixels"]
) -> tuple[Float[Tensor, "pixels pixels"], Float[Tensor, "pixels"]]:
    """Return (A, b) of the best linear denoiser x̂ = A x̃ + b for noise of that variance.

    The noise has mean zero and is not correlated between pixels, nor with the pictures: Wiener's
    filter A = C (C + N)⁻¹, b = μ − A μ, with mean μ and covariance C of `train`.
    """
    mean = train.mean(0)
    centred = train - mean
    covariance = centred.T @ centred / len(train)
    noisy = covariance + torch.diag(variance.clamp(min=1e-6))
    matrix = torch.linalg.solve(noisy, covariance).T  # both symmetric: (N + C)⁻¹ C, transposed
    return matrix, mean - matrix @ mean


def denoising_error(
    denoiser: tuple[Float[Tensor, "pixels pixels"], Float[Tensor, "pixels"]],
    corrupted: Float[Tensor, "count pixels"],
    clean: Float[Tensor, "count pixels"],
) -> float:
    """Return the mean squared error of a linear denoiser (A, b), clipped to [0, 1]."""
    matrix, offset = denoiser
    return float(((corrupted @ matrix.T + offset).clamp(0, 1) - clean).square().mean())
