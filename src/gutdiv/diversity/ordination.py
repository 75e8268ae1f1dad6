"""Ordinations of samples as a result that travels: principal coordinates of distances, principal components of CLR."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError, first_ids
from gutdiv.model.results import DistanceMatrix, Ordination
from gutdiv.numerics.spectra import fixed_signs, principal_coordinates

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort

TIED = 1e-9  # difference of two eigenvalues, as a share of the first, below which they are one


def ordinate(distances: DistanceMatrix, *, axes: int = 10, all_eigenvalues: bool = False) -> Ordination:
    """Principal coordinates analysis (Gower 1966): first `axes` axes, or as many as have a positive eigenvalue.

    Samples come in the order of their ids, whatever the order in the matrix, so that the signs of axes do not depend on it.

    Raises
    ------
    InputError
        Where a distance is not a finite number.
    """
    ids, matrix = distances.ids, distances.matrix
    if not np.isfinite(matrix.sum(dtype=np.float64)):
        bad = [ids[i] for i in np.flatnonzero(~np.isfinite(matrix.sum(axis=1, dtype=np.float64)))]
        msg = f"distances of {len(bad)} samples are not finite numbers: {first_ids(bad)}. Drop these samples, then measure the distances anew."
        raise InputError(msg)
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if order != list(range(len(ids))):
        ids, matrix = tuple(ids[i] for i in order), matrix[np.ix_(order, order)]
    found = principal_coordinates(matrix, axes + 1, all_eigenvalues=all_eigenvalues)  # one more tells whether the last is tied
    estimated = found.proportion_error > TIED  # not where the distances left nothing to estimate, as in Euclidean ones
    return Ordination(
        ids,
        found.axes[:, :axes],
        found.eigenvalues[:axes],
        found.proportion_explained[:axes],
        found.negative_share,
        found.proportion_error if estimated else 0.0,
        found.negative_share_error if estimated else 0.0,
        _notes(found.eigenvalues, found.proportion_error if estimated else 0.0),
    )


def _notes(eigenvalues: np.ndarray[tuple[int], np.dtype[np.float64]], error: float) -> tuple[str, ...]:
    """Say what a reader of the axes must know: which are tied, and what was estimated."""
    if eigenvalues.size == 0:
        return ("All samples have distance 0 from each other, so that there is no axis.",)
    notes = [
        f"Axes {k + 1} and {k + 2} have the same eigenvalue: together they span one plane, in which any rotation is as good."
        for k, (one, next_one) in enumerate(pairwise(eigenvalues.tolist()))
        if one - next_one <= TIED * eigenvalues[0]
    ]
    if error:
        notes.append(
            "The sum of all positive eigenvalues, to which the proportions relate, and the negative share were estimated "
            f"(stochastic Lanczos quadrature; 95 % interval of each proportion: times 1 +- {error:.1g}). "
            "Axes and eigenvalues are exact. `--eigenvalues all` computes every eigenvalue."
        )
    return tuple(notes)


def clr_distances(cohort: Cohort, *, depth: str | int = "none") -> DistanceMatrix:
    """Return the Euclidean distances of CLR(counts + 1), not rarefied: their principal coordinates are the principal components of the CLR.

    Samples with fewer reads than the depth are left out, as from all distances.

    The two are the same thing (Gower 1966), so that one kernel, which never forms the dense CLR, serves both.
    """
    from gutdiv.diversity.distances import measure_beta  # here: what is ordinated from a file needs no metric

    ids, matrix, _, about = measure_beta(cohort, "aitchison", depth=depth)
    return DistanceMatrix(ids, matrix, "pca_clr", about)


def robust_pca(cohort: Cohort, *, axes: int = 3, depth: str | int = "none") -> Ordination:
    """Robust principal components analysis (Martino et al. 2019): of the robust CLR, completed by a matrix of rank 3 and centred; not rarefied.

    Samples with fewer reads than the depth are left out, as from all distances.

    At most three axes. They are the principal coordinates of the metric `robust_aitchison`; gemelli writes them divided by their singular value.

    Raises
    ------
    InputError
        Where the samples share too little for a completion.
    """
    from gutdiv.diversity.rarefaction import resolve_depth
    from gutdiv.diversity.robust import RANK, Incomparable, robust_components

    kept = np.flatnonzero(cohort.depth >= (resolve_depth(cohort, depth) or 0))
    ids = tuple(cohort.sample_ids[i] for i in kept)
    try:
        points = robust_components(cohort.counts[kept].astype(np.float64))
    except Incomparable as found:
        raise found.named(ids) from None
    values = (points**2).sum(axis=0)
    note = f"Proportions relate to the {RANK} axes of the completed matrix, not to all that varies between samples."
    k = min(axes, RANK)
    signs = fixed_signs(points[:, :k])
    return Ordination(ids, points[:, :k] * signs, values[:k], values[:k] / values.sum(), 0.0, notes=(note,))
