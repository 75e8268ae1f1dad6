"""Taxa beside samples: the directions of an ordination along which the share of each genus rises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from gutdiv.errors import InputError, first_ids
from gutdiv.numerics.arrows import fitted_vectors

if TYPE_CHECKING:
    from collections.abc import Collection

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Ordination

PSEUDOCOUNT = 0.5  # added to every count before the logarithm
PREVALENT = 0.1  # share of samples that must hold a taxon
NAMELESS = "unclassified"  # what a feature without any name is called
_COLUMNS = ("taxon", "rank", "axis_1", "axis_2", "r2", "prevalence", "mean_share")
_BLOCK = 256  # taxa at a time


def taxa_arrows(ordination: Ordination, cohort: Cohort, *, unnamed: Collection[str] = ()) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Fit the CLR of each prevalent genus over the first two axes (see `numerics.arrows`): association with the axes, not cause.

    Parameters
    ----------
    ordination : Ordination
        Of samples of the cohort, perhaps not all.
    cohort : Cohort
        Without lineages its features stand for genera.
    unnamed : collection of str
        Taxa that are left out, such as genera that a genus call must not report.

    Returns
    -------
    frame : DataFrame of kind `arrows`
        Longest arrow first.
    about : dict
        `pseudocount`, `prevalence`, `n_taxa` (before the prevalence filter) and, where no arrow could be drawn, `absent`.

    Raises
    ------
    InputError
        Where the ordination holds samples that the cohort lacks.
    """
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    missing = [s for s in ordination.ids if s not in place]
    if missing:
        msg = f"{len(missing)} samples of the ordination are not in the cohort ({first_ids(missing)}). Give the cohort that the distances were measured on."
        raise InputError(msg)
    counts, names = _by_genus(cohort, [place[s] for s in ordination.ids])
    n = counts.shape[0]
    prevalence = np.bincount(counts.indices, minlength=len(names)) / max(n, 1)
    reads = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    share = _mean_shares(counts, reads)
    about: dict[str, Any] = {"pseudocount": PSEUDOCOUNT, "prevalence": PREVALENT, "n_taxa": len(names)}
    chosen = [j for j, name in enumerate(names) if prevalence[j] >= PREVALENT and name != NAMELESS and name not in unnamed]
    plane = ordination.axes[:, :2]
    if not chosen or plane.shape[1] == 0 or n <= plane.shape[1] + 1:
        why = "no taxon is held by a tenth of the samples" if not chosen else "the ordination has too few axes or samples"
        return pd.DataFrame({c: [] for c in _COLUMNS}), {**about, "absent": {"arrows": why}}
    logs = sparse.csr_matrix((np.log(counts.data + PSEUDOCOUNT) - np.log(PSEUDOCOUNT), counts.indices, counts.indptr), shape=counts.shape)
    means = np.asarray(logs.sum(axis=1)).ravel() / len(names)
    columns = logs.tocsc()
    fitted = []
    for start in range(0, len(chosen), _BLOCK):
        block = chosen[start : start + _BLOCK]
        fitted.append(fitted_vectors(plane, columns[:, block].toarray() - means[:, None]))
    heads, r2 = np.concatenate([f[0] for f in fitted]), np.concatenate([f[1] for f in fitted])
    rank = "feature" if cohort.lineages is None else "genus"
    frame = pd.DataFrame(
        {
            "taxon": [names[j] for j in chosen],
            "rank": rank,
            "axis_1": heads[:, 0],
            "axis_2": heads[:, 1] if heads.shape[1] > 1 else np.nan,
            "r2": r2,
            "prevalence": prevalence[chosen],
            "mean_share": share[chosen],
        }
    )
    order = sorted(range(len(frame)), key=lambda i: (np.isnan(r2[i]), -round(float(r2[i]), 12), frame["taxon"][i]))
    return frame.iloc[order].reset_index(drop=True), about


def _by_genus(cohort: Cohort, rows: list[int]) -> tuple[sparse.csr_matrix, list[str]]:
    """Add up the counts of these samples by genus: (n, genera) CSR, and the genera by name."""
    of = np.array(cohort.genera(), dtype=object)
    names, at = np.unique(of, return_inverse=True)
    grouping = sparse.csr_matrix((np.ones(at.size, np.int64), (np.arange(at.size), at)), shape=(at.size, names.size))
    counts = sparse.csr_matrix(cohort.counts[rows] @ grouping)
    counts.sort_indices()
    return counts, names.tolist()


def _mean_shares(counts: sparse.csr_matrix, reads: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean share of each column in the reads of its row, over rows with reads."""
    shares = counts.data / np.repeat(reads, np.diff(counts.indptr))
    return np.bincount(counts.indices, weights=shares, minlength=counts.shape[1]) / max(int((reads > 0).sum()), 1)
