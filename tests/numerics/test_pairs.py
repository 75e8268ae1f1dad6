"""Pair kernels against their naive twins and scikit-bio."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import strategies as st

from gutdiv.numerics import branches, pairs
from gutdiv.numerics.jit import use_threads


@pytest.fixture(scope="module")
def table() -> tuple[object, object, object]:
    rng = np.random.default_rng(11)
    counts = st.random_counts(rng)
    return counts, counts.toarray().astype(float), st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))


def test_pair_kernels_equal_their_naive_twins(table) -> None:
    counts, dense, tree = table
    values = counts.astype(float)
    nodes = branches.node_matrix(values, tree.tip_nodes, tree.parent)
    weighted = branches.branch_proportions(nodes, tree.length, dense.sum(1))
    found = {
        "braycurtis": (pairs.braycurtis(values), st.naive_braycurtis),
        "jaccard": (pairs.jaccard(values), st.naive_jaccard),
        "aitchison": (pairs.aitchison(values, 1.0), st.naive_aitchison),
        "unweighted": (pairs.jaccard(nodes, tree.length), lambda x, y: st.naive_unweighted_unifrac(tree, x, y)),
        "weighted": (pairs.braycurtis(weighted), lambda x, y: st.naive_weighted_unifrac(tree, x, y)),
    }
    for name, (matrix, naive) in found.items():
        for i, j in itertools.combinations(range(dense.shape[0]), 2):
            assert matrix[i, j] == pytest.approx(naive(dense[i], dense[j]), rel=1e-12, abs=1e-12), name
        assert np.array_equal(matrix, matrix.T), name
        assert not matrix.diagonal().any(), name


def test_identical_samples_are_at_distance_zero_even_where_sums_cancel() -> None:
    rng = np.random.default_rng(2)
    counts = st.random_counts(rng, n=3, p=500)
    twice = st.sparse.vstack([counts, counts]).tocsr().astype(float)
    assert pairs.aitchison(twice, 1.0)[0, 3] == 0.0
    assert pairs.braycurtis(twice)[1, 4] == 0.0


def test_blocks_and_threads_change_no_bit(table) -> None:
    counts, _, tree = table
    values = counts.astype(float)
    nodes = branches.node_matrix(values, tree.tip_nodes, tree.parent)
    for kernel in (
        pairs.braycurtis,
        pairs.jaccard,
        lambda m, **k: pairs.aitchison(m, 1.0, **k),
        lambda m, **k: pairs.jaccard(nodes, tree.length, **k),
    ):
        whole = kernel(values)
        use_threads(1)
        blocks = np.vstack([kernel(values, start=a, stop=b) for a, b in ((0, 5), (5, 6), (6, 12))])
        use_threads(2)
        assert np.array_equal(whole, blocks)


def test_two_empty_samples_have_no_distance() -> None:
    empty = st.sparse.csr_matrix((2, 4))
    assert np.isnan(pairs.braycurtis(empty)[0, 1])


def test_distances_equal_scikit_bio(table) -> None:
    from skbio import TreeNode
    from skbio.diversity import beta_diversity

    counts, dense, tree = table
    whole = dense.astype(int)
    newick = _newick(tree)
    node = TreeNode.read([newick], format="newick", convert_underscores=False)
    taxa = list(tree.tip_names)
    values = counts.astype(float)
    nodes = branches.node_matrix(values, tree.tip_nodes, tree.parent)
    assert np.allclose(pairs.braycurtis(values), beta_diversity("braycurtis", whole).data, rtol=0, atol=1e-12)
    assert np.allclose(pairs.jaccard(values), beta_diversity("jaccard", whole).data, rtol=0, atol=1e-12)
    unweighted = beta_diversity("unweighted_unifrac", whole, taxa=taxa, tree=node).data
    weighted = beta_diversity("weighted_unifrac", whole, taxa=taxa, tree=node, normalized=True).data
    assert np.allclose(pairs.jaccard(nodes, tree.length), unweighted, rtol=0, atol=1e-12)
    proportions = branches.branch_proportions(nodes, tree.length, dense.sum(1))
    assert np.allclose(pairs.braycurtis(proportions), weighted, rtol=0, atol=1e-12)


def _newick(tree) -> str:
    texts: list[list[str]] = [[] for _ in tree.parent]
    names = dict(zip(tree.tip_nodes.tolist(), tree.tip_names, strict=True))
    for v, up in enumerate(tree.parent):
        text = f"({','.join(texts[v])})" if texts[v] else names[v]
        if up < 0:
            return text + ";"
        texts[up].append(f"{text}:{float(tree.length[v])!r}")
    raise AssertionError
