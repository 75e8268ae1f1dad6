"""PERMANOVA: how much of the squared distances between samples follows the terms of a formula, with permutations that respect subjects."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.comparison.scheme import Scheme, UntestableError, check_permute, choose_scheme, few_varying, lay_out
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.grammar.design import Design, build_design
from gutdiv.grammar.formula import Formula, Term, parse_formula
from gutdiv.model.results import TABLES, DistanceMatrix, Finding, Table
from gutdiv.numerics.permutation import permutation_p
from gutdiv.numerics.projection import Projection, gower_centred, marginal, pseudo_f, sequential, sums_of_squares

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gutdiv.model.cohort import SampleMetadata

Floats = npt.NDArray[np.float64]
BY = ("terms", "margin", "whole")
MODEL = "Model"
ALPHA = 0.05
_EXTRA = ("by", "unit", "permutation_scheme", "n_dropped")


@dataclass(frozen=True, eq=False)
class Model:
    """A design with the designs that lack one tested term each (by margin only); how its terms are tested."""

    by: str
    design: Design
    tested: tuple[Term, ...]
    reduced: tuple[Design | None, ...]

    def labels(self) -> list[str]:
        """Names of the tested rows."""
        return [MODEL] if self.by == "whole" else [t.label for t in self.tested]

    def columns(self) -> list[tuple[str, ...]]:
        """Metadata columns of each tested row."""
        if self.by == "whole":
            return [self.design.formula.columns]
        return [tuple(dict.fromkeys(v.column for v in t.variables)) for t in self.tested]

    def project(self, parts: Mapping[int, Floats] | None = None) -> Projection:
        """Project on the design, or on the permuted matrices `parts`: the full one at -1, the reduced ones at their places."""
        full = self.design.matrix if parts is None else parts[-1]
        if self.by == "whole":
            return sequential(full, [slice(1, full.shape[1])])
        if self.by == "terms":
            return sequential(full, [self.design.slices[t.label] for t in self.tested])
        ones = np.ones((full.shape[0], 1))
        if parts is not None:
            return marginal(full, [parts.get(k, ones) for k in range(len(self.reduced))])
        return marginal(full, [ones if r is None else r.matrix for r in self.reduced])

    def permuted(self, scheme: Scheme, permutations: int, seed: int) -> Iterator[Projection]:
        """Project on every permuted design."""
        maps = scheme.maps(permutations, seed)
        if scheme.moving is None:
            observed = self.project()
            for taken in maps:
                yield Projection(observed.basis[taken], observed.directions)
            return
        designs = {-1: self.design, **{k: r for k, r in enumerate(self.reduced) if r is not None}}
        halves = {k: d.split(scheme.moving) for k, d in designs.items()}
        for taken in maps:
            yield self.project({k: moving[taken] * staying for k, (moving, staying) in halves.items()})


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

    Returns
    -------
    Table
        Kind `permanova`: a row a tested term, then Residual and Total. A term that its scheme cannot test has no p, and the column
        `permutation_scheme` says why.

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
    chosen, missing = _samples(distances, metadata, [*parsed.columns, *roles])
    if subject is not None and permute == "auto":
        chosen = _without_movers(chosen, metadata, parsed, subject, missing)
    rows = metadata.select(chosen)
    model = _model(parsed, rows, by)
    gower = gower_centred(matrix_of(distances, chosen))
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
    f = pseudo_f(gower, [observed], n_terms=len(terms))[0]
    layout = lay_out(rows, subject=subject, strata=strata)
    schemes = [choose_scheme(parsed.columns, layout, rows, tested=c, permute=permute) for c in model.columns()]
    if by == "whole" and permute == "auto":
        _refuse_mixed_model(schemes[0], parsed)
    if all(isinstance(s, str) for s in schemes):
        reasons = "; ".join(f"{label!r} {s}" for label, s in zip(model.labels(), schemes, strict=True))
        msg = f"formula {formula[:200]!r} cannot be tested: {reasons}."
        raise UntestableError(msg)
    p = np.full(len(terms), np.nan)
    for key in dict.fromkeys(s.key for s in schemes if isinstance(s, Scheme)):
        places = [k for k, s in enumerate(schemes) if isinstance(s, Scheme) and s.key == key]
        scheme = schemes[places[0]]
        assert isinstance(scheme, Scheme)
        permuted = pseudo_f(gower, model.permuted(scheme, permutations, seed), n_terms=len(terms))
        p[places] = permutation_p(f, permuted)[places]
    frame = _frame(model, terms, observed.df, f, p, schemes, residual=residual, df_residual=df_residual, total=total, n=n)
    frame.loc[~frame["p"].isna(), "permutations"] = permutations
    frame["n_dropped"] = len(distances.ids) - n
    frame = frame[[*TABLES["permanova"], *_EXTRA]]
    return Table("permanova", frame, _record(frame, distances.metric, model, missing))


def _samples(distances: DistanceMatrix, metadata: SampleMetadata, columns: list[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the samples to use, sorted by id, and how many lack what: metadata, or a cell of a column."""
    if len(set(distances.ids)) != len(distances.ids):
        twice = sorted({i for i in distances.ids if distances.ids.count(i) > 1})
        msg = f"the distances hold {count_noun(twice, 'sample')} more than once: {first_ids(twice)}. Keep one row and column for each."
        raise InputError(msg)
    known = set(metadata.ids)
    shared = tuple(sorted(i for i in distances.ids if i in known))
    if not shared:
        msg = (
            f"none of the {count_noun(distances.ids, 'sample')} of the distances ({first_ids(distances.ids)}) is in the sample metadata "
            f"({first_ids(metadata.ids)}). Give the metadata of the same samples."
        )
        raise InputError(msg)
    rows = metadata.select(shared)
    cells = {c: rows.column(c) for c in dict.fromkeys(columns)}
    missing = {"(sample metadata)": len(distances.ids) - len(shared), **{c: sum(v is None for v in values) for c, values in cells.items()}}
    chosen = tuple(s for k, s in enumerate(shared) if all(values[k] is not None for values in cells.values()))
    if len(chosen) < 3:
        lacking = ", ".join(f"{c!r} {k:,}" for c, k in missing.items())
        msg = f"only {count_noun(chosen, 'sample')} have a value in every column used (missing: {lacking}); at least 3 are needed."
        raise UntestableError(msg)
    return chosen, missing


