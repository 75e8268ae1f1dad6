"""Tables of a made-up cohort up to the group tests, in the shape that the stages write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from gutdiv.model.results import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

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
    "braycurtis": "Bray-Curtis",
    "jaccard": "Jaccard distance",
    "aitchison": "Aitchison distance",
    "unweighted_unifrac": "Unweighted UniFrac",
    "weighted_unifrac_normalized": "Weighted UniFrac, normalised",
}
TAXA = (
    ("Faecalibacterium", 0.82, "robust"),
    ("Roseburia", 0.55, "robust"),
    ("Anaerostipes", 0.41, "robust"),
    ("Akkermansia", 0.38, "sensitive"),
    ("Subdoligranulum", 0.22, "not significant"),
    ("Bifidobacterium", 0.08, "not significant"),
    ("Collinsella", -0.05, "not significant"),
    ("Bacteroides", -0.21, "relative only"),
    ("Ruminococcus gnavus group", -0.52, "relative only"),
    ("Escherichia-Shigella", -0.74, "robust"),
)
OTHERS = ("Alistipes", "Dialister", "Parasutterella", "Oscillibacter", "Lachnoclostridium", "Veillonella")
NOTES = [
    "Links are relative to the typical prevalent taxon of this study; total bacterial load was not measured.",
    "A negative link may only reflect that most other taxa rise with diversity.",
]
STANDING = {"seed": 7, "schema_version": 1, "gutdiv_version": "0.1.0"}


def table(kind: str, rows: Sequence[Mapping[str, Any]], extra: Sequence[str] = (), **record: Any) -> Table:
    """Build a table of its kind from rows; undeclared cells are empty."""
    types = TABLES[kind]
    columns = [*types, *extra]
    blank = {"str": "", "float": float("nan"), "int": pd.NA, "bool": False}
    data = {c: [r.get(c, blank[types.get(c, "float")]) for r in rows] for c in columns}
    return Table(kind, pd.DataFrame(data, columns=columns), {"kind": kind, **STANDING, "inputs": [], "options": {}, **record})


def finding(
    what: str, subject: str, direction: str, size: float | None, unit: str, strength: str, rank: int, **values: Any
) -> dict[str, Any]:
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


def cohort(name: str, n: int, roles: Mapping[str, Any], *, tree: bool, hostile: bool) -> dict[str, Any]:
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


def alignment(*, hostile: bool) -> Table:
    """Build the list of what fell out."""
    ids = HOSTILE if hostile else ("S900", "S901")
    return table("alignment", [{"part": "sample", "id": i, "outcome": "dropped", "reason": "no row in the sample metadata"} for i in ids])


def composition(ids: Sequence[str], labels: Sequence[str], taxa: Sequence[str]) -> Table:
    """Build shares of two ranks."""
    named = [*taxa, "all others"]
    equal = [round(1 / len(named), 4)] * len(named)
    rows = [{"sample_id": s, "rank": r, "taxon": t, "share": v} for s in ids for r in ("phylum", "genus") for t, v in zip(named, equal, strict=True)]
    bars = [[g, s, 1, equal] for g, s in sorted(zip(labels or [None] * len(ids), ids, strict=True), key=str)]
    sets = [*dict.fromkeys(labels), "all samples", "controls"]
    means = {g: [round((i + 1) / 10 / (k + 2), 4) for i in range(len(named))] for k, g in enumerate(sets)}
    about = {"taxa": named, "merged": 40, "means": means, "bars": bars}
    own = {"genus": [[ids[0], [[f"{taxa[0]} (own)"[-300:], 0.31], ["Citrobacter", 0.06]]]]}
    return table("composition", rows, absent={}, own_taxa=own, **{k: {"phylum": v, "genus": v} for k, v in about.items()})


def immune_samples(ids: Sequence[str], taxa: Sequence[str], labels: Sequence[str] = ()) -> Table:
    """Build what stands out in two samples, a guild and two taxa, and the shares of all for the heatmap."""
    common = {"verdict": "outside", "low_metrics": "shannon", "n_controls": 150, "depth": 5000, "detection_limit": 0.0006, "control_share": 0.05}
    found = [("guild", "butyrate producer", "depleted"), ("genus", taxa[0], "depleted"), ("genus", taxa[1], "enriched")]
    seen = {"detected": True, "share": 0.001, "z": -2.5, "control_tail": 0.01, "agreement": "agrees"}
    rows = [{**common, **seen, "sample_id": s, "level": level, "name": n, "state": state} for s in ids[:2] for level, n, state in found]
    summary = [{"name": n, "level": lv, "state": st, "samples": 2, "of_samples": 2, "controls": 3, "of_controls": 150} for lv, n, st in found]
    about = {"by_chance": {"depleted": 1.5, "enriched": 2.0}, "rule": {"z": 2.0, "tail": 0.05, "tried": 200}, "samples": {"outside": 2}, "not_measured": []}
    return table("samples", rows, summary=summary, absent={}, notes=[], heatmap=heatmap(ids, taxa, labels), **about)


def heatmap(ids: Sequence[str], taxa: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Build shares of these taxa and of one guild, sample by sample; each third share is none, and the last column is a mean of two."""
    out = {}
    for level, names in (("genus", list(taxa)), ("guild", ["butyrate producer"])):
        shares = [[0.0 if (i + j) % 3 == 0 else round(0.0004 * (j + 1) * (1 + i % 7), 6) for j in range(len(names))] for i in range(len(ids))]
        groups = list(labels) or [None] * len(ids)
        verdicts = ["outside" if i % 8 >= 5 else "within" for i in range(len(ids))]
        columns = sorted(([g, v, s, 1, x] for g, v, s, x in zip(groups, verdicts, ids, shares, strict=True)), key=lambda c: (str(c[0]), c[1], c[2]))
        columns[-1][2:4] = ["", 2]
        found = [round(1 - 0.05 * j, 4) for j in range(len(names))]
        out[level] = {"taxa": names, "found": found, "left_out": 3, "samples": len(ids) + 1, "without_reads": 1, "columns": columns}
    return out


