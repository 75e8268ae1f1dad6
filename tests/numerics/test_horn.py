"""Robust limits, Box-Cox powers, outlier rules and partitioning, against twins and calculations by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gutdiv.numerics.horn import bootstrap_limits, box_cox, box_cox_power, dixon_reed, from_box_cox, robust_limits, tukey_fences
from gutdiv.numerics.subgroups import harris_boyd, lahti, shares_beyond


def naive_robust(values: list[float]) -> tuple[float, float]:
    """Follow Horn's printed formulas value by value."""
    n = len(values)
    med = float(np.median(values))
    spread = float(np.median([abs(x - med) for x in values])) / 0.6745
    centre = med
    while True:
        w = [(1 - ((x - centre) / (3.7 * spread)) ** 2) ** 2 if abs(x - centre) < 3.7 * spread else 0.0 for x in values]
        new = sum(a * x for a, x in zip(w, values, strict=True)) / sum(w)
        done, centre = abs(new - centre) < 1e-6, new
        if done:
            break

    def width(c: float, s0: float, m: float, times: int) -> float:
        top = q = 0.0
        for x in values:
            u = (x - m) / (c * s0)
            if abs(u) < 1:
                top += u**2 * (1 - u**2) ** 4
                q += (1 - u**2) * (1 - 5 * u**2)
        return c * s0 * math.sqrt(times * top / (q * max(1.0, q - 1)))

    s37 = width(3.7, spread, med, n)
    reach = stats.t.ppf(0.975, n - 1) * math.hypot(width(205.6, spread, med, n), width(3.7, s37, centre, 1))
    return centre - reach, centre + reach


@pytest.mark.parametrize("n", [20, 41, 119])
def test_robust_limits_equal_the_printed_formulas(n: int) -> None:
    x = np.random.default_rng(n).gamma(4.0, size=n)
    assert robust_limits(x) == pytest.approx(naive_robust(x.tolist()), abs=1e-9)


def test_robust_limits_of_many_rows_are_those_of_each_row() -> None:
    x = np.random.default_rng(1).normal(size=(6, 50))
    lower, upper = robust_limits(x)
    one = np.array([robust_limits(row) for row in x])
    assert lower == pytest.approx(one[:, 0], abs=1e-12)
    assert upper == pytest.approx(one[:, 1], abs=1e-12)


def test_robust_limits_of_normal_values_lie_near_the_normal_ones() -> None:
    x = stats.norm.ppf((np.arange(1, 81) - 0.5) / 80)
    lower, upper = robust_limits(x)
    assert (lower, upper) == pytest.approx((-1.96, 1.96), abs=0.1)


def test_values_that_are_mostly_equal_have_no_robust_limits() -> None:
    assert np.isnan(robust_limits(np.append(np.zeros(30), np.arange(10.0)))).all()


def test_the_box_cox_power_is_the_one_scipy_finds_and_none_where_one_fits() -> None:
    x = np.random.default_rng(3).lognormal(size=100)
    assert box_cox_power(x) == pytest.approx(stats.boxcox_normmax(x, method="mle"), abs=0.026)
    assert box_cox_power(np.random.default_rng(3).normal(20, 1, size=100)) is None
    assert box_cox_power(np.array([0.0, 1.0, 2.0])) is None
    for power in (-0.5, 0.0, 2.0):
        assert from_box_cox(box_cox(x, power), power) == pytest.approx(x)
    assert from_box_cox(np.array([-3.0]), 0.5) == pytest.approx([0.0])  # 1 - 1.5 < 0: below all that positive values become


def test_bootstrap_intervals_hold_the_limit_and_do_not_depend_on_the_order_of_values() -> None:
    x = np.random.default_rng(8).normal(size=60)
    low, high = bootstrap_limits(x, rng=np.random.Generator(np.random.Philox(1)), times=500)
    lower, upper = robust_limits(x)
    assert low[0] < lower < low[1]
    assert high[0] < upper < high[1]
    assert bootstrap_limits(x[::-1], rng=np.random.Generator(np.random.Philox(1)), times=500) == (low, high)


def test_outlier_rules_by_hand() -> None:
    # range 9, gaps 1 and 5: only the largest lies a third of the range away
    assert dixon_reed(np.array([10.0, 1.0, 2.0, 3.0, 4.0, 5.0])) == [0]
    assert dixon_reed(np.array([1.0, 1.0, 1.0])) == []
    # quartiles 2 and 4 of 1 to 5: fences 2 - 3 and 4 + 3
    assert tukey_fences(np.arange(1.0, 6.0)) == pytest.approx((-1.0, 7.0))


def test_harris_and_boyd_by_hand() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 6.0, 8.0])
    # means 2 and 6, variances 1 and 4: z = 4 / sqrt(1/3 + 4/3); z* = 3 sqrt(6/240)
    found = harris_boyd(a, b)
    assert (found.z, found.critical, found.ratio) == pytest.approx((3.098387, 0.474342, 2.0), abs=1e-6)
    assert found.partition
    same = harris_boyd(np.arange(120.0), np.arange(120.0) + 1)
    assert same.critical == pytest.approx(3.0)  # z* is 3 at 120 in each subgroup
    assert not same.partition


def test_lahti_decides_by_the_share_beyond_common_limits() -> None:
    shares, low, high = shares_beyond(np.arange(100.0), 3.0, 96.0)
    assert shares == pytest.approx([0.03, 0.03])
    assert (low < shares).all()
    assert (high > shares).all()
    assert lahti(np.array([0.025, 0.031])) == "common"
    assert lahti(np.array([0.025, 0.041])) == "partition"
    assert lahti(np.array([0.009, 0.025])) == "partition"
    assert lahti(np.array([0.025, 0.035])) == "judgement"
