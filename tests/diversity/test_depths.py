"""The choice of depth in the open: the rule, what each depth loses by group, and what is said of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import strategies as st
from scipy import stats

from gutdiv.diversity.depths import (
    batch_warnings,
    depth_notes,
    depth_table,
    depth_warnings,
    followed,
    group_losses,
    unequal_loss,
    verdict_depths,
)
from gutdiv.diversity.measure import measure_alpha
from gutdiv.diversity.rarefaction import resolve_depth
from gutdiv.errors import InputError
from gutdiv.numerics.expectations import expected_entropy, expected_richness


def test_the_depth_keeps_nine_tenths_of_every_group() -> None:
    # group a: 10 samples of 100..1000; keeping 9 of them allows 200. group b: 5 samples; keeping 90 % means all 5, so 150
    depths = [100 * (i + 1) for i in range(10)] + [150, 900, 900, 900, 900]
    made = st.cohort_of(st.counts_of_depths(depths), ["a"] * 10 + ["b"] * 5)
    assert resolve_depth(made, "auto") == 150
    assert resolve_depth(st.cohort_of(st.counts_of_depths(depths)), "auto") == 150  # all 15: the 14th deepest
    chosen = depth_table(made)[0].set_index("chosen").loc[True]
    assert (chosen["depth"], chosen["samples"], chosen["smallest_group"]) == (150, 14, "a")
    assert chosen["smallest_group_share"] == pytest.approx(0.9)
    assert resolve_depth(made, "none") is None
    with pytest.raises(InputError, match="no sample has 5,000 reads; the deepest has 1,000"):
        resolve_depth(made, 5000)


def test_no_larger_depth_keeps_the_groups_and_the_slope_is_what_coverage_lacks() -> None:
    depths = [800 + 37 * i for i in range(30)]
    table, _ = depth_table(st.cohort_of(st.counts_of_depths(depths), ["a", "b"] * 15))
    chosen = int(table.loc[table["chosen"], "depth"].iloc[0])
    assert (table.loc[table["depth"] > chosen, "smallest_group_share"] < 0.9).all()
    assert (table.loc[table["depth"] <= chosen, "smallest_group_share"] >= 0.9).all()
    assert table["median_slope"].to_numpy() == pytest.approx(1000 * (1 - table["median_coverage"].to_numpy()), rel=1e-9)


def test_a_tiny_group_does_not_hold_the_depth_down_and_it_is_said() -> None:
    depths = [1000 + 10 * i for i in range(20)] + [5]
    made = st.cohort_of(st.counts_of_depths(depths), ["case"] * 20 + ["blank"])
    weighed, _ = depth_table(made)
    assert resolve_depth(made, "auto") == 1020  # the 18th deepest of 20
    said = " ".join(depth_warnings(made, weighed, 1020))
    assert "'blank' (1 sample)" in said
    assert depth_warnings(made, weighed, None) == [
        "Samples were not rarefied: diversity and distances also differ with the number of reads."
    ]
    assert "only 5 reads" in " ".join(depth_warnings(made, weighed, 5))


def even(reads: int, kinds: int, singletons: int = 0) -> np.ndarray:
    """A sample of `kinds` equally common features and `singletons` features of its own."""
    row = np.zeros(10 + 200, np.int64)
    row[:kinds] = (reads - singletons) // kinds
    row[10 : 10 + singletons] = 1
    row[0] += reads - row.sum()
    return row


def test_the_depth_is_the_largest_at_which_groups_are_kept_and_covered() -> None:
    # 2,000 reads keep 18 of 20 samples, of which 10 hold 120 singletons: coverage 1 and .94, median .97 or, with one more of the latter, .94
    covered, open_ended = even(2000, 10, 1), even(2000, 10, 120)
    shallow = [even(800, 10, 1)] * 2
    counts = np.array(shallow + [covered] * 8 + [open_ended] * 10)
    made = st.cohort_of(counts)
    table = depth_table(made)[0].set_index("depth")
    assert table.loc[2000, "share_kept"] == 0.9
    assert table.loc[2000, "median_coverage"] == pytest.approx(0.94)
    assert table.loc[800, "median_coverage"] >= 0.95
    assert resolve_depth(made, "auto") == 800
    assert depth_warnings(made, depth_table(made)[0], 800) == [
        "The common depth is only 800 reads: rare features are missed, and richness is compared poorly."
    ]
    assert resolve_depth(st.cohort_of(np.array(shallow + [covered] * 9 + [open_ended] * 9)), "auto") == 2000
    assert resolve_depth(st.cohort_of(np.array([open_ended] * 20)), "auto") == 2000, "nowhere covered: the largest that keeps the groups"


def test_every_group_counts_where_a_depth_covers_its_samples() -> None:
    counts = np.array([even(2000, 10, 1)] * 10 + [even(900, 10, 1)])
    made = st.cohort_of(counts, ["case"] * 10 + ["control"])
    assert resolve_depth(made, "auto") == 900
    chosen = depth_table(made)[0].set_index("chosen").loc[True]
    assert chosen["smallest_group_share"] == 1.0


def test_metrics_are_correlated_with_reads_and_what_cannot_be_is_said() -> None:
    depths = [300 + 150 * i for i in range(30)]
    made = st.cohort_of(st.counts_of_depths(depths, features=400))
    table, absent = depth_table(made, metrics=["simpson", "berger_parker_d", "faith_pd"], seed=5)
    assert absent == {"faith_pd": "no tree was given"}
    chosen = table.set_index("chosen").loc[True]
    frame, _ = measure_alpha(made, ["simpson"], depth=int(chosen["depth"]), draws=1, seed=5)
    whole, _ = measure_alpha(made, ["simpson"], depth="none")
    kept = made.depth >= chosen["depth"]
    for column, values in (("rho_simpson", frame), ("rho_simpson_before", whole)):
        assert chosen[column] == pytest.approx(stats.spearmanr(values["value"].to_numpy()[kept], made.depth[kept]).statistic)
    assert "rho_berger_parker_d" in table.columns
    assert "rho_faith_pd" not in table.columns


@pytest.mark.parametrize(("samples", "word"), [(40, "by chance"), (41, "follows")])
def test_a_correlation_with_reads_that_chance_leaves_among_few_samples_is_told_apart(samples: int, word: str) -> None:
    # 1.96 / sqrt(39) = 0.3139, 1.96 / sqrt(40) = 0.3099
    correlations = {"rho_sobs_before": [0.9], "rho_sobs": [-0.3125], "rho_shannon": [0.2], "rho_simpson": [np.nan]}
    table = pd.DataFrame({"depth": [500], "samples": [samples], **correlations})
    assert followed(table, 500) == {"sobs": word, "shannon": "near 0"}
    assert followed(table, None) == {}


def test_richness_that_still_follows_the_reads_is_warned_of() -> None:
    rng = np.random.default_rng(2)
    depths = [1500 + 100 * i for i in range(40)]
    # samples with more reads come from richer communities
    counts = np.array([rng.multinomial(d, np.r_[np.ones(20 + 5 * i), np.zeros(220 - 5 * i)] / (20 + 5 * i)) for i, d in enumerate(depths)])
    made = st.cohort_of(counts)
    depth = resolve_depth(made, "auto")
    assert any("Richness still follows the reads" in w for w in batch_warnings(depth_table(made)[0], depth))
    plain = st.cohort_of(st.counts_of_depths(depths))
    assert not batch_warnings(depth_table(plain)[0], resolve_depth(plain, "auto"))


def test_low_coverage_is_warned_of() -> None:
    made = st.cohort_of(st.counts_of_depths([1500] * 6, features=1000))
    said = depth_warnings(made, depth_table(made)[0], 1500)
    assert any("median coverage at 1,500 reads" in s and "below 0.95" in s for s in said)


def test_losses_are_counted_and_tested_by_group() -> None:
    depths = [2000] * 12 + [500] * 7 + [2000] * 5
    made = st.cohort_of(st.counts_of_depths(depths), ["a"] * 12 + ["b"] * 12)
    table, _ = depth_table(made, extra=[1500])
    row = table.set_index("depth").loc[1500]
    assert row["loss_p"] == pytest.approx(stats.fisher_exact([[12, 0], [5, 7]]).pvalue)
    assert row["loss_p"] == pytest.approx(2 * math.comb(12, 7) / math.comb(24, 7))  # by hand: all seven of one group, either group
    assert math.isnan(table.set_index("depth").loc[500, "loss_p"]), "nothing is lost: nothing to test"
    losses = group_losses(made, table)
    assert losses["lost"]["1500"] == {"a": 0, "b": 7}
    assert losses["groups"] == {"a": 12, "b": 12}
    assert losses["loss_test"] == "Fisher's exact test"
    assert any("unequal shares" in w for w in depth_warnings(made, table, 1500))


def test_loss_among_three_groups_equals_the_exact_test_within_its_error() -> None:
    # r's fisher.test of these tables: by enumeration of all tables with the margins
    for cells in ([[9, 1], [8, 2], [3, 7]], [[5, 5], [6, 4], [5, 5]]):
        table = np.array(cells)
        sizes, lost = table.sum(1), table[:, 1].sum()
        weight = {
            (i, j, lost - i - j): math.comb(int(sizes[0]), i) * math.comb(int(sizes[1]), j) * math.comb(int(sizes[2]), int(lost) - i - j)
            for i in range(11)
            for j in range(11)
            if 0 <= lost - i - j <= 10
        }
        own = weight[tuple(table[:, 1].tolist())]
        exact = sum(w for w in weight.values() if w <= own) / sum(weight.values())
        found = unequal_loss(table, seed=1)
        assert abs(found - exact) < 4.5 * math.sqrt(exact * (1 - exact) / 9999) + 1e-3
        assert found == unequal_loss(table, seed=1)


def test_along_a_scale_lost_and_kept_samples_are_compared_by_rank() -> None:
    depths = [500] * 6 + [2000] * 10
    ages = [str(20 + i) for i in range(16)]
    made = st.cohort_of(st.counts_of_depths(depths), ages, kind="numeric")
    table, _ = depth_table(made, extra=[1500])
    assert table.set_index("depth").loc[1500, "loss_p"] == pytest.approx(2 / math.comb(16, 6))  # complete separation, both ways
    losses = group_losses(made, table)
    assert losses["lost"] == {}
    assert "rank-sum of g" in losses["loss_test"]
    assert not any("groups of fewer" in w for w in depth_warnings(made, table, 1500))


def test_correlation_with_reads_is_of_the_samples_kept_before_and_after() -> None:
    depths = [300, 500, 800, 1200, 2000, 3000, 5000, 9000]
    made = st.cohort_of(st.counts_of_depths(depths, features=400))
    row = depth_table(made, extra=[500])[0].set_index("depth").loc[500]
    kept = made.depth >= 500
    reads = np.full(8, 500)
    indptr = made.counts.indptr.astype(np.int64)
    whole = made.counts.toarray()
    assert row["rho_sobs_before"] == pytest.approx(stats.spearmanr((whole > 0).sum(1)[kept], made.depth[kept]).statistic)
    assert row["rho_sobs"] == pytest.approx(
        stats.spearmanr(expected_richness(indptr, made.counts.data, reads)[kept], made.depth[kept]).statistic
    )
    assert row["rho_shannon"] == pytest.approx(
        stats.spearmanr(expected_entropy(indptr, made.counts.data, reads)[kept], made.depth[kept]).statistic
    )
    assert row["rho_sobs_before"] > 0.7 > abs(row["rho_sobs"]), "deeper samples seem richer until they are rarefied"


def test_a_table_that_came_rarefied_keeps_its_depth_and_it_is_said() -> None:
    made = st.cohort_of(st.counts_of_depths([1200] * 8), ["a", "b"] * 4)
    assert resolve_depth(made, "auto") == 1200
    table, _ = depth_table(made)
    assert table.loc[table["chosen"], "depth"].tolist() == [1200]
    assert "was rarefied before" in depth_notes(made, 1200)[0]
    assert depth_notes(made, 600) == []
    assert depth_notes(st.cohort_of(st.counts_of_depths([1200, 1300])), 1200) == []


def test_without_singletons_coverage_is_not_told() -> None:
    counts = st.counts_of_depths([3000, 3000, 3100])
    counts[counts == 1] = 2
    made = st.cohort_of(counts)
    table, absent = depth_table(made)
    assert "coverage cannot be told" in absent["median_coverage"]
    assert "chao1" in absent
    assert table["median_coverage"].isna().all()
    assert table["median_slope"].notna().all()
    assert not any("coverage" in w for w in depth_warnings(made, table, resolve_depth(made, "auto")))


def test_verdicts_have_the_depth_of_alpha_diversity_in_the_study_and_1000_between_studies() -> None:
    made = st.cohort_of(st.counts_of_depths([1500, 1600, 1700]))
    assert verdict_depths(made, 1600) == {"in-study": 1600, "aligned": 1000}
    assert verdict_depths(made, None) == {"in-study": 1500, "aligned": 1000}
