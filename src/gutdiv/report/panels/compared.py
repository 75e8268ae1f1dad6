"""How groups were compared, in sentences for a paper with the papers behind them: each hangs on rows that hold a p-value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.panels import abundance, constrained, longitudinal, models
from gutdiv.report.panels.structure import PAIRS, POSITION, SPREAD
from gutdiv.report.wording import integer, listing, missing, name, plural, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gutdiv.model.results import Results

ALPHA = "comparison/alpha"


def told(results: Results) -> str:
    """Tell how groups were compared; empty where they were not."""
    writers = (_alpha, _models, _position, _spread, _pairs, _constrained, _abundance, _followed)
    return " ".join(text for text in (write(results) for write in writers) if text)


def citations(results: Results) -> Iterator[str]:
    """Name the papers behind these comparisons."""
    alpha, modelled, taxa, followed = _valued(results, ALPHA), models.tested(results), abundance.tested(results), longitudinal.tested(results)
    if _folder(results, POSITION) or _folder(results, PAIRS):
        yield "anderson2001"
    if _folder(results, SPREAD):
        yield "anderson2006"
    if constrained.drawn(results):
        yield "legendre1999"
    if any("Welch" in str(r["test"]) for r in alpha):
        yield "welch1947"
    if any(r["effect_name"] == "Cliff's delta" for r in alpha):
        yield "cliff1993"
    if any("mixed" in str(r["test"]) for r in (*modelled, *followed)):
        yield "laird1982"
    if any("HC3" in str(r["test"]) for r in (*modelled, *taxa)):
        yield "mackinnon1985"
    if taxa:
        yield "zhou2022"
    if any(not missing(r["ancombc2_p"]) for r in taxa):
        yield "lin2024"
    if alpha or modelled or taxa or followed or _folder(results, PAIRS):
        yield "benjamini1995"


def _valued(results: Results, place: str) -> list[dict[str, Any]]:
    """Return the tests of a table that gave a p-value."""
    return [r for r in reading.rows(reading.table(results, place)) if not missing(r["p"])]


def _folder(results: Results, folder: str) -> list[dict[str, Any]]:
    """Return the tests of a folder's tables that gave a p-value."""
    return [r for n in reading.under(results, folder) for r in _valued(results, f"{folder}{n}")]


def _words(rows: Iterable[Mapping[str, Any]], column: str) -> list[str]:
    """Return the words that a column holds, in order; a unit that is called as its column is named once."""
    words = (name(r[column], limit=160) for r in rows if not missing(r.get(column)))
    return sorted({w.replace("subject (subject; ", "subject (").replace("subject (subject)", "subject") for w in words})


_STATISTICS = {"F": "F", "t": "t", "Wald": "Wald"}
_FITS = {"mixed": "mixed models with a ", "linear": "linear models with "}


def _fitted(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Word tests of models: `F, mixed, random intercept by subject` as F tests of mixed models with a random intercept by subject; others as they stand."""
    found: dict[str, list[str]] = {}
    for test in _words(rows, "test"):
        statistic, _, fit = test.partition(", ")
        kind, _, how = fit.partition(", ")
        known = statistic in _STATISTICS and kind in _FITS and how
        found.setdefault(f" tests of {_FITS[kind]}{how}" if known else "", []).append(statistic if known else test)
    return [text for fit, words in found.items() for text in ([f"{listing(words)}{fit}"] if fit else words)]


def _alpha(results: Results) -> str:
    """Tell how alpha diversity was compared."""
    rows = _valued(results, ALPHA)
    if not rows:
        return ""
    bounded = sorted({name(r["effect_name"]) for r in rows if not (missing(r["effect_name"]) or missing(r["ci_low"]))})
    plain = sorted(set(_words(rows, "effect_name")) - set(bounded))
    effects = [f"{listing(bounded)} with 95% confidence intervals"] if bounded else []
    effects += [f"{listing(plain)}{' without' if bounded else ''}"] if plain else []
    by = sorted({name(r["variable"], limit=60) for r in rows})
    return (
        f"Alpha diversity was compared by {listing(by)} ({listing(_words(rows, 'test'))}; effect sizes: {listing(effects)}), "
        "with q-values by Benjamini and Hochberg (1995) within each family of tests."
    )


def _models(results: Results) -> str:
    """Tell which models of alpha diversity were fitted."""
    rows = models.tested(results)
    if not rows:
        return ""
    formula = reading.record(results, models.PLACE).get("formula")
    what = "" if missing(formula) else f" by {quoted(formula)}"
    return f"Alpha diversity was modelled{what} by {listing(_fitted(rows))} (unit: {listing(_words(rows, 'unit'))})."


def _position(results: Results) -> str:
    """Tell how communities were compared."""
    tested = _folder(results, POSITION)
    if not tested:
        return ""
    counts = sorted({int(r["permutations"]) for r in tested if not missing(r["permutations"])})
    told = ["Anderson 2001" + (f", {listing([integer(c) for c in counts])} permutation{'s' * (counts != [1])}" if counts else "")]
    told += dict.fromkeys(_exchanged(r) for r in tested)
    return f"Differences between communities were tested by PERMANOVA ({'; '.join(t for t in told if t)})."


def _exchanged(row: Mapping[str, Any]) -> str:
    """Tell the unit of a PERMANOVA and what was exchanged, where its row says so."""
    unit, scheme = (name(row.get(c), limit=120) for c in ("unit", "permutation_scheme"))
    return ", ".join(f"{word}: {what}" for word, what in (("unit", unit), ("permutations", scheme)) if what)


def _spread(results: Results) -> str:
    """Tell how the spread of groups was compared."""
    rows = _folder(results, SPREAD)
    if not rows:
        return ""
    return f"Differences in spread between groups were tested apart ({listing(_words(rows, 'test'))}; Anderson 2006)."


def _pairs(results: Results) -> str:
    """Tell that pairs of groups were compared."""
    return "Pairs of groups were compared with q-values by Benjamini and Hochberg (1995)." if _folder(results, PAIRS) else ""


def _constrained(results: Results) -> str:
    """Tell how the model was drawn."""
    if not constrained.drawn(results):
        return ""
    return "What the model explains was drawn by distance-based redundancy analysis (Legendre and Anderson 1999), which tests nothing."


def _abundance(results: Results) -> str:
    """Tell how abundances were compared."""
    rows = abundance.tested(results)
    if not rows:
        return ""
    ranks, by = _words(rows, "rank"), _words(rows, "variable")
    taxa = plural(len({(str(r["rank"]), str(r["taxon"])) for r in rows}), "taxon", many="taxa")
    both = any(not missing(r["ancombc2_p"]) for r in rows)
    beside = ", beside it by ANCOM-BC2 (Lin and Peddada 2024)" if both else ""
    return (
        f"Abundances of {taxa} ({listing(ranks)}) were compared by {listing(by)} by {listing(_words(rows, 'test'))} (the slope of the typical "
        f"taxon is taken out as bias, as Zhou et al. 2022 take out the mode of slopes){beside}, with q-values by Benjamini and Hochberg (1995) "
        f"within each family; "
        f"unit: {listing(_words(rows, 'unit'))}."
    )


def _followed(results: Results) -> str:
    """Tell how samples were followed over time."""
    rows = longitudinal.tested(results)
    if not rows:
        return ""
    return f"Change over time was tested by {listing(_fitted(rows))} (unit: {listing(_words(rows, 'unit'))})."
