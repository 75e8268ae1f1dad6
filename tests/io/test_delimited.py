"""Tables of text in the forms that people have: headers, orientations, annotation columns, quotes, and what is no table."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import biom
import numpy as np
import pandas as pd
import pytest

from gutdiv.errors import InputError
from gutdiv.io import cells
from gutdiv.io.tables import read_abundance_table

if TYPE_CHECKING:
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

COUNTS = [[1, 0, 3], [0, 2, 0]]  # samples a, b x features f1, f2, f3
SEQUENCES = ["ACGT" * 15, "GGCA" * 15, "TTAN" * 15]


def read(tmp_path: Path, text: str | bytes, name: str = "t.tsv", **options: Any) -> RawTable:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_abundance_table(path, **options)


def rows_of(table: RawTable) -> list[tuple[str | None, ...]] | None:
    return None if table.taxonomy is None else [table.taxonomy.rows[f] for f in table.feature_ids]


def assert_the_counts(table: RawTable, features: tuple[str, ...] = ("f1", "f2", "f3"), samples: tuple[str, ...] = ("a", "b")) -> None:
    assert table.sample_ids == samples
    assert table.feature_ids == features
    assert table.values.toarray().tolist() == COUNTS


@pytest.fixture(params=["python", "kernel"], autouse=True)
def _both_walks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "SHORT", cells.SHORT if request.param == "python" else -1)


PLAIN = "{0}\ta\tb\nf1\t1\t0\nf2\t0\t2\nf3\t3\t0\n"
HEADERS = {
    "OTU ID": PLAIN.format("#OTU ID"),
    "comment first": "# Constructed from biom file\n" + PLAIN.format("#OTU ID"),
    "prose with commas first": "# made by x, y, z\n# and\tw\n" + PLAIN.format("#OTU ID"),
    "prose before a plain header": "# made by x, y\n" + PLAIN.format("feature-id"),
    "bare #": PLAIN.format("#"),
    "unknown name after #": PLAIN.format("#Cluster"),
    "ASV_ID": PLAIN.format("ASV_ID"),
    "any name": PLAIN.format("cluster"),
    "no name": PLAIN.format(""),
    "R leaves the name out": PLAIN.format("").lstrip("\t"),
    "R leaves the name out, quoted": PLAIN.format("").lstrip("\t").replace("a\tb", '"a"\t"b"').replace("f", '"f').replace("\t", '"\t', 0),
    "trailing tabs everywhere": PLAIN.format("#OTU ID").replace("\n", "\t\n"),
    "trailing tabs in rows": PLAIN.format("#OTU ID").replace("\n", "\t\t\n").replace("b\t\t", "b"),
    "trailing tabs in the header": PLAIN.format("#OTU ID").replace("b\n", "b\t\t\n"),
    "blank lines": "\n" + PLAIN.format("#OTU ID").replace("\n", "\n\n") + "\n\t\t\n",
    "decimals": PLAIN.format("#OTU ID").replace("\t3\t", "\t3.0\t").replace("\t2\n", "\t2e0\n"),
    "blanks around numbers and the first name": PLAIN.format("#OTU ID ").replace("\t1\t0", "\t 1 \t 0 "),
    "commas": PLAIN.format("#OTU ID").replace("\t", ","),
    "commas, all quoted": '"' + PLAIN.format("#OTU ID").replace("\t", '","').replace("\n", '"\n"').rstrip('"'),
    "a spreadsheet's empty rows": PLAIN.format("OTU").replace("\t", ",") + ",,\n,,\n",
    "semicolons": PLAIN.format("OTU").replace("\t", ";"),
    "old Mac": PLAIN.format("OTU").replace("\n", "\r"),
    "no last newline": PLAIN.format("OTU").rstrip(),
    "byte-order mark": "\ufeff" + PLAIN.format("OTU"),
}
HEADERS["R leaves the name out, quoted"] = '"a"\t"b"\n"f1"\t1\t0\n"f2"\t0\t2\n"f3"\t3\t0\n'


@pytest.mark.parametrize("form", HEADERS)
def test_the_same_table_comes_out_of_every_form_of_header(tmp_path: Path, form: str) -> None:
    assert_the_counts(read(tmp_path, HEADERS[form]))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_text_is_unpacked(tmp_path: Path, pack: Any) -> None:
    assert_the_counts(read(tmp_path, pack(PLAIN.format("#OTU ID").encode())))


def test_ids_stay_the_strings_they_were_and_a_feature_may_begin_with_a_hash(tmp_path: Path) -> None:
    table = read(tmp_path, "#OTU ID\t001\t1e5\tS 1 x\n#f1\t1\t2\t3\n0010\t0\t0\t1\n'q\"\t1\t1\t1\nNA\t0\t0\t9\n")
    assert table.sample_ids == ("001", "1e5", "S 1 x")
    assert table.feature_ids == ("#f1", "0010", "'q\"", "NA")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("OTU;A;B\nf1;9,56;9,48\nf2;0,85;1,00\n", r"row 2 \('f1'\), sample 'A': the cell is '9,56', which is no number for its comma"),
        ("OTU\tA\tB\nf1\t4,706\t7,002\nf2\t24,662\t1,234,567\n", r"row 2 \('f1'\), sample 'A': the cell is '4,706'"),
        ("OTU\tA\tB\nf1\t4\t7\nf2\t24\t1,234\n", r"row 3 \('f2'\), sample 'B': the cell is '1,234'"),
        ("OTU\tA\tB\tC\nf1\t4\t7\t1,5\nf2\t24\t1\t2,5\n", r"row 2 \('f1'\), sample 'C': the cell is '1,5'"),
        ("sample\tA\tB\ns1\t4,0\t7,0\ns2\t1,0\t2,0\n", r"row 2 \('s1'\), sample 'A': the cell is '4,0'"),
    ],
)
def test_commas_of_decimals_and_thousands_are_named_by_row_and_cell(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, content)
    assert "with a decimal point" in str(caught.value)


def test_the_column_of_ids_is_never_counted_among_those_without_counts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no counts: its columns 'taxonomy' are text"):
        read(tmp_path, "#OTU ID\ttaxonomy\nf1\td__B; p__X\nf2\td__B; p__Y\n")


def test_blanks_around_ids_are_part_of_them_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, "#OTU ID\tA \tA\t taxonomy \n f1\t1\t2\td__B; p__X\nf1\t3\t4\td__B; p__Y\n")
    assert (table.sample_ids, table.feature_ids) == (("A ", "A"), (" f1", "f1"))
    assert table.values.toarray().tolist() == [[1, 3], [2, 4]]
    assert table.taxonomy is not None
    assert "blanks stand around 2 ids ('A ', ' f1')" in table.notes[0]
    assert table.format == "classic TSV, lineages in column 'taxonomy'"
    with pytest.raises(InputError, match="sample 1 of 2 has an empty id"):
        read(tmp_path, "#OTU ID\t \tB\nf1\t1\t2\n")


def test_a_header_that_is_unknown_and_rows_that_begin_with_a_hash_are_told_apart(tmp_path: Path) -> None:
    table = read(tmp_path, "# by x\n#Cluster\ta\tb\n#1\t1\t0\n#2\t0\t2\nf3\t3\t0\n")
    assert_the_counts(table, ("#1", "#2", "f3"))


ANNOTATED = {
    "taxonomy": ("#OTU ID\ta\tb\ttaxonomy\nf1\t1\t0\tk__B; p__X\nf2\t0\t2\t\nf3\t3\t0\tk__B\n", [("k__B; p__X",), (None,), ("k__B",)]),
    "blank first lineage, unknown name": (
        "#OTU ID\ta\tb\tsaid\nf1\t1\t0\t\nf2\t0\t2\tk__B; p__X\nf3\t3\t0\tk__B\n",
        [(None,), ("k__B; p__X",), ("k__B",)],
    ),
    "no name at all": ("#OTU ID\ta\tb\t\nf1\t1\t0\t\nf2\t0\t2\tk__B; p__X\nf3\t3\t0\tk__B\n", [(None,), ("k__B; p__X",), ("k__B",)]),
    "lineages in front": ("OTU\ttaxonomy\ta\tb\nf1\tk__B; p__X\t1\t0\nf2\t\t0\t2\nf3\tk__B\t3\t0\n", [("k__B; p__X",), (None,), ("k__B",)]),
    "quoted, with the delimiter inside": (
        'OTU,a,b,taxonomy\nf1,1,0,"k__B; p__X, sp. ""y"""\nf2,0,2,\nf3,3,0,k__B\n',
        [('k__B; p__X, sp. "y"',), (None,), ("k__B",)],
    ),
    "mothur's quotes are letters": (
        'OTU\ta\tb\ttaxonomy\nf1\t1\t0\tBacteria(100);"Bacteroidetes"(100);\nf2\t0\t2\t\nf3\t3\t0\t"X"(9);\n',
        [('Bacteria(100);"Bacteroidetes"(100);',), (None,), ('"X"(9);',)],
    ),
    "several behind": (
        "OTU\ta\tb\tsequence\tConsensus Lineage\tconfidence\nf1\t1\t0\tACGT\tk__B\t0.9\nf2\t0\t2\tGG\t\t1\nf3\t3\t0\tTT\tk__C\t0.5\n",
        [("k__B",), (None,), ("k__C",)],
    ),
    "numbers in front by name": ("OTU\tSize\tLength\ta\tb\nf1\t9\t250\t1\t0\nf2\t9\t251\t0\t2\nf3\t9\t250\t3\t0\n", None),
    "ranks": (
        "ID\tKingdom\tPhylum\tGenus\tSpecies_exact\tconfidence\ta\tb\nf1\tB\tP\tG\t\t1\t1\t0\nf2\tB\t\t\t\t0.9\t0\t2\nf3\tB\tQ\t\t\t1\t3\t0\n",
        [("B", "P", "G"), ("B", None, None), ("B", "Q", None)],
    ),
}


