"""The header of a text table: where it stands, what its cells are called after, and whether samples stand in rows or in columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gutdiv.errors import InputError
from gutdiv.io.cells import Body, number, split_cells
from gutdiv.io.ranks import LINEAGE_NAMES, RANK_OF
from gutdiv.io.text import not_utf8, refuse_other_encodings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

DELIMITERS = {b"\t": "tabs", b",": "commas", b";": "semicolons"}
LOOKED_AT = 20  # rows, enough to tell text from numbers (the walk over all rows has the last word), and fewer where rows are long:
_LOOKED_AT_CELLS = 200_000

# Names of columns, in lower case, without `#`, blanks, hyphens, underscores and points.
_FEATURE_IDS = {
    "otuid",
    "otu",
    "otus",
    "asvid",
    "asv",
    "asvs",
    "featureid",
    "feature",
    "features",
    "zotu",
    "zotuid",
    "esv",
    "repseq",
    "repseqs",
}
_SAMPLE_IDS = {"sample", "samples", "sampleid", "sampleids", "samplename", "group", "run"}
LINEAGES = {re.sub(r"[\s.]", "", n) for n in LINEAGE_NAMES} | {"lineages", "taxa", "classification"}
_TEXTS = LINEAGES | RANK_OF.keys() | {"speciesexact", "sequence", "sequences", "seq", "repseq", "representativesequence", "dnasequence"}
_NUMBERS = {"confidence", "consensus", "size", "length", "seqlength", "sequencelength", "seqlen"}
_MISSING = {"", "na", "n/a", "nan", "n.d.", "nd", "null", "none", "nil", "-", "--", ".", "?", "missing", "#n/a"}

_LINEAGE = re.compile(r"(?!.*;size=\d)(?:(?:sk|[dkpcofgst])__|D_\d{1,2}__|[dkpcofgs]:|[^;]+;\s*\S)")  # usearch writes `Otu1;size=9`
_SEQUENCE = re.compile(r"[ACGTUN]{50,}\Z", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:z?otu|asv|esv|denovo|new\.?reference\.?otu|new\.?cleanup\.?reference\.?otu|feature)[ _.:-]?\d+\Z", re.IGNORECASE
)
_COMMAS = re.compile(r"[+-]?(?:\d+,\d+(?:[eE][+-]?\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:\.\d{3})+,\d*)")
_DIGEST = re.compile(r"[0-9a-f]{32}\Z|[0-9a-f]{40}\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """A header: its cells, and the rows that follow it.

    Parameters
    ----------
    names : tuple of str
        One name a column, as spelled: sample ids are compared letter for letter, blanks around them too.
    body : Body
        The rows.
    first : tuple of tuple of str
        Cells of the first rows.
    ids : int
        The column of ids: the first, or the second behind row numbers that a program put before it (pandas, R).
    """

    names: tuple[str, ...]
    body: Body
    first: tuple[tuple[str, ...], ...]
    ids: int = 0


def plain_name(name: str) -> str:
    """Return a column's name in lower case, without what programs put into and around it."""
    return re.sub(r"[#\s_.-]", "", name.lower())


