"""The in-study score: full conformal p-values of three components against the study's own controls (methods of Vovk et al. 2005)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.conformal import SHARE_SEEN, Bags, make_bags, may_be_kept, ranks_in_bags
from gutdiv.numerics.observed import Rows, draws_seen, observe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measured:
    """What the score is made of, of m samples of which n are the controls, at a common depth.

    Parameters
    ----------
    controls : (n,) int64
        Places of the controls among the samples.
    entropy : (m,)
        Shannon entropy of features in nats.
    unshared : (m, n) int64
        Reads not shared with each control, summed over draws: Bray-Curtis dissimilarity of genera times depth and draws.
    logs, seen : (m, p)
        Mean ln(reads + 1/2) over draws, and number of draws with reads, of the genera that any bag may keep.
    genera : (p,) tuple of str
    depth, draws : int
    """

    controls: Ints
    entropy: Floats
    unshared: Ints
    logs: Floats
    seen: Ints
    genera: tuple[str, ...]
    depth: int
    draws: int


def rows_of(cohort: Cohort, keys: npt.NDArray[np.uint64]) -> tuple[Rows, tuple[str, ...]]:
    """Return the cohort's table as draws are taken of it, and the names of its genera."""
    names, place = np.unique(np.array(cohort.genera(), dtype=object), return_inverse=True)
    counts = cohort.counts
    rows = Rows(counts.indptr, counts.indices, counts.data, place.astype(np.int64), names.size, keys)
    return rows, tuple(str(n) for n in names)


def measure_study(
    rows: Rows,
    genera: Sequence[str],
    samples: Ints,
    controls: Ints,
    *,
    depth: int,
    seed: int,
    draws: range,
    entropy: Floats | None = None,
    weights: Sequence[Ints] = (),
) -> Measured:
    """Measure the components of samples, over these rarefaction draws.

    Parameters
    ----------
    samples, controls : (m,), (n,) int64
        Rows with at least `depth` reads; every control is among the samples.
    entropy : (m,)
        Shannon entropy where it is known; else it is that of the draws.
    weights : sequence of (n,) int64
        How often each control counts (once), of each set of bags that will be made.
    """
    seen = draws_seen(rows, controls, depth=depth, seed=seed, draws=draws)
    sets = list(weights) or [np.ones(controls.size, np.int64)]
    wanted = np.flatnonzero(np.any([may_be_kept(seen[w > 0], w[w > 0], len(draws)) for w in sets], axis=0))
    found = observe(rows, samples, controls, wanted, depth=depth, seed=seed, draws=draws)
    place = {int(s): i for i, s in enumerate(samples)}
    at = np.array([place[int(c)] for c in controls], dtype=np.int64)
    known = found.entropy / len(draws) if entropy is None else entropy
    names = tuple(genera[int(g)] for g in wanted)
    return Measured(at, known, found.unshared, found.logs / len(draws), found.seen, names, depth, len(draws))


def judge_samples(found: Measured, own: Ints, *, rows: Ints | None = None, weights: Ints | None = None) -> Floats:
    """Judge samples in bags of their own: p, and the ranks in entropy, neighbours and composition, (k, 4), all in (0, 1], small is extreme.

    The bag is the reference and the sample; everything is symmetric in it, so that P(p <= a) <= a for every a where the sample is exchangeable
    with the reference. Components, the first with low, the others with high values extreme: Shannon entropy; mean Bray-Curtis dissimilarity to the k
    nearest others, k = max(3, ceil(.05 (n + 1))); Mahalanobis distance of the CLR of genera seen in at least 20 % of the bag, with Ledoit & Wolf's (2004)
    covariance. The bag is ordered by Fisher's product of the three ranks.

    Parameters
    ----------
    own : (m,) int64
        Number of the control of each sample's subject, -1 where there is none.
    rows : (k,) int64
        The samples to judge (all).
    weights : (n,) int64
        How often each control counts (once); controls that count 0 times are left out.
    """
    every = np.arange(found.entropy.size) if rows is None else rows
    counted = np.ones(found.controls.size, np.int64) if weights is None else weights
    bags, used, kept = _bags(found, counted)
    number = np.full(counted.size + 1, -1, np.int64)  # the last is for samples without a control of their own subject
    number[used] = np.arange(used.size)
    logs, seen = np.ascontiguousarray(found.logs[every][:, kept]), np.ascontiguousarray(found.seen[every][:, kept])
    apart = np.ascontiguousarray(found.unshared[every][:, used])
    return ranks_in_bags(bags, found.entropy[every], logs, seen, apart, number[own[every]])


def _bags(found: Measured, weights: Ints) -> tuple[Bags, Ints, Ints]:
    """What bags share, the controls that count, and the genera that a bag may keep."""
    used = np.flatnonzero(weights > 0)
    at, w = found.controls[used], weights[used]
    kept = np.flatnonzero(may_be_kept(found.seen[at], w, found.draws))
    logs, seen = np.ascontiguousarray(found.logs[at][:, kept]), np.ascontiguousarray(found.seen[at][:, kept])
    between = np.ascontiguousarray(found.unshared[at][:, used])
    return make_bags(found.entropy[at], logs, seen, between, draws=found.draws, weights=w), used, kept


def study_drivers(found: Measured, own: Ints, rows: Ints, *, most: int = 5) -> list[list[tuple[str, float]]]:
    """Return for each row the genera whose CLR lies furthest from the controls, as (name, robust z), the furthest first; descriptive only.

    z = (CLR - median) / (1.4826 MAD) over the controls of other subjects; genera as in the composition component, those without spread left out.
    """
    out: list[list[tuple[str, float]]] = [[] for _ in rows]
    for number in np.unique(own[rows]):
        at = np.flatnonzero(own[rows] == number)
        others = found.controls if number < 0 else np.delete(found.controls, number)
        kept = np.flatnonzero(SHARE_SEEN * found.seen[others].sum(axis=0) >= found.draws * others.size)
        mine, pool = (_clr(found.logs[np.ix_(r, kept)]) for r in (rows[at], others))
        for i, listed in zip(at, leading(mine, pool, [found.genera[j] for j in kept], most=most), strict=True):
            out[i] = listed
    return out


def _clr(logs: Floats) -> Floats:
    """Logarithms less their mean, by row."""
    return np.asarray(logs - logs.mean(axis=1, keepdims=True)) if logs.shape[1] else logs


def leading(values: Floats, pool: Floats, names: Sequence[str], *, most: int = 5) -> list[list[tuple[str, float]]]:
    """Return for each row of values (m, p) the names furthest from the median of the pool (n, p) with their robust z."""
    middle = np.median(pool, axis=0)
    spread = 1.4826 * np.median(np.abs(pool - middle), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, (values - middle) / spread, 0.0)
    order = np.argsort(-np.abs(z), axis=1, kind="stable")[:, :most]
    return [[(names[j], float(z[i, j])) for j in line if z[i, j] != 0] for i, line in enumerate(order)]


def nearest(apart: Floats | Ints, own: Ints, *, most: int = 3) -> Ints:
    """Numbers of the controls nearest to each row of distances (m, n), the nearest first, that of the row's own subject left out; (m, most)."""
    away = apart.astype(np.float64)
    held = np.flatnonzero(own >= 0)
    away[held, own[held]] = np.inf
    return np.argsort(away, axis=1, kind="stable")[:, : min(most, max(away.shape[1] - 1, 0))]
