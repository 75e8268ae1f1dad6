"""Mixed models against lme4, against MixedLM of statsmodels and against leaving subjects out one by one.

The estimates agree with those of lme4 to 1e-7 (measured: at most 8e-8); the tests allow 1e-6.
"""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from gutdiv.numerics.mixed import fit_reml
from gutdiv.numerics.stacked_mixed import StackedMixedLM

TRUTH = Path(__file__).parents[1] / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


DATA, EXPECTED = rows("model_data.tsv"), rows("model_truth.tsv")
SUBJECTS = np.unique([r["subject"] for r in DATA], return_inverse=True)[1]
WEEK = np.array([float(r["week"]) for r in DATA])


def numbers(column: str) -> np.ndarray:
    return np.array([float(r[column]) for r in DATA])


def design(formula: str) -> tuple[np.ndarray, list[str]]:
    """Build the designs of the truth by hand: treatment contrasts against drug."""
    arms = {a: np.array([float(r["arm"] == a) for r in DATA]) for a in ("none", "placebo")}
    columns = {"(Intercept)": np.ones(len(DATA)), "week": WEEK}
    if "arm" in formula:
        columns |= {f"arm{a}": v for a, v in arms.items()}
    if "*" in formula:
        columns |= {f"week:arm{a}": WEEK * v for a, v in arms.items()}
    return np.column_stack(list(columns.values())), list(columns)


def truth(model: str, formula: str, metric: str) -> dict[tuple[str, str], float]:
    chosen = [r for r in EXPECTED if (r["model"], r["formula"], r["metric"]) == (model, formula, metric)]
    return {(r["what"], r["name"]): float(r["value"]) for r in chosen}


@pytest.mark.parametrize("metric", ["steady", "drifting", "flat"])
def test_a_random_intercept_equals_lme4(metric: str) -> None:
    expected = truth("mixed", "~ arm + week", metric)
    fit = fit_reml(numbers(metric), design("~ week + arm")[0], SUBJECTS)
    assert fit.deviance == pytest.approx(expected["reml", ""], abs=1e-8)
    assert fit.converged
    assert fit.singular == (metric == "flat")
    if metric == "flat":  # lme4's isSingular says so too
        assert expected["singular", ""] == 1
        assert fit.deviations.tolist() == [0.0]
    else:
        assert fit.deviations[0] == pytest.approx(expected["sd_subject", ""], rel=1e-6)
        assert fit.residual == pytest.approx(expected["sd_residual", ""], rel=1e-6)


@pytest.mark.parametrize("formula", ["~ week", "~ week * arm"])
def test_a_random_intercept_and_slope_equal_lme4(formula: str) -> None:
    expected, (matrix, names) = truth("slope", formula, "drifting"), design(formula)
    fit = fit_reml(numbers("drifting"), matrix, SUBJECTS, slope=WEEK)
    assert fit.converged
    assert not fit.singular
    assert fit.deviance == pytest.approx(expected["reml", ""], abs=1e-8)
    assert fit.deviations[1] == pytest.approx(expected["sd_slope", ""], rel=1e-6)
    assert fit.residual == pytest.approx(expected["sd_residual", ""], rel=1e-6)
    for j, name in enumerate(names):
        if j:
            assert fit.coefficients[j] == pytest.approx(expected["estimate", name], rel=1e-6)
            assert np.sqrt(fit.covariance[j, j]) == pytest.approx(expected["se", name], rel=1e-6)


