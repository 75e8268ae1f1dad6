"""The methods text and the alerts say what was done, and only that: each sentence hangs on rows and records, not on a table's existence."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_results import HOSTILE, fake_results

from gutdiv.report import bibliography
from gutdiv.report.content import build
from gutdiv.report.parts import Figure, Note, Panel, Prose, Section
from gutdiv.report.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from gutdiv.model.results import Reference, Results

COVERAGE = "The median coverage at 817 reads is 0.84, below 0.95: rare features are missed."
FEW = "22 control subjects with 817 reads; a verdict needs 60"


def panel(results: Results, key: str) -> Panel:
    """Build the page and return one panel."""
    page = build(results)
    assert page.broken == {}
    return next(p for p in page.panels if p.key == key)


def section(one: Panel, key: str) -> Section:
    """Return a section of a panel."""
    return next(s for s in one.sections if s.key == key)


def paragraphs(results: Results) -> tuple[str, ...]:
    """Return the text for a paper."""
    part = section(panel(results, "methods"), "text").parts[0]
    assert isinstance(part, Prose)
    return part.paragraphs


def papers(results: Results) -> str:
    """Return the papers behind the methods."""
    return str(section(panel(results, "methods"), "sources").parts)


def paragraph(results: Results, word: str) -> str:
    """Return the one paragraph that holds a word."""
    found = [p for p in paragraphs(results) if word in p]
    assert len(found) == 1, found
    return found[0]


def changed(results: Results, place: str, record: Mapping[str, Any] | None = None, frame: pd.DataFrame | None = None) -> Results:
    """Return results in which one table has other rows or further entries in its record."""
    table = results.tables[place]
    other = replace(table, frame=table.frame if frame is None else frame, record={**table.record, **(record or {})})
    return replace(results, tables={**results.tables, place: other})


def with_reference(results: Results, **fields: Any) -> Results:
    """Return results with another reference."""
    assert results.reference is not None
    reference: Reference = replace(results.reference, **fields)
    return replace(results, reference=reference)


def test_intervals_that_were_made_are_told_with_depth_and_count_and_those_that_were_not_with_the_reason() -> None:
    told = paragraph(fake_results(), "Reference intervals were made")
    assert "130 subjects were declared as healthy controls" in told
    assert "each that reached 5,000 reads (n = 130)" in told
    assert "None was made for chao1: the table holds no feature seen exactly once, which its estimator needs." in told


def test_taxa_and_guilds_without_an_interval_are_counted_and_transformations_told_once() -> None:
    results = fake_results()
    assert results.reference is not None
    made, *others = (i for i in results.reference.intervals if i.lower is not None)
    powers = [replace(i, method=f"robust (Horn), Box-Cox power {k / 4}, 90 % CI by bootstrap") for k, i in enumerate([made, *others])]
    gone = [replace(made, metric=m, lower=None, upper=None, absent=f"seen in {k} of 130") for k, m in enumerate(("clr:Dorea", "clr:Blautia", "guild:x"))]
    told = paragraph(with_reference(results, intervals=(*powers, *gone)), "Reference intervals were made")
    assert "(CLSI EP28-A3c; robust (Horn), Box-Cox, 90% CI by bootstrap)" in told, "percentages are written alike on the whole page"
    assert "None was made for 3 taxa and guilds; each one's reason stands in the reference." in told
    assert "Dorea" not in told


def test_without_a_single_limit_no_interval_was_made_and_the_reason_stands() -> None:
    results = fake_results()
    assert results.reference is not None
    why = "88 control subjects with 2,347 reads; a nonparametric interval needs 119"
    bare = [replace(i, lower=None, lower_ci=None, upper=None, upper_ci=None, absent=why) for i in results.reference.intervals]
    results = with_reference(results, intervals=tuple(bare))
    told = paragraph(results, "declared as")
    assert told.endswith(f"No reference interval was made: {why}.")
    assert "percentile" not in told
    assert "EP28" not in papers(results)
    assert "EP28" in papers(fake_results())


def test_without_a_common_depth_nothing_is_said_to_be_made_at_0_reads() -> None:
    told = paragraph(with_reference(fake_results(), depth=0, intervals=()), "declared as")
    assert told.endswith("No reference interval was made: samples were not rarefied, so nothing was compared at a common depth.")
    assert "0 reads" not in told


def test_samples_were_judged_only_where_one_has_a_verdict() -> None:
    results = fake_results()
    assert "Each sample with at least 5,000 reads was judged at that depth" in paragraph(results, "conformal")
    frame = results.tables["dysbiosis/verdicts"].frame.assign(verdict="not assessable", reason=FEW)
    none = changed(results, "dysbiosis/verdicts", frame=frame)
    assert f"No sample was judged: {FEW}." in paragraphs(none)
    assert "conformal" not in " ".join(paragraphs(none))
    assert "Vovk" not in papers(none)
    assert "Ledoit" not in papers(none)
    empty = changed(results, "dysbiosis/verdicts", frame=frame.iloc[:0])
    assert "judged" not in " ".join(paragraphs(empty))


def test_the_composition_of_a_verdict_is_of_genera_averaged_over_the_draws_of_its_record() -> None:
    told = paragraph(fake_results(), "conformal")
    assert "composition at the level of genera" in told
    assert "both averaged over 20 rarefaction draws" in told
    other = changed(fake_results(), "dysbiosis/verdicts", {"options": {"draws": 7}})
    assert "7 rarefaction draws" in paragraph(other, "conformal")
    unsaid = changed(fake_results(), "dysbiosis/verdicts", {"options": {}})
    assert "draw" not in paragraph(unsaid, "conformal")


def test_links_are_told_only_where_rows_are_and_standard_errors_as_the_record_tells() -> None:
    results = fake_results()
    frame = results.tables["immune/links"].frame
    assert "standard errors" not in paragraph(results, "regressed")  # this record does not say
    told = paragraph(changed(results, "immune/links", {"judged_by": "jackknife over subjects"}), "regressed")
    assert "standard errors by jackknife over subjects" in told
    assert "marker" not in told
    assert "regressed" not in " ".join(paragraphs(changed(results, "immune/links", {"judged_by": "HC3"}, frame.iloc[:0])))


def test_links_with_a_marker_alone_are_not_told_as_links_with_diversity() -> None:
    results = fake_results()
    frame = results.tables["immune/links"].frame
    alone = paragraph(changed(results, "immune/links", frame=frame.assign(test_family="marker:crp")), "regressed")
    assert "on the marker crp;" in alone
    assert "Shannon" not in alone
    assert "two families" not in alone


def test_rarefied_dissimilarities_were_measured_on_one_draw_and_aitchison_was_not_rarefied() -> None:
    told = paragraph(fake_results(tree=False), "Dissimilarities")
    assert "Bray-Curtis and Jaccard distance were measured on one rarefaction draw of 5,000 reads per sample." in told
    whole = "Aitchison distance (Euclidean distance of CLR(counts + 1), never rarefied) was measured on the counts as sequenced"
    assert whole in told
    none = fake_results(tree=False)
    for metric in ("braycurtis", "jaccard"):
        none = changed(none, f"diversity/ordination/{metric}", {"depth": None})
    assert "draw" not in paragraph(none, "Dissimilarities")


def test_arrows_and_estimates_of_an_ordination_are_told_with_their_source() -> None:
    results = fake_results(tree=False)
    told = paragraph(results, "Dissimilarities")
    assert "centred log-ratio (pseudocount 0.5) of each genus found in at least 10% of samples" in told
    assert "they were not tested" in told
    assert "Lanczos" not in told
    assert "Ubaru" not in papers(results)
    changed_results = changed(results, "diversity/ordination/jaccard", {"proportion_error": 0.001})
    told = paragraph(changed_results, "Dissimilarities")
    assert "For Jaccard distance the sum of positive eigenvalues was estimated by stochastic Lanczos quadrature" in told
    assert "Ubaru" in papers(changed_results)


def test_coordinates_by_landmarks_are_told_with_their_numbers_and_papers_and_only_where_some_samples_were_no_landmarks() -> None:
    results, place = fake_results(tree=False), "diversity/ordination/jaccard"
    few = changed(results, place, {"landmarks": {"count": 2000, "of": 50000, "agreement": {"axes": [1.0]}}, "notes": ["Axes are approximate."]})
    told = paragraph(few, "Dissimilarities")
    assert "For Jaccard distance the coordinates of 2,000 landmarks were computed, and all 50,000 samples placed by their distances to these" in told
    assert all(f"{paper} (" in papers(few) for paper in ("Gower JC", "de Silva V, Tenenbaum JB", "Platt JC"))
    assert "Biometrika 55, 582-585" in papers(few)
    figure = next(p for p in section(panel(few, "diversity"), "structure").parts if isinstance(p, Figure))
    assert "Axes are approximate." in next(v for v in figure.views if v.key == "jaccard").subtitle
    every = changed(results, place, {"landmarks": {"count": 130, "of": 130}})
    assert "landmark" not in paragraph(every, "Dissimilarities")
    assert "Platt" not in papers(every)


def test_empty_tables_leave_no_sentence_and_no_paper() -> None:
    results = fake_results(controls=False, links=False)
    for place in list(results.tables):
        if place.startswith(("diversity/", "comparison/", "dysbiosis/")):
            results = changed(results, place, frame=results.tables[place].frame.iloc[:0])
    told = paragraphs(results)
    assert len(told) == 1
    assert told[0].startswith("We analysed")
    for paper in ("Anderson", "Gower", "Benjamini", "Shannon", "Vovk"):
        assert paper not in papers(results)


@pytest.mark.parametrize(
    ("unit", "scheme"), [("subject (person)", "whole subjects (person)"), ("sample within subjects (person)", "within subjects (person)")]
)
def test_permanova_names_its_unit_and_what_was_permuted(unit: str, scheme: str) -> None:
    results = fake_results(tree=False)
    for metric in ("braycurtis", "jaccard", "aitchison"):
        frame = results.tables[f"comparison/permanova/{metric}"].frame
        first = frame["term"] == "group"
        results = changed(
            results,
            f"comparison/permanova/{metric}",
            frame=frame.assign(unit=[unit if f else "" for f in first], permutation_scheme=[scheme if f else "" for f in first]),
        )
    told = paragraph(results, "PERMANOVA")
    assert f"PERMANOVA (Anderson 2001, 999 permutations; unit: {unit}, permutations: {scheme})." in told


def test_an_effect_without_an_interval_is_not_said_to_have_one() -> None:
    results = fake_results()
    frame = results.tables["comparison/alpha"].frame
    told = paragraph(results, "Alpha diversity was compared")
    assert "effect sizes: Cliff's delta with 95% confidence intervals)" in told
    bare = frame.assign(effect_name="epsilon squared", ci_low=float("nan"), ci_high=float("nan"))
    told = paragraph(changed(results, "comparison/alpha", frame=bare), "Alpha diversity was compared")
    assert "effect sizes: epsilon squared)" in told
    assert "95%" not in told


def test_what_the_choice_of_depth_warns_of_stands_on_the_first_screen_and_beside_the_depths() -> None:
    few = "Groups of fewer than 5 samples do not count in the choice of depth."
    results = changed(fake_results(), "diversity/depths", {"warnings": [COVERAGE, few]})
    alerts = [n for n in section(panel(results, "overview"), "alerts").parts if isinstance(n, Note) and n.kind == "alert"]
    assert [n.text for n in alerts] == [COVERAGE, few]
    assert {n.link.href for n in alerts if n.link} == {"#diversity-depth"}
    depth = section(panel(results, "diversity"), "depth")
    assert [n.text for n in depth.parts if isinstance(n, Note)] == [COVERAGE, few]
    page = render(build(results))
    assert page.count(COVERAGE) == 2
    assert 'id="diversity-depth"' in page
    assert COVERAGE not in render(build(fake_results()))


def test_a_warning_that_no_depth_mends_is_answered_with_the_batch() -> None:
    follows = "Richness still follows the reads that samples came with."
    results = changed(fake_results(), "diversity/depths", {"warnings": [COVERAGE, follows], "beyond_depth": [follows]})
    alerts = [n for n in section(panel(results, "overview"), "alerts").parts if isinstance(n, Note) and n.kind == "alert"]
    assert ["--depth" in n.action for n in alerts] == [True, False]
    assert "--formula" in alerts[1].action


def test_a_warning_without_a_table_of_depths_still_has_its_section_to_link_to() -> None:
    frame = fake_results().tables["diversity/depths"].frame.iloc[:0]
    results = changed(fake_results(), "diversity/depths", {"warnings": [COVERAGE]}, frame)
    assert section(panel(results, "diversity"), "depth").parts[0] == Note("alert", COVERAGE)


def test_a_warning_with_a_hostile_group_name_is_escaped() -> None:
    results = changed(fake_results(n=24), "diversity/depths", {"warnings": [f"The group {h} loses samples." for h in HOSTILE]})
    page = render(build(results))
    for bad in HOSTILE[:2]:
        assert bad not in page
    assert "The group &lt;script&gt;alert(1)&lt;/script&gt; loses samples." in page
    assert "L" * 601 not in page


def test_links_with_diversity_and_with_a_marker_are_told_apart_where_they_were_not_tested() -> None:
    results = fake_results()
    frame = results.tables["immune/links"].frame.iloc[:0]
    why = "the cohort has no lineages, so that no taxon can be named"
    results = changed(results, "immune/links", {"absent": {"links": why, "marker:crp": why}, "findings": []}, frame)
    said = [
        f"Links between taxa and diversity were not tested: {why}.",
        f"Links between taxa and the marker crp were not tested: {why}.",
    ]
    page = render(build(results))
    assert [page.count(s) for s in said] == [2, 2]  # once on the first screen, once in the panel
    notes = [n.text for n in section(panel(results, "immune"), "links").parts if isinstance(n, Note)]
    assert notes == said


def test_bibtex_takes_a_citation_apart() -> None:
    told = dict(zip(("clsi2010", "martino2019"), bibliography.bibtex(["martino2019", "clsi2010", "unknown2000"]), strict=True))
    assert told["clsi2010"].startswith("@misc{clsi2010,\n  author = {{CLSI}},")
    assert told["martino2019"].splitlines() == [
        "@article{martino2019,",
        "  author = {Martino, C and Morton, JT and Marotz, CA and others},",
        "  title = {A novel sparse compositional technique reveals microbial perturbations},",
        "  journal = {mSystems},",
        "  volume = {4},",
        "  pages = {e00016-19},",
        "  year = {2019}",
        "}",
    ]
    for entry in bibliography.bibtex(bibliography.METHODS):
        assert entry.count("{") == entry.count("}")
        assert re.search(r"year = \{\d{4}\}", entry)
        assert re.search(r"title = \{.{8,}\}", entry)
