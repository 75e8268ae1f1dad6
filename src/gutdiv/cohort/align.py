"""The one door: table, taxonomy, tree and metadata become one cohort, and everything that falls out is listed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gutdiv.cohort.ages import conflicts as age_conflicts
from gutdiv.cohort.counts import classify, read_counts
from gutdiv.cohort.draft import Draft, Fallen, canonical_form
from gutdiv.cohort.filters import Filters, Sieve, excludable, excludable_shares, sift
from gutdiv.cohort.lineages import Synonyms, canonical, dialect, parse_lineage, split_columns
from gutdiv.cohort.rooting import rooted_at_midpoint
from gutdiv.cohort.specimens import conflicts
from gutdiv.cohort.spelling import respelled
from gutdiv.errors import AlignmentError, InputError, count_noun, first_ids
from gutdiv.model.cohort import LINEAGE_COLUMNS, RANKS, Cohort, Roles, SampleMetadata
from gutdiv.model.tree import Tree

if TYPE_CHECKING:
    from scipy import sparse

    from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

__all__ = ["Choices", "Fallen", "align"]

LONGEST_BRANCH = (
    1e12  # beyond it no unit of substitutions or years makes sense, and sums of what follows lose the other branches or overflow
)
MOST_NUMERIC_GROUPS = 10  # a numeric column with more values than this codes no groups


@dataclass(frozen=True)
class Choices:
    """What the user decided where inputs may not fit; the values given here are the cautious ones.

    Parameters
    ----------
    values : {'auto', 'reads', 'cells'}
        What the table's values are; see `counts.classify`.
    root : {'keep', 'midpoint'}
        Take the tree's own root, or put one at its midpoint.
    missing_tips : {'error', 'drop'}
        What to do with features that the tree does not hold.
    without_metadata : {'keep', 'drop'}
        What to do with samples that have no row in the metadata.
    filters : Filters
        What else to leave out.
    """

    values: str = "auto"
    root: str = "keep"
    missing_tips: str = "error"
    without_metadata: str = "keep"
    filters: Filters = field(default_factory=Filters)


def align(
    table: RawTable,
    *,
    taxonomy: RawTaxonomy | None = None,
    tree: RawTree | None = None,
    metadata: SampleMetadata | None = None,
    roles: Roles | None = None,
    synonyms: Synonyms,
    choices: Choices | None = None,
) -> tuple[Cohort, list[Fallen]]:
    """Make a cohort of inputs that may not fit each other.

    Samples and features without reads are dropped. Samples without a metadata row stay, with empty cells, unless they are to be dropped; metadata rows
    without counts, lineages without a feature and tips without a feature are dropped. Features without a lineage stay, unnamed. A feature without a tip
    is an error unless it is to be dropped. Filters that are on are applied in the order of `Filters`. All of it is listed, by id and with the reason.

    Parameters
    ----------
    table, taxonomy, tree, metadata
        What the readers found. Where one is not given, the one that the table carries is used.
    roles : Roles, optional
        Columns of the metadata that play a part; each must exist.
    synonyms
        The spellings of genera, as `cohort.lineages.canonical` takes them.
    choices : Choices, optional
        What to do where inputs do not fit, and which filters to apply.

    Raises
    ------
    InputError
        Where the table's values are no counts, the tree has no root, a role names no column, or a filter leaves nothing.
    AlignmentError
        Where two inputs share no id, or the tree lacks features.
    """
    choices, roles = choices or Choices(), roles or Roles()
    taxonomy, tree, metadata = taxonomy or table.taxonomy, tree or table.tree, metadata or table.metadata
    _check_choices(choices, tree, metadata)
    values = classify(
        table,
        declared=choices.values,
        samples=() if metadata is None else metadata.ids,
        features=set(taxonomy.rows if taxonomy else ()) | set(tree.tree.tip_names if tree else ()),
    )
    fallen: list[Fallen] = []
    draft = _with_reads(read_counts(table, values), table, fallen)
    _check_roles(roles, metadata)
    sieve = Sieve(_described(draft, table, metadata, choices, fallen))
    tree = None if tree is None else _rooted(tree, choices.root)
    lineages, about = _lineages(draft.features, table, taxonomy, synonyms)
    kinds = None if lineages is None else _kinds(lineages)
    tips = None if tree is None else lambda: _drop_without_tip(sieve, tree, table, choices.missing_tips)
    shares = None if kinds is None else excludable_shares(sieve.draft, kinds, choices.filters.exclude)
    sift(sieve, choices.filters, roles=roles, lineages=kinds, tips=tips)
    _drop_empty(sieve)
    fallen += sieve.fallen
    draft = sieve.draft
    if tree is not None:
        fallen += [
            Fallen("tip", t, "dropped", "no such feature in the table") for t in sorted(set(tree.tree.tip_names) - set(table.feature_ids))
        ]
    if lineages is not None and taxonomy is not None:
        lineages = lineages.loc[list(draft.features)]
        fallen += [
            Fallen("taxonomy", f, "dropped", "no such feature in the table") for f in sorted(taxonomy.rows.keys() - set(table.feature_ids))
        ]
        fallen += [Fallen("feature", f, "kept", "no lineage in the taxonomy") for f in draft.features if not any(taxonomy.rows.get(f, ()))]
    if metadata is not None:
        known = set(metadata.ids)
        fallen += [Fallen("sample", s, "kept", _NO_ROW) for s in draft.samples if s not in known and s not in sieve.merged]
        fallen += [Fallen("metadata", s, "dropped", "no such sample in the table") for s in sorted(known - set(table.sample_ids))]
    aligned = draft.metadata
    if roles.group is not None:  # numbers that code groups are names, not quantities
        aligned = replace(aligned, kinds={**aligned.kinds, roles.group: "categorical"})
    said = (note for part in (table, taxonomy, tree, metadata) if part is not None for note in part.notes)
    record: dict[str, Any] = {
        "format": table.format,
        "mode": values.mode,
        "notes": list(dict.fromkeys([*values.notes, *said, *sieve.notes])),
        "filters": sieve.entries,
        "excludable": shares or [],
        **({"merged": sieve.merged} if sieve.merged else {}),
        **({"specimen_conflicts": elsewhere} if (elsewhere := conflicts(aligned, roles.specimen)) else {}),
        **({"age_conflicts": other_ages} if (other_ages := age_conflicts(aligned, roles.age_band)) else {}),
        **about,
    }
    found = None if tree is None else _measured(_pruned(tree.tree, draft.features), tree.source)
    return Cohort(draft.samples, draft.features, canonical_form(draft.counts), lineages, found, aligned, roles, record), fallen


def _check_choices(choices: Choices, tree: RawTree | None, metadata: SampleMetadata | None) -> None:
    """Refuse options that would do nothing, or fail with another reason, for want of a tree or of metadata."""
    if choices.root == "midpoint" and tree is None:
        msg = "--root midpoint is given, but there is no tree. Supply one with --tree, or leave the option out."
        raise InputError(msg)
    given = {"blanks": choices.filters.blanks, "replicates": choices.filters.replicates}
    said = [f"--{name} {value!r}" for name, value in given.items() if value]
    said += ["--without-metadata drop"] if choices.without_metadata == "drop" else []
    if said and metadata is None:
        msg = f"{said[0]} is given, but there is no sample metadata. Supply it with --metadata, or leave the option out."
        raise InputError(msg)


# ---------------------------------------------------------------- counts
def _with_reads(counts: sparse.csr_matrix, table: RawTable, fallen: list[Fallen]) -> Draft:
    """Sort samples and features by id, and drop those without reads."""
    reads, seen = np.asarray(counts.sum(axis=1)).ravel(), np.asarray(counts.sum(axis=0)).ravel()
    fallen += [Fallen("sample", s, "dropped", "no reads") for s in sorted(table.sample_ids[i] for i in np.flatnonzero(reads == 0))]
    unseen = sorted(table.feature_ids[j] for j in np.flatnonzero(seen == 0))
    fallen += [Fallen("feature", f, "dropped", "no reads in any sample") for f in unseen]
    rows = sorted(np.flatnonzero(reads), key=lambda i: table.sample_ids[i])
    columns = sorted(np.flatnonzero(seen), key=lambda j: table.feature_ids[j])
    if not rows:
        msg = f"{table.source}: no sample holds a read."
        raise InputError(msg)
    samples, features = tuple(table.sample_ids[i] for i in rows), tuple(table.feature_ids[j] for j in columns)
    return Draft(samples, features, canonical_form(counts[rows][:, columns].tocsr()), SampleMetadata(samples, {}, {}))


def _drop_empty(sieve: Sieve) -> None:
    """Drop the samples and features that the filters left without reads."""
    bare = sieve.draft.depth == 0
    if bare.any():
        sieve.drop_samples(bare, "no reads left after features were dropped")
    unseen = sieve.draft.feature_reads == 0
    if unseen.any():
        sieve.drop_features(unseen, "no reads left after samples were dropped")
    if not sieve.draft.samples:
        msg = "no sample is left after the filters. Choose milder ones."
        raise InputError(msg)


# ---------------------------------------------------------------- metadata
_NO_ROW = "no row in the sample metadata: its cells are empty"


def _described(draft: Draft, table: RawTable, metadata: SampleMetadata | None, choices: Choices, fallen: list[Fallen]) -> Draft:
    """Give each sample its row; samples without one keep empty cells, or are dropped."""
    if metadata is None:
        return draft
    place = {s: i for i, s in enumerate(metadata.ids)}
    if not place.keys() & set(table.sample_ids):
        msg = (
            f"{metadata.source} and {table.source} share no sample id: the table has {first_ids(sorted(table.sample_ids), limit=3)}, "
            f"the metadata {first_ids(sorted(place), limit=3)}. Spell ids in one way, letter for letter.{respelled(table.sample_ids, place)}"
        )
        raise AlignmentError(msg)
    columns = {n: tuple(c[place[s]] if s in place else None for s in draft.samples) for n, c in metadata.columns.items()}
    draft = replace(draft, metadata=replace(metadata, ids=draft.samples, columns=columns))
    if choices.without_metadata == "keep":
        return draft
    known = np.array([s in place for s in draft.samples], dtype=bool)
    fallen += [Fallen("sample", s, "dropped", "no row in the sample metadata") for s, k in zip(draft.samples, known, strict=True) if not k]
    if not known.any():
        msg = f"--without-metadata drop leaves no sample: none that holds reads has a row in {metadata.source}."
        raise InputError(msg)
    return draft.of_samples(known)


def _check_roles(roles: Roles, metadata: SampleMetadata | None) -> None:
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


# ---------------------------------------------------------------- lineages
def _lineages(
    features: tuple[str, ...], table: RawTable, taxonomy: RawTaxonomy | None, synonyms: Synonyms
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Give each feature its lineage as spelled and its canonical family and genus."""
    if taxonomy is None:
        return None, {"dialect": None}
    rows, ranks = taxonomy.rows, taxonomy.ranks
    if not rows.keys() & set(table.feature_ids):
        msg = (
            f"{taxonomy.source} and {table.source} share no feature id: the table has {first_ids(sorted(table.feature_ids), limit=3)}, the taxonomy "
            f"{first_ids(sorted(rows), limit=3)}. Supply the taxonomy made for this table.{respelled(table.feature_ids, rows)}"
        )
        raise AlignmentError(msg)
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


