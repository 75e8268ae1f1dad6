"""Published indices of dysbiosis beside the verdict, each as it was defined, with cut-offs from the controls alone; none enters the verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from gutdiv.model.results import TABLES, Finding
from gutdiv.numerics import draws, left_out, pairs
from gutdiv.numerics.dispersion import one_way_f
from gutdiv.numerics.permutation import permutation_p, permute_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Controls

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

DRAWS = 20  # rarefaction draws over which distances and logarithms are averaged
USED, ENOUGH = 5, 20  # control subjects from which on there are values, and cut-offs
QUANTILE = 0.9  # of the controls' own values: the cut-off of Lloyd-Price et al., taken for all indices that were published without one
LEVEL = 0.05  # of CLOUD's p
NEIGHBOURS = 0.05  # share of the reference that counts as near, at least 3 samples
MOST = 1000  # samples that are no controls whose spread is measured
PERMUTATIONS = 999
HALF = 0.5
INDICES: Mapping[str, Mapping[str, str]] = {
    "median_distance": {"label": "Median distance to the reference", "citation": "Lloyd-Price et al. 2019, Nature 569:655"},
    "centroid_distance": {"label": "Distance to the centroid of the reference", "citation": "AlShawaqfeh et al. 2017, FEMS Microbiol. Ecol. 93:fix136"},
    "cloud": {"label": "CLOUD", "citation": "Montassier et al. 2018, Microbiome 6:137"},
    "mdi": {"label": "Microbial dysbiosis index", "citation": "Gevers et al. 2014, Cell Host Microbe 15:382"},
}


@dataclass(frozen=True, eq=False)
class Signs:
    """Features that the microbial dysbiosis index counts up and down, (n_features,) bool each, or why it cannot be computed."""

    up: npt.NDArray[np.bool_]
    down: npt.NDArray[np.bool_]
    absent: str = ""


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the indices are made of, means over draws: distances of all samples to the controls, between chosen cases, and the index' ratio."""

    to_controls: Floats
    between_cases: Floats
    mdi: Floats


