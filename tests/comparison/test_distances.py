"""PERMANOVA against vegan's adonis2, by simulation under the null hypothesis, and what it refuses."""

from __future__ import annotations

import csv
from itertools import groupby
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
import pandas as pd
import pytest
from distance_tables import agree_by_chance, metadata, rows, vegan_data
from scipy.spatial.distance import pdist, squareform
from scipy.stats import kstest

from gutdiv.comparison.distances import permanova
from gutdiv.comparison.scheme import UntestableError
from gutdiv.comparison.selection import gower_of, keep_centred
from gutdiv.errors import ExpressionError, InputError
from gutdiv.model.results import DistanceMatrix

if TYPE_CHECKING:
    from pathlib import Path


def key(row: dict[str, str]) -> tuple[str, ...]:
    return row["data"], row["formula"], row["by"], row["strata"], row["permutations"]


RUNS = {k: list(g) for k, g in groupby(rows("adonis.tsv"), key)}
SHIPPED = [k for k in RUNS if k[0] in {"dune", "varespec", "nested"}]
REAL = [k for k in RUNS if k not in SHIPPED]


def assert_equals_vegan(frame: pd.DataFrame, expected: list[dict[str, str]], *, rtol: float = 1e-10) -> None:
    """Compare statistics to 1e-10, and p within four standard errors of two independent sets of permutations."""
    assert frame["term"].tolist() == [r["term"] for r in expected]
    assert frame["df"].tolist() == [float(r["df"]) for r in expected]
    for column in ("sum_of_squares", "r2", "f"):
        np.testing.assert_allclose(frame[column], [float(r[column] or "nan") for r in expected], rtol=rtol, atol=1e-13)
    for mine, theirs in zip(frame.to_dict("records"), expected, strict=True):
        if not theirs["p"] or np.isnan(mine["p"]):
            continue
        p, q = mine["p"], float(theirs["p"])
        assert agree_by_chance(p, mine["permutations"], q, int(theirs["permutations"])), (mine["term"], p, q)


@pytest.mark.parametrize("run", SHIPPED, ids=" ".join)
def test_statistics_equal_vegan_and_p_agrees(run: tuple[str, ...]) -> None:
    name, formula, by, strata, permutations = run
    distances, meta = vegan_data(name)
    table = permanova(distances, meta, formula=formula, by=by, strata=strata or None, permutations=int(permutations), seed=7)
    assert_equals_vegan(table.frame, RUNS[run])
    assert set(table.frame["n"]) == {len(distances.ids)}
    assert set(table.frame["n_dropped"]) == {0}


@pytest.mark.real_data
@pytest.mark.parametrize("run", REAL, ids=" ".join)
def test_real_cohorts_equal_vegan(run: tuple[str, ...], real_data: Path) -> None:
    biom = pytest.importorskip("biom")
    name, formula, by, strata, permutations = run
    table = biom.load_table(str(real_data / name / "table.biom"))
    with (real_data / name / "metadata.tsv").open(newline="", encoding="utf-8") as handle:
        env = {r["sample_id"]: r for r in csv.DictReader(handle, delimiter="\t")}
    counts = np.asarray(table.matrix_data.T.toarray())
    ids = [s for s, total in zip(table.ids(), counts.sum(axis=1), strict=True) if total > 0]
    shares = counts[counts.sum(axis=1) > 0]
    shares = shares / shares.sum(axis=1, keepdims=True)
    # Bray-Curtis of proportions = half the Manhattan distance
    distances = DistanceMatrix(tuple(ids), squareform(pdist(shares, "cityblock")) / 2, "braycurtis")
    listed = sorted(env)
    columns = {c: [env[s][c] for s in listed] for c in next(iter(env.values())) if c != "sample_id"}
    meta = metadata(listed, columns, categorical=("subject_id",))
    expected = RUNS[run]
    result = permanova(distances, meta, formula=formula, by=by, strata=strata or None, permutations=int(permutations), seed=1).frame
    assert set(result["n"]) == {int(expected[0]["n"])}
    assert_equals_vegan(result, expected)
    if "group + timepoint" in formula:  # vegan gives group .30 by shuffling timepoint only; it does not vary within subjects
        group = result.iloc[0]
        assert np.isnan(group["p"])
        assert "does not vary within strata of subject_id" in group["permutation_scheme"]
    elif strata:  # subjects within which all tested columns vary: the same permutations as strata
        again = permanova(distances, meta, formula=formula, by=by, subject=strata, permutations=int(permutations), seed=1).frame
        np.testing.assert_array_equal(again["p"], result["p"])
        assert again["unit"].iloc[0] == "sample within subjects (subject_id)"


