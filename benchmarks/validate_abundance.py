"""How often differential abundance is found that is not there, and how often true differences are missed, on simulated tables.

`python benchmarks/validate_abundance.py [--tables T] [--peers P] [--real FOLDER] [--scenario NAME ...]` prints the table of docs/validation/abundance.md.
Absolute abundances are log-normal with correlated taxa, reads multinomial. The truth is the change of a taxon's absolute abundance.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import stats

from gutdiv.comparison.abundance_fit import (
    MIN_DETECTED,
    Effort,
    Plan,
    abundance_fit,
    choose_reference,
    clr_fit,
    detection_fit,
    expected_detections,
)
from gutdiv.comparison.ancombc import AncomBC2, ancombc2

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Found = tuple[Ints, Floats]  # places of the tested taxa, and their p
PREVALENCE, LEVEL = 0.1, 0.05


@dataclass(frozen=True)
class Scenario:
    """One design: group sizes, share of taxa with an effect and its sign, how much deeper the second group is, a bloom in it, median depth."""

    sizes: tuple[int, ...]
    share: float = 0.0
    one_sided: bool = False
    deeper: float = 1.0
    bloom: bool = False
    depth: float = 12_000
    real: bool = False


SCENARIOS: Mapping[str, Scenario] = {
    "null, 20 + 20": Scenario((20, 20)),
    "null, 50 + 50": Scenario((50, 50)),
    "null, 100 + 100": Scenario((100, 100)),
    "null, 20 + 80": Scenario((20, 80)),
    "null, 50 + 50 + 50": Scenario((50, 50, 50)),
    "null, 100 + 100, depth x4": Scenario((100, 100), deeper=4),
    "null, 20 + 80, depth x4": Scenario((20, 80), deeper=4),
    "null, 80 + 20, depth x4": Scenario((80, 20), deeper=4),
    "null, 50 + 50, 1,500 reads": Scenario((50, 50), depth=1_500),
    "null, 100 + 100, real covariance, depth x4": Scenario((100, 100), deeper=4, real=True),
    "bloom, 100 + 100": Scenario((100, 100), bloom=True),
    "20 %, 20 + 20": Scenario((20, 20), 0.2),
    "20 %, 50 + 50": Scenario((50, 50), 0.2),
    "20 %, 100 + 100": Scenario((100, 100), 0.2),
    "20 %, 20 + 80": Scenario((20, 80), 0.2),
    "20 %, 100 + 100, depth x4": Scenario((100, 100), 0.2, deeper=4),
    "20 % up, 50 + 50": Scenario((50, 50), 0.2, one_sided=True),
    "20 % up, 100 + 100": Scenario((100, 100), 0.2, one_sided=True),
    "20 % up, 100 + 100, depth x4": Scenario((100, 100), 0.2, one_sided=True, deeper=4),
    "20 %, 100 + 100, real covariance": Scenario((100, 100), 0.2, real=True),
    "20 %, 100 + 100, real covariance, depth x4": Scenario((100, 100), 0.2, deeper=4, real=True),
}


@dataclass(frozen=True, eq=False)
class Community:
    """Log-normal absolute abundances: `centre` and `spread` (p,) of the logs, `root` (p, r) such that correlated draws are z root'."""

    centre: Floats
    spread: Floats
    root: Floats
    own: Floats


def factors(rng: np.random.Generator, p: int = 100) -> Community:
    """Draw a community of p taxa over ten ln-units that share four factors."""
    loading = rng.normal(size=(p, 4)) * 0.45
    own = np.sqrt(np.maximum(1 - (loading**2).sum(axis=1), 0.25))
    return Community(np.linspace(4.2, -5.2, p), rng.uniform(0.8, 1.6, p), loading, own)


def from_table(counts: Ints) -> Community:
    """Fit a community to a real table: spread and centre from upper quantiles of the CLR, correlation of the CLR shrunk by .1."""
    counts = counts[:, (counts > 0).mean(axis=0) >= PREVALENCE]
    logs = np.log(counts + 0.5)
    logs = logs - logs.mean(axis=1, keepdims=True)
    seen = (counts > 0).mean(axis=0)
    upper, top = 1 - seen / 2, 1 - seen / 10
    high = np.array([np.quantile(v, [a, b]) for v, a, b in zip(logs.T, upper, top, strict=True)])
    z = stats.norm.ppf(np.stack([upper, top], axis=1))
    spread = np.clip((high[:, 1] - high[:, 0]) / (z[:, 1] - z[:, 0]), 0.6, 2.5)
    centre = high[:, 0] - spread * z[:, 0]
    correlation = 0.9 * np.corrcoef(logs.T) + 0.1 * np.eye(len(seen))
    return Community(centre, spread, np.linalg.cholesky(correlation), np.zeros(len(seen)))