def measure_indices(
    cohort: Cohort, controls: Controls | None, signs: Signs, *, depth: int, keys: npt.NDArray[np.uint64], level: str = "genus", seed: int = 42
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compute the indices of every sample against the controls of other subjects, one sample for each of these.

    `median_distance`: median Bray-Curtis dissimilarity to the controls (Lloyd-Price et al. 2019, there of species). `centroid_distance`: to their
    centroid in the space of that dissimilarity. `cloud`: mean dissimilarity to the k nearest controls, k = max(3, ceil(.05 n)), over the mean of the
    same of the controls among themselves; `p` = (1 + #{controls at or over it}) / (n + 1) (Montassier et al. 2018, calibrated). `mdi`: ln of the
    reads + 1/2 of taxa that grow in Crohn's disease over those of taxa that shrink (Gevers et al. 2014).

    Parameters
    ----------
    cohort : Cohort
    controls : Controls or None
    signs : Signs
    depth : int
        Reads to which samples are rarefied; one with fewer has no value.
    keys : (n_samples,) uint64
        Numbers made from the samples' ids.
    level : {'genus', 'feature'}
        What dissimilarities compare.
    seed : int

    Returns
    -------
    frame : DataFrame of kind `indices`
        `cutoff` is the 90th percentile (type 7) of what the controls have without themselves; of `cloud`, the value over which p <= .05. The
        cut-off of a sample leaves out the control of its subject too. `beyond`: whether the value is over it. `direction` is the side that counts.
    about : dict
        `indices` (labels, citations, rules), `absent`, `findings`: the spread of samples that are no controls (Zaneveld et al. 2017, Nat. Microbiol. 2:17121).
    """
    n_controls = len(controls.chosen) if controls else 0
    about: dict[str, Any] = {"indices": _rules(level, n_controls), "absent": {}, "findings": [], "draws": DRAWS}
    reason = "no controls were declared (--controls)" if controls is None else ""
    if controls is not None and n_controls < USED:
        reason = f"{n_controls} control subjects with {depth:,} reads; an index needs {USED}, its cut-off {ENOUGH}"
    if controls is None or reason:
        about["absent"] = dict.fromkeys(INDICES, reason)
        return pd.DataFrame(columns=list(TABLES["indices"])), about
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    chosen = np.array([place[s] for s in controls.chosen], dtype=np.int64)
    mine = {controls.subjects[s]: k for k, s in enumerate(controls.chosen)}
    own = np.array([mine.get(controls.subjects[s], -1) for s in cohort.sample_ids], dtype=np.int64)
    reads = cohort.depth
    deep = np.flatnonzero(reads >= depth)
    pool = _cases(cohort, controls, deep, keys)
    cases = np.sort(pool[:MOST])
    seen = _measure(cohort, signs, chosen, cases, deep, depth=depth, keys=keys, level=level, seed=seed)
    within = seen.to_controls[chosen]
    k = _near(n_controls)
    of_reference = {
        "median_distance": left_out.medians_within(within),
        "centroid_distance": left_out.centroid_within(within),
        "cloud": left_out.nearest_within(within, k),
        "mdi": np.repeat(seen.mdi[chosen][:, None], n_controls, axis=1),
    }
    met, mine_of = seen.to_controls[deep], own[deep]
    values = {
        "median_distance": left_out.medians_to(met, mine_of),
        "centroid_distance": left_out.centroid_to(met, mine_of, within),
        "cloud": left_out.nearest_to(met, mine_of, k),
        "mdi": seen.mdi[deep],
    }
    parts = []
    for name, value in values.items():
        if name == "mdi" and signs.absent:
            about["absent"][name] = signs.absent
            continue
        made = _cloud(value, of_reference[name], mine_of) if name == "cloud" else _quantile(value, of_reference[name], mine_of)
        parts.append(_frame(name, cohort.sample_ids, made, deep, n_controls - (own >= 0), depth, reads))
    about["findings"], why = _spread(within, seen.between_cases, seed, pool.size)
    about["absent"] |= {"spread": why} if why else {}
    return pd.concat(parts, ignore_index=True)[list(TABLES["indices"])], about


def _rules(level: str, n: int) -> dict[str, dict[str, Any]]:
    """What a reader must know of each index."""
    rule = f"{QUANTILE:.0%} quantile (type 7) of the controls' values, each without itself"
    made: dict[str, dict[str, Any]] = {name: {**traits, "cutoff": rule, "level": level} for name, traits in INDICES.items()}
    made["cloud"] |= {"cutoff": f"p <= {LEVEL}", "k": _near(n)}
    made["mdi"] |= {"level": "frozen list of genera and families", "unit": "ln"}
    return made


def _near(n: int) -> int:
    """How many of n reference samples count as near."""
    return max(3, math.ceil(NEIGHBOURS * n))


# ---------------------------------------------------------------- measuring
def _cases(cohort: Cohort, controls: Controls, deep: Places, keys: npt.NDArray[np.uint64]) -> Places:
    """One sample of each subject without a control sample, in the order of the numbers made from the ids."""
    listed = {controls.subjects[s] for s in controls.samples}
    first: dict[str, int] = {}
    for i in deep[np.argsort(keys[deep], kind="stable")].tolist():
        subject = controls.subjects[cohort.sample_ids[i]]
        if subject not in listed:
            first.setdefault(subject, i)
    return np.array(list(first.values()), dtype=np.int64)


def _measure(
    cohort: Cohort,
    signs: Signs,
    chosen: Places,
    cases: Places,
    deep: Places,
    *,
    depth: int,
    keys: npt.NDArray[np.uint64],
    level: str,
    seed: int,
) -> _Seen:
    """Rarefy, count taxa, and average over draws; of samples with enough reads, controls first, so that only their rows of distances are made."""
    names, place = np.unique(np.array(cohort.taxa(level), dtype=object), return_inverse=True)
    fold = sparse.csr_matrix((np.ones(place.size, np.int64), (np.arange(place.size), place)), shape=(place.size, names.size))
    sides = sparse.csr_matrix(np.column_stack([signs.up, signs.down]).astype(np.int64))
    n = len(cohort.sample_ids)
    order = np.concatenate([chosen, np.setdiff1d(deep, chosen)])
    to_controls, between, mdi = np.zeros((chosen.size, order.size)), np.zeros((cases.size, cases.size)), np.zeros(n)
    for draw in range(DRAWS):
        data = draws.rarefied(cohort.counts.indptr, cohort.counts.data, depth, keys, seed, draw)
        drawn = sparse.csr_matrix((data, cohort.counts.indices, cohort.counts.indptr), shape=cohort.counts.shape)
        counts = (drawn @ fold).tocsr().astype(np.float64)
        counts.eliminate_zeros()
        counts.sort_indices()
        to_controls += pairs.braycurtis(counts[order], start=0, stop=chosen.size)
        if cases.size > 1:
            between += pairs.braycurtis(counts[cases])
        up, down = np.asarray((drawn @ sides).toarray(), dtype=np.float64).T
        mdi += np.log(up + HALF) - np.log(down + HALF)
    distances = np.full((n, chosen.size), np.nan)
    distances[order] = to_controls.T / DRAWS
    return _Seen(distances, between / DRAWS, mdi / DRAWS)


# ---------------------------------------------------------------- cut-offs
def _quantile(value: Floats, reference: Floats, own: Places) -> dict[str, Any]:
    """Cut-offs at a quantile of the controls' values."""
    whole, each = left_out.quantiles_within(reference, QUANTILE)
    return {"value": value, "cutoff": np.append(each, whole)[own], "p": np.nan}


def _cloud(near: Floats, reference: Floats, own: Places) -> dict[str, Any]:
    """Ratio to the mean of the controls, its p among theirs, and the ratio over which p is at most 5 %."""
    n = reference.shape[0]
    value, cutoff, p = (np.full(near.size, np.nan) for _ in range(3))
    for left in np.unique(own):
        at = np.flatnonzero(own == left)
        others = np.sort(np.diagonal(reference) if left < 0 else np.delete(reference[:, left], left))[::-1]
        mean = others.mean()
        size = n - (left >= 0)
        reached = np.searchsorted(-others, -near[at] * (1 - 1e-9), side="right")  # ties within 1e-9 count as reached
        value[at], p[at] = near[at] / mean, (1 + reached) / (size + 1)
        over = math.floor(LEVEL * (size + 1) + 1e-9) - 1  # so many controls may lie at or over a value that is beyond
        cutoff[at] = others[over] / mean if over >= 0 else np.nan
    return {"value": value, "cutoff": cutoff, "p": p}


def _frame(name: str, ids: Sequence[str], made: Mapping[str, Any], deep: Places, n: Places, depth: int, reads: Places) -> pd.DataFrame:
    """Lay out one index of all samples."""
    few = n < ENOUGH - 1  # one fewer where the own control is left out
    value, cutoff, p = (np.full(n.size, np.nan) for _ in range(3))
    value[deep] = made["value"]
    cutoff[deep], p[deep] = (np.where(few[deep], np.nan, made[c]) for c in ("cutoff", "p"))
    over = p <= LEVEL if name == "cloud" else value > cutoff
    known = ~np.isnan(p if name == "cloud" else cutoff)
    reason = np.where(few, [f"{k} control subjects other than the sample's own; a cut-off needs {ENOUGH}" for k in n], "").astype(object)
    for i in np.flatnonzero(reads < depth):
        reason[i] = f"{int(reads[i]):,} reads, fewer than the common depth of {depth:,}"
    beyond = np.where(known, np.where(over, "true", "false"), "")
    columns = {"value": value, "cutoff": cutoff, "beyond": beyond, "direction": "above", "n_reference": n, "reason": reason, "p": p}
    return pd.DataFrame({"sample_id": list(ids), "index": name, **columns})


# ---------------------------------------------------------------- a statement on the cohort
def _spread(controls: Floats, cases: Floats, seed: int, n_cases: int) -> tuple[list[dict[str, Any]], str]:
    """Whether samples that are no controls differ more among themselves than controls do (the Anna Karenina principle), or why not told."""
    if min(cases.shape[0], controls.shape[0]) < USED:
        return [], f"{cases.shape[0]} subjects without a control sample; their spread needs {USED}"
    own, other = left_out.spread_of(controls), left_out.spread_of(cases)
    y, codes = np.concatenate([own, other]), np.repeat([0, 1], [own.size, other.size]).astype(np.intp)
    residuals = np.concatenate([own - own.mean(), other - other.mean()])
    still = np.zeros(y.size, dtype=np.intp)
    f = one_way_f(y[None], codes)
    permuted = one_way_f(np.stack([residuals[permute_rows(seed, k, blocks=still)] for k in range(PERMUTATIONS)]), codes)
    p = float(permutation_p(f, permuted[:, None])[0])
    means = float(own.mean()), float(other.mean())
    values = {"n_controls": own.size, "n_cases": other.size, "n_cases_known": n_cases, "mean_controls": means[0], "mean_cases": means[1], "p": p}
    return [
        asdict(
            Finding(
                what="spread",
                subject="samples that are no controls",
                direction="none" if p > LEVEL else "higher" if means[1] > means[0] else "lower",
                size=means[1] / means[0] if means[0] > 0 else math.nan,
                unit="ratio of mean distances to the own centroid",
                strength="clear" if p <= LEVEL else "weak",
                rank=0,
                values={**values, "permutations": PERMUTATIONS},
            )
        )
    ], ""
