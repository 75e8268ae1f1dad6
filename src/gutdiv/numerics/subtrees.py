"""The part of a tree that one sample spans, folded into segments: what phylogenetic diversity of many draws is computed on.

A segment is a run of branches above which no further feature of the sample joins, so that all of them carry the same reads. A sample of k
features has at most 2 k - 1 segments, however deep the tree is. Segments are numbered so that each stands before the one it joins.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.draws import ones
from gutdiv.numerics.jit import compiled

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@compiled
def scratch(n_nodes: int) -> tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int32]]:
    """Return what `fold` writes on while it walks: nodes seen (zeros at first), and of the nodes on the way their length and children.

    One scratch serves the samples of one task, about a dozen.
    """
    return np.zeros(n_nodes, np.int32), np.empty(n_nodes), np.empty(n_nodes, np.int32)


# ---------------------------------------------------------------- length alone: from leaf to leaf, without a walk
Leaves: TypeAlias = tuple[Ints, Floats, Floats, npt.NDArray[np.int8]]


@compiled
def leaves_in_order(tips: Any, parent: Any, length: Floats) -> Leaves:
    """Put the leaves in the order of a walk through the tree, with what tells at once where the ways of two of them join.

    Returns
    -------
    rank : (n_features,)
        Place of each feature's leaf in that order.
    height : (n_features,)
        Distance from the root of the leaf at each place.
    lowest : (levels, n_features)
        Entry (l, j): the smallest height at which neighbours join, among the 2**l pairs of places (j - 1, j), (j, j + 1) and on.
    level : (n_features + 1,) int8
        Whole part of the logarithm of each number to base 2.
    """
    nodes, n = parent.size, tips.size
    size, start, after = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    above = np.zeros(nodes)
    for t in range(n):
        size[tips[t]] = 1
    for v in range(nodes - 1):
        size[parent[v]] += size[v]
    level = np.zeros(n + 1, np.int8)
    for k in range(2, n + 1):
        level[k] = level[k // 2] + 1
    lowest = np.zeros((level[n] + 1, n))
    for v in range(nodes - 1, -1, -1):  # parents come first
        up = parent[v]
        above[v] = length[v]
        if up >= 0:
            above[v] += above[up]
            start[v] = after[up]
            after[up] += size[v]
            if size[v] > 0 and start[v] > start[up]:
                lowest[0, start[v]] = above[up]
        after[v] = start[v]
    for k in range(1, lowest.shape[0]):
        half = 1 << (k - 1)
        for j in range(n - 2 * half + 1):
            lowest[k, j] = min(lowest[k - 1, j], lowest[k - 1, j + half])
    rank, height = np.empty(n, np.int64), np.empty(n)
    for t in range(n):
        rank[t] = start[tips[t]]
        height[rank[t]] = above[tips[t]]
    return rank, height, lowest, level


@compiled
def spanned(indices: Ints, counts: Ints, leaves: Leaves, marks: npt.NDArray[np.uint64]) -> float:
    """Length of all branches from a sample's features to the root: of each leaf's way what does not join the way of the one before.

    `marks` holds one zero bit a feature, and is zero again afterwards.
    """
    rank, height, lowest, level = leaves
    one, first, last = np.uint64(1), marks.size, -1
    for t in range(counts.size):
        if counts[t] > 0:
            place = rank[indices[t]]
            word = place >> 6
            marks[word] |= one << np.uint64(place & 63)
            first, last = min(first, word), max(last, word)
    total, before = 0.0, -1
    for word in range(first, last + 1):
        bits = marks[word]
        marks[word] = 0
        while bits != 0:
            lowest_bit = bits & (~bits + one)
            bits ^= lowest_bit
            place = (word << 6) + ones(lowest_bit - one)
            total += height[place]
            if before >= 0:
                k = level[place - before]
                total -= min(lowest[k, before + 1], lowest[k, place - (1 << k) + 1])
            before = place
    return total


# ---------------------------------------------------------------- shares too: segments
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
