"""The part of a tree that one sample spans, folded into segments: what phylogenetic diversity of many draws is computed on.

A segment is a run of branches above which no further feature of the sample joins, so that all of them carry the same reads. A sample of k
features has at most 2 k - 1 segments, however deep the tree is. Segments are numbered so that each stands before the one it joins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@compiled
def scratch(n_nodes: int) -> tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int32]]:
    """Return what `fold` writes on while it walks: nodes seen (zeros at first), and of the nodes on the way their length and children.

    One scratch serves the samples of one task, about a dozen.
    """
    return np.zeros(n_nodes, np.int32), np.empty(n_nodes), np.empty(n_nodes, np.int32)


@compiled
def reach(indices: Ints, counts: Ints, tips: Any, parent: Any, length: Floats, seen: npt.NDArray[np.int32], mark: int) -> float:
    """Return the length of all branches from a sample's features to the root; `seen` serves many samples, each with a higher `mark`."""
    total = 0.0
    for t in range(counts.size):
        if counts[t] > 0:
            v = np.int64(tips[indices[t]])
            while v >= 0 and seen[v] < mark:
                seen[v] = mark
                total += length[v]
                v = np.int64(parent[v])
    return total


@compiled
def fold(
    indices: Ints,
    counts: Ints,
    tips: Any,
    parent: Any,
    length: Floats,
    held: tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int32]],
    base: int,
    up: Ints,
    span: Floats,
    entry: Ints,
) -> tuple[int, int]:
    """Fold the branches from a sample's features to the root into segments.

    Parameters
    ----------
    indices, counts : (k,)
        A sample's features and their reads; features of 0 reads are left out.
    tips, parent, length
        The tree in postorder, and the node of each feature.
    held
        From `scratch`.
    base : int
        1 for the first sample of a scratch, then what the call before returned.
    up, span, entry : (2 k,)
        Written: the segment that each one joins (-1 at the root), its length, and the place among `indices` of the feature at its lower
        end (-1 where there is none).

    Returns
    -------
    segments, base : int
        Number of segments, and the base of the next call.
    """
    seen, own, children = held
    nodes, paths = 0, 0
    first, starts, joint = np.empty(counts.size, np.int64), np.empty(counts.size + 1, np.int64), np.empty(counts.size, np.int64)
    for t in range(counts.size):
        if counts[t] == 0:
            continue
        first[paths], starts[paths] = t, nodes
        v = np.int64(tips[indices[t]])
        while v >= 0 and seen[v] < base:
            seen[v] = base + nodes
            own[nodes] = length[v]
            children[nodes] = 1
            nodes += 1
            v = np.int64(parent[v])
        joint[paths] = -1
        if v >= 0:
            joint[paths] = seen[v] - base
            children[joint[paths]] += 1
        paths += 1
    starts[paths] = nodes
    segments = 0
    for p in range(paths - 1, -1, -1):  # later paths join earlier ones
        entry[segments] = first[p]
        span[segments] = own[starts[p]]
        for a in range(starts[p] + 1, starts[p + 1]):
            if children[a] == 1:
                span[segments] += own[a]
            else:
                up[segments] = a
                segments += 1
                entry[segments] = -1
                span[segments] = own[a]
                children[a] = -segments  # from here on: minus its segment
        up[segments] = joint[p]
        segments += 1
    for s in range(segments):
        if up[s] >= 0:
            up[s] = -children[up[s]]
    return segments, base + nodes
