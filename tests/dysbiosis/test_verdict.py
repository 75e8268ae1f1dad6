"""Flags and verdicts: exact false alarms, no sample against its own subject, and clear words where nothing can be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.dysbiosis.flags import flag_samples
from gutdiv.dysbiosis.score import Measured, judge_samples, leading, study_drivers
from gutdiv.dysbiosis.tiers import word
from gutdiv.dysbiosis.verdict import judge
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import Controls, Interval, Reference
from gutdiv.numerics.left_out import spread_without_each


def measured(rng: np.random.Generator, n: int, controls: int, g: int = 12) -> Measured:
    """Draw samples of which the first are the controls; distances are whole numbers, as they are of reads."""
    logs = rng.normal(size=(n, g)) @ rng.normal(size=(g, g)) * 0.3 + rng.normal(size=g)
    return of_logs(logs, controls)


def of_logs(logs: np.ndarray, controls: int) -> Measured:
    share = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    unshared = np.rint(1e5 * 0.5 * np.abs(share[:, None] - share[None, :controls]).sum(-1)).astype(np.int64)
    entropy = -(share * np.log(share)).sum(1)
    names = tuple(f"g{j}" for j in range(logs.shape[1]))
    return Measured(np.arange(controls), entropy, unshared, logs, np.ones(logs.shape, np.int64), names, 1000, 1)


def naive_conformal(m: Measured, sample: int, reference: list[int]) -> float:
    """Follow the design's formulas word by word, with loops; all controls and the sample."""
    from sklearn.covariance import LedoitWolf

    bag = [*reference, sample]
    size = len(bag)
    apart = {(i, j): m.unshared[i, j] if j < m.unshared.shape[1] else m.unshared[j, i] for i in bag for j in bag if i != j}
    k = max(3, int(np.ceil(0.05 * size)))
    s1 = [-m.entropy[i] for i in bag]
    s2 = [sum(sorted(apart[i, j] for j in bag if j != i)[:k]) for i in bag]
    z = m.logs[bag]
    z = z - z.mean(1, keepdims=True)
    s3 = list(LedoitWolf().fit(z).mahalanobis(z))
    ranks = [[sum(s[j] >= s[i] for j in range(size)) / size for i in range(size)] for s in (s1, s2, s3)]
    score = [sum(-np.log(r[i]) for r in ranks) for i in range(size)]
    return sum(v >= score[-1] - 1e-12 for v in score) / size


def own_of(n: int, controls: int) -> np.ndarray:
    return np.append(np.arange(controls), np.full(n - controls, -1))


def test_the_p_value_equals_the_naive_procedure() -> None:
    m = measured(np.random.default_rng(4), 75, 62)
    found = judge_samples(m, own_of(75, 62))
    for sample in (0, 30, 62, 70, 74):
        reference = [i for i in range(62) if i != sample]
        assert found[sample, 0] == pytest.approx(naive_conformal(m, sample, reference))


def test_p_values_of_exchangeable_samples_are_uniform() -> None:
    # full conformal: P(p <= a) <= a exactly; 400 fresh draws of 61 exchangeable samples, the last one judged
    rng = np.random.default_rng(9)
    p = np.array([judge_samples(measured(rng, 61, 60, 6), own_of(61, 60), rows=np.array([60]))[0, 0] for _ in range(400)])
    for a in (0.05, 0.1, 0.5):
        assert (p <= a).mean() <= a + 3 * np.sqrt(a * (1 - a) / 400)
    assert (p <= 0.5).mean() >= 0.5 - 3 * np.sqrt(0.25 / 400) - 1 / 61


def test_a_control_drawn_twice_makes_no_other_person_look_more_unusual() -> None:
    # mean p over bootstraps of exchangeable people stays near 1/2, as it is without: a control is not held against its own copy
    rng = np.random.default_rng(12)
    means = []
    for seed in range(40):
        m = measured(rng, 70, 60, 6)
        weights = np.bincount(np.random.default_rng(seed).integers(0, 60, 60), minlength=60)
        means.append(judge_samples(m, own_of(70, 60), rows=np.arange(60, 70), weights=weights)[:, 0].mean())
    # 400 values of SD .29, ten of a bag each: standard error below .03
    assert np.mean(means) == pytest.approx(0.5, abs=0.07)


def test_a_sample_far_from_all_controls_has_the_smallest_p_and_its_drivers_are_named() -> None:
    rng = np.random.default_rng(5)
    logs = measured(rng, 81, 80).logs.copy()
    logs[80, 3] += 9.0
    m = of_logs(logs, 80)
    own = own_of(81, 80)
    assert judge_samples(m, own)[80, 0] == pytest.approx(1 / 81)
    name, z = study_drivers(m, own, np.array([80]))[0][0]
    assert name == "g3"
    assert z > 3


def test_drivers_are_robust_z_of_the_controls_of_other_subjects() -> None:
    # by hand: pool 0, 1, 2, 3, 10 has median 2 and MAD 1, so z = (9 - 2) / 1.4826; a taxon without spread is never named
    values, pool = np.array([[9.0, 5.0]]), np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [10.0, 1.0]])
    assert leading(values, pool, ["a", "b"]) == [[("a", pytest.approx(7 / 1.4826))]]


def test_the_words_of_a_p_value() -> None:
    assert [word(p) for p in (0.025, 0.0251, 0.10, 0.101)] == ["outside", "borderline", "borderline", "within"]


