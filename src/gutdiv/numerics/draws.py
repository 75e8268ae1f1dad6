"""Rarefaction draws: reads taken without replacement by a generator that knows only the seed, the sample and the draw.

Exact for any depth, and quick for samples of millions of reads: positions are drawn by Floyd's algorithm into a set of bits, and each
feature's share is the number of bits set in its stretch of positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled, prange, threaded

Ints = npt.NDArray[np.signedinteger[Any]]

_STEP = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's increment: 2**64 divided by the golden ratio


@compiled
def _mixed(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def _ones(word: np.uint64) -> int:
    """Number of bits set in a word."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _mark(bits: npt.NDArray[np.uint64], total: int, take: int, state: np.uint64) -> None:
    """Set `take` of the first `total` bits, every set of that size equally likely (Floyd; Bentley & Floyd 1987).

    A number below n is the upper half of 32 random bits times n, where the lower half tells the few values that would come too often
    (Lemire 2019); from 2**32 reads on it is taken from as many random bits as n has, until it is small enough.
    """
    one, low = np.uint64(1), np.uint64(0xFFFFFFFF)
    for j in range(total - take, total):
        n = np.uint64(j + 1)
        state += _STEP
        if n <= low:
            product = (_mixed(state) >> np.uint64(32)) * n
            if (product & low) < n:
                floor = (low - n + one) % n
                while (product & low) < floor:
                    state += _STEP
                    product = (_mixed(state) >> np.uint64(32)) * n
            at = product >> np.uint64(32)
        else:
            shift = np.uint64(0)
            while (~np.uint64(0) >> (shift + one)) >= n:
                shift += one
            at = _mixed(state) >> shift
            while at >= n:
                state += _STEP
                at = _mixed(state) >> shift
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
        count += _ones(word)
    return count


@compiled
def stream(seed: int, key: np.uint64, draw: int) -> np.uint64:
    """Where the random numbers of one draw of one sample begin."""
    return _mixed(np.uint64(seed)) ^ _mixed(key + _STEP * np.uint64(draw + 1))


@compiled
def take(counts: Ints, total: int, depth: int, state: np.uint64, bits: npt.NDArray[np.uint64], out: Ints) -> None:
    """Draw `depth` of a sample's `total` reads into `out`; `bits` holds one zero bit a read, and is zero again afterwards."""
    smaller = min(depth, total - depth)  # drawing the smaller part is the same distribution and less work
    if smaller == 0:
        out[:] = counts
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
    bits[:] = np.uint64(0)


@threaded
def rarefied(indptr: Ints, data: Ints, depth: int, keys: npt.NDArray[np.uint64], seed: int, draw: int) -> Ints:
    """Draw `depth` reads of each sample without replacement; every set of reads is equally likely.

    Costs the smaller of depth and the reads left out, and a pass over one bit a read.

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
        counts = data[indptr[i] : indptr[i + 1]]
        total = 0
        for x in counts:
            total += x
        if total >= depth:
            bits = np.zeros((total + 63) >> 6, np.uint64)
            take(counts, total, depth, stream(seed, keys[i], draw), bits, out[indptr[i] : indptr[i + 1]])
    return out