def enrichment(taxa: Sequence[str]) -> Table:
    """Build two guilds among linked taxa."""
    row = {"source": "links", "direction": "higher", "n_taxa": 60, "n_hits": 10, "n_guild": 5, "observed": 3, "expected": 0.9, "p": 0.03, "q": 0.2}
    return table("enrichment", [{**row, "guild": g, "members": "; ".join(taxa[:3])} for g in ("butyrate producer", "mucin user")], absent={})


def indices(ids: Sequence[str]) -> Table:
    """Build one published index."""
    rows = [{"sample_id": s, "index": "mdi", "value": 0.1 * i, "cutoff": 1.0, "beyond": str(i > 10).lower(), "direction": "above"} for i, s in enumerate(ids)]
    traits = {"mdi": {"label": "Microbial dysbiosis index", "cutoff": "90% quantile", "level": "frozen list", "citation": "Gevers et al. 2014"}}
    values = {"n_cases": 90, "n_controls": 150, "p": 0.001, "permutations": 999}
    spread = finding("spread", "samples", "higher", 1.4, "ratio of mean distances", "clear", 0, **values)
    return table("indices", rows, indices=traits, absent={}, findings=[spread])


def taxonomy_audit(*, hostile: bool) -> Table:
    """Build what became of the names of taxa."""
    known = {
        "canonical_family": "Lachnospiraceae",
        "canonical_phylum": "Bacillota",
        "spelled_family": "f__Lachnospiraceae",
        "dialect": "silva",
    }
    rows: list[dict[str, Any]] = [
        {**known, "spelling": "[Eubacterium]_hallii_group", "rank": "genus", "canonical_genus": "Anaerobutyricum", "rule": "exact"},
        {
            **known,
            "spelling": "Lachnoclostridium",
            "rank": "genus",
            "canonical_genus": "Lachnoclostridium (SILVA bin)",
            "rule": "polyphyletic",
        },
        {**known, "spelling": "Lachnospiraceae; uncultured", "rank": "family", "rule": "unclassified"},
    ]
    rows[1]["reason"] = "spans several genera, so that it keeps a name of its own"
    rows[2]["reason"] = "no genus is called: 'uncultured' stands in its place"
    if hostile:
        rows[0] |= {"spelling": HOSTILE[0], "canonical_genus": HOSTILE[1], "spelled_family": HOSTILE[5]}
        rows[2] |= {"spelling": HOSTILE[4], "reason": f"no genus is called: {HOSTILE[2]!r} stands in its place"}
    for row, share, n in zip(rows, (0.6, 0.3, 0.1), (40, 7, 3), strict=True):
        row |= {"share_of_reads": share, "n_features": n}
    about = {"name": "silva", "flavour": "SILVA 138 or 138.1", "sure": 0.985, "marked": {"silva": 66, "rdp": 1}, "lineages": 412}
    rules = {"exact": 0.6, "polyphyletic": 0.3, "unclassified": 0.1}
    return table("taxonomy_audit", rows, dialect=about, rules=rules, named_at_genus=0.9, named_at_family=1.0, absent={})


