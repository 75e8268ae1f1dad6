"""Diversity: within samples by group, the depth it was measured at, and structure between samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, charts, contrasts, group_tests, reading, shown, story
from gutdiv.report.panels import depths, models, structure
from gutdiv.report.parts import Figure, Note, Panel, Part, Section, View
from gutdiv.report.wording import integer, listing, missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gutdiv.model.results import Finding, Results
    from gutdiv.report.parts import DataTable

ALL = "all samples"
ALPHA, TESTS = "diversity/alpha", "comparison/alpha"


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title, lead = "Diversity", "How many kinds of bacteria each sample holds, how evenly, and how alike the samples are."
    sections = [s for s in (_alpha(results), models.section(results), _structure(results), depths.section(results)) if s is not None]
    if not sections:
        return Panel("diversity", title, title, lead, absent="No diversity was measured in these results.")
    return Panel("diversity", title, title, lead, tuple(sections))


def _structure(results: Results) -> Section | None:
    """Assemble structure between samples; where the page holds but some, first say which."""
    section, told = structure.section(shown.thinned(results)), shown.note(results)
    return replace(section, parts=(Note("info", told), *section.parts)) if section is not None and told else section


# ---------------------------------------------------------------- within samples
def _alpha(results: Results) -> Section | None:
    """Assemble diversity within samples: effects of all metrics, one metric's samples, the tests."""
    found = reading.filled(results, ALPHA)
    if found is None:
        return None
    grouped = reading.groups(results)
    parts: list[Part] = []
    tests = reading.filled(results, TESTS)
    if tests is not None:
        effects = group_tests.forest(
            results,
            reading.rows(tests),
            key="effects",
            noun=("metric", "metrics"),
            label=lambda r: reading.metric(results, str(r["metric"])).label,
            numbers=lambda key, rows: _tests_table(results, key, rows),
        )
        parts += [effects] if effects is not None else []
    views = tuple(_samples(results, key, members, grouped) for key, members in _by_metric(reading.rows(found)).items())
    parts.append(Figure("alpha", views, "Metric"))
    if tests is not None:
        parts.append(_tests_table(results, "tests", list(reading.rows(tests))))
        parts += [Note("info", told)] if (told := contrasts.remark(results, TESTS)) else []
    elif grouped is not None and TESTS not in results.tables:
        model = "comparison/model" in results.tables
        text = "Groups are compared by the models below, which hold the other terms constant." if model else "Groups were not compared in these results."
        parts.append(Note("info" if model else "absent", text, "" if model else "Run `gutdiv comparison alpha`."))
    parts += absences.notes(results, found.record, reading.record(results, TESTS))
    below = found.record.get("below_depth") or ()
    if below:
        text = (
            f"{plural(len(below), 'sample')} had fewer reads than the common depth and have no value here: "
            f"{listing([name(b, limit=40) for b in below])}."
        )
        parts.append(
            Note(
                "caution",
                text,
                "A lower --depth keeps more samples and shows fewer rare features; the table of depths below helps to choose.",
            )
        )
    return Section("alpha", "Within samples", tuple(parts), _measured(results))


def _measured(results: Results) -> str:
    """Say at which depth diversity was measured."""
    depth = reading.depth(results)
    if depth is None:
        return "Samples were taken as sequenced; with unequal depth, richness partly reflects the number of reads."
    return f"All samples are compared at {integer(depth)} reads. Each point is one sample; boxes show quartiles and median."


def _by_metric(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Sort rows by metric, metrics in the order of the file."""
    sorted_rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        sorted_rows.setdefault(reading.at_level(row), []).append(row)
    return sorted_rows


def _samples(results: Results, key: str, rows: list[Mapping[str, Any]], grouped: reading.Groups | None) -> View:
    """Show one metric of all samples, by group where there are groups, along the scale where the group is numeric."""
    metric = reading.metric(results, key)
    of = grouped.of if grouped is not None else {}
    every, rows = len(rows), shown.evenly(results, rows)
    defined = [r for r in rows if not missing(r["value"])]
    labels = grouped.labels if grouped is not None and not grouped.numeric else (ALL,)
    title = _alpha_title(results, key, metric.label)
    spec = (
        cells.column("Sample", "sample_id", cells.text, kind="name"),
        cells.column(grouped.column if grouped else "Group", "group", cells.text, kind="name"),
        cells.column(metric.axis, "value", cells.real),
    )
    listed = [{"sample_id": r["sample_id"], "group": of.get(r["sample_id"]), "value": r["value"]} for r in rows]
    numbers = cells.build(f"alpha-{key}", f"{metric.label} of each sample", spec, listed, source="diversity/alpha.tsv", interactive=True)
    left_out = len(rows) - len(defined)
    subtitle = plural(len(defined), "sample") + (f" of {every:,}, drawn by their names" if every > len(rows) else "")
    subtitle += f"; {left_out:,} without a value" if left_out else ""
    if grouped is not None and grouped.numeric:
        pairs = [(r["sample_id"], of.get(r["sample_id"]), r["value"]) for r in defined if _is_number(of.get(r["sample_id"]))]
        data, layout = charts.points([(ALL, [(s, float(x or 0), v) for s, x, v in pairs])], x_title=grouped.column, y_title=metric.axis)
        narrow = charts.narrow()
        alt = f"Scatter of {metric.label} against {grouped.column} for {plural(len(pairs), 'sample')}."
    else:
        members = [(label, [(r["sample_id"], r["value"]) for r in defined if of.get(r["sample_id"], ALL) == label]) for label in labels]
        narrow = charts.narrow(labels)
        data, layout = charts.boxes(members, title=metric.axis, quiet=reading.NO_GROUP)
        alt = f"Box and points of {metric.label} for {listing([f'{g} ({len(m):,})' for g, m in members])}."
    return View(key, metric.label, title, f"{title}. {alt}", data, layout, numbers, subtitle, narrow, int(layout["height"]))


def _is_number(text: str | None) -> bool:
    """Whether a metadata cell can stand on a scale."""
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _alpha_title(results: Results, key: str, label: str) -> str:
    """State the finding for a metric; several contrasts are told by the first and counted; none: say what is shown."""
    found = [f for f in reading.findings(reading.record(results, TESTS), "group_difference") if f.subject == key]
    if not found:
        return f"{label} of each sample"
    first = next((f for f in found if f.strength == "clear"), found[0])
    more = sum(f.strength == "clear" for f in found) - 1
    short = _short(label, first)
    return f"{short} (and {plural(more, 'further contrast')})" if more > 0 else short


def _short(label: str, finding: Finding) -> str:
    """Word a difference without its numbers, for a title."""
    one, two = story.sides(finding.values)
    if finding.strength == "clear" and finding.direction in {"lower", "higher"}:
        where = f"in {one} than in {two}" if one else f"where {story.variable(finding)} is higher"
        return f"{label} {story.verb(label, 'be')} {finding.direction} {where}"
    if finding.strength == "clear":
        return f"{label} {story.verb(label, 'differ')}{story.between(finding)}"
    return f"{label}: no clear difference{story.between(finding)}"


def _tests_table(results: Results, key: str, rows: Sequence[Mapping[str, Any]]) -> DataTable:
    """List the tests of alpha diversity."""
    first = (group_tests.metric_column(results),)
    return group_tests.table(results, rows, key=key, caption="Tests between groups", source="comparison/alpha.tsv", first=first)
