"""Methods: a text for a paper, the inputs with their digests, the papers behind the methods, and what is not claimed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gutdiv.report import bibliography, cells, intake, naming, provenance, reading, standing
from gutdiv.report.panels import compared, intervals, ordination
from gutdiv.report.parts import Detail, Glossary, Panel, Part, Prose, Section, Sentence, Sentences
from gutdiv.report.wording import integer, listing, missing, name, plural, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gutdiv.model.results import Interval, Reference, Results

MARKER = "marker:"
NOT_CLAIMED = (
    "Nothing here is a diagnosis, and no sample is called healthy or ill. Verdicts and flags describe "
    "where a sample lies among the declared controls.",
    "No pathogen is reported: 16S reads seldom tell more than the genus, and genera that hold pathogens hold harmless species too.",
    "No association is called a cause. Transit time, stool consistency, antibiotics, acid blockers, diet, "
    "age and geography move both diversity and taxa.",
    "No immune function was measured. What is said of a taxon comes from the cited literature, often from species, strains or mice.",
    "Low Bifidobacterium or Lactobacillus is not called dysbiosis, and the Firmicutes to Bacteroidetes ratio takes no part in any verdict.",
    "No treatment, diet or supplement is advised. In a meta-analysis of 64 trials, fibre raised "
    "bifidobacteria and butyrate but not alpha diversity.",
    "Numbers hold for samples processed alike: another region, pipeline, database or depth gives other numbers for the same gut.",
)


def build(results: Results) -> Panel:
    """Assemble the panel."""
    text = Section(
        "text",
        "Text for a paper",
        (Prose(tuple(_paragraphs(results)), copy=True),),
        "Assembled from what was run; please check it against your study.",
    )
    parts: list[Part] = [cells.build("inputs", "Input files", _INPUTS, _read(results), source="cohort/cohort.json, and the records of later steps")]
    steps = tuple(_steps(results))
    parts += [cells.build("steps", "Steps with options and seeds", _STEPS, steps, source="the .json beside each table", interactive=True)] if steps else []
    parts += [Prose(tuple(results.commands.values()), copy=True, title="Commands", code=True)] if results.commands else []
    claims = Section("not-claimed", "What is not claimed", (Sentences(tuple(Sentence(s) for s in NOT_CLAIMED)),))
    papers = tuple(Detail("", entry) for entry in bibliography.entries(_citations(results)))
    listed: list[Part] = [Sentences(tuple(Sentence(d.text) for d in papers), numbered=True)]
    entries = bibliography.bibtex(_citations(results))
    listed += [Prose(entries, copy=True, title="BibTeX", code=True)] if entries else []
    sources = Section("sources", "Papers behind the methods", tuple(listed))
    inputs = Section("inputs", "Inputs and steps", tuple(parts), _AGAIN if results.commands else _SAME)
    measures = tuple(_measures(results))
    estimators = (
        Section("estimators", "How each metric is computed", (Glossary("Definitions as used here", measures),)) if measures else None
    )
    sections = [text, claims, estimators, naming.section(results), inputs, *provenance.sections(results), sources]
    lead = "How the numbers came about, so that they can be made again."
    return Panel("methods", "Methods", "Methods and limits", lead, tuple(s for s in sections if s is not None))


_SAME = "Same inputs, options, seeds and version give the same numbers."
_AGAIN = (
    f"{_SAME} The commands make each result again, in this order, in the folder of the results; input files are given by name only. Where cohorts "
    "were merged into this one, 'gutdiv cohort merge' comes before."
)
_INPUTS = (
    cells.column("Role", "role", cells.text),
    cells.column("File", "name", cells.text, kind="name"),
    cells.column("Format", "format", cells.text),
    cells.column("SHA-256", "sha256", cells.text, kind="name"),
)
_STEPS = (
    cells.column("Result", "place", cells.text),
    cells.column("Options", "options", cells.text, kind="phrase"),
    cells.column("Seed", "seed", cells.text),
    cells.column("Version", "version", cells.text),
)


def _read(results: Results) -> list[dict[str, Any]]:
    """Return every file from outside that was read: the cohort's inputs, then what later steps read, as a reference of healthy people."""
    later = [{**i, "role": _ROLES.get(str(i.get("role")), i.get("role"))} for i in provenance.outside(results)]
    return [*map(dict, results.cohort.get("inputs") or ()), *later]


_ROLES = {"published": "reference of published healthy groups"}


def _paragraphs(results: Results) -> Iterator[str]:
    """Write the methods text: a paragraph for each stage, from its rows and records, none where it did nothing."""
    writers = (_cohort_text, _alpha_text, _beta_text, compared.told, _reference_text, _verdict_text, _links_text)
    yield from (text for text in (write(results) for write in writers) if text)


