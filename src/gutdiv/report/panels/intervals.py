"""Reference intervals of the controls: diversity, and apart from it taxa and guilds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gutdiv.report import cells, reading, standing
from gutdiv.report.parts import Column, Detail, Glossary, Note, Part, Section
from gutdiv.report.wording import listing, name, plural, quoted, sentence, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.results import Interval, Results
    from gutdiv.report.parts import DataTable

TAXON, GUILD, FB = "clr:", "guild:", "log2_fb"
REASONS = 3  # that are told one by one
NOTE = "Valid for samples processed like these controls: another region, pipeline, database or depth gives other numbers for the same gut."


def section(results: Results) -> Section | None:
    """List the intervals with the uncertainty of their limits, and those that are absent with the reason."""
    reference = results.reference
    if reference is None:
        return None
    present = [i for i in reference.intervals if has_limit(i)]
    diversity, taxa = [i for i in present if not _of_taxa(i)], [i for i in present if _of_taxa(i)]
    parts: list[Part] = []
    if diversity:
        parts.append(_table(results, "intervals", "2.5th to 97.5th percentile of the controls", diversity, NOTE))
    if taxa:
        note = (
            "Genera as centred log-ratios, guilds as log-ratios to all other reads. Without a lower limit a sample cannot be low: it lacks the taxon, as that "
            "share of the controls does. The ratio of Firmicutes to Bacteroidetes is shown only and takes no part in a verdict."
        )
        parts.append(_table(results, "intervals-taxa", "Intervals of immune-relevant genera and guilds", taxa, note))
    gone: dict[str, list[str]] = {}
    for interval in reference.intervals:
        if interval.absent:
            gone.setdefault(interval.absent, []).append(_label(results, interval))
    parts += _absent(gone)
    lead = (
        f"{plural(reference.n_subjects, 'person', many='people')} ({plural(reference.n_samples, 'sample')}) declared as "
        f"{quoted(reference.declared)}, one sample each, where it has enough reads. {standing.called(reference)}"
    )
    return Section("intervals", "Reference intervals", tuple(parts), lead) if parts else None


def _absent(gone: dict[str, list[str]]) -> list[Part]:
    """Say what has no interval and why; many reasons are folded."""
    if len(gone) <= REASONS:
        return [Note("absent", f"No interval for {listing(labels, limit=12)}: {sentence(name(why))}") for why, labels in gone.items()]
    title = f"No interval for {plural(sum(map(len, gone.values())), 'metric, taxon or guild', many='metrics, taxa and guilds')}, and why"
    return [Glossary(title, tuple(Detail(listing(labels, limit=12), sentence(name(why))) for why, labels in gone.items()))]


def key(interval: Interval) -> str:
    """Name an interval's metric with its level."""
    return reading.at_level({"metric": interval.metric, "level": interval.level})


def has_limit(interval: Interval) -> bool:
    """Whether an interval has at least one limit."""
    return interval.lower is not None or interval.upper is not None


def _of_taxa(interval: Interval) -> bool:
    """Whether an interval is of a taxon or guild and not of diversity."""
    return interval.metric.startswith((TAXON, GUILD)) or interval.metric == FB


def _label(results: Results, interval: Interval) -> str:
    """Name what an interval is of."""
    if interval.metric == FB:
        return "log2 Firmicutes to Bacteroidetes (shown only)"
    for prefix in (TAXON, GUILD):
        if interval.metric.startswith(prefix):
            return name(interval.metric.removeprefix(prefix), limit=80)
    return reading.metric(results, key(interval)).axis


def _table(results: Results, word: str, caption: str, intervals: Sequence[Interval], note: str) -> DataTable:
    """List intervals; those of taxa say how many controls lack the taxon."""
    taxa = any(_of_taxa(i) for i in intervals)
    levels = [(Column("Level", choose=True), lambda r: cells.text(r["i"].level))] if taxa else []
    lacking = [(Column("Controls without", "number"), lambda r: cells.share(r["i"].undetected))] if taxa else []
    apart, said = _made(intervals)
    spec = (
        (Column("Taxon or guild" if taxa else "Metric", "taxon" if taxa else "text"), lambda r: cells.text(_label(results, r["i"]))),
        *levels,
        (Column("Lower limit", "number"), lambda r: cells.real(r["i"].lower)),
        (Column("90% CI", "number"), lambda r: cells.between(*(r["i"].lower_ci or (None, None)))),
        (Column("Median", "number"), lambda r: cells.real(r["i"].median)),
        (Column("Upper limit", "number"), lambda r: cells.real(r["i"].upper)),
        (Column("90% CI", "number"), lambda r: cells.between(*(r["i"].upper_ci or (None, None)))),
        *lacking,
        *apart,
    )
    rows = [{"i": i} for i in intervals]
    return cells.build(word, caption, spec, rows, source="reference/reference.json", note=" ".join([*said, note]), interactive=taxa)


def _made(intervals: Sequence[Interval]) -> tuple[cells.Spec, list[str]]:
    """Return columns of how many controls an interval is of, at which depth and by which method; what all share is said instead."""
    spec: cells.Spec = (
        (Column("Controls", "number"), lambda r: cells.count(r["i"].n)),
        (Column("Depth", "number"), lambda r: cells.count(r["i"].depth)),
        (Column("Method"), lambda r: cells.text(tidy(r["i"].method or ""))),
    )
    texts = [{write({"i": i}).text for i in intervals} for _, write in spec]
    said = [f"{column.label}: {text}{' reads' * (column.label == 'Depth')}." for (column, _), (text, *more) in zip(spec, texts, strict=True) if not more]
    return tuple(one for one, shared in zip(spec, texts, strict=True) if len(shared) > 1), said
