"""Sums of squares of distances along linear models, and many permuted pseudo-F at once by matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Floats = npt.NDArray[np.float64]
_ALIASED = 1e-7  # share of a column's own length that must be new, as in R's qr()
_FLAT = 1e-12  # share of a column's length that must remain after centring
_BATCH_COLUMNS = 256  # of permuted bases in one product: wide enough for BLAS, 10 MB at 5,000 samples


@dataclass(frozen=True, eq=False)
class Projection:
    """What a model projects on: `basis` (n, m), orthonormal and centred, and for each tested term `directions` (m, df) within it."""

    basis: Floats
    directions: tuple[Floats, ...]

    @property
    def df(self) -> npt.NDArray[np.int64]:
        """Degrees of freedom of the tested terms, shape (n_terms,)."""
        return np.array([d.shape[1] for d in self.directions], dtype=np.int64)


def independent_basis(matrix: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return an orthonormal basis of the centred columns behind the first, and the places of the columns it was made from.

    The first column must be the intercept. Columns enter in order (Gram-Schmidt, twice for orthogonality to machine precision); one
    that earlier columns determine, up to 1e-7 of its length, or that does not vary, is left out.
    """
    n, width = matrix.shape
    basis = np.empty((n, max(min(n - 1, width - 1), 0)), dtype=np.float64, order="F")
    places: list[int] = []
    centred = matrix - matrix.mean(axis=0)
    for j in range(1, width):
        if len(places) == basis.shape[1]:
            break
        column = centred[:, j]
        length = float(np.linalg.norm(column))
        if length <= _FLAT * float(np.linalg.norm(matrix[:, j])):
            continue
        used = basis[:, : len(places)]
        for _ in range(2):
            column = column - used @ (used.T @ column)
        new = float(np.linalg.norm(column))
        if new > _ALIASED * length:
            basis[:, len(places)] = column / new
            places.append(j)
    return basis[:, : len(places)], np.array(places, dtype=np.intp)


def sequential(matrix: Floats, slices: Sequence[slice]) -> Projection:
    """Project on a design (intercept first), each term after those before it.

    A term is a slice of columns; one slice over all columns tests the whole model.
    """
    basis, places = independent_basis(matrix)
    eye = np.eye(basis.shape[1])
    return Projection(basis, tuple(eye[:, (places >= s.start) & (places < s.stop)] for s in slices))


def marginal(matrix: Floats, reduced: Sequence[Floats]) -> Projection:
    """Project on a design (intercept first), each term after all others: `reduced` holds for each term the design without it."""
    basis, _ = independent_basis(matrix)
    return Projection(basis, tuple(_complement(basis, r) for r in reduced))


def _complement(basis: Floats, reduced: Floats) -> Floats:
    """Directions within the basis that are orthogonal to the reduced design, which the basis must span."""
    inside = basis.T @ independent_basis(reduced)[0]
    if inside.shape[1] == 0:
        return np.eye(basis.shape[1])
    return np.asarray(np.linalg.svd(inside, full_matrices=True)[0][:, inside.shape[1] :], dtype=np.float64)


def gower_centred(distances: npt.NDArray[Any]) -> Floats:
    """Return G = J (-D^2 / 2) J of a symmetric (n, n) matrix of distances; makes one new matrix (Gower 1966)."""
    centred: Floats = np.multiply(distances, distances, dtype=np.float64)
    centred *= -0.5
    means = centred.mean(axis=0)
    centred -= means
    centred -= means[:, None]
    centred += means.mean()
    return centred


def sums_of_squares(gower: Floats, projection: Projection) -> tuple[Floats, float, float]:
    """Return the sums of squares of the tested terms (n_terms,), of the residuals, and in total.

    McArdle & Anderson 2001, Ecology 82:290: SS = tr(H G).
    """
    inner: Floats = projection.basis.T @ gower @ projection.basis
    total = float(np.trace(gower))
    return _terms(inner, projection.directions), total - float(np.trace(inner)), total


def pseudo_f(gower: Floats, projections: Iterable[Projection], *, n_terms: int) -> Floats:
    """Return the pseudo-F of every tested term of every projection, shape (n_projections, n_terms).

    F = (SS_term / df_term) / (SS_residual / df_residual). A term that a permuted design leaves without any direction gets inf, so
    that it counts as reached and p can only grow.
    """
    total = float(np.trace(gower))
    n = gower.shape[0]
    rows: list[Floats] = []
    for batch in _batches(projections):
        stacked = np.concatenate([p.basis.T for p in batch])
        moved = stacked @ gower
        start = 0
        for projection in batch:
            m = projection.basis.shape[1]
            inner = moved[start : start + m] @ stacked[start : start + m].T
            start += m
            residual = (total - float(np.trace(inner))) / (n - 1 - m)
            with np.errstate(divide="ignore", invalid="ignore"):
                f = _terms(inner, projection.directions) / projection.df / residual
            rows.append(np.where(projection.df > 0, f, np.inf))
    return np.array(rows, dtype=np.float64).reshape(-1, n_terms)


def _terms(inner: Floats, directions: Sequence[Floats]) -> Floats:
    """Sum of squares of each term from the inner products Q'GQ of its basis."""
    return np.array([np.sum((inner @ d) * d) for d in directions], dtype=np.float64)


def _batches(projections: Iterable[Projection]) -> Iterator[list[Projection]]:
    """Gather projections until their columns fill a batch."""
    batch: list[Projection] = []
    width = 0
    for projection in projections:
        batch.append(projection)
        width += projection.basis.shape[1]
        if width >= _BATCH_COLUMNS:
            yield batch
            batch, width = [], 0
    if batch:
        yield batch
