"""How progress is shown: a live table where there is a terminal, else plain lines."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Protocol, TextIO

from gutdiv.cli.progress import about, exact

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gutdiv.cli.progress import Progress, Row

_EVERY = 60.0  # seconds from one plain line to the next, where no stage ends
_NAMES = 4  # steps at work that are named


class View(Protocol):
    """Something that shows lines for good, and the state of a run as long as it is of use."""

    def say(self, text: str) -> None:
        """Show a line that stays."""

    def show(self, progress: Progress) -> None:
        """Show how far the run is."""

    def close(self) -> None:
        """Take away what does not stay."""


class Plain:
    """Lines on a stream that is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """Write a line."""
        self._stream.write(text + "\n")
        self._stream.flush()
        self._last = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Write how far the run is where nothing was written for a minute."""
        if time.monotonic() - self._last >= _EVERY:
            self.say(total_line(progress))

    def close(self) -> None:
        """Nothing was shown that does not stay."""


class Live:
    """A table under the lines, renewed in place."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live as Display

        self._console = console
        self._shown: tuple[list[Row], str, float] = ([], "", 0.0)  # replaced as a whole: another thread draws it
        self._display = Display(console=console, get_renderable=self._table, refresh_per_second=2, transient=True, redirect_stdout=False)

    def say(self, text: str) -> None:
        """Write a line above the table, as it is."""
        self._console.out(text, highlight=False)

    def show(self, progress: Progress) -> None:
        """Let the table show this."""
        self._shown = (progress.open(), total_line(progress), time.monotonic())
        if not self._display.is_started:
            self._display.start()

    def close(self) -> None:
        """Take the table away."""
        if self._display.is_started:
            self._display.stop()

    def _table(self) -> Table:
        """Draw the stages that are at work, and the sum."""
        from rich.table import Table
        from rich.text import Text

        rows, line, at = self._shown
        table = Table.grid(padding=(0, 2))
        for row in rows:
            of = f"{row.done} of {row.total}" if row.total else f"{row.done} done"
            seconds = row.seconds + (time.monotonic() - at if row.working else 0.0)
            table.add_row(*map(Text, (row.cohort or "all cohorts", row.stage, of, _names(row.working), exact(seconds))))
        whole = Table.grid()
        whole.add_row(table)
        whole.add_row(Text(line))
        return whole


def total_line(progress: Progress) -> str:
    """Say how far the run is in all."""
    left = progress.seconds_left()
    rest = f", {about(left)} left" if left is not None else ""
    working = sorted({f"{row.stage} {name}" for row in progress.open() for name in row.working})
    return f"{progress.done} of {progress.total} steps done{rest}" + (f"; at work: {_names(working)}" if working else "")


def _names(names: tuple[str, ...] | list[str]) -> str:
    """Return some names, and how many more there are."""
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def view_of(stream: TextIO) -> View:
    """Return the view that fits a stream."""
    if stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}:
        from rich.console import Console

        return Live(Console(file=stream, highlight=False))
    return Plain(stream)
