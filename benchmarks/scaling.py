"""Measures what studies beyond one matrix of distances cost, and what the landmark route errs by (`python benchmarks/scaling.py --help`).

Three parts, each printed as a table for docs/scaling.md: `steps` runs the workflow's commands that need no matrix, and those of the landmark route, one
after the other on a simulated study; `blocks` times blocks of rows of the exact route against all samples; `error` holds landmarks against the
exact axes where a whole matrix can still be computed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from simulate_study import folder_of

METRICS = ("braycurtis", "jaccard", "unweighted_unifrac", "weighted_unifrac_normalized", "aitchison")
CONTROLS = 'group == "healthy"'
PAIRS = ("permanova", "--formula=~ group"), ("dispersion", "--variable=group"), ("pairs", "--variable=group"), ("constrained", "--formula=~ group")


def measured(words: list[str]) -> tuple[float, float, float]:
    """Run one command in a process of its own; return wall and processor seconds, and the peak of its memory in MB."""
    start = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-m", "gutdiv", *words], os.environ)
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"gutdiv {' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def report(name: str, words: list[str]) -> None:
    """Run a command and print its row."""
    wall, cpu, peak = measured(words)
    print(f"| {name} | {wall:,.1f} | {cpu:,.1f} | {peak:,.0f} |", flush=True)


def built(folder: Path, out: Path) -> Path:
    """Return the cohort of a study, which is built where it is missing."""
    cohort = out / "cohort" / "cohort.json"
    if not cohort.is_file():
        given = [f"--{part}={folder / name}" for part, name in _FILES.items()]
        report("cohort build", ["cohort", "build", *given, "--group=group", "--subject=subject", "--time=day", f"--output={out / 'cohort'}"])
    return cohort


_FILES = {"table": "table.biom", "taxonomy": "taxonomy.tsv", "tree": "tree.nwk", "metadata": "metadata.tsv"}


def steps(folder: Path, out: Path, *, landmarks: int, subsample: int, threads: int) -> None:
    """Run every step that a study of any size takes."""
    print("| step | wall s | processor s | peak MB |\n|---|---|---|---|")
    cohort = built(folder, out)
    where = {name: out / f"{name}.tsv" for name in ("alpha", "taxa", "abundance", "links", "matches", "samples", "stability", "flags")}
    c, controls = f"--cohort={cohort}", ["--controls", CONTROLS, "--subject=subject"]
    taken = f"--threads={threads}"
    for name, more in {"depth": [], "composition": controls, "curves": [taken], "standards": [taken], "taxa": [], "alpha": [taken]}.items():
        report(f"diversity {name}", ["diversity", name, c, *more, f"--output={out / name}.tsv"])
    reference, verdicts = out / "reference.json", out / "dysbiosis" / "verdicts.tsv"
    a, t = f"--alpha={where['alpha']}", f"--taxa={where['taxa']}"
    report("reference build", ["reference", "build", c, a, t, *controls, "--controls-are=healthy", f"--output={reference}"])
    report("dysbiosis verdict", ["dysbiosis", "verdict", c, a, f"--reference={reference}", *controls, taken, f"--output={out / 'dysbiosis'}"])
    rest = {
        "dysbiosis stability": [c, f"--verdicts={verdicts}", a, f"--reference={reference}", taken, f"--output={where['stability']}"],
        "dysbiosis flags": [c, t, *controls, f"--output={where['flags']}"],
        "dysbiosis indices": [c, *controls, taken, f"--output={out / 'indices.tsv'}"],
        "immune match": [c, f"--output={where['matches']}"],
        "comparison abundance": [c, "--variable=group", "--formula=~ group", "--subject=subject", f"--output={where['abundance']}"],
        "immune link": [c, "--covariate=age", "--covariate=sex", "--subject=subject", f"--output={where['links']}"],
        "immune enrichment": [c, f"--links={where['links']}", f"--abundance={where['abundance']}", f"--output={out / 'enrichment.tsv'}"],
        "immune samples": [c, t, f"--verdicts={verdicts}", f"--flags={out / 'dysbiosis' / 'flags.tsv'}", *controls, f"--output={where['samples']}"],
        "comparison alpha": [a, c, "--variable=group", "--subject=subject", f"--output={out / 'groups.tsv'}"],
        "comparison model": [a, c, "--formula=~ group", "--subject=subject", f"--output={out / 'model.tsv'}"],
    }
    for name, words in rest.items():
        report(name, [*name.split(), *words])
    for metric in METRICS:
        by_landmarks(cohort, out, metric, landmarks=landmarks, subsample=subsample, threads=threads)


def by_landmarks(cohort: Path, out: Path, metric: str, *, landmarks: int, subsample: int, threads: int) -> None:
    """Take the landmark route for one metric."""
    c, m, taken = f"--cohort={cohort}", f"--metric={metric}", f"--threads={threads}"
    page, distances = out / "ordination" / f"{metric}.tsv", out / "distances" / f"{metric}.h5"
    report(f"diversity landmarks, {metric}", ["diversity", "landmarks", c, m, f"--landmarks={landmarks}", taken, f"--output={page}"])
    found = json.loads(page.with_suffix(".json").read_text())
    print(f"<!-- {metric}: {json.dumps(found['landmarks'])} -->", flush=True)
    report(f"diversity beta, {metric}", ["diversity", "beta", c, m, f"--subsample={subsample}", taken, f"--output={distances}"])
    for action, option in PAIRS:
        more = ["--subject=subject"] if action != "constrained" else []
        given = [f"--distances={distances}", f"--metadata={cohort.with_name('metadata.tsv')}", option, *more]
        report(f"comparison {action}, {metric}", ["comparison", action, *given, f"--output={out / action / metric}.tsv"])
    table = pd.read_csv(out / "permanova" / f"{metric}.tsv", sep="\t").iloc[0]
    print(f"<!-- {metric}: R2 {table.r2:.5f}, of all {table.r2_all:.5f} ({table.r2_low:.5f} to {table.r2_high:.5f}), p {table.p} -->", flush=True)


def blocks(folder: Path, out: Path, *, rows: int, threads: int) -> None:
    """Time a block of rows in the middle of the matrix, by metric."""
    from gutdiv.diversity.distances import beta_measure
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.numerics.jit import use_threads

    use_threads(threads)
    cohort = read_cohort(built(folder, out))
    print("| metric | rows | samples | processor s | million pairs a second and core |\n|---|---|---|---|---|")
    for metric in METRICS:
        for single in (False, True):
            measure = beta_measure(cohort, metric, single=single)
            n = len(measure.ids)
            measure.between(np.arange(50), start=0, stop=10)  # compiled
            fixed = time.process_time()
            measure.between(start=n // 2, stop=n // 2 + 1)
            fixed = time.process_time() - fixed  # what is done for the whole table, whatever the rows
            start = time.process_time()
            measure.between(start=n // 2, stop=n // 2 + rows)
            took = time.process_time() - start
            rate = rows * n / max(took - fixed, 1e-9) / 1e6
            name = f"{metric}, single" if single else metric
            print(f"| {name} | {rows:,} | {n:,} | {fixed:.1f} + {took - fixed:.1f} | {rate:.2f} |", flush=True)


def error(folder: Path, out: Path, *, counts: list[int], axes: int) -> None:
    """Hold landmarks against the exact axes."""
    from gutdiv.diversity.distances import beta_measure
    from gutdiv.diversity.landmarks import ordinate_by_landmarks
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.numerics.landmarks import aligned_correlation, axis_correlations
    from gutdiv.numerics.spectra import principal_coordinates

    cohort = read_cohort(built(folder, out))
    print("| metric | landmarks | axes 1 to 5, correlation with the exact ones | first two, after the best turn | stated | largest error of an eigenvalue |")
    print("|---|---|---|---|---|---|")
    for metric in METRICS:
        measure = beta_measure(cohort, metric)
        exact = principal_coordinates(measure.between(condensed=True), axes)
        for count in counts:
            found, about = ordinate_by_landmarks(measure, landmarks=count, axes=axes)
            each = ", ".join(f"{r:.3f}" for r in axis_correlations(found.axes, exact.axes)[:5])
            two = aligned_correlation(found.axes[:, :2], exact.axes[:, :2])
            off = float(np.abs(found.eigenvalues / exact.eigenvalues[: found.eigenvalues.size] - 1).max())
            stated = about["landmarks"]["agreement"]["first_two"]
            print(f"| {metric} | {count:,} | {each} | {two:.4f} | {stated:.4f} | {100 * off:.0f} % |", flush=True)


def main() -> None:
    """Measure one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("steps", "blocks", "error"))
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=120_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "gutdiv-scaling")
    parser.add_argument("--landmarks", type=int, action="append", help="repeatable for `error` (default: 2000; error: 500, 1000, 2000)")
    parser.add_argument("--subsample", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=200, help="of a block (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    folder = folder_of(args.samples, args.folder, p=args.features)
    out = args.folder / f"results-{args.samples}"
    if args.part == "steps":
        steps(folder, out, landmarks=(args.landmarks or [2000])[0], subsample=args.subsample, threads=args.threads)
    elif args.part == "blocks":
        blocks(folder, out, rows=args.rows, threads=args.threads)
    else:
        error(folder, out, counts=args.landmarks or [500, 1000, 2000], axes=10)


if __name__ == "__main__":
    main()
