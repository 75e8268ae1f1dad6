"""The genus-level composition of a cohort, and the taxa in it that can be tested."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.model.names import PATHOGENS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

_NOTHING = re.compile(r"^(?:[a-z]{1,2}__|D_\d__)?(?:unclassified|uncultured|unassigned|unidentified|unknown)?[_ ]*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Composition:
    """Reads by part: each canonical genus, and what no genus was called for by the finest name it has.

    Parameters
    ----------
    names : tuple of str
        `Faecalibacterium`, `unclassified Lachnospiraceae`; unique and sorted.
    named : (parts,) bool
        Whether a part is a genus.
    families : tuple of (str or None)
        Canonical family of each part; where its features differ, that of most reads.
    counts : (n_samples, parts) CSR matrix of int64
        Reads.
    """

    names: tuple[str, ...]
    named: npt.NDArray[np.bool_]
    families: tuple[str | None, ...]
    counts: sparse.csr_matrix


@dataclass(frozen=True, eq=False)
class Taxa:
    """What is tested: `members` (parts, taxa) marks the parts of each taxon; `single` tells genera and unclassified parts from families."""

    names: tuple[str, ...]
    ranks: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    members: sparse.csr_matrix
    single: npt.NDArray[np.bool_]

    @property
    def confirmatory(self) -> npt.NDArray[np.bool_]:
        """Whether each taxon belongs to the knowledge base."""
        return np.array([bool(r) for r in self.rows], dtype=bool)


def compose(cohort: Cohort) -> Composition:
    """Collapse a cohort's features by canonical genus; the cohort must have lineages.

    Features without a genus stay in the composition as `unclassified <family>` (or order, class, ...), so that they count in diversity.
    """
    assert cohort.lineages is not None
    ranks = ("canonical_family", "order", "class", "phylum", "domain")
    cells = cohort.lineages[["canonical_genus", *ranks]].itertuples(index=False, name=None)
    memo: dict[tuple[str | None, ...], tuple[str, bool]] = {}
    keys = []
    for row in cells:
        if row not in memo:
            memo[row] = _part(row)
        keys.append(memo[row])
    names = tuple(sorted({k[0] for k in keys}))
    place = {name: j for j, name in enumerate(names)}
    at = np.array([place[k[0]] for k in keys], dtype=np.int64)
    grouping = sparse.csr_matrix((np.ones(at.size, dtype=np.int64), (np.arange(at.size), at)), shape=(at.size, len(names)))
    counts = sparse.csr_matrix(cohort.counts @ grouping)
    counts.sort_indices()
    reads = np.asarray(cohort.counts.sum(axis=0)).ravel()
    families: list[dict[str | None, int]] = [{} for _ in names]
    for j, family, n in zip(at.tolist(), cohort.lineages["canonical_family"], reads.tolist(), strict=True):
        families[j][family] = families[j].get(family, 0) + n
    genera = dict(keys)
    named = np.array([genera[name] for name in names], dtype=bool)
    chosen = tuple(min(f, key=lambda k: (-f[k], k or "")) for f in families)
    return Composition(names, named, chosen, counts)


def _part(row: tuple[str | None, ...]) -> tuple[str, bool]:
    """Name the part that a feature belongs to, and whether it is a genus."""
    if row[0]:
        return str(row[0]), True
    for name in row[1:]:
        bare = _NOTHING.sub("", name or "", count=1)
        if bare:
            return f"unclassified {bare}", False
    return "unclassified", False


def pathogens(rows: Sequence[Mapping[str, str]]) -> frozenset[str]:
    """Return the genera that hold enteric pathogens: a genus call does not report them, so that they are neither tested nor named.

    Those of `model.names.PATHOGENS` are among them also where a user's rows are in place of the package's.
    """
    return PATHOGENS | frozenset(g for row in rows if "enteric pathogen" in row["guild"].split(";") for g in row["genera"].split("|") if g)


def testable(composition: Composition, rows: Sequence[Mapping[str, str]], *, seen: npt.NDArray[np.bool_]) -> Taxa:
    """Choose what is tested: parts marked in `seen`, and the families of the knowledge base with all their parts.

    A genus belongs to the knowledge base where a row to be tested names it. A family that has one part only is tested as
    that part. `seen` (parts,) marks parts that are prevalent enough and may be named.
    """
    by_genus: dict[str, list[str]] = {}
    wanted = [row for row in rows if row["tested"] == "yes"]
    for row in wanted:
        for genus in filter(None, row["genera"].split("|")):
            by_genus.setdefault(genus, []).append(row["row"])
    names: list[str] = []
    ranks: list[str] = []
    knowledge: list[tuple[str, ...]] = []
    columns: list[list[int]] = []
    for j in np.flatnonzero(seen).tolist():
        is_genus = bool(composition.named[j])
        names.append(composition.names[j])
        ranks.append("genus" if is_genus else "unclassified")
        knowledge.append(tuple(by_genus.get(composition.names[j], ())) if is_genus else ())
        columns.append([j])
    count = len(columns)
    for row in wanted:
        families = set(filter(None, row["families"].split("|")))
        parts = [j for j, f in enumerate(composition.families) if f in families]
        if len(parts) == 1 and composition.names[parts[0]] in names[:count]:
            only = names.index(composition.names[parts[0]])
            knowledge[only] = (*knowledge[only], row["row"])
        elif len(parts) > 1 and row["taxon"] not in names:
            names.append(row["taxon"])
            ranks.append("family")
            knowledge.append((row["row"],))
            columns.append(parts)
    at = np.array([j for c in columns for j in c], dtype=np.int64)
    taxon = np.repeat(np.arange(len(columns)), [len(c) for c in columns])
    members = sparse.csr_matrix((np.ones(at.size, dtype=np.int64), (at, taxon)), shape=(len(composition.names), len(columns)))
    single = np.arange(len(columns)) < count
    return Taxa(tuple(names), tuple(ranks), tuple(knowledge), members, single)
