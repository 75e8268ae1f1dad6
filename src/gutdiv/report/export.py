"""What a page shows, for other programs: the numbers of every figure as rows, and a table for MultiQC."""

from __future__ import annotations

import re
from statistics import median
from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.parts import Figure
from gutdiv.report.wording import NONE, integer, missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gutdiv.model.results import Results
    from gutdiv.report.parts import Cell, Page

Rows = list[list[Any]]
Heads = dict[str, dict[str, Any]]  # of columns, by their key
Samples = dict[str, dict[str, Any]]  # cells by column, by sample
MULTIQC_ROWS = 5_000  # samples up to which each has a row: MultiQC draws every one into its page
EVERYONE = "all samples"
VERDICTS = ("within", "borderline", "outside", "not assessable")
_PLAIN = re.compile(r"[^A-Za-z0-9_]+")


def figure_data(page: Page) -> dict[str, tuple[list[str], Rows]]:
    """Return the numbers behind every view of every figure: file name to header and rows.

    Numbers stand as they are and not as they are written for people; an undefined one is empty.
    """
    out: dict[str, tuple[list[str], Rows]] = {}
    for figure in _figures(page):
        for view in figure.views:
            stem = figure.key if len(figure.views) == 1 else f"{figure.key}-{view.key}"
            stem = _PLAIN.sub("_", stem)[:80].strip("_") or "figure"
            name, number = f"{stem}.tsv", 1
            while name in out:
                number += 1
                name = f"{stem}_{number}.tsv"
            out[name] = ([c.label for c in view.numbers.columns], [[_value(c) for c in row.cells] for row in view.numbers.rows])
    return out


def _figures(page: Page) -> Iterator[Figure]:
    """Iterate over the figures of a page in reading order."""
    for panel in page.panels:
        for section in panel.sections:
            yield from (p for p in section.parts if isinstance(p, Figure))


def _value(cell: Cell) -> Any:
    """Return a cell's number, or its words; a range keeps both its ends."""
    if cell.status or cell.value is None or isinstance(cell.value, str) or " to " in cell.text:
        return "" if cell.text == NONE else cell.text
    return cell.value


def multiqc(results: Results) -> Mapping[str, Any]:
    """Return MultiQC custom content: one row a sample with reads, diversity, verdict and p (see its documentation, `custom content`, plot type `table`).

    Of more than `MULTIQC_ROWS` samples, which MultiQC's page could not hold, one row a group and one for all: counts of samples and verdicts, and medians.
    """
    samples: dict[str, dict[str, Any]] = {s: {} for s in (results.metadata.ids if results.metadata is not None else ())}
    heads: dict[str, dict[str, Any]] = {}
    for row in reading.rows(reading.table(results, "diversity/alpha")):
        if str(row.get("level") or "feature") == "feature" and not missing(row["value"]):
            key = str(row["metric"])
            metric = reading.metric(results, key)
            heads.setdefault(key, {"title": metric.label, "description": metric.axis, "format": "{:,.3g}", "hidden": key not in ("shannon", "sobs")})
            samples.setdefault(str(row["sample_id"]), {})[key] = float(row["value"])
    for row in reading.rows(reading.table(results, "dysbiosis/verdicts")):
        heads.setdefault("verdict", {"title": "Verdict", "description": "Place among the controls; no diagnosis"})
        heads.setdefault("p", {"title": "p", "description": "p of the verdict", "format": "{:.3g}", "min": 0, "max": 1})
        own = samples.setdefault(str(row["sample_id"]), {})
        own["verdict"] = str(row["verdict"])
        own |= {} if missing(row["p"]) else {"p": float(row["p"])}
    told = "Diversity and place among the declared controls. For research use only."
    data = {s: v for s, v in samples.items() if v}
    if len(data) > MULTIQC_ROWS:
        told += f" Of {integer(len(data))} samples, medians and counts by group; report.html and the tables beside it hold the samples."
        heads, data = _by_group(results, data, heads)
    return {
        "id": f"gutdiv_{_PLAIN.sub('_', results.name)[:60]}",
        "section_name": f"gutdiv: {results.name}"[:200],
        "description": told,
        "plot_type": "table",
        "pconfig": {"id": f"gutdiv_table_{_PLAIN.sub('_', results.name)[:60]}", "title": "gutdiv"},
        "headers": heads,
        "data": data,
    }


def _by_group(results: Results, samples: Samples, heads: Heads) -> tuple[Heads, Samples]:
    """Describe all samples, and those of each group, by their number, the medians of metrics and the counts of verdicts."""
    grouped = reading.groups(results)
    sets = {EVERYONE: list(samples.values())}
    if grouped is not None and not grouped.numeric:
        sets |= {f"{grouped.column}: {g}": [v for s, v in samples.items() if grouped.of.get(s) == g] for g in grouped.labels}
    metrics = [key for key in heads if key not in ("verdict", "p")]
    verdicts = [word for word in VERDICTS if any(v.get("verdict") == word for v in samples.values())]
    counted: Heads = {"samples": {"title": "Samples", "format": "{:,.0f}"}}
    counted |= {key: {**heads[key], "title": f"{heads[key]['title']}, median"} for key in metrics}
    counted |= {word: {"title": word.capitalize(), "description": "Samples with this verdict; no diagnosis", "format": "{:,.0f}"} for word in verdicts}
    rows: Samples = {}
    for name, members in sets.items():
        values = {key: [v[key] for v in members if key in v] for key in metrics}
        rows[name] = {"samples": len(members)} | {key: median(found) for key, found in values.items() if found}
        rows[name] |= {word: sum(v.get("verdict") == word for v in members) for word in verdicts}
    return counted, {name: row for name, row in rows.items() if row["samples"]}
