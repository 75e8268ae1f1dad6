"""Over samples: rarefaction, entropies and counts of rare features on CSR rows.

All functions take `indptr` (n_samples + 1,) and `data` (n_entries,) of a CSR matrix of counts; entries may be 0 (a rarefied matrix keeps the
structure of the whole one). All return one value a sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled, prange, threaded

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]


# ---------------------------------------------------------------- random numbers that know only the seed, the sample and the draw
@compiled
def _mixed(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@threaded
def rarefied(indptr: Ints, data: Ints, depth: int, keys: npt.NDArray[np.uint64], seed: int, draw: int) -> Ints:
    """Draw `depth` reads of each sample without replacement.

    Parameters
    ----------
    indptr, data
        CSR rows of counts.
    depth : int
        Reads to draw, >= 1.
    keys : (n_samples,) uint64
        A number made from each sample's id alone; a sample's draw depends on seed, key and draw number, on nothing else.
    seed, draw : int
        Seed, and number of the draw from 0 on.

    Returns
    -------
    (n_entries,) int64
        Counts of the draw; a sample with fewer reads than `depth` is all zeros, one with exactly as many is unchanged.
    """
    n = indptr.size - 1
    out = np.zeros(data.size, np.int64)
    for i in prange(n):
        total = 0
        for t in range(indptr[i], indptr[i + 1]):
            total += data[t]
        if total < depth:
            continue
        reads = np.empty(total, np.int64)
        at = 0
        for t in range(indptr[i], indptr[i + 1]):
            for _ in range(data[t]):
                reads[at] = t
                at += 1
        state = _mixed(np.uint64(seed)) ^ _mixed(keys[i] + np.uint64(0x9E3779B97F4A7C15) * np.uint64(draw + 1))
        take = min(depth, total - depth)  # choosing the smaller part is the same distribution and less work
        for r in range(take):
            state += np.uint64(0x9E3779B97F4A7C15)
            u = (_mixed(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
            j = r + np.int64(u * (total - r))
            held = reads[j]
            reads[j] = reads[r]
            reads[r] = held
        if take == depth:
            for r in range(depth):
                out[reads[r]] += 1
        else:
            for r in range(take, total):
                out[reads[r]] += 1
    return out


# ---------------------------------------------------------------- sums over a sample
@threaded
def totals(indptr: Ints, data: Ints) -> Ints:
    """Reads of each sample."""
    out = np.zeros(indptr.size - 1, np.int64)
    for i in prange(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            out[i] += data[t]
    return out


@threaded
def tallied(indptr: Ints, data: Ints, count: int) -> Ints:
    """Features seen exactly `count` times in each sample; with `count` = 0 the features seen at all."""
    out = np.zeros(indptr.size - 1, np.int64)
    for i in prange(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            if (count == 0 and data[t] > 0) or (count > 0 and data[t] == count):
                out[i] += 1
    return out


@threaded
def entropy(indptr: Ints, data: Ints) -> Floats:
    """Shannon entropy of each sample in nats, -sum p ln p; NaN for a sample without reads."""
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        total = 0
        for t in range(indptr[i], indptr[i + 1]):
            total += data[t]
        if total > 0:
            h = 0.0
            for t in range(indptr[i], indptr[i + 1]):
                if data[t] > 0:
                    p = data[t] / total
                    h -= p * math.log(p)
            out[i] = max(h, 0.0)
    return out


@threaded
def concentration(indptr: Ints, data: Ints) -> Floats:
    """Sum of squared proportions of each sample, in (0, 1]; NaN for a sample without reads."""
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        total = 0
        for t in range(indptr[i], indptr[i + 1]):
            total += data[t]
        if total > 0:
            d = 0.0
            for t in range(indptr[i], indptr[i + 1]):
                p = data[t] / total
                d += p * p
            out[i] = d
    return out


# ---------------------------------------------------------------- expectations under rarefaction
@compiled
def _log_choose(n: int, k: int) -> float:
    """Ln of n over k."""
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


@threaded
def expected_richness(indptr: Ints, data: Ints, depth: int) -> Floats:
    """Expected number of features among `depth` reads drawn without replacement (Hurlbert 1971); NaN where a sample has fewer reads.

    E[S] = sum_i 1 - C(N - N_i, depth) / C(N, depth), as vegan's `rarefy`.
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        total = 0
        for t in range(indptr[i], indptr[i + 1]):
            total += data[t]
        if total >= depth:
            s = 0.0
            whole = _log_choose(total, depth)
            for t in range(indptr[i], indptr[i + 1]):
                if data[t] > 0:
                    rest = total - data[t]
                    s += 1.0 if rest < depth else 1.0 - math.exp(_log_choose(rest, depth) - whole)
            out[i] = s
    return out


@threaded
def expected_coverage(indptr: Ints, data: Ints, depth: int) -> Floats:
    """Expected Good's coverage 1 - f1/depth of `depth` reads drawn without replacement; NaN where a sample has fewer reads.

    E[f1] = sum_i N_i C(N - N_i, depth - 1) / C(N, depth).
    """
    out = np.full(indptr.size - 1, np.nan)
    for i in prange(indptr.size - 1):
        total = 0
        for t in range(indptr[i], indptr[i + 1]):
            total += data[t]
        if total >= depth:
            f1 = 0.0
            whole = _log_choose(total, depth)
            for t in range(indptr[i], indptr[i + 1]):
                rest = total - data[t]
                if data[t] > 0 and rest >= depth - 1:
                    f1 += data[t] * math.exp(_log_choose(rest, depth - 1) - whole)
            out[i] = 1.0 - f1 / depth
    return out
