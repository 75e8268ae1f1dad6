"""Names of lineages in any database's dialect: taken apart by rank, and brought to one canonical family and genus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from gutdiv.errors import InputError
from gutdiv.model.cohort import RANKS

# A spelling's meanings: (database, canonical genus, family, relation), as `io.knowledge.read_synonyms` gives them by normal form.
Synonyms = Mapping[str, tuple[tuple[str, str, str, str], ...]]
Names = tuple[str | None, ...]

DIALECTS = ("silva", "greengenes", "greengenes2", "gtdb", "rdp", "plain")

_PREFIX = re.compile(r"^\s*(?:(D)_(\d{1,2})__|([a-z]{1,2})__|([dkpcofgs]):)\s*")
_RANK_OF = {"d": 0, "sk": 0, "k": 0, "p": 1, "c": 2, "o": 3, "f": 4, "g": 5, "s": 6}
_CONFIDENCE = re.compile(r"\s*\(\d+(?:\.\d+)?\)\s*$")
_UNKNOWN = re.compile(
    r"^(?:|na|nan|n/a|none|null|[-?.]+|unknown|other|others|bacterium|organism|metagenome|sp\.?|"
    r"(?:unclassified|uncultured|unidentified|unassigned|unresolved|undefined|unknown|ambiguous|other|norank|no rank|no blast hit)\b.*|"
    r".*\b(?:unclassified|metagenome|noname|norank))$",
    re.IGNORECASE,
)
_NUMBER_SUFFIX = re.compile(r" \d{3,}$")
_LETTER_SUFFIX = re.compile(r"^(\S+) [A-Z]{1,2}$")
# Here the letter separates unrelated genera, so that it stays (genus_synonyms rules, 2).
_LETTER_STAYS = re.compile(r"^(?:Ruminococcus [BCDE]|(?:Clostridium|Eubacterium) [A-Z]{1,2}|Coprococcus A|Mediterraneibacter A)$")
_RDP_CLUSTER = re.compile(r"^(clostridium x)i(v[ab])$")  # stored outputs write a small L for the I in `XIVa`
_BRACKETED_FAMILY = re.compile(r"^\[(\w+aceae)\]$")

# One spelling, several genera: the families in which it means what the synonyms say (genus_synonyms rules, 6).
_FAMILIES = {
    "ruminococcus": ("ruminococcaceae", "acutalibacteraceae", "oscillospiraceae"),
    "[ruminococcus]": ("lachnospiraceae",),
    "clostridium": ("clostridiaceae",),
    "[eubacterium]": ("erysipelotrichaceae",),
    "ucg-002": ("oscillospiraceae", "ruminococcaceae"),
    "phocaeicola": ("bacteroidaceae",),
}
_FAMILY_RENAMES = {
    "S24-7": "Muribaculaceae",
    "Incertae Sedis XIV": "Lachnospiraceae",
    "Clostridiales Incertae Sedis XIV": "Lachnospiraceae",
}
_CAUTIOUS = ("polyphyletic", "lumped", "exact", "approximate", "former")  # where databases disagree, the wider meaning stands

_PHYLA = {
    "Firmicutes": "Bacillota",
    "Bacteroidetes": "Bacteroidota",
    "Proteobacteria": "Pseudomonadota",
    "Actinobacteria": "Actinomycetota",
    "Actinobacteriota": "Actinomycetota",
    "Fusobacteria": "Fusobacteriota",
    "Verrucomicrobia": "Verrucomicrobiota",
    "Euryarchaeota": "Methanobacteriota",
    "Halobacterota": "Methanobacteriota",
    "Campilobacterota": "Campylobacterota",
    "Epsilonbacteraeota": "Campylobacterota",
    "Desulfobacterota": "Thermodesulfobacteriota",
    "Synergistetes": "Synergistota",
    "Spirochaetes": "Spirochaetota",
    "Cyanobacteria": "Cyanobacteriota",
    "Cyanobacteria/Chloroplast": "Cyanobacteriota",
    "Lentisphaerae": "Lentisphaerota",
    "Deinococcus-Thermus": "Deinococcota",
    "Acidobacteria": "Acidobacteriota",
    "Elusimicrobia": "Elusimicrobiota",
    "Planctomycetes": "Planctomycetota",
    "Chloroflexi": "Chloroflexota",
    "Tenericutes": "Mycoplasmatota",
}


# ---------------------------------------------------------------- taking lineages apart
def parse_lineage(text: str) -> Names:
    """Take a lineage apart into seven names, domain to species; what is unknown or unclassified is None.

    Understood are `k__..; p__..` (Greengenes), `D_0__..` and `d__..` (SILVA), Greengenes2 and GTDB, `Bacteria(100);..;` with confidences
    (RDP, mothur), and plain names from the domain on. `;` or `|` separates. Names keep their spelling without prefix and confidence.

    Raises
    ------
    InputError
        Where names without rank prefixes are more than seven, so that their ranks cannot be told.
    """
    parts = re.split(r"[;|]", text.strip().strip('"'))
    while parts and not parts[-1].strip():
        parts.pop()
    names: list[str | None] = [None] * len(RANKS)
    plain = 0
    for part in parts:
        mark = _PREFIX.match(part)
        if mark is None:
            if plain == len(RANKS):
                msg = (
                    f"lineage {text[:120]!r} has more than {len(RANKS)} names without rank prefixes, so that their ranks cannot be told. "
                    "Give prefixes (`k__`, `p__`, ... `s__`), or one column a rank."
                )
                raise InputError(msg)
            names[plain] = names[plain] or clean_name(part)
            plain += 1
            continue
        rank = int(mark[2]) if mark[1] else _RANK_OF.get(mark[3] or mark[4], len(RANKS))
        if rank < len(RANKS):
            names[rank] = names[rank] or clean_name(part)
            plain = rank + 1
    return _without_repeats(names)


def split_columns(row: Mapping[str, str | None]) -> Names:
    """Take one row of a table with a column a rank (`Kingdom` or `Domain`, `Phylum`, ..., in any case) apart into seven names."""
    cells = {k.strip().lower(): v for k, v in row.items()}
    domain = next((cells[k] for k in ("domain", "superkingdom", "kingdom") if cells.get(k)), None)
    return _without_repeats([clean_name(domain), *(clean_name(cells.get(r)) for r in RANKS[1:])])


def _without_repeats(names: list[str | None]) -> Names:
    """Drop a species that only repeats the name of a higher rank."""
    if names[6] is not None and names[6] in names[:6]:
        names[6] = None
    return tuple(names)


@lru_cache(maxsize=200_000)
def clean_name(cell: str | None) -> str | None:
    """Return a name without rank prefix, quotes and confidence; None where it says that nothing is known."""
    if cell is None:
        return None
    name = _CONFIDENCE.sub("", cell.strip().strip("\"'"))
    name = _PREFIX.sub("", name).strip().strip("\"'").strip()
    return None if _UNKNOWN.match(name.replace("_", " ").strip()) else name


# ---------------------------------------------------------------- which database
_MARKS = {
    "greengenes2": re.compile(r"[A-Za-z]_\d{4,}(?:;|$|\s)"),
    "greengenes": re.compile(r"\bk__|(?:^|[;_\s])\[[A-Z][a-z]+\](?:$|;)|\bS24-7\b|CandidatusArthromitus"),
    "silva": re.compile(
        r"\bD_\d{1,2}__|[_ ]group(?:;|$)|\bUCG-\d{3}|Escherichia-Shigella|sensu[_ ]stricto[_ ]\d|"
        r"\b(?:Prevotella|Ruminococcus|Coprococcus|Tyzzerella)[_ ]\d(?:;|$)"
    ),
    "rdp": re.compile(
        r"Clostridium[_ ]X|incertae[_ ]sedis|Escherichia/Shigella|Ruminococcus2|Incertae[_ ]Sedis[_ ]X|"
        r"sensu[_ ]stricto(?:;|$|\()|\(\d{1,3}\)"
    ),
    "gtdb": re.compile(r"\b(?:Firmicutes|Bacillota|Desulfobacterota)_[A-Z]\b|[a-z]_[A-Z]{1,2}(?:;|$)|\b(?:CAG|UMGS|UBA|QAM|RUG|SFMI)-?\d+"),
}


def dialect(lineages: Iterable[str]) -> str:
    """Name the database whose spellings these lineages use: silva, greengenes, greengenes2, gtdb, rdp, or plain where nothing tells.

    Parameters
    ----------
    lineages : iterable of str
        Lineages as they were spelled; names of a per-rank table joined by `;`.
    """
    counts = dict.fromkeys(_MARKS, 0)
    total = 0
    for raw in lineages:
        text = raw.replace("; ", ";")
        total += 1
        for name, mark in _MARKS.items():
            if mark.search(text):
                counts[name] += 1
    # Greengenes2 also bears GTDB's letters, and no other database writes its numbers
    if total and counts["greengenes2"] > 0.02 * total:
        return "greengenes2"
    best = max(counts, key=lambda k: counts[k])
    return best if counts[best] else "plain"


# ---------------------------------------------------------------- canonical names
def canonical(names: Sequence[str | None], synonyms: Synonyms, *, dialect: str | None = None) -> tuple[str | None, str | None, str]:
    """Return the canonical family and genus of a lineage, and the rule by which the genus was found.

    Parameters
    ----------
    names : sequence of seven (str or None)
        Domain to species, as spelled; rank prefixes and words such as `uncultured` are allowed.
    synonyms : mapping
        The meanings of each spelling, from `io.knowledge.read_synonyms`.
    dialect : str, optional
        One of `DIALECTS`. Where it is not given and databases mean different genera by a spelling, the wider meaning is taken.

    Returns
    -------
    family, genus : str or None
        None where the lineage does not name one.
    rule : str
        `exact`, `approximate`, `former`, `lumped` or `polyphyletic` (relation of the spelling to the genus), `other family` (the spelling
        means something else in this family), `as spelled` (no synonym known), or `unclassified`.

    Notes
    -----
    A bracketed name is never reduced to the bare genus, and a bin that spans several genera keeps a name of its own.
    """
    family = _family(clean_name(names[4]))
    genus = _normal(clean_name(names[5]))
    if genus is None:
        return family, None, "unclassified"
    higher = {_normal(clean_name(n)) for n in names[:5]}
    trimmed = _NUMBER_SUFFIX.sub("", genus)
    forms = [genus, trimmed]
    letter = _LETTER_SUFFIX.match(trimmed)
    if letter and not _LETTER_STAYS.match(trimmed) and dialect in (None, "plain", "gtdb", "greengenes2"):
        forms.append(letter[1])
    if trimmed.casefold() == "incertae sedis":
        return family, None if family is None else f"Incertae Sedis ({family})", "other family" if family else "unclassified"
    for form in forms:
        key = _RDP_CLUSTER.sub(r"\1l\2", form.casefold())
        entry = _meaning(synonyms.get(key, ()), dialect)
        if entry is None:
            continue
        if not _in_family(key, family):
            return family, f"{form} ({family})", "other family"
        return entry[2] or family, entry[1], entry[3]
    if genus in higher:  # the order's or family's name repeated: nothing finer was called
        return family, None, "unclassified"
    base = forms[-1]
    return family, base.replace(" ", "_") if _LETTER_STAYS.match(base) else base, "as spelled"


def canonical_phylum(name: str | None) -> str | None:
    """Return a phylum's current name (`Firmicutes_A` and `Bacillota_C_123` are `Bacillota`), or None where it is unknown."""
    cleaned = _normal(clean_name(name))
    if cleaned is None:
        return None
    base = _NUMBER_SUFFIX.sub("", cleaned)
    base = re.sub(r" [A-Z]{1,2}$", "", base)
    return _PHYLA.get(base, base)


