"""Whether columns of the metadata say of samples what contradicts the declared specimen: what a person would see at once, and no more."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata

# Columns that say where a sample was taken, without signs between words (MIxS, QIIME 2, curatedMetagenomicData and what people write).
COLUMNS = (
    *("bodysite", "bodysubsite", "bodyhabitat", "bodyproduct", "sampletype", "samplesite", "samplingsite", "samplesource", "specimen", "specimentype"),
    *("isolationsource", "envmaterial", "environmentmaterial", "material", "tissue", "tissuetype", "biospecimen"),
)
# Words that leave no doubt of the specimen; `gut`, `swab` and `colon` leave one, and are not among them.
WORDS = {
    "stool": "stool stools feces faeces fecal faecal meconium",
    "saliva or mouth": "saliva oral mouth tongue buccal dental plaque subgingival supragingival",
    "skin": "skin",
    "biopsy": "biopsy biopsies mucosa mucosal",
    "vagina": "vagina vaginal",
    "nose or airways": "nasal nose nares sputum lung bronchoalveolar nasopharynx nasopharyngeal",
    "urine": "urine",
    "blood": "blood plasma serum",
    "milk": "milk",
    "soil": "soil",
}
GUT = ("stool", "biopsy")
# Beside one of these, a word of another place tells of the person or of food, as in `infant gut, breast milk fed`.
_PLACES = ("gut", "bowel", "colon", "colonic", "intestine", "intestinal", "ileum", "ileal", "rectum", "rectal", "cecum", "caecum", "digesta")
ASIDE = frozenset((*_PLACES, "fed", "feeding", "diet", "formula", "donor"))
_LISTED = 20
_KINDS = {word: kind for kind, words in WORDS.items() for word in words.split()}


def conflicts(metadata: SampleMetadata, declared: str | None) -> list[dict[str, Any]]:
    """Find the columns that call samples something else than was declared; columns that say the same of every sample are told together.

    Returns
    -------
    list of dict
        `columns` by name, `samples` (how many they call so) and `words`: pairs of a cell and its number of samples, the 20 most frequent first. None is
        found where the specimen was not declared, or was in words that name none or several of `WORDS`.
    """
    meant = kinds(declared or "")
    if len(meant) != 1:
        return []
    found: dict[tuple[str | None, ...], list[str]] = {}
    for column, cells in metadata.columns.items():
        if re.sub(r"[^a-z]", "", column.lower()) in COLUMNS:
            other = tuple(None if c is None or not kinds(c) or kinds(c) & meant else c for c in cells)
            found.setdefault(other, []).append(column)
    told = []
    for calls, columns in found.items():
        counts = Counter(c for c in calls if c is not None)
        if counts:
            words = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]
            told.append({"columns": columns, "samples": counts.total(), "words": [list(w) for w in words]})
    return told


def kinds(text: str) -> frozenset[str]:
    """Return the specimens that a text names beyond doubt."""
    words = re.findall(r"[a-z]+", text.lower())
    aside = not ASIDE.isdisjoint(words)
    return frozenset(_KINDS[w] for w in words if w in _KINDS and not (aside and _KINDS[w] not in GUT))
