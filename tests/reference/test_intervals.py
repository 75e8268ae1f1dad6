"""Reference intervals: the published rank table, limits by hand, and who the controls are."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import binom

from gutdiv.errors import InputError
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import Controls, Interval, Reference
from gutdiv.numerics.horn import box_cox, box_cox_power, from_box_cox, robust_limits
from gutdiv.numerics.tails import false_discovery_rates, limit_ranks, reference_limits, reference_limits_without_each, tail_bounds
from gutdiv.reference.check import check_reference
from gutdiv.reference.controls import choose_controls
from gutdiv.reference.intervals import build_reference, interval, named_outliers
from gutdiv.reference.partition import partition_reference


@pytest.mark.parametrize(
    ("n", "ranks"),
    [(120, (1, 7)), (150, (1, 8)), (200, (2, 10)), (240, (2, 11)), (300, (3, 13)), (400, (5, 16)), (500, (7, 19)), (1000, (17, 34))],
)
def test_ranks_equal_the_table_of_clsi_ep28(n: int, ranks: tuple[int, int]) -> None:
    assert limit_ranks(n) == ranks  # CLSI EP28-A3c, table of ranks for the 90 % CI of the 2.5th percentile


def test_ranks_equal_a_count_of_binomial_probabilities_for_every_n_of_the_table() -> None:
    # the table's rule, counted term by term: the largest l with P(X < l) <= 5 % and the smallest u with P(X < u) >= 95 %, X ~ B(n, .025)
    for n in range(119, 1001):
        total, low, high = 0.0, 0, 0
        for k in range(n + 1):
            total += math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(0.025) + (n - k) * math.log(0.975))
            if total < 0.05:
                low = k + 1
            if total >= 0.95:
                high = k + 1
                break
        assert limit_ranks(n) == (low, high), n


def test_what_is_made_depends_on_the_number_of_controls() -> None:
    assert limit_ranks(118) is None
    assert limit_ranks(119) == (1, 7)
    x = np.random.default_rng(1).normal(10, 1, size=130)
    none = interval("shannon", "feature", 1000, x[:39])
    assert none.lower is None
    assert none.absent == "39 control subjects with 1,000 reads; an interval needs 40, one by order statistics 120"
    robust = interval("shannon", "feature", 1000, x[:40])
    assert [robust.lower, robust.upper] == pytest.approx(np.array(robust_limits(x[:40])))
    assert robust.method == "robust (Horn), 90 % CI by bootstrap"
    assert robust.lower_ci is not None
    assert robust.lower_ci[0] < robust.lower < robust.lower_ci[1]  # type: ignore[operator]
    assert interval("shannon", "feature", 1000, x[:119]).method.startswith("robust")
    assert interval("shannon", "feature", 1000, x[:120]).method.startswith("nonparametric")


def test_skewed_positive_values_get_robust_limits_on_box_coxs_scale() -> None:
    x = np.exp(np.random.default_rng(2).normal(0, 1, size=80))
    found = interval("sobs", "feature", 1000, x)
    power = box_cox_power(x)
    assert power is not None
    assert "Box-Cox power" in found.method
    assert (found.lower, found.upper) == pytest.approx(tuple(from_box_cox(np.array(robust_limits(box_cox(np.sort(x), power))), power)))
    assert found.lower > 0  # type: ignore[operator]


def test_outliers_are_reported_with_the_limits_without_them_and_none_is_left_out() -> None:
    x = np.append(np.random.default_rng(3).normal(10, 1, size=129), 40.0)
    found = interval("shannon", "feature", 1000, x)
    assert found.n == 130
    assert found.outliers >= 1
    assert found.upper == pytest.approx(reference_limits(x)[1])
    assert found.without_outliers is not None
    assert found.without_outliers[1] < found.upper  # type: ignore[operator]
    ids = tuple(f"s{i:03d}" for i in range(130))
    alpha = pd.DataFrame({"sample_id": ids, "level": "feature", "metric": "shannon", "value": x, "sd": 0.0, "depth": 1000})
    named = named_outliers(alpha, Controls("x", ids, ids, {s: s for s in ids}, ()))
    last = named[named["sample_id"] == "s129"].iloc[0]
    assert (last["rule"], last["side"]) == ("Dixon-Reed and Tukey-Horn", "high")


def test_a_taxon_that_some_controls_lack_has_no_lower_limit() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=200)
    seen = np.ones(200)
    seen[:30] = 0.0
    found = interval("clr:Dialister", "genus", 1000, x, detected=seen)
    assert found.lower is None
    assert found.absent is None
    assert found.upper == pytest.approx(reference_limits(x)[1])
    assert found.undetected == 0.15
    # 30 of 200: R's binom.test(30, 200, conf.level = .9) gives .1100814433 to .1979106917
    assert found.undetected_ci == pytest.approx((0.1100814433, 0.1979106917), rel=1e-8)
    assert found.lower_absent == "not detected in 15.0% of the controls: such a sample is absent, as 15.0% of the controls are"
    seen[:170] = 0.0
    rare = interval("clr:Dialister", "genus", 1000, x, detected=seen)
    assert rare.upper is None
    assert rare.absent == "seen in 30 of 200 controls at 1,000 reads; limits need 20% of them"
    common = interval("clr:Dialister", "genus", 1000, x, detected=np.append(np.zeros(5), np.ones(195)))
    assert common.lower is not None  # 2.5 % lack it: the limit lies just among those that have it


def test_firmicutes_to_bacteroidetes_are_shown_only() -> None:
    assert interval("log2_fb", "phylum", 1000, np.arange(130.0)).shown_only
    assert not interval("shannon", "feature", 1000, np.arange(130.0)).shown_only


def test_a_covariate_partitions_where_its_groups_differ() -> None:
    rng = np.random.default_rng(6)
    ids = tuple(f"s{i:03d}" for i in range(240))
    sex = tuple("f" if i < 120 else "m" for i in range(240))
    counts = sparse.csr_matrix(np.full((240, 1), 9, dtype=np.int64))
    about = Cohort(ids, ("f",), counts, None, None, SampleMetadata(ids, {"sex": sex}, {"sex": "categorical"}), Roles())
    controls = choose_controls(about, 'sex in ("f", "m")')
    same, apart = rng.normal(size=240), np.append(rng.normal(size=120), rng.normal(2, 1, size=120))
    alpha = pd.concat(
        pd.DataFrame({"sample_id": ids, "level": "feature", "metric": m, "value": v, "sd": 0.0, "depth": 9})
        for m, v in (("same", same), ("apart", apart))
    )
    made = build_reference(alpha, controls, name="r", depth=9)
    found = {p.metric: p for p in partition_reference(made, alpha, controls, about, column="sex")}
    assert found["same"].harris_boyd == "common"
    assert found["apart"].harris_boyd == "partition"
    assert found["apart"].lahti == "partition"
    assert found["apart"].critical == pytest.approx(3.0)
    own = found["apart"].intervals
    assert own[0].upper == pytest.approx(reference_limits(apart[:120])[1])
    assert own[1].n == 120
    with pytest.raises(InputError, match="has 1 values among"):
        partition_reference(made, alpha, choose_controls(about, 'sex == "f"'), about, column="sex")


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


@pytest.mark.parametrize("n", [40, 41, 79, 80, 81, 120, 161, 200])
def test_limits_without_each_value_are_those_of_the_others(n):
    rng = np.random.default_rng(n)
    for values in (rng.normal(size=n), rng.integers(0, 6, n) * 1.1):
        alone = np.array([reference_limits(np.delete(values, i)) for i in range(n)])
        assert np.array_equal(reference_limits_without_each(values), alone)
