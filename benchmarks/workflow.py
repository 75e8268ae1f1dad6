"""Runs the whole workflow on simulated cohorts, from BIOM to report, and prints what each step took and asked for (`python workflow.py --help`).

The tables are those of `simulate.py` (at 10,000 samples: 100,000 features), with a lineage for each feature from `test_data/genera.tsv` and metadata: a
fifth of the samples are healthy controls, the others patients; age and sex. `gutdiv run` makes everything that its defaults ask for. Per step: wall and
processor seconds, peak memory (resident set of its largest process) and the memory that its rule asked for. The growth
exponent of a step is the slope of log processor seconds on log samples between the two largest sizes.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from simulate import folder_of

GENERA = Path(__file__).parents[1] / "test_data" / "genera.tsv"
OPTIONS = ("--group", "group", "--controls", 'group == "healthy"', "--specimen", "stool", "--age-band", "adult", "--covariate", "age", "--covariate", "sex")
CONTROLS = 0.2  # share of samples
# Stands before the real command and notes what each call took, beside the log that its rule sends messages to.
WATCH = f"""#!{sys.executable}
import json, os, resource, sys
pid = os.fork()
if not pid:
    call = "import sys; sys.argv[0] = {{!r}}; from gutdiv.cli.app import process; process()".format(sys.argv[0])
    os.execv(sys.executable, [sys.executable, "-c", call, *sys.argv[1:]])
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
log = os.readlink("/proc/self/fd/2")
if log.endswith(".log"):
    with open(log.removesuffix(".log") + ".benchmark.calls", "a") as calls:
        calls.write(json.dumps(dict(peak=used.ru_maxrss / 1e3, cpu=used.ru_utime + used.ru_stime)) + chr(10))
sys.exit(code)
"""


def inputs(n: int, base: Path) -> Path:
    """Return the folder with table, tree, taxonomy and metadata of n samples; what is missing is made."""
    folder = folder_of(n, base)
    if (folder / "metadata.tsv").exists():
        return folder
    rng = np.random.default_rng(7)
    with GENERA.open(encoding="utf-8") as handle:
        columns = next(handle).rstrip("\n").split("\t")
        lineages = [dict(zip(columns, line.rstrip("\n").split("\t"), strict=True))["lineage"] for line in handle]
    features = (np.load(folder / "tree.npz")["parent"].size + 1) // 2
    picked = rng.integers(0, len(lineages), features)
    with (folder / "taxonomy.tsv").open("w", encoding="utf-8") as handle:
        handle.write("Feature ID\tTaxon\n")
        handle.writelines(f"F{j:06d}\t{lineages[k]}\n" for j, k in enumerate(picked.tolist()))
    with (folder / "metadata.tsv").open("w", encoding="utf-8") as handle:
        handle.write("sample_id\tgroup\tage\tsex\n")
        for i, (healthy, age, sex) in enumerate(zip(rng.random(n) < CONTROLS, rng.integers(18, 80, n), rng.random(n) < 0.5, strict=True)):
            handle.write(f"S{i:06d}\t{'healthy' if healthy else 'patient'}\t{age}\t{'male' if sex else 'female'}\n")
    return folder


def run(folder: Path, output: Path, cores: int, options: tuple[str, ...] = OPTIONS) -> dict[str, dict[str, float]]:
    """Run the workflow on the files in a folder; return per rule the jobs, seconds, processor seconds, peak and request in MB, and `in all`."""
    files = [word for key in ("table.biom", "taxonomy.tsv", "tree.nwk", "metadata.tsv") for word in (f"--{key.split('.')[0]}", str(folder / key))]
    watch = output / "bin" / "gutdiv"
    watch.parent.mkdir(parents=True)
    watch.write_text(WATCH, encoding="utf-8")
    watch.chmod(0o755)
    command = [str(watch), "run", *files, "--name", "simulated", *options, "--output", str(output), "--cores", str(cores)]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, "--", "--benchmark-extended"], check=True, stdout=sys.stderr)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for path in sorted((output / "logs").rglob("*.benchmark.tsv")):
        with path.open(encoding="utf-8") as handle:
            columns, cells = (line.rstrip("\n").split("\t") for line in list(handle)[:2])
        job = dict(zip(columns, cells, strict=True))
        calls = [json.loads(line) for line in path.with_suffix(".calls").read_text(encoding="utf-8").splitlines()]
        rule, asked, peak = found[job["rule_name"]], ast.literal_eval(job["resources"])["mem_mb"], max(call["peak"] for call in calls)
        rule["jobs"] += 1
        rule["seconds"] += float(job["s"])
        rule["cpu"] += sum(call["cpu"] for call in calls)
        if peak >= rule["peak"]:
            rule["peak"], rule["asked"] = peak, asked
    found["in all"] = {
        "jobs": sum(rule["jobs"] for rule in found.values()),
        "seconds": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": max(rule["peak"] for rule in found.values()),
        "page": (output / "results" / "simulated" / "report.html").stat().st_size / 1e6,
    }
    return {name: dict(rule) for name, rule in found.items()}


def table(measured: dict[int, dict[str, dict[str, float]]]) -> str:
    """Return the measurements as Markdown, steps that took longest first."""
    sizes = sorted(measured)
    lines = [
        "| step | " + " | ".join(f"{n:,}: s, CPU s, MB of MB asked" for n in sizes) + " | exponent |",
        "|---|" + "---|" * (len(sizes) + 1),
    ]
    last = measured[sizes[-1]]
    for name in sorted(last, key=lambda key: -last[key]["cpu"]):
        cells = []
        for n in sizes:
            if rule := measured[n].get(name):
                asked = f" of {rule['asked']:.0f}" if "asked" in rule else f", page {rule['page']:.1f} MB"
                cells.append(f"{rule['seconds']:.1f}, {rule['cpu']:.1f}, {rule['peak']:.0f}{asked}")
            else:
                cells.append("")
        slope = ""
        if len(sizes) > 1 and name in measured[sizes[-2]] and min(measured[n][name]["cpu"] for n in sizes[-2:]) > 0:
            slope = f"{math.log(last[name]['cpu'] / measured[sizes[-2]][name]['cpu']) / math.log(sizes[-1] / sizes[-2]):.1f}"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {slope} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[1000, 5000, 10000, 20000], metavar="N", help="cohorts to simulate")
    parser.add_argument("--cores", type=int, default=2, help="processors to use (default: 2)")
    parser.add_argument("--folder", type=Path, help="keep inputs and results here, and measure again only what is not there")
    args = parser.parse_args()
    base = args.folder or Path(tempfile.mkdtemp(prefix="gutdiv-workflow-"))
    measured = {}
    try:
        for n in args.samples:
            kept = base / f"measured-{n}.json"
            if not kept.exists():
                shutil.rmtree(base / f"run-{n}", ignore_errors=True)
                kept.write_text(json.dumps(run(inputs(n, base), base / f"run-{n}", args.cores)), encoding="utf-8")
            measured[n] = json.loads(kept.read_text(encoding="utf-8"))
            print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n\n{table(measured)}\n", flush=True)
    finally:
        if args.folder is None:
            shutil.rmtree(base)


if __name__ == "__main__":
    main()
