"""Whether immune-relevant guilds are over-represented among the genera that are linked with diversity or differ between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from gutdiv.immune.composition import compose
from gutdiv.model.results import TABLES
from gutdiv.numerics.overlap import strata_of, stratified_overlap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gutdiv.model.cohort import Cohort

LINK_LEVEL = 0.10  # of q, as for the labels of links
GROUP_LEVEL = 0.05  # of q, as for abundance between groups
STRATUM = 10  # taxa of like prevalence
MIN_MEMBERS = 3  # tested members of a guild
MIN_TAXA = 20


def enrich(
    cohort: Cohort, rows: Sequence[Mapping[str, str]], *, links: pd.DataFrame | None = None, abundance: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Count each guild's genera among those that are linked or that differ, against genera of like prevalence.

    Hits are permuted among the tested genera within strata of about ten of like prevalence; p is exact over all permutations, one-sided.
    Genera count as exchangeable within strata: those of a guild that go together make p too small.

    Parameters
    ----------
    cohort : Cohort
        With lineages: a genus belongs to the guilds of the rows on itself and on its family.
    rows : sequence of mapping
        The knowledge base; only rows to be tested.
    links : DataFrame of kind `links`, optional
        Hits have q < .1; `higher` and `lower` apart. Links with markers are sources of their own.
    abundance : DataFrame of kind `abundance`, optional
        Hits have q <= .05; each contrast is a source of its own.

    Returns
    -------
    frame : DataFrame of kind `enrichment`
        `q` by Benjamini-Hochberg over the guilds and directions of a source; where a guild was not tested `reason` says why.
    about : dict
        `absent`, `guilds` (guild to its genera in this cohort), `level`, `stratum`.
    """
    guilds = _guilds(cohort, rows)
    about: dict[str, Any] = {
        "absent": {},
        "guilds": {guild: sorted(genera) for guild, genera in sorted(guilds.items())},
        "level": {"links": LINK_LEVEL, "abundance": GROUP_LEVEL},
        "stratum": STRATUM,
    }
    if cohort.lineages is None:
        return _frame([]), about | {"absent": {"enrichment": "the cohort has no lineages, so that no taxon can be named"}}
    out: list[pd.DataFrame] = []
    for source, tested, directions in (*_of_links(links), *_of_abundance(abundance)):
        if len(tested) < MIN_TAXA:
            about["absent"][source] = f"{len(tested)} genera were tested, and {MIN_TAXA} are needed"
            continue
        found = _frame([row for d in directions for row in _source(source, d, tested, guilds)])
        usable = found["p"].notna()
        found.loc[usable, "q"] = stats.false_discovery_control(found.loc[usable, "p"].to_numpy(dtype=np.float64)) if usable.any() else np.nan
        out.append(found)
    if not out and not about["absent"]:
        about["absent"]["enrichment"] = "no links and no differences between groups were tested"
    return (pd.concat(out, ignore_index=True) if out else _frame([])), about


def _guilds(cohort: Cohort, rows: Sequence[Mapping[str, str]]) -> dict[str, set[str]]:
    """Genera of the cohort that belong to each guild, by rows on the genus or on its family."""
    if cohort.lineages is None:
        return {}
    composition = compose(cohort)
    named = [(n, f) for n, f, g in zip(composition.names, composition.families, composition.named, strict=True) if g]
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["tested"] != "yes":
            continue
        genera, families = set(row["genera"].split("|")) - {""}, set(row["families"].split("|")) - {""}
        hit = {n for n, f in named if n in genera or f in families}
        for guild in filter(None, row["guild"].split(";")):
            found.setdefault(guild, set()).update(hit)
    return found


def _of_links(links: pd.DataFrame | None) -> Iterator[tuple[str, pd.DataFrame, tuple[str, ...]]]:
    """Yield source, tested genera with `hit` as a direction or empty, and directions, of links."""
    if links is None or not len(links):
        return
    own = links[(links["rank"] == "genus") & links["q"].notna()]
    source = own["test_family"].where(own["test_family"].str.startswith("marker:"), "links")
    for name in ["links", *sorted(set(source) - {"links"})]:
        part = own[source == name]
        hit = np.where(part["q"] < LINK_LEVEL, np.where(part["estimate"] > 0, "higher", "lower"), "")
        if len(part):
            yield name, pd.DataFrame({"taxon": part["taxon"], "prevalence": part["prevalence"], "hit": hit}), ("higher", "lower")


def _of_abundance(abundance: pd.DataFrame | None) -> Iterator[tuple[str, pd.DataFrame, tuple[str, ...]]]:
    """Yield the same for each variable and contrast of abundance between groups; tests of all groups at once have no direction."""
    if abundance is None or not len(abundance):
        return
    own = abundance[(abundance["metric"] == "abundance") & (abundance["rank"] == "genus") & abundance["q"].notna()]
    for (variable, contrast), part in own.groupby(["variable", "contrast"], sort=True):
        signed = bool((part["effect_name"] != "").all())
        word = np.where(part["effect"] > 0, "higher", "lower") if signed else np.full(len(part), "either", dtype=object)
        hit = np.where(part["q"] <= GROUP_LEVEL, word, "")
        name = f"abundance: {variable}, {contrast}"
        frame = pd.DataFrame({"taxon": part["taxon"], "prevalence": part["prevalence"], "hit": hit})
        yield name, frame, ("higher", "lower") if signed else ("either",)


def _source(source: str, direction: str, tested: pd.DataFrame, guilds: Mapping[str, set[str]]) -> Iterator[dict[str, Any]]:
    """Yield one row a guild."""
    taxa: npt.NDArray[Any] = tested["taxon"].to_numpy(dtype=object)
    hits = (tested["hit"] == direction).to_numpy(dtype=bool)
    strata = strata_of(tested["prevalence"].to_numpy(dtype=np.float64), STRATUM)
    for guild, genera in sorted(guilds.items()):
        inside = np.isin(taxa, sorted(genera))
        observed, expected, p = stratified_overlap(inside, hits, strata)
        reason = ""
        if inside.sum() < MIN_MEMBERS:
            reason = f"fewer than {MIN_MEMBERS} of its genera were tested"
        elif not hits.any():
            reason = "no genus is a hit in this direction"
        yield {
            "source": source,
            "direction": direction,
            "guild": guild,
            "n_taxa": len(taxa),
            "n_hits": int(hits.sum()),
            "n_guild": int(inside.sum()),
            "observed": observed,
            "expected": expected,
            "p": np.nan if reason else p,
            "q": np.nan,
            "members": "; ".join(sorted(taxa[inside & hits])),
            "reason": reason,
        }


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Lay out rows as the kind `enrichment` declares."""
    return pd.DataFrame(list(rows), columns=list(TABLES["enrichment"]))
