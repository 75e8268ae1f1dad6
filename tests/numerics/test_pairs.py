"""Pair kernels against their naive twins, whatever the tiles, rows, threads, order and precision."""

from __future__ import annotations

import itertools
import math
from functools import partial

import beta_twins
import numpy as np
import pytest
import strategies as st

from gutdiv.numerics import branches, pairs, tiles
from gutdiv.numerics.jit import use_threads
from gutdiv.numerics.rows import Branches
from gutdiv.numerics.span import Condensed

KERNELS = {
    "braycurtis": lambda m, _, **w: pairs.braycurtis(m, **w),
    "ruzicka": lambda m, _, **w: pairs.ruzicka(m, **w),
    "jaccard": lambda m, _, **w: pairs.jaccard(m, **w),
    "aitchison": lambda m, _, **w: pairs.aitchison(m, 1.0, **w),
    "jensenshannon": lambda m, _, **w: pairs.jensen_shannon(m, **w),
    "hellinger": lambda m, _, **w: pairs.hellinger(m, **w),
    "unweighted_unifrac": pairs.unweighted_unifrac,
    "weighted_unifrac": partial(pairs.weighted_unifrac, normalized=False),
    "weighted_unifrac_normalized": partial(pairs.weighted_unifrac, normalized=True),
    "generalized_unifrac": partial(pairs.generalized_unifrac, alpha=0.5),
    "va_unifrac": pairs.va_unifrac,
}
OF_PROPORTIONS = set(KERNELS) - {"braycurtis", "ruzicka", "jaccard", "aitchison", "unweighted_unifrac"}


def table(seed: int = 11, n: int = 21, p: int = 60, density: float = 0.3):
    """Counts of few to many features a sample, and a tree over them whose subtrees are no runs of nodes."""
    rng = np.random.default_rng(seed)
    counts = st.random_counts(rng, n, p, density).astype(float)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(p)))
    return counts, tree, Branches(tree.tip_nodes, tree.parent, tree.length)


