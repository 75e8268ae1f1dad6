"""Products and sums over squared distances, tile by tile, of a matrix that lies square or condensed and is never copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled, prange, threaded

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
Distances = npt.NDArray[Any]  # (n, n), or the upper triangle (n (n - 1) / 2,) by rows; float32 or float64
_ROWS, _COLUMNS = 64, 1024  # of a tile: half a megabyte of doubles, inside a core's cache


def centred_product(distances: Distances, n: int) -> Callable[[Floats], Floats]:
    """Return the product of the Gower-centred matrix with a block (n, b), which reads the distances and writes no matrix."""
    flat = distances.ndim == 1
    stored = distances.reshape(1, -1) if flat else distances

    def product(block: Floats) -> Floats:
        centred = block - block.mean(axis=0)
        out: Floats = np.empty_like(centred)
        _squares_times(stored, n, flat, centred, out)
        out *= -0.5
        out -= out.mean(axis=0)
        return out

    return product


@compiled
def _squared_tile(stored: Any, n: int, flat: bool, i0: int, i1: int, j0: int, j1: int, tile: Floats) -> None:  # noqa: FBT001 - compiled
    """Write squared distances of rows i0..i1 with columns j0..j1 into `tile`, (i1 - i0, j1 - j0)."""
    if not flat:
        for i in range(i0, i1):
            row, to = stored[i, j0:j1], tile[i - i0]
            for j in range(j1 - j0):
                value = np.float64(row[j])
                to[j] = value * value
        return
    for j in range(j0, j1):  # below the diagonal: what row j holds of the columns i0..i1, which lie side by side
        at = j * n - j * (j + 1) // 2 - j - 1
        for i in range(max(i0, j + 1), i1):
            value = np.float64(stored[0, at + i])
            tile[i - i0, j - j0] = value * value
    for i in range(i0, i1):
        at = i * n - i * (i + 1) // 2 - i - 1
        for j in range(max(j0, i + 1), j1):
            value = np.float64(stored[0, at + j])
            tile[i - i0, j - j0] = value * value
        if j0 <= i < j1:
            tile[i - i0, i - j0] = 0.0


@threaded
def _squares_times(stored: Any, n: int, flat: bool, block: Floats, out: Floats) -> None:  # noqa: FBT001 - compiled
    """Multiply squared distances with a block, tile by tile: a thread owns its rows, and every sum has one order."""
    for t in prange((n + _ROWS - 1) // _ROWS):
        i0, i1 = t * _ROWS, min(n, (t + 1) * _ROWS)
        space = np.empty(_ROWS * _COLUMNS)
        sums = np.zeros((i1 - i0, block.shape[1]))
        for j0 in range(0, n, _COLUMNS):
            j1 = min(n, j0 + _COLUMNS)
            tile = space[: (i1 - i0) * (j1 - j0)].reshape(i1 - i0, j1 - j0)
            _squared_tile(stored, n, flat, i0, i1, j0, j1, tile)
            sums += np.dot(tile, block[j0:j1])
        out[i0:i1] = sums


@threaded
def _row_moments(stored: Any, n: int, flat: bool, squares: Floats, fourths: Floats) -> None:  # noqa: FBT001 - compiled
    """Sum the second and fourth powers of each row's distances."""
    for t in prange((n + _ROWS - 1) // _ROWS):
        i0, i1 = t * _ROWS, min(n, (t + 1) * _ROWS)
        tile = np.empty((_ROWS, _COLUMNS))
        for j0 in range(0, n, _COLUMNS):
            j1 = min(n, j0 + _COLUMNS)
            _squared_tile(stored, n, flat, i0, i1, j0, j1, tile)
            for i in range(i0, i1):
                for j in range(j1 - j0):
                    squares[i] += tile[i - i0, j]
                    fourths[i] += tile[i - i0, j] * tile[i - i0, j]


def row_moments(distances: Distances, n: int) -> tuple[Floats, Floats]:
    """Return the sums of squares and of fourth powers of each sample's distances, shape (n,) each."""
    flat = distances.ndim == 1
    squares, fourths = np.zeros(n), np.zeros(n)
    _row_moments(distances.reshape(1, -1) if flat else distances, n, flat, squares, fourths)
    return squares, fourths
