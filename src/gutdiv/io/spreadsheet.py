"""One sheet of an Excel workbook as rows of text cells, as Excel shows them; read as a stream and within limits."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

from gutdiv.errors import InputError, count_noun, first_ids

MAX_BYTES = 256 << 20  # of all parts of a workbook unpacked: more is taken for a bomb, not for metadata
MAX_CELLS = 20_000_000  # of the sheet, empty ones between filled ones included
MAX_ROWS = 1_048_576  # Excel's own
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_ZEROS = re.compile(r"^0+$")  # the number format of codes such as 00123


@dataclass(frozen=True)
class Sheet:
    """A sheet: `rows` as (row number, cells), empty cells as empty texts; what was detected; and what the user should know."""

    rows: list[tuple[int, list[str]]]
    format: str
    notes: tuple[str, ...]


def is_spreadsheet(raw: bytes) -> bool:
    """Whether bytes are a workbook by their first ones: a zip archive or an old Excel file."""
    return raw.startswith((_ZIP, _OLE))


def read_sheet(raw: bytes, source: str) -> Sheet:
    """Read the first visible sheet of an Excel workbook (.xlsx, .xlsm).

    Numbers become texts as Excel shows them in its general format (12, not 12.0; 15 significant digits), zeros in front where the cell's format
    asks for them; dates become `2026-01-31` or `2026-01-31T08:30:00`, truth values `TRUE` and `FALSE`, `#N/A` an empty cell. Of formulas
    the stored results count.

    Raises
    ------
    InputError
        Where the file is no such workbook or is beyond the limits, holds merged cells, a formula without a stored result, or an error value.
    """
    if raw.startswith(_OLE):
        msg = f"{source} is an old Excel file (.xls) or protected by a password. Save it as .xlsx without a password, or as text with tabs."
        raise InputError(msg)
    _check_archive(raw, source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of the workbook that are not read here
        try:
            return _read(raw, source)
        except InputError:
            raise
        except Exception as error:  # whatever openpyxl trips over, the file is not a workbook as Excel writes it
            msg = f"{source} cannot be read as an Excel workbook ({type(error).__name__}: {str(error)[:120]}). Save it again as .xlsx or as text."
            raise InputError(msg) from error


def _check_archive(raw: bytes, source: str) -> None:
    """Refuse what is no workbook, or unpacks to more than the limit; nothing is unpacked for that."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            names = {p.filename for p in parts}
            size = sum(p.file_size for p in parts)
            if "xl/workbook.xml" not in names:
                msg = f"{source} is a zip archive, but no Excel workbook. {_mend(names)}"
                raise InputError(msg)
            if size > MAX_BYTES:
                msg = f"{source} unpacks to {size:,} bytes, more than the {MAX_BYTES >> 20} MiB that are read of a workbook. Save the sheet as text with tabs."
                raise InputError(msg)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(part):
                    msg = f"{source}: its part {part.filename[:60]!r} declares a document type, which is not read. Save the sheet as text with tabs."
                    raise InputError(msg)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        msg = f"{source} is a damaged workbook ({str(error)[:120]}). Copy it again, or save the sheet as text with tabs."
        raise InputError(msg) from error


def _mend(names: set[str]) -> str:
    """Say what to do with a zip archive that is no workbook."""
    if any(n.endswith("/metadata.yaml") for n in names):
        return "It seems to be a QIIME 2 artifact: give the metadata as text (`qiime tools export`)."
    if "content.xml" in names:
        return "It seems to be an OpenDocument sheet: save it as .xlsx or as text with tabs."
    return "Give the metadata as text with tabs, as CSV or as .xlsx."


def _read(raw: bytes, source: str) -> Sheet:
    """Read the first visible sheet."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
    try:
        visible = [s for s in book.worksheets if s.sheet_state == "visible"]
        if not visible:
            msg = f"{source} holds no visible sheet."
            raise InputError(msg)
        sheet = visible[0]
        title = str(sheet.title)
        where = f"{source}, sheet {title[:60]!r}"
        _check_cells(raw, sheet._worksheet_path, where)
        sheet.reset_dimensions()  # what a file declares of its size is often wrong
        rows, total = [], 0
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            total += len(cells)
            if number > MAX_ROWS or total > MAX_CELLS:
                msg = f"{where} has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} cells. Delete what lies beyond the table, or save it as text with tabs."
                raise InputError(msg)
            rows.append((number, [_text(c, where) for c in cells]))
    finally:
        book.close()
    if not any(any(r) for _, r in rows):
        msg = f"{where} is empty. Put the table on the first sheet."
        raise InputError(msg)
    others = [str(s.title) for s in visible[1:]]
    notes = (f"{source}: the first sheet, {title[:60]!r}, was read; not {first_ids(others)}.",) if others else ()
    return Sheet(rows, f"spreadsheet, sheet {title[:60]!r}", notes)


def _check_cells(raw: bytes, part: str, where: str) -> None:
    """Refuse merged cells and formulas without a stored result, which a reader of values takes for empty cells."""
    bare: list[str] = []
    merged: list[str] = []
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, archive.open(part) as stream:
        for _, element in ElementTree.iterparse(stream):
            tag = element.tag.rpartition("}")[2]
            if tag == "row":
                bare += [c.get("r", "?") for c in element if _is_bare(c)]
                element.clear()
            elif tag == "mergeCell":
                merged.append(element.get("ref", "?"))
    if merged:
        msg = f"{where}: cells are merged ({first_ids(merged)}), so that only the first of them holds the value. Unmerge them and fill in every cell."
        raise InputError(msg)
    if bare:
        msg = (
            f"{where}: {count_noun(bare, 'formula')} without a stored result ({first_ids(bare)}). Open the file in a spreadsheet program and save it, "
            "or put values in the place of formulas."
        )
        raise InputError(msg)


def _is_bare(cell: ElementTree.Element) -> bool:
    """Whether a cell holds a formula and no result; a formula whose result is an empty text is marked as text."""
    parts = {child.tag.rpartition("}")[2]: child.text for child in cell}
    return "f" in parts and not parts.get("v") and cell.get("t") != "str"


def _text(cell: Any, where: str) -> str:
    """Write one cell as Excel shows it."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        if value == "#N/A":
            return ""
        msg = f"{where}: cell {cell.coordinate} holds the error {str(value)[:20]}. Mend the formula or empty the cell."
        raise InputError(msg)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return _number(value, str(cell.number_format))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value).replace("_x000D_", "")  # a carriage return, as Excel writes it


def _number(value: float, shown_as: str) -> str:
    """Write a number with 15 significant digits, as Excel keeps them; whole ones without a decimal point."""
    if value != int(value):
        return f"{value:.15g}"
    whole = int(value) if abs(value) < 1e15 else None
    if whole is None:
        return str(value) if isinstance(value, int) else f"{value:.15g}"
    return f"{whole:0{len(shown_as)}d}" if _ZEROS.match(shown_as) and whole >= 0 else str(whole)
