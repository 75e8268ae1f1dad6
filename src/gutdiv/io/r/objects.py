"""R's objects as tables see them: vectors, matrices (dense and sparse), data frames of base R and Bioconductor, factors, dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from rdata.parser import RObject, RObjectType
from scipy import sparse

from gutdiv.io.r.serial import INTEGER_NA, followed, number_texts, pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Ids = tuple[str, ...] | None

_NUMBERS = (RObjectType.INT, RObjectType.REAL, RObjectType.LGL)
_MOST = 5_000_000  # rows or columns of a table: what claims more is damaged or a bomb
_BLOCK = 1 << 24  # cells of a dense matrix that are held as floats at a time


@dataclass(frozen=True, eq=False)
class RMatrix:
    """A matrix of numbers: `values` (n_rows, n_columns) sparse, NaN where R has NA; ids are None where it has no names."""

    values: sparse.csr_matrix
    rows: Ids
    columns: Ids


@dataclass(frozen=True, eq=False)
class RColumn:
    """A column of a data frame: `words` where it holds strings, factors, logicals or dates, else `numbers`."""

    words: tuple[str | None, ...] | None
    numbers: npt.NDArray[np.float64] | None = None

    @cached_property
    def cells(self) -> tuple[str | None, ...]:
        """The cells as R prints them, None where NA; made when they are asked for, as tables of numbers have millions."""
        return tuple(number_texts(self.numbers, whole=False)) if self.numbers is not None else self.words or ()

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.words or ()) if self.numbers is None else len(self.numbers)


@dataclass(frozen=True, eq=False)
class RFrame:
    """A data frame: `rows` are the row names, `automatic` where they are only counted; `ignored` names columns that are no plain vectors."""

    rows: tuple[str, ...]
    automatic: bool
    columns: dict[str, RColumn]
    ignored: tuple[str, ...] = field(default=())


# ---------------------------------------------------------------- small looks
def slots(thing: RObject) -> dict[str, RObject]:
    """Return the attributes of an object: of an S4 object, its slots. Absent slots (`NULL`) are left out."""
    return {name: value for name, value in pairs(thing.attributes).items() if not is_null(value)}


def is_null(thing: RObject) -> bool:
    """Whether an object is R's NULL, also in the disguise that S4 slots need."""
    if thing.info.type is RObjectType.SYM:
        return bool(thing.value.value == b"\x01NULL\x01")
    return thing.info.type in (RObjectType.NIL, RObjectType.NILVALUE)


def classes(thing: RObject) -> tuple[str, ...]:
    """Return the class attribute of an object; empty where it has none."""
    named = pairs(thing.attributes).get("class")
    return () if named is None else tuple(c for c in texts(named) if c)


def texts(thing: RObject) -> tuple[str | None, ...]:
    """Return a vector as strings; raises TypeError where it is no plain vector."""
    if thing.info.type is RObjectType.STR:
        return tuple(thing.value)
    return column(thing).cells


def members(thing: RObject) -> list[tuple[str, RObject]]:
    """Return the entries of a list with their names (empty where they have none)."""
    if thing.info.type is not RObjectType.VEC:
        return []
    entries = [followed(v) for v in thing.value]
    named = pairs(thing.attributes).get("names")
    names = [n or "" for n in texts(named)] if named is not None else [""] * len(entries)
    return list(zip(names, entries, strict=True))


def environment(thing: RObject) -> dict[str, RObject]:
    """Return the variables of an environment, where reference classes (the assays of old SummarizedExperiments) keep their fields."""
    chains = [thing.value.frame, *(e for e in (thing.value.hash_table.value or ()) if isinstance(e, RObject))]
    return {name: entry for chain in chains for name, entry in pairs(chain).items()}


def shape(thing: RObject) -> tuple[int, ...]:
    """Return the `dim` of an array; empty where it has none."""
    dim = pairs(thing.attributes).get("dim")
    return () if dim is None else tuple(int(v) for v in dim.value)


def dimnames(thing: RObject, *, slot: str = "dimnames") -> tuple[Ids, Ids]:
    """Return the names of rows and columns, None where there are none."""
    named = pairs(thing.attributes).get(slot)
    entries = [e for _, e in members(named)] if named is not None else []
    if len(entries) != 2:
        return None, None
    rows, columns = (None if is_null(e) else _ids(texts(e)) for e in entries)
    return rows, columns


def _ids(cells: Sequence[str | None]) -> tuple[str, ...]:
    """Return ids as strings; a missing one is empty, and refused by whoever needs it."""
    return tuple(c or "" for c in cells)


# ---------------------------------------------------------------- vectors
def numbers(thing: RObject) -> npt.NDArray[np.float64]:
    """Return a numeric vector as floats, NaN where NA; raises TypeError where it is none."""
    if thing.info.type not in _NUMBERS or not isinstance(thing.value, np.ndarray):
        msg = f"a vector of numbers is expected where a {thing.info.type.name} stands"
        raise TypeError(msg)
    return _floats(thing.value, wide="integer64" in classes(thing))


def _floats(raw: npt.NDArray[Any], *, wide: bool = False) -> npt.NDArray[np.float64]:
    """Turn R's integers, logicals, doubles (or 64-bit integers that bit64 keeps in doubles) into floats."""
    if wide:
        raw = raw.view(np.dtype("i8").newbyteorder(raw.dtype.byteorder))
        missing = raw == np.iinfo("i8").min
    else:
        missing = (raw == INTEGER_NA) if raw.dtype.kind == "i" else np.zeros(0, dtype=bool)
    out = raw.astype(np.float64)
    if missing.any():
        out[missing] = np.nan
    return out


