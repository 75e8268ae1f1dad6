"""Slopes of taxa on the diversity of the rest, freed of the sampling effort that all taxa of a sample share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 50  # columns at a time: about 4 MB a matrix of doubles at 10,000 samples
_NEWTON_STEPS = 25
_SHAPE_CENTRE, _SHAPE_PENALTY = 0.7, 2.0
_SHAPE_LIMITS = (0.1, 3.0)
_LEVEL_LIMIT = 12.0


# ---------------------------------------------------------------- diversity of the rest
def digamma_weight(counts: npt.ArrayLike) -> Floats:
    """Return x psi(x) for counts of any shape, 0 at x = 0: a taxon's part in the digamma entropy."""
    x = np.asarray(counts, dtype=np.float64)
    return np.asarray(x * digamma(np.maximum(x, 1.0)))


def rest_entropy(total: Floats, weighted: Floats) -> Floats:
    """Digamma estimate of the Shannon entropy of what is left of each sample, in nats.

    `psi(T) - W / T`: nearly free of the bias by depth that the plug-in entropy has. A rest of no or one read has entropy 0.

    Parameters
    ----------
    total : array
        Reads of the rest, T.
    weighted : array
        Sum of `digamma_weight` over the taxa of the rest, W; same shape.
    """
    safe = np.maximum(total, 1.0)
    return np.where(total >= 2, digamma(safe) - weighted / safe, 0.0)


def rest_collision(total: Floats, pairs: Floats) -> Floats:
    """Logarithm of the Hill number of order 2 of what is left of each sample, from the unbiased Simpson estimate.

    `-ln(Q / (T (T - 1)))`. Where the rest holds no two reads of one taxon, Q counts as 1: the largest value that T reads can show.

    Parameters
    ----------
    total : array
        Reads of the rest, T; below 2 the result is 0.
    pairs : array
        Sum of x (x - 1) over the taxa of the rest, Q; same shape.
    """
    possible = np.maximum(total * (total - 1.0), 1.0)
    return np.where(total >= 2, np.log(possible) - np.log(np.maximum(pairs, 1.0)), 0.0)


# ---------------------------------------------------------------- null curve
def thinning_slope(counts: npt.ArrayLike) -> Floats:
    """Return d E[ln(x* + .5)] / d ln(effort) for binomial thinning of x reads: x ln((x + .5) / (x - .5)), 0 at x = 0."""
    x = np.asarray(counts, dtype=np.float64)
    seen = np.maximum(x, 1.0)
    return np.where(x > 0, seen * np.log((seen + 0.5) / (seen - 0.5)), 0.0)


def detection_curve(present: npt.NDArray[np.bool_], effort: Floats) -> tuple[Floats, Floats]:
    """Fit P(present) = logistic(a + b effort) to each column, with a penalty 2 (b - .7)^2, b in [.1, 3] and |a| <= 12.

    Parameters
    ----------
    present : (n, m) bool
        Whether a taxon was seen in a sample.
    effort : (n, m) or (n, 1)
        Log effort, centred by column.

    Returns
    -------
    a, b : (m,)
        Level and shape of each curve, by Newton steps on the penalised likelihood.
    """
    n = present.shape[0]
    share = present.mean(axis=0)
    inside = np.clip(share, 0.5 / n, 1 - 0.5 / n)
    level = np.log(inside / (1 - inside))
    shape = np.full(present.shape[1], _SHAPE_CENTRE)
    seen = present.sum(axis=0)
    seen_effort = (effort * present).sum(axis=0)
    for _ in range(_NEWTON_STEPS):
        chance = expit(level + effort * shape)
        weight = chance * (1 - chance)
        slope_a = seen - chance.sum(axis=0)
        slope_b = seen_effort - (chance * effort).sum(axis=0) - 2 * _SHAPE_PENALTY * (shape - _SHAPE_CENTRE)
        curve_aa = weight.sum(axis=0) + 1e-9
        weighted = weight * effort
        curve_ab = weighted.sum(axis=0)
        curve_bb = (weighted * effort).sum(axis=0) + 2 * _SHAPE_PENALTY
        determinant = curve_aa * curve_bb - curve_ab**2
        step_a = (curve_bb * slope_a - curve_ab * slope_b) / determinant
        step_b = (curve_aa * slope_b - curve_ab * slope_a) / determinant
        # a bounded step keeps a column of nearly all or no detections from jumping over its optimum
        level = np.clip(level + np.clip(step_a, -2, 2), -_LEVEL_LIMIT, _LEVEL_LIMIT)
        shape = np.clip(shape + np.clip(step_b, -0.5, 0.5), *_SHAPE_LIMITS)
        if max(np.abs(step_a).max(initial=0.0), np.abs(step_b).max(initial=0.0)) < 1e-10:
            break
    return level, shape


