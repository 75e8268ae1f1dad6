"""Moves the root of a tree, given as arrays, half-way between its two farthest tips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def farthest_pair(parent: npt.NDArray[np.int32], length: npt.NDArray[np.float64]) -> tuple[int, int, int, float]:
    """Find the two tips that are farthest apart, and the point half-way between them.

    Parameters
    ----------
    parent, length : (n_nodes,)
        A tree as in `model.tree.Tree`; where its base lies does not matter.

    Returns
    -------
    one, other : int
        The two tips; of several equally far pairs always the same one.
    below : int
        The node above which the point lies.
    distance : float
        From the point up to the parent of `below`, 0 <= distance < length of the branch (or 0 where all distances are 0).
    """
    n = parent.size
    reach = np.zeros(n)  # to the farthest tip below
    deepest = np.full(n, -1, dtype=np.int64)  # the child on the way there
    second = np.zeros(n)
    runner_up = np.full(n, -1, dtype=np.int64)
    for node in range(n - 1):
        up, far = int(parent[node]), reach[node] + length[node]
        if deepest[up] < 0 or far > reach[up]:
            second[up], runner_up[up] = reach[up], deepest[up]
            reach[up], deepest[up] = far, node
        elif runner_up[up] < 0 or far > second[up]:
            second[up], runner_up[up] = far, node
    forks = np.flatnonzero(runner_up >= 0)
    apex = int(forks[np.argmax((reach + second)[forks])])
    rest = (reach[apex] - second[apex]) / 2
    below = int(deepest[apex])
    while rest >= length[below] and deepest[below] >= 0:
        rest -= length[below]
        below = int(deepest[below])
    return _tip(apex, deepest), _tip(int(runner_up[apex]), deepest), below, float(rest)


def _tip(node: int, deepest: npt.NDArray[np.int64]) -> int:
    """Go down to the farthest tip."""
    while deepest[node] >= 0:
        node = int(deepest[node])
    return node


def rooted_above(
    parent: npt.NDArray[np.int32], length: npt.NDArray[np.float64], below: int, distance: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Put a new root on the branch above a node, `distance` below the branch's upper end; all distances between tips stay.

    Returns
    -------
    parent : (m,) int32
        In postorder, the new root last.
    length : (m,) float64
    place : (n_nodes,) int32
        The new number of each old node; -1 for an old base that is left without children.
    """
    n = parent.size
    up = [*parent.astype(np.int64).tolist(), -1]
    long = [*length.tolist(), 0.0]
    node, above, carried = n, int(parent[below]), distance  # turn the way from the branch to the old base round
    up[below], long[below] = n, float(length[below]) - distance
    while above >= 0:
        next_above, next_carried = up[above], long[above]
        up[above], long[above] = node, carried
        node, above, carried = above, next_above, next_carried
    children: list[list[int]] = [[] for _ in range(n + 1)]
    for child in range(n):
        children[up[child]].append(child)
    bare = n - 1
    while not children[bare]:  # a base with one child, which is now above it
        children[up[bare]].remove(bare)
        bare = up[bare]
    order: list[int] = []
    stack = [n]
    while stack:
        at = stack.pop()
        order.append(at)
        stack.extend(children[at])
    order.reverse()
    place = np.full(n + 1, -1, dtype=np.int32)
    place[order] = np.arange(len(order))
    new_parent = np.array([-1 if at == n else place[up[at]] for at in order], dtype=np.int32)
    return new_parent, np.array([long[at] for at in order]), place[:n]
