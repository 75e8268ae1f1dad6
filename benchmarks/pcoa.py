"""Measures principal coordinates, first 10 axes, beside scikit-bio's `eigh` and `fsvd` (`python pcoa.py --help`).

Each run is a process of its own that loads Bray-Curtis distances of simulated samples, calls once on a corner of them (which loads or compiles its kernels),
then measures the call on all; runs of the tools take turns, and medians count. Beside the call stand whole processes: wall and processor seconds and peak
memory, the distances and the interpreter with its libraries included. `exact` is numpy's full decomposition, run once; errors are relative to it.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from side_by_side import THREADS, apart

HERE = Path(__file__).resolve()
AXES, N, LARGE, QUICK = 10, 5000, 20_000, 600
WANTED = 7.0
TOOLS = {
    "gutdiv": "sum of positive eigenvalues estimated",
    "gutdiv --eigenvalues all": "every eigenvalue",
    "scikit-bio eigh": "",
    "scikit-bio fsvd": "",
}


def distances_in(folder: Path, n: int, *, single: bool) -> Path:
    """Return the file of distances of n simulated samples, measured by gutdiv where it is missing."""
    import numpy as np
    from simulate import community

    from gutdiv.numerics.pairs import braycurtis

    place = folder / f"braycurtis-{n}{'-single' if single else ''}.npy"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(place, braycurtis(community(n)[0].astype(float), single=single))
    return place


def call_of(tool: str) -> Any:
    """Return a function that takes distances and gives eigenvalues, coordinates, proportions and the stated error of these."""
    from gutdiv.numerics import spectra

    if tool.startswith("gutdiv"):
        most = spectra.DENSE

        def by_gutdiv(matrix: Any) -> tuple[Any, ...]:
            spectra.DENSE = min(most, len(matrix) - 1)  # the corner and `--quick` go the way of large matrices
            found = spectra.principal_coordinates(matrix, AXES, all_eigenvalues=tool.endswith("all"))
            return found.eigenvalues, found.axes, found.proportion_explained, found.proportion_error

        return by_gutdiv
    from skbio import DistanceMatrix
    from skbio.stats.ordination import pcoa

    def by_scikit_bio(matrix: Any) -> tuple[Any, ...]:
        found = pcoa(DistanceMatrix(matrix, validate=False), method=tool.split()[1], dimensions=AXES, seed=1, warn_neg_eigval=False)
        return found.eigvals.to_numpy(), found.samples.to_numpy(), found.proportion_explained.to_numpy(), 0.0

    return by_scikit_bio


def child(tool: str, source: Path, repeats: int) -> None:
    """Load, call on a corner, then on all; print the seconds of each call and keep the last result."""
    import numpy as np

    matrix = np.load(source)
    call = call_of(tool)
    begin = time.perf_counter()
    call(matrix[:200, :200].copy())
    first = time.perf_counter() - begin
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call(matrix)
        seconds.append(time.perf_counter() - begin)
    np.savez(source.with_name(f"{source.stem}-{tool.replace(' ', '_')}.npz"), *result)
    print(json.dumps({"first": first, "calls": seconds}))


def exact(source: Path) -> None:
    """Decompose the centred matrix whole by numpy, and keep all eigenvalues and the first vectors."""
    import numpy as np

    place = source.with_name(f"{source.stem}-exact.npz")
    if not place.exists():
        squares = -0.5 * np.load(source).astype(np.float64) ** 2
        squares -= squares.mean(axis=0)
        squares -= squares.mean(axis=1)[:, None]
        values, vectors = np.linalg.eigh(squares)
        np.savez(place, values=values[::-1], vectors=vectors[:, ::-1][:, :AXES])
    print("{}")


def agreement(source: Path, tool: str) -> str:
    """Say how far a tool's result lies from the exact one."""
    import numpy as np

    truth = np.load(source.with_name(f"{source.stem}-exact.npz"))
    values, axes, proportions, error = (
        np.load(source.with_name(f"{source.stem}-{tool.replace(' ', '_')}.npz"))[f"arr_{i}"] for i in range(4)
    )
    right = truth["vectors"] * np.sqrt(truth["values"][:AXES])
    right *= np.sign((right * axes).sum(axis=0))
    off = np.abs(values / truth["values"][:AXES] - 1)
    share = truth["values"][0] / truth["values"][truth["values"] > 0].sum()
    told = f"eigenvalues off by {off.min():.0e} to {off.max():.0e}; coordinates by {np.abs(axes - right).max():.0e}"
    return f"{told}; first proportion by {abs(proportions[0] / share - 1):.0e}" + (f" (stated: {float(error):.0e})" if error > 1e-9 else "")


def compare(source: Path, repeats: int) -> None:
    """Print the table."""
    apart([sys.executable, str(HERE), "--exact", str(source)])
    runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in TOOLS}
    apart([sys.executable, str(HERE), "--child", "gutdiv", str(source), "1"])  # fills the cache of kernels
    for _ in range(repeats):
        for tool in TOOLS:
            runs[tool].append(apart([sys.executable, str(HERE), "--child", tool, str(source), "1"]))
    call = {tool: statistics.median(r["calls"][0] for r in runs[tool]) for tool in TOOLS}
    print("| tool | call s | process s | processor s | peak MB | times faster than `eigh` | agreement |")
    print("|---|---|---|---|---|---|---|")
    for tool, note in TOOLS.items():
        wall, cpu, mb = (statistics.median(r[k] for r in runs[tool]) for k in ("wall", "cpu", "mb"))
        ratio = f"{call['scikit-bio eigh'] / call[tool]:.1f}" + (f" (asked: {WANTED:g})" if tool == "gutdiv" else "")
        name = f"{tool} ({note})" if note else tool
        print(f"| {name} | {call[tool]:.2f} | {wall:.1f} | {cpu:.1f} | {mb:.0f} | {ratio} | {agreement(source, tool)} |", flush=True)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} samples, to see that it runs; its ratios mean little")
    parser.add_argument("--large", action="store_true", help=f"gutdiv alone on {LARGE:,} samples in single precision")
    parser.add_argument("--repeats", type=int, default=3, help="runs whose median counts")
    parser.add_argument("--folder", type=Path, help="where distances lie or are put (default: a temporary folder)")
    parser.add_argument("--child", nargs=3, metavar=("TOOL", "FILE", "REPEATS"), help=argparse.SUPPRESS)
    parser.add_argument("--exact", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=3, metavar=("FOLDER", "N", "SINGLE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]), int(args.child[2]))
    elif args.exact:
        exact(args.exact)
    elif args.make:
        print(json.dumps({"file": str(distances_in(Path(args.make[0]), int(args.make[1]), single=args.make[2] == "1"))}))
    else:
        versions = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scipy", "numba", "scikit-bio"))
        print(f"Python {platform.python_version()}, {versions}; {THREADS} threads each; medians of {args.repeats} runs.\n")
        n = LARGE if args.large else QUICK if args.quick else N
        with tempfile.TemporaryDirectory() as temporary:
            folder = args.folder or Path(temporary)
            made = apart([sys.executable, str(HERE), "--make", str(folder), str(n), str(int(args.large))])
            if not args.large:
                compare(Path(made["file"]), args.repeats)
                return
            run = apart([sys.executable, str(HERE), "--child", "gutdiv", made["file"], "1"])
            print(f"{n:,} samples, single precision: call {run['calls'][0]:.1f} s, process {run['wall']:.1f} s, peak {run['mb']:.0f} MB")


if __name__ == "__main__":
    main()
