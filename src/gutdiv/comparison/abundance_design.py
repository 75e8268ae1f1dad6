"""From a cohort and a formula to the regression of every taxon: samples in use, contrasts, covariates, and the unit of analysis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.comparison.abundance_fit import Plan
from gutdiv.comparison.scheme import UntestableError, codes
from gutdiv.comparison.units import MIN_UNITS
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.grammar.design import build_design
from gutdiv.grammar.formula import Formula, Variable, parse_formula
from gutdiv.numerics.effort import subject_means

if TYPE_CHECKING:
    import numpy.typing as npt

    from gutdiv.model.cohort import Cohort, SampleMetadata

MIN_READS = 1_000  # shallower samples hold too few taxa for their effort to be told
MIN_FREEDOM = 10
MAX_LEVELS = 20  # a column of ids would ask for thousands of contrasts


@dataclass(frozen=True, eq=False)
class AbundanceDesign:
    """What is compared, and by which regression.

    Parameters
    ----------
    variable : str
        The tested column.
    formula : str
        As parsed.
    rows : (n,) int
        Places of the samples in the cohort.
    plan : Plan
        The regression.
    levels : tuple of str
        Groups, the baseline first; none for a number.
    contrasts : tuple of str
        One for each tested column: `CD - control`, `per age`.
    unit : str
        Unit of analysis, in words.
    dropped : dict of str to int
        Samples that are not used, by reason.
    notes : tuple of str
        What was decided.
    """

    variable: str
    formula: str
    rows: npt.NDArray[np.int64]
    plan: Plan
    levels: tuple[str, ...]
    contrasts: tuple[str, ...]
    unit: str
    dropped: dict[str, int]
    notes: tuple[str, ...]


def design_abundance(
    cohort: Cohort, *, formula: str | None, variable: str | None, subject: str | None, baseline: str | None
) -> AbundanceDesign:
    """Choose samples, build the design matrix, and decide what one observation is.

    Samples with fewer than 1,000 reads, without the subject, or with a missing cell in a column of the formula are dropped and counted, and so
    are those of groups with fewer than three samples or subjects. Where subjects repeat and everything in the formula is constant within
    them, a subject's samples are averaged; else subjects are left out one at a time.

    Raises
    ------
    InputError
        Where a column or the baseline is unknown, the variable is not a term of its own or stands in an interaction, or the formula
        leaves fewer than ten degrees of freedom.
    UntestableError
        Where fewer than two groups can be compared.
    """
    parsed, tested = _tested(cohort, formula, variable)
    metadata = cohort.metadata
    parsed.check_columns(metadata.columns)
    kept = np.ones(len(cohort.sample_ids), dtype=bool)
    dropped: dict[str, int] = {}

    def drop(wrong: npt.NDArray[np.bool_], reason: str) -> None:
        count = int((kept & wrong).sum())
        if count:
            dropped[reason] = count
        kept[wrong] = False

    drop(cohort.depth < MIN_READS, f"fewer than {MIN_READS} reads")
    for name, what in (*((c, c) for c in parsed.columns), *(((subject, f"subject {subject}"),) if subject else ())):
        drop(np.array([c is None for c in metadata.column(name)], dtype=bool), f"no value of {what}")
    numeric = metadata.kinds[tested.column] == "numeric" and not tested.categorical
    # as in the tests of alpha diversity, a number of two values tells two groups
    numeric = numeric and len({float(str(c)) for c in metadata.column(tested.column) if c is not None}) > 2
    names, level = ((), None) if numeric else _levels(metadata, tested.column, kept)
    if level is not None:
        who = np.arange(kept.size) if subject is None else _numbered(metadata, subject)
        for k, name in enumerate(names):
            size = np.unique(who[kept & (level == k)]).size
            if 0 < size < MIN_UNITS:
                drop(level == k, f"group {name} has fewer than {MIN_UNITS} {'samples' if subject is None else 'subjects'}")
    rows = np.flatnonzero(kept)
    levels: tuple[str, ...] = ()
    if level is not None:
        left = sorted(set(level[rows].tolist()))
        if baseline is not None and baseline not in names:
            msg = f"the baseline {baseline!r} is no group of column {tested.column!r}. Known groups: {first_ids(names, limit=12)}."
            raise UntestableError(msg)
        if len(left) < 2 or (baseline is not None and names.index(baseline) not in left):
            sizes = "; ".join(f"{v} samples: {k}" for k, v in dropped.items()) or "nothing was dropped"
            msg = f"fewer than two groups of {tested.column!r}, or not the baseline, have {MIN_UNITS} samples or subjects ({sizes})."
            raise UntestableError(msg)
        if len(left) > MAX_LEVELS:
            msg = f"column {tested.column!r} has {len(left)} groups; abundance is compared up to {MAX_LEVELS}. Name a column with fewer."
            raise UntestableError(msg)
        if baseline is not None:
            left = [names.index(baseline), *(k for k in left if names[k] != baseline)]
        levels = tuple(names[k] for k in left)
        place = {k: i for i, k in enumerate(left)}
        level = np.array([place[k] for k in level[rows].tolist()], dtype=np.int64)
    elif baseline is not None:
        msg = f"a baseline was given, but {tested.column!r} is taken as numbers. Write C({tested.label}) to take it as groups."
        raise UntestableError(msg)
    if rows.size == 0:
        msg = f"no sample can be used ({'; '.join(f'{v}: {k}' for k, v in dropped.items())})."
        raise UntestableError(msg)
    chosen = metadata.select(tuple(cohort.sample_ids[i] for i in rows))
    matrix, span = _matrix(parsed, tested, chosen, level)
    return _with_unit(AbundanceDesign(
        tested.column, parsed.text, rows, Plan(matrix, span, None, means=False, rows=matrix, level=level), levels,
        tuple(f"{a} - {levels[0]}" for a in levels[1:]) if level is not None else (f"per {tested.column}",), "sample", dropped, (),
    ), chosen, subject)  # fmt: skip


def _tested(cohort: Cohort, formula: str | None, variable: str | None) -> tuple[Formula, Variable]:
    """Parse the formula and find the variable in it."""
    name = variable or (cohort.roles.group if formula is None else None)
    if formula is None:
        if name is None:
            msg = "nothing to compare along: the cohort names no group. Give --formula or --variable."
            raise InputError(msg)
        cohort.metadata.column(name)
        formula = f"~ {Variable(name).label}"
    parsed = parse_formula(formula)
    tested = parsed.variables[0] if name is None else next((v for v in parsed.variables if v.column == name), None)
    if tested is None or not any(t.variables == (tested,) for t in parsed.terms):
        msg = f"the variable {name or parsed.columns[0]!r} is no term of the formula {parsed.text[:200]!r}. Add it, or name another --variable."
        raise UntestableError(msg)
    if sum(tested in t.variables for t in parsed.terms) > 1:
        msg = (
            f"{tested.label} stands in an interaction of the formula {parsed.text[:200]!r}, so that it has no effect of its own to test. "
            "Leave the interaction out, or test within parts of the cohort."
        )
        raise UntestableError(msg)
    return parsed, tested


def _levels(metadata: SampleMetadata, column: str, kept: npt.NDArray[np.bool_]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Names of the groups, in the order of their characters or numbers, and the group of each sample, -1 where it is not used."""
    cells = metadata.column(column)
    numbers = metadata.kinds[column] == "numeric"  # as groups 1 and 1.0 are one
    labels = [f"{float(str(c)):.15g}" if numbers else str(c) for c, k in zip(cells, kept, strict=True) if k]
    names = tuple(sorted(set(labels), key=float) if numbers else sorted(set(labels)))
    place = {name: i for i, name in enumerate(names)}
    level = np.full(len(cells), -1, dtype=np.int64)
    level[kept] = [place[v] for v in labels]
    return names, level


