"""Diversity: within samples by group, the depth it was measured at, and structure between samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, charts, reading, story
from gutdiv.report.panels import depths, ordination
from gutdiv.report.parts import Cell, Column, DataTable, Figure, Note, Panel, Part, Section, View
from gutdiv.report.wording import NONE, capital, decimals, equals, integer, listing, missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gutdiv.model.results import Finding, Results

ALL = "all samples"
LONG = 12  # rows from which a table can be searched and sorted
ALPHA, TESTS = "diversity/alpha", "comparison/alpha"


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title, lead = "Diversity", "How many kinds of bacteria each sample holds, how evenly, and how alike the samples are."
    sections = [s for s in (_alpha(results), _structure(results), depths.section(results)) if s is not None]
    if not sections:
        return Panel("diversity", title, title, lead, absent="No diversity was measured in these results.")
    return Panel("diversity", title, title, lead, tuple(sections))


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
        effects = _effects(results, list(reading.rows(tests)))
        parts += [effects] if effects is not None else []
    views = tuple(_samples(results, key, members, grouped) for key, members in _by_metric(reading.rows(found)).items())
    parts.append(Figure("alpha", views, "Metric"))
    if tests is not None:
        parts.append(_tests_table(results, list(reading.rows(tests))))
    elif grouped is not None and TESTS not in results.tables:
        parts.append(Note("absent", "Groups were not compared in these results.", "Run `gutdiv comparison alpha`."))
    parts += _absent(results, found.record, reading.record(results, TESTS))
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
    subtitle = f"{plural(len(defined), 'sample')}" + (f"; {left_out:,} without a value" if left_out else "")
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


def _effects(results: Results, rows: list[dict[str, Any]]) -> Figure | None:
    """Show the effects of all metrics on one scale; one view a kind of effect and contrast."""
    strengths = {(f.subject, str(f.values.get("contrast", ""))): f.strength for f in reading.findings(reading.record(results, TESTS))}
    views = []
    kinds = dict.fromkeys((str(r["effect_name"]), str(r["contrast"])) for r in rows if not missing(r["effect"]))
    for i, (effect, contrast) in enumerate(kinds):
        chosen = [r for r in rows if (str(r["effect_name"]), str(r["contrast"])) == (effect, contrast) and not missing(r["effect"])]
        lines = [
            {
                "label": reading.metric(results, str(r["metric"])).label,
                "estimate": r["effect"],
                "low": r["ci_low"],
                "high": r["ci_high"],
                "kind": _CLEAR[strengths.get((str(r["metric"]), contrast), "") == "clear"],
                "hover": charts.escaped(f"{_effect(r).text} ({_interval(r).text}), {equals('q', r['q'])}"),
            }
            for r in chosen
        ]
        shown = name(contrast, limit=80)
        data, layout = charts.forest(lines, title=f"{capital(effect)}, {shown}{_with_interval(chosen)}", marks=_EFFECT_MARKS)
        clear = sum(x["kind"] == _CLEAR[True] for x in lines)
        title = (
            f"{clear:,} of {plural(len(lines), 'metric')} differ clearly"
            if clear
            else f"None of {plural(len(lines), 'metric')} differs clearly"
        )
        narrow = charts.narrow([x["label"] for x in lines])
        alt = f"Forest plot of {effect} for {shown}: one line a metric, zero means no difference."
        numbers = _tests_table(results, chosen, key=f"effects-{i}")
        views.append(
            View(f"c{i}", shown or effect, f"{title}: {shown}", f"{title}. {alt}", data, layout, numbers, "", narrow, int(layout["height"]))
        )
    return Figure("effects", tuple(views), "Contrast") if views else None


def _with_interval(rows: list[dict[str, Any]]) -> str:
    """Say that intervals are drawn, where some are."""
    return "" if all(missing(r["ci_low"]) for r in rows) else ", with 95% CI"


_CLEAR = {True: "clear (passes its family's level)", False: "not clear"}
_EFFECT_MARKS = {_CLEAR[True]: (charts.COLOURS[0], "circle"), _CLEAR[False]: ("var(--ink-3)", "circle-open")}


def _tests_table(results: Results, rows: list[dict[str, Any]], *, key: str = "tests") -> DataTable:
    """List the tests with effect, interval, p and q; what is the same in all rows is said once, below."""
    spec = [
        (Column("Metric", choose=True), lambda r: cells.text(reading.metric(results, str(r["metric"])).label)),
        cells.column("Contrast", "contrast", cells.text, kind="name", choose=True),
        (Column("n", "number", "Units on either side of the contrast."), _n),
        (Column("Effect", "number"), _effect),
        (Column("95% CI", "number"), _interval),
        cells.column("p", "p", cells.chance),
        cells.column("q", "q", cells.chance, help=story.TERMS["q-value"]),
    ]
    said = []
    for word, column in (("Effect", "effect_name"), ("Test", "test"), ("Unit", "unit"), ("q within", "family")):
        kinds = list(dict.fromkeys(name(r[column], limit=160) for r in rows if not missing(r[column])))
        if len(kinds) == 1 or column == "family":
            said.append(f"{word}: {listing(kinds, limit=4)}.")
        elif kinds:
            spec.append(cells.column(word if column != "effect_name" else "Kind of effect", column, cells.text))
    many = len(rows) > LONG
    note = " ".join(said)
    return cells.build(key, "Tests between groups", spec, rows, source="comparison/alpha.tsv", note=note, interactive=many)


def _effect(row: Mapping[str, Any]) -> Cell:
    """Write an effect, with its sign where it can have one."""
    places = decimals(row["effect"])
    return cells.real(row["effect"], digits=2) if row["effect_name"] in story.UNSIGNED else cells.change(row["effect"], places)


def _n(row: Mapping[str, Any]) -> Cell:
    """Write how many units stand on each side."""
    if missing(row["n_1"]):
        return Cell(NONE)
    return Cell(integer(row["n_1"]) if missing(row["n_2"]) else f"{integer(row['n_1'])} / {integer(row['n_2'])}", float(row["n_1"]))


def _interval(row: Mapping[str, Any]) -> Cell:
    """Write an effect's interval with as many decimals as the effect."""
    return cells.between(row["ci_low"], row["ci_high"], places=decimals(row["effect"]))


