"""What a verdict rests on: how much each component says, which controls are nearest, and single metrics beyond local limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.dysbiosis.score import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Controls

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

IN_STUDY = ("diversity", "neighbours", "composition")
ALIGNED = ("diversity", "composition", "index")
COMPONENTS = ("diversity", "neighbours", "composition", "index")
COLUMNS = [
    "sample_id",
    "tier",
    *(f"share_{c}" for c in COMPONENTS),
    *(f"tail_{c}" for c in ALIGNED),
    "distance",
    "nearest",
    "beyond_local",
]
LOCAL = 0.05  # tail of each local limit


def shares_of(extremes: Floats) -> Floats:
    """Return how much each component adds to the score, (m, c): -ln of its rank or tail over their sum; NaN where none adds anything."""
    logs = -np.log(extremes)
    total = logs.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, logs / total, np.nan))


def explanations(
    ids: Sequence[str],
    rows: Ints,
    tier: str,
    extremes: Floats,
    names: Sequence[str],
    *,
    tails: Floats,
    apart: Floats,
    own: Ints,
    controls: Sequence[str],
    distance: str,
    beyond: Mapping[str, str],
) -> pd.DataFrame:
    """Assemble the explanation of each judged sample.

    Parameters
    ----------
    rows : (k,) int64
        Judged samples, among `ids`.
    extremes : (k, c)
        Rank or tail of each component named in `names`, in (0, 1].
    tails : (m, 3)
        Tails of the aligned score's components, NaN where there is none.
    apart, own : (k, n), (k,)
        Distance to each control, and the number of the control of the own subject or -1.
    beyond : mapping of str to str
        By sample, JSON of the metrics beyond local limits.
    """
    shares = shares_of(extremes)
    by = {name: shares[:, k] for k, name in enumerate(names)}
    close = nearest(apart, own)
    told = [
        json.dumps([[controls[j], round(float(apart[i, j]), 4)] for j in line], ensure_ascii=False) for i, line in enumerate(close.tolist())
    ]
    content: dict[str, Any] = {"sample_id": [ids[i] for i in rows], "tier": tier}
    content |= {f"share_{c}": by.get(c, np.full(rows.size, np.nan)) for c in COMPONENTS}
    content |= {f"tail_{c}": tails[rows, k] for k, c in enumerate(ALIGNED)}
    content |= {"distance": distance, "nearest": told, "beyond_local": [beyond.get(ids[i], "") for i in rows]}
    return pd.DataFrame(content, columns=COLUMNS)


def local_limits(alpha: pd.DataFrame, controls: Controls, *, least: int) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Hold every sample's alpha diversity against limits at 5 and 95 % of the controls of other subjects (type 6): a cross-check, no verdict.

    Returns
    -------
    beyond : mapping of str to str
        By sample, JSON of `[metric, below or above]`.
    limits : mapping of str to mapping
        By metric: `n`, `low`, `high`; or `absent` with the reason, where fewer than `least` controls have a value.
    """
    found: dict[str, list[list[str]]] = {}
    limits: dict[str, dict[str, Any]] = {}
    for (metric, level), part in alpha.groupby(["metric", "level"], sort=False):
        name = str(metric) if level == "feature" else f"{metric} ({level})"
        values = dict(zip(part["sample_id"], part["value"].astype(float), strict=True))
        pool = {s: values[s] for s in controls.chosen if not np.isnan(values.get(s, np.nan))}
        if len(pool) < least:
            limits[name] = {"n": len(pool), "absent": f"{len(pool)} controls have a value; local limits need {least}"}
            continue
        own = {controls.subjects[s]: k for k, s in enumerate(pool)}
        every = np.array(list(pool.values()))
        ends = {k: _ends(np.delete(every, k) if k >= 0 else every) for k in range(-1, every.size)}
        limits[name] = {"n": every.size, "low": ends[-1][0], "high": ends[-1][1]}
        for sample, value in values.items():
            low, high = ends[own.get(controls.subjects[sample], -1)]
            if value < low or value > high:
                found.setdefault(sample, []).append([name, "below" if value < low else "above"])
    return {s: json.dumps(listed) for s, listed in found.items()}, limits


def _ends(values: Floats) -> tuple[float, float]:
    """Limits at 5 and 95 % by type-6 quantiles."""
    low, high = np.quantile(values, [LOCAL, 1 - LOCAL], method="weibull")
    return float(low), float(high)
