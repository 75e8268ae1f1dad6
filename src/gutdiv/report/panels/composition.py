"""Composition: which taxa the reads belong to, sample by sample and on average, at every rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, reading, stacks, story
from gutdiv.report.parts import Column, DataTable, Figure, Note, Panel, Part, Section, View
from gutdiv.report.wording import capital, listing, name, percent, plural, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Results

PLACE = "diversity/composition"
EVERYONE, CONTROLS, REST = "all samples", "controls", "all others"
SHOWN_FIRST = "genus"
MANY = {"phylum": "phyla", "class": "classes", "order": "orders", "family": "families", "genus": "genera"}


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title, lead = "Composition", "Which taxa the reads of each sample belong to. Shares add up to one: where one taxon's rises, others' must fall."
    found = reading.table(results, PLACE)
    if found is None:
        return Panel("composition", title, title, lead, absent="The composition of samples was not measured in these results.")
    about = found.record
    if not about.get("taxa"):
        why = listing([name(reason) for _, reason in reading.absences(about)]) or "no sample has reads"
        return Panel("composition", title, title, lead, absent=sentence(f"No composition: {why}"))
    ranks = sorted(about["taxa"], key=lambda r: (r != SHOWN_FIRST, -list(MANY).index(r)))
    parts: list[Part] = [
        Figure("composition", tuple(_samples(results, about, r) for r in ranks), "Rank"),
        Figure("composition-means", tuple(_means(results, about, r) for r in ranks), "Rank"),
        Note("info", f"{story.NO_PATHOGEN} Genera and families bear their canonical names, other ranks those of the table."),
        *absences.notes(results, about),
    ]
    return Panel("composition", title, title, lead, (Section("shares", "Shares of reads", tuple(parts)),))


def _finding(about: Mapping[str, Any], rank: str) -> str:
    """Say which taxa lead, and how much they make up together."""
    taxa, mean = about["taxa"][rank], about["means"][rank].get(EVERYONE) or []
    leading = [(t, m) for t, m in zip(taxa, mean, strict=False) if t != REST][:3]
    names = listing([name(t, limit=40) for t, _ in leading])
    return f"{names} hold{'s' if len(leading) == 1 else ''} {percent(sum(m for _, m in leading))} of the reads of a sample on average"


def _subtitle(about: Mapping[str, Any], rank: str) -> str:
    """Say how many taxa are told apart."""
    merged, told = int(about["merged"][rank]), [t for t in about["taxa"][rank] if t != REST]
    more = f"; {plural(merged, 'other', many='others')} put together" if merged else ""
    return f"The {len(told)} most abundant {MANY[rank]} over all samples{more}"


def _samples(results: Results, about: Mapping[str, Any], rank: str) -> View:
    """Show one bar a sample, or a mean of neighbours where there are too many."""
    bars, taxa = about["bars"][rank], [name(t) for t in about["taxa"][rank]]
    shown = reading.group_labels(results)
    rows = [(shown.get(str(g), name(g, limit=40)) if g is not None else reading.NO_GROUP if shown else "", _bar(s, n), v) for g, s, n, v in bars]
    data, layout = stacks.samples(rows, taxa, rest=REST)
    most = max(int(n) for _, _, n, _ in bars)
    each = "Each bar is one sample" if most == 1 else f"Each bar is the mean of up to {plural(most, 'neighbouring sample')} of a group"
    first = name(about["taxa"][rank][0], limit=40)
    subtitle = f"{_subtitle(about, rank)}. {each}, by group and then by the share of {first}."
    title = _finding(about, rank)
    numbers = _numbers(f"composition-{rank}", f"Shares of {MANY[rank]}, bar by bar", rows, taxa, ("Group", "Bar"))
    alt = f"{title}. Stacked bars of {plural(len(rows), 'bar')}. {subtitle}"
    height = int(layout["height"])
    return View(rank, capital(MANY[rank]), title, alt, data, layout, numbers, subtitle, stacks.narrow(taxa, height), height)


def _bar(sample: Any, count: int) -> str:
    """Name a bar."""
    return name(sample, limit=60) if count == 1 else f"mean of {count} samples"


def _means(results: Results, about: Mapping[str, Any], rank: str) -> View:
    """Show the means of all samples, of each group and of the controls."""
    taxa, found, shown = [name(t) for t in about["taxa"][rank]], about["means"][rank], reading.group_labels(results)
    own = [g for g in found if g not in (EVERYONE, CONTROLS) or g in shown]
    order = sorted(own) + [s for s in (CONTROLS, EVERYONE) if s in found and s not in own]
    called = {CONTROLS: reading.controls_word(results)} | {g: shown.get(g, name(g, limit=40)) for g in own}
    rows = [(called.get(g, g), called.get(g, g), found[g]) for g in order]
    data, layout = stacks.means(rows, taxa, rest=REST)
    held = reading.held(results)
    title = ("" if held else _difference([(called[g], found[g]) for g in own], taxa)) or _finding(about, rank)
    numbers = _numbers(f"composition-means-{rank}", f"Mean shares of {MANY[rank]}", rows, taxa, ("Samples", ""))
    subtitle = f"{_subtitle(about, rank)}. Means over samples, each of which counts once: a description, no test."
    subtitle += f" Differences may be those of {listing(held, limit=3)}, which the tests hold constant." if held and len(own) > 1 else ""
    height = int(layout["height"])
    return View(rank, capital(MANY[rank]), title, f"{title}. {subtitle}", data, layout, numbers, subtitle, stacks.narrow(taxa, height), height)


def _difference(groups: Sequence[tuple[str, Sequence[float]]], taxa: Sequence[str]) -> str:
    """Say whose mean share differs most between groups; nothing where there are not two."""
    gaps = [(max(v) - min(v), -i) for i, v in enumerate(zip(*(m for _, m in groups), strict=True)) if taxa[i] != REST] if len(groups) > 1 else []
    if not gaps:
        return ""
    at = -max(gaps)[1]
    low, high = min(groups, key=lambda g: g[1][at]), max(groups, key=lambda g: g[1][at])
    return f"{name(taxa[at], limit=40)} differs most: {percent(high[1][at])} of the reads in {high[0]}, {percent(low[1][at])} in {low[0]}"


def _numbers(key: str, caption: str, rows: Sequence[stacks.Bar], taxa: Sequence[str], heads: tuple[str, str]) -> DataTable:
    """List the shares, one row a bar."""
    spec = [(Column(h, "name", choose=h == "Group"), _text(i)) for i, h in enumerate(heads) if h]
    spec += [(Column(t, "number"), _share(i)) for i, t in enumerate(taxa)]
    return cells.build(key, caption, spec, [{"row": r} for r in rows], source=f"{PLACE}.tsv", interactive=True)


def _text(index: int) -> Any:
    """Return how a word of a row is written."""
    return lambda r: cells.text(r["row"][index])


def _share(index: int) -> Any:
    """Return how the share of a taxon is written."""
    return lambda r: cells.share(r["row"][2][index])