def simulate(rng: np.random.Generator, scenario: Scenario, community: Community) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Draw reads (n, p), the group of each sample, and which taxa truly differ."""
    n, p = sum(scenario.sizes), community.centre.size
    group = np.repeat(np.arange(len(scenario.sizes)), scenario.sizes)
    logs = rng.normal(size=(n, community.root.shape[1])) @ community.root.T + rng.normal(size=(n, p)) * community.own
    logs = community.centre + community.spread * logs
    effect = np.zeros(p)
    at = rng.choice(p, round(scenario.share * p), replace=False)
    effect[at] = rng.uniform(0.6, 1.8, at.size) * (1 if scenario.one_sided else rng.choice([-1, 1], at.size))
    if scenario.bloom:
        effect[int(np.argmax(community.centre))] = np.log(20)
    logs += (group == 1)[:, None] * effect
    amount = np.exp(logs - logs.max(axis=1, keepdims=True))
    ratio = np.where(group == 1, np.sqrt(scenario.deeper), 1 / np.sqrt(scenario.deeper))
    depth = np.maximum(np.exp(rng.normal(np.log(scenario.depth), 0.5, n)) * ratio, 1_000).astype(int)
    counts = np.array([rng.multinomial(d, a / a.sum()) for d, a in zip(depth, amount, strict=True)])
    return counts, group, effect != 0


def plan_of(group: Ints) -> Plan:
    """Compare each group with the first."""
    matrix = np.column_stack([np.ones(group.size), *((group == k).astype(float) for k in range(1, group.max() + 1))])
    return Plan(matrix, slice(1, matrix.shape[1]), None, means=False, rows=matrix, level=group)


def run(counts: Ints, group: Ints, *, peers: bool) -> dict[str, Found]:
    """Run every estimator on one table."""
    seen = np.flatnonzero((counts > 0).mean(axis=0) >= PREVALENCE)
    counts, plan = counts[:, seen], plan_of(group)
    reference = choose_reference((counts > 0).mean(axis=0))
    if isinstance(reference, str):
        raise SystemExit(reference)
    own, effort = abundance_fit(counts, plan, reference)
    enough = (expected_detections(counts > 0, plan) >= MIN_DETECTED).all(axis=0)
    clr = clr_fit(counts, plan)
    both = np.minimum((counts > 0).sum(axis=0), (counts == 0).sum(axis=0)) >= MIN_DETECTED
    detected = detection_fit(counts[:, both], plan, Effort(effort.log[:, both], reference, effort.shift, effort.shift_se))
    found = {
        "null curve": (seen[enough], own.overall_p[enough]),
        "prevalence": (seen[both], detected.overall_p),
        "LinDA-like CLR": (seen[enough], clr.overall_p[enough]),
    }
    if len(set(group)) == 2:
        a, b = counts[group == 0], counts[group == 1]
        logs = np.log(counts + 0.5)
        logs -= logs.mean(axis=1, keepdims=True)
        found["CLR t"] = (seen, stats.ttest_ind(logs[group == 0], logs[group == 1], equal_var=False).pvalue)
        found["Wilcoxon"] = (seen, stats.mannwhitneyu(a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)).pvalue)
        if peers:
            peer = ancombc2(counts.astype(float), plan.matrix, plan.tested)
            if isinstance(peer, AncomBC2):
                fit = np.isfinite(peer.p[0])
                found["ANCOM-BC2"] = (seen[fit], peer.p[0][fit])
                fit &= enough
                hits = [stats.false_discovery_control(p) for p in (own.overall_p[fit], peer.p[0][fit])]
                agree = (np.maximum(*hits) <= LEVEL) & (own.effect[0][fit] * peer.effect[0][fit] > 0)
                found["confirmed"] = (seen[fit], np.where(agree, 0.0, 1.0))
    return found


def score(found: Found, truth: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Share of false discoveries, whether there is any, and share of the true differences among the tested taxa that were found."""
    at, p = found
    hit = stats.false_discovery_control(p) <= LEVEL
    false = int((hit & ~truth[at]).sum())
    return false / max(int(hit.sum()), 1), float(false > 0), float(hit[truth[at]].mean()) if truth[at].any() else float("nan")


def main() -> None:
    """Simulate, run, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--peers", type=int, default=20, help="tables on which ANCOM-BC2 runs as well")
    parser.add_argument("--real", type=Path, help="folder of a genus table (table.biom); else scenarios of real covariance are left out")
    parser.add_argument("--scenario", nargs="*", choices=tuple(SCENARIOS), default=tuple(SCENARIOS))
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    real = None
    if args.real:
        from gutdiv.io.tables import read_abundance_table

        real = from_table(np.asarray(read_abundance_table(args.real / "table.biom").values.toarray(), dtype=np.int64))
    sys.stdout.write("| scenario | estimator | tables | FDR % (95 % CI) | any false % | power % |\n|---|---|---|---|---|---|\n")
    names = list(SCENARIOS)
    for name in args.scenario:
        scenario, scores, start = SCENARIOS[name], {}, time.process_time()
        if scenario.real and real is None:
            continue
        for k in range(args.tables):
            rng = np.random.Generator(np.random.Philox(key=[args.seed, 1000 * names.index(name) + k]))
            community = real if scenario.real and real is not None else factors(rng)
            counts, group, truth = simulate(rng, scenario, community)
            for estimator, found in run(counts, group, peers=k < args.peers).items():
                scores.setdefault(estimator, []).append(score(found, truth))
        for estimator, values in scores.items():
            fdr, any_false, power = np.array(values).T
            half = 1.96 * fdr.std(ddof=1) / np.sqrt(fdr.size)
            low, high = max(fdr.mean() - half, 0), fdr.mean() + half
            if scenario.share == 0 and not scenario.bloom:  # a share of 0 or 1 in each table: exact limits
                k = int(any_false.sum())
                low, high = stats.binomtest(k, fdr.size).proportion_ci(method="exact")
            found = "" if np.isnan(power).all() else f"{100 * np.nanmean(power):.0f}"
            line = f"| {name} | {estimator} | {fdr.size} | {100 * fdr.mean():.1f} ({100 * low:.1f} to {100 * high:.1f}) "
            sys.stdout.write(f"{line}| {100 * any_false.mean():.0f} | {found} |\n")
        sys.stdout.flush()
        sys.stderr.write(f"{name}: {time.process_time() - start:.0f} s\n")


if __name__ == "__main__":
    main()
