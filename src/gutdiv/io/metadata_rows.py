"""Rows of sample metadata: a text split into cells, its header and directives found, and the column that holds the ids."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field

from gutdiv.errors import InputError, count_noun, first_ids

Rows = list[tuple[int, list[str]]]  # row number in the file, and cells

# QIIME 2's id headers (qiime2/metadata/base.py), and what R and other programs head a column of sample ids with.
_ID_HEADERS = {"id", "sampleid", "sample id", "sample-id", "featureid", "feature id", "feature-id"}
_ID_HEADERS_EXACT = {"#SampleID", "#Sample ID", "#OTUID", "#OTU ID", "sample_name"}
_LIKE_ID_HEADERS = {"sample", "sample_id", "sample.id", "samples", "#name"}
_DELIMITERS = {"\t": "text with tabs", ",": "text with commas", ";": "text with semicolons"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)  # the numbers that QIIME 2 accepts
# Which cells each scheme of `#q2:missing` takes for missing (qiime2/metadata/missing.py).
SCHEMES = {
    "blank": frozenset({""}),
    "no-missing": frozenset({""}),
    "INSDC:missing": frozenset({"", "not applicable", "missing", "not collected", "not provided", "restricted access"}),
}
_MEND = "Put the sample ids into the first column and head it 'sample-id'."


@dataclass
class MetadataRows:
    """A table taken apart.

    Parameters
    ----------
    names : list of str
        Names of the columns, without that of the ids.
    rows : list
        Row number, and the id followed by the cells, of each sample; short rows are not padded.
    types, schemes : dict of str to str
        What `#q2:types` and `#q2:missing` declare of columns.
    notes : list of str
        What was decided and the user should know.
    """

    names: list[str]
    rows: Rows
    types: dict[str, str] = field(default_factory=dict)
    schemes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def looks_numeric(cell: str) -> bool:
    """Whether a cell is written as a number by QIIME 2's rules: a decimal one, perhaps with an exponent."""
    return _NUMBER.match(cell) is not None


# ---------------------------------------------------------------- text
def text_rows(text: str, source: str) -> tuple[Rows, str]:
    """Split a text into rows of cells by the delimiter of its header, and name that; a row bears the number of its first line.

    A cell in quotation marks may hold delimiters and line breaks, as in QIIME 2 and in what spreadsheet programs write.

    Raises
    ------
    InputError
        Where a quotation mark is opened and not closed, or closed before its cell ends, naming the row.
    """
    csv.field_size_limit(1 << 30)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: Rows = []
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return rows, _DELIMITERS[delimiter]
        except csv.Error as error:
            line = text.split("\n", number)[number - 1]
            msg = (
                f"{source}, row {number} ({line[:60]!r}): a quotation mark is opened and not closed, or closed before its cell ends. "
                "Write two for one that belongs to the text, or delete it."
            )
            raise InputError(msg) from error
        if reader.line_num > number and any(_swallows(c, delimiter, len(rows[0][1]) if rows else 0) for c in cells):
            msg = (
                f"{source}, row {number}: a quotation mark is opened and not closed in this row; the next one stands some rows below, and "
                "all between would become one cell. Close it or delete it."
            )
            raise InputError(msg)
        rows.append((number, cells))


def _delimiter(text: str) -> str:
    """Tell the delimiter from the header, or from the first row that is no comment: tabs where it holds one, else what makes more cells."""
    for line in text.split("\n"):
        heads = (line.split(d)[0].strip().strip('"') for d in _DELIMITERS)
        if not line.strip() or (line.lstrip('" ').startswith("#") and not any(map(_is_id_header, heads))):
            continue
        bare = re.sub(r'"[^"]*"', "", line)
        if "\t" in bare or not ("," in bare or ";" in bare):
            return "\t"
        return ";" if bare.count(";") > bare.count(",") else ","
    return "\t"


def _swallows(cell: str, delimiter: str, width: int) -> bool:
    """Whether a cell with line breaks holds as many delimiters as whole rows do, as after a quotation mark that nobody closed."""
    breaks = cell.count("\n")
    return breaks > 0 and width > 1 and cell.count(delimiter) >= breaks * (width - 1)


