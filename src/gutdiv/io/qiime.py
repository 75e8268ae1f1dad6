"""QIIME 2 artifacts (.qza), read in memory without QIIME 2: one member each, never unpacked, within limits."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from gutdiv.errors import InputError, first_ids
from gutdiv.io.text import MAX_UNPACKED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gutdiv.model.inputs import RawTable

Found = TypeVar("Found")

ZIP_MAGIC = b"PK\x03\x04"
MAX_MEMBERS = 200_000  # provenance alone can hold thousands
MAX_RATIO = 200  # unpacked to packed size; text and tables reach 40 in real artifacts
MAX_ABOUT = 1 << 16  # bytes of metadata.yaml or VERSION, which hold some hundred
_SMALL = 1 << 20  # members below this size may be packed as tightly as they like
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

# Which types play which part, and which file below data/ holds them (q2-types: q2_types/*/_formats.py).
_PARTS: Mapping[str, tuple[re.Pattern[str], tuple[str, ...]]] = {
    "table": (re.compile(r"FeatureTable\[.*"), ("feature-table.biom",)),
    "taxonomy": (re.compile(r"FeatureData\[Taxonomy\b.*"), ("taxonomy.tsv",)),
    "tree": (re.compile(r"Phylogeny\[(?:Rooted|Unrooted)\b.*"), ("tree.nwk",)),
    "metadata": (re.compile(r"ImmutableMetadata\b.*"), ("metadata.tsv",)),
}
_OTHERS: Mapping[str, str] = {
    "Visualization": "a visualization, which shows data and holds none. Supply the artifact (.qza) that it was made from.",
    "FeatureData[Sequence]": "sequences, for which gutdiv has no use. Leave them out.",
    "SampleData": "results or reads of samples, which gutdiv computes itself or does not read. Supply the FeatureTable[Frequency].",
    "DistanceMatrix": "distances, which gutdiv computes itself. Supply the FeatureTable[Frequency].",
    "PCoAResults": "coordinates, which gutdiv computes itself. Supply the FeatureTable[Frequency].",
}


@dataclass(frozen=True)
class Artifact:
    """What gutdiv takes from an artifact.

    Parameters
    ----------
    uuid, type, format : str
        As `metadata.yaml` at the top says (format is '' where it says none).
    member : str
        The name of the file that was read, below the top folder: `data/...`.
    data : bytes
        Its content.
    """

    uuid: str
    type: str
    format: str
    member: str
    data: bytes

    @property
    def origin(self) -> dict[str, str]:
        """What goes into the record of the cohort."""
        return {"uuid": self.uuid, "type": self.type, **({"format": self.format} if self.format else {})}


def is_artifact(path: Path, head: bytes) -> bool:
    """Whether a file with this name and these first bytes is an artifact or a visualization of QIIME 2."""
    if not head.startswith(ZIP_MAGIC):
        return False
    size = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + size].decode("utf-8", errors="replace")
    return path.suffix.lower() in (".qza", ".qzv") or _UUID.fullmatch(first.split("/")[0]) is not None


def read_qiime_table(path: Path) -> RawTable:
    """Read a FeatureTable; what it says of its values stands in `origin["type"]` and in the format.

    Raises
    ------
    InputError
        As `read_artifact`, and where the table within is damaged.
    """
    from gutdiv.io.biom import parse_biom

    artifact = read_artifact(path, "table")
    table = parse_biom(artifact.data, f"{path.name} ({artifact.member})")
    kind = artifact.type.removeprefix("FeatureTable[").split("]")[0].split("%")[0].strip()
    notes = (
        ()
        if kind == "Frequency"
        else (f"{path.name} declares its values as {artifact.type}, not as FeatureTable[Frequency] (read counts).",)
    )
    return replace(
        table,
        source=path.name,
        format=f"QIIME 2 artifact ({artifact.type}), {table.format}",
        origin={**table.origin, **artifact.origin},
        notes=(*table.notes, *notes),
    )


def part_of(path: Path) -> str | None:
    """Return as what an artifact can be given, `table`, `taxonomy`, `tree` or `metadata`; None for all others. Raises as `read_artifact`."""
    kind = _opened(path, lambda reader: reader.about()["type"])
    return next((part for part, (pattern, _) in _PARTS.items() if pattern.fullmatch(kind)), None)


def read_artifact(path: Path, part: str) -> Artifact:
    """Read the one file of an artifact that holds what it is.

    Only the `metadata.yaml` at the top counts: those below `provenance/` are of the artifacts that this one was made from. What is read is
    compared with `checksums.md5` where the archive holds one (archive version 5 on).

    Parameters
    ----------
    path : Path
    part : {'table', 'taxonomy', 'tree', 'metadata'}
        As what the user gave it.

    Raises
    ------
    InputError
        Where the archive is damaged, beyond the limits, no artifact, or of a type that is not this part (the message says where it belongs).
    """
    return _opened(path, lambda reader: reader.artifact(part))


def _opened(path: Path, work: Callable[[_Reader], Found]) -> Found:
    """Open an archive and do something with it; turn what zipfile says into an InputError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return work(_Reader(archive, path.name))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        msg = f"{path.name} is a damaged zip archive ({str(error)[:200]}). Copy or export it again."
        raise InputError(msg) from error


