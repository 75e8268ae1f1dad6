"""A rooted tree as arrays in postorder: what the kernels walk on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Tree:
    """A rooted tree in postorder: every node stands before its parent, the root stands last.

    Parameters
    ----------
    parent : (n_nodes,) int32
        Index of each node's parent; -1 at the root only.
    length : (n_nodes,) float64
        Length of the branch above each node, >= 0; the root's counts as 0.
    tip_names : tuple of str
        Names of the tips, unique.
    tip_nodes : (n_tips,) int32
        The node of each tip, in the order of `tip_names`.
    """

    parent: npt.NDArray[np.int32]
    length: npt.NDArray[np.float64]
    tip_names: tuple[str, ...]
    tip_nodes: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        """Refuse arrays that are no rooted postorder tree."""
        n = self.parent.size
        if n == 0 or self.length.size != n or self.parent[-1] != -1:
            msg = "a tree needs equally long parent and length arrays with the root last"
            raise ValueError(msg)
        if np.any(self.parent[:-1] <= np.arange(n - 1)):
            msg = "a tree's nodes must stand in postorder, each before its parent"
            raise ValueError(msg)
        if not np.all(np.isfinite(self.length)) or np.any(self.length < 0):
            msg = "branch lengths must be finite and not negative"
            raise ValueError(msg)
        if len(self.tip_names) != self.tip_nodes.size or len(set(self.tip_names)) != len(self.tip_names):
            msg = "tip names must be unique and as many as tip nodes"
            raise ValueError(msg)
