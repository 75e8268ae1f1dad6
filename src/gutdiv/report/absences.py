"""What is not there and why, as notes: names that share a reason stand together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import reading, story
from gutdiv.report.parts import Note
from gutdiv.report.wording import listing, name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results
    from gutdiv.report.parts import Part

SHOWN = 12  # names in one note


def notes(results: Results, *records: Mapping[str, Any]) -> list[Part]:
    """Say what the records declare absent; a name is a metric, or `metric: part`, or anything else as it stands."""
    gone: dict[tuple[str, str], list[str]] = {}
    for what, why in sorted({pair for source in records for pair in reading.absences(source)}):
        key, _, part = what.partition(": ")
        gone.setdefault((part, why), []).append(name(reading.metric(results, key).label, limit=120))
    return [
        Note("absent", f"{f'{name(part, limit=80)} for ' if part else ''}{listing(labels, limit=SHOWN)}: {story.sentence_tail(why)}")
        for (part, why), labels in gone.items()
    ]


def reasons(results: Results, place: str) -> tuple[str, ...]:
    """Return why the table at a place has no row, each reason once; none where it was not asked for."""
    return tuple(dict.fromkeys(why for _, why in reading.absences(reading.record(results, place))))
