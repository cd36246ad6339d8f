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
