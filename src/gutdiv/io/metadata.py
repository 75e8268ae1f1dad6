"""Sample metadata: TSV by QIIME 2's rules (id headers, comments, #q2:types, BOM, CRLF)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.artifacts import read_json
from gutdiv.io.text import read_whole_text
from gutdiv.model.cohort import SampleMetadata

# QIIME 2's id headers (qiime2/metadata/io.py), the same with an underscore, and what R and spreadsheets write.
_ID_HEADERS = {"id", "sampleid", "sample id", "sample-id", "sample_id", "sample", "featureid", "feature id", "feature-id"}
_ID_HEADERS_EXACT = {"#SampleID", "#Sample ID", "#OTUID", "#OTU ID", "sample_name"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")  # the numbers that QIIME 2 accepts
_MISSING = {"", "NA"}  # a blank, as in QIIME 2, and R's NA


def read_metadata(path: Path | str) -> SampleMetadata:
    """Read sample metadata; ids and cells stay the strings they were, blanks and R's `NA` are missing.

    A column is numeric where every cell that is not missing is a decimal number, unless a `#q2:types` line says otherwise. A file
    that gutdiv wrote keeps the kinds in its record.

    Raises
    ------
    InputError
        Naming row and column: no id header, repeated ids or columns, a row longer than the header, a type that does not fit.
    """
    path = Path(path)
    rows = _rows(read_whole_text(path, "sample metadata"), path.name)
    header = _header(rows, path.name)
    header_at = rows.index(header)
    names = _trimmed(header[1])[1:]
    _check_names(names, path.name)
    ids: list[str] = []
    columns: list[list[str | None]] = [[] for _ in names]
    declared: dict[str, str] = {}
    seen: dict[str, int] = {}
    for number, cells in rows[header_at + 1 :]:
        if cells[0].strip().lower() == "#q2:types":
            declared = _declared(names, cells[1:], path.name, number)
            continue
        if cells[0].startswith("#"):
            continue
        identifier = cells[0].strip()
        if not identifier:
            msg = f"{path.name}, row {number}: no sample id in the first column."
            raise InputError(msg)
        if identifier in seen:
            msg = f"{path.name}, row {number}: sample id {identifier!r} stands already in row {seen[identifier]}. Keep one row for each sample."
            raise InputError(msg)
        if any(c.strip() for c in cells[len(names) + 1 :]):
            msg = f"{path.name}, row {number} ({identifier!r}): {len(cells)} cells where the header has {len(names) + 1}. Mend the row."
            raise InputError(msg)
        seen[identifier] = number
        ids.append(identifier)
        for j in range(len(names)):
            cell = cells[j + 1].strip() if j + 1 < len(cells) else ""
            columns[j].append(None if cell in _MISSING else cell)
    if not ids:
        msg = f"{path.name} holds a header but no sample."
        raise InputError(msg)
    kinds = _kinds(path, names, columns, declared, ids)
    return SampleMetadata(tuple(ids), {n: tuple(c) for n, c in zip(names, columns, strict=True)}, kinds, path.name)


def _rows(text: str, source: str) -> list[tuple[int, list[str]]]:
    """Split into numbered rows of cells, a line at a time, so that no quote swallows rows; empty rows fall out."""
    csv.field_size_limit(1 << 30)
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            rows.append((number, next(csv.reader([line], delimiter="\t", strict=True), [])))
        except csv.Error as error:
            msg = f"{source}, row {number} ({line[:60]!r}): a quotation mark is opened and not closed on its line. Close it or delete it."
            raise InputError(msg) from error
    return [(n, r) for n, r in rows if any(c.strip() for c in r)]


def _header(rows: list[tuple[int, list[str]]], source: str) -> tuple[int, list[str]]:
    """Find the header: the first row that is no comment; its first cell must be an id header."""
    for number, cells in rows:
        first = cells[0].strip()
        if first.lower() in _ID_HEADERS or first in _ID_HEADERS_EXACT:
            return number, cells
        if not first.startswith("#"):
            comma = " The file seems to be comma-separated; save it with tabs." if len(cells) == 1 and "," in first else ""
            msg = f"{source}, row {number}: the first column is headed {first[:60]!r}, not as sample ids are. Name it 'sample-id'.{comma}"
            raise InputError(msg)
    msg = f"{source} has no header. Its first row must begin with 'sample-id'."
    raise InputError(msg)


def _trimmed(cells: list[str]) -> list[str]:
    """Strip cells and drop trailing empty ones."""
    cells = [c.strip() for c in cells]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _check_names(names: list[str], source: str) -> None:
    """Refuse empty and repeated column names."""
    for place, name in enumerate(names, start=2):
        if not name:
            msg = f"{source}: column {place} has no name in the header. Name it or delete it."
            raise InputError(msg)
        if names.index(name) != place - 2:
            msg = f"{source}: column name {name!r} stands twice (columns {names.index(name) + 2} and {place}). Rename one."
            raise InputError(msg)
        if name.lower() in _ID_HEADERS or name in _ID_HEADERS_EXACT:
            msg = f"{source}: column {place} is named {name!r}, a name kept for the sample ids of the first column. Rename it."
            raise InputError(msg)


def _declared(names: list[str], cells: list[str], source: str, number: int) -> dict[str, str]:
    """Read a `#q2:types` row."""
    declared = {}
    for name, cell in zip(names, cells, strict=False):
        kind = cell.strip().lower()
        if kind in ("categorical", "numeric"):
            declared[name] = kind
        elif kind:
            msg = f"{source}, row {number}: column {name!r} has the type {cell.strip()!r}; 'categorical' or 'numeric' is expected."
            raise InputError(msg)
    return declared


def _kinds(path: Path, names: list[str], columns: list[list[str | None]], declared: dict[str, str], ids: list[str]) -> dict[str, str]:
    """Tell numeric from categorical columns: as declared, as recorded, else by their cells."""
    beside = path.with_suffix(".json")
    recorded: dict[str, str] = {}
    if beside.exists():
        about = read_json(beside)
        recorded = about.get("columns", {}) if about.get("kind") == "metadata" else {}
    kinds = {}
    for name, cells in zip(names, columns, strict=True):
        wrong = [(i, c) for i, c in zip(ids, cells, strict=True) if c is not None and not _NUMBER.match(c)]
        kind = declared.get(name) or recorded.get(name)
        if kind == "numeric" and wrong:
            msg = (
                f"{path.name}: column {name!r} is declared numeric, but {count_noun(wrong, 'cell')} are not "
                f"(sample {wrong[0][0]!r}: {first_ids([c for _, c in wrong])}). Mend the cells or declare the column categorical."
            )
            raise InputError(msg)
        filled = any(c is not None for c in cells)
        kinds[name] = kind or ("numeric" if filled and not wrong else "categorical")
    return kinds
