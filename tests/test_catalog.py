"""One contract over every metric, and R's numbers for each."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from gutdiv.diversity.catalog import ALPHA, BETA, find
from gutdiv.diversity.metric import View
from gutdiv.errors import InputError
from gutdiv.io.newick import read_newick
from gutdiv.model.tree import Tree
from gutdiv.numerics.spectra import principal_coordinates

TRUTH = Path(__file__).parent / "truth"


def rows_of(name: str) -> list[dict[str, str]]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def counts_of(name: str) -> tuple[list[str], np.ndarray]:
    rows = rows_of(name)
    return [r["sample_id"] for r in rows], np.array([[int(v) for k, v in r.items() if k != "sample_id"] for r in rows])


def view(dense: np.ndarray, tree: Tree | None = None) -> View:
    matrix = sparse.csr_matrix(dense.astype(np.int64))
    return View(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data, matrix.shape[1], tree)


def example(seed: int = 5) -> tuple[np.ndarray, Tree]:
    """Ten samples of thirty features, the last one empty, on a balanced tree of random lengths."""
    rng = np.random.default_rng(seed)
    dense = rng.negative_binomial(1, 0.05, (10, 30)) * (rng.random((10, 30)) < 0.5)
    dense[:, 0] += 1
    dense[9] = 0
    parent = [-1] * 59
    level, new = list(range(30)), 30
    while len(level) > 1:
        a, b, *level = level
        parent[a] = parent[b] = new
        level.append(new)
        new += 1
    length = rng.exponential(1.0, 59)
    length[-1] = 0
    return dense, Tree(np.array(parent, np.int32), length, tuple(f"f{j:02d}" for j in range(30)), np.arange(30, dtype=np.int32))


def permuted(tree: Tree, order: np.ndarray) -> Tree:
    return Tree(tree.parent, tree.length, tuple(tree.tip_names[j] for j in order), tree.tip_nodes[order])


@pytest.mark.parametrize("name", ALPHA)
def test_every_alpha_metric_keeps_the_contract(name: str) -> None:
    metric = ALPHA[name]
    dense, tree = example()
    values = metric.function(view(dense, tree).tallies)
    assert values.shape == (10,)
    assert np.isnan(values[9]), "an empty sample has no value"
    assert np.all((values[:9] >= metric.bounds[0]) & (values[:9] <= metric.bounds[1]))
    backwards = np.arange(10)[::-1]
    assert np.array_equal(metric.function(view(dense[backwards], tree).tallies)[backwards], values, equal_nan=True)
    features = np.random.default_rng(1).permutation(30)
    assert metric.function(view(dense[:, features], permuted(tree, features)).tallies) == pytest.approx(values, rel=1e-12, nan_ok=True)
    if not metric.needs_tree:
        wider = np.hstack([dense, np.zeros((10, 3), int)])
        assert np.array_equal(metric.function(view(wider).tallies), values, equal_nan=True)
    with_zeros = view(dense, tree)
    stored = View(with_zeros.indptr, with_zeros.indices, np.where(with_zeros.data == 1, 0, with_zeros.data), 30, tree)
    dropped = np.where(dense == 1, 0, dense)
    assert np.array_equal(metric.function(stored.tallies), metric.function(view(dropped, tree).tallies), equal_nan=True), (
        "stored zeros count as absent"
    )
    assert metric.label
    assert metric.estimator
    assert metric.citation or name == "sobs"


@pytest.mark.parametrize("name", BETA)
def test_every_beta_metric_keeps_the_contract(name: str) -> None:
    metric = BETA[name]
    dense, tree = example()
    dense = dense[:9]
    matrix = metric.function(view(dense, tree))
    assert matrix.shape == (9, 9)
    assert np.array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any()
    assert np.all((matrix >= metric.bounds[0]) & (matrix <= metric.bounds[1]))
    order = np.random.default_rng(2).permutation(9)
    assert np.array_equal(metric.function(view(dense[order], tree)), matrix[np.ix_(order, order)])
    features = np.random.default_rng(1).permutation(30)
    assert metric.function(view(dense[:, features], permuted(tree, features))) == pytest.approx(matrix, rel=1e-12, abs=1e-12)
    assert np.array_equal(metric.function(view(dense, tree), start=3, stop=5), matrix[3:5])
    assert metric.citation


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no alpha metric 'shanon'\. Known: sobs, chao1, ace, shannon"):
        find("shanon", "alpha")
    with pytest.raises(InputError, match="no beta metric 'shannon'"):
        find("shannon", "beta")


@pytest.mark.parametrize("name", ["sobs", "shannon", "simpson", "inv_simpson", "pielou_e", "chao1"])
def test_alpha_metrics_equal_vegan_on_bci(name: str) -> None:
    ids, dense = counts_of("bci.tsv")
    expected = {r["sample_id"]: float(r[name]) for r in rows_of("alpha_bci.tsv")}
    assert ALPHA[name].function(view(dense).tallies) == pytest.approx([expected[i] for i in ids], rel=1e-11)


def test_expected_richness_equals_vegan_rarefy_on_bci() -> None:
    from gutdiv.numerics.expectations import expected_richness

    ids, dense = counts_of("bci.tsv")
    expected = {r["sample_id"]: float(r["rarefy_340"]) for r in rows_of("alpha_bci.tsv")}
    v = view(dense)
    assert expected_richness(v.indptr, v.data, np.full(len(ids), 340)) == pytest.approx([expected[i] for i in ids], rel=1e-10)


def test_distances_equal_vegan_on_dune() -> None:
    ids, dense = counts_of("dune.tsv")
    place = {i: k for k, i in enumerate(ids)}
    found = {name: BETA[name].function(view(dense)) for name in BETA if not BETA[name].needs_tree}
    seen = set()
    for row in rows_of("beta_dune.tsv"):
        name = row["metric"].removesuffix("_pseudocount_1")
        if name in found:
            seen.add(name)
            assert found[name][place[row["sample_1"]], place[row["sample_2"]]] == pytest.approx(float(row["value"]), rel=1e-11)
    assert seen >= {"braycurtis", "jaccard", "aitchison"}


def test_phylogenetic_metrics_equal_phyloseq_on_esophagus() -> None:
    raw = read_newick(TRUTH / "esophagus.nwk").tree
    rows = rows_of("esophagus.tsv")
    features = [r["feature_id"] for r in rows]
    place = dict(zip(raw.tip_names, raw.tip_nodes, strict=True))
    tree = Tree(raw.parent, raw.length, tuple(features), np.array([place[f] for f in features], np.int32))
    dense = np.array([[int(r[s]) for r in rows] for s in "BCD"])
    seen = set()
    for row in rows_of("esophagus_truth.tsv"):
        name = row["metric"]
        if name in ALPHA:
            value = ALPHA[name].function(view(dense, tree).tallies)["BCD".index(row["sample_1"])]
        elif name in BETA:
            value = BETA[name].function(view(dense, tree))["BCD".index(row["sample_1"]), "BCD".index(row["sample_2"])]
        else:
            continue
        seen.add(name)
        assert value == pytest.approx(float(row["value"]), rel=1e-10), row
    assert seen >= {"unweighted_unifrac", "weighted_unifrac_normalized", "faith_pd"}


def test_principal_coordinates_equal_vegan_on_dune() -> None:
    _, dense = counts_of("dune.tsv")
    found = principal_coordinates(BETA["braycurtis"].function(view(dense)), 10)
    axes, values, proportion, negative = found.axes, found.eigenvalues, found.proportion_explained, found.negative_share
    expected = np.array([float(r["eigenvalue"]) for r in rows_of("pcoa_dune.tsv")])
    positive = expected[expected > 0]
    assert values == pytest.approx(expected[:10], rel=1e-10)
    assert proportion == pytest.approx(positive[:10] / positive.sum(), rel=1e-10)
    assert proportion[0] == pytest.approx(0.3736, abs=5e-5)  # of the positive sum; scikit-bio with dimensions=10 says .3992 (of the trace)
    assert (axes**2).sum(0) == pytest.approx(values, rel=1e-10)
    assert np.all(np.abs(axes).max(0) == axes.max(0)), "the largest entry of each axis is positive"
    assert negative == pytest.approx(-expected[expected < 0].sum() / np.abs(expected).sum(), rel=1e-6)
