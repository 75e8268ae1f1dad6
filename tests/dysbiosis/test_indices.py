"""Published indices against their definitions, written out sample by sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.dysbiosis.indices import DRAWS, Signs, measure_indices
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import Controls, Table
from gutdiv.numerics import draws, left_out

N, DEPTH = 30, 300  # controls; then six cases, of which the second is of the first control's subject and the last is shallow


def made(n_controls: int = N) -> tuple[Cohort, Controls, Signs]:
    rng = np.random.default_rng(3)
    n = n_controls + 6
    ids = tuple(f"s{i:03d}" for i in range(n))
    share = rng.dirichlet(np.full(20, 0.5), n)
    share[-4] = np.eye(20)[0]  # one taxon only
    counts = np.array([rng.multinomial(400, p) for p in share], dtype=np.int64)
    counts[-1] = 1
    subjects = {s: f"subject {i}" for i, s in enumerate(ids)}
    subjects[ids[n_controls + 1]] = subjects[ids[0]]
    features = tuple(f"f{j:02d}" for j in range(20))
    cohort = Cohort(ids, features, sparse.csr_matrix(counts), None, None, SampleMetadata(ids, {}, {}), Roles())
    up, down = np.zeros(20, dtype=bool), np.zeros(20, dtype=bool)
    up[:3], down[5:12] = True, True
    return cohort, Controls("x", ids[:n_controls], ids[:n_controls], subjects, ()), Signs(up, down)


def indices(cohort: Cohort, controls: Controls | None, signs: Signs) -> tuple[pd.DataFrame, dict[str, object]]:
    keys = np.array([int(s[1:]) for s in cohort.sample_ids], dtype=np.uint64)
    frame, about = measure_indices(cohort, controls, signs, depth=DEPTH, keys=keys, level="genus", seed=7)
    Table("indices", frame)
    return frame, about


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return indices(*made())[0].set_index(["index", "sample_id"])


@pytest.fixture(scope="module")
def distance() -> np.ndarray:
    """Mean Bray-Curtis dissimilarity over the same draws, pair by pair; NaN for the shallow sample."""
    cohort, _, _ = made()
    keys = np.array([int(s[1:]) for s in cohort.sample_ids], dtype=np.uint64)
    n = len(cohort.sample_ids)
    total = np.zeros((n, n))
    for draw in range(DRAWS):
        data = draws.rarefied(cohort.counts.indptr, cohort.counts.data, DEPTH, keys, 7, draw)
        x = sparse.csr_matrix((data, cohort.counts.indices, cohort.counts.indptr), shape=cohort.counts.shape).toarray()
        total += np.array([[np.abs(a - b).sum() / max((a + b).sum(), 1) for b in x] for a in x])
    return total / DRAWS


def others_of(sample: int) -> list[int]:
    """The controls of other subjects."""
    return [j for j in range(N) if j != sample and not (sample == N + 1 and j == 0)]


def naive_cutoff(stat, sample: int) -> tuple[float, float]:
    """A sample's value, and the 90th percentile of the controls' own, each without itself and without the sample's own control."""
    others = others_of(sample)
    return stat(sample, others), float(np.quantile([stat(j, [m for m in others if m != j]) for j in others], 0.9))


