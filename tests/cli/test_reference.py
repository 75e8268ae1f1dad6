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


def test_controls_that_a_column_does_not_part_are_an_error_or_recorded(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = ("--cohort", results / "cohort" / "cohort.json", "--alpha", results / "alpha.tsv", "--controls", 'group == "healthy"')
    words = [str(w) for w in ("reference", "build", *cohort, "--output", tmp_path / "r.json", "--partition")]
    assert main([*words, "group"]) == 2
    assert "has 1 values among the" in capsys.readouterr().err
    run(*words, "group", "--untestable", "record")
    assert "has 1 values among the" in read_reference(tmp_path / "r.json").record["absent"]["partition"]
    assert main([*words, "grop", "--untestable", "record"]) == 2  # a slip is no group that cannot be tested
    assert "no column 'grop'" in capsys.readouterr().err


def test_taxa_are_flagged_with_the_limits_of_the_reference_and_the_rest_is_counted(results: Path) -> None:
    cohort = ("--cohort", results / "cohort" / "cohort.json", "--controls", 'group == "healthy"')
    measured = ("--alpha", results / "alpha.tsv", "--taxa", results / "taxa.tsv")
    run("dysbiosis", "flags", *cohort, *measured, "--output", results / "flags.tsv")
    table = read_table(results / "flags.tsv", "flags")
    alpha, taxa = table.frame[table.frame["metric"] == "shannon"], table.frame[table.frame["metric"] != "shannon"]
    samples = set(read_table(results / "alpha.tsv", "alpha").frame["sample_id"])
    assert set(alpha["sample_id"]) == samples
    assert not set(taxa["flag"]) & {"within", "not assessable"}
    assert "absent as in controls" in set(taxa["flag"])
    assert table.record["shown_only"] == ["log2_fb"]
    limits = {i.metric: i for i in read_reference(results / "reference.json").intervals}
    for metric, rows in taxa.groupby("metric"):
        whole = rows[rows["n_reference"] == limits[str(metric)].n]
        if len(whole):
            assert whole["upper"].iloc[0] == pytest.approx(limits[str(metric)].upper)
        assert sum(table.record["counts"][metric].values()) == len(samples)
    run("dysbiosis", "flags", *cohort, "--taxa", results / "taxa.tsv", "--output", results / "again.tsv")
    assert read_table(results / "again.tsv", "flags").frame["sample_id"].tolist() == taxa["sample_id"].tolist()


def test_flags_without_anything_to_flag_are_an_error(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dysbiosis", "flags", "--cohort", str(results / "cohort" / "cohort.json"), "--output", str(results / "x.tsv")]) == 2
    assert "nothing to flag" in capsys.readouterr().err


def test_indices_are_written_for_every_sample_and_do_not_depend_on_threads(results: Path) -> None:
    words = ("dysbiosis", "indices", "--cohort", results / "cohort" / "cohort.json", "--controls", 'group == "healthy"', "--depth", 1500)
    run(*words, "--threads", 1, "--output", results / "indices.tsv")
    table = read_table(results / "indices.tsv", "indices")
    assert table.frame.groupby("index").size().to_dict() == dict.fromkeys(("centroid_distance", "cloud", "mdi", "median_distance"), 241)
    assert [f["what"] for f in table.record["findings"]] == ["spread"]
    run(*words, "--threads", 2, "--output", results / "two.tsv")
    assert (results / "two.tsv").read_bytes() == (results / "indices.tsv").read_bytes()
    run("dysbiosis", "indices", "--cohort", results / "cohort" / "cohort.json", "--output", results / "none.tsv")
    nothing = read_table(results / "none.tsv", "indices")
    assert nothing.frame.empty
    assert set(nothing.record["absent"].values()) == {"no controls were declared (--controls)"}


def test_without_lineages_taxa_are_an_empty_table_that_references_and_flags_take(tmp_path: Path) -> None:
    run("cohort", "build", "--table", DATA / "table.biom", "--metadata", DATA / "metadata.tsv", "--output", tmp_path / "cohort")
    cohort = ("--cohort", tmp_path / "cohort" / "cohort.json")
    run("diversity", "taxa", *cohort, "--depth", 1500, "--output", tmp_path / "taxa.tsv")
    reason = {"taxa": "the cohort has no lineages, so that no taxon can be named"}
    assert read_table(tmp_path / "taxa.tsv", "taxa").record["absent"] == reason
    run("diversity", "alpha", *cohort, "--depth", 1500, "--metric", "shannon", "--draws", 2, "--output", tmp_path / "alpha.tsv")
    controls = ("--controls", 'group == "healthy"', "--taxa", tmp_path / "taxa.tsv")
    run("reference", "build", *cohort, *controls, "--alpha", tmp_path / "alpha.tsv", "--output", tmp_path / "reference.json")
    assert [i.metric for i in read_reference(tmp_path / "reference.json").intervals] == ["shannon"]
    run("dysbiosis", "flags", *cohort, *controls, "--output", tmp_path / "flags.tsv")
    flags = read_table(tmp_path / "flags.tsv", "flags")
    assert flags.frame.empty
    assert flags.record["absent"] == reason
    run("dysbiosis", "indices", *cohort, "--controls", 'group == "healthy"', "--depth", 1500, "--output", tmp_path / "indices.tsv")
    indices = read_table(tmp_path / "indices.tsv", "indices")
    assert set(indices.frame["index"]) == {"centroid_distance", "cloud", "median_distance"}
    assert indices.record["options"]["level"] == "feature"
    assert "no lineages" in indices.record["absent"]["mdi"]
