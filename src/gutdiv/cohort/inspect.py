"""What files are, in a few lines: sizes, depth, dialect, and how ids fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.cohort.lineages import dialect
from gutdiv.errors import first_ids
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(role: str, thing: object, name: str) -> list[str]:
    """Return one to three lines on one input."""
    if isinstance(thing, RawTable):
        depth = np.asarray(thing.values.sum(axis=1)).ravel()
        quartiles = " / ".join(f"{v:,.0f}" for v in np.percentile(depth, [0, 25, 50, 75, 100]))
        whole = bool(np.all(thing.values.data == np.round(thing.values.data)) and np.all(thing.values.data >= 0))
        singletons = float(np.mean(thing.values.data == 1)) if thing.values.nnz else 0.0
        return [
            f"{name}: {thing.format}, {len(thing.sample_ids):,} samples x {len(thing.feature_ids):,} features",
            f"  reads a sample (min / quartiles / max): {quartiles}; {'whole counts' if whole else 'NOT whole counts'}; "
            f"{singletons:.0%} of entries are singletons",
        ]
    if isinstance(thing, RawTaxonomy):
        spelled = ["; ".join(c or "" for c in row) for row in thing.rows.values()]
        return [f"{name}: taxonomy ({thing.format}), {len(thing.rows):,} features, dialect: {dialect(spelled)}"]
    if isinstance(thing, RawTree):
        return [f"{name}: {'rooted' if thing.rooted else 'UNROOTED'} tree, {len(thing.tree.tip_names):,} tips" + "".join(f"; {n}" for n in thing.notes)]
    if isinstance(thing, SampleMetadata):
        columns = ", ".join(f"{c} ({thing.kinds[c][:3]})" for c in list(thing.columns)[:12])
        more = f" and {len(thing.columns) - 12} more" if len(thing.columns) > 12 else ""
        return [f"{name}: sample metadata, {len(thing.ids):,} samples, columns: {columns}{more}"]
    return [f"{name}: {role}"]


def fit(found: Mapping[str, Any]) -> list[str]:
    """Return a line on each pair of inputs whose ids must fit."""
    table = found.get("table")
    if not isinstance(table, RawTable):
        return []
    others = {
        "taxonomy": (set(table.feature_ids), set(found["taxonomy"].rows) if "taxonomy" in found else None, "features"),
        "tree": (set(table.feature_ids), set(found["tree"].tree.tip_names) if "tree" in found else None, "features"),
        "metadata": (set(table.sample_ids), set(found["metadata"].ids) if "metadata" in found else None, "samples"),
    }
    lines = []
    for role, (ours, theirs, what) in others.items():
        if theirs is None:
            continue
        lacking, beyond = sorted(ours - theirs), sorted(theirs - ours)
        line = f"table and {role}: {len(ours & theirs):,} {what} in both"
        line += f"; {len(lacking):,} only in the table ({first_ids(lacking, limit=3)})" if lacking else ""
        line += f"; {len(beyond):,} only in the {role} ({first_ids(beyond, limit=3)})" if beyond else ""
        lines.append(line)
    return lines
