"""BIOM 1.0's JSON: its parts checked one by one, so that what is wrong is named by its place."""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.text import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("rows", "columns", "data", "matrix_type")
_PLAIN = {int, float}  # types of numbers: neither truth values nor text


def parsed_json(raw: bytes, source: str) -> tuple[dict[str, Any], list[str], list[str]]:
    """Read the JSON of a BIOM table; return it with the ids of its features and samples.

    Raises
    ------
    InputError
        Where the file is JSON of another kind.
    ValueError
        Where it is damaged, or ids and their metadata are no such; the message names the place.
    """
    try:
        content = json.loads(decode(raw, source, "table"))
    except RecursionError as error:
        msg = f"{source} is JSON, but no BIOM table: it nests without end. Supply a table of counts."
        raise InputError(msg) from error
    if not isinstance(content, dict) or not any(key in content for key in _KEYS):
        kind = "a mapping without 'rows', 'columns' and 'data'" if isinstance(content, dict) else f"a {_named(content)}"
        msg = f"{source} is JSON, but no BIOM table: it holds {kind}. Supply a table of counts."
        raise InputError(msg)
    for key in _KEYS:
        if key not in content:
            msg = f"its key {key!r} is missing"
            raise ValueError(msg)
    features, samples = (_ids(content[part], part) for part in ("rows", "columns"))
    shape = content.get("shape") or [len(features), len(samples)]
    if not isinstance(shape, list) or shape != [len(features), len(samples)]:
        msg = f"its shape says {str(shape)[:60]}, but {len(features)} rows and {len(samples)} columns are named"
        raise ValueError(msg)
    return content, features, samples


def _ids(entries: Any, part: str) -> list[str]:
    """Return the ids of rows or columns as texts; a missing one is empty."""
    if not isinstance(entries, list):
        msg = f"{part!r} is {_shown(entries)} where a list of ids is expected"
        raise ValueError(msg)
    ids = []
    for at, entry in enumerate(entries):
        if not isinstance(entry, dict) or "id" not in entry:
            msg = f"{part}[{at}] is {_shown(entry)} where a mapping with an 'id' is expected"
            raise ValueError(msg)
        if not isinstance(entry["id"], (str, int, float, type(None))) or isinstance(entry["id"], bool):
            msg = f"the id of {part}[{at}] is {_shown(entry['id'])} where a text is expected"
            raise ValueError(msg)
        if entry.get("metadata") and not isinstance(entry["metadata"], dict):
            msg = f"the metadata of {part}[{at}] are {_shown(entry['metadata'])} where a mapping or null is expected"
            raise ValueError(msg)
        ids.append("" if entry["id"] is None else str(entry["id"]))
    return ids


def matrix_of_json(content: dict[str, Any], features: Sequence[str], samples: Sequence[str]) -> sparse.csr_matrix:
    """Return the counts as (n_samples, n_features); ValueError names the entry that is wrong."""
    data = content["data"]
    if content["matrix_type"] not in ("sparse", "dense"):
        msg = f"its matrix_type is {_shown(content['matrix_type'])} where 'sparse' or 'dense' is expected"
        raise ValueError(msg)
    if not isinstance(data, list):
        msg = f"'data' is {_shown(data)} where a list is expected"
        raise ValueError(msg)
    if content["matrix_type"] == "dense":
        if len(data) != len(features):
            msg = f"'data' has {len(data)} rows where {len(features)} are named"
            raise ValueError(msg)
        return sparse.csr_matrix(_numbers(data, len(samples), "a row of {} numbers, one a column,").T)
    cells = _numbers(data, 3, "{} numbers (row, column, value)")
    limits = np.array([len(features), len(samples)])
    bad = np.flatnonzero(~np.all((cells[:, :2] == np.floor(cells[:, :2])) & (cells[:, :2] >= 0) & (cells[:, :2] < limits), axis=1))
    if bad.size:
        msg = (
            f"data[{bad[0]}] is {_shown(data[bad[0]])}: a row from 0 to {limits[0] - 1} and a column from 0 to {limits[1] - 1} are expected"
        )
        raise ValueError(msg)
    row, column = cells[:, :2].astype(np.int64).T
    keys = row * limits[1] + column
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(np.diff(keys[order]) == 0)
    if again.size:
        first, second = order[again[0]], order[again[0] + 1]
        msg = f"data[{first}] and data[{second}] both hold the cell of row {features[row[first]][:60]!r} and column {samples[column[first]][:60]!r}"
        raise ValueError(msg)
    return sparse.coo_matrix((cells[:, 2], (column, row)), shape=(len(samples), len(features))).tocsr()


def _numbers(data: list[Any], width: int, expected: str) -> Any:
    """Return lists of numbers as an array (n, width); ValueError names the first that is wrong."""
    expected = expected.format(width)
    sound = set(map(type, data)) <= {list} and set(map(len, data)) <= {width} and set(map(type, chain.from_iterable(data))) <= _PLAIN
    try:
        if sound:
            return np.array(data, dtype=np.float64).reshape(-1, width)
    except OverflowError:
        pass
    for at, entry in enumerate(data):
        if not isinstance(entry, list) or len(entry) != width or not all(type(v) in _PLAIN and _is_float(v) for v in entry):
            wrong = next((v for v in entry if type(v) not in _PLAIN or not _is_float(v)), entry) if isinstance(entry, list) else entry
            found = _shown(entry) if wrong is entry else f"{_shown(entry)}, with {_shown(wrong)} in it,"
            msg = f"data[{at}] is {found} where {expected} are expected"
            raise ValueError(msg)
    msg = f"'data' holds other things than {expected}"  # pragma: no cover - one entry was wrong
    raise ValueError(msg)


def _is_float(value: float) -> bool:
    """Whether a number fits into a float64."""
    try:
        math.isnan(value)
    except OverflowError:
        return False
    return True


def _named(value: Any) -> str:
    """Name the kind of a JSON value."""
    kinds = {list: "list", dict: "mapping", str: "text", bool: "truth value", int: "number", float: "number", type(None): "null"}
    return kinds[type(value)]


def _shown(value: Any) -> str:
    """Show a JSON value shortly, as JSON writes it."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    if isinstance(value, list) and any(isinstance(v, int) and abs(v) >= 10**20 for v in value):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
