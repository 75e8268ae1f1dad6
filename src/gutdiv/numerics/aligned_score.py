"""The portable score of all samples of a study at once: each against the study's controls, without those of its own subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.portable_score import COMPONENTS, TAIL_GRID, Model, People, Table, components, scores, table_for
from gutdiv.numerics.random_effects import FEWEST, localised
from gutdiv.numerics.robust_centre import score_posterior, weighted_controls, weighted_local
from gutdiv.numerics.t_mixture import share_below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BLOCK = 64  # subjects that are left out in one go

@dataclass(frozen=True, eq=False)
class Aligned:
    """What was found of m people.

    Parameters
    ----------
    p : (m,) float64
    tails : (m, 3) float64
        Share of healthy people of other studies beyond each component (`COMPONENTS`), in [1e-4, 1].
    effective : float
        Effective number of controls, the sum of their weights; the number itself where all count alike.
    """

    p: Floats
    tails: Floats
    effective: float


def judge_people(
    model: Model, tables: Mapping[int, Table], people: People, own: Ints, controls: People, *, robust: bool, same: Ints | None = None
) -> Aligned:
    """Judge people of a study against its controls.

    People without a control of their own subject are judged as by `judge_new`; the others as `judge_controls` judges that control, against the
    others only.

    Parameters
    ----------
    own : (m,) int64
        Number of the subject, as in `same`, that the person is or shares; -1 where no control is of that subject.
    same : (n,) int64
        Subject of each control (each its own): controls of one subject, as in a bootstrap, are left out together.
    """
    n = controls.size
    subject = np.arange(n) if same is None else same
    out, tails = np.full(people.size, np.nan), np.full((people.size, 3), np.nan)
    free = np.flatnonzero(~np.isin(own, subject))
    rest = np.setdiff1d(np.arange(people.size), free)
    held, own_rows = _held_out(model, controls, subject, robust=robust)
    if free.size:
        table = table_for(n, tables)
        local = scores(own_rows, table.tails) if n else np.zeros(0)
        found = components(model, people.take(free), controls, robust=robust)
        out[free] = table.mapped(_share(scores(found, table.tails), table, local, robust=robust))
        tails[free] = tails_of(found, table)
    for number in np.unique(own[rest]):
        mine, others = rest[own[rest] == number], np.flatnonzero(subject != number)
        table = table_for(others.size, tables)
        found = held[int(number)](people.take(mine))
        local = scores(own_rows[others], table.tails)
        out[mine] = table.mapped(_share(scores(found, table.tails), table, local, robust=robust))
        tails[mine] = tails_of(found, table)
    return Aligned(out, tails, effective_number(model, controls, robust=robust))


def _share(values: Floats, table: Table, own: Floats, *, robust: bool) -> Floats:
    """One-sided p of scores before the p-map, as `portable_score.score_p`, for many at once."""
    if own.size < FEWEST:
        local = localised(table.score)
    elif robust:
        local = score_posterior(own, table.score)
    else:
        local = localised(table.score, own.size, float(own.mean()), float(own.std(ddof=1)))
    return share_below(values, table.score, local)


def tails_of(found: Floats, table: Table) -> Floats:
    """Tail probability of each component, (m, 3)."""
    return np.column_stack([np.exp(np.interp(found[:, k], table.tails[name], np.log(TAIL_GRID))) for k, name in enumerate(COMPONENTS)])


def effective_number(model: Model, controls: People, *, robust: bool) -> float:
    """Sum of the controls' weights."""
    n = controls.size
    if not robust or n < FEWEST:
        return float(n)
    z = model.axes.place(controls.composition)
    return float(weighted_controls(z, model.axes.spread, np.ones((1, n), dtype=bool)).weights.sum())


def _held_out(model: Model, controls: People, subject: Ints, *, robust: bool) -> tuple[dict[int, Callable[[People], Floats]], Floats]:
    """For each subject how people are seen without its controls, and the components of the controls themselves, seen so, (n, 3)."""
    held: dict[int, Callable[[People], Floats]] = {}
    rows = np.full((controls.size, 3), np.nan)
    numbers = np.unique(subject)
    for start in range(0, numbers.size, _BLOCK):
        block = numbers[start : start + _BLOCK]
        used = subject[None, :] != block[:, None]
        if robust and used.sum(axis=1).min() >= FEWEST:
            z = model.axes.place(controls.composition)
            found = weighted_controls(z, model.axes.spread, used)
            for b, number in enumerate(block):
                held[int(number)] = _weighted(model, controls, found.weights[b], found.centre[b], found.variance[b])
        else:
            for b, number in enumerate(block):
                held[int(number)] = _plain(model, controls.take(np.flatnonzero(used[b])))
        for number in block:
            mine = np.flatnonzero(subject == number)
            rows[mine] = held[int(number)](controls.take(mine))
    return held, rows


def _plain(model: Model, others: People) -> Callable[[People], Floats]:
    """How people are seen by controls that all count alike."""
    return lambda people: components(model, people, others, robust=False)


def _weighted(model: Model, controls: People, weights: Floats, centre: Floats, variance: Floats) -> Callable[[People], Floats]:
    """How people are seen by weighted controls."""
    local = weighted_local(model.diversity, -controls.shannon, weights), weighted_local(model.index, controls.mdi, weights)

    def columns(people: People) -> Floats:
        d2 = np.sum((model.axes.place(people.composition) - centre) ** 2 / (1 + variance), axis=1)
        return np.column_stack([local[0].standardised(-people.shannon), 0.5 * np.log(d2), local[1].standardised(people.mdi)])

    return columns
