"""Words for findings: every sentence is assembled from what a stage decided, and none decides anything itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gutdiv.model.results import VERDICTS, Finding, Results
from gutdiv.report import contrasts, reading, standing
from gutdiv.report.parts import Link, Note, Sentence, VerdictBar, VerdictSummary
from gutdiv.report.wording import (
    NBSP,
    capital,
    decimals,
    equals,
    fixed,
    integer,
    listing,
    missing,
    name,
    number,
    percent,
    plural,
    signed,
    span,
)

NO_PATHOGEN = "No pathogen is reported from a genus call: genera that hold pathogens hold harmless species too."
OUTCOMES = {"clear": "clear", "weak": "not clear", "not assessable": "not assessable"}
VERDICT_MEANING = {
    "outside": "very unusual among the controls",
    "borderline": "somewhat unusual among the controls",
    "within": "not unusual among the controls",
    "not assessable": "no statement is made; the reason stands in the table",
}


def group_difference(results: Results, finding: Finding) -> str:
    """Word a difference of one metric between groups: what, where, by how much, how sure."""
    label = reading.metric(results, finding.subject).label
    values = finding.values
    one, two = sides(values)
    size = _effect(finding)
    sure = "; ".join(p for p in (equals("q", values.get("q")), _counts(values, one, two)) if p)
    if finding.strength == "not assessable":
        return f"{label} could not be compared between groups."
    if finding.strength != "clear" or finding.direction == "none":
        return f"{label} {verb(label, 'show')} no clear difference{between(finding)} ({size}{sure})."
    if finding.direction not in {"lower", "higher"}:
        return f"{label} {verb(label, 'differ')}{between(finding)} ({size}{sure})."
    if one and two:
        return f"{label} {verb(label, 'be')} {finding.direction} in {one} than in {two} ({size}{sure})."
    return f"{label} {verb(label, 'be')} {finding.direction} where {variable(finding) or 'the variable'} is higher ({size}{sure})."


def sides(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the two groups of a contrast by name, each empty where the finding compares no two groups."""
    one, two = values.get("group_1"), values.get("group_2")
    return ("", "") if missing(one) or missing(two) else (name(one, limit=60), name(two, limit=60))


def verb(label: str, word: str) -> str:
    """Return a verb in the number that fits a metric's label: `Observed features are`, all others `is`."""
    many = label.partition(" (")[0].endswith("features")
    return ("are" if many else "is") if word == "be" else word if many else f"{word}s"


def between(finding: Finding) -> str:
    """Name what was compared, as the tail of a sentence."""
    one, two = sides(finding.values)
    if one and two:
        return f" between {one} and {two}"
    groups = [name(g, limit=40) for g in finding.values.get("groups") or ()]
    return f" between {listing(groups)}" if groups else " between groups"


def variable(finding: Finding) -> str:
    """Name the column that was compared, empty where the finding does not say."""
    return name(finding.values.get("variable") or finding.values.get("contrast"), limit=60)


def _effect(finding: Finding) -> str:
    """Word an effect with its name and interval, ending in a separator."""
    effect = name(finding.values.get("effect_name") or finding.unit)
    if missing(finding.size) or not effect:
        return ""
    low, high = finding.values.get("ci_low"), finding.values.get("ci_high")
    places = decimals(finding.size)
    interval = "" if missing(low) or missing(high) else f", 95% CI {span(low, high, places=places)}"
    size = fixed(finding.size, places) if effect in contrasts.UNSIGNED else signed(finding.size, places)
    return f"{effect} {size}{interval}; "


def _counts(values: Mapping[str, Any], one: str, two: str) -> str:
    """Word how many stand on each side."""
    if missing(values.get("n_1")) or missing(values.get("n_2")):
        count = values.get("n_1") if missing(values.get("n")) else values["n"]
        return "" if missing(count) else f"n{NBSP}={NBSP}{integer(count)}"
    n_1, n_2 = integer(values["n_1"]), integer(values["n_2"])
    return f"n{NBSP}={NBSP}{n_1} and {n_2}" if one and two else f"n{NBSP}={NBSP}{n_1}"


def structure(results: Results, finding: Finding) -> str:
    """Word what PERMANOVA found for one distance metric."""
    label = reading.metric(results, finding.subject).label
    term = name(finding.values.get("term"), limit=60) or "group"
    permutations = finding.values.get("permutations")
    tail = "" if missing(permutations) else f", {integer(permutations)} permutations"
    numbers = f"R²{NBSP}={NBSP}{number(finding.size, digits=2)}, {equals('p', finding.values.get('p'))}{tail}"
    if finding.strength == "not assessable":
        return f"Whether communities differ by {term} could not be assessed ({label})."
    if finding.strength != "clear":
        return f"Communities do not differ clearly by {term} ({label}: {numbers})."
    return f"Communities differ by {term}, with which {percent(finding.size)} of the variation goes along ({label}: {numbers})."


def _spread(results: Results, finding: Finding) -> str:
    """Add that groups also differ in spread, where both tests are clear; begins with a space."""
    spread = reading.spread_finding(results, finding.subject, str(finding.values.get("term") or ""))
    if finding.strength == "clear" and spread is not None and spread.strength == "clear":
        return " Groups also differ in spread, so this may be a difference of spread."
    return ""


