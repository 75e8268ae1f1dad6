"""What every reader of tables ends with: ids checked, values as one sparse matrix, lineages in one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.headers import are_lineages
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.inputs import RawTable, RawTaxonomy

if TYPE_CHECKING:
    from collections.abc import Sequence


_LISTED = re.compile(r"\[\s*u?(['\"]).*\1\s*\]\Z", re.DOTALL)
_ITEM = re.compile(r"u?(?:'([^']*)'|\"([^\"]*)\")")
_MOST_RANKS = 12  # a lineage of more elements, all of them letters, is a text in pieces
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")  # the numbers of QIIME 2's metadata


def checked_table(samples: Sequence[str], features: Sequence[str], values: Any, *, source: str, format: str, **parts: Any) -> RawTable:
    """Check ids and finish a table: one entry a cell, no stored zeros; ids that are lineages are the taxonomy where there is no other.

    Parameters
    ----------
    samples, features : sequence of str
        Ids as spelled.
    values : (n_samples, n_features) sparse matrix
    source, format : str
        As in `RawTable`.
    **parts
        Further fields of `RawTable`.

    Raises
    ------
    InputError
        Where ids are missing, empty or repeated.
    """
    for what, ids in (("sample", samples), ("feature", features)):
        if not ids:
            msg = f"{source} holds no {what}s."
            raise InputError(msg)
        known = set(ids)
        if len(known) < len(ids):
            seen: set[str] = set()
            twice = sorted({i for i in ids if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
            msg = f"{source}: {count_noun(twice, f'{what} id')} more than once: {first_ids(twice)}. Make {what} ids unique."
            raise InputError(msg)
        if "" in known:
            msg = f"{source}: {what} {ids.index('') + 1} of {len(ids)} has an empty id. Name every {what}."
            raise InputError(msg)
    matrix = sparse.csr_matrix(values, dtype=np.float64)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if parts.get("taxonomy") is None and are_lineages(features):
        parts["taxonomy"] = lineage_texts({f: lineage_text(f) for f in features}, source)
    return RawTable(tuple(samples), tuple(features), matrix, source, format, **parts)


def lineage_texts(lineages: Mapping[str, str | None] | None, source: str) -> RawTaxonomy | None:
    """Make a taxonomy of one text a feature, as tables carry it; None stays None."""
    return None if lineages is None else RawTaxonomy({f: (v,) for f, v in lineages.items()}, ("lineage",), source, "in the table")


def lineage_text(ranks: Any) -> str | None:
    """Turn one lineage, a text or its ranks, into one text; None where it says nothing.

    A text that a program took for a list, one letter an element, is put together again, and a list that was written as text
    (`['k__Bacteria', 'p__X']`) is taken apart.
    """
    if ranks is None:
        return None
    if isinstance(ranks, Mapping):
        ranks = list(ranks.values())
    if isinstance(ranks, str) and _LISTED.match(ranks.strip()):
        ranks = [a or b for a, b in _ITEM.findall(ranks)]
    cells = [str(ranks)] if isinstance(ranks, str) or not isinstance(ranks, (list, tuple)) else ["" if r is None else str(r) for r in ranks]
    if len(cells) > _MOST_RANKS and all(len(c) <= 1 for c in cells):
        cells = ["".join(cells)]
    while cells and not cells[-1].strip():
        cells.pop()
    text = "; ".join(c.strip() for c in cells)
    return text or None


def metadata_of_cells(ids: Sequence[str], columns: Mapping[str, Sequence[str | None]], source: str, format: str) -> SampleMetadata:
    """Make sample metadata of texts: a column is numeric where each cell that is not missing is a decimal number.

    Parameters
    ----------
    ids : sequence of str
        Sample ids.
    columns : mapping of str to sequence of (str or None)
        One cell a sample; `NA` and blanks are missing.
    source, format : str
        As in `SampleMetadata`.
    """
    kept: dict[str, tuple[str | None, ...]] = {}
    notes = []
    for name, cells in columns.items():
        called = name
        while called == "sample_id" or (called != name and (called in kept or called in columns)):
            called += "_"  # `sample_id` heads the ids in the files that gutdiv writes
        if called != name:
            notes.append(
                f"Column {name!r} of the sample metadata in {source} is called {called!r} here, for {name!r} heads the sample ids."
            )
        kept[called] = tuple(None if c is None or c.strip() in ("", "NA") else c.strip() for c in cells)
    kinds = {}
    for name, cells in kept.items():
        filled = [c for c in cells if c is not None]
        kinds[name] = "numeric" if filled and all(_DECIMAL.match(c) for c in filled) else "categorical"
    return SampleMetadata(tuple(ids), kept, kinds, source, format, tuple(notes))