# ---------------------------------------------------------------- header and ids
def take_apart(rows: Rows, source: str) -> MetadataRows:
    """Find the header, what directives declare, and which column holds the ids.

    Parameters
    ----------
    rows : list
        Row number and cells of each row, as in the file.
    source : str
        The file's name, for messages.

    Raises
    ------
    InputError
        Where there is no header, no column of ids, or a row or a directive that breaks QIIME 2's rules; with row and column.
    """
    stripped = ((n, [c.strip() for c in cells]) for n, cells in rows)
    rows = [(n, cells) for n, cells in stripped if any(cells)]
    at, strict = _header(rows, source)
    number, header = rows[at][0], _trimmed(rows[at][1])
    header[0] = header[0] if strict else header[0].lstrip("#")
    header, body, dropped = _without_row_numbers(header, rows[at + 1 :])
    table = MetadataRows(header[1:], [])
    if dropped:
        table.notes.append(
            f"{source}: the row numbers in the first column, as R writes them, were dropped; column {header[0]!r} holds the ids."
        )
    body = _directives(table, body, source)
    table.rows = [(n, cells) for n, cells in body if not cells[0].startswith("#")]
    _check_comments(table, body, len(header), source)
    if not table.rows:
        msg = f"{source} holds a header but no sample."
        raise InputError(msg)
    if not (strict or dropped):
        _plain_ids(table, header, number, source)
    _check_names(table.names, source)
    _check_rows(table, source)
    return table


def _is_id_header(name: str) -> bool:
    """Whether QIIME 2 takes a column so headed for the ids."""
    return name.lower() in _ID_HEADERS or name in _ID_HEADERS_EXACT


def _like_ids(name: str) -> bool:
    """Whether a column so headed holds ids without a doubt."""
    return _is_id_header(name) or name.lower() in _LIKE_ID_HEADERS


def _is_directive(cells: list[str]) -> bool:
    """Whether a row is a directive of QIIME 2, or of scikit-bio, which took over its format."""
    return cells[0].startswith(("#q2:", "#sk:"))


def _trimmed(cells: list[str]) -> list[str]:
    """Drop trailing empty cells."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _header(rows: Rows, source: str) -> tuple[int, bool]:
    """Find the header's place, and whether it is headed as ids are; else it is the first row that is no comment, or a `#NAME` row above it."""
    for at, (number, cells) in enumerate(rows):
        if _like_ids(cells[0]):
            return at, True
        if _is_directive(cells):
            msg = f"{source}, row {number}: the directive {cells[0][:60]!r} stands before the header. Put it right below it."
            raise InputError(msg)
        if not cells[0].startswith("#"):
            above = _trimmed(rows[at - 1][1]) if at else [""]
            commented = re.fullmatch(r"#\w[\w.-]*", above[0]) is not None and len(above) >= max(2, len(_trimmed(cells)))
            return at - commented, False
    msg = f"{source} has no header. Its first row must begin with 'sample-id'."
    raise InputError(msg)


def _without_row_numbers(header: list[str], body: Rows) -> tuple[list[str], Rows, bool]:
    """Drop R's row numbers before a column that is headed as ids, with an empty name above them or none."""
    samples = [cells for _, cells in body if not cells[0].startswith("#")]
    unnamed = len(header) > 1 and not header[0] and _like_ids(header[1])
    lacking = _like_ids(header[0]) and bool(samples) and all(len(c) == len(header) + 1 for c in samples)
    if not (unnamed or lacking) or [c[0] for c in samples] != [str(i) for i in range(1, len(samples) + 1)]:
        return header, body, False
    return header[1:] if unnamed else header, [(n, c if c[0].startswith("#") else c[1:]) for n, c in body], True


def _plain_ids(table: MetadataRows, header: list[str], number: int, source: str) -> None:
    """Take the first column for the ids where its cells are all different; say so, or say why not."""
    headed = f"headed {header[0][:60]!r}" if header[0] else "which has no name"
    if all(len(cells) == len(header) + 1 for _, cells in table.rows) and any(cells[-1] for _, cells in table.rows):
        table.names, headed = header, "which has no name"
        table.notes.append(
            f"{source}: the header is one cell shorter than the rows, as R writes it: the first column was taken for the sample ids."
        )
    elif len(header) < 2:
        msg = (
            f"{source}, row {number}: one column only, headed {header[0][:60]!r}; tabs, commas or semicolons must separate columns. {_MEND}"
        )
        raise InputError(msg)
    else:
        table.notes.append(f"{source}: the first column, {headed}, was taken for the sample ids; QIIME 2 wants it headed 'sample-id'.")
    seen: dict[str, int] = {}
    other = next((n for n in table.names if _like_ids(n)), None)
    for n, cells in table.rows:
        if cells[0] in seen:
            there = f" Column {other!r} is headed as sample ids are." if other else ""
            msg = f"{source}, row {n}: the first column, {headed}, repeats {cells[0][:60]!r} of row {seen[cells[0]]}: no sample ids.{there} {_MEND}"
            raise InputError(msg)
        seen[cells[0]] = n
    if other:
        msg = f"{source}, row {number}: the first column is the one {headed}, but column {other!r} is headed as sample ids are. {_MEND}"
        raise InputError(msg)
    if _is_sample(table):
        msg = (
            f"{source}, row {number}: this row seems to be a sample, for its cells stand in the columns below too. Put a header above it: "
            "'sample-id', and a name for each column."
        )
        raise InputError(msg)


