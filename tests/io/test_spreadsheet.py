"""Sample metadata on the first sheet of a workbook: as Excel shows it, within limits, and refused where cells are not what they seem."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from gutdiv.errors import InputError
from gutdiv.io import spreadsheet
from gutdiv.io.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

SHEET = "xl/worksheets/sheet1.xml"


def workbook(rows: Sequence[Sequence[Any]], *, then: Callable[[Worksheet], None] = lambda sheet: None) -> Workbook:
    """Make a workbook of one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    then(sheet)
    return book


def saved(tmp_path: Path, book: Workbook) -> Path:
    """Save a workbook."""
    path = tmp_path / "m.xlsx"
    book.save(path)
    return path


def changed(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """Rewrite one part of a workbook by hand."""
    raw = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            text = old.read(info)
            new.writestr(info.filename, change(text.decode()) if info.filename == part else text)
    return path


def test_cells_are_written_as_excel_shows_them(tmp_path: Path) -> None:
    values = {
        "whole": 12, "whole float": 12.0, "fraction": 0.1, "sum": 0.1 + 0.2, "negative": -3.50, "large": 123456789012, "tiny": 1.5e-7,
        "truth": True, "text": "007", "blank": None, "spaces": "  a b ", "day": date(2026, 1, 31), "moment": datetime(2026, 1, 31, 8, 30),
        "midnight": datetime(2026, 1, 31), "clock": time(8, 30), "span": timedelta(hours=30, minutes=5), "na": "NA", "umlaut": "Müller",
    }  # fmt: skip
    found = read_metadata(saved(tmp_path, workbook([["sample-id", *values], ["s1", *values.values()]])))
    assert {name: cells[0] for name, cells in found.columns.items()} == {
        "whole": "12", "whole float": "12", "fraction": "0.1", "sum": "0.3", "negative": "-3.5", "large": "123456789012", "tiny": "1.5e-07",
        "truth": "TRUE", "text": "007", "blank": None, "spaces": "a b", "day": "2026-01-31", "moment": "2026-01-31T08:30:00",
        "midnight": "2026-01-31", "clock": "08:30:00", "span": "30:05:00", "na": None, "umlaut": "Müller",
    }  # fmt: skip
    assert found.kinds["whole"] == found.kinds["tiny"] == "numeric"
    assert found.format == "spreadsheet, sheet 'Sheet'"


def test_numeric_ids_and_codes_with_zeros_keep_their_form(tmp_path: Path) -> None:
    def form(sheet: Worksheet) -> None:
        for row in (2, 3):
            sheet.cell(row, 1).number_format = "00000"

    found = read_metadata(saved(tmp_path, workbook([["sample-id", "x"], [123, 1], [45, 2]], then=form)))
    assert found.ids == ("00123", "00045")


def test_qiime_2s_rules_hold_in_a_sheet_too(tmp_path: Path) -> None:
    rows = [
        ["# a comment"],
        [],
        ["#SampleID", "age", "code", None],
        ["#q2:types", "numeric", "categorical"],
        ["s1", 40, 1],
        ["s2", None, 2],
    ]
    found = read_metadata(saved(tmp_path, workbook(rows)))
    assert (found.ids, found.columns) == (("s1", "s2"), {"age": ("40", None), "code": ("1", "2")})
    assert found.kinds == {"age": "numeric", "code": "categorical"}


def test_errors_name_the_row_of_the_sheet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"m\.xlsx, row 4: sample id 's1' stands already in row 2"):
        read_metadata(saved(tmp_path, workbook([["id", "x"], ["s1", 1], [], ["s1", 2]])))


def test_the_first_visible_sheet_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    book = workbook([["hidden"]])
    book.active.sheet_state = "hidden"
    for title, rows in (("Samples", [["id", "x"], ["s1", 1]]), ("Codes", [["a", "b"]])):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    found = read_metadata(saved(tmp_path, book))
    assert found.ids == ("s1",)
    assert found.notes == ("m.xlsx: the first sheet, 'Samples', was read; not 'Codes'.",)


def test_a_workbook_is_told_by_its_bytes_and_may_be_packed(tmp_path: Path) -> None:
    path = saved(tmp_path, workbook([["id", "x"], ["s1", 1]]))
    other = tmp_path / "metadata.tsv.gz"
    other.write_bytes(gzip.compress(path.read_bytes()))
    assert read_metadata(other).ids == ("s1",)


def test_merged_cells_are_refused(tmp_path: Path) -> None:
    book = workbook([["id", "x"], ["s1", "case"], ["s2", None]], then=lambda sheet: sheet.merge_cells("B2:B3"))
    with pytest.raises(InputError, match=r"sheet 'Sheet': cells are merged .'B2:B3'.*Unmerge them"):
        read_metadata(saved(tmp_path, book))


