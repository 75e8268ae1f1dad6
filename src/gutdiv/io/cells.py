"""Rows of a delimited text: its text cells, and its numbers as one sparse matrix; walked by a kernel, or by Python where the text is short."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.text import not_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT = 4 << 20  # bytes: loading the kernel takes longer than Python needs for so many, compiling it for the first time much longer
_BLANKS = b" \t"

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Body:
    """The rows of a text table, and how they are written.

    Parameters
    ----------
    raw : bytes
        The whole file; lines end in LF.
    at : int
        Where the first row begins.
    delimiter : bytes
        One byte.
    source : str
        The file's name, for messages.
    """

    raw: bytes
    at: int
    delimiter: bytes
    source: str


@dataclass(frozen=True, eq=False)
class Walk:
    """What one walk over all rows found, some columns taken as text and all others as numbers.

    Parameters
    ----------
    body : Body
    text : (width,) bool array
        Which columns were taken as text.
    rows : (n_rows,) int64
        Where each row begins.
    blanks : (width, 2) int64
        Blank cells of each column of numbers, and the first row that has one.
    wrong : tuple of (int, int)
        Row and column of the cells of columns of numbers that are neither blank nor a number, in the order of the file.
    """

    body: Body
    text: npt.NDArray[np.bool_]
    rows: Offsets
    blanks: Offsets
    wrong: tuple[tuple[int, int], ...]
    _spans: Offsets | None = None  # of the text cells, where the kernel walked
    _counts: tuple[Offsets, Offsets] | None = None  # entries by column and by row, where the kernel walked
    _others: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    _entries: tuple[Any, Any, Any] | None = None  # rows, columns of numbers and values, where Python walked

    def cells(self, row: int) -> list[bytes]:
        """Return a row's cells without their quotation marks."""
        begin = int(self.rows[row])
        end = self.body.raw.find(b"\n", begin)
        return split_cells(self.body.raw[begin : end if end >= 0 else len(self.body.raw)], self.body.delimiter)

    def line(self, row: int) -> int:
        """Return the number of a row's line in the file, from 1 on."""
        return line_number(self.body.raw, int(self.rows[row]))

    def texts(self, column: int) -> list[str]:
        """Return the cells of a text column without quotation marks; raises InputError where one is no UTF-8."""
        if self._spans is None:
            return [self._decoded(self.cells(row)[column], row) for row in range(self.rows.size)]
        kept = int(np.count_nonzero(self.text[:column]))
        raw, delimiter = self.body.raw, self.body.delimiter
        return [
            self._decoded(split_cells(cell, delimiter)[0] if (cell := raw[begin:end])[:1] == b'"' else cell, row)
            for row, (begin, end) in enumerate(self._spans[: self.rows.size, kept].tolist())
        ]

    def _decoded(self, cell: bytes, row: int) -> str:
        """Decode one cell."""
        try:
            return cell.decode("utf-8")
        except UnicodeDecodeError as error:
            raise not_utf8(self.body.raw, int(self.rows[row]), self.body.source, "table") from error

    def matrix(self, *, samples_in_rows: bool) -> sparse.csr_matrix:
        """Return the numbers as (n_samples, n_features), lines as samples or as features; zeros may be stored."""
        width = int(np.count_nonzero(~self.text))
        shape = (self.rows.size, width) if samples_in_rows else (width, self.rows.size)
        if self._counts is None:
            rows, columns, values = self._entries or ((), (), ())
            at = (rows, columns) if samples_in_rows else (columns, rows)
            return sparse.csr_matrix((np.asarray(values, dtype=np.float64), at), shape=shape)
        from gutdiv.numerics.tokens import fill

        by_column, by_row = self._counts
        counts = by_row[: self.rows.size] if samples_in_rows else by_column[~self.text]
        indptr = np.concatenate([[0], np.cumsum(counts)])
        data, indices = np.empty(indptr[-1], dtype=np.float64), np.empty(indptr[-1], dtype=np.int32)
        place = np.cumsum(~self.text) - 1
        buffer = np.frombuffer(self.body.raw, dtype=np.uint8)
        fill(
            buffer,
            self.rows,
            self.body.delimiter[0],
            self.text,
            place,
            self._others,
            indptr[:-1].copy(),
            data,
            indices,
            lines_are_rows=samples_in_rows,
        )
        return sparse.csr_matrix((data, indices, indptr), shape=shape)


def walk(body: Body, text: Sequence[bool], *, compiled: bool | None = None) -> Walk:
    """Walk over all rows.

    Parameters
    ----------
    body : Body
    text : sequence of bool
        For each column whether it holds text; all others hold numbers.
    compiled : bool, optional
        Whether the kernel walks; default: where the text is longer than `SHORT`. Both find the same.

    Raises
    ------
    InputError
        Where a row has fewer cells than there are columns, or more (blank ones beyond them do not count).
    """
    if compiled is None:
        compiled = len(body.raw) - body.at > SHORT
    return (_walk_compiled if compiled else _walk_plain)(body, np.array(text, dtype=np.bool_))


