"""Newick trees: labels as they are spelled, clear refusals, and a writer that loses nothing."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutdiv.errors import InputError
from gutdiv.io.newick import parse_newick, read_newick, write_newick
from gutdiv.io.trees import read_tree
from gutdiv.model.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable


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
        ("((a:1,b:1)(c:1,d:1):1);", r"character 11 .* is not Newick: a comma is missing"),
        ("(a:1,b:1),c:1;", r"unexpected ',' at character 10"),
        ("((a:1,b:1):1,c:0.0", "no closing ';'.*cut off"),
        ("A tree, once", "is not Newick: it begins with 'A tree, once'"),
        ("#NEXUS\nbegin trees;", "NEXUS file"),
        ("(a[1]b:1,c:1);", "brackets.*1 name of tips .'ab'"),
        ("(a:1,b:inf);", "1 branch of 2 without a length.*'b'"),
    ],
)
def test_a_tree_that_cannot_be_used_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_newick(text, "t.nwk")
    assert "t.nwk" in str(caught.value)


def test_comments_line_ends_and_blanks_stand_between_any_two_marks() -> None:
    text = " [a tree\nof] ( ( 'a(b' [x;y] : [&&NHX:B=1] 1e0 ,\n c d:2 [z])[inner]g__[Ruminococcus]_x : 3,'[e]':4 ) [base] ;\n"
    tree = parse_newick(text, "t.nwk").tree
    assert tree.tip_names == ("a(b", "c d", "[e]")
    assert tree.length.tolist() == [1.0, 2.0, 3.0, 4.0, 0.0]
    assert tree.parent.tolist() == [2, 2, 4, 4, -1]


@pytest.mark.parametrize(
    ("text", "rooted"),
    [("(a:1,b:1);", True), ("(a:1,b:1,c:1);", False), ("[&R](a:1,b:1,c:1);", True), (" [&u] (a:1,b:1);", False), ("('[&U]':1,b:1);", True)],
)
def test_a_tree_is_rooted_as_it_says_else_by_the_branches_at_its_base(text: str, *, rooted: bool) -> None:
    assert parse_newick(text, "t.nwk").rooted is rooted


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n")])
def test_the_door_for_trees_reads_newick_plain_and_packed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "t.nwk").write_bytes(pack(b"((a_1:1,\nb:2):1,c:3);\n"))
    raw = read_tree(tmp_path / "t.nwk")
    assert raw.tree.tip_names == ("a_1", "b", "c")
    assert (raw.source, raw.format, raw.rooted, raw.notes) == ("t.nwk", "Newick", True, ())


@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"\x00\x01", "binary file"), (b"\xff\xfe(\x00", "UTF-16")])
def test_a_file_that_is_no_tree_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.nwk").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_tree(tmp_path / "t.nwk")


def test_a_tree_as_deep_as_it_has_tips_is_read_without_recursion() -> None:
    n = 50_000
    tree = parse_newick("(" * n + "a:1" + "".join(f",b{i}:1):1" for i in range(n)) + ";", "t.nwk").tree
    assert tree.parent.size == 2 * n + 1
    assert tree.parent[0] == 2
    assert tree.parent[-2] == 2 * n


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_any_written_tree_reads_back(n_tips: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parent, length, tips = [-1], [0.0], [0]  # grow from the root: every step splits one tip into two or three
    while len(tips) < n_tips:
        node = tips.pop(int(rng.integers(len(tips))))
        for _ in range(int(rng.integers(2, 4))):
            tips.append(len(parent))
            parent.append(node)
            length.append(float(rng.random()))
    order = postorder(parent)
    place = {node: at for at, node in enumerate(order)}
    names = [f"t{i} '(" if i % 3 else f"t_{i}" for i in range(len(tips))]
    tree = Tree(
        np.array([place.get(parent[v], -1) for v in order], dtype=np.int32),
        np.array([length[v] for v in order]),
        tuple(names),
        np.array([place[v] for v in tips], dtype=np.int32),
    )
    with TemporaryDirectory() as folder:
        write_newick(Path(folder) / "t.nwk", tree)
        raw = read_newick(Path(folder) / "t.nwk")
    again = raw.tree
    assert raw.rooted
    assert np.array_equal(again.parent, tree.parent)
    assert np.array_equal(again.length, tree.length)
    assert dict(zip(again.tip_names, again.tip_nodes.tolist(), strict=True)) == dict(zip(names, tree.tip_nodes.tolist(), strict=True))


def postorder(parent: list[int]) -> list[int]:
    """Nodes so that every child stands before its parent, depth first."""
    children: list[list[int]] = [[] for _ in parent]
    for node, up in enumerate(parent):
        if up >= 0:
            children[up].append(node)
    order, stack = [], [0]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(children[node])
    return order[::-1]


def test_negative_branch_lengths_become_zero_and_are_counted() -> None:
    raw = parse_newick("((a:-0.1,b:1):1,c:1):NaN;", "t.nwk")
    assert raw.tree.length[0] == 0.0
    assert raw.notes == ("1 negative branch length in t.nwk was set to 0",)


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
