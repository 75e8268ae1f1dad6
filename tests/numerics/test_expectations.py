"""Exact expectations under rarefaction against enumeration, rational numbers, naive twins and published values."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import strategies as st

from gutdiv.numerics import expectations as ex


def csr(*samples: list[int]):
    matrix = st.sparse.csr_matrix(np.array(samples, np.int64))
    return matrix.indptr.astype(np.int64), matrix.data


def test_expectations_are_the_means_over_all_subsets_of_reads() -> None:
    reads = [0, 0, 0, 1, 1, 2]
    sample = (*csr([3, 2, 1]), np.array([3]))
    kinds = [np.bincount([reads[i] for i in s], minlength=3) for s in combinations(range(6), 3)]
    seen = [(k > 0).sum() for k in kinds]
    entropy = [-sum(v / 3 * math.log(v / 3) for v in k if v) for k in kinds]
    assert ex.expected_richness(*sample)[0] == pytest.approx(np.mean(seen), rel=1e-12)
    assert ex.richness_spread(*sample)[0] == pytest.approx(np.std(seen), rel=1e-12)
    assert ex.expected_coverage(*sample)[0] == pytest.approx(np.mean([1 - (k == 1).sum() / 3 for k in kinds]), rel=1e-12)
    assert ex.expected_concentration(*sample)[0] == pytest.approx(np.mean([(k**2).sum() / 9 for k in kinds]), rel=1e-12)
    assert ex.expected_entropy(*sample)[0] == pytest.approx(np.mean(entropy), rel=1e-12)
    for kernel in (ex.expected_richness, ex.richness_spread, ex.expected_coverage, ex.expected_concentration, ex.expected_entropy):
        assert np.isnan(kernel(*csr([3, 2, 1]), np.array([7]))[0])


@pytest.mark.parametrize("depth", [1, 2, 20, 100])
def test_expectations_equal_sums_over_the_hypergeometric_distribution_in_rational_numbers(depth: int) -> None:
    counts = st.random_counts(np.random.default_rng(4))
    indptr = counts.indptr.astype(np.int64)
    found = {
        kernel: kernel(indptr, counts.data, np.full(12, depth))
        for kernel in (ex.expected_richness, ex.expected_coverage, ex.expected_concentration, ex.expected_entropy, ex.richness_spread)
    }
    for i, row in enumerate(counts.toarray()):
        held, total = [int(x) for x in row if x], int(row.sum())
        if total < depth:
            assert all(np.isnan(values[i]) for values in found.values())
            continue
        missed = [Fraction(math.comb(total - x, depth), math.comb(total, depth)) for x in held]
        both = {
            (a, b): Fraction(math.comb(total - held[a] - held[b], depth), math.comb(total, depth))
            for a in range(len(held))
            for b in range(a)
        }
        variance = sum(q * (1 - q) for q in missed) + 2 * sum(v - missed[a] * missed[b] for (a, b), v in both.items())
        chance = [
            {t: Fraction(math.comb(x, t) * math.comb(total - x, depth - t), math.comb(total, depth)) for t in range(1, min(x, depth) + 1)}
            for x in held
        ]
        expected = {
            ex.expected_richness: float(sum(1 - q for q in missed)),
            ex.expected_coverage: float(1 - sum(p[1] for p in chance) / depth),
            ex.expected_concentration: float(sum(q * Fraction(t, depth) ** 2 for p in chance for t, q in p.items())),
            ex.expected_entropy: -math.fsum(float(q) * t / depth * math.log(t / depth) for p in chance for t, q in p.items()),
            ex.richness_spread: math.sqrt(variance),
        }
        for kernel, value in expected.items():
            assert found[kernel][i] == pytest.approx(value, rel=1e-12, abs=1e-12), kernel.__name__


@pytest.mark.parametrize("depth", [10, 100, 1500])
def test_the_spread_of_richness_keeps_its_digits_where_many_features_are_rare(depth: int) -> None:
    rng = np.random.default_rng(3)
    share = np.exp(rng.normal(0, 2.2, 400))
    counts = rng.multinomial(3000, share / share.sum())
    held, many = np.unique(counts[counts > 0], return_counts=True)
    ways = math.comb(3000, depth)
    missed = [Fraction(math.comb(3000 - int(x), depth), ways) for x in held]
    variance = Fraction(0)
    for a, (x, n) in enumerate(zip(held, many, strict=True)):
        variance += int(n) * missed[a] * (1 - missed[a])
        for b, (y, m) in enumerate(zip(held, many, strict=True)):
            pairs = int(n) * (int(m) - (a == b))
            variance += pairs * (Fraction(math.comb(max(3000 - int(x) - int(y), 0), depth), ways) - missed[a] * missed[b])
    found = ex.richness_spread(*csr(counts.tolist()), np.array([depth]))[0]
    assert found == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_a_common_depth_and_the_same_depth_for_each_sample_give_one_entropy() -> None:
    counts = st.random_counts(np.random.default_rng(6))
    indptr = counts.indptr.astype(np.int64)
    common = ex.expected_entropy(indptr, counts.data, np.full(12, 30))
    mixed = ex.expected_entropy(indptr, counts.data, np.r_[np.full(11, 30), 29])
    assert common[:11] == pytest.approx(mixed[:11], rel=1e-14, nan_ok=True)


def test_the_slope_of_the_curve_is_what_coverage_lacks() -> None:
    counts = st.random_counts(np.random.default_rng(6))
    sample = counts.indptr.astype(np.int64), counts.data
    slope = ex.expected_richness(*sample, np.full(12, 30)) - ex.expected_richness(*sample, np.full(12, 29))
    assert slope == pytest.approx(1 - ex.expected_coverage(*sample, np.full(12, 30)), rel=1e-9, nan_ok=True)


# Spiders of two canopy treatments (Ellison et al. 2010), the example of Chao et al. (2014, Ecol Monogr 84: 45-67), table 1: n = 168 and 252,
# S = 26 and 37, coverage 92.89 % and 94.46 %.
GIRDLED = [46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2, *[1] * 12]
LOGGED = [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, *[1] * 14]


def spiders():
    return np.array([0, len(GIRDLED), len(GIRDLED) + len(LOGGED)]), np.array(GIRDLED + LOGGED)


def test_sample_coverage_equals_the_published_values() -> None:
    assert (sum(GIRDLED), len(GIRDLED), sum(LOGGED), len(LOGGED)) == (168, 26, 252, 37)
    assert ex.sample_coverage(*spiders()).round(4).tolist() == [0.9289, 0.9446]
    assert ex.sample_coverage(*csr([1, 1, 1, 0], [5, 1, 0, 0], [4, 3, 0, 0])).tolist() == pytest.approx(
        [1 - 2 * 2 / (2 * 2 + 2), 1.0, 1.0]  # by hand: n = 3 and f1 = 3; f1 = 1 and f2 = 0; no singleton
    )


def test_sample_coverage_equals_its_naive_twin() -> None:
    counts = st.random_counts(np.random.default_rng(8))
    found = ex.sample_coverage(counts.indptr.astype(np.int64), counts.data)
    for i, row in enumerate(counts.toarray().tolist()):
        n, f1, f2 = sum(row), row.count(1), row.count(2)
        if n == 0:
            assert np.isnan(found[i])
            continue
        above = Fraction((n - 1) * f1) if f2 else Fraction((n - 1) * (f1 - 1)) if f1 else Fraction(0)
        unseen = above / (above + (2 * f2 if f2 else 2)) if above else 0
        assert found[i] == pytest.approx(float(1 - Fraction(f1, n) * unseen), rel=1e-12)


def naive_coverage(counts: list[int], depth: int) -> float:
    n = sum(counts)
    return 1 - float(sum(Fraction(x, n) * Fraction(math.comb(n - x, depth), math.comb(n - 1, depth)) for x in counts))


@pytest.mark.parametrize("coverage", [0.3, 0.7, 0.9, 0.92])
def test_equal_coverage_is_reached_with_as_few_reads_as_can_be(coverage: float) -> None:
    found = ex.depths_for_coverage(*spiders(), coverage)
    for counts, depth in zip((GIRDLED, LOGGED), found, strict=True):
        assert naive_coverage(counts, int(depth)) >= coverage > naive_coverage(counts, int(depth) - 1)


def test_a_coverage_that_no_part_of_a_sample_reaches_takes_the_whole_sample() -> None:
    assert ex.depths_for_coverage(*spiders(), 0.9999).tolist() == [168, 252]
