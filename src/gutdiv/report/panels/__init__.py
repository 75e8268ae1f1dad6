"""The panels of the page, in reading order: to add one, write its file and put it into `PANELS`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gutdiv.report.panels import abundance, composition, diversity, dysbiosis, immune, longitudinal, methods, overview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gutdiv.model.results import Results
    from gutdiv.report.parts import Panel

PANELS: Mapping[str, Callable[[Results], Panel]] = MappingProxyType(
    {
        "overview": overview.build,
        "composition": composition.build,
        "diversity": diversity.build,
        "abundance": abundance.build,
        "longitudinal": longitudinal.build,
        "dysbiosis": dysbiosis.build,
        "immune": immune.build,
        "methods": methods.build,
    }
)
