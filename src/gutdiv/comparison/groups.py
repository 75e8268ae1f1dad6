"""Alpha diversity between groups and along numbers: rank tests on the right unit, effect sizes, q over stated families."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from gutdiv.comparison.units import MIN_UNITS, Design, design_units, level_means, subject_means
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.model.results import TABLES, Finding, Table
from gutdiv.numerics.ranks import Effect, RankTest, cliffs_delta, friedman, kruskal_wallis, paired_delta, rank_sum, signed_rank, spearman

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
TREAT_AS = ("auto", "groups", "numbers")
ALPHA = 0.05
MAX_LEVELS = 20  # beyond, only the overall test: a column of ids would ask for thousands of pairs
_EXTRA = ("median_1", "median_2", "n_samples", "strength")


@dataclass(frozen=True, eq=False)
class _Row:
    """One test before its q is known."""

    kind: str
    level: str
    metric: str
    contrast: str
    groups: tuple[str, ...]
    unit: str
    test: RankTest
    effect: Effect
    n_1: int
    n_2: int | None
    medians: tuple[float, float]
    n_samples: int
    n_dropped: int


@dataclass(frozen=True, eq=False)
class _Found:
    """What one contrast gave."""

    unit: str
    owners: frozenset[str]
    test: RankTest
    effect: Effect
    n_1: int
    n_2: int | None
    medians: tuple[float, float]


def compare_groups(
    alpha: pd.DataFrame,
    metadata: SampleMetadata,
    *,
    variable: str,
    subject: str | None = None,
    treat_as: str = "auto",
    baseline: str | None = None,
) -> Table:
    """Compare every alpha metric between the groups of a variable, or correlate it with a numeric variable.

    Groups: Kruskal-Wallis over all groups (three or more) and Wilcoxon rank-sum for each pair, with Cliff's delta; within subjects
    Friedman over complete subjects and Wilcoxon signed-rank for each pair of levels. Numbers: Spearman's rho. q is Benjamini & Hochberg's
    over the family that its row names. Where subjects repeat, a subject is the unit: groups are compared within subjects where at least
    half of the subjects concerned hold them all, else between the subjects that hold one of them; each row names its unit.

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

    Returns
    -------
    Table
        Kind `group_test`. In a contrast `a - b` a positive effect means that a is higher. A metric of another level than features is
        named with it, `shannon (genus)`. What was not tested stands in the record, `absent`, with the reason.

    Raises
    ------
    InputError
        Where a column or the baseline is unknown, or a categorical column is to be taken as numbers.
    """
    if treat_as not in TREAT_AS:
        msg = f"treat_as {treat_as!r} is unknown; {', '.join(TREAT_AS)} are known."
        raise InputError(msg)
    samples = sorted(set(alpha["sample_id"]))
    numeric = _is_numeric(metadata, variable, treat_as)
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
            rows += _correlation(str(level), name, values, design, absent)
        else:
            rows += _groups(str(level), name, values, design, absent, baseline)
    frame = _frame(rows, design)
    record = {
        "variable": variable,
        "subject": subject,
        "units": sorted({r.unit for r in rows}),
        "baseline": baseline,
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


def _correlation(level: str, metric: str, values: Mapping[str, float], design: Design, absent: dict[str, str]) -> list[_Row]:
    """Correlate a metric with a number over units."""
    x, y, used = subject_means(values, design)
    if x.size < MIN_UNITS + 1:
        absent[metric] = f"{count_noun(int(x.size), 'unit')} with a value; at least {MIN_UNITS + 1} are needed"
        return []
    test, effect = spearman(x, y)
    if math.isnan(test.p):
        absent[metric] = f"{design.variable if np.ptp(x) == 0 else metric} does not vary"
        return []
    counts = (int(x.size), None, (float(np.median(y)), math.nan), used, len(values) - used)
    return [_Row("numbers", level, metric, f"per {design.variable}", (), design.unit, test, effect, *counts)]


def _groups(
    level: str, metric: str, values: Mapping[str, float], design: Design, absent: dict[str, str], baseline: str | None
) -> list[_Row]:
    """Compare a metric over all groups and between each two."""
    means = level_means(values, design)
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
    if len(tested) <= MAX_LEVELS:
        contrasts += [list(pair) for pair in itertools.combinations(tested, 2)]
    else:
        absent[f"{metric}: pairs"] = f"{len(tested)} groups; pairs are compared up to {MAX_LEVELS}"
    rows = []
    for groups in contrasts:
        found = _contrast(groups, means, design)
        kind = "pair" if len(groups) == 2 else "overall"
        name = " - ".join(groups) if kind == "pair" else ", ".join(groups)
        if isinstance(found, str):
            absent[f"{metric}: {name if kind == 'pair' else 'overall'}"] = found
            continue
        concerned = [s for s in values if s not in design.labels or design.labels[s] in groups]
        used = [s for s in concerned if s in design.labels and design.owners[s] in found.owners and math.isfinite(values[s])]
        counts = (found.n_1, found.n_2, found.medians, len(used), len(concerned) - len(used))
        rows.append(_Row(kind, level, metric, name, tuple(groups), found.unit, found.test, found.effect, *counts))
    return rows


def _contrast(groups: list[str], means: Mapping[str, Mapping[str, float]], design: Design) -> _Found | str:
    """Compare two groups or more on the unit that fits them, or say why they cannot be compared."""
    how = design.compare(groups)
    if how is None:
        return "most subjects hold several of the groups, but not all of them; compared by pairs only"
    counted = [{o: v for o, v in means[g].items() if o in how.owners} for g in groups]
    if how.paired:
        complete = sorted(set.intersection(*(set(c) for c in counted)))
        if len(complete) < MIN_UNITS:
            return f"{count_noun(complete, 'subject')} with a value in every group; at least {MIN_UNITS} are needed"
        values = [np.array([c[o] for o in complete]) for c in counted]
        owners, sizes = frozenset(complete), [len(complete)] * len(groups)
    else:
        small = [g for g, c in zip(groups, counted, strict=True) if len(c) < MIN_UNITS]
        if small:
            return f"fewer than {MIN_UNITS} subjects hold only {first_ids(small)} of these groups"
        values = [np.array(list(c.values())) for c in counted]
        owners, sizes = frozenset(o for c in counted for o in c), [len(c) for c in counted]
    if len(groups) > 2:
        test, effect = friedman(np.stack(values, axis=1)) if how.paired else kruskal_wallis(values)
        n_1 = sizes[0] if how.paired else sum(sizes)
        return _Found(how.unit, owners, test, effect, n_1, None, (math.nan, math.nan))
    x, y = values
    test, effect = (signed_rank(x, y), paired_delta(x, y)) if how.paired else (rank_sum(x, y), cliffs_delta(x, y))
    return _Found(how.unit, owners, test, effect, sizes[0], sizes[1], (float(np.median(x)), float(np.median(y))))


_FAMILY = {"overall": "overall tests", "pair": "tests of pairs of groups", "numbers": "correlations"}


def _frame(rows: list[_Row], design: Design) -> pd.DataFrame:
    """Lay out the table with q by family: overall tests over metrics, pairs over metrics and pairs, each within one taxonomic level."""
    q = np.full(len(rows), np.nan)
    families = [""] * len(rows)
    for kind, level in dict.fromkeys((r.kind, r.level) for r in rows):
        places = [k for k, r in enumerate(rows) if (r.kind, r.level) == (kind, level)]
        q[places] = false_discovery_control([rows[k].test.p for k in places], method="bh")
        metrics = count_noun(len({rows[k].metric for k in places}), "metric")
        for k in places:
            families[k] = f"{len(places)} {_FAMILY[kind]} of {metrics} by {design.variable}, {level} level"
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
        "permutations": pd.array([pd.NA] * len(rows), dtype="Int64"),
        "q": q,
        "family": families,
        "effect": [r.effect.value for r in rows],
        "effect_name": [r.effect.name for r in rows],
        "ci_low": [r.effect.low for r in rows],
        "ci_high": [r.effect.high for r in rows],
        "n_dropped": pd.array([r.n_dropped for r in rows], dtype="Int64"),
        "median_1": [r.medians[0] for r in rows],
        "median_2": [r.medians[1] for r in rows],
        "n_samples": pd.array([r.n_samples for r in rows], dtype="Int64"),
        "strength": ["clear" if v <= ALPHA else "weak" for v in q],
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
