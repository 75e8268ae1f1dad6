"""Measures alpha diversity of a cohort: prepares once what metrics need, draws, and says what could not be measured."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.diversity.alpha import chao1_error
from gutdiv.diversity.catalog import ALPHA, USUAL, find
from gutdiv.diversity.metric import Floats, Metric, View
from gutdiv.diversity.rarefaction import NO_SINGLETONS, lacks_singletons, resolve_depth, sample_keys
from gutdiv.numerics import expectations, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from gutdiv.model.cohort import Cohort


RICHNESS = ("sobs", "hill_0")
# Metrics whose mean over all draws is known exactly.
EXPECTED: Mapping[str, Callable[..., Floats]] = MappingProxyType(
    {
        **dict.fromkeys(RICHNESS, expectations.expected_richness),
        "shannon": expectations.expected_entropy,
        "simpson": lambda *sample: 1.0 - expectations.expected_concentration(*sample),
        "goods_coverage": expectations.expected_coverage,
    }
)
COLUMNS = ["sample_id", "level", "metric", "value", "sd", "depth", "expected", "se"]
_BLOCK = 1 << 17  # draws whose tallies are held at once: 15 MB


def measure_alpha(
    cohort: Cohort,
    names: Sequence[str] | None = None,
    *,
    depth: str | int = "auto",
    draws: int = 100,
    seed: int = 42,
    level: str = "feature",
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure alpha diversity of every sample.

    Parameters
    ----------
    cohort : Cohort
    names : sequence of str, optional
        Metrics; default `catalog.USUAL`. A metric that is named but not possible is absent with the reason.
    depth : 'auto', 'none' or int
        Reads to which samples are rarefied. A sample with fewer reads has no value.
    draws : int
        Rarefaction draws; the value is their mean, `sd` their standard deviation (n - 1).
    seed : int
    level : {'feature', 'genus'}
        What counts as one kind: features as they are, or features of one genus together.

    Returns
    -------
    frame : DataFrame of kind `alpha`
        Sorted by metric in the catalogue's order, then by sample. `expected` is the exact mean over all draws there are, where it is known,
        and `se` an analytic standard error: of the features in a draw (Heck et al. 1975), and of Chao1 (the mean over draws).
    about : dict
        `depth`, `draws`, `metrics` (traits), `absent` (metric to reason), `below_depth` (sample ids).
    """
    target = resolve_depth(cohort, depth)
    asked = [find(n, "alpha") for n in dict.fromkeys(names or USUAL)]
    asked.sort(key=lambda m: list(ALPHA).index(m.name))
    withheld = any("singletons" in m.needs for m in asked) and lacks_singletons(cohort)
    absent = {m.name: reason for m in asked if (reason := impossible(cohort, m, level, withheld=withheld))}
    metrics = [m for m in asked if m.name not in absent]
    view = prepared(cohort, level)
    if not any(m.needs_tree for m in metrics):
        view = replace(view, tree=None)
    n = len(cohort.sample_ids)
    found = _whole(view, metrics) if target is None else _drawn(cohort, view, metrics, target, draws, seed)
    below = np.zeros(n, bool) if target is None else cohort.depth < target
    used = cohort.depth if target is None else np.full(n, target)
    import pandas as pd  # here, for distances do without it

    frame = pd.DataFrame(
        {
            "sample_id": list(cohort.sample_ids) * len(metrics),
            "level": level,
            "metric": np.repeat(np.array([m.name for m in metrics], dtype=object), n),
            **{c: np.concatenate([found[m.name][c] for m in metrics] or [np.zeros(0)]) for c in ("value", "sd", "expected", "se")},
            "depth": np.tile(used, len(metrics)),
        }
    )[COLUMNS]
    about = {
        "depth": target,
        "draws": None if target is None else draws,
        "metrics": {m.name: m.traits for m in metrics},
        "absent": absent,
        "below_depth": [s for s, b in zip(cohort.sample_ids, below, strict=True) if b],
    }
    return frame, about


def _whole(view: View, metrics: Sequence[Metric]) -> dict[str, dict[str, Floats]]:
    """Value of each metric on the counts as they are, with what is known of its error."""
    wanted = {"counted": any(not m.needs_tree for m in metrics), "shares": any("shares" in m.needs for m in metrics)}
    tallies = rows.tallies(view.indptr, view.indices, view.data, view.branches, **wanted)
    none = np.full(tallies.reads.shape, np.nan)
    return {
        m.name: {
            "value": m.function(tallies),
            "sd": none,
            "expected": none,
            "se": chao1_error(tallies) if m.name == "chao1" else none,
        }
        for m in metrics
    }


def _drawn(cohort: Cohort, view: View, metrics: Sequence[Metric], depth: int, draws: int, seed: int) -> dict[str, dict[str, Floats]]:
    """Mean and standard deviation of each metric over draws, with what is known exactly; all NaN where a sample is too shallow."""
    keys = sample_keys(cohort.sample_ids)
    n = len(cohort.sample_ids)
    found = {m.name: {c: np.full(n, np.nan) for c in ("value", "sd", "expected", "se")} for m in metrics}
    step = max(1, _BLOCK // draws)
    for start in range(0, n, step):
        part = slice(start, min(n, start + step))
        tallies = rows.drawn_tallies(
            view.indptr,
            view.indices,
            view.data,
            view.branches,
            depth=depth,
            keys=keys,
            seed=seed,
            times=draws,
            samples=(part.start, part.stop),
        )
        for m in metrics:
            found[m.name]["value"][part], found[m.name]["sd"][part] = rows.mean_and_spread(m.function(tallies))
            if m.name == "chao1":
                found[m.name]["se"][part] = rows.mean_and_spread(chao1_error(tallies))[0]
    reads = np.full(n, depth)
    spread = expectations.richness_spread(view.indptr, view.data, reads) if any(m.name in RICHNESS for m in metrics) else None
    for m in metrics:
        if m.name in EXPECTED:
            found[m.name]["expected"] = EXPECTED[m.name](view.indptr, view.data, reads)
        if m.name in RICHNESS and spread is not None:
            found[m.name]["se"] = spread
    return found


def impossible(cohort: Cohort, metric: Metric, level: str, *, withheld: bool = False) -> str | None:
    """Say why a metric cannot be measured here, or None; `withheld` tells that the cohort lacks singletons."""
    if metric.needs_tree and cohort.tree is None:
        return "no tree was given"
    if metric.needs_tree and level != "feature":
        return f"the tree holds features, not {level} groups"
    if "singletons" in metric.needs and withheld:
        return f"{NO_SINGLETONS}, on which the estimator is built"
    return None


def prepared(cohort: Cohort, level: str, samples: Any = None) -> View:
    """Prepare what metrics see, at this level and for these samples."""
    counts = cohort.counts if samples is None else cohort.counts[samples]
    if level == "genus":
        names = cohort.genera()
        taxa, place = np.unique(np.array(names, dtype=object), return_inverse=True)
        fold = sparse.csr_matrix((np.ones(len(names), np.int64), (np.arange(len(names)), place)), shape=(len(names), taxa.size))
        counts = (counts @ fold).tocsr()
    counts = counts.tocsr()
    counts.sort_indices()
    tree = cohort.tree if level == "feature" else None
    indptr, indices, data = (part.astype(np.int64, copy=False) for part in (counts.indptr, counts.indices, counts.data))
    return View(indptr, indices, data, counts.shape[1], tree)
