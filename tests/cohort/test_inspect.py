"""`gutdiv cohort inspect`: what files are, how they fit and how to go on, in under a screen, whatever the files."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path

import pytest

from gutdiv.cli.app import main
from gutdiv.cli.recognise import recognise
from gutdiv.cohort.inspect import candidates
from gutdiv.model.cohort import SampleMetadata

DATA = Path(__file__).parents[2] / "test_data"


def inspect(capsys: pytest.CaptureFixture[str], *paths: Path, code: int = 0) -> list[str]:
    assert main(["cohort", "inspect", *map(str, paths)]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def write(folder: Path, **texts: str) -> list[Path]:
    paths = []
    for name, text in texts.items():
        paths.append(folder / name.replace("__", "."))
        paths[-1].write_text(text)
    return paths


# ---------------------------------------------------------------- a whole study
def test_four_files_are_told_apart_whatever_their_order_and_the_next_line_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    said = inspect(capsys, *(DATA / n for n in ("metadata.tsv", "tree.nwk", "table.biom", "taxonomy.tsv")))
    text = "\n".join(said)
    assert "table.biom: BIOM 2.1 (HDF5), 241 samples x 503 features" in text
    assert "  counts; reads a sample (min / quartiles / max): 420 / " in text
    assert "3 samples below 1,000" in text
    assert "dialect: silva" in text
    assert "table and tree: 503 features in both; 1 only in the tree ('ASV_0504')" in text
    assert "table and metadata: 240 samples in both; 1 only in the table ('S241'); 2 only in the metadata ('S242', 'S243')" in text
    assert "columns that could be --group: group (healthy 150, patient 90)" in text
    assert "--exclude could take: archaea 2 features" in text
    last = said[-1]
    assert last.startswith("next: gutdiv run --table ")
    for option, name in (("taxonomy", "taxonomy.tsv"), ("tree", "tree.nwk"), ("metadata", "metadata.tsv")):
        assert f"--{option} {DATA / name}" in last
    assert "--group group --subject subject --time time" in last
    assert "--missing-tips" not in last
    assert len(said) < 24


def test_the_next_line_is_quoted_and_holds_what_is_needed_so_that_it_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "it's a study"
    folder.mkdir()
    paths = write(
        folder,
        table__tsv="#OTU ID\ts1\ts2\ts3\nf1\t9\t2\t3\nf2\t4\t5\t6\nf3\t1\t0\t1\n",
        tree__nwk="(f1:1,f2:2,x:3);\n",
    )
    said = inspect(capsys, *paths)
    assert "tree.nwk: UNROOTED tree (Newick), 3 tips" in said
    words = shlex.split(said[-1].removeprefix("next: "))
    assert words[:2] == ["gutdiv", "run"]
    assert words[words.index("--table") + 1] == str(folder / "table.tsv")
    build = ["cohort", "build", *words[2 : words.index("--output")]]
    assert main([*build, "--output", str(tmp_path / "out")]) == 0
    assert {("--root", "midpoint"), ("--missing-tips", "drop")} <= set(itertools.pairwise(words))


def test_a_label_that_a_mothur_table_needs_is_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "label\tGroup\tnumOtus\tOtu1\tOtu2\n"
    (path,) = write(tmp_path, many__shared=head + "unique\ts1\t2\t1\t5\nunique\ts2\t2\t1\t7\n0.03\ts1\t2\t2\t5\n0.03\ts2\t2\t1\t9\n")
    said = inspect(capsys, path)
    assert "mothur .shared, label 0.03, 2 samples x 2 features" in said[0]
    assert "--label 0.03" in said[-1]


def test_a_table_that_holds_no_counts_is_said_to_hold_none_and_nothing_is_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    said = inspect(capsys, DATA / "broken" / "relative_abundances.tsv")
    assert any("NO COUNTS: relative_abundances.tsv holds relative abundances" in line for line in said)
    assert any(line.startswith("  mend: ") for line in said)
    assert said[-1] == "next: mend the table as said above."


def test_what_would_stop_the_run_is_told_beforehand_with_the_way_ids_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write(
        tmp_path,
        table__tsv="#OTU ID\ts_1\ts_2\nf1\t9\t2\nf2\t4\t5\n",
        people__tsv="sample-id\tage\ts\ns 1\t30\ta\ns 2\t40\tb\n",
    )
    text = "\n".join(inspect(capsys, *paths))
    assert "table and metadata: 0 samples in both; 2 only in the table ('s_1', 's_2'); 2 only in the metadata ('s 1', 's 2')" in text
    assert "2 ids would match but for `_` for blanks" in text
    assert "together: would stop: people.tsv and table.tsv share no sample id" in text


# ---------------------------------------------------------------- single files
def test_samplesheets_and_summaries_of_reads_are_no_metadata_and_a_table_with_ranks_is_a_table(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        sheet__csv="sampleID,forwardReads,reverseReads\nS1,a_R1.fastq.gz,a_R2.fastq.gz\n",
        summary__tsv="sample\tDADA2_input\tfiltered\tdenoisedF\tmerged\tnonchim\nS1\t9\t8\t7\t6\t5\n",
        ranks__tsv='"ID"\t"Kingdom"\t"Phylum"\t"S1"\n"f1"\t"Bacteria"\t"Bacillota"\t0.4\n"f2"\t"Bacteria"\t"Bacillota"\t0.6\n',
        people__tsv="sample\trun\tfiltered\nS1\t1\tyes\nS2\t2\tno\n",
    )
    sheet, summary, ranks, people = map(recognise, paths)
    assert (sheet.role, summary.role, ranks.role, people.role) == ("", "", "table", "metadata")
    assert "samplesheet" in sheet.reasons[0]
    assert "summary of reads" in summary.reasons[0]


def test_a_file_that_is_nothing_known_is_said_to_be_so_and_hinders_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes,) = write(tmp_path, notes__txt="dear diary\n")
    (said,) = inspect(capsys, notes, code=2)
    assert said.startswith("notes.txt: not understood. as table: ")
    missing = tmp_path / "nowhere.tsv"
    said = inspect(capsys, notes, DATA / "broken" / "truncated_hdf5.biom", missing, DATA / "table.biom")
    assert [line.split(":")[0] for line in said if "not understood" in line] == ["notes.txt", "truncated_hdf5.biom", "nowhere.tsv"]
    assert said[-1].startswith("next: gutdiv run --table ")
    assert all(len(line) < 700 for line in said)


def test_no_broken_input_makes_it_fail(capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted((DATA / "broken").iterdir()):
        main(["cohort", "inspect", str(path), str(DATA / "broken" / "sound_table.tsv")])
        captured = capsys.readouterr()
        assert captured.err == ""
        assert path.name in captured.out
        assert "next: " in captured.out


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("#OTU ID\ta\tb\nf1\t1\t2\nf2\t0\t3\n", "table"),
        ("sample-id\tx\na\t1\nc\t2\n", "metadata"),
        ("sample-id\tage\tsex\na\t1\tf\nc\t2\tm\n", "metadata"),
        ("#SampleID\tage\na\t31\nc\t22\n", "metadata"),
        ("Feature ID\tTaxon\tConfidence\nf1\tk__Bacteria; p__X\t0.9\n", "taxonomy"),
        ("ASV_ID\tKingdom\tPhylum\nf1\tBacteria\tX\n", "taxonomy"),
        ("OTU\tSize\tTaxonomy\nOtu1\t9\tBacteria(100);X(90);\n", "taxonomy"),
        ("#OTU ID\ta\tb\ttaxonomy\nf1\t1\t2\tk__Bacteria; p__X\n", "table"),
        ("(a:1,b:2);", "tree"),
        ("[&R] (a:1,b:2);", "tree"),
        ("#NEXUS\nbegin trees;\n", ""),
        ("", ""),
    ],
)
def test_text_is_taken_for_what_it_is(tmp_path: Path, text: str, role: str) -> None:
    (path,) = write(tmp_path, file__txt=text)
    assert recognise(path).role == role


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("formats/mothur/mothur_example.shared", "table"),
        ("formats/mothur/mothur_example.cons.taxonomy", "taxonomy"),
        ("formats/mothur/mothur_example.design", "metadata"),
        ("formats/qza_moving_pictures/table.qza", "table"),
        ("formats/qza_moving_pictures/taxonomy.qza", "taxonomy"),
        ("formats/qza_moving_pictures/tree.qza", "tree"),
        ("formats/qza_moving_pictures/refseq.qza", ""),
        ("formats/qza_moving_pictures/sample-metadata.tsv", "metadata"),
        ("formats/dada2_rds/dada2_seqtab.rds", "table"),
        ("formats/dada2_rds/dada2_taxtab.rds", "taxonomy"),
        ("formats/dada2_rds/dada2_samdata.txt", "metadata"),
        ("formats/nfcore_ampliseq_results/DADA2_table.tsv", "table"),
        ("formats/nfcore_ampliseq_results/ASV_tax_species.silva_138_2.tsv", "taxonomy"),
        ("formats/nfcore_ampliseq_results/dada2_phyloseq.rds", "table"),
        ("formats/biom_v1_json_taxonomy/Mapping_file_ADHD_aggregated.csv", "metadata"),
        ("formats/biom_v1_json_taxonomy/Data_humanization_phylo_aggregation.tre", "tree"),
        ("crc_baxter_genus/original/baxter_genera_shared.csv", "table"),
        ("crc_baxter_genus/original/metadata.tsv", "metadata"),
        ("hmp_sze_bmi/original/hmp.metadata", "metadata"),
        ("ob_escobar/original/escobar.taxonomy.gz", "taxonomy"),
        ("ob_escobar/original/escobar.shared.gz", "table"),
    ],
)
def test_real_files_of_every_kind_are_taken_for_what_they_are(real_data: Path, name: str, role: str) -> None:
    assert recognise(real_data / name).role == role


# ---------------------------------------------------------------- columns
def metadata(**columns: list[str | None]) -> SampleMetadata:
    n = len(next(iter(columns.values())))
    numeric = {c: all(v is None or v.lstrip("-").replace(".", "", 1).isdigit() for v in cells) for c, cells in columns.items()}
    kinds = {c: "numeric" if yes else "categorical" for c, yes in numeric.items()}
    return SampleMetadata(tuple(f"s{i}" for i in range(n)), {c: tuple(v) for c, v in columns.items()}, kinds)


def test_columns_are_proposed_by_their_values_and_names() -> None:
    n = 40
    about = metadata(
        age=[str(20 + i) for i in range(n)],
        sex=["f", "m"] * 20,
        disease=["ibd"] * 30 + ["none"] * 10,
        rare=["a"] * 39 + ["b"],
        arm_code=["1", "2", "3", "4"] * 10,
        share=["0.5", "1.5"] * 20,
        patient_id=[f"p{i // 2}" for i in range(n)],
        sample_day=[str(i % 2) for i in range(n)],
        collection_date=["2024-01-31", "2024-02-29"] * 20,
        day_of_subject=[str(i) for i in range(n)],
        empty=[None] * n,
    )
    found = candidates(about, about.ids)
    assert found["group"][0] == "disease"
    assert not {"age", "rare", "share", "empty", "patient_id"} & set(found["group"])
    assert found["subject"] == ["patient_id"], "one value a sample tells nothing of subjects"
    assert found["time"] == ["sample_day", "collection_date", "day_of_subject"]


def test_a_column_called_group_comes_first_and_only_samples_of_the_table_count() -> None:
    about = metadata(status=["a", "b"] * 6, group=["x", "x", "y", "y", "z", "z"] * 2, site=["gut"] * 6 + ["skin"] * 6)
    assert candidates(about, about.ids)["group"][0] == "group"
    assert "site" in candidates(about, about.ids)["group"]
    assert "site" not in candidates(about, about.ids[:6])["group"]


def test_few_subjects_are_subjects_and_parts_of_a_date_are_no_time() -> None:
    # The columns of QIIME 2's tutorial "Moving Pictures": two people, four sites, a date in three columns.
    about = metadata(
        **{
            "body-site": ["gut", "left palm", "right palm", "tongue"] * 8,
            "year": ["2008", "2009"] * 16,
            "month": ["1", "2", "3", "4"] * 8,
            "day": ["20", "17"] * 16,
            "subject": ["subject-1"] * 16 + ["subject-2"] * 16,
            "antibiotics": ["Yes", "No"] * 16,
            "days-since-experiment-start": ["0", "84", "112", "140"] * 8,
        }
    )
    found = candidates(about, about.ids)
    assert found["group"][0] == "body-site"
    assert "subject" not in found["group"]
    assert found["subject"] == ["subject"]
    assert found["time"] == ["days-since-experiment-start"]
    assert candidates(metadata(day=["0", "7", "14"] * 4), tuple(f"s{i}" for i in range(12)))["time"] == ["day"], "alone it is a time"


def test_a_column_named_as_subjects_are_is_a_group_where_it_tells_of_them() -> None:
    about = metadata(patient_group=["a", "b"] * 6, host_sex=["f", "m"] * 6)
    found = candidates(about, about.ids)
    assert found["group"] == ["patient_group", "host_sex"]
    assert found["subject"] == []


def test_a_group_by_name_may_have_two_samples_each() -> None:
    # phyloseq's GlobalPatterns: 26 samples of 9 types, two types with 2 samples.
    sizes = {"Feces": 4, "Freshwater": 2, "Freshwater (creek)": 3, "Mock": 3, "Ocean": 3, "Sediment": 3, "Skin": 3, "Soil": 3, "Tongue": 2}
    cells = [name for name, n in sizes.items() for _ in range(n)]
    about = metadata(SampleType=list(cells), colour=list(cells))
    assert candidates(about, about.ids)["group"] == ["SampleType"]


@pytest.mark.real_data
def test_columns_of_the_moving_pictures_are_proposed_as_a_person_would(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = real_data / "formats" / "qza_moving_pictures"
    last = inspect(capsys, folder / "table.qza", folder / "sample-metadata.tsv")[-1]
    assert "--group body-site --subject subject --time days-since-experiment-start" in last
