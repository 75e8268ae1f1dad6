"""`gutdiv immune` from a cohort on disk to its tables and records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_table
from gutdiv.io.cohorts import write_cohort
from gutdiv.io.knowledge import COLUMNS, read_immune_taxa
from gutdiv.model.cohort import Cohort, Roles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> Path:
    """A cohort on disk: 60 samples of 45 subjects, with age and a marker."""
    rng = np.random.default_rng(21)
    counts = simulated(rng, 60).counts
    genera = ["Faecalibacterium", "Akkermansia", "Clostridioides", *[f"Genus {j:02d}" for j in range(3, 80)]]
    metadata = {
        "who": [f"P{i % 45}" for i in range(60)],
        "age": [str(20 + i % 50) for i in range(60)],
        "crp": [str(v) for v in rng.normal(size=60)],
    }
    made = cohort_of(counts, genera=genera, metadata=metadata, kinds={"who": "categorical", "age": "numeric", "crp": "numeric"})
    cohort = Cohort(
        made.sample_ids, made.feature_ids, made.counts, made.lineages, None, made.metadata, Roles(subject="who"), {"dialect": "plain"}
    )
    write_cohort(tmp_path / "cohort", cohort, [], name="small", about={})
    return tmp_path


def test_link_writes_table_and_record_and_takes_the_subject_from_the_cohort(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = folder / "links.tsv"
    words = [
        "immune",
        "link",
        "--cohort",
        str(folder / "cohort" / "cohort.json"),
        "--covariate",
        "age",
        "--marker",
        "crp",
        "--output",
        str(output),
    ]
    assert main(words) == 0
    table = read_table(output, "links")
    assert table.record["options"] == {"covariates": ["age"], "markers": ["crp"], "subject": "who"}
    assert table.record["judged_by"] == "jackknife over subjects"
    assert set(table.frame["test_family"]) == {"confirmatory", "exploratory", "marker:crp"}
    assert set(table.frame.loc[table.frame["test_family"] == "confirmatory", "taxon"]) == {"Faecalibacterium", "Akkermansia"}
    assert [i["role"] for i in table.record["inputs"]] == ["cohort"]
    assert "q < 0.1" in capsys.readouterr().err
    first = output.read_bytes(), output.with_suffix(".json").read_bytes()
    assert main(words) == 0
    assert (output.read_bytes(), output.with_suffix(".json").read_bytes()) == first


def test_match_writes_a_row_for_every_row_of_the_knowledge_base(folder: Path) -> None:
    output = folder / "matches.tsv"
    assert main(["immune", "match", "--cohort", str(folder / "cohort" / "cohort.json"), "--output", str(output)]) == 0
    table = read_table(output, "matches")
    assert len(table.frame) == 101
    matched = table.frame[table.frame["outcome"] == "matched"]
    assert set(matched["taxon"]) == {"Faecalibacterium", "Akkermansia"}
    assert table.record["rows_matched"] == 4


def test_a_cohort_without_lineages_gives_empty_links_and_the_reason(tmp_path: Path, cohort_of: Callable[..., Cohort]) -> None:
    write_cohort(tmp_path, cohort_of(np.full((20, 5), 300), lineages=False), [], name="bare", about={})
    assert main(["immune", "link", "--cohort", str(tmp_path / "cohort.json"), "--output", str(tmp_path / "links.tsv")]) == 0
    table = read_table(tmp_path / "links.tsv", "links")
    assert len(table.frame) == 0
    assert "no lineages" in table.record["absent"]["links"]
    assert main(["immune", "match", "--cohort", str(tmp_path / "cohort.json"), "--output", str(tmp_path / "matches.tsv")]) == 0
    assert "no lineages" in json.loads((tmp_path / "matches.json").read_text())["absent"]["matches"]


def test_the_knowledge_base_is_checked_by_a_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["immune", "check-knowledge"]) == 0
    assert "101 rows keep the rules" in capsys.readouterr().out
    broken = tmp_path / "own.tsv"
    broken.write_text("taxon\n", encoding="utf-8")
    assert main(["immune", "check-knowledge", "--knowledge", str(broken)]) == 2
    assert "the columns are" in capsys.readouterr().err


def test_an_unknown_covariate_is_refused_with_the_known_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["immune", "link", "--cohort", str(folder / "cohort" / "cohort.json"), "--covariate", "bmi", "--output", str(folder / "x.tsv")]
    assert main(words) == 2
    assert "'bmi'" in capsys.readouterr().err
    assert not (folder / "x.tsv").exists()


def test_a_users_genus_is_scored_beside_those_of_the_package(tmp_path: Path, cohort_of: Callable[..., Cohort]) -> None:
    genera: list[str | None] = ["Faecalibacterium", "Newgenus", *[f"Genus {j:02d}" for j in range(2, 8)]]
    write_cohort(tmp_path, cohort_of(np.full((6, 8), 400), genera=genera), [], name="small", about={})
    row = {**read_immune_taxa()[0], "row": "900", "taxon": "Newgenus", "genera": "Newgenus"}
    lines = ["\t".join(COLUMNS), "\t".join(row[c] for c in COLUMNS)]
    (tmp_path / "own.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["diversity", "taxa", "--cohort", str(tmp_path / "cohort.json"), "--depth", "1000", "--output", str(tmp_path / "taxa.tsv")]
    assert main([*words, "--add-knowledge", str(tmp_path / "own.tsv")]) == 0
    table = read_table(tmp_path / "taxa.tsv", "taxa")
    assert {"clr:Newgenus", "clr:Faecalibacterium"} <= set(table.frame["metric"])
    assert {"cohort", "add_knowledge"} == {i["role"] for i in table.record["inputs"]}
