"""A new study's centre and score from controls of whom some may be ill: redescending weights, and shrinkage with a contamination term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.random_effects import FEWEST, SMALLEST_SD, Centres, Local, StudyEffects, localised

Floats = npt.NDArray[np.float64]

STEPS = 8
REACH = 1.6  # squared distances up to so many times the number of parts keep their full weight
LEAST = 3.0  # effective number of controls, at least
CONTAMINATION = np.array([0.0, 0.05, 0.1, 0.2, 0.3])
PRIOR = np.array([0.40, 0.20, 0.20, 0.15, 0.05])
BANDWIDTH = 0.25
_GRID = np.linspace(-12, 12, 2401)
LOWEST_SCORE = -((3 * np.log(1e4)) ** (1 / 3))  # three components of p >= 1e-4


@dataclass(frozen=True, eq=False)
class Axes:
    """Coordinates in which people of a study vary by 1 along every axis, and studies by `spread` (p,)."""

    origin: Floats
    turn: Floats
    spread: Floats

    def place(self, x: Floats) -> Floats:
        """Coordinates of the rows of x."""
        return np.asarray((x - self.origin) @ self.turn)


def axes_of(fit: Centres) -> Axes:
    """Turn the covariance within studies into the identity and that between studies into a diagonal."""
    inverse = np.linalg.inv(np.linalg.cholesky(fit.within))
    values, vectors = np.linalg.eigh(inverse @ fit.between @ inverse.T)
    return Axes(fit.mean, inverse.T @ vectors, values)


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weights of n controls in b tries, (b, n), and the study's centre (b, p) with its remaining variance (b, p)."""

    weights: Floats
    centre: Floats
    variance: Floats

    def squared_distance(self, z: Floats) -> Floats:
        """Squared distance of each row of z (m, p) in every try, (b, m)."""
        return np.asarray(np.sum((z[None] - self.centre[:, None]) ** 2 / (1 + self.variance[:, None]), axis=2))


def weighted_controls(z: Floats, spread: Floats, used: npt.NDArray[np.bool_]) -> Weighted:
    """Weigh controls by their distance from a shrunken centre, starting at their spatial median; those far out count for little.

    Parameters
    ----------
    z : (n, p) float64
        Coordinates of the controls.
    spread : (p,) float64
    used : (b, n) bool
        The controls that count in each try.
    """
    inside = used.astype(np.float64)
    n = inside.sum(axis=1, keepdims=True)
    centre = inside @ z / n
    for _ in range(STEPS):
        away = np.sqrt(np.sum((z[None] - centre[:, None]) ** 2, axis=2))
        w = inside / np.maximum(away, 1e-9)
        centre = w @ z / w.sum(axis=1, keepdims=True)
    gain = spread / (spread + 1 / n)
    scale = 1 + spread * (1 - gain)
    w = inside
    for _ in range(STEPS):
        distance = np.sum((z[None] - (gain * centre)[:, None]) ** 2 / scale[:, None], axis=2)
        w = inside * np.minimum(1.0, (REACH * z.shape[1] / np.maximum(distance, 1e-9)) ** 2)
        centre = w @ z / w.sum(axis=1, keepdims=True)
    effective = np.maximum(w.sum(axis=1, keepdims=True), LEAST)
    gain = spread / (spread + 1 / effective)
    return Weighted(w, gain * centre, spread * (1 - gain))


def weighted_local(fit: StudyEffects, values: Floats, weights: Floats) -> Local:
    """Shrink a study's weighted mean and SD of n controls, (n,), by their effective number; fewer than 5 controls of weight count as none."""
    if np.sum(weights > 0) < FEWEST:
        return localised(fit)
    total = weights.sum()
    n = max(float(total**2 / np.sum(weights**2)), LEAST)
    mean = float(np.sum(weights * values) / total)
    variance = float(np.sum(weights * (values - mean) ** 2) / total * n / (n - 1))
    k = fit.means.size
    t2, w2 = fit.location.predictive, fit.scale.predictive
    a = w2 / (w2 + fit.kappa / (2 * (n - 1)))
    ln_sd = fit.scale.mean + a * (np.log(max(np.sqrt(variance), SMALLEST_SD)) + 1 / (2 * (n - 1)) - fit.scale.mean)
    b = t2 / (t2 + np.exp(2 * ln_sd) / n)
    return Local(float(fit.location.mean + b * (mean - fit.location.mean)), float(t2 * (1 - b)), float(ln_sd), float(w2 * (1 - a)), k - 1 + n)


def score_posterior(scores: Floats, fit: StudyEffects) -> Local:
    """What a study's own scores say of its mean and ln SD where some controls may be ill: 15 x 9 nodes, five shares of contamination."""
    y = np.asarray(scores, dtype=np.float64)
    steps, scales = np.linspace(-3, 3, 15), np.linspace(-2.5, 2.5, 9)
    means = fit.location.mean + np.sqrt(fit.location.predictive) * steps[:, None]
    logs = fit.scale.mean + np.sqrt(fit.scale.predictive) * scales[None, :]
    prior = np.exp(-(steps[:, None] ** 2 + scales[None, :] ** 2) / 2)
    sds = np.exp(logs)
    z = (y[:, None, None] - means[None]) / sds[None]
    healthy = np.interp(z, _GRID, _density(fit), left=0.0, right=0.0) / sds[None]
    ill = np.where(y < fit.location.mean, 1 / (fit.location.mean - LOWEST_SCORE), 1e-9)[:, None, None]
    mixed = [np.log((1 - e) * healthy + e * ill + 1e-300).sum(axis=0) + np.log(q) for e, q in zip(CONTAMINATION, PRIOR, strict=True)]
    logged = np.stack(mixed) + np.log(prior)
    post = np.exp(logged - logged.max()).sum(axis=0)
    post /= post.sum()
    mean, log = float(np.sum(post * means)), float(np.sum(post * logs))
    spread, log_spread = float(np.sum(post * (means - mean) ** 2)), float(np.sum(post * (logs - log) ** 2))
    return Local(mean, max(spread, 1e-12), log, log_spread, fit.means.size - 1 + y.size)


@lru_cache(maxsize=64)
def _density(fit: StudyEffects) -> Floats:
    """Gaussian kernel density of the residuals on a grid of hundredths; made once for each fit."""
    z = (_GRID[:, None] - fit.dense) / BANDWIDTH
    return np.asarray(np.exp(-0.5 * z * z).mean(axis=1) / (BANDWIDTH * np.sqrt(2 * np.pi)))
