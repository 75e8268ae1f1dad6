"""Links between taxa and the diversity of the rest of the community, relative to the typical prevalent taxon of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gutdiv.errors import InputError
from gutdiv.immune.composition import compose, pathogens
from gutdiv.immune.design import choose_design
from gutdiv.immune.estimates import Linked, estimate
from gutdiv.immune.verdicts import TYPICAL_LIMIT, findings, link_rows, marker_rows, notes
from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from gutdiv.model.cohort import Cohort

    Floats = npt.NDArray[np.float64]


VERDICT = "verdict"
LOAD_RANGE = 2.0  # largest to smallest load; counted cells of stool differ tenfold and more (Tito 2024), their logarithms hardly
VERDICT_NOTE = (
    "The verdict was made of the same reads as the taxa, each taxon among them: links with it describe which taxa go with it, "
    "and their p is no test."
)


def link(
    cohort: Cohort,
    rows: Sequence[Mapping[str, str]],
    *,
    covariates: Sequence[str] = (),
    markers: Sequence[str] = (),
    subject: str | None = None,
    limit: float = TYPICAL_LIMIT,
    load: str | None = None,
    verdict: Floats | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Link each taxon with the diversity of all others, and with measured markers.

    Parameters
    ----------
    cohort : Cohort
        Counts are used as they are: neither rarefied nor adjusted for depth.
    rows : sequence of mapping
        The knowledge base (`io.knowledge.read_immune_taxa`): its taxa are the confirmatory family, all others the exploratory one.
    covariates : sequence of str
        Metadata columns to adjust for.
    markers : sequence of str
        Numeric metadata columns that stand in place of diversity; their rows have the test family `marker:COL`.
    subject : str, optional
        Metadata column of the subject, where subjects repeat.
    limit : float
        Slope of the typical taxon, in ln-units per SD, up to which a link must hold for an absolute statement.
    load : str, optional
        Numeric metadata column with the measured load of each sample: cells, or copies of a gene by qPCR, per gram or millilitre. Links are
        then of absolute abundance.
    verdict : (n_samples,) float, optional
        How far each sample lies from the controls (`verdict_axis`), NaN where it has no place. It stands in place of diversity too, with
        the test family `marker:verdict`, and its links are a description only: the verdict was made of the same reads.

    Returns
    -------
    frame : DataFrame
        Columns of the kind `links` and further ones (see `docs/knowledge.md`); no rows where the record's `absent` says why.
    about : dict
        `g, se_g, n_reference_taxa, n, dropped, notes, findings, absent, ...` for the record.

    Raises
    ------
    InputError
        Where a column is unknown, a marker or the load is not numeric, a load is not above 0, or covariates leave too few degrees of freedom.
    """
    if cohort.lineages is None:
        return _nothing("the cohort has no lineages, so that no taxon can be named")
    composition = compose(cohort)
    hidden = pathogens(rows)
    amount = measured_load(cohort, load) if load else None
    needed = {f"load {load}": amount} if amount is not None else {}
    design = choose_design(cohort, covariates=covariates, subject=subject, needed=needed)
    found = estimate(composition, rows, hidden, design, load=amount)
    if isinstance(found, str):
        frame, about = _nothing(found)
    else:
        frame = link_rows(found, limit=limit)
        about = _about(found, frame, limit)
    about |= {"dropped": design.dropped, "judged_by": design.judged_by, "scale": "absolute" if load else "relative"}
    axes = {m: cohort.metadata.numeric(m) for m in markers}
    if verdict is not None:
        if VERDICT in axes:
            msg = f"column {VERDICT!r} of the sample metadata is a marker, and the verdict is to be one as well. Rename the column."
            raise InputError(msg)
        axes[VERDICT] = verdict
    for name, values in axes.items():
        own = choose_design(cohort, covariates=covariates, subject=subject, needed={**needed, "the marker": values})
        linked = estimate(composition, rows, hidden, own, marker=values, load=amount)
        entry: dict[str, Any] = {"dropped": own.dropped}
        if isinstance(linked, str):
            about["absent"] = {**about["absent"], f"marker:{name}": linked}
        else:
            described = verdict is not None and name == VERDICT
            part = marker_rows(linked, name, described=described)
            frame = pd.concat([frame, part], ignore_index=True) if len(frame) else part
            entry |= {"g": linked.order_1.g, "se_g": linked.order_1.se_g, "n": len(own.rows), "n_reference_taxa": linked.n_reference}
            if described:
                about["notes"] = [*about["notes"], VERDICT_NOTE]
            else:
                about["findings"] = about["findings"] + findings(part, what="marker_link", start=len(about["findings"]))
        about["markers"] = {**about["markers"], name: entry}
    return frame, about


