"""Tallies of samples and of their draws against hand calculation and naive twins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import strategies as st
from hypothesis import given, settings
from hypothesis import strategies as some

from gutdiv.model.tree import Tree
from gutdiv.numerics import draws, rows
from gutdiv.numerics.jit import use_threads

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = np.arange(1, 13, dtype=np.uint64) * np.uint64(7919)
NAMES = [f for f in rows.Tallies.__dataclass_fields__ if not f.startswith("branch")]
BRANCHES = [f for f in rows.Tallies.__dataclass_fields__ if f.startswith("branch")]


def parts(counts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return counts.indptr.astype(np.int64), counts.indices.astype(np.int64), counts.data.astype(np.int64)


def branches(tree: Tree) -> rows.Branches:
    return rows.Branches(tree.tip_nodes, tree.parent, tree.length)


def naive(x: np.ndarray) -> dict[str, float]:
    """Return a sample's tallies from their definitions, one at a time."""
    x = [int(v) for v in x if v > 0]
    total = sum(x)
    p = [v / total for v in x] if total else []
    rare = [v for v in x if v <= 10]
    return {
        "reads": total,
        "features": len(x),
        "singletons": x.count(1),
        "doubletons": x.count(2),
        "largest": max(x, default=0),
        "entropy": -math.fsum(v * math.log(v) for v in p) if total else math.nan,
        "concentration": math.fsum(v * v for v in p) if total else math.nan,
        "rare_features": len(rare),
        "rare_reads": sum(rare),
        "rare_pairs": sum(i * (i - 1) * rare.count(i) for i in range(1, 11)),
    }


def naive_branches(tree: Tree, x: np.ndarray) -> dict[str, float]:
    """Return the sums over branches by asking for each one which features are below it."""
    share = np.zeros(tree.parent.size)
    for j, tip in enumerate(tree.tip_nodes):
        v = int(tip)
        while v >= 0:
            share[v] += x[j] / x.sum()
            v = int(tree.parent[v])
    on = [(float(length), float(a)) for length, a in zip(tree.length, share, strict=True) if a > 0]
    return {
        "branch_length": math.fsum(b for b, _ in on),
        "branch_mean": math.fsum(b * a for b, a in on),
        "branch_entropy": -math.fsum(b * a * math.log(a) for b, a in on),
        "branch_concentration": math.fsum(b * a * a for b, a in on),
    }


def same(found: rows.Tallies, expected: Mapping[str, float], at: object) -> None:
    for name, value in expected.items():
        assert getattr(found, name)[at] == pytest.approx(value, rel=1e-12, abs=1e-14, nan_ok=True), name


def test_sums_over_a_sample_by_hand() -> None:
    found = rows.tallies(*parts(st.sparse.csr_matrix(np.array([[1, 1, 2, 0], [11, 0, 0, 0], [0, 0, 0, 0]], np.int64))))
    assert found.reads.tolist() == [4, 11, 0]
    assert found.features.tolist() == [3, 1, 0]
    assert found.singletons.tolist() == [2, 0, 0]
    assert found.doubletons.tolist() == [1, 0, 0]
    assert found.largest.tolist() == [2, 11, 0]
    assert found.rare_reads.tolist() == [4, 0, 0]
    assert found.rare_pairs.tolist() == [2, 0, 0]
    assert found.entropy[:2] == pytest.approx([1.5 * math.log(2), 0.0])
    assert found.concentration[:2] == pytest.approx([0.375, 1.0])
    assert np.isnan(found.entropy[2])
    assert np.isnan(found.branch_length).all(), "no tree, no branches"


def test_tallies_equal_their_naive_twins() -> None:
    rng = np.random.default_rng(8)
    counts = st.random_counts(rng)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    found = rows.tallies(*parts(counts), branches(tree))
    for i, row in enumerate(counts.toarray()):
        same(found, naive(row), i)
        same(found, naive_branches(tree, row), i)
        assert found.branch_length[i] == pytest.approx(sum(tree.length[v] for v in st.branch_sets(tree, row > 0)), rel=1e-12)


