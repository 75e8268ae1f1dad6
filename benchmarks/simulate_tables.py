"""Writes simulated tables for the benchmarks of reading: sparse counts with few common and many rare features, by seed (`python simulate_tables.py --help`)."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import sparse

RANKS = ("k__Bacteria", "p__P{0}", "c__C{1}", "o__O{2}", "f__F{3}", "g__G{4}", "s__")
SIZES = (12, 30, 60, 200, 1500)  # how many different names each rank has


def simulated_counts(n: int, p: int, per_sample: int, *, seed: int = 1) -> sparse.csr_matrix:
    """Return counts of n samples x p features, `per_sample` features in each sample and every feature in one sample at least (n x per_sample >= p).

    Prevalence falls off log-normally; counts are geometric, 50 on average, as reads of one feature in one sample are.
    """
    rng = np.random.default_rng(seed)
    weight = np.exp(rng.normal(0.0, 2.2, p))
    cumulative = np.cumsum(weight) / weight.sum()
    columns = []
    for i in range(n):
        own = np.arange(i, p, n)  # so that no feature is without reads
        picked = np.setdiff1d(np.searchsorted(cumulative, rng.random(4 * per_sample)), own)
        while picked.size < per_sample - own.size:
            picked = np.union1d(picked, np.setdiff1d(np.searchsorted(cumulative, rng.random(4 * per_sample)), own))
        columns.append(np.sort(np.concatenate([own, rng.permutation(picked)[: per_sample - own.size]])))
    indices = np.concatenate(columns)
    return sparse.csr_matrix((rng.geometric(0.02, indices.size).astype(np.float64), indices, np.arange(n + 1) * per_sample), shape=(n, p))


def write_biom(path: Path, counts: sparse.csr_matrix) -> None:
    """Write BIOM 2.1 with lineages by the biom-format library, as QIIME writes it; ids are digests, in no order."""
    import biom
    import h5py

    n, p = counts.shape
    rng = np.random.default_rng(2)
    features = [rng.bytes(16).hex() for _ in range(p)]
    lineages = [{"taxonomy": [r.format(*(j % s for s in SIZES)) for r in RANKS]} for j in range(p)]
    table = biom.Table(counts.T.tocsr(), features, [f"S{i:05d}" for i in rng.permutation(n)], lineages)
    with h5py.File(path, "w") as file:
        table.to_hdf5(file, "simulate_tables.py")


def write_tsv(path: Path, counts: sparse.csr_matrix) -> None:
    """Write the classic dense text: features in rows, every zero spelled out."""
    by_feature = counts.T.tocsr()
    with path.open("w", encoding="utf-8") as file:
        file.write("# Constructed from biom file\n#OTU ID\t" + "\t".join(f"S{i:05d}" for i in range(counts.shape[0])) + "\n")
        for j in range(by_feature.shape[0]):
            cells = ["0"] * counts.shape[0]
            part = slice(by_feature.indptr[j], by_feature.indptr[j + 1])
            for i, v in zip(by_feature.indices[part].tolist(), by_feature.data[part].tolist(), strict=True):
                cells[i] = str(int(v))
            file.write(f"OTU{j:06d}\t" + "\t".join(cells) + "\n")


def main() -> None:
    """Write one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="file to write: .biom or .tsv")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--features", type=int, default=20000)
    parser.add_argument("--per-sample", type=int, default=250, help="features seen in each sample")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts = simulated_counts(args.samples, args.features, args.per_sample, seed=args.seed)
    (write_biom if args.path.suffix == ".biom" else write_tsv)(args.path, counts)


if __name__ == "__main__":
    main()
