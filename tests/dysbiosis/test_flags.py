"""Flags by robust limits, and flags of taxa: no sample against its own subject, nothing low that controls lack too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gutdiv.dysbiosis.flags import flag_samples, flag_taxa
from gutdiv.model.results import Controls, Interval, Reference, Table
from gutdiv.numerics.horn import robust_limits
from gutdiv.numerics.tails import reference_limits
from gutdiv.reference.intervals import interval


def measured(values: np.ndarray, metric: str = "shannon", level: str = "feature", detected: np.ndarray | None = None) -> pd.DataFrame:
    ids = [f"s{i:03d}" for i in range(values.size)]
    frame = pd.DataFrame({"sample_id": ids, "level": level, "metric": metric, "value": values, "sd": 0.1, "depth": 500})
    return frame if detected is None else frame.assign(share=0.1, detected=detected)


def declared(n: int, chosen: int, same_subject: tuple[int, int] | None = None) -> Controls:
    ids = tuple(f"s{i:03d}" for i in range(n))
    subjects = {s: f"subject {s}" for s in ids}
    if same_subject:
        subjects[ids[same_subject[0]]] = subjects[ids[same_subject[1]]]
    return Controls("x", ids[:chosen], ids[:chosen], subjects, ())


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    """Return 60 controls about 10, then five samples, the last of the first control's subject."""
    return np.append(np.random.default_rng(5).normal(10, 1, size=60), [1.0, 10.0, 19.0, np.nan, 1.0])


def test_from_40_to_119_controls_flags_are_those_of_the_references_robust_interval(normal: np.ndarray) -> None:
    made = interval("shannon", "feature", 500, normal[:60])
    assert made.lower_ci is not None
    assert made.upper_ci is not None
    edges = [made.lower_ci[0] - 1e-6, made.lower_ci[0] + 1e-6, made.lower_ci[1] - 1e-6, made.lower_ci[1] + 1e-6, made.upper_ci[1] + 1e-6]
    values = np.append(normal[:60], edges)
    found = flag_samples(measured(values), declared(65, 60), depth=500).iloc[60:]
    assert found["flag"].tolist() == ["below", "borderline", "borderline", "within", "above"]
    assert set(found["method"]) == {made.method}
    assert set(found["n_reference"]) == {60}
    assert found["lower"].to_numpy() == pytest.approx(made.lower)
    reference = Reference("r", "x", "", 60, 60, 500, (made,))
    assert flag_samples(measured(values), None, depth=500, reference=reference).iloc[60:]["flag"].tolist() == found["flag"].tolist()


def test_a_control_and_a_sample_of_its_subject_are_held_against_the_other_controls_only(normal: np.ndarray) -> None:
    found = flag_samples(measured(normal), declared(65, 60, (64, 0)), depth=500).set_index("sample_id")
    for sample, left_out in (("s000", 0), ("s007", 7), ("s064", 0)):
        assert found.loc[sample, ["lower", "upper"]].tolist() == pytest.approx(np.array(robust_limits(np.delete(normal[:60], left_out))), abs=1e-9)
        assert found.loc[sample, "n_reference"] == 59
    assert found.loc["s060":"s064", "flag"].tolist() == ["below", "within", "above", "not assessable", "below"]
    changed = normal.copy()
    changed[0] = 1e6  # what a control itself is does not move the limits that it and its subject's sample meet
    again = flag_samples(measured(changed), declared(65, 60, (64, 0)), depth=500).set_index("sample_id")
    assert again.loc["s064", ["lower", "upper"]].tolist() == pytest.approx(found.loc["s064", ["lower", "upper"]].tolist(), abs=1e-9)
    assert again.loc["s064", "flag"] == "below"
    assert again.loc["s000", "flag"] == "above"


def test_flags_do_not_depend_on_the_order_of_samples(normal: np.ndarray) -> None:
    frame = measured(normal)
    found = flag_samples(frame, declared(65, 60), depth=500)
    turned = flag_samples(frame.iloc[::-1], declared(65, 60), depth=500).iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, turned)


def test_controls_that_are_mostly_equal_give_no_flag_and_say_so() -> None:
    values = np.append(np.full(50, 3.0), [1.0, 2.0])
    found = flag_samples(measured(values), declared(52, 50), depth=500)
    assert set(found["flag"]) == {"not assessable"}
    assert found["reason"].iloc[50] == "half of the 50 control values or more are equal, so that their spread is not defined"
    assert found["reason"].iloc[0] == "half of the 49 control values or more are equal, so that their spread is not defined"