def column(thing: RObject) -> RColumn:
    """See a vector, a factor, a date, or a run-length encoded vector as a column; raises TypeError where it is something else."""
    kinds = classes(thing)
    kind = thing.info.type
    if "Rle" in kinds:
        parts = slots(thing)
        runs, times = column(parts["values"]), numbers(parts["lengths"]).astype(int)
        _within(times.sum())
        if runs.numbers is not None:
            return RColumn(None, np.repeat(runs.numbers, times))
        return RColumn(tuple(c for c, n in zip(runs.cells, times, strict=True) for _ in range(n)))
    if shape(thing) or kind not in (*_NUMBERS, RObjectType.STR):
        msg = f"a {kinds[0] if kinds else kind.name} is no plain vector"
        raise TypeError(msg)
    if kind is RObjectType.STR:
        return RColumn(tuple(thing.value))
    if "factor" in kinds:
        labels = texts(pairs(thing.attributes)["levels"])
        return RColumn(tuple(None if code == INTEGER_NA else labels[code - 1] for code in thing.value.tolist()))
    if kind is RObjectType.LGL:
        return RColumn(tuple(None if v == INTEGER_NA else "TRUE" if v else "FALSE" for v in thing.value.tolist()))
    values = numbers(thing)
    if "Date" in kinds:
        return RColumn(tuple(None if v != v else (date(1970, 1, 1) + timedelta(days=int(v // 1))).isoformat() for v in values.tolist()))
    if "POSIXct" in kinds:
        return RColumn(tuple(None if v != v else datetime.fromtimestamp(v, UTC).strftime("%Y-%m-%d %H:%M:%S") for v in values.tolist()))
    return RColumn(None, values)


# ---------------------------------------------------------------- matrices and frames
def _within(*sizes: int) -> None:
    """Refuse sizes that no table has, before anything of that size is made."""
    if any(not 0 <= n <= _MOST for n in sizes):
        msg = f"a table of {max(sizes):,} rows or columns"
        raise ValueError(msg)


def matrix(thing: RObject) -> RMatrix | None:
    """See an object as a matrix of numbers: base R's dense one, or Matrix's `dgCMatrix`; None where it is neither.

    Raises
    ------
    ValueError
        Where its parts do not fit each other.
    """
    if "dgCMatrix" in classes(thing):
        parts = pairs(thing.attributes)
        size = (int(parts["Dim"].value[0]), int(parts["Dim"].value[1]))
        _within(*size)
        packed = sparse.csc_matrix(
            (_floats(parts["x"].value), parts["i"].value.astype(np.int32), parts["p"].value.astype(np.int32)), shape=size
        )
        packed.check_format(full_check=True)
        return RMatrix(packed.tocsr(), *dimnames(thing, slot="Dimnames"))
    lengths = shape(thing)
    if len(lengths) != 2 or thing.info.type not in _NUMBERS:
        return None
    size = (lengths[0], lengths[1])
    _within(*size)
    dense = thing.value.reshape(size[::-1])  # R's columns are the rows of this view of the file's bytes
    step = max(1, _BLOCK // max(1, size[0]))
    wide = "integer64" in classes(thing)
    blocks = [sparse.csr_matrix(_floats(dense[at : at + step], wide=wide)) for at in range(0, size[1], step)]
    columns = sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix(size[::-1], dtype=np.float64)
    return RMatrix(columns.T.tocsr(), *dimnames(thing))


def text_matrix(thing: RObject) -> RFrame | None:
    """See a matrix of strings as a data frame (a taxonomy of DADA2 or phyloseq); None where it is none."""
    size = shape(thing)
    if len(size) != 2 or thing.info.type is not RObjectType.STR or len(thing.value) != size[0] * size[1]:
        return None
    rows, columns = dimnames(thing)
    names = columns or tuple(f"V{j + 1}" for j in range(size[1]))
    cells = {name: RColumn(tuple(thing.value[j * size[0] : (j + 1) * size[0]])) for j, name in reversed(list(enumerate(names)))}
    return RFrame(rows or tuple(str(i + 1) for i in range(size[0])), rows is None, {n: cells[n] for n in dict.fromkeys(names)})


def frame(thing: RObject) -> RFrame | None:
    """See an object as a data frame (base R, tibble, phyloseq's sample_data, Bioconductor's DFrame); None where it is none."""
    kinds, parts = classes(thing), pairs(thing.attributes)
    ignored: list[str] = []
    if "listData" in parts and "nrows" in parts:
        entries, n, names = members(parts["listData"]), int(parts["nrows"].value[0]), parts.get("rownames")
    elif {"data.frame", "sample_data"} & set(kinds) and "row.names" in parts:
        entries, names = members(thing), parts["row.names"]
        counted = names.info.type is RObjectType.INT and len(names.value) == 2 and names.value[0] == INTEGER_NA
        n = abs(int(names.value[1])) if counted else len(names.value)
        names = None if counted else names
    else:
        return None
    _within(n)
    rows = _ids(texts(names)) if names is not None and not is_null(names) else None
    columns: dict[str, RColumn] = {}
    for name, entry in entries:
        try:
            seen = column(entry)
        except TypeError:
            seen = RColumn(())
        if len(seen) != n or not name or name in columns:
            ignored.append(name)
        else:
            columns[name] = seen
    return RFrame(rows or tuple(str(i + 1) for i in range(n)), rows is None, columns, tuple(ignored))
