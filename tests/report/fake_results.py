"""Builds results of a made-up study in the shape that the stages write, for tests of the report alone; no number here means anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import TABLES, Interval, Reference, Results, Table

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</script><b>bold</b>",
    "{{7*7}}{% raw %}",
    "\u202eعربي مثال\u202c",
    "L" * 10_000,
    "'; DROP TABLE x; --&amp;&lt;",
    "var(--ink) %{x} <extra></extra>\x00\x07",
)
METRICS = {
    "shannon": ("Shannon entropy", "nats", "shannon1948", "mean of 100 draws", 3.9, 0.35),
    "sobs": ("Observed features", "features", "schloss2024", "mean of 100 draws", 160.0, 28.0),
    "simpson": ("Simpson index", "probability", "simpson1949", "mean of 100 draws", 0.95, 0.02),
    "inv_simpson": ("Inverse Simpson index", "effective features", "simpson1949", "mean of 100 draws", 26.0, 7.0),
    "pielou_e": ("Pielou's evenness", "ratio", "pielou1966", "mean of 100 draws", 0.76, 0.05),
    "faith_pd": ("Faith's phylogenetic diversity", "branch length", "faith1992", "exact expectation", 14.0, 2.2),
}
BETA = {
    "braycurtis": "Bray–Curtis dissimilarity",
    "jaccard": "Jaccard distance",
    "aitchison": "Aitchison distance",
    "unweighted_unifrac": "Unweighted UniFrac",
    "weighted_unifrac_normalized": "Weighted UniFrac, normalised",
}
TAXA = (
    ("Faecalibacterium", 0.82, "robust"),
    ("Roseburia", 0.55, "robust"),
    ("Anaerostipes", 0.41, "robust"),
    ("Akkermansia", 0.38, "not separable from its partners"),
    ("Subdoligranulum", 0.22, "not clear"),
    ("Bifidobacterium", 0.08, "not clear"),
    ("Collinsella", -0.05, "not clear"),
    ("Bacteroides", -0.21, "relative only"),
    ("Ruminococcus gnavus group", -0.52, "relative only"),
    ("Escherichia-Shigella", -0.74, "robust"),
)
OTHERS = ("Alistipes", "Dialister", "Parasutterella", "Oscillibacter", "Lachnoclostridium", "Veillonella")
STANDING = {"seed": 7, "schema_version": 1, "gutdiv_version": "0.1.0"}


def table(kind: str, rows: Sequence[Mapping[str, Any]], extra: Sequence[str] = (), **record: Any) -> Table:
    """Build a table of its kind from rows; undeclared cells are empty."""
    types = TABLES[kind]
    columns = [*types, *extra]
    blank = {"str": "", "float": float("nan"), "int": pd.NA, "bool": False}
    data = {c: [r.get(c, blank[types.get(c, "float")]) for r in rows] for c in columns}
    return Table(kind, pd.DataFrame(data, columns=columns), {"kind": kind, **STANDING, "inputs": [], "options": {}, **record})


def finding(what: str, subject: str, direction: str, size: float | None, unit: str, strength: str, rank: int, **values: Any) -> dict[str, Any]:
    """Build one finding as a record holds it."""
    return {
        "what": what,
        "subject": subject,
        "direction": direction,
        "size": size,
        "unit": unit,
        "strength": strength,
        "rank": rank,
        "values": values,
    }


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
        "cohort/alignment": _alignment(hostile=hostile),
        "diversity/alpha": _alpha(ids, values),
        "diversity/depths": _depths(group=group),
    }
    for metric, label in BETA.items():
        if tree or "unifrac" not in metric:
            tables[f"diversity/ordination/{metric}"] = _ordination(rng, metric, label, ids, sick)
            if group:
                tables[f"comparison/permanova/{metric}"] = _permanova(metric, label, column)
    if group:
        tables["comparison/alpha"] = _tests(values, column, labels)
    is_control = [not s for s in sick] if controls else [False] * n
    tables["dysbiosis/verdicts"] = _verdicts(rng, ids, sick, is_control, controls=controls, hostile=hostile)
    tables["dysbiosis/flags"] = _flags(ids, values, controls=controls)
    if links:
        tables["immune/links"] = _links(hostile=hostile)
    tables["immune/matches"] = _matches(hostile=hostile)
    roles = {"group": column if group else None, "subject": "subject", "time": None, "specimen": "stool", "age_band": "adult"}
    return Results(
        name=name,
        tables=tables,
        cohort=_cohort(name, n, roles, tree=tree, hostile=hostile),
        metadata=metadata,
        reference=_reference(values, healthy=healthy) if controls else None,
        knowledge=_knowledge(hostile=hostile),
    )


def _values(rng: np.random.Generator, traits: tuple[Any, ...], sick: np.ndarray) -> np.ndarray:
    """Draw one metric's values, lower in patients."""
    centre, spread = traits[4], traits[5]
    return centre + spread * (rng.standard_normal(sick.size) - 1.1 * sick)


