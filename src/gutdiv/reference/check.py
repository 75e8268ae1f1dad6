"""Verifies a reference against local controls: how many lie beyond each limit, with exact confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.model.results import Interval
from gutdiv.numerics.portable_form import effects_from, model_from, tables_from
from gutdiv.numerics.portable_score import judge_controls
from gutdiv.numerics.random_effects import limits, localised
from gutdiv.numerics.tails import TAIL, tail_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Controls, Reference
    from gutdiv.numerics.portable_score import People

SCORE = "portable score"
Floats = npt.NDArray[np.float64]

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


def check_portable(reference: Reference, metrics: Mapping[str, Floats], people: People) -> pd.DataFrame:
    """Hold local controls against a reference of several studies, one sample a subject.

    Parameters
    ----------
    reference : Reference
        With a `portable` part.
    metrics : mapping of str to (n,) float64
        Values of the controls at the reference's depth, by metric.
    people : People
        The same controls.

    Returns
    -------
    DataFrame of kind `reference_check`
        First the score: `below` counts the controls outside (p <= .025, each judged by the others), `above` those with p > .975, of each of which
        2.5 % are expected. Then every metric: controls beyond its limits for a study without controls; such limits hold the
        differences between studies and are no more than a position.
    """
    content = reference.portable
    portable_depth = int(content["verdict"]["depth"])
    model, tables = model_from(content["verdict"]), tables_from(content["verdict"]["n"])
    p = judge_controls(model, tables, people, robust=content["method"] == "robust")
    made = Interval(SCORE, "sample", portable_depth, people.size, "portable", TAIL, None, 1 - TAIL, None, None)
    # p <= .025 is outside: a hair's breadth makes the count of values below the limit include it
    rows = [{"metric": SCORE, "level": "sample", "n": people.size, **_beyond(np.where(p <= TAIL, -1.0, p), made)}]
    for name, block in content["metrics"][str(portable_depth)].items():
        if name not in metrics:
            continue
        fit = effects_from(block)
        low, high = limits(np.array([TAIL, 1 - TAIL]), fit, localised(fit))
        values = metrics[name]
        made = Interval(name, "genus", portable_depth, values.size, "portable", float(low), None, float(high), None, None)
        rows.append({"metric": name, "level": "genus", "n": values.size, **_beyond(values, made)})
    return pd.DataFrame(rows, columns=COLUMNS).astype({"below": "Int64", "above": "Int64"})
