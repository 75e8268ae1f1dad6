"""Taxonomies in every form that programs write: the same lineages come out, and what is no taxonomy is refused."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gutdiv.errors import InputError
from gutdiv.io.ranks import rank_columns
from gutdiv.io.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from pathlib import Path

RANKS = ("Kingdom", "Phylum", "Class", "Order", "Family", "Genus")
SEVEN = ("domain", "phylum", "class", "order", "family", "genus", "species")
ROWS = {
    "ACGT": ("Bacteria", "Bacillota", "Clostridia", "Eubacteriales", "Lachnospiraceae", "Blautia"),
    "007": ("Bacteria", "Bacillota", None, None, None, None),
    "f 'x'": ("Bacteria", 'Candidatus "A", B', None, None, None, "[Ruminococcus] gnavus group"),
}


def write(tmp_path: Path, text: str | bytes, name: str = "x.tsv") -> Path:
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path / name


def quoted(cell: str | None) -> str:
    return "NA" if cell is None else '"' + cell.replace('"', '""') + '"'


def by_r(delimiter: str, *, corner: bool, quote: bool = True) -> str:
    """Write as R's write.csv (corner) and write.table (none) do."""
    mark = quoted if quote else lambda c: "NA" if c is None else c
    header = [*([mark("")] if corner else []), *(mark(r) for r in RANKS)]
    return "".join(delimiter.join(row) + "\n" for row in [header, *([mark(f), *(mark(c) for c in cells)] for f, cells in ROWS.items())])


