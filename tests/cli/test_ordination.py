"""`gutdiv diversity ordination`: each method with what it is computed from, arrows beside it, and UMAP only where it is installed."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_table
from gutdiv.io.distances import read_distances

if TYPE_CHECKING:
    from types import ModuleType

DATA = Path(__file__).parents[2] / "test_data"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made")
    words = ["cohort", "build", "--table", DATA / "table.biom", "--taxonomy", DATA / "taxonomy.tsv", "--metadata", DATA / "metadata.tsv"]
    assert main([str(w) for w in [*words, "--output", out / "cohort"]]) == 0
    words = ["diversity", "beta", "--cohort", out / "cohort" / "cohort.json", "--metric", "braycurtis", "--output", out / "bc.h5"]
    assert main([str(w) for w in words]) == 0
    return out


def ordination(*words: object) -> int:
    return main(["diversity", "ordination", *(str(w) for w in words)])


def test_principal_coordinates_with_a_cohort_come_with_arrows(made: Path, tmp_path: Path) -> None:
    assert ordination("--distances", made / "bc.h5", "--cohort", made / "cohort" / "cohort.json", "--output", tmp_path / "bc.tsv") == 0
    table, arrows = read_table(tmp_path / "bc.tsv", "ordination"), read_table(tmp_path / "bc_arrows.tsv", "arrows")
    assert table.frame.shape[1] == 11
    assert table.record["options"] == {"axes": None, "method": "pcoa", "eigenvalues": "auto"}
    assert [i["role"] for i in table.record["inputs"]] == ["distances", "cohort"]
    assert table.record["proportion_error"] is None, "all eigenvalues were computed"
    assert len(arrows.frame) > 8
    assert arrows.record["metric"] == "braycurtis"
    assert ordination("--distances", made / "bc.h5", "--axes", 3, "--output", tmp_path / "alone.tsv") == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.json", "alone.tsv", "bc.json", "bc.tsv", "bc_arrows.json", "bc_arrows.tsv"]


@pytest.mark.parametrize(("method", "axes"), [("pca_clr", 10), ("robust_pca", 3)])
def test_components_of_a_cohort_need_the_cohort_alone(made: Path, tmp_path: Path, method: str, axes: int, capsys) -> None:
    assert ordination("--cohort", made / "cohort" / "cohort.json", "--method", method, "--output", tmp_path / "o.tsv") == 0
    table = read_table(tmp_path / "o.tsv", "ordination")
    assert table.frame.shape[1] == 1 + axes
    assert table.record["metric"] == method
    assert read_table(tmp_path / "o_arrows.tsv", "arrows").record["metric"] == method
    assert ordination("--distances", made / "bc.h5", "--method", method, "--output", tmp_path / "no.tsv") == 2
    assert "is computed from the counts of --cohort, not from --distances" in capsys.readouterr().err
    ids = table.frame["sample_id"].tolist()
    assert tuple(ids) == read_distances(made / "bc.h5").ids, "the samples that distances are of"
    assert ordination("--cohort", made / "cohort" / "cohort.json", "--method", method, "--depth", "none", "--output", tmp_path / "all.tsv") == 0
    assert len(read_table(tmp_path / "all.tsv", "ordination").frame) > len(ids)
    assert ordination("--distances", made / "bc.h5", "--depth", 50, "--output", tmp_path / "no.tsv") == 2
    assert "--depth belongs to pca_clr and robust_pca" in capsys.readouterr().err
    assert ordination("--cohort", made / "cohort" / "cohort.json", "--output", tmp_path / "no.tsv") == 2
    assert "--method pcoa is computed from --distances" in capsys.readouterr().err


def test_umap_is_an_extra_that_is_named_where_it_is_missing(made: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> ModuleType:
        if name == "umap":
            msg = "No module named 'umap'"
            raise ImportError(msg)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert ordination("--distances", made / "bc.h5", "--method", "umap", "--output", tmp_path / "u.tsv") == 2
    assert "pip install 'gutdiv[umap]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_umap_gives_the_same_picture_twice_and_says_what_it_does_not_mean(made: Path, tmp_path: Path) -> None:
    pytest.importorskip("umap", reason="umap-learn is an extra and not installed")
    for name in ("a.tsv", "b.tsv"):
        assert ordination("--distances", made / "bc.h5", "--method", "umap", "--output", tmp_path / name) == 0
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()
    table = read_table(tmp_path / "a.tsv", "ordination")
    assert list(table.frame.columns) == ["sample_id", "axis_1", "axis_2"]
    assert np.isfinite(table.frame[["axis_1", "axis_2"]]).all(axis=None)
    record = json.loads((tmp_path / "a.json").read_text())
    assert "Distances between clusters" in record["notes"][0]
    assert record["negative_share"] is None


def test_landmarks_write_the_tables_that_an_ordination_writes_and_equal_it_where_they_are_all_samples(made: Path, tmp_path: Path) -> None:
    cohort = made / "cohort" / "cohort.json"
    assert ordination("--distances", made / "bc.h5", "--cohort", cohort, "--output", tmp_path / "exact.tsv") == 0
    words = ["diversity", "landmarks", "--cohort", cohort, "--metric", "braycurtis"]
    assert main([str(w) for w in [*words, "--output", tmp_path / "all.tsv"]]) == 0
    exact, found = (read_table(tmp_path / f"{name}.tsv", "ordination") for name in ("exact", "all"))
    assert found.frame["sample_id"].tolist() == exact.frame["sample_id"].tolist()
    assert found.frame.iloc[:, 1:].to_numpy() == pytest.approx(exact.frame.iloc[:, 1:].to_numpy(), abs=1e-9)
    assert set(exact.record) - {"sources"} <= set(found.record) | {"landmarks"}, "landmarks are made of no matrix"
    assert found.record["traits"] == exact.record["traits"]
    arrows = [read_table(tmp_path / f"{name}_arrows.tsv", "arrows").frame["taxon"].tolist() for name in ("exact", "all")]
    assert arrows[0] == arrows[1]
    assert main([str(w) for w in [*words, "--landmarks", 60, "--axes", 4, "--output", tmp_path / "few.tsv"]]) == 0
    few = read_table(tmp_path / "few.tsv", "ordination")
    assert few.frame.shape == (len(exact.frame), 5)
    assert few.record["landmarks"]["count"] == 60
    assert few.record["notes"][0].startswith(f"Axes are approximate: {len(exact.frame)} samples were placed by their distances to 60 landmarks")


def test_distances_of_a_subsample_tell_every_test_on_them_how_many_samples_they_stand_for(made: Path, tmp_path: Path) -> None:
    cohort, metadata = made / "cohort" / "cohort.json", made / "cohort" / "metadata.tsv"
    words = ["diversity", "beta", "--cohort", cohort, "--metric", "jaccard", "--subsample", 150, "--output", tmp_path / "part.h5"]
    assert main([str(w) for w in words]) == 0
    told = read_distances(tmp_path / "part.h5").record["subsample"]
    assert told["samples"] == len(read_distances(tmp_path / "part.h5").ids) <= 150
    group, formula = ["--variable", "group"], ["--formula", "~ group"]
    for action, options in {"permanova": formula, "dispersion": group, "pairs": group, "constrained": formula}.items():
        given = ["comparison", action, "--distances", tmp_path / "part.h5", "--metadata", metadata, *options, "--output", tmp_path / f"{action}.tsv"]
        assert main([str(w) for w in given]) == 0
        record = json.loads((tmp_path / f"{action}.json").read_text())
        assert record["subsample"] == told
        assert [n for n in record["notes"] if n.startswith(f"This rests on {told['samples']} of {told['of']} samples")]
