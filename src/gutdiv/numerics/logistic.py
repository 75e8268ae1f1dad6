"""Many logistic regressions at once, penalised against separation (Firth 1993)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, xlog1py, xlogy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STEPS = 100
_LONGEST_STEP = 2.0
_PRECISE = 1e-8


@dataclass(frozen=True, eq=False)
class Logistic:
    """Penalised maximum-likelihood fits of m responses: `coefficients` (m, k), their `covariance` (m, k, k) and `likelihood` (m,)."""

    coefficients: Floats
    covariance: Floats
    likelihood: Floats
    converged: npt.NDArray[np.bool_]


def firth(y: Floats, design: Floats, free: npt.NDArray[np.bool_] | None = None) -> Logistic:
    """Fit logistic regressions with Jeffreys' prior as penalty, which keeps estimates finite under separation.

    Maximises `log L + log |I| / 2`, as `logistf` of R does. Columns that are not free have the coefficient 0, and the penalty stays that of
    the whole design, so that twice the difference of two likelihoods is the penalised likelihood ratio of Heinze & Schemper (2002).

    Parameters
    ----------
    y : (n, m)
        Outcomes from 0 to 1; those between are shares, as of the samples of a subject.
    design : (m, n, k)
        One design for each response.
    free : (k,) bool, optional
        Columns whose coefficients are fitted; default all.

    Returns
    -------
    Logistic
        The covariance is the inverse information of the whole design at the estimate.
    """
    m, _, k = design.shape
    at = np.arange(k) if free is None else np.flatnonzero(free)
    outcome = y.T
    beta = np.zeros((m, k))
    current = _likelihood(outcome, design, beta)
    live = np.ones(m, dtype=bool)
    for _ in range(_STEPS):
        if not live.any() or at.size == 0:
            break
        x, b = design[live], beta[live]
        chance = expit(np.einsum("mnk,mk->mn", x, b))
        weight = chance * (1 - chance)
        information = np.matmul(x.transpose(0, 2, 1) * weight[:, None, :], x)
        leverage = weight * np.einsum("mnk,mnk->mn", np.matmul(x, np.linalg.pinv(information, hermitian=True)), x)
        score = np.einsum("mnk,mn->mk", x, outcome[live] - chance + leverage * (0.5 - chance))[:, at]
        step = np.linalg.solve(information[:, at[:, None], at], score[:, :, None])[:, :, 0]
        longest = np.abs(np.einsum("mnk,mk->mn", x[:, :, at], step)).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-300))
        tried = _climb(outcome[live], x, b, step, at, current[live])
        beta[live], moved, current[live] = tried
        live[live] = moved > _PRECISE
    covariance = np.asarray(np.linalg.pinv(_information(design, beta), hermitian=True), dtype=np.float64)
    return Logistic(beta, covariance, current, ~live)


def _climb(y: Floats, x: Floats, beta: Floats, step: Floats, at: Ints, before: Floats) -> tuple[Floats, Floats, Floats]:
    """Take each step, halved until the likelihood does not fall; return the estimates, the longest change of each, and the likelihoods."""
    factor = np.ones(beta.shape[0])
    for _ in range(12):
        new = beta.copy()
        new[:, at] += factor[:, None] * step
        after = _likelihood(y, x, new)
        worse = after < before - 1e-10
        if not worse.any():
            break
        factor = np.where(worse, factor / 2, factor)
    return new, np.abs(factor[:, None] * step).max(axis=1), after


def _information(design: Floats, beta: Floats) -> Floats:
    """Fisher's information of each regression, (m, k, k)."""
    chance = expit(np.einsum("mnk,mk->mn", design, beta))
    return np.asarray(np.matmul(design.transpose(0, 2, 1) * (chance * (1 - chance))[:, None, :], design))


def _likelihood(y: Floats, design: Floats, beta: Floats) -> Floats:
    """Penalised log-likelihood of each regression, (m,)."""
    chance = expit(np.einsum("mnk,mk->mn", design, beta))
    logs = (xlogy(y, chance) + xlog1py(1 - y, -chance)).sum(axis=1)
    return np.asarray(logs + 0.5 * np.linalg.slogdet(_information(design, beta))[1])


def leave_subjects_out(fit: Logistic, y: Floats, design: Floats, subjects: Ints) -> Floats:
    """Covariance (m, k, k) of logistic coefficients by leaving out one subject at a time, each by one Newton step from the whole fit.

    Parameters
    ----------
    fit : Logistic
        Of `y` (n, m) on `design` (m, n, k).
    subjects : (n,) int
        Subject of each sample, numbered from 0 without gaps.
    """
    count = int(subjects.max()) + 1
    chance = expit(np.einsum("mnk,mk->mn", design, fit.coefficients))
    weight = chance * (1 - chance)
    information = _information(design, fit.coefficients)
    leverage = weight * np.einsum("mnk,mnk->mn", np.matmul(design, fit.covariance), design)
    scores = design * (y.T - chance + leverage * (0.5 - chance))[:, :, None]
    shifts = np.empty((count, *fit.coefficients.shape))
    for g in range(count):
        rows = np.flatnonzero(subjects == g)
        own = design[:, rows]
        left = information - np.matmul(own.transpose(0, 2, 1) * weight[:, None, rows], own)
        shifts[g] = -np.matmul(np.linalg.pinv(left, hermitian=True), scores[:, rows].sum(axis=1)[:, :, None])[:, :, 0]
    shifts -= shifts.mean(axis=0)
    return np.asarray(np.einsum("gmi,gmj->mij", shifts, shifts) * (count - 1) / count)
