"""The commands from table to verdict, on the simulated cohort: files as the contract says, the same bytes from another order and folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_reference, read_table
from gutdiv.io.cohorts import read_cohort
from gutdiv.io.distances import read_distances

DATA = Path(__file__).parents[2] / "test_data"


def run(*words: object) -> None:
    assert main([str(w) for w in words]) == 0


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    cohort = out / "cohort" / "cohort.json"
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
    run("cohort", "build", *inputs, "--group", "group", "--subject", "subject", "--time", "time", "--output", out / "cohort")
    run("diversity", "depth", "--cohort", cohort, "--output", out / "diversity" / "depths.tsv")
    run("diversity", "alpha", "--cohort", cohort, "--draws", 20, "--output", out / "diversity" / "alpha.tsv")
    alpha = out / "diversity" / "alpha.tsv"
    controls = ["--controls", 'group == "healthy"']
    run(
        "reference",
        "build",
        "--cohort",
        cohort,
        "--alpha",
        alpha,
        *controls,
        "--controls-are",
        "healthy",
        "--output",
        out / "reference" / "reference.json",
    )
    run("dysbiosis", "verdict", "--cohort", cohort, "--alpha", alpha, *controls, "--output", out / "dysbiosis")
    return out


def test_controls_are_one_sample_a_subject_and_the_reference_says_how_many(results: Path) -> None:
    reference = read_reference(results / "reference" / "reference.json")
    assert (reference.n_samples, reference.n_subjects) == (150, 130)
    shannon = next(i for i in reference.intervals if i.metric == "shannon")
    assert 119 <= shannon.n <= 130
    assert shannon.lower is not None
    assert shannon.lower_ci is not None
    assert shannon.lower_ci[0] <= shannon.lower <= shannon.lower_ci[1]


def test_verdicts_find_what_was_made_low_and_flag_controls_at_the_stated_rate(results: Path) -> None:
    truth = json.loads((DATA / "truth.json").read_text())
    low = set(truth["low_diversity"])
    found = read_table(results / "dysbiosis" / "verdicts.tsv", "verdicts").frame.set_index("sample_id")
    assessed = found[found["verdict"] != "not assessable"]
    made_low = assessed.loc[[s for s in assessed.index if s in low]]
    controls = assessed[assessed["is_control"]]
    assert len(made_low) >= 45 - 9  # the depth keeps nine tenths of the 90 samples of patients
    # a bloom is odd in all three components; a loss keeps the shape of a control's genera, so that one component of three speaks
    bloom = [s for s in made_low.index if truth["low_diversity"][s]["how"] == "bloom"]
    assert (made_low.loc[bloom, "verdict"] == "outside").mean() >= 0.9
    assert (made_low["rank_diversity"] <= 0.025).all()
    # conformal: at most 2.5 % expected; 150 exchangeable controls give 10 or more with probability below 1 %
    assert (controls["verdict"] == "outside").sum() < 10
    assert set(found["tier"]) == {"in-study", "none"}
    flags = read_table(results / "dysbiosis" / "flags.tsv", "flags").frame
    shannon = flags[(flags["metric"] == "shannon") & flags["sample_id"].isin(made_low.index)]
    assert (shannon["flag"] == "below").mean() >= 0.9


def test_the_same_input_in_another_order_and_folder_gives_the_same_bytes(results: Path, tmp_path: Path) -> None:
    import biom

    table = biom.load_table(str(DATA / "table.biom"))
    order = np.random.default_rng(1).permutation(table.shape[1])
    shuffled = table.sort_order(np.array(table.ids())[order].tolist())
    lines = ["#OTU ID\t" + "\t".join(shuffled.ids())]
    for values, feature, _ in shuffled.iter(axis="observation"):
        lines.append(feature + "\t" + "\t".join(f"{int(v)}" for v in values))
    (tmp_path / "other.tsv").write_text("\n".join(lines) + "\n")
    inputs = ["--taxonomy", DATA / "taxonomy.tsv", "--tree", DATA / "tree.nwk", "--metadata", DATA / "metadata.tsv"]
    roles = ["--group", "group", "--subject", "subject", "--time", "time"]
    run("cohort", "build", "--table", tmp_path / "other.tsv", *inputs, *roles, "--output", tmp_path / "cohort")
    for name in ("counts.biom", "taxonomy.tsv", "tree.nwk", "metadata.tsv", "alignment.tsv"):
        assert (tmp_path / "cohort" / name).read_bytes() == (results / "cohort" / name).read_bytes(), name
    run("diversity", "alpha", "--cohort", tmp_path / "cohort" / "cohort.json", "--draws", 20, "--output", tmp_path / "alpha.tsv")
    assert (tmp_path / "alpha.tsv").read_bytes() == (results / "diversity" / "alpha.tsv").read_bytes()


def test_distances_gathered_from_blocks_are_those_of_one_run_whatever_the_threads(results: Path, tmp_path: Path) -> None:
    cohort = results / "cohort" / "cohort.json"
    for metric in ("braycurtis", "unweighted_unifrac"):
        parts = [tmp_path / f"{metric}{k}.h5" for k in (1, 2, 3)]
        run("diversity", "beta", "--cohort", cohort, "--metric", metric, "--threads", 1, "--output", tmp_path / "whole.h5")
        for k, part in enumerate(parts, start=1):
            run("diversity", "beta", "--cohort", cohort, "--metric", metric, "--threads", 2, "--rows", f"{k}/3", "--output", part)
        run("diversity", "gather", *parts, "--output", tmp_path / "gathered.h5")
        assert (tmp_path / "gathered.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    single = tmp_path / "single.h5"
    run("diversity", "beta", "--cohort", cohort, "--metric", "braycurtis", "--precision", "single", "--output", single)
    assert read_distances(single).matrix.dtype == np.float32


def test_options_of_a_metric_go_into_its_record(results: Path, tmp_path: Path) -> None:
    cohort = results / "cohort" / "cohort.json"
    given = ["--cohort", cohort, "--metric", "generalized_unifrac", "--alpha", 0.25, "--draws", 2, "--precision", "single"]
    run("diversity", "beta", *given, "--output", tmp_path / "a.h5")
    about = read_distances(tmp_path / "a.h5").record
    assert (about["alpha"], about["draws"]) == (0.25, 2)
    expected = {"metric": "generalized_unifrac", "depth": "auto", "draws": 2, "precision": "single", "alpha": 0.25}
    assert about["options"] == expected


def test_records_hold_no_path_clock_or_machine(results: Path) -> None:
    import platform

    for path in results.rglob("*.json"):
        text = path.read_text()
        assert str(results) not in text, path
        assert str(DATA) not in text, path
        assert platform.node() not in text, path
        content = json.loads(text)
        assert content["gutdiv_version"], path
        assert content["inputs"], path


def test_roles_are_kept_in_the_cohort_and_taken_from_there(results: Path) -> None:
    assert read_cohort(results / "cohort" / "cohort.json").roles.subject == "subject"


def test_help_is_quick_because_commands_are_imported_only_when_chosen() -> None:
    heavy = "('numpy', 'pandas', 'numba')"
    code = f"import sys; from gutdiv.cli.app import main\ntry: main(['--help'])\nexcept SystemExit: pass\nsys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_depth_given_to_the_verdict_is_the_verdicts_own_whatever_the_alpha_table_has(results: Path, tmp_path: Path) -> None:
    given = ["--cohort", results / "cohort" / "cohort.json", "--alpha", results / "diversity" / "alpha.tsv", "--controls", 'group == "healthy"']
    run("dysbiosis", "verdict", *given, "--depth", 9000, "--output", tmp_path)
    verdicts, flags = (read_table(tmp_path / f"{name}.tsv", name) for name in ("verdicts", "flags"))
    alpha = read_table(results / "diversity" / "alpha.tsv", "alpha")
    assert verdicts.record["depth"] == 9000 != alpha.record["depth"]
    before = read_table(results / "dysbiosis" / "verdicts.tsv", "verdicts").frame
    assert (verdicts.frame["verdict"] == "not assessable").sum() < (before["verdict"] == "not assessable").sum()
    assert flags.frame["value"].equals(read_table(results / "dysbiosis" / "flags.tsv", "flags").frame["value"])


def test_stability_takes_controls_seed_and_depth_from_the_verdicts_and_only_the_files_they_were_made_of(results: Path, tmp_path: Path) -> None:
    verdicts, cohort = results / "dysbiosis" / "verdicts.tsv", results / "cohort" / "cohort.json"
    tries = ["--draws", 2, "--bootstraps", 2]
    given = ["--verdicts", verdicts, "--cohort", cohort, *tries, "--output", tmp_path / "stability.tsv"]
    run("dysbiosis", "stability", *given, "--alpha", results / "diversity" / "alpha.tsv")
    found, judged = read_table(tmp_path / "stability.tsv", "stability"), read_table(verdicts, "verdicts").frame
    doubtful = judged[(judged["verdict"] != "not assessable") & (judged["p"] <= 0.2)]
    assert found.frame["sample_id"].tolist() == doubtful["sample_id"].tolist()
    assert found.frame["draws_same"].isin([0, 0.5, 1]).all()
    assert (found.record["options"]["clear_p"], found.record["doubtful"], found.record["seed"]) == (0.2, len(doubtful), 42)
    assert main([str(w) for w in ("dysbiosis", "stability", *given)]) == 2  # the verdicts' alpha.tsv is not given
    assert main([str(w) for w in ("dysbiosis", "stability", *given, "--alpha", results / "dysbiosis" / "flags.tsv")]) == 2


def test_without_a_reference_of_published_groups_few_controls_give_no_position_and_with_it_they_do(results: Path, tmp_path: Path) -> None:
    given = ["--cohort", results / "cohort" / "cohort.json", "--alpha", results / "diversity" / "alpha.tsv"]
    run("dysbiosis", "verdict", *given, "--no-reference", "--output", tmp_path / "without")
    run("dysbiosis", "verdict", *given, "--output", tmp_path / "with")
    without, beside = (read_table(tmp_path / name / "verdicts.tsv", "verdicts") for name in ("without", "with"))
    assert without.frame["position_p"].isna().all()
    assert beside.frame["position_p"].notna().sum() > 200
    assert set(beside.frame["verdict"]) == {"not assessable"}
    assert beside.frame["p"].isna().all()
    assert beside.frame["reason"].iloc[0] == "no controls were declared (--controls); a verdict needs 10 of this study"
    assert "published" in [entry["role"] for entry in beside.record["inputs"]]
