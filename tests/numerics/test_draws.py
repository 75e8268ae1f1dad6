"""Rarefaction draws against the exact distribution, and what they may depend on."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import strategies as st
from scipy.stats import chisquare, hypergeom

from gutdiv.numerics import draws, rows
from gutdiv.numerics.jit import use_threads

KEYS = np.arange(1, 13, dtype=np.uint64) * np.uint64(7919)


def csr(*samples: list[int]):
    matrix = st.sparse.csr_matrix(np.array(samples, np.int64))
    return matrix.indptr.astype(np.int64), matrix.data


def test_a_draw_holds_exactly_its_depth_and_never_more_than_there_was() -> None:
    counts = st.random_counts(np.random.default_rng(3))
    indptr = counts.indptr.astype(np.int64)
    total = np.asarray(counts.sum(1)).ravel()
    for depth in (1, 63, 64, 65, int(np.median(total)), int(total.max())):
        drawn = draws.rarefied(indptr, counts.data, depth, KEYS, 1, 0)
        assert rows.totals(indptr, drawn).tolist() == [depth if t >= depth else 0 for t in total]
        assert np.all((drawn >= 0) & (drawn <= counts.data))
    deepest = int(total.argmax())
    own = slice(indptr[deepest], indptr[deepest + 1])
    assert np.array_equal(draws.rarefied(indptr, counts.data, int(total.max()), KEYS, 1, 0)[own], counts.data[own]), "all reads: unchanged"


def test_a_draw_depends_on_seed_id_and_number_only() -> None:
    counts = st.random_counts(np.random.default_rng(3))
    indptr = counts.indptr.astype(np.int64)
    whole = draws.rarefied(indptr, counts.data, 20, KEYS, 1, 4)
    use_threads(1)
    assert np.array_equal(whole, draws.rarefied(indptr, counts.data, 20, KEYS, 1, 4))
    use_threads(2)
    backwards = counts[::-1].tocsr()
    again = draws.rarefied(backwards.indptr.astype(np.int64), backwards.data, 20, KEYS[::-1].copy(), 1, 4)
    flipped = st.sparse.csr_matrix((again, backwards.indices, backwards.indptr), shape=counts.shape)[::-1].tocsr()
    assert np.array_equal(whole, flipped.data)
    assert not np.array_equal(whole, draws.rarefied(indptr, counts.data, 20, KEYS, 1, 5))
    assert not np.array_equal(whole, draws.rarefied(indptr, counts.data, 20, KEYS, 2, 4))


def test_stored_zeros_do_not_change_a_draw() -> None:
    indptr, data = csr([9, 4, 2])
    sparse = draws.rarefied(indptr, data, 5, KEYS[:1], 5, 0)
    padded = draws.rarefied(np.array([0, 5]), np.array([9, 0, 4, 2, 0]), 5, KEYS[:1], 5, 0)
    assert padded.tolist() == [sparse[0], 0, sparse[1], sparse[2], 0]


@pytest.mark.parametrize("depth", [3, 12])  # both ways: fewer and more than half of the 15 reads
def test_every_possible_draw_comes_as_often_as_it_should(depth: int) -> None:
    # all (a, b, c) with a <= 9, b <= 4, c <= 2 and a + b + c = depth: the multivariate hypergeometric distribution
    indptr, data = csr([9, 4, 2])
    times = 20_000
    seen = np.array([draws.rarefied(indptr, data, depth, KEYS[:1], 5, d) for d in range(times)])
    possible = [k for k in itertools.product(range(10), range(5), range(3)) if sum(k) == depth]
    weight = [math.comb(9, a) * math.comb(4, b) * math.comb(2, c) / math.comb(15, depth) for a, b, c in possible]
    assert sum(weight) == pytest.approx(1)
    counted = [(seen == k).all(axis=1).sum() for k in possible]
    assert sum(counted) == times
    assert chisquare(counted, np.array(weight) * times).pvalue > 1e-3


def test_draws_from_a_deep_sample_have_the_moments_of_the_hypergeometric_distribution() -> None:
    indptr, data = csr([20_000_000, 700_000, 90_000, 9_000, 900, 100])
    total, depth, times = int(data.sum()), 50_000, 400
    seen = np.array([draws.rarefied(indptr, data, depth, KEYS[:1], 5, d) for d in range(times)], dtype=float)
    for j, held in enumerate(data):
        mean, variance = hypergeom.stats(total, int(held), depth)
        assert abs(seen[:, j].mean() - mean) < 4.5 * math.sqrt(variance / times)
        if mean > 5:  # where the variance of the variance is near the normal one
            assert abs(seen[:, j].var() / variance - 1) < 4.5 * math.sqrt(2 / times)
    assert np.corrcoef(seen[:, 0], seen[:, 1])[0, 1] < -0.9, "what one feature takes the others lose"


def test_draws_of_one_sample_are_independent_of_each_other_and_of_other_samples() -> None:
    counts = np.tile([40, 60], (2, 1))
    indptr, data = csr(*counts.tolist())
    seen = np.array([draws.rarefied(indptr, data, 30, KEYS[:2], 5, d)[[0, 2]] for d in range(4000)], dtype=float)
    assert abs(np.corrcoef(seen.T)[0, 1]) < 4.5 / math.sqrt(4000)
    assert abs(np.corrcoef(seen[1:, 0], seen[:-1, 0])[0, 1]) < 4.5 / math.sqrt(4000)


def test_from_two_to_the_thirty_second_on_positions_are_still_even() -> None:
    total, take = 2**32 + 2**20, 2000
    bits = np.zeros((total + 63) >> 6, np.uint64)  # pages that no bit falls on are never touched
    draws._mark(bits, total, take, draws.stream(1, KEYS[0], 0))
    words = np.flatnonzero(bits)
    assert sum(int(w).bit_count() for w in bits[words]) == take
    quarter = np.bincount((words * 4 * 64 // total).astype(int), minlength=4)
    assert chisquare(quarter).pvalue > 1e-3
