"""Dysbiosis: verdicts of samples against the declared controls, metric by metric, with what could not be said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gutdiv.model.results import FLAGS, VERDICTS, Interval, Results
from gutdiv.report import cells, charts, reading, shown, standing, story
from gutdiv.report.panels import indices, intervals
from gutdiv.report.parts import Cell, Column, DataTable, Detail, Figure, Note, Panel, Part, Prose, Row, Section, View
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import NONE, integer, listing, missing, name, number, p_value, percent, plural, sentence, signed, span

if TYPE_CHECKING:
    from collections.abc import Mapping

VERDICT, FLAG, STABLE = "dysbiosis/verdicts", "dysbiosis/flags", "dysbiosis/stability"
METADATA = 6  # columns of the metadata in the table of samples; each sample's own page has more
BARS = ("shannon", "sobs")  # metrics whose place in the interval stands in the table of samples, where they were measured


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title = "Dysbiosis"
    lead = (
        "How unusual each sample is among the controls that the study declared. Unusual is not ill: the word "
        "describes a place, not a cause."
    )
    found = reading.filled(results, VERDICT)
    if found is None and results.reference is None:
        return Panel(
            "dysbiosis", title, title, lead, absent="No sample was judged in these results: declare the study's controls with --controls."
        )
    sections = [s for s in (_verdicts(results), _places(results), intervals.section(results), indices.section(results)) if s is not None]
    return Panel("dysbiosis", title, title, lead, tuple(sections))


# ---------------------------------------------------------------- verdicts
def _verdicts(results: Results) -> Section | None:
    """Assemble the verdicts: counts, what is to be said beside them, every sample, and what the words mean."""
    found = reading.filled(results, VERDICT)
    if found is None:
        return None
    reason, values = reading.obstacle(results), standing.values_of(results)
    parts: list[Part] = [Note("absent", f"No sample was judged: {name(reason)}.")] if reason else []
    if reason and not _placed(results):
        return Section("verdicts", "Verdict of each sample", tuple(parts))
    counts = _counts(results)
    parts += [counts] if counts is not None else []
    parts += [Note("caution", sentence(name(n))) for n in reading.notes(found.record)]
    parts += standing.notes(results, values)
    seen = shown.thinned(results)
    parts += [Note("info", told)] if (told := shown.note(results)) else []
    parts.append(_sample_table(seen, [dict(r) for r in reading.rows(reading.table(seen, VERDICT))]))
    parts.append(Prose((standing.position(values) if reason else _reading_help(results, values),)))
    return Section("verdicts", "Verdict of each sample", tuple(parts), "" if reason else standing.text(results, values))


def _placed(results: Results) -> bool:
    """Whether any sample has a position among published groups."""
    return any(not missing(r.get("position_p")) for r in reading.rows(reading.table(results, VERDICT)))


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


def _sample_table(results: Results, verdicts: list[dict[str, Any]]) -> DataTable:
    """List every sample with its verdict, its place in the intervals, drivers and reason; opened, a row shows all its flags."""
    flags: dict[str, list[dict[str, Any]]] = {}
    for row in reading.rows(reading.table(results, FLAG)):
        flags.setdefault(str(row["sample_id"]), []).append(row)
    ends = {m: _ends(flags, m) for m in BARS}
    shown = [m for m in BARS if ends[m] != (None, None)]
    grouped, guilds = reading.groups(results), _guilds(results)
    spec: list[tuple[Column, Any]] = [
        (Column("Sample", "name"), lambda r: cells.text(r["sample_id"])),
        (Column("Page", "sample"), lambda r: Cell("Open", name(r["sample_id"]))),
        (Column("Verdict", "status", TERMS["verdict"], choose=True), lambda r: cells.status(r["verdict"], VERDICTS)),
    ]
    if grouped is not None:
        spec.append((Column(grouped.column, "name", choose=not grouped.numeric), lambda r: cells.text(grouped.of.get(str(r["sample_id"])))))
    told = "Whether the sample is one of the declared controls."
    spec += [
        (Column("Role", "text", told, choose=True), lambda r: Cell("control" if r["is_control"] else "sample")),
        cells.column("p", "p", cells.chance),
        cells.column("q", "q", cells.chance, help=TERMS["q-value"]),
        *_beside(results, verdicts),
    ]
    told = "Value, and where it stands in its reference interval."
    spec += [(Column(reading.metric(results, m).label, "span", told), _placer(flags, m, ends[m])) for m in shown]
    told = "Taxa farthest from the controls' median, with robust z: they describe, and explain nothing."
    spec.append((Column("Drivers, or why not assessed", "words", told), _why))
    if guilds:
        told = "Guilds of immune-relevant taxa far from the controls; only looked at where a sample is low, borderline or outside."
        spec.append((Column("Guilds", "text", told), lambda r: _counted(guilds.get(str(r["sample_id"]), {}))))
    spec += _metadata(results)
    verdicts.sort(key=lambda r: (_order(r["verdict"], VERDICTS), float("inf") if missing(r["p"]) else float(r["p"]), str(r["sample_id"])))
    rows = []
    for verdict in verdicts:
        sample = str(verdict["sample_id"])
        mine = {str(f["metric"]): f for f in flags.get(sample, ())}
        far = tuple(Detail(f"Guilds {state}", listing(names, limit=20)) for state, names in sorted(guilds.get(sample, {}).items()))
        rows.append(Row(tuple(write(verdict) for _, write in spec), (*_details(results, verdict, mine), *far)))
    columns = tuple(column for column, _ in spec)
    return DataTable("samples", "Samples, the most unusual first", columns, tuple(rows), "dysbiosis/verdicts.tsv", interactive=True)


def _placer(flags: Mapping[str, list[dict[str, Any]]], metric: str, ends: tuple[float | None, float | None]) -> Any:
    """Return how a metric's place in its interval is drawn."""
    return lambda r: _place(next((f for f in flags.get(str(r["sample_id"]), ()) if f["metric"] == metric), None), ends)


