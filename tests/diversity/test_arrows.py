"""Arrows of taxa: a genus that makes an axis leads it, rare and nameless ones are left out, and it is said why there are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.diversity.arrows import taxa_arrows
from gutdiv.diversity.ordination import clr_distances, ordinate
from gutdiv.errors import InputError
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, SampleMetadata
from gutdiv.model.results import Ordination, Table


def cohort(counts: np.ndarray, genera: list[str | None] | None = None) -> Cohort:
    ids = tuple(f"s{i:02d}" for i in range(counts.shape[0]))
    features = tuple(f"f{j:03d}" for j in range(counts.shape[1]))
    lineages = None
    if genera is not None:
        lineages = pd.DataFrame({c: [None] * len(features) for c in LINEAGE_COLUMNS}, index=list(features), dtype=object)
        lineages["canonical_genus"] = pd.Series(genera, index=lineages.index, dtype=object)
    return Cohort(ids, features, sparse.csr_matrix(counts.astype(np.int64)), lineages, None, SampleMetadata(ids, {}, {}))


def gradient(seed: int = 1) -> np.ndarray:
    """Forty samples of ten features; the first two rise along a gradient that the third falls along, the last is rare."""
    rng = np.random.default_rng(seed)
    position = np.linspace(-2, 2, 40)
    weight = rng.normal(0, 0.15, (40, 10)) + np.outer(position, [1, 1, -1.5, 0, 0, 0, 0, 0, 0, 0])
    counts = rng.poisson(50 * np.exp(weight))
    counts[:, 9] = 0
    counts[3, 9] = 4
    return counts


def naive(ordination: Ordination, clr: np.ndarray) -> tuple[np.ndarray, float]:
    """One variable over two axes by ordinary least squares."""
    design = np.column_stack([np.ones(len(clr)), ordination.axes[:, :2]])
    slopes = np.linalg.lstsq(design, clr, rcond=None)[0]
    r2 = 1 - ((clr - design @ slopes) ** 2).sum() / ((clr - clr.mean()) ** 2).sum()
    return slopes[1:] / np.linalg.norm(slopes[1:]) * np.sqrt(r2), r2


def test_genera_are_summed_before_the_logarithm_and_led_by_what_makes_the_axis() -> None:
    counts = gradient()
    names = ["Up", "Up", "Down", "Flat", "Calm", None, "Salmonella", "Even", "Still", "Rare"]
    made = cohort(counts, names)
    found = ordinate(clr_distances(made))
    frame, about = taxa_arrows(found, made, unnamed={"Salmonella"})
    assert set(frame["taxon"]) == {"Up", "Down", "Flat", "Calm", "Even", "Still"}, "not the rare, the nameless and the one left out"
    assert set(frame["taxon"][:2]) == {"Up", "Down"}
    assert frame["r2"].is_monotonic_decreasing
    assert (frame["rank"] == "genus").all()
    assert about == {"pseudocount": 0.5, "prevalence": 0.1, "n_taxa": 9}
    parts = np.column_stack([counts[:, :2].sum(axis=1), counts[:, 2:]]) + 0.5
    clr = np.log(parts) - np.log(parts).mean(axis=1, keepdims=True)
    rows = frame.set_index("taxon")
    for taxon, column in (("Up", 0), ("Down", 1), ("Calm", 3), ("Still", 7)):
        head, r2 = naive(found, clr[:, column])
        assert rows.loc[taxon, ["axis_1", "axis_2"]].to_numpy(float) == pytest.approx(head, rel=1e-9, abs=1e-12)
        assert rows.loc[taxon, "r2"] == pytest.approx(r2, rel=1e-9)
    assert rows.loc["Up", "axis_1"] * rows.loc["Down", "axis_1"] < 0
    shares = counts / counts.sum(axis=1, keepdims=True)
    assert rows.loc["Up", "mean_share"] == pytest.approx(shares[:, :2].sum(axis=1).mean())
    assert rows.loc["Up", "prevalence"] == 1
    Table("arrows", frame, {})


def test_without_lineages_features_have_arrows_and_samples_left_out_do_not_count() -> None:
    made = cohort(gradient())
    some = Cohort(made.sample_ids[5:], made.feature_ids, made.counts[5:], None, None, SampleMetadata(made.sample_ids[5:], {}, {}))
    found = ordinate(clr_distances(some))
    whole, _ = taxa_arrows(found, made)
    part, _ = taxa_arrows(found, some)
    pd.testing.assert_frame_equal(whole, part)
    assert (whole["rank"] == "feature").all()
    with pytest.raises(InputError, match=r"5 samples of the ordination are not in the cohort \('s00'"):
        taxa_arrows(ordinate(clr_distances(made)), some)


def test_where_no_arrow_can_be_drawn_the_record_says_why() -> None:
    made = cohort(gradient())
    found = ordinate(clr_distances(made))
    frame, about = taxa_arrows(found, made, unnamed=made.feature_ids)
    assert frame.empty
    assert "tenth of the samples" in about["absent"]["arrows"]
    Table("arrows", frame, {})
    flat = Ordination(found.ids, np.zeros((40, 0)), np.zeros(0), np.zeros(0), 0.0)
    frame, about = taxa_arrows(flat, made)
    assert frame.empty
    assert about["absent"]["arrows"] == "the ordination has too few axes or samples"
    line = Ordination(found.ids, found.axes[:, :1], found.eigenvalues[:1], found.proportion_explained[:1], 0.0)
    frame, _ = taxa_arrows(line, made)
    assert frame["axis_2"].isna().all()
    assert frame["axis_1"].notna().all()
