"""Which part of a matrix of distances is wanted, and how it lies in memory: a block of rows, the whole, or each pair once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ROWS, CONDENSED, SQUARE = 0, 1, 2


class Wanted(TypedDict, total=False):
    """Keywords that every function over pairs takes: rows `start` to `stop` (default: all), `condensed` (each pair once), `single` (float32)."""

    start: int
    stop: int | None
    condensed: bool
    single: bool


@dataclass(frozen=True)
class Span:
    """The wanted part of the distances of n samples.

    Parameters
    ----------
    n : int
    start, stop : int
        Rows of the matrix; default all.
    condensed : bool
        Each pair once, row after row, in an array of n (n - 1) / 2 (the order of scipy's `squareform`); only for all rows.
    single : bool
        float32 rather than float64.
    """

    n: int
    start: int = 0
    stop: int | None = None
    condensed: bool = False
    single: bool = False

    def __post_init__(self) -> None:
        """Refuse rows that the matrix does not have."""
        if not 0 <= self.start <= self.end <= self.n or (self.condensed and self.end - self.start != self.n):
            msg = f"rows {self.start} to {self.end} of {self.n}, condensed: {self.condensed}"
            raise ValueError(msg)

    @property
    def end(self) -> int:
        """The row after the last one."""
        return self.n if self.stop is None else self.stop

    @property
    def mode(self) -> int:
        """How the part lies in memory: ROWS, or, where each pair is computed once, CONDENSED or SQUARE."""
        return CONDENSED if self.condensed else SQUARE if self.end - self.start == self.n else ROWS

    def empty(self) -> Array:
        """Return a flat array of zeros for the part."""
        size = self.n * (self.n - 1) // 2 if self.condensed else (self.end - self.start) * self.n
        return np.zeros(size, np.float32 if self.single else np.float64)

    def shaped(self, out: Array) -> Array:
        """Return the flat array in the shape of the part."""
        return out if self.condensed else out.reshape(self.end - self.start, self.n)


@dataclass(frozen=True, eq=False)
class Condensed:
    """A whole matrix of distances in half the memory: `values` holds each pair once, row after row; the diagonal is zero."""

    values: Array
    n: int

    def rows(self, start: int, stop: int) -> Array:
        """Return rows start..stop of the matrix, shape (stop - start, n)."""
        out = np.zeros((stop - start, self.n), self.values.dtype)
        left = np.empty((stop, stop - start), self.values.dtype)  # columns before the row, one contiguous piece for each earlier sample
        for j in range(stop):
            at = j * self.n - j * (j + 1) // 2 - j - 1
            if j < start:
                left[j] = self.values[at + start : at + stop]
            else:
                out[j - start, j + 1 :] = self.values[at + j + 1 : at + self.n]
                left[j, : j + 1 - start] = 0
                left[j, j + 1 - start :] = self.values[at + j + 1 : at + stop]
        out[:, :start] = left[:start].T
        out[:, start:stop] += left[start:].T  # below the diagonal; above it and on it these are zeros
        return out
