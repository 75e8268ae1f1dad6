"""Distances on disk: some rows at a time, and the same bytes however they lay in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from gutdiv.errors import ArtifactError
from gutdiv.io import distances
from gutdiv.numerics.span import Condensed

if TYPE_CHECKING:
    from pathlib import Path

N = 23
IDS = tuple(f"s{i:02d}" for i in range(N))
ABOUT = {"metric": "braycurtis", "options": {"precision": "double"}}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_PIECE", 4 * N)
    monkeypatch.setattr(distances, "_TILE", 5)


def square(dtype: type = np.float64) -> np.ndarray:
    made = np.triu(np.random.default_rng(1).random((N, N)).astype(dtype), 1)
    return made + made.T


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ending", ["h5", "tsv"])
def test_condensed_distances_are_written_as_the_square(tmp_path: Path, dtype: type, ending: str) -> None:
    matrix = square(dtype)
    distances.write_rows_block(tmp_path / f"a.{ending}", IDS, matrix, (0, N), ABOUT)
    distances.write_rows_block(tmp_path / f"b.{ending}", IDS, Condensed(matrix[np.triu_indices(N, 1)], N), (0, N), ABOUT)
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    found = distances.read_distances(tmp_path / f"b.{ending}")
    assert found.ids == IDS
    assert np.array_equal(found.matrix, matrix)
    if ending == "h5":
        assert found.matrix.dtype == dtype
        with h5py.File(tmp_path / "b.h5") as file:  # the layout of the unifrac tools
            assert file["matrix"].shape == (N, N)
            assert [i.decode() for i in file["order"]] == list(IDS)


def test_gathered_blocks_are_the_bytes_of_one_run(tmp_path: Path) -> None:
    matrix = square()
    distances.write_rows_block(tmp_path / "whole.h5", IDS, matrix, (0, N), ABOUT)
    parts = []
    for start, stop in ((0, 1), (1, 14), (14, N)):
        parts.append(tmp_path / f"{start}.h5")
        distances.write_rows_block(parts[-1], IDS, matrix[start:stop], (start, stop), ABOUT)
    distances.gather_blocks(parts[::-1], tmp_path / "gathered.h5")
    assert (tmp_path / "gathered.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_blocks_of_two_precisions_are_not_gathered(tmp_path: Path) -> None:
    matrix = square()
    distances.write_rows_block(tmp_path / "a.h5", IDS, matrix[:9], (0, 9), ABOUT)
    distances.write_rows_block(tmp_path / "b.h5", IDS, matrix[9:].astype(np.float32), (9, N), ABOUT)
    with pytest.raises(ArtifactError, match="not of one distance matrix"):
        distances.gather_blocks([tmp_path / "a.h5", tmp_path / "b.h5"], tmp_path / "c.h5")
    assert not (tmp_path / "c.h5").exists()


def test_a_block_whose_rows_are_not_those_it_names_is_refused(tmp_path: Path) -> None:
    distances.write_rows_block(tmp_path / "a.h5", IDS, square()[:9], (0, 9), ABOUT)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["rows"] = np.array([0, 10])
    with pytest.raises(ArtifactError, match=r"a matrix of shape \(9, 23\) where rows 1 to 10 of 23 samples are expected"):
        distances.gather_blocks([tmp_path / "a.h5"], tmp_path / "c.h5")


def test_a_matrix_that_is_not_symmetric_is_refused_wherever_the_fault_lies(tmp_path: Path) -> None:
    for i, j in ((0, 1), (N - 1, 3), (12, 11)):
        matrix = square()
        matrix[i, j] += 1e-9
        distances.write_rows_block(tmp_path / "a.h5", IDS, matrix, (0, N), ABOUT)
        with pytest.raises(ArtifactError, match="not square and symmetric"):
            distances.read_distances(tmp_path / "a.h5")


def test_rows_read_from_the_file_are_those_of_the_whole_matrix(tmp_path: Path) -> None:
    distances.write_rows_block(tmp_path / "a.h5", IDS, square(), (0, N), ABOUT)
    whole, lazy = (distances.read_distances(tmp_path / "a.h5", in_pieces=p).matrix for p in (False, True))
    assert lazy.shape == whole.shape
    at = np.array([7, 2, 2, 5])
    for key in (slice(2, 6), np.array([3, 4, 5]), at, np.ix_(at, np.array([1, 0])), (slice(1, 3), slice(4, 9)), np.ix_(np.arange(N), np.arange(N))):
        assert np.array_equal(lazy[key], whole[key])
