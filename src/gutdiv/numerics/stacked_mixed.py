"""statsmodels' mixed model with likelihood and score over all subjects at once, where its own go from subject to subject in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class StackedMixedLM(MixedLM):  # type: ignore[misc]
    """`MixedLM` by REML without variance components or penalties; the same formulas (Lindstrom & Bates 1988), equal but for rounding.

    With V = I + Z B Z' by subject, V^-1 r = r - Z (Z'Z + B^-1)^-1 Z' r for all subjects' rows in one array.
    """

    def __init__(self, y: Floats, x: Floats, subjects: Places, effects: Floats) -> None:
        super().__init__(y, x, groups=subjects, exog_re=effects)
        order = np.argsort(subjects, kind="stable")
        self._owner = np.unique(subjects[order], return_inverse=True)[1]
        self._first = np.flatnonzero(np.diff(self._owner, prepend=-1))
        self._x, self._y, self._z = x[order], y[order], effects[order]
        self._zz = self._by_subject(self._z, self._z)

    def get_fe_params(self, cov_re: Floats, vcomp: Floats, tol: float = 1e-10) -> tuple[Floats, bool]:
        """Coefficients by generalised least squares; whether the covariance is singular, as statsmodels has it."""
        sizes, axes = np.linalg.eigh(cov_re)
        singular = bool(sizes.min() < tol)
        inside = axes[:, sizes >= tol]
        inverse = np.asarray((inside / sizes[sizes >= tol]) @ inside.T if singular else np.linalg.inv(cov_re), dtype=np.float64)
        both = self._x.T @ self._solved(inverse, np.column_stack([self._x, self._y]))
        if singular:
            return np.asarray(np.linalg.pinv(both[:, :-1]) @ both[:, -1]), True
        return np.asarray(np.linalg.solve(both[:, :-1], both[:, -1])), False

    def loglike(self, params: Any, profile_fe: bool = True) -> float:  # noqa: FBT001, FBT002 - as statsmodels calls it
        """Restricted log likelihood, the scale profiled out."""
        if type(params) is not MixedLMParams:
            params = MixedLMParams.from_packed(params, self.k_fe, self.k_re, self.use_sqrt, has_fe=False)
        b = self.get_fe_params(params.cov_re, params.vcomp)[0] if profile_fe else params.fe_params
        inverse = _inverse(params.cov_re)
        residuals = self._y - self._x @ b
        solved = self._solved(inverse, np.column_stack([self._x, residuals]))
        free = self.n_totobs - self.k_fe
        logs = np.linalg.slogdet(self._zz + inverse)[1].sum() + self._first.size * np.linalg.slogdet(params.cov_re)[1]
        logs += free * np.log(residuals @ solved[:, -1]) + np.linalg.slogdet(self._x.T @ solved[:, :-1])[1]
        return float(-(logs + free * (np.log(2 * np.pi) - np.log(free) + 1)) / 2)

    def score_full(self, params: Any, calc_fe: bool) -> tuple[Floats, Floats, Floats]:  # noqa: FBT001 - as statsmodels calls it
        """Slopes of the log likelihood along coefficients (zero unless asked for) and along the lower triangle of the effects' covariance."""
        inverse = _inverse(params.cov_re)
        residuals = self._y - self._x @ params.fe_params
        p, k = self._x.shape[1], self._z.shape[1]
        solved = self._solved(inverse, np.column_stack([self._x, residuals, self._z]))
        within = self._by_subject(self._z, solved)  # Z' V^-1 of everything, by subject
        of_x, of_residuals, of_z = within[:, :, :p], within[:, :, p], within[:, :, p + 1 :].sum(axis=0)
        left, right = np.tril_indices(k)
        twice = np.where(left == right, 1.0, 2.0)
        size = float(residuals @ solved[:, p])
        free = self.n_totobs - self.k_fe
        inside = np.linalg.inv(self._x.T @ solved[:, :p])
        along = (of_residuals.T @ of_residuals) / size * free + np.einsum("gap,pq,gbq->ab", of_x, inside, of_x, optimize=True) - of_z
        slopes = self._x.T @ solved[:, p] * free / size if calc_fe else np.zeros(self.k_fe)
        return slopes, along[left, right] * twice / 2, np.zeros(self.k_vc)

    def hessian(self, params: Any) -> tuple[Floats, bool]:
        """Stand in for the curvature, of which only standard errors would come: those of `fit_reml` follow from the variances."""
        return -np.eye(self.k_fe + self.k_re2 + self.k_vc), False

    def _solved(self, inverse: Floats, right: Floats) -> Floats:
        """V^-1 of the columns on the right, (n, c)."""
        inner = np.linalg.solve(self._zz + inverse, self._by_subject(self._z, right))
        return np.asarray(right - np.einsum("nk,nkc->nc", self._z, inner[self._owner]))

    def _by_subject(self, left: Floats, right: Floats) -> Floats:
        """Products left' right by subject, (subjects, a, b)."""
        return np.asarray(np.add.reduceat(left[:, :, None] * right[:, None, :], self._first, axis=0))


def _inverse(covariance: Floats) -> Floats:
    """Inverse, or pseudo-inverse where there is none."""
    try:
        return np.asarray(np.linalg.inv(covariance))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(covariance))
