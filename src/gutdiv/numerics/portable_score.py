"""The portable score: a model of healthy studies, its three components for people of a new study, and their tail tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.random_effects import (
    FEWEST,
    Centres,
    Local,
    StudyEffects,
    localised,
    squared_distance,
    study_centres,
    study_effects,
    weighted_quantiles,
)
from gutdiv.numerics.robust_centre import Axes, axes_of, score_posterior, weighted_controls, weighted_local
from gutdiv.numerics.t_mixture import share_below

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = npt.NDArray[np.float64]

COMPONENTS = ("-Shannon", "half_ln_d2", "MDI")
TAIL_GRID = np.array([
    0.9999, 0.999, 0.995, 0.99, 0.975, *(round(0.95 - 0.05 * k, 2) for k in range(18)), 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.025,
    0.02, 0.015, 0.01, 0.0075, 0.005, 0.0035, 0.0025, 0.0015, 0.001, 0.0005, 0.0002, 0.0001,
])  # fmt: skip
SHARES = np.array([
    0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, *(round(0.075 + 0.025 * k, 3) for k in range(35)),
    0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.9975, 0.999,
])  # fmt: skip
MAP_SHARES = np.array([
    0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.0225, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.06, 0.07,
    0.08, 0.09, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.999,
])  # fmt: skip


@dataclass(frozen=True, eq=False)
class People:
    """One person a row: genus Shannon (n,), CLR of 28 parts (n, 28), MDI (n,)."""

    shannon: Floats
    composition: Floats
    mdi: Floats

    @property
    def size(self) -> int:
        """Number of people."""
        return int(self.shannon.size)

    def take(self, rows: npt.NDArray[np.int64]) -> People:
        """People of these rows."""
        return People(self.shannon[rows], self.composition[rows], self.mdi[rows])


@dataclass(frozen=True, eq=False)
class Model:
    """What healthy studies have in common: centres of composition, and effects on -Shannon and on MDI."""

    centres: Centres
    axes: Axes
    diversity: StudyEffects
    index: StudyEffects


def fit_model(studies: Sequence[People]) -> Model:
    """Fit the model to the people of at least 2 studies."""
    centres = study_centres([s.composition for s in studies])
    diversity = study_effects([-s.shannon for s in studies], SHARES)
    return Model(centres, axes_of(centres), diversity, study_effects([s.mdi for s in studies], SHARES))


# ---------------------------------------------------------------- components
def components(model: Model, people: People, controls: People, *, robust: bool) -> Floats:
    """Three components of people of a new study, of whom none is a control, (m, 3); high is abnormal."""
    n = controls.size
    if n < FEWEST:
        local = (localised(model.diversity), localised(model.index))
        d2 = squared_distance(people.composition, model.centres)
        return _columns(local, people, d2)
    if robust:
        z = model.axes.place(controls.composition)
        found = weighted_controls(z, model.axes.spread, np.ones((1, n), dtype=bool))
        w = found.weights[0]
        local = (weighted_local(model.diversity, -controls.shannon, w), weighted_local(model.index, controls.mdi, w))
        return _columns(local, people, found.squared_distance(model.axes.place(people.composition))[0])
    local = (_plain(model.diversity, -controls.shannon), _plain(model.index, controls.mdi))
    return _columns(local, people, squared_distance(people.composition, model.centres, n, controls.composition.mean(axis=0)))


def control_components(model: Model, controls: People, *, robust: bool) -> Floats:
    """Components of the controls themselves, each held against the others, (n, 3)."""
    n = controls.size
    every = np.arange(n)
    if n - 1 < FEWEST:
        return components(model, controls, controls.take(every[:0]), robust=robust)
    if not robust:
        others = (controls.composition.sum(axis=0) - controls.composition) / (n - 1)
        d2 = squared_distance(controls.composition, model.centres, n - 1, others)
        pairs = [
            (_plain(model.diversity, -np.delete(controls.shannon, i)), _plain(model.index, np.delete(controls.mdi, i))) for i in range(n)
        ]
        return np.concatenate([_columns(local, controls.take(every[i : i + 1]), d2[i : i + 1]) for i, local in enumerate(pairs)])
    z = model.axes.place(controls.composition)
    found = weighted_controls(z, model.axes.spread, ~np.eye(n, dtype=bool))
    d2 = np.sum((z - found.centre) ** 2 / (1 + found.variance), axis=1)
    rows = []
    for i in range(n):
        w = found.weights[i]
        local = (weighted_local(model.diversity, -controls.shannon, w), weighted_local(model.index, controls.mdi, w))
        rows.append(_columns(local, controls.take(every[i : i + 1]), d2[i : i + 1]))
    return np.concatenate(rows)


def _plain(fit: StudyEffects, values: Floats) -> Local:
    """Shrink a study's mean and SD."""
    return localised(fit, values.size, float(values.mean()), float(values.std(ddof=1)))


