"""What stages hand on: the columns of every result table, and the records that are no table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gutdiv.model.immune_tables import IMMUNE_TABLES
from gutdiv.model.references import Controls as Controls
from gutdiv.model.references import Interval as Interval
from gutdiv.model.references import Partition as Partition
from gutdiv.model.references import Reference as Reference  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from gutdiv.model.cohort import SampleMetadata

SCHEMA_VERSION = 1

_GROUP_TEST: Mapping[str, str] = {
    "metric": "str",
    "variable": "str",
    "test": "str",
    "unit": "str",
    "contrast": "str",
    "n_1": "int",
    "n_2": "int",
    "statistic": "float",
    "df": "float",
    "p": "float",
    "permutations": "int",
    "q": "float",
    "family": "str",
    "effect": "float",
    "effect_name": "str",
    "ci_low": "float",
    "ci_high": "float",
    "n_dropped": "int",
}

# Columns of each table, in order: name to type. `open` tables may carry further columns after these.
TABLES: Mapping[str, Mapping[str, str]] = {
    "alignment": {"part": "str", "id": "str", "outcome": "str", "reason": "str"},
    "taxonomy_audit": {
        "spelling": "str",
        "rank": "str",
        "spelled_family": "str",
        "n_features": "int",
        "share_of_reads": "float",
        "canonical_genus": "str",
        "canonical_family": "str",
        "canonical_phylum": "str",
        "dialect": "str",
        "rule": "str",
        "reason": "str",
    },
    "alpha": {"sample_id": "str", "level": "str", "metric": "str", "value": "float", "sd": "float", "depth": "int"},
    "taxa": {
        "sample_id": "str",
        "level": "str",
        "metric": "str",
        "value": "float",
        "sd": "float",
        "depth": "int",
        "share": "float",
        "detected": "float",
    },
    "composition": {"sample_id": "str", "rank": "str", "taxon": "str", "share": "float"},
    "outliers": {"sample_id": "str", "metric": "str", "level": "str", "value": "float", "rule": "str", "side": "str"},
    "depths": {
        "depth": "int",
        "samples": "int",
        "share_kept": "float",
        "smallest_group_share": "float",
        "smallest_group": "str",
        "median_coverage": "float",
        "chosen": "bool",
        "loss_p": "float",
        "median_slope": "float",
        "rho_sobs_before": "float",
        "rho_sobs": "float",
        "rho_shannon_before": "float",
        "rho_shannon": "float",
    },
    "curves": {
        "group": "str",
        "sample_id": "str",
        "depth": "int",
        "samples": "int",
        **dict.fromkeys(("richness", "median", "low", "high", "coverage"), "float"),
    },
    "standards": {
        "sample_id": "str",
        "level": "str",
        "metric": "str",
        "standard": "str",
        "value": "float",
        "depth": "int",
        "coverage": "float",
    },
    "ordination": {"sample_id": "str"},
    "arrows": {
        "taxon": "str",
        "rank": "str",
        "axis_1": "float",
        "axis_2": "float",
        "r2": "float",
        "prevalence": "float",
        "mean_share": "float",
    },
    "group_test": _GROUP_TEST,
    "abundance": {
        **_GROUP_TEST,
        "n_samples": "int",
        "strength": "str",
        "taxon": "str",
        "rank": "str",
        "estimator": "str",
        "se": "float",
        "prevalence": "float",
        "prevalence_1": "float",
        "prevalence_2": "float",
        "mean_share": "float",
        "mean_share_1": "float",
        "mean_share_2": "float",
        "structural_zero": "str",
        "agreement": "str",
        "ancombc2_effect": "float",
        "ancombc2_se": "float",
        "ancombc2_p": "float",
        "ancombc2_q": "float",
        "clr_effect": "float",
        "clr_p": "float",
        "clr_q": "float",
        "reason": "str",
    },
    "trajectories": {
        "sample_id": "str",
        "subject": "str",
        "time": "float",
        "group": "str",
        "metric": "str",
        "value": "float",
        "baseline_time": "float",
        "change": "float",
        "difference": "float",
        "interval": "float",
    },
    "permanova": {
        "term": "str",
        "df": "float",
        "sum_of_squares": "float",
        "r2": "float",
        "f": "float",
        "p": "float",
        "permutations": "int",
        "n": "int",
    },
    "reference_check": {
        "metric": "str",
        "level": "str",
        "n": "int",
        "below": "int",
        "above": "int",
        "below_low": "float",
        "below_high": "float",
        "above_low": "float",
        "above_high": "float",
        "verdict": "str",
        "reason": "str",
    },
    "verdicts": {
        "sample_id": "str",
        "verdict": "str",
        "tier": "str",
        "p": "float",
        "q": "float",
        "reason": "str",
        "is_control": "bool",
        "n_reference": "int",
        "rank_diversity": "float",
        "rank_neighbours": "float",
        "rank_composition": "float",
        "drivers": "str",
        "position_p": "float",
        "second_p": "float",
        "second_verdict": "str",
        "agreement": "str",
    },
    "explanations": {
        "sample_id": "str",
        "tier": "str",
        **dict.fromkeys(("share_diversity", "share_neighbours", "share_composition", "share_index"), "float"),
        **dict.fromkeys(("tail_diversity", "tail_composition", "tail_index"), "float"),
        **dict.fromkeys(("distance", "nearest", "beyond_local"), "str"),
    },
    "stability": {
        **dict.fromkeys(("sample_id", "tier", "verdict"), "str"),
        "p": "float",
        "draws": "int",
        "draws_same": "float",
        "bootstraps": "int",
        "bootstraps_same": "float",
    },
    "flags": {
        "sample_id": "str",
        "metric": "str",
        "value": "float",
        "lower": "float",
        "upper": "float",
        "flag": "str",
        "n_reference": "int",
        "tail_below": "int",
        "tail_above": "int",
        "reason": "str",
    },
    "indices": {
        "sample_id": "str",
        "index": "str",
        "value": "float",
        "cutoff": "float",
        "beyond": "str",
        "direction": "str",
        "n_reference": "int",
        "reason": "str",
        "p": "float",
    },
    "links": {
        "taxon": "str",
        "rank": "str",
        "test_family": "str",
        "estimate": "float",
        "ci_low": "float",
        "ci_high": "float",
        "p": "float",
        "q": "float",
        "prevalence": "float",
        "robustness": "str",
        "n": "int",
        "se": "float",
        "estimate_per_reader": "float",
        "n_reference_taxa": "int",
        "partner": "str",
        "tipping": "float",
        "q_order_2": "float",
        "direction": "str",
    },
    "matches": {
        "row": "int",
        "taxon": "str",
        "rank": "str",
        "outcome": "str",
        "spellings": "str",
        "n_features": "int",
        "share_of_reads": "float",
        "prevalence": "float",
        "reason": "str",
    },
    **IMMUNE_TABLES,
}
OPEN_TABLES = frozenset({"ordination", "links", "group_test", "abundance", "permanova", "flags", "verdicts", "alpha", "depths"})

VERDICTS = ("outside", "borderline", "within", "not assessable")
TIERS = ("none", "provisional", "aligned", "in-study")
FLAGS = ("below", "borderline", "within", "above", "not assessable")
ABSENT_TAXON = "absent as in controls"  # the flag of a sample without a taxon that some controls lack too


@dataclass(frozen=True)
class Finding:
    """One decision taken by a stage, for the report to word: never prose, never computed in the report.

    Parameters
    ----------
    what : str
        The kind of finding, a word the report knows (`group_difference`, `structure`, `verdicts`, `link`, ...).
    subject : str
        What it is about: a metric, a taxon, a variable.
    direction : str
        `lower`, `higher`, `none`, or `present`.
    size : float
        The effect in the unit named by `unit`; NaN where it has none.
    unit : str
        Unit of `size`, in words.
    strength : str
        `clear` (passes its family's level), `weak` (does not), or `not assessable`.
    rank : int
        Order within its stage, 0 first.
    values : mapping
        Further numbers and names that the wording needs.
    """

    what: str
    subject: str
    direction: str
    size: float
    unit: str
    strength: str
    rank: int
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DistanceMatrix:
    """Distances between samples: `matrix` (n, n) symmetric with zero diagonal, `ids` the n sample ids in its order."""

    ids: tuple[str, ...]
    matrix: npt.NDArray[Any]
    metric: str
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a matrix that is not square or does not fit its ids."""
        n = len(self.ids)
        if self.matrix.shape != (n, n):
            msg = f"a distance matrix of shape {self.matrix.shape} for {n} ids"
            raise ValueError(msg)

    @property
    def below_depth(self) -> tuple[str, ...]:
        """Samples of the cohort that had too few reads to be measured, as the record says."""
        return tuple(self.record.get("below_depth") or ())


@dataclass(frozen=True, eq=False)
class Ordination:
    """Principal coordinates: `axes` (n, k); `proportion_explained` relates to the sum of all positive eigenvalues.

    `proportion_error` (a share of the proportion) and `negative_share_error` (in its own unit) are half the width of a 95 % interval where that
    sum was estimated, and 0 where it is exact. `notes` are sentences for the record.
    """

    ids: tuple[str, ...]
    axes: npt.NDArray[np.float64]
    eigenvalues: npt.NDArray[np.float64]
    proportion_explained: npt.NDArray[np.float64]
    negative_share: float
    proportion_error: float = 0.0
    negative_share_error: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """A result table with its record: `kind` names its columns in `TABLES`; a `str` cell that is undefined is the empty string."""

    kind: str
    frame: pd.DataFrame
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a frame whose columns are not those of its kind."""
        expected = list(TABLES[self.kind])
        got = [str(c) for c in self.frame.columns]
        if got[: len(expected)] != expected or (len(got) > len(expected) and self.kind not in OPEN_TABLES):
            msg = f"a {self.kind} table has the columns {expected}, not {got}"
            raise ValueError(msg)


@dataclass(frozen=True, eq=False)
class Results:
    """All results of one cohort, as the report reads them.

    Parameters
    ----------
    name : str
        The cohort's name.
    tables : mapping of str to Table
        By place without ending, as `diversity/alpha` or `comparison/permanova/braycurtis`; `io/results.py` lists the places.
    cohort : mapping
        The content of `cohort/cohort.json`.
    metadata : SampleMetadata or None
        The cohort's sample metadata.
    reference : Reference or None
        The content of `reference/reference.json`.
    knowledge : mapping of str to tuple of mapping
        `immune_taxa` and `references`, rows of the knowledge base as read.
    software : mapping of str to str
        Versions by name of the software that reads the results.
    commands : mapping of str to str
        The command that makes each result again, by place, in an order in which they can be run.
    unreadable : mapping of str to str
        The parts that are there and cannot be read, by place: the file, what is wrong with it and how to mend it.
    """

    name: str
    tables: Mapping[str, Table]
    cohort: Mapping[str, Any]
    metadata: SampleMetadata | None
    reference: Reference | None
    knowledge: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    software: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
