"""BIOM tables, version 2 (HDF5) and 1.0 (JSON), and the writer of version 2.1."""

from __future__ import annotations

import io
import json
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.biom_parts import About, metadata_of, taxonomy_of, transposed, tree_of
from gutdiv.io.raw import checked_table
from gutdiv.io.text import decode, is_packed, open_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

_BROKEN = (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError, RecursionError)
_CREATION = "2000-01-01T00:00:00"  # BIOM asks for a date; a constant keeps equal tables equal byte for byte


def read_biom_hdf5(path: Path) -> RawTable:
    """Read BIOM 2.0 or 2.1 (HDF5) straight into sparse rows of samples, from a packed file too.

    Lineages, sample metadata and a tree in the file ride along; no id is changed.

    Raises
    ------
    InputError
        Where the file is damaged, or ids are missing or repeat.
    """
    return parse_biom_hdf5(io.BytesIO(open_bytes(path, "table")) if is_packed(path, "table") else path, path.name)


def read_biom_json(path: Path) -> RawTable:
    """Read BIOM 1.0 (JSON), sparse or dense; see `read_biom_hdf5`."""
    return parse_biom_json(open_bytes(path, "table"), path.name)


def parse_biom(content: bytes, source: str) -> RawTable:
    """Read BIOM of either version from memory, as an archive holds it."""
    if content.startswith(b"\x89HDF"):
        return parse_biom_hdf5(io.BytesIO(content), source)
    return parse_biom_json(content, source)


# ---------------------------------------------------------------- version 2, HDF5
def parse_biom_hdf5(opened: Path | IO[bytes], source: str) -> RawTable:
    """Read BIOM 2 from a path or an open file; see `read_biom_hdf5`."""
    import h5py

    try:
        with h5py.File(opened, "r") as file:
            features, samples = _ids(file["observation/ids"]), _ids(file["sample/ids"])
            values = _values(file, len(samples), len(features))
            of_features, of_samples = _about(file, "observation", features), _about(file, "sample", samples)
            groups = file.get("observation/group-metadata")
            tree = _group(groups, "phylogeny", "newick")
            ranks = (_group(groups, "ranks", "csv") or "").split(";")
            version = ".".join(str(v) for v in np.ravel(file.attrs.get("format-version", (2, 1))))
    except _BROKEN as error:
        msg = f"{source} begins as HDF5 but is no whole BIOM 2.1 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    return _table(samples, features, values, of_samples, of_features, source, f"BIOM {version} (HDF5)", tree=tree, ranks=ranks)


def _values(file: Any, n: int, p: int) -> sparse.csr_matrix:
    """Read the matrix by samples, or by features where only that one is there."""
    by_sample = "sample/matrix/data" in file
    part = file["sample/matrix" if by_sample else "observation/matrix"]
    parts = (part["data"][:].astype(np.float64, copy=False), part["indices"][:], part["indptr"][:])
    matrix = sparse.csr_matrix(parts, shape=(n, p) if by_sample else (p, n))
    matrix.check_format()
    return matrix if by_sample else matrix.T.tocsr()


def _ids(dataset: Any) -> list[str]:
    """Read ids as they are."""
    return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in dataset[:].tolist()]


def _plain(values: Any) -> list[Any]:
    """Turn an array of bytes, texts or numbers into a list of str and numbers, or into one of tuples where it has two dimensions."""
    listed: list[Any] = np.ravel(values).tolist()
    if bytes in set(map(type, listed)):
        texts = {v: v.decode("utf-8") if isinstance(v, bytes) else v for v in set(listed)}  # names of taxa repeat
        listed = list(map(texts.__getitem__, listed))
    if np.ndim(values) == 2:
        width = values.shape[1]
        return list(zip(*[iter(listed)] * width, strict=True)) if width else [() for _ in values]
    return listed


def _about(file: Any, axis: str, ids: Sequence[str]) -> About:
    """Read what is said of samples or features: a dataset a key (2.1), or one JSON text (2.0)."""
    import h5py

    part = file.get(f"{axis}/metadata")
    if part is None:
        return {}
    if isinstance(part, h5py.Dataset):
        text = "".join(str(t) for t in np.ravel(_plain(np.atleast_1d(part[()]))))
        entries = json.loads(text) if text.strip() else None
        return transposed(entries) if isinstance(entries, list) and len(entries) == len(ids) else {}
    columns = {k: _plain(d[:]) for k, d in part.items() if isinstance(d, h5py.Dataset) and d.shape[:1] == (len(ids),) and d.ndim <= 2}
    return {
        k: [v[0] for v in column] if column and isinstance(column[0], tuple) and len(column[0]) == 1 else column
        for k, column in columns.items()
    }


