"""Vectors fitted over an ordination: vegan's envfit, and what does not vary."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from gutdiv.numerics.arrows import fitted_vectors

TRUTH = Path(__file__).parents[1] / "truth"


def columns(name: str) -> dict[str, np.ndarray]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return {k: np.array([r[k] for r in rows]) for k in rows[0]}


def test_fitted_vectors_equal_vegan_envfit_on_dune() -> None:
    axes, truth, dune = columns("pcoa_axes_dune.tsv"), columns("envfit_dune.tsv"), columns("dune.tsv")
    logs = np.log(np.stack([dune[t].astype(float) for t in truth["taxon"]], axis=1) + 0.5)
    clr = logs - logs.mean(axis=1, keepdims=True)
    plane = np.stack([axes["axis_1"].astype(float), axes["axis_2"].astype(float)], axis=1)
    heads, r2 = fitted_vectors(plane, clr)
    assert r2 == pytest.approx(truth["r2"].astype(float), rel=1e-10)
    assert heads[:, 0] == pytest.approx(truth["axis_1"].astype(float), rel=1e-9, abs=1e-12)
    assert heads[:, 1] == pytest.approx(truth["axis_2"].astype(float), rel=1e-9, abs=1e-12)


def test_a_variable_along_an_axis_points_there_and_one_that_does_not_vary_nowhere() -> None:
    rng = np.random.default_rng(2)
    axes = rng.normal(size=(30, 2))
    values = np.stack([3 - 2 * axes[:, 1], np.full(30, 0.1), axes[:, 0] + axes[:, 1]], axis=1)
    heads, r2 = fitted_vectors(axes, values)
    assert heads[0] == pytest.approx([0, -1], abs=1e-12)
    assert heads[2] == pytest.approx([0.5**0.5, 0.5**0.5], rel=1e-12)
    assert r2[[0, 2]] == pytest.approx([1, 1])
    assert np.isnan(heads[1]).all()
    assert np.isnan(r2[1])
