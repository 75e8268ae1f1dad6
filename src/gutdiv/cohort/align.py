"""The one door: table, taxonomy, tree and metadata become one cohort, and everything that falls out is listed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from gutdiv.cohort.counts import classify, read_counts
from gutdiv.cohort.lineages import Synonyms, canonical, dialect, parse_lineage, split_columns
from gutdiv.errors import AlignmentError, InputError, count_noun, first_ids
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, Roles, SampleMetadata
from gutdiv.model.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

MOST_NUMERIC_GROUPS = 10  # a numeric column with more values than this codes no groups


@dataclass(frozen=True)
class Fallen:
    """One sample, feature or tip that was dropped, or kept incomplete, and why."""

    part: str
    id: str
    outcome: str
    reason: str


def align(
    table: RawTable,
    *,
    taxonomy: RawTaxonomy | None = None,
    tree: RawTree | None = None,
    metadata: SampleMetadata | None = None,
    roles: Roles | None = None,
    synonyms: Synonyms,
    missing_tips: str = "error",
) -> tuple[Cohort, list[Fallen]]:
    """Make a cohort of inputs that may not fit each other.

    Samples and features without reads are dropped. Samples without a metadata row stay, with empty cells; metadata rows without counts,
    lineages without a feature and tips without a feature are dropped. Features without a lineage stay, unnamed. A feature without a tip is
    an error unless `missing_tips` is `drop`. All of it is listed, by id and with the reason.

    Parameters
    ----------
    table, taxonomy, tree, metadata
        What the readers found. Lineages inside the table are used where no taxonomy is given.
    roles : Roles, optional
        Columns of the metadata that play a part; each must exist.
    synonyms
        The spellings of genera, as `cohort.lineages.canonical` takes them.
    missing_tips : {'error', 'drop'}
        What to do with features that the tree does not hold.

    Raises
    ------
    InputError
        Where the table's values are no counts, or a role names no column.
    AlignmentError
        Where two inputs share no id, or the tree lacks features.
    """
    fallen: list[Fallen] = []
    known_samples = metadata.ids if metadata is not None else ()
    values = classify(table, samples=known_samples, features=_known_features(taxonomy, tree))
    counts = read_counts(table, values)
    reads, seen = np.asarray(counts.sum(axis=1)).ravel(), np.asarray(counts.sum(axis=0)).ravel()
    fallen += [Fallen("sample", table.sample_ids[i], "dropped", "no reads") for i in np.flatnonzero(reads == 0)]
    fallen += [Fallen("feature", table.feature_ids[j], "dropped", "no reads in any sample") for j in np.flatnonzero(seen == 0)]
    samples = sorted(s for s, n in zip(table.sample_ids, reads, strict=True) if n)
    features = sorted(f for f, n in zip(table.feature_ids, seen, strict=True) if n)
    if not samples:
        msg = f"{table.source}: no sample holds a read."
        raise InputError(msg)
    known = set(features)
    if tree is not None:
        features = _with_tips(features, set(table.feature_ids), tree, table, missing_tips, fallen)
    kept = _reordered(counts, table, samples, features)
    empty = {samples[i] for i in np.flatnonzero(np.asarray(kept.sum(axis=1)).ravel() == 0)}
    if empty:
        fallen += [Fallen("sample", s, "dropped", "no reads left after features without a tip were dropped") for s in sorted(empty)]
        samples = [s for s in samples if s not in empty]
        kept = _reordered(counts, table, samples, features)
    ids = tuple(samples)
    lineages, about = _lineages(features, known, table, taxonomy, synonyms, fallen)
    roles = _checked(roles or Roles(), metadata)
    aligned = _metadata(ids, set(table.sample_ids), metadata, table.source, fallen)
    if roles.group is not None:  # numbers that code groups are names, not quantities
        aligned = replace(aligned, kinds={**aligned.kinds, roles.group: "categorical"})
    cohort = Cohort(
        ids,
        tuple(features),
        kept,
        lineages,
        None if tree is None else _pruned(tree.tree, features),
        aligned,
        roles,
        {"format": table.format, "mode": values.mode, "notes": [*table.notes, *values.notes, *(tree.notes if tree else ())], **about},
    )
    return cohort, fallen


# ---------------------------------------------------------------- counts
def _known_features(taxonomy: RawTaxonomy | None, tree: RawTree | None) -> set[str]:
    """Return the features that taxonomy and tree name."""
    return set(taxonomy.rows if taxonomy else ()) | set(tree.tree.tip_names if tree else ())


def _reordered(counts: sparse.csr_matrix, table: RawTable, samples: Iterable[str], features: Iterable[str]) -> sparse.csr_matrix:
    """Take these samples and features, in this order, with sorted indices."""
    rows = {s: i for i, s in enumerate(table.sample_ids)}
    columns = {f: j for j, f in enumerate(table.feature_ids)}
    matrix = counts[[rows[s] for s in samples]][:, [columns[f] for f in features]].tocsr()
    matrix.sort_indices()
    return sparse.csr_matrix((matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64)), shape=matrix.shape)


# ---------------------------------------------------------------- metadata
def _metadata(
    ids: tuple[str, ...], in_table: set[str], metadata: SampleMetadata | None, source: str, fallen: list[Fallen]
) -> SampleMetadata:
    """Give each sample its row; samples without one keep empty cells."""
    if metadata is None:
        return SampleMetadata(ids, {}, {})
    place = {s: i for i, s in enumerate(metadata.ids)}
    if not place.keys() & in_table:
        msg = (
            f"{metadata.source} and {source} share no sample id: the table has {first_ids(sorted(in_table), limit=3)}, "
            f"the metadata {first_ids(sorted(place), limit=3)}. Spell ids in one way, letter for letter."
        )
        raise AlignmentError(msg)
    fallen += [Fallen("sample", s, "kept", "no row in the sample metadata: its cells are empty") for s in ids if s not in place]
    fallen += [Fallen("metadata", s, "dropped", "no such sample in the table") for s in sorted(place) if s not in in_table]
    columns = {n: tuple(c[place[s]] if s in place else None for s in ids) for n, c in metadata.columns.items()}
    return SampleMetadata(ids, columns, metadata.kinds)


def _checked(roles: Roles, metadata: SampleMetadata | None) -> Roles:
    """Refuse a role whose column does not exist."""
    for part in ("group", "subject", "time"):
        name = getattr(roles, part)
        if name is None:
            continue
        if metadata is None:
            msg = f"{part} column {name!r} is named, but there is no sample metadata. Supply it with --metadata."
            raise InputError(msg)
        values = set(metadata.column(name)) - {None}
        if part == "group" and metadata.kinds[name] == "numeric" and len(values) > MOST_NUMERIC_GROUPS:
            msg = (
                f"group column {name!r} holds {len(values)} different numbers, not groups. Name a column of groups "
                "(a continuous variable goes into the formula of the comparison)."
            )
            raise InputError(msg)
    return roles


# ---------------------------------------------------------------- lineages
def _lineages(
    features: list[str], known: set[str], table: RawTable, taxonomy: RawTaxonomy | None, synonyms: Synonyms, fallen: list[Fallen]
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Give each feature its lineage as spelled and its canonical family and genus."""
    taxonomy = taxonomy or table.taxonomy
    rows: Mapping[str, tuple[str | None, ...]]
    if taxonomy is not None:
        rows, ranks = taxonomy.rows, taxonomy.ranks
        if not rows.keys() & set(table.feature_ids):
            msg = (
                f"{taxonomy.source} and {table.source} share no feature id: the table has {first_ids(sorted(table.feature_ids), limit=3)}, "
                f"the taxonomy {first_ids(sorted(rows), limit=3)}. Supply the taxonomy made for this table."
            )
            raise AlignmentError(msg)
        fallen += [Fallen("taxonomy", f, "dropped", "no such feature in the table") for f in sorted(rows.keys() - set(table.feature_ids))]
    else:
        return None, {"dialect": None}
    fallen += [Fallen("feature", f, "kept", "no lineage in the taxonomy") for f in features if not any(rows.get(f, ()))]
    cells = {f: rows.get(f, (None,) * len(ranks)) for f in features}
    spelled = {c: "; ".join(v or "" for v in c).rstrip("; ") or None for c in dict.fromkeys(cells.values())}
    found = dialect(t for t in spelled.values() if t)
    memo = {c: (*_names(c, ranks, synonyms, found), text) for c, text in spelled.items()}
    frame = pd.DataFrame(
        [memo[cells[f]] for f in features], index=pd.Index(features, dtype=object), columns=list(LINEAGE_COLUMNS), dtype=object
    )
    return frame, {"dialect": found}


