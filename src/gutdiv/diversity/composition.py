"""What samples are made of: shares of the most abundant taxa at every rank, and the bars by which they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Ranks, and how many taxa of each are told apart; a figure shows no more than a reader can tell.
RANKS: Mapping[str, int] = {"phylum": 8, "class": 10, "order": 12, "family": 14, "genus": 16}
OTHER = "all others"
OWN_RANK, OWN = "genus", 0.05  # a genus with at least this share of a sample's reads is named for that sample, if it is not among those of the cohort
BARS = 400  # at most so many bars a rank: beyond, each bar is the mean of neighbouring samples of one group
EVERYONE = "all samples"


def measure_composition(
    cohort: Cohort, *, groups: Sequence[str | None] | None = None, sets: Mapping[str, Ints] | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure the share of each sample's reads that the cohort's most abundant taxa have, rank by rank.

    A cohort's most abundant taxa are those with the largest mean share over samples (every sample counts once, however deep it was sequenced); reads of
    the others are put together. Reads are not rarefied: a share is estimated alike at every depth. A sample without reads has no row.

    Parameters
    ----------
    cohort : Cohort
    groups : sequence of str or None, optional
        Group of each sample (None: not known), by which bars are put side by side.
    sets : mapping of str to (k,) int, optional
        Samples whose means are wanted, by name, as `controls`.

    Returns
    -------
    frame : DataFrame of kind `composition`
        `sample_id, rank, taxon, share` in [0, 1]; shares of a sample and rank sum to 1, and those that are 0 are left out.
    about : dict
        `taxa` (rank to names, the most abundant first), `merged` (rank to the number of taxa in `all others`), `means` (rank to set to shares in the order of
        `taxa`; every group, `all samples`, and `sets`), `bars` (rank to rows `[group, label, n, shares]` in drawing order: by group, and in it by
        the share of the most abundant taxon; at most 400), `own_taxa` (genus to rows `[sample, [[taxon, share], ...]]`: what of `all others` makes up 5 % of
        a sample's reads or more, the largest first), `absent` (why there is nothing).
    """
    about: dict[str, Any] = {"taxa": {}, "merged": {}, "means": {}, "bars": {}, "own_taxa": {}, "absent": {}}
    read = np.flatnonzero(cohort.depth > 0)
    if cohort.lineages is None:
        about["absent"] = {"composition": "the cohort has no lineages, so that no taxon can be named"}
        return _frame([]), about
    labels: list[str | None] = [None] * len(cohort.sample_ids) if groups is None else list(groups)
    order: list[str | None] = [*sorted({g for g in labels if g is not None}), *([None] if None in labels else [])]
    chosen = {EVERYONE: read}
    chosen |= {} if groups is None else {g: read[[labels[i] == g for i in read]] for g in order if g is not None}
    chosen |= {k: np.intersect1d(v, read) for k, v in (sets or {}).items()}
    frames = []
    for rank, most in RANKS.items():
        shares, names, merged, own = _shares(cohort, rank, most, read)
        about["own_taxa"] |= {rank: own} if rank == OWN_RANK else {}
        about["taxa"][rank], about["merged"][rank] = names, merged
        about["means"][rank] = {k: _plain(shares[rows].mean(axis=0)) for k, rows in chosen.items() if rows.size}
        about["bars"][rank] = _bars(cohort, shares, labels, order, read)
        at, what = np.nonzero(shares)
        samples, taxa = np.array(cohort.sample_ids, object)[at], np.array(names, object)[what]
        frames.append(pd.DataFrame({"sample_id": samples, "rank": rank, "taxon": taxa, "share": shares[at, what]}))
    return _frame(frames), about


def _frame(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put ranks together."""
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["sample_id", "rank", "taxon", "share"])


def _shares(cohort: Cohort, rank: str, most: int, read: Ints) -> tuple[Floats, list[str], int, list[list[Any]]]:
    """Shares (n_samples, taxa + 1) of the most abundant taxa, the rest last (left out where there is none), their names, how many the rest are.

    Last come the taxa of the rest that are large in a sample.
    """
    names, place = np.unique(np.array(cohort.taxa(rank), dtype=object), return_inverse=True)
    fold = sparse.csr_matrix((np.ones(place.size), (np.arange(place.size), place)), shape=(place.size, names.size))
    parts = np.asarray((cohort.counts @ fold).todense(), dtype=np.float64)
    depth = np.maximum(cohort.depth, 1)[:, None]
    mean = (parts[read] / depth[read]).mean(axis=0) if read.size else np.zeros(names.size)
    leading = np.lexsort((names.astype(str), -mean))
    top, rest = leading[:most], leading[most:]
    if rest.size == 1:  # one taxon needs no common name
        top, rest = leading, leading[:0]
    columns = [parts[:, top], parts[:, rest].sum(axis=1, keepdims=True)] if rest.size else [parts[:, top]]
    own = _own(cohort, parts[:, rest] / depth, [str(n) for n in names[rest]], read) if rank == OWN_RANK else []
    return np.hstack(columns) / depth, [str(n) for n in names[top]] + [OTHER] * bool(rest.size), int(rest.size), own


def _own(cohort: Cohort, shares: Floats, names: list[str], read: Ints) -> list[list[Any]]:
    """Rows `[sample, [[taxon, share], ...]]` of the taxa that hold much of a sample, the largest first; samples without one have no row."""
    out: list[list[Any]] = []
    for i in read:
        large = np.flatnonzero(shares[i] >= OWN)
        if large.size:
            out.append([cohort.sample_ids[i], [[names[j], round(float(shares[i, j]), 4)] for j in large[np.lexsort((large, -shares[i, large]))]]])
    return out


def _bars(cohort: Cohort, shares: Floats, labels: list[str | None], order: list[str | None], read: Ints) -> list[list[Any]]:
    """Bars in drawing order: single samples, or means of neighbours where there are too many."""
    size = max(1, -(-read.size // BARS))
    out: list[list[Any]] = []
    for group in order or [None]:
        own = np.array([i for i in read if labels[i] == group], dtype=np.int64)
        own = own[np.lexsort((own, -shares[own, 0]))]
        for first in range(0, own.size, size):
            part = own[first : first + size]
            label = cohort.sample_ids[part[0]] if part.size == 1 else ""
            out.append([group, label, int(part.size), _plain(shares[part].mean(axis=0))])
    return out


def _plain(values: Floats) -> list[float]:
    """Round to a hundredth of a per cent: more cannot be drawn."""
    return [round(float(v), 4) for v in values]
