"""The in-study score: full conformal p-values of three components against the study's own controls (methods of Vovk et al. 2005)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.conformal import SHARE_SEEN, Bags, make_bags, may_be_kept, ranks_in_bags
from gutdiv.numerics.left_out import spread_without_each
from gutdiv.numerics.observed import Counts, Drawn, Rows, genus_counts, observe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BLOCK = 512  # samples judged at a time: their bags take some ten numbers for each control


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
    counts = [genus_counts(rows, controls, depth=depth, seed=seed, draw=d) for d in draws]
    wanted = _wanted(counts, weights)
    found = observe(rows, samples, counts, wanted, depth=depth, seed=seed, draws=draws)
    return _measured(found, wanted, genera, samples, controls, depth=depth, draws=len(draws), entropy=entropy)


def measure_draws(
    rows: Rows,
    genera: Sequence[str],
    samples: Ints,
    controls: Ints,
    *,
    depth: int,
    seed: int,
    alone: int,
    together: int,
    entropy: Floats,
    weights: Sequence[Ints] = (),
) -> Iterator[Measured]:
    """Yield what each of the first draws shows alone, then what the first ones show together, as `measure_study` would: no draw is taken twice.

    Parameters
    ----------
    samples, controls, entropy, weights
        As in `measure_study`; entropy and weights are for the draws together.
    alone, together : int
        Number of draws; where `together` is 0, that part is left out.
    """
    counts = [genus_counts(rows, controls, depth=depth, seed=seed, draw=d) for d in range(max(alone, together))]
    joint = _wanted(counts[:together], weights) if together else np.zeros(0, np.int64)
    total: Drawn | None = None
    for d, beside in enumerate(counts):
        own = _wanted([beside], ()) if d < alone else joint
        every = np.union1d(own, joint) if d < together else own
        found = observe(rows, samples, [beside], every, depth=depth, seed=seed, draws=range(d, d + 1))
        if d < alone:
            yield _measured(_of_genera(found, every, own), own, genera, samples, controls, depth=depth, draws=1, entropy=None)
        if d < together:
            part = _of_genera(found, every, joint)
            if total is not None:
                part = Drawn(total.unshared + part.unshared, total.logs + part.logs, total.seen + part.seen, total.entropy + part.entropy)
            total = part
    if total is not None:
        yield _measured(total, joint, genera, samples, controls, depth=depth, draws=together, entropy=entropy)


def _wanted(counts: Sequence[Counts], weights: Sequence[Ints]) -> Ints:
    """Genera that any bag may keep, of what draws show of the controls; each bag by its weights, by default of every control once."""
    seen = np.ascontiguousarray(sum((c > 0).astype(np.int64) for c in counts).T)  # type: ignore[union-attr]
    sets = list(weights) or [np.ones(len(seen), np.int64)]
    return np.flatnonzero(np.any([may_be_kept(seen[w > 0], w[w > 0], len(counts)) for w in sets], axis=0))


def _of_genera(found: Drawn, genera: Ints, wanted: Ints) -> Drawn:
    """Keep some of the genera whose logarithms were taken."""
    at = np.searchsorted(genera, wanted)
    return found._replace(logs=found.logs[:, at], seen=found.seen[:, at])


def _measured(
    found: Drawn, wanted: Ints, genera: Sequence[str], samples: Ints, controls: Ints, *, depth: int, draws: int, entropy: Floats | None
) -> Measured:
    """Divide sums by the number of draws, and name the genera."""
    place = {int(s): i for i, s in enumerate(samples)}
    at = np.array([place[int(c)] for c in controls], dtype=np.int64)
    known = found.entropy / draws if entropy is None else entropy
    names = tuple(genera[int(g)] for g in wanted)
    return Measured(at, known, found.unshared, found.logs / draws, found.seen, names, depth, draws)


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
    out = np.empty((every.size, 4))
    for start in range(0, every.size, _BLOCK):
        part = every[start : start + _BLOCK]
        at, beside = np.ix_(part, kept), np.ix_(part, used)
        judged = ranks_in_bags(bags, found.entropy[part], found.logs[at], found.seen[at], found.unshared[beside], number[own[part]])
        out[start : start + _BLOCK] = judged
    return out


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
    held, n = found.seen[found.controls].sum(axis=0), found.controls.size
    bags: dict[bytes, list[int]] = {}  # controls left out, by the genera that are kept without them
    for number in np.unique(own[rows]).tolist():
        seen, others = (held, n) if number < 0 else (held - found.seen[found.controls[number]], n - 1)
        bags.setdefault((SHARE_SEEN * seen >= found.draws * others).tobytes(), []).append(number)
    for key, numbers in bags.items():
        kept = np.flatnonzero(np.frombuffer(key, dtype=bool))
        names = [found.genera[j] for j in kept]
        pool = _clr(found.logs[np.ix_(found.controls, kept)])
        middle, spread = (np.atleast_2d(part) for part in _centre(pool))
        if max(numbers) >= 0:  # the last row is for samples that may meet every control
            middle, spread = (np.vstack([without, every]) for without, every in zip(spread_without_each(pool), (middle, spread), strict=True))
        at = np.flatnonzero(np.isin(own[rows], numbers))
        mine, number = _clr(found.logs[np.ix_(rows[at], kept)]), own[rows[at]]
        for i, listed in zip(at, _furthest(mine, middle[number], spread[number], names, most), strict=True):
            out[i] = listed
    return out


def _clr(logs: Floats) -> Floats:
    """Logarithms less their mean, by row."""
    return np.asarray(logs - logs.mean(axis=1, keepdims=True)) if logs.shape[1] else logs


def leading(values: Floats, pool: Floats, names: Sequence[str], *, most: int = 5) -> list[list[tuple[str, float]]]:
    """Return for each row of values (m, p) the names furthest from the median of the pool (n, p) with their robust z."""
    return _furthest(values, *_centre(pool), names, most)


def _centre(pool: Floats) -> tuple[Floats, Floats]:
    """Median and median absolute deviation of each column."""
    middle = np.median(pool, axis=0)
    return middle, np.median(np.abs(pool - middle), axis=0)


def _furthest(values: Floats, middle: Floats, deviation: Floats, names: Sequence[str], most: int) -> list[list[tuple[str, float]]]:
    """Names and robust z of the values (m, p) furthest from their middle, the furthest first."""
    spread = 1.4826 * deviation
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, (values - middle) / spread, 0.0)
    order = np.argsort(-np.abs(z), axis=1, kind="stable")[:, :most]
    return [[(names[j], float(z[i, j])) for j in line if z[i, j] != 0] for i, line in enumerate(order)]


def nearest(apart: Floats | Ints, own: Ints, *, most: int = 3) -> Ints:
    """Numbers of the controls nearest to each row of distances (m, n), the nearest first, that of the row's own subject left out; (m, most)."""
    count = min(most, max(apart.shape[1] - 1, 0))
    out = np.empty((apart.shape[0], count), np.int64)
    for start in range(0, apart.shape[0], _BLOCK):
        away = apart[start : start + _BLOCK].astype(np.float64)
        held = np.flatnonzero(own[start : start + _BLOCK] >= 0)
        away[held, own[start + held]] = np.inf
        for k in range(count):
            found = np.argmin(away, axis=1)  # of several the first
            out[start : start + _BLOCK, k] = found
            np.put_along_axis(away, found[:, None], np.inf, axis=1)
    return out
