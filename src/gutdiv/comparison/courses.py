"""The course of each group over time: medians and quartiles over subjects, for the picture of the trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.comparison.units import MIN_UNITS

if TYPE_CHECKING:
    import pandas as pd

MOST = 12  # times that are kept apart; more are gathered into intervals with about as many visits each


def group_courses(trajectories: pd.DataFrame, *, by_group: bool) -> list[dict[str, Any]]:
    """Summarise trajectories by metric, group and time; a subject counts once in each interval, by the mean of its values there.

    Up to 12 different times stand for themselves. More are gathered into 12 intervals between quantiles of all visits, the same for all
    groups. An interval with fewer than three subjects of a group is left out. A picture, no test.

    Parameters
    ----------
    trajectories : DataFrame
        Columns of a `trajectories` table.
    by_group : bool
        Whether groups are told apart; else all subjects are taken together.

    Returns
    -------
    list of dict
        `metric, group` (empty: all), `time` (median over the visits), `n` (subjects), `median`, `low` and `high` (quartiles).
    """
    found = []
    for metric, part in trajectories.groupby("metric", sort=False):
        edges = _edges(part["time"].to_numpy(dtype=float))
        places = np.searchsorted(edges, part["time"].to_numpy(dtype=float), side="right")
        labels = part["group"] if by_group else part["group"].where(part["group"].isna(), "")
        for (group, _), inside in part.groupby([labels, places], sort=True):
            values = inside.groupby("subject")["value"].mean().to_numpy()
            if len(values) < MIN_UNITS or (by_group and not group):
                continue
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
            course = {"metric": str(metric), "group": str(group), "time": float(inside["time"].median()), "n": len(values)}
            found.append({**course, "median": float(middle), "low": float(low), "high": float(high)})
    return found


def _edges(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return where one interval ends and the next begins."""
    different = np.unique(times)
    if different.size <= MOST:
        return (different[1:] + different[:-1]) / 2
    return np.unique(np.quantile(times, np.linspace(0, 1, MOST + 1)[1:-1]))
