"""Reading the knowledge base that ships with the package, or a user's own rows in its format, and refusing what breaks its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from gutdiv.errors import KnowledgeError
from gutdiv.model.names import PATHOGENS

Row = Mapping[str, str]
Synonyms = Mapping[str, tuple[tuple[str, str, str, str], ...]]

COLUMNS = (
    "row", "taxon", "rank", "genera", "families", "orders", "species", "wider_bins", "guild", "mechanism", "studied", "immune_targets",
    "direction", "evidence", "strength", "strength_note", "contested_reason", "visible_by_16s", "visibility_reason",
    "prebiotic_substrates", "substrate_keys", "probiotic_use", "text_checked", "tested", "reference_keys",
)  # fmt: skip
PART_COLUMNS = ("part", "rank", "name")
ALARM_COLUMNS = (
    "tier", "controls", "ill_share", "level", "studies", "mean", "mean_low", "mean_high", "worst", "worst_low", "worst_high", "worst_study",
)  # fmt: skip
SYNONYM_COLUMNS = ("spelling", "database", "canonical_genus", "family", "relation")
LEVELS = ("in_vitro", "mouse", "human_association", "human_trial")
WORDS: Mapping[str, tuple[str, ...]] = {
    "rank": ("genus", "genera", "family", "species", "strain", "clade", "theme"),
    "direction": ("depleted", "enriched", "contested", "none"),
    "strength": ("strong", "moderate", "weak", "contested"),
    "visible_by_16s": ("yes", "genus only", "no"),
    "text_checked": ("yes", "partly", "no"),
    "tested": ("yes", "no"),
}
GUILDS = frozenset({
    "butyrate producer", "propionate producer", "acetate producer", "lactate producer", "fibre degrader", "mucin user", "methanogen",
    "bile-acid transformer", "tryptophan transformer", "polyphenol transformer", "sulfate reducer and H2S producer", "background",
    "LPS-rich Proteobacteria", "oral origin", "Th17-related", "Treg-related", "other T cells", "other immune cells", "antibody-related",
    "probiotic genus", "prebiotic responder", "fermented food", "opportunist", "enteric pathogen", "diversity marker",
})  # fmt: skip
DATABASES = ("silva", "greengenes", "greengenes2", "gtdb", "rdp", "ncbi")
RELATIONS = ("exact", "approximate", "former", "lumped", "polyphyletic")
_REFERENCE_FIELDS = ("author", "title", "journal", "year", "doi", "pmid", "note")

_ALWAYS_CONTESTED = ("Akkermansia", "Segatella", "Prevotella (undivided)", "Mediterraneibacter (gnavus)", "Collinsella", "Bilophila")
_TOO_STRONG = re.compile(
    r"\b(?:shown?|shows|prov(?:es|en|ed)|demonstrat\w*|cures?|cured|heal(?:s|ed)|should|must|ought|recommend\w*|advis(?:e|ed|able)|prescribe\w*"
    r"|(?:take|use) (?:it|this|them))\b",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(r"\b[A-Z]\. [a-z]{3,}")
_BINOMIAL = re.compile(r"\b([A-Z][a-z]{3,}) ([a-z]{2,}(?:i|ae|a|us|um|is|ans|ens|ile|ale))\b")
_NO_EPITHET = frozenset({
    "bacteria", "data", "flora", "microbiota", "taxa", "mucosa", "genus", "this", "thus", "plus", "versus", "status", "spectrum", "colitis", "while",
    "phyla", "metagenome", "analysis",
})  # fmt: skip
# Works that were looked for and found not to hold; their keys are never cited, whoever gives them.
DROPPED = ("lima2022", "takeshita2016")
_NUMBER = re.compile(r"^[1-9][0-9]{0,5}$")
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")


# ---------------------------------------------------------------- reading
def read_immune_taxa(path: Path | str | None = None) -> tuple[Row, ...]:
    """Read the rows on immune-relevant taxa: the package's, or those of a user's file in the same format.

    Raises
    ------
    KnowledgeError
        Where columns or cells are missing or too many.
    """
    return tuple(_rows("immune_taxa.tsv", path, COLUMNS))


def added(rows: Sequence[Row], more: Sequence[Row], *, key: str) -> tuple[Row, ...]:
    """Put further rows after those that are there; one whose `key` is known takes the place of the known one."""
    new = {r[key]: r for r in more}
    if len(new) < len(more):
        twice = sorted({r[key] for r in more if [m[key] for m in more].count(r[key]) > 1})
        _refuse(f"{', '.join(twice[:5])}: stands more than once among the {len(more)} added rows. Give each a {key} of its own.")
    old = {r[key] for r in rows}
    return (*(new.get(r[key], r) for r in rows), *(r for r in more if r[key] not in old))


def cited(references: Sequence[Row], taxa: Sequence[Row]) -> tuple[Row, ...]:
    """Keep the works that rows cite."""
    keys = {k for row in taxa for k in (*row["reference_keys"].split(";"), *_keys(row["substrate_keys"]))}
    return tuple(r for r in references if r["key"] in keys)


def same_works(known: Sequence[Row], more: Sequence[Row]) -> None:
    """Refuse an added work under the key of another: rows that are there would cite it.

    Raises
    ------
    KnowledgeError
        Naming the keys.
    """
    old = {r["key"]: r for r in known}
    other = [r["key"] for r in more if r["key"] in old and dict(r) != dict(old[r["key"]])]
    if other:
        _refuse(f"{', '.join(other[:5])}: stands already for another work, or with other details. Give your reference a key of its own.")


def read_parts(path: Path | str | None = None) -> tuple[Row, ...]:
    """Read which genera and families make the parts by which studies are held against each other: `part`, `rank` (genus or family), `name`."""
    return tuple(_rows("stool_parts.tsv", path, PART_COLUMNS))


def read_false_alarms(path: Path | str | None = None) -> tuple[Mapping[str, str | int | float | None], ...]:
    """Read which share of healthy people each tier called unusual in studies left out of the reference (see `docs/validation/`).

    Returns
    -------
    rows
        `tier`, `controls` (own controls of the study), `ill_share` (of them), `level` (p at most), `studies`, then shares in [0, 1]: `mean` over
        studies and its 95 % interval, and the `worst` study's with its name; None where an interval was not computed.

    Raises
    ------
    KnowledgeError
        Where columns or cells are missing, or a share is none.
    """
    out = []
    for number, row in enumerate(_rows("false_alarms.tsv", path, ALARM_COLUMNS), start=2):
        found: dict[str, str | int | float | None] = {c: row[c] for c in ("tier", "worst_study")}
        try:
            found |= {c: int(row[c]) for c in ("controls", "studies")}
            found |= {c: float(row[c]) if row[c] else None for c in ALARM_COLUMNS if c not in found}
        except ValueError as error:
            _refuse(f"false_alarms.tsv, line {number}: {error}.")
        wrong = [c for c, v in found.items() if isinstance(v, float) and not 0 <= v <= 1]
        if wrong or any(found[c] is None for c in ("ill_share", "level", "mean", "worst")):
            _refuse(f"false_alarms.tsv, line {number}: {', '.join(wrong) or 'a figure'} is no share from 0 to 1.")
        out.append({c: found[c] for c in ALARM_COLUMNS})
    return tuple(out)


def read_references(path: Path | str | None = None) -> tuple[Row, ...]:
    """Read the works that the rows cite: `key, author, year, title, journal, doi, pmid, status`, empty where there is none.

    Only the plain form of the package's own `references.bib` is understood: one `@article` an entry, one `name = {value},` a line.
    """
    name, text = _text("references.bib", path)
    out: list[Row] = []
    entry: dict[str, str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("%"):
            continue
        if entry is None:
            opened = re.fullmatch(r"@article\{([A-Za-z0-9_-]+),", line)
            if opened is None:
                _refuse(f"{name}, line {number}: expected `@article{{key,`, found {line[:80]!r}.")
            else:
                entry = {"key": opened[1]}
        elif line == "}":
            missing = [f for f in ("author", "title", "journal", "year", "note") if f not in entry]
            if missing:
                _refuse(f"{name}, line {number}: reference {entry['key']!r} lacks {', '.join(missing)}.")
            author = re.sub(r" and others$", " et al.", entry["author"])
            out.append(
                {
                    **{f: entry.get(f, "") for f in ("key", "year", "title", "journal", "doi", "pmid")},
                    "author": author,
                    "status": entry["note"],
                }
            )
            entry = None
        else:
            pair = re.fullmatch(r"([a-z]+) = \{([^{}]*)\},?", line)
            if pair is None or pair[1] not in _REFERENCE_FIELDS or pair[1] in entry:
                _refuse(f"{name}, line {number}: expected one new `name = {{value}},`, found {line[:80]!r}.")
            else:
                entry[pair[1]] = pair[2]
    if entry is not None:
        _refuse(f"{name}: reference {entry['key']!r} is not closed.")
    return tuple(out)


def read_synonyms(path: Path | str | None = None) -> Synonyms:
    """Read what each spelling of a genus means, by database.

    Returns
    -------
    mapping
        From the normal form of a spelling (`_` as a blank, case folded) to its meanings `(database, canonical genus, family, relation)`.
    """
    out: dict[str, list[tuple[str, str, str, str]]] = {}
    for row in _rows("genus_synonyms.tsv", path, SYNONYM_COLUMNS):
        key = " ".join(row["spelling"].replace("_", " ").split()).casefold()
        meaning = (row["database"], row["canonical_genus"], row["family"], row["relation"])
        if meaning not in out.setdefault(key, []):
            out[key].append(meaning)
    return {key: tuple(meanings) for key, meanings in out.items()}


def databases_of(synonyms: Synonyms) -> dict[str, frozenset[str]]:
    """Return which databases have a known spelling of each canonical genus."""
    found: dict[str, set[str]] = {}
    for meanings in synonyms.values():
        for database, genus, _, _ in meanings:
            found.setdefault(genus, set()).add(database)
    return {genus: frozenset(databases) for genus, databases in found.items()}


def check_knowledge(taxa: Sequence[Row], references: Sequence[Row], synonyms: Synonyms) -> None:
    """Refuse a knowledge base that breaks its own rules, naming every fault (see `docs/knowledge.md`).

    Raises
    ------
    KnowledgeError
        With one line a fault: a word outside its vocabulary, an unknown or uncited reference key, a level without references, a
        contested row without the reason, a text that claims more than was checked, a species in the text of a genus, a pathogen that a
        genus call would report, a bin taken for a species, a DOI that is not confirmed, a reference marked `drop`, ...
    """
    epithets = _epithets(taxa, synonyms)
    faults = [*_reference_faults(taxa, references), *_synonym_faults(synonyms)]
    faults += [f"row {row['row']} ({row['taxon']}): {f}" for row in taxa for f in _row_faults(row, references, synonyms, epithets)]
    faults += [] if taxa else ["there is no row"]
    numbers = [row["row"] for row in taxa]
    faults += [f"row {n}: the number stands {numbers.count(n)} times" for n in sorted(set(numbers)) if numbers.count(n) > 1]
    if faults:
        _refuse(f"{len(faults)} faults in the knowledge base:\n" + "\n".join(faults))


# ---------------------------------------------------------------- rules
def _row_faults(row: Row, references: Sequence[Row], synonyms: Synonyms, epithets: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with one row."""
    if not _NUMBER.match(row["row"]):
        yield f"the row number {row['row']!r} is no whole number from 1 to 999999"
    for column in ("taxon", "guild", "mechanism", "immune_targets", "evidence", "visibility_reason", "probiotic_use", "reference_keys"):
        if not row[column]:
            yield f"{column} is empty"
    for column, words in WORDS.items():
        if row[column] not in words:
            yield f"{column} is {row[column]!r}, not one of {', '.join(words)}"
    for guild in sorted(set(row["guild"].split(";")) - GUILDS):
        yield f"guild {guild!r} is not in the vocabulary"
    yield from _evidence_faults(row, {r["key"] for r in references})
    contested = "contested" in (row["strength"], row["direction"])
    if contested != bool(row["contested_reason"]):
        yield "it is contested, but says not why" if contested else "it gives a reason for being contested, but is not marked so"
    text = f"{row['mechanism']} {row['strength_note']} {row['contested_reason']} {row['probiotic_use']} {row['prebiotic_substrates']}"
    if strong := _TOO_STRONG.search(text):
        yield f"its text says {strong[0]!r}, which is advice, or more than an association or a report"
    if row["text_checked"] != "yes" and "reported" not in row["mechanism"].casefold():
        yield "its text was not checked against an abstract, so that it must say 'reported'"
    yield from _visibility_faults(row, synonyms, epithets)


