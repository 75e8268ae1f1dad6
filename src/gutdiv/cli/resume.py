"""Whose folder it is: one `gutdiv run` at a time holds it, and the next one clears away what a killed one left at work or unfinished."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.errors import GutdivError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import psutil

MARK = "GUTDIV_RUN"  # all processes of a run carry this variable with the run's folder
_PART = re.compile(r"\..+\.\d+\.part")  # as io.artifacts.whole_file names what is not yet whole
_PATIENCE = 10  # seconds from SIGTERM to SIGKILL
_SLURM_PATIENCE = 120  # seconds until cancelled SLURM jobs have left the queue


# ---------------------------------------------------------------- the folder and its owner
class Claim:
    """A folder that this process holds until it ends, and what the last owner that did not end in order left of itself."""

    def __init__(self, output: Path) -> None:
        """Take the folder; see `claim`."""
        self.output = output
        self.path = output / ".gutdiv" / "run.json"
        self._signed = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)  # not inherited: it closes when this process ends
        except OSError as error:
            msg = f"cannot write into --output {str(output)!r}: {error.strerror}. Choose another folder."
            raise InputError(msg) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = False
        except BlockingIOError:
            held = True
        except OSError:  # a file system without locks: the owner's process is asked for instead
            held = _lives(self._read())
        self.before = self._read()
        if held:
            os.close(self._file)
            raise GutdivError(_at_work(output, self.before))

    def _read(self) -> dict[str, Any]:
        """Return what the file says of an owner; nothing where it ended in order."""
        try:
            note = json.loads(os.pread(self._file, 1 << 16, 0) or b"{}")
        except ValueError:  # killed while it wrote this very note
            return {"host": socket.gethostname()}
        return note if isinstance(note, dict) else {}

    def sign(self, *, slurm: bool = True) -> None:
        """Write who holds the folder, and whether jobs may go through SLURM, in one step that leaves nothing of a longer note before it."""
        import psutil

        note = {"pid": os.getpid(), "started": psutil.Process().create_time(), "host": socket.gethostname(), "slurm": slurm}
        os.pwrite(self._file, json.dumps(note).encode().ljust(os.fstat(self._file).st_size - 1) + b"\n", 0)
        self._signed = True

    def leave(self) -> None:
        """Let go; where no lock of Snakemake's stands, the run ended in order and the note goes too."""
        if self._signed and not locked(self.output):
            os.ftruncate(self._file, 0)
        os.close(self._file)


@contextmanager
def claim(output: Path) -> Iterator[Claim]:
    """Hold a folder against other runs, also those of other computers that share it, until the block or this process ends.

    Raises
    ------
    GutdivError
        Where a living process holds it; the message names that process.
    InputError
        Where nothing can be written there.
    """
    held = Claim(output)
    try:
        yield held
    finally:
        held.leave()


def locked(output: Path) -> bool:
    """Whether Snakemake's own lock stands in a folder."""
    return any((output / ".snakemake" / "locks").glob("*"))


def _lives(note: Mapping[str, Any]) -> bool:
    """Whether the process of a note is alive: its number may have been given to another one since. Of other computers it is not known."""
    import psutil

    if note.get("host") != socket.gethostname():
        return bool(note.get("pid"))
    try:
        return bool(abs(psutil.Process(note["pid"]).create_time() - note["started"]) < 1)
    except (KeyError, psutil.Error):
        return False


def _at_work(output: Path, note: Mapping[str, Any]) -> str:
    """Say who holds a folder."""
    if not _lives(note):  # it has not signed yet
        return f"another `gutdiv run` is just starting in {output}. Wait until it has ended."
    since = datetime.fromtimestamp(note["started"]).astimezone().strftime("%Y-%m-%d %H:%M")
    return (
        f"another `gutdiv run` is at work in {output}: process {note['pid']} on {note['host']}, since {since}. "
        f"Wait until it has ended, or end it with `kill {note['pid']}`, which lets the steps at work finish first."
    )


# ---------------------------------------------------------------- what a killed run left
def recover(held: Claim, say: Callable[[str], None]) -> None:
    """End the jobs that a killed run left at work in this folder, and remove their half files; say what was done.

    Raises
    ------
    GutdivError
        Where the killed run was another computer's, whose processes cannot be seen from here.
    """
    output, before = held.output, held.before
    if before["host"] != socket.gethostname():
        msg = (
            f"a run in {output} was killed on the computer {before['host']}, and from here it cannot be seen whether its jobs still work. "
            f"Give this command there; if nothing of it works there any more, delete {held.path} and give it here."
        )
        raise GutdivError(msg)
    who = f" (process {before['pid']})" if "pid" in before else ""
    say(f"the last run in {output}{who} was killed; going on where it stopped.")
    if ended := end_orphans(output):
        say(f"ended {_count(ended, 'process', 'processes')} that it had left at work.")
    if before.get("slurm", True) and (cancelled := _cancel_slurm_jobs(output)):  # a run without SLURM goes on where SLURM's commands fail
        say(f"cancelled {_count(len(cancelled), 'SLURM job', 'SLURM jobs')} that it had left in the queue: {', '.join(cancelled)}.")
    for folder in ("config", "results"):
        for path in (output / folder).rglob(".*.part"):
            if _PART.fullmatch(path.name):
                path.unlink(missing_ok=True)
    for path in (output / ".snakemake").glob("gutdiv-*"):  # copies that the report's rules work on
        shutil.rmtree(path, ignore_errors=True)


