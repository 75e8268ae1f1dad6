"""Principal coordinates of many samples from their distances to a few of them, the landmarks, without the matrix of all distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.spectra import Coordinates, fixed_signs, principal_coordinates
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_CELLS = 1 << 24  # distances in memory at a time: 128 MB, and as much again for their squares
SPARE = 10  # further axes that are fitted, so that those wanted can turn towards what varies most in all samples


@dataclass(frozen=True, eq=False)
class Fitted:
    """Principal coordinates fitted through landmarks.

    Parameters
    ----------
    axes : (n, k)
        Centred over all n samples, on their principal axes, signs by `fixed_signs`.
    eigenvalues : (k,)
        Sums of squares of the axes, falling.
    proportion_explained : (k,)
        Share of the sum of positive eigenvalues, which is estimated from the mean squared distance to landmarks and their negative share.
    negative_share : float
        Of the landmarks' own eigenvalues; see `Coordinates`.
    spread : (k,)
        Mean square of the other samples along each axis, as a share of that of landmarks: 1 where landmarks are not fitted too closely; NaN without
        others.
    halves : (2, n, k')
        The same axes from every second landmark each: two fits that share no landmark.
    """

    axes: Floats
    eigenvalues: Floats
    proportion_explained: Floats
    negative_share: float
    spread: Floats
    halves: tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class _Frame:
    """What places a sample by its distances to these landmarks."""

    rows: Places  # of the landmarks among all landmarks
    mean: Floats  # mean squared distance of each landmark to these landmarks
    across: Floats  # (landmarks, k)

    def place(self, squares: Floats) -> Floats:
        """Place samples by their squared distances to all landmarks, (landmarks, m): Gower's (1968) added point."""
        used = squares if self.rows.size == squares.shape[0] else squares[self.rows]
        return np.asarray(-0.5 * (used.T @ self.across - self.mean @ self.across), dtype=np.float64)


def _frame(distances: Floats, rows: Places, n_axes: int) -> tuple[_Frame, Coordinates]:
    """Fit the landmarks `rows` to each other."""
    own = distances if rows.size == distances.shape[0] else distances[np.ix_(rows, rows)]
    found = principal_coordinates(own, n_axes)
    return _Frame(rows, (own**2).mean(axis=1), found.axes / found.eigenvalues), found


@on_one_blas_thread
def fit_by_landmarks(between: Callable[[Places], Floats], n: int, landmarks: Places, n_axes: int) -> Fitted:
    """Principal coordinates by landmarks (de Silva and Tenenbaum 2004), which are Nyström's approximation of the exact ones (Platt 2005).

    The landmarks' own principal coordinates are exact; every other sample is added to them by its distances to the landmarks (Gower 1968). The cloud of
    all samples is then centred and turned to its principal axes. Of the landmarks' eigenvalues only positive ones carry axes, as in the exact
    analysis: what non-Euclidean distances put into negative ones is left out, and its share is returned. With all samples as landmarks the
    result is the exact one.

    Parameters
    ----------
    between : callable
        Takes places of other samples (m,) and returns the distances of the landmarks to the landmarks and to them, (L, L + m).
    n : int
        Number of samples.
    landmarks : (L,) int
        Their places, in the order in which they were drawn; L >= 4.
    n_axes : int
        Axes wanted; fewer come back where fewer eigenvalues are positive.
    """
    count = landmarks.size
    others = np.setdiff1d(np.arange(n), landmarks)
    own = between(others[:0])
    parts = [np.arange(count), np.arange(0, count, 2), np.arange(1, count, 2)]
    made = [_frame(own, rows, n_axes + SPARE) for rows in parts]
    placed = [np.empty((n, frame.across.shape[1])) for frame, _ in made]
    total = 0.0
    step = max(1, min(_CELLS // count, max(4 * count, 1024)))
    for start in range(0, others.size + 1, step):
        here = others[start : start + step]
        squares = own if start == 0 and here.size == 0 else between(here)[:, count:]
        if here.size == 0:
            break
        squares = squares**2
        total += float(squares.sum())
        for (frame, _), out in zip(made, placed, strict=True):
            out[here] = frame.place(squares)
    squares = own**2
    total += float(squares.sum())
    for (frame, found), out in zip(made, placed, strict=True):
        out[landmarks] = frame.place(squares)
        out[landmarks[frame.rows]] = found.axes
    axes, eigenvalues = _turned(placed[0], n_axes)
    negative = made[0][1].negative_share
    trace = total / (2 * count)
    positive = max(trace * (1 - negative) / (1 - 2 * negative) if negative < 0.5 else np.nan, float(eigenvalues.sum()))
    mean = [np.mean(axes[rows] ** 2, axis=0) if rows.size else np.full(axes.shape[1], np.nan) for rows in (others, landmarks)]
    return Fitted(
        axes, eigenvalues, eigenvalues / positive, negative, mean[0] / mean[1], (_turned(placed[1], n_axes)[0], _turned(placed[2], n_axes)[0])
    )


def _turned(points: Floats, n_axes: int) -> tuple[Floats, Floats]:
    """Centre points, turn them to their principal axes, and return the first of these with their sums of squares."""
    centred = points - points.mean(axis=0)
    values, turn = np.linalg.eigh(centred.T @ centred)
    k = min(n_axes, int((values > np.finfo(float).eps * points.shape[0] * max(float(values.max(initial=0.0)), 0.0)).sum()))
    axes = centred @ turn[:, ::-1][:, :k]
    return axes * fixed_signs(axes), values[::-1][:k]


def aligned_correlation(one: Floats, other: Floats) -> float:
    """Correlation of two configurations (n, k) after the best turn of one onto the other: root of 1 - m2 of Procrustes analysis (Peres-Neto & Jackson 2001)."""
    a, b = one - one.mean(axis=0), other - other.mean(axis=0)
    return float(np.linalg.svd(a.T @ b, compute_uv=False).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))


def axis_correlations(one: Floats, other: Floats) -> Floats:
    """Correlation of each axis of one configuration with the same axis of the other, whatever its sign, shape (k,)."""
    k = min(one.shape[1], other.shape[1])
    a, b = (x[:, :k] - x[:, :k].mean(axis=0) for x in (one, other))
    return np.asarray(np.abs((a * b).sum(axis=0)) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0)), dtype=np.float64)


def distance_error(axes: Floats, distances: Floats) -> tuple[float, float]:
    """How distances along axes (n, k) miss the true ones (n, n): root of their squared differences' share of the true squares, and their correlation."""
    at = np.triu_indices(distances.shape[0], 1)
    sums = (axes**2).sum(axis=1)
    along = np.sqrt(np.maximum(sums[:, None] + sums[None] - 2 * axes @ axes.T, 0.0))[at]
    true = distances[at]
    return float(np.sqrt(((along - true) ** 2).sum() / (true**2).sum())), float(np.corrcoef(along, true)[0, 1])
