"""Newick trees: labels as they are spelled, clear refusals, and a writer that loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gutdiv.errors import InputError
from gutdiv.io.newick import parse_newick, read_newick, write_newick

if TYPE_CHECKING:
    from pathlib import Path


def test_labels_keep_underscores_quotes_and_blanks() -> None:
    tree = parse_newick("(('it''s a_tip':1,b_2:2)0.95:0.5[a comment],'(c)':1e-3)root;", "t.nwk").tree
    assert tree.tip_names == ("it's a_tip", "b_2", "(c)")
    assert tree.length.tolist() == [1.0, 2.0, 0.5, 0.001, 0.0]
    assert tree.parent.tolist() == [2, 2, 4, 4, -1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("((a,b):1,c:1);", "2 branches of 4 without a length.*'a', 'b'"),
        ("((a:1,a:1):1,c:1);", "1 tip more than once: 'a'"),
        ("((a:1,b:1):1,c:1)", "no closing ';'"),
        ("((a:1,b:1):1,c:1;", "still open"),
        ("(a:1,b:1));", r"unexpected '\)'"),
        ("(a:1,b:x);", "branch length 'x' at character 8"),
        ("(a:1,:1);", "1 tips have no name"),
        ("(a:1,b:1); (c:1,d:1);", "text follows"),
        ("(a:1,'b:1);", "is not Newick"),
    ],
)
def test_a_tree_that_cannot_be_used_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_newick(text, "t.nwk")
    assert "t.nwk" in str(caught.value)


def test_negative_branch_lengths_become_zero_and_are_counted() -> None:
    raw = parse_newick("((a:-0.1,b:1):1,c:1):NaN;", "t.nwk")
    assert raw.tree.length[0] == 0.0
    assert raw.notes == ("1 negative branch lengths in t.nwk were set to 0",)


def test_a_written_tree_reads_back_to_the_same_arrays(tmp_path: Path) -> None:
    tree = parse_newick("(('it''s':0.1,b:0.30000000000000004):0.2,((c d:1,'e;f':2):3,g:1e-17):0);".replace("c d", "'c d'"), "t").tree
    write_newick(tmp_path / "t.nwk", tree)
    again = read_newick(tmp_path / "t.nwk").tree
    assert again.tip_names == tree.tip_names
    assert np.array_equal(again.parent, tree.parent)
    assert np.array_equal(again.length, tree.length)


@pytest.mark.real_data
@pytest.mark.parametrize("study", ["hct_taur", "ibd_2538_longitudinal"])
def test_real_trees_equal_scikit_bio(real_data: Path, study: str) -> None:
    from skbio import TreeNode

    found = read_newick(real_data / study / "tree.nwk").tree
    node = TreeNode.read(str(real_data / study / "tree.nwk"), format="newick", convert_underscores=False)
    expected = {t.name: t for t in node.tips()}
    assert set(found.tip_names) == set(expected)
    assert found.parent.size == node.count()
    to_root = np.zeros(found.parent.size)
    for v in range(found.parent.size - 2, -1, -1):
        to_root[v] = to_root[found.parent[v]] + found.length[v]
    for tip in sorted(expected)[::500]:
        length = sum(max(n.length or 0.0, 0.0) for n in [expected[tip], *expected[tip].ancestors()] if n.parent is not None)
        assert to_root[found.tip_nodes[found.tip_names.index(tip)]] == pytest.approx(length, rel=1e-12)
