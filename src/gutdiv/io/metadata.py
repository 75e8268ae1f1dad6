"""Sample metadata: text with tabs by QIIME 2's rules, and what people keep it in besides: CSV, tables written by R, spreadsheets."""

from __future__ import annotations

import math
from pathlib import Path

from gutdiv.errors import ArtifactError, InputError, count_noun, first_ids
from gutdiv.io.artifacts import read_json
from gutdiv.io.metadata_rows import SCHEMES, MetadataRows, looks_numeric, take_apart, text_rows
from gutdiv.io.spreadsheet import is_spreadsheet, read_sheet
from gutdiv.io.text import decode, open_bytes
from gutdiv.model.cohort import SampleMetadata

_USUAL = frozenset({"", "NA"})  # where no scheme is declared: a blank, as in QIIME 2, and R's NA
_MOSTLY = 0.8  # a column of text with at least this share of numbers is pointed out


def read_metadata(path: Path | str) -> SampleMetadata:
    """Read sample metadata: text with tabs, commas or semicolons, packed or not, or the first sheet of an Excel workbook.

    By QIIME 2's rules: the first column is headed by one of its id headers (`sample-id`, `#SampleID`, `id`, ...); rows that begin with `#` are
    comments; `#q2:types` and `#q2:missing` follow the header; cells are stripped, short rows padded, empty trailing columns dropped; a cell
    in quotation marks may hold line breaks, but not whole rows (QIIME 2 would take them in without a word). Ids and cells stay the strings
    they were. A column is numeric where every cell that is not missing is a decimal number (`01` and `1e5` too), unless `#q2:types` says
    otherwise. A blank is missing, and so is R's `NA` unless `#q2:missing` declares a scheme for the column; `nan`, `n/a`, `<5`, `1,5` and
    the like are text and make a column categorical.

    Where QIIME 2 would refuse, and the ids are plain to see, a note says what was done: a first column with another name, or with none, whose
    cells are all different holds the ids; a header one cell shorter than all rows is R's, which leaves out the name of the ids; row
    numbers of R before a column headed as ids are dropped. A file that gutdiv wrote keeps the kinds in its record.

    Raises
    ------
    InputError
        Naming row and column: no ids, repeated ids or columns, a row longer than the header, a cell that does not fit what a directive declares.
    """
    path = Path(path)
    raw = open_bytes(path, "sample metadata")
    notes: tuple[str, ...] = ()
    if is_spreadsheet(raw):
        sheet = read_sheet(raw, path.name)
        rows, found, notes = sheet.rows, sheet.format, sheet.notes
    else:
        rows, found = text_rows(decode(raw, path.name, "sample metadata"), path.name)
    table = take_apart(rows, path.name)
    recorded = _recorded(path)
    columns = _columns(table, path.name, own=bool(recorded))
    ids = tuple(cells[0] for _, cells in table.rows)
    words = {n: {c for c in set(cells) if c is not None and not _is_number(c)} for n, cells in columns.items()}
    kinds = {}
    for name, cells in columns.items():
        kinds[name] = table.types.get(name) or recorded.get(name) or ("categorical" if words[name] else "numeric")
        if kinds[name] == "numeric" and words[name]:
            _refuse_words(name, cells, words[name], ids, path.name)
    undeclared = {n: cells for n, cells in columns.items() if not recorded and n not in table.types}
    notes += (*table.notes, *_pointed_out(undeclared, words, path.name))
    return SampleMetadata(ids, {n: tuple(c) for n, c in columns.items()}, kinds, path.name, found, notes)


# ---------------------------------------------------------------- columns
def _columns(table: MetadataRows, source: str, *, own: bool) -> dict[str, list[str | None]]:
    """Return the cells of each column, None where they are missing by the column's scheme."""
    out: dict[str, list[str | None]] = {}
    for j, name in enumerate(table.names, start=1):
        scheme = table.schemes.get(name)
        missing = SCHEMES["blank"] if own else _USUAL if scheme is None else SCHEMES[scheme]
        cells = [row[j] if j < len(row) else "" for _, row in table.rows]
        out[name] = [None if c in missing else c for c in cells]
        if scheme == "no-missing" and None in out[name]:
            number, row = table.rows[out[name].index(None)]
            msg = f"{source}, row {number}: sample {row[0]!r} has no value in column {name!r}, declared 'no-missing'. Fill in the cell."
            raise InputError(msg)
    return out


def _is_number(cell: str) -> bool:
    """Whether QIIME 2 takes a cell for a number: a decimal one, and finite."""
    return looks_numeric(cell) and math.isfinite(float(cell))


def _refuse_words(name: str, cells: list[str | None], words: set[str], ids: tuple[str, ...], source: str) -> None:
    """Say which cells of a column that is declared numeric are no numbers."""
    wrong = [(i, c) for i, c in zip(ids, cells, strict=True) if c is not None and c in words]
    msg = (
        f"{source}: column {name!r} is declared numeric, but {count_noun(wrong, 'cell')} {'is' if len(wrong) == 1 else 'are'} not "
        f"(sample {wrong[0][0]!r}: {first_ids([c for _, c in wrong])}). Mend the cells or declare the column categorical."
    )
    raise InputError(msg)


def _recorded(path: Path) -> dict[str, str]:
    """Return the kinds of columns that gutdiv recorded beside a file of its own."""
    try:
        about = read_json(path.with_suffix(".json"))
    except ArtifactError:  # none there, or no record of ours
        return {}
    return dict(about.get("columns", {})) if about.get("kind") == "metadata" else {}


def _pointed_out(columns: dict[str, list[str | None]], words: dict[str, set[str]], source: str) -> list[str]:
    """Note columns that may have been meant otherwise: almost all numbers, numbers with commas, numbers with zeros in front."""
    almost, commas, codes = [], [], []
    for name, cells in columns.items():
        filled = [c for c in cells if c is not None]
        if words[name] and all(_is_number(c.replace(",", "")) for c in words[name]):
            commas.append(name)
        elif words[name] and sum(c in words[name] for c in filled) <= (1 - _MOSTLY) * len(filled):
            almost.append(f"{name[:40]!r} ({first_ids(sorted(words[name]), limit=3)})")
        elif not words[name] and any(c[0] == "0" and c[1:2].isdecimal() for c in filled):
            codes.append(name)
    out = []
    if almost:
        shown = ", ".join(almost[:5]) + (f" and {len(almost) - 5} more" if len(almost) > 5 else "")
        out.append(
            f"{source}: {count_noun(almost, 'column')} of numbers with other words among them {'is' if len(almost) == 1 else 'are'} categorical: {shown}."
        )
    if commas:
        out.append(
            f"{source}: numbers with commas are text, and their columns categorical ({first_ids(commas)}); write decimal points, and no marks for "
            "thousands."
        )
    if codes:
        out.append(
            f"{source}: numbers with zeros in front are numeric, as in QIIME 2 ({first_ids(codes)}); '#q2:types' can declare codes categorical."
        )
    return out