def _group(groups: Any, name: str, kind: str) -> str | None:
    """Read a text that is said of all features together."""
    if groups is None or name not in groups:
        return None
    found = groups[name].attrs.get("data_type", kind)
    if (found.decode() if isinstance(found, bytes) else str(found)) != kind:
        return None
    return "".join(str(t) for t in _plain(np.atleast_1d(groups[name][()]).ravel()))


# ---------------------------------------------------------------- version 1, JSON
def parse_biom_json(raw: bytes, source: str) -> RawTable:
    """Read BIOM 1.0 from memory; see `read_biom_json`."""
    try:
        content = json.loads(decode(raw, source, "table"))
        features, samples = ([_json_id(e["id"]) for e in content[part]] for part in ("rows", "columns"))
        shape = tuple(content.get("shape") or (len(features), len(samples)))
        if shape != (len(features), len(samples)):
            msg = f"its shape says {shape}, but {len(features)} rows and {len(samples)} columns are named"
            raise ValueError(msg)
        if content["matrix_type"] == "sparse":
            cells = np.array(content["data"], dtype=np.float64).reshape(-1, 3)
            at = cells[:, :2].astype(np.int64)
            values = sparse.coo_matrix((cells[:, 2], (at[:, 1], at[:, 0])), shape=(len(samples), len(features))).tocsr()
        else:
            dense = np.array(content["data"], dtype=np.float64).reshape(len(features), len(samples))
            values = sparse.csr_matrix(dense.T)
        of_features, of_samples = (transposed([e.get("metadata") for e in content[part]]) for part in ("rows", "columns"))
    except _BROKEN as error:
        msg = f"{source} begins as JSON but is no whole BIOM 1.0 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    return _table(samples, features, values, of_samples, of_features, source, f"BIOM 1.0 (JSON, {content['matrix_type']})")


def _json_id(value: Any) -> str:
    """Return an id as text; a missing one is empty."""
    return "" if value is None else str(value)


def _table(
    samples: list[str],
    features: list[str],
    values: Any,
    of_samples: About,
    of_features: About,
    source: str,
    format: str,
    *,
    tree: str | None = None,
    ranks: Sequence[str] = (),
) -> RawTable:
    """Finish a table with what rides along."""
    taxonomy, notes = taxonomy_of(of_features, features, source, ranks=ranks)
    metadata, said = metadata_of(of_samples, samples, source)
    rooted, of_tree = tree_of(tree, source)
    return checked_table(
        samples,
        features,
        values,
        source=source,
        format=format,
        taxonomy=taxonomy,
        metadata=metadata,
        tree=rooted,
        notes=(*notes, *said, *of_tree),
    )


# ---------------------------------------------------------------- writing
def write_biom_hdf5(path: Path, samples: Sequence[str], features: Sequence[str], counts: sparse.csr_matrix) -> None:
    """Write a table as BIOM 2.1, without a clock, so that equal tables give equal bytes.

    Parameters
    ----------
    path : Path
    samples, features : sequence of str
    counts : (n_samples, n_features) CSR matrix
        Sorted indices. Values are written as float64, as the format asks (https://biom-format.org/documentation/format_versions/biom-2.1.html).
    """
    import h5py

    text = h5py.string_dtype("utf-8")
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    with h5py.File(path, "w", libver="v108", track_order=False) as file:
        file.attrs.update(
            {
                "id": "No Table ID",
                "type": "OTU table",
                "format-url": "http://biom-format.org",
                "generated-by": "gutdiv",
                "creation-date": _CREATION,
                "nnz": counts.nnz,
            }
        )
        file.attrs["format-version"] = np.array([2, 1])
        file.attrs["shape"] = np.array([len(features), len(samples)])
        by_feature = counts.tocsc()
        for axis, ids, matrix in (("observation", features, by_feature), ("sample", samples, counts)):
            file.create_dataset(f"{axis}/ids", data=np.array(list(ids), dtype=object), dtype=text, **packed)
            file.create_dataset(f"{axis}/matrix/data", data=matrix.data.astype(np.float64), **packed)
            file.create_dataset(f"{axis}/matrix/indices", data=matrix.indices.astype(np.int32), **packed)
            file.create_dataset(f"{axis}/matrix/indptr", data=matrix.indptr.astype(np.int32), **packed)
            file.create_group(f"{axis}/metadata")
            file.create_group(f"{axis}/group-metadata")
