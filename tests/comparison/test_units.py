"""On a cohort with repeated subjects no command of this stage takes samples for independent: every row names its unit."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform

from gutdiv.cli.app import main
from gutdiv.cli.comparison import configure
from gutdiv.io.artifacts import read_json, write_table
from gutdiv.io.distances import read_distances, write_rows_block
from gutdiv.model.results import Table

# What each action needs on the command line, and the tables that it writes; FOLDER stands for the folder of the files.
ENTRIES = {
    "alpha": (["--alpha", "FOLDER/alpha.tsv", "--cohort", "FOLDER/cohort/cohort.json"], ["out"]),
    "model": (["--alpha", "FOLDER/alpha.tsv", "--cohort", "FOLDER/cohort/cohort.json", "--formula", "~ side + day"], ["out"]),
    "longitudinal": (
        ["--alpha", "FOLDER/alpha.tsv", "--cohort", "FOLDER/cohort/cohort.json", "--distances", "FOLDER/braycurtis.h5"],
        ["out/tests"],
    ),
    "permanova": (
        ["--distances", "FOLDER/braycurtis.h5", "--metadata", "FOLDER/cohort/metadata.tsv", "--formula", "~ side + day"],
        ["out"],
    ),
    "pairs": (["--distances", "FOLDER/braycurtis.h5", "--metadata", "FOLDER/cohort/metadata.tsv", "--variable", "side"], ["out"]),
    "anosim": (["--distances", "FOLDER/braycurtis.h5", "--metadata", "FOLDER/cohort/metadata.tsv", "--variable", "side"], ["out"]),
    "mantel": (
        ["--distances", "FOLDER/braycurtis.h5", "--against", "FOLDER/jaccard.h5", "--metadata", "FOLDER/cohort/metadata.tsv"],
        ["out"],
    ),
    "abundance": (["--cohort", "FOLDER/cohort/cohort.json", "--formula", "~ side", "--rank", "feature"], ["out"]),
    "structure": (
        ["--distances", "FOLDER/braycurtis.h5", "--metadata", "FOLDER/cohort/metadata.tsv", "--formula", "~ side + day", "--variable", "side"],
        ["out/permanova/braycurtis", "out/dispersion/braycurtis", "out/pairs/braycurtis"],
    ),
    "dispersion": (["--distances", "FOLDER/braycurtis.h5", "--metadata", "FOLDER/cohort/metadata.tsv", "--variable", "side"], ["out"]),
}


WITHOUT_TEST = {"constrained"}  # axes for the eye of what `permanova` tests; they have no p


def actions() -> list[str]:
    """All actions of `gutdiv comparison`, from its own parser."""
    parser = argparse.ArgumentParser()
    configure(parser)
    return list(next(a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of 14 subjects with four samples each."""
    place = tmp_path_factory.mktemp("repeated")
    rng = np.random.default_rng(2)
    owners, day = np.repeat(np.arange(14), 4), np.tile([0, 3, 7, 14], 14)
    ids = tuple(f"s{k:02d}" for k in range(56))
    share = rng.dirichlet(np.full(30, 0.5), 14)[owners] * rng.gamma(3, size=(56, 30))
    counts = np.array([rng.multinomial(2000, p / p.sum()) for p in share])
    table = pd.DataFrame(counts.T, index=pd.Index([f"f{j:02d}" for j in range(30)], name="feature_id"), columns=ids)
    table.to_csv(place / "table.tsv", sep="\t")
    columns = {"sample-id": ids, "who": [f"p{o}" for o in owners], "day": day, "side": ["ab"[o % 2] for o in owners]}
    pd.DataFrame(columns).to_csv(place / "metadata.tsv", sep="\t", index=False)
    roles = ["--group", "side", "--subject", "who", "--time", "day"]
    words = ["cohort", "build", "--table", place / "table.tsv", "--metadata", place / "metadata.tsv", *roles, "--output", place / "cohort"]
    assert main([str(w) for w in words]) == 0
    matrix = squareform(pdist(counts, "braycurtis"))
    write_rows_block(place / "braycurtis.h5", ids, matrix, (0, 56), {"kind": "distances", "metric": "braycurtis"})
    apart = squareform(pdist(counts > 0, "jaccard"))
    write_rows_block(place / "jaccard.h5", ids, apart, (0, 56), {"kind": "distances", "metric": "jaccard"})
    shares = counts / counts.sum(axis=1, keepdims=True)
    shannon = [-float(np.sum(p[p > 0] * np.log(p[p > 0]))) for p in shares]
    frame = pd.DataFrame({"sample_id": ids, "level": "feature", "metric": "shannon", "value": shannon, "sd": np.nan, "depth": 2000})
    write_table(place / "alpha.tsv", Table("alpha", frame, {}))
    return place


