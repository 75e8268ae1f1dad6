"""Over samples: all that diversity within a sample is made of, tallied in one pass over CSR rows or over many rarefaction draws of them.

All functions take `indptr` (n_samples + 1,) and `data` (n_entries,) of a CSR matrix of counts; entries may be 0 (a rarefied matrix keeps the
structure of the whole one).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics import draws, subtrees
from gutdiv.numerics.jit import compiled, prange, threaded

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]

RARE = 10  # a feature of at most so many reads is rare (Chao & Lee 1992)
_KINDS = 14
_TASK = 16  # samples that one task takes with one scratch: fixed, so that threads own samples
_TABLE = 1 << 16  # values of p ln p that are looked up


@dataclass(frozen=True, eq=False)
class Tallies:
    """What a sample's diversity is made of; arrays of one shape, one entry a sample (and draw).

    Parameters
    ----------
    reads, features, singletons, doubletons, largest : float64
        Sum of counts, features seen, seen once, seen twice, and the largest count.
    entropy, concentration : float64
        -sum p ln p and sum p^2; NaN without reads.
    rare_features, rare_reads, rare_pairs : float64
        Of features of at most 10 reads: how many, their reads, and the sum of x (x - 1).
    branch_length, branch_mean, branch_entropy, branch_concentration : float64
        Over branches of length L with the share a of the reads below: sums of L (where a > 0), L a, -L a ln a and L a^2, up to the root;
        NaN without a tree or without reads.
    """

    reads: Floats
    features: Floats
    singletons: Floats
    doubletons: Floats
    largest: Floats
    entropy: Floats
    concentration: Floats
    rare_features: Floats
    rare_reads: Floats
    rare_pairs: Floats
    branch_length: Floats
    branch_mean: Floats
    branch_entropy: Floats
    branch_concentration: Floats


@dataclass(frozen=True, eq=False)
class Branches:
    """A tree as rows walk on it: node of each feature (n_features,), and parent and length of each node in postorder."""

    tips: npt.NDArray[Any]
    parent: npt.NDArray[Any]
    length: Floats


NO_BRANCHES = Branches(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))


# ---------------------------------------------------------------- sums over a sample
@threaded
def totals(indptr: Ints, data: Ints) -> Ints:
    """Reads of each sample."""
    out = np.zeros(indptr.size - 1, np.int64)
    for i in prange(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            out[i] += data[t]
    return out


@compiled
def _term(count: int, total: int) -> float:
    """-p ln p of a share p = count / total."""
    p = count / total
    return -p * math.log(p)


@compiled
def _terms(total: int) -> Floats:
    """-p ln p of the first counts out of `total`."""
    out = np.zeros(min(total, _TABLE) + 1)
    for count in range(1, out.size):
        out[count] = _term(count, total)
    return out


@compiled
def _tally(counts: Ints, terms: Floats, out: Floats) -> int:
    """Tally one sample; `terms` holds -p ln p of counts below its size, or is empty. Returns the reads."""
    total, seen, once, twice, largest, rare, rare_reads, rare_pairs = 0, 0, 0, 0, 0, 0, 0, 0
    for x in counts:
        total += x
        seen += x > 0
        once += x == 1
        twice += x == 2
        largest = max(largest, x)
        if 0 < x <= RARE:
            rare += 1
            rare_reads += x
            rare_pairs += x * (x - 1)
    out[0], out[1], out[2], out[3], out[4] = total, seen, once, twice, largest
    out[7], out[8], out[9] = rare, rare_reads, rare_pairs
    if total > 0:
        h, d = 0.0, 0.0
        for x in counts:
            if x > 0:
                h += terms[x] if x < terms.size else _term(x, total)
                p = x / total
                d += p * p
        out[5], out[6] = max(h, 0.0), d
    return total


@compiled
def _climb(counts: Ints, total: int, segments: int, up: Ints, span: Floats, entry: Ints, below: Ints, terms: Floats, out: Floats) -> None:
    """Tally one sample's branches, segment after segment from the tips to the root; `below` is scratch."""
    for s in range(segments):
        below[s] = 0
    length, mean, h, d = 0.0, 0.0, 0.0, 0.0
    for s in range(segments):
        x = counts[entry[s]] if entry[s] >= 0 else below[s]
        if x > 0:
            if up[s] >= 0:
                below[up[s]] += x
            a = x / total
            length += span[s]
            mean += span[s] * a
            h += span[s] * (terms[x] if x < terms.size else _term(x, total))
            d += span[s] * a * a
    out[10], out[11], out[12], out[13] = length, mean, max(h, 0.0), d


# The work of one task stands in a function of its own: what numba makes parallel it compiles slowly, so that part is kept small.
@compiled
def _whole_task(
    first: int,
    last: int,
    indptr: Ints,
    indices: Ints,
    data: Ints,
    tips: Any,
    parent: Any,
    length: Floats,
    leaves: subtrees.Leaves,
    counted: bool,  # noqa: FBT001
    shares: bool,  # noqa: FBT001
    out: Floats,
) -> None:
    """Tally samples first..last."""
    held = subtrees.scratch(parent.size if shares else 0)
    marks = np.zeros((tips.size + 63) >> 6, np.uint64)
    none, base = np.zeros(0), 1
    for i in range(first, last):
        start, stop = indptr[i], indptr[i + 1]
        one = np.full(_KINDS, np.nan)
        total = _tally(data[start:stop], none, one) if counted else draws.size_of(data[start:stop])
        if tips.size > 0 and total > 0:
            if shares:
                k = 2 * (stop - start)
                up, span, entry, below = np.empty(k, np.int64), np.empty(k), np.empty(k, np.int64), np.empty(k, np.int64)
                segments, base = subtrees.fold(indices[start:stop], data[start:stop], tips, parent, length, held, base, up, span, entry)
                _climb(data[start:stop], total, segments, up, span, entry, below, none, one)
            one[10] = subtrees.spanned(indices[start:stop], data[start:stop], leaves, marks)  # to the same bits, whatever else is asked for
        for kind in range(_KINDS):
            out[kind, i] = one[kind]


