"""Row kernels against their naive twins, hand calculation and the exact distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
import strategies as st
from scipy.stats import hypergeom

from gutdiv.numerics import branches, rows
from gutdiv.numerics.jit import use_threads

KEYS = np.arange(1, 13, dtype=np.uint64) * np.uint64(7919)


def csr(*samples: list[int]):
    matrix = st.sparse.csr_matrix(np.array(samples, np.int64))
    return matrix.indptr.astype(np.int64), matrix.data


def test_sums_over_a_sample_by_hand() -> None:
    indptr, data = csr([1, 1, 2, 0], [5, 0, 0, 0], [0, 0, 0, 0])
    assert rows.totals(indptr, data).tolist() == [4, 5, 0]
    assert rows.tallied(indptr, data, 0).tolist() == [3, 1, 0]
    assert rows.tallied(indptr, data, 1).tolist() == [2, 0, 0]
    assert rows.entropy(indptr, data)[:2] == pytest.approx([1.5 * math.log(2), 0.0])
    assert rows.concentration(indptr, data)[:2] == pytest.approx([0.375, 1.0])
    assert np.isnan(rows.entropy(indptr, data)[2])
    assert np.isnan(rows.concentration(indptr, data)[2])


def test_a_draw_holds_exactly_its_depth_and_never_more_than_there_was() -> None:
    counts = st.random_counts(np.random.default_rng(3))
    indptr = counts.indptr.astype(np.int64)
    total = np.asarray(counts.sum(1)).ravel()
    depth = int(np.median(total))
    drawn = rows.rarefied(indptr, counts.data, depth, KEYS, 1, 0)
    assert rows.totals(indptr, drawn).tolist() == [depth if t >= depth else 0 for t in total]
    assert np.all(drawn <= counts.data)


def test_a_draw_depends_on_seed_id_and_number_only() -> None:
    counts = st.random_counts(np.random.default_rng(3))
    indptr = counts.indptr.astype(np.int64)
    whole = rows.rarefied(indptr, counts.data, 20, KEYS, 1, 4)
    use_threads(1)
    assert np.array_equal(whole, rows.rarefied(indptr, counts.data, 20, KEYS, 1, 4))
    use_threads(2)
    backwards = counts[::-1].tocsr()
    again = rows.rarefied(backwards.indptr.astype(np.int64), backwards.data, 20, KEYS[::-1].copy(), 1, 4)
    flipped = st.sparse.csr_matrix((again, backwards.indices, backwards.indptr), shape=counts.shape)[::-1].tocsr()
    assert np.array_equal(whole, flipped.data)
    assert not np.array_equal(whole, rows.rarefied(indptr, counts.data, 20, KEYS, 1, 5))
    assert not np.array_equal(whole, rows.rarefied(indptr, counts.data, 20, KEYS, 2, 4))


@pytest.mark.parametrize("depth", [3, 12])  # both branches: fewer and more than half of the 15 reads
def test_draws_follow_the_hypergeometric_distribution(depth: int) -> None:
    indptr, data = csr([9, 4, 2])
    draws = np.array([rows.rarefied(indptr, data, depth, KEYS[:1], 5, d) for d in range(4000)])
    for j, n in enumerate(data):
        expected = hypergeom(15, int(n), depth)
        seen = np.bincount(draws[:, j], minlength=n + 1) / 4000
        error = 4.5 * np.sqrt(expected.pmf(np.arange(n + 1)) / 4000) + 1e-3
        assert np.all(np.abs(seen - expected.pmf(np.arange(n + 1))) < error)


def test_expected_richness_and_coverage_are_the_means_over_all_subsets() -> None:
    from itertools import combinations

    reads = [0, 0, 0, 1, 1, 2]
    indptr, data = csr([3, 2, 1])
    subsets = list(combinations(range(6), 3))
    kinds = [np.bincount([reads[i] for i in s], minlength=3) for s in subsets]
    assert rows.expected_richness(indptr, data, 3)[0] == pytest.approx(np.mean([(k > 0).sum() for k in kinds]), rel=1e-12)
    assert rows.expected_coverage(indptr, data, 3)[0] == pytest.approx(np.mean([1 - (k == 1).sum() / 3 for k in kinds]), rel=1e-12)
    assert np.isnan(rows.expected_richness(indptr, data, 7)[0])


def test_faith_pd_equals_the_walk_over_sets_of_branches() -> None:
    rng = np.random.default_rng(8)
    counts = st.random_counts(rng)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    found = branches.faith(counts.indptr.astype(np.int64), counts.indices, counts.data, tree.tip_nodes, tree.parent, tree.length)
    expected = [sum(tree.length[v] for v in st.branch_sets(tree, row > 0)) for row in counts.toarray()]
    assert found == pytest.approx(expected, rel=1e-12)