def alpha(ids: Sequence[str], values: Mapping[str, np.ndarray]) -> Table:
    """Build the alpha diversity of all samples, three of them too shallow."""
    rows = [
        {"sample_id": s, "level": "feature", "metric": m, "value": float("nan") if i % 97 == 5 else float(v[i]), "sd": 0.02, "depth": 5000}
        for m, v in values.items()
        for i, s in enumerate(ids)
    ]
    metrics = {
        m: {"label": t[0], "unit": t[1], "citation": t[2], "estimator": t[3], "direction": "higher is more diverse"}
        for m, t in METRICS.items()
        if m in values
    }
    absent = {"chao1": "the table holds no feature seen exactly once, which its estimator needs"}
    if "faith_pd" not in values:
        absent["faith_pd"] = "no tree was given"
    below = [ids[i] for i in range(len(ids)) if i % 97 == 5]
    return table(
        "alpha", rows, metrics=metrics, absent=absent, depth=5000, draws=100, options={"depth": "auto", "draws": 100}, below_depth=below
    )


def depths(*, group: bool, labels: Sequence[str] = ()) -> Table:
    """Build the table of depths to choose from."""
    rows = [
        {
            "depth": d,
            "samples": s,
            "share_kept": s / 240,
            "smallest_group_share": s / 245 if group else float("nan"),
            "smallest_group": labels[-1] if group else "",
            "median_coverage": c,
            "chosen": d == 5000,
            "loss_p": 0.04 * (k + 1) if group and k else float("nan"),
            "median_slope": 1000 * (1 - c),
            "rho_sobs_before": 0.42,
            "rho_sobs": 0.03,
            "rho_shannon_before": 0.06,
            "rho_shannon": float("nan") if k == 5 else -0.01,
        }
        for k, (d, s, c) in enumerate(
            (
                (812, 240, 0.951),
                (2500, 239, 0.978),
                (5000, 237, 0.989),
                (8000, 210, 0.993),
                (12000, 120, 0.996),
                (20000, 30, 0.998),
            )
        )
    ]
    sizes = {name: labels.count(name) for name in sorted(set(labels))} if group else {}
    lost = {str(r["depth"]): dict.fromkeys(sizes, 240 - r["samples"]) for r in rows} if group else {}
    return table(
        "depths",
        rows,
        depth=5000,
        groups=sizes,
        lost=lost,
        loss_test="Fisher's exact test" if group else None,
        verdict_depths={"in-study": 5000, "aligned": 1000},
        followed={"sobs": "near 0", "shannon": "near 0"},
    )


def curves(ids: Sequence[str], labels: Sequence[str]) -> Table:
    """Build rarefaction curves of all samples together, of the groups where there are any, and of the first two samples."""
    along = (1, 100, 1000, 5000, 12_000)
    rows = [
        {
            "group": group,
            "depth": d,
            "samples": 200 - k,
            "richness": 160 * d / (d + 400) + k,
            "median": 160 * d / (d + 400),
            "low": 130 * d / (d + 400),
            "high": 190 * d / (d + 400),
            "coverage": 1 - 1 / (d + 1),
        }
        for k, group in enumerate(("", *sorted(set(labels))))
        for d in along
    ]
    rows += [
        {
            "group": labels[i] if labels else "",
            "sample_id": ids[i],
            "depth": d,
            "samples": 1,
            "richness": 150 * d / (d + 400),
            "coverage": 0.9,
        }
        for i in range(2)
        for d in along
    ]
    return table("curves", rows, depth=5000, band=[0.1, 0.9], absent={})


