"""How often links are found that are not there, and how often true ones are missed, on simulated tables and on permuted real ones.

`python benchmarks/validate_links.py --real FOLDER --measured FOLDER [--tables T] [--part NAME ...]` prints the tables of docs/validation/links.md.
`--real` is the folder of a genus table whose covariance is used, `--measured` that of a table of cells per gram.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from link_tables import (
    PREVALENCE,
    Community,
    Design,
    Drawn,
    depths,
    from_table,
    gamma_community,
    permuted,
    riding,
    some_independent,
    subset,
)
from scipy import sparse, stats

from gutdiv.immune.composition import Composition
from gutdiv.immune.design import Design as Samples
from gutdiv.immune.estimates import Linked, estimate
from gutdiv.immune.verdicts import absolute_p
from gutdiv.io.tables import read_abundance_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Floats = npt.NDArray[np.float64]
SIZES = (60, 120, 400)
LEVEL = 0.05
RANKS = ((0, 5, "1-5"), (5, 20, "6-20"), (20, 45, "21-45"), (45, 10_000, "46+"))
DESIGNS = {
    "base": Design(),
    "bloom": Design(bloom=True),
    "two groups, not adjusted": Design(groups=True),
    "depth follows diversity": Design(depth=True),
    "load follows diversity": Design(load=True),
}
NOISY = {
    "base, noisy reads (10,000)": Design(concentration=10_000),
    "base, noisy reads (2,000)": Design(concentration=2_000),
    "bloom, noisy reads (10,000)": Design(bloom=True, concentration=10_000),
    "bloom, noisy reads (2,000)": Design(bloom=True, concentration=2_000),
}
SLOPES = (0.2, -0.2, 0.4, -0.4, 0.8, -0.8)
OURS, ABSOLUTE, MEASURED = "relative link", "absolute verdict", "load measured"
RIDES, PERSISTS = "relative link of a taxon that rides on a partner", "of these, persists without partners"


@dataclass
class Tally:
    """Tests and false positives by way and size: hits, tests, by table, by rank class, and how many hits were positive."""

    hits: int = 0
    tests: int = 0
    positive: int = 0
    by_table: list[float] = field(default_factory=list)
    by_rank: dict[str, list[int]] = field(default_factory=lambda: {name: [0, 0] for _, _, name in RANKS})

    def add(self, at: npt.NDArray[np.int64], p: Floats, sign: Floats) -> None:
        """Count the tests of one table, at the places `at` by rank."""
        hit = p < LEVEL
        self.hits += int(hit.sum())
        self.tests += hit.size
        self.positive += int((hit & (sign > 0)).sum())
        if hit.size:
            self.by_table.append(float(hit.mean()))
        for low, high, name in RANKS:
            own = (at >= low) & (at < high)
            self.by_rank[name][0] += int(hit[own].sum())
            self.by_rank[name][1] += int(own.sum())

    def rate(self) -> str:
        """Rate in percent with the exact interval of independent tests."""
        return interval(self.hits, self.tests)

    def spread(self) -> str:
        """Standard error of the rate by tables, whose tests share a typical slope."""
        values = np.array(self.by_table)
        return f"{100 * values.std(ddof=1) / np.sqrt(values.size):.1f}" if values.size > 1 else ""


def interval(hits: int, tests: int) -> str:
    """Percent with exact 95 % limits (Clopper & Pearson 1934)."""
    if not tests:
        return ""
    low, high = stats.binomtest(hits, tests).proportion_ci(method="exact")
    return f"{100 * hits / tests:.1f} ({100 * low:.1f} to {100 * high:.1f})"


# ---------------------------------------------------------------- ways
def linked(drawn: Drawn, *, load: bool = False) -> tuple[npt.NDArray[np.int64], Linked]:
    """Run the shipped procedure on a table; places of the tested taxa in the table, and what was estimated."""
    n, p = drawn.counts.shape
    names = tuple(f"{j:04d}" for j in range(p))
    composition = Composition(names, np.ones(p, dtype=bool), ("Someaceae",) * p, sparse.csr_matrix(drawn.counts))
    samples = Samples(np.arange(n), np.full((n, 1), n**-0.5), None, False, n - 2, {}, ())  # noqa: FBT003
    found = estimate(composition, (), frozenset(), samples, load=drawn.load if load else None)
    if isinstance(found, str):
        raise SystemExit(found)
    return np.array([int(name) for name in found.taxa.names]), found


def line(y: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Slope of each column of y on its column of x per SD, and p by HC3."""
    n = len(y)
    e, d = y - y.mean(axis=0), x - x.mean(axis=0)
    d = d / d.std(axis=0, ddof=1)
    square = (d**2).sum(axis=0)
    b = (d * e).sum(axis=0) / square
    left = (e - b * d) / (1 - 1 / n - d**2 / square)
    return b, 2 * stats.t.sf(np.abs(b) / (np.sqrt(((d * left) ** 2).sum(axis=0)) / square), n - 2)


