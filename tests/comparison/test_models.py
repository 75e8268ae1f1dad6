"""Linear and mixed models of alpha diversity against R (lm, drop1, HC3 by its formula, nlme, lme4), and what they refuse."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gutdiv.comparison.models import model_alpha
from gutdiv.comparison.scheme import UntestableError
from gutdiv.errors import ExpressionError, InputError
from gutdiv.model.cohort import SampleMetadata

TRUTH = Path(__file__).parents[1] / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


DATA, EXPECTED = rows("model_data.tsv"), rows("model_truth.tsv")
# R names a coefficient by variable and level, the table by what it compares.
NAMES = {
    "armnone": "none - drug", "armplacebo": "placebo - drug", "doselow": "low - high", "age": "per age", "week": "per week",
}  # fmt: skip


def cohort(columns: dict[str, list[Any]]) -> SampleMetadata:
    """Make sample metadata; a column is numeric where all its cells are numbers."""
    cells = {k: tuple(None if v is None else str(v) for v in values) for k, values in columns.items()}
    numeric = {k: all(c is None or c.lstrip("-").replace(".", "", 1).isdigit() for c in v) for k, v in cells.items()}
    n = len(next(iter(cells.values())))
    return SampleMetadata(tuple(f"s{k:04d}" for k in range(n)), cells, {k: "numeric" if yes else "categorical" for k, yes in numeric.items()})


def alpha(ids: tuple[str, ...], **metrics: Any) -> pd.DataFrame:
    """Make an alpha table."""
    return pd.concat([pd.DataFrame({"sample_id": ids, "level": "feature", "metric": m, "value": v}) for m, v in metrics.items()])


def example() -> tuple[pd.DataFrame, SampleMetadata]:
    """Return the values and columns that R modelled."""
    made = cohort({k: [r[k] for r in DATA] for k in ("subject", "arm", "age", "week", "dose")})
    return alpha(made.ids, **{m: [float(r[m]) for r in DATA] for m in ("steady", "drifting", "flat")}), made


def truth(model: str, formula: str, metric: str) -> dict[tuple[str, str], float]:
    chosen = [r for r in EXPECTED if (r["model"], r["formula"], r["metric"]) == (model, formula, metric)]
    return {(r["what"], r["name"]): float(r["value"]) for r in chosen if r["value"]}


@pytest.mark.parametrize("metric", ["steady", "drifting"])
@pytest.mark.parametrize("formula", ["~ arm + age", "~ arm * dose + age", "~ age * week"])
def test_linear_models_equal_r(formula: str, metric: str) -> None:
    values, made = example()
    table = model_alpha(values, made, formula=formula, metrics=[metric])
    expected, mine = truth("linear", formula, metric), table.frame
    coefficients = mine[mine["part"] == "coefficient"].set_index("contrast")
    assert len(coefficients) == sum(what == "estimate" for what, _ in expected)
    for (what, name), value in expected.items():
        if what in {"estimate", "se", "p", "p_classical", "ci_low"}:
            column = "effect" if what == "estimate" else what
            assert coefficients.loc[NAMES.get(name, name), column] == pytest.approx(value, rel=1e-9), (what, name)
    terms = mine[mine["part"] == "term"].set_index("variable")
    tested = {name for what, name in expected if what == "term_p"}
    assert set(terms.index) == tested
    for name in tested:
        got = terms.loc[name, ["statistic", "p", "p_classical"]].astype(float).tolist()
        assert got == pytest.approx([expected[k, name] for k in ("term_f", "term_p", "term_p_classical")], rel=1e-8)
    checks = next(iter(table.record["checks"].values()))
    assert checks["cook"] == pytest.approx(expected["cook", ""], rel=1e-9)
    assert checks["breusch_pagan_p"] == pytest.approx(expected["breusch_pagan_p", ""], rel=1e-9)
    assert checks["shapiro_p"] == pytest.approx(expected["shapiro_p", ""], rel=1e-6)


@pytest.mark.parametrize("metric", ["steady", "drifting"])
@pytest.mark.parametrize("formula", ["~ arm + week", "~ arm * week + age", "~ dose + age"])
def test_mixed_models_equal_nlme_and_lme4(formula: str, metric: str) -> None:
    values, made = example()
    table = model_alpha(values, made, formula=formula, subject="subject", metrics=[metric]).frame
    expected = truth("mixed", formula, metric)
    coefficients = table[table["part"] == "coefficient"].set_index("contrast")
    for (what, name), value in expected.items():
        if what in {"estimate", "se", "df", "p"}:
            column = "effect" if what == "estimate" else what
            assert coefficients.loc[NAMES.get(name, name), column] == pytest.approx(value, rel=2e-5), (what, name)
    for column in ("sd_subject", "sd_residual"):
        assert table[column].iloc[0] == pytest.approx(expected[column, ""], rel=1e-6)
    terms = table[table["part"] == "term"].set_index("variable")
    assert not terms.empty
    for name in terms.index:
        got = terms.loc[name, ["df_1", "df", "statistic", "p"]].astype(float).tolist()
        assert got == pytest.approx([expected[f"term_{k}", name] for k in ("numDF", "denDF", "F-value", "p-value")], rel=2e-5)


def test_each_row_of_a_mixed_model_names_its_unit() -> None:
    values, made = example()
    table = model_alpha(values, made, formula="~ arm + week", subject="subject", metrics=["steady"]).frame.set_index("contrast")
    assert table.loc["none - drug", "unit"] == "subject (subject; random intercept)"
    assert table.loc["per week", "unit"] == "sample within subjects (subject; random intercept)"
    assert (table.loc["none - drug", "n_1"], table.loc["none - drug", "n_2"]) == (4, 4)  # of 12 subjects, 4 an arm
    assert (table.loc["per week", "n_1"], table.loc["per week", "n_subjects"]) == (53, 12)


def test_a_singular_fit_is_told_and_still_counts_subjects() -> None:
    values, made = example()
    table = model_alpha(values, made, formula="~ arm + week", subject="subject", metrics=["flat"]).frame
    assert set(table["fit"]) == {"singular"}
    assert table["sd_subject"].tolist() == [0.0] * len(table)
    assert table.loc[table["variable"] == "arm", "df"].tolist() == [9.0] * 3  # 12 subjects, 3 arms


def test_a_term_that_varies_within_few_subjects_has_the_degrees_of_freedom_of_subjects() -> None:
    values, made = example()
    moved = [*made.columns["arm"]]
    moved[0] = "none" if moved[0] != "none" else "drug"  # one sample of one subject of twelve
    mixed = SampleMetadata(made.ids, {**made.columns, "arm": tuple(moved)}, made.kinds)
    table = model_alpha(values, mixed, formula="~ arm", subject="subject", metrics=["steady"]).frame
    assert table["df"].tolist() == [9.0] * 3
    assert table["unit"].str.startswith("subject (").all()


def test_q_is_over_the_metrics_for_each_term_and_the_family_says_so() -> None:
    values, made = example()
    table = model_alpha(values, made, formula="~ arm + age").frame
    term = table[(table["part"] == "term") & (table["variable"] == "arm")]
    p = np.sort(term["p"].to_numpy())
    by_hand = min(p[0] * 3, p[1] * 3 / 2, p[2])
    assert term["q"].min() == pytest.approx(by_hand)
    assert set(term["family"]) == {"3 tests of term arm in ~ arm + age, one a metric, feature level"}
    assert (table["strength"] == np.where(table["q"] <= 0.05, "clear", "weak")).all()


def test_samples_without_a_value_are_counted_by_reason() -> None:
    values, made = example()
    cells = {k: [*v] for k, v in made.columns.items()}
    cells["age"][3] = cells["age"][4] = cells["arm"][4] = None
    holed = SampleMetadata(made.ids, {k: tuple(v) for k, v in cells.items()}, made.kinds)
    values = values[values["metric"] == "steady"].copy()
    values.loc[values["sample_id"] == "s0010", "value"] = np.nan
    table = model_alpha(values, holed, formula="~ arm + age")
    assert set(table.frame["n_dropped"]) == {3}
    assert set(table.frame["n_samples"]) == {50}
    assert table.record["dropped"] == {"no value of arm": 1, "no value of age": 2, "no value of the metric": 1}


def test_a_level_of_one_sample_has_no_known_error_and_is_left_untested() -> None:
    rng = np.random.default_rng(3)
    made = cohort({"side": ["a"] * 9 + ["b"] * 9 + ["c"], "age": list(range(19))})
    table = model_alpha(alpha(made.ids, m=rng.normal(size=19)), made, formula="~ side + age")
    assert table.frame.loc[table.frame["part"] == "coefficient", "contrast"].tolist() == ["b - a", "per age"]
    assert table.frame.loc[table.frame["part"] == "term", "variable"].tolist() == ["age"]
    assert table.record["absent"]["m: sidec"] == "rests on 's0018' alone, so that its error is not known"
    assert table.frame["influence"].iloc[0] == "influential"


def test_what_cannot_be_modelled_is_refused_or_told() -> None:
    values, made = example()
    with pytest.raises(ExpressionError, match="'arms'"):
        model_alpha(values, made, formula="~ arms")
    with pytest.raises(InputError, match="no column 'who'"):
        model_alpha(values, made, formula="~ arm", subject="who")
    with pytest.raises(InputError, match="is in the formula as well"):
        model_alpha(values, made, formula="~ arm + subject", subject="subject")
    with pytest.raises(InputError, match="no metric 'shanon'"):
        model_alpha(values, made, formula="~ arm", metrics=["shanon"])
    constant = alpha(made.ids, m=np.ones(len(made.ids)))
    with pytest.raises(UntestableError, match="does not vary"):
        model_alpha(constant, made, formula="~ arm")
    both = model_alpha(pd.concat([constant, values]), made, formula="~ arm + age")
    assert both.record["absent"] == {"m": "the metric does not vary"}


def test_nothing_depends_on_the_order_of_rows() -> None:
    values, made = example()
    mixed = pd.concat([part.sample(frac=1, random_state=3) for _, part in values.groupby("metric", sort=False)])
    for subject in (None, "subject"):
        a = model_alpha(values, made, formula="~ arm * week", subject=subject)
        b = model_alpha(mixed, made.select(tuple(reversed(made.ids))), formula="~ arm * week", subject=subject)
        pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)
        assert a.record == b.record


def null_p(n: int, *, subjects: int = 20, samples: int = 5) -> np.ndarray:
    """Return p of group, time and their interaction on repeated data without any effect, (n, 3)."""
    owners = np.repeat(np.arange(subjects), samples)
    side, when = np.where(owners % 2, "a", "b"), np.tile(np.arange(samples), subjects)
    made = cohort({"who": [f"p{o}" for o in owners], "side": side.tolist(), "day": when.tolist()})
    found = []
    for seed in range(n):
        rng = np.random.default_rng(seed)
        values = alpha(made.ids, m=rng.normal(size=subjects)[owners] + rng.normal(size=owners.size))
        plain = model_alpha(values, made, formula="~ side + day", subject="who").frame
        crossed = model_alpha(values, made, formula="~ side * day", subject="who").frame
        terms = [t[t["part"] == "term"].set_index("variable")["p"] for t in (plain, crossed)]
        found.append((terms[0]["side"], terms[0]["day"], terms[1]["side:day"]))
    return np.array(found)


def test_five_percent_of_null_repeated_data_pass_five_percent() -> None:
    n = 40
    rate = np.mean(null_p(n) <= 0.05, axis=0)
    assert np.all(np.abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n)), rate


@pytest.mark.slow
def test_five_percent_of_many_null_repeated_data_pass_five_percent() -> None:
    n = 1000
    rate = np.mean(null_p(n) <= 0.05, axis=0)
    assert np.all(np.abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n)), rate


@pytest.mark.slow
def test_seven_metrics_of_2000_samples_of_500_subjects_are_modelled() -> None:
    rng = np.random.default_rng(1)
    owners = np.repeat(np.arange(500), 4)
    made = cohort({"who": [f"p{o}" for o in owners], "side": np.where(owners % 2, "a", "b").tolist(), "age": (owners % 60).tolist()})
    values = alpha(made.ids, **{f"m{k}": rng.normal(size=500)[owners] + rng.normal(size=2000) for k in range(7)})
    table = model_alpha(values, made, formula="~ side + age", subject="who")
    assert len(table.frame) == 28, "two terms and two coefficients of each metric"
    assert set(table.frame["n_subjects"]) == {500}