def repeated(rng: np.random.Generator, *, sizes: list[int], spread: float) -> tuple[DistanceMatrix, list[str], list[str]]:
    """Draw samples around their subject's own place; without any effect of anything else."""
    owners = [f"p{k:02d}" for k, m in enumerate(sizes) for _ in range(m)]
    places = {o: rng.normal(size=3) for o in dict.fromkeys(owners)}
    points = np.array([places[o] for o in owners]) + spread * rng.normal(size=(len(owners), 3))
    ids = [f"s{k:03d}" for k in range(len(owners))]
    return DistanceMatrix(tuple(ids), squareform(pdist(points)), "euclidean"), ids, owners


SIZES = [1, 4, 2, 7, 3, 1, 5, 2, 6, 3, 1, 4]


def test_p_is_uniform_under_the_null_when_whole_subjects_are_permuted() -> None:
    found, naive = [], []
    for k in range(120):
        rng = np.random.default_rng(1000 + k)
        distances, ids, owners = repeated(rng, sizes=SIZES, spread=0.3)
        sides = dict(zip(sorted(set(owners)), rng.permutation(["case", "control"] * 6), strict=True))
        age = dict(zip(sorted(set(owners)), rng.normal(size=12), strict=True))
        by_owner = {"side": [sides[o] for o in owners], "age": [age[o] for o in owners]}
        columns = {"owner": owners, **by_owner, "day": list(rng.normal(size=len(ids)))}
        meta = metadata(ids, columns)
        options = {"formula": "~ day + age + side", "by": "margin", "permutations": 59, "seed": k}
        frame = permanova(distances, meta, subject="owner", **options).frame
        assert frame["unit"].tolist()[:3] == ["sample within subjects (owner)", "subject (owner)", "subject (owner)"]
        found.append(frame["p"].to_numpy()[:3])
        if k < 40:
            naive.append(permanova(distances, meta, **options).frame["p"].iloc[2])
    p = np.array(found)
    for column in range(3):  # p takes the values 1/60, 2/60, ... 1: smear each over its own step to compare with the continuous uniform
        smeared = p[:, column] - np.random.default_rng(column).random(120) / 60
        assert kstest(smeared, "uniform").pvalue > 0.005
        assert (p[:, column] <= 0.05).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert np.mean(np.array(naive) <= 0.05) > 0.3  # what treating samples as independent would do


def test_a_difference_between_subjects_is_found_by_whole_subjects_and_one_within_by_samples() -> None:
    rng = np.random.default_rng(5)
    sizes = [3] * 16
    distances, ids, owners = repeated(rng, sizes=sizes, spread=0.3)
    side = ["case" if int(o[1:]) < 8 else "control" for o in owners]
    visit = [str(k % 3) for k in range(48)]
    points = np.array([[3.0 * (s == "case"), 1.0 * (v == "2")] for s, v in zip(side, visit, strict=True)])
    shifted = np.sqrt(distances.matrix**2 + squareform(pdist(points)) ** 2)
    meta = metadata(ids, {"owner": owners, "side": side, "visit": visit}, categorical=("visit",))
    frame = permanova(DistanceMatrix(distances.ids, shifted, "d"), meta, formula="~ side * visit", subject="owner").frame
    assert frame["p"].iloc[0] <= 0.01
    assert frame["p"].iloc[1] <= 0.01
    assert frame["p"].iloc[2] > 0.05
    assert frame["permutation_scheme"].tolist()[:3] == ["whole subjects (owner)", "within subjects (owner)", "whole subjects (owner)"]


def naive_whole_subject_p(distances: DistanceMatrix, owners: list[str], side: dict[str, str], arrangements: list[dict[str, str]]) -> float:
    """Permutation p of one factor over given arrangements of subjects, by loops over pairs (Anderson 2001)."""

    def f(labels: list[str]) -> float:
        n, d2 = len(labels), distances.matrix**2
        total = sum(d2[i, j] for i in range(n) for j in range(i)) / n
        within = sum(
            sum(d2[i, j] for i in range(n) for j in range(i) if labels[i] == labels[j] == g) / labels.count(g) for g in set(labels)
        )
        return (total - within) / (within / (n - 2))

    observed = f([side[o] for o in owners])
    reached = [f([a[o] for o in owners]) >= observed - 1e-9 for a in arrangements]
    return float(np.mean(reached))


