"""Design matrices from parsed formulas and sample metadata: treatment contrasts, R's rule for interactions, aliased columns dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.numerics.projection import independent_basis

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gutdiv.grammar.formula import Formula, Term, Variable

Floats = npt.NDArray[np.float64]
MAX_CELLS = 50_000_000  # 400 MB; a column of ids taken as categories would ask for more


class Columns(Protocol):
    """What a design needs of sample metadata."""

    @property
    def columns(self) -> Mapping[str, Sequence[str | None]]:
        """Cells by column, None where missing."""

    @property
    def kinds(self) -> Mapping[str, str]:
        """`numeric` or `categorical` by column."""


@dataclass(frozen=True, eq=False)
class Design:
    """A design matrix of full column rank with what is needed to permute parts of it.

    Parameters
    ----------
    formula : Formula
        What it was built from.
    matrix : (n_kept, 1 + n_columns) float64
        The intercept first, then the columns of each term.
    names : tuple of str
        Names of the columns as in R (`groupCD`, `age:sexmale`).
    slices : mapping of str to slice
        Columns of each term, by the term's label, in the formula's order; every term has at least one.
    kept : (n_kept,) int
        Rows of the metadata that were used: those without a missing cell in any column of the formula.
    missing : mapping of str to int
        Missing cells by column; a row may lack several.
    aliased : tuple of str
        Names of the columns that were left out because earlier ones determine them.
    factors : tuple of (tuple of (str, (n_kept,) float64))
        For each column of `matrix`, the metadata columns and their codes whose product it is; none for the intercept.
    levels : mapping of Variable to tuple of str
        Levels of each variable, the reference first; none where it enters as a number.
    """

    formula: Formula
    matrix: Floats
    names: tuple[str, ...]
    slices: Mapping[str, slice]
    kept: npt.NDArray[np.intp]
    missing: Mapping[str, int]
    aliased: tuple[str, ...]
    factors: tuple[tuple[tuple[str, Floats], ...], ...]
    levels: Mapping[Variable, tuple[str, ...]]

    def split(self, columns: Collection[str]) -> tuple[Floats, Floats]:
        """Return two matrices whose elementwise product is `matrix`: what comes of these metadata columns, and of all others."""
        parts = [np.ones_like(self.matrix), np.ones_like(self.matrix)]
        for j, factors in enumerate(self.factors):
            for column, codes in factors:
                parts[0 if column in columns else 1][:, j] *= codes
        return parts[0], parts[1]


def build_design(formula: Formula, metadata: Columns) -> Design:
    """Build the design matrix of a formula.

    Numeric columns enter as numbers; categorical ones, and numeric ones written `C(column)`, by treatment contrasts against the first
    level (levels in the order of their characters, numbers by value). In an interaction a factor has contrasts where an earlier term
    holds all the other variables of the interaction, and indicators of all levels elsewhere: R's rule. Rows with a missing cell are left
    out. Columns that earlier ones determine are left out and named, so that a term has fewer degrees of freedom, as in `vegan::adonis2`;
    a term left without any column is an error here (adonis2 shows it with none).

    Raises
    ------
    ExpressionError
        Where a column is unknown.
    InputError
        Where no row is complete, a factor has one level only, a number is not finite, or a term adds nothing to those before it.
    """
    formula.check_columns(metadata.columns)
    cells = {c: metadata.columns[c] for c in formula.columns}
    missing = {c: sum(v is None for v in values) for c, values in cells.items()}
    n_rows = len(next(iter(cells.values())))
    kept = np.array([i for i in range(n_rows) if all(v[i] is not None for v in cells.values())], dtype=np.intp)
    if kept.size == 0:
        msg = f"no sample has a value in every column of formula {formula.text[:200]!r} (missing: {_counted(missing)})."
        raise InputError(msg)
    codings = {v: _Coding(v, [cells[v.column][i] for i in kept], metadata.kinds[v.column]) for v in formula.variables}
    columns = [_Column("(Intercept)", None, ())]
    for place, term in enumerate(formula.terms):
        codes = [(codings[v], codings[v].columns(contrasts=_has_margin(term, v, formula.terms[:place]))) for v in term.variables]
        width = int(np.prod([len(levels) for _, levels in codes]))
        if (len(columns) + width) * kept.size > MAX_CELLS:
            samples = count_noun(kept.size, "sample")
            msg = f"term {term.label[:200]!r} needs {width:,} columns for {samples}: a factor of it has too many levels. Leave it out."
            raise InputError(msg)
        columns += _term_columns(term, codes)
    matrix = np.column_stack([c.values(kept.size) for c in columns])
    independent = [0, *independent_basis(matrix)[1].tolist()]
    empty = [t.label for t in formula.terms if not any(columns[j].term is t for j in independent)]
    if empty:
        msg = (
            f"term {empty[0][:200]!r} of formula {formula.text[:200]!r} adds nothing to the terms before it: they determine it, or it "
            f"does not vary among the {count_noun(kept.size, 'sample')} used. Leave it out, or leave out what determines it."
        )
        raise InputError(msg)
    slices = {}
    for term in formula.terms:
        places = [k for k, j in enumerate(independent) if columns[j].term is term]
        slices[term.label] = slice(places[0], places[-1] + 1)
    return Design(
        formula=formula,
        matrix=np.ascontiguousarray(matrix[:, independent]),
        names=tuple(columns[j].name for j in independent),
        slices=slices,
        kept=kept,
        missing=missing,
        aliased=tuple(c.name for j, c in enumerate(columns) if j not in set(independent)),
        factors=tuple(columns[j].factors for j in independent),
        levels={v: tuple(coding.levels) for v, coding in codings.items()},
    )


@dataclass(frozen=True, eq=False)
class _Column:
    """One column of the matrix: its name, its term, and the metadata columns with the codes whose product it is."""

    name: str
    term: Term | None
    factors: tuple[tuple[str, Floats], ...]

    def values(self, n: int) -> Floats:
        """Multiply the codes; ones for the intercept."""
        product = np.ones(n, dtype=np.float64)
        for _, codes in self.factors:
            product = product * codes
        return product


class _Coding:
    """The codes of one variable among the kept samples."""

    def __init__(self, variable: Variable, cells: Sequence[str | None], kind: str) -> None:
        self.numbers: Floats | None = None
        self.label, self.column_name = variable.label, variable.column
        if kind == "numeric":
            self.numbers = np.array([float(str(c)) for c in cells], dtype=np.float64)
            if not np.all(np.isfinite(self.numbers)):
                bad = str(cells[int(np.flatnonzero(~np.isfinite(self.numbers))[0])])
                msg = f"column {variable.column!r} of the sample metadata holds {bad[:60]!r}, which is no finite number. Mend the cell."
                raise InputError(msg)
        self.levels: list[str] = []
        self.codes: npt.NDArray[np.intp] = np.empty(0, dtype=np.intp)
        if kind != "numeric" or variable.categorical:
            values: npt.NDArray[np.float64] | npt.NDArray[np.object_]
            values = np.array(cells, dtype=object) if self.numbers is None else self.numbers
            distinct, self.codes = np.unique(values, return_inverse=True)
            self.levels = [f"{v:.15g}" if isinstance(v, float) else str(v) for v in distinct.tolist()]
            self.numbers = None
            if len(self.levels) == 1:
                msg = (
                    f"column {variable.column!r} has only one value ({self.levels[0]!r}) among the {count_noun(len(cells), 'sample')} "
                    "used; a factor needs two or more. Leave it out of the formula."
                )
                raise InputError(msg)

    def columns(self, *, contrasts: bool) -> list[int]:
        """Return the levels that get a column, or one place for a number."""
        if self.numbers is not None:
            return [0]
        return list(range(1 if contrasts else 0, len(self.levels)))

    def column(self, level: int) -> tuple[str, Floats]:
        """Return name and codes of one column."""
        if self.numbers is not None:
            return self.label, self.numbers
        return self.label + self.levels[level], (self.codes == level).astype(np.float64)


def _has_margin(term: Term, variable: Variable, earlier: Sequence[Term]) -> bool:
    """Whether the term without this variable is spanned by earlier terms; the intercept spans the empty term."""
    others = set(term.variables) - {variable}
    return not others or any(others <= set(t.variables) for t in earlier)


def _term_columns(term: Term, codings: Sequence[tuple[_Coding, Sequence[int]]]) -> list[_Column]:
    """Cross the columns of a term's variables; the first variable's run fastest, as in R."""
    crossed: list[tuple[str, tuple[tuple[str, Floats], ...]]] = [("", ())]
    for coding, levels in codings:
        own = [coding.column(k) for k in levels]
        crossed = [
            (f"{name}:{new}" if name else new, (*parts, (coding.column_name, codes)))
            for new, codes in own
            for name, parts in crossed
        ]
    return [_Column(name, term, factors) for name, factors in crossed]


def _counted(missing: Mapping[str, int]) -> str:
    """`'age' 3, 'sex' 12`: columns with their missing cells."""
    return ", ".join(f"{first_ids([c])} {n:,}" for c, n in missing.items())
