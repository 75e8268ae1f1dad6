"""Measures `gutdiv dysbiosis verdict`, `indices` and `stability` on many samples, as processes (`python verdict.py --help`).

10,000 simulated samples, 200 of them controls, one a subject; features carry genera and families of the stool parts, so that the published groups are
held beside as well. Printed are wall and processor seconds and peak memory of each command with two threads, alpha diversity having been measured
before, and what one refit a sample would cost: seconds of the naive twin of the tests for a few samples, times the samples. A first run of each
command on 300 samples fills the caches of compiled kernels.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from side_by_side import THREADS, apart

HERE = Path(__file__).resolve()
N, CONTROLS, FEATURES = 10_000, 200, 3000
NAIVE = 10  # samples that the naive twin judges
WANTED = {"verdict": "60, with indices", "indices": "60, with verdict", "stability": "600"}  # seconds at most


def simulate(n: int, folder: Path) -> Path:
    """Write the table, taxonomy and metadata of n samples, build the cohort and measure alpha diversity."""
    import biom
    import numpy as np
    from scipy import sparse

    from gutdiv.cli.app import main as gutdiv
    from gutdiv.io.knowledge import read_parts

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    rules = [r for r in read_parts() if r["rank"] == "genus"] + [r for r in read_parts() if r["rank"] == "family"]
    named = [rules[j % len(rules)] for j in range(FEATURES)]
    weight = rng.normal(0, 2.0, FEATURES)
    common = rng.beta(0.6, 2.0, FEATURES)
    rows = []
    for i in range(n):
        lost = rng.random() < 0.3 and i >= CONTROLS  # three tenths of the others have lost genera
        there = rng.random(FEATURES) < common * (0.3 if lost else 1.0)
        share = np.where(there, np.exp(weight + rng.normal(0, 1.2, FEATURES)), 0)
        rows.append(sparse.csr_matrix(rng.multinomial(int(rng.integers(8_000, 30_000)), share / share.sum())))
    table = sparse.vstack(rows).T.tocsr().astype(float)
    features, samples = [f"F{j:05d}" for j in range(FEATURES)], [f"S{i:06d}" for i in range(n)]
    import h5py

    with h5py.File(folder / "table.biom", "w") as file:
        biom.Table(table, features, samples).to_hdf5(file, "verdict.py")
    lines = ["Feature ID\tTaxon"]
    for j, rule in enumerate(named):
        family = rule["name"] if rule["rank"] == "family" else f"Family{j % 60}"
        genus = rule["name"] if rule["rank"] == "genus" and j < len(rules) else f"Genus{j % 1200}"
        lines.append(f"{features[j]}\td__Bacteria; p__Firmicutes; c__Clostridia; o__Order; f__{family}; g__{genus}")
    (folder / "taxonomy.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    groups = ["sample_id\tgroup"] + [f"{s}\t{'control' if i < CONTROLS else 'other'}" for i, s in enumerate(samples)]
    (folder / "metadata.tsv").write_text("\n".join(groups) + "\n", encoding="utf-8")
    files = [w for o, f in (("--table", "table.biom"), ("--taxonomy", "taxonomy.tsv"), ("--metadata", "metadata.tsv")) for w in (o, str(folder / f))]
    if gutdiv(["cohort", "build", *files, "--group", "group", "--output", str(folder / "cohort")]):
        sys.exit("the cohort could not be built")
    words = ["diversity", "alpha", "--cohort", str(folder / "cohort" / "cohort.json"), "--depth", "5000", "--metric", "shannon", "--metric", "sobs"]
    if gutdiv([*words, "--output", str(folder / "alpha.tsv")]):
        sys.exit("alpha diversity could not be measured")
    return folder


def command(action: str, folder: Path) -> list[str]:
    """The command that is measured."""
    given = ["--cohort", str(folder / "cohort" / "cohort.json"), "--threads", THREADS]
    start = [sys.executable, "-m", "gutdiv", "dysbiosis", action]
    if action == "indices":
        return [*start, *given, "--controls", 'group == "control"', "--depth", "5000", "--output", str(folder / "out" / "indices.tsv")]
    given += ["--alpha", str(folder / "alpha.tsv")]
    if action == "verdict":
        return [*start, *given, "--controls", 'group == "control"', "--output", str(folder / "out")]
    return [*start, *given, "--verdicts", str(folder / "out" / "verdicts.tsv"), "--output", str(folder / "out" / "stability.tsv")]


def naive(folder: Path) -> float:
    """Seconds that one sample takes where everything is refitted for it, the distances being known."""
    sys.path.insert(0, str(HERE.parents[1] / "tests"))
    import numpy as np
    from score_twin import Components, conformal

    from gutdiv.diversity.rarefaction import sample_keys
    from gutdiv.dysbiosis.score import measure_study, rows_of
    from gutdiv.io.cohorts import read_cohort

    cohort = read_cohort(folder / "cohort" / "cohort.json")
    rows, genera = rows_of(cohort, sample_keys(cohort.sample_ids))
    samples, controls = np.arange(CONTROLS + NAIVE), np.arange(CONTROLS)
    found = measure_study(rows, genera, samples, controls, depth=5000, seed=1, draws=range(4))
    apart_all = np.zeros((samples.size, samples.size))
    apart_all[:, :CONTROLS] = found.unshared
    apart_all[:CONTROLS, :] = found.unshared.T
    whole = Components(found.entropy, apart_all, found.logs, found.seen.astype(float), 4)
    conformal(whole, CONTROLS, controls)
    begin = time.perf_counter()
    for s in range(CONTROLS, CONTROLS + NAIVE):
        conformal(whole, s, controls)
    return (time.perf_counter() - begin) / NAIVE


def compare(folder: Path, n: int) -> None:
    """Print the table."""
    print("| command | wall s | processor s | peak MB | asked: wall s at most |")
    print("|---|---|---|---|---|")
    for action in WANTED:
        found: dict[str, Any] = apart(command(action, folder))
        print(f"| {action} | {found['wall']:.1f} | {found['cpu']:.1f} | {found['mb']:.0f} | {WANTED[action]} |", flush=True)
    each = naive(folder)
    print(f"\nOne refit a sample: {each * 1e3:.0f} ms, {each * n:.0f} s for {n:,} samples, distances between all pairs not counted.")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=N, help="(default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where the data lie or are put (default: a temporary folder)")
    args = parser.parse_args()
    versions = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scipy", "numba"))
    print(f"Python {platform.python_version()}, {versions}; {args.samples:,} samples, {CONTROLS} controls; {THREADS} threads of {os.cpu_count()}.\n")
    with tempfile.TemporaryDirectory() as temporary:
        base = args.folder or Path(temporary)
        small = base / "n300"
        for n, place in ((300, small), (args.samples, base / f"n{args.samples}")):
            if not (place / "alpha.tsv").exists():
                simulate(n, place)
        for action in WANTED:
            apart(command(action, small))
        compare(base / f"n{args.samples}", args.samples)


if __name__ == "__main__":
    main()
