"""Verifies a reference against local controls: how many lie beyond each limit, with exact confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.numerics.tails import TAIL, tail_bounds

if TYPE_CHECKING:
    from gutdiv.model.results import Controls, Interval, Reference

COLUMNS = ["metric", "level", "n", "below", "above", "below_low", "below_high", "above_low", "above_high", "verdict", "reason"]


def check_reference(reference: Reference, measured: pd.DataFrame, controls: Controls, *, depth: int | None) -> pd.DataFrame:
    """Count the controls beyond each limit of a reference, one sample a subject.

    Returns
    -------
    DataFrame of kind `reference_check`
        For each interval the number of controls, how many lie below the lower and above the upper limit, the exact 90 % confidence interval
        (Clopper & Pearson 1934) of each share, and a verdict: `too wide` or `too narrow` where an interval of a share excludes 2.5 % from above or
        below, `compatible` where neither does (which proves little when n is small), `not checked` with the reason.
    """
    chosen = measured[measured["sample_id"].isin(set(controls.chosen))]
    rows: list[dict[str, Any]] = []
    for made in reference.intervals:
        own = chosen[(chosen["metric"] == made.metric) & (chosen["level"] == made.level)]
        values = own["value"].to_numpy(dtype=np.float64)
        values = values[~np.isnan(values)]
        row: dict[str, Any] = {"metric": made.metric, "level": made.level, "n": values.size, "verdict": "not checked", "reason": ""}
        if made.lower is None and made.upper is None:
            row["reason"] = made.absent or "the reference has no limits for this metric"
        elif depth != made.depth:
            row["reason"] = f"the reference was made at {made.depth:,} reads, the values at {f'{depth:,}' if depth else 'unequal depth'}"
        elif values.size == 0:
            row["reason"] = "no control has a value"
        else:
            row |= _beyond(values, made)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS).astype({"below": "Int64", "above": "Int64"})


def _beyond(values: npt.NDArray[np.float64], made: Interval) -> dict[str, Any]:
    """Count the values beyond each limit that there is, with exact intervals of the shares, and decide."""
    found: dict[str, Any] = {}
    narrow, wide = [], []
    for side, limit in (("below", made.lower), ("above", made.upper)):
        if limit is None:
            continue
        count = int(np.sum(values < limit) if side == "below" else np.sum(values > limit))
        low, high = (float(end[0]) for end in tail_bounds(np.array([count]), np.array([values.size])))
        found |= {side: count, f"{side}_low": low, f"{side}_high": high}
        narrow.append(low > TAIL)
        wide.append(high < TAIL)
    reason = made.lower_absent if made.lower is None and made.lower_absent else ""
    return {**found, "verdict": "too narrow" if any(narrow) else "too wide" if any(wide) else "compatible", "reason": reason}
