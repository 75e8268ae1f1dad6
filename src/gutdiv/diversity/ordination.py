"""Principal coordinates of a distance matrix, as a result that travels."""

from __future__ import annotations

import numpy as np

from gutdiv.model.results import DistanceMatrix, Ordination
from gutdiv.numerics.spectra import principal_coordinates


def ordinate(distances: DistanceMatrix, *, axes: int = 10) -> Ordination:
    """Principal coordinates analysis (Gower 1966): first `axes` axes, or as many as have a positive eigenvalue."""
    points, values, proportions, negative = principal_coordinates(distances.matrix.astype(np.float64), axes)
    return Ordination(distances.ids, points, values, proportions, negative)
