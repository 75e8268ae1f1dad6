"""Measures the distances between the samples of a cohort: one metric, the whole matrix or one block of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import numpy.typing as npt

from gutdiv.diversity.catalog import find
from gutdiv.diversity.measure import impossible, prepared
from gutdiv.diversity.metric import Metric, View
from gutdiv.diversity.rarefaction import resolve_depth, sample_keys
from gutdiv.diversity.robust import Incomparable
from gutdiv.diversity.subsample import choose_subsample
from gutdiv.errors import InputError, first_ids
from gutdiv.numerics import draws as drawing
from gutdiv.numerics.span import Array, Condensed, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gutdiv.model.cohort import Cohort

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Measure:
    """One beta metric on the samples of a cohort that reach the depth, ready to be measured between any of them.

    Parameters
    ----------
    ids : tuple of str
        The samples, in the order of the cohort.
    about : dict
        What goes into the record: `metric`, `depth`, `draws`, `traits`, `below_depth`, and `alpha` where the metric has one.
    """

    cohort: Cohort
    metric: Metric
    ids: tuple[str, ...]
    rows: Places
    options: Mapping[str, float]
    depth: int | None
    draws: int
    seed: int
    single: bool
    about: Mapping[str, Any]

    def between(self, places: Places | None = None, **wanted: Unpack[Wanted]) -> Array:
        """Measure between the samples at these places of `ids` (default: all), or the part of it that is wanted.

        Raises
        ------
        InputError
            Where the metric is not defined between two of them.
        """
        ids = self.ids if places is None else tuple(self.ids[i] for i in places)
        view = prepared(self.cohort, "feature", self.rows if places is None else self.rows[places])
        try:
            if self.depth is None:
                distances = self.metric.function(view, **self.options, **wanted, single=self.single)
            else:
                distances = _mean_over_draws(
                    view, ids, self.depth, self.draws, self.seed, lambda v: self.metric.function(v, **self.options, **wanted, single=self.single)
                )
        except Incomparable as found:
            raise found.named(ids) from None
        if distances.size and np.isnan(np.min(distances)):
            bad = _undefined(distances, len(ids), wanted.get("start", 0))
            msg = (
                f"{self.metric.name} is not defined between samples without shared or total branch length: {first_ids(ids[i] for i in bad)}. "
                "Drop these samples or check the tree."
            )
            raise InputError(msg)
        return distances


def beta_measure(
    cohort: Cohort,
    name: str,
    *,
    depth: str | int = "auto",
    draws: int = 1,
    seed: int = 42,
    alpha: float | None = None,
    single: bool = False,
) -> Measure:
    """Make one beta metric ready: see `measure_beta`.

    Raises
    ------
    InputError
        Where the metric needs a tree that the cohort lacks, an option does not belong to it, or fewer than two samples are left.
    """
    metric = find(name, "beta")
    reason = impossible(cohort, metric, "feature")
    if reason:
        msg = f"{name} cannot be measured: {reason}."
        raise InputError(msg)
    chosen = _options(metric, alpha)
    target = resolve_depth(cohort, depth)
    rarefied = target is not None and metric.rarefied
    if draws > 1 and not rarefied:
        why = "without a depth nothing is drawn" if metric.rarefied else f"{name} is measured on all reads"
        msg = f"--draws {draws}: {why}. Leave --draws out{' or choose a --depth' if metric.rarefied else ''}."
        raise InputError(msg)
    kept = np.flatnonzero(cohort.depth >= (target or 0))
    if kept.size < 2:
        msg = f"only {kept.size} sample has {target or 0:,} reads; distances need two. Choose a smaller --depth."
        if len(cohort.sample_ids) < 2:
            msg = "the cohort holds one sample only; distances need two. Supply a table with more samples."
        raise InputError(msg)
    about = {
        "metric": name,
        "depth": target if rarefied else None,
        "draws": draws if rarefied else None,
        "traits": metric.traits,
        "below_depth": [s for s, d in zip(cohort.sample_ids, cohort.depth, strict=True) if d < (target or 0)],
        **chosen,
    }
    ids = tuple(cohort.sample_ids[i] for i in kept)
    return Measure(cohort, metric, ids, kept, chosen, target if rarefied else None, draws, seed, single, about)


def measure_beta(
    cohort: Cohort,
    name: str,
    *,
    depth: str | int = "auto",
    draws: int = 1,
    seed: int = 42,
    alpha: float | None = None,
    part: tuple[int, int] = (1, 1),
    condensed: bool = False,
    single: bool = False,
    subsample: int | None = None,
) -> tuple[tuple[str, ...], Array, tuple[int, int], dict[str, Any]]:
    """Measure one beta metric between samples.

    Samples with fewer reads than the depth are left out, also for metrics that are not rarefied, so that all matrices of a cohort hold the
    same samples. A rarefied metric is the mean over draws 0, 1, ...

    Parameters
    ----------
    draws : int
        Rarefaction draws.
    alpha : float, optional
        Of `generalized_unifrac`, 0 to 1 (default 0.5).
    part : (K, N)
        Compute only the K-th of N blocks of rows, K from 1 on.
    condensed : bool
        Return each pair once (see `span.Condensed`); only for all rows.
    single : bool
        In single precision: half the memory, about six digits.
    subsample : int, optional
        Measure between so many samples at most (see `subsample.choose_subsample`); the seed draws them too.

    Returns
    -------
    ids : tuple of str
    distances : (stop - start, n), or (n (n - 1) / 2,) where condensed
    rows : (start, stop)
    about : dict
        `metric`, `depth`, `draws`, `traits`, `below_depth`, `alpha` where the metric has one, and `subsample` where samples were left out for it.

    Raises
    ------
    InputError
        Where the metric needs a tree that the cohort lacks, an option does not belong to it, or fewer than two samples are left.
    """
    measure = beta_measure(cohort, name, depth=depth, draws=draws, seed=seed, alpha=alpha, single=single)
    places, more = None, {}
    if subsample is not None and subsample < len(measure.ids):
        places, told = choose_subsample(cohort, measure.rows, size=subsample, seed=seed)
        more = {"subsample": told}
    ids = measure.ids if places is None else tuple(measure.ids[i] for i in places)
    k, blocks = part
    if not 1 <= k <= blocks <= len(ids):
        msg = f"--rows {k}/{blocks}: K must lie between 1 and N, and N at most the number of samples ({len(ids)})."
        raise InputError(msg)
    start, stop = (k - 1) * len(ids) // blocks, k * len(ids) // blocks
    wanted: Wanted = {"condensed": True} if condensed else {"start": start, "stop": stop}
    return ids, measure.between(places, **wanted), (start, stop), {**measure.about, **more}


def _options(metric: Metric, alpha: float | None) -> dict[str, float]:
    """Return the metric's own options, or refuse one that is not its own or out of range."""
    if "alpha" not in metric.options:
        if alpha is not None:
            msg = f"--alpha {alpha:g}: {metric.name} has no alpha; it belongs to generalized_unifrac. Leave --alpha out."
            raise InputError(msg)
        return {}
    if alpha is not None and not 0 <= alpha <= 1:
        msg = f"--alpha {alpha:g}: the alpha of {metric.name} lies between 0 and 1."
        raise InputError(msg)
    return {"alpha": 0.5 if alpha is None else float(alpha)}


def _mean_over_draws(view: View, ids: tuple[str, ...], depth: int, count: int, seed: int, measure: Callable[[View], Array]) -> Array:
    """Return the mean distances over rarefaction draws, added up draw after draw."""
    keys = sample_keys(ids)
    total: Array | None = None
    for draw in range(count):
        data = drawing.rarefied(view.indptr, view.data, depth, keys, seed, draw)
        distances = measure(View(view.indptr, view.indices, data, view.width, view.tree))
        if total is None:
            total = distances
        else:
            total += distances
    assert total is not None
    if count > 1:
        total /= count
    return total


def _undefined(distances: Array, n: int, start: int) -> list[int]:
    """Return the samples in whose rows a distance is not defined."""
    if distances.ndim == 1:
        whole = Condensed(distances, n)
        return [i for i in range(n) if np.isnan(whole.rows(i, i + 1)).any()]
    return [start + int(i) for i in np.flatnonzero(np.isnan(distances).any(axis=1))]
