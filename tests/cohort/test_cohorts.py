"""A cohort on disk: read back as it was, the same bytes whatever the order of the input, refused where changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse

from gutdiv.cohort.align import align
from gutdiv.errors import ArtifactError
from gutdiv.io.cohorts import read_cohort, write_cohort
from gutdiv.io.newick import parse_newick
from gutdiv.io.raw import lineage_texts
from gutdiv.model.cohort import Roles, SampleMetadata
from gutdiv.model.inputs import RawTable

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = ("b", "<script>alert(1)</script>", "007", "tab\there")
FEATURES = ("f2", "f;1", "{{7*7}}")


def build(order: np.ndarray, folder: Path, *, bare: bool = False) -> None:
    """Write a cohort of four samples; a bare one has neither lineages nor tree."""
    counts = np.array([[1, 0, 2], [0, 3, 0], [4, 4, 0], [0, 0, 7]], dtype=float)[order]
    samples = tuple(SAMPLES[i] for i in order)
    lineages = {"f2": "k__Bacteria; g__Blautia", "f;1": None, "{{7*7}}": "k__Bacteria"}
    raw = RawTable(samples, FEATURES, sparse.csr_matrix(counts), "t", "test", taxonomy=None if bare else lineage_texts(lineages, "t"))
    metadata = SampleMetadata(samples, {"g,1": tuple(f"v{i}" if i else None for i in order)}, {"g,1": "categorical"})
    tree = parse_newick("((f2:0.1,'f;1':0.2):0.3,'{{7*7}}':0.4);", "t")
    cohort, fallen = align(raw, tree=None if bare else tree, metadata=metadata, roles=Roles(group="g,1"), synonyms={})
    write_cohort(folder, cohort, fallen, name="n", about={})


def test_a_cohort_reads_back_as_it_was(tmp_path: Path) -> None:
    build(np.arange(4), tmp_path)
    found = read_cohort(tmp_path / "cohort.json")
    assert found.sample_ids == tuple(sorted(SAMPLES))
    assert found.feature_ids == tuple(sorted(FEATURES))
    assert found.counts.sum() == 21
    assert found.metadata.column("g,1")[found.sample_ids.index("b")] is None
    assert found.roles.group == "g,1"
    assert found.tree is not None
    assert found.tree.tip_names == found.feature_ids
    assert found.lineages is not None
    assert found.lineages.loc["f2", "genus"] == "Blautia"


def test_the_order_of_the_input_changes_no_byte(tmp_path: Path) -> None:
    build(np.arange(4), tmp_path / "one")
    build(np.array([2, 0, 3, 1]), tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_cohort_without_lineages_and_tree_writes_theirs_empty_and_reads_them_as_absent_also_after_one_that_had_them(tmp_path: Path) -> None:
    build(np.arange(4), tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    build(np.arange(4), tmp_path, bare=True)
    assert {path.name for path in tmp_path.iterdir()} == files
    assert [(tmp_path / name).read_bytes() for name in ("taxonomy.tsv", "tree.nwk")] == [b"", b""]
    found = read_cohort(tmp_path / "cohort.json")
    assert found.lineages is None
    assert found.tree is None
    assert set(found.record["files"]) == {"alignment", "counts", "metadata"}
    assert not found.record["has_tree"]


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    build(np.arange(4), tmp_path)
    (tmp_path / "metadata.tsv").write_text("sample_id\tx\n")
    with pytest.raises(ArtifactError, match=r"metadata\.tsv is missing or was changed"):
        read_cohort(tmp_path / "cohort.json")
