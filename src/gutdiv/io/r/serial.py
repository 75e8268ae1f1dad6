"""R's serialised objects (`.rds`, `.RData`, `.rda`) without R: unpacked within limits and parsed, whatever the file claims to hold."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from rdata.parser import DEFAULT_ALTREP_MAP, CharFlags, RObject, RObjectInfo, RObjectType
from rdata.parser._ascii import ParserASCII
from rdata.parser._parser import BYTECODE_SPECIAL_SET, Parser, parse_r_object_info

from gutdiv.errors import InputError
from gutdiv.io.tables import R_SAVE, R_SAVE_RDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

MAX_UNPACKED = 4 << 30  # bytes: a dense matrix of 20,000 samples x 26,000 features; more is taken for a bomb
MAX_OBJECTS = 5_000_000  # nodes of the object tree; strings and numbers inside vectors do not count
MAX_SEQUENCE = 1 << 26  # entries that a compact sequence (`1:n`, stored as three numbers) may unfold to
INTEGER_NA = -(2**31)

_ASCII = CharFlags.ASCII.value << 12  # the mark of a string of plain ASCII, where R's flags hold it
_CUT_OFF = "it ends in the middle of an object"

_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
DAMAGE = (
    AssertionError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NameError,  # what the library leaves unset where flags contradict each other
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    UserWarning,
    ValueError,
    struct.error,
)


def read_r_objects(path: Path) -> dict[str, RObject]:
    """Read the objects of a `.RData` or `.rda` by name; the one object of a `.rds` has the empty name.

    Vectors of strings hold `str` and None (NA); integers and logicals hold `INTEGER_NA` where R has NA; numbers are views of the file's bytes.

    Raises
    ------
    InputError
        Where the file is missing, damaged, cut off, nested without end, larger than `MAX_UNPACKED`, or no R file.
    """
    data = _unpacked(path)
    workspace = data.startswith(R_SAVE)
    view = memoryview(data)[5 if workspace else 0 :]
    form = bytes(view[:2])
    parser = _AsciiParser(view[2:]) if form == b"A\n" else _BinaryParser(view[2:], ">" if form == b"X\n" else "<")
    try:
        with warnings.catch_warnings(action="error", category=UserWarning):  # the library warns where flags say what cannot be
            top = parser.parse_all().object
        objects = pairs(top) if workspace else {"": top}
    except RecursionError as error:
        msg = f"{path.name}: its objects are nested too deeply to be a table. Save the table alone: saveRDS(table, 'table.rds')."
        raise InputError(msg) from error
    except DAMAGE as error:
        what = str(error) or type(error).__name__
        msg = f"{path.name} begins as an R file but cannot be read to its end ({what[:200]}). Copy it again, or save the table anew with saveRDS()."
        raise InputError(msg) from error
    if not objects:
        msg = f"{path.name} is an R file without objects. Save the table with saveRDS()."
        raise InputError(msg)
    return objects


def _unpacked(path: Path) -> bytearray:
    """Read a file, unpacked where it is gzip, bzip2 or xz, as far as it is R's and no larger than the limit."""
    try:
        with path.open("rb") as handle:
            start = handle.read(6)
    except OSError as error:
        msg = f"table file {str(path)!r} cannot be read: {error.strerror}."
        raise InputError(msg) from error
    opener = next((o for magic, o in _OPENERS.items() if start.startswith(magic)), open)
    try:
        with opener(path, "rb") as stream:
            data = bytearray(stream.read(16))  # grown in place: the bytes of a dense matrix should lie in memory once
            known = data.startswith((*R_SAVE, *R_SAVE_RDS))
            while known and len(data) <= MAX_UNPACKED and (block := stream.read(1 << 20)):
                data += block
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        msg = f"{path.name} is damaged: it cannot be unpacked ({error}). Copy it again."
        raise InputError(msg) from error
    if not known:
        msg = f"{path.name} is no R file: it begins with {bytes(data[:12])!r}, not as save() or saveRDS() write. Save the table with saveRDS(), or as TSV."
        raise InputError(msg)
    if len(data) > MAX_UNPACKED:
        msg = f"{path.name} unpacks to more than {MAX_UNPACKED >> 30} GiB, which no abundance table needs. Save the table alone, as a sparse matrix or BIOM."
        raise InputError(msg)
    return data


# ---------------------------------------------------------------- ALTREP: vectors that R stores as a recipe
def _sequence(state: RObject, dtype: str, kind: RObjectType) -> tuple[RObjectInfo, Any]:
    """Unfold `start:end`, stored as length, start and step."""
    n, start, step = (float(v) for v in state.value[:3])
    if not 0 <= n <= MAX_SEQUENCE:
        msg = f"a sequence of {n:.0f} numbers"
        raise ValueError(msg)
    return RObjectInfo(kind, False, False, False, 0, 0), (start + step * np.arange(int(n))).astype(dtype)  # noqa: FBT003


