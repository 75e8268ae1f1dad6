"""Tiers: how many controls allow which verdict, what holds a sample back, and how the controls themselves are checked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.cli.dysbiosis_measures import measured_alarms, shipped_reference
from gutdiv.dysbiosis.aligned import Published, check_controls
from gutdiv.dysbiosis.explanation import local_limits, shares_of
from gutdiv.dysbiosis.stability import doubtful, published_stability, study_stability
from gutdiv.dysbiosis.tiers import tier_of
from gutdiv.dysbiosis.verdict import Judged, judge
from gutdiv.errors import KnowledgeError
from gutdiv.io.artifacts import read_reference
from gutdiv.io.knowledge import ALARM_COLUMNS, read_false_alarms
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import Controls
from gutdiv.numerics.aligned_score import judge_people
from gutdiv.numerics.portable_form import model_from, tables_from
from gutdiv.numerics.portable_score import People, judge_controls, judge_new, table_for
from gutdiv.numerics.random_effects import localised, share_at_or_below
from gutdiv.numerics.t_mixture import share_below

CONTENT = read_reference(shipped_reference()).portable
MODEL, TABLES = model_from(CONTENT["verdict"]), tables_from(CONTENT["verdict"]["n"])
PARTS = tuple(p for p in CONTENT["parts"] if p != "other")
OTHERS = 8  # samples that are no controls


def people(n: int, seed: int = 1) -> People:
    """Draw people of a study like the reference's."""
    rng = np.random.default_rng(seed)
    composition = rng.multivariate_normal(MODEL.centres.mean, MODEL.centres.within, n)
    return People(rng.normal(2.2, 0.4, n), composition, rng.normal(MODEL.index.location.mean, 0.8, n))


def study(controls: int, **roles: Any) -> tuple[Cohort, Controls, Published]:
    """Controls first, then others, of which the last has the subject of the first control; 2,000 reads each."""
    n = controls + OTHERS
    rng = np.random.default_rng(3)
    ids = tuple(f"s{i:03d}" for i in range(n))
    counts = np.array([rng.multinomial(2000, p) for p in rng.dirichlet(np.full(20, 1.0), n)], dtype=np.int64)
    cohort = Cohort(ids, tuple(f"f{j:02d}" for j in range(20)), sparse.csr_matrix(counts), None, None, SampleMetadata(ids, {}, {}), Roles(**roles))
    subjects = {s: f"subject {s}" for s in ids}
    subjects[ids[-1]] = subjects[ids[0]]
    chosen = Controls("x", ids[:controls], ids[:controls], subjects, ())
    published = Published("shipped", 8, 1000, MODEL, TABLES, True, people(n), np.zeros(n), PARTS, chosen)
    return cohort, chosen, published


def judged(cohort: Cohort, controls: Controls | None, published: Published | None, **more: Any) -> Judged:
    keys = np.arange(len(cohort.sample_ids), dtype=np.uint64)
    entropy = np.linspace(1, 3, len(cohort.sample_ids))
    return judge(cohort, controls, entropy, depth=1500, keys=keys, seed=1, published=published, **more)


def test_the_tier_follows_from_the_number_of_control_subjects() -> None:
    assert [tier_of(n, n) for n in (0, 9, 10, 19, 20, 59, 60)] == ["none", "none", "provisional", "provisional", "aligned", "aligned", "in-study"]
    assert tier_of(59, 0) == "none"  # no published groups at hand
    assert tier_of(30, 70) == "aligned"  # 60 controls have 1,000 reads, but not the depth of the study


@pytest.mark.parametrize(("controls", "used"), [(4, 0), (7, 7)])
def test_below_ten_controls_a_sample_has_a_position_and_no_verdict(controls: int, used: int) -> None:
    cohort, chosen, published = study(controls)
    found = judged(cohort, chosen, published)
    frame = found.verdicts
    assert set(frame["verdict"]) == {"not assessable"}
    assert frame[["p", "q"]].isna().all(axis=None)
    assert set(frame["reason"]) == {f"{controls} control subjects with 1,000 reads; a verdict needs 10"}
    assert found.explanations.empty
    mine = published.people.take(np.arange(controls, controls + 3))
    expected = judge_new(MODEL, TABLES, mine, published.people.take(np.arange(used)), robust=True)
    np.testing.assert_allclose(frame["position_p"][controls : controls + 3], expected, rtol=1e-9)
    assert found.findings[0].values["published"]["position_controls"] == used
    assert found.findings[0].values["tier"] == "none"