def _walk_compiled(body: Body, text: npt.NDArray[np.bool_]) -> Walk:
    """Walk by the kernel; what it cannot read at sight is read here as float() reads it."""
    from gutdiv.numerics.tokens import survey

    raw = body.raw
    lines = raw.count(b"\n", body.at) + 1
    rows, by_row = np.zeros(lines, dtype=np.int64), np.zeros(lines, dtype=np.int64)
    by_column, blanks = np.zeros(text.size, dtype=np.int64), np.zeros((text.size, 2), dtype=np.int64)
    spans = np.zeros((lines, int(np.count_nonzero(text)), 2), dtype=np.int64)
    buffer = np.frombuffer(raw, dtype=np.uint8)
    n, sound, n_others, others = survey(buffer, body.at, body.delimiter[0], text, rows, spans, blanks, by_column, by_row)
    if not sound:
        _refuse_width(body, int(rows[n]), text.size)
    rows = rows[:n]
    values = np.zeros(n_others, dtype=np.float64)
    wrong = []
    for k, (begin, end) in enumerate(others[:n_others].tolist()):
        try:
            values[k] = number(raw[begin:end])
        except ValueError:
            row = int(np.searchsorted(rows, begin, side="right")) - 1
            wrong.append((row, len(split_cells(raw[rows[row] : begin], body.delimiter)) - 1))
    return Walk(body, text, rows, blanks, tuple(wrong), spans, (by_column, by_row), values)


def _walk_plain(body: Body, text: npt.NDArray[np.bool_]) -> Walk:
    """Walk line by line in Python."""
    numeric = np.flatnonzero(~text)
    first, last = (int(numeric[0]), int(numeric[-1]) + 1) if numeric.size else (0, 0)
    together = last - first == numeric.size
    begins: list[int] = []
    wrong: list[tuple[int, int]] = []
    found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
    blanks = np.zeros((text.size, 2), dtype=np.int64)
    at = body.at
    marks = _BLANKS + body.delimiter + b'"'
    for line in body.raw[body.at :].split(b"\n"):
        begin, at = at, at + len(line) + 1
        if not line.strip(marks):
            continue
        row = len(begins)
        begins.append(begin)
        cells = split_cells(line, body.delimiter)
        if len(cells) != text.size and (len(cells) < text.size or any(c.strip(_BLANKS) for c in cells[text.size :])):
            _refuse_width(body, begin, text.size)
        shown = cells[first:last] if together else [cells[c] for c in numeric]
        try:
            if b"_" in line:
                raise ValueError
            values = np.array(list(map(float, shown)), dtype=np.float64)
        except ValueError:
            values = np.zeros(numeric.size)
            for j, cell in enumerate(shown):
                if not cell.strip(_BLANKS):
                    blanks[numeric[j], 1] = row if blanks[numeric[j], 0] == 0 else blanks[numeric[j], 1]
                    blanks[numeric[j], 0] += 1
                    continue
                try:
                    values[j] = number(cell)
                except ValueError:
                    wrong.append((row, int(numeric[j])))
        filled = np.flatnonzero(values)
        found.append((filled, values[filled]))
    sizes = [f.size for f, _ in found]
    entries = (
        np.repeat(np.arange(len(found)), sizes),
        np.concatenate([f for f, _ in found]) if found else (),
        np.concatenate([v for _, v in found]) if found else (),
    )
    return Walk(body, text, np.array(begins, dtype=np.int64), blanks, tuple(wrong), _entries=entries)


def _refuse_width(body: Body, begin: int, width: int) -> None:
    """Refuse a row that has too few or too many cells."""
    end = body.raw.find(b"\n", begin)
    cells = split_cells(body.raw[begin : end if end >= 0 else len(body.raw)], body.delimiter)
    while len(cells) > width and not cells[-1].strip(_BLANKS):
        cells.pop()
    name = cells[0].decode("utf-8", "replace")[:60]
    line = line_number(body.raw, begin)
    msg = f"{body.source}, row {line} ({name!r}): {len(cells)} cells where the header has {width}. Mend the row."
    raise InputError(msg)


def line_number(raw: bytes, at: int) -> int:
    """Return the number of the line, from 1 on, in which a byte stands."""
    return raw.count(b"\n", 0, at) + 1


def number(cell: bytes) -> float:
    """Read a number as float() does, but for the underscores that float() passes over; raises ValueError elsewhere."""
    if b"_" in cell:
        raise ValueError
    return float(cell)


def split_cells(line: bytes, delimiter: bytes) -> list[bytes]:
    """Split a line into its cells, without quotation marks where a whole cell stands in them; `""` is one inside.

    A quotation mark that is not closed before the next delimiter or the end of the line is a letter like others: mothur writes such names.
    """
    if b'"' not in line:
        return line.split(delimiter)
    cells = []
    at = 0
    pattern = _cell_pattern(delimiter)
    while True:
        match = pattern.match(line, at)
        if match is None:  # pragma: no cover - the pattern matches the empty cell
            raise ValueError
        quoted = match[1]
        cells.append(match[2] if quoted is None else quoted.replace(b'""', b'"'))
        if match.end() >= len(line):
            return cells
        at = match.end() + 1


@lru_cache(maxsize=8)
def _cell_pattern(delimiter: bytes) -> re.Pattern[bytes]:
    """Return the pattern of one cell."""
    mark = re.escape(delimiter)
    return re.compile(rb'"((?:[^"]|"")*+)"(?=' + mark + rb"|\Z)|([^" + mark + rb"]*)", re.DOTALL)
