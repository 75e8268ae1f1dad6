"""Which rows of the knowledge base a cohort's lineages name, by which spelling, and what share of the reads that covers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

_GROUP = re.compile(r"^\[(\w+)\][_ ]([a-z]+)[_ ]group$")
_EPITHET = re.compile(r"^[a-z][a-z-]{2,}$")
_NO_EPITHET = frozenset(
    {"bacterium", "metagenome", "organism", "uncultured", "unclassified", "unidentified", "unknown", "sp", "other", "clone", "group"}
)
_SUFFIX = re.compile(r"^(?:[A-Z]{1,2}|\d+)$")
_NOT_NAMED = "no lineage of the table names it"
_UNKNOWN_ORDER = re.compile(r"^(?:[a-z]__|D_\d__)")


@dataclass(frozen=True, eq=False)
class _Named:
    """What each feature is called: canonical genus and family, order, and binomials; and how genus, family and species were spelled."""

    genus: npt.NDArray[Any]
    family: npt.NDArray[Any]
    order: npt.NDArray[Any]
    binomial: npt.NDArray[Any]
    spelled: Mapping[str, npt.NDArray[Any]]


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
    named = _names(cohort)
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
def _find(row: Mapping[str, str], named: _Named | None) -> tuple[npt.NDArray[np.bool_] | None, str]:
    """Return the features of a row, or None and the reason."""
    if named is None:
        return None, "the cohort has no lineages"
    if row["visible_by_16s"] == "no":
        return None, row["visibility_reason"]
    if row["visible_by_16s"] == "genus only":
        return None, f"16S sees the genus only: {row['visibility_reason']}"
    hit = np.zeros(named.genus.size, dtype=bool)
    for column, names in (("genera", named.genus), ("families", named.family), ("orders", named.order), ("species", named.binomial)):
        wanted = [n for n in row[column].split("|") if n]
        if wanted:
            hit |= np.isin(names, wanted)
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


def _spellings(row: Mapping[str, str], named: _Named, hit: npt.NDArray[np.bool_]) -> str:
    """List how the matched features were spelled, most specific rank that was matched by."""
    rank = "family" if row["families"] else "order" if row["orders"] and not row["genera"] else "genus"
    texts = named.spelled[rank][hit]
    if row["rank"] == "species":
        by_name = np.isin(named.binomial[hit], [n for n in row["species"].split("|") if n])
        group = np.array([bool(_GROUP.match(str(t))) for t in named.spelled["genus"][hit]], dtype=bool)
        texts = np.where(by_name & ~group, named.binomial[hit], named.spelled["genus"][hit])
    elif rank == "genus":
        texts = np.where(texts == "", named.spelled["order"][hit], texts)
    return "; ".join(sorted({str(t) for t in texts if t}))


# ---------------------------------------------------------------- names
def _names(cohort: Cohort) -> _Named | None:
    """Take the names that are matched out of the lineages."""
    lineages = cohort.lineages
    if lineages is None:
        return None

    def cells(column: str) -> npt.NDArray[Any]:
        return np.array([c or "" for c in lineages[column]], dtype=object)

    memo: dict[tuple[str, str], str] = {}
    pairs = list(zip(cells("genus"), cells("species"), strict=True))
    for pair in pairs:
        if pair not in memo:
            memo[pair] = binomial(*pair)
    order = np.array([_UNKNOWN_ORDER.sub("", o).replace("_", " ").strip() for o in cells("order")], dtype=object)
    spelled = {rank: cells(rank) for rank in ("order", "family", "genus")}
    return _Named(cells("canonical_genus"), cells("canonical_family"), order, np.array([memo[p] for p in pairs], dtype=object), spelled)


def binomial(genus: str, species: str) -> str:
    """Return the species that a lineage names as `Genus epithet`, or an empty text.

    The species cell may hold the epithet (`copri`) or both words (`Prevotella_copri`, `Clostridium_T beijerinckii`); a genus cell such as
    `[Ruminococcus]_gnavus_group` names a group after its species. Brackets, and letters and numbers after the genus, are dropped.
    """
    group = _GROUP.match(genus)
    if group:
        return f"{group[1]} {group[2]}"
    words = re.sub(r"^(?:[a-z]__|D_\d__)", "", species).replace("_", " ").split()
    if not words or words[0].casefold() in _NO_EPITHET:
        return ""
    both = words[0].startswith("[") or (len(words) > 1 and words[0][:1].isupper())
    first = words[0] if both else re.sub(r"^(?:[a-z]__|D_\d__)", "", genus).replace("_", " ").split(" ")[0]
    rest = words[1:] if both else words
    while both and rest and _SUFFIX.match(rest[0]):
        rest = rest[1:]
    first = first.strip("[]")
    # a letter after the epithet (`bromii_B`) is GTDB's mark of another species, a number Greengenes2's of a clade
    if not first or not rest or rest[0] in _NO_EPITHET or not _EPITHET.match(rest[0]) or not all(w.isdecimal() for w in rest[1:]):
        return ""
    return f"{first} {rest[0]}"
