"""What the knowledge base holds of a taxon, as terms, words and references that a row or a card opens to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gutdiv.report.parts import Detail, Link
from gutdiv.report.wording import capital, name, sentence, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

LEVELS = {"in_vitro": "in vitro", "mouse": "mice", "human_association": "human, association", "human_trial": "human, trial"}
DOI = "https://doi.org/"


def known(results: Results) -> dict[str, tuple[Detail, ...]]:
    """Tell what the knowledge base holds, by row number and by taxon."""
    references = {r.get("key", ""): r for r in results.knowledge.get("references", ())}
    found: dict[str, list[Detail]] = {}
    for row in results.knowledge.get("immune_taxa", ()):
        told = of_row(row, references)
        found.setdefault(row.get("row", ""), []).extend(told)
        found.setdefault(row.get("taxon", "").casefold(), []).extend(told)
    return {taxon: tuple(details) for taxon, details in found.items()}


def of_row(row: Mapping[str, str], references: Mapping[str, Mapping[str, str]]) -> list[Detail]:
    """Tell one row of the knowledge base: mechanism, evidence with references, and why it is contested."""
    studied = f" (studied: {name(row['studied'])})" if row.get("studied") else ""
    details = [Detail(_guild(row), f"{name(row.get('mechanism'))}{studied}", wide=True)]
    if row.get("contested_reason"):
        details.append(Detail("Contested", sentence(name(row["contested_reason"]))))
    for level, keys in _levels(row.get("evidence", "")):
        links = tuple(cite(references[k]) for k in keys if k in references)
        details.append(Detail(f"Evidence: {LEVELS.get(level, level)}", "" if links else "no reference at hand", links))
    if row.get("strength"):
        details.append(Detail("Strength of evidence", name(row.get("strength_note") or row["strength"])))
    if row.get("visible_by_16s", "yes") != "yes" or row.get("visibility_reason"):
        seen = {"no": "not visible by 16S", "genus only": "16S sees the genus only"}.get(row.get("visible_by_16s", ""), "visible by 16S")
        details.append(
            Detail("What 16S can see", f"{seen}{': ' if row.get('visibility_reason') else ''}{name(row.get('visibility_reason'))}")
        )
    used = [
        f"{word}: {name(row[key])}"
        for word, key in (("substrates", "prebiotic_substrates"), ("probiotic", "probiotic_use"))
        if row.get(key)
    ]
    if used:
        details.append(Detail("Prebiotics and probiotics", f"{'; '.join(used)}"))
    return [replace(d, text=tidy(d.text)) for d in details]


def _guild(row: Mapping[str, str]) -> str:
    """Name a mechanism by its guilds."""
    return capital(name(row.get("guild")).replace(";", ", ") or "mechanism")


def _levels(evidence: str) -> list[tuple[str, list[str]]]:
    """Read `level:key,key;level:key`."""
    levels = []
    for part in evidence.split(";"):
        level, _, keys = part.partition(":")
        if level.strip():
            levels.append((name(level.strip()), [k.strip() for k in keys.split(",") if k.strip()]))
    return levels


def cite(reference: Mapping[str, str]) -> Link:
    """Write a reference in short; it links to its DOI where it has one that looks like one."""
    author = name(reference.get("author"))
    text = f"{author} {name(reference.get('year'))}. {name(reference.get('title')).rstrip('.')}. {name(reference.get('journal'))}".strip()
    doi = name(reference.get("doi"))
    return Link(text, DOI + doi if doi.startswith("10.") and not any(c.isspace() for c in doi) else "")


def in_short(row: Mapping[str, str], references: Mapping[str, Mapping[str, str]]) -> str:
    """Tell one row of the knowledge base in a line: the direction that is reported, its strength, and who reports it."""
    words = {"depleted": "reported depleted", "enriched": "reported enriched", "contested": "direction contested", "none": "no direction reported"}
    keys = list(dict.fromkeys(k for _, of in _levels(row.get("evidence", "")) for k in of if k in references))
    cited = [f"{name(references[k].get('author')).split(',')[0].removesuffix(' et al.').split(' ')[0]} {name(references[k].get('year'))}" for k in keys]
    strength = "evidence contested" if row.get("strength") == "contested" else f"{name(row.get('strength'))} evidence"
    return f"{words.get(row.get('direction', ''), '')}, {strength} ({', '.join(cited)})" if cited else words.get(row.get("direction", ""), "")
