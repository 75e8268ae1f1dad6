"""Over samples: what rarefaction gives on average and how much it varies, exactly and without a draw.

All functions take `indptr` and `data` of CSR rows of counts and `depths`, the reads to draw from each sample, shape (n_samples,), each >= 1.
All return float64 of that shape, NaN where a sample has fewer reads than its depth.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled, prange, threaded

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]

_PRODUCT = 64  # up to so many factors a quotient of binomials is multiplied out
_NOTHING = 42.0  # exp(-42) < 1e-18 is lost beside 1
_TABLE = 1 << 16  # values of p ln p that are looked up


# ---------------------------------------------------------------- one feature
@compiled
def _tail(n: float) -> float:
    """Stirling's remainder ln n! - (n + 1/2) ln n + n - ln sqrt(2 pi), for n >= 16 to 1e-16 (Robbins 1955 gives its first terms)."""
    m = 1.0 / (n * n)
    return (1.0 / 12.0 - m * (1.0 / 360.0 - m * (1.0 / 1260.0 - m * (1.0 / 1680.0 - m / 1188.0)))) / n


@compiled
def missed(total: int, held: int, depth: int) -> float:
    """Chance that none of `held` reads out of `total` is among `depth` drawn: C(total - held, depth) / C(total, depth).

    Multiplied out where that is short, else by Stirling's formula with the large terms taken out, which stays exact to 1e-10 for millions of
    reads, where a difference of log-gammas loses seven digits.
    """
    rest = total - held - depth
    if rest < 0 or float(held) * depth > _NOTHING * total:
        return 0.0
    small, large = min(held, depth), max(held, depth)
    if small <= _PRODUCT:
        q = 1.0
        for k in range(small):
            q *= (total - large - k) / (total - k)
        return q
    if rest < 16:
        return 0.0  # below 1e-20 where both are above 64
    a, b = total - held, total - depth
    ln = (a + 0.5) * math.log1p(-held / total) + (b + 0.5) * math.log1p(-depth / total) - (rest + 0.5) * math.log1p(-(held + depth) / total)
    return math.exp(ln + _tail(a) + _tail(b) - _tail(total) - _tail(rest))


@compiled
def _expected_term(total: int, held: int, depth: int, terms: Floats) -> float:
    """Mean of -p ln p for a feature's share p of a draw: over the hypergeometric distribution, from its mode both ways until nothing is left."""
    low, high = max(0, depth - (total - held)), min(held, depth)
    mode = min(high, max(low, int((depth + 1.0) * (held + 1.0) / (total + 2.0))))
    sum_w, sum_t = 0.0, 0.0
    for way in (1, -1):
        k, w = mode, 1.0
        while True:
            if not (way < 0 and k == mode):
                sum_w += w
                if k > 0:
                    p = k / depth
                    sum_t += w * (terms[k] if k < terms.size else -p * math.log(p))
            if way > 0:
                if k >= high:
                    break
                w *= (held - k) / (k + 1.0) * (depth - k) / (total - held - depth + k + 1.0)
            else:
                if k <= low:
                    break
                w *= k / (held - k + 1.0) * (total - held - depth + k) / (depth - k + 1.0)
            k += way
            if w < 1e-17:
                break
    return sum_t / sum_w


@compiled
def _total(counts: Ints) -> int:
    """Reads of one sample."""
    total = 0
    for x in counts:
        total += x
    return total


# ---------------------------------------------------------------- means
@threaded
def expected_richness(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Expected number of features among the reads drawn without replacement (Hurlbert 1971), as vegan's `rarefy`.

    E[S] = sum over features of 1 - C(N - x, depth) / C(N, depth).
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = data[indptr[i] : indptr[i + 1]]
        total = _total(counts)
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
        total = _total(counts)
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
        total = _total(counts)
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
        total = _total(counts)
        if total >= depths[i]:
            h = 0.0
            for x in counts:
                if x > 0:
                    h += _expected_term(total, x, depths[i], terms)
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
@threaded
def richness_spread(indptr: Ints, data: Ints, depths: Ints) -> Floats:
    """Standard deviation of the number of features over all draws (Heck, van Belle & Simberloff 1975), as vegan's `rarefy(se = TRUE)`.

    Features with as many reads as each other are taken together.
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        counts = np.sort(data[indptr[i] : indptr[i + 1]])
        total = _total(counts)
        if total >= depths[i]:
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
                q = missed(total, held[a], depths[i])
                if q == 0.0:
                    break  # larger ones are never missed either
                both = missed(total, 2 * held[a], depths[i])
                variance += many[a] * q * (1.0 - q) + many[a] * (many[a] - 1.0) * (both - q * q)
                for b in range(a):
                    both = missed(total, held[a] + held[b], depths[i])
                    variance += 2.0 * many[a] * many[b] * (both - q * missed(total, held[b], depths[i]))
            out[i] = math.sqrt(variance) if variance > 1e-12 else 0.0  # what is less is left of rounding
    return out


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
        total = _total(counts)
        low, high = 0, total  # below `low` it is not reached, at `high` it counts as reached
        while high - low > 1:
            middle = (low + high) // 2
            if _coverage(counts, total, middle) >= coverage:
                high = middle
            else:
                low = middle
        out[i] = high
    return out
