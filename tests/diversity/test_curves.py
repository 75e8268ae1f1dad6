"""Rarefaction curves and Hill numbers by three standards of effort."""

from __future__ import annotations

import math

import numpy as np
import pytest
import strategies as st

from gutdiv.diversity.curves import rarefaction_curves
from gutdiv.diversity.measure import measure_alpha
from gutdiv.diversity.standards import standardise
from gutdiv.model.results import Table
from gutdiv.numerics.expectations import expected_coverage, expected_richness, sample_coverage


def made(depths: list[int], groups: list[str | None] | None = None, **more: int):
    return st.cohort_of(st.counts_of_depths(depths, **more), groups)


def test_a_sample_rises_from_one_read_to_all_it_has() -> None:
    cohort = made([300, 900, 2000])
    frame, about = rarefaction_curves(cohort, extra=[250])
    assert Table("curves", frame, about).kind == "curves"
    for i, sample in enumerate(cohort.sample_ids):
        own = frame[frame["sample_id"] == sample]
        assert own["depth"].iloc[0] == 1
        assert own["richness"].iloc[0] == pytest.approx(1)
        assert own["depth"].iloc[-1] == cohort.depth[i]
        assert own["richness"].iloc[-1] == (cohort.counts[i].toarray() > 0).sum()
        assert own["richness"].is_monotonic_increasing
        assert (np.diff(np.diff(own["richness"]) / np.diff(own["depth"])) <= 1e-9).all(), "each read adds less than the one before"
        assert 250 in set(own["depth"])
    assert (frame["depth"] > 0).all()


def test_a_group_is_the_summary_of_its_samples_while_half_of_them_last() -> None:
    depths = [400, 600, 1000, 1000, 5000, 2000]
    cohort = made(depths, ["a", "a", "a", "a", "b", "b"])
    frame, about = rarefaction_curves(cohort, extra=[500])
    assert about["group"] == "g"
    groups = frame[frame["sample_id"] == ""]
    assert list(dict.fromkeys(groups["group"])) == ["", "a", "b"]
    at = groups[(groups["group"] == "a") & (groups["depth"] == 500)].iloc[0]
    reads = np.full(6, 500)
    indptr = cohort.counts.indptr.astype(np.int64)
    richness = expected_richness(indptr, cohort.counts.data, reads)[1:4]
    assert at["samples"] == 3
    assert at["richness"] == pytest.approx(richness.mean())
    assert at["median"] == pytest.approx(np.median(richness))
    assert (at["low"], at["high"]) == pytest.approx(tuple(np.quantile(richness, [0.1, 0.9])))
    assert at["coverage"] == pytest.approx(np.median(expected_coverage(indptr, cohort.counts.data, reads)[1:4]))
    assert groups.loc[groups["group"] == "a", "depth"].max() <= 1000
    assert groups.loc[groups["group"] == "b", "depth"].max() == 5000  # one of two still reaches it
    assert set(frame.loc[frame["sample_id"] == "s00", "group"]) == {"a"}


def test_without_groups_there_is_one_curve_for_all() -> None:
    frame, _ = rarefaction_curves(made([300, 900, 2000]))
    assert set(frame.loc[frame["sample_id"] == "", "group"]) == {""}


def test_along_a_scale_there_is_one_curve_for_all() -> None:
    cohort = st.cohort_of(st.counts_of_depths([300, 900, 2000]), ["20", "31", "44"], kind="numeric")
    frame, _ = rarefaction_curves(cohort)
    assert set(frame["group"]) == {""}


def test_curves_without_singletons_have_no_coverage_and_say_why() -> None:
    counts = st.counts_of_depths([3000, 3000, 3100])
    counts[counts == 1] = 2
    frame, about = rarefaction_curves(st.cohort_of(counts))
    assert frame["coverage"].isna().all()
    assert frame["richness"].notna().all()
    assert "singleton" in about["absent"]["coverage"]


