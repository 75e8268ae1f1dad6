"""Linear and mixed models of alpha diversity by a formula: every term and coefficient tested, with checks of the residuals."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.stats import false_discovery_control

from gutdiv.comparison.fits import WITHIN, Fit, fit_linear, fit_mixed
from gutdiv.comparison.groups import ALPHA
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.grammar.design import Design, build_design
from gutdiv.grammar.formula import Formula, Term, parse_formula
from gutdiv.model.results import TABLES, Finding, Table
from gutdiv.numerics.projection import marginal
from gutdiv.numerics.ranks import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
EXTRA = (
    "part", "df_1", "se", "p_classical", "model", "fit", "n_samples", "n_subjects", "sd_subject", "sd_slope", "sd_residual",
    "normality", "spread", "influence", "strength",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Row:
    """One test of a model before its q is known; `part` is `term` or `coefficient`."""

    level: str
    metric: str
    part: str
    variable: str
    contrast: str
    unit: str
    n: tuple[int, int | None]
    statistic: float
    df_1: float
    df: float
    p: float
    p_classical: float
    effect: float
    effect_name: str
    se: float
    ci: tuple[float, float]
    n_samples: int
    n_dropped: int
    fit: Fit


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be fitted, the same for every metric: the formula and the columns of subject and random slope."""

    formula: Formula
    metadata: SampleMetadata
    subject: str | None = None
    time: str | None = None


def model_alpha(
    alpha: pd.DataFrame, metadata: SampleMetadata, *, formula: str, subject: str | None = None, metrics: Sequence[str] | None = None
) -> Table:
    """Model every alpha metric by a formula.

    Without repeated subjects: least squares with HC3 errors (`gutdiv.comparison.fits.fit_linear`); p of ordinary least squares stands beside
    it, `p_classical`. With repeated subjects: a mixed model with a random intercept by subject (`fit_mixed`). It takes the slope of a
    number that varies within subjects as the same in all of them; for slopes over time see `gutdiv.comparison.longitudinal`.

    Each term that is in no interaction of the formula is tested by F after all others, and every coefficient by t. q is Benjamini &
    Hochberg's over the metrics, for each term and each coefficient on its own.

    Parameters
    ----------
    alpha : DataFrame
        Columns of an `alpha` table; only `sample_id, level, metric, value` are used.
    metadata : SampleMetadata
        Sample metadata.
    formula : str
        As in `~ disease + age * sex`.
    subject : str, optional
        Column that names the subject of each sample.
    metrics : sequence of str, optional
        Metrics to model; default all.

    Returns
    -------
    Table
        Kind `group_test`. Effect: the coefficient, or the partial R squared of a term. A metric that cannot be modelled stands in the
        record, `absent`, with the reason; `checks` holds the numbers behind `normality`, `spread` and `influence`.

    Raises
    ------
    ExpressionError
        Where the formula cannot be understood or names an unknown column.
    InputError
        Where the subject or a metric is unknown.
    UntestableError
        Where no metric can be modelled.
    """
    asked = Asked(parse_formula(formula), metadata, subject)
    asked.formula.check_columns(metadata.columns)
    if subject is not None:
        metadata.column(subject)
        if subject in asked.formula.columns:
            msg = f"the subject {subject!r} is in the formula as well. Leave it out of the formula; the model has a random intercept for it."
            raise InputError(msg)
    known = list(dict.fromkeys(alpha["metric"]))
    unknown = [m for m in metrics or () if m not in known]
    if unknown:
        msg = f"the alpha table has no metric {first_ids(unknown)}. It has: {first_ids(known, limit=12)}."
        raise InputError(msg)
    absent: dict[str, str] = {}
    dropped: dict[str, int] = {}
    rows: list[Row] = []
    for (level, metric), part in alpha[alpha["metric"].isin(metrics or known)].groupby(["level", "metric"], sort=False):
        values = dict(zip(part["sample_id"], part["value"].astype(float), strict=True))
        name = str(metric) if level == "feature" else f"{metric} ({level})"
        rows += model_rows(str(level), name, values, asked, absent, dropped)
    if not rows:
        reasons = "; ".join(f"{m}: {why}" for m, why in list(absent.items())[:3])
        msg = f"formula {formula[:200]!r} can be tested on no metric: {reasons or 'the alpha table is empty'}."
        raise UntestableError(msg)
    frame = lay_out(rows, f"in {formula.strip()}")
    return Table("group_test", frame, {"formula": formula, "subject": subject, **describe(frame, rows, absent, dropped)})


