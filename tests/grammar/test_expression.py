"""Control expressions: what they select, and that nothing but the grammar is understood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutdiv.errors import ExpressionError, InputError
from gutdiv.grammar.expression import parse_expression
from gutdiv.model.cohort import SampleMetadata

METADATA = SampleMetadata(
    ("a", "b", "c", "d"),
    {
        "group": ("healthy", "patient", None, "it's"),
        "age": ("17", "18", "40", None),
        "my col`umn": ("1.0", "2", "01", "x"),
    },
    {"group": "categorical", "age": "numeric", "my col`umn": "categorical"},
)


def picks(text: str) -> str:
    """Return the ids that an expression selects, as one string."""
    return "".join(np.array(METADATA.ids)[parse_expression(text).select(METADATA)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('group == "healthy"', "a"),
        ("group == 'healthy'", "a"),
        ('group != "healthy"', "bd"),  # c is missing: undecided, so not selected
        ('not group == "healthy"', "bd"),
        ('not (group == "healthy" or age > 100)', "b"),  # c: unknown or false; d: false or unknown
        ("age >= 18", "bc"),
        ("age < 18 or age > 30", "ac"),
        ("age == 18.0", "b"),
        ('group in ["healthy", "it\'s"]', "ad"),
        ('group in ("patient")', "b"),
        ("group == 'it\\'s'", "d"),
        ('`my col``umn` == "01"', "c"),
        ('group == "healthy" and age == 17 or age == 40', "ac"),
        ('group == "healthy" and (age == 17 or age == 40)', "a"),
        ("age > -1e3", "abc"),
    ],
)
def test_an_expression_selects_what_a_reader_expects(text: str, expected: str) -> None:
    assert picks(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found the end"),
        ("group", "expected one of =="),
        ("group = 1", "character 7"),
        ('group == "healthy" age > 3', "expected `and`, `or` or the end"),
        ('group > "b"', "compares numbers"),
        ("group == healthy", "a quoted string or a number"),
        ("(age > 1", r"'\)'"),
        ("__import__('os').system('x') == 1", "expected one of"),
        ("age in 3", "a list"),
        ("(" * 60 + "age > 1" + ")" * 60, "at most 50 levels"),
        ("age == 1 and " * 1000 + "age == 1", "at most 10,000"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        parse_expression(text)


def test_a_number_against_text_cells_is_an_error_that_shows_the_mend() -> None:
    with pytest.raises(ExpressionError, match="Compare with a quoted string"):
        picks("group == 3")


def test_an_unknown_column_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no column 'grup'.*'group'"):
        picks('grup == "healthy"')


@given(st.text(alphabet="abg `'\"()[]=!<>,.0123 andornti\\", max_size=60) | st.text(max_size=30))
def test_any_text_either_parses_or_is_refused(text: str) -> None:
    try:
        parsed = parse_expression(text)
    except ExpressionError:
        return
    assert parsed.columns
