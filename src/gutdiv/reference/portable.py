"""Builds a reference of several healthy studies: effects of studies on every metric, the portable score, and its calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError
from gutdiv.model.results import Reference
from gutdiv.numerics.portable_form import effects_content, grids, model_content, rounded, tables_content
from gutdiv.numerics.portable_score import SHARES, People, fit_model
from gutdiv.numerics.random_effects import study_effects
from gutdiv.reference.calibration import calibrate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = npt.NDArray[np.float64]

FORMAT, VERSION = "gutdiv-healthy-reference", "1.0"
METHODS = ("v0", "robust")
FEWEST_STUDIES = 4  # K = 3 leaves 2 studies once one plays the new one, too few for a variance between them
FEWEST_PEOPLE = 30  # of a study, at a depth
TIERS = {
    "controls_0_9": "not assessable: position only",
    "controls_10_19": "provisional: outside p<=.025, borderline p<=.10",
    "controls_20_59": "outside p<=.025, borderline p<=.10",
    "controls_60+": "the study's own conformal reference; this one as second opinion",
}


@dataclass(frozen=True, eq=False)
class Study:
    """One healthy study: what was measured of its people, one sample each.

    Parameters
    ----------
    name : str
    metrics : mapping of int to mapping of str to (n,) float64
        By depth in reads, then by metric, on the scale of `scales` (see `build_portable`).
    prevalence : mapping of int to mapping of str to float
        By depth, then by metric: share of people in whom a part was seen.
    people : People
        At the verdict's depth.
    shares_people_with : frozenset of str
        Names of studies with the same people.
    facts : mapping of str to str
        Citation, country, region, taxonomy, licence, people.
    n_samples : int
        Samples that were declared healthy, before one was taken of each person.
    """

    name: str
    metrics: Mapping[int, Mapping[str, Floats]]
    prevalence: Mapping[int, Mapping[str, float]]
    people: People
    shares_people_with: frozenset[str]
    facts: Mapping[str, str]
    n_samples: int


def build_portable(
    studies: Sequence[Study],
    *,
    name: str,
    method: str,
    depth: int,
    parts: Sequence[str],
    rules: Sequence[Mapping[str, str]],
    index: tuple[Sequence[str], Sequence[str]],
    scales: Mapping[str, str],
    seed: int,
    about: Mapping[str, Any] | None = None,
) -> Reference:
    """Fit and calibrate a reference of several studies; no value of a person is in it.

    Parameters
    ----------
    studies : sequence of Study
        At least 4, in the order in which they are named in the file.
    method : {'v0', 'robust'}
        Whether a new study's controls count alike (v0), or are weighed and reckoned with as partly ill (robust).
    depth : int
        Reads of the verdict.
    parts : sequence of str
        The 29 parts, `other` last.
    rules, index, scales
        How parts are made, which parts are in MDI (up, down), and each metric's scale: stored, so that the file says what it needs.
    seed : int
        Of the control sets that are drawn in the calibration.

    Raises
    ------
    InputError
        Where the method is unknown, or studies or people are too few.
    """
    if method not in METHODS:
        msg = f"there is no method {method!r}. Choose {' or '.join(METHODS)} with --method."
        raise InputError(msg)
    _check(studies, depth)
    everyone = {s.name: s.people for s in studies}
    partners = {s.name: s.shares_people_with for s in studies}
    tables = calibrate(everyone, partners, robust=method == "robust", seed=seed)
    up, down = index
    composed = [p for p in parts if p != "other"]
    portable = {
        "format": FORMAT,
        "version": VERSION,
        "method": method,
        "scope": "adult stool, 16S, genus tables, reads rarefied to the stated depth; one sample per person",
        **grids(),
        "studies": {s.name: {**s.facts, "shares_people_with": sorted(s.shares_people_with)} for s in studies},
        "parts": list(parts),
        "parts_rule": [dict(r) for r in rules],
        "pseudocount": 0.5,
        "metrics": {str(d): _metrics(studies, d, scales) for d in sorted({d for s in studies for d in s.metrics})},
        "verdict": {
            "depth": depth,
            "parts": composed,
            "mdi_up": list(up),
            "mdi_down": list(down),
            **model_content(fit_model(list(everyone.values())), list(everyone)),
            "n": tables_content(tables),
        },
        "tiers": TIERS,
    }
    n_people = sum(s.people.size for s in studies)
    declared = f"{len(studies)} healthy studies: {', '.join(s.name for s in studies)}"
    return Reference(name, declared, "healthy", sum(s.n_samples for s in studies), n_people, depth, (), about or {}, (), portable)


def _check(studies: Sequence[Study], depth: int) -> None:
    """Refuse studies that are too few, too small, or named twice."""
    names = [s.name for s in studies]
    if len(set(names)) < len(names):
        msg = f"a study is named twice among {', '.join(names)}. Give each its own name."
        raise InputError(msg)
    small = [f"{s.name} ({s.people.size})" for s in studies if s.people.size < FEWEST_PEOPLE]
    if small:
        msg = f"{', '.join(small)}: fewer than {FEWEST_PEOPLE} people with {depth:,} reads. Leave such a study out of the sheet."
        raise InputError(msg)
    known = set(names)
    for s in studies:
        if len(known - {s.name} - s.shares_people_with) < FEWEST_STUDIES - 1:
            msg = (
                f"{len(names)} studies, of which {s.name} leaves {len(known - {s.name} - s.shares_people_with)} others: too few to tell "
                f"how studies differ. A portable reference needs {FEWEST_STUDIES}."
            )
            raise InputError(msg)


def _metrics(studies: Sequence[Study], depth: int, scales: Mapping[str, str]) -> dict[str, Any]:
    """Study effects of every metric at one depth, over the studies with enough people there."""
    found = {}
    names = dict.fromkeys(m for s in studies for m in s.metrics.get(depth, {}))
    for metric in names:
        used = [s for s in studies if metric in s.metrics.get(depth, {}) and s.metrics[depth][metric].size >= FEWEST_PEOPLE]
        if len(used) < FEWEST_STUDIES:
            continue
        fit = study_effects([s.metrics[depth][metric] for s in used], SHARES)
        block = effects_content(fit, [s.name for s in used])
        block["transform"] = scales.get(metric, scales.get(metric.partition(":")[0], ""))
        seen = [s.prevalence.get(depth, {}).get(metric) for s in used]
        if all(p is not None for p in seen):
            block["prevalence"] = [rounded(p) for p in seen]
        found[metric] = block
    return found
