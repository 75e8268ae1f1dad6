"""Many least-squares regressions on one design, each with a covariance that holds under unequal spread or repeated subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Regressions:
    """Least-squares fits of m responses on one design.

    Parameters
    ----------
    coefficients : (q, m)
        Of the tested columns only.
    covariance : (m, q, q)
        Of these coefficients.
    correlation : (q, q)
        Of these coefficients if errors were independent and of one spread, the same for all responses.
    freedom : (q,)
        Degrees of freedom of the variance of each coefficient.
    plain : (q, m)
        Variances of these coefficients by least squares, as if errors were independent and of one spread.
    """

    coefficients: Floats
    covariance: Floats
    correlation: Floats
    freedom: Floats
    plain: Floats

    def cautious(self) -> Floats:
        """Covariance (m, q, q) with each variance raised to that of least squares where it is smaller, correlations as they are."""
        own = np.einsum("mqq->mq", self.covariance)
        stretch = np.sqrt(np.maximum(self.plain.T / np.where(own > 0, own, np.inf), 1.0))
        return np.asarray(self.covariance * stretch[:, :, None] * stretch[:, None, :])


def regress(y: Floats, design: Floats, tested: slice, subjects: Ints | None = None) -> Regressions:
    """Fit every column of y on the design and keep the tested coefficients.

    The covariance comes from leaving out one sample at a time (HC3, MacKinnon & White 1985) or, where subjects repeat, one subject
    at a time: (G - 1) / G times the sum over subjects of the squared deviations from their mean. Both are in closed form: leaving out
    the rows of g moves the coefficients by -(X'X)^-1 X_g' (I - H_g)^-1 e_g. The degrees of freedom are those of Bell & McCaffrey (2002)
    for HC3, so that a small group counts by its own size, and G - 1 for subjects.

    Parameters
    ----------
    y : (n, m)
    design : (n, k)
        Of full column rank, the intercept among its columns.
    tested : slice
        Columns whose coefficients are wanted.
    subjects : (n,) int, optional
        Subject of each sample, numbered from 0 without gaps.

    Returns
    -------
    Regressions
    """
    q, r = np.linalg.qr(design)
    inverse = np.linalg.inv(r)
    coefficients = inverse @ (q.T @ y)
    residual = y - design @ coefficients
    weights = inverse[tested] @ q.T  # (tested, n): rows of (X'X)^-1 X'
    gram = inverse[tested] @ inverse[tested].T
    scale = np.sqrt(np.diag(gram))
    plain = np.outer(np.diag(gram), (residual**2).sum(axis=0) / max(y.shape[0] - design.shape[1], 1))
    if subjects is None:
        free = 1 - (q**2).sum(axis=1)
        # a sample that the design fits exactly has residual 0 and no say
        share = weights * np.where(free > 1e-10, 1 / np.where(free > 1e-10, free, 1.0), 0.0)
        pairs = np.einsum("ai,bi->abi", share, share).reshape(-1, y.shape[0])
        covariance = (pairs @ residual**2).T.reshape(-1, weights.shape[0], weights.shape[0])
        freedom = np.array([_bell_mccaffrey(a**2, q) for a in share])
    else:
        count = int(subjects.max()) + 1
        freedom = np.full(weights.shape[0], count - 1.0)
        shifts = np.empty((count, weights.shape[0], y.shape[1]))
        for g in range(count):
            rows = np.flatnonzero(subjects == g)
            hat = q[rows] @ q[rows].T
            # a subject that alone decides a coefficient has no jackknife value; the pseudo-inverse leaves its say at zero
            shifts[g] = weights[:, rows] @ (np.linalg.pinv(np.eye(rows.size) - hat, rcond=1e-10, hermitian=True) @ residual[rows])
        shifts -= shifts.mean(axis=0)
        covariance = np.einsum("gam,gbm->mab", shifts, shifts, optimize=True) * (count - 1) / count
    return Regressions(coefficients[tested], covariance, gram / np.outer(scale, scale), freedom, plain)


def _bell_mccaffrey(weights: Floats, basis: Floats) -> float:
    """Degrees of freedom of sum(weights e^2), e the residuals of a regression on an orthonormal basis, under errors of one spread."""
    leverage = (basis**2).sum(axis=1)
    inner = basis.T @ (weights[:, None] * basis)
    first = float((weights * (1 - leverage)).sum())
    second = float((weights**2 * (1 - 2 * leverage)).sum() + (inner**2).sum())
    return first**2 / second
