"""Rows of tests as a table of kind `group_test`: the columns of the kind, then what a test says more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EMPTY = {"str": "", "float": math.nan, "int": pd.NA}


def as_group_tests(rows: Sequence[Mapping[str, Any]], more: Mapping[str, str]) -> pd.DataFrame:
    """Lay out rows; what a row lacks is undefined there.

    Parameters
    ----------
    rows : sequence of mapping
        Values by column.
    more : mapping of str to str
        Columns behind those of the kind, with their type: `str`, `float` or `int`.
    """
    frame = pd.DataFrame(index=range(len(rows)))
    for column, kind in {**TABLES["group_test"], **more}.items():
        values = [row.get(column, _EMPTY[kind]) for row in rows]
        frame[column] = pd.array(values, dtype="Int64") if kind == "int" else pd.Series(values, dtype=float if kind == "float" else object)
    return frame