@pytest.mark.parametrize(
    "text",
    [
        by_r(",", corner=True),
        by_r(";", corner=True),
        by_r("\t", corner=True),
        by_r("\t", corner=False),
        by_r(" ", corner=False),
        by_r("\t", corner=False, quote=False),
        by_r("\t", corner=True, quote=False),
        "ASV_ID\t" + by_r("\t", corner=False, quote=False),
        by_r(",", corner=True).replace("\n", "\r\n"),
        "\ufeff" + by_r(",", corner=True),
        by_r("\t", corner=True).replace("Kingdom", "DOMAIN").replace("Genus", "genus"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_one_column_a_rank_reads_the_same_in_every_way_that_r_writes_it(tmp_path: Path, text: str, *, packed: bool) -> None:
    found = read_taxonomy(write(tmp_path, gzip.compress(text.encode()) if packed else text))
    assert found.ranks == SEVEN[:6]
    assert found.rows == ROWS
    assert found.format == "one column a rank"
    assert found.notes == ()


# x <- matrix(c('Bacteria', 'Bacteria', 'A "q", b', NA), 2, dimnames = list(c('ACGT', '007'), c('Kingdom', 'Genus'))), as R 4.2.2 writes it.
BY_R = {
    "write.csv(x)": '"","Kingdom","Genus"\n"ACGT","Bacteria","A ""q"", b"\n"007","Bacteria",NA\n',
    "write.csv2(x)": '"";"Kingdom";"Genus"\n"ACGT";"Bacteria";"A ""q"", b"\n"007";"Bacteria";NA\n',
    "write.table(x)": '"Kingdom" "Genus"\n"ACGT" "Bacteria" "A \\"q\\", b"\n"007" "Bacteria" NA\n',
    "write.table(x, sep = '\\t', col.names = NA)": '""\t"Kingdom"\t"Genus"\n"ACGT"\t"Bacteria"\t"A \\"q\\", b"\n"007"\t"Bacteria"\tNA\n',
    "write.table(x, sep = '\\t', qmethod = 'double')": '"Kingdom"\t"Genus"\n"ACGT"\t"Bacteria"\t"A ""q"", b"\n"007"\t"Bacteria"\tNA\n',
}


@pytest.mark.parametrize("call", BY_R)
def test_what_r_itself_writes_is_read(tmp_path: Path, call: str) -> None:
    assert read_taxonomy(write(tmp_path, BY_R[call])).rows == {"ACGT": ("Bacteria", 'A "q", b'), "007": ("Bacteria", None)}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Feature ID\tTaxon\tConfidence\nf1\tk__B; p__X\t0.98\n2\tUnassigned\t-1\n", "QIIME 2 taxonomy"),
        ("Feature ID\tTaxon\tConsensus\nf1\tk__B; p__X\t1.0\n2\tUnassigned\t87.5\n", "QIIME 2 taxonomy"),
        ("id\tTaxon\n#q2:types\tcategorical\nf1\tk__B; p__X\n2\tUnassigned\n", "one column of lineages"),
        ("#OTU ID\tConsensus Lineage\nf1\tk__B; p__X\n2\tUnassigned\n", "one column of lineages"),
        ("# made by hand\n#OTUID\ttaxonomy\nf1\tk__B; p__X\n2\tUnassigned\n", "one column of lineages"),
        ("f1\tk__B; p__X\n2\tUnassigned\n", "two columns without a header"),
        ("f1\tk__B; p__X\t0.9\n2\tUnassigned\t-1\n", "two columns without a header"),
        ('feature,Taxon\n"f1","k__B; p__X"\n"2","Unassigned"\n', "one column of lineages"),
        ("Taxon\tConfidence\nf1\tk__B; p__X\t0.9\n2\tUnassigned\t1\n", "one column of lineages"),
        ("\n\nFeature ID\tTaxon\n\nf1\tk__B; p__X\n2\tUnassigned\t\t\n", "QIIME 2 taxonomy"),
    ],
)
def test_a_column_of_lineages_reads_the_same_with_and_without_a_header(tmp_path: Path, text: str, form: str) -> None:
    found = read_taxonomy(write(tmp_path, text))
    assert found.ranks == ("lineage",)
    assert found.rows == {"f1": ("k__B; p__X",), "2": ("Unassigned",)}
    assert found.format == form


def test_a_first_row_that_says_nothing_is_no_header(tmp_path: Path) -> None:
    assert read_taxonomy(write(tmp_path, "2\tUnassigned\nf1\tk__B; p__X\n")).rows == {"2": ("Unassigned",), "f1": ("k__B; p__X",)}


def test_a_domain_above_the_kingdom_is_the_domain_and_ranks_that_gutdiv_does_not_know_are_named(tmp_path: Path) -> None:
    text = (
        "ASV_ID\tKingdom\tDomain\tSupergroup\tDivision\tClass\tGenus\tSpecies_exact\tconfidence\tsequence\n"
        + "a\tTSAR\tEukaryota\tS\tD\tC\tG\tx\t1\tACGT\n"
    )
    found = read_taxonomy(write(tmp_path, text, "pr2.tsv"))
    assert dict(zip(found.ranks, found.rows["a"], strict=True)) == {"domain": "Eukaryota", "class": "C", "genus": "G"}
    assert found.notes == ("Columns of pr2.tsv that are no ranks were left out: 'Kingdom', 'Supergroup', 'Division', 'Species_exact'.",)


def test_numbered_ranks_are_taken_in_their_order() -> None:
    assert rank_columns(["Rank2", "Rank1", "Rank3"]) == {"domain": "Rank1", "phylum": "Rank2", "class": "Rank3"}
    assert rank_columns(["Rank1", "Rank3"]) == {}
    assert rank_columns(["Rank1", "note"]) == {}
    assert rank_columns(["Taxon", "Species"]) == {"lineage": "Taxon"}
    assert rank_columns(["Taxon", "Genus", "Species"]) == {"genus": "Genus", "species": "Species"}


def test_lineages_that_ampliseq_joined_of_all_columns_lose_what_stands_behind_the_species(tmp_path: Path) -> None:
    rows = "f1\tBacteria;P;C;O;F;G;s;exact;0.98\nf2\tBacteria;P;;;;;;;1\n"
    found = read_taxonomy(write(tmp_path, f"Feature ID\tTaxon\n{rows}"))
    assert found.rows == {"f1": ("Bacteria;P;C;O;F;G;s",), "f2": ("Bacteria;P",)}
    assert "end in a confidence" in found.notes[0]
    for other in (rows.replace("0.98", "x"), rows.replace(";1\n", "\n"), rows.replace(";P;", ";Bacteria;"), rows.replace(";G;", ";g__G;")):
        assert read_taxonomy(write(tmp_path, f"Feature ID\tTaxon\n{other}")).notes == ()


def test_blanks_around_ids_are_dropped_and_counted_and_ids_stay_text(tmp_path: Path) -> None:
    found = read_taxonomy(write(tmp_path, "Feature ID\tTaxon\n 1.0\td__B\n0001\td__B\n1e5 \td__B\n"))
    assert list(found.rows) == ["1.0", "0001", "1e5"]
    assert found.notes == ("x.tsv: blanks around 2 feature ids were dropped.",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample-id\tgroup\ns1\tx\n", "names neither a column of lineages .* nor ranks"),
        ("#OTU ID\ts1\ts2\nf1\t1\t2\n", "names neither"),
        ("Feature ID\tTaxon\nf1\td__B\nf1\td__C\n", "1 feature more than once: 'f1'"),
        ("Feature ID\tTaxon\nf1\td__B\textra\nf2\td__B\n", r"row 2 .'f1'.: 3 cells where the header has 2"),
        ("Feature ID\tTaxon\n\td__B\n", "row 2: no feature id"),
        ("Feature ID\tTaxon\n", "holds a header but no feature"),
        ('id,Kingdom,Genus\n"f1,Bacteria,X\n', r"row 2 .*a quotation mark is opened and not closed"),
        ("# only\n# comments\n", "holds no taxonomy"),
        (">f1\nACGT\n", "names neither"),
        (b"\x89HDF\r\n\x1a\n\x00\x00", "binary file of an unknown kind"),
    ],
)
def test_what_is_no_taxonomy_is_refused_with_the_reason(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_taxonomy(write(tmp_path, text))
    assert str(caught.value).startswith("x.tsv")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ASV_tax.silva_138_2.tsv", "ASV_tax_species.silva_138_2.tsv"])
def test_a_real_taxonomy_of_ampliseq_reads_as_pandas_reads_it(real_data: Path, name: str) -> None:
    path = real_data / "formats" / "nfcore_ampliseq_results" / name
    peer = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, index_col=0)
    columns = ["Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "Species"]
    found = read_taxonomy(path)
    assert found.ranks == SEVEN
    assert found.rows == {f: tuple(None if c in ("", "NA") else c for c in peer.loc[f, columns]) for f in peer.index}
    assert len(found.rows) == 86


@pytest.mark.real_data
def test_the_taxonomies_beside_the_real_tables_fit_them(real_data: Path) -> None:
    import biom

    for study in ("thdmi_gg2_species", "ibd_papa", "hct_taur", "crc_hale_genus"):
        found = read_taxonomy(real_data / study / "taxonomy.tsv")
        assert found.rows.keys() >= set(biom.load_table(str(real_data / study / "table.biom")).ids("observation")), study
        assert found.format == "one column a rank"
