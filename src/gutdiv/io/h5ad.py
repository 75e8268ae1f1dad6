"""AnnData files (.h5ad), read by h5py: samples are observations, features are variables."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.errors import InputError, first_ids
from gutdiv.io.hdf5 import check_claim, check_inside, whole
from gutdiv.io.ranks import rank_columns
from gutdiv.io.raw import checked_table
from gutdiv.io.text import open_bytes, packing
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.inputs import RawTaxonomy

if TYPE_CHECKING:
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_BLOCK = 1 << 24  # cells of a dense matrix that are held at once
_MOST_DENSE = 1 << 40  # bytes of a dense matrix, which is read by blocks

Column = tuple[list[str | None], str]  # cells, and `numeric` or `categorical`


def is_h5ad(path: Path, head: bytes) -> bool:
    """Whether an HDF5 file is AnnData's: by its groups `obs` and `var`, or by its name."""
    if not head.startswith(HDF5_MAGIC):
        return False
    if ".h5ad" in [s.lower() for s in path.suffixes[-2:]]:  # packed or not
        return True
    import h5py

    try:
        with h5py.File(_opened(path), "r") as file:
            return "obs" in file and "var" in file
    except (OSError, RuntimeError):
        return False


def read_h5ad(path: Path) -> RawTable:
    """Read an AnnData file.

    Counts are `X`. Where `X` holds what cannot be counts (fractions, negative numbers: scanpy keeps normalised values there) and
    `layers/counts` holds whole numbers, those are read, with a note; a note also says where `X` was read beside a `layers/counts`. Columns of `var` that
    are named for ranks, or one of lineages, become the taxonomy; `obs` becomes the sample metadata: numbers are numeric, all else is categorical.

    Raises
    ------
    InputError
        Where the file is damaged, holds no matrix, was written by anndata before 0.7, or ids repeat.
    """
    import h5py

    try:
        with h5py.File(_opened(path), "r") as file:
            check_inside(file, path.name)
            samples, about = _frame(file, "obs", path.name)
            features, noted = _frame(file, "var", path.name)
            shape = (len(samples), len(features))
            values, place, notes = _values(file, shape, path.name)
    except (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as error:
        msg = f"{path.name} begins as HDF5 but is no whole AnnData file ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    except (MemoryError, OverflowError) as error:
        msg = f"{path.name} claims more than the memory holds ({str(error)[:200]}). Copy or export it again, or use a machine with more memory."
        raise InputError(msg) from error
    taxonomy, more = _taxonomy(noted, features, path.name)
    metadata = None
    if "sample_id" in about:  # heads the ids in the files that gutdiv writes
        kept = next(name for n in range(1, len(about) + 2) if (name := "sample_id" + "_" * n) not in about)
        about = {kept if name == "sample_id" else name: column for name, column in about.items()}
        more.append(f"{path.name}: column 'sample_id' of obs is called {kept!r} here, for 'sample_id' heads the sample ids.")
    if about:
        columns = {name: tuple(cells) for name, (cells, _) in about.items()}
        metadata = SampleMetadata(tuple(samples), columns, {n: kind for n, (_, kind) in about.items()}, path.name, "obs of an AnnData file")
    return checked_table(
        samples,
        features,
        values,
        source=path.name,
        format=f"AnnData (.h5ad), {place}",
        taxonomy=taxonomy,
        metadata=metadata,
        origin={"matrix": place, "samples_in": "rows"},
        notes=(*notes, *more),
    )


def _opened(path: Path) -> Path | io.BytesIO:
    """Return the path, or the content where the file is packed."""
    with path.open("rb") as file:
        packed = packing(file.read(16)) is not None
    return io.BytesIO(open_bytes(path, "table")) if packed else path


# ---------------------------------------------------------------- matrices
def _values(file: Any, shape: tuple[int, int], source: str) -> tuple[sparse.csr_matrix, str, list[str]]:
    """Choose and read the matrix; return it, its place, and what to note."""
    has_counts = "layers/counts" in file
    if "X" not in file:
        if not has_counts:
            layers = sorted(file["layers"]) if "layers" in file else []
            msg = f"{source} holds neither X nor layers/counts (layers: {first_ids(layers) or 'none'}). Put the read counts into X."
            raise InputError(msg)
        return _matrix(file["layers/counts"], shape, source), "layers/counts", []
    values = _matrix(file["X"], shape, source)
    if not has_counts:
        return values, "X", []
    if _whole(values):
        return values, "X", [f"{source}: X was read; there is a layers/counts too. To read that, put it into X."]
    counts = _matrix(file["layers/counts"], shape, source)
    if _whole(counts):
        return counts, "layers/counts", [f"{source}: X holds no counts (fractions or negative numbers), so that layers/counts was read."]
    return values, "X", [f"{source}: X was read; there is a layers/counts too, but neither holds whole numbers."]


def _whole(values: sparse.csr_matrix) -> bool:
    """Whether all values can be counts."""
    return bool(np.all((values.data >= 0) & (values.data == np.round(values.data))))


def _matrix(node: Any, shape: tuple[int, int], source: str) -> sparse.csr_matrix:
    """Read a matrix, dense or sparse by rows or columns."""
    kind = _text(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "")))
    if hasattr(node, "shape"):
        found = tuple(node.shape)
    else:
        declared = node.attrs["shape"] if "shape" in node.attrs else node.attrs["h5sparse_shape"]
        found = tuple(int(n) for n in declared)
    if found != shape:
        msg = f"{source}: {node.name} is of {found} where obs and var make {shape}. Write the file again with anndata."
        raise InputError(msg)
    if hasattr(node, "shape"):
        check_claim(node, most=_MOST_DENSE)
        rows = max(1, _BLOCK // max(shape[1], 1))
        blocks = [sparse.csr_matrix(np.asarray(node[at : at + rows], dtype=np.float64)) for at in range(0, shape[0], rows)]
        return sparse.csr_matrix(sparse.vstack(blocks)) if blocks else sparse.csr_matrix(shape)
    if kind not in ("csr_matrix", "csr", "csc_matrix", "csc"):
        msg = f"{source}: {node.name} is of an unknown kind ({kind[:60]!r}); a dense, CSR or CSC matrix is expected."
        raise InputError(msg)
    make = sparse.csr_matrix if kind.startswith("csr") else sparse.csc_matrix
    data, indices, indptr = (_array(node[name]) for name in ("data", "indices", "indptr"))
    matrix = make((data.astype(np.float64), indices, indptr), shape=shape)
    matrix.check_format(full_check=True)  # indices beyond the matrix would be followed in C
    return matrix.tocsr()


def _array(node: Any) -> npt.NDArray[Any]:
    """Read a whole array, unless it claims more than can be there."""
    return np.asarray(whole(node))


# ---------------------------------------------------------------- frames
def _frame(file: Any, name: str, source: str) -> tuple[list[str], dict[str, Column]]:
    """Read the index and the columns of `obs` or `var`."""
    group = file[name]
    if not hasattr(group, "keys"):
        msg = f"{source}: {name} is written as anndata before 0.7 did. Open the file with a newer anndata and write it again."
        raise InputError(msg)
    index = _text(group.attrs["_index"])
    ids = [i if i is not None else "" for i in _column(group, index)[0]]
    order = [_text(n) for n in group.attrs.get("column-order", [k for k in group if k not in (index, "__categories")])]
    columns = {n: _column(group, n) for n in order if n != index}
    if short := [n for n, (cells, _) in columns.items() if len(cells) != len(ids)]:
        msg = f"column {short[0]!r} of {name} has {len(columns[short[0]][0])} cells for {len(ids)} ids"
        raise ValueError(msg)
    return ids, columns


def _column(group: Any, name: str) -> Column:
    """Read one column: an array, categories with codes, or values with a mask."""
    node = group[name]
    if hasattr(node, "keys"):
        if "codes" in node:
            return _categories(_column(node, "categories")[0], _array(node["codes"])), "categorical"
        cells, kind = _plain(_array(node["values"]))
        return [None if gone else c for c, gone in zip(cells, _array(node["mask"]).tolist(), strict=True)], kind
    values = _array(node)
    if "categories" in node.attrs:  # anndata before 0.8
        return _categories(_plain(_array(group.file[node.attrs["categories"]]))[0], values), "categorical"
    return _plain(values)


def _categories(names: list[str | None], codes: npt.NDArray[Any]) -> list[str | None]:
    """Spell out categories; -1 is missing."""
    if codes.size and codes.max() >= len(names):
        msg = f"code {int(codes.max())} for {len(names)} categories"
        raise ValueError(msg)
    return [names[c] if c >= 0 else None for c in codes.tolist()]


def _plain(values: npt.NDArray[Any]) -> Column:
    """Turn an array into cells: numbers as short as they read back, NaN and empty text missing."""
    if values.ndim != 1:
        msg = f"an array of shape {values.shape} where a column is expected"
        raise ValueError(msg)
    if values.dtype.kind == "f":
        numeric = "categorical" if np.isinf(values).any() or np.isnan(values).all() else "numeric"
        return [None if np.isnan(v) else str(v) for v in values], numeric
    if values.dtype.kind in "iu":
        return [str(v) for v in values.tolist()], "numeric"
    return [_text(v) or None for v in values.tolist()], "categorical"


def _text(value: Any) -> str:
    """Return text whether stored as bytes or str; other values as Python writes them."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _taxonomy(columns: dict[str, Column], features: list[str], source: str) -> tuple[RawTaxonomy | None, list[str]]:
    """Make a taxonomy of the columns of `var` that are ranks or lineages."""
    ranks = rank_columns(list(columns))
    others = [n for n in columns if n not in ranks.values()]
    notes = [f"{source}: columns of var that are no ranks were left out: {first_ids(others, limit=8)}."] if others else []
    if not ranks:
        return None, notes
    cells = zip(*(columns[n][0] for n in ranks.values()), strict=True)
    return RawTaxonomy(dict(zip(features, cells, strict=True)), tuple(ranks), source, "var of an AnnData file"), notes
