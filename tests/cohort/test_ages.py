"""Ages that the metadata tell beside the age band that was declared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gutdiv.cli.app import main
from gutdiv.cohort.ages import conflicts
from gutdiv.model.cohort import SampleMetadata

if TYPE_CHECKING:
    from pathlib import Path


def told(**columns: list[str | None]) -> SampleMetadata:
    kinds = {c: "categorical" if "unit" in c else "numeric" for c in columns}
    n = len(next(iter(columns.values())))
    return SampleMetadata(tuple(f"s{i}" for i in range(n)), {c: tuple(v) for c, v in columns.items()}, kinds)


@pytest.mark.parametrize(
    ("columns", "declared", "found"),
    [
        ({"age": ["17.9", "18", "83", None]}, "child", ("age", 2, 3, 18.0, 83.0, False)),
        ({"age": ["17.9", "18", "83", None]}, "adult", ("age", 1, 3, 17.9, 17.9, False)),
        ({"Host_Age": ["4"]}, " Adult", ("Host_Age", 1, 1, 4.0, 4.0, False)),
        ({"age_in_years": ["2.9", "3"]}, "infant", ("age_in_years", 1, 2, 3.0, 3.0, True)),
        ({"age": ["30", "30"], "age_unit": ["years", "months"]}, "infant", ("age", 1, 1, 30.0, 30.0, True)),
    ],
)
def test_ages_outside_the_declared_band_are_counted(columns: dict[str, list[str | None]], declared: str, found: tuple[object, ...]) -> None:
    keys = ("column", "samples", "known", "low", "high", "told")
    assert conflicts(told(**columns), declared) == [dict(zip(keys, found, strict=True))]


@pytest.mark.parametrize(
    ("columns", "declared"),
    [
        ({"age": ["18", "90"]}, "adult"),
        ({"age": ["0", "17.99"]}, "child"),
        ({"age": ["4"]}, None),
        ({"age": ["4"]}, "elderly"),  # no band of ours
        ({"age": ["30"]}, "infant"),  # it may be in months
        ({"age": ["30", "200"]}, "child"),  # it is in no years
        ({"age": ["30"], "age_unit": ["months"]}, "child"),
        ({"stage": ["40"], "age_of_onset": ["40"], "average": ["40"]}, "child"),
    ],
)
def test_nothing_is_found_where_nothing_plainly_contradicts(columns: dict[str, list[str | None]], declared: str | None) -> None:
    assert conflicts(told(**columns), declared) == []


def test_the_cohort_keeps_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("feature\ta\tb\tc\nX\t5\t6\t7\nY\t1\t2\t3\n")
    (tmp_path / "m.tsv").write_text("sample_id\tage\na\t12\nb\t40\nc\t41\n")
    words = ["cohort", "build", "--table", tmp_path / "t.tsv", "--metadata", tmp_path / "m.tsv", "--age-band", "child", "--output", tmp_path / "out"]
    assert main([str(w) for w in words]) == 0
    (found,) = json.loads((tmp_path / "out" / "cohort.json").read_text())["age_conflicts"]
    assert (found["samples"], found["low"], found["high"]) == (2, 40, 41)
