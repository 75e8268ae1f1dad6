"""Cohorts of several studies in one table: what is summed, what is named after its study, and what cannot be merged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.cohort.merge import merge
from gutdiv.errors import InputError
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, SampleMetadata


def cohort(features: dict[str, tuple[str, str]], counts: list[list[int]], **columns: tuple[str, ...]) -> Cohort:
    """Make a cohort of samples S1, S2, ...; features by id, each with its family and genus."""
    ids = tuple(f"S{k + 1}" for k in range(len(counts)))
    cells = [("Bacteria", "P", "C", "O", f or None, g or None, None, f or None, g or None, "") for f, g in features.values()]
    lineages = pd.DataFrame(cells, index=list(features), columns=list(LINEAGE_COLUMNS), dtype=object)
    about = SampleMetadata(ids, columns, dict.fromkeys(columns, "categorical"))
    return Cohort(ids, tuple(features), sparse.csr_matrix(np.array(counts, dtype=np.int64)), lineages, None, about)


FIRST = cohort({"A1": ("F", "G"), "A2": ("F", "G"), "A3": ("F", "")}, [[1, 2, 4], [0, 8, 0]], who=("x", "y"), diet=("fish", "oats"))
SECOND = cohort({"B1": ("F", "G"), "B2": ("K", "H")}, [[16, 32]], who=("x",), age=("40",))


def test_reads_of_one_genus_are_summed_and_samples_and_subjects_are_named_after_their_study() -> None:
    merged = merge({"two": SECOND, "one": FIRST}, subject="who")
    assert merged.feature_ids == ("G", "H", "unclassified F")
    assert merged.sample_ids == ("one:S1", "one:S2", "two:S1")
    assert merged.counts.toarray().tolist() == [[3, 0, 4], [8, 0, 0], [16, 32, 0]]
    assert merged.lineages[0] == "d__Bacteria; p__P; c__C; o__O; f__F; g__G"
    assert merged.lineages[2].endswith("f__F; g__")
    assert merged.columns == {
        "study": ("one", "one", "two"),
        "who": ("one:x", "one:y", "two:x"),
        "diet": ("fish", "oats", None),
        "age": (None, None, "40"),
    }
    assert merged.record["features"] == {"1": 2, "2": 1}
    assert merged.record["studies"]["two"] == {"n_samples": 1, "n_features": 2, "n_reads": 48, "columns_missing": ["diet"]}


def test_in_a_study_without_the_column_of_subjects_every_sample_is_one() -> None:
    merged = merge({"one": FIRST, "two": SECOND}, subject="diet")
    assert merged.columns["diet"] == ("one:fish", "one:oats", "two:S1")
    assert merged.record["sample_is_subject"] == ["two"]


def test_features_of_one_id_are_one_where_that_is_asked_for() -> None:
    other = cohort({"A2": ("F", "G"), "B9": ("K", "H")}, [[5, 6]])
    merged = merge({"one": FIRST, "two": other}, by="feature")
    assert merged.feature_ids == ("A1", "A2", "A3", "B9")
    assert merged.counts.toarray().tolist() == [[1, 2, 4, 0], [0, 8, 0, 0], [0, 5, 0, 6]]


@pytest.mark.parametrize(
    ("cohorts", "options", "words"),
    [
        ({"one": FIRST}, {}, "two or more"),
        ({"one": FIRST, "two": SECOND}, {"by": "feature"}, "no feature is in two of the studies"),
        ({"one": FIRST, "two": dataclasses.replace(SECOND, lineages=None)}, {}, "two has no lineages"),
        ({"one": FIRST, "two": SECOND}, {"subject": "person"}, "no study has the column 'person'"),
        ({"one": FIRST, "two": cohort({"B1": ("F", "G")}, [[1]], study=("z",))}, {}, "the metadata of two has a column 'study'"),
        ({"one": FIRST, "two": SECOND}, {"by": "species"}, "by 'species' is unknown"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_the_reason(cohorts: dict[str, Cohort], options: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        merge(cohorts, **options)
