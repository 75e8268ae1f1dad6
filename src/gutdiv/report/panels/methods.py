"""Methods: a text for a paper, the inputs with their digests, the papers behind the methods, and what is not claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import bibliography, cells, reading, story
from gutdiv.report.parts import Detail, Glossary, Panel, Part, Prose, Section, Sentence, Sentences
from gutdiv.report.wording import integer, listing, missing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gutdiv.model.results import Results

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
    parts: list[Part] = [cells.build("inputs", "Input files", _INPUTS, results.cohort.get("inputs") or (), source="cohort/cohort.json")]
    steps = tuple(_steps(results))
    parts += [cells.build("steps", "Steps with options and seeds", _STEPS, steps, source="the .json beside each table")] if steps else []
    claims = Section("not-claimed", "What is not claimed", (Sentences(tuple(Sentence(s) for s in NOT_CLAIMED)),))
    papers = tuple(Detail("", entry) for entry in bibliography.entries(_citations(results)))
    sources = Section("sources", "Papers behind the methods", (Sentences(tuple(Sentence(d.text) for d in papers), numbered=True),))
    inputs = Section("inputs", "Inputs and steps", tuple(parts), "Same inputs, options, seeds and version give the same numbers.")
    measures = tuple(_measures(results))
    estimators = (
        Section("estimators", "How each metric is computed", (Glossary("Definitions as used here", measures),)) if measures else None
    )
    sections = [text, claims, estimators, inputs, sources]
    lead = "How the numbers came about, so that they can be made again."
    return Panel("methods", "Methods", "Methods and limits", lead, tuple(s for s in sections if s is not None))


_INPUTS = (
    cells.column("Role", "role", cells.text),
    cells.column("File", "name", cells.text, kind="name"),
    cells.column("Format", "format", cells.text),
    cells.column("SHA-256", "sha256", cells.text, kind="name"),
)
_STEPS = (
    cells.column("Result", "place", cells.text),
    cells.column("Options", "options", cells.text, kind="name"),
    cells.column("Seed", "seed", cells.text),
    cells.column("Version", "version", cells.text),
)


def _paragraphs(results: Results) -> Iterator[str]:
    """Write the methods text, a paragraph a stage that was run."""
    yield _cohort_text(results)
    if "diversity/alpha" in results.tables:
        yield _diversity_text(results)
    if any(p.startswith("comparison/") for p in results.tables):
        yield _comparison_text(results)
    if results.reference is not None:
        yield _reference_text(results)
    if "dysbiosis/verdicts" in results.tables and not reading.obstacle(results):
        yield _verdict_text(results)
    if reading.filled(results, "immune/links") is not None:
        yield _links_text(results)


def _cohort_text(results: Results) -> str:
    """Tell what was analysed and what fell out."""
    cohort = results.cohort
    lost = [f"{_part(f)} ({name(f.get('reason'), limit=120)})" for f in reading.fallen(results) if f.get("outcome") == "dropped"]
    text = (
        f"We analysed {plural(cohort.get('n_samples'), 'sample')} with "
        f"{plural(cohort.get('n_features'), 'feature')} and {integer(cohort.get('n_reads'))} reads "
        f"(median {integer((cohort.get('depth') or {}).get('median'))} per sample) with gutdiv {name(cohort.get('gutdiv_version'))}."
    )
    return f"{text} Left out were {listing(lost, limit=8)}." if lost else text


_PARTS = {"metadata": "metadata row", "taxonomy": "lineage", "tip": "tip of the tree"}


def _part(entry: Mapping[str, Any]) -> str:
    """Count what fell out in words."""
    word = _PARTS.get(str(entry.get("part")), name(entry.get("part")))
    return plural(entry.get("count"), word, many="tips of the tree" if word.startswith("tip") else "")


def _diversity_text(results: Results) -> str:
    """Tell how diversity was measured."""
    about = reading.record(results, "diversity/alpha")
    labels = [reading.metric(results, m).label for m in reading.alpha_metrics(results)]
    depth, draws = reading.depth(results), about.get("draws")
    how = "on the counts as sequenced" if depth is None else f"on counts rarefied to {integer(depth)} reads without replacement"
    mean = "" if missing(draws) else f", as the mean of {plural(draws, 'draw')} (seed {name(about.get('seed'))})"
    text = f"Alpha diversity ({listing(labels, limit=12)}; natural logarithms) was measured {how}{mean}."
    names = [reading.metric(results, n).label for n in reading.under(results, "diversity/ordination/")]
    if names:
        text += (
            f" Dissimilarities between samples were {listing(names, limit=12)}; they were ordinated by principal "
            "coordinates analysis (Gower 1966)."
        )
    return text


def _comparison_text(results: Results) -> str:
    """Tell how groups were compared."""
    text = ""
    rows = list(reading.rows(reading.table(results, "comparison/alpha")))
    if rows:
        tests = sorted({name(r["test"]) for r in rows if not missing(r["test"])})
        effects = sorted({name(r["effect_name"]) for r in rows if not missing(r["effect_name"])})
        by = sorted({name(r["variable"], limit=60) for r in rows})
        text = (
            f"Alpha diversity was compared by {listing(by)} ({listing(tests)}; effect sizes {listing(effects)} "
            "with 95% confidence intervals), with q-values by Benjamini and Hochberg (1995) within each family of tests."
        )
    between = [
        r for n in reading.under(results, "comparison/permanova/") for r in reading.rows(results.tables[f"comparison/permanova/{n}"])
    ]
    if between:
        permutations = next((r["permutations"] for r in between if not missing(r["permutations"])), None)
        count = "" if missing(permutations) else f", {plural(permutations, 'permutation')}"
        scheme = next((name(r["permutation_scheme"]) for r in between if not missing(r.get("permutation_scheme"))), "")
        exchanged = f"; {scheme}" if scheme else ""
        text += f" Differences between communities were tested by PERMANOVA (Anderson 2001{count}{exchanged})."
    return text.strip()


def _reference_text(results: Results) -> str:
    """Tell how the reference intervals were made."""
    reference = results.reference
    if reference is None:
        return ""
    kind = "healthy controls" if reference.controls_are == "healthy" else "controls (not declared healthy)"
    who = f"{plural(reference.n_subjects, 'subject')} declared as {kind} ({name(reference.declared, limit=200)})"
    made = [i for i in reference.intervals if i.absent is None]
    if not made:
        why = listing(sorted({name(i.absent) for i in reference.intervals}), limit=3)
        return f"The reference was {who}. Reference intervals were not made: {why.rstrip('.')}." if why else f"The reference was {who}."
    methods = listing(sorted({name(i.method) for i in made if i.method}))
    return (
        f"The reference was {who}, with one sample of each subject that reached {integer(reference.depth)} "
        "reads. Reference intervals are the "
        f"2.5th to 97.5th percentile, with 90% confidence intervals of both limits (CLSI EP28-A3c{'; ' if methods else ''}{methods})."
    )


def _verdict_text(results: Results) -> str:
    """Tell how verdicts were made."""
    return (
        "Each sample was judged by a full conformal p-value among the controls (Vovk et al. 2005), which "
        "combines low Shannon entropy, the mean "
        "Bray-Curtis dissimilarity to its nearest neighbours and the Mahalanobis distance of the centred "
        "log-ratios of its genera (covariance "
        "shrunk after Ledoit and Wolf 2004); no sample was compared with samples of its own subject."
        f"{story.levels(results)}"
    )


def _links_text(results: Results) -> str:
    """Tell how taxa were linked with the diversity of the others."""
    about = reading.record(results, "immune/links")
    covariates = [
        name(c, limit=40) for c in (about.get("options") or {}).get("covariate") or (about.get("options") or {}).get("covariates") or ()
    ]
    judged = name(about.get("judged_by")) or "a heteroscedasticity-consistent estimator"
    adjusted = f", adjusted for {listing(covariates, limit=10)}" if covariates else ""
    return (
        "Each taxon found in at least 10% of samples was regressed, as the logarithm of its reads less its "
        "expectation at the sample's effort, on the Shannon diversity of all other taxa"
        f"{adjusted}; slopes are relative to the median slope of the prevalent taxa, with standard errors by {judged}. "
        "Immune-relevant taxa, named beforehand from the literature, and all other taxa are two families, "
        "each with its own q-values (Benjamini and Hochberg 1995). Total load was not measured."
    )


def _citations(results: Results) -> Iterator[str]:
    """Name the papers behind what was run."""
    tables = results.tables
    for key in reading.alpha_metrics(results):
        yield reading.metric(results, key).citation
    for key in reading.under(results, "diversity/ordination/"):
        yield reading.metric(results, key).citation
        yield "gower1966"
    if reading.depth(results) is not None:
        yield "schloss2024"
    if reading.under(results, "comparison/permanova/"):
        yield "anderson2001"
    if "comparison/alpha" in tables or "immune/links" in tables:
        yield "benjamini1995"
    if results.reference is not None:
        yield "clsi2010"
        if "dysbiosis/verdicts" in tables and not reading.obstacle(results):
            yield from ("vovk2005", "ledoit2004")


def _measures(results: Results) -> Iterator[Detail]:
    """Tell the estimator of each metric."""
    keys = [*reading.alpha_metrics(results), *reading.under(results, "diversity/ordination/")]
    for key in keys:
        metric = reading.metric(results, key)
        if metric.estimator:
            yield Detail(metric.label, f"{metric.estimator}{f' ({metric.unit})' if metric.unit else ''}")


def _steps(results: Results) -> Iterator[Mapping[str, Any]]:
    """List every result with the options, seed and version that made it."""
    for place in sorted(results.tables):
        source = results.tables[place].record
        options = source.get("options") or {}
        told = ", ".join(f"{k} {_option(v)}" for k, v in sorted(options.items()) if not missing(v) and v != [])
        seed = source.get("seed")
        yield {"place": place, "options": told, "seed": "" if missing(seed) else str(seed), "version": source.get("gutdiv_version")}


def _option(value: Any) -> str:
    """Write an option's value."""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
