"""Simulates whole studies of any size for `scaling.py`: table, lineages, tree and metadata, by seed (`python simulate_study.py N FOLDER`).

Each sample holds 75 to 225 features and 8,000 to 30,000 reads; features are few common and many rare ones. Five groups of unequal size, of which 600
samples (or a twentieth) are the controls, differ in a tenth of their features. A third of the subjects come twice. Lineages are those of the demo's
genera, the tree is the coalescent of `simulate.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import sparse
from simulate import _coalescent, newick

GROUPS = ("healthy", "colitis", "crohn", "diabetes", "unselected")
SHARES = (0.0, 0.05, 0.10, 0.25, 0.60)  # of the samples that are no controls
GENERA = Path(__file__).resolve().parents[1] / "test_data" / "genera.tsv"


def simulated_study(n: int, p: int, *, seed: int = 1, strength: float = 1.0) -> tuple[sparse.csr_matrix, list[dict[str, str]]]:
    """Return counts (n, p) and a row of metadata for each sample; `strength` moves the enriched features of a group, in ln units."""
    rng = np.random.default_rng(seed)
    controls = min(600, n // 20)
    subject = np.sort(np.concatenate([np.arange(n - n // 4), rng.choice(n - n // 4, n // 4, replace=False)]))  # some come twice
    of_subject = np.where(np.arange(n - n // 4) < controls * 3 // 4, 0, rng.choice(len(GROUPS), n - n // 4, p=SHARES))
    group = of_subject[subject]
    weight = rng.normal(0.0, 2.2, p)
    cumulative = []
    for k in range(len(GROUPS)):
        own = weight.copy()
        if k:
            enriched = rng.random(p) < 0.1
            own[enriched] += strength * rng.normal(1.0, 0.7, enriched.sum())
        cumulative.append(np.cumsum(np.exp(own)) / np.exp(own).sum())
    effect = rng.normal(0.0, 1.0, p)
    columns, values, sizes = [], [], np.zeros(n + 1, np.int64)
    for i in range(n):
        k = int(rng.integers(75, 226))
        picked = np.unique(np.searchsorted(cumulative[group[i]], rng.random(2 * k)))
        picked = np.sort(rng.permutation(picked)[:k])
        share = np.exp(effect[picked] + rng.normal(0.0, 1.5, picked.size))
        reads = rng.multinomial(int(rng.integers(8_000, 30_001)), share / share.sum())
        columns.append(picked[reads > 0].astype(np.int32))
        values.append(reads[reads > 0].astype(np.int32))
        sizes[i + 1] = sizes[i] + values[-1].size
    counts = sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), sizes), shape=(n, p))
    counts = sparse.csr_matrix(counts[:, np.flatnonzero(np.bincount(counts.indices, minlength=p))])
    counts.sort_indices()
    ages = rng.integers(20, 80, n - n // 4)[subject]
    sexes = rng.choice(["female", "male"], n - n // 4)[subject]
    visit = np.concatenate([[0], np.where(subject[1:] == subject[:-1], 90, 0)])
    rows = [
        {"sample-id": f"S{i:06d}", "group": GROUPS[g], "subject": f"P{s:06d}", "day": str(t), "age": str(a), "sex": str(x)}
        for i, (g, s, t, a, x) in enumerate(zip(group, subject, visit, ages, sexes, strict=True))
    ]
    return counts, rows


def folder_of(n: int, base: Path, *, p: int = 120_000, seed: int = 1, strength: float = 1.0) -> Path:
    """Return the folder with the files of a study, which is made where it is missing: table.biom, taxonomy.tsv, tree.nwk, metadata.tsv."""
    folder = base / f"study-{n}-{p}-seed{seed}"
    if (folder / "done").exists():
        return folder
    import biom
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    counts, rows = simulated_study(n, p, seed=seed, strength=strength)
    width = counts.shape[1]
    names = [f"F{j:06d}" for j in range(width)]
    with h5py.File(folder / "table.biom", "w") as file:
        biom.Table(counts.T.tocsr().astype(float), names, [r["sample-id"] for r in rows]).to_hdf5(file, "simulate_study.py")
    (folder / "metadata.tsv").write_text("\n".join("\t".join(r) for r in [list(rows[0]), *(list(r.values()) for r in rows)]) + "\n")
    lines = GENERA.read_text().splitlines()[1:]
    shares = np.array([float(line.split("\t")[1]) for line in lines])
    rng = np.random.default_rng(seed + 1)
    drawn = rng.choice(len(lines), width, p=shares / shares.sum())
    told = [f"{name}\t{lines[k].split(chr(9))[0]}" for name, k in zip(names, drawn, strict=True)]
    (folder / "taxonomy.tsv").write_text("\n".join(["Feature ID\tTaxon", *told]) + "\n")
    (folder / "tree.nwk").write_text(newick(*_coalescent(width, rng)))
    (folder / "done").touch()
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int, help="samples")
    parser.add_argument("folder", type=Path, help="where a folder for this size is made")
    parser.add_argument("--features", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(folder_of(given.n, given.folder, p=given.features, seed=given.seed))
