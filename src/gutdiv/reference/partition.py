"""Whether a covariate calls for intervals of its own subgroups, metric by metric."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError
from gutdiv.model.results import Interval, Partition
from gutdiv.numerics.subgroups import harris_boyd, lahti, shares_beyond
from gutdiv.reference.intervals import SEED, intervals_of

if TYPE_CHECKING:
    import pandas as pd

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Controls, Reference

MOST = 6  # values of a covariate; more are no subgroups


def partition_reference(
    reference: Reference, measured: pd.DataFrame, controls: Controls, cohort: Cohort, *, column: str, seed: int = SEED
) -> tuple[Partition, ...]:
    """Compare every two subgroups of the controls on every metric, and make each subgroup's own intervals.

    Harris & Boyd's (1990) z of the means and ratio of standard deviations, and the share of each subgroup beyond the common limits (Lahti et al. 2002)
    with its exact 90 % interval. The common intervals stay what they were: it is the user who decides.

    Raises
    ------
    InputError
        Where the column is unknown, or holds fewer than 2 or more than 6 values among the controls.
    """
    cells = dict(zip(cohort.sample_ids, cohort.metadata.column(column), strict=True))
    groups: dict[str, tuple[str, ...]] = {}
    for sample in controls.chosen:
        value = cells[sample]
        if value is not None:
            groups[value] = (*groups.get(value, ()), sample)
    if not 2 <= len(groups) <= MOST:
        msg = (
            f"column {column!r} has {len(groups)} values among the {len(controls.chosen)} chosen controls; a partition needs 2 to {MOST}. "
            "Choose a column of groups, as of sex or age bands, with --partition."
        )
        raise InputError(msg)
    own = {value: intervals_of(measured, samples, depth=reference.depth, seed=seed) for value, samples in sorted(groups.items())}
    made = []
    for common in reference.intervals:
        rows = measured[(measured["metric"] == common.metric) & (measured["level"] == common.level)].dropna(subset=["value"])
        values = {v: rows.loc[rows["sample_id"].isin(set(s)), "value"].to_numpy(dtype=np.float64) for v, s in groups.items()}
        found = {v: next((i for i in made_of if (i.metric, i.level) == (common.metric, common.level)), None) for v, made_of in own.items()}
        for first, second in combinations(sorted(groups), 2):
            a, b = found[first], found[second]
            if a is not None and b is not None:
                made.append(_compare(column, common, (first, second), (values[first], values[second]), (a, b)))
    return tuple(made)


def _compare(
    column: str,
    common: Interval,
    names: tuple[str, str],
    values: tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]],
    own: tuple[Interval, Interval],
) -> Partition:
    """Compare two subgroups on one metric."""
    few = min(v.size for v in values) < 2
    boyd = None if few else harris_boyd(*values)
    shares: list[float | None] = [None] * 4
    ends: list[tuple[float, float] | None] = [None] * 4
    if min(v.size for v in values):
        lower = -math.inf if common.lower is None else common.lower
        upper = math.inf if common.upper is None else common.upper
        for k, v in enumerate(values):
            share, low, high = shares_beyond(v, lower, upper)
            for side, limit in enumerate((common.lower, common.upper)):
                if limit is not None:
                    shares[2 * k + side] = float(share[side])
                    ends[2 * k + side] = (float(low[side]), float(high[side]))
    known = np.array([s for s in shares if s is not None])
    return Partition(
        column,
        *names,
        common.metric,
        common.level,
        math.nan if boyd is None else boyd.z,
        math.nan if boyd is None else boyd.critical,
        math.nan if boyd is None else boyd.ratio,
        tuple(shares),
        tuple(ends),
        "not assessable" if boyd is None else "partition" if boyd.partition else "common",
        lahti(known) if known.size else "not assessable",
        own,
    )
