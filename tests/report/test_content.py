"""The page as data: every panel with everything at hand, with parts missing, and with hostile names."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_results import HOSTILE, fake_results

import gutdiv.report
from gutdiv.report import panels
from gutdiv.report.content import build
from gutdiv.report.parts import DataTable, Figure, Note, Page, Panel, Sentences, VerdictSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = ["overview", "composition", "diversity", "abundance", "longitudinal", "dysbiosis", "immune", "methods"]
FIGURES = {
    "composition", "composition-means", "effects", "alpha", "models", "ordination", "constrained", "curves", "depths", "abundance", "verdict-counts",
    "places", "links", "heatmap", "trajectories", "workflow",
}  # fmt: skip
KINDS: list[dict[str, Any]] = [
    {},
    {"tree": False},
    {"group": False},
    {"controls": False},
    {"healthy": False},
    {"links": False},
    {"hostile": True},
    {"tree": False, "group": False, "controls": False, "links": False},
    {"n": 12},
]


def walk(thing: Any, kind: type) -> Iterator[Any]:
    """Find all parts of a kind."""
    if isinstance(thing, kind):
        yield thing
    if isinstance(thing, tuple):
        for item in thing:
            yield from walk(item, kind)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for f in fields(thing):
            yield from walk(getattr(thing, f.name), kind)


def texts(thing: Any) -> Iterator[str]:
    """Find all texts of a part."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, tuple):
        for item in thing:
            yield from texts(item)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for f in fields(thing):
            yield from texts(getattr(thing, f.name))


def panel(page: Page, key: str) -> Panel:
    """Return a panel by its word."""
    return next(p for p in page.panels if p.key == key)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_panel_fails_whatever_is_missing(kind: dict[str, Any]) -> None:
    page = build(fake_results(**kind))
    assert page.broken == {}
    assert [p.key for p in page.panels] == WORDS
    for one in page.panels:
        assert one.absent or any(section.parts for section in one.sections)


def test_no_panel_fails_when_every_table_is_missing() -> None:
    results = replace(fake_results(), tables={}, reference=None, metadata=None, knowledge={})
    page = build(results)
    assert page.broken == {}
    for key in ("composition", "diversity", "abundance", "longitudinal", "dysbiosis", "immune"):
        assert panel(page, key).absent


@pytest.mark.parametrize("place", sorted(fake_results(n=12).tables))
def test_no_panel_fails_when_one_table_is_missing_or_empty(place: str) -> None:
    results = fake_results(n=24)
    without = {k: v for k, v in results.tables.items() if k != place}
    assert build(replace(results, tables=without)).broken == {}
    table = results.tables[place]
    empty = replace(table, frame=table.frame.iloc[:0])
    assert build(replace(results, tables={**results.tables, place: empty})).broken == {}


def test_a_panel_that_fails_leaves_a_note_and_the_rest_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Panel:
        msg = "nothing works"
        raise RuntimeError(msg)

    monkeypatch.setattr("gutdiv.report.content.PANELS", {**panels.PANELS, "immune": broken})
    page = build(fake_results(n=24))
    assert page.broken == {"immune": "RuntimeError: nothing works"}
    notes = list(walk(panel(page, "immune"), Note))
    assert len(notes) == 1
    assert "immune" in notes[0].text
    assert len(panel(page, "diversity").sections) == 4


def test_every_figure_has_title_axes_numbers_and_words_for_those_who_cannot_see_it() -> None:
    figures = list(walk(build(fake_results()), Figure))
    assert {f.key for f in figures} == FIGURES
    for figure in figures:
        for view in figure.views:
            assert view.title
            assert len(view.alt) > len(view.title)
            assert view.numbers.rows
            assert view.layout["xaxis"]["title"]["text"]
            assert view.data
            series = [t for t in view.data if "marker" in t]  # a band has none: it is part of its line
            marks = {(str(t["marker"]["color"]), str(t["marker"].get("symbol") or t["marker"].get("pattern") or t.get("opacity"))) for t in series}
            assert len(marks) == len(series), f"{figure.key}: two series of the same look"


def test_keys_are_unique_in_the_page() -> None:
    page = build(fake_results())
    keys = [t.key for t in walk(page, DataTable)]
    assert len(set(keys)) == len(keys)


