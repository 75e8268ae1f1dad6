"""Tables as text: features in rows or in columns, separated by tabs, commas or semicolons, perhaps with lineages and other columns beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io import headers
from gutdiv.io.cells import Walk, walk
from gutdiv.io.ranks import rank_columns
from gutdiv.io.raw import checked_table, lineage_text, lineage_texts
from gutdiv.io.text import open_bytes
from gutdiv.model.inputs import RawTaxonomy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scipy import sparse

    from gutdiv.io.headers import Header
    from gutdiv.model.inputs import RawTable

_WORDS = {b"\t": "classic TSV", b",": "CSV", b";": "text with semicolons"}


def read_text_table(path: Path, *, samples_in: str | None = None) -> RawTable:
    """Read a table of text.

    The first column holds ids. Columns of text, and those known by name (`taxonomy`, ranks, `sequence`, `confidence`, ...), at the edge of
    the counts are no samples: lineages and ranks become the taxonomy, the others are left out and named in the notes.

    Parameters
    ----------
    path : Path
    samples_in : {'rows', 'columns'}, optional
        Default: told from the names of rows and columns; where they say nothing, samples stand in columns.

    Raises
    ------
    InputError
        Naming line, row and sample: no table, a row of another width, a cell that is no number, ids that repeat.
    """
    if samples_in not in (None, "rows", "columns"):
        msg = f"--samples-in {samples_in!r} is not known: 'rows' or 'columns' is expected."
        raise InputError(msg)
    header = headers.find_header(open_bytes(path, "table"), path.name)
    in_rows, reason = (samples_in == "rows", "as demanded") if samples_in else headers.samples_in_rows(header)
    found = _walked_samples(header) if in_rows else _walked_features(header)
    values = found.matrix(samples_in_rows=in_rows)
    ids = [i if i.strip() else "" for i in found.texts(header.ids)]
    others = [n for n, text in zip(header.names, found.text, strict=True) if not text]
    if not others:
        msg = (
            f"{path.name} holds no counts: its columns {first_ids(header.names[header.ids + 1 :])} are text or describe features. "
            "Supply the table of counts."
        )
        raise InputError(msg)
    notes = []
    if not reason:
        in_rows, reason = _by_values(values)
        values = values.T.tocsr() if in_rows else values
    if in_rows and not samples_in:
        notes.append(f"{path.name}: samples were taken to stand in rows, as {reason} (--samples-in columns reads them otherwise)")
    elif not reason:
        notes.append(
            f"{path.name}: nothing says where samples stand; they were taken to stand in columns (--samples-in rows reads them otherwise)"
        )
    if header.ids:
        notes.append(f"{path.name}: the first column numbers the rows and was left out; ids stand in column {header.names[header.ids]!r}")
    samples, features = (ids, others) if in_rows else (others, ids)
    if padded := [i for i in (*samples, *features) if i != i.strip()]:
        notes.append(
            f"{path.name}: blanks stand around {count_noun(padded, 'id')} ({first_ids(padded, limit=3)}); they are part of the ids, "
            "which are compared letter for letter"
        )
    taxonomy, said, unused = _taxonomy(header, found, features)
    if unused:
        notes.append(f"{path.name}: columns that hold no counts were left out: {first_ids(unused, limit=12)}")
    _name_missing_header(samples, header)
    form = _WORDS[header.body.delimiter] + (", samples in rows" if in_rows else "") + said
    return checked_table(samples, features, values, source=path.name, format=form, taxonomy=taxonomy, notes=tuple(notes))


# ---------------------------------------------------------------- which columns are text
def _walked_features(header: Header) -> Walk:
    """Walk a table with features in rows: columns at both edges may be annotations; a wrong cell elsewhere is refused."""
    width = len(header.names)
    columns = [[r[c] if c < len(r) else "" for r in header.first] for c in range(width)]
    sure = [
        c > header.ids and (headers.known_annotation(n, columns[c]) or headers.are_lineages(filter(None, columns[c])))
        for c, n in enumerate(header.names)
    ]
    noted = [c > header.ids and (sure[c] or headers.holds_text(columns[c])) for c in range(width)]
    while True:
        text = _edges(noted, sure, header.ids)
        found = walk(header.body, text)
        more = _all_text(found, header)
        if not more:
            break
        noted = [was or c in more for c, was in enumerate(noted)]
        if _edges(noted, sure, header.ids) == text:
            break
    _refuse_wrong_cell(found, header)
    return found


def _edges(noted: Sequence[bool], sure: Sequence[bool], ids: int) -> list[bool]:
    """Keep the marks that hang together with an edge: at the end, or behind the ids as far as one is sure; a sample may hold nothing but text."""
    text = [c <= ids for c in range(len(noted))]
    for c in range(len(noted) - 1, ids, -1):
        if not noted[c]:
            break
        text[c] = True
    front = next((c for c in range(ids + 1, len(noted)) if not noted[c]), len(noted))
    for c in range(ids + 1, max((c + 1 for c in range(ids + 1, front) if sure[c]), default=0)):
        text[c] = True
    return text


def _all_text(found: Walk, header: Header) -> set[int]:
    """Return columns of numbers that turned out to hold no number at all, but text."""
    wrong = np.bincount(np.array([c for _, c in found.wrong], dtype=np.int64), minlength=found.text.size)
    suspects = np.flatnonzero((wrong > 0) & (wrong + found.blanks[:, 0] == found.rows.size)).tolist()
    sure = set()
    for c in suspects:
        rows = [r for r, column in found.wrong if column == c][:1000]
        if headers.holds_text([found.cells(r)[c].decode("utf-8", "replace").strip() for r in rows]):
            sure.add(c)
    unnamed = np.flatnonzero(found.blanks[:, 0] == found.rows.size).tolist()
    return sure | {c for c in unnamed if c == found.text.size - 1 and not header.names[c]}


def _walked_samples(header: Header) -> Walk:
    """Walk a table with samples in rows: all columns but the first are features."""
    found = walk(header.body, [c <= header.ids for c in range(len(header.names))])
    words = sorted(_all_text(found, header))
    if words:
        msg = (
            f"{found.body.source}: samples stand in rows, but {first_ids([header.names[c] for c in words])} "
            f"{'holds' if len(words) == 1 else 'hold'} text, no counts. If this is a table of counts, keep only features beside the sample ids and give "
            "what describes the samples with --metadata; if it describes samples, give it with --metadata itself."
        )
        raise InputError(msg)
    _refuse_wrong_cell(found, header)
    return found


def _refuse_wrong_cell(found: Walk, header: Header) -> None:
    """Name the first cell of a column of numbers that is blank or no number."""
    blank = [(int(row), c) for c, (n, row) in enumerate(found.blanks.tolist()) if n]
    bad = sorted([*found.wrong[:1], *blank])
    if not bad:
        return
    row, column = bad[0]
    cells = [c.decode("utf-8", "replace").strip() for c in found.cells(row)]
    where = f"{found.body.source}, row {found.line(row)} ({cells[header.ids][:60]!r})"
    name, cell = header.names[column], cells[column]
    numbers = found.rows.size - found.blanks[column, 0] - sum(c == column for _, c in found.wrong)
    commas = headers.has_commas(cell)
    if not commas and column == found.text.size - 1 and cell and column > header.ids + 1 and numbers:
        msg = f"{where}: the last column ({name!r}) mixes numbers and text ({cell[:60]!r}). Name it 'taxonomy' if it holds lineages, or mend the cell."
        raise InputError(msg)
    what = f"{cell[:60]!r}, which is no number" if cell else "empty"
    mend = "Write the read count, 0 where there is none."
    if cell and not numbers:
        mend = (
            f"The whole column {name!r} is text. Name it 'taxonomy' if it holds lineages, put other notes on features behind the counts, "
            "and give what describes samples with --metadata."
        )
    if commas:
        what += " for its comma"
        mend = "Write numbers without separators of thousands and with a decimal point (3.5, not 3,5; 4706, not 4,706)."
    msg = f"{where}, sample {name[:60]!r}: the cell is {what}. {mend}"
    raise InputError(msg)


# ---------------------------------------------------------------- ids, orientation, lineages
def _by_values(values: sparse.csr_matrix) -> tuple[bool, str]:
    """Tell orientation by shares: where each line sums to 1 or 100 and not each column does, lines are samples. Values: (columns, lines)."""
    if not values.nnz or np.all(values.data == np.round(values.data)):
        return False, ""
    columns, lines = (np.asarray(values.sum(axis=a)).ravel() for a in (1, 0))
    whole = [any(np.allclose(s[s > 0], total, rtol=0.02, atol=0) for total in (1, 100)) for s in (columns, lines)]
    return (True, "each row sums to the same whole") if whole == [False, True] else (False, "")


def _taxonomy(header: Header, found: Walk, features: list[str]) -> tuple[RawTaxonomy | None, str, list[str]]:
    """Return the taxonomy in the table, what the format says of it, and the names of the columns that were not used."""
    source = found.body.source
    places = {header.names[c].strip(): c for c in range(len(header.names) - 1, header.ids, -1) if found.text[c]}
    chosen = rank_columns(list(places))
    if not chosen:
        lineage = _unnamed_lineage(
            found, [c for n, c in places.items() if not headers.known_annotation(n, []) or headers.plain_name(n) in headers.LINEAGES]
        )
        chosen = {} if lineage is None else {"lineage": header.names[lineage].strip()}
    names = [n.strip() for n in header.names]
    unused = [names[c] for c in range(header.ids + 1, len(names)) if found.text[c] and names[c] not in chosen.values()]
    if "lineage" in chosen:
        texts = map(lineage_text, found.texts(places[chosen["lineage"]]))
        return lineage_texts(dict(zip(features, texts, strict=True)), source), f", lineages in column {chosen['lineage']!r}", unused
    if chosen:
        cells = zip(*([t.strip() or None for t in found.texts(places[n])] for n in chosen.values()), strict=True)
        taxonomy = RawTaxonomy(dict(zip(features, cells, strict=True)), tuple(chosen), source, "in the table")
        return taxonomy, f", ranks in columns {first_ids(chosen.values(), limit=8)}", unused
    if headers.are_lineages(features):
        return None, ", lineages as feature ids", unused  # `checked_table` takes them
    return None, "", unused


def _unnamed_lineage(found: Walk, columns: Sequence[int]) -> int | None:
    """Choose the column of lineages among columns of text whose names say nothing: the last that looks so, else the only one."""
    looks = [c for c in columns if headers.are_lineages(filter(None, found.texts(c)))]
    if looks:
        return looks[-1]
    words = [c for c in columns if not headers.are_sequences(filter(None, found.texts(c))) and any(found.texts(c))]
    return words[0] if len(words) == 1 else None


def _name_missing_header(samples: Sequence[str], header: Header) -> None:
    """Refuse a table whose first line is a row, not a header: its sample ids would be counts that repeat."""
    if len(set(samples)) < len(samples) and len(samples) > 1 and all(headers.is_number(s) for s in samples):
        msg = f"{header.body.source} seems to lack its header: the first line holds {first_ids(samples)} where sample ids are expected. Add a header line."
        raise InputError(msg)
