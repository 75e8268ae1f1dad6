"""Which samples a link can use, and what is adjusted for: covariates and repeated subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError
from gutdiv.numerics.effort import orthonormal_basis, subject_means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

MIN_READS = 1_000  # shallower samples hold too few taxa for the effort of their reference taxa to be told
MIN_SUBJECTS = 20  # below, the jackknife over subjects was not validated and subject means are used
_MIN_FREEDOM = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Design:
    """Samples in use and how their slopes are judged.

    Parameters
    ----------
    rows : (n,) int
        Places of the samples in the cohort.
    basis : (units, rank) float
        Orthonormal basis of intercept and covariates, over samples or, with `means`, over subjects.
    subjects : (n,) int or None
        Subject of each sample, numbered from 0, where subjects repeat.
    means : bool
        Whether samples are averaged by subject first.
    freedom : int
        Degrees of freedom of the t distribution.
    dropped : dict of str to int
        Samples that are not used, by reason.
    notes : tuple of str
        What was left out or decided.
    """

    rows: npt.NDArray[np.int64]
    basis: Floats
    subjects: npt.NDArray[np.int64] | None
    means: bool
    freedom: int
    dropped: dict[str, int]
    notes: tuple[str, ...]

    @property
    def judged_by(self) -> str:
        """How standard errors are made: `HC3`, `jackknife over subjects` or `HC3 of subject means`."""
        if self.subjects is None:
            return "HC3"
        return "HC3 of subject means" if self.means else "jackknife over subjects"

    def units(self, values: Floats) -> Floats:
        """Bring (n, m) values of samples to the units that slopes are made of."""
        return subject_means(values, self.subjects) if self.means and self.subjects is not None else values


def choose_design(
    cohort: Cohort, *, covariates: Sequence[str] = (), subject: str | None = None, needed: Mapping[str, Floats] | None = None
) -> Design:
    """Choose samples and adjustment.

    Samples below `MIN_READS` reads, without the subject, with a missing covariate or with NaN in one of `needed` (name to one value a
    sample) are dropped and counted. Repeated subjects are judged by a jackknife over subjects, or by their means where they are fewer than
    `MIN_SUBJECTS` or where there are covariates and all of them are constant within subjects.

    Raises
    ------
    InputError
        Where a column is unknown, or covariates leave fewer than ten degrees of freedom.
    """
    kept = np.ones(len(cohort.sample_ids), dtype=bool)
    dropped: dict[str, int] = {}
    notes: list[str] = []

    def drop(wrong: npt.NDArray[np.bool_], reason: str) -> None:
        count = int((kept & wrong).sum())
        if count:
            dropped[reason] = count
        kept[wrong] = False

    drop(cohort.depth < MIN_READS, f"fewer than {MIN_READS} reads")
    for name, values in (needed or {}).items():
        drop(~np.isfinite(values), f"no value of {name}")
    for name in dict.fromkeys(covariates):
        drop(np.array([c is None for c in cohort.metadata.column(name)], dtype=bool), f"no value of covariate {name}")
    who = cohort.metadata.column(subject) if subject else None
    if who is not None:
        drop(np.array([c is None for c in who], dtype=bool), f"no value of {subject}")
    rows = np.flatnonzero(kept)
    matrix = _covariate_columns(cohort, list(dict.fromkeys(covariates)), rows, notes)
    subjects = None
    if who is not None:
        labels = [who[i] for i in rows]
        number = {label: k for k, label in enumerate(sorted({str(x) for x in labels}))}
        subjects = np.array([number[str(x)] for x in labels], dtype=np.int64)
        if len(number) == rows.size:
            subjects = None
    count = rows.size if subjects is None else int(subjects.max()) + 1
    means = subjects is not None and (count < MIN_SUBJECTS or (matrix.shape[1] > 1 and _between(matrix[:, 1:], subjects)))
    if subjects is not None and means:
        matrix = subject_means(matrix, subjects)
    basis = orthonormal_basis(matrix) if matrix.shape[0] else matrix[:, :0]
    freedom = count - 1 if subjects is not None and not means else matrix.shape[0] - basis.shape[1] - 1
    if matrix.shape[1] > 1 and matrix.shape[0] - basis.shape[1] - 1 < _MIN_FREEDOM:
        units = "subjects" if means else "samples"
        msg = (
            f"{basis.shape[1]} columns of covariates for {matrix.shape[0]} {units} leave fewer than {_MIN_FREEDOM} degrees of freedom. "
            "Name fewer covariates, or covariates with fewer levels and missing cells."
        )
        raise InputError(msg)
    return Design(rows, basis, subjects, means, freedom, dropped, tuple(notes))


def _covariate_columns(cohort: Cohort, names: Sequence[str], rows: npt.NDArray[np.int64], notes: list[str]) -> Floats:
    """Return the design matrix: intercept, numeric covariates standardised, categorical ones as indicators of all levels but the first."""
    columns = [np.ones(rows.size)]
    for name in names:
        if cohort.metadata.kinds[name] == "numeric":
            values = cohort.metadata.numeric(name)[rows]
            spread = values.std() if rows.size else 0.0
            found = [(values - values.mean()) / spread] if spread > 0 else []
        else:
            cells = cohort.metadata.column(name)
            own = [cells[i] for i in rows]
            found = [np.array([c == level for c in own], dtype=np.float64) for level in sorted({str(c) for c in own})[1:]]
        if not found:
            notes.append(f"covariate {name} has one value in these samples and adjusts for nothing")
        columns += found
    return np.column_stack(columns)


def _between(columns: Floats, subjects: npt.NDArray[np.int64]) -> bool:
    """Whether every column is constant within each subject."""
    return bool(np.allclose(columns, subject_means(columns, subjects)[subjects], atol=1e-9))
