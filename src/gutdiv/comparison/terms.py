"""The terms of a formula as PERMANOVA tests them: which rows there are, on what each projects, and how a permutation moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.comparison.scheme import Scheme, UntestableError
from gutdiv.errors import InputError, first_ids
from gutdiv.grammar.design import Design, build_design
from gutdiv.grammar.formula import Formula, Term, Variable
from gutdiv.numerics.projection import Projection, gathered, marginal, sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
BY = ("terms", "margin", "whole")
WHOLE = "Model"  # name of the row of a whole model, as in vegan


@dataclass(frozen=True, eq=False)
class Model:
    """A design with the designs that lack one tested term each (by margin only); how its terms are tested."""

    by: str
    design: Design
    tested: tuple[Term, ...]
    reduced: tuple[Design | None, ...]

    def labels(self) -> list[str]:
        """Names of the tested rows."""
        return [WHOLE] if self.by == "whole" else [t.label for t in self.tested]

    def variables(self) -> list[tuple[Variable, ...]]:
        """Variables of each tested row."""
        return [self.design.formula.variables] if self.by == "whole" else [t.variables for t in self.tested]

    def columns(self) -> list[tuple[str, ...]]:
        """Metadata columns of each tested row."""
        return [tuple(dict.fromkeys(v.column for v in variables)) for variables in self.variables()]

    def project(self, parts: Mapping[int, Floats] | None = None) -> Projection:
        """Project on the design, or on the permuted matrices `parts`: the full one at -1, the reduced ones at their places."""
        full = self.design.matrix if parts is None else parts[-1]
        if self.by == "whole":
            return sequential(full, [slice(1, full.shape[1])])
        if self.by == "terms":
            return sequential(full, [self.design.slices[t.label] for t in self.tested])
        ones = np.ones((full.shape[0], 1))
        if parts is not None:
            return marginal(full, [parts.get(k, ones) for k in range(len(self.reduced))])
        return marginal(full, [ones if r is None else r.matrix for r in self.reduced])

    def permutation(self, scheme: Scheme, seed: int) -> Callable[[int], Projection]:
        """Return the function that projects on the design as permutation number k arranges it."""
        if scheme.moving is None:
            observed = self.project()
            across = np.ascontiguousarray(observed.basis.T)
            return lambda number: Projection(across.take(scheme.draw(number, seed), axis=1).T, observed.directions)
        if scheme.moving >= set(self.design.formula.columns):
            observed = self.project()
            return lambda number: gathered(observed, scheme.draw(number, seed), ordered=self.by != "margin")
        designs = {-1: self.design, **{k: r for k, r in enumerate(self.reduced) if r is not None}}
        halves = {k: d.split(scheme.moving) for k, d in designs.items()}

        def project(number: int) -> Projection:
            taken = scheme.draw(number, seed)
            return self.project({k: moving[taken] * staying for k, (moving, staying) in halves.items()})

        return project


def build_model(formula: Formula, rows: SampleMetadata, by: str) -> Model:
    """Build the design and, by margin, the designs without each tested term.

    Raises
    ------
    UntestableError
        Where a term has nothing of its own.
    """
    try:
        design = build_design(formula, rows)
    except InputError as error:
        raise UntestableError(str(error)) from error
    if by != "margin":
        return Model(by, design, formula.terms, ())
    tested = tuple(t for t in formula.terms if not any(o is not t and o.contains(t) for o in formula.terms))
    reduced = []
    for term in tested:
        others = tuple(t for t in formula.terms if t is not term)
        reduced.append(build_design(Formula(formula.text, others), rows) if others else None)
    model = Model(by, design, tested, tuple(reduced))
    lost = [t.label for t, df in zip(tested, model.project().df, strict=True) if df == 0]
    if lost:
        msg = (
            f"term {lost[0]!r} of formula {formula.text[:200]!r} has no part of its own beside the others: together they determine it. "
            "Leave it out, or test by terms."
        )
        raise UntestableError(msg)
    return model


def refuse_mixed_model(scheme: Scheme | str, formula: Formula) -> None:
    """Refuse a whole-model test of columns of which some are constant within subjects and some vary: no one scheme fits both.

    Raises
    ------
    UntestableError
        Where it is so.
    """
    if isinstance(scheme, Scheme) and scheme.moving is not None and set(formula.columns) - scheme.moving:
        msg = (
            f"formula {formula.text[:200]!r} mixes columns that are constant within subjects ({first_ids(sorted(scheme.moving))}) with "
            f"columns that vary there ({first_ids(sorted(set(formula.columns) - scheme.moving))}); as a whole it can be permuted in no one "
            "way. Test it by terms or by margin, or choose what to permute."
        )
        raise UntestableError(msg)
