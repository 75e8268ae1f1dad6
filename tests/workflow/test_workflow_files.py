"""The workflow's own files: clean, strict about its settings, and careful with what users write."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from gutdiv.cli.app import main
from gutdiv.diversity.catalog import ALPHA, BETA

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
STAGES = {"cohort", "diversity", "comparison", "reference", "dysbiosis", "immune", "report"}
PHYLOGENETIC = ("faith_pd", "unweighted_unifrac", "weighted_unifrac_normalized")


def snakemake(*options: str, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on the checkout's workflow."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(directory), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


# ---------------------------------------------------------------- the files themselves
def test_snakemake_lint_finds_nothing(tmp_path: Path) -> None:
    for part in ("Snakefile", "workflow", "config"):
        (tmp_path / part).symlink_to(ROOT / part)
    run = snakemake("--lint", directory=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_snakefmt_would_change_nothing() -> None:
    tool = shutil.which("snakefmt", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert tool, "snakefmt is one of the test tools"
    run = subprocess.run([tool, "--check", "Snakefile", "workflow"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert run.returncode == 0, run.stderr


def test_each_stage_has_its_rule_file_and_rules_are_named_after_it() -> None:
    assert {path.stem for path in RULES} == STAGES | {"common", "jobs"}
    for path in RULES:
        names = [line.split()[1].rstrip(":") for line in path.read_text().splitlines() if line.startswith(("rule ", "checkpoint "))]
        assert all(name.startswith(f"{path.stem}_") for name in names)
        assert bool(names) == (path.stem in STAGES)


def test_the_common_file_stays_small_and_no_rule_runs_anything_but_gutdiv() -> None:
    assert len((ROOT / "workflow" / "rules" / "common.smk").read_text().splitlines()) < 85
    for path in RULES:
        text = path.read_text()
        assert "script:" not in text
        assert "\n    run:" not in text
        rules = re.findall(r"(?m)^(?:rule|checkpoint) (\w+):", text)
        for directive in ("log:", "benchmark:", "conda:", "threads:", "resources:", "gutdiv "):
            assert text.count(directive) >= len(rules), f"{path.name}: {directive}"
        for needs in ("memory", "minutes"):
            assert re.findall(rf'={needs}\("(\w+)"\)', text) == rules, "each step asks for what was measured of it"


def test_every_file_of_a_cohort_is_an_output_of_its_build_and_an_input_of_each_step_that_reads_its_record(tmp_path: Path) -> None:
    sound = ROOT / "test_data" / "broken"
    given = [f"--{key}={sound}/sound_{file}" for key, file in (("table", "table.tsv"), ("taxonomy", "taxonomy.tsv"), ("tree", "tree.nwk"))]
    assert main(["cohort", "build", *given, f"--output={tmp_path}"]) == 0
    record = json.loads((tmp_path / "cohort.json").read_text())
    read = {entry["name"] for entry in record["files"].values()} | {"metadata.json"}
    rules = [rule for path in RULES for rule in re.split(r"(?m)^(?=rule |checkpoint )", path.read_text())[1:]]
    inputs = [re.findall(r"(?m)^    input:\n((?: {8}.*\n)+)", rule) for rule in rules]
    of_records = [found for (found,) in filter(None, inputs) if "/cohort/cohort.json" in found]
    assert len(of_records) > 20
    assert all("COHORT" in found for found in of_records), "where steps share no folder, only their inputs are there"
    tables = [(found, table) for found in of_records for table in re.findall(r'"(results/\{cohort\}/(?!cohort/)\S+)\.tsv"', found)]
    assert len(tables) > 10
    assert all(f'"{table}.json"' in found for found, table in tables), "a table is read with its record"
    (named,) = re.findall(r'(?m)^COHORT = .*f="(.*)"\.split', (ROOT / "workflow" / "rules" / "jobs.smk").read_text())
    assert set(named.split()) == read
    (build,) = (rule for rule in rules if rule.startswith("checkpoint cohort_build:"))
    made = set(re.findall(r'"results/\{cohort\}/cohort/(.*?)"', build))
    assert made == {path.name for path in tmp_path.iterdir()}
    assert read < made


def test_every_key_of_the_config_is_in_the_schema_with_the_same_default_and_is_explained() -> None:
    schema = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())
    text = (ROOT / "config" / "config.yaml").read_text()
    config = yaml.safe_load(text)
    demo = {("reference", "controls_are"), ("immune", "covariates")}  # set for the demo, empty by default
    assert set(config) == set(schema["properties"])
    for section, value in config.items():
        about = schema["properties"][section]
        if not isinstance(value, dict):
            assert value == about["default"]
            continue
        assert set(value) == set(about["properties"]), section
        for key, found in value.items():
            assert "default" in about["properties"][key]
            if (section, key) not in demo:
                assert found == about["properties"][key]["default"], f"{section}.{key}"
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  ") and not line.strip().startswith("#"):
            assert "#" in line or lines[number - 1].strip().startswith("#"), f"line {number + 1} of config.yaml is not explained"


def test_the_sheet_has_the_columns_of_its_schema_and_the_demo_is_called_demo() -> None:
    schema = yaml.safe_load((ROOT / "workflow" / "schemas" / "cohorts.schema.yaml").read_text())
    with (ROOT / "config" / "cohorts.tsv").open(newline="") as handle:
        rows = list(csv.DictReader(handle, dialect="excel-tab"))
    assert list(rows[0]) == list(schema["properties"])[: len(rows[0])], "further columns of the schema may be added to a sheet"
    settings = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["cohort"]
    assert set(schema["properties"]) == {"cohort", *settings}, "what holds for all cohorts can be set for one, and the other way round"
    assert [row["cohort"] for row in rows] == ["demo"]
    assert "results/demo/report.html" in (ROOT / "Makefile").read_text()
    for key in ("table", "taxonomy", "tree", "metadata"):
        assert (ROOT / "config" / rows[0][key]).is_file()


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_both_profiles_hold_only_options_that_snakemake_knows(profile: str) -> None:
    path = ROOT / "workflow" / "profiles" / profile
    run = snakemake("--dry-run", "--quiet", "all", "--workflow-profile", str(path))
    assert run.returncode == 0, run.stderr


# ---------------------------------------------------------------- which jobs there are
def test_the_demo_is_a_full_cohort_and_a_dry_run_from_the_checkout_lists_every_stage() -> None:
    run = snakemake("--dry-run", "--forceall", "--workflow-profile", "workflow/profiles/default")
    assert run.returncode == 0, run.stderr
    for rule in (
        "cohort_build",
        "diversity_beta",
        "comparison_structure",
        "diversity_taxa",
        "reference_build",
        "dysbiosis_verdict",
        "dysbiosis_flags",
        "dysbiosis_indices",
        "immune_link",
        "report_write",
    ):
        assert rule in run.stdout + run.stderr


def test_a_cohort_without_tree_group_and_controls_has_none_of_the_jobs_that_need_them(noted, study) -> None:
    place = study("seed: 7\n", {"cohort": "bare", "table": "table.tsv"})
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    words = {tuple(call[:2]) for call in noted.calls}
    assert not {word for word in words if word[0] == "comparison"} | {("reference", "build")} & words
    assert ("dysbiosis", "verdict") in words
    assert ("diversity", "taxa") in words  # without lineages the table is empty and says why
    assert not {("dysbiosis", "flags"), ("dysbiosis", "indices")} & words
    assert not any(metric in " ".join(call) for call in noted.calls for metric in PHYLOGENETIC)
    assert (place / "results" / "bare" / "report.html").is_file()


def test_an_empty_cell_takes_the_value_of_the_config_and_a_filled_one_goes_before(noted, study) -> None:
    config = "cohort: {tree: shared.nwk, metadata: people.tsv, group: disease, subject: person, specimen: stool}\n"
    rows = [{"cohort": "a", "table": "a.tsv", "group": ""}, {"cohort": "b", "table": "b.tsv", "group": "diet"}]
    place = study(config, *rows)
    for name in ("shared.nwk", "people.tsv"):
        (place / "config" / name).write_text("x")
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    builds = {call[call.index("--name") + 1]: call for call in noted.of("cohort", "build")}
    assert "--group=disease" in builds["a"]
    assert "--group=diet" in builds["b"]
    assert all(
        {"--tree=config/shared.nwk", "--metadata=config/people.tsv", "--specimen=stool", "--subject=person"} <= set(c)
        for c in builds.values()
    )
    assert len(noted.of("diversity", "beta")) == 2 * 5


def test_a_users_rows_reach_every_command_that_reads_the_knowledge_base(noted, study) -> None:
    place = study("immune: {add_knowledge: own.tsv, add_references: own.bib}\n", {"cohort": "c", "table": "t.tsv", "metadata": "m.tsv"})
    for name in ("own.tsv", "own.bib", "m.tsv"):
        (place / "config" / name).write_text("x")
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    for words in (("diversity", "taxa"), *(("immune", a) for a in ("match", "link", "samples", "enrichment")), ("report",)):
        call = next(c for c in noted.of(*words) if "--index" not in c)
        assert {"--add-knowledge=config/own.tsv", "--add-references=config/own.bib"} <= set(call), words
        assert not any(word.startswith("--knowledge") for word in call)


def test_the_settings_reach_the_commands_that_they_are_for(noted, study) -> None:
    config = """