def _numbered(metadata: SampleMetadata, subject: str) -> npt.NDArray[np.int64]:
    """Number the subjects; samples without one get a number that is not used."""
    place: dict[str | None, int] = {}
    return np.array([place.setdefault(c, len(place)) for c in metadata.column(subject)], dtype=np.int64)


def _matrix(
    parsed: Formula, tested: Variable, chosen: SampleMetadata, level: npt.NDArray[np.int64] | None
) -> tuple[npt.NDArray[np.float64], slice]:
    """Design matrix with the tested columns last: indicators of each group but the baseline, or the number as it is."""
    design = build_design(parsed, chosen)
    here = design.slices[next(t.label for t in parsed.terms if t.variables == (tested,))]
    others = np.delete(design.matrix, np.arange(design.matrix.shape[1])[here], axis=1)
    own = design.matrix[:, here]
    if level is not None:
        own = (level[:, None] == np.arange(1, level.max() + 1)).astype(np.float64)
    matrix = np.column_stack([others, own])
    if np.linalg.matrix_rank(matrix / np.sqrt((matrix**2).sum(axis=0))) < matrix.shape[1]:
        msg = f"the other terms of the formula {parsed.text[:200]!r} determine {tested.label} in part, so that its effect cannot be told. Leave them out."
        raise UntestableError(msg)
    return matrix, slice(others.shape[1], matrix.shape[1])


def _with_unit(design: AbundanceDesign, chosen: SampleMetadata, subject: str | None) -> AbundanceDesign:
    """Decide how repeated subjects count, and check that enough degrees of freedom are left."""
    plan = design.plan
    subjects = None if subject is None else codes(chosen, subject).astype(np.int64)
    unit = "sample" if subject is None else f"sample (one of each subject of {subject})"
    notes: list[str] = []
    if subjects is not None and subjects.max() + 1 < subjects.size:
        averaged = subject_means(plan.rows, subjects)
        if np.allclose(plan.rows, averaged[subjects], atol=1e-9):
            plan = replace(plan, matrix=averaged, subjects=subjects, means=True)
            unit = f"subject ({subject}; mean of its samples)"
        else:
            plan = replace(plan, subjects=subjects)
            unit = f"subject ({subject}; standard errors by leaving out one subject at a time)"
            notes.append("the formula varies within subjects; ANCOM-BC2 takes one value a subject and was not run")
    units = plan.matrix.shape[0] if plan.clusters is None else int(plan.clusters.max()) + 1
    freedom = units - plan.matrix.shape[1]
    if freedom < MIN_FREEDOM:
        msg = (
            f"{count_noun(units, 'sample' if plan.subjects is None else 'subject')} and {plan.matrix.shape[1]} columns of the formula leave "
            f"{freedom} degrees of freedom; {MIN_FREEDOM} are needed. Name fewer covariates, or covariates with fewer groups and missing cells."
        )
        raise UntestableError(msg)
    return replace(design, plan=plan, unit=unit, notes=tuple(notes))
