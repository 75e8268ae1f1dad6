"""What a table's values are: read counts, or one of the many things that look like them and must not be taken for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.errors import InputError, count_noun, first_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gutdiv.model.inputs import RawTable

DECLARED = ("auto", "reads", "cells")
MODES = ("counts", "rarefied")  # what a cohort can be made of; `mode` in its record

# No library of amplicons is as deep: the deepest samples of public 16S tables hold some millions of reads.
_DEEPEST = 1e8
_EXACT = 2.0**53  # from here on floats no longer tell a whole number from the next: 2^53 + 1 is read as 2^53
_RICH = 20  # features that a sample needs before a common divisor of its counts can be no chance
_FIXED = ("BIOM", "QIIME", "mothur", "AnnData", "RDP", "nf-core")  # formats that say themselves where samples stand
_SPECIES = re.compile(r"(?:Candidatus[ _.])?[A-Z]\w*?[a-zA-Z0-9][ _.](?:[a-z]{2,}|SGB\d+)[\w. -]*")  # also MetaPhlAn's bins without a name
_CLADE = re.compile(r"(?:k|d|sk)__[^|]*(?:\|[a-z]{1,2}__[^|]*)*")
_DNA = re.compile(r"[ACGTUNRYSWKMBDHV]{50,}", re.IGNORECASE)
_LINEAGE = re.compile(r"(?:d|k|D_0)__\w+;|Bacteria;")
_HYBRIDISED = re.compile(r".*\bet[ ._]rel\b\.?", re.DOTALL)  # the HITChip's groups: `Alistipes et rel.`


@dataclass(frozen=True)
class Values:
    """What was found of a table's values.

    Parameters
    ----------
    kind : str
        `counts`, `rarefied`, or why they are none: `transposed`, `not finite`, `negative`, `too large`, `cells`, `shotgun`, `nested`, `relative`, `scaled`,
        `signal`, `fractions`, `declared` (a QIIME 2 type), `microarray`, `presence`.
    said, mend : str
        For a kind that is refused: what was found where, and what to do. Empty for `counts` and `rarefied`.
    notes : tuple of str
        What is doubtful without being wrong, one sentence each.
    """

    kind: str
    said: str = ""
    mend: str = ""
    notes: tuple[str, ...] = ()

    @property
    def mode(self) -> str | None:
        """The mode of a cohort made of these values, None where none can be made."""
        return self.kind if self.kind in MODES else None


def classify(table: RawTable, *, declared: str = "auto", samples: Collection[str] = (), features: Collection[str] = ()) -> Values:
    """Tell what a table's values are, without refusing anything.

    Parameters
    ----------
    table : RawTable
        As read.
    declared : {'auto', 'reads', 'cells'}
        What the user says of the values. `reads` overrules every doubt about whole numbers; fractions and negative numbers stay what they are.
    samples, features : collection of str
        Ids of the metadata's samples, and of the taxonomy's or tree's features: they tell a table that lies the other way round.

    Notes
    -----
    Whole numbers of cells cannot be told from reads by their values alone. They are found out by sums that no sequencer reaches (10^8 in the median
    sample), or where most samples' values have a common divisor; a table of cells that shows neither passes as counts unless it is declared.
    """
    data = table.values.data
    sums: npt.NDArray[np.float64] = np.asarray(table.values.sum(axis=1), dtype=np.float64).ravel()
    sums = sums[sums > 0]
    if not np.isfinite(data).all():
        where = f"{_cell(table, ~np.isfinite(data), 'not a finite number')}."
        return Values("not finite", where, "Read counts are whole numbers from 0 on; write 0 where no read was seen.")
    if (data < 0).any():
        where = _cell(table, data < 0, "negative")
        logs = " So many negative values are log-ratios or another transform." if np.mean(data < 0) > 0.1 else ""
        return Values("negative", f"{where}.{logs}", "Read counts are whole numbers from 0 on; mend the table.")
    if said := _transposed(table, samples, features):
        return Values("transposed", said, _other_way(table))
    if declared == "cells":
        return Values("cells", f"{table.source} holds numbers of cells, as declared by --values cells.", _READS_FOR_CELLS)
    if data.size == 0:
        return Values("counts")
    clades = None if declared == "reads" else _clades(table)
    if (data != np.round(data)).any():
        return _not_whole(table, sums, clades)
    beyond = data >= _EXACT
    if beyond.any() and (declared == "reads" or np.median(sums) <= _DEEPEST):
        said = f"{_cell(table, beyond, 'above what can be a read count')}: whole numbers from 2^53 on do not even keep their last digits."
        return Values("too large", said, "Mend the cell, or supply the table of reads.")
    if declared == "reads":
        said = "The values were declared to be reads (--values reads)."
        return Values("rarefied", notes=(said, _rarefied_at(sums))) if _level(sums) else Values("counts", notes=(said,))
    return clades or _doubted(table, sums) or _whole(table, sums)


def read_counts(table: RawTable, values: Values) -> sparse.csr_matrix:
    """Return the table as whole numbers, shape (n_samples, n_features), int64.

    Raises
    ------
    InputError
        Where the values are no counts: what was found where, and what to do.
    """
    if values.mode is None:
        msg = f"{values.said} {values.mend}"
        raise InputError(msg)
    found = table.values
    return sparse.csr_matrix((found.data.astype(np.int64), found.indices, found.indptr), shape=found.shape)


# ---------------------------------------------------------------- names and orientation
_READS_FOR_CELLS = (
    "Rarefaction, richness and every test here need reads: supply the table of reads that the cell counts were made from (a measured microbial load can "
    "stay in the metadata as a column)."
)
_SUPPLY = "Richness, rarefaction and every test here need counts: supply the table from before normalisation."


def _transposed(table: RawTable, samples: Collection[str], features: Collection[str]) -> str:
    """Say by which ids samples and features have changed places; empty where they have not."""
    ours, theirs = set(table.sample_ids), set(table.feature_ids)
    as_read = len(ours.intersection(samples)), len(theirs.intersection(features))
    turned = len(theirs.intersection(samples)), len(ours.intersection(features))
    if sum(turned) > sum(as_read):
        found = [f"{turned[0]:,} of its features are samples of the metadata"] if turned[0] else []
        found += [f"{turned[1]:,} of its samples are features of the taxonomy or tree"] if turned[1] else []
        return f"{table.source} lies the other way round: {' and '.join(found)}."
    for pattern, what in ((_DNA, "DNA sequences"), (_LINEAGE, "lineages")):
        if _share(table.sample_ids, pattern, whole=pattern is _DNA) > 0.5 > _share(table.feature_ids, pattern, whole=pattern is _DNA):
            return f"{table.source} lies the other way round: its samples are named by {what} ({first_ids(table.sample_ids, limit=1)})."
    return ""


def _other_way(table: RawTable) -> str:
    """Say how to turn a table round."""
    if table.format.startswith(_FIXED):
        return "Transpose it where it was made, or check that the other files belong to it."
    rows = table.origin.get("samples_in") == "rows" or "samples in rows" in table.format
    return f"Read it the other way round with --samples-in {'columns' if rows else 'rows'}."


def _share(ids: Sequence[str], pattern: re.Pattern[str], *, whole: bool = True) -> float:
    """Share of ids that match a pattern, by their whole length or from their start."""
    return sum(bool(pattern.fullmatch(i) if whole else pattern.match(i)) for i in ids) / len(ids)


def _named_as_species(table: RawTable) -> bool:
    """Whether nearly all features bear the names of species, as in profiles of shotgun reads."""
    return len(table.feature_ids) >= 10 and _share(table.feature_ids, _SPECIES) > 0.8


def _clades(table: RawTable) -> Values | None:
    """Find clades that hold each other (`k__A`, `k__A|p__B`): every read stands in several rows."""
    ids = set(table.feature_ids)
    if not any("|" in i for i in ids) or _share(table.feature_ids, _CLADE) <= 0.5:
        return None
    nested = [i for i in table.feature_ids if "|" in i and i.rsplit("|", 1)[0] in ids]
    if len(nested) < 0.3 * len(ids):
        return None
    said = f"{table.source} lists clades and the clades within them ({nested[0][:60]!r} besides {nested[0].rsplit('|', 1)[0][:60]!r})"
    if any("|s__" in i for i in ids):
        mend = "gutdiv reads 16S tables: supply counts of OTUs or ASVs. If these are 16S reads, keep the rows of one rank only."
        return Values("shotgun", f"{said} down to species, as profiles of shotgun reads do (MetaPhlAn).", mend)
    return Values("nested", f"{said}, so that each read stands in several rows.", "Keep the rows of one rank only.")


# ---------------------------------------------------------------- fractions
def _not_whole(table: RawTable, sums: npt.NDArray[np.float64], clades: Values | None) -> Values:
    """Tell apart what fractions can be."""
    data = table.values.data
    broken = data != np.round(data)
    middle, mostly = float(np.median(sums)), float(np.mean(broken)) > 0.5
    if clades is not None:
        return clades
    dense = mostly and table.values.nnz > 0.95 * np.prod(table.values.shape)
    if dense and 1 < data.max() < 25 and np.ptp(sums) > 0.02 * middle:
        said = f"{table.source} holds a value for nearly every feature in every sample, none above {data.max():.3g}: logarithms or the signal of an array."
        return Values("signal", said, "Supply read counts of sequencing, not transformed.")
    if _is_relative(sums, data, mostly=mostly):
        sums_to = f"samples sum to {sums[0]:.4g}" + (
            "" if np.ptp(sums) < 0.02 * middle else f" to {np.max(sums):.4g}, features having been left out"
        )
        if _named_as_species(table) or any("|s__" in i for i in table.feature_ids):
            said = f"{table.source} holds relative abundances ({sums_to}) of species, as profiles of shotgun reads do (MetaPhlAn)."
            return Values("shotgun", said, "gutdiv reads 16S tables: supply counts of OTUs or ASVs.")
        return Values("relative", f"{table.source} holds relative abundances ({sums_to}), not read counts.", _SUPPLY)
    if mostly and np.ptp(sums) <= 0.01 * middle:
        return Values("scaled", f"{table.source} holds counts scaled to one sum ({middle:,.6g} in each sample), not read counts.", _SUPPLY)
    units = mostly and _have_units(table.values)
    if middle > _DEEPEST:
        of = ", in each sample whole multiples of one amount (cells for each read)" if units else ""
        said = f"{table.source} holds numbers of cells or another absolute amount (the median sample sums to {middle:.3g}{of}), not read counts."
        return Values("cells", said, _READS_FOR_CELLS)
    if units:
        said = f"{table.source} holds scaled counts (in each sample whole multiples of one fraction): {_cell(table, broken, 'no whole number', named=False)}."
        return Values("scaled", said, _SUPPLY)
    return Values("fractions", f"{_cell(table, broken, 'no whole number')}.", "Supply read counts from before normalisation or scaling.")


def _is_relative(sums: npt.NDArray[np.float64], data: npt.NDArray[np.float64], *, mostly: bool) -> bool:
    """Whether samples sum to 1 or to 100, or to less where features were left out."""
    if np.allclose(sums, 1, atol=0.02) or np.allclose(sums, 100, atol=2) or (mostly and sums.max() <= 1.02):
        return True
    return bool(mostly and sums.max() <= 102 and np.median(sums) > 50 and data.max() <= 100)


def _have_units(values: sparse.csr_matrix) -> bool:
    """Whether in most samples all values are whole multiples of one amount, a few of which the smallest value may hold."""
    asked, found = 0, 0
    for start, end in zip(values.indptr[:-1], values.indptr[1:], strict=True):
        row = values.data[start:end]
        if row.size < _RICH or asked == 200:  # so many samples tell enough
            continue
        asked += 1
        ratio = row / row.min()
        found += any(np.all(np.abs(k * ratio - np.round(k * ratio)) < 1e-3 * np.maximum(1, 1e-3 * ratio)) for k in range(1, 7))
    return asked > 0 and found > 0.9 * asked


# ---------------------------------------------------------------- whole numbers
def _doubted(table: RawTable, sums: npt.NDArray[np.float64]) -> Values | None:
    """Find whole numbers that are no reads; `--values reads` overrules it."""
    data, middle = table.values.data, float(np.median(sums))
    declared = table.origin.get("type", "FeatureTable[Frequency]")
    if declared.startswith("FeatureTable[") and not declared.startswith("FeatureTable[Frequency"):
        said = f"{table.source} says itself that it is a {declared}, not the FeatureTable[Frequency] that holds read counts."
        return Values(
            "declared", said, "Supply the table of frequencies that it was made from; if these are reads, say so with --values reads."
        )
    if middle > _DEEPEST:
        said = f"{table.source} sums to {middle:.3g} in the median sample, which no sequencing of amplicons reaches: it holds cells or another scaled amount."
        return Values("cells", said, f"{_READS_FOR_CELLS} If they are reads after all, say so with --values reads.")
    if (data > _DEEPEST).any():
        said = f"{_cell(table, data > _DEEPEST, 'above what can be a read count')}; the median sample sums to {middle:,.6g}."
        return Values(
            "too large", said, "Mend the cell, or supply the table of reads; if it holds reads after all, say so with --values reads."
        )
    if sums.size > 1 and (sums == 100).all():
        said = f"{table.source} holds relative abundances in whole per cent (each of {count_noun(sums.size, 'sample')} sums to 100), not read counts."
        return Values("relative", said, f"{_SUPPLY} If it was rarefied to 100 reads, say so with --values reads.")
    if table.feature_ids and _share(table.feature_ids, _HYBRIDISED) > 0.2:
        named = next(i for i in table.feature_ids if _HYBRIDISED.fullmatch(i))
        said = f"{table.source} holds the signal of a phylogenetic microarray (features such as {named[:60]!r}), not reads."
        return Values("microarray", said, "gutdiv reads counts of sequenced 16S amplicons; if these are, say so with --values reads.")
    widths = np.diff(table.values.indptr)
    if data.max() == 1 and data.size >= _RICH and widths.max() >= 5:
        said = f"{table.source} tells presence and absence only: no value is above 1."
        return Values("presence", said, "Supply the counts that it was made from; if they are reads, say so with --values reads.")
    filled, rich = np.flatnonzero(widths), np.flatnonzero(widths >= _RICH)
    divisors = np.ones(widths.size, dtype=np.int64)
    divisors[filled] = np.gcd.reduceat(data.astype(np.int64), table.values.indptr[filled])
    common = divisors[rich]
    if common.size and np.mean(common > 1) > 0.5:
        at = int(np.argmax(common > 1))
        said = (
            f"{table.source}: in {int(np.sum(common > 1)):,} of {count_noun(rich.size, 'sample')} all values have a common divisor "
            f"({int(common[at]):,} in sample {table.sample_ids[rich[at]][:60]!r}), as scaled counts and cell counts have and reads do not."
        )
        return Values("scaled", said, "Supply the reads that it was made from; if they are reads, say so with --values reads.")
    return None


def _whole(table: RawTable, sums: npt.NDArray[np.float64]) -> Values:
    """Take whole numbers for counts, and tell those that were rarefied before."""
    notes = []
    if _named_as_species(table):
        notes.append("All features are named as species, as in profiles of shotgun reads; gutdiv takes them for 16S reads.")
    if _level(sums):
        return Values("rarefied", notes=(_rarefied_at(sums), *notes))
    if sums.size >= 5 and np.ptp(sums) <= 0.01 * np.median(sums):
        notes.insert(
            0,
            f"All samples hold nearly the same number of reads ({sums.min():,.0f} to {sums.max():,.0f}): the table may have been scaled and rounded.",
        )
    return Values("counts", notes=tuple(notes))


def _level(sums: npt.NDArray[np.float64]) -> bool:
    """Whether more than two samples all have the same depth."""
    return bool(sums.size > 2 and sums.min() == sums.max())


def _rarefied_at(sums: npt.NDArray[np.float64]) -> str:
    """Say at which depth the table was rarefied."""
    return f"All samples hold {int(sums[0]):,} reads: the table was rarefied before."


def _cell(table: RawTable, wrong: npt.NDArray[np.bool_], what: str, *, named: bool = True) -> str:
    """Name the first wrong cell, and say how many there are; the file goes before, unless it was named already."""
    at = int(np.flatnonzero(wrong)[0])
    row = int(np.searchsorted(table.values.indptr, at, side="right") - 1)
    sample, feature = table.sample_ids[row], table.feature_ids[table.values.indices[at]]
    value = f"the value {table.values.data[at]:g} of feature {feature[:60]!r} in sample {sample[:60]!r}"
    return f"{f'{table.source}: ' if named else ''}{value} is {what} ({count_noun(int(wrong.sum()), 'such cell')} in all)"