def standards(ids: Sequence[str]) -> Table:
    """Build the first row of the Hill numbers by three standards, and their summary."""
    first = {
        "sample_id": ids[0],
        "level": "feature",
        "metric": "hill_0",
        "standard": "none",
        "value": 180.0,
        "depth": 9000,
        "coverage": 0.99,
    }
    summary = [
        {"standard": s, "metric": m, "samples": 237, "median": 150.0 - 10 * k, "q1": 120.0, "q3": 180.0, "rho_reads": rho}
        for k, m in enumerate(("hill_0", "hill_1", "hill_2"))
        for s, rho in (("none", 0.42), ("depth", 0.03), ("coverage", None))
    ]
    return table("standards", [first], depth=5000, coverage=0.9812, summary=summary, absent={})


def ordination(rng: np.random.Generator, metric: str, label: str, ids: Sequence[str], sick: np.ndarray) -> Table:
    """Build principal coordinates with patients aside; Aitchison is the one that is not rarefied."""
    whole = metric == "aitchison"
    estimator = "Euclidean distance of CLR(counts + 1), never rarefied" if whole else "1 - 2 sum min(x, y) / (sum x + sum y)"
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
        depth=None if whole else 5000,
        traits={"label": label, "unit": "1", "citation": "bray1957", "estimator": estimator, "rarefied": not whole},
    )


def arrows(metric: str, names: Sequence[str]) -> Table:
    """Build arrows of twelve taxa, the last one not defined."""
    rows = [
        {
            "taxon": names[i % len(names)],
            "rank": "genus",
            "axis_1": float("nan") if i == 11 else (-1) ** i * (0.9 - 0.07 * i),
            "axis_2": float("nan") if i == 11 else 0.3 - 0.05 * i,
            "r2": float("nan") if i == 11 else (0.9 - 0.07 * i) ** 2,
            "prevalence": 1 - 0.05 * i,
            "mean_share": 0.1 / (i + 1),
        }
        for i in range(12)
    ]
    return table("arrows", rows, metric=metric, pseudocount=0.5, prevalence=0.1, n_taxa=60)


def permanova(metric: str, label: str, column: str) -> Table:
    """Build one PERMANOVA."""
    rows = [
        {"term": column, "df": 1, "sum_of_squares": 4.1, "r2": 0.083, "f": 21.5, "p": 0.001, "permutations": 999, "n": 237},
        {"term": "residual", "df": 235, "sum_of_squares": 45.0, "r2": 0.917, "n": 237},
        {"term": "total", "df": 236, "sum_of_squares": 49.1, "r2": 1.0, "n": 237},
    ]
    found = finding("structure", metric, "present", 0.083, "share of variation", "clear", 0, p=0.001, term=column, permutations=999)
    traits = {"label": label, "unit": "1", "citation": "bray1957", "estimator": ""}
    return table("permanova", rows, metric=metric, traits=traits, findings=[found])


def tests(values: Mapping[str, np.ndarray], column: str, labels: Sequence[str]) -> Table:
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
                "strength": "clear" if clear else "weak",
            }
        )
        direction = "lower" if clear else "none"
        strength = "clear" if clear else "weak"
        more = {
            "p": q / 2,
            "q": q,
            "n_1": 88,
            "n_2": 149,
            "contrast": contrast,
            "effect_name": "Cliff's delta",
            "group_1": two,
            "group_2": one,
        }
        found.append(finding("group_difference", metric, direction, effect, "Cliff's delta", strength, rank, **more))
    return table("group_test", rows, extra=("strength",), findings=found)


def dispersion(metric: str, column: str, labels: Sequence[str], *, clear: bool) -> Table:
    """Build the test of spread of the first two groups."""
    one, two = sorted(set(labels))[:2]
    row = {
        "metric": metric,
        "variable": column,
        "test": "dispersion around the spatial median",
        "unit": "subject",
        "contrast": f"{one} - {two}",
        "n_1": 88,
        "n_2": 149,
        "statistic": 9.1,
        "df": 235.0,
        "p": 0.004 if clear else 0.41,
        "permutations": 999,
        "q": 0.004 if clear else 0.41,
        "family": f"the overall test of spread by {column}, {metric}",
        "effect": 0.031,
        "effect_name": "difference of mean distances to the centre",
        "n_dropped": 3,
        "strength": "clear" if clear else "weak",
    }
    told = {"p": row["p"], "q": row["q"], "contrast": row["contrast"], "variable": column, "group_1": one, "group_2": two}
    found = finding("dispersion", metric, "higher", 0.031, str(row["effect_name"]), str(row["strength"]), 0, **told)
    return table("group_test", [row], extra=("strength",), metric=metric, findings=[found])