def test_a_formula_counts_by_its_stored_result_and_is_refused_without_one(tmp_path: Path) -> None:
    path = saved(tmp_path, workbook([["id", "x", "y"], ["s1", "=1+1", 2], ["s2", ArrayFormula("B3", "=SUM(C2:C3)"), 3]]))
    with pytest.raises(InputError, match=r"2 formulas without a stored result .'B2', 'B3'.*save it"):
        read_metadata(path)
    stored = changed(path, SHEET, lambda x: x.replace("<v/>", "<v>2</v>").replace("<v />", "<v>2</v>").replace("<v></v>", "<v>2</v>"))
    assert read_metadata(stored).columns["x"] == ("2", "2")


def test_an_empty_text_as_a_formulas_result_is_an_empty_cell(tmp_path: Path) -> None:
    path = saved(tmp_path, workbook([["id", "x"], ["s1", '=IF(1=2,"a","")']]))
    text = changed(path, SHEET, lambda x: x.replace('<c r="B2">', '<c r="B2" t="str">'))
    with zipfile.ZipFile(text) as archive:
        assert b't="str"' in archive.read(SHEET)
    assert read_metadata(text).columns["x"] == (None,)


def test_errors_of_formulas_are_refused_but_not_available_is_missing(tmp_path: Path) -> None:
    assert read_metadata(saved(tmp_path, workbook([["id", "x"], ["s1", "#N/A"], ["s2", 1]]))).columns["x"] == (None, "1")
    with pytest.raises(InputError, match="cell B2 holds the error #DIV/0!"):
        read_metadata(saved(tmp_path, workbook([["id", "x"], ["s1", "#DIV/0!"]])))


# ---------------------------------------------------------------- hostile and broken files
def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, workbook([["id", "x"], ["s1", 1]]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(3 << 20))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(spreadsheet, "MAX_BYTES", 2 << 20)
    monkeypatch.setattr(spreadsheet, "_read", lambda raw, source: pytest.fail("it was opened"))
    with pytest.raises(InputError, match=r"unpacks to .* bytes, more than the 2 MiB"):
        read_metadata(path)


@pytest.mark.parametrize("change", [('<row r="2"', '<row r="99999999999"'), ('r="B2"', 'r="ZZZ2"')])
def test_cells_far_away_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str]) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_CELLS", 10_000)
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 5_000)
    path = changed(saved(tmp_path, workbook([["id", "x"], ["s1", 1]])), SHEET, lambda x: x.replace(*change))
    with pytest.raises(InputError, match="more than 5,000 rows or 10,000 cells"):
        read_metadata(path)


def test_a_size_that_a_sheet_declares_wrongly_does_not_matter(tmp_path: Path) -> None:
    path = saved(tmp_path, workbook([["id", "x"], ["s1", 1]]))
    assert read_metadata(changed(path, SHEET, lambda x: x.replace('ref="A1:B2"', 'ref="A1:XFD1048576"'))).ids == ("s1",)
    assert read_metadata(changed(path, SHEET, lambda x: x.replace('ref="A1:XFD1048576"', 'ref="A1"'))).ids == ("s1",)


def test_entities_that_grow_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    path = saved(tmp_path, workbook([["id", "x"], ["s1", 1]]))
    with pytest.raises(InputError, match=r"its part 'xl/worksheets/sheet1\.xml' declares a document type"):
        read_metadata(changed(path, SHEET, lambda x: bomb + x))


def archive(*names: str) -> bytes:
    """Make a zip archive of empty files."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as made:
        for name in names:
            made.writestr(name, "")
    return raw.getvalue()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel file .*or protected by a password"),
        (archive("content.xml", "mimetype"), "no Excel workbook. It seems to be an OpenDocument sheet: save it as .xlsx"),
        (archive("1234/metadata.yaml", "1234/data/x"), "no Excel workbook. It seems to be a QIIME 2 artifact"),
        (archive("a.txt"), "no Excel workbook. Give the metadata as text"),
        (b"PK\x03\x04 and then nothing of the kind", "a damaged workbook"),
        (archive("xl/workbook.xml", "[Content_Types].xml"), "cannot be read as an Excel workbook"),
    ],
)
def test_what_is_no_workbook_is_refused_with_the_way_out(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "m.xlsx"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=said):
        read_metadata(path)


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sheet 'Sheet' is empty"):
        read_metadata(saved(tmp_path, workbook([])))


def test_real_metadata_saved_by_a_spreadsheet_program_is_the_same_as_its_text(tmp_path: Path) -> None:
    # a table of 800 rows as text and as a workbook whose numbers are numbers: the same cells
    rows = [
        ["sample-id", "age", "bmi", "site"],
        *([f"S{i:03d}", 20 + i % 60, round(18 + i / 37, 2), "gut" if i % 3 else None] for i in range(800)),
    ]
    text = tmp_path / "m.tsv"
    text.write_text("\n".join("\t".join("" if c is None else str(c) for c in r) for r in rows), encoding="utf-8")
    a, b = read_metadata(text), read_metadata(saved(tmp_path, workbook(rows)))
    # 18.0 is shown as 18
    assert (a.ids, a.kinds) == (b.ids, b.kinds)
    assert {n: tuple(c and c.removesuffix(".0") for c in cells) for n, cells in a.columns.items()} == b.columns
