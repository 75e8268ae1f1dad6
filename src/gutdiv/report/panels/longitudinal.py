"""Over time: trajectories of subjects by group, how far each moved from its own baseline, and the tests of change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.parts import Panel
from gutdiv.report.wording import missing

if TYPE_CHECKING:
    from gutdiv.model.results import Results
    from gutdiv.report.parts import Part

PLACE = "comparison/longitudinal/tests"


def tested(results: Results) -> list[dict[str, Any]]:
    """Return the tests that gave a p-value."""
    return [r for r in reading.rows(reading.table(results, PLACE)) if not missing(r["p"])]


def parts(results: Results) -> list[Part]:
    """Assemble the models: effects, and the table; nothing where none was fitted."""
    return []


def build(results: Results) -> Panel:
    """Assemble the panel."""
    return Panel("longitudinal", "Over time", "Over time", "", absent="Nothing")
