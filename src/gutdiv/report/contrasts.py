"""Contrasts of two groups: which is taken from which, alike on the whole page, and in words that leave no doubt."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.wording import missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gutdiv.model.results import Finding, Results, Table

BETWEEN = " - "  # what stands between the two groups of a contrast in the files
TESTS, PAIRS, ABUNDANCE, MODEL, CHANGE = "comparison/alpha", "comparison/pairs/", "comparison/abundance", "comparison/model", "comparison/longitudinal/tests"
# Effects over several groups, which have no direction.
UNSIGNED = ("epsilon squared", "Kendall's W", "eta squared", "partial omega squared", "partial R squared")
TURNED = "turned"  # entry of the record of a table that holds contrasts the other way round than its file
_OTHER = {"higher": "lower", "lower": "higher"}


def alike(results: Results) -> Results:
    """Return the results with every contrast of two groups the same way round.

    Tests by ranks take pairs in the order of names unless a baseline is named, abundances compare with that baseline or the first by name, models always
    with the first by name: a page that shows `a - b` beside `b - a` would be misread. A named baseline decides, then abundances, then models. Effects,
    intervals and sides are turned with the contrast; the statistic, which no panel shows, is left out.
    """
    crossed = {p: _crossed(results.tables[p]) for p in (MODEL, CHANGE) if p in results.tables}
    if any(t is not results.tables[p] for p, t in crossed.items()):
        results = replace(results, tables={**results.tables, **crossed})
    named = TESTS in results.tables and bool(results.tables[TESTS].record.get("baseline"))
    against: set[str] = set()
    for place in (*[TESTS] * named, ABUNDANCE, MODEL, CHANGE):
        rows = [r for r in reading.rows(reading.table(results, place)) if place != CHANGE or r.get("part") == "coefficient"]
        told = (str(r["contrast"]) for r in rows)
        against |= {c for c in told if BETWEEN in c and not any(back in against for back in _backwards(c))}
    places = [p for p in results.tables if p in {MODEL, CHANGE} or p.startswith(PAIRS) or (p == TESTS and not named)]
    tables = {p: _alike(results.tables[p], against) for p in places if against}
    return replace(results, tables={**results.tables, **tables}) if any(tables[p] is not results.tables[p] for p in tables) else results


def _crossed(table: Table) -> Table:
    """Name the coefficient of a number crossed with two groups by these groups, as the coefficient of the groups alone does.

    `time:grouppatient` is how the slope of patients differs from that of the group that `patient - healthy` names.
    """
    rows = [r for r in reading.rows(table) if r.get("part") == "coefficient"]
    ways = {}
    for crossed in (r for r in rows if ":" in str(r["variable"])):
        parts = str(crossed["variable"]).split(":")
        for alone in (r for r in rows if str(r["variable"]) in parts and BETWEEN in str(r["contrast"])):
            variable, level = str(alone["variable"]), str(alone["contrast"]).split(BETWEEN)[0]
            if str(crossed["contrast"]) == ":".join(f"{p}{level}" if p == variable else p for p in parts):
                ways[str(crossed["contrast"])] = str(alone["contrast"])
    if not ways:
        return table
    told = [(f, str(f.values.get("contrast"))) for f in reading.findings(table.record)]
    found = [replace(f, values={**f.values, "contrast": ways.get(c, f.values.get("contrast"))}) for f, c in told]
    frame = table.frame.assign(contrast=[ways.get(str(c), c) for c in table.frame["contrast"]])
    return replace(table, frame=frame, record={**table.record, "findings": found})


def _backwards(contrast: str) -> Iterator[str]:
    """Write a contrast the other way round: in every way, where names hold what stands between them."""
    words = contrast.split(BETWEEN)
    for i in range(1, len(words)):
        yield BETWEEN.join([*words[i:], *words[:i]])


def _alike(table: Table, against: set[str]) -> Table:
    """Turn the rows and findings of a table whose contrast stands the other way round elsewhere."""
    ways = {c: next((b for b in _backwards(c) if b in against), "") for c in map(str, table.frame["contrast"])}
    ways = {c: new for c, new in ways.items() if new and c not in against}
    if not ways:
        return table
    rows = [_turned(r, ways[r["contrast"]]) if r["contrast"] in ways else r for r in reading.rows(table)]
    frame = table.frame.copy()
    for column in frame.columns:
        frame[column] = [r[column] for r in rows]
    found = [_turned_finding(f, ways) for f in reading.findings(table.record)]
    return replace(table, frame=frame, record={**table.record, "findings": found, TURNED: {new: old for old, new in ways.items()}})


def _turned(row: Mapping[str, Any], contrast: str) -> dict[str, Any]:
    """Turn a row: sides change places, and an effect with a direction its sign."""
    pairs = [c[:-2] for c in row if c.endswith("_1") and not missing(row.get(f"{c[:-2]}_2"))]  # what is of all units has no second side
    new = {**row, "contrast": contrast}
    for stem in pairs:
        new |= {f"{stem}_1": row[f"{stem}_2"], f"{stem}_2": row[f"{stem}_1"]}
    new |= {"statistic": math.nan} if "statistic" in row else {}
    new |= {"family": str(row["family"]).replace(str(row["contrast"]), contrast)} if not missing(row.get("family")) else {}
    new |= {k: -float(row[k]) for k in ("dispersion_effect",) if not missing(row.get(k))}  # of a pair, a difference whatever its effect is
    if str(row.get("effect_name")) not in UNSIGNED:
        taken = {"effect": "effect", "ci_low": "ci_high", "ci_high": "ci_low"}
        new |= {k: row.get(v) if missing(row.get(v)) else -float(row[v]) for k, v in taken.items() if k in row}
    return new


def _turned_finding(finding: Finding, ways: Mapping[str, str]) -> Finding:
    """Turn a finding with its contrast."""
    contrast = str(finding.values.get("contrast"))
    if contrast not in ways:
        return finding
    values = _turned({**finding.values, "effect_name": finding.values.get("effect_name") or finding.unit}, ways[contrast])
    size = finding.size if missing(finding.size) or finding.unit in UNSIGNED else -finding.size
    return replace(finding, size=size, direction=_OTHER.get(finding.direction, finding.direction), values=values)


def remark(results: Results, place: str) -> str:
    """Say that a table is shown the other way round than its file; empty where it is not."""
    ways = reading.record(results, place).get(TURNED) or {}
    if not ways:
        return ""
    new, old = next(iter(ways.items()))
    row = next(r for r in reading.rows(reading.table(results, place)) if r["contrast"] == new)
    same, before = "tests" if len(ways) == 1 else "tests, and others like them,", told(results, {**row, "contrast": old})
    return f"Shown is {told(results, row)}, as on the whole page; {place}.tsv holds the same {same} as {before}, with the other sign."


# ---------------------------------------------------------------- words
def sides(results: Results, row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the two groups of a contrast by name, each empty where it compares no two groups of a column."""
    variable, words = str(row.get("variable")), str(row.get("contrast")).split(BETWEEN)
    values = frozenset[str]().union(*(_values(results, part) for part in (variable, *variable.split(":"))))
    for i in range(1, len(words)):
        one, two = BETWEEN.join(words[:i]), BETWEEN.join(words[i:])
        if one in values and two in values:
            return name(one, limit=60), name(two, limit=60)
    return "", ""


