"""`gutdiv cohort inspect`: what files are and how they fit, in under a screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.app import main

if TYPE_CHECKING:
    import pytest

DATA = Path(__file__).parents[2] / "test_data"


def test_four_files_are_told_apart_whatever_their_order_and_the_next_line_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["metadata.tsv", "tree.nwk", "table.biom", "taxonomy.tsv"]
    assert main(["cohort", "inspect", *(str(DATA / n) for n in names)]) == 0
    said = capsys.readouterr().out
    assert "table.biom: BIOM 2.1 (HDF5), 241 samples x 503 features" in said
    assert "dialect: silva" in said
    assert "table and tree: 503 features in both; 1 only in the tree ('ASV_0504')" in said
    assert "table and metadata: 240 samples in both; 1 only in the table ('S241'); 2 only in the metadata ('S242', 'S243')" in said
    last = said.splitlines()[-1]
    assert last.startswith("next: gutdiv run --table ")
    for option, name in (("taxonomy", "taxonomy.tsv"), ("tree", "tree.nwk"), ("metadata", "metadata.tsv")):
        assert f"--{option} {DATA / name}" in last
    assert len(said.splitlines()) < 24


def test_a_file_that_is_nothing_known_is_said_to_be_so_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("dear diary\n")
    assert main(["cohort", "inspect", str(tmp_path / "notes.txt")]) == 2
    assert "notes.txt: not understood. as taxonomy:" in capsys.readouterr().out


def test_a_classic_table_is_no_metadata_though_its_header_could_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "n.tsv").write_text("#OTU ID\ta\tb\nf1\t1\t2\nf2\t0\t3\n")
    (tmp_path / "m.tsv").write_text("sample-id\tx\na\t1\nc\t2\n")
    assert main(["cohort", "inspect", str(tmp_path / "m.tsv"), str(tmp_path / "n.tsv")]) == 0
    said = capsys.readouterr().out
    assert "n.tsv: classic TSV, 2 samples x 2 features" in said
    assert "table and metadata: 1 samples in both; 1 only in the table ('b'); 1 only in the metadata ('c')" in said
