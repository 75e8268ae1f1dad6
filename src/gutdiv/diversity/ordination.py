"""Principal coordinates of distances, and principal components of CLR, as a result that travels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gutdiv.diversity.distances import measure_beta
from gutdiv.model.results import DistanceMatrix, Ordination
from gutdiv.numerics.spectra import principal_coordinates

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort


def ordinate(distances: DistanceMatrix, *, axes: int = 10) -> Ordination:
    """Principal coordinates analysis (Gower 1966): first `axes` axes, or as many as have a positive eigenvalue."""
    points, values, proportions, negative = principal_coordinates(distances.matrix.astype(np.float64), axes)
    return Ordination(distances.ids, points, values, proportions, negative)


def clr_distances(cohort: Cohort) -> DistanceMatrix:
    """Return the Euclidean distances of CLR(counts + 1), not rarefied: their principal coordinates are the principal components of the CLR.

    The two are the same thing (Gower 1966), so that one kernel, which never forms the dense CLR, serves both.
    """
    ids, matrix, _, about = measure_beta(cohort, "aitchison", depth="none")
    return DistanceMatrix(ids, matrix, "pca_clr", about)
