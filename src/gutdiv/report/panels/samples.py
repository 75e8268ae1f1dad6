"""Every sample of the study in one table that leads to its own page, whatever was assessed: verdict, place in the intervals, drivers, metadata."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from gutdiv.model.results import VERDICTS
from gutdiv.report import cells, reading, shown
from gutdiv.report.parts import Cell, Column, DataTable, Detail, Note, Row, Section
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import NONE, listing, missing, name, number, p_value, percent, plural, signed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

VERDICT, FLAG, STABLE, ALPHA = "dysbiosis/verdicts", "dysbiosis/flags", "dysbiosis/stability", "diversity/alpha"
METADATA = 6  # columns of the metadata that stand in the table at once
WORDS = 40  # different cells up to which a column tells samples apart by words
_Q = (
    "p corrected for how many samples were judged, controls and others apart (Benjamini and Hochberg): of all samples with a q as small or smaller, about "
    "this share are false alarms. The verdict itself goes by p."
)
BARS = ("shannon", "sobs")  # metrics whose place stands in the table, where they were measured


def section(results: Results) -> Section | None:
    """Assemble the table of all samples; nothing where there is no cohort."""
    if results.metadata is None or not results.metadata.ids:
        return None
    seen = shown.thinned(results)
    verdicts = [dict(r) for r in reading.rows(reading.table(seen, VERDICT))] if judged(results) else []
    lead = "Each leads to its own page." if verdicts else "None was assessed; each leads to its own page, with what was measured of it."
    notes = [Note("info", told)] if (told := shown.note(results)) else []
    return Section("samples", "Every sample", (*notes, _judged(seen, verdicts) if verdicts else _measured(seen)), lead)


def judged(results: Results) -> bool:
    """Whether any sample has a verdict, or at least a position among published groups."""
    return reading.filled(results, VERDICT) is not None and (not reading.obstacle(results) or placed(results))


def placed(results: Results) -> bool:
    """Whether any sample has a position among published groups."""
    return any(not missing(r.get("position_p")) for r in reading.rows(reading.table(results, VERDICT)))


# ---------------------------------------------------------------- without verdicts
def _measured(results: Results) -> DataTable:
    """List samples by name with their diversity among all; opened, a row shows every metric."""
    values: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in reading.rows(reading.table(results, ALPHA)):
        values[str(row["sample_id"])][reading.at_level(row)] = {"value": row["value"], "lower": None, "upper": None, "metric": reading.at_level(row)}
    listed = {s: list(found.values()) for s, found in values.items()}
    spec = [*_named(results)]
    for metric in BARS:
        ends = _ends(listed, metric)
        if ends != (None, None):
            spec.append((Column(reading.metric(results, metric).label, "span", "Value, and where it stands among all samples."), _placer(listed, metric, ends)))
    spec += _metadata(results)
    rows = []
    for sample in sorted(results.metadata.ids if results.metadata is not None else ()):
        told = [Detail(reading.metric(results, key).axis, number(found["value"])) for key, found in values.get(sample, {}).items()]
        rows.append(Row(tuple(write({"sample_id": sample}) for _, write in spec), tuple(told)))
    columns, note = tuple(column for column, _ in spec), shown.columns_note(results)
    return DataTable("samples", "Samples, by name", columns, tuple(rows), f"{ALPHA}.tsv", interactive=True, note=note)


def _named(results: Results) -> list[tuple[Column, Any]]:
    """Return the columns that name a sample and lead to its page, and its group."""
    grouped = reading.groups(results)
    spec: list[tuple[Column, Any]] = [
        (Column("Sample", "name"), lambda r: cells.text(r["sample_id"])),
        (Column("Page", "sample"), lambda r: Cell("Open", name(r["sample_id"]))),
    ]
    if grouped is not None:
        spec.append((Column(grouped.column, "name", choose=not grouped.numeric), lambda r: cells.text(grouped.of.get(str(r["sample_id"])))))
    return spec


# ---------------------------------------------------------------- with verdicts
def _judged(results: Results, verdicts: list[dict[str, Any]]) -> DataTable:
    """List every sample with its verdict, its place in the intervals, drivers and reason; opened, a row shows all its flags."""
    flags: dict[str, list[dict[str, Any]]] = {}
    for row in reading.rows(reading.table(results, FLAG)):
        flags.setdefault(str(row["sample_id"]), []).append(row)
    ends = {m: _ends(flags, m) for m in BARS}
    drawn = [m for m in BARS if ends[m] != (None, None)]
    guilds = _guilds(results)
    spec = _named(results)
    spec.insert(2, (Column("Verdict", "status", TERMS["verdict"], choose=True), lambda r: cells.status(r["verdict"], VERDICTS)))
    told = "Value, and where it stands in its reference interval."
    spec += [(Column(reading.metric(results, m).label, "span", told), _placer(flags, m, ends[m])) for m in drawn]
    told = "Whether the sample is one of the declared controls."
    spec += [
        (Column("Role", "text", told, choose=True), lambda r: Cell("control" if r["is_control"] else "sample")),
        cells.column("p", "p", cells.chance),
        cells.column("q", "q", cells.chance, help=_Q),
        *_beside(results, verdicts),
    ]
    told = "Taxa farthest from the controls' median, with robust z: they describe, and explain nothing."
    spec.append((Column("Drivers, or why not assessed", "words", told), _why))
    if guilds:
        told = "Guilds of immune-relevant taxa far from the controls; only looked at where a sample is low, borderline or outside."
        spec.append((Column("Guilds", "phrase", told), lambda r: _counted(guilds.get(str(r["sample_id"]), {}))))
    spec += _metadata(results)
    verdicts.sort(key=lambda r: (_order(r["verdict"], VERDICTS), float("inf") if missing(r["p"]) else float(r["p"]), str(r["sample_id"])))
    rows = []
    for verdict in verdicts:
        sample = str(verdict["sample_id"])
        mine = {str(f["metric"]): f for f in flags.get(sample, ())}
        far = tuple(Detail(f"Guilds {state}", listing(names, limit=20)) for state, names in sorted(guilds.get(sample, {}).items()))
        rows.append(Row(tuple(write(verdict) for _, write in spec), (*_details(results, verdict, mine), *far)))
    columns = tuple(column for column, _ in spec)
    source, note = "dysbiosis/verdicts.tsv", shown.columns_note(results)
    return DataTable("samples", "Samples, the most unusual first", columns, tuple(rows), source, interactive=True, note=note)


def _placer(flags: Mapping[str, list[dict[str, Any]]], metric: str, ends: tuple[float | None, float | None]) -> Any:
    """Return how a metric's place in its interval is drawn."""
    return lambda r: _place(next((f for f in flags.get(str(r["sample_id"]), ()) if f["metric"] == metric), None), ends)


