"""Permutations and pseudo-F against naive twins, exhaustive enumeration and hand calculation."""

from __future__ import annotations

import itertools
from collections import Counter
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutdiv.numerics.permutation import count_arrangements, permutation_p, permute_rows, permute_subjects
from gutdiv.numerics.projection import (
    Projection,
    gathered,
    gower_centred,
    independent_basis,
    marginal,
    pseudo_f,
    sequential,
    sums_of_squares,
)

BLOCKS = st.lists(st.integers(0, 3), min_size=1, max_size=12).map(lambda b: np.array(b, dtype=np.intp))


@settings(max_examples=150, deadline=None)
@given(BLOCKS, st.integers(0, 2**63 - 1), st.integers(0, 50))
def test_rows_are_permuted_and_stay_in_their_blocks(blocks: np.ndarray, seed: int, number: int) -> None:
    taken = permute_rows(seed, number, blocks=blocks)
    assert sorted(taken) == list(range(blocks.size))
    np.testing.assert_array_equal(blocks[taken], blocks)
    np.testing.assert_array_equal(taken, permute_rows(seed, number, blocks=blocks))


@settings(max_examples=150, deadline=None)
@given(BLOCKS, st.integers(0, 2**63 - 1), st.integers(0, 50))
def test_whole_subjects_are_permuted_within_blocks_and_samples_follow(rows: np.ndarray, seed: int, number: int) -> None:
    subjects = np.unique(rows, return_inverse=True)[1]
    n_subjects = subjects.max() + 1
    blocks = np.arange(n_subjects) % 2
    taken = permute_subjects(seed, number, subjects=subjects, blocks=blocks)
    to = {int(s): {int(subjects[t]) for t in taken[subjects == s]} for s in range(n_subjects)}
    assert all(len(t) == 1 for t in to.values())  # all samples of a subject take the values of one other subject
    assert sorted(t.pop() for t in map(set, to.values())) == list(range(n_subjects))
    np.testing.assert_array_equal(blocks[subjects[taken]], blocks[subjects])


def test_every_permutation_is_equally_frequent() -> None:
    blocks = np.array([0, 1, 0, 1, 0])  # 3! * 2! = 12 permutations
    drawn = Counter(tuple(permute_rows(5, k, blocks=blocks).tolist()) for k in range(6000))
    assert len(drawn) == 12
    # chi-squared with 11 degrees of freedom: beyond 31.3 once in a thousand seeds
    assert sum((c - 500) ** 2 / 500 for c in drawn.values()) < 31.3


def test_seeds_and_numbers_give_other_permutations() -> None:
    blocks = np.zeros(30, dtype=np.intp)
    assert len({tuple(permute_rows(s, k, blocks=blocks).tolist()) for s in range(5) for k in range(5)}) == 25


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=7), st.booleans())
def test_arrangements_are_counted_as_by_enumeration(pairs: list[tuple[int, int]], exchangeable: bool) -> None:
    labels = np.unique([p[0] for p in pairs], return_inverse=True)[1]
    blocks = np.unique([p[1] for p in pairs], return_inverse=True)[1]
    seen = set()
    for order in itertools.permutations(range(len(pairs))):
        if all(blocks[o] == b for o, b in zip(order, blocks, strict=True)):
            arranged = tuple(int(labels[o]) for o in order)
            parts = frozenset(frozenset(i for i, a in enumerate(arranged) if a == v) for v in set(arranged))
            seen.add(parts if exchangeable else arranged)
    assert count_arrangements(labels, blocks, exchangeable=exchangeable) == len(seen)


def test_large_numbers_of_arrangements_are_counted_too() -> None:
    labels = np.repeat([0, 1], [30, 30])
    assert count_arrangements(labels, np.zeros(60, dtype=np.intp), exchangeable=False) == pytest.approx(comb(60, 30), rel=1e-9)
    assert np.isfinite(count_arrangements(np.arange(5000), np.zeros(5000, dtype=np.intp), exchangeable=False))
    assert count_arrangements(np.arange(9), np.zeros(9, dtype=np.intp), exchangeable=False) == factorial(9)


def test_p_counts_the_observed_value_and_ties_but_for_rounding() -> None:
    permuted = np.array([[1.0], [2.0 - 1e-12], [2.0], [3.0], [1.99]])
    assert permutation_p(np.array([2.0]), permuted)[0] == (1 + 3) / 6
    assert permutation_p(np.array([9.0]), permuted)[0] == 1 / 6


def design(rng: np.random.Generator, n: int) -> tuple[np.ndarray, list[slice]]:
    """Make a design: a factor of three levels, a number, and their interaction."""
    factor = rng.permutation(np.arange(n) % 3)
    x = rng.normal(size=n)
    a = np.stack([factor == 1, factor == 2], axis=1).astype(float)
    return np.column_stack([np.ones(n), a, x, a * x[:, None]]), [slice(1, 3), slice(3, 4), slice(4, 6)]


def distances(rng: np.random.Generator, n: int) -> np.ndarray:
    """Make Bray-Curtis distances, which are not Euclidean."""
    counts = rng.gamma(0.3, size=(n, 8)) + 0.01
    return np.abs(counts[:, None] - counts[None]).sum(2) / (counts[:, None] + counts[None]).sum(2)


def hat(matrix: np.ndarray) -> np.ndarray:
    """Return the projector on the columns of a matrix."""
    return np.asarray(matrix @ np.linalg.pinv(matrix))


