"""False alarms and power of the in-study verdict by random splits: part of a study's healthy are the controls, some replaced by its ill, the rest judged."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from validation_aligned import FEWEST_ILL, LEVELS, SHARES_ILL, SPARE, STREAM, Rate
from validation_studies import APART, OUTSIDE, REFERENCE, SEED, Known, cohort_of

from gutdiv.cli.reference_portable import DEPTH
from gutdiv.diversity.measure import measure_alpha
from gutdiv.diversity.rarefaction import sample_keys
from gutdiv.dysbiosis.score import Components, conformal
from gutdiv.dysbiosis.verdict import SMALLEST, components_of
from gutdiv.io.cohorts import read_cohort
from gutdiv.reference.controls import choose_controls

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from gutdiv.model.cohort import Cohort

MOST = 100  # controls of a split
STUDIES = tuple(s for s in (*REFERENCE, *OUTSIDE, *APART) if s.name not in ("ob_turnbaugh", "ob_escobar", "ob_ross", "ob_wu_combo", "ibd_papa"))


def controls_of(healthy: int) -> int:
    """Controls of a split: half of the healthy, at least 60, at most 100; none where fewer than 20 are left to be judged."""
    n = min(max(healthy // 2, SMALLEST), MOST)
    return n if healthy >= n + SPARE else 0


def in_study(study: Known, data: Path, work: Path, *, draws: int, tested: int) -> list[Rate]:
    """Split a study at random, and judge those who are no controls; nothing where it has too few healthy."""
    cohort = read_cohort(cohort_of(study, data, work))
    healthy, owners = _chosen(cohort, study.healthy)
    ill, _ = _chosen(cohort, study.ill)
    n = controls_of(healthy.size)
    if not n:
        return []
    components = _components(cohort, study.name, work)
    out = []
    mixed = study.contaminates and ill.size >= round(max(SHARES_ILL) * n) + FEWEST_ILL
    held_back = round(max(SHARES_ILL) * n) if mixed else 0
    for share in SHARES_ILL if mixed else (0.0,):
        replaced = round(share * n)
        alarms, found = [], []
        seen: set[int] = set()
        for draw in range(draws):
            rng = np.random.Generator(np.random.Philox(key=[STREAM, zlib.crc32(study.name.encode())], counter=[1, 0, n, draw]))
            well, sick = rng.permutation(healthy), rng.permutation(ill)
            reference = np.concatenate([well[: n - replaced], sick[:replaced]])
            judged, others = well[n : n + tested], sick[held_back : held_back + tested]
            others = others[~np.isin(owners[others], owners[well[:n]])]
            seen |= set(judged.tolist())
            alarms.append(_shares(components, judged, reference))
            if others.size >= FEWEST_ILL:
                found.append(_shares(components, others, reference))
        power = tuple(np.mean(found, axis=0).tolist()) if found else (float("nan"),) * len(LEVELS)
        out.append(Rate(study.name, n, share, draws, len(seen), tuple(np.mean(alarms, axis=0).tolist()), ill.size if found else 0, power))
    return out


def _shares(components: Components, judged: npt.NDArray[np.int64], reference: npt.NDArray[np.int64]) -> list[float]:
    """Shares at or below the levels."""
    p = np.array([conformal(components, int(i), reference).p for i in judged])
    return [float(np.mean(p <= a)) for a in LEVELS]


def _chosen(cohort: Cohort, declared: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of those whom an expression selects, one a subject, and every sample's subject as a number."""
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    controls = choose_controls(cohort, declared or 'group != ""', depth=DEPTH)
    number = {s: i for i, s in enumerate(dict.fromkeys(controls.subjects.values()))}
    owners = np.array([number[controls.subjects[s]] for s in cohort.sample_ids], dtype=np.int64)
    return np.array([place[s] for s in controls.chosen] if declared else [], dtype=np.int64), owners


def _components(cohort: Cohort, name: str, work: Path) -> Components:
    """Components of all samples at the depth of the other tiers, or those that were made before."""
    kept = work / f"{name}.components.npz"
    if not kept.exists():
        frame, _ = measure_alpha(cohort, ["shannon"], depth=DEPTH, seed=SEED)
        at = frame[(frame["metric"] == "shannon") & (frame["level"] == "feature")].set_index("sample_id")["value"]
        entropy = at.reindex(list(cohort.sample_ids)).to_numpy(dtype=np.float64)
        made, _ = components_of(cohort, entropy, depth=DEPTH, keys=sample_keys(cohort.sample_ids), seed=SEED)
        np.savez(kept, entropy=made.entropy, distance=made.distance, logs=made.logs, presence=made.presence)
    with np.load(kept) as found:
        return Components(found["entropy"], found["distance"], found["logs"], found["presence"])
