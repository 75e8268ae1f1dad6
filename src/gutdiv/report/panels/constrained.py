"""The part of the distances that the tested model explains (distance-based redundancy analysis), as a picture for the diversity panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gutdiv.model.results import Results
    from gutdiv.report.parts import Figure

FOLDER = "comparison/constrained/"


def figure(results: Results) -> Figure | None:
    """Assemble the constrained ordinations with a switch between dissimilarities."""
    return None
