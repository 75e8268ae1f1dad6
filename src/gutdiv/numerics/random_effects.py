"""Random effects of studies on location and scale, and what they say of a new study with few controls or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]

FEWEST = 5  # local controls from which on they count
SMALLEST_SD = 1e-3
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_SHARES = WEIGHTS / WEIGHTS.sum()
_QUANTILES = (np.arange(199) + 0.5) / 199


# ---------------------------------------------------------------- pooling
@dataclass(frozen=True)
class Pooled:
    """A random-effects mean: `mean`, variance between studies `tau2`, and squared standard error of the mean `se2`."""

    mean: float
    tau2: float
    se2: float

    @property
    def predictive(self) -> float:
        """Variance of a new study's effect: between studies and of the mean."""
        return self.tau2 + self.se2


def pooled(effects: Floats, variances: Floats) -> Pooled:
    """Pool K >= 2 effects: REML (Viechtbauer 2005), and Knapp & Hartung's (2003) standard error, never below the classical one.

    Parameters
    ----------
    effects, variances : (K,) float64
        One effect a study and its variance within the study.
    """
    m, v = np.asarray(effects, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    top = 4 * float(np.var(m, ddof=1)) + 4 * float(v.max())
    found = optimize.minimize_scalar(lambda t: _reml(t, m, v), bounds=(0.0, top), method="bounded", options={"xatol": 1e-12 * top + 1e-300})
    tau2 = float(found.x) if found.fun < _reml(0.0, m, v) else 0.0
    w = 1 / (v + tau2)
    mean = float(np.sum(w * m) / w.sum())
    return Pooled(mean, tau2, max(float(np.sum(w * (m - mean) ** 2) / ((m.size - 1) * w.sum())), float(1 / w.sum())))


def _reml(tau2: float, m: Floats, v: Floats) -> float:
    """Restricted log-likelihood of the variance between studies, its sign turned."""
    w = 1 / (v + tau2)
    mean = np.sum(w * m) / w.sum()
    return float(0.5 * (np.sum(np.log(v + tau2)) + np.log(w.sum()) + np.sum(w * (m - mean) ** 2)))


def weighted_quantiles(values: Floats, weights: Floats, shares: Floats) -> Floats:
    """Quantiles where each value counts by its weight, linear between the middles of the values' stretches of weight."""
    order = np.argsort(values, kind="stable")
    w = weights[order]
    middle = (np.cumsum(w) - 0.5 * w) / w.sum()
    return np.interp(shares, middle, values[order])


# ---------------------------------------------------------------- a metric over studies
@dataclass(frozen=True, eq=False)
class StudyEffects:
    """A metric in K studies: effects on the mean and on ln SD, and the quantiles of what is left within studies.

    Parameters
    ----------
    sizes, means, sds : (K,) float64
    location, scale : Pooled
        Of the means, and of ln SD.
    kappa : float
        Variance of ln SD relative to normal residuals, at least 1.
    shares, residuals : (q,) float64
        Quantiles of standardised residuals at these shares; every study counts the same.
    """

    sizes: Floats
    means: Floats
    sds: Floats
    location: Pooled
    scale: Pooled
    kappa: float
    shares: Floats
    residuals: Floats

    @property
    def dense(self) -> Floats:
        """199 residual quantiles between the stored ones."""
        return np.interp(_QUANTILES, self.shares, self.residuals)


def study_effects(samples: Sequence[Floats], shares: Floats) -> StudyEffects:
    """Fit shift, scale and residuals to one array of values a study, each of 2 values or more."""
    n = np.array([s.size for s in samples], dtype=np.float64)
    m = np.array([s.mean() for s in samples])
    s = np.maximum([x.std(ddof=1) for x in samples], SMALLEST_SD)
    z = np.concatenate([(x - a) / b * np.sqrt(x.size / (x.size - 1)) for x, a, b in zip(samples, m, s, strict=True)])
    w = np.concatenate([np.full(x.size, 1 / x.size) for x in samples])
    centred = z - np.average(z, weights=w)
    second, fourth = (np.average(centred**k, weights=w) for k in (2, 4))
    kappa = max(1.0, float((fourth / second**2 - 1) / 2))
    scale = pooled(np.log(s) + 1 / (2 * (n - 1)), kappa / (2 * (n - 1)))
    return StudyEffects(n, m, s, pooled(m, s**2 / n), scale, kappa, shares, weighted_quantiles(z, w, shares))


# ---------------------------------------------------------------- a new study
@dataclass(frozen=True)
class Local:
    """What is thought of a new study: its mean (and variance of that), its ln SD (and variance), and the degrees of freedom."""

    mean: float
    mean_variance: float
    ln_sd: float
    ln_sd_variance: float
    df: float

    def standardised(self, values: Floats) -> Floats:
        """Distance from the mean in predictive standard deviations."""
        return np.asarray((values - self.mean) / np.sqrt(self.mean_variance + np.exp(2 * self.ln_sd)))


def localised(fit: StudyEffects, n: float = 0, mean: float = 0.0, sd: float = 1.0) -> Local:
    """Shrink a new study's own mean and SD of n controls towards the other studies; fewer than 5 controls count as none."""
    k = fit.means.size
    t2, w2 = fit.location.predictive, fit.scale.predictive
    if n < FEWEST:
        return Local(fit.location.mean, t2, fit.scale.mean, w2, k - 1)
    a = w2 / (w2 + fit.kappa / (2 * (n - 1)))
    ln_sd = fit.scale.mean + a * (np.log(max(sd, SMALLEST_SD)) + 1 / (2 * (n - 1)) - fit.scale.mean)
    b = t2 / (t2 + np.exp(2 * ln_sd) / n)
    return Local(float(fit.location.mean + b * (mean - fit.location.mean)), float(t2 * (1 - b)), float(ln_sd), float(w2 * (1 - a)), k - 1 + n)


def share_at_or_below(values: Floats, fit: StudyEffects, local: Local) -> Floats:
    """P(Y <= y) for a new person of a study, (n,): mean over residual quantiles and nodes of the scale, t-distributed mean."""
    y = np.asarray(values, dtype=np.float64).reshape(-1)
    sds = np.exp(local.ln_sd + np.sqrt(local.ln_sd_variance) * NODES)
    centre = local.mean + sds[:, None] * fit.dense
    out = np.empty(y.size)
    for start in range(0, y.size, 512):
        part = slice(start, start + 512)
        tail = special.stdtr(local.df, (y[part, None, None] - centre) / np.sqrt(local.mean_variance))
        out[part] = np.einsum("a,iaq->i", _SHARES, tail) / fit.dense.size
    return out


def limits(shares: Floats, fit: StudyEffects, local: Local) -> Floats:
    """Values below which these shares of a new study's people lie, (n,), by bisection to a millionth of the reach."""
    reach = 20 * np.sqrt(local.mean_variance + np.exp(2 * local.ln_sd + 2 * local.ln_sd_variance))
    wanted = np.asarray(shares, dtype=np.float64)
    low, high = np.full(wanted.shape, local.mean - reach), np.full(wanted.shape, local.mean + reach)
    for _ in range(26):
        middle = (low + high) / 2
        below = share_at_or_below(middle, fit, local) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


# ---------------------------------------------------------------- many metrics at once
@dataclass(frozen=True, eq=False)
class Centres:
    """Centres of K studies in p dimensions: their mean (p,), covariance within (p, p) and between studies (p, p)."""

    mean: Floats
    within: Floats
    between: Floats
    studies: int


def study_centres(samples: Sequence[Floats]) -> Centres:
    """Fit centres to one (n_k, p) array a study; every study counts the same.

    Within: .8 of the mean covariance, .2 of its diagonal, and .001. Between: covariance of the means less what chance within studies adds, off the
    diagonal halved, the diagonal at least .05 of that within, eigenvalues at least .001, times 1 + 1/K.
    """
    k = len(samples)
    means = np.array([x.mean(axis=0) for x in samples])
    covariances = [np.cov(x, rowvar=False) for x in samples]
    plain = np.mean(covariances, axis=0)
    within = 0.8 * plain + 0.2 * np.diag(np.diag(plain)) + 0.001 * np.eye(plain.shape[0])
    chance = np.mean([c / x.shape[0] for c, x in zip(covariances, samples, strict=True)], axis=0)
    between = np.cov(means, rowvar=False) - chance
    diagonal = np.maximum(np.diag(between), 0.05 * np.diag(within))
    between = 0.5 * between
    np.fill_diagonal(between, diagonal)
    values, vectors = np.linalg.eigh(between)
    between = (vectors * np.maximum(values, 0.001)) @ vectors.T
    return Centres(means.mean(axis=0), within, between * (1 + 1 / k), k)


def squared_distance(x: Floats, fit: Centres, n: float = 0, mean: Floats | None = None) -> Floats:
    """Squared distance of each row of x (m, p) from a new study's centre, shrunk from the mean of its n controls, one (p,) or one a row (m, p); (m,)."""
    centre, spread = fit.mean, fit.between
    if n >= FEWEST and mean is not None:
        gain = fit.between @ np.linalg.inv(fit.between + fit.within / n)
        centre = fit.mean + (mean - fit.mean) @ gain.T
        spread = fit.between - gain @ fit.between
    away = x - centre
    return np.asarray(np.einsum("ij,ij->i", away, np.linalg.solve(fit.within + spread, away.T).T))
