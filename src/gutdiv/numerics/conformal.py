"""Full conformal judgement of many samples against the same controls: each bag's scores by low-rank updates, never by a refit.

A sample's bag is the controls (without those of its own subject) and the sample. Which genera count depends on the bag, and so do the mean, Ledoit &
Wolf's covariance and its shrinkage. All bags share the eigenvectors of the controls' scatter S of logarithms over every genus that any bag may
keep. With A = a S + b I, what differs is of low rank: the sample's own step away from the controls' mean, the step of the control that is left out, and
the directions that must not count (genera that the bag drops, and the common level of all genera, which the CLR takes out). For the subspace that is
orthogonal to the columns of N, the inverse of A restricted to it is A^-1 - A^-1 N (N' A^-1 N)^-1 N' A^-1, so that one Woodbury correction holds all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.bag_ranks import falling_order, neighbours, rank_high, rank_low, sums_of_controls, sums_of_samples
from gutdiv.numerics.jit import compiled, prange, threaded

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHARE_SEEN = 5  # a genus counts where it was seen in at least one of so many (sample, draw) pairs of the bag
_SLACK = 1e-10  # relative: distances that equal each other but for rounding tie


class Bags(NamedTuple):
    """What all bags share, of n controls that count `weights` times, over p genera that a bag may keep.

    Parameters
    ----------
    weights : (n,) int64
        At least 1.
    entropy : (n,)
    seen, draws : (n, p) int64, int
        In how many of the draws a genus was seen.
    mean, steps : (p,), (p, n)
        Weighted mean of the logarithms, and each control's step away from it.
    scatter, roots, turn, turned : (p, p), (p,), (p, p), (p, n)
        Weighted sum of squares and products of the steps, its eigenvalues and eigenvectors, and the steps in their coordinates.
    near, near_at : (n, k + 1) int64
        Distance and number of each control's nearest others, the nearest first.
    held : (p,) int64
        Weighted number of draws in which the controls showed a genus.
    sums, squares : (p,)
        Of each row of the scatter, and of its squares.
    """

    weights: Ints
    entropy: Floats
    seen: Ints
    draws: int
    mean: Floats
    steps: Floats
    scatter: Floats
    roots: Floats
    turn: Floats
    turned: Floats
    near: Ints
    near_at: Ints
    held: Ints
    sums: Floats
    squares: Floats


def may_be_kept(seen: Ints, weights: Ints, draws: int) -> npt.NDArray[np.bool_]:
    """Which genera a bag may keep, (g,), of the numbers of draws (n, g) in which each control showed them."""
    held = weights @ seen
    smallest = int(weights.sum()) - int(weights.max()) + 1
    return np.asarray(SHARE_SEEN * (held + draws) >= draws * smallest)


def make_bags(entropy: Floats, logs: Floats, seen: Ints, between: Ints, *, draws: int, weights: Ints | None = None) -> Bags:
    """Prepare what all bags share.

    Parameters
    ----------
    entropy : (n,)
    logs, seen : (n, p)
        Mean ln(reads + 1/2) over the draws and number of draws with reads, of the genera that `may_be_kept`.
    between : (n, n) int64
        Distances between controls in whole numbers (reads that two samples do not share, summed over draws).
    weights : (n,) int64
        How often each control counts (1). Copies count in mean, covariance and the ranks of others; looked at itself a control is there once, and it
        is nobody's neighbour twice.
    """
    n = entropy.size
    w = np.ones(n, np.int64) if weights is None else weights
    mean = w @ logs / w.sum()
    steps = np.ascontiguousarray((logs - mean).T)
    scatter = (steps * w) @ steps.T
    roots, turn = np.linalg.eigh(scatter)
    others = between.copy()
    np.fill_diagonal(others, np.iinfo(np.int64).max)
    width = min(neighbours(n + 1) + 1, n - 1)
    order = np.argsort(others, axis=1, kind="stable")[:, :width]
    turned = np.ascontiguousarray(turn.T @ steps)
    near = np.take_along_axis(others, order, axis=1)
    sums, squares = scatter.sum(axis=1), (scatter * scatter).sum(axis=1)
    return Bags(w, entropy, seen, draws, mean, steps, scatter, np.maximum(roots, 0), turn, turned, near, order, w @ seen, sums, squares)


def ranks_in_bags(bags: Bags, entropy: Floats, logs: Floats, seen: Ints, apart: Ints, own: Ints) -> Floats:
    """Judge m samples: conformal p and the ranks in the three components, all as shares of the bag, (m, 4).

    Columns: p, the share of the bag whose product of ranks is at most the sample's; then the share at least as extreme in entropy (low), in the mean
    distance to the nearest others (high), and in the squared Mahalanobis distance of the CLR (high); the sample counts itself.

    Parameters
    ----------
    entropy : (m,)
    logs, seen : (m, p)
    apart : (m, n) int64
        Distances to the controls.
    own : (m,) int64
        Number of the control of the sample's own subject (or that it is), which is left out of its bag; -1 where there is none.
    """
    m, n = apart.shape
    far, odd = np.empty((m, n + 1)), np.empty((m, n + 1))
    sums_of_controls(bags.near, bags.near_at, np.cumsum(bags.near, axis=1), apart, own, far)
    far[:, n] = sums_of_samples(apart, own)
    _odd_all(bags, logs, seen, own, odd)
    ranks = np.empty((3, m, n + 1), np.int64)
    rank_low(bags.entropy, np.argsort(bags.entropy), bags.weights, entropy, own, ranks[0])
    for values, slack, found in zip((far, odd), (0.0, _SLACK), ranks[1:], strict=True):
        rank_high(values, falling_order(values), bags.weights, own, slack, found)
    product = ranks.prod(axis=0)  # whole numbers up to size^3: exact, unlike a sum of logarithms
    counts = np.broadcast_to(np.append(bags.weights, 1), (m, n + 1)).copy()
    held = np.flatnonzero(own >= 0)
    counts[held, own[held]] = 0
    reached = np.sum(counts * (product <= product[:, n:]), axis=1)
    return np.asarray(np.column_stack([reached, *ranks[:, :, n]]) / counts.sum(axis=1, keepdims=True))


def squared_distances(bags: Bags, logs: Floats, seen: Ints, own: int) -> Floats:
    """Squared Mahalanobis distances of all controls of one sample's bag, and last the sample's, (n + 1,); the one left out has some value too."""
    out = np.empty(bags.weights.size + 1)
    _odd(bags, logs, seen, own, out)
    return out


@compiled
def _solved(matrix: Floats, right: Floats) -> Floats:
    """Solve a small symmetric system, (f, f) and (f, n), by elimination with pivots; both are overwritten."""
    f = matrix.shape[0]
    for c in range(f):
        at = c
        for r in range(c + 1, f):
            if abs(matrix[r, c]) > abs(matrix[at, c]):
                at = r
        if at != c:
            for j in range(f):
                matrix[c, j], matrix[at, j] = matrix[at, j], matrix[c, j]
            for j in range(right.shape[1]):
                right[c, j], right[at, j] = right[at, j], right[c, j]
        for r in range(c + 1, f):
            factor = matrix[r, c] / matrix[c, c]
            if factor != 0.0:
                for j in range(c, f):
                    matrix[r, j] -= factor * matrix[c, j]
                for j in range(right.shape[1]):
                    right[r, j] -= factor * right[c, j]
    for c in range(f - 1, -1, -1):
        for r in range(c + 1, f):
            for j in range(right.shape[1]):
                right[c, j] -= matrix[c, r] * right[r, j]
        for j in range(right.shape[1]):
            right[c, j] /= matrix[c, c]
    return right


@compiled
def _centred(step: Floats, kept: npt.NDArray[np.bool_], size: int) -> Floats:
    """A step's CLR: zero on dropped genera, mean zero over the others."""
    out = np.zeros(step.size)
    level = 0.0
    for j in range(step.size):
        if kept[j]:
            level += step[j]
    level /= size
    for j in range(step.size):
        if kept[j]:
            out[j] = step[j] - level
    return out


