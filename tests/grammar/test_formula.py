"""Formulas and design matrices against R's terms() and model.matrix(), and a fuzz of the parser."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gutdiv.errors import ExpressionError, InputError
from gutdiv.grammar.design import build_design
from gutdiv.grammar.formula import MAX_TERMS, Formula, Term, Variable, parse_formula
from gutdiv.model.cohort import SampleMetadata
from gutdiv.numerics.projection import independent_basis

if TYPE_CHECKING:
    from collections.abc import Sequence

TRUTH = Path(__file__).parents[1] / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def metadata(**columns: Sequence[str | None]) -> SampleMetadata:
    """Make sample metadata; columns of numbers are numeric."""

    def kind(cells: Sequence[str | None]) -> str:
        try:
            [float(c) for c in cells if c is not None]
        except ValueError:
            return "categorical"
        return "numeric"

    n = len(next(iter(columns.values())))
    ids = tuple(f"s{i}" for i in range(n))
    return SampleMetadata(ids, {k: tuple(v) for k, v in columns.items()}, {k: kind(v) for k, v in columns.items()})


def formula_data() -> SampleMetadata:
    """Return the data frame that R built its matrices from."""
    table = rows("formula_data.tsv")
    return metadata(**{k: [r[k] for r in table] for k in table[0] if k != "sample_id"})


TERMS = {k: list(g) for k, g in itertools.groupby(rows("formula_terms.tsv"), key=lambda r: r["formula"])}


@pytest.mark.parametrize("text", TERMS)
def test_terms_and_their_order_are_those_of_r(text: str) -> None:
    assert [t.label for t in parse_formula(text).terms] == [r["term"] for r in TERMS[text]]


def r_matrix(text: str) -> np.ndarray:
    """Read R's model.matrix of a formula; zeros are not in the file."""
    cells = [r for r in rows("formula_matrix.tsv") if r["formula"] == text]
    matrix = np.zeros((12, 1 + sum(int(r["columns"]) for r in TERMS[text])))
    for r in cells:
        matrix[int(r["row"]) - 1, int(r["column"]) - 1] = float(r["value"])
    return matrix


@pytest.mark.parametrize("text", TERMS)
def test_design_matrices_are_those_of_r_without_its_aliased_columns(text: str) -> None:
    expected = r_matrix(text)
    rank = int(TERMS[text][0]["rank"])
    spans = np.cumsum([1] + [int(r["columns"]) for r in TERMS[text]])
    ranks = [np.linalg.matrix_rank(expected[:, :k]) for k in spans]
    if any(a == b for a, b in itertools.pairwise(ranks)):  # R leaves a term without any column of its own
        with pytest.raises(InputError, match="adds nothing"):
            build_design(parse_formula(text), formula_data())
        return
    design = build_design(parse_formula(text), formula_data())
    independent = [0, *independent_basis(expected)[1].tolist()]
    assert len(independent) == rank == np.linalg.matrix_rank(expected)
    np.testing.assert_array_equal(design.matrix, expected[:, independent])
    assert len(design.aliased) == expected.shape[1] - rank
    stops = [s.stop for s in design.slices.values()]
    assert [s.start for s in design.slices.values()] == [1, *stops[:-1]]
    assert stops[-1] == rank


def test_column_names_are_those_of_r() -> None:
    # model.matrix(~ a * x + b:a): written out by hand after R's rule
    design = build_design(parse_formula("~ a * x + a:b"), formula_data())
    assert design.names == ("(Intercept)", "aa2", "aa3", "x", "aa2:x", "aa3:x", "aa1:bb2", "aa2:bb2", "aa3:bb2")


def test_rows_with_missing_cells_are_left_out_and_counted_by_column() -> None:
    design = build_design(parse_formula("~ a + x"), metadata(a=["u", None, "v", "v", "u"], x=["1", "2", None, "4", "7"], y=[None] * 5))
    assert design.kept.tolist() == [0, 3, 4]
    assert design.missing == {"a": 1, "x": 1}
    np.testing.assert_array_equal(design.matrix, [[1, 0, 1], [1, 1, 4], [1, 0, 7]])


def test_numbers_as_categories_are_ordered_by_value_and_equal_numbers_are_one_level() -> None:
    design = build_design(parse_formula("~ C(m)"), metadata(m=["10", "2", "2.0", "1", "10"]))
    assert design.names == ("(Intercept)", "C(m)2", "C(m)10")


def test_splitting_a_design_gives_factors_whose_product_is_the_matrix() -> None:
    design = build_design(parse_formula("~ a * x + b"), formula_data())
    moving, staying = design.split({"a"})
    np.testing.assert_array_equal(moving * staying, design.matrix)
    part = design.slices["a:x"]
    assert set(np.unique(moving[:, part])) == {0.0, 1.0}
    np.testing.assert_array_equal(staying[:, part.start], design.matrix[:, design.slices["x"].start])