SAMPLES = [0, 5, 29, N, N + 1, N + 2, N + 3]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_median_distance_is_that_to_controls_of_other_subjects_and_its_cut_off_theirs(found: pd.DataFrame, distance: np.ndarray, sample: int) -> None:
    value, cutoff = naive_cutoff(lambda i, others: float(np.median([distance[i, j] for j in others])), sample)
    row = found.loc[("median_distance", f"s{sample:03d}")]
    assert (row["value"], row["cutoff"]) == pytest.approx((value, cutoff), abs=1e-12)
    assert row["beyond"] == ("true" if value > cutoff else "false")
    assert row["n_reference"] == len(others_of(sample))


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_distance_to_the_centroid_is_that_of_all_principal_coordinates(found: pd.DataFrame, distance: np.ndarray, sample: int) -> None:
    def stat(i: int, others: list[int]) -> float:
        d = distance[np.ix_([i, *others], [i, *others])]
        n = len(d)
        centre = np.eye(n) - 1 / n
        values, vectors = np.linalg.eigh(centre @ (-(d**2) / 2) @ centre)
        axes = vectors * np.sqrt(np.abs(values))
        gap = (axes[0] - axes[1:].mean(axis=0)) ** 2
        return float(np.sqrt(max(0.0, (np.sign(values) * gap).sum())))

    row = found.loc[("centroid_distance", f"s{sample:03d}")]
    assert (row["value"], row["cutoff"]) == pytest.approx(naive_cutoff(stat, sample), abs=1e-9)


@pytest.mark.parametrize("sample", SAMPLES)
def test_cloud_compares_the_same_statistic_of_sample_and_controls(found: pd.DataFrame, distance: np.ndarray, sample: int) -> None:
    def near(i: int, others: list[int]) -> float:
        return float(np.mean(sorted(distance[i, j] for j in others)[:3]))  # k = max(3, ceil(.05 x 30))

    others = others_of(sample)
    reference = [near(j, [m for m in others if m != j]) for j in others]
    value = near(sample, others)
    row = found.loc[("cloud", f"s{sample:03d}")]
    assert row["value"] == pytest.approx(value / np.mean(reference))
    p = (1 + sum(r >= value - 1e-12 for r in reference)) / (len(others) + 1)
    assert row["p"] == pytest.approx(p)
    assert row["beyond"] == ("true" if p <= 0.05 else "false")
    assert (row["value"] > row["cutoff"]) == (p <= 0.05)


def test_the_dysbiosis_index_is_the_natural_logarithm_of_a_ratio_of_sums(found: pd.DataFrame) -> None:
    cohort, _, _ = made()
    keys = np.array([int(s[1:]) for s in cohort.sample_ids], dtype=np.uint64)
    logs = []
    for draw in range(DRAWS):
        data = draws.rarefied(cohort.counts.indptr, cohort.counts.data, DEPTH, keys, 7, draw)
        x = sparse.csr_matrix((data, cohort.counts.indices, cohort.counts.indptr), shape=cohort.counts.shape).toarray()
        logs.append(np.log((x[:, :3].sum(axis=1) + 0.5) / (x[:, 5:12].sum(axis=1) + 0.5)))
    mdi = np.mean(logs, axis=0)
    assert found.loc["mdi"].loc["s030", "value"] == pytest.approx(mdi[30])
    assert found.loc["mdi"].loc["s030", "cutoff"] == pytest.approx(np.quantile(mdi[:N], 0.9))
    assert found.loc["mdi"].loc["s031", "cutoff"] == pytest.approx(np.quantile(mdi[1:N], 0.9))
    assert found.loc["mdi"].loc["s032", "beyond"] == "true"  # the sample of one taxon that counts up


def test_a_shallow_sample_has_no_index_and_every_row_says_what_it_lacks(found: pd.DataFrame) -> None:
    shallow = found.xs("s035", level="sample_id")
    assert shallow["value"].isna().all()
    assert set(shallow["beyond"]) == {""}
    assert set(shallow["reason"]) == {"20 reads, fewer than the common depth of 300"}
    assert set(found["direction"]) == {"above"}


def test_cut_offs_come_from_controls_alone() -> None:
    cohort, controls, signs = made()
    kept = cohort.sample_ids[: N + 1]  # without five of the six cases
    part = Cohort(kept, cohort.feature_ids, cohort.counts[: N + 1], None, None, SampleMetadata(kept, {}, {}), Roles())
    whole, few = (indices(c, controls, signs)[0].set_index(["index", "sample_id"]) for c in (cohort, part))
    pd.testing.assert_frame_equal(few, whole.loc[few.index])


