"""Alpha metrics: one value a sample from its tallies. Natural logarithms throughout; a sample without reads has no value."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.diversity.metric import Floats, metric

if TYPE_CHECKING:
    from gutdiv.numerics.rows import Tallies

_NEWTON_STEPS = 100


def _observed(t: Tallies) -> Floats:
    """Features seen, NaN for a sample without reads."""
    return np.where(t.features > 0, t.features, np.nan)


@metric(
    scope="alpha",
    label="Observed features",
    unit="features",
    bounds=(0, inf),
    citation="",
    estimator="number of features with at least one read",
)
def sobs(t: Tallies) -> Floats:
    """Observed features (richness): vegan's `specnumber`, mothur's `sobs`, QIIME 2's `observed_features`."""
    return _observed(t)


@metric(
    scope="alpha",
    label="Chao1",
    unit="features",
    bounds=(0, inf),
    citation="chao1984",
    estimator="bias-corrected: S + f1 (f1 - 1) / (2 (f2 + 1))",
    needs=("counts", "singletons"),
)
def chao1(t: Tallies) -> Floats:
    """Chao1, bias-corrected as in vegan, phyloseq, mothur and scikit-bio's default."""
    return _observed(t) + t.singletons * (t.singletons - 1) / (2 * (t.doubletons + 1))


def chao1_error(t: Tallies) -> Floats:
    """Standard error of Chao1 by the delta method on the multinomial frequencies of frequencies, as vegan's `estimateR`.

    With the slopes g1 and g2 of the estimate in f1 and f2, and 1 in the others: sum g^2 f - (sum g f)^2 / estimate.
    """
    f1, f2, seen = t.singletons, t.doubletons, _observed(t)
    h1, h2 = (2 * f1 - 1) / (2 * (f2 + 1)), -f1 * (f1 - 1) / (2 * (f2 + 1) ** 2)
    more = h1 * f1 + h2 * f2
    return np.sqrt(np.maximum(seen + 2 * more + h1**2 * f1 + h2**2 * f2 - (seen + more) ** 2 / chao1(t), 0.0))


@metric(
    scope="alpha",
    label="ACE",
    unit="features",
    bounds=(0, inf),
    citation="chao1992",
    estimator="abundance-based coverage estimator, rare features of at most 10 reads",
    needs=("counts", "singletons"),
    undefined="every rare feature was seen once",
)
def ace(t: Tallies) -> Floats:
    """Abundance-based coverage estimator of richness (Chao & Lee 1992), as vegan and scikit-bio; mothur corrects further where features vary much.

    Not defined where all rare features are singletons (vegan: NaN; scikit-bio: an error); without rare features, the features seen (vegan: NaN).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        coverage = 1 - t.singletons / t.rare_reads
        variation = t.rare_features / coverage * t.rare_pairs / (t.rare_reads * (t.rare_reads - 1)) - 1
        estimate = _observed(t) - t.rare_features + t.rare_features / coverage + t.singletons / coverage * np.maximum(variation, 0.0)
    return np.where(t.rare_reads == 0, _observed(t), np.where(coverage > 0, estimate, np.nan))


@metric(
    scope="alpha",
    label="Shannon entropy",
    unit="nats",
    bounds=(0, inf),
    citation="shannon1948",
    estimator="-sum p ln p, plug-in, natural logarithm",
)
def shannon(t: Tallies) -> Floats:
    """Shannon entropy in nats, as vegan, phyloseq, mothur and scikit-bio >= 0.6.1; QIIME 2 reports bits (nats / ln 2)."""
    return t.entropy


@metric(scope="alpha", label="Simpson diversity", unit="1", bounds=(0, 1), citation="simpson1949", estimator="1 - sum p^2")
def simpson(t: Tallies) -> Floats:
    """Simpson's index 1 - sum p^2, as vegan and scikit-bio; mothur's `simpson` is the unbiased dominance."""
    return 1.0 - t.concentration


@metric(scope="alpha", label="Inverse Simpson", unit="effective features", bounds=(1, inf), citation="simpson1949", estimator="1 / sum p^2")
def inv_simpson(t: Tallies) -> Floats:
    """Inverse Simpson 1 / sum p^2, the Hill number of order 2; mothur's `invsimpson` uses the unbiased sum."""
    return 1.0 / t.concentration


