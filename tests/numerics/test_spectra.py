"""Principal coordinates: block Lanczos against the full decomposition, estimates within their error, signs that know no order."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from gutdiv.errors import InputError
from gutdiv.numerics import krylov, spectra
from gutdiv.numerics.spectra import fixed_signs, principal_coordinates


@pytest.fixture
def by_lanczos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decompose small matrices as large ones are."""
    monkeypatch.setattr(spectra, "DENSE", 10)


def naive(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All eigenvalues, falling, and vectors of J (-D^2 / 2) J, as Gower 1966 writes it."""
    n = distances.shape[0]
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(centring @ (-0.5 * distances.astype(float) ** 2) @ centring)
    return values[::-1], vectors[:, ::-1]


def bray_curtis(n: int = 400, p: int = 600, seed: int = 1) -> np.ndarray:
    """Bray-Curtis of a sparse table with three groups, by scipy: many small negative eigenvalues."""
    rng = np.random.default_rng(seed)
    weight = np.exp(rng.normal(0, 2, (3, p)))[rng.integers(0, 3, n)]
    return squareform(pdist(rng.poisson(np.exp(rng.normal(0, 1, (n, p))) * weight * (rng.random((n, p)) < 0.2)) + 0.0, "braycurtis"))


@pytest.mark.usefixtures("by_lanczos")
@pytest.mark.parametrize("n_axes", [1, 10, 30])
def test_axes_by_lanczos_are_those_of_the_full_decomposition(n_axes: int) -> None:
    d = bray_curtis()
    values, vectors = naive(d)
    found = principal_coordinates(d, n_axes)
    assert found.eigenvalues == pytest.approx(values[:n_axes], rel=1e-12)
    expected = vectors[:, :n_axes] * fixed_signs(vectors[:, :n_axes]) * np.sqrt(values[:n_axes])
    assert np.abs(found.axes - expected).max() < 1e-9
    assert found.residual < 1e-12


@pytest.mark.usefixtures("by_lanczos")
def test_the_estimated_sum_of_positive_eigenvalues_lies_within_its_stated_error() -> None:
    inside = []
    for seed in range(12):
        d = bray_curtis(300, 400, seed)
        values, _ = naive(d)
        positive, negative = values[values > 0].sum(), -values[values < 0].sum()
        found = principal_coordinates(d, 4)
        assert 0 < found.proportion_error < 0.01
        exact = values[:4] / positive
        assert found.proportion_explained == pytest.approx(exact, rel=3 * found.proportion_error)
        assert found.negative_share == pytest.approx(negative / (positive + negative), abs=3 * found.negative_share_error)
        inside.append(abs(found.proportion_explained[0] / exact[0] - 1) <= found.proportion_error)
    assert sum(inside) >= 9, "a 95 % interval holds the truth in at least 9 of 12 trials with probability .9998"


@pytest.mark.usefixtures("by_lanczos")
def test_distances_in_a_plane_have_two_axes_and_no_error() -> None:
    d = squareform(pdist(np.random.default_rng(3).normal(size=(300, 2))))
    found = principal_coordinates(d, 10)
    assert found.axes.shape == (300, 2)
    assert squareform(pdist(found.axes)) == pytest.approx(d, abs=1e-10)
    assert found.proportion_explained.sum() == pytest.approx(1, abs=1e-12)
    assert found.proportion_error < 1e-12
    assert found.negative_share < 1e-12


@pytest.mark.usefixtures("by_lanczos")
def test_all_eigenvalues_on_request_leave_no_error() -> None:
    d = bray_curtis()
    values, _ = naive(d)
    found = principal_coordinates(d, 3, all_eigenvalues=True)
    assert found.proportion_error == 0
    assert found.proportion_explained == pytest.approx(values[:3] / values[values > 0].sum(), rel=1e-11)


@pytest.mark.parametrize("small", [True, False])
def test_equal_eigenvalues_are_all_found(small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectra, "DENSE", 2000 if small else 10)
    found = principal_coordinates(1 - np.eye(150), 10)  # a simplex: 149 eigenvalues of 1/2
    assert found.eigenvalues == pytest.approx(np.full(10, 0.5), rel=1e-12)
    assert found.proportion_explained == pytest.approx(np.full(10, 1 / 149), rel=1e-10)
    cluster = np.repeat(np.arange(20), 8)  # 20 groups of 8 equal samples: 19 eigenvalues of 4
    found = principal_coordinates((cluster[:, None] != cluster).astype(float), 25)
    assert found.eigenvalues == pytest.approx(np.full(19, 4.0), rel=1e-12)
    assert found.proportion_explained.sum() == pytest.approx(1, rel=1e-10)
    star = np.zeros((150, 150))
    star[0, 1:] = star[1:, 0] = 1
    assert principal_coordinates(star, 10).eigenvalues.size == 1
    assert principal_coordinates(np.zeros((150, 150)), 10).axes.shape == (150, 0)


@pytest.mark.usefixtures("by_lanczos")
def test_what_is_kept_condensed_or_computed_by_one_thread_gives_the_same_bits() -> None:
    d = bray_curtis(333, 200)
    one = principal_coordinates(d, 5)
    other = principal_coordinates(d[np.triu_indices(333, 1)], 5)
    assert np.array_equal(one.axes, other.axes)
    assert np.array_equal(one.proportion_explained, other.proportion_explained)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = principal_coordinates(d, 5)
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(one.axes, alone.axes)


@pytest.mark.usefixtures("by_lanczos")
def test_single_precision_is_squared_and_summed_in_double() -> None:
    d = bray_curtis(200, 200).astype(np.float32)
    values, _ = naive(d)
    assert principal_coordinates(d, 5).eigenvalues == pytest.approx(values[:5], rel=1e-12)


@pytest.mark.usefixtures("by_lanczos")
def test_the_order_of_samples_moves_axes_by_rounding_only() -> None:
    d = bray_curtis(200, 200)
    order = np.random.default_rng(5).permutation(200)
    one, other = principal_coordinates(d, 5), principal_coordinates(d[np.ix_(order, order)], 5)
    assert np.abs(np.abs(other.axes) - np.abs(one.axes[order])).max() < 1e-10


def test_the_sign_is_that_of_the_first_among_the_largest() -> None:
    tied = np.array([[0.1, -0.5, 0.5 * (1 + 1e-13), 0.2], [0.9, 0.1, -0.9 * (1 + 1e-3), 0.0]]).T
    assert fixed_signs(tied).tolist() == [-1.0, -1.0]
    assert fixed_signs(-tied).tolist() == [1.0, 1.0]


def test_eigenvalues_that_cannot_be_told_apart_within_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectra, "DENSE", 10)
    monkeypatch.setattr(krylov, "COLUMNS", 48)
    noise = np.random.default_rng(2).random((300, 300))
    d = np.triu(noise, 1) + np.triu(noise, 1).T
    with pytest.raises(InputError, match=r"10 eigenvalues lie too close to the next to be told apart\. Ask for fewer axes"):
        principal_coordinates(d, 10)


def test_fewer_than_two_samples_have_no_axes() -> None:
    assert principal_coordinates(np.zeros((1, 1)), 3).axes.shape == (1, 0)
