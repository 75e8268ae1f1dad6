"""What verdicts rest on, in words: against whom samples were judged, how often such verdicts err, and what is to be said of the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.parts import Note
from gutdiv.report.wording import integer, listing, missing, name, number, p_value, percent, plural, quoted, sentence, span

if TYPE_CHECKING:
    from gutdiv.model.results import Reference, Results

PLACE = "dysbiosis/verdicts"
Values = Mapping[str, Any]

# Tiers of `dysbiosis/tiers.py`, and what they are to a reader.
TIERS = {
    "in-study": "this study's own controls alone",
    "aligned": "published healthy groups, aligned to this study by its controls",
    "provisional": "published healthy groups, aligned to this study by few controls: every verdict is provisional and depends on which controls were taken",
}
# What a verdict says where samples are held against published groups and not against the controls alone.
MEANING = {
    "outside": "very unusual against published groups aligned by the controls",
    "borderline": "somewhat unusual against published groups aligned by the controls",
    "within": "not unusual against published groups aligned by the controls",
    "not assessable": "no statement is made",
}
HELD_BACK = {
    "depth": "with too few reads",
    "scope": "declared to be other than adult stool",
    "unclassified": "with too many reads without a name that the published groups know",
}


def values_of(results: Results) -> Values:
    """Return what the record says of the verdicts; empty where there is none."""
    found = reading.findings(reading.record(results, PLACE), "verdicts")
    return found[0].values if found else {}


def text(results: Results, values: Values) -> str:
    """Word what the samples were judged against, in the user's own words."""
    reference, tier = results.reference, str(values.get("tier") or "none")
    if tier == "none" or not values.get("n_reference"):
        return "No reference: nothing was judged."
    told = f"Reference: {plural(values['n_reference'], 'control')}, one sample of each person; samples were judged against {TIERS.get(tier, tier)} ({tier})"
    if reference is not None and reference.declared:
        told += f". Controls were declared as {quoted(reference.declared)}"
    return told + f". That all went through one laboratory and pipeline is assumed, not checked. {called(reference)}"


def called(reference: Reference | None) -> str:
    """Word whether the controls were declared healthy."""
    if reference is not None and reference.controls_are == "healthy":
        return "The study declares these controls healthy; sick ones among them make the test miss disease."
    return "The study does not declare these controls healthy: 'within' means like them, not healthy; sick ones among them make the test miss disease."


def expected(values: Values) -> float | None:
    """Return how many samples would lie outside without being ill: by the measured rate where a tier is not exact."""
    rate = _rate(values)
    if rate is not None:
        return rate * float(values["n_assessable"])
    found: float | None = values.get("expected_false_alarms")
    return found


def _rate(values: Values) -> float | None:
    """Return the rate of false alarms measured in public studies, where the tier rests on it."""
    row = _alarm(values, values.get("level_outside"))
    return None if row is None or values.get("tier") == "in-study" or missing(values.get("n_assessable")) else float(row["mean"])


def remarks(values: Values) -> tuple[str, ...]:
    """Say how many would lie outside without being ill, by the measured rate where a tier is not exact, and what was measured."""
    count, told = expected(values), []
    if count is not None:
        by = " by chance alone" if _rate(values) is None else ", at the rate measured in public studies,"
        told.append(f"About {number(count, digits=2)} would lie outside{by} if all of them were like the controls.")
    told += [line for line in (measured(values),) if line]
    return tuple(told)


def measured(values: Values) -> str:
    """Say which share of healthy people such verdicts call outside, as it was measured on other studies."""
    row = _alarm(values, values.get("level_outside"))
    if row is None:
        unknown = values.get("tier") in ("aligned", "provisional") and "false_alarms" in values
        return "How often such verdicts err was measured with the package's own published groups; others were given here." if unknown else ""
    return (
        f"In {plural(row['studies'], 'public study', many='public studies')} this kind of verdict with {_with(row)} called {percent(row['mean'])} of healthy "
        f"people outside (95% CI {_between(row['mean_low'], row['mean_high'])}), in the worst study {percent(row['worst'])} "
        f"({_between(row['worst_low'], row['worst_high'])}; {name(row['worst_study'], limit=60)})."
    )


