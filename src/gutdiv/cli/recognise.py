"""Tells of any file whether it is a table, a taxonomy, a tree or sample metadata, by asking the readers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gutdiv.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

ROLES = ("table", "taxonomy", "tree", "metadata")
# Headers of a column of sample ids. Under one of them few columns of numbers are measurements, not features.
_SAMPLE_HEADERS = {"id", "sampleid", "sample id", "sample-id", "sample_id", "sample", "sample_name", "samplename", "run", "subject"}
_FEW_COLUMNS = 20
# Columns beside the sample ids, in lower case without `-` and `_`, of files about reads that describe no samples.
_SHEET = {
    "forwardreads",
    "reversereads",
    "fastq1",
    "fastq2",
    "run",
    "forwardabsolutefilepath",
    "reverseabsolutefilepath",
    "absolutefilepath",
}
_TRACKED = {"dada2input", "filtered", "denoised", "denoisedf", "denoisedr", "merged", "nonchim", "nonchimeric", "cutadapttotalprocessed"}
_LONGEST = 200  # characters of a reader's reason


@dataclass(frozen=True, eq=False)
class Recognised:
    """A file and what it is: one of the four parts is there, or none where no reader understands the file.

    Parameters
    ----------
    path : Path
    table, taxonomy, tree, metadata : optional
        What the reader gave.
    options : mapping of str to str
        Options that the table's reader needs, as `gutdiv run` spells them.
    reasons : tuple of str
        Why readers did not understand it.
    """

    path: Path
    table: RawTable | None = None
    taxonomy: RawTaxonomy | None = None
    tree: RawTree | None = None
    metadata: SampleMetadata | None = None
    options: dict[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """What the file is; empty where nothing understands it."""
        return next((role for role in ROLES if getattr(self, role) is not None), "")


def recognise(path: Path) -> Recognised:
    """Read a file or folder as the first of tree, table, taxonomy and metadata that it is; never raises over its content."""
    from gutdiv.io.text import first_bytes

    try:
        head = b"" if path.is_dir() else first_bytes(path, "input").lstrip(b"\xef\xbb\xbf \t\r\n")
    except InputError as error:
        return Recognised(path, reasons=(_short(str(error)),))
    if hint := _about_reads(head):
        return Recognised(path, reasons=(hint,))
    if head.startswith((b"(", b"[&", b"#NEXUS")):
        roles = ["tree"]
    elif path.is_dir():
        roles = ["table"]
    elif _looks_like_metadata(head):
        roles = ["metadata", "table", "taxonomy"]
    else:  # only an artifact can be a tree and not begin like one
        roles = ["table", "tree", "taxonomy", "metadata"] if head.startswith(b"PK") else ["table", "taxonomy", "metadata"]
    reasons = []
    for role in roles:
        try:
            return _read(path, role)
        except InputError as error:
            reasons.append(f"as {role}: {_short(str(error))}")
    return Recognised(path, reasons=tuple(reasons))


def _read(path: Path, role: str) -> Recognised:
    """Read a file as what it may be; of a mothur table with several labels, the one that its reader proposes."""
    from gutdiv.io.metadata import read_metadata
    from gutdiv.io.tables import read_abundance_table
    from gutdiv.io.taxonomy import read_taxonomy
    from gutdiv.io.trees import read_tree

    if role == "tree":
        return Recognised(path, tree=read_tree(path))
    if role == "taxonomy":
        return Recognised(path, taxonomy=read_taxonomy(path))
    if role == "metadata":
        return Recognised(path, metadata=read_metadata(path))
    try:
        return Recognised(path, table=read_abundance_table(path))
    except InputError as error:
        label = re.search(r"--label (\S+)$", str(error))
        if label is None:
            raise
        return Recognised(path, table=read_abundance_table(path, label=label[1]), options={"label": label[1]}, reasons=(str(error),))


def _looks_like_metadata(head: bytes) -> bool:
    """Whether text begins with a header of sample ids over a few columns, of which a table's reader would make features if all are numbers."""
    from gutdiv.io.ranks import LINEAGE_NAMES, RANK_OF

    cells = _header(head)
    taxa = len({RANK_OF[c] for c in cells[1:] if c in RANK_OF}) > 1 or any(c in LINEAGE_NAMES for c in cells[1:])
    return cells[0] in _SAMPLE_HEADERS and 2 <= len(cells) <= _FEW_COLUMNS and not taxa


def _about_reads(head: bytes) -> str:
    """Say what a file is that lists reads, or how many of them a pipeline kept: neither counts nor what describes samples; empty for others."""
    columns = {re.sub(r"[-_ ]", "", c) for c in _header(head)[1:]}
    if columns and columns <= _SHEET and columns != {"run"}:
        return "It seems to be a pipeline's samplesheet, which names files of reads. Leave it out; sample metadata hold what describes samples."
    if len(columns & _TRACKED) >= 3:
        return "It seems to be a pipeline's summary of reads kept at each step. Leave it out; sample metadata hold what describes samples."
    return ""


def _header(head: bytes) -> list[str]:
    """Return the cells of the first line of text in lower case, without quotation marks; at least one."""
    line = next((one for one in head.decode("utf-8", "replace").splitlines() if one.strip()), "")
    return [c.strip().strip("\"'").lstrip("#").lower() for c in re.split(r"[\t,;]", line)]


def _short(text: str) -> str:
    """Cut a message to one readable line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
