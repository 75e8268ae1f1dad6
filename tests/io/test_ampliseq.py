"""A results folder of nf-core/ampliseq by its path alone: what is taken, what is said of it, and what is never read."""

from __future__ import annotations

import re
import shutil
import zipfile
from typing import TYPE_CHECKING

import biom
import pytest

from gutdiv.cohort.align import align
from gutdiv.errors import InputError
from gutdiv.io.knowledge import read_synonyms
from gutdiv.io.tables import read_abundance_table

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "ASV_ID\ts1\ts2\na1\t1\t0\na2\t0\t2\n"
FILTERED = "# Constructed from biom file\n#OTU ID\ts1\ts2\na1\t1.0\t4.0\n"
TAXA = "ASV_ID\tKingdom\tPhylum\tClass\tOrder\tFamily\tGenus\tSpecies\tconfidence\tsequence\n"
SHEET = "sampleID,forwardReads,reverseReads\ns1,./a_R1.fastq.gz,./a_R2.fastq.gz\n"
UUID = "373d96cc-66ba-4b7b-94ab-76d25d5ec2ab"


def taxa(genus: str) -> str:
    return TAXA + "".join(f"{a}\tBacteria\tBacillota\t\t\t\t{genus}\t\t0.9\tACGT\n" for a in ("a1", "a2"))


def results(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_filtered_counts_go_before_all_counts_and_the_notes_name_both(tmp_path: Path) -> None:
    files = {
        "dada2/ASV_table.tsv": TABLE,
        "qiime2/abundance_tables/feature-table.tsv": FILTERED,
        "dada2/ASV_tax.silva_138_2.tsv": taxa("X"),
    }
    table = read_abundance_table(results(tmp_path / "out", files))
    assert table.values.toarray().tolist() == [[1.0], [4.0]]
    assert table.source == "out"
    assert table.format == "nf-core/ampliseq results, classic TSV"
    assert table.origin["table"] == "qiime2/abundance_tables/feature-table.tsv"
    assert table.origin["taxonomy"] == "dada2/ASV_tax.silva_138_2.tsv"
    assert "table from qiime2/abundance_tables/feature-table.tsv; not taken: 'dada2/ASV_table.tsv'." in table.notes
    assert table.taxonomy is not None
    assert table.taxonomy.rows["a1"][5] == "X"


def test_dada2s_table_is_read_where_there_is_no_filtered_one(tmp_path: Path) -> None:
    table = read_abundance_table(results(tmp_path, {"dada2/ASV_table.tsv": TABLE}))
    assert table.values.toarray().tolist() == [[1, 0], [0, 2]]
    assert table.taxonomy is table.tree is table.metadata is None


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("dada2/ASV_tax.silva_138_2.tsv", "dada2/ASV_tax_species.silva_138_2.tsv"), "dada2/ASV_tax_species.silva_138_2.tsv"),
        (("dada2/ASV_tax.gtdb.tsv", "dada2/ASV_tax.silva_138_2.tsv"), "dada2/ASV_tax.silva_138_2.tsv"),
        (("dada2/ASV_tax.pr2.tsv", "dada2/ASV_tax.gtdb.tsv"), "dada2/ASV_tax.gtdb.tsv"),
        (("qiime2/taxonomy/taxonomy.tsv", "dada2/ASV_tax.gtdb.tsv"), "dada2/ASV_tax.gtdb.tsv"),
        (("dada2/ASV_tax_species.tsv", "dada2/ASV_tax.silva_138.tsv"), "dada2/ASV_tax_species.tsv"),
        (("qiime2/taxonomy/taxonomy.tsv",), "qiime2/taxonomy/taxonomy.tsv"),
    ],
)
def test_of_several_taxonomies_one_is_taken_by_rule_and_the_others_are_named(tmp_path: Path, names: tuple[str, ...], taken: str) -> None:
    files = {n: taxa("Y") if n.startswith("dada2") else "Feature ID\tTaxon\na1\td__Bacteria\n" for n in names}
    table = read_abundance_table(results(tmp_path, {"dada2/ASV_table.tsv": TABLE, **files}))
    assert table.origin["taxonomy"] == taken
    note = next(n for n in table.notes if n.startswith("taxonomy from"))
    assert all(n in note for n in names)
    assert ("--taxonomy" in note) == (len(names) > 1)


