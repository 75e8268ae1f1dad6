"""Over pairs of samples: sums over the features that two samples share, by an inverted index, in blocks of rows.

Only pairs that share a feature are touched. A row is owned by one thread and its features are visited in their sorted order, so that the value
of a pair is the same bit for bit whichever of the two is the row, whatever the block and the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.jit import compiled, prange, threaded

Floats = npt.NDArray[np.float64]


@threaded
def _sums(start: int, stop: int, indptr: Any, indices: Any, data: Any, column: Any, sample: Any, value: Any, kind: int, out: Any) -> None:
    """Add to out[i - start, j] over shared features: the smaller value (kind 0) or the product (kind 1)."""
    for i in prange(start, stop):
        row = out[i - start]
        for t in range(indptr[i], indptr[i + 1]):
            x = data[t]
            for s in range(column[indices[t]], column[indices[t] + 1]):
                y = value[s]
                row[sample[s]] += x * y if kind == 1 else (x if x < y else y)


def shared_sums(matrix: sparse.csr_matrix, *, kind: str, start: int = 0, stop: int | None = None) -> Floats:
    """Sum over the features that two samples share.

    Parameters
    ----------
    matrix : (n, p) CSR of float64, values > 0, sorted indices
    kind : {'minimum', 'product'}
        What is summed for each shared feature.
    start, stop : int
        Rows to compute; default all.

    Returns
    -------
    (stop - start, n) float64
    """
    n = matrix.shape[0]
    stop = n if stop is None else stop
    by_feature = matrix.tocsc()
    by_feature.sort_indices()
    out = np.zeros((stop - start, n))
    data = matrix.data.astype(np.float64)
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
    column, sample = by_feature.indptr.astype(np.int64), by_feature.indices.astype(np.int64)
    _sums(start, stop, indptr, indices, data, column, sample, by_feature.data.astype(np.float64), 0 if kind == "minimum" else 1, out)
    return out


@threaded
def _complement(start: int, own: Floats, other: Floats, factor: float, out: Floats) -> None:
    """Turn shared sums S into 1 - factor S / (a + b - (2 - factor) S); pairs of two empty samples become NaN, a sample with itself 0."""
    for k in prange(out.shape[0]):
        for j in range(out.shape[1]):
            whole = own[k] + other[j] - (2.0 - factor) * out[k, j]
            if start + k == j:
                out[k, j] = 0.0
            elif whole > 0:
                out[k, j] = max(0.0, 1.0 - factor * out[k, j] / whole)
            else:
                out[k, j] = np.nan


def braycurtis(matrix: sparse.csr_matrix, *, start: int = 0, stop: int | None = None) -> Floats:
    """Bray-Curtis dissimilarity 1 - 2 sum min(x, y) / (sum x + sum y) of rows start..stop with all rows, in [0, 1]."""
    out = shared_sums(matrix, kind="minimum", start=start, stop=stop)
    sums = row_sums(matrix)
    _complement(start, sums[start : start + out.shape[0]], sums, 2.0, out)
    return out


def jaccard(matrix: sparse.csr_matrix, weights: Floats | None = None, *, start: int = 0, stop: int | None = None) -> Floats:
    """Jaccard dissimilarity of presence, 1 - shared weight / weight of the union, of rows start..stop with all rows, in [0, 1].

    Parameters
    ----------
    matrix : (n, p) CSR
        Only the structure counts: every stored value must be > 0.
    weights : (p,) float64, optional
        Weight of each column, >= 0; default 1. With columns as tree nodes and weights as branch lengths this is unweighted UniFrac.
    """
    w = np.ones(matrix.shape[1]) if weights is None else weights
    present = sparse.csr_matrix((w[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)
    out = shared_sums(present, kind="minimum", start=start, stop=stop)  # both values are the column's weight
    sums = row_sums(present)
    _complement(start, sums[start : start + out.shape[0]], sums, 1.0, out)
    return out


@compiled
def row_sums_of(indptr: Any, data: Any) -> Floats:
    """Sum of each row, in the order of its entries."""
    out = np.zeros(indptr.size - 1)
    for i in range(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            out[i] += data[t]
    return out


def row_sums(matrix: sparse.csr_matrix) -> Floats:
    """Sum of each row, shape (n,), in the order of its entries."""
    return row_sums_of(matrix.indptr.astype(np.int64), matrix.data.astype(np.float64))


@threaded
def _log_ratio_distance(start: int, indptr: Any, indices: Any, data: Any, norms: Floats, means: Floats, width: int, out: Floats) -> None:
    """Turn shared products into Aitchison distances; where cancellation would hurt, the sum is taken term by term."""
    for k in prange(out.shape[0]):
        i = start + k
        for j in range(out.shape[1]):
            gap = means[i] - means[j]
            size = norms[i] + norms[j]
            square = size - 2.0 * out[k, j] - width * gap * gap
            if square < 1e-4 * size:
                square = 0.0
                s, t = indptr[i], indptr[j]
                seen = 0
                while s < indptr[i + 1] or t < indptr[j + 1]:
                    left = indices[s] if s < indptr[i + 1] else np.int64(1 << 62)
                    right = indices[t] if t < indptr[j + 1] else np.int64(1 << 62)
                    x = data[s] if left <= right else 0.0
                    y = data[t] if right <= left else 0.0
                    s += left <= right
                    t += right <= left
                    seen += 1
                    square += (x - y - gap) ** 2
                square += (width - seen) * gap * gap
            out[k, j] = 0.0 if i == j else np.sqrt(max(square, 0.0))


def aitchison(matrix: sparse.csr_matrix, pseudocount: float, *, start: int = 0, stop: int | None = None) -> Floats:
    """Aitchison distance: Euclidean distance of CLR(x + pseudocount), of rows start..stop with all rows (Aitchison 1986).

    With w = ln(x + c) - ln c, which is 0 on absent features, CLR = w - mean(w) and d^2 = |w_i - w_j|^2 - p (mean_i - mean_j)^2: only present features are
    touched.
    """
    _n, width = matrix.shape
    w = sparse.csr_matrix((np.log(matrix.data + pseudocount) - np.log(pseudocount), matrix.indices, matrix.indptr), shape=matrix.shape)
    out = shared_sums(w, kind="product", start=start, stop=stop)
    squares = sparse.csr_matrix((w.data**2, w.indices, w.indptr), shape=w.shape)
    means = row_sums(w) / width
    _log_ratio_distance(start, w.indptr.astype(np.int64), w.indices.astype(np.int64), w.data, row_sums(squares), means, width, out)
    return out
