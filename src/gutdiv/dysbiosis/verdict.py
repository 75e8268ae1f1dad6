"""Verdicts: each sample's p-value in words by the tier that the study's controls allow, or why it cannot be judged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.dysbiosis import explanation
from gutdiv.dysbiosis.aligned import (
    GATES,
    check_controls,
    counts_used,
    judge_beside,
    own_controls,
    part_distances,
    sample_gates,
    scope_gate,
    usable_controls,
)
from gutdiv.dysbiosis.score import judge_samples, leading, measure_study, rows_of, study_drivers
from gutdiv.dysbiosis.tiers import BORDERLINE, CROSS_CHECK, OUTSIDE, PROVISIONAL, obstacle, tier_of, word
from gutdiv.model.results import TABLES, Controls, Finding
from gutdiv.numerics.tails import false_discovery_rates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.dysbiosis.aligned import Published
    from gutdiv.model.cohort import Cohort
    from gutdiv.numerics.aligned_score import Aligned

DRAWS = 20  # rarefaction draws over which distance and logarithms of genera are averaged
COLUMNS = list(TABLES["verdicts"])
RANKS = ("rank_diversity", "rank_neighbours", "rank_composition")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Judged:
    """The tables of kind `verdicts` and `explanations`, and the findings: one, `verdicts`."""

    verdicts: pd.DataFrame
    explanations: pd.DataFrame
    findings: list[Finding]


@dataclass(frozen=True, eq=False)
class _Beside:
    """What the published groups say of all m samples: gates, position without (or with 5 to 9) controls, and p aligned by 10 controls or more."""

    gates: list[tuple[str, str]]
    position: Floats
    position_controls: int
    p: Floats
    tails: Floats
    effective: float


def judge(
    cohort: Cohort,
    controls: Controls | None,
    entropy: npt.NDArray[np.float64],
    *,
    depth: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
    published: Published | None = None,
    absent: str = "",
    alpha: pd.DataFrame | None = None,
    false_alarms: Sequence[Mapping[str, Any]] = (),
) -> Judged:
    """Judge every sample by the tier that the number of control subjects allows; none against a control of its own subject.

    Parameters
    ----------
    controls : Controls or None
        At `depth`, the depth of the in-study verdict.
    entropy : (n_samples,)
        Shannon entropy at this depth, NaN where a sample has fewer reads.
    published : Published or None
        Published healthy groups; where there is none, `absent` says why.
    alpha : DataFrame or None
        Rarefied alpha diversity, for local limits of single metrics from 40 controls on.
    false_alarms : sequence of mapping
        What was measured of each tier's false alarms (`io.knowledge.read_false_alarms`).

    Returns
    -------
    Judged
        q by Benjamini & Hochberg among the samples that are no controls, and apart from them among the controls.
    """
    ids = cohort.sample_ids
    listed = set(controls.samples) if controls else set()
    frame = _empty(ids, listed)
    deep = len(controls.chosen) if controls else 0
    beside = usable_controls(published) if published else 0
    tier = tier_of(deep, beside)
    seen = _hold_beside(cohort, published, beside)
    frame["position_p"] = seen.position
    told = pd.DataFrame(columns=explanation.COLUMNS)
    limits: dict[str, dict[str, Any]] = {}
    if tier == "none":
        beyond = scope_gate(cohort) if published else ""  # more controls would not open the aligned tiers
        at = published.depth if published and not beyond else None
        frame["reason"] = obstacle(controls, depth=depth, published_depth=at, aligned=beside, absent=absent or beyond)
    elif tier == "in-study":
        assert controls is not None
        told = _by_controls(frame, cohort, controls, entropy, seen, depth=depth, keys=keys, seed=seed)
    else:
        assert published is not None
        told, limits = _by_published(frame, cohort, published, seen, tier, alpha)
    for part in (frame["is_control"], ~frame["is_control"]):
        frame.loc[part, "q"] = false_discovery_rates(frame.loc[part, "p"].to_numpy(dtype=np.float64))
    values = {
        "tier": tier,
        "n_reference": {"none": 0, "in-study": deep}.get(tier, beside),
        "depth": depth if tier in ("none", "in-study") or published is None else published.depth,
        "n_controls": {"depth": depth, "subjects": deep},
        "gates": _gates(cohort, seen.gates, int((cohort.depth < depth).sum()), absent),
        "cross_check": limits,
        "false_alarms": _measured(false_alarms, tier, deep if tier == "in-study" else beside),
    }
    if published is not None:
        values["published"] = {
            "name": published.name,
            "groups": published.studies,
            "depth": published.depth,
            "subjects": beside,
            "position_controls": seen.position_controls,
        }
        if beside >= PROVISIONAL and not scope_gate(cohort):
            values["control_check"] = check_controls(published, seen.p, ids, seen.effective)
    if tier == "in-study":
        both = frame[~frame["is_control"] & frame["agreement"].isin(["same", "different"])]
        agree = {k: int((both["agreement"] == k).sum()) for k in ("same", "different")}
        values["second_opinion"] = agree | {k: int((both[k] == "outside").sum()) for k in ("verdict", "second_verdict")}
    return Judged(frame, told, [_finding(frame, values)])


# ---------------------------------------------------------------- the tiers
def _by_controls(
    frame: pd.DataFrame, cohort: Cohort, controls: Controls, entropy: Floats, seen: _Beside, *, depth: int, keys: Any, seed: int
) -> pd.DataFrame:
    """Fill in the in-study verdicts, with the aligned score as second opinion; return their explanations."""
    ids = cohort.sample_ids
    rows = np.flatnonzero(cohort.depth >= depth)
    at, own = own_controls(controls, ids)
    table, genera = rows_of(cohort, keys)
    found = measure_study(table, genera, rows, at, depth=depth, seed=seed, draws=range(DRAWS), entropy=entropy[rows])
    judged = judge_samples(found, own[rows])
    frame["reason"] = [f"{int(r):,} reads, fewer than the common depth of {depth:,}" if r < depth else "" for r in cohort.depth]
    _fill(frame, rows, "in-study", judged[:, 0], len(controls.chosen) - (own[rows] >= 0))
    for k, name in enumerate(RANKS):
        frame.loc[rows, name] = judged[:, k + 1]
    frame.loc[rows, "drivers"] = _told(study_drivers(found, own[rows], np.arange(rows.size)))
    frame["second_p"] = seen.p
    second = np.flatnonzero(~np.isnan(seen.p))
    frame.loc[second, "second_verdict"] = [word(p) for p in seen.p[second]]
    both = np.intersect1d(rows, second)
    same = frame.loc[both, "verdict"] == frame.loc[both, "second_verdict"]
    frame.loc[both, "agreement"] = np.where(same, "same", "different")
    return explanation.explanations(
        ids,
        rows,
        "in-study",
        judged[:, 1:],
        explanation.IN_STUDY,
        tails=seen.tails,
        apart=found.unshared / (depth * DRAWS),
        own=own[rows],
        controls=controls.chosen,
        distance="Bray-Curtis of genera",
        beyond={},
    )


def _by_published(
    frame: pd.DataFrame, cohort: Cohort, published: Published, seen: _Beside, tier: str, alpha: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Fill in the aligned or provisional verdicts; return their explanations and the local limits."""
    assert published.controls is not None
    ids = cohort.sample_ids
    rows = np.flatnonzero(~np.isnan(seen.p))
    at, own = own_controls(published.controls, ids)
    frame["reason"] = [why for _, why in seen.gates]
    _fill(frame, rows, tier, seen.p[rows], at.size - (own[rows] >= 0))
    composition = published.people.composition
    for number in np.unique(own[rows]):
        mine = rows[own[rows] == number]
        pool = composition[at if number < 0 else np.delete(at, number)]
        frame.loc[mine, "drivers"] = _told(leading(composition[mine], pool, published.parts))
    beyond: dict[str, str] = {}
    limits: dict[str, dict[str, Any]] = {}
    if at.size >= CROSS_CHECK:
        if alpha is None:
            limits = {"": {"absent": "alpha diversity was not rarefied"}}
        else:
            beyond, limits = explanation.local_limits(alpha, published.controls, least=CROSS_CHECK)
    told = explanation.explanations(
        ids,
        rows,
        tier,
        seen.tails[rows],
        explanation.ALIGNED,
        tails=seen.tails,
        apart=part_distances(published, rows, at),
        own=own[rows],
        controls=published.controls.chosen,
        distance="parts, in standard deviations within studies",
        beyond=beyond,
    )
    return told, limits


