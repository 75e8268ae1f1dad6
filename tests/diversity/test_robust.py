"""Robust Aitchison: R's numbers, an order that does not matter, and tables on which it is refused with the samples' names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import pdist, squareform

from gutdiv.diversity.distances import measure_beta
from gutdiv.diversity.ordination import ordinate, robust_pca
from gutdiv.errors import InputError
from gutdiv.io.tables import read_abundance_table
from gutdiv.model.cohort import Cohort, SampleMetadata
from gutdiv.model.results import DistanceMatrix

TRUTH = Path(__file__).parents[1] / "truth"


def rows_of(name: str) -> list[dict[str, str]]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def cohort(counts: np.ndarray) -> Cohort:
    ids = tuple(f"s{i:02d}" for i in range(counts.shape[0]))
    features = tuple(f"f{j:03d}" for j in range(counts.shape[1]))
    return Cohort(ids, features, sparse.csr_matrix(counts.astype(np.int64)), None, None, SampleMetadata(ids, {}, {}))


def table(n: int = 15, p: int = 40, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(np.exp(rng.normal(1, 1, (n, p)))) * (rng.random((n, p)) < 0.6)


@pytest.mark.parametrize("name", ["dune", "bci"])
def test_distances_equal_those_of_r(name: str) -> None:
    rows = rows_of(f"{name}.tsv")
    counts = np.array([[int(v) for k, v in r.items() if k != "sample_id"] for r in rows])
    place = {r["sample_id"]: i for i, r in enumerate(rows)}
    _, block, _, about = measure_beta(cohort(counts), "robust_aitchison", depth="none")
    assert about["traits"]["rarefied"] is False
    truth = [r for r in rows_of("robust_aitchison.tsv") if r["data"] == name]
    assert len(truth) == len(rows) * (len(rows) - 1) / 2
    found = [block[place[r["sample_1"]], place[r["sample_2"]]] for r in truth]
    assert found == pytest.approx([float(r["value"]) for r in truth], rel=1e-8)


def test_robust_pca_is_the_principal_coordinates_of_the_distances() -> None:
    made = cohort(table())
    ids, block, _, _ = measure_beta(made, "robust_aitchison", depth="none")
    by_distances = ordinate(DistanceMatrix(ids, block, "robust_aitchison"))
    direct = robust_pca(made)
    assert direct.axes.shape == (15, 3)
    assert by_distances.axes == pytest.approx(direct.axes, abs=1e-9)
    assert by_distances.eigenvalues == pytest.approx(direct.eigenvalues, rel=1e-10)
    assert by_distances.proportion_explained == pytest.approx(direct.proportion_explained, rel=1e-10)
    assert squareform(pdist(direct.axes)) == pytest.approx(block, abs=1e-10)
    assert "not to all that varies" in direct.notes[0]
    assert robust_pca(made, axes=2).axes.shape == (15, 2)


def test_equal_samples_are_at_distance_zero_wherever_they_stand() -> None:
    counts = table()
    doubled = np.vstack([counts[:7], counts[2], counts[7:], counts[2]])
    _, block, _, _ = measure_beta(cohort(doubled), "robust_aitchison", depth="none")
    assert block[2, 7] == block[2, 16] == block[7, 16] == 0
    assert np.array_equal(block[2], block[7])


def test_samples_that_share_too_little_are_refused_by_name() -> None:
    lonely = table()
    lonely[4] = 0
    lonely[4, :2] = 9
    with pytest.raises(InputError, match=r"1 of 15 samples \('s04'\) hold fewer than 3 features that another sample also holds"):
        measure_beta(cohort(lonely), "robust_aitchison", depth="none")
    apart = np.zeros((15, 80), int)
    apart[:10, :40], apart[10:, 40:] = table()[:10] + 1, table()[10:] + 1
    with pytest.raises(InputError, match=r"5 of 15 samples \('s10', .*\) share no feature with the others, neither directly"):
        robust_pca(cohort(apart))
    sparse_table = np.eye(15, 200, dtype=int) * 7
    sparse_table[:, -3:] = 5
    with pytest.raises(
        InputError, match=r"15 of 15 .* hold 60 counts above zero in 18 features, too few for the 90 numbers of a matrix of rank 3"
    ):
        robust_pca(cohort(sparse_table))


@pytest.mark.real_data
def test_a_real_table_of_too_many_rare_features_is_refused(real_data: Path) -> None:
    counts = read_abundance_table(real_data / "ibd_papa" / "table.biom").values.astype(np.int64)
    ids = tuple(f"s{i:03d}" for i in range(91))
    features = tuple(f"f{j:05d}" for j in range(counts.shape[1]))
    made = Cohort(ids, features, counts, None, None, SampleMetadata(ids, {}, {}))
    with pytest.raises(InputError, match="60,835 counts above zero in 36,349 features, too few for the 109,311 numbers"):
        robust_pca(made)
