"""Linear mixed models with one level of subjects by restricted maximum likelihood, from cross-products of each subject."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
SINGULAR = 1e-4  # of the residual deviation: lme4's own limit for a fit at the boundary
_LARGEST = 1e4  # of a deviation over the residual one


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A fitted model y = X b + Z_i u_i + e.

    Parameters
    ----------
    coefficients : (p,) float64
    covariance : (p, p) float64
        Of the coefficients, the variances taken as known.
    deviations : (k,) float64
        Standard deviations of the random effects: of the intercept at the mean of the slope's variable, and of the slope.
    residual : float
        Residual standard deviation.
    deviance : float
        -2 log of the restricted likelihood, as `REMLcrit` of lme4.
    converged, singular : bool
        Whether the optimum was found, and whether it lies at the boundary (a deviation of zero, or a correlation of one).
    residuals : (n,) float64
        y - X b - Z u.
    influence : (n_subjects,) float64
        Cook's distance of each subject, the variances held (Christensen, Pearson & Johnson 1992); inf where a coefficient rests on it alone.
    """

    coefficients: Floats
    covariance: Floats
    deviations: Floats
    residual: float
    deviance: float
    converged: bool
    singular: bool
    residuals: Floats
    influence: Floats


class _Products:
    """What the likelihood needs: cross-products of each subject, of a design made orthonormal and of y without its projection on it."""

    def __init__(self, y: Floats, design: Floats, subjects: Places, effects: Floats) -> None:
        self.order = np.argsort(subjects, kind="stable")
        self.counts = np.bincount(subjects)
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        self.q, self.r = np.linalg.qr(design)
        self.known = self.q.T @ y
        self.both = np.column_stack([self.q, y - self.q @ self.known])[self.order]
        z = effects[self.order]
        self.zz = np.add.reduceat(z[:, :, None] * z[:, None, :], starts)
        self.zb = np.add.reduceat(z[:, :, None] * self.both[:, None, :], starts)
        self.starts, self.z = starts, z
        self.total = self.both.T @ self.both
        self.n, self.p = design.shape

    def solved(self, factor: Floats) -> tuple[Floats, Floats, Floats, float]:
        """Return factor' Z'[X y], the same behind M^-1, [X y]' V^-1 [X y], and log det V, for a relative covariance factor factor'."""
        k = factor.shape[0]
        m = np.eye(k) + factor.T @ self.zz @ factor
        w = factor.T @ self.zb
        inner: Floats = np.asarray(np.linalg.solve(m, w), dtype=np.float64)
        return w, inner, self.total - np.einsum("ikp,ikq->pq", w, inner), float(np.linalg.slogdet(m)[1].sum())

    def deviance(self, factor: Floats) -> float:
        """Return -2 log restricted likelihood, profiled over coefficients and residual variance."""
        _, _, products, log_v = self.solved(factor)
        sxx, sxy = products[: self.p, : self.p], products[: self.p, self.p]
        rss = float(products[self.p, self.p] - sxy @ np.linalg.solve(sxx, sxy))
        free = self.n - self.p
        log_x = float(np.linalg.slogdet(sxx)[1]) + 2 * float(np.sum(np.log(np.abs(np.diag(self.r)))))
        return float(log_v + log_x + free * (1 + math.log(2 * math.pi * max(rss, 1e-300) / free)))


