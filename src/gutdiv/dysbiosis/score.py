"""The verdict's score: full conformal p-values of three components against the controls (methods of Vovk et al. 2005)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PREVALENCE = 0.2  # genera seen in at least this share of the bag enter the composition component
NEIGHBOURS = 0.05  # share of the bag that counts as neighbours, at least 3


@dataclass(frozen=True, eq=False)
class Components:
    """What the score is made of, for all samples, in one order.

    Parameters
    ----------
    entropy : (n,)
        Shannon entropy in nats at a common depth.
    distance : (n, n)
        Bray-Curtis dissimilarity of genera at that depth.
    logs : (n, g)
        ln(reads + 1/2) of genera at that depth.
    presence : (n, g)
        Share of the draws in which a genus was seen, in [0, 1].
    """

    entropy: Floats
    distance: Floats
    logs: Floats
    presence: Floats


@dataclass(frozen=True)
class Scored:
    """A sample's conformal p-value and its rank in each component, all in (0, 1]; small is extreme."""

    p: float
    diversity: float
    neighbours: float
    composition: float
    n_reference: int


def conformal(components: Components, sample: int, reference: npt.NDArray[np.int64]) -> Scored:
    """Judge one sample against reference samples of other subjects.

    The bag is the reference and the sample; everything is symmetric in it, so that P(p <= a) <= a for every a where the sample is exchangeable
    with the reference. Components, the first with low, the others with high values extreme: Shannon entropy; mean Bray-Curtis dissimilarity to the k
    nearest others, k = max(3, ceil(.05 (n + 1))); Mahalanobis distance of the CLR of genera seen in at least 20 % of the bag, with Ledoit & Wolf's (2004)
    covariance. The bag is ordered by Fisher's product of the three ranks.

    Parameters
    ----------
    components : Components
    sample : int
        Row of the sample; must not be in `reference`.
    reference : (n,) int
        Rows of the reference samples, one a subject.
    """
    bag = np.append(reference, sample)
    size = bag.size
    low = _as_extreme(-components.entropy[bag])
    far = _as_extreme(_neighbour_distance(components.distance[np.ix_(bag, bag)], max(3, math.ceil(NEIGHBOURS * size))))
    odd = _as_extreme(_mahalanobis(components.logs[bag], components.presence[bag]))
    product = low * far * odd  # whole numbers up to size^3: exact, unlike a sum of logarithms
    p = float(np.sum(product <= product[-1]) / size)
    return Scored(p, low[-1] / size, far[-1] / size, odd[-1] / size, size - 1)


def _as_extreme(values: Floats) -> npt.NDArray[np.int64]:
    """Count, for each member of the bag, the members at least as extreme (itself included): small is extreme."""
    ordered = np.sort(values)
    return (values.size - np.searchsorted(ordered, values, side="left")).astype(np.int64)


def _neighbour_distance(distance: Floats, k: int) -> Floats:
    """Mean distance of each member to its k nearest others."""
    others = distance.copy()
    np.fill_diagonal(others, np.inf)
    nearest = np.sort(np.partition(others, k - 1, axis=1)[:, :k], axis=1)
    return np.asarray(nearest.mean(axis=1))


def _mahalanobis(logs: Floats, presence: Floats) -> Floats:
    """Squared Mahalanobis distance of each member's CLR to the bag's mean."""
    from sklearn.covariance import ledoit_wolf

    kept = presence.mean(axis=0) >= PREVALENCE
    if kept.sum() < 2:
        return np.zeros(logs.shape[0])
    clr = logs[:, kept] - logs[:, kept].mean(axis=1, keepdims=True)
    centred = clr - clr.mean(axis=0)
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    return np.asarray(np.einsum("ij,ij->i", centred, np.linalg.solve(covariance, centred.T).T))


def drivers(components: Components, sample: int, reference: npt.NDArray[np.int64], *, most: int = 5) -> list[tuple[int, float]]:
    """Return the genera whose CLR lies furthest from the reference, as (column, robust z), the furthest first; descriptive only.

    z = (CLR - median) / (1.4826 MAD) over the reference; genera as in the composition component, those without spread left out.
    """
    kept = np.flatnonzero(components.presence[reference].mean(axis=0) >= PREVALENCE)
    rows = np.append(reference, sample)
    clr = components.logs[np.ix_(rows, kept)]
    clr = clr - clr.mean(axis=1, keepdims=True)
    middle = np.median(clr[:-1], axis=0)
    spread = 1.4826 * np.median(np.abs(clr[:-1] - middle), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, (clr[-1] - middle) / spread, 0.0)
    order = np.argsort(-np.abs(z), kind="stable")[:most]
    return [(int(kept[j]), float(z[j])) for j in order if z[j] != 0]
