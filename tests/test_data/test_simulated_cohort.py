"""The shipped cohort is what its seeded script makes, and its truth is true: recomputed here from the tables, not read back."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import biom
import numpy as np
import pytest

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "test_data"
KNOWLEDGE = FOLDER.parent / "src" / "gutdiv" / "knowledge" / "immune_taxa.tsv"


def load_script(name: str) -> ModuleType:
    """Import a script of `test_data/` by its path."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


simulate = load_script("simulate")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "truth.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def metadata() -> dict[str, dict[str, str]]:
    return {r["sample-id"]: r for r in rows_of(FOLDER / "metadata.tsv")}


@pytest.fixture(scope="module")
def table() -> biom.Table:
    return biom.load_table(str(FOLDER / "table.biom"))


@pytest.fixture(scope="module")
def cohort() -> Any:
    return simulate.simulate()


def naive_slope(log_abundance: np.ndarray[Any, Any], j: int) -> float:
    """Slope of ln abundance of genus j on the Shannon diversity of all others, sample by sample, with numpy's own least squares."""
    diversity = []
    for row in log_abundance:
        others = np.exp(np.delete(row, j))
        p = others[~np.isnan(others)] / np.nansum(others)
        diversity.append(-sum(v * np.log(v) for v in p if v > 0))
    z = (np.array(diversity) - np.mean(diversity)) / np.std(diversity, ddof=1)
    kept = ~np.isnan(log_abundance[:, j])
    return float(np.polyfit(z[kept], log_abundance[kept, j], 1)[0])


def test_the_shipped_files_are_byte_for_byte_what_the_script_writes(tmp_path: Path) -> None:
    simulate.main(["--output", str(tmp_path)])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(simulate.FILES)
    for name in simulate.FILES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_the_broken_inputs_are_byte_for_byte_what_their_script_writes(tmp_path: Path) -> None:
    load_script("make_broken").main(["--output", str(tmp_path)])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in (FOLDER / "broken").iterdir())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (FOLDER / "broken" / path.name).read_bytes(), path.name


def test_the_folder_stays_below_one_and_a_half_megabytes() -> None:
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file() and "__pycache__" not in p.parts) < 1_500_000


def test_samples_subjects_and_groups_are_as_many_as_stated(
    metadata: dict[str, dict[str, str]], table: biom.Table, truth: dict[str, Any]
) -> None:
    usable = [m for s, m in metadata.items() if s in set(table.ids())]
    assert len(usable) == 240
    visits: dict[str, list[int]] = {}
    for row in usable:
        visits.setdefault(row["group"] + " " + row["subject"], []).append(int(row["time"]))
    by_group = {g: [len(v) for k, v in visits.items() if k.startswith(g)] for g in ("healthy", "patient")}
    assert {g: (len(v), sum(v)) for g, v in by_group.items()} == {"healthy": (130, 150), "patient": (60, 90)}
    assert by_group["healthy"].count(3) == 10
    assert by_group["healthy"].count(1) == 120
    assert all(len(set(times)) == len(times) for times in visits.values())
    assert len({r["subject"] for r in usable}) == 190 == truth["design"]["subjects"]
    for subject in {r["subject"] for r in usable}:
        own = [r for r in usable if r["subject"] == subject]
        assert len({(r["age"], r["sex"], r["group"]) for r in own}) == 1, subject


def test_what_lies_on_top_is_exactly_what_is_listed(metadata: dict[str, dict[str, str]], table: biom.Table, truth: dict[str, Any]) -> None:
    samples, features = set(table.ids()), set(table.ids(axis="observation"))
    named = {r["Feature ID"] for r in rows_of(FOLDER / "taxonomy.tsv")}
    newick = (FOLDER / "tree.nwk").read_text(encoding="utf-8")
    tips = {f"ASV_{part.split(':')[0]}" for part in newick.split("ASV_")[1:]}
    assert truth["on_top"] == {
        "samples_without_metadata": sorted(samples - metadata.keys()),
        "metadata_without_sample": sorted(metadata.keys() - samples),
        "features_without_taxonomy": sorted(features - named),
        "tips_without_feature": sorted(tips - features),
    }
    assert [len(v) for v in truth["on_top"].values()] == [1, 2, 3, 1]
    assert len(named) == 500
    assert named < features <= tips


def test_the_table_is_sound_counts_with_the_stated_depths_and_singletons(table: biom.Table, truth: dict[str, Any]) -> None:
    x = table.matrix_data.toarray()
    assert np.array_equal(x, np.round(x))
    assert x.min() == 0
    assert (x.sum(axis=1) > 0).all()
    assert (x == 1).sum() > 100
    depth = dict(zip(table.ids(), x.sum(axis=0), strict=True))
    shallow = sorted(s for s, n in depth.items() if n < 8000)
    assert shallow == truth["shallow_samples"]
    assert len(shallow) == 3
    assert all(300 <= depth[s] <= 900 for s in shallow)
    assert max(depth.values()) <= 40_000


def test_the_tree_is_rooted_with_lengths_and_keeps_a_genus_together(truth: dict[str, Any]) -> None:
    skbio = pytest.importorskip("skbio")
    tree = skbio.TreeNode.read(str(FOLDER / "tree.nwk"), convert_underscores=False)
    assert len(tree.children) == 2
    assert all(node.length > 0 for node in tree.traverse(include_self=False))
    for taxon in truth["taxa"]:
        clade = {t.name for t in tree.lca(taxon["features"]).tips()} if len(taxon["features"]) > 1 else set(taxon["features"])
        assert clade - {"ASV_0504"} == set(taxon["features"]), taxon["taxon"]