@pytest.mark.parametrize("form", ANNOTATED)
def test_columns_that_describe_features_are_no_samples(tmp_path: Path, form: str) -> None:
    text, expected = ANNOTATED[form]
    table = read(tmp_path, text)
    assert_the_counts(table)
    assert rows_of(table) == expected


def test_what_was_left_out_is_named_and_the_form_says_where_lineages_stood(tmp_path: Path) -> None:
    table = read(tmp_path, ANNOTATED["several behind"][0])
    assert table.format == "classic TSV, lineages in column 'Consensus Lineage'"
    assert table.notes == ("t.tsv: columns that hold no counts were left out: 'sequence', 'confidence'",)
    table = read(tmp_path, ANNOTATED["ranks"][0])
    assert table.format == "classic TSV, ranks in columns 'Kingdom', 'Phylum', 'Genus'"
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("domain", "phylum", "genus")


def test_a_first_lineage_after_many_blank_ones_is_still_found(tmp_path: Path) -> None:
    rows = "".join(f"f{i}\t{i}\t1\t{'k__B; p__X' if i == 90 else ''}\n" for i in range(100))
    table = read(tmp_path, "#OTU ID\ta\tb\twhat\n" + rows)
    assert table.sample_ids == ("a", "b")
    assert table.taxonomy is not None
    assert table.taxonomy.rows["f90"] == ("k__B; p__X",)
    assert table.taxonomy.rows["f0"] == (None,)