def _why(row: Mapping[str, Any]) -> Cell:
    """Write the first drivers, or why there is no verdict."""
    return cells.text(row["reason"] if missing(row["drivers"]) else _drivers(str(row["drivers"]), first=3))


def _counted(states: Mapping[str, list[str]]) -> Cell:
    """Count the guilds by state; sorts by how many are depleted."""
    told = ", ".join(f"{len(names)} {state}" for state, names in sorted(states.items()))
    return Cell(told, len(states.get("depleted", ()))) if told else Cell(NONE)


def _beside(results: Results, verdicts: list[dict[str, Any]]) -> list[tuple[Column, Any]]:
    """Return further columns, each where the results hold it: position or second opinion, and stability."""
    found: list[tuple[Column, Any]] = []
    if all(missing(r["p"]) for r in verdicts) and any(not missing(r.get("position_p")) for r in verdicts):
        found.append(cells.column("Position p", "position_p", cells.chance, help="Place among published healthy groups: no verdict."))
    if any(not missing(r.get("second_verdict")) for r in verdicts):
        told = "By published groups aligned to this study by its controls."
        found.append(
            (Column("Second opinion", "status", told, choose=True), lambda r: cells.status(r.get("second_verdict"), VERDICTS))
        )
    kept = {str(r["sample_id"]): r for r in reading.rows(reading.table(results, STABLE))}
    if kept:
        told = "Share of rarefaction draws, and of resamplings of the controls, in which the verdict stays; only looked at where p is up to 0.20."
        found.append((Column("Stays in", "text", told), lambda r: _stays(kept.get(str(r["sample_id"])))))
    return found


def _stays(row: Mapping[str, Any] | None) -> Cell:
    """Write how often a verdict stays."""
    return Cell(NONE) if row is None else Cell(f"{percent(row['draws_same'])}, {percent(row['bootstraps_same'])}", float(row["bootstraps_same"]))


