"""Random effects of studies, against metafor, published summaries, twins and limits that must hold."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gutdiv.numerics.random_effects import (
    NODES,
    Centres,
    limits,
    localised,
    pooled,
    share_at_or_below,
    squared_distance,
    study_centres,
    study_effects,
    weighted_quantiles,
)
from gutdiv.numerics.robust_centre import axes_of, score_posterior, weighted_controls, weighted_local

TRUTH = Path(__file__).parents[1] / "truth" / "random_effects.tsv"
SHARES = (np.arange(99) + 1) / 100


def studies(seed: int = 0, sizes: tuple[int, ...] = (60, 90, 200, 40, 120)) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(rng.normal(2, 0.3), 0.4 * np.exp(rng.normal(0, 0.2)), size=n) for n in sizes]


@pytest.mark.parametrize("row", list(csv.DictReader(TRUTH.open(), delimiter="\t")), ids=lambda r: r["set"])
def test_pooling_equals_metafor_and_the_error_is_never_below_the_classical_one(row: dict[str, str]) -> None:
    found = pooled(*(np.array([float(x) for x in row[c].split(",")]) for c in ("yi", "vi")))
    assert found.mean == pytest.approx(float(row["mean"]), rel=1e-6)
    assert found.tau2 == pytest.approx(float(row["tau2"]), rel=1e-4, abs=1e-8)
    larger = max(float(row["se_classical"]), float(row["se_knapp_hartung"]))
    assert math.sqrt(found.se2) == pytest.approx(larger, rel=1e-5)


def test_the_pooled_shannon_is_that_of_the_published_experiment() -> None:
    # sizes, means and SDs of genus Shannon at 1,000 reads in eight healthy groups, and what the experiment printed of them
    n = np.array([711, 306, 172, 473, 291, 83, 184, 34])
    mean = np.array([2.4302, 1.6459, 2.6344, 2.1562, 1.9097, 2.3405, 2.6155, 2.398])
    sd = np.array([0.33672, 0.58432, 0.32396, 0.43203, 0.62965, 0.48492, 0.22646, 0.23262])
    shift = pooled(mean, sd**2 / n)
    assert (shift.mean, shift.tau2**0.5, shift.se2**0.5) == pytest.approx((2.2668, 0.34343, 0.12195), abs=5e-5)  # five printed digits
    scale = pooled(np.log(sd) + 1 / (2 * (n - 1)), 1.3609 / (2 * (n - 1)))
    assert (scale.mean, scale.tau2**0.5, scale.se2**0.5) == pytest.approx((-0.95475, 0.37728, 0.13638), abs=1.5e-5)


def test_every_study_counts_the_same_among_residuals() -> None:
    assert weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.ones(3), np.array([1 / 6, 0.5, 5 / 6])) == pytest.approx([1, 2, 3])
    few, many = np.array([-1.0, 1.0]), np.tile([-1.0, 1.0], 50)
    fit = study_effects([few, many, many + 1, few], SHARES)
    assert fit.residuals[49] == pytest.approx(0.0, abs=1e-9)
    assert np.abs(fit.residuals[[5, -6]]) == pytest.approx([1.0, 1.0])  # standardised by the SD with n in the denominator


def test_a_new_study_without_controls_is_the_mean_study_and_one_with_many_is_itself() -> None:
    fit = study_effects(studies(), SHARES)
    none = localised(fit, 4, 9.0, 9.0)
    assert (none.mean, none.ln_sd, none.df) == (fit.location.mean, fit.scale.mean, 4)
    many = localised(fit, 10**7, 1.0, 0.2)
    assert (many.mean, math.exp(many.ln_sd)) == pytest.approx((1.0, 0.2), rel=1e-4)
    assert many.mean_variance < 1e-6


def test_shares_equal_an_average_over_draws_and_limits_invert_them() -> None:
    fit = study_effects(studies(), SHARES)
    local = localised(fit, 12, 2.2, 0.5)
    rng = np.random.default_rng(1)
    m = 400_000
    drawn = local.mean + np.sqrt(local.mean_variance) * rng.standard_t(local.df, m)
    drawn += np.exp(local.ln_sd + np.sqrt(local.ln_sd_variance) * rng.standard_normal(m)) * rng.choice(fit.dense, m)
    for y in (1.0, 1.5, 2.2, 3.0):
        assert share_at_or_below(np.array([y]), fit, local)[0] == pytest.approx((drawn <= y).mean(), abs=0.003)
    shares = np.array([0.025, 0.05, 0.5])
    assert share_at_or_below(limits(shares, fit, local), fit, local) == pytest.approx(shares, abs=1e-5)


def centres(k: int = 6, p: int = 5) -> tuple[list[np.ndarray], Centres]:
    rng = np.random.default_rng(2)
    made = [rng.normal(size=p) + rng.normal(size=(80, p)) @ np.diag(np.linspace(0.5, 1.5, p)) for _ in range(k)]
    return made, study_centres(made)


def test_shares_are_the_mean_of_students_tails_term_by_term() -> None:
    rng = np.random.default_rng(8)
    fit = study_effects([rng.normal(k / 4, 1 + k / 10, 60) for k in range(8)], np.linspace(0.01, 0.99, 25))
    for local in (localised(fit), localised(fit, 20, 1.5, 0.8)):
        sds = np.exp(local.ln_sd + np.sqrt(local.ln_sd_variance) * NODES)
        for y in (-4.0, -1.0, 1.2):
            tails = [stats.t.cdf((y - local.mean - sd * fit.dense) / math.sqrt(local.mean_variance), local.df).mean() for sd in sds]
            naive = float(np.average(tails, weights=np.polynomial.hermite_e.hermegauss(9)[1]))
            assert share_at_or_below(np.array([y]), fit, local)[0] == pytest.approx(naive, rel=1e-9)


def test_centres_follow_the_formulas_entry_by_entry() -> None:
    made, fit = centres()
    k, p = len(made), made[0].shape[1]
    mean = [sum(float(x[:, j].mean()) for x in made) / k for j in range(p)]
    assert fit.mean == pytest.approx(mean)
    covariance = [np.cov(x.T) for x in made]
    for i in range(p):
        for j in range(p):
            s = sum(c[i, j] for c in covariance) / k
            assert fit.within[i, j] == pytest.approx(s + 0.001 if i == j else 0.8 * s)
            between = sum((x[:, i].mean() - mean[i]) * (x[:, j].mean() - mean[j]) for x in made) / (k - 1)
            between -= sum(c[i, j] / 80 for c in covariance) / k
            # no eigenvalue falls under .001 here
            assert fit.between[i, j] == pytest.approx((between if i == j else 0.5 * between) * (1 + 1 / k))


def test_turned_coordinates_give_the_same_distance() -> None:
    _, fit = centres()
    x = np.random.default_rng(3).normal(size=(7, 5))
    axes = axes_of(fit)
    z = axes.place(x)
    assert np.sum(z**2 / (1 + axes.spread), axis=1) == pytest.approx(squared_distance(x, fit))
    n, mean = 20, np.full(5, 0.7)
    gain = axes.spread / (axes.spread + 1 / n)
    away = z - gain * axes.place(mean[None])
    assert np.sum(away**2 / (1 + axes.spread * (1 - gain)), axis=1) == pytest.approx(squared_distance(x, fit, n, mean))


def test_controls_that_are_alike_keep_their_weight_and_a_far_one_loses_it() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(size=(20, 28)) * 0.5
    found = weighted_controls(z, np.ones(28), np.ones((1, 20), dtype=bool))
    assert found.weights == pytest.approx(np.ones((1, 20)))
    z[3] += 6
    spoiled = weighted_controls(z, np.ones(28), np.ones((1, 20), dtype=bool))
    assert spoiled.weights[0, 3] < 0.05
    assert np.abs(spoiled.centre - found.centre).max() < 0.2
    order = rng.permutation(20)
    turned = weighted_controls(z[order], np.ones(28), np.ones((1, 20), dtype=bool))
    assert turned.centre == pytest.approx(spoiled.centre)  # the order of controls does not count
    alone = weighted_controls(np.delete(z, 3, axis=0), np.ones(28), np.ones((1, 19), dtype=bool))
    masked = weighted_controls(z, np.ones(28), ~np.eye(20, dtype=bool))
    assert masked.centre[3] == pytest.approx(alone.centre[0])


def test_equal_weights_are_the_plain_mean_and_sd() -> None:
    fit = study_effects(studies(), SHARES)
    y = np.random.default_rng(5).normal(2, 0.5, size=30)
    plain = localised(fit, 30, float(y.mean()), float(y.std(ddof=1)))
    weighted = weighted_local(fit, y, np.ones(30))
    assert [weighted.mean, weighted.mean_variance, weighted.ln_sd, weighted.ln_sd_variance, weighted.df] == pytest.approx(
        [plain.mean, plain.mean_variance, plain.ln_sd, plain.ln_sd_variance, plain.df]
    )


def test_a_few_ill_controls_move_the_score_little() -> None:
    rng = np.random.default_rng(6)
    fit = study_effects([rng.normal(-1.37 + d, 0.3, size=300) for d in (-0.1, -0.05, 0, 0.05, 0.1)], SHARES)
    y = stats.norm.ppf((np.arange(20) + 0.5) / 20, -1.37, 0.3)
    clean = score_posterior(y, fit)
    assert clean.mean == pytest.approx(-1.37, abs=0.05)
    assert math.exp(clean.ln_sd) == pytest.approx(0.3, abs=0.06)
    y[:4] = -2.8
    spoiled, plain = score_posterior(y, fit), localised(fit, 20, float(y.mean()), float(y.std(ddof=1)))
    at = np.array([-2.3])
    assert share_at_or_below(at, fit, spoiled)[0] < 0.5 * share_at_or_below(at, fit, plain)[0]
