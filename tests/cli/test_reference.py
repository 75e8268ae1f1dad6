"""`gutdiv diversity taxa` and `gutdiv reference` on the simulated cohort: files, columns, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_reference, read_table

DATA = Path(__file__).parents[2] / "test_data"


def run(*words: object) -> None:
    assert main([str(w) for w in words]) == 0


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    inputs = ["--table", DATA / "table.biom", "--taxonomy", DATA / "taxonomy.tsv", "--metadata", DATA / "metadata.tsv"]
    run("cohort", "build", *inputs, "--group", "group", "--subject", "subject", "--time", "time", "--output", out / "cohort")
    cohort = ("--cohort", out / "cohort" / "cohort.json")
    run("diversity", "alpha", *cohort, "--depth", 1500, "--metric", "shannon", "--draws", 5, "--output", out / "alpha.tsv")
    run("diversity", "taxa", *cohort, "--depth", 1500, "--draws", 5, "--output", out / "taxa.tsv")
    measured = ("--alpha", out / "alpha.tsv", "--taxa", out / "taxa.tsv", "--controls", 'group == "healthy"')
    run(
        "reference", "build", *cohort, *measured, "--partition", "sex", "--outliers", out / "outliers.tsv", "--output", out / "reference.json"
    )
    run("reference", "check", *cohort, *measured, "--reference", out / "reference.json", "--output", out / "check.tsv")
    return out


def test_a_reference_holds_taxa_guilds_and_the_partition(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = read_reference(results / "reference.json")
    levels = {i.level for i in made.intervals}
    assert levels == {"feature", "genus", "guild", "phylum"}
    assert [i.metric for i in made.intervals if i.shown_only] == ["log2_fb"]
    assert {p.column for p in made.partitions} == {"sex"}
    assert any(i.lower is None and i.upper is not None and i.lower_absent for i in made.intervals)
    run("reference", "show", results / "reference.json")
    printed = capsys.readouterr().out
    assert "log2_fb (phylum) [shown only, never judged]" in printed
    assert "(Harris-Boyd)" in printed
    text = (results / "reference.json").read_text()
    assert not any(s in text for s in read_table(results / "alpha.tsv", "alpha").frame["sample_id"])


def test_a_reference_checked_on_its_own_controls_is_not_refuted(results: Path) -> None:
    found = read_table(results / "check.tsv", "reference_check").frame
    assert set(found["level"]) == {"feature", "genus", "guild", "phylum"}
    checked = found[found["verdict"] != "not checked"]
    assert (checked["verdict"] == "compatible").all()
    assert len(read_table(results / "outliers.tsv", "outliers").frame.columns) == 6


def test_a_reference_is_made_of_one_study_or_of_several_and_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference", "build", "--controls", "a == 1", "--output", str(tmp_path / "r.json")]) == 2
    assert "--cohort and --alpha missing" in capsys.readouterr().err
    sheet = tmp_path / "studies.tsv"
    sheet.write_text("name\tcohort\na\tb\n")
    both = ["reference", "build", "--studies", str(sheet), "--controls", "a == 1", "--output", str(tmp_path / "r.json")]
    assert main(both) == 2
    assert "--controls is for one study" in capsys.readouterr().err
    assert main(["reference", "build", "--studies", str(sheet), "--output", str(tmp_path / "r.json")]) == 2
    assert "lacks the column controls" in capsys.readouterr().err


def test_the_shipped_reference_is_shown_and_held_against_local_controls(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("reference", "show")
    printed = capsys.readouterr().out
    assert "Shannon at 1,000 reads, 8 studies" in printed
    assert "Goodrich 2014 Cell 159:789, UK" in printed
    cohort = ("--cohort", results / "cohort" / "cohort.json")
    run("reference", "check", *cohort, "--controls", 'group == "healthy"', "--output", results / "shipped.tsv")
    found = read_table(results / "shipped.tsv", "reference_check").frame
    assert found["metric"][0] == "portable score"
    assert len(found) == 1 + 7 + 29
    assert (found["n"] == found["n"][0]).all()