def naive_squares(d: np.ndarray, matrix: np.ndarray, full: np.ndarray, reduced: np.ndarray) -> tuple[float, float, float]:
    """Sums of squares of a term, of residuals and in total, from projectors and loops over pairs."""
    n = len(d)
    a = np.array([[-d[i, j] ** 2 / 2 for j in range(n)] for i in range(n)])
    centre = np.eye(n) - np.ones((n, n)) / n
    g = centre @ a @ centre
    term = np.trace((hat(matrix) - hat(reduced)) @ g)
    total = sum(d[i, j] ** 2 for i in range(n) for j in range(i)) / n
    return term, np.trace((np.eye(n) - hat(full)) @ g), total


@pytest.mark.parametrize("seed", range(5))
def test_sums_of_squares_equal_those_of_explicit_projectors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 17
    matrix, slices = design(rng, n)
    d = distances(rng, n)
    by_terms = sums_of_squares(gower_centred(d), sequential(matrix, slices))
    reduced = [np.delete(matrix, np.r_[s], axis=1) for s in slices]
    by_margin = sums_of_squares(gower_centred(d), marginal(matrix, reduced))
    for k, s in enumerate(slices):
        expected = naive_squares(d, matrix[:, : s.stop], matrix, matrix[:, : s.start])
        np.testing.assert_allclose([by_terms[0][k], *by_terms[1:]], expected, rtol=1e-10)
        expected = naive_squares(d, matrix, matrix, reduced[k])
        np.testing.assert_allclose([by_margin[0][k], *by_margin[1:]], expected, rtol=1e-10)


def test_permuted_pseudo_f_equal_those_of_permuted_distances() -> None:
    rng = np.random.default_rng(3)
    n = 15
    matrix, slices = design(rng, n)
    d = distances(rng, n)
    observed = marginal(matrix, [np.delete(matrix, np.r_[s], axis=1) for s in slices])
    maps = [permute_rows(1, k, blocks=np.arange(n) // 5) for k in range(120)]  # 600 columns: several batches
    got = pseudo_f(gower_centred(d), lambda k: Projection(observed.basis[maps[k]], observed.directions), 120, n_terms=3)
    for k, taken in enumerate(maps):
        moved = matrix[taken]
        for j, s in enumerate(slices):
            term, residual, _ = naive_squares(d, moved, moved, np.delete(moved, np.r_[s], axis=1))
            assert got[k, j] == pytest.approx((term / (s.stop - s.start)) / (residual / (n - 6)), rel=1e-9)


def test_rows_gathered_from_a_projection_project_as_the_design_gathered_from_the_same_rows() -> None:
    rng = np.random.default_rng(7)
    subjects = np.repeat(np.arange(12), rng.integers(1, 4, 12))
    n = subjects.size
    within, slices = design(rng, 12)
    matrix = within[subjects]
    gower = gower_centred(distances(rng, n))
    reduced = [np.delete(matrix, np.r_[s], axis=1) for s in slices]
    for k in range(20):
        taken = permute_subjects(1, k, subjects=subjects, blocks=np.zeros(12, dtype=np.intp))
        for ordered, whole, anew in (
            (True, sequential(matrix, slices), sequential(matrix[taken], slices)),
            (False, marginal(matrix, reduced), marginal(matrix[taken], [r[taken] for r in reduced])),
        ):
            got, expected = sums_of_squares(gower, gathered(whole, taken, ordered=ordered)), sums_of_squares(gower, anew)
            np.testing.assert_allclose([*got[0], *got[1:]], [*expected[0], *expected[1:]], rtol=1e-10)


def test_one_factor_by_hand() -> None:
    # three samples, groups {1, 2} and {3}, distances 1 (1-2), 2 (1-3), 2 (2-3): total (1 + 4 + 4) / 3 = 3, within 1 / 2, F = 2.5 / .5 = 5
    d = np.array([[0, 1, 2], [1, 0, 2], [2, 2, 0.0]])
    projection = sequential(np.array([[1, 0], [1, 0], [1, 1.0]]), [slice(1, 2)])
    terms, residual, total = sums_of_squares(gower_centred(d), projection)
    np.testing.assert_allclose([terms[0], residual, total], [2.5, 0.5, 3.0], rtol=1e-12)
    assert pseudo_f(gower_centred(d), lambda _: projection, 1, n_terms=1)[0, 0] == pytest.approx(5.0, rel=1e-12)


def test_columns_without_news_are_left_out_of_a_basis() -> None:
    x = np.array([1.0, 2, 4, 8, 16, 32])
    matrix = np.column_stack([np.ones(6), x, 3 - 2 * x, np.full(6, 7.0), x**2, x + 1e-9 * x**2])
    basis, places = independent_basis(matrix)
    assert places.tolist() == [1, 4]
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-14)


def test_a_term_lost_in_a_permuted_design_counts_as_reached() -> None:
    rng = np.random.default_rng(0)
    d = distances(rng, 6)
    flat = np.column_stack([np.ones(6), np.arange(6.0), np.zeros(6)])
    f = pseudo_f(gower_centred(d), lambda _: sequential(flat, [slice(1, 2), slice(2, 3)]), 1, n_terms=2)
    assert np.isfinite(f[0, 0])
    assert f[0, 1] == np.inf
