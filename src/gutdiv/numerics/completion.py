"""Completion of a matrix of which few entries are known, by a matrix of low rank (OptSpace), and the robust CLR that it completes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.jit import prange, threaded
from gutdiv.numerics.krylov import leading_pairs, random_signs
from gutdiv.numerics.span import Span, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
ITERATIONS = 5  # as gemelli and vegan: later ones fit the noise of the known entries
TOLERANCE = 1e-5  # root mean square residual of the scaled entries at which the descent stops earlier
_BOUND = 10_000.0  # m_0 of the paper: keeps rows from growing without limit
_HALVINGS = 20
_DENSE = 2000  # rows up to which the first guess is taken from the whole Gram matrix


def robust_clr(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return ln x - mean ln x over the present features of each row (Martino et al. 2019); absent ones stay unknown.

    Parameters
    ----------
    matrix : (n, p) CSR
        Stored values > 0.

    Returns
    -------
    (n, p) CSR of float64 with the same structure; a stored 0 is a known value. vegan 2.6 writes 0 where a feature is absent.
    """
    logs = np.log(matrix.data.astype(np.float64))
    sizes = np.diff(matrix.indptr)
    means = np.array([row.mean() if row.size else 0.0 for row in np.split(logs, matrix.indptr[1:-1])])
    return sparse.csr_matrix((logs - np.repeat(means, sizes), matrix.indices, matrix.indptr), shape=matrix.shape)


def completed(known: sparse.csr_matrix, rank: int) -> tuple[Floats, Floats, Floats]:
    """Complete a matrix by one of low rank and centre it by columns, then rows: OptSpace (Keshavan, Montanari and Oh 2010).

    The descent runs over the known entries only, with the constants that gemelli (`rpca`) and vegan 2.7 (`optspace`) use; gemelli takes a
    known value of exactly 0 for an unknown one, here as in vegan it is known.

    Parameters
    ----------
    known : (n, p) CSR of float64
        Stored entries are known, also where 0.
    rank : int
        Below n and p.

    Returns
    -------
    samples : (n, rank)
        Left singular vectors of the centred completed matrix.
    sizes : (rank,)
        Its singular values, falling.
    features : (p, rank)
        Right singular vectors.
    """
    n, p = known.shape
    scale = np.sqrt(known.nnz * rank / float((known.data**2).sum()))
    rows = sparse.csr_matrix((known.data * scale, known.indices, known.indptr), shape=known.shape)
    columns = sparse.csr_matrix(rows.T)
    columns.sort_indices()
    left = _leading_left(rows, columns, rank)
    right = columns @ left
    right /= np.linalg.norm(right, axis=0)
    left, right = left * np.sqrt(n), right * np.sqrt(p)
    rho = known.nnz / np.sqrt(p * n) * n
    inner = _inner(rows, left, right)
    for _ in range(ITERATIONS):
        left_step, right_step = _gradient(rows, columns, left, right, inner, rho)
        length = _line(rows, (left, right), (left_step, right_step), inner, rho)
        left, right = left + length * left_step, right + length * right_step
        inner = _inner(rows, left, right)
        if np.sqrt(_misfit(rows, left, right @ inner.T) / known.nnz) < TOLERANCE:
            break
    # left @ inner @ right.T, column means taken out on the left and row means on the right, then factored anew
    one, upper = np.linalg.qr(left - left.mean(axis=0))
    other, lower = np.linalg.qr((right - right.mean(axis=0)) @ (inner / scale).T)
    u, sizes, v = np.linalg.svd(upper @ lower.T)
    return one @ u, sizes, other @ v.T


def _leading_left(rows: sparse.csr_matrix, columns: sparse.csr_matrix, rank: int) -> Floats:
    """Return the leading left singular vectors of a sparse matrix, (n, rank)."""
    n = rows.shape[0]
    if n <= _DENSE:
        gram = np.asarray((rows @ columns).todense(), dtype=np.float64)
        return np.asarray(np.linalg.eigh(gram)[1][:, ::-1][:, :rank], dtype=np.float64)
    product: Callable[[Floats], Floats] = lambda block: np.ascontiguousarray(rows @ (columns @ block))  # noqa: E731 - one line says it
    noise = float(np.finfo(float).eps * (rows.data**2).sum())
    return leading_pairs(product, random_signs(n, rank + 5), rank, least=2, noise=noise).vectors


def _inner(rows: sparse.csr_matrix, left: Floats, right: Floats) -> Floats:
    """Return the (rank, rank) S for which left S right' is nearest to the known entries."""
    rank = left.shape[1]
    squares, crosses = np.zeros((rows.shape[0], rank, rank)), np.zeros((rows.shape[0], rank))
    _row_products(rows.indptr, rows.indices, rows.data, right, squares, crosses)
    normal = np.einsum("ka,kc,kbd->abcd", left, left, squares, optimize=False).reshape(rank**2, rank**2)
    target = np.einsum("ka,kb->ab", left, crosses, optimize=False).ravel()
    return np.asarray(np.linalg.lstsq(normal, target, rcond=1e-12)[0].reshape(rank, rank), dtype=np.float64)


