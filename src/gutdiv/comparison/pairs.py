"""Pairs of groups: PERMANOVA of each, with covariates, and beside it whether the two differ in spread, which can look the same."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scipy.stats import false_discovery_control

from gutdiv.comparison.dispersion import compare_dispersion
from gutdiv.comparison.distances import permanova, strength_of
from gutdiv.comparison.groups import MAX_LEVELS
from gutdiv.comparison.rows import as_group_tests
from gutdiv.comparison.scheme import UntestableError, check_permute
from gutdiv.comparison.selection import choose_samples
from gutdiv.errors import count_noun
from gutdiv.grammar.formula import Formula, Term, Variable, parse_formula
from gutdiv.model.results import DistanceMatrix, Finding, Table
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from gutdiv.model.cohort import SampleMetadata

_MORE = {
    **{"r2": "float", "n_samples": "int", "samples_1": "int", "samples_2": "int", "permutation_scheme": "str"},
    **{"dispersion_statistic": "float", "dispersion_effect": "float", "dispersion_p": "float", "dispersion_q": "float"},
    **{"dispersion_unit": "str", "reading": "str", "strength": "str"},
    **{"r2_all": "float", "r2_low": "float", "r2_high": "float"},
}


@on_one_blas_thread
def compare_pairs(
    distances: DistanceMatrix,
    metadata: SampleMetadata,
    *,
    variable: str,
    formula: str | None = None,
    strata: str | None = None,
    subject: str | None = None,
    permute: str = "auto",
    permutations: int = 999,
    seed: int = 0,
    threads: int | None = None,
    known: Sequence[Table] = (),
) -> Table:
    """Test each pair of groups by PERMANOVA on the samples of the two alone, the groups after all covariates.

    All pairs use samples that have a value in every column used. The dispersion beside each pair is that of `compare_dispersion` over all
    groups of the same samples; its residuals are permuted without strata.

    Parameters
    ----------
    distances, metadata, strata, subject, permute, permutations, seed, threads
        As for `gutdiv.comparison.distances.permanova`.
    variable : str
        Metadata column of groups; numbers are taken as names of groups.
    formula : str, optional
        Covariates, as `~ age + sex`; the variable itself may stand in it, but in no interaction.
    known : sequence of Table
        Results with their records of `permanova` and `compare_dispersion` on the same distances and metadata. One that answers what is asked here (same
        samples, terms, permutations and seed) is taken and not computed again.

    Returns
    -------
    Table
        Kind `group_test`: a row a pair, with F, the residual degrees of freedom, p, q (Benjamini & Hochberg over the pairs), and as effect
        the partial omega squared of the groups. `reading` says what stands out at q <= .05: `structure`, `structure or spread` (both
        differ, so that the first may come of the second), `spread`, `neither`; with `, spread not tested` where it was not.

    Raises
    ------
    InputError
        Where options, distances and metadata do not fit.
    UntestableError
        Where fewer than two groups are left, or more than `MAX_LEVELS`, or the variable stands in an interaction.
    """
    check_permute(permute, subject, permutations, seed)
    tested = Variable(variable, categorical=metadata.column(variable) is not None and metadata.kinds[variable] == "numeric")
    model = _model(tested, formula)
    model.check_columns(metadata.columns)
    base, missing = choose_samples(distances, metadata, [*model.columns, *(c for c in (subject, strata) if c is not None)])
    rows = metadata.select(base)
    groups = _groups(rows, variable)
    levels = sorted(set(groups), key=float if tested.categorical else str)
    if len(levels) < 2:
        msg = f"column {variable!r} has {count_noun(levels, 'group')} among the {count_noun(base, 'sample')} used; two or more are needed."
        raise UntestableError(msg)
    if len(levels) > MAX_LEVELS:
        msg = f"column {variable!r} has {count_noun(levels, 'group')}; pairs are compared up to {MAX_LEVELS}. Name a column with fewer."
        raise UntestableError(msg)
    asked = {"variable": variable, "subject": subject, "permutations": permutations}
    spread = _known_spread(known, asked, base, seed=seed)
    if spread is None:
        spread = compare_dispersion(distances, rows, variable=variable, subject=subject, permutations=permutations, seed=seed)
    asked = {"by": "margin", "strata": strata, "subject": subject, "permute": permute, "permutations": permutations}
    whole = _known_test(known, asked, model, seed=seed) if len(levels) == 2 else None
    absent = {f"dispersion of {name}": str(why) for name, why in spread.record["absent"].items()}
    found: list[dict[str, Any]] = []
    without: list[str] = []
    for pair in itertools.combinations(levels, 2):
        name = " - ".join(pair)
        inside = tuple(s for s, g in zip(base, groups, strict=True) if g in pair)
        try:
            table = whole or permanova(
                distances,
                rows.select(inside),
                formula=model.text,
                by="margin",
                strata=strata,
                subject=subject,
                permute=permute,
                permutations=permutations,
                seed=seed,
                threads=threads,
            )
        except UntestableError as error:
            absent[name] = str(error)
            continue
        row = next(r for r in table.frame.to_dict("records") if r["term"] == tested.label)
        if math.isnan(row["p"]):
            absent[name] = str(row["permutation_scheme"])
            continue
        without += [f"{name}: {note}" for note in table.record.get("notes", [])[1:]]  # the first is of all pairs
        n_dropped = len(distances.below_depth) + len(inside) - row["n"] + len(distances.ids) - len(base)
        found.append({"metric": distances.metric, "variable": variable} | _row(pair, row, table, n_dropped=n_dropped))
    _judge(found, spread.frame, f"{count_noun(found, 'pair')} of {variable}, {model.text[:200]}, {distances.metric}")
    record = {
        "metric": distances.metric,
        "variable": variable,
        "formula": model.text,
        "subject": subject,
        "strata": strata,
        "dropped": {c: k for c, k in missing.items() if k},
        "group_sizes": dict(Counter(groups)),
        "absent": absent,
        "findings": _findings(found),
        "notes": [*_notes(found), *without],
    }
    return Table("group_test", as_group_tests(found, _MORE), record)


def _known_spread(known: Sequence[Table], asked: Mapping[str, Any], samples: Sequence[str], *, seed: int) -> Table | None:
    """Return the dispersion of these groups, where it is known for the same samples."""
    asked = {**asked, "centre": "auto", "bias_adjust": False, "square_root": False}
    for table in known:
        if table.kind == "group_test" and _answers(table, asked, seed) and set(table.record.get("distances") or ()) == set(samples):
            return table
    return None


def _known_test(known: Sequence[Table], asked: Mapping[str, Any], model: Formula, *, seed: int) -> Table | None:
    """Return the PERMANOVA of this model over all groups, where it is known: of two groups it is that of their pair."""
    for table in known:
        answers = table.kind == "permanova" and len(table.frame) > 0 and _answers(table, asked, seed)
        if answers and parse_formula(str(table.record["options"]["formula"])).terms == model.terms:
            return table
    return None


def _answers(table: Table, asked: Mapping[str, Any], seed: int) -> bool:
    """Whether a result was made with these options."""
    options = table.record.get("options") or {}
    return table.record.get("seed") == seed and all(options.get(key) == value for key, value in asked.items())


def untested(metric: str, variable: str, reason: str) -> Table:
    """Make the table of pairs that these samples cannot test: no row, and the reason in the record."""
    record = {"metric": metric, "variable": variable, "findings": [], "absent": {variable: reason}, "dropped": {}}
    return Table("group_test", as_group_tests([], _MORE), record)


def _model(tested: Variable, formula: str | None) -> Formula:
    """Return the covariates with the groups behind them."""
    terms = parse_formula(formula).terms if formula else ()
    crossed = [t.label for t in terms if len(t.variables) > 1 and any(v.column == tested.column for v in t.variables)]
    if crossed:
        msg = (
            f"the groups {tested.column!r} stand in the interaction {crossed[0]!r}, so that a pair of them has no one difference. "
            "Leave the interaction out, or test it by `gutdiv comparison permanova`."
        )
        raise UntestableError(msg)
    others = tuple(t for t in terms if all(v.column != tested.column for v in t.variables))
    mains = tuple(t for t in others if len(t.variables) == 1)
    all_terms = (*mains, Term((tested,)), *(t for t in others if len(t.variables) > 1))
    return Formula("~ " + " + ".join(t.label for t in all_terms), all_terms)


def _groups(rows: SampleMetadata, variable: str) -> list[str]:
    """Return the name of each sample's group; equal numbers are one however they are written."""
    if rows.kinds[variable] == "numeric":
        return [f"{x:.15g}" for x in rows.numeric(variable)]
    return [str(c) for c in rows.column(variable)]


