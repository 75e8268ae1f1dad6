"""Stability of verdicts: in how many single rarefaction draws, and bootstraps of control subjects, a sample keeps its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.dysbiosis.aligned import own_controls
from gutdiv.dysbiosis.score import judge_samples, measure_draws, rows_of
from gutdiv.dysbiosis.tiers import word
from gutdiv.dysbiosis.verdict import DRAWS
from gutdiv.numerics.aligned_score import judge_people
from gutdiv.numerics.permutation import resample_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gutdiv.dysbiosis.aligned import Published
    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Controls
    from gutdiv.numerics.portable_score import People

CLEAR = 0.20  # samples of a larger p are clearly within, and are not looked at
COLUMNS = ["sample_id", "tier", "verdict", "p", "draws", "draws_same", "bootstraps", "bootstraps_same"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def doubtful(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Rows of the samples whose stability is worth knowing: judged, and p at most .20."""
    return verdicts[(verdicts["verdict"] != "not assessable") & (verdicts["p"] <= CLEAR)]


def study_stability(
    cohort: Cohort,
    wanted: pd.DataFrame,
    controls: Controls,
    entropy: Floats,
    *,
    depth: int,
    keys: npt.NDArray[np.uint64],
    seed: int,
    draws: int,
    bootstraps: int,
) -> pd.DataFrame:
    """Judge samples again by in-study controls: each draw alone, and all draws by controls drawn with replacement.

    A control that a bootstrap holds twice counts twice for others, and once where it is looked at itself: else every control would look more usual than
    the sample, which is there once. A sample's own subject stays out of every bootstrap.

    Parameters
    ----------
    wanted : DataFrame of kind `verdicts`
        The rows to judge again.
    entropy : (n_samples,)
        As the verdicts had it.

    Returns
    -------
    DataFrame of kind `stability`
    """
    at, own = own_controls(controls, cohort.sample_ids)
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    asked = np.array([place[s] for s in wanted["sample_id"]], dtype=np.int64)
    rows = np.union1d(asked, at)
    inner = np.searchsorted(rows, asked)
    table, genera = rows_of(cohort, keys)
    weights = [np.bincount(resample_rows(seed, b, at.size), minlength=at.size).astype(np.int64) for b in range(bootstraps)]

    measured = measure_draws(
        table, genera, rows, at, depth=depth, seed=seed, alone=draws, together=DRAWS if weights else 0, entropy=entropy[rows], weights=weights
    )
    by_draw = [judge_samples(next(measured), own[rows], rows=inner)[:, 0] for _ in range(draws)]
    by_bootstrap = (judge_samples(found, own[rows], rows=inner, weights=w)[:, 0] for found in measured for w in weights)
    return _table(wanted, by_draw, draws, by_bootstrap, bootstraps)


def published_stability(
    cohort: Cohort, wanted: pd.DataFrame, published: Published, people_of: Callable[[int], People], *, seed: int, draws: int, bootstraps: int
) -> pd.DataFrame:
    """Judge samples again by the published groups: what each draw alone shows, and with controls drawn with replacement.

    Parameters
    ----------
    people_of : function of a draw's number
        What the draw shows of all samples of the cohort.

    Returns
    -------
    DataFrame of kind `stability`
    """
    assert published.controls is not None
    at, own = own_controls(published.controls, cohort.sample_ids)
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    asked = np.array([place[s] for s in wanted["sample_id"]], dtype=np.int64)

    def judged(people: People, picked: Ints) -> Floats:
        parts = published.model, published.tables, people.take(asked), own[asked], people.take(at[picked])
        return judge_people(*parts, robust=published.robust, same=picked).p

    every = np.arange(at.size)
    by_draw = (judged(people_of(draw), every) for draw in range(draws))
    by_bootstrap = (judged(published.people, resample_rows(seed, b, at.size).astype(np.int64)) for b in range(bootstraps))
    return _table(wanted, by_draw, draws, by_bootstrap, bootstraps)


def _table(wanted: pd.DataFrame, by_draw: Iterable[Floats], draws: int, by_bootstrap: Iterable[Floats], bootstraps: int) -> pd.DataFrame:
    """Share of draws and of bootstraps in which each verdict stays; NaN where there were none."""
    verdict = wanted["verdict"].to_numpy(dtype=object)
    content = {"sample_id": wanted["sample_id"], "tier": wanted["tier"], "verdict": verdict, "p": wanted["p"]}
    for name, tries, number in (("draws", by_draw, draws), ("bootstraps", by_bootstrap, bootstraps)):
        same = np.zeros(verdict.size, np.int64)
        for p in tries:
            same += np.array([word(v) for v in p], dtype=object) == verdict
        content |= {name: number, f"{name}_same": same / number if number else np.nan}
    return pd.DataFrame(content, columns=COLUMNS).reset_index(drop=True)
