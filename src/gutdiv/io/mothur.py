"""mothur's .shared and .relabund tables: one row a sample and label, OTUs in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError, first_ids
from gutdiv.io.cells import Body, Walk, walk
from gutdiv.io.raw import checked_table
from gutdiv.io.text import not_utf8, open_bytes, refuse_other_encodings

if TYPE_CHECKING:
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

_COLUMNS = (b"label", b"group", b"numotus")  # before the OTUs


def is_shared(head: bytes) -> bool:
    """Whether a file that begins so is a .shared or .relabund table."""
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0].lower().split(b"\t")
    return tuple(c.strip() for c in first[:3]) == _COLUMNS


def read_shared(path: Path, *, label: str | None = None) -> RawTable:
    """Read the rows of one label; groups become samples, and stay the strings they were.

    A label is one way to cluster the same reads (`0.03`, `unique`). Where a file holds several, mothur writes the header of the first only and
    takes as many of its names as a row's `numOtus` says; so does this reader, with a note.

    Parameters
    ----------
    path : Path
    label : str, optional
        Which label to read; needed where the file holds several.

    Raises
    ------
    InputError
        Where the file holds several labels and none is chosen, or not the one that is; where `numOtus` does not fit the columns; where a cell is
        no number.
    """
    rows = _rows(open_bytes(path, "table"), path.name)
    chosen = _chosen(label, rows, path.name)
    names, notes = _names(chosen, rows, path.name)
    kept = set(rows.places[chosen])
    # Lines that are not read become blank ones, so that messages name the lines of the file.
    body = Body(b"\n".join(line if at in kept else b"" for at, line in enumerate(rows.lines)), 0, b"\t", path.name)
    found = walk(body, [True] * len(_COLUMNS) + [False] * len(names))
    samples = [s.strip() for s in found.texts(1)]
    _refuse_wrong_cell(found, names, samples)
    values = found.matrix(samples_in_rows=True)
    relative = ".relabund" in path.name.lower() or bool(np.any(values.data != np.round(values.data)))
    form = f"mothur {'.relabund (relative abundances)' if relative else '.shared'}, label {chosen}"
    return checked_table(
        samples, names, values, source=path.name, format=form, origin={"label": chosen, "samples_in": "rows"}, notes=tuple(notes)
    )


@dataclass(frozen=True)
class _Rows:
    """The lines of a file, and for each label the header and the lines that are its."""

    lines: list[bytes]
    headers: dict[str, tuple[str, ...]]
    places: dict[str, list[int]]


def _rows(raw: bytes, source: str) -> _Rows:
    """Sort the lines by label."""
    refuse_other_encodings(raw, source, "table")
    lines = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    found = _Rows(lines, {}, {})
    header: tuple[str, ...] | None = None
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        if is_shared(line):
            try:
                header = tuple(c.strip() for c in line.decode("utf-8").rstrip().split("\t")[len(_COLUMNS) :])
            except UnicodeDecodeError as error:
                raise not_utf8(raw, error.start, source, "table") from error
            continue
        if header is None:
            msg = f"{source}, row {at + 1}: no header. A .shared table begins with 'label', 'Group' and 'numOtus' (mothur 1.18 and later write it)."
            raise InputError(msg)
        label = line.split(b"\t", 1)[0].strip().decode("utf-8", "replace")
        if found.headers.setdefault(label, header) != header:
            msg = f"{source}, row {at + 1}: label {label!r} stands below two headers that differ. Make one table of each."
            raise InputError(msg)
        found.places.setdefault(label, []).append(at)
    if not found.places:
        msg = f"{source} holds a header but no sample."
        raise InputError(msg)
    return found


def _chosen(label: str | None, rows: _Rows, source: str) -> str:
    """Return the label to read."""
    there = list(rows.places)
    if label is None and len(there) == 1:
        return there[0]
    if label in rows.places:
        return str(label)
    if label is None:
        wanted = "0.03" if "0.03" in there else there[-1]
        msg = f"{source} holds {len(there)} labels ({first_ids(there, limit=12)}), each another clustering of the same reads. Choose one: --label {wanted}"
    else:
        msg = f"{source} holds no label {label!r}; it holds {first_ids(there, limit=12)}. Choose one of these with --label."
    raise InputError(msg)


def _names(label: str, rows: _Rows, source: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of a label's OTUs, and what to note; refuse a `numOtus` that does not fit."""
    names = rows.headers[label]
    said = None
    for at in rows.places[label]:
        cells = rows.lines[at].split(b"\t", 3)
        shown = [c.decode("utf-8", "replace").strip() for c in cells[:3]]
        if len(cells) < 3 or not shown[2].isdecimal():
            msg = f"{source}, row {at + 1}: {first_ids(shown[2:]) or 'nothing'} stands where numOtus, a whole number, is expected. Mend the row."
            raise InputError(msg)
        here = int(shown[2])
        if here > len(names) or (here < len(names) and len(rows.places) == 1) or said not in (None, here):
            expected = f"it is {said:,} in the rows above" if said not in (None, here) else f"the header names {len(names):,} OTUs"
            msg = (
                f"{source}, row {at + 1} ({shown[1][:60]!r}): numOtus is {here:,}, but {expected}. "
                "The file was cut or edited: make it again (mothur: make.shared)."
            )
            raise InputError(msg)
        said = here
    notes = []
    others = [o for o in rows.places if o != label]
    if others:
        notes.append(f"{source}: label {label} was read, {first_ids(others, limit=12)} left out.")
    if said is not None and said < len(names):
        notes.append(
            f"{source}: the header names {len(names):,} OTUs, label {label} has {said:,}; as mothur does, the first names were taken for them."
        )
        names = names[:said]
    return names, notes


def _refuse_wrong_cell(found: Walk, names: tuple[str, ...], samples: list[str]) -> None:
    """Name the first cell that is blank or no number."""
    blank = [(int(row), c) for c, (n, row) in enumerate(found.blanks.tolist()) if n]
    for row, column in sorted([*found.wrong[:1], *blank])[:1]:
        cell = found.cells(row)[column].decode("utf-8", "replace").strip()
        what = f"{cell[:60]!r}, which is no number" if cell else "empty"
        where = f"{found.body.source}, row {found.line(row)}, sample {samples[row][:60]!r}, OTU {names[column - len(_COLUMNS)][:60]!r}"
        msg = f"{where}: the cell is {what}. Write the read count, 0 where there is none."
        raise InputError(msg)