def model_rows(
    level: str, metric: str, values: Mapping[str, float], asked: Asked, absent: dict[str, str], dropped: dict[str, int]
) -> list[Row]:
    """Fit one metric and test the terms; what cannot be is put into `absent`, samples left out are counted in `dropped`."""
    samples, lost = _samples(values, asked)
    for reason, n in lost.items():
        dropped[reason] = max(dropped.get(reason, 0), n)
    if not samples:
        absent[metric] = "no sample has a value in every column used"
        return []
    rows = asked.metadata.select(samples)
    y = np.array([values[s] for s in samples])
    owners = rows.column(asked.subject) if asked.subject is not None else samples
    try:
        design = _design(asked.formula, rows)
        fit = _fit(y, design, samples, [str(o) for o in owners], asked)
    except UntestableError as error:
        absent[metric] = str(error)
        return []
    sizes = len(samples), len(values) - len(samples)
    found = _coefficients(design, fit, [str(o) for o in owners], absent, metric)
    terms = _terms(asked.formula, rows, design, fit, [str(o) for o in owners], absent, metric)
    return [Row(level, metric, *cells, *sizes, fit) for cells in terms + found]


def _samples(values: Mapping[str, float], asked: Asked) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the samples to use, sorted by id, and how many lack what."""
    known = set(asked.metadata.ids)
    inside = tuple(sorted(s for s in values if s in known))
    rows = asked.metadata.select(inside)
    columns = [*asked.formula.columns, *([asked.subject] if asked.subject is not None else [])]
    cells = {c: rows.column(c) for c in dict.fromkeys(columns)}
    lost = {"not in the sample metadata": len(values) - len(inside)}
    lost |= {f"no value of {c}": sum(v is None for v in column) for c, column in cells.items()}
    lost["no value of the metric"] = sum(not math.isfinite(values[s]) for s in inside)
    complete = [s for k, s in enumerate(inside) if math.isfinite(values[s]) and all(c[k] is not None for c in cells.values())]
    return tuple(complete), {reason: n for reason, n in lost.items() if n}


def _design(formula: Formula, rows: SampleMetadata) -> Design:
    """Build the design; what these samples cannot tell apart makes the metric untestable, not the command."""
    try:
        return build_design(formula, rows)
    except InputError as error:
        raise UntestableError(str(error)) from error


def _fit(y: Floats, design: Design, samples: tuple[str, ...], owners: list[str], asked: Asked) -> Fit:
    """Choose the model that fits the units."""
    if float(np.ptp(y)) == 0:
        msg = "the metric does not vary"
        raise UntestableError(msg)
    if asked.subject is not None and len(set(owners)) < len(owners):
        return fit_mixed(y, design, owners, subject=asked.subject, time=asked.time)
    unit = "sample" if asked.subject is None else f"sample (one of each subject of {asked.subject})"
    return fit_linear(y, design, samples, unit=unit)


_Cells = tuple[str, str, str, str, tuple[int, int | None], float, float, float, float, float, float, str, float, tuple[float, float]]


def _terms(
    formula: Formula, rows: SampleMetadata, design: Design, fit: Fit, owners: list[str], absent: dict[str, str], metric: str
) -> list[_Cells]:
    """Test by F each term that no other contains, after all others."""
    tested = []
    for term in formula.terms:
        above = next((o for o in formula.terms if o is not term and o.contains(term)), None)
        if above is None:
            tested.append(term)
        else:
            absent[f"{metric}: term {term.label}"] = f"part of {above.label}; its coefficients are tested at the reference of the other variables"
    found: list[_Cells] = []
    for term in tested:
        hypothesis = _hypothesis(term, formula, rows, design)
        places = range(design.slices[term.label].start, design.slices[term.label].stop)
        weak = [fit.untested[j] for j in places if j in fit.untested]
        if hypothesis.shape[0] == 0 or weak:
            absent[f"{metric}: term {term.label}"] = weak[0] if weak else "has no part of its own beside the other terms"
            continue
        f, p, df = fit.wald(hypothesis)
        plain_f, plain_p, _ = fit.wald(hypothesis, plain=True) if fit.plain is not None else (f, math.nan, df)
        unit = fit.unit[places.start]
        width = hypothesis.shape[0]
        r2 = width * plain_f / (width * plain_f + df)
        n = len(set(owners)) if unit.startswith("subject") else len(owners)
        cells = (unit, (n, None), f, float(width), df, p, plain_p, r2, "partial R squared", math.nan, (math.nan, math.nan))
        found.append(("term", term.label, "whole term", *cells))
    return found


def _hypothesis(term: Term, formula: Formula, rows: SampleMetadata, design: Design) -> Floats:
    """L of L b = 0, the model without the term: directions of the design that are orthogonal to the reduced one, times the design."""
    others = tuple(t for t in formula.terms if t is not term)
    reduced = build_design(Formula(formula.text, others), rows).matrix if others else np.ones((design.matrix.shape[0], 1))
    projection = marginal(design.matrix, [reduced])
    return np.asarray((projection.basis @ projection.directions[0]).T @ design.matrix)


def _coefficients(design: Design, fit: Fit, owners: list[str], absent: dict[str, str], metric: str) -> list[_Cells]:
    """Test each coefficient but the intercept by t."""
    found: list[_Cells] = []
    for label, part in design.slices.items():
        term = next(t for t in design.formula.terms if t.label == label)
        for j in range(part.start, part.stop):
            name = design.names[j]
            if j in fit.untested:
                absent[f"{metric}: {name}"] = fit.untested[j]
                continue
            se = math.sqrt(float(fit.covariance[j, j]))
            t = float(fit.b[j]) / se
            half = float(stats.t.ppf((1 + CONFIDENCE) / 2, fit.df[j])) * se
            ends = (float(fit.b[j]) - half, float(fit.b[j]) + half)
            plain = math.nan
            if fit.plain is not None:
                plain = float(2 * stats.t.sf(abs(float(fit.b[j])) / math.sqrt(float(fit.plain[j, j])), fit.df[j]))
            contrast, n = _contrast(design, term, part, j, owners, by_subject=fit.unit[j].startswith("subject"))
            p = float(2 * stats.t.sf(abs(t), fit.df[j]))
            cells = (fit.unit[j], n, t, math.nan, float(fit.df[j]), p, plain, float(fit.b[j]), "coefficient", se, ends)
            found.append(("coefficient", label, contrast, *cells))
    return found


def _contrast(
    design: Design, term: Term, part: slice, j: int, owners: list[str], *, by_subject: bool
) -> tuple[str, tuple[int, int | None]]:
    """Name a coefficient and count its units: those of a level and of the reference for a factor's own term, else all."""

    def units(which: npt.NDArray[np.bool_]) -> int:
        return len({o for o, yes in zip(owners, which, strict=True) if yes}) if by_subject else int(which.sum())

    column = design.matrix[:, j]
    everyone = units(np.ones(column.size, dtype=bool))
    if len(term.variables) > 1:
        return design.names[j], (everyone, None)
    at = column == 1.0
    reference = np.all(design.matrix[:, part] == 0.0, axis=1)
    levels = design.levels[term.variables[0]]
    if not levels:
        return f"per {term.label}", (everyone, None)
    return f"{design.names[j].removeprefix(term.label)} - {levels[0]}", (units(at), units(reference))


