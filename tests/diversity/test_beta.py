"""Beta metrics against vegan, phyloseq, GUniFrac and scikit-bio, on small and on real tables; tolerances by metric."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from gutdiv.diversity.catalog import BETA
from gutdiv.diversity.metric import View
from gutdiv.io.newick import read_newick
from gutdiv.model.tree import Tree

TRUTH = Path(__file__).parents[1] / "truth"
# Of the value: R's own sums are plain, and phyloseq's divergence is squared, so that its small values lose digits in the root.
TOLERANCE = defaultdict(lambda: 1e-11, {"jensenshannon": 1e-9, "hellinger": 1e-10})


def numbers() -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return R's distances by table and metric."""
    out = defaultdict(list)
    with (TRUTH / "beta_truth.tsv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            out[row["data"], row["metric"]].append(row)
    return out


NUMBERS = numbers()


def written(name: str) -> tuple[list[str], np.ndarray]:
    """Return features and counts of a table of samples by features."""
    with (TRUTH / name).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle, delimiter="\t"))
    return rows[0][1:], np.array([[int(v) for v in r[1:]] for r in rows[1:]])


def view(counts: np.ndarray | sparse.csr_matrix, features: list[str], newick: Path | None) -> View:
    """Return what metrics see, features that the tree lacks left out."""
    matrix = sparse.csr_matrix(counts)
    tree = None
    if newick:
        raw = read_newick(newick).tree
        node = dict(zip(raw.tip_names, raw.tip_nodes.tolist(), strict=True))
        kept = [j for j, f in enumerate(features) if f in node]
        matrix = matrix[:, kept]
        names = tuple(features[j] for j in kept)
        tree = Tree(raw.parent, raw.length, names, np.array([node[f] for f in names], np.int32))
    matrix.sort_indices()
    integers = (a.astype(np.int64) for a in (matrix.indptr, matrix.indices, matrix.data))
    return View(*integers, matrix.shape[1], tree)


def check(data: str, seen: View) -> None:
    """Compare each metric with every number that R wrote for this table."""
    checked = 0
    for (table, named), rows in NUMBERS.items():
        if table != data:
            continue
        name, _, alpha = named.partition("unifrac_") if named.startswith("generalized") else (named, "", "")
        metric = BETA[name + "unifrac" if alpha else name]
        matrix = metric.function(seen, **({"alpha": float(alpha)} if alpha else {}))
        found = [matrix[int(r["sample_1"]) - 1, int(r["sample_2"]) - 1] for r in rows]
        assert found == pytest.approx([float(r["value"]) for r in rows], rel=TOLERANCE[name], abs=1e-12), named
        checked += len(rows)
    assert checked >= 45


def test_distances_equal_vegan_and_phyloseq_on_dune() -> None:
    features, counts = written("dune.tsv")
    check("dune", view(counts, features, None))


def test_distances_equal_vegan_phyloseq_and_gunifrac_on_esophagus() -> None:
    samples, counts = written("esophagus.tsv")
    assert samples == ["B", "C", "D"]
    with (TRUTH / "esophagus.tsv").open(encoding="utf-8") as handle:
        features = [line.split("\t")[0] for line in handle][1:]
    check("esophagus", view(counts.T, features, TRUTH / "esophagus.nwk"))


def test_distances_equal_r_on_samples_of_unequal_depth() -> None:
    features, counts = written("beta_random.tsv")
    check("random", view(counts, features, TRUTH / "beta_random.nwk"))


@pytest.mark.real_data
@pytest.mark.parametrize("data", ["hmp_v13_stool", "ob_turnbaugh"])
def test_distances_equal_r_on_real_tables(data: str, real_data: Path) -> None:
    import biom

    table = biom.load_table(str(real_data / data / "table.biom"))
    ids = sorted(table.ids(), key=lambda s: s.encode())[:8]
    counts = table.matrix_data.T.tocsr()[[table.index(s, "sample") for s in ids]]
    check(data, view(counts, list(table.ids(axis="observation")), real_data / data / "tree.nwk"))


@pytest.mark.real_data
def test_distances_equal_scikit_bio_on_a_real_table(real_data: Path) -> None:
    import biom
    from skbio import TreeNode
    from skbio.diversity import beta_diversity

    table = biom.load_table(str(real_data / "ob_turnbaugh" / "table.biom"))
    newick = real_data / "ob_turnbaugh" / "tree.nwk"
    counts = table.matrix_data.T.tocsr()[:40]
    seen = view(counts, list(table.ids(axis="observation")), newick)
    assert seen.tree is not None
    dense = seen.matrix.toarray().astype(int)
    tree = {"taxa": list(seen.tree.tip_names), "tree": TreeNode.read(str(newick), convert_underscores=False)}
    peers = {
        "braycurtis": beta_diversity("braycurtis", dense),
        "jaccard": beta_diversity("jaccard", dense),
        "jensenshannon": beta_diversity("jensenshannon", dense),
        "unweighted_unifrac": beta_diversity("unweighted_unifrac", dense, **tree),
        "weighted_unifrac": beta_diversity("weighted_unifrac", dense, normalized=False, **tree),
        "weighted_unifrac_normalized": beta_diversity("weighted_unifrac", dense, normalized=True, **tree),
    }
    for name, peer in peers.items():
        assert BETA[name].function(seen) == pytest.approx(peer.data, rel=1e-11, abs=1e-12), name


def test_every_beta_metric_has_numbers_from_r() -> None:
    named = {metric.partition("unifrac_")[0] + "unifrac" if metric.startswith("generalized") else metric for _, metric in NUMBERS}
    elsewhere = {"robust_aitchison"}  # robust_aitchison.tsv, tests of robust principal components
    assert set(BETA) - elsewhere <= named
