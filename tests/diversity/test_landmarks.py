"""Ordinations by landmarks and subsamples of a cohort: exact where all samples are landmarks, the same whatever the order, and honest about their error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import strategies as st

from gutdiv.diversity.distances import beta_measure, measure_beta
from gutdiv.diversity.landmarks import ordinate_by_landmarks
from gutdiv.diversity.ordination import ordinate, robust_pca
from gutdiv.diversity.subsample import choose_subsample, landmark_order
from gutdiv.errors import InputError
from gutdiv.model.cohort import Cohort, Roles, SampleMetadata
from gutdiv.model.results import DistanceMatrix


def study(n: int = 90, seed: int = 8) -> Cohort:
    """Samples of two groups, every second subject with two samples, on a tree."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.4, 30, size=(n, 60)) * np.where(np.arange(n)[:, None] % 3 == 0, np.linspace(0.3, 3, 60), 1)).astype(np.int64)
    made = st.cohort_of(counts, tree=st.random_tree(rng, tuple(f"f{j:02d}" for j in range(60))))
    columns = {
        "group": tuple("sick" if i % 3 == 0 else "well" for i in range(n)),
        "subject": tuple(f"p{i // 9 * 3 + i % 3}" if i % 9 < 6 else f"q{i}" for i in range(n)),
    }
    metadata = SampleMetadata(made.sample_ids, columns, dict.fromkeys(columns, "categorical"))
    return replace(made, metadata=metadata, roles=Roles(group="group", subject="subject"))


@pytest.mark.parametrize(
    "metric",
    [
        *("braycurtis", "jaccard", "ruzicka", "aitchison", "hellinger", "jensenshannon"),
        *("unweighted_unifrac", "weighted_unifrac", "weighted_unifrac_normalized", "generalized_unifrac", "va_unifrac"),
    ],
)
def test_with_all_samples_as_landmarks_every_metric_has_its_exact_axes(metric: str) -> None:
    made = study(40)
    ids, matrix, _, _ = measure_beta(made, metric, depth="auto", seed=3)
    exact = ordinate(DistanceMatrix(ids, matrix, metric), axes=4)
    found, about = ordinate_by_landmarks(beta_measure(made, metric, depth="auto", seed=3), landmarks=40, axes=4)
    assert found.ids == exact.ids
    assert found.axes == pytest.approx(exact.axes, abs=1e-9)
    assert found.proportion_explained == pytest.approx(exact.proportion_explained, rel=1e-9)
    assert found.negative_share == pytest.approx(exact.negative_share, abs=1e-9)
    assert found.notes == ()
    assert "distances" not in about["landmarks"], "what is exact has no error to be stated"


def test_robust_aitchison_is_exact_without_landmarks() -> None:
    made = study(30)
    exact = robust_pca(made, axes=2, depth="auto")
    found, about = ordinate_by_landmarks(beta_measure(made, "robust_aitchison"), landmarks=10, axes=2)
    assert np.array_equal(found.axes, exact.axes)
    assert about["landmarks"]["count"] is None


def test_the_error_that_is_stated_is_the_one_against_all_distances() -> None:
    made = study(90)
    measure = beta_measure(made, "braycurtis", depth="none", seed=3)
    found, about = ordinate_by_landmarks(measure, landmarks=30, axes=3)
    told = about["landmarks"]
    others = landmark_order(made, measure.rows, seed=3)[30:]
    true = measure.between()[np.ix_(others, others)]
    along = np.linalg.norm(found.axes[others, None] - found.axes[None, others], axis=2)
    assert told["distances"]["pairs"] == 60 * 59 // 2
    assert told["distances"]["error"] == pytest.approx(np.sqrt(((along - true) ** 2).sum() / (true**2).sum()))
    assert told["distances"]["exact_error"] < told["distances"]["error"]
    assert len(told["agreement"]["axes"]) == len(told["spread"]) == 3
    assert told["stable_axes"] == next((k for k, r in enumerate(told["agreement"]["axes"]) if r < 0.95), 3)
    assert "Axes are approximate: 90 samples were placed by their distances to 30 landmarks" in found.notes[0]


def test_fewer_landmarks_than_ten_are_refused() -> None:
    with pytest.raises(InputError, match="--landmarks 9: samples are placed by 10 landmarks or more"):
        ordinate_by_landmarks(beta_measure(study(30), "jaccard"), landmarks=9)


def test_a_subsample_holds_whole_subjects_in_proportion_and_its_distances_are_those_of_the_whole() -> None:
    made = study(90)
    places, about = choose_subsample(made, np.arange(90), size=45, seed=5)
    chosen, subjects = {made.sample_ids[i] for i in places}, made.metadata.column("subject")
    assert len({subjects[i] for i in places} & {subjects[i] for i in range(90) if made.sample_ids[i] not in chosen}) == 0
    assert about["samples"] == len(places) <= 45
    assert about["of"] == 90
    assert about["groups"]["sick"][1] == 30
    assert abs(about["groups"]["sick"][0] - 15) <= 2
    ids, part, _, record = measure_beta(made, "braycurtis", depth="none", seed=5, subsample=45)
    every, whole, _, _ = measure_beta(made, "braycurtis", depth="none", seed=5)
    at = [every.index(i) for i in ids]
    assert np.array_equal(part, whole[np.ix_(at, at)])
    assert record["subsample"] == about
    assert "subsample" not in measure_beta(made, "braycurtis", depth="none", seed=5, subsample=90)[3]
    assert choose_subsample(made, np.arange(90), size=45, seed=6)[0].tolist() != places.tolist()


def test_a_subsample_too_small_to_stand_for_others_is_refused() -> None:
    with pytest.raises(InputError, match=r"--subsample 5 leaves \d samples; a part that stands for 90 needs 10"):
        measure_beta(study(90), "jaccard", depth="none", subsample=5)
