"""Estimates of differential abundance and prevalence at equal effort, on arrays of reads and one design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import stats

from gutdiv.numerics.effort import (
    BLOCK,
    detection_curve,
    equal_effort_detection,
    null_curve,
    reference_effort,
    subject_means,
    typical_slope,
)
from gutdiv.numerics.logistic import firth, leave_subjects_out
from gutdiv.numerics.regression import regress

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REFERENCE_PREVALENCE = 0.90
USUAL_REFERENCE = 15  # taxa; where fewer are that prevalent, so many of the most prevalent ones are taken, down to ...
LEAST_REFERENCE_PREVALENCE = 0.50
MIN_REFERENCE = 5
COMMON_EFFORT = 0.25  # quantile of the samples' efforts to which detection is thinned
MIN_DETECTED = 5.0  # units; expected in the smaller group if groups did not differ
ABSENCE = 0.001  # probability of not seeing a taxon in a whole group below which it is a structural zero


@dataclass(frozen=True, eq=False)
class Plan:
    """The regression that is made for every taxon.

    Parameters
    ----------
    matrix : (units, k) float
        Design of full column rank, intercept first; units are samples or, with `means`, subjects.
    tested : slice
        Columns of the tested variable.
    subjects : (n,) int or None
        Subject of each sample, numbered from 0, where subjects repeat.
    means : bool
        Whether samples are averaged by subject first; else repeated subjects are left out one at a time.
    rows : (n, k) float
        The design of the samples.
    level : (n,) int or None
        Level of each sample: 0 the baseline, k that of the tested column k - 1; None for a number.
    """

    matrix: Floats
    tested: slice
    subjects: Ints | None
    means: bool
    rows: Floats
    level: Ints | None

    @property
    def clusters(self) -> Ints | None:
        """Subjects to be left out one at a time, or None."""
        return None if self.means else self.subjects

    def units(self, values: Floats) -> Floats:
        """Bring (n, m) values of samples to the units of the regression."""
        return subject_means(values, self.subjects) if self.means and self.subjects is not None else values

    def counts(self) -> list[int]:
        """Units of each level; of a number, all units. A subject counts in every level that its samples hold."""
        if self.level is None:
            return [len(self.units(self.rows)) if self.subjects is None else int(self.subjects.max()) + 1]
        who = np.arange(self.level.size) if self.subjects is None else self.subjects
        return [np.unique(who[self.level == k]).size for k in range(int(self.level.max()) + 1)]


@dataclass(frozen=True, eq=False)
class Estimates:
    """Effects of q contrasts on m taxa: `effect`, `se`, `statistic`, `p` (q, m), `df` (q,), and the joint test `overall_*` (m,)."""

    effect: Floats
    se: Floats
    statistic: Floats
    p: Floats
    df: Floats
    overall_statistic: Floats
    overall_p: Floats
    overall_df: float


@dataclass(frozen=True, eq=False)
class Effort:
    """Effort of the samples: `log` (n, m) as each taxon sees it, `reference` its taxa, `shift` (q,) of the typical taxon and its error."""

    log: Floats
    reference: Ints
    shift: Floats
    shift_se: Floats


def choose_reference(prevalence: Floats) -> Ints | str:
    """Choose the taxa that tell each sample's effort: those in 90 % of the samples, or the 15 most prevalent ones in at least half of them."""
    chosen = np.flatnonzero(prevalence >= REFERENCE_PREVALENCE)
    if chosen.size < USUAL_REFERENCE:
        best = np.argsort(-prevalence, kind="stable")[:USUAL_REFERENCE]
        chosen = np.sort(best[prevalence[best] >= LEAST_REFERENCE_PREVALENCE])
    if chosen.size < MIN_REFERENCE:
        return (
            f"{chosen.size} taxa are present in at least {LEAST_REFERENCE_PREVALENCE:.0%} of the samples, and {MIN_REFERENCE} are needed "
            "to tell how much effort each sample got"
        )
    return chosen.astype(np.int64)


