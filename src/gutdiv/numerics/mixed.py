"""Linear mixed models with one level of subjects by restricted maximum likelihood: statsmodels finds the variances, the rest follows from them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
SINGULAR = 1e-4  # of the residual deviation: lme4's own limit for a fit at the boundary
_METHODS = ("bfgs", "cg")  # in this order, the second from where the first gave up; "lbfgs" may say that it ended where it did not
_ENDED, _POLISHED = 1e-5, 1e-8  # largest gradient of the log likelihood a sample
_SAME = 1e-7  # between two deviances


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


@dataclass(frozen=True, eq=False)
class _Given:
    """Generalised least squares where the variances are given; `own` and `pull` are X_i' V_i^-1 X_i and X_i' V_i^-1 (y - X b)_i."""

    b: Floats
    variance: float
    deviance: float
    residuals: Floats
    own: Floats
    pull: Floats


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
    The variances are those of statsmodels' `MixedLM`, for a design made orthonormal and y without its projection on it. All else is
    generalised least squares with them, for two reasons: `MixedLM` gives errors that take the variances as estimated (lme4 and nlme take
    them as known), and close to a variance of zero it calculates with an infinite one (the pseudo-inverse in its `get_fe_params`). So where
    the smallest variance of the random effects, or of a combination of them, may as well be zero, it is taken as zero and the fit is
    singular; a random intercept without variance leaves ordinary least squares. With a slope the search only comes near the optimum at the
    boundary, so that such a fit has not converged: use the one without the slope.
    """
    width = 1.0 if slope is None else float(np.std(slope))
    effects = np.ones((y.size, 1)) if slope is None else np.column_stack([np.ones(y.size), (slope - slope.mean()) / width])
    parts = np.split(np.argsort(subjects, kind="stable"), np.cumsum(np.bincount(subjects))[:-1])
    with threadpool_limits(1, user_api="blas"):  # sums must not depend on the number of threads
        x, r = np.linalg.qr(design)
        known = x.T @ y
        rest = y - x @ known
        size = math.sqrt(float(rest @ rest) / y.size)
        rest /= size
        relative, fit, converged, singular = _search(rest, x, subjects, effects, parts)
        back = np.linalg.inv(r)
        information = fit.own.sum(axis=0)
        variance = fit.variance * size**2
        return MixedFit(
            coefficients=np.asarray(back @ (known + size * fit.b)),
            covariance=np.asarray(back @ np.linalg.inv(information) @ back.T * variance),
            deviations=np.sqrt(variance * np.diag(relative)) / np.array([1.0, width][: len(relative)]),
            residual=math.sqrt(variance),
            deviance=fit.deviance + 2 * float(np.sum(np.log(np.abs(np.diag(r))))) + 2 * (y.size - x.shape[1]) * math.log(size),
            converged=converged,
            singular=singular,
            residuals=fit.residuals * size,
            influence=_influence(fit, information),
        )


def _search(y: Floats, x: Floats, subjects: Places, effects: Floats, parts: list[Places]) -> tuple[Floats, _Given, bool, bool]:
    """Find the covariance of the random effects over the residual variance and what follows from it; whether it ended, and at the boundary."""
    from gutdiv.numerics.stacked_mixed import StackedMixedLM

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they say, no end or a boundary, is told by what is returned
        model = StackedMixedLM(y, x, subjects, effects)
        start = None
        for method in _METHODS:
            try:
                found = model.fit(reml=True, start_params=start, method=method, gtol=_ENDED)
                converged, relative = bool(found.converged), np.asarray(found.cov_re_unscaled, dtype=np.float64)
                start = found.params_object
            except np.linalg.LinAlgError:  # a variance that is zero to the last digit
                converged, relative = False, np.zeros((effects.shape[1], effects.shape[1]))
            sizes, axes = np.linalg.eigh(relative)
            flat = (axes[:, 1:] * sizes[1:]) @ axes[:, 1:].T  # the closest covariance at the boundary
            fit, there = (_given(v, y, x, effects, parts) for v in (relative, flat))
            if there.deviance < fit.deviance + _SAME:
                return flat, there, effects.shape[1] == 1, True
            if converged:
                break
        if converged:
            found = model.fit(reml=True, start_params=found.params_object, method="bfgs", gtol=_POLISHED)
            relative = np.asarray(found.cov_re_unscaled, dtype=np.float64)
            fit = _given(relative, y, x, effects, parts)
    return relative, fit, converged, math.sqrt(max(float(np.linalg.eigvalsh(relative)[0]), 0.0)) < SINGULAR


def _given(relative: Floats, y: Floats, x: Floats, effects: Floats, parts: list[Places]) -> _Given:
    """Solve for the coefficients, with V = I + Z relative Z' by subject."""
    n, p = x.shape
    whitened = np.empty((n, p + 1))
    log_v = 0.0
    for rows in parts:
        v = np.eye(rows.size) + effects[rows] @ relative @ effects[rows].T
        whitened[rows] = np.linalg.solve(v, np.column_stack([x[rows], y[rows]]))
        log_v += float(np.linalg.slogdet(v)[1])
    information = x.T @ whitened[:, :p]
    b: Floats = np.asarray(np.linalg.solve(information, x.T @ whitened[:, p]), dtype=np.float64)
    residuals = whitened[:, p] - whitened[:, :p] @ b  # V^-1 (y - X b), which is y - X b - Z u
    variance = float((y - x @ b) @ residuals) / (n - p)
    deviance = log_v + float(np.linalg.slogdet(information)[1]) + (n - p) * (1 + math.log(2 * math.pi * variance))
    own, pull = (np.stack([x[rows].T @ w[rows] for rows in parts]) for w in (whitened[:, :p], residuals))
    return _Given(b, variance, deviance, residuals, own, pull)


def _influence(fit: _Given, information: Floats) -> Floats:
    """Cook's distance of the coefficients for each subject left out."""
    left = information - fit.own
    alone = np.linalg.eigvalsh(left)[:, 0] < 1e-10 * float(np.linalg.eigvalsh(information)[-1])
    left[alone] = np.eye(len(information))
    shift = np.linalg.solve(left, fit.pull[:, :, None])[:, :, 0]
    distance = np.einsum("ip,pq,iq->i", shift, information, shift) / (len(information) * fit.variance)
    distance[alone] = np.inf
    return np.asarray(distance, dtype=np.float64)
