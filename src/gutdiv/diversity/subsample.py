"""A part of the samples that stands for all: drawn by seed, every group in its proportion, the samples of a subject together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.diversity.rarefaction import on_a_scale
from gutdiv.errors import InputError
from gutdiv.numerics.subsets import drawn_order

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort

Places = npt.NDArray[np.intp]
LEAST = 10  # samples of a part that is to stand for others
_SUBSAMPLE, _LANDMARKS = 1, 2  # streams of random numbers


def choose_subsample(cohort: Cohort, rows: Places, *, size: int, seed: int) -> tuple[Places, dict[str, Any]]:
    """Choose at most `size` of the samples `rows` of a cohort, whole subjects, each group in its proportion.

    Groups are in proportion so that R2 of a test on the part estimates that of all: with unequal shares it would be R2 of a study of another
    make. A small group is therefore small in the part too.

    Returns
    -------
    places : (m,)
        Among `rows`, rising.
    about : dict
        `samples` (m), `of`, `subjects`, `of_subjects` (both None without a subject column), `group` (the column), `groups` (by
        group: samples, and of how many), `rule`, `seed`.

    Raises
    ------
    InputError
        Where fewer than ten samples are asked for, or the subjects have more samples than that.
    """
    groups, subjects = _cells(cohort, cohort.roles.group, rows), _cells(cohort, cohort.roles.subject, rows)
    # a sample without a subject is one by itself
    names = [f"s{s}" if s is not None else f"i{cohort.sample_ids[i]}" for s, i in zip(subjects, rows, strict=True)]
    unit = np.unique(np.array(names, dtype=object), return_inverse=True)[1]
    order = drawn_order(_strata(unit, [] if on_a_scale(cohort) else groups), seed, _SUBSAMPLE)
    sizes = np.bincount(unit)[order]
    taken = order[np.cumsum(sizes) <= size]
    places = np.flatnonzero(np.isin(unit, taken)).astype(np.intp)
    if places.size < LEAST:
        msg = f"--subsample {size} leaves {places.size} samples; a part that stands for {rows.size:,} needs {LEAST}. Ask for more."
        raise InputError(msg)
    whole = cohort.roles.subject is not None
    grouped = None if on_a_scale(cohort) else cohort.roles.group
    about: dict[str, Any] = {
        "samples": int(places.size),
        "of": int(rows.size),
        "subjects": int(taken.size) if whole else None,
        "of_subjects": int(order.size) if whole else None,
        "group": grouped,
        "groups": _counted(groups, places) if grouped else {},
        "rule": ("whole subjects" if whole else "samples") + (f", each group of {grouped} in its proportion" if grouped else ""),
        "seed": seed,
    }
    return places, about


def landmark_order(cohort: Cohort, rows: Places, *, seed: int) -> Places:
    """Return the samples `rows` of a cohort, as places among them, in the order in which landmarks are drawn: every group in its proportion."""
    groups = [] if on_a_scale(cohort) else _cells(cohort, cohort.roles.group, rows)
    return drawn_order(_strata(np.arange(rows.size), groups), seed, _LANDMARKS)


def _cells(cohort: Cohort, column: str | None, rows: Places) -> list[str | None]:
    """Values of a column, one a sample; none without a column."""
    if column is None:
        return [None] * rows.size
    values = cohort.metadata.column(column)
    return [values[i] for i in rows.tolist()]


def _strata(unit: Places, groups: list[str | None]) -> Places:
    """Number units by the groups that their samples are of."""
    held: list[set[str]] = [set() for _ in range(int(unit.max(initial=-1)) + 1)]
    for u, g in zip(unit.tolist(), groups or [None] * unit.size, strict=True):
        held[u].add(g or "")
    keys = ["\t".join(sorted(h)) for h in held]
    return np.unique(np.array(keys, dtype=object), return_inverse=True)[1].astype(np.intp)


def _counted(groups: list[str | None], places: Places) -> dict[str, list[int]]:
    """By group: samples in the part, and of how many."""
    every, taken = Counter(groups), Counter(groups[i] for i in places.tolist())
    return {g: [taken[g], every[g]] for g in sorted(g for g in every if g is not None)}
