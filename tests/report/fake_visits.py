"""A made-up study in which people came several times, with their names in a note, in a control expression and in a record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fake_results import fake_results
from fake_tables import table

if TYPE_CHECKING:
    from gutdiv.model.results import Results

DECLARED = 'subject in ["P0", "P1"] and sample_id not in ["S003"]'


def visited(n: int = 24) -> Results:
    """Build results of `n` samples, two a person, a week apart; beside them one more sample that fell out."""
    results = fake_results(n=n)
    metadata, alpha = results.metadata, results.tables["diversity/alpha"].frame
    assert metadata is not None
    weeks, people = tuple(str(i % 2) for i in range(n)), metadata.columns["subject"]
    metadata = replace(metadata, columns={**metadata.columns, "week": weeks}, kinds={**metadata.kinds, "week": "numeric"})
    when = {s: {"sample_id": s, "subject": people[i], "group": "", "time": float(weeks[i])} for i, s in enumerate(metadata.ids)}
    rows = [{**when[r.sample_id], "metric": r.metric, "value": r.value} for r in alpha.itertuples()]
    rows += [{**rows[i], "metric": "braycurtis_from_baseline", "value": 0.25} for i in range(1, n, 2)]
    notes = ["2 samples have fewer reads than the depth: 'S004', 'S017'; they are of 'P2' and P8"]
    verdicts = results.tables["dysbiosis/verdicts"]
    tables = {
        **results.tables,
        "comparison/longitudinal/trajectories": table("trajectories", rows, courses=[], time="week", time_counts="weeks"),
        "dysbiosis/verdicts": replace(verdicts, record={**verdicts.record, "notes": notes}),
    }
    assert results.reference is not None
    cohort = {**results.cohort, "roles": {**results.cohort["roles"], "time": "week"}}
    return replace(results, metadata=metadata, tables=tables, cohort=cohort, reference=replace(results.reference, declared=DECLARED))


def unjudged(n: int = 24) -> Results:
    """Build the same without controls: no verdicts, no flags and no reference."""
    results = visited(n)
    tables = {place: found for place, found in results.tables.items() if not place.startswith("dysbiosis/") and place != "immune/samples"}
    return replace(results, tables=tables, reference=None)
