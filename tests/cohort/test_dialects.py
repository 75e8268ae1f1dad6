"""The dialect of a table's lineages, with its release and how sure that is, told for made-up and for all real taxonomies."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from gutdiv.cohort.dialects import DIALECTS, detect, dialect

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("lineages", "want"),
    [
        (["D_0__Bacteria;D_1__Firmicutes"], "silva"),
        (["d__Bacteria; p__Firmicutes; g__[Eubacterium]_hallii_group", "d__Bacteria; p__Firmicutes; g__Blautia"], "silva"),
        (["Bacteria;Firmicutes;UCG-002", "Bacteria;Proteobacteria;Escherichia-Shigella"], "silva"),
        (["Bacteria;Firmicutes;Clostridia;Clostridiales;Family_XIII;Family_XIII_AD3011_group"], "silva"),
        (["k__Bacteria; p__Firmicutes; g__"], "greengenes"),
        (["Bacteria; Firmicutes; Lachnospiraceae; [Ruminococcus]", "Bacteria; Bacteroidetes; S24-7"], "greengenes"),
        (["d__Bacteria; p__Firmicutes_A; g__Bacteroides_H_857956", "d__Bacteria; p__Firmicutes_A; g__Roseburia"], "greengenes2"),
        (["d__Bacteria;p__Bacillota_A;g__Blautia_A", "d__Bacteria;p__Bacteroidota;g__Alistipes"], "gtdb"),
        (["Bacteria(100);Firmicutes(98);"], "rdp"),
        (["Bacteria;Firmicutes;Lachnospiraceae;Clostridium_XlVa", "Bacteria;Proteobacteria;Escherichia/Shigella"], "rdp"),
        # mothur writes confidences whatever the reference: the names decide
        (
            ['Bacteria(100);Firmicutes(99);Clostridia(98);Lachnospirales(90);Lachnospiraceae(80);"Lachnospiraceae_NK4A136_group"(70);'],
            "silva",
        ),
        (["k__Bacteria|p__Firmicutes|g__Blautia|s__Blautia_obeum|t__SGB1"], "plain"),
        (["d__Bacteria;p__Bacteroidota;g__Alistipes"], "plain"),
        (["Bacteria;Firmicutes"], "plain"),
        (["Unassigned", ""], "plain"),
        ([], "plain"),
    ],
)
def test_the_dialect_is_told_from_spellings(lineages: list[str], want: str) -> None:
    assert dialect(lineages) == want
    assert want in DIALECTS


@pytest.mark.parametrize(
    ("lineages", "want"),
    [
        (
            ["D_0__Bacteria;D_1__Proteobacteria;D_2__Betaproteobacteria", "D_0__Bacteria;D_1__Firmicutes;D_5__Prevotella 9"],
            "SILVA 128 or earlier",
        ),
        (
            ["D_0__Bacteria;D_1__Epsilonbacteraeota;D_2__Campylobacteria", "D_0__Bacteria;D_1__Firmicutes;D_5__Ruminococcaceae UCG-002"],
            "SILVA 132",
        ),
        (
            ["d__Bacteria;p__Campilobacterota;g__Campylobacter", "d__Bacteria;p__Firmicutes;o__Oscillospirales;g__UCG-002"],
            "SILVA 138 or 138.1",
        ),
        (["d__Bacteria;p__Bacillota;o__Oscillospirales;g__UCG-002"], "SILVA 138.2"),
        (["d__Bacteria;p__Firmicutes_A;g__Blautia_A"], "GTDB r207 or earlier"),
        (["d__Bacteria;p__Bacillota_A;g__Blautia_A"], "GTDB r214 or later"),
        (["d__Bacteria;p__Firmicutes_A;g__Blautia_A_141781"], "Greengenes2 2022.10"),
        (["d__Bacteria;p__Bacillota_A_368345;g__Blautia_A_141781"], "Greengenes2 2024.09"),
        (["k__Bacteria|p__Firmicutes|g__Blautia"], "MetaPhlAn-like, names of NCBI"),
        (["k__Bacteria;p__Firmicutes;g__[Ruminococcus]"], ""),
    ],
)
def test_the_release_is_told_where_names_came_with_it(lineages: list[str], want: str) -> None:
    assert detect(lineages).flavour == want


def test_it_is_said_how_sure_the_dialect_is() -> None:
    few = detect(["Bacteria;Firmicutes;UCG-002", "Bacteria;Firmicutes;Blautia"])
    assert (few.name, few.sure, few.marked, few.lineages) == ("silva", 0.5, {"silva": 1}, 2)
    many = detect(f"Bacteria;Firmicutes;UCG-{i:03d}" for i in range(99))
    assert many.sure == pytest.approx(0.99)
    # one lineage of nine speaks otherwise: too few to call it mixed, and less sure
    most = detect([*(f"Bacteria;Firmicutes;UCG-{i:03d}" for i in range(9)), "Bacteria;Firmicutes;Clostridium_XlVa"])
    assert (most.name, most.sure) == ("silva", pytest.approx(9 / 11))
    style = detect(["k__Bacteria;p__Firmicutes"])
    assert (style.name, style.sure) == ("greengenes", 0.25)  # a style alone makes nobody more than half sure
    assert detect(["Bacteria"]).sure == 0


def test_tables_joined_from_two_databases_are_mixed() -> None:
    silva = [f"Bacteria;Firmicutes;UCG-{i:03d}" for i in range(10)]
    gtdb = [f"Bacteria;Bacillota_A;Clostridia;Genusname_{c}" for c in "ABCDE"]
    found = detect(silva + gtdb)
    assert (found.name, found.flavour, found.marked) == ("mixed", "silva and gtdb", {"silva": 10, "gtdb": 5})
    assert detect(silva + gtdb[:2]).name == "silva"


def test_order_and_repeats_change_nothing() -> None:
    lineages = ["Bacteria;Firmicutes;UCG-002", "Bacteria;Firmicutes;Clostridium_XlVa", "Bacteria;Firmicutes;UCG-003"]
    assert detect(lineages) == detect([*reversed(lineages), lineages[1]])


# What each folder's SOURCE.md and the README's column say of its taxonomy.
REAL = {
    "age_claesson": ("greengenes", ""),
    "covid_albataineh_genus": ("gtdb", "GTDB r214 or later"),  # r220
    "covid_newsome_genus": ("gtdb", "GTDB r214 or later"),
    "covid_ren_genus": ("gtdb", "GTDB r214 or later"),
    "covid_schult_genus": ("gtdb", "GTDB r214 or later"),
    "crc_baxter_genus": ("rdp", ""),
    "crc_hale_genus": ("rdp", ""),
    "crc_tito_qmp": ("silva", "SILVA 138 or 138.1"),  # "names only"; SOURCE.md: SILVA/RDP style
    "globalgut_yatsunenko_even10k": ("greengenes", ""),
    "hct_taur": ("rdp", ""),
    "healthy_poyet_genus": ("gtdb", "GTDB r207 or earlier"),
    "hmp2_ipop_zhou": ("rdp", ""),
    "hmp_sze_bmi": ("rdp", ""),
    "hmp_v13_stool": ("greengenes", ""),
    "hmp_v35_allsites_large": ("greengenes", ""),
    "hmp_v35_stool": ("greengenes", ""),
    "ibd_2538_longitudinal": ("greengenes", ""),
    "ibd_papa": ("rdp", ""),
    "ibd_risk_gevers": ("greengenes", ""),
    "ibd_risk_gevers_stool": ("greengenes", ""),
    "ob_escobar": ("rdp", ""),
    "ob_ross": ("rdp", ""),
    "ob_turnbaugh": ("greengenes", ""),
    "ob_wu_combo": ("rdp", ""),
    "ob_zeevi_israel": ("rdp", ""),
    "thdmi_asv": ("plain", ""),  # sequences only
    "thdmi_gg2_species": ("greengenes2", "Greengenes2 2022.10"),
    "thdmi_silva138_genus": ("silva", "SILVA 138 or 138.1"),
    "twinsuk_goodrich": ("greengenes", ""),
    "udca_pearson_asv": ("greengenes", ""),
}


def lineages(path: Path, *, first: int = 1, last: int | None = None) -> list[str]:
    """Read a taxonomy by the csv module: columns from `first` on, joined."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [";".join(r[first:last]) for r in rows[1:]]


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(REAL))
def test_the_dialect_of_every_real_taxonomy_is_told(real_data: Path, name: str) -> None:
    found = detect(lineages(real_data / name / "taxonomy.tsv"))
    assert (found.name, found.flavour) == REAL[name]
    assert name == "thdmi_asv" or found.sure > 0.88


@pytest.mark.real_data
def test_every_folder_with_a_taxonomy_has_its_entry(real_data: Path) -> None:
    assert {p.parent.name for p in real_data.glob("*/taxonomy.tsv")} == set(REAL)


@pytest.mark.real_data
def test_the_dialect_of_files_as_programs_write_them_is_told(real_data: Path) -> None:
    formats = real_data / "formats"
    ampliseq = detect(lineages(formats / "nfcore_ampliseq_results" / "ASV_tax.silva_138_2.tsv", last=-2))
    assert (ampliseq.name, ampliseq.flavour) == ("silva", "SILVA 138.2")
    assert detect(lineages(formats / "mothur" / "mothur_example.cons.taxonomy", first=2)).name == "rdp"
