"""Alignment: nothing is lost in silence, in either direction."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse

from gutdiv.cli.app import main
from gutdiv.cohort.align import Choices, align
from gutdiv.cohort.filters import Filters
from gutdiv.errors import AlignmentError, InputError
from gutdiv.io.newick import parse_newick
from gutdiv.model.cohort import Roles, SampleMetadata
from gutdiv.model.inputs import RawTable, RawTaxonomy

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = [[0, 5, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]  # samples s2, s1, s0 x features f3, f1, f0, f2


def table(counts=COUNTS, **changes):
    values = sparse.csr_matrix(np.array(counts, dtype=float))
    return RawTable(
        **{
            "sample_ids": ("s2", "s1", "s0"),
            "feature_ids": ("f3", "f1", "f0", "f2"),
            "values": values,
            "source": "t.biom",
            "format": "test",
            **changes,
        }
    )


def metadata(*ids: str) -> SampleMetadata:
    return SampleMetadata(ids, {"x": tuple(f"of {i}" for i in ids)}, {"x": "categorical"})


def taxonomy(*ids: str) -> RawTaxonomy:
    return RawTaxonomy({i: (f"k__Bacteria; g__Genus{i}",) for i in ids}, ("lineage",), "x.tsv", "test")


def test_samples_and_features_are_sorted_and_counts_follow_them() -> None:
    cohort, _ = align(table(), synonyms={})
    assert cohort.sample_ids == ("s1", "s2")
    assert cohort.feature_ids == ("f1", "f2", "f3")
    assert cohort.counts.toarray().tolist() == [[0, 2, 3], [5, 1, 0]]


def test_everything_that_falls_out_is_listed_in_both_directions() -> None:
    tree = parse_newick("((f1:1,f2:1):1,(f3:1,other:1):1);", "t.nwk")
    cohort, fallen = align(table(), taxonomy=taxonomy("f1", "f9"), tree=tree, metadata=metadata("s2", "s8", "s0"), synonyms={})
    assert {(f.part, f.id, f.outcome) for f in fallen} == {
        ("sample", "s0", "dropped"),
        ("feature", "f0", "dropped"),
        ("sample", "s1", "kept"),
        ("metadata", "s8", "dropped"),
        ("taxonomy", "f9", "dropped"),
        ("feature", "f2", "kept"),
        ("feature", "f3", "kept"),
        ("tip", "other", "dropped"),
    }
    assert cohort.metadata.column("x") == (None, "of s2")
    assert cohort.lineages is not None
    assert cohort.lineages["genus"].tolist() == ["Genusf1", None, None]


def test_pruning_keeps_the_length_of_every_path() -> None:
    tree = parse_newick("(((f1:1,gone:9):0.5,f2:2):0.25,(f3:1,other:1):4);", "t.nwk")
    cohort, _ = align(table(), tree=tree, synonyms={})
    found = cohort.tree
    assert found is not None
    assert found.tip_names == ("f1", "f2", "f3")
    paths = []
    for tip in found.tip_nodes:
        v, path = int(tip), 0.0
        while v >= 0:
            path, v = path + found.length[v], int(found.parent[v])
        paths.append(path)
    assert paths == pytest.approx([1.75, 2.25, 5.0])


def test_features_without_a_tip_are_an_error_unless_dropping_is_asked_for() -> None:
    tree = parse_newick("(f1:1,f2:1);", "t.nwk")
    with pytest.raises(AlignmentError, match=r"1 feature of 3 has no tip in t.nwk \('f3'\).*--missing-tips drop"):
        align(table(), tree=tree, synonyms={})
    cohort, fallen = align(table(), tree=tree, synonyms={}, choices=Choices(missing_tips="drop"))
    assert cohort.feature_ids == ("f1", "f2")
    assert ("feature", "f3", "dropped", "no tip in the tree") in {(f.part, f.id, f.outcome, f.reason) for f in fallen}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"counts": [[0, -5, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]}, "-5 of feature 'f1' in sample 's2' is negative"),
        ({"counts": [[0, np.nan, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]}, "'f1' in sample 's2' is not a finite number"),
        ({"counts": [[0, 1.5, 0, 1], [3, 0, 0, 2], [0, 0, 0, 0]]}, "1.5 of feature 'f1' in sample 's2' is no whole number"),
        ({"counts": [[0, 0.75, 0, 0.25], [0.5, 0, 0, 0.5], [0, 0, 0, 0]]}, "holds relative abundances .samples sum to 1."),
        ({"counts": np.zeros((3, 4))}, "no sample holds a read"),
    ],
)
def test_what_is_no_count_table_is_refused(changes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        align(table(**changes), synonyms={})


@pytest.mark.parametrize(
    ("newick", "said"),
    [
        ("((f1:0,f2:0):0,f3:0);", r"t.nwk: no branch above the 3 tips has a length above 0.*leave the tree out"),
        ("((f1:0,f2:0):0,(f3:0,gone:1):0);", r"t.nwk: no branch above the 3 tips has a length above 0"),
        ("((f1:1,f2:1e308):1,f3:1e308);", r"t.nwk: the branch length 1e\+308 of tip 'f2' is beyond 1e\+12 \(2 such lengths in all\)"),
        ("((f1:1,f2:1):1e13,f3:1);", r"t.nwk: the branch length 1e\+13 is beyond 1e\+12 \(1 such length in all\)"),
    ],
)
def test_a_tree_whose_lengths_are_none_is_refused_where_the_cohort_is_made(newick: str, said: str) -> None:
    tree = parse_newick(newick, "t.nwk")
    with pytest.raises(InputError, match=said):
        align(table(), tree=tree, synonyms={})


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (Choices(root="midpoint"), "--root midpoint is given, but there is no tree.*--tree"),
        (Choices(without_metadata="drop"), "--without-metadata drop is given, but there is no sample metadata.*--metadata"),
        (Choices(filters=Filters(blanks="kind = 'blank'")), "--blanks .* is given, but there is no sample metadata.*--metadata"),
        (Choices(filters=Filters(replicates="tube")), "--replicates 'tube' is given, but there is no sample metadata.*--metadata"),
    ],
)
def test_an_option_for_a_part_that_is_not_there_is_refused(choices: Choices, said: str) -> None:
    with pytest.raises(InputError, match=said):
        align(table(), synonyms={}, choices=choices)


@pytest.mark.parametrize("option", ["--blanks", "--replicates", "--exclude"])
@pytest.mark.parametrize("text", ["", " ", ","])
def test_an_option_that_names_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, text: str) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("#OTU ID\ts1\nf1\t1\n", encoding="utf-8")
    build = ["cohort", "build", "--table", str(path), "--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="2"):
        main([*build, option, text])
    assert f"{option}: {text!r} names nothing; leave the option out" in capsys.readouterr().err
    assert main(build) == 0
    assert "cohort: 1 sample, 1 feature, 1 read; " in capsys.readouterr().err


def test_inputs_that_share_no_id_are_refused_with_examples_of_both() -> None:
    with pytest.raises(AlignmentError, match="share no sample id: the table has 's0', 's1', 's2', the metadata 'S1'"):
        align(table(), metadata=metadata("S1"), synonyms={})
    with pytest.raises(AlignmentError, match="share no feature id"):
        align(table(), taxonomy=taxonomy("F1"), synonyms={})
    with pytest.raises(AlignmentError, match="share no feature"):
        align(table(), tree=parse_newick("(F1:1,F2:1);", "t.nwk"), synonyms={}, choices=Choices(missing_tips="drop"))


def test_the_record_of_a_rarefied_table_keeps_the_mode_and_says_the_depth() -> None:
    cohort, _ = align(table([[4, 5, 0, 1], [3, 0, 5, 2], [6, 0, 3, 1]]), synonyms={})
    assert cohort.record["mode"] == "rarefied"
    assert cohort.depth.tolist() == [10, 10, 10]
    assert cohort.record["notes"] == ["All samples hold 10 reads: the table was rarefied before."]


def test_a_role_must_name_a_column() -> None:
    with pytest.raises(InputError, match=r"no column 'group'\. Known columns: 'x'"):
        align(table(), metadata=metadata("s1"), roles=Roles(group="group"), synonyms={})
    with pytest.raises(InputError, match="no sample metadata"):
        align(table(), roles=Roles(subject="x"), synonyms={})


def test_numbers_that_code_groups_are_groups_and_a_continuous_column_is_refused() -> None:
    ids = tuple(f"s{i:02d}" for i in range(12))
    counts = sparse.csr_matrix(np.ones((12, 1)))
    raw = RawTable(ids, ("f",), counts, "t.biom", "test")
    columns = {"arm": ("1", "2") * 6, "age": tuple(str(20 + i) for i in range(12))}
    about = SampleMetadata(ids, columns, {"arm": "numeric", "age": "numeric"})
    cohort, _ = align(raw, metadata=about, roles=Roles(group="arm"), synonyms={})
    assert cohort.metadata.kinds == {"arm": "categorical", "age": "numeric"}
    with pytest.raises(InputError, match="group column 'age' holds 12 different numbers, not groups"):
        align(raw, metadata=about, roles=Roles(group="age"), synonyms={})


# ---------------------------------------------------------------- what a table carries
def carrying(**changes) -> RawTable:
    tree = parse_newick("((f1:1,f2:1):1,(f3:1,other:1):1);", "t.biom")
    return table(**{"taxonomy": taxonomy("f1", "f2", "f3"), "tree": tree, "metadata": metadata("s1", "s2"), **changes})


def test_what_a_table_carries_is_used_where_nothing_else_is_given_and_a_file_takes_its_place() -> None:
    cohort, _ = align(carrying(), roles=Roles(group="x"), synonyms={})
    assert cohort.metadata.column("x") == ("of s1", "of s2")
    assert cohort.lineages is not None
    assert cohort.lineages["genus"].tolist() == ["Genusf1", "Genusf2", "Genusf3"]
    assert cohort.tree is not None
    other = RawTaxonomy({"f1": ("g__Another",)}, ("lineage",), "x.tsv", "test")
    cohort, fallen = align(carrying(), taxonomy=other, synonyms={})
    assert cohort.lineages is not None
    assert cohort.lineages["genus"].tolist() == ["Another", None, None]
    assert ("feature", "f2", "kept") in {(f.part, f.id, f.outcome) for f in fallen}


def test_notes_of_all_parts_stand_in_the_record_once() -> None:
    raw = carrying(notes=("read so", "carried so"), metadata=dataclasses.replace(metadata("s1"), notes=("carried so", "a row was odd")))
    cohort, _ = align(raw, synonyms={})
    assert cohort.record["notes"] == ["read so", "carried so", "a row was odd"]
    assert cohort.record["mode"] == "counts"


# ---------------------------------------------------------------- ids that differ only in spelling
@pytest.mark.parametrize(
    ("tip", "said"),
    [
        ("f_3", "1 id would match, but for `_` for blanks, or quotation marks ('f 3' and 'f_3')"),
        ("'f 3'", None),
        ("F 3", "1 id would match, but for upper and lower case"),
    ],
)
def test_ids_that_match_only_after_an_exchange_are_never_joined_but_the_error_says_so(tip: str, said: str | None) -> None:
    raw = table(feature_ids=("f 3", "f1", "f0", "f2"))
    tree = parse_newick(f"((f1:1,f2:1):1,('x':1,{tip if tip.startswith(chr(39)) else repr(tip)}:1):1);", "t.nwk")
    if said is None:
        cohort, _ = align(raw, tree=tree, synonyms={})
        assert cohort.feature_ids == ("f 3", "f1", "f2")
        return
    with pytest.raises(AlignmentError) as refused:
        align(raw, tree=tree, synonyms={})
    assert said in str(refused.value)
    assert "letter for letter" in str(refused.value)
    cohort, _ = align(raw, tree=tree, synonyms={}, choices=Choices(missing_tips="drop"))
    assert cohort.feature_ids == ("f1", "f2")


def test_names_that_r_has_changed_are_recognised_as_such() -> None:
    raw = table(sample_ids=("1-a", "2-b", "3-c"))
    with pytest.raises(AlignmentError, match=r"2 ids would match but for an X before a digit .*'1-a' and 'X1.a'"):
        align(raw, metadata=metadata("X1.a", "X2.b"), synonyms={})


def test_a_table_that_lies_the_other_way_round_is_refused_by_the_ids_of_the_others() -> None:
    with pytest.raises(
        InputError, match=r"t\.biom lies the other way round: 2 of its features are samples of the metadata.*--samples-in rows"
    ):
        align(table(), metadata=metadata("f1", "f2"), synonyms={})


# ---------------------------------------------------------------- the command, with a folder and with parts that a table carries
def ampliseq(folder: Path) -> Path:
    texts = {
        "dada2/ASV_table.tsv": "ASV_ID\ts1\ts2\na1\t9\t4\na2\t3\t5\na3\t0\t2\n",
        "dada2/ASV_tax.silva_138.tsv": "ASV_ID\tKingdom\tPhylum\na1\tBacteria\tBacillota\na2\tBacteria\tBacteroidota\na3\tArchaea\tX\n",
        "qiime2/phylogenetic_tree/tree.nwk": "(a1:1,a2:1,a3:4);\n",
        "input/metadata.tsv": "ID\tgroup\ns1\tx\ns2\ty\n",
        "multiqc/big.txt": "not taken\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def build(*words: object) -> int:
    return main(["cohort", "build", *map(str, words)])


def test_a_folder_is_built_by_its_path_alone_and_its_record_names_the_files_that_were_taken(tmp_path: Path, capsys) -> None:
    folder = ampliseq(tmp_path / "results")
    assert build("--table", folder, "--group", "group", "--output", tmp_path / "no") == 2
    assert "--root midpoint" in capsys.readouterr().err
    assert build("--table", folder, "--group", "group", "--root", "midpoint", "--output", tmp_path / "out") == 0
    content = json.loads((tmp_path / "out" / "cohort.json").read_text())
    assert (content["name"], content["has_tree"], content["has_lineages"], content["roles"]["group"]) == ("results", True, True, "group")
    main_entry, *others = content["inputs"]
    taken = ["dada2/ASV_table.tsv", "dada2/ASV_tax.silva_138.tsv", "input/metadata.tsv", "qiime2/phylogenetic_tree/tree.nwk"]
    assert [f["name"] for f in main_entry["files"]] == taken
    assert main_entry["files"][0]["sha256"] == hashlib.sha256((folder / taken[0]).read_bytes()).hexdigest()
    assert [(e["role"], e["carried"]) for e in others] == [("taxonomy", True), ("tree", True), ("metadata", True)]
    assert any("rooted at its midpoint" in note for note in content["notes"])
    assert str(tmp_path) not in (tmp_path / "out" / "cohort.json").read_text()
    (folder / "dada2" / "ASV_table.tsv").write_text("ASV_ID\ts1\ts2\na1\t9\t4\na2\t3\t6\na3\t0\t2\n")
    assert build("--table", folder, "--carried-tree", "leave", "--output", tmp_path / "again") == 0
    again = json.loads((tmp_path / "again" / "cohort.json").read_text())
    assert again["inputs"][0]["sha256"] != main_entry["sha256"]
    assert not again["has_tree"]
    assert "tree" not in [e["role"] for e in again["inputs"]]
    assert "qiime2/phylogenetic_tree/tree.nwk" not in [f["name"] for f in again["inputs"][0]["files"]]
    assert any("was left out (--carried-tree leave)" in note for note in again["notes"])


def test_a_tree_that_must_be_carried_must_be_there(tmp_path: Path, capsys) -> None:
    (tmp_path / "t.tsv").write_text("#OTU ID\ts1\nf1\t3\n")
    assert build("--table", tmp_path / "t.tsv", "--carried-tree", "use", "--output", tmp_path / "out") == 2
    assert "--carried-tree use: t.tsv carries no tree. Give one with --tree" in capsys.readouterr().err


def test_the_options_that_are_on_and_only_those_stand_in_the_record(tmp_path: Path) -> None:
    folder = ampliseq(tmp_path / "results")
    words = ["--exclude", "archaea, chloroplast", "--min-prevalence", "100%", "--carried-tree", "leave"]
    assert build("--table", folder, *words, "--output", tmp_path / "out") == 0
    content = json.loads((tmp_path / "out" / "cohort.json").read_text())
    assert content["options"] == {
        "missing_tips": "error",
        "exclude": "archaea, chloroplast",
        "min_prevalence": 1.0,
        "carried_tree": "leave",
    }
    assert [(row["filter"], row["option"], row["features"]) for row in content["filters"]] == [
        ("exclude", "chloroplast", 0),
        ("exclude", "archaea", 1),
        ("min_prevalence", 1.0, 0),
    ]
    rows = (tmp_path / "out" / "alignment.tsv").read_text().splitlines()
    assert "feature\ta3\tdropped\tarchaea by lineage" in rows