def small_cohort(n_controls: int, seed: int = 1) -> tuple[Cohort, Controls]:
    rng = np.random.default_rng(seed)
    n = n_controls + 4
    ids = tuple(f"s{i:03d}" for i in range(n))
    share = rng.dirichlet(np.full(30, 1.0), n)
    counts = np.array([rng.multinomial(400, p) for p in share], dtype=np.int64)
    counts[-1] = 0
    counts[-1, 0] = 30  # a shallow sample
    features = tuple(f"f{j:02d}" for j in range(30))
    # the last-but-one sample is of the same subject as the first control
    subjects = {s: f"subject {i}" for i, s in enumerate(ids)}
    subjects[ids[-2]] = subjects[ids[0]]
    cohort = Cohort(ids, features, sparse.csr_matrix(counts), None, None, SampleMetadata(ids, {}, {}), Roles())
    return cohort, Controls("x", ids[:n_controls], ids[:n_controls], subjects, ())


def verdicts(cohort: Cohort, controls: Controls | None) -> pd.DataFrame:
    keys = np.arange(len(cohort.sample_ids), dtype=np.uint64)
    entropy = np.linspace(1, 3, len(cohort.sample_ids))
    return judge(cohort, controls, entropy, depth=300, keys=keys, seed=1).verdicts.set_index("sample_id")


def test_sixty_controls_give_a_verdict_and_no_sample_is_judged_against_its_own_subject() -> None:
    cohort, controls = small_cohort(60)
    found = verdicts(cohort, controls)
    assert found.loc["s000", "n_reference"] == 59  # a control: itself left out
    assert found.loc["s062", "n_reference"] == 59  # of the first control's subject
    assert found.loc["s061", "n_reference"] == 60
    assert found.loc["s063", "verdict"] == "not assessable"
    assert "30 reads, fewer than the common depth of 300" in found.loc["s063", "reason"]
    assert set(found.loc[found["verdict"] != "not assessable", "tier"]) == {"in-study"}


def test_below_sixty_controls_or_without_any_nothing_is_assessable_and_it_is_said_why() -> None:
    cohort, controls = small_cohort(59)
    found = verdicts(cohort, controls)
    assert set(found["verdict"]) == {"not assessable"}
    assert found["reason"].iloc[0] == "59 control subjects with 300 reads; a verdict needs 60"
    assert found["p"].isna().all()
    assert "no controls were declared" in verdicts(cohort, None)["reason"].iloc[0]


def alpha(values: np.ndarray) -> pd.DataFrame:
    ids = [f"s{i:03d}" for i in range(values.size)]
    return pd.DataFrame({"sample_id": ids, "level": "feature", "metric": "shannon", "value": values, "sd": 0.1, "depth": 500})


def declared(n: int, chosen: int) -> Controls:
    ids = tuple(f"s{i:03d}" for i in range(n))
    return Controls("x", ids[:chosen], ids[:chosen], {s: s for s in ids}, ())


def test_flags_agree_with_the_confidence_interval_of_the_limit_by_order_statistics() -> None:
    # 200 controls with values 1..200: ranks (2, 10) of CLSI's table, so the limits' 90 % CIs are [2, 10] and [191, 199]
    values = np.append(np.arange(1.0, 201.0), [1.5, 2.0, 9.5, 10.0, 100.5, 190.5, 191.0, 199.5, np.nan])
    found = flag_samples(alpha(values), declared(209, 200), depth=500).set_index("sample_id")
    flags = found.loc["s200":, "flag"].tolist()
    # a value equal to a control's counts as not beyond it: 2.0 is on the CI's end
    assert flags == ["below", "borderline", "borderline", "within", "within", "within", "within", "above", "not assessable"]
    assert found.loc["s204", "lower"] == pytest.approx(5.025)
    assert found.loc["s204", "n_reference"] == 200
    assert found.loc["s000", "n_reference"] == 199


def test_too_few_controls_give_tail_counts_but_no_flag() -> None:
    found = flag_samples(alpha(np.arange(60.0)), declared(60, 39), depth=500).set_index("sample_id")
    assert set(found["flag"]) == {"not assessable"}
    assert found.loc["s000", "reason"] == "39 control subjects with 500 reads; an interval needs 40, one by order statistics 120"
    assert (found.loc["s050", "tail_below"], found.loc["s050", "tail_above"]) == (39, 0)
    assert (found.loc["s000", "tail_below"], found.loc["s000", "tail_above"], found.loc["s000", "n_reference"]) == (0, 38, 38)


def test_unrarefied_values_are_never_flagged() -> None:
    found = flag_samples(alpha(np.arange(150.0)), declared(150, 140), depth=None)
    assert set(found["flag"]) == {"not assessable"}
    assert "not rarefied" in found["reason"].iloc[0]


def test_a_reference_flags_by_its_limits_where_depth_and_metric_are_its_own() -> None:
    made = Interval("shannon", "feature", 500, 200, "x", 5.0, (2.0, 10.0), 195.0, (191.0, 199.0), 100.0)
    reference = Reference("r", "x", "", 200, 200, 500, (made,))
    found = flag_samples(alpha(np.array([1.0, 2.0, 5.0, 10.0, 100.0, 195.0, 200.0])), None, depth=500, reference=reference)
    assert found["flag"].tolist() == ["below", "borderline", "borderline", "within", "within", "borderline", "above"]
    other = flag_samples(alpha(np.array([1.0])), None, depth=400, reference=reference)
    assert other["flag"].tolist() == ["not assessable"]


@pytest.mark.parametrize("n", [3, 4, 9, 60])
def test_medians_and_deviations_without_each_control_are_those_of_the_others(n: int) -> None:
    rng = np.random.default_rng(n)
    for pool in (rng.normal(size=(n, 5)), rng.integers(0, 4, (n, 5)) * 1.1):
        middle, deviation = spread_without_each(pool)
        for i in range(n):
            others = np.delete(pool, i, 0)
            assert np.array_equal(middle[i], np.median(others, axis=0))
            assert np.array_equal(deviation[i], np.median(np.abs(others - middle[i]), axis=0))
