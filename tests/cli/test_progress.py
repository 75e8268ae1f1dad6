"""How far a run is: what the messages of Snakemake are made into, told in lines or in a live table."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from gutdiv.cli.follow import Listener
from gutdiv.cli.progress import STAGES, Progress, about, exact
from gutdiv.cli.view import Live, Plain, total_line, view_of

if TYPE_CHECKING:
    from pathlib import Path


def message(event: str, time: float, text: str = "", level: int = logging.INFO, **more: Any) -> dict[str, Any]:
    """Return a message as `gutdiv.cli.events` writes it."""
    return {"event": event, "time": time, "text": text, "level": level, "quiet": False, "wildcards": {}, **more}


class Run:
    """A run whose messages are made by hand."""

    def __init__(self, **planned: int) -> None:
        self.messages = [message("run_info", 0.0, stats={**planned, "total": sum(planned.values())})]
        self._total = sum(planned.values())
        self._done = 0
        self._next = 0

    def begin(self, rule: str, time: float, cohort: str = "c") -> int:
        self._next += 1
        wildcards = {"cohort": cohort} if cohort else {}
        self.messages.append(message("job_info", time, jobid=self._next, rule_name=rule, wildcards=wildcards))
        return self._next

    def end(self, job: int, time: float, *, total: int | None = None) -> None:
        self._done += 1
        self._total = total or self._total
        self.messages.append(message("job_finished", time, job_id=job))
        self.messages.append(message("progress", time, done=self._done, total=self._total))

    def step(self, rule: str, start: float, end: float, cohort: str = "c", *, total: int | None = None) -> None:
        self.end(self.begin(rule, start, cohort), end, total=total)

    def told(self) -> list[tuple[str, str, int, float]]:
        """The stages that are told as finished, in their order: cohort, stage, steps, seconds."""
        progress, rows = Progress(), []
        for content in self.messages:
            progress.take(content)
            rows += [(r.cohort, r.stage, r.done, r.seconds) for r in progress.finished()]
        return rows

    def progress(self) -> Progress:
        """What is known after all messages."""
        progress = Progress()
        for content in self.messages:
            progress.take(content)
        return progress


def test_each_stage_is_told_once_when_its_last_step_is_done() -> None:
    run = Run(cohort_build=1, diversity_alpha=1, diversity_beta=2, report_write=1, report_index=1, all=1)
    run.step("cohort_build", 0, 3)
    first, second = run.begin("diversity_alpha", 3), run.begin("diversity_beta", 4)
    run.end(first, 5)
    run.end(second, 9)
    run.step("diversity_beta", 9, 11)
    run.step("report_write", 11, 12)
    run.step("report_index", 12, 13, cohort="")
    assert run.told() == [("c", "cohort", 1, 3), ("c", "diversity", 3, 8), ("c", "report", 1, 1), ("", "report", 1, 1)]


def test_a_stage_is_not_told_as_done_while_steps_found_on_the_way_may_be_its_own() -> None:
    run = Run(cohort_build=1, report_write=1, all=1)  # what else there is shows only after the cohort
    run.step("cohort_build", 0, 1)
    run.step("diversity_alpha", 1, 2, total=6)
    assert run.told() == [("c", "cohort", 1, 1)]
    run.step("diversity_beta", 2, 4)
    run.step("immune_links", 4, 5)
    assert run.told()[1:] == [("c", "diversity", 2, 3), ("c", "immune", 1, 1)]


def test_of_several_cohorts_each_is_told_when_its_report_begins() -> None:
    run = Run(cohort_build=2, diversity_alpha=2, report_write=2, all=1)
    run.step("cohort_build", 0, 1, "a")
    run.step("diversity_alpha", 1, 2, "a")
    assert run.told() == []
    run.begin("report_write", 2, "a")
    run.step("cohort_build", 2, 4, "b")
    assert run.told() == [("a", "cohort", 1, 1), ("a", "diversity", 1, 1), ("b", "cohort", 1, 2)]


def test_time_left_weighs_each_step_as_its_rule_took_and_what_runs_side_by_side() -> None:
    run = Run(cohort_build=1, diversity_beta=4, immune_links=2)
    run.step("cohort_build", 0, 2)
    assert run.progress().seconds_left() is None
    a, b = run.begin("diversity_beta", 2), run.begin("diversity_beta", 2)
    run.end(a, 12)
    run.end(b, 12)
    run.begin("diversity_beta", 12)
    run.messages.append(message("", 16))
    # 2 + 10 + 10 s of steps done and 4 s of one at work in 16 s: 26 / 16 side by side. To come: 6 s of the one at work, 10 s of beta, and
    # two of a rule not seen yet, at the mean of (2 + 10 + 10) / 3 s.
    assert run.progress().seconds_left() == pytest.approx((6 + 10 + 2 * 22 / 3) / (26 / 16))
    run.messages.append(message("progress", 16, done=3, total=17))  # ten more, of unknown rules
    assert run.progress().seconds_left() == pytest.approx((6 + 10 + 12 * 22 / 3) / (26 / 16))


def test_a_step_that_is_tried_again_and_ends_well_has_not_failed() -> None:
    run = Run(diversity_beta=1)
    job = run.begin("diversity_beta", 0)
    error = message("job_error", 1, jobid=job, rule_name="diversity_beta", rule_msg="SLURM status is: 'OUT_OF_MEMORY'", log=["x.log"])
    run.messages.append(error)
    (failed,) = run.progress().failures.values()
    assert (failed.rule, failed.logs) == ("diversity_beta", ("x.log",))
    run.messages.append(message("job_info", 2, jobid=job, rule_name="diversity_beta", wildcards={"cohort": "c"}))
    run.end(job, 5)
    assert run.progress().failures == {}
    assert run.told() == [("c", "diversity", 1, 3)]


def test_durations_are_round_where_they_are_guessed_and_exact_where_they_are_measured() -> None:
    assert [about(s) for s in (1, 34, 56, 600, 9000)] == ["about 10 s", "about 30 s", "about 1 min", "about 10 min", "about 2 h"]
    assert [exact(s) for s in (0.4, 99, 125, 3725)] == ["0 s", "99 s", "2 min 5 s", "1 h 2 min"]
    assert STAGES[0] == "cohort"
    assert STAGES[-1] == "report"


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    """Return a listener whose screen and log can be read back."""
    return Listener(Plain(io.StringIO()), (tmp_path / "log").open("w+"), verbose=False)


def heard(listener: Listener) -> tuple[list[str], list[str]]:
    """Return the lines on the screen and in the log."""
    listener.log.seek(0)
    return listener.view._stream.getvalue().splitlines(), listener.log.read().splitlines()


def hear(listener: Listener, *messages: dict[str, Any]) -> None:
    for content in messages:
        listener.message(json.dumps(content))


def test_words_of_snakemake_go_to_the_log_and_errors_and_what_comes_past_its_log_to_the_screen_too(listener: Listener) -> None:
    hear(listener, {"event": "settings", "all": False})
    hear(listener, message("job_info", 1, "rule x: ...", jobid=1, rule_name="cohort_build", wildcards={"cohort": "c"}))
    hear(listener, message("", 2, "Command 'x' returned\nnon-zero exit status 2", logging.ERROR))
    listener.raw("mktemp: no space left")
    listener.message('{"event": "job_in')
    listener.end(well=False)
    screen, log = heard(listener)
    assert screen == ["Command 'x' returned", "non-zero exit status 2", "mktemp: no space left"]
    assert log == ["rule x: ...", *screen]


def test_where_no_step_was_run_all_is_shown(listener: Listener) -> None:
    listener.raw("usage: snakemake ...")
    hear(listener, {"event": "settings", "all": False}, message("", 1, "Nothing to be done."), message("", 1, ""))
    assert heard(listener)[0] == []
    listener.end(well=True)
    assert heard(listener)[0] == ["usage: snakemake ...", "Nothing to be done."]


def test_a_dry_run_or_verbose_one_shows_all_that_the_user_did_not_silence(listener: Listener) -> None:
    hear(listener, {"event": "settings", "all": True}, message("", 1, "words"), {**message("", 1, "silenced"), "quiet": True})
    hear(listener, message("job_info", 1, "rule x: ...", jobid=1, rule_name="cohort_build"))
    assert heard(listener)[0] == ["words", "rule x: ..."]


def test_the_live_table_shows_the_stages_at_work_under_the_lines_that_stay() -> None:
    run = Run(cohort_build=1, diversity_alpha=1, diversity_beta=2, all=1)
    run.step("cohort_build", 0, 3)
    run.begin("diversity_alpha", 3)
    run.begin("diversity_beta", 4)
    progress = run.progress()
    assert [(r.stage, r.done) for r in progress.finished()] == [("cohort", 1)]
    assert total_line(progress) == "1 of 5 steps done; at work: diversity alpha, diversity beta"
    stream = io.StringIO()
    view = Live(Console(file=stream, force_terminal=True, width=80, color_system=None))
    view.say("[a line] with :smile: as it is")
    view.show(progress)
    view.close()
    shown = stream.getvalue()
    assert "[a line] with :smile: as it is\n" in shown
    assert "c  diversity  0 of 3  alpha, beta  1 s" in shown
    assert "1 of 5 steps done; at work" in shown


def test_without_a_terminal_the_view_is_plain() -> None:
    assert isinstance(view_of(io.StringIO()), Plain)
