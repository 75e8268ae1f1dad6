"""Reference intervals from one study's controls, as laboratory medicine makes them (CLSI EP28-A3c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.model.results import Controls, Interval, Reference
from gutdiv.numerics.tails import limit_ranks, reference_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SMALLEST = 119  # values from which on the 90 % confidence interval of a nonparametric limit exists


def interval(metric: str, level: str, depth: int, values: npt.NDArray[np.float64]) -> Interval:
    """Make a nonparametric reference interval: type-6 limits, each with its exact 90 % confidence interval by order statistics.

    Parameters
    ----------
    metric, level : str
    depth : int
        Reads to which all values were rarefied.
    values : (n,) float64
        One value a control subject; NaN is left out.

    Returns
    -------
    Interval
        Below 119 values without limits, and `absent` says why.
    """
    known = np.sort(values[~np.isnan(values)])
    n = known.size
    middle = float(np.median(known)) if n else None
    ranks = limit_ranks(n)
    if ranks is None:
        why = f"{n} control subjects with {depth:,} reads; a nonparametric interval needs {SMALLEST}"
        return Interval(metric, level, depth, n, "none", None, None, None, None, middle, why)
    low, high = ranks
    lower, upper = reference_limits(known)
    return Interval(
        metric,
        level,
        depth,
        n,
        "nonparametric (type 6), 90 % CI by order statistics",
        lower,
        (float(known[low - 1]), float(known[high - 1])),
        upper,
        (float(known[n - high]), float(known[n - low])),
        middle,
    )


def build_reference(
    alpha: pd.DataFrame, controls: Controls, *, name: str, depth: int | None, controls_are: str = "", about: Mapping[str, Any] | None = None
) -> Reference:
    """Make intervals of every alpha metric from the chosen controls.

    Parameters
    ----------
    alpha : DataFrame of kind `alpha`
    controls : Controls
    name : str
        The reference's name.
    depth : int or None
        The alpha table's depth; without one no interval is made, for samples of unequal depth are not comparable.
    controls_are : {'', 'healthy'}
        What the user declared of the controls; the word is used nowhere unless it is declared.
    about : mapping, optional
        The record.
    """
    intervals = []
    if depth is not None:
        chosen = alpha[alpha["sample_id"].isin(set(controls.chosen))]
        intervals = [
            interval(str(metric), str(level), depth, part["value"].to_numpy(dtype=np.float64))
            for (metric, level), part in chosen.groupby(["metric", "level"], sort=False)
        ]
    subjects = {controls.subjects[s] for s in controls.samples}
    return Reference(name, controls.declared, controls_are, len(controls.samples), len(subjects), depth or 0, tuple(intervals), about or {})
