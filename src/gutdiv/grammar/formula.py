"""Formulas: `~ disease + age * sex`, parsed by us into terms; no text from a user ever reaches a parser that runs code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from gutdiv.errors import ExpressionError, count_noun, first_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_LENGTH = 10_000  # characters
MAX_DEPTH = 50  # parentheses; keeps the parser's own stack safe
MAX_TERMS = 200  # `a * b * c * ...` doubles them at every step
_TOKEN = re.compile(r"\s*(?:(?P<column>`(?:[^`]|``)*`)|(?P<mark>[~+:*()])|(?P<name>[^\W\d][\w.]*))")
_PLAIN_NAME = re.compile(r"[^\W\d][\w.]*\Z")
_EXAMPLE = "~ disease + age * sex"


@dataclass(frozen=True)
class Variable:
    """A metadata column as a formula uses it; `categorical` where it is written `C(column)`."""

    column: str
    categorical: bool = False

    @property
    def label(self) -> str:
        """The variable as it is written in a formula."""
        name = self.column if _PLAIN_NAME.match(self.column) else "`" + self.column.replace("`", "``") + "`"
        return f"C({name})" if self.categorical else name


@dataclass(frozen=True)
class Term:
    """A main effect (one variable) or an interaction (several, in the order in which the formula first names them)."""

    variables: tuple[Variable, ...]

    @property
    def label(self) -> str:
        """`a` or `a:b`, as R writes it."""
        return ":".join(v.label for v in self.variables)

    def contains(self, other: Term) -> bool:
        """Whether all variables of the other term are among this one's."""
        return set(other.variables) <= set(self.variables)


@dataclass(frozen=True)
class Formula:
    """A parsed formula with an intercept: `terms` in R's order (main effects, then interactions by degree), each once."""

    text: str
    terms: tuple[Term, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables in the order of the terms, each once."""
        return tuple(dict.fromkeys(v for t in self.terms for v in t.variables))

    @property
    def columns(self) -> tuple[str, ...]:
        """Metadata columns that the formula names, each once."""
        return tuple(dict.fromkeys(v.column for v in self.variables))

    def check_columns(self, known: Collection[str]) -> None:
        """Raise ExpressionError where a column of the formula is not among the known ones; all such columns are listed."""
        unknown = [c for c in self.columns if c not in known]
        if unknown:
            msg = (
                f"formula {self.text[:200]!r} names {count_noun(unknown, 'column')} that the sample metadata lacks: {first_ids(unknown)}. "
                f"Known columns: {first_ids(known, limit=12) or 'none'}. A name that is no plain word stands in backticks."
            )
            raise ExpressionError(msg)


def parse_formula(text: str) -> Formula:
    """Parse a formula.

    Grammar: `~` and then column names (in backticks where a name is no plain word, a backtick doubled) joined by `+` (both), `:`
    (interaction), `*` (both and their interaction) and parentheses; `C(column)` takes a numeric column as categories. `:` binds
    tighter than `*`, and `*` tighter than `+`, as in R. Every formula has an intercept. Terms, and variables within a term, stand in the
    order of R's `terms()`.

    Raises
    ------
    ExpressionError
        Naming the character and what was expected there.
    """
    if len(text) > MAX_LENGTH:
        msg = f"the formula has {len(text):,} characters; at most {MAX_LENGTH:,} are read."
        raise ExpressionError(msg)
    parser = _Parser(text)
    parser.mark("~")
    found = parser.sum(0)
    if parser.kind != "end":
        parser.fail("`+`, `:`, `*` or the end")
    by_degree = sorted(found, key=len)  # stable: within a degree the order of appearance stays
    order = {v: i for i, v in enumerate(parser.variables)}
    return Formula(text, tuple(Term(tuple(sorted(t, key=order.__getitem__))) for t in by_degree))


_Terms = list[frozenset[Variable]]


class _Parser:
    """Recursive descent; a value is a list of terms, each a set of variables, each once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.variables: dict[Variable, None] = {}  # in order of first appearance
        self.kind, self.token, self.place = "start", "", 0
        self.tokens = self._split()
        self.step()

    def _split(self) -> Iterator[tuple[str, str, int]]:
        """Yield kind, text and place of each token."""
        place, end = 0, len(self.text.rstrip())
        while place < end:
            match = _TOKEN.match(self.text, place)
            if match is None or match.lastgroup is None:
                start = place + len(self.text[place:]) - len(self.text[place:].lstrip())
                self.kind, self.token, self.place = "unknown", self.text[start : start + 10], start
                self.fail("a column name, `~`, `+`, `:`, `*`, `(` or `)`")
            yield match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)
            place = match.end()
        yield "end", "", len(self.text)

    def step(self) -> str:
        """Return the current token and go on to the next."""
        now = self.token
        self.kind, self.token, self.place = next(self.tokens, ("end", "", len(self.text)))
        return now

    def fail(self, expected: str) -> NoReturn:
        """Raise with the place and what was expected."""
        found = "the end" if self.kind == "end" else repr(self.token[:60])
        msg = f"formula {self.text[:200]!r}, character {self.place + 1}: found {found}, expected {expected}. Example: {_EXAMPLE}"
        raise ExpressionError(msg)

    def at(self, mark: str) -> bool:
        """Whether the current token is this mark."""
        return self.kind == "mark" and self.token == mark

    def mark(self, mark: str) -> None:
        """Take this mark or fail."""
        if not self.at(mark):
            self.fail(f"`{mark}`")
        self.step()

    def sum(self, depth: int) -> _Terms:
        """Parse `a + b`."""
        if depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} levels of parentheses")
        terms = self.crossing(depth)
        while self.at("+"):
            self.step()
            terms = self.once(terms + self.crossing(depth))
        return terms

    def crossing(self, depth: int) -> _Terms:
        """Parse `a * b`."""
        terms = self.interaction(depth)
        while self.at("*"):
            self.step()
            right = self.interaction(depth)
            terms = self.once(terms + right + self.product(terms, right))
        return terms

    def interaction(self, depth: int) -> _Terms:
        """Parse `a:b`."""
        terms = self.atom(depth)
        while self.at(":"):
            self.step()
            terms = self.product(terms, self.atom(depth))
        return terms

    def atom(self, depth: int) -> _Terms:
        """Parse a column, `C(column)` or parentheses."""
        if self.at("("):
            self.step()
            terms = self.sum(depth + 1)
            self.mark(")")
            return terms
        plain_word = self.kind == "name"
        name = self.column()
        categorical = plain_word and name == "C" and self.at("(")
        if categorical:
            self.step()
            name = self.column()
            self.mark(")")
        variable = Variable(name, categorical)
        self.variables.setdefault(variable)
        return [frozenset({variable})]

    def column(self) -> str:
        """Take a column name."""
        if self.kind == "name":
            return self.step()
        if self.kind != "column" or self.token == "``":
            self.fail("a column name")
        return self.step()[1:-1].replace("``", "`")

    def product(self, left: _Terms, right: _Terms) -> _Terms:
        """Interact every term of the left with every one of the right."""
        if len(left) * len(right) > MAX_TERMS**2:
            self.fail(f"a formula of at most {MAX_TERMS} terms")
        return self.once([a | b for a in left for b in right])

    def once(self, terms: _Terms) -> _Terms:
        """Keep the first of equal terms."""
        kept = list(dict.fromkeys(terms))
        if len(kept) > MAX_TERMS:
            self.fail(f"a formula of at most {MAX_TERMS} terms")
        return kept
