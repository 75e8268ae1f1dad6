"""Builds results of a made-up study in the shape that the stages write, for tests of the report alone; no number here means anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from fake_tables import (
    BETA,
    HOSTILE,
    METRICS,
    NOTES,
    OTHERS,
    STANDING,
    TAXA,
    abundance,
    alignment,
    alpha,
    arrows,
    cohort,
    composition,
    constrained,
    curves,
    depths,
    dispersion,
    enrichment,
    finding,
    followed,
    immune_samples,
    indices,
    models,
    ordination,
    pairs,
    permanova,
    standards,
    table,
    taxonomy_audit,
    tests,
)

from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import Interval, Reference, Results, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def fake_results(
    *,
    n: int = 240,
    tree: bool = True,
    group: bool = True,
    controls: bool = True,
    healthy: bool = True,
    links: bool = True,
    hostile: bool = False,
    seed: int = 1,
) -> Results:
    """Build the results of a cohort of `n` samples with or without tree, groups, controls and links; `hostile` names everything badly."""
    rng = np.random.default_rng(seed)
    ids = [f"S{i:03d}" for i in range(n)]
    labels = ["patient" if i % 8 >= 5 else "healthy" for i in range(n)]
    name = "demo"
    column = "group"
    if hostile:
        ids = sorted([*HOSTILE, *ids[: n - len(HOSTILE)]])
        labels = [HOSTILE[i % 5] for i in range(n)]
        name, column = HOSTILE[1] + HOSTILE[5], HOSTILE[0]
    sick = np.array([i % 8 >= 5 for i in range(n)])
    metadata = SampleMetadata(
        tuple(ids),
        {column: tuple(labels), "age": tuple(str(20 + i % 50) for i in range(n)), "subject": tuple(f"P{i // 2}" for i in range(n))},
        {column: "categorical", "age": "numeric", "subject": "categorical"},
    )
    values = {m: _values(rng, t, sick) for m, t in METRICS.items() if tree or m != "faith_pd"}
    tables = {
        "cohort/alignment": alignment(hostile=hostile),
        "cohort/taxonomy_audit": taxonomy_audit(hostile=hostile),
        "diversity/alpha": alpha(ids, values),
        "diversity/composition": composition(ids, labels if group else (), HOSTILE if hostile else [t[0] for t in TAXA]),
        "diversity/depths": depths(group=group, labels=labels),
        "diversity/curves": curves(ids, labels if group else ()),
        "diversity/standards": standards(ids),
    }
    for metric, label in BETA.items():
        if tree or "unifrac" not in metric:
            tables[f"diversity/ordination/{metric}"] = ordination(rng, metric, label, ids, sick)
            if metric == "braycurtis":
                tables[f"diversity/ordination/{metric}_arrows"] = arrows(metric, HOSTILE if hostile else [t[0] for t in TAXA])
            if group:
                tables[f"comparison/permanova/{metric}"] = permanova(metric, label, column)
                tables[f"comparison/dispersion/{metric}"] = dispersion(metric, column, labels, clear=metric == "jaccard")
                tables[f"comparison/pairs/{metric}"] = pairs(metric, column)
                tables[f"comparison/constrained/{metric}"] = constrained(rng, metric, column, ids, axes=1 if metric == "jaccard" else 2)
    if group:
        tables |= followed(values, labels)
        tables["comparison/model"] = models(values, column, labels)
        tables["comparison/abundance"] = abundance(column, labels, HOSTILE if hostile else [t[0] for t in TAXA])
        tables["comparison/alpha"] = tests(values, column, labels)
    is_control = [not s for s in sick] if controls else [False] * n
    tables["dysbiosis/verdicts"] = _verdicts(rng, ids, sick, is_control, controls=controls, hostile=hostile)
    tables["dysbiosis/flags"] = _flags(ids, values, controls=controls)
    if controls:
        tables["immune/samples"] = immune_samples(ids, HOSTILE if hostile else [t[0] for t in TAXA], labels if group else ())
        tables["dysbiosis/indices"] = indices(ids)
    if links:
        tables["immune/links"] = _links(hostile=hostile)
        tables["immune/enrichment"] = enrichment(HOSTILE if hostile else [t[0] for t in TAXA])
    tables["immune/matches"] = _matches(hostile=hostile)
    roles = {"group": column if group else None, "subject": "subject", "time": None, "specimen": "stool", "age_band": "adult"}
    return Results(
        name=name,
        tables=tables,
        cohort=cohort(name, n, roles, tree=tree, hostile=hostile),
        metadata=metadata,
        reference=_reference(values, healthy=healthy) if controls else None,
        knowledge=_knowledge(hostile=hostile),
    )


def _values(rng: np.random.Generator, traits: tuple[Any, ...], sick: np.ndarray) -> np.ndarray:
    """Draw one metric's values, lower in patients."""
    centre, spread = traits[4], traits[5]
    return centre + spread * (rng.standard_normal(sick.size) - 1.1 * sick)