@compiled
def _along(steps: Floats, direction: Floats) -> Floats:
    """Product of each control's step with a direction, (n,)."""
    out = np.zeros(steps.shape[1])
    for j in range(direction.size):
        if direction[j] != 0.0:
            for k in range(out.size):
                out[k] += direction[j] * steps[j, k]
    return out


@compiled
def _squares(bags: Bags, kept: npt.NDArray[np.bool_], size: int, own: Floats, own_by: float, new: Floats, new_by: float) -> float:
    """Sum of squares of the bag's scatter of CLR: that of the controls, less own_by own own', plus new_by new new'."""
    p, weights, scatter = kept.size, bags.weights, bags.scatter
    dropped = np.flatnonzero(~kept)
    total, level, levels = 0.0, 0.0, 0.0
    for i in range(p):
        if kept[i]:
            row, square = bags.sums[i], bags.squares[i]
            for d in dropped:
                row -= scatter[i, d]
                square -= scatter[i, d] * scatter[i, d]
            total += square
            level += row
            levels += row * row
    total += level * level / size**2 - 2.0 * levels / size
    along_own, along_new = _along(bags.steps, own), _along(bags.steps, new)
    own_form, new_form, own_square, new_square, both = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(weights.size):
        own_form += weights[k] * along_own[k] * along_own[k]
        new_form += weights[k] * along_new[k] * along_new[k]
    for j in range(p):
        own_square += own[j] * own[j]
        new_square += new[j] * new[j]
        both += own[j] * new[j]
    total += 2.0 * new_by * new_form - 2.0 * own_by * own_form - 2.0 * own_by * new_by * both * both
    return total + (own_by * own_square) ** 2 + (new_by * new_square) ** 2


