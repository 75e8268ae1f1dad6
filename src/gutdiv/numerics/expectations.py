"""Over samples: what rarefaction gives on average and how much it varies, exactly and without a draw.

All functions take `indptr` and `data` of CSR rows of counts and `depths`, the reads to draw from each sample, shape (n_samples,), each >= 1.
All return float64 of that shape, NaN where a sample has fewer reads than its depth.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.draws import size_of
from gutdiv.numerics.hypergeometric import expected_term, missed, missed_together
from gutdiv.numerics.jit import compiled, prange, threaded

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]

_TABLE = 1 << 16  # values of p ln p that are looked up


# ---------------------------------------------------------------- means
@threaded
def expected_richness(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Expected number of features among the reads drawn without replacement (Hurlbert 1971), as vegan's `rarefy`.

    E[S] = sum over features of 1 - C(N - x, depth) / C(N, depth).
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = size_of(counts)
        if total >= depths[i]:
            s = 0.0
            for x in counts:
                if x > 0:
                    s += 1.0 - missed(total, x, depths[i])
            out[i] = s
    return out


@threaded
def expected_coverage(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Expected Good's coverage 1 - f1 / depth of the draw.

    E[f1] / depth = sum over features of x / N C(N - x, depth - 1) / C(N - 1, depth - 1), which also is the slope of the rarefaction curve,
    E[S at depth] - E[S at depth - 1].
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = size_of(counts)
        if total >= depths[i]:
            f1 = 0.0
            for x in counts:
                if x > 0:
                    f1 += x / total * missed(total - 1, x - 1, depths[i] - 1)
            out[i] = 1.0 - f1
    return out


@threaded
def expected_concentration(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Expected sum of squared proportions of the draw, from the mean and variance of the hypergeometric distribution."""
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = size_of(counts)
        if total >= depths[i]:
            d = 0.0
            for x in counts:
                p = x / total
                spread = p * (1.0 - p) / depths[i] * (total - depths[i]) / (total - 1.0) if total > 1 else 0.0
                d += p * p + spread
            out[i] = d
    return out


@threaded
def _entropy(indptr: Ints, data: Ints, depths: Ints, terms: Floats) -> Floats:
    """Expected entropy of the draw; `terms` holds -p ln p where all depths are one, else nothing."""
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = size_of(counts)
        if total >= depths[i]:
            h = 0.0
            for x in counts:
                if x > 0:
                    h += expected_term(total, x, depths[i], terms)
            out[i] = max(h, 0.0)
    return out


def expected_entropy(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Expected Shannon entropy of the draw in nats: the sum over features of the mean of -p ln p (as in Chao et al. 2014 for q = 1)."""
    terms = np.zeros(0)
    if depths.size and depths.min() == depths.max():
        p = np.arange(1, min(int(depths[0]), _TABLE) + 1) / depths[0]
        terms = np.append(0.0, -p * np.log(p))
    return _entropy(indptr, data, depths, terms)


# ---------------------------------------------------------------- spread
@compiled
def _spread(counts: Ints, total: int, depth: int) -> float:
    """Standard deviation of the number of features in a draw of one sample with rising counts; those of the same count are taken together."""
    held, many = np.empty(counts.size, np.int64), np.empty(counts.size)
    kinds = 0
    for x in counts:
        if x > 0 and kinds > 0 and held[kinds - 1] == x:
            many[kinds - 1] += 1
        elif x > 0:
            held[kinds], many[kinds] = x, 1
            kinds += 1
    variance = 0.0
    for a in range(kinds):
        q = missed(total, held[a], depth)
        if q == 0.0:
            break  # larger ones are never missed either
        variance += many[a] * q * (1.0 - q)
        if many[a] > 1:
            variance += many[a] * (many[a] - 1.0) * missed_together(total, held[a], held[a], depth)
        for b in range(a):
            variance += 2.0 * many[a] * many[b] * missed_together(total, held[a], held[b], depth)
    return math.sqrt(variance) if variance > 1e-12 else 0.0  # what is less is left of rounding


@threaded
def _spreads(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Spread of each sample; counts rise within samples."""
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = size_of(counts)
        if total >= depths[i]:
            out[i] = _spread(counts, total, depths[i])
    return out


def richness_spread(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Standard deviation of the number of features over all draws (Heck, van Belle & Simberloff 1975), as vegan's `rarefy(se = TRUE)`."""
    owner = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    return _spreads(indptr, data[np.lexsort((data, owner))], depths)


# ---------------------------------------------------------------- coverage as the measure of effort
@compiled
def _coverage(counts: Ints, total: int, depth: int) -> float:
    """Expected coverage of `depth` < `total` reads of a sample (Chao & Jost 2012, equation 4b)."""
    deficit = 0.0
    for x in counts:
        if x > 0:
            deficit += x / total * missed(total - 1, x - 1, depth)
    return 1.0 - deficit


@threaded
def sample_coverage(indptr: Ints, data: Ints) -> Floats:
    """Estimated coverage of each whole sample, 1 - f1 / n (n - 1) f1 / ((n - 1) f1 + 2 f2) (Chao & Jost 2012, equation 4a).

    Without doubletons 1 - f1 / n (n - 1)(f1 - 1) / ((n - 1)(f1 - 1) + 2). NaN without reads.
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        n, f1, f2 = 0, 0, 0
        for x in data[indptr[i] : indptr[i + 1]]:
            n += x
            f1 += x == 1
            f2 += x == 2
        if n > 0:
            unseen = 0.0
            if f2 > 0:
                unseen = (n - 1.0) * f1 / ((n - 1.0) * f1 + 2.0 * f2)
            elif f1 > 0:
                unseen = (n - 1.0) * (f1 - 1.0) / ((n - 1.0) * (f1 - 1.0) + 2.0)
            out[i] = 1.0 - f1 / n * unseen
    return out


@threaded
def depths_for_coverage(indptr: Ints, data: Ints, coverage: float) -> Ints:
    """Smallest number of reads of each sample whose expected coverage reaches `coverage`.

    Returns
    -------
    (n_samples,) int64
        All reads of a sample where fewer do not reach it.
    """
    out = np.zeros(indptr.size - 1, np.int64)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = size_of(counts)
        low, high = 0, total  # below `low` it is not reached, at `high` it counts as reached
        while high - low > 1:
            middle = (low + high) // 2
            if _coverage(counts, total, middle) >= coverage:
                high = middle
            else:
                low = middle
        out[i] = high
    return out
