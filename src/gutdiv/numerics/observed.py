"""What rarefaction draws show of samples beside controls: reads shared with each control, logarithms and presence of genera, entropy of features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.draws import scratch, size_of, stream, take
from gutdiv.numerics.jit import compiled, prange, threaded

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]

HALF = 0.5


class Rows(NamedTuple):
    """A table as draws are taken of it: CSR `indptr, indices, data`, the genus of each feature (0 to n_genera - 1), and a key of each sample."""

    indptr: npt.NDArray[np.signedinteger[Any]]
    indices: npt.NDArray[np.signedinteger[Any]]
    data: Ints
    genus: Ints
    n_genera: int
    keys: npt.NDArray[np.uint64]


class Drawn(NamedTuple):
    """Sums over draws, for m samples.

    Parameters
    ----------
    unshared : (m, n) int64
        Reads that a sample does not share with each control: Bray-Curtis dissimilarity of genera times depth, summed over draws.
    logs : (m, p) float64
        ln(reads + 1/2) of the genera asked for, summed over draws.
    seen : (m, p) int64
        Draws in which a genus had reads.
    entropy : (m,) float64
        Shannon entropy of features in nats, summed over draws.
    """

    unshared: Ints
    logs: Floats
    seen: Ints
    entropy: Floats


def genus_counts(rows: Rows, samples: Ints, *, depth: int, seed: int, draw: int) -> Counts:
    """Reads of every genus in one draw of a few samples, (n_genera, n)."""
    out = np.zeros((samples.size, rows.n_genera), np.int32)
    _count(rows, samples, depth, seed, draw, out)
    return np.ascontiguousarray(out.T)


def observe(rows: Rows, samples: Ints, beside: Sequence[Counts], genera: Ints, *, depth: int, seed: int, draws: range) -> Drawn:
    """Take draws of samples, each with at least `depth` reads, and hold each draw against the draw of the same number of the controls.

    Parameters
    ----------
    samples : (m,) int64
        Rows of the table.
    beside : sequence of (n_genera, n) int32
        Of each draw what `genus_counts` gives for the controls.
    genera : (p,) int64
        Genera whose logarithms and presence are wanted; distances are over all.
    """
    m, n, p = samples.size, beside[0].shape[1], genera.size
    found = Drawn(np.zeros((m, n), np.int64), np.zeros((m, p)), np.zeros((m, p), np.int64), np.zeros(m))
    logs = np.log(np.arange(depth + 1) + HALF)
    for draw, counts in zip(draws, beside, strict=True):
        _observe(rows, samples, counts, genera, depth, seed, draw, logs, found)
    return found


@compiled
def _draw(rows: Rows, i: int, depth: int, seed: int, draw: int, by_genus: Ints) -> float:
    """Add one draw of a sample to its genera, which hold zeros; return the entropy of its features."""
    start = rows.indptr[i]
    counts = rows.data[start : rows.indptr[i + 1]]
    total = size_of(counts)
    held = np.zeros(counts.size, np.int64)
    take(counts, total, depth, stream(seed, rows.keys[i], draw), scratch(total), held)
    entropy = 0.0
    for t in range(counts.size):
        if held[t] > 0:
            by_genus[rows.genus[rows.indices[start + t]]] += held[t]
            share = held[t] / depth
            entropy -= share * math.log(share)
    return entropy


@threaded
def _count(rows: Rows, samples: Ints, depth: int, seed: int, draw: int, out: Any) -> None:
    """Fill one draw of each sample."""
    for s in prange(samples.size):
        by_genus = np.zeros(rows.n_genera, np.int64)
        _draw(rows, samples[s], depth, seed, draw, by_genus)
        for g in range(by_genus.size):
            out[s, g] = by_genus[g]


@compiled
def _hold(by_genus: Ints, beside: Any, genera: Ints, depth: int, logs: Floats, s: int, found: Drawn) -> None:
    """Add what one draw of a sample shows."""
    shared = np.zeros(beside.shape[1], np.int32)
    for g in range(by_genus.size):
        x = np.int32(by_genus[g])
        if x > 0:
            for k in range(shared.size):
                shared[k] += min(x, beside[g, k])
    for k in range(shared.size):
        found.unshared[s, k] += depth - shared[k]
    for j in range(genera.size):
        x = by_genus[genera[j]]
        found.logs[s, j] += logs[x]
        found.seen[s, j] += x > 0


@threaded
def _observe(rows: Rows, samples: Ints, beside: Any, genera: Ints, depth: int, seed: int, draw: int, logs: Floats, found: Drawn) -> None:
    """Add one draw of every sample."""
    entropy = found.entropy  # numba 0.68 loses what a parallel loop adds to a field of a tuple
    for s in prange(samples.size):
        by_genus = np.zeros(rows.n_genera, np.int64)
        entropy[s] += _draw(rows, samples[s], depth, seed, draw, by_genus)
        _hold(by_genus, beside, genera, depth, logs, s, found)
