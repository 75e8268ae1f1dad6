"""The arithmetic behind links, against brute force, statsmodels and explicit refits."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.special import digamma
from scipy.stats import binom

from gutdiv.numerics import effort


def table(seed: int, n: int = 30, p: int = 12) -> np.ndarray:
    """Draw counts with zeros, ones and large values."""
    rng = np.random.default_rng(seed)
    return rng.poisson(np.exp(rng.normal(1.5, 2.0, (n, p)))).astype(np.int64)


def digamma_entropy(counts: np.ndarray) -> float:
    """psi(T) - sum x psi(x) / T, read by read."""
    total = int(counts.sum())
    if total < 2:
        return 0.0
    return float(digamma(total) - sum(x * digamma(x) for x in counts.tolist() if x) / total)


# ---------------------------------------------------------------- diversity of the rest
def test_entropy_of_the_rest_by_subtraction_is_the_entropy_of_the_table_without_the_taxon() -> None:
    counts = table(1)
    total, weight = counts.sum(axis=1).astype(float), effort.digamma_weight(counts)
    got = effort.rest_entropy(total[:, None] - counts, weight.sum(axis=1)[:, None] - weight)
    want = [[digamma_entropy(np.delete(row, j)) for j in range(row.size)] for row in counts]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


def test_collision_diversity_of_the_rest_by_subtraction_is_that_of_the_table_without_the_taxon() -> None:
    counts = table(2)
    pairs = (counts * (counts - 1)).astype(float)
    got = effort.rest_collision((counts.sum(axis=1)[:, None] - counts).astype(float), pairs.sum(axis=1)[:, None] - pairs)
    for i, row in enumerate(counts):
        for j in range(row.size):
            rest = np.delete(row, j)
            t, q = int(rest.sum()), int((rest * (rest - 1)).sum())
            assert got[i, j] == pytest.approx(np.log(t * (t - 1) / max(q, 1)), abs=1e-12)


def test_a_rest_of_no_or_one_read_has_no_diversity() -> None:
    assert effort.rest_entropy(np.array([0.0, 1.0]), np.array([0.0, float(digamma(1))])).tolist() == [0.0, 0.0]
    assert effort.rest_collision(np.array([0.0, 1.0]), np.zeros(2)).tolist() == [0.0, 0.0]


def test_digamma_entropy_of_two_equal_taxa_by_hand() -> None:
    # 2 + 2 reads: psi(4) - (2 psi(2) + 2 psi(2)) / 4 = psi(4) - psi(2) = 1/2 + 1/3
    weight = effort.digamma_weight(np.array([2, 2])).sum()
    assert effort.rest_entropy(np.array([4.0]), np.array([weight]))[0] == pytest.approx(5 / 6, abs=1e-14)


# ---------------------------------------------------------------- null curve
@pytest.mark.parametrize("x", [1, 2, 5, 40])
def test_thinning_slope_is_the_derivative_of_the_exact_expectation(x: int) -> None:
    def expected(log_effort: float) -> float:
        k = np.arange(x + 1)
        return float((binom.pmf(k, x, np.exp(log_effort)) * np.log(k + 0.5)).sum())

    h = 1e-4  # thinning is defined below effort 1 only: three-point backward difference
    derivative = (3 * expected(0.0) - 4 * expected(-h) + expected(-2 * h)) / (2 * h)
    assert effort.thinning_slope(np.array([x]))[0] == pytest.approx(derivative, abs=5e-6)


def test_thinning_slope_has_the_printed_values() -> None:
    # printed in the method's description: 0, 1.099, 1.022, 1.003 at 0, 1, 2, 5 reads
    np.testing.assert_allclose(effort.thinning_slope(np.array([0, 1, 2, 5])), [0, 1.099, 1.022, 1.003], atol=5e-4)


@pytest.mark.parametrize("rarity", [-3.0, -1.0, 0.0, 2.0, 6.0])
def test_detection_curve_is_the_optimum_of_the_penalised_likelihood(rarity: float) -> None:
    rng = np.random.default_rng(3)
    f = rng.normal(0, 0.8, 120)
    f -= f.mean()
    present = rng.random(120) < 1 / (1 + np.exp(-(rarity + 1.3 * f)))

    def loss(ab: np.ndarray) -> float:
        eta = ab[0] + ab[1] * f
        return float(-(present * eta - np.logaddexp(0, eta)).sum() + 2 * (ab[1] - 0.7) ** 2)

    best = minimize(loss, [0.0, 0.7], bounds=[(-12, 12), (0.1, 3)], method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
    a, b = effort.detection_curve(present[:, None], f[:, None])
    assert loss(np.array([a[0], b[0]])) <= best.fun + 1e-7
    if present.any() and not present.all():
        np.testing.assert_allclose([a[0], b[0]], best.x, atol=2e-3)


def test_detection_curve_of_a_taxon_seen_everywhere_or_nowhere_stays_inside_its_limits() -> None:
    f = np.random.default_rng(4).normal(0, 1, (50, 1))
    a, b = effort.detection_curve(np.column_stack([np.ones(50, bool), np.zeros(50, bool)]), f - f.mean())
    assert np.all(np.abs(a) <= 12)
    assert np.all((b >= 0.1) & (b <= 3))
    assert a[0] > 4 > -4 > a[1]


def test_null_curve_takes_the_effect_of_depth_from_abundant_and_from_rare_taxa() -> None:
    rng = np.random.default_rng(5)
    depth = np.exp(rng.normal(0, 0.8, 4000))
    counts = rng.poisson(np.outer(depth, [300.0, 3.0, 0.4, 0.1])).astype(np.int64)
    f = np.log(depth)[:, None]
    y, s = effort.null_curve(counts, f)
    raw = np.log(counts + 0.5)
    for j in range(4):
        freed, before = np.polyfit(f[:, 0], y[:, j], 1)[0], np.polyfit(f[:, 0], raw[:, j], 1)[0]
        ratio = np.polyfit(f[:, 0], raw[:, j] - f[:, 0], 1)[0]  # a fixed log-ratio subtracts slope 1 from all
        assert abs(freed) < 0.05
        assert before > 0.05
        if j == 3:
            assert ratio < -0.8
    np.testing.assert_allclose(s, (counts > 0).mean(axis=0), atol=0.09)  # close to prevalence


# ---------------------------------------------------------------- slopes
def regression(seed: int = 6, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw y (n, 4), predictors (n, 4) and a design with an intercept, a number and a three-level factor."""
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 3, n)
    design = np.column_stack([np.ones(n), rng.normal(50, 10, n), level == 1, level == 2]).astype(float)
    d = rng.normal(size=(n, 4)) + 0.05 * design[:, [1]]
    y = 0.4 * d + rng.normal(size=(n, 4)) * (0.5 + np.abs(d)) + design[:, [2]]
    return y, d, design


