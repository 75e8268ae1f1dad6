"""A cohort: counts, lineages, tree and sample metadata that fit each other, once and for all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError, first_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from scipy import sparse

    from gutdiv.model.tree import Tree

RANKS = ("domain", "phylum", "class", "order", "family", "genus", "species")
LINEAGE_COLUMNS = (*RANKS, "canonical_family", "canonical_genus", "lineage")
# What can be left out by lineage, and the rule by which a lineage belongs to it.
EXCLUDABLE: Mapping[str, str] = {
    "chloroplast": "a name of any rank is Chloroplast",
    "mitochondria": "a name of any rank is Mitochondria",
    "nonbacterial": "the domain is Eukaryota (or an old kingdom within it) or viruses",
    "archaea": "the domain is Archaea",
    "unassigned": "no rank has a name",
}


@dataclass(frozen=True, eq=False)
class SampleMetadata:
    """Sample metadata as the strings they were; a missing cell is None.

    Parameters
    ----------
    ids : tuple of str
        Sample ids, one a row.
    columns : mapping of str to tuple of (str or None)
        One entry a column, each as long as `ids`.
    kinds : mapping of str to str
        `numeric` or `categorical` for each column.
    source : str
        The file's name, for messages.
    format : str
        What was detected, in words.
    notes : tuple of str
        What the reader decided and the user should know, one sentence each.
    """

    ids: tuple[str, ...]
    columns: Mapping[str, tuple[str | None, ...]]
    kinds: Mapping[str, str]
    source: str = "the sample metadata"
    format: str = "text with tabs"
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> tuple[str | None, ...]:
        """Return a column's cells; an unknown name raises InputError and lists the known ones."""
        if name not in self.columns:
            known = first_ids(self.columns, limit=12) or "none"
            msg = f"the sample metadata has no column {name!r}. Known columns: {known}."
            raise InputError(msg)
        return self.columns[name]

    def numeric(self, name: str) -> npt.NDArray[np.float64]:
        """Return a numeric column as floats, NaN where missing; a categorical column raises InputError."""
        cells = self.column(name)
        if self.kinds[name] != "numeric":
            words = [c for c in cells if c is not None]
            bad = next((c for c in words if not _is_number(c)), words[0] if words else "")
            msg = f"column {name!r} of the sample metadata is not numeric (it holds {bad!r}); a numeric column is needed here."
            raise InputError(msg)
        return np.array([np.nan if c is None else float(c) for c in cells], dtype=np.float64)

    def select(self, ids: tuple[str, ...]) -> SampleMetadata:
        """Return the rows of these ids, in this order."""
        place = {s: i for i, s in enumerate(self.ids)}
        rows = [place[s] for s in ids]
        return replace(self, ids=ids, columns={k: tuple(v[r] for r in rows) for k, v in self.columns.items()})


def _is_number(cell: str) -> bool:
    """Whether a cell is one finite number, with or without an exponent."""
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


@dataclass(frozen=True)
class Roles:
    """Which metadata column plays which part, and what the user declared of the specimens."""

    group: str | None = None
    subject: str | None = None
    time: str | None = None
    specimen: str | None = None
    age_band: str | None = None


@dataclass(frozen=True, eq=False)
class Cohort:
    """Aligned counts, lineages, tree and metadata; samples and features stand sorted by id.

    Parameters
    ----------
    sample_ids, feature_ids : tuple of str
        Sorted and unique.
    counts : (n_samples, n_features) CSR matrix of int64
        Reads; sorted indices, no explicit zeros.
    lineages : DataFrame or None
        Indexed by feature id, columns `LINEAGE_COLUMNS`, missing cells None.
    tree : Tree or None
        Its tips are exactly the features, in the order of `feature_ids`.
    metadata : SampleMetadata
        Its rows are exactly the samples, in the order of `sample_ids`.
    roles : Roles
        Columns of the metadata that play a part.
    record : mapping
        What is known of the inputs and of what fell out (see `docs/architecture.md`).
    """

    sample_ids: tuple[str, ...]
    feature_ids: tuple[str, ...]
    counts: sparse.csr_matrix
    lineages: pd.DataFrame | None
    tree: Tree | None
    metadata: SampleMetadata
    roles: Roles = field(default_factory=Roles)
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other."""
        if self.counts.shape != (len(self.sample_ids), len(self.feature_ids)):
            msg = f"counts of shape {self.counts.shape} for {len(self.sample_ids)} samples and {len(self.feature_ids)} features"
            raise ValueError(msg)
        if self.counts.dtype != np.int64:
            msg = "a cohort's counts are int64"
            raise ValueError(msg)
        if list(self.sample_ids) != sorted(set(self.sample_ids)) or list(self.feature_ids) != sorted(set(self.feature_ids)):
            msg = "a cohort's samples and features stand sorted by id and are unique"
            raise ValueError(msg)
        if self.metadata.ids != self.sample_ids:
            msg = "metadata rows are not the cohort's samples"
            raise ValueError(msg)
        if self.lineages is not None and list(self.lineages.index) != list(self.feature_ids):
            msg = "lineages are not the cohort's features"
            raise ValueError(msg)
        if self.tree is not None and self.tree.tip_names != self.feature_ids:
            msg = "the tree's tips are not the cohort's features"
            raise ValueError(msg)

    @cached_property
    def depth(self) -> npt.NDArray[np.int64]:
        """Reads per sample, shape (n_samples,); summed once, and not to be written into."""
        reads = np.asarray(self.counts.sum(axis=1)).ravel().astype(np.int64)
        reads.setflags(write=False)
        return reads

    @cached_property
    def has_singletons(self) -> bool:
        """Whether any feature was seen exactly once in a sample; denoisers such as DADA2 leave none."""
        return bool(np.any(self.counts.data == 1))

    def genera(self) -> tuple[str, ...]:
        """Name of each feature's genus; see `taxa`."""
        return self.taxa("genus")

    def taxa(self, rank: str) -> tuple[str, ...]:
        """Name of each feature at a rank from `phylum` to `genus`: its own, else `unclassified <lowest named rank above>`, else `unclassified`.

        A genus or family is the canonical one.

        Without lineages, and at the rank `feature`, every feature is its own name.
        """
        if self.lineages is None or rank == "feature":
            return self.feature_ids
        ladder = ["canonical_genus", "canonical_family", "order", "class", "phylum", "domain"]
        names = []
        for row in self.lineages[ladder[("genus", "family", "order", "class", "phylum").index(rank) :]].itertuples(index=False, name=None):
            above = next((r for r in row[1:] if r), None)
            names.append(row[0] or (f"unclassified {above}" if above else "unclassified"))
        return tuple(names)