@pytest.fixture(params=["all rare", "mixed", "all common"])
def tiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small tiles, so that a small table has many, and each way in which a feature can be summed."""
    monkeypatch.setattr(tiles, "_BLOCK", dict.fromkeys((2, 4, 8), 8))
    monkeypatch.setattr(tiles, "_PANEL", dict.fromkeys((2, 4, 8), 13))
    share = {"all rare": 2.0, "mixed": 0.3, "all common": 0.0}[request.param]
    monkeypatch.setattr(tiles, "_COMMON", dict.fromkeys((2, 4, 8), share))
    return request.param


@pytest.mark.parametrize("name", KERNELS)
def test_distances_equal_their_naive_twins(name: str, tiled: str) -> None:
    counts, tree, arrays = table()
    dense = counts.toarray()
    matrix = KERNELS[name](counts, arrays)
    for i, j in itertools.combinations(range(dense.shape[0]), 2):
        assert matrix[i, j] == pytest.approx(beta_twins.twin(name, tree, dense[i], dense[j]), rel=1e-12, abs=1e-12)
    assert np.array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any()


@pytest.mark.parametrize("name", KERNELS)
def test_rows_threads_shape_and_order_change_no_bit(name: str, tiled: str) -> None:
    counts, _, arrays = table()
    n = counts.shape[0]
    kernel = KERNELS[name]
    for single in (False, True):
        whole = kernel(counts, arrays, single=single)
        assert whole.dtype == (np.float32 if single else np.float64)
        use_threads(1)
        blocks = [kernel(counts, arrays, single=single, start=a, stop=b) for a, b in ((0, 5), (5, 6), (6, 17), (17, n))]
        use_threads(2)
        assert np.array_equal(np.vstack(blocks), whole)
        condensed = kernel(counts, arrays, single=single, condensed=True)
        assert np.array_equal(condensed, whole[np.triu_indices(n, 1)])
        assert np.array_equal(Condensed(condensed, n).rows(0, n), whole)
        order = np.random.default_rng(3).permutation(n)
        assert np.array_equal(kernel(counts[order], arrays, single=single), whole[np.ix_(order, order)])


def test_any_rows_of_condensed_distances_are_those_of_the_square() -> None:
    square = np.random.default_rng(1).random((7, 7))
    square = np.triu(square, 1) + np.triu(square, 1).T
    condensed = Condensed(square[np.triu_indices(7, 1)], 7)
    for start, stop in itertools.combinations(range(8), 2):
        assert np.array_equal(condensed.rows(start, stop), square[start:stop])


@pytest.mark.parametrize("name", KERNELS)
def test_single_precision_is_the_double_one_to_five_digits(name: str) -> None:
    counts, _, arrays = table(seed=4, n=40, p=200)
    single = KERNELS[name](counts, arrays, single=True)
    assert single == pytest.approx(KERNELS[name](counts, arrays), rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("name", KERNELS)
def test_equal_samples_are_at_distance_zero_even_where_sums_cancel(name: str) -> None:
    counts, _, arrays = table(seed=2, n=3, p=300)
    twice = st.sparse.vstack([counts, counts]).tocsr()
    for single in (False, True):
        matrix = KERNELS[name](twice, arrays, single=single)
        assert [matrix[i, i + 3] for i in range(3)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["aitchison", "jensenshannon", "hellinger"])
def test_a_small_distance_keeps_its_digits(name: str) -> None:
    # the last sample is the first one with one read more among 2 million: in the large formula all digits would cancel
    rng = np.random.default_rng(8)
    dense = rng.integers(1, 100_000, (2, 40)).astype(float)
    close = np.vstack([dense, dense[0]])
    close[2, 7] += 1
    found = KERNELS[name](st.sparse.csr_matrix(close), None)[0, 2]
    if name == "aitchison":
        step = math.log1p(1 / (dense[0, 7] + 1))
        expected = step * math.sqrt(1 - 1 / 40)  # one entry of 40 moves by `step`, the mean by a fortieth of it
    else:
        # second order of both: sum (p - q)^2 / (4 (p + q)) for Hellinger's square x 1/2 and the divergence
        p, q = close[0] / close[0].sum(), close[2] / close[2].sum()
        square = math.fsum((a - b) ** 2 / (4 * (a + b)) for a, b in zip(p, q, strict=True))
        expected = math.sqrt(square if name == "jensenshannon" else 2 * square)
    assert found == pytest.approx(expected, rel=1e-9)


def test_hand_calculated_distances() -> None:
    # x = (1, 3, 0), y = (0, 3, 1): proportions (1/4, 3/4, 0) and (0, 3/4, 1/4)
    counts = st.sparse.csr_matrix(np.array([[1.0, 3, 0], [0, 3, 1]]))
    # tips f0, f1 join with branches 1 and 2, that node (3) and f2 (4) join at the root
    arrays = Branches(np.array([0, 1, 3]), np.array([2, 2, 4, 4, -1]), np.array([1.0, 2, 3, 4, 0]))
    expected = {
        "braycurtis": 2 / 8,
        "ruzicka": 1 - 3 / 5,
        "jaccard": 2 / 3,
        "jensenshannon": math.sqrt(0.25 * math.log(2)),
        "hellinger": math.sqrt(0.5),
        "unweighted_unifrac": (1 + 4) / 10,
        "weighted_unifrac": 1 / 4 + 3 / 4 + 4 / 4,
        "weighted_unifrac_normalized": 2 / (1 / 4 + 2 * 6 / 4 + 3 * 7 / 4 + 4 / 4),
        "aitchison": math.sqrt(2) * math.log(2),
        # roots of p + q: 1/2, root 3/2, root 7/4, 1/2
        "generalized_unifrac": (0.5 + 3 * 0.25 / math.sqrt(1.75) + 4 * 0.5) / (0.5 + 2 * math.sqrt(1.5) + 3 * math.sqrt(1.75) + 4 * 0.5),
        # m = 1, 6, 7, 1 of M = 8: roots of m (M - m) are root 7, root 12, root 7, root 7
        "va_unifrac": (2 / math.sqrt(7)) / ((1 / 4 + 21 / 4 + 4 / 4) / math.sqrt(7) + 3 / math.sqrt(12)),
    }
    assert set(expected) == set(KERNELS)
    for name, value in expected.items():
        assert KERNELS[name](counts, arrays)[0, 1] == pytest.approx(value, rel=1e-14), name


@pytest.mark.parametrize("name", KERNELS)
def test_what_an_empty_sample_has_no_distance_to(name: str) -> None:
    counts, _, arrays = table(n=4)
    with_empty = st.sparse.vstack([counts, st.sparse.csr_matrix((2, counts.shape[1]))]).tocsr()
    matrix = KERNELS[name](with_empty, arrays)
    assert not matrix.diagonal().any()
    assert np.isfinite(matrix[:4, :4]).all()
    if name in OF_PROPORTIONS:
        assert np.isnan(matrix[:4, 4:]).all()
        assert np.isnan(matrix[4, 5])
    elif name == "aitchison":
        assert matrix[4, 5] == 0.0  # two CLR of zeros
    else:
        assert (matrix[:4, 4:] == 1.0).all()
        assert np.isnan(matrix[4, 5])


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 1.0])
def test_generalised_unifrac_equals_its_twin_for_any_alpha(alpha: float) -> None:
    counts, tree, arrays = table(n=6)
    dense = counts.toarray()
    matrix = pairs.generalized_unifrac(counts, arrays, alpha=alpha)
    for i, j in itertools.combinations(range(6), 2):
        assert matrix[i, j] == pytest.approx(beta_twins.generalized_unifrac(tree, dense[i], dense[j], alpha), rel=1e-12)


def test_variance_adjusted_unifrac_of_equal_depths_equals_its_twin_bit_for_bit_by_rows() -> None:
    counts = st.sparse.csr_matrix(st.counts_of_depths([400] * 9, features=60).astype(float))
    tree = st.random_tree(np.random.default_rng(4), tuple(f"f{j:02d}" for j in range(60)))
    arrays = Branches(tree.tip_nodes, tree.parent, tree.length)
    dense = counts.toarray()
    matrix = pairs.va_unifrac(counts, arrays)
    for i, j in itertools.combinations(range(9), 2):
        assert matrix[i, j] == pytest.approx(beta_twins.va_unifrac(tree, dense[i], dense[j]), rel=1e-12)
    assert np.array_equal(pairs.va_unifrac(counts, arrays, start=2, stop=7), matrix[2:7])
    assert np.array_equal(pairs.va_unifrac(counts[::-1], arrays)[::-1, ::-1], matrix)
    assert np.array_equal(pairs.va_unifrac(counts, arrays, condensed=True), matrix[np.triu_indices(9, 1)])
    twice = st.sparse.vstack([counts, counts[:1]]).tocsr()
    assert pairs.va_unifrac(twice, arrays)[0, 9] == 0.0


@pytest.mark.parametrize("most", [2**16 - 1, 2**16, 2**24, 2**31, 2**40])
def test_counts_of_any_size_are_summed_exactly(most: int) -> None:
    dense = np.array([[most - 3, 1, 2, 0], [most // 2, 5, 0, 1], [0, most - 9, 3, 6]], float)
    found = pairs.braycurtis(st.sparse.csr_matrix(dense))
    for i, j in itertools.combinations(range(3), 2):
        assert found[i, j] == np.abs(dense[i] - dense[j]).sum() / (dense[i] + dense[j]).sum()
    single = pairs.braycurtis(st.sparse.csr_matrix(dense), single=True)
    assert single == pytest.approx(found, rel=1e-6)


@pytest.mark.parametrize("name", KERNELS)
def test_the_order_of_entries_within_a_row_does_not_count(name: str) -> None:
    counts, _, arrays = table(n=5)
    reverse = np.concatenate([np.arange(b, a, -1) - 1 for a, b in itertools.pairwise(counts.indptr)])
    backwards = st.sparse.csr_matrix((counts.data[reverse], counts.indices[reverse], counts.indptr), shape=counts.shape)
    assert not backwards.has_sorted_indices
    assert np.array_equal(KERNELS[name](backwards, arrays), KERNELS[name](counts, arrays))


def test_shares_are_summed_as_they_are() -> None:
    counts, _, _ = table()
    shares = st.sparse.csr_matrix(counts.multiply(1 / counts.sum(1)))
    dense = shares.toarray()
    assert pairs.braycurtis(shares)[0, 1] == pytest.approx(beta_twins.braycurtis(dense[0], dense[1]), rel=1e-12)


def test_a_sample_climbs_to_the_branches_above_its_features() -> None:
    counts, tree, arrays = table()
    dense = counts.toarray()
    for kind in (branches.PRESENCE, branches.PROPORTION, branches.COUNT):
        held, length = branches.branch_matrix(counts, arrays, kind=kind)
        assert held.has_sorted_indices
        assert sorted(length) == pytest.approx(sorted([*tree.length[:-1], 0.0]))
        for i in (0, 7):
            reads = np.array(beta_twins.below(tree, dense[i]))
            used = (reads > 0) & (tree.length > 0)
            used[-1] = False
            value = {0: tree.length, 1: tree.length * reads / dense[i].sum(), 2: reads}[kind]
            assert sorted(held[i].data) == pytest.approx(sorted(value[used]), rel=1e-14)


def test_a_tree_of_one_feature_and_a_table_of_one_sample_are_measured() -> None:
    counts = st.sparse.csr_matrix(np.array([[3.0], [5.0]]))
    arrays = Branches(np.array([0]), np.array([1, -1]), np.array([2.0, 0.0]))
    assert pairs.weighted_unifrac(counts, arrays, normalized=True).tolist() == [[0, 0], [0, 0]]
    assert pairs.braycurtis(counts[:1]).tolist() == [[0.0]]
    assert pairs.unweighted_unifrac(counts[:1], arrays, condensed=True).size == 0
