"""Analysis of similarities: ranks of distances within and between groups, for many arrangements of the groups by one product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gutdiv.numerics.projection import half_product
from gutdiv.numerics.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_BATCH_COLUMNS = 256  # of indicators in one product


def rank_matrix(distances: npt.NDArray[Any]) -> Floats:
    """Return the ranks 1, 2, ... of the distances of pairs, ties averaged, as a symmetric matrix (n, n) with zero diagonal."""
    above = np.triu_indices(distances.shape[0], 1)
    ranks: Floats = np.zeros(distances.shape, dtype=np.float64)
    ranks[above] = rankdata(distances[above])
    ranks += ranks.T.copy()
    return ranks


def anosim_r(ranks: Floats, groups: Callable[[int], Places], arrangements: int, *, threads: int | None = None) -> Floats:
    """Return R = (mean rank between - mean rank within) / (M / 2) of M pairs for groups(0), groups(1), ..., shape (arrangements,).

    Clarke 1993, Aust. J. Ecol. 18:117. `groups(k)` holds codes 0, 1, ... of the n samples. R lies between -1 and 1; an arrangement without
    any pair within a group, or between groups, gets inf, so that it counts as reached.
    """
    n = ranks.shape[0]
    pairs = n * (n - 1) / 2
    total = float(ranks.sum()) / 2
    n_groups = int(groups(0).max()) + 1 if arrangements else 1
    at_once = max(1, _BATCH_COLUMNS // n_groups)

    def piece(k: int) -> Floats:
        batch = np.stack([groups(number) for number in range(k * at_once, min((k + 1) * at_once, arrangements))])
        indicators = (batch[:, None, :] == np.arange(n_groups)[None, :, None]).astype(np.float64)
        rows = indicators.reshape(-1, n)
        within = (half_product(rows, ranks) * rows).sum(axis=1).reshape(-1, n_groups).sum(axis=1)
        sizes = indicators.sum(axis=2)
        inside = (sizes * (sizes - 1) / 2).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            r = ((total - within) / (pairs - inside) - within / inside) / (pairs / 2)
        return np.where((inside > 0) & (inside < pairs), r, np.inf)

    return np.concatenate([np.empty(0), *in_threads(piece, -(-arrangements // at_once), threads=threads)])