def test_every_action_of_the_stage_has_an_entry_here() -> None:
    assert set(actions()) == set(ENTRIES) | WITHOUT_TEST


@pytest.mark.parametrize("action", sorted(set(actions()) - WITHOUT_TEST))
def test_every_row_names_a_unit_that_is_no_independent_sample(action: str, folder: Path, tmp_path: Path) -> None:
    words, tables = ENTRIES[action]
    out = tmp_path / ("out" if tables != ["out"] else "out.tsv")
    assert main(["comparison", action, *(w.replace("FOLDER", str(folder)) for w in words), "--output", str(out)]) == 0
    for name in tables:
        path = tmp_path / f"{name}.tsv"
        frame = pd.read_csv(path, sep="\t")
        tested = frame[frame["p"].notna()]
        assert not tested.empty
        assert tested["unit"].notna().all()
        assert not tested["unit"].str.fullmatch("sample").any()
        assert tested["unit"].str.contains("who", regex=False).all()
        record = read_json(path.with_suffix(".json"))
        assert "dropped" in record
        assert "absent" in record
        if action == "model":
            assert record["notes"][0].startswith("'day' varies within subjects, and is taken to go along with the metrics alike")


def test_samples_that_were_too_shallow_for_distances_are_counted(folder: Path, tmp_path: Path) -> None:
    cohort = str(folder / "cohort" / "cohort.json")
    record = read_json(folder / "cohort" / "cohort.json")
    assert record["roles"]["subject"] == "who"
    distances = str(tmp_path / "bc.h5")
    assert main(["diversity", "beta", "--cohort", cohort, "--metric", "braycurtis", "--depth", "1990", "--output", distances]) == 0
    below = 4
    ids = tuple(f"s{k:02d}" for k in range(52))
    write_rows_block(tmp_path / "some.h5", ids, read_distances(Path(distances)).matrix[:52, :52], (0, 52), {
        "kind": "distances", "metric": "braycurtis", "below_depth": [f"s{k:02d}" for k in range(52, 56)],
    })
    words = ["--distances", str(tmp_path / "some.h5"), "--metadata", str(folder / "cohort" / "metadata.tsv")]
    for action, more in (("permanova", ["--formula", "~ side"]), ("dispersion", ["--variable", "side"]), ("pairs", ["--variable", "side"]),
                         ("anosim", ["--variable", "side"])):
        out = tmp_path / f"{action}.tsv"
        assert main(["comparison", action, *words, *more, "--output", str(out)]) == 0
        frame = pd.read_csv(out, sep="\t")
        assert set(frame["n_dropped"].dropna()) == {below}, action
        assert below in read_json(out.with_suffix(".json"))["dropped"].values()


def test_two_subjects_are_too_few_to_tell_of_others(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = pd.read_csv(folder / "cohort" / "metadata.tsv", sep="\t", dtype=str)
    metadata["who"] = ["p0", "p1"] * 28
    metadata.to_csv(tmp_path / "metadata.tsv", sep="\t", index=False)
    words = ["--distances", str(folder / "braycurtis.h5"), "--metadata", str(tmp_path / "metadata.tsv"), "--formula", "~ day", "--subject", "who"]
    assert main(["comparison", "permanova", *words, "--output", str(tmp_path / "o.tsv")]) == 2
    assert "rests on 2 subjects (who) alone" in capsys.readouterr().err