def _guilds(results: Results) -> dict[str, dict[str, list[str]]]:
    """Name the guilds that are depleted or enriched, by sample and state."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in reading.rows(reading.table(results, "immune/samples")):
        if row["level"] == "guild":
            found.setdefault(str(row["sample_id"]), {}).setdefault(str(row["state"]), []).append(name(row["name"], limit=40))
    return found


def _metadata(results: Results) -> list[tuple[Column, Any]]:
    """Return columns of the metadata to filter by, but the group's."""
    metadata, grouped = results.metadata, reading.groups(results)
    if metadata is None:
        return []
    place = {s: i for i, s in enumerate(metadata.ids)}
    names = [c for c in metadata.columns if grouped is None or c != grouped.column][:METADATA]
    return [(Column(name(c, limit=40), "name", choose=metadata.kinds[c] != "numeric"), _metadatum(metadata.columns[c], place)) for c in names]


def _metadatum(column: tuple[str | None, ...], place: Mapping[str, int]) -> Any:
    """Return how a sample's cell of the metadata is written."""
    return lambda r: cells.text(column[place[str(r["sample_id"])]] if str(r["sample_id"]) in place else None)


def _drivers(text: str, *, first: int | None = None) -> str:
    """Word the drivers, which the table holds as a JSON list of taxa and robust z; anything else is shown as it stands."""
    try:
        pairs = [(str(taxon), float(z)) for taxon, z in json.loads(text)]
    except (ValueError, TypeError):
        return text
    return ", ".join(f"{name(taxon, limit=40)} {signed(z, 1)}" for taxon, z in pairs[:first])


def _order(word: Any, order: tuple[str, ...]) -> int:
    """Return a word's place in an order, unknown words last."""
    return order.index(word) if word in order else len(order)


def _ends(flags: Mapping[str, list[dict[str, Any]]], metric: str) -> tuple[float | None, float | None]:
    """Return the ends of the axis on which a metric's range bars are drawn: all values and limits fit in."""
    values = [
        float(f[k]) for fs in flags.values() for f in fs if f["metric"] == metric for k in ("value", "lower", "upper") if not missing(f[k])
    ]
    return (min(values), max(values)) if values else (None, None)


def _place(flag: Mapping[str, Any] | None, ends: tuple[float | None, float | None]) -> Cell:
    """Draw one metric's place in its interval."""
    return Cell(NONE) if flag is None else cells.bar(flag["value"], (flag["lower"], flag["upper"]), ends)


def _details(results: Results, verdict: Mapping[str, Any], flags: Mapping[str, Mapping[str, Any]]) -> tuple[Detail, ...]:
    """Tell what stands behind a verdict: the three components and the flag of each metric."""
    parts = [("diversity", "rank_diversity"), ("neighbours", "rank_neighbours"), ("composition", "rank_composition")]
    ranks = [f"{word} {p_value(verdict[key])}" for word, key in parts if not missing(verdict[key])]
    details = [Detail("Share of controls at least as unusual", listing(ranks))] if ranks else []
    for key, flag in flags.items():
        label = reading.metric(results, key).axis
        if missing(flag["value"]) or missing(flag["flag"]) or not missing(flag["reason"]):
            value = "" if missing(flag["value"]) else f"{number(flag['value'])}, "
            details.append(Detail(label, f"{value}{name(flag['flag'])}: {name(flag['reason'])}".rstrip(": ")))
        else:
            ends = [f"{w} {number(flag[k])}" for w, k in (("from", "lower"), ("to", "upper")) if not missing(flag[k])]
            details.append(Detail(label, f"{number(flag['value'])}, {name(flag['flag'])} (reference interval {' '.join(ends)})"))
    if not missing(verdict["drivers"]):
        details.append(Detail("Farthest from the controls' median (robust z)", _drivers(str(verdict["drivers"]))))
    if not missing(verdict["n_reference"]) and int(verdict["n_reference"]):
        details.append(Detail("Judged against", plural(verdict["n_reference"], "control")))
    return tuple(details)


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
