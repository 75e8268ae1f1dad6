"""Results without the names of samples and subjects, for a page that is to be shared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.report.wording import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.results import Results, Table

LEFT_OUT = "cohort/alignment"  # a list of ids and little else
TELLING = 0.5  # a column of words with more different values than this share of its samples may tell who is who
COUNTED = 0.9  # so may one of whole numbers, as of visits or of people, from this share on


def anonymised(results: Results) -> Results:
    """Return the results with samples and subjects numbered instead of named.

    Numbers follow a digest of the names and not their order. Names are replaced wherever a cell, an entry of a list in a cell, or an entry of a record is
    one; of the metadata only columns of measured numbers and of few words are kept, besides those that play a part. Names within a sentence stay where a
    stage wrote one; the only sentences with names of samples are reasons in `cohort/alignment`, which is left out.
    """
    metadata = results.metadata
    samples = {str(s) for t in results.tables.values() if "sample_id" in t.frame.columns for s in t.frame["sample_id"] if not missing(s)}
    samples |= set(metadata.ids) if metadata is not None else set()
    role = (results.cohort.get("roles") or {}).get("subject")
    subjects = {c for c in metadata.columns.get(role, ()) if c is not None} if metadata is not None and role else set()
    names = {**_numbered("person", subjects), **_numbered("sample", samples)}
    tables = {place: _table(t, names) for place, t in results.tables.items() if place != LEFT_OUT}
    return replace(
        results,
        tables=tables,
        cohort=_renamed(results.cohort, names),
        metadata=None if metadata is None else _metadata(metadata, names, results.cohort.get("roles") or {}),
    )


def _numbered(word: str, names: Iterable[str]) -> dict[str, str]:
    """Number names by their digests."""
    order = sorted(names, key=lambda s: hashlib.sha256(s.encode("utf-8", "surrogatepass")).digest())
    width = len(str(len(order)))
    return {s: f"{word} {i:0{width}d}" for i, s in enumerate(order, start=1)}


def _table(table: Table, names: Mapping[str, str]) -> Table:
    """Rename the cells that are names of samples or subjects."""
    frame = table.frame.copy()
    for column in frame.columns.intersection(["sample_id", "subject"]):
        frame[column] = [names.get(str(v), v) for v in frame[column]]
    for column in frame.columns:
        if frame[column].map(lambda v: isinstance(v, str) and v[:1] in "[{" and v != "").any():
            frame[column] = [_listed(v, names) for v in frame[column]]
    return replace(table, frame=frame, record=_renamed(table.record, names))


def _listed(cell: Any, names: Mapping[str, str]) -> Any:
    """Rename what a cell lists as JSON."""
    try:
        return json.dumps(_renamed(json.loads(cell), names), ensure_ascii=False)
    except (TypeError, ValueError):  # mere text
        return cell


def _metadata(metadata: SampleMetadata, names: Mapping[str, str], roles: Mapping[str, Any]) -> SampleMetadata:
    """Keep columns that cannot tell who is who, and rename subjects."""
    kept: dict[str, tuple[str | None, ...]] = {}
    for column, cells in metadata.columns.items():
        words = {c for c in cells if c is not None}
        if column == roles.get("subject"):
            kept[column] = tuple(None if c is None else names.get(c, c) for c in cells)
        elif column in roles.values() or (_measured(words, len(cells)) if metadata.kinds[column] == "numeric" else len(words) <= TELLING * len(cells)):
            kept[column] = cells
    return replace(metadata, ids=tuple(names[s] for s in metadata.ids), columns=kept, kinds={c: metadata.kinds[c] for c in kept})


def _measured(words: set[str], n: int) -> bool:
    """Whether a column of numbers measures something: whole numbers that are nearly all different count samples or people."""
    return len(words) <= COUNTED * n or not all(float(w).is_integer() for w in words)


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    """Rename every text of nested content that is a name."""
    if isinstance(content, str):
        return names.get(content, content)
    if isinstance(content, dict):
        return {names.get(k, k): _renamed(v, names) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(_renamed(v, names) for v in content)
    return content
