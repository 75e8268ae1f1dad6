"""`gutdiv comparison` through its command line: files in, tables and records out, errors told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform

from gutdiv.cli.app import main
from gutdiv.comparison import selection
from gutdiv.io.artifacts import read_table, write_table
from gutdiv.io.distances import write_rows_block
from gutdiv.model.results import Table

TRUTH = Path(__file__).parents[1] / "truth"


@pytest.fixture
def dune(tmp_path: Path) -> dict[str, Path]:
    """Write the dune data as the files that the commands read."""
    with (TRUTH / "dune.tsv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    ids = tuple(r["sample_id"] for r in rows)
    features = [k for k in rows[0] if k != "sample_id"]
    counts = np.array([[float(r[f]) for f in features] for r in rows])
    for ending in ("h5", "tsv"):
        matrix = squareform(pdist(counts, "braycurtis"))
        write_rows_block(tmp_path / f"braycurtis.{ending}", ids, matrix, (0, len(ids)), {"kind": "distances", "metric": "braycurtis"})
    table = tmp_path / "dune.tsv"
    lines = [["feature_id", *ids], *([f, *(f"{v:.0f}" for v in c)] for f, c in zip(features, counts.T, strict=True))]
    table.write_text("".join("\t".join(line) + "\n" for line in lines))
    metadata = tmp_path / "metadata.tsv"
    metadata.write_text((TRUTH / "dune_env.tsv").read_text().replace("sample_id\t", "sample-id\t", 1))
    run("cohort", "build", "--table", table, "--metadata", metadata, "--group", "Management", "--output", tmp_path / "cohort")
    shares = counts / counts.sum(axis=1, keepdims=True)
    shannon = [-sum(p * np.log(p) for p in row if p > 0) for row in shares]
    frame = pd.DataFrame({"sample_id": list(ids), "level": "feature", "metric": "shannon", "value": shannon, "sd": np.nan, "depth": 0})
    write_table(tmp_path / "alpha.tsv", Table("alpha", frame, {}))
    return {"folder": tmp_path, "cohort": tmp_path / "cohort" / "cohort.json", "metadata": metadata}


def run(*words: Any) -> None:
    """Run a command that must succeed."""
    assert main([str(w) for w in words]) == 0


@pytest.mark.parametrize("ending", ["h5", "tsv"])
def test_permanova_from_files_to_a_table_with_its_record(dune: dict[str, Path], ending: str) -> None:
    folder = dune["folder"]
    out = folder / f"from_{ending}.tsv"
    words = ["--distances", folder / f"braycurtis.{ending}", "--metadata", dune["metadata"], "--formula", "~ `Management` + A1", "--by", "terms"]
    run("comparison", "permanova", *words, "--permutations", 199, "--seed", 3, "--output", out)
    table = read_table(out, "permanova")
    assert table.frame["term"].tolist() == ["Management", "A1", "Residual", "Total"]
    # vegan, methods.md 5.1: Management R2 .34161; A1 after it R2 .10256, F 2.7676
    assert table.frame["r2"].tolist()[:2] == pytest.approx([0.34161, 0.10256], abs=5e-6)
    assert table.frame["f"].iloc[1] == pytest.approx(2.7676, abs=5e-5)
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["kind"] == "permanova"
    assert record["seed"] == 3
    assert record["options"] == {
        "formula": "~ `Management` + A1", "by": "terms", "strata": None, "subject": None, "permute": "auto", "permutations": 199,
    }  # fmt: skip
    assert [(i["role"], i["name"]) for i in record["inputs"]] == [("distances", f"braycurtis.{ending}"), ("metadata", "metadata.tsv")]
    assert [f["values"]["term"] for f in record["findings"]] == ["Management", "A1"]
    assert out.read_text().splitlines()[-1].split("\t")[4:7] == ["", "", ""]  # Total has no F, p or permutations


def test_the_same_command_writes_the_same_bytes(dune: dict[str, Path], tmp_path: Path) -> None:
    written = []
    for place in ("one", "two"):
        out = tmp_path / place / "p.tsv"
        words = ["--distances", dune["folder"] / "braycurtis.h5", "--metadata", dune["metadata"], "--formula", "~ A1", "--strata", "Use"]
        run("comparison", "permanova", *words, "--permutations", 99, "--output", out)
        written.append((out.read_bytes(), out.with_suffix(".json").read_bytes()))
    assert written[0] == written[1]


def test_what_cannot_be_tested_stops_or_is_recorded(dune: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = dune["folder"]
    words = ["comparison", "permanova", "--distances", folder / "braycurtis.h5", "--metadata", dune["metadata"], "--output", folder / "p.tsv"]
    words += ["--formula", "~ Management", "--strata", "Management"]
    assert main([str(w) for w in words]) == 2
    assert "does not vary within strata of Management" in capsys.readouterr().err
    assert not (folder / "p.tsv").exists()
    run(*words, "--untestable", "record")
    table = read_table(folder / "p.tsv", "permanova")
    assert table.frame.empty
    assert "does not vary within strata" in table.record["absent"]["~ Management"]
    # an unknown column is the user's mistake in both
    assert main([*map(str, words), "--untestable", "record", "--formula", "~ Managment"]) == 2
    assert "'Managment'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("action", "kind", "options", "words"),
    [
        ("pairs", "group_test", ["--variable", "Management", "--formula", "~ Management * A1"], "interaction"),
        ("constrained", "ordination", ["--formula", "~ Same"], "Same"),
        ("abundance", "abundance", ["--variable", "Management"], "no lineages"),
    ],
)
def test_every_part_of_the_workflow_can_record_what_it_cannot_test(
    dune: dict[str, Path], capsys: pytest.CaptureFixture[str], action: str, kind: str, options: list[str], words: str
) -> None:
    lines = dune["metadata"].read_text().splitlines()
    same = dune["folder"] / "same.tsv"
    same.write_text("\n".join([f"{lines[0]}\tSame", *(f"{line}\tx" for line in lines[1:])]) + "\n")
    files = ["--cohort", dune["cohort"]] if action == "abundance" else ["--distances", dune["folder"] / "braycurtis.h5", "--metadata", same]
    out = dune["folder"] / f"{action}.tsv"
    command = ["comparison", action, *map(str, files), *options, "--output", str(out)]
    assert main(command) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()
    run(*command, "--untestable", "record")
    table = read_table(out, kind)
    assert len(table.frame) == 0
    assert words in next(iter(table.record["absent"].values()))


def test_alpha_takes_group_and_subject_from_the_cohort(dune: dict[str, Path]) -> None:
    folder = dune["folder"]
    words = ["comparison", "alpha", "--alpha", folder / "alpha.tsv", "--cohort", dune["cohort"]]
    run(*words, "--output", folder / "groups.tsv")
    table = read_table(folder / "groups.tsv", "group_test")
    assert table.frame["contrast"].tolist()[0] == "BF, HF, NM, SF"
    assert len(table.frame) == 1 + 6
    assert set(table.frame["variable"]) == {"Management"}
    assert [i["role"] for i in table.record["inputs"]] == ["alpha", "cohort"]
    run(*words, "--variable", "A1", "--output", folder / "a1.tsv")
    assert read_table(folder / "a1.tsv", "group_test").frame["effect_name"].tolist() == ["Spearman's rho"]
    run(*words, "--baseline", "NM", "--subject", "Use", "--output", folder / "b.tsv")
    within = read_table(folder / "b.tsv", "group_test")
    assert all(u.startswith("subject (Use; ") for u in within.frame["unit"])
    # dune_env.tsv: all three uses were managed as BF, HF and NM, only two as SF
    assert within.frame["contrast"].tolist() == ["BF, HF, NM", "BF - HF", "BF - NM", "HF - NM"]
    assert within.record["absent"] == {"shannon: SF": "2 units with a value; at least 3 are needed"}


def test_dispersion_stands_beside_permanova(dune: dict[str, Path]) -> None:
    folder = dune["folder"]
    words = ["--distances", folder / "braycurtis.h5", "--metadata", dune["metadata"], "--variable", "Management", "--centre", "centroid"]
    run("comparison", "dispersion", *words, "--permutations", 199, "--output", folder / "spread.tsv")
    table = read_table(folder / "spread.tsv", "group_test")
    assert table.frame["contrast"].iloc[0] == "BF, HF, NM, SF"
    assert table.frame["statistic"].iloc[0] == pytest.approx(3.868698711814373, rel=1e-9)  # vegan, betadisper.tsv
    assert len(table.frame) == 7
    assert set(table.record["distances"]) == set(read_table(folder / "alpha.tsv", "alpha").frame["sample_id"])


def test_pairs_anosim_mantel_and_constrained_axes_from_files_to_tables(dune: dict[str, Path]) -> None:
    folder = dune["folder"]
    files = ["--distances", folder / "braycurtis.h5", "--metadata", dune["metadata"]]
    run("comparison", "pairs", *files, "--variable", "Management", "--formula", "~ A1", "--permutations", 19, "--output", folder / "pairs.tsv")
    compared = read_table(folder / "pairs.tsv", "group_test")
    assert len(compared.frame) == 6
    assert compared.record["options"]["formula"] == "~ A1"
    run("comparison", "anosim", *files, "--variable", "Management", "--permutations", 19, "--threads", 1, "--output", folder / "anosim.tsv")
    assert read_table(folder / "anosim.tsv", "group_test").frame["statistic"].iloc[0] == pytest.approx(0.2578706, abs=5e-8)  # methods.md 5.1
    words = ["--distances", folder / "braycurtis.h5", "--against", folder / "braycurtis.tsv", "--permutations", 19]
    run("comparison", "mantel", *words, "--output", folder / "mantel.tsv")
    same = read_table(folder / "mantel.tsv", "group_test")
    assert same.frame["statistic"].iloc[0] == pytest.approx(1)
    assert [i["role"] for i in same.record["inputs"]] == ["distances", "against"]
    run("comparison", "constrained", *files, "--formula", "~ Management + A1", "--output", folder / "constrained.tsv")
    constrained = read_table(folder / "constrained.tsv", "ordination")
    assert constrained.frame.columns.tolist()[:2] == ["sample_id", "axis_1"]
    # vegan, dbrda.tsv
    assert constrained.record["eigenvalues"][0] == pytest.approx(0.96507336893650486, rel=1e-9)
    assert "seed" not in constrained.record or constrained.record["seed"] is None


@pytest.mark.parametrize("groups", [("HF", "SF"), ("HF", "SF", "NM")], ids=len)
def test_structure_writes_the_same_bytes_as_the_four_commands_and_computes_nothing_twice(
    dune: dict[str, Path], groups: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, some = dune["folder"], dune["folder"] / "some.tsv"
    lines = dune["metadata"].read_text().splitlines()
    at = lines[0].split("\t").index("Management")
    some.write_text("\n".join([lines[0], *(line for line in lines[1:] if line.split("\t")[at] in groups)]) + "\n")
    files = ["--distances", folder / "braycurtis.h5", "--metadata", some]
    permuted, model, variable = ["--permutations", 99, "--seed", 5], ["--formula", "~ A1 + Management"], ["--variable", "Management"]
    asked = {"permanova": [*model, *permuted], "constrained": model, "dispersion": [*variable, *permuted], "pairs": [*variable, *model, *permuted]}
    for action, options in asked.items():
        run("comparison", action, *files, *options, "--output", folder / "alone" / action / "braycurtis.tsv")
    centred: list[int] = []
    real = selection.gower_centred
    monkeypatch.setattr(selection, "gower_centred", lambda matrix, at, **k: centred.append(len(at)) or real(matrix, at, **k))
    run("comparison", "structure", *files, *variable, *model, *permuted, "--output", folder / "together")
    alone, together = ({p.relative_to(folder / name): p.read_bytes() for p in (folder / name).rglob("*.*")} for name in ("alone", "together"))
    assert len(alone) == 8
    assert together == alone
    everything = sum(line.split("\t")[at] in groups for line in lines[1:])
    assert centred.count(everything) == 1, "one matrix of all samples for all four"
    assert len(centred) == {2: 1, 3: 1 + 3}[len(groups)], "of two groups the pair is the whole"


def test_structure_of_a_formula_alone_asks_nothing_of_groups_and_records_what_cannot_be_tested(dune: dict[str, Path]) -> None:
    folder = dune["folder"]
    files = ["--distances", folder / "braycurtis.h5", "--metadata", dune["metadata"], "--untestable", "record"]
    run("comparison", "structure", *files, "--formula", "~ A1", "--output", folder / "numbers")
    assert sorted(p.name for p in (folder / "numbers").iterdir()) == ["constrained", "permanova"]
    crossed = ["--formula", "~ A1 * Management", "--variable", "Management", "--permutations", 19]
    run("comparison", "structure", *files, *crossed, "--output", folder / "crossed")
    assert "stand in the interaction" in read_table(folder / "crossed" / "pairs" / "braycurtis.tsv", "group_test").record["absent"]["Management"]


def test_structure_writes_nothing_where_one_of_its_tests_fails_and_asks_for_its_column_first(
    dune: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = dune["folder"], dune["folder"] / "failed"
    files = ["--distances", folder / "braycurtis.h5", "--metadata", dune["metadata"], "--formula", "~ A1", "--permutations", 19, "--output", out]
    one_group = [str(w) for w in ("comparison", "structure", *files, "--variable", "Moisture", "--subject", "nowhere")]
    assert main(one_group) == 2
    assert "nowhere" in capsys.readouterr().err
    centred: list[int] = []
    monkeypatch.setattr(selection, "gower_centred", lambda matrix, at, **k: centred.append(len(at)))
    assert main([str(w) for w in ("comparison", "structure", *files, "--variable", "Managment")]) == 2
    assert "no column 'Managment'" in capsys.readouterr().err
    assert centred == [], "told before anything is computed"
    monkeypatch.undo()
    # the formula can be tested, its last test cannot
    assert main([str(w) for w in ("comparison", "structure", *files[:4], "--formula", "~ A1 * Management", "--variable", "Management", *files[6:])]) == 2
    assert "interaction" in capsys.readouterr().err
    assert not out.exists()


def test_a_baseline_that_one_of_many_cohorts_lacks_is_recorded_where_that_is_asked_for(dune: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = dune["folder"], dune["folder"] / "lacking.tsv"
    of_alpha = ["comparison", "alpha", "--alpha", folder / "alpha.tsv", "--cohort", dune["cohort"], "--baseline", "XX", "--output", out]
    assert main([str(w) for w in of_alpha]) == 2
    assert "the baseline 'XX' is no group" in capsys.readouterr().err
    run(*of_alpha, "--untestable", "record")
    table = read_table(out, "group_test")
    assert len(table.frame) == 7, "four groups: all, and six pairs"
    assert "'XX' is no group" in table.record["absent"]["baseline"]


def test_the_subject_that_the_cohort_beside_the_metadata_declares_is_taken(dune: dict[str, Path]) -> None:
    folder = dune["folder"]
    metadata = pd.read_csv(dune["metadata"], sep="\t", dtype=str)
    metadata["field"] = [f"f{k // 2}" for k in range(len(metadata))]
    metadata.to_csv(folder / "owners.tsv", sep="\t", index=False)
    words = ["--table", folder / "dune.tsv", "--metadata", folder / "owners.tsv", "--subject", "field", "--output", folder / "owned"]
    run("cohort", "build", *words)
    test = ["comparison", "permanova", "--distances", folder / "braycurtis.h5", "--formula", "~ A1", "--output", folder / "o.tsv"]
    run(*test, "--metadata", folder / "owned" / "metadata.tsv")
    assert "field" in read_table(folder / "o.tsv", "permanova").frame["unit"].iloc[0]
    run(*test, "--metadata", folder / "owners.tsv")
    assert read_table(folder / "o.tsv", "permanova").frame["unit"].iloc[0] == "sample"
