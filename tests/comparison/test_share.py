"""R2 of all samples from a test on a subsample: its interval holds R2 of the full matrix, also where subjects repeat."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from gutdiv.comparison.distances import permanova
from gutdiv.comparison.pairs import compare_pairs
from gutdiv.comparison.share import r2_of_all
from gutdiv.comparison.terms import build_model
from gutdiv.grammar.formula import parse_formula
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import DistanceMatrix
from gutdiv.numerics.projection import gower_centred
from gutdiv.numerics.subsets import drawn_order


def study(n: int, effect: float, *, repeated: bool, seed: int = 1) -> tuple[np.ndarray, SampleMetadata, np.ndarray]:
    """Distances of four groups of unequal size, an age that does nothing, and subjects who differ from each other and may come several times."""
    rng = np.random.default_rng(seed)
    subject = np.unique(np.sort(rng.integers(0, int(n * 0.6), n)) if repeated else np.arange(n), return_inverse=True)[1]
    k = int(subject.max()) + 1
    group, age = rng.choice(4, k, p=[0.1, 0.2, 0.3, 0.4])[subject], rng.integers(20, 80, k)[subject]
    values = rng.gamma(0.5, 1, (n, 30)) * np.exp(rng.normal(0, 0.7, 30)) + (rng.normal(0, 0.6, (k, 30))[subject] if repeated else 0)
    values = np.abs(values + (rng.normal(0, 1, (4, 30)) * effect)[group])
    columns = {
        "group": tuple(f"g{g}" for g in group),
        "subject": tuple(f"p{s:05d}" for s in subject),
        "age": tuple(str(a) for a in age),
    }
    kinds = {"group": "categorical", "subject": "categorical", "age": "numeric"}
    return squareform(pdist(values, "braycurtis")), SampleMetadata(tuple(f"s{i:05d}" for i in range(n)), columns, kinds), subject


def subsample(metadata: SampleMetadata, subject: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Whole subjects, every group in its proportion."""
    group = np.unique(metadata.column("group"), return_inverse=True)[1]
    order = drawn_order(group[np.unique(subject, return_index=True)[1]].astype(np.intp), seed, 1)
    return np.flatnonzero(np.isin(subject, order[np.cumsum(np.bincount(subject)[order]) <= size]))


def test_a_test_on_a_subsample_says_so_and_estimates_r2_of_all() -> None:
    matrix, metadata, subject = study(300, 0.3, repeated=True)
    at = subsample(metadata, subject, 200, seed=1)
    ids = tuple(metadata.ids[i] for i in at)
    told = {"samples": at.size, "of": 300, "group": "group", "rule": "whole subjects, each group of group in its proportion"}
    part = DistanceMatrix(ids, matrix[np.ix_(at, at)], "braycurtis", {"subsample": told})
    options = {"permutations": 19, "seed": 1, "subject": "subject"}
    table = permanova(part, metadata, formula="~ group + age", by="margin", **options)
    whole = permanova(DistanceMatrix(metadata.ids, matrix, "braycurtis"), metadata, formula="~ group + age", by="margin", **options)
    assert table.record["subsample"] == told
    assert table.record["notes"][0].startswith(f"This rests on {at.size} of 300 samples, drawn by seed (whole subjects")
    assert "A matrix of all would hold 44,850 distances, 359 kB on disk for each metric and twice that in memory." in table.record["notes"][0]
    frame = table.frame.iloc[:2]
    assert (frame["r2_low"] <= whole.frame["r2"][:2]).all()
    assert (whole.frame["r2"][:2] <= frame["r2_high"]).all()
    assert (frame["r2_all"] < frame["r2"]).all(), "fewer samples give a larger R2"
    assert whole.frame[["r2_all", "r2_low", "r2_high"]].isna().all(axis=None)
    assert "notes" not in whole.record
    pairs = compare_pairs(part, metadata, variable="group", **options)
    found = pairs.frame.dropna(subset=["r2_low"])
    assert found["r2_all"].between(found["r2_low"], found["r2_high"]).all()
    assert 0 < len(found) < len(pairs.frame) == 6
    assert "g0 - g1: R2 of all samples has no interval: it is made from 20 groups" in pairs.record["notes"][-2]


def test_too_few_units_and_groups_too_small_have_an_estimate_without_interval() -> None:
    matrix, metadata, _ = study(60, 0.3, repeated=False)
    formula = parse_formula("~ group")
    for size, rare, reason in ((30, 0, "there are 30 units"), (60, 1, "a group of samples is so small")):
        columns = {"group": ("rare",) * rare + metadata.column("group")[rare:size], "subject": metadata.column("subject")[:size]}
        rows = SampleMetadata(metadata.ids[:size], columns, metadata.kinds)
        gower = gower_centred(matrix[:size, :size])
        shares, why = r2_of_all(gower, build_model(formula, rows, "margin"), rows, {"samples": size, "of": 600}, subject=None, seed=1)
        assert reason in str(why)
        assert 0 <= shares[0, 0] <= 1
        assert np.isnan(shares[0, 1:]).all()


@pytest.mark.slow
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("effect", [0.0, 0.05, 0.4])
def test_nine_in_ten_intervals_or_more_hold_r2_of_the_full_matrix(effect: float, repeated: bool) -> None:
    """Of 500 in 4,000 samples, 150 times; the binomial 0.1 % quantile of 95 % coverage is 88.7 %."""
    matrix, metadata, subject = study(4000, effect, repeated=repeated)
    formula = parse_formula("~ group + age")
    truth = r2_of_all(gower_centred(matrix), build_model(formula, metadata, "margin"), metadata, {"samples": 1, "of": 1}, subject=None, seed=1)[0][:, 0]
    held, middles = [], []
    for seed in range(150):
        at = subsample(metadata, subject, 500, seed)
        rows = metadata.select([metadata.ids[i] for i in at])
        told = {"samples": at.size, "of": 4000, "group": "group"}
        model = build_model(formula, rows, "margin")
        shares, _ = r2_of_all(gower_centred(matrix, at), model, rows, told, subject="subject" if repeated else None, seed=seed)
        held.append((shares[:, 1] <= truth) & (truth <= shares[:, 2]))
        middles.append(shares[:, 0])
    assert (np.mean(held, axis=0) >= 0.887).all()
    spread = np.std(middles, axis=0)
    assert (np.abs(np.mean(middles, axis=0) - truth) < 0.5 * spread).all(), "less than half an error of bias"
