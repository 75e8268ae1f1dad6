"""What an estimated link amounts to: robust, relative only, sensitive or not significant, and the findings that follow."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from gutdiv.model.results import TABLES, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.immune.estimates import Fit, Linked

Floats = npt.NDArray[np.float64]

TYPICAL_LIMIT = 0.75  # largest slope of the typical taxon, ln-units per SD, for which an absolute statement must hold (Tito 2024)
LEVEL = 0.10  # of q, for a label
CLEAR_LEVEL = 0.05  # of q, for a finding to be clear
PARTNER_LEVEL = 0.05  # of p, for a link to persist without its partners
BOTH_FROM = 400  # units from which the conservative standard error is given beside
VALIDATED_FROM = 60  # units
VALIDATED_REFERENCE = 25  # reference taxa
_SHOWN = (
    *("test_family", "rank", "q", "p", "ci_low", "ci_high", "prevalence", "n", "robustness", "partner", "partners", "tipping"),
    *("q_order_2", "knowledge_rows"),
)


# ---------------------------------------------------------------- rows
def link_rows(found: Linked, *, limit: float = TYPICAL_LIMIT) -> pd.DataFrame:
    """Write the links with diversity as rows of the kind `links`, smallest p first within confirmatory and exploratory."""
    first, second, alone = found.order_1, found.order_2, found.alone
    assert second is not None
    assert alone is not None
    families = np.where(found.taxa.confirmatory, "confirmatory", "exploratory")
    freedom = found.design.freedom
    columns = _base(found, families)
    absolute = columns["p"] if found.measured else absolute_p(first, found.s, freedom, limit=limit)
    q, q_2, q_absolute = columns["q"], by_family(second.p(freedom), families), by_family(absolute, families)
    same_sign = np.sign(first.relative) == np.sign(second.relative)
    columns["robustness"] = np.select(
        [~(q < LEVEL), ~(same_sign & (q_2 < LEVEL)), q_absolute >= LEVEL], ["not significant", "sensitive", "relative only"], "robust"
    )
    p_alone = alone.p(freedom)
    persists = (np.sign(first.relative) == np.sign(alone.relative)) & (p_alone < PARTNER_LEVEL)
    columns["partner"] = np.where(q < LEVEL, np.where(persists, "persists", "not separable from its partners"), "")
    both = found.design.basis.shape[0] >= BOTH_FROM
    p_both = 2 * stats.t.sf(np.abs(first.relative / first.se_conservative), freedom) if both else np.full(q.size, np.nan)
    return _frame(
        {
            **columns,
            "q_order_2": q_2,
            "estimate_order_2": second.relative,
            "p_order_2": second.p(freedom),
            "p_absolute": absolute,
            "q_absolute": q_absolute,
            "partners": np.array(["; ".join(p) for p in found.partners], dtype=object),
            "estimate_without_partners": alone.relative,
            "p_without_partners": p_alone,
            "se_conservative": first.se_conservative if both else np.full(q.size, np.nan),
            "q_conservative": by_family(p_both, families) if both else p_both,
        }
    )


def marker_rows(found: Linked, name: str, *, described: bool = False) -> pd.DataFrame:
    """Write the links with a measured marker as rows of the kind `links`, test family `marker:NAME`.

    They are `relative only`, or `absolute` with measured load, or `described` where the marker was made of the same reads.
    """
    families = np.full(len(found.taxa.names), f"marker:{name}", dtype=object)
    columns = _base(found, families)
    word = "described" if described else "absolute" if found.measured else "relative only"
    columns["robustness"] = np.where(columns["q"] < LEVEL, word, "not significant")
    columns["partner"] = np.full(families.size, "", dtype=object)
    empty = np.full(families.size, np.nan)
    further = ("q_order_2", "estimate_order_2", "p_order_2", "p_absolute", "q_absolute", "estimate_without_partners", "p_without_partners")
    blank: dict[str, Any] = dict.fromkeys((*further, "se_conservative", "q_conservative"), empty)
    return _frame({**columns, **blank, "partners": columns["partner"]})


def _base(found: Linked, families: npt.NDArray[Any]) -> dict[str, Any]:
    """Columns that every link has."""
    fit, s, freedom = found.order_1, found.s, found.design.freedom
    p = fit.p(freedom)
    q = by_family(p, families)
    margin = stats.t.ppf(0.975, freedom) * fit.se
    m = p.size
    tip = np.full(m, np.nan) if found.measured else -1 / s  # with measured load no shift of the typical taxon is unknown
    return {
        "taxon": np.array(found.taxa.names, dtype=object),
        "rank": np.array(found.taxa.ranks, dtype=object),
        "test_family": families.astype(object),
        "estimate": fit.relative,
        "ci_low": fit.relative - margin,
        "ci_high": fit.relative + margin,
        "p": p,
        "q": q,
        "prevalence": found.prevalence,
        "n": np.full(m, found.design.basis.shape[0] if found.design.means else found.design.rows.size),
        "se": fit.se,
        "estimate_per_reader": fit.relative / s,
        "n_reference_taxa": np.full(m, found.n_reference),
        "tipping": fit.relative * tip,
        "tipping_low": (fit.relative + margin) * tip,
        "tipping_high": (fit.relative - margin) * tip,
        "scale": np.full(m, "absolute" if found.measured else "relative", dtype=object),
        "direction": np.where(q < LEVEL, np.where(fit.relative > 0, "higher", "lower"), "none"),
        "knowledge_rows": np.array(["; ".join(r) for r in found.taxa.rows], dtype=object),
    }


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Order columns as the kind `links` declares them, then the further ones; order rows by test family, p and name."""
    declared = list(TABLES["links"])
    order = ["tipping_low", "tipping_high", "p_absolute", "q_absolute", "estimate_order_2", "p_order_2", "partners"]
    order += ["estimate_without_partners", "p_without_partners", "se_conservative", "q_conservative", "knowledge_rows", "scale"]
    frame = pd.DataFrame({c: columns[c] for c in (*declared, *order)})
    return frame.sort_values(["test_family", "p", "taxon"], kind="stable", ignore_index=True)


