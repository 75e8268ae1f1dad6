"""Scores of taxa and guilds, against a table worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.diversity.taxa import measure_taxa
from gutdiv.errors import InputError
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


def row(rank: str, genera: str, families: str, guild: str, visible: str = "yes") -> dict[str, str]:
    return {"rank": rank, "genera": genera, "families": families, "guild": guild, "visible_by_16s": visible}


KNOWLEDGE = [
    row("genus", "Faecalibacterium", "", "butyrate producer;Treg-related"),
    row("genus", "Bacteroides", "", "propionate producer"),
    row("genus", "Roseburia", "", "butyrate producer"),
    row("family", "", "Enterobacteriaceae", "LPS-rich Proteobacteria"),
    row("genus", "Salmonella", "", "enteric pathogen", "no"),
    row("species", "", "", "mucin user"),
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


def test_scores_need_lineages_and_a_common_depth() -> None:
    with pytest.raises(InputError, match="no lineages"):
        measure_taxa(cohort(lineages=False), KNOWLEDGE, depth=10)
    with pytest.raises(InputError, match="common depth"):
        measure_taxa(cohort(), KNOWLEDGE, depth="none")


def test_draws_do_not_depend_on_which_other_samples_there_are() -> None:
    whole = cohort()
    part = Cohort(
        ("s2",), whole.feature_ids, whole.counts[1].tocsr(), whole.lineages, None, SampleMetadata(("s2",), {}, {}), Roles()
    )
    one, _ = measure_taxa(part, KNOWLEDGE, depth=4, draws=5)
    all_, _ = measure_taxa(whole, KNOWLEDGE, depth=4, draws=5)
    assert one["value"].tolist() == all_.loc[all_["sample_id"] == "s2", "value"].tolist()