@pytest.mark.parametrize(("controls", "tier"), [(12, "provisional"), (25, "aligned")])
def test_aligned_p_is_that_of_the_portable_score_and_no_sample_meets_its_own_subject(controls: int, tier: str) -> None:
    cohort, chosen, published = study(controls)
    found = judged(cohort, chosen, published)
    frame, every = found.verdicts, np.arange(controls + OTHERS)
    own = published.people.take(every[:controls])
    np.testing.assert_allclose(frame["p"][:controls], judge_controls(MODEL, TABLES, own, robust=True), rtol=1e-9)
    free = every[controls:-1]
    np.testing.assert_allclose(frame["p"][free], judge_new(MODEL, TABLES, published.people.take(free), own, robust=True), rtol=1e-9)
    assert set(frame["tier"]) == {tier}
    assert frame["n_reference"].tolist() == [controls - 1] * controls + [controls] * (OTHERS - 1) + [controls - 1]
    # the last sample is of the first control's subject: whatever that control is, its p is the same
    composition = published.people.composition.copy()
    composition[0] += 5.0
    other = judged(cohort, chosen, replace(published, people=replace(published.people, composition=composition))).verdicts
    # components are seen without it; the others' scores, to which the score is shrunk, were made with it among many
    assert other["p"].iloc[-1] == pytest.approx(frame["p"].iloc[-1], abs=0.1)
    assert frame["second_p"].isna().all()
    assert found.explanations["nearest"].map(lambda text: len(json.loads(text))).eq(3).all()
    assert not found.explanations["nearest"].iloc[-1].count('"s000"')


def test_declared_specimens_and_ages_block_the_aligned_tiers_and_undeclared_ones_do_not() -> None:
    for roles, why in (({"specimen": "ileal biopsy"}, "declared as 'ileal biopsy'"), ({"age_band": "child"}, "declared as 'child'")):
        cohort, chosen, published = study(25, **roles)
        found = judged(cohort, chosen, published)
        assert set(found.verdicts["verdict"]) == {"not assessable"}
        assert found.verdicts["reason"].str.contains(why).all()
        assert found.verdicts["position_p"].isna().all()
        assert found.findings[0].values["gates"]["held_back"]["scope"] == 33
    cohort, chosen, published = study(25)
    values = judged(cohort, chosen, published).findings[0].values
    assert (values["gates"]["specimen"], values["gates"]["age_band"], values["n_assessable"]) == ("undeclared", "undeclared", OTHERS)
    cohort, chosen, published = study(25, specimen="Stool", age_band="adult")
    assert judged(cohort, chosen, published).findings[0].values["n_assessable"] == OTHERS
    cohort, chosen, published = study(64, specimen="biopsy")
    in_study = judged(cohort, chosen, published).verdicts
    assert set(in_study["tier"]) == {"in-study"}  # the study's own controls are of the same specimen
    assert in_study["second_p"].isna().all()
    cohort, chosen, published = study(7, specimen="biopsy")
    reasons = [judged(cohort, c, published).verdicts["reason"].iloc[0] for c in (chosen, None)]
    assert reasons[0].startswith("7 control subjects with 1,500 reads; a verdict needs 60 where the specimen is declared as 'biopsy'")
    assert "a verdict needs 60 of this study where the specimen is declared as 'biopsy'" in reasons[1]


def test_samples_of_mostly_unnamed_reads_or_too_few_reads_are_held_back_with_the_reason() -> None:
    cohort, chosen, published = study(25)
    unnamed = np.zeros(33)
    unnamed[30] = 0.41
    found = judged(cohort, chosen, replace(published, unnamed=unnamed, depth=1000))
    row = found.verdicts.iloc[30]
    assert (row["verdict"], row["tier"]) == ("not assessable", "none")
    assert row["reason"] == "41% of its reads belong to no part that databases share, more than 40%"
    deeper = judged(cohort, chosen, replace(published, depth=3000)).verdicts
    assert set(deeper["reason"]) == {"2,000 reads, fewer than the 3,000 at which samples are held against published groups"}


def test_in_study_verdicts_have_the_aligned_score_as_second_opinion() -> None:
    cohort, chosen, published = study(64)
    found = judged(cohort, chosen, published)
    frame = found.verdicts
    assert set(frame["tier"]) == {"in-study"}
    assert (frame["agreement"] == np.where(frame["verdict"] == frame["second_verdict"], "same", "different")).all()
    others = frame[~frame["is_control"]]
    counts = {k: int((others["agreement"] == k).sum()) for k in ("same", "different")}
    assert found.findings[0].values["second_opinion"] == counts | {k: others[k].tolist().count("outside") for k in ("verdict", "second_verdict")}
    shares = found.explanations[["share_diversity", "share_neighbours", "share_composition"]].sum(axis=1)
    np.testing.assert_allclose(shares, 1)


