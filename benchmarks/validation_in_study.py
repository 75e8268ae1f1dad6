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
from gutdiv.dysbiosis.score import judge_samples, measure_study, rows_of
from gutdiv.dysbiosis.tiers import IN_STUDY
from gutdiv.dysbiosis.verdict import DRAWS
from gutdiv.io.cohorts import read_cohort
from gutdiv.reference.controls import choose_controls

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from gutdiv.model.cohort import Cohort
    from gutdiv.numerics.observed import Rows

    Ints = npt.NDArray[np.int64]

MOST = 200  # controls of a split
STUDIES = tuple(s for s in (*REFERENCE, *OUTSIDE, *APART) if s.name not in ("ob_turnbaugh", "ob_escobar", "ob_ross", "ob_wu_combo", "ibd_papa"))


def controls_of(healthy: int) -> int:
    """Controls of a split: half of the healthy, at least 60, at most 200; none where fewer than 20 are left to be judged."""
    n = min(max(healthy // 2, IN_STUDY), MOST)
    return n if healthy >= n + SPARE else 0


def in_study(study: Known, data: Path, work: Path, *, draws: int, tested: int) -> list[Rate]:
    """Split a study at random, and judge those who are no controls; nothing where it has too few healthy."""
    cohort = read_cohort(cohort_of(study, data, work))
    healthy, owners = _chosen(cohort, study.healthy)
    ill, _ = _chosen(cohort, study.ill)
    n = controls_of(healthy.size)
    if not n:
        return []
    table = rows_of(cohort, sample_keys(cohort.sample_ids))
    frame, _ = measure_alpha(cohort, ["shannon"], depth=DEPTH, seed=SEED)
    shannon = frame[(frame["metric"] == "shannon") & (frame["level"] == "feature")].set_index("sample_id")["value"]
    entropy = shannon.reindex(list(cohort.sample_ids)).to_numpy(dtype=np.float64)
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
            p = _judge(table, entropy, np.concatenate([judged, others]), reference)
            alarms.append([np.mean(p[: judged.size] <= a) for a in LEVELS])
            if others.size >= FEWEST_ILL:
                found.append([np.mean(p[judged.size :] <= a) for a in LEVELS])
        power = tuple(np.mean(found, axis=0).tolist()) if found else (float("nan"),) * len(LEVELS)
        out.append(Rate(study.name, n, share, draws, len(seen), tuple(np.mean(alarms, axis=0).tolist()), ill.size if found else 0, power))
    return out


def _judge(table: tuple[Rows, tuple[str, ...]], entropy: npt.NDArray[np.float64], judged: Ints, reference: Ints) -> npt.NDArray[np.float64]:
    """Return p of samples against the controls, none of whom is of their subjects."""
    both = np.concatenate([judged, reference])
    found = measure_study(*table, both, reference, depth=DEPTH, seed=SEED, draws=range(DRAWS), entropy=entropy[both])
    return judge_samples(found, np.full(both.size, -1), rows=np.arange(judged.size))[:, 0]


def _chosen(cohort: Cohort, declared: str) -> tuple[Ints, Ints]:
    """Rows of those whom an expression selects, one a subject, and every sample's subject as a number."""
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    controls = choose_controls(cohort, declared or 'group != ""', depth=DEPTH)
    number = {s: i for i, s in enumerate(dict.fromkeys(controls.subjects.values()))}
    owners = np.array([number[controls.subjects[s]] for s in cohort.sample_ids], dtype=np.int64)
    return np.array([place[s] for s in controls.chosen] if declared else [], dtype=np.int64), owners