def lay_out(rows: list[Row], where: str) -> pd.DataFrame:
    """Lay out the table; q over the metrics of one level for each term and each coefficient, `where` telling in the family of what."""
    q = np.full(len(rows), np.nan)
    families = [""] * len(rows)
    keys = [(r.part, r.variable, r.contrast, r.level) for r in rows]
    for key in dict.fromkeys(keys):
        places = [k for k, other in enumerate(keys) if other == key]
        q[places] = false_discovery_control([rows[k].p for k in places], method="bh")
        what = f"term {key[1]}" if key[0] == "term" else f"coefficient {key[2]}" + ("" if ":" in key[2] else f" ({key[1]})")
        for k in places:
            families[k] = f"{count_noun(places, 'test')} of {what} {where}, one a metric, {key[3]} level"
    content: dict[str, Any] = {
        "metric": [r.metric for r in rows],
        "variable": [r.variable for r in rows],
        "test": [f"{'F' if r.part == 'term' else 't'}, {r.fit.model}" for r in rows],
        "unit": [r.unit for r in rows],
        "contrast": [r.contrast for r in rows],
        "n_1": pd.array([r.n[0] for r in rows], dtype="Int64"),
        "n_2": pd.array([pd.NA if r.n[1] is None else r.n[1] for r in rows], dtype="Int64"),
        "permutations": pd.array([pd.NA] * len(rows), dtype="Int64"),
        "q": q,
        "family": families,
        "ci_low": [r.ci[0] for r in rows],
        "ci_high": [r.ci[1] for r in rows],
        "model": [r.fit.model for r in rows],
        "fit": [r.fit.state for r in rows],
        "n_subjects": pd.array([pd.NA if r.fit.n_subjects is None else r.fit.n_subjects for r in rows], dtype="Int64"),
        "sd_subject": [r.fit.deviations[0] for r in rows],
        "sd_slope": [r.fit.deviations[1] for r in rows],
        "sd_residual": [r.fit.residual for r in rows],
        "strength": ["clear" if v <= ALPHA else "weak" for v in q],
    }
    content |= {c: [getattr(r, c) for r in rows] for c in ("part", "statistic", "df_1", "df", "p", "p_classical", "effect", "effect_name", "se")}
    content |= {c: pd.array([getattr(r, c) for r in rows], dtype="Int64") for c in ("n_samples", "n_dropped")}
    content |= {c: [getattr(r.fit.checks, c) for r in rows] for c in ("normality", "spread", "influence")}
    return pd.DataFrame(content)[[*TABLES["group_test"], *EXTRA]]


