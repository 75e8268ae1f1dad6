"""Directions in an ordination along which variables rise: vectors fitted by least squares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def fitted_vectors(axes: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Fit each variable as a plane over the axes, as vegan's `envfit`.

    Parameters
    ----------
    axes : (n, k)
        Coordinates of the samples.
    values : (n, t)
        Variables.

    Returns
    -------
    heads : (t, k)
        Direction in which the variable rises fastest, of length sqrt(r2); NaN where the variable does not vary.
    r2 : (t,)
        Share of the variable's sum of squares that the axes explain, in [0, 1].
    """
    centred = axes - axes.mean(axis=0)
    deviations = values - values.mean(axis=0)
    basis, upper = np.linalg.qr(centred)
    inside = basis.T @ deviations
    total = (deviations**2).sum(axis=0)
    varies = total > (1e-12**2) * (values**2).sum(axis=0)
    slopes = np.linalg.solve(upper, inside).T
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(varies, np.minimum((inside**2).sum(axis=0) / total, 1.0), np.nan)
        heads = slopes / np.linalg.norm(slopes, axis=1)[:, None] * np.sqrt(r2)[:, None]
    return np.where(varies[:, None], heads, np.nan), r2
