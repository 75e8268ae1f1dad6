"""Links between taxa and the diversity of the rest of the community, relative to the typical prevalent taxon of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from gutdiv.errors import InputError
from gutdiv.immune.composition import compose, pathogens
from gutdiv.immune.design import choose_design
from gutdiv.immune.estimates import Linked, estimate
from gutdiv.immune.verdicts import TYPICAL_LIMIT, findings, link_rows, marker_rows, notes
from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from gutdiv.model.cohort import Cohort

    Floats = npt.NDArray[np.float64]


def link(
    cohort: Cohort,
    rows: Sequence[Mapping[str, str]],
    *,
    covariates: Sequence[str] = (),
    markers: Sequence[str] = (),
    subject: str | None = None,
    limit: float = TYPICAL_LIMIT,
    load: str | None = None,
    external: Mapping[str, Floats] | None = None,
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
    external : mapping of str to (n_samples,) float
        Further values that stand in place of diversity, in the order of the samples, NaN where there is none; their rows have the test family
        `marker:NAME` as well.

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
    for name, values in ({m: cohort.metadata.numeric(m) for m in markers} | dict(external or {})).items():
        own = choose_design(cohort, covariates=covariates, subject=subject, needed={**needed, "the marker": values})
        linked = estimate(composition, rows, hidden, own, marker=values, load=amount)
        entry: dict[str, Any] = {"dropped": own.dropped}
        if isinstance(linked, str):
            about["absent"] = {**about["absent"], f"marker:{name}": linked}
        else:
            part = marker_rows(linked, name)
            frame = pd.concat([frame, part], ignore_index=True) if len(frame) else part
            entry |= {"g": linked.order_1.g, "se_g": linked.order_1.se_g, "n": len(own.rows), "n_reference_taxa": linked.n_reference}
            about["findings"] = about["findings"] + findings(part, what="marker_link", start=len(about["findings"]))
        about["markers"] = {**about["markers"], name: entry}
    return frame, about


def measured_load(cohort: Cohort, name: str) -> Floats:
    """Return the load of each sample from a numeric metadata column, NaN where it is missing.

    Raises
    ------
    InputError
        Where the column is unknown or not numeric, or a load is 0 or negative: it has no logarithm.
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