def test_whole_subject_p_agrees_with_all_arrangements_enumerated_naively() -> None:
    from itertools import combinations

    rng = np.random.default_rng(8)
    distances, ids, owners = repeated(rng, sizes=[2, 1, 3, 2, 4, 1, 2, 3], spread=0.6)
    names = sorted(set(owners))
    side = {o: "case" if k in {0, 2, 4} else "control" for k, o in enumerate(names)}
    every = [{o: "case" if k in cases else "control" for k, o in enumerate(names)} for cases in combinations(range(8), 3)]
    exact = naive_whole_subject_p(distances, owners, side, every)
    meta = metadata(ids, {"owner": owners, "side": [side[o] for o in owners]})
    p = permanova(distances, meta, formula="~ side", subject="owner", permutations=4999).frame["p"].iloc[0]
    assert abs(p - exact) < 4 * np.sqrt(exact * (1 - exact) / 4999)


def test_nothing_depends_on_the_order_of_samples() -> None:
    distances, meta = vegan_data("dune")
    order = np.random.default_rng(2).permutation(20)
    moved = DistanceMatrix(tuple(distances.ids[k] for k in order), distances.matrix[np.ix_(order, order)], "braycurtis")
    back = meta.select(tuple(reversed(meta.ids)))
    for subject in (None, "Use"):
        a = permanova(distances, meta, formula="~ A1", subject=subject, seed=3).frame
        b = permanova(moved, back, formula="~ A1", subject=subject, seed=3).frame
        pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_samples_without_a_value_are_left_out_and_counted() -> None:
    distances, meta = vegan_data("dune")
    a1 = [None if k in {2, 5} else c for k, c in enumerate(meta.column("A1"))]
    use = [None if k in {5, 7, 9} else c for k, c in enumerate(meta.column("Use"))]
    holes = metadata(list(meta.ids)[:19], {"A1": a1[:19], "Use": use[:19]})
    table = permanova(distances, holes, formula="~ A1", strata="Use")
    assert set(table.frame["n"]) == {15}
    assert set(table.frame["n_dropped"]) == {5}
    assert table.record["dropped"] == {"(sample metadata)": 1, "A1": 2, "Use": 3}
    kept = [k for k in range(19) if k not in {2, 5, 7, 9}]
    some = DistanceMatrix(tuple(distances.ids[k] for k in kept), distances.matrix[np.ix_(kept, kept)], "braycurtis")
    np.testing.assert_array_equal(permanova(some, meta, formula="~ A1", strata="Use").frame["f"], table.frame["f"])


def test_findings_say_what_follows_the_terms_and_how_sure_that_is() -> None:
    distances, meta = vegan_data("dune")
    table = permanova(distances, meta, formula="~ Management + Moisture", permutations=499)
    first = table.record["findings"][0]
    assert (first["what"], first["subject"], first["strength"]) == ("structure", "braycurtis", "clear")
    assert first["unit"] == "share of squared distance"
    assert first["size"] == pytest.approx(0.34161, abs=5e-6)  # methods.md 5.1, vegan
    assert set(first["values"]) >= {"p", "term", "permutations", "n"}
    assert [f["rank"] for f in table.record["findings"]] == [0, 1]


@pytest.mark.parametrize("by", ["terms", "margin"])
@pytest.mark.parametrize(("name", "formula"), [("dune", "~ Management + A1"), ("varespec", "~ grazing + Al + Humdepth")])
def test_omega_squared_is_partial_as_micecos_and_q_is_of_the_terms_tested(name: str, formula: str, by: str) -> None:
    distances, meta = vegan_data(name)
    frame = permanova(distances, meta, formula=formula, by=by, permutations=199).frame
    truth = {r["term"]: float(r["omega_squared"]) for r in rows("omega.tsv") if (r["data"], r["formula"], r["by"]) == (name, formula, by)}
    tested = frame.iloc[: len(truth)]
    assert tested["term"].tolist() == list(truth)
    np.testing.assert_allclose(tested["omega_squared"], list(truth.values()), rtol=1e-10)
    assert tested["effect"].tolist() == tested["omega_squared"].tolist()
    assert set(tested["effect_name"]) == {"partial omega squared"}
    p = sorted(tested["p"])
    stepped = [p[k] * len(p) / (k + 1) for k in range(len(p))]  # Benjamini & Hochberg 1995, by hand
    adjusted = {v: min(stepped[k:]) for k, v in enumerate(p)}
    np.testing.assert_allclose(tested["q"], [adjusted[v] for v in tested["p"]], rtol=1e-12)
    assert set(tested["family"]) == {f"{len(truth)} terms tested by {by}, of {formula}, braycurtis"}
    assert frame.iloc[-2:][["q", "omega_squared"]].isna().all(axis=None)
    assert (tested["strength"] == np.where(tested["q"] <= 0.05, "clear", "weak")).all()
    first = tested.iloc[0]
    assert first["group_sizes"] == {"dune": "BF 3; HF 5; NM 6; SF 6", "varespec": "grazed 16; ungrazed 8"}[name]
    assert first["unit_sizes"] == first["group_sizes"]
    assert tested.iloc[1]["group_sizes"] == ""


