"""How the inputs were taken in: the mode of the table, what filters took, what lineages were left in, and what readers decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, reading, unreadable
from gutdiv.report.parts import Link, Note, Part, Prose, Sentence, Sentences
from gutdiv.report.wording import integer, listing, name, number, percent, plural, sentence, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gutdiv.model.results import Results

# What each filter does, in the order in which they are applied; words of `cohort.filters.Filters`.
FILTERS = {
    "blanks": "contaminants by negative controls, and the controls",
    "replicates": "technical replicates summed into one sample",
    "exclude": "features by lineage",
    "missing_tips": "features without a tip in the tree",
    "min_feature_reads": "features with few reads",
    "min_prevalence": "features found in few samples",
    "min_reads": "samples with few reads",
    "one_per_subject": "further samples of a subject",
}
_LINEAGES = {
    "chloroplast": "chloroplasts",
    "mitochondria": "mitochondria",
    "nonbacterial": "eukaryotes and viruses",
    "archaea": "archaea",
    "unassigned": "features without any name",
}

_ELSEWHERE = (
    "Samples of another body site make diversity, groups and verdicts misleading. Leave them out of the table and the metadata, or declare what they are "
    "with --specimen."
)
_OTHER_AGE = (
    "Diversity and composition go with age, so that groups and verdicts of mixed ages mislead. Leave these samples out of the table and the metadata, hold "
    "the age constant, or declare what they are with --age-band."
)


def alerts(results: Results) -> Iterator[Note]:
    """Say which results cannot be read, that the table is no table of reads as sequenced, and which samples are not called what was declared."""
    yield from unreadable.alerts(results)
    if results.cohort.get("mode") == "rarefied":
        text = f"The table was rarefied before: every sample came with {integer((results.cohort.get('depth') or {}).get('max'))} reads at most."
        yield Note("caution", text, "Coverage and depth as sequenced are unknown here. Supply the table from before, where there is one.")
    for found in results.cohort.get("specimen_conflicts") or ():
        columns = [name(c, limit=40) for c in found["columns"]]
        words = listing([f"{name(w, limit=40)} ({integer(n)})" for w, n in found["words"]], limit=4)
        said = f"column {columns[0]} calls" if len(columns) == 1 else f"columns {listing(columns, limit=4)} call"
        count = f"{plural(found['samples'], 'sample')} of {integer(results.cohort.get('n_samples'))}"
        declared = name(reading.roles(results).get("specimen"), limit=40)
        text = f"The specimen was declared as {declared}, but the {said} {count} something else: {words}."
        yield Note("alert", text, _ELSEWHERE, Link("Inputs and steps", "#methods-inputs"))
    yield from _other_ages(results)


def _other_ages(results: Results) -> Iterator[Note]:
    """Say which ages lie outside the declared band."""
    for found in results.cohort.get("age_conflicts") or ():
        declared = name(reading.roles(results).get("age_band"), limit=40)
        ends = span(found["low"], found["high"]) if found["low"] < found["high"] else number(found["low"])
        unit = "years" if found.get("told") else "if it is in years"
        text = (
            f"The age was declared as {declared}, but column {name(found['column'], limit=40)} holds another age of {integer(found['samples'])} of "
            f"{plural(found['known'], 'sample')} with one ({ends}, {unit})."
        )
        yield Note("alert", text, _OTHER_AGE, Link("Inputs and steps", "#methods-inputs"))


def parts(results: Results) -> Iterator[Part]:
    """List what filters took, what they would take, and what readers decided; nothing where there is nothing."""
    taken = list(results.cohort.get("filters") or ())
    if taken:
        yield cells.build("filters", "Filters, in the order applied", _TAKEN, taken, source="cohort/cohort.json", note=_LISTED)
    left = [r for r in results.cohort.get("excludable") or () if r.get("features")]
    if left:
        caption = "Features that --exclude can leave out by their lineage"
        yield cells.build("excludable", caption, _EXCLUDABLE, left, source="cohort/cohort.json")
    said = tuple(Sentence(sentence(name(n, limit=400))) for n in results.cohort.get("notes") or ())
    if said:
        yield Prose(("When the files were read, this was found and decided:",))
        yield Sentences(said)


def whole_counts(results: Results) -> str:
    """Say what counts are that were not rarefied here."""
    before = results.cohort.get("mode") == "rarefied"
    return "the counts of the table, which had been rarefied before" if before else "the counts as sequenced, not rarefied"


def for_paper(results: Results) -> str:
    """Tell mode and filters in sentences of the methods; empty where there is nothing to tell."""
    told = []
    if results.cohort.get("mode") == "rarefied":
        told.append("The table had been rarefied before.")
    taken = [
        f"{FILTERS.get(str(f.get('filter')), name(f.get('filter')))} ({_option(f)}; {percent(f.get('share_of_reads'))} of the reads)"
        for f in results.cohort.get("filters") or ()
    ]
    if taken:
        told.append(f"Filters took, in this order: {listing(taken, limit=len(taken))}.")
    roots = [n for n in results.cohort.get("notes") or () if "midpoint" in str(n)]
    return " ".join([*told, *(sentence(name(n, limit=200)) for n in roots)])


def _option(row: Mapping[str, Any]) -> str:
    """Write a filter as its option."""
    return f"--{name(row.get('filter')).replace('_', '-')} {name(row.get('option'), limit=80)}"


_LISTED = "Every id stands in cohort/alignment.tsv with its reason."
_TAKEN = (
    cells.column("Filter", "filter", lambda v: cells.text(FILTERS.get(str(v), v))),
    cells.column("Option", "option", cells.text, kind="name"),
    cells.column("Features", "features", cells.count),
    cells.column("Samples", "samples", cells.count),
    cells.column("Reads", "reads", cells.count),
    cells.column("Share of reads", "share_of_reads", cells.share),
)
_EXCLUDABLE = (
    cells.column("Lineage", "what", lambda v: cells.text(_LINEAGES.get(str(v), v)), kind="text"),
    cells.column("Features", "features", cells.count),
    cells.column("Reads", "reads", cells.count),
    cells.column("Share of reads", "share_of_reads", cells.share),
    cells.column("Here", "excluded", lambda v: cells.text("left out" if v else "kept")),
)