def test_titles_state_the_finding_where_there_is_one() -> None:
    page = build(fake_results())
    figures = {f.key: f for f in walk(page, Figure)}
    assert figures["alpha"].views[0].title == "Shannon entropy is lower in patient than in healthy"
    assert figures["ordination"].views[0].title == "Communities differ by group: 8.3% of the variation in Bray-Curtis"
    without = {f.key: f for f in walk(build(fake_results(group=False)), Figure)}
    assert without["alpha"].views[0].title == "Shannon entropy of each sample"


def test_the_composition_names_what_leads_and_what_differs_most() -> None:
    results = fake_results(n=12)
    plain = replace(results, tables={place: t for place, t in results.tables.items() if place != "comparison/model"})
    figures = {f.key: f for f in walk(build(plain), Figure)}
    # means of the fake: the i-th taxon, from 0, has (i + 1) / 20 in healthy, / 30 in patient, / 40 in all samples
    assert figures["composition"].views[0].title == "Faecalibacterium, Roseburia and Anaerostipes hold 15% of the reads of a sample on average"
    assert figures["composition-means"].views[0].title == "Escherichia-Shigella differs most: 50% of the reads in healthy, 33% in patient"
    assert [v.key for v in figures["composition"].views] == ["genus", "phylum"]


def test_where_the_design_holds_more_than_the_groups_no_plain_difference_between_them_is_a_title() -> None:
    means = next(f for f in walk(build(fake_results(n=12)), Figure) if f.key == "composition-means")
    assert means.views[0].title == "Faecalibacterium, Roseburia and Anaerostipes hold 15% of the reads of a sample on average"
    assert "Differences may be those of age, which the tests hold constant." in means.views[0].subtitle


def test_the_first_screen_tells_what_was_analysed_and_the_findings_with_their_numbers() -> None:
    overview = panel(build(fake_results()), "overview")
    told = " ".join(texts(overview)).replace("\u00a0", " ")
    for part in ("240", "from 120 subjects", "2,880,000", "5,000", "no tip in the tree", "research use only", "diagnoses nobody"):
        assert part in told
    seen, folded = list(walk(overview, Sentences))[:2]
    assert [len(seen.items), seen.title, folded.title] == [3, "", "2 more findings"]
    sentences = (*seen.items, *folded.items)
    assert [s.link.href for s in sentences if s.link] == ["#diversity", "#diversity-structure", "#abundance", "#longitudinal", "#immune"]
    assert "Cliff's delta \u22120.62" in sentences[0].text
    assert "4 of 10 immune-relevant taxa clearly linked" in sentences[4].text


def test_models_speak_on_the_first_screen_where_groups_were_not_compared_without_them() -> None:
    results = fake_results(n=12)
    column, model = str(results.cohort["roles"]["group"]), results.tables["comparison/model"]
    values = {"variable": column, "p": 0.01, "q": 0.02, "n_1": 12, "unit": "sample"}
    finding = {"what": "model_term", "subject": "shannon", "direction": "present", "size": 0.21, "unit": "partial R squared", "values": values}
    told = replace(model, record={**model.record, "findings": [{**finding, "strength": "clear", "rank": 0}]})
    tables = {place: t for place, t in results.tables.items() if place != "comparison/alpha"} | {"comparison/model": told}
    first = next(walk(panel(build(replace(results, tables=tables)), "overview"), Sentences)).items[0]
    assert first.text.replace("\u00a0", " ") == "Shannon entropy differs between groups (partial R squared 0.21; q = 0.02; n = 12). Age was held constant."
    assert first.link is not None
    assert first.link.href == "#diversity"
    assert all("held constant" not in s.text for s in next(walk(panel(build(results), "overview"), Sentences)).items)


def test_expected_false_alarms_stand_beside_the_verdicts() -> None:
    summary = next(walk(build(fake_results()), VerdictSummary))
    outside = dict(summary.bars[0].counts)["outside"]
    assert summary.headline == f"{outside} of 87 assessed samples lie outside the reference."
    assert summary.remarks == ("About 2.2 would lie outside by chance alone if all of them were like the controls.",)
    assert [bar.who for bar in summary.bars] == ["Other samples", "Healthy controls"]
    assert 'group == "healthy"' in summary.standing


def test_controls_are_called_healthy_only_where_the_study_declares_them_so() -> None:
    results = fake_results(healthy=False)
    assert results.reference is not None
    results = replace(results, reference=replace(results.reference, declared='group == "HC"'))
    results = replace(results, metadata=None, tables={k: v for k, v in results.tables.items() if not k.startswith("comparison")})
    told = " ".join(texts(build(results))).replace("no sample is called healthy or ill", "")
    assert "does not declare these controls healthy" in told
    for phrase in ("healthy controls", "Healthy controls", "declares these controls healthy"):
        assert phrase not in told.replace("does not declare these controls healthy", "").replace("controls (not declared healthy)", "")