def _columns(local: tuple[Local, Local], people: People, d2: Floats) -> Floats:
    """Put the three components side by side."""
    return np.column_stack([local[0].standardised(-people.shannon), 0.5 * np.log(d2), local[1].standardised(people.mdi)])


# ---------------------------------------------------------------- tables
def tail_table(values: Floats, weights: Floats) -> Floats:
    """Values that a component exceeds with the probabilities of `TAIL_GRID`."""
    return weighted_quantiles(values, weights, 1 - TAIL_GRID)


def scores(found: Floats, tables: Mapping[str, Floats]) -> Floats:
    """Score -S^(1/3) of components (m, 3), S the sum of -ln of their tail probabilities; low is abnormal; (m,)."""
    total = np.zeros(found.shape[0])
    for k, name in enumerate(COMPONENTS):
        total -= np.interp(found[:, k], tables[name], np.log(TAIL_GRID))
    return np.asarray(-np.cbrt(total))


def score_p(values: Floats, fit: StudyEffects, own: Floats, *, robust: bool) -> Floats:
    """One-sided p of scores, by the study's own control scores, (m,); before the p-map."""
    if own.size < FEWEST:
        local = localised(fit)
    elif robust:
        local = score_posterior(own, fit)
    else:
        local = localised(fit, own.size, float(own.mean()), float(own.std(ddof=1)))
    return share_below(values, fit, local)


@dataclass(frozen=True, eq=False)
class Table:
    """What was calibrated for one number of controls: tail tables of the components, the score's study effects, and the p-map.

    `p_map` holds the replayed p below which the shares `MAP_SHARES` lie; None where p stands as it is.
    """

    studies: tuple[str, ...]
    tails: Mapping[str, Floats]
    score: StudyEffects
    p_map: Floats | None

    def mapped(self, p: Floats) -> Floats:
        """Share of replayed p at or below each p, in (0, 1]."""
        if self.p_map is None:
            return p
        low = np.log(np.append(self.p_map, 1.0))
        shares = np.log(np.append(MAP_SHARES, 1.0))
        inner = np.interp(np.log(np.maximum(p, 1e-12)), low, shares)
        below = p < self.p_map[0]  # beyond the smallest quantile in proportion
        return np.asarray(np.where(below, MAP_SHARES[0] * p / self.p_map[0], np.exp(inner)))


def table_for(n: int, tables: Mapping[int, Table]) -> Table:
    """The table of the largest number of controls that is not above n."""
    return tables[max(g for g in tables if g <= n)]


def judge_new(model: Model, tables: Mapping[int, Table], people: People, controls: People, *, robust: bool) -> Floats:
    """Return p of people of a new study, none of them among its controls, (m,)."""
    table = table_for(controls.size, tables)
    own = scores(control_components(model, controls, robust=robust), table.tails) if controls.size else np.zeros(0)
    y = scores(components(model, people, controls, robust=robust), table.tails)
    return table.mapped(score_p(y, table.score, own, robust=robust))


def judge_controls(model: Model, tables: Mapping[int, Table], controls: People, *, robust: bool) -> Floats:
    """Return p of the controls themselves, each held against the others, (n,): components without it, and the score's shrinkage without it."""
    n = controls.size
    if n == 0:
        return np.zeros(0)
    table = table_for(n - 1, tables)
    own = scores(control_components(model, controls, robust=robust), table.tails)
    p = [score_p(own[i : i + 1], table.score, np.delete(own, i), robust=robust)[0] for i in range(n)]
    return table.mapped(np.array(p))
