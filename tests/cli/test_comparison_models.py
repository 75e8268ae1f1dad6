"""`gutdiv comparison model`, `longitudinal` and the options of `alpha`: files in, tables and records out, errors told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_table

DATA = Path(__file__).parents[2] / "test_data"


def run(*words: object) -> int:
    return main([str(w) for w in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the simulated cohort and measure it."""
    out = tmp_path_factory.mktemp("made")
    inputs = ["--table", DATA / "table.biom", "--metadata", DATA / "metadata.tsv"]
    assert run("cohort", "build", *inputs, "--group", "group", "--subject", "subject", "--time", "time", "--output", out / "cohort") == 0
    words = ["--cohort", out / "cohort" / "cohort.json", "--draws", 5, "--metric", "shannon", "--metric", "sobs"]
    assert run("diversity", "alpha", *words, "--output", out / "alpha.tsv") == 0
    assert run("diversity", "beta", "--cohort", out / "cohort" / "cohort.json", "--metric", "braycurtis", "--output", out / "bc.h5") == 0
    return out


def files(made: Path) -> list[object]:
    return ["--alpha", made / "alpha.tsv", "--cohort", made / "cohort" / "cohort.json"]


def test_a_model_goes_from_files_to_a_table_with_its_record(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.tsv"
    assert run("comparison", "model", *files(made), "--formula", "~ group", "--metric", "shannon", "--output", out) == 0
    table = read_table(out, "group_test")
    assert set(table.frame["metric"]) == {"shannon"}
    assert set(table.frame["part"]) == {"term", "coefficient"}
    assert table.frame["unit"].str.contains("subject").all()
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["options"] == {"formula": "~ group", "subject": "subject", "metric": ["shannon"]}
    assert [i["role"] for i in record["inputs"]] == ["alpha", "cohort"]
    again = tmp_path / "elsewhere" / "model.tsv"
    assert run("comparison", "model", *files(made), "--formula", "~ group", "--metric", "shannon", "--output", again) == 0
    assert (out.read_bytes(), out.with_suffix(".json").read_bytes()) == (again.read_bytes(), again.with_suffix(".json").read_bytes())


def test_courses_go_from_files_to_two_tables(made: Path, tmp_path: Path) -> None:
    words = ["comparison", "longitudinal", *files(made), "--distances", made / "bc.h5"]
    assert run(*words, "--output", tmp_path / "one") == 0
    courses, tests = read_table(tmp_path / "one" / "trajectories.tsv", "trajectories"), read_table(tmp_path / "one" / "tests.tsv", "group_test")
    assert set(courses.frame["metric"]) == {"shannon", "sobs", "braycurtis_from_baseline"}
    assert tests.frame["unit"].str.startswith("subject (subject").all()
    assert run(*words, "--output", tmp_path / "two") == 0
    for name in ("trajectories.tsv", "trajectories.json", "tests.tsv", "tests.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_is_no_time_or_cannot_be_tested_is_told(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("comparison", "longitudinal", *files(made), "--time", "group", "--output", tmp_path) == 2
    assert "no number and no date" in capsys.readouterr().err
    assert run("comparison", "model", *files(made), "--formula", "~ grup", "--output", tmp_path / "m.tsv") == 2
    assert "'grup'" in capsys.readouterr().err
    words = ["comparison", "longitudinal", *files(made), "--subject", "subject", "--time", "time"]
    assert run(*words, "--metric", "shanon", "--output", tmp_path) == 2
    assert "no metric 'shanon'" in capsys.readouterr().err


def test_alpha_takes_an_expression_welch_and_powers(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "alpha.tsv"
    words = ["--versus", 'group == "healthy"', "--test", "welch", "--transform", "shannon=2", "--transform", "sobs=0.5"]
    assert run("comparison", "alpha", *files(made), *words, "--output", out) == 0
    table = read_table(out, "group_test")
    assert table.frame["contrast"].tolist() == ['group == "healthy" - not (group == "healthy")'] * 2
    assert sorted(table.frame["transform"]) == ["shannon^2", "sobs^0.5"]
    assert table.record["options"]["transform"] == {"shannon": 2.0, "sobs": 0.5}


def test_a_power_that_is_none_is_refused_by_the_parser(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("comparison", "alpha", *files(made), "--transform", "shannon", "--output", tmp_path / "a.tsv")
    assert "'shannon' is not METRIC=POWER, as in shannon=2" in capsys.readouterr().err
