"""Measures how fast and in how much memory tables are read, beside the biom-format library (`python read_tables.py --help`)."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve()
CASES = {
    "BIOM 2.1, 20,000 samples x 100,000 features, 5 million entries": ("big.biom", 20_000, 100_000, 250),
    "dense TSV, 2,000 samples x 20,000 features": ("dense.tsv", 2_000, 20_000, 250),
}
TOOLS = {"gutdiv": "gutdiv", "biom-format": "biom-format"}


def read_by_gutdiv(path: Path) -> list[object]:
    """Read a table by gutdiv and return what it is told by."""
    from gutdiv.io.tables import read_abundance_table

    table = read_abundance_table(path)
    return [table.sample_ids, table.feature_ids, int(table.values.nnz), float(table.values.sum())]


def read_by_biom(path: Path) -> list[object]:
    """Read a table by the biom-format library and return what it is told by."""
    import biom

    table = biom.load_table(str(path))
    return [tuple(map(str, table.ids())), tuple(map(str, table.ids("observation"))), int(table.nnz), float(table.sum())]


def child(tool: str, path: Path) -> None:
    """Read a table once in this process, and print the seconds of the call and a digest of what was read."""
    begin = time.perf_counter()
    found = (read_by_gutdiv if tool == "gutdiv" else read_by_biom)(path)
    seconds = time.perf_counter() - begin
    print(json.dumps({"call": seconds, "digest": hashlib.sha256(repr(found).encode()).hexdigest()}))


def measured(command: list[str], **environment: str) -> dict[str, object]:
    """Run a command in a fresh process: wall seconds, processor seconds and peak memory in MB, and what it printed last."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with exit code {process.returncode}")
    scale = 1 if platform.system() == "Darwin" else 1024  # ru_maxrss is in bytes on macOS, in kB on Linux
    last = said.strip().splitlines()[-1] if said.strip() else ""
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss * scale / 1e6, "said": last}


def medians(runs: list[dict[str, object]], key: str) -> float:
    """Return the median of a measure."""
    return statistics.median(float(str(r[key])) for r in runs)


def main() -> None:
    """Simulate, read by each tool in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each tool, one after the other in turn")
    parser.add_argument("--folder", type=Path, help="where simulated tables lie or are put (default: a temporary folder)")
    parser.add_argument("--child", nargs=2, metavar=("TOOL", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        compare(folder, args.repeats)


def compare(folder: Path, repeats: int) -> None:
    """Print one block for each table."""
    names = ("gutdiv", "biom-format", "numpy", "scipy", "h5py", "numba")
    print(f"Python {platform.python_version()}, " + ", ".join(f"{n} {version(n)}" for n in names) + f"; {os.cpu_count()} processors")
    start = [measured([sys.executable, "-c", "pass"]) for _ in range(5)]
    idle = medians(start, "wall"), medians(start, "cpu")
    print(
        f"interpreter start: {idle[0]:.3f} s wall, {idle[1]:.3f} s processor; all times below are above it, medians of {repeats} fresh processes"
    )
    for title, (file, n, p, per_sample) in CASES.items():
        path = folder / file
        if not path.exists():
            size = ["--samples", str(n), "--features", str(p), "--per-sample", str(per_sample)]
            subprocess.run([sys.executable, str(HERE.with_name("simulate_tables.py")), str(path), *size], check=True)
        print(f"\n{title} ({path.stat().st_size / 1e6:.0f} MB on the disk)")
        with tempfile.TemporaryDirectory() as cache:
            cold = measured([sys.executable, str(HERE), "--child", "gutdiv", str(path)], GUTDIV_CACHE_DIR=cache, NUMBA_CACHE_DIR="")
        runs: dict[str, list[dict[str, object]]] = {tool: [] for tool in TOOLS}
        for tool in TOOLS:
            measured([sys.executable, str(HERE), "--child", tool, str(path)])  # warms the disk and the kernels' cache
        for _ in range(repeats):
            for tool in TOOLS:
                runs[tool].append(measured([sys.executable, str(HERE), "--child", tool, str(path)]))
        digests = {json.loads(str(r["said"]))["digest"] for tool in TOOLS for r in runs[tool]}
        print(f"  {'':<14}{'process s':>10}{'processor s':>13}{'call s':>8}{'peak MB':>9}")
        for tool in TOOLS:
            call = statistics.median(json.loads(str(r["said"]))["call"] for r in runs[tool])
            wall, cpu = medians(runs[tool], "wall") - idle[0], medians(runs[tool], "cpu") - idle[1]
            print(f"  {tool:<14}{wall:>10.2f}{cpu:>13.2f}{call:>8.2f}{medians(runs[tool], 'mb'):>9.0f}")
        ratios = [medians(runs["gutdiv"], k) - o for k, o in (("wall", idle[0]), ("cpu", idle[1]))]
        peers = [medians(runs["biom-format"], k) - o for k, o in (("wall", idle[0]), ("cpu", idle[1]))]
        print(f"  gutdiv / biom-format: {ratios[0] / peers[0]:.2f} of the time, {ratios[1] / peers[1]:.2f} of the processor time")
        print(
            f"  with no compiled kernels in the cache: {float(str(cold['wall'])) - idle[0]:.2f} s, {float(str(cold['cpu'])) - idle[1]:.2f} s processor"
        )
        print(f"  both read the same ids, entries and total: {'yes' if len(digests) == 1 else 'NO'}")
        if path.suffix == ".biom":
            with tempfile.TemporaryDirectory() as out:
                whole = measured([sys.executable, "-m", "gutdiv", "cohort", "build", "--table", str(path), "--output", out])
            print(f"  the whole `gutdiv cohort build` of it: {float(str(whole['wall'])) - idle[0]:.2f} s, ", end="")
            print(f"{float(str(whole['cpu'])) - idle[1]:.2f} s processor, peak {whole['mb']:.0f} MB")


if __name__ == "__main__":
    main()
