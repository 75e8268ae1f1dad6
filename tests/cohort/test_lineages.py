"""Lineages of every dialect taken apart, and brought to one canonical family and genus, by the spellings of real databases."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING

import pytest

from gutdiv.cohort.lineages import canonical, canonical_phylum, clean_name, dialect, parse_lineage, split_columns
from gutdiv.errors import InputError
from gutdiv.io.knowledge import read_synonyms
from gutdiv.model.cohort import RANKS

if TYPE_CHECKING:
    from pathlib import Path

SYNONYMS = read_synonyms()
FAECALI = ("Bacteria", "Firmicutes", "Clostridia", "Clostridiales", "Ruminococcaceae", "Faecalibacterium", "prausnitzii")


def genus(name: str | None, family: str | None = "Lachnospiraceae", **options: str) -> str | None:
    """Return the canonical genus of a genus and family as spelled."""
    return canonical((None, None, None, None, family, name, None), SYNONYMS, **options)[1]


# ---------------------------------------------------------------- taking apart
@pytest.mark.parametrize(
    "text",
    [
        "k__Bacteria; p__Firmicutes; c__Clostridia; o__Clostridiales; f__Ruminococcaceae; g__Faecalibacterium; s__prausnitzii",
        "k__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Ruminococcaceae;g__Faecalibacterium;s__prausnitzii",
        "D_0__Bacteria;D_1__Firmicutes;D_2__Clostridia;D_3__Clostridiales;D_4__Ruminococcaceae;D_5__Faecalibacterium;D_6__prausnitzii",
        "d__Bacteria; p__Firmicutes; c__Clostridia; o__Clostridiales; f__Ruminococcaceae; g__Faecalibacterium; s__prausnitzii",
        "sk__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Ruminococcaceae;g__Faecalibacterium;s__prausnitzii",
        "Bacteria(100);Firmicutes(98);Clostridia(98);Clostridiales(97);Ruminococcaceae(90);Faecalibacterium(88);prausnitzii(51);",
        'Bacteria(100);"Firmicutes"(98);"Clostridia"(98);Clostridiales(97);"Ruminococcaceae"(90);Faecalibacterium(88);prausnitzii(51);',
        "Bacteria;Firmicutes;Clostridia;Clostridiales;Ruminococcaceae;Faecalibacterium;prausnitzii",
        "k__Bacteria|p__Firmicutes|c__Clostridia|o__Clostridiales|f__Ruminococcaceae|g__Faecalibacterium|s__prausnitzii",
    ],
)
def test_the_same_lineage_is_read_from_every_dialect(text: str) -> None:
    assert parse_lineage(text) == FAECALI


def test_greengenes2_and_gtdb_names_keep_their_suffixes() -> None:
    names = parse_lineage(
        "d__Bacteria; p__Bacillota_A_368345; c__Clostridia_258483; o__; f__; g__Clostridium_T; s__Clostridium_T beijerinckii"
    )
    assert names == ("Bacteria", "Bacillota_A_368345", "Clostridia_258483", None, None, "Clostridium_T", "Clostridium_T beijerinckii")


def test_a_rank_that_is_skipped_stays_empty() -> None:
    assert parse_lineage("d__Bacteria; p__Firmicutes; f__Lachnospiraceae; g__Blautia") == (
        *("Bacteria", "Firmicutes", None, None, "Lachnospiraceae", "Blautia", None),
    )


@pytest.mark.parametrize(
    "cell",
    [
        # the default unknowns of microViz' tax_fix
        *(None, "", " ", "g__", "s__", "NA", "NaN", "nan", "unknown", "Unknown", "s__unknown", "g__unknown"),
        # what SILVA, RDP, mothur, GTDB and MetaPhlAn tables hold
        *("__", "uncultured", "uncultured bacterium", "unclassified", "unclassified_Lachnospiraceae", "Lachnospiraceae_unclassified"),
        *("D_5__uncultured", "metagenome", "gut_metagenome", "human gut metagenome", "Unassigned", "unidentified", "Ambiguous_taxa"),
        *("Unknown_Family", "Other Firmicutes", "k__?", "-", "norank_f__Lachnospiraceae", "Lachnospiraceae_noname", "uncultured(97)"),
    ],
)
def test_what_says_that_nothing_is_known_is_none(cell: str | None) -> None:
    assert clean_name(cell) is None


def test_more_than_seven_plain_names_are_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match=r"more than 7 names without rank prefixes.*Give prefixes"):
        parse_lineage("a;b;c;d;e;f;g;h")


def test_columns_of_ranks_are_read_in_any_case_with_or_without_prefixes() -> None:
    row = {
        "Kingdom": "Bacteria",
        "PHYLUM": "p__Firmicutes",
        "Class": "NA",
        "order": "",
        "Family": None,
        "Genus": "g__Blautia",
        "confidence": "1",
    }
    assert split_columns(row) == ("Bacteria", "Firmicutes", None, None, None, "Blautia", None)
    assert split_columns({"Domain": "Archaea", "Species": "smithii"})[0] == "Archaea"


def test_a_species_that_repeats_a_higher_rank_is_no_species() -> None:
    assert split_columns({"Genus": "Blautia", "Species": "Blautia"})[6] is None
    assert parse_lineage("Bacteria;Firmicutes;;;;Blautia;Firmicutes")[6] is None


# ---------------------------------------------------------------- canonical genera
@pytest.mark.parametrize(
    ("spelling", "family", "want"),
    [
        ("g__Faecalibacterium", "f__Ruminococcaceae", "Faecalibacterium"),
        ("Bacteroides_H_857956", "Bacteroidaceae", "Bacteroides"),
        ("Bifidobacterium_388775", "Bifidobacteriaceae", "Bifidobacterium"),
        ("Escherichia-Shigella", "Enterobacteriaceae", "Escherichia"),
        ("Escherichia/Shigella", "Enterobacteriaceae", "Escherichia"),
        ("Escherichia_710834", "Enterobacteriaceae_A", "Escherichia"),
        ("[Eubacterium]_hallii_group", "Lachnospiraceae", "Anaerobutyricum"),
        ("[Eubacterium] hallii group", "Lachnospiraceae", "Anaerobutyricum"),
        ("D_5__[Eubacterium] rectale group", "D_4__Lachnospiraceae", "Agathobacter"),
        ("[Ruminococcus]_gnavus_group", "Lachnospiraceae", "Mediterraneibacter (gnavus)"),
        ("[Ruminococcus] torques group", "Lachnospiraceae", "Mediterraneibacter (torques/faecis/lactaris)"),
        ("Prevotella_9", "Prevotellaceae", "Segatella"),
        ("Prevotella 9", "Prevotellaceae", "Segatella"),
        ("Ruminococcaceae UCG-002", "Ruminococcaceae", "UCG-002"),
        ("UCG-002", "Oscillospiraceae", "UCG-002"),
        ("Coprococcus_A_121497", "Lachnospiraceae", "Coprococcus"),
        ("Alistipes_A_871400", "Rikenellaceae", "Alistipes"),
        ("Peptoniphilus_C", "Peptoniphilaceae", "Peptoniphilus"),  # unknown to the table: number and letter go by rule
        ("Pseudomonas_E_647464", "Pseudomonadaceae", "Pseudomonas"),
        ("Clostridium_Q_134516", "Lachnospiraceae", "Clostridium_Q (C. symbiosum)"),
        ("Clostridium_AB", "Lachnospiraceae", "Clostridium_AB"),  # here the letter is another genus
        ("Eubacterium_R", "Eubacteriaceae", "Eubacterium_R"),
        ("Ruminococcus_E", "Acutalibacteraceae", "Ruminococcus"),
        ("Ruminococcus_B", "Lachnospiraceae", "Mediterraneibacter (gnavus)"),
        ("Clostridium_XlVa", "Lachnospiraceae", "Clostridium_XlVa (RDP bin)"),
        ("Clostridium_XIVa", "Lachnospiraceae", "Clostridium_XlVa (RDP bin)"),
        ("Clostridium XIVb", "Lachnospiraceae", "Clostridium_XlVb (RDP bin)"),
        ("Corynebacterium", "Corynebacteriaceae", "Corynebacterium"),
        ("CAG-83", "Oscillospiraceae", "CAG-83"),
        ("unclassified_Lachnospiraceae", "Lachnospiraceae", None),
        (None, "Lachnospiraceae", None),
    ],
)
def test_spellings_become_canonical_genera(spelling: str | None, family: str, want: str | None) -> None:
    assert genus(spelling, family) == want


def test_the_same_spelling_in_another_family_is_another_genus() -> None:
    assert genus("Ruminococcus", "Ruminococcaceae") == "Ruminococcus"
    assert genus("Ruminococcus", "Lachnospiraceae") == "Ruminococcus (Lachnospiraceae)"
    assert genus("Clostridium", "Clostridiaceae", dialect="greengenes") == "Clostridium (Greengenes bin)"
    assert genus("Clostridium", "Erysipelotrichaceae", dialect="greengenes") == "Clostridium (Erysipelotrichaceae)"
    assert genus("UCG-002", "Atopobiaceae") == "UCG-002 (Atopobiaceae)"
    assert genus("Coriobacteriaceae_UCG-002", "Atopobiaceae") == "Coriobacteriaceae UCG-002"
    assert genus("Phocaeicola", "Bacteroidaceae") == "Phocaeicola"
    assert genus("Phocaeicola", "Bacteroidales_incertae_sedis") == "Phocaeicola (Bacteroidales incertae sedis)"
    assert genus("Incertae_Sedis", "Ruminococcaceae") == "Incertae Sedis (Ruminococcaceae)"
    assert genus("Incertae_Sedis", None) is None


def test_a_bracketed_name_is_never_reduced_to_the_bare_genus() -> None:
    for spelling, meanings in SYNONYMS.items():
        if spelling.startswith("["):
            bare = spelling[1:].split("]")[0]
            assert all(m[1].casefold() != bare for m in meanings), spelling
    assert genus("[Ruminococcus]", dialect="greengenes") == "[Ruminococcus] (Greengenes bin)"
    assert genus("[Prevotella]", "[Paraprevotellaceae]") == "[Prevotella] (Greengenes bin)"
    assert genus("[Clostridium]_methylpentosum_group") == "[Clostridium] methylpentosum group"


def test_a_bin_that_spans_genera_never_takes_the_name_of_one_of_them() -> None:
    for spelling, meanings in SYNONYMS.items():
        for _, name, _, relation in meanings:
            if relation == "polyphyletic":
                assert name.endswith(" bin)"), spelling


def test_the_dialect_decides_where_databases_mean_different_genera() -> None:
    assert genus("Lactobacillus", "Lactobacillaceae", dialect="gtdb") == "Lactobacillus"
    assert genus("Lactobacillus", "Lactobacillaceae", dialect="greengenes2") == "Lactobacillus"
    assert genus("Lactobacillus", "Lactobacillaceae", dialect="greengenes") == "Lactobacillus (undivided)"
    assert genus("Lactobacillus", "Lactobacillaceae") == "Lactobacillus (undivided)"  # unknown: the wider meaning
    assert genus("Prevotella", "Prevotellaceae", dialect="silva") == "Prevotella (undivided)"


def test_the_rule_says_how_the_genus_was_found() -> None:
    def rule(name: str | None, family: str | None = "Lachnospiraceae") -> str:
        return canonical((None, None, None, None, family, name, None), SYNONYMS)[2]

    assert rule("Blautia") == "exact"
    assert rule("Oliverpabstia") == "approximate"
    assert rule("Eubacterium rectale") == "former"
    assert rule("Clostridium_XlVa") == "polyphyletic"
    assert rule("Ruminococcus") == "other family"
    assert rule("Corynebacterium", "Corynebacteriaceae") == "as spelled"
    assert rule("uncultured") == "unclassified"


def test_an_orders_name_repeated_as_genus_is_no_genus_unless_it_is_known_as_one() -> None:
    names = ("Bacteria", "Cyanobacteria", "Vampirivibrionia", "Gastranaerophilales", "Gastranaerophilales", "Gastranaerophilales", None)
    assert canonical(names, SYNONYMS)[1] is None
    names = ("Bacteria", "Firmicutes", "Clostridia", "Clostridia_UCG-014", "Clostridia_UCG-014", "Clostridia_UCG-014", None)
    assert canonical(names, SYNONYMS)[1] == "Ruminococcaceae UCG-014"


@pytest.mark.parametrize(
    ("family", "name", "want"),
    [
        ("S24-7", None, "Muribaculaceae"),
        ("[Barnesiellaceae]", None, "Barnesiellaceae"),
        ("Enterobacteriaceae_A", None, "Enterobacteriaceae"),
        ("Oscillospiraceae_88309", None, "Oscillospiraceae"),
        ("Marinifilaceae", "Odoribacter", "Odoribacteraceae"),
        ("[Odoribacteraceae]", "Odoribacter", "Odoribacteraceae"),
        ("Incertae_Sedis_XIV", "Blautia", "Lachnospiraceae"),
        ("Porphyromonadaceae", "Parabacteroides", "Tannerellaceae"),
        ("Alcaligenaceae", "Sutterella", "Sutterellaceae"),
        ("Corynebacteriaceae", "Corynebacterium", "Corynebacteriaceae"),
        ("unclassified_Clostridiales", None, None),
    ],
)
def test_families_are_canonical_too(family: str, name: str | None, want: str | None) -> None:
    assert canonical((None, None, None, None, family, name, None), SYNONYMS)[0] == want


@pytest.mark.parametrize(
    "name", ["Firmicutes", "p__Firmicutes", "Bacillota", "Bacillota_A_368345", "Firmicutes_A", "Firmicutes_C", "Bacillota_I"]
)
def test_all_names_of_firmicutes_are_one_phylum(name: str) -> None:
    assert canonical_phylum(name) == "Bacillota"


def test_renamed_phyla_have_one_name() -> None:
    pairs = {
        "Bacteroidetes": "Bacteroidota", "Proteobacteria": "Pseudomonadota", "Actinobacteria": "Actinomycetota",
        "Actinobacteriota": "Actinomycetota", "Fusobacteria": "Fusobacteriota", "Verrucomicrobia": "Verrucomicrobiota",
        "Euryarchaeota": "Methanobacteriota", "Methanobacteriota": "Methanobacteriota",
    }  # fmt: skip
    assert {old: canonical_phylum(old) for old in pairs} == pairs
    assert canonical_phylum("p__") is None


# ---------------------------------------------------------------- dialects
@pytest.mark.parametrize(
    ("lineages", "want"),
    [
        (["D_0__Bacteria;D_1__Firmicutes"], "silva"),
        (["d__Bacteria; p__Firmicutes; g__[Eubacterium]_hallii_group", "d__Bacteria; p__Firmicutes; g__Blautia"], "silva"),
        (["Bacteria;Firmicutes;UCG-002", "Bacteria;Proteobacteria;Escherichia-Shigella"], "silva"),
        (["k__Bacteria; p__Firmicutes; g__"], "greengenes"),
        (["Bacteria; Firmicutes; Lachnospiraceae; [Ruminococcus]", "Bacteria; Bacteroidetes; S24-7"], "greengenes"),
        (["d__Bacteria; p__Firmicutes_A; g__Bacteroides_H_857956", "d__Bacteria; p__Firmicutes_A; g__Roseburia"], "greengenes2"),
        (["d__Bacteria;p__Bacillota_A;g__Blautia_A", "d__Bacteria;p__Bacteroidota;g__Alistipes"], "gtdb"),
        (["Bacteria(100);Firmicutes(98);"], "rdp"),
        (["Bacteria;Firmicutes;Lachnospiraceae;Clostridium_XlVa", "Bacteria;Proteobacteria;Escherichia/Shigella"], "rdp"),
        (["Bacteria;Firmicutes"], "plain"),
        ([], "plain"),
    ],
)
def test_the_dialect_is_told_from_spellings(lineages: list[str], want: str) -> None:
    assert dialect(lineages) == want


def test_fifty_thousand_lineages_take_seconds_at_most() -> None:
    lineages = [
        ("Bacteria", "Firmicutes", "Clostridia", "Lachnospirales", f"Family{i % 700}aceae", f"Genus{i}_A_{1000 + i}", None)
        for i in range(50_000)
    ]
    start = time.perf_counter()
    for names in lineages:
        canonical(names, SYNONYMS, dialect="greengenes2")
    assert time.perf_counter() - start < 10


# ---------------------------------------------------------------- real taxonomies
def rows(folder: Path) -> list[tuple[tuple[str | None, ...], str]]:
    """Read a real taxonomy: names by rank, and the lineage joined."""
    with (folder / "taxonomy.tsv").open(encoding="utf-8", newline="") as handle:
        read = list(csv.DictReader(handle, delimiter="\t"))
    return [(split_columns(r), ";".join(v for k, v in r.items() if k != "feature_id")) for r in read]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("thdmi_silva138_genus", "silva"), ("thdmi_gg2_species", "greengenes2"), ("hct_taur", "rdp"), ("ibd_papa", "rdp"), ("crc_baxter_genus", "rdp"),
        ("crc_hale_genus", "rdp"), ("twinsuk_goodrich", "greengenes"), ("healthy_poyet_genus", "gtdb"), ("covid_schult_genus", "gtdb"),
    ],
)  # fmt: skip
def test_the_dialect_of_real_taxonomies_is_told(real_data: Path, name: str, want: str) -> None:
    assert dialect(text for _, text in rows(real_data / name)) == want


@pytest.mark.real_data
def test_the_same_samples_in_silva_and_greengenes2_share_their_canonical_genera(real_data: Path) -> None:
    found = []
    for name, spoken in (("thdmi_silva138_genus", "silva"), ("thdmi_gg2_species", "greengenes2")):
        found.append({canonical(n, SYNONYMS, dialect=spoken)[1] for n, _ in rows(real_data / name)} - {None})
    both = found[0] & found[1]
    # what the two databases spell differently, and what must not be spelled alike
    assert {
        "Bacteroides",
        "Escherichia",
        "Bifidobacterium",
        "Anaerobutyricum",
        "Parabacteroides",
        "Mediterraneibacter (torques/faecis/lactaris)",
    } <= both
    assert "Phocaeicola" in found[1] - found[0]  # SILVA 138 calls it Bacteroides
    assert len(both) >= 280


@pytest.mark.real_data
def test_genera_of_hct_taur_without_a_call_are_unclassified_and_blautia_is_a_lachnospiraceae(real_data: Path) -> None:
    answers = {n[5] or "": canonical(n, SYNONYMS, dialect="rdp")[:2] for n, _ in rows(real_data / "hct_taur")}
    assert answers["Blautia"] == ("Lachnospiraceae", "Blautia")
    assert answers["Escherichia/Shigella"][1] == "Escherichia"
    assert answers[""][1] is None
    assert not any("unclassified" in (g or "") or "Other" in (g or "") for _, g in answers.values())


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ibd_papa", "crc_baxter_genus"])
def test_rdp_clusters_of_real_tables_keep_names_of_their_own(real_data: Path, name: str) -> None:
    answers = {n[5]: canonical(n, SYNONYMS, dialect="rdp") for n, _ in rows(real_data / name)}
    assert answers["Clostridium_XlVa"][1:] == ("Clostridium_XlVa (RDP bin)", "polyphyletic")
    assert answers["Ruminococcus2"][1:] == ("Ruminococcus2 (RDP bin)", "polyphyletic")
    assert answers["Faecalibacterium"][1] == "Faecalibacterium"
    assert answers["Ruminococcus"][1] == "Ruminococcus"


def test_there_are_seven_ranks() -> None:
    assert len(parse_lineage("k__Bacteria")) == len(RANKS) == 7
