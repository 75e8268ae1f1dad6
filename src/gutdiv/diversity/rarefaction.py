"""Rarefaction: the depth that a cohort is compared at, and numbers for its draws that depend on the sample's id only."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError
from gutdiv.numerics import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.cohort import Cohort

KEPT = 0.9  # share of every group that the chosen depth keeps (Schloss 2024 keeps 89-99.8 % in 12 data sets)
COVERAGE = 0.95  # median coverage that the chosen depth should reach
SMALL_GROUP = 5  # a group of fewer samples does not hold the depth down: no test could use it
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


def choose_depth(cohort: Cohort) -> int:
    """Return the largest depth that keeps at least 90 % of every group of five samples or more (of all samples, where there is none).

    At a smaller depth every sample is covered less: where this one does not reach a median coverage of 95 %, it stands all the same, and a
    warning says so.
    """
    return min(_largest_keeping(cohort.depth[g]) for g in counted_groups(cohort).values())


def _largest_keeping(depth: npt.NDArray[np.int64]) -> int:
    """Return the largest depth that at least 90 % of these samples reach."""
    return int(np.sort(depth)[::-1][math.ceil(KEPT * depth.size) - 1])


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
