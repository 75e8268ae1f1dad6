"""Sample metadata by QIIME 2's rules, and in the forms that CSV and R give it."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import skbio.metadata
from hypothesis import given, settings
from hypothesis import strategies as st

from gutdiv.errors import InputError
from gutdiv.io.metadata import read_metadata

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata


def write(tmp_path: Path, text: str | bytes, name: str = "m.tsv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(tmp_path: Path, text: str | bytes, name: str = "m.tsv") -> SampleMetadata:
    return read_metadata(write(tmp_path, text, name))


# ---------------------------------------------------------------- QIIME 2's rules
def test_comments_types_blanks_and_short_rows_are_read_as_qiime_2_does(tmp_path: Path) -> None:
    text = "\ufeff# a comment\r\n\r\nsample-id\tage\tcode\tsite\t\r\n#q2:types\tnumeric\tcategorical\t\r\n# more\r\n 007 \t 12 \t1\tgut\r\nb\tNA\t2\r\n"
    found = read(tmp_path, text)
    assert found.ids == ("007", "b")
    assert found.columns == {"age": ("12", None), "code": ("1", "2"), "site": ("gut", None)}
    assert found.kinds == {"age": "numeric", "code": "categorical", "site": "categorical"}
    assert found.numeric("age")[0] == 12.0
    assert found.format == "text with tabs"
    assert found.notes == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_mark_at_the_start_change_nothing(tmp_path: Path, end: str, mark: str) -> None:
    found = read(tmp_path, mark + end.join(["#SampleID\tx", "a\t1", "b\t2", ""]))
    assert (found.ids, found.columns) == (("a", "b"), {"x": ("1", "2")})


@pytest.mark.parametrize(
    "header",
    ["id", "SampleID", "sample id", "Sample-ID", "FeatureID", "feature id", "#SampleID", "#OTU ID", "sample_name", "sample", "sample_id"],
)
def test_every_id_header_heads_the_ids_without_a_note(tmp_path: Path, header: str) -> None:
    found = read(tmp_path, f"{header}\tx\na\t1\n")
    assert (found.ids, found.notes) == (("a",), ())


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e4"], "numeric"),
        (["01", "007", "1e5"], "numeric"),  # as in QIIME 2; `#q2:types` may say otherwise
        (["1", "", "NA"], "numeric"),
        (["", "", "NA"], "numeric"),  # a column without any value, as in QIIME 2
        (["1", "nan", "2"], "categorical"),
        (["1", "n/a", "2"], "categorical"),
        (["1", "<5", "2"], "categorical"),
        (["1,5", "1", "2"], "categorical"),
        (["1", "1_000", "2"], "categorical"),
        (["1", "inf", "2"], "categorical"),
        (["1", "1e999", "2"], "categorical"),  # no finite number
        (["0x1F", "1", "2"], "categorical"),
        (["\u0661", "1", "2"], "categorical"),  # a digit of another script
    ],
)
def test_a_column_is_numeric_only_where_every_cell_is_a_decimal_number(tmp_path: Path, cells: list[str], kind: str) -> None:
    found = read(tmp_path, "id\tx\n" + "".join(f"s{i}\t{c}\n" for i, c in enumerate(cells)))
    assert found.kinds == {"x": kind}
    assert found.columns["x"] == tuple(None if c in ("", "NA") else c for c in cells)  # the strings they were


def test_a_scheme_of_missing_values_decides_alone(tmp_path: Path) -> None:
    text = (
        "id\ta\tb\tc\td\n#q2:types\tnumeric\t\t\t\n#q2:missing\tINSDC:missing\tblank\tno-missing\t\n"
        "s1\tnot applicable\tmissing\tNA\tmissing\ns2\tnot collected\tNA\tx\tNA\ns3\t3\t\tx\t\n"
    )
    found = read(tmp_path, text)
    assert found.columns == {"a": (None, None, "3"), "b": ("missing", "NA", None), "c": ("NA", "x", "x"), "d": ("missing", None, None)}
    assert found.kinds == {"a": "numeric", "b": "categorical", "c": "categorical", "d": "categorical"}


SKBIO = Path(skbio.metadata.__file__).parent / "tests" / "data"


def agrees(path: Path) -> None:
    """Compare with scikit-bio's reader, which is QIIME 2's own; it keeps `NA` as a text, which we take for missing where no scheme is declared."""
    theirs = skbio.metadata.SampleMetadata.load(str(path))
    ours = read_metadata(path)
    frame = theirs.to_dataframe()
    lines = [" ".join(str(c).split()) for c in frame.columns]  # a line end within a name is written as LF
    assert list(ours.ids) == [i.replace("\r\n", "\n").replace("\r", "\n") for i in frame.index]
    assert [" ".join(c.split()) for c in ours.columns] == lines
    assert list(ours.kinds.values()) == [theirs.columns[c].type for c in frame.columns]
    for name, column in zip(frame.columns, ours.columns.values(), strict=True):
        for cell, theirs_cell in zip(column, frame[name], strict=True):
            missing = pd.isna(theirs_cell) or (theirs_cell == "NA" and cell is None)
            assert (cell is None) == missing
            if cell is not None:
                assert float(cell) == theirs_cell if isinstance(theirs_cell, float) else cell.split() == theirs_cell.split()


@pytest.mark.parametrize("path", sorted((SKBIO / "valid").glob("*")), ids=lambda p: p.name)
def test_files_that_qiime_2_reads_are_read_alike(path: Path) -> None:
    agrees(path)


@pytest.mark.parametrize("path", sorted((SKBIO / "invalid").glob("*")), ids=lambda p: p.name)
def test_files_that_qiime_2_refuses_are_refused(path: Path) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever scikit-bio raises, it must refuse too
        skbio.metadata.SampleMetadata.load(str(path))
    if path.name == "invalid-header.tsv":  # the one rule that is wider here: other headers over a column of ids, said in a note
        assert "'invalid_id_header', was taken for the sample ids" in read_metadata(path).notes[0]
    else:
        with pytest.raises(InputError, match=path.name):
            read_metadata(path)


def test_scikit_bio_ships_the_files_that_this_is_compared_with() -> None:
    assert len(list((SKBIO / "valid").glob("*"))) > 30
    assert len(list((SKBIO / "invalid").glob("*"))) > 20


CELL = st.text(alphabet=["a", "7", ".", "-", "e", " ", '"', "#", ",", "\u00e9"], max_size=4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELL, max_size=4), min_size=1, max_size=5))
def test_whatever_the_cells_qiime_2_and_we_agree(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("m") / "m.tsv"
    path.write_text("id\tx\ty\n" + "".join("\t".join(row) + "\n" for row in cells), encoding="utf-8")
    try:
        skbio.metadata.SampleMetadata.load(str(path))
    except Exception:  # noqa: BLE001 - any refusal
        with pytest.raises(InputError):
            read_metadata(path)
    else:
        try:
            read_metadata(path)
        except InputError as error:  # the one rule that is narrower here: no cell takes in whole rows
            assert "all between would become one cell" in str(error)  # noqa: PT017 - whether it is refused depends on the cells
        else:
            agrees(path)


# ---------------------------------------------------------------- other forms
@pytest.mark.parametrize(("delimiter", "said"), [("\t", "text with tabs"), (",", "text with commas"), (";", "text with semicolons")])
def test_tabs_commas_and_semicolons_are_told_from_the_header(tmp_path: Path, delimiter: str, said: str) -> None:
    rows = [["#SampleID", "site", "diet, in words"], ["s1", "gut; left", "a,b"], ["s2", "x\ty", 'say "no"']]
    text = "\n".join(delimiter.join('"' + c.replace('"', '""') + '"' for c in row) for row in rows)
    found = read(tmp_path, "# a comment, with commas; and more\n" + text)
    assert found.ids == ("s1", "s2")
    assert found.columns == {"site": ("gut; left", "x\ty"), "diet, in words": ("a,b", 'say "no"')}
    assert found.format == said


def test_a_cell_in_quotation_marks_may_hold_line_breaks(tmp_path: Path) -> None:
    found = read(tmp_path, 'id,address,age\ns1,"12 Main St,\nBoston",40\ns2,here,41\n', "m.csv")
    assert found.columns == {"address": ("12 Main St,\nBoston", "here"), "age": ("40", "41")}
    with pytest.raises(InputError, match="row 5: sample id 's2' stands already in row 4"):
        read(tmp_path, 'id,address,age\ns1,"12 Main St,\nBoston",40\ns2,here,41\ns2,here,41\n', "m.csv")


def test_packed_files_are_read_as_they_are(tmp_path: Path) -> None:
    text = b"id\tx\ns1\t1\n"
    for name, raw in (("m.tsv.gz", gzip.compress(text)), ("m.tsv.bz2", bz2.compress(text))):
        assert read(tmp_path, raw, name).ids == ("s1",)


@pytest.mark.parametrize(
    ("text", "ids", "columns", "note"),
    [
        ("Run,Status\nSRR1,a\nSRR2,b\n", ("SRR1", "SRR2"), ["Status"], "the first column, headed 'Run', was taken for the sample ids"),
        ("X.SampleID\tx\n1.a\t3\n", ("1.a",), ["x"], "headed 'X.SampleID', was taken"),
        ('"","x","y"\n"s1",1,2\n"s2",3,4\n', ("s1", "s2"), ["x", "y"], "the first column, which has no name, was taken"),
        ("x\ty\ns1\t1\t2\ns2\t3\t4\n", ("s1", "s2"), ["x", "y"], "one cell shorter than the rows, as R writes it"),
        (
            '"","sample","x"\n"1","s1",5\n"2","s2",6\n',
            ("s1", "s2"),
            ["x"],
            "the row numbers in the first column, as R writes them, were dropped",
        ),
        ("sample\tx\n1\ts1\t5\n2\ts2\t6\n", ("s1", "s2"), ["x"], "the row numbers in the first column, as R writes them, were dropped"),
        ("#Patient\tx\ns1\t5\ns2\t6\n", ("s1", "s2"), ["x"], "the first column, headed 'Patient', was taken"),
    ],
)
def test_ids_under_another_header_are_taken_and_that_is_said(
    tmp_path: Path, text: str, ids: tuple[str, ...], columns: list[str], note: str
) -> None:
    found = read(tmp_path, text)
    assert found.ids == ids
    assert list(found.columns) == columns
    assert len(found.notes) == 1
    assert note in found.notes[0]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            "id\tx\n" + "".join(f"s{i}\t{i}\n" for i in range(9)) + "t\tn/a\n",
            r"1 column of numbers with other words among them is categorical: 'x' \('n/a'\)",
        ),
        ("id\tx\ns\t1,5\nt\t2\n", r"numbers with commas are text, and their columns categorical \('x'\)"),
        ("id\tx\ns\t1,500\nt\t2,000\n", "no marks for thousands"),
        ("id\tx\ns\t01\nt\t10\n", r"zeros in front are numeric, as in QIIME 2 \('x'\); '#q2:types'"),
        ("id\tx\ty\ns\t1\t2\n#t\t3\t4\n", r"1 row beginning with # \('#t'\) was taken for comments"),
    ],
)
def test_what_may_have_been_meant_otherwise_is_pointed_out(tmp_path: Path, text: str, note: str) -> None:
    found = read(tmp_path, text)
    assert len(found.notes) == 1
    assert pd.Series(found.notes).str.contains(note, regex=True).all(), found.notes
    assert read(tmp_path, text.replace("\n", "\n#q2:types\tcategorical\n", 1)).notes == (() if "#t" not in text else found.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # ids
        ("Dataset\tSample\tx\nD\ts1\t1\nD\ts2\t2\n", "row 3: the first column, headed 'Dataset', repeats 'D' of row 2.*Column 'Sample' is headed.*Put the"),
        ("Run\tsample_name\nr1\ts1\nr2\ts2\n", "row 1: the first column is the one headed 'Run', but column 'sample_name' is headed as sample ids"),
        ("age,sex\n1,f\n1,m\n", "row 3: the first column, headed 'age', repeats '1' of row 2"),
        ("x\ns1\ns2\n", "row 1: one column only, headed 'x'.*tabs, commas or semicolons"),
        ("sample-id age sex\ns1 1 f\n", "row 1: one column only, headed 'sample-id age sex'"),
        ("s1\tcase\t3\ns2\tcase\t4\n", "row 1: this row seems to be a sample.*Put a header above it"),
        ("id\tx\n\t1\n", "row 2: no sample id"),
        ("Run\tx\n\t1\n", "row 2: no sample id"),
        ("id\tx\ns\t1\ns\t2\n", "row 3: sample id 's' stands already in row 2"),
        ("id\tx\ns\t1\nid\tx\n", "row 3: the sample id 'id' is a name kept for headers"),
        # columns
        ("id\tx\ta\tx\ns\t1\t2\t3\n", "'x' stands twice .columns 2 and 4."),
        ("id\tsample-id\ns\t1\n", "a name kept for the sample ids"),
        ("id\t\tx\ns\t1\t2\n", "column 2 has no name"),
        # rows
        ("id\tx\ns\t1\t2\n", r"row 2 \('s'\): 3 cells where the header has 2"),
        ("id\tx\n", "no sample"),
        ("# only\n\n#q2\n", "has no header"),
        ('id\tx\ns0\t"5 mg\ns1\tx\n', "row 2.*a quotation mark is opened and not closed"),
        ('id\tx\ns0\t"5" mg\ns1\tx\n', "row 2.*closed before its cell ends"),
        ('id\tx\ty\ns0\t"5 mg\t1\ns1\t2\t3\ns2\t4"\t5\n', "row 2: a quotation mark is opened and not closed"),
        # directives
        ("id\tx\n#q2:types\tnumeric\ns\tabc\nt\t1\n", "column 'x' is declared numeric, but 1 cell is not .sample 's': 'abc'"),
        ("id\tx\n#q2:types\tnumber\ns\t1\n", "row 2: column 'x' has the type 'number'; 'categorical' or 'numeric'"),
        ("id\tx\n#q2:missing\tNCBI\ns\t1\n", "row 2: column 'x' has the scheme of missing values 'NCBI'"),
        ("id\tx\n#q2:missing\tno-missing\ns\t1\nt\t\n", "row 4: sample 't' has no value in column 'x', declared 'no-missing'"),
        ("#q2:types\tnumeric\nid\tx\ns\t1\n", "row 1: the directive '#q2:types' stands before the header"),
        ("id\tx\ns\t1\n#q2:types\tnumeric\n", "row 3: the directive '#q2:types' stands below other rows"),
        ("id\tx\n#q2:types\tnumeric\n#q2:types\tnumeric\ns\t1\n", "row 3: the directive '#q2:types' stands twice"),
        ("id\tx\n#q2:kinds\tnumeric\ns\t1\n", "row 2: the directive '#q2:kinds' is not known"),
        ("id\tx\n#q2:types\tnumeric\tnumeric\ns\t1\n", "row 2 .'#q2:types'.: 3 cells where the header has 2"),
    ],
)  # fmt: skip
def test_errors_name_row_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, text)
    assert "m.tsv" in str(caught.value)


def test_a_column_of_words_that_is_used_as_numbers_names_a_word(tmp_path: Path) -> None:
    found = read(tmp_path, "id\tage\na\t12\nb\t-1.5\nc\t<5\n")
    with pytest.raises(InputError, match=r"column 'age' of the sample metadata is not numeric \(it holds '<5'\)"):
        found.numeric("age")


def test_hostile_ids_and_columns_stay_the_strings_they_were(tmp_path: Path) -> None:
    found = read(tmp_path, "id\t<script>alert(1)</script>\t=cmd|' /C calc'!A0\n../../etc\t{{7*7}}\t@x\n")
    assert found.ids == ("../../etc",)
    assert found.columns == {"<script>alert(1)</script>": ("{{7*7}}",), "=cmd|' /C calc'!A0": ("@x",)}


# ---------------------------------------------------------------- real metadata
# Samples and columns (without the ids) as pandas counts them, and what the note says; every cell is compared with pandas.
REAL = [
    ("age_claesson/original/mapping-orig.txt", 168, 47, "2 columns of numbers with other words"),
    ("covid_albataineh_genus/original/AHM+21.reduced.csv", 128, 1, "headed 'Run'"),
    ("covid_newsome_genus/original/NGH+21.reduced.csv", 93, 1, "headed 'Run'"),
    ("covid_ren_genus/original/RWC+21.reduced.csv", 564, 3, "headed 'Run'"),
    ("covid_schult_genus/original/SRK+22.reduced.csv", 249, 1, "headed 'Run'"),
    ("crc_baxter_genus/original/metadata.tsv", 490, 26, ""),
    ("crc_hale_genus/original/hale.metadata", 770, 4, ""),
    ("formats/biom_v1_json_taxonomy/Mapping_file_ADHD_aggregated.csv", 27, 4, ""),
    ("formats/dada2_rds/dada2_samdata.txt", 20, 4, "one cell shorter than the rows"),
    ("formats/mothur/mothur_example.design", 100, 3, "headed 'group'"),
    ("formats/nfcore_ampliseq_results/overall_summary.tsv", 1, 15, "numbers with commas"),
    ("formats/nfcore_ampliseq_results/samplesheet.csv", 1, 2, ""),
    ("formats/qza_moving_pictures/sample-metadata.tsv", 34, 8, ""),
    ("formats/qza_moving_pictures_empress/sample_metadata.tsv", 34, 9, ""),
    ("formats/relative_abundance_wgs/HMP2_metadata.tsv", 1527, 14, "one cell shorter than the rows"),
    ("hmp_sze_bmi/original/hmp.metadata", 287, 5, ""),
    ("ibd_2538_longitudinal/original/metadata.tsv.gz", 646, 127, "1 column of numbers with other words"),
    ("ob_escobar/original/escobar.metadata", 30, 5, ""),
    ("ob_ross/original/ross.metadata", 63, 5, ""),
    ("ob_turnbaugh/original/mapping-orig.txt", 281, 67, ""),
    ("ob_wu_combo/original/wu.metadata", 64, 5, ""),
    ("ob_zeevi_israel/original/zeevi.metadata", 731, 5, ""),
    ("udca_pearson_asv/original/udca_metadata_min.tsv", 802, 10, ""),
]
REFUSED = {
    "healthy_poyet_genus/original/metadata.tsv": "the first column, headed 'Dataset', repeats 'POYET_BIO_ML_2019' of row 2.*Column 'Sample' is headed"
}
SEEN = (
    "*/original/*metadata*",
    "*/original/mapping-orig.txt",
    "*/original/*.reduced.csv",
    "formats/*/*metadata*",
    "formats/*/*.csv",
    "formats/*/*.design",
    "formats/*/*samdata*",
)


def by_pandas(path: Path) -> pd.DataFrame:
    """Read a table by pandas, ids as its index, all cells as stripped strings."""
    frame = pd.read_csv(path, sep="," if path.suffix == ".csv" else "\t", dtype=str, keep_default_na=False)
    if isinstance(frame.index, pd.RangeIndex):
        frame = frame.set_index(frame.columns[0])
    return frame[frame.index != "#q2:types"].map(str.strip)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "samples", "columns", "note"), REAL)
def test_real_metadata_as_published_is_read_cell_by_cell(real_data: Path, name: str, samples: int, columns: int, note: str) -> None:
    found = read_metadata(real_data / name)
    want = by_pandas(real_data / name)
    assert (len(found.ids), len(found.columns)) == want.shape == (samples, columns)
    assert list(found.ids) == list(want.index)
    for column in want.columns:
        assert list(found.columns[column]) == [None if c in ("", "NA") else c for c in want[column]], column
    assert note in " ".join(found.notes)
    assert bool(note) == bool(found.notes)


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_real_metadata_without_ids_in_front_is_refused_with_the_way_out(real_data: Path, name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        read_metadata(real_data / name)


@pytest.mark.real_data
def test_every_file_of_real_metadata_has_its_entry(real_data: Path) -> None:
    there = {str(p.relative_to(real_data)) for pattern in SEEN for p in real_data.glob(pattern)}
    listed = {name for name, *_ in REAL} | set(REFUSED)
    # BIOM and R's files are no metadata, and these CSV files are tables of counts
    assert (
        there - listed == {"crc_baxter_genus/original/baxter_genera_shared.csv", "crc_hale_genus/original/hale_genera_shared.csv"} & there
    )


@pytest.mark.real_data
def test_every_normalised_metadata_table_is_read(real_data: Path) -> None:
    for path in sorted(real_data.glob("*/metadata.tsv")):
        found = read_metadata(path)
        want = by_pandas(path)
        assert list(found.ids) == list(want.index), path
        for column in want.columns:
            assert list(found.columns[column]) == [None if c in ("", "NA") else c for c in want[column]], (path, column)
        assert "group" in found.columns, path