def test_shares_of_components_are_of_the_logarithms_by_hand() -> None:
    # -ln of .01, .1 and 1 are 2 : 1 : 0; where no component is unusual there is nothing to share out
    np.testing.assert_allclose(shares_of(np.array([[0.01, 0.1, 1.0]])), [[2 / 3, 1 / 3, 0]])
    assert np.isnan(shares_of(np.ones((1, 3)))).all()


@pytest.mark.parametrize(
    ("controls", "low", "warning"),
    [
        (25, 1, False),
        (25, 2, True),
        (35, 2, False),
        (35, 3, True),
        # of 172 clean controls 2.4 are expected, 5 or fewer in 95 % of sets: R, qbinom(.95, 172, .014)
        (172, 5, False),
        (172, 6, True),
    ],
)
def test_suspicious_controls_are_named_and_more_than_clean_sets_hold_make_a_warning(controls: int, low: int, warning: bool) -> None:
    _, chosen, published = study(controls)
    p = np.append(np.full(low, 0.01), np.full(controls - low, 0.5))
    found = check_controls(published, p, chosen.samples, float(controls))
    assert found["suspicious"] == list(chosen.chosen[:low])
    assert found["unusual"] == low
    assert found["warning"] is warning
    assert check_controls(published, np.full(controls, 0.5), chosen.samples, 0.79 * controls)["warning"] is True


def test_the_share_of_unusual_controls_has_its_exact_interval() -> None:
    # Clopper & Pearson, 2 of 25 at 90 %: R, binom.test(2, 25, conf.level = .9)$conf.int
    _, chosen, published = study(25)
    found = check_controls(published, np.append([0.05, 0.02], np.full(23, 0.5)), chosen.samples, 25.0)
    assert (found["unusual_low"], found["unusual_high"]) == (pytest.approx(0.0144031980), pytest.approx(0.2310399340))


def test_local_limits_are_type_6_quantiles_of_the_controls_of_other_subjects() -> None:
    # 39 controls of values 1 to 39: ranks .05 * 40 = 2 and .95 * 40 = 38; without the second control, ranks 1.95 and 37.05 of 38
    ids = [f"s{i:02d}" for i in range(42)]
    values = [*range(1, 40), 1.5, 2.0, 38.5]
    alpha = pd.DataFrame({"sample_id": ids, "level": "feature", "metric": "shannon", "value": values})
    subjects = {s: s for s in ids} | {"s40": "s01"}
    beyond, limits = local_limits(alpha, Controls("x", tuple(ids[:39]), tuple(ids[:39]), subjects, ()), least=39)
    assert limits == {"shannon": {"n": 39, "low": 2.0, "high": 38.0}}
    # s01 and s40 (both 2) are held against 1, 3, 4, ...: limit 1 + .95 * 2 = 2.9
    assert {s: json.loads(t) for s, t in beyond.items() if s in ("s01", "s39", "s40", "s41", "s02")} == {
        s: [["shannon", side]] for s, side in (("s01", "below"), ("s39", "below"), ("s40", "below"), ("s41", "above"))
    }
    assert "need 40" in local_limits(alpha, Controls("x", tuple(ids[:39]), tuple(ids[:39]), subjects, ()), least=40)[1]["shannon"]["absent"]


def test_local_limits_stand_beside_aligned_verdicts_from_forty_controls_on() -> None:
    for controls, there in ((39, False), (40, True)):
        cohort, chosen, published = study(controls)
        ids = list(cohort.sample_ids)
        alpha = pd.DataFrame({"sample_id": ids, "level": "feature", "metric": "shannon", "value": np.linspace(1, 2, len(ids))})
        found = judged(cohort, chosen, published, alpha=alpha)
        assert bool(found.findings[0].values["cross_check"]) is there
        assert found.explanations["beyond_local"].ne("").any() == there


def test_p_from_a_table_of_t_is_that_of_the_t_distribution() -> None:
    table = table_for(0, TABLES)
    values = np.linspace(-4, 0, 200)
    local = localised(table.score)
    np.testing.assert_allclose(share_below(values, table.score, local), share_at_or_below(values, table.score, local), atol=1e-11)


