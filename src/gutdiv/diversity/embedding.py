"""UMAP of distances: a picture of neighbourhoods, by an optional library."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError
from gutdiv.model.results import Ordination

if TYPE_CHECKING:
    from gutdiv.model.results import DistanceMatrix

NEIGHBOURS, SPREAD, STATE = 15, 0.1, 42  # the library's own defaults, and a constant start
FEWEST = 10
NOTE = (
    "UMAP shows which samples are neighbours. Distances between clusters, sizes of clusters and directions of axes mean nothing; "
    "no eigenvalues and no explained proportions exist."
)


def umap_embedding(distances: DistanceMatrix, *, axes: int = 2) -> Ordination:
    """UMAP (McInnes, Healy and Melville 2018) of distances, by one thread from a constant start: the same input gives the same picture.

    Across versions of umap-learn and kinds of processors the picture may differ.

    Raises
    ------
    InputError
        Where umap-learn is not installed, or fewer than ten samples are given.
    """
    n = len(distances.ids)
    if n < FEWEST:
        msg = f"--method umap needs at least {FEWEST} samples; the distances hold {n}. `--method pcoa` takes any number."
        raise InputError(msg)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it would like besides
            from umap import UMAP
    except ImportError as error:
        msg = f"--method umap needs umap-learn, which is an extra of gutdiv ({error}). Install it: pip install 'gutdiv[umap]'"
        raise InputError(msg) from error
    order = sorted(range(n), key=distances.ids.__getitem__)
    matrix = np.asarray(distances.matrix, dtype=np.float64)[np.ix_(order, order)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that distances given as such cannot be inverted
        points = UMAP(
            n_components=axes, metric="precomputed", n_neighbors=min(NEIGHBOURS, n - 1), min_dist=SPREAD, random_state=STATE, n_jobs=1
        ).fit_transform(matrix)
    nothing = np.zeros(0)
    return Ordination(tuple(distances.ids[i] for i in order), np.asarray(points, dtype=np.float64), nothing, nothing, np.nan, notes=(NOTE,))
