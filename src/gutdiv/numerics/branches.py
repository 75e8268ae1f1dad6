"""Over a tree in postorder: the sparse matrix of samples by the branches above their features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.jit import compiled, prange, threaded

if TYPE_CHECKING:
    from gutdiv.numerics.rows import Branches

Floats = npt.NDArray[np.float64]
_BLOCK = 64  # samples that one task walks with one scratch array: fixed, so that threads own blocks

PRESENCE, PROPORTION, COUNT = 0, 1, 2


@compiled
def _places(parent: Any) -> Any:
    """Number the nodes so that each subtree is a run that ends with its root; a tree that is numbered so stays as it is."""
    n = parent.size
    size = np.ones(n, np.int64)
    for v in range(n - 1):
        size[parent[v]] += size[v]
    place = np.empty(n, np.int32)
    last = np.empty(n, np.int64)  # where the next subtree of a node ends, its children taken from the last to the first
    place[n - 1] = n - 1
    last[n - 1] = n - 2
    for v in range(n - 2, -1, -1):
        up = parent[v]
        place[v] = last[up]
        last[v] = last[up] - 1
        last[up] -= size[v]
    return place


@threaded
def _counted(indptr: Any, tips: Any, parent: Any, length: Any) -> Any:
    """Number of branches of length above 0 over each sample's tips, in slot 1 and after."""
    n = indptr.size - 1
    out = np.zeros(n + 1, np.int64)
    for i in prange(n):
        found = 0
        for t in range(indptr[i], indptr[i + 1]):
            following = tips[t + 1] if t + 1 < indptr[i + 1] else parent.size
            v = tips[t]
            while v >= 0 and v < following:  # from the next tip on, its own walk goes on
                if length[v] > 0:
                    found += 1
                v = parent[v]
        out[i + 1] = found
    return out


@threaded
def _written(indptr: Any, tips: Any, data: Any, parent: Any, length: Any, starts: Any, kind: int, nodes: Any, values: Any) -> None:
    """Write each sample's branches in order, with their length, length x proportion or reads below."""
    n = indptr.size - 1
    for b in prange((n + _BLOCK - 1) // _BLOCK):
        below = np.zeros(parent.size)
        for i in range(b * _BLOCK, min(n, (b + 1) * _BLOCK)):
            total = 0.0
            for t in range(indptr[i], indptr[i + 1]):
                total += data[t]
            at = starts[i]
            for t in range(indptr[i], indptr[i + 1]):
                following = tips[t + 1] if t + 1 < indptr[i + 1] else parent.size
                v = tips[t]
                below[v] = data[t]
                while v >= 0 and v < following:
                    reads = below[v]
                    below[v] = 0.0
                    up = parent[v]
                    if up >= 0:
                        below[up] += reads
                    if length[v] > 0:
                        nodes[at] = v
                        values[at] = length[v] if kind == 0 else length[v] * (reads / total) if kind == 1 else reads
                        at += 1
                    v = up


def branch_matrix(matrix: sparse.csr_matrix, tree: Branches, *, kind: int, dtype: Any = np.float64) -> tuple[sparse.csr_matrix, Floats]:
    """Take samples from features to branches: each sample climbs from its features and stops where the next feature goes on.

    Parameters
    ----------
    matrix : (n_samples, n_features) CSR, values > 0
    tree : Branches
        With the features of the matrix, in their order. The root's length counts as 0.
    kind : {PRESENCE, PROPORTION, COUNT}
        What is stored for a branch above at least one of a sample's features: its length; its length times the share of the sample's reads
        below it; the reads below it.
    dtype
        float64 or float32.

    Returns
    -------
    branches : (n_samples, n_nodes) CSR with sorted indices
        Without branches of length 0. Columns are the nodes in the order of a walk in which each subtree is a run.
    length : (n_nodes,) float64
        Length of each column's branch.
    """
    n_nodes = tree.parent.size
    place = _places(tree.parent)
    parent = np.full(n_nodes, -1, np.int32)
    parent[place[:-1]] = place[tree.parent[:-1]]
    length = np.zeros(n_nodes)
    length[place[:-1]] = tree.length[:-1]
    tips = place[tree.tips][matrix.indices]
    by_tip = sparse.csr_matrix((matrix.data, tips, matrix.indptr), shape=(matrix.shape[0], n_nodes)).tocsc().tocsr()
    starts = np.cumsum(_counted(by_tip.indptr, by_tip.indices, parent, length))
    nodes, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], dtype)
    _written(by_tip.indptr, by_tip.indices, by_tip.data, parent, length, starts, kind, nodes, values)
    return sparse.csr_matrix((values, nodes, starts), shape=(matrix.shape[0], n_nodes)), length
