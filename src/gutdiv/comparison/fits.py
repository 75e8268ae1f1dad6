"""Fits of one metric: least squares with HC3 errors, or a mixed model by subject, with degrees of freedom that count subjects as such."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import stats

from gutdiv.comparison.checks import Checks, check_residuals
from gutdiv.comparison.scheme import UntestableError
from gutdiv.comparison.units import MIN_UNITS
from gutdiv.errors import count_noun, first_ids
from gutdiv.numerics.mixed import MixedFit, fit_reml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.grammar.design import Design

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_FULL = 1e-8  # of leverage below one
WITHIN = "sample within subjects"  # unit of what varies within subjects


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model: what its tests need, and what is to be told of it.

    Parameters
    ----------
    b, covariance : (p,), (p, p) float64
        Coefficients, the intercept first, and their covariance.
    plain : (p, p) float64 or None
        The covariance of ordinary least squares, where `covariance` is HC3.
    df, unit : (p,) float64, tuple of str
        Degrees of freedom behind each coefficient, and its unit of analysis.
    untested : mapping of int to str
        Coefficients whose error is not known, with the reason.
    model, state : str
        The model's name, and `ordinary`, `singular` or `not converged`.
    n_subjects : int or None
    deviations : tuple of float
        Standard deviations between subjects: of the intercept, and of the slope or NaN.
    residual : float
        Residual standard deviation.
    checks : Checks
    """

    b: Floats
    covariance: Floats
    plain: Floats | None
    df: Floats
    unit: tuple[str, ...]
    untested: dict[int, str]
    model: str
    state: str
    n_subjects: int | None
    deviations: tuple[float, float]
    residual: float
    checks: Checks

    def wald(self, hypothesis: Floats, *, plain: bool = False) -> tuple[float, float, float]:
        """Test L b = 0 for L (d, p) of full row rank: F, p, and the denominator's degrees of freedom, the smallest of those concerned."""
        covariance = self.plain if plain and self.plain is not None else self.covariance
        value = hypothesis @ self.b
        f = float(value @ np.linalg.solve(hypothesis @ covariance @ hypothesis.T, value)) / value.size
        concerned = np.max(np.abs(hypothesis), axis=0) > 1e-9 * np.max(np.abs(hypothesis))
        df = float(np.min(self.df[concerned]))
        return f, float(stats.f.sf(f, value.size, df)), df


def fit_linear(y: Floats, design: Design, names: Sequence[str], *, unit: str) -> Fit:
    """Fit by least squares, errors by HC3 (MacKinnon & White 1985) with t and F on n - p degrees of freedom.

    HC3 always: choosing it after a test for uneven spread keeps neither level (Long & Ervin 2000, Am. Stat. 54:217), and where spread is
    even little is lost. A sample that alone determines a coefficient (leverage 1) has no residual, so that the coefficient's error is not
    known; such coefficients are named in `untested`.

    Raises
    ------
    UntestableError
        Where fewer than two degrees of freedom are left, or the model leaves no residual.
    """
    import statsmodels.api as sm

    x = design.matrix
    free = x.shape[0] - x.shape[1]
    if free < 2:
        msg = f"{count_noun(x.shape[0], 'sample')} for {count_noun(x.shape[1], 'coefficient')}; two more samples than coefficients are needed"
        raise UntestableError(msg)
    fit = sm.OLS(y, x).fit()
    if float(fit.ssr) <= 1e-20 * max(float(np.sum((y - y.mean()) ** 2)), 1e-300):
        msg = "the model leaves no residual, so that there is nothing to compare its effects with"
        raise UntestableError(msg)
    inverse = fit.model.pinv_wexog
    leverage = np.sum(x * inverse.T, axis=1)
    alone = leverage > 1 - _FULL
    scaled = np.where(alone, 0.0, fit.resid / np.where(alone, 1.0, 1 - leverage))
    covariance = (inverse * scaled**2) @ inverse.T
    rests = np.abs(inverse[:, alone]) > _FULL * np.max(np.abs(inverse), axis=1, keepdims=True)
    untested = {
        j: f"rests on {first_ids([names[k] for k in np.flatnonzero(alone)[rests[j]]])} alone, so that its error is not known"
        for j in range(x.shape[1])
        if rests[j].any()
    }
    cook = np.where(alone, math.inf, scaled**2 * leverage / (x.shape[1] * float(fit.mse_resid)))
    return Fit(
        b=np.asarray(fit.params),
        covariance=covariance,
        plain=np.asarray(fit.cov_params()),
        df=np.full(x.shape[1], float(free)),
        unit=(unit,) * x.shape[1],
        untested=untested,
        model="linear, HC3 errors",
        state="ordinary",
        n_subjects=None,
        deviations=(math.nan, math.nan),
        residual=math.sqrt(float(fit.mse_resid)),
        checks=check_residuals(np.asarray(fit.resid), x, cook, list(names)),
    )


