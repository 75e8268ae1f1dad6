"""Opening files that users bring: plain, gzip, bzip2 or xz, text as UTF-8 with or without a mark, with errors that name the file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from typing import IO, TYPE_CHECKING, cast

from gutdiv.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_UNPACKED = 8 << 30  # bytes that a packed file may hold: more is taken for a bomb, not for a table
MAX_RATIO = 200  # bytes unpacked for each packed one; the emptiest real table in gzip reaches 98
SMALL = 256 << 20  # bytes that may be unpacked whatever the ratio
_CHUNK = 16 << 20
_PACKINGS = {"gzip": re.compile(rb"\x1f\x8b"), "bzip2": re.compile(rb"BZh[1-9]1AY&SY"), "xz": re.compile(rb"\xfd7zXZ\x00")}
_DAMAGES = (OSError, EOFError, zlib.error, lzma.LZMAError)


def packing(head: bytes) -> str | None:
    """Return how a file that begins so is packed, `gzip`, `bzip2` or `xz`; None where it is not."""
    return next((how for how, magic in _PACKINGS.items() if magic.match(head)), None)


def open_bytes(path: Path, role: str) -> bytes:
    """Read a file's bytes, unpacked where it is gzip, bzip2 or xz.

    Raises
    ------
    InputError
        Where the file is missing, is a folder, is empty, or its packed stream is damaged, larger than `MAX_UNPACKED`, or
        more than `MAX_RATIO` times as large as the file (and than `SMALL`).
    """
    raw = _read(path, role)
    if (how := packing(raw)) is not None:
        raw = _unpacked(raw, path, how)
    if not raw or raw.isspace():
        msg = f"{path.name} is empty; a {role} is expected."
        raise InputError(msg)
    return raw


def first_bytes(path: Path, role: str, *, size: int = 4096) -> bytes:
    """Read the first bytes of a file, of what it holds where it is packed; raises InputError as `open_bytes` does."""
    raw = _read(path, role, size=size)
    how = packing(raw)
    if how is None:
        return raw
    try:
        with path.open("rb") as file, _stream(file, how) as stream:
            return stream.read(size)
    except _DAMAGES as error:
        raise _damaged(path, how, error) from error


def is_packed(path: Path, role: str) -> bool:
    """Tell whether a file is packed; raises InputError where it cannot be read."""
    return packing(_read(path, role, size=16)) is not None


def _read(path: Path, role: str, *, size: int = -1) -> bytes:
    """Read bytes as they are on the disk; say what is wrong with the path where that fails."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError as error:
        msg = f"{role} file {str(path)!r} does not exist. Check the path."
        raise InputError(msg) from error
    except IsADirectoryError as error:
        msg = f"{role} file {str(path)!r} is a folder; a file is expected."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{role} file {str(path)!r} cannot be read: {error.strerror}."
        raise InputError(msg) from error


def _stream(file: IO[bytes], how: str) -> IO[bytes]:
    """Open a packed stream."""
    if how == "gzip":
        return cast("IO[bytes]", gzip.open(file))
    return cast("IO[bytes]", bz2.open(file) if how == "bzip2" else lzma.open(file))


def _damaged(path: Path, how: str, error: BaseException) -> InputError:
    """Say that a packed file cannot be unpacked."""
    return InputError(f"{path.name} is a damaged {how} file ({error}). Copy it again.")


def _unpacked(raw: bytes, path: Path, how: str) -> bytes:
    """Unpack with limits, piece by piece: what a small file claims to hold is never asked of the memory at once."""
    limit = min(MAX_UNPACKED, max(SMALL, MAX_RATIO * len(raw)))
    out = io.BytesIO()  # its value is had without a copy
    size = 0
    try:
        with _stream(io.BytesIO(raw), how) as stream:
            while size <= limit and (piece := stream.read(_CHUNK)):
                size += out.write(piece)
        if size <= limit:
            return out.getvalue()
    except _DAMAGES as error:
        raise _damaged(path, how, error) from error
    except MemoryError as error:
        msg = f"{path.name} unpacks to more than {size >> 20:,} MiB, which is more than the memory holds."
        raise InputError(msg) from error
    most = f"{MAX_UNPACKED >> 30} GiB" if limit == MAX_UNPACKED else f"{limit >> 20:,} MiB from {len(raw):,} bytes"
    msg = f"{path.name} unpacks to more than {most}, which no abundance table does. If it is one, unpack it and give it unpacked."
    raise InputError(msg)


def read_whole_text(path: Path, role: str) -> str:
    """Read a text file as UTF-8 (a byte-order mark is dropped, CRLF and CR become LF); raises InputError elsewhere."""
    return decode(open_bytes(path, role), path.name, role)


def decode(raw: bytes, name: str, role: str) -> str:
    """Decode bytes of a user's text file; see `read_whole_text`."""
    refuse_other_encodings(raw, name, role)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(raw, error.start, name, role) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def refuse_other_encodings(raw: bytes, name: str, role: str) -> None:
    """Refuse UTF-16 and binary files by their first bytes."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        msg = f"{name} is UTF-16 text (Excel's 'Unicode text'). Save it as UTF-8 text with tabs."
        raise InputError(msg)
    if b"\x00" in raw[:4096]:
        msg = f"{name} is a binary file of an unknown kind; a {role} is expected as text, gzip text or (tables) BIOM."
        raise InputError(msg)


def not_utf8(raw: bytes, at: int, name: str, role: str) -> InputError:
    """Say in which line the byte stands that is no UTF-8."""
    return InputError(f"{name}, line {raw[:at].count(10) + 1}: not UTF-8 text. Save the {role} as UTF-8.")
