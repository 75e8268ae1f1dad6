"""What stands beside the verdicts: measured figures, not nominal ones, and what is assumed of controls."""

from __future__ import annotations

from typing import Any

import pytest
from fake_results import fake_results

from gutdiv.report import standing

ROW = {"controls": 20, "ill_share": 0.0, "level": 0.025, "studies": 16, "mean": 0.0314, "mean_low": 0.023, "mean_high": 0.0398}
WORST = {"worst": 0.083, "worst_low": 0.0436, "worst_high": 0.1403, "worst_study": "covid_schult_genus"}
VALUES: dict[str, Any] = {"n_assessable": 100, "level_outside": 0.025, "expected_false_alarms": 2.5, "n_reference": 25}


@pytest.mark.parametrize(("tier", "expected"), [("aligned", "About 3.1 would lie outside, at the rate measured"), ("in-study", "About 2.5 would")])
def test_expected_false_alarms_are_at_the_measured_rate_where_a_tier_is_not_exact(tier: str, expected: str) -> None:
    told = standing.remarks({**VALUES, "tier": tier, "false_alarms": [{**ROW, **WORST, "tier": tier}]})
    assert told[0].startswith(expected)
    assert "called 3.1% of healthy people outside" in told[1]
    assert "in the worst study 8.3%" in told[1]


def test_figures_of_the_packages_reference_are_not_quoted_for_another_one() -> None:
    told = standing.remarks({**VALUES, "tier": "provisional", "false_alarms": []})
    assert told[-1] == "How often such verdicts err was measured with the package's own published groups; others were given here."


@pytest.mark.parametrize("healthy", [True, False])
def test_what_is_assumed_of_controls_is_always_said(healthy: bool) -> None:
    told = standing.text(fake_results(healthy=healthy), {**VALUES, "tier": "aligned"})
    assert "one laboratory and pipeline is assumed, not checked" in told
    assert "sick ones among them make the test miss disease" in told


@pytest.mark.parametrize(("second", "said"), [({"same": 90, "different": 10}, True), ({"same": 0, "different": 0}, False)])
def test_methods_name_a_second_opinion_only_where_there_was_one(second: dict[str, int], said: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    published = {"name": "healthy adult stool", "groups": 8, "depth": 1000, "subjects": 70}
    monkeypatch.setattr(standing, "values_of", lambda _: {**VALUES, "tier": "in-study", "published": published, "second_opinion": second})
    assert ("As a second opinion" in standing.for_paper(fake_results())) is said


def test_a_position_says_that_controls_shifted_it() -> None:
    published = {"name": "healthy adult stool", "groups": 8, "depth": 1000, "position_controls": 7}
    assert "The 7 controls of this study, too few for a verdict, shifted it." in standing.position({"published": published})
    assert "shifted" not in standing.position({"published": {**published, "position_controls": 0}})


def test_local_limits_and_gates_are_said_beside_the_verdicts() -> None:
    gates = {"held_back": {"depth": 3, "scope": 0, "unclassified": 2}}
    limits = {"shannon": {"n": 45, "low": 2.1, "high": 4.2}, "sobs": {"n": 39, "absent": "39 controls have a value; local limits need 40"}}
    told = [n.text for n in standing.notes(fake_results(), {**VALUES, "tier": "aligned", "gates": gates, "cross_check": limits})]
    assert "Cross-check, no verdict: about 90% of this study's own controls lie between the limits of Shannon entropy 2.10 to 4.20." in told
    assert any("3 with too few reads and 2 with too many reads without a name" in t for t in told)
    none = standing.notes(fake_results(), {**VALUES, "tier": "aligned", "cross_check": {"sobs": limits["sobs"]}})
    assert "39 controls have a value; local limits need 40" in none[0].text