def test_what_is_not_asked_for_is_undefined_and_changes_nothing_else() -> None:
    rng = np.random.default_rng(8)
    counts = st.random_counts(rng)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    whole = rows.tallies(*parts(counts), branches(tree))
    for counted in (True, False):
        for shares in (True, False):
            part = rows.tallies(*parts(counts), branches(tree), counted=counted, shares=shares)
            for name in (*NAMES, *BRANCHES):
                asked = name == "branch_length" or (shares if name in BRANCHES else counted)
                expected = getattr(whole, name) if asked else np.full(12, np.nan)
                assert np.array_equal(getattr(part, name), expected, equal_nan=True), name


def test_the_length_of_branches_does_not_depend_on_the_order_of_features() -> None:
    rng = np.random.default_rng(8)
    counts = st.random_counts(rng)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    order = rng.permutation(counts.shape[1])
    turned = Tree(tree.parent, tree.length, tuple(tree.tip_names[j] for j in order), tree.tip_nodes[order])
    shuffled = st.sparse.csr_matrix(counts.toarray()[:, order])
    one, other = rows.tallies(*parts(counts), branches(tree)), rows.tallies(*parts(shuffled), branches(turned))
    assert np.array_equal(one.branch_length, other.branch_length)


@settings(max_examples=40, deadline=None)
@given(some.lists(some.lists(some.integers(0, 40), min_size=6, max_size=6), min_size=1, max_size=5), some.integers(0, 10_000))
def test_tallies_equal_their_naive_twins_on_any_table_and_tree(table: list[list[int]], seed: int) -> None:
    dense = np.array(table, np.int64)
    tree = st.random_tree(np.random.default_rng(seed), tuple("abcdef"))
    found = rows.tallies(*parts(st.sparse.csr_matrix(dense)), branches(tree))
    for i, row in enumerate(dense):
        same(found, naive(row), i)
        if row.any():
            same(found, naive_branches(tree, row), i)
        else:
            assert all(np.isnan(getattr(found, name)[i]) for name in BRANCHES)


def test_tallies_of_draws_are_those_of_the_drawn_tables() -> None:
    rng = np.random.default_rng(5)
    counts = st.random_counts(rng)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    indptr, indices, data = parts(counts)
    depth = int(np.median(np.asarray(counts.sum(1))))
    deep = np.asarray(counts.sum(1)).ravel() >= depth
    assert 0 < deep.sum() < 12
    whole = rows.drawn_tallies(indptr, indices, data, branches(tree), depth=depth, keys=KEYS, seed=3, times=4, samples=(0, 12))
    part = rows.drawn_tallies(indptr, indices, data, branches(tree), depth=depth, keys=KEYS, seed=3, times=4, samples=(5, 9))
    use_threads(1)
    single = rows.drawn_tallies(indptr, indices, data, branches(tree), depth=depth, keys=KEYS, seed=3, times=4, samples=(0, 12))
    use_threads(2)
    for r in range(4):
        drawn = rows.tallies(indptr, indices, draws.rarefied(indptr, data, depth, KEYS, 3, r), branches(tree))
        for name in (*NAMES, *BRANCHES):
            found = getattr(whole, name)
            exact = name in NAMES  # branches are summed over the segments of the whole sample, not of the draw
            assert found[r, deep] == pytest.approx(getattr(drawn, name)[deep], rel=0 if exact else 1e-12, abs=0 if exact else 1e-14)
            assert np.isnan(found[r, ~deep]).all(), "a sample with too few reads has no draw"
            assert np.array_equal(found[:, 5:9], getattr(part, name), equal_nan=True), "whatever samples are drawn together"
            assert np.array_equal(found, getattr(single, name), equal_nan=True), "whatever the threads"


def test_shares_beyond_the_looked_up_ones_are_computed() -> None:
    counts = st.sparse.csr_matrix(np.array([[200_000, 70_000, 3]], np.int64))
    found = rows.drawn_tallies(*parts(counts), depth=270_003, keys=KEYS[:1], seed=1, times=1, samples=(0, 1))
    same(found, naive(np.array([200_000, 70_000, 3])), (0, 0))


def test_mean_and_spread_over_draws() -> None:
    values = np.random.default_rng(1).normal(5, 2, (7, 3))
    values[2, 1] = np.nan
    mean, spread = rows.mean_and_spread(values)
    assert mean == pytest.approx(values.mean(0), rel=1e-13, nan_ok=True)
    assert spread == pytest.approx(values.std(0, ddof=1), rel=1e-13, nan_ok=True)
    assert np.isnan(rows.mean_and_spread(values[:1])[1]).all()
