"""What links must refuse, drop, label and say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from gutdiv.errors import InputError
from gutdiv.immune.composition import compose
from gutdiv.immune.links import link
from gutdiv.immune.verdicts import by_family
from gutdiv.model.results import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from gutdiv.model.cohort import Cohort

Rows = tuple["Mapping[str, str]", ...]


@pytest.fixture
def small(simulated: Callable[..., Any]) -> np.ndarray:
    """A table of 45 samples and 40 taxa."""
    counts: np.ndarray = simulated(np.random.default_rng(11), 45).counts[:, :40]
    return counts


def in_order(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Put the rows into the order of these taxa."""
    return frame.set_index("taxon").loc[list(names)]


def test_a_family_of_one_part_is_tested_once_as_that_part(small: np.ndarray, cohort_of: Callable[..., Cohort], knowledge: Rows) -> None:
    genera: list[str | None] = [None, *[f"Genus {j:02d}" for j in range(1, 40)]]
    frame, _ = link(cohort_of(small, genera=genera, families=["Christensenellaceae", *["Someaceae"] * 39]), knowledge)
    row = in_order(frame, ["unclassified Christensenellaceae"]).iloc[0]
    assert (row["test_family"], row["knowledge_rows"]) == ("confirmatory", "29")
    assert "Christensenellaceae" not in set(frame["taxon"])


def test_taxa_of_the_knowledge_base_are_confirmatory_and_each_family_has_its_own_q(
    small: np.ndarray, cohort_of: Callable[..., Cohort], knowledge: Rows
) -> None:
    genera = ["Faecalibacterium", "Clostridioides", "Akkermansia", *[f"Genus {j:02d}" for j in range(3, 40)]]
    frame, _ = link(cohort_of(small, genera=genera), knowledge)
    assert set(frame.loc[frame["test_family"] == "confirmatory", "taxon"]) == {"Faecalibacterium", "Akkermansia"}
    assert in_order(frame, ["Akkermansia"]).iloc[0]["knowledge_rows"] == "31; 32"
    assert "Clostridioides" not in set(frame["taxon"])  # neither tested nor named as a partner
    assert not frame["partners"].str.contains("Clostridioides").any()
    for _, own in frame.groupby("test_family"):
        np.testing.assert_allclose(own["q"], stats.false_discovery_control(own["p"]))