def _gradient(
    rows: sparse.csr_matrix, columns: sparse.csr_matrix, left: Floats, right: Floats, inner: Floats, rho: float
) -> tuple[Floats, Floats]:
    """Return the gradients on the two Grassmann manifolds, and of what keeps rows short."""
    by_row, by_column = np.zeros_like(left), np.zeros_like(right)
    there, back = right @ inner.T, left @ inner
    _residual_products(rows.indptr, rows.indices, rows.data, left, there, by_row)
    _residual_products(columns.indptr, columns.indices, columns.data, right, back, by_column)
    left_step = by_row - left @ (left.T @ by_row) / left.shape[0] + rho * _bound_slope(left)
    right_step = by_column - right @ (right.T @ by_column) / right.shape[0] + rho * _bound_slope(right)
    return left_step, right_step


def _line(rows: sparse.csr_matrix, at: tuple[Floats, Floats], steps: tuple[Floats, Floats], inner: Floats, rho: float) -> float:
    """Return the length of a step that lowers the cost enough: halved from -1/10 on (Armijo)."""
    slope = sum(float((s**2).sum()) for s in steps)
    before = _cost(rows, *at, inner, rho)
    length = -0.1
    for _ in range(_HALVINGS):
        if _cost(rows, at[0] + length * steps[0], at[1] + length * steps[1], inner, rho) - before <= 0.5 * length * slope:
            break
        length /= 2
    return length


def _cost(rows: sparse.csr_matrix, left: Floats, right: Floats, inner: Floats, rho: float) -> float:
    """Return half the sum of squared residuals plus what keeps rows short."""
    return _misfit(rows, left, right @ inner.T) / 2 + rho * (_bound(left) + _bound(right))


def _misfit(rows: sparse.csr_matrix, left: Floats, there: Floats) -> float:
    """Return the sum of squared residuals of the known entries."""
    squares = np.zeros(rows.shape[0])
    _squared_residuals(rows.indptr, rows.indices, rows.data, left, there, squares)
    return float(squares.sum())


def _excess(factor: Floats) -> Floats:
    """Return how far each row is over its bound, negative where it is under."""
    return np.asarray((factor**2).sum(axis=1) / (2 * _BOUND * factor.shape[1]) - 1, dtype=np.float64)


def _bound(factor: Floats) -> float:
    """Return the price of rows over their bound."""
    over = _excess(factor)
    with np.errstate(over="ignore"):  # a step that goes so far is not taken
        return float(np.expm1(over[over > 0] ** 2).sum())


def _bound_slope(factor: Floats) -> Floats:
    """Return the gradient of that price."""
    over = np.maximum(_excess(factor), 0.0)
    return np.asarray(factor * (2 * np.exp(over**2) * over)[:, None] / (_BOUND * factor.shape[1]), dtype=np.float64)


@threaded
def _row_products(indptr: Any, indices: Any, data: Floats, right: Floats, squares: Floats, crosses: Floats) -> None:
    """Sum v v' and x v over the known entries of each row, in their order."""
    rank = right.shape[1]
    for i in prange(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            j = indices[t]
            for a in range(rank):
                crosses[i, a] += data[t] * right[j, a]
                for b in range(rank):
                    squares[i, a, b] += right[j, a] * right[j, b]


@threaded
def _residual_products(indptr: Any, indices: Any, data: Floats, own: Floats, other: Floats, out: Floats) -> None:
    """Sum residual times the other factor over the known entries of each row, in their order."""
    rank = own.shape[1]
    for i in prange(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            j = indices[t]
            residual = -data[t]
            for a in range(rank):
                residual += own[i, a] * other[j, a]
            for a in range(rank):
                out[i, a] += residual * other[j, a]


@threaded
def _squared_residuals(indptr: Any, indices: Any, data: Floats, own: Floats, other: Floats, out: Floats) -> None:
    """Sum squared residuals of the known entries of each row, in their order."""
    for i in prange(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            residual = -data[t]
            for a in range(own.shape[1]):
                residual += own[i, a] * other[indices[t], a]
            out[i] += residual * residual


def point_distances(points: Floats, **wanted: Unpack[Wanted]) -> npt.NDArray[Any]:
    """Return Euclidean distances between points (n, k), or the part of them that is wanted (see `span`)."""
    span = Span(points.shape[0], **wanted)
    out = span.empty()
    _point_distances(points, span.start, span.end, span.condensed, out)
    return span.shaped(out)


@threaded
def _point_distances(points: Floats, start: int, stop: int, condensed: bool, out: Any) -> None:  # noqa: FBT001 - compiled
    """Write the distances of each row; a pair's value is the same whichever of the two is the row."""
    n = points.shape[0]
    for i in prange(start, stop):
        at = i * n - i * (i + 1) // 2 - i - 1 if condensed else (i - start) * n
        for j in range(i + 1 if condensed else 0, n):
            square = 0.0
            for a in range(points.shape[1]):
                square += (points[i, a] - points[j, a]) ** 2
            out[at + j] = np.sqrt(square)
