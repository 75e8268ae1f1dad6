"""Whether columns of the metadata say of samples what contradicts the declared age band."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata

# Columns that hold the age, without signs between words (MIxS, QIIME 2, curatedMetagenomicData and what people write), and what may stand behind them.
_COLUMN = re.compile(r"(host|subject|patient|participant)?age(at(sampling|collection|visit|baseline))?(in)?(years?|yrs?)?$")
_YEARS = re.compile(r"(years?|yrs?)$")
_UNIT = re.compile(r"(host|subject|patient|participant)?ageunits?$")
OLDEST = 122.0  # years; an older one is in months or days
# Ages in years that each band holds beyond doubt: from, and below what.
BANDS = {"adult": (18.0, np.inf), "child": (0.0, 18.0), "infant": (0.0, 3.0)}


def conflicts(metadata: SampleMetadata, declared: str | None) -> list[dict[str, Any]]:
    """Find the columns whose ages lie outside the declared band.

    Where neither the column's name nor a column of units says years, years are taken for granted if no age is above `OLDEST` - but never of declared
    infants, whose ages are told in months and days as well.

    Returns
    -------
    list of dict
        `column`, `samples` outside the band, `known` (samples with an age), `low` and `high` (the ends of the ages outside), `told` (whether years are
        said). None is found where the band was not declared.
    """
    band = (declared or "").strip().casefold()
    if band not in BANDS:
        return []
    low, high = BANDS[band]
    in_years = _said_in_years(metadata)
    found = []
    for column, kind in metadata.kinds.items():
        plain = _plain(column)
        if kind != "numeric" or not _COLUMN.match(plain):
            continue
        ages = metadata.numeric(column)
        told = bool(_YEARS.search(plain))
        if in_years is not None and not told:
            ages, told = np.where(in_years, ages, np.nan), True
        known = ages[np.isfinite(ages)]
        if not known.size or (not told and (band == "infant" or known.max() > OLDEST)):
            continue
        outside = known[(known < low) | (known >= high)]
        if outside.size:
            ends = {"low": float(outside.min()), "high": float(outside.max())}
            found.append({"column": column, "samples": int(outside.size), "known": int(known.size), **ends, "told": told})
    return found


def _said_in_years(metadata: SampleMetadata) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Return of each sample whether the unit of its age is said to be years; None where no column says units."""
    for column, cells in metadata.columns.items():
        if _UNIT.match(_plain(column)):
            return np.array([bool(c) and bool(re.match(r"y(ea)?rs?\b|y$", str(c).strip().lower())) for c in cells])
    return None


def _plain(name: str) -> str:
    """Return a column's name in letters alone."""
    return re.sub(r"[^a-z]", "", name.lower())