seed: 5
cohort: {missing_tips: drop}
diversity: {depth: 1000, draws: 12, alpha: [shannon, faith_pd], beta: [jaccard], axes: 3}
comparison: {formula: "~ group + age", permutations: 499, baseline: healthy, strata: batch, abundance_rank: family, min_prevalence: 0.2}
reference: {controls_are: healthy, partition: body mass}
immune: {covariates: [age, body mass], markers: [crp], load: cells, verdict: true}
"""
    row = {
        "cohort": "c",
        "table": "t.biom",
        "tree": "t.nwk",
        "group": "group",
        "subject": "who",
        "time": "week",
        "controls": 'group == "healthy"',
        "age_band": "adult",
    }
    place = study(config, row)
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr

    def arguments(*words: str) -> list[str]:
        (call,) = noted.of(*words)
        return call

    base = "results/c"
    assert {"--missing-tips=drop", "--age-band=adult", "--subject=who", "--group=group"} <= set(arguments("cohort", "build"))
    alpha = arguments("diversity", "alpha")
    assert {"--metric=shannon", "--metric=faith_pd", "--level=feature"} <= set(alpha)
    assert {"--depth=1000", "--draws=12", "--seed=5"} <= set(alpha)
    assert alpha[-2:] == ["--output", f"{base}/diversity/alpha.tsv"]
    for name in ("curves", "standards"):
        assert "--depth=1000" in arguments("diversity", name)
    assert arguments("diversity", "ordination")[2:] == [
        *("--distances", f"{base}/diversity/distances/jaccard.h5", "--cohort", f"{base}/cohort/cohort.json", "--axes=3"),
        *("--threads", "1", "--output", f"{base}/diversity/ordination/jaccard.tsv"),
    ]
    structure = arguments("comparison", "structure")
    assert {"--formula=~ group + age", "--variable=group", "--subject=who", "--strata=batch", "--permutations=499", "--seed=5"} <= set(structure)
    assert structure[-4:] == ["--threads", "1", "--output", f"{base}/comparison"]
    assert {"--variable=group", "--subject=who", "--baseline=healthy"} <= set(arguments("comparison", "alpha"))
    assert {"--formula=~ group + age", "--subject=who"} <= set(arguments("comparison", "model"))
    abundance = arguments("comparison", "abundance")
    assert {"--variable=group", "--formula=~ group + age", "--subject=who", "--baseline=healthy", "--rank=family"} <= set(abundance)
    assert "--min-prevalence=0.2" in abundance, "that of the comparison, not that of the filter"
    assert {"--group=group", "--subject=who", "--time=week"} <= set(arguments("comparison", "longitudinal"))
    assert {'--controls=group == "healthy"', "--controls-are=healthy", "--subject=who"} <= set(arguments("reference", "build"))
    build = arguments("reference", "build")
    assert {f"--taxa={base}/diversity/taxa.tsv", f"--alpha={base}/diversity/alpha.tsv", "--partition=body mass"} <= set(build)
    assert "--seed=5" in build
    assert build[build.index("--untestable") :][:4] == ["--untestable", "record", "--outliers", f"{base}/reference/outliers.tsv"]
    assert {"--depth=1000", "--seed=5"} <= set(arguments("diversity", "taxa"))
    assert f"--reference={base}/reference/reference.json" in arguments("dysbiosis", "verdict")
    flags = arguments("dysbiosis", "flags")
    assert {f"--taxa={base}/diversity/taxa.tsv", '--controls=group == "healthy"', "--subject=who"} <= set(flags)
    indices = arguments("dysbiosis", "indices")
    assert {'--controls=group == "healthy"', "--subject=who", "--depth=1000", f"{base}/dysbiosis/indices.tsv"} <= set(indices)
    assert {"--covariate=age", "--covariate=body mass", "--marker=crp", "--load=cells", "--subject=who"} <= set(arguments("immune", "link"))
    assert f"--verdicts={base}/dysbiosis/verdicts.tsv" in arguments("immune", "link")
    (report,) = (call for call in noted.of("report") if "--index" not in call)
    assert report[report.index("--output") :] == [
        *("--output", f"{base}/report.html", "--data", f"{base}/report/data", "--multiqc", f"{base}/report/gutdiv_mqc.json")
    ]


def test_what_holds_for_all_cohorts_can_be_set_for_one_in_the_sheet(noted, study) -> None:
    config = "cohort: {min_reads: 100, exclude: 'chloroplast', min_prevalence: 0.1}\ndiversity: {beta: [unweighted_unifrac]}\n"
    rows = [
        {"cohort": "a", "table": "a.tsv"},
        {
            "cohort": "b",
            "table": "b.tsv",
            "min_reads": "500",
            "exclude": "unassigned",
            "root": "midpoint",
            "carried_tree": "use",
            "label": "0.03",
        },
    ]
    run = noted.snakemake(directory=study(config, *rows))
    assert run.returncode == 0, run.stderr
    builds = {call[call.index("--name") + 1]: set(call) for call in noted.of("cohort", "build")}
    assert {"--min-reads=100", "--exclude=chloroplast", "--min-prevalence=0.1", "--root=keep", "--carried-tree=leave"} <= builds["a"]
    expected = {"--min-reads=500", "--exclude=unassigned", "--min-prevalence=0.1", "--root=midpoint", "--carried-tree=use", "--label=0.03"}
    assert expected <= builds["b"]
    (beta,) = noted.of("diversity", "beta")
    assert any("results/b/" in word for word in beta), "only the cohort whose table carries a tree has phylogenetic metrics"


def test_any_setting_can_be_another_for_one_cohort_in_a_column_named_after_its_section_and_key(noted, study) -> None:
    config = "diversity: {beta: [jaccard, braycurtis], alpha: [shannon], depth: 900}\ncomparison: {formula: '~ age'}\n"
    own = {"diversity.beta": "jaccard", "diversity.depth": "auto", "diversity.draws": "7", "comparison.formula": "~ sex", "immune.verdict": "true"}
    place = study(config, {"cohort": "a", "table": "a.tsv"}, {"cohort": "b", "table": "b.tsv", **own})
    assert noted.snakemake(directory=place).returncode == 0
    alpha, permanova, link = (
        {("a" if any("results/a/" in w for w in call) else "b"): call for call in noted.of(*words)}
        for words in (("diversity", "alpha"), ("comparison", "structure"), ("immune", "link"))
    )
    assert {"--depth=900", "--draws=100"} <= set(alpha["a"])
    assert {"--depth=auto", "--draws=7"} <= set(alpha["b"])
    assert "--formula=~ age" in permanova["a"]
    assert "--formula=~ sex" in permanova["b"]
    assert len(noted.of("diversity", "beta")) == 3
    assert not any(word.startswith("--verdicts") for word in link["a"])
    assert any(word.startswith("--verdicts") for word in link["b"])


def test_cohorts_are_merged_into_one_more_with_their_study_in_every_design(noted, study) -> None:
    common = "cohort: {group: group, subject: who, controls: 'group == \"healthy\"', merged_into: all, format: mothur, replicates: tube}\n"
    config = common + "immune: {covariates: [age]}\ndiversity: {beta: [jaccard]}\n"
    rows = [{"cohort": name, "table": f"{name}.tsv", "tree": "t.nwk"} for name in ("a", "b")]
    place = study(config, *rows)
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    (merge,) = noted.of("cohort", "merge")
    assert merge[2:] == [
        *("--cohort=results/a/cohort/cohort.json", "--cohort=results/b/cohort/cohort.json", "--subject=who", "--by=genus"),
        *("--output", "results/all/merged"),
    ]

    def of_all(*words: str) -> list[str]:
        (call,) = [c for c in noted.of(*words) if any("results/all/" in word for word in c)]
        return call

    build = of_all("cohort", "build")
    assert "--table=results/all/merged/table.biom" in build
    assert not any(word.startswith(("--tree=", "--format=", "--replicates=")) for word in build), "these are of the studies' files and samples"
    assert {"--formula=~ study + `group`", "--strata=study", "--variable=group"} <= set(of_all("comparison", "structure"))
    for action in ("model", "abundance"):
        assert "--formula=~ study + `group`" in of_all("comparison", action)
    assert [word for word in of_all("immune", "link") if word.startswith("--covariate")] == ["--covariate=study", "--covariate=age"]
    assert not any("results/all/" in word for call in noted.of("comparison", "alpha") for word in call), "it could hold no study constant"
    assert not any("results/all/" in word for call in noted.of("reference", "build") for word in call), "studies' controls are not pooled unasked"
    assert (place / "results" / "all" / "report.html").is_file()


def test_columns_that_studies_are_told_to_have_alike_are_those_of_the_merged_cohort_too(noted, study) -> None:
    said = {"group": "diagnosis", "subject": "who", "specimen": "stool", "merged_into": "all"}
    rows = [{"cohort": name, "table": f"{name}.tsv", "age_band": age, **said} for name, age in (("a", "adult"), ("b", "child"))]
    place = study("diversity: {beta: [jaccard]}\n", *rows)
    assert noted.snakemake(directory=place).returncode == 0
    (build,) = [call for call in noted.of("cohort", "build") if "all" in call]
    assert {"--group=diagnosis", "--subject=who", "--specimen=stool"} <= set(build)
    assert not any(word.startswith("--age-band") for word in build)
    (structure,) = [call for call in noted.of("comparison", "structure") if any("results/all/" in word for word in call)]
    assert {"--formula=~ study + `diagnosis`", "--variable=diagnosis"} <= set(structure)
    noted.forget()
    place = study("diversity: {beta: [jaccard]}\n", *rows, {"cohort": "all", "group": "other"})
    assert noted.snakemake(directory=place).returncode == 0
    (build,) = [call for call in noted.of("cohort", "build") if "all" in call]
    assert {"--group=other", "--subject=who"} <= set(build)


def test_a_merged_cohort_takes_its_own_settings_from_the_sheet_and_never_a_table(noted, study) -> None:
    rows = [{"cohort": name, "table": f"{name}.tsv", "merged_into": "all"} for name in ("a", "b")]
    own = {"cohort": "all", "merged_by": "feature", "controls": "age > 3", "comparison.formula": "~ age", "comparison.strata": "batch"}
    place = study("diversity: {beta: [jaccard]}\n", *rows, own)
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    assert "--by=feature" in noted.of("cohort", "merge")[0]
    assert {"--formula=~ study + age", "--strata=batch"} <= set(noted.of("comparison", "structure")[0])
    assert len(noted.of("reference", "build")) == 1
    run = noted.snakemake("--dry-run", directory=study("seed: 1\n", *rows, own | {"table": "c.tsv"}))
    assert "all: a cohort that others are merged into has no table of its own" in run.stdout + run.stderr


def test_what_groups_are_to_distances_is_asked_only_of_cohorts_with_a_group(noted, study) -> None:
    rows = [{"cohort": "formula", "table": "a.tsv", "comparison.formula": "~ age"}, {"cohort": "groups", "table": "b.tsv", "group": "group"}]
    place = study("diversity: {beta: [jaccard]}\n", *rows)
    assert noted.snakemake(directory=place).returncode == 0
    folders = {name: {p.name for p in (place / "results" / name / "comparison").iterdir() if p.is_dir()} for name in ("formula", "groups")}
    assert folders == {"formula": {"permanova", "constrained"}, "groups": {"permanova", "constrained", "dispersion", "pairs"}}
    assert sum("--variable=group" in call for call in noted.of("comparison", "structure")) == 1


def test_many_samples_are_measured_in_blocks_of_rows_that_are_put_together(noted, study) -> None:
    place = study("diversity: {beta: [jaccard], split_above: 150}\n", {"cohort": "c", "table": "t.tsv"})  # the noting command makes 240 samples
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    folder = "results/c/diversity/distances"
    parts = [f"{folder}/jaccard.rows/{k}_of_3.h5" for k in (1, 2, 3)]  # (240 / 150)^2 = 2.56
    assert sorted(call[call.index("--rows") + 1] for call in noted.of("diversity", "beta")) == ["1/3", "2/3", "3/3"]
    assert noted.of("diversity", "gather") == [["diversity", "gather", *parts, "--output", f"{folder}/jaccard.h5"]]
    assert not (place / folder / "jaccard.rows" / "1_of_3.h5").exists(), "blocks are not kept"


def test_more_samples_than_a_matrix_can_hold_are_ordinated_by_landmarks_and_tested_on_a_subsample(noted, study) -> None:
    settings = "diversity: {beta: [jaccard], largest_matrix: 239, landmarks: 50, subsample: 100, split_above: 20, depth: 900}\n"
    place = study(settings, {"cohort": "c", "table": "t.tsv", "group": "group"})  # the noting command makes 240 samples
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    (beta,) = noted.of("diversity", "beta")
    assert "--subsample=100" in beta
    (landmarks,) = noted.of("diversity", "landmarks")
    assert {"--landmarks=50", "--depth=900", "--seed=42", "--axes=10", "jaccard"} <= set(landmarks)
    assert not noted.of("diversity", "ordination")
    assert len(noted.of("comparison", "structure")) == 1
    cost = "c: a matrix of its 240 samples would hold 28,680 distances for each metric, 0.0 GB on disk and twice that in memory."
    assert run.stderr.count(cost) == 1, "said once, before it is measured"
    assert "(239) samples are placed by 50 landmarks, and tests on distances rest on 100 samples" in run.stderr


def test_distances_are_measured_anew_when_of_how_many_samples_is_set_otherwise(noted, study) -> None:
    row = {"cohort": "c", "table": "t.tsv", "group": "group"}  # the noting command makes 240 samples
    place = study("diversity: {beta: [jaccard], largest_matrix: 239, landmarks: 50, subsample: 100}\n", row)
    assert noted.snakemake(directory=place).returncode == 0
    tests = {("comparison", "structure"), ("report", "--results"), ("report", "--index")}
    for settings, wanted, changed in (
        ("largest_matrix: 239, landmarks: 50, subsample: 60", {("diversity", "beta")} | tests, "--subsample=60"),
        ("largest_matrix: 239, landmarks: 40, subsample: 60", {("diversity", "landmarks"), *tests} - {("comparison", "structure")}, "--landmarks=40"),
        ("largest_matrix: 240, landmarks: 40, subsample: 60", {("diversity", "beta"), ("diversity", "ordination")} | tests, ""),
        ("largest_matrix: 241, landmarks: 30, subsample: 50", set(), ""),  # they mean nothing where a matrix of all is made
    ):
        noted.forget()
        study(f"diversity: {{beta: [jaccard], {settings}}}\n", row)
        run = noted.snakemake(directory=place)
        assert run.returncode == 0, run.stderr
        assert {tuple(call[:2]) for call in noted.calls} == wanted, settings
        assert changed in " ".join(" ".join(call) for call in noted.calls)
        assert ("--subsample" in " ".join(" ".join(call) for call in noted.calls)) == ("subsample=60" in changed)


def test_another_version_makes_all_results_anew(noted, study) -> None:
    place = study("diversity: {beta: [jaccard]}\n", {"cohort": "c", "table": "t.tsv"})
    assert noted.snakemake(directory=place).returncode == 0
    made = len(noted.calls)
    noted.forget()
    rules = place / "other" / "workflow"
    shutil.copytree(ROOT / "workflow", rules)
    shutil.copy(ROOT / "Snakefile", place / "other")
    jobs = rules / "rules" / "jobs.smk"
    jobs.write_text(jobs.read_text().replace('version("gutdiv")', '"99.0"'))
    run = noted.snakemake(directory=place, snakefile=place / "other" / "Snakefile")
    assert run.returncode == 0, run.stderr
    assert len(noted.calls) == made


def test_over_time_is_followed_only_with_subject_and_time_and_with_the_distances_that_there_are(noted, study) -> None:
    rows = [
        {"cohort": "a", "table": "a.tsv", "subject": "who", "time": "week"},
        {"cohort": "b", "table": "b.tsv", "subject": "who"},
        {"cohort": "c", "table": "c.tsv", "time": "week", "group": "diet"},
    ]
    place = study("diversity: {beta: [jaccard, braycurtis]}\n", *rows)
    assert noted.snakemake(directory=place).returncode == 0
    (call,) = noted.of("comparison", "longitudinal")
    assert "--distances=results/a/diversity/distances/braycurtis.h5" in call
    assert (place / "results" / "a" / "comparison" / "longitudinal" / "tests.tsv").is_file()
    noted.forget()
    study("diversity: {beta: [jaccard]}\n", *rows)
    assert noted.snakemake(directory=place).returncode == 0
    (call,) = noted.of("comparison", "longitudinal")
    assert not any("distances" in word for word in call)


def test_every_test_of_a_formula_may_be_untestable_without_ending_the_workflow(noted, study) -> None:
    row = {"cohort": "c", "table": "t.biom", "group": "group", "subject": "who", "time": "week"}
    assert noted.snakemake(directory=study("diversity: {beta: [jaccard]}\n", row)).returncode == 0
    actions = {call[1]: call for call in noted.of("comparison")}
    assert set(actions) == {"alpha", "model", "structure", "abundance", "longitudinal"}
    for action in set(actions) - {"alpha"}:  # this one records what it cannot test in any case
        assert actions[action][actions[action].index("--untestable") + 1] == "record", action


def test_nothing_left_from_earlier_settings_reaches_the_report(noted, study) -> None:
    row = {"cohort": "c", "table": "t.biom", "tree": "t.nwk", "group": "group", "controls": "age > 3"}
    place = study("seed: 42\n", row)
    assert noted.snakemake(directory=place).returncode == 0
    assert "reference/reference.json" in noted.results
    assert {f"diversity/ordination/unweighted_unifrac{end}.tsv" for end in ("", "_arrows")} <= set(noted.results)
    assert "comparison/alpha.json" in noted.results
    study("seed: 42\n", {"cohort": "c", "table": "t.biom"})
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    assert (place / "results" / "c" / "reference" / "reference.json").is_file(), "this test needs something left over"
    left_over = ("reference", "unifrac", "comparison")
    assert not [name for name in noted.results if any(word in name for word in left_over)]
    assert {"cohort/cohort.json", "diversity/alpha.tsv", "dysbiosis/verdicts.tsv", "immune/links.json"} <= set(noted.results)


def test_a_second_run_does_nothing_and_a_changed_setting_makes_anew_only_what_hangs_on_it(noted, study) -> None:
    row = {"cohort": "c", "table": "t.biom", "group": "group"}
    place = study("comparison: {permutations: 999}\n", row)
    assert noted.snakemake(directory=place).returncode == 0
    noted.forget()
    run = noted.snakemake(directory=place)
    assert run.returncode == 0
    assert noted.calls == []
    study("comparison: {permutations: 199}\n", row)
    assert noted.snakemake(directory=place).returncode == 0
    assert {tuple(call[:2]) for call in noted.calls} == {("comparison", "structure"), ("report", "--results"), ("report", "--index")}


# ---------------------------------------------------------------- settings that are wrong
def refusals(schema: str, data: dict[str, object]) -> list[str]:
    """Return what a schema says against a config or a row of the sheet."""
    content = yaml.safe_load((ROOT / "workflow" / "schemas" / f"{schema}.schema.yaml").read_text())
    return [error.message for error in jsonschema.Draft202012Validator(content).iter_errors(data)]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"diversity": {"dpth": 3}}, "'dpth' was unexpected"),
        ({"diversity": {"depth": "soon"}}, "'soon' is not valid"),
        ({"diversity": {"depth": 0}}, "0 is not valid"),
        ({"diversity": {"beta": []}}, "[] should be non-empty"),
        ({"diversity": {"alpha": ["shannon; rm"]}}, "'shannon; rm' is not one of"),
        ({"diversity": {"alpha": ["braycurtis"]}}, "'braycurtis' is not one of"),
        ({"reference": {"controls_are": "fine"}}, "'fine' is not one of"),
        ({"reference": {"partition": "a\tb"}}, "does not match"),
        ({"cohort": {"group": True}}, "True is not of type 'string'"),
        ({"cohort": {"missing_tips": "keep"}}, "'keep' is not one of"),
        ({"cohort": {"min_reads": -1}}, "-1 is less than the minimum"),
        ({"cohort": {"root": "random"}}, "'random' is not one of"),
        ({"cohort": {"label": 0.10}}, "0.1 is not of type 'string'"),
        ({"seed": -1}, "-1 is less than the minimum"),
        ({"seed": "x"}, "'x' is not of type 'integer'"),
        ({"immune": {"markers": ["a\nb"]}}, "does not match"),
        ({"comparison": {"abundance_rank": "species"}}, "'species' is not one of"),
        ({"comparison": {"min_prevalence": 3}}, "3 is greater than the maximum"),
    ],
)
def test_the_schema_refuses_a_wrong_setting(config: dict[str, object], words: str) -> None:
    (message,) = refusals("config", config)
    assert words in message
    assert not refusals("config", {})


def test_the_schema_knows_every_metric_and_no_other() -> None:
    known = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())["$defs"]
    assert {scope: known[scope]["items"]["enum"] for scope in ("alpha", "beta")} == {"alpha": list(ALPHA), "beta": list(BETA)}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"cohort": "c", "tabel": "t"}, "'tabel' do"),
        ({"cohort": "a b"}, "'a b' does not match"),
        ({"cohort": "../a"}, "'../a' does not match"),
        ({"cohort": ""}, "'' does not match"),
        ({"cohort": "a\n"}, "does not match"),
        ({"cohort": "index.html"}, "'index.html' does not match"),  # results/index.html is the page over all cohorts
        ({"table": "t"}, "'cohort' is a required property"),
        ({"cohort": "a", "age_band": "old"}, "'old' is not one of"),
        ({"cohort": "a", "min_reads": "many"}, "does not match"),
        ({"cohort": "a", "controls": "x\ty"}, "does not match"),
        ({"cohort": "a", "controls": "x\n"}, "does not match"),
        ({"cohort": "a", "table": "data/{x}.tsv"}, "does not match"),
    ],
)
def test_the_schema_refuses_a_wrong_row(row: dict[str, object], words: str) -> None:
    (message,) = refusals("cohorts", row)
    assert words in message
    assert not refusals("cohorts", {"cohort": "hct_taur-2.v1", "table": "any file", "controls": "x == 1"})


@pytest.mark.parametrize(
    ("config", "rows", "words"),
    [
        ("diversity: {dpth: 3}\n", [{"cohort": "c", "table": "t"}], ["config['diversity']", "'dpth' was unexpected"]),
        ("sheet: nowhere.tsv\n", [{"cohort": "c", "table": "t"}], ["config/nowhere.tsv"]),
        ("seed: 42\n", [{"cohort": "c", "tabel": "t"}], ["cohorts", "'tabel' do"]),
        ("seed: 42\n", [{"cohort": "A", "table": "t"}, {"cohort": "a", "table": "t"}], ["cohorts.tsv", "a name of its own"]),
        ("seed: 42\n", [{"cohort": "a", "table": ""}], ["cohorts.tsv", "needs a table"]),
        ("seed: 42\n", [{"cohort": "a", "table": "t", "diversity.draws": "[1"}], ["cohorts.tsv, cohort a", "'[1' is not of type 'integer'"]),
        ("seed: 42\n", [{"cohort": "a", "table": "t", "diversity.beta": "brycurtis"}], ["cohorts.tsv, cohort a", "'brycurtis' is not one of"]),
        ("seed: 42\n", [{"cohort": "a", "table": "t", "diversity.dpth": "1"}], ["cohorts.tsv, cohort a", "'dpth' was unexpected"]),
        ("seed: 42\n", [{"cohort": "a", "table": "t", "merged_into": "b"}], ["cohorts.tsv", "b: a cohort", "two rows or more"]),
    ],
)
def test_a_wrong_setting_is_refused_in_one_readable_line(noted, study, config: str, rows: list[dict[str, str]], words: list[str]) -> None:
    place = study(config, *rows)
    run = noted.snakemake("--dry-run", directory=place)
    assert run.returncode != 0
    said = (run.stdout + run.stderr).splitlines()
    message = [line for line in said if all(word in line for word in words)]
    assert message, said
    assert len(message[0]) < 250
    assert len(said) < 30


# ---------------------------------------------------------------- paths
def test_a_config_in_another_folder_means_its_paths_from_there_and_hears_nothing_of_the_demo(noted, study, tmp_path: Path) -> None:
    place = study("immune: {markers: [crp]}\n", {"cohort": "far", "table": "../data/t.biom"}, folder="elsewhere")
    for part in ("Snakefile", "workflow", "config"):  # a working directory whose own config is the demo's
        (tmp_path / part).symlink_to(ROOT / part)
    run = noted.snakemake("--configfile", str(place / "config" / "config.yaml"), directory=tmp_path)
    assert run.returncode == 0, run.stderr
    (build,) = noted.of("cohort", "build")
    assert f"--table={place / 'data' / 't.biom'}" in build
    text = " ".join(word for call in noted.calls for word in call)
    assert "healthy" not in text
    assert "--covariate" not in text
    assert (tmp_path / "results" / "far" / "report.html").is_file()


def test_the_workflow_can_be_a_module_of_another_one(noted, study) -> None:
    place = study("seed: 3\n", {"cohort": "m", "table": "t.tsv"})
    (place / "Snakefile").write_text(
        f"""
