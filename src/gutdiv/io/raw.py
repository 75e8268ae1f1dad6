"""What every reader of tables ends with: ids checked, values as one sparse matrix, lineages in one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.model.inputs import RawTable, RawTaxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def checked_table(samples: Sequence[str], features: Sequence[str], values: Any, *, source: str, format: str, **parts: Any) -> RawTable:
    """Check ids and finish a table: one entry a cell, no stored zeros.

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
        seen: set[str] = set()
        twice = sorted({i for i in ids if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
        if twice:
            msg = f"{source}: {count_noun(twice, f'{what} id')} more than once: {first_ids(twice)}. Make {what} ids unique."
            raise InputError(msg)
        if any(not i for i in ids):
            msg = f"{source}: {sum(not i for i in ids)} {what}s have an empty id. Name every {what}."
            raise InputError(msg)
    matrix = sparse.csr_matrix(values, dtype=np.float64)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return RawTable(tuple(samples), tuple(features), matrix, source, format, **parts)


def lineage_texts(lineages: Mapping[str, str | None] | None, source: str) -> RawTaxonomy | None:
    """Make a taxonomy of one text a feature, as tables carry it; None stays None."""
    return None if lineages is None else RawTaxonomy({f: (v,) for f, v in lineages.items()}, ("lineage",), source, "in the table")


def lineage_text(ranks: Any) -> str | None:
    """Turn one lineage, a text or a list of ranks, into one text; None where it says nothing."""
    if ranks is None:
        return None
    cells = [ranks] if isinstance(ranks, str) else ["" if r is None else str(r) for r in ranks]
    while cells and not cells[-1].strip():
        cells.pop()
    text = "; ".join(c.strip() for c in cells)
    return text or None
