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


STEP, WORD = 0x9E3779B97F4A7C15, (1 << 64) - 1


def mixed(z: int) -> int:
    """SplitMix64's finaliser in whole numbers of any size."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
    return z ^ (z >> 31)


def naive_draw(counts: list[int], depth: int, key: int, seed: int, draw: int) -> list[int]:
    """Floyd's algorithm with a set of reads, each read a number, and rejection by division: no bits, no words."""
    total = sum(counts)
    smaller = min(depth, total - depth)
    state = mixed(seed) ^ mixed(key + STEP * (draw + 1) & WORD)
    taken: set[int] = set()
    for j in range(total - smaller, total):
        while True:
            state = state + STEP & WORD
            number = mixed(state) >> 32
            if number * (j + 1) % 2**32 >= 2**32 % (j + 1):  # as many numbers lead to each read
                break
        read = number * (j + 1) // 2**32
        taken.add(j if read in taken else read)
    ends = np.cumsum([0, *counts])
    held = [sum(a <= read < b for read in taken) for a, b in itertools.pairwise(ends.tolist())]
    return held if smaller == depth else [x - h for x, h in zip(counts, held, strict=True)]


def test_a_draw_equals_its_naive_twin_read_for_read() -> None:
    counts = st.random_counts(np.random.default_rng(3))
    indptr = counts.indptr.astype(np.int64)
    compared = 0
    for depth in (1, 7, 64, 200):
        for draw in (0, 3):
            found = draws.rarefied(indptr, counts.data, depth, KEYS, 11, draw)
            for i in range(12):
                own = slice(indptr[i], indptr[i + 1])
                row = counts.data[own].tolist()
                smaller = min(depth, sum(row) - depth)
                if 0 < smaller <= 64 * sum(x > 0 for x in row):  # beyond, whole features are drawn
                    assert found[own].tolist() == naive_draw(row, depth, int(KEYS[i]), 11, draw)
                    compared += 1
    assert compared > 40


def test_stored_zeros_do_not_change_a_draw() -> None:
    indptr, data = csr([9, 4, 2])
    sparse = draws.rarefied(indptr, data, 5, KEYS[:1], 5, 0)
    padded = draws.rarefied(np.array([0, 5]), np.array([9, 0, 4, 2, 0]), 5, KEYS[:1], 5, 0)
    assert padded.tolist() == [sparse[0], 0, sparse[1], sparse[2], 0]


def by_feature(data: np.ndarray, depth: int, draw: int) -> np.ndarray:
    out = np.zeros(data.size, np.int64)
    draws._by_feature(data, int(data.sum()), depth, np.uint64(draws.stream(5, KEYS[0], draw)), out)
    return out


def one_sample(data: np.ndarray, depth: int, draw: int, key: np.uint64 = KEYS[0]) -> np.ndarray:
    out, total = np.zeros(data.size, np.int64), int(data.sum())
    draws.take(data, total, depth, np.uint64(draws.stream(5, key, draw)), draws.scratch(total), out)
    return out


def test_a_table_is_drawn_as_its_samples_are() -> None:
    indptr, data = csr([9, 4, 2], [7, 7, 1])
    both = draws.rarefied(indptr, data, 5, KEYS[:2], 5, 3)
    assert np.array_equal(both, np.r_[one_sample(data[:3], 5, 3), one_sample(data[3:], 5, 3, KEYS[1])])


@pytest.mark.parametrize("way", [one_sample, by_feature])
@pytest.mark.parametrize("depth", [3, 12])  # fewer and more than half of the 15 reads
def test_every_possible_draw_comes_as_often_as_it_should(depth: int, way) -> None:
    # all (a, b, c) with a <= 9, b <= 4, c <= 2 and a + b + c = depth: the multivariate hypergeometric distribution
    data, times = np.array([9, 4, 2]), 20_000
    seen = np.array([way(data, depth, d) for d in range(times)])
    possible = [k for k in itertools.product(range(10), range(5), range(3)) if sum(k) == depth]
    weight = [math.comb(9, a) * math.comb(4, b) * math.comb(2, c) / math.comb(15, depth) for a, b, c in possible]
    assert sum(weight) == pytest.approx(1)
    counted = [(seen == k).all(axis=1).sum() for k in possible]
    assert sum(counted) == times
    assert chisquare(counted, np.array(weight) * times).pvalue > 1e-3


@pytest.mark.parametrize("depth", [300, 50_000, 20_500_000])  # by reads, and by features: fewer and more than half
def test_draws_from_a_deep_sample_have_the_moments_of_the_hypergeometric_distribution(depth: int) -> None:
    data = np.array([20_000_000, 700_000, 90_000, 9_000, 900, 100])
    total, times = int(data.sum()), 400
    seen = np.array([one_sample(data, depth, d) for d in range(times)], dtype=float)
    assert (seen.sum(axis=1) == depth).all()
    assert (seen <= data).all()
    for j, held in enumerate(data):
        mean, variance = hypergeom.stats(total, int(held), depth)
        assert abs(seen[:, j].mean() - mean) < 4.5 * math.sqrt(variance / times)
        if min(mean, held - mean) > 5:  # where the variance of the variance is near the normal one
            assert abs(seen[:, j].var() / variance - 1) < 4.5 * math.sqrt(2 / times)
    assert np.corrcoef(seen[:, 0], seen[:, 1])[0, 1] < -0.8, "what one feature takes the others lose"


@pytest.mark.parametrize("depth", [640, 641])  # 10 features: by reads up to 64 reads each, by features beyond
def test_one_feature_of_a_draw_is_hypergeometric_whichever_way_it_is_drawn(depth: int) -> None:
    data = np.array([400, 300, 250, 200, 150, 100, 60, 30, 9, 1])
    times = 3000
    seen = np.array([one_sample(data, depth, d) for d in range(times)])
    for j in (0, 5, 8):
        exact = hypergeom(int(data.sum()), int(data[j]), depth)
        edges = np.unique(exact.ppf([0.1, 0.25, 0.5, 0.75, 0.9]).astype(int))
        expected = np.diff([0.0, *exact.cdf(edges), 1.0]) * times
        counted = np.bincount(np.searchsorted(edges, seen[:, j]), minlength=edges.size + 1)
        wanted = expected > 5
        assert chisquare(counted[wanted], expected[wanted] * counted[wanted].sum() / expected[wanted].sum()).pvalue > 1e-3


def test_draws_of_one_sample_are_independent_of_each_other_and_of_other_samples() -> None:
    data = np.array([40, 60])
    seen = np.array([[one_sample(data, 30, d, key)[0] for key in KEYS[:2]] for d in range(4000)], dtype=float)
    assert abs(np.corrcoef(seen.T)[0, 1]) < 4.5 / math.sqrt(4000)
    assert abs(np.corrcoef(seen[1:, 0], seen[:-1, 0])[0, 1]) < 4.5 / math.sqrt(4000)


def test_a_sample_of_more_reads_than_can_be_marked_is_drawn_all_the_same() -> None:
    data = np.array([2**33, 2**32, 5])
    seen = np.array([one_sample(data, 300, d) for d in range(300)])
    assert (seen.sum(axis=1) == 300).all()
    assert abs(seen[:, 0].mean() - 200) < 4.5 * math.sqrt(300 * 2 / 9 / 300)