def find_header(raw: bytes, source: str) -> Header:
    """Find the header of a table: a line that names features or samples first, else a `#` line as wide as the first row, else the first line.

    Parameters
    ----------
    raw : bytes
        The file, unpacked.
    source : str
        Its name, for messages.

    Raises
    ------
    InputError
        Where there is no table.
    """
    raw = _clean(raw, source)
    leading, first = _leading(raw)
    candidates = [*leading, *([first] if first else [])]
    row = first[1] if first else b""
    at, line, delimiter = _choose(leading, candidates, row, source)
    body = Body(raw, at + len(line) + 1, delimiter, source)
    names = [n if n.strip() else "" for n in (_decoded(c, raw, at, source) for c in split_cells(line, delimiter))]
    names[0] = names[0].strip()
    rows = [
        [_decoded(c, raw, begin, source).strip() for c in split_cells(text, delimiter)]
        for begin, text in _rows(body, max(3, min(LOOKED_AT, _LOOKED_AT_CELLS // len(names))))
    ]
    if not rows or (len(names) < 2 and len(rows[0]) < 2):
        msg = (
            f"{source} holds no table: a header line with sample ids and one line a feature are expected, separated by tabs, commas or semicolons."
            f"{_seems(raw, line)}"
        )
        raise InputError(msg)
    names = _fitted(names, rows)
    numbered = (
        len(names) > 2 and not names[0] and plain_name(names[1]) in _FEATURE_IDS | _SAMPLE_IDS and all(r[0].isdecimal() for r in rows)
    )
    return Header(tuple(names), body, tuple(tuple(r) for r in rows), int(numbered))


def _clean(raw: bytes, source: str) -> bytes:
    """Drop a byte-order mark and make line ends LF."""
    refuse_other_encodings(raw, source, "table")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def _lines(raw: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield lines that are not blank, and where they begin."""
    while at < len(raw):
        end = raw.find(b"\n", at)
        end = len(raw) if end < 0 else end
        line = raw[at:end]
        if line.strip():
            yield at, line
        at = end + 1


def _rows(body: Body, limit: int) -> Iterator[tuple[int, bytes]]:
    """Yield the first rows that hold anything."""
    for at, line in _lines(body.raw, body.at):
        if limit and line.strip(b' \t"' + body.delimiter):
            limit -= 1
            yield at, line
        if not limit:
            return


def _leading(raw: bytes) -> tuple[list[tuple[int, bytes]], tuple[int, bytes] | None]:
    """Return the leading `#` lines and the first other line."""
    leading: list[tuple[int, bytes]] = []
    for at, line in _lines(raw, 0):
        if not line.startswith((b"#", b'"#')):
            return leading, (at, line)
        leading.append((at, line))
    return leading, None


def _choose(leading: list[tuple[int, bytes]], candidates: list[tuple[int, bytes]], row: bytes, source: str) -> tuple[int, bytes, bytes]:
    """Choose the header among the leading lines; return its place, its text and its delimiter."""
    split = [(at, line, _delimiter(line, row)) for at, line in candidates]
    for at, line, delimiter in split:
        cells = split_cells(line, delimiter)
        if len(cells) > 1 and plain_name(cells[0].decode("utf-8", "replace")) in _FEATURE_IDS | _SAMPLE_IDS:
            return at, line, delimiter
    commented = [c for c in split[: len(leading)] if _fits(c[1], row, c[2])]
    # A feature's id may begin with `#` too: such lines are rows, and hold numbers.
    headed = [c for c in commented if not _mostly_numbers(split_cells(c[1], c[2])[1:])]
    if commented:
        return headed[-1] if headed else commented[0]
    if not row:
        msg = f"{source} holds only comments; a header line with sample ids and one line a feature are expected."
        raise InputError(msg)
    return split[-1]


def _fits(line: bytes, row: bytes, delimiter: bytes) -> bool:
    """Tell whether a `#` line can be the header of the first row: as wide, or nearly so where that row holds numbers."""
    if delimiter not in line or (row and delimiter not in row):
        return False
    apart = abs(_width(row, delimiter) - _width(line, delimiter)) if row else 0
    return apart == 0 or (apart == 1 and _mostly_numbers(split_cells(row, delimiter)[1:]))


def _delimiter(line: bytes, row: bytes) -> bytes:
    """Tell what separates cells: tabs before all, else what splits a header and the first row alike."""
    if b"\t" in line:
        return b"\t"
    found = [d for d in DELIMITERS if d in line]
    alike = [d for d in found if not row or abs(_width(line, d) - _width(row, d)) <= 1]
    return (alike or found or [b"\t"])[0]


def _width(line: bytes, delimiter: bytes) -> int:
    """Count a line's cells."""
    return len(split_cells(line, delimiter))


def _mostly_numbers(cells: Sequence[bytes]) -> bool:
    """Tell whether at least half of the cells are numbers."""
    return sum(is_number(c.decode("utf-8", "replace")) for c in cells) * 2 >= len(cells) > 0


def is_number(cell: str) -> bool:
    """Tell whether a cell reads as a number (NaN included: it is refused later, by name)."""
    try:
        number(cell.encode())
    except ValueError:
        return False
    return True


def _decoded(cell: bytes, raw: bytes, at: int, source: str) -> str:
    """Decode a cell of the line that begins at a place."""
    try:
        return cell.decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(raw, at, source, "table") from error


def _seems(raw: bytes, line: bytes) -> str:
    """Say what a file seems to be that is no table."""
    if line.startswith(b">"):
        return " It seems to be FASTA: sequences, without counts."
    if raw.lstrip().startswith(b"("):
        return " It seems to be a Newick tree: give it with --tree."
    if b" " in line.strip() and not any(d in line for d in DELIMITERS):
        return " Its cells seem to be separated by blanks: save it with tabs (R: write.table(..., sep = '\\t'))."
    return ""


def _fitted(names: list[str], rows: list[list[str]]) -> list[str]:
    """Bring a header to the rows' width: R leaves the name of the ids out, and trailing empty names are none where their cells are empty."""
    filled = max(len(_trimmed(r)) for r in rows)
    if filled == len(names) + 1 and all(len(r) == filled for r in rows) and plain_name(names[0]) not in _FEATURE_IDS | _SAMPLE_IDS:
        return ["", *names]
    while len(names) > max(filled, 1) and not names[-1]:
        names.pop()
    return names


def _trimmed(cells: list[str]) -> list[str]:
    """Drop trailing empty cells."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


# ---------------------------------------------------------------- columns
def known_annotation(name: str, cells: Sequence[str]) -> bool:
    """Tell whether a column at the edge of the counts is known by its name to hold none.

    Names of text count only where a filled cell is no number: a sample may be called after a family.
    """
    plain = plain_name(name)
    return plain in _NUMBERS or (plain in _TEXTS and not (any(cells) and all(is_number(c) for c in cells if c)))


def has_commas(cell: str) -> bool:
    """Tell whether a cell is a number but for commas: of decimals (`1,5`) or thousands (`1,234,567`)."""
    return _COMMAS.fullmatch(cell) is not None


def holds_text(cells: Sequence[str]) -> bool:
    """Tell whether filled cells are all text, one at least of which says more than that a value is missing."""
    filled = [c for c in cells if c]
    return bool(filled) and not any(is_number(c) or has_commas(c) for c in filled) and any(c.lower() not in _MISSING for c in filled)


def are_lineages(names: Iterable[str]) -> bool:
    """Tell whether most names are lineages."""
    return _most(names, _LINEAGE.match)


def are_sequences(names: Iterable[str]) -> bool:
    """Tell whether most names are sequences of nucleotides."""
    return _most(names, _SEQUENCE.match)


def _most(names: Iterable[str], test: Callable[[str], object]) -> bool:
    """Tell whether four fifths of the names pass a test."""
    passed = [bool(test(n)) for n in names]
    return sum(passed) >= 0.8 * len(passed) > 0


def are_features(names: Sequence[str]) -> bool:
    """Tell whether names can only be those of features."""
    return _most(names, lambda n: any(p.match(n) for p in (_LINEAGE, _SEQUENCE, _NUMBERED, _DIGEST)))


# ---------------------------------------------------------------- orientation
def samples_in_rows(header: Header) -> tuple[bool, str]:
    """Tell whether samples stand in rows, and by what; an empty reason where nothing says so and the table is read as it is written.

    Names that can only be features' (lineages, sequences, `OTU12`, digests) decide before the name of the first column does.
    """
    at = header.ids
    corner = plain_name(header.names[at])
    across = [n.strip() for n in header.names[at + 1 :] if n and plain_name(n) not in _TEXTS | _NUMBERS]
    plain = [plain_name(n) for n in header.names[at + 1 :]]
    annotated = any(n in LINEAGES for n in plain) or len({RANK_OF[n] for n in plain if n in RANK_OF}) > 1
    down = annotated or are_features([r[at] for r in header.first])
    if are_features(across) and not down:
        return True, "the columns are named after features"
    if down and not are_features(across):
        return False, "the rows are named after features"
    if corner in _SAMPLE_IDS:
        return True, f"the first column is headed {header.names[at]!r}"
    if corner in _FEATURE_IDS | LINEAGES | RANK_OF.keys():
        return False, f"the first column is headed {header.names[at]!r}"
    return False, ""
