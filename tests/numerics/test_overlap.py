"""Overlap of two sets within strata: against every permutation, and Fisher's test."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from gutdiv.numerics.overlap import strata_of, stratified_overlap


def every_permutation(members: np.ndarray, hits: np.ndarray, strata: np.ndarray) -> tuple[float, float]:
    """Naive twin: all ways to place the hits within the strata; expected overlap, and the share with at least the observed one."""
    ways = []
    for s in np.unique(strata):
        at = np.flatnonzero(strata == s)
        ways.append([sum(members[list(c)]) for c in combinations(at, int(hits[at].sum()))])
    overlaps = [sum(w) for w in product(*ways)]
    observed = int((members & hits).sum())
    return float(np.mean(overlaps)), float(np.mean([o >= observed for o in overlaps]))


@pytest.mark.parametrize("seed", range(6))
def test_p_is_the_share_of_all_permutations_with_as_large_an_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strata = np.repeat([0, 1, 2], [5, 4, 6])
    members, hits = rng.random(15) < 0.4, rng.random(15) < 0.4
    observed, expected, p = stratified_overlap(members, hits, strata)
    naive_expected, naive_p = every_permutation(members, hits, strata)
    assert observed == (members & hits).sum()
    assert expected == pytest.approx(naive_expected, abs=1e-12)
    assert p == pytest.approx(naive_p, abs=1e-12)


def test_one_stratum_is_fishers_one_sided_test() -> None:
    members, hits = np.arange(20) < 8, np.arange(20) % 3 == 0
    table = [[(members & hits).sum(), (members & ~hits).sum()], [(~members & hits).sum(), (~members & ~hits).sum()]]
    assert stratified_overlap(members, hits, np.zeros(20, dtype=int))[2] == pytest.approx(stats.fisher_exact(table, "greater").pvalue)


def test_strata_hold_neighbours_and_never_part_equal_values() -> None:
    values = np.array([0.9, 0.1, 0.5, 0.5, 0.5, 0.2, 1.0, 0.3])
    strata = strata_of(values, 2)
    order = np.argsort(values, kind="stable")
    assert (np.diff(strata[order]) >= 0).all()
    assert len(set(strata[values == 0.5])) == 1
    assert set(strata) == set(range(strata.max() + 1))
    assert strata_of(np.ones(30), 10).tolist() == [0] * 30
    assert strata_of(np.empty(0), 10).size == 0
