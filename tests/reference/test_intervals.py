"""Reference intervals: the published rank table, limits by hand, and who the controls are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import binom

from gutdiv.errors import InputError
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import Controls, Interval, Reference
from gutdiv.numerics.tails import false_discovery_rates, limit_ranks, reference_limits, tail_bounds
from gutdiv.reference.check import check_reference
from gutdiv.reference.controls import choose_controls
from gutdiv.reference.intervals import build_reference, interval


@pytest.mark.parametrize(
    ("n", "ranks"),
    [(120, (1, 7)), (150, (1, 8)), (200, (2, 10)), (240, (2, 11)), (300, (3, 13)), (400, (5, 16)), (500, (7, 19)), (1000, (17, 34))],
)
def test_ranks_equal_the_table_of_clsi_ep28(n: int, ranks: tuple[int, int]) -> None:
    assert limit_ranks(n) == ranks  # CLSI EP28-A3c, table of ranks for the 90 % CI of the 2.5th percentile


def test_there_is_no_interval_below_119_values() -> None:
    assert limit_ranks(118) is None
    assert limit_ranks(119) == (1, 7)
    found = interval("shannon", "feature", 1000, np.arange(118.0))
    assert found.lower is None
    assert found.absent == "118 control subjects with 1,000 reads; a nonparametric interval needs 119"


def test_limits_are_type_6_quantiles_by_hand() -> None:
    # ranks .025 x 120 = 3 and .975 x 120 = 117 of 119 values: the 3rd smallest and the 3rd largest
    assert reference_limits(np.arange(1.0, 120.0)) == pytest.approx((3.0, 117.0))
    found = interval("shannon", "feature", 1000, np.append(np.arange(1.0, 121.0)[::-1], np.nan))
    assert (found.lower, found.upper) == pytest.approx((3.025, 117.975))  # ranks 3.025 and 117.975 of 120
    assert found.lower_ci == (1.0, 7.0)
    assert found.upper_ci == (114.0, 120.0)


def test_tail_bounds_are_clopper_pearson_and_dual_to_the_ranks() -> None:
    for n in (119, 200, 1000):
        ranks = limit_ranks(n)
        assert ranks is not None
        _, high = tail_bounds(np.arange(n + 1), np.full(n + 1, n))
        # k values at or under x with an upper bound below 2.5 % <=> x lies below the order statistic of rank ranks[0]
        assert int(np.sum(high < 0.025)) == ranks[0]
        k = ranks[0] + 3
        low, high_k = tail_bounds(np.array([k]), np.array([n]))
        assert binom.sf(k - 1, n, low[0]) == pytest.approx(0.05, abs=1e-9)  # the defining equations
        assert binom.cdf(k, n, high_k[0]) == pytest.approx(0.05, abs=1e-9)


def test_false_discovery_rates_by_hand() -> None:
    # R: p.adjust(c(.01, .02, .03, .5), "BH") = .04 .04 .04 .5
    assert false_discovery_rates(np.array([0.01, np.nan, 0.02, 0.03, 0.5])) == pytest.approx([0.04, np.nan, 0.04, 0.04, 0.5], nan_ok=True)


def cohort() -> Cohort:
    ids = ("a1", "a2", "b1", "c1", "d1", "e1")
    columns = {
        "group": ("c", "c", "c", "p", "c", "c"),
        "who": ("A", "A", "B", "C", None, "E"),
        "day": ("5", "2", "1", "1", "1", None),
    }
    counts = sparse.csr_matrix(np.array([[9], [9], [9], [9], [9], [3]], dtype=np.int64))
    kinds = {"group": "categorical", "who": "categorical", "day": "numeric"}
    return Cohort(ids, ("f",), counts, None, None, SampleMetadata(ids, columns, kinds), Roles(subject="who", time="day"))


def test_one_sample_stands_for_each_subject_and_shallow_ones_for_none() -> None:
    found = choose_controls(cohort(), 'group == "c"', depth=5)
    assert found.samples == ("a1", "a2", "b1", "d1", "e1")
    assert found.chosen == ("a2", "b1", "d1")  # a2 is earlier than a1; e1 is too shallow
    assert found.too_shallow == ("e1",)
    assert found.subjects["a1"] == found.subjects["a2"] != found.subjects["b1"]
    assert found.subjects["d1"] == "sample d1"


def test_controls_that_select_nothing_are_an_error() -> None:
    with pytest.raises(InputError, match="selects none of 6 samples"):
        choose_controls(cohort(), 'group == "healthy"')


def test_a_reference_is_called_healthy_only_where_that_was_declared() -> None:
    controls = choose_controls(cohort(), 'group == "c"', depth=5)
    alpha = pd.DataFrame(
        {"sample_id": list(cohort().sample_ids), "level": "feature", "metric": "shannon", "value": 1.0, "sd": 0.0, "depth": 5}
    )
    made = build_reference(alpha, controls, name="r", depth=5)
    assert made.controls_are == ""
    assert made.intervals[0].n == 3
    assert (made.n_samples, made.n_subjects) == (5, 4)
    assert build_reference(alpha, controls, name="r", depth=None).intervals == ()


def test_a_reference_is_checked_against_local_controls_in_both_directions() -> None:
    ids = tuple(f"s{i:03d}" for i in range(100))
    controls = Controls("x", ids, ids, {s: s for s in ids}, ())
    made = Interval("shannon", "feature", 500, 200, "x", 5.0, (2.0, 10.0), 95.0, (91.0, 99.0), 50.0)
    absent = Interval("sobs", "feature", 500, 20, "none", None, None, None, None, 3.0, "20 controls")

    def verdict(values: np.ndarray, depth: int = 500) -> pd.Series:
        alpha = pd.DataFrame({"sample_id": list(ids), "level": "feature", "metric": "shannon", "value": values, "sd": 0.1, "depth": depth})
        frame = check_reference(Reference("r", "x", "", 200, 200, 500, (made, absent)), alpha, controls, depth=depth)
        assert frame["verdict"][1] == "not checked"
        assert frame["reason"][1] == "20 controls"
        return frame.iloc[0]

    compatible = verdict(np.append(np.full(98, 50.0), [1.0, 99.0]))
    assert (compatible["below"], compatible["above"], compatible["verdict"]) == (1, 1, "compatible")
    # 1 of 100: R's binom.test(1, 100, conf.level = .9) gives .0005128014 to .0465598115
    assert (compatible["below_low"], compatible["below_high"]) == pytest.approx((0.0005128014, 0.0465598115), rel=1e-6)
    assert verdict(np.append(np.full(90, 50.0), np.full(10, 1.0)))["verdict"] == "too narrow"
    assert verdict(np.full(100, 50.0))["verdict"] == "compatible"  # 0 of 100 still leaves up to 2.95 %
    assert "made at 500 reads, the values at 400" in verdict(np.full(100, 50.0), 400)["reason"]
