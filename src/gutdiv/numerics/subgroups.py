"""Whether subgroups of a reference population need intervals of their own (Harris & Boyd 1990; Lahti et al. 2002)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.tails import tail_bounds

Floats = npt.NDArray[np.float64]

RATIO = 1.5  # standard deviations that differ by more call for intervals of their own
TOO_MANY, TOO_FEW = 0.041, 0.009  # share beyond a common limit from which on, or up to which, Lahti partitions
FEW_ENOUGH, MANY_ENOUGH = 0.032, 0.018  # between these in every subgroup he does not


@dataclass(frozen=True)
class HarrisBoyd:
    """Harris & Boyd's comparison: z of the means, its critical value z* = 3 sqrt((n1 + n2) / 240), and the ratio of SDs (>= 1)."""

    z: float
    critical: float
    ratio: float

    @property
    def partition(self) -> bool:
        """Whether z or the ratio calls for intervals of their own."""
        return self.z > self.critical or self.ratio > RATIO


def harris_boyd(a: Floats, b: Floats) -> HarrisBoyd:
    """Compare two subgroups of at least two values each; z is infinite where neither varies and the means differ."""
    n, m = a.size, b.size
    s, t = float(np.std(a, ddof=1)), float(np.std(b, ddof=1))
    error = math.sqrt(s * s / n + t * t / m)
    apart = abs(float(np.mean(a)) - float(np.mean(b)))
    z = apart / error if error else math.inf if apart else 0.0
    small, large = sorted((s, t))
    return HarrisBoyd(z, 3 * math.sqrt((n + m) / 240), large / small if small else math.inf if large else 1.0)


def shares_beyond(values: Floats, lower: float, upper: float) -> tuple[Floats, Floats, Floats]:
    """Share of a subgroup below and above common limits, each with its exact 90 % interval; three arrays (below, above)."""
    counts = np.array([np.sum(values < lower), np.sum(values > upper)])
    low, high = tail_bounds(counts, np.full(2, values.size))
    return counts / values.size, low, high


def lahti(shares: Floats) -> str:
    """Decide by the shares of all subgroups beyond both common limits.

    Returns
    -------
    str
        `partition` where a share is at least 4.1 % or at most 0.9 %, `common` where all lie from 1.8 to 3.2 %, else `judgement`.
    """
    s = np.asarray(shares, dtype=np.float64)
    if np.any((s >= TOO_MANY) | (s <= TOO_FEW)):
        return "partition"
    return "common" if np.all((s >= MANY_ENOUGH) & (s <= FEW_ENOUGH)) else "judgement"
