"""What the residuals of a model say of its assumptions, in closed words beside the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from gutdiv.numerics.projection import independent_basis

Floats = npt.NDArray[np.float64]
NORMALITY = ("near normal", "not normal", "far from normal")
SPREAD = ("even", "uneven")
INFLUENCE = ("none", "influential")
_NEAR, _FAR = (1.0, 2.0), (2.0, 7.0)  # |skewness| and |excess kurtosis|; the second: Curran, West & Finch 1996, Psychol. Methods 1:16
_SHAPIRO = 5000  # values up to which Royston's approximation holds
LEVEL = 0.05


@dataclass(frozen=True)
class Checks:
    """Numbers and words: `normality` of residuals, whether their `spread` follows the design, `influence` of one sample or subject.

    `most` is the sample or subject with the largest Cook's distance.
    """

    skewness: float
    kurtosis: float
    shapiro_p: float
    breusch_pagan_p: float
    cook: float
    most: str

    @property
    def normality(self) -> str:
        """`near normal`, `not normal`, or `far from normal` by size, not by p: with many samples any p is small."""
        sizes = (abs(self.skewness), abs(self.kurtosis))
        return NORMALITY[sum(any(s > limit for s, limit in zip(sizes, limits, strict=True)) for limits in (_NEAR, _FAR))]

    @property
    def spread(self) -> str:
        """`uneven` where the test of Breusch & Pagan, as Koenker studentised it, has p below .05."""
        return SPREAD[self.breusch_pagan_p < LEVEL]

    @property
    def influence(self) -> str:
        """`influential` where one sample or subject moves the coefficients by a Cook's distance above 1 (Cook & Weisberg 1982)."""
        return INFLUENCE[self.cook > 1]


def check_residuals(residuals: Floats, design: Floats, cook: Floats, names: list[str]) -> Checks:
    """Check residuals (n,) of a design (n, p) with intercept; `cook` holds Cook's distance of each name (samples or subjects)."""
    varies = float(np.ptp(residuals)) > 1e-12 * max(float(np.max(np.abs(residuals))), 1e-300)
    squares = residuals**2 - np.mean(residuals**2)
    basis = independent_basis(design)[0]
    total = float(squares @ squares)
    share = float(np.sum((basis.T @ squares) ** 2)) / total if total > 0 else 0.0
    place = int(np.argmax(cook))
    return Checks(
        skewness=float(stats.skew(residuals)) if varies else 0.0,
        kurtosis=float(stats.kurtosis(residuals)) if varies else 0.0,
        shapiro_p=float(stats.shapiro(residuals).pvalue) if varies and 3 <= residuals.size <= _SHAPIRO else math.nan,
        breusch_pagan_p=float(stats.chi2.sf(residuals.size * share, basis.shape[1])),
        cook=float(cook[place]),
        most=names[place],
    )
