"""Abundance: which taxa differ between groups, in abundance and in prevalence apart, by two estimators side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, charts, contrasts, group_tests, reading, story
from gutdiv.report.parts import Column, DataTable, Detail, Figure, Note, Panel, Part, Row, Section, Sentence, Sentences, View
from gutdiv.report.terms import TERMS
from gutdiv.report.wording import (
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
    sentence,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gutdiv.model.results import Results

PLACE = "comparison/abundance"
SHOWN = 30  # rows of a forest plot that can still be read; the table holds all
# What the two estimators of abundance say together; words of `comparison.abundance`.
AGREEMENT = {
    "both": "clear by both estimators",
    "null curve only": "clear by regression only",
    "ANCOM-BC2 only": "clear by ANCOM-BC2 only",
    "opposite": "estimators disagree on the direction",
    "neither": "clear by neither",
}
PEERS = {"ancombc2": "ANCOM-BC2"}
QUIET = (AGREEMENT["neither"], group_tests.CLEAR[False])
PARTS = {"abundance": "Abundance", "prevalence": "Prevalence"}


def build(results: Results) -> Panel:
    """Assemble the panel."""
    title = "Abundance of taxa"
    lead = (
        "Which taxa differ between groups. Reads tell shares of a whole, not cells: every difference is relative to that of the typical "
        "taxon, and total bacterial load was not measured."
    )
    found = reading.filled(results, PLACE)
    if found is None:
        return Panel("abundance", "Abundance", title, lead, absent=_why(results))
    rows = list(reading.rows(found))
    parts: list[Part] = [p for p in (_figure(results, rows),) if p is not None]
    parts += [Sentences(_standing(results, rows)), *_zeros(rows), _table(results, rows)]
    gone = {PEERS.get(what, what): why for what, why in reading.absences(found.record)}
    parts += absences.notes(results, {"absent": gone})
    return Panel("abundance", "Abundance", title, lead, (Section("tests", "Between groups", tuple(parts)),))


def tested(results: Results) -> list[dict[str, Any]]:
    """Return the tests that gave a p-value."""
    return [r for r in reading.rows(reading.table(results, PLACE)) if not missing(r["p"])]


def _why(results: Results) -> str:
    """Say why there is nothing to show."""
    reasons = listing([name(why, limit=300).rstrip(".") for why in absences.reasons(results, PLACE)], limit=3)
    if reasons:
        return f"Abundances were not compared: {reasons}."
    if reading.groups(results) is None:
        return "Abundances were not compared: no group column was declared."
    return "Abundances were not compared in these results."


def _standing(results: Results, rows: Sequence[Mapping[str, Any]]) -> tuple[Sentence, ...]:
    """Say what always has to be said of these tests, and what the record notes."""
    about = reading.record(results, PLACE)
    lines = [
        "Abundance: how much of a taxon there is where groups differ, as a ratio on the logarithmic scale, beyond the change of the typical "
        "taxon. Prevalence: how often it is found at all, at equal sequencing effort.",
        _beside(rows),
        "A difference between groups names no cause. " + story.NO_PATHOGEN,
        *(sentence(name(n, limit=600)) for n in reading.notes(about)),
    ]
    left_out = [f"{integer(n)} with {name(why, limit=120)}" for why, n in sorted((about.get("dropped") or {}).items())]
    lines += [f"Samples left out: {listing(left_out)}."] if left_out else []
    families = dict.fromkeys(name(r["family"], limit=200) for r in rows if not missing(r["q"]))
    lines += [f"q within: {listing(list(families), limit=6)}."] if families else []
    return tuple(Sentence(line) for line in lines)


def _beside(rows: Iterable[Mapping[str, Any]]) -> str:
    """Say which estimator stands beside the regression."""
    if all(missing(r["ancombc2_effect"]) for r in rows):
        return (
            "Taxa are compared by a regression on what the sequencing effort of each sample lets expect; a row opens to the estimate from "
            "centred log-ratios (LinDA). A difference that only one of them finds is not more than a hint."
        )
    return (
        "Two estimators answer the same question in different ways: a regression on what the sequencing effort of each sample lets expect, "
        "and ANCOM-BC2. Where they disagree, the table says so; a difference that only one of them finds is not more than a hint."
    )


# ---------------------------------------------------------------- figure
def _figure(results: Results, rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Show the effects with the smallest q; one view a contrast and part."""
    views: list[View] = []
    for (metric, _), members in _by_view(rows).items():
        usable = [r for r in members if not missing(r["effect"])]
        if usable:
            views.append(_view(results, len(views), metric, usable))
    return Figure("abundance", tuple(views), "Contrast") if views else None


