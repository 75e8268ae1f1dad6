"""Immune: links of immune-relevant taxa with the diversity of the others, what is known of them, and what was found of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, charts, evidence, reading, story
from gutdiv.report.panels import guilds, heatmap
from gutdiv.report.parts import Column, DataTable, Detail, Figure, Note, Panel, Part, Row, Section, Sentence, Sentences, View
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import (
    NONE,
    capital,
    equals,
    fixed,
    integer,
    listing,
    missing,
    name,
    p_value,
    percent,
    plural,
    quoted,
    sentence,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gutdiv.model.results import Results

LINKS, MATCHES = "immune/links", "immune/matches"
FAMILIES = {"confirmatory": "Immune-relevant taxa", "exploratory": "All other taxa"}
FAMILY = {"confirmatory": "immune\u2011relevant", "exploratory": "other"}
MARKER = "marker:"
SHOWN = 30  # rows of a forest plot that can still be read; the table holds all
OPEN = "Open a row for mechanism, evidence and references."
ROBUSTNESS = ("robust", "absolute", "relative only", "sensitive", "described", "not significant")
QUIET = ("not significant", NONE)
TEST = "test_family"
_OTHERS = "the others' diversity"


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title = "Immune-relevant taxa"
    lead = (
        "Taxa that the literature ties to immune function: how they move with the diversity of the rest, and "
        "what is known of them. No immune function was measured here."
    )
    made = (_links(results), heatmap.section(results), guilds.in_samples(results), guilds.enriched(results), _matches(results))
    sections = [s for s in made if s is not None]
    if not sections:
        return Panel("immune", "Immune", title, lead, absent="No taxon was looked up: the table has no lineages, or this step was not run.")
    return Panel("immune", "Immune", title, lead, tuple(sections))


# ---------------------------------------------------------------- links
def _links(results: Results) -> Section | None:
    """Assemble the links: standing sentences, forest plot, table with evidence."""
    source = reading.record(results, LINKS)
    found = reading.filled(results, LINKS)
    gone = [Note("absent", story.untested(what, why)) for what, why in reading.absences(source)]
    if found is None:
        why = gone or [Note("absent", "No links were computed in these results.")]
        return Section("links", "Links with diversity", tuple(why)) if reading.table(results, LINKS) is not None else None
    rows = list(reading.rows(found))
    families = dict.fromkeys([*FAMILIES, *(str(r["test_family"]) for r in rows)])
    views = tuple(v for f in families if (v := _forest(results, f, [r for r in rows if r["test_family"] == f])) is not None)
    parts: list[Part] = [*gone]
    parts += [Figure("links", views, "Taxa")] if views else []
    parts += [Sentences(_standing(source, rows)), _link_table(results, rows)]
    load = _absolute(source)
    against = (
        f"Of absolute abundance, by the load measured as {quoted(load)}"
        if load
        else "Relative to the typical prevalent taxon of this study; total bacterial load was not measured"
    )
    lead = f"{against}. Every taxon is left out of the diversity it is compared with."
    return Section("links", "Links with diversity", tuple(parts), lead)


def _absolute(source: Mapping[str, Any]) -> str:
    """Name the column of measured load that makes links absolute; empty where there is none."""
    return str((source.get("options") or {}).get("load") or "load") if source.get("scale") == "absolute" else ""


def _standing(source: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[Sentence, ...]:
    """Say what always has to be said of these links: first what the record notes, then how to read and what is not shown."""
    limit = source.get("typical_limit")
    beyond = "any typical taxon" if missing(limit) else f"a typical taxon that itself rises by up to {fixed(limit)}"
    per = "An estimate is the change of a taxon in ln-units per standard deviation of the diversity of all other taxa"
    read = (
        [f"{per}, in absolute numbers: shares of reads times the measured load.", "Sensitive: the link does not hold with diversity of order 2."]
        if _absolute(source)
        else [
            f"{per}, beyond the change of the typical prevalent taxon. Whether a taxon rises or falls in absolute numbers cannot be told from reads alone.",
            "Clear: robust, with q up to 0.05. "
            f"Robust: the link also holds with diversity of order 2, and for {beyond}. Relative only: it may vanish in absolute numbers. Sensitive: it does "
            "not hold with diversity of order 2. The tipping value is the change of the typical taxon that would erase a link.",
        ]
    )
    lines = [
        *(sentence(name(n)) for n in reading.notes(source)),
        *read,
        "A link is an association: it names no cause and no direction. Transit time, stool consistency, medication, diet, age and geography can produce "
        "it. Where a taxon is not separable from its partners, a few taxa that move with it may carry the link.",
    ]
    n = source.get("n") or next((r["n"] for r in rows if not missing(r["n"])), None)
    if not missing(n):
        left_out = [f"{integer(count)} with {name(why)}" for why, count in sorted((source.get("dropped") or {}).items())]
        tail = f" Left out: {listing(left_out)}." if left_out else ""
        lines.append(
            f"n = {integer(n)}.{tail} The absence of a link is no finding: with 60 samples, most links of correlation 0.4 are missed."
        )
    frame = source.get("n_reference_taxa")
    if not missing(frame):
        lines.append(
            f"The typical taxon is the median of {plural(frame, 'taxon', many='taxa')} found in nearly all samples{_typical(source)}."
        )
    return tuple(Sentence(line) for line in lines)


def _typical(source: Mapping[str, Any]) -> str:
    """Give the slope of the typical taxon, its standard error, and how it changes with the choice of taxa."""
    if missing(source.get("g")):
        return ""
    told = [f"{fixed(source['g'])} ln-units per SD (standard error {fixed(source.get('se_g'))})"]
    for share, entry in sorted((source.get("g_at_prevalence") or {}).items()):
        value = entry.get("g") if isinstance(entry, Mapping) else entry
        told += [] if missing(value) else [f"{fixed(value)} among those in at least {name(share)} of samples"]
    return f"; its slope before this correction is {listing(told)}"


def _forest(results: Results, family: str, rows: list[dict[str, Any]]) -> View | None:
    """Show the links of one family of tests, sorted by size; of many, those with the smallest q."""
    usable = [r for r in rows if not missing(r["estimate"])]
    if not usable:
        return None
    first = sorted(usable, key=lambda r: (2.0 if missing(r["q"]) else float(r["q"]), str(r["taxon"])))[:SHOWN]
    first.sort(key=lambda r: (-float(r["estimate"]), str(r["taxon"])))
    lines = [
        {
            "label": name(r["taxon"]),
            "estimate": r["estimate"],
            "low": r["ci_low"],
            "high": r["ci_high"],
            "kind": name(r["robustness"], limit=60) or NONE,
            "hover": charts.escaped(
                f"{signed(r['estimate'])} ({cells.between(r['ci_low'], r['ci_high'], places=2).text}), {equals('q', r['q'])}"
            ),
        }
        for r in first
    ]
    marker = name(family.removeprefix(MARKER), limit=60) if family.startswith(MARKER) else ""
    word = "Absolute" if _absolute(reading.record(results, LINKS)) else "Relative"
    data, layout = charts.forest(lines, title=f"{word} link (ln-units per SD of {marker or _OTHERS}), with 95% CI", marks=_marks(results))
    mine = {str(r["taxon"]) for r in rows}
    clear = sum(
        f.strength == "clear" and f.subject in mine and f.values.get("test_family", family) == family
        for f in reading.findings(reading.record(results, LINKS))
    )
    what = marker or "the diversity of the others"
    taxa = plural(len(rows), "taxon", many="taxa")
    title = f"{clear:,} of {taxa} clearly linked with {what}" if clear else f"No clear link with {what} among {taxa}"
    cut = len(usable) > len(first)
    subtitle = (
        f"The {len(first)} with the smallest q of {plural(len(usable), 'taxon', many='taxa')}; the table below holds all" if cut else ""
    )
    alt = "Forest plot: one line a taxon, right of zero means more abundant where the others are more diverse."
    numbers = _numbers(f"links-{list(dict.fromkeys(str(r[TEST]) for r in reading.rows(results.tables[LINKS]))).index(family)}", first)
    narrow = charts.narrow([x["label"] for x in lines], lines=2)
    label = FAMILIES.get(family) or f"All taxa with {marker}"
    return View(family, label, title, f"{title}. {alt}", data, layout, numbers, subtitle, narrow, int(layout["height"]))


def _marks(results: Results) -> dict[str, tuple[str, str]]:
    """Give each word of robustness a colour and a shape, in the order of the first rows that use it."""
    words = dict.fromkeys(name(r["robustness"], limit=60) or NONE for r in reading.rows(reading.table(results, LINKS)))
    order = sorted(words, key=lambda w: (ROBUSTNESS.index(w) if w in ROBUSTNESS else len(ROBUSTNESS), w))
    return {w: charts.QUIET if w in QUIET else charts.style(i) for i, w in enumerate(order)}


def _numbers(key: str, rows: Iterable[Mapping[str, Any]]) -> DataTable:
    """List the numbers of a forest plot."""
    spec = (
        cells.column("Taxon", "taxon", cells.text, kind="taxon"),
        cells.column("Estimate", "estimate", cells.change),
        (Column("95% CI", "number"), lambda r: cells.between(r["ci_low"], r["ci_high"], places=2)),
        cells.column("q", "q", cells.chance),
        cells.column("Robustness", "robustness", cells.text),
    )
    return cells.build(key, "Links as shown", spec, rows, source="immune/links.tsv")


def _link_table(results: Results, rows: list[dict[str, Any]]) -> DataTable:
    """List all links; a row opens to what is known of the taxon."""
    known = evidence.known(results)
    conservative = (
        [cells.column("q, conservative", "q_conservative", cells.chance)] if any(not missing(r.get("q_conservative")) for r in rows) else []
    )
    spec = (
        cells.column("Taxon", "taxon", cells.text, kind="taxon"),
        (
            Column("Family", "text", "Immune-relevant taxa were named beforehand; all others are tested apart from them.", choose=True),
            lambda r: cells.text(FAMILY.get(r["test_family"], r["test_family"])),
        ),
        cells.column("Estimate", "estimate", cells.change, help=TERMS["link"]),
        (Column("95% CI", "number"), lambda r: cells.between(r["ci_low"], r["ci_high"], places=2)),
        cells.column("q", "q", cells.chance, help=TERMS["q-value"]),
        *conservative,
        cells.column("Robustness", "robustness", cells.text, choose=True),
        cells.column(
            "Partners", "partner", cells.text, help="Whether the link persists when the three taxa that move with it most are left out too."
        ),
        cells.column("Prevalence", "prevalence", cells.share),
    )
    rows.sort(
        key=lambda r: (
            r["test_family"] not in FAMILIES,
            r["test_family"] != "confirmatory",
            2.0 if missing(r["q"]) else float(r["q"]),
            str(r["taxon"]),
        )
    )
    plain = cells.build("link-table", "Links and what is known of each taxon", spec, rows)
    opened = tuple(Row(p.cells, (*_link_details(r), *_told(known, r))) for p, r in zip(plain.rows, rows, strict=True))
    note = f"What is told of prebiotics and probiotics is no advice. {story.NO_PATHOGEN}"
    return replace(plain, rows=opened, source="immune/links.tsv", interactive=True, note=note, hint=OPEN)


def _link_details(row: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Tell the numbers of a link that do not stand in the table."""
    details = [Detail("p", f"{p_value(row['p'])} (n = {integer(row['n'])})")]
    if not missing(row["tipping"]):
        details.append(
            Detail("Tipping value", f"{signed(row['tipping'])}: the change of the typical taxon per SD that would erase this link")
        )
    if not missing(row["q_order_2"]):
        details.append(Detail("With diversity of order 2", equals("q", row["q_order_2"])))
    if not missing(row.get("partners")):
        details.append(Detail("Partners left out", name(row["partners"])))
    if not missing(row["estimate_per_reader"]):
        details.append(
            Detail("Per detected read", f"{signed(row['estimate_per_reader'])}: comparable between taxa of different prevalence")
        )
    return tuple(details)


