"""The whole way for real: `gutdiv run` from a wheel in an environment of its own, and the same bytes from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "test_data"


class Installed:
    """gutdiv installed from its wheel into an environment of its own, which nobody activates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        wheels = folder / "wheels"
        build = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(wheels),
            str(ROOT),
        ]
        subprocess.run(build, check=True, timeout=300, cwd=folder)
        (self.wheel,) = wheels.glob("gutdiv-*.whl")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True, timeout=100)
        self.python = folder / "env" / "bin" / "python"
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(subprocess.run([self.python, "-c", ask], check=True, capture_output=True, text=True, timeout=60).stdout.strip())
        ours = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True, timeout=60).stdout.strip()
        install = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(self.wheel),
        ]
        subprocess.run(install, check=True, timeout=300)
        (site / "tested-environment.pth").write_text(f"{ours}\n")  # the dependencies, without the checkout's editable install

    def env(self) -> dict[str, str]:
        """An environment in which no gutdiv is in PATH and no checkout in PYTHONPATH."""
        kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV", "SNAKEMAKE_PROFILE"}}
        return {**kept, "PATH": "/usr/local/bin:/usr/bin:/bin"}

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment."""
        return subprocess.run(list(map(str, command)), env=self.env(), cwd=cwd, capture_output=True, text=True, timeout=900, check=False)


OPTIONS = (
    "--group",
    "group",
    "--subject",
    "subject",
    "--controls",
    'group == "healthy"',
    "--covariate",
    "age",
    "--name",
    "sim",
)


def data_options(folder: Path) -> list[str]:
    """The files of the simulated cohort."""
    files = {"table": "table.biom", "taxonomy": "taxonomy.tsv", "tree": "tree.nwk", "metadata": "metadata.tsv"}
    return [word for key, name in files.items() for word in (f"--{key}", str(folder / name))]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install gutdiv from its wheel."""
    return Installed(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def from_wheel(installed: Installed) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Run the simulated cohort with the installed gutdiv, in a folder with a blank in its name."""
    place = installed.folder / "my study"
    place.mkdir()
    command = (installed.python.with_name("gutdiv"), "run", *data_options(DATA), *OPTIONS, "--output", "out put")
    return place / "out put", installed.run(*command, cwd=place)


def test_the_wheel_holds_the_workflow_and_no_tests(installed: Installed) -> None:
    import zipfile

    names = set(zipfile.ZipFile(installed.wheel).namelist())
    for part in ("Snakefile", "workflow", "config"):
        files = [ROOT / part] if (ROOT / part).is_file() else [p for p in (ROOT / part).rglob("*") if p.is_file()]
        assert {f"gutdiv/_workflow/{p.relative_to(ROOT)}" for p in files} <= names
    assert not [name for name in names if any(part.startswith("test") for part in name.split("/"))]
    ask = "from gutdiv.cli.workflow_files import workflow_folder; print(workflow_folder())"
    found = installed.run(installed.python, "-c", ask, cwd=installed.folder)
    assert found.stdout.strip().endswith("site-packages/gutdiv/_workflow"), found.stderr


def test_gutdiv_run_from_a_wheel_ends_with_the_path_of_the_report(from_wheel: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    output, run = from_wheel
    assert run.returncode == 0, run.stderr
    page = output / "results" / "sim" / "report.html"
    assert run.stdout.splitlines()[-1] == str(page)
    assert page.stat().st_size > 100_000
    made = {str(p.relative_to(output / "results" / "sim")) for p in (output / "results" / "sim").rglob("*") if p.is_file()}
    assert {"cohort/tree.nwk", "diversity/distances/unweighted_unifrac.h5", "comparison/permanova/aitchison.tsv"} <= made
    assert {"reference/reference.json", "dysbiosis/verdicts.tsv", "immune/links.tsv", "immune/matches.json"} <= made


def test_the_checkout_makes_the_same_bytes_in_another_folder_with_other_cores(
    from_wheel: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    output, run = from_wheel
    assert run.returncode == 0, run.stderr
    data = tmp_path / "copy"
    shutil.copytree(DATA, data)
    other = tmp_path / "other"
    command = [sys.executable, "-m", "gutdiv", "run", *data_options(data), *OPTIONS, "--output", str(other), "--cores", "1"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr

    def contents(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    first, second = contents(output / "results"), contents(other / "results")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    for name, content in second.items():
        assert str(tmp_path).encode() not in content, f"{name} names a folder of this machine"


def test_a_second_run_has_nothing_to_do(from_wheel: tuple[Path, subprocess.CompletedProcess[str]], installed: Installed) -> None:
    output, _ = from_wheel
    page = output / "results" / "sim" / "report.html"
    before = page.stat().st_mtime_ns
    command = (installed.python.with_name("gutdiv"), "run", *data_options(DATA), *OPTIONS, "--output", output)
    run = installed.run(*command, cwd=output.parent)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == str(page)
    assert page.stat().st_mtime_ns == before


def test_the_snakefile_of_init_runs_the_packaged_workflow_without_an_activated_environment(installed: Installed, tmp_path: Path) -> None:
    gutdiv = installed.python.with_name("gutdiv")
    assert installed.run(gutdiv, "init", "study", cwd=tmp_path).returncode == 0
    shutil.copytree(DATA, tmp_path / "study" / "data")
    run = installed.run(installed.python, "-m", "snakemake", "--dry-run", cwd=tmp_path / "study")
    assert run.returncode == 0, run.stderr
    assert "results/my_cohort/report.html" in run.stdout
    run = installed.run(installed.python, "-m", "snakemake", "--until", "cohort_build", cwd=tmp_path / "study")
    assert run.returncode == 0, run.stderr
    record = json.loads((tmp_path / "study" / "results" / "my_cohort" / "cohort" / "cohort.json").read_text())
    assert record["n_samples"] > 200


def test_an_error_of_a_real_step_is_told_in_its_own_words(installed: Installed, tmp_path: Path) -> None:
    table = tmp_path / "broken.tsv"
    table.write_text("#OTU ID\ta\tb\nx\t1\t-3\n")
    run = installed.run(installed.python.with_name("gutdiv"), "run", "--table", table, "--output", "out", cwd=tmp_path)
    assert run.returncode == 2
    assert "gutdiv: error: the stage cohort failed at its step build:" in run.stderr
    log = tmp_path / run.stderr.strip().splitlines()[-1].removeprefix("Its log: ")
    last = [line for line in log.read_text().splitlines() if line.startswith("gutdiv: error: ")][-1]
    assert last.removeprefix("gutdiv: error: ") in run.stderr
