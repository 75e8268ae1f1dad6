"""Measures how soon commands start: help of every command, and small real ones on 500 samples (`python startup.py --help`).

Each run is a process of its own; medians count. Of a real command three parts stand apart: *import* is what `python -X importtime` adds up in a run of its own,
scaled to seconds without its overhead; *work* is what the same command takes in a process that has run it once; the *rest* is the interpreter, cached
kernels and writing. A command on a table of two samples (*start*) does no work to speak of: it is the time from the first key to the first result. The
cache of kernels is warm, but for the column *cold*, in which it was empty: what compilation costs once for each installation.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

N = 500
THREADS = "2"
HELP_LIMIT, START_LIMIT = 0.3, 1.5
GUTDIV = [sys.executable, "-m", "gutdiv"]
TWICE = """
import sys, time
from gutdiv.cli.app import main
for _ in range(2):
    begin = time.perf_counter()
    code = main(sys.argv[1:])
    seconds = time.perf_counter() - begin
print(seconds)
sys.exit(code)
"""


def run(words: list[str], **environment: str) -> tuple[float, float, str, str]:
    """Run a process; return wall seconds, processor seconds, and what it printed to both streams."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"NUMBA_NUM_THREADS": THREADS} | environment
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        process = subprocess.Popen(words, stdout=out, stderr=err, env=own)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, told = out.read().decode(), err.read().decode()
    if process.returncode:
        sys.exit(f"{words} ended with exit code {process.returncode}: {told[-500:]}")
    return wall, used.ru_utime + used.ru_stime, said, told


def medians(words: list[str], repeats: int) -> tuple[float, float]:
    """Return the medians of wall and processor seconds."""
    runs = [run(words)[:2] for _ in range(repeats)]
    return statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs)


def import_share(words: list[str]) -> float:
    """Return the share of a command's processor time that goes into imports."""
    wall, _, _, told = run([sys.executable, "-X", "importtime", "-m", "gutdiv", *words])
    return sum(int(m) for m in re.findall(r"^import time:\s+(\d+) \|", told, flags=re.MULTILINE)) / 1e6 / wall


def real_commands(folder: Path, n: int) -> dict[str, list[str]]:
    """Return the small real commands on a simulated table of n samples, in the order in which they feed each other."""
    from simulate import folder_of

    made, out = folder_of(n, folder), folder / f"out-{n}"
    cohort = str(out / "cohort" / "cohort.json")
    distances = str(out / "braycurtis.h5")
    beta = ["diversity", "beta", "--cohort", cohort, "--depth", "none"]
    return {
        "cohort build": [
            "cohort",
            "build",
            "--table",
            str(made / "table.biom"),
            "--tree",
            str(made / "tree.nwk"),
            "--output",
            str(out / "cohort"),
        ],
        "diversity alpha, one metric": [
            *["diversity", "alpha", "--cohort", cohort, "--metric", "shannon", "--depth", "none"],
            *["--output", str(out / "alpha.tsv")],
        ],
        "diversity beta, Bray-Curtis": [*beta, "--metric", "braycurtis", "--output", distances],
        "diversity beta, weighted UniFrac": [*beta, "--metric", "weighted_unifrac_normalized", "--output", str(out / "unifrac.h5")],
        "diversity ordination": ["diversity", "ordination", "--distances", distances, "--output", str(out / "ordination.tsv")],
    }


def main() -> None:
    """Read the options, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs whose median counts")
    parser.add_argument("--folder", type=Path, help="where simulated tables lie or are put (default: a temporary folder)")
    args = parser.parse_args()
    from gutdiv.cli.app import COMMANDS

    versions = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scipy", "pandas", "numba", "h5py"))
    print(
        f"Python {platform.python_version()}, {versions}; {THREADS} threads; medians of {args.repeats} runs; load {os.getloadavg()[0]:.1f}.\n"
    )
    print("| help of | s | processor s | asked |\n|---|---|---|---|")
    for words in ([], *([c] for c in COMMANDS)):
        run([*GUTDIV, *words, "--help"])
        wall, cpu = medians([*GUTDIV, *words, "--help"], args.repeats)
        print(
            f"| `gutdiv {' '.join([*words, '--help'])}` | {wall:.2f} | {cpu:.2f} | {f'under {HELP_LIMIT}' if not words else ''} |",
            flush=True,
        )
    print(f"\n| command, {N} samples | s | processor s | import s | work s | rest s | start s (asked: under {START_LIMIT}) | cold s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        tiny = real_commands(folder, 2)
        for name, words in real_commands(folder, N).items():
            with tempfile.TemporaryDirectory() as cache:
                cold = run([*GUTDIV, *words], GUTDIV_CACHE_DIR=cache, NUMBA_CACHE_DIR="")[0]
            run([*GUTDIV, *words])
            run([*GUTDIV, *tiny[name]])
            wall, cpu = medians([*GUTDIV, *words], args.repeats)
            start, _ = medians([*GUTDIV, *tiny[name]], args.repeats)
            imported = wall * import_share(words)
            work = float(run([sys.executable, "-c", TWICE, *words])[2].strip().splitlines()[-1])
            rest = wall - imported - work
            print(f"| {name} | {wall:.2f} | {cpu:.2f} | {imported:.2f} | {work:.2f} | {rest:.2f} | {start:.2f} | {cold:.1f} |", flush=True)


if __name__ == "__main__":
    main()
