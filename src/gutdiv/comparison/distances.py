"""PERMANOVA: how much of the squared distances between samples follows the terms of a formula, with permutations that respect subjects."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from gutdiv.comparison.scheme import Scheme, UntestableError, check_permute, choose_scheme, lay_out
from gutdiv.comparison.selection import choose_samples, gower_of, without_movers
from gutdiv.comparison.share import r2_of_all, subsample_note
from gutdiv.comparison.terms import BY, Model, build_model, refuse_mixed_model
from gutdiv.errors import InputError, count_noun
from gutdiv.grammar.formula import parse_formula
from gutdiv.model.results import TABLES, DistanceMatrix, Finding, Table
from gutdiv.numerics.permutation import permutation_p
from gutdiv.numerics.projection import pseudo_f, sums_of_squares
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.grammar.formula import Variable
    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
ALPHA = 0.05
_EXTRA = (
    *("by", "unit", "permutation_scheme", "n_dropped"),
    *("test", "omega_squared", "q", "family", "effect", "effect_name", "group_sizes", "unit_sizes", "strength"),
    *("statistic", "df_residual", "n_1", "n_2"),
    *("r2_all", "r2_low", "r2_high"),
)


@on_one_blas_thread
def permanova(
    distances: DistanceMatrix,
    metadata: SampleMetadata,
    *,
    formula: str,
    by: str = "terms",
    strata: str | None = None,
    subject: str | None = None,
    permute: str = "auto",
    permutations: int = 999,
    seed: int = 0,
    threads: int | None = None,
) -> Table:
    """Test the terms of a formula on distances (Anderson 2001; McArdle & Anderson 2001).

    Statistics equal those of `vegan::adonis2` with the same `by` (its `by = NULL` is `whole` here). Rows of the design are permuted
    against the distances, as there. With repeated subjects no sample counts as independent: each term is permuted within subjects or by
    whole subjects, as fits it (`gutdiv.comparison.scheme`), whatever else the formula holds.

    Parameters
    ----------
    distances : DistanceMatrix
        Distances between samples; samples without metadata are left out and counted.
    metadata : SampleMetadata
        Sample metadata; samples with a missing cell in a column used are left out and counted.
    formula : str
        For example `~ disease + age * sex` (`gutdiv.grammar.formula`).
    by : str
        `terms`: each term after those before it. `margin`: each term that is in no interaction of the formula, after all others.
        `whole`: all terms at once.
    strata : str, optional
        Column within whose values samples (or whole subjects) are exchanged.
    subject : str, optional
        Column that names the subject of each sample.
    permute : str
        `auto`, `within` or `whole`; only where subjects repeat. With `auto`, subjects within which a column of groups varies that is
        constant within more than half of all subjects are left out and counted.
    permutations : int
        Number of random permutations B; p = (1 + #{F* >= F}) / (1 + B).
    seed : int
        Seed; the draws depend on it, on the ids' order by name and on the number of the permutation only.
    threads : int, optional
        Threads that multiply; as many as BLAS would take where not given. The result does not depend on them.

    Returns
    -------
    Table
        Kind `permanova`: a row a tested term, then Residual and Total. A term that its scheme cannot test has no p, and the column
        `permutation_scheme` says why. `omega_squared` is the partial omega squared of the term (Olejnik & Algina 2003, Psychol. Methods
        8:434), which chance alone leaves around 0 whatever the number of samples, where R2 grows with every column:
        (SS - df MS_res) / (SS + (N - df) MS_res). q is Benjamini & Hochberg's over the terms that were tested here. `group_sizes` and
        `unit_sizes` count samples, and what is permuted, in each group or combination of groups of a term that holds no number.
        Where the distances are of a subsample, `r2_all`, `r2_low` and `r2_high` are R2 of all samples as estimated from it, with its 95 % interval
        (`gutdiv.comparison.share`).

    Raises
    ------
    ExpressionError
        Where the formula cannot be understood or names an unknown column.
    InputError
        Where options, distances and metadata do not fit.
    UntestableError
        Where these samples can test no term: too few, one group only, or tied by subjects or strata so that nothing can be permuted.
    """
    check_permute(permute, subject, permutations, seed)
    if by not in BY:
        msg = f"by {by!r} is unknown; {', '.join(BY)} are known."
        raise InputError(msg)
    parsed = parse_formula(formula)
    parsed.check_columns(metadata.columns)
    roles = [c for c in (subject, strata) if c is not None]
    chosen, missing = choose_samples(distances, metadata, [*parsed.columns, *roles])
    if subject is not None and permute == "auto":
        chosen = without_movers(chosen, metadata, parsed, subject, missing)
    rows = metadata.select(chosen)
    model = build_model(parsed, rows, by)
    gower = gower_of(distances, chosen)
    observed = model.project()
    n = len(chosen)
    df_residual = n - 1 - observed.basis.shape[1]
    if df_residual < 1:
        msg = f"formula {formula[:200]!r} has as many columns as there are samples ({n:,}), so that nothing is left to compare with."
        raise UntestableError(msg)
    terms, residual, total = sums_of_squares(gower, observed)
    if total <= 0:
        msg = f"the {n:,} samples used have no distance from each other; there is nothing to explain."
        raise UntestableError(msg)
    with np.errstate(divide="ignore"):
        f = terms / observed.df / (residual / df_residual)
    layout = lay_out(rows, subject=subject, strata=strata)
    schemes = [choose_scheme(parsed.columns, layout, rows, tested=c, permute=permute) for c in model.columns()]
    if by == "whole" and permute == "auto":
        refuse_mixed_model(schemes[0], parsed)
    if all(isinstance(s, str) for s in schemes):
        reasons = "; ".join(f"{label!r} {s}" for label, s in zip(model.labels(), schemes, strict=True))
        msg = f"formula {formula[:200]!r} cannot be tested: {reasons}."
        raise UntestableError(msg)
    p = np.full(len(terms), np.nan)
    for key in dict.fromkeys(s.key for s in schemes if isinstance(s, Scheme)):
        places = [k for k, s in enumerate(schemes) if isinstance(s, Scheme) and s.key == key]
        scheme = schemes[places[0]]
        assert isinstance(scheme, Scheme)
        permuted = pseudo_f(gower, model.permutation(scheme, seed), permutations, n_terms=len(terms), threads=threads)
        p[places] = permutation_p(f, permuted)[places]
    frame = _frame(model, terms, observed.df, f, p, schemes, residual=residual, df_residual=df_residual, total=total, n=n)
    frame.loc[~frame["p"].isna(), "permutations"] = permutations
    frame["n_dropped"] = len(distances.below_depth) + len(distances.ids) - n
    _add_family(frame, f"{by}, of {formula[:200]}, {distances.metric}")
    sizes = [group_sizes(v, rows, s) for v, s in zip(model.variables(), schemes, strict=True)]
    for column, kind in (("group_sizes", "samples"), ("unit_sizes", "units")):
        frame[column] = [*("; ".join(f"{g} {k}" for g, k in size[kind].items()) for size in sizes), "", ""]
    pairs = [tuple(size["samples"].values()) if len(size["samples"]) == 2 else (n, pd.NA) for size in sizes]
    for k, column in enumerate(("n_1", "n_2")):  # of two groups; else all samples
        frame[column] = pd.array([*(pair[k] for pair in pairs), pd.NA, pd.NA], dtype="Int64")
    frame["statistic"] = frame["f"]
    frame["df_residual"] = [*([float(df_residual)] * len(terms)), np.nan, np.nan]
    frame[["r2_all", "r2_low", "r2_high"]] = np.nan
    more: dict[str, object] = {}
    if subsample := distances.record.get("subsample"):
        shares, reason = r2_of_all(gower, model, rows, subsample, subject=subject, seed=seed)
        frame.loc[: len(terms) - 1, ["r2_all", "r2_low", "r2_high"]] = shares
        more = {"subsample": subsample, "notes": [subsample_note(subsample), *([f"{reason}."] if reason else [])]}
    frame = frame[[*TABLES["permanova"], *_EXTRA]]
    record = _record(frame, distances.metric, model, missing, dict(zip(model.labels(), sizes, strict=True)))
    return Table("permanova", frame, record | more)


def _add_family(frame: pd.DataFrame, family: str) -> None:
    """Add q over the tested rows, the family in words, and how clear each row is."""
    tested = ~frame["p"].isna()
    frame["q"] = np.nan
    frame.loc[tested, "q"] = false_discovery_control(frame.loc[tested, "p"], method="bh")
    frame["family"] = [f"{count_noun(int(tested.sum()), 'term')} tested by {family}" if t else "" for t in tested]
    rows = len(frame) - 2  # Residual and Total test nothing
    frame["strength"] = [strength_of(q) if k < rows else "" for k, q in enumerate(frame["q"])]


def strength_of(q: float) -> str:
    """`clear` where q passes the level of its family, else `weak`; `not assessable` without q."""
    return "not assessable" if np.isnan(q) else "clear" if q <= ALPHA else "weak"


def group_sizes(variables: Sequence[Variable], rows: SampleMetadata, scheme: Scheme | str) -> dict[str, dict[str, int]]:
    """Count samples, and units that are permuted, in each group or combination of groups; none where a variable is a number."""
    if any(rows.kinds[v.column] == "numeric" and not v.categorical for v in variables):
        return {"samples": {}, "units": {}}
    columns = dict.fromkeys(v.column for v in variables)
    cells = [[f"{x:.15g}" for x in rows.numeric(c)] if rows.kinds[c] == "numeric" else rows.column(c) for c in columns]
    labels = [":".join(map(str, names)) for names in zip(*cells, strict=True)]
    units = [] if isinstance(scheme, str) else labels
    if isinstance(scheme, Scheme) and scheme.moving is not None and scheme.layout.subjects is not None:
        units = [labels[k] for k in np.unique(scheme.layout.subjects, return_index=True)[1]]
    return {"samples": dict(sorted(Counter(labels).items())), "units": dict(sorted(Counter(units).items()))}


def _frame(
    model: Model,
    terms: Floats,
    df: npt.NDArray[np.int64],
    f: Floats,
    p: Floats,
    schemes: list[Scheme | str],
    *,
    residual: float,
    df_residual: int,
    total: float,
    n: int,
) -> pd.DataFrame:
    """Lay out the table: tested rows, Residual, Total."""
    squares = np.array([*terms, residual, total])
    frame = pd.DataFrame(
        {
            "term": [*model.labels(), "Residual", "Total"],
            "df": [*df.astype(float), float(df_residual), float(n - 1)],
            "sum_of_squares": squares,
            "r2": squares / total,
            "f": [*f, np.nan, np.nan],
            "p": [*p, np.nan, np.nan],
            "permutations": pd.array([pd.NA] * (len(terms) + 2), dtype="Int64"),
            "n": n,
        }
    )[list(TABLES["permanova"])]
    frame["by"] = model.by
    frame["unit"] = [*(s.unit if isinstance(s, Scheme) else "" for s in schemes), "", ""]
    frame["permutation_scheme"] = [*(s.name if isinstance(s, Scheme) else f"not tested: {s}" for s in schemes), "", ""]
    frame["test"] = [*([f"PERMANOVA, {'whole model' if model.by == 'whole' else f'by {model.by}'}"] * len(terms)), "", ""]
    mean_square = residual / df_residual
    frame["omega_squared"] = [*((terms - df * mean_square) / (terms + (n - df) * mean_square)), np.nan, np.nan]
    frame["effect"] = frame["omega_squared"]
    frame["effect_name"] = [*(["partial omega squared"] * len(terms)), "", ""]
    return frame


def _record(
    frame: pd.DataFrame, metric: str, model: Model, missing: dict[str, int], sizes: dict[str, dict[str, dict[str, int]]]
) -> dict[str, object]:
    """Say what the table shows and what was left out."""
    findings = []
    for rank, row in enumerate(frame.iloc[:-2].to_dict("records")):
        known = not np.isnan(row["p"])
        values = {
            "term": row["term"],
            "p": row["p"] if known else None,
            "q": row["q"] if known else None,
            "omega_squared": row["omega_squared"],
            "permutations": int(row["permutations"]) if known else None,
            "n": int(row["n"]),
            "by": model.by,
            "unit": row["unit"],
            "permutation_scheme": row["permutation_scheme"],
        }
        findings.append(asdict(Finding("structure", metric, "none", float(row["r2"]), "share of squared distance", row["strength"], rank, values)))
    return {
        "metric": metric,
        "findings": findings,
        "absent": {r["term"]: r["permutation_scheme"] for r in frame.iloc[:-2].to_dict("records") if np.isnan(r["p"])},
        "dropped": {c: k for c, k in missing.items() if k},
        "aliased": list(model.design.aliased),
        "group_sizes": sizes,
    }


def untested(metric: str, formula: str, reason: str) -> Table:
    """Make the table of a formula that these samples cannot test: no row, and the reason in the record."""
    columns = [*TABLES["permanova"], *_EXTRA]
    record = {"metric": metric, "findings": [], "absent": {formula: reason}, "dropped": {}, "aliased": []}
    return Table("permanova", pd.DataFrame({c: pd.Series(dtype=object) for c in columns}), record)
