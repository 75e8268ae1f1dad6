"""Welch's and Student's t against R's t.test."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from gutdiv.numerics.means import paired_t, welch

TRUTH = Path(__file__).parents[1] / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


DATA, EXPECTED = rows("model_data.tsv"), rows("model_truth.tsv")


@pytest.mark.parametrize("pair", ["drug - none", "drug - placebo", "none - placebo"])
def test_welch_equals_r(pair: str) -> None:
    expected = {r["what"]: float(r["value"]) for r in EXPECTED if (r["model"], r["formula"]) == ("welch", pair)}
    x, y = (np.array([float(r["steady"]) for r in DATA if r["arm"] == arm]) for arm in pair.split(" - "))
    test, effect = welch(x, y)
    assert (test.statistic, test.df, test.p) == pytest.approx([expected[k] for k in ("statistic", "parameter", "p.value")], rel=1e-10)
    assert (effect.low, effect.high) == pytest.approx((expected["ci_low"], expected["ci_high"]), rel=1e-10)
    assert effect.value == pytest.approx(x.mean() - y.mean())


def test_paired_t_equals_r() -> None:
    expected = {r["what"]: float(r["value"]) for r in EXPECTED if r["model"] == "paired"}
    test, effect = paired_t(np.array([float(r["steady"]) for r in DATA]), np.array([float(r["drifting"]) for r in DATA]))
    assert (test.statistic, test.df, test.p) == pytest.approx([expected[k] for k in ("statistic", "parameter", "p.value")], rel=1e-10)
    assert (effect.value, effect.low) == pytest.approx((expected["estimate"], expected["ci_low"]), rel=1e-10)


def test_without_variation_there_is_no_t() -> None:
    test, effect = welch(np.ones(4), np.full(5, 3.0))
    assert math.isnan(test.p)
    assert (effect.value, math.isnan(effect.low)) == (-2.0, True)
