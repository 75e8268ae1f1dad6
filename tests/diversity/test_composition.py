"""Shares of taxa, against a table worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from gutdiv.diversity import composition
from gutdiv.diversity.composition import measure_composition
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, Roles, SampleMetadata

if TYPE_CHECKING:
    import pytest

FEATURES = (
    ("a", "Firmicutes", "Clostridia", "Faecalibacterium"),
    ("b", "Firmicutes", "Clostridia", None),
    ("c", "Bacteroidota", None, "Bacteroides"),
    ("d", None, None, None),
)
COUNTS = np.array([[6, 2, 2, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 9, 1]], dtype=np.int64)


def cohort(counts: np.ndarray = COUNTS, *, lineages: bool = True) -> Cohort:
    ids = tuple(f"s{i}" for i in range(counts.shape[0]))
    rows = {f: dict.fromkeys(LINEAGE_COLUMNS) | {"domain": "Bacteria", "phylum": p, "class": c, "canonical_genus": g} for f, p, c, g in FEATURES}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(LINEAGE_COLUMNS)).astype(object)
    frame = frame.where(frame.notna(), None)
    names = tuple(f[0] for f in FEATURES)
    return Cohort(ids, names, sparse.csr_matrix(counts), frame if lineages else None, None, SampleMetadata(ids, {}, {}), Roles())


def test_shares_and_means_equal_a_calculation_by_hand() -> None:
    frame, about = measure_composition(cohort(), groups=["x", "x", "y", "y"], sets={"controls": np.array([0])})
    value = frame.set_index(["rank", "sample_id", "taxon"])["share"]
    assert value["phylum", "s0", "Firmicutes"] == 0.8
    assert value["class", "s3", "unclassified Bacteroidota"] == 0.9
    assert value["genus", "s1", "unclassified Clostridia"] == 0.25
    assert ("phylum", "s0", "unclassified Bacteria") not in value.index, "a share of nothing is left out"
    # every sample counts once: Firmicutes .8 .5 0, Bacteroidota .2 .25 .9, neither 0 .25 .1
    assert about["taxa"]["phylum"] == ["Bacteroidota", "Firmicutes", "unclassified Bacteria"]
    assert about["means"]["phylum"]["all samples"] == [0.45, 0.4333, 0.1167]
    assert about["means"]["phylum"]["x"] == [0.225, 0.65, 0.125]
    assert about["means"]["phylum"]["controls"] == [0.2, 0.8, 0.0]
    assert set(frame["sample_id"]) == {"s0", "s1", "s3"}, "a sample without reads has no shares"
    assert np.allclose(frame.groupby(["sample_id", "rank"])["share"].sum(), 1)


def test_the_rest_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "RANKS", {"genus": 2})
    frame, about = measure_composition(cohort())
    assert about["taxa"]["genus"] == ["Bacteroides", "Faecalibacterium", "all others"]
    assert about["merged"]["genus"] == 2
    assert frame.set_index(["sample_id", "taxon"])["share"]["s1", "all others"] == 0.5


def test_bars_stand_by_group_and_leading_taxon_and_are_means_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = measure_composition(cohort(), groups=["x", "x", "y", None])[1]["bars"]["phylum"]
    assert [b[:3] for b in bars] == [["x", "s1", 1], ["x", "s0", 1], [None, "s3", 1]]
    monkeypatch.setattr(composition, "BARS", 2)
    pairs = measure_composition(cohort(), groups=["x", "x", "y", None])[1]["bars"]["phylum"]
    assert pairs == [["x", "", 2, [0.225, 0.65, 0.125]], [None, "s3", 1, [0.9, 0.0, 0.1]]]


def test_without_lineages_the_reason_stands_in_the_record() -> None:
    frame, about = measure_composition(cohort(lineages=False))
    assert frame.empty
    assert about["absent"] == {"composition": "the cohort has no lineages, so that no taxon can be named"}


def test_taxa_that_are_large_in_one_sample_alone_are_named_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "RANKS", {"phylum": 8, "genus": 2})
    counts = np.array([[60, 20, 16, 4], [0, 0, 9, 1], [0, 0, 0, 0], [95, 5, 0, 0]], dtype=np.int64)
    _, about = measure_composition(cohort(counts))
    assert about["taxa"]["genus"] == ["Faecalibacterium", "Bacteroides", "all others"]
    assert about["own_taxa"] == {
        "genus": [["s0", [["unclassified Clostridia", 0.2]]], ["s1", [["unclassified Bacteria", 0.1]]], ["s3", [["unclassified Clostridia", 0.05]]]]
    }, "from 5 % on, and not what has 4 %"
