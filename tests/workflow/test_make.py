"""What `make` says where Python does not fit, what is pinned, and the line on real data that ends a test run."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock")
TESTS = """
import pytest

def test_reads_real_data(real_data): assert real_data.is_dir()

@pytest.mark.real_data
@pytest.mark.slow
def test_slow(real_data): pass

def test_other(): pass
"""


# ---------------------------------------------------------------- make
def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a copy of the project's top where only `folder/bin` is in PATH."""
    for name in ("Makefile", *LOCKS):
        shutil.copy(ROOT / name, folder / name)
    for name in ("sh", "cat", "cmp", "uname", "cp", "rm", "echo"):
        found = shutil.which(name)
        assert found
        (folder / "bin" / name).symlink_to(found)
    tool = shutil.which("make")
    assert tool, "make is needed"
    env = {"PATH": str(folder / "bin"), "HOME": str(folder)}
    return subprocess.run([tool, "demo", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def stand_in(path: Path, script: str) -> None:
    """Write a program that stands in for a Python."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_make_names_the_debian_package_where_python_cannot_make_environments(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.11", f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    run = make(tmp_path)
    assert run.returncode != 0
    assert "cannot make virtual environments" in run.stderr
    assert re.search(r"apt-get install python3-venv   \(or python3\.1\d-venv\)", run.stderr)
    assert not (tmp_path / ".venv").exists()


def test_make_says_which_pythons_it_needs_where_there_is_none(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3", "exit 1")
    run = make(tmp_path)
    assert run.returncode != 0
    assert "gutdiv needs Python 3.11, 3.12 or 3.13" in run.stderr
    assert "python3.11 python3.12 python3.13 python3" in run.stderr


# ---------------------------------------------------------------- locks
def test_the_locks_pin_everything_with_hashes_and_name_no_registry_and_no_folder() -> None:
    pins: dict[str, str] = {}
    for name in LOCKS:
        text = (ROOT / name).read_text()
        assert not re.search(r"https?:|file:|index-url|/home/|/root/|/tmp/", text)
        for entry in re.split(r"\n(?=[a-z0-9])", text.strip()):
            package, version = re.match(r"([a-z0-9-]+)==(\S+)", entry).groups()
            assert entry.count("--hash=sha256:") >= 1, package
            assert pins.setdefault(package, version) == version, f"{package} is pinned to two versions"
    for package in ("hatchling", "editables", "numpy", "snakemake", "snakemake-executor-plugin-slurm", "pygments", "pytest", "snakefmt"):
        assert package in pins


def test_every_dependency_of_the_package_is_in_the_lock() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / LOCKS[0]).read_text(), flags=re.MULTILINE))
    needed = {re.match(r"[A-Za-z0-9-]+", line).group().lower() for line in project["dependencies"]}
    assert needed <= locked


# ---------------------------------------------------------------- the last line
@pytest.mark.parametrize(
    ("data", "shared", "ci", "code", "last"),
    [
        (True, False, False, 0, r"real data: 1 tests ran, 0 skipped, 1 not selected"),
        (False, False, False, 0, r"real data: 0 tests ran, 1 skipped, 1 not selected \(1 x no real data: .*shared/data is not there\)"),
        (False, False, True, 0, r"real data: 0 tests ran, 1 skipped, .*"),
        (False, True, False, 0, r"real data: 0 tests ran, 1 skipped, .*"),
        (False, True, True, 1, r"real data: 1 tests ran, 0 skipped, 1 not selected"),
    ],
)
def test_the_last_line_of_a_run_counts_the_tests_on_real_data(
    tmp_path: Path, data: bool, shared: bool, ci: bool, code: int, last: str
) -> None:
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", project)
    shutil.copy(ROOT / "tests" / "conftest.py", project / "tests")
    (project / "tests" / "test_them.py").write_text(TESTS)
    if data or shared:
        (tmp_path / "shared" / "data" if data else tmp_path / "shared").mkdir(parents=True)
    env = {k: v for k, v in os.environ.items() if k not in {"CI", "GUTDIV_DATA", "PYTEST_ADDOPTS"}} | ({"CI": "true"} if ci else {})
    command = [sys.executable, "-m", "pytest", "-m", "not slow", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=100, check=False)
    *_, closing, line = run.stdout.strip().splitlines()
    assert run.returncode == code, run.stdout
    assert re.fullmatch(last, line)
    assert re.search(r"\d (passed|error)", closing), "pytest's own closing line stands before it"
