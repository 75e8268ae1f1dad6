"""Over time: trajectories of subjects by group, how far each moved from its own baseline, and the tests of change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, contrasts, group_tests, paths, reading, story
from gutdiv.report.charts import narrow
from gutdiv.report.parts import Column, DataTable, Figure, Note, Panel, Part, Section, Sentence, Sentences, View
from gutdiv.report.wording import integer, listing, missing, name, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Results

TESTS, TRAJECTORIES = "comparison/longitudinal/tests", "comparison/longitudinal/trajectories"
ALL = "all subjects"


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title, lead = "Over time", "How subjects change between their samples. Samples of one subject are never counted as independent."
    parts: list[Part] = [p for p in (_figure(results),) if p is not None]
    rows = list(reading.rows(reading.filled(results, TESTS)))
    if not rows and not parts:
        return Panel("longitudinal", "Over time", title, lead, absent=_why(results))
    parts += _standing(results)
    if rows:
        parts.append(_table(results, rows))
        parts += [Note("info", told)] if (told := contrasts.remark(results, TESTS)) else []
    parts += absences.notes(results, *(reading.record(results, place) for place in (TESTS, TRAJECTORIES)))
    return Panel("longitudinal", "Over time", title, lead, (Section("change", "Change within subjects", tuple(parts)),))


def tested(results: Results) -> list[dict[str, Any]]:
    """Return the tests that gave a p-value."""
    return [r for r in reading.rows(reading.table(results, TESTS)) if not missing(r["p"])]


def _why(results: Results) -> str:
    """Say why there is nothing to show."""
    reasons = listing([name(why, limit=300).rstrip(".") for why in absences.reasons(results, TESTS)], limit=3)
    if reasons:
        return f"Change over time was not assessed: {reasons}."
    roles = reading.roles(results)
    lacking = [f"no column of {what}" for what, role in (("subjects", "subject"), ("times", "time")) if role not in roles]
    return f"Change over time was not assessed{': ' + listing(lacking) + ' was declared' if lacking else ' in these results'}."


def _standing(results: Results) -> list[Part]:
    """Say what the records note and what was left out."""
    about = reading.record(results, TESTS)
    lines = [sentence(name(n, limit=600)) for n in reading.notes(about)]
    left_out = [f"{integer(n)} with {name(why, limit=120)}" for why, n in sorted((about.get("dropped") or {}).items())]
    lines += [f"Samples left out: {listing(left_out)}."] if left_out else []
    return [Sentences(tuple(Sentence(line) for line in lines))] if lines else []


# ---------------------------------------------------------------- trajectories
def _figure(results: Results) -> Figure | None:
    """Show the trajectories of each metric, by group."""
    by_metric: dict[str, list[dict[str, Any]]] = {}
    for r in reading.rows(reading.filled(results, TRAJECTORIES)):
        if not missing(r["value"]):
            by_metric.setdefault(str(r["metric"]), []).append(r)
    charted = {str(c.get("metric")) for c in reading.record(results, TRAJECTORIES).get("courses") or ()}
    views = tuple(_view(results, key, rows) for key, rows in by_metric.items() if key in charted)
    return Figure("trajectories", views, "Metric") if views else None


def _view(results: Results, key: str, rows: Sequence[Mapping[str, Any]]) -> View:
    """Show one metric along time: the subjects of each group, and the group's own line."""
    about, metric = reading.record(results, TRAJECTORIES), reading.metric(results, key)
    courses = [c for c in about.get("courses") or () if str(c.get("metric")) == key]
    apart = any(c.get("group") for c in courses)
    groups = sorted({str(r["group"]) for r in rows if not missing(r["group"])}) if apart else [""]
    laid = [_path(g, [r for r in rows if not apart or str(r["group"]) == g], courses) for g in groups]
    time = name(about.get("time_counts") or about.get("time"), limit=60) or "time"
    data, layout = paths.chart(laid, x_title=time, y_title=metric.axis)
    title = _title(results, key, metric.label)
    subtitle = f"Strong lines: medians over subjects, with quartiles. {_pale(laid)}"
    alt = f"{title}. Lines of {metric.label} along {time} for {listing([f'{p.label} ({len(p.subjects):,} subjects)' for p in laid])}."
    spec = (
        (Column("Group", "name"), lambda c: cells.text(c.get("group") or ALL)),
        cells.column(time, "time", cells.real),
        cells.column("Subjects", "n", cells.count),
        cells.column(f"Median, {metric.axis}", "median", cells.real),
        (Column("Quartiles", "number"), lambda c: cells.between(c.get("low"), c.get("high"))),
    )
    caption, source = f"{metric.label} over time, by group", f"{TRAJECTORIES}.json, and every visit in the .tsv beside it"
    numbers = cells.build(f"trajectories-{key}", caption, spec, courses, source=source)
    return View(key, metric.label, title, alt, data, layout, numbers, subtitle, narrow(), int(layout["height"]))


def _pale(laid: Sequence[paths.Path]) -> str:
    """Say what the pale lines are: how many subjects have more than one visit, and how many of these are drawn; neither where it is all."""
    people = sum(len(p.subjects) for p in laid)
    several = [paths.several(p.subjects) for p in laid]
    lines, drawn = sum(map(len, several)), sum(len(paths.drawn(s)) for s in several)
    if not lines:
        return "No subject has more than one visit, so that no line of a single subject is drawn."
    order = "evenly spaced in the order of their names"
    if lines == people:
        return "Pale lines: single subjects" + (f", {drawn:,} of {people:,}, {order}." if drawn < lines else ".")
    told = f"{lines:,} of {people:,} subjects {'has' if lines == 1 else 'have'} more than one visit"
    return f"Pale lines: single subjects; {told}" + (f", and {drawn:,} of these are drawn, {order}." if drawn < lines else ".")


def _path(group: str, rows: Sequence[Mapping[str, Any]], courses: Sequence[Mapping[str, Any]]) -> paths.Path:
    """Sort the visits of a group by subject, beside the group's own line."""
    subjects: dict[str, list[tuple[Any, Any]]] = {}
    for r in rows:
        subjects.setdefault(str(r["subject"]), []).append((r["time"], r["value"]))
    middle = [(c["time"], c["median"], c.get("low"), c.get("high")) for c in courses if str(c.get("group") or "") == group]
    return paths.Path(name(group, limit=reading.LABEL_LIMIT) or ALL, list(subjects.items()), middle)


def _title(results: Results, key: str, label: str) -> str:
    """State what the tests found for a metric; none: say what is shown."""
    rows = [r for r in reading.change_tests(results) if str(r["metric"]) == key]
    if not rows:
        return f"{label} over time"
    clear = list(dict.fromkeys(story.course(results, r) for r in rows if group_tests.is_clear(r)))
    none = f"none of {len(rows):,} tests clear" if len(rows) > 1 else "its test is not clear"
    told = f"clear for {listing(clear, limit=2)}" if clear else none
    return f"{label} over time: {told}"


# ---------------------------------------------------------------- tests
def _table(results: Results, rows: Sequence[Mapping[str, Any]]) -> DataTable:
    """List the tests of change."""
    first = (
        group_tests.metric_column(results),
        cells.column("Tested", "part", cells.text, choose=True),
        cells.column("Of", "variable", cells.text, kind="name"),
    )
    further = ((Column("Outcome", choose=True), lambda r: cells.text(story.OUTCOMES.get(str(r.get("strength")))),),)
    return group_tests.table(results, rows, key="over-time", caption="Tests of change over time", source=f"{TESTS}.tsv", first=first, further=further)
