"""Scores of taxa and guilds, against a table worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.diversity.taxa import mdi_features, measure_taxa
from gutdiv.io.knowledge import read_parts
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, Roles, SampleMetadata

FEATURES = (
    ("a", "p__Firmicutes", "Ruminococcaceae", "Faecalibacterium"),
    ("b", "Bacteroidota", "Bacteroidaceae", "Bacteroides"),
    ("c", "Proteobacteria", "Enterobacteriaceae", None),
    ("d", "Bacillota_A", None, None),
)
COUNTS = np.array([[5, 3, 0, 2], [0, 4, 4, 2], [1, 1, 0, 0]], dtype=np.int64)


def cohort(*, lineages: bool = True) -> Cohort:
    ids = ("s1", "s2", "s3")
    rows = {
        f: dict.fromkeys(LINEAGE_COLUMNS) | {"phylum": p, "canonical_family": family, "canonical_genus": genus}
        for f, p, family, genus in FEATURES
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(LINEAGE_COLUMNS)).astype(object)
    frame = frame.where(frame.notna(), None)
    names = tuple(f[0] for f in FEATURES)
    return Cohort(ids, names, sparse.csr_matrix(COUNTS), frame if lineages else None, None, SampleMetadata(ids, {}, {}), Roles())


def row(rank: str, genera: str, families: str, guild: str, visible: str = "yes", *, orders: str = "", species: str = "") -> dict[str, str]:
    names = {"genera": genera, "families": families, "orders": orders, "species": species}
    return {"taxon": genera or families or orders or species, "rank": rank, **names, "guild": guild, "visible_by_16s": visible}


KNOWLEDGE = [
    row("genus", "Faecalibacterium", "", "butyrate producer;Treg-related"),
    row("genus", "Bacteroides", "", "propionate producer"),
    row("genus", "Roseburia", "", "butyrate producer"),
    row("family", "", "Enterobacteriaceae", "LPS-rich Proteobacteria"),
    row("genus", "Salmonella", "", "enteric pathogen", "no"),
    row("species", "", "", "mucin user", "genus only", species="Akkermansia muciniphila"),
]


def test_scores_equal_a_calculation_by_hand() -> None:
    # at 10 reads s1 and s2 are taken whole. Parts: Bacteroides, Faecalibacterium, Roseburia, all others (3, 5, 0, 2 in s1)
    frame, about = measure_taxa(cohort(), KNOWLEDGE, depth=10, draws=3)
    value = frame.set_index(["metric", "sample_id"])["value"]
    logs = np.log(np.array([3.5, 5.5, 0.5, 2.5]))
    assert value["clr:Faecalibacterium", "s1"] == pytest.approx(np.log(5.5) - logs.mean())
    assert value["guild:butyrate producer", "s1"] == pytest.approx(np.log(5.5) - np.log(5.5))
    assert value["guild:LPS-rich Proteobacteria", "s2"] == pytest.approx(np.log(4.5) - np.log(6.5))
    assert value["log2_fb", "s1"] == pytest.approx(np.log2(7.5 / 3.5))  # a and d are Firmicutes by any name
    assert np.isnan(value["log2_fb", "s3"])
    assert about["below_depth"] == ["s3"]
    assert about["absent"] == {"clr:Roseburia": "no lineage of the table names it"}
    seen = frame.set_index(["metric", "sample_id"])["detected"]
    assert (seen["clr:Faecalibacterium", "s1"], seen["clr:Faecalibacterium", "s2"]) == (1.0, 0.0)
    assert frame.set_index(["metric", "sample_id"])["share"]["clr:Bacteroides", "s3"] == 0.5


def test_pathogens_and_species_have_no_score() -> None:
    frame, about = measure_taxa(cohort(), KNOWLEDGE, depth=10, draws=1)
    named = set(frame["metric"]) | set(about["absent"])
    assert not {n for n in named if "Salmonella" in n or "pathogen" in n or "mucin" in n}


def test_without_lineages_or_a_common_depth_the_table_is_empty_and_says_why() -> None:
    for made, depth, why in (
        (cohort(lineages=False), 10, "the cohort has no lineages, so that no taxon can be named"),
        (cohort(), "none", "taxa are scored at a common depth only"),
    ):
        frame, about = measure_taxa(made, KNOWLEDGE, depth=depth)
        assert frame.empty
        assert about["absent"] == {"taxa": why}


def test_a_guild_counts_features_that_a_row_names_by_order_or_species_too() -> None:
    made = cohort()
    assert made.lineages is not None
    made.lineages.loc["d", "order"] = "o__Clostridia_UCG-014"
    made.lineages.loc["c", ["genus", "species"]] = ["g__Escherichia", "s__coli"]
    rows = [
        *KNOWLEDGE,
        row("clade", "", "", "diversity marker", orders="RF39|Clostridia UCG-014"),
        row("species", "", "", "opportunist", species="Escherichia coli"),
        row("species", "", "", "opportunist", species="Bilophila wadsworthia"),
    ]
    frame, about = measure_taxa(made, rows, depth=10, draws=2)
    value = frame.set_index(["metric", "sample_id"])["value"]
    # s1 has 5, 3, 0, 2 reads of a, b, c, d at depth 10; s2 0, 4, 4, 2
    assert value["guild:diversity marker", "s1"] == pytest.approx(np.log(2.5 / 8.5))
    assert value["guild:opportunist", "s2"] == pytest.approx(np.log(4.5 / 6.5))
    # 4 of the 22 reads of the whole cohort
    assert about["guilds"]["opportunist"] == {
        "members": ["Escherichia coli"],
        "not_named": ["Bilophila wadsworthia"],
        "n_features": 1,
        "share_of_reads": pytest.approx(4 / 22),
    }
    assert about["guilds"]["butyrate producer"]["members"] == ["Faecalibacterium"]
    assert about["guilds"]["butyrate producer"]["not_named"] == ["Roseburia"]


def test_the_taxa_of_the_dysbiosis_index_are_found_by_all_their_spellings_or_it_is_said_which_are_not() -> None:
    rules = read_parts()
    up, down, why = mdi_features(cohort(), rules)
    assert (up.tolist(), down.tolist(), why) == ([False, False, True, False], [True, True, False, False], "")
    made = cohort()
    assert made.lineages is not None
    made.lineages.loc["c", "canonical_family"] = "Bifidobacteriaceae"
    assert mdi_features(made, rules)[2].startswith("no lineage of the table names Enterobacteriaceae or Pasteurellaceae")
    assert "no lineages" in mdi_features(cohort(lineages=False), rules)[2]


def test_draws_do_not_depend_on_which_other_samples_there_are() -> None:
    whole = cohort()
    part = Cohort(
        ("s2",), whole.feature_ids, whole.counts[1].tocsr(), whole.lineages, None, SampleMetadata(("s2",), {}, {}), Roles()
    )
    one, _ = measure_taxa(part, KNOWLEDGE, depth=4, draws=5)
    all_, _ = measure_taxa(whole, KNOWLEDGE, depth=4, draws=5)
    assert one["value"].tolist() == all_.loc[all_["sample_id"] == "s2", "value"].tolist()
