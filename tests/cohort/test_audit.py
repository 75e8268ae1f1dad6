"""The audit of a cohort's lineages: every feature in one row, every row with its rule or the reason why it has no name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.cli.app import main
from gutdiv.cohort.align import align
from gutdiv.cohort.audit import audit
from gutdiv.io.artifacts import read_table
from gutdiv.io.knowledge import read_synonyms
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy
from gutdiv.model.inputs import RawTable, RawTaxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gutdiv.model.cohort import Cohort

SYNONYMS = read_synonyms()


def cohort(lineages: Mapping[str, str | None], counts: Sequence[int] | None = None) -> Cohort:
    """Build a cohort of two samples with these lineages by feature; each feature has the reads given, half in either sample."""
    features = tuple(lineages)
    reads = np.array(counts if counts is not None else [10] * len(features), dtype=np.float64)
    table = RawTable(("a", "b"), features, sparse.csr_matrix(np.vstack([np.ceil(reads / 2), np.floor(reads / 2)])), "t.tsv", "made up")
    taxonomy = RawTaxonomy({f: (t,) for f, t in lineages.items()}, ("lineage",), "x.tsv", "made up")
    return align(table, taxonomy=taxonomy, synonyms=SYNONYMS)[0]


def rows(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the audit's rows by spelling."""
    assert frame["spelling"].is_unique
    return frame.set_index("spelling").to_dict("index")


def test_equal_spellings_share_a_row_with_their_features_and_reads() -> None:
    made = cohort(
        {"f1": "k__Bacteria;p__Firmicutes;f__Lachnospiraceae;g__Blautia", "f2": "k__Bacteria;p__Firmicutes;f__Lachnospiraceae;g__Blautia"},
        [60, 20],
    )
    frame, about = audit(made, SYNONYMS)
    assert len(frame) == 1
    want = {
        "spelling": "Blautia", "rank": "genus", "spelled_family": "Lachnospiraceae", "n_features": 2, "share_of_reads": 1.0, "canonical_genus": "Blautia",
        "canonical_family": "Lachnospiraceae", "canonical_phylum": "Bacillota", "dialect": "greengenes", "rule": "exact", "reason": "",
    }  # fmt: skip
    assert frame.iloc[0].to_dict() == want
    assert about["rules"] == {"exact": 1.0}
    assert about["absent"] == {}


def test_every_name_tells_its_rule_or_why_it_has_none() -> None:
    family = "Bacteria;Firmicutes;Clostridia;Clostridiales;Lachnospiraceae"
    made = cohort(
        {
            "a": f"{family};Clostridium_XlVa",
            "b": f"{family};Ruminococcus",
            "c": f"{family};unclassified",
            "d": family,
            "e": "Bacteria;Cyanobacteria;X;Gastranaerophilales;Gastranaerophilales;Gastranaerophilales",
            "f": "Unassigned",
            "g": None,
            "h": f"{family};Neverheardof",
            "i": "Bacteria;Bacteroidetes;Bacteroidia;Bacteroidales;Bacteroidaceae;Bacteroides",
            "j": "Bacteria;Firmicutes;Clostridia;Clostridiales;;Incertae_Sedis",
            "k": f"{family};Incertae Sedis",
            "l": f"{family};Clostridium_III(100)",
            "m": f"{family};g__",
        }
    )
    frame, about = audit(made, SYNONYMS)
    found = rows(frame)
    told = {spelling: (r["rank"], r["rule"], r["canonical_genus"], r["reason"]) for spelling, r in found.items()}
    none = "no genus is called: "
    assert told == {
        "Clostridium_XlVa": (
            "genus",
            "polyphyletic",
            "Clostridium_XlVa (RDP bin)",
            "spans several genera, so that it keeps a name of its own",
        ),
        "Clostridium_III": (
            "genus",
            "polyphyletic",
            "Clostridium_III (RDP bin)",
            "spans several genera, so that it keeps a name of its own",
        ),
        "Ruminococcus": ("genus", "other family", "Ruminococcus (Lachnospiraceae)", "means another genus in this family"),
        "Lachnospiraceae; unclassified": ("family", "unclassified", "", f"{none}'unclassified' stands in its place"),
        "Lachnospiraceae": ("family", "unclassified", "", "the lineage ends at the family"),
        "Gastranaerophilales": ("genus", "unclassified", "", f"{none}the cell repeats the name of the order"),
        "Unassigned": ("none", "unclassified", "", "nothing is named"),
        "": ("none", "unclassified", "", "no lineage in the taxonomy"),
        "Neverheardof": ("genus", "as spelled", "Neverheardof", ""),
        "Bacteroides": ("genus", "lumped", "Bacteroides", "holds more than this genus in this database"),
        "Incertae Sedis": (
            "genus",
            "unplaced",
            "Incertae Sedis (Lachnospiraceae)",
            "a genus without a place of its own, told apart by its family",
        ),
        "Incertae_Sedis": ("genus", "unclassified", "", f"{none}the cell names a place in no family"),
    }
    assert found["Lachnospiraceae"]["n_features"] == 2  # `g__` says as little as an end
    assert about["dialect"]["name"] == "rdp"
    assert about["dialect"]["marked"] == {"rdp": 2}
    assert frame["n_features"].sum() == 13


