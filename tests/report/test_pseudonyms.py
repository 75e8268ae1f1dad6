"""Names of samples and subjects are replaced wherever they stand, and nothing else is."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fake_visits import visited

from gutdiv.report.anonymous import anonymised
from gutdiv.report.content import build
from gutdiv.report.pseudonyms import Pseudonyms, known, numbered
from gutdiv.report.render import render

if TYPE_CHECKING:
    from gutdiv.report.parts import Page

LONG = "a name that is longer than most of what people write, 2024-05-31"
NAMES = Pseudonyms({"S1": "sample 1", "S1.b": "sample 2", "12": "person 1", "20391": "sample 3", "A": "person 2", "run 7/b": "sample 4", LONG: "sample 5"})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("S1 and S1.b, not S10 or XS1.", "sample 1 and sample 2, not S10 or XS1."),
        ('subject in ["12", "A"] and age > 12', 'subject in ["person 1", "person 2"] and age > 12'),
        ("A share of 12 in 20391, not 20391.5 or 1,20391", "A share of 12 in sample 3, not 20391.5 or 1,20391"),
        ("(run 7/b)", "(sample 4)"),
        (f"'{LONG[:40]}…' fell out", "'sample 5' fell out"),
        ("12", "12"),
        ("8 samples have no value: 12, A and 20391; 12 has few", "8 samples have no value: person 1, person 2 and sample 3; 12 has few"),
        ("35 samples have no value here: 12, A and 30 more. At 12", "35 samples have no value here: person 1, person 2 and 30 more. At 12"),
        ("the depth: 12", "the depth: 12"),
        ("1 sample fell out: 12.", "1 sample fell out: person 1."),
        ("subject 12 (12%)", "subject person 1 (12%)"),
        ("nothing here", "nothing here"),
    ],
)
def test_a_name_is_replaced_as_a_word_or_in_quotes_and_a_mere_number_stays(said: str, told: str) -> None:
    assert NAMES.within(said) == told


def test_short_names_are_replaced_in_records_only_where_nothing_but_names_can_stand() -> None:
    record = {"groups": {"12": 7}, "unit": "12", "below_depth": ["12", "S1"], "distances": {"A": 0.5}, "bars": {"genus": [["12", "A", 1, [0.5]]]}}
    record["own_taxa"] = {"genus": [["A", [["Dorea", 0.2]]]]}
    assert NAMES.through(record) == {
        "groups": {"12": 7},
        "unit": "12",
        "below_depth": ["person 1", "sample 1"],
        "distances": {"person 2": 0.5},
        "bars": {"genus": [["12", "person 2", 1, [0.5]]]},
        "own_taxa": {"genus": [["person 2", [["Dorea", 0.2]]]]},
    }
    assert NAMES.through([["12", 0.3]], "nearest") == [["person 1", 0.3]]


def test_every_name_is_known_also_of_samples_that_fell_out_and_of_people_in_trajectories() -> None:
    results = visited()
    frame = results.tables["cohort/alignment"].frame
    fallen = frame.assign(id=["gone 1", *frame["id"][1:]], part=["sample", *frame["part"][1:]])
    results = replace(results, tables={**results.tables, "cohort/alignment": replace(results.tables["cohort/alignment"], frame=fallen)})
    samples, subjects = known(results)
    assert {"gone 1", *results.metadata.ids} <= samples
    assert subjects == {f"P{i}" for i in range(12)}
    assert set(numbered("sample", samples).values()) == {f"sample {i:0{len(str(len(samples)))}d}" for i in range(1, len(samples) + 1)}


def unpacked(page: Page) -> str:
    """Return all that a page's file says: its HTML without scripts and styles, and every block of data unpacked."""
    text = render(page)
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.DOTALL)
    said = [json.loads(block) for block in blocks]
    plain = [zlib.decompress(base64.b64decode(b)).decode() if isinstance(b, str) else json.dumps(b) for b in said]
    return " ".join([re.sub(r"<(script|style)\b.*?</\1>|<meta [^>]*>", "", text, flags=re.DOTALL), *plain])


def test_an_anonymised_file_holds_no_name_in_any_sentence_expression_or_packed_block() -> None:
    results = visited()
    ids = {*results.metadata.ids, *(f"P{i}" for i in range(12))}
    words = re.compile(r"\w+")
    assert ids <= set(words.findall(unpacked(build(results)))), "the test would see a name"
    assert "in [&#34;P0&#34;, &#34;P1&#34;]" in render(build(results))
    page = build(anonymised(results))
    assert page.broken == {}
    assert not ids & set(words.findall(unpacked(page)))
    assert json.dumps(page.samples.shared["names"]["fallen"]).count("sample") == len(page.samples.shared["names"]["fallen"])