def null_curve(counts: Ints, effort: Floats) -> tuple[Floats, Floats]:
    """Take from each log count what its sample's effort alone would give it.

    `y = ln(x + .5) - kappa ln(1 + exp(a + b (f - mean f))) / b`: at high effort the expected log count rises with slope kappa (about 1),
    where the taxon is mostly unseen it hardly rises. A fixed log-ratio subtracts slope 1 everywhere and gives rare taxa false links.

    Parameters
    ----------
    counts : (n, m) int
        Reads of m taxa.
    effort : (n, m) or (n, 1)
        Log effort f seen by each taxon: the mean log count of the reference taxa.

    Returns
    -------
    y : (n, m)
        Log counts freed of effort, in ln-units.
    s : (m,)
        Mean thinning slope of each taxon, close to its prevalence.
    """
    centred = effort - effort.mean(axis=0)
    present = counts > 0
    level, shape = detection_curve(present, centred)
    slope = thinning_slope(counts)
    kappa = slope.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    y = np.log(counts + 0.5) - kappa * np.logaddexp(0.0, level + shape * centred) / shape
    return y, slope.mean(axis=0)


def reference_effort(counts: Ints, reference: Ints) -> Floats:
    """Log effort of each sample as each taxon sees it: the mean of ln(x + .5) over the reference taxa other than itself.

    Parameters
    ----------
    counts : (n, m) int
        Reads of all taxa.
    reference : (k,) int
        Columns of the reference taxa, two or more.

    Returns
    -------
    (n, m)
    """
    logs = np.log(counts[:, reference] + 0.5)
    effort = np.repeat(logs.sum(axis=1)[:, None] / reference.size, counts.shape[1], axis=1)
    effort[:, reference] = (logs.sum(axis=1)[:, None] - logs) / (reference.size - 1)
    return effort


def equal_effort_detection(counts: Ints, effort: Floats, common: Floats) -> Floats:
    """Chance that a taxon is still seen when its sample is thinned to a common effort: 1 - (1 - r)^x, r = min(1, exp(common - effort)).

    The exact expectation over all draws, as rarefaction to equal depth draws once. Samples below the common effort stay as they are.

    Parameters
    ----------
    counts : (n, m) int
    effort : (n, m)
        Log effort.
    common : (m,)
        Log effort to which samples are thinned.

    Returns
    -------
    (n, m)
        From 0 to 1; 0 where the taxon was not seen.
    """
    kept = np.exp(np.minimum(common - effort, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        missed = np.where(counts > 0, counts * np.log1p(-kept), 0.0)
    return np.asarray(-np.expm1(missed))


# ---------------------------------------------------------------- slopes
@dataclass(frozen=True, eq=False)
class Slopes:
    """Slopes of m taxa per SD of their predictors: `b` and its errors by HC3 and OLS, all (m,), and what the jackknife needs."""

    b: Floats
    hc3: Floats
    ols: Floats
    predictor: Floats
    residual: Floats


def orthonormal_basis(design: Floats) -> Floats:
    """Return an orthonormal basis (n, rank) of the columns of a design matrix (n, k), by singular values above 1e-10 of the largest."""
    scaled = design / np.maximum(np.sqrt((design**2).sum(axis=0)), 1e-300)
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, values > 1e-10 * values[0]])


