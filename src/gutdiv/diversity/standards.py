"""Hill numbers of every sample by three standards of effort: as sequenced, at equal depth, and at equal coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from gutdiv.diversity.measure import prepared
from gutdiv.diversity.rarefaction import NO_SINGLETONS, choose_depth, lacks_singletons, resolve_depth
from gutdiv.numerics import expectations

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]

STANDARDS = ("none", "depth", "coverage")
COLUMNS = ["sample_id", "level", "metric", "standard", "value", "depth", "coverage"]
ORDERS = ("hill_0", "hill_1", "hill_2")


def standardise(cohort: Cohort, *, depth: str | int = "auto", level: str = "feature") -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compute Hill numbers of order 0, 1 and 2 as sequenced, at equal depth and at equal coverage, all exactly and without a draw.

    At a depth they are the expected richness, the exponential of the expected entropy, and the inverse of the expected concentration of a
    draw (Chao et al. 2014). Equal coverage is that of the least covered sample among those that reach the depth (Chao & Jost 2012); each
    sample is taken at the smallest number of reads whose expected coverage is at least that.

    Returns
    -------
    frame : DataFrame of kind `standards`
        Sorted by standard, metric, sample; `depth` is the reads used and `coverage` their expected coverage. Samples below the depth have
        a value as sequenced only.
    about : dict
        `depth`, `coverage` (None where withheld), `absent` (standard to reason), `summary` (one entry a standard and metric: median,
        quartiles, and Spearman's correlation with the reads that samples came with, over the samples that reach the depth).
    """
    target = resolve_depth(cohort, depth) or choose_depth(cohort)
    view = prepared(cohort, level)
    sample = view.indptr, view.data
    deep = cohort.depth >= target
    own = expectations.sample_coverage(*sample)
    withheld = lacks_singletons(cohort)
    common = None if withheld else float(own[deep].min())
    reads = {"none": cohort.depth, "depth": np.where(deep, target, cohort.depth)}
    if common is not None:
        reads["coverage"] = expectations.depths_for_coverage(*sample, common)
    frames, summary = [], []
    for standard, used in reads.items():
        counted = deep if standard != "none" else np.ones(deep.size, bool)
        # the coverage of m reads is what the next one adds to: Good's expected coverage of m + 1
        covered = np.where(used < cohort.depth, expectations.expected_coverage(*sample, np.minimum(used + 1, cohort.depth)), own)
        for metric, values in zip(ORDERS, _hill_numbers(sample, used), strict=True):
            shown = np.where(counted, values, np.nan)
            frames.append(
                pd.DataFrame(
                    {
                        "sample_id": list(cohort.sample_ids),
                        "level": level,
                        "metric": metric,
                        "standard": standard,
                        "value": shown,
                        "depth": used,
                        "coverage": np.nan if withheld else np.where(counted, covered, np.nan),
                    }
                )[COLUMNS]
            )
            summary.append({"standard": standard, "metric": metric, **_summary(values[deep], cohort.depth[deep])})
    about = {
        "depth": target,
        "coverage": common,
        "absent": {"coverage": f"{NO_SINGLETONS}, from which coverage is estimated"} if withheld else {},
        "summary": summary,
    }
    return pd.concat(frames, ignore_index=True), about


def _hill_numbers(sample: tuple[Any, Any], reads: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Expected Hill numbers of order 0, 1 and 2 of so many reads of each sample."""
    return (
        expectations.expected_richness(*sample, reads),
        np.exp(expectations.expected_entropy(*sample, reads)),
        1.0 / expectations.expected_concentration(*sample, reads),
    )


def _summary(values: Floats, depth: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Median, quartiles and correlation with the reads; NaN where one side does not vary."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    varies = values.size > 2 and np.ptp(values) > 0 and np.ptp(depth) > 0
    rho = float(np.corrcoef(stats.rankdata(values), stats.rankdata(depth))[0, 1]) if varies else float("nan")
    return {"samples": int(values.size), "median": float(middle), "q1": float(low), "q3": float(high), "rho_reads": rho}
