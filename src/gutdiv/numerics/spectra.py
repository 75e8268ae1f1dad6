"""Principal coordinates of a distance matrix: all eigenvalues where it is small, block Lanczos on the matrix as it lies where it is large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from gutdiv.numerics.krylov import leading_pairs, positive_sum, random_signs
from gutdiv.numerics.projection import gower_centred

Floats = npt.NDArray[np.float64]
Distances = npt.NDArray[Any]  # (n, n), or the upper triangle (n (n - 1) / 2,) by rows; float32 or float64
DENSE = 2000  # samples up to which all eigenvalues are computed
MANY = 100  # axes from which they are, whatever the number of samples
STEPS = 24  # products at least, for the estimate of the sum of positive eigenvalues
BLOCK = 12  # columns of a product
WIDEST = 32
_T95 = {12: 2.201, 32: 2.040}  # quantiles .975 of Student's t with BLOCK - 1 and WIDEST - 1 degrees of freedom
_NEAR = 1e-6  # entries this near to the largest one may decide an axis's sign


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Principal coordinates.

    Parameters
    ----------
    axes : (n, k)
        Eigenvectors times the root of their eigenvalue; signs by `fixed_signs`.
    eigenvalues : (k,)
        Positive, falling.
    proportion_explained : (k,)
        Share of the sum of all **positive** eigenvalues (scikit-bio's `pcoa(dimensions=k)` divides by the trace, negative ones included).
    negative_share : float
        Sum of the negative eigenvalues by size, as a share of the sum of all by size: how far the distances are from Euclidean.
    proportion_error : float
        0 where all eigenvalues were computed; else half the width of a 95 % interval of each proportion, as a share of the proportion.
    negative_share_error : float
        The same for the negative share, in its own unit.
    residual : float
        Longest of |G v - lambda v| / lambda_1 over the axes; 0 where all eigenvalues were computed.
    """

    axes: Floats
    eigenvalues: Floats
    proportion_explained: Floats
    negative_share: float
    proportion_error: float = 0.0
    negative_share_error: float = 0.0
    residual: float = 0.0


def sample_count(distances: Distances) -> int:
    """Return the number of samples of a square or condensed matrix."""
    return int(distances.shape[0] if distances.ndim == 2 else round((1 + np.sqrt(1 + 8 * distances.size)) / 2))


def principal_coordinates(distances: Distances, n_axes: int, *, all_eigenvalues: bool = False) -> Coordinates:
    """Principal coordinates analysis (Gower 1966) of distances, exact whatever n: axes and eigenvalues as of the full decomposition.

    Up to 2,000 samples, or where more than 100 axes are wanted, the centred matrix is decomposed whole. Beyond, block Lanczos works
    on the distances as they lie (no second matrix) until the residual of every axis is 1e-13 of the first eigenvalue or rounding. The sum of positive
    eigenvalues, to which proportions relate, has no exact shortcut; it is then estimated, with its error (see `krylov.positive_sum`).

    Parameters
    ----------
    distances : (n, n), or (n (n - 1) / 2,) float32 or float64
        Symmetric with zero diagonal, or its upper triangle by rows. Single precision is squared and summed in double.
    n_axes : int
        Axes wanted; fewer come back where fewer eigenvalues are positive.
    all_eigenvalues : bool
        Compute the whole spectrum also for many samples: a second (n, n) matrix, and time that grows with n^3.
    """
    n = sample_count(distances)
    if n < 2 or n_axes < 1:
        return Coordinates(np.zeros((n, 0)), np.zeros(0), np.zeros(0), 0.0)
    if n <= DENSE or n_axes > MANY:
        return _dense(distances, n_axes)
    with threadpool_limits(1, user_api="blas"):  # our own threads call it on tiles, and its sums must not depend on theirs
        return _by_lanczos(distances, n_axes, all_eigenvalues=all_eigenvalues)


