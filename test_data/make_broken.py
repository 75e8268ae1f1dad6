"""Writes `broken/`: one small broken input per error message, sound partners for them, and `manifest.tsv` (`python make_broken.py`)."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from simulate import write_biom

HERE = Path(__file__).resolve().parent

# Sound partners: 4 features, 3 samples.
TABLE = "#OTU ID\tS1\tS2\tS3\nASV_1\t40\t31\t12\nASV_2\t5\t0\t9\nASV_3\t0\t7\t1\nASV_4\t2\t1\t0\n"
TAXONOMY = (
    "Feature ID\tTaxon\tConfidence\n"
    "ASV_1\td__Bacteria; p__Bacteroidota; c__Bacteroidia; o__Bacteroidales; f__Bacteroidaceae; g__Bacteroides\t0.99\n"
    "ASV_2\td__Bacteria; p__Firmicutes; c__Clostridia; o__Lachnospirales; f__Lachnospiraceae; g__Blautia\t0.97\n"
    "ASV_3\td__Bacteria; p__Firmicutes; c__Clostridia; o__Lachnospirales; f__Lachnospiraceae; g__Roseburia\t0.98\n"
    "ASV_4\td__Bacteria; p__Firmicutes; c__Clostridia; o__Oscillospirales; f__Ruminococcaceae\t0.91\n"
)
METADATA = "sample-id\tgroup\tage\nS1\thealthy\t34\nS2\thealthy\t51\nS3\tpatient\t47\n"
METADATA_BEHIND = "group\tsample-id\tage\nhealthy\tS1\t34\nhealthy\tS2\t51\npatient\tS3\t47\n"
TREE = "((ASV_1:0.3,ASV_2:0.2):0.1,(ASV_3:0.1,ASV_4:0.4):0.2);\n"
SOUND = {"sound_table.tsv": TABLE, "sound_taxonomy.tsv": TAXONOMY, "sound_metadata.tsv": METADATA, "sound_tree.nwk": TREE}

RELATIVE = "#OTU ID\tS1\tS2\tS3\nASV_1\t0.8\t0.75\t0.5\nASV_2\t0.15\t0\t0.25\nASV_3\t0.05\t0.25\t0.25\n"


def text_table(counts: np.ndarray, features: list[str] | None = None) -> str:
    """Write features x samples as a classic table."""
    names = features or [f"ASV_{i + 1}" for i in range(len(counts))]
    head = "#OTU ID\t" + "\t".join(f"S{j + 1}" for j in range(counts.shape[1])) + "\n"
    return head + "".join(
        f"{name}\t" + "\t".join(f"{v:g}" if v < 1e6 else f"{v:.1f}" for v in row) + "\n" for name, row in zip(names, counts, strict=True)
    )


# Twenty-four features in three samples, and what becomes of such counts on the way.
MANY = np.random.default_rng(5).negative_binomial(1, 0.02, (24, 3)) + 1
CLADES = ["k__Bacteria", "k__Bacteria|p__Firmicutes", "k__Bacteria|p__Firmicutes|c__Clostridia|o__O|f__F|g__Blautia|s__Blautia_wexlerae"]
LOG_RATIOS = np.round(np.log(MANY[:6]) - np.log(MANY[:6]).mean(axis=0), 3)
# Case -> (file name, its text, what the message must name besides the file).
# ` & ` joins what must all be named, `/` joins words that mean the same: where it is, what was found, how to mend it.
TWICE = "twice/more than once/already/repeat/duplicate"
TABLES = {
    "duplicate_sample_ids": ("duplicate_sample_ids.tsv", TABLE.replace("S3", "S1", 1), f"S1 & {TWICE} & rename/unique/merge"),
    "duplicate_feature_ids": ("duplicate_feature_ids.tsv", TABLE.replace("ASV_3", "ASV_2"), f"ASV_2 & {TWICE} & rename/unique/merge"),
    "negative_count": ("negative_count.tsv", TABLE.replace("\t9\n", "\t-9\n"), "ASV_2 & S3 & -9 & negative & whole number"),
    "fractional_count": ("fractional_count.tsv", TABLE.replace("\t31\t", "\t31.5\t"), "ASV_1 & S2 & 31.5 & whole number & supply"),
    "nan_count": ("nan_count.tsv", TABLE.replace("ASV_3\t0", "ASV_3\tNaN"), "ASV_3 & S1 & nan & whole number"),
    "blank_count": ("blank_count.tsv", TABLE.replace("ASV_3\t0", "ASV_3\t"), "line 4/row 4 & ASV_3 & S1 & empty/blank & 0"),
    "text_in_count": ("text_in_count.tsv", TABLE.replace("\t5\t0\t", "\t5\tn.d.\t"), "line 3/row 3 & ASV_2 & S2 & n.d. & number"),
    "relative_abundances": ("relative_abundances.tsv", RELATIVE, "relative abundances & counts & supply"),
    "counts_per_million": ("counts_per_million.tsv", text_table(MANY / MANY.sum(axis=0) * 1e6), "scaled & supply & before normalisation"),
    "multiplied_counts": (
        "multiplied_counts.tsv",
        text_table(MANY * 4),
        "3 of 3 samples & divisor & 4 in sample 'S1' & supply & --values reads",
    ),
    "scaled_fractions": (
        "scaled_fractions.tsv",
        text_table(MANY * [1.25, 1.75, 2.375]),
        "scaled & whole multiples & 61.25 & ASV_2 & S1 & supply",
    ),
    "cell_counts": ("cell_counts.tsv", text_table(MANY * 61_000_000.0), "cells & median sample & supply & --values reads"),
    "presence_absence": ("presence_absence.tsv", text_table((MANY > 9) * 1), "presence & supply & --values reads"),
    "log_ratios": ("log_ratios.tsv", text_table(LOG_RATIOS), "negative & log-ratios & whole numbers"),
    "nested_clades": (
        "nested_clades.tsv",
        text_table(np.array([[100, 100], [80, 60], [80, 60]]), CLADES),
        "k__Bacteria & shotgun & one rank",
    ),
    "microarray": (
        "microarray.tsv",
        text_table(MANY, [f"Group {i} et rel." for i in range(24)]),
        "microarray & 'Group 0 et rel.' & --values reads",
    ),
    "ragged_row": ("ragged_row.tsv", TABLE.replace("\t7\t1\n", "\t7\n"), "row 4/line 4 & ASV_3 & 3 cell/3 col/3 value/2 value/2 count"),
    "empty_file": ("empty_file.tsv", "", "empty & table"),
    "header_only": ("header_only.tsv", TABLE.split("\n")[0] + "\n", "no feature/no row/only a header/no table & one line a feature/supply"),
    "blank_separated": ("blank_separated.txt", TABLE.replace("\t", " "), "blanks/spaces & tabs"),
}
METADATA_CASES = {
    "metadata_without_ids_in_front": (
        "metadata_ids_behind.tsv",
        METADATA_BEHIND,
        "row 3/line 3 & group & healthy & repeat & first column & head",
    ),
    "metadata_duplicate_column": ("metadata_duplicate_column.tsv", METADATA.replace("group", "age"), f"age & {TWICE} & rename"),
    "metadata_duplicate_ids": ("metadata_duplicate_ids.tsv", METADATA.replace("S3", "S2"), f"S2 & {TWICE} & unique/one row/rename/remove"),
    "metadata_other_ids": ("metadata_other_ids.tsv", METADATA.replace("\nS", "\nSample.0"), "S1 & Sample.01 & spell/rename/same"),
    "metadata_ragged_row": ("metadata_ragged_row.tsv", METADATA.replace("\t51\n", "\t51\tyes\n"), "row 3/line 3 & 4 cell/4 col/4 value"),
}
TREES = {
    "unrooted_tree": ("unrooted_tree.nwk", "((ASV_1:0.3,ASV_2:0.2):0.1,ASV_3:0.1,ASV_4:0.4);\n", "root & midpoint/reroot/supply"),
    "tree_without_lengths": ("tree_without_lengths.nwk", "((ASV_1,ASV_2),(ASV_3,ASV_4));\n", "branch length & supply/without --tree"),
    "tree_duplicate_tips": ("tree_duplicate_tips.nwk", TREE.replace("ASV_3", "ASV_2"), f"ASV_2 & {TWICE} & one tip/unique/rename/remove"),
    "tree_lacks_features": ("tree_lacks_features.nwk", "((ASV_1:0.3,ASV_2:0.2):0.1,ASV_3:0.3);\n", "ASV_4 & --missing-tips drop"),
    "tree_other_spelling": (
        "tree_other_spelling.nwk",
        TREE.replace("_", "-"),
        "ASV_1 & ASV-1 & supply & R writes names & letter for letter",
    ),
    "tree_with_blanks": (
        "tree_with_blanks.nwk",
        TREE.replace("ASV_3", "'ASV 3'"),
        "ASV_3 & 'ASV 3' & --missing-tips drop & quotation marks & letter for letter",
    ),
    "tree_cut_off": ("tree_cut_off.nwk", TREE[:40] + "\n", "cut off/complete & newick/parenthes"),
}
BEFORE = "cohort build --table {dir}/sound_table.tsv --metadata {dir}/sound_metadata.tsv --output {out}/cohort"


def binary_tables() -> dict[str, tuple[str, bytes, str]]:
    """Make the broken tables that are no plain text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "whole.biom"
        counts = np.array([[40, 31, 12], [5, 0, 9], [0, 7, 1]], dtype=np.int64)
        write_biom(path, counts, features=["ASV_1", "ASV_2", "ASV_3"], samples=["S1", "S2", "S3"])
        hdf5 = path.read_bytes()
    whole = {
        "id": None, "format": "Biological Observation Matrix 1.0.0", "format_url": "http://biom-format.org", "type": "OTU table",
        "generated_by": "test_data/make_broken.py", "date": "2000-01-01T00:00:00", "matrix_type": "sparse", "matrix_element_type": "int",
        "shape": [2, 2], "rows": [{"id": "ASV_1", "metadata": None}, {"id": "ASV_2", "metadata": None}],
        "columns": [{"id": "S1", "metadata": None}, {"id": "S2", "metadata": None}], "data": [[0, 0, 40], [0, 1, 31], [1, 0, 5]],
    }  # fmt: skip
    text = json.dumps(whole).encode()
    rubbish = np.random.default_rng(7).integers(128, 256, 400, dtype=np.uint8).tobytes()
    return {
        "truncated_hdf5": ("truncated_hdf5.biom", hdf5[: len(hdf5) * 6 // 10], "hdf5/biom & again"),
        "truncated_json": ("truncated_json.biom", text[: len(text) * 7 // 10], "json/biom & again"),
        "binary_rubbish": ("binary_rubbish.biom", b"\x00\x01" + rubbish, "format/text & biom"),
        "utf16": ("utf16.tsv", TABLE.encode("utf-16"), "utf-16 & utf-8 & save/export"),
        "spreadsheet": ("spreadsheet.xlsx", b"PK\x03\x04" + rubbish[:60], "spreadsheet & save/export & tab"),
    }


def cases() -> tuple[dict[str, bytes], list[dict[str, str]]]:
    """Return every file's bytes by name, and the rows of the manifest."""
    files = {name: text.encode() for name, text in SOUND.items()}
    rows: list[dict[str, str]] = []

    def add(case: str, file: str, content: bytes, option: str, must: str) -> None:
        files[file] = content
        table = "" if option == "table" else " --table {dir}/sound_table.tsv"
        line = f"cohort build{table} --{option} {{dir}}/{file} --output {{out}}/cohort"
        rows.append({"case": case, "before": "", "command_line": line, "must_mention": f"{file} & {must}"})

    for option, group in (("table", TABLES), ("metadata", METADATA_CASES), ("tree", TREES)):
        for case, (file, text, must) in group.items():
            add(case, file, text.encode(), option, must)
    for case, (file, content, must) in binary_tables().items():
        add(case, file, content, "table", must)
    other = TAXONOMY.replace("ASV_", "OTU")
    add("taxonomy_other_ids", "taxonomy_other_ids.tsv", other.encode(), "taxonomy", "ASV_1 & OTU1 & supply/same")
    add("metadata_utf16", "metadata_utf16.tsv", METADATA.encode("utf-16"), "metadata", "utf-16 & utf-8 & save/export")
    named = {
        "missing_table": (
            "cohort build --table {dir}/no_such_table.biom --output {out}/cohort",
            "no_such_table.biom & no such file/does not exist/not found",
        ),
        "cells_by_declaration": (
            "cohort build --table {dir}/sound_table.tsv --values cells --output {out}/cohort",
            "sound_table.tsv & cells & --values cells & supply",
        ),
        "other_way_round": (
            "cohort build --table {dir}/sound_table.tsv --samples-in rows --metadata {dir}/sound_metadata.tsv --output {out}/cohort",
            "sound_table.tsv & other way round & 3 of its features & --samples-in columns",
        ),
        "exclude_unknown_name": (
            "cohort build --table {dir}/sound_table.tsv --exclude chlorplast --output {out}/cohort",
            "chlorplast & chloroplast, mitochondria",
        ),
        "exclude_without_taxonomy": (
            "cohort build --table {dir}/sound_table.tsv --exclude chloroplast --output {out}/cohort",
            "--exclude chloroplast & lineages & --taxonomy",
        ),
        "filter_leaves_nothing": (
            "cohort build --table {dir}/sound_table.tsv --min-reads 5000 --output {out}/cohort",
            "--min-reads 5000 & none of 3 samples & deepest & 47 reads & milder",
        ),
        "blanks_match_nothing": (f"{BEFORE} --blanks \"group == 'blank'\"", "group == 'blank' & none of 3 samples & column"),
        "replicates_unknown_column": (f"{BEFORE} --replicates vial", "vial & 'group', 'age'"),
        "one_per_subject_without_subject": (f"{BEFORE} --one-per-subject deepest", "--one-per-subject deepest & --subject"),
        "one_per_subject_without_time": (f"{BEFORE} --subject group --one-per-subject first", "--one-per-subject first & --time & deepest"),
        "tree_not_carried": (
            "cohort build --table {dir}/sound_table.tsv --carried-tree use --output {out}/cohort",
            "--carried-tree use & sound_table.tsv & --tree",
        ),
        "unknown_group_column": (f"{BEFORE} --group grop", "grop & 'group', 'age'"),
        "role_without_metadata": ("cohort build --table {dir}/sound_table.tsv --group group --output {out}/cohort", "group & --metadata"),
    }
    rows += [{"case": c, "before": "", "command_line": line, "must_mention": must} for c, (line, must) in named.items()]
    verdict = "dysbiosis verdict --cohort {out}/cohort/cohort.json --output {out}/dysbiosis --controls "
    expressions = {
        "controls_unknown_column": ("\"grop == 'healthy'\"", "grop & 'group'"),
        "controls_match_nothing": ("\"group == 'Healthy'\"", "group == 'Healthy' & no sample/0 sample/none"),
        "controls_cannot_be_read": ("\"group = 'healthy'\"", "= & =="),
        "controls_compare_text_with_number": ('"group > 3"', "group & 3 & number/numeric"),
    }
    rows += [{"case": c, "before": BEFORE, "command_line": verdict + e, "must_mention": must} for c, (e, must) in expressions.items()]
    return files, rows


def main(arguments: list[str] | None = None) -> None:
    """Write the files and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE / "broken")
    folder = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    files, rows = cases()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with (folder / "manifest.tsv").open("w", encoding="utf-8", newline="") as handle:
        handle.write("\t".join(rows[0]) + "\n")
        handle.writelines("\t".join(row.values()) + "\n" for row in rows)


if __name__ == "__main__":
    main()
