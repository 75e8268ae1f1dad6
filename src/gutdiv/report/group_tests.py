"""Tests as tables and forests: effect, interval, p and q alike in every panel; what is the same in all rows is said once, below."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, charts, contrasts, reading
from gutdiv.report.parts import Cell, Column, Detail, Figure, Row, View
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import NONE, capital, decimals, equals, integer, listing, missing, name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gutdiv.model.results import Results
    from gutdiv.report.parts import DataTable

    Named = tuple[Column, Callable[[Mapping[str, Any]], Cell]]

LONG = 12  # rows from which a table can be searched and sorted
CLEAR = {True: "clear (passes its family's level)", False: "not clear"}
MARKS = {CLEAR[True]: (charts.COLOURS[0], "circle"), CLEAR[False]: ("var(--ink-3)", "circle-open")}
# Said once below the table where all rows agree, else with each row when it is opened.
_SHARED = (("Effect", "effect_name"), ("Test", "test"), ("Unit", "unit"), ("Permutations", "permutations"), ("q within", "family"))

_CONTRAST = "In `a minus b`, a positive effect means that a is higher."
_OPENED = {"Effect": "kind of effect", "q within": "family of tests"}


def _contrast(results: Results, row: Mapping[str, Any]) -> str:
    """Name a contrast; an effect without a sign is of two groups, and of neither beside the other."""
    one, two = contrasts.sides(results, row)
    return f"{one} and {two}" if one and row.get("effect_name") in contrasts.UNSIGNED else contrasts.told(results, row)


def metric_column(results: Results) -> Named:
    """Name what was tested by the metric's label."""
    return (Column("Metric", choose=True), lambda r: cells.text(reading.metric(results, str(r["metric"])).label))


def table(
    results: Results,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str,
    caption: str,
    source: str,
    first: Sequence[Named],
    further: Sequence[Named] = (),
) -> DataTable:
    """List tests with effect, interval, p and q, between columns of the caller's own."""
    spec: list[Named] = [
        *first,
        (Column("Contrast", "name", _CONTRAST, choose=True), lambda r: cells.text(_contrast(results, r))),
        (Column("n", "number", "Units on either side of the contrast."), counts),
        (Column("Effect", "number"), effect),
        (Column("95% CI", "number"), interval),
        cells.column("p", "p", cells.chance),
        cells.column("q", "q", cells.chance, help=TERMS["q-value"]),
        *further,
    ]
    said, apart = [], []
    for word, column in _SHARED:
        kinds = list(dict.fromkeys(_shown(r.get(column)) for r in rows if not missing(r.get(column))))
        if len(kinds) == 1:
            said.append(f"{word}: {kinds[0]}.")
        elif kinds:
            apart.append((word, column))
    left_out = sorted({int(r["n_dropped"]) for r in rows if not missing(r.get("n_dropped"))})
    if left_out and left_out[-1]:
        said.append(f"Samples left out, by test: {listing([integer(n) for n in left_out], limit=4)}.")
    hint = ""
    if apart:
        hint = f"Open a row for its {listing([_OPENED.get(word, word.lower()) for word, _ in apart])}."
    plain = cells.build(key, caption, spec, rows, source=source, note=" ".join(said), interactive=bool(apart) or len(rows) > LONG)
    opened = tuple(
        Row(p.cells, tuple(Detail(word, _shown(r[column])) for word, column in apart if not missing(r.get(column))))
        for p, r in zip(plain.rows, rows, strict=True)
    )
    return replace(plain, rows=opened, hint=hint)


def forest(
    results: Results,
    rows: Iterable[Mapping[str, Any]],
    *,
    key: str,
    noun: tuple[str, str],
    label: Callable[[Mapping[str, Any]], str],
    numbers: Callable[[str, Sequence[Mapping[str, Any]]], DataTable],
    switch: str = "Contrast",
) -> Figure | None:
    """Show effects with their intervals on one scale; one view a kind of effect and contrast. `noun` is what a line is, one and many."""
    kinds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for r in rows:
        if not missing(r["effect"]):
            kinds.setdefault((str(r["effect_name"]), str(r["contrast"])), []).append(r)
    views = []
    for i, ((kind, _), chosen) in enumerate(kinds.items()):
        lines = [line(r, label(r)) for r in chosen]
        shown, reads = contrasts.told(results, chosen[0]), contrasts.reads(results, chosen[0])
        axis = f"{capital(kind)}, {shown}{f' ({reads})' if reads else ''}{with_interval(chosen)}"
        data, layout = charts.forest(lines, title=axis, marks=MARKS)
        title = contrasts.counted(results, chosen, noun)
        alt = f"{title}. Forest plot of {kind}, {shown}: one line a {noun[0]}, zero means no difference{f', {reads}' if reads else ''}."
        narrow = charts.narrow([str(x["label"]) for x in lines], lines=2)
        views.append(
            View(f"c{i}", shown or kind, title, alt, data, layout, numbers(f"{key}-{i}", chosen), "", narrow, int(layout["height"]))
        )
    return Figure(key, tuple(views), switch) if views else None


def line(row: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Return one row of a forest plot."""
    return {
        "label": label,
        "estimate": row["effect"],
        "low": row["ci_low"],
        "high": row["ci_high"],
        "kind": CLEAR[is_clear(row)],
        "hover": charts.escaped(f"{effect(row).text} ({interval(row).text}), {equals('q', row['q'])}"),
    }


def is_clear(row: Mapping[str, Any]) -> bool:
    """Whether the stage called a test clear."""
    return row.get("strength") == "clear"


def with_interval(rows: Iterable[Mapping[str, Any]]) -> str:
    """Say that intervals are drawn, where some are."""
    return "" if all(missing(r["ci_low"]) for r in rows) else ", with 95% CI"


def effect(row: Mapping[str, Any]) -> Cell:
    """Write an effect, with its sign where it can have one."""
    places = decimals(row["effect"])
    return cells.real(row["effect"], digits=2) if row["effect_name"] in contrasts.UNSIGNED else cells.change(row["effect"], places)


def counts(row: Mapping[str, Any]) -> Cell:
    """Write how many units stand on each side."""
    if missing(row["n_1"]):
        return Cell(NONE)
    return Cell(integer(row["n_1"]) if missing(row["n_2"]) else f"{integer(row['n_1'])} / {integer(row['n_2'])}", float(row["n_1"]))


def interval(row: Mapping[str, Any]) -> Cell:
    """Write an effect's interval with as many decimals as the effect."""
    return cells.between(row["ci_low"], row["ci_high"], places=decimals(row["effect"]))


def _shown(value: Any) -> str:
    """Write what rows share: a text as it stands, a count with thousands apart."""
    return name(value, limit=160) if isinstance(value, str) else integer(value)