def fit_mixed(y: Floats, design: Design, owners: Sequence[str], *, subject: str, time: str | None = None) -> Fit:
    """Fit a mixed model with a random intercept by subject (REML), and with `time`, a numeric column, a random slope where it can be found.

    Degrees of freedom by containment, as `nlme::lme` (Pinheiro & Bates 2000, Mixed-Effects Models, 2.4.2): subjects - 1 - columns for terms
    that are constant within subjects, samples - subjects - columns for those that vary there. Two departures, both to the careful side: a
    term that varies within fewer than half of the subjects with several samples counts as constant there, and terms with `time` have as
    many degrees of freedom as subjects with several times less columns, for a slope is one observation of a subject.

    The random slope is left out, and `model` says so, where fewer than three subjects have three times, or the fit with it does not
    converge or lies at the boundary.

    Raises
    ------
    UntestableError
        Where a term has no degrees of freedom, or the model leaves no residual.
    """
    x = design.matrix
    people, subjects = np.unique(np.array(owners, dtype=object), return_inverse=True)
    subjects = subjects.astype(np.intp)
    if people.size < MIN_UNITS:
        msg = f"{count_noun(people.size, 'subject')} ({subject}); at least {MIN_UNITS} are needed to tell of more than these"
        raise UntestableError(msg)
    df, unit = _degrees(design, subjects, subject=subject, time=time)
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    if float(rest @ rest) <= 1e-20 * max(float(np.sum((y - y.mean()) ** 2)), 1e-300):
        msg = "the model leaves no residual, so that there is nothing to compare its effects with"
        raise UntestableError(msg)
    sloped = _with_slope(y, design, subjects, time) if time is not None else None
    fit = fit_reml(y, x, subjects) if sloped is None else sloped
    effects = "random intercept" if sloped is None else "random intercept and slope"
    slope = float(fit.deviations[1]) if fit.deviations.size > 1 else math.nan
    return Fit(
        b=fit.coefficients,
        covariance=fit.covariance,
        plain=None,
        df=df,
        unit=tuple(f"{u}; {effects}" + ")" for u in unit),
        untested={},
        model=f"mixed, {effects} by {subject}",
        state="not converged" if not fit.converged else "singular" if fit.singular else "ordinary",
        n_subjects=people.size,
        deviations=(float(fit.deviations[0]), slope),
        residual=fit.residual,
        checks=check_residuals(fit.residuals, x, fit.influence, [str(p) for p in people]),
    )


def _with_slope(y: Floats, design: Design, subjects: Places, time: str) -> MixedFit | None:
    """Fit with a random slope, or return None where it cannot be told from the rest."""
    place = next(j for j, factors in enumerate(design.factors) if len(factors) == 1 and factors[0][0] == time)
    times = design.matrix[:, place]
    if int(np.sum(_distinct(times, subjects) >= 3)) < 3:
        return None
    fit = fit_reml(y, design.matrix, subjects, slope=times)
    return fit if fit.converged and not fit.singular else None


def _distinct(values: Floats, subjects: Places) -> npt.NDArray[np.int64]:
    """Number of distinct values within each subject."""
    pairs = np.unique(np.column_stack([subjects, values]), axis=0)
    return np.bincount(pairs[:, 0].astype(np.intp))


def _degrees(design: Design, subjects: Places, *, subject: str, time: str | None) -> tuple[Floats, list[str]]:
    """Return degrees of freedom and unit (its bracket still open) of each column."""
    x = design.matrix
    n, n_subjects = x.shape[0], int(subjects.max()) + 1
    several = np.bincount(subjects) > 1
    inside, timed = set(), set()
    for label, part in design.slices.items():
        moves = np.zeros(n_subjects, dtype=bool)
        for j in range(part.start, part.stop):
            moves |= _distinct(x[:, j], subjects) > 1
        if 2 * int(moves.sum()) >= max(int(several.sum()), 1):
            inside.add(label)
        if any(column == time for factors in design.factors[part] for column, _ in factors):
            timed.add(label)
    width = {label: part.stop - part.start for label, part in design.slices.items()}
    between = n_subjects - 1 - sum(w for label, w in width.items() if label not in inside)
    within = n - n_subjects - sum(w for label, w in width.items() if label in inside)
    slopes = int(several.sum()) - sum(width[label] for label in timed)
    df = np.full(x.shape[1], float(between))
    unit = [f"subject ({subject}"] * x.shape[1]
    for label, part in design.slices.items():
        own = slopes if label in timed else within if label in inside else between
        if own < 1:
            msg = f"term {label!r} has no degrees of freedom: {count_noun(n_subjects, 'subject')} with {count_noun(n, 'sample')}"
            raise UntestableError(msg)
        df[part] = float(own)
        if label in inside and label not in timed:
            unit[part] = [f"{WITHIN} ({subject}"] * (part.stop - part.start)
    return df, unit
