"""Beta metrics without a tree: rows start..stop of the matrix of distances with all samples."""

from __future__ import annotations

from math import inf

from gutdiv.diversity.metric import Floats, View, metric
from gutdiv.numerics import pairs

PSEUDOCOUNT = 1.0  # added to every count for the Aitchison distance, as QIIME 2 does


@metric(
    scope="beta",
    label="Bray-Curtis",
    unit="1",
    bounds=(0, 1),
    citation="bray1957",
    estimator="1 - 2 sum min(x, y) / (sum x + sum y), on counts",
)
def braycurtis(view: View, *, start: int = 0, stop: int | None = None) -> Floats:
    """Bray-Curtis dissimilarity of counts, as vegan's `vegdist` default and scikit-bio."""
    return pairs.braycurtis(view.matrix, start=start, stop=stop)


@metric(
    scope="beta",
    label="Jaccard",
    unit="1",
    bounds=(0, 1),
    citation="jaccard1912",
    estimator="1 - shared / all features of either sample, on presence",
)
def jaccard(view: View, *, start: int = 0, stop: int | None = None) -> Floats:
    """Jaccard dissimilarity of presence, as scikit-bio and QIIME 2; vegan's default of this name is the quantitative one."""
    return pairs.jaccard(view.matrix, start=start, stop=stop)


@metric(
    scope="beta",
    label="Aitchison",
    unit="ln units",
    bounds=(0, inf),
    citation="aitchison1986",
    estimator=f"Euclidean distance of CLR(counts + {PSEUDOCOUNT:g}), never rarefied",
    rarefied=False,
)
def aitchison(view: View, *, start: int = 0, stop: int | None = None) -> Floats:
    """Aitchison distance with a pseudocount of 1, as QIIME 2; vegan's `aitchison` takes the pseudocount as an option."""
    return pairs.aitchison(view.matrix, PSEUDOCOUNT, start=start, stop=stop)