def test_the_tree_comes_as_an_artifact_before_newick_and_the_metadata_from_the_input_folder(tmp_path: Path) -> None:
    files = {
        "dada2/ASV_table.tsv": TABLE,
        "qiime2/phylogenetic_tree/tree.nwk": "(a1:1,a2:1);",
        "input/samplesheet.csv": SHEET,
        "input/Metadata.tsv": "ID\tgroup\ns1\tx\ns2\ty\n",
    }
    folder = results(tmp_path, files)
    table = read_abundance_table(folder)
    assert table.tree is not None
    assert table.origin["tree"] == "qiime2/phylogenetic_tree/tree.nwk"
    assert table.metadata is not None
    assert table.metadata.columns == {"group": ("x", "y")}
    assert table.origin["metadata"] == "input/Metadata.tsv"
    with zipfile.ZipFile(folder / "qiime2/phylogenetic_tree/rooted-tree.qza", "w") as archive:
        archive.writestr(f"{UUID}/VERSION", "QIIME 2\narchive: 4\n")
        archive.writestr(f"{UUID}/metadata.yaml", f"uuid: {UUID}\ntype: Phylogeny[Rooted]\nformat: NewickDirectoryFormat\n")
        archive.writestr(f"{UUID}/data/tree.nwk", "(a1:1,a2:1);")
    table = read_abundance_table(folder)
    assert table.origin["tree"] == "qiime2/phylogenetic_tree/rooted-tree.qza"
    assert table.tree is not None
    assert table.tree.origin["uuid"] == UUID


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"input/samplesheet.csv": SHEET}, "input/samplesheet.csv says where reads lie"),
        ({"input/design.tsv": SHEET.replace(",", "\t")}, "input/design.tsv says where reads lie"),
        ({}, "input/ holds none"),
        ({"input/a.tsv": "ID\tx\ns1\t1\n", "input/b.tsv": "ID\tx\ns1\t1\n"}, "several files that may be it .'input/a.tsv', 'input/b.tsv'"),
    ],
)
def test_metadata_that_are_not_there_for_sure_are_not_taken_and_the_notes_say_why(tmp_path: Path, files: dict[str, str], said: str) -> None:
    table = read_abundance_table(results(tmp_path, {"dada2/ASV_table.tsv": TABLE, **files}))
    assert table.metadata is None
    note = next(n for n in table.notes if n.startswith("metadata not taken"))
    assert re.search(said, note)
    assert "--metadata" in note


@pytest.mark.parametrize("which", ["file", "folder", "taxonomy"])
def test_links_that_lead_out_of_the_folder_are_not_followed(tmp_path: Path, which: str) -> None:
    work = results(tmp_path / "work", {"dada2/ASV_table.tsv": TABLE, "dada2/ASV_tax.tsv": taxa("X")})
    folder = tmp_path / "out"
    if which == "folder":
        folder.mkdir()
        (folder / "dada2").symlink_to(work / "dada2")
    else:
        results(folder, {"dada2/ASV_table.tsv": TABLE})
        name = "ASV_tax.tsv" if which == "taxonomy" else "ASV_table.tsv"
        (folder / "dada2" / name).unlink(missing_ok=True)
        (folder / "dada2" / name).symlink_to(work / "dada2" / name)
    with pytest.raises(InputError, match=r"out/dada2/ASV_\w+\.tsv is a link that leads out of the folder.*cp -rL"):
        read_abundance_table(folder)


def test_links_within_the_folder_and_a_folder_that_is_a_link_are_followed(tmp_path: Path) -> None:
    folder = results(tmp_path / "out", {"dada2/real.tsv": TABLE})
    (folder / "dada2/ASV_table.tsv").symlink_to("real.tsv")
    (tmp_path / "link").symlink_to(folder)
    assert read_abundance_table(tmp_path / "link").values.sum() == 3


def test_another_folder_is_refused_with_the_known_formats(tmp_path: Path) -> None:
    results(tmp_path / "out", {"fastqc/x.html": ""})
    with pytest.raises(InputError, match=r"out is a folder, and of no known layout.*nf-core/ampliseq results folder"):
        read_abundance_table(tmp_path / "out")


@pytest.mark.real_data
def test_a_real_results_folder_is_read_by_its_path_alone(real_data: Path, tmp_path: Path) -> None:
    flat = real_data / "formats" / "nfcore_ampliseq_results"
    rows = re.findall(
        r"\| nfcore_ampliseq_results \| (\S+) \|.*\| (results/\S+) \|", (flat.parent / "SOURCE.md").read_text(encoding="utf-8")
    )
    assert len(rows) == len(list(flat.iterdir()))
    for name, place in rows:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(flat / name, tmp_path / place)
    table = read_abundance_table(tmp_path / "results")
    peer = biom.load_table(str(flat / "feature-table.biom"))
    assert table.sample_ids == tuple(peer.ids()) == ("SAMPLE1_PE",)
    assert table.feature_ids == tuple(peer.ids("observation"))
    assert (table.values != peer.matrix_data.T.tocsr()).nnz == 0
    assert table.values.sum() == 20_753
    assert table.format == "nf-core/ampliseq results, BIOM 2.1 (HDF5)"
    assert {k: v for k, v in table.origin.items() if k in ("table", "taxonomy", "tree", "metadata")} == {
        "table": "qiime2/abundance_tables/feature-table.biom",
        "taxonomy": "dada2/ASV_tax_species.silva_138_2.tsv",
    }
    assert table.taxonomy is not None
    lines = [line.split("\t") for line in (flat / "ASV_tax_species.silva_138_2.tsv").read_text(encoding="utf-8").splitlines()]
    assert lines[0][:8] == ["ASV_ID", "Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "Species"]
    assert table.taxonomy.rows == {c[0]: tuple(x or None for x in c[1:8]) for c in lines[1:]}
    assert table.metadata is None
    assert any("input/samplesheet.csv says where reads lie" in n for n in table.notes)
    cohort, _ = align(table, synonyms=read_synonyms())
    assert cohort.lineages is not None
    assert cohort.lineages["genus"].notna().sum() == sum(bool(c[6]) for c in lines[1:])