def _cohort(name: str, n: int, roles: Mapping[str, Any], *, tree: bool, hostile: bool) -> dict[str, Any]:
    """Build the cohort's record."""
    return {
        **STANDING,
        "kind": "cohort",
        "name": name,
        "n_samples": n,
        "n_features": 500,
        "n_reads": 12 * n * 1000,
        "depth": {"min": 812, "q1": 9034, "median": 11876, "q3": 15320, "max": 41233},
        "roles": dict(roles),
        "inputs": [
            {"role": "table", "name": "table.biom" if not hostile else HOSTILE[0], "format": "BIOM 2.1", "sha256": "ab" * 32},
            {"role": "metadata", "name": "metadata.tsv", "format": "TSV", "sha256": "cd" * 32},
        ],
        "fallen": [
            {"part": "feature", "outcome": "dropped", "reason": "no tip in the tree", "count": 4},
            {"part": "sample", "outcome": "dropped", "reason": "no reads" if not hostile else HOSTILE[1], "count": 2},
        ],
        "notes": [],
        "has_tree": tree,
        "has_singletons": False,
        "dialect": "SILVA",
    }


def _alignment(*, hostile: bool) -> Table:
    """Build the list of what fell out."""
    ids = HOSTILE if hostile else ("S900", "S901")
    return table("alignment", [{"part": "sample", "id": i, "outcome": "dropped", "reason": "no row in the sample metadata"} for i in ids])


def _alpha(ids: Sequence[str], values: Mapping[str, np.ndarray]) -> Table:
    """Build the alpha diversity of all samples, three of them too shallow."""
    rows = [
        {"sample_id": s, "level": "feature", "metric": m, "value": float("nan") if i % 97 == 5 else float(v[i]), "sd": 0.02, "depth": 5000}
        for m, v in values.items()
        for i, s in enumerate(ids)
    ]
    metrics = {
        m: {"label": t[0], "unit": t[1], "citation": t[2], "estimator": t[3], "direction": "higher is more diverse"} for m, t in METRICS.items() if m in values
    }
    absent = {"chao1": "the table holds no feature seen exactly once, which its estimator needs"}
    if "faith_pd" not in values:
        absent["faith_pd"] = "no tree was given"
    below = [ids[i] for i in range(len(ids)) if i % 97 == 5]
    return table("alpha", rows, metrics=metrics, absent=absent, depth=5000, draws=100, options={"depth": "auto", "draws": 100}, below_depth=below)


def _depths(*, group: bool) -> Table:
    """Build the table of depths to choose from."""
    rows = [
        {
            "depth": d,
            "samples": s,
            "share_kept": s / 240,
            "smallest_group_share": s / 245 if group else float("nan"),
            "smallest_group": "patient" if group else "",
            "median_coverage": c,
            "chosen": d == 5000,
        }
        for d, s, c in ((812, 240, 0.951), (2500, 239, 0.978), (5000, 237, 0.989), (8000, 210, 0.993), (12000, 120, 0.996), (20000, 30, 0.998))
    ]
    return table("depths", rows)


def _ordination(rng: np.random.Generator, metric: str, label: str, ids: Sequence[str], sick: np.ndarray) -> Table:
    """Build principal coordinates with patients aside."""
    axes = rng.standard_normal((len(ids), 3)) * [0.2, 0.15, 0.1] + sick[:, None] * [0.25, -0.1, 0]
    rows = [{"sample_id": s, "axis_1": a[0], "axis_2": a[1], "axis_3": a[2]} for s, a in zip(ids, axes, strict=True)]
    return table(
        "ordination",
        rows,
        extra=("axis_1", "axis_2", "axis_3"),
        proportion_explained=[0.213, 0.094, 0.051],
        eigenvalues=[5.1, 2.2, 1.2],
        negative_share=0.03,
        metric=metric,
        traits={"label": label, "unit": "1", "citation": "bray1957", "estimator": "1 - 2 sum min(x, y) / (sum x + sum y)"},
    )


