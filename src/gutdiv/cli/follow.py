"""Runs Snakemake and tells how far it is; what it says at length goes to a file, and of what fails nothing is left out."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from gutdiv.cli.progress import Progress, about, exact
from gutdiv.cli.resume import end_orphans
from gutdiv.cli.view import Plain, view_of
from gutdiv.errors import GutdivError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from gutdiv.cli.progress import Failure, Row
    from gutdiv.cli.view import View

_MOST = 5  # failures told one by one
_KILLED = re.compile(r"non-zero exit status 137\b|died with <Signals\.SIGKILL")
_MEMORY = "for lack of memory. Free some, give it a computer with more, or let fewer steps work at once (--cores 1)."


class Listener:
    """What Snakemake says, sorted: progress to the view, warnings and errors to the screen at once, all of it to the log."""

    def __init__(self, view: View, log: TextIO, *, verbose: bool) -> None:
        self.view, self.log, self.verbose = view, log, verbose
        self.progress = Progress()
        self.errors: list[str] = []
        self._held: list[str] = []  # said before the first step; shown at the end if there was none
        self._speaks = False  # Snakemake's logging has begun
        self._lock = threading.Lock()  # two threads read: messages, and what comes past Snakemake's logging

    def message(self, line: str) -> None:
        """Take one line of `gutdiv.cli.events`."""
        try:
            content: dict[str, Any] = json.loads(line)
        except ValueError:  # cut off by an interrupt
            return
        with self._lock:
            self._speaks = True
            if content["event"] == "settings":
                self.verbose |= content["all"]
                return
            self._hear(content)
            if not self.verbose:
                self._tell(content)

    def raw(self, line: str) -> None:
        """Take one line that came past Snakemake's logging: of a step without a log, or of Python."""
        with self._lock:
            self._write(line)
            self.errors.append(line)
            if self._speaks or self.verbose:
                self.view.say(line)
            else:
                self._held.append(line)

    def _hear(self, content: Mapping[str, Any]) -> None:
        """Write a message's words to the log, and to the screen what must be seen there."""
        text = str(content.get("text", ""))
        if not text:
            return
        self._write(text)
        if content["level"] >= logging.WARNING:
            self.errors.append(text)
            self.view.say(text)
        elif not content["quiet"]:
            if self.verbose:
                self.view.say(text)
            elif not self.progress.steps:
                self._held.append(text)

    def _write(self, text: str) -> None:
        """Write to the log, where a reader may follow it."""
        self.log.write(text + "\n")
        self.log.flush()

    def _tell(self, content: Mapping[str, Any]) -> None:
        """Count a message, and tell each stage that it ends."""
        self.progress.take(content)
        for row in self.progress.finished():
            self.view.say(stage_line(row, self.progress))
        if self.progress.steps:
            self.view.show(self.progress)

    def end(self, *, well: bool) -> None:
        """Tell what is left to tell when Snakemake has ended."""
        with self._lock:
            self.view.close()
            if not self.progress.steps:
                for text in self._held:
                    self.view.say(text)
            elif well:
                for row in self.progress.finished(ended=True):
                    self.view.say(stage_line(row, self.progress))


def stage_line(row: Row, progress: Progress) -> str:
    """Say that a stage of a cohort is done, how long it took, and how far the run is."""
    steps = "1 step" if row.done == 1 else f"{row.done} steps"
    left = progress.seconds_left()
    rest = f", {about(left)} left" if left is not None and progress.done < progress.total else ""
    return f"{row.cohort or 'all cohorts'}: {row.stage} done, {steps} in {exact(row.seconds)} ({progress.done} of {progress.total} steps{rest})"