@threaded
def _whole(
    indptr: Ints,
    indices: Ints,
    data: Ints,
    tips: Any,
    parent: Any,
    length: Floats,
    leaves: subtrees.Leaves,
    counted: bool,  # noqa: FBT001
    shares: bool,  # noqa: FBT001
    out: Floats,
) -> None:
    """Tally each sample into `out`, (kinds, n_samples); without `counted` only branches, without `shares` only their length."""
    n = indptr.size - 1
    for task in prange((n + _TASK - 1) // _TASK):
        _whole_task(task * _TASK, min(n, (task + 1) * _TASK), indptr, indices, data, tips, parent, length, leaves, counted, shares, out)


@compiled
def _drawn_task(
    first: int,
    last: int,
    indptr: Ints,
    indices: Ints,
    data: Ints,
    tips: Any,
    parent: Any,
    length: Floats,
    depth: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
    terms: Floats,
    origin: int,
    out: Floats,
) -> None:
    """Tally draws of samples first..last into `out`, (kinds, times, samples from `origin` on)."""
    held = subtrees.scratch(parent.size)
    base = 1
    for i in range(first, last):
        whole = data[indptr[i] : indptr[i + 1]]
        total = draws.size_of(whole)
        one = np.full(_KINDS, np.nan)
        k = 2 * whole.size
        up, span, entry, below = np.empty(k, np.int64), np.empty(k), np.empty(k, np.int64), np.empty(k, np.int64)
        segments = 0
        if tips.size > 0 and total >= depth:
            segments, base = subtrees.fold(indices[indptr[i] : indptr[i + 1]], whole, tips, parent, length, held, base, up, span, entry)
        bits = draws.scratch(total)
        counts = np.empty(whole.size, np.int64)
        for r in range(out.shape[1]):
            if total >= depth:
                draws.take(whole, total, depth, draws.stream(seed, keys[i], r), bits, counts)
                _tally(counts, terms, one)
                if segments > 0:
                    _climb(counts, depth, segments, up, span, entry, below, terms, one)
            for kind in range(_KINDS):
                out[kind, r, i - origin] = one[kind]


@threaded
def _drawn(
    indptr: Ints,
    indices: Ints,
    data: Ints,
    tips: Any,
    parent: Any,
    length: Floats,
    depth: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
    terms: Floats,
    origin: int,
    out: Floats,
) -> None:
    """Tally draws into `out`, (kinds, times, samples from `origin` on)."""
    last = origin + out.shape[2]
    for task in prange((out.shape[2] + _TASK - 1) // _TASK):
        first = origin + task * _TASK
        _drawn_task(first, min(last, first + _TASK), indptr, indices, data, tips, parent, length, depth, keys, seed, terms, origin, out)


def tallies(
    indptr: Ints, indices: Ints, data: Ints, branches: Branches = NO_BRANCHES, *, counted: bool = True, shares: bool = True
) -> Tallies:
    """Tally every sample, with the branches above its features where a tree is given; arrays of shape (n_samples,).

    Without `counted` only branches are tallied, and without `shares` branches have their length only, which takes a fraction of the time;
    all other sums are NaN.
    """
    out = np.empty((_KINDS, indptr.size - 1))
    tree = branches.tips, branches.parent, branches.length
    _whole(indptr, indices, data, *tree, subtrees.leaves_in_order(*tree), counted, shares, out)
    return Tallies(*out)


def drawn_tallies(
    indptr: Ints,
    indices: Ints,
    data: Ints,
    branches: Branches = NO_BRANCHES,
    *,
    depth: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
    times: int,
    samples: tuple[int, int],
) -> Tallies:
    """Tally many rarefaction draws of some samples; the draws are those of `draws.rarefied` with numbers 0 to `times` - 1.

    Parameters
    ----------
    depth, keys, seed
        As in `draws.rarefied`.
    times : int
        Number of draws.
    samples : (start, stop)
        Rows to draw.

    Returns
    -------
    Tallies of shape (times, stop - start); all NaN where a sample has fewer reads than `depth`.
    """
    out = np.empty((_KINDS, times, samples[1] - samples[0]))
    tree = branches.tips, branches.parent, branches.length
    _drawn(indptr, indices, data, *tree, depth, keys, seed, _terms(depth), samples[0], out)
    return Tallies(*out)


@compiled
def mean_and_spread(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (n - 1) of each column of (times, n_samples), summed draw after draw; NaN where a draw has no value."""
    times, n = values.shape
    mean, spread = np.zeros(n), np.full(n, np.nan)
    for r in range(times):
        for i in range(n):
            mean[i] += values[r, i]
    mean /= times
    if times > 1:
        square = np.zeros(n)
        for r in range(times):
            for i in range(n):
                square[i] += (values[r, i] - mean[i]) ** 2
        spread = np.sqrt(square / (times - 1))
    return mean, spread