def link(finding: Finding) -> str:
    """Word one taxon's link with the diversity of the others, always relative."""
    taxon = name(finding.subject, limit=60)
    size = "" if missing(finding.size) else f" ({signed(finding.size)} ln-units per SD, {equals('q', finding.values.get('q'))})"
    if finding.strength != "clear":
        return f"{taxon} shows no clear link with the diversity of the other taxa{size}."
    more = "more" if finding.direction in {"higher", "positive"} else "less"
    return f"{taxon} is {more} abundant where the other taxa are more diverse, relative to the typical prevalent taxon{size}."


def outstanding(results: Results) -> tuple[Sentence, ...]:
    """Choose the findings for the first screen: of each kind the first by rank, with how many of its kind agree; clear ones first."""
    chosen: list[Sentence] = []
    alpha = reading.findings(reading.record(results, "comparison/alpha"), "group_difference")
    if alpha:
        best = next((f for f in alpha if f.strength == "clear"), alpha[0])
        tail = (
            _agreement(alpha, "metric") if best.strength == "clear" else f" The same holds for all {plural(len(alpha), 'metric')} tested."
        )
        chosen.append(
            Sentence(group_difference(results, best) + (tail if len(alpha) > 1 else ""), _mark(best), Link("Diversity", "#diversity"))
        )
    else:
        chosen += _modelled(results)
    between = reading.structure_findings(results)
    if between:
        best = next((f for f in between if f.strength == "clear"), between[0])
        same = [f for f in between if f.values.get("term") == best.values.get("term")]
        tail = _agreement(same, "dissimilarity", many="dissimilarities") if len(same) > 1 else ""
        tail += _spread(results, best)
        chosen.append(Sentence(structure(results, best) + tail, _mark(best), Link("Structure", "#diversity-structure")))
    chosen += [said for said in (_abundance_sentence(results), _change_sentence(results)) if said is not None]
    links = [f for f in reading.findings(reading.record(results, "immune/links"), "link") if f.values.get("test_family") == "confirmatory"]
    tested = sum(r["test_family"] == "confirmatory" for r in reading.rows(reading.table(results, "immune/links")))
    if tested:
        chosen.append(_links_sentence(links, tested))
    gone = reading.absences(reading.record(results, "immune/links"))
    chosen += [Sentence(untested(what, why), "none", Link("Immune", "#immune")) for what, why in gone]
    return tuple(sorted(chosen, key=lambda sentence: ("clear", "weak", "none").index(sentence.mark)))


def _modelled(results: Results) -> Iterator[Sentence]:
    """Word what models say of the groups' diversity, the other terms held constant; nothing where groups are in no model."""
    column = str(reading.roles(results).get("group", ""))
    terms = [f for f in reading.findings(reading.record(results, "comparison/model"), "model_term") if f.values.get("variable") == column]
    if not terms:
        return
    best = next((f for f in terms if f.strength == "clear"), terms[0])
    held = reading.held(results)
    tail = f" {capital(listing(held, limit=3))} {'was' if len(held) == 1 else 'were'} held constant." if held else ""
    tail += _agreement(terms, "metric") if len(terms) > 1 else ""
    yield Sentence(group_difference(results, best) + tail, _mark(best), Link("Diversity", "#diversity"))


def _abundance_sentence(results: Results) -> Sentence | None:
    """Word which taxa differ between groups, for the first contrast that has any; None where none was tested."""
    place = "comparison/abundance"
    about, where = reading.record(results, place), Link("Abundance", "#abundance")
    tested = [r for r in reading.rows(reading.table(results, place)) if r["metric"] == "abundance" and not missing(r["p"])]
    if not tested:
        return None
    total = plural(len({str(r["taxon"]) for r in tested}), "taxon", many="taxa")
    by = f" and confirmed by {name(about['confirmed_by'], limit=60)}" if about.get("confirmed_by") else ""
    clear = reading.findings(about, "abundance_difference")
    if not clear:
        return Sentence(f"None of {total} differs in abundance clearly{by}.", "weak", where)
    contrast = clear[0].values.get("contrast")
    here = [f for f in clear if f.values.get("contrast") == contrast]
    words = [
        f"{word} {listing([name(f.subject, limit=40) for f in here if f.direction == direction], limit=4)}"
        for word, direction in (("more", "higher"), ("less", "lower"))
        if any(f.direction == direction for f in here)
    ]
    count = f"{len(here):,} of {total} clear{by}; relative to the typical taxon, total load was not measured"
    one, two = contrasts.sides(results, {"variable": reading.roles(results).get("group"), **clear[0].values})
    told = f"{'; '.join(words)} in {one} than in {two}" if one else ""
    return Sentence(f"Abundances differ{f': {told}' if told else f', {name(contrast, limit=80)}: ' + '; '.join(words)} ({count}).", "clear", where)


