"""Distance matrices on disk: HDF5 with `matrix` and `order`, or scikit-bio's LSMAT text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from gutdiv.errors import ArtifactError, InputError
from gutdiv.io.artifacts import cell_text, plain, read_json, read_rows, whole_file, write_json
from gutdiv.model.results import DistanceMatrix


def write_distances(path: Path | str, distances: DistanceMatrix, *, rows: tuple[int, int] | None = None) -> None:
    """Write a distance matrix, or with `rows=(start, stop)` only these rows of it (HDF5 only).

    Raises
    ------
    InputError
        Where the ending is neither `.h5` nor `.tsv`.
    """
    path = Path(path)
    about = {"kind": "distances", "metric": distances.metric, **distances.record}
    if path.suffix == ".h5":
        _write_h5(path, distances, about, rows)
    elif path.suffix == ".tsv" and rows is None:
        with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
            handle.write("\t" + "\t".join(map(cell_text, distances.ids)) + "\n")
            for name, values in zip(distances.ids, distances.matrix, strict=True):
                handle.write(cell_text(name) + "\t" + "\t".join(repr(float(v)) for v in values) + "\n")
        write_json(path.with_suffix(".json"), about)
    else:
        msg = f"distances are written as .h5 (or, when whole, as .tsv), not {path.name!r}. Change the ending of --output."
        raise InputError(msg)


def _write_h5(path: Path, distances: DistanceMatrix, about: dict[str, Any], rows: tuple[int, int] | None) -> None:
    """Write the layout of the unifrac tools, without time stamps."""
    import h5py

    with whole_file(path) as temporary, h5py.File(temporary, "w", libver="v108") as file:
        ids = np.array([i.encode() for i in distances.ids], dtype=object)
        file.create_dataset("order", data=ids, dtype=h5py.string_dtype("utf-8"), track_times=False)
        file.create_dataset("matrix", data=distances.matrix, track_times=False)
        if rows is not None:
            file.attrs["rows"] = np.array(rows, dtype=np.int64)
        file.attrs["record"] = json.dumps(plain(about), sort_keys=True)


def read_distances(path: Path | str) -> DistanceMatrix:
    """Read a whole distance matrix from `.h5` or `.tsv`; raises ArtifactError where it is none."""
    path = Path(path)
    if not path.is_file():
        msg = f"{path} is missing. `gutdiv diversity beta` makes distances."
        raise ArtifactError(msg)
    if path.suffix == ".tsv":
        header, rows = read_rows(path)
        ids = tuple(header[1:])
        if tuple(r[0] for r in rows) != ids:
            msg = f"{path}: row names and column names differ, so it is no distance matrix."
            raise ArtifactError(msg)
        beside = path.with_suffix(".json")
        about = read_json(beside) if beside.exists() else {}
        matrix = np.array([[float(c) for c in r[1:]] for r in rows], dtype=np.float64)
        return _checked(path, ids, matrix, about)
    ids, matrix, about, rows_held = read_block(path)
    if rows_held != (0, len(ids)):
        msg = f"{path} holds only rows {rows_held[0] + 1} to {rows_held[1]} of {len(ids)}. Put the parts together with `gutdiv diversity gather`."
        raise ArtifactError(msg)
    return _checked(path, ids, matrix, about)


def read_block(path: Path) -> tuple[tuple[str, ...], np.ndarray[Any, Any], dict[str, Any], tuple[int, int]]:
    """Read an HDF5 file of distances, whole or a block: ids of all samples, the rows held, record, and (start, stop)."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            ids = tuple(i.decode() if isinstance(i, bytes) else str(i) for i in file["order"][:])
            matrix = file["matrix"][:]
            about = json.loads(file.attrs["record"]) if "record" in file.attrs else {}
            start, stop = (int(v) for v in file.attrs["rows"]) if "rows" in file.attrs else (0, len(ids))
    except (OSError, KeyError) as error:
        msg = f"{path} is no HDF5 file with `matrix` and `order` ({error}). Rerun `gutdiv diversity beta`."
        raise ArtifactError(msg) from error
    return ids, matrix, about, (start, stop)


def _checked(path: Path, ids: tuple[str, ...], matrix: np.ndarray[Any, Any], about: dict[str, Any]) -> DistanceMatrix:
    """Refuse what is not square or not symmetric."""
    if matrix.shape != (len(ids), len(ids)) or not np.array_equal(matrix, matrix.T, equal_nan=True):
        msg = f"{path} holds a matrix of shape {matrix.shape} for {len(ids)} samples that is not square and symmetric."
        raise ArtifactError(msg)
    return DistanceMatrix(ids, matrix, str(about.get("metric", path.stem)), about)
