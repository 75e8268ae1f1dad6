"""Abundance tables as they come: one reader a format, one registry, one way to tell formats apart."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gutdiv.errors import InputError
from gutdiv.io.text import open_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutdiv.model.inputs import RawTable

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class TableReader:
    """One format of tables.

    Parameters
    ----------
    what : str
        The format in words.
    function : str
        `module:function` of the reader, imported when it is used; it takes a path and returns a RawTable.
    recognises : callable
        Whether a path (a folder, or a file with these first bytes, unpacked where it is gzip) is of this format.
    """

    what: str
    function: str
    recognises: Callable[[Path, bytes], bool]

    def __call__(self, path: Path) -> RawTable:
        """Read a table of this format."""
        module, name = self.function.split(":")
        return cast("RawTable", getattr(importlib.import_module(module), name)(path))


# In the order in which they are asked; the last takes every text.
TABLE_READERS: dict[str, TableReader] = {
    "biom-hdf5": TableReader("BIOM 2.1 (HDF5)", "gutdiv.io.biom:read_biom_hdf5", lambda path, head: head.startswith(HDF5_MAGIC)),
    "biom-json": TableReader("BIOM 1.0 (JSON)", "gutdiv.io.biom:read_biom_json", lambda path, head: head.lstrip().startswith(b"{")),
    "tsv": TableReader("text with tabs", "gutdiv.io.delimited:read_tsv", lambda path, head: True),
}


def read_abundance_table(path: Path | str, *, kind: str | None = None) -> RawTable:
    """Read an abundance table of any known format.

    Parameters
    ----------
    path : Path or str
        The file, or a folder of a known layout; gzip is unpacked.
    kind : str, optional
        A key of `TABLE_READERS`; default: told from the name and the first bytes.

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
    """Tell the format from the name and the first bytes."""
    try:
        with path.open("rb") as handle:
            head = handle.read(4096)
    except OSError:
        open_bytes(path, "table")  # says clearly what is wrong with the path
        raise
    if head.startswith(b"PK\x03\x04"):
        mend = (
            "It seems to be a spreadsheet: save it as text with tabs."
            if path.suffix.lower() in (".xlsx", ".ods")
            else "If it is a QIIME 2 artifact, export it: `qiime tools export --input-path ... --output-path ...` gives a .biom file."
        )
        msg = f"{path.name} is a zip archive, which is not read as a table. {mend}"
        raise InputError(msg)
    return next(kind for kind, reader in TABLE_READERS.items() if reader.recognises(path, head))