def _why(row: Mapping[str, Any]) -> Cell:
    """Write the first drivers, or why there is no verdict."""
    return cells.text(row["reason"] if missing(row["drivers"]) else _drivers(str(row["drivers"]), first=3))


def _counted(states: Mapping[str, list[str]]) -> Cell:
    """Count the guilds by state; sorts by how many are depleted."""
    told = ", ".join(f"{len(names)} {state}" for state, names in sorted(states.items()))
    return Cell(told, len(states.get("depleted", ()))) if told else Cell(NONE)


def _beside(results: Results, verdicts: list[dict[str, Any]]) -> list[tuple[Column, Any]]:
    """Return further columns, each where the results hold it: position or second opinion, and stability."""
    found: list[tuple[Column, Any]] = []
    if all(missing(r["p"]) for r in verdicts) and any(not missing(r.get("position_p")) for r in verdicts):
        found.append(cells.column("Position p", "position_p", cells.chance, help="Place among published healthy groups: no verdict."))
    if any(not missing(r.get("second_verdict")) for r in verdicts):
        told = "By published groups aligned to this study by its controls."
        found.append(
            (Column("Second opinion", "status", told, choose=True), lambda r: cells.status(r.get("second_verdict"), VERDICTS))
        )
    kept = {str(r["sample_id"]): r for r in reading.rows(reading.table(results, STABLE))}
    if kept:
        told = "Share of rarefaction draws, and of resamplings of the controls, in which the verdict stays; only looked at where p is up to 0.20."
        found.append((Column("Stays in", "text", told), lambda r: _stays(kept.get(str(r["sample_id"])))))
    return found


def _stays(row: Mapping[str, Any] | None) -> Cell:
    """Write how often a verdict stays."""
    return Cell(NONE) if row is None else Cell(f"{percent(row['draws_same'])}, {percent(row['bootstraps_same'])}", float(row["bootstraps_same"]))


def _guilds(results: Results) -> dict[str, dict[str, list[str]]]:
    """Name the guilds that are depleted or enriched, by sample and state."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in reading.rows(reading.table(results, "immune/samples")):
        if row["level"] == "guild":
            found.setdefault(str(row["sample_id"]), {}).setdefault(str(row["state"]), []).append(name(row["name"], limit=40))
    return found


def _metadata(results: Results) -> list[tuple[Column, Any]]:
    """Return columns of the metadata to filter by, but the group's: those that the tests name and those that tell samples apart first, the others aside."""
    metadata, grouped = results.metadata, reading.groups(results)
    if metadata is None:
        return []
    place = {s: i for i, s in enumerate(metadata.ids)}
    designed = _designed(results)
    rank = {c: 0 if c in designed else 1 if _tells(metadata.columns[c], numeric=metadata.kinds[c] == "numeric") else 2 for c in shown.columns(results)}
    names = sorted((c for c in rank if grouped is None or c != grouped.column), key=rank.__getitem__)
    return [
        (Column(name(c, limit=40), "name", choose=True, aside=i >= METADATA), _metadatum(metadata.columns[c], place, numeric=metadata.kinds[c] == "numeric"))
        for i, c in enumerate(names)
    ]


