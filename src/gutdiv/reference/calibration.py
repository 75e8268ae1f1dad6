"""Calibration by replay: each reference study in turn plays the new one, and what its people score makes the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.portable_score import (
    COMPONENTS,
    MAP_SHARES,
    SHARES,
    Model,
    People,
    Table,
    components,
    control_components,
    fit_model,
    score_p,
    scores,
    tail_table,
)
from gutdiv.numerics.random_effects import study_effects, weighted_quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GRID = (0, 5, 10, 15, 20, 30, 40, 60)  # numbers of local controls with tables of their own
DRAWS = 25  # control sets a study
TESTED = 100  # people tested a set, and 400 without controls
TESTED_WITHOUT = 400
FEWEST_TESTED = 5
MAP_DRAWS, MAP_TESTED = 12, 80

PMap = Literal["none", "replayed", "held out"]


def calibrate(
    studies: Mapping[str, People],
    partners: Mapping[str, frozenset[str]],
    *,
    robust: bool,
    seed: int,
    mapping: PMap | None = None,
    grid: Sequence[int] = GRID,
    draws: int = DRAWS,
) -> dict[int, Table]:
    """Replay every study against a model of the others, for every number of controls.

    Parameters
    ----------
    studies : mapping of str to People
    partners : mapping of str to set of str
        Studies that share people with a study, and are left out with it.
    robust : bool
        Whether controls are weighed, and contamination is reckoned with.
    seed : int
    mapping : {'none', 'replayed', 'held out'}, optional
        Whether p is mapped, and if so, whether the replayed study is in the component tails by which its p was found; `replayed` where robust.
    grid : sequence of int
    draws : int
        Control sets a study.
    """
    names = tuple(studies)
    models = {name: fit_model([studies[o] for o in names if o != name and o not in partners.get(name, frozenset())]) for name in names}
    chosen: PMap = mapping or ("replayed" if robust else "none")
    return {n: _table(n, studies, models, robust=robust, mapping=chosen, seed=seed, draws=draws) for n in grid}


def _table(n: int, studies: Mapping[str, People], models: Mapping[str, Model], *, robust: bool, mapping: PMap, seed: int, draws: int) -> Table:
    """Make one number of controls' table."""
    names = tuple(s for s in studies if studies[s].size >= n + FEWEST_TESTED)
    found: list[Floats] = []
    for name in names:
        sets = _control_sets(name, studies[name].size, n, seed, draws)
        people = studies[name]
        found.append(np.concatenate([components(models[name], people.take(t), people.take(c), robust=robust) for c, t in sets]))
    tails, by_study = _tails(found)
    fit = study_effects(by_study, SHARES)
    if mapping == "none" or n == 0:
        return Table(names, tails, fit, None)
    p, w = [], []
    for at, name in enumerate(names):
        others = [k for k in range(len(names)) if k != at]
        seen, rest = _tails([found[k] for k in others]) if mapping == "held out" else (tails, [by_study[k] for k in others])
        effects = study_effects(rest, SHARES)
        people = studies[name]
        replayed = []
        for c, t in _control_sets(name, people.size, n, seed, min(draws, MAP_DRAWS)):
            own = scores(control_components(models[name], people.take(c), robust=robust), seen)
            y = scores(components(models[name], people.take(t[:MAP_TESTED]), people.take(c), robust=robust), seen)
            replayed.append(score_p(y, effects, own, robust=robust))
        p.append(np.concatenate(replayed))
        w.append(np.full(p[-1].size, 1 / p[-1].size))
    return Table(names, tails, fit, weighted_quantiles(np.concatenate(p), np.concatenate(w), MAP_SHARES))


def _tails(found: Sequence[Floats]) -> tuple[dict[str, Floats], list[Floats]]:
    """Tail tables of the components of several studies, each of which counts the same, and every study's scores by them."""
    weights = np.concatenate([np.full(u.shape[0], 1 / u.shape[0]) for u in found])
    together = np.concatenate(found)
    tails = {c: np.maximum.accumulate(tail_table(together[:, k], weights)) for k, c in enumerate(COMPONENTS)}
    return tails, [scores(u, tails) for u in found]


def _control_sets(name: str, size: int, n: int, seed: int, draws: int) -> list[tuple[Ints, Ints]]:
    """Draw sets of n controls and of people tested against them; a study's draws depend on seed, name, n and set alone."""
    key = int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little")
    out = []
    for draw in range(draws if n else 1):
        rng = np.random.Generator(np.random.Philox(key=[seed, key], counter=[0, 0, n, draw]))
        order = rng.permutation(size)
        out.append((order[:n], order[n : n + (TESTED if n else TESTED_WITHOUT)]))
    return out
