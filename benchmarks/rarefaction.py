"""Measures one rarefaction draw of every sample beside biom-format's `subsample` (`python rarefaction.py --help`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from side_by_side import Case, main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DEPTH = 10_000  # all simulated samples have at least so many reads
SEED = 7


def by_gutdiv(folder: Path) -> Callable[[], Mapping[str, Any]]:
    """Draw by gutdiv, and drop the zeros as biom-format does."""
    from gutdiv.diversity.rarefaction import sample_keys
    from gutdiv.numerics.draws import rarefied

    counts = sparse.load_npz(folder / "counts.npz").astype(np.int64)
    indptr = counts.indptr.astype(np.int64)
    keys = sample_keys([f"S{i:06d}" for i in range(counts.shape[0])])

    def call() -> Mapping[str, Any]:
        data = rarefied(indptr, counts.data, DEPTH, keys, SEED, 0)
        drawn = sparse.csr_matrix((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
        drawn.eliminate_zeros()
        return {"reads": np.asarray(drawn.sum(axis=1)).ravel(), "features": np.diff(drawn.indptr), "expected": expected(folder)}

    return call


def by_biom(folder: Path) -> Callable[[], Mapping[str, Any]]:
    """Draw by biom-format."""
    import biom

    counts = sparse.load_npz(folder / "counts.npz")
    ids = [f"F{j:06d}" for j in range(counts.shape[1])], [f"S{i:06d}" for i in range(counts.shape[0])]
    table = biom.Table(counts.T.tocsr().astype(float), *ids)

    def call() -> Mapping[str, Any]:
        drawn = table.subsample(DEPTH, axis="sample", seed=SEED)
        return {"reads": drawn.sum("sample"), "features": drawn.pa(inplace=False).sum("sample"), "expected": expected(folder)}

    return call


def expected(folder: Path) -> Any:
    """Return the mean of the exact expected numbers of features, computed once."""
    known = folder / f"expected-{DEPTH}.npy"
    if not known.exists():
        from gutdiv.numerics.expectations import expected_richness

        counts = sparse.load_npz(folder / "counts.npz").astype(np.int64)
        reads = np.full(counts.shape[0], DEPTH)
        np.save(known, expected_richness(counts.indptr.astype(np.int64), counts.data, reads).mean())
    return np.load(known)


def features_seen(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Tell the mean number of features drawn by either, and what it should be."""
    even = all((r["reads"] == DEPTH).all() for r in (ours, theirs))
    told = f"mean features {ours['features'].mean():.2f} and {theirs['features'].mean():.2f}, expected {float(ours['expected']):.2f}"
    return told + ("" if even else "; READS DIFFER FROM THE DEPTH")


def cases(n: int) -> list[Case]:
    """Return the case of so many samples."""
    name = f"rarefaction to {DEPTH:,} reads, one draw, {n:,} samples"
    return [Case(name, n, {"gutdiv": by_gutdiv, "biom-format": by_biom}, 5, features_seen)]


if __name__ == "__main__":
    main(__file__, cases(10_000), cases(500), ("gutdiv", "biom-format", "numpy", "scipy", "numba"))
