"""Alignment: nothing is lost in silence, in either direction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from gutdiv.cohort.align import Choices, align
from gutdiv.errors import AlignmentError, InputError
from gutdiv.io.newick import parse_newick
from gutdiv.model.cohort import Roles, SampleMetadata
from gutdiv.model.inputs import RawTable, RawTaxonomy

COUNTS = [[0, 5, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]  # samples s2, s1, s0 x features f3, f1, f0, f2


def table(counts=COUNTS, **changes):
    values = sparse.csr_matrix(np.array(counts, dtype=float))
    return RawTable(
        **{
            "sample_ids": ("s2", "s1", "s0"),
            "feature_ids": ("f3", "f1", "f0", "f2"),
            "values": values,
            "source": "t.biom",
            "format": "test",
            **changes,
        }
    )


def metadata(*ids: str) -> SampleMetadata:
    return SampleMetadata(ids, {"x": tuple(f"of {i}" for i in ids)}, {"x": "categorical"})


def taxonomy(*ids: str) -> RawTaxonomy:
    return RawTaxonomy({i: (f"k__Bacteria; g__Genus{i}",) for i in ids}, ("lineage",), "x.tsv", "test")


def test_samples_and_features_are_sorted_and_counts_follow_them() -> None:
    cohort, _ = align(table(), synonyms={})
    assert cohort.sample_ids == ("s1", "s2")
    assert cohort.feature_ids == ("f1", "f2", "f3")
    assert cohort.counts.toarray().tolist() == [[0, 2, 3], [5, 1, 0]]


def test_everything_that_falls_out_is_listed_in_both_directions() -> None:
    tree = parse_newick("((f1:1,f2:1):1,(f3:1,other:1):1);", "t.nwk")
    cohort, fallen = align(table(), taxonomy=taxonomy("f1", "f9"), tree=tree, metadata=metadata("s2", "s8", "s0"), synonyms={})
    assert {(f.part, f.id, f.outcome) for f in fallen} == {
        ("sample", "s0", "dropped"),
        ("feature", "f0", "dropped"),
        ("sample", "s1", "kept"),
        ("metadata", "s8", "dropped"),
        ("taxonomy", "f9", "dropped"),
        ("feature", "f2", "kept"),
        ("feature", "f3", "kept"),
        ("tip", "other", "dropped"),
    }
    assert cohort.metadata.column("x") == (None, "of s2")
    assert cohort.lineages is not None
    assert cohort.lineages["genus"].tolist() == ["Genusf1", None, None]


def test_pruning_keeps_the_length_of_every_path() -> None:
    tree = parse_newick("(((f1:1,gone:9):0.5,f2:2):0.25,(f3:1,other:1):4);", "t.nwk")
    cohort, _ = align(table(), tree=tree, synonyms={})
    found = cohort.tree
    assert found is not None
    assert found.tip_names == ("f1", "f2", "f3")
    paths = []
    for tip in found.tip_nodes:
        v, path = int(tip), 0.0
        while v >= 0:
            path, v = path + found.length[v], int(found.parent[v])
        paths.append(path)
    assert paths == pytest.approx([1.75, 2.25, 5.0])


def test_features_without_a_tip_are_an_error_unless_dropping_is_asked_for() -> None:
    tree = parse_newick("(f1:1,f2:1);", "t.nwk")
    with pytest.raises(AlignmentError, match=r"1 feature of 3 has no tip in t.nwk \('f3'\).*--missing-tips drop"):
        align(table(), tree=tree, synonyms={})
    cohort, fallen = align(table(), tree=tree, synonyms={}, choices=Choices(missing_tips="drop"))
    assert cohort.feature_ids == ("f1", "f2")
    assert ("feature", "f3", "dropped", "no tip in the tree") in {(f.part, f.id, f.outcome, f.reason) for f in fallen}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"counts": [[0, -5, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]}, "-5 of feature 'f1' in sample 's2' is negative"),
        ({"counts": [[0, np.nan, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]}, "'f1' in sample 's2' is not a finite number"),
        ({"counts": [[0, 1.5, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]}, "1.5 of feature 'f1' in sample 's2' is no whole number"),
        ({"counts": [[0, 0.75, 0, 0.25], [0.5, 0, 0, 0.5], [0, 0, 0, 0]]}, "holds relative abundances .samples sum to 1."),
        ({"counts": np.zeros((3, 4))}, "no sample holds a read"),
    ],
)
def test_what_is_no_count_table_is_refused(changes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        align(table(**changes), synonyms={})


def test_inputs_that_share_no_id_are_refused_with_examples_of_both() -> None:
    with pytest.raises(AlignmentError, match="share no sample id: the table has 's0', 's1', 's2', the metadata 'S1'"):
        align(table(), metadata=metadata("S1"), synonyms={})
    with pytest.raises(AlignmentError, match="share no feature id"):
        align(table(), taxonomy=taxonomy("F1"), synonyms={})
    with pytest.raises(AlignmentError, match="share no feature"):
        align(table(), tree=parse_newick("(F1:1,F2:1);", "t.nwk"), synonyms={}, choices=Choices(missing_tips="drop"))


def test_a_role_must_name_a_column() -> None:
    with pytest.raises(InputError, match=r"no column 'group'\. Known columns: 'x'"):
        align(table(), metadata=metadata("s1"), roles=Roles(group="group"), synonyms={})
    with pytest.raises(InputError, match="no sample metadata"):
        align(table(), roles=Roles(subject="x"), synonyms={})


def test_numbers_that_code_groups_are_groups_and_a_continuous_column_is_refused() -> None:
    ids = tuple(f"s{i:02d}" for i in range(12))
    counts = sparse.csr_matrix(np.ones((12, 1)))
    raw = RawTable(ids, ("f",), counts, "t.biom", "test")
    columns = {"arm": ("1", "2") * 6, "age": tuple(str(20 + i) for i in range(12))}
    about = SampleMetadata(ids, columns, {"arm": "numeric", "age": "numeric"})
    cohort, _ = align(raw, metadata=about, roles=Roles(group="arm"), synonyms={})
    assert cohort.metadata.kinds == {"arm": "categorical", "age": "numeric"}
    with pytest.raises(InputError, match="group column 'age' holds 12 different numbers, not groups"):
        align(raw, metadata=about, roles=Roles(group="age"), synonyms={})
