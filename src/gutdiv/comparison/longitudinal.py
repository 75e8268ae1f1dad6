"""Tests over time: a mixed model by subject, rates of change between groups, and change within subjects; the subject is the unit throughout."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from gutdiv.comparison.contrasts import Procedure, pair
from gutdiv.comparison.groups import ALPHA, compare_groups
from gutdiv.comparison.models import EXTRA, Asked, Row, lay_out, model_rows
from gutdiv.comparison.scheme import UntestableError
from gutdiv.comparison.trajectories import FROM_BASELINE
from gutdiv.comparison.units import MIN_UNITS
from gutdiv.errors import count_noun
from gutdiv.grammar.formula import Formula, Term, Variable
from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import TABLES, Finding, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLUMNS = [*TABLES["group_test"], *EXTRA, "median_1", "median_2"]


@dataclass(frozen=True, eq=False)
class _Course:
    """One subject along one metric: its values in the order of time."""

    group: str | None
    times: tuple[float, ...]
    values: tuple[float, ...]
    n_samples: int


def compare_courses(trajectories: Table, *, how: Procedure | None = None) -> Table:
    """Test trajectories over time, and between groups where the table has groups.

    - Mixed model (REML) of value on time, with group where there is one: time and group side by side, then their interaction; random
      intercept by subject, and random slope of time where the fit finds one (column `model`). Terms with time have as many degrees of freedom
      as subjects with several times less columns: in `gutdiv.comparison.fits.fit_mixed`.
    - Rate of change between groups: of each subject with several times, the sum of its first differences over the sum of their intervals,
      by the tests of `compare_groups`. For distances from the first sample: their mean.
    - Change within subjects: signed rank of the mean of the later values against the first one, over all subjects and in each group; not
      for distances, which cannot fall below zero.

    A subject with several groups belongs to none and is counted in `absent`.

    Returns
    -------
    Table
        Kind `group_test`, with the columns of `model_alpha` where they apply; `part` tells which test a row is.

    Raises
    ------
    UntestableError
        Where fewer than three subjects have values at several times.
    """
    how = how or Procedure()
    time, subject, group = (trajectories.record[k] for k in ("time", "subject", "group"))
    absent: dict[str, str] = {}
    followed = {m: _courses(part) for m, part in trajectories.frame.groupby("metric", sort=False)}
    several = {m: {s: c for s, c in courses.items() if len(set(c.times)) > 1} for m, courses in followed.items()}
    if max((len(c) for c in several.values()), default=0) < MIN_UNITS:
        n = max((len(c) for c in several.values()), default=0)
        msg = f"only {count_noun(n, 'subject')} of {subject} with values at several times of {time}; at least {MIN_UNITS} are needed."
        raise UntestableError(msg)
    if group is not None:
        group = _usable_group(trajectories.frame, group, absent)
    rows: list[Row] = []
    for metric in followed:
        rows += _modelled(str(metric), trajectories.frame, subject=subject, time=time, group=group, courses=followed[metric], absent=absent)
    frames = [lay_out(rows, f"over {time}")] if rows else []
    for frame in frames:
        frame["family"] = [f.removesuffix(", every level") for f in frame["family"]]
    if group is not None:
        comparable = {m: c if str(m).endswith(FROM_BASELINE) else several[m] for m, c in followed.items()}  # one distance spans two visits
        frames.append(_between(comparable, group, subject, absent, how))
    frames.append(_within(several, followed, time, subject, group, absent, how))
    used = [f for f in frames if not f.empty]
    frame = pd.concat(used, ignore_index=True) if used else pd.DataFrame(columns=_COLUMNS)
    frame = frame.reindex(columns=_COLUMNS)
    lost = sum(trajectories.record["dropped"].values())
    frame["n_dropped"] = [n + lost + trajectories.record["without_value"].get(m, 0) for n, m in zip(frame["n_dropped"], frame["metric"], strict=True)]
    frame["n_dropped"] = frame["n_dropped"].astype("Int64")
    for column in ("model", "fit", "normality", "spread", "influence"):
        frame[column] = frame[column].astype(object).where(frame[column].notna(), "")
    record = {
        **{k: trajectories.record[k] for k in ("subject", "time", "time_counts", "group", "averaged", "dropped", "without_value")},
        "units": sorted(set(frame["unit"])),
        "absent": absent,
        "checks": {f"{r.metric}: {r.variable}, {r.fit.model}": asdict(r.fit.checks) for r in rows},
        "findings": _findings(frame),
    }
    return Table("group_test", frame, record)


def _courses(part: pd.DataFrame) -> dict[str, _Course]:
    """Gather one metric by subject; a subject whose visits name several groups has none."""
    held: dict[str, list[tuple[str, str, float, float]]] = {}
    for subject, *visit in zip(*(part[c].tolist() for c in ("subject", "group", "sample_id", "time", "value")), strict=True):
        held.setdefault(str(subject), []).append(tuple(visit))
    courses = {}
    for subject, visits in sorted(held.items()):
        named, samples, times, values = zip(*visits, strict=True)
        groups = set(named) - {""}
        n = sum(len(s.split(";")) for s in samples)
        courses[subject] = _Course(groups.pop() if len(groups) == 1 else None, times, values, n)
    return courses


def _usable_group(frame: pd.DataFrame, group: str, absent: dict[str, str]) -> str | None:
    """Return the group's column where it is the subjects' own and there are two groups or more; tell what is left out."""
    held: dict[str, set[str]] = {}
    for owner, named in zip(frame["subject"].tolist(), frame["group"].tolist(), strict=True):
        held.setdefault(str(owner), set()).update({named} - {""})
    several = sum(len(g) > 1 for g in held.values())
    if 2 * several >= max(sum(bool(g) for g in held.values()), 1):
        absent[group] = f"varies within {several} of {count_noun(held, 'subject')}; groups over time must be constant within subjects"
        return None
    if several:
        absent[f"{group}: {count_noun(several, 'subject')}"] = "several groups; left out where groups are compared"
    if len({next(iter(g)) for g in held.values() if len(g) == 1}) < 2:
        absent[group] = "fewer than two groups"
        return None
    return group


def _modelled(
    metric: str, frame: pd.DataFrame, *, subject: str, time: str, group: str | None, courses: Mapping[str, _Course], absent: dict[str, str]
) -> list[Row]:
    """Model value on time, beside the group and crossed with it."""
    part = frame[frame["metric"] == metric]
    ids = tuple(f"{k:09d}" for k in range(len(part)))
    owners = [str(s) for s in part["subject"]]
    columns: dict[str, tuple[str | None, ...]] = {subject: tuple(owners), time: tuple(repr(float(t)) for t in part["time"])}
    when, side = Variable(time), Variable(group) if group is not None else None
    terms = [Term((when,))]
    if group is not None and side is not None:
        columns[group] = tuple(courses[o].group for o in owners)
        terms.append(Term((side,)))
    kinds = {c: "numeric" if c == time else "categorical" for c in columns}
    values = dict(zip(ids, part["value"].astype(float), strict=True))
    made = SampleMetadata(ids, columns, kinds)
    text = "~ " + " + ".join(t.label for t in terms)
    rows = model_rows("every", metric, values, Asked(Formula(text, tuple(terms)), made, subject, time), absent, {})
    if side is not None and rows:
        crossed = Formula(f"{text} + {when.label}:{side.label}", (*terms, Term((when, side))))
        unseen: dict[str, str] = {}
        more = model_rows("every", metric, values, Asked(crossed, made, subject, time), unseen, {})
        if metric in unseen:
            absent[f"{metric}: {time}:{group}"] = unseen[metric]
        rows += [r for r in more if r.variable == crossed.terms[-1].label]
    return rows


def _between(
    followed: Mapping[Any, Mapping[str, _Course]], group: str, subject: str, absent: dict[str, str], how: Procedure
) -> pd.DataFrame:
    """Compare subjects' rates of change (or mean distances from the first sample) between groups."""
    frames = []
    for distances, what in ((False, "rate of change"), (True, "mean distance from the first sample")):
        chosen = {str(m): c for m, c in followed.items() if str(m).endswith(FROM_BASELINE) == distances and c}
        if not chosen:
            continue
        cells = [
            {"sample_id": s, "level": "every", "metric": m, "value": math.fsum(c.values) / len(c.values) if distances else _rate(c)}
            for m, courses in chosen.items()
            for s, c in courses.items()
        ]
        groups = {s: c.group for courses in chosen.values() for s, c in courses.items()}
        made = SampleMetadata(tuple(groups), {group: tuple(groups.values())}, {group: "categorical"})
        table = compare_groups(pd.DataFrame(cells), made, variable=group, treat_as="groups", how=how)
        absent |= {f"{m.removesuffix(' (every)')}: {what}": why for m, why in table.record["absent"].items()}
        frame = table.frame.copy()
        frame["metric"] = [m.removesuffix(" (every)") for m in frame["metric"]]
        frame["unit"] = f"subject ({subject}; {what})"
        frame["test"] = [f"{t} of the {what}" for t in frame["test"]]
        frame["family"] = [f"{f.removesuffix(', every level')}, {what}" for f in frame["family"]]
        frame["part"] = what
        for k, finding in enumerate(table.record["findings"]):
            values = finding["values"]
            named = set(values.get("groups") or (values["group_1"], values["group_2"]))
            courses = chosen[frame["metric"].iloc[k]]
            used = sum(c.n_samples for c in courses.values() if c.group in named)
            frame.loc[k, "n_samples"] = used
            frame.loc[k, "n_dropped"] = sum(c.n_samples for c in courses.values() if c.group in named or c.group is None) - used
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _rate(course: _Course) -> float:
    """Sum of first differences over the sum of their intervals."""
    return (course.values[-1] - course.values[0]) / (course.times[-1] - course.times[0])