# ---------------------------------------------------------------- judgement
def by_family(p: Floats, families: npt.NDArray[Any]) -> Floats:
    """Benjamini-Hochberg q of each test family by itself; a p that is not defined counts as 1 and stays undefined."""
    q = np.full(p.size, np.nan)
    for family in np.unique(families.astype(str)):
        own = families.astype(str) == family
        q[own] = stats.false_discovery_control(np.nan_to_num(p[own], nan=1.0))
    return np.where(np.isnan(p), np.nan, q)


def absolute_p(fit: Fit, s: Floats, freedom: int, *, limit: float = TYPICAL_LIMIT) -> Floats:
    """P of the absolute link, for a typical taxon whose own slope lies between 0 and `limit`.

    A positive relative link only grows with the slope of the typical taxon and keeps its p; a negative one must exceed `limit` times its
    thinning slope.
    """
    beyond = np.maximum(np.abs(fit.relative) - limit * s, 0.0)
    return np.where(fit.relative > 0, fit.p(freedom), 2 * stats.t.sf(beyond / fit.se, freedom))


def findings(frame: pd.DataFrame, *, what: str, start: int) -> list[dict[str, Any]]:
    """Turn the links with q below 0.1 into findings: clear ones first, then by test family and q."""
    hits = frame[frame["q"] < LEVEL]
    clear = (hits["q"] <= CLEAR_LEVEL) & (hits["robustness"] == "robust")
    hits = hits.assign(strength=np.where(clear, "clear", "weak")).sort_values(["strength", "test_family", "q", "taxon"], kind="stable")
    out = []
    for rank, row in enumerate(hits.to_dict("records"), start=start):
        values = {k: row[k] for k in _SHOWN}
        unit = "ln-units per SD of diversity" if what == "link" else "ln-units per SD of the marker"
        finding = Finding(what, row["taxon"], row["direction"], float(row["estimate"]), unit, row["strength"], rank, values)
        out.append(asdict(finding))
    return out


def notes(found: Linked) -> list[str]:
    """What must be said of all links of a table (`docs/knowledge.md`)."""
    units, design = found.design.basis.shape[0], found.design
    said = (
        ["Links are of absolute abundance: total load was measured. What the measurement of load errs by is not part of their errors."]
        if found.measured
        else [
            "Links are relative to the typical prevalent taxon of this study; total bacterial load was not measured.",
            "A negative link may only reflect that most other taxa rise with diversity.",
        ]
    )
    if units < VALIDATED_FROM:
        said.append(f"{units} is fewer than the {VALIDATED_FROM} samples or subjects with which the method was validated.")
    if units <= 2 * VALIDATED_FROM:
        said.append("With so few samples most links of medium size are missed: a link that is absent means nothing.")
    if found.n_reference < VALIDATED_REFERENCE and not found.measured:
        said.append(f"Only {found.n_reference} reference taxa: the test was validated with {VALIDATED_REFERENCE} and more.")
    if units >= BOTH_FROM:
        said.append("With this many samples a dependence of depth on diversity can add false links: read the conservative q (q_conservative) beside q.")
    if design.subjects is not None:
        said.append(f"Subjects repeat: standard errors are by {design.judged_by}.")
    return [*said, *design.notes]