def naive(counts: npt.NDArray[np.int64]) -> dict[str, tuple[Floats, Floats]]:
    """What is commonly done instead, for all taxa: slope or correlation, and p."""
    total = counts.sum(axis=1, keepdims=True)
    share = counts / total
    terms = np.where(counts > 0, share * np.log(np.where(counts > 0, share, 1)), 0)
    h = -terms.sum(axis=1, keepdims=True)
    rest = 1 - share
    loo = np.where(rest > 0, (h + terms) / np.maximum(rest, 1e-12) + np.log(np.maximum(rest, 1e-12)), 0)
    logit = np.log((counts + 0.5) / (total - counts + 0.5))
    clr = np.log(counts + 0.5)
    clr = clr - clr.mean(axis=1, keepdims=True)
    found = {"logit relative abundance, Shannon": line(logit, h), "CLR, Shannon": line(clr, h), "CLR, rest": line(clr, loo)}
    b, _ = line(clr, loo)
    _, p = line(clr - (loo - loo.mean(axis=0)) / loo.std(axis=0, ddof=1) * np.median(b), loo)
    found["CLR, rest, less the median slope"] = b - np.median(b), p
    ranks = stats.rankdata(np.column_stack([h, share]), axis=0)
    ranks = (ranks - ranks.mean(axis=0)) / np.maximum(ranks.std(axis=0), 1e-12)
    rho = ranks[:, 0] @ ranks[:, 1:] / len(h)
    t = rho * np.sqrt((len(h) - 2) / np.maximum(1 - rho**2, 1e-12))
    found["rank correlation of relative abundance, Shannon"] = rho, 2 * stats.t.sf(np.abs(t), len(h) - 2)
    return found


def every_way(drawn: Drawn, only: int | None = None, *, load: bool = False) -> Iterator[tuple[str, npt.NDArray[np.int64], Floats, Floats]]:
    """Yield way, places of the null taxa (or of one), their p and slopes."""
    at, found = linked(drawn)
    fit, freedom = found.order_1, found.design.freedom
    chosen = (drawn.null[at] if only is None else at == only) & found.taxa.single
    yield OURS, at[chosen], fit.p(freedom)[chosen], fit.relative[chosen]
    yield ABSOLUTE, at[chosen], absolute_p(fit, found.s, freedom)[chosen], fit.relative[chosen]
    if load:
        where, own = linked(drawn, load=True)
        picked = drawn.null[where] if only is None else where == only
        yield MEASURED, where[picked], own.order_1.p(freedom)[picked], own.order_1.relative[picked]
    tested = at[chosen]
    for way, (slope, p) in naive(drawn.counts).items():
        yield way, tested, p[tested], slope[tested]


# ---------------------------------------------------------------- parts
Found = dict[tuple[str, int], Tally]


def stream(seed: int, part: int, n: int, k: int) -> np.random.Generator:
    """The generator of one table."""
    return np.random.Generator(np.random.Philox(key=[seed, 10**9 * part + 10**5 * n + k]))