def test_groups_count_samples_and_the_subjects_that_are_permuted() -> None:
    rng = np.random.default_rng(5)
    distances, ids, owners = repeated(rng, sizes=[3] * 16, spread=0.3)
    side = ["case" if int(o[1:]) < 7 else "control" for o in owners]
    frame = permanova(distances, metadata(ids, {"owner": owners, "side": side}), formula="~ side", subject="owner", permutations=99).frame
    assert frame["group_sizes"].iloc[0] == "case 21; control 27"
    assert frame["unit_sizes"].iloc[0] == "case 7; control 9"


def test_distances_that_were_written_to_are_tested_anew_and_a_kept_matrix_goes_with_its_context() -> None:
    distances, meta = vegan_data("dune")
    distances = DistanceMatrix(distances.ids, distances.matrix.copy(), distances.metric)
    before = permanova(distances, meta, formula="~ A1").frame
    distances.matrix[:10, 10:] += 0.3
    distances.matrix[10:, :10] += 0.3
    after = permanova(distances, meta, formula="~ A1").frame
    assert after["sum_of_squares"].iloc[-1] > before["sum_of_squares"].iloc[-1]
    with keep_centred():
        kept = gower_of(distances, meta.ids)
        assert gower_of(distances, meta.ids) is kept
        assert gower_of(distances, meta.ids[:9]).shape == (9, 9)
        assert gower_of(distances, meta.ids) is not kept, "one at a time"
        last = ref(gower_of(distances, meta.ids))
        del kept
    assert last() is None, "nothing holds a matrix of all samples afterwards"
    pd.testing.assert_frame_equal(permanova(distances, meta, formula="~ A1").frame, after, check_exact=True)


