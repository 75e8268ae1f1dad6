"""Published indices of dysbiosis, beside the verdict and never part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, reading
from gutdiv.report.parts import Cell, Column, Note, Part, Section
from gutdiv.report.wording import equals, integer, number, percent, plural, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Results

PLACE = "dysbiosis/indices"
WORDS = {"higher": "farther from their own centre than", "lower": "nearer to their own centre than"}


def section(results: Results) -> Section | None:
    """Assemble the section; None where no index was computed."""
    found = reading.table(results, PLACE)
    if found is None:
        return None
    about = found.record
    parts: list[Part] = []
    if len(found.frame):
        parts.append(_table(results, about))
    parts += [Note("info", line) for line in _spread(about)]
    parts += absences.notes(results, about)
    lead = (
        "Indices as others published them, with cut-offs from this study's controls and never from its cases. They are shown to compare with "
        "earlier work; none takes part in a verdict."
    )
    return Section("indices", "Published indices", tuple(parts), lead) if parts else None


def _table(results: Results, about: Mapping[str, Any]) -> Any:
    """Count the samples beyond each cut-off, controls and others apart."""
    controls = {str(r["sample_id"]) for r in reading.rows(reading.table(results, "dysbiosis/verdicts")) if r["is_control"]}
    traits: Mapping[str, Any] = about.get("indices") or {}
    rows: dict[str, dict[str, Any]] = {}
    for row in reading.rows(reading.table(results, PLACE)):
        index = str(row["index"])
        own = rows.setdefault(index, {"index": index, "of": {True: 0, False: 0}, "beyond": {True: 0, False: 0}})
        if row["beyond"] in ("true", "false"):
            is_control = str(row["sample_id"]) in controls
            own["of"][is_control] += 1
            own["beyond"][is_control] += row["beyond"] == "true"
    spec = (
        (Column("Index"), lambda r: cells.text((traits.get(r["index"]) or {}).get("label") or r["index"])),
        (Column("Samples beyond", "number"), lambda r: _of(r, control=False)),
        (Column("Controls beyond", "number"), lambda r: _of(r, control=True)),
        (Column("Cut-off", "phrase"), lambda r: cells.text(tidy((traits.get(r["index"]) or {}).get("cutoff") or ""))),
        (Column("Counted on"), lambda r: cells.text((traits.get(r["index"]) or {}).get("level"))),
        (Column("Source"), lambda r: cells.text((traits.get(r["index"]) or {}).get("citation"))),
    )
    return cells.build("indices", "Samples beyond the cut-offs of published indices", spec, rows.values(), source=f"{PLACE}.tsv, with every sample")


def _of(row: Mapping[str, Any], *, control: bool) -> Any:
    """Write how many of how many lie beyond."""
    count, total = row["beyond"][control], row["of"][control]
    return Cell(f"{integer(count)} of {integer(total)}" + (f" ({percent(count / total)})" if total else ""), count)


def _spread(about: Mapping[str, Any]) -> list[str]:
    """Say whether samples scatter more around their own centre than controls do: a statement on the cohort, not on a sample."""
    told = []
    for finding in reading.findings(about, "spread"):
        values = finding.values
        sure = "" if finding.strength == "clear" else " This is not clear."
        word = WORDS.get(finding.direction, "as far from their own centre as")
        cases, controls = plural(values.get("n_cases"), "sample"), plural(values.get("n_controls"), "control")
        numbers = f"ratio of mean distances {number(finding.size)}, {equals('p', values.get('p'))}, {integer(values.get('permutations'))} permutations"
        told.append(f"{cases} that are no controls lie {word} {controls} do ({numbers}; known as the Anna Karenina principle).{sure}")
    return told
