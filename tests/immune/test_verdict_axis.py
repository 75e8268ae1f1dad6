"""Links with the verdict: how far a sample lies from the controls, as a description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from gutdiv.errors import InputError
from gutdiv.immune.links import VERDICT_NOTE, link, verdict_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutdiv.model.cohort import Cohort


def test_the_axis_ranks_samples_that_are_no_controls_from_near_to_far(cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(np.full((6, 3), 400))
    p = [0.5, 0.01, 0.2, 0.01, np.nan, 0.9]
    verdicts = pd.DataFrame({"sample_id": cohort.sample_ids, "p": p, "is_control": [False, False, False, False, False, True]})
    # four samples: .5 is nearest, .2 next, the two at the floor share the places 3 and 4
    np.testing.assert_allclose(verdict_axis(cohort, verdicts), [0.125, 0.75, 0.375, 0.75, np.nan, np.nan])


def test_links_with_the_verdict_are_described_without_controls_and_make_no_finding(
    simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]
) -> None:
    table = simulated(np.random.default_rng(61), 90)
    cohort = cohort_of(table.counts, metadata={"age": [str(i % 50) for i in range(90)]}, kinds={"age": "numeric"})
    follows = np.log(table.counts[:, 4] + 0.5)
    axis = np.where(np.arange(90) < 30, np.nan, follows)
    frame, about = link(cohort, (), verdict=axis, covariates=["age"])
    own = frame[frame["test_family"] == "marker:verdict"]
    assert (own["n"] == 60).all()
    assert own.iloc[0]["taxon"] == "Genus 04"
    assert set(own["robustness"]) == {"described", "not significant"}
    assert not any(f["values"]["test_family"] == "marker:verdict" for f in about["findings"])
    assert VERDICT_NOTE in about["notes"]
    assert about["markers"]["verdict"]["dropped"] == {"no value of the marker": 30}


def test_without_a_verdict_there_is_a_reason(simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(simulated(np.random.default_rng(62), 40).counts)
    _, about = link(cohort, (), verdict=np.full(40, np.nan))
    assert "0 samples can be used" in about["absent"]["marker:verdict"]


def test_a_marker_of_the_same_name_is_refused(simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(simulated(np.random.default_rng(62), 20).counts, metadata={"verdict": ["1"] * 20}, kinds={"verdict": "numeric"})
    with pytest.raises(InputError, match="Rename the column"):
        link(cohort, (), verdict=np.zeros(20), markers=["verdict"])
