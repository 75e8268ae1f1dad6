"""Alpha metrics against R's numbers, hand calculation and identities."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import strategies as st

from gutdiv.diversity.alpha import chao1_error
from gutdiv.diversity.catalog import ALPHA, USUAL
from gutdiv.diversity.metric import View
from gutdiv.io.newick import read_newick
from gutdiv.model.tree import Tree
from gutdiv.numerics import expectations, rows

TRUTH = Path(__file__).parents[1] / "truth"
CLOSED = (
    "sobs chao1 ace shannon simpson inv_simpson hill_0 hill_1 hill_2 pielou_e berger_parker_d fisher_alpha goods_coverage "
    "faith_pd phylo_hill_0 phylo_hill_1 phylo_hill_2"
)


def rows_of(name: str) -> list[dict[str, str]]:
    with (TRUTH / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def counts_of(name: str) -> tuple[list[str], np.ndarray]:
    rows = rows_of(name)
    return [r["sample_id"] for r in rows], np.array([[int(v) for k, v in r.items() if k != "sample_id"] for r in rows])


def truth(data: str, metric: str) -> dict[str, float]:
    found = {r["sample_id"]: float(r["value"] or "nan") for r in rows_of("alpha_truth.tsv") if (r["data"], r["metric"]) == (data, metric)}
    assert found, f"alpha_truth.tsv has no {metric} of {data}"
    return found


def view(dense: np.ndarray, tree: Tree | None = None) -> View:
    matrix = st.sparse.csr_matrix(dense.astype(np.int64))
    return View(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data, matrix.shape[1], tree)


def star(lengths: list[float]) -> Tree:
    n = len(lengths)
    names = tuple(f"f{j}" for j in range(n))
    return Tree(np.array([n] * n + [-1], np.int32), np.array([*lengths, 0.0]), names, np.arange(n, dtype=np.int32))


def test_the_names_are_these_and_no_others() -> None:
    assert tuple(ALPHA) == tuple(CLOSED.split())
    assert set(USUAL) <= set(ALPHA)


@pytest.mark.parametrize("data", ["bci", "edges"])
@pytest.mark.parametrize("name", [n for n in CLOSED.split() if not ALPHA[n].needs_tree])
def test_metrics_equal_vegan(name: str, data: str) -> None:
    ids, dense = counts_of(f"{data}.tsv")
    expected = truth(data, name)
    found = dict(zip(ids, ALPHA[name].function(view(dense).tallies), strict=True))
    if (data, name) == ("edges", "ace"):
        assert found.pop("no_rare") == 3, "vegan has NaN where no feature is rare; nothing is to be estimated then"
    for sample, value in found.items():
        assert value == pytest.approx(expected[sample], rel=1e-11, nan_ok=True), sample


@pytest.mark.parametrize("data", ["bci", "edges"])
def test_the_standard_error_of_chao1_equals_vegan(data: str) -> None:
    ids, dense = counts_of(f"{data}.tsv")
    expected = truth(data, "chao1_se")
    assert chao1_error(view(dense).tallies) == pytest.approx([expected[i] for i in ids], rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("depth", [2, 20, 100, 340])
def test_expected_richness_and_its_spread_equal_vegan(depth: int) -> None:
    ids, dense = counts_of("bci.tsv")
    v = view(dense)
    reads = np.full(len(ids), depth)
    assert expectations.expected_richness(v.indptr, v.data, reads) == pytest.approx(
        [truth("bci", f"rarefy_{depth}")[i] for i in ids], rel=1e-9
    )
    # vegan rounds the variance's small differences of large terms: seen in the 10th digit at most
    assert expectations.richness_spread(v.indptr, v.data, reads) == pytest.approx(
        [truth("bci", f"rarefy_se_{depth}")[i] for i in ids], rel=1e-8
    )


def test_fisher_alpha_solves_its_equation_to_the_last_digits() -> None:
    rng = np.random.default_rng(2)
    dense = (rng.lognormal(0.5, 2.5, (300, 80)) * (rng.random((300, 80)) < rng.random((300, 1)))).astype(int)
    dense[0] = 0
    dense[1] = np.r_[np.ones(79, int), 2]
    dense[2] = 1
    dense[3] = np.r_[10**9, np.zeros(79, int)]
    t = view(dense).tallies
    alpha = ALPHA["fisher_alpha"].function(t)
    assert np.isnan(alpha[0])
    assert np.isnan(alpha[2]), "every read is of another feature"
    found = np.isfinite(alpha)
    assert found.sum() > 250
    assert alpha[found] * np.log1p(t.reads[found] / alpha[found]) == pytest.approx(t.features[found], rel=1e-12)


def test_ace_by_hand() -> None:
    # rare: 1, 1, 2, 4 (8 reads, two singletons), abundant: 11. C = 1 - 2/8; gamma2 = 4/.75 x (2 + 12) / (8 x 7) - 1 = 1/3
    expected = 1 + 4 / 0.75 + 2 / 0.75 / 3
    assert ALPHA["ace"].function(view(np.array([[1, 1, 2, 4, 11]])).tallies)[0] == pytest.approx(expected, rel=1e-14)


# ---------------------------------------------------------------- phylogenetic Hill numbers
@pytest.mark.parametrize("order", [0, 1, 2])
def test_on_a_star_of_equal_branches_lineages_are_features(order: int) -> None:
    dense = np.random.default_rng(3).integers(0, 30, (6, 9))
    t = view(dense, star([2.5] * 9)).tallies
    assert ALPHA[f"phylo_hill_{order}"].function(t) == pytest.approx(ALPHA[f"hill_{order}"].function(t), rel=1e-12)


def test_phylogenetic_hill_numbers_by_hand() -> None:
    # ((a:1,b:1):3,c:4), shares 1/4, 1/4, 1/2: height 4; branches 1 x 1/4, 1 x 1/4, 3 x 1/2, 4 x 1/2
    tree = Tree(np.array([2, 2, 4, 4, -1], np.int32), np.array([1.0, 1, 3, 4, 0]), ("a", "b", "c"), np.array([0, 1, 3], np.int32))
    t = view(np.array([[1, 1, 2]]), tree).tallies
    assert ALPHA["faith_pd"].function(t)[0] == 9
    assert ALPHA["phylo_hill_0"].function(t)[0] == pytest.approx(9 / 4)
    entropy = (2 * 0.25 * math.log(4) + 3.5 * math.log(2)) / 4
    assert ALPHA["phylo_hill_1"].function(t)[0] == pytest.approx(math.exp(entropy))
    assert ALPHA["phylo_hill_2"].function(t)[0] == pytest.approx(4 / (2 / 16 + 3 / 4 + 4 / 4))


def test_on_an_ultrametric_tree_order_two_follows_from_rao() -> None:
    # Chao, Chiu & Jost (2010): 2D(T) = 1 / (1 - Q / T), Q = sum p p' x (half the distance of the tips), here all of height 4
    tree = Tree(np.array([2, 2, 4, 4, -1], np.int32), np.array([1.0, 1, 3, 4, 0]), ("a", "b", "c"), np.array([0, 1, 3], np.int32))
    p = np.array([0.3, 0.1, 0.6])
    half = np.array([[0, 1, 4], [1, 0, 4], [4, 4, 0]])
    found = ALPHA["phylo_hill_2"].function(view(np.array([[3, 1, 6]]), tree).tallies)[0]
    assert found == pytest.approx(1 / (1 - p @ half @ p / 4))


def test_phylogenetic_hill_numbers_equal_the_definition_in_r_on_esophagus() -> None:
    raw = read_newick(TRUTH / "esophagus.nwk").tree
    rows = rows_of("esophagus.tsv")
    place = dict(zip(raw.tip_names, raw.tip_nodes, strict=True))
    features = tuple(r["feature_id"] for r in rows)
    tree = Tree(raw.parent, raw.length, features, np.array([place[f] for f in features], np.int32))
    t = view(np.array([[int(r[s]) for r in rows] for s in "BCD"]), tree).tallies
    for q in (0, 1, 2):
        expected = truth("esophagus", f"phylo_hill_{q}")
        assert ALPHA[f"phylo_hill_{q}"].function(t) == pytest.approx([expected[s] for s in "BCD"], rel=1e-12)


def test_orders_fall_and_faith_over_height_is_order_zero() -> None:
    rng = np.random.default_rng(9)
    counts = st.random_counts(rng)
    tree = st.random_tree(rng, tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    t = view(counts.toarray(), tree).tallies
    zero, one, two = (ALPHA[f"phylo_hill_{q}"].function(t) for q in (0, 1, 2))
    assert np.all(zero >= one)
    assert np.all(one >= two)
    height = np.array([sum(tree.length[v] for v in _path(tree, tip)) for tip in tree.tip_nodes])
    mean = (counts.toarray() * height).sum(1) / counts.toarray().sum(1)
    assert zero == pytest.approx(ALPHA["faith_pd"].function(t) / mean, rel=1e-12)


def _path(tree: Tree, tip: int) -> list[int]:
    path = [int(tip)]
    while tree.parent[path[-1]] >= 0:
        path.append(int(tree.parent[path[-1]]))
    return path


# scikit-bio finds Fisher's alpha by a solver that stops at about nine digits; the others differ by rounding alone
AS_SCIKIT_BIO = {
    "sobs": 0.0,
    "chao1": 1e-12,
    "ace": 1e-11,
    "shannon": 1e-12,
    "simpson": 1e-12,
    "inv_simpson": 1e-12,
    "pielou_e": 1e-12,
    "berger_parker_d": 1e-14,
    "fisher_alpha": 1e-7,
    "goods_coverage": 1e-14,
    "faith_pd": 1e-12,
}


@pytest.mark.real_data
@pytest.mark.parametrize("data", ["ob_turnbaugh", "hct_taur"])
def test_metrics_equal_scikit_bio_on_real_tables(data: str, real_data: Path) -> None:
    import biom
    from skbio import TreeNode
    from skbio.diversity import alpha_diversity

    table = biom.load_table(str(real_data / data / "table.biom"))
    dense = table.matrix_data.T.toarray().astype(np.int64)
    dense = dense[dense.sum(axis=1) >= 100][::7]  # samples of a few reads, which tools define differently, are among the edges above
    kept = dense.sum(axis=0) > 0
    dense, features = dense[:, kept], [f for f, k in zip(table.ids(axis="observation"), kept, strict=True) if k]
    raw = read_newick(real_data / data / "tree.nwk").tree
    place = dict(zip(raw.tip_names, raw.tip_nodes.tolist(), strict=True))
    tree = Tree(raw.parent, raw.length, tuple(features), np.array([place[f] for f in features], np.int32))
    theirs = TreeNode.read(str(real_data / data / "tree.nwk"), format="newick", convert_underscores=False)
    for node in theirs.traverse(include_self=False):
        node.length = max(node.length, 0.0)  # as gutdiv reads the few negative lengths that tree builders write
    seen = view(dense, tree)
    assert len(dense) > 30
    for name, tolerance in AS_SCIKIT_BIO.items():
        more = {"taxa": features, "tree": theirs} if name == "faith_pd" else {}
        if name == "ace":  # scikit-bio refuses samples whose rare features are all singletons, where vegan and gutdiv have no number
            open_ended = ((dense == 1).sum(axis=1) > 0) & ((dense == 1).sum(axis=1) == ((dense > 0) & (dense <= 10)).sum(axis=1))
            expected = np.full(len(dense), np.nan)
            expected[~open_ended] = alpha_diversity(name, dense[~open_ended], validate=False).to_numpy()
        else:
            expected = alpha_diversity(name, dense, validate=False, **more).to_numpy()
        tallies = rows.tallies(seen.indptr, seen.indices, seen.data, seen.branches)
        assert ALPHA[name].function(tallies) == pytest.approx(expected, rel=tolerance, nan_ok=True), name
