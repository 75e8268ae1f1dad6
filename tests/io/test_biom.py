"""BIOM in every spelling that programs write, and the real files as the biom-format library reads them."""

from __future__ import annotations

import gzip
import json
import lzma
from typing import TYPE_CHECKING, Any

import biom
import h5py
import numpy as np
import pytest

from gutdiv.errors import InputError
from gutdiv.io.biom import write_biom_hdf5
from gutdiv.io.tables import read_abundance_table

if TYPE_CHECKING:
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

COUNTS = np.array([[1.0, 0, 3], [0, 2, 0]])  # samples ` a`, 007 x features f1, 2, #f 3
SAMPLES, FEATURES = (" a", "007"), ("f1", "2", "#f 3")


def write_hdf5(path: Path, of_features: Any = None, of_samples: Any = None, **groups: Any) -> Path:
    with h5py.File(path, "w") as file:
        biom.Table(COUNTS.T, list(FEATURES), list(SAMPLES), of_features, of_samples, **groups).to_hdf5(file, "test")
    return path


def json_table(of_features: Any = None, of_samples: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "format": "Biological Observation Matrix 1.0.0",
        "rows": [{"id": f, "metadata": of_features[j] if of_features else None} for j, f in enumerate(FEATURES)],
        "columns": [{"id": s, "metadata": of_samples[i] if of_samples else None} for i, s in enumerate(SAMPLES)],
        "matrix_type": "sparse",
        "shape": [3, 2],
        "data": [[0, 0, 1], [2, 0, 3], [1, 1, 2]],
        **more,
    }


def read_json(tmp_path: Path, content: Any) -> RawTable:
    (tmp_path / "t.biom").write_text(json.dumps(content))
    return read_abundance_table(tmp_path / "t.biom")


def lineages(table: RawTable) -> list[tuple[str | None, ...]]:
    assert table.taxonomy is not None
    return [table.taxonomy.rows[f] for f in FEATURES]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
@pytest.mark.parametrize("version", ["json", "hdf5"])
def test_packed_biom_reads_as_unpacked_and_no_id_is_cast_or_stripped(tmp_path: Path, pack: Any, version: str) -> None:
    raw = json.dumps(json_table()).encode() if version == "json" else write_hdf5(tmp_path / "h.biom").read_bytes()
    (tmp_path / "t.biom").write_bytes(pack(raw))
    table = read_abundance_table(tmp_path / "t.biom")
    assert (table.sample_ids, table.feature_ids) == (SAMPLES, FEATURES)
    assert np.array_equal(table.values.toarray(), COUNTS)
    assert table.format == {"json": "BIOM 1.0 (JSON, sparse)", "hdf5": "BIOM 2.1 (HDF5)"}[version]


