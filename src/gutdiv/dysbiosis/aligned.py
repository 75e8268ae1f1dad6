"""The aligned score: samples against published healthy groups, shifted and scaled to the study by its own controls; and what gates it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.dysbiosis.tiers import IN_STUDY
from gutdiv.numerics.aligned_score import Aligned, judge_people
from gutdiv.numerics.random_effects import FEWEST
from gutdiv.numerics.tails import tail_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Controls
    from gutdiv.numerics.portable_score import Model, People, Table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

STOOL = frozenset({"stool", "stools", "faeces", "feces", "faecal", "fecal"})
ADULT = frozenset({"adult", "adults"})
# Share of reads in no named part, at most. Of the eight groups of the shipped reference, 2.5 % of the healthy people of the group with the most such reads
# (ob_zeevi_israel) have more than 39 %, of the others 6 to 31 %: beyond it the parts describe a minority of what was seen in those people.
UNNAMED = 0.40
SUSPECT, UNUSUAL = 0.01, 0.05  # leave-one-out p of a control up to which it is named, and counted
LEAST_P = 1e-4  # the tail tables of a reference end there: a smaller p would be a matter of the fitted curve alone
MANY = 30  # controls from which on three suspicious ones or more make a warning, below it two
FALSELY = 0.014  # share of clean controls that are suspicious: measured with 40, docs/validation/verdict.md
RARELY = 0.05  # chance at most that so many of more clean controls are suspicious that it makes a warning
GATES = ("depth", "scope", "unclassified")
LOST = 0.8  # effective share of the controls below which the set makes a warning


@dataclass(frozen=True, eq=False)
class Published:
    """Published healthy groups, and what they are held against, for all m samples of a cohort in its order.

    Parameters
    ----------
    name : str
    studies, depth : int
        Number of groups; reads at which samples are held against them.
    model, tables, robust
        The portable score (see `numerics/portable_score.py`).
    people : People
        Of m samples; rows of samples with too few reads mean nothing.
    unnamed : (m,) float64
        Share of reads in no named part.
    parts : tuple of str
        Names of the columns of `people.composition`.
    controls : Controls or None
        The study's controls, one sample a subject, among those with `depth` reads.
    """

    name: str
    studies: int
    depth: int
    model: Model
    tables: Mapping[int, Table]
    robust: bool
    people: People
    unnamed: Floats
    parts: tuple[str, ...]
    controls: Controls | None


def scope_gate(cohort: Cohort) -> str:
    """Why samples of this cohort cannot be held against adult stool, empty where nothing speaks against it; undeclared does not."""
    specimen, age = cohort.roles.specimen, cohort.roles.age_band
    if specimen and specimen.strip().casefold() not in STOOL:
        return f"the specimen is declared as {specimen!r}, and the published healthy groups are stool"
    if age and age.strip().casefold() not in ADULT:
        return f"the age is declared as {age!r}, and the published healthy groups are adults"
    return ""


def sample_gates(cohort: Cohort, published: Published) -> list[tuple[str, str]]:
    """What holds each sample back from being held against the published groups: the gate (`GATES`) and the reason, both empty where nothing does."""
    scope = scope_gate(cohort)
    out = []
    for reads, unnamed in zip(cohort.depth, published.unnamed, strict=True):
        if scope:
            out.append(("scope", f"{scope}; a verdict needs {IN_STUDY} controls of this study"))
        elif reads < published.depth:
            out.append(("depth", f"{int(reads):,} reads, fewer than the {published.depth:,} at which samples are held against published groups"))
        elif unnamed > UNNAMED:
            out.append(("unclassified", f"{unnamed:.0%} of its reads belong to no part that databases share, more than {UNNAMED:.0%}"))
        else:
            out.append(("", ""))
    return out


def own_controls(controls: Controls, ids: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows of the chosen controls among these samples, (n,), and for every sample the number of the control of its subject or -1, (m,)."""
    place = {s: i for i, s in enumerate(ids)}
    number = {controls.subjects[s]: k for k, s in enumerate(controls.chosen)}
    rows = np.array([place[s] for s in controls.chosen], dtype=np.int64)
    return rows, np.array([number.get(controls.subjects[s], -1) for s in ids], dtype=np.int64)


def judge_beside(published: Published, ids: Sequence[str], open_rows: Bools, *, used: bool) -> tuple[Floats, Aligned | None]:
    """Hold samples against the published groups, aligned by the study's controls where they are `used`.

    Returns
    -------
    p : (m,)
        NaN for samples that a gate holds back.
    found : Aligned or None
        Of the samples that no gate holds back, in order.
    """
    p = np.full(len(ids), np.nan)
    rows = np.flatnonzero(open_rows)
    if rows.size == 0:
        return p, None
    if used and published.controls is not None:
        at, own = own_controls(published.controls, ids)
    else:
        at, own = np.zeros(0, np.int64), np.full(len(ids), -1, dtype=np.int64)
    people = published.people
    found = judge_people(published.model, published.tables, people.take(rows), own[rows], people.take(at), robust=published.robust)
    p[rows] = np.maximum(found.p, LEAST_P)
    return p, found


def usable_controls(published: Published) -> int:
    """Number of the study's controls with enough reads."""
    return len(published.controls.chosen) if published.controls is not None else 0


def check_controls(published: Published, p: Floats, ids: Sequence[str], effective: float) -> dict[str, Any]:
    """Verify the controls against the published groups and each other.

    Parameters
    ----------
    p : (m,) float64
        Leave-one-out p of the controls, among all samples.
    effective : float
        Effective number of controls.

    Returns
    -------
    mapping
        `n` controls and their effective number; how many have p <= .05 with the exact 90 % interval of their share; `suspicious` ones, those with
        p <= .01; and whether the whole set makes a `warning`: 2 such (3 from 30 controls on, from 60 on more: what 5 % of clean sets would hold), or
        less than .8 of the controls in effect.
        No control is dropped for its p.
    """
    place = {s: i for i, s in enumerate(ids)}
    chosen = published.controls.chosen if published.controls is not None else ()
    own = {s: float(p[place[s]]) for s in chosen if not np.isnan(p[place[s]])}
    n = len(own)
    beyond = sum(v <= UNUSUAL for v in own.values())
    low, high = tail_bounds(np.array([beyond]), np.array([n])) if n else (np.array([np.nan]), np.array([np.nan]))
    suspicious = sorted(s for s, v in own.items() if v <= SUSPECT)
    return {
        "n": len(chosen),
        "n_checked": n,
        "effective": round(effective, 2),
        "unusual_at": UNUSUAL,
        "unusual": int(beyond),
        "unusual_low": float(low[0]),
        "unusual_high": float(high[0]),
        "suspicious_at": SUSPECT,
        "suspicious": suspicious,
        "warning": len(suspicious) >= _too_many(len(chosen)) or effective < LOST * len(chosen),
    }


def _too_many(n: int) -> int:
    """Number of suspicious ones among n controls from which on the set makes a warning."""
    from scipy.stats import binom

    return max(3, int(binom.ppf(1 - RARELY, n, FALSELY)) + 1) if n >= MANY else 2


def part_distances(published: Published, rows: Ints, controls: Ints) -> Floats:
    """Distance of each row to each control, (k, n), in coordinates in which people of one study vary by 1 along every axis."""
    from scipy.spatial.distance import cdist

    z = published.model.axes.place
    return np.asarray(cdist(z(published.people.composition[rows]), z(published.people.composition[controls])))


def counts_used(n: int) -> bool:
    """Whether so many controls count at all for a position."""
    return n >= FEWEST
