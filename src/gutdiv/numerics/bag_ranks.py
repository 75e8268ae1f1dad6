"""Ranks in the bags of full conformal judgement: whole numbers of how many members are at least as extreme, and sums over nearest others."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled, prange, threaded, threads_in_use
from gutdiv.numerics.threads import in_threads

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEIGHBOURS = 0.05  # share of the bag that counts as neighbours
FEWEST_NEIGHBOURS = 3
_ROWS = 256  # bags that are sorted at a time


@compiled
def neighbours(size: int) -> int:
    """Number of neighbours in a bag of this size."""
    return max(FEWEST_NEIGHBOURS, math.ceil(NEIGHBOURS * size))


def sums_of_samples(apart: Ints, own: Ints) -> Ints:
    """Sum of each sample's distances to its nearest controls, that of its own subject left out, (m,)."""
    away = apart.copy()
    held = own >= 0
    away[held, own[held]] = np.iinfo(np.int64).max
    ordered = np.sort(away, axis=1)
    n = apart.shape[1]
    few, many = (ordered[:, : min(neighbours(k + 1), k)].sum(axis=1) for k in (n - 1, n))
    return np.asarray(np.where(held, few, many))


def falling_order(values: Floats) -> Ints:
    """Order of the members of every bag from the highest value to the lowest, (m, n + 1)."""
    out = np.empty(values.shape, np.int64)

    def sort(k: int) -> None:
        rows = slice(k * _ROWS, (k + 1) * _ROWS)
        out[rows] = np.argsort(-values[rows], axis=1)

    in_threads(sort, -(-len(values) // _ROWS), threads=threads_in_use())
    return out


@threaded
def sums_of_controls(near: Ints, near_at: Ints, sums: Ints, apart: Ints, own: Ints, out: Floats) -> None:
    """Sum of each control's distances to its nearest others in every sample's bag, (m, n); the same number of neighbours for all of a bag.

    Of each control, `near` and `near_at` (n, k + 1) are the distances to its nearest other controls and their numbers, the nearest first, and `sums` those
    of the first distances, while no one is left out; `apart` (m, n) are the distances of samples to controls.
    """
    n, width = near.shape
    for s in prange(own.size):
        others = n - 1 if own[s] >= 0 else n
        k = min(neighbours(others + 1), others)
        for i in range(n):
            end = min(k, width)
            total, last, taken = sums[i, end - 1], near[i, end - 1], end
            if own[s] >= 0:
                for t in range(end):
                    if near_at[i, t] == own[s]:  # the next one takes its place, where there is one
                        total -= near[i, t]
                        if end < width:
                            last = near[i, end]
                            total += last
                        else:
                            taken -= 1
            if taken < k:
                total += apart[s, i]
            elif apart[s, i] < last:
                total += apart[s, i] - last
            out[s, i] = total


@threaded
def rank_low(values: Floats, order: Ints, weights: Ints, entropy: Floats, own: Ints, out: Ints) -> None:
    """As `rank_high`, but of low values that are the same for the controls of every bag, (n,): these are counted once, in their order."""
    n = order.size
    lower = np.zeros(n + 1, np.int64)  # by weight, of the first ones in order
    reached = np.zeros(n, np.int64)  # controls at most as high, by weight
    for k in range(n):
        lower[k + 1] = lower[k] + weights[order[k]]
    end = n
    for k in range(n - 1, -1, -1):
        if k + 1 < n and values[order[k]] != values[order[k + 1]]:
            end = k + 1
        reached[order[k]] = lower[end]
    ordered = values[order]
    for s in prange(own.size):
        left = own[s]
        for i in range(n):
            total = reached[i] - (weights[i] - 1 if i != left else 0)
            total -= weights[left] if left >= 0 and values[left] <= values[i] else 0
            out[s, i] = total + (1 if entropy[s] <= values[i] else 0)
        total = lower[np.searchsorted(ordered, entropy[s], side="right")]
        out[s, n] = total - (weights[left] if left >= 0 and values[left] <= entropy[s] else 0) + 1


@threaded
def rank_high(values: Floats, order: Ints, weights: Ints, own: Ints, slack: float, out: Ints) -> None:
    """Count, for each member of every bag (m, n + 1), the members at least as high, by weight, itself once; closer than the slack is a tie."""
    n = weights.size
    for s in prange(own.size):
        reached, total = 0, 0
        for i in order[s]:
            least = values[s, i] - slack * abs(values[s, i])
            while reached <= n and values[s, order[s, reached]] >= least:
                member = order[s, reached]
                total += 1 if member == n else 0 if member == own[s] else weights[member]
                reached += 1
            out[s, i] = total if i == n or i == own[s] else total - (weights[i] - 1)