def _meaning(entries: tuple[tuple[str, str, str, str], ...], dialect: str | None) -> tuple[str, str, str, str] | None:
    """Choose a spelling's meaning: that of the dialect, else the most cautious of all."""
    related = "gtdb" if dialect == "greengenes2" else dialect
    own = [e for e in entries if e[0] == dialect] or [e for e in entries if e[0] == related] or list(entries)
    return min(own, key=lambda e: (_CAUTIOUS.index(e[3]), e[0])) if own else None


def _in_family(key: str, family: str | None) -> bool:
    """Whether the spelling means its usual genus in this family; asked only of spellings that several families share."""
    allowed = _FAMILIES.get(key)
    if allowed is None or family is None:
        return True
    return family.casefold().split(" ")[0] in allowed


@lru_cache(maxsize=200_000)
def _normal(name: str | None) -> str | None:
    """Write `_` as a blank and single blanks."""
    return None if name is None else " ".join(name.replace("_", " ").split())


@lru_cache(maxsize=50_000)
def _family(name: str | None) -> str | None:
    """Return a family without Greengenes' brackets and without number and letter suffixes."""
    cleaned = _normal(name)
    if cleaned is None or cleaned.casefold() == "incertae sedis":
        return None
    bare = _BRACKETED_FAMILY.match(cleaned)
    cleaned = bare[1] if bare else _NUMBER_SUFFIX.sub("", cleaned)
    cleaned = re.sub(r"(?<=aceae) [A-Z]{1,2}$", "", cleaned)
    return _FAMILY_RENAMES.get(cleaned, cleaned)
