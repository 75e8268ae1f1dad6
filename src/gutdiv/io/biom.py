"""BIOM tables, version 2 (HDF5) and 1.0 (JSON), and the writer of version 2.1."""

from __future__ import annotations

import io
import json
import re
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError, first_ids
from gutdiv.io.biom_json import matrix_of_json, parsed_json
from gutdiv.io.biom_parts import About, metadata_of, taxonomy_of, transposed, tree_of
from gutdiv.io.hdf5 import check_inside, dataset_at, whole
from gutdiv.io.raw import checked_table
from gutdiv.io.text import is_packed, open_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

_BROKEN = (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError, RecursionError)
_TOO_MUCH = (MemoryError, OverflowError)
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{|\[\s*[\[\]{\"0-9-])")
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


def is_json(head: bytes) -> bool:
    """Whether a file begins as JSON does."""
    return _JSON.match(head) is not None


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
        file = h5py.File(opened, "r")
    except (OSError, RuntimeError, *_TOO_MUCH) as error:
        msg = f"{source} begins as HDF5 but is damaged ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    try:
        with file:
            check_inside(file, source)
            if "observation" not in file and "sample" not in file:
                msg = f"{source} is HDF5 but no BIOM table: it holds {first_ids(sorted(file)) or 'nothing'}, and neither 'observation' nor 'sample'."
                raise InputError(msg)
            features, samples = _ids(file, "observation/ids"), _ids(file, "sample/ids")
            values = _values(file, samples, features)
            of_features, of_samples = _about(file, "observation", features), _about(file, "sample", samples)
            groups = file.get("observation/group-metadata")
            tree = _group(groups, "phylogeny", "newick")
            ranks = (_group(groups, "ranks", "csv") or "").split(";")
            version = ".".join(str(v) for v in np.ravel(file.attrs.get("format-version", (2, 1))))
    except _BROKEN as error:
        msg = f"{source} begins as HDF5 but is no whole BIOM 2.1 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    except _TOO_MUCH as error:
        msg = (
            f"{source} claims more than the memory holds ({str(error)[:200]}). Copy or export it again, or use a machine with more memory."
        )
        raise InputError(msg) from error
    return _table(samples, features, values, of_samples, of_features, source, f"BIOM {version} (HDF5)", tree=tree, ranks=ranks)


def _values(file: Any, samples: Sequence[str], features: Sequence[str]) -> sparse.csr_matrix:
    """Read the matrix by samples, or by features where only that one is there; where both are there they must agree."""
    shape = file.attrs.get("shape")
    if shape is not None and tuple(np.ravel(shape)) != (len(features), len(samples)):
        msg = f"its shape says {tuple(np.ravel(shape).tolist())}, but {len(features)} observations and {len(samples)} samples are named"
        raise ValueError(msg)
    there = [axis for axis in ("sample", "observation") if f"{axis}/matrix/data" in file]
    of_axis = {axis: _compressed(file, axis, samples, features) for axis in there or ["sample"]}
    if len(there) == 2:
        _refuse_disagreement(of_axis["sample"], of_axis["observation"], samples, features)
    return of_axis["sample"] if "sample" in of_axis else of_axis["observation"].T.tocsr()


def _compressed(file: Any, axis: str, samples: Sequence[str], features: Sequence[str]) -> sparse.csr_matrix:
    """Read the matrix whose lines are samples or observations, as it lies."""
    data, indices, indptr = (dataset_at(file, f"{axis}/matrix/{name}", numbers=True) for name in ("data", "indices", "indptr"))
    lines, across = (samples, features) if axis == "sample" else (features, samples)
    if data.shape != indices.shape or indptr.shape != (len(lines) + 1,):
        msg = (
            f"{axis}/matrix has {data.shape[0]:,} data, {indices.shape[0]:,} indices and {indptr.shape[0]:,} pointers; as many data as indices "
            f"and {len(lines) + 1:,} pointers are expected"
        )
        raise ValueError(msg)
    parts = (whole(data).astype(np.float64, copy=False), whole(indices), whole(indptr))
    matrix = sparse.csr_matrix(parts, shape=(len(lines), len(across)))
    matrix.check_format()
    if not matrix.has_canonical_format:
        matrix.sort_indices()
        again = np.flatnonzero((np.diff(matrix.indices) == 0) & (np.diff(np.repeat(np.arange(len(lines)), np.diff(matrix.indptr))) == 0))
        if again.size:
            line = int(np.searchsorted(matrix.indptr, again[0], side="right")) - 1
            msg = f"{axis}/matrix holds the cell of {lines[line][:60]!r} and {across[matrix.indices[again[0]]][:60]!r} twice"
            raise ValueError(msg)
    return matrix


def _refuse_disagreement(by_sample: Any, by_feature: Any, samples: Sequence[str], features: Sequence[str]) -> None:
    """Refuse a file whose two matrices, which hold the same counts by samples and by features, have other totals."""
    for what, ids, axis in (("sample", samples, 0), ("observation", features, 1)):
        one, other = np.asarray(by_sample.sum(axis=1 - axis)).ravel(), np.asarray(by_feature.sum(axis=axis)).ravel()
        scale = np.abs(one[np.isfinite(one)]).max(initial=0.0)
        apart = np.flatnonzero(~np.isclose(one, other, rtol=1e-9, atol=1e-12 * scale, equal_nan=True))
        if apart.size:
            at = int(apart[0])
            msg = f"its two matrices disagree: {what} {ids[at][:60]!r} sums to {one[at]:g} in sample/matrix and to {other[at]:g} in observation/matrix"
            raise ValueError(msg)


def _ids(file: Any, place: str) -> list[str]:
    """Read ids as they are."""
    found = whole(dataset_at(file, place)).tolist()
    try:
        return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in found]
    except UnicodeDecodeError as error:
        msg = f"{place} holds {error.object[:60]!r}, which is no UTF-8"
        raise ValueError(msg) from error


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
        text = "".join(str(t) for t in np.ravel(_plain(np.atleast_1d(whole(part)))))
        entries = json.loads(text) if text.strip() else None
        return transposed(entries) if isinstance(entries, list) and len(entries) == len(ids) else {}
    columns = {k: _plain(whole(d)) for k, d in part.items() if isinstance(d, h5py.Dataset) and d.shape[:1] == (len(ids),) and d.ndim <= 2}
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
    return "".join(str(t) for t in _plain(np.atleast_1d(whole(groups[name])).ravel()))


# ---------------------------------------------------------------- version 1, JSON
def parse_biom_json(raw: bytes, source: str) -> RawTable:
    """Read BIOM 1.0 from memory; see `read_biom_json`."""
    try:
        content, features, samples = parsed_json(raw, source)
        values = matrix_of_json(content, features, samples)
        of_features, of_samples = (transposed([e.get("metadata") for e in content[part]]) for part in ("rows", "columns"))
    except _BROKEN as error:
        msg = f"{source} begins as JSON but is no whole BIOM 1.0 table: {str(error)[:300]}. Copy or export it again."
        raise InputError(msg) from error
    except _TOO_MUCH as error:
        msg = (
            f"{source} holds more than the memory, or a number beyond all counts ({str(error)[:200]}). Export it again, as BIOM 2.1 (HDF5)."
        )
        raise InputError(msg) from error
    return _table(samples, features, values, of_samples, of_features, source, f"BIOM 1.0 (JSON, {content['matrix_type']})")


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