def nulls(draw: Callable[[np.random.Generator, int, Design], Drawn], design: Design, tables: int, seed: int, part: int) -> Found:
    """Count false positives of every way among the taxa that are independent of all others."""
    tally: Found = defaultdict(Tally)
    for n in SIZES:
        for k in range(tables):
            for way, at, p, slope in every_way(draw(stream(seed, part, n, k), n, design), load=design.load):
                tally[way, n].add(at, p, slope)
    return tally


def correlated(community: Community, tables: int, seed: int) -> Found:
    """One taxon at a time is permuted, or rides on one partner, while all others keep the covariance of the real table.

    Of each table of abundances every tenth taxon is taken, from another start in each, so that all rank classes are met alike.
    """
    p = community.centre.size
    tally: Found = defaultdict(Tally)
    for n in SIZES:
        for k in range(tables):
            rng = stream(seed, 20, n, k)
            logs = community.centre + community.spread * (rng.normal(size=(n, p)) @ community.root.T)
            depth = depths(rng, n)
            for j in range(k % 10, p, 10):
                for way, at, value, slope in every_way(permuted(rng, np.exp(logs), j, depth), j):
                    tally[way, n].add(at, value, slope)
                partner = int(rng.integers(0, 5))
                if partner == j:
                    continue
                at, found = linked(riding(rng, community, logs, j, partner, depth))
                own = at == j
                p_own = found.order_1.p(found.design.freedom)[own]
                tally[RIDES, n].add(at[own], p_own, found.order_1.relative[own])
                if own.any() and p_own[0] < LEVEL and found.alone is not None:
                    same = np.sign(found.alone.relative[own]) == np.sign(found.order_1.relative[own])
                    value = np.where(same, found.alone.p(found.design.freedom)[own], 1.0)
                    tally[PERSISTS, n].add(at[own], value, found.alone.relative[own])
    return tally


def measured(cells: Floats, tables: int, seed: int) -> Found:
    """One taxon at a time is permuted in a table of cells per gram, in which load follows diversity; all others stay as measured.

    Reads alone give no verdict there (fewer than 15 taxa are prevalent), so that only links with load and the naive ways are counted.
    """
    cells = cells[:, np.argsort(-cells.mean(axis=0), kind="stable")]
    cells = cells[:, (cells > 0).mean(axis=0) >= 2 * PREVALENCE]
    tally: Found = defaultdict(Tally)
    for n in SIZES:
        for k in range(tables):
            rng = stream(seed, 30, n, k)
            amount, depth = subset(cells, rng, n), depths(rng, n)
            for j in range(k % 20, cells.shape[1], 20):
                drawn = permuted(rng, amount, j, depth)
                at, found = linked(drawn, load=True)
                own = at == j
                tally[MEASURED, n].add(at[own], found.order_1.p(n - 2)[own], found.order_1.relative[own])
                for way, (slope, p) in naive(drawn.counts).items():
                    tally[way, n].add(at[own], p[at[own]], slope[at[own]])
    return tally


def powers(draw: Callable[[np.random.Generator, int, Design], Drawn], tables: int, seed: int, part: int, label: str) -> None:
    """Print how often planted links are found, by slope and size, and how often with the wrong sign."""
    for n in SIZES:
        hits: dict[tuple[str, float], list[int]] = defaultdict(lambda: [0, 0, 0])
        for k in range(tables):
            drawn = draw(stream(seed, part, n, k), n, Design(slopes=SLOPES))
            at, found = linked(drawn)
            fit, freedom = found.order_1, found.design.freedom
            ways = {OURS: fit.p(freedom), ABSOLUTE: absolute_p(fit, found.s, freedom)}
            for j, size in drawn.planted.items():
                for way, p in ways.items():
                    entry, own = hits[way, size], at == j
                    entry[1] += int(own.any())
                    entry[0] += int((p[own] < LEVEL).sum())
                    entry[2] += int(((p < LEVEL) & (np.sign(fit.relative) != np.sign(size)))[own].sum())
        for way in (OURS, ABSOLUTE):
            cells = [interval(hits[way, s][0], hits[way, s][1]) for s in sorted(SLOPES)]
            wrong = sum(hits[way, s][2] for s in SLOPES)
            out(f"| {label} | {way} | {n} | {' | '.join(cells)} | {wrong} of {sum(hits[way, s][1] for s in SLOPES)} |\n")


