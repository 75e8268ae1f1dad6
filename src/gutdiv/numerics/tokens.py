"""Cells of a delimited text, walked byte by byte: one pass surveys the rows, one fills a sparse matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled

_NEWLINE, _QUOTE, _SPACE, _TAB, _POINT, _ZERO, _NINE = 10, 34, 32, 9, 46, 48, 57
_EXACT = 1 << 53  # whole numbers up to here are doubles
_POWERS = 10.0 ** np.arange(23)  # and so are powers of ten up to 10^22: the quotient of two of them is rounded once, as float() rounds
_NUMBER, _OTHER, _BLANK = 0, 1, 2  # what a cell is: a plain decimal, something to be looked at, nothing


@compiled
def _cell(buffer: npt.NDArray[np.uint8], at: int, delimiter: int) -> tuple[int, int, int]:
    """Find a cell's end (its delimiter, newline or the end) and its content without quotation marks.

    A cell is quoted where it begins with `"` and a closing one, before the newline, is followed by delimiter or end; `""` stands for one inside.
    Elsewhere quotation marks are letters like others.
    """
    n = buffer.size
    if at < n and buffer[at] == _QUOTE:
        j = at + 1
        while j < n and buffer[j] != _NEWLINE:
            if buffer[j] != _QUOTE:
                j += 1
            elif j + 1 < n and buffer[j + 1] == _QUOTE:
                j += 2
            elif j + 1 == n or buffer[j + 1] == delimiter or buffer[j + 1] == _NEWLINE:
                return j + 1, at + 1, j
            else:
                break
    j = at
    while j < n and buffer[j] != delimiter and buffer[j] != _NEWLINE:
        j += 1
    return j, at, j


@compiled
def _plain(buffer: npt.NDArray[np.uint8], at: int, stop: int) -> tuple[float, int]:
    """Read a plain decimal such as `12`, `12.0` or `0.5`, blanks around it allowed; what is no such, or not exact, is `_OTHER`."""
    while at < stop and (buffer[at] == _SPACE or buffer[at] == _TAB):
        at += 1
    while stop > at and (buffer[stop - 1] == _SPACE or buffer[stop - 1] == _TAB):
        stop -= 1
    if at == stop:
        return 0.0, _BLANK
    whole = np.int64(0)
    digits = 0
    fraction = 0
    point = False
    for j in range(at, stop):
        c = buffer[j]
        if c >= _ZERO and c <= _NINE:
            whole = whole * 10 + np.int64(c - _ZERO)
            digits += 1
            if point:
                fraction += 1
            if whole > _EXACT:
                return 0.0, _OTHER
        elif c == _POINT and not point:
            point = True
        else:
            return 0.0, _OTHER
    if digits == 0 or fraction > 22:
        return 0.0, _OTHER
    return (whole / _POWERS[fraction] if fraction else float(whole)), _NUMBER


@compiled
def survey(
    buffer: npt.NDArray[np.uint8],
    at: int,
    delimiter: int,
    text: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    spans: npt.NDArray[np.int64],
    blanks: npt.NDArray[np.int64],
    by_column: npt.NDArray[np.int64],
    by_row: npt.NDArray[np.int64],
) -> tuple[int, bool, int, npt.NDArray[np.int64]]:
    """Walk all rows once: where they begin, where their text stands, how many numbers are not 0, and which cells must be looked at.

    Parameters
    ----------
    buffer : (n_bytes,) uint8
        The file; lines end in LF.
    at : int
        Where the first row begins.
    delimiter : int
        The byte between cells.
    text : (width,) bool
        Which columns are text; the others hold numbers.
    rows : (n,) int64, written
        Where each row begins; room for every line of the file.
    spans : (n, n_text, 2) int64, written
        Where each cell of a text column begins and ends, with its quotation marks.
    blanks : (width, 2) int64, written
        Blank cells of each column of numbers, and the first row that has one.
    by_column, by_row : (width,), (n,) int64, written
        Plain numbers other than 0, and cells that must be looked at.

    Returns
    -------
    n_rows : int
        Rows walked; blank lines do not count.
    sound : bool
        False where the row after them has not `width` cells (blank cells beyond it do not count): the walk ended there.
    n_others : int
        Cells that are neither a plain number nor blank.
    others : (at least n_others, 2) int64
        Begin and end of the content of each of them, in the order of the file.
    """
    n, width = buffer.size, text.size
    others = np.empty((1024, 2), np.int64)
    n_others = 0
    row = 0
    while at < n:
        begin = at
        while at < n and (buffer[at] == _SPACE or buffer[at] == _TAB or buffer[at] == delimiter or buffer[at] == _QUOTE):
            at += 1
        if at >= n or buffer[at] == _NEWLINE:  # a blank line
            at += 1
            continue
        at = begin
        column = 0
        kept = 0
        sound = True
        while sound:
            while at + 1 < n and buffer[at] == _ZERO and buffer[at + 1] == delimiter and column < width and not text[column]:
                column += 1  # most cells of most tables
                at += 2
            stop, first, last = _cell(buffer, at, delimiter)
            if column < width and text[column]:
                spans[row, kept, 0] = at
                spans[row, kept, 1] = stop
                kept += 1
            else:
                value, kind = _plain(buffer, first, last)
                if column == width:
                    sound = kind == _BLANK
                elif kind == _BLANK:
                    if blanks[column, 0] == 0:
                        blanks[column, 1] = row
                    blanks[column, 0] += 1
                elif kind == _OTHER or value != 0.0:
                    by_column[column] += 1
                    by_row[row] += 1
                    if kind == _OTHER:
                        if n_others == others.shape[0]:
                            more = np.empty((2 * n_others, 2), np.int64)
                            for k in range(n_others):  # an assignment of slices would take seconds to compile
                                more[k, 0] = others[k, 0]
                                more[k, 1] = others[k, 1]
                            others = more
                        others[n_others, 0] = first
                        others[n_others, 1] = last
                        n_others += 1
            column += column < width
            at = stop + 1
            if stop >= n or buffer[stop] == _NEWLINE:
                break
        rows[row] = begin
        if not sound or column < width:
            return row, False, n_others, others
        row += 1
    return row, True, n_others, others


@compiled
def fill(
    buffer: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    delimiter: int,
    text: npt.NDArray[np.bool_],
    place: npt.NDArray[np.int64],
    others: npt.NDArray[np.float64],
    cursor: npt.NDArray[np.int64],
    data: npt.NDArray[np.float64],
    indices: npt.NDArray[np.int32],
    *,
    lines_are_rows: bool,
) -> None:
    """Walk all rows again and put every number that is not 0, and every cell that was looked at, into its place of a CSR matrix.

    Parameters
    ----------
    buffer, delimiter, text
        As in `survey`, without a row that has too few or too many cells.
    rows : (n_rows,) int64
        Where each row begins.
    place : (width,) int64
        Which column of numbers each column is.
    others : (n_others,) float64
        Values of the cells that were looked at, in the order of the file; a blank cell of a column of numbers counts as 0.
    cursor : (n,) int64, written
        The matrix's `indptr` without its last entry: where the next entry of each of its rows goes.
    data, indices : (nnz,), written
        Of the matrix; indices come out sorted.
    lines_are_rows : bool
        Whether the file's rows are the matrix's rows; otherwise its columns are.
    """
    seen = 0
    for row in range(rows.size):
        at = rows[row]
        for column in range(text.size):
            if at + 1 < buffer.size and buffer[at] == _ZERO and buffer[at + 1] == delimiter and not text[column]:
                stop = at + 1
            elif text[column]:
                stop, _, _ = _cell(buffer, at, delimiter)
            else:
                stop, first, last = _cell(buffer, at, delimiter)
                value, kind = _plain(buffer, first, last)
                if kind == _OTHER:
                    value = others[seen]
                    seen += 1
                if value != 0.0 or kind == _OTHER:
                    where = row if lines_are_rows else place[column]
                    to = cursor[where]
                    data[to] = value
                    indices[to] = place[column] if lines_are_rows else row
                    cursor[where] = to + 1
            at = stop + 1
