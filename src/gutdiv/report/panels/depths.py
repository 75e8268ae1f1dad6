"""Depth, the last section of the diversity panel: rarefaction curves, what each depth keeps and loses, and what standardising changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, charts, reading, story
from gutdiv.report.parts import Cell, Column, DataTable, Figure, Note, Part, Section, View
from gutdiv.report.wording import NONE, capital, fixed, integer, listing, missing, name, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results, Table

DEPTHS, CURVES, STANDARDS = "diversity/depths", "diversity/curves", "diversity/standards"
ALL = "all samples"
_LINES = 8  # groups from which on only the curve of all samples is drawn
_CROWDED = 20  # a wider range of depths has room for powers of ten only, on a narrow screen
_NEAR = 4  # depths on either side of the chosen one that are listed
_STANDARDS = {"none": "as sequenced", "depth": "equal depth", "coverage": "equal coverage"}
_LEAD = "More reads show more rare features, and leave out more samples."
_COVERAGE = "Estimated share of the community's individuals that belong to features seen at this depth."
_RHO = (
    "Spearman correlation with the reads that samples came with, among the samples kept: of the whole counts, then at this depth. "
    "After rarefaction it should be near 0."
)
_FOLLOWED = {"near 0": "near 0", "by chance": "no more than chance leaves", "follows": "still follows the reads"}
_LEAST = 100  # reads: fewer show next to nothing of a sample, so that such a candidate is listed and not drawn


def section(results: Results) -> Section | None:
    """Assemble what the choice of depth warns of, the curves, the table of depths from which one was chosen, and the standards."""
    parts: list[Part] = [Note("alert", w) for w in reading.depth_warnings(results)]
    parts += [Note("info", name(n, limit=600)) for n in reading.notes(reading.record(results, DEPTHS))]
    curves = _curves(results)
    parts += [Figure("curves", curves, "Shown")] if curves else []
    weighed = reading.filled(results, DEPTHS)
    parts += _depths(results, weighed) if weighed is not None else []
    parts += _standards(results)
    if not parts:
        return None
    return Section("depth", "Depth", tuple(parts), _lead(weighed) if weighed is not None else "")


def _lead(found: Table) -> str:
    """Say what a depth does, and who chose this one."""
    ruled, taken = [int(r["depth"]) for r in reading.rows(found) if r["chosen"]], found.record.get("depth")
    if not ruled or taken == ruled[0]:
        return f"{_LEAD} The choice was made without looking at any group difference."
    given = "Samples were not rarefied, as was asked for" if missing(taken) else "The depth was given with --depth"
    return f"{_LEAD} {given}; the rule, which looks at no group difference, would take {integer(ruled[0])}."


# ---------------------------------------------------------------- curves
def _curves(results: Results) -> tuple[View, ...]:
    """Show expected richness, and coverage where there is one, along depth: one line a group."""
    found = reading.filled(results, CURVES)
    if found is None:
        return ()
    of_groups = found.frame[found.frame["sample_id"] == ""]
    rows = [dict(zip(of_groups.columns, r, strict=True)) for r in of_groups.itertuples(index=False, name=None)]
    names = _names(results, [str(r["group"]) for r in rows])
    lines = {group: [r for r in rows if r["group"] == group] for group in names}
    drawn = {g: members for g, members in lines.items() if (g != "") == (1 < len(lines) <= _LINES + 1)}
    chosen, band = found.record.get("depth"), found.record.get("band") or (None, None)
    views = []
    for key, word, middle in (("richness", "Expected features", "median"), ("coverage", "Expected coverage", "coverage")):
        shown = {g: [r for r in members if not missing(r[middle])] for g, members in drawn.items()}
        shown = {g: members for g, members in shown.items() if members}
        if not shown:
            continue
        rich = key == "richness"
        data, layout = charts.bands(
            [
                (names[g], [(r["depth"], r[middle], r["low"] if rich else None, r["high"] if rich else None) for r in members])
                for g, members in shown.items()
            ],
            x_title="Depth (reads per sample)",
            y_title=f"{word} per sample",
            chosen=chosen,
            share=not rich,
        )
        spec = (
            (Column("Group", "name"), lambda r: Cell(names[str(r["group"])])),
            (Column("Depth (reads)", "number"), lambda r: cells.count(r["depth"])),
            cells.column("Samples", "samples", cells.count, help="Samples of the group that have so many reads."),
            *(
                (cells.column(f"{capital(column)} features", column, cells.real) for column in ("median", "low", "high"))
                if rich
                else (cells.column("Median coverage", "coverage", cells.share, help=_COVERAGE),)
            ),
        )
        listed = [r for members in shown.values() for r in members]
        numbers = cells.build(f"curves-{key}", f"{word} along depth", spec, listed, source="diversity/curves.tsv", interactive=True)
        edges = (
            "" if not rich or any(missing(b) for b in band) else f", with the band from {percent(band[0])} to {percent(band[1])} of samples"
        )
        subtitle = (
            f"Median of the samples that have so many reads{edges}; a line ends where half of its group does."
            if rich
            else "Median of the samples that have so many reads."
        )
        title = _curve_title(shown, middle, chosen, word)
        alt = f"Rarefaction curves of {listing([names[g] for g in shown])}: {word.lower()} against depth."
        views.append(View(key, word, title, f"{title}. {alt}", data, layout, numbers, subtitle, charts.narrow(), int(layout["height"])))
    return tuple(views)


def _curve_title(shown: Mapping[str, list[dict[str, Any]]], middle: str, chosen: Any, word: str) -> str:
    """State what the chosen depth shows of what there is to see: the range over groups."""
    at = [float(r[middle]) for members in shown.values() for r in members if not missing(chosen) and r["depth"] == chosen]
    if not at:
        return f"{word} along depth"
    low, high = (percent(v) if middle == "coverage" else integer(v) for v in (min(at), max(at)))
    return f"At {integer(chosen)} reads, median {word.lower().removeprefix('expected ')}: {low if low == high else f'{low} to {high}'}"


def _names(results: Results, groups: list[str]) -> dict[str, str]:
    """Return how each group of the curves is called, in the words that the other charts use."""
    grouped, metadata = reading.groups(results), results.metadata
    known = {}
    if grouped is not None and metadata is not None:
        known = {str(c): grouped.of[s] for s, c in zip(metadata.ids, metadata.columns[grouped.column], strict=True) if c is not None}
    return {g: ALL if g == "" else known.get(g, name(g, limit=reading.LABEL_LIMIT)) for g in dict.fromkeys(groups)}


# ---------------------------------------------------------------- depths
def _depths(results: Results, found: Table) -> list[Part]:
    """Show what each depth keeps, and list how those around the chosen one were weighed."""
    rows = [{**r, "taken": r["depth"] == found.record.get("depth")} for r in reading.rows(found)]
    spec = _weighed(found.record)
    drawn = [r for r in rows if r["depth"] >= _LEAST or r["taken"]]
    drawn = drawn if len(drawn) > 1 else rows
    lines = [("samples kept", [(r["depth"], r["share_kept"]) for r in drawn])]
    for key, word in (("smallest_group_share", "kept in the group that loses most"), ("median_coverage", "median coverage")):
        members = [(r["depth"], r[key]) for r in drawn if not missing(r[key])]
        lines += [(word, members)] if members else []
    at = next((i for i, r in enumerate(rows) if r["taken"]), None)
    chosen = None if at is None else rows[at]
    data, layout = charts.curves(
        lines, x_title="Depth (reads per sample)", y_title="Share", chosen=None if chosen is None else chosen["depth"]
    )
    title = (
        "No common depth was chosen"
        if chosen is None
        else f"At {integer(chosen['depth'])} reads, {integer(chosen['samples'])} samples are kept"
    )
    alt = "Share of samples kept and median coverage against depth."
    table = cells.build("depths", "All depths that were weighed", spec, rows, source="diversity/depths.tsv", interactive=True)
    wide = [r["depth"] for r in drawn if r["depth"] > 0]
    narrow = {**charts.narrow(), **({"xaxis": {"dtick": 1}} if wide and max(wide) > _CROWDED * min(wide) else {})}
    view = View("depths", "Depth", title, f"{title}. {alt}", data, layout, table, _undrawn(rows, drawn), narrow, int(layout["height"]))
    near = [r for r in (rows[: 2 * _NEAR + 1] if at is None else rows[max(0, at - _NEAR) : at + _NEAR + 1]) if r in drawn]
    note = _loss_note(found.record, judged=reading.filled(results, "dysbiosis/verdicts") is not None)
    caption = "What each depth keeps" if len(near) == len(rows) else "What the depths around the chosen one keep"
    parts: list[Part] = [
        Figure("depths", (view,)),
        cells.build("depths-near", caption, spec, near, source="diversity/depths.tsv", note=note),
    ]
    return parts + _followed(results, found, chosen)


def _undrawn(rows: list[dict[str, Any]], drawn: list[dict[str, Any]]) -> str:
    """Say which candidates are not drawn, and why; empty where all are."""
    left = [integer(r["depth"]) for r in rows if r not in drawn]
    if not left:
        return ""
    return f"Not drawn: {listing(left)} read{'s' * (left != ['1'])} per sample, which would show next to nothing of a sample; diversity/depths.tsv lists all."


def _followed(results: Results, found: Table, chosen: Mapping[str, Any] | None) -> list[Part]:
    """List how each metric goes with the reads that samples came with, before and at the chosen depth; say why coverage took no part."""
    metrics = [c.removeprefix("rho_") for c in found.frame.columns if c.startswith("rho_") and not c.endswith("_before")]
    read = found.record.get("followed") or {}
    parts: list[Part] = []
    if chosen is not None and metrics:
        spec: cells.Spec = (
            (Column("Metric"), lambda r: Cell(reading.metric(results, str(r["metric"])).label)),
            (Column("As sequenced", "number"), lambda r: _rho(r["before"])),
            (Column(f"At {integer(chosen['depth'])} reads", "number"), lambda r: _rho(r["at"])),
            (Column("Reading"), lambda r: Cell(_FOLLOWED.get(str(read.get(r["metric"])), NONE))),
        )
        rows = [{"metric": m, "before": chosen[f"rho_{m}_before"], "at": chosen[f"rho_{m}"]} for m in metrics]
        note = "Richness and Shannon by their expectation, other metrics by one draw."
        parts.append(cells.build("depths-followed", "Correlation with reads, by metric", spec, rows, source="diversity/depths.tsv", note=f"{_RHO} {note}"))
        still = [reading.metric(results, r["metric"]).label for r in rows if read.get(r["metric"]) == "follows"]
        if still:
            word = story.verb(still[0], "follow") if len(still) == 1 else "follow"
            text = f"At {integer(chosen['depth'])} reads {listing(still)} still {word} the reads that samples came with."
            parts.append(Note("info", f"{text} {_WHY}"))
    why = dict(reading.absences(found.record)).get("median_coverage")
    return [*parts, Note("absent", f"Coverage: {name(why, limit=300)}.")] if why else parts


_WHY = (
    "More than 0.2 in size, and more than chance leaves among so many samples, is not the reads' doing alone: samples that were sequenced more deeply may "
    "differ in kind, as batches or groups do. A difference between groups of unlike depth is then to be read with care."
)


def _rho(value: Any) -> Cell:
    """Write a correlation."""
    return Cell(NONE) if missing(value) else Cell(fixed(value), float(value))


def _weighed(record: Mapping[str, Any]) -> cells.Spec:
    """Declare the columns of the tables of depths."""
    spec = [
        (Column("Depth (reads)", "number"), lambda r: Cell(f"{'chosen: ' * bool(r['taken'])}{integer(r['depth'])}", int(r["depth"]))),
        cells.column("Samples", "samples", cells.count, help="Samples kept: those with at least so many reads."),
        cells.column("Share", "share_kept", cells.share, help="Share of samples kept."),
        cells.column("Least kept", "smallest_group_share", cells.share, help="Share kept in the group that loses most."),
        cells.column("Group", "smallest_group", cells.text, kind="name"),
        cells.column("Coverage", "median_coverage", cells.share, help=f"{_COVERAGE} Median of the samples kept."),
        cells.column(
            "New in 1,000", "median_slope", cells.real, help="New features that 1,000 further reads would show; median of the samples kept."
        ),
        (Column("Richness ~ reads", "number", _RHO), lambda r: _before_and_at(r, "sobs")),
        (Column("Shannon ~ reads", "number", _RHO), lambda r: _before_and_at(r, "shannon")),
    ]
    test = name(record.get("loss_test"), limit=200)
    if test:
        told = f"{test}: do some groups lose a larger share of their samples than others? It plays no part in the choice."
        spec.insert(5, cells.column("Loss p", "loss_p", cells.chance, help=told))
    return spec


def _before_and_at(row: Mapping[str, Any], metric: str) -> Cell:
    """Write a metric's correlation with the reads of whole counts and at the depth; it sorts by the latter."""
    before, at = row.get(f"rho_{metric}_before"), row.get(f"rho_{metric}")
    if missing(before) and missing(at):
        return Cell(NONE)
    return Cell(f"{fixed(before)} → {fixed(at)}", None if missing(at) else float(at))  # type: ignore[arg-type]


