"""What each sample's own page shows, as plain data: once what all samples share, and little for each of them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gutdiv.report import anonymous, charts, courses, evidence, pseudonyms, reading, sample_words, shown, standing, story
from gutdiv.report.parts import SamplePages
from gutdiv.report.wording import capital, fixed, integer, listing, missing, name, number, p_value, percent, plural, sentence, signed, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Interval, Results

    Rows = dict[str, list[dict[str, Any]]]

VERDICT, FLAG, COMPOSITION = "dysbiosis/verdicts", "dysbiosis/flags", "diversity/composition"
ALPHA = "diversity/alpha"
EXPLAINED, STABLE, IMMUNE = "dysbiosis/explanations", "dysbiosis/stability", "immune/samples"
RANK = "genus"
CONTROLS = "controls"
_Q = "q is p corrected for how many samples were judged: about this share of the samples with a q as small are false alarms. The verdict goes by p."
_AGREEMENT = {"same": "the same as the verdict", "different": "not what the verdict says"}
COMPONENTS = {"diversity": "low diversity", "neighbours": "distance to the nearest controls", "composition": "composition", "index": "MDI"}


def build(results: Results, *, whole: Results | None = None) -> SamplePages | None:
    """Assemble the pages of all samples; None where there is no sample in the results.

    Where the results are a part of those that the page is made of, `whole` are all of them: names that stand elsewhere on the page can be hidden too.
    """
    metadata = results.metadata
    if metadata is None or not metadata.ids:
        return None
    verdicts = {str(r["sample_id"]): r for r in reading.rows(reading.table(results, VERDICT))}
    flags, immune = _flags(results), _by_sample(results, IMMUNE)
    metrics = list(dict.fromkeys(str(r["metric"]) for rows in flags.values() for r in rows))
    followed = courses.build(results)
    numbers, named = _numbers(results, whole or results)
    explained, stable = ({k: v[0] for k, v in _by_sample(results, place).items()} for place in (EXPLAINED, STABLE))
    points, shares, own_taxa = _points(results), _shares(results), _own_taxa(results)
    columns = shown.columns(results)
    roles = reading.roles(results)
    samples = []
    for i, sample in enumerate(metadata.ids):
        verdict, own = verdicts.get(sample, {}), {str(f["metric"]): f for f in flags.get(sample, ())}
        samples.append(
            {
                "id": name(sample),
                "n": numbers[sample],
                "verdict": str(verdict.get("verdict", "not assessable")) if verdicts else "",
                "said": _said(results, verdict, own, stable.get(sample), explained.get(sample, {})),
                "metrics": [_flag(own.get(m)) for m in metrics],
                "drivers": _drivers(verdict),
                "parts": _parts(explained.get(sample, {}), verdict),
                "ranks": _ranks(verdict),
                "near": [name(n[0] if isinstance(n, list) else n) for n in _list(explained.get(sample, {}).get("nearest"))],
                "shares": shares.get(sample, []),
                "own": own_taxa.get(sample, []),
                "at": points.get(sample),
                "immune": [_state(r) for r in _states(immune.get(sample, []))],
                "told": [name(metadata.columns[c][i], limit=200) for c in columns],
                "person": name(metadata.columns[roles["subject"]][i]) if roles.get("subject") in metadata.columns else "",
                "time": followed.times.get(sample),
                "course": followed.values.get(sample, []),
            }
        )
    used = {str(r["row"]) for rows in immune.values() for r in rows if not missing(r["row"])}
    shared: dict[str, Any] = {
        "metrics": [_metric(results, m, flags) for m in metrics],
        "columns": [name(c, limit=60) for c in columns],
        "taxa": [name(t, limit=60) for t in (reading.record(results, COMPOSITION).get("taxa") or {}).get(RANK, ())],
        "means": _means(results),
        "means_of": reading.controls_word(results) if _controlled(results) else "samples",
        "limits": any(_metric(results, m, flags)["interval"] for m in metrics),
        "controls": reading.controls_word(results),
        "axes": _axes(results),
        "evidence": _evidence(results, used),
        "immune": _immune_words(results),
        "cannot": list(sample_words.CANNOT),
        "courses": {"metrics": list(followed.metrics), "time": followed.time if followed.times else "", "source": followed.source},
        "names": named,
    }
    return SamplePages({**shared, "blocks": sample_words.blocks(shared, judged=bool(verdicts))}, tuple(samples))


def _numbers(results: Results, whole: Results) -> tuple[dict[str, int], dict[str, Any]]:
    """Number all samples by their digests, and say which other names and which columns are hidden with theirs."""
    metadata, roles = results.metadata, reading.roles(results)
    samples, subjects = pseudonyms.known(whole)
    numbers = {s: i for i, s in enumerate(pseudonyms.in_order(samples), start=1)}
    inside = set(metadata.ids) if metadata is not None else set()
    return numbers, {
        "people": [name(s) for s in pseudonyms.in_order(subjects)],
        "fallen": [[name(s), numbers[s]] for s in sorted(samples - inside)],
        "person": name(roles.get("subject"), limit=60),
        "telling": [name(c, limit=60) for c in anonymous.telling(metadata, roles)] if metadata is not None else [],
    }


def _flags(results: Results) -> Rows:
    """Sort flags by sample, and after them the values of alpha diversity that no flag speaks of."""
    found = _by_sample(results, FLAG)
    flagged = {(sample, str(r["metric"])) for sample, rows in found.items() for r in rows}
    for row in reading.rows(reading.table(results, ALPHA)):
        sample, key = str(row["sample_id"]), reading.at_level(row)
        if (sample, key) not in flagged:
            at = "" if missing(row["depth"]) else f" at {integer(row['depth'])} reads"
            none = f"no value{at}" if missing(row["value"]) else None
            found[sample].append({"metric": key, "value": row["value"], "lower": None, "upper": None, "flag": "", "reason": none})
    return found


def _by_sample(results: Results, place: str) -> Rows:
    """Sort a table's rows by sample."""
    found: Rows = defaultdict(list)
    for row in reading.rows(reading.table(results, place)):
        found[str(row["sample_id"])].append(row)
    return found


