"""Naive twins of the distances: one pair at a time from the definition, in plain Python, with exactly rounded sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from gutdiv.model.tree import Tree

    Row = npt.NDArray[np.float64]


def braycurtis(x: Row, y: Row) -> float:
    return math.fsum(abs(a - b) for a, b in zip(x, y, strict=True)) / math.fsum([*x, *y])


def ruzicka(x: Row, y: Row) -> float:
    return 1 - math.fsum(min(a, b) for a, b in zip(x, y, strict=True)) / math.fsum(max(a, b) for a, b in zip(x, y, strict=True))


def jaccard(x: Row, y: Row) -> float:
    a, b = {j for j, v in enumerate(x) if v}, {j for j, v in enumerate(y) if v}
    return 1 - len(a & b) / len(a | b)


def aitchison(x: Row, y: Row) -> float:
    u, v = [math.log(a + 1) for a in x], [math.log(b + 1) for b in y]
    mean_u, mean_v = math.fsum(u) / len(u), math.fsum(v) / len(v)
    return math.sqrt(math.fsum(((a - mean_u) - (b - mean_v)) ** 2 for a, b in zip(u, v, strict=True)))


def jensenshannon(x: Row, y: Row) -> float:
    p, q = x / math.fsum(x), y / math.fsum(y)
    terms = [0.5 * a * math.log(2 * a / (a + b)) for a, b in zip(p, q, strict=True) if a]
    terms += [0.5 * b * math.log(2 * b / (a + b)) for a, b in zip(p, q, strict=True) if b]
    return math.sqrt(max(0.0, math.fsum(terms)))


def hellinger(x: Row, y: Row) -> float:
    p, q = x / math.fsum(x), y / math.fsum(y)
    return math.sqrt(math.fsum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)))


def below(tree: Tree, x: Row) -> list[float]:
    """Return the reads below every node, each feature added along its own way to the root."""
    reads = [0.0] * tree.parent.size
    for tip, value in zip(tree.tip_nodes.tolist(), x.tolist(), strict=True):
        node = tip
        while node >= 0:
            reads[node] += value
            node = int(tree.parent[node])
    return reads


def branches(tree: Tree, x: Row, y: Row) -> list[tuple[float, float, float]]:
    """Return length, reads of x and reads of y of every branch but the root's."""
    return list(zip(tree.length.tolist(), below(tree, x), below(tree, y), strict=True))[:-1]


def unweighted_unifrac(tree: Tree, x: Row, y: Row) -> float:
    table = branches(tree, x, y)
    return math.fsum(le for le, a, b in table if (a > 0) != (b > 0)) / math.fsum(le for le, a, b in table if a > 0 or b > 0)


def weighted_unifrac(tree: Tree, x: Row, y: Row) -> float:
    return math.fsum(le * abs(a / x.sum() - b / y.sum()) for le, a, b in branches(tree, x, y))


def weighted_unifrac_normalized(tree: Tree, x: Row, y: Row) -> float:
    return weighted_unifrac(tree, x, y) / math.fsum(le * (a / x.sum() + b / y.sum()) for le, a, b in branches(tree, x, y))


def generalized_unifrac(tree: Tree, x: Row, y: Row, alpha: float = 0.5) -> float:
    table = [(le, a / x.sum(), b / y.sum()) for le, a, b in branches(tree, x, y) if a + b > 0]
    return math.fsum(le * (p + q) ** alpha * abs(p - q) / (p + q) for le, p, q in table) / math.fsum(
        le * (p + q) ** alpha for le, p, q in table
    )


def va_unifrac(tree: Tree, x: Row, y: Row) -> float:
    every = x.sum() + y.sum()
    table = [
        (le / math.sqrt((a + b) * (every - a - b)), a / x.sum(), b / y.sum()) for le, a, b in branches(tree, x, y) if 0 < a + b < every
    ]
    return math.fsum(w * abs(p - q) for w, p, q in table) / math.fsum(w * (p + q) for w, p, q in table)


PLAIN: dict[str, Callable[[Row, Row], float]] = {f.__name__: f for f in (braycurtis, ruzicka, jaccard, aitchison, jensenshannon, hellinger)}
ON_TREE: dict[str, Callable[[Tree, Row, Row], float]] = {
    f.__name__: f for f in (unweighted_unifrac, weighted_unifrac, weighted_unifrac_normalized, generalized_unifrac, va_unifrac)
}


def twin(name: str, tree: Tree, x: Row, y: Row) -> float:
    """Return the distance of this metric between two samples."""
    return PLAIN[name](x, y) if name in PLAIN else ON_TREE[name](tree, x, y)