# ---------------------------------------------------------------- what is known
def _told(known: Mapping[str, tuple[Detail, ...]], link: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Tell what the knowledge base holds of a link's taxon: by the rows that it names, else by the taxon's name."""
    keys = [k.strip() for k in str(link.get("knowledge_rows") or "").split(";") if k.strip()]
    return tuple(d for k in keys or [str(link["taxon"]).casefold()] for d in known.get(k, ()))


# ---------------------------------------------------------------- matches
def _matches(results: Results) -> Section | None:
    """Say which taxa of the knowledge base were found, by which spelling, with which share of the reads."""
    found = reading.filled(results, MATCHES)
    if found is None:
        return None
    spec = (
        cells.column("Taxon", "taxon", cells.text, kind="taxon"),
        cells.column("Rank", "rank", cells.text, choose=True),
        cells.column("Outcome", "outcome", cells.text, choose=True),
        cells.column("Spelled in the table", "spellings", cells.text, kind="name"),
        cells.column("Features", "n_features", cells.count),
        cells.column("Share of reads", "share_of_reads", cells.share),
        cells.column("Prevalence", "prevalence", cells.share),
        cells.column("Reason", "reason", cells.text),
    )
    once = {(str(r["taxon"]), str(r["rank"])): r for r in reversed(list(reading.rows(found)))}
    rows = sorted(once.values(), key=lambda r: (-(0.0 if missing(r["share_of_reads"]) else float(r["share_of_reads"])), str(r["taxon"])))
    seen = sum(r["outcome"] in {"matched", "found"} for r in rows)
    note = f"A genus is named as the table names it. {story.NO_PATHOGEN}"
    plain = cells.build(
        "matches",
        f"{seen:,} of {plural(len(rows), 'taxon', many='taxa')} found in the table",
        spec,
        rows,
        source="immune/matches.tsv",
        interactive=True,
        note=note,
    )
    known = evidence.known(results)
    told = tuple(Row(p.cells, known.get(str(r["taxon"]).casefold(), ())) for p, r in zip(plain.rows, rows, strict=True))
    table = replace(plain, rows=told, hint=OPEN)
    parts: list[Part] = [
        Note("absent", f"{capital(name(what))}: {story.sentence_tail(why)}") for what, why in reading.absences(found.record)
    ]
    share = found.record.get("share_of_reads")
    lead = "" if missing(share) else f"Together they hold {percent(share)} of the reads. "
    return Section(
        "matches",
        "What was found of the knowledge base",
        (*parts, table),
        f"{lead}Taxa are matched by lineage and by the spellings of the common databases.",
    )
