"""`gutdiv report` on result files: what lies in the folder stands in the page, and what is wrong is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_results import fake_results

from gutdiv.cli.app import main
from gutdiv.io.artifacts import record, write_json, write_reference, write_rows, write_table
from gutdiv.report.content import build
from gutdiv.report.render import render

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from gutdiv.model.results import Results
    from gutdiv.report.parts import Panel


def written(results: Results, folder: Path) -> Path:
    """Write results as the stages do, and return their folder."""
    write_json(folder / "cohort" / "cohort.json", dict(results.cohort))
    metadata = results.metadata
    assert metadata is not None
    cells = ([s, *(metadata.columns[c][i] for c in metadata.columns)] for i, s in enumerate(metadata.ids))
    write_rows(folder / "cohort" / "metadata.tsv", ["sample_id", *metadata.columns], cells)
    write_json(folder / "cohort" / "metadata.json", record("metadata", columns=dict(metadata.kinds)))
    for place, table in results.tables.items():
        write_table(folder / f"{place}.tsv", table)
    if results.reference is not None:
        write_reference(folder / "reference" / "reference.json", results.reference)
    return folder


def test_results_on_disk_become_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(fake_results(n=48), tmp_path / "demo")
    assert main(["report", "--results", str(folder), "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for part in ("Shannon entropy is lower in patient than in healthy", "Faecalibacterium", "assessed samples lie outside the reference"):
        assert part in page
    assert "could not be made" not in capsys.readouterr().err
    assert str(tmp_path) not in page


def test_the_page_does_not_depend_on_the_folder(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        folder = written(fake_results(n=24), tmp_path / name)
        assert main(["report", "--results", str(folder), "--output", str(tmp_path / f"{name}.html")]) == 0
        pages.append((tmp_path / f"{name}.html").read_bytes())
    assert pages[0] == pages[1]


def test_what_went_through_files_gives_the_page_of_what_did_not(tmp_path: Path) -> None:
    from dataclasses import replace

    from gutdiv.io.results import read_results

    results = fake_results(n=48, hostile=True)
    read = read_results(written(results, tmp_path / "demo"))
    kept = replace(read, knowledge=results.knowledge)
    assert render(build(kept)) == render(build(replace(results, name=str(results.cohort["name"]))))


def test_a_folder_without_results_is_refused_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--results", str(tmp_path), "--output", str(tmp_path / "page.html")]) == 2
    assert "holds no results of a cohort" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_a_panel_that_fails_is_named_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> Panel:
        msg = "nothing works"
        raise RuntimeError(msg)

    monkeypatch.setattr("gutdiv.report.content.PANELS", {"immune": broken})
    folder = written(fake_results(n=24), tmp_path / "demo")
    assert main(["report", "--results", str(folder), "--output", str(tmp_path / "page.html")]) == 0
    assert "'immune' could not be made" in capsys.readouterr().err


def test_an_index_tells_of_every_cohort_and_leads_to_its_report(tmp_path: Path) -> None:
    folders = [written(fake_results(n=24, hostile=h), tmp_path / "results" / name) for name, h in (("a", False), ("b c", True))]
    page = tmp_path / "results" / "index.html"
    assert main(["report", "--index", *map(str, folders), "--output", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "2 cohorts" in text
    assert 'href="a/report.html"' in text
    assert 'href="a/report.html#diversity"' in text
    assert 'href="b%20c/report.html"' in text
    assert "Shannon entropy" in text
    assert "<script>alert" not in text
    assert text.count("No pathogen is reported from a genus call") == 2, "findings name taxa"
    assert "Plotly.newPlot" not in text, "nothing is drawn here, so that plotly stays out"
    assert len(text) < 1_500_000
    assert main(["report", "--index", str(folders[0]), "--output", str(page), "--anonymise"]) == 2