@pytest.mark.parametrize("sloped", [False, True])
def test_what_follows_from_the_variances_equals_what_statsmodels_says(sloped: bool) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(8)
    subjects, when = np.repeat(np.arange(30), 4), np.tile(np.arange(4.0), 30)
    y = rng.normal(size=30)[subjects] + rng.normal(scale=0.7, size=30)[subjects] * when + 0.4 * rng.normal(size=120)
    matrix = np.column_stack([np.ones(120), when, subjects % 2])
    effects = np.column_stack([np.ones(120), when]) if sloped else np.ones((120, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = sm.MixedLM(y, matrix, groups=subjects, exog_re=effects).fit(reml=True, method="bfgs", gtol=1e-8)
    fit = fit_reml(y, matrix, subjects, slope=when if sloped else None)
    assert fit.coefficients == pytest.approx(twin.fe_params, rel=1e-6)
    assert fit.residual**2 == pytest.approx(twin.scale, rel=1e-6)
    assert fit.deviance == pytest.approx(-2 * twin.llf, abs=1e-8)
    assert fit.deviations[-1] ** 2 == pytest.approx(np.asarray(twin.cov_re)[-1, -1], rel=1e-5)
    assert fit.residuals == pytest.approx(np.asarray(twin.resid), abs=1e-5)


def test_a_variance_of_zero_leaves_ordinary_least_squares() -> None:
    import statsmodels.api as sm

    y, (matrix, _) = numbers("flat"), design("~ week + arm")
    fit, twin = fit_reml(y, matrix, SUBJECTS), sm.OLS(y, matrix).fit()
    assert fit.singular
    assert fit.coefficients == pytest.approx(twin.params, rel=1e-9)
    assert fit.covariance == pytest.approx(twin.cov_params(), rel=1e-9)
    assert fit.residuals == pytest.approx(twin.resid, abs=1e-12)


def test_a_slope_that_no_subject_has_of_its_own_is_at_the_boundary() -> None:
    rng = np.random.default_rng(3)
    subjects, when = np.repeat(np.arange(30), 4), np.tile(np.arange(4.0), 30)
    noise = rng.normal(size=(30, 4))
    times = np.arange(4) - 1.5
    noise -= np.outer(noise @ times / (times @ times), times)  # each subject's own slope is zero: less than residuals alone would give
    y = rng.normal(size=30)[subjects] + noise.ravel()
    fit = fit_reml(y, np.column_stack([np.ones(120), when]), subjects, slope=when)
    assert fit.singular
    assert not fit.converged  # near the optimum only
    assert fit_reml(y, np.column_stack([np.ones(120), when]), subjects).converged


def test_no_warning_of_the_search_gets_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in ("steady", "flat"):
            fit_reml(numbers(metric), design("~ week + arm")[0], SUBJECTS, slope=WEEK)


def test_influence_is_the_shift_of_coefficients_without_the_subject() -> None:
    y, (matrix, _) = numbers("steady"), design("~ week + arm")
    fit = fit_reml(y, matrix, SUBJECTS)
    ratio = (fit.deviations[0] / fit.residual) ** 2

    def solved(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        covariance = np.eye(rows.size) + ratio * (SUBJECTS[rows][:, None] == SUBJECTS[rows][None, :])
        information = matrix[rows].T @ np.linalg.solve(covariance, matrix[rows])
        return np.linalg.solve(information, matrix[rows].T @ np.linalg.solve(covariance, y[rows])), information

    whole, information = solved(np.arange(y.size))
    for subject in range(12):
        shift = whole - solved(np.flatnonzero(subject != SUBJECTS))[0]
        expected = shift @ information @ shift / (matrix.shape[1] * fit.residual**2)
        assert fit.influence[subject] == pytest.approx(expected, rel=1e-8)


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")
@pytest.mark.parametrize("with_slope", [False, True])
def test_likelihood_and_score_over_all_subjects_at_once_are_those_of_statsmodels(with_slope: bool) -> None:
    rng = np.random.default_rng(3)
    subjects = np.unique(rng.integers(0, 12, 50), return_inverse=True)[1]
    x = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    effects = x[:, :2] if with_slope else x[:, :1]
    y = x @ [1.0, 2.0, 3.0] + rng.normal(size=12)[subjects] + rng.normal(size=50)
    theirs, ours = MixedLM(y, x, groups=subjects, exog_re=effects), StackedMixedLM(y, x, subjects, effects)
    for model in (theirs, ours):
        model.reml, model.cov_pen, model.fe_pen, model._freepat, model._cov_sing = True, None, None, None, 0
    for packed in ([0.7, 0.2, 0.9], [1.0, -0.5, 2.0], [0.01, 0.0, 0.0]):
        at = np.array(packed[: 3 if with_slope else 1])
        assert ours.loglike(at) == pytest.approx(theirs.loglike(at), rel=1e-12)
        assert ours.score(at) == pytest.approx(theirs.score(at), rel=1e-9, abs=1e-9)
