"""Which samples a test on distances uses, who falls out and why, and their part of the matrix."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.comparison.scheme import UntestableError, few_varying
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.numerics.projection import gower_centred

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gutdiv.grammar.formula import Formula
    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.results import DistanceMatrix

Floats = npt.NDArray[np.float64]
_PIECE = 256  # rows that are checked at a time
# Where `keep_centred` is entered: what the last Gower-centred matrix is of, and the matrix; at most one.
_KEPT: ContextVar[list[tuple[DistanceMatrix, tuple[str, ...], bool, Floats]] | None] = ContextVar("kept", default=None)


@contextmanager
def keep_centred() -> Iterator[None]:
    """Keep the last Gower-centred matrix within this context, for the next test of the same samples: making it reads all distances twice.

    The distances are not to be written to before it is left.
    """
    token = _KEPT.set([])
    try:
        yield
    finally:
        _KEPT.reset(token)


def choose_samples(distances: DistanceMatrix, metadata: SampleMetadata, columns: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the samples to use, sorted by id, and how many lack what: reads, metadata, or a cell of a column.

    Raises
    ------
    InputError
        Where the distances name a sample twice, or none that the metadata knows.
    UntestableError
        Where fewer than three samples are left.
    """
    if len(set(distances.ids)) != len(distances.ids):
        twice = sorted({i for i in distances.ids if distances.ids.count(i) > 1})
        msg = f"the distances hold {count_noun(twice, 'sample')} more than once: {first_ids(twice)}. Keep one row and column for each."
        raise InputError(msg)
    known = set(metadata.ids)
    shared = tuple(sorted(i for i in distances.ids if i in known))
    if not shared:
        msg = (
            f"none of the {count_noun(distances.ids, 'sample')} of the distances ({first_ids(distances.ids)}) is in the sample metadata "
            f"({first_ids(metadata.ids)}). Give the metadata of the same samples."
        )
        raise InputError(msg)
    rows = metadata.select(shared)
    cells = {c: rows.column(c) for c in dict.fromkeys(columns)}
    missing = {"(reads at the depth of the distances)": len(distances.below_depth)} if distances.below_depth else {}
    missing |= {"(sample metadata)": len(distances.ids) - len(shared), **{c: sum(v is None for v in values) for c, values in cells.items()}}
    chosen = tuple(s for k, s in enumerate(shared) if all(values[k] is not None for values in cells.values()))
    if len(chosen) < 3:
        lacking = ", ".join(f"{c!r} {k:,}" for c, k in missing.items())
        msg = f"only {count_noun(chosen, 'sample')} have a value in every column used (missing: {lacking}); at least 3 are needed."
        raise UntestableError(msg)
    return chosen, missing


def without_movers(
    chosen: tuple[str, ...], metadata: SampleMetadata, formula: Formula, subject: str, missing: dict[str, int]
) -> tuple[str, ...]:
    """Leave out the few subjects within which a column of groups varies that is constant within most, and count their samples.

    Else five people who changed their group would decide that only change is tested, and hundreds who did not would count for nothing.
    """
    rows = metadata.select(chosen)
    left_out: set[str] = set()
    for column in formula.columns:
        as_groups = any(v.categorical and v.column == column for v in formula.variables)
        if as_groups or rows.kinds[column] != "numeric" or np.unique(rows.numeric(column)).size == 2:
            movers = few_varying(rows, column, subject)
            if movers:
                missing[f"(of a subject with several values of {column})"] = len(movers)
            left_out.update(movers)
    return tuple(s for s in chosen if s not in left_out)


def gower_of(distances: DistanceMatrix, chosen: Sequence[str], *, square_root: bool = False) -> Floats:
    """Return the Gower-centred matrix of the chosen samples in their order, from distances or from their roots: one matrix, no other copy.

    It is not to be written to. Within `keep_centred` it is kept until one of other samples is asked for.

    Raises
    ------
    InputError
        Where a distance is not defined or negative.
    """
    kept = _KEPT.get()
    asked = tuple(chosen), square_root
    if kept and kept[0][0] is distances and kept[0][1:3] == asked:
        return kept[0][3]
    if kept:
        kept.clear()  # before another takes its place in memory
    centred = gower_centred(distances.matrix, places_of(distances, chosen), square_root=square_root)
    centred.setflags(write=False)
    if kept is not None:
        kept.append((distances, *asked, centred))
    return centred


def matrix_of(distances: DistanceMatrix, chosen: Sequence[str]) -> npt.NDArray[Any]:
    """Return the distances of the chosen samples in their order.

    Raises
    ------
    InputError
        Where a distance is not defined or negative.
    """
    at = places_of(distances, chosen)
    return distances.matrix if np.array_equal(at, np.arange(len(distances.ids))) else distances.matrix[np.ix_(at, at)]


def places_of(distances: DistanceMatrix, chosen: Sequence[str]) -> npt.NDArray[np.intp]:
    """Return the rows of the chosen samples, shape (n,), in their order.

    Raises
    ------
    InputError
        Where a distance between them is not defined or negative.
    """
    place = {s: k for k, s in enumerate(distances.ids)}
    at = np.array([place[s] for s in chosen], dtype=np.intp)
    bad: list[str] = []
    for start in range(0, at.size, _PIECE):
        part = distances.matrix[at[start : start + _PIECE]][:, at]
        wrong = (~np.isfinite(part) | (part < 0)).any(axis=1)
        bad += [chosen[start + k] for k in np.flatnonzero(wrong).tolist()]
    if bad:
        msg = f"{count_noun(bad, 'sample')} have distances that are not defined or negative: {first_ids(bad)}. Leave them out."
        raise InputError(msg)
    return at
