"""What BIOM carries beside the counts: lineages, sample metadata and a tree, in the spellings that programs write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.errors import InputError, first_ids
from gutdiv.io.ranks import LINEAGE_NAMES, RANK_OF, rank_columns
from gutdiv.io.raw import lineage_text, lineage_texts, metadata_of_cells
from gutdiv.model.cohort import RANKS
from gutdiv.model.inputs import RawTaxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.inputs import RawTree

# By key, one value for each id: a scalar, a list or tuple of ranks, or None.
About = dict[str, list[Any]]
_NESTED = (list, tuple, dict)


def transposed(entries: Sequence[Mapping[str, Any] | None]) -> About:
    """Turn one mapping for each id, as BIOM 1.0 holds them, into one list for each key."""
    keys = dict.fromkeys(k for e in entries if e for k in e)
    return {k: [e.get(k) if e else None for e in entries] for k in keys}


def taxonomy_of(about: About, features: Sequence[str], source: str, *, ranks: Sequence[str] = ()) -> tuple[RawTaxonomy | None, list[str]]:
    """Make a taxonomy of what is said of the features; the notes name the keys that were not used.

    Parameters
    ----------
    about : dict
    features : sequence of str
    source : str
        The file's name, for messages.
    ranks : sequence of str
        Names of the ranks of each lineage's cells, where the file tells them (taxpasta does).
    """
    plain = {k: k.strip().lower().replace("_", " ") for k in about}
    lineage = next((k for name in ("taxonomy", *sorted(LINEAGE_NAMES)) for k in about if plain[k] == name), None)
    if lineage is not None:
        used = {lineage}
        values = about[lineage]
        taxonomy = _by_named_ranks(values, features, source, ranks)
        left = [] if taxonomy is None else [r for r in ranks if r.strip().lower() not in RANK_OF]
        if taxonomy is None:
            taxonomy = lineage_texts(dict(zip(features, _lineage_texts(values), strict=True)), source)
    else:
        left = []
        columns = {k: v for k, v in about.items() if not any(isinstance(x, _NESTED) for x in v)}
        chosen = rank_columns(list(columns))
        used = set(chosen.values())
        cells = [[_text(x) for x in columns[k]] for k in chosen.values()]
        taxonomy = (
            RawTaxonomy(dict(zip(features, zip(*cells, strict=True), strict=True)), tuple(chosen), source, "in the table")
            if chosen
            else None
        )
    unused = [k for k in about if k not in used and any(v is not None for v in about[k])]
    notes = [f"{source}: what the table says of features under {first_ids(unused, limit=8)} was not used"] if unused else []
    notes += [f"{source}: names of the ranks {first_ids(left, limit=8)} in its lineages were not used"] if left else []
    return taxonomy, notes


def _lineage_texts(values: list[Any]) -> list[str | None]:
    """Turn each lineage into one text; the same one, which repeats, once."""
    keys = [tuple(v.values() if isinstance(v, dict) else v) if isinstance(v, _NESTED) else v for v in values]
    try:
        texts = {k: lineage_text(k) for k in set(keys)}
    except TypeError:  # lists within lists
        return [lineage_text(k) for k in keys]
    return [texts[k] for k in keys]


def _by_named_ranks(values: list[Any], features: Sequence[str], source: str, ranks: Sequence[str]) -> RawTaxonomy | None:
    """Take lineages apart by the names of ranks that the file gives; None where it gives none, or they do not fit."""
    at = {RANK_OF[r.strip().lower()]: i for i, r in enumerate(ranks) if r.strip().lower() in RANK_OF}
    if not at or not all(v is None or (isinstance(v, (list, tuple)) and len(v) == len(ranks)) for v in values):
        return None
    order = tuple(r for r in RANKS if r in at)
    rows = {f: tuple(_text(v[at[r]]) if v else None for r in order) for f, v in zip(features, values, strict=True)}
    return RawTaxonomy(rows, order, source, "in the table")


def metadata_of(about: About, samples: Sequence[str], source: str) -> tuple[SampleMetadata | None, list[str]]:
    """Make sample metadata of what is said of the samples; keys with lists or mappings are named in the notes."""
    nested = [k for k, v in about.items() if any(isinstance(x, _NESTED) for x in v)]
    columns = {k: [_text(x) for x in v] for k, v in about.items() if k not in nested}
    notes = (
        [f"{source}: what the table says of samples under {first_ids(nested, limit=8)} is no single value each and was not used"]
        if nested
        else []
    )
    columns = {k: v for k, v in columns.items() if any(x is not None for x in v)}
    return (metadata_of_cells(samples, columns, source, "in the table") if columns else None), notes


def tree_of(text: str | None, source: str) -> tuple[RawTree | None, list[str]]:
    """Read the tree that the table carries; one that cannot be used is said in the notes, for the table can be used without it."""
    if not text or not text.strip():
        return None, []
    from gutdiv.io.newick import parse_newick

    try:
        return parse_newick(text, f"the tree in {source}"), []
    except InputError as error:
        return None, [f"{source}: the tree in the table was not used. {error}"]


def _text(value: Any) -> str | None:
    """Return a scalar as text; None where it says nothing."""
    if value is None:
        return None
    text = (value.decode("utf-8") if isinstance(value, bytes) else str(value.item() if isinstance(value, np.generic) else value)).strip()
    return text or None
