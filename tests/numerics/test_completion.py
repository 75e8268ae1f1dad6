"""Robust CLR and its completion: against vegan, a dense twin, R, and gemelli's own numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import pdist

from gutdiv.numerics import completion
from gutdiv.numerics.completion import completed, point_distances, robust_clr

TRUTH = Path(__file__).parents[1] / "truth"


def rows_of(name: str) -> list[dict[str, str]]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def counts_of(name: str) -> np.ndarray:
    dense = np.array([[float(v) for k, v in r.items() if k != "sample_id"] for r in rows_of(name)])
    return dense[:, dense.sum(axis=0) > 0]


def random_table(n: int, p: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=(n, 3)) @ rng.normal(size=(3, p)) + rng.normal(0, 0.3, (n, p))) * (rng.random((n, p)) < 0.5)


def twin(counts: np.ndarray, rank: int, bound: float) -> np.ndarray:
    """OptSpace on a dense matrix, step by step as Keshavan, Montanari and Oh 2010 write it, then centred by columns and rows."""
    known = counts > 0
    with np.errstate(divide="ignore"):
        z = np.where(known, np.log(counts), np.nan)
    z = np.where(known, z - np.nanmean(z, axis=1, keepdims=True), 0.0)
    n, m = z.shape
    scale = np.sqrt(known.sum() * rank / (z**2).sum())
    z = z * scale
    u, _, v = np.linalg.svd(z)
    u, v = u[:, :rank] * np.sqrt(n), v[:rank].T * np.sqrt(m)
    rho = known.sum() / np.sqrt(m * n) * n

    def best(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        terms = [(np.outer(u[:, i], v[:, j]))[known] for i in range(rank) for j in range(rank)]
        return np.linalg.lstsq(np.stack(terms, axis=1), z[known], rcond=None)[0].reshape(rank, rank)

    def over(x: np.ndarray) -> np.ndarray:
        return np.maximum((x**2).sum(axis=1) / (2 * bound * rank) - 1, 0)

    def cost(u: np.ndarray, v: np.ndarray, s: np.ndarray) -> float:
        with np.errstate(over="ignore"):
            price = sum(float((np.exp(over(x) ** 2) - 1).sum()) for x in (u, v))
        return float((((u @ s @ v.T - z)[known]) ** 2).sum()) / 2 + rho * price

    def slope(x: np.ndarray) -> np.ndarray:
        return x * (2 * np.exp(over(x) ** 2) * over(x))[:, None] / (bound * rank)

    s = best(u, v)
    for _ in range(5):
        e = (u @ s @ v.T - z) * known
        a, b = e @ v @ s.T, e.T @ u @ s
        a, b = a - u @ (u.T @ a) / n + rho * slope(u), b - v @ (v.T @ b) / m + rho * slope(v)
        t, before = -0.1, cost(u, v, s)
        for _ in range(20):
            if cost(u + t * a, v + t * b, s) - before <= t / 2 * float((a**2).sum() + (b**2).sum()):
                break
            t /= 2
        u, v = u + t * a, v + t * b
        s = best(u, v)
    x = u @ (s / scale) @ v.T
    x = x - x.mean(axis=0)
    return x - x.mean(axis=1, keepdims=True)


def rebuilt(counts: np.ndarray, rank: int = 3) -> np.ndarray:
    samples, sizes, features = completed(robust_clr(sparse.csr_matrix(counts)), rank)
    assert samples.T @ samples == pytest.approx(np.eye(rank), abs=1e-12)
    assert features.T @ features == pytest.approx(np.eye(rank), abs=1e-12)
    assert np.all(np.diff(sizes) <= 0)
    return samples * sizes @ features.T


def test_robust_clr_equals_vegan_on_varespec() -> None:
    expected = np.array([[float(v) for k, v in r.items() if k != "sample_id"] for r in rows_of("rclr_varespec.tsv")])
    dense = np.array([[float(v) for k, v in r.items() if k != "sample_id"] for r in rows_of("varespec.tsv")])
    assert robust_clr(sparse.csr_matrix(dense)).toarray() == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("bound", [10_000.0, 1.6])  # the second one is in force for some rows
def test_completion_equals_its_dense_twin(rank: int, bound: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_BOUND", bound)
    for seed in range(3):
        counts = random_table(25, 40, seed)
        expected = twin(counts, rank, bound)
        assert rebuilt(counts, rank) == pytest.approx(expected, abs=1e-9)
        assert (bound > 100) == np.allclose(expected, twin(counts, rank, 10_000.0), atol=1e-6)


def test_a_known_value_of_zero_stays_known() -> None:
    counts = counts_of("dune.tsv")
    known = robust_clr(sparse.csr_matrix(counts))
    assert (known.data == 0).sum() == 5, "dune has samples whose geometric mean is one of its counts"
    assert rebuilt(counts) == pytest.approx(twin(counts, 3, 10_000.0), abs=1e-9)


# What gemelli's optspace.py and rpca.py (commit 0fbe6ac of 2023, rank 3, 5 iterations, no filter) give on vegan's tables: the singular values of the
# completed and centred matrix, their shares (`proportion_explained`), and the first four sample loadings on the first axis by size.
GEMELLI = {
    "varespec.tsv": (
        (21.199881234, 17.7804275116, 8.10330350468),
        (0.540678783352, 0.380326747863, 0.0789944687854),
        (0.004272963312, 0.2193089901, 0.2602607032, 0.1007187439),
    ),
    "bci.tsv": (
        (18.3693765595, 16.6457016631, 4.84968408145),
        (0.528866207809, 0.4342713689, 0.0368624232904),
        (0.05583969244, 0.07016946529, 0.1196741634, 0.1007219937),
    ),
}


@pytest.mark.parametrize("name", GEMELLI)
def test_completion_equals_gemelli(name: str) -> None:
    samples, sizes, _ = completed(robust_clr(sparse.csr_matrix(counts_of(name))), 3)
    values, shares, loadings = GEMELLI[name]
    assert sizes == pytest.approx(values, rel=1e-9)
    assert sizes**2 / (sizes**2).sum() == pytest.approx(shares, rel=1e-9)
    assert np.abs(samples[:4, 0]) == pytest.approx(loadings, rel=1e-8)


def test_the_first_guess_of_many_rows_is_that_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = random_table(120, 60, 7)
    few = rebuilt(counts)
    monkeypatch.setattr(completion, "_DENSE", 10)
    assert rebuilt(counts) == pytest.approx(few, abs=1e-9)


def test_distances_between_points_are_scipys_in_every_part() -> None:
    points = np.random.default_rng(1).normal(size=(9, 3))
    expected = pdist(points)
    assert point_distances(points, condensed=True) == pytest.approx(expected, rel=1e-14)
    whole = point_distances(points)
    assert whole[np.triu_indices(9, 1)] == pytest.approx(expected, rel=1e-14)
    assert np.array_equal(whole, whole.T)
    assert np.array_equal(point_distances(points, start=2, stop=5), whole[2:5])
    assert np.array_equal(point_distances(points, single=True), whole.astype(np.float32))