def test_a_term_determined_by_earlier_ones_is_an_error_that_names_it() -> None:
    data = metadata(a=["u", "u", "v", "v", "w", "w"], b=["p", "p", "q", "q", "q", "q"])
    with pytest.raises(InputError, match=r"term 'b' .* adds nothing"):
        build_design(parse_formula("~ a + b"), data)
    assert build_design(parse_formula("~ b + a"), data).aliased == ("aw",)


def test_a_factor_with_one_level_and_a_table_without_complete_rows_are_errors() -> None:
    with pytest.raises(InputError, match="only one value \\('u'\\)"):
        build_design(parse_formula("~ a"), metadata(a=["u", "u", None]))
    with pytest.raises(InputError, match="no sample has a value in every column"):
        build_design(parse_formula("~ a + b"), metadata(a=["u", None], b=[None, "v"]))
    with pytest.raises(InputError, match="adds nothing"):
        build_design(parse_formula("~ x"), metadata(x=["3", "3", "3"]))
    with pytest.raises(InputError, match="no finite number"):
        build_design(parse_formula("~ x"), metadata(x=["3", "1e999", "2"]))


def test_unknown_columns_are_all_listed() -> None:
    with pytest.raises(ExpressionError, match=r"2 columns that the sample metadata lacks: 'p', 'q'.*Known columns: 'a', 'x'"):
        build_design(parse_formula("~ a + p * q"), metadata(a=["u", "v"], x=["1", "2"]))


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("", 1, "`~`"),
        ("a + b", 1, "`~`"),
        ("~", 2, "a column name"),
        ("~ a +", 6, "a column name"),
        ("~ a b", 5, "`\\+`, `:`, `\\*` or the end"),
        ("~ (a + b", 9, "`\\)`"),
        ("~ a + 1", 7, "a column name, `~`"),
        ("~ a - b", 5, "a column name, `~`"),
        ("~ a ^ 2", 5, "a column name, `~`"),
        ("~ log(a)", 6, "`\\+`, `:`"),
        ("~ C(a + b)", 7, "`\\)`"),
        ("~ C((a))", 5, "a column name"),
        ("~ `a", 3, "a column name, `~`"),
        ("~ ``", 3, "a column name"),
        ("~ __import__('os')", 13, "`\\+`, `:`"),
        ("y ~ a", 1, "`~`"),
        ("~ a ~ b", 5, "`\\+`, `:`"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place_and_what_was_expected(text: str, place: int, expected: str) -> None:
    with pytest.raises(ExpressionError, match=f"character {place}: found .*, expected {expected}"):
        parse_formula(text)


def test_backticks_name_any_column_and_c_is_also_a_column_name() -> None:
    parsed = parse_formula("~ `time point`:C + C(`a``b`) + größe.cm")
    assert parsed.columns == ("a`b", "größe.cm", "time point", "C")
    assert [t.label for t in parsed.terms] == ["C(`a``b`)", "größe.cm", "`time point`:C"]


def test_formulas_that_would_explode_are_refused() -> None:
    with pytest.raises(ExpressionError, match="at most 200 terms"):
        parse_formula("~ " + " * ".join(f"v{i}" for i in range(40)))
    with pytest.raises(ExpressionError, match="at most 50 levels"):
        parse_formula("~ " + "(" * 5000 + "a" + ")" * 4000)
    with pytest.raises(ExpressionError, match="at most 10,000"):
        parse_formula("~ a" + " + a" * 5000)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="~+:*()`C ab.1-", max_size=40).map(lambda t: "~" + t))
@example("~ a\x00b")
@example("~ ()")
@example("~ \u200b")
def test_the_parser_parses_or_raises_an_expression_error_and_nothing_else(text: str) -> None:
    try:
        parsed = parse_formula(text)
    except ExpressionError:
        return
    assert isinstance(parsed, Formula)
    assert 1 <= len(parsed.terms) <= MAX_TERMS
    again = parse_formula("~ " + " + ".join(t.label for t in parsed.terms))
    assert {frozenset(t.variables) for t in again.terms} == {frozenset(t.variables) for t in parsed.terms}


@settings(max_examples=100, deadline=None)
@given(st.permutations(["a", "b", "c:a", "x:b", "(a+b):c"]))
def test_the_order_of_summands_changes_no_term(summands: list[str]) -> None:
    parsed = parse_formula("~ " + " + ".join(summands))
    assert {frozenset(v.column for v in t.variables) for t in parsed.terms} == {
        frozenset(s) for s in (("a",), ("b",), ("a", "c"), ("b", "x"), ("b", "c"))
    }
    degrees = [len(t.variables) for t in parsed.terms]
    assert degrees == sorted(degrees)


def test_terms_know_which_terms_they_contain() -> None:
    a, b = Variable("a"), Variable("b")
    assert Term((a, b)).contains(Term((b,)))
    assert not Term((a,)).contains(Term((a, b)))
