"""Abundance tables as they come: one reader a format, one registry, one way to tell formats apart."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gutdiv.errors import InputError
from gutdiv.io.biom import is_json
from gutdiv.io.h5ad import is_h5ad
from gutdiv.io.mothur import is_shared
from gutdiv.io.qiime import ZIP_MAGIC, is_artifact
from gutdiv.io.text import first_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from gutdiv.model.inputs import RawTable

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
# How R's save() (with a name for each object) and saveRDS() begin: XDR, ASCII and native binary, versions 2 and 3.
R_SAVE = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"RDB2\n", b"RDB3\n")
R_SAVE_RDS = (b"X\n\0\0\0\2", b"X\n\0\0\0\3", b"A\n2\n", b"A\n3\n", b"B\n\2\0\0\0", b"B\n\3\0\0\0")


def is_r_file(path: Path, head: bytes) -> bool:
    """Whether a file is R's, by its first bytes (unpacked) or by its name: a damaged one should be called so."""
    return head.startswith((*R_SAVE, *R_SAVE_RDS)) or path.suffix.lower() in (".rds", ".rdata", ".rda")


# Where nf-core/ampliseq puts its tables, best first: filtered counts (without mitochondria and chloroplasts, unless the pipeline was told otherwise)
# before all that DADA2 found.
AMPLISEQ_TABLES = (
    "qiime2/abundance_tables/feature-table.biom",
    "qiime2/abundance_tables/feature-table.tsv",
    "qiime2/abundance_tables/filtered-table.qza",
    "dada2/ASV_table.tsv",
)


def is_ampliseq(path: Path, head: bytes) -> bool:
    """Whether a folder holds a table where nf-core/ampliseq puts it."""
    return not head and path.is_dir() and any((path / name).exists() for name in AMPLISEQ_TABLES)


@dataclass(frozen=True)
class TableReader:
    """One format of tables.

    Parameters
    ----------
    what : str
        The format in words.
    function : str
        `module:function` of the reader, imported when it is used; it takes a path (and the options it understands) and returns a RawTable.
    recognises : callable
        Whether a path (a folder, or a file with these first bytes, unpacked where it is packed) is of this format.
    options : tuple of str
        The keywords of `read_abundance_table` that the reader understands.
    """

    what: str
    function: str
    recognises: Callable[[Path, bytes], bool]
    options: tuple[str, ...] = ()

    def __call__(self, path: Path, **options: object) -> RawTable:
        """Read a table of this format."""
        module, name = self.function.split(":")
        return cast("RawTable", getattr(importlib.import_module(module), name)(path, **options))


# In the order in which they are asked; the last takes every file that is no folder.
TABLE_READERS: dict[str, TableReader] = {
    "ampliseq": TableReader("nf-core/ampliseq results folder", "gutdiv.io.ampliseq:read_ampliseq", is_ampliseq),
    "qza": TableReader("QIIME 2 artifact (.qza)", "gutdiv.io.qiime:read_qiime_table", is_artifact),
    "h5ad": TableReader("AnnData (.h5ad)", "gutdiv.io.h5ad:read_h5ad", is_h5ad),
    "biom-hdf5": TableReader("BIOM 2 (HDF5)", "gutdiv.io.biom:read_biom_hdf5", lambda path, head: head.startswith(HDF5_MAGIC)),
    "biom-json": TableReader("BIOM 1.0 (JSON)", "gutdiv.io.biom:read_biom_json", lambda path, head: is_json(head)),
    "mothur": TableReader("mothur .shared", "gutdiv.io.mothur:read_shared", lambda path, head: is_shared(head), options=("label",)),
    "r": TableReader(
        "R file (.rds, .RData, .rda)",
        "gutdiv.io.r.files:read_r_table",
        is_r_file,
        options=("samples_in",),
    ),
    "rdp": TableReader(
        "RDP Classifier hierarchy", "gutdiv.io.rdp:read_rdp_hierarchy", lambda path, head: head.startswith(b"taxid\tlineage\tname\trank\t")
    ),
    "text": TableReader(
        "text with tabs, commas or semicolons",
        "gutdiv.io.delimited:read_text_table",
        lambda path, head: not path.is_dir(),
        options=("samples_in",),
    ),
}


def read_abundance_table(path: Path | str, kind: str | None = None, *, samples_in: str | None = None, label: str | None = None) -> RawTable:
    """Read an abundance table of any known format.

    Parameters
    ----------
    path : Path or str
        The file, or a folder of a known layout; gzip, bzip2 and xz are unpacked.
    kind : str, optional
        A key of `TABLE_READERS`; default: told from the name and the first bytes.
    samples_in : {'rows', 'columns'}, optional
        Where samples stand in a table that does not say so itself (text); default: told from the names.
    label : str, optional
        Which label of a mothur table to read; needed where it holds several.

    Raises
    ------
    InputError
        Where the file is no table of a known format, ids repeat, a cell is no number, or an option does not fit the format.
    """
    path = Path(path)
    if kind is None:
        kind = _detect(path)
    if kind not in TABLE_READERS:
        msg = f"table format {kind!r} is not known. Known formats: {', '.join(TABLE_READERS)}."
        raise InputError(msg)
    reader = TABLE_READERS[kind]
    options = {name: value for name, value in (("samples_in", samples_in), ("label", label)) if value is not None}
    for name in options.keys() - set(reader.options):
        msg = f"{path.name} was read as {reader.what}, for which --{name.replace('_', '-')} means nothing. Leave it out."
        raise InputError(msg)
    return reader(path, **options)


def _detect(path: Path) -> str:
    """Tell the format from the name and the first bytes."""
    head = b"" if path.is_dir() else first_bytes(path, "table")
    found = next((kind for kind, reader in TABLE_READERS.items() if reader.recognises(path, head)), None)
    if found is None:
        msg = f"{path.name} is a folder, and of no known layout. Known formats: {', '.join(r.what for r in TABLE_READERS.values())}."
        raise InputError(msg)
    if found == "text" and head.startswith(ZIP_MAGIC):
        mend = (
            "It seems to be a spreadsheet: save it as text with tabs."
            if path.suffix.lower() in (".xlsx", ".ods")
            else "Unpack it and give the file or folder within."
        )
        msg = f"{path.name} is a zip archive, which is not read as a table. {mend}"
        raise InputError(msg)
    return found
