"""Names of lineages in any database's dialect: taken apart by rank, and brought to one canonical family and genus."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gutdiv.cohort.dialects import dialect
from gutdiv.errors import InputError
from gutdiv.model.cohort import RANKS

__all__ = [
    "Names",
    "Synonyms",
    "Understood",
    "canonical",
    "canonical_phylum",
    "clean_name",
    "dialect",
    "parse_lineage",
    "split_columns",
    "understand",
]

# A spelling's meanings: (database, canonical genus, family, relation), as `io.knowledge.read_synonyms` gives them by normal form.
Synonyms = Mapping[str, tuple[tuple[str, str, str, str], ...]]
Names = tuple[str | None, ...]

_PREFIX = re.compile(r"^\s*(?:(D)_(\d{1,2})__|([A-Za-z]{1,2})__|([dkpcofgs]):)\s*")
_RANK_OF = {"d": 0, "sk": 0, "k": 0, "p": 1, "c": 2, "o": 3, "f": 4, "g": 5, "s": 6}
_SINTAX = re.compile(r"^[dk]:[^;|,]+,[pcofgs]:")
_ROOT = {"root", "cellular organisms"}
# PR2 puts a supergroup and a (sub)division between domain and class: where each of its eight or nine names belongs, None for nowhere.
_PR2 = {8: (0, None, 1, 2, 3, 4, 5, 6), 9: (0, None, 1, None, 2, 3, 4, 5, 6)}
_COLUMNS = {"domain": 0, "superkingdom": 0, "kingdom": 0, "division": 1, **{rank: at for at, rank in enumerate(RANKS)}}
_RANK_NUMBER = re.compile(r"^(?:rank|taxonomy|level)[ _.]?([1-7])$")
_CONFIDENCE = re.compile(r"\s*\(\d+(?:\.\d+)?%?\)\s*$")
_UNKNOWN = re.compile(
    r"^(?:|#?na|nan|n/a|#n/a|none|null|[-?.]+|unknown|other|others|archaeon|organism|(?:\S+ )?(?:bacterium|sp\.?)|metagenome|"
    r"(?:unclassified|uncultured|unidentified|unassigned|unassignable|unresolved|undefined|unspecified|unknown|ambiguous|other|norank|no rank|"
    r"no blast hit|no hit|not assigned|environmental samples?)\b.*|un [dkpcofgs]  .*|"
    r".*\b(?:unclassified|metagenome|noname|norank|uc))$",
    re.IGNORECASE,
)
# What microViz' tax_fix writes where it knew nothing: a higher name and its rank (`Lachnospiraceae Family`).
_FILLED = re.compile(r"[ _](?:domain|superkingdom|kingdom|phylum|class|order|family|genus|species)$", re.IGNORECASE)
_NUMBER_SUFFIX = re.compile(r" \d{3,}$")
_NUMBERED_NAME = re.compile(r"^[A-Z][A-Za-z-]{3,}.* \d{3,}$")
_LETTER_SUFFIX = re.compile(r"^(\S+) [A-Z]{1,2}$")
LONGEST = 300  # characters of a name that any database writes; what is longer is kept, but not understood
# Here the letter separates unrelated genera, so that it stays (genus_synonyms rules, 2).
_LETTER_STAYS = re.compile(r"^(?:Ruminococcus [BCDE]|(?:Clostridium|Eubacterium) [A-Z]{1,2}|Coprococcus A|Mediterraneibacter A)$")
_RDP_CLUSTER = re.compile(r"^(clostridium x)i(v[ab])$")  # stored outputs write a small L for the I in `XIVa`
_BRACKETED_FAMILY = re.compile(r"^\[(\w+aceae)\]$")
_JOINED = re.compile(r"^([A-Z][a-z]+)[ ./-]([A-Z][a-z]+)$")  # two genera in one name, joined by whatever the file could hold
_MADE_BY_R = re.compile(r"^X?\.?(\w+)[.](\S+)$")
_ANY_SUFFIX = (None, "plain", "mixed", "gtdb", "greengenes2")  # dialects in which a letter after a genus may be GTDB's

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
    **dict.fromkeys(("Incertae Sedis XIV", "Clostridiales Incertae Sedis XIV", "Family XIV"), "Lachnospiraceae"),
    **dict.fromkeys(("Incertae Sedis XIII", "Clostridiales Incertae Sedis XIII", "Family XIII"), "Anaerovoracaceae"),
    **dict.fromkeys(("Incertae Sedis XI", "Clostridiales Incertae Sedis XI", "Family XI"), "Peptoniphilaceae"),
}
_CAUTIOUS = ("polyphyletic", "lumped", "exact", "approximate", "former")  # where databases disagree, the wider meaning stands

# Older names of phyla and what the code of nomenclature calls them since 2021 (Oren & Garrity 2021, IJSEM 71:5056); archaea as GTDB has them.
_PHYLA = {
    "Firmicutes": "Bacillota",
    "Bacteroidetes": "Bacteroidota",
    "Proteobacteria": "Pseudomonadota",
    "Actinobacteria": "Actinomycetota",
    "Actinobacteriota": "Actinomycetota",
    "Fusobacteria": "Fusobacteriota",
    "Verrucomicrobia": "Verrucomicrobiota",
    "Euryarchaeota": "Methanobacteriota",
    "Halobacterota": "Halobacteriota",
    "Thaumarchaeota": "Nitrososphaerota",
    "Campilobacterota": "Campylobacterota",
    "Epsilonbacteraeota": "Campylobacterota",
    "Desulfobacterota": "Thermodesulfobacteriota",
    "Synergistetes": "Synergistota",
    "Spirochaetes": "Spirochaetota",
    "Cyanobacteria": "Cyanobacteriota",
    "Cyanobacteria/Chloroplast": "Cyanobacteriota",
    "Lentisphaerae": "Lentisphaerota",
    "Deinococcus-Thermus": "Deinococcota",
    "[Thermi]": "Deinococcota",
    "Acidobacteria": "Acidobacteriota",
    "Elusimicrobia": "Elusimicrobiota",
    "Planctomycetes": "Planctomycetota",
    "Chloroflexi": "Chloroflexota",
    "Chlamydiae": "Chlamydiota",
    "Gemmatimonadetes": "Gemmatimonadota",
    "Nitrospirae": "Nitrospirota",
    "Fibrobacteres": "Fibrobacterota",
    "Deferribacteres": "Deferribacterota",
    "Armatimonadetes": "Armatimonadota",
    "Tenericutes": "Mycoplasmatota",
    "TM7": "Saccharibacteria",
    "Candidatus Saccharibacteria": "Saccharibacteria",
}


@dataclass(frozen=True)
class Understood:
    """What a lineage means: canonical names, None where it does not name one, and how the genus was found.

    Parameters
    ----------
    family, genus, phylum : str or None
        Canonical names.
    rule : str
        One of `RULES`.
    dropped : str
        What of the spelling was left off to find its meaning: empty, `number`, `letter` or `number and letter`.
    """

    family: str | None
    genus: str | None
    phylum: str | None
    rule: str
    dropped: str = ""


# ---------------------------------------------------------------- taking lineages apart
def parse_lineage(text: str) -> Names:
    """Take a lineage apart into seven names, domain to species; what is unknown or unclassified is None.

    Understood are `k__..; p__..` (Greengenes), `D_0__..` and `d__..` (SILVA), Greengenes2 and GTDB, `Bacteria(100);..;` with confidences
    (RDP, mothur), `k__..|p__..` (MetaPhlAn), `d:..,p:..` (SINTAX), eight or nine names of a eukaryote (PR2), and plain names from the
    domain on, after `Root` or not. Names keep their spelling without prefix and confidence; other ranks (`t__`, `ps__`) are left out.

    Raises
    ------
    InputError
        Where names without rank prefixes are more than seven, so that their ranks cannot be told.
    """
    parts = lineage_parts(text)
    bare = [p for p in parts if _PREFIX.match(p) is None]
    places: Sequence[int | None] = range(len(RANKS))
    if len(bare) == len(parts) and len(parts) in _PR2 and (clean_name(parts[0]) or "").startswith("Eukaryota"):
        places = _PR2[len(parts)]
    names: list[str | None] = [None] * len(RANKS)
    plain = 0
    for part in parts:
        mark = _PREFIX.match(part)
        if mark is None:
            if plain == len(places):
                msg = (
                    f"lineage {text[:120]!r} has more than {len(RANKS)} names without rank prefixes, so that their ranks cannot be told. "
                    "Give prefixes (`k__`, `p__`, ... `s__`), or one column a rank."
                )
                raise InputError(msg)
            rank = places[plain]
            plain += 1
        else:
            rank = _marked_rank(mark)
            plain = plain if rank is None else rank + 1
        if rank is not None:
            names[rank] = names[rank] or clean_name(part)
    return _finished(names)


def lineage_parts(text: str) -> list[str]:
    """Split a lineage at its separator; empty parts at the end and a leading root fall away, prefixes and confidences stay."""
    whole = text.strip().strip('"')
    separator = ";" if ";" in whole else "," if _SINTAX.match(whole) else "|"
    parts = whole.split(separator)
    while parts and not parts[-1].strip():
        parts.pop()
    return parts[1:] if parts and (clean_name(parts[0]) or "").casefold() in _ROOT else parts


def split_columns(row: Mapping[str, str | None]) -> Names:
    """Take one row of a table with a column a rank apart into seven names.

    Columns are told by name in any case: `Domain`, `Superkingdom` or `Kingdom`, `Phylum` or PR2's `Division`, ... `Species`; columns that are
    only numbered (phyloseq's `Rank1` to `Rank7`) by their number. A prefix in a cell goes before its column: `f__Lachnospiraceae` in the column
    of genera is a family. PR2's other ranks (`Supergroup`, `Subdivision`) are left out.
    """
    names: list[str | None] = [None] * len(RANKS)
    for column, cell in row.items():
        key = column.strip().lower()
        numbered = _RANK_NUMBER.match(key)
        rank = int(numbered[1]) - 1 if numbered else _COLUMNS.get(key)
        if rank is not None and (mark := _PREFIX.match(cell or "")):
            rank = _marked_rank(mark)
        if rank is None or (names[rank] and key in ("kingdom", "division")):  # beside a domain or phylum these are no ranks of ours
            continue
        names[rank] = clean_name(cell) or names[rank]
    return _finished(names)


def _marked_rank(mark: re.Match[str]) -> int | None:
    """Return the rank that a prefix names; None for ranks that are not kept."""
    rank = int(mark[2]) if mark[1] else _RANK_OF.get((mark[3] or mark[4]).lower())
    return rank if rank is not None and rank < len(RANKS) else None


def _finished(names: list[str | None]) -> Names:
    """Drop names that only repeat a higher rank: a species like its genus, and `Lachnospiraceae Family` in the place of a genus."""
    for at in range(1, len(names)):
        name = names[at]
        if name is not None and _FILLED.search(name) and _FILLED.sub("", name) in names[:at]:
            names[at] = None
    if names[6] is not None and _normal(names[6]) in {_normal(n) for n in names[:6]}:
        names[6] = None
    return tuple(names)


@lru_cache(maxsize=200_000)
def clean_name(cell: str | None) -> str | None:
    """Return a name without rank prefix, quotes and confidence; None where it says that nothing is known."""
    if cell is None:
        return None
    if len(cell) > LONGEST:
        return cell.strip()
    name = _CONFIDENCE.sub("", cell.strip().strip("\"'"))
    name = _PREFIX.sub("", name).strip().strip("\"'").strip()
    return None if _UNKNOWN.match(name.replace("_", " ").strip()) else name


# ---------------------------------------------------------------- canonical names
RULES = ("exact", "approximate", "former", "lumped", "polyphyletic", "other family", "unplaced", "as spelled", "unclassified")


def canonical(names: Sequence[str | None], synonyms: Synonyms, *, dialect: str | None = None) -> tuple[str | None, str | None, str]:
    """Return the canonical family and genus of a lineage, and the rule by which the genus was found; see `understand`."""
    found = understand(names, synonyms, dialect=dialect)
    return found.family, found.genus, found.rule


def understand(names: Sequence[str | None], synonyms: Synonyms, *, dialect: str | None = None) -> Understood:
    """Bring a lineage to one canonical family, genus and phylum.

    Parameters
    ----------
    names : sequence of seven (str or None)
        Domain to species, as spelled; rank prefixes and words such as `uncultured` are allowed.
    synonyms : mapping
        The meanings of each spelling, from `io.knowledge.read_synonyms`.
    dialect : str, optional
        One of `cohort.dialects.DIALECTS`. Where it is not given, `plain` or `mixed`, and databases mean different genera by a spelling,
        the wider meaning is taken.

    Returns
    -------
    Understood
        Its rule is `exact`, `approximate`, `former`, `lumped` or `polyphyletic` (relation of the spelling to the genus), `other family` (the
        spelling means something else in this family), `unplaced` (`Incertae Sedis`, told apart by its family), `as spelled` (no synonym
        known), or `unclassified`.

    Notes
    -----
    A bracketed name is never reduced to the bare genus, and a bin that spans several genera keeps a name of its own.
    """
    phylum = canonical_phylum(names[1])
    spelled = [_normal(clean_name(n)) for n in names[:5]]
    family = None if _repeats(spelled[4], spelled[:4], dialect) else _family(clean_name(names[4]))
    genus = _normal(clean_name(names[5]))
    if genus is None:
        return Understood(family, None, phylum, "unclassified")
    if genus.casefold() == "incertae sedis":
        unplaced = None if family is None else f"Incertae Sedis ({family})"
        return Understood(family, unplaced, phylum, "unplaced" if family else "unclassified")
    kept, dropped = genus, ""
    for form, lost in _forms(genus, dialect):
        key = _RDP_CLUSTER.sub(r"\1l\2", form.casefold())
        entry = _meaning(synonyms.get(key, ()), dialect)
        if entry is not None:
            if not _in_family(key, family):
                return Understood(family, f"{form} ({family})", phylum, "other family", lost)
            return Understood(entry[2] or family, entry[1], phylum, entry[3], lost)
        if lost:
            kept, dropped = form, lost
    if _repeats(genus, spelled, dialect):
        return Understood(family, None, phylum, "unclassified")
    return Understood(family, kept.replace(" ", "_") if _LETTER_STAYS.match(kept) else kept, phylum, "as spelled", dropped)


def canonical_phylum(name: str | None) -> str | None:
    """Return a phylum's current name (`Firmicutes_A` and `Bacillota_C_123` are `Bacillota`), or None where it is unknown."""
    cleaned = _normal(clean_name(name))
    if cleaned is None:
        return None
    base = _NUMBER_SUFFIX.sub("", cleaned)
    base = re.sub(r" [A-Z]{1,2}$", "", base)
    return _PHYLA.get(base, base)


def _forms(genus: str, dialect: str | None) -> Iterator[tuple[str, str]]:
    """Yield the forms under which a genus is looked up, the fullest first, and what each has left off."""
    yield genus, ""
    if len(genus) > LONGEST:
        return
    trimmed, lost = genus, ""
    if dialect == "greengenes2" or (dialect in _ANY_SUFFIX and _NUMBERED_NAME.match(genus)):
        trimmed = _NUMBER_SUFFIX.sub("", genus)
        lost = "number" if trimmed != genus else ""
        if lost:
            yield trimmed, lost
    letter = _LETTER_SUFFIX.match(trimmed)
    if letter and dialect in _ANY_SUFFIX and not _LETTER_STAYS.match(trimmed):
        yield letter[1], f"{lost} and letter" if lost else "letter"
    if joined := _JOINED.match(genus):
        yield from ((f"{joined[1]}{mark}{joined[2]}", "") for mark in "/-")
    if made := _MADE_BY_R.match(genus):  # R's make.names: `X.Eubacterium..hallii.group`, `UCG.002`
        rest = made[2].strip(".").replace(".", " ")
        yield f"[{made[1]}] {rest}" if genus.startswith("X.") else f"{made[1]} {rest}", ""
        yield f"{made[1]}-{rest}", ""


def _repeats(name: str | None, higher: Sequence[str | None], dialect: str | None) -> bool:
    """Whether a name only repeats a higher rank's, so that nothing finer was called; GTDB names families after placeholder genera (`CAG-314`)."""
    placeholder = dialect in ("gtdb", "greengenes2") and any(c.isdigit() for c in name or "")
    return name is not None and name in higher and not placeholder


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
    """Return a family without Greengenes' brackets and without number and letter suffixes (`Oscillospiraceae_88309`, RDP's `Clostridiaceae 1`)."""
    cleaned = _normal(name)
    if cleaned is None or cleaned.casefold() == "incertae sedis":
        return None
    bare = _BRACKETED_FAMILY.match(cleaned)
    cleaned = bare[1] if bare else _NUMBER_SUFFIX.sub("", cleaned)
    cleaned = re.sub(r"(?<=aceae) (?:[A-Z]{1,2}|\d{1,2})$", "", cleaned)
    return _FAMILY_RENAMES.get(cleaned, cleaned)