def _cohort_text(results: Results) -> str:
    """Tell what was analysed and what fell out."""
    cohort = results.cohort
    lost = [f"{_part(f)} ({name(f.get('reason'), limit=120)})" for f in reading.fallen(results) if f.get("outcome") == "dropped"]
    text = (
        f"We analysed {plural(cohort.get('n_samples'), 'sample')} with "
        f"{plural(cohort.get('n_features'), 'feature')} and {integer(cohort.get('n_reads'))} reads "
        f"(median {integer((cohort.get('depth') or {}).get('median'))} per sample) with gutdiv {name(cohort.get('gutdiv_version'))}."
    )
    text += f" Left out were {listing(lost, limit=8)}." if lost else ""
    return " ".join(t for t in (text, intake.for_paper(results), naming.for_paper(results)) if t)


_PARTS = {"metadata": "metadata row", "taxonomy": "lineage", "tip": "tip of the tree"}


def _part(entry: Mapping[str, Any]) -> str:
    """Count what fell out in words."""
    word = _PARTS.get(str(entry.get("part")), name(entry.get("part")))
    return plural(entry.get("count"), word, many="tips of the tree" if word.startswith("tip") else "")


def _alpha_text(results: Results) -> str:
    """Tell how diversity within samples was measured."""
    labels = [reading.metric(results, m).label for m in _measured(results)]
    if not labels:
        return ""
    about = reading.record(results, "diversity/alpha")
    depth, draws = reading.depth(results), about.get("draws")
    rarefied = f"on counts rarefied to {integer(depth)} reads without replacement"
    how = f"on {intake.whole_counts(results)}" if depth is None else rarefied
    mean = "" if depth is None or missing(draws) else f", as the mean of {plural(draws, 'draw')} (seed {name(about.get('seed'))})"
    text = f"Alpha diversity ({listing(labels, limit=12)}; natural logarithms) was measured {how}{mean}."
    if reading.filled(results, "diversity/curves") is not None:
        text += " Rarefaction curves are exact expectations (Hurlbert 1971)."
    if not missing(reading.record(results, "diversity/standards").get("coverage")):
        text += " Hill numbers were also computed at equal coverage (Chao and Jost 2012)."
    return text


def _measured(results: Results) -> tuple[str, ...]:
    """Return the alpha metrics that have a value in at least one sample."""
    rows = reading.rows(reading.table(results, "diversity/alpha"))
    return tuple(dict.fromkeys(reading.at_level(r) for r in rows if not missing(r["value"])))


def _beta_text(results: Results) -> str:
    """Tell how dissimilarities were measured: on one draw, or on the counts as sequenced, as each record says."""
    names = _ordinated(results)
    if not names:
        return ""
    drawn: dict[int, list[str]] = {}
    whole = []
    for key in names:
        about, metric = reading.record(results, f"diversity/ordination/{key}"), reading.metric(results, key)
        if not missing(about.get("depth")):
            drawn.setdefault(int(about["depth"]), []).append(metric.label)
        elif "depth" in about:
            whole.append(f"{metric.label} ({metric.estimator})" if metric.estimator else metric.label)
    text = f"Dissimilarities between samples were {listing([reading.metric(results, n).label for n in names], limit=12)}."
    for depth, labels in sorted(drawn.items()):
        text += f" {listing(labels, limit=12)} {_was(len(labels))} measured on one rarefaction draw of {integer(depth)} reads per sample."
    if whole:
        text += f" {listing(whole, limit=12)} {_was(len(whole))} measured on {intake.whole_counts(results)}."
    return f"{text} {ordination.told(results)}"


def _ordinated(results: Results) -> tuple[str, ...]:
    """Return the dissimilarities whose ordination has rows."""
    return tuple(n for n in reading.under(results, "diversity/ordination/") if reading.filled(results, f"diversity/ordination/{n}"))


def _was(count: int) -> str:
    """Return the verb in the number that fits a count."""
    return "was" if count == 1 else "were"


def _reference_text(results: Results) -> str:
    """Tell how the reference intervals were made, or why none was."""
    reference = results.reference
    if reference is None:
        return ""
    kind = "healthy controls" if reference.controls_are == "healthy" else "controls (not declared healthy)"
    n = reference.n_subjects
    who = f"{plural(n, 'subject')} {_was(n)} declared as {kind} ({name(reference.declared, limit=200)})."
    if not reference.depth:
        return f"{who} No reference interval was made: samples were not rarefied, so nothing was compared at a common depth."
    made = _intervals(reference)
    gone: dict[str, list[str]] = {}
    apart = 0
    for i in reference.intervals:
        if i not in made and i.metric.startswith((intervals.TAXON, intervals.GUILD)):
            apart += 1
        elif i not in made:
            label = reading.metric(results, reading.at_level({"metric": i.metric, "level": i.level})).label
            gone.setdefault(name(i.absent, limit=200).rstrip("."), []).append(label)
    if not made:
        why = listing([w for w in gone if w], limit=3)
        return f"{who} No reference interval was made{f': {why}' if why else ''}."
    methods = listing(sorted({re.sub(r"Box-Cox power [-\d.]+", "Box-Cox", tidy(name(i.method))) for i in made if i.method}))
    numbers = sorted({i.n for i in made})
    count = integer(numbers[0]) + (f" to {integer(numbers[-1])}" if len(numbers) > 1 else "")
    text = (
        f"{who} Reference intervals were made from one sample of each that reached {integer(reference.depth)} reads (n = {count}): "
        f"the 2.5th to 97.5th percentile, with 90% confidence intervals of the limits (CLSI EP28-A3c{'; ' if methods else ''}{methods})."
    )
    text += f" None was made for {plural(apart, 'taxon or guild', many='taxa and guilds')}; each one's reason stands in the reference." if apart else ""
    return text + "".join(f" None was made for {listing(labels, limit=12)}{f': {w}' if w else ''}." for w, labels in gone.items())