def test_lineages_as_ids_become_the_taxonomy(tmp_path: Path) -> None:
    table = read(tmp_path, "#OTU ID\ta\tb\nk__B;p__X\t0.5\t0\nk__B;p__Y\t0.5\t1\nUnassigned;Other\t0\t0\n")
    assert table.format == "classic TSV, lineages as feature ids"
    assert rows_of(table) == [("k__B;p__X",), ("k__B;p__Y",), ("Unassigned;Other",)]


# ---------------------------------------------------------------- samples in rows
def test_dada2s_table_of_samples_by_sequences_is_turned_and_keeps_the_sequences(tmp_path: Path) -> None:
    header = ",".join(f'"{s}"' for s in SEQUENCES)
    for text in (f'"",{header}\n"a",1,0,3\n"b",0,2,0\n', f"{header}\na,1,0,3\nb,0,2,0\n".replace(",", "\t")):
        table = read(tmp_path, text)
        assert_the_counts(table, tuple(SEQUENCES))
        assert "samples in rows" in table.format
        assert "named after features" in table.notes[0]


@pytest.mark.parametrize("corner", ["Group", "sample", "SampleID", "#SampleID", "sample-id", "Sample Name"])
def test_a_first_column_of_samples_says_that_samples_stand_in_rows(tmp_path: Path, corner: str) -> None:
    table = read(tmp_path, f'"{corner}","Blautia","Dorea","Size"\n"a",1,0,3\n"b",0,2,0\n')
    assert_the_counts(table, ("Blautia", "Dorea", "Size"))
    assert f"the first column is headed {corner!r}" in table.notes[0]


