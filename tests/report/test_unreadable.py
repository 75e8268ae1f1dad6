"""Damaged files: whatever cannot be read is left out and named on the page and on the command line, and all else is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_results import HOSTILE, fake_results
from fake_visits import visited
from test_cli import written

from gutdiv.cli.app import main
from gutdiv.errors import ArtifactError
from gutdiv.io import results as reading
from gutdiv.io.results import read_results
from gutdiv.report import unreadable
from gutdiv.report.anonymous import anonymised
from gutdiv.report.content import build
from gutdiv.report.panels import PANELS
from gutdiv.report.parts import Note
from gutdiv.report.render import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gutdiv.report.parts import Page


def cut(path: Path) -> None:
    """Leave the first 60 % of a file, up to within a row: the last tab goes too."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: int(len(text) * 0.6)].rpartition("\t")[0], encoding="utf-8")


def recolumned(path: Path) -> None:
    head, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{head.replace(head.split(chr(9))[1], '<b>other</b>', 1)}\n{rest}", encoding="utf-8")


def miscelled(path: Path) -> None:
    head, row, *rest = path.read_text(encoding="utf-8").split("\n")
    cells = row.split("\t")
    cells[head.split("\t").index("p")] = "S003"
    path.write_text("\n".join([head, "\t".join(cells), *rest]), encoding="utf-8")


DAMAGES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "a record is missing": ("comparison/alpha.json", lambda p: p.unlink(), "comparison/alpha.json is missing. Run the step that makes it first."),
    "a table is missing": ("dysbiosis/verdicts.tsv", lambda p: p.unlink(), "dysbiosis/verdicts.tsv is missing. Run the step that makes it first."),
    "a table is cut": ("comparison/abundance.tsv", cut, "cells where the header has"),
    "a table is empty": ("diversity/alpha.tsv", lambda p: p.write_text(""), "diversity/alpha.tsv is empty. Delete it and rerun the step that makes it."),
    "a record is cut": ("immune/links.json", cut, "immune/links.json is no readable JSON record"),
    "a column is another": ("dysbiosis/flags.tsv", recolumned, "dysbiosis/flags.tsv has '<b>other</b>' as column 2, where 'metric' is expected."),
    "a cell is no number": ("comparison/model.tsv", miscelled, "comparison/model.tsv, column 'p': a cell that is no float"),
    "a record is no text": ("diversity/depths.json", lambda p: p.write_bytes(b"\xff\xfe{"), "diversity/depths.json is no readable JSON record"),
    "a reference is cut": ("reference/reference.json", cut, "reference/reference.json is no readable JSON record"),
    "a reference lacks parts": ("reference/reference.json", lambda p: p.write_text('{"kind": "reference"}'), "is no whole reference"),
}


def alerts(page: Page, panel: str) -> list[Note]:
    """Return the alerts of a panel."""
    found = next(p for p in page.panels if p.key == panel)
    return [p for s in found.sections for p in s.parts if isinstance(p, Note) and p.kind == "alert"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_left_out_and_named_and_the_page_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    folder = written(fake_results(n=24), tmp_path / "demo")
    file, harm, told = DAMAGES[damage]
    harm(folder / file)
    read = read_results(folder)
    place = file.rpartition(".")[0]
    assert list(read.unreadable) == [place]
    assert told in read.unreadable[place]
    assert place not in read.tables
    assert str(tmp_path) not in read.unreadable[place]
    assert main(["report", "--results", str(folder), "--output", str(tmp_path / "page.html"), "--multiqc", str(tmp_path / "a_mqc.json")]) == 0
    said = capsys.readouterr().err
    assert told in said
    assert str(tmp_path / "page.html") in said
    assert "could not be made" not in said
    page = build(read)
    assert any(told in note.text for note in alerts(page, "overview"))
    panel = unreadable.panel_of(place)
    assert any(place in note.text and note.link is not None and note.link.href == "#overview-alerts" for note in alerts(page, panel))
    assert "<b>other</b>" not in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_single_part_can_be_damaged_and_no_panel_fails(tmp_path: Path) -> None:
    folder = written(fake_results(n=24), tmp_path / "demo")
    whole = read_results(folder)
    assert whole.unreadable == {}
    for place in whole.tables:
        without = replace(whole, tables={k: t for k, t in whole.tables.items() if k != place}, unreadable={place: f"{place}.tsv is damaged."})
        page = build(without)
        assert page.broken == {}, place
        assert any(note.text == f"{place}.tsv is damaged." for note in alerts(page, "overview"))


def test_all_parts_damaged_leave_a_page_that_lists_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(fake_results(n=24), tmp_path / "demo")
    kept = {"cohort/cohort.json", "cohort/metadata.json"}
    records = [p for p in folder.rglob("*.json") if str(p.relative_to(folder)) not in kept]
    for path in records:
        path.write_text("{")
    assert main(["report", "--results", str(folder), "--output", str(tmp_path / "page.html")]) == 0
    assert capsys.readouterr().err.count("The page is made without it.") == len(records)
    told = [n.text for n in alerts(build(read_results(folder)), "overview") if "readable JSON" in n.text or "cannot be read" in n.text]
    assert len(told) == unreadable.SHOWN
    assert told[-1].startswith(f"{len(records) - unreadable.SHOWN + 1} further results cannot be read: ")


@pytest.mark.parametrize("file", ["cohort/cohort.json", "cohort/metadata.tsv"])
def test_without_the_cohorts_own_record_or_metadata_there_is_no_page(tmp_path: Path, file: str) -> None:
    folder = written(fake_results(n=24), tmp_path / "demo")
    (folder / file).unlink()
    assert main(["report", "--results", str(folder), "--output", str(tmp_path / "page.html")]) == 2
    assert not (tmp_path / "page.html").exists()


def test_every_place_belongs_to_a_panel() -> None:
    assert {unreadable.panel_of(place) for place in (*reading._TABLES, "reference/reference")} <= set(PANELS)


def test_names_and_errors_of_files_are_text_and_no_markup() -> None:
    hostile: dict[str, Any] = {f"comparison/permanova/{h}": f"{h} is damaged." for h in HOSTILE}
    for some in (hostile, dict(list(hostile.items())[:2])):
        html = render(build(replace(fake_results(n=24), unreadable=some)))
        assert "<script>alert" not in html


def test_an_anonymised_page_repeats_nothing_of_a_damaged_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(visited(), tmp_path / "demo")
    table = folder / "immune" / "links.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("rank", "somebody-unknown", 1), encoding="utf-8")
    assert main(["report", "--results", str(folder), "--output", str(tmp_path / "page.html"), "--anonymise"]) == 0
    assert "somebody-unknown" in capsys.readouterr().err, "on the screen of who made the page, it stands"
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "somebody-unknown" not in text
    assert "immune/links cannot be read. Rerun the step that makes it." in text


def test_without_the_list_of_what_fell_out_nothing_can_be_anonymised() -> None:
    results = replace(fake_results(n=24), unreadable={"cohort/alignment": "cohort/alignment.json is missing."})
    with pytest.raises(ArtifactError, match="names of samples that fell out"):
        anonymised(results)


def test_an_index_says_of_which_cohort_a_result_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [written(fake_results(n=24), tmp_path / "results" / name) for name in ("a", "b")]
    (folders[1] / "immune" / "links.json").unlink()
    page = tmp_path / "results" / "index.html"
    assert main(["report", "--index", *map(str, folders), "--output", str(page)]) == 0
    assert f"{folders[1]}: immune/links.json is missing" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8").count("immune/links.json is missing") == 1
