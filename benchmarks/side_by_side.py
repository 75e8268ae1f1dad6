"""Runs gutdiv and a peer in turn, each in processes of its own, and prints a Markdown table of times, memory and ratios.

A benchmark file declares its cases and calls `main`. For each case and tool a process loads the data, calls once (which warms it), then
`repeats` times; the median of those calls counts, in wall and in processor seconds (all threads together, which other load on the machine hardly
changes). Beside it stand whole-process wall and processor seconds and peak memory, and apart what the first call of gutdiv takes more, in processor
seconds, with no compiled kernel in its cache: compilation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

THREADS = "2"
THREAD_NAMES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# From a folder with the data a tool makes the call that is measured, which returns numbers to compare by.
Tool = Callable[[Path], Callable[[], Mapping[str, Any]]]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Parameters
    ----------
    name : str
        What is done, of how much.
    n : int
        Samples to simulate.
    tools : mapping of str to Tool
        gutdiv first, then its peer.
    wanted : float
        How many times faster gutdiv is to be.
    agree : function of two results
        In words, how far the results agree.
    memory : float
        Share of the peer's memory that gutdiv may use, NaN where none is asked for.
    """

    name: str
    n: int
    tools: Mapping[str, Tool]
    wanted: float
    agree: Callable[[Mapping[str, Any], Mapping[str, Any]], str]
    memory: float = float("nan")


def child(case: Case, tool: str, folder: Path, repeats: int) -> None:
    """Load, call once, then `repeats` times; print the seconds of each, and the result of the last call to a file."""
    import numpy as np

    call = case.tools[tool](folder)
    seconds, processor = [], []
    result: Mapping[str, Any] = {}
    for _ in range(1 + repeats):
        begin = time.perf_counter(), time.process_time()
        result = call()
        seconds.append(time.perf_counter() - begin[0])
        processor.append(time.process_time() - begin[1])
    np.savez(folder / f"{tool}.npz", **result)
    print(json.dumps({"first": processor[0], "calls": seconds[1:], "processor": processor[1:]}))


def apart(command: Sequence[str], **environment: str) -> dict[str, Any]:
    """Run a command in a fresh process: wall seconds, processor seconds, peak memory in MB, and what it printed last."""
    threads = dict.fromkeys(THREAD_NAMES, THREADS)
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **threads, **environment}, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{list(command)} ended with exit code {process.returncode}")
    scale = 1 if platform.system() == "Darwin" else 1024  # ru_maxrss is in bytes on macOS, in kB on Linux
    last = said.strip().splitlines()[-1] if said.strip() else "{}"
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss * scale / 1e6, **json.loads(last)}


def compare(case: Case, script: Path, folder: Path, repeats: int) -> list[str]:
    """Run one case; return the rows of the table."""
    import numpy as np

    def run(tool: str, times: int, **environment: str) -> dict[str, Any]:
        return apart([sys.executable, str(script), "--child", case.name, tool, str(folder), str(times)], **environment)

    names = list(case.tools)
    with tempfile.TemporaryDirectory() as cache:
        cold = run(names[0], 1, GUTDIV_CACHE_DIR=cache, NUMBA_CACHE_DIR="")
    run(names[0], 1)  # fills the usual cache
    runs = {tool: run(tool, repeats) for tool in names}
    call = {tool: statistics.median(r["calls"]) for tool, r in runs.items()}
    spent = {tool: statistics.median(r["processor"]) for tool, r in runs.items()}
    results = [np.load(folder / f"{tool}.npz") for tool in names]
    told = case.agree(*results)
    rows = []
    for tool in names:
        r = runs[tool]
        ratio = memory = compiled = agreement = ""
        if tool == names[0]:
            peer = names[1]
            ratio = (
                f"{call[peer] / call[tool]:.0f} x faster (asked: {case.wanted:g}), {spent[peer] / spent[tool]:.0f} x less processor time"
            )
            memory = f", {r['mb'] / runs[peer]['mb']:.2f} of its memory"
            memory += f" (asked: {case.memory:g})" if case.memory == case.memory else ""
            compiled, agreement = f"{cold['first'] - spent[tool]:.1f}", told
        times = f"{call[tool]:.3f} | {spent[tool]:.3f} | {r['wall']:.1f} | {r['cpu']:.1f}"
        work = case.name if tool == names[0] else ""
        rows.append(f"| {work} | {tool} | {times} | {r['mb']:.0f} | {compiled} | {ratio}{memory} | {agreement} |")
    return rows


def main(script: str, cases: Sequence[Case], quick: Sequence[Case], packages: Sequence[str]) -> None:
    """Read the options, simulate what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it runs; its ratios mean little")
    parser.add_argument("--repeats", type=int, default=3, help="calls whose median counts")
    parser.add_argument("--folder", type=Path, help="where simulated tables lie or are put (default: a temporary folder)")
    parser.add_argument("--child", nargs=4, metavar=("CASE", "TOOL", "FOLDER", "REPEATS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        name, tool, folder, repeats = args.child
        child(next(c for c in (*cases, *quick) if c.name == name), tool, Path(folder), int(repeats))
        return
    from simulate import folder_of

    versions = ", ".join(f"{p} {version(p)}" for p in packages)
    print(f"Python {platform.python_version()}, {versions}; {THREADS} threads each; medians of {args.repeats} calls in a warm process.\n")
    print(
        "| work | tool | call s | call, processor s | process s | process, processor s | peak MB | compilation s | against the peer | agreement |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for case in quick if args.quick else cases:
            folder = folder_of(case.n, args.folder or Path(temporary))
            for row in compare(case, Path(script), folder, args.repeats):
                print(row, flush=True)
