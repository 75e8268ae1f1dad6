"""Whether columns of the metadata say of samples what contradicts the declared specimen: what a person would see at once, and no more."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from gutdiv.report import reading
from gutdiv.report.parts import Link, Note
from gutdiv.report.wording import integer, listing, missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gutdiv.model.results import Results

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
_KINDS = {word: kind for kind, words in WORDS.items() for word in words.split()}


def alerts(results: Results) -> Iterator[Note]:
    """Say which samples such columns call something else than was declared; columns that say the same speak once."""
    declared = str(reading.roles(results).get("specimen") or "")
    meant, metadata = kinds(declared), results.metadata
    if len(meant) != 1 or metadata is None:
        return
    found: dict[tuple[str | None, ...], list[str]] = {}
    for column, cells in metadata.columns.items():
        if re.sub(r"[^a-z]", "", column.lower()) in COLUMNS:
            other = tuple(None if missing(c) or not kinds(str(c)) or kinds(str(c)) & meant else str(c) for c in cells)
            found.setdefault(other, []).append(name(column, limit=40))
    for calls, columns in found.items():
        if named := [c for c in calls if c is not None]:
            counts = sorted(Counter(named).items(), key=lambda item: (-item[1], item[0]))
            words = listing([f"{name(w, limit=40)} ({integer(n)})" for w, n in counts], limit=4)
            said = f"column {columns[0]} calls" if len(columns) == 1 else f"columns {listing(columns, limit=4)} call"
            text = (
                f"The specimen was declared as {name(declared, limit=40)}, but the {said} {plural(len(named), 'sample')} of {integer(len(calls))} "
                f"something else: {words}."
            )
            action = (
                "Samples of another body site make diversity, groups and verdicts misleading. Leave them out of the table and the metadata, or declare what "
                "they are with --specimen."
            )
            yield Note("alert", text, action, Link("Inputs and steps", "#methods-inputs"))


def kinds(text: str) -> frozenset[str]:
    """Return the specimens that a text names beyond doubt."""
    return frozenset(_KINDS[w] for w in re.findall(r"[a-z]+", text.lower()) if w in _KINDS)
