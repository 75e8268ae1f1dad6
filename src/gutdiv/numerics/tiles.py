"""Sums of minima over pairs of samples, tile by tile: rare features by lists of blocks, common ones by panels that stay in the cache.

A tile is a block of samples against another. Features that few samples hold are matched by walking the two blocks' lists of features side by side; of
those that many hold, a panel holds the values of one block, and each sample of the other adds the panel's rows of the features that it has.
A pair is summed over its shared features in one order, first the rare ones, then the common ones, each by column: a feature that one of the two lacks
adds nothing or an exact zero. So the value of a pair is the same bit for bit whichever of the two is the row, and whatever the rows asked for, the
number of threads and the place of the samples in the table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.jit import compiled, prange, threaded
from gutdiv.numerics.span import ROWS, Array, Span

Floats = npt.NDArray[np.float64]
# By bytes of a value: the share of samples from which a feature counts as common, the samples of a block, the features of a panel. Measured; they
# change no result beyond rounding.
_COMMON = {2: 0.02, 4: 0.1, 8: 0.15}
_BLOCK = {2: 512, 4: 256, 8: 256}
_PANEL = {2: 256, 4: 128, 8: 64}

MANHATTAN, JACCARD, BRAY_CURTIS = 0, 1, 2


class _Parts(NamedTuple):
    """Values of the common columns by sample, of the rare ones by block of samples, and the sum of every sample."""

    indptr: Array  # (n + 1,)
    column: Array  # rank among the common columns
    value: Array
    width: int  # number of common columns
    block: int
    height: int  # of a panel
    starts: Array  # (blocks + 1,) first list entry of each block
    feature: Array  # rare columns that the block holds, in order
    first: Array  # first member of each
    member: Array  # place of the sample in its block
    rare: Array  # its value
    own: Floats  # (n,)


@compiled
def _part(
    indptr: Any, indices: Any, data: Any, rank: Any, common: Any, column: Any, value: Any, rare: Any, feature: Any, held: Any
) -> None:
    """Part the rows' entries by the rank of their column: common from 0 on, rare -1, held by one sample alone -2."""
    c = r = 0
    for i in range(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            k = rank[indices[t]]
            if k >= 0:
                column[c] = k
                value[c] = data[t]
                c += 1
            elif k == -1:
                feature[r] = indices[t]
                held[r] = data[t]
                r += 1
        common[i + 1] = c
        rare[i + 1] = r


@compiled
def _sums(indptr: Any, indices: Any, data: Any, rank: Any, zero: Any) -> Floats:
    """Sum each row in the order in which a pair of it with itself would be summed, so that equal samples are at distance 0."""
    out = np.zeros(indptr.size - 1)
    shared = np.zeros(1, zero.dtype)
    for i in range(indptr.size - 1):
        alone = 0.0
        shared[0] = 0
        for kind in range(2):
            for t in range(indptr[i], indptr[i + 1]):
                k = rank[indices[t]]
                if kind == 0 and k == -2:
                    alone += data[t]
                elif (kind == 0 and k == -1) or (kind == 1 and k >= 0):
                    zero[0] = data[t]
                    shared[0] += zero[0]
        out[i] = alone + shared[0]
    return out


@compiled
def _list_blocks(columns: Any, samples: Any, data: Any, block: int, starts: Any, feature: Any, first: Any, member: Any, value: Any) -> None:
    """List for each block of samples the columns that it holds, and their samples in it, from a matrix by columns."""
    blocks = starts.size - 1
    lists = np.zeros(blocks + 1, np.int64)
    entries = np.zeros(blocks + 1, np.int64)
    for v in range(columns.size - 1):
        last = -1
        for t in range(columns[v], columns[v + 1]):
            b = samples[t] // block
            entries[b + 1] += 1
            if b != last:
                lists[b + 1] += 1
                last = b
    for b in range(blocks):
        lists[b + 1] += lists[b]
        entries[b + 1] += entries[b]
    for b in range(blocks + 1):
        starts[b] = lists[b]
    first[lists[blocks]] = entries[blocks]
    for v in range(columns.size - 1):
        last = -1
        for t in range(columns[v], columns[v + 1]):
            b = samples[t] // block
            if b != last:
                last = b
                feature[lists[b]] = v
                first[lists[b]] = entries[b]
                lists[b] += 1
            member[entries[b]] = samples[t] - b * block
            value[entries[b]] = data[t]
            entries[b] += 1


def _parted(matrix: sparse.csr_matrix, dtype: Any) -> _Parts:
    """Part a matrix for the tiles; a column is common, rare or held by one sample alone by its number of samples only."""
    n, p = matrix.shape
    size = np.dtype(dtype).itemsize
    block = _BLOCK[size]
    prevalence = np.bincount(matrix.indices, minlength=p)
    rank = np.where(prevalence >= 2, -1, -2).astype(np.int32)
    common = np.flatnonzero(prevalence > max(1, _COMMON[size] * n))
    rank[common] = np.arange(common.size)
    n_common, n_rare = int(prevalence[common].sum()), int(prevalence[rank == -1].sum())
    indptr, rare_ptr = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    column, value = np.empty(n_common, np.uint32), np.empty(n_common, dtype)
    features, held = np.empty(n_rare, np.int32), np.empty(n_rare, dtype)
    _part(matrix.indptr, matrix.indices, matrix.data, rank, indptr, column, value, rare_ptr, features, held)
    own = _sums(matrix.indptr, matrix.indices, matrix.data, rank, np.zeros(1, dtype))
    by_column = sparse.csr_matrix((held, features, rare_ptr), shape=(n, p)).tocsc()
    starts = np.zeros(-(-n // block) + 1, np.int64)
    feature, first = np.empty(n_rare, np.int32), np.empty(n_rare + 1, np.int64)
    member, rare = np.empty(n_rare, np.uint32), np.empty(n_rare, dtype)
    _list_blocks(by_column.indptr, by_column.indices, by_column.data, block, starts, feature, first, member, rare)
    return _Parts(indptr, column, value, common.size, block, _PANEL[size], starts, feature, first, member, rare, own)


@compiled
def _add_rare(left: int, right: int, starts: Any, feature: Any, first: Any, member: Any, rare: Any, acc: Any) -> None:
    """Add the rare features that both blocks hold, where their lists meet."""
    g, h = starts[left], starts[right]
    g1, h1 = starts[left + 1], starts[right + 1]
    while g < g1 and h < h1:
        if feature[g] < feature[h]:
            g += 1
        elif feature[g] > feature[h]:
            h += 1
        else:
            for s in range(first[g], first[g + 1]):
                x = rare[s]
                row = acc[member[s]]
                for t in range(first[h], first[h + 1]):
                    y = rare[t]
                    row[member[t]] += x if x < y else y
            g += 1
            h += 1


@compiled
def _add_eight(row: Any, panel: Any, v: Any, x: Any) -> None:
    """Add eight features to a row in one pass over it, one after the other: the order of the sum stays."""
    d0, d1, d2, d3, d4, d5, d6, d7 = panel[v[0]], panel[v[1]], panel[v[2]], panel[v[3]], panel[v[4]], panel[v[5]], panel[v[6]], panel[v[7]]
    x0, x1, x2, x3, x4, x5, x6, x7 = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
    for j in range(row.size):
        y = row[j]
        y += x0 if x0 < d0[j] else d0[j]
        y += x1 if x1 < d1[j] else d1[j]
        y += x2 if x2 < d2[j] else d2[j]
        y += x3 if x3 < d3[j] else d3[j]
        y += x4 if x4 < d4[j] else d4[j]
        y += x5 if x5 < d5[j] else d5[j]
        y += x6 if x6 < d6[j] else d6[j]
        y += x7 if x7 < d7[j] else d7[j]
        row[j] = y


@compiled
def _add_common(
    i0: int, low: int, high: int, j0: int, j1: int, indptr: Any, column: Any, value: Any, width: int, height: int, acc: Any
) -> None:
    """Add the common features: the right block's values in a panel, `height` features at a time."""
    block = acc.shape[0]
    panel = np.empty((height, block), acc.dtype)
    here = indptr[low : high + 1].copy()
    there = indptr[j0 : j1 + 1].copy()
    at = np.empty(height, np.uint32)
    for v0 in range(0, width, height):
        v1 = v0 + height
        panel[:] = 0
        for j in range(j1 - j0):
            t = there[j]
            while t < indptr[j0 + j + 1] and column[t] < v1:
                panel[column[t] - v0, j] = value[t]
                t += 1
            there[j] = t
        for i in range(low, high):
            t = here[i - low]
            end = t
            while end < indptr[i + 1] and column[end] < v1:
                at[end - t] = column[end] - v0
                end += 1
            here[i - low] = end
            row = acc[i - i0]
            held = value[t:end]
            s = 0
            while s + 8 <= held.size:
                _add_eight(row, panel, at[s : s + 8], held[s : s + 8])
                s += 8
            while s < held.size:
                x, d = held[s], panel[at[s]]
                for j in range(block):
                    row[j] += x if x < d[j] else d[j]
                s += 1


@compiled
def _finish(kind: int, i0: int, low: int, high: int, j0: int, j1: int, span: Any, own: Any, acc: Any, out: Any) -> None:
    """Turn the sums of a tile into distances and write them to `out`."""
    n, start, _, mode = span
    for i in range(low, high):
        at = i * n - i * (i + 1) // 2 - i - 1 if mode == 1 else (i - start) * n
        for j in range(max(j0, i + 1) if mode > 0 else j0, j1):
            shared = np.float64(acc[i - i0, j - j0])
            both = own[i] + own[j]
            whole = both - (2 - kind) * shared
            d = both - 2.0 * shared
            if d < 0.0:
                d = 0.0
            if kind > 0:
                d = d / whole if whole > 0 else np.nan
            if i == j:
                d = 0.0
            out[at + j] = d
            if mode == 2:
                out[j * n + i] = d


@compiled
def _tile(
    left: int, right: int, span: Any, indptr: Any, column: Any, value: Any, width: int, block: int, height: int,
    starts: Any, feature: Any, first: Any, member: Any, rare: Any, own: Any, kind: int, out: Any,
) -> None:  # fmt: skip
    """Sum one tile and write its distances to `out`; span is (n, start, stop, mode)."""
    n, start, stop, _ = span
    i0, j0 = left * block, right * block
    i1, j1 = min(i0 + block, n), min(j0 + block, n)
    low, high = max(i0, start), min(i1, stop)
    acc = np.zeros((block, block), value.dtype)
    _add_rare(left, right, starts, feature, first, member, rare, acc)
    _add_common(i0, low, high, j0, j1, indptr, column, value, width, height, acc)
    _finish(kind, i0, low, high, j0, j1, span, own, acc, out)


@threaded
def _fill(
    tiles: Any, span: Any, indptr: Any, column: Any, value: Any, width: int, block: int, height: int,
    starts: Any, feature: Any, first: Any, member: Any, rare: Any, own: Any, kind: int, out: Any,
) -> None:  # fmt: skip
    """Do all tiles; each belongs to one thread."""
    for k in prange(tiles.shape[0]):
        _tile(
            tiles[k, 0], tiles[k, 1], span, indptr, column, value, width, block, height,
            starts, feature, first, member, rare, own, kind, out,
        )  # fmt: skip


def distances(matrix: sparse.csr_matrix, span: Span, *, kind: int, dtype: Any, undefined: npt.NDArray[np.bool_] | None = None) -> Array:
    """Distances from S = sum over features of min(x, y), and the sums a and b of the two samples.

    Parameters
    ----------
    matrix : (n, p) CSR, values >= 0, sorted indices
    span : Span
    kind : {MANHATTAN, JACCARD, BRAY_CURTIS}
        a + b - 2 S, alone or divided by a + b - S or a + b.
    dtype
        In what S is added up: a float, or an unsigned integer that can hold the sum of every sample; integers give exact sums.
    undefined : (n,) bool, optional
        Samples whose distances to all others are NaN.

    Returns
    -------
    The part of the matrix that the span names. A quotient of 0 by 0 is NaN; a sample's distance to itself is 0.
    """
    parts = _parted(matrix, dtype)
    if undefined is not None:
        parts.own[undefined] = np.nan
    blocks = parts.starts.size - 1
    if span.mode == ROWS:
        rows = range(span.start // parts.block, -(-span.end // parts.block))
        tiles = [(a, b) for a in rows for b in range(blocks)]
    else:
        tiles = [(a, b) for b in range(blocks) for a in range(b + 1)]
    out = span.empty()
    where = (span.n, span.start, span.end, span.mode)
    _fill(np.array(tiles, np.int64).reshape(-1, 2), where, *parts, kind, out)
    return span.shaped(out)
