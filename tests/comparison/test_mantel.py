"""Mantel tests against vegan, and what is permuted where subjects repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from distance_tables import agree_by_chance, metadata, rows, vegan_data
from scipy.spatial.distance import pdist, squareform

from gutdiv.comparison.mantel import mantel
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import InputError
from gutdiv.model.results import DistanceMatrix

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata

VEGAN = [r for r in rows("distance_tests.tsv") if r["test"] != "anosim"]


def differences(meta: SampleMetadata, column: str) -> DistanceMatrix:
    """Return the distances of samples along a number."""
    numbers = np.array([[float(str(c))] for c in meta.column(column)])
    return DistanceMatrix(meta.ids, squareform(pdist(numbers)), column)


@pytest.mark.parametrize("run", VEGAN, ids=lambda r: " ".join([r["data"], r["variable"], r["method"], r["strata"]]))
def test_r_equals_vegan_and_p_agrees(run: dict[str, str]) -> None:
    distances, meta = vegan_data(run["data"])
    against, *given = (differences(meta, c) for c in run["variable"].split("|"))
    options = {"method": run["method"], "strata": run["strata"] or None, "permutations": 1999}
    row = mantel(distances, against, meta, given=given[0] if given else None, **options).frame.iloc[0]
    assert row["statistic"] == pytest.approx(float(run["statistic"]), rel=1e-10)
    assert agree_by_chance(row["p"], 1999, float(run["p"]), int(run["permutations"]))
    assert row["test"] == f"{'partial Mantel' if given else 'Mantel'}, {run['method']}"
    assert (row["n_1"], row["n_dropped"], row["alternative"]) == (len(meta.ids), 0, "greater")


def test_only_samples_that_all_matrices_hold_count() -> None:
    distances, meta = vegan_data("dune")
    a1 = differences(meta, "A1")
    some = DistanceMatrix(a1.ids[3:], a1.matrix[3:, 3:], "A1")
    table = mantel(distances, some, permutations=99)
    assert table.frame[["n_1", "n_dropped"]].iloc[0].tolist() == [17, 3]
    assert table.record["dropped"] == {"(matrix 2, A1)": 3}
    inside = DistanceMatrix(distances.ids[3:], distances.matrix[3:, 3:], "braycurtis")
    assert mantel(inside, some, permutations=99).frame["p"].iloc[0] == table.frame["p"].iloc[0]
    backwards = DistanceMatrix(some.ids[::-1], some.matrix[::-1, ::-1], "A1")
    assert mantel(inside, backwards, permutations=99).frame["statistic"].iloc[0] == table.frame["statistic"].iloc[0]


def test_subjects_are_the_unit_so_that_false_alarms_are_rare() -> None:
    owners = [f"p{k:02d}" for k in range(12) for _ in range(1 + k % 4)]
    ids = [f"s{k:03d}" for k in range(len(owners))]
    meta = metadata(ids, {"owner": owners})
    found, naive = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        one, two = ({o: rng.normal(size=3) for o in sorted(set(owners))} for _ in range(2))
        x, y = (
            DistanceMatrix(tuple(ids), squareform(pdist(np.array([own[o] + 0.1 * rng.normal(size=3) for o in owners]))), "d") for own in (one, two)
        )
        row = mantel(x, y, meta, subject="owner", permutations=99, seed=seed, threads=1).frame.iloc[0]
        assert (row["n_1"], row["n_samples"]) == (12, len(ids))
        assert row["unit"] == "subject (owner; mean distance between the samples of each two)"
        found.append(row["p"])
        if seed < 25:
            naive.append(mantel(x, y, permutations=99, seed=seed, threads=1).frame["p"].iloc[0])
    assert np.mean(np.array(found) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)
    assert np.mean(np.array(naive) <= 0.05) > 0.25  # what treating samples as independent would do
    within = mantel(x, y, meta, subject="owner", permute="within", permutations=99).frame.iloc[0]
    assert (within["unit"], within["n_1"]) == ("sample within subjects (owner)", len(ids))


def test_what_cannot_be_tested_is_refused() -> None:
    distances, meta = vegan_data("dune")
    a1 = differences(meta, "A1")
    with pytest.raises(InputError, match="Give --metadata"):
        mantel(distances, a1, strata="Use")
    with pytest.raises(InputError, match="method 'kendall' is unknown"):
        mantel(distances, a1, method="kendall")
    with pytest.raises(UntestableError, match="all distances of flat"):
        mantel(distances, DistanceMatrix(meta.ids, 1 - np.eye(20), "flat"))
    with pytest.raises(UntestableError, match="the same but for scale"):
        mantel(distances, a1, given=DistanceMatrix(meta.ids, 2 * a1.matrix, "A1"))
    with pytest.raises(UntestableError, match=r"can be arranged in only 6 ways; p cannot fall below 0.17"):
        mantel(distances, a1, meta, subject="Use")
    owner = [f"p{k // 2}" for k in range(20)]
    crossed = metadata(list(meta.ids), {"owner": owner, "batch": ["x", "y"] * 10})
    with pytest.raises(UntestableError, match="in more than one stratum of batch"):
        mantel(distances, a1, crossed, subject="owner", strata="batch")
    with pytest.raises(UntestableError, match="only 2 samples of 20 can be used"):
        mantel(distances, DistanceMatrix(meta.ids[:2], a1.matrix[:2, :2], "A1"))