def abundance_fit(counts: Ints, plan: Plan, reference: Ints) -> tuple[Estimates, Effort]:
    """Estimate log fold changes relative to the typical reference taxon, freed of effort by the null curve.

    `y = ln(x + .5)` less its expectation at the sample's effort (`numerics.effort.null_curve`) is regressed on the design; the median
    slope of the reference taxa, with its error, is subtracted, as the bias that all taxa share (Zhou et al. 2022 subtract the mode of
    the slopes of centred log-ratios). Of the robust error and that of least squares the larger counts: HC3 alone let 8 % of null tables
    show a difference where groups of 20 and 80 differ fourfold in depth. Effects are divided by each taxon's thinning slope, so that rare
    taxa read on the same scale.

    Parameters
    ----------
    counts : (n, m) int
    plan : Plan
        Of n samples.
    reference : (k,) int
        Columns of the reference taxa.
    """
    effort = reference_effort(counts, reference)
    fits, slopes = [], []
    for block in _blocks(counts.shape[1]):
        y, s = null_curve(counts[:, block], effort[:, block])
        fits.append(regress(plan.units(y), plan.matrix, plan.tested, plan.clusters))
        slopes.append(s)
    s = np.concatenate(slopes)
    b = np.concatenate([f.coefficients for f in fits], axis=1)
    covariance = np.concatenate([f.cautious() for f in fits])
    typical = [typical_slope(row[reference] / s[reference]) for row in b]
    shift, error = (np.array(column) for column in zip(*typical, strict=True))
    shared = fits[0].correlation * np.outer(error, error)
    total = covariance / (s**2)[:, None, None] + shared
    return _judged(b / s - shift[:, None], total, fits[0].freedom), Effort(effort, reference, shift, error)


def clr_fit(counts: Ints, plan: Plan) -> Estimates:
    """Estimate log fold changes as LinDA does (Zhou et al. 2022): centred log-ratios of counts + .5, less the shared bias of the slopes.

    The bias is the median slope of all taxa, its error that of a median; errors by HC3 or over subjects.
    """
    logs = np.log(counts + 0.5)
    fit = regress(plan.units(logs - logs.mean(axis=1, keepdims=True)), plan.matrix, plan.tested, plan.clusters)
    shift, error = (np.array(column) for column in zip(*(typical_slope(row) for row in fit.coefficients), strict=True))
    return _judged(fit.coefficients - shift[:, None], fit.covariance + fit.correlation * np.outer(error, error), fit.freedom)


def detection_fit(counts: Ints, plan: Plan, effort: Effort) -> Estimates:
    """Estimate log odds ratios of detection at equal effort.

    Samples are thinned to the first quartile of effort, by expectation over all draws; what effort the shallower ones lack is a covariate.
    Firth's logistic regression; p from the penalised likelihood ratio. Expected detections spread less than 0 and 1 do, so that p is
    rather too large than too small; scaling by the dispersion found would make it too small where groups differ in effort. Where subjects
    are left out one at a time, p is Wald's. The error of the typical taxon's shift is added.
    """
    log = effort.log + (plan.rows[:, plan.tested] @ effort.shift)[:, None]
    common = np.quantile(log, COMMON_EFFORT, axis=0)
    shortfall = plan.units(np.minimum(log - common, 0.0))
    shortfall = shortfall - shortfall.mean(axis=0)
    # where a quarter of the samples have the least effort there is nothing to adjust for
    lacking = None if ((shortfall**2).sum(axis=0) < 1e-12).any() else shortfall
    parts = [
        _detected(
            plan.units(equal_effort_detection(counts[:, b], log[:, b], common[b])),
            plan,
            None if lacking is None else lacking[:, b],
            effort.shift_se,
        )
        for b in _blocks(counts.shape[1])
    ]
    effect, se, statistic, p = (np.concatenate([getattr(q, c) for q in parts], axis=1) for c in ("effect", "se", "statistic", "p"))
    joint, joint_p = (np.concatenate([getattr(q, c) for q in parts]) for c in ("overall_statistic", "overall_p"))
    return Estimates(effect, se, statistic, p, parts[0].df, joint, joint_p, parts[0].overall_df)


