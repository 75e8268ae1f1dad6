"""Scores of taxa and guilds: centred log-ratios of a knowledge table's genera, log-ratios of its guilds, at a common depth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from gutdiv.diversity.parts import MDI_DOWN, MDI_UP, parts_of
from gutdiv.diversity.rarefaction import resolve_depth, sample_keys
from gutdiv.model.names import names_of
from gutdiv.model.results import TABLES
from gutdiv.numerics import draws as reads
from gutdiv.numerics import rows as row_sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HALF = 0.5  # read added to every part before logarithms
_FIRMICUTES = re.compile(r"^(?:p__|D_1__|p:)?(?:Firmicutes|Bacillota)(?:[_ ].*)?$", re.IGNORECASE)
_BACTEROIDETES = re.compile(r"^(?:p__|D_1__|p:)?(?:Bacteroidetes|Bacteroidota)(?:[_ ].*)?$", re.IGNORECASE)
NOT_NAMED = "no lineage of the table names it"


def measure_taxa(
    cohort: Cohort, knowledge: Sequence[Mapping[str, str]], *, depth: str | int = "auto", draws: int = 20, seed: int = 42
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score the genera and guilds of a knowledge table in every sample, as means over rarefaction draws.

    Parameters
    ----------
    cohort : Cohort
        Without lineages nothing is scored.
    knowledge : sequence of mapping
        Rows with `taxon`, `rank`, `genera`, `families`, `orders`, `species`, `guild`, `visible_by_16s`; only rows that 16S sees count. Genera are those
        of the rows on genera. The members of a guild are the features that any of its rows names, by whichever of these ranks.
    depth : 'auto', 'none' or int
        Reads to which samples are rarefied; with 'none' nothing is scored. A sample with fewer reads has no value.
    draws : int
    seed : int

    Returns
    -------
    frame : DataFrame of kind `taxa`
        `clr:<genus>` at level `genus`: ln of the genus' reads + 1/2 less the mean of that over all parts, which are the table's genera (also those not
        seen here, so that the parts are the same everywhere) and all other reads together. `guild:<guild>` at level `guild`: ln of the guild's
        reads + 1/2 less ln of all other reads + 1/2. `log2_fb` at level `phylum`: log2 of Firmicutes + 1/2 to Bacteroidetes + 1/2. `share` is
        the part of all reads before rarefaction, `detected` the share of draws with at least one read.
    about : dict
        `depth`, `draws`, `metrics`, `absent` (metric to reason; `taxa` where nothing is scored), `below_depth`, and `guilds`: of each its `members` (rows
        that the table names), `not_named` (rows that it does not), `n_features` and `share_of_reads` of the cohort.
    """
    target = resolve_depth(cohort, depth)
    if target is None or cohort.lineages is None:
        why = "the cohort has no lineages, so that no taxon can be named" if cohort.lineages is None else "taxa are scored at a common depth only"
        nothing: dict[str, Any] = {"depth": target, "draws": draws, "metrics": {}, "absent": {"taxa": why}, "below_depth": [], "guilds": {}}
        return pd.DataFrame(columns=list(TABLES["taxa"])), nothing
    genera = _genera(cohort, knowledge)
    guilds, members = _guilds(cohort, knowledge)
    phyla = {name: _phylum(cohort, pattern) for name, pattern in (("firmicutes", _FIRMICUTES), ("bacteroidetes", _BACTEROIDETES))}
    masks = [*genera.values(), *guilds.values(), *phyla.values()]
    fold = sparse.csr_matrix(np.array(masks, dtype=bool).reshape(len(masks), len(cohort.feature_ids)).T).astype(np.int64)
    shape = (len(cohort.sample_ids), len(genera) + len(guilds) + 1)
    values: Floats = np.empty((draws, *shape))
    seen = np.zeros((len(cohort.sample_ids), len(masks)))
    keys = sample_keys(cohort.sample_ids)
    counts = cohort.counts
    for draw in range(draws):
        data = reads.rarefied(counts.indptr, counts.data, target, keys, seed, draw)
        drawn = (sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape) @ fold).toarray().astype(np.float64)
        seen += drawn > 0
        values[draw] = _scores(drawn, target, len(genera), len(guilds))
    mean, sd = row_sums.mean_and_spread(values.reshape(draws, -1))
    mean, sd = mean.reshape(shape), sd.reshape(shape)
    mean[cohort.depth < target] = np.nan
    sd[cohort.depth < target] = np.nan
    with np.errstate(invalid="ignore"):
        share = np.asarray((counts @ fold).toarray()) / cohort.depth[:, None]
    absent = {f"clr:{g}": NOT_NAMED for g, mask in genera.items() if not mask.any()}
    absent |= {f"guild:{g}": NOT_NAMED for g, mask in guilds.items() if not mask.any()}
    if not all(mask.any() for mask in phyla.values()):
        absent["log2_fb"] = "the table does not name both Firmicutes and Bacteroidetes"
    names = [*(("genus", f"clr:{g}") for g in genera), *(("guild", f"guild:{g}") for g in guilds), ("phylum", "log2_fb")]
    frames = []
    for k, (level, metric) in enumerate(names):
        if metric in absent:
            continue
        one = level != "phylum"
        frames.append(
            pd.DataFrame(
                {
                    "sample_id": list(cohort.sample_ids),
                    "level": level,
                    "metric": metric,
                    "value": mean[:, k],
                    "sd": sd[:, k],
                    "depth": target,
                    "share": share[:, k] if one else np.nan,
                    "detected": np.where(cohort.depth < target, np.nan, seen[:, k] / draws) if one else np.nan,
                }
            )
        )
    columns = list(TABLES["taxa"])
    frame = pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
    about = {
        "depth": target,
        "draws": draws,
        "metrics": {metric: _traits(level, metric) for level, metric in names if metric not in absent},
        "absent": absent,
        "below_depth": [s for s, d in zip(cohort.sample_ids, cohort.depth, strict=True) if d < target],
        "guilds": {g: {**members[g], **_covered(cohort, mask)} for g, mask in guilds.items()},
    }
    return frame, about


