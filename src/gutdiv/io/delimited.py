"""Tables as text: the classic form, features in rows and samples in columns, perhaps with lineages in the last column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.raw import checked_table, lineage_text, lineage_texts
from gutdiv.io.text import decode, open_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

_LINEAGE_HEADERS = {"taxonomy", "consensus lineage", "consensuslineage", "lineage", "taxon", "taxa"}
_FEATURE_HEADERS = {
    "#otu id",
    "#otuid",
    "otu id",
    "otuid",
    "#asv id",
    "#asv_id",
    "asv_id",
    "asv id",
    "feature id",
    "feature-id",
    "featureid",
    "feature_id",
    "#feature id",
}


def read_text_table(path: Path, *, samples_in: str | None = None) -> RawTable:
    """Read a classic table: features in rows, samples in columns, perhaps a trailing column of lineages."""
    lines = decode(open_bytes(path, "table"), path.name, "table").split("\n")
    at = _header_line(lines, path.name)
    header = [c.strip() for c in lines[at].rstrip("\t").split("\t")]
    body = [(n, line) for n, line in enumerate(lines[at + 1 :], start=at + 2) if line.strip()]
    if len(header) < 2 or not body:
        comma = " It seems to be comma-separated; save it with tabs." if "," in lines[at] and "\t" not in lines[at] else ""
        msg = f"{path.name} holds no table: a header line with sample ids and one line a feature are expected, separated by tabs.{comma}"
        raise InputError(msg)
    rows = [(n, line.split("\t")) for n, line in body]
    for number, cells in rows:
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(header):
            msg = f"{path.name}, row {number} ({cells[0][:60]!r}): {len(cells)} cells where the header has {len(header)}. Mend the row."
            raise InputError(msg)
    lineage = _has_lineages(header, rows, path.name)
    names = header[1:-1] if lineage else header[1:]
    features = [cells[0].strip() for _, cells in rows]
    last = len(header) - 1 if lineage else len(header)
    data: list[np.ndarray[Any, Any]] = []
    for number, cells in rows:
        try:
            data.append(np.array(cells[1:last], dtype=np.float64))
        except ValueError:
            _refuse_cell(cells[1:last], names, path.name, number, cells[0])
    values = sparse.csr_matrix(sparse.vstack([sparse.csr_matrix(r) for r in data]).T) if data else sparse.csr_matrix((0, 0))
    lineages = {f: lineage_text(cells[-1]) for f, (_, cells) in zip(features, rows, strict=True)} if lineage else None
    found = "classic TSV" + (f" with lineages in column {header[-1]!r}" if lineage else "")
    return checked_table(names, features, values, source=path.name, format=found, taxonomy=lineage_texts(lineages, path.name))


def _header_line(lines: Sequence[str], source: str) -> int:
    """Find the header: a line that names features first, else the last of the leading `#` lines, else the first line."""
    leading = 0
    while leading < len(lines) and (lines[leading].startswith("#") or not lines[leading].strip()):
        leading += 1
    for at in range(min(leading + 1, len(lines))):
        if lines[at].split("\t")[0].strip().lower() in _FEATURE_HEADERS:
            return at
    commented = [at for at in range(leading) if "\t" in lines[at]]
    if commented:
        return commented[-1]
    if leading >= len(lines):
        msg = f"{source} holds only comments; a header line with sample ids and one line a feature are expected."
        raise InputError(msg)
    return leading


def _is_number(cell: str) -> bool:
    """Whether a cell reads as a number (NaN included: it is refused later, by name)."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _has_lineages(header: Sequence[str], rows: Sequence[tuple[int, list[str]]], source: str) -> bool:
    """Tell whether the last column holds lineages: by its name, or because its filled cells are text."""
    if header[-1].lower() in _LINEAGE_HEADERS:
        return True
    filled = [cells[-1] for _, cells in rows if cells[-1].strip()]
    words = sum(not _is_number(c) for c in filled)
    if len(header) < 3 or words == 0:
        return False
    if words == len(filled):
        return True
    bad = next((n, c) for n, c in rows if c[-1].strip() and not _is_number(c[-1]))
    msg = (
        f"{source}, row {bad[0]} ({bad[1][0][:60]!r}): the last column ({header[-1]!r}) mixes numbers and text ({bad[1][-1][:60]!r}). "
        "Name it 'taxonomy' if it holds lineages, or mend the cell."
    )
    raise InputError(msg)


def _refuse_cell(cells: Sequence[str], names: Sequence[str], source: str, number: int, feature: str) -> None:
    """Name the first cell of a row that is no number."""
    column = next(j for j, c in enumerate(cells) if not _is_number(c))
    what = "empty" if not cells[column].strip() else f"{cells[column][:60]!r}, which is no number"
    msg = f"{source}, row {number} ({feature[:60]!r}), sample {names[column][:60]!r}: the cell is {what}. Write the read count, 0 where there is none."
    raise InputError(msg)