# ---------------------------------------------------------------- the verdict
def _said(
    results: Results, verdict: Mapping[str, Any], flags: Mapping[str, Mapping[str, Any]], stable: Mapping[str, Any] | None, explained: Mapping[str, Any]
) -> list[str]:
    """Say the verdict in sentences: what, against whom, how sure, how stable, or why there is none."""
    if not verdict:
        return ["Not assessed: these results hold no verdicts, for no controls were declared or none was asked for. What was measured is shown."]
    word, tier = str(verdict["verdict"]), str(verdict["tier"])
    lines = []
    if missing(verdict["p"]):
        lines.append(sentence(f"Not assessable: {name(verdict['reason'], limit=400)}" if not missing(verdict["reason"]) else "Not assessable"))
    else:
        against = plural(verdict["n_reference"], "control")
        first = f"Provisional: {word}" if tier == "provisional" else capital(word)
        meaning = story.VERDICT_MEANING[word] if tier == "in-study" else standing.MEANING[word]
        lines.append(f"{first}: {meaning}, p = {p_value(verdict['p'])}, q = {p_value(verdict['q'])} ({tier}, {against}).")
        lines += [] if missing(verdict["q"]) else [_Q]
        lines += _despite(word, flags)
    if verdict.get("is_control") and not missing(verdict["p"]):
        lines.append("The sample is one of the declared controls and was held against the others.")
    if not missing(verdict.get("position_p")) and missing(verdict["p"]):
        place = f"Position among published healthy groups: p = {p_value(verdict['position_p'])}"
        lines.append(f"{place}; differences between laboratories are in it, and it is no verdict.")
    if not missing(verdict.get("second_verdict")):
        agreed = "" if missing(verdict.get("agreement")) else "; " + _AGREEMENT.get(str(verdict["agreement"]), name(verdict["agreement"]))
        second = f"{name(verdict['second_verdict'])} (p = {p_value(verdict['second_p'])})"
        lines.append(f"Second opinion, by the reference across studies: {second}{agreed}.")
    beyond = [f"{reading.metric(results, m).label} ({side})" for m, side in _list(explained.get("beyond_local"))]
    lines += [f"Beyond this study's own limits at 5%: {listing(beyond, limit=12)}. A cross-check, no verdict."] if beyond else []
    if stable:
        kinds = (("draws_same", "draws", "single rarefaction draws"), ("bootstraps_same", "bootstraps", "resamplings of the controls"))
        shares = [f"{percent(stable[key])} of {integer(stable[count])} {what}" for key, count, what in kinds if not missing(stable[key])]
        lines.append(f"The verdict stays in {', and in '.join(shares)}.")
    return lines


