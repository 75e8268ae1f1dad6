"""Two groups from an expression, and the published Welch tests of Sze & Schloss 2016 reproduced with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from gutdiv.cli.app import main
from gutdiv.comparison.contrasts import Procedure
from gutdiv.comparison.groups import compare_groups
from gutdiv.comparison.versus import split
from gutdiv.diversity.measure import measure_alpha
from gutdiv.errors import ExpressionError, InputError
from gutdiv.io.cohorts import read_cohort
from gutdiv.model.cohort import SampleMetadata

if TYPE_CHECKING:
    from pathlib import Path

POWERS = {"shannon": 2.0, "sobs": 0.5}


def test_missing_cells_count_for_neither_side() -> None:
    made = SampleMetadata(("a", "b", "c", "d"), {"bmi": ("31", None, "29.5", "30"), "sex": ("f", "f", None, "m")}, {"bmi": "numeric", "sex": "categorical"})
    wide, variable, baseline = split(made, "bmi  >= 30")
    assert (variable, baseline) == ("bmi >= 30", "not (bmi >= 30)")
    assert wide.column(variable) == ("bmi >= 30", None, "not (bmi >= 30)", "bmi >= 30")
    # SQL's logic: false where one part is surely false, whatever the other
    assert split(made, 'bmi >= 30 and sex == "f"')[0].column('bmi >= 30 and sex == "f"')[2] == 'not (bmi >= 30 and sex == "f")'
    with pytest.raises(InputError, match="true of 0 and false of 3 of 4 samples"):
        split(made, "bmi > 100")
    with pytest.raises(ExpressionError, match="character"):
        split(made, "bmi >=")
    with pytest.raises(InputError, match="no column 'weight'"):
        split(made, "weight > 1")


# methods.md 5.2 (Sze & Schloss 2016, mBio 7:e01018-16, mothur's mean of 1,000 draws): depth, n below BMI 30 and from it on, p of
# shannon^2 and of sobs^.5
PUBLISHED = {
    "ob_ross": (1723, 25, 38, 0.20065, 0.18198),
    "ob_wu_combo": (4000, 59, 5, 0.64734, 0.70433),
    "hmp_sze_bmi": (1000, 252, 31, 0.36152, 0.63806),
    "ob_zeevi_israel": (4000, 537, 149, 0.06036, 0.09595),
}


@pytest.mark.parametrize("study", PUBLISHED)
def test_published_welch_tests_are_reproduced_to_the_digits_that_their_draws_allow(study: str, real_data: Path, tmp_path: Path) -> None:
    depth, non, obese, *p = PUBLISHED[study]
    files = ["--table", real_data / study / "table.biom", "--metadata", real_data / study / "metadata.tsv", "--output", tmp_path]
    assert main([str(w) for w in ("cohort", "build", *files)]) == 0
    cohort = read_cohort(tmp_path / "cohort.json")
    measured, _ = measure_alpha(cohort, list(POWERS), depth=depth, draws=10, seed=1)
    exact = measured.assign(value=measured["expected"])  # the mean over all draws there are: no noise of ours
    metadata, variable, baseline = split(cohort.metadata, "bmi >= 30")
    how = Procedure("welch", transforms=POWERS)
    table = compare_groups(exact, metadata, variable=variable, baseline=baseline, how=how).frame.set_index("metric")
    side = dict(zip(metadata.ids, metadata.column(variable), strict=True))
    for metric, published in zip(POWERS, p, strict=True):
        row = table.loc[metric]
        assert (row["n_2"], row["n_1"]) == (non, obese)
        # what 1,000 draws a sample leave open in t, by the delta method, and from t in p
        own = measured[(measured["metric"] == metric) & measured["expected"].notna()]
        error = POWERS[metric] * own["expected"] ** (POWERS[metric] - 1) * own["sd"] / np.sqrt(1000)
        group = own["sample_id"].map(side)
        of_means = sum(float(np.sum(error[group == g] ** 2)) / n**2 for g, n in ((variable, obese), (baseline, non)))
        allowed = 3 * 2 * stats.t.pdf(row["statistic"], row["df"]) * np.sqrt(of_means) * abs(row["statistic"] / row["effect"])
        assert allowed < 0.03
        assert row["p"] == pytest.approx(published, abs=allowed)