def remove_unfinished(output: Path) -> None:
    """Remove the results that Snakemake noted as begun and not as ended: it looks for them before its checkpoint has told which more there are."""
    notes = output / ".snakemake" / "incomplete"
    for note in sorted(notes.rglob("*")):
        name = "".join(part.removeprefix("@") for part in note.relative_to(notes).parts)  # a long one stands in pieces
        try:
            place = Path(base64.urlsafe_b64decode(name).decode())
        except ValueError:  # a folder that holds the rest of a name
            continue
        if note.is_dir() or place.is_absolute() or ".." in place.parts:
            continue
        path = output / place
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _count(n: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{n} {one if n == 1 else many}"


def mark(output: Path) -> dict[str, str]:
    """Return the variable by which a run's processes are known, wherever they end up."""
    return {MARK: os.path.realpath(output)}


def foreign_snakemake(output: Path) -> int | None:
    """Return the number of a living Snakemake in a folder that no `gutdiv run` started, where one is seen."""
    import psutil

    here = os.path.realpath(output)
    for process in psutil.process_iter():
        try:
            if process.cwd() == here and any("snakemake" in word for word in process.cmdline()) and MARK not in process.environ():
                return int(process.pid)
        except (psutil.Error, OSError):  # another user's, or gone meanwhile
            continue
    return None


def end_orphans(output: Path) -> int:
    """End all processes that carry the folder's mark, but for this one and its parents: first in order, then by force; return their number."""
    import psutil

    ended = set()
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):  # what one of them started meanwhile is found by the next look
        found = _orphans(output)
        for process in found:
            try:
                process.send_signal(number)
                ended.add(process.pid)
            except psutil.Error:
                continue
        psutil.wait_procs(found, timeout=_PATIENCE)
    if left := _orphans(output):
        pids = ", ".join(str(p.pid) for p in left)
        msg = f"jobs of a killed run are at work in {output} and cannot be ended: processes {pids}. End them, then give this command again."
        raise GutdivError(msg)
    return len(ended)


def _orphans(output: Path) -> list[psutil.Process]:
    """Return the living processes that carry the folder's mark; zombies only wait for their parent."""
    import psutil

    here, me = os.path.realpath(output), psutil.Process()
    spared = {me.pid, *(p.pid for p in me.parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in spared and process.environ().get(MARK) == here and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # another user's, or gone meanwhile
            continue
    return found


# ---------------------------------------------------------------- jobs in a queue
def slurm_prefix(output: Path) -> str:
    """Return the word that the names of a folder's SLURM jobs begin with."""
    return "gutdiv-" + hashlib.sha256(os.path.realpath(output).encode()).hexdigest()[:12]


def _cancel_slurm_jobs(output: Path) -> list[str]:
    """Cancel the SLURM jobs of a folder, wait until they are gone, and return their numbers; nothing where there is no SLURM."""
    if not (shutil.which("squeue") and shutil.which("scancel")):
        return []
    noted = _noted_jobs(output)
    found = [job for job, name in _queue(output) if job in noted or name.startswith(slurm_prefix(output))]
    if not found:
        return []
    _slurm(output, "scancel", *found)
    deadline = time.monotonic() + _SLURM_PATIENCE
    while left := sorted({job for job, _ in _queue(output)} & set(found)):
        if time.monotonic() > deadline:
            msg = (
                f"SLURM jobs of a killed run in {output} do not end: {', '.join(left)}. "
                "Wait until squeue lists them no more, then give this command again."
            )
            raise GutdivError(msg)
        time.sleep(1)
    return found


def _noted_jobs(output: Path) -> set[str]:
    """Return the numbers of queued jobs that Snakemake noted beside the files that they have not yet finished."""
    numbers = set()
    for path in (output / ".snakemake" / "incomplete").rglob("*"):
        try:
            numbers.add(str(json.loads(path.read_text(encoding="utf-8"))["external_jobid"]))
        except (OSError, ValueError, TypeError, KeyError):  # a folder, or half a note
            continue
    return numbers


def _queue(output: Path) -> list[tuple[str, str]]:
    """Return number and name of this user's jobs in the queue."""
    lines = _slurm(output, "squeue", "--noheader", "--user", str(os.geteuid()), "--format", "%A|%j").splitlines()
    return [(job, name) for job, _, name in (line.strip().partition("|") for line in lines if line.strip())]


def _slurm(output: Path, *command: str) -> str:
    """Run a command of SLURM's and return what it printed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip()
        msg = (
            f"jobs of a killed run in {output} may still be in SLURM's queue, and {command[0]} fails: {said}. "
            "Give this command again when SLURM answers."
        )
        raise GutdivError(msg) from error