LIST = ["k__Bacteria", "p__X", "c__"]
SPELLINGS = {
    "list": ("taxonomy", LIST, "k__Bacteria; p__X; c__"),
    "text": ("taxonomy", "k__Bacteria; p__X; c__", "k__Bacteria; p__X; c__"),
    "capital": ("Taxonomy", LIST, "k__Bacteria; p__X; c__"),
    "consensus": ("Consensus Lineage", LIST, "k__Bacteria; p__X; c__"),
    "underscore": ("consensus_lineage", "k__Bacteria; p__X; c__", "k__Bacteria; p__X; c__"),
    "letters": ("taxonomy", list("k__Bacteria; p__X; c__"), "k__Bacteria; p__X; c__"),
    "printed list": ("taxonomy", "[u'k__Bacteria', u'p__X', 'c__']", "k__Bacteria; p__X; c__"),
    "empty ranks": ("taxonomy", ["k__Bacteria", "", ""], "k__Bacteria"),
    "bracketed genus": ("taxonomy", "[Ruminococcus]", "[Ruminococcus]"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("version", ["json", "hdf5"])
def test_lineages_are_found_under_every_key_and_in_every_spelling(tmp_path: Path, spelling: str, version: str) -> None:
    key, value, expected = SPELLINGS[spelling]
    about = [{key: value}] * 3
    if version == "json":
        table = read_json(tmp_path, json_table(about))
    else:
        path = write_hdf5(tmp_path / "t.biom")
        with h5py.File(path, "a") as file:
            file["observation/metadata"].create_dataset(key, data=np.array([value] * 3, dtype=object), dtype=h5py.string_dtype())
        table = read_abundance_table(path)
    assert lineages(table) == [(expected,)] * 3
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("lineage",)
    assert table.notes == ()


def test_one_key_a_rank_gives_ranks_and_a_missing_lineage_stays_missing(tmp_path: Path) -> None:
    about = [
        {"Kingdom": "Bacteria", "Genus": "Blautia", "confidence": 0.9},
        {"Kingdom": "Bacteria", "Genus": None, "confidence": 1, "Family": ["a"]},
        None,
    ]
    table = read_json(tmp_path, json_table(about))
    assert lineages(table) == [("Bacteria", "Blautia"), ("Bacteria", None), (None, None)]
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("domain", "genus")
    assert table.notes == ("t.biom: what the table says of features under 'confidence', 'Family' was not used",)


def test_a_lineage_that_is_a_mapping_of_ranks_is_read_in_its_order(tmp_path: Path) -> None:
    about = [{"taxonomy": {"kingdom": "k__Bacteria", "phylum": "p__X"}}, {"taxonomy": {}}, {"taxonomy": None}]
    assert lineages(read_json(tmp_path, json_table(about))) == [("k__Bacteria; p__X",), (None,), (None,)]


def test_ranks_named_by_the_file_decide_which_cell_is_which(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "t.biom", [{"taxonomy": ["Bacteria", "Terrabacteria group", "Clostridia"]}] * 3)
    with h5py.File(path, "a") as file:
        ranks = file.create_dataset("observation/group-metadata/ranks", data=["Superkingdom;Clade;Class"], dtype=h5py.string_dtype())
        ranks.attrs["data_type"] = "csv"
    table = read_abundance_table(path)
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("domain", "class")
    assert lineages(table) == [("Bacteria", "Clostridia")] * 3
    assert table.notes == ("t.biom: names of the ranks 'Clade' in its lineages were not used",)


def test_sample_metadata_ride_along_where_they_are_single_values(tmp_path: Path) -> None:
    about = [{"site": "stool", "age": 30, "all": ["a", "b"], "empty": None}, {"site": "NA", "age": 41.5, "all": [], "empty": ""}]
    for table in (
        read_json(tmp_path, json_table(None, about)),
        read_abundance_table(write_hdf5(tmp_path / "h.biom", None, [{"site": "stool", "age": 30.0}, {"site": "NA", "age": 41.5}])),
    ):
        assert table.metadata is not None
        assert table.metadata.ids == SAMPLES
        assert table.metadata.columns["site"] == ("stool", None)
        assert table.metadata.numeric("age").tolist() == [30, 41.5]
        assert table.metadata.kinds == {"site": "categorical", "age": "numeric"}
    noted = read_json(tmp_path, json_table(None, about)).notes
    assert noted == ("t.biom: what the table says of samples under 'all' is no single value each and was not used",)


def test_an_embedded_tree_rides_along_and_a_useless_one_is_only_noted(tmp_path: Path) -> None:
    good = write_hdf5(tmp_path / "g.biom", observation_group_metadata={"phylogeny": ("newick", "((f1:1,2:2):1,'#f 3':4);")})
    table = read_abundance_table(good)
    assert table.tree is not None
    assert set(table.tree.tree.tip_names) == set(FEATURES)
    bad = read_abundance_table(write_hdf5(tmp_path / "b.biom", observation_group_metadata={"phylogeny": ("newick", "((f1,2),'#f 3');")}))
    assert bad.tree is None
    assert "b.biom: the tree in the table was not used" in bad.notes[0]
    assert np.array_equal(bad.values.toarray(), COUNTS)


def test_biom_2_0_with_its_metadata_as_json_text_is_read(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "t.biom")
    with h5py.File(path, "a") as file:
        del file["observation/metadata"], file["sample/metadata"]
        file["observation/metadata"] = json.dumps([{"taxonomy": ["k__Bacteria"]}] * 3)
        file["sample/metadata"] = ""
        file.attrs["format-version"] = (2, 0)
    table = read_abundance_table(path)
    assert table.format == "BIOM 2.0 (HDF5)"
    assert lineages(table) == [("k__Bacteria",)] * 3


def test_the_matrix_by_features_is_used_where_it_is_the_only_one(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "t.biom")
    with h5py.File(path, "a") as file:
        del file["sample/matrix"]
    table = read_abundance_table(path)
    assert np.array_equal(table.values.toarray(), COUNTS)
    assert table.sample_ids == SAMPLES


def test_nan_in_biom_is_kept_to_be_judged_later(tmp_path: Path) -> None:
    table = read_json(tmp_path, json_table(data=[[0, 0, float("nan")], [1, 1, 2]]))
    assert np.isnan(table.values[0, 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [2, 3]}, "its shape says"),
        ({"data": [[5, 0, 1]]}, "no whole BIOM 1.0"),
        ({"data": [[0, 0]]}, "no whole BIOM 1.0"),
        ({"rows": [{"id": None}, {"id": "a"}, {"id": "b"}]}, "feature 1 of 3 has an empty id"),
        ({"rows": [{"id": "a"}, {"id": "a"}, {"id": "b"}]}, "1 feature id more than once: 'a'"),
        ({"rows": 3}, "no whole BIOM 1.0"),
        ({"matrix_type": None, "data": "x"}, "no whole BIOM 1.0"),
    ],
)
def test_a_broken_biom_is_refused_by_name(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_json(tmp_path, json_table(**change))
    assert "t.biom" in str(caught.value)


def test_indices_beyond_the_table_are_refused(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "t.biom")
    with h5py.File(path, "a") as file:
        file["sample/matrix/indices"][0] = 99
    with pytest.raises(InputError, match="no whole BIOM 2"):
        read_abundance_table(path)


SPARSE = [[0, 0, 1], [2, 0, 3], [1, 1, 2]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": [[0, 0, 10**400]]}, r"data\[0\] is a list of 3, with a number of more than 20 digits in it"),
        ({"data": [*SPARSE, [0, 0, 5]]}, r"data\[0\] and data\[3\] both hold the cell of row 'f1' and column ' a'"),
        ({"data": [[0, 0, 1], [0.5, 0, 1]]}, r"data\[1\] is \[0.5, 0, 1\]: a row from 0 to 2"),
        ({"data": [[-1, 0, 1]]}, r"data\[0\] is \[-1, 0, 1\]"),
        ({"data": [[0, 0, True]]}, r"data\[0\] .* with true in it"),
        ({"data": [[0, 0, "5"]]}, r'data\[0\] .* with "5" in it'),
        ({"data": [[0, 0, None]]}, r"data\[0\] .* with null in it"),
        ({"data": None}, "'data' is null where a list is expected"),
        ({"data": [[1, 2], [3], [4, 5]], "matrix_type": "dense"}, r"data\[1\] is \[3\] where a row of 2 numbers"),
        ({"data": [[1, 2]], "matrix_type": "dense"}, "'data' has 1 rows where 3 are named"),
        ({"rows": None}, "'rows' is null where a list of ids is expected"),
        ({"rows": ["a", "b", "c"]}, r'rows\[0\] is "a" where a mapping'),
        ({"rows": [{"id": "a"}, {"id": "b", "metadata": [1]}, {"id": "c"}]}, r"the metadata of rows\[1\] are \[1\]"),
        ({"rows": [{"id": ["a"]}, {"id": "b"}, {"id": "c"}]}, r"the id of rows\[0\]"),
        ({"matrix_type": "odd"}, "its matrix_type is \"odd\" where 'sparse' or 'dense' is expected"),
    ],
)
def test_what_is_wrong_in_json_is_named_by_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_json(tmp_path, json_table(**change))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    content = json_table()
    del content["data"]
    with pytest.raises(InputError, match="its key 'data' is missing"):
        read_json(tmp_path, content)