def _designed(results: Results) -> set[str]:
    """Return the columns that play a part or that a formula or a covariate names."""
    roles = reading.roles(results)
    formula = str(reading.record(results, "comparison/model").get("formula") or "")
    covariates = (reading.record(results, "immune/links").get("options") or {}).get("covariates") or ()
    named = (c for c in shown.columns(results) if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", formula))
    return {str(roles[r]) for r in ("subject", "time") if r in roles} | {str(c) for c in covariates} | set(named)


def _tells(column: tuple[str | None, ...], *, numeric: bool) -> bool:
    """Whether a column tells samples apart: it holds several values, and is a number or of so few words that they can be chosen from."""
    words = len({c for c in column if c is not None})
    return words > 1 and (numeric or words <= WORDS)


def _metadatum(column: tuple[str | None, ...], place: Mapping[str, int], *, numeric: bool) -> Any:
    """Return how a sample's cell of the metadata is written; a number sorts as one."""

    def write(row: Mapping[str, Any]) -> Cell:
        cell = column[place[str(row["sample_id"])]] if str(row["sample_id"]) in place else None
        return Cell(name(cell), float(cell)) if numeric and cell is not None else cells.text(cell)

    return write


def _drivers(text: str, *, first: int | None = None) -> str:
    """Word the drivers, which the table holds as a JSON list of taxa and robust z; anything else is shown as it stands."""
    try:
        pairs = [(str(taxon), float(z)) for taxon, z in json.loads(text)]
    except (ValueError, TypeError):
        return text
    return ", ".join(f"{name(taxon, limit=40)} {signed(z, 1)}" for taxon, z in pairs[:first])


def _order(word: Any, order: tuple[str, ...]) -> int:
    """Return a word's place in an order, unknown words last."""
    return order.index(word) if word in order else len(order)


def _ends(flags: Mapping[str, list[dict[str, Any]]], metric: str) -> tuple[float | None, float | None]:
    """Return the ends of the axis on which a metric's range bars are drawn: all values and limits fit in."""
    values = [
        float(f[k]) for fs in flags.values() for f in fs if f["metric"] == metric for k in ("value", "lower", "upper") if not missing(f[k])
    ]
    return (min(values), max(values)) if values else (None, None)


def _place(flag: Mapping[str, Any] | None, ends: tuple[float | None, float | None]) -> Cell:
    """Draw one metric's place in its interval."""
    return Cell(NONE) if flag is None else cells.bar(flag["value"], (flag["lower"], flag["upper"]), ends)


def _details(results: Results, verdict: Mapping[str, Any], flags: Mapping[str, Mapping[str, Any]]) -> tuple[Detail, ...]:
    """Tell what stands behind a verdict: the three components and the flag of each metric."""
    parts = [("diversity", "rank_diversity"), ("neighbours", "rank_neighbours"), ("composition", "rank_composition")]
    ranks = [f"{word} {p_value(verdict[key])}" for word, key in parts if not missing(verdict[key])]
    details = [Detail("Share of controls at least as unusual", listing(ranks))] if ranks else []
    for key, flag in flags.items():
        label = reading.metric(results, key).axis
        if missing(flag["value"]) or missing(flag["flag"]) or not missing(flag["reason"]):
            value = "" if missing(flag["value"]) else f"{number(flag['value'])}, "
            details.append(Detail(label, f"{value}{name(flag['flag'])}: {name(flag['reason'])}".rstrip(": ")))
        else:
            ends = [f"{w} {number(flag[k])}" for w, k in (("from", "lower"), ("to", "upper")) if not missing(flag[k])]
            details.append(Detail(label, f"{number(flag['value'])}, {name(flag['flag'])} (reference interval {' '.join(ends)})"))
    if not missing(verdict["drivers"]):
        details.append(Detail("Farthest from the controls' median (robust z)", _drivers(str(verdict["drivers"]))))
    if not missing(verdict["n_reference"]) and int(verdict["n_reference"]):
        details.append(Detail("Judged against", plural(verdict["n_reference"], "control")))
    return tuple(details)
