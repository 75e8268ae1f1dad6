"""Runs that are killed or interrupted: the same `gutdiv run` line goes on, and ends with what an undisturbed run makes."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from gutdiv.cli.resume import MARK, claim, end_orphans, foreign_snakemake, recover, slurm_prefix
from gutdiv.cli.settings import Settings
from gutdiv.errors import GutdivError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


MOMENTS = 20
# Goes into the noting `gutdiv`: it takes its time and writes each file in two halves, which is worse than what the real one does.
SLOW = """
import pathlib, time
_whole = pathlib.Path.write_text
def _halves(path, text, **more):
    text = text.removesuffix("}") + f', "file": "{path.name}"}}'
    _whole(path, text[: len(text) // 2])
    time.sleep(0.02)
    return _whole(path, text)
pathlib.Path.write_text = _halves
time.sleep(0.1)
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file that can pass for a table where only the notes of calls matter."""
    path = tmp_path / "table.tsv"
    path.write_text("some content\n")
    return path


def digests(results: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder."""
    files = sorted(p for p in results.rglob("*") if p.is_file() and p.name != ".snakemake_timestamp")
    return {str(p.relative_to(results)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def start(noted, place: Path, *command: str | Path) -> subprocess.Popen[str]:
    """Start `gutdiv run` as the leader of a group of processes of its own."""
    env = {**noted.env, "PATH": os.environ["PATH"]}
    words = [str(noted.bin / "gutdiv"), *map(str, command)]
    return subprocess.Popen(words, cwd=place, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(happened: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def marked(output: Path) -> list[psutil.Process]:
    """Return the living processes of a folder's runs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == os.path.realpath(output) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill_main(process: subprocess.Popen[str]) -> None:
    """Kill `gutdiv run` alone; Snakemake and its jobs live on."""
    os.kill(process.pid, signal.SIGKILL)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill `gutdiv run`, Snakemake and its jobs."""
    os.killpg(process.pid, signal.SIGKILL)


def kill_snakemake(process: subprocess.Popen[str]) -> None:
    """Kill Snakemake alone, if it has been started; `gutdiv run` and the jobs live on."""
    for child in psutil.Process(process.pid).children():
        child.kill()


def hang(noted, words: str) -> None:
    """Let the call that holds these words write half a file and hang."""
    (noted.bin / "hanging").unlink(missing_ok=True)
    noted.hang_on(words)


# ---------------------------------------------------------------- a run that is killed
def test_after_each_kind_of_kill_the_same_line_goes_on_and_a_living_run_is_left_alone(noted, table: Path, tmp_path: Path) -> None:
    command = ("run", "--table", table, "--output", "out", "--name", "c", "--cores", "2")
    results, half = tmp_path / "out" / "results", tmp_path / "out" / "results" / "c" / "diversity" / "distances" / "jaccard.h5"

    hang(noted, "--metric jaccard")
    first = start(noted, tmp_path, *command)
    wait_for(lambda: noted.hanging)
    rival = noted.gutdiv(*command, cwd=tmp_path)
    assert rival.returncode == 2
    assert f"another `gutdiv run` is at work in out: process {first.pid} on {socket.gethostname()}, since " in rival.stderr
    assert len(rival.stderr.splitlines()) == 1
    kill_main(first)
    first.communicate()
    assert half.read_text() == "half"
    orphans = marked(tmp_path / "out")
    assert len(orphans) >= 2, "Snakemake and its job live on"

    part = results / "c" / ".report.html.123.part"  # what a killed job of the real gutdiv leaves
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text("half")
    hang(noted, "ordination/jaccard.tsv")
    second = start(noted, tmp_path, *command, "--seed", "7")  # other settings, too
    wait_for(lambda: noted.hanging)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in orphans)
    assert not part.exists()
    kill_snakemake(second)
    said = second.communicate(timeout=60)[1]
    assert second.returncode == 2
    assert f"the last run in out (process {first.pid}) was killed; going on where it stopped" in said
    assert re.search(r"ended \d+ processes that it had left at work", said)
    assert "Snakemake was killed (SIGKILL), not by a step that failed" in said
    assert marked(tmp_path / "out") == [], "nothing is at work any more"

    hang(noted, "report --results")
    third = start(noted, tmp_path, *command, "--seed", "7")
    wait_for(lambda: noted.hanging)
    kill_group(third)
    third.communicate()
    noted.hang_on("")
    run = noted.gutdiv(*command, "--seed", "7", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"{results / 'c' / 'report.html'}\n"
    assert half.read_text() != "half"
    assert (tmp_path / "out" / ".gutdiv" / "run.json").read_text() == "", "a run that ended in order leaves no note"


def test_after_an_interrupt_from_the_keyboard_the_same_command_goes_on(noted, table: Path, tmp_path: Path) -> None:
    command = ("run", "--table", table, "--output", "out", "--name", "c")
    hang(noted, "--metric jaccard")
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background may have it ignored, and so would the run
    process = start(noted, tmp_path, *command)
    signal.signal(signal.SIGINT, ours)
    wait_for(lambda: noted.hanging)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=240)[1]
    noted.hang_on("")
    assert process.returncode == 2
    assert said.endswith("gutdiv: error: interrupted. The same command goes on where this one stopped.\n")
    run = noted.gutdiv(*command, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out" / "results" / "c" / "diversity" / "distances" / "jaccard.h5").read_text() != "half"


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_main, kill_snakemake, kill_group])
def test_killed_at_any_moment_the_run_ends_with_what_an_undisturbed_one_makes(noted, table: Path, tmp_path: Path, kill) -> None:
    script = noted.bin / "gutdiv"
    first, rest = script.read_text().split("\n", 1)
    slow = rest.replace("args = sys.argv[1:]\n", f"args = sys.argv[1:]\nif args[0] not in ('run', 'init'):\n    exec({SLOW!r}, globals())\n", 1)
    assert slow != rest
    script.write_text(f"{first}\n{slow}")
    metadata = tmp_path / "metadata.tsv"
    metadata.write_text("sample-id\tgroup\ns1\ta\n")
    line = ("run", "--table", table, "--metadata", metadata, "--group", "group", "--name", "c", "--cores", "2")
    begun = time.monotonic()
    undisturbed = noted.gutdiv(*line, "--output", "whole", cwd=tmp_path)
    length = time.monotonic() - begun
    assert undisturbed.returncode == 0, undisturbed.stderr
    expected = digests(tmp_path / "whole" / "results")
    assert len(expected) > 40

    rng = random.Random(20)
    hit = 0
    for number in range(MOMENTS):
        moment = length * (number + rng.random()) / MOMENTS  # one in each twentieth of the run
        output = tmp_path / f"out{number}"
        process = start(noted, tmp_path, *line, "--output", output)
        time.sleep(moment)
        hit += process.poll() is None
        if process.poll() is None:
            kill(process)
        process.communicate(timeout=120) if kill is not kill_main else process.wait(timeout=120)
        run = noted.gutdiv(*line, "--output", output, cwd=tmp_path)
        assert run.returncode == 0, f"killed after {moment:.2f} of {length:.2f} s: {run.stderr}"
        assert digests(output / "results") == expected, f"killed after {moment:.2f} of {length:.2f} s"
        assert marked(output) == []
    print(f"{kill.__name__}: {hit} of {MOMENTS} moments hit a run of {length:.1f} s at work")
    assert hit >= MOMENTS * 3 // 4


# ---------------------------------------------------------------- what the parts do
@pytest.fixture
def sleeper() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a maker of processes that do nothing for a while."""
    made = []

    def make(code: str = "", **environment: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", f"{code}\nprint(flush=True)\nimport time\ntime.sleep(60)"]
        made.append(subprocess.Popen(words, env={**os.environ, **environment}, stdout=subprocess.PIPE))
        assert made[-1].stdout is not None
        made[-1].stdout.readline()
        return made[-1]

    yield make
    for process in made:
        process.kill()
        process.communicate()


def killed(output: Path, **note: object) -> None:
    """Leave the note of a run that was killed."""
    (output / ".gutdiv").mkdir(parents=True)
    (output / ".gutdiv" / "run.json").write_text(json.dumps({"pid": 1, "started": 1.0, "host": socket.gethostname(), **note}))


def test_only_processes_of_this_folder_are_ended_also_those_that_ignore_the_first_signal(tmp_path: Path, sleeper, monkeypatch) -> None:
    monkeypatch.setattr("gutdiv.cli.resume._PATIENCE", 0.3)
    here, there = str(tmp_path / "a"), str(tmp_path / "ab")
    mine, stubborn = sleeper(**{MARK: here}), sleeper("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", **{MARK: here})
    others = sleeper(**{MARK: there}), sleeper()
    assert end_orphans(tmp_path / "a") == 2
    assert None not in {mine.poll(), stubborn.poll()}
    assert [p.poll() for p in others] == [None, None]


def test_a_run_that_another_computer_killed_is_not_taken_for_ended(tmp_path: Path) -> None:
    killed(tmp_path, host="node7")
    with claim(tmp_path) as held, pytest.raises(GutdivError, match="killed on the computer node7"):
        recover(held, print)
    assert json.loads((tmp_path / ".gutdiv" / "run.json").read_text())["host"] == "node7", "its note stays"


def test_a_folder_is_held_once_and_free_when_its_holder_ends_or_dies(tmp_path: Path, sleeper) -> None:
    with claim(tmp_path) as held:
        held.sign()
        with pytest.raises(GutdivError, match=f"process {os.getpid()} on "), claim(tmp_path):
            pass
    code = "import pathlib; from gutdiv.cli.resume import Claim; held = Claim(pathlib.Path(" + repr(str(tmp_path)) + ")); held.sign()"
    holder = sleeper(code)
    with pytest.raises(GutdivError, match=rf"process {holder.pid} on .*`kill {holder.pid}`"), claim(tmp_path):
        pass
    holder.kill()
    holder.wait()
    with claim(tmp_path) as held:
        assert held.before["pid"] == holder.pid


def test_a_file_system_without_locks_has_the_owner_looked_for(tmp_path: Path, monkeypatch) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", none)
    me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    killed(tmp_path / "alive", **me)
    with pytest.raises(GutdivError, match=f"process {os.getpid()}"), claim(tmp_path / "alive"):
        pass
    killed(tmp_path / "given_again", **{**me, "started": 5.0})
    with claim(tmp_path / "given_again") as held:
        assert held.before["started"] == 5.0


def test_a_bare_snakemake_at_work_is_seen(tmp_path: Path) -> None:
    assert foreign_snakemake(tmp_path) is None
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "snakemake"], cwd=tmp_path)
    try:
        wait_for(lambda: foreign_snakemake(tmp_path) == process.pid, 5)
    finally:
        process.kill()
        process.wait()


def test_slurm_jobs_of_the_folder_are_cancelled_and_waited_for(tmp_path: Path, monkeypatch) -> None:
    output, queue = tmp_path / "out", tmp_path / "queue"
    killed(output)
    noted_jobs = output / ".snakemake" / "incomplete"
    noted_jobs.mkdir(parents=True)
    (noted_jobs / "a").write_text('{"external_jobid": "11"}')
    (noted_jobs / "b").write_text('{"external_jo')
    (noted_jobs / "c").write_text('{"external_jobid": null}')
    queue.write_text(f"11|some-uuid\n12|{slurm_prefix(output)}_some-uuid\n13|{slurm_prefix(tmp_path)}_other\n14|of-another-kind\n")
    for name, text in {
        "squeue": f'cat "{queue}"',
        "scancel": f'for j in "$@"; do sed -i.bak "/^$j|/d" "{queue}"; done',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    said: list[str] = []
    with claim(output) as held:
        recover(held, said.append)
    assert said[-1] == "cancelled 2 SLURM jobs that it had left in the queue: 11, 12."
    assert queue.read_text().split() == [f"13|{slurm_prefix(tmp_path)}_other", "14|of-another-kind"]
    (tmp_path / "squeue").write_text("#!/bin/sh\necho no controller >&2; exit 1\n")
    killed(tmp_path / "again")
    with claim(tmp_path / "again") as held, pytest.raises(GutdivError, match="squeue fails: no controller"):
        recover(held, said.append)
    killed(tmp_path / "local", slurm=False)
    with claim(tmp_path / "local") as held:
        recover(held, said.append)
    assert "was killed" in said[-1], "no job of a local run is in a queue: SLURM is not asked"


def test_settings_half_written_by_a_kill_are_written_again_and_changed_ones_are_not(tmp_path: Path) -> None:
    config, cohorts = tmp_path / "config" / "config.yaml", tmp_path / "config" / "cohorts.tsv"
    Settings(tmp_path, "seed: 1\n", "cohort\na\n").write()
    old = config.read_text()
    Settings(tmp_path, "seed: 2\n", "cohort\nb\n").write()
    config.write_text(old)  # the sheet is written first: killed between the two
    Settings(tmp_path, "seed: 2\n", "cohort\nb\n").write()
    assert (config.read_text().splitlines()[1:], cohorts.read_text()) == (["seed: 2"], "cohort\nb\n")
    config.unlink()  # killed between the two of the very first run
    Settings(tmp_path, "seed: 2\n", "cohort\nb\n").write()
    assert config.is_file()
    for path, text in ((cohorts, "cohort\nb\nc\n"), (config, config.read_text() + "more: 1\n")):
        before = path.read_text()
        path.write_text(text)
        with pytest.raises(InputError, match="were changed since"):
            Settings(tmp_path, "seed: 3\n", "cohort\nd\n")
        path.write_text(before)


def test_a_writer_killed_at_any_moment_leaves_the_old_or_the_new_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    code = (
        "import sys; from pathlib import Path; from gutdiv.io.artifacts import write_text\n"
        "texts = [letter * 3_000_000 for letter in 'ab']\n"
        "write_text(Path(sys.argv[1]), texts[0]); print(flush=True)\n"
        "while True:\n    for text in texts:\n        write_text(Path(sys.argv[1]), text)\n"
    )
    rng = random.Random(1)
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        for _ in range(20):
            time.sleep(0.02 * rng.random())
            text = path.read_text()
            assert text in {"a" * 3_000_000, "b" * 3_000_000}
        writer.kill()
    assert path.read_text() in {"a" * 3_000_000, "b" * 3_000_000}
