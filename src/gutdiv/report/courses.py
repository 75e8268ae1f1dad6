"""The course of each person over time, metric by metric, for the pages of their samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gutdiv.report import charts, reading
from gutdiv.report.wording import missing, name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

TRAJECTORIES, ALPHA = "comparison/longitudinal/trajectories", "diversity/alpha"


@dataclass(frozen=True)
class Courses:
    """The metrics of all courses, when each sample was taken, and its values; `time` is what times count, `source` where the numbers stand."""

    metrics: tuple[Mapping[str, Any], ...]
    times: Mapping[str, float]
    values: Mapping[str, list[float | None]]
    time: str
    source: str


def build(results: Results) -> Courses:
    """Follow every sample whose person gave more than one.

    Values are those of the trajectories, or of alpha diversity where no trajectory was made; no verdict and no flag is needed.
    """
    several = _several(results)
    about = reading.record(results, TRAJECTORIES)
    found = reading.filled(results, TRAJECTORIES)
    rows = [r for r in reading.rows(found if found is not None else reading.table(results, ALPHA)) if not missing(r["value"])]
    values: dict[str, dict[str, float | None]] = {}
    times = {} if found is not None else _times(results)
    for row in rows:
        key = str(row["metric"]) if found is not None else reading.at_level(row)
        for sample in str(row["sample_id"]).split(";") if found is not None else (str(row["sample_id"]),):
            if sample in several:
                values.setdefault(key, {})[sample] = charts.rounded(row["value"])
                if found is not None and not missing(row["time"]):
                    times[sample] = float(row["time"])
    metrics = tuple(_metric(results, key) for key in values)
    held = {s: [own.get(s) for own in values.values()] for s in several if any(s in own for own in values.values())}
    time = about.get("time_counts") or about.get("time") or reading.roles(results).get("time")
    return Courses(metrics, times, held, name(time, limit=60), f"{TRAJECTORIES if found is not None else ALPHA}.tsv")


def _metric(results: Results, key: str) -> dict[str, Any]:
    """Name a metric, and the limits of its reference interval where there is one."""
    metric = reading.metric(results, key)
    intervals = results.reference.intervals if results.reference is not None else ()
    interval = next((i for i in intervals if reading.at_level({"metric": i.metric, "level": i.level}) == key), None)
    limits = {} if interval is None else {k: None if missing(v := getattr(interval, k)) else charts.rounded(v) for k in ("lower", "upper")}
    return {"key": key, "label": metric.label, "axis": metric.axis, **limits}


def _several(results: Results) -> set[str]:
    """Return the samples of people who gave several."""
    metadata, role = results.metadata, str(reading.roles(results).get("subject", ""))
    if metadata is None or role not in metadata.columns:
        return set()
    people: dict[str, list[str]] = {}
    for sample, person in zip(metadata.ids, metadata.columns[role], strict=True):
        if person is not None:
            people.setdefault(person, []).append(sample)
    return {s for samples in people.values() if len(samples) > 1 for s in samples}


def _times(results: Results) -> dict[str, float]:
    """Return when samples were taken, where that is a number."""
    metadata, column = results.metadata, str(reading.roles(results).get("time", ""))
    if metadata is None or column not in metadata.columns or metadata.kinds.get(column) != "numeric":
        return {}
    return {s: float(c) for s, c in zip(metadata.ids, metadata.columns[column], strict=True) if c is not None}
