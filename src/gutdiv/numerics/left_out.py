"""How far a sample lies from a set of reference samples, and how far these lie from each other, with one of them left out in turn.

Each `*_to` takes distances of samples to the n reference samples, (m, n), and for each sample the place of the one that it must not meet, -1 for
none. Each `*_within` takes the distances between the reference samples, (n, n), and gives (n, n): at row j, column i what j has without itself and
i; on the diagonal what it has without itself alone. So column i is what a sample that must not meet i is held against.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def medians_to(distances: Floats, own: Places) -> Floats:
    """Median distance to the reference samples but the own one, (m,)."""
    return np.asarray(np.nanmedian(_without(distances, own), axis=1))


def medians_within(distances: Floats) -> Floats:
    """Median distance of each reference sample to the others, (n, n), n >= 3."""
    ordered, rank = _ranked(distances)
    n = ordered.shape[0]
    low, high = (n - 3) // 2, (n - 2) // 2
    out = (np.take_along_axis(ordered, low + (rank <= low), 1) + np.take_along_axis(ordered, high + (rank <= high), 1)) / 2
    np.fill_diagonal(out, np.median(ordered[:, : n - 1], axis=1))
    return np.asarray(out)


def nearest_to(distances: Floats, own: Places, k: int) -> Floats:
    """Mean distance to the k nearest reference samples but the own one, (m,)."""
    return np.asarray(np.sort(_without(distances, own), axis=1)[:, :k].mean(axis=1))


def nearest_within(distances: Floats, k: int) -> Floats:
    """Mean distance of each reference sample to the k nearest others, (n, n), k <= n - 2."""
    ordered, rank = _ranked(distances)
    first = ordered[:, :k].sum(axis=1, keepdims=True)
    out = np.where(rank < k, first - distances + ordered[:, k : k + 1], first) / k
    np.fill_diagonal(out, first[:, 0] / k)
    return np.asarray(out)


def centroid_to(distances: Floats, own: Places, within: Floats) -> Floats:
    """Distance to the centroid of the reference samples but the own one in the space that the distances span, (m,).

    Its square is the mean squared distance to the samples less half their mean squared distance to each other (Gower 1968), which is what
    all principal coordinates give, the negative ones counted negatively; 0 where it is below 0. `within` is (n, n).
    """
    n = within.shape[0]
    squares, inner = distances**2, within**2
    left = own >= 0
    taken = np.where(left, np.take_along_axis(squares, np.maximum(own, 0)[:, None], 1)[:, 0], 0.0)
    rest = np.where(left, 2 * inner.sum(axis=1)[np.maximum(own, 0)], 0.0)
    size = n - left
    return np.asarray(np.sqrt(np.maximum((squares.sum(axis=1) - taken) / size - (inner.sum() - rest) / (2 * size**2), 0.0)))


def centroid_within(distances: Floats) -> Floats:
    """Distance of each reference sample to the centroid of the others, (n, n), n >= 3."""
    n = distances.shape[0]
    squares = distances**2
    rows = squares.sum(axis=1)
    inner = squares.sum() - 2 * rows[:, None] - 2 * rows[None, :] + 2 * squares
    out = (rows[:, None] - squares) / (n - 2) - inner / (2 * (n - 2) ** 2)
    np.fill_diagonal(out, rows / (n - 1) - (squares.sum() - 2 * rows) / (2 * (n - 1) ** 2))
    return np.asarray(np.sqrt(np.maximum(out, 0.0)))


def spread_of(distances: Floats) -> Floats:
    """Distance of each sample to the centroid of all, itself included, times sqrt(n / (n - 1)) for the size of the group (n,) (Anderson 2006)."""
    squares = distances**2
    n = squares.shape[0]
    return np.asarray(np.sqrt(np.maximum(squares.mean(axis=1) - squares.mean() / 2, 0.0) * (n / (n - 1))))


def quantiles_within(values: Floats, share: float) -> tuple[float, Floats]:
    """Quantile (type 7) over the reference samples: for a sample that may meet all of them, and (n,) for one that must not meet the i-th."""
    others = values.copy()
    np.fill_diagonal(others, np.nan)
    return float(np.quantile(np.diagonal(values), share)), np.asarray(np.nanquantile(others, share, axis=0))


def spread_without_each(values: Floats) -> tuple[Floats, Floats]:
    """Median of each column without each row in turn, and the median absolute deviation from it, (n, p) each, of values (n, p), n >= 3.

    The same numbers as of n tables of n - 1 rows: without a row below the middle, at it, or above it, a column has one of three medians.
    """
    ordered, rank = _columns_ranked(values)
    n = values.shape[0]
    low, high = (n - 2) // 2, (n - 1) // 2  # of the n - 1 rows that are left
    middle, spread = np.empty_like(values), np.empty_like(values)
    for place in range(low, high + 2):  # of the row left out, where every one before the first counts as it, and after the last as well
        centre = (ordered[low + (place <= low)] + ordered[high + (place <= high)]) / 2
        of_deviations, its_rank = _columns_ranked(np.abs(values - centre))
        near = np.take_along_axis(of_deviations, low + (its_rank <= low), 0) + np.take_along_axis(of_deviations, high + (its_rank <= high), 0)
        here = np.clip(rank, low, high + 1) == place
        middle = np.where(here, centre, middle)
        spread = np.where(here, near / 2, spread)
    return middle, spread


def _columns_ranked(values: Floats) -> tuple[Floats, Places]:
    """Each column in order, and the rank of each value in its column."""
    order = np.argsort(values, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(values.shape[0])[:, None], axis=0)
    return np.take_along_axis(values, order, 0), rank


def _without(distances: Floats, own: Places) -> Floats:
    """Distances with NaN at the own sample's place."""
    out = np.array(distances, dtype=np.float64)
    met = np.flatnonzero(own >= 0)
    out[met, own[met]] = np.nan
    return out


def _ranked(distances: Floats) -> tuple[Floats, Places]:
    """Each row's distances to the others in order, itself last, and the rank of each other in it."""
    d = np.array(distances, dtype=np.float64)
    np.fill_diagonal(d, np.inf)
    order = np.argsort(d, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(d.shape[0]), d.shape), axis=1)
    return np.take_along_axis(d, order, 1), rank
