"""Differential abundance: twins, examples by hand, the peers called directly, and how often it errs on tables with known truth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from gutdiv.comparison.abundance import compare_abundance
from gutdiv.comparison.abundance_fit import Plan, abundance_fit, choose_reference, clr_fit, detection_fit
from gutdiv.comparison.ancombc import AncomBC2, ancombc2
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import ExpressionError, InputError
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import TABLES
from gutdiv.numerics.effort import equal_effort_detection, null_curve, reference_effort
from gutdiv.numerics.logistic import firth
from gutdiv.numerics.regression import regress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def table(rng: np.random.Generator, n: int, *, p: int = 40, effect: Mapping[int, float] | None = None, deeper: float = 1.0) -> np.ndarray:
    """Draw reads of n samples, the second half changed by `effect` and sequenced `deeper`."""
    half = np.arange(n) >= n // 2
    logs = np.linspace(4, -4, p) + rng.normal(size=(n, p))
    for j, size in (effect or {}).items():
        logs[:, j] += half * size
    amount = np.exp(logs)
    depth = np.where(half, 9_000 * deeper, 9_000) * np.exp(rng.normal(0, 0.4, n))
    return np.array([rng.multinomial(int(d) + 1_000, a / a.sum()) for d, a in zip(depth, amount, strict=True)])


def cohort_of(counts: np.ndarray, columns: Mapping[str, Sequence[str | None]], *, numeric: Sequence[str] = ()) -> Cohort:
    """Make a cohort without lineages; samples and features are named by place."""
    samples = tuple(f"s{i:04d}" for i in range(counts.shape[0]))
    features = tuple(f"f{j:03d}" for j in range(counts.shape[1]))
    kinds = {c: "numeric" if c in numeric else "categorical" for c in columns}
    metadata = SampleMetadata(samples, {c: tuple(v) for c, v in columns.items()}, kinds)
    return Cohort(samples, features, sparse.csr_matrix(counts.astype(np.int64)), None, None, metadata, Roles())


def halves(n: int, names: tuple[str, str] = ("a", "b")) -> list[str]:
    """Name the group of each sample."""
    return [names[int(i >= n // 2)] for i in range(n)]


def plan_of(columns: np.ndarray, tested: slice, level: np.ndarray | None = None, subjects: np.ndarray | None = None) -> Plan:
    """Plan a regression on these columns."""
    return Plan(columns, tested, subjects, means=False, rows=columns, level=level)


def test_regressions_equal_those_of_statsmodels_with_hc3() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(40), rng.normal(size=40), np.arange(40) % 3 == 1, np.arange(40) % 3 == 2]).astype(float)
    y = rng.normal(size=(40, 5)) * (1 + design[:, [1]] ** 2)
    got = regress(y, design, slice(2, 4))
    for j in range(5):
        fit = sm.OLS(y[:, j], design).fit(cov_type="HC3")
        np.testing.assert_allclose(got.coefficients[:, j], fit.params[2:], rtol=1e-10)
        np.testing.assert_allclose(got.covariance[j], fit.cov_params()[2:, 2:], rtol=1e-9)


def test_two_groups_have_the_degrees_of_freedom_of_welch_with_equal_variances() -> None:
    # Bell & McCaffrey for two means with weights 1/(n (n - 1)): (1/n1 + 1/n2)^2 / (1/(n1^2 (n1 - 1)) + 1/(n2^2 (n2 - 1))), here for HC3's 1/(n - 1)^2
    x = np.repeat([0.0, 1.0], [4, 10])
    got = regress(np.random.default_rng(0).normal(size=(14, 1)), np.column_stack([np.ones(14), x]), slice(1, 2))
    a, b = 1 / 3, 1 / 9  # sum of squares / (n - 1)^2 has the mean 1 / (n - 1)
    assert got.freedom[0] == pytest.approx((a + b) ** 2 / (a**2 / 3 + b**2 / 9))


def test_the_jackknife_over_subjects_leaves_out_one_subject_after_the_other() -> None:
    rng = np.random.default_rng(2)
    subjects = np.repeat(np.arange(8), [1, 2, 3, 4, 2, 2, 3, 1])
    design = np.column_stack([np.ones(18), rng.normal(size=18), rng.normal(size=18)])
    y = rng.normal(size=(18, 3))
    got = regress(y, design, slice(1, 3), subjects)
    left = np.stack([np.linalg.lstsq(design[subjects != g], y[subjects != g])[0][1:] for g in range(8)])
    moved = left - left.mean(axis=0)
    np.testing.assert_allclose(got.covariance, np.einsum("gam,gbm->mab", moved, moved) * 7 / 8, rtol=1e-9)


def test_firth_of_a_two_by_two_table_adds_a_half_to_each_cell() -> None:
    # Firth 1993: in a saturated model the penalty adds 1/2 to every cell; separated here, for group 1 is always seen
    y = np.array([1, 0, 0, 0, 1, 1, 1, 1, 1.0])[:, None]
    design = np.column_stack([np.ones(9), np.arange(9) >= 4]).astype(float)[None]
    fit = firth(y, design)
    assert fit.converged.all()
    assert fit.coefficients[0] == pytest.approx([np.log(1.5 / 3.5), np.log(5.5 / 0.5) - np.log(1.5 / 3.5)], abs=1e-6)


def test_detection_at_equal_effort_by_hand() -> None:
    # x = 2 reads, kept with chance 1/2: seen with 3/4; the second sample lies below the common effort and stays as it is
    got = equal_effort_detection(np.array([[2], [2], [0]]), np.log([[2.0], [0.5], [4.0]]), np.log([1.0]))
    assert got[:, 0] == pytest.approx([0.75, 1.0, 0.0])


def test_the_abundance_estimate_equals_its_naive_twin() -> None:
    import statsmodels.api as sm

    counts = table(np.random.default_rng(3), 60)
    counts = counts[:, (counts > 0).mean(axis=0) >= 0.1]
    x = np.column_stack([np.ones(60), np.linspace(0, 1, 60) ** 2, np.arange(60) >= 30]).astype(float)
    reference = choose_reference((counts > 0).mean(axis=0))
    assert not isinstance(reference, str)
    got, _ = abundance_fit(counts, plan_of(x, slice(2, 3)), reference)
    b, v, s = (np.empty(counts.shape[1]) for _ in range(3))
    for j in range(counts.shape[1]):
        others = [k for k in reference if k != j]
        f = np.log(counts[:, others] + 0.5).mean(axis=1)
        y, slope = null_curve(counts[:, [j]], f[:, None])
        fit = sm.OLS(y[:, 0], x).fit(cov_type="HC3")
        b[j], v[j], s[j] = fit.params[2], max(fit.bse[2], sm.OLS(y[:, 0], x).fit().bse[2]) ** 2, slope[0]
    ratios = (b / s)[reference]
    g = np.median(ratios)
    se_g = 1.2533 * 1.4826 * np.median(np.abs(ratios - g)) / np.sqrt(len(reference))
    np.testing.assert_allclose(got.effect[0], b / s - g, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(got.se[0], np.sqrt(v / s**2 + se_g**2), rtol=1e-8)


def test_ancombc2_equals_a_direct_call_with_a_plain_formula() -> None:
    from skbio.stats.composition import ancombc2 as direct

    counts = table(np.random.default_rng(4), 40, p=15).astype(float) + np.eye(40, 15)
    metadata = pd.DataFrame({"group": halves(40), "age": np.random.default_rng(5).normal(size=40)})
    design = np.column_stack([np.ones(40), metadata["age"], metadata["group"] == "b"]).astype(float)
    got = ancombc2(counts, design, slice(2, 3))
    assert isinstance(got, AncomBC2)
    want = direct(counts, metadata, "age + group").result.xs("group[T.b]", level="Covariate")
    np.testing.assert_allclose(got.effect[0], want["Log(FC)"], rtol=1e-9)
    np.testing.assert_allclose(got.se[0], want["SE"], rtol=1e-9)
    np.testing.assert_allclose(got.p[0], want["pvalue"], rtol=1e-9)


def test_every_row_carries_what_a_test_must_carry() -> None:
    counts = table(np.random.default_rng(6), 60, effect={5: 2.0})
    made = cohort_of(counts, {"group": [*["a"] * 20, *["b"] * 20, *["c"] * 20], "age": [str(20 + i % 37) for i in range(60)]}, numeric=["age"])
    got = compare_abundance(made, formula="~ group + age", rank="feature", baseline="b")
    frame = got.frame
    assert list(frame.columns) == list(TABLES["abundance"])
    assert list(dict.fromkeys(frame["contrast"])) == ["a - b", "c - b", "b, a, c"]
    assert set(frame["metric"]) == {"abundance", "prevalence"}
    tested = frame[frame["p"].notna()]
    assert tested[["q", "statistic", "df"]].notna().all().all()
    assert (tested["family"] != "").all()
    assert (frame[frame["p"].isna()]["reason"] != "").all()
    single = tested[tested["effect_name"] != ""]
    assert ((single["ci_low"] < single["effect"]) & (single["effect"] < single["ci_high"])).all()
    pairs = frame[(frame["metric"] == "abundance") & (frame["contrast"] != "b, a, c")]
    some = pairs[pairs["p"].notna()]
    assert set(some["family"]) == {f"{len(some)} tests of abundance of {len(set(some['taxon']))} features by group, each group against b"}
    for _, part in tested.groupby("family"):
        np.testing.assert_allclose(part["q"], stats.false_discovery_control(part["p"]))
    slope = compare_abundance(made, formula="~ group + age", variable="age", rank="feature").frame
    assert set(slope["contrast"]) == {"per age"}
    assert slope["n_1"].eq(60).all()
    assert slope["n_2"].isna().all()


def test_a_planted_difference_is_found_and_confirmed_with_its_size() -> None:
    counts = table(np.random.default_rng(7), 100, effect={3: 1.5, 20: -1.5})
    got = compare_abundance(cohort_of(counts, {"group": halves(100)}), variable="group", rank="feature")
    found = {f["subject"]: f for f in got.record["findings"] if f["what"] == "abundance_difference"}
    assert {"f003", "f020"} <= set(found)
    assert found["f003"]["direction"] == "higher"
    assert found["f020"]["direction"] == "lower"
    row = got.frame[(got.frame["metric"] == "abundance") & (got.frame["taxon"] == "f003")].iloc[0]
    assert row["ci_low"] < 1.5 < row["ci_high"]
    assert row["agreement"] == "both"


def test_a_taxon_absent_from_a_group_is_a_structural_zero_only_where_it_would_have_been_seen() -> None:
    from skbio.stats.composition import struc_zero

    counts = table(np.random.default_rng(8), 60)
    counts[30:, 8] = 0
    rare = int(np.argmin(np.abs((counts[:30] > 0).mean(axis=0) - 0.2)))
    counts[30:, rare] = 0
    counts[:30, rare] = 0
    counts[:7, rare] = 1  # in 7 of 30: the other group would show none with a chance of .77^30 = .0004, less the error of the curve
    counts[5:7, rare] = 0  # in 5 of 30: .83^30 = .004, too likely to be told from a rare taxon
    got = compare_abundance(cohort_of(counts, {"group": halves(60)}), variable="group", rank="feature", min_prevalence=0.05)
    assert got.record["structural_zeros"] == {"f008": ["b"]}
    row = got.frame[(got.frame["metric"] == "abundance") & (got.frame["taxon"] == "f008")].iloc[0]
    assert row["reason"] == "structural zero"
    assert np.isnan(row["p"])
    prevalence = got.frame[(got.frame["metric"] == "prevalence") & (got.frame["taxon"] == "f008")].iloc[0]
    assert prevalence["strength"] == "clear"
    candidates = struc_zero(counts, pd.DataFrame({"group": halves(60)}), "group")
    assert candidates.loc[8, "b"]
    assert candidates.loc[rare, "b"]


HOSTILE = "__import__('os').system('true')"


def test_names_that_could_be_code_are_only_names() -> None:
    counts = table(np.random.default_rng(9), 60, effect={4: 1.5})
    plain = compare_abundance(cohort_of(counts, {"group": halves(60)}), variable="group", rank="feature").frame
    made = cohort_of(counts, {HOSTILE: halves(60, ("C(x) + 0", 'y"; - 1 ~ `z`'))})
    got = compare_abundance(made, formula=f"~ `{HOSTILE}`", rank="feature").frame
    for column in ("p", "effect", "ancombc2_effect", "ancombc2_p"):
        np.testing.assert_array_equal(got[column], plain[column])
    assert got["contrast"].iloc[0] == 'y"; - 1 ~ `z` - C(x) + 0'


def test_the_order_of_samples_does_not_matter() -> None:
    counts = table(np.random.default_rng(10), 60, effect={4: 1.5})
    order = np.random.default_rng(11).permutation(60)
    groups = halves(60)
    one = compare_abundance(cohort_of(counts, {"group": groups}), variable="group", rank="feature").frame
    other = compare_abundance(cohort_of(counts[order], {"group": [groups[i] for i in order]}), variable="group", rank="feature").frame
    for column in ("p", "effect", "se", "prevalence"):
        np.testing.assert_allclose(one[column], other[column], rtol=1e-6, atol=1e-12)


def test_copies_of_samples_of_one_subject_add_no_evidence() -> None:
    counts = table(np.random.default_rng(12), 40)
    who = [f"p{i}" for i in range(40)]
    once = compare_abundance(cohort_of(counts, {"group": halves(40), "who": who}), variable="group", subject="who", rank="feature")
    twice = cohort_of(np.repeat(counts, 2, axis=0), {"group": np.repeat(halves(40), 2).tolist(), "who": np.repeat(who, 2).tolist()})
    got = compare_abundance(twice, variable="group", subject="who", rank="feature")
    assert set(once.frame["unit"]) == {"sample (one of each subject of who)"}
    assert set(got.frame["unit"]) == {"subject (who; mean of its samples)"}
    at = once.frame["metric"] == "abundance"
    # not equal to the last digit, for the null curve's penalty weighs less among more samples; as independent samples they would give .71
    ratio = got.frame["se"][at] / once.frame["se"][at]
    assert ratio.between(0.95, 1.05).all()
    np.testing.assert_array_equal(got.frame["n_1"], once.frame["n_1"])


def test_a_variable_within_subjects_is_judged_by_leaving_out_subjects() -> None:
    counts = table(np.random.default_rng(13), 60)
    who = [f"p{i % 30}" for i in range(60)]
    got = compare_abundance(cohort_of(counts, {"time": halves(60), "who": who}), variable="time", subject="who", rank="feature")
    assert set(got.frame["unit"]) == {"subject (who; standard errors by leaving out one subject at a time)"}
    assert "one value a subject" in got.record["absent"]["ancombc2"]
    assert (got.frame["df"].dropna() == 29).all()
    assert (got.frame["agreement"] == "").all()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"variable": "nothing"}, InputError, "has no column 'nothing'"),
        ({"formula": "~ nothing"}, ExpressionError, "nothing"),
        ({"formula": "~ group * age"}, InputError, "stands in an interaction"),
        ({"variable": "group", "baseline": "z"}, InputError, "baseline 'z' is no group"),
        ({"variable": "one"}, UntestableError, "fewer than two groups"),
        ({"variable": "group", "rank": "genus"}, InputError, "has no lineages"),
        ({"formula": "~ group + same"}, InputError, "adds nothing"),
        ({"variable": "group", "min_prevalence": 0.0}, InputError, "above 0"),
        ({}, InputError, "names no group"),
    ],
)
def test_what_cannot_be_tested_is_told(options: dict[str, Any], error: type[Exception], match: str) -> None:
    n = 30
    columns = {"group": halves(n), "same": halves(n, ("x", "y")), "one": ["x"] * n, "age": [str(i) for i in range(n)]}
    made = cohort_of(table(np.random.default_rng(14), n), columns, numeric=["age"])
    with pytest.raises(error, match=match):
        compare_abundance(made, **{"rank": "feature", **options})


def test_what_is_dropped_is_counted() -> None:
    counts = table(np.random.default_rng(15), 60)
    counts[0] = counts[0] // 100
    groups: list[str | None] = list(halves(60))
    groups[1], groups[2], groups[3] = None, "z", "z"
    got = compare_abundance(cohort_of(counts, {"group": groups}), variable="group", rank="feature")
    assert got.record["dropped"] == {
        "fewer than 1000 reads": 1, "no value of group": 1, "group z has fewer than 3 samples": 2,
    }  # fmt: skip
    assert got.frame["n_dropped"].eq(4).all()


def test_depth_that_differs_between_groups_makes_no_differences_where_plain_log_ratios_make_many() -> None:
    false: dict[str, list[bool]] = {"own": [], "clr": [], "prevalence": []}
    any_false = 0
    for k in range(30):
        counts = table(np.random.default_rng([16, k]), 100, p=60, deeper=4)
        counts = counts[:, (counts > 0).mean(axis=0) >= 0.1]
        x = np.column_stack([np.ones(100), np.arange(100) >= 50]).astype(float)
        plan = plan_of(x, slice(1, 2), level=x[:, 1].astype(np.int64))
        reference = choose_reference((counts > 0).mean(axis=0))
        assert not isinstance(reference, str)
        own, effort = abundance_fit(counts, plan, reference)
        false["own"] += (own.p[0] < 0.05).tolist()
        false["clr"] += (clr_fit(counts, plan).p[0] < 0.05).tolist()
        some = np.minimum((counts > 0).sum(axis=0), (counts == 0).sum(axis=0)) >= 5
        seen = detection_fit(counts[:, some], plan, replace(effort, log=effort.log[:, some]))
        false["prevalence"] += (seen.p[0] < 0.05).tolist()
        any_false += bool((stats.false_discovery_control(own.p[0]) <= 0.05).any())
    rate = {name: float(np.mean(values)) for name, values in false.items()}
    assert 0.02 < rate["own"] < 0.075
    assert rate["prevalence"] < 0.075
    assert rate["clr"] > 0.10
    assert any_false <= 5  # binomial(30, .05) exceeds 5 with a chance of .003


def test_effort_is_the_mean_log_of_the_other_reference_taxa() -> None:
    counts = np.array([[1, 3, 7, 0], [2, 2, 0, 5]])
    logs = np.log(counts + 0.5)
    got = reference_effort(counts, np.array([0, 1, 2]))
    np.testing.assert_allclose(got[:, 0], logs[:, [1, 2]].mean(axis=1))
    np.testing.assert_allclose(got[:, 3], logs[:, [0, 1, 2]].mean(axis=1))