@metric(
    scope="alpha",
    label="Hill number of order 0",
    unit="effective features",
    bounds=(0, inf),
    citation="hill1973",
    estimator="number of features with at least one read",
)
def hill_0(t: Tallies) -> Floats:
    """Hill number of order 0: the features seen."""
    return _observed(t)


@metric(
    scope="alpha",
    label="Hill number of order 1",
    unit="effective features",
    bounds=(1, inf),
    citation="hill1973",
    estimator="exp(-sum p ln p)",
)
def hill_1(t: Tallies) -> Floats:
    """Hill number of order 1: the exponential of Shannon entropy."""
    return np.exp(t.entropy)


@metric(
    scope="alpha",
    label="Hill number of order 2",
    unit="effective features",
    bounds=(1, inf),
    citation="hill1973",
    estimator="1 / sum p^2",
)
def hill_2(t: Tallies) -> Floats:
    """Hill number of order 2: the inverse of Simpson's concentration."""
    return 1.0 / t.concentration


@metric(
    scope="alpha",
    label="Pielou evenness",
    unit="1",
    bounds=(0, 1),
    citation="pielou1966",
    estimator="Shannon entropy / ln(observed features)",
    undefined="a single feature was seen",
)
def pielou_e(t: Tallies) -> Floats:
    """Pielou's evenness H / ln S; not defined for a single feature (vegan: NaN; scikit-bio and mothur: 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # equal shares give exactly 1, which rounding must not pass
        return np.where(t.features > 1, np.minimum(t.entropy / np.log(t.features), 1.0), np.nan)


@metric(
    scope="alpha",
    label="Berger-Parker dominance",
    unit="1",
    bounds=(0, 1),
    citation="berger1970",
    estimator="largest p",
)
def berger_parker_d(t: Tallies) -> Floats:
    """Share of the most abundant feature, as scikit-bio and mothur; high where one feature dominates."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return t.largest / t.reads


@metric(
    scope="alpha",
    label="Fisher's alpha",
    unit="1",
    bounds=(0, inf),
    citation="fisher1943",
    estimator="root of S = alpha ln(1 + N / alpha)",
    undefined="every read is of another feature",
)
def fisher_alpha(t: Tallies) -> Floats:
    """Fisher's alpha of the log series, as vegan's `fisher.alpha`, by Newton steps inside a bracket to a relative 1e-12.

    Not defined where every read is of another feature: then no finite alpha fits.
    """
    s, n = np.broadcast_arrays(t.features, t.reads)
    fits = (s > 0) & (s < n)
    s, n = np.where(fits, s, 1.0), np.where(fits, n, 2.0)
    low, high = np.zeros_like(s), s * n / (n - s) * 2.0  # ln(1 + x) >= x - x^2 / 2 puts the root below
    x = np.minimum(s, high / 2.0)
    for _ in range(_NEWTON_STEPS):
        excess = x * np.log1p(n / x) - s
        low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
        step = x - excess / (np.log1p(n / x) - n / (n + x))
        new = np.where((step > low) & (step < high), step, (low + high) / 2.0)
        done = np.abs(new - x) <= 1e-13 * x
        x = new
        if done.all():
            break
    return np.where(fits, x, np.nan)


@metric(
    scope="alpha",
    label="Good's coverage",
    unit="1",
    bounds=(0, 1),
    citation="good1953",
    estimator="1 - f1 / N",
    needs=("counts", "singletons"),
)
def goods_coverage(t: Tallies) -> Floats:
    """Good's coverage: share of reads in features seen more than once, as mothur and scikit-bio."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - t.singletons / t.reads
