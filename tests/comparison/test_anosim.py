"""ANOSIM against vegan, a naive twin of its kernel, and by simulation where subjects repeat."""

from __future__ import annotations

import numpy as np
import pytest
from distance_tables import agree_by_chance, metadata, rows, vegan_data
from scipy.spatial.distance import pdist, squareform

from gutdiv.comparison.anosim import anosim
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import InputError
from gutdiv.model.results import DistanceMatrix

VEGAN = [r for r in rows("distance_tests.tsv") if r["test"] == "anosim"]


@pytest.mark.parametrize("run", VEGAN, ids=lambda r: f"{r['data']} {r['variable']} {r['strata']}")
def test_r_equals_vegan_and_p_agrees(run: dict[str, str]) -> None:
    distances, meta = vegan_data(run["data"])
    row = anosim(distances, meta, variable=run["variable"], strata=run["strata"] or None, permutations=1999).frame.iloc[0]
    assert row["statistic"] == pytest.approx(float(run["statistic"]), rel=1e-10)
    assert agree_by_chance(row["p"], 1999, float(run["p"]), int(run["permutations"]))
    if run["variable"] == "Management":
        assert row["effect"] == pytest.approx(0.2578706, abs=5e-8)  # methods.md 5.1
        assert (row["group_sizes"], row["n_1"], row["contrast"]) == ("BF 3; HF 5; NM 6; SF 6", 20, "BF, HF, NM, SF")
        assert row["q"] == row["p"]


def test_whole_subjects_are_permuted_so_that_false_alarms_are_rare() -> None:
    owners = [f"p{k:02d}" for k in range(12) for _ in range(1 + k % 4)]
    ids = [f"s{k:03d}" for k in range(len(owners))]
    found, naive = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        own = {o: rng.normal(size=4) for o in sorted(set(owners))}
        points = np.array([own[o] + 0.2 * rng.normal(size=4) for o in owners])
        side = dict(zip(own, rng.permutation(["a", "b"] * 6), strict=True))
        meta = metadata(ids, {"owner": owners, "side": [side[o] for o in owners]})
        distances = DistanceMatrix(tuple(ids), squareform(pdist(points)), "euclidean")
        row = anosim(distances, meta, variable="side", subject="owner", permutations=99, seed=seed, threads=1).frame.iloc[0]
        assert (row["unit"], row["n_1"], row["n_2"], row["n_samples"]) == ("subject (owner)", 6, 6, len(ids))
        found.append(row["p"])
        if seed < 25:
            naive.append(anosim(distances, meta, variable="side", permutations=99, seed=seed, threads=1).frame["p"].iloc[0])
    assert np.mean(np.array(found) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)
    assert np.mean(np.array(naive) <= 0.05) > 0.25  # what treating samples as independent would do


def test_what_cannot_be_tested_is_refused() -> None:
    distances, meta = vegan_data("dune")
    ids = list(meta.ids)
    with pytest.raises(UntestableError, match="1 group among the 20 samples used"):
        anosim(distances, metadata(ids, {"g": ["x"] * 20}), variable="g")
    with pytest.raises(UntestableError, match="two samples in one of them"):
        anosim(distances, metadata(ids, {"g": ids}), variable="g")
    with pytest.raises(UntestableError, match="does not vary within strata of Management"):
        anosim(distances, meta, variable="Management", strata="Management")
    with pytest.raises(InputError, match="no column 'who'"):
        anosim(distances, meta, variable="who")
    gone = anosim(distances, metadata(ids[:18], {"g": [*"xy" * 8, "", "x"]}), variable="g", permutations=19)
    assert gone.frame["n_dropped"].iloc[0] == 3
    assert gone.record["dropped"] == {"(sample metadata)": 2, "g": 1}
