"""Verdicts: each sample's conformal p-value in words, or why it cannot be judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from gutdiv.dysbiosis.score import Components, conformal, drivers
from gutdiv.model.results import Controls, Finding
from gutdiv.numerics import draws, pairs
from gutdiv.numerics.tails import false_discovery_rates

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort

SMALLEST = 60  # control subjects from which on the verdict is given
OUTSIDE, BORDERLINE = 0.025, 0.10  # p at most
DRAWS = 20  # rarefaction draws over which distance and logarithms of genera are averaged
COLUMNS = [
    "sample_id",
    "verdict",
    "tier",
    "p",
    "q",
    "reason",
    "is_control",
    "n_reference",
    "rank_diversity",
    "rank_neighbours",
    "rank_composition",
    "drivers",
]


def word(p: float) -> str:
    """Return the verdict of a p-value: outside (p <= .025), borderline (p <= .10) or within."""
    return "outside" if p <= OUTSIDE else "borderline" if p <= BORDERLINE else "within"


def components_of(
    cohort: Cohort, entropy: npt.NDArray[np.float64], *, depth: int, keys: npt.NDArray[np.uint64], seed: int
) -> tuple[Components, tuple[str, ...]]:
    """Prepare the score's components at a common depth, averaged over rarefaction draws, and name the genera.

    Parameters
    ----------
    entropy : (n_samples,)
        Shannon entropy at this depth, NaN where a sample has fewer reads.
    depth : int
    keys : (n_samples,) uint64
        Numbers made from the samples' ids.
    """
    names = np.array(cohort.genera(), dtype=object)
    genera, place = np.unique(names, return_inverse=True)
    fold = sparse.csr_matrix((np.ones(names.size, np.int64), (np.arange(names.size), place)), shape=(names.size, genera.size))
    n = len(cohort.sample_ids)
    distance, logs, presence = np.zeros((n, n)), np.zeros((n, genera.size)), np.zeros((n, genera.size))
    for draw in range(DRAWS):
        data = draws.rarefied(cohort.counts.indptr, cohort.counts.data, depth, keys, seed, draw)
        counts = (
            (sparse.csr_matrix((data, cohort.counts.indices, cohort.counts.indptr), shape=cohort.counts.shape) @ fold)
            .tocsr()
            .astype(np.float64)
        )
        counts.eliminate_zeros()
        counts.sort_indices()
        distance += pairs.braycurtis(counts)
        dense = counts.toarray()
        logs += np.log(dense + 0.5)
        presence += dense > 0
    return Components(entropy, distance / DRAWS, logs / DRAWS, presence / DRAWS), tuple(str(g) for g in genera)


def judge(
    cohort: Cohort,
    controls: Controls | None,
    entropy: npt.NDArray[np.float64],
    *,
    depth: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Judge every sample against the controls of other subjects.

    Returns
    -------
    frame : DataFrame of kind `verdicts`
        q by Benjamini & Hochberg among the samples that are no controls, and apart from them among the controls.
    findings : list of Finding
        One, `verdicts`: numbers by verdict and how many false alarms are expected.
    """
    reason = _obstacle(controls, depth)
    if controls is None or reason:
        listed = set(controls.samples) if controls else set()
        table = [_row(s, reason=reason, is_control=s in listed) for s in cohort.sample_ids]
        frame = pd.DataFrame(table, columns=COLUMNS)
        return frame, [_finding(frame, 0, depth)]
    components, genera = components_of(cohort, entropy, depth=depth, keys=keys, seed=seed)
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    chosen = np.array([place[s] for s in controls.chosen], dtype=np.int64)
    owners = np.array([controls.subjects[s] for s in controls.chosen], dtype=object)
    listed = set(controls.samples)
    table = []
    for i, sample in enumerate(cohort.sample_ids):
        if cohort.depth[i] < depth:
            why = f"{int(cohort.depth[i]):,} reads, fewer than the common depth of {depth:,}"
            table.append(_row(sample, reason=why, is_control=sample in listed))
            continue
        others = chosen[owners != controls.subjects[sample]]
        scored = conformal(components, i, others)
        leading = [[genera[j], round(z, 2)] for j, z in drivers(components, i, others)]
        table.append(
            _row(
                sample,
                is_control=sample in listed,
                verdict=word(scored.p),
                tier="in-study",
                p=scored.p,
                n_reference=scored.n_reference,
                rank_diversity=scored.diversity,
                rank_neighbours=scored.neighbours,
                rank_composition=scored.composition,
                drivers=json.dumps(leading, ensure_ascii=False),
            )
        )
    frame = pd.DataFrame(table, columns=COLUMNS)
    for part in (frame["is_control"], ~frame["is_control"]):
        frame.loc[part, "q"] = false_discovery_rates(frame.loc[part, "p"].to_numpy(dtype=np.float64))
    return frame, [_finding(frame, len(controls.chosen), depth)]


def _obstacle(controls: Controls | None, depth: int) -> str:
    """Say why no sample can be judged, or nothing."""
    if controls is None:
        return "no controls were declared (--controls), and no reference was given that carries a verdict"
    if len(controls.chosen) < SMALLEST:
        return f"{len(controls.chosen)} control subjects with {depth:,} reads; a verdict needs {SMALLEST}"
    return ""


def _row(sample: str, **known: Any) -> dict[str, Any]:
    """One row, not assessable unless more is known."""
    empty = {"verdict": "not assessable", "tier": "none", "p": np.nan, "q": np.nan, "reason": "", "n_reference": 0, "drivers": ""}
    ranks = dict.fromkeys(("rank_diversity", "rank_neighbours", "rank_composition"), np.nan)
    return {"sample_id": sample, **empty, **ranks, **known}


def _finding(frame: pd.DataFrame, n_reference: int, depth: int) -> Finding:
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
            "n_reference": n_reference,
            "depth": depth,
            "level_outside": OUTSIDE,
            "level_borderline": BORDERLINE,
            "expected_false_alarms": OUTSIDE * assessed,
            "n_controls_assessable": int((frame.loc[control, "verdict"] != "not assessable").sum()),
            "tier": "in-study" if n_reference >= SMALLEST else "none",
        },
    )