def _loss_note(record: Mapping[str, Any], *, judged: bool) -> str:
    """Say what each group loses at the depth that was taken, and at which depths verdicts are given where there are any."""
    said = []
    at, sizes, lost = record.get("depth"), record.get("groups") or {}, record.get("lost") or {}
    if not missing(at) and str(at) in lost:
        each = [f"{name(g, limit=40)} {integer(n)} of {integer(sizes.get(g))}" for g, n in lost[str(at)].items()]
        said.append(f"Lost at {integer(at)} reads: {listing(each)}.")
    depths = record.get("verdict_depths") or {}
    if depths and judged:
        said.append(
            f"Verdicts are given at {integer(depths.get('in-study'))} reads against controls of this study, "
            f"and at {integer(depths.get('aligned'))} against those of other studies."
        )
    return " ".join(said)


# ---------------------------------------------------------------- standards
def _standards(results: Results) -> list[Part]:
    """List what Hill numbers are by three standards of effort, and how much each still follows the reads."""
    found = reading.filled(results, STANDARDS)
    summary = [] if found is None else list(found.record.get("summary") or ())
    if found is None or not summary:
        return []
    spec = (
        (Column("Diversity"), lambda r: Cell(_order(str(r["metric"])))),
        (Column("Standard"), lambda r: Cell(_STANDARDS.get(str(r["standard"]), name(r["standard"])))),
        cells.column("Samples", "samples", cells.count),
        cells.column("Median", "median", cells.real),
        (Column("Quartiles", "number"), lambda r: cells.between(r["q1"], r["q3"])),
        (
            Column("Correlation with reads", "number", "Spearman correlation with the reads that samples came with; near 0 is wanted."),
            lambda r: Cell(fixed(r["rho_reads"]), None if missing(r["rho_reads"]) else float(r["rho_reads"])),
        ),
    )
    ordered = sorted(summary, key=lambda r: (str(r["metric"]), list(_STANDARDS).index(str(r["standard"]))))
    depth, coverage = found.record.get("depth"), found.record.get("coverage")
    note = f"Of the samples with at least {integer(depth)} reads. Equal depth: {integer(depth)} reads."
    note += "" if missing(coverage) else f" Equal coverage: {percent(coverage, digits=3)}, that of the least covered of them."
    table: DataTable = cells.build(
        "standards",
        "Diversity as sequenced, at equal depth and at equal coverage",
        spec,
        ordered,
        source="diversity/standards.tsv",
        note=note,
    )
    gone = [Note("absent", f"Diversity at equal coverage: {name(why, limit=300)}.") for _, why in reading.absences(found.record)]
    return [table, *gone]


def _order(metric: str) -> str:
    """Name a Hill number."""
    return {"hill_0": "Richness (Hill number 0)", "hill_1": "Hill number 1", "hill_2": "Hill number 2"}.get(metric, metric)