def describe(frame: pd.DataFrame, rows: list[Row], absent: Mapping[str, str], dropped: Mapping[str, int]) -> dict[str, Any]:
    """Say what the table shows, what was left out, and the numbers behind the checks of each metric."""
    names = ("variable", "contrast", "p", "q", "n_1", "n_2", "unit", "test", "family", "ci_low", "ci_high", "part", "model", "fit")
    findings = []
    for rank, cells in enumerate(frame.to_dict("records")):
        size, term = float(cells["effect"]), cells["part"] == "term"
        direction = "present" if term else "higher" if size > 0 else "lower" if size < 0 else "none"
        values = {k: None if pd.isna(cells[k]) else cells[k] for k in names}
        what = "model_term" if term else "model_coefficient"
        findings.append(asdict(Finding(what, cells["metric"], direction, size, cells["effect_name"], cells["strength"], rank, values)))
    checks = {f"{r.metric}: {r.fit.model}": asdict(r.fit.checks) for r in rows}
    inside = sorted({r.variable for r in rows if r.unit.startswith(WITHIN)})
    alike = f"{first_ids(inside)} varies within subjects, and is taken to go along with the metrics alike in all of them"
    return {
        "notes": [f"{alike}. Over time `comparison longitudinal` lets subjects differ."] if inside else [],
        "units": sorted({r.unit for r in rows}),
        "dropped": dict(dropped),
        "absent": dict(absent),
        "checks": checks,
        "findings": findings,
    }
