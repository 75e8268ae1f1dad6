"""What a metric is: a plain function over a whole matrix, with its traits declared above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics.rows import NO_BRANCHES, Branches, Tallies, tallies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gutdiv.model.tree import Tree

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """What metrics see: counts of the samples (perhaps of one rarefaction draw, then with stored zeros) and the tree.

    Parameters
    ----------
    indptr, indices, data
        CSR rows of int64 counts, (n_samples, n_features).
    width : int
        Number of features.
    tree : Tree or None
        Its tips are the features, in their order.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    data: npt.NDArray[np.int64]
    width: int
    tree: Tree | None

    @property
    def matrix(self) -> sparse.csr_matrix:
        """The counts as a CSR matrix of float64 without stored zeros."""
        shape = (self.indptr.size - 1, self.width)
        out = sparse.csr_matrix((self.data.astype(np.float64), self.indices.copy(), self.indptr.copy()), shape=shape)
        out.eliminate_zeros()
        return out

    @property
    def branches(self) -> Branches:
        """The tree as the kernels over samples walk on it."""
        return NO_BRANCHES if self.tree is None else Branches(self.tree.tip_nodes, self.tree.parent, self.tree.length)

    @property
    def tallies(self) -> Tallies:
        """What alpha metrics see: tallied anew at each use."""
        return tallies(self.indptr, self.indices, self.data, self.branches)


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric with its traits; see `metric` for their meaning."""

    name: str
    scope: str
    label: str
    unit: str
    needs: tuple[str, ...]
    bounds: tuple[float, float]
    citation: str
    estimator: str
    rarefied: bool
    undefined: str
    options: tuple[str, ...]
    function: Callable[..., Floats]

    @property
    def needs_tree(self) -> bool:
        """Whether the metric walks on a tree."""
        return "tree" in self.needs

    @property
    def traits(self) -> dict[str, Any]:
        """What rides along in the record of a result."""
        return {
            "label": self.label,
            "unit": self.unit,
            "bounds": list(self.bounds),
            "citation": self.citation,
            "estimator": self.estimator,
            "rarefied": self.rarefied,
            "undefined": self.undefined,
        }


REGISTRY: dict[str, Metric] = {}


def metric(
    *,
    scope: str,
    label: str,
    unit: str,
    bounds: tuple[float, float],
    citation: str,
    estimator: str,
    needs: tuple[str, ...] = ("counts",),
    rarefied: bool = True,
    undefined: str = "",
    options: tuple[str, ...] = (),
) -> Callable[[Callable[..., Floats]], Callable[..., Floats]]:
    """Declare a metric.

    Parameters
    ----------
    scope : {'alpha', 'beta'}
        One value a sample, or one a pair.
    label, unit : str
        For people; unit in words, `1` where it has none.
    bounds : tuple of float
        Lowest and highest value.
    citation : str
        Key of the paper that defines it.
    estimator : str
        The formula in a few words, where tools differ.
    needs : tuple of str
        `counts`, `singletons` (withheld where the table has none), `tree`, `shares` (of the reads below each branch of the tree).
    rarefied : bool
        Whether it is computed on rarefied counts when a depth is given.
    undefined : str
        In which samples with reads it has no value; empty where it always has.
    options : tuple of str
        Keywords that the function takes besides.

    The function of an alpha metric takes `Tallies`, that of a beta metric a `View` and which distances are wanted (`Wanted`).
    """

    def declare(function: Callable[..., Floats]) -> Callable[..., Floats]:
        name = function.__name__
        REGISTRY[name] = Metric(name, scope, label, unit, needs, bounds, citation, estimator, rarefied, undefined, options, function)
        return function

    return declare


def chosen(registry: Mapping[str, Metric], scope: str) -> dict[str, Metric]:
    """Return the metrics of a scope, in the order of their declaration."""
    return {name: m for name, m in registry.items() if m.scope == scope}
