"""From a part of the samples to R2 of all: the estimate, and its jackknife error over groups of units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gutdiv.numerics.projection import Projection

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def shares_of_all(gower: Floats, rows: Places, projection: Projection, n: int) -> Floats:
    """Estimate R2 of each tested term in n samples from m of them, shape (n_terms,).

    A sum of squares of df columns is df residual mean squares and, on average, an effect that grows with the number of samples: R2 of few samples is
    larger by about df / m, which may be more than R2 itself. Both parts are told apart here and put together anew for n; for m = n it is R2.

    Parameters
    ----------
    gower : (k, k)
        Gower-centred matrix of more samples.
    rows : (m,) int
        The samples used.
    projection : Projection
        Of a design of these samples.
    n : int
        At least m.
    """
    m, q = projection.basis.shape
    part = gower if m == gower.shape[0] else gower[np.ix_(rows, rows)]
    total = float(np.trace(part)) - float(part.sum()) / m  # the samples used have a centre of their own
    inner = projection.basis.T @ part @ projection.basis
    mean_square = (total - float(np.trace(inner))) / (m - 1 - q)
    whole = n * (float(np.trace(inner)) - q * mean_square) / m + (n - 1) * mean_square
    squares = np.array([np.sum((inner @ d) * d) for d in projection.directions], dtype=np.float64)
    return np.asarray((n * (squares - projection.df * mean_square) / m + projection.df * mean_square) / whole, dtype=np.float64)


def jackknife_error(left_out: Floats, *, fraction: float) -> Floats:
    """Standard error of an estimate from its values with one of g groups of units left out each, (g, k) -> (k,): delete-a-group jackknife (Kott 2001).

    `fraction` is the share of all units that the estimate was made from: as it nears 1, nothing is left to chance.
    """
    g = left_out.shape[0]
    return np.asarray(np.sqrt((g - 1) / g * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0) * (1 - fraction)), dtype=np.float64)


def jackknife_bias(estimate: Floats, left_out: Floats, *, fraction: float) -> Floats:
    """Bias of an estimate (k,), as it shows where groups are left out, (g, k): Quenouille's (1956), less the share of all units that is known."""
    g = left_out.shape[0]
    return np.asarray((g - 1) * (left_out.mean(axis=0) - estimate) * (1 - fraction), dtype=np.float64)
