"""Correlation of distance matrices, whole or given a third one, and its permutations of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gutdiv.numerics.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_ROWS = 256  # of a block of the permuted matrix
_AT_ONCE = 16  # permutations in one piece of work


def standardised(distances: npt.NDArray[Any], *, ranks: bool) -> Floats | None:
    """Return distances of pairs, or their ranks, less their mean and of length 1: symmetric (n, n), zero diagonal; None where all are equal."""
    above = np.triu_indices(distances.shape[0], 1)
    values: Floats = np.asarray(distances[above], dtype=np.float64)
    values = rankdata(values) if ranks else values
    if values.size == 0 or values.min() == values.max():
        return None
    values = values - values.mean()
    out: Floats = np.zeros(distances.shape, dtype=np.float64)
    out[above] = values / np.linalg.norm(values)
    out += out.T.copy()
    return out


def mantel_r(moving: Floats, others: Sequence[Floats], taken: Callable[[int], Places], permutations: int, *, threads: int | None = None) -> Floats:
    """Return the correlation of a standardised matrix with each other one, its samples permuted, shape (permutations, n_others).

    In permutation k sample i takes the place of sample taken(k)[i] (Mantel 1967, Cancer Res. 27:209).
    """
    n = moving.shape[0]

    def one(number: int) -> list[float]:
        order = taken(number)
        sums = [0.0] * len(others)
        for start in range(0, n, _ROWS):
            part = moving.take(order[start : start + _ROWS], axis=0).take(order, axis=1)
            for j, other in enumerate(others):
                sums[j] += float(np.vdot(part, other[start : start + _ROWS]))
        return [s / 2 for s in sums]

    def piece(k: int) -> Floats:
        return np.array([one(number) for number in range(k * _AT_ONCE, min((k + 1) * _AT_ONCE, permutations))])

    found = in_threads(piece, -(-permutations // _AT_ONCE), threads=threads)
    return np.concatenate([np.empty((0, len(others))), *found])


def partial_r(xy: Floats, xz: Floats, yz: float) -> Floats:
    """Return the partial correlation of x and y given z (Smouse, Long & Sokal 1986, Syst. Zool. 35:627)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)), dtype=np.float64)


def mean_blocks(distances: npt.NDArray[Any], owners: Places) -> Floats:
    """Return the mean distance between the samples of each two owners coded 0, 1, ..., shape (n_owners, n_owners), zero diagonal."""
    indicator = (owners[:, None] == np.arange(int(owners.max()) + 1)).astype(np.float64)
    sizes = indicator.sum(axis=0)
    means: Floats = indicator.T @ np.asarray(distances, dtype=np.float64) @ indicator / np.outer(sizes, sizes)
    np.fill_diagonal(means, 0.0)
    return (means + means.T) / 2
