"""Ordinations of more samples than a matrix of distances can hold: principal coordinates by landmarks, with what they err by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.diversity.ordination import robust_pca
from gutdiv.diversity.subsample import LEAST, landmark_order
from gutdiv.errors import InputError
from gutdiv.model.results import Ordination
from gutdiv.numerics.landmarks import aligned_correlation, axis_correlations, distance_error, fit_by_landmarks
from gutdiv.numerics.spectra import principal_coordinates

if TYPE_CHECKING:
    from gutdiv.diversity.distances import Measure

Places = npt.NDArray[np.intp]
TESTED = 300  # samples that are no landmarks, between all pairs of which the error is measured
STABLE = 0.95  # correlation of an axis between two sets of landmarks from which it counts as the same


def ordinate_by_landmarks(measure: Measure, *, landmarks: int = 2000, axes: int = 10) -> tuple[Ordination, dict[str, Any]]:
    """Principal coordinates of all samples from their distances to landmarks (see `numerics.landmarks.fit_by_landmarks`).

    Landmarks are drawn by the seed of the measure, every group in its proportion. Robust Aitchison needs none: its principal coordinates are
    computed from the completed table itself, exactly.

    Returns
    -------
    ordination : Ordination
    about : dict
        `landmarks`: `count`, `of`, `rule`, `seed`, and, where not all samples are landmarks, the stated error. `distances`: of pairs of samples that are
        no landmarks, the root of the squared error's share of the squared distance and the correlation with the true distances, here and in the
        same number of exact axes of a `subsample` that holds them. `agreement`: of two fits by half of the landmarks each, the correlation of every
        axis, and of the first two axes and of all after the best turn. `stable_axes`: how many first axes correlate by 0.95 or more. `spread`: see
        `Fitted`.

    Raises
    ------
    InputError
        Where fewer than ten landmarks are asked for.
    """
    n = len(measure.ids)
    if measure.metric.name == "robust_aitchison":
        exact = robust_pca(measure.cohort, axes=axes, depth=int(measure.cohort.depth[measure.rows].min()))
        return exact, {"landmarks": {"count": None, "of": n, "rule": "none: exact, from the completed table", "seed": None}}
    if landmarks < LEAST:
        msg = f"--landmarks {landmarks}: samples are placed by {LEAST} landmarks or more. Ask for more."
        raise InputError(msg)
    order = landmark_order(measure.cohort, measure.rows, seed=measure.seed)
    chosen = order[: min(landmarks, n)]

    def between(others: Places) -> npt.NDArray[np.float64]:
        return np.asarray(measure.between(np.concatenate([chosen, others]), start=0, stop=chosen.size), dtype=np.float64)

    found = fit_by_landmarks(between, n, chosen, axes)
    rule = f"by seed, each group of {measure.cohort.roles.group} in its proportion" if measure.cohort.roles.group else "by seed"
    about: dict[str, Any] = {"count": int(chosen.size), "of": n, "rule": rule, "seed": measure.seed}
    notes = ["All samples have distance 0 from each other, so that there is no axis."] if found.eigenvalues.size == 0 else []
    if chosen.size < n and found.eigenvalues.size:
        about |= {**_agreement(found.halves, order[chosen.size :]), "spread": found.spread.tolist()}
        about |= _errors(measure, found.axes, order[chosen.size :], size=int(chosen.size))
        notes += _notes(about)
    result = Ordination(
        measure.ids, found.axes, found.eigenvalues, found.proportion_explained, found.negative_share, notes=tuple(notes)
    )
    return result, {"landmarks": about}


def _agreement(halves: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], others: Places) -> dict[str, Any]:
    """Compare two fits that share no landmark, on the samples that are landmarks of neither."""
    one, other = (h[others] for h in halves)
    k = min(one.shape[1], other.shape[1])
    if k == 0 or others.size <= k:
        return {"agreement": None, "stable_axes": 0}
    by_axis = axis_correlations(one, other)
    stable = int(np.argmin(np.append(by_axis >= STABLE, False)))
    two, every = (aligned_correlation(one[:, :m], other[:, :m]) for m in (min(2, k), k))
    return {"agreement": {"axes": by_axis.tolist(), "first_two": two, "all": every}, "stable_axes": stable}


def _errors(measure: Measure, axes: npt.NDArray[np.float64], others: Places, *, size: int) -> dict[str, Any]:
    """Hold distances along the axes against true ones, and beside it those along exact axes of a subsample with the same samples in it."""
    tested = min(TESTED, others.size)
    if tested < 3:
        return {"distances": None}
    sample = others[: max(tested, min(size, others.size))]
    true = np.asarray(measure.between(sample), dtype=np.float64)
    exact = principal_coordinates(true, axes.shape[1]).axes[:tested]
    here = distance_error(axes[sample[:tested]], true[:tested, :tested])
    there = distance_error(exact, true[:tested, :tested])
    return {
        "distances": {
            "pairs": tested * (tested - 1) // 2,
            "error": here[0],
            "correlation": here[1],
            "subsample": int(sample.size),
            "exact_error": there[0],
            "exact_correlation": there[1],
        }
    }


def _notes(about: dict[str, Any]) -> list[str]:
    """Say what a reader of the axes must know."""
    notes = [
        f"Axes are approximate: {about['of']:,} samples were placed by their distances to {about['count']:,} landmarks, drawn {about['rule']}. "
        "Proportions and the negative share are estimated from distances to landmarks; negative eigenvalues of the landmarks carry no axes."
    ]
    if about["distances"]:
        d = about["distances"]
        notes.append(
            f"Between {d['pairs']:,} pairs of other samples, distances along these axes correlate with the true ones by {d['correlation']:.3f} "
            f"(along as many exact axes of {d['subsample']:,} samples: {d['exact_correlation']:.3f}) and miss them by {100 * d['error']:.0f} % "
            f"(there {100 * d['exact_error']:.0f} %)."
        )
    if about["agreement"]:
        k, of = about["stable_axes"], len(about["agreement"]["axes"])
        which = "No axis is" if k == 0 else f"Axis 1 of {of} is" if k == 1 else f"Axes 1 to {k} of {of} are"
        notes.append(
            f"{which} the same (correlation {STABLE:g} or more) by either half of the landmarks alone; "
            f"the plane of the first two correlates by {about['agreement']['first_two']:.3f}."
        )
    return notes