def test_a_sample_corner_does_not_turn_a_table_whose_rows_are_features(tmp_path: Path) -> None:
    assert_the_counts(read(tmp_path, PLAIN.format("Sample").replace("f", "OTU")), ("OTU1", "OTU2", "OTU3"))


def test_orientation_can_be_forced_and_is_said_to_be_taken_where_nothing_says_it(tmp_path: Path) -> None:
    taken = read(tmp_path, PLAIN.format("id"))
    assert_the_counts(taken)
    assert "nothing says where samples stand" in taken.notes[0]
    turned = read(tmp_path, "id\tx\ty\tz\na\t1\t0\t3\nb\t0\t2\t0\n", samples_in="rows")
    assert_the_counts(turned, ("x", "y", "z"))
    assert turned.notes == ()
    assert_the_counts(read(tmp_path, PLAIN.format("Sample"), samples_in="columns"))
    with pytest.raises(InputError, match="'rows' or 'columns' is expected"):
        read(tmp_path, PLAIN.format("id"), samples_in="sideways")


def test_shares_that_sum_to_one_by_row_say_that_samples_stand_in_rows(tmp_path: Path) -> None:
    table = read(tmp_path, "id\tx\ty\tz\na\t0.25\t0.5\t0.25\nb\t0.125\t0\t0.875\n")
    assert table.sample_ids == ("a", "b")
    assert "each row sums to the same whole" in table.notes[0]
    assert read(tmp_path, "id\ta\tb\nx\t0.25\t0.125\ny\t0.75\t0.875\n").sample_ids == ("a", "b")
    assert read(tmp_path, "id\ta\tb\nx\t0.25\t0.75\ny\t0.75\t0.25\n").sample_ids == ("a", "b")  # both sum to 1: as it is written


def test_an_option_that_means_nothing_for_a_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.biom was read as BIOM 1\.0 \(JSON\), for which --samples-in means nothing"):
        read(tmp_path, "{}", "t.biom", samples_in="rows")


@pytest.mark.parametrize("first", ["", '""'])
def test_row_numbers_that_pandas_or_r_put_before_the_ids_are_no_ids(tmp_path: Path, first: str) -> None:
    table = read(tmp_path, f"{first},OTU,a,b,taxonomy\n0,f1,1,0,k__B\n1,f2,0,2,\n2,f3,3,0,\n")
    assert_the_counts(table)
    assert rows_of(table) == [("k__B",), (None,), (None,)]
    assert table.notes == ("t.tsv: the first column numbers the rows and was left out; ids stand in column 'OTU'",)
    table = read(tmp_path, f"{first},sample,f1,f2,f3\n1,a,1,0,3\n2,b,0,2,0\n")
    assert_the_counts(table)
    assert "the first column numbers the rows" in table.notes[1]