def _names(cells: tuple[str | None, ...], ranks: tuple[str, ...], synonyms: Synonyms, found: str) -> tuple[str | None, ...]:
    """One feature's names by rank, then its canonical family and genus."""
    names = split_columns(dict(zip(ranks, cells, strict=True))) if ranks != ("lineage",) else parse_lineage(cells[0] or "")
    family, genus, _ = canonical(names, synonyms, dialect=found)
    return (*names, family, genus)


# ---------------------------------------------------------------- tree
def _with_tips(
    features: list[str], in_table: set[str], tree: RawTree, table: RawTable, missing_tips: str, fallen: list[Fallen]
) -> list[str]:
    """Return the features that the tree holds; refuse or drop the others."""
    if not tree.rooted:
        msg = (
            f"{tree.source}: the tree is unrooted (its base splits into {int(np.sum(tree.tree.parent == tree.tree.parent.size - 1))} branches), "
            "and phylogenetic metrics depend on the root. Supply a rooted tree (QIIME 2: `qiime phylogeny midpoint-root`)."
        )
        raise InputError(msg)
    tips = set(tree.tree.tip_names)
    missing = [f for f in features if f not in tips]
    if len(missing) == len(features):
        msg = (
            f"{tree.source} and {table.source} share no feature: the table has {first_ids(features, limit=3)}, the tree {first_ids(sorted(tips), limit=3)}. "
            "Supply the tree made for this table."
        )
        raise AlignmentError(msg)
    if missing and missing_tips != "drop":
        msg = (
            f"{count_noun(missing, 'feature')} of {len(features):,} {'has' if len(missing) == 1 else 'have'} no tip in {tree.source} ({first_ids(missing)}). "
            "Drop them with --missing-tips drop, or supply a tree that holds them."
        )
        raise AlignmentError(msg)
    fallen += [Fallen("feature", f, "dropped", "no tip in the tree") for f in missing]
    fallen += [Fallen("tip", t, "dropped", "no such feature in the table") for t in sorted(tips - in_table)]
    gone = set(missing)
    return [f for f in features if f not in gone]


def _pruned(tree: Tree, features: list[str]) -> Tree:
    """Keep these tips and what lies above them; branches of nodes left with one child stay, so that no path changes its length."""
    place = dict(zip(tree.tip_names, tree.tip_nodes.tolist(), strict=True))
    n = tree.parent.size
    keep = np.zeros(n, dtype=bool)
    keep[[place[f] for f in features]] = True
    for node in range(n - 1):
        if keep[node]:
            keep[tree.parent[node]] = True
    number = np.cumsum(keep) - 1
    above = tree.parent[keep]
    parent = np.where(above >= 0, number[above], -1).astype(np.int32)
    tips = np.array([number[place[f]] for f in features], dtype=np.int32)
    return Tree(parent, tree.length[keep], tuple(features), tips)