def test_without_controls_the_page_says_what_to_do_and_judges_nobody() -> None:
    page = build(fake_results(controls=False))
    alerts = [n for n in walk(panel(page, "overview"), Note) if n.kind == "alert"]
    assert len(alerts) == 1
    assert "No sample was judged" in alerts[0].text
    assert "--controls" in alerts[0].action
    (listed,) = walk(panel(page, "dysbiosis"), DataTable)
    assert (listed.key, len(listed.rows)) == ("samples", 240), "samples are listed all the same"
    assert not {"Verdict", "p", "q"} & {column.label for column in listed.columns}


def test_nothing_is_alarming_where_nothing_is_wrong() -> None:
    results = fake_results()
    results = replace(results, cohort={**results.cohort, "fallen": []})
    notes = list(walk(panel(build(results), "overview"), Note))
    assert {n.kind for n in notes} == {"info"}


def test_every_sample_stands_in_the_table_with_verdict_and_details() -> None:
    table = next(t for t in walk(panel(build(fake_results()), "dysbiosis"), DataTable) if t.key == "samples")
    assert len(table.rows) == 240
    assert table.interactive
    judged = [r for r in table.rows if r.cells[2].text != "not assessable"]
    assert {r.cells[2].status for r in judged} <= {"outside", "borderline", "within"}
    assert all(r.details for r in judged)
    order = [r.cells[2].value for r in table.rows]
    assert order == sorted(order)  # the most unusual first
    assert all("fewer reads" in r.cells[-1].text for r in table.rows if r.cells[1].text == "not assessable")


def test_links_are_always_called_relative_and_say_that_load_was_not_measured() -> None:
    immune = panel(build(fake_results()), "immune")
    told = " ".join(texts(immune))
    assert "relative to the typical prevalent taxon of this study; total bacterial load was not measured" in told
    assert "A negative link may only reflect that most other taxa rise with diversity." in told
    assert "names no cause" in told
    assert "24 taxa" in told
    assert "0.21" in told


def test_a_taxon_opens_to_its_evidence_and_only_real_addresses_become_links() -> None:
    table = next(t for t in walk(panel(build(fake_results(hostile=True)), "immune"), DataTable) if t.key == "link-table")
    rows = {r.cells[0].text: r for r in table.rows}
    details = {d.term: d for d in rows["Akkermansia"].details}
    assert "Raised in some cohorts" in details["Contested"].text
    hrefs = [link.href for d in rows["Akkermansia"].details for link in d.links]
    assert hrefs == ["https://doi.org/10.1073/pnas.0804812105", "https://doi.org/10.1038/nature12721", ""]


def test_a_reference_that_is_not_in_the_knowledge_base_is_not_printed() -> None:
    results = fake_results()
    known = {**results.knowledge, "references": results.knowledge["references"][:1]}
    told = " ".join(texts(build(replace(results, knowledge=known))))
    assert "Sokol H" in told
    assert "Furusawa" not in told
    assert "furusawa2013" not in told


def test_hostile_names_reach_the_parts_as_they_are_and_charts_escape_them() -> None:
    page = build(fake_results(hostile=True))
    table = next(t for t in walk(page, DataTable) if t.key == "samples")
    names = {r.cells[0].text for r in table.rows}
    assert HOSTILE[0] in names
    assert HOSTILE[3] in names
    for figure in walk(page, Figure):
        for view in figure.views:
            for trace in view.data:
                rows = [t if isinstance(t, list) else [t] for t in trace.get("text", ())]  # a heatmap has a row of texts for each taxon
                for label in [trace.get("name", ""), *(t for row in rows for t in row)]:
                    assert "<" not in str(label), f"{figure.key}: {label!r} is read as markup by plotly"
                    assert len(str(label)) < 300


def test_groups_that_look_alike_after_cutting_stay_apart() -> None:
    results = fake_results(n=24)
    assert results.metadata is not None
    long = ["x" * 100 + str(i % 2) for i in range(24)]
    metadata = replace(results.metadata, columns={**results.metadata.columns, "group": tuple(long)})
    page = build(replace(results, metadata=metadata))
    alpha = next(f for f in walk(page, Figure) if f.key == "alpha")
    assert len(alpha.views[0].data) == 2
    assert [len(t["x"]) for t in alpha.views[0].data] == [12, 11]  # one sample is too shallow


