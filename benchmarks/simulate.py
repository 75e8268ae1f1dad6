"""Simulates ASV tables with a tree, by size and seed, for the benchmarks of diversity (`python simulate.py N FOLDER`).

Each sample holds 100 to 400 features and 10,000 to 50,000 reads, and brings 10 new features, up to 100,000. Features are few common and many rare
ones; five groups of samples each have a tenth of them enriched. The tree is a coalescent with ragged tips. Features in no sample are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse

MOST_FEATURES = 100_000
GROUPS = 5


def community(n: int, *, seed: int = 1) -> tuple[sparse.csr_matrix, npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Simulate a table and its tree.

    Returns
    -------
    counts : (n, p) CSR of int32
    parent : (2 p - 1,) int32
        Of each node; the p tips come first, in the order of the columns, the root last with parent -1.
    length : (2 p - 1,) float64
        Of the branch above each node; the longest is 1.
    """
    rng = np.random.default_rng(seed)
    p = min(MOST_FEATURES, 10 * n)
    weight = rng.normal(0.0, 2.2, p)
    group = rng.integers(0, GROUPS, n)
    cumulative = []
    for _ in range(GROUPS):
        own = weight.copy()
        enriched = rng.random(p) < 0.1
        own[enriched] += rng.normal(1.0, 0.7, enriched.sum())
        cumulative.append(np.cumsum(np.exp(own)) / np.exp(own).sum())
    effect = rng.normal(0.0, 1.0, p)
    columns, values, sizes = [], [], [0]
    for i in range(n):
        k = int(rng.integers(100, 401))
        picked = np.unique(np.searchsorted(cumulative[group[i]], rng.random(2 * k)))
        picked = np.sort(rng.permutation(picked)[:k])
        share = np.exp(effect[picked] + rng.normal(0.0, 1.5, picked.size))
        reads = rng.multinomial(int(rng.integers(10_000, 50_001)), share / share.sum())
        columns.append(picked[reads > 0])
        values.append(reads[reads > 0])
        sizes.append(int((reads > 0).sum()))
    counts = sparse.csr_matrix((np.concatenate(values).astype(np.int32), np.concatenate(columns), np.cumsum(sizes)), shape=(n, p))
    counts = counts[:, np.flatnonzero(np.bincount(counts.indices, minlength=p))].tocsr()
    counts.sort_indices()
    return counts, *_coalescent(counts.shape[1], rng)


def _coalescent(p: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Join p tips two at a time, at times that grow as fewer are left."""
    parent = np.full(2 * p - 1, -1, np.int32)
    time = np.zeros(2 * p - 1)
    live = list(range(p))
    now = 0.0
    pick, wait = rng.random((p, 2)).tolist(), rng.exponential(1.0, p).tolist()
    for node in range(p, 2 * p - 1):
        k = len(live)
        now += wait[node - p] * 2.0 / (k * (k - 1)) * p**0.5 if k > 2 else wait[node - p] * 0.5
        i = int(pick[node - p][0] * k)
        first, live[i] = live[i], live[-1]
        live.pop()
        j = int(pick[node - p][1] * (k - 1))
        parent[first] = parent[live[j]] = node
        time[node] = now
        live[j] = node
    time[:p] -= rng.exponential(0.02 * now, p)
    length = np.zeros(2 * p - 1)
    length[:-1] = time[parent[:-1]] - time[:-1]
    return parent, length / length.max()


def newick(parent: npt.NDArray[np.int32], length: npt.NDArray[np.float64]) -> str:
    """Return the tree as text, its tips named F000000, F000001, ..."""
    tips = (parent.size + 1) // 2
    inner: list[list[str]] = [[] for _ in parent]
    for v, up in enumerate(parent[:-1].tolist()):
        name = f"({','.join(inner[v])})" if v >= tips else f"F{v:06d}"
        inner[v] = []
        inner[up].append(f"{name}:{float(length[v])!r}")
    return f"({','.join(inner[-1])});\n"


def folder_of(n: int, base: Path, *, seed: int = 1) -> Path:
    """Return the folder with the files of a simulated community, which is made where it is missing: counts.npz, tree.npz, table.biom, tree.nwk."""
    folder = base / f"n{n}-seed{seed}"
    if (folder / "done").exists():
        return folder
    import biom
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    counts, parent, length = community(n, seed=seed)
    sparse.save_npz(folder / "counts.npz", counts, compressed=False)
    np.savez(folder / "tree.npz", parent=parent, length=length)
    (folder / "tree.nwk").write_text(newick(parent, length))
    features, samples = [f"F{j:06d}" for j in range(counts.shape[1])], [f"S{i:06d}" for i in range(n)]
    with h5py.File(folder / "table.biom", "w") as file:
        biom.Table(counts.T.tocsr().astype(float), features, samples).to_hdf5(file, "simulate.py")
    (folder / "done").touch()
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, help="samples")
    parser.add_argument("folder", type=Path, help="where a folder for this size is made")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(folder_of(given.n, given.folder, seed=given.seed))
