"""The table of reference intervals says once what all of them share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fake_results import fake_results

from gutdiv.report.panels.intervals import section
from gutdiv.report.parts import DataTable

if TYPE_CHECKING:
    from gutdiv.model.results import Results

SHARED = "Controls: 130. Depth: 5,000 reads. Method: nonparametric, type 6."


def listed(results: Results) -> DataTable:
    found = section(results)
    assert found is not None
    return next(p for p in found.parts if isinstance(p, DataTable))


def test_what_all_intervals_share_is_said_below_and_has_no_column() -> None:
    table = listed(fake_results())
    assert table.note.startswith(SHARED)
    assert [c.label for c in table.columns] == ["Metric", "Lower limit", "90% CI", "Median", "Upper limit", "90% CI"]


def test_what_differs_between_intervals_has_a_column() -> None:
    results = fake_results()
    assert results.reference is not None
    first, *others = results.reference.intervals
    mixed = replace(results.reference, intervals=(replace(first, n=128, method="robust (Horn)"), *others))
    table = listed(replace(results, reference=mixed))
    assert table.note.startswith("Depth: 5,000 reads. Valid for")
    assert [c.label for c in table.columns][-2:] == ["Controls", "Method"]
    assert {tuple(c.text for c in r.cells[-2:]) for r in table.rows} == {("128", "robust (Horn)"), ("130", "nonparametric, type 6")}
