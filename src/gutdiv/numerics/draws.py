"""Rarefaction draws: reads taken without replacement by a generator that knows only the seed, the sample and the draw.

Every set of reads is equally likely. Where few reads are drawn for each feature, their positions are drawn by Floyd's algorithm into a set of
bits, and each feature's share is the number of bits set in its stretch of positions; where many are, as from samples of millions of reads, each
feature's share is drawn as one number from the hypergeometric distribution given what is left, which costs the features and not the reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.hypergeometric import drawn
from gutdiv.numerics.jit import compiled, prange, threaded

Ints = npt.NDArray[np.signedinteger[Any]]

_MOST = 1 << 32  # reads of a sample from which on they are not marked one by one
_MANY = 64  # reads to draw for each feature from which on whole features are drawn
_STEP = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's increment: 2**64 divided by the golden ratio


@compiled
def _mixed(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def ones(word: np.uint64) -> int:
    """Number of bits set in a word."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _mark(bits: npt.NDArray[np.uint64], total: int, take: int, state: np.uint64) -> None:
    """Set `take` of the first `total` bits, every set of that size equally likely (Floyd; Bentley & Floyd 1987).

    A number below n <= 2**32 is the upper half of 32 random bits times n, where the lower half tells the few values that would come too often
    (Lemire 2019).
    """
    one, low = np.uint64(1), np.uint64(0xFFFFFFFF)
    for j in range(total - take, total):
        n = np.uint64(j + 1)
        state += _STEP
        product = (_mixed(state) >> np.uint64(32)) * n
        if (product & low) < n:
            floor = (low - n + one) % n
            while (product & low) < floor:
                state += _STEP
                product = (_mixed(state) >> np.uint64(32)) * n
        at = product >> np.uint64(32)
        taken = bits[at >> np.uint64(6)] >> (at & np.uint64(63)) & one
        at ^= (at ^ np.uint64(j)) * taken  # position j in place of one already taken, without a branch
        bits[at >> np.uint64(6)] |= one << (at & np.uint64(63))


@compiled
def _held(bits: npt.NDArray[np.uint64], start: int, stop: int) -> int:
    """Count the bits set from `start` to just before `stop`."""
    count = 0
    first, last = start >> 6, (stop - 1) >> 6
    for w in range(first, last + 1):
        word = bits[w]
        if w == first:
            word = (word >> np.uint64(start & 63)) << np.uint64(start & 63)
        if w == last:
            word = word << np.uint64(63 - ((stop - 1) & 63))
        count += ones(word)
    return count


@compiled
def size_of(counts: Ints) -> int:
    """Reads of one sample."""
    total = 0
    for x in counts:
        total += x
    return total


@compiled
def stream(seed: int, key: np.uint64, draw: int) -> np.uint64:
    """Where the random numbers of one draw of one sample begin."""
    return _mixed(np.uint64(seed)) ^ _mixed(key + _STEP * np.uint64(draw + 1))


@compiled
def scratch(total: int) -> npt.NDArray[np.uint64]:
    """Return what `take` marks reads on: one zero bit a read, none where there are too many to be marked."""
    return np.zeros((total + 63) >> 6 if total < _MOST else 0, np.uint64)


@compiled
def _by_feature(counts: Ints, total: int, depth: int, state: np.uint64, out: Ints) -> None:
    """Draw feature after feature, each given what the ones before have left."""
    for t in range(counts.size):
        out[t] = 0
        if counts[t] > 0 and depth > 0:
            state += _STEP
            u = (_mixed(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
            out[t] = drawn(total, counts[t], depth, u) if depth < total else counts[t]
            total -= counts[t]
            depth -= out[t]


@compiled
def take(counts: Ints, total: int, depth: int, state: np.uint64, bits: npt.NDArray[np.uint64], out: Ints) -> None:
    """Draw `depth` of a sample's `total` reads into `out`; `bits` comes from `scratch`, and is zero again afterwards."""
    smaller = min(depth, total - depth)  # drawing the smaller part is the same distribution and less work
    features = 0
    for x in counts:
        features += x > 0
    if smaller == 0:
        for t in range(counts.size):
            out[t] = counts[t]
        return
    if smaller > _MANY * features or total >= _MOST:
        _by_feature(counts, total, depth, state, out)
        return
    _mark(bits, total, smaller, state)
    start = 0
    for t in range(counts.size):
        if counts[t] > 0:
            held = _held(bits, start, start + counts[t])
            out[t] = held if smaller == depth else counts[t] - held
            start += counts[t]
        else:
            out[t] = 0
    for w in range(bits.size):
        bits[w] = 0


@compiled
def _take_row(i: int, indptr: Ints, data: Ints, depth: int, keys: npt.NDArray[np.uint64], seed: int, draw: int, out: Ints) -> None:
    """Draw one sample of a table, where it has enough reads."""
    counts = data[indptr[i] : indptr[i + 1]]
    total = size_of(counts)
    if total >= depth:
        take(counts, total, depth, stream(seed, keys[i], draw), scratch(total), out[indptr[i] : indptr[i + 1]])


@threaded
def _rarefied(indptr: Ints, data: Ints, depth: int, keys: npt.NDArray[np.uint64], seed: int, draw: int, out: Ints) -> None:
    """Draw every sample of a table into `out`, which holds zeros."""
    for i in prange(indptr.size - 1):
        _take_row(i, indptr, data, depth, keys, seed, draw, out)


def rarefied(indptr: Ints, data: Ints, depth: int, keys: npt.NDArray[np.uint64], seed: int, draw: int) -> Ints:
    """Draw `depth` reads of each sample without replacement; every set of reads is equally likely.

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
    out = np.zeros(data.size, np.int64)
    _rarefied(indptr, data, depth, keys, seed, draw, out)
    return out
