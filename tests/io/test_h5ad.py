"""AnnData files, written by the anndata package and read without it."""

from __future__ import annotations

import gzip
import re
import warnings
from typing import TYPE_CHECKING, Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.tables import read_abundance_table

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = np.random.default_rng(7).poisson(0.6, size=(9, 31))
SAMPLES = [f"00{i}" for i in range(8)] + ["s é/9"]
FEATURES = [f"ASV_{j}" for j in range(30)] + ["1.0"]
WAYS = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "dense": np.asarray}


def write(path: Path, x: Any, obs: dict[str, Any] | None = None, var: dict[str, Any] | None = None, **more: Any) -> Path:
    data = anndata.AnnData(x, obs=pd.DataFrame(obs or {}, index=SAMPLES), var=pd.DataFrame(var or {}, index=FEATURES), **more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anndata.settings.allow_write_nullable_strings = True
        data.write_h5ad(path)
    return path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint16"])
@pytest.mark.parametrize("name", ["t.h5ad", "t.h5"])
def test_counts_and_ids_read_exactly_whatever_the_matrix_is_written_as(tmp_path: Path, way: str, dtype: str, name: str) -> None:
    table = read_abundance_table(write(tmp_path / name, WAYS[way](COUNTS.astype(dtype))))
    assert table.sample_ids == tuple(SAMPLES)
    assert table.feature_ids == tuple(FEATURES)
    assert np.array_equal(table.values.toarray(), COUNTS)
    assert table.format == "AnnData (.h5ad), X"
    assert table.taxonomy is table.metadata is None
    assert table.notes == ()


def test_a_packed_file_and_compressed_arrays_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.h5ad"
    anndata.AnnData(sparse.csr_matrix(COUNTS), obs=pd.DataFrame(index=SAMPLES), var=pd.DataFrame(index=FEATURES)).write_h5ad(
        path, compression="gzip"
    )
    (tmp_path / "t.h5ad.gz").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("t.h5ad", "t.h5ad.gz"):
        assert np.array_equal(read_abundance_table(tmp_path / name).values.toarray(), COUNTS)


def test_obs_becomes_metadata_numbers_numeric_and_all_else_categorical(tmp_path: Path) -> None:
    obs = {
        "group": pd.Categorical(["case", None, "control"] * 3),
        "day": [1, 2, 3] * 3,
        "bmi": np.array([20.5, np.nan, 0.1] * 3, dtype=np.float32),
        "smokes": [True, False, True] * 3,
        "visits": pd.array([1, None, 3] * 3, dtype="Int64"),
        "treated": pd.array([True, None, False] * 3, dtype="boolean"),
        "name": pd.array([f"n{i}" if i else None for i in range(9)], dtype="string"),
        "plate": [f"0{i}" for i in range(9)],
        "empty": [np.nan] * 9,
        "sample_id": [f"x{i}" for i in range(9)],
    }
    found = read_abundance_table(write(tmp_path / "t.h5ad", COUNTS.astype(float), obs)).metadata
    assert found is not None
    assert found.ids == tuple(SAMPLES)
    assert {n: c[:3] for n, c in found.columns.items()} == {
        "group": ("case", None, "control"),
        "day": ("1", "2", "3"),
        "bmi": ("20.5", None, "0.1"),
        "smokes": ("True", "False", "True"),
        "visits": ("1", None, "3"),
        "treated": ("True", None, "False"),
        "name": (None, "n1", "n2"),
        "plate": ("00", "01", "02"),
        "empty": (None, None, None),
        "sample_id_": ("x0", "x1", "x2"),
    }
    assert {n for n, kind in found.kinds.items() if kind == "numeric"} == {"day", "bmi", "visits"}


def test_columns_of_var_that_are_ranks_become_the_taxonomy_and_others_are_named(tmp_path: Path) -> None:
    var = {"length": [250] * 31, "Genus": pd.Categorical(["Blautia", None, "Dorea"] * 10 + [None]), "Kingdom": ["Bacteria"] * 31}
    table = read_abundance_table(write(tmp_path / "t.h5ad", COUNTS.astype(float), var=var))
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("domain", "genus")
    assert table.taxonomy.rows["ASV_0"] == ("Bacteria", "Blautia")
    assert table.taxonomy.rows["ASV_1"] == ("Bacteria", None)
    assert table.notes == ("t.h5ad: columns of var that are no ranks were left out: 'length'.",)


def test_a_column_of_lineages_becomes_the_taxonomy(tmp_path: Path) -> None:
    table = read_abundance_table(write(tmp_path / "t.h5ad", COUNTS.astype(float), var={"taxonomy": ["k__Bacteria; p__X"] * 31}))
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("lineage",)
    assert table.taxonomy.rows["1.0"] == ("k__Bacteria; p__X",)


@pytest.mark.parametrize(
    ("x", "layer", "place", "said"),
    [
        (COUNTS.astype(float), COUNTS * 2, "X", "X was read; there is a layers/counts too"),
        (np.log1p(COUNTS), COUNTS, "layers/counts", "X holds no counts .* so that layers/counts was read"),
        (COUNTS - 1.0, COUNTS, "layers/counts", "X holds no counts"),
        (COUNTS / 2.0, COUNTS / 3.0, "X", "neither holds whole numbers"),
        (None, COUNTS, "layers/counts", None),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_x_is_read_unless_only_layers_counts_can_be_counts_and_a_note_says_so(
    tmp_path: Path, way: str, x: Any, layer: Any, place: str, said: str | None
) -> None:
    read = x if place == "X" else layer
    path = write(tmp_path / "t.h5ad", None if x is None else WAYS[way](x), layers={"counts": WAYS[way](layer)})
    table = read_abundance_table(path)
    assert np.array_equal(table.values.toarray(), read)
    assert table.origin["matrix"] == place
    assert table.format == f"AnnData (.h5ad), {place}"
    assert len(table.notes) == (said is not None)
    if said is not None:
        assert re.search(said, table.notes[0])


def test_categories_of_anndata_before_0_8_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "t.h5ad", COUNTS.astype(float), {"plain": ["x"] * 9})
    with h5py.File(path, "r+") as file:
        obs = file["obs"]
        del obs["plain"]
        obs.create_dataset("plain", data=np.array([1, 0, -1] * 3, dtype=np.int8))
        names = obs.create_dataset("__categories/plain", data=["a", "b"], dtype=h5py.string_dtype())
        obs["plain"].attrs["categories"] = names.ref
    found = read_abundance_table(path).metadata
    assert found is not None
    assert found.columns["plain"][:3] == ("b", "a", None)


def damaged(path: Path, how: str) -> None:
    with h5py.File(path, "r+") as file:
        if how == "indices":
            file["X/indices"][0] = 10**6
        elif how == "pointers":
            file["X/indptr"][-1] = 10**6
        elif how == "shape":
            file["X"].attrs["shape"] = (9, 30)
        elif how == "kind":
            file["X"].attrs["encoding-type"] = "coo_matrix"
        elif how == "codes":
            file["obs/g/codes"][0] = 100
        elif how == "short":
            del file["obs/g"]
            file["obs"].create_dataset("g", data=[1, 2])
        elif how == "index":
            del file["obs"].attrs["_index"]
        elif how == "old":
            del file["obs"]
            file.create_dataset("obs", data=np.zeros(9, dtype=[("index", "S3")]))
        elif how == "no matrix":
            del file["X"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("indices", "no whole AnnData file"),
        ("pointers", "no whole AnnData file"),
        ("shape", r"X is of \(9, 30\) where obs and var make \(9, 31\)"),
        ("kind", "unknown kind .'coo_matrix'"),
        ("codes", "code 100 for 2 categories"),
        ("short", "column 'g' of obs has 2 cells for 9 ids"),
        ("index", "no whole AnnData file"),
        ("old", "as anndata before 0.7 did"),
        ("no matrix", "neither X nor layers/counts"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(tmp_path: Path, how: str, said: str) -> None:
    path = write(tmp_path / "t.h5ad", sparse.csr_matrix(COUNTS), {"g": pd.Categorical(["a", "b", "a"] * 3)})
    damaged(path, how)
    with pytest.raises(InputError, match=said) as caught:
        read_abundance_table(path)
    assert str(caught.value).startswith("t.h5ad")


def test_repeated_and_cut_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anndata.AnnData(sparse.csr_matrix(COUNTS), obs=pd.DataFrame(index=["a"] * 9), var=pd.DataFrame(index=FEATURES)).write_h5ad(path)
    with pytest.raises(InputError, match="1 sample id more than once: 'a'"):
        read_abundance_table(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="no whole AnnData file"):
        read_abundance_table(path)


@pytest.mark.real_data
@pytest.mark.parametrize("way", ["csr", "csc", "dense"])
def test_a_real_cohort_written_as_anndata_reads_to_the_counts_of_its_biom(real_data: Path, tmp_path: Path, way: str) -> None:
    study = real_data / "hct_taur"
    source = read_abundance_table(study / "table.biom")
    taxa = pd.read_csv(study / "taxonomy.tsv", sep="\t", dtype=str, index_col=0, keep_default_na=False).reindex(source.feature_ids)
    about = pd.read_csv(study / "metadata.tsv", sep="\t", index_col=0).reindex(source.sample_ids)
    x = {"csr": source.values, "csc": source.values.tocsc(), "dense": source.values.toarray()}[way]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anndata.AnnData(x, obs=about.loc[:, ["group"]], var=taxa).write_h5ad(tmp_path / "t.h5ad")
    table = read_abundance_table(tmp_path / "t.h5ad")
    assert table.sample_ids == source.sample_ids
    assert table.feature_ids == source.feature_ids
    assert (table.values != source.values).nnz == 0
    assert table.taxonomy is not None
    assert table.taxonomy.rows == {
        f: tuple(c or None for c in row) for f, row in zip(taxa.index, taxa.itertuples(index=False), strict=True)
    }
    assert table.metadata is not None
    assert table.metadata.columns["group"] == tuple(about["group"])
