"""The terms that a section explains: those that it uses in its own words, found in whatever form they are written."""

from __future__ import annotations

import pytest
from fake_results import fake_results

from gutdiv.report.content import build
from gutdiv.report.parts import Cell, Column, DataTable, Prose, Row, Section
from gutdiv.report.terms import TERMS, used


def terms(text: str) -> list[str]:
    return [detail.term for detail in used(Section("s", "", (Prose((text,)),)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Counts were rarefied; rarefaction curves", ["rarefied"]),
        ("q = .03 after 999 permutations", ["q-value", "permutation"]),
        ("a 95% CI, or confidence interval", ["CI"]),
        ("ω² of the group", ["omega squared"]),
        ("the FAQ lists p.adj and faq", []),
        ("Reference intervals of guilds", ["reference interval", "guild"]),
    ],
)
def test_a_term_is_found_as_it_is_written(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_what_the_user_wrote_explains_nothing() -> None:
    table = DataTable("t", "Rows", (Column("Name"),), (Row((Cell("PERMANOVA of guilds"),)),))
    assert used(Section("s", "", (table,))) == ()


def test_titled_sections_of_a_page_explain_their_words_and_every_term_is_used_somewhere() -> None:
    sections = [s for panel in build(fake_results()).panels for s in panel.sections]
    assert all(not s.terms for s in sections if not s.title)
    found = {detail.term for s in sections for detail in s.terms}
    assert len(found) > 0.8 * len(TERMS), set(TERMS) - found
