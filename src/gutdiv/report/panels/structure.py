"""Between samples, for the diversity panel: ordinations, the part that the tested model explains, and position and spread tested side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, group_tests, reading
from gutdiv.report.panels import constrained, ordination
from gutdiv.report.parts import Column, DataTable, Note, Part, Section
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import integer, listing, missing, name, number, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gutdiv.model.results import Finding, Results

POSITION, SPREAD, PAIRS = "comparison/permanova/", "comparison/dispersion/", "comparison/pairs/"
# What PERMANOVA and the test of spread say together, by whether each is clear: written so that neither can be taken for the other.
TOGETHER = {
    (True, True): "communities differ, but groups also differ in spread, so the PERMANOVA may show spread",
    (True, False): "communities differ in position; no clear difference in spread",
    (False, True): "no clear difference in position; groups differ in spread",
    (False, False): "no clear difference in position or in spread",
}
ALONE = {True: "communities differ; spread was not tested for this term", False: "no clear difference; spread was not tested for this term"}
READINGS = {
    "structure": TOGETHER[True, False],
    "structure or spread": TOGETHER[True, True],
    "spread": TOGETHER[False, True],
    "neither": TOGETHER[False, False],
    "structure, spread not tested": "communities differ; spread was not tested",
    "neither, spread not tested": "no clear difference; spread was not tested",
}


def section(results: Results) -> Section | None:
    """Assemble structure between samples: ordinations with a metric switch, PERMANOVA with dispersion, pairs of groups."""
    figure = ordination.figure(results)
    rows = list(_tested(results))
    parts: list[Part] = [p for p in (figure, ordination.arrows_table(results), constrained.figure(results)) if p is not None]
    parts += [Note("caution", text) for text in _rests_on(results)]
    if rows:
        parts.append(_permanova_table(rows))
    elif reading.groups(results) is None and figure is not None:
        parts.append(Note("absent", "No PERMANOVA: no group column was declared."))
    parts += [t for t in (_pairs_table(results),) if t is not None]
    folders = (POSITION, SPREAD, PAIRS, constrained.FOLDER)
    parts += absences.notes(results, *(reading.record(results, f"{folder}{n}") for folder in folders for n in reading.under(results, folder)))
    if not parts:
        return None
    if not results.cohort.get("has_tree"):
        parts.append(Note("absent", "UniFrac and Faith's phylogenetic diversity are absent: no tree was given."))
    lead = "Samples that lie close together hold similar communities. Distances in the picture are those of the first two axes only."
    return Section("structure", "Between samples", tuple(parts), lead)


def _rests_on(results: Results) -> Iterator[str]:
    """Say of how many samples distances were measured, where not of all."""
    records = [reading.record(results, f"{POSITION}{key}") for key in reading.under(results, POSITION)]
    return iter(dict.fromkeys(name(reading.notes(record)[0], limit=600) for record in records if record.get("subsample")))


def together(position: str, spread: Finding | None) -> str:
    """Word what PERMANOVA (its finding's strength) and the test of spread say together."""
    if position not in {"clear", "weak"}:
        return "not assessable"
    clear = position == "clear"
    return ALONE[clear] if spread is None or spread.strength not in {"clear", "weak"} else TOGETHER[clear, spread.strength == "clear"]


def _tested(results: Results) -> Iterator[dict[str, Any]]:
    """Go through the tested terms of every dissimilarity, with what the test of spread found beside each."""
    for key in reading.under(results, POSITION):
        found = reading.table(results, f"{POSITION}{key}")
        strengths = {str(f.values.get("term")): f.strength for f in reading.findings(reading.record(results, f"{POSITION}{key}"), "structure")}
        for row in reading.rows(found):
            if missing(row["f"]):
                continue
            spread = reading.spread_finding(results, key, str(row["term"]))
            told = {"spread_p": spread.values.get("p")} if spread is not None else {}
            words = together(strengths.get(str(row["term"]), ""), spread)
            yield {**row, **told, "metric": reading.metric(results, key).label, "together": words}


def _permanova_table(rows: list[dict[str, Any]]) -> DataTable:
    """List the PERMANOVA of every dissimilarity, and the dispersion test of the same groups beside it."""
    further = [
        (cells.column("ω² (partial)", "omega_squared", cells.real, help=TERMS["omega squared"]), "omega_squared"),
        (cells.column("q", "q", cells.chance, help=TERMS["q-value"]), "q"),
    ]
    whole = cells.column("R² of all samples (95% CI)", "r2_of_all", cells.text, help="Estimated from the subsample that was measured.")
    further.append((whole, "r2_all"))
    rows = [{**r, "r2_of_all": f"{number(r['r2_all'])} ({span(r['r2_low'], r['r2_high'])})" if not missing(r.get("r2_all")) else ""} for r in rows]
    effect, q, of_all = ([spec] if any(not missing(r.get(key)) for r in rows) else [] for spec, key in further)
    spec = [
        cells.column("Dissimilarity", "metric", cells.text),
        cells.column("Term", "term", cells.text, kind="name"),
        cells.column("df", "df", cells.count),
        cells.column("R²", "r2", cells.real, help=TERMS["PERMANOVA"]),
        *of_all,
        *effect,
        cells.column("pseudo-F", "f", cells.real),
        cells.column("p", "p", cells.chance),
        *q,
        (
            Column("p of spread", "number", "Test of dispersion: whether samples lie farther from their group's centre in one group."),
            lambda r: cells.chance(r.get("spread_p")),
        ),
        (Column("Together", "text", "What PERMANOVA and the test of dispersion say together."), lambda r: cells.text(r["together"])),
    ]
    said = [f"Permutations: {listing(counts)}." for counts in [_counts(rows, "permutations")] if counts]
    said += [f"Samples used: {listing(counts)}." for counts in [_counts(rows, "n")] if counts]
    said += [f"Samples left out: {listing(counts)}." for counts in [_counts(rows, "n_dropped")] if counts not in ([], ["0"])]
    families = list(dict.fromkeys(name(r.get("family"), limit=160) for r in rows if not missing(r.get("family"))))
    common = list(dict.fromkeys(f.rpartition(", ")[0] for f in families))  # a family names its dissimilarity last
    said += [f"q within, for each dissimilarity: {common[0]}."] if len(common) == 1 < len(families) else [f"q within: {f}." for f in families]
    said += [f"Unit: {u}." for u in dict.fromkeys(name(r.get("unit"), limit=160) for r in rows) if u]
    note = (
        "PERMANOVA tests whether groups differ, and it also responds to a difference in spread alone; the test of dispersion beside it tells "
        "the two apart. The smallest p possible is 1 / (permutations + 1)."
    )
    source = "comparison/permanova/, with residual and total, and comparison/dispersion/"
    return cells.build("permanova", "PERMANOVA, and dispersion beside it", spec, rows, source=source, note=" ".join([note, *said]))


def _counts(rows: list[dict[str, Any]], column: str) -> list[str]:
    """Write the counts that a column holds, each once."""
    return [integer(n) for n in sorted({int(r[column]) for r in rows if not missing(r.get(column))})]


def _pairs_table(results: Results) -> DataTable | None:
    """List PERMANOVA between each two groups, with the spread of each pair; nothing where there are but two groups."""
    rows = [r for n in reading.under(results, PAIRS) for r in reading.rows(reading.table(results, f"{PAIRS}{n}")) if not missing(r["p"])]
    if len({str(r["contrast"]) for r in rows}) < 2:
        return None
    first = ((Column("Dissimilarity", choose=True), lambda r: cells.text(reading.metric(results, str(r["metric"])).label)),)
    further = (
        cells.column("q of spread", "dispersion_q", cells.chance),
        (Column("Together"), lambda r: cells.text(READINGS.get(str(r.get("reading")), r.get("reading")))),
    )
    return group_tests.table(results, rows, key="pairs", caption="PERMANOVA between each two groups", source=PAIRS, first=first, further=further)
