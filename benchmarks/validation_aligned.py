"""False alarms and power of the portable reference, study by study: n of a study's healthy are its controls, some replaced by its ill, the others judged."""

from __future__ import annotations

import pickle
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from validation_studies import APART, OUTSIDE, REFERENCE, SEED, Known, Measured, measured

from gutdiv.io.artifacts import read_reference
from gutdiv.numerics.aligned_score import judge_people
from gutdiv.numerics.portable_form import model_from, tables_from
from gutdiv.numerics.portable_score import Model, People, Table, fit_model
from gutdiv.reference.calibration import GRID, PMap, calibrate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LEVELS = (0.01, 0.025, 0.05, 0.10)
NUMBERS = (0, 10, 20, 40)
SHARES_ILL = (0.0, 0.1, 0.2)
SPARE = 20  # healthy people that must be left to be judged
HELD_BACK = 8  # ill people who may stand among controls and are never judged, whatever the share: 20 % of 40
FEWEST_ILL = 10  # judged
STREAM = 20261126  # key of the draws of controls, apart from the seed of the calibration


@dataclass(frozen=True)
class Rate:
    """Shares found outside at `LEVELS` in one study, of healthy and of ill, means over draws; nan where nobody was judged."""

    study: str
    controls: int
    ill_share: float
    draws: int
    people: int
    alarms: tuple[float, ...]
    ill: int
    found: tuple[float, ...]


@dataclass(frozen=True)
class Variant:
    """A way to make the reference: whether controls are weighed, and how p is mapped; `shipped` reads the package's file for studies outside it."""

    name: str
    robust: bool
    mapping: PMap
    shipped: bool = False


Judge = tuple[Model, "Mapping[int, Table]", bool]


def judge_of(study: Known, variant: Variant, everyone: Mapping[str, Measured], work: Path, shipped: Path) -> Judge:
    """The reference that may judge a study: without it and without groups that share people with it."""
    members = {s.name: s for s in REFERENCE}
    without = {study.name, *study.partners} & set(members)
    if not without and variant.shipped:
        portable = read_reference(shipped).portable
        return model_from(portable["verdict"]), tables_from(portable["verdict"]["n"]), portable["method"] != "v0"
    rest = {name: everyone[name].healthy for name in members if name not in without}
    kept = work / f"tables.{variant.robust:d}.{variant.mapping.replace(' ', '_')}.{'+'.join(sorted(without)) or 'all'}.pickle"
    if not kept.exists():
        partners = {s.name: frozenset(s.partners) for s in REFERENCE}
        grid = NUMBERS if without else GRID
        kept.write_bytes(pickle.dumps(calibrate(rest, partners, robust=variant.robust, mapping=variant.mapping, seed=SEED, grid=grid)))
    return fit_model(list(rest.values())), pickle.loads(kept.read_bytes()), variant.robust


def rates(variant: Variant, *, data: Path, work: Path, shipped: Path, draws: int, tested: int, studies: Sequence[Known] = ()) -> list[Rate]:
    """Judge every study with every number of controls and every share of ill among them."""
    everyone = {s.name: measured(s, data, work) for s in (*REFERENCE, *OUTSIDE, *APART)}
    out = []
    for study in studies or (*REFERENCE, *OUTSIDE, *APART):
        judge = judge_of(study, variant, everyone, work, shipped)
        own = everyone[study.name]
        mixed = study.contaminates and own.ill.size >= HELD_BACK + FEWEST_ILL
        for n in NUMBERS:
            if own.healthy.size >= n + (0 if own.ill.size else SPARE):
                out += [_rate(study, own, judge, n, share, draws, tested) for share in (SHARES_ILL if mixed and n else (0.0,))]
    return out


def _rate(study: Known, own: Measured, judge: Judge, n: int, share: float, draws: int, tested: int) -> Rate:
    """Average over draws of controls; the same people are judged whatever the share of ill."""
    model, tables, robust = judge
    replaced = round(share * n)
    alarms, found = [], []
    seen: set[int] = set()
    enough = own.healthy.size >= n + SPARE
    for draw in range(draws if n else 1):
        rng = np.random.Generator(np.random.Philox(key=[STREAM, zlib.crc32(study.name.encode())], counter=[0, 0, n, draw]))
        well, ill = rng.permutation(own.healthy.size), rng.permutation(own.ill.size)
        controls = own.healthy.take(well[: n - replaced])
        if replaced:
            controls = joined(controls, own.ill.take(ill[:replaced]))
        judged = well[n : n + tested] if n else well
        others = ill[HELD_BACK if study.contaminates and n else 0 :]
        others = others[~np.isin(own.ill_subjects[others], own.healthy_subjects[well[:n]])]
        others = others[:tested] if n else others
        both = joined(own.healthy.take(judged), own.ill.take(others))
        p = judge_people(model, tables, both, np.full(both.size, -1), controls, robust=robust).p
        if enough:
            alarms.append([np.mean(p[: judged.size] <= a) for a in LEVELS])
            seen |= set(judged.tolist())
        if others.size >= FEWEST_ILL:
            found.append([np.mean(p[judged.size :] <= a) for a in LEVELS])
    nobody = (float("nan"),) * len(LEVELS)
    return Rate(
        study.name, n, share, draws if n else 1, len(seen), tuple(np.mean(alarms, axis=0).tolist()) if alarms else nobody,
        own.ill.size if found else 0, tuple(np.mean(found, axis=0).tolist()) if found else nobody,
    )  # fmt: skip


def joined(first: People, second: People) -> People:
    """Both groups of people."""
    return People(*(np.concatenate([getattr(first, f), getattr(second, f)]) for f in ("shannon", "composition", "mdi")))
