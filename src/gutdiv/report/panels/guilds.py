"""Immune-relevant taxa and guilds: what is depleted or enriched in samples that stand out, and which guilds stand out among tested taxa."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, contrasts, evidence, reading, story
from gutdiv.report.parts import Cell, Column, Note, Part, Section, Sentence, Sentences
from gutdiv.report.wording import capital, fixed, integer, listing, missing, name, percent, plural, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

SAMPLES, ENRICHMENT = "immune/samples", "immune/enrichment"


# ---------------------------------------------------------------- samples that stand out
def in_samples(results: Results) -> Section | None:
    """Count how often each taxon and guild is depleted or enriched among the samples that are low, borderline or outside, and among controls."""
    found = reading.table(results, SAMPLES)
    if found is None:
        return None
    about = found.record
    title = "In samples that stand out"
    gone = [Note("absent", sentence(f"Not looked at: {name(why)}")) for _, why in reading.absences(about)]
    rows = list(about.get("summary") or ())
    if not rows:
        return Section("samples", title, tuple(gone)) if gone else None
    spec = (
        (Column("Taxon or guild"), lambda r: cells.text(r["name"])),
        (Column("Level", choose=True), lambda r: cells.text(r["level"])),
        (Column("State", choose=True), lambda r: cells.text(r["state"])),
        (Column("Samples", "number"), lambda r: _of(r, "samples")),
        (Column("Controls, by the same rule", "number", _by_chance(about)), lambda r: _of(r, "controls")),
    )
    note = "Each sample's own page has numbers and detection limits. Nothing here is advice."
    caption = "Depleted and enriched taxa and guilds, by how many samples"
    plain = cells.build("immune-samples", caption, spec, rows, source=f"{SAMPLES}.tsv", interactive=True, note=note)
    known = evidence.known(results)
    opened = tuple(replace(p, details=known.get(str(r["name"]).casefold(), ())) for p, r in zip(plain.rows, rows, strict=True))
    table = replace(plain, rows=opened, hint="Open a genus for its evidence and references.")
    parts: tuple[Part, ...] = (*gone, Sentences(tuple(Sentence(s) for s in _told(about))), table)
    return Section("samples", title, parts, _lead(about))


def _of(row: Mapping[str, Any], who: str) -> Cell:
    """Write how many of how many, with their share."""
    count, total = row[who], row[f"of_{who}"]
    return Cell(f"{integer(count)} of {integer(total)} ({percent(count / total)})" if total else "0", count / total if total else 0)


def _by_chance(about: Mapping[str, Any]) -> str:
    """Explain how often the rule calls a control."""
    rule = about.get("rule") or {}
    many = "" if missing(rule.get("tried")) else f", and where there are more than {integer(rule['tried'])} on so many evenly spaced ones"
    return (
        "How often the rule calls it in a control that is held against the others: what chance alone gives. A taxon is only called where at most "
        f"{percent(rule.get('tail'))} of the controls lie as far out, so that about as many are called on either side at most, by the rule's own making. "
        f"Tried on one sample of each person{many}."
    )


def _lead(about: Mapping[str, Any]) -> str:
    """Say which samples were looked at, and by which rule."""
    chosen = {k: v for k, v in (about.get("samples") or {}).items() if v}
    rule = about.get("rule") or {}
    listed = listing([f"{integer(n)} {name(word)}" for word, n in chosen.items()])
    return (
        f"Looked at were samples, controls among them, that are outside or borderline, or low in diversity or richness ({listed}). A taxon or guild is called "
        f"depleted or enriched where its log-ratio lies {fixed(rule.get('z'), 0)} robust SDs or more from the controls' median and at most "
        f"{percent(rule.get('tail'))} of the controls as far out. By its own making the rule so calls up to about {percent(rule.get('tail'))} of the controls "
        "either way: the last column tells how many, and only what is clearly more frequent in the samples says anything."
    )


def _told(about: Mapping[str, Any]) -> list[str]:
    """Say how many are called by chance, and what the record notes."""
    chance = about.get("by_chance") or {}
    rates = [f"{fixed(chance[k], 1)} {k}" for k in ("depleted", "enriched") if not missing(chance.get(k))]
    lines = [f"By the same rule a control has {listing(rates)} on average."] if rates else []
    left = about.get("not_measured") or ()
    lines += [f"{plural(len(left), 'sample')} could not be looked at for want of reads."] if left else []
    return lines + [sentence(name(n)) for n in reading.notes(about)[:2]]


# ---------------------------------------------------------------- guilds among tested taxa
def _found(results: Results, row: Mapping[str, Any]) -> tuple[str, str]:
    """Word which test found the taxa, and in which direction: of two groups, in which of them."""
    source, direction = str(row["source"]), str(row["direction"])
    if source == "links":
        return "are linked with diversity", direction
    if source.startswith("marker:"):
        return f"are linked with {name(source.removeprefix('marker:'), limit=60)}", direction
    variable = reading.record(results, contrasts.ABUNDANCE).get("variable")
    contrast = source.removeprefix(f"abundance: {variable}, ")
    one, two = contrasts.sides(results, {"variable": variable, "contrast": contrast})
    if not one:
        return f"differ in {name(source, limit=160)}", direction
    return f"differ between {one} and {two}", f"{direction} in {one}" if direction in {"higher", "lower"} else direction


def enriched(results: Results) -> Section | None:
    """List guilds by how many of their members are among the taxa that a test found."""
    found = reading.table(results, ENRICHMENT)
    if found is None:
        return None
    gone = [Note("absent", f"{capital(name(what))}: {sentence(name(why))}") for what, why in reading.absences(found.record)]
    rows = [r for r in reading.rows(found) if not missing(r["p"])]
    rows.sort(key=lambda r: (float(r["q"]), float(r["p"]), str(r["guild"]), str(r["source"]), str(r["direction"])))
    if not rows:
        return Section("enrichment", "Guilds among the taxa found", tuple(gone)) if gone else None
    among = sorted({_found(results, r)[0] for r in rows})
    apart = [(Column("Among taxa that", "phrase", choose=True), lambda r: cells.text(_found(results, r)[0]))] if len(among) > 1 else []
    spec = (
        (Column("Guild"), lambda r: cells.text(r["guild"])),
        *apart,
        (Column("Direction", choose=True), lambda r: cells.text(_found(results, r)[1])),
        cells.column("Members found", "observed", cells.count),
        cells.column("Expected", "expected", cells.real),
        cells.column("Members tested", "n_guild", cells.count),
        cells.column("p", "p", cells.chance),
        cells.column("q", "q", cells.chance),
        (Column("Which", "words"), lambda r: cells.text(r["members"])),
    )
    note = (
        "Expected: as many of the taxa found, drawn among taxa of like prevalence. Members of a guild that rise and fall together make p too "
        "small: read it as a description. " + story.NO_PATHOGEN
    )
    caption = f"Guilds among the taxa that {'links or group tests found' if apart else among[0]}"
    table = cells.build("enrichment", caption, spec, rows, source=f"{ENRICHMENT}.tsv", note=note, interactive=True)
    return Section("enrichment", "Guilds among the taxa found", (*gone, table))
