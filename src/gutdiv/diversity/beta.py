"""Beta metrics without a tree: distances between all samples, or a part of them (`Wanted`)."""

from __future__ import annotations

from math import inf, log, sqrt
from typing import TYPE_CHECKING, Unpack

from gutdiv.diversity.metric import Floats, View, metric
from gutdiv.numerics import pairs

if TYPE_CHECKING:
    from gutdiv.numerics.span import Wanted

PSEUDOCOUNT = 1.0  # added to every count for the Aitchison distance, as QIIME 2 does


@metric(
    scope="beta",
    label="Bray-Curtis",
    unit="1",
    bounds=(0, 1),
    citation="bray1957",
    estimator="1 - 2 sum min(x, y) / (sum x + sum y), on counts",
)
def braycurtis(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Bray-Curtis dissimilarity of counts, as vegan's `vegdist` default and scikit-bio."""
    return pairs.braycurtis(view.matrix, **wanted)


@metric(
    scope="beta",
    label="Jaccard",
    unit="1",
    bounds=(0, 1),
    citation="jaccard1912",
    estimator="1 - shared / all features of either sample, on presence",
)
def jaccard(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Jaccard dissimilarity of presence, as scikit-bio and QIIME 2; vegan's default of this name is the quantitative one, `ruzicka` here."""
    return pairs.jaccard(view.matrix, **wanted)


@metric(
    scope="beta",
    label="Ruzicka (quantitative Jaccard)",
    unit="1",
    bounds=(0, 1),
    citation="ruzicka1958",
    estimator="1 - sum min(x, y) / sum max(x, y), on counts",
)
def ruzicka(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Ruzicka dissimilarity of counts: vegan's `vegdist(method = "jaccard")`; 2 B / (1 + B) of Bray-Curtis B, mothur's `jabund` is another."""
    return pairs.ruzicka(view.matrix, **wanted)


@metric(
    scope="beta",
    label="Aitchison",
    unit="ln units",
    bounds=(0, inf),
    citation="aitchison1986",
    estimator=f"Euclidean distance of CLR(counts + {PSEUDOCOUNT:g}), never rarefied",
    rarefied=False,
)
def aitchison(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Aitchison distance with a pseudocount of 1, as QIIME 2; vegan's `aitchison` takes the pseudocount as an option."""
    return pairs.aitchison(view.matrix, PSEUDOCOUNT, **wanted)


@metric(
    scope="beta",
    label="Jensen-Shannon",
    unit="root nats",
    bounds=(0, sqrt(log(2))),
    citation="endres2003",
    estimator="root of the Jensen-Shannon divergence of proportions, in nats",
)
def jensenshannon(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Jensen-Shannon distance, as scipy and scikit-bio; phyloseq's JSD is its square."""
    return pairs.jensen_shannon(view.matrix, **wanted)


@metric(
    scope="beta",
    label="Hellinger",
    unit="1",
    bounds=(0, sqrt(2)),
    citation="rao1995",
    estimator="Euclidean distance of root proportions, at most root 2",
)
def hellinger(view: View, **wanted: Unpack[Wanted]) -> Floats:
    """Hellinger distance, as vegan's `hellinger`; some texts divide it by root 2."""
    return pairs.hellinger(view.matrix, **wanted)
