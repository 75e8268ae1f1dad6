"""Beta metrics against vegan, phyloseq, GUniFrac and scikit-bio, on small and on real tables; tolerances by metric."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import beta_twins
import numpy as np
import pytest
import strategies as st
from scipy import sparse

from gutdiv.diversity.catalog import BETA
from gutdiv.diversity.distances import measure_beta
from gutdiv.diversity.metric import View
from gutdiv.diversity.rarefaction import sample_keys
from gutdiv.errors import InputError
from gutdiv.io.newick import read_newick
from gutdiv.model.tree import Tree
from gutdiv.numerics.draws import rarefied

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


DEPTHS = [500, 900, 800, 700, 600, 300]


def test_the_mean_over_draws_is_that_of_the_draws_one_by_one() -> None:
    made = st.cohort_of(st.counts_of_depths(DEPTHS))
    ids, found, _, about = measure_beta(made, "braycurtis", depth=400, draws=3, seed=5)
    assert ids == ("s00", "s01", "s02", "s03", "s04")
    assert (about["depth"], about["draws"], about["below_depth"]) == (400, 3, ["s05"])
    expected = np.zeros((5, 5))
    for draw in range(3):
        counts = made.counts[:5].tocsr()
        counts.data = rarefied(counts.indptr.astype(np.int64), counts.data, 400, sample_keys(ids), 5, draw)
        dense = counts.toarray().astype(float)
        expected += [[beta_twins.braycurtis(x, y) / 3 for y in dense] for x in dense]
    assert found == pytest.approx(expected, rel=1e-12)
    blocks = [measure_beta(made, "braycurtis", depth=400, draws=3, seed=5, part=(k, 2))[1] for k in (1, 2)]
    assert np.array_equal(np.vstack(blocks), found)
    condensed = measure_beta(made, "braycurtis", depth=400, draws=3, seed=5, condensed=True)[1]
    assert np.array_equal(condensed, found[np.triu_indices(5, 1)])
    assert not np.array_equal(measure_beta(made, "braycurtis", depth=400, draws=1, seed=5)[1], found)


def test_single_precision_is_single_throughout() -> None:
    made = st.cohort_of(st.counts_of_depths(DEPTHS))
    whole = measure_beta(made, "hellinger", depth=400)[1]
    single = measure_beta(made, "hellinger", depth=400, single=True)[1]
    assert single.dtype == np.float32
    assert np.array_equal(single, whole.astype(np.float32))  # summed in double precision, then rounded


def test_alpha_belongs_to_generalised_unifrac_alone_and_travels_with_it() -> None:
    counts = st.counts_of_depths(DEPTHS)
    tree = st.random_tree(np.random.default_rng(1), tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    made = st.cohort_of(counts, tree=tree)
    assert measure_beta(made, "generalized_unifrac", depth=300)[3]["alpha"] == 0.5
    quarter = measure_beta(made, "generalized_unifrac", depth=300, alpha=0.25)
    assert quarter[3]["alpha"] == 0.25
    assert not np.allclose(quarter[1], measure_beta(made, "generalized_unifrac", depth=300)[1])
    normalised = measure_beta(made, "weighted_unifrac_normalized", depth=300)
    assert "alpha" not in normalised[3]
    assert np.array_equal(measure_beta(made, "generalized_unifrac", depth=300, alpha=1)[1], normalised[1])
    with pytest.raises(InputError, match=r"--alpha 0\.5: braycurtis has no alpha; it belongs to generalized_unifrac"):
        measure_beta(made, "braycurtis", depth=300, alpha=0.5)
    with pytest.raises(InputError, match=r"--alpha 1\.5: the alpha of generalized_unifrac lies between 0 and 1"):
        measure_beta(made, "generalized_unifrac", depth=300, alpha=1.5)


def test_draws_of_what_is_not_drawn_are_refused() -> None:
    made = st.cohort_of(st.counts_of_depths(DEPTHS))
    with pytest.raises(InputError, match=r"--draws 10: aitchison is measured on all reads\. Leave --draws out"):
        measure_beta(made, "aitchison", depth=400, draws=10)
    with pytest.raises(InputError, match=r"--draws 2: without a depth nothing is drawn\. Leave --draws out or choose a --depth"):
        measure_beta(made, "braycurtis", depth="none", draws=2)


def test_samples_between_which_nothing_is_measured_are_named() -> None:
    counts = st.counts_of_depths([50, 60, 70])
    flat = st.random_tree(np.random.default_rng(1), tuple(f"f{j:02d}" for j in range(counts.shape[1])))
    flat = Tree(flat.parent, np.zeros(flat.parent.size), flat.tip_names, flat.tip_nodes)
    for condensed in (False, True):
        with pytest.raises(InputError, match=r"not defined between samples without shared or total branch length: 's00', 's01', 's02'"):
            measure_beta(st.cohort_of(counts, tree=flat), "unweighted_unifrac", depth="none", condensed=condensed)
