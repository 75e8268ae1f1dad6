"""What the features of a cohort are called: canonical genus and family, order and species, as the knowledge base's rows name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import Cohort

SPECIES_GROUP = re.compile(r"^\[(\w+)\][_ ]([a-z]+)[_ ]group$")
_EPITHET = re.compile(r"^[a-z][a-z-]{2,}$")
_NO_EPITHET = frozenset(
    {"bacterium", "metagenome", "organism", "uncultured", "unclassified", "unidentified", "unknown", "sp", "other", "clone", "group"}
)
_SUFFIX = re.compile(r"^(?:[A-Z]{1,2}|\d+)$")
_UNKNOWN_ORDER = re.compile(r"^(?:[a-z]__|D_\d__)")


# Canonical genera that hold enteric pathogens: a genus call never reports them, whatever rows are in use.
PATHOGENS = frozenset({"Aeromonas", "Campylobacter", "Clostridioides", "Helicobacter", "Salmonella", "Vibrio", "Yersinia"})


@dataclass(frozen=True, eq=False)
class Named:
    """What each feature is called, (n_features,) each: canonical genus and family, order, and binomials; and how order, family and genus were spelled."""

    genus: npt.NDArray[Any]
    family: npt.NDArray[Any]
    order: npt.NDArray[Any]
    binomial: npt.NDArray[Any]
    spelled: Mapping[str, npt.NDArray[Any]]

    def matched(self, row: Mapping[str, str]) -> npt.NDArray[np.bool_]:
        """Features that a row names by its `genera`, `families`, `orders` or `species` (names parted by `|`), (n_features,)."""
        hit = np.zeros(self.genus.size, dtype=bool)
        for column, names in (("genera", self.genus), ("families", self.family), ("orders", self.order), ("species", self.binomial)):
            wanted = [n for n in row[column].split("|") if n]
            if wanted:
                hit |= np.isin(names, wanted)
        return hit


def names_of(cohort: Cohort) -> Named | None:
    """Take the names that are matched out of the lineages; None without lineages."""
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
    return Named(cells("canonical_genus"), cells("canonical_family"), order, np.array([memo[p] for p in pairs], dtype=object), spelled)


def binomial(genus: str, species: str) -> str:
    """Return the species that a lineage names as `Genus epithet`, or an empty text.

    The species cell may hold the epithet (`copri`) or both words (`Prevotella_copri`, `Clostridium_T beijerinckii`); a genus cell such as
    `[Ruminococcus]_gnavus_group` names a group after its species. Brackets, and letters and numbers after the genus, are dropped.
    """
    group = SPECIES_GROUP.match(genus)
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