@pytest.mark.parametrize("content", ["[1,2,3]", "[" * 100_000, '{"a":' * 100_000, '{"a": 1}'])
def test_other_json_is_called_no_biom_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.biom").write_text(content)
    with pytest.raises(InputError, match=r"t\.biom is JSON, but no BIOM table"):
        read_abundance_table(tmp_path / "t.biom")


ABSURD = {"chunks": (1_000_000,), "compression": "gzip"}
BREAKS = {
    "more ids than the file can hold": ("/observation/ids claims", [("observation/ids", {"shape": (10**11,), "dtype": "S64", **ABSURD})]),
    "more data than indices": (
        "sample/matrix has 10,000,000,000,000 data",
        [("sample/matrix/data", {"shape": (10**13,), "dtype": "f8", **ABSURD})],
    ),
    "more values than the file can hold": (
        "/sample/matrix/(data|indices) claims 900,000,000 values, for which 0 bytes are stored",
        [(f"sample/matrix/{n}", {"shape": (9 * 10**8,), "dtype": t, **ABSURD}) for n, t in (("data", "f8"), ("indices", "i4"))],
    ),
    "metadata without end": (
        "/observation/metadata/taxonomy claims 3 x 100,000,000,000",
        [("observation/metadata/taxonomy", {"shape": (3, 10**11), "dtype": "S10", "chunks": (1, 10**6), "compression": "gzip"})],
    ),
    "texts as counts": (r"sample/matrix/data holds \|S1 where numbers", [("sample/matrix/data", {"data": np.array([b"a", b"b", b"c"])})]),
    "the same cell twice": ("holds the cell of ' a' and 'f1' twice", [("sample/matrix/indices", {"data": np.array([0, 0, 1])})]),
    "matrices that differ": (
        "disagree: sample ' a' sums to 40 in sample/matrix and to 4 in observation/matrix",
        [("sample/matrix/data", {"data": np.array([10.0, 30, 2])})],
    ),
    "features that differ": (
        "disagree: observation 'f1' sums to 3 in sample/matrix and to 1 in observation/matrix",
        [("sample/matrix/data", {"data": np.array([3.0, 1, 2])})],
    ),
    "a group for ids": ("observation/ids is a group where an array is expected", [("observation/ids", None)]),
}


