"""Distance-based redundancy analysis: the axes of what a model explains of a matrix of distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.spectra import fixed_signs

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Constrained:
    """Constrained axes.

    Parameters
    ----------
    sites : (n, k)
        Samples as they lie on the axes; signs by `fixed_signs`.
    fitted : (n, k)
        What the model fits of them (linear combinations of its columns).
    eigenvalues : (m,)
        Falling; the first k are positive and have axes. Their sum is the sum of squares of the model.
    """

    sites: Floats
    fitted: Floats
    eigenvalues: Floats


def constrained_axes(gower: Floats, basis: Floats) -> Constrained:
    """Decompose P G P of the Gower-centred G (n, n) and the projector P on an orthonormal centred basis (n, m).

    Legendre & Anderson 1999 (Ecol. Monogr. 69:1) as McArdle & Anderson 2001 mend it: G as it is, with its negative part. Equal to
    `vegan::dbrda`: eigenvalues as there (there divided by n - 1 where a distance is 4 or more), `fitted` its `u` and `sites` its `wa`, each
    times the root of the eigenvalue.
    """
    moved = gower @ basis
    inner = basis.T @ moved
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    values, vectors = values[::-1], vectors[:, ::-1]
    tiny = np.finfo(float).eps * gower.shape[0] * float(np.abs(values).max(initial=0.0))
    values = np.where(np.abs(values) <= tiny, 0.0, values)
    k = int((values > 0).sum())
    root = np.sqrt(values[:k])
    sites = moved @ vectors[:, :k] / root
    fitted = basis @ vectors[:, :k] * root
    signs = fixed_signs(sites) if k else np.ones(0)
    return Constrained(sites * signs, fitted * signs, values)
