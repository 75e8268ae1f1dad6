"""How far a run is, by cohort and stage, from the messages of Snakemake: what is done, what is at work, about how long it takes yet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gutdiv.cli.app import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STAGES = tuple(word for word in COMMANDS if word not in {"init", "run"})
_LAST = "report_write"  # it starts when all else of its cohort is done
_FEW, _SOON = 3, 5.0  # finished steps and seconds before which no time is guessed


@dataclass
class Step:
    """One job of Snakemake's: its rule, its cohort (empty where it is over all of them), and when it started and ended."""

    rule: str
    cohort: str
    started: float
    ended: float | None = None

    @property
    def stage(self) -> str:
        """The rule's first word, which is the stage's."""
        return self.rule.partition("_")[0]

    @property
    def name(self) -> str:
        """The rest of the rule's name."""
        return self.rule.partition("_")[2]


@dataclass(frozen=True)
class Failure:
    """A step that failed: what Snakemake says of it, and its log files, relative to the run's folder."""

    rule: str
    message: str
    logs: tuple[str, ...]
    command: str


@dataclass(frozen=True)
class Row:
    """A stage of a cohort, as far as it is known: steps done, steps in all (none: not known), the names of those at work, seconds."""

    cohort: str
    stage: str
    done: int
    total: int | None
    working: tuple[str, ...]
    seconds: float


class Progress:
    """What a run's messages say so far. Snakemake's number of steps may grow on the way, and a step may be tried again."""

    def __init__(self) -> None:
        self.steps: dict[int, Step] = {}
        self.failures: dict[int, Failure] = {}
        self.now = 0.0
        self.total = 0
        self._planned: Counter[str] = Counter()
        self._told: set[tuple[str, str]] = set()
        self._settled = False  # Snakemake has told the number of steps since the last one was done

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one message of `gutdiv.cli.events`."""
        event = message.get("event")
        self.now = max(self.now, float(message.get("time", 0.0)))
        if event == "run_info" and isinstance(stats := message.get("stats"), dict):
            self._planned = Counter({rule: int(n) for rule, n in stats.items() if rule != "total"})
            self.total = max(self.total, self._planned.total())
        elif event == "job_info":
            job = int(message["jobid"])
            self.steps[job] = Step(str(message["rule_name"]), message.get("wildcards", {}).get("cohort", ""), self.now)
            self.failures.pop(job, None)
        elif event == "job_finished" and (step := self.steps.get(int(message["job_id"]))):
            step.ended = self.now
            self._settled = False
            self.failures.pop(int(message["job_id"]), None)
        elif event == "job_error":
            job = int(message["jobid"])
            self.failures[job] = Failure(
                str(message["rule_name"]),
                str(message.get("rule_msg") or ""),
                tuple(map(str, message.get("log") or ())),
                str(message.get("shellcmd") or ""),
            )
            if job in self.steps and self.steps[job].ended is None:
                self.steps.pop(job)
        elif event == "progress":
            self.total = max(self.total, int(message["total"]))
            self._settled = True

    @property
    def done(self) -> int:
        """The number of steps done."""
        return sum(step.ended is not None for step in self.steps.values())

    # ------------------------------------------------------------ stages
    def finished(self, *, ended: bool = False) -> Iterator[Row]:
        """Yield each stage of a cohort once, when its last step is done (of the run, where all has `ended`)."""
        closed = {step.cohort for step in self.steps.values() if step.rule == _LAST}
        for row in self._rows():
            if row.done == 0 or row.working or (row.cohort, row.stage) in self._told:
                continue
            if ended or self._is_whole(row.stage) or (row.cohort in closed and row.stage != "report"):
                self._told.add((row.cohort, row.stage))
                yield row

    def open(self) -> list[Row]:
        """Return the stages that have begun and are not told as finished."""
        return [row for row in self._rows() if (row.cohort, row.stage) not in self._told]

    def _rows(self) -> Iterator[Row]:
        """Yield all stages that have begun, by cohort and in the order of the stages."""
        groups: dict[tuple[str, str], list[Step]] = {}
        for step in self.steps.values():
            groups.setdefault((step.cohort, step.stage), []).append(step)
        alone = len({step.cohort for step in self.steps.values()} - {""}) == 1
        for cohort, stage in sorted((key for key in groups if key[1] in STAGES), key=lambda k: (not k[0], k[0], STAGES.index(k[1]))):
            steps = groups[cohort, stage]
            working = tuple(sorted({s.name for s in steps if s.ended is None}))
            last = self.now if working else max(s.ended or 0.0 for s in steps)
            planned = self._expected(stage) - sum(len(g) for (c, s), g in groups.items() if s == stage and c != cohort)
            total = max(planned, len(steps)) if alone and not self._unknown() else None
            yield Row(cohort, stage, sum(s.ended is not None for s in steps), total, working, last - min(s.started for s in steps))

    def _counts(self) -> Counter[str]:
        """Return the steps of each rule: planned, or more where more were seen."""
        return self._planned | Counter(step.rule for step in self.steps.values())

    def _expected(self, stage: str) -> int:
        """Return how many steps of a stage are known of."""
        return sum(n for rule, n in self._counts().items() if rule.partition("_")[0] == stage)

    def _unknown(self) -> int:
        """Return how many steps Snakemake has found since it told its plan, of rules that are not known yet."""
        return max(0, self.total - self._counts().total())

    def _is_whole(self, stage: str) -> bool:
        """Whether all steps of a stage are done in all cohorts, and none can come."""
        done = sum(step.stage == stage and step.ended is not None for step in self.steps.values())
        return self._settled and done == self._expected(stage) and not self._unknown()

    # ------------------------------------------------------------ time
    def seconds_left(self) -> float | None:
        """Return about how many seconds the run takes yet: each step to come weighs as its rule's took so far, else as the mean step.

        None until a few steps are done. What runs side by side is taken to go on side by side.
        """
        times: dict[str, list[float]] = {}
        for step in self.steps.values():
            if step.ended is not None:
                times.setdefault(step.rule, []).append(step.ended - step.started)
        spent = [t for ts in times.values() for t in ts]
        if len(spent) < _FEW:
            return None
        begun = min(step.started for step in self.steps.values())
        at_work = [step for step in self.steps.values() if step.ended is None]
        busy = sum(spent) + sum(self.now - step.started for step in at_work)
        if self.now - begun < _SOON:
            return None
        mean = sum(spent) / len(spent)
        usual = {rule: sum(ts) / len(ts) for rule, ts in times.items()}
        seen = Counter(step.rule for step in self.steps.values())
        work = self._unknown() * mean
        work += sum((n - seen[rule]) * usual.get(rule, mean) for rule, n in self._counts().items() if "_" in rule)
        work += sum(max(0.0, usual.get(step.rule, mean) - (self.now - step.started)) for step in at_work)
        return work / max(1.0, busy / (self.now - begun))


def about(seconds: float) -> str:
    """Return a duration in round words."""
    if seconds < 55:
        return f"about {max(10, 10 * round(seconds / 10))} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"


def exact(seconds: float) -> str:
    """Return a duration that was measured."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
