"""The whole procedure of links against a naive twin that goes taxon by taxon, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.optimize import minimize
from scipy.special import digamma

from gutdiv.immune.links import link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from gutdiv.model.cohort import Cohort

Rows = tuple["Mapping[str, str]", ...]


def naive_entropy(counts: np.ndarray) -> float:
    """psi(T) - sum x psi(x) / T."""
    total = counts.sum()
    return float(digamma(total) - sum(x * digamma(x) for x in counts if x) / total)


def naive_links(
    parts: np.ndarray, taxa: Sequence[Sequence[int]], covariates: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, Any]:
    """The procedure of the design document, taxon by taxon: `parts` (n, p) reads, `taxa` the parts of each taxon."""
    n = len(parts)
    seen = (parts > 0).mean(axis=0)
    reference = [k for k in range(parts.shape[1]) if seen[k] >= 0.9]
    b, own, s = [], [], []
    for members in taxa:
        x = parts[:, list(members)].sum(axis=1)
        f = np.array([np.mean([np.log(parts[i, k] + 0.5) for k in reference if k not in members]) for i in range(n)])
        f = f - f.mean()
        here = x > 0

        def loss(ab: np.ndarray, here: np.ndarray = here, f: np.ndarray = f) -> float:
            eta = ab[0] + ab[1] * f
            return float(-(here * eta - np.logaddexp(0, eta)).sum() + 2 * (ab[1] - 0.7) ** 2)

        # two searches: from the middle, and from the edge where nearly all or none are seen
        tries = [
            minimize(loss, start, bounds=[(-12, 12), (0.1, 3)], options={"ftol": 1e-15, "gtol": 1e-11}) for start in ([0, 0.7], [11, 0.7])
        ]
        a_j, b_j = min(tries, key=lambda t: t.fun).x
        sensitivity = [0.0 if v == 0 else v * np.log((v + 0.5) / (v - 0.5)) for v in x]
        kappa, s_j = np.sum(sensitivity) / here.sum(), np.mean(sensitivity)
        y = np.log(x + 0.5) - kappa * np.log(1 + np.exp(a_j + b_j * f)) / b_j
        d = np.array([naive_entropy(np.delete(parts[i], list(members))) for i in range(n)])
        left = sm.OLS(d, covariates).fit().resid
        d = left / left.std(ddof=1)
        model = sm.OLS(y, np.column_stack([covariates, d]))
        b.append(model.fit().params[-1])
        if groups is None:
            own.append(model.fit(cov_type="HC3").bse[-1])
        else:
            e = sm.OLS(y, covariates).fit().resid
            names = np.unique(groups)
            refits = np.array([(d[groups != g] @ e[groups != g]) / (d[groups != g] @ d[groups != g]) for g in names])
            own.append(np.sqrt((len(names) - 1) / len(names) * ((refits - refits.mean()) ** 2).sum()))
        s.append(s_j)
    b, own, s = np.array(b), np.array(own), np.array(s)
    ratios = np.array([b[t] / s[t] for t, m in enumerate(taxa) if len(m) == 1 and m[0] in reference])
    g = np.median(ratios)
    se_g = 1.2533 * 1.4826 * np.median(np.abs(ratios - g)) / np.sqrt(len(ratios))
    return {"estimate": b - s * g, "se": np.sqrt(own**2 + (s * se_g) ** 2), "g": g, "se_g": se_g, "s": s, "reference": len(reference)}


@pytest.fixture
def small(simulated: Callable[..., Any]) -> np.ndarray:
    """A table of 45 samples and 40 taxa."""
    counts: np.ndarray = simulated(np.random.default_rng(11), 45).counts[:, :40]
    return counts


def in_order(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Put the rows into the order of these taxa."""
    return frame.set_index("taxon").loc[list(names)]


def compare(frame: pd.DataFrame, about: Mapping[str, Any], names: Sequence[str], twin: Mapping[str, Any]) -> None:
    """Compare estimates, errors and the typical slope with the twin's."""
    got = in_order(frame, names)
    # the twin's logistic fit is by a general optimiser: agreement to its tolerance
    np.testing.assert_allclose(got["estimate"], twin["estimate"], atol=2e-4)
    np.testing.assert_allclose(got["se"], twin["se"], atol=2e-4)
    np.testing.assert_allclose(got["estimate_per_reader"], twin["estimate"] / twin["s"], atol=2e-3)
    assert about["g"] == pytest.approx(twin["g"], abs=2e-4)
    assert about["se_g"] == pytest.approx(twin["se_g"], abs=2e-4)
    assert about["n_reference_taxa"] == twin["reference"]


def test_links_with_covariates_are_those_of_the_naive_twin(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    rng = np.random.default_rng(12)
    age = rng.integers(20, 80, 45)
    sex = rng.choice(["f", "m", "x"], 45)
    metadata = {"age": [str(a) for a in age], "sex": list(sex)}
    cohort = cohort_of(small, metadata=metadata, kinds={"age": "numeric", "sex": "categorical"})
    frame, about = link(cohort, (), covariates=["age", "sex"])
    tested = [j for j in range(40) if (small[:, j] > 0).mean() >= 0.1]
    design = np.column_stack([np.ones(45), age, sex == "m", sex == "x"]).astype(float)
    twin = naive_links(small, [(j,) for j in tested], design)
    compare(frame, about, [f"Genus {j:02d}" for j in tested], twin)
    t = np.abs(twin["estimate"] / twin["se"])
    np.testing.assert_allclose(in_order(frame, [f"Genus {j:02d}" for j in tested])["p"], 2 * stats.t.sf(t, 45 - 4 - 1), atol=2e-3)
    assert about["freedom"] == 40


def test_links_of_repeated_subjects_are_those_of_the_naive_twin(small: np.ndarray, cohort_of: Callable[..., Cohort]) -> None:
    groups = np.sort(np.append(np.arange(30), np.arange(15)))
    cohort = cohort_of(small, metadata={"who": [f"P{g}" for g in groups]})
    frame, about = link(cohort, (), subject="who")
    tested = [j for j in range(40) if (small[:, j] > 0).mean() >= 0.1]
    twin = naive_links(small, [(j,) for j in tested], np.ones((45, 1)), groups)
    compare(frame, about, [f"Genus {j:02d}" for j in tested], twin)
    assert about["judged_by"] == "jackknife over subjects"
    assert about["freedom"] == 29


def test_a_family_is_tested_with_all_its_parts_left_out_of_diversity(
    small: np.ndarray, cohort_of: Callable[..., Cohort], knowledge: Rows
) -> None:
    genera: list[str | None] = [f"Genus {j:02d}" for j in range(40)]
    families = ["Someaceae"] * 40
    for j in (2, 17, 30):
        families[j] = "Enterobacteriaceae"
    genera[17] = None
    cohort = cohort_of(small, genera=genera, families=families)
    frame, about = link(cohort, knowledge)
    names = [f"Genus {j:02d}" if j != 17 else "unclassified Enterobacteriaceae" for j in range(40)]
    tested = [j for j in range(40) if (small[:, j] > 0).mean() >= 0.1]
    twin = naive_links(small, [*[(j,) for j in tested], (2, 17, 30)], np.ones((45, 1)))
    compare(frame, about, [*[names[j] for j in tested], "Enterobacteriaceae"], twin)
    row = in_order(frame, ["Enterobacteriaceae"]).iloc[0]
    assert (row["rank"], row["test_family"], row["knowledge_rows"]) == ("family", "confirmatory", "69")
    assert in_order(frame, ["unclassified Enterobacteriaceae"]).iloc[0]["rank"] == "unclassified"
