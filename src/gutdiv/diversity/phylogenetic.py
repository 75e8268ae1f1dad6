"""Phylogenetic beta metrics: the UniFrac family."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Unpack

from gutdiv.diversity.metric import Floats, View, metric
from gutdiv.numerics import pairs

if TYPE_CHECKING:
    from gutdiv.numerics.span import Wanted


@metric(
    scope="beta",
    label="Unweighted UniFrac",
    unit="1",
    bounds=(0, 1),
    citation="lozupone2005",
    estimator="unshared / total branch length above the features of either sample",
    needs=("counts", "tree"),
)
def unweighted_unifrac(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Unweighted UniFrac, as scikit-bio, phyloseq and GUniFrac's d_UW."""
    return pairs.unweighted_unifrac(view.matrix, view.branches, **wanted)


@metric(
    scope="beta",
    label="Weighted UniFrac, not normalised",
    unit="branch length",
    bounds=(0, inf),
    citation="lozupone2007",
    estimator="sum of length x |difference of proportions|",
    needs=("counts", "tree"),
)
def weighted_unifrac(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Weighted UniFrac that is not normalised: QIIME 2's `weighted_unifrac` and scikit-bio's default; phyloseq's default is normalised."""
    return pairs.weighted_unifrac(view.matrix, view.branches, normalized=False, **wanted)


@metric(
    scope="beta",
    label="Weighted UniFrac, normalised",
    unit="1",
    bounds=(0, 1),
    citation="lozupone2007",
    estimator="sum of length x |difference of proportions| / sum of length x sum of proportions",
    needs=("counts", "tree"),
)
def weighted_unifrac_normalized(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Normalised weighted UniFrac, as phyloseq's default, QIIME 2's `weighted_normalized_unifrac` and GUniFrac's d_1."""
    return pairs.weighted_unifrac(view.matrix, view.branches, normalized=True, **wanted)


@metric(
    scope="beta",
    label="Generalised UniFrac",
    unit="1",
    bounds=(0, 1),
    citation="chen2012",
    estimator="sum of L s^alpha |p - q| / s / sum of L s^alpha, with L the length, p and q the proportions and s = p + q",
    needs=("counts", "tree"),
    options=("alpha",),
)
def generalized_unifrac(view: View, *, alpha: float = 0.5, **wanted: Unpack[Wanted]) -> Floats:
    """Generalised UniFrac, as GUniFrac's d_alpha; QIIME 2's default alpha is 1, which is normalised weighted UniFrac."""
    return pairs.generalized_unifrac(view.matrix, view.branches, alpha=alpha, **wanted)


@metric(
    scope="beta",
    label="Variance-adjusted weighted UniFrac",
    unit="1",
    bounds=(0, 1),
    citation="chang2011",
    estimator="normalised weighted UniFrac with each branch divided by root(m (M - m)), m the reads of both samples below it, M all their reads",
    needs=("counts", "tree"),
)
def va_unifrac(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Variance-adjusted weighted UniFrac, as GUniFrac's d_VAW."""
    return pairs.va_unifrac(view.matrix, view.branches, **wanted)