def _deferred_strings(state: RObject) -> tuple[RObjectInfo, Any]:
    """Turn numbers that R had not yet turned into strings into strings."""
    numbers = state.value[0]
    return RObjectInfo(RObjectType.STR, False, False, False, 0, 0), number_texts(numbers.value, whole=numbers.info.type is RObjectType.INT)  # noqa: FBT003


_ALTREP = {
    **DEFAULT_ALTREP_MAP,
    b"wrap_list": DEFAULT_ALTREP_MAP[b"wrap_integer"],
    b"deferred_string": _deferred_strings,
    b"compact_intseq": lambda state: _sequence(state, "i4", RObjectType.INT),
    b"compact_realseq": lambda state: _sequence(state, "f8", RObjectType.REAL),
}


def number_texts(values: npt.NDArray[Any], *, whole: bool) -> list[str | None]:
    """Write numbers as R prints them, 15 significant digits, whole numbers without decimals; None where NA or NaN."""
    if whole:
        return [None if v == INTEGER_NA else str(v) for v in values.tolist()]
    return [
        None if v != v else str(int(v)) if abs(v) < 1e15 and v == int(v) else format(v, ".15g").replace("inf", "Inf")
        for v in values.tolist()
    ]


# ---------------------------------------------------------------- the parser
class _Extended(Parser):
    """The parser of `rdata`, with raw vectors, long vectors, limits, and loops in place of recursion along pairlists.

    rdata 1.1.0 reads no raw vectors (RAWSXP), calls itself once for each object of a workspace, and makes an object of each string.
    """

    def __init__(self) -> None:
        Parser.__init__(self, expand_altrep=True, altrep_constructor_dict=_ALTREP)  # not the ASCII parser's, which takes the bytes
        self.pushed: int | None = None  # the flags of an object that were read to see its type
        self.left = MAX_OBJECTS
        self.native = "utf-8"

    def read_int(self) -> int:
        """Read one integer."""
        raise NotImplementedError

    def read_raw(self, length: int) -> bytes:
        """Read a vector of bytes."""
        raise NotImplementedError

    def parse_int(self) -> int:
        """Read one integer, or the one that was put back."""
        value, self.pushed = self.pushed, None
        return self.read_int() if value is None else value

    def parse_extra_info(self, versions: Any) -> Any:
        """Read the encoding that strings have where they do not say theirs."""
        extra = super().parse_extra_info(versions)
        self.native = extra.encoding or self.native
        return extra

    def parse_nullable_int_array(self, *, fill_value: Any = None) -> Any:
        """Read integers with NA as R stores it."""
        return self._parse_array(np.int32)

    def parse_nullable_bool_array(self, *, fill_value: bool = True) -> Any:
        """Read logicals as 0, 1 and NA."""
        return self._parse_array(np.int32)

    def _parse_array(self, dtype: Any) -> Any:
        return self._parse_array_values(dtype, self._length())

    def _length(self) -> int:
        """Read a vector's length; -1 announces a long vector, whose length takes two integers."""
        length = self.read_int()
        if length == -1:
            length = (self.read_int() << 32) + (self.read_int() & 0xFFFFFFFF)
        if not 0 <= length <= MAX_UNPACKED:
            msg = f"a vector of {length} entries"
            raise ValueError(msg)
        return length

    def _parse_vector_value(self, reference_list: Any, bytecode_rep_list: Any = None) -> Any:
        return [self.parse_R_object(reference_list, bytecode_rep_list) for _ in range(self._length())]

    def parse_R_object(self, reference_list: Any = None, bytecode_rep_list: Any = None, info_int: int | None = None) -> RObject:  # noqa: N802
        """Read one object with all that it holds."""
        self.left -= 1
        if self.left < 0:
            msg = f"more than {MAX_OBJECTS:,} objects"
            raise ValueError(msg)
        reference_list = [] if reference_list is None else reference_list
        if info_int is not None and RObjectType(info_int) in BYTECODE_SPECIAL_SET:
            return super().parse_R_object(reference_list, bytecode_rep_list, info_int)
        flags = self.parse_int()
        info = parse_r_object_info(flags)
        if info.type is RObjectType.LIST:
            return self._pairlist(info, reference_list, bytecode_rep_list)
        if info.type in (RObjectType.RAW, RObjectType.STR):
            value: Any = self.read_raw(self._length()) if info.type is RObjectType.RAW else self._strings(self._length())
            attributes = self.parse_R_object(reference_list, bytecode_rep_list) if info.attributes else None
            return RObject(info, value, attributes)
        self.pushed = flags
        return super().parse_R_object(reference_list, bytecode_rep_list)

    def _pairlist(self, info: RObjectInfo, references: Any, repeats: Any) -> RObject:
        """Read a chain of pairs in a loop; its last link is whatever is no pair."""
        links = []
        while True:
            attributes = self.parse_R_object(references, repeats) if info.attributes else None
            tag = self.parse_R_object(references, repeats) if info.tag else None
            links.append((info, attributes, tag, self.parse_R_object(references, repeats)))
            flags = self.parse_int()
            info = parse_r_object_info(flags)
            if info.type is not RObjectType.LIST:
                break
        self.pushed = flags
        last = self.parse_R_object(references, repeats)
        for own, attributes, tag, first in reversed(links):
            last = RObject(own, (first, last), attributes, tag)
        return last

    def _strings(self, length: int) -> list[str | None]:
        """Read the entries of a vector of strings."""
        return [self._string() for _ in range(length)]

    def _string(self) -> str | None:
        """Read one string, None where it is NA."""
        flags, length = self.read_int(), self.read_int()
        if flags & 0xFF != RObjectType.CHAR.value or length < -1:
            msg = "a vector of strings holds something else"
            raise ValueError(msg)
        text = None if length == -1 else self.decoded(self.parse_string(length), flags >> 12)
        if flags & 0x200:  # attributes of a string, which old versions of R wrote
            self.parse_R_object([])
        return text

    def decoded(self, raw: bytes, marks: int) -> str:
        """Decode a string as it is marked, else by the file's encoding, else as Latin 1."""
        encoding = "latin-1" if marks & CharFlags.LATIN1 else "utf-8" if marks & (CharFlags.UTF8 | CharFlags.ASCII) else self.native
        try:
            return raw.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            return raw.decode("latin-1")


