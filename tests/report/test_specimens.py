"""A declared specimen is held against what the metadata say of the samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fake_results import HOSTILE, fake_results
from test_content import walk

from gutdiv.report import specimens
from gutdiv.report.content import build
from gutdiv.report.parts import Note
from gutdiv.report.render import render

if TYPE_CHECKING:
    from gutdiv.model.results import Results


def told(column: str, cells: list[str | None], declared: str | None = "stool") -> Results:
    """Return results of four samples more than these cells, all of which the column calls stool."""
    results = fake_results(n=24)
    assert results.metadata is not None
    rest: list[str | None] = ["stool"] * (24 - len(cells))
    metadata = replace(
        results.metadata, columns={**results.metadata.columns, column: (*cells, *rest)}, kinds={**results.metadata.kinds, column: "categorical"}
    )
    roles = {**(results.cohort.get("roles") or {}), "specimen": declared}
    return replace(results, metadata=metadata, cohort={**results.cohort, "roles": roles})


def test_a_column_that_calls_samples_something_else_than_was_declared_is_an_alert_with_what_to_do() -> None:
    results = told("Body_Site", ["saliva", "Saliva", "UBERON:skin of forearm", None])
    notes = [n for n in walk(build(results), Note) if "was declared as stool" in n.text]
    assert [n.text for n in notes] == [
        "The specimen was declared as stool, but the column Body_Site calls 3 samples of 24 something else: "
        "Saliva (1), UBERON:skin of forearm (1) and saliva (1)."
    ]
    assert notes[0].kind == "alert"
    assert "Leave them out" in notes[0].action
    assert notes[0].link is not None


def test_columns_that_say_the_same_speak_once() -> None:
    results = told("body_site", ["biopsy", "biopsy"])
    metadata = results.metadata
    assert metadata is not None
    again = {"sample_type": metadata.columns["body_site"], "material": ("biopsy", *metadata.columns["body_site"][:-1])}
    kinds = dict.fromkeys(again, "categorical")
    results = replace(results, metadata=replace(metadata, columns={**metadata.columns, **again}, kinds={**metadata.kinds, **kinds}))
    texts = [note.text.partition("but the ")[2] for note in specimens.alerts(results)]
    assert texts == [
        "columns body_site and sample_type call 2 samples of 24 something else: biopsy (2).",
        "column material calls 3 samples of 24 something else: biopsy (3).",
    ]


@pytest.mark.parametrize(
    ("column", "cells", "declared"),
    [
        ("body_site", ["feces", "Faecal swab", "stool, frozen"], "stool"),
        ("body_site", ["gut", "colon", "unknown"], "stool"),  # they leave a doubt
        ("diet", ["oral", "skin"], "stool"),  # no column of specimens
        ("body_site", ["saliva"], None),
        ("body_site", ["saliva"], "sigmoid aspirate"),  # not known to us
        ("body_site", ["saliva"], "saliva and stool"),  # both were declared
    ],
)
def test_nothing_is_said_where_nothing_plainly_contradicts(column: str, cells: list[str | None], declared: str | None) -> None:
    assert list(specimens.alerts(told(column, cells, declared))) == []


def test_hostile_values_are_escaped() -> None:
    html = render(build(told("body_site", [f"saliva {h}" for h in HOSTILE])))
    assert "<script>alert" not in html
