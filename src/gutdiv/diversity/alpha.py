"""Alpha metrics: one value a sample. Natural logarithms throughout; a sample without reads has no value."""

from __future__ import annotations

from math import inf

import numpy as np

from gutdiv.diversity.metric import Floats, View, metric
from gutdiv.numerics import rows


def _observed(view: View) -> Floats:
    """Features seen, NaN for a sample without reads."""
    seen = rows.tallied(view.indptr, view.data, 0).astype(np.float64)
    return np.where(seen > 0, seen, np.nan)


@metric(
    scope="alpha",
    label="Observed features",
    unit="features",
    bounds=(0, inf),
    citation="",
    estimator="number of features with at least one read",
)
def sobs(view: View) -> Floats:
    """Observed features (richness): vegan's `specnumber`, mothur's `sobs`, QIIME 2's `observed_features`."""
    return _observed(view)


@metric(
    scope="alpha",
    label="Shannon entropy",
    unit="nats",
    bounds=(0, inf),
    citation="shannon1948",
    estimator="-sum p ln p, plug-in, natural logarithm",
)
def shannon(view: View) -> Floats:
    """Shannon entropy in nats, as vegan, phyloseq, mothur and scikit-bio >= 0.6.1; QIIME 2 reports bits (nats / ln 2)."""
    return rows.entropy(view.indptr, view.data)


@metric(scope="alpha", label="Simpson diversity", unit="1", bounds=(0, 1), citation="simpson1949", estimator="1 - sum p^2")
def simpson(view: View) -> Floats:
    """Simpson's index 1 - sum p^2, as vegan and scikit-bio; mothur's `simpson` is the unbiased dominance."""
    return 1.0 - rows.concentration(view.indptr, view.data)


@metric(scope="alpha", label="Inverse Simpson", unit="effective features", bounds=(1, inf), citation="simpson1949", estimator="1 / sum p^2")
def inv_simpson(view: View) -> Floats:
    """Inverse Simpson 1 / sum p^2, the Hill number of order 2; mothur's `invsimpson` uses the unbiased sum."""
    return 1.0 / rows.concentration(view.indptr, view.data)


@metric(
    scope="alpha",
    label="Pielou evenness",
    unit="1",
    bounds=(0, 1),
    citation="pielou1966",
    estimator="Shannon entropy / ln(observed features)",
)
def pielou_e(view: View) -> Floats:
    """Pielou's evenness H / ln S; not defined for a single feature (vegan: NaN; scikit-bio and mothur: 1)."""
    seen = _observed(view)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(seen > 1, rows.entropy(view.indptr, view.data) / np.log(seen), np.nan)


@metric(
    scope="alpha",
    label="Chao1",
    unit="features",
    bounds=(0, inf),
    citation="chao1984",
    estimator="bias-corrected: S + f1 (f1 - 1) / (2 (f2 + 1))",
    needs=("counts", "singletons"),
)
def chao1(view: View) -> Floats:
    """Chao1, bias-corrected as in vegan, phyloseq, mothur and scikit-bio's default."""
    f1 = rows.tallied(view.indptr, view.data, 1).astype(np.float64)
    f2 = rows.tallied(view.indptr, view.data, 2).astype(np.float64)
    return _observed(view) + f1 * (f1 - 1) / (2 * (f2 + 1))
