"""Reference limits by what the number of values allows, with their confidence intervals; and the same with each value left out in turn."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gutdiv.numerics import horn
from gutdiv.numerics.tails import SIDE, limit_ranks, reference_limits

Floats = npt.NDArray[np.float64]

SMALLEST = 120  # values from which on limits are order statistics with an exact 90 % interval
ROBUST = 40  # values from which on there are robust limits; below, only the place among the values can be told
RESAMPLES = 1000  # of the bootstrap
LEFT_OUT = 3000  # resamples of which those without a value (about 37 %) are its own; the first 1,000 are those above
DETECTED = 0.2  # share of the controls that must hold a taxon for it to have limits
BY_RANK = "nonparametric (type 6), 90 % CI by order statistics"


@dataclass(frozen=True)
class Limits:
    """Limits at 2.5 and 97.5 % with their 90 % confidence intervals; NaN where there are none, because of few values or for the `reason` given.

    `power` is that of the Box-Cox scale on which robust limits were made, None where that was the values' own.
    """

    method: str = "none"
    lower: float = math.nan
    lower_ci: tuple[float, float] = (math.nan, math.nan)
    upper: float = math.nan
    upper_ci: tuple[float, float] = (math.nan, math.nan)
    power: float | None = None
    reason: str = ""


def stream(seed: int, *words: object) -> np.random.Generator:
    """Random numbers that depend on the seed and these words (as a metric, its level and depth) alone."""
    digest = hashlib.blake2b("\t".join(map(str, words)).encode(), digest_size=8).digest()
    return np.random.Generator(np.random.Philox(key=[seed, int.from_bytes(digest, "little")]))


def limits(values: Floats, *, rng: np.random.Generator | None) -> Limits:
    """Make limits as CLSI EP28-A3c practice does.

    From 120 values on: type-6 quantiles, each with its exact 90 % interval by order statistics. From 40 to 119: Horn's robust limits, on Box & Cox's
    scale where the values are positive and 1 is not among the likely powers, with 90 % percentile bootstrap intervals. Below 40 none.

    Parameters
    ----------
    values : (n,) float64
        One value a subject, without NaN; their order does not count.
    rng : numpy.random.Generator or None
        Of the bootstrap; without one the intervals of robust limits stay NaN.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    n = x.size
    if n < ROBUST:
        return Limits()
    if n >= SMALLEST:
        ranks = limit_ranks(n)
        assert ranks is not None
        low, high = ranks
        lower, upper = reference_limits(x)
        return Limits(BY_RANK, lower, (float(x[low - 1]), float(x[high - 1])), upper, (float(x[n - high]), float(x[n - low])))
    power = horn.box_cox_power(x)
    scaled = _scaled(x, power)
    ends = ((math.nan, math.nan),) * 2 if rng is None else horn.bootstrap_limits(scaled, rng=rng, times=RESAMPLES)
    return _robust(np.array(horn.robust_limits(scaled)), ends, power, n)


def limits_without_each(values: Floats, *, rng: np.random.Generator) -> tuple[Limits, ...]:
    """Make robust limits of all values but the first, all but the second, and so on, in the values' order, 40 <= n < 120.

    Power and limits are exactly those of the n - 1 others. Their intervals come from the bootstrap resamples of all n in which the value was
    not drawn (Efron 1992, J. R. Stat. Soc. B 54:83), which are resamples of the others.
    """
    given = np.asarray(values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    x = given[order]
    n = x.size
    others = np.stack([np.delete(x, i) for i in range(n)])
    powers = horn.box_cox_powers(others)
    drawn = rng.integers(0, n, (LEFT_OUT, n))
    lacks = np.ones((LEFT_OUT, n), dtype=bool)
    np.put_along_axis(lacks, drawn, values=False, axis=1)
    made: list[Limits | None] = [None] * n
    for key in np.unique(powers):  # NaN, the values' own scale, counts once
        members = np.flatnonzero(np.isnan(powers) if np.isnan(key) else powers == key)
        power = None if np.isnan(key) else float(key)
        points = np.stack(horn.robust_limits(_scaled(others[members], power)), axis=1)
        used = np.flatnonzero(lacks[:, members].any(axis=1))
        resampled = np.stack(horn.robust_limits(_scaled(x[drawn[used]], power)), axis=1)
        for i, point in zip(members, points, strict=True):
            own = resampled[lacks[used, i]]
            made[order[i]] = _robust(point, tuple(_ends(side[np.isfinite(side)]) for side in own.T), power, n - 1)
    return tuple(m for m in made if m is not None)


def few(n: int, depth: int) -> str:
    """Why there are no limits of so few values."""
    return f"{n} control subjects with {depth:,} reads; an interval needs {ROBUST}, one by order statistics {SMALLEST}"


def _ends(found: Floats) -> tuple[float, float]:
    """90 % percentile interval of what resamples gave."""
    return (float(np.quantile(found, SIDE)), float(np.quantile(found, 1 - SIDE))) if found.size else (math.nan, math.nan)


def _scaled(x: Floats, power: float | None) -> Floats:
    """Values on Box & Cox's scale, or as they are."""
    return x if power is None else horn.box_cox(x, power)


def _robust(point: Floats, ends: tuple[tuple[float, float], ...], power: float | None, n: int) -> Limits:
    """Limits and intervals brought back from the scale on which they were made."""
    if not np.isfinite(point).all():
        return Limits(reason=f"half of the {n} control values or more are equal, so that their spread is not defined")
    found = np.array([point, *np.array(ends).T])
    if power is not None:
        found = horn.from_box_cox(found, power)
    scale = "" if power is None else f", Box-Cox power {power:g}"
    lower, upper = found.T.tolist()
    method = f"robust (Horn){scale}, 90 % CI by bootstrap"
    return Limits(method, lower[0], (lower[1], lower[2]), upper[0], (upper[1], upper[2]), power)