def test_what_was_left_off_a_spelling_is_said() -> None:
    made = cohort(
        {
            "a": "d__Bacteria;p__Bacillota_A_368345;f__Someaceae;g__Novosphingobium_B_12345",
            "b": "d__Bacteria;p__Bacillota_A_368345;f__Someaceae_77777;g__",
        }
    )
    frame, about = audit(made, SYNONYMS)
    found = rows(frame)
    assert found["Novosphingobium_B_12345"]["canonical_genus"] == "Novosphingobium"
    assert found["Novosphingobium_B_12345"]["reason"] == "left off: number and letter"
    assert found["Someaceae_77777"]["canonical_family"] == "Someaceae"
    assert {r["canonical_phylum"] for r in found.values()} == {"Bacillota"}
    assert about["dialect"]["flavour"] == "Greengenes2 2024.09"
    assert (about["named_at_genus"], about["named_at_family"]) == (0.5, 1.0)


def test_rows_stand_by_reads_and_add_up() -> None:
    made = cohort({f"f{i}": f"k__Bacteria;f__Someaceae;g__Genus{'abcdefg'[i]}" for i in range(7)}, [3, 50, 7, 7, 1, 20, 12])
    frame, about = audit(made, SYNONYMS)
    assert frame["spelling"].tolist() == ["Genusb", "Genusf", "Genusg", "Genusc", "Genusd", "Genusa", "Genuse"]
    assert frame["share_of_reads"].tolist() == [n / 100 for n in (50, 20, 12, 7, 7, 3, 1)]
    assert sum(about["rules"].values()) == pytest.approx(1, abs=1e-12)


def test_a_cohort_without_lineages_has_an_empty_audit_and_the_reason() -> None:
    made = align(RawTable(("a",), ("f",), sparse.csr_matrix(np.array([[3.0]])), "t.tsv", "made up"), synonyms=SYNONYMS)[0]
    frame, about = audit(made, SYNONYMS)
    assert frame.empty
    assert about == {"absent": {"taxonomy_audit": "the cohort has no lineages, so that no name can be looked up"}}


@pytest.mark.parametrize("lineages", [True, False])
def test_building_a_cohort_writes_the_audit_and_its_record(tmp_path: Path, lineages: bool) -> None:
    hostile = 'g__<script>alert("1")</script>'
    (tmp_path / "t.tsv").write_text("#OTU ID\ts1\ts2\nf1\t5\t3\nf2\t1\t1\n", encoding="utf-8")
    (tmp_path / "x.tsv").write_text(
        f"Feature ID\tTaxon\nf1\tk__Bacteria; f__Lachnospiraceae; g__Blautia\nf2\tk__Bacteria; {hostile}\n", encoding="utf-8"
    )
    given = ["--taxonomy", str(tmp_path / "x.tsv")] if lineages else []
    assert main(["cohort", "build", "--table", str(tmp_path / "t.tsv"), *given, "--output", str(tmp_path / "c")]) == 0
    table = read_table(tmp_path / "c" / "taxonomy_audit.tsv", "taxonomy_audit")
    assert table.record["kind"] == "taxonomy_audit"
    assert [i["role"] for i in table.record["inputs"]] == ["table", "taxonomy"][: 1 + lineages]
    if lineages:
        assert table.frame["spelling"].tolist() == ["Blautia", '<script>alert("1")</script>']
        assert table.frame["share_of_reads"].tolist() == [0.8, 0.2]
        assert table.record["dialect"]["name"] == "greengenes"
    else:
        assert table.frame.empty
        assert "no lineages" in table.record["absent"]["taxonomy_audit"]
    assert json.loads((tmp_path / "c" / "cohort.json").read_text(encoding="utf-8"))["has_lineages"] is lineages


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ibd_2538_longitudinal", "hct_taur", "covid_ren_genus", "crc_hale_genus"])
def test_the_audit_of_real_tables_holds_every_feature_once_and_all_reads(real_data: Path, name: str) -> None:
    table = read_abundance_table(real_data / name / "table.biom")
    made = align(table, taxonomy=read_taxonomy(real_data / name / "taxonomy.tsv"), synonyms=SYNONYMS)[0]
    frame, about = audit(made, SYNONYMS)
    assert frame["share_of_reads"].sum() == pytest.approx(1, abs=1e-9)
    assert frame["n_features"].sum() == len(made.feature_ids)
    # the share of reads with a genus, counted by pandas before any name was made canonical
    taxa = pd.read_csv(real_data / name / "taxonomy.tsv", sep="\t", dtype=str, keep_default_na=False, quoting=3).set_index("feature_id")
    empty = taxa["Genus"].str.contains("^$|unclassified|^Other$|uncultured", regex=True)
    reads = pd.Series(np.asarray(table.values.sum(axis=0)).ravel(), index=table.feature_ids)
    assert about["named_at_genus"] == pytest.approx(1 - reads[empty[empty].index].sum() / reads.sum(), abs=1e-9)
    assert set(frame.loc[frame["canonical_genus"] == "", "rule"]) <= {"unclassified"}
    assert (frame.loc[frame["rule"] == "unclassified", "reason"] != "").all()
