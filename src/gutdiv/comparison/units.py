"""From samples to units of analysis: which samples can be compared along a variable, and what stands for a subject that has several."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
MIN_UNITS = 3


@dataclass(frozen=True, eq=False)
class Design:
    """Who is compared with whom along one variable; fixed by the metadata alone, before any value is looked at.

    Parameters
    ----------
    variable, subject : str, str or None
        Columns of the metadata.
    numeric : bool
        Whether the variable is taken as numbers.
    unit : str
        What counts as one observation, in words.
    paired : bool
        Whether levels are compared within subjects.
    levels : tuple of str
        Levels of the usable samples in the order of their names, numbers by value; none where the variable is taken as numbers.
    labels : mapping of str to str
        The level of each usable sample.
    numbers : mapping of str to float
        The value of each usable sample (numbers).
    owners : mapping of str to str
        The subject of each usable sample; the sample itself where there are no subjects.
    dropped : mapping of str to int
        Samples of the metadata that cannot be used, by reason.
    """

    variable: str
    subject: str | None
    numeric: bool
    unit: str
    paired: bool
    levels: tuple[str, ...]
    labels: Mapping[str, str]
    numbers: Mapping[str, float]
    owners: Mapping[str, str]
    dropped: Mapping[str, int]


def design_units(samples: list[str], metadata: SampleMetadata, variable: str, *, subject: str | None, numeric: bool) -> Design:
    """Decide the unit of analysis of a variable among these samples.

    Without repeated subjects every sample is a unit. With them a subject is one: where the variable is constant within subjects (or is
    a number) by the mean of its samples, where it varies by one mean for each level, compared within subjects. Where at least one subject
    but fewer than half of all have several levels, subjects are compared by their means, and those with several levels are left out.

    Raises
    ------
    InputError
        Where a column is unknown.
    """
    place = {s: k for k, s in enumerate(metadata.ids)}
    values = metadata.column(variable)
    subjects = metadata.column(subject) if subject is not None else metadata.ids
    dropped = {"not in the sample metadata": sum(s not in place for s in samples)}
    inside = [s for s in samples if s in place]
    dropped[f"no value of {variable}"] = sum(values[place[s]] is None for s in inside)
    dropped[f"no value of {subject}"] = sum(values[place[s]] is not None and subjects[place[s]] is None for s in inside)
    usable = [s for s in inside if values[place[s]] is not None and subjects[place[s]] is not None]
    owners = {s: str(subjects[place[s]]) for s in usable}
    is_number = metadata.kinds[variable] == "numeric"  # as groups 1 and 1.0 are one
    labels = {s: f"{float(str(values[place[s]])):.15g}" if is_number else str(values[place[s]]) for s in usable}
    repeated = len(set(owners.values())) < len(owners)
    paired = False
    single = "sample" if subject is None else f"sample (one of each subject of {subject})"
    unit = f"subject ({subject}; mean of its samples)" if repeated else single
    if repeated and not numeric:
        held: dict[str, set[str]] = {}
        for s in usable:
            held.setdefault(owners[s], set()).add(labels[s])
        several = {o for o, levels in held.items() if len(levels) > 1}
        paired = 2 * len(several) >= len(held)
        if paired:
            unit = f"subject ({subject}; mean of its samples for each level, compared within subjects)"
        elif several:
            dropped[f"of a subject with several levels of {variable}"] = sum(owners[s] in several for s in usable)
            usable = [s for s in usable if owners[s] not in several]
    kept = {labels[s] for s in usable}
    return Design(
        variable=variable,
        subject=subject,
        numeric=numeric,
        unit=unit,
        paired=paired,
        levels=() if numeric else tuple(sorted(kept, key=float) if is_number else sorted(kept)),
        labels={s: labels[s] for s in usable},
        numbers={s: float(str(values[place[s]])) for s in usable} if numeric else {},
        owners={s: owners[s] for s in usable},
        dropped={reason: n for reason, n in dropped.items() if n},
    )


def level_means(values: Mapping[str, float], design: Design) -> dict[str, dict[str, float]]:
    """Average a metric: level -> subject (or sample) -> mean over its samples at this level; undefined values are left out."""
    gathered: dict[str, dict[str, list[float]]] = {}
    for s in sorted(design.labels):
        value = values.get(s, math.nan)
        if math.isfinite(value):
            gathered.setdefault(design.labels[s], {}).setdefault(design.owners[s], []).append(value)
    return {g: {o: math.fsum(v) / len(v) for o, v in gathered[g].items()} for g in design.levels if g in gathered}


def subject_means(values: Mapping[str, float], design: Design) -> tuple[Floats, Floats, int]:
    """Average a metric and a numeric variable over the samples of each subject: two arrays (n_units,) and the number of samples used."""
    gathered: dict[str, list[tuple[float, float]]] = {}
    for s in sorted(design.numbers):
        value = values.get(s, math.nan)
        if math.isfinite(value):
            gathered.setdefault(design.owners[s], []).append((design.numbers[s], value))
    pairs = [(math.fsum(a for a, _ in v) / len(v), math.fsum(b for _, b in v) / len(v)) for _, v in sorted(gathered.items())]
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1], sum(len(v) for v in gathered.values())
