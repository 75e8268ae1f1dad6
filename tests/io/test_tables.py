"""Tables as they come, and the same counts whatever the format."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gutdiv.errors import InputError
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

COUNTS = np.array([[1, 0, 3], [0, 2, 0]])  # samples a, 007 x features f1, 2, f#3
CLASSIC = "# Constructed from biom file\n#OTU ID\ta\t007\ttaxonomy\nf1\t1\t0\t\n2\t0\t2.0\tk__Bacteria; p__X\nf#3\t3\t0\tk__Bacteria\n"


def carried_lineages(table: RawTable) -> dict[str, str | None] | None:
    return None if table.taxonomy is None else {f: cells[0] for f, cells in table.taxonomy.rows.items()}


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("variant", ["plain", "gzip", "crlf", "bom", "no comment", "no lineages"])
def test_classic_text_reads_to_the_same_counts_in_every_variant(tmp_path: Path, variant: str) -> None:
    text = CLASSIC
    if variant == "no comment":
        text = text.split("\n", 1)[1].replace("#OTU ID", "ASV_ID")
    if variant == "no lineages":
        text = "".join("\t".join(line.split("\t")[:3]) + "\n" for line in text.splitlines()[1:])
    raw = text.encode()
    raw = {"gzip": gzip.compress(raw), "crlf": text.replace("\n", "\r\n").encode(), "bom": b"\xef\xbb\xbf" + raw}.get(variant, raw)
    table = read_abundance_table(write(tmp_path, "t.tsv", raw))
    assert table.sample_ids == ("a", "007")
    assert table.feature_ids == ("f1", "2", "f#3")
    assert np.array_equal(table.values.toarray(), COUNTS)
    expected = None if variant == "no lineages" else {"f1": None, "2": "k__Bacteria; p__X", "f#3": "k__Bacteria"}
    assert carried_lineages(table) == expected


@pytest.mark.parametrize("shape", ["sparse", "dense"])
@pytest.mark.parametrize("taxonomy", ["list", "text", "none"])
def test_biom_1_reads_to_the_same_counts(tmp_path: Path, shape: str, taxonomy: str) -> None:
    lineage = {"list": ["k__Bacteria", "p__X", ""], "text": "k__Bacteria; p__X", "none": None}[taxonomy]
    about = None if lineage is None else {"Taxonomy": lineage}
    cells = [[j, i, int(COUNTS[i, j])] for i in range(2) for j in range(3) if COUNTS[i, j]] if shape == "sparse" else COUNTS.T.tolist()
    content = {
        "rows": [{"id": f, "metadata": about} for f in ("f1", "2", "f#3")],
        "columns": [{"id": s, "metadata": None} for s in ("a", "007")],
        "matrix_type": shape,
        "shape": [3, 2],
        "data": cells,
    }
    table = read_abundance_table(write(tmp_path, "t.biom", json.dumps(content)))
    assert np.array_equal(table.values.toarray(), COUNTS)
    assert carried_lineages(table) == (None if lineage is None else dict.fromkeys(("f1", "2", "f#3"), "k__Bacteria; p__X"))


def test_biom_2_written_by_its_own_library_reads_to_the_same_counts(tmp_path: Path) -> None:
    import biom
    import h5py

    about = [{"taxonomy": ["k__Bacteria", "p__X"]}, {"taxonomy": ["k__Bacteria", ""]}, {"taxonomy": ["k__Archaea", ""]}]
    with h5py.File(tmp_path / "t.biom", "w") as file:
        biom.Table(COUNTS.T, ["f1", "2", "f#3"], ["a", "007"], about).to_hdf5(file, "test")
    table = read_abundance_table(tmp_path / "t.biom")
    assert table.sample_ids == ("a", "007")
    assert np.array_equal(table.values.toarray(), COUNTS)
    assert carried_lineages(table) == {"f1": "k__Bacteria; p__X", "2": "k__Bacteria", "f#3": "k__Archaea"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("#OTU ID\ta\tb\nf1\t1\tx\nf2\t1\t2\n", "row 2 .*'f1'.*mixes numbers and text"),
        ("#OTU ID\ta\tb\nf1\tx\t1\n", "row 2 .*'f1'.*sample 'a'.*'x', which is no number"),
        ("#OTU ID\ta\tb\nf1\t\t1\n", "the cell is empty"),
        ("#OTU ID\ta\tb\nf1\t1\n", "row 2.*2 cells where the header has 3"),
        ("#OTU ID\ta\ta\nf1\t1\t2\n", "1 sample id more than once: 'a'"),
        ("#OTU ID\ta\tb\nf1\t1\t2\nf1\t1\t2\n", "1 feature id more than once: 'f1'"),
        ("OTU a b\nf1 1 2\n", "separated by blanks: save it with tabs"),
        ("", "is empty"),
        ("# only\n# comments\n", "only comments"),
        ("#OTU ID\ta\n".encode("utf-16"), "UTF-16"),
        (b"\x00\x01\x02\xff" * 50, "binary file"),
        (b"\x89HDF\r\n\x1a\nrubbish", "begins as HDF5 but is damaged"),
        ('{"rows": [', "no whole BIOM 1.0"),
        (gzip.compress(b"#OTU ID\ta\n" * 100, mtime=0)[:-20], "damaged gzip"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_file_row_and_mend(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_abundance_table(write(tmp_path, "bad.tsv", content))
    assert "bad.tsv" in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"'nowhere.biom' does not exist"):
        read_abundance_table("nowhere.biom")


@pytest.mark.parametrize(
    ("text", "ranks", "first"),
    [
        ("Feature ID\tTaxon\tConfidence\nf1\tk__B; p__X\t0.9\n", ("lineage",), ("k__B; p__X",)),
        ("feature_id\tKingdom\tPhylum\tGenus\nf1\tB\t\tG\n", ("domain", "phylum", "genus"), ("B", None, "G")),
        ("f1\tk__B; p__X\nf2\tk__B\n", ("lineage",), ("k__B; p__X",)),
    ],
)
def test_taxonomies_of_each_form_are_read(tmp_path: Path, text: str, ranks: tuple[str, ...], first: tuple[str, ...]) -> None:
    found = read_taxonomy(write(tmp_path, "x.tsv", text))
    assert found.ranks == ranks
    assert found.rows["f1"] == first


@pytest.mark.real_data
@pytest.mark.parametrize("study", ["hct_taur", "crc_baxter_genus", "ibd_papa", "thdmi_asv"])
def test_real_biom_tables_read_as_the_biom_library_reads_them(real_data: Path, study: str) -> None:
    import biom

    expected = biom.load_table(str(real_data / study / "table.biom"))
    found = read_abundance_table(real_data / study / "table.biom")
    assert found.sample_ids == tuple(expected.ids())
    assert found.feature_ids == tuple(expected.ids("observation"))
    assert (found.values != expected.matrix_data.T.tocsr()).nnz == 0
