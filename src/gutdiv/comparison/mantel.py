"""Mantel tests: whether two matrices of distances agree, given a third one or not, with permutations that respect subjects."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.comparison.distances import strength_of
from gutdiv.comparison.rows import as_group_tests
from gutdiv.comparison.scheme import MIN_ARRANGEMENTS, UntestableError, check_permute, lay_out, varies_within
from gutdiv.comparison.selection import matrix_of
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.model.results import DistanceMatrix, Finding, Table
from gutdiv.numerics.mantel import mantel_r, mean_blocks, partial_r, standardised
from gutdiv.numerics.permutation import count_arrangements, permutation_p, permute_rows
from gutdiv.numerics.threads import on_one_blas_thread

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata

METHODS = ("pearson", "spearman")
_MORE = {"alternative": "str", "n_samples": "int", "permutation_scheme": "str", "strength": "str"}
_ONE_UNIT = "whole subjects cannot be exchanged within strata"


@dataclass(frozen=True, eq=False)
class _Units:
    """What is permuted: codes of owners where samples are averaged (else None), blocks of units, and both in words."""

    owners: npt.NDArray[np.intp] | None
    blocks: npt.NDArray[np.intp]
    unit: str
    scheme: str


@on_one_blas_thread
def mantel(
    distances: DistanceMatrix,
    against: DistanceMatrix,
    metadata: SampleMetadata | None = None,
    *,
    given: DistanceMatrix | None = None,
    method: str = "pearson",
    strata: str | None = None,
    subject: str | None = None,
    permute: str = "auto",
    permutations: int = 999,
    seed: int = 0,
    threads: int | None = None,
) -> Table:
    """Correlate distances with others (Mantel 1967), or given third ones (Smouse, Long & Sokal 1986).

    Equal to `vegan::mantel` and `mantel.partial`: samples of the first matrix are permuted, and p is one-sided, for a correlation above 0.
    Distances along space or time are correlated in themselves, which no Mantel test allows for (Guillot & Rousset 2013, Methods Ecol.
    Evol. 4:336); partial tests are the more liberal.

    Parameters
    ----------
    distances, against, given : DistanceMatrix
        Samples that one of them lacks are left out and counted.
    metadata : SampleMetadata, optional
        Needed for strata and subjects.
    method : str
        `pearson`, or `spearman` for ranks of distances.
    strata : str, optional
        Column within whose values samples (or subjects) are exchanged.
    subject : str, optional
        Column that names the subject of each sample.
    permute : str
        With repeated subjects, `whole` (and `auto`): distances are averaged over the samples of each two subjects, and subjects are
        exchanged. `within`: samples are exchanged within subjects.
    permutations, seed, threads
        As for `gutdiv.comparison.distances.permanova`.

    Returns
    -------
    Table
        Kind `group_test`: one row, with statistic and effect r (-1 to 1).

    Raises
    ------
    InputError
        Where options, distances and metadata do not fit.
    UntestableError
        Where too few samples are shared, all distances of a matrix are equal, or nothing can be permuted.
    """
    check_permute(permute, subject, permutations, seed)
    if method not in METHODS:
        msg = f"method {method!r} is unknown; {', '.join(METHODS)} are known."
        raise InputError(msg)
    matrices = [distances, against, *([given] if given is not None else [])]
    chosen, dropped = _shared(matrices, metadata, [c for c in (subject, strata) if c is not None])
    units = _units(chosen, metadata, strata=strata, subject=subject, permute=permute)
    parts: list[npt.NDArray[np.float64]] = []
    for part in matrices:
        inside = matrix_of(part, chosen)
        ready = standardised(inside if units.owners is None else mean_blocks(inside, units.owners), ranks=method == "spearman")
        if ready is None:
            msg = f"all distances of {part.metric} between the {count_noun(units.blocks.size, 'unit')} used are equal: nothing can go along with them."
            raise UntestableError(msg)
        parts.append(ready)
    still = np.arange(units.blocks.size)
    yz = float(mantel_r(parts[1], parts[2:], lambda _: still, 1, threads=1)[0, 0]) if given is not None else 0.0
    if 1 - yz**2 < 1e-12:
        msg = f"{against.metric} and {given.metric if given else ''} are the same but for scale: given the one, nothing of the other is left."
        raise UntestableError(msg)

    def statistic(correlations: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return correlations[:, 0] if given is None else partial_r(correlations[:, 0], correlations[:, 1], yz)

    r = statistic(mantel_r(parts[0], parts[1:], lambda _: still, 1, threads=1))
    permuted = statistic(mantel_r(parts[0], parts[1:], lambda k: permute_rows(seed, k, blocks=units.blocks), permutations, threads=threads))
    p = float(permutation_p(r, permuted[:, None])[0])
    everyone = set().union(*(m.ids + m.below_depth for m in matrices))
    row = _row(matrices, method, units, float(r[0]), p, permutations)
    row |= {"n_samples": len(chosen), "n_dropped": len(everyone) - len(chosen)}
    values = {k: row[k] for k in ("p", "q", "variable", "test", "unit", "permutations")}
    finding = Finding("mantel", distances.metric, "none", float(r[0]), str(row["effect_name"]), str(row["strength"]), 0, values)
    record = {
        "metric": distances.metric,
        "variable": row["variable"],
        "subject": subject,
        "strata": strata,
        "dropped": dropped,
        "absent": {},
        "findings": [asdict(finding)],
    }
    return Table("group_test", as_group_tests([row], _MORE), record)


def _row(matrices: list[DistanceMatrix], method: str, units: _Units, r: float, p: float, permutations: int) -> dict[str, Any]:
    """Say what was tested and found."""
    partial = len(matrices) > 2
    name = "partial Mantel" if partial else "Mantel"
    variable = " | ".join(m.metric for m in matrices[1:])
    return {
        "metric": matrices[0].metric,
        "variable": variable,
        "test": f"{name}, {method}",
        "unit": units.unit,
        "contrast": f"{matrices[0].metric} ~ {variable}",
        "n_1": int(units.blocks.size),
        "statistic": r,
        "p": p,
        "permutations": permutations,
        "q": p,
        "family": f"the one {name} test of {matrices[0].metric} and {variable}",
        "effect": r,
        "effect_name": f"{name} r ({method})",
        "alternative": "greater",
        "permutation_scheme": units.scheme,
        "strength": strength_of(p),
    }


def _shared(matrices: list[DistanceMatrix], metadata: SampleMetadata | None, columns: list[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the samples that all matrices hold and that have a cell in every column, sorted by id; and how many lack what."""
    for part in matrices:
        if len(set(part.ids)) != len(part.ids):
            twice = sorted({i for i in part.ids if part.ids.count(i) > 1})
            msg = f"the distances {part.metric} hold {count_noun(twice, 'sample')} more than once: {first_ids(twice)}. Keep one row for each."
            raise InputError(msg)
    if columns and metadata is None:
        msg = f"column {columns[0]!r} is a column of the sample metadata, which is missing here. Give --metadata."
        raise InputError(msg)
    everyone = set().union(*(m.ids + m.below_depth for m in matrices))
    shared = everyone.intersection(*(m.ids for m in matrices))
    dropped = {f"(matrix {k + 1}, {m.metric})": len(everyone - set(m.ids)) for k, m in enumerate(matrices)}
    if metadata is not None and columns:
        known = sorted(shared & set(metadata.ids))
        dropped["(sample metadata)"] = len(shared) - len(known)
        rows = metadata.select(tuple(known))
        cells = {c: rows.column(c) for c in columns}
        dropped |= {c: sum(v is None for v in values) for c, values in cells.items()}
        shared = {s for k, s in enumerate(known) if all(values[k] is not None for values in cells.values())}
    if len(shared) < 3:
        lacking = ", ".join(f"{c!r} {k:,}" for c, k in dropped.items())
        msg = f"only {count_noun(shared, 'sample')} of {len(everyone):,} can be used (missing: {lacking}); at least 3 are needed."
        raise UntestableError(msg)
    return tuple(sorted(shared)), {c: k for c, k in dropped.items() if k}