def _within(
    several: Mapping[Any, Mapping[str, _Course]],
    followed: Mapping[Any, Mapping[str, _Course]],
    time: str,
    subject: str,
    group: str | None,
    absent: dict[str, str],
    how: Procedure,
) -> pd.DataFrame:
    """Compare the mean of each subject's later values with its first one."""
    ranks = replace(how, test="rank")
    everyone = sorted({c.group for courses in several.values() for c in courses.values() if c.group is not None}) if group is not None else []
    rows: list[dict[str, Any]] = []
    for name, courses in several.items():
        metric = str(name)
        if metric.endswith(FROM_BASELINE):
            continue
        for chosen in [None, *everyone]:
            own = {s: c for s, c in courses.items() if chosen is None or c.group == chosen}
            contrast = "later - first" + (f" in {chosen}" if chosen is not None else "")
            if len(own) < MIN_UNITS:
                absent[f"{metric}: {contrast}"] = f"{count_noun(own, 'subject')} with several times; at least {MIN_UNITS} are needed"
                continue
            later = np.array([math.fsum(c.values[1:]) / (len(c.values) - 1) for c in own.values()])
            first = np.array([c.values[0] for c in own.values()])
            test, effect = pair([later, first], ranks, paired=True)
            concerned = sum(c.n_samples for c in followed[name].values() if chosen is None or c.group == chosen)
            used = sum(c.n_samples for c in own.values())
            rows.append(
                {
                    "metric": metric, "variable": time, "test": f"{test.name} of the mean change", "contrast": contrast,
                    "unit": f"subject ({subject}; mean of its later samples against its first)",
                    "n_1": len(own), "n_2": len(own), "statistic": test.statistic, "df": math.nan, "p": test.p,
                    "permutations": test.permutations, "effect": effect.value, "effect_name": effect.name, "ci_low": effect.low,
                    "ci_high": effect.high, "n_samples": used, "n_dropped": concerned - used, "part": "change within subjects",
                    "median_1": float(np.median(later)), "median_2": float(np.median(first)),
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    for contrast in dict.fromkeys(frame["contrast"]):
        places = frame["contrast"] == contrast
        frame.loc[places, "q"] = false_discovery_control(frame.loc[places, "p"], method="bh")
        frame.loc[places, "family"] = f"{count_noun(int(places.sum()), 'test')} of {contrast} within subjects, one a metric"
    frame["strength"] = ["clear" if q <= ALPHA else "weak" for q in frame["q"]]
    for column in ("n_1", "n_2", "permutations", "n_samples", "n_dropped"):
        frame[column] = frame[column].astype("Int64")
    return frame


def _findings(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One finding a row, named by its part."""
    names = ("variable", "contrast", "p", "q", "n_1", "n_2", "unit", "test", "family", "ci_low", "ci_high", "part", "model")
    findings = []
    for rank, cells in enumerate(frame.to_dict("records")):
        size = float(cells["effect"])
        overall = cells["part"] == "term" or (pd.isna(cells["n_2"]) and cells["part"] != "coefficient")
        direction = "present" if overall else "higher" if size > 0 else "lower" if size < 0 else "none"
        values = {k: None if pd.isna(cells[k]) else cells[k] for k in names}
        findings.append(asdict(Finding("course", cells["metric"], direction, size, cells["effect_name"], cells["strength"], rank, values)))
    return findings
