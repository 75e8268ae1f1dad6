"""Phylogenetic alpha metrics: Faith's PD and the Hill numbers of lineages.

The Hill numbers are the mean phylogenetic diversity qD(T) of Chao, Chiu & Jost (2010): the effective number of lineages over the tree's height.
Over all branches of length L with the share a of a sample's reads below them, up to the root,

    T = sum L a,    qD(T) = (sum (L / T) a^q)^(1 / (1 - q)),    1D(T) = exp(-sum (L / T) a ln a).

T is the mean distance of the sample's reads from the root: the tree's height where all tips are at one height, and so 0D(T) = Faith's PD / T. The
branch diversity qPD(T), in units of branch length, is T times as much. On a star of equal branches these are the plain Hill numbers.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.diversity.metric import Floats, metric

if TYPE_CHECKING:
    from gutdiv.numerics.rows import Tallies

_ROOTLESS = "all branches above its features have length 0"


@metric(
    scope="alpha",
    label="Faith's PD",
    unit="branch length",
    bounds=(0, inf),
    citation="faith1992",
    estimator="sum of branch lengths from the features to the root",
    needs=("counts", "tree"),
)
def faith_pd(t: Tallies) -> Floats:
    """Faith's phylogenetic diversity with the path to the root, as scikit-bio's `faith_pd` and picante's default."""
    return t.branch_length


@metric(
    scope="alpha",
    label="Phylogenetic Hill number of order 0",
    unit="effective lineages",
    bounds=(0, inf),
    citation="chao2010",
    estimator="mean phylogenetic diversity 0D(T): Faith's PD / T, T the mean distance of reads from the root",
    needs=("counts", "tree", "shares"),
    undefined=_ROOTLESS,
)
def phylo_hill_0(t: Tallies) -> Floats:
    """Mean phylogenetic diversity of order 0: Faith's PD over the mean height of the sample's reads."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t.branch_mean > 0, t.branch_length / t.branch_mean, np.nan)


@metric(
    scope="alpha",
    label="Phylogenetic Hill number of order 1",
    unit="effective lineages",
    bounds=(1, inf),
    citation="chao2010",
    estimator="mean phylogenetic diversity 1D(T): exp(-sum (L / T) a ln a), T the mean distance of reads from the root",
    needs=("counts", "tree", "shares"),
    undefined=_ROOTLESS,
)
def phylo_hill_1(t: Tallies) -> Floats:
    """Mean phylogenetic diversity of order 1: the exponential of Allen's phylogenetic entropy over the height."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t.branch_mean > 0, np.exp(t.branch_entropy / t.branch_mean), np.nan)


@metric(
    scope="alpha",
    label="Phylogenetic Hill number of order 2",
    unit="effective lineages",
    bounds=(1, inf),
    citation="chao2010",
    estimator="mean phylogenetic diversity 2D(T): 1 / sum (L / T) a^2, T the mean distance of reads from the root",
    needs=("counts", "tree", "shares"),
    undefined=_ROOTLESS,
)
def phylo_hill_2(t: Tallies) -> Floats:
    """Mean phylogenetic diversity of order 2: 1 / (1 - Rao's quadratic entropy over the height), where all tips are at one height."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t.branch_mean > 0, t.branch_mean / t.branch_concentration, np.nan)
