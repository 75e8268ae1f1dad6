"""A declared specimen is held against what the metadata say of the samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gutdiv.cli.app import main
from gutdiv.cohort.specimens import conflicts
from gutdiv.model.cohort import SampleMetadata

if TYPE_CHECKING:
    from pathlib import Path


def said(column: str, cells: list[str | None]) -> SampleMetadata:
    """Return metadata of five samples that hold these cells, and `stool` in the others."""
    rest: list[str | None] = ["stool"] * (5 - len(cells))
    return SampleMetadata(tuple("abcde"), {column: (*cells, *rest)}, {column: "categorical"})


def test_a_column_that_calls_samples_something_else_is_found_with_its_words_most_frequent_first() -> None:
    cells = ["saliva", "UBERON:skin of forearm", None, "saliva"]
    words = [["saliva", 2], ["UBERON:skin of forearm", 1]]
    assert conflicts(said("Body_Site", cells), "stool") == [{"columns": ["Body_Site"], "samples": 3, "words": words}]


def test_columns_that_say_the_same_are_told_together() -> None:
    one = said("body_site", ["biopsy", "biopsy"])
    cells = one.columns["body_site"]
    columns = {"body_site": cells, "sample_type": cells, "material": ("biopsy", *cells[:-1])}
    found = conflicts(SampleMetadata(one.ids, columns, dict.fromkeys(columns, "categorical")), "faeces")
    assert [(f["columns"], f["samples"]) for f in found] == [(["body_site", "sample_type"], 2), (["material"], 3)]


@pytest.mark.parametrize(
    ("column", "cells", "declared"),
    [
        ("body_site", ["feces", "Faecal swab", "stool, frozen"], "stool"),
        ("body_site", ["gut", "colon", "unknown"], "stool"),  # they leave a doubt
        ("isolation_source", ["infant gut, breast milk fed", "breast milk fed infant", "blood donor"], "stool"),  # of the person, not of the sample
        ("diet", ["oral", "skin"], "stool"),  # no column of specimens
        ("body_site", ["saliva"], None),
        ("body_site", ["saliva"], "sigmoid aspirate"),  # not known to us
        ("body_site", ["saliva"], "saliva and stool"),  # both were declared
    ],
)
def test_nothing_is_found_where_nothing_plainly_contradicts(column: str, cells: list[str | None], declared: str | None) -> None:
    assert conflicts(said(column, cells), declared) == []


@pytest.mark.parametrize("word", ["rectal biopsy", "colonic mucosa", "breast milk", "oral swab"])
def test_a_place_of_the_gut_does_not_hide_that_it_is_another_specimen(word: str) -> None:
    assert [f["samples"] for f in conflicts(said("tissue", [word]), "stool")] == [1]


def test_the_cohort_keeps_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("feature\ta\tb\tc\nX\t5\t6\t7\nY\t1\t2\t3\n")
    (tmp_path / "m.tsv").write_text("sample_id\tbody_site\na\tstool\nb\tstool\nc\tsaliva\n")
    words = ["cohort", "build", "--table", tmp_path / "t.tsv", "--metadata", tmp_path / "m.tsv", "--specimen", "stool", "--output", tmp_path / "out"]
    assert main([str(w) for w in words]) == 0
    assert json.loads((tmp_path / "out" / "cohort.json").read_text())["specimen_conflicts"] == [
        {"columns": ["body_site"], "samples": 1, "words": [["saliva", 1]]}
    ]
