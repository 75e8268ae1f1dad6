"""Dysbiosis: verdicts of samples against the declared controls, metric by metric, with what could not be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.model.results import FLAGS, VERDICTS, Interval, Results
from gutdiv.report import cells, charts, reading, shown, standing, story
from gutdiv.report.panels import indices, intervals, samples
from gutdiv.report.parts import Column, Figure, Note, Panel, Part, Prose, Section, View
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import integer, listing, missing, name, plural, sentence, span

if TYPE_CHECKING:
    from collections.abc import Mapping

VERDICT, FLAG = "dysbiosis/verdicts", "dysbiosis/flags"


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title = "Dysbiosis"
    lead = (
        "How unusual each sample is among the controls that the study declared. Unusual is not ill: the word "
        "describes a place, not a cause."
    )
    found = reading.filled(results, VERDICT)
    listed = samples.section(results)
    if found is None and results.reference is None:
        why = "No sample was judged in these results: declare the study's controls with --controls."
        return Panel("dysbiosis", title, title, lead, () if listed is None else (listed,), why)
    sections = [s for s in (_verdicts(results), listed, _places(results), intervals.section(results), indices.section(results)) if s is not None]
    return Panel("dysbiosis", title, title, lead, tuple(sections))


# ---------------------------------------------------------------- verdicts
def _verdicts(results: Results) -> Section | None:
    """Assemble the verdicts: counts, what is to be said beside them, and what the words mean."""
    found = reading.filled(results, VERDICT)
    if found is None:
        return None
    reason, values = reading.obstacle(results), standing.values_of(results)
    parts: list[Part] = [Note("absent", f"No sample was judged: {name(reason)}.")] if reason else []
    if reason and not samples.placed(results):
        return Section("verdicts", "Verdict of each sample", tuple(parts))
    counts = _counts(results)
    parts += [counts] if counts is not None else []
    parts += [Note("caution", sentence(name(n))) for n in reading.notes(found.record)]
    parts += standing.notes(results, values)
    parts.append(Prose((standing.position(values) if reason else _reading_help(results, values),)))
    return Section("verdicts", "Verdict of each sample", tuple(parts), "" if reason else standing.text(results, values))


def _counts(results: Results) -> Figure | None:
    """Show verdict counts of controls and others."""
    summary = story.verdict_summary(results)
    if summary is None or not summary.bars:
        return None
    rows = [(bar.who, dict(bar.counts)) for bar in summary.bars]
    data, layout = charts.verdict_bars(rows)
    spec = (
        cells.column("Samples", "who", cells.text),
        *((Column(v, "number", story.VERDICT_MEANING[v]), _counter(v)) for v in VERDICTS),
        cells.column("all", "total", cells.count),
    )
    listed = [{"who": b.who, "total": b.total, **dict(b.counts)} for b in summary.bars]
    numbers = cells.build("verdict-counts", "Samples by verdict", spec, listed, source="dysbiosis/verdicts.tsv")
    alt = f"Stacked bars of verdict counts. {' '.join(summary.remarks)}"
    view = View(
        "counts",
        "Counts",
        summary.headline,
        f"{summary.headline} {alt}",
        data,
        layout,
        numbers,
        " ".join(summary.remarks),
        {},
        int(layout["height"]),
    )
    return Figure("verdict-counts", (view,))


def _counter(verdict: str) -> Any:
    """Return how a count of this verdict is written."""
    return lambda row: cells.count(row.get(verdict))


def _reading_help(results: Results, values: Mapping[str, Any]) -> str:
    """Say how to read the table, and what it cannot say."""
    made = (
        "p is the share of controls, the sample counted with them, that are at least as unusual in diversity, nearest neighbours and composition together"
        if values.get("tier") == "in-study"
        else "p is how often a person like the controls would be as unusual in diversity, composition and the balance of inflamed guts together, by "
        "what published healthy groups have in common and this study's controls say of it"
    )
    return (
        f"{made}; q corrects it over all samples, controls apart. The drivers are the taxa that lie farthest from the "
        "controls' median; they describe the sample and explain nothing, and a genus that holds pathogens is named as the table names it: "
        "no pathogen is reported. High diversity is never counted as unusual. A sample is not judged against samples of its own subject. "
        f"{standing.called(results.reference)}{standing.levels(values)}"
    )


# ---------------------------------------------------------------- places in the intervals
def _places(results: Results) -> Section | None:
    """Show all samples of each metric over its reference interval."""
    by_metric: dict[str, list[dict[str, Any]]] = {}
    for row in reading.rows(reading.table(results, FLAG)):
        if not missing(row["value"]):
            by_metric.setdefault(str(row["metric"]), []).append(row)
    made = {intervals.key(i): i for i in results.reference.intervals} if results.reference is not None else {}
    views = tuple(_strip(results, m, rows, made[m]) for m, rows in by_metric.items() if m in made and intervals.has_limit(made[m]))
    if not views:
        return None
    lead = (
        "The field is the reference interval of the controls, its darker edges the uncertainty of the limits. "
        "With several metrics, some flags are expected in anyone."
    )
    return Section("places", "Metric by metric", (Figure("places", views, "Metric"),), lead)


def _strip(results: Results, key: str, rows: list[dict[str, Any]], interval: Interval) -> View:
    """Show one metric's samples over its interval, by group, or controls and others where there is none."""
    metric, grouped = reading.metric(results, key), reading.groups(results)
    if grouped is not None and not grouped.numeric:
        labels, of = grouped.labels, grouped.of
    else:
        controls = {str(r["sample_id"]) for r in reading.rows(reading.table(results, VERDICT)) if r["is_control"]}
        labels, of = ("controls", "samples"), {str(r["sample_id"]): "controls" if r["sample_id"] in controls else "samples" for r in rows}
    drawn = shown.some(results, rows)
    lines = [(label, [(r["sample_id"], r["value"], r["flag"]) for r in drawn if of.get(str(r["sample_id"])) == label]) for label in labels]
    bands = [pair for pair in (interval.lower_ci, interval.upper_ci) if pair is not None]
    data, layout = charts.strips(lines, title=metric.axis, limits=(interval.lower, interval.upper), bands=bands, median=interval.median)
    tally = {f: sum(1 for r in rows if r["flag"] == f) for f in FLAGS}
    told = listing([f"{n:,} {flag}" for flag, n in tally.items() if n])
    title = f"{metric.label}: {told}"
    spec = (
        cells.column("Sample", "sample_id", cells.text, kind="name"),
        (Column("Group", "name"), lambda r: cells.text(of.get(str(r["sample_id"])))),
        cells.column(metric.axis, "value", cells.real),
        (Column("Flag", "status", TERMS["flag"], choose=True), lambda r: cells.status(r["flag"], FLAGS)),
    )
    numbers = cells.build(
        f"places-{key}", f"{metric.label} of each sample and its flag", spec, drawn, source="dysbiosis/flags.tsv", interactive=True
    )
    limits = (
        f"Reference interval {span(interval.lower, interval.upper)}"
        if interval.lower is not None and interval.upper is not None
        else "One limit only"
    )
    subtitle = f"{limits}, from {plural(interval.n, 'control')} at {integer(interval.depth)} reads"
    alt = f"Strip plot over the reference interval; {told}."
    return View(key, metric.label, title, f"{title}. {alt}", data, layout, numbers, subtitle, charts.narrow(labels), int(layout["height"]))
