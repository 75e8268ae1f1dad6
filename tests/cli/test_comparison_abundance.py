"""`gutdiv comparison abundance` through its command line: a table with its record, the same bytes again, and what cannot be tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_table

DATA = Path(__file__).parents[2] / "test_data"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the cohort of the test data."""
    folder = tmp_path_factory.mktemp("cohort")
    words = ["--table", DATA / "table.biom", "--taxonomy", DATA / "taxonomy.tsv", "--metadata", DATA / "metadata.tsv", "--group", "group"]
    assert main([str(w) for w in ("cohort", "build", *words, "--output", folder)]) == 0
    return folder / "cohort.json"


def run(cohort: Path, output: Path, *words: Any) -> int:
    """Run the command."""
    return main([str(w) for w in ("comparison", "abundance", "--cohort", cohort, "--output", output, *words)])


def test_a_table_with_its_record_and_the_same_bytes_again(cohort: Path, tmp_path: Path) -> None:
    written = []
    for place in ("one", "two"):
        out = tmp_path / place / "abundance.tsv"
        assert run(cohort, out) == 0
        written.append((out.read_bytes(), out.with_suffix(".json").read_bytes()))
    assert written[0] == written[1]
    table = read_table(out, "abundance")
    assert len(table.frame)
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["options"]["rank"] == "genus"
    assert record["primary"] == "null curve"
    assert {f["what"] for f in record["findings"]} <= {"abundance_difference", "prevalence_difference"}


def test_an_unknown_column_stops_with_a_message_and_no_file(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "abundance.tsv"
    assert run(cohort, out, "--variable", "nothing") == 2
    assert "has no column 'nothing'" in capsys.readouterr().err
    assert not out.exists()
