"""Files that are there and cannot be read: each is named on the first screen with what is wrong, and in the panel that misses it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gutdiv.report.parts import Link, Note, Panel, Section
from gutdiv.report.wording import listing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gutdiv.model.results import Results

SHOWN = 6  # files that are told of one by one; beyond, the others are listed
# The panel that shows what stands at a place; the first beginning that fits counts.
_PANELS = {
    "cohort/": "overview",
    "diversity/composition": "composition",
    "comparison/abundance": "abundance",
    "comparison/longitudinal/": "longitudinal",
    "diversity/": "diversity",
    "comparison/": "diversity",
    "reference/": "dysbiosis",
    "dysbiosis/": "dysbiosis",
    "immune/": "immune",
}
_LEFT_OUT = "This page is made without what cannot be read: where it says that something is absent or was not asked for, that may be the reason."


def panel_of(place: str) -> str:
    """Return the key of the panel that shows the result at a place."""
    return next((panel for beginning, panel in _PANELS.items() if place.startswith(beginning)), "overview")


def alerts(results: Results) -> Iterator[Note]:
    """Say of each file that cannot be read what is wrong with it and how to mend it."""
    told = list(results.unreadable.items())
    told, rest = (told, []) if len(told) <= SHOWN else (told[: SHOWN - 1], told[SHOWN - 1 :])
    for i, (_, why) in enumerate(told, start=1):
        yield Note("alert", name(why, limit=600), "" if rest or i < len(told) else _LEFT_OUT)
    if rest:
        files = listing([name(place, limit=80) for place, _ in rest], limit=40)
        yield Note("alert", f"{plural(len(rest), 'further result')} cannot be read: {files}.", f"Rerun the steps that make them. {_LEFT_OUT}")


def marked(panel: Panel, results: Results) -> Panel:
    """Return a panel with a note of what it misses; the first screen has the whole of it."""
    gone = [name(place, limit=80) for place in results.unreadable if panel_of(place) == panel.key]
    if not gone or panel.key == "overview":
        return panel
    text = f"{listing(gone, limit=SHOWN)} cannot be read, so that {'it is' if len(gone) == 1 else 'they are'} missing here."
    note = Note("alert", text, "The first screen says what is wrong and how to mend it.", Link("What is wrong", "#overview-alerts"))
    return replace(panel, sections=(Section("unreadable", "", (note,)), *panel.sections))
