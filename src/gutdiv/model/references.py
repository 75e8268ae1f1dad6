"""What a reference is: intervals, subgroups, and the controls behind them, without their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Interval:
    """A reference interval of one metric: limits at 2.5 and 97.5 %, each with its 90 % confidence interval.

    A limit is None where there is none, and then `absent` (both) or `lower_absent` (the lower one) says why.

    Parameters
    ----------
    undetected, undetected_ci : float, (float, float)
        Of a taxon: share of the controls in whose draws it was not seen once, with its exact 90 % interval.
    outliers : int
        Control values that Dixon & Reed's or Tukey & Horn's rule would call outliers; none was left out.
    without_outliers : (float, float)
        The limits that would result without them, where there are any.
    shown_only : bool
        Whether the metric is shown and never judged (Firmicutes to Bacteroidetes).
    """

    metric: str
    level: str
    depth: int
    n: int
    method: str
    lower: float | None
    lower_ci: tuple[float, float] | None
    upper: float | None
    upper_ci: tuple[float, float] | None
    median: float | None
    absent: str | None = None
    lower_absent: str | None = None
    undetected: float | None = None
    undetected_ci: tuple[float, float] | None = None
    outliers: int = 0
    without_outliers: tuple[float | None, float | None] | None = None
    shown_only: bool = False


@dataclass(frozen=True)
class Partition:
    """Whether two subgroups of the controls need intervals of their own on one metric.

    Parameters
    ----------
    column, first, second : str
        The covariate and its two values.
    z, critical, sd_ratio : float
        Harris & Boyd (1990): partition where z > critical = 3 sqrt((n1 + n2) / 240), or where the standard deviations differ by more than 1.5.
    shares : four floats
        Below and above the common limits: of the first subgroup, then of the second; NaN without common limits.
    shares_ci : four pairs of float
        Their exact 90 % intervals.
    harris_boyd, lahti : str
        `partition`, `common`, `judgement`, or `not assessable`.
    intervals : two Interval
        Of each subgroup alone.
    """

    column: str
    first: str
    second: str
    metric: str
    level: str
    z: float
    critical: float
    sd_ratio: float
    shares: tuple[float | None, ...]
    shares_ci: tuple[tuple[float, float] | None, ...]
    harris_boyd: str
    lahti: str
    intervals: tuple[Interval, Interval]


@dataclass(frozen=True)
class Reference:
    """Reference intervals made from the controls that the user declared.

    `portable` holds what a reference of several studies knows besides (see `reference/portable.py`); it has no sample rows either.
    """

    name: str
    declared: str
    controls_are: str
    n_samples: int
    n_subjects: int
    depth: int
    intervals: tuple[Interval, ...]
    record: Mapping[str, Any] = field(default_factory=dict)
    partitions: tuple[Partition, ...] = ()
    portable: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Controls:
    """The samples that the user declared as controls, and who stands for each subject.

    Parameters
    ----------
    declared : str
        The control expression.
    samples : tuple of str
        All samples that it selects.
    chosen : tuple of str
        One sample a subject, among those with enough reads.
    subjects : mapping of str to str
        Subject of every sample of the cohort, controls or not; a sample without a subject is its own.
    too_shallow : tuple of str
        Selected samples with too few reads.
    """

    declared: str
    samples: tuple[str, ...]
    chosen: tuple[str, ...]
    subjects: Mapping[str, str]
    too_shallow: tuple[str, ...]
