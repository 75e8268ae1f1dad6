"""Abundance tables as they come: one reader a format, one registry, one way to tell formats apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.text import decode, open_bytes
from gutdiv.model.inputs import RawTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_LINEAGE_HEADERS = {"taxonomy", "consensus lineage", "consensuslineage", "lineage", "taxon", "taxa"}
_FEATURE_HEADERS = {
    "#otu id",
    "#otuid",
    "otu id",
    "otuid",
    "#asv id",
    "#asv_id",
    "asv_id",
    "asv id",
    "feature id",
    "feature-id",
    "featureid",
    "feature_id",
    "#feature id",
}


def read_abundance_table(path: Path | str, *, kind: str | None = None) -> RawTable:
    """Read an abundance table of any known format.

    Parameters
    ----------
    path : Path or str
        The file; gzip text is unpacked.
    kind : str, optional
        A key of `TABLE_READERS`; default: told from the file's first bytes.

    Raises
    ------
    InputError
        Where the file is no table of a known format, or ids repeat, or a cell is no number.
    """
    path = Path(path)
    if kind is None:
        kind = _detect(path)
    if kind not in TABLE_READERS:
        msg = f"table format {kind!r} is not known. Known formats: {', '.join(TABLE_READERS)}."
        raise InputError(msg)
    return TABLE_READERS[kind](path)


def _detect(path: Path) -> str:
    """Tell the format from the first bytes: HDF5, JSON, or text."""
    try:
        with path.open("rb") as handle:
            head = handle.read(4096)
    except OSError:
        open_bytes(path, "table")  # says clearly what is wrong with the path
        raise
    if head.startswith(HDF5_MAGIC):
        return "biom-hdf5"
    if head.startswith(b"PK\x03\x04"):
        mend = (
            "It seems to be a spreadsheet: save it as text with tabs."
            if path.suffix.lower() in (".xlsx", ".ods")
            else "If it is a QIIME 2 artifact, export it: `qiime tools export --input-path ... --output-path ...` gives a .biom file."
        )
        msg = f"{path.name} is a zip archive, which is not read as a table. {mend}"
        raise InputError(msg)
    return "biom-json" if head.lstrip().startswith(b"{") else "tsv"


# ---------------------------------------------------------------- BIOM
def _read_biom_hdf5(path: Path) -> RawTable:
    """Read BIOM 2.1 (HDF5) straight into sparse rows of samples."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
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
        msg = f"{path.name} begins as HDF5 but is no whole BIOM 2.1 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    return _table(samples, features, values, lineages, path.name, f"BIOM {version} (HDF5)")


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
    return {f: _joined(r) for f, r in zip(features, rows, strict=True)}


def _joined(ranks: Any) -> str | None:
    """Turn one lineage, a text or a list of ranks, into one text; None where it says nothing."""
    if ranks is None:
        return None
    cells = [ranks] if isinstance(ranks, str) else ["" if r is None else str(r) for r in ranks]
    while cells and not cells[-1].strip():
        cells.pop()
    text = "; ".join(c.strip() for c in cells)
    return text or None


def _read_biom_json(path: Path) -> RawTable:
    """Read BIOM 1.0 (JSON), sparse or dense."""
    raw = open_bytes(path, "table")
    try:
        content = json.loads(decode(raw, path.name, "table"))
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
        msg = f"{path.name} begins as JSON but is no whole BIOM 1.0 table ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error
    keys = {k for a in about for k in a if k.lower() == "taxonomy"}
    lineages = {f: _joined(next((a[k] for k in a if k in keys), None)) for f, a in zip(features, about, strict=True)} if keys else None
    return _table(samples, features, values, lineages, path.name, f"BIOM 1.0 (JSON, {content['matrix_type']})")