configfile: "config/config.yaml"

module gutdiv:
    snakefile: {str(ROOT / "Snakefile")!r}
    config: config

use rule * from gutdiv as gutdiv_*

rule all:
    default_target: True
    input: rules.gutdiv_all.input
"""
    )
    run = noted.snakemake(directory=place, snakefile=place / "Snakefile")
    assert run.returncode == 0, run.stderr
    (build,) = noted.of("cohort", "build")
    assert "--table=config/t.tsv" in build


def test_a_module_of_a_released_version_needs_nothing_but_the_repository(noted, study) -> None:
    """As `snakedeploy deploy-workflow` writes it. The clone that Snakemake would make of the host is put where it looks for it."""
    place = study("seed: 3\n", {"cohort": "m", "table": "t.tsv"})
    clone = Path(noted.env["XDG_CACHE_HOME"]) / "snakemake" / "snakemake" / "source-cache" / "snakemake-git-cache" / "github.com" / "lab" / "gutdiv"
    source = place / "source"
    shutil.copytree(ROOT / "workflow", source / "workflow")
    shutil.copy(ROOT / "Snakefile", source)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(source)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "released"], ["tag", "v1"], ["clone", "-q", "--bare", ".", str(clone)]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (place / "Snakefile").write_text(
        """
configfile: "config/config.yaml"