def _hold_beside(cohort: Cohort, published: Published | None, n: int) -> _Beside:
    """Hold all samples against the published groups, where there are any."""
    ids = cohort.sample_ids
    nothing, tails = np.full(len(ids), np.nan), np.full((len(ids), 3), np.nan)
    if published is None:
        return _Beside([], nothing, 0, nothing, tails, 0.0)
    gates = sample_gates(cohort, published)
    passed = np.array([not kind for kind, _ in gates])
    few = n < PROVISIONAL and counts_used(n)
    position, _ = judge_beside(published, ids, passed, used=few)
    p, found = judge_beside(published, ids, passed, used=True) if n >= PROVISIONAL else (nothing, None)
    return _Beside(gates, position, n if few else 0, p, *_of(found, passed, tails))


def _of(found: Aligned | None, passed: npt.NDArray[np.bool_], tails: Floats) -> tuple[Floats, float]:
    """Tails of all samples, and the effective number of controls."""
    if found is None:
        return tails, 0.0
    tails = tails.copy()
    tails[passed] = found.tails
    return tails, found.effective


# ---------------------------------------------------------------- rows
def _empty(ids: Sequence[str], listed: set[str]) -> pd.DataFrame:
    """One row a sample, not assessable until more is known."""
    kinds: dict[str, Any] = {"str": "", "float": np.nan, "int": 0, "bool": False}
    frame = pd.DataFrame({c: [kinds[TABLES["verdicts"][c]]] * len(ids) for c in COLUMNS})
    frame["sample_id"], frame["is_control"] = list(ids), [s in listed for s in ids]
    return frame.assign(verdict="not assessable", tier="none")


