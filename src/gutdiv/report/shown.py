"""Which samples a page shows one by one, where a study has more than a page can hold: those that stand out, and a share of the others."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.wording import integer, listing, missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results, Table

FROM = 20_000  # samples up to which all are shown: some 30 MB
MOST = 15_000  # shown of more
FOREMOST = 10_000  # of them that stand out, at most
COLUMNS = 40  # of the metadata
VERDICT = "dysbiosis/verdicts"
_ORDER = {"outside": 0, "borderline": 1}


def everyone(results: Results) -> bool:
    """Whether the page shows all samples one by one."""
    return results.metadata is None or len(results.metadata.ids) <= FROM


@lru_cache(maxsize=2)
def thinned(results: Results) -> Results:
    """Return the results with those samples only that the page shows one by one; as they are where it shows all.

    First come samples outside and at the border of what controls are, the most unusual first; the rest is drawn by the names of the samples alone. What
    counts samples or rests on all of them is not made from this.
    """
    if results.metadata is None or everyone(results):
        return results
    verdicts = {str(r["sample_id"]): r for r in reading.rows(reading.table(results, VERDICT)) if str(r["verdict"]) in _ORDER}
    first = sorted(verdicts, key=lambda s: (_ORDER[str(verdicts[s]["verdict"])], 1.0 if missing(verdicts[s]["p"]) else float(verdicts[s]["p"]), s))
    chosen = set(first[:FOREMOST])
    others = sorted((s for s in results.metadata.ids if s not in chosen), key=_drawn)
    chosen |= set(others[: MOST - len(chosen)])
    tables = {place: _part(table, chosen) for place, table in results.tables.items()}
    return replace(results, tables=tables, metadata=results.metadata.select(tuple(s for s in results.metadata.ids if s in chosen)))


def some(results: Results, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of samples that the page shows one by one."""
    metadata = thinned(results).metadata
    if metadata is None or everyone(results):
        return rows
    chosen = set(metadata.ids)
    return [r for r in rows if str(r["sample_id"]) in chosen]


def evenly(results: Results, rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return as many rows, one a sample, drawn by the names alone: for pictures of a distribution, which samples that stand out would bend."""
    if everyone(results) or len(rows) <= MOST:
        return rows
    chosen = set(sorted((str(r["sample_id"]) for r in rows), key=_drawn)[:MOST])
    return [r for r in rows if str(r["sample_id"]) in chosen]


def note(results: Results) -> str:
    """Say which samples are shown; nothing where all are."""
    if results.metadata is None or everyone(results):
        return ""
    return (
        f"The page shows {integer(MOST)} of {integer(len(results.metadata.ids))} samples one by one: the {integer(FOREMOST)} most unusual at most, and a "
        "share of the others drawn by their names. Counts and tests are of all; the result files list every sample."
    )


def columns(results: Results) -> tuple[str, ...]:
    """Return the columns of the metadata that the page shows of each sample, in the order of the file."""
    return tuple(results.metadata.columns)[:COLUMNS] if results.metadata is not None else ()


def columns_note(results: Results) -> str:
    """Name the columns of the metadata that the page does not show; empty where it shows all."""
    rest = tuple(results.metadata.columns)[COLUMNS:] if results.metadata is not None else ()
    told = listing([name(c, limit=40) for c in rest], limit=12)
    return f"Only in cohort/metadata.tsv: {plural(len(rest), 'further column')} of the metadata ({told})." if rest else ""


def _drawn(sample: str) -> bytes:
    """Return what a sample is drawn by: made from its name alone, so that more samples change little."""
    return hashlib.blake2b(sample.encode(), digest_size=8).digest()


def _part(table: Table, chosen: set[str]) -> Table:
    """Return the rows of these samples, and those of no sample."""
    if "sample_id" not in table.frame.columns:
        return table
    kept = [s in chosen or s == "" for s in table.frame["sample_id"].astype(str)]
    return replace(table, frame=table.frame[kept].reset_index(drop=True))