@compiled
def _odd(bags: Bags, logs: Floats, seen: Ints, own: int, out: Floats) -> None:
    """Fill in the squared Mahalanobis distances in one sample's bag, (n + 1,), the sample last."""
    weights, mean, steps, roots, turn, turned = bags.weights, bags.mean, bags.steps, bags.roots, bags.turn, bags.turned
    p, n = steps.shape
    whole = weights.sum()
    gone = weights[own] if own >= 0 else 0
    rest = whole - gone
    bag = rest + 1
    kept = np.empty(p, np.bool_)
    size = 0
    for j in range(p):
        held = seen[j] + bags.held[j]
        if own >= 0:
            held -= gone * bags.seen[own, j]
        kept[j] = SHARE_SEEN * held >= bags.draws * bag
        size += kept[j]
    out[:] = 0.0
    if size < 2:
        return
    left, shift = np.zeros(p), np.zeros(p)
    if own >= 0:
        left = steps[:, own].copy()
        shift = -(gone / rest) * left
    new = logs - mean - shift  # from the mean of the controls that count
    middle = shift + new / bag  # of the bag
    own_by, new_by = gone * whole / rest, rest / bag
    # row norms in the CLR, and from them Ledoit & Wolf's (2004) shrinkage as scikit-learn computes it
    norms, levels = np.zeros(n + 1), np.zeros(n + 1)
    for j in range(p):
        if kept[j]:
            for k in range(n):
                step = steps[j, k] - middle[j]
                norms[k] += step * step
                levels[k] += step
            step = logs[j] - mean[j] - middle[j]
            norms[n] += step * step
            levels[n] += step
    trace, fourth = 0.0, 0.0
    for k in range(n + 1):
        count = 1 if k == n else 0 if k == own else weights[k]
        norms[k] -= levels[k] * levels[k] / size
        trace += count * norms[k]
        fourth += count * norms[k] * norms[k]
    squares = _squares(bags, kept, size, _centred(left, kept, size), own_by, _centred(new, kept, size), new_by)
    level = trace / bag / size
    square = squares / bag**2
    spread = square - 2.0 * level * (trace / bag) + size * level * level
    noise = min((fourth / bag - square) / bag, spread)
    if trace <= 0.0 or spread <= 0.0:
        return
    shrinkage = noise / spread
    scale, floor = (1.0 - shrinkage) / bag, shrinkage * level
    # directions: the sample's step, the step of the one left out, the common level, and genera dropped
    fewest = 3 if own >= 0 else 2
    f = fewest + p - size
    along = np.zeros((f, p))
    place = np.zeros(p)
    for i in range(p):
        for j in range(p):  # along the rows of `turn`, one after the other
            along[0, j] += turn[i, j] * new[i]
            along[1, j] += turn[i, j]
            place[j] += turn[i, j] * middle[i]
    if own >= 0:
        along[2] = turned[:, own]
    at = fewest
    for i in range(p):
        if not kept[i]:
            along[at] = turn[i]
            at += 1
    core = np.zeros((f, f))
    weighed = np.zeros((f, p))
    by = np.empty(p)
    for j in range(p):
        by[j] = 1.0 / (scale * roots[j] + floor)
        for r in range(f):
            weighed[r, j] = along[r, j] * by[j]
    for r in range(f):
        for c in range(r, f):
            for j in range(p):
                core[r, c] += weighed[r, j] * along[c, j]
            core[c, r] = core[r, c]
    core[0, 0] += 1.0 / (scale * new_by)
    if own >= 0:
        core[2, 2] -= 1.0 / (scale * own_by)
    forms = np.zeros((f, n + 1))
    for j in range(p):
        last = along[0, j] * (1.0 - 1.0 / bag)  # the sample's own step from the bag's mean: (bag - 1) / bag of that from the controls'
        for k in range(n):
            step = turned[j, k] - place[j]
            out[k] += by[j] * step * step
        out[n] += by[j] * last * last
        for r in range(f):
            for k in range(n):
                forms[r, k] += weighed[r, j] * (turned[j, k] - place[j])
            forms[r, n] += weighed[r, j] * last
    found = _solved(core, forms.copy())
    for r in range(f):
        for k in range(n + 1):
            out[k] -= forms[r, k] * found[r, k]
    for k in range(n):
        if weights[k] > 1:  # looked at itself, a person is there once: without the further copies in the scatter
            out[k] /= 1.0 - scale * (weights[k] - 1) * out[k]


@threaded
def _odd_all(bags: Bags, logs: Floats, seen: Ints, own: Ints, out: Floats) -> None:
    """Squared Mahalanobis distances in every sample's bag."""
    for s in prange(own.size):
        _odd(bags, logs[s], seen[s], own[s], out[s])
