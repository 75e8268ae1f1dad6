"""Which columns of a taxonomy hold which rank, whatever the file they come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gutdiv.model.cohort import RANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

RANK_OF = {"kingdom": "domain", "superkingdom": "domain", **{r: r for r in RANKS}}
LINEAGE_NAMES = {"taxon", "taxonomy", "lineage", "consensus lineage", "consensuslineage", "consensus.lineage"}
_NUMBERED = re.compile(r"(.*?)(\d+)")


def rank_columns(names: Sequence[str]) -> dict[str, str]:
    """Return which columns of a taxonomy hold which rank: by their names, or in order where all are numbered (`Rank1` to `Rank7`).

    `Domain` goes before `Superkingdom` and `Kingdom`, for files that have several (SBDI-GTDB, PR2). One column of whole lineages is returned
    under `lineage`, unless two columns or more are named for ranks. An empty dict says that no column tells its rank.

    Parameters
    ----------
    names : sequence of str
        Names of the columns, without that of the ids, in any case.

    Returns
    -------
    dict of str to str
        Rank to column name, domain first.
    """
    named: dict[str, str] = {}
    for wanted in ("domain", "superkingdom", "kingdom", *RANKS[1:]):
        column = next((n for n in names if n.strip().lower() == wanted), None)
        if column is not None:
            named.setdefault(RANK_OF[wanted], column)
    lineage = next((n for n in names if n.strip().lower() in LINEAGE_NAMES), None)
    if lineage is not None and len(named) < 2:
        return {"lineage": lineage}
    if named:
        return {r: named[r] for r in RANKS if r in named}
    found = [(m[1], int(m[2]), n) for n in names if (m := _NUMBERED.fullmatch(n))]
    if (
        2 <= len(found) == len(names) <= len(RANKS)
        and len({f[0] for f in found}) == 1
        and sorted(f[1] for f in found) == list(range(1, len(found) + 1))
    ):
        return dict(zip(RANKS, (n for _, _, n in sorted(found, key=lambda f: f[1])), strict=False))
    return {}