def _verdicts(
    rng: np.random.Generator, ids: Sequence[str], sick: np.ndarray, is_control: Sequence[bool], *, controls: bool, hostile: bool
) -> Table:
    """Build verdicts, many patients outside."""
    rows: list[dict[str, Any]] = []
    counts = {who: dict.fromkeys(("outside", "borderline", "within", "not assessable"), 0) for who in ("others", "controls")}
    for i, sample in enumerate(ids):
        if not controls or i % 97 == 5:
            reason = "fewer reads than the common depth of 5,000" if controls else "no controls were declared, so there is no reference"
            rows.append({"sample_id": sample, "verdict": "not assessable", "tier": "none", "reason": reason, "is_control": is_control[i]})
            word = "not assessable"
        else:
            p = float(rng.uniform(0.006, 0.2) ** 2 if sick[i] else rng.uniform(0.007, 1))
            word = "outside" if p <= 0.025 else "borderline" if p <= 0.1 else "within"
            ranks = rng.uniform(0.01, 0.6 if sick[i] else 1, 3)
            drivers = json.dumps([["Faecalibacterium", -2.81], ["Escherichia-Shigella" if not hostile else HOSTILE[0], 3.1]])
            rows.append(
                {
                    "sample_id": sample,
                    "verdict": word,
                    "tier": "in-study",
                    "p": p,
                    "q": min(1.0, 3 * p),
                    "is_control": is_control[i],
                    "n_reference": 130,
                    "rank_diversity": ranks[0],
                    "rank_neighbours": ranks[1],
                    "rank_composition": ranks[2],
                    "drivers": drivers if word != "within" else "",
                }
            )
        counts["controls" if is_control[i] else "others"][word] += 1
    assessable = sum(v for k, v in counts["others"].items() if k != "not assessable")
    found = finding(
        "verdicts",
        "samples",
        "none",
        None,
        "",
        "clear" if controls else "not assessable",
        0,
        others=counts["others"],
        controls=counts["controls"],
        expected_false_alarms=0.025 * assessable if controls else None,
        n_assessable=assessable,
        n_controls_assessable=len(ids) - len([s for s in sick if s]) if controls else 0,
        level_outside=0.025,
        level_borderline=0.1,
        tier="in-study" if controls else "none",
        n_reference=130 if controls else 0,
    )
    return table("verdicts", rows, findings=[found], depth=5000, options={"draws": 20})


def _flags(ids: Sequence[str], values: Mapping[str, np.ndarray], *, controls: bool) -> Table:
    """Build flags of each sample and metric."""
    rows = []
    for metric, v in values.items():
        lower, upper = METRICS[metric][4] - 2 * METRICS[metric][5], METRICS[metric][4] + 2 * METRICS[metric][5]
        for i, sample in enumerate(ids):
            if not controls or i % 97 == 5:
                rows.append({"sample_id": sample, "metric": metric, "flag": "not assessable", "reason": "no reference interval"})
                continue
            word = "below" if v[i] < lower else "above" if v[i] > upper else "within"
            rows.append(
                {
                    "sample_id": sample,
                    "metric": metric,
                    "value": float(v[i]),
                    "lower": lower,
                    "upper": upper,
                    "flag": word,
                    "n_reference": 130,
                }
            )
    return table("flags", rows)


def _reference(values: Mapping[str, np.ndarray], *, healthy: bool) -> Reference:
    """Build intervals of all metrics but one that is absent."""
    intervals = []
    for metric in values:
        centre, spread = METRICS[metric][4], METRICS[metric][5]
        low, high = centre - 2 * spread, centre + 2 * spread
        pairs = (low - 0.3 * spread, low + 0.4 * spread), (high - 0.4 * spread, high + 0.3 * spread)
        intervals.append(Interval(metric, "feature", 5000, 130, "nonparametric, type 6", low, pairs[0], high, pairs[1], centre))
    reason = "the table holds no feature seen exactly once, which its estimator needs"
    intervals.append(Interval("chao1", "feature", 5000, 130, "none", None, None, None, None, None, reason))
    kind = "healthy" if healthy else ""
    return Reference("demo", 'group == "healthy"', kind, 150, 130, 5000, tuple(intervals), {**STANDING, "kind": "reference"})


