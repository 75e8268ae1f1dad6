"""How many members of a set are among the hits, against all ways to draw the hits anew within strata."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats


def strata_of(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.int64]:
    """Cut values (n,) into strata of neighbours of about `size`, equal values in one stratum; numbered from 0."""
    n = values.size
    if n == 0:
        return np.empty(0, dtype=np.int64)
    count = max(n // size, 1)
    order = np.argsort(values, kind="stable")
    stratum = np.empty(n, dtype=np.int64)
    stratum[order] = np.arange(n) * count // n
    # a tie belongs to the stratum of its first member, else equal taxa would be matched with different ones
    _, first, where = np.unique(values[order], return_index=True, return_inverse=True)
    stratum[order] = stratum[order][first][where]
    return np.unique(stratum, return_inverse=True)[1].astype(np.int64)


def stratified_overlap(
    members: npt.NDArray[np.bool_], hits: npt.NDArray[np.bool_], strata: npt.NDArray[np.int64]
) -> tuple[int, float, float]:
    """Compare the overlap of two sets with that of all permutations within strata, exactly.

    Where the hits are permuted within each stratum, the overlap is a sum of independent hypergeometric counts, whose distribution is the
    convolution of theirs: no permutation is drawn, and p has no error of its own. With one stratum it is Fisher's one-sided test.

    Parameters
    ----------
    members, hits : (n,) bool
    strata : (n,) int
        Stratum of each element, numbered from 0.

    Returns
    -------
    observed : int
    expected : float
    p : float
        Chance of as many or more members among the hits.
    """
    chances = np.ones(1)
    expected = 0.0
    for stratum in range(int(strata.max(initial=-1)) + 1):
        own = strata == stratum
        total, marked, drawn = int(own.sum()), int((own & members).sum()), int((own & hits).sum())
        expected += marked * drawn / max(total, 1)
        chances = np.convolve(chances, stats.hypergeom.pmf(np.arange(min(marked, drawn) + 1), total, marked, drawn))
    observed = int((members & hits).sum())
    return observed, expected, float(min(chances[observed:].sum(), 1.0))
