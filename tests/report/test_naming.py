"""What the report says of the names of taxa: the dialect, the rules, the spellings, and why some have no genus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from fake_results import HOSTILE, fake_results
from fake_tables import table

from gutdiv.report import story
from gutdiv.report.content import build
from gutdiv.report.naming import MOST, PLACE
from gutdiv.report.parts import DataTable, Note, Prose, Section, Sentences
from gutdiv.report.render import render

if TYPE_CHECKING:
    from gutdiv.model.results import Results


def names(results: Results) -> Section | None:
    """Return the section on names, where the page has one."""
    page = build(results)
    assert page.broken == {}
    methods = next(p for p in page.panels if p.key == "methods")
    return next((s for s in methods.sections if s.key == "names"), None)


def changed(**about: Any) -> Results:
    """Return results whose audit has other entries in its record."""
    results = fake_results()
    found = results.tables[PLACE]
    return replace(results, tables={**results.tables, PLACE: replace(found, record={**found.record, **about})})


def told(results: Results) -> list[str]:
    """Return the sentences of the section."""
    section = names(results)
    assert section is not None
    return [item.text for part in section.parts if isinstance(part, Sentences) for item in part.items]


def tables(results: Results) -> dict[str, DataTable]:
    """Return the tables of the section by key."""
    section = names(results)
    assert section is not None
    return {part.key: part for part in section.parts if isinstance(part, DataTable)}


def test_shares_and_the_dialect_with_its_certainty_are_told() -> None:
    assert told(fake_results()) == [
        "90% of the reads bear a genus, 100% a family.",
        "The lineages are spelled as in SILVA 138 or 138.1 (certainty 0.98 of 1). Of 412 different lineages, 66 bear a spelling that only SILVA "
        "writes and 1 one that only RDP writes.",
    ]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (
            {"name": "mixed", "flavour": "", "sure": 0.6, "marked": {"silva": 9, "gtdb": 6}, "lineages": 40},
            "mix the spellings of two databases",
        ),
        ({"name": "plain", "flavour": "", "sure": 0.0, "marked": {}, "lineages": 40}, "No spelling tells the database. Where"),
        (
            {"name": "plain", "flavour": "MetaPhlAn-like, names of NCBI", "marked": {}},
            r"the database \(MetaPhlAn-like, names of NCBI\)\. Where",
        ),
        (
            {"name": "greengenes", "flavour": "", "sure": 0.4, "marked": {}},
            "written in the style of Greengenes .certainty 0.40 of 1.*no spelling",
        ),
        ({"name": "gtdb", "flavour": "", "sure": 0.9, "marked": {"gtdb": 9}, "lineages": 1}, "spelled as in GTDB .certainty 0.90 of 1"),
    ],
)
def test_a_dialect_that_cannot_be_told_is_not_claimed(about: dict[str, Any], said: str) -> None:
    line = told(changed(dialect=about))[1]
    assert pd.Series([line]).str.contains(said, regex=True).all(), line


def test_the_tables_hold_rules_and_spellings_with_the_most_reads_first() -> None:
    found = tables(fake_results())
    assert [tuple(c.text for c in r.cells) for r in found["naming-rules"].rows] == [
        ("exact", "the spelling means this genus", "60%"),
        ("polyphyletic", "a bin that spans several genera", "30%"),
        ("unclassified", "no genus is called", "10%"),
    ]
    spelled = found["names"]
    assert spelled.interactive
    assert spelled.source == "cohort/taxonomy_audit.tsv"
    assert [r.cells[0].text for r in spelled.rows] == ["[Eubacterium]_hallii_group", "Lachnoclostridium", "Lachnospiraceae; uncultured"]
    assert spelled.rows[2].cells[-1].text == "no genus is called: 'uncultured' stands in its place"
    assert spelled.note == story.NO_PATHOGEN


def test_a_rule_that_the_page_does_not_know_is_shown_too() -> None:
    rows = tables(changed(rules={"exact": 0.9, "by moonlight": 0.1}))["naming-rules"].rows
    assert [r.cells[0].text for r in rows] == ["exact", "by moonlight"]


def test_of_many_spellings_those_with_the_most_reads_are_shown_and_the_rest_counted() -> None:
    results = fake_results()
    many = [
        {"spelling": f"Genus{i}", "rank": "genus", "share_of_reads": 1 / 700, "n_features": 1, "rule": "as spelled"} for i in range(700)
    ]
    found = tables(replace(results, tables={**results.tables, PLACE: table("taxonomy_audit", many)}))["names"]
    assert len(found.rows) == MOST == 500
    assert found.note == f"200 further spellings with fewer reads stand in cohort/taxonomy_audit.tsv. {story.NO_PATHOGEN}"


def test_without_lineages_the_reason_stands_there_and_without_the_table_nothing() -> None:
    results = fake_results()
    empty = table("taxonomy_audit", [], absent={"taxonomy_audit": "the cohort has no lineages"})
    section = names(replace(results, tables={**results.tables, PLACE: empty}))
    assert section is not None
    assert section.parts == (Note("absent", "No name was looked up: the cohort has no lineages."),)
    assert names(replace(results, tables={k: v for k, v in results.tables.items() if k != PLACE})) is None


def test_the_methods_text_names_dialect_and_share() -> None:
    page = build(fake_results())
    text = next(part for p in page.panels if p.key == "methods" for s in p.sections for part in s.parts if isinstance(part, Prose))
    assert (
        "Names of taxa, spelled as in SILVA 138 or 138.1, were brought to one spelling; 90% of the reads bear a genus."
        in text.paragraphs[0]
    )


def test_hostile_names_are_text_on_the_page() -> None:
    results = fake_results(hostile=True)
    spelled = tables(results)["names"]
    assert spelled.rows[0].cells[0].text == HOSTILE[0]
    page = render(build(results))
    assert HOSTILE[0] not in page
    assert "\\u003cscript\\u003ealert(1)" in page
