"""Flags: each metric of each sample against the interval of the controls, by exact tail counts or by limits and their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.model.results import ABSENT_TAXON, TABLES
from gutdiv.numerics.limits import BY_RANK, DETECTED, ROBUST, SMALLEST, Limits, few, limits, limits_without_each, stream
from gutdiv.numerics.tails import TAIL, reference_limits, reference_limits_without_each, tail_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gutdiv.model.results import Controls, Interval, Reference

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PRESENCE = ("undetected", "undetected_low", "undetected_high")  # columns of flags of taxa, after `method`
SHOWN_ONLY = frozenset({"log2_fb"})
SEED = 42
NOT = "not assessable"
_NO_VALUE = "the metric has no value for this sample (too few reads, or not defined)"
_NO_DEPTH = "alpha diversity was not rarefied, and values of unequal depth cannot be compared"
_NO_REFERENCE = "no controls were declared, and no reference interval of this metric and depth was given"


@dataclass(frozen=True, eq=False)
class _Measured:
    """One metric in all samples: ids, values, and of a taxon the share of draws in which it was seen."""

    metric: str
    level: str
    samples: tuple[str, ...]
    values: Floats
    detected: Floats | None

    @property
    def missing(self) -> Mask:
        """Which samples lack the taxon; none where the metric is no taxon."""
        return np.zeros(self.values.size, dtype=bool) if self.detected is None else self.detected == 0


def flag_samples(
    alpha: pd.DataFrame, controls: Controls | None, *, depth: int | None, reference: Reference | None = None, seed: int = SEED
) -> pd.DataFrame:
    """Flag every sample on every metric.

    From 120 controls on, a value is `below` where the one-sided 95 % Clopper-Pearson upper bound of the share of controls at or under it is less
    than 2.5 %, which is the same as lying under the 90 % confidence interval of the lower limit; `within` where both lower bounds reach 2.5 %; `above`
    as `below`, mirrored; else `borderline`. From 40 to 119 controls the same words are told by Horn's robust limits and their bootstrap intervals, as
    a reference has them: `below` under the lower limit's interval, `within` between both intervals. Fewer give tail counts only. A sample is
    never compared with a control of its own subject; how limits are made, and whether there are any, follows from the number of all controls.
    Without controls a reference's limits and their confidence intervals decide, where metric and depth are the same.

    Parameters
    ----------
    alpha : DataFrame of kind `alpha`
    controls : Controls or None
    depth : int or None
        Reads to which all values were rarefied; without one nothing is flagged.
    seed : int
        Of the bootstrap; with a reference's own seed its intervals are the same.

    Returns
    -------
    DataFrame of kind `flags`, with the column `method` after its own
    """
    parts = [_frame(_flag(m, controls, depth, reference, seed), m) for m in _metrics(alpha)]
    columns = [*TABLES["flags"], "method"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def flag_taxa(
    taxa: pd.DataFrame, controls: Controls | None, *, depth: int | None, reference: Reference | None = None, seed: int = SEED
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Flag every sample on every taxon and guild, and keep the rows that say something.

    Values are flagged as those of alpha diversity are, with three differences. A taxon that more than 2.5 % of the controls lack has no lower limit: a
    sample without it is `absent as in controls`, with their share, and never low. A taxon that fewer than 20 % of the controls hold has no
    limits. Firmicutes to Bacteroidetes are shown elsewhere and never flagged.

    Parameters
    ----------
    taxa : DataFrame of kind `taxa`
    controls, depth, reference, seed
        As in `flag_samples`.

    Returns
    -------
    frame : DataFrame of kind `flags`
        Rows that are not `within` and have a value, of metrics on which any sample is flagged. After its columns `method`, and `undetected` with its exact 90 %
        interval (`undetected_low`, `undetected_high`): the share of the controls in whose draws the taxon was not seen once.
    about : dict
        `counts` (metric to flag to number of samples; those `within` and those without a value stand here only), `absent` (metric to the reason
        why no sample is flagged on it), `no_value` (what it means to have none), `shown_only`.
    """
    kept, counts, absent = [], {}, {}
    shown = sorted({str(m) for m in taxa["metric"]} & SHOWN_ONLY)
    for m in _metrics(taxa[~taxa["metric"].isin(SHOWN_ONLY)]):
        found = _frame(_flag(m, controls, depth, reference, seed), m)
        reasons = sorted(set(found.loc[~np.isnan(m.values), "reason"]))
        if (found["flag"] == NOT).all() and len(reasons) == 1:
            absent[m.metric] = reasons[0]
            continue
        counts[m.metric] = {str(k): int(v) for k, v in found["flag"].value_counts().sort_index().items()}
        kept.append(found[(found["flag"] != "within") & ~np.isnan(m.values)])
    columns = [*TABLES["flags"], "method", *PRESENCE]
    frame = pd.concat(kept, ignore_index=True)[columns] if kept else pd.DataFrame(columns=columns)
    return frame, {"counts": counts, "absent": absent, "no_value": _NO_VALUE, "shown_only": shown}


