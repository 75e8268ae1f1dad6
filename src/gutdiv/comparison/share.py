"""R2 of all samples from a test on a part of them, with an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.shares import jackknife_bias, jackknife_error, shares_of_all
from gutdiv.numerics.subsets import drawn_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.comparison.terms import Model
    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
GROUPS = 20  # of units, left out one after the other
_T975 = 2.093  # quantile .975 of Student's t with GROUPS - 1 degrees of freedom
_STREAM = 3
_NONE = "R2 of all samples has no interval"


def r2_of_all(
    gower: Floats, model: Model, rows: SampleMetadata, subsample: Mapping[str, Any], *, subject: str | None, seed: int
) -> tuple[Floats, str | None]:
    """Estimate R2 of each tested term in all samples that a subsample stands for, and its 95 % interval.

    The estimate is made anew without each of twenty groups of units (subjects, or samples), which hold every group of samples in its proportion as the
    subsample does; from how the twenty differ follow its bias, which is taken off, and its error (delete-a-group jackknife), less the share of
    all samples that is known.

    Parameters
    ----------
    gower : (m, m)
        Gower-centred matrix of the samples used.
    model : Model
    rows : SampleMetadata
        Of the samples used, in the order of the matrix.
    subsample : mapping
        `samples`, `of` and `group`, as `diversity.subsample` says of the distances.

    Returns
    -------
    shares : (n_terms, 3)
        R2 of all, and the ends of the interval in [0, 1]; the ends are NaN where there is none.
    reason : str or None
        Why there is none.
    """
    m = len(rows.ids)
    fraction = float(subsample["samples"]) / float(subsample["of"])
    n = max(m, round(m / fraction))
    every = np.arange(m)
    shares = np.full((len(model.labels()), 3), np.nan)
    shares[:, 0] = shares_of_all(gower, every, model.project(), n)
    unit = _units(rows, subject)
    count = int(unit.max()) + 1
    if count < 2 * GROUPS:
        return np.clip(shares, 0.0, 1.0), f"{_NONE}: it is made from {GROUPS} groups of two units or more, and there are {count} units"
    column = subsample.get("group")
    strata = np.zeros(m, np.intp) if column is None or column not in rows.columns else _numbered([str(v) for v in rows.column(column)])
    first = np.unique(unit, return_index=True)[1]
    part = np.empty(count, np.intp)
    part[drawn_order(strata[first], seed, _STREAM)] = np.arange(count) % GROUPS
    without = np.empty((GROUPS, shares.shape[0]))
    df = model.project().df
    for g in range(GROUPS):
        kept = np.flatnonzero(part[unit] != g)
        designs = {-1: model.design.matrix[kept], **{k: r.matrix[kept] for k, r in enumerate(model.reduced) if r is not None}}
        projection = model.project(designs)
        if not np.array_equal(projection.df, df):
            return np.clip(shares, 0.0, 1.0), f"{_NONE}: a group of samples is so small that one {GROUPS}th of the units may hold all of it"
        without[g] = shares_of_all(gower, kept, projection, n)
    shares[:, 0] -= jackknife_bias(shares[:, 0], without, fraction=fraction)  # samples of one subject count for less than as many subjects
    reach = _T975 * jackknife_error(without, fraction=fraction)
    shares[:, 1], shares[:, 2] = shares[:, 0] - reach, shares[:, 0] + reach
    return np.clip(shares, 0.0, 1.0), None


def subsample_note(subsample: Mapping[str, Any]) -> str:
    """Say on how many samples a test rests, and what a matrix of all of them would cost: 8 bytes a distance on disk, and both halves in memory."""
    n = int(subsample["of"])
    return (
        f"This rests on {subsample['samples']:,} of {n:,} samples, drawn by seed ({subsample['rule']}). A matrix of all would hold "
        f"{n * (n - 1) // 2:,} distances, {_size(n * (n - 1) * 4)} on disk for each metric and twice that in memory. "
        "p-values are those of a study of the size of this part."
    )


def _size(count: int) -> str:
    """Write bytes in the unit that leaves a number of two or three digits."""
    return next(f"{count / unit:,.3g} {word}" for unit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes")) if count >= unit or unit == 1)


def _units(rows: SampleMetadata, subject: str | None) -> npt.NDArray[np.intp]:
    """Number samples by their subject."""
    return _numbered(list(rows.ids) if subject is None else [str(s) for s in rows.column(subject)])


def _numbered(names: list[str]) -> npt.NDArray[np.intp]:
    """Number equal names alike, from 0."""
    return np.unique(np.array(names, dtype=object), return_inverse=True)[1].astype(np.intp)
