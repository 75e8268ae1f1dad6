"""Exact expectations under rarefaction against enumeration, rational numbers, naive twins and published values."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import strategies as st
from scipy.stats import hypergeom

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
def test_expectations_equal_sums_over_the_hypergeometric_distribution(depth: int) -> None:
    counts = st.random_counts(np.random.default_rng(4))
    indptr = counts.indptr.astype(np.int64)
    found = {
        kernel: kernel(indptr, counts.data, np.full(12, depth))
        for kernel in (ex.expected_richness, ex.expected_coverage, ex.expected_concentration, ex.expected_entropy, ex.richness_spread)
    }
    k = np.arange(1, depth + 1)
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
        chance = [hypergeom(total, x, depth).pmf(k) for x in held]
        expected = {
            ex.expected_richness: float(sum(1 - q for q in missed)),
            ex.expected_coverage: 1 - sum(p[0] for p in chance) / depth,
            ex.expected_concentration: sum((p * (k / depth) ** 2).sum() for p in chance),
            ex.expected_entropy: -sum((p * k / depth * np.log(k / depth)).sum() for p in chance),
            ex.richness_spread: math.sqrt(variance),
        }
        for kernel, value in expected.items():
            # scipy's hypergeometric probabilities are good to about 1e-10; the rational ones are exact
            tight = 1e-12 if kernel is ex.expected_richness else 1e-9
            assert found[kernel][i] == pytest.approx(value, rel=tight, abs=tight), kernel.__name__


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
