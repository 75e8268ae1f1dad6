"""Phylogenetic beta metrics: the UniFrac family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gutdiv.diversity.metric import Floats, View, metric
from gutdiv.numerics import branches, pairs, rows

if TYPE_CHECKING:
    from gutdiv.model.tree import Tree


def _tree(view: View) -> Tree:
    """Return the view's tree; measure.py has seen to it that there is one."""
    if view.tree is None:
        msg = "a phylogenetic metric needs a tree"
        raise ValueError(msg)
    return view.tree


@metric(
    scope="beta",
    label="Unweighted UniFrac",
    unit="1",
    bounds=(0, 1),
    citation="lozupone2005",
    estimator="unshared / total branch length above the features of either sample",
    needs=("counts", "tree"),
)
def unweighted_unifrac(view: View, *, start: int = 0, stop: int | None = None) -> Floats:
    """Unweighted UniFrac of rows start..stop with all rows, as scikit-bio, phyloseq and GUniFrac's d_UW."""
    tree = _tree(view)
    nodes = branches.node_matrix(view.matrix, tree.tip_nodes, tree.parent)
    return pairs.jaccard(nodes, tree.length, start=start, stop=stop)


@metric(
    scope="beta",
    label="Weighted UniFrac, normalised",
    unit="1",
    bounds=(0, 1),
    citation="lozupone2007",
    estimator="sum of length x |difference of proportions| / sum of length x sum of proportions",
    needs=("counts", "tree"),
)
def weighted_unifrac_normalized(view: View, *, start: int = 0, stop: int | None = None) -> Floats:
    """Normalised weighted UniFrac of rows start..stop with all rows, as phyloseq's default; QIIME 2's `weighted_unifrac` is not normalised."""
    tree = _tree(view)
    matrix = view.matrix
    nodes = branches.node_matrix(matrix, tree.tip_nodes, tree.parent)
    totals = rows.totals(view.indptr, view.data).astype(np.float64)
    return pairs.braycurtis(branches.branch_proportions(nodes, tree.length, totals), start=start, stop=stop)
