"""Control expressions: `group == "healthy" and age >= 18`, parsed and evaluated by us, never by a parser that runs code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from gutdiv.errors import ExpressionError, first_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LENGTH = 10_000  # characters; MAX_DEPTH keeps the parser's own stack safe
MAX_DEPTH = 50
_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")
_WORDS = {"and", "or", "not", "in"}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<column>`(?:[^`]|``)*`)
      | (?P<operator>==|!=|<=|>=|<|>)
      | (?P<mark>[()\[\],])
      | (?P<name>[^\W\d][\w.]*)
    )""",
    re.VERBOSE,
)


class Columns(Protocol):
    """What an expression needs of sample metadata."""

    def column(self, name: str) -> Sequence[str | None]:
        """Return the cells of a column, None where missing; raise InputError where there is none."""


@dataclass(frozen=True)
class Comparison:
    """One comparison of a column with a literal, or with a list of them (`in`)."""

    column: str
    operator: str
    values: tuple[str | float, ...]
    place: int


@dataclass(frozen=True)
class Combination:
    """`and`, `or` or `not` over parts."""

    word: str
    parts: tuple[Node, ...]


Node = Comparison | Combination


@dataclass(frozen=True)
class Expression:
    """A parsed control expression.

    A comparison with a missing cell is undecided; `and`, `or` and `not` treat undecided as in SQL, and a sample is selected only where the
    whole is true.
    """

    text: str
    root: Node

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the expression names, in order of first use."""
        return tuple(dict.fromkeys(c.column for c in _comparisons(self.root)))

    def select(self, metadata: Columns) -> npt.NDArray[np.bool_]:
        """Return which samples the expression selects, shape (n_samples,).

        Raises
        ------
        InputError
            Where a column does not exist.
        ExpressionError
            Where a number is compared with a cell that is none.
        """
        return self.decide(metadata)[0]

    def decide(self, metadata: Columns) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return for which samples the expression is true, and for which it is false, each (n_samples,); raises as `select` does.

        Neither holds where missing cells leave it undecided.
        """
        return _evaluate(self.root, metadata, self.text)


def parse_expression(text: str) -> Expression:
    """Parse a control expression.

    Grammar: comparisons (`== != < <= > >= in`) of a column (in backticks where its name is no plain word) with quoted strings or numbers,
    joined by `and`, `or`, `not` and parentheses; `in` takes a list in brackets or parentheses. A string is compared as text, a number by value.

    Raises
    ------
    ExpressionError
        Naming the character and what was expected there.
    """
    if len(text) > MAX_LENGTH:
        msg = f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are read."
        raise ExpressionError(msg)
    parser = _Parser(text)
    root = parser.either(0)
    if parser.kind != "end":
        parser.fail("`and`, `or` or the end")
    return Expression(text, root)


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.kind, self.token, self.place = "end", "", 0
        self.step()

    def _split(self) -> Iterator[tuple[str, str, int]]:
        """Yield kind, text and place of each token."""
        place, end = 0, len(self.text.rstrip())
        while place < end:
            match = _TOKEN.match(self.text, place)
            if match is None or match.lastgroup is None:
                start = place + len(self.text[place:]) - len(self.text[place:].lstrip())
                self.kind, self.token, self.place = "unknown", self.text[start : start + 10], start
                self.fail("a column, a quoted string, a number or an operator")
            kind, token = match.lastgroup, match.group(match.lastgroup)
            yield ("word", token, match.start(kind)) if kind == "name" and token in _WORDS else (kind, token, match.start(kind))
            place = match.end()
        yield "end", "", len(self.text)

    def step(self) -> tuple[str, str, int]:
        """Return the current token and go on to the next."""
        now = (self.kind, self.token, self.place)
        self.kind, self.token, self.place = next(self.tokens, ("end", "", len(self.text)))
        return now

    def fail(self, expected: str) -> NoReturn:
        """Raise with the place and what was expected."""
        found = "the end" if self.kind == "end" else repr(self.token)
        msg = f'expression {self.text[:200]!r}, character {self.place + 1}: found {found}, expected {expected}. Example: group == "healthy" and age >= 18'
        raise ExpressionError(msg)

    def either(self, depth: int) -> Node:
        """Parse `a or b`."""
        if depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} levels of parentheses")
        parts = [self.both(depth)]
        while (self.kind, self.token) == ("word", "or"):
            self.step()
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Combination("or", tuple(parts))

    def both(self, depth: int) -> Node:
        """Parse `a and b`."""
        parts = [self.negation(depth)]
        while (self.kind, self.token) == ("word", "and"):
            self.step()
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else Combination("and", tuple(parts))

    def negation(self, depth: int) -> Node:
        """Parse `not a`, parentheses, or a comparison."""
        if (self.kind, self.token) == ("word", "not"):
            self.step()
            if depth > MAX_DEPTH:
                self.fail(f"at most {MAX_DEPTH} levels")
            return Combination("not", (self.negation(depth + 1),))
        if (self.kind, self.token) == ("mark", "("):
            self.step()
            inner = self.either(depth + 1)
            if (self.kind, self.token) != ("mark", ")"):
                self.fail("')'")
            self.step()
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        """Parse `column operator value`."""
        if self.kind not in ("name", "column"):
            self.fail("a column name (in backticks if it is no plain word)")
        kind, token, place = self.step()
        column = token[1:-1].replace("``", "`") if kind == "column" else token
        if (self.kind, self.token) == ("word", "in"):
            self.step()
            return Comparison(column, "in", self.listed(), place)
        if self.kind != "operator":
            self.fail("one of " + " ".join(_OPERATORS) + " in")
        _, operator, _ = self.step()
        value = self.literal()
        if isinstance(value, str) and operator not in ("==", "!="):
            msg = f"expression {self.text[:200]!r}: {operator} compares numbers, not the text {value!r}. Write the number without quotes."
            raise ExpressionError(msg)
        return Comparison(column, operator, (value,), place)

    def listed(self) -> tuple[str | float, ...]:
        """Parse a list of literals."""
        closing = {"(": ")", "[": "]"}.get(self.token) if self.kind == "mark" else None
        if closing is None:
            self.fail('a list, as in group in ["healthy", "control"]')
        self.step()
        values = [self.literal()]
        while (self.kind, self.token) == ("mark", ","):
            self.step()
            values.append(self.literal())
        if (self.kind, self.token) != ("mark", closing):
            self.fail(f"',' or {closing!r}")
        self.step()
        return tuple(values)

    def literal(self) -> str | float:
        """Parse a quoted string or a number."""
        if self.kind not in ("string", "number"):
            self.fail("a quoted string or a number")
        kind, token, _ = self.step()
        return float(token) if kind == "number" else re.sub(r"\\(.)", r"\1", token[1:-1])


