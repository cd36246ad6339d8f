"""How far apart two linear subspaces are."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def principal_axes(points: Float[ndarray, "count values"], axes: int) -> Float[ndarray, "v axes"]:
    """Return, as columns, the orthonormal directions in which points vary most."""
    centred = points - points.mean(0)
    return np.linalg.svd(centred, full_matrices=False)[2][:axes].T


def principal_angles(
    points: Float[ndarray, "count values"], others: Float[ndarray, "others values"], axes: int
) -> Float[ndarray, "axes"]:
    """Return the principal angles, in degrees, largest first, of the spaces of two point sets.

    Each is spanned by the `axes` directions in which its points vary most. All angles are 0
    where the two are the same (Björck & Golub 1973).
    """
    from scipy.linalg import subspace_angles  # here, as it takes a while to import

    spaces = principal_axes(points, axes), principal_axes(others, axes)
    return np.degrees(subspace_angles(*spaces))  # type: ignore[no-any-return]
