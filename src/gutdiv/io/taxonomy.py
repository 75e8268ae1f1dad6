"""Taxonomy tables: QIIME 2's two-column form, and one column a rank."""

from __future__ import annotations

import csv
from pathlib import Path

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.text import read_whole_text
from gutdiv.model.cohort import RANKS
from gutdiv.model.inputs import RawTaxonomy

_RANK_NAMES = {"kingdom": "domain", "superkingdom": "domain", **{r: r for r in RANKS}}
_LINEAGE_NAMES = {"taxon", "taxonomy", "lineage", "consensus lineage", "consensuslineage"}


def read_taxonomy(path: Path | str) -> RawTaxonomy:
    """Read lineages by feature.

    A header with names of ranks (`Kingdom` or `Domain`, `Phylum`, ... `Species`, in any case) gives one cell a rank; a header with `Taxon`,
    `taxonomy` or `lineage` gives one text; without a header two columns are taken as id and text.

    Raises
    ------
    InputError
        Where neither form is found, a row is ragged, or a feature stands twice.
    """
    path = Path(path)
    text = read_whole_text(path, "taxonomy")
    rows = [
        (n, r)
        for n, r in enumerate(csv.reader(text.splitlines(keepends=True), delimiter="\t", quoting=csv.QUOTE_NONE), start=1)
        if any(c.strip() for c in r)
    ]
    header = [c.strip().lower() for c in rows[0][1]]
    by_rank = {_RANK_NAMES[name]: at for at, name in enumerate(header) if at and name in _RANK_NAMES}
    lineage = next((at for at, name in enumerate(header) if at and name in _LINEAGE_NAMES), None)
    if len(by_rank) >= 2:
        ranks, places, found = tuple(r for r in RANKS if r in by_rank), [by_rank[r] for r in RANKS if r in by_rank], "one column a rank"
    elif lineage is not None:
        ranks, places, found = ("lineage",), [lineage], "QIIME 2 taxonomy" if header[0] == "feature id" else "one column of lineages"
    elif len(header) in (2, 3) and any(mark in rows[0][1][1] for mark in (";", "__")):
        ranks, places, found = ("lineage",), [1], "two columns without a header"
    else:
        msg = (
            f"{path.name}: the header {rows[0][1][:8]} names neither a column of lineages ('Taxon') nor ranks ('Phylum', 'Genus', ...). "
            "Give a taxonomy with `Feature ID<TAB>Taxon`, or with one column a rank."
        )
        raise InputError(msg)
    first = rows if found == "two columns without a header" else rows[1:]
    width = max(places) + 1
    out: dict[str, tuple[str | None, ...]] = {}
    twice = []
    for number, cells in first:
        if len(cells) > len(header) and any(c.strip() for c in cells[len(header) :]):
            msg = f"{path.name}, row {number} ({cells[0][:60]!r}): {len(cells)} cells where the header has {len(header)}. Mend the row."
            raise InputError(msg)
        cells = cells + [""] * (width - len(cells))
        feature = cells[0].strip()
        if feature in out:
            twice.append(feature)
        out[feature] = tuple(cells[p].strip() or None for p in places)
    if twice:
        msg = f"{path.name}: {count_noun(sorted(set(twice)), 'feature')} more than once: {first_ids(sorted(set(twice)))}. Keep one row for each."
        raise InputError(msg)
    return RawTaxonomy(out, ranks, path.name, found)