def _links(*, hostile: bool) -> Table:
    """Build links of known and other taxa."""
    rows, found = [], []
    listed = [(t, e, r, "confirmatory") for t, e, r in TAXA]
    listed += [(t, 0.9 - 0.3 * i, "not significant", "exploratory") for i, t in enumerate(OTHERS)]
    if hostile:
        listed += [(HOSTILE[0], 0.3, HOSTILE[1], "exploratory"), (HOSTILE[5], 0.1, "not significant", "exploratory")]
    for rank, (taxon, estimate, word, family) in enumerate(listed):
        direction = "higher" if estimate > 0 else "lower"
        rows.append(
            {
                "taxon": taxon,
                "rank": "genus",
                "test_family": family,
                "estimate": estimate,
                "ci_low": estimate - 0.2,
                "ci_high": estimate + 0.2,
                "p": 0.0002 if word == "robust" else 0.2,
                "q": 0.002 if word == "robust" else 0.4,
                "prevalence": 0.9 - 0.03 * rank,
                "robustness": word,
                "n": 237,
                "se": 0.1,
                "estimate_per_reader": estimate / 0.8,
                "n_reference_taxa": 24,
                "partner": "persists",
                "tipping": -estimate / 0.9,
                "q_order_2": 0.01,
                "direction": direction,
            }
        )
        strength = "clear" if word == "robust" else "weak"
        found.append(
            finding("link", taxon, direction, estimate, "ln-units per SD", strength, rank, q=0.002, robustness=word, test_family=family)
        )
    return table(
        "links",
        rows,
        findings=found,
        n_reference_taxa=24,
        g=0.21,
        se_g=0.06,
        g_at_prevalence={"0.8": 0.19, "0.95": 0.24},
        notes=NOTES,
        options={"covariates": []},
    )


def _matches(*, hostile: bool) -> Table:
    """Build what the knowledge base found in the table."""
    rows = [
        {
            "row": i,
            "taxon": taxon,
            "rank": "genus",
            "outcome": "matched",
            "spellings": f"g__{taxon}",
            "n_features": 3 + i,
            "share_of_reads": 0.08 / (i + 1),
            "prevalence": 0.95 - 0.05 * i,
        }
        for i, (taxon, _, _) in enumerate(TAXA)
    ]
    rows.append(
        {"row": 90, "taxon": "Christensenella", "rank": "genus", "outcome": "not matched", "reason": "no lineage of the table names it"}
    )
    if hostile:
        rows.append({"row": 91, "taxon": HOSTILE[0], "rank": "genus", "outcome": "matched", "spellings": HOSTILE[5], "n_features": 1})
    return table("matches", rows, share_of_reads=0.31)


def _knowledge(*, hostile: bool) -> dict[str, tuple[dict[str, str], ...]]:
    """Build a small knowledge base."""
    taxa = [
        {
            "row": str(i),
            "taxon": taxon,
            "rank": "genus",
            "guild": "butyrate producer" if i < 3 else "other",
            "mechanism": "Butyrate raises regulatory T cells in the colon (shown for the acid, not for the genus).",
            "immune_targets": "regulatory T cells",
            "direction": "depleted",
            "evidence": "human_association:sokol2008;mouse:furusawa2013,nodoi2020",
            "strength": "moderate",
            "contested_reason": "raised in some cohorts and lowered in others" if taxon == "Akkermansia" else "",
            "visible_by_16s": "genus only" if i % 2 else "yes",
            "visibility_reason": "the genus is called by all common databases",
            "prebiotic_substrates": "inulin",
            "probiotic_use": "no",
            "reference_keys": "sokol2008;furusawa2013",
        }
        for i, (taxon, _, _) in enumerate(TAXA)
    ]
    if hostile:
        taxa[0] = {**taxa[0], "mechanism": HOSTILE[0] + HOSTILE[2], "contested_reason": HOSTILE[3]}
    fields = ("key", "author", "year", "title", "journal", "doi", "pmid")
    listed = (
        (
            "sokol2008",
            "Sokol H",
            "2008",
            "Faecalibacterium prausnitzii is an anti-inflammatory commensal",
            "PNAS",
            "10.1073/pnas.0804812105",
            "18936492",
        ),
        ("furusawa2013", "Furusawa Y", "2013", "Commensal microbe-derived butyrate", "Nature", "10.1038/nature12721", "24226770"),
        ("nodoi2020", "Nobody N", "2020", "A title without an address", "Journal", "javascript:alert(1)" if hostile else "", ""),
    )
    return {"immune_taxa": tuple(taxa), "references": tuple(dict(zip(fields, r, strict=True)) for r in listed)}
