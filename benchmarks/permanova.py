"""Measures PERMANOVA of a model of four terms beside scikit-bio's of one factor, 999 permutations each (`python permanova.py --help`).

Bray-Curtis distances of simulated samples; two factors (3 and 2 groups) and two numbers, tested by terms and by margin, without and with subjects of
two samples each, whose numbers and groups are exchanged whole. scikit-bio's `permanova(engine="numba")` tests the first factor alone. Each run is a process
of its own that loads the distances, calls once on a corner of them (which loads or compiles), then measures the call on all; runs take turns, medians count.
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
N, QUICK = 5000, 1500
PERMUTATIONS = 999
WANTED = 3.0  # times the time of the peer, at most
PEER = "scikit-bio, one factor"
TOOLS = {
    "gutdiv, four terms by terms": {"by": "terms"},
    "gutdiv, four terms by margin": {"by": "margin"},
    "gutdiv, one factor": {"by": "terms", "formula": "~ arm"},
    "gutdiv, four terms by margin, whole subjects": {"by": "margin", "subject": "owner"},
    PEER: {},
}


def distances_in(folder: Path, n: int) -> Path:
    """Return the file of Bray-Curtis distances of n simulated samples, measured by gutdiv where it is missing."""
    import numpy as np
    from simulate import community

    from gutdiv.numerics.pairs import braycurtis

    place = folder / f"braycurtis-{n}.npy"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(place, braycurtis(community(n)[0].astype(float)))
    return place


def columns(n: int) -> dict[str, list[str]]:
    """Draw the metadata: everything is constant within subjects of two samples."""
    import numpy as np

    rng = np.random.default_rng(3)
    owner = np.arange(n) // 2
    arm, sex = np.array(["a", "b", "c"])[rng.integers(0, 3, n)], np.array(["f", "m"])[rng.integers(0, 2, n)]
    age, bmi = rng.normal(50, 15, n).round(1), rng.normal(25, 4, n).round(1)
    return {"owner": [f"p{o:05d}" for o in owner], **{k: [str(v[o]) for o in owner] for k, v in (("arm", arm), ("sex", sex), ("age", age), ("bmi", bmi))}}


def call_of(tool: str, n: int) -> Any:
    """Return a function that takes a corner of the distances and gives F of the first factor, alone or first of the terms, and its p."""
    cells = columns(n)
    if tool == PEER:
        from skbio import DistanceMatrix
        from skbio.stats.distance import permanova as peer

        def by_scikit_bio(matrix: Any) -> list[float]:
            k = len(matrix)
            found = peer(DistanceMatrix(matrix, validate=False), cells["arm"][:k], permutations=PERMUTATIONS, seed=1, engine="numba")
            return [float(found["test statistic"]), float(found["p-value"])]

        return by_scikit_bio
    from gutdiv.comparison.distances import permanova
    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.results import DistanceMatrix as Distances

    kinds = {"owner": "categorical", "arm": "categorical", "sex": "categorical", "age": "numeric", "bmi": "numeric"}
    options: dict[str, Any] = {"formula": "~ arm + sex + age + bmi", **TOOLS[tool]}

    def by_gutdiv(matrix: Any) -> list[float]:
        k = len(matrix)
        ids = tuple(f"s{i:05d}" for i in range(k))
        meta = SampleMetadata(ids, {c: tuple(v[:k]) for c, v in cells.items()}, kinds)
        frame = permanova(Distances(ids, matrix, "braycurtis"), meta, permutations=PERMUTATIONS, seed=1, **options).frame
        return [float(frame["f"].iloc[0]), float(frame["p"].iloc[0])]

    return by_gutdiv


def child(tool: str, source: Path) -> None:
    """Load, call on a corner, then on all; print the seconds of the call and what it found."""
    import numpy as np

    matrix = np.load(source)
    call = call_of(tool, len(matrix))
    call(matrix[:200, :200].copy())
    begin = time.perf_counter(), time.process_time()
    found = call(matrix)
    print(json.dumps({"call": time.perf_counter() - begin[0], "spent": time.process_time() - begin[1], "found": found}))


def compare(source: Path, repeats: int) -> None:
    """Print the table."""
    runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in TOOLS}
    for _ in range(repeats):
        for tool in TOOLS:
            runs[tool].append(apart([sys.executable, str(HERE), "--child", tool, str(source)]))
    call, spent = ({tool: statistics.median(r[k] for r in runs[tool]) for tool in TOOLS} for k in ("call", "spent"))
    print("| tool | call s | processor s | process s | peak MB | call, against the peer | F of the first factor | p |")
    print("|---|---|---|---|---|---|---|---|")
    for tool in TOOLS:
        wall, mb = (statistics.median(r[k] for r in runs[tool]) for k in ("wall", "mb"))
        f, p = runs[tool][0]["found"]
        ratio = f"{call[tool] / call[PEER]:.2f} of its time (asked: {WANTED:g} at most), {spent[tool] / spent[PEER]:.2f} in processor time"
        ratio = "" if tool == PEER else ratio
        print(f"| {tool} | {call[tool]:.2f} | {spent[tool]:.2f} | {wall:.1f} | {mb:.0f} | {ratio} | {f:.6f} | {p:.3f} |", flush=True)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} samples")
    parser.add_argument("--repeats", type=int, default=3, help="runs whose median counts")
    parser.add_argument("--folder", type=Path, help="where distances lie or are put (default: a temporary folder)")
    parser.add_argument("--child", nargs=2, metavar=("TOOL", "FILE"), help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=2, metavar=("FOLDER", "N"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]))
    elif args.make:
        print(json.dumps({"file": str(distances_in(Path(args.make[0]), int(args.make[1])))}))
    else:
        versions = ", ".join(f"{p} {version(p)}" for p in ("numpy", "scipy", "numba", "scikit-bio"))
        n = QUICK if args.quick else N
        print(f"Python {platform.python_version()}, {versions}; {n:,} samples; {THREADS} threads each; medians of {args.repeats} runs.\n")
        with tempfile.TemporaryDirectory() as temporary:
            made = apart([sys.executable, str(HERE), "--make", str(args.folder or temporary), str(n)])
            compare(Path(made["file"]), args.repeats)


if __name__ == "__main__":
    main()