def test_low_samples_are_all_of_patients_and_lower_than_nearly_all_healthy_ones(
    metadata: dict[str, dict[str, str]], table: biom.Table, truth: dict[str, Any]
) -> None:
    low = truth["low_diversity"]
    assert len(low) == 45
    assert {metadata[s]["group"] for s in low} == {"patient"}
    modes = [(v["how"], v["dominant"]) for v in low.values()]
    assert {m: modes.count(m) for m in set(modes)} == {(how, dominant): n for how, dominant, n in simulate.LOW_MODES}
    shannon = {}
    for sample in metadata.keys() & set(table.ids()):
        p = table.data(sample, dense=True)
        p = p[p > 0] / p.sum()
        shannon[sample] = float(-np.sum(p * np.log(p)))
        assert shannon[sample] == pytest.approx(truth["asv_shannon"][sample], abs=0.25)  # reads against truth
    healthy = np.array([h for s, h in shannon.items() if metadata[s]["group"] == "healthy"])
    assert max(shannon[s] for s in low) < np.quantile(healthy, 0.025)
    assert 3.5 < np.median(healthy) < 4.5
    ordinary = [h for s, h in shannon.items() if metadata[s]["group"] == "patient" and s not in low]
    assert np.median(ordinary) == pytest.approx(np.median(healthy), abs=0.2)


def test_realised_slopes_recomputed_sample_by_sample_agree_with_the_truth(cohort: Any, truth: dict[str, Any]) -> None:
    for j, taxon in enumerate(truth["taxa"]):
        slope = naive_slope(cohort.log_abundance, j)
        assert slope == pytest.approx(taxon["realised_slope"], abs=1e-4), taxon["taxon"]
        if taxon["role"] == "planted":
            assert slope == pytest.approx(taxon["slope"], abs=0.02), taxon["taxon"]


def test_planted_and_unplanted_taxa_are_as_many_as_stated(truth: dict[str, Any]) -> None:
    planted = [t for t in truth["taxa"] if t["role"] == "planted"]
    sizes = [abs(t["slope"]) for t in planted]
    assert [sizes.count(s) for s in (0.8, 0.5, 0.3)] == [5, 5, 5]
    assert sum(t["immune_relevant"] for t in planted) >= 8
    assert all(t["prevalence"] >= 0.9 for t in planted)
    ranks = sorted(t["abundance_rank"] for t in planted)
    assert ranks[0] <= 5
    assert ranks[-1] >= 60
    nulls = [t for t in truth["taxa"] if t["role"] == "null"]
    assert sum(t["prevalence"] > 0.9 for t in nulls) >= 20
    assert sum(t["prevalence"] <= 0.9 for t in nulls) >= 40
    assert abs(truth["gamma"]) < 0.05


def test_prevalence_and_features_of_each_taxon_agree_with_the_shipped_table(
    metadata: dict[str, dict[str, str]], table: biom.Table, truth: dict[str, Any]
) -> None:
    lineage = {r["Feature ID"]: r["Taxon"].split("; s__")[0] for r in rows_of(FOLDER / "taxonomy.tsv")}
    analysed = [s for s in table.ids() if s in metadata]
    place = {f: i for i, f in enumerate(table.ids(axis="observation"))}
    x = table.filter(analysed, inplace=False).matrix_data.toarray()
    for taxon in truth["taxa"]:
        if taxon["role"] != "unlisted":
            assert {lineage[f] for f in taxon["features"]} == {taxon["lineage"]}
        seen = x[[place[f] for f in taxon["features"]]].sum(axis=0) > 0
        assert seen.mean() == pytest.approx(taxon["prevalence"], abs=1e-4), taxon["taxon"]
    assert sum(len(t["features"]) for t in truth["taxa"]) == 503


def test_immune_relevant_marks_agree_with_the_knowledge_base(truth: dict[str, Any]) -> None:
    from gutdiv.cohort.lineages import canonical, dialect, parse_lineage
    from gutdiv.io.knowledge import read_immune_taxa, read_synonyms

    rows, synonyms = read_immune_taxa(), read_synonyms()
    listed = {c: {name for row in rows for name in row[c].split("|") if name} for c in ("genera", "families", "orders")}
    spelled = dialect(t["lineage"] for t in truth["taxa"])
    for taxon in truth["taxa"]:
        names = parse_lineage(taxon["lineage"])
        family, genus, _ = canonical(names, synonyms, dialect=spelled)
        order = (names[3] or "").replace("_", " ")
        known = genus in listed["genera"] or family in listed["families"] or order in listed["orders"]
        assert taxon["immune_relevant"] == known, (taxon["taxon"], genus, family)


@pytest.mark.slow
def test_over_many_seeds_unplanted_taxa_scatter_around_zero_and_planted_ones_meet_their_size() -> None:
    nulls = []
    for seed in range(1, 21):
        other = simulate.simulate(seed)
        taxa = simulate.truth_of(other)["taxa"]
        assert all(abs(t["realised_slope"] - t["slope"]) < 0.02 for t in taxa if t["role"] == "planted"), seed
        slopes = [t["realised_slope"] for t in taxa if t["role"] == "null" and t["prevalence"] > 0.9]
        nulls.append(float(np.mean(slopes)))
    # About 35 independent slopes of SD .1 a seed: their mean over 20 seeds has a standard error of about .004.
    assert abs(float(np.mean(nulls))) < 0.015
