"""Distance matrices on disk: HDF5 with `matrix` and `order`, or scikit-bio's LSMAT text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.errors import ArtifactError, InputError
from gutdiv.io.artifacts import cell_text, plain, read_json, read_rows, whole_file, write_json
from gutdiv.model.results import DistanceMatrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Matrix = np.ndarray[Any, Any]


def write_rows_block(path: Path | str, ids: tuple[str, ...], block: Matrix, rows: tuple[int, int], about: Mapping[str, Any]) -> None:
    """Write rows start..stop of a distance matrix (HDF5), or the whole of it (`.h5` or `.tsv`).

    Raises
    ------
    InputError
        Where the ending is neither `.h5` nor `.tsv`.
    """
    path = Path(path)
    whole = rows == (0, len(ids))
    if path.suffix == ".h5":
        _write_h5(path, ids, block, rows, about)
    elif path.suffix == ".tsv" and whole:
        with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
            handle.write("\t" + "\t".join(map(cell_text, ids)) + "\n")
            for name, values in zip(ids, block, strict=True):
                handle.write(cell_text(name) + "\t" + "\t".join(repr(float(v)) for v in values) + "\n")
        write_json(path.with_suffix(".json"), about)
    else:
        msg = f"distances are written as .h5 (or, when whole, as .tsv), not {path.name!r}. Change the ending of --output."
        raise InputError(msg)


def _write_h5(path: Path, ids: tuple[str, ...], block: Matrix, rows: tuple[int, int], about: Mapping[str, Any]) -> None:
    """Write the layout of the unifrac tools, without time stamps; a block also says which rows it holds."""
    import h5py

    with whole_file(path) as temporary, h5py.File(temporary, "w", libver="v108") as file:
        names = np.array([i.encode() for i in ids], dtype=object)
        file.create_dataset("order", data=names, dtype=h5py.string_dtype("utf-8"), track_times=False)
        file.create_dataset("matrix", data=block, track_times=False)
        if rows != (0, len(ids)):
            file.attrs["rows"] = np.array(rows, dtype=np.int64)
        text = json.dumps(plain(about), sort_keys=True).encode()
        file.create_dataset("record", data=np.frombuffer(text, dtype=np.uint8), track_times=False)


def gather_blocks(parts: Sequence[Path], path: Path) -> None:
    """Put blocks of rows together into one matrix, bit for bit what one run would have written.

    Raises
    ------
    ArtifactError
        Where blocks differ in samples or record, overlap, or leave a gap.
    """
    blocks = sorted((read_block(p) for p in parts), key=lambda b: b[3])
    ids, _, about, _ = blocks[0]
    at = 0
    for part_ids, _, part_about, (start, stop) in blocks:
        if part_ids != ids or part_about != about:
            msg = (
                "the blocks are not of one distance matrix: their samples, options or inputs differ. Rerun `gutdiv diversity beta --rows`."
            )
            raise ArtifactError(msg)
        if start != at:
            msg = f"rows {min(at, start) + 1} to {max(at, start)} of {len(ids)} are {'missing' if start > at else 'held twice'}. Give each block once."
            raise ArtifactError(msg)
        at = stop
    if at != len(ids):
        msg = f"rows {at + 1} to {len(ids)} are missing. Give each block once."
        raise ArtifactError(msg)
    write_rows_block(path, ids, np.vstack([b[1] for b in blocks]), (0, len(ids)), about)


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
            about = json.loads(bytes(file["record"][:])) if "record" in file else {}
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