def _evidence_faults(row: Row, known: set[str]) -> Iterator[str]:
    """Yield what is wrong with levels and their references."""
    listed = row["reference_keys"].split(";")
    for key in sorted({*listed, *_keys(row["substrate_keys"])} - known):
        yield f"reference key {key!r} is not in references.bib"
    levels = []
    for part in row["evidence"].split(";"):
        level, _, keys = part.partition(":")
        levels.append(level)
        if level not in LEVELS:
            yield f"evidence level {level!r} is not one of {', '.join(LEVELS)}"
        if not keys:
            yield f"evidence level {level!r} has no reference"
        for key in keys.split(",") if keys else ():
            if key not in listed:
                yield f"evidence cites {key!r}, which its reference_keys do not list"
    if len(set(levels)) < len(levels):
        yield "an evidence level stands twice"


def _visibility_faults(row: Row, synonyms: Synonyms, epithets: frozenset[str]) -> Iterator[str]:
    """Yield claims on what 16S cannot see."""
    genera, rank = _names(row["genera"]), row["rank"]
    if rank in ("genus", "genera", "family"):
        if row["species"]:
            yield f"a row of rank {rank} must not match species"
        text = f"{row['mechanism']} {row['strength_note']} {row['immune_targets']}"
        known = {m[1].split()[0] for meanings in synonyms.values() for m in meanings} | {g.split()[0] for g in genera}
        named = [f"{g} {e}" for g, e in _BINOMIAL.findall(text) if g in known and e not in _NO_EPITHET]
        found = _ABBREVIATED.findall(text) or sorted(set(re.findall(r"[a-z]+", text)) & epithets) or named
        if found:
            yield f"its text speaks of {found[0]!r}: a species-level claim on a row of rank {rank}; name the species under `studied`"
    bins = {m[1] for meanings in synonyms.values() for m in meanings if m[3] in ("polyphyletic", "lumped")}
    only_bins = bins - {m[1] for meanings in synonyms.values() for m in meanings if m[3] == "exact"}
    if rank in ("species", "strain") and (wrong := sorted(genera & only_bins)):
        yield f"it would match {wrong[0]!r}, a bin of several genera, by a statement on a species"
    if hidden := sorted((genera | {n.split()[0] for n in _names(row["species"])}) & PATHOGENS if "enteric pathogen" not in row["guild"].split(";") else ()):
        yield f"{hidden[0]} holds enteric pathogens and must stand in the guild 'enteric pathogen', which a genus call never reports"
    if "enteric pathogen" in row["guild"].split(";") and row["visible_by_16s"] != "no":
        yield "a pathogen must not be reported from a genus call: visible_by_16s must be no"
    if rank == "strain" and row["visible_by_16s"] != "no":
        yield "16S cannot see a strain: visible_by_16s must be no"
    matched = genera or _names(row["families"])
    if row["tested"] == "yes" and (row["visible_by_16s"] != "yes" or not matched):
        yield "it is to be tested, but 16S sees no genus or family of it"
    if row["visible_by_16s"] == "yes" and not (matched or _names(row["species"]) or _names(row["orders"])):
        yield "it is visible by 16S, but names nothing to match"
    if genera & set(_ALWAYS_CONTESTED) and row["strength"] != "contested":
        yield "this taxon is contested in the literature and must be marked so"
    if {"Bifidobacterium", "Lactobacillaceae"} & (genera | _names(row["families"])) and row["direction"] != "contested":
        yield "a low share of bifidobacteria or lactobacilli is no sign of dysbiosis: the direction must be contested"


