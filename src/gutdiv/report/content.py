"""The page as data: every panel is asked for its parts, and one that fails leaves a note instead of taking the page with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gutdiv.report import contrasts, sample_pages, shown, unreadable
from gutdiv.report.panels import PANELS
from gutdiv.report.parts import DataTable, Figure, Note, Page, Panel, Section
from gutdiv.report.terms import explained
from gutdiv.report.wording import name, plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutdiv.model.results import Results

__all__ = ["DataTable", "Figure", "Note", "Page", "Panel", "Section", "build"]


def build(results: Results) -> Page:
    """Assemble the page of one cohort's results.

    A panel that raises is replaced by a note that names it, and stands in `Page.broken` with the error, so that the command line
    can say so.
    """
    results = contrasts.alike(results)
    panels: list[Panel] = []
    broken: dict[str, str] = {}
    for word, make in PANELS.items():
        panel, error = _asked(word, make, results)
        panels.append(panel)
        if error:
            broken[word] = error
    panels = [unreadable.marked(panel, results) for panel in panels]
    cohort = results.cohort
    subtitle = (
        f"{plural(cohort.get('n_samples', 0), 'sample')}, {plural(cohort.get('n_features', 0), 'feature')}, "
        f"{plural(cohort.get('n_reads', 0), 'read')}"
    )
    pages = None
    try:
        pages = sample_pages.build(shown.thinned(results), whole=results)
    except Exception as error:  # noqa: BLE001 - as for a panel
        broken["samples"] = f"{type(error).__name__}: {error}"
    return Page(name(results.name, limit=160), subtitle, str(cohort.get("gutdiv_version", "")), tuple(panels), broken, pages)


def _asked(word: str, make: Callable[[Results], Panel], results: Results) -> tuple[Panel, str]:
    """Return a panel, or a note in its place and what went wrong."""
    try:
        return explained(make(results)), ""
    except Exception as error:  # noqa: BLE001 - whatever a panel trips over, the rest of the page must still be readable
        why = f"{type(error).__name__}: {error}"
        text = f"The panel '{word}' could not be made ({name(why, limit=200)})."
        action = "This is a fault of gutdiv, not of your data: please report it with this message. The result files are not affected."
        note = Note("alert", text, action)
        return Panel(word, word.capitalize(), word.capitalize(), "", (Section("failed", "", (note,)),)), why
