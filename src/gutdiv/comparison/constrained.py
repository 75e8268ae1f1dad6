"""Distance-based redundancy analysis of the formula that PERMANOVA tests: the picture of what its terms explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gutdiv.comparison.scheme import UntestableError
from gutdiv.comparison.selection import choose_samples, gower_of
from gutdiv.comparison.terms import build_model
from gutdiv.grammar.formula import parse_formula
from gutdiv.model.results import DistanceMatrix, Table
from gutdiv.numerics.constrained import constrained_axes
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata


@on_one_blas_thread
def constrain(distances: DistanceMatrix, metadata: SampleMetadata, *, formula: str) -> Table:
    """Find the axes along which a formula explains most of the squared distances (Legendre & Anderson 1999), as `vegan::dbrda` does.

    A picture, no test: repeated samples of a subject all stand in it, and nothing is said of how sure it is.

    Parameters
    ----------
    distances : DistanceMatrix
        Distances between samples; samples without metadata are left out and counted.
    metadata : SampleMetadata
        Sample metadata; samples with a missing cell in a column used are left out and counted.
    formula : str
        As for `gutdiv.comparison.distances.permanova`.

    Returns
    -------
    Table
        Kind `ordination`: where each sample lies on each constrained axis (`axis_1`, ...), and what the model fits of that (`fitted_1`, ...).
        The record holds `eigenvalues`; `proportion_explained`, their share of the whole sum of squares, and `share_of_constrained`, of the
        model's; `constrained_share`, the model's R2; `biplot`, the correlation of each column of the design with each axis of fitted values.

    Raises
    ------
    ExpressionError
        Where the formula cannot be understood or names an unknown column.
    InputError
        Where distances and metadata do not fit.
    UntestableError
        Where these samples leave the formula nothing to explain.
    """
    parsed = parse_formula(formula)
    parsed.check_columns(metadata.columns)
    chosen, missing = choose_samples(distances, metadata, parsed.columns)
    model = build_model(parsed, metadata.select(chosen), "whole")
    basis = model.project().basis
    gower = gower_of(distances, chosen)
    total = float(np.trace(gower))
    if total <= 0:
        msg = f"the {len(chosen):,} samples used have no distance from each other; there is nothing to explain."
        raise UntestableError(msg)
    found = constrained_axes(gower, basis)
    k = found.sites.shape[1]
    if k == 0:
        msg = f"formula {formula[:200]!r} explains nothing of these distances: no constrained axis has a positive eigenvalue."
        raise UntestableError(msg)
    explained = float(found.eigenvalues.sum())
    frame = pd.DataFrame(
        {
            "sample_id": list(chosen),
            **{f"axis_{j + 1}": found.sites[:, j] for j in range(k)},
            **{f"fitted_{j + 1}": found.fitted[:, j] for j in range(k)},
        }
    )
    columns = model.design.matrix[:, 1:] - model.design.matrix[:, 1:].mean(axis=0)
    along = columns.T @ (found.fitted / np.linalg.norm(found.fitted, axis=0)) / np.linalg.norm(columns, axis=0)[:, None]
    places = [(label, j - 1) for label, where in model.design.slices.items() for j in range(where.start, where.stop)]
    positive = found.eigenvalues[:k]
    record = {
        "metric": distances.metric,
        "method": "distance-based redundancy analysis",
        "formula": formula,
        "unit": "sample; a picture, no test",
        "n": len(chosen),
        "eigenvalues": positive.tolist(),
        "proportion_explained": (positive / total).tolist(),
        "share_of_constrained": (positive / positive.sum()).tolist(),
        "constrained_share": explained / total,
        "negative_eigenvalues": found.eigenvalues[found.eigenvalues < 0].tolist(),
        "biplot": [
            {"term": label, "column": model.design.names[j + 1], **{f"axis_{a + 1}": float(along[j, a]) for a in range(k)}}
            for label, j in places
        ],
        "aliased": list(model.design.aliased),
        "dropped": {c: v for c, v in missing.items() if v},
        "n_dropped": len(distances.below_depth) + len(distances.ids) - len(chosen),
        "absent": {},
        "findings": [],
    }
    return Table("ordination", frame, record)


def untested(metric: str, formula: str, reason: str) -> Table:
    """Make the table of a formula that has no axes here: no row, and the reason in the record."""
    record = {"metric": metric, "formula": formula, "findings": [], "absent": {formula: reason}, "dropped": {}}
    return Table("ordination", pd.DataFrame({"sample_id": pd.Series(dtype=object)}), record)
