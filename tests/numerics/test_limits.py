"""Limits with each value left out, against limits made of the others."""

from __future__ import annotations

import numpy as np
import pytest

from gutdiv.numerics.horn import bootstrap_limits, box_cox, box_cox_power, box_cox_powers, from_box_cox, robust_limits
from gutdiv.numerics.limits import limits, limits_without_each, stream


def test_robust_limits_of_twenty_calcium_values_are_those_that_r_prints() -> None:
    # the example of CLSI EP28-A3c, appendix on the robust method, as the tests of the R package mcradds have it: 9.049545 and 10.199396;
    # it stops its steps to the centre at 1e-6, as we do
    values = np.repeat([8.9, 9.2, 9.4, 9.5, 9.6, 9.7, 9.8, 9.9, 10.2], [1, 1, 2, 3, 4, 5, 1, 2, 1])
    assert robust_limits(values) == pytest.approx((9.049545, 10.199396), abs=2e-6)


@pytest.mark.parametrize("skewed", [False, True])
def test_limits_without_a_value_are_those_of_the_others(skewed: bool) -> None:
    x = np.random.default_rng(6).normal(10, 1, size=70)
    x = np.exp(x / 4) if skewed else x
    found = limits_without_each(x, rng=stream(1, "m"))
    assert len(found) == 70
    for i in (0, 33, 69, int(x.argmax()), int(x.argmin())):
        others = np.delete(x, i)
        power = box_cox_power(others)
        limit = np.array(robust_limits(others if power is None else box_cox(others, power)))
        expected = limit if power is None else from_box_cox(limit, power)
        assert found[i].power == power
        assert (found[i].lower, found[i].upper) == pytest.approx(tuple(expected), abs=1e-9)
        # the ordinary bootstrap of the others, with 4,000 resamples: the ends differ by the noise of 1,100 resamples
        ends = bootstrap_limits(others if power is None else box_cox(others, power), rng=stream(2, i), times=4000)
        low, high = (np.array(e) if power is None else from_box_cox(np.array(e), power) for e in ends)
        width = float(expected[1] - expected[0])
        assert found[i].lower_ci == pytest.approx(tuple(low), abs=0.05 * width)
        assert found[i].upper_ci == pytest.approx(tuple(high), abs=0.05 * width)


def test_a_value_left_out_moves_neither_limits_nor_intervals_that_are_its_own() -> None:
    x = np.random.default_rng(6).normal(10, 1, size=50)
    y = x.copy()
    y[x.argmax()] = 1e3  # still the largest: the others keep their places
    a, b = (limits_without_each(v, rng=stream(1, "m"))[int(x.argmax())] for v in (x, y))
    assert a == b


def test_powers_of_many_rows_are_those_of_each_row_by_scipys_likelihood() -> None:
    from scipy import stats

    rng = np.random.default_rng(4)
    rows = np.stack([rng.lognormal(size=60), rng.normal(20, 1, size=60), rng.gamma(2.0, size=60), np.append(0.0, rng.gamma(2.0, size=59))])
    found = box_cox_powers(rows)
    assert np.isnan(found[[1, 3]]).all()
    for i in (0, 2):
        grid = np.round(np.arange(-3, 8.01, 0.05), 2)
        assert found[i] == grid[np.argmax([stats.boxcox_llf(p, rows[i]) for p in grid])]


def test_what_is_made_depends_on_the_number_of_values_and_the_stream_on_its_words() -> None:
    x = np.random.default_rng(7).normal(size=120)
    assert [limits(x[:n], rng=None).method.split()[0] for n in (39, 40, 119, 120)] == ["none", "robust", "robust", "nonparametric"]
    assert stream(1, "a", 2).random() == stream(1, "a", 2).random() != stream(1, "a", 3).random()