def _units(chosen: tuple[str, ...], metadata: SampleMetadata | None, *, strata: str | None, subject: str | None, permute: str) -> _Units:
    """Choose what is permuted."""
    n = len(chosen)
    if metadata is None or (subject is None and strata is None):
        units = _Units(None, np.zeros(n, dtype=np.intp), "sample", "unrestricted")
    else:
        layout = lay_out(metadata.select(chosen), subject=subject, strata=strata)
        inside = f"within strata of {strata}" if strata is not None else "unrestricted"
        if layout.subjects is None:
            units = _Units(None, layout.blocks, "sample" if subject is None else f"sample (one of each subject of {subject})", inside)
        elif permute == "within":
            blocks = np.unique(np.stack([layout.blocks, layout.subjects]), axis=1, return_inverse=True)[1].astype(np.intp)
            place = f"within {f'strata of {strata} and ' if strata is not None else ''}subjects ({subject})"
            units = _Units(None, blocks, f"sample {place}", place)
        else:
            if varies_within(layout.blocks, layout.subjects).any():
                msg = f"some subjects ({subject}) are in more than one stratum of {strata}, so that {_ONE_UNIT}. Give --permute within."
                raise UntestableError(msg)
            first = np.unique(layout.subjects, return_index=True)[1]
            name = f"subject ({subject}; mean distance between the samples of each two)"
            units = _Units(layout.subjects, layout.blocks[first], name, f"whole subjects ({subject})" + f", {inside}" * (strata is not None))
    ways = count_arrangements(np.arange(units.blocks.size), units.blocks, exchangeable=False)
    if ways < MIN_ARRANGEMENTS:
        msg = f"{count_noun(units.blocks.size, 'unit')} ({units.unit}) can be arranged in only {count_noun(int(ways), 'way')}; "
        raise UntestableError(msg + f"p cannot fall below {1 / ways:.2g}.")
    return units
