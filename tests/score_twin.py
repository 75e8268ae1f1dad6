"""The slow twin of the in-study score: one refit of everything for every sample, from distances between all pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics import draws as reads
from gutdiv.numerics import pairs

Floats = npt.NDArray[np.float64]

PREVALENCE = 0.2
NEIGHBOURS = 0.05


@dataclass(frozen=True, eq=False)
class Components:
    """Entropy (n,), distances (n, n), ln(reads + 1/2) (n, g), and the share of draws in which a genus was seen (n, g), times `draws`."""

    entropy: Floats
    distance: Floats
    logs: Floats
    presence: Floats
    draws: int = 1


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
    odd = _as_extreme(_mahalanobis(components.logs[bag], components.presence[bag], components.draws))
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


def _mahalanobis(logs: Floats, presence: Floats, draws: int) -> Floats:
    """Squared Mahalanobis distance of each member's CLR to the bag's mean."""
    from sklearn.covariance import ledoit_wolf

    kept = presence.mean(axis=0) >= PREVALENCE * draws
    if kept.sum() < 2:
        return np.zeros(logs.shape[0])
    clr = logs[:, kept] - logs[:, kept].mean(axis=1, keepdims=True)
    centred = clr - clr.mean(axis=0)
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    return np.asarray(np.einsum("ij,ij->i", centred, np.linalg.solve(covariance, centred.T).T))


def components_of(cohort, entropy: Floats, *, depth: int, keys, seed: int, draws: int) -> Components:  # type: ignore[no-untyped-def]
    """All pairs and all genera, draw after draw; distances as whole reads that are not shared, so that ties are ties."""
    genera, place = np.unique(np.array(cohort.genera(), dtype=object), return_inverse=True)
    fold = sparse.csr_matrix((np.ones(place.size, np.int64), (np.arange(place.size), place)), shape=(place.size, genera.size))
    n = len(cohort.sample_ids)
    distance, logs, presence = np.zeros((n, n)), np.zeros((n, genera.size)), np.zeros((n, genera.size))
    for draw in range(draws):
        data = reads.rarefied(cohort.counts.indptr, cohort.counts.data, depth, keys, seed, draw)
        counts = (sparse.csr_matrix((data, cohort.counts.indices, cohort.counts.indptr), shape=cohort.counts.shape) @ fold).tocsr().astype(float)
        counts.eliminate_zeros()
        counts.sort_indices()
        distance += np.rint(np.nan_to_num(pairs.braycurtis(counts)) * depth)
        dense = counts.toarray()
        logs += np.log(dense + 0.5)
        presence += dense > 0
    return Components(entropy, distance, logs / draws, presence, draws)
