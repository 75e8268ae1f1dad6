"""ANOSIM: whether distances between groups rank higher than those within, with permutations that respect subjects."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.comparison.distances import strength_of
from gutdiv.comparison.rows import as_group_tests
from gutdiv.comparison.scheme import UntestableError, check_permute, choose_scheme, lay_out
from gutdiv.comparison.selection import choose_samples, matrix_of, without_movers
from gutdiv.errors import count_noun
from gutdiv.grammar.formula import Formula, Term, Variable
from gutdiv.model.results import DistanceMatrix, Finding, Table
from gutdiv.numerics.anosim import anosim_r, rank_matrix
from gutdiv.numerics.permutation import permutation_p
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata

_MORE = {"n_samples": "int", "group_sizes": "str", "unit_sizes": "str", "permutation_scheme": "str", "strength": "str"}


@on_one_blas_thread
def anosim(
    distances: DistanceMatrix,
    metadata: SampleMetadata,
    *,
    variable: str,
    strata: str | None = None,
    subject: str | None = None,
    permute: str = "auto",
    permutations: int = 999,
    seed: int = 0,
    threads: int | None = None,
) -> Table:
    """Compare ranks of distances between and within groups (Clarke 1993), equal to `vegan::anosim`.

    With repeated subjects groups are permuted by whole subjects or within subjects, as for `permanova`. R mixes place and spread: a
    wider group lowers it as a nearer one does, so that dispersion belongs beside it.

    Parameters
    ----------
    distances, metadata, strata, subject, permute, permutations, seed, threads
        As for `gutdiv.comparison.distances.permanova`.
    variable : str
        Metadata column of groups; numbers are taken as names of groups.

    Returns
    -------
    Table
        Kind `group_test`: one row, with statistic and effect R (-1 to 1).

    Raises
    ------
    InputError
        Where options, distances and metadata do not fit.
    UntestableError
        Where there are fewer than two groups, no group has two samples, or nothing can be permuted.
    """
    check_permute(permute, subject, permutations, seed)
    metadata.column(variable)
    chosen, missing = choose_samples(distances, metadata, [variable, *(c for c in (subject, strata) if c is not None)])
    if subject is not None and permute == "auto":
        of_groups = Formula(variable, (Term((Variable(variable, categorical=True),)),))
        chosen = without_movers(chosen, metadata, of_groups, subject, missing)
    rows = metadata.select(chosen)
    cells = [f"{x:.15g}" for x in rows.numeric(variable)] if rows.kinds[variable] == "numeric" else [str(c) for c in rows.column(variable)]
    levels, codes = np.unique(np.array(cells, dtype=object), return_inverse=True)
    sizes = np.bincount(codes)
    if levels.size < 2 or sizes.max() < 2:
        msg = f"column {variable!r} has {count_noun(levels.size, 'group')} among the {count_noun(len(chosen), 'sample')} used; "
        raise UntestableError(msg + "two or more are needed, and two samples in one of them.")
    layout = lay_out(rows, subject=subject, strata=strata)
    scheme = choose_scheme([variable], layout, rows, tested=[variable], permute=permute)
    if isinstance(scheme, str):
        msg = f"column {variable!r} cannot be tested: {scheme}."
        raise UntestableError(msg)
    ranks = rank_matrix(matrix_of(distances, chosen))
    r = anosim_r(ranks, lambda _: codes, 1, threads=1)
    permuted = anosim_r(ranks, lambda number: codes[scheme.draw(number, seed)], permutations, threads=threads)
    p = float(permutation_p(r, permuted[:, None])[0])
    units = codes if scheme.moving is None or layout.subjects is None else codes[np.unique(layout.subjects, return_index=True)[1]]
    counts = np.bincount(units, minlength=levels.size)
    pair = levels.size == 2
    row = {
        "metric": distances.metric,
        "variable": variable,
        "test": "ANOSIM",
        "unit": scheme.unit,
        "contrast": (" - " if pair else ", ").join(levels),
        "n_1": int(counts[0]) if pair else int(counts.sum()),
        "n_2": int(counts[1]) if pair else None,
        "statistic": float(r[0]),
        "p": p,
        "permutations": permutations,
        "q": p,
        "family": f"the one ANOSIM by {variable}, {distances.metric}",
        "effect": float(r[0]),
        "effect_name": "ANOSIM R",
        "n_dropped": len(distances.below_depth) + len(distances.ids) - len(chosen),
        "n_samples": len(chosen),
        "group_sizes": "; ".join(f"{g} {k}" for g, k in zip(levels, sizes, strict=True)),
        "unit_sizes": "; ".join(f"{g} {k}" for g, k in zip(levels, counts, strict=True)),
        "permutation_scheme": scheme.name,
        "strength": strength_of(p),
    }
    values = {k: row[k] for k in ("p", "q", "variable", "contrast", "unit", "permutations")}
    finding = Finding("anosim", distances.metric, "none", float(r[0]), "ANOSIM R", str(row["strength"]), 0, values)
    record = {
        "metric": distances.metric,
        "variable": variable,
        "subject": subject,
        "strata": strata,
        "dropped": {c: k for c, k in missing.items() if k},
        "absent": {},
        "findings": [asdict(finding)],
    }
    return Table("group_test", as_group_tests([row], _MORE), record)
