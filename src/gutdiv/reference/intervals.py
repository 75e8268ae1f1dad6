"""Reference intervals from one study's controls, as laboratory medicine makes them (CLSI EP28-A3c)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.model.results import TABLES, Controls, Interval, Reference
from gutdiv.numerics import horn
from gutdiv.numerics.limits import DETECTED, ROBUST, few, limits, stream
from gutdiv.numerics.tails import TAIL, tail_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]

SEED = 42
SHOWN_ONLY = frozenset({"log2_fb"})


def interval(metric: str, level: str, depth: int, values: Floats, *, detected: Floats | None = None, seed: int = SEED) -> Interval:
    """Make a reference interval by what the number of controls allows.

    From 120 values on: type-6 limits, each with its exact 90 % confidence interval by order statistics. From 40 to 119: Horn's robust limits, on
    Box & Cox's scale where the values are positive and 1 is not among the likely powers, with 90 % percentile bootstrap intervals. Below 40
    no limits, and `absent` says why.

    Parameters
    ----------
    metric, level : str
    depth : int
        Reads to which all values were rarefied.
    values : (n,) float64
        One value a control subject; NaN is left out.
    detected : (n,) float64, optional
        Of a taxon: share of each control's draws in which it was seen. It has no limits where fewer than 20 % of the controls hold it, and no
        lower one where more than 2.5 % do not.
    seed : int
        Of the bootstrap; its draws depend on seed, metric, level and depth alone.
    """
    there = ~np.isnan(values)
    known = np.sort(values[there])
    n = known.size
    made = Interval(metric, level, depth, n, "none", None, None, None, None, float(np.median(known)) if n else None)
    made = replace(made, shown_only=metric in SHOWN_ONLY)
    if detected is not None and n:
        missing = int(np.sum(detected[there] == 0))
        low, high = tail_bounds(np.array([missing]), np.array([n]))
        made = replace(made, undetected=missing / n, undetected_ci=(float(low[0]), float(high[0])))
        if missing / n > 1 - DETECTED:
            return replace(made, absent=f"seen in {n - missing} of {n} controls at {depth:,} reads; limits need {DETECTED:.0%} of them")
    made = _with_limits(made, known, seed)
    flagged = outliers(known)
    if flagged:
        kept = np.delete(known, sorted(flagged))
        apart = _with_limits(replace(made, n=kept.size), kept, None)
        made = replace(made, outliers=len(flagged), without_outliers=(apart.lower, apart.upper))
    if made.undetected is not None and made.undetected > TAIL and made.absent is None:
        why = f"not detected in {made.undetected:.1%} of the controls: such a sample is absent, as {made.undetected:.1%} of the controls are"
        apart_upper = None if made.without_outliers is None else (None, made.without_outliers[1])
        made = replace(made, lower=None, lower_ci=None, lower_absent=why, without_outliers=apart_upper)
    return made


def _with_limits(made: Interval, known: Floats, seed: int | None) -> Interval:
    """Add both limits to an interval of these values, or the reason why there are none; without a seed no bootstrap."""
    found = limits(known, rng=None if seed is None else stream(seed, made.metric, made.level, made.depth))
    if found.method == "none":
        why = few(known.size, made.depth) if known.size < ROBUST else found.reason
        return replace(made, method="none", lower=None, lower_ci=None, upper=None, upper_ci=None, absent=why)
    return replace(
        made, method=found.method, lower=found.lower, lower_ci=found.lower_ci, upper=found.upper, upper_ci=found.upper_ci, absent=None
    )


def outliers(values: Floats) -> dict[int, list[str]]:
    """Places of the values that a rule calls outliers, with the rules: Dixon & Reed, and Tukey's fences on Box & Cox's scale (Horn)."""
    found: dict[int, list[str]] = {}
    if values.size < 3:
        return found
    for at in horn.dixon_reed(values):
        found.setdefault(at, []).append("Dixon-Reed")
    power = horn.box_cox_power(values)
    scaled = values if power is None else horn.box_cox(values, power)
    low, high = horn.tukey_fences(scaled)
    for place in np.flatnonzero((scaled < low) | (scaled > high)):
        found.setdefault(int(place), []).append("Tukey-Horn")
    return found


def named_outliers(measured: pd.DataFrame, controls: Controls) -> pd.DataFrame:
    """List the control samples that a rule calls outliers; all of them stay in the reference.

    Parameters
    ----------
    measured : DataFrame of kind `alpha` or `taxa`, or both together
    controls : Controls

    Returns
    -------
    DataFrame of kind `outliers`
    """
    rows = []
    chosen = measured[measured["sample_id"].isin(set(controls.chosen)) & measured["value"].notna()]
    for (metric, level), part in chosen.groupby(["metric", "level"], sort=False):
        values = part["value"].to_numpy(dtype=np.float64)
        middle = np.median(values) if values.size else 0.0
        for at, rules in sorted(outliers(values).items()):
            side = "low" if values[at] < middle else "high"
            rows.append([part["sample_id"].iloc[at], metric, level, values[at], " and ".join(rules), side])
    return pd.DataFrame(rows, columns=list(TABLES["outliers"]))


def intervals_of(measured: pd.DataFrame, samples: tuple[str, ...], *, depth: int, seed: int = SEED) -> tuple[Interval, ...]:
    """Make an interval of every metric from these samples, one a subject."""
    chosen = measured[measured["sample_id"].isin(set(samples))]
    made = []
    for (metric, level), part in chosen.groupby(["metric", "level"], sort=False):
        detected = part["detected"].to_numpy(dtype=np.float64) if "detected" in part else np.array([np.nan])
        made.append(
            interval(
                str(metric),
                str(level),
                depth,
                part["value"].to_numpy(dtype=np.float64),
                detected=None if np.isnan(detected).all() else detected,
                seed=seed,
            )
        )
    return tuple(made)


def build_reference(
    measured: pd.DataFrame,
    controls: Controls,
    *,
    name: str,
    depth: int | None,
    controls_are: str = "",
    about: Mapping[str, Any] | None = None,
    seed: int = SEED,
) -> Reference:
    """Make intervals of every metric from the chosen controls.

    Parameters
    ----------
    measured : DataFrame of kind `alpha`, or with the rows of kind `taxa` after it
    controls : Controls
    name : str
        The reference's name.
    depth : int or None
        The table's depth; without one no interval is made, for samples of unequal depth are not comparable.
    controls_are : {'', 'healthy'}
        What the user declared of the controls; the word is used nowhere unless it is declared.
    about : mapping, optional
        The record.
    seed : int
        Of the bootstrap.
    """
    intervals = () if depth is None else intervals_of(measured, controls.chosen, depth=depth, seed=seed)
    subjects = {controls.subjects[s] for s in controls.samples}
    return Reference(name, controls.declared, controls_are, len(controls.samples), len(subjects), depth or 0, intervals, about or {})
