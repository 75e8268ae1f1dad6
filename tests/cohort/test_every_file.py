"""Every real file: read to exactly what R reads in it, or refused as it should be; `every_file.tsv` names each file and its outcome.

The numbers of `tests/truth/formats.tsv` are R's (phyloseq, biomformat, rhdf5, ape); `tests/truth/formats.R` says how the digests are made.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gutdiv.cohort.counts import classify, read_counts
from gutdiv.errors import InputError
from gutdiv.io.metadata import read_metadata
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy
from gutdiv.io.trees import read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

pytestmark = pytest.mark.real_data

HERE = Path(__file__).parent


def _rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return {row["path"]: row for row in csv.DictReader(handle, delimiter="\t")}


OUTCOMES = _rows(HERE / "every_file.tsv")
TRUTH = _rows(HERE.parent / "truth" / "formats.tsv")


def of_outcome(*outcomes: str) -> list[str]:
    return [path for path, row in OUTCOMES.items() if row["outcome"] in outcomes]


# ---------------------------------------------------------------- digests, as formats.R makes them
def md5(lines: Iterable[str]) -> str:
    return hashlib.md5("".join(f"{line}\n" for line in lines).encode(), usedforsecurity=False).hexdigest()


def table_digest(table: RawTable) -> str:
    samples, features = (sorted(range(len(ids)), key=ids.__getitem__) for ids in (table.sample_ids, table.feature_ids))
    cells = table.values[samples].tocsc()[:, features].tocsr()
    cells.sort_indices()
    cells = cells.tocoo()
    triples = (f"{i}\t{j}\t{v:.10g}" for i, j, v in zip(cells.row.tolist(), cells.col.tolist(), cells.data.tolist(), strict=True))
    return md5([*(table.sample_ids[i] for i in samples), "", *(table.feature_ids[j] for j in features), "", *triples, ""])


def lineage_lines(taxonomy: RawTaxonomy) -> list[str]:
    if taxonomy.ranks == ("lineage",):
        lineages = {f: [p.strip() for p in (text or "").split(";")] for f, (text,) in taxonomy.rows.items()}
        for parts in lineages.values():
            while parts and not parts[-1]:
                parts.pop()
    else:
        lineages = {f: [f"{r}={c}" for r, c in zip(taxonomy.ranks, cells, strict=True) if c] for f, cells in taxonomy.rows.items()}
    return sorted(f"{f}\t{';'.join(parts)}" for f, parts in lineages.items() if parts)


def metadata_lines(metadata: SampleMetadata) -> list[str]:
    lines = []
    for row in sorted(range(len(metadata.ids)), key=metadata.ids.__getitem__):
        for name, cells in metadata.columns.items():
            cell = cells[row]
            if cell is not None:
                lines.append(
                    f"{metadata.ids[row]}\t{name}\t{float(cell):.10g}"
                    if metadata.kinds[name] == "numeric"
                    else f"{metadata.ids[row]}\t{name}\t{cell}"
                )
    return lines


def assert_taxonomy(taxonomy: RawTaxonomy, truth: dict[str, str]) -> None:
    lines = lineage_lines(taxonomy)
    assert len(lines) == int(truth["taxa"])
    assert md5(lines) == truth["taxa_digest"]


def assert_tree(tree: RawTree, truth: dict[str, str]) -> None:
    assert len(tree.tree.tip_names) == int(truth["tips"])
    assert md5(sorted(tree.tree.tip_names)) == truth["tips_digest"]
    assert float(tree.tree.length.sum()) == pytest.approx(float(truth["tree_length"]), rel=1e-9)
    assert tree.rooted is (truth["rooted"] == "TRUE")


# ---------------------------------------------------------------- the list itself
def test_every_file_has_an_outcome_and_every_outcome_its_file(real_data: Path) -> None:
    found = {
        path.relative_to(real_data).as_posix()
        for path in real_data.rglob("*")
        if path.is_file() and (path.relative_to(real_data).parts[0] == "formats" or "original" in path.relative_to(real_data).parts)
    }
    assert sorted(found - OUTCOMES.keys()) == []
    assert sorted(OUTCOMES.keys() - found) == []
    assert {row["outcome"] for row in OUTCOMES.values()} == {"table", "reduced", "refused", "taxonomy", "tree", "metadata", "no input"}


def test_r_read_every_file_that_is_an_input() -> None:
    assert sorted(OUTCOMES.keys() - of_set("no input")) == sorted(TRUTH)


def of_set(outcome: str) -> set[str]:
    return set(of_outcome(outcome))


# ---------------------------------------------------------------- tables
@pytest.mark.parametrize("path", of_outcome("table", "reduced", "refused"))
def test_a_table_reads_to_exactly_what_r_reads_and_its_values_are_told(path: str, real_data: Path) -> None:
    table = read_abundance_table(real_data / path)
    truth, expected = TRUTH[path], OUTCOMES[path]
    assert (len(table.sample_ids), len(table.feature_ids)) == (int(truth["n_samples"]), int(truth["n_features"]))
    assert f"{table.values.sum():.10g}" == truth["total"]
    assert table_digest(table) == truth["digest"]
    if truth["taxa"]:
        assert_taxonomy(table.taxonomy, truth)
    elif table.taxonomy is not None:  # features named by their lineages carry them
        assert all(cells == (feature,) for feature, cells in table.taxonomy.rows.items())
    assert (table.tree is None) == (not truth["tips"])
    if table.tree is not None:
        assert_tree(table.tree, truth)
    if truth["metadata_columns"]:
        assert len(table.metadata.columns) == int(truth["metadata_columns"])
        assert md5(metadata_lines(table.metadata)) == truth["metadata_digest"]
    values = classify(
        table,
        samples=() if table.metadata is None else table.metadata.ids,
        features=() if table.taxonomy is None else set(table.taxonomy.rows),
    )
    assert values.kind == expected["kind"]
    if expected["outcome"] == "refused":
        with pytest.raises(InputError) as refusal:
            read_counts(table, values)
        assert expected["fragment"] in str(refusal.value)
        assert path.rsplit("/", 1)[1] in str(refusal.value)
    else:
        assert read_counts(table, values).sum() == int(truth["total"])
        assert any(expected["fragment"] in note for note in values.notes) or not expected["fragment"]


# ---------------------------------------------------------------- what stands beside tables
@pytest.mark.parametrize("path", of_outcome("taxonomy"))
def test_a_taxonomy_reads_to_exactly_what_r_reads(path: str, real_data: Path) -> None:
    assert_taxonomy(read_taxonomy(real_data / path), TRUTH[path])


@pytest.mark.parametrize("path", of_outcome("tree"))
def test_a_tree_reads_to_exactly_what_ape_reads(path: str, real_data: Path) -> None:
    assert_tree(read_tree(real_data / path), TRUTH[path])


@pytest.mark.parametrize("path", of_outcome("metadata"))
def test_metadata_have_the_rows_and_columns_that_r_finds(path: str, real_data: Path) -> None:
    expected = OUTCOMES[path]
    if expected["fragment"]:
        with pytest.raises(InputError) as refusal:
            read_metadata(real_data / path)
        assert expected["fragment"] in str(refusal.value)
        return
    metadata = read_metadata(real_data / path)
    assert (len(metadata.ids), len(metadata.columns)) == (int(TRUTH[path]["n_samples"]), int(TRUTH[path]["metadata_columns"]))


@pytest.mark.parametrize("path", of_outcome("taxonomy", "tree", "metadata", "no input"))
def test_what_is_no_table_is_refused_as_one_by_name(path: str, real_data: Path) -> None:
    with pytest.raises(InputError) as refusal:
        read_abundance_table(real_data / path)
    assert path.rsplit("/", 1)[1] in str(refusal.value)
