"""Robust reference limits of small samples (Horn & Pesce 1998), the Box-Cox scale they are made on, and their bootstrap intervals."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from gutdiv.numerics.tails import SIDE, TAIL

Floats = npt.NDArray[np.float64]

STEPS = 1000  # most steps to the biweight centre
POWERS = (-3.0, 8.0)  # Box-Cox powers that are looked at


def robust_limits(values: Floats) -> tuple[Floats, Floats]:
    """Limits at 2.5 and 97.5 % by Horn's robust method, the one of CLSI EP28-A3c for small samples; symmetric about the centre.

    Parameters
    ----------
    values : (..., n) float64
        One sample of n >= 3 values a row.

    Returns
    -------
    lower, upper : (...,) float64
        Where half of a row's values or more are equal, their spread is 0 and both limits are NaN.
    """
    x = np.asarray(values, dtype=np.float64)
    n = x.shape[-1]
    middle = np.median(x, axis=-1, keepdims=True)
    spread = np.median(np.abs(x - middle), axis=-1, keepdims=True) / 0.6745
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = _biweight_centre(x, middle, spread)
        wide = _biweight_spread(x, 205.6, spread, middle, n)
        narrow = _biweight_spread(x, 3.7, spread, middle, n)
        of_centre = _biweight_spread(x, 3.7, narrow, centre, 1)
        reach = stats.t.ppf(1 - TAIL, n - 1) * np.sqrt(wide**2 + of_centre**2)
    return (centre - reach)[..., 0], (centre + reach)[..., 0]


def _biweight_centre(x: Floats, start: Floats, spread: Floats) -> Floats:
    """Tukey's biweight estimate of location with c = 3.7, from the median on until it moves by less than 1e-6."""
    flat, middle, wide = x.reshape(-1, x.shape[-1]), start.reshape(-1).copy(), spread.reshape(-1)
    moving = np.flatnonzero(wide > 0)
    middle[wide == 0] = np.nan
    for _ in range(STEPS):
        if not moving.size:
            break
        u = (flat[moving] - middle[moving, None]) / (3.7 * wide[moving, None])
        w = np.where(np.abs(u) < 1, (1 - u * u) ** 2, 0.0)
        moved = np.sum(w * flat[moving], axis=1) / np.sum(w, axis=1)
        step = np.abs(moved - middle[moving])
        middle[moving] = moved
        moving = moving[step >= 1e-6]  # each row stops by itself, as it would alone
    return np.asarray(middle.reshape(start.shape))


def _biweight_spread(x: Floats, c: float, spread: Floats, centre: Floats, n: int) -> Floats:
    """Biweight estimate of spread: of the values for n = their number, of the centre for n = 1."""
    u = (x - centre) / (c * spread)
    inside = np.abs(u) < 1
    u2 = np.where(inside, u, 0.0) ** 2
    top = np.sum(np.where(inside, u2 * (1 - u2) ** 4, 0.0), axis=-1, keepdims=True)
    q = np.sum(np.where(inside, (1 - u2) * (1 - 5 * u2), 0.0), axis=-1, keepdims=True)
    out: Floats = c * spread * np.sqrt(n * top / (q * np.maximum(1.0, q - 1)))
    return out


# ---------------------------------------------------------------- scale
def box_cox(values: Floats, power: float) -> Floats:
    """Box & Cox's (1964) transform of positive values: (x^power - 1) / power, or ln x."""
    x = np.asarray(values, dtype=np.float64)
    return np.log(x) if power == 0 else np.expm1(power * np.log(x)) / power


def from_box_cox(values: Floats, power: float) -> Floats:
    """Undo `box_cox`; what lies below all that positive values can become is 0, what lies above it is infinite."""
    y = np.asarray(values, dtype=np.float64)
    if power == 0:
        return np.exp(y)
    inner = 1 + power * y
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.exp(np.log(np.maximum(inner, 0.0)) / power)
    return np.asarray(np.where(np.isnan(inner), np.nan, out))


def box_cox_power(values: Floats) -> float | None:
    """Power by maximum likelihood, on a grid of twentieths from -3 to 8; None where values are not all positive, or 1 fits as well.

    1 fits as well where it lies in the 95 % likelihood interval: twice the difference of log-likelihoods is at most 3.84.
    """
    power = float(box_cox_powers(np.asarray(values, dtype=np.float64)[None])[0])
    return None if math.isnan(power) else power


def box_cox_powers(rows: Floats) -> Floats:
    """`box_cox_power` of each row of (m, n) values, NaN where there is none."""
    x = np.asarray(rows, dtype=np.float64)
    m, n = x.shape
    out = np.full(m, np.nan)
    if n < 3:
        return out
    usable = np.flatnonzero((x.min(axis=1) > 0) & (np.ptp(x, axis=1) > 0))
    if not usable.size:
        return out
    logs = np.log(x[usable])
    logs -= logs.mean(axis=1, keepdims=True)  # by their geometric mean, the likelihood is that of the variance alone
    grid = np.round(np.arange(POWERS[0], POWERS[1] + 0.01, 0.05), 2)
    fit = np.stack([-n / 2 * np.log(np.var(logs if p == 0 else np.expm1(p * logs) / p, axis=1)) for p in grid])
    best = fit.argmax(axis=0)
    plain = fit[int(np.flatnonzero(grid == 1)[0])]
    better = 2 * (fit.max(axis=0) - plain) > stats.chi2.ppf(0.95, 1)
    out[usable[better]] = grid[best[better]]
    return out


# ---------------------------------------------------------------- uncertainty
def bootstrap_limits(values: Floats, *, rng: np.random.Generator, times: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """90 % percentile bootstrap intervals of both robust limits.

    Parameters
    ----------
    values : (n,) float64
        On the scale on which the limits are made; sorted inside, so that their order does not count.
    rng : numpy.random.Generator
    times : int
        Resamples; one whose spread is 0 does not count.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    lower, upper = robust_limits(x[rng.integers(0, x.size, (times, x.size))])
    ends = [np.quantile(side[np.isfinite(side)], [SIDE, 1 - SIDE]) if np.isfinite(side).any() else (math.nan, math.nan) for side in (lower, upper)]
    return (float(ends[0][0]), float(ends[0][1])), (float(ends[1][0]), float(ends[1][1]))


# ---------------------------------------------------------------- outliers
def dixon_reed(values: Floats) -> list[int]:
    """Places of the extremes that Reed et al. (1971) would reject: the gap to the next value is a third of the range or more (Dixon 1953)."""
    x = np.asarray(values, dtype=np.float64)
    if x.size < 3 or np.ptp(x) == 0:
        return []
    order = np.argsort(x, kind="stable")
    y = x[order]
    ends = [(order[0], y[1] - y[0]), (order[-1], y[-1] - y[-2])]
    return [int(at) for at, gap in ends if gap / (y[-1] - y[0]) >= 1 / 3]


def tukey_fences(values: Floats) -> tuple[float, float]:
    """Tukey's (1977) inner fences, 1.5 interquartile ranges beyond the quartiles (type 7, as in R's `quantile`); Horn takes them after Box-Cox."""
    low, high = np.quantile(np.asarray(values, dtype=np.float64), [0.25, 0.75])
    return float(low - 1.5 * (high - low)), float(high + 1.5 * (high - low))