def _by_lanczos(distances: Distances, n_axes: int, *, all_eigenvalues: bool) -> Coordinates:
    """Find the leading pairs by block Lanczos, and the sum of positive eigenvalues by estimate or from the whole spectrum."""
    from gutdiv.numerics.squares import centred_product, row_moments  # here: few samples start without a compiler

    n = sample_count(distances)
    squares, fourths = row_moments(distances, n)
    mean = float(squares.mean()) / n
    trace = mean * n / 2
    rows = -0.5 * squares / n
    square = float(fourths.sum()) / 4 - 2 * n * float(rows @ rows) + (n * mean / 2) ** 2
    noise = float(np.finfo(float).eps * squares.max())  # rounding errors of a product, at most
    start = random_signs(n, min(max(BLOCK, n_axes + 2), WIDEST))
    start -= start.mean(axis=0)
    found = leading_pairs(centred_product(distances, n), start, n_axes, least=1 if all_eigenvalues else STEPS, noise=noise)
    k = int((found.values > _tiny(n, float(np.abs(found.projected.diagonal()).max()), *found.values)).sum())
    if all_eigenvalues:
        total, error = float((spectrum := _spectrum(distances))[spectrum > 0].sum()), 0.0
    else:
        total, error = positive_sum(found, rank=n - 1, trace=trace, square=square)
        error *= _T95[BLOCK] if start.shape[1] < WIDEST else _T95[WIDEST]
    total = max(total, trace, float(found.values[:k].sum()))  # none of which it can be below
    values, vectors = found.values[:k], found.vectors[:, :k]
    if k == 0:
        return Coordinates(np.zeros((n, 0)), np.zeros(0), np.zeros(0), 0.0)
    whole = 2 * total - trace
    return Coordinates(
        vectors * fixed_signs(vectors) * np.sqrt(values),
        values,
        values / total,
        (total - trace) / whole,
        error / total,
        error * trace / whole**2,
        found.residual,
    )


def _dense(distances: Distances, n_axes: int) -> Coordinates:
    """Decompose the centred matrix whole."""
    spectrum, vectors = np.linalg.eigh(gower_centred(square_form(distances)))  # not a subset: that of LAPACK is empty for equal distances
    n = spectrum.size
    tiny = _tiny(n, spectrum[0], spectrum[-1])
    positive = spectrum[spectrum > tiny]
    k = min(n_axes, positive.size)
    if k == 0:
        return Coordinates(np.zeros((n, 0)), np.zeros(0), np.zeros(0), 0.0)
    values, vectors = spectrum[::-1][:k], vectors[:, ::-1][:, :k]
    negative = abs(float(spectrum[spectrum < -tiny].sum()))
    axes = vectors * fixed_signs(vectors) * np.sqrt(values)
    return Coordinates(axes, values, values / positive.sum(), float(negative / (negative + positive.sum())))


def _tiny(n: int, *values: float) -> float:
    """Return the size from which an eigenvalue is told from zero, given some among which are the largest by size."""
    return float(np.finfo(float).eps * n * max(*map(abs, values), np.finfo(float).tiny))


def _spectrum(distances: Distances) -> Floats:
    """Return all eigenvalues of the centred matrix, rising."""
    return np.asarray(np.linalg.eigvalsh(gower_centred(square_form(distances))), dtype=np.float64)


def fixed_signs(vectors: Floats) -> Floats:
    """Return the sign of each column that makes positive the first of its entries that are within a millionth of the largest by size, shape (k,).

    With samples in the order of their ids, the rule knows no other order; entries that tie, as of samples that mirror each other, are told apart by
    id and not by rounding. Columns of equal eigenvalues are arbitrary up to a rotation, and no rule can change that.
    """
    size = np.abs(vectors)
    first = np.argmax(size >= size.max(axis=0) * (1 - _NEAR), axis=0)
    signs: Floats = np.where(vectors[first, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    return signs


def square_form(distances: Distances) -> Distances:
    """Return a square matrix, (n, n) float64, from a condensed one; a square one comes back as it is."""
    if distances.ndim == 2:
        return distances
    n = sample_count(distances)
    out: Floats = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = distances
    out += out.T
    return out