@lru_cache(maxsize=4)
def _values(results: Results, column: str) -> frozenset[str]:
    """Return the groups that a column holds; numbers also as tests write them."""
    metadata = results.metadata
    if metadata is None or column not in metadata.columns:
        return frozenset()
    cells = {str(c) for c in metadata.columns[column] if not missing(c)}
    return frozenset(cells | ({f"{float(c):.15g}" for c in cells} if metadata.kinds.get(column) == "numeric" else set()))


def told(results: Results, row: Mapping[str, Any]) -> str:
    """Name a contrast: `a minus b` for two groups, anything else as it stands."""
    one, two = sides(results, row)
    return f"{one} minus {two}" if one else name(row.get("contrast"), limit=120)


def between(results: Results, row: Mapping[str, Any]) -> str:
    """Name what a contrast compares, as the tail of a sentence."""
    one, two = sides(results, row)
    return f" between {one} and {two}" if one else f": {name(row.get('contrast'), limit=80)}"


def reads(results: Results, row: Mapping[str, Any], *, word: str = "higher") -> str:
    """Say how the sign of an effect reads, for an axis; empty where it has none or compares no two groups."""
    one, _ = sides(results, row)
    return f"right of zero: {word} in {one}" if one and str(row.get("effect_name")) not in UNSIGNED else ""


def counted(results: Results, rows: Sequence[Mapping[str, Any]], noun: tuple[str, str]) -> str:
    """Count in words how many tests of one contrast are clear, and on which side its first group lies."""
    clear = [r for r in rows if r.get("strength") == "clear"]
    total, (one, two) = plural(len(rows), noun[0], many=noun[1]), sides(results, rows[0])
    if not clear:
        return f"None of {total} differs clearly{between(results, rows[0])}"
    up, down = (sum(sign * float(r["effect"]) > 0 for r in clear) for sign in (1, -1))
    signed = one and str(rows[0].get("effect_name")) not in UNSIGNED
    if signed and len(clear) in (up, down):
        return f"{len(clear):,} of {total} {'is' if len(clear) == 1 else 'are'} clearly {'higher' if up else 'lower'} in {one} than in {two}"
    sure = f"{len(clear):,} of {total} differ{'s' if len(clear) == 1 else ''} clearly{between(results, rows[0])}"
    return f"{sure}, {up:,} higher and {down:,} lower in {one}" if signed else sure
