"""What became of the names of taxa: the dialect, the rules that gave canonical names, and every spelling with its outcome."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, reading, story
from gutdiv.report.parts import DataTable, Note, Part, Section, Sentence, Sentences
from gutdiv.report.wording import fixed, integer, listing, missing, name, percent, plural, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

PLACE = "cohort/taxonomy_audit"
MOST = 500  # rows on the page; the file holds all
DATABASES = {"silva": "SILVA", "greengenes": "Greengenes", "greengenes2": "Greengenes2", "gtdb": "GTDB", "rdp": "RDP"}
# In the order in which they are told; words of `cohort.lineages.RULES`.
RULES = {
    "exact": "the spelling means this genus",
    "approximate": "about the same genus in this database",
    "former": "an older name",
    "as spelled": "not in the table of spellings: kept as it is",
    "other family": "in this family the spelling means another genus than usual",
    "lumped": "holds more than this genus in this database",
    "polyphyletic": "a bin that spans several genera",
    "unplaced": "a genus without a place of its own, told apart by its family",
    "unclassified": "no genus is called",
}


def section(results: Results) -> Section | None:
    """Assemble the section on names; None where the results hold no audit."""
    found = reading.table(results, PLACE)
    if found is None:
        return None
    if reading.filled(results, PLACE) is None:
        why = [Note("absent", sentence(f"No name was looked up: {name(reason)}")) for _, reason in reading.absences(found.record)]
        return Section("names", "Names of taxa", tuple(why) or (Note("absent", "No name was looked up."),))
    parts: tuple[Part, ...] = (Sentences(tuple(Sentence(s) for s in _told(found.record))), _rules(found.record), _spellings(results))
    lead = "Every database spells taxa in its own way. What was understood, by which rule, and what was not."
    return Section("names", "Names of taxa", parts, lead)


def dialect(record: Mapping[str, Any]) -> str:
    """Name the database with its release, as far as it was told; empty where it was not."""
    about = record.get("dialect") or {}
    return name(about.get("flavour")) or DATABASES.get(str(about.get("name")), "")


def for_paper(results: Results) -> str:
    """Tell in a sentence of the methods how names were understood; empty where no name was."""
    found = reading.filled(results, PLACE)
    if found is None:
        return ""
    spelled = dialect(found.record)
    share = percent(found.record.get("named_at_genus"))
    return (
        f"Names of taxa{f', spelled as in {spelled},' if spelled else ''} were brought to one spelling; {share} of the reads bear a genus."
    )


def _told(record: Mapping[str, Any]) -> list[str]:
    """Say how much is named, and in which dialect."""
    about = record.get("dialect") or {}
    lines = [f"{percent(record.get('named_at_genus'))} of the reads bear a genus, {percent(record.get('named_at_family'))} a family."]
    wider = "Where databases mean different genera by one name, the wider meaning was taken."
    marked = sorted((about.get("marked") or {}).items(), key=lambda m: (-m[1], m[0]))
    first = "bears a spelling" if len(marked) and marked[0][1] == 1 else "bear a spelling"
    marks = [f"{integer(n)} {'one' if i else first} that only {DATABASES.get(str(k), name(k))} writes" for i, (k, n) in enumerate(marked)]
    of = f"Of {plural(about.get('lineages'), 'different lineage')}, {listing(marks)}"
    sure = "" if missing(about.get("sure")) else f" (certainty {fixed(about['sure'])} of 1)"
    if about.get("name") == "mixed":
        lines.append(f"The lineages mix the spellings of two databases. {of}. {wider}")
    elif about.get("name") not in DATABASES:
        lines.append(f"No spelling tells the database{f' ({dialect(record)})' if dialect(record) else ''}. {wider}")
    elif marks:
        lines.append(f"The lineages are spelled as in {dialect(record)}{sure}. {of}.")
    else:
        lines.append(f"The lineages are written in the style of {dialect(record)}{sure}, but no spelling tells the database.")
    return lines


def _rules(record: Mapping[str, Any]) -> DataTable:
    """Tell the share of reads by rule."""
    shares = record.get("rules") or {}
    known = [r for r in RULES if r in shares]
    rows = [{"rule": r, "meaning": RULES.get(r, ""), "share": shares[r]} for r in (*known, *sorted(set(shares) - set(known)))]
    spec = (
        cells.column("Rule", "rule", cells.text),
        cells.column("What it says", "meaning", cells.text),
        cells.column("Share of reads", "share", cells.share),
    )
    return cells.build("naming-rules", "How genera were found, by share of reads", spec, rows, source=f"{PLACE}.json")


def _spellings(results: Results) -> DataTable:
    """List the spellings with the most reads."""
    found = results.tables[PLACE]
    rows = list(islice(reading.rows(found), MOST))
    more = len(found.frame) - len(rows)
    spec = (
        cells.column("As spelled", "spelling", cells.text, kind="name"),
        cells.column("Family as spelled", "spelled_family", cells.text, kind="name"),
        cells.column("Canonical genus", "canonical_genus", cells.text, kind="taxon"),
        cells.column("Share of reads", "share_of_reads", cells.share),
        cells.column("Rule", "rule", cells.text, choose=True),
        cells.column("Why", "reason", cells.text),
    )
    note = f"{plural(more, 'further spelling')} with fewer reads stand{'s' if more == 1 else ''} in {PLACE}.tsv. " if more else ""
    note += story.NO_PATHOGEN
    caption = "Names as spelled and what became of them, most reads first"
    return cells.build("names", caption, spec, rows, source=f"{PLACE}.tsv", interactive=True, note=note)
