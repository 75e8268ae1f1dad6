"""Measures distances between samples beside scikit-bio, vegan and the unifrac binaries, row by row (`python beta.py --help`).

Each run is a process of its own that reads the table and the tree from BIOM and Newick, calls once on four samples (which loads or compiles its kernels), then
measures the call on all samples; runs of gutdiv and of its peer take turns, and medians count. `ssu` is one program: from its run the time of a run that
only reads (one stripe of the matrix) is taken off. Beside the call stand whole processes: wall and processor seconds and peak memory. gutdiv's whole
process also writes the matrix as HDF5, as that of `ssu` does.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from side_by_side import apart

HERE = Path(__file__).resolve()
SSU = {
    "unweighted_unifrac": ["unweighted"],
    "weighted_unifrac": ["weighted_unnormalized"],
    "weighted_unifrac_normalized": ["weighted_normalized"],
    "generalized_unifrac": ["generalized", "-a", "0.5"],
}
WORDS = {
    "braycurtis": "Bray-Curtis",
    "jaccard": "Jaccard",
    "unweighted_unifrac": "unweighted UniFrac",
    "weighted_unifrac_normalized": "weighted normalised UniFrac",
    "generalized_unifrac": "generalised UniFrac, alpha 0.5",
}


@dataclass(frozen=True)
class Row:
    """One comparison: a metric of n samples against a peer, and how many times faster gutdiv is to be (0: nothing is asked)."""

    metric: str
    n: int
    peer: str
    wanted: float
    precision: str = "double"
    memory: float = 0.0  # share of the peer's memory that gutdiv may take (0: nothing is asked)


ROWS = {
    "braycurtis-skbio": Row("braycurtis", 2000, "scikit-bio", 100, memory=0.5),
    "jaccard-skbio": Row("jaccard", 2000, "scikit-bio", 200),
    "braycurtis-vegan": Row("braycurtis", 500, "vegan", 50),
    "unweighted-skbio": Row("unweighted_unifrac", 2000, "scikit-bio", 50),
    "unweighted-ssu": Row("unweighted_unifrac", 2000, "ssu", 5, "single"),
    "unweighted-ssu-double": Row("unweighted_unifrac", 2000, "ssu", 5),
    "unweighted-ssu-5000": Row("unweighted_unifrac", 5000, "ssu", 12, "single"),
    "unweighted-ssu-5000-double": Row("unweighted_unifrac", 5000, "ssu", 12),
    "weighted-ssu": Row("weighted_unifrac_normalized", 2000, "ssu", 6, "single"),
    "weighted-ssu-double": Row("weighted_unifrac_normalized", 2000, "ssu", 6),
    "weighted-ssu-5000": Row("weighted_unifrac_normalized", 5000, "ssu", 12, "single"),
    "weighted-ssu-5000-double": Row("weighted_unifrac_normalized", 5000, "ssu", 12),
    "generalized-ssu": Row("generalized_unifrac", 2000, "ssu", 10, "single"),
    "generalized-ssu-double": Row("generalized_unifrac", 2000, "ssu", 10),
}
QUICK = {
    "braycurtis-skbio": Row("braycurtis", 200, "scikit-bio", 0),
    "unweighted-skbio": Row("unweighted_unifrac", 100, "scikit-bio", 0),
    "braycurtis-vegan": Row("braycurtis", 100, "vegan", 0),
    "unweighted-ssu": Row("unweighted_unifrac", 200, "ssu", 0, "single"),
    "generalized-ssu-double": Row("generalized_unifrac", 200, "ssu", 0),
}
START = {  # whole processes of 500 samples: how much of the time of `ssu` gutdiv may take
    "start-unweighted": ("unweighted_unifrac", 3.0),
    "start-weighted": ("weighted_unifrac_normalized", 1.0),
    "start-generalized": ("generalized_unifrac", 1.0),
}
GROWTH = {  # (metric, samples, precision, seconds allowed, MB allowed)
    f"growth-{n}-{metric}": (metric, n, precision, seconds, mb)
    for n, precision, seconds, mb in ((10_000, "double", 40, 2500), (20_000, "single", 0, 4000))
    for metric in ("braycurtis", "jaccard", "unweighted_unifrac", "weighted_unifrac_normalized")
}


# ---------------------------------------------------------------- the runs, each in a process of its own
def run_vegan(metric: str, folder: Path, output: Path) -> dict[str, Any]:
    """Measure by vegan's vegdist in R on a dense table."""
    assert metric == "braycurtis"
    dense = folder / "dense.tsv"
    if not dense.exists():
        script = "import sys, numpy as np; from scipy import sparse; np.savetxt(sys.argv[2], sparse.load_npz(sys.argv[1]).toarray(), fmt='%d', delimiter='\\t')"
        subprocess.run([sys.executable, "-c", script, str(folder / "counts.npz"), str(dense)], check=True)
    code = (
        "suppressPackageStartupMessages(library(vegan)); a <- commandArgs(TRUE); x <- as.matrix(read.table(a[1], sep='\\t'));"
        "d <- vegdist(x[1:4, ]); t <- proc.time()[['elapsed']]; d <- vegdist(x); t <- proc.time()[['elapsed']] - t;"
        "writeBin(as.numeric(d), a[2]); cat(sprintf('\\n{\"call\": %.6f}\\n', t))"
    )
    return apart(["Rscript", "--vanilla", "-e", code, str(dense), str(output)])


