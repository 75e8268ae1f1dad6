"""What the readers hand to the cohort stage: inputs as they were found, before anything is aligned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy import sparse

    from gutdiv.model.tree import Tree


@dataclass(frozen=True, eq=False)
class RawTable:
    """An abundance table as it was read: ids and orientation as in the file, counts not yet judged.

    Parameters
    ----------
    sample_ids, feature_ids : tuple of str
        As spelled, unique.
    values : (n_samples, n_features) CSR matrix of float64
        As read: whether they are counts is judged later.
    lineages : mapping of str to (str or None), or None
        Lineage text per feature where the table carried one.
    source : str
        The file's name, for messages.
    format : str
        What was detected, in words.
    """

    sample_ids: tuple[str, ...]
    feature_ids: tuple[str, ...]
    values: sparse.csr_matrix
    lineages: Mapping[str, str | None] | None
    source: str
    format: str


@dataclass(frozen=True, eq=False)
class RawTaxonomy:
    """Lineages as they were read: `rows` maps a feature id to either one text or one cell a rank.

    Parameters
    ----------
    rows : mapping of str to tuple of (str or None)
        One cell (a whole lineage) or one cell a rank, domain first.
    ranks : tuple of str
        Names of the cells' ranks; `("lineage",)` where each row is one text.
    source, format : str
        The file's name, and what was detected.
    """

    rows: Mapping[str, tuple[str | None, ...]]
    ranks: tuple[str, ...]
    source: str
    format: str


@dataclass(frozen=True, eq=False)
class RawTree:
    """A tree as it was read, with what was mended on the way."""

    tree: Tree
    source: str
    notes: tuple[str, ...] = field(default=())
