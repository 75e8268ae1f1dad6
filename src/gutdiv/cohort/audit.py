"""What became of every name in a cohort's lineages: its canonical name and the rule that gave it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gutdiv.cohort.dialects import detect
from gutdiv.cohort.lineages import Synonyms, Understood, clean_name, lineage_parts, understand
from gutdiv.model.cohort import RANKS
from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.cohort import Cohort

KIND = "taxonomy_audit"
_GENUS = RANKS.index("genus")
# Why a name that was found is less than one genus, or not the one that its spelling suggests.
_REASONS = {
    "polyphyletic": "spans several genera, so that it keeps a name of its own",
    "lumped": "holds more than this genus in this database",
    "approximate": "about the same genus in this database",
    "other family": "means another genus in this family",
    "unplaced": "a genus without a place of its own, told apart by its family",
}


@dataclass(frozen=True, order=True)
class _Name:
    """One spelling as the audit lists it: equal ones share a row."""

    spelling: str
    rank: str
    spelled_family: str
    canonical_genus: str
    canonical_family: str
    canonical_phylum: str
    rule: str
    reason: str


def audit(cohort: Cohort, synonyms: Synonyms) -> tuple[pd.DataFrame, dict[str, Any]]:
    """List every spelling of a genus in a cohort's lineages, and the deepest name where there is none, with what became of it.

    Parameters
    ----------
    cohort : Cohort
        Each of its features belongs to exactly one row; without lineages there are no rows.
    synonyms
        The spellings of genera, as `cohort.lineages.understand` takes them; those with which the cohort was built.

    Returns
    -------
    frame : DataFrame
        Columns of the kind `taxonomy_audit`, most reads first. `spelling` is the genus as spelled, or the deepest name above it and what stands in
        the place of a genus (`Lachnospiraceae; uncultured`); `rank` is the rank of that name, `none` where nothing is named. `share_of_reads`
        is the part of all reads of the cohort: all rows sum to 1.
    about : dict
        `dialect` (its `name`, `flavour`, `sure`, `marked` and `lineages`, as `cohort.dialects.Dialect` explains), `rules` (share of reads by
        rule), `named_at_genus` and `named_at_family` (shares of reads), and `absent`.
    """
    lineages = cohort.lineages
    if lineages is None:
        frame = pd.DataFrame({c: pd.Series(dtype=object) for c in TABLES[KIND]})
        return frame, {"absent": {KIND: "the cohort has no lineages, so that no name can be looked up"}}
    spoken = cohort.record.get("dialect")
    found = detect(t for t in dict.fromkeys(lineages["lineage"]) if t)
    rows = list(lineages[[*RANKS, "lineage"]].itertuples(index=False, name=None))
    memo = {row: _name(row[:-1], row[-1] or "", understand(row[:-1], synonyms, dialect=spoken)) for row in dict.fromkeys(rows)}
    reads = np.asarray(cohort.counts.sum(axis=0)).ravel()
    tally: dict[_Name, list[int]] = {}
    for row, n in zip(rows, reads.tolist(), strict=True):
        entry = tally.setdefault(memo[row], [0, 0])
        entry[0] += 1
        entry[1] += n
    total = int(reads.sum())
    listed = sorted(tally.items(), key=lambda item: (-item[1][1], item[0]))
    told = {c: [getattr(name, c) for name, _ in listed] for c in _Name.__dataclass_fields__}
    columns = {
        **told,
        "n_features": [n for _, (n, _) in listed],
        "share_of_reads": [r / total for _, (_, r) in listed],
        "dialect": [str(spoken or "")] * len(listed),
    }
    frame = pd.DataFrame({c: columns[c] for c in TABLES[KIND]})
    about = {
        "dialect": {
            "name": spoken,
            "flavour": found.flavour if found.name == spoken else "",
            "sure": found.sure,
            "marked": dict(sorted(found.marked.items())),
            "lineages": found.lineages,
        },
        "rules": {str(rule): float(s) for rule, s in frame.groupby("rule", sort=True)["share_of_reads"].sum().items()},
        "named_at_genus": float(frame.loc[frame["canonical_genus"] != "", "share_of_reads"].sum()),
        "named_at_family": float(frame.loc[frame["canonical_family"] != "", "share_of_reads"].sum()),
        "absent": {},
    }
    return frame, about


def _name(names: Sequence[str | None], lineage: str, meant: Understood) -> _Name:
    """Say what one lineage spells, at the rank of genus or as deep as it goes, and what that means."""
    spelled_family = names[4] or ""
    canonical = (spelled_family, meant.genus or "", meant.family or "", meant.phylum or "", meant.rule)
    genus = names[_GENUS]
    if meant.genus is not None and genus is not None:
        left = f"left off: {meant.dropped}" if meant.dropped else ""
        return _Name(genus, "genus", *canonical, "; ".join(r for r in (_REASONS.get(meant.rule, ""), left) if r))
    if genus is not None:
        above = next((rank for rank, n in zip(RANKS[:_GENUS], names, strict=False) if n == genus), "")
        why = f"repeats the name of the {above}" if above else "names a place in no family"
        return _Name(genus, "genus", *canonical, f"no genus is called: the cell {why}")
    deepest = max((i for i, n in enumerate(names[:_GENUS]) if n), default=None)
    stead = _stead(lineage, None if deepest is None else names[deepest])
    if deepest is None:
        return _Name(stead, "none", *canonical, "nothing is named" if lineage else "no lineage in the taxonomy")
    spelling = f"{names[deepest]}; {stead}" if stead else str(names[deepest])
    why = f"no genus is called: {stead!r} stands in its place" if stead else f"the lineage ends at the {RANKS[deepest]}"
    return _Name(spelling, RANKS[deepest], *canonical, why)


def _stead(lineage: str, deepest: str | None) -> str:
    """Return what the lineage says after its deepest name, such as `uncultured`; empty where it says nothing."""
    parts = lineage_parts(lineage)
    named = [i for i, part in enumerate(parts) if deepest is not None and clean_name(part) == deepest]
    after = parts[named[-1] + 1 :] if named else parts
    bare = (_bare(part) for part in after)
    return next((b for b in bare if b), "")


def _bare(part: str) -> str:
    """Return a part of a lineage without prefix and quotes, empty where only these stand there."""
    text = part.strip().strip("\"'").strip()
    return "" if not text.strip("_") or text.endswith("__") else text
