"""Result files: written atomically with their record beside them, and checked when they are read."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv import __version__
from gutdiv.errors import ArtifactError, InputError
from gutdiv.model.results import OPEN_TABLES, SCHEMA_VERSION, TABLES, Interval, Partition, Reference, Table

if TYPE_CHECKING:
    import pandas as pd

_NEEDS_QUOTES = re.compile(r'[\t\n\r"]')
_BREAKS = re.compile(r'[\n\r"]')
_NUMBERS = re.compile(r"\[\s+[-+.\deE]+(?:,\s+[-+.\deE]+)*\s+\]")  # lists of numbers, which a reference writes on one line
_PIECE = 10_000  # rows of a table that are text at a time
_TOLD = 60  # characters of what a damaged file holds that an error repeats
_TRUTH = {"true": True, "false": False}


# ---------------------------------------------------------------- writing, whole or not at all
@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of `path` in one step."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {str(path.parent)!r} for {path.name}: {error.strerror}. Choose another --output."
        raise InputError(msg) from error
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, UTF-8, line ends as given."""
    with whole_file(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record: sorted keys, NaN as null, one trailing newline."""
    write_text(path, json.dumps(plain(content), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a record; raises ArtifactError where it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path} is missing. Run the step that makes it first."
        raise ArtifactError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path} is no readable JSON record ({error}). Delete it and rerun the step that makes it."
        raise ArtifactError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds no JSON object. Delete it and rerun the step that makes it."
        raise ArtifactError(msg)
    return content


def plain(value: Any) -> Any:
    """Turn numpy scalars, tuples and NaN into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# ---------------------------------------------------------------- records
def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def input_digest(role: str, path: Path | str) -> dict[str, str]:
    """Return `role`, the file's bare name and its SHA-256: an input's entry in a record."""
    path = Path(path)
    try:
        return {"role": role, "name": path.name, "sha256": sha256(path)}
    except OSError as error:
        msg = f"cannot read {role} {str(path)!r}: {error.strerror}."
        raise InputError(msg) from error


def record(
    kind: str,
    *,
    options: Mapping[str, Any] | None = None,
    inputs: Sequence[Mapping[str, str]] = (),
    seed: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Make a record: what a result is, by which version and options, from which inputs; no clock, host or path."""
    return {
        "kind": kind,
        "schema_version": SCHEMA_VERSION,
        "gutdiv_version": __version__,
        "options": dict(options or {}),
        "inputs": [dict(i) for i in inputs],
        "seed": seed,
        **more,
    }


def making(source: Mapping[str, Any]) -> dict[str, Any]:
    """Take from a record how its result was made, for the record of what is made of it: the page reads no distances and no scores of taxa."""
    return {key: source[key] for key in ("options", "inputs", "seed") if key in source}


# ---------------------------------------------------------------- tables
def cell_text(value: Any) -> str:
    """Write one cell: empty where undefined, shortest exact float, quotes only where needed."""
    if value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def write_rows(path: Path, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write a TSV: one header line, tabs, UTF-8."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        handle.write("\t".join(cell_text(h) for h in header) + "\n")
        handle.writelines(_row_text(row) + "\n" for row in rows)


def _row_text(row: Sequence[Any]) -> str:
    """Write one row; where all cells are strings that need no quotes, as in the long tables, without a look at each."""
    try:
        text = "\t".join(row)
    except TypeError:
        return "\t".join(map(cell_text, row))
    if text.count("\t") == len(row) - 1 and not _BREAKS.search(text):
        return text
    return "\t".join(map(cell_text, row))


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read a TSV that gutdiv wrote: header and rows of text cells; raises ArtifactError on a ragged row."""
    header, *parts = _parts(path)
    return header[0], [row for part in parts for row in part]


def _parts(path: Path) -> Iterator[list[list[str]]]:
    """Yield the header, alone, then the rows in pieces, so that no more than a piece need be held as text."""
    csv.field_size_limit(1 << 30)
    done = 0
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = csv.reader(handle, delimiter="\t", strict=True)
            part = list(itertools.islice(rows, 1))
            width = len(part[0]) if part else 0
            while part:
                if uneven := next((i for i, row in enumerate(part, start=done + 1) if len(row) != width), 0):
                    msg = f"{path}, row {uneven}: {len(part[uneven - done - 1])} cells where the header has {width}. Delete it and rerun its step."
                    raise ArtifactError(msg)
                done += len(part)
                yield part
                part = list(itertools.islice(rows, _PIECE))
    except FileNotFoundError as error:
        msg = f"{path} is missing. Run the step that makes it first."
        raise ArtifactError(msg) from error
    except (OSError, ValueError, csv.Error) as error:
        msg = f"{path} cannot be read as a table ({error}). Delete it and rerun the step that makes it."
        raise ArtifactError(msg) from error
    if not done:
        msg = f"{path} is empty. Delete it and rerun the step that makes it."
        raise ArtifactError(msg)


def write_table(path: Path | str, table: Table) -> None:
    """Write a result table and, beside it, its record (same name, ending `.json`)."""
    path = Path(path)
    known: dict[str, str] = {}
    pieces = (table.frame.iloc[start : start + _PIECE] for start in range(0, len(table.frame), _PIECE))
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        handle.write("\t".join(cell_text(str(c)) for c in table.frame.columns) + "\n")
        for piece in pieces:
            texts = [_column_text(piece.iloc[:, i].tolist(), known) for i in range(piece.shape[1])]
            handle.writelines("\t".join(row) + "\n" for row in zip(*texts, strict=True))
    write_json(path.with_suffix(".json"), {"kind": table.kind, **table.record})


def _column_text(cells: list[Any], known: dict[str, str]) -> list[str]:
    """Write the cells of a column; each string is looked at once in a table."""
    kinds = set(map(type, cells))
    if kinds <= {str}:
        known |= {text: cell_text(text) for text in set(cells) - known.keys()}
        return [known[text] for text in cells]
    if kinds == {float}:
        return ["" if value != value else repr(value) for value in cells]  # NaN alone differs from itself
    return list(map(cell_text, cells))


def read_table(path: Path | str, kind: str) -> Table:
    """Read a result table of this kind with its record; raises ArtifactError where either is not what it should be."""
    path = Path(path)
    about = read_json(path.with_suffix(".json"))
    if about.get("kind") != kind:
        msg = f"{path} holds {str(about.get('kind'))[:_TOLD]!r}, where {kind!r} is expected. Rerun the step that makes it."
        raise ArtifactError(msg)
    import pandas as pd  # only where a table is read: the import takes a quarter of a second

    parts = _parts(path)
    header = next(parts)[0]
    types = TABLES[kind]
    declared = header[: len(types)] if kind in OPEN_TABLES else header
    for i, (got, expected) in enumerate(itertools.zip_longest(declared, types), start=1):
        if got != expected:
            found, due = ("no column" if c is None else repr(c[:_TOLD]) for c in (got, expected))
            msg = f"{path} has {found} as column {i}, where {due} is expected. Rerun the step that makes it."
            raise ArtifactError(msg)
    known: dict[str, str] = {}  # a text that stands in many cells is held once
    pieces: list[list[pd.Series[Any]]] = [[] for _ in header]
    for part in parts:
        for name, cells, column in zip(header, zip(*part, strict=True), pieces, strict=True):
            try:
                column.append(_typed(cells, types.get(name, "str"), known))
            except (ValueError, KeyError, OverflowError) as error:
                msg = f"{path}, column {name!r}: a cell that is no {types[name]} ({str(error)[:_TOLD]}). Delete it and rerun the step that makes it."
                raise ArtifactError(msg) from error
    frame = pd.DataFrame({name: _whole(column, types.get(name)) for name, column in zip(header, pieces, strict=True)})
    return Table(kind, frame, about)


def _whole(pieces: list[pd.Series[Any]], kind: str | None) -> pd.Series[Any]:
    """Join the pieces of a column; one beyond the declared columns becomes floats where all its cells are numbers."""
    import pandas as pd

    whole = pd.concat(pieces, ignore_index=True) if pieces else _typed((), kind or "str", {})
    if kind is None:
        with suppress(ValueError):
            return _typed(whole.tolist(), "float", {})
    return whole


def _typed(cells: Sequence[str], kind: str, known: dict[str, str]) -> pd.Series[Any]:
    """Turn a column's text cells into its type."""
    import pandas as pd

    if kind == "int":
        return pd.Series([pd.NA if c == "" else int(c) for c in cells], dtype="Int64")
    if kind == "bool":
        return pd.Series([_TRUTH[c] for c in cells], dtype=bool)
    if kind == "float":
        return pd.Series([math.nan if c == "" else float(c) for c in cells], dtype="float64")
    return pd.Series([known.setdefault(c, c) for c in cells], dtype=object)


# ---------------------------------------------------------------- references
def write_reference(path: Path, reference: Reference) -> None:
    """Write a reference as one versioned JSON file without sample rows."""
    content = asdict(reference)
    about = content.pop("record")
    text = json.dumps(plain({**about, "kind": "reference", "reference": content}), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, _NUMBERS.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text) + "\n")


def read_reference(path: Path) -> Reference:
    """Read a reference; raises ArtifactError where the file is none."""
    content = read_json(path)
    if content.get("kind") != "reference":
        msg = f"{path} holds {content.get('kind')!r}, where a reference is expected. `gutdiv reference build` makes one."
        raise ArtifactError(msg)
    try:
        body = dict(content.pop("reference"))
        body["intervals"] = tuple(_interval(i) for i in body["intervals"])
        body["partitions"] = tuple(_partition(p) for p in body.get("partitions", ()))
        return Reference(**body, record=content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"{path} is no whole reference ({type(error).__name__}: {error}). Make it again with `gutdiv reference build`."
        raise ArtifactError(msg) from error


def _interval(content: dict[str, Any]) -> Interval:
    """Turn JSON's lists back into pairs."""
    known = ("lower_ci", "upper_ci", "undetected_ci", "without_outliers")
    return Interval(**{**content, **{k: tuple(content[k]) for k in known if content.get(k) is not None}})


def _partition(content: dict[str, Any]) -> Partition:
    """Turn JSON's lists back into tuples, and null into NaN."""
    numbers = {k: math.nan if content[k] is None else content[k] for k in ("z", "critical", "sd_ratio")}
    pairs = tuple(None if c is None else tuple(c) for c in content["shares_ci"])
    first, second = (_interval(i) for i in content["intervals"])
    return Partition(**{**content, **numbers, "shares": tuple(content["shares"]), "shares_ci": pairs, "intervals": (first, second)})
