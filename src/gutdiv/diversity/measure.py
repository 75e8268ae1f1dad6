"""Measures alpha diversity of a cohort: prepares once what metrics need, draws, and says what could not be measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from gutdiv.diversity.catalog import ALPHA, find
from gutdiv.diversity.metric import Floats, Metric, View
from gutdiv.diversity.rarefaction import lacks_singletons, resolve_depth, sample_keys
from gutdiv.numerics import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.cohort import Cohort


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
        Metrics; default all that the cohort allows. A metric that is named but not possible is absent with the reason.
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
        Sorted by metric in the catalogue's order, then by sample.
    about : dict
        `depth`, `draws`, `metrics` (traits), `absent` (metric to reason), `below_depth` (sample ids).
    """
    target = resolve_depth(cohort, depth)
    metrics = [find(n, "alpha") for n in dict.fromkeys(names)] if names else list(ALPHA.values())
    absent = {m.name: reason for m in metrics if (reason := impossible(cohort, m, level))}
    metrics = [m for m in metrics if m.name not in absent]
    whole = prepared(cohort, level)
    n = len(cohort.sample_ids)
    below = np.zeros(n, bool) if target is None else cohort.depth < target
    values, spread = {}, {}
    if target is None:
        values = {m.name: m.function(whole) for m in metrics}
        spread = {m.name: np.full(n, np.nan) for m in metrics}
    else:
        values, spread = _over_draws(cohort, whole, metrics, target, draws, seed)
    used = cohort.depth if target is None else np.full(n, target)
    frames = [
        pd.DataFrame(
            {
                "sample_id": list(cohort.sample_ids),
                "level": level,
                "metric": m.name,
                "value": np.where(below, np.nan, values[m.name]),
                "sd": np.where(below, np.nan, spread[m.name]),
                "depth": used,
            }
        )
        for m in metrics
    ]
    columns = ["sample_id", "level", "metric", "value", "sd", "depth"]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    about = {
        "depth": target,
        "draws": None if target is None else draws,
        "metrics": {m.name: m.traits for m in metrics},
        "absent": absent,
        "below_depth": [s for s, b in zip(cohort.sample_ids, below, strict=True) if b],
    }
    return frame, about


def _over_draws(
    cohort: Cohort, whole: View, metrics: Sequence[Metric], depth: int, draws: int, seed: int
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Mean and standard deviation over rarefaction draws, by Welford's update, draw after draw."""
    keys = sample_keys(cohort.sample_ids)
    n = len(cohort.sample_ids)
    mean = {m.name: np.zeros(n) for m in metrics}
    square = {m.name: np.zeros(n) for m in metrics}
    for draw in range(draws):
        data = rows.rarefied(whole.indptr, whole.data, depth, keys, seed, draw)
        view = View(whole.indptr, whole.indices, data, whole.width, whole.tree)
        for m in metrics:
            value = m.function(view)
            step = value - mean[m.name]
            mean[m.name] = mean[m.name] + step / (draw + 1)
            square[m.name] = square[m.name] + step * (value - mean[m.name])
    with np.errstate(invalid="ignore"):
        spread = {name: np.sqrt(s / (draws - 1)) if draws > 1 else np.full(n, np.nan) for name, s in square.items()}
    return mean, spread


def impossible(cohort: Cohort, metric: Metric, level: str) -> str | None:
    """Say why a metric cannot be measured here, or None."""
    if metric.needs_tree and cohort.tree is None:
        return "no tree was given"
    if metric.needs_tree and level != "feature":
        return f"the tree holds features, not {level} groups"
    if "singletons" in metric.needs and lacks_singletons(cohort):
        return "more than half of the samples hold no singleton (as after DADA2 or Deblur), on which the estimator is built"
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
    return View(counts.indptr.astype(np.int64), counts.indices.astype(np.int64), counts.data.astype(np.int64), counts.shape[1], tree)