class _BinaryParser(_Extended):
    """Parser of the binary forms: numbers are views of the bytes, and a read beyond the end is an error."""

    def __init__(self, view: memoryview, order: str) -> None:
        super().__init__()
        self.view, self.place, self.order = view, 0, order
        self.int = struct.Struct(order + "i").unpack_from
        self.two = struct.Struct(order + "ii").unpack_from

    def read_int(self) -> int:
        """Read one integer."""
        self.place += 4
        return int(self.int(self.view, self.place - 4)[0])

    def read_raw(self, length: int) -> bytes:
        """Read a vector of bytes."""
        return self.parse_string(length)

    def _strings(self, length: int) -> list[str | None]:
        """Read the entries of a vector of strings: the loop in which most files spend their time."""
        view, place, out = self.view, self.place, []
        for _ in range(length):
            flags, size = self.two(view, place)
            if flags & 0x3FF != RObjectType.CHAR.value or size < 0:
                self.place = place
                out.append(self._string())
                place = self.place
                continue
            start, place = place + 8, place + 8 + size
            text = view[start:place]
            out.append(str(text, "ascii") if flags & _ASCII else self.decoded(bytes(text), flags >> 12))
        if place > len(view):
            raise EOFError(_CUT_OFF)
        self.place = place
        return out

    def _parse_array_values(self, dtype: Any, length: int) -> Any:
        kind = np.dtype(dtype).newbyteorder(self.order)
        self.place += length * kind.itemsize
        return np.frombuffer(self.view, kind, length, self.place - length * kind.itemsize) if length else np.empty(0, kind)

    def parse_string(self, length: int) -> bytes:
        """Read bytes."""
        self.place += length
        if length < 0 or self.place > len(self.view):
            raise EOFError(_CUT_OFF)
        return bytes(self.view[self.place - length : self.place])


class _AsciiParser(_Extended, ParserASCII):
    """Parser of the ASCII form, one value a line."""

    def __init__(self, view: memoryview) -> None:
        super().__init__()
        self.file = io.TextIOWrapper(io.BytesIO(view), encoding="ascii")

    def _readline(self) -> str:
        line = self.file.readline()
        if not line.endswith("\n"):
            raise EOFError(_CUT_OFF)
        return line[:-1]

    def read_int(self) -> int:
        """Read one integer."""
        line = self._readline()
        return INTEGER_NA if line == "NA" else int(line)

    def read_raw(self, length: int) -> bytes:
        """Read a vector of bytes, two hexadecimal digits a line."""
        return bytes(int(self._readline(), 16) for _ in range(length))

    def _parse_array_values(self, dtype: Any, length: int) -> Any:
        if length > self.file.buffer.getbuffer().nbytes:
            msg = f"a vector of {length} entries"
            raise ValueError(msg)
        return super()._parse_array_values(dtype, length)


def followed(thing: RObject) -> RObject:
    """Return what a reference stands for, or the thing itself."""
    while thing.info.type is RObjectType.REF and thing.referenced_object is not None:
        thing = thing.referenced_object
    return thing


def pairs(chain: RObject | None) -> dict[str, RObject]:
    """Return the named entries of a pairlist (the attributes of an object, the objects of a workspace); the first of a name stands."""
    out: dict[str, RObject] = {}
    while chain is not None and chain.info.type is RObjectType.LIST:
        first, rest = chain.value
        if chain.tag is not None:
            name = followed(chain.tag).value.value
            out.setdefault(name.decode("utf-8", "replace"), followed(first))
        chain = rest
    return out
