"""The tables of docs/validation/verdict.md, printed from the rates of every study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validation_aligned import NUMBERS, SHARES_ILL, Rate
from validation_studies import HALVES, OUTSIDE, REFERENCE, Known
from validation_tables import HELD_AT, OUTSIDE_AT, exact_limits, figures, of, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def page(
    found: Sequence[Rate], split: Sequence[Rate], made: Sequence[tuple[object, ...]], known: Mapping[str, Known], absent: Mapping[str, str]
) -> str:
    """Every table, in its order."""
    parts = (
        ("Means over studies, and the worst study", means(made)),
        ("Parts of the studies, clean controls, at 5 %", _parts(found)),
        ("Every study, clean controls", _clean(found, known)),
        ("Every study, some controls ill", _mixed(found, known)),
        ("In-study, every study", _splits(split)),
        ("Power without controls of the study's own, and aligned", _power(found)),
        ("Power, in-study", _split_power(split)),
        ("Left out", _left_out(found, known, absent)),
    )
    return "\n\n".join(f"### {title}\n\n{body}" for title, body in parts)


def means(made: Sequence[tuple[object, ...]]) -> str:
    """The rows of `false_alarms.tsv`, in per cent."""
    head = "| tier | controls | ill, % | level, % | studies | mean, % (95 % CI over studies) | worst study, % (exact 95 % CI) |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for tier, n, share, level, studies, *cells, study in made:
        mean, low, high, worst, worst_low, worst_high = (f"{100 * float(str(c)):.1f}" for c in cells)
        first = f"| {tier} | {n} | {100 * float(str(share)):g} | {100 * float(str(level)):g} | {studies} |"
        lines.append(f"{first} {mean} ({low} to {high}) | {worst} ({worst_low} to {worst_high}), {study} |")
    return "\n".join(lines)


def _parts(found: Sequence[Rate]) -> str:
    """Means at 5 % over each half, over the groups of the reference, and over the others."""
    sets = {**{f"half {h}": names for h, names in HALVES.items()}, "groups of the reference": _names(REFERENCE), "other studies": _names(OUTSIDE)}
    lines = ["| studies | 10 controls: mean (95 % CI over studies); worst, its lower limit | 20 | 40 |", "|---|---|---|---|"]
    for title, names in sets.items():
        seen = [figures(of(found, n, 0.0, names), HELD_AT) for n in NUMBERS[1:]]
        cells = [
            f"{f.studies}: {percent(f.mean)} ({percent(f.low)} to {percent(f.high)}); {percent(f.worst)}, {percent(f.worst_low)} {f.worst_study}"
            for f in seen
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _names(studies: Sequence[Known]) -> tuple[str, ...]:
    """Their names."""
    return tuple(s.name for s in studies)


def _cell(rate: Rate | None) -> str:
    """False alarms at the four levels, and the exact limits of that at 5 %."""
    if rate is None or not rate.people:
        return "-"
    low, high = exact_limits(rate.alarms[HELD_AT], rate.people)
    return f"{' / '.join(percent(a) for a in rate.alarms)} ({percent(low)} to {percent(high)})"


def _clean(found: Sequence[Rate], known: Mapping[str, Known]) -> str:
    """Every study's row: false alarms at 1 / 2.5 / 5 / 10 %, and the exact limits at 5 %."""
    at = {(r.study, r.controls): r for r in found if r.ill_share == 0}
    lines = ["| study | half | people | 0 controls | 10 | 20 | 40 | note |", "|---|---|---|---|---|---|---|---|"]
    for name, study in known.items():
        half = next((h for h, names in HALVES.items() if name in names), "apart")
        people = max((r.people for r in found if r.study == name), default=0)
        lines.append(f"| {name} | {half} | {people} | {' | '.join(_cell(at.get((name, n))) for n in NUMBERS)} | {study.note} |")
    return "\n".join(lines)


def _mixed(found: Sequence[Rate], known: Mapping[str, Known]) -> str:
    """False alarms at 2.5 % and 5 % by the share of ill, for the studies with ill people who may stand among controls."""
    at = {(r.study, r.controls, r.ill_share): r for r in found if r.people}
    head = "| study | 10 controls: 2.5 %, with 0 / 10 / 20 % ill ; 5 % | 20 | 40 |"
    named = [name for name in known if (name, 10, 0.2) in at]
    return "\n".join([
        head, "|---|---|---|---|",
        *(f"| {name} | {' | '.join(_triples([at.get((name, n, s)) for s in SHARES_ILL], 'alarms') for n in NUMBERS[1:])} |" for name in named),
    ])  # fmt: skip


def _triples(found: Sequence[Rate | None], what: str) -> str:
    """Shares at 2.5 % and at 5 % by the share of ill among the controls; one share where there is but one."""
    seen = [r for r in found if r]
    return " ; ".join(" / ".join(percent(getattr(r, what)[k]) for r in seen) or "-" for k in (OUTSIDE_AT, HELD_AT)) if seen else "-"


def _splits(split: Sequence[Rate]) -> str:
    """The in-study tier, study by study."""
    at = {(r.study, r.ill_share): r for r in split}
    lines = ["| study | controls | judged | clean | 10 % ill | 20 % ill |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(r.study for r in split):
        first = at[name, 0.0]
        lines.append(f"| {name} | {first.controls} | {first.people} | {' | '.join(_cell(at.get((name, s))) for s in SHARES_ILL)} |")
    return "\n".join(lines)


def _power(found: Sequence[Rate]) -> str:
    """Ill found outside, by number of controls."""
    at = {(r.study, r.controls, r.ill_share): r for r in found if r.ill}
    lines = ["| study | ill | 0 controls: 2.5 % ; 5 % | 10, with 0 / 10 / 20 % ill | 20 | 40 |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(s for s, _, _ in at):
        ill = next(r.ill for r in at.values() if r.study == name)
        lines.append(f"| {name} | {ill} | {' | '.join(_triples([at.get((name, n, s)) for s in SHARES_ILL], 'found') for n in NUMBERS)} |")
    return "\n".join(lines)


def _split_power(split: Sequence[Rate]) -> str:
    """Ill found outside against the study's own controls."""
    at = {(r.study, r.ill_share): r for r in split if r.ill}
    lines = ["| study | controls | ill | 2.5 %, with 0 / 10 / 20 % ill ; 5 % |", "|---|---|---|---|"]
    for name in dict.fromkeys(s for s, _ in at):
        first = at[name, 0.0]
        lines.append(f"| {name} | {first.controls} | {first.ill} | {_triples([at.get((name, s)) for s in SHARES_ILL], 'found')} |")
    return "\n".join(lines)


def _left_out(found: Sequence[Rate], known: Mapping[str, Known], absent: Mapping[str, str]) -> str:
    """Studies that a row lacks, by name."""
    lines = []
    for n in NUMBERS:
        inside = {r.study for r in found if r.controls == n and r.people}
        lacking = ", ".join(s for s, k in known.items() if k.mean and s not in inside) or "none"
        lines.append(f"* From the row of {n} controls, with fewer than {n + 20} healthy people: {lacking}.")
    return "\n".join([*lines, *(f"* {name}: {why}." for name, why in absent.items())])
