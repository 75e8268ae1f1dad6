"""Rarefaction curves: expected richness and coverage along depth, of every sample and of every group, without a draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.diversity.rarefaction import NO_SINGLETONS, lacks_singletons, named_groups, on_a_scale
from gutdiv.numerics import expectations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gutdiv.model.cohort import Cohort

POINTS = 24  # depths between the smallest and the largest
LOW, HIGH = 0.1, 0.9  # quantiles of a group's band
_SMALLEST = 10
_HALF = 0.5  # share of a group that must have so many reads for its curve to go on
COLUMNS = ["group", "sample_id", "depth", "samples", "richness", "median", "low", "high", "coverage"]


def rarefaction_curves(cohort: Cohort, *, extra: Iterable[int] = (), points: int = POINTS) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compute rarefaction curves of a cohort.

    Parameters
    ----------
    extra : iterable of int
        Depths to include, such as the common one.
    points : int
        Depths from 10 reads to those of the deepest sample, evenly spaced in their logarithm, each 1 or more.

    Returns
    -------
    frame : DataFrame of kind `curves`
        First the groups, the one without a name being all samples (the only one where the group is a scale): mean, median, 10 % and 90 %
        quantile of the samples' expected richness, and their median expected coverage, up to the last depth that half of the group's
        samples reach; `samples` says how many do. Then the samples: `richness` is the expected number of features (Hurlbert 1971) and
        `coverage` the expected Good's coverage, up to the sample's own number of reads. Coverage is NaN where the table has no singletons.
    about : dict
        `band` (the two quantiles), `group` (the column), `absent`.
    """
    grid = _grid(cohort.depth, extra, points)
    counts = cohort.counts.indptr.astype(np.int64), cohort.counts.data
    n = cohort.depth.size
    richness = np.array([expectations.expected_richness(*counts, np.full(n, d)) for d in grid])
    coverage = np.array([expectations.expected_coverage(*counts, np.full(n, d)) for d in grid])
    withheld = lacks_singletons(cohort)
    if withheld:
        coverage[:] = math.nan
    groups = {} if on_a_scale(cohort) else named_groups(cohort)
    rows = []
    for name, members in {"": np.arange(n), **groups}.items():
        rows += _of_group(name, members, grid, richness, coverage, cohort.depth)
    own = np.full(n, "", dtype=object)
    for name, members in groups.items():
        own[members] = name
    whole = expectations.expected_richness(*counts, cohort.depth), expectations.expected_coverage(*counts, cohort.depth)
    for i, sample in enumerate(cohort.sample_ids):
        below = grid < cohort.depth[i]
        at = [*grid[below].tolist(), int(cohort.depth[i])]
        seen = [*richness[below, i].tolist(), float(whole[0][i])]
        covered = [*coverage[below, i].tolist(), math.nan if withheld else float(whole[1][i])]
        rows += [(own[i], sample, d, 1, s, math.nan, math.nan, math.nan, c) for d, s, c in zip(at, seen, covered, strict=True)]
    absent = {"coverage": f"{NO_SINGLETONS}, from which coverage is estimated"} if withheld else {}
    return pd.DataFrame(rows, columns=COLUMNS), {"band": [LOW, HIGH], "group": cohort.roles.group, "absent": absent}


def _grid(depth: npt.NDArray[np.int64], extra: Iterable[int], points: int) -> npt.NDArray[np.int64]:
    """Return the depths of the curves, rising."""
    deepest = int(depth.max())
    between = np.geomspace(min(_SMALLEST, deepest), deepest, points).round().astype(np.int64)
    return np.unique(np.array([1, *between.tolist(), *(e for e in extra if 1 <= e <= deepest)], dtype=np.int64))


def _of_group(
    name: str,
    members: npt.NDArray[Any],
    grid: npt.NDArray[np.int64],
    richness: npt.NDArray[np.float64],
    coverage: npt.NDArray[np.float64],
    depth: npt.NDArray[np.int64],
) -> list[tuple[Any, ...]]:
    """Summarise the samples of one group at each depth that at least half of them reach."""
    rows = []
    for k, at in enumerate(grid.tolist()):
        there = members[depth[members] >= at]
        if there.size < _HALF * members.size or there.size == 0:
            break
        seen = richness[k, there]
        low, middle, high = np.quantile(seen, [LOW, 0.5, HIGH])
        rows.append(
            (
                name,
                "",
                at,
                int(there.size),
                float(seen.mean()),
                float(middle),
                float(low),
                float(high),
                float(np.median(coverage[k, there])),
            )
        )
    return rows
