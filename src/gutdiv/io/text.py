"""Opening text that users bring: plain or gzip, UTF-8 with or without a mark, with errors that name the file."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from gutdiv.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_UNPACKED = 8 << 30  # bytes of text that a gzip file may hold: more is taken for a bomb, not for a table


def open_bytes(path: Path, role: str) -> bytes:
    """Read a file's bytes, unpacked where it is gzip.

    Raises
    ------
    InputError
        Where the file is missing, is a folder, is empty, or its gzip stream is damaged or larger than `MAX_UNPACKED`.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        msg = f"{role} file {str(path)!r} does not exist. Check the path."
        raise InputError(msg) from error
    except IsADirectoryError as error:
        msg = f"{role} file {str(path)!r} is a folder; a file is expected."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{role} file {str(path)!r} cannot be read: {error.strerror}."
        raise InputError(msg) from error
    if raw[:2] == b"\x1f\x8b":
        raw = _unpacked(raw, path)
    if not raw.strip():
        msg = f"{path.name} is empty; a {role} is expected."
        raise InputError(msg)
    return raw


def _unpacked(raw: bytes, path: Path) -> bytes:
    """Unpack gzip with a limit."""
    import io

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            out = stream.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{path.name} is a damaged gzip file ({error}). Copy it again."
        raise InputError(msg) from error
    if len(out) > MAX_UNPACKED:
        msg = f"{path.name} unpacks to more than {MAX_UNPACKED >> 30} GiB, which no abundance table needs. Unpack and check it by hand."
        raise InputError(msg)
    return out


def read_whole_text(path: Path, role: str) -> str:
    """Read a text file as UTF-8 (a byte-order mark is dropped, CRLF and CR become LF); raises InputError elsewhere."""
    return decode(open_bytes(path, role), path.name, role)


def decode(raw: bytes, name: str, role: str) -> str:
    """Decode bytes of a user's text file; see `read_whole_text`."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        msg = f"{name} is UTF-16 text (Excel's 'Unicode text'). Save it as UTF-8 text with tabs."
        raise InputError(msg)
    if b"\x00" in raw[:4096]:
        msg = f"{name} is a binary file of an unknown kind; a {role} is expected as text, gzip text or (tables) BIOM."
        raise InputError(msg)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        msg = f"{name}, line {line}: not UTF-8 text. Save the {role} as UTF-8."
        raise InputError(msg) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
