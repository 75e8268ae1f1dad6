"""One page over several cohorts: of each what was analysed, the verdict in numbers, what stands out, and the way to its report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from gutdiv.report import cells, contrasts, reading, standing, story, unreadable
from gutdiv.report.parts import Cell, Column, DataTable, Fact, Facts, Link, Note, Page, Panel, Part, Section, Sentence, Sentences
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import integer, name, number, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Results

# What an index reads of a cohort's results.
PLACES = (
    *("diversity/alpha", "dysbiosis/verdicts", "comparison/alpha", "comparison/permanova/*", "comparison/dispersion/*", "comparison/abundance"),
    "comparison/model",
    "immune/links",
)
FOREMOST = 3  # findings of each cohort
LEAD = "For research use only. Each cohort was analysed on its own; numbers of two cohorts are comparable only where specimens and laboratories were the same."


def build(cohorts: Sequence[tuple[str, Results]]) -> Page:
    """Assemble the page of all cohorts, in the order given.

    Parameters
    ----------
    cohorts : sequence of (str, Results)
        Where each cohort's report lies, as a path from the index, and its results.
    """
    cohorts = [(place, contrasts.alike(results)) for place, results in cohorts]
    sections = [Section("all", "All cohorts", (_table(cohorts),))]
    sections += [_cohort(i, place, results) for i, (place, results) in enumerate(cohorts)]
    version = next((str(r.cohort.get("gutdiv_version", "")) for _, r in cohorts), "")
    subtitle = plural(len(cohorts), "cohort")
    return Page("Cohorts", subtitle, version, (Panel("cohorts", "Cohorts", subtitle, LEAD, tuple(sections)),))


def _values(results: Results) -> Mapping[str, object]:
    """Return what the record says of the verdicts, empty where no sample was judged."""
    return {} if reading.obstacle(results) else standing.values_of(results)


def _table(cohorts: Sequence[tuple[str, Results]]) -> DataTable:
    """List the cohorts with their numbers."""
    spec = (
        (Column("Cohort", "name"), lambda r: cells.text(r["results"].name)),
        (Column("Samples", "number"), lambda r: cells.count(r["results"].cohort.get("n_samples"))),
        (Column("Compared at", "number", "Reads per sample."), lambda r: cells.count(reading.depth(r["results"]))),
        (Column("Tier", "text", TERMS["tier"], choose=True), lambda r: cells.text(r["values"].get("tier") or "none")),
        (Column("Assessed", "number"), lambda r: cells.count(r["values"].get("n_assessable"))),
        (Column("Outside", "number"), lambda r: cells.count((r["values"].get("others") or {}).get("outside", 0) if r["values"] else None)),
        (Column("By chance", "number", "Samples that would lie outside if all were like the controls."), _expected),
    )
    rows = [{"results": r, "values": _values(r)} for _, r in cohorts]
    return cells.build("cohorts", "Cohorts and their verdicts", spec, rows, source="dysbiosis/verdicts.json of each cohort", interactive=True)


def _expected(row: Mapping[str, object]) -> Cell:
    """Write how many are expected outside by chance."""
    values = row["values"]
    assert isinstance(values, dict)
    expected = standing.expected(values)
    return Cell(number(expected, digits=2), expected)


def _cohort(index: int, place: str, results: Results) -> Section:
    """Tell of one cohort, with the way to its report."""
    address = quote(place)
    summary = story.verdict_summary(results)
    parts: list[Part] = [
        *unreadable.alerts(results),
        Facts((Fact("Samples", integer(results.cohort.get("n_samples"))), Fact("Features", integer(results.cohort.get("n_features"))))),
    ]
    parts.append(summary if summary is not None else Note("absent", f"No sample was judged: {name(reading.obstacle(results) or 'not asked for')}."))
    found = story.outstanding(results)[:FOREMOST]
    there = (_there(s, address) for s in found)
    parts += [Sentences((*there, Sentence("The whole report of this cohort.", "none", Link("Open", address)))), *story.of_taxa(found)]
    return Section(f"c{index}", name(results.name, limit=120), tuple(parts))


def _there(sentence: Sentence, address: str) -> Sentence:
    """Let a finding lead into the cohort's report."""
    return sentence if sentence.link is None else replace(sentence, link=Link(sentence.link.text, address + sentence.link.href))