def test_a_short_table_is_read_without_the_compiler(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(PLAIN.format("#OTU ID"))
    code = "import sys; from gutdiv.io.tables import read_abundance_table as r; r(sys.argv[1]); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "#OTU ID\ta\tb\tc\nf1\t1\tx\t1\nf2\t1\t2\t1\n",
            r"row 2 \('f1'\), sample 'b': the cell is 'x', which is no number. Write the read count",
        ),
        ("#OTU ID\ta\tb\tc\nf1\t1\tx\t1\nf2\t1\ty\t1\n", "The whole column 'b' is text. Name it 'taxonomy'"),
        ("#OTU ID\ta\tb\nf1\tNA\t1\nf2\tNA\t1\n", "sample 'a': the cell is 'NA'"),
        ("#OTU ID\ta\tb\nf1\t1\tNA\nf2\t1\tNA\n", "sample 'b': the cell is 'NA'"),
        ("#OTU ID\ta\tb\tc\nf1\t1\t1_000\t1\n", "'1_000', which is no number"),
        ("OTU;a;b\nf1;1,5;2\n", "without separators of thousands and with a decimal point"),
        ('OTU,a,b\nf1,"1,500",2\n', "without separators of thousands"),
        ("#OTU ID\ta\t\tb\nf1\t1\t2\t3\n", "sample 2 of 3 has an empty id"),
        ("#OTU ID\ta\tb\n\t1\t2\n", "feature 1 of 1 has an empty id"),
        ("#OTU ID\ta\tb\nf1\t1\t2\t3\n", "row 2 .*: 4 cells where the header has 3"),
        ("#OTU ID\ta\tb\n1\t1\t2\t3\n2\t1\t2\t3\n", "row 2 .*: 4 cells where the header has 3"),
        ("#OTU ID\ta\tb\nf1\t1\n", "row 2 .*: 2 cells where the header has 3"),
        ("f1\t0\t0\t5\nf2\t1\t0\t2\n", "seems to lack its header"),
        ("#OTU ID\ta\tb\n", "holds no table"),
        (">ASV_1\nACGT\n", "FASTA"),
        ("((a:1,b:2):1);\n", "Newick tree: give it with --tree"),
        ("OTU\tSize\tTaxonomy\nf1\t3\tBacteria\n", "holds no counts: its columns 'Size', 'Taxonomy'"),
        ("Run,Status\nS1,Control\nS2,COVID\n", "samples stand in rows, but 'Status' holds text, no counts.*--metadata"),
        ("sample\tage\tsex\ns1\t3\tm\ns2\t4\tf\n", "but 'sex' holds text"),
        (b"#OTU ID\ta\tb\nf1\t1\t2\n\xff2\t1\t2\n", "line 3: not UTF-8 text"),
        (b"#OTU ID\t\xe9a\tb\nf1\t1\t2\n", "line 1: not UTF-8 text"),
        (b"#OTU ID\ta\tb\ttaxonomy\nf1\t1\t2\tk__\xe9\n", "line 2: not UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_place_and_mend(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, text)
    assert "t.tsv" in str(caught.value)


def test_the_hierarchy_of_the_rdp_classifier_gives_each_taxons_own_reads(tmp_path: Path) -> None:
    up = "Root;rootrank;Bacteria;domain;"
    text = (
        "taxid\tlineage\tname\trank\ta\tb\n0\tnull\tRoot\trootrank\t10\t5\n"
        f"1\t{up}\tBacteria\tdomain\t10\t5\n2\t{up}P;phylum;\tP\tphylum\t7\t5\n7\t{up}P;phylum;G;genus;\tG\tgenus\t4\t0\n"
        f"-8\t{up}P;phylum;unclassified_P;;\tunclassified_P\t\t3\t5\n"
    )
    table = read(tmp_path, text)
    # by hand: domain 10 - 7 = 3 reads of its own in `a`; phylum 7 - 4 - 3 = 0 and 5 - 0 - 5 = 0
    assert table.feature_ids == ("1", "7", "-8")
    assert table.values.toarray().tolist() == [[3, 4, 3], [0, 0, 5]]
    assert [r[:2] + r[5:6] for r in rows_of(table) or ()] == [("Bacteria", None, None), ("Bacteria", "P", "G"), ("Bacteria", "P", None)]
    with pytest.raises(InputError, match=r"row 4 \('2'\): the taxon has fewer reads than the taxa below it"):
        read(tmp_path, text.replace("\t7\t5\n", "\t6\t5\n"))


# ---------------------------------------------------------------- real files
@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "age_claesson/original/otutable.txt.gz",
        "ob_turnbaugh/original/otutable.txt.gz",
        "formats/nfcore_ampliseq_results/feature-table.tsv",
        "formats/nfcore_ampliseq_results/abs-abund-table-6.tsv",
        "formats/nfcore_ampliseq_results/rel-table-6.tsv",
        "formats/nfcore_ampliseq_results/rel-table-ASV.tsv",
        "formats/nfcore_ampliseq_results/ASV_table.tsv",
    ],
)
def test_real_classic_tables_read_as_the_biom_library_reads_them(real_data: Path, name: str) -> None:
    path = real_data / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        peer = biom.Table.from_tsv(lines, None, None, lambda x: x)
    found = read_abundance_table(path)
    assert found.sample_ids == tuple(peer.ids())
    assert found.feature_ids == tuple(peer.ids("observation"))
    assert np.array_equal(found.values.toarray(), peer.matrix_data.toarray().T)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("age_claesson/original/otutable.txt.gz", "classic TSV"),
        ("ob_turnbaugh/original/otutable.txt.gz", "classic TSV"),
        ("crc_baxter_genus/original/baxter_genera_shared.csv", "CSV, samples in rows"),
        ("crc_hale_genus/original/hale_genera_shared.csv", "CSV, samples in rows"),
        ("healthy_poyet_genus/original/genera.counts.tsv", "classic TSV, samples in rows, lineages as feature ids"),
    ],
)
def test_real_originals_hold_the_counts_of_the_normalised_table_beside_them(real_data: Path, name: str, form: str) -> None:
    path = real_data / name
    found = read_abundance_table(path)
    assert found.format == form
    assert_same_counts(found, biom.load_table(str(path.parents[1] / "table.biom")), list(found.feature_ids))