def pairs(metric: str, column: str) -> Table:
    """Build three pairs of groups, which read differently together with their spread."""
    rows = [
        {
            "metric": metric,
            "variable": column,
            "test": "PERMANOVA of a pair, by margin",
            "unit": "subject",
            "contrast": contrast,
            "n_1": 40,
            "n_2": 48,
            "statistic": 6.2,
            "df": 86.0,
            "p": q / 2,
            "permutations": 999,
            "q": q,
            "family": f"3 pairs of {column}, {metric}",
            "effect": 0.04,
            "effect_name": "partial omega squared",
            "n_dropped": 3,
            "dispersion_q": spread,
            "reading": word,
            "strength": "clear" if q < 0.05 else "weak",
        }
        for contrast, q, spread, word in (
            ("a - b", 0.003, 0.6, "structure"),
            ("a - c", 0.003, 0.01, "structure or spread"),
            ("b - c", 0.4, float("nan"), "neither, spread not tested"),
        )
    ]
    return table("group_test", rows, extra=("dispersion_q", "reading", "strength"), metric=metric, findings=[])


def constrained(rng: np.random.Generator, metric: str, column: str, ids: Sequence[str], *, axes: int) -> Table:
    """Build a constrained ordination with one axis or two."""
    places = rng.standard_normal((len(ids), axes))
    rows = [{"sample_id": s, **{f"axis_{k + 1}": float(a[k]) for k in range(axes)}} for s, a in zip(ids, places, strict=True)]
    arrows = [{"term": t, "column": t, **{f"axis_{k + 1}": 0.8 - 0.5 * k for k in range(axes)}} for t in (f"{column}[b]", "age")[:axes]]
    return table(
        "ordination",
        rows,
        extra=tuple(f"axis_{k + 1}" for k in range(axes)),
        metric=metric,
        formula=f"~ {column}",
        proportion_explained=[0.083, 0.021][:axes],
        constrained_share=0.104 if axes > 1 else 0.083,
        biplot=arrows,
        findings=[],
    )


