"""Distance matrices on disk: HDF5 with `matrix` and `order`, or scikit-bio's LSMAT text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gutdiv.errors import ArtifactError, InputError
from gutdiv.io.artifacts import cell_text, plain, read_json, read_rows, whole_file, write_json
from gutdiv.model.results import DistanceMatrix
from gutdiv.numerics.span import Condensed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Matrix = np.ndarray[Any, Any]
_PIECE = 1 << 22  # numbers that are written at a time
_TILE = 2048  # rows and columns that are compared at a time


class OnDisk:
    """A square matrix in an HDF5 file, of which only the rows that are asked for are read; else as an array."""

    def __init__(self, path: Path) -> None:
        import h5py

        self._matrix = h5py.File(path, "r")["matrix"]
        self.shape: tuple[int, ...] = self._matrix.shape
        self.dtype: np.dtype[Any] = self._matrix.dtype
        self.ndim = 2

    def __getitem__(self, key: Any) -> Matrix:
        """Return rows by slice or by numbers, and of them some columns where these are given as in `np.ix_`."""
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, slice) and isinstance(columns, slice):
            return np.asarray(self._matrix[rows, columns])
        if not isinstance(rows, slice):
            places, back = np.unique(np.ravel(rows), return_inverse=True)
            side_by_side = places.size > 0 and places[-1] - places[0] + 1 == places.size
            part = self._matrix[places[0] : places[-1] + 1] if side_by_side else self._matrix[places]
            part = part if np.array_equal(back, np.arange(places.size)) else part[back]
        else:
            part = self._matrix[rows]
        return np.asarray(part if isinstance(columns, slice) else part[:, np.ravel(columns)])


def write_rows_block(
    path: Path | str, ids: tuple[str, ...], block: Matrix | Condensed, rows: tuple[int, int], about: Mapping[str, Any]
) -> None:
    """Write rows start..stop of a distance matrix (HDF5), or the whole of it (`.h5` or `.tsv`), some rows at a time.

    Raises
    ------
    InputError
        Where the ending is neither `.h5` nor `.tsv`.
    """
    dtype = block.values.dtype if isinstance(block, Condensed) else block.dtype
    _write(Path(path), ids, _pieces(block, rows[1] - rows[0]), dtype, rows, about)


def _pieces(block: Matrix | Condensed, height: int) -> Iterator[Matrix]:
    """Yield the rows of a block from the first to the last, some at a time."""
    width = block.n if isinstance(block, Condensed) else block.shape[1]
    step = max(1, _PIECE // max(1, width))
    for start in range(0, height, step):
        stop = min(start + step, height)
        yield block.rows(start, stop) if isinstance(block, Condensed) else block[start:stop]


def _write(path: Path, ids: tuple[str, ...], pieces: Iterable[Matrix], dtype: Any, rows: tuple[int, int], about: Mapping[str, Any]) -> None:
    """Write rows as they come."""
    if path.suffix == ".h5":
        _write_h5(path, ids, pieces, dtype, rows, about)
    elif path.suffix == ".tsv" and rows == (0, len(ids)):
        with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
            handle.write("\t" + "\t".join(map(cell_text, ids)) + "\n")
            names = iter(ids)
            for piece in pieces:
                for values in piece:
                    handle.write(cell_text(next(names)) + "\t" + "\t".join(repr(float(v)) for v in values) + "\n")
        write_json(path.with_suffix(".json"), about)
    else:
        msg = f"distances are written as .h5 (or, when whole, as .tsv), not {path.name!r}. Change the ending of --output."
        raise InputError(msg)


def _write_h5(
    path: Path, ids: tuple[str, ...], pieces: Iterable[Matrix], dtype: Any, rows: tuple[int, int], about: Mapping[str, Any]
) -> None:
    """Write the layout of the unifrac tools, without time stamps; a block also says which rows it holds."""
    import h5py

    with whole_file(path) as temporary, h5py.File(temporary, "w", libver="v108") as file:
        names = np.array([i.encode() for i in ids], dtype=object)
        file.create_dataset("order", data=names, dtype=h5py.string_dtype("utf-8"), track_times=False)
        matrix = file.create_dataset("matrix", shape=(rows[1] - rows[0], len(ids)), dtype=dtype, track_times=False)
        at = 0
        for piece in pieces:
            matrix[at : at + len(piece)] = piece
            at += len(piece)
        if rows != (0, len(ids)):
            file.attrs["rows"] = np.array(rows, dtype=np.int64)
        text = json.dumps(plain(about), sort_keys=True).encode()
        file.create_dataset("record", data=np.frombuffer(text, dtype=np.uint8), track_times=False)


def gather_blocks(parts: Sequence[Path], path: Path) -> None:
    """Put blocks of rows together into one matrix, bit for bit what one run would have written; some rows are in memory at a time.

    Raises
    ------
    ArtifactError
        Where blocks differ in samples or record, overlap, or leave a gap.
    """
    blocks = sorted(((*_read_head(p), p) for p in parts), key=lambda b: b[2])
    ids, about, _, dtype, _ = blocks[0]
    at = 0
    for part_ids, part_about, (start, stop), part_dtype, _ in blocks:
        if (part_ids, part_about, part_dtype) != (ids, about, dtype):
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
    _write(Path(path), ids, _held([b[4] for b in blocks]), dtype, (0, len(ids)), about)


def _held(parts: Sequence[Path]) -> Iterator[Matrix]:
    """Yield the rows of HDF5 files one after the other, some at a time."""
    import h5py

    for part in parts:
        with h5py.File(part, "r") as file:
            yield from _pieces(file["matrix"], file["matrix"].shape[0])


def read_distances(path: Path | str, *, in_pieces: bool = False) -> DistanceMatrix:
    """Read a whole distance matrix from `.h5` or `.tsv`; raises ArtifactError where it is none.

    With `in_pieces` the numbers of an `.h5` file stay in it until rows are asked for (`OnDisk`): for who makes another matrix of them.
    """
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
    ids, about, rows_held, _ = _read_head(path)
    if rows_held != (0, len(ids)):
        msg = f"{path} holds only rows {rows_held[0] + 1} to {rows_held[1]} of {len(ids)}. Put the parts together with `gutdiv diversity gather`."
        raise ArtifactError(msg)
    return _checked(path, ids, cast("Matrix", OnDisk(path)) if in_pieces else read_block(path)[1], about)


def read_block(path: Path) -> tuple[tuple[str, ...], Matrix, dict[str, Any], tuple[int, int]]:
    """Read an HDF5 file of distances, whole or a block: ids of all samples, the rows held, record, and (start, stop)."""
    import h5py

    ids, about, rows, _ = _read_head(path)
    with h5py.File(path, "r") as file:
        return ids, file["matrix"][:], about, rows


def _read_head(path: Path) -> tuple[tuple[str, ...], dict[str, Any], tuple[int, int], np.dtype[Any]]:
    """Read what an HDF5 file of distances holds besides its numbers: ids of all samples, record, (start, stop) and type."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            ids = tuple(i.decode() if isinstance(i, bytes) else str(i) for i in file["order"][:])
            dtype = file["matrix"].dtype
            about = json.loads(bytes(file["record"][:])) if "record" in file else {}
            start, stop = (int(v) for v in file.attrs["rows"]) if "rows" in file.attrs else (0, len(ids))
            expected, found = (stop - start, len(ids)), file["matrix"].shape
    except (OSError, KeyError) as error:
        msg = f"{path} is no HDF5 file with `matrix` and `order` ({error}). Rerun `gutdiv diversity beta`."
        raise ArtifactError(msg) from error
    if found != expected:
        msg = f"{path} holds a matrix of shape {found} where rows {start + 1} to {stop} of {len(ids)} samples are expected. Rerun `gutdiv diversity beta`."
        raise ArtifactError(msg)
    return ids, about, (start, stop), dtype


def _checked(path: Path, ids: tuple[str, ...], matrix: np.ndarray[Any, Any], about: dict[str, Any]) -> DistanceMatrix:
    """Refuse what is not square or not symmetric."""
    starts = range(0, len(ids), _TILE)
    tiles = ((slice(i, i + _TILE), slice(j, j + _TILE)) for i in starts for j in starts if j >= i)
    if matrix.shape != (len(ids), len(ids)) or not all(
        np.array_equal(matrix[rows, columns], matrix[columns, rows].T, equal_nan=True) for rows, columns in tiles
    ):
        msg = f"{path} holds a matrix of shape {matrix.shape} for {len(ids)} samples that is not square and symmetric."
        raise ArtifactError(msg)
    return DistanceMatrix(ids, matrix, str(about.get("metric", path.stem)), about)