def _without_movers(
    chosen: tuple[str, ...], metadata: SampleMetadata, formula: Formula, subject: str, missing: dict[str, int]
) -> tuple[str, ...]:
    """Leave out the few subjects within which a column of groups varies that is constant within most, and count their samples.

    Else five people who changed their group would decide that only change is tested, and hundreds who did not would count for nothing.
    """
    rows = metadata.select(chosen)
    left_out: set[str] = set()
    for column in formula.columns:
        as_groups = any(v.categorical and v.column == column for v in formula.variables)
        if as_groups or rows.kinds[column] != "numeric" or np.unique(rows.numeric(column)).size == 2:
            movers = few_varying(rows, column, subject)
            if movers:
                missing[f"(of a subject with several values of {column})"] = len(movers)
            left_out.update(movers)
    return tuple(s for s in chosen if s not in left_out)


def matrix_of(distances: DistanceMatrix, chosen: tuple[str, ...]) -> npt.NDArray[np.generic]:
    """Return the distances of the chosen samples in their order; refuse what is no distance."""
    place = {s: k for k, s in enumerate(distances.ids)}
    at = np.array([place[s] for s in chosen])
    matrix = distances.matrix if np.array_equal(at, np.arange(len(distances.ids))) else distances.matrix[np.ix_(at, at)]
    bad = ~np.isfinite(matrix) | (matrix < 0)
    if bad.any():
        names = [chosen[k] for k in np.flatnonzero(bad.any(axis=1))]
        msg = f"{count_noun(names, 'sample')} have distances that are not defined or negative: {first_ids(names)}. Leave them out."
        raise InputError(msg)
    return matrix


def _model(formula: Formula, rows: SampleMetadata, by: str) -> Model:
    """Build the design and, by margin, the designs without each tested term."""
    try:
        design = build_design(formula, rows)
    except InputError as error:
        raise UntestableError(str(error)) from error
    if by != "margin":
        return Model(by, design, formula.terms, ())
    tested = tuple(t for t in formula.terms if not any(o is not t and o.contains(t) for o in formula.terms))
    reduced = []
    for term in tested:
        others = tuple(t for t in formula.terms if t is not term)
        reduced.append(build_design(Formula(formula.text, others), rows) if others else None)
    model = Model(by, design, tested, tuple(reduced))
    lost = [t.label for t, df in zip(tested, model.project().df, strict=True) if df == 0]
    if lost:
        msg = (
            f"term {lost[0]!r} of formula {formula.text[:200]!r} has no part of its own beside the others: together they determine it. "
            "Leave it out, or test by terms."
        )
        raise UntestableError(msg)
    return model


def _refuse_mixed_model(scheme: Scheme | str, formula: Formula) -> None:
    """Refuse a whole-model test of columns of which some are constant within subjects and some vary: no one scheme fits both."""
    if isinstance(scheme, Scheme) and scheme.moving is not None and set(formula.columns) - scheme.moving:
        msg = (
            f"formula {formula.text[:200]!r} mixes columns that are constant within subjects ({first_ids(sorted(scheme.moving))}) with "
            f"columns that vary there ({first_ids(sorted(set(formula.columns) - scheme.moving))}); as a whole it can be permuted in no one "
            "way. Test it by terms or by margin, or choose what to permute."
        )
        raise UntestableError(msg)


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
    return frame


def _record(frame: pd.DataFrame, metric: str, model: Model, missing: dict[str, int]) -> dict[str, object]:
    """Say what the table shows and what was left out."""
    findings = []
    for rank, row in enumerate(frame.iloc[:-2].to_dict("records")):
        known = not np.isnan(row["p"])
        strength = ("clear" if row["p"] <= ALPHA else "weak") if known else "not assessable"
        values = {
            "term": row["term"],
            "p": row["p"] if known else None,
            "permutations": int(row["permutations"]) if known else None,
            "n": int(row["n"]),
            "by": model.by,
            "unit": row["unit"],
            "permutation_scheme": row["permutation_scheme"],
        }
        findings.append(asdict(Finding("structure", metric, "none", float(row["r2"]), "share of squared distance", strength, rank, values)))
    return {
        "metric": metric,
        "findings": findings,
        "absent": {r["term"]: r["permutation_scheme"] for r in frame.iloc[:-2].to_dict("records") if np.isnan(r["p"])},
        "dropped": {c: k for c, k in missing.items() if k},
        "aliased": list(model.design.aliased),
    }


def untested(metric: str, formula: str, reason: str) -> Table:
    """Make the table of a formula that these samples cannot test: no row, and the reason in the record."""
    columns = [*TABLES["permanova"], *_EXTRA]
    record = {"metric": metric, "findings": [], "absent": {formula: reason}, "dropped": {}, "aliased": []}
    return Table("permanova", pd.DataFrame({c: pd.Series(dtype=object) for c in columns}), record)
