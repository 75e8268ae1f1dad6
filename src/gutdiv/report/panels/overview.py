"""The first screen: what was analysed, the verdict in numbers, the findings that matter, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gutdiv.report import cells, intake, reading, story
from gutdiv.report.parts import Column, DataTable, Detail, Fact, Facts, Glossary, Link, Note, Panel, Part, Section, Sentences
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import integer, listing, missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gutdiv.model.results import Results

FINDINGS = 3  # that are seen at once; the others are one click away
RESEARCH_USE = "For research use only. This page describes samples relative to each other and to declared controls; it diagnoses nobody."


def build(results: Results) -> Panel:
    """Assemble the panel."""
    alerts = Section("alerts", "", tuple(_alerts(results)))
    first: list[Part] = []
    verdict = story.verdict_summary(results)
    if verdict is not None:
        first.append(verdict)
    outstanding = story.outstanding(results)
    if outstanding:
        first.append(Sentences(outstanding[:FINDINGS]))
    if outstanding[FINDINGS:]:
        first.append(Sentences(outstanding[FINDINGS:], title=plural(len(outstanding) - FINDINGS, "more finding")))
    first += story.of_taxa(outstanding)
    stands_out = Section(
        "stands-out", "What stands out", tuple(first) or (Note("absent", "No groups were compared and no sample was judged."),)
    )
    lost: list[Part] = [_fallen(results) or Note("info", "Table, taxonomy, tree and metadata fit each other: nothing fell out when they were read.")]
    if below := _below(results):
        text = f"{plural(len(below), 'sample')} have fewer reads than the common depth: they have no diversity, no distances and no verdict."
        lost.append(Note("info", text, "Their ids stand in diversity/alpha.json.", Link("Depth", "#diversity-depth")))
    terms = Glossary("What the words mean", tuple(Detail(k, v) for k, v in TERMS.items()))
    sections = [
        Section("studied", "", (Facts(_facts(results)),)),
        alerts,
        stands_out,
        Section("fallen", "What did not fit", (*lost, *intake.parts(results), terms)),
    ]
    return Panel("overview", "Overview", name(results.name, limit=160), RESEARCH_USE, tuple(s for s in sections if s.parts))


def _facts(results: Results) -> tuple[Fact, ...]:
    """List the numbers that introduce the study."""
    cohort, roles = results.cohort, reading.roles(results)
    depth = cohort.get("depth") or {}
    facts = [
        Fact("Samples", integer(cohort.get("n_samples")), _people(results)),
        Fact("Features", integer(cohort.get("n_features")), "with a tree" if cohort.get("has_tree") else "no tree"),
        Fact(
            "Reads",
            integer(cohort.get("n_reads")),
            f"median {integer(depth.get('median'))} per sample, {integer(depth.get('min'))} to {integer(depth.get('max'))}",
        ),
    ]
    chosen = reading.depth(results)
    below = len(_below(results))
    kept = f", which {integer(int(cohort.get('n_samples') or 0) - below)} of {plural(cohort.get('n_samples'), 'sample')} have" if below else ""
    facts.append(
        Fact("Compared at", integer(chosen) if chosen else "full depth", f"reads per sample{kept}" if chosen else "samples were not rarefied")
    )
    if "specimen" in roles or "age_band" in roles:
        age = f"{name(roles['age_band'], limit=40)}, " if "age_band" in roles else ""
        facts.append(Fact("Specimen", name(roles.get("specimen"), limit=40) or "not declared", f"{age}as declared"))
    grouped = reading.groups(results)
    if grouped is not None:
        what = (
            "along a scale" if grouped.numeric else listing([name(g, limit=24) for g in grouped.labels if g != reading.NO_GROUP], limit=3)
        )
        facts.append(Fact("Groups", name(grouped.column, limit=30), what))
    return tuple(facts)


def _below(results: Results) -> tuple[str, ...]:
    """Return the samples with fewer reads than all are compared at."""
    return tuple(reading.record(results, "diversity/alpha").get("below_depth") or ())


def _people(results: Results) -> str:
    """Say from how many subjects the samples are, where a column says so."""
    column = str(reading.roles(results).get("subject", ""))
    if results.metadata is None or column not in results.metadata.columns:
        return "each taken as one subject"
    return f"from {plural(len({c for c in results.metadata.columns[column] if not missing(c)}), 'subject')}"


_PARTS = {"metadata": "metadata row", "taxonomy": "lineage", "tip": "tip of the tree"}
_OUTCOMES = {"kept": "kept, incomplete"}


def _fallen(results: Results) -> DataTable | None:
    """List what fell out or stayed incomplete, with the reason."""
    listed = reading.fallen(results)
    if not listed:
        return None
    spec = (
        (Column("Part"), lambda r: cells.text(_PARTS.get(str(r.get("part")), r.get("part")))),
        (Column("What happened"), lambda r: cells.text(_OUTCOMES.get(str(r.get("outcome")), r.get("outcome")))),
        cells.column("Reason", "reason", cells.text),
        cells.column("Count", "count", cells.count),
    )
    return cells.build(
        "fallen",
        "Dropped, or kept incomplete, with the reason",
        spec,
        listed,
        source="cohort/alignment.tsv",
        note="Every id stands in cohort/alignment.tsv.",
    )


_BATCH = "Another depth does not mend this. A column that names the batch can be held constant: put it into --formula and --covariate."


def _alerts(results: Results) -> Iterator[Note]:
    """Say what is wrong and what to do about it; nothing where nothing is."""
    yield from intake.alerts(results)
    for entry in reading.fallen(results):
        if entry.get("part") == "sample" and entry.get("outcome") == "dropped":
            text = f"{plural(entry.get('count'), 'sample')} fell out: {name(entry.get('reason'), limit=200)}."
            yield Note("caution", text, "Their ids stand in cohort/alignment.tsv.", Link("What did not fit", "#overview-fallen"))
    for warning in reading.depth_warnings(results):
        action = _BATCH if warning in reading.beyond_depth(results) else "The table of depths shows what each depth keeps; --depth chooses another."
        yield Note("alert", warning, action, Link("Depth", "#diversity-depth"))
    reason = reading.obstacle(results)
    if reason:
        yield Note("alert", f"No sample was judged: {name(reason)}.", _judge(results), Link("Dysbiosis", "#dysbiosis"))
    if reading.groups(results) is None:
        text = "No group column was declared, so nothing was compared between groups."
        yield Note("info", text, "Name the column with --group, or in the cohort sheet.")


def _judge(results: Results) -> str:
    """Say how samples can be judged."""
    if results.reference is None:
        return (
            "Declare which samples are the controls, for example --controls 'group == \"control\"', and run "
            "again: only the later steps are repeated."
        )
    return "The reference needs more controls of this study, sequenced and processed as the other samples were."