def _despite(word: str, flags: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say of a sample that is within how many metrics lie beyond their interval nevertheless."""
    sides = [str(f["flag"]) for f in flags.values() if str(f["flag"]) in {"below", "above"}]
    if word != "within" or not sides:
        return []
    counts = listing([f"{sides.count(side):,} {side}" for side in ("below", "above") if side in sides])
    lie = f"{len(sides):,} of {plural(len(flags), 'metric')} {'lies outside its' if len(sides) == 1 else 'lie outside their'} own interval ({counts})"
    return [f"Yet {lie}: the verdict takes diversity, neighbours and composition together."]


def _parts(row: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[list[Any]]:
    """Return what each component contributes to the score, the largest first; nothing without an explanation."""
    found = [(word, row.get(f"share_{key}")) for key, word in COMPONENTS.items()]
    shares = sorted(((w, float(v)) for w, v in found if v is not None and not missing(v)), key=lambda s: -s[1])
    return [[w, round(v, 3), percent(v)] for w, v in shares]


def _ranks(verdict: Mapping[str, Any]) -> str:
    """Say how many controls are as unusual in each component; empty where it is not known."""
    found = [f"{word} {p_value(verdict[f'rank_{k}'])}" for k, word in COMPONENTS.items() if not missing(verdict.get(f"rank_{k}"))]
    return f"Share of controls at least as unusual: {', '.join(found)}." if found else ""


def _drivers(verdict: Mapping[str, Any]) -> list[list[Any]]:
    """Return the taxa farthest from the controls, with robust z as number and as text."""
    return [[name(t, limit=60), round(float(z), 2), signed(z, 1)] for t, z in _list(verdict.get("drivers"))]


def _list(text: Any) -> list[Any]:
    """Read a JSON list of a cell; anything else is no list."""
    try:
        found = json.loads(str(text))
    except ValueError:
        return []
    return found if isinstance(found, list) else []


# ---------------------------------------------------------------- metrics
def _flag(row: Mapping[str, Any] | None) -> list[Any]:
    """Return value, flag and, where nothing can be said, the reason."""
    if row is None:
        return []
    value = None if missing(row["value"]) else charts.rounded(row["value"])
    return [value, number(row["value"]), str(row["flag"]), name(row["reason"], limit=300)]


def _metric(results: Results, key: str, flags: Rows) -> dict[str, Any]:
    """Return a metric's label and interval, and the ends between which bars are drawn."""
    intervals = {reading.at_level({"metric": i.metric, "level": i.level}): i for i in (results.reference.intervals if results.reference else ())}
    interval: Interval | None = intervals.get(key)
    every = [f for rows in flags.values() for f in rows if str(f["metric"]) == key]
    values = [float(f[k]) for f in every for k in ("value", "lower", "upper") if not missing(f[k])]
    limits = {}
    if interval is not None:
        limits = {k: charts.rounded(getattr(interval, k)) for k in ("lower", "upper", "median")}
        for side in ("lower", "upper"):
            found = getattr(interval, f"{side}_ci")
            limits[f"{side}_ci"] = None if found is None else [charts.rounded(v) for v in found]  # type: ignore[assignment]
    text = "" if interval is None or (interval.lower is None and interval.upper is None) else span(interval.lower, interval.upper)
    ends = [charts.rounded(min(values)), charts.rounded(max(values))] if values else None
    return {"label": reading.metric(results, key).axis, "ends": ends, "interval": text, **limits}


# ---------------------------------------------------------------- composition and place
def _shares(results: Results) -> dict[str, list[float]]:
    """Return each sample's shares, in the order of the record's taxa."""
    taxa = (reading.record(results, COMPOSITION).get("taxa") or {}).get(RANK, ())
    place = {t: i for i, t in enumerate(taxa)}
    found: dict[str, list[float]] = {}
    for row in reading.rows(reading.table(results, COMPOSITION)):
        if row["rank"] == RANK and row["taxon"] in place:
            found.setdefault(str(row["sample_id"]), [0.0] * len(place))[place[row["taxon"]]] = round(float(row["share"]), 4)
    return found


def _own_taxa(results: Results) -> dict[str, list[list[Any]]]:
    """Return the genera that hold much of a sample without being among the study's most abundant ones, with their shares, by sample."""
    rows = (reading.record(results, COMPOSITION).get("own_taxa") or {}).get(RANK, ())
    return {str(sample): [[name(taxon, limit=60), share] for taxon, share in found] for sample, found in rows}


def _means(results: Results) -> list[float]:
    """Return the mean shares of the controls, else of all samples."""
    means = (reading.record(results, COMPOSITION).get("means") or {}).get(RANK) or {}
    return list(means.get(CONTROLS) or means.get("all samples") or ())


def _controlled(results: Results) -> bool:
    """Whether the means of composition are those of declared controls."""
    return bool(((reading.record(results, COMPOSITION).get("means") or {}).get(RANK) or {}).get(CONTROLS))


def _points(results: Results) -> dict[str, list[float | None]]:
    """Return each sample's place in the first ordination."""
    names = reading.under(results, "diversity/ordination/")
    found = reading.filled(results, f"diversity/ordination/{names[0]}") if names else None
    if found is None or not {"axis_1", "axis_2"} <= set(found.frame.columns):
        return {}
    return {str(r["sample_id"]): [_short(r["axis_1"]), _short(r["axis_2"])] for r in reading.rows(found)}


def _short(value: Any) -> float | None:
    """Round a coordinate to what a small picture shows."""
    return None if missing(value) else float(f"{float(value):.4g}")


def _axes(results: Results) -> dict[str, Any]:
    """Name the ordination and its axes."""
    names = reading.under(results, "diversity/ordination/")
    if not names:
        return {}
    explained = reading.record(results, f"diversity/ordination/{names[0]}").get("proportion_explained") or ()
    words = [f"Axis {i} ({percent(share)} of the variation)" for i, share in enumerate(explained[:2], start=1)]
    source = f"diversity/ordination/{names[0]}.tsv"
    return {"label": reading.metric(results, names[0]).label, "axes": words if len(words) > 1 else ["Axis 1", "Axis 2"], "source": source}


# ---------------------------------------------------------------- immune-relevant taxa
def _states(rows: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], list[int]]]:
    """Put the rows on one taxon or guild together: its first row, and the rows of the knowledge base."""
    found: dict[tuple[str, str], tuple[dict[str, Any], list[int]]] = {}
    for row in rows:
        _, numbers = found.setdefault((str(row["level"]), str(row["name"])), (row, []))
        numbers += [] if missing(row["row"]) else [int(row["row"])]
    return list(found.values())