def test_few_controls_give_values_without_cut_offs_and_very_few_or_none_give_no_values() -> None:
    frame, _ = indices(*made(12))
    assert frame.loc[frame["sample_id"] != "s017", "value"].notna().all()
    assert frame["cutoff"].isna().all()
    assert frame["reason"].iloc[13] == "11 control subjects other than the sample's own; a cut-off needs 20"
    frame, about = indices(*made(4))
    assert frame.empty
    assert about["absent"]["cloud"] == "4 control subjects with 300 reads; an index needs 5, its cut-off 20"  # type: ignore[index]
    cohort, _, signs = made()
    frame, about = indices(cohort, None, signs)
    assert frame.empty
    assert set(about["absent"].values()) == {"no controls were declared (--controls)"}  # type: ignore[attr-defined]


def test_an_index_whose_taxa_the_table_lacks_is_left_out_with_the_reason() -> None:
    cohort, controls, signs = made()
    frame, about = indices(cohort, controls, Signs(signs.up, signs.down, "no lineages"))
    assert "mdi" not in set(frame["index"])
    assert about["absent"]["mdi"] == "no lineages"  # type: ignore[index]


def test_the_p_values_of_cloud_are_uniform_among_fresh_controls() -> None:
    # calibrated: a fresh sample drawn as the controls are has P(p <= a) <= a but for noise; 300 draws of 40 points in a plane and one more
    rng = np.random.default_rng(8)
    p = []
    for _ in range(300):
        x = rng.normal(size=(41, 2))
        d = np.linalg.norm(x[:, None] - x[None], axis=-1)
        near = left_out.nearest_to(d[:, :40], np.append(np.arange(40), -1), 3)
        p.append((1 + np.sum(near[:40] >= near[40])) / 41)
    for a in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= a) == pytest.approx(a, abs=3 * np.sqrt(a * (1 - a) / 300) + 1 / 41)


def test_the_spread_of_cases_is_a_finding_on_the_cohort_and_equals_their_distances_to_the_own_centroid(distance: np.ndarray) -> None:
    cohort, controls, signs = made()
    _, about = indices(cohort, controls, signs)
    assert "4 subjects without a control sample" in about["absent"]["spread"]  # type: ignore[index]
    few = Controls("x", controls.samples[:20], controls.chosen[:20], controls.subjects, ())
    _, about = indices(cohort, few, signs)
    (finding,) = about["findings"]  # type: ignore[misc]
    cases = [i for i in range(20, N + 5) if i != N + 1]  # of other subjects and deep enough

    def mean(group: list[int]) -> float:
        d = distance[np.ix_(group, group)]
        n = len(group)
        centre = np.eye(n) - 1 / n
        gower = centre @ (-(d**2) / 2) @ centre
        return float(np.mean(np.sqrt(np.diag(gower) * n / (n - 1))))

    assert finding["size"] == pytest.approx(mean(cases) / mean(list(range(20))))
    assert (finding["values"]["n_controls"], finding["values"]["n_cases"]) == (20, len(cases))
    assert finding["strength"] in ("clear", "weak")


@pytest.mark.parametrize("n", [6, 7, 30])
def test_what_reference_samples_have_without_themselves_and_another_equals_a_loop(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 3))
    x[1] = x[0]  # ties
    d = np.linalg.norm(x[:, None] - x[None], axis=-1)
    medians, near = left_out.medians_within(d), left_out.nearest_within(d, 3)
    centroid = left_out.centroid_within(d)
    for j in range(n):
        for i in range(n):
            rest = [m for m in range(n) if m not in (i, j)]
            assert medians[j, i] == pytest.approx(np.median(d[j, rest]))
            assert near[j, i] == pytest.approx(np.sort(d[j, rest])[:3].mean())
            assert centroid[j, i] == pytest.approx(np.linalg.norm(x[j] - x[rest].mean(axis=0)))