def test_slopes_and_their_errors_are_those_of_statsmodels() -> None:
    y, d, design = regression()
    basis = effort.orthonormal_basis(design)
    got = effort.slopes(y, d, basis)
    for j in range(4):
        left = sm.OLS(d[:, j], design).fit().resid
        model = sm.OLS(y[:, j], np.column_stack([design, d[:, j] / left.std(ddof=1)]))
        assert got.b[j] == pytest.approx(model.fit().params[-1], abs=1e-11)
        assert got.ols[j] == pytest.approx(model.fit().bse[-1], abs=1e-11)
        assert got.hc3[j] == pytest.approx(model.fit(cov_type="HC3").bse[-1], abs=1e-11)


def test_one_predictor_for_all_columns_gives_what_its_copies_give() -> None:
    y, d, design = regression()
    basis = effort.orthonormal_basis(design)
    one, many = effort.slopes(y, d[:, :1], basis), effort.slopes(y, np.repeat(d[:, :1], 4, axis=1), basis)
    np.testing.assert_allclose(one.b, many.b, atol=1e-13)
    np.testing.assert_allclose(one.hc3, many.hc3, atol=1e-13)


def test_collinear_and_constant_covariates_count_once() -> None:
    _, _, design = regression()
    more = np.column_stack([design, 3 * design[:, 1] - 7, np.zeros(len(design))])
    assert effort.orthonormal_basis(more).shape[1] == 4


def test_a_predictor_that_covariates_explain_wholly_has_no_slope() -> None:
    y, _, design = regression()
    got = effort.slopes(y[:, :1], design[:, [1]] * 2 + 5, effort.orthonormal_basis(design))
    assert np.isnan(got.b[0])


def test_a_sample_alone_in_its_level_of_a_factor_has_no_say() -> None:
    y, d, design = regression()
    alone = np.zeros(len(design))
    alone[7] = 1
    with_it = effort.slopes(y, d, effort.orthonormal_basis(np.column_stack([design, alone])))
    kept = np.arange(len(design)) != 7
    without_it = effort.slopes(y[kept], d[kept], effort.orthonormal_basis(design[kept]))
    ratio = with_it.b / without_it.b  # the SD of the predictor is over one sample more
    np.testing.assert_allclose(ratio, np.sqrt((kept.sum() - 1) / (len(design) - 1)), rtol=1e-9)
    assert np.all(np.isfinite(with_it.hc3))


def test_subject_jackknife_is_leaving_out_each_subject_by_hand() -> None:
    y, d, design = regression(n=80)
    subjects = np.random.default_rng(8).integers(0, 25, 80)
    subjects = np.unique(subjects, return_inverse=True)[1]
    basis = effort.orthonormal_basis(design)
    fit = effort.slopes(y, d, basis)
    got = effort.subject_jackknife(fit, subjects)
    free_y, free_d = effort.without(y, basis), fit.predictor
    count = subjects.max() + 1
    for j in range(4):
        refits = []
        for g in range(count):
            kept = subjects != g
            refits.append((free_d[kept, j] @ free_y[kept, j]) / (free_d[kept, j] @ free_d[kept, j]))
        want = np.sqrt((count - 1) / count * ((np.array(refits) - np.mean(refits)) ** 2).sum())
        assert got[j] == pytest.approx(want, abs=1e-12)


def test_subject_means_are_means_by_subject_whatever_the_order() -> None:
    values = np.random.default_rng(9).normal(size=(20, 3))
    subjects = np.array([2, 0, 1, 1, 0, 2, 2, 3, 3, 3] * 2)
    got = effort.subject_means(values, subjects)
    for g in range(4):
        np.testing.assert_allclose(got[g], values[subjects == g].mean(axis=0), atol=1e-14)


def test_typical_slope_is_the_median_with_the_error_of_a_median() -> None:
    ratios = [0.1, -0.3, 0.7, 0.2, 0.25]
    middle = sorted(ratios)[2]
    mad = sorted(abs(r - middle) for r in ratios)[2]
    g, se = effort.typical_slope(np.array(ratios))
    assert g == middle
    assert se == pytest.approx(1.2533 * 1.4826 * mad / 5**0.5, abs=1e-15)