def follow(options: Sequence[str], environment: Mapping[str, str], *, output: Path, verbose: bool) -> None:
    """Run Snakemake in a folder and tell how far it is.

    Parameters
    ----------
    options : sequence of str
        Of Snakemake's command line.
    environment : mapping of str to str
        For Snakemake and its jobs.
    output : Path
        The run's folder; Snakemake's own words go to `logs/snakemake.log` in it.
    verbose : bool
        Show these words instead of the progress by stages.

    Raises
    ------
    GutdivError
        Where a step fails, or Snakemake is interrupted or killed; the message says which stage, why, and where its log is.
    """
    path = output / "logs" / "snakemake.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log = path.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        msg = f"cannot write into {str(path.parent)!r}: {error.strerror}. Choose another --output."
        raise InputError(msg) from error
    with log:
        listener = Listener(Plain(sys.stderr) if verbose else view_of(sys.stderr), log, verbose=verbose)
        try:
            code, interrupted, told = _run(options, environment, listener)
        finally:
            listener.view.close()
        listener.end(well=code == 0)
    if interrupted:
        msg = "interrupted. The same command goes on where this one stopped."
        raise GutdivError(msg)
    if code > 0 and told and not listener.progress.failures:
        msg = "told to end (SIGTERM): the steps at work were finished first. The same command goes on where this one stopped."
        raise GutdivError(msg)
    if code < 0:
        ended = end_orphans(output)
        msg = (
            f"Snakemake was killed ({signal.Signals(-code).name}), not by a step that failed; {ended} of its processes were still at work and were "
            f"ended. The same command goes on where this one stopped. What it said: {path}"
        )
        raise GutdivError(msg)
    if code:
        raise GutdivError(failure(list(listener.progress.failures.values()), listener.errors, output))


def _run(options: Sequence[str], environment: Mapping[str, str], listener: Listener) -> tuple[int, bool, bool]:
    """Run Snakemake, hand all that it says to the listener; return its exit code, whether the keyboard interrupted it, and whether it was told to end."""
    read, write = os.pipe()
    command = [sys.executable, "-m", "gutdiv.cli.events", str(write), *options]
    interrupted = False
    with os.fdopen(read, encoding="utf-8", errors="replace") as messages:
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace", pass_fds=(write,))
        os.close(write)
        # Not closed from here: steps that outlive a killed Snakemake keep it open, and to close it would wait for them.
        past = threading.Thread(target=_each, args=(process.stderr or (), listener.raw), daemon=True)
        past.start()
        told: list[int] = []

        def end(number: int, _: object) -> None:
            told.append(number)
            process.terminate()  # Snakemake then begins no step any more, and waits for those at work

        before = signal.signal(signal.SIGTERM, end)
        try:
            while process.poll() is None:  # Snakemake has an interrupt too: let it stop its jobs, and hear it to its end
                try:
                    _each(messages, listener.message)
                    process.wait()
                except KeyboardInterrupt:
                    interrupted = True
        finally:
            signal.signal(signal.SIGTERM, before)
        past.join(timeout=2)
    return process.returncode, interrupted, bool(told)


def _each(lines: Iterable[str], take: Any) -> None:
    """Hand each line on."""
    for line in lines:
        take(line.rstrip("\n"))


# ---------------------------------------------------------------- failures
def failure(failures: Sequence[Failure], said: Sequence[str], output: Path) -> str:
    """Say in one message which stages failed, why, and where their logs are.

    Parameters
    ----------
    failures : sequence of Failure
        The steps that failed, in their order.
    said : sequence of str
        The warnings and errors of the run, in which Snakemake tells how a step's command ended.
    output : Path
        The run's folder.
    """
    if any("cannot be locked" in text for text in said):
        return f"another Snakemake has just begun to work in {output}. Wait until it has ended."
    if not failures:
        return f"the workflow did not get to its end; Snakemake says why above. The same command goes on with what is in {output}."
    parts = []
    for failed in failures[:_MOST]:
        stage, _, step = failed.rule.partition("_")
        logs = [output / name for name in failed.logs]
        parts.append(f"the stage {stage} failed at its step {step}: {_reason(failed, said, logs)}\nIts log: {', '.join(map(str, logs))}")
    if len(failures) > _MOST:
        parts.insert(0, f"{len(failures)} steps failed; the first {_MOST}:")
    return "\n".join(parts)


def _reason(failed: Failure, said: Sequence[str], logs: Sequence[Path]) -> str:
    """Return why a step failed, in one sentence: its own error, else how it was ended, else the last line of its log."""
    texts = [log.read_text(encoding="utf-8", errors="replace") for log in logs if log.is_file()]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    if errors := [line.removeprefix("gutdiv: error: ") for line in lines if line.startswith("gutdiv: error: ")]:
        return errors[-1]
    if "OUT_OF_MEMORY" in failed.message:
        return f"SLURM ended it {_MEMORY}"
    if lines and "MemoryError" in lines[-1]:
        return f"it stopped {_MEMORY}"
    command = " ".join(failed.command.split())
    if any(_KILLED.search(text) and command and command in " ".join(text.split()) for text in said):
        return f"it was killed from outside, most often {_MEMORY}"
    if lines:
        return lines[-1]
    return failed.message or "it left no message; it may have been stopped from outside, for example for lack of memory."
