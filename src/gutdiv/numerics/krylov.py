"""Leading eigenpairs of a large symmetric operator by block Lanczos, and sums over its whole spectrum estimated from the same products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-13  # length of the residual of a wanted pair, as a share of the largest eigenvalue
WORST = 1e-10  # what is still taken where the limit of columns stops the search
COLUMNS = 4000  # of the basis at most: 0.6 GB at 20,000 samples
WINDOW = 6  # last steps over which an estimate is averaged
_SEED = 20190116  # of the starting block; a constant, so that nothing depends on the order of calls
_SETTLED = 1e-7  # residual, as a share of the largest eigenvalue, from which a pair counts as known in an estimate
_SAME = 1e-9  # difference of eigenvalues, as such a share, below which they may be one


@dataclass(frozen=True, eq=False)
class Decomposition:
    """What block Lanczos found.

    Parameters
    ----------
    values : (k,)
        Largest eigenvalues, falling.
    vectors : (n, k)
        Their eigenvectors, of length 1.
    residual : float
        Longest residual of a pair, as a share of the largest eigenvalue by size.
    projected : (m, m)
        The operator in the basis.
    corner : (b, b)
        The starting block in its own basis (its R of QR).
    steps : tuple of (int, int, array)
        First and last column (exclusive) of each block of the basis, and what joins it to the next block.
    whole : bool
        Whether the basis holds all that the starting block can reach.
    """

    values: Floats
    vectors: Floats
    residual: float
    projected: Floats
    corner: Floats
    steps: tuple[tuple[int, int, Floats], ...]
    whole: bool


def random_signs(n: int, width: int, *, stream: int = 0) -> Floats:
    """Return a fixed block of random signs, shape (n, width): raw bits of PCG64, which no version of numpy changes."""
    words = -(-width // 64)
    raw = np.random.PCG64([_SEED, stream]).random_raw(n * words).astype(np.uint64).reshape(n, words)
    bits = (raw[:, :, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    return bits.reshape(n, -1)[:, :width].astype(np.float64) * 2.0 - 1.0


def leading_pairs(product: Callable[[Floats], Floats], start: Floats, wanted: int, *, least: int, noise: float) -> Decomposition:
    """Find the largest eigenvalues and their vectors by block Lanczos with full reorthogonalisation (Golub and Underwood 1977).

    An eigenvalue that occurs several times is found as often as the block is wide, so that a block wider than `wanted` misses none.

    Parameters
    ----------
    product : callable
        Takes (n, b) and returns the operator times it; the operator is symmetric and takes constant columns to zero.
    start : (n, b)
        Random block of full rank, its columns centred.
    wanted : int
        Number of pairs.
    least : int
        Products to be made at least, for estimates over the spectrum.
    noise : float
        Length of the rounding errors in a product with a vector of length 1; eigenvalues below are not told from zero.

    Raises
    ------
    InputError
        Where the wanted pairs cannot be told from their neighbours within the limit of columns.
    """
    n, width = start.shape
    most = n - 1 if n - 1 <= COLUMNS else COLUMNS // width * width  # constant columns leave n - 1 dimensions
    basis = np.empty((min(width * (least + 8), n), n))
    first, corner = np.linalg.qr(start)
    basis[:width] = first.T
    projected = np.zeros((basis.shape[0], basis.shape[0]))
    steps: list[tuple[int, int, Floats]] = []
    low, used = 0, width
    while True:
        image = product(np.ascontiguousarray(basis[low:used].T))
        inside = basis[:used] @ image
        image -= basis[:used].T @ inside
        again = basis[:used] @ image
        image -= basis[:used].T @ again
        own = inside[low:] + again[low:]
        projected[low:used, low:used] = (own + own.T) / 2
        room = min(width, most - used)
        following, coupling = _orthonormal(image, basis[:used], room=room, noise=noise)
        steps.append((low, used, coupling))
        whole = used == n - 1 or (room > 0 and not coupling.any())
        ended = whole or room == 0
        if ended or (len(steps) >= least and used >= 2 * wanted):
            values, inner = np.linalg.eigh(projected[:used, :used])
            largest = float(np.abs(values).max())
            chosen = np.arange(used)[-wanted:]
            told = chosen[values[chosen] > 2 * noise]
            residual = float(np.linalg.norm(image @ inner[low:, told], axis=0).max(initial=0.0))
            if ended or residual <= max(TOLERANCE * largest, 2 * noise):
                break
        size = following.shape[1]
        if used + size > basis.shape[0]:
            basis = np.concatenate([basis, np.empty((min(basis.shape[0], n - basis.shape[0]), n))])
            projected = np.pad(projected, (0, basis.shape[0] - projected.shape[0]))
        basis[used : used + size] = following.T
        projected[used : used + size, low:used] = coupling
        projected[low:used, used : used + size] = coupling.T
        low, used = used, used + size
    if residual > max(WORST * largest, 4 * noise):
        msg = f"the largest {wanted} eigenvalues lie too close to the next to be told apart. Ask for fewer axes."
        raise InputError(msg)
    vectors = basis[:used].T @ inner[:, chosen][:, ::-1]
    share = residual / largest if largest else 0.0
    return Decomposition(values[chosen][::-1], vectors, share, projected[:used, :used], corner, tuple(steps), whole)


def _orthonormal(block: Floats, basis: Floats, *, room: int, noise: float) -> tuple[Floats, Floats]:
    """Return at most `room` orthonormal columns (n, r) that span a block (n, b) orthogonal to `basis` (m, n), and what the block is in them, (r, b).

    Where the block holds fewer directions than columns, fresh random ones fill it up, so that eigenvalues that occur often are still found.
    """
    n, width = block.shape
    out, inside = np.zeros((n, room)), np.zeros((room, width))
    size = 0
    for c in range(width):
        column = block[:, c].copy()
        for _ in range(2):
            along = out[:, :size].T @ column
            column -= out[:, :size] @ along
            inside[:size, c] += along
        length = float(np.linalg.norm(column))
        if length > 2 * noise and size < room:
            out[:, size], inside[size, c] = column / length, length
            size += 1
    if size == 0:
        return out[:, :0], inside[:0]
    fresh = random_signs(n, room - size, stream=basis.shape[0]) if size < room else np.zeros((n, 0))
    for column in (fresh - fresh.mean(axis=0)).T:
        rest = column
        for _ in range(3):
            rest = rest - basis.T @ (basis @ rest)
            rest = rest - out[:, :size] @ (out[:, :size].T @ rest)
            rest = rest / np.linalg.norm(rest)
        out[:, size] = rest
        size += 1
    return out, inside


def positive_sum(found: Decomposition, *, rank: int, trace: float, square: float) -> tuple[float, float]:
    """Estimate the sum of the positive eigenvalues by stochastic Lanczos quadrature (Ubaru, Chen and Saad 2017), and its standard error.

    Pairs that have settled are taken as they are. In the rest, max(x, 0) is split into the parabola nearest to it, whose sum follows
    exactly from the trace and the sum of squares, and a small remainder that is measured along the columns of the starting block. The last
    steps are averaged, since a quadrature errs to either side as its nodes pass zero; their spread is part of the error.

    Parameters
    ----------
    found : Decomposition
        From a starting block of random signs, projected onto the space of `rank` dimensions in which the operator acts.
    rank : int
    trace, square : float
        Sums of all eigenvalues and of their squares.
    """
    last = found.steps[-1:] if found.whole else found.steps[-WINDOW:]
    measured = np.array([_quadrature(found, *step, sums=(float(rank), trace, square)) for step in last])
    between = float(measured.mean(axis=0).std(ddof=1)) / np.sqrt(measured.shape[1])
    over = float(measured.mean(axis=1).std(ddof=1)) / np.sqrt(len(last)) if len(last) > 1 else 0.0
    return float(measured.mean()), float(np.hypot(between, over))


def _quadrature(found: Decomposition, low: int, used: int, coupling: Floats, *, sums: tuple[float, float, float]) -> Floats:
    """Estimate the sum of positive eigenvalues at one step, once along each column of the starting block, shape (b,)."""
    width = found.corner.shape[0]
    values, inner = np.linalg.eigh(found.projected[:used, :used])
    largest = np.abs(values).max()
    settled = np.linalg.norm(coupling @ inner[low:], axis=0) <= _SETTLED * largest
    for j in range(used - width + 1):  # an eigenvalue found as often as the block is wide may occur more often
        if values[j + width - 1] - values[j] <= _SAME * largest:
            settled[j : j + width] = False
    known, rest = values[settled], values[~settled]
    weights = (found.corner.T @ inner[:width, ~settled]) ** 2
    target = np.maximum(rest, 0.0)
    powers = np.stack([np.ones_like(rest), rest, rest**2], axis=1)
    root = np.sqrt(weights.mean(axis=0))[:, None]
    parabola = np.linalg.lstsq(powers * root, target * root[:, 0], rcond=None)[0]
    left = np.array(sums) - [known.size, known.sum(), (known**2).sum()]
    return np.asarray(np.maximum(known, 0.0).sum() + left @ parabola + weights @ (target - powers @ parabola), dtype=np.float64)
