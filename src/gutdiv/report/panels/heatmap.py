"""Immune-relevant genera and guilds over all samples, as a heatmap for the immune panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, heat, reading, story
from gutdiv.report.parts import Column, Figure, Note, Section, View
from gutdiv.report.wording import capital, integer, missing, name, percent, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

PLACE = "immune/samples"
MANY = {"genus": "genera", "guild": "guilds"}
_CALLED = (
    " Samples that stand out are outside, borderline, or low in diversity or richness, controls among them; the rule itself calls up to about 1 control in 20."
)
_LIKE = "neighbours hold like shares, and taxa stand in the same order from one end to the other"


def section(results: Results) -> Section | None:
    """Assemble the heatmap of genera and of guilds; nothing where the results hold none."""
    found = reading.record(results, PLACE).get("heatmap") or {}
    views = tuple(_view(results, level, found[level]) for level in MANY if found.get(level))
    if not views:
        return None
    lead = "Every sample in one picture. A share says nothing of how many cells there are: where one taxon's rises, others' must fall."
    return Section("heatmap", "Over all samples", (Figure("heatmap", views, "Show"), Note("info", story.NO_PATHOGEN)), lead)


def _view(results: Results, level: str, about: Mapping[str, Any]) -> View:
    """Show one level."""
    taxa, shown = [name(t, limit=60) for t in about["taxa"]], reading.group_labels(results)
    columns = [(_group(shown, g), str(v), name(s, limit=60) if n == 1 else f"mean of {n} samples", x) for g, v, s, n, x in about["columns"]]
    data, layout = heat.chart(columns, taxa)
    title = _title(results, level, about)
    called = any(s["level"] == level for s in reading.record(results, PLACE).get("summary") or ())
    subtitle = _subtitle(level, about, grouped=len({c[0] for c in columns}) > 1, judged=len({c[1] for c in columns}) > 1) + (_CALLED if called else "")
    spec = [(Column(label, "name", choose=label != "Column"), _text(i)) for i, label in enumerate(("Group", "Verdict", "Column"))]
    spec += [(Column(t, "number"), _share(i)) for i, t in enumerate(taxa)]
    caption = f"Shares of {MANY[level]}, column by column"
    source = f"{PLACE}.json, of the shares in diversity/taxa.tsv"
    numbers = cells.build(f"heatmap-{level}", caption, spec, [{"row": c} for c in columns], source=source, interactive=True)
    alt = f"{title}. Heatmap of {plural(len(taxa), level, many=MANY[level])} in {plural(len(columns), 'column')}. {subtitle}"
    return View(level, capital(MANY[level]), title, alt, data, layout, numbers, subtitle, heat.narrow(taxa, layout), int(layout["height"]))


def _group(shown: Mapping[str, str], group: Any) -> str:
    """Name the group of a column; empty where groups are not told apart."""
    if not shown:
        return ""
    return reading.NO_GROUP if missing(group) else shown.get(str(group), name(group, limit=reading.LABEL_LIMIT))


def _title(results: Results, level: str, about: Mapping[str, Any]) -> str:
    """Say what is depleted or enriched most often in samples that stand out; where nothing was called, what is found in most samples and in fewest."""
    first = next((s for s in reading.record(results, PLACE).get("summary") or () if s["level"] == level), None)
    if first is not None:
        of = f"{integer(first['samples'])} of {plural(first['of_samples'], 'sample')}"
        told = f"{capital(name(first['name'], limit=60))}: {name(first['state'])} in {of} that stand out"
        return f"{told}, and in {integer(first['controls'])} of {plural(first['of_controls'], 'control')} tried by the same rule"
    found = sorted(zip(about["found"], about["taxa"], strict=True), key=lambda f: (-f[0], f[1]))
    (high, most), (low, least) = found[0], found[-1]
    return f"Found in most samples: {name(most, limit=60)} ({percent(high)}); in fewest: {name(least, limit=60)} ({percent(low)})"


def _subtitle(level: str, about: Mapping[str, Any], *, grouped: bool, judged: bool) -> str:
    """Say what is drawn, in which order, and what the shares rest on."""
    kept, more = len(about["taxa"]), int(about["left_out"])
    what = f"The {kept} {MANY[level]} found in most samples, of {kept + more}" if more else f"All {plural(kept, level, many=MANY[level])} with reads"
    most = max(int(c[3]) for c in about["columns"])
    each = "each column is a sample" if most == 1 else f"each column is the mean of up to {plural(most, 'neighbouring sample')}"
    by = [word for word, there in (("group", grouped), ("verdict", judged)) if there]
    order = f"by {' and then '.join(by)}; in it " if by else ""
    lost = int(about.get("without_reads") or 0)
    gone = f" {plural(lost, 'sample')} without reads {'is' if lost == 1 else 'are'} left out." if lost else ""
    return f"{what}; {each}, {order}{_LIKE}. Shares are of all reads as sequenced, so that a deeper sample shows rarer taxa.{gone}"


def _text(index: int) -> Any:
    """Return how a word of a row is written."""
    return lambda r: cells.text(r["row"][index])


def _share(index: int) -> Any:
    """Return how the share of a taxon is written."""
    return lambda r: cells.share(r["row"][3][index])
