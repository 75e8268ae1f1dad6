"""What a table's values are: counts pass, whatever only looks like them is told apart, and real tables are never refused."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse

from gutdiv.cohort.counts import classify, read_counts
from gutdiv.errors import InputError
from gutdiv.io.tables import read_abundance_table
from gutdiv.model.inputs import RawTable

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(11)
READS = RNG.negative_binomial(1, 0.01, (12, 60)) * (RNG.random((12, 60)) < 0.6)  # 12 samples, about 36 features each


def table(values, *, samples: tuple[str, ...] | None = None, features: tuple[str, ...] | None = None, **more: object) -> RawTable:
    matrix = sparse.csr_matrix(np.asarray(values, dtype=float))
    matrix.eliminate_zeros()
    samples = samples or tuple(f"S{i}" for i in range(matrix.shape[0]))
    features = features or tuple(f"F{j}" for j in range(matrix.shape[1]))
    return RawTable(samples, features, matrix, "t.tsv", **{"format": "text", **more})


def rarefied(depth: int) -> np.ndarray:
    return np.array([RNG.multivariate_hypergeometric(row, depth) for row in READS])


SUMS = READS.sum(axis=1, keepdims=True)
SHARES = READS / SUMS
LEVEL = rarefied(1000)
PER_CENT = rarefied(100)
ONE_CELL = (np.arange(60) == 3) & (np.arange(12) == 0)[:, None]
LOADS = RNG.uniform(1e10, 2e11, (12, 1))
SPECIES = tuple(f"{genus}_{letter * 5}" for genus in ("Bacteroides", "Prevotella", "Roseburia") for letter in "abcdefghijklmnopqrst")


# ---------------------------------------------------------------- what each kind is
@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (READS, "counts", ""),
        (LEVEL, "rarefied", ""),
        (SHARES, "relative", "samples sum to 1"),
        (SHARES * 100, "relative", "samples sum to 100"),
        (SHARES[:, :40], "relative", "features having been left out"),
        (SHARES[:, :57] * 100, "relative", "features having been left out"),
        (SHARES * 1e6, "scaled", "scaled to one sum .1e.06 in each sample|scaled to one sum .1,000,000"),
        (READS * RNG.uniform(1.1, 3, (12, 1)), "scaled", "whole multiples of one fraction"),
        (READS * 7, "scaled", "in 12 of 12 samples all values have a common divisor .7 in sample 'S0'"),
        (READS * np.arange(2, 14)[:, None], "scaled", "common divisor"),
        (LEVEL / 1000 * LOADS, "cells", "whole multiples of one amount .cells for each read"),
        (RNG.lognormal(18, 2, (12, 60)), "cells", "numbers of cells or another absolute amount"),
        (np.round(LEVEL / 1000 * LOADS), "cells", "no sequencing of amplicons reaches"),
        (np.where(ONE_CELL, 1e300, READS), "too large", "the value 1e.300 of feature 'F3' in sample 'S0' is above what can be a read count"),
        (np.where(ONE_CELL, 2.0**53, READS), "too large", "9.0072e.15 of feature 'F3' in sample 'S0' is above"),
        (np.where(ONE_CELL, 123456789, READS), "too large", "of feature 'F3' in sample 'S0' is above.*say so with --values reads"),
        (PER_CENT, "relative", "in whole per cent .each of 12 samples sums to 100.*rarefied to 100 reads, say so with --values reads"),
        ((READS > 0) * 1, "presence", "no value is above 1"),
        (np.log10(READS + 10.0), "signal", "logarithms or the signal of an array"),
        (np.where(READS > 0, READS, np.nan), "not finite", "of feature 'F\\d+' in sample 'S0' is not a finite number"),
        (np.where(np.arange(60) == 3, np.inf, READS), "not finite", "the value inf of feature 'F3' in sample 'S0'"),
        (np.log(READS + 1.0) - np.log(READS + 1.0).mean(axis=1, keepdims=True), "negative", "log-ratios"),
        (np.where((np.arange(60) == 3) & (np.arange(12) == 0)[:, None], -2, READS), "negative", "the value -2 of feature 'F3' in sample 'S0' is negative"),
        (READS + (np.arange(60) == 5) * 0.5, "fractions", "of feature 'F5' in sample 'S0' is no whole number .12 such cells in all"),
    ],
)  # fmt: skip
def test_each_kind_of_values_is_told_and_its_message_says_what_was_found(values, kind: str, said: str) -> None:
    raw = table(values)
    found = classify(raw)
    assert found.kind == kind, found.said
    if kind in ("counts", "rarefied"):
        assert found.mode == kind
        assert (read_counts(raw, found).toarray() == values).all()
        return
    assert found.mode is None
    with pytest.raises(InputError, match=said) as refused:
        read_counts(raw, found)
    assert str(refused.value).startswith("t.tsv")
    assert any(word in str(refused.value) for word in ("supply", "Supply", "mend the table", "write 0"))


def test_a_table_of_one_or_two_samples_is_never_called_rarefied_and_small_ones_are_left_alone() -> None:
    assert classify(table(LEVEL[:2])).kind == "counts"
    assert classify(table([[5]])).kind == "counts"
    assert classify(table([[1, 1], [0, 1]])).kind == "counts"
    assert classify(table([[10, 20, 0], [30, 0, 50]])).kind == "counts", "round numbers of a toy are no proof of scaling"
    assert classify(table(np.zeros((2, 2)))).kind == "counts", "that no sample holds a read is said elsewhere"


def test_a_rarefied_table_says_its_depth_and_one_that_is_nearly_level_is_noted() -> None:
    assert classify(table(LEVEL)).notes == ("All samples hold 1,000 reads: the table was rarefied before.",)
    nearly = LEVEL.copy()
    nearly[0, int(LEVEL[0].argmax())] += 2
    found = classify(table(nearly))
    assert found.kind == "counts"
    assert "nearly the same number of reads (1,000 to 1,002)" in found.notes[0]


# ---------------------------------------------------------------- names
def test_profiles_of_shotgun_reads_are_told_by_nested_clades_or_by_species_with_shares() -> None:
    clades = (
        "k__Bacteria",
        "k__Bacteria|p__Firmicutes",
        "k__Bacteria|p__Firmicutes|c__C|o__O|f__F|g__G",
        "k__Bacteria|p__Firmicutes|c__C|o__O|f__F|g__G|s__S",
    )
    found = classify(table([[100, 80, 80, 80.5], [100, 60.25, 60, 60]], features=clades))
    assert found.kind == "shotgun"
    assert "'k__Bacteria|p__Firmicutes' besides 'k__Bacteria'" in found.said
    assert classify(table([[100, 80, 80], [100, 60, 60]], features=clades[:3])).kind == "nested"
    assert classify(table([[100, 80, 80], [100, 60, 60]], features=clades[:3]), declared="reads").kind == "counts"
    found = classify(table(SHARES, features=SPECIES))
    assert found.kind == "shotgun"
    assert "relative abundances (samples sum to 1) of species" in found.said
    found = classify(table(READS, features=SPECIES))
    assert found.kind == "counts"
    assert "named as species" in found.notes[0]


def test_the_signal_of_a_phylogenetic_array_is_told_by_its_names() -> None:
    names = tuple(f"Alistipes {i} et rel." for i in range(40)) + tuple(f"G{i}" for i in range(20))
    found = classify(table(READS, features=names))
    assert found.kind == "microarray"
    assert "'Alistipes 0 et rel.'" in found.said
    assert classify(table(READS, features=names), declared="reads").kind == "counts"


def test_a_table_that_lies_the_other_way_round_is_told_by_the_ids_of_the_other_files_or_by_its_own() -> None:
    people, bugs = tuple(f"P{i}" for i in range(60)), tuple(f"ASV{i}" for i in range(12))
    raw = table(READS, samples=bugs, features=people)
    assert classify(raw).kind == "counts", "without other files nothing tells"
    found = classify(raw, samples=people[:10])
    assert (found.kind, found.said) == ("transposed", "t.tsv lies the other way round: 10 of its features are samples of the metadata.")
    found = classify(raw, features=bugs)
    assert "12 of its samples are features of the taxonomy or tree" in found.said
    assert "--samples-in rows" in found.mend
    assert (
        "--samples-in columns" in classify(table(READS, samples=bugs, features=people, origin={"samples_in": "rows"}), features=bugs).mend
    )
    assert (
        "Transpose it where it was made"
        in classify(table(READS, samples=bugs, features=people, format="BIOM 2.1 (HDF5)"), features=bugs).mend
    )
    assert (
        classify(table(READS, samples=people[:12], features=tuple(f"ASV{i}" for i in range(60))), samples=people, features=bugs).kind
        == "counts"
    )
    sequences = tuple("ACGT" * 20 + "ACGT"[i % 4] * (i + 1) for i in range(12))
    assert "named by DNA sequences" in classify(table(READS, samples=sequences)).said
    lineages = tuple(f"d__Bacteria;p__P{i}" for i in range(12))
    assert "named by lineages" in classify(table(READS, samples=lineages)).said


# ---------------------------------------------------------------- what the user declares
def test_declared_reads_overrule_doubts_about_whole_numbers_but_make_no_fraction_whole() -> None:
    for doubted in (READS * 7, (READS > 0) * 1, np.round(LEVEL / 1000 * LOADS)):
        assert classify(table(doubted)).mode is None
        found = classify(table(doubted), declared="reads")
        assert found.mode is not None
        assert "declared to be reads" in found.notes[0]
    assert classify(table(SHARES), declared="reads").kind == "relative"
    hundred = classify(table(PER_CENT), declared="reads")
    assert hundred.kind == "rarefied", "a table rarefied to 100 reads"
    assert hundred.notes[1] == "All samples hold 100 reads: the table was rarefied before."


def test_a_count_that_floats_do_not_keep_is_refused_even_where_reads_are_declared() -> None:
    # 2^53 + 1 is read as 2^53; 2^53 - 1 is the last whole number that a float tells from both its neighbours.
    wrong = classify(table([[1, 2], [3, float(2**53 + 1)], [5, 6]]), declared="reads")
    assert (wrong.kind, wrong.mode) == ("too large", None)
    assert "feature 'F1' in sample 'S1'" in wrong.said
    sound = table([[1, 2], [3, 2**53 - 1], [5, 6]])
    assert read_counts(sound, classify(sound, declared="reads"))[1, 1] == 2**53 - 1


def test_what_is_said_of_a_value_ends_its_sentence_before_the_mend() -> None:
    raw = table([[1, np.inf], [3, 4]])
    with pytest.raises(InputError, match=r"is not a finite number \(1 such cell in all\)\. Read counts are"):
        read_counts(raw, classify(raw))


def test_declared_cells_are_refused_though_nothing_else_tells_them_from_reads() -> None:
    found = classify(table(READS), declared="cells")
    assert found.kind == "cells"
    assert "--values cells" in found.said
    assert "supply the table of reads" in found.mend


def test_a_qiime_table_that_says_what_else_it_is_is_taken_at_its_word() -> None:
    raw = table(READS + 1, origin={"type": "FeatureTable[Composition]"})
    found = classify(raw)
    assert (found.kind, found.mode) == ("declared", None)
    assert "FeatureTable[Composition], not the FeatureTable[Frequency]" in found.said
    assert classify(table(READS, origin={"type": "FeatureTable[Frequency]"})).kind == "counts"


# ---------------------------------------------------------------- real tables
# Every table.biom of the public data at hand, judged with its own metadata.
REAL = {"crc_tito_qmp": "cells", "globalgut_yatsunenko_even10k": "rarefied"}


@pytest.mark.real_data
def test_no_real_table_of_reads_is_refused_and_those_that_are_none_are_told(real_data: Path) -> None:
    tables = sorted(real_data.glob("*/table.biom"))
    assert len(tables) >= 25
    for path in tables:
        with (path.parent / "metadata.tsv").open(encoding="utf-8", newline="") as handle:
            samples = [row[0] for row in csv.reader(handle, delimiter="\t")][1:]
        assert classify(read_abundance_table(path), samples=samples).kind == REAL.get(path.parent.name, "counts"), path.parent.name
