"""Principal coordinates of a distance matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

Floats = npt.NDArray[np.float64]


def gower_centred(matrix: Floats) -> Floats:
    """Return -D^2/2 centred by rows and columns (Gower 1966), shape (n, n)."""
    out = -0.5 * np.square(matrix, dtype=np.float64)
    means = out.mean(axis=1)
    out -= means[:, None]
    out -= means[None, :]
    out += means.mean()
    return out


def principal_coordinates(matrix: Floats, n_axes: int) -> tuple[Floats, Floats, Floats, float]:
    """Principal coordinates analysis.

    Parameters
    ----------
    matrix : (n, n) float64
        Symmetric distances.
    n_axes : int
        Axes wanted; fewer come back where fewer eigenvalues are positive.

    Returns
    -------
    axes : (n, k)
        Coordinates, eigenvectors times the square root of their eigenvalue; the largest entry by size of each axis is positive.
    eigenvalues : (k,)
        In falling order.
    proportion_explained : (k,)
        Of the sum of **positive** eigenvalues (scikit-bio divides by the trace when `dimensions` is given, which includes the negative ones).
    negative_share : float
        Sum of negative eigenvalues by size, as a share of the sum of all by size: how far the distances are from Euclidean.
    """
    centred = gower_centred(matrix)
    n = centred.shape[0]
    if n < 2:
        return np.zeros((n, 0)), np.zeros(0), np.zeros(0), 0.0
    spectrum = linalg.eigvalsh(centred)
    tiny = np.finfo(float).eps * n * max(abs(spectrum[0]), abs(spectrum[-1]), np.finfo(float).tiny)
    positive = spectrum[spectrum > tiny]
    k = min(n_axes, positive.size)
    if k == 0:
        return np.zeros((n, 0)), np.zeros(0), np.zeros(0), 0.0
    values, vectors = linalg.eigh(centred, subset_by_index=[n - k, n - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.argmax(np.round(np.abs(vectors), 10), axis=0)
    signs = np.sign(vectors[largest, np.arange(k)])
    negative = -spectrum[spectrum < -tiny].sum()
    return vectors * signs * np.sqrt(values), values, values / positive.sum(), float(negative / (negative + positive.sum()))