def position(values: Values) -> str:
    """Say what a position among published groups is, and how unreliable: for samples that nobody could judge."""
    published = values.get("published") or {}
    if not published:
        return ""
    told = (
        f"Each sample with {integer(published.get('depth'))} reads has a position among {integer(published.get('groups'))} published healthy groups, as p. "
        "Differences between laboratories, regions of the gene and pipelines are in it: it is no verdict."
    )
    if published.get("position_controls"):
        told += f" The {plural(published['position_controls'], 'control')} of this study, too few for a verdict, shifted it."
    row = _alarm(values, 0.05)
    if row is None or row.get("tier") != "none":
        return told
    return (
        f"{told} In {plural(row['studies'], 'public study', many='public studies')} it put, without controls, {percent(row['mean'])} of healthy people at "
        f"p up to 0.05 on average, and {percent(row['worst'])} in the worst."
    )


def _alarm(values: Values, level: Any) -> Mapping[str, Any] | None:
    """Return the measured false alarms at a level, with healthy controls only."""
    listed: Sequence[Mapping[str, Any]] = values.get("false_alarms") or ()
    found = [r for r in listed if r.get("level") == level and not r.get("ill_share")]
    return found[0] if found else None


def _with(row: Mapping[str, Any]) -> str:
    """Word the number of controls that was tried."""
    return plural(row["controls"], "control")


def _between(low: Any, high: Any) -> str:
    """Write a range of shares."""
    return "not known" if missing(low) or missing(high) else span(100 * float(low), 100 * float(high), places=1) + "%"


def levels(values: Values) -> str:
    """Say up to which p a sample is called outside or borderline, as the record gives it; begins with a space."""
    if missing(values.get("level_outside")) or missing(values.get("level_borderline")):
        return ""
    outside, borderline = p_value(values["level_outside"]), p_value(values["level_borderline"])
    return f" Samples with p up to {outside} are called outside, with p up to {borderline} borderline, all others within."


# ---------------------------------------------------------------- what is to be said of controls and gates
def notes(results: Results, values: Values) -> tuple[Note, ...]:
    """Say what stands beside the verdicts: doubtful controls, what held samples back, what was not declared, where two opinions differ."""
    return tuple(n for n in (_controls(values), _second(values), _local(results, values), _held(values), _undeclared(results, values)) if n is not None)


def _controls(values: Values) -> Note | None:
    """Say how many controls look unusual among published groups and each other; the verdict counts them all."""
    check = values.get("control_check") or {}
    if not check.get("n_checked"):
        return None
    share, verb = _between(check.get("unusual_low"), check.get("unusual_high")), "has" if check["unusual"] == 1 else "have"
    told = (
        f"Held against the published groups and each other, {integer(check['unusual'])} of {plural(check['n_checked'], 'control')} {verb} p up to "
        f"{p_value(check['unusual_at'])} (exact 90% CI {share}; {percent(check['unusual_at'])} are expected)."
    )
    named = [name(s, limit=40) for s in check.get("suspicious") or ()]
    if not named:
        return Note("info", told)
    who = f"{listing(named, limit=12)} {'has' if len(named) == 1 else 'have'} p up to {p_value(check['suspicious_at'])}"
    act = "Please check the records. If they were ill or on antibiotics, leave them out for that reason and run again; never for their p alone."
    if check.get("warning"):
        return Note("alert", f"{told} {who}: several controls look unlike healthy people of other studies and of this one.", act)
    return Note("info", f"{told} {who}, as many as are common among healthy people.", act)


def _second(values: Values) -> Note | None:
    """Say how often the in-study verdict and the one aligned with published groups say the same."""
    told = _same(values)
    return Note("info", f"{told} The verdict is the first one, for it needs no assumption on other studies.") if told else None


def _same(values: Values) -> str:
    """Count the samples of which the second opinion says the same; empty where there is none."""
    second = values.get("second_opinion") or {}
    both = _compared(values)
    told = f"A second opinion, by published groups aligned to this study, says the same of {integer(second.get('same'))} of {plural(both, 'sample')}"
    if "second_verdict" in second:
        told += f" and calls {integer(second['second_verdict'])} of them outside, where the verdict calls {integer(second['verdict'])}"
    return f"{told}." if both else ""


def _compared(values: Values) -> int:
    """Count the samples that have a verdict and a second opinion."""
    second = values.get("second_opinion") or {}
    return int(second.get("same") or 0) + int(second.get("different") or 0)


