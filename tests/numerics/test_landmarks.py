"""Landmarks and what they err by, subsets in proportion, and R2 of all samples from a part of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist, squareform

from gutdiv.numerics.landmarks import aligned_correlation, axis_correlations, distance_error, fit_by_landmarks
from gutdiv.numerics.projection import gower_centred, sequential, sums_of_squares
from gutdiv.numerics.shares import jackknife_bias, jackknife_error, shares_of_all
from gutdiv.numerics.spectra import principal_coordinates
from gutdiv.numerics.subsets import drawn_order


def clouds(n: int = 400, seed: int = 3) -> np.ndarray:
    """Points in ten dimensions, three clouds of which differ in the first two."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 10)) * np.geomspace(2.0, 0.1, 10)
    points[:, :2] += rng.normal(size=(3, 2))[rng.integers(0, 3, n)] * 4
    return points


def by_landmarks(points: np.ndarray, landmarks: np.ndarray, n_axes: int, metric: str = "euclidean"):
    def between(others: np.ndarray) -> np.ndarray:
        return cdist(points[landmarks], points[np.concatenate([landmarks, others])], metric)

    return fit_by_landmarks(between, len(points), landmarks, n_axes)


@pytest.mark.parametrize("metric", ["euclidean", "braycurtis"])
def test_with_all_samples_as_landmarks_the_axes_are_the_exact_ones(metric: str) -> None:
    points = np.abs(clouds(120))
    exact = principal_coordinates(squareform(pdist(points, metric)), 5)
    found = by_landmarks(points, np.random.default_rng(1).permutation(120), 5, metric)
    assert found.axes == pytest.approx(exact.axes, abs=1e-9)
    assert found.eigenvalues == pytest.approx(exact.eigenvalues, rel=1e-9)
    assert found.proportion_explained == pytest.approx(exact.proportion_explained, rel=1e-9)
    assert found.negative_share == pytest.approx(exact.negative_share, abs=1e-12)
    assert np.isnan(found.spread).all(), "there are no other samples"


def test_euclidean_distances_of_few_dimensions_are_placed_exactly_by_a_few_landmarks() -> None:
    points = clouds(300)[:, :4]
    exact = principal_coordinates(squareform(pdist(points)), 4)
    found = by_landmarks(points, np.arange(0, 300, 20), 4)
    assert found.axes == pytest.approx(exact.axes, abs=1e-9)
    assert distance_error(found.axes, squareform(pdist(points))) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert axis_correlations(*found.halves) == pytest.approx(np.ones(4))


def test_strips_of_any_width_give_the_same_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    from gutdiv.numerics import landmarks

    points, chosen = np.abs(clouds(2600)), np.arange(0, 2600, 26)
    one = by_landmarks(points, chosen, 3, "braycurtis")
    monkeypatch.setattr(landmarks, "_CELLS", 100 * 77)
    other = by_landmarks(points, chosen, 3, "braycurtis")
    assert other.axes == pytest.approx(one.axes, abs=1e-12)


def test_more_landmarks_come_nearer_to_the_exact_axes() -> None:
    points = np.abs(clouds(600))
    exact = principal_coordinates(squareform(pdist(points, "braycurtis")), 3).axes
    order = np.random.default_rng(2).permutation(600)
    near = [aligned_correlation(by_landmarks(points, order[:k], 3, "braycurtis").axes, exact) for k in (20, 80, 320)]
    assert near == sorted(near)
    assert near[-1] > 0.999


def test_aligned_configurations_are_told_from_turned_ones() -> None:
    rng = np.random.default_rng(5)
    points = rng.normal(size=(50, 3))
    turned = points @ np.linalg.qr(rng.normal(size=(3, 3)))[0] * 7 + 4
    assert aligned_correlation(points, turned) == pytest.approx(1.0)
    assert aligned_correlation(points, rng.normal(size=(50, 3))) < 0.5
    assert axis_correlations(points, points[:, [1, 0, 2]])[2] == pytest.approx(1.0)


@pytest.mark.parametrize("size", [7, 50, 333])
def test_every_first_piece_holds_strata_in_proportion(size: int) -> None:
    strata = np.repeat([0, 1, 2, 3], [500, 300, 150, 50]).astype(np.intp)
    held = np.array([np.bincount(strata[drawn_order(strata, seed, 1)[:size]], minlength=4) for seed in range(200)])
    expected = size * np.array([0.5, 0.3, 0.15, 0.05])
    assert np.abs(held - expected).max() < 2, "less than one unit by rounding, and one for where the others' end"
    assert held.mean(axis=0) == pytest.approx(expected, abs=0.15)
    order = drawn_order(strata, 4, 1)
    assert sorted(order) == list(range(1000))
    assert np.array_equal(order, drawn_order(strata, 4, 1))
    assert not np.array_equal(order, drawn_order(strata, 4, 2))


def test_a_part_that_is_all_gives_r2_itself() -> None:
    rng = np.random.default_rng(1)
    groups = np.eye(3)[rng.integers(0, 3, 40)]
    design = np.column_stack([np.ones(40), groups[:, 1:]])
    gower = gower_centred(squareform(pdist(rng.gamma(1.0, size=(40, 6)) + groups @ rng.random((3, 6)), "braycurtis")))
    model = sequential(design, [slice(1, 3)])
    terms, _, total = sums_of_squares(gower, model)
    assert shares_of_all(gower, np.arange(40), model, 40) == pytest.approx(terms / total, rel=1e-12)


def test_r2_of_all_is_met_on_average_where_r2_of_the_part_is_too_large() -> None:
    rng = np.random.default_rng(6)
    n, m = 2000, 40
    label = rng.integers(0, 3, n)
    points = rng.normal(size=(n, 8)) + rng.normal(size=(3, 8))[label] * 0.1
    design = np.column_stack([np.ones(n), np.eye(3)[label][:, 1:]])
    gower = gower_centred(squareform(pdist(points)))
    terms, _, total = sums_of_squares(gower, sequential(design, [slice(1, 3)]))
    truth = float(terms[0] / total)
    found, naive = [], []
    for _ in range(400):
        rows = np.sort(rng.choice(n, m, replace=False))
        model = sequential(design[rows], [slice(1, 3)])
        found.append(float(shares_of_all(gower, rows, model, n)[0]))
        own, _, whole = sums_of_squares(gower_centred(squareform(pdist(points[rows]))), model)
        naive.append(float(own[0] / whole))
    error = float(np.std(found)) / 20
    assert abs(np.mean(found) - truth) < 4 * error
    assert np.mean(naive) - truth > 10 * error, "two columns among 39 degrees of freedom"


def test_the_jackknife_of_a_mean_is_its_standard_error_and_it_has_no_bias() -> None:
    values = np.random.default_rng(2).normal(size=30)
    left_out = np.array([[np.delete(values, k).mean()] for k in range(30)])
    assert jackknife_error(left_out, fraction=0.0) == pytest.approx([values.std(ddof=1) / np.sqrt(30)], rel=1e-12)
    assert jackknife_error(left_out, fraction=0.75) == pytest.approx([values.std(ddof=1) / np.sqrt(30) / 2], rel=1e-12)
    assert jackknife_bias(values.mean()[None], left_out, fraction=0.0) == pytest.approx([0.0], abs=1e-12)
    variance = np.array([[np.delete(values, k).var()] for k in range(30)])  # divided by n: too small by its n-th part
    assert jackknife_bias(values.var()[None], variance, fraction=0.0) == pytest.approx([-values.var(ddof=1) / 30], rel=1e-9)