def _scores(drawn: Floats, depth: int, n_genera: int, n_guilds: int) -> Floats:
    """Scores of one draw, (n_samples, genera + guilds + 1), from reads by genus, guild, and the two phyla."""
    genera, guilds, phyla = np.split(drawn, [n_genera, n_genera + n_guilds], axis=1)
    logs = np.log(np.column_stack([genera, depth - genera.sum(axis=1)]) + HALF)
    clr = logs - logs.mean(axis=1, keepdims=True)
    ratio = np.log(guilds + HALF) - np.log(depth - guilds + HALF)
    fb = np.log2(phyla[:, 0] + HALF) - np.log2(phyla[:, 1] + HALF)
    return np.column_stack([clr[:, :-1], ratio, fb])


def _genera(cohort: Cohort, knowledge: Sequence[Mapping[str, str]]) -> dict[str, Mask]:
    """Features of each genus of the table, sorted by name."""
    named = _names(cohort, "canonical_genus")
    rows = [r for r in knowledge if r["visible_by_16s"] == "yes" and r["rank"] in ("genus", "genera")]
    return {g: np.asarray(named == g, dtype=bool) for g in sorted({g for r in rows for g in r["genera"].split("|") if g})}


def _guilds(cohort: Cohort, knowledge: Sequence[Mapping[str, str]]) -> tuple[dict[str, Mask], dict[str, dict[str, list[str]]]]:
    """Features of each guild, and which of its rows the table names."""
    named = names_of(cohort)
    assert named is not None
    found: dict[str, Mask] = {}
    members: dict[str, dict[str, list[str]]] = {}
    for row in knowledge:
        if row["visible_by_16s"] != "yes":
            continue
        hit = named.matched(row)
        for guild in filter(None, row["guild"].split(";")):
            found[guild] = found.get(guild, np.zeros(hit.size, dtype=bool)) | hit
            listed = members.setdefault(guild, {"members": [], "not_named": []})["members" if hit.any() else "not_named"]
            if row["taxon"] not in listed:
                listed.append(row["taxon"])
    return dict(sorted(found.items())), members


def _covered(cohort: Cohort, mask: Mask) -> dict[str, float]:
    """How many features a guild has, and what share of all reads."""
    return {"n_features": int(mask.sum()), "share_of_reads": float(cohort.counts[:, mask].sum()) / max(int(cohort.counts.sum()), 1)}


def mdi_features(cohort: Cohort, rules: Sequence[Mapping[str, str]]) -> tuple[Mask, Mask, str]:
    """Features that the microbial dysbiosis index (Gevers et al. 2014) counts up and down, (n_features,) each, or why it cannot be computed.

    The taxa are frozen: the parts `MDI_UP` and `MDI_DOWN` with the spellings that `io.knowledge.read_parts` gives them.
    """
    none = np.zeros(len(cohort.feature_ids), dtype=bool)
    if cohort.lineages is None:
        return none, none, "the cohort has no lineages, so that no taxon can be named"
    names = tuple(dict.fromkeys(r["part"] for r in rules))
    part = np.array(names, dtype=object)[parts_of(cohort, rules, names)]
    up, down = (np.isin(part, side) for side in (MDI_UP, MDI_DOWN))
    lacking = [" or ".join(side) for side, mask in ((MDI_UP, up), (MDI_DOWN, down)) if not mask.any()]
    return up, down, f"no lineage of the table names {' nor '.join(lacking)}" if lacking else ""


def _phylum(cohort: Cohort, pattern: re.Pattern[str]) -> Mask:
    """Features of a phylum, whatever a database calls it."""
    return np.array([bool(pattern.match(p)) for p in _names(cohort, "phylum")], dtype=bool)


def _names(cohort: Cohort, column: str) -> npt.NDArray[Any]:
    """One column of the lineages, empty where a name is unknown."""
    assert cohort.lineages is not None
    return np.array([c or "" for c in cohort.lineages[column]], dtype=object)


def _traits(level: str, metric: str) -> dict[str, Any]:
    """What a reader of the result must know of a metric."""
    label = metric.partition(":")[2]
    unit = {"genus": "centred log-ratio", "guild": "log-ratio to all other reads", "phylum": "log2 ratio"}[level]
    return {"label": label or "Firmicutes to Bacteroidetes", "unit": unit, "scope": "taxa", "shown_only": level == "phylum"}
