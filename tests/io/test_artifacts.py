"""Result files: whole or not at all, exact, and refused where they are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gutdiv.errors import ArtifactError, InputError
from gutdiv.io.artifacts import read_reference, read_table, record, whole_file, write_reference, write_table
from gutdiv.io.distances import gather_blocks, read_distances, write_rows_block
from gutdiv.model.results import Interval, Reference, Table

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = ['<script>"', "tab\there", "line\nend", "cr\rhere", "'", "", "007", "NA", "=1+1", "\u202eabc"]


def alpha(values: list[float]) -> Table:
    frame = pd.DataFrame(
        {"sample_id": HOSTILE[: len(values)], "level": "feature", "metric": "shannon", "value": values, "sd": np.nan, "depth": 7}
    )
    return Table("alpha", frame, record("alpha", options={"draws": 3}, seed=1, nothing=float("nan")))


def test_a_table_reads_back_exactly_with_any_text_in_its_cells(tmp_path: Path) -> None:
    values = [0.1, 1 / 3, np.nan, -0.0, 1e-300, 2.0**60, 5.0, 6.0, 7.0, 8.0]
    write_table(tmp_path / "a.tsv", alpha(values))
    again = read_table(tmp_path / "a.tsv", "alpha")
    assert again.frame["sample_id"].tolist() == HOSTILE
    assert np.array_equal(again.frame["value"].to_numpy(float), np.array(values), equal_nan=True)
    assert again.record["nothing"] is None
    assert again.record["options"] == {"draws": 3}


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("old")

    def half() -> None:
        with whole_file(tmp_path / "a.tsv") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert (tmp_path / "a.tsv").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]


def test_a_damaged_or_foreign_result_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "a.tsv", alpha([1.0, 2.0]))
    with pytest.raises(ArtifactError, match="where 'flags' is expected"):
        read_table(tmp_path / "a.tsv", "flags")
    text = (tmp_path / "a.tsv").read_text()
    (tmp_path / "a.tsv").write_text(text + "too\tfew\n")
    with pytest.raises(ArtifactError, match="row 4: 2 cells where the header has 6"):
        read_table(tmp_path / "a.tsv", "alpha")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ArtifactError, match="no readable JSON"):
        read_table(tmp_path / "a.tsv", "alpha")


@pytest.mark.parametrize("ending", [".h5", ".tsv"])
def test_distances_read_back_exactly(tmp_path: Path, ending: str) -> None:
    ids = ("a", "tab\there", "ü")
    matrix = np.array([[0, 1 / 3, 0.5], [1 / 3, 0, 0.1], [0.5, 0.1, 0]])
    write_rows_block(tmp_path / f"d{ending}", ids, matrix, (0, 3), {"metric": "braycurtis", "seed": 1})
    again = read_distances(tmp_path / f"d{ending}")
    assert again.ids == ids
    assert again.metric == "braycurtis"
    assert np.array_equal(again.matrix, matrix)


def test_lsmat_text_is_read_by_scikit_bio(tmp_path: Path) -> None:
    from skbio import DistanceMatrix

    matrix = np.array([[0, 0.25], [0.25, 0]])
    write_rows_block(tmp_path / "d.tsv", ("a", "b"), matrix, (0, 2), {"metric": "jaccard"})
    again = DistanceMatrix.read(str(tmp_path / "d.tsv"), format="lsmat")
    assert tuple(again.ids) == ("a", "b")
    assert np.array_equal(again.data, matrix)


def test_gathered_blocks_are_the_whole_and_gaps_are_refused(tmp_path: Path) -> None:
    ids, about = ("a", "b", "c", "d"), {"metric": "jaccard"}
    upper = np.triu(np.random.default_rng(1).random((4, 4)), 1)
    matrix = upper + upper.T
    parts = []
    for k, (start, stop) in enumerate([(0, 1), (1, 3), (3, 4)]):
        parts.append(tmp_path / f"p{k}.h5")
        write_rows_block(parts[-1], ids, matrix[start:stop], (start, stop), about)
    write_rows_block(tmp_path / "whole.h5", ids, matrix, (0, 4), about)
    gather_blocks(parts[::-1], tmp_path / "d.h5")
    assert (tmp_path / "d.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    with pytest.raises(ArtifactError, match="rows 2 to 3 of 4 are missing"):
        gather_blocks([parts[0], parts[2]], tmp_path / "e.h5")
    with pytest.raises(ArtifactError, match="held twice"):
        gather_blocks([parts[0], parts[0], parts[1], parts[2]], tmp_path / "e.h5")
    with pytest.raises(ArtifactError, match="gutdiv diversity gather"):
        read_distances(parts[0])
    with pytest.raises(InputError, match=r"\.h5"):
        write_rows_block(tmp_path / "d.csv", ids, matrix, (0, 4), about)


def test_a_reference_reads_back_as_it_was(tmp_path: Path) -> None:
    made = Interval("shannon", "feature", 1000, 130, "x", 1.5, (1.0, 1.6), 4.5, (4.4, 5.0), 3.0)
    absent = Interval("sobs", "feature", 1000, 12, "none", None, None, None, None, 3.0, "12 controls")
    reference = Reference("r", 'g == "c"', "", 140, 130, 1000, (made, absent), {"seed": 3})
    write_reference(tmp_path / "r.json", reference)
    again = read_reference(tmp_path / "r.json")
    assert again.intervals == reference.intervals
    assert (again.declared, again.n_subjects, again.record["seed"]) == ('g == "c"', 130, 3)
