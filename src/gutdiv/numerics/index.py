"""Sums of any symmetric function over the features that two samples share, by an inverted index: Euclidean distances, Jensen-Shannon, UniFrac's kin.

Each sample keeps one row of sums; for each of its features it walks the other samples that hold it. What a feature adds that only one of the two holds
is known beforehand from that sample alone. A row is owned by one thread and visits its features in their order, so that the value of a pair is the same bit
for bit whichever of the two is the row, and whatever the rows asked for, the threads and the place of the samples in the table. All sums are in
float64; a span that asks for single precision has the results rounded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.jit import compiled, prange, threaded

if TYPE_CHECKING:
    from gutdiv.numerics.span import Array, Span

Floats = npt.NDArray[np.float64]
_NEAR = 1e-4  # where what is left is less than this share of what it is the difference of, it is summed term by term


@compiled
def _row(k: int, span: Any) -> int:
    """The k-th row to do: from both ends in turn, as early rows of a triangle are long and late ones short."""
    at: int = span[1] + k // 2 if k % 2 == 0 else span[2] - 1 - k // 2
    return at


@compiled
def _write(out: Any, span: Any, i: int, first: int, values: Any) -> None:
    """Write row i from column `first` on; span is (n, start, stop, mode)."""
    n, start, _, mode = span
    at = i * n - i * (i + 1) // 2 - i - 1 if mode == 1 else (i - start) * n
    for j in range(first, n):
        out[at + j] = values[j]
        if mode == 2:
            out[j * n + i] = values[j]


@compiled
def _after(sample: Any, low: int, high: int, i: int) -> int:
    """The first entry from `low` to `high` whose sample is after i."""
    while low < high:
        middle = (low + high) // 2
        if sample[middle] > i:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def _euclid_term_by_term(i: int, j: int, indptr: Any, indices: Any, data: Any, gap: float, width: int) -> float:
    """Sum (x - y - gap)^2 over all columns."""
    total = 0.0
    s, t = indptr[i], indptr[j]
    seen = 0
    while s < indptr[i + 1] or t < indptr[j + 1]:
        left = np.int64(indices[s]) if s < indptr[i + 1] else np.int64(1 << 62)
        right = np.int64(indices[t]) if t < indptr[j + 1] else np.int64(1 << 62)
        x = data[s] if left <= right else 0.0
        y = data[t] if right <= left else 0.0
        s += left <= right
        t += right <= left
        seen += 1
        total += (x - y - gap) ** 2
    return total + (width - seen) * gap * gap


@threaded
def _euclid(
    span: Any, indptr: Any, indices: Any, data: Any, column: Any, sample: Any, value: Any, squares: Any, means: Any, width: int, out: Any
) -> None:
    """Euclidean distances of x - mean(x), from products over shared columns."""
    for k in prange(span[2] - span[1]):
        i = _row(k, span)
        first = i + 1 if span[3] > 0 else 0
        row = np.zeros(span[0])
        for t in range(indptr[i], indptr[i + 1]):
            x, v = data[t], indices[t]
            for s in range(_after(sample, column[v], column[v + 1], first - 1), column[v + 1]):
                row[sample[s]] += x * value[s]
        for j in range(first, span[0]):
            gap = means[i] - means[j]
            size = squares[i] + squares[j]
            rest = size - 2.0 * row[j] - width * gap * gap
            if rest < _NEAR * size:
                rest = _euclid_term_by_term(i, j, indptr, indices, data, gap, width)
            row[j] = 0.0 if i == j else math.sqrt(rest if not rest < 0.0 else 0.0)  # NaN stays
        _write(out, span, i, first, row)


def euclid(matrix: sparse.csr_matrix, span: Span, *, centred: bool, undefined: npt.NDArray[np.bool_] | None = None) -> Array:
    """Euclidean distances between rows, or between rows less their mean over all columns, touching only what is stored.

    Parameters
    ----------
    matrix : (n, p) CSR of float64, sorted indices
    centred : bool
        Take each row's mean off all of its p columns first.
    undefined : (n,) bool, optional
        Samples whose distances to all others are NaN.
    """
    squares = _sums_of(matrix.indptr, matrix.data**2)
    means = _sums_of(matrix.indptr, matrix.data) / matrix.shape[1] if centred else np.zeros(span.n)
    if undefined is not None:
        squares[undefined] = np.nan
    by_column = matrix.tocsc()
    out = span.empty()
    columns = (by_column.indptr, by_column.indices, by_column.data)
    _euclid(_where(span), matrix.indptr, matrix.indices, matrix.data, *columns, squares, means, matrix.shape[1], out)
    return span.shaped(out)


@compiled
def _divergence_term_by_term(i: int, j: int, indptr: Any, indices: Any, data: Any) -> float:
    """Sum over all columns (p + q)/4 ((1 + e) ln(1 + e) + (1 - e) ln(1 - e)), e = (p - q)/(p + q): no term is negative."""
    total = 0.0
    s, t = indptr[i], indptr[j]
    while s < indptr[i + 1] or t < indptr[j + 1]:
        left = np.int64(indices[s]) if s < indptr[i + 1] else np.int64(1 << 62)
        right = np.int64(indices[t]) if t < indptr[j + 1] else np.int64(1 << 62)
        p = data[s] if left <= right else 0.0
        q = data[t] if right <= left else 0.0
        s += left <= right
        t += right <= left
        if p == 0.0 or q == 0.0:
            total += 0.5 * (p + q) * math.log(2.0)
            continue
        e = (p - q) / (p + q)
        if abs(e) < 0.1:  # the series sum e^2k / (k (2k - 1)): the logarithms would cancel
            power, term = 1.0, 0.0
            for k in range(1, 9):
                power *= e * e
                term += power / (k * (2 * k - 1))
        else:
            term = (1.0 + e) * math.log1p(e) + (1.0 - e) * math.log1p(-e)
        total += 0.25 * (p + q) * term
    return total


@threaded
def _jensen_shannon(
    span: Any, indptr: Any, indices: Any, data: Any, logs: Any, column: Any, sample: Any, value: Any, other: Any, empty: Any, out: Any
) -> None:
    """Root of ln 2 + 1/2 sum over shared columns of p ln p + q ln q - (p + q) ln(p + q)."""
    for k in prange(span[2] - span[1]):
        i = _row(k, span)
        first = i + 1 if span[3] > 0 else 0
        row = np.zeros(span[0])
        for t in range(indptr[i], indptr[i + 1]):
            p, a, v = data[t], logs[t], indices[t]
            for s in range(_after(sample, column[v], column[v + 1], first - 1), column[v + 1]):
                both = p + value[s]
                row[sample[s]] += (a + other[s]) - both * math.log(both)
        for j in range(first, span[0]):
            divergence = math.log(2.0) + 0.5 * row[j]
            if divergence < _NEAR:
                divergence = _divergence_term_by_term(i, j, indptr, indices, data)
            d = math.sqrt(min(max(divergence, 0.0), math.log(2.0)))
            row[j] = 0.0 if i == j else np.nan if empty[i] or empty[j] else d
        _write(out, span, i, first, row)


def jensen_shannon(matrix: sparse.csr_matrix, span: Span, *, undefined: npt.NDArray[np.bool_]) -> Array:
    """Jensen-Shannon distances in root nats between rows that each sum to 1 (those `undefined` aside, whose distances are NaN)."""
    logs = sparse.csr_matrix((matrix.data * np.log(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    by_column, other = matrix.tocsc(), logs.tocsc()
    out = span.empty()
    columns = (by_column.indptr, by_column.indices, by_column.data, other.data)
    _jensen_shannon(_where(span), matrix.indptr, matrix.indices, matrix.data, logs.data, *columns, undefined, out)
    return span.shaped(out)


@threaded
def _powers(
    span: Any, indptr: Any, indices: Any, data: Any, alone: Any, column: Any, sample: Any, value: Any, other: Any,
    length: Any, alpha: float, own: Any, out: Any,
) -> None:  # fmt: skip
    """Quotient of sum L (p + q)^alpha |p - q|/(p + q) by sum L (p + q)^alpha: what each has alone, put right where both have it."""
    for k in prange(span[2] - span[1]):
        i = _row(k, span)
        first = i + 1 if span[3] > 0 else 0
        row, below = np.zeros(span[0]), np.zeros(span[0])
        for t in range(indptr[i], indptr[i + 1]):
            p, a, v = data[t], alone[t], indices[t]
            long = length[v]
            for s in range(_after(sample, column[v], column[v + 1], first - 1), column[v + 1]):
                both = p + value[s]
                weight = math.sqrt(both) if alpha == 0.5 else both**alpha
                apart = a + other[s]
                row[sample[s]] += long * (abs(p - value[s]) / both * weight) - apart
                below[sample[s]] += long * weight - apart
        for j in range(first, span[0]):
            under = (own[i] + own[j]) + below[j]
            d = min(1.0, max(0.0, (own[i] + own[j]) + row[j]) / under) if under > 0 else np.nan
            row[j] = 0.0 if i == j else d
        _write(out, span, i, first, row)


def powers(matrix: sparse.csr_matrix, length: Floats, span: Span, *, alpha: float, undefined: npt.NDArray[np.bool_]) -> Array:
    """Generalised UniFrac (Chen 2012) from the proportions of reads below the branches.

    Parameters
    ----------
    matrix : (n, n_nodes) CSR of float64, sorted indices
        Share of a sample's reads below each branch, > 0.
    length : (n_nodes,)
        Branch lengths, > 0 where anything is stored.
    alpha : float
        From 0 to 1.
    undefined : (n,) bool
        Samples whose distances to all others are NaN.
    """
    weight = np.sqrt(matrix.data) if alpha == 0.5 else matrix.data**alpha
    alone = sparse.csr_matrix((length[matrix.indices] * weight, matrix.indices, matrix.indptr), shape=matrix.shape)
    own = _sums_of(alone.indptr, alone.data)
    own[undefined] = np.nan
    by_column, other = matrix.tocsc(), alone.tocsc()
    out = span.empty()
    columns = (by_column.indptr, by_column.indices, by_column.data, other.data)
    _powers(_where(span), matrix.indptr, matrix.indices, matrix.data, alone.data, *columns, length, alpha, own, out)
    return span.shaped(out)


@threaded
def _variance_adjusted_even(
    span: Any, indptr: Any, indices: Any, data: Any, alone: Any, column: Any, sample: Any, value: Any, other: Any,
    length: Any, every: float, own: Any, out: Any,
) -> None:  # fmt: skip
    """Variance-adjusted UniFrac of samples of equal depth: what a branch adds where one sample alone has it is known from that sample."""
    for k in prange(span[2] - span[1]):
        i = _row(k, span)
        first = i + 1 if span[3] > 0 else 0
        row, below = np.zeros(span[0]), np.zeros(span[0])
        for t in range(indptr[i], indptr[i + 1]):
            x, a, v = data[t], alone[t], indices[t]
            for s in range(_after(sample, column[v], column[v + 1], first - 1), column[v + 1]):
                here = x + value[s]
                apart = a + other[s]
                weight = length[v] / math.sqrt(here * (every - here)) if here < every else 0.0
                row[sample[s]] += weight * abs(x - value[s]) - apart
                below[sample[s]] += weight * here - apart
        for j in range(first, span[0]):
            under = (own[i] + own[j]) + below[j]
            d = min(1.0, max(0.0, (own[i] + own[j]) + row[j]) / under) if under > 0 else np.nan
            row[j] = 0.0 if i == j else d
        _write(out, span, i, first, row)


@threaded
def _variance_adjusted(span: Any, indptr: Any, indices: Any, data: Any, totals: Any, length: Any, out: Any) -> None:
    """Walk the branches of two samples side by side: the weight of a branch depends on the reads of both."""
    for k in prange(span[2] - span[1]):
        i = _row(k, span)
        first = i + 1 if span[3] > 0 else 0
        row = np.zeros(span[0])
        for j in range(first, span[0]):
            every = totals[i] + totals[j]
            above = below = 0.0
            s, t = indptr[i], indptr[j]
            while s < indptr[i + 1] or t < indptr[j + 1]:
                left = np.int64(indices[s]) if s < indptr[i + 1] else np.int64(1 << 62)
                right = np.int64(indices[t]) if t < indptr[j + 1] else np.int64(1 << 62)
                x = data[s] if left <= right else 0.0
                y = data[t] if right <= left else 0.0
                s += left <= right
                t += right <= left
                here = x + y
                if here < every:  # a branch above all reads has no variance
                    p, q = x / totals[i], y / totals[j]
                    weight = length[min(left, right)] / math.sqrt(here * (every - here))
                    above += weight * abs(p - q)
                    below += weight * (p + q)
            d = above / below if below > 0 else np.nan
            row[j] = 0.0 if i == j else np.nan if totals[i] == 0 or totals[j] == 0 else d
        _write(out, span, i, first, row)


def variance_adjusted(matrix: sparse.csr_matrix, length: Floats, totals: Floats, span: Span) -> Array:
    """Variance-adjusted weighted UniFrac (Chang 2011) from the reads below the branches, (n, n_nodes), and each sample's reads.

    Samples of equal depth, as rarefied ones, take the inverted index; else each pair's branches are walked, as all weights depend on both depths.
    """
    out = span.empty()
    if span.n and totals[0] > 0 and np.all(totals == totals[0]):
        every = 2.0 * totals[0]
        weighted = length[matrix.indices] * matrix.data / np.sqrt(matrix.data * (every - matrix.data))
        alone = sparse.csr_matrix((weighted, matrix.indices, matrix.indptr), shape=matrix.shape)
        own = _sums_of(alone.indptr, alone.data)
        by_column, other = matrix.tocsc(), alone.tocsc()
        columns = (by_column.indptr, by_column.indices, by_column.data, other.data)
        _variance_adjusted_even(
            _where(span), matrix.indptr, matrix.indices, matrix.data, alone.data, *columns, length, every, own, out
        )  # fmt: skip
    else:
        _variance_adjusted(_where(span), matrix.indptr, matrix.indices, matrix.data, totals, length, out)
    return span.shaped(out)


@compiled
def _sums_of(indptr: Any, data: Any) -> Floats:
    """Sum of each row, in the order of its entries."""
    out = np.zeros(indptr.size - 1)
    for i in range(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            out[i] += data[t]
    return out


def _where(span: Span) -> tuple[int, int, int, int]:
    """The span as the kernels take it."""
    return span.n, span.start, span.end, span.mode
