"""What the report says of the intake: the table's mode, filters, lineages that could be left out, roots, and notes of the readers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fake_results import HOSTILE, fake_results

from gutdiv.report.content import build
from gutdiv.report.parts import DataTable, Note, Prose, Section, Sentences
from gutdiv.report.render import render

if TYPE_CHECKING:
    from gutdiv.model.results import Results

FILTER = {"filter": "exclude", "option": "chloroplast", "features": 12, "samples": 0, "reads": 3500, "share_of_reads": 0.035}
KEPT = {"what": "mitochondria", "excluded": False, "features": 3, "reads": 70, "share_of_reads": 0.0035}
NONE = {"what": "archaea", "excluded": False, "features": 0, "reads": 0, "share_of_reads": 0.0}
ROOTED = "tree.nwk had no root; it was rooted at its midpoint, half-way between 'a' and 'b'"


def results_with(**cohort: Any) -> Results:
    made = fake_results()
    return replace(made, cohort={**made.cohort, **cohort})


def section(results: Results, panel: str, key: str) -> Section | None:
    page = build(results)
    assert page.broken == {}
    return next((s for p in page.panels if p.key == panel for s in p.sections if s.key == key), None)


def tables(results: Results) -> dict[str, DataTable]:
    found = section(results, "overview", "fallen")
    assert found is not None
    return {p.key: p for p in found.parts if isinstance(p, DataTable)}


def paper(results: Results) -> str:
    found = section(results, "methods", "text")
    assert found is not None
    (prose,) = (p for p in found.parts if isinstance(p, Prose))
    return " ".join(prose.paragraphs)


def test_filters_are_listed_with_what_they_took() -> None:
    (row,) = tables(results_with(filters=[FILTER]))["filters"].rows
    assert [c.text for c in row.cells] == ["features by lineage", "chloroplast", "12", "0", "3,500", "3.5%"]
    assert "features by lineage (--exclude chloroplast; 3.5% of the reads)" in paper(results_with(filters=[FILTER]))


def test_without_filters_nothing_is_said_of_them() -> None:
    made = results_with(filters=[], excludable=[NONE], notes=[])
    assert not {"filters", "excludable"} & tables(made).keys()
    assert "Filters" not in paper(made)


def test_what_a_filter_would_take_is_listed_where_there_is_some() -> None:
    (row,) = tables(results_with(excludable=[KEPT, NONE]))["excludable"].rows
    assert [c.text for c in row.cells] == ["mitochondria", "3", "70", "0.35%", "kept"]


def test_a_table_that_came_rarefied_is_said_to_be_so_and_never_as_sequenced() -> None:
    made = results_with(mode="rarefied")
    found = section(made, "overview", "alerts")
    assert found is not None
    assert any(isinstance(p, Note) and p.text.startswith("The table was rarefied before") for p in found.parts)
    assert "The table had been rarefied before." in paper(made)
    assert "as sequenced" not in paper(made)
    assert "rarefied before" not in paper(results_with(mode="counts"))


def test_a_root_that_gutdiv_placed_and_every_note_are_repeated() -> None:
    made = results_with(notes=[ROOTED, "Column 'x' was left out"])
    found = section(made, "overview", "fallen")
    assert found is not None
    said = [s.text for p in found.parts if isinstance(p, Sentences) for s in p.items]
    assert [p.paragraphs for p in found.parts if isinstance(p, Prose)] == [("When the files were read, this was found and decided:",)]
    assert any("rooted at its midpoint" in s for s in said)
    assert any("Column 'x' was left out" in s for s in said)
    assert "rooted at its midpoint" in paper(made)
    assert "Column" not in paper(made)


def test_hostile_notes_and_options_are_escaped() -> None:
    html = render(build(results_with(notes=list(HOSTILE), filters=[{**FILTER, "option": h} for h in HOSTILE])))
    assert "<script>alert" not in html


def test_samples_that_a_column_calls_something_else_than_was_declared_are_an_alert_with_what_to_do() -> None:
    hostile = [{"columns": [HOSTILE[0]], "samples": 1, "words": [[f"saliva {HOSTILE[1]}", 1]]}]
    plain = [{"columns": ["body_site", "sample_type"], "samples": 3, "words": [["saliva", 2], ["skin", 1]]}]
    made = results_with(specimen_conflicts=[*plain, *hostile])
    made = replace(made, cohort={**made.cohort, "roles": {**made.cohort["roles"], "specimen": "stool"}})
    page = build(made)
    notes = [p for panel in page.panels for s in panel.sections for p in s.parts if isinstance(p, Note) and "was declared as stool" in p.text]
    assert notes[0].text == (
        "The specimen was declared as stool, but the columns body_site and sample_type call 3 samples of 240 something else: saliva (2) and skin (1)."
    )
    assert [n.kind for n in notes] == ["alert", "alert"]
    assert "Leave them out" in notes[0].action
    assert notes[0].link is not None
    assert "<script>alert" not in render(page)


def test_ages_outside_the_declared_band_are_an_alert_with_what_to_do() -> None:
    plain = {"column": "age", "samples": 367, "known": 1354, "low": 18.0, "high": 83.0, "told": False}
    hostile = {"column": HOSTILE[0], "samples": 1, "known": 1, "low": 20.0, "high": 20.0, "told": True}
    made = results_with(age_conflicts=[plain, hostile])
    made = replace(made, cohort={**made.cohort, "roles": {**made.cohort["roles"], "age_band": "child"}})
    page = build(made)
    notes = [p for panel in page.panels for s in panel.sections for p in s.parts if isinstance(p, Note) and "was declared as child" in p.text]
    text = "The age was declared as child, but column age holds another age of 367 of 1,354 samples with one (18.0 to 83.0, if it is in years)."
    assert notes[0].text == text
    assert [n.kind for n in notes] == ["alert", "alert"]
    assert "--age-band" in notes[0].action
    assert "<script>alert" not in render(page)
