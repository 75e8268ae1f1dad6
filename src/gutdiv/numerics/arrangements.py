"""Permutation p-values of rank statistics where units are few: over all arrangements where they can be listed, else over random ones."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gutdiv.numerics.permutation import permutation_p, permute_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]
FEW = 10  # units in the smallest group (pairs, blocks) below which an approximation of p is not trusted
LISTED = 50_000  # arrangements that are listed; beyond, they are drawn
_BATCH = 512
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Arranged:
    """A permutation p-value: over `permutations` random arrangements, or over all of them where `listed`."""

    p: float
    permutations: int
    listed: bool


def groups_p(groups: Sequence[Floats], *, permutations: int, seed: int) -> Arranged:
    """Return the p of the rank-sum (two groups, two-sided) or Kruskal-Wallis test over arrangements of the units on the groups.

    Both statistics rise with the sum over groups of (rank sum)^2 / n, whatever the ties; that is what is compared.
    """
    sizes = np.array([g.size for g in groups])
    ranks = rankdata(np.concatenate(groups))
    observed = float(_spread(np.add.reduceat(ranks, _starts(sizes))[None], sizes)[0])
    logarithm = math.lgamma(ranks.size + 1) - sum(math.lgamma(int(n) + 1) for n in sizes)
    if logarithm < math.log(LISTED):
        labels = _labellings(tuple(int(n) for n in sizes))
        sums = np.stack([(labels == g) @ ranks for g in range(sizes.size)], axis=1)
        return _over_all(observed, _spread(sums, sizes))
    orders = _orders((ranks.size,), permutations, seed)
    drawn = [np.add.reduceat(ranks[orders[k : k + _BATCH]], _starts(sizes), axis=1) for k in range(0, permutations, _BATCH)]
    return _over_random(observed, _spread(np.concatenate(drawn), sizes))


def signs_p(difference: Floats) -> Arranged:
    """Return the two-sided p of the signed-rank test over all signs of at most 15 differences, zeros left out."""
    changed = difference[difference != 0]
    if changed.size > 15:
        msg = f"{changed.size} differences; their signs are listed up to 15"
        raise ValueError(msg)
    ranks = rankdata(np.abs(changed))
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=changed.size))).reshape(-1, changed.size)
    return _over_all(abs(float(np.sign(changed) @ ranks)), np.abs(signs @ ranks))


def blocks_p(blocks: Floats, *, permutations: int, seed: int) -> Arranged:
    """Return the p of Friedman's test over arrangements within each of the complete blocks (n_blocks, k)."""
    n, k = blocks.shape
    ranks = rankdata(blocks, axis=1)
    observed = float(np.sum(ranks.sum(axis=0) ** 2))
    if n * math.lgamma(k + 1) < math.log(LISTED):
        sums = np.zeros((1, k))
        for row in ranks:
            every = np.array(list(itertools.permutations(row)))
            sums = (sums[:, None, :] + every[None, :, :]).reshape(-1, k)
        return _over_all(observed, np.sum(sums**2, axis=1))
    orders = _orders((n, k), permutations, seed)
    drawn = [ranks.ravel()[orders[i : i + _BATCH]].reshape(-1, n, k).sum(axis=1) for i in range(0, permutations, _BATCH)]
    return _over_random(observed, np.sum(np.concatenate(drawn) ** 2, axis=1))


def pairs_p(x: Floats, y: Floats, *, permutations: int, seed: int) -> Arranged:
    """Return the two-sided p of Spearman's rho over arrangements of y against x."""
    a, b = (rankdata(v) - (v.size + 1) / 2 for v in (x, y))
    if math.lgamma(a.size + 1) < math.log(LISTED):
        every = np.array(list(itertools.permutations(b)))
        return _over_all(abs(float(a @ b)), np.abs(every @ a))
    return _over_random(abs(float(a @ b)), np.abs(b[_orders((a.size,), permutations, seed)] @ a))


def _starts(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where each group begins."""
    return np.concatenate([[0], np.cumsum(sizes)[:-1]])


def _spread(sums: Floats, sizes: npt.NDArray[np.int64]) -> Floats:
    """Sum over groups of n (mean rank - mean of all ranks)^2, for each row of rank sums: what H and |U - mn / 2| rise with."""
    middle = (int(sizes.sum()) + 1) / 2
    return np.asarray(np.sum((sums - sizes * middle) ** 2 / sizes, axis=1), dtype=np.float64)


def _over_all(observed: float, every: Floats) -> Arranged:
    """Share of all arrangements that reach the observed value; equal arrangements give equal values but for rounding."""
    return Arranged(float(np.mean(every >= observed - _TOLERANCE * max(abs(observed), 1.0))), int(every.size), listed=True)


def _over_random(observed: float, drawn: Floats) -> Arranged:
    """(1 + reached) / (1 + drawn)."""
    return Arranged(float(permutation_p(np.array([observed]), drawn[:, None])[0]), int(drawn.size), listed=False)


@functools.lru_cache(maxsize=32)
def _labellings(sizes: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Every way to give units to groups of these sizes, (n_ways, n)."""
    n, first = sum(sizes), sizes[0]
    if len(sizes) == 1:
        return np.zeros((1, n), dtype=np.int8)
    chosen = np.array(list(itertools.combinations(range(n), first)), dtype=np.intp)
    free = np.ones((chosen.shape[0], n), dtype=bool)
    np.put_along_axis(free, chosen, values=False, axis=1)
    places = np.nonzero(free)[1].reshape(-1, n - first)
    rest = _labellings(sizes[1:]) + np.int8(1)
    ways = np.zeros((chosen.shape[0], rest.shape[0], n), dtype=np.int8)
    shape = (chosen.shape[0], rest.shape[0], n - first)
    np.put_along_axis(ways, np.broadcast_to(places[:, None, :], shape), np.broadcast_to(rest[None], shape), axis=2)
    return ways.reshape(-1, n)


@functools.lru_cache(maxsize=8)
def _orders(shape: tuple[int, ...], permutations: int, seed: int) -> npt.NDArray[np.int32]:
    """Random orders of n places, or of k places within each of n blocks, (permutations, n or n k); they depend on seed and number only."""
    blocks = np.zeros(shape[0], dtype=np.intp) if len(shape) == 1 else np.repeat(np.arange(shape[0], dtype=np.intp), shape[1])
    return np.stack([permute_rows(seed, number, blocks=blocks) for number in range(permutations)]).astype(np.int32)
