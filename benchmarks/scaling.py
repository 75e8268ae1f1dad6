"""Measures what studies beyond one matrix of distances cost, and what the landmark route errs by (`python benchmarks/scaling.py --help`).

Three parts, each printed as a table for docs/scaling.md: `steps` runs the whole workflow on a simulated study, from BIOM to report (above 40,000 samples
it takes the landmark route by itself); `blocks` times blocks of rows of the exact route against all samples; `error` holds landmarks against
the exact axes where a whole matrix can still be computed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from simulate_study import folder_of

from workflow import run, table

METRICS = ("braycurtis", "jaccard", "unweighted_unifrac", "weighted_unifrac_normalized", "aitchison")
OPTIONS = (
    *("--group", "group", "--subject", "subject", "--time", "day", "--controls", 'group == "healthy"', "--controls-are", "healthy"),
    *("--covariate", "age", "--covariate", "sex"),
)


def built(folder: Path, out: Path) -> Path:
    """Return the cohort of a study, which is built where it is missing."""
    cohort = out / "cohort" / "cohort.json"
    if not cohort.is_file():
        given = [f"--{part}={folder / name}" for part, name in _FILES.items()]
        words = ["cohort", "build", *given, "--group=group", "--subject=subject", "--time=day", f"--output={out / 'cohort'}"]
        subprocess.run([sys.executable, "-m", "gutdiv", *words], check=True)
    return cohort


_FILES = {"table": "table.biom", "taxonomy": "taxonomy.tsv", "tree": "tree.nwk", "metadata": "metadata.tsv"}


def steps(folder: Path, output: Path, cores: int) -> None:
    """Run the workflow, and print what each step took, what landmarks err by, and what tests on the subsample say of all samples."""
    n = sum(1 for _ in (folder / "metadata.tsv").open(encoding="utf-8")) - 1
    print(table({n: run(folder, output, cores, OPTIONS)}), flush=True)
    results = output / "results" / "simulated"
    for place in sorted((results / "diversity" / "ordination").glob("*.json")):
        about = json.loads(place.read_text(encoding="utf-8")).get("landmarks") or {}
        if about.get("agreement"):
            two = about["agreement"]["first_two"]
            print(f"{place.stem}: {about['stable_axes']} axes alike by either half of {about['count']:,} landmarks, the first two by {two:.3f}")
    for place in sorted((results / "comparison" / "permanova").glob("*.tsv")):
        first = pd.read_csv(place, sep="\t").iloc[0]
        print(f"{place.stem}: R2 {first.r2:.5f}, of all {first.r2_all:.5f} ({first.r2_low:.5f} to {first.r2_high:.5f}), p {first.p}")


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
    parser.add_argument("--landmarks", type=int, action="append", help="of `error`; repeatable (default: 500, 1000, 2000)")
    parser.add_argument("--rows", type=int, default=200, help="of a block (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of `steps` and `blocks` (default: %(default)s)")
    args = parser.parse_args()
    folder = folder_of(args.samples, args.folder, p=args.features)
    out = args.folder / f"results-{args.samples}"
    if args.part == "steps":
        shutil.rmtree(args.folder / f"run-{args.samples}", ignore_errors=True)
        steps(folder, args.folder / f"run-{args.samples}", args.threads)
    elif args.part == "blocks":
        blocks(folder, out, rows=args.rows, threads=args.threads)
    else:
        error(folder, out, counts=args.landmarks or [500, 1000, 2000], axes=10)


if __name__ == "__main__":
    main()