def _change_sentence(results: Results) -> Sentence | None:
    """Word whether anything changes over time; None where nothing was tested."""
    tested = reading.change_tests(results)
    if not tested:
        return None
    clear = [f"{reading.metric(results, str(r['metric'])).label} ({course(results, r)})" for r in tested if r["strength"] == "clear"]
    where, total = Link("Over time", "#longitudinal"), plural(len(tested), "test")
    if not clear:
        return Sentence(f"Over time, none of {total} of change is clear.", "weak", where)
    be = "is" if len(clear) == 1 else "are"
    return Sentence(f"Over time, {len(clear):,} of {total} of change {be} clear: {listing(clear, limit=3)}.", "clear", where)


def course(results: Results, row: Mapping[str, Any]) -> str:
    """Name what a test over time is about: a term, or what of subjects was compared."""
    if row["contrast"] == "whole term":
        return name(row["variable"], limit=60)
    told = contrasts.told(results, row)
    return f"{name(row['part'], limit=60)}, {told}" if contrasts.sides(results, row)[0] else told


def untested(what: str, why: str) -> str:
    """Say which links were not tested and why: `links` are those with diversity, `marker:COL` those with a measured marker."""
    marker = name(what.removeprefix("marker:"), limit=60) if what.startswith("marker:") else ""
    return f"Links between taxa and {f'the marker {marker}' if marker else 'diversity'} were not tested: {sentence_tail(why)}"


def sentence_tail(text: str) -> str:
    """Write a reason as the end of a sentence."""
    return name(text).rstrip(".") + "."


def of_taxa(sentences: Sequence[Sentence]) -> list[Note]:
    """Say what a genus is not, where findings name taxa."""
    return [Note("info", NO_PATHOGEN)] if any(s.link and s.link.href in {"#abundance", "#immune"} for s in sentences) else []


def _links_sentence(links: Sequence[Finding], tested: int) -> Sentence:
    """Word the links of the immune-relevant taxa together: who rises and who falls with the diversity of the others."""
    clear = [f for f in links if f.strength == "clear"]
    where = Link("Immune", "#immune")
    relevant = "immune-relevant taxon", "immune-relevant taxa"
    if not clear:
        text = f"None of {plural(tested, relevant[0], many=relevant[1])} shows a clear link with the diversity of the others."
        return Sentence(text, "weak", where)
    up = [name(f.subject, limit=40) for f in clear if f.direction in {"higher", "positive"}]
    down = [name(f.subject, limit=40) for f in clear if f.direction not in {"higher", "positive"}]
    words = [
        f"{listing(taxa, limit=4)} {'is' if len(taxa) == 1 else 'are'} relatively {word} abundant"
        for taxa, word in ((up, "more"), (down, "less"))
        if taxa
    ]
    total = f"{len(clear):,} of {plural(tested, relevant[0], many=relevant[1])} clearly linked"
    return Sentence(f"Where the other taxa are more diverse, {' and '.join(words)} ({total}; total load was not measured).", "clear", where)


def _agreement(listed: Sequence[Finding], noun: str, *, many: str = "") -> str:
    """Word how many findings of a kind are clear."""
    clear = sum(f.strength == "clear" for f in listed)
    return f" Clear for {clear:,} of {plural(len(listed), noun, many=many)}."


def _mark(finding: Finding) -> str:
    """Return the sign's word of a finding."""
    return finding.strength if finding.strength in {"clear", "weak"} else "none"


def verdict_summary(results: Results) -> VerdictSummary | None:
    """Assemble the verdict in numbers from the one finding that `dysbiosis` made of it; None where no sample was judged."""
    found = reading.findings(reading.record(results, "dysbiosis/verdicts"), "verdicts")
    if not found or reading.obstacle(results):
        return None
    values = found[0].values
    others, controls = counts_of(values, "others"), counts_of(values, "controls")
    word = reading.controls_word(results)
    bars = []
    if sum(others.values()):
        who = "Other samples" if sum(controls.values()) else "Samples"
        bars.append(VerdictBar(who, tuple(others.items()), sum(others.values())))
    if sum(controls.values()):
        bars.append(
            VerdictBar(capital(word), tuple(controls.items()), sum(controls.values()), "each judged against those of other subjects")
        )
    if values.get("n_assessable"):
        headline, remarks = _outside(others["outside"], values["n_assessable"], "assessed sample"), standing.remarks(values)
    else:
        headline = _outside(controls["outside"], values.get("n_controls_assessable"), f"assessed {word.removesuffix('s')}")
        remarks = ("No sample other than the controls was judged.",)
    return VerdictSummary(headline, standing.text(results, values), tuple(bars), (*remarks, *standing.despite(results, values)))


def _outside(count: int, of: Any, noun: str) -> str:
    """Word how many lie outside."""
    return f"{integer(count)} of {plural(of, noun)} {'lies' if count == 1 else 'lie'} outside the reference."


def counts_of(values: Mapping[str, Any], who: str) -> dict[str, int]:
    """Return counts by verdict of `others` or `controls` from the verdicts finding."""
    listed = values.get(who) or values.get(f"{who}_counts") or {}
    return {v: int(listed.get(v) or 0) for v in VERDICTS} if isinstance(listed, Mapping) else {}
