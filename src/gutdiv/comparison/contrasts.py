"""One contrast of groups: on the unit that fits, by ranks or by means, with a permutation p where units are few."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.comparison.units import MIN_UNITS
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.numerics.arrangements import FEW, Arranged, blocks_p, groups_p, pairs_p, signs_p
from gutdiv.numerics.means import paired_t, welch
from gutdiv.numerics.ranks import Effect, Outcome, cliffs_delta, friedman, kruskal_wallis, paired_delta, rank_sum, signed_rank, spearman

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.comparison.units import Design

Floats = npt.NDArray[np.float64]
TESTS = ("rank", "welch")


@dataclass(frozen=True)
class Procedure:
    """How groups are tested.

    Parameters
    ----------
    test : str
        `rank`: rank tests. `welch`: Welch's t for each pair of groups, Student's t within pairs where groups are compared within subjects.
    permutations : int
        Random arrangements where a rank test's p is found by permutation and not all arrangements can be listed; 0: never permute.
    seed : int
        Seed of these arrangements.
    transforms : mapping of str to float
        By metric the power to which its values are raised before units are averaged and tested.
    """

    test: str = "rank"
    permutations: int = 9999
    seed: int = 0
    transforms: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse options that make no sense."""
        if self.test not in TESTS:
            msg = f"test {self.test!r} is unknown; {', '.join(TESTS)} are known."
            raise InputError(msg)
        if not 0 <= self.permutations <= 10_000_000:
            msg = f"{self.permutations:,} permutations were asked for; a number from 0 to 10,000,000 is expected."
            raise InputError(msg)
        for metric, power in self.transforms.items():
            if not math.isfinite(power) or power == 0:
                msg = f"the power of metric {metric!r} is {power:g}; a number other than 0 is expected, as in shannon=2."
                raise InputError(msg)

    def transform(self, metric: str, values: Mapping[str, float]) -> dict[str, float]:
        """Raise the values of a metric to its power; undefined values stay.

        Raises
        ------
        InputError
            Where a value has no such power.
        """
        power = self.transforms.get(metric, 1.0)
        with np.errstate(all="ignore"):
            raised = {s: float(np.float64(v) ** power) if math.isfinite(v) else v for s, v in values.items()}
        bad = [s for s, v in raised.items() if math.isfinite(values[s]) and (values[s] < 0 or not math.isfinite(v))]
        if bad and power != 1.0:
            msg = (
                f"metric {metric!r} is {values[bad[0]]:g} in sample {bad[0]!r} ({count_noun(bad, 'such value')}); no power {power:g} of it can be "
                "taken as a transform. Leave this transform out."
            )
            raise InputError(msg)
        return raised

    def shown(self, metric: str) -> str:
        """Return the transform as a formula, or nothing."""
        return f"{metric}^{self.transforms[metric]:g}" if metric in self.transforms else ""


@dataclass(frozen=True, eq=False)
class Found:
    """What one contrast gave: on which unit, of which owners, and the medians of two groups in the metric's own scale."""

    unit: str
    owners: frozenset[str]
    test: Outcome
    effect: Effect
    n_1: int
    n_2: int | None
    medians: tuple[float, float]


def contrast(
    groups: Sequence[str], means: Mapping[str, Mapping[str, float]], plain: Mapping[str, Mapping[str, float]], design: Design, how: Procedure
) -> Found | str:
    """Compare two groups or more on the unit that fits them, or say why they cannot be compared.

    `means` holds by group and owner the values that are tested, `plain` the same without transform.
    """
    pairing = design.compare(groups)
    if pairing is None:
        return "most subjects hold several of the groups, but not all of them; compared by pairs only"
    counted = [sorted(o for o in means[g] if o in pairing.owners) for g in groups]
    if pairing.paired:
        complete = sorted(set.intersection(*(set(c) for c in counted)))
        if len(complete) < MIN_UNITS:
            return f"{count_noun(complete, 'subject')} with a value in every group; at least {MIN_UNITS} are needed"
        counted = [complete] * len(groups)
    else:
        small = [g for g, c in zip(groups, counted, strict=True) if len(c) < MIN_UNITS]
        if small:
            return f"fewer than {MIN_UNITS} subjects hold only {first_ids(small)} of these groups"
    values = [np.array([means[g][o] for o in c]) for g, c in zip(groups, counted, strict=True)]
    owners = frozenset(o for c in counted for o in c)
    if len(groups) > 2:
        test, effect = _overall(values, how, paired=pairing.paired)
        n_1 = len(complete) if pairing.paired else sum(v.size for v in values)
        return Found(pairing.unit, owners, test, effect, n_1, None, (math.nan, math.nan))
    test, effect = pair(values, how, paired=pairing.paired)
    if math.isnan(test.p):
        return "the values do not vary within the groups, so that there is no t"
    medians = [float(np.median([plain[g][o] for o in c])) for g, c in zip(groups, counted, strict=True)]
    return Found(pairing.unit, owners, test, effect, values[0].size, values[1].size, (medians[0], medians[1]))


def correlate(x: Floats, y: Floats, how: Procedure) -> tuple[Outcome, Effect]:
    """Correlate two variables by ranks."""
    test, effect = spearman(x, y)
    if _doubtful(test, x.size, how) and not math.isnan(test.p):
        test = _arranged(test, pairs_p(x, y, permutations=how.permutations, seed=how.seed))
    return test, effect


def pair(values: list[Floats], how: Procedure, *, paired: bool) -> tuple[Outcome, Effect]:
    """Compare two groups, between units or within pairs."""
    x, y = values
    if how.test == "welch":
        return paired_t(x, y) if paired else welch(x, y)
    test, effect = (signed_rank(x, y), paired_delta(x, y)) if paired else (rank_sum(x, y), cliffs_delta(x, y))
    if _doubtful(test, int(np.sum(x != y)) if paired else min(x.size, y.size), how):
        test = _arranged(test, signs_p(x - y) if paired else groups_p(values, permutations=how.permutations, seed=how.seed))
    return test, effect


def _overall(values: list[Floats], how: Procedure, *, paired: bool) -> tuple[Outcome, Effect]:
    """Compare three groups or more."""
    test, effect = friedman(np.stack(values, axis=1)) if paired else kruskal_wallis(values)
    if _doubtful(test, min(v.size for v in values), how):
        draws = {"permutations": how.permutations, "seed": how.seed}
        test = _arranged(test, blocks_p(np.stack(values, axis=1), **draws) if paired else groups_p(values, **draws))
    return test, effect


def _doubtful(test: Outcome, n: int, how: Procedure) -> bool:
    """Whether p is an approximation for too few units."""
    return how.permutations > 0 and not test.exact and n < FEW


def _arranged(test: Outcome, found: Arranged) -> Outcome:
    """Put a permutation p in the place of an approximate one."""
    name = f"{test.name.split(' (')[0]} ({'all arrangements' if found.listed else 'permutations'})"
    return replace(test, name=name, p=found.p, permutations=found.permutations)