# ---------------------------------------------------------------- one metric
def _metrics(measured: pd.DataFrame) -> Iterator[_Measured]:
    """Take a table apart by metric and level."""
    for (metric, level), part in measured.groupby(["metric", "level"], sort=False):
        detected = part["detected"].to_numpy(dtype=np.float64) if "detected" in part else np.array([np.nan])
        values = part["value"].to_numpy(dtype=np.float64)
        yield _Measured(str(metric), str(level), tuple(part["sample_id"]), values, None if np.isnan(detected).all() else detected)


def _frame(columns: dict[str, Any], measured: _Measured) -> pd.DataFrame:
    """Lay out the flags of one metric; what is not given is empty, and a sample without a value has no flag."""
    m = measured
    named = m.level == "feature" or m.metric.startswith(("clr:", "guild:"))
    empty: dict[str, Any] = {"lower": np.nan, "upper": np.nan, "n_reference": 0, "tail_below": pd.NA, "tail_above": pd.NA, "reason": "", "method": ""}
    first = {"sample_id": list(m.samples), "metric": m.metric if named else f"{m.metric} ({m.level})", "value": m.values}
    frame = pd.DataFrame({**first, "flag": NOT, **empty, **dict.fromkeys(PRESENCE, np.nan), **columns})
    unknown = np.isnan(m.values)
    frame.loc[unknown & (frame["flag"] != NOT), "reason"] = _NO_VALUE
    frame.loc[unknown & (frame["reason"] == ""), "reason"] = _NO_VALUE
    frame.loc[unknown, "flag"] = NOT
    for name in ("tail_below", "tail_above"):
        frame[name] = frame[name].astype("Int64").mask(unknown)
    return frame


def _flag(m: _Measured, controls: Controls | None, depth: int | None, reference: Reference | None, seed: int) -> dict[str, Any]:
    """Columns of one metric, by what there is to compare with."""
    if depth is None:
        return {"reason": _NO_DEPTH}
    if controls is not None:
        return _by_controls(m, controls, depth, seed)
    wanted = (m.metric, m.level, depth)
    found = next((i for i in reference.intervals if (i.metric, i.level, i.depth) == wanted), None) if reference else None
    return _by_interval(m, found)


def _by_controls(m: _Measured, controls: Controls, depth: int, seed: int) -> dict[str, Any]:
    """Flag against the controls of other subjects."""
    place = {s: i for i, s in enumerate(m.samples)}
    chosen = [s for s in controls.chosen if s in place and not np.isnan(m.values[place[s]])]
    rows = np.array([place[s] for s in chosen], dtype=np.int64)
    pool, lacking = m.values[rows], m.missing[rows]
    mine = {controls.subjects[s]: i for i, s in enumerate(chosen)}
    own = np.array([mine.get(controls.subjects[s], -1) for s in m.samples], dtype=np.int64)  # the control that a sample must not meet
    n = pool.size - (own >= 0)
    below, above = _tails(pool, m.values, own)
    seen: dict[str, Any] = {"n_reference": n, "tail_below": below, "tail_above": above}
    if m.detected is not None:
        gone = int(lacking.sum()) - (np.append(lacking, False)[own] & (own >= 0))
        low, high = tail_bounds(gone, n)
        seen |= dict(zip(PRESENCE, (gone / np.maximum(n, 1), low, high), strict=True))
    if pool.size < ROBUST:
        return {**seen, "reason": few(pool.size, depth)}
    share = float(lacking.mean())
    if share > 1 - DETECTED:
        why = f"seen in {pool.size - int(lacking.sum())} of {pool.size} controls at {depth:,} reads; limits need {DETECTED:.0%} of them"
        return {**seen, "reason": why}
    low_end = share <= TAIL  # else there is no lower limit
    if pool.size >= SMALLEST:
        return {**seen, **_by_rank(m, pool, own, below, above, n, low_end=low_end)}
    return {**seen, **_by_limits(m, _robust(m, pool, own, depth, seed), low_end=low_end)}