def test_copies_of_a_control_are_left_out_together() -> None:
    everyone = people(30)
    picked = np.append(np.arange(20), [3, 3])
    found = judge_people(MODEL, TABLES, everyone.take(np.array([3])), np.array([3]), everyone.take(picked), robust=True, same=picked)
    alone = np.delete(np.arange(20), 3)
    plain = judge_people(MODEL, TABLES, everyone.take(np.array([3])), np.array([-1]), everyone.take(alone), robust=True)
    np.testing.assert_allclose(found.tails, plain.tails)  # components: as if it had never been there


def test_measured_false_alarms_are_shares_and_the_tiers_rows_stand_in_the_finding(tmp_path: Any) -> None:
    rows = read_false_alarms()
    # docs/validation/reference.md, robust, 20 controls, 5 %: mean 5.7 (3.4 to 8.0) over 7 studies
    if any(r["worst_low"] is None for r in rows):
        row = next(r for r in rows if (r["controls"], r["level"]) == (20, 0.05))
        assert (row["mean"], row["mean_low"], row["mean_high"], row["studies"]) == (0.057, 0.034, 0.08, 7)
    cohort, chosen, published = study(25)
    told = judged(cohort, chosen, published, false_alarms=rows).findings[0].values["false_alarms"]
    assert {(r["tier"], r["controls"]) for r in told} == {("aligned", 20)}
    assert measured_alarms(shipped_reference()) == list(rows)
    other = tmp_path / "reference.json"
    other.write_bytes(shipped_reference().read_bytes() + b"\n")
    assert {r["tier"] for r in measured_alarms(other)} == {"in-study"}  # the others were measured with the package's reference
    bad = tmp_path / "false_alarms.tsv"
    bad.write_text("\t".join(ALARM_COLUMNS) + "\naligned\t20\t0\t0.05\t7\t5.7\t\t\t0.1\t\t\tx\n")
    with pytest.raises(KnowledgeError, match=r"line 2: mean is no share"):
        read_false_alarms(bad)


def test_stability_says_in_how_many_draws_and_bootstraps_a_verdict_stays() -> None:
    cohort, chosen, published = study(25)
    wanted = doubtful(judged(cohort, chosen, published).verdicts.assign(p=0.1, verdict="borderline"))
    assert len(wanted) == 33
    same = published_stability(cohort, wanted, published, lambda _: published.people, seed=1, draws=3, bootstraps=4)
    found = judged(cohort, chosen, published).verdicts
    # draws that show what the verdict was made of give the verdict again: all or none stays
    assert same["draws_same"].tolist() == (found["verdict"] == "borderline").astype(float).tolist()
    assert set(same["bootstraps_same"]) <= {0, 0.25, 0.5, 0.75, 1}
    cohort, chosen, published = study(64)
    first = doubtful(judged(cohort, chosen, published).verdicts)
    keys = np.arange(len(cohort.sample_ids), dtype=np.uint64)
    arguments: dict[str, Any] = {"depth": 1500, "keys": keys, "seed": 1, "draws": 2, "bootstraps": 3}
    entropy = np.linspace(1, 3, len(cohort.sample_ids))
    one = study_stability(cohort, first, chosen, entropy, **arguments)
    assert one["sample_id"].tolist() == first["sample_id"].tolist()
    assert one[["draws_same", "bootstraps_same"]].notna().all(axis=None)
    pd.testing.assert_frame_equal(one, study_stability(cohort, first, chosen, entropy, **arguments))
    none = study_stability(cohort, first, chosen, entropy, **{**arguments, "draws": 0, "bootstraps": 0})
    assert none[["draws_same", "bootstraps_same"]].isna().all(axis=None)


def test_draws_of_all_reads_keep_every_verdict() -> None:
    cohort, chosen, published = study(64)
    share = cohort.counts.toarray() / 2000
    entropy = -np.sum(share * np.log(np.where(share > 0, share, 1.0)), axis=1)
    keys = np.arange(len(cohort.sample_ids), dtype=np.uint64)
    found = judge(cohort, chosen, entropy, depth=2000, keys=keys, seed=1, published=published).verdicts
    assert found["rank_diversity"].nunique() > 50
    stays = study_stability(cohort, found, chosen, entropy, depth=2000, keys=keys, seed=1, draws=2, bootstraps=0)
    assert stays["draws_same"].tolist() == [1.0] * len(found), "every draw is the sample itself"
