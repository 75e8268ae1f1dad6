"""Kernels of tests on distances against naive twins: half products, ANOSIM's R, Mantel's r, means between owners, and threads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr

from gutdiv.numerics.anosim import anosim_r, rank_matrix
from gutdiv.numerics.mantel import mantel_r, mean_blocks, partial_r, standardised
from gutdiv.numerics.projection import gower_centred, half_product
from gutdiv.numerics.threads import in_threads


def distances(n: int, seed: int = 0, *, tied: bool = False) -> np.ndarray:
    """Draw a symmetric matrix with zero diagonal."""
    d = np.random.default_rng(seed).random((n, n))
    d = np.round(d, 1) if tied else d
    return np.asarray(np.triu(d, 1) + np.triu(d, 1).T)


@pytest.mark.parametrize("n", [1, 7, 256, 300, 513])
def test_half_a_product_and_its_transpose_make_the_whole(n: int) -> None:
    rng = np.random.default_rng(n)
    symmetric = rng.normal(size=(n, n))
    symmetric += symmetric.T
    x = rng.normal(size=(5, n))
    half = half_product(x, symmetric) @ x.T
    np.testing.assert_allclose(half + half.T, x @ symmetric @ x.T, rtol=1e-10, atol=1e-9)


def test_centring_some_samples_is_centring_their_part_and_roots_are_squared_back() -> None:
    d = distances(300)
    places = np.random.default_rng(1).permutation(300)[:280]
    np.testing.assert_array_equal(gower_centred(d, places), gower_centred(d[np.ix_(places, places)]))
    np.testing.assert_allclose(gower_centred(d, square_root=True), gower_centred(np.sqrt(d)), atol=1e-14)
    single = d.astype(np.float32)
    np.testing.assert_array_equal(gower_centred(single), gower_centred(single.astype(np.float64)))


@pytest.mark.parametrize("tied", [False, True])
def test_anosims_r_equals_that_of_loops_over_pairs(tied: bool) -> None:
    d = distances(14, tied=tied)
    pairs = list(itertools.combinations(range(14), 2))
    ranks = rankdata([d[i, j] for i, j in pairs])
    arrangements = [np.random.default_rng(k).permutation(np.repeat([0, 1, 2], [3, 5, 6])) for k in range(200)]  # 600 columns: several batches
    got = anosim_r(rank_matrix(d), lambda k: arrangements[k], 200)
    for groups, r in zip(arrangements, got, strict=True):
        within = np.array([groups[i] == groups[j] for i, j in pairs])
        assert r == pytest.approx((ranks[~within].mean() - ranks[within].mean()) / (len(pairs) / 2), rel=1e-12)


def test_an_arrangement_without_a_pair_within_or_between_counts_as_reached() -> None:
    ranks = rank_matrix(distances(3))
    assert anosim_r(ranks, lambda _: np.array([0, 1, 2]), 1)[0] == np.inf
    assert anosim_r(ranks, lambda _: np.array([0, 0, 0]), 1)[0] == np.inf


@pytest.mark.parametrize("ranks", [False, True])
def test_mantels_r_equals_the_correlation_of_permuted_pairs(ranks: bool) -> None:
    x, y, z = (distances(290, seed) for seed in range(3))
    above = np.triu_indices(290, 1)
    parts = [standardised(m, ranks=ranks) for m in (x, y, z)]
    assert all(p is not None for p in parts)
    orders = [np.random.default_rng(k).permutation(290) for k in range(20)]
    got = mantel_r(parts[0], parts[1:], lambda k: orders[k], 20)
    correlation = spearmanr if ranks else pearsonr
    for k in (0, 15, 19):
        moved = x[np.ix_(orders[k], orders[k])][above]
        expected = [correlation(moved, other[above])[0] for other in (y, z)]
        np.testing.assert_allclose(got[k], expected, rtol=1e-9, atol=1e-13)
    assert standardised(np.ones((4, 4)) - np.eye(4), ranks=ranks) is None


def test_partial_correlation_is_that_of_residuals() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(size=40)
    x, y = z + rng.normal(size=40), z + rng.normal(size=40)
    left = [v - np.polyval(np.polyfit(z, v, 1), z) for v in (x, y)]
    xy, xz, yz = (np.array([pearsonr(a, b)[0]]) for a, b in ((x, y), (x, z), (y, z)))
    assert partial_r(xy, xz, float(yz[0]))[0] == pytest.approx(pearsonr(*left)[0], rel=1e-10)


def test_distances_between_owners_are_means_over_their_samples() -> None:
    d = distances(7)
    owners = np.array([0, 0, 1, 2, 2, 2, 1])
    means = mean_blocks(d, owners)
    for a, b in itertools.combinations(range(3), 2):
        assert means[a, b] == pytest.approx(np.mean([d[i, j] for i in range(7) for j in range(7) if (owners[i], owners[j]) == (a, b)]))
    np.testing.assert_array_equal(means, means.T)
    np.testing.assert_array_equal(means.diagonal(), 0)


def test_pieces_come_in_order_whatever_the_number_of_threads() -> None:
    for threads in (None, 1, 2, 5):
        assert in_threads(lambda k: k * k, 9, threads=threads) == [k * k for k in range(9)]
    assert in_threads(lambda k: k, 0) == []
