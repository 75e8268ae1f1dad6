"""Rank tests against R, effect sizes against naive twins, a published example and simulation."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gutdiv.numerics.ranks import cliffs_delta, friedman, kruskal_wallis, paired_delta, rank_sum, signed_rank, spearman

TRUTH = Path(__file__).parents[1] / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


DATA = rows("group_values.tsv")
TESTS = rows("group_tests.tsv")


def values(column: str, key: str, name: str) -> np.ndarray:
    """Return the values of one group or level."""
    return np.array([float(r[column]) for r in DATA if r[key] == name])


@pytest.mark.parametrize("truth", [r for r in TESTS if r["test"] in {"rank_sum", "signed_rank"} and "bci" not in r["values"]], ids=str)
def test_wilcoxon_tests_equal_r(truth: dict[str, str]) -> None:
    a, b = truth["contrast"].split("-")
    test = rank_sum if truth["test"] == "rank_sum" else signed_rank
    key = "group" if truth["test"] == "rank_sum" else "level"
    result = test(values(truth["values"], key, a), values(truth["values"], key, b))
    assert result.statistic == float(truth["statistic"])
    assert result.p == pytest.approx(float(truth["p"]), rel=1e-10)
    assert ("(exact)" in result.name) == ("exact" in truth["method"])


@pytest.mark.parametrize("column", ["value", "tied"])
def test_kruskal_wallis_and_friedman_equal_r(column: str) -> None:
    truth = {r["test"]: r for r in TESTS if r["values"] == column}
    result, effect = kruskal_wallis([values(column, "group", g) for g in "abc"])
    expected = truth["kruskal"]
    assert (result.statistic, result.df, result.p) == pytest.approx([float(expected[k]) for k in ("statistic", "df", "p")], rel=1e-10)
    assert effect.value == pytest.approx(float(expected["statistic"]) / 23, rel=1e-10)
    blocks = np.array([[float(r[column]) for r in DATA if r["level"] == k] for k in "xyz"]).T
    result, effect = friedman(blocks)
    expected = truth["friedman"]
    assert (result.statistic, result.df, result.p) == pytest.approx([float(expected[k]) for k in ("statistic", "df", "p")], rel=1e-10)
    assert effect.value == pytest.approx(float(expected["statistic"]) / 16, rel=1e-10)


def test_kruskal_wallis_over_five_unequal_groups_equals_r() -> None:
    shannon = {r["sample_id"]: float(r["shannon"]) for r in rows("alpha_bci.tsv")}
    habitat = {r["sample_id"]: r["Habitat"] for r in rows("bci_env.tsv")}
    groups = [np.array([shannon[s] for s in shannon if habitat[s] == h]) for h in sorted(set(habitat.values()))]
    expected = next(r for r in TESTS if (r["test"], r["values"]) == ("kruskal", "bci_shannon"))
    result, _ = kruskal_wallis(groups)
    assert (len(groups), result.statistic, result.p) == pytest.approx((5, float(expected["statistic"]), float(expected["p"])), rel=1e-10)


def test_spearman_equals_r_exact_and_by_t() -> None:
    x = np.array([float(r["value"]) for r in DATA])
    y = np.array([float(r["covariate"]) for r in DATA])
    truth = {r["test"]: r for r in TESTS if r["test"].startswith("spearman")}
    for n, name in ((24, "spearman_t"), (7, "spearman_exact")):
        result, effect = spearman(x[:n], y[:n])
        assert result.p == pytest.approx(float(truth[name]["p"]), rel=1e-10)
        assert effect.value == pytest.approx(float(truth[name]["statistic"]), rel=1e-10)


def test_cliffs_delta_and_its_interval_equal_the_example_of_effsize() -> None:
    # Example of ?cliff.delta in R's effsize: delta -0.25, 95 % interval -0.7265846 to 0.3890062
    treatment = np.array([10.0, 10, 20, 20, 20, 30, 30, 30, 40, 50])
    control = np.array([10.0, 20, 30, 40, 40, 50])
    effect = cliffs_delta(treatment, control)
    assert effect.value == pytest.approx(-0.25, abs=1e-12)
    assert effect.low == pytest.approx(-0.7265846, abs=5e-8)
    assert effect.high == pytest.approx(0.3890062, abs=5e-8)


GROUP = st.lists(st.integers(-4, 4), min_size=3, max_size=12).map(lambda v: np.array(v, dtype=float))


@settings(max_examples=200, deadline=None)
@given(GROUP, GROUP)
def test_cliffs_delta_equals_a_naive_twin_and_mirrors(x: np.ndarray, y: np.ndarray) -> None:
    signs = [[(a > b) - (a < b) for b in y.tolist()] for a in x.tolist()]
    d = sum(map(sum, signs)) / (len(x) * len(y))
    forth, back = cliffs_delta(x, y), cliffs_delta(y, x)
    assert forth.value == pytest.approx(d, abs=1e-12)
    assert (back.value, back.low, back.high) == pytest.approx((-forth.value, -forth.high, -forth.low), abs=1e-12)
    assert -1 <= forth.low <= forth.value <= forth.high <= 1
    if abs(d) < 1:
        m, n = len(x), len(y)
        rows_ = sum((sum(r) / n - d) ** 2 for r in signs)
        columns = sum((sum(signs[i][j] for i in range(m)) / m - d) ** 2 for j in range(n))
        cells = sum((signs[i][j] - d) ** 2 for i in range(m) for j in range(n))
        variance = (n**2 * rows_ + m**2 * columns - cells) / (m * n * (m - 1) * (n - 1))  # Cliff 1996
        variance = max(variance, (1 - d * d) / (m * n - 1))
        t = stats.t.ppf(0.975, m + n - 2)
        half = t * math.sqrt(variance) * math.sqrt((1 - d * d) ** 2 + t * t * variance)
        low = (d - d**3 - half) / (1 - d * d + t * t * variance)
        assert forth.low == pytest.approx(max(low, -1), abs=1e-9)


def test_intervals_of_delta_hold_the_true_value_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    truth = 2 * stats.norm.cdf(0.8 / math.sqrt(2)) - 1
    held = [e.low <= truth <= e.high for e in (cliffs_delta(rng.normal(0.8, 1, 25), rng.normal(0, 1, 15)) for _ in range(1000))]
    assert abs(np.mean(held) - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 1000)
    paired = 2 * stats.norm.cdf(0.5) - 1
    found = [paired_delta(rng.normal(0.5, 1, 30), np.zeros(30)) for _ in range(1000)]
    assert np.mean([e.low <= paired <= e.high for e in found]) > 0.95 - 4 * math.sqrt(0.05 * 0.95 / 1000)  # Clopper-Pearson: at least


def test_groups_that_do_not_overlap_have_an_interval_that_shrinks_with_their_size() -> None:
    few, many = (cliffs_delta(np.arange(n) + 100.0, np.arange(n) + 0.0) for n in (5, 50))
    assert few.value == many.value == few.high == 1.0
    # Feng & Cliff 2004: (b - t^2) / (b + t^2), b = 5 and t = 2.306 with 8 degrees of freedom
    assert few.low == pytest.approx((5 - 2.306004**2) / (5 + 2.306004**2), abs=1e-6)
    assert few.low < many.low < 1


def test_delta_within_pairs_counts_pairs_that_rise_and_fall() -> None:
    x, y = np.array([3.0, 4, 5, 1, 2, 9]), np.array([1.0, 1, 1, 2, 2, 3])  # four rise, one falls, one stays
    effect = paired_delta(x, y)
    assert effect.value == pytest.approx(3 / 6)
    # exact binomial interval of 4 of 5: .28358 to .99495 (Clopper & Pearson; R: binom.test(4, 5))
    assert (effect.low, effect.high) == pytest.approx(((2 * 0.28358206 - 1) * 5 / 6, (2 * 0.99494920 - 1) * 5 / 6), abs=1e-6)


def test_exact_spearman_equals_enumeration() -> None:
    rng = np.random.default_rng(1)
    for n in (4, 5, 6):
        x, y = rng.normal(size=n), rng.normal(size=n)
        result, effect = spearman(x, y)
        rhos = np.array([stats.spearmanr(x, p).statistic for p in itertools.permutations(y)])
        low, high = np.mean(rhos <= effect.value + 1e-9), np.mean(rhos >= effect.value - 1e-9)
        assert result.p == pytest.approx(min(1.0, 2 * min(low, high)))
        assert "(exact)" in result.name


def test_values_without_any_difference_have_p_one() -> None:
    same = np.full(5, 2.0)
    assert rank_sum(same, same[:4]).p == 1
    assert signed_rank(same, same).p == 1
    assert kruskal_wallis([same, same, same])[0].p == 1
    assert friedman(np.full((4, 3), 1.0))[0].p == 1
    assert cliffs_delta(same, same).value == 0
    assert paired_delta(same, same).value == 0
    assert math.isnan(spearman(same, np.arange(5.0))[0].p)


def test_the_interval_of_rho_is_that_of_bonett_and_wright() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=40)
    _, effect = spearman(x, x + rng.normal(size=40))
    half = 1.959963984540054 * math.sqrt((1 + effect.value**2 / 2) / 37)
    assert math.atanh(effect.high) - math.atanh(effect.value) == pytest.approx(half)
    assert math.atanh(effect.value) - math.atanh(effect.low) == pytest.approx(half)
