"""Flags: each metric of each sample against the interval of the controls, by exact tail counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.numerics.tails import TAIL, limit_ranks, reference_limits, tail_bounds

if TYPE_CHECKING:
    from gutdiv.model.results import Controls, Interval, Reference

COLUMNS = ["sample_id", "metric", "value", "lower", "upper", "flag", "n_reference", "tail_below", "tail_above", "reason"]
_NO_VALUE = "the metric has no value for this sample (too few reads, or not defined)"
_NO_DEPTH = "alpha diversity was not rarefied, and values of unequal depth cannot be compared"


def flag_samples(alpha: pd.DataFrame, controls: Controls | None, *, depth: int | None, reference: Reference | None = None) -> pd.DataFrame:
    """Flag every sample on every metric.

    With controls, a value is `below` where the one-sided 95 % Clopper-Pearson upper bound of the share of controls at or under it is less than
    2.5 %, which is the same as lying under the 90 % confidence interval of the lower limit; `within` where both lower bounds reach 2.5 %; `above` as
    `below`, mirrored; else `borderline`. A sample is never compared with a control of its own subject. Without controls a reference's limits
    and their confidence intervals decide, where metric and depth are the same.

    Returns
    -------
    DataFrame of kind `flags`
    """
    rows: list[dict[str, Any]] = []
    intervals = {(i.metric, i.level, i.depth): i for i in reference.intervals} if reference else {}
    for (metric, level), part in alpha.groupby(["metric", "level"], sort=False):
        values = part["value"].to_numpy(dtype=np.float64)
        samples = part["sample_id"].tolist()
        name = str(metric) if level == "feature" else f"{metric} ({level})"
        if depth is None:
            rows += [_row(s, name, v, reason=_NO_DEPTH) for s, v in zip(samples, values, strict=True)]
        elif controls is not None:
            rows += _by_controls(name, samples, values, controls, depth)
        else:
            found = intervals.get((str(metric), str(level), depth))
            rows += [_by_interval(s, name, float(v), found) for s, v in zip(samples, values, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(sample: str, metric: str, value: float, *, flag: str = "not assessable", reason: str = "", **more: Any) -> dict[str, Any]:
    """One row, empty where nothing is known."""
    empty = {"lower": np.nan, "upper": np.nan, "n_reference": 0, "tail_below": pd.NA, "tail_above": pd.NA}
    return {"sample_id": sample, "metric": metric, "value": value, "flag": flag, "reason": reason, **empty, **more}


def _by_controls(metric: str, samples: list[str], values: npt.NDArray[np.float64], controls: Controls, depth: int) -> list[dict[str, Any]]:
    """Flag by the tail counts among the controls of other subjects."""
    place = {s: i for i, s in enumerate(samples)}
    chosen = [s for s in controls.chosen if s in place and not np.isnan(values[place[s]])]
    pool = np.array([values[place[s]] for s in chosen])
    own = {controls.subjects[s]: i for i, s in enumerate(chosen)}
    ordered = np.sort(pool)
    rows = []
    for sample, value in zip(samples, values, strict=True):
        at = own.get(controls.subjects[sample])
        others = ordered if at is None else np.delete(ordered, np.searchsorted(ordered, pool[at]))
        n = others.size
        if np.isnan(value):
            rows.append(_row(sample, metric, value, n_reference=n, reason=_NO_VALUE))
            continue
        below, above = int(np.searchsorted(others, value, side="right")), int(n - np.searchsorted(others, value, side="left"))
        seen: dict[str, Any] = {"n_reference": n, "tail_below": below, "tail_above": above}
        if limit_ranks(n) is None:
            why = f"{n} control subjects other than the sample's own have {depth:,} reads; a nonparametric interval needs 119"
            rows.append(_row(sample, metric, value, reason=why, **seen))
            continue
        lower, upper = reference_limits(others)
        rows.append(_row(sample, metric, value, flag=_flag(below, above, n), lower=lower, upper=upper, **seen))
    return rows


def _flag(below: int, above: int, n: int) -> str:
    """Decide by the exact confidence intervals of both tails."""
    low, high = tail_bounds(np.array([below, above]), np.array([n, n]))
    if high[0] < TAIL:
        return "below"
    if high[1] < TAIL:
        return "above"
    return "within" if low[0] >= TAIL and low[1] >= TAIL else "borderline"


def _by_interval(sample: str, metric: str, value: float, found: Interval | None) -> dict[str, Any]:
    """Flag by a reference's limits and their confidence intervals."""
    if found is None:
        return _row(sample, metric, value, reason="no controls were declared, and no reference interval of this metric and depth was given")
    if found.lower_ci is None or found.upper_ci is None:
        return _row(sample, metric, value, n_reference=found.n, reason=found.absent or "the reference has no limits for this metric")
    seen: dict[str, Any] = {"lower": found.lower, "upper": found.upper, "n_reference": found.n}
    if np.isnan(value):
        return _row(sample, metric, value, reason=_NO_VALUE, **seen)
    if value < found.lower_ci[0]:
        flag = "below"
    elif value > found.upper_ci[1]:
        flag = "above"
    else:
        flag = "within" if found.lower_ci[1] <= value <= found.upper_ci[0] else "borderline"
    return _row(sample, metric, value, flag=flag, **seen)
