"""Alpha diversity between groups and along numbers: tests on the right unit, effect sizes, q over stated families."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from gutdiv.comparison.contrasts import Procedure, contrast, correlate
from gutdiv.comparison.units import MIN_UNITS, Design, design_units, level_means, subject_means
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.model.results import TABLES, Finding, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.numerics.ranks import Effect, Outcome

TREAT_AS = ("auto", "groups", "numbers")
ALPHA = 0.05
MAX_LEVELS = 20  # beyond, only the overall test: a column of ids would ask for thousands of pairs
_EXTRA = ("median_1", "median_2", "n_samples", "strength", "transform")


@dataclass(frozen=True, eq=False)
class _Row:
    """One test before its q is known."""

    kind: str
    level: str
    metric: str
    contrast: str
    groups: tuple[str, ...]
    unit: str
    test: Outcome
    effect: Effect
    n_1: int
    n_2: int | None
    medians: tuple[float, float]
    n_samples: int
    n_dropped: int
    transform: str


def compare_groups(
    alpha: pd.DataFrame,
    metadata: SampleMetadata,
    *,
    variable: str,
    subject: str | None = None,
    treat_as: str = "auto",
    baseline: str | None = None,
    how: Procedure | None = None,
) -> Table:
    """Compare every alpha metric between the groups of a variable, or correlate it with a numeric variable.

    Groups: Kruskal-Wallis over all groups (three or more) and Wilcoxon rank-sum for each pair, with Cliff's delta; within subjects
    Friedman over complete subjects and Wilcoxon signed-rank for each pair of levels. Numbers: Spearman's rho. q is Benjamini & Hochberg's
    over the family that its row names. Where subjects repeat, a subject is the unit: groups are compared within subjects where at least
    half of the subjects concerned hold them all, else between the subjects that hold one of them; each row names its unit.

    p of a rank test is exact where R's is (`gutdiv.numerics.ranks`). Where it would be an approximation and the smallest group has fewer
    than 10 units (pairs that differ, complete subjects), it is found by permutation of the same statistic instead: over all arrangements
    where they can be listed, else over `how.permutations` random ones; the column `permutations` holds their number.

    Parameters
    ----------
    alpha : DataFrame
        Columns of an `alpha` table; only `sample_id, level, metric, value` are used.
    metadata : SampleMetadata
        Sample metadata.
    variable : str
        Column to compare along.
    subject : str, optional
        Column that names the subject of each sample; where subjects repeat no sample counts as independent.
    treat_as : str
        `groups`, `numbers`, or `auto`: numbers where the column is numeric with more than two values.
    baseline : str, optional
        The group that the others are compared with: second in each contrast. Without it pairs stand in the order of their names.
    how : Procedure, optional
        Rank tests or Welch's t, transforms of metrics, permutations; default: rank tests, 9,999 permutations where units are few.

    Returns
    -------
    Table
        Kind `group_test`. In a contrast `a - b` a positive effect means that a is higher. A metric of another level than features is
        named with it, `shannon (genus)`. What was not tested stands in the record, `absent`, with the reason.

    Raises
    ------
    InputError
        Where a column, the baseline or the metric of a transform is unknown, a categorical column is to be taken as numbers, or numbers
        are to be compared by Welch's t.
    """
    how = how or Procedure()
    if treat_as not in TREAT_AS:
        msg = f"treat_as {treat_as!r} is unknown; {', '.join(TREAT_AS)} are known."
        raise InputError(msg)
    samples = sorted(set(alpha["sample_id"]))
    numeric = _is_numeric(metadata, variable, treat_as)
    _check_testing(how, alpha, variable, numeric=numeric)
    design = design_units(samples, metadata, variable, subject=subject, numeric=numeric)
    if baseline is not None and (numeric or baseline not in design.levels):
        known = "none: the column is taken as numbers" if numeric else first_ids(design.levels, limit=12)
        msg = f"the baseline {baseline!r} is no group of column {variable!r}. Known groups: {known}."
        raise InputError(msg)
    absent: dict[str, str] = {}
    rows: list[_Row] = []
    for (level, metric), part in alpha.groupby(["level", "metric"], sort=False):
        values = dict(zip(part["sample_id"], part["value"].astype(float), strict=True))
        name = str(metric) if level == "feature" else f"{metric} ({level})"
        if not any(math.isfinite(v) for v in values.values()):
            absent[name] = "no sample has a value"
        elif numeric:
            rows += _correlation(str(level), name, how.transform(str(metric), values), design, absent, how, how.shown(str(metric)))
        else:
            raised = how.transform(str(metric), values)
            rows += _groups(str(level), name, values, design, absent, baseline, how, raised, how.shown(str(metric)))
    frame = _frame(rows, design)
    record = {
        "variable": variable,
        "subject": subject,
        "units": sorted({r.unit for r in rows}),
        "baseline": baseline,
        "transforms": dict(how.transforms),
        "groups": {} if numeric else {g: sum(v == g for v in design.labels.values()) for g in design.levels},  # samples
        "dropped": dict(design.dropped),
        "absent": absent,
        "findings": _findings(frame, rows),
    }
    return Table("group_test", frame, record)


def _is_numeric(metadata: SampleMetadata, variable: str, treat_as: str) -> bool:
    """Decide whether a column is taken as numbers."""
    cells = {c for c in metadata.column(variable) if c is not None}
    if treat_as == "numbers":
        metadata.numeric(variable)
        return True
    return treat_as == "auto" and metadata.kinds[variable] == "numeric" and len({float(c) for c in cells}) > 2


def _check_testing(how: Procedure, alpha: pd.DataFrame, variable: str, *, numeric: bool) -> None:
    """Refuse tests and transforms that do not fit."""
    if numeric and how.test == "welch":
        msg = f"Welch's t compares groups, and column {variable!r} is taken as numbers. Take it as groups, or use rank tests."
        raise InputError(msg)
    known = list(dict.fromkeys(alpha["metric"]))
    unknown = [m for m in how.transforms if m not in known]
    if unknown:
        msg = f"a transform names {count_noun(unknown, 'metric')} that the alpha table lacks: {first_ids(unknown)}. It has: {first_ids(known, limit=12)}."
        raise InputError(msg)


def _correlation(
    level: str, metric: str, values: Mapping[str, float], design: Design, absent: dict[str, str], how: Procedure, transform: str
) -> list[_Row]:
    """Correlate a metric with a number over units."""
    x, y, used = subject_means(values, design)
    if x.size < MIN_UNITS + 1:
        absent[metric] = f"{count_noun(int(x.size), 'unit')} with a value; at least {MIN_UNITS + 1} are needed"
        return []
    test, effect = correlate(x, y, how)
    if math.isnan(test.p):
        absent[metric] = f"{design.variable if np.ptp(x) == 0 else metric} does not vary"
        return []
    counts = (int(x.size), None, (float(np.median(y)), math.nan), used, len(values) - used)
    return [_Row("numbers", level, metric, f"per {design.variable}", (), design.unit, test, effect, *counts, transform)]


def _groups(
    level: str,
    metric: str,
    values: Mapping[str, float],
    design: Design,
    absent: dict[str, str],
    baseline: str | None,
    how: Procedure,
    raised: Mapping[str, float],
    transform: str,
) -> list[_Row]:
    """Compare a metric (`raised`: after its transform) over all groups and between each two."""
    plain, means = level_means(values, design), level_means(raised, design)
    for group in design.levels:
        n = len(means.get(group, {}))
        if n < MIN_UNITS:
            absent[f"{metric}: {group}"] = f"{count_noun(n, 'unit')} with a value; at least {MIN_UNITS} are needed"
    tested = [g for g in means if len(means[g]) >= MIN_UNITS]
    if baseline in tested:
        tested = [*(g for g in tested if g != baseline), str(baseline)]
    if len(tested) < 2:
        absent[metric] = f"fewer than two groups of {design.variable} have {MIN_UNITS} units"
        return []
    contrasts = [tested] if len(tested) > 2 else []
    if contrasts and how.test == "welch":
        absent[f"{metric}: overall"] = "Welch's t compares two groups; see the pairs"
        contrasts = []
    if len(tested) <= MAX_LEVELS:
        contrasts += [list(pair) for pair in itertools.combinations(tested, 2)]
    else:
        absent[f"{metric}: pairs"] = f"{len(tested)} groups; pairs are compared up to {MAX_LEVELS}"
    rows = []
    for groups in contrasts:
        found = contrast(groups, means, plain, design, how)
        kind = "pair" if len(groups) == 2 else "overall"
        name = " - ".join(groups) if kind == "pair" else ", ".join(groups)
        if isinstance(found, str):
            absent[f"{metric}: {name if kind == 'pair' else 'overall'}"] = found
            continue
        concerned = [s for s in values if s not in design.labels or design.labels[s] in groups]
        used = [s for s in concerned if s in design.labels and design.owners[s] in found.owners and math.isfinite(values[s])]
        counts = (found.n_1, found.n_2, found.medians, len(used), len(concerned) - len(used))
        rows.append(_Row(kind, level, metric, name, tuple(groups), found.unit, found.test, found.effect, *counts, transform))
    return rows


_FAMILY = {"overall": "overall test{}", "pair": "test{} of pairs of groups", "numbers": "correlation{}"}


def _frame(rows: list[_Row], design: Design) -> pd.DataFrame:
    """Lay out the table with q by family: overall tests over metrics, pairs over metrics and pairs, each within one taxonomic level."""
    q = np.full(len(rows), np.nan)
    families = [""] * len(rows)
    for kind, level in dict.fromkeys((r.kind, r.level) for r in rows):
        places = [k for k, r in enumerate(rows) if (r.kind, r.level) == (kind, level)]
        q[places] = false_discovery_control([rows[k].test.p for k in places], method="bh")
        metrics = count_noun(len({rows[k].metric for k in places}), "metric")
        for k in places:
            families[k] = f"{len(places)} {_FAMILY[kind].format('s' * (len(places) > 1))} of {metrics} by {design.variable}, {level} level"
    content: dict[str, Any] = {
        "metric": [r.metric for r in rows],
        "variable": [design.variable] * len(rows),
        "test": [r.test.name for r in rows],
        "unit": [r.unit for r in rows],
        "contrast": [r.contrast for r in rows],
        "n_1": pd.array([r.n_1 for r in rows], dtype="Int64"),
        "n_2": pd.array([pd.NA if r.n_2 is None else r.n_2 for r in rows], dtype="Int64"),
        "statistic": [r.test.statistic for r in rows],
        "df": [float(r.test.df) for r in rows],
        "p": [r.test.p for r in rows],
        "permutations": pd.array([pd.NA if r.test.permutations is None else r.test.permutations for r in rows], dtype="Int64"),
        "q": q,
        "family": families,
        "effect": [r.effect.value for r in rows],
        "effect_name": [f"{r.effect.name} of {r.transform}" if r.transform and "means" in r.effect.name else r.effect.name for r in rows],
        "ci_low": [r.effect.low for r in rows],
        "ci_high": [r.effect.high for r in rows],
        "n_dropped": pd.array([r.n_dropped for r in rows], dtype="Int64"),
        "median_1": [r.medians[0] for r in rows],
        "median_2": [r.medians[1] for r in rows],
        "n_samples": pd.array([r.n_samples for r in rows], dtype="Int64"),
        "strength": ["clear" if v <= ALPHA else "weak" for v in q],
        "transform": [r.transform for r in rows],
    }
    return pd.DataFrame(content)[[*TABLES["group_test"], *_EXTRA]]


def _findings(frame: pd.DataFrame, rows: list[_Row]) -> list[dict[str, Any]]:
    """One finding a row: `group_difference` for the test that answers for its metric, `pair_difference` for pairs out of more groups."""
    pairs = Counter(r.metric for r in rows if r.kind == "pair")
    names = ["p", "q", "n_1", "n_2", "contrast", "effect_name", "ci_low", "ci_high", "median_1", "median_2"]
    names += ["variable", "test", "unit", "family"]
    findings: list[dict[str, Any]] = []
    for r, cells in zip(rows, frame.to_dict("records"), strict=True):
        one_of_several = r.kind == "pair" and (pairs[r.metric] > 1 or any(o.kind == "overall" and o.metric == r.metric for o in rows))
        values: dict[str, Any] = {k: None if pd.isna(cells[k]) else cells[k] for k in names}
        if r.kind == "pair":
            values |= {"group_1": r.groups[0], "group_2": r.groups[1]}
        elif r.kind == "overall":
            values |= {"groups": list(r.groups)}
        direction = "present" if r.kind == "overall" else "none" if r.effect.value == 0 else "higher" if r.effect.value > 0 else "lower"
        what = "pair_difference" if one_of_several else "group_difference"
        findings.append(asdict(Finding(what, r.metric, direction, r.effect.value, r.effect.name, cells["strength"], len(findings), values)))
    return findings
