"""`gutdiv run` and `gutdiv init`: what they write, refuse, and say when something fails."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import yaml

from gutdiv.cli.follow import failure
from gutdiv.cli.progress import Failure
from gutdiv.cli.run import cohort_name
from gutdiv.cli.settings import NOT_THE_DEMO, filled
from gutdiv.cli.workflow_files import workflow_folder
from gutdiv.errors import GutdivError, InputError

ROOT = Path(__file__).parents[2]
DATA = ROOT / "test_data"
SCHEMA = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())
DEFAULTS = {
    key: about["default"] if "properties" not in about else {k: v["default"] for k, v in about["properties"].items()}
    for key, about in SCHEMA["properties"].items()
}
CONTROLS = """`it's {a} [b]` == "# $(touch hacked) größe" """.strip()
HOSTILE = """it's "x" == 'y' # no comment: {a} [b] \\ $(touch hacked) größe"""
FORMULA = f"~ `{HOSTILE}` + age"


def settings(folder: Path) -> tuple[dict[str, object], list[dict[str, str]]]:
    """Return config and sheet as Snakemake will read them."""
    with (folder / "config" / "cohorts.tsv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, dialect="excel-tab"))
    return yaml.safe_load((folder / "config" / "config.yaml").read_text(encoding="utf-8")), rows


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file that can pass for a table where only the notes of calls matter."""
    path = tmp_path / "my data" / "feature-table.v1.tsv"
    path.parent.mkdir()
    path.write_text("some content\n")
    return path


# ---------------------------------------------------------------- small parts
def test_the_cohort_is_named_by_hand_or_by_the_table() -> None:
    assert cohort_name(None, Path("data/feature-table.biom")) == "feature-table"
    assert cohort_name(None, Path("my table (new).tsv.gz")) == "my_table_new_"
    assert cohort_name(None, Path("größe.tsv")) == "gr_e"
    assert cohort_name(None, Path("..tsv")) == "cohort"
    assert cohort_name("hct-2012_a.b", Path("x")) == "hct-2012_a.b"
    for bad in ("", "a b", "../x", ".x", "a/b", "x\n"):
        with pytest.raises(InputError, match="cannot name a folder"):
            cohort_name(bad, Path("x"))


def test_a_filled_config_reads_back_as_the_values_put_in_and_keeps_its_comments() -> None:
    template = (ROOT / "config" / "config.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(filled(template, NOT_THE_DEMO)) == DEFAULTS
    values = {("seed",): 7, ("cohort", "controls"): HOSTILE, ("diversity", "depth"): 1000, ("immune", "covariates"): [HOSTILE, "b, c", "]"]}
    text = filled(template, {**NOT_THE_DEMO, **values})
    config = yaml.safe_load(text)
    assert config["seed"] == 7
    assert config["cohort"]["controls"] == HOSTILE
    assert config["diversity"]["depth"] == 1000
    assert config["immune"]["covariates"] == [HOSTILE, "b, c", "]"]
    assert text.count("#") >= template.count("#") - 1
    with pytest.raises(GutdivError, match=r"has no 'diversity\.dpth'"):
        filled(template, {("diversity", "dpth"): 1})


def test_a_failure_names_the_stage_the_reason_and_the_log(tmp_path: Path) -> None:
    name = "logs/c/diversity/distances/jaccard.log"
    log = tmp_path / name
    log.parent.mkdir(parents=True)
    failed = Failure("diversity_beta", "", (name,), "gutdiv diversity beta --metric jaccard")
    assert "it left no message" in failure([failed], [], tmp_path)
    log.write_text("Traceback (most recent call last):\nMemoryError\n")
    assert "step beta: it stopped for lack of memory." in failure([failed], [], tmp_path)
    log.write_text("words\ngutdiv: error: first\ngutdiv: error: the last one\nmore words\n")
    assert failure([failed], [], tmp_path) == f"the stage diversity failed at its step beta: the last one\nIts log: {log}"
    assert "Snakemake says why above" in failure([], ["some words"], tmp_path)
    assert "another Snakemake has just begun" in failure([], ["Error: Directory cannot be locked. Please ..."], tmp_path)


def test_a_step_that_was_killed_is_told_from_one_that_failed_by_itself(tmp_path: Path) -> None:
    failed = Failure("diversity_beta", "", (), "gutdiv diversity beta   --metric jaccard 2> x.log")
    bash = "RuleException:\nCommand 'set -euo pipefail;  gutdiv diversity beta   --metric jaccard 2> x.log' returned non-zero exit status 137."
    other = bash.replace("jaccard", "braycurtis")
    assert "killed from outside, most often for lack of memory" in failure([failed], ["words", bash], tmp_path)
    assert "it left no message" in failure([failed], [other], tmp_path), "another step's end says nothing of this one"
    assert "it left no message" in failure([failed], [bash.replace("137", "2")], tmp_path)
    slurm = Failure("diversity_beta", "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'.", (), "")
    assert "SLURM ended it for lack of memory" in failure([slurm], [], tmp_path)
    late = Failure("immune_links", "SLURM-job '8' failed, SLURM status is: 'TIMEOUT'.", (), "")
    message = failure([slurm, late], [], tmp_path)
    assert message.index("stage diversity failed at its step beta") < message.index("stage immune failed at its step links: SLURM-job '8'")
    assert failure([late] * 7, [], tmp_path).startswith("7 steps failed; the first 5:\n")


def test_the_workflow_of_a_checkout_is_the_checkouts() -> None:
    assert (workflow_folder() / "Snakefile").read_bytes() == (ROOT / "Snakefile").read_bytes()


# ---------------------------------------------------------------- gutdiv run, its jobs only noted
def test_every_option_reaches_the_config_the_sheet_and_the_commands(noted, table: Path, tmp_path: Path) -> None:
    (tmp_path / "t.nwk").write_text("();")
    run = noted.gutdiv(
        *(
            "run",
            "--table",
            table,
            "--tree",
            "t.nwk",
            "--name",
            "c",
            "--group",
            HOSTILE.replace('"', ""),
            "--subject",
            "who",
            "--time",
            "week",
        ),
        *(
            "--controls",
            CONTROLS,
            "--covariate",
            "age",
            "--covariate",
            HOSTILE,
            "--covariate",
            "age",
            "--marker",
            "crp",
            "--specimen",
            "stool",
        ),
        *(
            "--controls-are",
            "healthy",
            "--formula",
            FORMULA,
            "--baseline",
            HOSTILE,
            "--age-band",
            "child",
            "--depth",
            "900",
            "--seed",
            "5",
            "--missing-tips",
            "drop",
            "--output",
            "out",
            "--cores",
            "2",
        ),
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    page = tmp_path / "out" / "results" / "c" / "report.html"
    assert run.stdout == f"{page}\n"
    assert page.is_file()
    config, (row,) = settings(tmp_path / "out")
    given = {
        "seed": 5,
        "cohort": {**DEFAULTS["cohort"], "missing_tips": "drop"},
        "diversity": {**DEFAULTS["diversity"], "depth": 900},
        "comparison": {**DEFAULTS["comparison"], "formula": FORMULA, "baseline": HOSTILE},
        "reference": {**DEFAULTS["reference"], "controls_are": "healthy"},
        "immune": {**DEFAULTS["immune"], "covariates": ["age", HOSTILE], "markers": ["crp"]},
    }
    assert config == {**DEFAULTS, **given}
    expected = {
        "cohort": "c",
        "table": str(table),
        "tree": str(tmp_path / "t.nwk"),
        "group": HOSTILE.replace('"', ""),
        "controls": CONTROLS,
    }
    assert row == {**dict.fromkeys(row, ""), **expected, "subject": "who", "time": "week", "specimen": "stool", "age_band": "child"}
    (build,) = noted.of("cohort", "build")
    assert {f"--table={table}", "--time=week", "--age-band=child", "--missing-tips=drop"} <= set(build)
    assert f"--controls={CONTROLS}" in noted.of("reference", "build")[0]
    assert {f"--formula={FORMULA}", f"--baseline={HOSTILE}"} <= set(noted.of("comparison", "abundance")[0])
    assert "--seed=5" in noted.of("diversity", "alpha")[0]
    assert not list(tmp_path.rglob("hacked"))


def test_the_options_on_inputs_and_filters_reach_the_commands_letter_for_letter(noted, table: Path, tmp_path: Path) -> None:
    given = {
        "format": "text",
        "label": "0.03",
        "samples-in": "rows",
        "values": "reads",
        "root": "midpoint",
        "without-metadata": "drop",
        "blanks": CONTROLS,
        "replicates": HOSTILE,
        "exclude": "chloroplast,mitochondria",
        "min-feature-reads": "10",
        "min-prevalence": "0.1",
        "min-reads": "1000",
        "one-per-subject": "deepest",
    }
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    run = noted.gutdiv("run", "--table", table, "--output", "out", *options, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    (build,) = noted.of("cohort", "build")
    assert {f"--{name}={value}" for name, value in given.items()} <= set(build)
    assert "--carried-tree=leave" in build
    assert not [call for call in noted.calls if "unweighted_unifrac" in call]
    assert not list(tmp_path.rglob("hacked"))


def test_a_folder_is_a_table_and_the_tree_that_it_carries_makes_the_phylogenetic_metrics(noted, tmp_path: Path) -> None:
    folder = tmp_path / "my results"
    (folder / "dada2").mkdir(parents=True)
    (folder / "dada2" / "ASV_table.tsv").write_text("ASV_ID\ts1\ts2\na\t1\t2\nb\t3\t4\n")
    assert noted.gutdiv("run", "--table", folder, "--output", "bare", cwd=tmp_path).returncode == 0
    (build,) = noted.of("cohort", "build")
    assert {f"--table={folder}", "--carried-tree=leave"} <= set(build)
    assert not [call for call in noted.calls if "unweighted_unifrac" in call]
    noted.forget()
    tree = folder / "qiime2" / "phylogenetic_tree" / "tree.nwk"
    tree.parent.mkdir(parents=True)
    tree.write_text("(a:1,b:1);\n")
    run = noted.gutdiv("run", "--table", folder, "--output", "out", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert settings(tmp_path / "out")[0]["cohort"]["carried_tree"] == "use"
    (build,) = noted.of("cohort", "build")
    assert "--carried-tree=use" in build
    assert [call for call in noted.calls if "unweighted_unifrac" in call]
    assert "--metric=faith_pd" in noted.of("diversity", "alpha")[0]
    noted.forget()
    assert noted.gutdiv("run", "--table", folder, "--output", "out", cwd=tmp_path).returncode == 0
    assert noted.calls == [], "an unchanged folder is not read again"


def test_a_failing_step_is_told_and_the_same_command_goes_on_where_it_stopped(noted, table: Path, tmp_path: Path) -> None:
    command = ("run", "--table", table, "--output", "out")
    noted.fail_on("--metric jaccard")
    run = noted.gutdiv(*command, cwd=tmp_path)
    assert run.returncode == 2
    assert run.stdout == ""
    *_, said, log = run.stderr.strip().splitlines()
    assert said == "gutdiv: error: the stage diversity failed at its step beta: the table has no samples. Give another one."
    assert log == "Its log: out/logs/feature-table/diversity/distances/jaccard.log"
    assert (tmp_path / "out" / "logs" / "feature-table" / "diversity" / "distances" / "jaccard.log").is_file()
    done = len(noted.calls)
    assert done >= 2
    noted.forget()
    noted.fail_on("nothing at all")
    run = noted.gutdiv(*command, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == str(tmp_path / "out" / "results" / "feature-table" / "report.html")
    assert not noted.of("cohort", "build")
    assert not noted.of("diversity", "alpha") or done < 15


def test_a_dry_run_names_no_report_and_options_behind_the_dashes_reach_snakemake(noted, table: Path, tmp_path: Path) -> None:
    run = noted.gutdiv("run", "--table", table, "--output", "out", "--", "--dry-run", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert not run.stdout.strip().endswith("report.html")
    assert "as in a dry run" in run.stderr
    assert noted.calls == []
    assert not (tmp_path / "out" / "config").exists()


def test_a_dry_run_tells_what_other_settings_would_do_and_leaves_those_of_the_folder(noted, table: Path, tmp_path: Path) -> None:
    ask = ("run", "--table", table, "--output", "out")
    assert noted.gutdiv(*ask, "--", "--until", "diversity_depth", cwd=tmp_path).returncode == 0
    before = {p: p.read_bytes() for p in (tmp_path / "out" / "config").iterdir()}
    assert len(before) == 2
    for seed, told in (("42", "Nothing to be done"), ("9", "diversity_depth")):
        run = noted.gutdiv(*ask, "--seed", seed, "--", "--dry-run", "--until", "diversity_depth", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert told in run.stdout + run.stderr
    assert {p: p.read_bytes() for p in (tmp_path / "out" / "config").iterdir()} == before


def test_settings_of_somebody_else_are_left_alone_and_own_ones_are_rewritten(noted, table: Path, tmp_path: Path) -> None:
    short = ("--", "--until", "cohort_build", "--quiet", "all")
    config = tmp_path / "out" / "config" / "config.yaml"
    assert noted.gutdiv("run", "--table", table, "--output", "out", *short, cwd=tmp_path).returncode == 0
    before = config.stat().st_mtime_ns
    assert noted.gutdiv("run", "--table", table, "--output", "out", *short, cwd=tmp_path).returncode == 0
    assert config.stat().st_mtime_ns == before, "equal settings are not written again"
    assert noted.gutdiv("run", "--table", table, "--seed", "9", "--output", "out", *short, cwd=tmp_path).returncode == 0
    assert settings(tmp_path / "out")[0]["seed"] == 9
    locks = tmp_path / "out" / ".snakemake" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0.input.lock").write_text("x")
    run = noted.gutdiv("run", "--table", table, "--seed", "10", "--output", "out", *short, cwd=tmp_path)
    assert (run.returncode, settings(tmp_path / "out")[0]["seed"]) == (2, 9)
    assert "-- --unlock" in run.stderr
    assert "started in out without `gutdiv run`" in run.stderr
    shutil.rmtree(locks)
    sheet = tmp_path / "out" / "config" / "cohorts.tsv"
    sheet.write_text(sheet.read_text() + "another\tx.tsv\n")
    run = noted.gutdiv("run", "--table", table, "--seed", "10", "--output", "out", *short, cwd=tmp_path)
    assert run.returncode == 2
    assert "were changed since" in run.stderr
    assert "another" in sheet.read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--table", "nowhere.tsv"], ["--table 'nowhere.tsv' does not exist"]),
        (["--table", "folder"], ["folder is a folder, and of no known layout"]),
        (["--table", "t.tsv", "--taxonomy", "folder"], ["--taxonomy 'folder' is a folder"]),
        (["--table", "t.tsv", "--blanks", "type = 'blank'"], ["character 6"]),
        (["--table", "t.tsv", "--replicates", "a\tb"], ["--replicates 'a\\tb'", "control character"]),
        (["--table", "t.tsv", "--min-prevalence", "1.5"], ["--min-prevalence", "'1.5'"]),
        (["--table", "t.tsv", "--min-reads", "-1"], ["--min-reads"]),
        (["--table", "t.tsv", "--metadata", "no.tsv"], ["--metadata 'no.tsv' does not exist"]),
        (
            ["--table", "t.tsv", "--metadata", "m.tsv", "--controls", "agee >= 18"],
            ["--controls names the column 'agee', which m.tsv has not. Known columns: 'age', 'sex'"],
        ),
        (["--table", "t.tsv", "--metadata", "m.tsv", "--controls", "sex == 'm'"], ["--controls", "selects none of the 1 samples of m.tsv"]),
        (["--table", "t.tsv", "--metadata", "m.tsv", "--marker", "age", "--marker", "crp"], ["--marker names the column 'crp'"]),
        (["--table", "t.tsv", "--metadata", "m.tsv", "--formula", "~ age + bmi"], ["--formula names the column 'bmi'"]),
        (["--table", "t{x}.tsv"], ["has braces", "wildcards"]),
        (["--table", "t.tsv", "--output", "o{13}"], ["--output", "has braces"]),
        (["--table", "t.tsv", "--name", "a b"], ["--name 'a b'"]),
        (["--table", "t.tsv", "--group", "a\tb"], ["--group 'a\\tb'", "control character"]),
        (["--table", "t.tsv", "--covariate", ""], ["--covariate ''", "is empty"]),
        (["--table", "t.tsv", "--formula", "~ a +"], ["formula"]),
        (["--table", "t.tsv", "--baseline", "a\tb"], ["--baseline 'a\\tb'", "control character"]),
        (["--table", "t.tsv", "--profile", "nosuch"], ["--profile 'nosuch' is neither default nor slurm"]),
        (["--table", "t.tsv", "--output", "t.tsv"], ["--output 't.tsv' is a file"]),
        (["--table", "t.tsv", "--depth", "deep"], ["--depth", "'deep'"]),
        (["--table", "t.tsv", "--cores", "0"], ["--cores", "'0'"]),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(noted, tmp_path: Path, options: list[str], words: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("t.tsv", "t{x}.tsv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "m.tsv").write_text("sample-id\tage\tsex\ns1\t30\tf\n")
    run = noted.gutdiv("run", "--output", "out", *options, cwd=tmp_path)
    assert run.returncode == 2
    assert all(word in run.stderr for word in words), run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_profile_of_the_users_own_is_taken_by_its_path(noted, table: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("cores: 1\ndry-run: true\n")
    run = noted.gutdiv("run", "--table", table, "--output", "out", "--profile", "mine", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert noted.calls == []
    assert "as in a dry run" in run.stderr


# ---------------------------------------------------------------- gutdiv init
def test_init_writes_a_study_folder_of_defaults_and_overwrites_nothing(noted, tmp_path: Path) -> None:
    run = noted.gutdiv("init", "study", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    place = tmp_path / "study"
    config, (row,) = settings(place)
    assert config == DEFAULTS
    assert row["cohort"] == "my_cohort"
    written = {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    assert {"Snakefile", "config/config.yaml", "config/cohorts.tsv", "config/README.md", "profiles/default/config.yaml"} <= set(written)
    assert str(ROOT) not in b"".join(written.values()).decode(), "the folder must not name where gutdiv is installed"
    (place / "Snakefile").unlink()
    run = noted.gutdiv("init", "study", cwd=tmp_path)
    assert run.returncode == 2
    assert "nothing was written" in run.stderr
    assert not (place / "Snakefile").exists()


def test_snakemake_starts_where_the_home_folder_cannot_be_written_to(noted, table: Path, tmp_path: Path) -> None:
    noted.env |= {"HOME": "/proc", "XDG_CACHE_HOME": "", "GUTDIV_CACHE_DIR": str(tmp_path / "kept")}
    run = noted.gutdiv("run", "--table", table, "--output", "out", "--", "--dry-run", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "kept").is_dir()