def _detected(seen: Floats, plan: Plan, lacking: Floats | None, shift_se: Floats) -> Estimates:
    """Fit a block of taxa: chances of detection (units, m), and what effort each unit lacks as each taxon sees it."""
    n, m = seen.shape
    k = plan.matrix.shape[1]
    design = np.empty((m, n, k + (lacking is not None)))
    design[:, :, :k] = plan.matrix
    if lacking is not None:
        design[:, :, k] = lacking.T
    fit = firth(seen, design)
    tested = np.arange(k)[plan.tested]
    effect = fit.coefficients[:, tested].T
    gram = np.linalg.inv(plan.matrix.T @ plan.matrix)[plan.tested, plan.tested]
    scale = np.sqrt(np.diag(gram))
    shared = gram / np.outer(scale, scale) * np.outer(shift_se, shift_se)
    if plan.clusters is not None:
        covariance = leave_subjects_out(fit, seen, design, plan.clusters)[:, tested[:, None], tested]
        return _judged(effect, covariance + shared, np.full(tested.size, float(plan.clusters.max())))
    own = fit.covariance[:, tested[:, None], tested]
    total = own + shared

    def ratio(places: Ints) -> Floats:
        """Penalised likelihood ratio of these columns, lessened by the part of the error that is the typical taxon's."""
        free = ~np.isin(np.arange(design.shape[2]), places)
        gain = 2 * (fit.likelihood - firth(seen, design, free).likelihood)
        which = np.flatnonzero(np.isin(tested, places))
        kept = _wald(effect[which], total[:, which[:, None], which]) / np.maximum(_wald(effect[which], own[:, which[:, None], which]), 1e-300)
        return np.asarray(np.maximum(gain, 0.0) * np.minimum(kept, 1.0))

    statistic = np.stack([ratio(np.array([j])) for j in tested])
    joint = statistic[0] if tested.size == 1 else ratio(tested)
    se = np.sqrt(np.einsum("mqq->qm", total))
    one = np.ones(tested.size)
    return Estimates(effect, se, statistic, stats.chi2.sf(statistic, 1), one, joint, stats.chi2.sf(joint, tested.size), float(tested.size))


def _judged(effect: Floats, covariance: Floats, freedom: Floats) -> Estimates:
    """Make t tests of each contrast and a Wald F test of all, from effects (q, m) and covariances (m, q, q)."""
    se = np.sqrt(np.einsum("mqq->qm", covariance))
    statistic = effect / se
    p = np.asarray(2 * stats.t.sf(np.abs(statistic), freedom[:, None]))
    joint = _wald(effect, covariance) / effect.shape[0]
    least = float(freedom.min())
    return Estimates(effect, se, statistic, p, freedom, joint, np.asarray(stats.f.sf(joint, effect.shape[0], least)), least)


def _wald(effect: Floats, covariance: Floats) -> Floats:
    """Quadratic form of effects (q, m) in the inverse of their covariances, (m,)."""
    return np.asarray(np.einsum("qm,mqr,rm->m", effect, np.linalg.pinv(covariance, hermitian=True), effect))


def expected_detections(seen: npt.NDArray[np.bool_], plan: Plan) -> Floats:
    """Units in which each taxon would be seen in the smaller group of each contrast if groups did not differ, (q, m); for a number half of all."""
    units = plan.units(seen.astype(np.float64)).mean(axis=0)
    sizes = plan.counts()
    smaller = [sizes[0] / 2] if plan.level is None else [min(sizes[0], k) for k in sizes[1:]]
    return np.asarray(np.outer(smaller, units))


def structural_zeros(counts: Ints, plan: Plan, effort: Effort, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Name for each taxon the groups that it is absent from although it would be seen there if they were like the others.

    The chance of detection at each sample's effort comes from the curve fitted to all other groups; the chance that a whole group shows
    none must be below `ABSENCE`. Repeated samples of a subject count once, by their best chance.
    """
    found: list[list[str]] = [[] for _ in range(counts.shape[1])]
    if plan.level is None:
        return [()] * counts.shape[1]
    log = effort.log + (plan.rows[:, plan.tested] @ effort.shift)[:, None]
    who = np.arange(counts.shape[0]) if plan.subjects is None else plan.subjects
    for k, name in enumerate(names):
        inside = plan.level == k
        absent = np.flatnonzero((counts[inside] == 0).all(axis=0))
        if absent.size == 0:
            continue
        centre = log[~inside][:, absent].mean(axis=0)
        level, shape = detection_curve(counts[~inside][:, absent] > 0, log[~inside][:, absent] - centre)
        curve = level + shape * (log[inside][:, absent] - centre)
        best = np.stack([curve[who[inside] == u].max(axis=0) for u in np.unique(who[inside])])
        chance = -np.logaddexp(0.0, best).sum(axis=0)  # log of the product of 1 - logistic(curve)
        for j, value in zip(absent.tolist(), chance.tolist(), strict=True):
            if value < np.log(ABSENCE):
                found[j].append(name)
    return [tuple(f) for f in found]


def _blocks(m: int) -> list[slice]:
    """Cut m taxa into blocks of fixed size."""
    return [slice(k, min(k + BLOCK, m)) for k in range(0, m, BLOCK)]