def verdict_axis(cohort: Cohort, verdicts: pd.DataFrame) -> Floats:
    """Place each sample that is no control by the p of its verdict: 0 nearest to the controls, 1 farthest, ties in the middle.

    Ranks, for p has a floor of 1 / (controls + 1). Controls and samples without a p have NaN: with them in, the axis would be the difference
    between controls and others.

    Parameters
    ----------
    cohort : Cohort
    verdicts : DataFrame of kind `verdicts`
    """
    usable = verdicts[~verdicts["is_control"].astype(bool) & verdicts["p"].notna()]
    rank = usable["p"].rank(ascending=False)
    place = dict(zip(usable["sample_id"], (rank - 0.5) / max(len(usable), 1), strict=True))
    return np.array([place.get(s, np.nan) for s in cohort.sample_ids], dtype=np.float64)


def measured_load(cohort: Cohort, name: str) -> Floats:
    """Return the load of each sample from a numeric metadata column, NaN where it is missing.

    Raises
    ------
    InputError
        Where the column is unknown or not numeric, a load is 0 or negative (it has no logarithm), or all loads lie within a factor of
        two, as logarithms do: links would be called absolute without being so.
    """
    values = cohort.metadata.numeric(name)
    wrong = [s for s, v in zip(cohort.sample_ids, values.tolist(), strict=True) if v <= 0]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        msg = (
            f"column {name!r} of the sample metadata holds a load of 0 or less in {len(wrong)} of {len(cohort.sample_ids)} samples "
            f"({', '.join(wrong[:5])}{more}). A load is a number of cells or gene copies above 0, not its logarithm; "
            "leave the cell empty where nothing was measured."
        )
        raise InputError(msg)
    known = values[np.isfinite(values)]
    if known.size and known.max() <= LOAD_RANGE * known.min():
        msg = (
            f"column {name!r} of the sample metadata holds loads from {known.min():g} to {known.max():g}, less than twofold apart. Loads of people "
            "differ more than that; these look like logarithms, or like one value for all. Give the number of cells or gene copies itself "
            "(10^x of a common logarithm), or leave --load out."
        )
        raise InputError(msg)
    return values


def _about(found: Linked, frame: pd.DataFrame, limit: float) -> dict[str, Any]:
    """What the record says of the whole table."""
    first, second, third = found.order_1, found.order_2, found.alone
    assert second is not None
    assert third is not None
    return {
        "absent": {},
        "n": len(found.design.rows),
        "n_units": int(found.design.basis.shape[0]),
        "freedom": found.design.freedom,
        "g": first.g,
        "se_g": first.se_g,
        "n_reference_taxa": found.n_reference,
        "g_order_2": second.g,
        "g_without_partners": third.g,
        "g_at_prevalence": dict(found.spread),
        "typical_limit": limit,
        "depth_correlation": found.depth_correlation,
        "tests": {str(k): int(v) for k, v in frame["test_family"].value_counts().sort_index().items()},
        "notes": notes(found),
        "findings": findings(frame, what="link", start=0),
        "markers": {},
    }


def _nothing(reason: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table without rows, and the reason."""
    frame = pd.DataFrame({c: pd.Series(dtype=object) for c in TABLES["links"]})
    return frame, {"absent": {"links": reason}, "notes": [], "findings": [], "markers": {}}