# ---------------------------------------------------------------- three standards
def value(frame, standard: str, metric: str) -> np.ndarray:
    return frame[(frame["standard"] == standard) & (frame["metric"] == metric)]["value"].to_numpy()


def test_as_sequenced_they_are_the_plain_hill_numbers() -> None:
    cohort = made([800, 900, 2000])
    frame, about = standardise(cohort, depth=850)
    Table("standards", frame, about)
    plain, _ = measure_alpha(cohort, ["hill_0", "hill_1", "hill_2"], depth="none")
    for metric in ("hill_0", "hill_1", "hill_2"):
        assert value(frame, "none", metric) == pytest.approx(plain[plain["metric"] == metric]["value"].to_numpy(), rel=1e-12)
    assert np.isnan(value(frame, "depth", "hill_0")[0]), "too few reads"
    assert np.isnan(value(frame, "coverage", "hill_0")[0])
    assert about["depth"] == 850


def test_at_equal_depth_they_are_what_draws_have_on_average() -> None:
    cohort = made([800, 900, 2000])
    frame, _ = standardise(cohort, depth=300)
    drawn, _ = measure_alpha(cohort, ["hill_0", "shannon", "simpson"], depth=300, draws=400)
    pairs = (("hill_0", value(frame, "depth", "hill_0")), ("shannon", np.log(value(frame, "depth", "hill_1"))))
    for metric, exact in (*pairs, ("simpson", 1 - 1 / value(frame, "depth", "hill_2"))):
        rows = drawn[drawn["metric"] == metric]
        assert np.all(np.abs(rows["value"].to_numpy() - exact) < 4.5 * rows["sd"].to_numpy() / math.sqrt(400)), metric
        assert rows["expected"].to_numpy() == pytest.approx(exact, rel=1e-12)


def test_at_equal_coverage_every_sample_covers_as_much_as_the_least_covered() -> None:
    cohort = made([700, 900, 2000, 5000], features=300)
    frame, about = standardise(cohort, depth=700)
    indptr = cohort.counts.indptr.astype(np.int64)
    own = sample_coverage(indptr, cohort.counts.data)
    assert about["coverage"] == own.min()
    rows = frame[(frame["standard"] == "coverage") & (frame["metric"] == "hill_0")]
    used, covered = rows["depth"].to_numpy(), rows["coverage"].to_numpy()
    assert used[own.argmin()] == cohort.depth[own.argmin()]
    assert np.all(covered >= own.min())
    for i in np.flatnonzero(used < cohort.depth):
        counts = [int(x) for x in cohort.counts[i].toarray().ravel() if x]
        n = sum(counts)

        def coverage(m: int, counts: list[int] = counts, n: int = n) -> float:
            return 1 - sum(x * math.comb(n - x, m) / (n * math.comb(n - 1, m)) for x in counts)  # Chao & Jost 2012, equation 4b

        assert covered[i] == pytest.approx(coverage(int(used[i])), rel=1e-9)
        assert coverage(int(used[i]) - 1) < own.min()
    assert rows["value"].to_numpy() == pytest.approx(expected_richness(indptr, cohort.counts.data, used))


def test_coverage_is_withheld_where_there_are_no_singletons() -> None:
    counts = st.counts_of_depths([3000, 3000, 3100])
    counts[counts == 1] = 2
    frame, about = standardise(st.cohort_of(counts), depth=2000)
    assert set(frame["standard"]) == {"none", "depth"}
    assert "singleton" in about["absent"]["coverage"]
    assert about["coverage"] is None
    assert frame["coverage"].isna().all()


def test_the_summary_tells_how_much_each_standard_still_follows_the_reads() -> None:
    cohort = made([400, 500, 800, 1200, 2000, 3000, 5000, 9000], features=400)
    _, about = standardise(cohort, depth=400)
    rho = {(s["standard"], s["metric"]): s["rho_reads"] for s in about["summary"]}
    assert rho["none", "hill_0"] > 0.7 > abs(rho["depth", "hill_0"])
