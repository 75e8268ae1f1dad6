"""Simulated tables with known links, for `validate_links.py`: three kinds of community that share no code but the drawing of reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
PREVALENCE = 0.1


@dataclass(frozen=True, eq=False)
class Drawn:
    """One table: reads (n, p), total load (n,), which taxa are independent of all others, and the slope of each planted one."""

    counts: Ints
    load: Floats
    null: Mask
    planted: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """What complicates a table: a bloom, depth or load that follows diversity, two groups, links planted by their slope per SD.

    `concentration`: reads are Dirichlet-multinomial, as noisy as if so many had been drawn; only in gamma communities.
    """

    bloom: bool = False
    depth: bool = False
    groups: bool = False
    load: bool = False
    slopes: tuple[float, ...] = ()
    concentration: float | None = None


@dataclass(frozen=True, eq=False)
class Community:
    """Log-normal absolute abundances: mean and SD of ln abundance (p,), and a root (p, p) of the correlation of the taxa."""

    centre: Floats
    spread: Floats
    root: Floats


def shannon(amount: Floats) -> Floats:
    """Shannon entropy of each row, scaled to mean 0 and SD 1."""
    share = amount / amount.sum(axis=1, keepdims=True)
    h = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)
    return (h - h.mean()) / h.std()


def reads(rng: np.random.Generator, amount: Floats, depth: Floats) -> Ints:
    """Draw multinomial reads of each row, at least 1,000."""
    sizes = np.maximum(depth, 1_000).astype(int)
    return np.array([rng.multinomial(d, a / a.sum()) for d, a in zip(sizes, amount, strict=True)], dtype=np.int64)


def depths(rng: np.random.Generator, n: int, follows: Floats | None = None) -> Floats:
    """Draw depths: median 12,000, log-SD .7; correlated .6 with `follows`, where given."""
    z = rng.normal(size=n)
    return np.exp(np.log(12_000) + 0.7 * (z if follows is None else 0.6 * follows + 0.8 * z))


def plant(rng: np.random.Generator, null: Mask, slopes: tuple[float, ...]) -> dict[int, float]:
    """Choose a taxon for each slope, anywhere but among the two most dominant independent ones, which are a part of diversity themselves."""
    if not slopes:
        return {}
    places = rng.choice(np.flatnonzero(null)[2:], len(slopes), replace=False)
    return dict(zip(places.tolist(), slopes, strict=True))


# ---------------------------------------------------------------- covariance of a real table
def from_table(counts: Ints, *, shrink: float = 0.1) -> Community:
    """Fit log-normal margins to the upper quantiles of a table's CLR, taxa by falling mean, and their correlation, shrunk."""
    counts = counts[:, (counts > 0).mean(axis=0) >= PREVALENCE]
    logs = np.log(counts + 0.5)
    logs = logs - logs.mean(axis=1, keepdims=True)
    seen = (counts > 0).mean(axis=0)
    upper, top = 1 - seen / 2, 1 - seen / 10
    high = np.array([np.quantile(v, [a, b]) for v, a, b in zip(logs.T, upper, top, strict=True)])
    z = stats.norm.ppf(np.stack([upper, top], axis=1))
    spread = np.clip((high[:, 1] - high[:, 0]) / (z[:, 1] - z[:, 0]), 0.6, 2.5)
    centre = high[:, 0] - spread * z[:, 0]
    order = np.argsort(-(centre + spread**2 / 2), kind="stable")
    correlation = (1 - shrink) * np.corrcoef(logs.T) + shrink * np.eye(seen.size)
    return Community(centre[order], spread[order], np.linalg.cholesky(correlation[np.ix_(order, order)]))


