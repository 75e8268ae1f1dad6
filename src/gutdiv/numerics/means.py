"""Differences of means of two groups with their interval: Welch's t between groups, Student's t within pairs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from gutdiv.numerics.ranks import CONFIDENCE, Effect, Outcome

Floats = npt.NDArray[np.float64]
DIFFERENCE = "difference of means"


def welch(x: Floats, y: Floats) -> tuple[Outcome, Effect]:
    """Compare the means of two groups (two values each at least) by Welch's t, two-sided; df by Welch and Satterthwaite, as R's `t.test`.

    The effect is mean(x) - mean(y). t and p are NaN where no group varies.
    """
    parts = np.array([np.var(x, ddof=1) / x.size, np.var(y, ddof=1) / y.size])
    error = float(parts.sum())
    df = error**2 / float(np.sum(parts**2 / np.array([x.size - 1, y.size - 1]))) if error > 0 else math.nan
    return _judged("Welch's t", float(np.mean(x) - np.mean(y)), error, df)


def paired_t(x: Floats, y: Floats) -> tuple[Outcome, Effect]:
    """Compare paired values (two pairs at least) by Student's t of their differences, two-sided; NaN where these do not vary."""
    difference = x - y
    error = float(np.var(difference, ddof=1)) / difference.size
    return _judged("paired t", float(np.mean(difference)), error, float(difference.size - 1))


def _judged(name: str, difference: float, error: float, df: float) -> tuple[Outcome, Effect]:
    """Make test and effect of a difference, the variance of its error, and the degrees of freedom."""
    if error <= 0:
        return Outcome(name, math.nan, math.nan, math.nan), Effect(DIFFERENCE, difference)
    t = difference / math.sqrt(error)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, df)) * math.sqrt(error)
    return Outcome(name, t, df, float(2 * stats.t.sf(abs(t), df))), Effect(DIFFERENCE, difference, difference - half, difference + half)