module gutdiv:
    snakefile: github("lab/gutdiv", path="Snakefile", tag="v1")
    config: config

use rule * from gutdiv
"""
    )
    run = noted.snakemake(directory=place, snakefile=place / "Snakefile")
    assert run.returncode == 0, run.stderr
    assert (place / "results" / "m" / "report.html").is_file()


# ---------------------------------------------------------------- what users write stays text
HOSTILE = [
    """group == "it's" or `a b` != '$(touch hacked)'""",
    "`x`; touch hacked; #",
    "{wildcards.cohort} {nothing} {{x}} %s \\ $HOME `touch hacked` && touch hacked",
    '"quoted" == 1',
    "-n",
    "größe > 3",
]


def test_hostile_text_reaches_the_command_letter_for_letter_and_is_never_run(noted, study) -> None:
    rows = []
    for number, text in enumerate(HOSTILE):
        column = text.replace("`", "").strip('"')
        quoted = text.replace('"', '""') if text.startswith('"') else text
        rows.append({"cohort": f"c{number}", "table": "t.tsv", "group": column, "subject": column, "specimen": column, "controls": quoted})
    settings = {"immune": {"covariates": HOSTILE, "markers": HOSTILE}, "diversity": {"alpha": ["shannon"], "beta": ["jaccard"]}}
    place = study(yaml.safe_dump(settings, allow_unicode=True), *rows)
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    for text, row in zip(HOSTILE, rows, strict=True):

        def arguments(*words: str, cohort: str = row["cohort"]) -> list[str]:
            (call,) = [c for c in noted.of(*words) if any(f"results/{cohort}/" in word for word in c)]
            return call

        assert f"--controls={text}" in arguments("reference", "build")
        for action in ("verdict", "flags", "indices"):
            assert f"--controls={text}" in arguments("dysbiosis", action)
        assert {f"--{key}={row[key]}" for key in ("group", "subject", "specimen")} <= set(arguments("cohort", "build"))
        assert f"--variable={row['group']}" in arguments("comparison", "alpha")
        formula = row["group"].replace("`", "``")
        assert f"--formula=~ `{formula}`" in arguments("comparison", "structure")
        assert {f"--formula=~ `{formula}`", f"--variable={row['group']}"} <= set(arguments("comparison", "abundance"))
        assert [word for word in arguments("immune", "link") if word.startswith("--covariate=")] == [f"--covariate={h}" for h in HOSTILE]
        assert f"--marker={text}" in arguments("immune", "link")
    assert not list(place.rglob("hacked"))


def test_files_with_odd_names_are_found(noted, study) -> None:
    name = "my table it's $(touch hacked) & co.tsv"
    place = study("seed: 42\n", {"cohort": "c-1.x_Y", "table": name, "taxonomy": f"sub folder/{name}"})
    run = noted.snakemake(directory=place)
    assert run.returncode == 0, run.stderr
    (build,) = noted.of("cohort", "build")
    assert {f"--table=config/{name}", f"--taxonomy=config/sub folder/{name}"} <= set(build)
    assert not list(place.rglob("hacked"))


def test_a_packed_table_asks_for_the_memory_of_what_it_holds_and_a_folder_for_its_largest_table(noted, study) -> None:
    rows = [{"cohort": name, "table": table} for name, table in (("plain", "t.tsv"), ("packed", "t.tsv.gz"), ("folder", "amp"))]
    place = study("diversity: {beta: [jaccard]}\n", *rows)
    (place / "config" / "amp").unlink()
    (place / "config" / "amp" / "dada2").mkdir(parents=True)
    for path in ("t.tsv", "t.tsv.gz", "amp/dada2/ASV_table.tsv", "amp/reads.fastq.gz"):
        with (place / "config" / path).open("wb") as file:
            file.truncate(80_000_000 if "fastq" not in path else 900_000_000)
    run = noted.snakemake("--dry-run", "--until", "cohort_build", directory=place)
    assert run.returncode == 0, run.stderr
    asked = {name: int(mb) for name, mb in re.findall(r"(?s)wildcards: cohort=(\w+).*?mem_mb=(\d+)", run.stdout)}
    # 250 + 1.25 (97 + 5.7 MB): 80 MB as it is, and tenfold
    assert asked == {"plain": 942, "packed": 6072, "folder": 942}
