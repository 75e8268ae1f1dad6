"""Ordinations: one convention for proportions, an order of samples that does not matter, and words where something is tied or estimated."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from gutdiv.diversity.ordination import ordinate
from gutdiv.errors import InputError
from gutdiv.io.tables import read_abundance_table
from gutdiv.model.results import DistanceMatrix
from gutdiv.numerics import pairs, spectra

TRUTH = Path(__file__).parents[1] / "truth"


def points(n: int = 12, seed: int = 4) -> DistanceMatrix:
    positions = np.random.default_rng(seed).normal(size=(n, 3))
    return DistanceMatrix(tuple(f"s{i:03d}" for i in range(n)), squareform(pdist(positions, "cityblock")), "cityblock")


def test_samples_come_in_the_order_of_their_ids_bit_for_bit() -> None:
    given = points()
    order = np.random.default_rng(1).permutation(12)
    mixed = DistanceMatrix(tuple(given.ids[i] for i in order), given.matrix[np.ix_(order, order)], "cityblock")
    one, other = ordinate(given), ordinate(mixed)
    assert one.ids == other.ids == given.ids
    assert np.array_equal(one.axes, other.axes)


def test_a_distance_that_is_no_number_is_refused_with_the_sample() -> None:
    given = points()
    matrix = given.matrix.copy()
    matrix[2, 5] = matrix[5, 2] = np.nan
    with pytest.raises(InputError, match="distances of 2 samples are not finite numbers: 's002', 's005'"):
        ordinate(DistanceMatrix(given.ids, matrix, "cityblock"))


def test_axes_with_one_eigenvalue_are_named() -> None:
    square = DistanceMatrix(tuple("abcd"), squareform(pdist([[0, 0], [0, 1], [1, 0], [1, 1]])), "euclidean")
    assert ordinate(square).notes == (
        "Axes 1 and 2 have the same eigenvalue: together they span one plane, in which any rotation is as good.",
    )
    assert ordinate(points()).notes == ()


def test_an_estimate_is_called_one_and_all_eigenvalues_make_it_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    given = points(400)
    exact = ordinate(given)
    monkeypatch.setattr(spectra, "DENSE", 10)
    estimated = ordinate(given)
    assert estimated.axes == pytest.approx(exact.axes, abs=1e-9)
    assert estimated.proportion_error > 0
    assert "were estimated" in estimated.notes[-1]
    again = ordinate(given, all_eigenvalues=True)
    assert (again.proportion_error, again.negative_share_error, again.notes) == (0, 0, ())
    assert again.proportion_explained == pytest.approx(exact.proportion_explained, rel=1e-11)
    assert again.negative_share == pytest.approx(exact.negative_share, rel=1e-9)


def test_axes_equal_those_of_ape_on_dune_up_to_their_sign() -> None:
    with (TRUTH / "dune.tsv").open(encoding="utf-8", newline="") as handle:
        counts = np.array([[float(v) for k, v in r.items() if k != "sample_id"] for r in csv.DictReader(handle, delimiter="\t")])
    with (TRUTH / "pcoa_axes_dune.tsv").open(encoding="utf-8", newline="") as handle:
        expected = np.array([[float(r["axis_1"]), float(r["axis_2"])] for r in csv.DictReader(handle, delimiter="\t")])
    ids = tuple(f"d{i + 1:02d}" for i in range(20))
    found = ordinate(DistanceMatrix(ids, squareform(pdist(counts, "braycurtis")), "braycurtis"), axes=2)
    assert found.axes * np.sign((found.axes * expected).sum(axis=0)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.real_data
def test_axes_of_many_real_samples_are_exact_and_the_estimate_holds(real_data: Path) -> None:
    counts = read_abundance_table(real_data / "hmp_v35_allsites_large" / "table.biom").values[:2100]
    counts.sort_indices()
    matrix = pairs.braycurtis(counts[np.asarray(counts.sum(axis=1)).ravel() > 0])
    n = matrix.shape[0]
    assert n > spectra.DENSE
    found = ordinate(DistanceMatrix(tuple(f"s{i:04d}" for i in range(n)), matrix, "braycurtis"))
    centred = -0.5 * matrix**2
    centred -= centred.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(centred)
    assert found.eigenvalues == pytest.approx(values[::-1][:10], rel=1e-10)
    expected = vectors[:, ::-1][:, :10] * np.sqrt(values[::-1][:10])
    assert np.abs(found.axes * np.sign((found.axes * expected).sum(axis=0)) - expected).max() < 1e-9
    positive, negative = values[values > 0].sum(), -values[values < 0].sum()
    assert 0 < found.proportion_error < 0.005
    assert found.proportion_explained == pytest.approx(values[::-1][:10] / positive, rel=2 * found.proportion_error)
    assert found.negative_share == pytest.approx(negative / (positive + negative), abs=2 * found.negative_share_error)


def test_a_tie_with_the_first_axis_that_is_left_out_is_said() -> None:
    # the corners of a square: two equal axes
    square = DistanceMatrix(tuple("abcd"), squareform(pdist(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))), "euclidean")
    found = ordinate(square, axes=1)
    assert found.axes.shape == (4, 1)
    assert "Axes 1 and 2 have the same eigenvalue" in found.notes[0]


def test_samples_without_any_distance_have_no_axis_and_it_is_said() -> None:
    found = ordinate(DistanceMatrix(tuple("abc"), np.zeros((3, 3)), "braycurtis"), axes=2)
    assert found.axes.shape == (3, 0)
    assert "no axis" in found.notes[0]
