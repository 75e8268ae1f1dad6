"""When samples were taken: numbers as they are, ISO dates as days since the first, words only with numbers given for them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import count_noun, first_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import SampleMetadata

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY = 86_400.0  # seconds


def read_times(metadata: SampleMetadata, column: str, *, given: Mapping[str, float] | None = None) -> tuple[dict[str, float], str]:
    """Return the time of each sample that has one, and what it counts, in words.

    `given` holds numbers for words, as `{"pre": 0, "post": 8}`. Without it a column of numbers stays as it is, and one of ISO 8601 dates
    (with or without a time of day; without a zone: UTC) is turned into days since its earliest date.

    Raises
    ------
    InputError
        Where the column is unknown.
    UntestableError
        Where a cell is neither number nor date, or both occur, or a word has no number.
    """
    cells = {s: c for s, c in zip(metadata.ids, metadata.column(column), strict=True) if c is not None}
    words = sorted(set(cells.values()))
    if given:
        lacking = [w for w in words if w not in given]
        if lacking:
            msg = f"column {column!r} holds {first_ids(lacking)}, for which no number is given. Give one for each of its values, as in pre=0."
            raise UntestableError(msg)
        return {s: float(given[c]) for s, c in cells.items()}, f"{column}, by the numbers given"
    numbers = {w: _number(w) for w in words}
    dates = {w: _date(w) for w in words}
    neither = [w for w in words if numbers[w] is None and dates[w] is None]
    if neither:
        msg = (
            f"column {column!r} holds {count_noun(neither, 'value')} that are no number and no date: {first_ids(neither)}. Time is a number or an "
            "ISO date (2024-05-31); give numbers for words, one for each, as in --time-value pre=0 --time-value post=8."
        )
        raise UntestableError(msg)
    if all(d is not None for d in dates.values()) and words:
        stamps = {w: d for w, d in dates.items() if d is not None}
        origin = min(stamps.values())
        return {s: (stamps[c] - origin).total_seconds() / _DAY for s, c in cells.items()}, f"days since {origin.date().isoformat()}"
    mixed = [w for w in words if numbers[w] is None]
    if mixed:
        msg = f"column {column!r} holds both numbers and dates ({first_ids(mixed)}). Write all of it in one way."
        raise UntestableError(msg)
    return {s: number for s, c in cells.items() if (number := numbers[c]) is not None}, column


def _number(text: str) -> float | None:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _date(text: str) -> datetime | None:
    """Read an ISO date with dashes."""
    if not _DATE.match(text):
        return None
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)
