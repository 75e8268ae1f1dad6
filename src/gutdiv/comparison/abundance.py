"""Differential abundance: which taxa differ between groups or along a number, in abundance where they are and in being there at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, stats

from gutdiv.comparison.abundance_design import AbundanceDesign, design_abundance
from gutdiv.comparison.abundance_fit import (
    ABSENCE,
    MIN_DETECTED,
    Effort,
    Estimates,
    abundance_fit,
    choose_reference,
    clr_fit,
    detection_fit,
    expected_detections,
    structural_zeros,
)
from gutdiv.comparison.ancombc import AncomBC2, ancombc2
from gutdiv.comparison.groups import ALPHA
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import InputError, count_noun
from gutdiv.model.results import TABLES, Finding, Table

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]
RANKS = {"genus": "genera", "family": "families", "feature": "features"}
MIN_PREVALENCE = 0.10
NAMELESS = "unclassified"  # what a feature without any name is called
ABUNDANCE = "log-linear regression on the null curve of effort (HC3, t)"
BY_SUBJECT = "log-linear regression on the null curve of effort (leave-one-subject-out jackknife, t)"
PREVALENCE = "Firth's logistic regression of detection at equal effort (penalised likelihood ratio)"
PREVALENCE_BY_SUBJECT = "Firth's logistic regression of detection at equal effort (leave-one-subject-out jackknife, t)"
FOLD, ODDS = "log fold change relative to the typical prevalent taxon (natural log)", "log odds ratio of detection at equal effort"


@dataclass(frozen=True, eq=False)
class _Work:
    """Reads of the taxa that are prevalent enough, in the samples in use, and all that was estimated of them."""

    design: AbundanceDesign
    rank: str
    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    depth: npt.NDArray[np.int64]
    abundance: Estimates
    clr: Estimates
    effort: Effort
    zeros: list[tuple[str, ...]]
    peer: AncomBC2 | str


def compare_abundance(
    cohort: Cohort,
    *,
    formula: str | None = None,
    variable: str | None = None,
    rank: str = "genus",
    subject: str | None = None,
    baseline: str | None = None,
    min_prevalence: float = MIN_PREVALENCE,
) -> Table:
    """Test every taxon for a difference in abundance and, apart from it, in prevalence.

    Abundance: log counts freed of the effort that all taxa of a sample share (`numerics.effort.null_curve`), regressed on the formula,
    relative to the median slope of the prevalent taxa. Beside it stand ANCOM-BC2 (Lin & Peddada 2024) and centred log-ratios with
    the same correction (LinDA; Zhou et al. 2022). Prevalence: detection at equal effort by Firth's logistic regression. q is Benjamini
    & Hochberg's over the family that its row names.

    Parameters
    ----------
    cohort : Cohort
        Counts are used as they are, not rarefied.
    formula : str, optional
        As in `~ group + age`; default the variable alone.
    variable : str, optional
        The column that is tested; default the first of the formula, or the cohort's group. Groups are compared with the baseline, and
        where they are three or more also all at once; of a number the slope is tested.
    rank : {'genus', 'family', 'feature'}
        What is compared. Features that no genus was called for stand together by their finest name.
    subject : str, optional
        Column that names the subject of each sample.
    baseline : str, optional
        The group that the others are compared with; default the first by name.
    min_prevalence : float
        Share of samples that must hold a taxon, above 0 and at most 1.

    Returns
    -------
    Table
        Kind `abundance`: for each taxon and contrast a row of the metric `abundance` and one of `prevalence`. A row that was not tested has no
        p and says why in `reason`.

    Raises
    ------
    InputError
        Where a column, the rank or the baseline is unknown, or the variable is no term of its own.
    UntestableError
        Where the design cannot be tested.
    """
    if rank not in RANKS:
        msg = f"rank {rank!r} is unknown; {', '.join(RANKS)} are known."
        raise InputError(msg)
    if not 0 < min_prevalence <= 1:
        msg = f"a prevalence of {min_prevalence} was asked for; it must be above 0 and at most 1."
        raise InputError(msg)
    if cohort.lineages is None and rank != "feature":
        msg = f"the cohort has no lineages, so that its features have no {rank}. Give --rank feature, or build the cohort with --taxonomy."
        raise UntestableError(msg)
    design = design_abundance(cohort, formula=formula, variable=variable, subject=subject, baseline=baseline)
    names, counts = _collapsed(cohort, rank, design.rows)
    prevalence = np.asarray((counts > 0).mean(axis=0)).ravel()
    seen = np.flatnonzero((prevalence >= min_prevalence) & (np.array(names, dtype=object) != NAMELESS))
    about: dict[str, Any] = {
        "variable": design.variable,
        "formula": design.formula,
        "rank": rank,
        "subject": subject,
        "units": [design.unit],
        "baseline": design.levels[0] if design.levels else None,
        "groups": {} if design.plan.level is None else {g: int((design.plan.level == k).sum()) for k, g in enumerate(design.levels)},
        "n_samples": len(design.rows),
        "n_taxa": len(names),
        "below_prevalence": len(names) - len(seen),
        "min_prevalence": min_prevalence,
        "dropped": design.dropped,
        "notes": list(design.notes),
        "absent": {},
        "findings": [],
    }
    reads = counts[:, seen].toarray()
    reference = choose_reference(prevalence[seen])
    if isinstance(reference, str):
        return Table("abundance", _no_rows(), {**about, "absent": {"abundance": reference, "prevalence": reference}})
    work = _estimated(design, rank, tuple(names[j] for j in seen), reads, np.asarray(counts.sum(axis=1)).ravel(), reference)
    frame = _frame(work)
    return Table("abundance", frame, {**about, **_said(work), "findings": _findings(frame)})


def untested(reason: str) -> Table:
    """Return a table without rows, and the reason why nothing could be tested."""
    return Table("abundance", _no_rows(), {"dropped": {}, "notes": [], "findings": [], "absent": {"abundance": reason, "prevalence": reason}})


def _no_rows() -> pd.DataFrame:
    """Return a table without rows."""
    return pd.DataFrame({c: pd.Series(dtype=object) for c in TABLES["abundance"]})


def _collapsed(cohort: Cohort, rank: str, rows: npt.NDArray[np.int64]) -> tuple[list[str], sparse.csr_matrix]:
    """Add up the reads of these samples by taxon: names in order, and (n, taxa) CSR."""
    names, at = np.unique(np.array(cohort.taxa(rank), dtype=object), return_inverse=True)
    grouping = sparse.csr_matrix((np.ones(at.size, np.int64), (np.arange(at.size), at)), shape=(at.size, names.size))
    return names.tolist(), sparse.csr_matrix(cohort.counts[rows] @ grouping)


def _estimated(
    design: AbundanceDesign,
    rank: str,
    names: tuple[str, ...],
    counts: npt.NDArray[np.int64],
    depth: npt.NDArray[np.int64],
    reference: npt.NDArray[np.int64],
) -> _Work:
    """Run all estimators."""
    plan = design.plan
    abundance, effort = abundance_fit(counts, plan, reference)
    zeros = structural_zeros(counts, plan, effort, design.levels)
    peer: AncomBC2 | str
    if plan.clusters is not None:
        peer = "the formula varies within subjects, and ANCOM-BC2 takes one value a subject"
    else:
        summed = counts
        if plan.subjects is not None:
            summed = np.zeros((plan.matrix.shape[0], counts.shape[1]), dtype=np.int64)
            np.add.at(summed, plan.subjects, counts)
        peer = ancombc2(summed.astype(np.float64), plan.matrix, plan.tested)
    return _Work(design, rank, names, counts, depth, abundance, clr_fit(counts, plan), effort, zeros, peer)


# ---------------------------------------------------------------- table
def _frame(work: _Work) -> pd.DataFrame:
    """Lay out the table: abundance, then prevalence; in each the contrasts, then all groups at once; in each the taxa."""
    plan, m = work.design.plan, len(work.names)
    few = expected_detections(work.counts > 0, plan) < MIN_DETECTED
    zero = np.array([bool(z) for z in work.zeros])
    both_ways = np.minimum((work.counts > 0).sum(axis=0), (work.counts == 0).sum(axis=0))
    detected = np.flatnonzero(both_ways >= MIN_DETECTED)
    everywhere = f"seen in or missing from fewer than {MIN_DETECTED:.0f} samples"
    parts = []
    for q, contrast in enumerate(work.design.contrasts):
        absent = _concerned(work, q)
        why = np.where(few[q], f"fewer than {MIN_DETECTED:.0f} detections would be expected in the smaller group", "")
        why = np.where(absent, "structural zero", why)
        parts.append(_part(work, "abundance", contrast, q, work.abundance, np.arange(m), why))
    if len(work.design.contrasts) > 1:
        why = np.where(zero, "structural zero", np.where(few.any(axis=0), "too few detections would be expected in a group", ""))
        parts.append(_part(work, "abundance", ", ".join(work.design.levels), None, work.abundance, np.arange(m), why))
    if detected.size:
        log = Effort(work.effort.log[:, detected], work.effort.reference, work.effort.shift, work.effort.shift_se)
        found = detection_fit(work.counts[:, detected], plan, log)
    why = np.where(both_ways >= MIN_DETECTED, "", everywhere)
    for q in (*range(len(work.design.contrasts)), None):
        if q is None and len(work.design.contrasts) == 1:
            continue
        contrast = ", ".join(work.design.levels) if q is None else work.design.contrasts[q]
        parts.append(_part(work, "prevalence", contrast, q, found if detected.size else None, detected, why))
    frame = pd.concat(parts, ignore_index=True)
    _add_q(frame, work)
    return frame[list(TABLES["abundance"])]


def _concerned(work: _Work, q: int) -> npt.NDArray[np.bool_]:
    """Whether a taxon is a structural zero in one of the two groups of a contrast."""
    pair = {work.design.levels[0], work.design.levels[q + 1]} if work.design.levels else set()
    return np.array([bool(pair & set(z)) for z in work.zeros], dtype=bool)


def _part(
    work: _Work, metric: str, contrast: str, q: int | None, found: Estimates | None, at: npt.NDArray[np.intp], why: npt.NDArray[Any]
) -> pd.DataFrame:
    """Rows of one metric and contrast; `found` holds the taxa `at`, and taxa with a reason in `why` are not tested."""
    plan, m = work.design.plan, len(work.names)
    jackknife = plan.clusters is not None
    tested = np.array([not w for w in why])

    def spread(values: Floats | float) -> Floats:
        """Put the values of the taxa that were fitted into their places."""
        full = np.full(m, np.nan)
        full[at] = values
        return np.where(tested, full, np.nan)

    nothing = np.full(m, np.nan)
    columns: dict[str, Any] = dict.fromkeys(("statistic", "df", "p", "effect", "se", "ci_low", "ci_high"), nothing)
    if found is not None and q is None:
        columns |= {"statistic": spread(found.overall_statistic), "df": spread(found.overall_df), "p": spread(found.overall_p)}
    elif found is not None and q is not None:
        wald = metric == "abundance" or jackknife
        half = (stats.t.ppf(0.975, found.df[q]) if wald else stats.norm.ppf(0.975)) * found.se[q]
        columns |= {
            "statistic": spread(found.statistic[q]),
            "df": spread(found.df[q]),
            "p": spread(found.p[q]),
            "effect": spread(found.effect[q]),
            "se": spread(found.se[q]),
            "ci_low": spread(found.effect[q] - half),
            "ci_high": spread(found.effect[q] + half),
        }
    names = (BY_SUBJECT, PREVALENCE_BY_SUBJECT) if jackknife else (ABUNDANCE, PREVALENCE)
    sizes = plan.counts()
    n_1, n_2 = (sum(sizes), None) if plan.level is None or q is None else (sizes[q + 1], sizes[0])
    inside = [np.ones(len(work.depth), dtype=bool)] if plan.level is None or q is None else [plan.level == q + 1, plan.level == 0]
    used = inside[0] if len(inside) == 1 else inside[0] | inside[1]
    share = work.counts / work.depth[:, None]
    groups = [(share[i], work.counts[i] > 0) for i in inside] if len(inside) == 2 else []
    peer = metric == "abundance" and q is not None
    other = work.peer if peer and isinstance(work.peer, AncomBC2) else None
    hide = np.where(tested, 0.0, np.nan)  # what is not tested has no other estimate either
    return pd.DataFrame({
        "metric": metric, "variable": work.design.variable, "test": names[metric == "prevalence"] if q is not None or metric == "prevalence"
        else f"{names[0][:-2]}F)", "unit": work.design.unit, "contrast": contrast,
        "n_1": pd.array([n_1] * m, dtype="Int64"), "n_2": pd.array([pd.NA if n_2 is None else n_2] * m, dtype="Int64"),
        **{c: columns[c] for c in ("statistic", "df", "p")}, "permutations": pd.array([pd.NA] * m, dtype="Int64"),
        "effect": columns["effect"], "effect_name": "" if q is None else FOLD if metric == "abundance" else ODDS,
        "ci_low": columns["ci_low"], "ci_high": columns["ci_high"],
        "n_dropped": pd.array([sum(work.design.dropped.values())] * m, dtype="Int64"),
        "n_samples": pd.array([int(used.sum())] * m, dtype="Int64"), "taxon": list(work.names), "rank": work.rank,
        "estimator": "null curve" if metric == "abundance" else "equal effort", "se": columns["se"],
        "prevalence": (work.counts > 0).mean(axis=0), "mean_share": share.mean(axis=0),
        **{f"prevalence_{k + 1}": groups[k][1].mean(axis=0) if groups else nothing for k in (0, 1)},
        **{f"mean_share_{k + 1}": groups[k][0].mean(axis=0) if groups else nothing for k in (0, 1)},
        "structural_zero": ["; ".join(z) for z in work.zeros],
        **{f"ancombc2_{c}": nothing if other is None else getattr(other, c)[q] + hide for c in ("effect", "se", "p")},
        **{f"clr_{c}": getattr(work.clr, c)[q] + hide if peer else nothing for c in ("effect", "p")},
        "reason": list(why), "kind": "overall" if q is None else "contrast",
    })  # fmt: skip


def _add_q(frame: pd.DataFrame, work: _Work) -> None:
    """Add q by family, strength and agreement."""
    for column in ("q", "ancombc2_q", "clr_q"):
        frame[column] = np.nan
    frame["family"], frame["agreement"] = "", ""
    baseline = work.design.levels[0] if work.design.levels else ""
    for metric, kind in dict.fromkeys(zip(frame["metric"], frame["kind"], strict=True)):
        part = frame[(frame["metric"] == metric) & (frame["kind"] == kind)]
        for p, q in (("p", "q"), ("ancombc2_p", "ancombc2_q"), ("clr_p", "clr_q")):
            good = part.index[part[p].notna()]
            if len(good):
                frame.loc[good, q] = stats.false_discovery_control(frame.loc[good, p].to_numpy(), method="bh")
        tested = part[part["p"].notna()]
        size = len(set(tested["taxon"]))
        taxa = f"{size:,} {work.rank if size == 1 else RANKS[work.rank]}"
        how = "all groups at once" if kind == "overall" else f"each group against {baseline}" if len(work.design.contrasts) > 1 else ""
        words = f"{count_noun(len(tested), 'test')} of {metric} of {taxa} by {work.design.variable}{', ' if how else ''}{how}"
        frame.loc[tested.index, "family"] = words
    frame["strength"] = np.where(frame["q"].isna(), "not assessable", np.where(frame["q"] <= ALPHA, "clear", "weak"))
    judged = frame["q"].notna() & frame["ancombc2_q"].notna()
    frame.loc[judged, "agreement"] = [
        _agreement(*cells)
        for cells in frame.loc[judged, ["effect", "q", "ancombc2_effect", "ancombc2_q"]].itertuples(index=False, name=None)
    ]


def _agreement(effect: float, q: float, other: float, other_q: float) -> str:
    """Say in a word how two estimators agree."""
    own, peer = q <= ALPHA, other_q <= ALPHA
    if not own and not peer:
        return "neither"
    if own and peer:
        return "opposite" if effect * other < 0 else "both"
    return "null curve only" if own else "ANCOM-BC2 only"


# ---------------------------------------------------------------- record
def _said(work: _Work) -> dict[str, Any]:
    """What the record says of the estimates."""
    absent = {"ancombc2": work.peer} if isinstance(work.peer, str) else {}
    names = work.design.contrasts
    return {
        "absent": absent,
        "primary": "null curve",
        "reference_taxa": len(work.effort.reference),
        "typical_shift": {c: {"g": float(g), "se": float(e)} for c, g, e in zip(names, work.effort.shift, work.effort.shift_se, strict=True)},
        "structural_zeros": {n: list(z) for n, z in zip(work.names, work.zeros, strict=True) if z},
        "absence_probability": ABSENCE,
        "confirmed_by": "CLR" if absent else "ANCOM-BC2",
    }


def _findings(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """`abundance_difference` for what is clear and confirmed, `prevalence_difference` for what is clear; by q, then by size."""
    single = frame[(frame["effect_name"] != "") & (frame["strength"] == "clear")]
    by_clr = (single["ancombc2_q"].isna()) & (single["clr_q"] <= ALPHA) & (single["clr_effect"] * single["effect"] > 0)
    run = frame["ancombc2_q"].notna().any()
    confirmed = (single["agreement"] == "both") if run else by_clr
    chosen = single[(single["metric"] == "prevalence") | confirmed]
    names = ["taxon", "rank", "variable", "contrast", "test", "unit", "family", "p", "q", "n_1", "n_2", "ci_low", "ci_high"]
    names += ["prevalence_1", "prevalence_2", "mean_share_1", "mean_share_2", "ancombc2_effect", "ancombc2_q", "structural_zero"]
    findings = []
    ranked = sorted(chosen.to_dict("records"), key=lambda c: (c["metric"], c["q"], -abs(c["effect"]), c["taxon"]))
    for place, cells in enumerate(ranked):
        values = {k: None if pd.isna(cells[k]) else cells[k] for k in names}
        effect = float(cells["effect"])
        direction = "higher" if effect > 0 else "lower"
        what = f"{cells['metric']}_difference"
        findings.append(asdict(Finding(what, str(cells["taxon"]), direction, effect, str(cells["effect_name"]), "clear", place, values)))
    return findings
