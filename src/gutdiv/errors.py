"""Every error that gutdiv raises on purpose; `cli/app.py` turns them into one clear message and exit code 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized


class GutdivError(Exception):
    """Base of all errors raised on purpose."""


class InputError(GutdivError):
    """A file, an option or a value given by the user cannot be used as it is."""


class AlignmentError(InputError):
    """Table, taxonomy, tree and metadata do not fit each other."""


class ExpressionError(InputError):
    """A control expression or a formula cannot be understood or names an unknown column."""


class KnowledgeError(GutdivError):
    """The knowledge base breaks one of its own rules."""


class ArtifactError(GutdivError):
    """A result file of an earlier step is missing, damaged or of another kind."""


def first_ids(ids: Iterable[str], *, limit: int = 5) -> str:
    """Quote the first ids for a message and count the rest: `'a', 'b' and 7 more`.

    Long or hostile ids are cut to 60 characters and shown by `repr`, so that a message stays one readable line.
    """
    listed = list(ids)
    shown = ", ".join(repr(i if len(i) <= 60 else i[:57] + "...") for i in listed[:limit])
    rest = len(listed) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def count_noun(things: Sized | int, noun: str) -> str:
    """`1 sample`, `3 samples`: a count with its noun in the right number."""
    n = things if isinstance(things, int) else len(things)
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
