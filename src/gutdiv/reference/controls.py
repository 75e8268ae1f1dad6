"""Who the controls are: the samples that an expression selects, one for each subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gutdiv.errors import InputError
from gutdiv.grammar.expression import parse_expression
from gutdiv.model.results import Controls

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort


def subjects_of(cohort: Cohort, subject: str | None = None) -> dict[str, str]:
    """Return the subject of every sample; a sample without one (or a cohort without a subject column) is its own.

    Subjects and samples cannot be taken for each other: a sample that stands for itself is written `sample <id>`, a subject `subject <name>`.
    """
    name = subject or cohort.roles.subject
    cells = cohort.metadata.column(name) if name else (None,) * len(cohort.sample_ids)
    return {s: f"sample {s}" if c is None else f"subject {c}" for s, c in zip(cohort.sample_ids, cells, strict=True)}


def choose_controls(cohort: Cohort, declared: str, *, subject: str | None = None, depth: int | None = None) -> Controls:
    """Select the controls and one sample for each of their subjects.

    Of a subject's samples with at least `depth` reads the earliest stands for it where the cohort has a numeric time column, else the
    first by id: a choice that looks at no diversity.

    Raises
    ------
    ExpressionError, InputError
        Where the expression cannot be understood, names an unknown column, or selects no sample.
    """
    picked = parse_expression(declared).select(cohort.metadata)
    samples = tuple(s for s, yes in zip(cohort.sample_ids, picked, strict=True) if yes)
    if not samples:
        msg = f"the controls expression {declared!r} selects none of {len(cohort.sample_ids):,} samples. Check the column's values."
        raise InputError(msg)
    subjects = subjects_of(cohort, subject)
    reads = dict(zip(cohort.sample_ids, cohort.depth.tolist(), strict=True))
    deep = [s for s in samples if reads[s] >= (depth or 0)]
    time = cohort.roles.time
    when = {}
    if time is not None and cohort.metadata.kinds[time] == "numeric":
        when = dict(zip(cohort.sample_ids, cohort.metadata.numeric(time).tolist(), strict=True))
    first: dict[str, str] = {}
    for sample in sorted(deep, key=lambda s: (when.get(s, 0.0) if when.get(s, 0.0) == when.get(s, 0.0) else float("inf"), s)):
        first.setdefault(subjects[sample], sample)
    kept = set(deep)
    return Controls(declared, samples, tuple(sorted(first.values())), subjects, tuple(s for s in samples if s not in kept))
