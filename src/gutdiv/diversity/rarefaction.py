"""Rarefaction: which depth, chosen in the open, and draws that depend on the seed and the sample's id only."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.errors import InputError, count_noun
from gutdiv.numerics import rows
from gutdiv.numerics.expectations import expected_coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.cohort import Cohort

KEPT = 0.9  # share of every group that the chosen depth keeps (Schloss 2024 keeps 89-99.8 % in 12 data sets)
COVERAGE = 0.95  # median coverage that the chosen depth should reach
SMALL_GROUP = 5  # a group of fewer samples does not hold the depth down: no test could use it
SHALLOW = 1000  # below this depth a warning is given
_CANDIDATES = 20


def sample_keys(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return a number for each sample made from its id alone."""
    return np.array([int.from_bytes(hashlib.blake2b(i.encode(), digest_size=8).digest(), "little") for i in ids], dtype=np.uint64)


def lacks_singletons(cohort: Cohort) -> bool:
    """Whether more than half of the samples hold no feature seen once: then estimators built on singletons mean nothing (DADA2, Deblur)."""
    counts = cohort.counts
    once = rows.tallies(counts.indptr.astype(np.int64), counts.indices.astype(np.int64), counts.data).singletons
    return bool(np.mean(once == 0) > 0.5)


def depth_table(cohort: Cohort) -> pd.DataFrame:
    """Weigh candidate depths: what each keeps, by group, and the coverage it reaches.

    The chosen depth is the largest that keeps at least 90 % of every group of five samples or more (of all samples, where there is none).

    Returns
    -------
    DataFrame of kind `depths`, one row a candidate, rising; exactly one is chosen. Coverage is the expected Good's coverage of the samples kept, NaN where
    the table has no singletons.
    """
    depth = cohort.depth
    groups = _groups(cohort)
    chosen = min(_largest_keeping(depth[g]) for g in groups.values())
    quantiles = np.percentile(depth, np.linspace(0, 95, _CANDIDATES), method="lower").astype(np.int64)
    withheld = lacks_singletons(cohort)
    table = []
    for candidate in sorted({*quantiles.tolist(), chosen}):
        kept = depth >= candidate
        shares = {name: float(kept[g].mean()) for name, g in groups.items()}
        smallest = min(shares, key=lambda name: (shares[name], name))
        coverage = expected_coverage(cohort.counts.indptr, cohort.counts.data, np.full(len(cohort.sample_ids), candidate))
        table.append(
            {
                "depth": candidate,
                "samples": int(kept.sum()),
                "share_kept": float(kept.mean()),
                "smallest_group_share": shares[smallest],
                "smallest_group": smallest,
                "median_coverage": math.nan if withheld else float(np.nanmedian(coverage)),
                "chosen": candidate == chosen,
            }
        )
    return pd.DataFrame(table)


def resolve_depth(cohort: Cohort, depth: str | int) -> int | None:
    """Return the depth in reads that `auto`, `none` or a number stands for; None for `none`.

    Raises
    ------
    InputError
        Where no sample has that many reads.
    """
    if depth == "none":
        return None
    if depth == "auto":
        table = depth_table(cohort)
        return int(table.loc[table["chosen"], "depth"].iloc[0])
    if int(depth) > cohort.depth.max():
        msg = f"no sample has {int(depth):,} reads; the deepest has {int(cohort.depth.max()):,}. Choose a smaller --depth, or auto."
        raise InputError(msg)
    return int(depth)


def depth_warnings(cohort: Cohort, table: pd.DataFrame, depth: int | None) -> list[str]:
    """Say in sentences what is doubtful about a depth: groups too small to count, shallow reads, low coverage."""
    if depth is None:
        return ["Samples were not rarefied: diversity and distances also differ with the number of reads."]
    said = []
    small = _small_groups(cohort)
    lost = [f"{name!r} ({count_noun(len(g), 'sample')})" for name, g in small.items() if (cohort.depth[g] < depth).any()]
    if lost:
        said.append(
            f"Groups of fewer than {SMALL_GROUP} samples do not count in the choice of depth, and lose samples at it: {', '.join(lost)}."
        )
    if depth < SHALLOW:
        said.append(f"The common depth is only {depth:,} reads: rare features are missed, and richness is compared poorly.")
    row = table[table["depth"] == depth]
    coverage = float(row["median_coverage"].iloc[0]) if len(row) else math.nan
    if coverage < COVERAGE:
        said.append(f"The median coverage at {depth:,} reads is {coverage:.2f}, below {COVERAGE:.2f}: rare features are missed.")
    return said


def _small_groups(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """Rows of the groups that are too small to count in the choice."""
    return {name: g for name, g in _named_groups(cohort).items() if g.size < SMALL_GROUP}


def _groups(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """Rows of each group that counts in the choice; of all samples where there is none."""
    counted = {name: g for name, g in _named_groups(cohort).items() if g.size >= SMALL_GROUP}
    return counted or {"all samples": np.arange(len(cohort.sample_ids))}


def _named_groups(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """Rows of each value of the group column."""
    if cohort.roles.group is None:
        return {}
    cells = np.array(["" if c is None else c for c in cohort.metadata.column(cohort.roles.group)], dtype=object)
    return {str(name): np.flatnonzero(cells == name) for name in sorted(set(cells) - {""})}


def _largest_keeping(depth: npt.NDArray[np.int64]) -> int:
    """Return the largest depth that at least 90 % of these samples reach."""
    return int(np.sort(depth)[::-1][math.ceil(KEPT * depth.size) - 1])
