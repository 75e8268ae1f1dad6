"""What the readers hand to the cohort stage: inputs as they were found, before anything is aligned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scipy import sparse

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.tree import Tree


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
    origin : mapping of str to str
        As in `RawTable`.
    notes : tuple of str
        What the reader left out or decided, one sentence each.
    """

    rows: Mapping[str, tuple[str | None, ...]]
    ranks: tuple[str, ...]
    source: str
    format: str
    origin: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RawTree:
    """A tree as it was read, with what was mended on the way.

    Parameters
    ----------
    tree : Tree
        With its base as written; only where `rooted` is true does that base mean a root.
    source : str
        The file's name, for messages.
    notes : tuple of str
        What was mended, one sentence each.
    rooted : bool
        As the file declares (`Phylogeny[Rooted]` or `[Unrooted]`, `[&R]` or `[&U]`); where it declares nothing, whether the base splits into no more than
        two branches.
    format : str
        What was detected, in words.
    origin : mapping of str to str
        As in `RawTable`.
    """

    tree: Tree
    source: str
    notes: tuple[str, ...] = ()
    rooted: bool = True
    format: str = "Newick"
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RawTable:
    """An abundance table as it was read: ids and orientation as in the file, values not yet judged.

    A file may carry more than the table (a phyloseq object, an ampliseq folder, BIOM with lineages): then the other parts ride along. A part that the
    user gives in a file of its own takes the place of the one that the table carried.

    Parameters
    ----------
    sample_ids, feature_ids : tuple of str
        As spelled, unique.
    values : (n_samples, n_features) CSR matrix of float64
        As read: whether they are counts is judged later.
    source : str
        The file's name, for messages.
    format : str
        What was detected, in words.
    taxonomy, tree, metadata : optional
        What the file carried beside the table.
    origin : mapping of str to str
        What is known of where the table comes from: the UUID of a QIIME 2 artifact, the label of a mothur file, the files taken from a folder.
    notes : tuple of str
        What the reader decided and the user should know, one sentence each.
    """

    sample_ids: tuple[str, ...]
    feature_ids: tuple[str, ...]
    values: sparse.csr_matrix
    source: str
    format: str
    taxonomy: RawTaxonomy | None = None
    tree: RawTree | None = None
    metadata: SampleMetadata | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
