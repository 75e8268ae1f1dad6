"""Permutation p-values of rank tests against R's exact ones, and against naive enumeration where there are ties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from gutdiv.numerics.arrangements import blocks_p, groups_p, pairs_p, signs_p
from gutdiv.numerics.ranks import rank_sum, signed_rank, spearman

DRAWS = {"permutations": 999, "seed": 1}


@pytest.mark.parametrize("seed", range(5))
def test_without_ties_all_arrangements_give_the_exact_p(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=5), rng.normal(0.5, size=8)
    found = groups_p([x, y], **DRAWS)
    assert (found.p, found.permutations, found.listed) == (pytest.approx(rank_sum(x, y).p, rel=1e-12), 1287, True)  # C(13, 5)
    a, b = rng.normal(size=8), rng.normal(size=8)
    assert (signs_p(a - b).p, signs_p(a - b).permutations) == (pytest.approx(signed_rank(a, b).p, rel=1e-12), 256)
    assert pairs_p(a, b, **DRAWS).p == pytest.approx(spearman(a, b)[0].p, rel=1e-12)
    assert pairs_p(a, b, **DRAWS).permutations == 40320


def test_with_ties_they_equal_a_naive_enumeration() -> None:
    groups = [np.array(v) for v in ([1.0, 2, 2], [2.0, 3, 5, 5], [0.0, 5, 2])]
    pooled = np.concatenate(groups)
    observed = stats.kruskal(*groups).statistic
    every = []
    for first in itertools.combinations(range(10), 3):
        rest = [k for k in range(10) if k not in first]
        for second in itertools.combinations(rest, 4):
            third = [k for k in rest if k not in second]
            every.append(stats.kruskal(pooled[list(first)], pooled[list(second)], pooled[third]).statistic)
    found = groups_p(groups, **DRAWS)
    assert found.permutations == len(every) == 4200
    assert found.p == pytest.approx(np.mean(np.array(every) >= observed - 1e-9))


def test_friedman_equals_a_naive_enumeration() -> None:
    blocks = np.array([[1.0, 2, 2], [3.0, 1, 4], [2.0, 2, 5], [1.0, 3, 2]])
    observed = stats.friedmanchisquare(*blocks.T).statistic
    rows = [list(itertools.permutations(row)) for row in blocks]
    every = np.array([stats.friedmanchisquare(*np.array(choice).T).statistic for choice in itertools.product(*rows)])
    found = blocks_p(blocks, **DRAWS)
    assert (found.permutations, found.listed) == (1296, True)
    assert found.p == pytest.approx(np.mean(every >= observed - 1e-9))


def test_random_arrangements_come_near_the_exact_p_and_depend_on_the_seed_only() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=8), rng.normal(0.8, size=60)
    draws = {"permutations": 4999, "seed": 7}
    found = groups_p([x, y], **draws)
    exact = float(stats.mannwhitneyu(x, y, method="exact").pvalue)
    assert (found.permutations, found.listed) == (4999, False)
    assert abs(found.p - exact) < 4 * np.sqrt(exact * (1 - exact) / 4999)
    assert groups_p([x, y], **draws) == found
    assert groups_p([x, y], permutations=4999, seed=8) != found
    blocks = rng.normal(size=(9, 4))
    drawn = blocks_p(blocks, **draws)
    chi = float(stats.friedmanchisquare(*blocks.T).pvalue)
    assert not drawn.listed
    assert abs(drawn.p - chi) < 0.06  # the chi-squared approximation of nine blocks


def test_null_p_is_uniform_where_groups_are_small_and_tied() -> None:
    found = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        found.append(groups_p([rng.poisson(2, 6).astype(float), rng.poisson(2, 7).astype(float)], **DRAWS).p)
    for level in (0.05, 0.2):
        assert np.mean(np.array(found) <= level) < level + 3 * np.sqrt(level * (1 - level) / 400)