def abundance(column: str, labels: Sequence[str], names: Sequence[str]) -> Table:
    """Build tests of taxa in abundance and in prevalence, one of them a structural zero without a ratio."""
    one, two = sorted(set(labels))[:2]
    words = ("both", "null curve only", "opposite", "neither")
    rows: list[dict[str, Any]] = []
    for part in ("abundance", "prevalence"):
        for i, taxon in enumerate(names):
            q, effect = 0.0004 * 6**i, (-1) ** i * (1.4 - 0.1 * i)
            zero = part == "abundance" and i == len(names) - 1
            rows.append(
                {
                    "metric": part,
                    "variable": column,
                    "test": "linear regression with HC3 errors" if part == "abundance" else "penalised logistic regression",
                    "unit": "sample",
                    "contrast": f"{two} - {one}",
                    "n_1": 88,
                    "n_2": 149,
                    "p": float("nan") if zero else min(1.0, q / 3),
                    "q": float("nan") if zero else min(1.0, q),
                    "family": f"{part} of {len(names)} genera by {column}",
                    "effect": float("nan") if zero else effect,
                    "effect_name": "ln fold change" if part == "abundance" else "log odds ratio of detection",
                    "ci_low": float("nan") if zero else effect - 0.5,
                    "ci_high": float("nan") if zero else effect + 0.5,
                    "n_dropped": 3,
                    "n_samples": 237,
                    "estimator": "null curve" if part == "abundance" else "equal effort",
                    "strength": "not assessable" if zero else "clear" if q < 0.05 else "weak",
                    "taxon": taxon,
                    "rank": "genus",
                    "prevalence": 0.8 - 0.05 * i,
                    "prevalence_1": 0.9 - 0.05 * i,
                    "prevalence_2": 0.7 - 0.05 * i,
                    "mean_share": 0.04,
                    "mean_share_1": 0.05,
                    "mean_share_2": 0.03,
                    "structural_zero": two if zero else "",
                    "agreement": words[min(i // 2, 3)] if part == "abundance" and not zero else "",
                    "ancombc2_effect": effect * 0.9 if part == "abundance" else float("nan"),
                    "ancombc2_se": 0.2,
                    "ancombc2_p": 0.001 * 5**i if part == "abundance" and not zero else float("nan"),
                    "ancombc2_q": 0.002 * 5**i,
                    "clr_effect": effect if part == "abundance" else float("nan"),
                    "clr_q": 0.01,
                    "reason": "structural zero" if zero else "",
                }
            )
    found = [
        finding("abundance_difference", names[i], "lower" if i % 2 else "higher", 1.4, "ln fold change", "clear", i, contrast=f"{two} - {one}", q=0.0004)
        for i in range(2)
    ]
    return table("abundance", rows, variable=column, findings=found, notes=["Effects are relative to the typical taxon."], dropped={"no value of " + column: 3})


def models(values: Mapping[str, np.ndarray], column: str, labels: Sequence[str]) -> Table:
    """Build models of every metric: the term of the groups, their coefficient and that of age."""
    one, two = sorted(set(labels))[:2]
    rows = []
    for metric in values:
        for part, variable, contrast in (
            ("term", column, "whole term"),
            ("coefficient", column, f"{two} - {one}"),
            ("coefficient", "age", "per age"),
        ):
            effect = 0.21 if part == "term" else -0.4 if variable == column else 0.01
            rows.append(
                {
                    "metric": metric,
                    "variable": variable,
                    "test": f"{'F' if part == 'term' else 't'}, linear model (HC3)",
                    "unit": "sample",
                    "contrast": contrast,
                    "n_1": 237,
                    "statistic": 4.2,
                    "df": 234.0,
                    "p": 0.0001 if variable == column else 0.3,
                    "q": 0.0002 if variable == column else 0.4,
                    "family": f"6 tests of {part} {variable}",
                    "effect": effect,
                    "effect_name": "partial R squared" if part == "term" else "coefficient",
                    "ci_low": float("nan") if part == "term" else effect - 0.1,
                    "ci_high": float("nan") if part == "term" else effect + 0.1,
                    "n_dropped": 3,
                    "part": part,
                    "fit": "ordinary",
                    "normality": "not normal" if metric == "simpson" else "near normal",
                    "spread": "even",
                    "influence": "none",
                    "strength": "clear" if variable == column else "weak",
                }
            )
    more = ("part", "fit", "normality", "spread", "influence", "strength")
    return table("group_test", rows, extra=more, formula=f"~ {column} + age", findings=[], absent={"chao1": "the metric does not vary"})


def followed(values: Mapping[str, np.ndarray], labels: Sequence[str]) -> dict[str, Table]:
    """Build trajectories of 100 subjects in two groups with the groups' own courses, and the tests of change."""
    one, two = sorted(set(labels))[:2]
    names = [*list(values)[:2], "braycurtis_from_baseline"]
    rows = [
        {"sample_id": f"S{i}.{t}", "subject": f"P{i}", "group": one if i % 2 else two, "time": float(t), "metric": metric, "value": 3 + 0.1 * t}
        for metric in names
        for i in range(100)
        for t in range(3)
    ]
    courses = [
        {"metric": metric, "group": g, "time": float(t), "n": 50, "median": 3.5 + 0.1 * t, "low": 3.2, "high": 3.9}
        for metric in names
        for g in (one, two)
        for t in range(3)
    ]
    told = [
        {
            "metric": metric,
            "variable": "week",
            "test": test,
            "unit": "subject (subject)",
            "contrast": contrast,
            "n_1": 50,
            "n_2": 50,
            "p": p,
            "q": p,
            "family": "4 tests over week",
            "effect": 0.1,
            "effect_name": "coefficient",
            "ci_low": 0.02,
            "ci_high": 0.18,
            "n_dropped": 2,
            "part": part,
            "strength": "clear" if p < 0.05 else "weak",
        }
        for metric in list(values)[:2]
        for part, contrast, test, p in (
            ("term", "whole term", "F, mixed, random intercept by subject", 0.001),
            ("change within subjects", "later - first", "Wilcoxon signed-rank", 0.3),
        )
    ]
    return {
        "comparison/longitudinal/trajectories": table("trajectories", rows, courses=courses, time="week", time_counts="week"),
        "comparison/longitudinal/tests": table("group_test", told, extra=("part", "strength"), findings=[], absent={}, dropped={"no value of week": 2}),
    }
