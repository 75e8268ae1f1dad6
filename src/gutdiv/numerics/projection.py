"""Sums of squares of distances along linear models, and many permuted pseudo-F at once by matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = npt.NDArray[np.float64]
_ALIASED = 1e-7  # share of a column's own length that must be new, as in R's qr()
_FLAT = 1e-12  # share of a column's length that must remain after centring
_BATCH_COLUMNS = 256  # of permuted bases in one product: wide enough for BLAS, 10 MB at 5,000 samples
_ROWS = 256  # of a block of the matrix
_CACHED = 8  # rows that a core's cache holds


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


def gathered(observed: Projection, taken: npt.NDArray[np.intp], *, ordered: bool) -> Projection:
    """Project on the rows `taken` of the observed design, of which some may stand in it more than once and every distinct one must.

    The columns Q of the observed basis are taken along and made orthonormal anew by Cholesky, L L' = Q'Q, which keeps their order: so that
    terms in sequence (`ordered`) keep their directions. A term after all others has directions D orthogonal to these; in the new basis
    the others are L'B with B'D = 0, and what is orthogonal to them is L^-1 D. That needs no design again.
    """
    rows = observed.basis.T.take(taken, axis=1)
    rows -= rows.mean(axis=1, keepdims=True)
    inverse = np.linalg.inv(np.linalg.cholesky(rows @ rows.T))
    directions = observed.directions if ordered else tuple(np.linalg.qr(inverse @ d)[0] for d in observed.directions)
    return Projection((inverse @ rows).T, directions)


def _complement(basis: Floats, reduced: Floats) -> Floats:
    """Directions within the basis that are orthogonal to the reduced design, which the basis must span."""
    inside = basis.T @ independent_basis(reduced)[0]
    if inside.shape[1] == 0:
        return np.eye(basis.shape[1])
    return np.asarray(np.linalg.svd(inside, full_matrices=True)[0][:, inside.shape[1] :], dtype=np.float64)


def gower_centred(distances: npt.NDArray[Any], places: npt.NDArray[np.intp] | None = None, *, square_root: bool = False) -> Floats:
    """Return G = J (-D^2 / 2) J of a symmetric (n, n) matrix of distances, or of the samples at `places`; makes one new matrix (Gower 1966).

    With `square_root` the distances are the roots of those given, so that these stand where the squares do.
    """
    if places is None:
        places = np.arange(distances.shape[0])
    centred: Floats = np.empty((places.size, places.size), dtype=np.float64)
    whole = places.size == distances.shape[0] and bool(np.all(places[1:] == places[:-1] + 1))
    means = np.zeros(places.size)
    for start in range(0, places.size, _ROWS):
        rows = slice(start, start + _ROWS)
        part = distances[rows] if whole else distances[np.ix_(places[rows], places)]
        centred[rows] = part
        if not square_root:
            centred[rows] *= centred[rows]
        centred[rows] *= -0.5
        means += centred[rows].sum(axis=0)
    means /= places.size
    mean = means.mean()
    for start in range(0, places.size, _CACHED):  # rows and columns of a few rows while these are at hand
        rows = slice(start, start + _CACHED)
        centred[rows] -= means
        centred[rows] -= (means[rows] - mean)[:, None]
    return centred


def sums_of_squares(gower: Floats, projection: Projection) -> tuple[Floats, float, float]:
    """Return the sums of squares of the tested terms (n_terms,), of the residuals, and in total.

    McArdle & Anderson 2001, Ecology 82:290: SS = tr(H G).
    """
    inner: Floats = projection.basis.T @ gower @ projection.basis
    total = float(np.trace(gower))
    return _terms(inner, projection.directions), total - float(np.trace(inner)), total


def pseudo_f(
    gower: Floats, project: Callable[[int], Projection], permutations: int, *, n_terms: int, threads: int | None = None
) -> Floats:
    """Return the pseudo-F of every tested term of the projections project(0), project(1), ..., shape (permutations, n_terms).

    F = (SS_term / df_term) / (SS_residual / df_residual). A term that a permuted design leaves without any direction gets inf, so
    that it counts as reached and p can only grow. Projections are drawn and multiplied many at a time, on threads that own fixed pieces.
    """
    if permutations == 0:
        return np.empty((0, n_terms))
    total = float(np.trace(gower))
    at_once = max(1, _BATCH_COLUMNS // max(1, project(0).basis.shape[1]))

    def piece(k: int) -> Floats:
        batch = [project(number) for number in range(k * at_once, min((k + 1) * at_once, permutations))]
        return _pseudo_f(gower, batch, total)

    return np.concatenate(in_threads(piece, -(-permutations // at_once), threads=threads)).reshape(-1, n_terms)


def _pseudo_f(gower: Floats, batch: Sequence[Projection], total: float) -> Floats:
    """Pseudo-F of some projections, by one product."""
    stacked = np.concatenate([p.basis.T for p in batch])
    moved = half_product(stacked, gower)
    rows: list[Floats] = []
    start = 0
    for projection in batch:
        m = projection.basis.shape[1]
        inner = moved[start : start + m] @ stacked[start : start + m].T
        inner += inner.T.copy()
        start += m
        residual = (total - float(np.trace(inner))) / (gower.shape[0] - 1 - m)
        with np.errstate(divide="ignore", invalid="ignore"):
            f = _terms(inner, projection.directions) / projection.df / residual
        rows.append(np.where(projection.df > 0, f, np.inf))
    return np.array(rows, dtype=np.float64)


def half_product(rows: Floats, symmetric: Floats) -> Floats:
    """Return X L, shape (c, n), of rows X (c, n) and L with L + L' = S, the symmetric (n, n): then X S X' = (X L) X' + its transpose.

    L is what lies below the diagonal, by blocks, and half of the blocks on it: half the arithmetic of X S.
    """
    out = np.empty_like(rows)
    n = rows.shape[1]
    for start in range(0, n, _ROWS):
        stop = min(n, start + _ROWS)
        here = rows[:, start:stop] @ symmetric[start:stop, start:stop]
        here *= 0.5
        if stop < n:
            here += rows[:, stop:] @ symmetric[stop:, start:stop]
        out[:, start:stop] = here
    return out


def _terms(inner: Floats, directions: Sequence[Floats]) -> Floats:
    """Sum of squares of each term from the inner products Q'GQ of its basis."""
    return np.array([np.sum((inner @ d) * d) for d in directions], dtype=np.float64)
