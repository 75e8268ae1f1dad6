"""Pairs of groups against vegan's adonis2 of the two alone, and what their dispersion says beside them."""

from __future__ import annotations

import numpy as np
import pytest
from distance_tables import agree_by_chance, metadata, rows, vegan_data
from scipy.spatial.distance import pdist, squareform

from gutdiv.comparison.dispersion import compare_dispersion
from gutdiv.comparison.pairs import compare_pairs, reading_of
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import InputError
from gutdiv.model.results import DistanceMatrix


@pytest.mark.parametrize("covariate", [None, "~ A1"])
def test_each_pair_equals_adonis2_of_its_samples_and_its_dispersion_stands_beside(covariate: str | None) -> None:
    distances, meta = vegan_data("dune")
    table = compare_pairs(distances, meta, variable="Management", formula=covariate, permutations=999)
    truth = [r for r in rows("pairs_dune.tsv") if r["formula"] == ("~ A1 + Management" if covariate else "~ Management")]
    frame = table.frame
    assert frame["contrast"].tolist() == [r["contrast"] for r in truth]
    np.testing.assert_allclose(frame["statistic"], [float(r["f"]) for r in truth], rtol=1e-10)
    np.testing.assert_allclose(frame["r2"], [float(r["r2"]) for r in truth], rtol=1e-10)
    for mine, theirs in zip(frame.to_dict("records"), truth, strict=True):
        assert agree_by_chance(mine["p"], 999, float(theirs["p"]), 1999), mine["contrast"]
        assert mine["n_1"] + mine["n_2"] == mine["n_samples"] == int(theirs["n"])
        assert mine["df"] == int(theirs["n"]) - (3 if covariate else 2)
    p = frame["p"].to_numpy()
    order = np.argsort(p)
    stepped = np.minimum.accumulate((p[order] * 6 / np.arange(1, 7))[::-1])[::-1]
    np.testing.assert_allclose(frame["q"].to_numpy()[order], stepped, rtol=1e-12)
    spread = compare_dispersion(distances, meta, variable="Management", permutations=999).frame.set_index("contrast").loc[frame["contrast"]]
    np.testing.assert_array_equal(frame["dispersion_p"], spread["p"])
    np.testing.assert_array_equal(frame["dispersion_q"], spread["q"])
    assert set(frame["n_dropped"]) == {0}
    assert [f["what"] for f in table.record["findings"]] == ["pair_structure"] * 6


@pytest.mark.parametrize(
    ("q", "dispersion_q", "reading"),
    [
        (0.05, 0.2, "structure"),
        (0.01, 0.05, "structure or spread"),
        (0.06, 0.01, "spread"),
        (0.06, 0.06, "neither"),
        (0.01, np.nan, "structure, spread not tested"),
        (0.2, np.nan, "neither, spread not tested"),
    ],
)
def test_a_pair_is_read_from_both_q(q: float, dispersion_q: float, reading: str) -> None:
    assert reading_of({"q": q, "dispersion_q": dispersion_q}) == reading


def test_groups_that_differ_in_spread_alone_or_in_place_alone_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(["far", "home", "wide"], [30, 20, 40])  # unequal: the case in which PERMANOVA takes spread for place
    points = rng.normal(size=(90, 6)) * np.where(group == "wide", 4, 1)[:, None] + 3 * (group == "far")[:, None]
    ids = [f"s{k:02d}" for k in range(90)]
    table = compare_pairs(DistanceMatrix(tuple(ids), squareform(pdist(points)), "d"), metadata(ids, {"g": group.tolist()}), variable="g")
    read = dict(zip(table.frame["contrast"], table.frame["reading"], strict=True))
    assert read["far - home"] == "structure"
    assert read["far - wide"] == "structure or spread"
    assert read["home - wide"] in {"spread", "structure or spread"}
    assert "differ both in PERMANOVA and in dispersion" in table.record["notes"][0]
    assert table.record["findings"][1]["values"]["reading"] == "structure or spread"


def test_dropped_samples_are_counted_for_each_pair_and_subjects_are_permuted_whole() -> None:
    rng = np.random.default_rng(2)
    owners = [f"p{k // 2:02d}" for k in range(48)]
    group = [("a", "b", "c")[int(o[1:]) % 3] for o in owners]
    group[0] = "b"  # p00 moves from a to b: no use for a - b, where 16 subjects stay what they are
    ids = [f"s{k:02d}" for k in range(48)]
    age: list[float | None] = rng.normal(size=48).tolist()
    age[7] = None  # p03, an `a`
    group_cells: list[str | None] = [*group[:47], None]  # p23, a `c`
    meta = metadata(ids, {"g": group_cells, "age": age, "owner": owners})
    distances = DistanceMatrix(tuple(ids), squareform(pdist(rng.normal(size=(48, 4)))), "d")
    table = compare_pairs(distances, meta, variable="g", formula="~ age", subject="owner", permutations=99)
    frame = table.frame.set_index("contrast")
    assert table.record["dropped"] == {"g": 1, "age": 1}
    assert set(frame["unit"]) == {"subject (owner)"}
    # a: p03 ... p21 and p00 (8 subjects), b: 8 and p00, c: 8; p00 is in both groups of a - b only
    assert frame.loc["a - b", ["n_1", "n_2", "n_samples", "n_dropped"]].tolist() == [7, 8, 29, 4]
    assert frame.loc["a - c", ["n_1", "n_2", "n_samples", "n_dropped"]].tolist() == [8, 8, 14 + 15, 2 + 0]
    assert frame.loc["b - c", ["n_1", "n_2", "n_samples", "n_dropped"]].tolist() == [9, 8, 17 + 15, 2 + 0]


def test_pairs_that_cannot_be_tested_are_told_and_interactions_refused() -> None:
    distances, meta = vegan_data("dune")
    ids = list(meta.ids)
    few = metadata(ids, {"g": ["x"] * 9 + ["y"] * 9 + ["z"] * 2, "sex": ["f"] * 18 + ["m"] * 2, "a": list(range(20))})
    table = compare_pairs(distances, few, variable="g", formula="~ sex", permutations=19)
    assert table.frame.empty
    assert set(table.record["absent"]) == {"x - y", "x - z", "y - z", "dispersion of z"}
    assert "only one value ('f')" in table.record["absent"]["x - y"]
    with pytest.raises(InputError, match="stand in the interaction 'g:a'"):
        compare_pairs(distances, few, variable="g", formula="~ g * a")
    with pytest.raises(UntestableError, match="1 group among"):
        compare_pairs(distances, metadata(ids, {"g": ["x"] * 20}), variable="g")


def test_numbers_are_names_of_groups_and_the_groups_may_stand_in_the_formula() -> None:
    distances, meta = vegan_data("dune")
    visit = metadata(list(meta.ids), {"visit": [(1, 2, 10)[k % 3] for k in range(20)], "A1": list(meta.column("A1"))})
    table = compare_pairs(distances, visit, variable="visit", formula="~ visit + A1", permutations=19)
    assert table.frame["contrast"].tolist() == ["1 - 2", "1 - 10", "2 - 10"]
    assert table.record["formula"] == "~ A1 + C(visit)"
    assert table.frame["n_1"].tolist() == [7, 7, 7]
