"""Measures the distances between the samples of a cohort: one metric, the whole matrix or one block of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.diversity.catalog import find
from gutdiv.diversity.measure import impossible, prepared
from gutdiv.diversity.metric import Floats, View
from gutdiv.diversity.rarefaction import resolve_depth, sample_keys
from gutdiv.diversity.robust import Incomparable
from gutdiv.errors import InputError, first_ids
from gutdiv.numerics import draws

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort


def measure_beta(
    cohort: Cohort, name: str, *, depth: str | int = "auto", seed: int = 42, part: tuple[int, int] = (1, 1)
) -> tuple[tuple[str, ...], Floats, tuple[int, int], dict[str, Any]]:
    """Measure one beta metric between samples.

    Samples with fewer reads than the depth are left out, also for metrics that are not rarefied, so that all matrices of a cohort hold the
    same samples. A rarefied metric is measured on draw 0.

    Parameters
    ----------
    part : (K, N)
        Compute only the K-th of N blocks of rows, K from 1 on.

    Returns
    -------
    ids : tuple of str
    block : (stop - start, n) float64
    rows : (start, stop)
    about : dict
        `metric`, `depth`, `traits`, `below_depth`.

    Raises
    ------
    InputError
        Where the metric needs a tree that the cohort lacks, or fewer than two samples are left.
    """
    metric = find(name, "beta")
    reason = impossible(cohort, metric, "feature")
    if reason:
        msg = f"{name} cannot be measured: {reason}."
        raise InputError(msg)
    target = resolve_depth(cohort, depth)
    kept = np.flatnonzero(cohort.depth >= (target or 0))
    if kept.size < 2:
        mend = "Choose a smaller --depth." if len(cohort.sample_ids) > 1 else "Supply a table with more samples."
        msg = f"only {kept.size} sample has {target or 0:,} reads; distances need two. {mend}"
        raise InputError(msg)
    ids = tuple(cohort.sample_ids[i] for i in kept)
    below = [s for s, d in zip(cohort.sample_ids, cohort.depth, strict=True) if d < (target or 0)]
    view = prepared(cohort, "feature", kept)
    if target is not None and metric.rarefied:
        data = draws.rarefied(view.indptr, view.data, target, sample_keys(ids), seed, 0)
        view = View(view.indptr, view.indices, data, view.width, view.tree)
    k, blocks = part
    if not 1 <= k <= blocks <= len(ids):
        msg = f"--rows {k}/{blocks}: K must lie between 1 and N, and N at most the number of samples ({len(ids)})."
        raise InputError(msg)
    start, stop = (k - 1) * len(ids) // blocks, k * len(ids) // blocks
    try:
        block = metric.function(view, start=start, stop=stop)
    except Incomparable as found:
        raise found.named(ids) from None
    if np.isnan(block).any():
        bad = [ids[start + i] for i in np.flatnonzero(np.isnan(block).any(axis=1))]
        msg = f"{name} is not defined between samples without shared or total branch length: {first_ids(bad)}. Drop these samples or check the tree."
        raise InputError(msg)
    about = {"metric": name, "depth": target if metric.rarefied else None, "traits": metric.traits, "below_depth": below}
    return ids, block, (start, stop), about
