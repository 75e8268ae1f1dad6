"""Over a tree in postorder: which branches a sample holds, and the sparse matrix of samples by nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.jit import compiled, prange, threaded

Floats = npt.NDArray[np.float64]
_BLOCK = 64  # samples that one task walks with one scratch array: fixed, so that threads own blocks


@threaded
def _node_counts(indptr: Any, indices: Any, tips: Any, parent: Any) -> Any:
    """Number of nodes above each sample's features."""
    n = indptr.size - 1
    out = np.zeros(n + 1, np.int64)
    for b in prange((n + _BLOCK - 1) // _BLOCK):
        seen = np.full(parent.size, -1, np.int64)
        for i in range(b * _BLOCK, min(n, (b + 1) * _BLOCK)):
            for t in range(indptr[i], indptr[i + 1]):
                v = np.int64(tips[indices[t]])
                while v >= 0 and seen[v] != i:
                    seen[v] = i
                    out[i + 1] += 1
                    v = np.int64(parent[v])
    return out


@threaded
def _fill(indptr: Any, indices: Any, data: Any, tips: Any, parent: Any, starts: Any, nodes: Any, values: Any) -> None:
    """Write each sample's nodes, sorted, with the sum of the values below them."""
    n = indptr.size - 1
    for b in prange((n + _BLOCK - 1) // _BLOCK):
        below = np.zeros(parent.size)
        for i in range(b * _BLOCK, min(n, (b + 1) * _BLOCK)):
            at = starts[i]
            for t in range(indptr[i], indptr[i + 1]):
                v = np.int64(tips[indices[t]])
                while v >= 0:
                    if below[v] == 0.0:
                        nodes[at] = v
                        at += 1
                    below[v] += data[t]
                    v = np.int64(parent[v])
            own = nodes[starts[i] : at]
            own.sort()
            for q in range(starts[i], at):
                values[q] = below[nodes[q]]
                below[nodes[q]] = 0.0


def node_matrix(matrix: sparse.csr_matrix, tips: npt.NDArray[Any], parent: npt.NDArray[Any]) -> sparse.csr_matrix:
    """Sum each sample's values below every node of the tree.

    Parameters
    ----------
    matrix : (n_samples, n_features) CSR, values > 0
    tips : (n_features,) int
        Node of each feature.
    parent : (n_nodes,) int
        The tree in postorder.

    Returns
    -------
    (n_samples, n_nodes) CSR of float64 with sorted indices; only nodes above a sample's features are stored.
    """
    indptr, indices = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
    starts = np.cumsum(_node_counts(indptr, indices, tips, parent))
    nodes = np.empty(starts[-1], np.int64)
    values = np.empty(starts[-1])
    _fill(indptr, indices, matrix.data.astype(np.float64), tips, parent, starts, nodes, values)
    return sparse.csr_matrix((values, nodes, starts), shape=(matrix.shape[0], parent.size))


@compiled
def _scaled(indptr: Any, indices: Any, data: Any, weight: Floats, total: Floats) -> Floats:
    """Values times the column's weight, divided by the row's total."""
    out = np.empty(data.size)
    for i in range(indptr.size - 1):
        for t in range(indptr[i], indptr[i + 1]):
            out[t] = data[t] * weight[indices[t]] / total[i]
    return out


def branch_proportions(nodes: sparse.csr_matrix, length: Floats, totals: Floats) -> sparse.csr_matrix:
    """Return length x proportion of reads below, for each sample and node: Bray-Curtis over it is normalised weighted UniFrac (Lozupone 2007)."""
    data = _scaled(nodes.indptr.astype(np.int64), nodes.indices.astype(np.int64), nodes.data, length, totals)
    return sparse.csr_matrix((data, nodes.indices, nodes.indptr), shape=nodes.shape)