def _by_view(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Sort rows by part and contrast, in the order of the file."""
    parted: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for r in rows:
        parted.setdefault((str(r["metric"]), str(r["contrast"])), []).append(r)
    return parted


def _view(results: Results, number: int, metric: str, rows: Sequence[Mapping[str, Any]]) -> View:
    """Show one part of one contrast as a forest plot, the largest effect at the top."""
    first = sorted(rows, key=_by_q)[:SHOWN]
    first.sort(key=lambda r: (-float(r["effect"]), str(r["taxon"])))
    words = {str(r["taxon"]): _agreement(r) for r in first}
    lines = [
        {
            "label": name(r["taxon"]),
            "estimate": r["effect"],
            "low": r["ci_low"],
            "high": r["ci_high"],
            "kind": words[str(r["taxon"])],
            "hover": charts.escaped(f"{group_tests.effect(r).text} ({group_tests.interval(r).text}), {equals('q', r['q'])}"),
        }
        for r in first
    ]
    part, shown = _part(metric), contrasts.told(results, rows[0])
    reads = contrasts.reads(results, rows[0], word="more" if metric == "abundance" else "more often found")
    kind = name(rows[0]["effect_name"], limit=120)
    order = [*AGREEMENT.values(), *group_tests.CLEAR.values()]
    marks = {w: charts.QUIET if w in QUIET else charts.style(i) for i, w in enumerate(sorted(set(words.values()), key=_place(order)))}
    axis = f"{capital(kind)}, {shown}{f' ({reads})' if reads else ''}{group_tests.with_interval(first)}"
    data, layout = charts.forest(lines, title=axis, marks=marks)
    both = sum(group_tests.is_clear(r) and r["agreement"] == "both" for r in rows)
    clear = sum(map(group_tests.is_clear, rows))
    differ = f"differ{'s' if both == 1 else ''} clearly{contrasts.between(results, rows[0])}"
    told = f"{both:,} of {plural(len(rows), 'taxon', many='taxa')} {differ} by both estimators, {clear - both:,} more by one only"
    twice = clear and any(not missing(r["agreement"]) for r in rows)
    title = f"{part}: {told if twice else contrasts.counted(results, rows, ('taxon', 'taxa'))}"
    cut = len(rows) > len(first)
    subtitle = f"The {len(first)} with the smallest q of {plural(len(rows), 'taxon', many='taxa')}; the table below holds all" if cut else ""
    alt = f"{title}. Forest plot: one line a taxon{f', {reads}' if reads else ''}."
    narrow = charts.narrow([str(x["label"]) for x in lines], lines=2)
    numbers = _numbers(f"abundance-{number}", first)
    return View(f"a{number}", f"{part}, {shown}", title, alt, data, layout, numbers, subtitle, narrow, int(layout["height"]))


def _place(order: Sequence[str]) -> Callable[[str], int]:
    """Return what sorts words in this order, unknown ones last."""
    return lambda word: order.index(word) if word in order else len(order)


def _part(metric: str) -> str:
    """Name what of a taxon was tested."""
    return PARTS.get(metric, capital(name(metric, limit=40)))


def _agreement(row: Mapping[str, Any]) -> str:
    """Say of a test whether it is clear, and of two estimators whether they agree."""
    word = str(row["agreement"])
    return AGREEMENT.get(word, name(word, limit=60)) or group_tests.CLEAR[group_tests.is_clear(row)]


def _agree(row: Mapping[str, Any]) -> str:
    """Say how the two estimators of abundance agree; empty where there is only one."""
    return AGREEMENT.get(str(row["agreement"]), name(row["agreement"], limit=60))


def _by_q(row: Mapping[str, Any]) -> tuple[float, str]:
    """Sort by q, the undefined last."""
    return (2.0 if missing(row["q"]) else float(row["q"]), str(row["taxon"]))


def _numbers(key: str, rows: Sequence[Mapping[str, Any]]) -> DataTable:
    """List the numbers of a forest plot."""
    spec = (
        cells.column("Taxon", "taxon", cells.text, kind="taxon"),
        (Column("Effect", "number"), group_tests.effect),
        (Column("95% CI", "number"), group_tests.interval),
        cells.column("q", "q", cells.chance),
        (Column("Estimators"), lambda r: cells.text(_agree(r))),
    )
    return cells.build(key, "Effects as shown", spec, rows, source=f"{PLACE}.tsv")


# ---------------------------------------------------------------- table
def _table(results: Results, rows: list[dict[str, Any]]) -> DataTable:
    """List all tests; a row opens to both estimators and to what each group holds."""
    agree = any(not missing(r["agreement"]) for r in rows)
    zeros = any(not missing(r["structural_zero"]) for r in rows)
    several = len({str(r["contrast"]) for r in rows}) > 1
    spec = [
        cells.column("Taxon", "taxon", cells.text, kind="taxon"),
        (Column("Tested", choose=True), lambda r: cells.text(_part(str(r["metric"])))),
        *([(Column("Contrast", "name", choose=True), lambda r: cells.text(contrasts.told(results, r)))] if several else []),
        (Column("Effect", "number"), group_tests.effect),
        (Column("95% CI", "number"), group_tests.interval),
        cells.column("q", "q", cells.chance, help=TERMS["q-value"]),
        (Column("Outcome", "text", "Whether the test passes its family's level.", choose=True), lambda r: cells.text(story.OUTCOMES.get(str(r["strength"])))),
        *([_ESTIMATORS] if agree else []),
        cells.column("Prevalence", "prevalence", cells.share),
        *([_MISSING] if zeros else []),
    ]
    rows = sorted(rows, key=_by_q)
    plain = cells.build("abundance-table", "Taxa between groups", spec, rows)
    opened = tuple(Row(p.cells, _details(results, r)) for p, r in zip(plain.rows, rows, strict=True))
    said = [f"Effects: {contrasts.told(results, rows[0])}."] if not several else []
    said += ["Positive where there is more in the group named first."] if contrasts.sides(results, rows[0])[0] else []
    said += [f"{word}: {listing(kinds, limit=4)}." for word, column in _SAID if (kinds := _kinds(rows, column))]
    hint = "Open a row for both estimators and for what each group holds."
    note = f"{' '.join(said)} {story.NO_PATHOGEN}"
    return replace(plain, rows=opened, source=f"{PLACE}.tsv", interactive=True, note=note, hint=hint)


_ESTIMATORS = (
    Column("Estimators", "text", "Whether the two estimators of abundance agree.", choose=True),
    lambda r: cells.text(_agree(r)),
)
_MISSING = cells.column(
    "Missing from", "structural_zero", cells.text, help="Structural zero: absent where chance alone would show it.", kind="name"
)
_SAID = (("Effect", "effect_name"), ("Test", "test"), ("Unit", "unit"))


def _kinds(rows: Iterable[Mapping[str, Any]], column: str) -> list[str]:
    """Return the words that a column holds."""
    return list(dict.fromkeys(name(r[column], limit=160) for r in rows if not missing(r[column])))


def _details(results: Results, row: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Tell the numbers of a test that do not stand in the table, each beside its group."""
    one, two = (integer(row[c]) for c in ("n_1", "n_2"))
    first, second = (f" in {side}" if side else "" for side in contrasts.sides(results, row))
    last = second or " of each group"
    details = []
    if not missing(row["reason"]):
        details.append(Detail("Why", sentence(name(row["reason"], limit=400))))
    if not missing(row["p"]):
        more = "" if missing(row["permutations"]) else f", {plural(row['permutations'], 'permutation')}"
        freedom = "" if missing(row["df"]) else f", {fixed(row['df'], 1)} degrees of freedom"
        details.append(Detail("p", f"{p_value(row['p'])} (n = {one}{first} and {two}{second}{freedom}{more})"))
    if not missing(row["ancombc2_effect"]):
        own = f"{signed(row['ancombc2_effect'])} (standard error {fixed(row['ancombc2_se'])}), {equals('q', row['ancombc2_q'])}"
        details.append(Detail("ANCOM-BC2", own))
    if not missing(row["clr_effect"]):
        details.append(Detail("Centred log-ratios (LinDA)", f"{signed(row['clr_effect'])}, {equals('q', row['clr_q'])}"))
    if not missing(row["prevalence_1"]):
        details.append(Detail("Found in", f"{percent(row['prevalence_1'])} of the samples{first} and {percent(row['prevalence_2'])}{last}"))
    if not missing(row["mean_share_1"]):
        details.append(Detail("Mean share", f"{percent(row['mean_share_1'])} of the reads{first} and {percent(row['mean_share_2'])}{last}"))
    return tuple(details)


def _zeros(rows: Iterable[Mapping[str, Any]]) -> list[Part]:
    """Name the taxa that only some groups hold, by where they are."""
    where: dict[str, dict[str, None]] = {}
    for r in rows:
        if not missing(r["structural_zero"]):
            where.setdefault(name(r["structural_zero"], limit=120), {})[name(r["taxon"], limit=60)] = None
    return [
        Note("info", f"Structural zeros: never found in {place}: {listing(list(taxa), limit=12)}. No ratio can be estimated for them.")
        for place, taxa in sorted(where.items())
    ]