@pytest.mark.real_data
@pytest.mark.parametrize("study", ["albataineh", "newsome", "ren", "schult"])
def test_real_tables_of_the_rdp_classifier_hold_the_counts_of_the_normalised_table(real_data: Path, study: str) -> None:
    folder = real_data / f"covid_{study}_genus"
    (path,) = (folder / "original").glob("*.tab.xz")
    found = read_abundance_table(path)
    rows = rows_of(found)
    assert rows is not None
    names = [";".join(f"{p}__{n or ''}" for p, n in zip("dpcofg", r, strict=False)) for r in rows]
    assert_same_counts(found, biom.load_table(str(folder / "table.biom")), names, exact_names=False)


def assert_same_counts(found: RawTable, peer: biom.Table, names: list[str], *, exact_names: bool = True) -> None:
    """The peer's samples hold the same counts; features that the peer lacks hold no read in them."""
    place = {s: i for i, s in enumerate(found.sample_ids)}
    ours = found.values[[place[s] for s in peer.ids()]].tocsc()
    column = {n: j for j, n in enumerate(names)}
    theirs = peer.matrix_data.T.tocsc()
    if exact_names:
        kept = [column[f] for f in peer.ids("observation")]
        assert (ours[:, kept] != theirs).nnz == 0
        assert ours.sum() == theirs.sum()
        return
    # The peer spells unclassified taxa in a way of its own: those are compared as a multiset of columns.
    shared = [(column[f], k) for k, f in enumerate(peer.ids("observation")) if f in column and names.count(f) == 1]
    assert len(shared) > 0.7 * len(peer.ids("observation"))
    assert (ours[:, [j for j, _ in shared]] != theirs[:, [k for _, k in shared]]).nnz == 0
    columns = [sorted(tuple(c) for c in m.toarray().T.tolist() if any(c)) for m in (ours, theirs)]
    assert columns[0] == columns[1]


@pytest.mark.real_data
def test_a_real_table_of_shares_with_rs_header_reads_as_pandas_reads_it(real_data: Path) -> None:
    path = real_data / "formats/relative_abundance_wgs/HMP2_taxonomy.tsv"
    peer = pd.read_csv(path, sep="\t", dtype=str)
    found = read_abundance_table(path)
    assert found.sample_ids == tuple(peer.index)
    assert found.feature_ids == tuple(peer.columns)
    assert np.array_equal(found.values.toarray(), [list(map(float, row)) for row in peer.itertuples(index=False)])


@pytest.mark.real_data
def test_the_real_table_with_ranks_in_front_reads_as_pandas_reads_it(real_data: Path) -> None:
    path = real_data / "formats/nfcore_ampliseq_results/rel-table-ASV_with-DADA2-tax.tsv"
    peer = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, index_col="ID")
    found = read_abundance_table(path)
    assert found.sample_ids == ("SAMPLE1_PE",)
    assert found.feature_ids == tuple(peer.index)
    assert found.values.toarray()[0].tolist() == [float(c) for c in peer["SAMPLE1_PE"]]
    assert found.taxonomy is not None
    ranks = ["Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "Species"]
    assert [tuple(c or "" for c in r) for r in rows_of(found) or ()] == list(peer[ranks].itertuples(index=False, name=None))