def _intervals(reference: Reference | None) -> list[Interval]:
    """Return the intervals that have a limit; none where there was no common depth."""
    if reference is None or not reference.depth:
        return []
    return [i for i in reference.intervals if i.lower is not None or i.upper is not None]


def _verdict_text(results: Results) -> str:
    """Tell how verdicts were made, or why no sample was judged."""
    found = reading.filled(results, "dysbiosis/verdicts")
    if found is None:
        return ""
    if not _judged(results):
        reasons = dict.fromkeys(name(r["reason"], limit=200).rstrip(".") for r in reading.rows(found) if not missing(r["reason"]))
        return f"No sample was judged{': ' if reasons else ''}{listing(list(reasons), limit=3)}."
    return standing.for_paper(results)


def _judged(results: Results) -> bool:
    """Whether at least one sample has a verdict."""
    rows = reading.rows(reading.table(results, "dysbiosis/verdicts"))
    return any(r["verdict"] != "not assessable" for r in rows)


def _links_text(results: Results) -> str:
    """Tell how taxa were linked with the diversity of the others, and with markers."""
    about = reading.record(results, "immune/links")
    families = list(dict.fromkeys(str(r["test_family"]) for r in reading.rows(reading.table(results, "immune/links"))))
    if not families:
        return ""
    markers = [name(f.removeprefix(MARKER), limit=60) for f in families if f.startswith(MARKER)]
    against = ["the Shannon diversity of all other taxa"] if len(markers) < len(families) else []
    against += [f"the marker{'s' if len(markers) > 1 else ''} {listing(markers, limit=10)}"] if markers else []
    options = about.get("options") or {}
    covariates = [name(c, limit=40) for c in options.get("covariate") or options.get("covariates") or ()]
    adjusted = f", adjusted for {listing(covariates, limit=10)}" if covariates else ""
    errors = "" if missing(about.get("judged_by")) else f", with standard errors by {name(about['judged_by'], limit=120)}"
    apart = (
        " Immune-relevant taxa, named beforehand from the literature, and all other taxa are two families, "
        "each with its own q-values (Benjamini and Hochberg 1995)."
    )
    own = " The taxa with each marker are a family of their own, with q-values by Benjamini and Hochberg (1995)."
    load = options.get("load") if about.get("scale") == "absolute" else None
    measured = f" Slopes are of absolute abundance, by the load measured as {name(load, limit=60)}." if load else " Total load was not measured."
    relative = "" if load else "; slopes are relative to the median slope of the prevalent taxa"
    return (
        "Each taxon found in at least 10% of samples was regressed, as the logarithm of its reads less its expectation at the sample's "
        f"effort, on {listing(against, last='and, apart from it, on')}{adjusted}{relative}{errors}."
        f"{apart if len(markers) < len(families) else ''}{own if markers else ''}{measured}"
    )


def _citations(results: Results) -> Iterator[str]:
    """Name the papers behind what was done."""
    for key in (*_measured(results), *_ordinated(results)):
        yield reading.metric(results, key).citation
    if _ordinated(results):
        yield "gower1966"
    if ordination.estimated(results):
        yield "ubaru2017"
    if ordination.by_landmarks(results):
        yield from ("gower1968", "desilva2004", "platt2005")
    if reading.depth(results) is not None:
        yield "schloss2024"
    if reading.filled(results, "diversity/curves") is not None:
        yield "hurlbert1971"
    if not missing(reading.record(results, "diversity/standards").get("coverage")):
        yield "chao2012"
    yield from compared.citations(results)
    if reading.filled(results, "immune/links") is not None:
        yield "benjamini1995"
    if _intervals(results.reference):
        yield "clsi2010"
    if _judged(results):
        yield from standing.CITED.get(str(standing.values_of(results).get("tier")), ())


def _measures(results: Results) -> Iterator[Detail]:
    """Tell the estimator of each metric."""
    for key in (*_measured(results), *_ordinated(results)):
        metric = reading.metric(results, key)
        if metric.estimator:
            yield Detail(metric.label, f"{metric.estimator}{f' ({metric.unit})' if metric.unit else ''}")


def _steps(results: Results) -> Iterator[Mapping[str, Any]]:
    """List every result with the options, seed and version that made it."""
    for place in sorted(results.tables):
        source = results.tables[place].record
        options = source.get("options") or {}
        told = "; ".join(f"{k}: {_option(v)}" for k, v in sorted(options.items()) if not missing(v) and v not in ([], {}, False))
        seed = source.get("seed")
        yield {"place": place, "options": told, "seed": "" if missing(seed) else str(seed), "version": source.get("gutdiv_version")}


def _option(value: Any) -> str:
    """Write an option's value."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