# ---------------------------------------------------------------- taxa
def taxon(missing: int, n: int = 200) -> tuple[pd.DataFrame, Controls]:
    """Make `n` controls of which the first `missing` lack the taxon, then samples: without it, low, high, in the middle, shallow."""
    rng = np.random.default_rng(2)
    values = np.append(rng.normal(size=n), [-9.0, -9.0, 9.0, 0.0, np.nan])
    detected = np.append(np.append(np.zeros(missing), np.ones(n - missing)), [0.0, 1.0, 1.0, 1.0, np.nan])
    return measured(values, "clr:Dialister", "genus", detected), declared(n + 5, n)


def test_a_sample_without_a_taxon_that_some_controls_lack_is_absent_as_they_are_and_never_low() -> None:
    frame, controls = taxon(30)
    found, about = flag_taxa(frame, controls, depth=500)
    Table("flags", found)
    by = found.set_index("sample_id")
    assert by.loc["s200", "flag"] == "absent as in controls"
    assert by.loc["s200", "undetected"] == 0.15
    # 30 of 200: R's binom.test(30, 200, conf.level = .9) gives .1100814433 to .1979106917
    assert by.loc["s200", ["undetected_low", "undetected_high"]].tolist() == pytest.approx([0.1100814433, 0.1979106917], rel=1e-8)
    assert by.loc["s202", "flag"] == "above"
    assert {"s201", "s203", "s204"}.isdisjoint(by.index)  # far down but there: within, for nothing is low; s204 has no value
    assert by.loc["s000", "undetected"] == pytest.approx(29 / 199)  # a control: of the others
    assert by["lower"].isna().all()
    values = frame["value"].to_numpy()
    assert by.loc["s202", "upper"] == pytest.approx(reference_limits(values[:200])[1])
    assert "below" not in about["counts"]["clr:Dialister"]
    assert sum(about["counts"]["clr:Dialister"].values()) == 205
    assert about["counts"]["clr:Dialister"]["not assessable"] == 1
    assert about["counts"]["clr:Dialister"]["within"] + len(found) == 204


def test_a_taxon_that_all_controls_hold_can_be_low() -> None:
    frame, controls = taxon(0)
    found, _ = flag_taxa(frame, controls, depth=500)
    assert found.set_index("sample_id").loc[["s200", "s201"], "flag"].tolist() == ["below", "below"]


def test_a_rare_taxon_and_too_few_controls_are_told_once_and_in_no_row() -> None:
    frame, controls = taxon(170)
    found, about = flag_taxa(frame, controls, depth=500)
    assert found.empty
    assert about["absent"] == {"clr:Dialister": "seen in 30 of 200 controls at 500 reads; limits need 20% of them"}
    frame, controls = taxon(0, 30)
    found, about = flag_taxa(frame, controls, depth=500)
    assert found.empty
    assert "30 control subjects with 500 reads" in about["absent"]["clr:Dialister"]


def test_robust_limits_of_taxa_are_prevalence_aware_too() -> None:
    frame, controls = taxon(30, 60)
    found, _ = flag_taxa(frame, controls, depth=500)
    by = found.set_index("sample_id")
    assert by.loc["s060", "flag"] == "absent as in controls"
    assert by.loc["s062", "flag"] == "above"
    assert by.loc["s060", "method"].startswith("robust (Horn)")
    assert {"s061", "s063"}.isdisjoint(by.index)


def test_firmicutes_to_bacteroidetes_are_never_flagged() -> None:
    frame, controls = taxon(0)
    ratio = measured(np.append(np.zeros(200), np.full(5, 99.0)), "log2_fb", "phylum", np.full(205, np.nan))
    found, about = flag_taxa(pd.concat([frame, ratio]), controls, depth=500)
    assert set(found["metric"]) == {"clr:Dialister"}
    assert about["shown_only"] == ["log2_fb"]


def test_a_reference_flags_taxa_by_its_own_limits_and_prevalence() -> None:
    frame, _ = taxon(30)
    made = interval("clr:Dialister", "genus", 500, frame["value"].to_numpy()[:200], detected=frame["detected"].to_numpy()[:200])
    found, _ = flag_taxa(frame, None, depth=500, reference=Reference("r", "x", "", 200, 200, 500, (made,)))
    by = found.set_index("sample_id")
    assert by.loc[["s200", "s202"], "flag"].tolist() == ["absent as in controls", "above"]
    assert by.loc["s200", "undetected"] == 0.15
    nothing, about = flag_taxa(frame, None, depth=500, reference=Reference("r", "x", "", 9, 9, 500, (Interval("sobs", "feature", 500, 9, *[None] * 6),)))  # type: ignore[arg-type]
    assert nothing.empty
    assert "no reference interval" in about["absent"]["clr:Dialister"]
