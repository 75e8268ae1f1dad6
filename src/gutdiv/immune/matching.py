"""Which rows of the knowledge base a cohort's lineages name, by which spelling, and what share of the reads that covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.model.names import SPECIES_GROUP, Named, names_of
from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

_NOT_NAMED = "no lineage of the table names it"


def match(
    cohort: Cohort, rows: Sequence[Mapping[str, str]], *, spelled: Mapping[str, frozenset[str]] | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Match each row of the knowledge base to a cohort's features by lineage.

    Genus rows match by canonical genus, family rows by canonical family; a species row matches only where the table itself names the
    species, or a group named after it. Strains, themes and genera that hold enteric pathogens are never matched.

    Parameters
    ----------
    cohort : Cohort
        With lineages; without them nothing is matched.
    rows : sequence of mapping
        From `io.knowledge.read_immune_taxa`.
    spelled : mapping of str to frozenset of str, optional
        Databases that have a known spelling of each canonical genus (`io.knowledge.databases_of`): where the table's has none, the reason says so.

    Returns
    -------
    frame : DataFrame
        Columns of the kind `matches`, one row a row of the knowledge base. `share_of_reads` is the part of all reads of the cohort,
        `prevalence` the share of samples with at least one read; both undefined where nothing was matched.
    about : dict
        `rows_matched`, `rows_unspelled` (no spelling by the table's database is known), `features_matched` and
        `share_of_reads` of all matched features together, `dialect`, and `absent`.
    """
    named = names_of(cohort)
    total = int(cohort.counts.sum())
    reads = np.asarray(cohort.counts.sum(axis=0)).ravel()
    columns = cohort.counts.tocsc()
    covered = np.zeros(len(cohort.feature_ids), dtype=bool)
    out = []
    dialect = str(cohort.record.get("dialect"))
    known = spelled if spelled and any(dialect in databases for databases in spelled.values()) else {}  # plain names are of no database
    for row in rows:
        hit, reason = _find(row, named)
        if reason == _NOT_NAMED and _unspelled(row, known, dialect):
            reason = f"{_NOT_NAMED}, and no spelling of it by {dialect} is known"
        found = {"row": int(row["row"]), "taxon": row["taxon"], "rank": row["rank"], "reason": reason}
        if hit is None:
            nothing = {"outcome": "not matched", "spellings": "", "n_features": 0, "share_of_reads": np.nan, "prevalence": np.nan}
            out.append({**found, **nothing})
            continue
        covered |= hit
        samples = np.unique(columns[:, np.flatnonzero(hit)].indices).size
        share = float(reads[hit].sum()) / total
        spellings = _spellings(row, named, hit) if named else ""
        numbers = {"n_features": int(hit.sum()), "share_of_reads": share, "prevalence": samples / len(cohort.sample_ids)}
        out.append({**found, "outcome": "matched", "spellings": spellings, **numbers})
    frame = pd.DataFrame(out, columns=list(TABLES["matches"]))
    about = {
        "rows_matched": int((frame["outcome"] == "matched").sum()),
        "features_matched": int(covered.sum()),
        "share_of_reads": float(reads[covered].sum()) / total,
        "dialect": cohort.record.get("dialect"),
        "rows_unspelled": int(frame["reason"].str.contains(", and no spelling of it by ", regex=False).sum()),
        "absent": {} if named else {"matches": "the cohort has no lineages, so that no taxon can be named"},
    }
    return frame, about


# ---------------------------------------------------------------- rules
def _find(row: Mapping[str, str], named: Named | None) -> tuple[npt.NDArray[np.bool_] | None, str]:
    """Return the features of a row, or None and the reason."""
    if named is None:
        return None, "the cohort has no lineages"
    if row["visible_by_16s"] == "no":
        return None, row["visibility_reason"]
    if row["visible_by_16s"] == "genus only":
        return None, f"16S sees the genus only: {row['visibility_reason']}"
    hit = named.matched(row)
    if hit.any():
        return hit, ""
    wider = [n for n in row["wider_bins"].split("|") if n and np.any(named.genus == n)]
    if wider:
        return None, f"the table names {' and '.join(wider)}, which holds more than this taxon"
    if row["rank"] == "species":
        return None, "the species is not called in this table"
    return None, _NOT_NAMED


def _unspelled(row: Mapping[str, str], spelled: Mapping[str, frozenset[str]], dialect: str) -> bool:
    """Whether other databases spell a genus of this row, and the table's has no known spelling of any."""
    known = [spelled.get(g, frozenset()) for g in row["genera"].split("|") if g]
    return bool(known) and any(known) and not (row["families"] or row["orders"]) and not any(dialect in k for k in known)


def _spellings(row: Mapping[str, str], named: Named, hit: npt.NDArray[np.bool_]) -> str:
    """List how the matched features were spelled, most specific rank that was matched by."""
    rank = "family" if row["families"] else "order" if row["orders"] and not row["genera"] else "genus"
    texts = named.spelled[rank][hit]
    if row["rank"] == "species":
        by_name = np.isin(named.binomial[hit], [n for n in row["species"].split("|") if n])
        group = np.array([bool(SPECIES_GROUP.match(str(t))) for t in named.spelled["genus"][hit]], dtype=bool)
        texts = np.where(by_name & ~group, named.binomial[hit], named.spelled["genus"][hit])
    elif rank == "genus":
        texts = np.where(texts == "", named.spelled["order"][hit], texts)
    return "; ".join(sorted({str(t) for t in texts if t}))
