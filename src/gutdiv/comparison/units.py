"""From samples to units of analysis: which samples can be compared along a variable, and what stands for a subject that has several."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
MIN_UNITS = 3


@dataclass(frozen=True, eq=False)
class Design:
    """Who can be compared with whom along one variable; fixed by the metadata alone, before any value is looked at.

    Parameters
    ----------
    variable, subject : str, str or None
        Columns of the metadata.
    repeated : bool
        Whether some subject has more than one usable sample.
    levels : tuple of str
        Levels of the usable samples in the order of their names, numbers by value; none where the variable is taken as numbers.
    labels : mapping of str to str
        The level of each usable sample.
    numbers : mapping of str to float
        The value of each usable sample; none where the variable is taken as groups.
    owners : mapping of str to str
        The subject of each usable sample; the sample itself where there are no subjects.
    held : mapping of str to set of str
        The levels of each subject.
    dropped : mapping of str to int
        Samples that cannot be used, by reason.
    """

    variable: str
    subject: str | None
    repeated: bool
    levels: tuple[str, ...]
    labels: Mapping[str, str]
    numbers: Mapping[str, float]
    owners: Mapping[str, str]
    held: Mapping[str, set[str]]
    dropped: Mapping[str, int]

    @property
    def unit(self) -> str:
        """What counts as one observation where subjects are compared with each other."""
        if self.repeated:
            return f"subject ({self.subject}; mean of its samples)"
        return "sample" if self.subject is None else f"sample (one of each subject of {self.subject})"

    @property
    def paired_unit(self) -> str:
        """What counts as one observation where groups are compared within subjects."""
        return f"subject ({self.subject}; mean of its samples for each group, compared within subjects)"

    def compare(self, groups: Sequence[str]) -> Comparison | None:
        """Decide how these groups are compared: within subjects where at least half of all subjects concerned hold them all, else between them.

        Between subjects, those that hold several of the groups are left out. None where more than half of the subjects hold several
        groups, but not all: neither fits.
        """
        among = {o: levels & set(groups) for o, levels in self.held.items() if levels & set(groups)}
        whole = frozenset(o for o, levels in among.items() if len(levels) == len(groups))
        single = frozenset(o for o, levels in among.items() if len(levels) == 1)
        if 2 * len(whole) >= len(among):
            return Comparison(paired=True, unit=self.paired_unit, owners=whole)
        if 2 * len(single) > len(among):
            return Comparison(paired=False, unit=self.unit, owners=single)
        return None


@dataclass(frozen=True, eq=False)
class Comparison:
    """How groups are compared: within or between subjects, by which unit, and the subjects that count."""

    paired: bool
    unit: str
    owners: frozenset[str]


def design_units(samples: list[str], metadata: SampleMetadata, variable: str, *, subject: str | None, numeric: bool) -> Design:
    """Find the samples that can be compared along a variable, their subjects and levels.

    Raises
    ------
    InputError
        Where a column is unknown.
    """
    place = {s: k for k, s in enumerate(metadata.ids)}
    values = metadata.column(variable)
    subjects = metadata.column(subject) if subject is not None else metadata.ids
    inside = [s for s in samples if s in place]
    usable = [s for s in inside if values[place[s]] is not None and subjects[place[s]] is not None]
    dropped = {
        "not in the sample metadata": sum(s not in place for s in samples),
        f"no value of {variable}": sum(values[place[s]] is None for s in inside),
        f"no value of {subject}": sum(values[place[s]] is not None and subjects[place[s]] is None for s in inside),
    }
    owners = {s: str(subjects[place[s]]) for s in usable}
    is_number = metadata.kinds[variable] == "numeric"  # as groups 1 and 1.0 are one
    labels = {s: f"{float(str(values[place[s]])):.15g}" if is_number else str(values[place[s]]) for s in usable}
    held: dict[str, set[str]] = {}
    for s in usable:
        held.setdefault(owners[s], set()).add(labels[s])
    names = set(labels.values())
    return Design(
        variable=variable,
        subject=subject,
        repeated=len(held) < len(owners),
        levels=() if numeric else tuple(sorted(names, key=float) if is_number else sorted(names)),
        labels=labels,
        numbers={s: float(str(values[place[s]])) for s in usable} if numeric else {},
        owners=owners,
        held=held,
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
