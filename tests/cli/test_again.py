"""The commands that make results again, as the report tells them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from gutdiv.cli.again import commands
from gutdiv.cli.app import _parser, main
from gutdiv.io.results import read_results
from gutdiv.model.results import Reference, Results, Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pytest

DATA = Path(__file__).parents[2] / "test_data"
COHORT = {"name": "my study", "inputs": [{"role": "table", "name": "-odd name.biom"}], "roles": {"group": "arm", "subject": None}, "options": {}}


def made(records: Mapping[str, Mapping[str, Any]], reference: Reference | None = None) -> dict[str, str]:
    """Return the commands of results that hold these records."""
    tables = {place: Table(str(about.get("kind", "curves")), _empty(str(about.get("kind", "curves"))), about) for place, about in records.items()}
    return commands(Results("x", tables, COHORT, None, reference))


def _empty(kind: str) -> pd.DataFrame:
    """Return a table of this kind without rows."""
    from gutdiv.model.results import TABLES

    return pd.DataFrame({column: [] for column in TABLES[kind]})


def test_options_are_told_where_they_differ_from_what_they_are_by_default_and_read_back_as_recorded() -> None:
    options = {"variable": "delivery mode", "permutations": 99, "transform": {"shannon": 1 / 3}, "treat_as": "auto", "baseline": "-none-", "versus": None}
    inputs = [{"role": "alpha", "name": "alpha.tsv"}, {"role": "cohort", "name": "cohort.json"}]
    found = made({"comparison/alpha": {"kind": "group_test", "options": options, "inputs": inputs, "seed": 7}})
    words = shlex.split(found["comparison/alpha"])
    assert words[:3] == ["gutdiv", "comparison", "alpha"]
    assert "--treat-as" not in words
    read = _parser("comparison").parse_args(words[1:])
    assert {k: getattr(read, k) for k in ("variable", "permutations", "treat_as", "baseline", "versus", "seed")} == {
        **{k: options[k] for k in ("variable", "permutations", "treat_as", "baseline", "versus")},
        "seed": 7,
    }
    assert dict(read.transform) == {"shannon": 1 / 3}
    assert read.untestable == "record", "one test that cannot be made ends no list of commands"
    assert read.alpha == Path("diversity/alpha.tsv")
    build = shlex.split(found["cohort/cohort"])
    assert build == ["gutdiv", "cohort", "build", "--table=-odd name.biom", "--group", "arm", "--name", "my study", "--output", "cohort"]


def test_a_part_that_the_table_carries_is_no_file_of_its_own() -> None:
    inputs = [{"role": "table", "name": "own.biom"}, {"role": "taxonomy", "name": "own.biom", "carried": True}]
    found = commands(Results("x", {}, {**COHORT, "inputs": inputs}, None, None))
    assert found["cohort/cohort"] == "gutdiv cohort build --table own.biom --group arm --name 'my study' --output cohort"


def test_what_another_command_makes_along_with_it_has_none_of_its_own_and_what_is_made_of_it_stands_behind() -> None:
    def about(*roles: str) -> dict[str, Any]:
        return {"options": {}, "inputs": [{"role": r, "name": f"{r}.tsv"} for r in roles]}

    found = made(
        {
            "dysbiosis/stability": {"kind": "stability", **about("verdicts")},
            "dysbiosis/verdicts": {"kind": "verdicts", **about("cohort")},
            "dysbiosis/flags": {"kind": "flags", **about("cohort")},
            "immune/enrichment": {"kind": "enrichment", **about("links")},
            "immune/links": {"kind": "links", **about("cohort")},
        }
    )
    assert list(found) == ["cohort/cohort", "dysbiosis/verdicts", "dysbiosis/stability", "immune/links", "immune/enrichment"]


def test_distances_that_the_page_does_not_read_are_told_by_the_ordination_made_of_them() -> None:
    source = {"options": {"metric": "jaccard", "depth": 500, "draws": 1}, "inputs": [{"role": "cohort", "name": "cohort.json"}], "seed": 42}
    about = {"kind": "ordination", "options": {"axes": 3}, "inputs": [{"role": "distances", "name": "jaccard.h5"}], "sources": {"distances": source}}
    found = made({"diversity/ordination/jaccard": about})
    assert list(found) == ["cohort/cohort", "diversity/distances/jaccard", "diversity/ordination/jaccard"]
    words = "gutdiv diversity beta --cohort cohort/cohort.json --metric jaccard --depth 500 --output diversity/distances/jaccard.h5"
    assert found["diversity/distances/jaccard"] == words


def test_run_again_the_commands_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    files = {name: str(DATA / f"{name}.tsv") for name in ("taxonomy", "metadata")} | {"table": str(DATA / "table.biom")}
    monkeypatch.chdir(first)
    assert main(["cohort", "build", *(w for k, v in files.items() for w in (f"--{k}", v)), "--group", "group", "--output", "cohort"]) == 0
    cohort = ["--cohort", "cohort/cohort.json"]
    beta = "diversity/distances/braycurtis.h5"
    assert main(["diversity", "alpha", *cohort, "--metric", "shannon", "--draws", "3", "--seed", "5", "--output", "diversity/alpha.tsv"]) == 0
    assert main(["diversity", "beta", *cohort, "--metric", "braycurtis", "--depth", "1000", "--output", beta]) == 0
    assert main(["diversity", "ordination", "--distances", beta, "--axes", "3", "--output", "diversity/ordination/braycurtis.tsv"]) == 0
    monkeypatch.chdir(second)
    for name in ("table.biom", "taxonomy.tsv", "metadata.tsv"):
        (second / name).symlink_to(DATA / name)
    for line in commands(read_results(first)).values():
        assert main(shlex.split(line)[1:]) == 0, line
    results = {p.relative_to(first) for p in first.rglob("*") if p.is_file()}
    assert len(results) > 8
    assert {p for p in results if (first / p).read_bytes() != (second / p).read_bytes()} == set()