def some_independent(rng: np.random.Generator, community: Community, n: int, design: Design) -> Drawn:
    """A third of the taxa, spread over the ranks, independent of all others; the rest as in the real table."""
    p = community.centre.size
    null = np.zeros(p, dtype=bool)
    null[1::3] = True
    z = rng.normal(size=(n, p)) @ community.root.T
    z[:, null] = rng.normal(size=(n, int(null.sum())))
    logs = community.centre + community.spread * z
    if design.bloom:
        logs[:, 0] += np.log(20) * (rng.random(n) < 0.2)
    if design.groups:
        moved = rng.choice(np.flatnonzero(~null), round(0.2 * p), replace=False)
        second = np.arange(n) >= n // 2
        logs[np.ix_(second, moved)] += 1.5 * rng.choice([-1, 1], moved.size)
    diversity = shannon(np.exp(logs[:, ~null]))
    if design.load:
        logs[:, ~null] += 0.7 * (0.5 * diversity + np.sqrt(0.75) * rng.normal(size=n))[:, None]
    planted = plant(rng, null, design.slopes)
    for j, size in planted.items():
        logs[:, j] += size * diversity
        null[j] = False
    amount = np.exp(logs)
    counts = reads(rng, amount, depths(rng, n, diversity if design.depth else None))
    return Drawn(counts, amount.sum(axis=1), null, planted)


def permuted(rng: np.random.Generator, amount: Floats, j: int, depth: Floats) -> Drawn:
    """Permute the absolute abundance of one taxon over the samples; all others stay as they are, and reads are drawn anew."""
    amount = amount.copy()
    amount[:, j] = amount[rng.permutation(len(amount)), j]
    return Drawn(reads(rng, amount, depth), amount.sum(axis=1), np.arange(amount.shape[1]) == j)


def riding(rng: np.random.Generator, community: Community, logs: Floats, j: int, partner: int, depth: Floats, *, by: float = 0.7) -> Drawn:
    """Let one taxon depend on nothing but one partner, with correlation `by` of their logs."""
    logs = logs.copy()
    z = (logs[:, partner] - community.centre[partner]) / community.spread[partner]
    own = by * z + np.sqrt(1 - by**2) * rng.normal(size=len(logs))
    logs[:, j] = community.centre[j] + community.spread[j] * own
    amount = np.exp(logs)
    return Drawn(reads(rng, amount, depth), amount.sum(axis=1), np.arange(amount.shape[1]) == j)


# ---------------------------------------------------------------- gamma abundances, absences
def gamma_community(rng: np.random.Generator, n: int, design: Design, *, p: int = 90) -> Drawn:
    """Draw a community of another make.

    Abundances are gamma-distributed, not log-normal, in eight blocks that share a gamma factor, and rarer taxa are absent from whole samples.
    Every third taxon belongs to no block and is independent of all others.
    """
    rank = np.arange(p)
    mean = 1_000 * np.exp(-9.5 * (rank / p) ** 0.8)
    shape = rng.uniform(0.5, 1.6, p)
    null = rank % 3 == 1
    present = rng.random((n, p)) < np.where(rank < p // 2, 1.0, rng.uniform(0.3, 1.0, p))
    amount = rng.gamma(shape, mean / shape, size=(n, p)) * present
    blocks = rng.integers(0, 8, p)
    shared = rng.gamma(2.0, 0.5, size=(n, 8))
    amount[:, ~null] *= shared[:, blocks[~null]]
    if design.bloom:
        amount[:, 0] *= np.where(rng.random(n) < 0.2, 20, 1)
    if design.groups:
        moved = rng.choice(np.flatnonzero(~null), round(0.2 * p), replace=False)
        amount[n // 2 :, moved] *= np.exp(1.5 * rng.choice([-1, 1], moved.size))
    diversity = shannon(amount[:, ~null])
    if design.load:
        amount[:, ~null] *= np.exp(0.7 * (0.5 * diversity + np.sqrt(0.75) * rng.normal(size=n)))[:, None]
    planted = plant(rng, null, design.slopes)
    for j, size in planted.items():
        amount[:, j] *= np.exp(size * diversity)
        null[j] = False
    share = amount / amount.sum(axis=1, keepdims=True)
    if design.concentration is not None:
        share = rng.gamma(np.maximum(design.concentration * share, 1e-12)) * (share > 0)
    counts = reads(rng, share, depths(rng, n, diversity if design.depth else None))
    return Drawn(counts, amount.sum(axis=1), null, planted)


# ---------------------------------------------------------------- measured absolute abundances
def subset(amount: Floats, rng: np.random.Generator, n: int) -> Floats:
    """Draw n samples of a table of absolute abundances, without replacement."""
    return amount[rng.choice(len(amount), n, replace=False)]
