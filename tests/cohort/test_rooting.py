"""A root half-way between the farthest tips: by hand, and as scikit-bio puts it."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skbio
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from strategies import random_tree

from gutdiv.cohort.align import Choices, align
from gutdiv.cohort.rooting import rooted_at_midpoint
from gutdiv.errors import InputError
from gutdiv.io.newick import parse_newick, write_newick
from gutdiv.model.inputs import RawTable, RawTree

if TYPE_CHECKING:
    from gutdiv.model.tree import Tree


def depths(tree: Tree) -> dict[str, float]:
    """Return each tip's distance from the root, by walking up."""
    found = {}
    for name, node in zip(tree.tip_names, tree.tip_nodes.tolist(), strict=True):
        total, v = 0.0, node
        while tree.parent[v] >= 0:
            total, v = total + float(tree.length[v]), int(tree.parent[v])
        found[name] = total
    return found


def between(tree: Tree) -> np.ndarray:
    """Return the distances between all tips, by walking both ways up."""

    def path(node: int) -> dict[int, float]:
        steps, total = {node: 0.0}, 0.0
        while tree.parent[node] >= 0:
            total, node = total + float(tree.length[node]), int(tree.parent[node])
            steps[node] = total
        return steps

    paths = [path(v) for v in tree.tip_nodes.tolist()]
    return np.array([[min(a[v] + b[v] for v in a.keys() & b.keys()) for b in paths] for a in paths])


# ---------------------------------------------------------------- by hand
def test_the_root_of_an_unrooted_tree_stands_half_way_between_the_farthest_tips() -> None:
    # b and c are 2 + 2 + 6 = 10 apart: the midpoint lies 5 from each, on the branch above c, 1 below the node that c and d share
    raw = parse_newick("(a:1,b:2,(c:6,d:1):2);", "t.nwk")
    assert not raw.rooted
    found = rooted_at_midpoint(raw)
    assert found.rooted
    assert depths(found.tree) == pytest.approx({"a": 4.0, "b": 5.0, "c": 5.0, "d": 2.0})
    note = "t.nwk was unrooted; it was rooted at its midpoint (--root midpoint), half-way between its farthest tips, 'b' and 'c'."
    assert found.notes == (note,)


def test_a_midpoint_on_a_node_stays_there_and_the_root_still_splits_in_two() -> None:
    found = rooted_at_midpoint(parse_newick("(a:3,b:3,c:1);", "t.nwk"))
    assert depths(found.tree) == pytest.approx({"a": 3.0, "b": 3.0, "c": 1.0})
    assert np.sum(found.tree.parent == found.tree.parent.size - 1) == 2


def test_an_own_root_is_given_up_and_the_note_says_so() -> None:
    found = rooted_at_midpoint(parse_newick("((a:1,b:1):9,c:1);", "t.nwk"))
    assert depths(found.tree) == pytest.approx({"a": 5.5, "b": 5.5, "c": 5.5})
    assert found.notes[0].startswith("t.nwk was rooted elsewhere; it was rooted at its midpoint")


def test_a_base_with_one_child_does_not_become_a_tip() -> None:
    found = rooted_at_midpoint(parse_newick("((((a:1,b:2):1,c:5):1):3);", "t.nwk"))
    assert depths(found.tree) == pytest.approx({"a": 3.0, "b": 4.0, "c": 4.0})
    assert set(range(found.tree.parent.size)) - set(found.tree.parent.tolist()) == set(found.tree.tip_nodes.tolist()), (
        "only tips are leaves"
    )


def test_a_tree_without_lengths_or_with_one_tip_has_no_midpoint() -> None:
    for text in ("(a:0,b:0,c:0);", "(a:1);"):
        with pytest.raises(InputError, match="has no midpoint"):
            rooted_at_midpoint(parse_newick(text, "t.nwk"))


# ---------------------------------------------------------------- as scikit-bio
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 30))
def test_the_root_is_where_scikit_bio_puts_it_and_no_distance_between_tips_changes(seed: int, n: int) -> None:
    tree = random_tree(np.random.default_rng(seed), tuple(f"t{i}" for i in range(n)))
    if not tree.length[:-1].any():
        return
    found = rooted_at_midpoint(RawTree(tree, "t.nwk", rooted=False)).tree
    assert found.tip_names == tree.tip_names
    np.testing.assert_allclose(between(found), between(tree), atol=1e-12)
    peer = skbio.TreeNode.read(StringIO(newick(tree))).root_at_midpoint()
    expected = {tip.name: tip.distance(peer) for tip in peer.tips()}
    assert depths(found) == pytest.approx(expected, abs=1e-9)


def newick(tree: Tree) -> str:
    names = dict(zip(tree.tip_nodes.tolist(), tree.tip_names, strict=True))
    texts: list[str] = []
    for node in range(tree.parent.size):
        own = [texts[child] for child in np.flatnonzero(tree.parent == node)]
        texts.append((f"({','.join(own)})" if own else names[node]) + (f":{float(tree.length[node])!r}" if tree.parent[node] >= 0 else ";"))
    return texts[-1]


# ---------------------------------------------------------------- on the way into a cohort
def table() -> RawTable:
    return RawTable(("s1", "s2"), ("a", "b", "c", "d"), sparse.csr_matrix(np.array([[1.0, 2, 3, 4], [4, 3, 2, 1]])), "t.tsv", "text")


def test_an_unrooted_tree_is_refused_with_the_mend_that_then_works_and_is_recorded() -> None:
    raw = parse_newick("(a:1,b:2,(c:6,d:1):2);", "t.nwk")
    with pytest.raises(InputError, match=r"t.nwk: the tree is unrooted .its base splits into 3 branches.*--root midpoint"):
        align(table(), tree=raw, synonyms={})
    cohort, _ = align(table(), tree=raw, synonyms={}, choices=Choices(root="midpoint"))
    assert cohort.tree is not None
    assert depths(cohort.tree) == pytest.approx({"a": 4.0, "b": 5.0, "c": 5.0, "d": 2.0})
    assert any("rooted at its midpoint" in note for note in cohort.record["notes"])


def test_a_tree_rooted_at_its_midpoint_is_read_back_as_rooted(tmp_path) -> None:
    found = rooted_at_midpoint(parse_newick("(a:3,b:3,c:1);", "t.nwk")).tree
    write_newick(tmp_path / "t.nwk", found)
    assert parse_newick((tmp_path / "t.nwk").read_text(), "t.nwk").rooted