def test_the_methods_text_names_version_seed_depth_and_estimators() -> None:
    told = " ".join(texts(panel(build(fake_results()), "methods")))
    for part in (
        "gutdiv 0.1.0",
        "seed 7",
        "5,000 reads",
        "100 draws",
        "Ledoit",
        "Benjamini",
        "Shannon CE (1948)",
        "mean of 100 draws",
        "ab" * 32,
    ):
        assert part in told
    bare = " ".join(texts(panel(build(fake_results(controls=False, links=False, group=False)), "methods")))
    assert "conformal" not in bare
    assert "PERMANOVA" not in bare


def test_panels_compare_no_number_with_a_threshold() -> None:
    folder = Path(gutdiv.report.__file__).parent
    for path in [*(folder / "panels").glob("*.py"), folder / "story.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and any(isinstance(o, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for o in node.ops):
                told = ast.unparse(node)
                compared = [c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, float)]
                assert not compared, f"{path.name}: {told} compares with a threshold; that is a stage's decision"


def test_guilds_are_counted_in_samples_and_controls_by_the_same_rule() -> None:
    page = build(fake_results())
    found = panel(page, "immune")
    tables = {t.key: t for t in walk(found, DataTable)}
    assert [c.text for c in tables["immune-samples"].rows[0].cells] == ["butyrate producer", "guild", "depleted", "2 of 2 (100%)", "3 of 150 (2.0%)"]
    opened = next(r for r in tables["immune-samples"].rows if r.cells[0].text == "Faecalibacterium")
    assert any(link.href.startswith("https://doi.org/") for d in opened.details for link in d.links)
    told = " ".join(texts(found))
    assert "By the same rule a control has 1.5 depleted and 2.0 enriched on average." in told
    assert "linked with diversity" in told
    samples = next(t for t in walk(panel(page, "dysbiosis"), DataTable) if t.key == "samples")
    at = [c.label for c in samples.columns].index("Guilds")
    assert sorted(r.cells[at].text for r in samples.rows)[:2] == ["1 depleted", "1 depleted"]


def test_links_by_measured_load_are_called_absolute() -> None:
    results = fake_results()
    links = results.tables["immune/links"]
    measured = replace(links, record={**links.record, "scale": "absolute", "options": {"load": "cells"}, "notes": []})
    told = " ".join(texts(panel(build(replace(results, tables={**results.tables, "immune/links": measured})), "immune")))
    assert "Of absolute abundance, by the load measured as" in told
    assert "was not measured" not in told


def test_published_indices_stand_beside_the_verdict() -> None:
    found = panel(build(fake_results()), "dysbiosis")
    table = next(t for t in walk(found, DataTable) if t.key == "indices")
    assert table.rows[0].cells[0].text == "Microbial dysbiosis index"
    assert "lie farther from their own centre than 150 controls do (ratio of mean distances 1.40" in " ".join(texts(found))


def test_the_tier_is_told_with_the_false_alarms_that_were_measured() -> None:
    results = fake_results()
    found = results.tables["dysbiosis/verdicts"]
    (judged,) = found.record["findings"]
    alarm = {"tier": "aligned", "controls": 20, "ill_share": 0.0, "level": 0.025, "studies": 16, "mean": 0.031, "mean_low": 0.02, "mean_high": 0.04}
    alarm |= {"worst": 0.086, "worst_low": 0.046, "worst_high": 0.143, "worst_study": "one"}
    values = {**judged["values"], "tier": "aligned", "false_alarms": [{**alarm, "level": 0.05, "mean": 0.5}, alarm], "level_outside": 0.025}
    values["control_check"] = {"n": 22, "n_checked": 22, "unusual": 3, "unusual_at": 0.05, "unusual_low": 0.04, "unusual_high": 0.32}
    values["control_check"] |= {"suspicious": ["S001", "S002"], "suspicious_at": 0.01, "warning": True}
    table = replace(found, record={**found.record, "findings": [{**judged, "values": values}]})
    told = " ".join(texts(build(replace(results, tables={**results.tables, "dysbiosis/verdicts": table}))))
    assert "published healthy groups, aligned to this study by its controls (aligned)" in told
    assert "with 20 controls called 3.1% of healthy people outside (95% CI 2.0 to 4.0%), in the worst study 8.6% (4.6 to 14.3%; one)." in told
    assert "3 of 22 controls have p up to 0.05 (exact 90% CI 4.0 to 32.0%; 5.0% are expected)." in told
    assert "S001 and S002 have p up to 0.01: several controls look unlike healthy people" in told
