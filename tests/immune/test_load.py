"""Links of absolute abundance, where the load of each sample was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gutdiv.cli.app import main
from gutdiv.errors import InputError
from gutdiv.immune.links import link
from gutdiv.io.artifacts import read_table
from gutdiv.io.cohorts import write_cohort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd

    from gutdiv.model.cohort import Cohort


def measured(make: Callable[..., Cohort], counts: np.ndarray, load: Sequence[float | None], **more: Any) -> Cohort:
    """A cohort whose metadata hold the load of each sample."""
    cells = [None if v is None else repr(float(v)) for v in load]
    return make(counts, metadata={"cells": cells, **more}, kinds={"cells": "numeric", **dict.fromkeys(more, "numeric")})


def deep(rng: np.random.Generator, n: int = 80, p: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Absolute abundances without zeros, and many reads of them: too few taxa for relative links."""
    amount = np.exp(rng.normal(np.linspace(3, 0, p), 0.6, size=(n, p)))
    return amount, np.vstack([rng.multinomial(400_000, a / a.sum()) for a in amount])


def naive_slope(y: np.ndarray, x: np.ndarray) -> float:
    """Slope of y on x per SD of x."""
    return float(np.polyfit((x - x.mean()) / x.std(ddof=1), y, 1)[0])


def test_with_load_a_slope_is_that_of_the_absolute_abundance_on_the_diversity_of_the_rest(cohort_of: Callable[..., Cohort]) -> None:
    amount, counts = deep(np.random.default_rng(31))
    frame, about = link(measured(cohort_of, counts, amount.sum(axis=1) * 1e8), (), load="cells")
    for row in frame.itertuples():
        j = int(str(row.taxon)[6:])
        share = np.delete(counts, j, axis=1) / np.delete(counts, j, axis=1).sum(axis=1, keepdims=True)
        rest = -(share * np.log(share)).sum(axis=1)  # by hand: no zeros here, and at 400,000 reads the plug-in entropy has no bias
        assert row.estimate == pytest.approx(naive_slope(np.log(amount[:, j]), rest), abs=0.02)
    assert about["scale"] == "absolute"
    assert about["n_reference_taxa"] == 12  # 15 are needed without load


def test_the_unit_of_the_load_does_not_matter(cohort_of: Callable[..., Cohort]) -> None:
    amount, counts = deep(np.random.default_rng(32))
    one, two = (link(measured(cohort_of, counts, amount.sum(axis=1) * unit), (), load="cells")[0] for unit in (1e-3, 1e11))
    np.testing.assert_allclose(one["estimate"], two["estimate"], atol=1e-9)
    np.testing.assert_allclose(one["p"], two["p"], rtol=1e-6)


def test_links_are_labelled_absolute_and_have_no_tipping_value(cohort_of: Callable[..., Cohort]) -> None:
    rng = np.random.default_rng(33)
    amount, counts = deep(rng)
    crp = np.log(amount[:, 3]) + rng.normal(size=80)
    cohort = measured(cohort_of, counts, amount.sum(axis=1), crp=[str(v) for v in crp])
    frame, about = link(cohort, (), load="cells", markers=["crp"])
    assert set(frame["scale"]) == {"absolute"}
    assert frame[["tipping", "tipping_low", "tipping_high"]].isna().all().all()
    links, marked = frame[frame["test_family"] == "exploratory"], frame[frame["test_family"] == "marker:crp"]
    assert set(links["robustness"]) <= {"robust", "sensitive", "not significant"}
    np.testing.assert_array_equal(links["p_absolute"], links["p"])
    assert marked.iloc[0]["taxon"] == "Genus 03"
    assert set(marked["robustness"]) == {"absolute", "not significant"}
    assert about["notes"][0].startswith("Links are of absolute abundance: total load was measured.")
    assert not any("typical prevalent taxon" in n for n in about["notes"])


def false(frame: pd.DataFrame, null: np.ndarray) -> list[bool]:
    """Whether each true null was reported at 5 %."""
    return list((frame["p"] < 0.05)[null[frame["taxon"].str.slice(6).astype(int).to_numpy()]])


def test_measured_load_mends_the_case_that_reads_alone_cannot_tell(simulated: Callable[..., Any], cohort_of: Callable[..., Cohort]) -> None:
    relative, absolute = [], []
    for k in range(15):
        table = simulated(np.random.default_rng([34, k]), 120, load=True)
        cohort = measured(cohort_of, table.counts, table.load)
        relative += false(link(cohort, ())[0], table.null)
        absolute += false(link(cohort, (), load="cells")[0], table.null)
    assert np.mean(relative) > 0.07
    assert np.mean(absolute) < 0.08
    assert len(absolute) > 300


def test_samples_without_a_load_are_dropped_and_counted(cohort_of: Callable[..., Cohort]) -> None:
    amount, counts = deep(np.random.default_rng(35))
    load: list[float | None] = [*amount.sum(axis=1)[:77], None, None, None]
    frame, about = link(measured(cohort_of, counts, load), (), load="cells")
    assert about["dropped"] == {"no value of load cells": 3}
    assert (frame["n"] == 77).all()


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        ([0.0, -2.0, *[5.0] * 18], "in 2 of 20 samples (S00000, S00001). A load is a number of cells or gene copies above 0"),
        ([0.0] * 20, "(S00000, S00001, S00002, S00003, S00004 and 15 more)"),
    ],
)
def test_a_load_of_zero_or_less_is_refused_with_the_samples(cohort_of: Callable[..., Cohort], load: list[float], reason: str) -> None:
    with pytest.raises(InputError) as error:
        link(measured(cohort_of, np.full((20, 16), 300), load), (), load="cells")
    assert reason in str(error.value)


@pytest.mark.parametrize("load", [[10.2, *[11.1] * 18, 11.9], [1000.0] * 20])
def test_loads_that_look_like_logarithms_or_are_one_value_are_refused(cohort_of: Callable[..., Cohort], load: list[float]) -> None:
    with pytest.raises(InputError, match="less than twofold apart"):
        link(measured(cohort_of, np.full((20, 16), 300), load), (), load="cells")


def test_a_load_that_is_no_number_is_refused(cohort_of: Callable[..., Cohort]) -> None:
    with pytest.raises(InputError, match="'site' of the sample metadata is not numeric"):
        link(cohort_of(np.full((20, 16), 300), metadata={"site": ["a"] * 20}), (), load="site")


def test_the_command_takes_the_load_and_says_so_in_the_record(tmp_path: Path, cohort_of: Callable[..., Cohort]) -> None:
    amount, counts = deep(np.random.default_rng(36))
    write_cohort(tmp_path, measured(cohort_of, counts, amount.sum(axis=1)), [], name="small", about={})
    words = ["immune", "link", "--cohort", str(tmp_path / "cohort.json"), "--load", "cells", "--output", str(tmp_path / "links.tsv")]
    assert main(words) == 0
    table = read_table(tmp_path / "links.tsv", "links")
    assert table.record["options"]["load"] == "cells"
    assert table.record["scale"] == "absolute"
    assert table.record["g"] is None
