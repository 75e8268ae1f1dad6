"""Figures over studies: means with their intervals, the worst study with its exact limits, and the tables of docs/validation/verdict.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from validation_aligned import LEVELS, NUMBERS, SHARES_ILL, Rate
from validation_studies import HALVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS = ("tier", "controls", "ill_share", "level", "studies", "mean", "mean_low", "mean_high", "worst", "worst_low", "worst_high", "worst_study")
TIERS = {0: "none", 10: "provisional", 20: "aligned", 40: "aligned"}
BOUND = 0.08  # above which no study's lower limit may lie, at 5 % and 20 controls or more
NOT_HEALTHY = ("hct_taur",)  # its controls are patients
REPEATED = ("thdmi_gg2_species",)  # the people of another row
OUTSIDE_AT, HELD_AT = LEVELS.index(0.025), LEVELS.index(0.05)


@dataclass(frozen=True)
class Figures:
    """Of one number of controls, share of ill and level: mean over studies with its 95 % interval, and the worst study with its exact one."""

    studies: int
    mean: float
    low: float
    high: float
    worst: float
    worst_low: float
    worst_high: float
    worst_study: str

    @property
    def holds(self) -> bool:
        """Whether the mean's interval contains 5 %."""
        return self.low <= LEVELS[HELD_AT] <= self.high


def exact_limits(share: float, people: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper & Pearson's (1934) limits of a share of people; a mean over draws of controls counts as one test of each person judged."""
    x, tail = share * people, (1 - confidence) / 2
    low = float(stats.beta.ppf(tail, x, people - x + 1)) if x > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, x + 1, people - x)) if x < people else 1.0
    return low, high


def figures(found: Sequence[Rate], level: int) -> Figures:
    """Over studies, every one counting the same, at one of `LEVELS`; the interval of the mean by Student's t, cut at 0 and 1."""
    values = np.array([r.alarms[level] for r in found])
    at = int(values.argmax())
    half = float(stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("nan")
    mean = float(values.mean())
    limits = exact_limits(float(values[at]), found[at].people)
    return Figures(values.size, mean, max(mean - half, 0.0), min(mean + half, 1.0), float(values[at]), *limits, found[at].study)


def of(found: Iterable[Rate], n: int, share: float, names: Iterable[str]) -> list[Rate]:
    """The rates of these studies with so many controls and such a share of ill, where healthy people were judged."""
    wanted = set(names)
    return [r for r in found if r.controls == n and r.ill_share == share and r.study in wanted and r.people]


def rows(found: Sequence[Rate], names: Sequence[str]) -> list[tuple[object, ...]]:
    """Rows of `false_alarms.tsv` of the tiers below the in-study one."""
    out = []
    for n in NUMBERS:
        for share in SHARES_ILL if n else (0.0,):
            used = of(found, n, share, names)
            out += [_row(TIERS[n], n, share, k, figures(used, k)) for k in range(len(LEVELS)) if len(used) > 1]
    return out


def _row(tier: str, n: int, share: float, level: int, f: Figures) -> tuple[object, ...]:
    """One row."""
    numbers = [f"{v:.4f}" for v in (f.mean, f.low, f.high, f.worst, f.worst_low, f.worst_high)]
    return tier, n, f"{share:g}", f"{LEVELS[level]:g}", f.studies, *numbers, f.worst_study


# ---------------------------------------------------------------- the choice of a method
def choice(by_variant: Mapping[str, Sequence[Rate]], names: Sequence[str]) -> tuple[str, list[str]]:
    """Choose on the studies of one half, by a rule that was written before they were judged; the variant's name, and a line for each.

    A variant holds where, with clean controls at nominal 5 % and with 20 and with 40 of them, the interval of the mean contains 5 % and no study's lower
    limit is above 8 %. Of those that hold: the largest mean power at p <= .025 with 20 % ill among 20 controls, over the half's studies with ill people who
    may stand among controls; among variants within one point of it, the smallest false alarms of the worst study at 5 % with 20 controls.
    """
    lines, power, worst = [], {}, {}
    for variant, found in by_variant.items():
        clean = {n: of(found, n, 0.0, names) for n in (20, 40)}
        seen = {n: figures(used, HELD_AT) for n, used in clean.items()}
        over = [r.study for used in clean.values() for r in used if exact_limits(r.alarms[HELD_AT], r.people)[0] > BOUND]
        holds = all(f.holds for f in seen.values()) and not over
        ill = {s: [r.found[OUTSIDE_AT] for r in of(found, 20, s, names) if r.ill] for s in SHARES_ILL}
        means = [float(np.mean(v)) if v else float("nan") for v in ill.values()]
        if holds:
            power[variant], worst[variant] = means[-1], seen[20].worst
        cells = [f"{percent(f.mean)} ({percent(f.low)} to {percent(f.high)}); {percent(f.worst)} {f.worst_study}" for f in seen.values()]
        lines.append(f"| {variant} | {' | '.join(cells)} | {'yes' if holds else 'no'} | {' / '.join(percent(m) for m in means)} |")
    if not power:
        return "none", lines
    best = max(power.values())
    close = [v for v in power if power[v] >= best - 0.01]
    return min(close, key=lambda v: worst[v]), lines


def choice_tables(by_variant: Mapping[str, Sequence[Rate]]) -> str:
    """Both halves' tables and what each chooses."""
    out = []
    for half, names in HALVES.items():
        chosen, lines = choice(by_variant, names)
        head = "| method | 20 controls: mean at 5 % (95 % CI); worst | 40 controls | holds | power at 2.5 %, 20 controls, 0 / 10 / 20 % ill |"
        out += [f"Half {half} ({', '.join(names)}) chooses `{chosen}`:", "", head, "|---|---|---|---|---|", *lines, ""]
    return "\n".join(out)


def method_table(by_variant: Mapping[str, Sequence[Rate]], names: Sequence[str]) -> str:
    """Every way to make the reference, by number of clean controls, over these studies."""
    head = " | ".join(f"mean at {100 * a:g} % (95 % CI over studies); worst" for a in LEVELS)
    lines = [f"| method | controls | studies | {head} |", "|---|---|---|" + "---|" * len(LEVELS)]
    for variant, found in by_variant.items():
        for n in NUMBERS:
            used = of(found, n, 0.0, names)
            seen = [figures(used, k) for k in range(len(LEVELS))]
            cells = [f"{percent(f.mean)} ({percent(f.low)} to {percent(f.high)}); {percent(f.worst)} {f.worst_study}" for f in seen]
            lines.append(f"| {variant} | {n} | {len(used)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def percent(value: float) -> str:
    """A share in per cent."""
    return "-" if np.isnan(value) else f"{100 * value:.1f}"


# ---------------------------------------------------------------- in-study
def in_study_rows(found: Sequence[Rate]) -> list[tuple[object, ...]]:
    """Rows of `false_alarms.tsv` of the in-study tier: 60 controls and more."""
    out = []
    for share in SHARES_ILL:
        used = [r for r in found if r.ill_share == share and r.people and r.study not in (*NOT_HEALTHY, *REPEATED)]
        out += [_row("in-study", 60, share, k, figures(used, k)) for k in range(len(LEVELS)) if len(used) > 1]
    return out
