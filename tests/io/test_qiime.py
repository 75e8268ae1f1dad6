"""QIIME 2 artifacts, read without QIIME 2: what they hold, what they say of themselves, and archives that are no artifacts."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from typing import TYPE_CHECKING

import biom
import h5py
import numpy as np
import pytest

from gutdiv.cohort.align import Choices, align
from gutdiv.errors import InputError
from gutdiv.io import qiime
from gutdiv.io.cohorts import write_cohort
from gutdiv.io.knowledge import read_synonyms
from gutdiv.io.metadata import read_metadata
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy
from gutdiv.io.trees import read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UUID = "373d96cc-66ba-4b7b-94ab-76d25d5ec2ab"
OTHER = "11111111-2222-4333-8444-555555555555"
COUNTS = np.array([[1, 0, 3], [0, 2, 0]])  # samples s1, 007 x features f1, 2, f#3
TAXA = b"Feature ID\tTaxon\tConfidence\nf1\tk__Bacteria; p__X\t0.98\n2\tUnassigned\t-1\nf#3\tk__Archaea\t87.5\n"


def about(kind: str, form: str | None, uuid: str = UUID) -> bytes:
    return f"uuid: {uuid}\ntype: {kind}\nformat: {form or 'null'}\n".encode()


def biom_bytes() -> bytes:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        biom.Table(COUNTS.T, ["f1", "2", "f#3"], ["s1", "007"]).to_hdf5(file, "test")
    return memory.getvalue()


def artifact(
    path: Path,
    kind: str,
    form: str | None,
    data: Mapping[str, bytes],
    *,
    changed: Mapping[str, bytes | None] | None = None,
    first: Mapping[str, bytes] | None = None,
    top: str = UUID,
    checksums: bool = True,
) -> Path:
    """Write an artifact as qiime2/core/archive does (archive version 5); `changed` replaces (None: leaves out) members after the checksums."""
    members = {
        "VERSION": b"QIIME 2\narchive: 5\nframework: 2024.10.1\n",
        "metadata.yaml": about(kind, form),
        **{f"data/{name}": content for name, content in data.items()},
        "provenance/metadata.yaml": about(kind, form),
        f"provenance/artifacts/{OTHER}/metadata.yaml": about("FeatureData[Sequence]", "DNASequencesDirectoryFormat", OTHER),
    }
    if checksums:
        members["checksums.md5"] = "".join(f"{hashlib.md5(c).hexdigest()}  {n}\n" for n, c in members.items()).encode()
    members |= {n: c for n, c in (changed or {}).items() if c is not None}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (first or {}).items():
            archive.writestr(name, content)
        for name, content in members.items():
            if name not in (changed or {}) or (changed or {})[name] is not None:
                archive.writestr(f"{top}/{name}", content)
    return path


def table_artifact(path: Path, kind: str = "FeatureTable[Frequency]", **more: object) -> Path:
    return artifact(path, kind, "BIOMV210DirFmt", {"feature-table.biom": biom_bytes()}, **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------- what they hold
@pytest.mark.parametrize("name", ["table.qza", "table.zip", "whatever"])
def test_a_table_is_read_whatever_its_file_is_called_and_the_uuid_at_the_top_is_its_origin(tmp_path: Path, name: str) -> None:
    table = read_abundance_table(table_artifact(tmp_path / name))
    assert table.sample_ids == ("s1", "007")
    assert table.feature_ids == ("f1", "2", "f#3")
    assert np.array_equal(table.values.toarray(), COUNTS)
    assert table.format == "QIIME 2 artifact (FeatureTable[Frequency]), BIOM 2.1 (HDF5)"
    assert table.origin == {"uuid": UUID, "type": "FeatureTable[Frequency]", "format": "BIOMV210DirFmt"}
    assert table.source == name
    assert table.notes == ()


@pytest.mark.parametrize("kind", ["FeatureTable[RelativeFrequency]", "FeatureTable[PresenceAbsence]", "FeatureTable[Composition]"])
def test_a_table_that_declares_other_values_than_reads_says_so(tmp_path: Path, kind: str) -> None:
    table = read_abundance_table(table_artifact(tmp_path / "t.qza", kind))
    assert kind in table.format
    assert table.origin["type"] == kind
    assert len(table.notes) == 1
    assert kind in table.notes[0]


def test_a_taxonomy_is_read_and_its_confidences_of_any_kind_are_passed_over(tmp_path: Path) -> None:
    path = artifact(tmp_path / "x.qza", "FeatureData[Taxonomy]", "TSVTaxonomyDirectoryFormat", {"taxonomy.tsv": TAXA})
    found = read_taxonomy(path)
    assert found.rows == {"f1": ("k__Bacteria; p__X",), "2": ("Unassigned",), "f#3": ("k__Archaea",)}
    assert found.origin["uuid"] == UUID
    assert found.format == "QIIME 2 artifact (FeatureData[Taxonomy])"
    assert found.source == "x.qza"


@pytest.mark.parametrize(
    ("kind", "text", "rooted", "n_notes"),
    [
        ("Phylogeny[Rooted]", "((f1:1,2:1):1,'f#3':2);", True, 0),
        ("Phylogeny[Rooted]", "(f1:1,2:1,'f#3':2);", True, 1),
        ("Phylogeny[Unrooted]", "(f1:1,2:1,'f#3':2);", False, 0),
        ("Phylogeny[Unrooted]", "((f1:1,2:1):1,'f#3':2);", False, 0),
    ],
)
def test_the_type_of_an_artifact_says_whether_its_tree_is_rooted(
    tmp_path: Path, kind: str, text: str, n_notes: int, *, rooted: bool
) -> None:
    raw = read_tree(artifact(tmp_path / "t.qza", kind, "NewickDirectoryFormat", {"tree.nwk": text.encode()}))
    assert raw.rooted is rooted
    assert raw.tree.tip_names == ("f1", "2", "f#3")
    assert len(raw.notes) == n_notes
    assert raw.origin["type"] == kind
    assert raw.format == f"QIIME 2 artifact ({kind}), Newick"


def test_an_artifact_of_an_old_archive_without_checksums_is_read(tmp_path: Path) -> None:
    assert read_abundance_table(table_artifact(tmp_path / "t.qza", checksums=False)).values.sum() == 6


def test_a_table_of_biom_1_within_an_artifact_is_read(tmp_path: Path) -> None:
    text = biom.Table(COUNTS.T, ["f1", "2", "f#3"], ["s1", "007"]).to_json("test").encode()
    path = artifact(tmp_path / "t.qza", "FeatureTable[Frequency]", "BIOMV100DirFmt", {"feature-table.biom": text})
    assert np.array_equal(read_abundance_table(path).values.toarray(), COUNTS)


# ---------------------------------------------------------------- what they are not
@pytest.mark.parametrize(
    ("kind", "data", "role", "said"),
    [
        ("FeatureData[Taxonomy]", {"taxonomy.tsv": TAXA}, "table", r"given as table, but is a taxonomy .*Give it with --taxonomy"),
        ("Phylogeny[Rooted]", {"tree.nwk": b"(a:1,b:1);"}, "table", r"but is a tree .*--tree"),
        ("FeatureTable[Frequency]", {"feature-table.biom": b""}, "taxonomy", r"given as taxonomy, but is a table .*--table"),
        ("FeatureTable[Frequency]", {"feature-table.biom": b""}, "tree", r"given as tree, but is a table .*--table"),
        ("FeatureData[Sequence]", {"dna-sequences.fasta": b">a\nA\n"}, "table", r"'FeatureData\[Sequence\]': sequences"),
        ("SampleData[AlphaDiversity]", {"alpha-diversity.tsv": b""}, "table", r"Supply the FeatureTable\[Frequency\]"),
        ("Visualization", {"index.html": b"<p>"}, "table", r"a visualization, .*Supply the artifact \(\.qza\) that it was made from"),
        ("FeatureTable[Frequency]", {"table.parquet": b"PAR1"}, "table", r"holds no data/feature-table\.biom but 'data/table\.parquet'"),
    ],
)
def test_an_artifact_of_another_type_is_refused_with_where_it_belongs(
    tmp_path: Path, kind: str, data: dict[str, bytes], role: str, said: str
) -> None:
    path = artifact(tmp_path / ("v.qzv" if kind == "Visualization" else "a.qza"), kind, None, data)
    with pytest.raises(InputError, match=said) as caught:
        {"table": read_abundance_table, "taxonomy": read_taxonomy, "tree": read_tree}[role](path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"changed": {"data/feature-table.biom": b"other"}}, r"data/feature-table\.biom does not fit checksums\.md5"),
        ({"changed": {"metadata.yaml": about("FeatureTable[Frequency]", "X")}}, r"metadata\.yaml does not fit checksums\.md5"),
        ({"changed": {"checksums.md5": b""}}, r"VERSION is not listed in checksums\.md5"),
        ({"changed": {"metadata.yaml": None}}, r"incomplete artifact: metadata\.yaml is missing"),
        ({"changed": {"VERSION": b"QIIME 3"}}, "VERSION does not begin with 'QIIME 2'"),
        ({"changed": {"VERSION": None}}, "VERSION is missing"),
        ({"changed": {"metadata.yaml": b"uuid: [1"}}, r"metadata\.yaml cannot be read"),
        ({"changed": {"metadata.yaml": b"[" * 600}}, r"metadata\.yaml cannot be read"),
        ({"changed": {"metadata.yaml": b"!!python/object/apply:os.system [ls]"}}, r"metadata\.yaml cannot be read"),
        ({"changed": {"metadata.yaml": b"type: 7\n"}}, "names no uuid and type"),
        ({"changed": {"metadata.yaml": about("FeatureTable[Frequency]", None, OTHER)}}, f"says uuid '{OTHER}' in the folder '{UUID}'"),
        (
            {"changed": {"metadata.yaml": b"#" * (1 << 16) + b"\n" + about("FeatureTable[Frequency]", None)}},
            "is longer than",
        ),
        ({"top": "table"}, "one top folder named by a UUID is expected, and its top folders are 'table'"),
        ({"first": {f"{OTHER}/VERSION": b"QIIME 2\n"}}, "one top folder"),
        ({"first": {f"{UUID}/../../evil": b"x"}}, "name leads out of it"),
        ({"first": {"/etc/evil": b"x"}}, "name leads out of it"),
        ({"first": {f"{UUID}\\..\\evil": b"x"}}, "name leads out of it"),
        ({"first": {"C:/evil": b"x"}}, "name leads out of it"),
        ({"first": {f"{UUID}/zeros": bytes(8 << 20)}}, "packed more than 200 to 1"),
        ({"first": {f"{UUID}/VERSION": b"QIIME 2\n"}}, "two files of one name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_no_qiime_2_wrote_is_refused_with_the_reason(tmp_path: Path, how: dict[str, object], said: str) -> None:
    path = table_artifact(tmp_path / "t.qza", **how)
    with pytest.raises(InputError, match=said) as caught:
        read_abundance_table(path)
    assert str(caught.value).startswith("t.qza")


def test_links_are_refused(tmp_path: Path) -> None:
    path = table_artifact(tmp_path / "t.qza")
    link = zipfile.ZipInfo(f"{UUID}/data/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match=r"holds a link \('373d96cc.*link'\)"):
        read_abundance_table(path)


def test_archives_beyond_the_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table_artifact(tmp_path / "t.qza")
    monkeypatch.setattr(qiime, "MAX_MEMBERS", 5)
    with pytest.raises(InputError, match=r"holds 6 files, more than the 5"):
        read_abundance_table(path)
    monkeypatch.setattr(qiime, "MAX_MEMBERS", 6)
    monkeypatch.setattr(qiime, "MAX_UNPACKED", 10_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_abundance_table(path)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_or_flipped_archive_is_called_damaged(tmp_path: Path, cut: float) -> None:
    whole = table_artifact(tmp_path / "t.qza").read_bytes()
    (tmp_path / "cut.qza").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(InputError, match=r"cut\.qza is a damaged zip archive"):
        read_abundance_table(tmp_path / "cut.qza")
    at = whole.index(b"feature-table.biom") + 400
    (tmp_path / "cut.qza").write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    with pytest.raises(InputError, match=r"cut\.qza is a damaged zip archive"):
        read_abundance_table(tmp_path / "cut.qza")


def test_other_archives_keep_their_refusals(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    with pytest.raises(InputError, match="spreadsheet: save it as text with tabs"):
        read_abundance_table(tmp_path / "t.xlsx")
    (tmp_path / "t.xlsx").rename(tmp_path / "t.zip")
    with pytest.raises(InputError, match="Unpack it"):
        read_abundance_table(tmp_path / "t.zip")


# ---------------------------------------------------------------- real artifacts
# What each is, and for tables samples, features and reads as R and biom-format count them (features x samples in SOURCE.md where it says so).
REAL = {
    "formats/nfcore_ampliseq_results/filtered-table.qza": ("table", 1, 86, 20_753),
    "formats/nfcore_ampliseq_results/table.qza": ("table", 1, 86, 20_753),
    "formats/nfcore_ampliseq_results/taxonomy.qza": ("taxonomy", 86),
    "formats/qza_moving_pictures/refseq.qza": ("refused", r"FeatureData\[Sequence\]"),
    "formats/qza_moving_pictures/table.qza": ("table", 34, 770, 153_884),
    "formats/qza_moving_pictures/taxonomy.qza": ("taxonomy", 770),
    "formats/qza_moving_pictures/tree.qza": ("tree", 770),
    "formats/qza_moving_pictures_empress/rooted-tree.qza": ("tree", 770),
    "formats/qza_moving_pictures_empress/table.qza": ("table", 34, 770, 153_884),
    "formats/qza_moving_pictures_empress/taxonomy.qza": ("taxonomy", 770),
    "ibd_2538_longitudinal/original/rarefied-table.qza": ("table", 428, 4615, 2_140_000),
    "ibd_2538_longitudinal/original/sepp-insertion-tree.qza": ("tree", 217_407),
    "ibd_2538_longitudinal/original/table.qza": ("table", 470, 10_099, 21_048_287),
    "ibd_2538_longitudinal/original/taxonomy.qza": ("taxonomy", 14_114),
    "thdmi_asv/original/thdmi-sepp-feature-table.biom.qza": ("table", 1635, 55_474, 35_990_177),
    "thdmi_gg2_species/original/gg2-feature-table-species.qza": ("table", 1635, 2243, 35_952_057),
    "thdmi_silva138_genus/original/silva-feature-table-genus.qza": ("table", 1635, 593, 35_990_177),
    "udca_pearson_asv/original/udca_rep-seqs.qza": ("refused", r"FeatureData\[Sequence\]"),
    "udca_pearson_asv/original/udca_rooted-tree.qza": ("tree", 4910),
    "udca_pearson_asv/original/udca_table.qza": ("table", 952, 4910, 27_608_801),
    "udca_pearson_asv/original/udca_taxonomy.qza": ("taxonomy", 4910),
}


def unpacked(path: Path, folder: Path) -> Path:
    """Do what `qiime tools export` does: the one file below data/, as a file."""
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.split("/")[1] == "data")
        (folder / name.split("/")[-1]).write_bytes(archive.read(name))
    return folder / name.split("/")[-1]


@pytest.mark.real_data
def test_every_artifact_of_the_real_data_has_its_expected_outcome(real_data: Path) -> None:
    assert {p.relative_to(real_data).as_posix() for p in real_data.rglob("*.qz[av]")} == set(REAL)


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_artifacts_read_to_what_other_programs_read_in_them(real_data: Path, tmp_path: Path, name: str) -> None:
    path, (what, *expected) = real_data / name, REAL[name]
    if what == "refused":
        assert qiime.part_of(path) is None
        with pytest.raises(InputError, match=str(expected[0])):
            read_abundance_table(path)
        return
    assert qiime.part_of(path) == what
    with zipfile.ZipFile(path) as archive:
        uuid = archive.namelist()[0].split("/")[0]
    exported = unpacked(path, tmp_path)
    if what == "table":
        table, peer = read_abundance_table(path), biom.load_table(str(exported))
        assert table.origin["uuid"] == uuid
        assert table.sample_ids == tuple(peer.ids())
        assert table.feature_ids == tuple(peer.ids("observation"))
        assert (table.values != peer.matrix_data.T.tocsr()).nnz == 0
        assert [*table.values.shape, table.values.sum()] == expected
    elif what == "taxonomy":
        found = read_taxonomy(path)
        lines = [line.split("\t") for line in exported.read_text(encoding="utf-8").splitlines()[1:]]
        cut = name.startswith("formats/nfcore")  # whose lineages end in the exact species and a confidence
        lineages = {c[0]: (";".join(c[1].split(";")[:7]).rstrip(";") if cut else c[1],) for c in lines}
        assert found.rows == lineages
        assert [len(found.rows), found.origin["uuid"]] == [*expected, uuid]
    else:
        tree = read_tree(path)
        assert tree.rooted
        assert [len(tree.tree.tip_names), tree.origin["uuid"]] == [*expected, uuid]


@pytest.mark.real_data
def test_the_sepp_tree_keeps_the_distances_of_the_pruned_tree_beside_it(real_data: Path) -> None:
    study = real_data / "ibd_2538_longitudinal"
    whole, pruned = read_tree(study / "original" / "sepp-insertion-tree.qza").tree, read_tree(study / "tree.nwk").tree
    names = pruned.tip_names[::400]

    def distances(tree: object) -> list[float]:
        place = dict(zip(tree.tip_names, tree.tip_nodes.tolist(), strict=True))  # type: ignore[attr-defined]
        ways = []
        for name in names:
            way, node, length = {}, place[name], 0.0
            while node >= 0:
                way[node] = length
                length += float(tree.length[node])  # type: ignore[attr-defined]
                node = int(tree.parent[node])  # type: ignore[attr-defined]
            ways.append(way)
        return [min(a[n] + b[n] for n in a.keys() & b.keys()) for i, a in enumerate(ways) for b in ways[:i]]

    assert set(pruned.tip_names) <= set(whole.tip_names)
    assert distances(whole) == pytest.approx(distances(pruned), rel=1e-6)


@pytest.mark.real_data
def test_the_470_sample_artifacts_and_the_same_studys_biom_make_one_cohort(real_data: Path, tmp_path: Path) -> None:
    original = real_data / "ibd_2538_longitudinal" / "original"
    metadata = read_metadata(original / "metadata.tsv.gz")
    packed = [original / name for name in ("table.qza", "taxonomy.qza", "sepp-insertion-tree.qza")]
    plain = [original / "table.biom", *(unpacked(p, tmp_path) for p in packed[1:])]
    digests = []
    for way, (table, taxonomy, tree) in (("artifacts", packed), ("files", plain)):
        cohort, fallen = align(
            read_abundance_table(table),
            taxonomy=read_taxonomy(taxonomy),
            tree=read_tree(tree),
            metadata=metadata,
            synonyms=read_synonyms(),
            choices=Choices(missing_tips="drop"),
        )
        write_cohort(tmp_path / way, cohort, fallen, name="ibd", about={})
        files = ("counts.biom", "taxonomy.tsv", "tree.nwk", "metadata.tsv", "alignment.tsv")
        digests.append({f: hashlib.sha256((tmp_path / way / f).read_bytes()).hexdigest() for f in files})
        assert cohort.counts.shape == (470, 9970)
        assert cohort.lineages is not None
        assert cohort.lineages["canonical_genus"].notna().sum() > 4000
    assert digests[0] == digests[1]
    peer = biom.load_table(str(original.parent / "table.biom"))  # the normalised copy, read by its own library

    assert cohort.sample_ids == tuple(sorted(peer.ids()))
    kept = peer.filter(set(cohort.feature_ids), axis="observation", inplace=False)
    kept = kept.sort_order(cohort.feature_ids, axis="observation").sort_order(cohort.sample_ids)
    assert (cohort.counts != kept.matrix_data.T.tocsr().astype(np.int64)).nnz == 0