def _row(pair: tuple[str, str], row: Mapping[Any, Any], table: Table, *, n_dropped: int) -> dict[str, Any]:
    """Take what PERMANOVA says of one pair."""
    sizes = table.record["group_sizes"][row["term"]]
    return {
        "test": "PERMANOVA of a pair, by margin",
        "unit": row["unit"],
        "contrast": " - ".join(pair),
        "n_1": sizes["units"][pair[0]],
        "n_2": sizes["units"][pair[1]],
        "statistic": row["f"],
        "df": float(table.frame["df"].iloc[-2]),
        "p": row["p"],
        "permutations": int(row["permutations"]),
        "effect": row["omega_squared"],
        "effect_name": "partial omega squared",
        "n_dropped": n_dropped,
        "r2": row["r2"],
        "n_samples": int(row["n"]),
        "samples_1": sizes["samples"][pair[0]],
        "samples_2": sizes["samples"][pair[1]],
        "permutation_scheme": row["permutation_scheme"],
        **{name: row[name] for name in ("r2_all", "r2_low", "r2_high")},
    }


def _judge(found: list[dict[str, Any]], spread: pd.DataFrame, family: str) -> None:
    """Add q, the dispersion of each pair, and how both read together."""
    beside = {row["contrast"]: row for row in spread.to_dict("records")}
    q: list[float] = false_discovery_control([r["p"] for r in found], method="bh").tolist() if found else []
    for row, value in zip(found, q, strict=True):
        wide = beside.get(row["contrast"], {})
        row |= {"q": value, "family": family, "strength": strength_of(value)}
        row |= {f"dispersion_{k}": wide.get(k, math.nan) for k in ("statistic", "effect", "p", "q")}
        row |= {"dispersion_unit": wide.get("unit", ""), "reading": reading_of(row)}


def reading_of(row: Mapping[str, Any]) -> str:
    """Say what q and dispersion_q of a pair mean together."""
    structure, spread = (strength_of(row[k]) for k in ("q", "dispersion_q"))
    if spread == "not assessable":
        return "structure, spread not tested" if structure == "clear" else "neither, spread not tested"
    if structure == "clear":
        return "structure or spread" if spread == "clear" else "structure"
    return "spread" if spread == "clear" else "neither"


def _findings(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One finding a pair."""
    keys = ("contrast", "variable", "p", "q", "permutations", "unit", "n_samples", "dispersion_p", "dispersion_q", "reading")
    return [
        asdict(
            Finding("pair_structure", row["metric"], "none", row["effect"], row["effect_name"], row["strength"], k, {c: row[c] for c in keys})
        )
        for k, row in enumerate(found)
    ]


def _notes(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say where structure may be spread."""
    both = [row["contrast"] for row in found if row["reading"] == "structure or spread"]
    if not both:
        return []
    return [
        f"{count_noun(both, 'pair')} ({'; '.join(both)}) differ both in PERMANOVA and in dispersion: the difference in structure may be one of spread."
    ]