# ---------------------------------------------------------------- classic text
def _read_tsv(path: Path) -> RawTable:
    """Read a classic table: features in rows, samples in columns, perhaps a trailing column of lineages."""
    lines = decode(open_bytes(path, "table"), path.name, "table").split("\n")
    at = _header_line(lines, path.name)
    header = [c.strip() for c in lines[at].rstrip("\t").split("\t")]
    body = [(n, line) for n, line in enumerate(lines[at + 1 :], start=at + 2) if line.strip()]
    if len(header) < 2 or not body:
        comma = " It seems to be comma-separated; save it with tabs." if "," in lines[at] and "\t" not in lines[at] else ""
        msg = f"{path.name} holds no table: a header line with sample ids and one line a feature are expected, separated by tabs.{comma}"
        raise InputError(msg)
    rows = [(n, line.split("\t")) for n, line in body]
    for number, cells in rows:
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(header):
            msg = f"{path.name}, row {number} ({cells[0][:60]!r}): {len(cells)} cells where the header has {len(header)}. Mend the row."
            raise InputError(msg)
    lineage = _has_lineages(header, rows, path.name)
    names = header[1:-1] if lineage else header[1:]
    features = [cells[0].strip() for _, cells in rows]
    last = len(header) - 1 if lineage else len(header)
    data: list[np.ndarray[Any, Any]] = []
    for number, cells in rows:
        try:
            data.append(np.array(cells[1:last], dtype=np.float64))
        except ValueError:
            _refuse_cell(cells[1:last], names, path.name, number, cells[0])
    values = sparse.csr_matrix(sparse.vstack([sparse.csr_matrix(r) for r in data]).T) if data else sparse.csr_matrix((0, 0))
    lineages = {f: _joined(cells[-1]) for f, (_, cells) in zip(features, rows, strict=True)} if lineage else None
    found = "classic TSV" + (f" with lineages in column {header[-1]!r}" if lineage else "")
    return _table(names, features, values, lineages, path.name, found)


def _header_line(lines: Sequence[str], source: str) -> int:
    """Find the header: a line that names features first, else the last of the leading `#` lines, else the first line."""
    leading = 0
    while leading < len(lines) and (lines[leading].startswith("#") or not lines[leading].strip()):
        leading += 1
    for at in range(min(leading + 1, len(lines))):
        if lines[at].split("\t")[0].strip().lower() in _FEATURE_HEADERS:
            return at
    commented = [at for at in range(leading) if "\t" in lines[at]]
    if commented:
        return commented[-1]
    if leading >= len(lines):
        msg = f"{source} holds only comments; a header line with sample ids and one line a feature are expected."
        raise InputError(msg)
    return leading


def _is_number(cell: str) -> bool:
    """Whether a cell reads as a number (NaN included: it is refused later, by name)."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _has_lineages(header: Sequence[str], rows: Sequence[tuple[int, list[str]]], source: str) -> bool:
    """Tell whether the last column holds lineages: by its name, or because its filled cells are text."""
    if header[-1].lower() in _LINEAGE_HEADERS:
        return True
    filled = [cells[-1] for _, cells in rows if cells[-1].strip()]
    words = sum(not _is_number(c) for c in filled)
    if len(header) < 3 or words == 0:
        return False
    if words == len(filled):
        return True
    bad = next((n, c) for n, c in rows if c[-1].strip() and not _is_number(c[-1]))
    msg = (
        f"{source}, row {bad[0]} ({bad[1][0][:60]!r}): the last column ({header[-1]!r}) mixes numbers and text ({bad[1][-1][:60]!r}). "
        "Name it 'taxonomy' if it holds lineages, or mend the cell."
    )
    raise InputError(msg)


def _refuse_cell(cells: Sequence[str], names: Sequence[str], source: str, number: int, feature: str) -> None:
    """Name the first cell of a row that is no number."""
    column = next(j for j, c in enumerate(cells) if not _is_number(c))
    what = "empty" if not cells[column].strip() else f"{cells[column][:60]!r}, which is no number"
    msg = f"{source}, row {number} ({feature[:60]!r}), sample {names[column][:60]!r}: the cell is {what}. Write the read count, 0 where there is none."
    raise InputError(msg)


# ---------------------------------------------------------------- what all formats share
def _table(
    samples: Sequence[str], features: Sequence[str], values: Any, lineages: dict[str, str | None] | None, source: str, found: str
) -> RawTable:
    """Check ids and finish: one entry a cell, no stored zeros."""
    for what, ids in (("sample", samples), ("feature", features)):
        if not ids:
            msg = f"{source} holds no {what}s."
            raise InputError(msg)
        seen: set[str] = set()
        twice = sorted({i for i in ids if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
        if twice:
            msg = f"{source}: {count_noun(twice, f'{what} id')} more than once: {first_ids(twice)}. Make {what} ids unique."
            raise InputError(msg)
        if any(not i for i in ids):
            msg = f"{source}: {sum(not i for i in ids)} {what}s have an empty id. Name every {what}."
            raise InputError(msg)
    matrix = sparse.csr_matrix(values, dtype=np.float64)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return RawTable(tuple(samples), tuple(features), matrix, lineages, source, found)


TABLE_READERS: dict[str, Callable[[Path], RawTable]] = {
    "biom-hdf5": _read_biom_hdf5,
    "biom-json": _read_biom_json,
    "tsv": _read_tsv,
}
