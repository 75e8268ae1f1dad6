"""The order in which units are drawn for a part of them: any first piece of it holds every stratum in its proportion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.permutation import permute_rows

Places = npt.NDArray[np.intp]


def drawn_order(strata: Places, seed: int, number: int) -> Places:
    """Return all units in the order in which they are drawn, shape (n,): systematic sampling of randomly ordered strata (Madow 1949).

    The units of a stratum of size k, in random order, stand at (0 + u)/k, (1 + u)/k, ... with u drawn once for the stratum; all units are
    sorted by where they stand. So the first m of n hold m k / n of each stratum but for less than one unit, on average exactly, and every second
    of them is a smaller sample of the same kind. Depends on seed, number, and the units' own order only.

    Parameters
    ----------
    strata : (n,) int
        Stratum of each unit, numbered from 0.
    """
    n = strata.size
    shuffled = permute_rows(seed, 2 * number, blocks=np.zeros(n, np.intp))
    starts = np.random.Generator(np.random.Philox(key=np.array([seed, 2 * number + 1], dtype=np.uint64))).random(int(strata.max(initial=-1)) + 1)
    own = strata[shuffled]
    home = np.argsort(own, kind="stable")
    sizes = np.bincount(own)
    rank = np.empty(n)
    rank[home] = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return shuffled[np.argsort((rank + starts[own]) / sizes[own], kind="stable")]