@pytest.mark.parametrize("how", BREAKS)
def test_hdf5_that_cannot_be_so_is_refused_by_its_place(tmp_path: Path, how: str) -> None:
    said, changes = BREAKS[how]
    path = write_hdf5(tmp_path / "t.biom")
    with h5py.File(path, "a") as file:
        for place, arguments in changes:
            if place in file:
                del file[place]
            if arguments is None:
                file.create_group(place)
            else:
                file.create_dataset(place, **arguments)
    with pytest.raises(InputError, match=said) as caught:
        read_abundance_table(path)
    assert "t.biom" in str(caught.value)


@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
@pytest.mark.parametrize("kind", ["biom", "h5ad"])
def test_data_that_lie_in_other_files_are_never_read(tmp_path: Path, how: str, kind: str) -> None:
    path, place = tmp_path / f"t.{kind}", {"biom": "observation/ids", "h5ad": "X"}[kind]
    write_hdf5(tmp_path / "other.biom")
    (tmp_path / "secret").write_bytes(b"abcdefgh" * 6)
    if kind == "biom":
        write_hdf5(path)
    with h5py.File(path, "a") as file:
        if place in file:
            del file[place]
        if how == "link":
            file[place] = h5py.ExternalLink(str(tmp_path / "other.biom"), "/observation/ids")
        elif how == "storage":
            file.create_dataset(place, (3,), "S8", external=[(str(tmp_path / "secret"), 0, 24)])
        else:
            layout = h5py.VirtualLayout((3,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.biom"), "sample/matrix/data", shape=(3,))
            file.create_virtual_dataset(place, layout)
    said = {"link": "is a link into another file", "storage": "is stored in another file", "virtual": "is a virtual dataset"}[how]
    with pytest.raises(InputError, match=rf"t\.{kind}: '/{place}' {said}"):
        read_abundance_table(path)


def test_hdf5_that_is_no_biom_or_damaged_is_not_called_biom(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["things"] = [1, 2]
    with pytest.raises(InputError, match="is HDF5 but no BIOM table: it holds 'things'"):
        read_abundance_table(tmp_path / "other.h5")
    whole = write_hdf5(tmp_path / "t.biom").read_bytes()
    for name, content in (("a.h5ad", whole[:5000]), ("a.h5ad.gz", gzip.compress(whole[:5000])), ("a.h5", whole[:5000])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_abundance_table(tmp_path / name)
        assert "BIOM" not in str(caught.value)


def test_what_is_written_opens_in_the_biom_library_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    from scipy import sparse

    for name in ("a.biom", "b.biom"):
        write_biom_hdf5(tmp_path / name, SAMPLES, FEATURES, sparse.csr_matrix(COUNTS.astype(np.int64)))
    peer = biom.load_table(str(tmp_path / "a.biom"))
    assert tuple(peer.ids()) == SAMPLES
    assert tuple(peer.ids("observation")) == FEATURES
    assert np.array_equal(peer.matrix_data.toarray(), COUNTS.T)
    assert np.array_equal(read_abundance_table(tmp_path / "a.biom").values.toarray(), COUNTS)
    assert (tmp_path / "a.biom").read_bytes() == (tmp_path / "b.biom").read_bytes()


@pytest.mark.real_data
def test_every_real_biom_file_reads_as_the_biom_library_reads_it(real_data: Path) -> None:
    files = sorted([*real_data.glob("formats/*/*.biom"), *real_data.glob("*/original/*.biom")])
    assert len(files) >= 10
    for path in files:
        name = str(path.relative_to(real_data))
        peer = biom.load_table(str(path))
        found = read_abundance_table(path)
        assert found.sample_ids == tuple(peer.ids()), name
        assert found.feature_ids == tuple(peer.ids("observation")), name
        assert (found.values != peer.matrix_data.T.tocsr()).nnz == 0, name
        about = peer.metadata(axis="observation")
        if about is None or not any(a and "taxonomy" in a for a in about):
            assert found.taxonomy is None, name
            continue
        assert found.taxonomy is not None, name
        if found.taxonomy.ranks == ("lineage",):
            said = ["; ".join(a["taxonomy"]).rstrip("; ") for a in about]
            assert [(c[0] or "").rstrip("; ") for c in (found.taxonomy.rows[f] for f in found.feature_ids)] == said, name