def without(values: Floats, basis: Floats) -> Floats:
    """Return what is left of each column of `values` (n, m) after projection on `basis` (n, r)."""
    return np.asarray(values - basis @ (basis.T @ values))


def slopes(y: Floats, predictor: Floats, basis: Floats) -> Slopes:
    """Least-squares slope of each column of y on its predictor given the basis, with HC3 and OLS standard errors.

    Both are freed of the basis first, then the predictor is scaled to SD 1 (n - 1 in the denominator). Leverage is that of the full
    regression. A predictor that the basis explains wholly gives NaN.

    Parameters
    ----------
    y : (n, m)
    predictor : (n, m) or (n, 1)
    basis : (n, r)
        Orthonormal basis of the covariates, the intercept among them.
    """
    n, r = basis.shape
    e = without(y, basis)
    d = without(predictor, basis)
    spread = np.sqrt((d**2).sum(axis=0) / (n - 1))
    flat = spread <= 1e-10 * np.maximum(np.abs(predictor).max(axis=0), 1e-300)
    d = d / np.where(flat, np.nan, spread)
    sum_squares = (d**2).sum(axis=0)
    b = (d * e).sum(axis=0) / sum_squares
    e = e - b * d
    free = 1 - (basis**2).sum(axis=1)[:, None] - d**2 / sum_squares
    # a sample that the covariates fit exactly has residual 0 and no say
    share = np.where(free > 1e-10, d * e / np.where(free > 1e-10, free, 1.0), 0.0)
    hc3 = np.sqrt((share**2).sum(axis=0)) / sum_squares
    ols = np.sqrt((e**2).sum(axis=0) / (n - r - 1) / sum_squares)
    return Slopes(b, hc3, ols, d, e)


def subject_jackknife(fit: Slopes, subjects: Ints) -> Floats:
    """Standard error of each slope by leaving out one subject at a time, in closed form.

    With U_g the sum of d e and V_g the sum of d^2 over a subject's samples, leaving it out moves the slope by -U_g / (V - V_g).

    Parameters
    ----------
    fit : Slopes
        Of n samples and m taxa.
    subjects : (n,) int
        Subject of each sample, numbered from 0 without gaps.
    """
    count = int(subjects.max()) + 1
    order = np.argsort(subjects, kind="stable")
    starts = np.searchsorted(subjects[order], np.arange(count))
    d = np.broadcast_to(fit.predictor, fit.residual.shape)
    u = np.add.reduceat((d * fit.residual)[order], starts, axis=0)
    v = np.add.reduceat((d**2)[order], starts, axis=0)
    shift = -u / (v.sum(axis=0) - v)
    return np.asarray(np.sqrt((count - 1) / count * ((shift - shift.mean(axis=0)) ** 2).sum(axis=0)))


def subject_means(values: Floats, subjects: Ints) -> Floats:
    """Return the mean of each column of `values` (n, m) over each subject's samples, shape (subjects, m)."""
    count = int(subjects.max()) + 1
    order = np.argsort(subjects, kind="stable")
    starts = np.searchsorted(subjects[order], np.arange(count))
    sizes = np.diff(np.append(starts, subjects.size))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0) / sizes[:, None])


def typical_slope(ratios: Floats) -> tuple[float, float]:
    """Return the median slope of the reference taxa, and its standard error 1.2533 x 1.4826 MAD / sqrt(count).

    Parameters
    ----------
    ratios : (k,)
        Slope of each reference taxon divided by its thinning slope.
    """
    middle = float(np.median(ratios))
    spread = 1.4826 * float(np.median(np.abs(ratios - middle)))
    return middle, 1.2533 * spread / float(np.sqrt(ratios.size))
