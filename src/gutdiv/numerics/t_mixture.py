"""P(Y <= y) for a new person of a study, of many values at once: as `random_effects.share_at_or_below`, with the t distribution from a table."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from gutdiv.numerics.jit import prange, threaded
from gutdiv.numerics.random_effects import NODES, WEIGHTS

if TYPE_CHECKING:
    from gutdiv.numerics.random_effects import Local, StudyEffects

Floats = npt.NDArray[np.float64]

_STEPS = 1 << 14  # pieces of the table; cubic pieces of this width are off by less than 1e-12


def share_below(values: Floats, fit: StudyEffects, local: Local) -> Floats:
    """Mean over residual quantiles and nodes of the scale, t-distributed mean, (n,); agrees with `share_at_or_below` to 1e-10."""
    sds = np.exp(local.ln_sd + np.sqrt(local.ln_sd_variance) * NODES)
    centres = local.mean + sds[:, None] * fit.dense
    out = np.empty(values.size)
    _mixed(np.asarray(values, dtype=np.float64), centres, WEIGHTS / WEIGHTS.sum(), float(np.sqrt(local.mean_variance)), *_table(float(local.df)), out)
    return out


@lru_cache(maxsize=64)
def _table(df: float) -> tuple[Floats, Floats]:
    """Distribution function of t and its slope at even steps of u = t / sqrt(1 + t^2), from -1 to 1."""
    u = np.linspace(-1, 1, _STEPS + 1)
    inner = 1 - u[1:-1] ** 2
    t = u[1:-1] / np.sqrt(inner)
    shares = np.concatenate([[0.0], special.stdtr(df, t), [1.0]])
    density = np.exp(special.gammaln((df + 1) / 2) - special.gammaln(df / 2)) / np.sqrt(df * np.pi) * (1 + t * t / df) ** (-(df + 1) / 2)
    return shares, np.concatenate([[0.0], density * inner**-1.5, [0.0]])


@threaded
def _mixed(values: Floats, centres: Floats, weights: Floats, scale: float, shares: Floats, slopes: Floats, out: Floats) -> None:
    """Cubic Hermite pieces of the table, averaged over the centres (a, q) with weights (a,)."""
    half = (shares.size - 1) / 2.0
    h = 1.0 / half
    for i in prange(values.size):
        total = 0.0
        for a in range(weights.size):
            part = 0.0
            for q in range(centres.shape[1]):
                t = (values[i] - centres[a, q]) / scale
                at = (t / np.sqrt(1.0 + t * t) + 1.0) * half
                k = min(int(at), shares.size - 2)
                r = at - k
                part += (
                    shares[k] * (1.0 + 2.0 * r) * (1.0 - r) ** 2
                    + shares[k + 1] * r * r * (3.0 - 2.0 * r)
                    + h * r * (1.0 - r) * (slopes[k] * (1.0 - r) - slopes[k + 1] * r)
                )
            total += weights[a] * part
        out[i] = total / centres.shape[1]