def despite(results: Results, values: Values) -> tuple[str, ...]:
    """Say what a count of verdicts alone would hide: samples that are within though low, and how far the second opinion agrees."""
    low = (reading.record(results, "immune/samples").get("samples") or {}).get("within")
    weighs = "the verdict takes diversity, neighbours and composition together."
    told = f"{integer(low)} of those within {'has' if low == 1 else 'have'} low diversity or richness, controls among them: {weighs}" if low else ""
    return tuple(line for line in (told, _same(values)) if line)


def _local(results: Results, values: Values) -> Note | None:
    """Say between which limits of their own most controls lie, metric by metric, where there are enough for a cross-check and too few for a verdict."""
    limits = values.get("cross_check") or {}
    there = [f"{reading.metric(results, m).label} {span(at['low'], at['high'])}" for m, at in limits.items() if "low" in at]
    if there:
        return Note("info", f"Cross-check, no verdict: about 90% of this study's own controls lie between the limits of {listing(there, limit=12)}.")
    gone = list(dict.fromkeys(str(at["absent"]) for at in limits.values() if at.get("absent")))
    return Note("info", f"No cross-check by limits of this study's own controls: {name(gone[0], limit=200)}.") if gone else None


def _held(values: Values) -> Note | None:
    """Say how many samples could not be judged, by gate."""
    gates = values.get("gates") or {}
    held = {k: int(v) for k, v in (gates.get("held_back") or {}).items() if v}
    if values.get("tier") == "in-study":
        held = {"depth": int(gates.get("too_shallow") or 0)} if gates.get("too_shallow") else {}
    if not held:
        return None
    return Note("caution", f"Not assessable: {listing([f'{integer(n)} {HELD_BACK.get(k, k)}' for k, n in held.items()])}.")


def _undeclared(results: Results, values: Values) -> Note | None:
    """Say what of specimen and age was not declared."""
    gates = values.get("gates") or {}
    gone = [word for key, word in (("specimen", "the specimen"), ("age_band", "the age")) if gates.get(key) == "undeclared"]
    if not gone:
        return None
    told = f"{listing(gone)} {'was' if len(gone) == 1 else 'were'} not declared; the published groups are adult stool"
    return Note("info", sentence(told), "Name them with --specimen and --age-band, or in the cohort sheet.")


# ---------------------------------------------------------------- for a paper
CITED = {
    "in-study": ("vovk2005", "ledoit2004", "knapp2003", "gevers2014"),
    "aligned": ("knapp2003", "gevers2014"),
    "provisional": ("knapp2003", "gevers2014"),
}


def for_paper(results: Results) -> str:
    """Tell how verdicts were made, for the methods of a paper."""
    values, about = values_of(results), reading.record(results, PLACE)
    depth, draws, tier = about.get("depth"), (about.get("options") or {}).get("draws"), str(values.get("tier"))
    published = values.get("published") or {}
    told = []
    if tier == "in-study":
        who = "Each sample was judged" if missing(depth) else f"Each sample with at least {integer(depth)} reads was judged at that depth"
        mean = "" if missing(draws) else f", both averaged over {plural(draws, 'rarefaction draw')}"
        told.append(
            f"{who} by a full conformal p-value among the controls (Vovk et al. 2005), which combines low Shannon entropy with two measures of "
            "composition at the level of genera: the mean Bray-Curtis dissimilarity to its nearest neighbours and the Mahalanobis distance of "
            f"the centred log-ratios (covariance shrunk after Ledoit and Wolf 2004){mean}."
        )
    if published and (tier != "in-study" or _compared(values)):  # other specimens have no second opinion
        first = "As a second opinion, each sample was" if tier == "in-study" else "Each sample was"
        told.append(
            f"{first} held, at {integer(published.get('depth'))} reads, against {integer(published.get('groups'))} published healthy groups by random effects "
            "of study on location and scale (REML, Knapp and Hartung 2003), shrunk to this study by its "
            f"{plural(published.get('subjects'), 'control')}: low Shannon entropy of genera, distance of 28 parts of the community, and the balance of "
            "inflamed guts (Gevers et al. 2014), calibrated by leaving out one study at a time."
        )
    told.append(f"No sample was compared with samples of its own subject.{levels(values)}")
    row = _alarm(values, values.get("level_outside"))
    if row is not None:
        told.append(f"At p up to {p_value(row['level'])} this called {percent(row['mean'])} of healthy people of other studies outside.")
    return " ".join(told)
