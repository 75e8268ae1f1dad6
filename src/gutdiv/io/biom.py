"""BIOM tables, version 2.1 (HDF5) and 1.0 (JSON)."""

from __future__ import annotations

import io
import json
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.raw import checked_table, lineage_text, lineage_texts
from gutdiv.io.text import decode, open_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gutdiv.model.inputs import RawTable


def read_biom_hdf5(path: Path) -> RawTable:
    """Read BIOM 2.1 (HDF5) straight into sparse rows of samples."""
    return parse_biom_hdf5(path, path.name)


def parse_biom(content: bytes, source: str) -> RawTable:
    """Read BIOM of either version from memory, as an archive holds it."""
    if content.startswith(b"\x89HDF"):
        return parse_biom_hdf5(io.BytesIO(content), source)
    return parse_biom_json(content, source)


def parse_biom_hdf5(opened: Path | IO[bytes], source: str) -> RawTable:
    """Read BIOM 2.1 from a path or an open file; see `read_biom_hdf5`."""
    import h5py

    try:
        with h5py.File(opened, "r") as file:
            features = _strings(file["observation/ids"][:])
            samples = _strings(file["sample/ids"][:])
            part = file["sample/matrix"]
            values = sparse.csr_matrix(
                (part["data"][:].astype(np.float64), part["indices"][:].astype(np.int64), part["indptr"][:].astype(np.int64)),
                shape=(len(samples), len(features)),
            )
            lineages = _hdf5_lineages(file, features)
            version = "2." + ".".join(str(v) for v in file.attrs.get("format-version", (2, 1))[1:])
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        msg = f"{source} begins as HDF5 but is no whole BIOM 2.1 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    return checked_table(
        samples, features, values, source=source, format=f"BIOM {version} (HDF5)", taxonomy=lineage_texts(lineages, source)
    )


def _strings(values: Any) -> list[str]:
    """Ids as str, whether stored as bytes or text."""
    return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in values]


def _hdf5_lineages(file: Any, features: Sequence[str]) -> dict[str, str | None] | None:
    """Read `taxonomy` or `Taxonomy` of the observations, a list of ranks or one text each."""
    metadata = file.get("observation/metadata")
    name = next((k for k in metadata if k.lower() == "taxonomy"), None) if metadata is not None else None
    if name is None:
        return None
    values = metadata[name][:]
    if len(values) != len(features):
        return None
    rows = [_strings(v) if values.ndim == 2 else _strings([v]) for v in values]
    return {f: lineage_text(r) for f, r in zip(features, rows, strict=True)}


def read_biom_json(path: Path) -> RawTable:
    """Read BIOM 1.0 (JSON), sparse or dense."""
    return parse_biom_json(open_bytes(path, "table"), path.name)


def parse_biom_json(raw: bytes, source: str) -> RawTable:
    """Read BIOM 1.0 from memory; see `read_biom_json`."""
    try:
        content = json.loads(decode(raw, source, "table"))
        features = [str(r["id"]) for r in content["rows"]]
        samples = [str(c["id"]) for c in content["columns"]]
        if content["matrix_type"] == "sparse":
            cells = np.array(content["data"], dtype=np.float64).reshape(-1, 3)
            at = cells[:, :2].astype(np.int64)
            values = sparse.coo_matrix((cells[:, 2], (at[:, 1], at[:, 0])), shape=(len(samples), len(features))).tocsr()
        else:
            dense = np.array(content["data"], dtype=np.float64).reshape(len(features), len(samples))
            values = sparse.csr_matrix(dense.T)
        about = [r.get("metadata") or {} for r in content["rows"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{source} begins as JSON but is no whole BIOM 1.0 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    keys = {k for a in about for k in a if k.lower() == "taxonomy"}
    lineages = {f: lineage_text(next((a[k] for k in a if k in keys), None)) for f, a in zip(features, about, strict=True)} if keys else None
    return checked_table(
        samples,
        features,
        values,
        source=source,
        format=f"BIOM 1.0 (JSON, {content['matrix_type']})",
        taxonomy=lineage_texts(lineages, source),
    )
