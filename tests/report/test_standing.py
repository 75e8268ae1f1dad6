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
