"""Which database a table's lineages come from: told from spellings that only one of them uses, with how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DIALECTS = ("silva", "greengenes", "greengenes2", "gtdb", "rdp", "plain", "mixed")

# Spellings that one database alone writes, sought in names without prefix and confidence, `_` as a blank, joined by `;` (first and last too).
_MARKS = {
    "silva": re.compile(
        r";[^;]+ group;|;[^;]*UCG-\d{3};|;[^;]*sensu stricto \d+;|;Family X[IVX]*(?: [^;]+)?;|;(?![A-Z][a-z]+aceae )[A-Z][a-z]{4,} \d{1,2};|"
        r";(?!Deinococcus-Thermus;)[A-Z][a-z]+-[A-Z][a-z]+(?:-[A-Z][a-z]+)*;|;(?:Campilobacterota|Epsilonbacteraeota);"
    ),
    "greengenes": re.compile(
        r";\[[A-Z][a-z]+\];|;(?:S24-7|YS2|SMB53|WAL 1855D|CandidatusArthromitus|02d06|cc 115|rc4-4|ph2|p-75-a5|TM7-3);"
    ),
    "rdp": re.compile(
        r";Clostridium X[IVl]+[ab]?;|;Clostridium (?:III|IV);|;Escherichia/Shigella;|;Ruminococcus2;|;[^;]+ incertae sedis;|"
        r";(?:[^;]+ )?Incertae Sedis X[IVX]*;|;Clostridium sensu stricto;|;Cyanobacteria/Chloroplast;"
    ),
    "greengenes2": re.compile(r";[^;]{3,} \d{3,};"),
    "gtdb": re.compile(
        r";(?:Firmicutes|Bacillota|Desulfobacterota|Thermodesulfobacteriota) [A-Z];|;(?!Family |Clostridium (?:IV|XI);)[A-Z][a-z]{3,} [A-Z]{1,2};|"
        r";(?:UMGS|SFMI|RUG|RGIG|QAM[A-Z]|HGM)\d+;"
    ),
}
_PREFIX = re.compile(r"^\s*(?:D_\d{1,2}__|[A-Za-z]{1,2}__|[dkpcofgs]:)\s*")
_CONFIDENCE = re.compile(r"\s*\(\d+(?:\.\d+)?%?\)\s*$")
# What a style alone says; it counts only where no spelling tells.
_STYLES = {"D_0__": "silva", "sk__": "silva", "k__": "greengenes", "(100)": "rdp"}
_STYLE = re.compile(r"^(D_\d{1,2}__|sk__|k__|K__|d__)")
_LONGEST = 300  # characters of a name that any database writes
_MOST_OTHER = 0.2  # a second database in more than this share of the marked lineages makes a table mixed
_FEWEST_OTHER = 3
_GG2_SHARE = 0.02  # Greengenes2 also bears GTDB's letters, and no other database writes its numbers

_NEW_PHYLA = re.compile(r";(?:Bacillota|Pseudomonadota|Actinomycetota)(?: [A-Z])?(?: \d+)?;")
_OLD_PHYLA = re.compile(r";(?:Firmicutes|Proteobacteria|Actinobacteri(?:a|ota))(?: [A-Z])?(?: \d+)?;")
_SILVA_138 = re.compile(r";(?:Bacteroidota|Actinobacteriota|Campilobacterota|Desulfobacterota|Oscillospirales|Lachnospirales);")
_SILVA_132 = re.compile(r";(?:Epsilonbacteraeota|Betaproteobacteriales|Patescibacteria);")
_SILVA_128 = re.compile(r";(?:Betaproteobacteria|Epsilonproteobacteria|Saccharibacteria);")


@dataclass(frozen=True)
class Dialect:
    """The dialect of a table's lineages.

    Parameters
    ----------
    name : str
        One of `DIALECTS`: the database, `mixed` where two are at work, or `plain` where nothing tells.
    flavour : str
        Which release, in words, where names tell it; else empty.
    sure : float
        0 to 1: k / (n + 1) with k lineages that bear a spelling of this database alone and n that bear one of any; half of that where
        only the style of the prefixes speaks. 0 where nothing tells.
    marked : mapping of str to int
        Lineages that bear a spelling of each database.
    lineages : int
        Lineages looked at.
    """

    name: str
    flavour: str
    sure: float
    marked: Mapping[str, int]
    lineages: int


def dialect(lineages: Iterable[str]) -> str:
    """Name the database whose spellings these lineages use: one of `DIALECTS`; see `detect`."""
    return detect(lineages).name


def detect(lineages: Iterable[str]) -> Dialect:
    """Tell the database whose spellings these lineages use, its release where names tell it, and how sure that is.

    Parameters
    ----------
    lineages : iterable of str
        Lineages as they were spelled, in any order; names of a per-rank table joined by `;`. Equal ones count once.
    """
    texts = sorted({t for t in lineages if t.strip()})
    plain = [_plain(t) for t in texts]
    found = {name: [bool(mark.search(p)) for p in plain] for name, mark in _MARKS.items()}
    if sum(found["greengenes2"]) > _GG2_SHARE * len(texts):
        found["greengenes2"] = [a or b for a, b in zip(found["greengenes2"], found["gtdb"], strict=True)]
        found["gtdb"] = [False] * len(texts)
    counts = {name: sum(hits) for name, hits in found.items()}
    n = sum(map(any, zip(*found.values(), strict=True)))
    marked = {name: k for name, k in counts.items() if k}
    if not n:
        return _by_style(texts)
    best = max(counts, key=lambda name: counts[name])
    others = sum(any(found[name][i] for name in found if name != best) and not found[best][i] for i in range(len(texts)))
    sure = counts[best] / (n + 1)
    if others >= _FEWEST_OTHER and others > _MOST_OTHER * n:
        return Dialect("mixed", " and ".join(sorted(marked, key=lambda name: -marked[name])), sure, marked, len(texts))
    return Dialect(best, _flavour(best, plain), sure, marked, len(texts))


def _plain(text: str) -> str:
    """Strip prefixes and confidences, write `_` as a blank, and put `;` around every name."""
    parts = re.split(r"[;|]", text.replace('"', ""))
    names = (_PREFIX.sub("", _CONFIDENCE.sub("", part)).replace("_", " ").strip() if len(part) <= _LONGEST else "" for part in parts)
    return ";".join(("", *names, ""))


def _by_style(texts: list[str]) -> Dialect:
    """Tell by prefixes and confidences alone, at most half sure."""
    counts: dict[str, int] = {}
    for text in texts:
        mark = _STYLE.match(text.strip().strip('"'))
        style = mark[1] if mark else ""
        style = "D_0__" if style.startswith("D_") else "k__" if style == "K__" else style
        if not style and re.search(r"\(\d{1,3}(?:\.\d+)?%?\)", text):
            style = "(100)"
        if style == "k__" and "|" in text:
            style = "k__|"
        counts[style] = counts.get(style, 0) + 1
    best = max(counts, key=lambda s: counts[s], default="")
    if best == "k__|":
        return Dialect("plain", "MetaPhlAn-like, names of NCBI", 0.0, {}, len(texts))
    if best not in _STYLES:
        return Dialect("plain", "", 0.0, {}, len(texts))
    return Dialect(_STYLES[best], "", counts[best] / (len(texts) + 1) / 2, {}, len(texts))


def _flavour(name: str, plain: list[str]) -> str:
    """Name the release, by names of phyla and orders that came with it."""

    def seen(pattern: re.Pattern[str]) -> int:
        return sum(bool(pattern.search(p)) for p in plain)

    new, old = seen(_NEW_PHYLA), seen(_OLD_PHYLA)
    if not new and not old and name != "silva":
        return ""
    if name == "greengenes2":
        return "Greengenes2 2024.09" if new > old else "Greengenes2 2022.10"
    if name == "gtdb":
        return "GTDB r214 or later" if new > old else "GTDB r207 or earlier"
    if name == "rdp" and new > old:
        return "RDP training set 19 or later"
    if name != "silva":
        return ""
    if new > old:
        return "SILVA 138.2"
    if seen(_SILVA_138):
        return "SILVA 138 or 138.1"
    if seen(_SILVA_132):
        return "SILVA 132"
    return "SILVA 128 or earlier" if seen(_SILVA_128) else ""
