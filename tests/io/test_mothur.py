"""mothur's .shared tables and its two forms of taxonomies."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import biom
import numpy as np
import pandas as pd
import pytest

from gutdiv.errors import InputError
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "label\tGroup\tnumOtus\tOtu1\tOtu2\tOtu3"
ONE = f"{HEADER}\n0.03\t2003650\t3\t1\t0\t3\n0.03\t007\t3\t0\t2\t0\n"
SEVERAL = f"{HEADER}\nunique\ta\t3\t1\t0\t3\nunique\tb\t3\t0\t2\t0\n0.03\ta\t2\t1\t3\n0.03\tb\t2\t2\t0\n"
COUNTS = [[1, 0, 3], [0, 2, 0]]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("variant", ["plain", "gzip", "crlf", "bom", "trailing tabs", "capitals", "no last line end"])
def test_a_shared_table_reads_to_the_same_counts_in_every_variant_and_numeric_groups_stay_text(tmp_path: Path, variant: str) -> None:
    text = {
        "trailing tabs": ONE.replace("\n", "\t\n"),
        "crlf": ONE.replace("\n", "\r\n"),
        "capitals": ONE.replace("label\tGroup\tnumOtus", "Label\tgroup\tnumotus"),
        "no last line end": ONE.rstrip(),
    }.get(variant, ONE)
    raw = {"gzip": gzip.compress(text.encode()), "bom": b"\xef\xbb\xbf" + text.encode()}.get(variant, text.encode())
    table = read_abundance_table(write(tmp_path / "t.shared", raw))
    assert table.sample_ids == ("2003650", "007")
    assert table.feature_ids == ("Otu1", "Otu2", "Otu3")
    assert table.values.toarray().tolist() == COUNTS
    assert table.format == "mothur .shared, label 0.03"
    assert table.origin["label"] == "0.03"


def test_of_several_labels_one_must_be_chosen_and_the_first_names_are_its_otus(tmp_path: Path) -> None:
    path = write(tmp_path / "t.shared", SEVERAL)
    with pytest.raises(InputError, match=r"t\.shared holds 2 labels \('unique', '0\.03'\).*--label 0\.03"):
        read_abundance_table(path)
    with pytest.raises(InputError, match=r"no label '0\.05'; it holds 'unique', '0\.03'"):
        read_abundance_table(path, label="0.05")
    assert read_abundance_table(path, label="unique").values.toarray().tolist() == COUNTS
    table = read_abundance_table(path, label="0.03")
    assert table.feature_ids == ("Otu1", "Otu2")
    assert table.values.toarray().tolist() == [[1, 3], [2, 0]]
    assert table.notes == (
        "t.shared: label 0.03 was read, 'unique' left out.",
        "t.shared: the header names 3 OTUs, label 0.03 has 2; as mothur does, the first names were taken for them.",
    )


def test_a_label_below_a_header_of_its_own_takes_that_headers_names(tmp_path: Path) -> None:
    text = f"{ONE}label\tGroup\tnumOtus\tOtu01\tOtu02\n0.05\t007\t2\t4\t5\n"
    table = read_abundance_table(write(tmp_path / "t.shared", text), label="0.05")
    assert table.feature_ids == ("Otu01", "Otu02")
    assert table.values.toarray().tolist() == [[4, 5]]


def test_relative_abundances_are_named_in_the_format(tmp_path: Path) -> None:
    text = ONE.replace("\t1\t0\t3\n", "\t0.25\t0\t0.75\n").replace("\t0\t2\t0\n", "\t0\t1\t0\n")
    table = read_abundance_table(write(tmp_path / "t.txt", text))
    assert table.format == "mothur .relabund (relative abundances), label 0.03"
    assert table.values.toarray().tolist() == [[0.25, 0, 0.75], [0, 1, 0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE.replace("007\t3", "007\t4"), r"row 3 \('007'\): numOtus is 4, but it is 3 in the rows above"),
        (ONE.replace("\tOtu3", ""), r"row 2 \('2003650'\): numOtus is 3, but the header names 2 OTUs"),
        (ONE.replace("2003650\t3", "2003650\t2"), r"row 2 .*numOtus is 2, but the header names 3 OTUs"),
        (ONE.replace("007\t3", "007\tx"), r"row 3: 'x' stands where numOtus"),
        (ONE.replace("\t2\t0\n", "\t2\n"), r"row 3 .*5 cells where the header has 6"),
        (ONE.replace("\t2\t0\n", "\t2\t0\t1\n"), r"row 3 .*7 cells where the header has 6"),
        (ONE.replace("\t2\t0\n", "\tNA\t0\n"), r"row 3, sample '007', OTU 'Otu2': the cell is 'NA', which is no number"),
        (ONE.replace("\t2\t0\n", "\t\t0\n"), r"row 3, sample '007', OTU 'Otu2': the cell is empty"),
        (ONE.replace("007", "2003650"), r"1 sample id more than once: '2003650'"),
        (ONE.replace("Otu3", "Otu2"), r"1 feature id more than once: 'Otu2'"),
        (f"{HEADER}\n", "holds a header but no sample"),
        (f"{ONE}{HEADER}4\n0.03\tz\t3\t1\t1\t1\n", r"row 5: label '0\.03' stands below two headers that differ"),
    ],
)
def test_a_shared_table_that_does_not_fit_itself_is_refused_with_row_and_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_abundance_table(write(tmp_path / "t.shared", text))
    assert str(caught.value).startswith("t.shared")


def test_a_label_means_nothing_to_other_formats(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="for which --label means nothing"):
        read_abundance_table(write(tmp_path / "t.tsv", "#OTU ID\ta\nf\t1\n"), label="0.03")


def test_both_forms_of_mothurs_taxonomy_read_to_the_lineages_as_they_are_spelled(tmp_path: Path) -> None:
    quoted = '"Bacteria(100);Firmicutes(98);Lachnospiraceae_unclassified(60);"'
    inner = 'Bacteria(100);"Bacteroidetes"(100);'
    whole = f"OTU\tSize\tTaxonomy\nOtu1\t12\t{quoted}\nOtu2\t1\t{inner}\n"
    found = read_taxonomy(write(tmp_path / "t.cons.taxonomy", whole))
    assert found.rows == {"Otu1": (quoted.strip('"'),), "Otu2": (inner,)}
    assert found.format == "mothur .cons.taxonomy"
    plain = read_taxonomy(write(tmp_path / "t.taxonomy", f"Otu1\t{quoted}\nOtu2\t{inner}\n"))
    assert plain.rows == found.rows
    assert plain.format == "mothur .taxonomy"


SETS = {"hmp_sze_bmi": "hmp", "ob_escobar": "escobar", "ob_ross": "ross", "ob_wu_combo": "wu", "ob_zeevi_israel": "zeevi"}


@pytest.mark.real_data
@pytest.mark.parametrize("study", SETS)
def test_real_shared_tables_read_to_the_counts_of_the_copy_in_biom_and_fit_their_taxonomies(real_data: Path, study: str) -> None:
    folder = real_data / study / "original"
    table = read_abundance_table(folder / f"{SETS[study]}.shared.gz")
    peer = biom.load_table(str(real_data / study / "table.biom"))  # without what holds no read
    samples, features = (np.flatnonzero(np.asarray(table.values.sum(axis=a)).ravel()) for a in (1, 0))
    assert {table.sample_ids[i] for i in samples} == set(peer.ids())
    assert {table.feature_ids[j] for j in features} == set(peer.ids("observation"))
    ordered = peer.sort_order([table.feature_ids[j] for j in features], "observation").sort_order([table.sample_ids[i] for i in samples])
    assert (table.values[samples][:, features] != ordered.matrix_data.T.tocsr()).nnz == 0
    taxonomy = read_taxonomy(folder / f"{SETS[study]}.taxonomy.gz")
    assert taxonomy.rows.keys() == set(table.feature_ids)
    assert taxonomy.format == "mothur .cons.taxonomy"
    assert all(cells[0] and cells[0].endswith(");") for cells in taxonomy.rows.values())


@pytest.mark.real_data
def test_the_example_of_mothur_reads_as_pandas_reads_it(real_data: Path) -> None:
    folder = real_data / "formats" / "mothur"
    table = read_abundance_table(folder / "mothur_example.shared")
    peer = pd.read_csv(folder / "mothur_example.shared", sep="\t", dtype={"label": str, "Group": str})
    peer = peer.loc[:, [c for c in peer.columns if not c.startswith("Unnamed")]]  # the header ends in a tab
    assert table.sample_ids == tuple(peer["Group"])
    assert table.feature_ids == tuple(peer.columns[3:])
    assert np.array_equal(table.values.toarray(), peer.iloc[:, 3:].to_numpy(dtype=float))
    assert table.origin["label"] == "1"
    forms = [read_taxonomy(folder / f"mothur_example.{name}") for name in ("taxonomy", "cons.taxonomy")]
    assert forms[0].rows == forms[1].rows
    assert forms[0].rows.keys() == set(table.feature_ids)
    assert forms[0].rows["Otu002"] == (
        "Bacteria(100);Firmicutes(100);Clostridia(100);Clostridiales(100);Ruminococcaceae(100);Faecalibacterium(100);",
    )