class _Reader:
    """An open archive whose names have been checked."""

    def __init__(self, archive: zipfile.ZipFile, source: str) -> None:
        self.archive, self.source = archive, source
        self.members = self._checked(archive.infolist())
        tops = sorted({name.split("/")[0] for name in self.members if not name.startswith(".")})
        if len(tops) != 1 or not _UUID.fullmatch(tops[0]):
            found = f"its top folders are {first_ids(tops)}" if tops else "it holds no file"
            msg = f"{source} is a zip archive but no QIIME 2 artifact: one top folder named by a UUID is expected, and {found}. Export it again from QIIME 2."
            raise InputError(msg)
        self.top = tops[0]
        if not self.read("VERSION", MAX_ABOUT).startswith(b"QIIME 2"):
            msg = f"{source} is a zip archive but no QIIME 2 artifact: its file VERSION does not begin with 'QIIME 2'. Export it again from QIIME 2."
            raise InputError(msg)

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """Refuse what no artifact holds and an attack may: too much, names that lead elsewhere, links, names twice."""
        bad = ""
        if len(infos) > MAX_MEMBERS:
            bad = f"holds {len(infos):,} files, more than the {MAX_MEMBERS:,} that are read"
        elif sum(i.file_size for i in infos) > MAX_UNPACKED:
            bad = f"unpacks to more than {MAX_UNPACKED >> 30} GiB"
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos if not bad else ():
            name = info.filename
            shown = first_ids([name])
            if (
                name.startswith("/")
                or "\\" in name
                or ".." in name.split("/")
                or re.match(r"[A-Za-z]:", name)
                or "\x00" in info.orig_filename
            ):
                bad = f"holds a file whose name leads out of it ({shown})"
            elif stat.S_ISLNK(info.external_attr >> 16):
                bad = f"holds a link ({shown})"
            elif name in members:
                bad = f"holds two files of one name ({shown})"
            elif info.flag_bits & 0x1:
                bad = f"holds an encrypted file ({shown})"
            elif info.file_size > _SMALL and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                bad = f"holds a file packed more than {MAX_RATIO} to 1 ({shown})"
            members[name] = info
        if bad:
            msg = f"{self.source} {bad}, as no artifact of QIIME 2 does; it is not read. Export it again from QIIME 2."
            raise InputError(msg)
        return members

    def read(self, name: str, limit: int) -> bytes:
        """Read one member below the top folder, no further than a limit."""
        info = self.members.get(f"{self.top}/{name}")
        if info is None:
            msg = f"{self.source} is an incomplete artifact: {name} is missing. Copy or export it again."
            raise InputError(msg)
        with self.archive.open(info) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            msg = (
                f"{self.source}: {name} is longer than {limit:,} bytes, as no artifact of QIIME 2 writes it. Export it again from QIIME 2."
            )
            raise InputError(msg)
        return data

    def about(self) -> dict[str, str]:
        """Read uuid, type and format from the metadata.yaml at the top."""
        import yaml

        raw = self.read("metadata.yaml", MAX_ABOUT)
        try:
            found: Any = yaml.safe_load(raw)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            msg = f"{self.source}: metadata.yaml cannot be read ({str(error)[:200]}). Copy or export the artifact again."
            raise InputError(msg) from error
        if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("uuid", "type")):
            msg = f"{self.source}: metadata.yaml names no uuid and type. Copy or export the artifact again."
            raise InputError(msg)
        if found["uuid"] != self.top:
            msg = f"{self.source}: metadata.yaml says uuid {found['uuid'][:60]!r} in the folder {self.top!r}. Export the artifact again."
            raise InputError(msg)
        return {"uuid": found["uuid"], "type": found["type"], "format": str(found.get("format") or "")}

    def artifact(self, part: str) -> Artifact:
        """Read what this artifact is, and its data where they are the part asked for."""
        about = self.about()
        _check_type(about["type"], part, self.source)
        name = next((f"data/{n}" for n in _PARTS[part][1] if f"{self.top}/data/{n}" in self.members), None)
        if name is None:
            inside = sorted(m.removeprefix(f"{self.top}/") for m in self.members if m.startswith(f"{self.top}/data/"))
            msg = (
                f"{self.source} ({about['type']}, format {about['format'] or 'unknown'}) holds no data/{_PARTS[part][1][0]} but {first_ids(inside)}. "
                "Export it from QIIME 2 and supply the exported file."
            )
            raise InputError(msg)
        data = self.read(name, MAX_UNPACKED)
        self._verify({"VERSION": None, "metadata.yaml": None, name: data})
        return Artifact(**about, member=name, data=data)

    def _verify(self, used: Mapping[str, bytes | None]) -> None:
        """Compare what was read with `checksums.md5` where there is one."""
        if f"{self.top}/checksums.md5" not in self.members:
            return
        lines = self.read("checksums.md5", MAX_UNPACKED).decode("utf-8", errors="replace").splitlines()
        listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for name, data in used.items():
            found = hashlib.md5(self.read(name, MAX_ABOUT) if data is None else data, usedforsecurity=False).hexdigest()
            if listed.get(name) != found:
                said = "is not listed in" if name not in listed else "does not fit"
                msg = f"{self.source}: {name} {said} checksums.md5: the artifact was damaged or changed. Copy or export it again."
                raise InputError(msg)


def _check_type(found: str, part: str, source: str) -> None:
    """Refuse an artifact of another type, and say where it belongs."""
    if _PARTS[part][0].fullmatch(found):
        return
    other = next((p for p, (pattern, _) in _PARTS.items() if pattern.fullmatch(found)), None)
    if other is not None:
        msg = f"{source} was given as {part}, but is a {other} ({found[:80]}). Give it with --{other}."
    else:
        what = next(
            (text for kind, text in _OTHERS.items() if found.startswith(kind)), "neither a table nor a taxonomy nor a tree. Leave it out."
        )
        msg = f"{source} was given as {part}, but is {found[:80]!r}: {what}"
    raise InputError(msg)