def _is_sample(table: MetadataRows) -> bool:
    """Whether the header is but the first sample: each cell but the first stands in its own column too, or is a number above numbers."""
    for j, name in enumerate(table.names, start=1):
        column = {cells[j] for _, cells in table.rows if j < len(cells)} - {""}
        if not (name in column or (looks_numeric(name) and column and all(map(looks_numeric, column)))):
            return False
    return bool(table.names)


# ---------------------------------------------------------------- directives and rows
def _directives(table: MetadataRows, body: Rows, source: str) -> Rows:
    """Read the directives right below the header, and return what follows them."""
    seen: set[str] = set()
    while body and _is_directive(body[0][1]):
        number, cells = body[0]
        what = cells[0].split(" ")[0].partition(":")[2]
        if what not in ("types", "missing") or what in seen:
            twice = "stands twice" if what in seen else "is not known; '#q2:types' and '#q2:missing' are"
            msg = f"{source}, row {number}: the directive {cells[0][:60]!r} {twice}. Delete the row."
            raise InputError(msg)
        seen.add(what)
        _check_width(cells, len(table.names) + 1, source, number)
        for name, cell in zip(table.names, cells[1:], strict=False):
            if cell and what == "types":
                table.types[name] = _allowed(
                    cell.lower(), cell, ("categorical", "numeric"), f"{source}, row {number}: column {name!r} has the type"
                )
            elif cell:
                table.schemes[name] = _allowed(
                    cell, cell, tuple(SCHEMES), f"{source}, row {number}: column {name!r} has the scheme of missing values"
                )
        body = body[1:]
    return body


def _allowed(word: str, cell: str, words: tuple[str, ...], what: str) -> str:
    """Return a directive's word where it is one of those that are allowed."""
    if word in words:
        return word
    msg = f"{what} {cell[:60]!r}; {' or '.join(map(repr, words))} is expected."
    raise InputError(msg)


def _check_names(names: list[str], source: str) -> None:
    """Refuse empty, repeated and reserved column names."""
    for place, name in enumerate(names, start=2):
        if not name:
            msg = f"{source}: column {place} has no name in the header. Name it or delete it."
            raise InputError(msg)
        if names.index(name) != place - 2:
            msg = f"{source}: column name {name!r} stands twice (columns {names.index(name) + 2} and {place}). Rename one."
            raise InputError(msg)
        if _is_id_header(name):
            msg = f"{source}: column {place} is named {name!r}, a name kept for the sample ids of the first column. Rename it."
            raise InputError(msg)


def _check_width(cells: list[str], width: int, source: str, number: int) -> None:
    """Refuse a row that is longer than the header, unless its further cells are empty."""
    if any(cells[width:]):
        msg = f"{source}, row {number} ({cells[0][:60]!r}): {len(_trimmed(cells))} cells where the header has {width}. Mend the row."
        raise InputError(msg)


def _check_rows(table: MetadataRows, source: str) -> None:
    """Refuse rows without an id, with an id that stands already or is a header's name, with too many cells, and late directives."""
    seen: dict[str, int] = {}
    for number, cells in table.rows:
        identifier = cells[0]
        if not identifier:
            msg = f"{source}, row {number}: no sample id in the first column."
            raise InputError(msg)
        if _is_id_header(identifier):
            msg = f"{source}, row {number}: the sample id {identifier!r} is a name kept for headers. Delete the row, or rename the sample."
            raise InputError(msg)
        if identifier in seen:
            msg = (
                f"{source}, row {number}: sample id {identifier!r} stands already in row {seen[identifier]}. Keep one row for each sample."
            )
            raise InputError(msg)
        _check_width(cells, len(table.names) + 1, source, number)
        seen[identifier] = number


def _check_comments(table: MetadataRows, body: Rows, width: int, source: str) -> None:
    """Refuse directives below the samples; note comments that look like samples."""
    full = []
    for number, cells in body:
        if _is_directive(cells):
            msg = f"{source}, row {number}: the directive {cells[0][:60]!r} stands below other rows. Put it right below the header."
            raise InputError(msg)
        if cells[0].startswith("#") and width > 1 and len([c for c in cells if c]) >= max(2, width // 2):
            full.append(cells[0])
    if full:
        were = "was" if len(full) == 1 else "were"
        table.notes.append(
            f"{source}: {count_noun(full, 'row')} beginning with # ({first_ids(full)}) {were} taken for comments, as in QIIME 2."
        )