def fit_reml(y: Floats, design: Floats, subjects: Places, *, slope: Floats | None = None) -> MixedFit:
    """Fit a random intercept by subject, or with `slope` a random intercept and slope with their correlation.

    Parameters
    ----------
    y : (n,) float64
        Not all on one plane of the design.
    design : (n, p) float64
        Full column rank, p < n.
    subjects : (n,) int
        Codes 0, 1, ..., each in use.
    slope : (n,) float64, optional
        The variable whose slope varies between subjects; shifted and scaled for the fit, which the model does not depend on.

    Notes
    -----
    The relative covariance factor of Bates et al. 2015 (J. Stat. Softw. 67:1), profiled; one deviation is searched on a grid and then by
    Brent's method, so that a boundary optimum is found as one. statsmodels' `MixedLM` maximises the same likelihood by gradient, subject by
    subject in Python: seconds a fit at 500 subjects, and no clear end at the boundary. Tests compare with it, with nlme and with lme4.
    """
    scale = 1.0
    effects = np.ones((y.size, 1))
    if slope is not None:
        scale = float(np.std(slope))
        effects = np.column_stack([effects, (slope - slope.mean()) / scale])
    products = _Products(y, design, subjects, effects)
    factor, converged = _one_deviation(products) if slope is None else _two_deviations(products)
    w, inner, every, _ = products.solved(factor)
    p = products.p
    sxx, sxy = every[:p, :p], every[:p, p]
    b: Floats = np.asarray(np.linalg.solve(sxx, sxy), dtype=np.float64)
    variance = max(float(every[p, p] - sxy @ b), 0.0) / (products.n - p)
    r_inverse = np.linalg.inv(products.r)
    covariance = r_inverse @ np.linalg.inv(sxx) @ r_inverse.T * variance
    rest = products.both[:, p] - products.both[:, :p] @ b
    u = (factor @ (inner[:, :, p] - inner[:, :, :p] @ b)[:, :, None])[:, :, 0]
    residuals = np.empty(y.size)
    residuals[products.order] = rest - np.sum(products.z * np.repeat(u, products.counts, axis=0), axis=1)
    deviations = math.sqrt(variance) * np.linalg.norm(factor, axis=1) / np.array([1.0, scale][: factor.shape[0]])
    return MixedFit(
        coefficients=np.asarray(r_inverse @ (products.known + b)),
        covariance=covariance,
        deviations=deviations,
        residual=math.sqrt(variance),
        deviance=products.deviance(factor),
        converged=converged,
        singular=bool(np.any(np.abs(np.diag(factor)) < SINGULAR)),
        residuals=residuals,
        influence=_influence(products, w, inner, sxx, b, rest, variance),
    )


def _one_deviation(products: _Products) -> tuple[Floats, bool]:
    """Find the relative deviation of a random intercept."""

    def at(theta: float) -> float:
        return products.deviance(np.array([[theta]]))

    grid = np.concatenate([[0.0], 2.0 ** np.arange(-7, 8)])
    found = [at(t) for t in grid]
    k = int(np.argmin(found))
    low, high = grid[max(k - 1, 0)], grid[k + 1] if k + 1 < grid.size else _LARGEST
    best = minimize_scalar(at, bounds=(low, high), method="bounded", options={"xatol": 1e-9 * max(high, 1.0)})
    theta = float(best.x) if float(best.fun) < found[0] - 1e-9 else 0.0
    return np.array([[theta]]), bool(best.success) and theta < 0.99 * _LARGEST


def _two_deviations(products: _Products) -> tuple[Floats, bool]:
    """Find the relative covariance factor of a random intercept and slope."""

    def factor(theta: Floats) -> Floats:
        return np.array([[theta[0], 0.0], [theta[1], theta[2]]])

    def at(theta: Floats) -> float:
        return products.deviance(factor(theta))

    bounds = [(0.0, _LARGEST), (-_LARGEST, _LARGEST), (0.0, _LARGEST)]
    starts = [(1.0, 0.0, 1.0), (0.5, 0.0, 0.05)]
    tried = [minimize(at, np.array(s), method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-9}) for s in starts]
    best = min(tried, key=lambda r: float(r.fun))
    simplex = np.vstack([best.x, best.x + np.diag(0.02 + 0.02 * np.abs(best.x))])
    polished = minimize(
        at, best.x, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 800, "initial_simplex": simplex}
    )
    return factor(polished.x), bool(polished.success) and bool(np.all(np.abs(polished.x) < 0.99 * _LARGEST))


def _influence(products: _Products, w: Floats, inner: Floats, sxx: Floats, b: Floats, rest: Floats, variance: float) -> Floats:
    """Cook's distance of the coefficients for each subject left out; the design is orthonormal here, which it does not depend on."""
    p = products.p
    x = products.both[:, :p]
    own = np.add.reduceat(x[:, :, None] * x[:, None, :], products.starts) - np.einsum("ikp,ikq->ipq", w[:, :, :p], inner[:, :, :p])
    pull = np.add.reduceat(x * rest[:, None], products.starts)
    pull -= np.einsum("ikp,ik->ip", w[:, :, :p], inner[:, :, p] - inner[:, :, :p] @ b)
    left = sxx - own
    alone = np.linalg.eigvalsh(left)[:, 0] < 1e-10 * float(np.linalg.eigvalsh(sxx)[-1])
    left[alone] = np.eye(p)
    shift = np.linalg.solve(left, pull[:, :, None])[:, :, 0]
    distance = np.einsum("ip,pq,iq->i", shift, sxx, shift) / (p * variance) if variance > 0 else np.zeros(len(left))
    distance[alone] = np.inf
    return np.asarray(distance, dtype=np.float64)
