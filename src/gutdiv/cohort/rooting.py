"""Gives an unrooted tree a root by a rule, never at random."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError
from gutdiv.model.tree import Tree
from gutdiv.numerics.midpoint import farthest_pair, rooted_above

if TYPE_CHECKING:
    from gutdiv.model.inputs import RawTree


def rooted_at_midpoint(raw: RawTree) -> RawTree:
    """Root a tree half-way between its two farthest tips.

    The whole tree as given counts, also its tips that are no features of the table (as in `qiime phylogeny midpoint-root`; phyloseq and phangorn root
    what was pruned before). A root that the tree had is given up. Distances between tips stay as they were.

    Raises
    ------
    InputError
        Where the tree has fewer than two tips, or all its branches have the length 0.

    References
    ----------
    Farris 1972, Am Nat 106:645, the rule; scikit-bio's `root_at_midpoint` gives the same distances from the root.
    """
    tree = raw.tree
    if tree.tip_nodes.size < 2 or not np.any(tree.length[:-1] > 0):
        msg = (
            f"{raw.source}: a tree without branch lengths has no midpoint. Supply a rooted tree with branch lengths, or leave the tree out."
        )
        raise InputError(msg)
    one, other, below, distance = farthest_pair(tree.parent, tree.length)
    parent, length, place = rooted_above(tree.parent, tree.length, below, distance)
    names = dict(zip(tree.tip_nodes.tolist(), tree.tip_names, strict=True))
    ends = sorted((names[one], names[other]))
    before = "unrooted" if not raw.rooted else "rooted elsewhere"
    note = (
        f"{raw.source} was {before}; it was rooted at its midpoint (--root midpoint), half-way between its farthest tips, "
        f"{ends[0][:60]!r} and {ends[1][:60]!r}."
    )
    return replace(raw, tree=Tree(parent, length, tree.tip_names, place[tree.tip_nodes]), notes=(*raw.notes, note), rooted=True)
