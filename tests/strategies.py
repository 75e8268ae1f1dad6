"""Small random tables and trees for tests, and naive twins of what the kernels compute."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import sparse as sparse

from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.tree import Tree


def random_counts(rng: np.random.Generator, n: int = 12, p: int = 40, density: float = 0.4) -> sparse.csr_matrix:
    """Return a table of counts with zeros, singletons and a few large values."""
    dense = rng.negative_binomial(1, 0.02, (n, p)) * (rng.random((n, p)) < density)
    dense[np.arange(n), rng.integers(0, p, n)] += 1  # no empty sample
    return sparse.csr_matrix(dense.astype(np.int64))


def counts_of_depths(depths: list[int], *, features: int = 60, seed: int = 3) -> npt.NDArray[np.int64]:
    """Return a dense table whose samples have these numbers of reads, from uneven communities."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(features, 0.3), len(depths))
    return np.array([rng.multinomial(d, p) for d, p in zip(depths, share, strict=True)])


def cohort_of(
    counts: npt.NDArray[np.int64], groups: list[str | None] | None = None, *, kind: str = "categorical", tree: Tree | None = None
) -> Cohort:
    """Return a cohort of samples s00, s01, ... and features f00, f01, ... whose column `g` holds the groups."""
    wide = [max(2, len(str(size - 1))) for size in counts.shape]
    ids = tuple(f"s{i:0{wide[0]}d}" for i in range(counts.shape[0]))
    columns = {"g": tuple(groups)} if groups else {}
    metadata = SampleMetadata(ids, columns, dict.fromkeys(columns, kind))
    features = tuple(f"f{j:0{wide[1]}d}" for j in range(counts.shape[1]))
    return Cohort(ids, features, sparse.csr_matrix(counts.astype(np.int64)), None, tree, metadata, Roles(group="g" if groups else None))


def random_tree(rng: np.random.Generator, names: tuple[str, ...]) -> Tree:
    """Return a random rooted tree over these tips, with some branches of length 0."""
    parent: list[int] = [-1] * (2 * len(names) - 1)
    live = list(range(len(names)))
    new = len(names)
    while len(live) > 1:
        a, b = (live.pop(int(rng.integers(len(live)))) for _ in range(2))
        parent[a] = parent[b] = new
        live.append(new)
        new += 1
    length = rng.exponential(1.0, len(parent)) * (rng.random(len(parent)) < 0.9)
    length[-1] = 0.0
    return Tree(np.array(parent, np.int32), length, names, np.arange(len(names), dtype=np.int32))


def branch_sets(tree: Tree, present: npt.NDArray[np.bool_]) -> set[int]:
    """Return the nodes on the paths from the present tips to the root, by walking each path."""
    nodes = set()
    for tip in tree.tip_nodes[present]:
        v = int(tip)
        while v >= 0:
            nodes.add(v)
            v = int(tree.parent[v])
    return nodes


def naive_braycurtis(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Bray-Curtis as sum |x - y| / sum (x + y)."""
    return float(np.abs(x - y).sum() / (x + y).sum())


def naive_jaccard(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Jaccard of presence."""
    a, b = x > 0, y > 0
    return 1 - (a & b).sum() / (a | b).sum()


def naive_aitchison(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], pseudocount: float = 1.0) -> float:
    """Euclidean distance of CLR vectors."""
    u, v = np.log(x + pseudocount), np.log(y + pseudocount)
    return float(np.linalg.norm((u - u.mean()) - (v - v.mean())))


def naive_unweighted_unifrac(tree: Tree, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Unshared over total branch length."""
    a, b = branch_sets(tree, x > 0), branch_sets(tree, y > 0)
    return float(sum(tree.length[v] for v in a ^ b) / sum(tree.length[v] for v in a | b))


def naive_weighted_unifrac(tree: Tree, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Normalised weighted UniFrac from the definition."""
    top = bottom = 0.0
    below = [np.zeros(len(tree.tip_names), bool) for _ in tree.parent]
    for j, tip in enumerate(tree.tip_nodes):
        v = int(tip)
        while v >= 0:
            below[v][j] = True
            v = int(tree.parent[v])
    p, q = x / x.sum(), y / y.sum()
    for v, tips in enumerate(below):
        top += tree.length[v] * abs(p[tips].sum() - q[tips].sum())
        bottom += tree.length[v] * (p[tips].sum() + q[tips].sum())
    return top / bottom


def naive_shannon(x: npt.NDArray[np.float64]) -> float:
    """Shannon entropy in nats."""
    p = x[x > 0] / x.sum()
    return -sum(v * math.log(v) for v in p)
