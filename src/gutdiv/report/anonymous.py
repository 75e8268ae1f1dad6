"""Results without the names of samples and subjects, for a page that is to be shared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.errors import ArtifactError
from gutdiv.report.pseudonyms import ALIGNMENT, PERSON, SAMPLE, Pseudonyms, known, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.results import Results, Table

TELLING = 0.5  # a column of words with more different values than this share of its samples may tell who is who
COUNTED = 0.9  # so may one of whole numbers, as of visits or of people, from this share on
_DAMAGED = "{} cannot be read. Rerun the step that makes it."  # an error's own words may repeat what a damaged file holds
_SENTENCE = re.compile(r"\W")  # a cell that may hold more than one word


def anonymised(results: Results) -> Results:
    """Return the results with samples and subjects numbered instead of named.

    Numbers follow a digest of the names and not their order. Names are replaced wherever a cell, an entry of a list in a cell, or an entry of a record is
    one, and within sentences and expressions, as in `subject in ["H001"]`; of the metadata only columns of measured numbers and of few words are kept,
    besides those that play a part. The list of what fell out (`cohort/alignment`) is left out, and so is what a damaged file holds.

    Raises
    ------
    ArtifactError
        Where the list of what fell out cannot be read, so that not all names are known.
    """
    if ALIGNMENT in results.unreadable:
        msg = f"{results.unreadable[ALIGNMENT]} Without it --anonymise does not know the names of samples that fell out."
        raise ArtifactError(msg)
    metadata = results.metadata
    samples, subjects = known(results)
    names = Pseudonyms({**numbered(PERSON, subjects), **numbered(SAMPLE, samples)})
    tables = {place: _table(t, names) for place, t in results.tables.items() if place != ALIGNMENT}
    reference = results.reference
    if reference is not None:
        reference = replace(reference, declared=names.within(reference.declared), record=names.through(reference.record))
    return replace(
        results,
        tables=tables,
        cohort=names.through(results.cohort),
        metadata=None if metadata is None else _metadata(metadata, names, results.cohort.get("roles") or {}),
        reference=reference,
        unreadable={names.within(place): names.within(_DAMAGED.format(place)) for place in results.unreadable},
    )


def _table(table: Table, names: Pseudonyms) -> Table:
    """Rename the cells that are names of samples or subjects, and the names within sentences."""
    frame = table.frame.copy()
    for column in frame.columns.intersection(["sample_id", "subject"]):
        frame[column] = [names.names.get(str(v)) or ";".join(map(names.whole, str(v).split(";"))) for v in frame[column]]
    for column in frame.columns.difference(["sample_id", "subject"]):
        if frame[column].dtype == object or str(frame[column].dtype).startswith("str"):
            told = {v: _told(v, names, column) for v in frame[column].unique() if isinstance(v, str) and _SENTENCE.search(v)}
            if any(v != new for v, new in told.items()):
                frame[column] = [told.get(v, v) if isinstance(v, str) else v for v in frame[column]]
    return replace(table, frame=frame, record=names.through(table.record))


def _told(cell: str, names: Pseudonyms, column: str) -> str:
    """Rename what a cell lists as JSON, or else says in words."""
    if cell[:1] in "[{":
        try:
            return json.dumps(names.through(json.loads(cell), column), ensure_ascii=False)
        except ValueError:  # mere text
            pass
    return names.within(cell)


def _metadata(metadata: SampleMetadata, names: Pseudonyms, roles: Mapping[str, Any]) -> SampleMetadata:
    """Keep columns that cannot tell who is who, and rename subjects."""
    kept: dict[str, tuple[str | None, ...]] = {}
    hidden = telling(metadata, roles)
    for column, cells in metadata.columns.items():
        if column == roles.get("subject"):
            kept[column] = tuple(None if c is None else names.whole(c) for c in cells)
        elif column not in hidden:
            mixed = column not in roles.values() and metadata.kinds[column] != "numeric"  # it may name others, as a mother
            kept[column] = tuple(None if c is None else names.within(c) for c in cells) if mixed else cells
    return replace(metadata, ids=tuple(names.whole(s) for s in metadata.ids), columns=kept, kinds={c: metadata.kinds[c] for c in kept})


def telling(metadata: SampleMetadata, roles: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of the metadata that may tell who is who: of many words, or of numbers that count; none of those that play a part."""
    found = []
    for column, cells in metadata.columns.items():
        words = {c for c in cells if c is not None}
        harmless = _measured(words, len(cells)) if metadata.kinds[column] == "numeric" else len(words) <= TELLING * len(cells)
        if column not in roles.values() and not harmless:
            found.append(column)
    return tuple(found)


def _measured(words: set[str], n: int) -> bool:
    """Whether a column of numbers measures something: whole numbers that are nearly all different count samples or people."""
    return len(words) <= COUNTED * n or not all(float(w).is_integer() for w in words)
