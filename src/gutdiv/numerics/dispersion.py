"""Distances of samples to the centre of their group in the space that a distance matrix spans."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_TOLERANCE = 1e-12  # of the step of the median, relative to the spread of the points
_ITERATIONS = 10_000
_ROWS = 256  # of a block of the matrix


def centroid_distances(distances: npt.NDArray[Any], groups: Places, places: Places | None = None, *, square_root: bool = False) -> Floats:
    """Return the distance of each sample to its group's centroid, shape (n,), from distances or their roots, (n, n) or those of the rows at `places`.

    The centroid's squared distance from a sample is the mean of the squared distances from the group's samples, less half their mean from each
    other (Gower 1966), not below 0: no axes are needed. Equal to `vegan::betadisper(type = "centroid")`, whose imaginary axes count negatively.
    """
    found, group = np.unique(groups, return_inverse=True)
    indicator = (group[:, None] == np.arange(found.size)).astype(np.float64)
    indicator /= indicator.sum(axis=0)
    means = np.empty((groups.size, found.size), dtype=np.float64)
    places = np.arange(distances.shape[0]) if places is None else places
    whole = np.array_equal(places, np.arange(distances.shape[0]))
    for start in range(0, groups.size, _ROWS):
        rows = slice(start, start + _ROWS)
        part = (distances[rows] if whole else distances[np.ix_(places[rows], places)]).astype(np.float64)
        means[start : start + _ROWS] = (part if square_root else part * part) @ indicator
    inside = np.sum(means * indicator, axis=0)
    spread: Floats = np.sqrt(np.maximum(means[np.arange(groups.size), group] - inside[group] / 2.0, 0.0))
    return spread


def median_distances(gower: Floats, groups: Places) -> Floats:
    """Return the distance of each sample to its group's spatial median, shape (n,) (Anderson 2006, Biometrics 62:245).

    Eigenvectors of the Gower-centred matrix `gower` (n, n) are scaled by the root of their eigenvalue's size; axes with negative
    eigenvalues count negatively: z^2 = z_real^2 - z_imaginary^2, not below 0, with the median found on both parts separately. As
    `vegan::betadisper`, whose medians stop at about five digits. scikit-bio's `permdisp` leaves the negative axes out and so differs.
    """
    values, vectors = np.linalg.eigh(gower)
    axes = vectors * np.sqrt(np.abs(values))
    parts = [axes[:, values > 0], axes[:, values < 0]]
    squares = np.zeros(gower.shape[0], dtype=np.float64)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        for sign, part in zip((1.0, -1.0), parts, strict=True):
            points = part[members]
            squares[members] += sign * np.sum((points - spatial_median(points)) ** 2, axis=1)
    return np.sqrt(np.maximum(squares, 0.0))


def adjust_bias(spread: Floats, groups: Places) -> Floats:
    """Multiply distances to the centres by sqrt(n_g / (n_g - 1)), which lifts those of small groups (O'Neill & Mathews 2000)."""
    sizes = np.bincount(groups)[groups]
    return np.asarray(spread * np.sqrt(sizes / np.maximum(sizes - 1, 1)), dtype=np.float64)


def spatial_median(points: Floats) -> Floats:
    """Return the point with the smallest sum of distances to all points (n, k), shape (k,).

    Weiszfeld's iteration with the step of Vardi & Zhang 2000 (PNAS 97:1423), which does not stop at a data point that is no median.
    """
    middle: Floats = points.mean(axis=0)
    scale = float(np.sqrt(np.mean(np.sum((points - middle) ** 2, axis=1)))) if points.size else 0.0
    if scale == 0.0:
        return middle
    for _ in range(_ITERATIONS):
        difference = points - middle
        distances = np.sqrt(np.sum(difference**2, axis=1))
        here = distances <= 1e-14 * scale
        weights = np.where(here, 0.0, 1.0 / np.where(here, 1.0, distances))
        pull = weights @ difference
        length = float(np.linalg.norm(pull))
        if length == 0.0:
            return middle
        share = max(0.0, 1.0 - float(here.sum()) / length)
        step = share * pull / weights.sum()
        middle = middle + step
        if float(np.linalg.norm(step)) <= _TOLERANCE * scale:
            return middle
    return middle


def one_way_f(values: Floats, groups: Places, *, df_lost: int = 0) -> Floats:
    """Return the one-way ANOVA F of each row of values (b, n) over groups coded 0, 1, ...; `df_lost` lessens the residual degrees of freedom.

    Where the residuals vanish F is inf, or 0 if the group means are equal too.
    """
    n_groups = int(groups.max()) + 1
    indicator = (groups[:, None] == np.arange(n_groups)).astype(np.float64)
    sizes = indicator.sum(axis=0)
    centred = values - values.mean(axis=1, keepdims=True)
    means = centred @ indicator / sizes
    between = np.sum(means**2 * sizes, axis=1)
    within = np.sum(centred**2, axis=1) - between
    tiny = 1e-14 * np.sum(values**2, axis=1)
    df = n_groups - 1, groups.size - n_groups - df_lost
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (between / df[0]) / (within / df[1])
    return np.asarray(np.where(within > tiny, f, np.where(between > tiny, np.inf, 0.0)), dtype=np.float64)