def _reference_faults(taxa: Sequence[Row], references: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong with the works cited."""
    cited = {k for row in taxa for k in (*row["reference_keys"].split(";"), *_keys(row["substrate_keys"]))}
    keys = [r["key"] for r in references]
    for r in references:
        key = r["key"]
        if keys.count(key) > 1:
            yield f"reference {key!r} stands {keys.count(key)} times"
        if key not in cited:
            yield f"reference {key!r} is cited by no row"
        if key in DROPPED:
            yield f"reference {key!r} was found not to hold and is never cited; another work needs another key"
        if r["status"] not in ("confirmed", "no-doi"):
            yield f"reference {key!r} has the status {r['status']!r}; only `confirmed` and `no-doi` may be cited"
        if r["status"] != "confirmed" and (r["doi"] or r["pmid"]):
            yield f"reference {key!r} gives a DOI or PMID that is not confirmed"
        if r["status"] == "confirmed" and not _DOI.match(r["doi"]):
            yield f"reference {key!r} is confirmed, but its DOI {r['doi']!r} is none"
        if r["pmid"] and not r["pmid"].isdecimal():
            yield f"reference {key!r} has the PMID {r['pmid']!r}, which is no number"


def _synonym_faults(synonyms: Synonyms) -> Iterator[str]:
    """Yield what is wrong with the spellings of genera."""
    for spelling, meanings in synonyms.items():
        for database in sorted({m[0] for m in meanings}):
            if len({m[1] for m in meanings if m[0] == database}) > 1:
                yield f"spelling {spelling!r} means several genera in {database}"
        for database, genus, _, relation in meanings:
            if database not in DATABASES or relation not in RELATIONS or not genus:
                yield f"spelling {spelling!r}: ({database!r}, {genus!r}, {relation!r}) is outside the vocabulary"
            if relation == "polyphyletic" and not genus.endswith(" bin)"):
                yield f"spelling {spelling!r} spans several genera and must not mean {genus!r} alone"
            bare = re.match(r"\[(\w+)\]", spelling)
            if bare and genus.casefold() == bare[1]:
                yield f"bracketed spelling {spelling!r} is reduced to the bare genus"


def _epithets(taxa: Iterable[Row], synonyms: Synonyms) -> frozenset[str]:
    """Return the species epithets that the knowledge base knows."""
    names = [n for row in taxa for n in _names(row["species"])]
    studied = [m for row in taxa for m in re.findall(r"[A-Z][a-z]+ ([a-z]{4,})", row["studied"])]
    former = [s for s, meanings in synonyms.items() if all(m[3] == "former" for m in meanings) and s.count(" ") == 1]
    words = {n.split()[-1] for n in (*names, *former)} | set(studied)
    return frozenset(words - {"species", "shigella", "family"})


# ---------------------------------------------------------------- cells and files
def _names(cell: str) -> set[str]:
    """Return the names of a cell separated by `|`."""
    return {n for n in cell.split("|") if n}


def _keys(cell: str) -> list[str]:
    """Return the keys of a cell separated by `;`."""
    return [k for k in cell.split(";") if k]


def _rows(file: str, path: Path | str | None, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a table with exactly these columns."""
    name, text = _text(file, path)
    lines = [line for line in text.splitlines() if line.strip()]
    header = lines[0].split("\t") if lines else []
    if header != list(columns):
        _refuse(f"{name}: the columns are {header}, where {list(columns)} are expected.")
    for number, line in enumerate(lines[1:], start=2):
        cells = [c.strip() for c in line.split("\t")]
        if len(cells) != len(columns):
            _refuse(f"{name}, line {number}: {len(cells)} cells where the header has {len(columns)}.")
        yield dict(zip(columns, cells, strict=True))


def _text(file: str, path: Path | str | None) -> tuple[str, str]:
    """Return a file's name and text: the package's own, or the one at `path`."""
    if path is None:
        return file, (files("gutdiv") / "knowledge" / file).read_text(encoding="utf-8")
    try:
        return Path(path).name, Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"knowledge file {str(path)!r} cannot be read as UTF-8 text: {error}."
        raise KnowledgeError(msg) from error


def _refuse(message: str) -> None:
    """Raise KnowledgeError."""
    raise KnowledgeError(message)
