"""The measured false alarms that are quoted beside a verdict."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIERS = {"none": {0}, "provisional": {10}, "aligned": {20, 40}, "in-study": {60}}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (ROOT / "src/gutdiv/knowledge/false_alarms.tsv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_every_tier_has_every_level_for_clean_controls_and_no_row_twice(rows: list[dict[str, str]]) -> None:
    keys = [(r["tier"], int(r["controls"]), float(r["ill_share"]), float(r["level"])) for r in rows]
    assert len(set(keys)) == len(keys)
    clean = {key for key in keys if key[2] == 0}
    assert clean == {(t, n, 0.0, level) for t, numbers in TIERS.items() for n in numbers for level in (0.01, 0.025, 0.05, 0.1)}
    assert {share for _, _, share, _ in keys} == {0.0, 0.1, 0.2}


def test_every_figure_lies_within_its_interval_and_no_mean_above_the_worst(rows: list[dict[str, str]]) -> None:
    for r in rows:
        low, mean, high = (float(r[c]) for c in ("mean_low", "mean", "mean_high"))
        worst_low, worst, worst_high = (float(r[c]) for c in ("worst_low", "worst", "worst_high"))
        assert 0 <= low <= mean <= high <= 1
        assert 0 <= worst_low <= worst <= worst_high <= 1
        assert mean <= worst
        assert int(r["studies"]) >= 2
        assert r["worst_study"]


def test_the_page_says_the_same_as_the_file(rows: list[dict[str, str]]) -> None:
    page = (ROOT / "docs/validation/verdict.md").read_text(encoding="utf-8")
    number = r"(-?[\d.]+)"
    line = re.compile(
        rf"^\| ([a-z-]+) \| (\d+) \| {number} \| {number} \| (\d+) \| {number} \({number} to {number}\) \| {number} \({number} to {number}\), (\w+) \|$",
        re.MULTILINE,
    )
    said = {(t, int(n), float(share), float(level)): rest for t, n, share, level, *rest in line.findall(page)}
    assert len(said) == len(rows)
    for r in rows:
        studies, *figures, worst_study = said[r["tier"], int(r["controls"]), 100 * float(r["ill_share"]), 100 * float(r["level"])]
        assert (studies, worst_study) == (r["studies"], r["worst_study"])
        columns = ("mean", "mean_low", "mean_high", "worst", "worst_low", "worst_high")
        assert [float(f) for f in figures] == pytest.approx([100 * float(r[c]) for c in columns], abs=0.0501)
