"""What R's objects carry beside the table: lineages, sample metadata and trees, brought into the forms that every reader gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.newick import parse_newick
from gutdiv.io.r.objects import members, numbers, shape, texts
from gutdiv.io.ranks import RANK_OF, rank_columns
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.inputs import RawTaxonomy, RawTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rdata.parser import RObject

    from gutdiv.io.r.objects import RFrame

_MISSING = {"", "NA"}  # as in metadata that come as text


# ---------------------------------------------------------------- lineages
def taxonomy_of(taxa: RFrame, source: str, *, what: str) -> RawTaxonomy:
    """Make a taxonomy of a frame whose rows are features; empty where no column tells its rank. The notes say which columns were left.

    Raises
    ------
    InputError
        Where a feature stands twice.
    """
    by_rank = rank_columns(list(taxa.columns))
    others = [n for n in (*taxa.columns, *taxa.ignored) if n not in by_rank.values()]
    if not by_rank:
        said = (f"{what} of {source} is not used: none of its columns is named for a rank ({first_ids(others)}).",) if others else ()
        return RawTaxonomy({}, (), source, what, notes=said)
    twice = sorted({r for r in taxa.rows if taxa.rows.count(r) > 1}) if len(set(taxa.rows)) < len(taxa.rows) else []
    if twice:
        msg = f"{source}: {count_noun(twice, 'feature')} more than once in {what}: {first_ids(twice)}. Keep one row for each."
        raise InputError(msg)
    notes = [f"Columns of {what} of {source} that are no ranks were left out: {first_ids(others, limit=8)}."] if others else []
    if "lineage" not in by_rank and not {n.strip().lower() for n in by_rank.values()} & RANK_OF.keys():
        notes.append(
            f"The columns {by_rank['domain']} to {list(by_rank.values())[-1]} of {what} were taken as the ranks {', '.join(by_rank)}, in this order."
        )
    columns = [[None if c is None or c.strip() in _MISSING else c.strip() for c in taxa.columns[name].cells] for name in by_rank.values()]
    rows = dict(zip(taxa.rows, zip(*columns, strict=True), strict=True))
    return RawTaxonomy(rows, tuple(by_rank), source, what, notes=tuple(notes))


# ---------------------------------------------------------------- sample metadata
def metadata_of(about: RFrame, source: str, *, what: str) -> SampleMetadata:
    """Make sample metadata of a frame whose rows are samples: R's numbers are numeric, factors, strings, logicals and dates categorical.

    Raises
    ------
    InputError
        Where a sample stands twice.
    """
    twice = sorted({r for r in about.rows if about.rows.count(r) > 1}) if len(set(about.rows)) < len(about.rows) else []
    if twice:
        msg = f"{source}: {count_noun(twice, 'sample')} more than once in {what}: {first_ids(twice)}. Keep one row for each."
        raise InputError(msg)
    columns: dict[str, tuple[str | None, ...]] = {}
    kinds = {}
    notes = (
        [f"Columns of {what} of {source} that are no plain vectors were left out: {first_ids(about.ignored, limit=8)}."]
        if about.ignored
        else []
    )
    for name, column in about.columns.items():
        kept = name
        while kept == "sample_id" or (kept != name and (kept in columns or kept in about.columns)):
            kept += "_"  # `sample_id` heads the ids in the files that gutdiv writes
        if kept != name:
            notes.append(f"Column {name!r} of {what} of {source} is called {kept!r} here, for {name!r} heads the sample ids.")
        columns[kept] = tuple(None if c is None or c.strip() in _MISSING else c.strip() for c in column.cells)
        numeric = column.numbers is not None and not np.isinf(column.numbers).any() and not np.isnan(column.numbers).all()
        kinds[kept] = "numeric" if numeric else "categorical"
    return SampleMetadata(about.rows, columns, kinds, source, what, tuple(notes))


# ---------------------------------------------------------------- trees
def tree_of(phylo: RObject, source: str, *, labels: Mapping[int, str] | None = None) -> RawTree:
    """Make a tree of ape's `phylo`; `labels` gives tips (numbered from 1) other names. Rooted is what ape's `is.rooted` says.

    Raises
    ------
    InputError
        Where its edges are no tree, or its tips or lengths are not as a Newick file's must be.
    """
    parts = dict(members(phylo))
    edge, tips = parts["edge"], [t or "" for t in texts(parts["tip.label"])]
    ends = numbers(edge).reshape(2, -1).astype(int).tolist() if shape(edge)[1:] == (2,) else [[], []]
    lengths: list[float | None] = [None] * len(ends[0])
    if "edge.length" in parts and len(parts["edge.length"].value) == len(lengths):
        lengths = [None if v != v else v for v in numbers(parts["edge.length"]).tolist()]
    below: dict[int, list[int]] = {}
    for number, parent in enumerate(ends[0]):
        below.setdefault(parent, []).append(number)
    roots = below.keys() - set(ends[1])
    names = {i + 1: (labels or {}).get(i + 1, t) for i, t in enumerate(tips)}
    whole = len(roots) == 1 and len(set(ends[1])) == len(ends[1]) and set(ends[1]) - below.keys() == names.keys()
    tree = parse_newick(_newick(roots.pop(), below, ends[1], lengths, names), source) if whole else None
    if tree is None or len(tree.tree.tip_names) != len(tips):
        msg = f"{source}: its edges (of a 'phylo' object) form no tree with {count_noun(tips, 'tip')}. Write the tree anew with ape::write.tree()."
        raise InputError(msg)
    return replace(tree, rooted=tree.rooted or "root.edge" in parts, format="phylo object of R")


def _newick(
    root: int, below: Mapping[int, Sequence[int]], children: Sequence[int], lengths: Sequence[float | None], names: Mapping[int, str]
) -> str:
    """Write edges as Newick text, in a loop: trees may be as deep as they have tips."""
    out = ["("]
    trail = [iter(below[root])]
    closing = [""]
    first = True
    while trail:
        number = next(trail[-1], None)
        if number is None:
            trail.pop()
            out.append(")" + closing.pop())
            first = False
            continue
        out.append("" if first else ",")
        length = lengths[number]
        end = "" if length is None else f":{length!r}"
        node = children[number]
        if node in below:
            out.append("(")
            trail.append(iter(below[node]))
            closing.append(end)
            first = True
        else:
            out.append("'" + names.get(node, "").replace("'", "''") + "'" + end)
            first = False
    return "".join(out) + ";"


def linked_tips(links: RFrame, features: Sequence[str]) -> tuple[dict[int, str], str | None, int]:
    """Read a TreeSummarizedExperiment's links of rows to nodes: tip number to feature, the tree's name, and how many rows have no tip of their own."""
    leaf, number = links.columns["isLeaf"].cells, links.columns["nodeNum"].numbers
    trees = {t for t in links.columns["whichTree"].cells if t} if "whichTree" in links.columns else set()
    if number is None or len(number) != len(features) or len(trees) > 1:
        return {}, None, len(features)
    found: dict[int, str] = {}
    shared: set[int] = set()
    for feature, on_leaf, node in zip(features, leaf, number.tolist(), strict=True):
        if on_leaf == "TRUE" and node == node:
            (shared.add if node in found else lambda _: None)(int(node))
            found.setdefault(int(node), feature)
    found = {k: v for k, v in found.items() if k not in shared}
    return found, next(iter(trees), None), len(features) - len(found)
