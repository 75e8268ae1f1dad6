"""Table cells from values: each is written for people and keeps the value it sorts by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gutdiv.report.parts import Cell, Column, DataTable, Row, Span
from gutdiv.report.wording import NONE, integer, missing, name, number, p_value, percent, signed, span

Spec: TypeAlias = Sequence[tuple[Column, Callable[[Mapping[str, Any]], Cell]]]


def text(value: Any) -> Cell:
    """Write words of the results; undefined is a dash."""
    return Cell(name(value) or NONE)


def count(value: Any) -> Cell:
    """Write a whole number."""
    return Cell(integer(value), _sortable(value))


def real(value: Any, *, digits: int = 3) -> Cell:
    """Write a number."""
    return Cell(number(value, digits=digits), _sortable(value))


def change(value: Any, places: int = 2) -> Cell:
    """Write a number with its sign."""
    return Cell(signed(value, places), _sortable(value))


def chance(value: Any) -> Cell:
    """Write a p- or q-value."""
    return Cell(p_value(value), _sortable(value))


def share(value: Any) -> Cell:
    """Write a share as a percentage."""
    return Cell(percent(value), _sortable(value))


def between(low: Any, high: Any, *, places: int | None = None) -> Cell:
    """Write a range; it sorts by its lower end."""
    return Cell(span(low, high, places=places), _sortable(low))


def status(word: Any, order: Sequence[str]) -> Cell:
    """Write a status word with its icon; it sorts by its place in `order`."""
    shown = name(word)
    return Cell(shown or NONE, order.index(shown) if shown in order else len(order), shown)


def bar(value: Any, limits: tuple[Any, Any], ends: tuple[Any, Any]) -> Cell:
    """Write a value and draw where it stands in its interval, on an axis from one end to the other."""
    if missing(value) or missing(ends[0]) or missing(ends[1]):
        return Cell(NONE)
    lower, upper = (None if missing(v) else float(v) for v in limits)
    return Cell(number(value), float(value), span=Span(float(ends[0]), float(ends[1]), lower, upper, float(value)))


def _sortable(value: Any) -> float | None:
    """Return what a number sorts by; undefined sorts last whatever the direction."""
    return None if missing(value) else float(value)


def build(
    key: str, caption: str, spec: Spec, rows: Iterable[Mapping[str, Any]], *, source: str = "", interactive: bool = False, note: str = ""
) -> DataTable:
    """Build a table from rows by a list of columns and how each is written."""
    columns = tuple(column for column, _ in spec)
    return DataTable(key, caption, columns, tuple(Row(tuple(write(r) for _, write in spec)) for r in rows), source, interactive, note)


def column(
    label: str, key: str, write: Callable[[Any], Cell], *, help: str = "", kind: str = "", choose: bool = False
) -> tuple[Column, Callable[[Mapping[str, Any]], Cell]]:
    """Declare a column that writes one key of each row."""
    chosen = kind or ("text" if write is text else "number")
    return Column(label, chosen, help, choose), lambda row: write(row.get(key))  # type: ignore[arg-type]
