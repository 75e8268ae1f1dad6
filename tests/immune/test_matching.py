"""Rows of the knowledge base are matched by lineage in every dialect, and what a table cannot show is not matched, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gutdiv.cohort.align import align
from gutdiv.immune.matching import match
from gutdiv.io.knowledge import databases_of, read_synonyms
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy
from gutdiv.model.names import binomial
from gutdiv.model.results import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from gutdiv.model.cohort import Cohort

Rows = tuple["Mapping[str, str]", ...]


def one(frame: pd.DataFrame, row: int) -> Mapping[str, object]:
    """Return the match of one row of the knowledge base."""
    return frame[frame["row"] == row].iloc[0].to_dict()


@pytest.fixture
def small(cohort_of: Callable[..., Cohort]) -> Cohort:
    """Three samples, nine features."""
    genera = [
        "Faecalibacterium",
        "Faecalibacterium",
        "Clostridioides",
        "Bifidobacterium",
        None,
        "Prevotella (undivided)",
        None,
        "Bacteroides",
        "Rothia",
    ]
    families = ["Ruminococcaceae"] * 2 + [
        "Peptostreptococcaceae",
        "Bifidobacteriaceae",
        "Enterobacteriaceae",
        "Prevotellaceae",
        None,
        "Bacteroidaceae",
        None,
    ]
    species = ["prausnitzii", None, "difficile", "adolescentis", None, None, None, "fragilis", None]
    counts = np.array([[10, 0, 5, 1, 0, 4, 2, 3, 0], [0, 20, 5, 0, 7, 1, 2, 3, 0], [0, 0, 5, 0, 0, 1, 2, 3, 26]])
    return cohort_of(counts, genera=genera, families=families, species=species)


def test_a_genus_row_matches_by_canonical_genus_with_share_and_prevalence_by_hand(small: Cohort, knowledge: Rows) -> None:
    found = one(match(small, knowledge)[0], 1)
    assert found["outcome"] == "matched"
    assert found["spellings"] == "Faecalibacterium"
    assert found["n_features"] == 2
    assert found["share_of_reads"] == pytest.approx(30 / 100)
    assert found["prevalence"] == pytest.approx(2 / 3)


def test_a_family_row_matches_features_without_a_genus(small: Cohort, knowledge: Rows) -> None:
    found = one(match(small, knowledge)[0], 69)
    assert (found["outcome"], found["n_features"], found["share_of_reads"]) == ("matched", 1, pytest.approx(0.07))


def test_a_pathogen_is_not_reported_from_a_genus_call_even_where_the_species_is_spelled(small: Cohort, knowledge: Rows) -> None:
    found = one(match(small, knowledge)[0], 81)
    assert found["outcome"] == "not matched"
    assert "no diagnosis" in str(found["reason"])
    assert found["n_features"] == 0
    assert np.isnan(found["share_of_reads"])


def test_species_that_16s_cannot_tell_are_not_matched_even_where_they_are_spelled(small: Cohort, knowledge: Rows) -> None:
    frame = match(small, knowledge)[0]
    for row, reason in ((47, "16S sees the genus only"), (34, "capsule"), (35, "toxin")):
        assert one(frame, row)["outcome"] == "not matched"
        assert reason in str(one(frame, row)["reason"])


def test_a_wider_bin_is_no_match_for_a_species_and_is_named(small: Cohort, knowledge: Rows) -> None:
    frame = match(small, knowledge)[0]
    assert one(frame, 42)["reason"] == "the table names Prevotella (undivided), which holds more than this taxon"
    assert one(frame, 36)["reason"] == "the table names Bacteroides, which holds more than this taxon"
    assert one(frame, 16)["reason"] == "the species is not called in this table"
    assert one(frame, 7)["reason"] == "no lineage of the table names it"


def test_a_species_row_matches_where_the_table_names_the_species(cohort_of: Callable[..., Cohort], knowledge: Rows) -> None:
    genera = ["[Ruminococcus] (Greengenes bin)", "[Ruminococcus] (Greengenes bin)"]
    cohort = cohort_of(np.array([[3, 1], [0, 1]]), genera=genera, species=["gnavus", None])
    frame = match(cohort, knowledge)[0]
    found = one(frame, 16)
    assert (found["outcome"], found["n_features"], found["spellings"]) == ("matched", 1, "Ruminococcus gnavus")
    assert "holds more" in str(one(frame, 18)["reason"])


def test_themes_are_never_matched_and_every_row_has_an_outcome(small: Cohort, knowledge: Rows) -> None:
    frame, about = match(small, knowledge)
    assert len(frame) == len(knowledge)
    assert set(frame["outcome"]) == {"matched", "not matched"}
    assert ((frame["reason"] == "") == (frame["outcome"] == "matched")).all()
    assert not frame.loc[frame["rank"] == "theme", "outcome"].eq("matched").any()
    assert about["rows_matched"] == (frame["outcome"] == "matched").sum()
    Table("matches", frame)


def test_features_of_several_rows_count_once_in_the_share_that_is_covered(small: Cohort, knowledge: Rows) -> None:
    # Faecalibacterium 30, Bifidobacterium 1, Enterobacteriaceae 7, Prevotella 6, Bacteroides 9, Rothia 26 of 100 reads
    assert match(small, knowledge)[1]["share_of_reads"] == pytest.approx(0.79)


def test_a_cohort_without_lineages_matches_nothing_and_says_why(cohort_of: Callable[..., Cohort], knowledge: Rows) -> None:
    frame, about = match(cohort_of(np.ones((2, 2)), lineages=False), knowledge)
    assert not frame["outcome"].eq("matched").any()
    assert list(frame.columns) == list(TABLES["matches"])
    assert "no lineages" in about["absent"]["matches"]


@pytest.mark.parametrize(
    ("genus", "species", "want"),
    [
        ("Faecalibacterium", "prausnitzii", "Faecalibacterium prausnitzii"),
        ("g__Prevotella", "s__copri", "Prevotella copri"),
        ("Prevotella", "Prevotella_copri", "Prevotella copri"),
        ("[Ruminococcus]", "gnavus", "Ruminococcus gnavus"),
        ("[Ruminococcus]_gnavus_group", "", "Ruminococcus gnavus"),
        ("Clostridium_T", "Clostridium_T beijerinckii", "Clostridium beijerinckii"),
        ("Bacteroides_H_857956", "Bacteroides_H_857956 fragilis", "Bacteroides fragilis"),
        ("Blautia", "Blautia", ""),
        ("Blautia", "Other Firmicutes", ""),
        ("Blautia", "uncultured_bacterium", ""),
        ("Blautia", "sp003524095", ""),
        ("Blautia", "Blautia sp.", ""),
        ("Ruminococcus_E", "Ruminococcus_E bromii_B", ""),  # GTDB: a species next to R. bromii
        ("Gemmiger_A_73129", "Gemmiger_A_73129 formicilis_72321", "Gemmiger formicilis"),
        ("", "", ""),
    ],
)
def test_species_are_read_as_spelled(genus: str, species: str, want: str) -> None:
    assert binomial(genus, species) == want


# ---------------------------------------------------------------- real tables
def real(folder: Path) -> Cohort:
    """Read a real cohort without its metadata."""
    table, taxonomy = read_abundance_table(folder / "table.biom"), read_taxonomy(folder / "taxonomy.tsv")
    return align(table, taxonomy=taxonomy, synonyms=read_synonyms())[0]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["thdmi_silva138_genus", "thdmi_gg2_species", "hct_taur", "ibd_papa", "crc_baxter_genus", "twinsuk_goodrich"]
)
def test_real_tables_of_all_dialects_match_half_of_the_rows_and_most_of_the_reads(real_data: Path, knowledge: Rows, name: str) -> None:
    frame, about = match(real(real_data / name), knowledge)
    matched = set(frame.loc[frame["outcome"] == "matched", "row"])
    # genera that all these tables hold, by every database's name
    assert {1, 3, 8, 15, 19, 31, 33, 37, 45, 52, 68, 73, 79} <= matched
    assert not {81, 97, 34, 35, 13} & matched
    assert len(matched) >= 45
    assert about["share_of_reads"] > 0.5


@pytest.mark.real_data
def test_the_same_samples_in_silva_and_greengenes2_give_equal_shares(real_data: Path, knowledge: Rows) -> None:
    silva, gg2 = (match(real(real_data / d), knowledge)[0].set_index("row") for d in ("thdmi_silva138_genus", "thdmi_gg2_species"))
    for row in (1, 7, 18, 31, 37, 40, 41, 45, 68, 90):  # same ASVs, named by two databases
        assert silva.loc[row, "share_of_reads"] == pytest.approx(gg2.loc[row, "share_of_reads"], rel=0.06), row
    assert "Bacteroides" in silva.loc[36, "reason"]
    assert gg2.loc[36, "outcome"] == "matched"


def test_a_genus_that_the_tables_database_does_not_spell_says_so(cohort_of: Callable[..., Cohort], knowledge: Rows) -> None:
    spelled = {"Agathobacter": frozenset({"silva"}), "Roseburia": frozenset({"silva", "greengenes"})}
    made = cohort_of(np.array([[5, 5]]), genera=["Blautia", "Dorea"])
    cohort = replace(made, record={"dialect": "greengenes"})
    frame, about = match(cohort, knowledge, spelled=spelled)
    reason = frame.set_index("row")["reason"]
    taxa = {r["row"]: r["taxon"] for r in knowledge}
    unspelled = [taxa[str(k)] for k in reason[reason.str.endswith("and no spelling of it by greengenes is known")].index]
    assert set(unspelled) == {"Agathobacter"}
    assert about["rows_unspelled"] == len(unspelled)
    roseburia = [k for k, t in taxa.items() if t == "Roseburia"]
    assert reason[int(roseburia[0])] == "no lineage of the table names it"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "dialect", "unspelled"),
    # by hand: neither database has a genus of this name, SILVA does
    [("crc_baxter_genus", "rdp", "Lachnospiraceae NK4A136 group"), ("ibd_risk_gevers", "greengenes", "Agathobacter")],
)
def test_real_tables_tell_what_cannot_be_matched_in_their_dialect(
    real_data: Path, knowledge: Rows, name: str, dialect: str, unspelled: str
) -> None:
    folder = real_data / name
    table, taxonomy, synonyms = read_abundance_table(folder / "table.biom"), read_taxonomy(folder / "taxonomy.tsv"), read_synonyms()
    frame, about = match(align(table, taxonomy=taxonomy, synonyms=synonyms)[0], knowledge, spelled=databases_of(synonyms))
    assert about["dialect"] == dialect
    assert unspelled in set(frame.loc[frame["reason"].str.endswith(f"by {dialect} is known"), "taxon"])
    matched = frame[frame["outcome"] == "matched"]
    assert (matched["spellings"] != "").all()
    assert matched["share_of_reads"].between(0, 1).all()
