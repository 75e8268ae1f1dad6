"""One feature of a draw against rational numbers, for a few reads and for millions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from gutdiv.numerics import hypergeometric as hg


def exact_chance(total: int, held: int, depth: int, k: int) -> float:
    return float(Fraction(math.comb(held, k) * math.comb(total - held, depth - k), math.comb(total, depth)))


def test_chances_equal_rational_numbers() -> None:
    rng = np.random.default_rng(7)
    for _ in range(600):
        total = int(10 ** rng.uniform(0.5, 3.6))
        held, depth = int(rng.integers(1, total)), int(rng.integers(1, total))
        low, mode, high = hg._limits(total, held, depth)
        for k in {low, mode, high, int(rng.integers(low, high + 1))}:
            assert hg.chance(total, held, depth, k) == pytest.approx(exact_chance(total, held, depth, k), rel=1e-12, abs=1e-300)


def test_the_mode_is_the_most_likely_number() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        total = int(rng.integers(3, 60))
        held, depth = int(rng.integers(1, total)), int(rng.integers(1, total))
        low, mode, high = hg._limits(total, held, depth)
        chances = [exact_chance(total, held, depth, k) for k in range(low, high + 1)]
        assert sum(chances) == pytest.approx(1)
        assert chances[mode - low] == max(chances)


@pytest.mark.parametrize(("total", "held", "depth"), [(15, 9, 3), (60, 20, 45), (400, 5, 90), (20_800_000, 6_000, 10_000)])
def test_even_numbers_between_0_and_1_give_each_count_its_share(total: int, held: int, depth: int) -> None:
    # u = (i + 1/2) / n: every count must come up as often as its chance says, but for one at either of its two ends
    n = 20_000
    seen = np.bincount([hg.drawn(total, held, depth, (i + 0.5) / n) for i in range(n)], minlength=held + 1)
    low, _, high = hg._limits(total, held, depth)
    for k in range(held + 1):
        wanted = hg.chance(total, held, depth, k) * n if low <= k <= high else 0.0
        assert abs(seen[k] - wanted) <= 2


def test_a_number_next_to_1_ends_within_the_limits() -> None:
    for total, held, depth in ((15, 9, 3), (20_800_000, 6_000_000, 10_000_000), (10, 9, 9)):
        low, _, high = hg._limits(total, held, depth)
        assert low <= hg.drawn(total, held, depth, 1 - 2.0**-53) <= high


def test_the_chance_to_miss_a_feature_equals_rational_numbers() -> None:
    rng = np.random.default_rng(4)
    for _ in range(1500):
        total = int(10 ** rng.uniform(0.5, 4))
        held, depth = (int(10 ** rng.uniform(0, math.log10(total))) for _ in range(2))
        exact = float(Fraction(math.comb(total - held, depth), math.comb(total, depth)))
        assert hg.missed(total, held, depth) == pytest.approx(exact, rel=1e-12, abs=1e-17), (total, held, depth)


@pytest.mark.parametrize(
    ("total", "held", "depth"), [(20_800_000, 1000, 1000), (20_800_000, 300, 50_000), (20_800_000, 100_000, 1500), (20_800_000, 70, 10**6)]
)
def test_the_chance_to_miss_a_feature_stays_exact_for_millions_of_reads(total: int, held: int, depth: int) -> None:
    small, large = min(held, depth), max(held, depth)
    exact = math.prod((Fraction(total - large - k, total - k) for k in range(small)), start=Fraction(1))
    assert hg.missed(total, held, depth) == pytest.approx(float(exact), rel=1e-12)