def _fill(frame: pd.DataFrame, rows: Ints, tier: str, p: Floats, n_reference: Any) -> None:
    """Write p, its word and the number of controls of judged samples."""
    frame.loc[rows, "p"] = p
    frame.loc[rows, "verdict"] = [word(v) for v in p]
    frame.loc[rows, "tier"] = tier
    frame.loc[rows, "n_reference"] = n_reference
    frame.loc[rows, "reason"] = ""


def _told(listed: Sequence[Sequence[tuple[str, float]]]) -> list[str]:
    """Drivers as JSON."""
    return [json.dumps([[name, round(z, 2)] for name, z in line], ensure_ascii=False) for line in listed]


# ---------------------------------------------------------------- the record
def _gates(cohort: Cohort, gates: Sequence[tuple[str, str]], too_shallow: int, absent: str) -> dict[str, Any]:
    """What was declared, and how many samples each gate holds back: from the published groups, and from the study's own depth."""
    return {
        "specimen": cohort.roles.specimen or "undeclared",
        "age_band": cohort.roles.age_band or "undeclared",
        "published_absent": absent,
        "held_back": {kind: sum(g == kind for g, _ in gates) for kind in GATES},
        "too_shallow": too_shallow,
    }


def _measured(rows: Sequence[Mapping[str, Any]], tier: str, n: int) -> list[dict[str, Any]]:
    """The tier's measured false alarms, of the largest number of controls not above n."""
    of_tier = [r for r in rows if r["tier"] == tier and r["controls"] <= n]
    most = max((r["controls"] for r in of_tier), default=None)
    return [dict(r) for r in of_tier if r["controls"] == most]


def _finding(frame: pd.DataFrame, values: Mapping[str, Any]) -> Finding:
    """Count verdicts among samples that are no controls, and among controls."""
    control = frame["is_control"].astype(bool)
    counts = {
        name: {str(k): int(v) for k, v in frame.loc[part, "verdict"].value_counts().sort_index().items()}
        for name, part in (("others", ~control), ("controls", control))
    }
    assessed = int((frame.loc[~control, "verdict"] != "not assessable").sum())
    outside = counts["others"].get("outside", 0)
    return Finding(
        what="verdicts",
        subject="samples",
        direction="present" if outside else "none",
        size=float(outside),
        unit="samples outside",
        strength="not assessable" if assessed == 0 else "clear" if outside > OUTSIDE * assessed else "weak",
        rank=0,
        values={
            **counts,
            "n_assessable": assessed,
            "n_controls_assessable": int((frame.loc[control, "verdict"] != "not assessable").sum()),
            "level_outside": OUTSIDE,
            "level_borderline": BORDERLINE,
            "expected_false_alarms": OUTSIDE * assessed,
            **values,
        },
    )
