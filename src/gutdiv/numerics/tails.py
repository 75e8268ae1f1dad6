"""Order statistics, exact binomial limits and false discovery rates: what can be said of a tail from n values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TAIL = 0.025  # share of the reference population beyond each reference limit
SIDE = 0.05  # one side of the 90 % confidence interval


def limit_ranks(n: int) -> tuple[int, int] | None:
    """Ranks (from 1) of the order statistics that bound the lower 2.5 % limit with 90 % confidence; None below 119 values.

    Equal to the rank table of CLSI EP28-A3c; the ranks of the upper limit are n + 1 minus these.
    """
    low, high = int(stats.binom.ppf(SIDE, n, TAIL)), int(stats.binom.ppf(1 - SIDE, n, TAIL)) + 1
    return (low, high) if low >= 1 else None


def reference_limits(values: Floats) -> tuple[float, float]:
    """Limits at 2.5 and 97.5 % by type-6 quantiles (R's `quantile(type = 6)`, rank p (n + 1)), n >= 39."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL], method="weibull")
    return float(low), float(high)


def reference_limits_without_each(values: Floats) -> Floats:
    """`reference_limits` of all values but each in turn, (n, 2), n >= 40; which one is left out matters only by its place beside the quantiles."""
    n = values.size
    ranks = np.empty(n, dtype=np.int64)
    ranks[np.argsort(values, kind="stable")] = np.arange(n)
    ordered = np.sort(values)
    beside = np.arange(-3, 4)
    places = np.unique(np.clip(np.concatenate([np.int64(TAIL * n) + beside, np.int64((1 - TAIL) * n) + beside]), 0, n - 1))
    limits = np.array([reference_limits(np.delete(ordered, r)) for r in places.tolist()])
    return np.asarray(limits[np.minimum(np.searchsorted(places, ranks), places.size - 1)])


def tail_bounds(k: Ints, n: Ints) -> tuple[Floats, Floats]:
    """Exact 90 % confidence interval (Clopper & Pearson 1934) of a tail probability of which k of n values were seen."""
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, stats.beta.ppf(SIDE, k, n - k + 1), 0.0)
        high = np.where(k < n, stats.beta.ppf(1 - SIDE, k + 1, n - k), 1.0)
    return low, high


def false_discovery_rates(p: Floats) -> Floats:
    """Benjamini-Hochberg q-values (1995); NaN stays NaN and does not count."""
    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if known.size:
        out[known] = stats.false_discovery_control(p[known])
    return out
