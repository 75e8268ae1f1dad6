"""One feature of a draw without replacement: how many of its reads are drawn, by chance, on average, and at random.

`total` is the reads of the sample, `held` those of the feature, `depth` the reads drawn.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.jit import compiled

Ints = npt.NDArray[np.signedinteger[Any]]
Floats = npt.NDArray[np.float64]

_PRODUCT = 64  # up to so many factors a quotient of binomials is multiplied out
_NOTHING = 42.0  # exp(-42) < 1e-18 is lost beside 1
_LN_ROOT_TWO_PI = 0.9189385332046727
_SERIES = 1000


# ---------------------------------------------------------------- logarithms of chances without loss of digits (Loader 2000)
@compiled
def _tail(n: float) -> float:
    """Stirling's remainder ln n! - (n + 1/2) ln n + n - ln sqrt(2 pi), n >= 1: from 16 on by its series, to 1e-16."""
    if n < 16.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - _LN_ROOT_TWO_PI
    m = 1.0 / (n * n)
    return (1.0 / 12.0 - m * (1.0 / 360.0 - m * (1.0 / 1260.0 - m * (1.0 / 1680.0 - m / 1188.0)))) / n


@compiled
def _deviance(x: float, mean: float) -> float:
    """Return x ln(x / mean) + mean - x, also where the two are close."""
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * math.log(x / mean) + mean - x
    v = (x - mean) / (x + mean)
    s, e = (x - mean) * v, 2.0 * x * v
    for j in range(1, _SERIES):
        e *= v * v
        more = s + e / (2 * j + 1)
        if more == s:
            break
        s = more
    return s


@compiled
def _ln_binomial(x: int, n: int, p: float) -> float:
    """Ln of the chance of x out of n at p, 0 < p < 1, by the saddle point with its remainders."""
    if x == 0:
        return n * math.log1p(-p)
    if x == n:
        return n * math.log(p)
    root = 0.5 * math.log(n / (x * float(n - x))) - _LN_ROOT_TWO_PI
    return root + _tail(n) - _tail(x) - _tail(n - x) - _deviance(x, n * p) - _deviance(n - x, n * (1.0 - p))


@compiled
def chance(total: int, held: int, depth: int, k: int) -> float:
    """Chance that k of the feature's reads are drawn, 0 < depth < total."""
    p = depth / total
    return math.exp(_ln_binomial(k, held, p) + _ln_binomial(depth - k, total - held, p) - _ln_binomial(depth, total, p))


@compiled
def missed(total: int, held: int, depth: int) -> float:
    """Chance that none of the feature's reads is drawn: C(total - held, depth) / C(total, depth).

    Multiplied out where that is short, else by Stirling's formula with the large terms taken out, which stays exact to 1e-12 for millions of
    reads, where a difference of log-gammas loses seven digits.
    """
    rest = total - held - depth
    if rest < 0 or float(held) * depth > _NOTHING * total:
        return 0.0
    small, large = min(held, depth), max(held, depth)
    if small <= _PRODUCT:
        q = 1.0
        for k in range(small):
            q *= (total - large - k) / (total - k)
        return q
    if rest < 16:
        return 0.0  # below 1e-20 where both are above 64
    a, b = total - small, total - large
    ln = (a + 0.5) * math.log1p(-small / total) - (b + 0.5) * math.log1p(-small / b) + small * math.log1p(-(small + large) / total)
    return math.exp(ln + _tail(a) + _tail(b) - _tail(total) - _tail(rest))


@compiled
def missed_together(total: int, one: int, other: int, depth: int) -> float:
    """Covariance of missing a feature of `one` reads and another of `other` reads, both chances above 0.

    The chance of missing both over the product of the chances is a product over the reads of either feature, or over the reads drawn, of factors
    1 - d; the shortest is taken, and 1 with it, so that what remains of nearly equal numbers keeps its digits.
    """
    apart = missed(total, one, depth) * missed(total, other, depth)
    least = min(one, other, depth)
    if least > _PRODUCT:
        return missed(total, one + other, depth) - apart
    if one + other + depth > total:
        return -apart
    second, third = (one, other) if least == depth else (max(one, other), depth)
    r = 0.0
    for k in range(least):
        d = -(float(second) / (total - k - second)) * (float(third) / (total - k - third))
        r += d + r * d
    return apart * r


# ---------------------------------------------------------------- from the mode both ways
@compiled
def _limits(total: int, held: int, depth: int) -> tuple[int, int, int]:
    """Smallest, most likely and largest number of the feature's reads in a draw."""
    low, high = max(0, depth - (total - held)), min(held, depth)
    return low, min(high, max(low, int((depth + 1.0) * (held + 1.0) / (total + 2.0)))), high


@compiled
def _up(total: int, held: int, depth: int, k: int) -> float:
    """Chance of k + 1 over that of k."""
    return (held - k) / (k + 1.0) * (depth - k) / (total - held - depth + k + 1.0)


@compiled
def expected_term(total: int, held: int, depth: int, terms: Floats) -> float:
    """Mean of -p ln p of the feature's share p of a draw; `terms` holds -p ln p of the first counts out of `depth`, or nothing."""
    low, mode, high = _limits(total, held, depth)
    sum_w, sum_t = 0.0, 0.0
    for way in (1, -1):
        k, w = mode, 1.0
        while True:
            if way > 0 or k < mode:
                sum_w += w
                if k > 0:
                    p = k / depth
                    sum_t += w * (terms[k] if k < terms.size else -p * math.log(p))
            if k == (high if way > 0 else low):
                break
            w *= _up(total, held, depth, k) if way > 0 else 1.0 / _up(total, held, depth, k - 1)
            k += way
            if w < 1e-17:
                break
    return sum_t / sum_w


@compiled
def drawn(total: int, held: int, depth: int, u: float) -> int:
    """Number of the feature's reads in a draw at random: where a uniform u in [0, 1) falls among the chances, taken from the mode outwards."""
    low, mode, high = _limits(total, held, depth)
    if low == high:
        return low
    above, below = mode, mode
    rising = falling = chance(total, held, depth, mode)
    u -= rising
    while u >= 0.0 and (above < high or below > low):
        if above < high:
            rising *= _up(total, held, depth, above)
            above += 1
            u -= rising
            if u < 0.0:
                return above
        if below > low:
            below -= 1
            falling /= _up(total, held, depth, below)
            u -= falling
            if u < 0.0:
                return below
        if rising < 1e-300 and falling < 1e-300:
            break  # u lies in what rounding left over
    return mode
