"""Verifies a reference against local controls: how many lie beyond each limit, with exact confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gutdiv.numerics.tails import TAIL, tail_bounds

if TYPE_CHECKING:
    from gutdiv.model.results import Controls, Reference

COLUMNS = ["metric", "level", "n", "below", "above", "below_low", "below_high", "above_low", "above_high", "verdict", "reason"]


def check_reference(reference: Reference, alpha: pd.DataFrame, controls: Controls, *, depth: int | None) -> pd.DataFrame:
    """Count the controls beyond each limit of a reference, one sample a subject.

    Returns
    -------
    DataFrame of kind `reference_check`
        For each interval the number of controls, how many lie below the lower and above the upper limit, the exact 90 % confidence interval
        (Clopper & Pearson 1934) of each share, and a verdict: `too wide` or `too narrow` where an interval of a share excludes 2.5 % from above or
        below, `compatible` where neither does (which proves little when n is small), `not checked` with the reason.
    """
    chosen = alpha[alpha["sample_id"].isin(set(controls.chosen))]
    rows: list[dict[str, Any]] = []
    for made in reference.intervals:
        own = chosen[(chosen["metric"] == made.metric) & (chosen["level"] == made.level)]
        values = own["value"].to_numpy(dtype=np.float64)
        values = values[~np.isnan(values)]
        row: dict[str, Any] = {"metric": made.metric, "level": made.level, "n": values.size, "verdict": "not checked", "reason": ""}
        if made.lower is None or made.upper is None:
            row["reason"] = made.absent or "the reference has no limits for this metric"
        elif depth != made.depth:
            row["reason"] = f"the reference was made at {made.depth:,} reads, the values at {f'{depth:,}' if depth else 'unequal depth'}"
        elif values.size == 0:
            row["reason"] = "no control has a value"
        else:
            counts = np.array([np.sum(values < made.lower), np.sum(values > made.upper)])
            low, high = tail_bounds(counts, np.full(2, values.size))
            row |= {"below": int(counts[0]), "above": int(counts[1])}
            row |= {"below_low": low[0], "below_high": high[0], "above_low": low[1], "above_high": high[1]}
            row["verdict"] = "too narrow" if low.max() > TAIL else "too wide" if high.min() < TAIL else "compatible"
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)