# ---------------------------------------------------------------- evaluation
_Masks = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]  # surely true, surely false


def _comparisons(node: Node) -> Iterator[Comparison]:
    """Yield the comparisons from left to right."""
    if isinstance(node, Comparison):
        yield node
    else:
        for part in node.parts:
            yield from _comparisons(part)


def _evaluate(node: Node, metadata: Columns, text: str) -> _Masks:
    """Evaluate in three values: neither mask holds where a sample is undecided."""
    if isinstance(node, Comparison):
        return _compare(node, metadata, text)
    masks = [_evaluate(p, metadata, text) for p in node.parts]
    if node.word == "not":
        return masks[0][1], masks[0][0]
    yes, no = [m[0] for m in masks], [m[1] for m in masks]
    every, some = np.logical_and.reduce, np.logical_or.reduce
    return (every(yes), some(no)) if node.word == "and" else (some(yes), every(no))


def _compare(node: Comparison, metadata: Columns, text: str) -> _Masks:
    """Evaluate one comparison over all samples."""
    cells = metadata.column(node.column)
    known = np.array([c is not None for c in cells], dtype=bool)
    hit = np.zeros(len(cells), dtype=bool)
    for value in node.values:
        if isinstance(value, str):
            hit |= np.array([c == value for c in cells], dtype=bool)
        else:
            hit |= _against_number(node, value, cells, text)
    if node.operator == "!=":
        hit = ~hit
    return hit & known, ~hit & known


def _against_number(node: Comparison, value: float, cells: Sequence[str | None], text: str) -> npt.NDArray[np.bool_]:
    """Compare cells with a number by value."""
    numbers = np.full(len(cells), np.nan)
    wrong = []
    for i, cell in enumerate(cells):
        if cell is not None:
            try:
                numbers[i] = float(cell)
            except ValueError:
                wrong.append(cell)
    if wrong:
        msg = (
            f"expression {text[:200]!r}: column {node.column!r} is compared with the number {value:g}, but holds {first_ids(sorted(set(wrong)), limit=3)}. "
            f'Compare with a quoted string, as in {node.column} == "{wrong[0][:30]}".'
        )
        raise ExpressionError(msg)
    with np.errstate(invalid="ignore"):
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}.get(node.operator, np.equal)
        return np.asarray(compare(numbers, value), dtype=bool)