def test_unclassified_features_count_in_diversity_by_their_finest_name(cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(np.array([[5, 2, 3, 4]]), genera=["A", None, None, None], families=["Aaceae", "Aaceae", "Aaceae", None])
    parts = compose(cohort)
    assert parts.names == ("A", "unclassified Aaceae", "unclassified Bacteria")
    assert parts.counts.toarray().tolist() == [[5, 5, 4]]
    assert parts.named.tolist() == [True, False, False]


def test_features_of_one_genus_are_one_part(cohort_of: Callable[..., Cohort], simulated: Callable[..., Any]) -> None:
    counts = simulated(np.random.default_rng(13), 60).counts
    split = np.column_stack([counts[:, :1] // 2, counts[:, :1] - counts[:, :1] // 2, counts[:, 1:]])
    names = ["Genus 00", *[f"Genus {j:02d}" for j in range(80)]]
    whole, _ = link(cohort_of(counts), ())
    parts, _ = link(cohort_of(split, genera=names), ())
    np.testing.assert_array_equal(whole["estimate"], parts["estimate"])


# ---------------------------------------------------------------- labels
@pytest.fixture
def followed(simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Links of 200 samples with taxa that truly follow diversity, upwards and downwards."""
    planted = {4: 0.9, 13: 0.8, 22: 0.8, 31: -1.6, 40: -0.6}
    return link(cohort_of(simulated(np.random.default_rng(14), 200, planted=planted).counts), ())


def test_columns_are_those_of_the_contract_and_values_lie_in_their_ranges(followed: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    frame, about = followed
    Table("links", frame, about)
    assert list(frame.columns)[: len(TABLES["links"])] == list(TABLES["links"])
    assert frame["p"].between(0, 1).all()
    assert (frame["q"] >= frame["p"]).all()
    assert ((frame["ci_low"] < frame["estimate"]) & (frame["estimate"] < frame["ci_high"])).all()
    assert frame["prevalence"].between(0.1, 1).all()
    assert set(frame["robustness"]) <= {"robust", "relative only", "sensitive", "not significant"}
    assert set(frame["direction"]) <= {"higher", "lower", "none"}
    assert (frame["n"] == 200).all()
    assert not frame[["estimate", "se", "p", "q", "tipping", "q_order_2", "p_absolute"]].isna().any().any()
    assert frame["se_conservative"].isna().all()  # from 400 samples on


def test_planted_links_are_found_with_their_signs(followed: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    got = in_order(followed[0], [f"Genus {j:02d}" for j in (4, 13, 22, 31, 40)])
    assert (got["q"] < 0.05).all()
    assert np.sign(got["estimate"]).tolist() == [1, 1, 1, -1, -1]
    assert got["direction"].tolist() == ["higher"] * 3 + ["lower"] * 2


def test_a_positive_link_is_robust_and_a_negative_one_only_beyond_the_limit(followed: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    frame, _ = followed
    up, far, near = (in_order(frame, [f"Genus {j:02d}"]).iloc[0] for j in (4, 31, 40))
    assert up["robustness"] == "robust"
    assert up["p_absolute"] == up["p"]
    assert up["tipping"] < 0 < near["tipping"]
    assert near["robustness"] == "relative only"
    assert far["p"] < far["p_absolute"] < 0.05
    s = near["estimate"] / near["estimate_per_reader"]
    assert near["tipping"] == pytest.approx(-near["estimate"] / s)
    t = max(abs(far["estimate"]) - 0.75 * far["estimate"] / far["estimate_per_reader"], 0) / far["se"]
    assert far["p_absolute"] == pytest.approx(2 * stats.t.sf(t, 198))


def test_findings_are_clear_where_they_are_robust_at_five_percent(followed: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    frame, about = followed
    found = about["findings"]
    assert [f["rank"] for f in found] == list(range(len(found)))
    assert {f["subject"] for f in found} == set(frame.loc[frame["q"] < 0.1, "taxon"])
    for f in found:
        row = in_order(frame, [f["subject"]]).iloc[0]
        assert f["what"] == "link"
        assert f["size"] == row["estimate"]
        assert (f["strength"] == "clear") == (row["q"] <= 0.05 and row["robustness"] == "robust")
    strengths = [f["strength"] for f in found]
    assert strengths == sorted(strengths)  # clear ones first


def test_a_taxon_that_rides_on_a_dominant_partner_is_not_separable_from_it(
    simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]
) -> None:
    rng = np.random.default_rng(15)
    counts = simulated(rng, 300).counts
    # the dominant taxon blooms in every fourth sample; a rider exists only with it and with no other taxon
    bloom = rng.random(300) < 0.25
    counts[:, 0] = np.where(bloom, counts.sum(axis=1) * 3, counts[:, 0])
    counts[:, 25] = np.round(np.exp(np.log(counts[:, 0] + 1) * 0.8 + rng.normal(0, 0.3, 300))).astype(int) // 20
    frame, _ = link(cohort_of(counts), ())
    row = in_order(frame, ["Genus 25"]).iloc[0]
    assert row["q"] < 0.05
    assert "Genus 00" in row["partners"].split("; ")
    assert row["partner"] == "not separable from its partners"


def test_the_conservative_error_stands_beside_from_four_hundred_samples(
    simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]
) -> None:
    frame, about = link(cohort_of(simulated(np.random.default_rng(16), 400).counts), ())
    assert (frame["se_conservative"] >= frame["se"]).all()
    assert (frame["q_conservative"] >= frame["q"] - 0.2).all()
    assert any("q_conservative" in n for n in about["notes"])


def test_what_must_be_said_is_said(followed: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    about = followed[1]
    assert "relative to the typical prevalent taxon of this study; total bacterial load was not measured" in about["notes"][0]
    assert set(about["g_at_prevalence"]) == {"80%", "95%"}
    assert (
        about["g_at_prevalence"]["80%"]["n_reference_taxa"]
        >= about["n_reference_taxa"]
        >= about["g_at_prevalence"]["95%"]["n_reference_taxa"]
    )
    assert about["dropped"] == {}
    assert about["judged_by"] == "HC3"


# ---------------------------------------------------------------- markers
def test_a_marker_is_linked_in_place_of_diversity(simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> None:
    rng = np.random.default_rng(17)
    counts = simulated(rng, 150).counts
    marker = np.log(counts[:, 7] + 0.5) - np.log(counts.sum(axis=1)) + rng.normal(0, 0.3, 150)
    cells = [str(v) if i >= 10 else None for i, v in enumerate(marker)]
    cohort = cohort_of(
        counts, metadata={"crp": cells, "noise": [str(v) for v in rng.normal(size=150)]}, kinds={"crp": "numeric", "noise": "numeric"}
    )
    frame, about = link(cohort, (), markers=["crp", "noise"])
    own = frame[frame["test_family"] == "marker:crp"].set_index("taxon")
    assert own.loc["Genus 07", "q"] < 1e-6
    assert own.loc["Genus 07", "robustness"] == "relative only"
    assert (own["n"] == 140).all()
    assert about["markers"]["crp"]["dropped"] == {"no value of the marker": 10}
    assert (frame.loc[frame["test_family"] == "marker:noise", "q"] > 0.05).all()
    assert {f["what"] for f in about["findings"]} >= {"marker_link"}
    assert [f["rank"] for f in about["findings"]] == list(range(len(about["findings"])))
    np.testing.assert_allclose(own["q"], stats.false_discovery_control(own["p"]))
    Table("links", frame, about)


@pytest.mark.parametrize(("cells", "covariates"), [(["5"] * 45, []), ([str(20 + i) for i in range(45)], ["crp"])])
def test_a_marker_of_one_value_or_one_that_the_covariates_explain_gives_no_rows_and_the_reason(
    small: np.ndarray, cohort_of: Callable[..., Cohort], cells: list[str], covariates: list[str]
) -> None:
    cohort = cohort_of(small, metadata={"crp": cells}, kinds={"crp": "numeric"})
    frame, about = link(cohort, (), markers=["crp"], covariates=covariates)
    assert not frame["test_family"].str.startswith("marker").any()
    assert about["absent"]["marker:crp"] == "it has one value in these samples, or the covariates explain all of it"


@pytest.mark.parametrize("name", ["Clostridioides", "Salmonella"])
def test_a_genus_that_holds_pathogens_is_not_linked_whatever_rows_are_in_use(
    small: np.ndarray, cohort_of: Callable[..., Cohort], name: str
) -> None:
    genera: list[str | None] = [name, *[f"Genus {j:02d}" for j in range(1, 40)]]
    frame, _ = link(cohort_of(small, genera=genera), ())
    assert len(frame)
    assert name not in set(frame["taxon"])


# ---------------------------------------------------------------- samples, covariates, subjects
def test_shallow_samples_and_missing_cells_are_dropped_and_counted(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    counts = small.copy()
    counts[0] = counts[0] // 1000
    age = [None if i in (1, 2) else str(20 + i) for i in range(45)]
    who = [None if i == 3 else f"P{i}" for i in range(45)]
    frame, about = link(
        cohort_of(counts, metadata={"age": age, "who": who}, kinds={"age": "numeric", "who": "categorical"}),
        (),
        covariates=["age"],
        subject="who",
    )
    assert about["dropped"] == {"fewer than 1000 reads": 1, "no value of covariate age": 2, "no value of who": 1}
    assert (frame["n"] == 41).all()
    alone, _ = link(cohort_of(counts[4:], metadata={"age": age[4:]}, kinds={"age": "numeric"}), (), covariates=["age"])
    np.testing.assert_allclose(in_order(frame, alone["taxon"])["estimate"], alone["estimate"], atol=1e-10)


def test_few_subjects_and_covariates_between_subjects_are_judged_by_subject_means(
    simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]
) -> None:
    counts = simulated(np.random.default_rng(18), 120).counts
    forty = [f"P{i // 3}" for i in range(120)]
    group = ["case" if i // 3 % 2 else "control" for i in range(120)]
    batch = [f"b{i % 3}" for i in range(120)]
    cohort = cohort_of(counts, metadata={"who": forty, "group": group, "batch": batch})
    assert link(cohort, (), subject="who")[1]["judged_by"] == "jackknife over subjects"
    assert link(cohort, (), subject="who", covariates=["batch"])[1]["judged_by"] == "jackknife over subjects"
    frame, about = link(cohort, (), subject="who", covariates=["group"])
    assert about["judged_by"] == "HC3 of subject means"
    assert (frame["n"] == 40).all()
    assert about["freedom"] == 40 - 2 - 1
    few = link(cohort_of(counts, metadata={"who": [f"P{i % 15}" for i in range(120)]}), (), subject="who")[1]
    assert few["judged_by"] == "HC3 of subject means"
    assert any("15 is fewer than the 60" in n for n in few["notes"])


def test_subjects_that_do_not_repeat_change_nothing(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(small, metadata={"who": [f"P{i}" for i in range(45)]})
    with_them, about = link(cohort, (), subject="who")
    without_them, _ = link(cohort, ())
    assert about["judged_by"] == "HC3"
    np.testing.assert_array_equal(with_them["p"], without_them["p"])


def test_a_covariate_of_one_value_adjusts_for_nothing_and_is_named(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(small, metadata={"site": ["here"] * 45, "age": ["40"] * 45}, kinds={"site": "categorical", "age": "numeric"})
    frame, about = link(cohort, (), covariates=["site", "age"])
    np.testing.assert_allclose(frame["estimate"], link(cohort, ())[0]["estimate"], atol=1e-12)
    assert sum("adjusts for nothing" in n for n in about["notes"]) == 2


def test_too_many_covariates_and_unknown_columns_are_refused(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of(small, metadata={"batch": [f"b{i % 40}" for i in range(45)]})
    with pytest.raises(InputError, match="leave fewer than 10 degrees of freedom"):
        link(cohort, (), covariates=["batch"])
    with pytest.raises(InputError, match="no column 'age'"):
        link(cohort, (), covariates=["age"])
    with pytest.raises(InputError, match="not numeric"):
        link(cohort, (), markers=["batch"])


# ---------------------------------------------------------------- no verdict
def absent(frame: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Check that there are no rows, and return the reason."""
    assert len(frame) == 0
    assert list(frame.columns) == list(TABLES["links"])
    assert about["findings"] == []
    Table("links", frame, about)
    return str(about["absent"]["links"])


def test_without_lineages_there_is_no_verdict(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    assert "no lineages" in absent(*link(cohort_of(small, lineages=False), ()))


def test_fewer_than_fifteen_reference_taxa_give_no_verdict(simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> None:
    counts = simulated(np.random.default_rng(19), 60).counts[:, :14]
    assert "and 15 are needed" in absent(*link(cohort_of(counts), ()))


def test_few_samples_give_no_verdict(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    assert "11 samples can be used, and 12 are needed" in absent(*link(cohort_of(small[:11]), ()))


def test_an_order_of_features_or_columns_does_not_change_the_bytes(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    back = list(range(39, -1, -1))
    one, _ = link(cohort_of(small), ())
    two, _ = link(cohort_of(small[:, back], genera=[f"Genus {j:02d}" for j in back]), ())
    assert one.to_csv() == two.to_csv()


def test_q_is_within_families_and_undefined_p_stay_undefined() -> None:
    p = np.array([0.01, 0.04, 0.03, np.nan, 0.5])
    q = by_family(p, np.array(["a", "a", "b", "b", "b"], dtype=object))
    np.testing.assert_allclose(q, [0.02, 0.04, 0.09, np.nan, 0.75])


def test_a_rarefied_table_has_no_correlation_of_depth_and_raises_no_warning(
    small: np.ndarray, cohort_of: Callable[..., Cohort], recwarn: pytest.WarningsRecorder
) -> None:
    counts = small.copy()
    counts[:, 0] += counts.sum(axis=1).max() - counts.sum(axis=1)
    frame, about = link(cohort_of(counts), ())
    assert len(frame)
    assert np.isnan(about["depth_correlation"])
    assert len(recwarn) == 0
