"""Do groups differ in spread: distances to the group's centre, compared by permuting residuals on the right unit; stands beside PERMANOVA."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from gutdiv.comparison.distances import strength_of
from gutdiv.comparison.scheme import check_permute
from gutdiv.comparison.selection import gower_of, places_of
from gutdiv.comparison.units import MIN_UNITS, Design, design_units, level_means
from gutdiv.errors import InputError, count_noun
from gutdiv.model.results import TABLES, DistanceMatrix, Finding, Table
from gutdiv.numerics.dispersion import adjust_bias, centroid_distances, median_distances, one_way_f
from gutdiv.numerics.permutation import permutation_p, permute_rows
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
CENTRES = ("auto", "median", "centroid")
_MOST_FOR_MEDIAN = 3000  # samples: axes cost n^3, six seconds here, and four times the memory of the distances
_BATCH = 256


@dataclass(frozen=True, eq=False)
class _Row:
    """One test before its q is known."""

    groups: tuple[str, ...]
    unit: str
    n: tuple[int, int | None]
    f: float
    df: float
    p: float
    effect: float
    means: tuple[float, float]
    n_samples: int
    n_dropped: int
    sizes: str


@on_one_blas_thread
def compare_dispersion(
    distances: DistanceMatrix,
    metadata: SampleMetadata,
    *,
    variable: str,
    subject: str | None = None,
    centre: str = "auto",
    bias_adjust: bool = False,
    square_root: bool = False,
    permutations: int = 999,
    seed: int = 0,
) -> Table:
    """Compare the distances of samples to the centre of their group (Anderson 2006), over all groups and for each pair.

    F is that of a one-way analysis of variance; p permutes its residuals. With repeated subjects the distances of a subject's samples
    are averaged first, and where most subjects hold all groups residuals are permuted within subjects (`gutdiv.comparison.units`).
    Equal to `vegan::betadisper`, whose t of a pair is the root of F here; its `permutest` draws the pairs' p from all groups' distances.
    `centre` is the spatial `median`, or the `centroid`, for which no axes are needed; `auto` takes the median up to 3,000 samples.
    `bias_adjust` corrects for small groups; `square_root` takes the roots of the distances, which makes most metrics Euclidean.

    Returns
    -------
    Table
        Kind `group_test`: effect eta squared over all groups, difference of the mean distances for a pair `a - b`. Groups with fewer
        than three units stand in the record, `absent`. The record's `distances` holds each sample's distance to its centre.

    Raises
    ------
    InputError
        Where a column or an option is unknown, or the distances are not defined.
    """
    check_permute("auto", subject, permutations, seed)
    if centre not in CENTRES:
        msg = f"centre {centre!r} is unknown; {', '.join(CENTRES)} are known."
        raise InputError(msg)
    design = design_units(sorted(set(distances.ids)), metadata, variable, subject=subject, numeric=False)
    samples = tuple(sorted(design.labels))
    if centre == "auto":
        centre = "median" if len(samples) <= _MOST_FOR_MEDIAN else "centroid"
    absent: dict[str, str] = {}
    values: dict[str, float] = {}
    rows: list[_Row] = []
    if len(design.levels) < 2:
        absent[variable] = f"{count_noun(design.levels, 'group')} with samples; two or more are needed"
    else:
        codes = np.array([design.levels.index(design.labels[s]) for s in samples])
        if centre == "median":
            spread = median_distances(gower_of(distances, samples, square_root=square_root), codes)
        else:
            spread = centroid_distances(distances.matrix, codes, places_of(distances, samples), square_root=square_root)
        if bias_adjust:
            spread = adjust_bias(spread, codes)
        values = dict(zip(samples, spread.tolist(), strict=True))
        rows = _rows(values, design, absent, permutations=permutations, seed=seed)
    frame = _frame(rows, distances.metric, design, centre, permutations, n_unused=len(distances.below_depth) + len(distances.ids) - len(samples))
    record = {
        "metric": distances.metric,
        "variable": variable,
        "subject": subject,
        "centre": centre,
        "bias_adjust": bias_adjust,
        "square_root": square_root,
        "dropped": dict(design.dropped) | ({"fewer reads than the depth of the distances": len(distances.below_depth)} if distances.below_depth else {}),
        "absent": absent,
        "findings": _findings(frame, rows),
        "distances": values,
    }
    return Table("group_test", frame, record)


def _rows(values: Mapping[str, float], design: Design, absent: dict[str, str], *, permutations: int, seed: int) -> list[_Row]:
    """Test all groups, then each pair."""
    means = level_means(values, design)
    for group in design.levels:
        if len(means[group]) < MIN_UNITS:
            absent[group] = f"{count_noun(len(means[group]), 'unit')}; at least {MIN_UNITS} are needed"
    tested = [g for g in design.levels if len(means[g]) >= MIN_UNITS]
    contrasts = [tuple(tested)] if len(tested) > 2 else []
    rows = []
    for groups in contrasts + list(itertools.combinations(tested, 2)):
        name = " - ".join(groups) if len(groups) == 2 else "overall"
        how = design.compare(groups)
        if how is None:
            absent[name] = "most subjects hold several of the groups, but not all of them"
            continue
        counted = [{o: v for o, v in means[g].items() if o in how.owners} for g in groups]
        if min(len(c) for c in counted) < MIN_UNITS:
            absent[name] = f"fewer than {MIN_UNITS} units in a group"
            continue
        owners = [o for c in counted for o in sorted(c)]
        y = np.array([c[o] for c in counted for o in sorted(c)])
        codes = np.repeat(np.arange(len(groups)), [len(c) for c in counted])
        blocks = np.unique(owners, return_inverse=True)[1].astype(np.intp) if how.paired else np.zeros(y.size, dtype=np.intp)
        f, df, p, eta = _test(y, codes.astype(np.intp), blocks, permutations=permutations, seed=seed)
        centres = [float(np.mean(y[codes == k])) for k in range(len(groups))]
        pair = len(groups) == 2
        used = sum(design.labels[s] in groups and design.owners[s] in how.owners for s in values)
        concerned = sum(design.labels[s] in groups for s in values)
        n = (len(counted[0]), len(counted[1])) if pair else (len(set(owners)), None)
        effect = centres[0] - centres[1] if pair else eta
        sizes = "; ".join(f"{g} {len(c)}" for g, c in zip(groups, counted, strict=True))
        ends = (centres[0], centres[1]) if pair else (math.nan, math.nan)
        rows.append(_Row(groups, how.unit, n, f, df, p, effect, ends, used, concerned - used, sizes))
    return rows


def _test(y: Floats, codes: npt.NDArray[np.intp], blocks: npt.NDArray[np.intp], *, permutations: int, seed: int) -> tuple[float, float, float, float]:
    """Return F, residual degrees of freedom, p and eta squared; residuals move within blocks, whose means are taken out first."""
    lost = int(blocks.max())
    y = y - (np.bincount(blocks, y) / np.bincount(blocks))[blocks] if lost else y - y.mean()
    fitted = (np.bincount(codes, y) / np.bincount(codes))[codes]
    residuals = y - fitted
    f = one_way_f(y[None], codes, df_lost=lost)
    permuted = np.empty((permutations, 1))
    for start in range(0, permutations, _BATCH):
        numbers = range(start, min(start + _BATCH, permutations))
        moved = np.stack([residuals[permute_rows(seed, k, blocks=blocks)] for k in numbers])
        permuted[start : start + len(numbers), 0] = one_way_f(moved, codes, df_lost=lost)
    total = float(np.sum(y**2))
    eta = float(np.sum(fitted**2)) / total if total > 0 else 0.0
    return float(f[0]), float(y.size - int(codes.max()) - 1 - lost), float(permutation_p(f, permuted)[0]), eta


def _frame(rows: list[_Row], metric: str, design: Design, centre: str, permutations: int, *, n_unused: int) -> pd.DataFrame:
    """Lay out the table; q over the pairs, the overall test being a family of its own."""
    q = np.full(len(rows), np.nan)
    families = [f"the overall test of spread by {design.variable}, {metric}"] * len(rows)
    pairs = [k for k, r in enumerate(rows) if len(r.groups) == 2]
    for places in (pairs, [k for k in range(len(rows)) if k not in pairs]):
        if places:
            q[places] = false_discovery_control([rows[k].p for k in places], method="bh")
    for k in pairs:
        families[k] = f"{count_noun(pairs, 'test')} of spread between pairs of groups by {design.variable}, {metric}"
    content: dict[str, Any] = {
        "metric": [metric] * len(rows),
        "variable": [design.variable] * len(rows),
        "test": [f"dispersion around the {'spatial median' if centre == 'median' else centre}"] * len(rows),
        "unit": [r.unit for r in rows],
        "contrast": [" - ".join(r.groups) if len(r.groups) == 2 else ", ".join(r.groups) for r in rows],
        "n_1": pd.array([r.n[0] for r in rows], dtype="Int64"),
        "n_2": pd.array([pd.NA if r.n[1] is None else r.n[1] for r in rows], dtype="Int64"),
        "statistic": [r.f for r in rows],
        "df": [r.df for r in rows],
        "p": [r.p for r in rows],
        "permutations": pd.array([permutations] * len(rows), dtype="Int64"),
        "q": q,
        "family": families,
        "effect": [r.effect for r in rows],
        "effect_name": ["difference of mean distances to the centre" if len(r.groups) == 2 else "eta squared" for r in rows],
        "ci_low": [math.nan] * len(rows),
        "ci_high": [math.nan] * len(rows),
        "n_dropped": pd.array([r.n_dropped + n_unused for r in rows], dtype="Int64"),
        "mean_1": [r.means[0] for r in rows],
        "mean_2": [r.means[1] for r in rows],
        "n_samples": pd.array([r.n_samples for r in rows], dtype="Int64"),
        "strength": [strength_of(v) for v in q],
        "group_sizes": [r.sizes for r in rows],
    }
    return pd.DataFrame(content)[[*TABLES["group_test"], "mean_1", "mean_2", "n_samples", "strength", "group_sizes"]]


def _findings(frame: pd.DataFrame, rows: list[_Row]) -> list[dict[str, Any]]:
    """One finding: `dispersion` of the overall test, or of the only pair."""
    if not rows or (len(rows) > 1 and len(rows[0].groups) == 2):
        return []
    first = frame.iloc[0]
    direction = "present" if len(rows[0].groups) > 2 else "higher" if first["effect"] > 0 else "lower"
    values = {k: first[k] for k in ("p", "q", "contrast", "variable", "unit")} | {"permutations": int(first["permutations"])}
    if len(rows[0].groups) == 2:
        values |= {"group_1": rows[0].groups[0], "group_2": rows[0].groups[1]}
    finding = Finding("dispersion", str(first["metric"]), direction, float(first["effect"]), str(first["effect_name"]), first["strength"], 0, values)
    return [asdict(finding)]
