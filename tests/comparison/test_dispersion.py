"""Dispersion against vegan's betadisper, a naive twin, and by simulation under the null hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from distance_tables import rows, vegan_data
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform
from scipy.stats import f_oneway

from gutdiv.comparison.dispersion import compare_dispersion
from gutdiv.errors import InputError
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import DistanceMatrix
from gutdiv.numerics.dispersion import one_way_f, spatial_median


def metadata(ids: list[str], **columns: list[str]) -> SampleMetadata:
    return SampleMetadata(tuple(ids), {k: tuple(v) for k, v in columns.items()}, dict.fromkeys(columns, "categorical"))


# vegan's spatial median comes of a general optimiser that stops at about five digits (methods.md 4.3: 4.61568 where vegan has 4.61555)
@pytest.mark.parametrize(("centre", "rtol"), [("centroid", 1e-9), ("median", 2e-4)])
@pytest.mark.parametrize("bias_adjust", [False, True])
@pytest.mark.parametrize(("name", "variable"), [("varespec", "grazing"), ("dune", "Management")])
def test_distances_to_centres_and_f_equal_vegan(name: str, variable: str, centre: str, bias_adjust: bool, rtol: float) -> None:
    truth = [
        r for r in rows("betadisper.tsv") if (r["data"], r["center"], r["bias_adjust"]) == (name, centre, str(bias_adjust).lower())
    ]
    distances, meta = vegan_data(name)
    table = compare_dispersion(distances, meta, variable=variable, centre=centre, bias_adjust=bias_adjust, permutations=1999)
    expected = {r["name"]: float(r["value"]) for r in truth if r["what"] == "distance"}
    assert len(expected) == len(distances.ids)
    got = table.record["distances"]
    np.testing.assert_allclose([got[s] for s in expected], list(expected.values()), rtol=10 * rtol, atol=rtol)
    first = table.frame.iloc[0]
    f, p = (float(next(r["value"] for r in truth if r["what"] == what)) for what in ("f", "p"))
    assert first["statistic"] == pytest.approx(f, rel=rtol)
    assert abs(first["p"] - p) < 4 * np.sqrt(p * (1 - p) * (1 / 1999 + 1 / 9999))
    if (name, centre, bias_adjust) == ("varespec", "median", False):
        assert (first["mean_1"], first["mean_2"]) == pytest.approx((0.3925879, 0.2706457), abs=2e-5)  # methods.md 5.1
        assert first["statistic"] == pytest.approx(4.61568, abs=1e-4)


SETTINGS = ["data", "center", "bias_adjust", "sqrt_dist"]


@pytest.mark.parametrize("setting", sorted({tuple(r[c] for c in SETTINGS) for r in rows("betadisper_more.tsv")}), ids=" ".join)
def test_f_of_all_groups_and_of_each_pair_equals_vegan_whatever_is_adjusted(setting: tuple[str, ...]) -> None:
    expected = {r["contrast"]: float(r["f"]) for r in rows("betadisper_more.tsv") if tuple(r[c] for c in SETTINGS) == setting}
    name, centre, adjust, root = setting
    distances, meta = vegan_data(name)
    variable = {"dune": "Management", "varespec": "grazing"}[name]
    options = {"centre": centre, "bias_adjust": adjust == "true", "square_root": root == "true", "permutations": 19}
    frame = compare_dispersion(distances, meta, variable=variable, **options).frame
    found = {c if " - " in c else "overall": f for c, f in zip(frame["contrast"], frame["statistic"], strict=True)}
    if name == "varespec":  # one pair: the overall test is that of the pair
        expected.pop("overall")
    assert found.keys() == expected.keys()
    rtol = 1e-9 if centre == "centroid" else 2e-3  # vegan's median stops at about five digits; F of pairs that hardly differ loses two more
    np.testing.assert_allclose([found[c] for c in expected], list(expected.values()), rtol=rtol)
    if setting == ("varespec", "median", "false", "true"):
        assert found["grazed - ungrazed"] == pytest.approx(5.466334, rel=2e-4)  # methods.md 5.1
    assert frame["group_sizes"].iloc[0] == {"dune": "BF 3; HF 5; NM 6; SF 6", "varespec": "grazed 16; ungrazed 8"}[name]


@pytest.mark.parametrize("seed", range(6))
def test_the_spatial_median_minimises_the_sum_of_distances(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(rng.integers(3, 12), rng.integers(1, 5))) ** 3
    median = spatial_median(points)

    def cost(m: np.ndarray) -> float:
        return float(np.linalg.norm(points - m, axis=1).sum())

    best = min(minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20000}).fun for start in points)
    assert cost(median) <= best + 1e-8


def test_the_spatial_median_may_be_a_data_point_and_points_may_coincide() -> None:
    cross = np.array([[0.0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    np.testing.assert_allclose(spatial_median(cross + 7), [7, 7], atol=1e-9)
    np.testing.assert_allclose(spatial_median(np.array([[3.0, 1], [3, 1], [3, 1], [9, 4]])), [3, 1], atol=1e-9)
    np.testing.assert_array_equal(spatial_median(np.full((4, 2), 5.0)), [5, 5])


def test_f_equals_scipys() -> None:
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=(3, 14)), np.array([0] * 4 + [1] * 3 + [2] * 7)
    expected = [f_oneway(*(v[groups == k] for k in range(3))).statistic for v in y]
    np.testing.assert_allclose(one_way_f(y, groups), expected, rtol=1e-12)


def test_false_alarms_are_rare_where_subjects_repeat_and_every_row_counts_subjects() -> None:
    owners = [f"p{k:02d}" for k in range(14) for _ in range(1 + k % 4)]
    ids = [f"s{k:03d}" for k in range(len(owners))]
    p = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        own = {o: rng.normal(size=4) for o in sorted(set(owners))}
        width = {o: rng.gamma(2) for o in sorted(set(owners))}
        points = np.array([own[o] * width[o] + 0.2 * rng.normal(size=4) for o in owners])
        side = dict(zip(sorted(own), rng.permutation(["a", "b"] * 7), strict=True))
        meta = metadata(ids, owner=owners, side=[side[o] for o in owners])
        distances = DistanceMatrix(tuple(ids), squareform(pdist(points)), "euclidean")
        row = compare_dispersion(distances, meta, variable="side", subject="owner", permutations=99, seed=seed).frame.iloc[0]
        assert (row["n_1"], row["n_2"], row["unit"]) == (7, 7, "subject (owner; mean of its samples)")
        p.append(row["p"])
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_a_wider_group_is_found_between_and_within_subjects() -> None:
    rng = np.random.default_rng(3)
    ids = [f"s{k:03d}" for k in range(60)]
    side = ["wide"] * 30 + ["narrow"] * 30
    points = rng.normal(size=(60, 5)) * np.where(np.array(side) == "wide", 3, 1)[:, None]
    distances = DistanceMatrix(tuple(ids), squareform(pdist(points)), "euclidean")
    free = compare_dispersion(distances, metadata(ids, side=side), variable="side")
    assert free.frame["contrast"].tolist() == ["narrow - wide"]
    assert free.frame["p"].iloc[0] == 0.001
    assert [(f["what"], f["direction"]) for f in free.record["findings"]] == [("dispersion", "lower")]
    paired = compare_dispersion(distances, metadata(ids, side=side, owner=[f"p{k % 30}" for k in range(60)]), variable="side", subject="owner")
    assert paired.frame["p"].iloc[0] == 0.001
    assert "within subjects" in paired.frame["unit"].iloc[0]
    assert paired.frame["df"].iloc[0] == 29


def test_what_cannot_be_compared_is_told() -> None:
    distances, meta = vegan_data("dune")
    table = compare_dispersion(distances, metadata(list(distances.ids), one=["x"] * 20), variable="one")
    assert table.frame.empty
    assert table.record["absent"] == {"one": "1 group with samples; two or more are needed"}
    few = compare_dispersion(distances, metadata(list(distances.ids), g=["x"] * 9 + ["y"] * 9 + ["z"] * 2), variable="g", permutations=99)
    assert few.record["absent"] == {"z": "2 units; at least 3 are needed"}
    assert few.frame["contrast"].tolist() == ["x - y"]
    with pytest.raises(InputError, match="centre 'mode' is unknown"):
        compare_dispersion(distances, meta, variable="Management", centre="mode")


def test_many_samples_are_compared_by_their_centroids_and_the_table_says_so(monkeypatch) -> None:
    distances, meta = vegan_data("dune")
    monkeypatch.setattr("gutdiv.comparison.dispersion._MOST_FOR_MEDIAN", 19)
    table = compare_dispersion(distances, meta, variable="Management", permutations=19)
    assert table.record["centre"] == "centroid"
    assert set(table.frame["test"]) == {"dispersion around the centroid"}
    asked = compare_dispersion(distances, meta, variable="Management", centre="centroid", permutations=19)
    assert table.record["distances"] == asked.record["distances"]
    assert compare_dispersion(distances, meta, variable="Management", centre="median", permutations=19).record["centre"] == "median"