# ---------------------------------------------------------------- printing
def out(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def show(name: str, tally: Found) -> None:
    """Print a row a way and size."""
    for (way, n), found in tally.items():
        ranks = " | ".join(interval(*found.by_rank[r]) for _, _, r in RANKS)
        up = f"{100 * found.positive / found.hits:.0f}" if found.hits else ""
        out(f"| {name} | {way} | {n} | {found.tests} | {found.rate()} | {found.spread()} | {ranks} | {up} |\n")


def summarise(files: Sequence[Path]) -> None:
    """Print one row a way and one column a table from rows printed earlier: rates at the three sizes, without intervals."""
    rates: dict[str, dict[str, list[str]]] = {}
    for path in files:
        for row in path.read_text(encoding="utf-8").splitlines():
            cells = [c.strip() for c in row.strip("|").split("|")]
            if len(cells) == 11 and cells[2].isdecimal():
                rates.setdefault(cells[1], {}).setdefault(cells[0], []).append(cells[4].split(" ")[0])
    tables = list(dict.fromkeys(name for found in rates.values() for name in found))
    out(f"| way | {' | '.join(tables)} |\n|{'---|' * (len(tables) + 1)}\n")
    for way, found in rates.items():
        out(f"| {way} | {' | '.join(' / '.join(found.get(name, [])) for name in tables)} |\n")


def main() -> None:
    """Simulate, run, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="folder of a genus table (table.biom)")
    parser.add_argument("--measured", type=Path, help="folder of a table of cells per gram (table.biom)")
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--part", nargs="*", choices=("independent", "gamma", "correlated", "measured", "power"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--summarise", type=Path, nargs="+", metavar="FILE", help="rows printed earlier: print their rates in one table and do nothing else")
    args = parser.parse_args()
    if args.summarise:
        summarise(args.summarise)
        return
    if args.real is None:
        parser.error("--real is needed")
    parts = args.part or ("independent", "gamma", "correlated", "measured", "power")
    community = from_table(np.asarray(read_abundance_table(args.real / "table.biom").values.toarray(), dtype=np.int64))

    def fitted(rng: np.random.Generator, n: int, design: Design) -> Drawn:
        return some_independent(rng, community, n, design)

    def gamma(rng: np.random.Generator, n: int, design: Design) -> Drawn:
        return gamma_community(rng, n, design)

    ranks = " | ".join(f"rank {name}" for _, _, name in RANKS)
    out(f"| table | way | n | tests | p < .05, % (95 % CI) | SE by table | {ranks} | positive, % |\n|{'---|' * 11}\n")
    for part, draw, designs in (("independent", fitted, DESIGNS), ("gamma", gamma, DESIGNS | NOISY)):
        for number, (name, design) in enumerate(designs.items()):
            if part in parts:
                start = time.process_time()
                show(f"{part}: {name}", nulls(draw, design, args.tables, args.seed, number + 10 * (part == "gamma")))
                sys.stderr.write(f"{part}, {name}: {time.process_time() - start:.0f} s\n")
    if "correlated" in parts:
        show("correlated", correlated(community, args.tables, args.seed))
    if "measured" in parts and args.measured:
        cells = np.asarray(read_abundance_table(args.measured / "table.biom").values.toarray(), dtype=np.float64)
        show("measured load", measured(cells, args.tables, args.seed))
    if "power" in parts:
        out(f"\n| table | way | n | {' | '.join(f'{s:+}' for s in sorted(SLOPES))} | wrong sign |\n|{'---|' * (4 + len(SLOPES))}\n")
        powers(fitted, args.tables, args.seed, 40, "independent")
        powers(gamma, args.tables, args.seed, 41, "gamma")


if __name__ == "__main__":
    main()