def _state(found: tuple[dict[str, Any], list[int]]) -> list[Any]:
    """Return name, level, state, what was seen in words, and the rows of the knowledge base."""
    row, numbers = found
    limit = f"not detected; it would be seen 95% of the time above {percent(row['detection_limit'])} of the reads"
    whose = "genera that it is told of: " if row["level"] == "guild" else ""  # a genus counts whole, whatever its species
    seen = f"{whose}{percent(row['share'])} of the reads" if row["detected"] else limit
    words = [seen]
    if not missing(row["control_share"]):
        words.append(f"{percent(row['control_share'])} in the median control")
    if not missing(row["control_tail"]):
        words.append(f"{percent(row['control_tail'])} of {plural(row['n_controls'], 'control')} as far out")
    return [name(row["name"], limit=60), str(row["level"]), str(row["state"]), "; ".join(words), sorted(numbers), name(row["agreement"])]


def _evidence(results: Results, used: set[str]) -> dict[str, Any]:
    """Return what the knowledge base holds of the rows that any sample names."""
    references = {r.get("key", ""): r for r in results.knowledge.get("references", ())}
    return {
        row["row"]: {"short": evidence.in_short(row, references), "details": [asdict(d) for d in evidence.of_row(row, references)]}
        for row in results.knowledge.get("immune_taxa", ())
        if row.get("row") in used
    }


def _immune_words(results: Results) -> dict[str, Any]:
    """Return how many taxa a control would have by chance, and why there is nothing where there is nothing."""
    about = reading.record(results, IMMUNE)
    chance = about.get("by_chance") or {}
    rates = [f"{fixed(chance[k], 1)} {k}" for k in ("depleted", "enriched") if not missing(chance.get(k))]
    told = f"A control judged by the same rule has {listing(rates)} on average." if rates else ""
    gone = [sentence(f"Not looked at: {name(why)}") for _, why in reading.absences(about)]
    return {"told": told, "absent": " ".join(gone), "made": IMMUNE in results.tables}
