"""The order of samples and taxa in the heatmap, by hand and by numpy's singular value decomposition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from gutdiv.immune.heatmap import COLUMNS, ROWS, order_shares
from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = {"tested": "yes", "rank": "genus"}


def taxa_of(shares: np.ndarray, names: Sequence[str], samples: Sequence[str], level: str = "genus") -> pd.DataFrame:
    prefix = {"genus": "clr:", "guild": "guild:"}[level]
    frames = [pd.DataFrame({"sample_id": samples, "metric": f"{prefix}{n}", "share": shares[:, j]}) for j, n in enumerate(names)]
    return pd.concat(frames, ignore_index=True).assign(level=level, value=0.0, sd=0.0, depth=100, detected=1.0)[list(TABLES["taxa"])]


def rows_of(*names: str) -> list[dict[str, str]]:
    return [{**ROW, "genera": n} for n in names]


def test_samples_stand_by_group_then_verdict_then_along_the_main_axis() -> None:
    samples = ["s1", "s2", "s3", "s4", "s5", "s6"]
    a = np.array([0.1, 0.01, 0.001, 0.1, 0.01, 0.001])
    frame = taxa_of(np.column_stack([a, 0.0001 / a]), ["A", "B"], samples)  # B falls where A rises
    verdicts = {"s1": "outside", "s2": "within", "s3": "within", "s4": "within", "s5": "within"}  # s6 has none
    groups = {"s1": "y", "s2": "y", "s3": "y", "s4": "x", "s5": "x", "s6": None}
    found = order_shares(frame, verdicts=verdicts, rows=rows_of("A", "B"), groups=groups)["genus"]
    # The two taxa weigh alike, so that the first by name stands at the high end; along the axis A rises.
    assert found["taxa"] == ["B", "A"]
    assert [c[:4] for c in found["columns"]] == [
        ["x", "within", "s5", 1],
        ["x", "within", "s4", 1],
        ["y", "outside", "s1", 1],
        ["y", "within", "s3", 1],
        ["y", "within", "s2", 1],
        [None, "not assessable", "s6", 1],
    ]
    assert found["columns"][0][4] == [0.01, 0.01]
    assert found["columns"][2][4] == [0.001, 0.1]
    assert found["found"] == [1.0, 1.0]


def test_the_order_is_that_of_the_singular_vectors_whatever_the_order_of_the_rows() -> None:
    rng = np.random.default_rng(5)
    names, samples = [f"G{j:02d}" for j in range(12)], [f"s{i:03d}" for i in range(90)]
    shares = rng.dirichlet(np.full(13, 0.2), size=90)[:, :12]
    shares[shares < 1e-4] = 0
    frame = taxa_of(shares, names, samples)
    found = order_shares(frame, verdicts={}, rows=rows_of(*names))["genus"]
    logs = np.log10(np.where(shares > 0, shares, shares[shares > 0].min() / 2))
    u, _, vt = np.linalg.svd(logs - logs.mean(axis=0), full_matrices=False)
    sign = np.sign(vt[0][np.argmax(np.abs(vt[0]))])
    assert found["taxa"] == [names[j] for j in np.argsort(sign * vt[0])]
    assert [c[2] for c in found["columns"]] == [samples[i] for i in np.argsort(sign * u[:, 0])]
    shuffled = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    assert order_shares(shuffled, verdicts={}, rows=rows_of(*names))["genus"] == found


def test_genera_that_are_not_tested_samples_without_reads_and_what_has_no_read_stay_out() -> None:
    shares = np.array([[0.5, 0.1, 0.0, 0.2], [0.25, 0.0, 0.0, 0.2], [np.nan] * 4])
    frame = taxa_of(shares, ["A", "B", "C", "Pathogen"], ["s1", "s2", "s3"])
    guilds = taxa_of(shares[:, :1], ["butyrate producer"], ["s1", "s2", "s3"], "guild")
    rows = [*rows_of("A", "B", "C"), {"tested": "no", "rank": "genus", "genera": "Pathogen"}]
    found = order_shares(pd.concat([frame, guilds], ignore_index=True), verdicts={}, rows=rows)
    assert sorted(found["genus"]["taxa"]) == ["A", "B"]
    assert found["genus"]["left_out"] == 0
    assert (found["genus"]["samples"], found["genus"]["without_reads"]) == (2, 1)
    assert found["guild"]["taxa"] == ["butyrate producer"]
    assert order_shares(frame.iloc[:0], verdicts={}, rows=rows) == {}
    assert order_shares(frame.assign(share=0.0), verdicts={}, rows=rows) == {}


def test_of_many_taxa_those_found_in_most_samples_are_kept_and_the_others_counted() -> None:
    names, samples = [f"G{j:02d}" for j in range(ROWS + 7)], [f"s{i:02d}" for i in range(60)]
    shares = np.array([[0.01 * (i >= j) for j in range(len(names))] for i in range(60)])  # G00 in all samples, each next one in one less
    found = order_shares(taxa_of(shares, names, samples), verdicts={}, rows=rows_of(*names))["genus"]
    assert sorted(found["taxa"]) == names[:ROWS]
    assert found["left_out"] == 7
    assert dict(zip(found["taxa"], found["found"], strict=True))["G03"] == pytest.approx(57 / 60)


def test_beyond_four_hundred_samples_neighbours_of_one_group_and_verdict_are_averaged() -> None:
    rng = np.random.default_rng(6)
    samples = [f"s{i:04d}" for i in range(1_001)]
    shares = rng.uniform(0, 0.3, size=(1_001, 3))
    groups: dict[str, Any] = {s: ("a", "b")[i % 2] for i, s in enumerate(samples)}
    verdicts = {s: ("within", "outside")[i % 5 == 0] for i, s in enumerate(samples)}
    found = order_shares(taxa_of(shares, ["A", "B", "C"], samples), verdicts=verdicts, rows=rows_of("A", "B", "C"), groups=groups)["genus"]
    columns = found["columns"]
    assert len(columns) <= COLUMNS
    assert sum(c[3] for c in columns) == 1_001
    assert max(c[3] for c in columns) == 3
    order = [("ABC").index(t) for t in found["taxa"]]
    for group, verdict in (("a", "within"), ("b", "outside")):
        own = [i for i, s in enumerate(samples) if (groups[s], verdicts[s]) == (group, verdict)]
        mean = np.average([c[4] for c in columns if c[:2] == [group, verdict]], axis=0, weights=[c[3] for c in columns if c[:2] == [group, verdict]])
        assert mean == pytest.approx(shares[own].mean(axis=0)[order], rel=2e-3)  # three digits are kept
    many = {s: s for s in samples}
    alone = order_shares(taxa_of(shares, ["A", "B", "C"], samples), verdicts=verdicts, rows=rows_of("A", "B", "C"), groups=many)["genus"]["columns"]
    assert len(alone) <= COLUMNS
    assert {c[0] for c in alone} == {None}, "so many groups are not told apart"
