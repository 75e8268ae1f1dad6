"""How numbers, names and lists are written for people."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from gutdiv.report import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.14159, "3.14"),
        (0.0123456, "0.0123"),
        (1234.5, "1,230"),
        (9.999, "10.0"),
        (-0.5, "\u22120.500"),
        (0, "0"),
        (1.2345e-7, "1.23\u00a0\u00d7\u00a010\u207b\u2077"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (pd.NA, "\u2013"),
    ],
)
def test_a_number_has_three_significant_digits_and_a_true_minus(value: object, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.5, "0.50"), (0.0123, "0.012"), (0.001, "0.001"), (0.00004321, "4.3\u00a0\u00d7\u00a010\u207b\u2075"), (1.0, "1.0"), (None, "\u2013")),
        (0.0, "<\u00a010\u207b\u00b3\u2070\u2070"),
    ],
)
def test_a_p_value_has_two_digits_and_never_reads_as_zero(value: object, text: str) -> None:
    assert wording.p_value(value) == text


def test_a_p_value_too_small_for_a_number_is_said_to_be_smaller_than_the_smallest() -> None:
    assert wording.equals("q", 0.0) == "q\u00a0<\u00a010\u207b\u00b3\u2070\u2070"
    assert wording.equals("q", 0.02) == "q\u00a0=\u00a00.02"


@pytest.mark.parametrize(("share", "text"), [(0.083, "8.3%"), (1.0, "100%"), (0.00042, "0.042%"), (0.9949, "99%"), (math.nan, "\u2013")])
def test_a_share_is_written_as_a_percentage(share: float, text: str) -> None:
    assert wording.percent(share) == text


def test_an_effect_and_its_interval_are_written_with_the_same_decimals() -> None:
    places = wording.decimals(-0.0123)
    assert wording.signed(-0.0123, places) == "\u22120.012"
    assert wording.span(-0.02, 0.004, places=places) == "\u22120.020 to 0.004"
    assert wording.signed(0.62, wording.decimals(0.62)) == "+0.62"
    assert wording.fixed(-0.0001) == "0.00"


def test_a_long_listing_ends_in_a_count() -> None:
    assert wording.listing(["a"]) == "a"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"
    assert wording.listing([str(i) for i in range(9)], limit=4) == "0, 1, 2 and 6 more"


def test_a_name_that_runs_right_to_left_is_isolated_and_cannot_turn_its_neighbours() -> None:
    told = wording.name("\u202eabc\u05d0\u202c")
    assert told.startswith("\u2068")
    assert told.endswith("\u2069")
    assert "\u202e" not in told


def test_a_name_holds_no_control_character_and_no_lone_surrogate() -> None:
    assert wording.name("a\x00b\tc\ud800d\uffff") == "a b c\ufffdd\ufffd"
    wording.name("a\ud800").encode()


def test_a_long_name_is_cut_where_asked() -> None:
    assert wording.name("L" * 10_000, limit=20) == "L" * 19 + "…"
    assert len(wording.name("L" * 10_000)) == 10_000


def test_plurals_follow_the_count() -> None:
    assert wording.plural(1, "sample") == "1 sample"
    assert wording.plural(1200, "taxon", many="taxa") == "1,200 taxa"


def test_texts_that_would_look_alike_when_cut_are_cut_in_the_middle() -> None:
    texts = ["Mediterraneibacter (gnavus)", "Mediterraneibacter (torques)", "Christensenellaceae", "Blautia"]
    assert wording.shortened(texts, 18) == ["Mediterra…(gnavus)", "Mediterra…torques)", "Christensenellace…", "Blautia"]
    assert max(map(len, wording.shortened(texts, 18))) == 18


def test_long_names_are_laid_in_two_lines_between_words_and_then_cut() -> None:
    texts = ["pre_transplant minus post_day0_35", "Blautia", "Ruminococcus gnavus group", "a" * 40, "Erysipelotrichaceae"]
    texts += ["sex: male minus female-or-not-declared"]
    assert wording.folded(texts, 18, 2) == [
        ["pre_transplant", "minus post_day0_35"],
        ["Blautia"],
        ["Ruminococcus", "gnavus group"],
        ["a" * 9 + "…" + "a" * 8],
        ["Erysipelotrichaceae"],
        ["sex: male minus", "female-or…declared"],
    ]
    assert wording.folded(texts, 18, 1) == [[t] for t in wording.shortened(texts, 18)]


def test_texts_of_stages_write_percentages_and_comparisons_as_the_page_does() -> None:
    assert wording.tidy("90 % CI by order statistics, p <= 0.05") == "90% CI by order statistics, p \u2264 0.05"
    assert wording.tidy("5 %x") == "5 %x"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.10"), (0.1048, "0.105"), (0.10004, "0.10004"), (0.0254, "0.0254"), (0.0246, "0.025"), (0.0502, "0.0502"), (0.0498, "0.05"), (0.116, "0.12")],
)
def test_a_p_value_above_a_cut_off_never_reads_as_one_at_it(value: float, text: str) -> None:
    assert wording.p_value(value) == text
