"""R's files without R: every kind of object that holds a table, as R wrote it, and files that are damaged or hostile."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from pathlib import Path

import numpy as np
import pytest

from gutdiv.errors import InputError
from gutdiv.io.r.files import read_r_table, read_r_taxonomy
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy

FILES = Path(__file__).parent / "fixtures"
# What fixtures/make_rdata.R makes by formula.
SAMPLES = ("7", "08", "s.3", "1-a", "T 5", "6e1")
FEATURES = tuple(f"ASV_{i}" for i in range(1, 9))
COUNTS = np.array([[(7 * i + 3 * j) % 5 for i in range(1, 9)] for j in range(1, 7)], dtype=float)
RANKS = ("domain", "phylum", "class", "order", "family", "genus", "species")
LINEAGES = {f: (*["Bacteria"] * 5, "Sälgella" if i == 1 else f"Genus{i}", None) for i, f in enumerate(FEATURES, start=1)}


def assert_holds_the_counts(table: object, counts: np.ndarray = COUNTS) -> None:
    assert table.sample_ids == SAMPLES
    assert table.feature_ids == FEATURES
    np.testing.assert_array_equal(table.values.toarray(), counts)


# ---------------------------------------------------------------- phyloseq
@pytest.mark.parametrize("name", ["phyloseq.rds", "phyloseq_v2.rds", "phyloseq_native.rds"])
def test_a_phyloseq_object_is_read_with_all_its_parts_from_every_form_of_rds(name: str) -> None:
    table = read_abundance_table(FILES / name)
    assert_holds_the_counts(table)
    assert table.format == "phyloseq object of R"
    assert table.origin["taxa_are_rows"] == "TRUE"
    assert table.taxonomy.ranks == RANKS
    assert table.taxonomy.rows == LINEAGES
    assert set(table.tree.tree.tip_names) == set(FEATURES)
    assert table.tree.rooted
    assert float(table.tree.tree.length.sum()) == 14.875  # the lengths in make_rdata.R: 1+2+0.5+0.25+1+1+1+1+3+1+1+1+1+0.125
    assert any("reference sequences" in n for n in table.notes)


def test_metadata_cells_are_the_strings_that_r_prints() -> None:
    about = read_r_table(FILES / "phyloseq.rds").metadata
    assert about.ids == SAMPLES
    assert about.columns == {
        "group": ("b", "a", "b", None, "a", "b"),
        "age": ("30", None, "41", "5", "60", "7"),
        "ph": ("100000", "0.3", None, "-2.5", "0.333333333333333", "7"),  # as.character: 15 significant digits
        "smoker": ("TRUE", "FALSE", None, "TRUE", "FALSE", "TRUE"),
        "note": ("x", None, None, "y", None, "z;\tw"),
        "day": ("2020-02-29", None, "1969-12-31", "2000-01-01", "1999-12-31", "2021-06-01"),
    }
    assert about.kinds == {
        "group": "categorical",
        "age": "numeric",
        "ph": "numeric",
        "smoker": "categorical",
        "note": "categorical",
        "day": "categorical",
    }


def test_taxa_in_columns_numbered_ranks_and_an_unrooted_tree_come_in_as_they_are() -> None:
    table = read_abundance_table(FILES / "turned.rda")
    assert_holds_the_counts(table)
    assert table.origin["taxa_are_rows"] == "FALSE"
    assert table.taxonomy.ranks == RANKS
    assert table.taxonomy.rows == LINEAGES
    assert any("Rank1 to Rank7" in n for n in table.notes)
    assert not table.tree.rooted  # ape::unroot leaves a base of three branches


def test_the_user_may_overrule_where_samples_stand() -> None:
    table = read_abundance_table(FILES / "phyloseq.rds", samples_in="rows")
    assert table.sample_ids == FEATURES
    assert table.feature_ids == SAMPLES


def test_parts_that_cannot_be_used_are_left_out_and_named_in_notes() -> None:
    table = read_abundance_table(FILES / "odd.rds")
    assert_holds_the_counts(table)
    assert table.tree is None
    assert any("tree in the file was not used" in n and "without a length" in n for n in table.notes)
    assert table.taxonomy is None
    assert any("none of its columns is named for a rank ('first', 'second')" in n for n in table.notes)
    assert table.metadata.columns == {"sample_id_": tuple("abcdef"), "weight": tuple("123456")}
    assert any("is called 'sample_id_' here" in n for n in table.notes)


def test_a_list_holds_its_table_and_a_tree_with_a_root_edge_is_rooted() -> None:
    table = read_abundance_table(FILES / "list.rds")
    assert_holds_the_counts(table)
    assert table.tree.rooted  # ape::is.rooted: the tree has a root.edge


# ---------------------------------------------------------------- Bioconductor
def test_assays_of_which_none_is_named_counts_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"2 assays \('scaled', 'logged'\), and none is named 'counts'"):
        read_abundance_table(FILES / "experiment_unclear.rds")


def test_a_summarized_experiment_gives_its_counts_row_data_and_column_data() -> None:
    table = read_abundance_table(FILES / "experiment.rds")
    assert_holds_the_counts(table)
    assert table.taxonomy.ranks == RANKS[:6]
    assert table.taxonomy.rows == {f: c[:6] for f, c in LINEAGES.items()}
    assert table.metadata.columns["runs"] == ("x", "x", "x", "x", "y", "y")  # a run-length encoded column
    assert any("relabundance" in n for n in table.notes)


def test_a_tree_summarized_experiment_links_its_rows_to_tips_by_number() -> None:
    table = read_abundance_table(FILES / "tree_experiment.rds")
    assert_holds_the_counts(table)  # a sparse dgCMatrix
    assert table.format.startswith("TreeSummarizedExperiment")
    assert set(table.tree.tree.tip_names) == {*FEATURES[:7], "tip8"}  # the eighth row is linked to the root
    assert any("1 feature of" in n for n in table.notes)


# ---------------------------------------------------------------- matrices, frames and several objects
def test_a_workspace_gives_the_one_table_and_what_unmistakably_belongs_to_it() -> None:
    table = read_abundance_table(FILES / "workspace.RData")
    counts = COUNTS.copy()
    counts[1, 1] = np.nan  # NA stays visible, to be judged later
    assert_holds_the_counts(table, counts)
    assert table.taxonomy.rows == LINEAGES
    assert table.metadata.ids == SAMPLES
    assert table.tree.rooted
    assert [n for n in table.notes if "also holds" in n and "far" in n and "how" in n]


def test_an_ascii_workspace_holds_the_same() -> None:
    table, other = read_abundance_table(FILES / "workspace_ascii.rda"), read_abundance_table(FILES / "workspace.RData")
    np.testing.assert_array_equal(table.values.toarray(), other.values.toarray())
    assert table.taxonomy.rows == other.taxonomy.rows
    assert table.metadata.columns == other.metadata.columns


def test_two_tables_in_one_file_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"holds 2 objects that may be the table: 'otu', 'other'.*saveRDS"):
        read_abundance_table(FILES / "two_tables.RData")


def test_dada2_has_samples_in_rows_and_sequences_as_ids() -> None:
    table = read_abundance_table(FILES / "seqtab.rds")
    assert table.sample_ids == SAMPLES
    assert table.feature_ids[4] == "ACGT" * 13 + "AA"
    np.testing.assert_array_equal(table.values.toarray(), COUNTS)
    assert table.origin["samples_in"] == "rows"
    assert table.notes == ()


def test_a_taxonomy_with_bootstraps_is_a_taxonomy_and_no_table() -> None:
    assert read_r_taxonomy(FILES / "tax_boot.rds").rows == LINEAGES
    assert read_taxonomy(FILES / "workspace.RData").rows == LINEAGES
    assert read_r_taxonomy(FILES / "phyloseq.rds").rows == LINEAGES
    with pytest.raises(InputError, match=r"tax_boot.rds holds no abundance table.*--taxonomy"):
        read_abundance_table(FILES / "tax_boot.rds")
    with pytest.raises(InputError, match=r"seqtab.rds holds no taxonomy"):
        read_r_taxonomy(FILES / "seqtab.rds")


def test_vectors_that_r_stores_as_recipes_unfold() -> None:
    table = read_abundance_table(FILES / "altrep.rds")
    assert table.feature_ids == tuple(str(n) for n in range(101, 109))
    assert table.sample_ids == ("1.5", "2", "3", "4", "5", "6")
    np.testing.assert_array_equal(table.values.toarray(), COUNTS)
    assert any("--samples-in" in n for n in table.notes)  # nothing tells rows from columns here


def test_a_data_frame_with_a_column_of_ids_and_one_of_lineages_is_a_table() -> None:
    table = read_abundance_table(FILES / "frame.rds")
    assert_holds_the_counts(table)
    assert table.taxonomy.ranks == ("lineage",)
    assert table.taxonomy.rows["ASV_3"] == ("k__Bacteria; g__Genus3",)


# ---------------------------------------------------------------- damaged and hostile files
@pytest.mark.parametrize("name", ["phyloseq.rds", "workspace.RData", "workspace_ascii.rda", "phyloseq_native.rds", "tree_experiment.rds"])
def test_a_file_cut_off_anywhere_is_refused_by_name(name: str, tmp_path: Path) -> None:
    packed = (FILES / name).read_bytes()
    whole = bz2.decompress(packed) if packed[:3] == b"BZh" else gzip.decompress(packed)
    path = tmp_path / name
    for end in [*range(1, 40), *range(40, len(whole) - 1, max(1, len(whole) // 50)), len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match=r"phyloseq|workspace|tree_experiment"):
            read_r_table(path)
    for end in (7, len(packed) // 2, len(packed) - 3):
        path.write_bytes(packed[:end])
        with pytest.raises(InputError, match=r"Copy it again|is no R file"):
            read_r_table(path)


@pytest.mark.parametrize("name", ["phyloseq.rds", "workspace.RData", "tree_experiment.rds"])
def test_a_file_with_wrong_bytes_is_read_or_refused_and_never_breaks_the_program(name: str, tmp_path: Path) -> None:
    packed = (FILES / name).read_bytes()
    whole = bz2.decompress(packed) if packed[:3] == b"BZh" else gzip.decompress(packed)
    rng = np.random.default_rng(5)
    path = tmp_path / name
    messages = []
    for _ in range(200):
        wrong = bytearray(whole)
        for at in rng.integers(14, len(whole), size=2):
            wrong[at] = rng.integers(256)
        path.write_bytes(wrong)
        try:
            read_r_table(path)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 25
    assert all(name in message for message in messages)


def _int(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def _text(text: str) -> bytes:
    return _int(9 | 64 << 12, len(text)) + text.encode()


HEAD = b"X\n" + _int(2, 0x040200, 0x020300)


def test_lists_without_end_within_lists_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.rds"
    path.write_bytes(gzip.compress(HEAD + _int(19, 1) * 200_000 + _int(254)))
    with pytest.raises(InputError, match=r"deep.rds.*nested too deeply"):
        read_r_table(path)


def _named(name: str, value: bytes) -> bytes:
    return _int(2 | 0x400) + _int(1) + _text(name) + value  # a pair with a tag


def _matrix(dim: bytes, *, rows: tuple[str, ...] = ("OTU1", "OTU2"), columns: tuple[str, ...] = ("a", "b")) -> bytes:
    names = b"".join(_int(16, len(ids)) + b"".join(map(_text, ids)) for ids in (rows, columns))
    return _int(13 | 0x200, 4, 1, 2, 3, 4) + _named("dim", dim) + _named("dimnames", _int(19, 2) + names) + _int(254)


def test_a_workspace_of_thousands_of_objects_is_read(tmp_path: Path) -> None:
    objects = b"".join(_named(f"x{i}", _int(13, 1, i)) for i in range(5000))
    path = tmp_path / "many.RData"
    path.write_bytes(b"RDX2\n" + HEAD + objects + _named("otu", _matrix(_int(13, 2, 2, 2))) + _int(254))
    table = read_r_table(path)
    assert table.sample_ids == ("a", "b")
    np.testing.assert_array_equal(table.values.toarray(), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("more than 5,000 objects", _int(19, 2**31 - 1) + _int(254) * 5_001),
        ("cannot be read to its end", _int(14, 2**31 - 1) + b"\0" * 16),
        ("cannot be read to its end", _int(13, -1, 2**30, 0)),
        (
            "a sequence of",
            _int(238, 2) + _int(1) + _text("compact_intseq") + _int(254) + _int(14, 3) + struct.pack(">3d", 1e12, 1, 1) + _int(254),
        ),
    ],
)
def test_a_file_that_claims_to_be_endless_is_refused_before_memory_is_spent(
    what: str, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gutdiv.io.r.serial.MAX_OBJECTS", 5000)
    path = tmp_path / "endless.rds"
    path.write_bytes(gzip.compress(HEAD + body))
    with pytest.raises(InputError, match=f"endless.rds.*{what}"):
        read_r_table(path)


@pytest.mark.parametrize(
    "body",
    [
        _matrix(_int(13, 2, -1, 4)),
        _matrix(_int(13, 2, 4, 1)),
        _matrix(_int(13, 2, 3, 2)),
        _matrix(_int(13, 2, 2, 2), rows=("OTU1", "OTU2", "OTU3")),
        _int(19 | 0x300, 1)
        + _int(13, 1, 5)
        + _named("names", _int(16, 1) + _text("s"))
        + _named("class", _int(16, 1) + _text("data.frame"))
        + _named("row.names", _int(13, 2, -(2**31), -2_000_000_000))
        + _int(254),
    ],
    ids=["negative", "turned", "too large", "ids to spare", "rows without end"],
)
def test_an_object_that_does_not_hold_what_it_claims_is_refused(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wrong.rds"
    path.write_bytes(HEAD + body)
    with pytest.raises(InputError, match=r"wrong.rds.*not as their classes say"):
        read_r_table(path)


def test_a_bomb_is_refused_without_being_unpacked_where_it_is_no_r_file(tmp_path: Path) -> None:
    path = tmp_path / "bomb.rds"
    path.write_bytes(lzma.compress(b"\0" * 50_000_000))
    with pytest.raises(InputError, match=r"bomb.rds is no R file"):
        read_abundance_table(path)


def test_an_unpacked_size_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gutdiv.io.r.serial.MAX_UNPACKED", 1 << 20)
    path = tmp_path / "large.rds"
    path.write_bytes(gzip.compress(HEAD + b"\0" * (3 << 20)))
    with pytest.raises(InputError, match=r"large.rds unpacks to more than"):
        read_r_table(path)