def run_ssu(metric: str, precision: str, folder: Path, output: Path) -> dict[str, Any]:
    """Measure by `ssu`, and how long it takes to read the same files."""
    word, *more = SSU[metric]
    kind = "fp32" if precision == "single" else "fp64"
    command = ["ssu", "-i", str(folder / "table.biom"), "-t", str(folder / "tree.nwk"), "-m", f"{word}_{kind}", *more, "-o", str(output)]
    whole = apart([*command, "-r", f"hdf5_{kind}", "--pcoa", "0"])
    one_stripe = apart([*command[:-1], str(output) + ".partial", "--mode", "partial", "--start", "0", "--stop", "1"])
    return {**whole, "call": whole["wall"] - one_stripe["wall"], "read": one_stripe["wall"]}


def run(tool: str, metric: str, precision: str, folder: Path, output: Path, **environment: str) -> dict[str, Any]:
    """Run one tool once."""
    if tool == "ssu":
        return run_ssu(metric, precision, folder, output)
    if tool == "vegan":
        return run_vegan(metric, folder, output)
    # byte code is kept, as where a package is installed, whatever the shell says
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.parent / "pycache")}
    return apart([sys.executable, str(HERE.with_name("beta_run.py")), tool, metric, precision, str(folder), str(output)], **kept, **environment)


def medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the median of each number."""
    return {key: statistics.median(r[key] for r in runs) for key in runs[0]}


def difference(ours: Path, theirs: Path) -> str:
    """Tell the largest difference of two matrices, as far as their ids are the same."""
    code = """
import sys, h5py, numpy as np
a = h5py.File(sys.argv[1]); x = a["matrix"]; n = len(x)
if sys.argv[2].endswith(".bin"):
    y = np.zeros((n, n)); y[np.triu_indices(n, 1)] = np.fromfile(sys.argv[2]); y += y.T
else:
    b = h5py.File(sys.argv[2]); y = b["matrix"]
    assert [i for i in a["order"]] == [i for i in b["order"]], "samples stand in another order"
