"""Distance-based redundancy analysis against vegan's dbrda."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from distance_tables import metadata, rows, vegan_data

from gutdiv.comparison.constrained import constrain
from gutdiv.comparison.distances import permanova
from gutdiv.comparison.scheme import UntestableError
from gutdiv.model.results import DistanceMatrix

TRUTH = pd.DataFrame(rows("dbrda.tsv")).astype({"value": float, "axis": int})


@pytest.mark.parametrize(("name", "formula"), sorted(set(zip(TRUTH["data"], TRUTH["formula"], strict=True))))
def test_eigenvalues_sites_fitted_values_and_arrows_equal_vegan(name: str, formula: str) -> None:
    truth = TRUTH[(TRUTH["data"] == name) & (TRUTH["formula"] == formula)]
    distances, meta = vegan_data(name)
    table = constrain(distances, meta, formula=formula)
    record = table.record
    eigenvalues = truth.loc[truth["what"] == "eigenvalue", "value"].to_numpy()
    np.testing.assert_allclose(record["eigenvalues"] + record["negative_eigenvalues"], eigenvalues, rtol=1e-9, atol=1e-12)
    total, constrained = truth.loc[truth["what"] == "inertia", "value"]
    np.testing.assert_allclose(record["proportion_explained"], np.array(record["eigenvalues"]) / total, rtol=1e-9)
    assert record["constrained_share"] == pytest.approx(constrained / total, rel=1e-9)
    assert sum(record["share_of_constrained"]) == pytest.approx(1)
    arrows = {r["column"]: r for r in record["biplot"]}
    for k in range(1, len(record["eigenvalues"]) + 1):
        there = truth[truth["axis"] == k]
        sites = there[there["what"] == "wa"].set_index("name")["value"].loc[table.frame["sample_id"]].to_numpy()
        mine = table.frame[f"axis_{k}"].to_numpy()
        sign = np.sign(mine @ sites)
        np.testing.assert_allclose(mine, sign * sites, atol=1e-9)
        assert mine[np.argmax(np.abs(mine))] > 0  # the house's rule of signs
        fitted = there[there["what"] == "lc"].set_index("name")["value"].loc[table.frame["sample_id"]]
        np.testing.assert_allclose(table.frame[f"fitted_{k}"], sign * fitted, atol=1e-9)
        for column, value in there[there["what"] == "biplot"].set_index("name")["value"].items():
            assert arrows[column][f"axis_{k}"] == pytest.approx(sign * value, abs=1e-9)


def test_the_share_of_the_model_is_the_r2_of_permanova_and_missing_samples_are_counted() -> None:
    distances, meta = vegan_data("dune")
    holes = metadata(list(meta.ids)[:19], {"A1": [None, *meta.column("A1")[1:19]], "Use": list(meta.column("Use")[:19])})
    table = constrain(distances, holes, formula="~ A1 + Use")
    whole = permanova(distances, holes, formula="~ A1 + Use", by="whole", permutations=19).frame
    assert table.record["constrained_share"] == pytest.approx(whole["r2"].iloc[0], rel=1e-12)
    assert (table.record["n_dropped"], table.record["dropped"]) == (2, {"(sample metadata)": 1, "A1": 1})
    assert [r["term"] for r in table.record["biplot"]] == ["A1", "Use", "Use"]


def test_nothing_depends_on_the_order_of_samples() -> None:
    distances, meta = vegan_data("dune")
    order = np.random.default_rng(2).permutation(20)
    moved = DistanceMatrix(tuple(distances.ids[k] for k in order), distances.matrix[np.ix_(order, order)], "braycurtis")
    one, two = constrain(distances, meta, formula="~ Management"), constrain(moved, meta, formula="~ Management")
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)


def test_a_formula_that_explains_nothing_is_refused() -> None:
    distances, meta = vegan_data("dune")
    with pytest.raises(UntestableError, match="no distance from each other"):
        constrain(DistanceMatrix(distances.ids, np.zeros((20, 20)), "d"), meta, formula="~ A1")
