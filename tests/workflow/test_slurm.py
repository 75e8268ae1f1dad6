"""The workflow on a real SLURM of two nodes on this computer: the same bytes as without it, and what happens when jobs or the main process are killed.

`cluster.sh` starts the cluster and needs root; where there is none, or SLURM cannot be installed, these tests are skipped and say why.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CLUSTER = Path(__file__).with_name("cluster.sh")
DATA = ROOT / "test_data"
PATIENCE = 2400  # seconds for a whole run of jobs on two shared processors

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    """Start SLURM, and return the environment in which its commands find it."""
    folder = Path(tempfile.mkdtemp(prefix="gutdiv-slurm-"))
    folder.chmod(0o755)  # munge wants a way to its socket that is open to all
    for words in (["install"], ["up", str(folder)]):
        made = subprocess.run([str(CLUSTER), *words], capture_output=True, text=True, timeout=600, check=False)
        if made.returncode:
            subprocess.run([str(CLUSTER), "down", str(folder)], capture_output=True, timeout=60, check=False)
            pytest.skip(f"no SLURM: {made.stderr.strip() or made.stdout.strip()}")
    env = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
    yield {**env, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([str(CLUSTER), "down", str(folder)], capture_output=True, timeout=60, check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the demo's first 60 samples as a table of its own, with the sheet of three cohorts that are made of it."""
    import h5py

    from gutdiv.io.biom import read_biom_hdf5, write_biom_hdf5

    folder = tmp_path_factory.mktemp("small")
    table = read_biom_hdf5(DATA / "table.biom")
    rows = table.values.astype(int).tocsr()[:60]
    write_biom_hdf5(folder / "table.biom", table.sample_ids[:60], table.feature_ids, rows)
    assert h5py.is_hdf5(folder / "table.biom")
    (folder / "config").mkdir()
    settings = "diversity: {alpha: [sobs, shannon], beta: [braycurtis], draws: 5}\ncomparison: {permutations: 99}\n"
    (folder / "config" / "config.yaml").write_text(settings, encoding="utf-8")
    with (folder / "config" / "cohorts.tsv").open("w", encoding="utf-8", newline="") as handle:
        sheet = csv.writer(handle, "excel-tab")
        sheet.writerow(["cohort", "table", "taxonomy", "metadata", "group"])
        for name, group in (("one", "group"), ("two", "sex"), ("three", "")):
            sheet.writerow([name, "../table.biom", DATA / "taxonomy.tsv", DATA / "metadata.tsv", group])
    return folder


def digests(results: Path) -> dict[str, str]:
    """Return the digest of each file of the results."""
    return {str(p.relative_to(results)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(results.rglob("*")) if p.is_file()}


def command(where: str, *more: str, directory: Path, config: Path) -> list[str]:
    """Return Snakemake's command line on this computer or through SLURM."""
    options = ["--configfile", str(config), "--workflow-profile", str(ROOT / "workflow" / "profiles" / where), "--directory", str(directory)]
    return [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *options, *more]


def run(words: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run to the end, and hand over what was said."""
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT)


def queue(env: dict[str, str], *options: str) -> list[str]:
    """Return the ids of SLURM's jobs."""
    found = subprocess.run(["squeue", "--noheader", "--format=%i", *options], env=env, capture_output=True, text=True, timeout=60, check=True)
    return found.stdout.split()


def wait_for_running(env: dict[str, str], process: subprocess.Popen[str]) -> str:
    """Wait until a job runs, and return its id."""
    for _ in range(600):
        if running := queue(env, "--states=RUNNING"):
            return running[0]
        assert process.poll() is None, "the run ended before any job ran"
        time.sleep(0.5)
    pytest.fail("no job ran within five minutes")


# ---------------------------------------------------------------- the same as here
def test_the_demo_through_slurm_is_byte_for_byte_the_local_one(cluster, tmp_path: Path) -> None:
    found = {}
    for where in ("default", "slurm"):
        made = run(command(where, directory=tmp_path / where, config=ROOT / "config" / "config.yaml"), cluster)
        assert made.returncode == 0, made.stderr[-3000:]
        found[where] = digests(tmp_path / where / "results")
    assert "Error in rule" not in made.stderr, "each step's first request for memory is enough"
    assert found["slurm"] == found["default"]
    assert "demo/report.html" in found["slurm"]


def test_three_cohorts_through_slurm_are_byte_for_byte_the_local_ones(cluster, small: Path, tmp_path: Path) -> None:
    found = {}
    for where in ("default", "slurm"):
        made = run(command(where, directory=tmp_path / where, config=small / "config" / "config.yaml"), cluster)
        assert made.returncode == 0, made.stderr[-3000:]
        found[where] = digests(tmp_path / where / "results")
    assert found["slurm"] == found["default"]
    assert {f"{name}/report.html" for name in ("one", "two", "three")} | {"index.html"} <= set(found["slurm"])
    ended = subprocess.run(["scontrol", "show", "jobs", "--oneliner"], env=cluster, capture_output=True, text=True, timeout=60, check=True)
    assert set(re.findall(r" NodeList=(\w+)", ended.stdout)) == {"n1", "n2"}, "jobs of the last five minutes ran on both nodes"


# ---------------------------------------------------------------- what goes wrong
def test_a_job_over_its_memory_comes_back_with_more(cluster, small: Path, tmp_path: Path) -> None:
    wanted = "results/one/diversity/depths.tsv"
    words = command("slurm", wanted, "--set-resources", "diversity_depth:mem_mb=170*attempt", directory=tmp_path, config=small / "config" / "config.yaml")
    made = run(words, cluster)
    assert made.returncode == 0, made.stderr[-3000:]
    assert re.search(r"Error in rule diversity_depth", made.stderr), "170 MB are too little for two Snakemakes and the command"
    assert (tmp_path / wanted).is_file()


def test_a_cancelled_job_is_seen_and_the_next_run_goes_on(cluster, small: Path, tmp_path: Path) -> None:
    words = command("slurm", "--retries", "0", directory=tmp_path, config=small / "config" / "config.yaml")
    with subprocess.Popen(words, env=cluster, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        subprocess.run(["scancel", wait_for_running(cluster, process)], env=cluster, timeout=60, check=True)
        said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode != 0
    assert "Error in rule" in said
    again = run([*words, "--rerun-incomplete"], cluster)
    assert again.returncode == 0, again.stderr[-3000:]
    assert (tmp_path / "results" / "index.html").is_file()


def test_after_a_killed_main_process_the_same_line_goes_on_with_nothing_left_running(cluster, small: Path, tmp_path: Path) -> None:
    table = ["--table", str(small / "table.biom"), "--taxonomy", str(DATA / "taxonomy.tsv"), "--metadata", str(DATA / "metadata.tsv")]
    words = [sys.executable, "-m", "gutdiv", "run", *table, "--group", "group", "--name", "one"]
    expected = run([*words, "--output", str(tmp_path / "here")], cluster)
    assert expected.returncode == 0, expected.stderr[-3000:]
    there = [*words, "--output", str(tmp_path / "there"), "--profile", "slurm"]
    with subprocess.Popen(there, env=cluster, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, start_new_session=True) as process:
        left = wait_for_running(cluster, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)
    assert left in queue(cluster), "SLURM knows nothing of the main process"
    again = run(there, cluster)
    assert again.returncode == 0, again.stderr[-3000:]
    assert left not in queue(cluster, "--states=RUNNING")
    assert digests(tmp_path / "there" / "results") == digests(tmp_path / "here" / "results")
