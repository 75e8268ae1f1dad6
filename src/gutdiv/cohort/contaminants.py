"""Which features come from reagents and not from samples: decontam's prevalence score from negative controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

THRESHOLD = 0.1  # decontam's default: below it a feature is called a contaminant


def prevalence_scores(counts: sparse.csr_matrix, blanks: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Score each feature by how much more often it is found in negative controls than in samples; small means contaminant.

    The score is the one-sided p-value of the two shares: by the chi-square test with continuity correction, or, where a number expected in the 2 x 2 table
    is below 5, by Fisher's exact test with half the probability of the table found.

    Parameters
    ----------
    counts : (n_samples, n_features)
        Samples without reads must have been taken out.
    blanks : (n_samples,) bool
        Which samples are negative controls: at least one is, and at least one is not.

    Returns
    -------
    (n_features,) float64
        In [0, 1]; 0.5 for a feature found everywhere, NaN for one found in fewer than two samples, of which nothing can be said.

    References
    ----------
    Davis et al. 2018, Microbiome 6:226; as `isContaminant(method = "prevalence")` of the R package decontam computes it, in one batch.
    """
    found = (counts > 0).astype(np.int64)
    n_blank, n_sample = int(blanks.sum()), int((~blanks).sum())
    in_blanks = np.asarray(found[blanks].sum(axis=0)).ravel()
    in_samples = np.asarray(found[~blanks].sum(axis=0)).ravel()
    pairs, which = np.unique(np.stack([in_blanks, in_samples]), axis=1, return_inverse=True)
    scores = np.array([_score(int(a), n_blank, int(b), n_sample) for a, b in pairs.T])
    return scores[which.ravel()]


def _score(a: int, n_a: int, b: int, n_b: int) -> float:
    """Test a of n_a against b of n_b, the alternative being that the first share is the greater."""
    from scipy import stats  # takes long to import, and few cohorts have negative controls

    total, n = a + b, n_a + n_b
    if total <= 1:
        return float("nan")
    if total == n:
        return 0.5
    pooled = total / n
    expected = np.array([n_a * pooled, n_b * pooled, n_a * (1 - pooled), n_b * (1 - pooled)])
    if (expected < 5).any():
        table = stats.hypergeom(n, total, n_a)
        return float(table.sf(a) + table.pmf(a) / 2)
    difference = a / n_a - b / n_b
    correction = min(0.5, abs(difference) / (1 / n_a + 1 / n_b))
    observed = np.array([a, b, n_a - a, n_b - b])
    statistic = np.sum((np.abs(observed - expected) - correction) ** 2 / expected)
    return float(stats.norm.sf(np.sign(difference) * np.sqrt(statistic)))
