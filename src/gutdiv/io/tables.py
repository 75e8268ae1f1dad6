"""Abundance tables as they come: one reader a format, one registry, one way to tell formats apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.errors import InputError
from gutdiv.io.biom import read_biom_hdf5, read_biom_json
from gutdiv.io.delimited import read_tsv
from gutdiv.io.text import open_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutdiv.model.inputs import RawTable

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


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


TABLE_READERS: dict[str, Callable[[Path], RawTable]] = {
    "biom-hdf5": read_biom_hdf5,
    "biom-json": read_biom_json,
    "tsv": read_tsv,
}