def _tails(pool: Floats, values: Floats, own: Places) -> tuple[Places, Places]:
    """How many controls, the own one left out, lie at or under and at or over each value."""
    ordered = np.sort(pool)
    kept = np.append(pool, np.nan)[own]  # -1, no own control, is the last: NaN, which is neither under nor over
    with np.errstate(invalid="ignore"):
        below = np.searchsorted(ordered, values, side="right") - (kept <= values)
        above = pool.size - np.searchsorted(ordered, values, side="left") - (kept >= values)
    return below, above


def _by_rank(m: _Measured, pool: Floats, own: Places, below: Places, above: Places, n: Places, *, low_end: bool) -> dict[str, Any]:
    """Flag by the exact confidence intervals of both tails."""
    (low_b, high_b), (low_a, high_a) = tail_bounds(below, n), tail_bounds(above, n)
    sides = [high_b < TAIL, high_a < TAIL, (low_b >= TAIL) & (low_a >= TAIL)]
    if not low_end:
        sides = [np.zeros(n.size, dtype=bool), high_a < TAIL, low_a >= TAIL]
    edges = np.vstack([reference_limits_without_each(pool), reference_limits(pool)])  # -1, no own control, is the last
    lower, upper = edges[own].T
    return {**_words(m, sides, low_end=low_end), "lower": lower if low_end else np.nan, "upper": upper, "method": BY_RANK}


def _robust(m: _Measured, pool: Floats, own: Places, depth: int, seed: int) -> list[Limits]:
    """Robust limits for each sample: of all controls, or of those of other subjects."""
    words = (m.metric, m.level, depth)
    edges = {-1: limits(pool, rng=stream(seed, *words))}
    if (own >= 0).any():
        edges |= dict(enumerate(limits_without_each(pool, rng=stream(seed, *words))))
    return [edges[i] for i in own.tolist()]


def _by_limits(m: _Measured, edges: list[Limits], *, low_end: bool) -> dict[str, Any]:
    """Flag by limits and their confidence intervals; where a sample has none, `reason` says why."""
    low, high = (np.array([getattr(e, side) for e in edges]) for side in ("lower_ci", "upper_ci"))
    v = m.values
    with np.errstate(invalid="ignore"):
        sides = [v < low[:, 0], v > high[:, 1], (low[:, 1] <= v) & (v <= high[:, 0])]
        if not low_end:
            sides = [np.zeros(v.size, dtype=bool), sides[1], v <= high[:, 0]]
    found = _words(m, sides, low_end=low_end)
    none = np.array([e.method == "none" for e in edges])
    return {
        "flag": np.where(none & (found["flag"] != ABSENT_TAXON), NOT, found["flag"]),
        "reason": np.where(none, [e.reason for e in edges], found["reason"]),
        "lower": np.array([e.lower for e in edges]) if low_end else np.nan,
        "upper": np.array([e.upper for e in edges]),
        "method": ["" if e.method == "none" else e.method for e in edges],
    }


def _words(m: _Measured, sides: list[Mask], *, low_end: bool) -> dict[str, Any]:
    """Turn what holds of each value into a word: below, above, within, else borderline; or the taxon is absent as in controls."""
    flag = np.select(sides, ["below", "above", "within"], "borderline").astype(object)
    if not low_end:
        flag = np.where(m.missing, ABSENT_TAXON, flag)
    return {"flag": flag, "reason": ""}


def _by_interval(m: _Measured, found: Interval | None) -> dict[str, Any]:
    """Flag by a reference's limits and their confidence intervals."""
    if found is None:
        return {"reason": _NO_REFERENCE}
    seen: dict[str, Any] = {"n_reference": found.n}
    if found.undetected is not None and found.undetected_ci is not None:
        seen |= dict(zip(PRESENCE, (found.undetected, *found.undetected_ci), strict=True))
    if found.upper is None or found.upper_ci is None:
        return {**seen, "reason": found.absent or "the reference has no limits for this metric"}
    low = found.lower is not None and found.lower_ci is not None
    edge = Limits(found.method, found.lower or 0.0, found.lower_ci or (np.nan, np.nan), found.upper, found.upper_ci)
    return {**seen, **_by_limits(m, [edge] * m.values.size, low_end=low)}