def _permanova(metric: str, label: str, column: str) -> Table:
    """Build one PERMANOVA."""
    rows = [
        {"term": column, "df": 1, "sum_of_squares": 4.1, "r2": 0.083, "f": 21.5, "p": 0.001, "permutations": 999, "n": 237},
        {"term": "residual", "df": 235, "sum_of_squares": 45.0, "r2": 0.917, "n": 237},
        {"term": "total", "df": 236, "sum_of_squares": 49.1, "r2": 1.0, "n": 237},
    ]
    found = finding("structure", metric, "present", 0.083, "share of variation", "clear", 0, p=0.001, term=column, permutations=999)
    traits = {"label": label, "unit": "1", "citation": "bray1957", "estimator": ""}
    return table("permanova", rows, metric=metric, traits=traits, findings=[found])


def _tests(values: Mapping[str, np.ndarray], column: str, labels: Sequence[str]) -> Table:
    """Build the group tests of all metrics."""
    one, two = sorted(set(labels))[:2]
    rows, found = [], []
    for rank, metric in enumerate(values):
        q, effect = 1.1e-9 * 40**rank, -0.62 + 0.08 * rank
        clear = q < 0.05
        contrast = f"{two} - {one}"
        rows.append(
            {
                "metric": metric,
                "variable": column,
                "test": "Mann-Whitney U",
                "unit": "subject",
                "contrast": contrast,
                "n_1": 88,
                "n_2": 149,
                "statistic": 3012.0,
                "p": q / 2,
                "q": q,
                "family": "alpha by group",
                "effect": effect,
                "effect_name": "Cliff's delta",
                "ci_low": effect - 0.12,
                "ci_high": effect + 0.12,
                "n_dropped": 3,
            }
        )
        direction = "lower" if clear else "none"
        strength = "clear" if clear else "weak"
        more = {"p": q / 2, "q": q, "n_1": 88, "n_2": 149, "contrast": contrast, "effect_name": "Cliff's delta"}
        found.append(finding("group_difference", metric, direction, effect, "Cliff's delta", strength, rank, **more))
    return table("group_test", rows, findings=found)


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
            drivers = "Faecalibacterium -2.8; Escherichia-Shigella +3.1" if not hostile else HOSTILE[0]
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
        tier="in-study" if controls else "none",
        n_reference=130 if controls else 0,
    )
    absent = {} if controls else {"verdict": "no controls were declared, so there is no reference"}
    return table("verdicts", rows, findings=[found], absent=absent)


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
                {"sample_id": sample, "metric": metric, "value": float(v[i]), "lower": lower, "upper": upper, "flag": word, "n_reference": 130}
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
    listed += [(t, 0.9 - 0.3 * i, "not clear", "exploratory") for i, t in enumerate(OTHERS)]
    if hostile:
        listed += [(HOSTILE[0], 0.3, HOSTILE[1], "exploratory"), (HOSTILE[5], 0.1, "not clear", "exploratory")]
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
        found.append(finding("link", taxon, direction, estimate, "ln-units per SD", strength, rank, q=0.002, robustness=word))
    return table("links", rows, findings=found, n_reference_taxa=24, g=0.21, se_g=0.06, options={"covariates": []})


def _matches(*, hostile: bool) -> Table:
    """Build what the knowledge base found in the table."""
    rows = [
        {
            "row": i,
            "taxon": taxon,
            "rank": "genus",
            "outcome": "found",
            "spellings": f"g__{taxon}",
            "n_features": 3 + i,
            "share_of_reads": 0.08 / (i + 1),
            "prevalence": 0.95 - 0.05 * i,
        }
        for i, (taxon, _, _) in enumerate(TAXA)
    ]
    rows.append({"row": 90, "taxon": "Christensenella", "rank": "genus", "outcome": "not found", "reason": "no lineage of the table names it"})
    if hostile:
        rows.append({"row": 91, "taxon": HOSTILE[0], "rank": "genus", "outcome": "found", "spellings": HOSTILE[5], "n_features": 1})
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
            "evidence": "human cohort:sokol2008;mouse:furusawa2013,nodoi2020",
            "strength": "moderate",
            "contested_reason": "raised in some cohorts and lowered in others" if taxon == "Akkermansia" else "",
            "visible_by_16s": "no" if i % 2 else "yes",
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
        ("sokol2008", "Sokol H", "2008", "Faecalibacterium prausnitzii is an anti-inflammatory commensal", "PNAS", "10.1073/pnas.0804812105", "18936492"),
        ("furusawa2013", "Furusawa Y", "2013", "Commensal microbe-derived butyrate", "Nature", "10.1038/nature12721", "24226770"),
        ("nodoi2020", "Nobody N", "2020", "A title without an address", "Journal", "javascript:alert(1)" if hostile else "", ""),
    )
    return {"immune_taxa": tuple(taxa), "references": tuple(dict(zip(fields, r, strict=True)) for r in listed)}
