"""Rarefaction: the depth that a cohort is compared at, and numbers for its draws that depend on the sample's id only."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError
from gutdiv.numerics import expectations, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

KEPT = 0.9  # share of every group that the chosen depth keeps (Schloss 2024 keeps 89-99.8 % in 12 data sets)
COVERAGE = 0.95  # median coverage that the chosen depth should reach
SMALL_GROUP = 5  # a group of fewer samples does not hold the depth down below that coverage: no test could use it
ROUND = (1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)  # depths that people ask about
_CANDIDATES = 20
ALIGNED_DEPTH = 1000  # reads at which samples are held against those of other studies
ALL_SAMPLES = "all samples"
NO_SINGLETONS = "more than half of the samples hold no singleton (as after DADA2 or Deblur)"


def sample_keys(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return a number for each sample made from its id alone."""
    return np.array([int.from_bytes(hashlib.blake2b(i.encode(), digest_size=8).digest(), "little") for i in ids], dtype=np.uint64)


def lacks_singletons(cohort: Cohort) -> bool:
    """Whether more than half of the samples hold no feature seen once: then estimators built on singletons mean nothing (DADA2, Deblur)."""
    counts = cohort.counts
    once = rows.tallies(counts.indptr.astype(np.int64), counts.indices.astype(np.int64), counts.data).singletons
    return bool(np.mean(once == 0) > 0.5)


def is_rarefied(cohort: Cohort) -> bool:
    """Whether all samples, of at least two, came with the same number of reads: somebody rarefied the table before."""
    return len(cohort.sample_ids) > 1 and bool(np.ptp(cohort.depth) == 0)


def named_groups(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """Rows of each value of the group column, none where no group is declared."""
    if cohort.roles.group is None:
        return {}
    cells = np.array(["" if c is None else c for c in cohort.metadata.column(cohort.roles.group)], dtype=object)
    return {str(name): np.flatnonzero(cells == name) for name in sorted(set(cells) - {""})}


def on_a_scale(cohort: Cohort) -> bool:
    """Whether the group column holds numbers of more than two values, which the comparison of groups takes as a scale."""
    name = cohort.roles.group
    if name is None or cohort.metadata.kinds[name] != "numeric":
        return False
    return len({float(c) for c in cohort.metadata.column(name) if c is not None}) > 2


def counted_groups(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """Rows of each group of five samples or more, which the choice of depth protects; of all samples where there is none."""
    counted = {name: g for name, g in named_groups(cohort).items() if g.size >= SMALL_GROUP}
    return counted or {ALL_SAMPLES: np.arange(len(cohort.sample_ids))}


def every_group(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """Rows of each group however small, all samples where no group is declared or the group is a scale."""
    return ({} if on_a_scale(cohort) else named_groups(cohort)) or {ALL_SAMPLES: np.arange(len(cohort.sample_ids))}


def candidates(cohort: Cohort) -> list[int]:
    """Return the depths that are weighed, rising: quantiles of the samples' reads, round numbers between them, and the largest that keep groups."""
    quantiles = np.percentile(cohort.depth, np.linspace(0, 95, _CANDIDATES), method="lower").astype(np.int64)
    round_numbers = [d for d in ROUND if quantiles[0] < d < quantiles[-1]]
    keeping = [_largest_keeping(cohort, groups) for groups in (every_group(cohort), counted_groups(cohort))]
    return sorted({*quantiles.tolist(), *round_numbers, *keeping})


def choose_depth(cohort: Cohort) -> int:
    """Return the largest candidate that keeps at least 90 % of every group with a median coverage of 95 %.

    Where there is none, groups of fewer than five samples do not count; where there still is none, or coverage cannot be told for want of
    singletons, coverage does not count either. A warning says what was given up.
    """
    least = _largest_keeping(cohort, counted_groups(cohort))
    if lacks_singletons(cohort):
        return least
    for limit in dict.fromkeys((_largest_keeping(cohort, every_group(cohort)), least)):
        found = _covered(cohort, [c for c in candidates(cohort) if c <= limit])
        if found is not None:
            return found
    return least


def _covered(cohort: Cohort, depths: list[int]) -> int | None:
    """Return the largest of these rising depths at which the samples kept have a median coverage of 95 %, or None.

    A sample is covered the better the more of its reads are drawn, so that half of the samples kept must reach 95 % at the largest depth, or with
    all their reads: most depths are ruled out without a look at them.
    """
    counts = cohort.counts.indptr.astype(np.int64), cohort.counts.data
    at_most = expectations.expected_coverage(*counts, np.minimum(cohort.depth, depths[-1])) >= COVERAGE
    for depth in reversed(depths):
        kept = cohort.depth >= depth
        if 2 * int(at_most[kept].sum()) < int(kept.sum()):
            continue
        coverage = expectations.expected_coverage(*counts, np.full(cohort.depth.size, depth))[kept]
        if float(np.median(coverage)) >= COVERAGE:
            return depth
    return None


def _largest_keeping(cohort: Cohort, groups: Mapping[str, npt.NDArray[Any]]) -> int:
    """Return the largest depth that at least 90 % of the samples of every group reach."""
    depths = (np.sort(cohort.depth[g])[::-1] for g in groups.values())
    return int(min(depth[math.ceil(KEPT * depth.size) - 1] for depth in depths))


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
        return choose_depth(cohort)
    if int(depth) > cohort.depth.max():
        msg = f"no sample has {int(depth):,} reads; the deepest has {int(cohort.depth.max()):,}. Choose a smaller --depth, or auto."
        raise InputError(msg)
    return int(depth)