def _absent(results: Results, *records: Mapping[str, Any]) -> list[Part]:
    """Say what is not there and why, metrics with the same reason together."""
    gone: dict[tuple[str, str], list[str]] = {}
    for what, why in sorted({pair for source in records for pair in reading.absences(source)}):
        key, _, part = what.partition(": ")
        gone.setdefault((part, why), []).append(reading.metric(results, key).label)
    return [
        Note("absent", f"{f'{name(part, limit=80)} for ' if part else ''}{listing(labels, limit=12)}: {story.sentence_tail(why)}")
        for (part, why), labels in gone.items()
    ]


# ---------------------------------------------------------------- between samples
def _structure(results: Results) -> Section | None:
    """Assemble structure between samples: ordinations with a metric switch, and PERMANOVA."""
    figure, arrows = ordination.figure(results), ordination.arrows_table(results)
    rows = [
        {**row, "metric": reading.metric(results, n).label}
        for n in reading.under(results, "comparison/permanova/")
        for row in reading.rows(reading.table(results, f"comparison/permanova/{n}"))
        if not missing(row["f"])
    ]
    parts: list[Part] = [p for p in (figure, arrows) if p is not None]
    if rows:
        parts.append(_permanova_table(rows))
    elif reading.groups(results) is None and figure is not None:
        parts.append(Note("absent", "No PERMANOVA: no group column was declared."))
    parts += _absent(
        results, *(reading.record(results, f"comparison/permanova/{n}") for n in reading.under(results, "comparison/permanova/"))
    )
    if not parts:
        return None
    if not results.cohort.get("has_tree"):
        parts.append(Note("absent", "UniFrac and Faith's phylogenetic diversity are absent: no tree was given."))
    lead = "Samples that lie close together hold similar communities. Distances in the picture are those of the first two axes only."
    return Section("structure", "Between samples", tuple(parts), lead)


def _permanova_table(rows: list[dict[str, Any]]) -> DataTable:
    """List the PERMANOVA of every dissimilarity."""
    spec = (
        cells.column("Dissimilarity", "metric", cells.text),
        cells.column("Term", "term", cells.text, kind="name"),
        cells.column("df", "df", cells.count),
        cells.column("R²", "r2", cells.real, help=story.TERMS["PERMANOVA"]),
        cells.column("pseudo-F", "f", cells.real),
        cells.column("p", "p", cells.chance),
        cells.column("Permutations", "permutations", cells.count),
        cells.column("n", "n", cells.count),
    )
    note = "A difference in spread between groups can also make PERMANOVA small in p. The smallest p possible is 1 / (permutations + 1)."
    return cells.build("permanova", "PERMANOVA", spec, rows, source="comparison/permanova/, with residual and total", note=note)
