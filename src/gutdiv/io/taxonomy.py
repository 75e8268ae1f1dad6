"""The door for taxonomies: QIIME 2 (text or artifact), mothur, one column a rank as DADA2 and ampliseq write it, and R's files."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.qiime import is_artifact, read_artifact
from gutdiv.io.ranks import rank_columns
from gutdiv.io.tables import is_r_file
from gutdiv.io.text import decode, first_bytes, read_whole_text
from gutdiv.model.cohort import RANKS
from gutdiv.model.inputs import RawTaxonomy

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')  # a whole cell in quotation marks; mothur also writes them around single names
_SHARE = re.compile(r"0|1|[01]?\.\d+(?:[eE]-\d+)?|NA")
_CONFIDENCE = re.compile(r"\(\d+(?:\.\d+)?\)")
_NOTHING_KNOWN = {"unassigned", "unclassified", "unknown", "no blast hit"}  # what a lineage without a mark may say
# Columns that stand beside ranks and are none; others that are left out are named in a note.
_BESIDE = re.compile(r"confidence|consensus|sequence|size|bootstrap|(?:boot|confidence)[._ ].*", re.IGNORECASE)


@dataclass(frozen=True)
class _Layout:
    """How a taxonomy lies in its rows."""

    ranks: tuple[str, ...]
    places: tuple[int, ...]
    found: str
    has_header: bool = True
    notes: tuple[str, ...] = ()


def read_taxonomy(path: Path | str) -> RawTaxonomy:
    """Read lineages by feature; ids and names stay as they are spelled, R's `NA` and empty cells are missing.

    A header with names of ranks (`Kingdom` or `Domain`, `Phylum`, ... `Species`, in any case, or `Rank1` to `Rank7`) gives one cell a rank; a
    header with `Taxon`, `taxonomy` or `lineage` gives one text; without a header two columns are taken as id and text. The first column
    holds the ids, whatever its name; a header one cell shorter than all rows is R's, which leaves out the name of the ids. Tabs, commas,
    semicolons or blanks separate. Confidences and sequences beside the lineages are passed over.

    Raises
    ------
    InputError
        Where none of these forms is found, a row is ragged, a feature has no id or stands twice, or an artifact is no taxonomy.
    """
    path = Path(path)
    head = first_bytes(path, "taxonomy")
    if is_r_file(path, head):
        from gutdiv.io.r.files import read_r_taxonomy  # here, for the parser of R's files is slow to import

        return read_r_taxonomy(path)
    if is_artifact(path, head):
        artifact = read_artifact(path, "taxonomy")
        raw = parse_taxonomy(decode(artifact.data, f"{path.name} ({artifact.member})", "taxonomy"), path.name)
        return replace(raw, format=f"QIIME 2 artifact ({artifact.type})", origin=artifact.origin)
    return parse_taxonomy(read_whole_text(path, "taxonomy"), path.name)


def parse_taxonomy(text: str, source: str) -> RawTaxonomy:
    """Parse the text of a taxonomy; see `read_taxonomy`."""
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    while lines and lines[0][1].startswith("#") and not any(mark in lines[0][1] for mark in "\t,;"):
        lines.pop(0)  # `# Constructed from ...`
    if not lines:
        msg = f"{source} holds no taxonomy: a header and one line a feature are expected."
        raise InputError(msg)
    for delimiter in "\t,; ":
        if delimiter not in lines[0][1].strip() or not _is_taxonomy(lines[0], delimiter, source):
            continue
        rows = _rows(lines, delimiter, source)
        header = _header(rows)
        layout = _by_header(header, source) or _without_header(rows)
        if layout is not None:
            return _taxonomy(rows[1:] if layout.has_header else rows, layout, len(header), source)
    msg = (
        f"{source}: the header {lines[0][1][:120]!r} names neither a column of lineages ('Taxon') nor ranks ('Phylum', 'Genus', ...). "
        "Give a taxonomy with `Feature ID<TAB>Taxon`, or with one column a rank."
    )
    raise InputError(msg)


def _is_taxonomy(line: tuple[int, str], delimiter: str, source: str) -> bool:
    """Whether a first line, split so, is the header or the first row of a taxonomy."""
    try:
        rows = _rows([line], delimiter, source)
    except InputError:
        return False
    return bool(rows) and (bool(rank_columns([n for n in rows[0][1] if not _BESIDE.fullmatch(n)])) or _without_header(rows) is not None)


def _rows(lines: list[tuple[int, str]], delimiter: str, source: str) -> list[tuple[int, list[str]]]:
    """Split lines into cells, each line by itself, so that no quotation mark swallows rows; `#q2:types` is passed over."""
    csv.field_size_limit(1 << 30)
    rows = []
    for number, spelled in lines:
        line = spelled.replace('\\"', '""')  # R's write.table
        if delimiter == "\t":
            cells = [m[1].replace('""', '"') if (m := _QUOTED.fullmatch(c)) else c for c in line.split("\t")]
        else:
            try:
                cells = next(csv.reader([line], delimiter=delimiter, strict=True))
            except csv.Error as error:
                msg = (
                    f"{source}, row {number} ({line[:60]!r}): a quotation mark is opened and not closed on its line. Close it or delete it."
                )
                raise InputError(msg) from error
        if cells[0].strip().lower() != "#q2:types":
            rows.append((number, cells))
    return rows


def _header(rows: list[tuple[int, list[str]]]) -> list[str]:
    """Return the first row, with an empty name for the ids where R left it out: then every row has one cell more."""
    header = [c.strip() for c in rows[0][1]]
    body = rows[1:]
    if body and all(len(cells) == len(header) + 1 for _, cells in body):
        columns = rank_columns(header)
        if header[0] in columns.values() or any(cells[-1].strip() for _, cells in body):
            return ["", *header]
    return header


def _by_header(header: list[str], source: str) -> _Layout | None:
    """Find the ranks, or the lineages, by the names of the columns."""
    names = [n for n in header[1:] if not _BESIDE.fullmatch(n)]
    columns = rank_columns(names)
    if "lineage" in columns:
        first = header[0].lower()
        mothur = [h.lower() for h in header[:3]] == ["otu", "size", "taxonomy"]
        found = "mothur .cons.taxonomy" if mothur else "QIIME 2 taxonomy" if first == "feature id" else "one column of lineages"
        return _Layout(("lineage",), (header.index(columns["lineage"], 1),), found)
    if len(columns) < 2:
        return None
    others = [n for n in names if n not in columns.values() and n]
    notes = (f"Columns of {source} that are no ranks were left out: {first_ids(others, limit=8)}.",) if others else ()
    return _Layout(tuple(columns), tuple(header.index(n, 1) for n in columns.values()), "one column a rank", notes=notes)


def _without_header(rows: list[tuple[int, list[str]]]) -> _Layout | None:
    """Take two or three columns (id, lineage, perhaps a confidence) for a taxonomy without a header."""
    first = rows[0][1]
    if len(first) not in (2, 3):
        return None
    lineage = first[1].strip()
    if not (";" in lineage or "__" in lineage or lineage.lower() in _NOTHING_KNOWN):
        return None
    mothur = len(first) == 2 and _CONFIDENCE.search(lineage)
    return _Layout(("lineage",), (1,), "mothur .taxonomy" if mothur else "two columns without a header", has_header=False)


def _taxonomy(rows: list[tuple[int, list[str]]], layout: _Layout, width: int, source: str) -> RawTaxonomy:
    """Take ids and lineages out of the rows; refuse what is ragged, nameless or repeated."""
    out: dict[str, tuple[str | None, ...]] = {}
    twice, stripped = [], 0
    for number, cells in rows:
        if any(c.strip() for c in cells[width:]):
            msg = f"{source}, row {number} ({cells[0][:60]!r}): {len(cells)} cells where the header has {width}. Mend the row."
            raise InputError(msg)
        cells = cells + [""] * (width - len(cells))
        feature = cells[0].strip()
        stripped += feature != cells[0]
        if not feature:
            msg = f"{source}, row {number}: no feature id in the first column. Name the feature or delete the row."
            raise InputError(msg)
        if feature in out:
            twice.append(feature)
        out[feature] = tuple(_name(cells[p]) for p in layout.places)
    if not out:
        msg = f"{source} holds a header but no feature."
        raise InputError(msg)
    if twice:
        repeated = sorted(set(twice))
        msg = f"{source}: {count_noun(repeated, 'feature')} more than once: {first_ids(repeated)}. Keep one row for each."
        raise InputError(msg)
    notes = list(layout.notes)
    if stripped:
        notes.append(f"{source}: blanks around {count_noun(stripped, 'feature id')} were dropped.")
    if layout.ranks == ("lineage",) and (shorter := _without_confidence(out)) is not None:
        out = shorter
        notes.append(
            f"{source}: its lineages end in a confidence, as nf-core/ampliseq writes them; it and what stands behind the species were left out."
        )
    return RawTaxonomy(out, layout.ranks, source, layout.found, notes=tuple(notes))


def _without_confidence(rows: dict[str, tuple[str | None, ...]]) -> dict[str, tuple[str | None, ...]] | None:
    """Cut lineages that nf-core/ampliseq joined of all columns of DADA2's table, `Kingdom;...;Species;Species_exact;confidence`, behind the species.

    None where these are no such lineages: all must have 8 or 9 names without prefixes, the last a number from 0 to 1, and the first two must not be
    one (databases with a domain above the kingdom have a rank more, so that the names' ranks cannot be told).
    """
    split = {f: (cells[0] or "").split(";") for f, cells in rows.items()}
    widths = {len(parts) for parts in split.values()}
    if len(widths) != 1 or not widths <= {8, 9}:
        return None
    if any(parts[0] == parts[1] or not _SHARE.fullmatch(parts[-1].strip()) or any("__" in p for p in parts) for parts in split.values()):
        return None
    return {f: (";".join(parts[: len(RANKS)]).rstrip(";") or None,) for f, parts in split.items()}


def _name(cell: str) -> str | None:
    """Return a cell's text, None where it is empty or R's `NA`."""
    text = cell.strip()
    return None if text in ("", "NA") else text
