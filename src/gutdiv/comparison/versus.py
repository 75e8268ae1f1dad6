"""Two groups from an expression: the samples for which it is true against those for which it is false."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gutdiv.errors import InputError
from gutdiv.grammar.expression import parse_expression

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata


def split(metadata: SampleMetadata, text: str) -> tuple[SampleMetadata, str, str]:
    """Add a column of two groups made by an expression such as `bmi >= 30`; samples that missing cells leave undecided have no value.

    Returns
    -------
    metadata : SampleMetadata
        With the new column.
    variable : str
        The column's name: the expression.
    baseline : str
        The group for which the expression is false, `not (...)`.

    Raises
    ------
    ExpressionError, InputError
        Where the expression cannot be understood, names an unknown column, or is not both true of some samples and false of others.
    """
    name = " ".join(text.split())
    expression = parse_expression(text)
    yes, no = expression.decide(metadata)
    baseline = f"not ({name})"
    if not (yes.any() and no.any()):
        msg = (
            f"the expression {name[:200]!r} is true of {int(yes.sum()):,} and false of {int(no.sum()):,} of {len(yes):,} samples (undecided for "
            "want of a value: the rest); some of each are needed to compare. Check the column's values."
        )
        raise InputError(msg)
    cells = tuple(name if a else baseline if b else None for a, b in zip(yes, no, strict=True))
    return replace(metadata, columns={**metadata.columns, name: cells}, kinds={**metadata.kinds, name: "categorical"}), name, baseline
