"""The commands of diversity within samples: depths, curves, standards and alpha, on the simulated cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_table

DATA = Path(__file__).parents[2] / "test_data"


def run(*words: object) -> None:
    assert main([str(w) for w in words]) == 0


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    inputs = [
        "--table",
        DATA / "table.biom",
        "--taxonomy",
        DATA / "taxonomy.tsv",
        "--tree",
        DATA / "tree.nwk",
        "--metadata",
        DATA / "metadata.tsv",
    ]
    run("cohort", "build", *inputs, "--group", "group", "--output", out)
    return out / "cohort.json"


def test_depths_are_weighed_with_losses_and_correlations(cohort: Path, tmp_path: Path) -> None:
    run("diversity", "depth", "--cohort", cohort, "--depth", 7777, "--output", tmp_path / "depths.tsv")
    table = read_table(tmp_path / "depths.tsv", "depths")
    assert table.record["depth"] == 7777
    assert table.record["verdict_depths"] == {"in-study": 7777, "aligned": 1000}
    assert table.record["loss_test"] == "Fisher's exact test"
    row = table.frame.set_index("depth").loc[7777]
    assert not row["chosen"], "`chosen` is what auto takes"
    lost = table.record["lost"]["7777"]
    assert sum(lost.values()) <= len(table.record["groups"]) * 10
    assert abs(row["rho_sobs"]) < 0.15 < row["rho_sobs_before"]


def test_curves_reach_from_one_read_to_each_samples_own_number(cohort: Path, tmp_path: Path) -> None:
    run("diversity", "curves", "--cohort", cohort, "--points", 8, "--threads", 1, "--output", tmp_path / "curves.tsv")
    table = read_table(tmp_path / "curves.tsv", "curves")
    groups = table.frame[table.frame["sample_id"] == ""]
    assert set(groups["group"]) == {"", "healthy", "patient"}
    assert table.record["depth"] in set(groups["depth"])
    assert table.frame["sample_id"].nunique() == 242


def test_standards_state_their_coverage(cohort: Path, tmp_path: Path) -> None:
    run("diversity", "standards", "--cohort", cohort, "--level", "genus", "--output", tmp_path / "standards.tsv")
    table = read_table(tmp_path / "standards.tsv", "standards")
    assert set(table.frame["level"]) == {"genus"}
    assert set(table.frame["standard"]) == {"none", "depth", "coverage"}
    assert 0.9 < table.record["coverage"] < 1


def test_both_levels_stand_in_one_table_with_the_reasons_of_each(cohort: Path, tmp_path: Path) -> None:
    words = ["--metric", "sobs", "--metric", "faith_pd", "--metric", "phylo_hill_1", "--level", "feature", "--level", "genus"]
    run("diversity", "alpha", "--cohort", cohort, *words, "--draws", 5, "--output", tmp_path / "alpha.tsv")
    table = read_table(tmp_path / "alpha.tsv", "alpha")
    frame = table.frame
    assert set(frame.loc[frame["level"] == "genus", "metric"]) == {"sobs"}
    assert set(frame.loc[frame["level"] == "feature", "metric"]) == {"sobs", "faith_pd", "phylo_hill_1"}
    assert table.record["absent"] == {
        "faith_pd (genus)": "the tree holds features, not genus groups",
        "phylo_hill_1 (genus)": "the tree holds features, not genus groups",
    }
    sobs = frame[(frame["metric"] == "sobs") & frame["value"].notna()]
    error = np.abs(sobs["value"] - sobs["expected"]) / (sobs["se"] / np.sqrt(5))
    assert error.median() < 1.2, "values scatter around their exact means as their errors say"
    assert error.max() < 6