def test_threads_and_the_rest_of_the_samples_change_no_bit() -> None:
    rng = np.random.default_rng(6)
    distances, ids, _ = repeated(rng, sizes=[1] * 300, spread=0.3)
    meta = metadata(ids, {"side": list("ab") * 150, "age": rng.normal(size=300).tolist()})
    one, two = (permanova(distances, meta, formula="~ age + side", permutations=199, threads=t).frame for t in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_designs_that_cannot_be_tested_are_refused_with_the_reason() -> None:
    rng = np.random.default_rng(4)
    distances, ids, owners = repeated(rng, sizes=[3] * 6, spread=0.5)
    side = ["case" if int(o[1:]) < 3 else "control" for o in owners]
    six = metadata(ids, {"owner": owners, "side": side, "day": [k % 3 for k in range(18)], "batch": ["x", "y"] * 9, "flat": [1] * 18})
    run = {"subject": "owner", "permutations": 99}
    with pytest.raises(InputError, match=r"'side' can be arranged in only 10 ways, so that p cannot fall below 0.1 over 6 subjects"):
        permanova(distances, six, formula="~ side", **run)
    with pytest.raises(InputError, match=r"'side' does not vary within subjects .owner.*whole subjects"):
        permanova(distances, six, formula="~ side", permute="within", **run)
    with pytest.raises(InputError, match=r"'side' does not vary within strata of owner.*give owner as the subject"):
        permanova(distances, six, formula="~ side", strata="owner")
    with pytest.raises(InputError, match=r"'day' varies within subjects .owner.*cannot test it"):
        permanova(distances, six, formula="~ day", permute="whole", **run)
    with pytest.raises(InputError, match="subjects in more than one stratum of batch"):
        permanova(distances, six, formula="~ side", strata="batch", **run)
    aged = metadata(ids, {"owner": owners, "age": [int(o[1:]) ** 2 for o in owners], "day": [k % 3 for k in range(18)]})
    with pytest.raises(InputError, match="mixes columns that are constant"):
        permanova(distances, aged, formula="~ age + day", by="whole", **run)
    with pytest.raises(InputError, match="adds nothing"):
        permanova(distances, six, formula="~ flat")
    with pytest.raises(InputError, match="needs the metadata column that names the subject"):
        permanova(distances, six, formula="~ side", permute="whole")


def test_a_term_that_cannot_be_tested_beside_one_that_can_has_no_p_and_the_reason() -> None:
    rng = np.random.default_rng(4)
    distances, ids, owners = repeated(rng, sizes=[3] * 6, spread=0.5)
    meta = metadata(ids, {"owner": owners, "side": ["a" if int(o[1:]) < 3 else "b" for o in owners], "day": [k % 3 for k in range(18)]})
    table = permanova(distances, meta, formula="~ side + day", subject="owner", permutations=99)
    side, day = table.frame.iloc[0], table.frame.iloc[1]
    assert np.isnan(side["p"])
    assert side["permutations"] is pd.NA
    assert side["permutation_scheme"].startswith("not tested: can be arranged in only 10 ways")
    assert day["p"] > 0
    assert day["permutations"] == 99
    assert table.record["absent"] == {"side": side["permutation_scheme"]}
    assert table.record["findings"][0]["strength"] == "not assessable"


def test_few_subjects_that_change_their_group_are_left_out_and_the_others_compared_whole() -> None:
    rng = np.random.default_rng(9)
    distances, ids, owners = repeated(rng, sizes=[2] * 14, spread=0.4)
    side = ["case" if int(o[1:]) < 7 else "control" for o in owners]
    side[1], side[27] = "control", "case"  # p00 and p13
    age = [int(o[1:]) ** 2 % 11 + (k in {5, 9}) for k, o in enumerate(owners)]  # two birthdays
    meta = metadata(ids, {"owner": owners, "side": side, "age": age})
    table = permanova(distances, meta, formula="~ side", subject="owner", permutations=199)
    assert (table.frame["n"].iloc[0], table.frame["n_dropped"].iloc[0]) == (24, 4)
    assert table.frame["unit"].iloc[0] == "subject (owner)"
    assert table.record["dropped"] == {"(of a subject with several values of side)": 4}
    settled = [k for k, o in enumerate(owners) if o not in {"p00", "p13"}]
    some = DistanceMatrix(tuple(ids[k] for k in settled), distances.matrix[np.ix_(settled, settled)], "euclidean")
    pd.testing.assert_series_equal(permanova(some, meta, formula="~ side", subject="owner", permutations=199).frame["p"], table.frame["p"])
    with pytest.raises(UntestableError, match=r"'age' varies within some subjects .owner., but within fewer than half"):
        permanova(distances, meta, formula="~ age", subject="owner")


def test_what_does_not_fit_is_refused() -> None:
    distances, meta = vegan_data("dune")
    with pytest.raises(ExpressionError, match="'Managment'"):
        permanova(distances, meta, formula="~ Managment")
    with pytest.raises(InputError, match="no column 'who'"):
        permanova(distances, meta, formula="~ A1", subject="who")
    with pytest.raises(InputError, match="none of the 20 samples"):
        permanova(distances, metadata(["x", "y"], {"A1": [1, 2]}), formula="~ A1")
    with pytest.raises(InputError, match="only 2 samples have a value"):
        permanova(distances, metadata(["d01", "d02"], {"A1": [1, 2]}), formula="~ A1")
    with pytest.raises(InputError, match="by 'onedf' is unknown"):
        permanova(distances, meta, formula="~ A1", by="onedf")
    with pytest.raises(InputError, match="0 permutations"):
        permanova(distances, meta, formula="~ A1", permutations=0)
    with pytest.raises(InputError, match="as many columns as there are samples"):
        permanova(distances, metadata(list(meta.ids), {"who": list(meta.ids)}), formula="~ who")
    holed = distances.matrix.copy()
    holed[3, :] = holed[:, 3] = np.nan
    with pytest.raises(InputError, match=r"samples have distances that are not defined or negative"):
        permanova(DistanceMatrix(distances.ids, holed, "braycurtis"), meta, formula="~ A1")
    with pytest.raises(InputError, match="no distance from each other"):
        permanova(DistanceMatrix(distances.ids, np.zeros((20, 20)), "braycurtis"), meta, formula="~ A1")
    with pytest.raises(InputError, match="more than once: 'd02'"):
        permanova(DistanceMatrix(("d02", *distances.ids[1:]), distances.matrix, "braycurtis"), meta, formula="~ A1")
    pair = ["p", "q"] * 10
    nested = metadata(list(meta.ids), {"a": pair, "b": [f"{a}{k % 3}" for k, a in enumerate(pair)]})
    with pytest.raises(InputError, match="has no part of its own beside the others"):
        permanova(distances, nested, formula="~ a + b", by="margin")