def _kinds(lineages: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Tell of each feature what `--exclude` could take it for."""
    rows = list(lineages[list(RANKS)].itertuples(index=False, name=None))
    memo = {names: excludable(names) for names in dict.fromkeys(rows)}
    return {str(f): memo[names] for f, names in zip(lineages.index, rows, strict=True)}


# ---------------------------------------------------------------- tree
def _rooted(tree: RawTree, root: str) -> RawTree:
    """Take the tree's root or make one; refuse a tree that has none, or whose lengths are none."""
    _measured(tree.tree, tree.source)
    if root == "midpoint":
        return rooted_at_midpoint(tree)
    if not tree.rooted:
        branches = int(np.sum(tree.tree.parent == tree.tree.parent.size - 1))
        msg = (
            f"{tree.source}: the tree is unrooted ({f'its base splits into {branches} branches' if branches > 2 else 'as it says itself'}), "
            "and phylogenetic metrics depend on the root. "
            "Root it half-way between its farthest tips with --root midpoint, or supply a rooted tree."
        )
        raise InputError(msg)
    return tree


def _measured(tree: Tree, source: str) -> Tree:
    """Return the tree; refuse one without any length above its tips, or with a length that no unit explains."""
    length = tree.length[:-1]  # the last node is the root
    if not (length > 0).any():
        msg = (
            f"{source}: no branch above the {count_noun(tree.tip_names, 'tip')} has a length above 0, and phylogenetic "
            "metrics are sums of lengths. Supply a tree with branch lengths, or leave the tree out."
        )
        raise InputError(msg)
    if (wrong := length > LONGEST_BRANCH).any():
        at = int(np.flatnonzero(wrong)[0])
        name = next((f" of tip {n[:60]!r}" for n, t in zip(tree.tip_names, tree.tip_nodes.tolist(), strict=True) if t == at), "")
        msg = (
            f"{source}: the branch length {length[at]:g}{name} is beyond {LONGEST_BRANCH:g} ({count_noun(int(wrong.sum()), 'such length')} "
            "in all). Mend it, or supply another tree."
        )
        raise InputError(msg)
    return tree


def _drop_without_tip(sieve: Sieve, tree: RawTree, table: RawTable, missing_tips: str) -> None:
    """Drop the features that the tree lacks, or refuse."""
    features, tips = sieve.draft.features, set(tree.tree.tip_names)
    gone = np.array([f not in tips for f in features], dtype=bool)
    missing = [f for f, g in zip(features, gone, strict=True) if g]
    if len(missing) == len(features):
        msg = (
            f"{tree.source} and {table.source} share no feature: the table has {first_ids(features, limit=3)}, the tree {first_ids(sorted(tips), limit=3)}. "
            f"Supply the tree made for this table.{respelled(features, tips)}"
        )
        raise AlignmentError(msg)
    if missing and missing_tips != "drop":
        has = "has" if len(missing) == 1 else "have"
        msg = (
            f"{count_noun(missing, 'feature')} of {len(features):,} {has} no tip in {tree.source} ({first_ids(missing)}). "
            f"Drop them with --missing-tips drop, or supply a tree that holds them.{respelled(missing, tips)}"
        )
        raise AlignmentError(msg)
    if missing:
        sieve.run("missing_tips", "drop", lambda: sieve.drop_features(gone, "no tip in the tree"))


def _pruned(tree: Tree, features: tuple[str, ...]) -> Tree:
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
    return Tree(parent, tree.length[keep], features, tips)
