"""Alpha diversity between groups against R, by hand and by simulation: the tests, the unit of analysis, families and findings."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gutdiv.comparison.contrasts import Procedure
from gutdiv.comparison.groups import compare_groups
from gutdiv.errors import InputError
from gutdiv.model.cohort import SampleMetadata

TRUTH = Path(__file__).parents[1] / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


TESTS = rows("group_tests.tsv")
AS_R = Procedure(permutations=0)  # R approximates p where there are ties, however few the units


def truth(test: str, values: str, contrast: str) -> dict[str, str]:
    return next(r for r in TESTS if (r["test"], r["values"], r["contrast"]) == (test, values, contrast))


def metadata(ids: list[str], columns: dict[str, list[Any]], *, categorical: tuple[str, ...] = ()) -> SampleMetadata:
    """Make sample metadata; columns of numbers are numeric unless named."""
    cells = {k: tuple(None if v is None or v == "" else str(v) for v in values) for k, values in columns.items()}

    def kind(name: str) -> str:
        try:
            [float(c) for c in cells[name] if c is not None]
        except ValueError:
            return "categorical"
        return "categorical" if name in categorical else "numeric"

    return SampleMetadata(tuple(ids), cells, {k: kind(k) for k in cells})


def alpha(ids: list[str], *, level: str = "feature", **metrics: list[float]) -> pd.DataFrame:
    """Make an alpha table."""
    parts = [{"sample_id": s, "level": level, "metric": m, "value": v} for m, values in metrics.items() for s, v in zip(ids, values, strict=True)]
    return pd.DataFrame(parts)


def example() -> tuple[list[str], dict[str, list[str]], list[float], list[float]]:
    """Return the units, columns and values that R tested."""
    table = rows("group_values.tsv")
    columns = {k: [r[k] for r in table] for k in ("group", "block", "level", "covariate")}
    return [r["unit"] for r in table], columns, [float(r["value"]) for r in table], [float(r["tied"]) for r in table]


def test_independent_groups_equal_r() -> None:
    ids, columns, value, tied = example()
    table = compare_groups(alpha(ids, value=value, tied=tied), metadata(ids, columns), variable="group", how=AS_R).frame
    for metric in ("value", "tied"):
        mine = table[table["metric"] == metric].set_index("contrast")
        overall = truth("kruskal", metric, "group")
        assert mine.loc["a, b, c", "p"] == pytest.approx(float(overall["p"]), rel=1e-10)
        assert mine.loc["a, b, c", "statistic"] == pytest.approx(float(overall["statistic"]), rel=1e-10)
        for pair in ("a-b", "a-c", "b-c"):
            expected = truth("rank_sum", metric, pair)
            row = mine.loc[pair.replace("-", " - ")]
            assert (row["statistic"], row["p"]) == pytest.approx((float(expected["statistic"]), float(expected["p"])), rel=1e-10)
    assert set(table["unit"]) == {"sample"}
    assert table["n_1"].tolist()[:4] == [24, 7, 7, 9]
    assert table["n_2"].tolist()[1:4] == [9, 8, 8]


def test_q_equals_r_within_the_stated_family() -> None:
    ids, columns, value, _ = example()
    table = compare_groups(alpha(ids, value=value), metadata(ids, columns), variable="group").frame
    pairs = table.iloc[1:]
    assert pairs["q"].tolist() == pytest.approx([float(truth("rank_sum_bh", "value", p)["p"]) for p in ("a-b", "a-c", "b-c")], rel=1e-10)
    assert set(pairs["family"]) == {"3 tests of pairs of groups of 1 metric by group, feature level"}
    assert table["q"].iloc[0] == table["p"].iloc[0]
    assert pairs["strength"].tolist() == ["clear", "weak", "weak"]


def test_families_span_metrics_but_not_levels() -> None:
    ids, columns, value, tied = example()
    both = pd.concat([alpha(ids, value=value, tied=tied), alpha(ids, level="genus", value=value)])
    table = compare_groups(both, metadata(ids, columns), variable="group").frame.set_index(["metric", "contrast"])
    # by hand: feature pairs p = .00332, .12059, .04640, .47577, .49356, .91946: the smallest times 6
    assert table.loc[("value", "a - b"), "q"] == pytest.approx(0.0033216783216783218 * 6, rel=1e-10)
    assert table.loc[("value (genus)", "a - b"), "q"] == pytest.approx(0.0033216783216783218 * 3, rel=1e-10)
    assert table.loc[("value", "a - b"), "family"] == "6 tests of pairs of groups of 2 metrics by group, feature level"


def test_groups_within_subjects_equal_r() -> None:
    ids, columns, value, tied = example()
    table = compare_groups(alpha(ids, value=value, tied=tied), metadata(ids, columns), variable="level", subject="block", how=AS_R).frame
    for metric in ("value", "tied"):
        mine = table[table["metric"] == metric].set_index("contrast")
        overall = truth("friedman", metric, "level|block")
        assert mine.loc["x, y, z", "test"] == "Friedman"
        assert mine.loc["x, y, z", "p"] == pytest.approx(float(overall["p"]), rel=1e-10)
        for pair in ("x-y", "x-z", "y-z"):
            expected = truth("signed_rank", metric, pair)
            row = mine.loc[pair.replace("-", " - ")]
            assert (row["statistic"], row["p"]) == pytest.approx((float(expected["statistic"]), float(expected["p"])), rel=1e-10)
            assert (row["n_1"], row["n_2"], row["effect_name"]) == (8, 8, "Cliff's delta within subjects")
    assert set(table["unit"]) == {"subject (block; mean of its samples for each group, compared within subjects)"}


def test_bci_equals_r() -> None:
    env, table = rows("bci_env.tsv"), rows("alpha_bci.tsv")
    ids = [r["sample_id"] for r in env]
    frame = alpha(ids, shannon=[float(r["shannon"]) for r in table])
    meta = metadata(ids, {k: [r[k] for r in env] for k in ("Habitat", "Stream")})
    table = compare_groups(frame, meta, variable="Stream")
    assert len(table.frame) == 1
    assert table.frame["p"].iloc[0] == pytest.approx(float(truth("rank_sum", "bci_shannon", "No-Yes")["p"]), rel=1e-10)
    assert [f["what"] for f in table.record["findings"]] == ["group_difference"]


def test_the_first_group_is_lower_where_the_effect_is_negative() -> None:
    ids = [f"s{k}" for k in range(12)]
    meta = metadata(ids, {"group": ["CD"] * 6 + ["control"] * 6})
    values = [1.0, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
    table = compare_groups(alpha(ids, shannon=values), meta, variable="group")
    row, finding = table.frame.iloc[0], table.record["findings"][0]
    assert (row["contrast"], row["effect"], row["median_1"], row["median_2"]) == ("CD - control", -1.0, 3.5, 13.5)
    assert row["p"] == pytest.approx(2 / 924)  # C(12, 6) = 924 arrangements, two of them as extreme
    assert (finding["what"], finding["subject"], finding["direction"], finding["size"]) == ("group_difference", "shannon", "lower", -1.0)
    assert (finding["strength"], finding["unit"]) == ("clear", "Cliff's delta")
    assert {k: finding["values"][k] for k in ("n_1", "n_2", "group_1", "group_2", "contrast")} == {
        "n_1": 6, "n_2": 6, "group_1": "CD", "group_2": "control", "contrast": "CD - control",
    }  # fmt: skip
    turned = compare_groups(alpha(ids, shannon=values), meta, variable="group", baseline="CD")
    assert turned.frame["contrast"].iloc[0] == "control - CD"
    assert turned.record["findings"][0]["direction"] == "higher"


def test_with_three_groups_the_overall_test_answers_for_its_metric() -> None:
    ids, columns, value, _ = example()
    found = compare_groups(alpha(ids, value=value), metadata(ids, columns), variable="group").record["findings"]
    assert [f["what"] for f in found] == ["group_difference"] + ["pair_difference"] * 3
    assert (found[0]["unit"], found[0]["direction"], found[0]["values"]["groups"]) == ("epsilon squared", "present", ["a", "b", "c"])
    assert found[0]["size"] == pytest.approx(9.8228174603174523 / 23)


def test_samples_of_a_subject_are_averaged_where_the_variable_is_the_subjects_own() -> None:
    owners = ["p1", "p1", "p2", "p3", "p4", "p4", "p4", "p5", "p6", "p6"]
    side = ["a", "a", "a", "a", "b", "b", "b", "b", "b", "b"]
    values = [1.0, 3, 5, 4, 9, 6, 9, 7, 2, 4]  # means: 2, 5, 4 against 8, 7, 3
    ids = [f"s{k}" for k in range(10)]
    table = compare_groups(alpha(ids, shannon=values), metadata(ids, {"owner": owners, "side": side}), variable="side", subject="owner")
    row = table.frame.iloc[0]
    assert (row["n_1"], row["n_2"], row["median_1"], row["median_2"], row["n_samples"], row["n_dropped"]) == (3, 3, 4.0, 7.0, 10, 0)
    assert row["effect"] == pytest.approx((2 - 7) / 9)  # a above b: 5 > 3 and 4 > 3, below in the other seven of nine
    assert row["unit"] == "subject (owner; mean of its samples)"


def test_few_subjects_with_several_levels_are_left_out_and_counted() -> None:
    owners = [f"p{k}" for k in range(10)] + ["p0", "p9"]
    side = ["a"] * 5 + ["b"] * 5 + ["b", "b"]  # p0 holds both
    ids = [f"s{k:02d}" for k in range(12)]
    table = compare_groups(alpha(ids, shannon=list(range(12))), metadata(ids, {"o": owners, "side": side}), variable="side", subject="o")
    row = table.frame.iloc[0]
    assert (row["n_1"], row["n_2"], row["n_dropped"]) == (4, 5, 2)
    assert row["unit"] == "subject (o; mean of its samples)"


def test_within_subjects_only_subjects_with_both_levels_count() -> None:
    owners = ["p1", "p1", "p2", "p2", "p3", "p3", "p4", "p4", "p5", "p6", "p1"]
    when = ["before", "after"] * 4 + ["before", "after", "after"]
    values = [1.0, 2, 1, 3, 1, 4, 1, 5, 100, 100, 4]  # p1 after: mean of 2 and 4
    ids = [f"s{k:02d}" for k in range(11)]
    table = compare_groups(alpha(ids, shannon=values), metadata(ids, {"o": owners, "when": when}), variable="when", subject="o")
    row = table.frame.iloc[0]
    assert (row["contrast"], row["n_1"], row["n_2"], row["n_samples"], row["n_dropped"]) == ("after - before", 4, 4, 9, 2)
    assert (row["median_1"], row["median_2"]) == (3.5, 1.0)
    # all four pairs rise, V = 10; the differences 2, 2, 3, 4 are tied: of 2^4 = 16 arrangements of signs two are as extreme
    assert (row["statistic"], row["effect"]) == (10.0, 1.0)
    assert (row["test"], row["p"], row["permutations"]) == ("Wilcoxon signed-rank (all arrangements)", 2 / 16, 16)


def test_arms_with_visits_are_compared_within_subjects_along_visits_and_between_subjects_along_arms() -> None:
    owners = [f"p{k}" for k in range(8) for _ in range(2)] + ["p8", "p9"]
    arms = ["drug_pre", "drug_post"] * 4 + ["placebo_pre", "placebo_post"] * 4 + ["drug_pre", "placebo_pre"]
    values = [float(k * k % 17) for k in range(18)]
    ids = [f"s{k:02d}" for k in range(18)]
    table = compare_groups(alpha(ids, shannon=values), metadata(ids, {"o": owners, "arm": arms}), variable="arm", subject="o")
    units = dict(zip(table.frame["contrast"], table.frame["unit"], strict=True))
    within = {c for c, u in units.items() if "compared within subjects" in u}
    assert within == {"drug_post - drug_pre", "placebo_post - placebo_pre"}
    assert set(units) - within == {
        "drug_post - placebo_post", "drug_post - placebo_pre", "drug_pre - placebo_post", "drug_pre - placebo_pre",
    }  # fmt: skip
    sizes = table.frame.set_index("contrast")[["n_1", "n_2", "n_samples", "n_dropped"]]
    assert sizes.loc["drug_pre - placebo_pre"].tolist() == [5, 5, 10, 0]
    assert sizes.loc["drug_post - drug_pre"].tolist() == [4, 4, 8, 1]
    assert table.record["absent"] == {
        "shannon: overall": "most subjects hold several of the groups, but not all of them; compared by pairs only"
    }
    assert {f["what"] for f in table.record["findings"]} == {"pair_difference"}


def test_small_groups_missing_cells_and_undefined_metrics_are_told() -> None:
    ids = [f"s{k:02d}" for k in range(12)]
    side = ["a"] * 5 + ["b"] * 4 + ["c", "c", None]
    nothing = [float("nan")] * 12
    holed = [1.0, float("nan"), 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    frame = alpha([*ids[:11], "stranger"], shannon=holed, chao1=nothing)
    table = compare_groups(frame, metadata(ids, {"side": side}), variable="side")
    row = table.frame.iloc[0]
    assert (len(table.frame), row["contrast"], row["n_1"], row["n_2"]) == (1, "a - b", 4, 4)
    assert row["n_dropped"] == 2  # the stranger and the sample without a value
    assert table.record["absent"] == {"chao1": "no sample has a value", "shannon: c": "2 units with a value; at least 3 are needed"}
    assert table.record["dropped"] == {"not in the sample metadata": 1}
    assert table.record["groups"] == {"a": 5, "b": 4, "c": 2}
    alone = compare_groups(alpha(ids, shannon=holed), metadata(ids, {"side": ["a"] * 12}), variable="side")
    assert alone.frame.empty
    assert alone.record["absent"] == {"shannon": "fewer than two groups of side have 3 units"}
    assert alone.record["findings"] == []


def test_a_number_is_correlated_over_subjects() -> None:
    ids, columns, value, _ = example()
    truth_row = truth("spearman_t", "value", "covariate")
    meta = metadata(ids, columns)
    table = compare_groups(alpha(ids, value=value), meta, variable="covariate")
    row = table.frame.iloc[0]
    assert (row["effect"], row["p"]) == pytest.approx((float(truth_row["statistic"]), float(truth_row["p"])), rel=1e-10)
    finding = table.record["findings"][0]
    assert (finding["what"], finding["direction"], finding["unit"]) == ("group_difference", "higher", "Spearman's rho")
    over = compare_groups(alpha(ids, value=value), meta, variable="covariate", subject="block").frame.iloc[0]
    x = pd.DataFrame({"b": columns["block"], "x": [float(c) for c in columns["covariate"]], "y": value}).groupby("b").mean()
    assert (over["n_1"], over["n_samples"]) == (8, 24)
    assert over["effect"] == pytest.approx(x["x"].corr(x["y"], method="spearman"))
    assert over["test"] == "Spearman (exact)"


def test_two_numbers_are_groups_and_a_caller_can_say_otherwise() -> None:
    ids = [f"s{k:02d}" for k in range(12)]
    meta = metadata(ids, {"case": ["1", "1.0"] * 3 + ["0"] * 6, "stage": [10, 2, 2, 10, 1, 1] * 2})
    values = list(np.random.default_rng(0).normal(size=12))
    assert compare_groups(alpha(ids, m=values), meta, variable="case").frame["contrast"].tolist() == ["0 - 1"]
    assert compare_groups(alpha(ids, m=values), meta, variable="stage").frame["test"].tolist() == ["Spearman (t approximation)"]
    stages = compare_groups(alpha(ids, m=values), meta, variable="stage", treat_as="groups").frame
    assert stages["contrast"].tolist() == ["1, 2, 10", "1 - 2", "1 - 10", "2 - 10"]


def test_false_positives_stay_rare_where_subjects_repeat() -> None:
    sizes = [1, 2, 8, 3, 12, 2, 6, 1, 9, 4, 2, 10]
    owners = [f"p{k:02d}" for k, m in enumerate(sizes) for _ in range(m)]
    ids = [f"s{k:03d}" for k in range(len(owners))]
    honest, naive = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        own = {o: rng.normal() for o in sorted(set(owners))}
        side = dict(zip(sorted(own), rng.permutation(["a", "b"] * 6), strict=True))
        frame = alpha(ids, m=[own[o] + 0.4 * rng.normal() for o in owners])
        meta = metadata(ids, {"o": owners, "side": [side[o] for o in owners]})
        honest.append(compare_groups(frame, meta, variable="side", subject="o").frame["p"].iloc[0])
        naive.append(compare_groups(frame, meta, variable="side").frame["p"].iloc[0])
    assert np.mean(np.array(honest) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(np.array(naive) <= 0.05) > 0.3


def test_no_row_counts_more_units_than_subjects() -> None:
    ids, columns, value, tied = example()
    meta = metadata(ids, columns)
    for variable in ("group", "level", "covariate"):
        table = compare_groups(alpha(ids, value=value, tied=tied), meta, variable=variable, subject="block").frame
        assert not table.empty
        assert (table["n_1"] <= 8).all()
        assert table["unit"].str.startswith("subject (block").all()


def test_nothing_depends_on_the_order_of_rows() -> None:
    ids, columns, value, tied = example()
    frame, meta = alpha(ids, value=value, tied=tied), metadata(ids, columns)
    mixed = pd.concat([part.sample(frac=1, random_state=3) for _, part in frame.groupby("metric", sort=False)])
    for variable, subject in (("group", None), ("level", "block"), ("covariate", "block")):
        a = compare_groups(frame, meta, variable=variable, subject=subject)
        b = compare_groups(mixed, meta.select(tuple(reversed(ids))), variable=variable, subject=subject)
        pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)
        assert a.record["findings"] == b.record["findings"]


def test_what_does_not_fit_is_refused() -> None:
    ids, columns, value, _ = example()
    frame, meta = alpha(ids, value=value), metadata(ids, columns)
    with pytest.raises(InputError, match="no column 'grup'"):
        compare_groups(frame, meta, variable="grup")
    with pytest.raises(InputError, match="no column 'who'"):
        compare_groups(frame, meta, variable="group", subject="who")
    with pytest.raises(InputError, match=r"baseline 'q' is no group of column 'group'\. Known groups: 'a', 'b', 'c'"):
        compare_groups(frame, meta, variable="group", baseline="q")
    with pytest.raises(InputError, match="'group' of the sample metadata is not numeric"):
        compare_groups(frame, meta, variable="group", treat_as="numbers")


@pytest.mark.real_data
def test_diversity_falls_within_patients_after_transplantation(real_data: Path) -> None:
    # Taur 2012: post strongly lower than pre (the README beside the data); 94 patients, 439 samples, unrarefied here
    import biom

    table = biom.load_table(str(real_data / "hct_taur" / "table.biom"))
    counts = np.asarray(table.matrix_data.T.toarray())
    shares = counts / counts.sum(axis=1, keepdims=True)
    shannon = -np.sum(np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0), axis=1)
    with (real_data / "hct_taur" / "metadata.tsv").open(newline="", encoding="utf-8") as handle:
        env = list(csv.DictReader(handle, delimiter="\t"))
    ids = [r["sample_id"] for r in env]
    meta = metadata(ids, {"group": [r["group"] for r in env], "subject_id": [r["subject_id"] for r in env]}, categorical=("subject_id",))
    result = compare_groups(alpha(list(table.ids()), shannon=shannon.tolist()), meta, variable="group", subject="subject_id")
    row = result.frame.iloc[0]
    assert row["contrast"] == "post_day0_35 - pre_transplant"
    assert (row["n_1"], row["n_2"]) == (92, 92)
    assert row["effect"] < -0.5
    assert row["q"] < 1e-6
    assert result.record["findings"][0]["direction"] == "lower"


def test_p_is_permuted_where_the_smallest_group_has_fewer_than_ten_units_and_no_exact_p() -> None:
    ids = [f"s{k:02d}" for k in range(30)]
    tied = [float(k * k % 7) for k in range(30)]
    few, enough = ["a"] * 9 + ["b"] * 21, ["a"] * 10 + ["b"] * 20
    drawn = compare_groups(alpha(ids, m=tied), metadata(ids, {"side": few}), variable="side").frame.iloc[0]
    assert (drawn["test"], drawn["permutations"]) == ("Wilcoxon rank-sum (permutations)", 9999)
    row = compare_groups(alpha(ids, m=tied), metadata(ids, {"side": enough}), variable="side").frame.iloc[0]
    assert (row["test"], row["permutations"] is pd.NA) == ("Wilcoxon rank-sum (normal approximation)", True)
    untied = compare_groups(alpha(ids, m=[k + v for k, v in enumerate(tied)]), metadata(ids, {"side": few}), variable="side").frame.iloc[0]
    assert untied["test"] in {"Wilcoxon rank-sum (exact)", "Wilcoxon rank-sum (permutations)"}
    as_r = compare_groups(alpha(ids, m=tied), metadata(ids, {"side": few}), variable="side", how=AS_R).frame.iloc[0]
    assert abs(as_r["p"] - drawn["p"]) < 0.05
    assert (as_r["statistic"], as_r["effect"]) == (drawn["statistic"], drawn["effect"])


def test_missing_cells_of_the_variable_are_counted_in_every_test() -> None:
    ids = [f"s{k:02d}" for k in range(20)]
    side = ["a"] * 5 + ["b"] * 6 + ["c"] * 5 + [None] * 4
    holed = [float(k) for k in range(20)]
    holed[0] = float("nan")  # a sample of a without a value
    table = compare_groups(alpha(ids, m=holed, full=list(range(20))), metadata(ids, {"side": side}), variable="side")
    rows_by = table.frame.set_index(["metric", "contrast"])
    dropped = {k: rows_by.loc[("m", k), "n_dropped"] for k in ("a, b, c", "a - b", "b - c")}
    assert dropped == {"a, b, c": 5, "a - b": 5, "b - c": 4}  # four without a cell; of m one of a without a value
    assert rows_by.loc[("full", "a - b"), "n_dropped"] == 4
    assert rows_by.loc[("m", "a - b"), "n_samples"] == 10
    assert table.record["dropped"] == {"no value of side": 4}


def test_welch_compares_pairs_of_transformed_metrics() -> None:
    data = rows("model_data.tsv")
    ids = [r["sample_id"] for r in data]
    made = metadata(ids, {"arm": [r["arm"] for r in data]})
    frame = alpha(ids, steady=[float(r["steady"]) for r in data])
    table = compare_groups(frame, made, variable="arm", how=Procedure("welch"))
    expected = {(r["formula"], r["what"]): float(r["value"]) for r in rows("model_truth.tsv") if r["model"] == "welch"}
    assert table.frame["contrast"].tolist() == ["drug - none", "drug - placebo", "none - placebo"]
    for row in table.frame.to_dict("records"):
        assert (row["p"], row["df"]) == pytest.approx((expected[row["contrast"], "p.value"], expected[row["contrast"], "parameter"]), rel=1e-10)
        assert (row["test"], row["effect_name"]) == ("Welch's t", "difference of means")
    assert table.record["absent"] == {"steady: overall": "Welch's t compares two groups; see the pairs"}
    squared = compare_groups(frame, made, variable="arm", how=Procedure("welch", transforms={"steady": 2.0})).frame.iloc[0]
    x, y = (np.array([float(r["steady"]) for r in data if r["arm"] == a]) ** 2 for a in ("drug", "none"))
    assert (squared["effect"], squared["effect_name"]) == (pytest.approx(x.mean() - y.mean()), "difference of means of steady^2")
    assert squared["median_1"] == pytest.approx(np.median(np.sqrt(x)))  # medians stay in the metric's own scale
    with pytest.raises(InputError, match=r"no power 0\.5 of it can be taken"):
        compare_groups(alpha(ids, steady=[-1.0] * len(ids)), made, variable="arm", how=Procedure("welch", transforms={"steady": 0.5}))
    with pytest.raises(InputError, match="names 1 metric that the alpha table lacks: 'shannon'"):
        compare_groups(frame, made, variable="arm", how=Procedure(transforms={"shannon": 2.0}))
    with pytest.raises(InputError, match="is taken as numbers"):
        compare_groups(frame, metadata(ids, {"age": list(range(len(ids)))}), variable="age", how=Procedure("welch"))


def test_welch_within_subjects_is_the_t_of_differences() -> None:
    owners, when = [f"p{k // 2}" for k in range(12)], ["before", "after"] * 6
    values = [1.0, 2, 3, 5, 2, 2.5, 7, 9, 4, 4, 1, 3]
    ids = [f"s{k:02d}" for k in range(12)]
    made = metadata(ids, {"o": owners, "when": when})
    row = compare_groups(alpha(ids, m=values), made, variable="when", subject="o", how=Procedure("welch")).frame.iloc[0]
    change = np.array(values[1::2]) - np.array(values[0::2])
    assert (row["test"], row["df"], row["n_1"]) == ("paired t", 5.0, 6)
    assert row["statistic"] == pytest.approx(change.mean() / (change.std(ddof=1) / np.sqrt(6)))
    assert row["unit"] == "subject (o; mean of its samples for each group, compared within subjects)"
