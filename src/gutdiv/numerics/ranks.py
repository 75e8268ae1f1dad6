"""Rank tests and their effect sizes: p-values as R gives them, Cliff's delta and Spearman's rho with intervals."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
EXACT_BELOW = 50  # R's wilcox.test is exact below 50 in each group, where there are no ties
_EXACT_SPEARMAN = 9  # 9! = 362,880 orders are enumerated once
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """A test's name and values; `df` is NaN where the test has none, `permutations` None where p comes from a distribution.

    `exact` tells that this distribution is the exact one.
    """

    name: str
    statistic: float
    df: float
    p: float
    exact: bool = False
    permutations: int | None = None


@dataclass(frozen=True)
class Effect:
    """An effect size with its 95 % interval, NaN where that is not defined."""

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan


def rank_sum(x: Floats, y: Floats) -> Outcome:
    """Compare two groups by Wilcoxon's rank-sum (Mann-Whitney) test, two-sided; `statistic` is U of x, R's W.

    Exact where both groups are smaller than 50 and there are no ties, else by the normal approximation with correction for ties and
    continuity, as R's `wilcox.test`. Where all values are equal p is 1.
    """
    if np.ptp(np.concatenate([x, y])) == 0:
        return Outcome("Wilcoxon rank-sum", x.size * y.size / 2, math.nan, 1.0)
    exact = max(x.size, y.size) < EXACT_BELOW and np.unique(np.concatenate([x, y])).size == x.size + y.size
    result = stats.mannwhitneyu(x, y, method="exact" if exact else "asymptotic")
    return Outcome(f"Wilcoxon rank-sum ({_kind(exact=exact)})", float(result.statistic), math.nan, min(1.0, float(result.pvalue)), exact)


def signed_rank(x: Floats, y: Floats) -> Outcome:
    """Compare paired values by Wilcoxon's signed-rank test, two-sided; `statistic` is the sum of ranks of positive x - y, R's V.

    Exact where fewer than 50 pairs differ, without ties and zeros, else by the normal approximation with correction for ties and
    continuity; zeros are left out, as in R's `wilcox.test`. Where no pair differs p is 1.
    """
    difference = x - y
    changed = difference[difference != 0]
    if changed.size == 0:
        return Outcome("Wilcoxon signed-rank", 0.0, math.nan, 1.0)
    ranks = stats.rankdata(np.abs(changed))
    exact = changed.size == x.size < EXACT_BELOW and np.unique(ranks).size == ranks.size
    statistic, n = float(ranks[changed > 0].sum()), changed.size
    if exact:
        p = float(stats.wilcoxon(changed, method="exact").pvalue)
    else:
        ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
        deviation = math.sqrt(n * (n + 1) * (2 * n + 1) / 24 - float(np.sum(ties**3 - ties)) / 48)
        z = statistic - n * (n + 1) / 4
        p = 2 * float(stats.norm.sf(max(abs(z) - 0.5, 0.0) / deviation))
    return Outcome(f"Wilcoxon signed-rank ({_kind(exact=exact)})", statistic, math.nan, min(1.0, p), exact)


def kruskal_wallis(groups: list[Floats]) -> tuple[Outcome, Effect]:
    """Compare two or more groups by the Kruskal-Wallis test; effect: epsilon squared = H / (n - 1) (Tomczak & Tomczak 2014)."""
    n = sum(g.size for g in groups)
    if np.ptp(np.concatenate(groups)) == 0:
        return Outcome("Kruskal-Wallis", 0.0, len(groups) - 1, 1.0), Effect("epsilon squared", 0.0)
    result = stats.kruskal(*groups)
    h = float(result.statistic)
    return Outcome("Kruskal-Wallis", h, len(groups) - 1, float(result.pvalue)), Effect("epsilon squared", h / (n - 1))


def friedman(blocks: Floats) -> tuple[Outcome, Effect]:
    """Compare the columns (three or more) of complete blocks (n_blocks, k) by Friedman's test; effect: Kendall's W = Q / (n (k - 1))."""
    n, k = blocks.shape
    if np.all(np.ptp(blocks, axis=1) == 0):
        return Outcome("Friedman", 0.0, k - 1, 1.0), Effect("Kendall's W", 0.0)
    result = stats.friedmanchisquare(*blocks.T)
    q = float(result.statistic)
    return Outcome("Friedman", q, k - 1, float(result.pvalue)), Effect("Kendall's W", q / (n * (k - 1)))


def cliffs_delta(x: Floats, y: Floats) -> Effect:
    """Return Cliff's delta = P(x > y) - P(x < y) of two groups with its 95 % interval.

    Variance: Cliff's unbiased estimate, not below (1 - d^2) / (n_x n_y - 1); interval: asymmetric, with Student's t (Cliff 1996,
    Ordinal Methods for Behavioral Data Analysis; Feng & Cliff 2004, J. Mod. Appl. Stat. Methods 3:322), as in R's effsize. Where the
    groups do not overlap (|d| = 1) the variance vanishes; then the inner limit is (b - t^2) / (b + t^2) with b the smaller group.
    """
    m, n = x.size, y.size
    by_x, by_y = _dominance(x, y), -_dominance(y, x)
    d = float(by_x.mean())
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, m + n - 2))
    if abs(d) == 1.0:
        b = min(m, n)
        inner = (b - t * t) / (b + t * t)
        return Effect("Cliff's delta", d, *((inner, 1.0) if d > 0 else (-1.0, -inner)))
    ordered = np.sort(y)
    ties = float(np.sum(np.searchsorted(ordered, x, side="right") - np.searchsorted(ordered, x, side="left")))
    cells = m * n - ties - m * n * d * d  # the sum of (sign(x_i - y_j) - d)^2 over all pairs
    spread = n * n * float(np.sum((by_x - d) ** 2)) + m * m * float(np.sum((by_y - d) ** 2))
    variance = (spread - cells) / (m * n * (m - 1) * (n - 1))
    variance = max(variance, (1 - d * d) / (m * n - 1))
    scale = 1 - d * d + t * t * variance
    half = t * math.sqrt(variance) * math.sqrt((1 - d * d) ** 2 + t * t * variance)
    middle = d - d**3
    return Effect("Cliff's delta", d, max(-1.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def paired_delta(x: Floats, y: Floats) -> Effect:
    """Return Cliff's delta within pairs, P(x > y) - P(x < y) over pairs, with its 95 % interval.

    Interval: the exact binomial one of the share of pairs that rise among those that differ (Clopper & Pearson 1934), carried over to
    2 share - 1, times the share of pairs that differ.
    """
    name = "Cliff's delta within subjects"
    higher, lower = int(np.sum(x > y)), int(np.sum(x < y))
    differ = higher + lower
    if differ == 0:
        return Effect(name, 0.0)
    limits = stats.binomtest(higher, differ).proportion_ci(CONFIDENCE, method="exact")
    share = differ / x.size
    return Effect(name, (higher - lower) / x.size, (2 * float(limits.low) - 1) * share, (2 * float(limits.high) - 1) * share)


def spearman(x: Floats, y: Floats) -> tuple[Outcome, Effect]:
    """Correlate two variables by Spearman's rho, two-sided; NaN where one of them does not vary.

    p: exact by enumeration up to 9 pairs without ties, else by Student's t with n - 2 degrees of freedom. Interval: Fisher's z with the
    variance (1 + rho^2 / 2) / (n - 3) of Bonett & Wright 2000, Psychometrika 65:23; not defined where |rho| = 1.
    """
    n = x.size
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Outcome("Spearman", math.nan, math.nan, math.nan), Effect("Spearman's rho", math.nan)
    a, b = stats.rankdata(x), stats.rankdata(y)
    rho = float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))
    exact = n <= _EXACT_SPEARMAN and np.unique(x).size == n == np.unique(y).size
    if exact:
        squares = float(np.sum((a - b) ** 2))
        every = _rank_differences(n)
        p = min(1.0, 2 * min(float(np.mean(every <= squares + 0.5)), float(np.mean(every >= squares - 0.5))))
    else:
        t = rho * math.sqrt((n - 2) / max(1 - rho * rho, 1e-300))
        p = float(2 * stats.t.sf(abs(t), n - 2))
    low = high = math.nan
    if n > 3 and abs(rho) < 1:
        half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt((1 + rho * rho / 2) / (n - 3))
        low, high = math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)
    return Outcome(f"Spearman ({'exact' if exact else 't approximation'})", rho, n - 2, p, exact), Effect("Spearman's rho", rho, low, high)


def _dominance(x: Floats, y: Floats) -> Floats:
    """Share of y below minus share of y above each x."""
    ordered = np.sort(y)
    below = np.searchsorted(ordered, x, side="left")
    above = y.size - np.searchsorted(ordered, x, side="right")
    return np.asarray((below - above) / y.size, dtype=np.float64)


@functools.lru_cache(maxsize=_EXACT_SPEARMAN)
def _rank_differences(n: int) -> Floats:
    """Sums of squared rank differences of all n! orders."""
    orders = np.array(list(itertools.permutations(range(n))), dtype=np.int8)
    squares = (orders - np.arange(n, dtype=np.int8)).astype(np.int16) ** 2
    return np.asarray(squares.sum(axis=1), dtype=np.float64)


def _kind(*, exact: bool) -> str:
    """How p was found, in words."""
    return "exact" if exact else "normal approximation"
