"""Measuring a cohort: depth in the open, draws that know only seed and id, and reasons for what is absent."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from gutdiv.diversity.distances import measure_beta
from gutdiv.diversity.measure import measure_alpha
from gutdiv.diversity.ordination import clr_distances, ordinate
from gutdiv.diversity.rarefaction import lacks_singletons
from gutdiv.errors import InputError
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.numerics.expectations import expected_richness


def cohort(counts: np.ndarray, groups: list[str | None] | None = None) -> Cohort:
    ids = tuple(f"s{i:02d}" for i in range(counts.shape[0]))
    columns = {"g": tuple(groups)} if groups else {}
    metadata = SampleMetadata(ids, columns, dict.fromkeys(columns, "categorical"))
    features = tuple(f"f{j:03d}" for j in range(counts.shape[1]))
    return Cohort(ids, features, sparse.csr_matrix(counts.astype(np.int64)), None, None, metadata, Roles(group="g" if groups else None))


def table(depths: list[int], seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(60, 0.3), len(depths))
    return np.array([rng.multinomial(d, p) for d, p in zip(depths, share, strict=True)])


def test_mean_richness_over_draws_is_the_analytic_expectation_within_its_error() -> None:
    made = cohort(table([400, 900, 2000]))
    frame, about = measure_alpha(made, ["sobs"], depth=300, draws=200, seed=1)
    expected = expected_richness(made.counts.indptr.astype(np.int64), made.counts.data, np.full(3, 300))
    error = frame["sd"].to_numpy() / np.sqrt(200)
    assert np.all(np.abs(frame["value"].to_numpy() - expected) < 4 * error)
    assert (about["depth"], about["draws"]) == (300, 200)


def test_a_sample_has_the_same_values_in_any_company() -> None:
    counts = table([400, 900, 2000, 700])
    whole, _ = measure_alpha(cohort(counts), ["shannon"], depth=300, draws=10, seed=7)
    # the same ids in another table: s00 and s01 only
    part, _ = measure_alpha(cohort(counts[:2]), ["shannon"], depth=300, draws=10, seed=7)
    assert np.array_equal(whole["value"].to_numpy()[:2], part["value"].to_numpy())


def test_a_sample_below_the_depth_has_no_value_and_is_listed() -> None:
    frame, about = measure_alpha(cohort(table([100, 900])), ["shannon", "sobs"], depth=300, draws=3)
    assert about["below_depth"] == ["s00"]
    assert frame.loc[frame["sample_id"] == "s00", ["value", "sd"]].isna().all(axis=None)
    assert frame.loc[frame["sample_id"] == "s01", "value"].notna().all()


def test_without_rarefaction_values_are_of_the_whole_counts() -> None:
    counts = table([100, 900])
    frame, about = measure_alpha(cohort(counts), ["sobs"], depth="none")
    assert frame["value"].tolist() == (counts > 0).sum(1).tolist()
    assert frame["depth"].tolist() == [100, 900]
    assert about["depth"] is None


def test_chao1_is_withheld_where_there_are_no_singletons() -> None:
    counts = table([3000, 3000, 3000])
    counts[counts == 1] = 2
    made = cohort(counts)
    assert lacks_singletons(made)
    frame, about = measure_alpha(made, None, depth=100, draws=2)
    assert "singleton" in about["absent"]["chao1"]
    assert about["absent"]["faith_pd"] == "no tree was given"
    assert set(frame["metric"]) == {"sobs", "shannon", "simpson", "inv_simpson", "pielou_e"}


def test_genera_are_measured_as_one_kind_each() -> None:
    import pandas as pd

    from gutdiv.model.cohort import LINEAGE_COLUMNS

    base = cohort(np.array([[1, 1, 2, 4]]))
    rows = [[None] * 7 + [family, genus, None] for family, genus in (("F", "A"), ("F", "A"), ("F", None), (None, None))]
    lineages = pd.DataFrame(rows, index=list(base.feature_ids), columns=list(LINEAGE_COLUMNS), dtype=object)
    made = Cohort(base.sample_ids, base.feature_ids, base.counts, lineages, None, base.metadata, base.roles)
    assert made.genera() == ("A", "A", "unclassified F", "unclassified")
    frame, _ = measure_alpha(made, ["sobs", "shannon"], depth="none", level="genus")
    assert frame["value"].tolist() == pytest.approx([3.0, -(0.25 * np.log(0.25) * 2 + 0.5 * np.log(0.5))])


def test_blocks_of_rows_are_the_whole_bit_for_bit() -> None:
    made = cohort(table([500, 900, 800, 700, 600]))
    ids, whole, _, about = measure_beta(made, "braycurtis", depth=400, seed=2)
    blocks = [measure_beta(made, "braycurtis", depth=400, seed=2, part=(k, 3)) for k in (1, 2, 3)]
    assert np.array_equal(np.vstack([b[1] for b in blocks]), whole)
    assert ids == made.sample_ids
    assert about["depth"] == 400
    assert measure_beta(made, "aitchison", depth=400)[3]["depth"] is None


def test_distances_that_cannot_be_measured_are_refused() -> None:
    made = cohort(table([500, 900]))
    with pytest.raises(InputError, match="unweighted_unifrac cannot be measured: no tree was given"):
        measure_beta(made, "unweighted_unifrac")
    with pytest.raises(InputError, match="only 1 sample has 800 reads"):
        measure_beta(made, "jaccard", depth=800)
    with pytest.raises(InputError, match="K must lie between 1 and N"):
        measure_beta(made, "jaccard", depth=100, part=(1, 3))


def test_principal_components_of_the_clr_equal_a_singular_value_decomposition() -> None:
    made = cohort(table([500, 900, 800, 700, 600]))
    found = ordinate(clr_distances(made), axes=3)
    logs = np.log(made.counts.toarray() + 1.0)
    clr = logs - logs.mean(1, keepdims=True)
    centred = clr - clr.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    assert found.eigenvalues == pytest.approx(s[:3] ** 2, rel=1e-9)
    assert np.abs(found.axes) == pytest.approx(np.abs(u[:, :3] * s[:3]), rel=1e-7, abs=1e-9)
    assert found.proportion_explained == pytest.approx(s[:3] ** 2 / (s**2).sum(), rel=1e-9)