print('{"text": "%.0e"}' % max(np.abs(x[k:k + 500] - y[k:k + 500]).max() for k in range(0, n, 500)))
"""
    return str(apart([sys.executable, "-c", code, str(ours), str(theirs)])["text"])


# ---------------------------------------------------------------- the tables
def line(*cells: str) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def compare(row: Row, base: Path, repeats: int) -> str:
    """Run gutdiv and the peer in turn; return a line of the table."""
    from simulate import folder_of

    folder = folder_of(row.n, base)
    with tempfile.TemporaryDirectory() as temporary:
        ours_out, theirs_out = Path(temporary) / "ours.h5", Path(temporary) / ("theirs.bin" if row.peer == "vegan" else "theirs.h5")
        pairs = []
        for _ in range(repeats):
            mine = run("gutdiv", row.metric, row.precision, folder, ours_out)
            pairs.append((mine, run(row.peer, row.metric, row.precision, folder, theirs_out)))
        apart_by = difference(ours_out, theirs_out)
    ours, theirs = medians([a for a, _ in pairs]), medians([b for _, b in pairs])
    asked = f" (asked: {row.wanted:g})" if row.wanted else ""
    share = f" ({ours['mb'] / theirs['mb']:.2f}{f', asked: {row.memory:g}' if row.memory else ''})"
    return line(
        f"{WORDS[row.metric]}, {row.n:,}, {row.precision}",
        row.peer,
        f"{ours['call']:.3f}",
        f"{theirs['call']:.2f}",
        f"**{theirs['call'] / ours['call']:.0f}**{asked}",
        *(f"{ours[k]:.1f} / {theirs[k]:.1f}" for k in ("wall", "cpu")),
        f"{ours['mb']:.0f} / {theirs['mb']:.0f}{share}",
        apart_by,
    )


def start(metric: str, allowed: float, base: Path, repeats: int) -> str:
    """Run whole processes of 500 samples in turn; return a line of the table."""
    from simulate import folder_of

    folder = folder_of(500, base)
    with tempfile.TemporaryDirectory() as temporary:
        pairs = []
        run("gutdiv", metric, "single", folder, Path(temporary) / "ours.h5")  # so that kernels are compiled and files are in memory
        for _ in range(max(repeats, 5) if repeats > 1 else 1):
            mine = run("gutdiv", metric, "single", folder, Path(temporary) / "ours.h5")
            pairs.append((mine, run("ssu", metric, "single", folder, Path(temporary) / "theirs.h5")))
    ours, theirs = medians([a for a, _ in pairs]), medians([b for _, b in pairs])
    phases = [ours[k] for k in ("import", "read", "kernels", "call", "write")]
    return line(
        f"{WORDS[metric]}, 500, single",
        *(f"{v:.3f}" for v in (ours["wall"] - sum(phases), *phases)),
        f"{ours['wall']:.2f} / {theirs['wall']:.2f}",
        f"**{ours['wall'] / theirs['wall']:.2f}** (asked: {allowed:g})",
        f"{ours['cpu']:.2f} / {theirs['cpu']:.2f}",
    )


def compilation(base: Path) -> list[str]:
    """Measure the first call with no compiled kernel, and with all of them on disk."""
    from simulate import folder_of

    folder = folder_of(100, base)
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        for metric, precision in [*((m, "double") for m in WORDS), ("unweighted_unifrac", "single")]:
            cold = {"GUTDIV_CACHE_DIR": str(Path(temporary) / f"{metric}-{precision}"), "NUMBA_CACHE_DIR": ""}
            first, second = (run("gutdiv", metric, precision, folder, Path(temporary) / "out.h5", **cold) for _ in range(2))
            lines.append(f"| {WORDS[metric]}, {precision} | {first['kernels']:.1f} | {second['kernels']:.2f} |")
    return lines


def grow(metric: str, n: int, precision: str, seconds: float, mb: float, base: Path) -> str:
    """Run gutdiv alone on many samples; return a line of the table."""
    from simulate import folder_of

    folder = folder_of(n, base)
    with tempfile.TemporaryDirectory() as temporary:
        ours = run("gutdiv", metric, precision, folder, Path(temporary) / "ours.h5")
    whole = f"**{ours['wall']:.1f}**" + (f" (asked: {seconds:g})" if seconds else "")
    told = (f"{WORDS[metric]}, {n:,}, {precision}", f"{ours['call']:.1f}", f"{ours['write']:.1f}", whole)
    return line(*told, f"{ours['cpu']:.1f}", f"**{ours['mb']:.0f}** (asked: {mb:g})")


def versions() -> str:
    """Name the programs and their versions."""
    named = [f"{p} {version(p)}" for p in ("gutdiv", "scikit-bio", "numpy", "scipy", "numba")]
    if shutil.which("dpkg-query"):
        for package in ("unifrac-tools", "r-cran-vegan"):
            done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False)
            named += [f"{package} {done.stdout}"] if done.returncode == 0 and done.stdout else []
    return f"Python {platform.python_version()}, {', '.join(named)}; {platform.machine()}, {os.cpu_count()} processors, 2 threads each"


def main() -> None:
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [*ROWS, *START, *GROWTH, "compilation"]
    parser.add_argument("--rows", nargs="+", choices=known, metavar="NAME", help=f"only these: {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="few samples and one run each, to see that it works; its ratios mean little")
    parser.add_argument("--large", action="store_true", help="also 10,000 and 20,000 samples, which takes minutes")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each whose median counts (default: %(default)s)")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "gutdiv-benchmarks", help="where simulated tables lie or are put"
    )
    args = parser.parse_args()
    repeats = 1 if args.quick else args.repeats
    rows = {k: r for k, r in (QUICK if args.quick else ROWS).items() if not args.rows or k in args.rows}
    starts = {k: s for k, s in START.items() if not args.rows or k in args.rows}
    growth = {k: g for k, g in GROWTH.items() if (args.rows and k in args.rows) or (args.large and not args.rows)}
    print(f"{versions()}; medians of {repeats} runs.\n")
    need = {"ssu": "ssu", "vegan": "Rscript"}
    if rows:
        print(
            "| work | peer | call s | peer's call s | times faster | wall s | processor s | peak MB | largest difference |\n"
            + "|---" * 9
            + "|"
        )
    for row in rows.values():
        if row.peer in need and not shutil.which(need[row.peer]):
            print(f"| {WORDS[row.metric]}, {row.n:,}, {row.precision} | {row.peer} is not installed |" + " |" * 7, flush=True)
        else:
            print(compare(row, args.folder, repeats), flush=True)
    if starts and shutil.which("ssu"):
        print(
            "\n| whole process | Python | import | read | kernels | call | write | wall s, gutdiv / ssu | share | processor s |\n"
            + "|---" * 10
            + "|"
        )
        for metric, allowed in starts.values():
            print(start(metric, allowed, args.folder, repeats), flush=True)
    if not args.rows or "compilation" in args.rows:
        print("\n| kernels of | first call, nothing compiled s | first call, compiled before s |\n|---|---|---|")
        for line in compilation(args.folder):
            print(line, flush=True)
    if growth:
        print("\n| growth | call s | write s | whole process s | processor s | peak MB |\n" + "|---" * 6 + "|")
        for case in growth.values():
            print(grow(*case, args.folder), flush=True)


if __name__ == "__main__":
    main()
