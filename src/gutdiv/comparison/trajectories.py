"""Trajectories: every subject's values in the order of time, with changes from its own first sample and from the one before."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gutdiv.comparison.times import read_times
from gutdiv.model.results import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.results import DistanceMatrix

FROM_BASELINE = "_from_baseline"


@dataclass(frozen=True, eq=False)
class _Visit:
    """The samples of one subject at one time; `group` is empty where they have none or several."""

    subject: str
    time: float
    group: str
    samples: tuple[str, ...]


def follow(
    alpha: pd.DataFrame,
    metadata: SampleMetadata,
    *,
    subject: str,
    time: str,
    group: str | None = None,
    distances: Sequence[DistanceMatrix] = (),
    given: Mapping[str, float] | None = None,
) -> Table:
    """Follow every subject over time.

    Samples of one subject at one time are replicates: their values are averaged, and counted in the record (`averaged`). Distances are those
    to the subject's own first visit, averaged over pairs of samples; the first visit itself has none.

    Returns
    -------
    Table
        Kind `trajectories`: a row a subject, time and metric, in this order of metric, subject, time. `sample_id` names all samples
        averaged, joined by `;`. `change` is the value minus the subject's own first one of this metric, `difference` minus the one before,
        `interval` the time since then; all three are empty at the first. A metric of distances has no `change`, being one.

    Raises
    ------
    InputError
        Where a column is unknown.
    UntestableError
        Where `time` holds what is no time (`gutdiv.comparison.times.read_times`).
    """
    times, counts = read_times(metadata, time, given=given)
    subjects, groups = metadata.column(subject), metadata.column(group) if group is not None else (None,) * len(metadata.ids)
    place = {s: k for k, s in enumerate(metadata.ids)}
    listed = sorted({*alpha["sample_id"], *(s for d in distances for s in d.ids)})
    inside = [s for s in listed if s in place]
    usable = [s for s in inside if subjects[place[s]] is not None and s in times]
    dropped = {
        "not in the sample metadata": len(listed) - len(inside),
        f"no value of {subject}": sum(subjects[place[s]] is None for s in inside),
        f"no value of {time}": sum(subjects[place[s]] is not None and s not in times for s in inside),
    }
    gathered: dict[tuple[str, float], list[str]] = {}
    for s in usable:
        gathered.setdefault((str(subjects[place[s]]), times[s]), []).append(s)
    visits = []
    for (owner, when), samples in sorted(gathered.items()):
        held = {groups[place[s]] for s in samples}
        visits.append(_Visit(owner, when, str(next(iter(held)) or "") if len(held) == 1 else "", tuple(samples)))
    rows: list[dict[str, Any]] = []
    empty: Counter[str] = Counter()
    for (level, metric), part in alpha.groupby(["level", "metric"], sort=False):
        name = str(metric) if level == "feature" else f"{metric} ({level})"
        values = {s: v for s, v in zip(part["sample_id"], part["value"].astype(float), strict=True) if math.isfinite(v)}
        lacking = set(usable) - set(values)
        empty[name] += sum(s in lacking for s in part["sample_id"])
        rows += _rows(name, [(v, _mean([values[s] for s in v.samples if s in values])) for v in visits])
    for matrix in distances:
        empty[matrix.metric + FROM_BASELINE] += len(set(usable) - set(matrix.ids))
        rows += _rows(matrix.metric + FROM_BASELINE, list(_from_baseline(matrix, visits)), is_change=True)
    record = {
        "subject": subject,
        "time": time,
        "time_counts": counts,
        "group": group,
        "subjects": len({v.subject for v in visits}),
        "subjects_with_several_times": sum(n > 1 for n in Counter(v.subject for v in visits).values()),
        "averaged": {"samples": sum(len(v.samples) for v in visits if len(v.samples) > 1), "into": sum(len(v.samples) > 1 for v in visits)},
        "dropped": {reason: n for reason, n in dropped.items() if n},
        "without_value": {metric: n for metric, n in empty.items() if n},
    }
    return Table("trajectories", pd.DataFrame(rows, columns=list(TABLES["trajectories"])), record)


def nowhere(about: Mapping[str, Any]) -> Table:
    """Make the table of subjects that cannot be followed: no row; the table of tests says why."""
    return Table("trajectories", pd.DataFrame({c: pd.Series(dtype=object) for c in TABLES["trajectories"]}), dict(about))


def _mean(values: list[float]) -> float:
    """Mean, NaN of nothing."""
    return math.fsum(values) / len(values) if values else math.nan


def _from_baseline(matrix: DistanceMatrix, visits: list[_Visit]) -> Iterator[tuple[_Visit, float]]:
    """Yield each visit but a subject's first with its mean distance to it."""
    place = {s: k for k, s in enumerate(matrix.ids)}
    first: dict[str, list[int]] = {}
    for visit in visits:
        here = [place[s] for s in visit.samples if s in place]
        if not here:
            continue
        if visit.subject in first:
            yield visit, float(np.mean(matrix.matrix[np.ix_(first[visit.subject], here)], dtype=np.float64))
        else:
            first[visit.subject] = here


def _rows(metric: str, values: list[tuple[_Visit, float]], *, is_change: bool = False) -> list[dict[str, Any]]:
    """Lay out one metric; visits without a value are passed over."""
    rows = []
    first: dict[str, tuple[float, float]] = {}
    before: dict[str, tuple[float, float]] = {}
    for visit, value in values:
        if not math.isfinite(value):
            continue
        start, last = first.setdefault(visit.subject, (visit.time, value)), before.get(visit.subject)
        rows.append(
            {
                "sample_id": ";".join(visit.samples),
                "subject": visit.subject,
                "time": visit.time,
                "group": visit.group,
                "metric": metric,
                "value": value,
                "baseline_time": start[0],
                "change": math.nan if last is None or is_change else value - start[1],
                "difference": math.nan if last is None else value - last[1],
                "interval": math.nan if last is None else visit.time - last[0],
            }
        )
        before[visit.subject] = (visit.time, value)
    return rows
