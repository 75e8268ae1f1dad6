"""Writes real tables as text for make_truth.R, which has no reader for HDF5; run as `python export_for_r.py DATA FOLDER`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import biom

# Tables whose PERMANOVA by vegan stands in adonis.tsv, and the columns that its formulas need.
TABLES = {
    "ibd_2538_longitudinal": ("subject_id", "group", "timepoint", "depth"),
    "crc_baxter_genus": ("group", "age", "sex"),
    "hct_taur": ("subject_id", "group", "consistency"),
}


def main(data: Path, folder: Path) -> None:
    """Write cells and metadata of each table: samples sorted by id, without those that are empty or lack one of the columns."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in TABLES.items():
        table = biom.load_table(str(data / name / "table.biom"))
        with (data / name / "metadata.tsv").open(newline="", encoding="utf-8") as handle:
            rows = {r["sample_id"]: r for r in csv.DictReader(handle, delimiter="\t")}
        counts = table.matrix_data.T.tocsr()
        depth = dict(zip(table.ids(), counts.sum(axis=1).A1 if hasattr(counts.sum(axis=1), "A1") else counts.sum(axis=1), strict=True))
        ids = sorted(s for s in table.ids() if s in rows and depth[s] > 0 and all(rows[s][c] not in {"", "NA"} for c in columns))
        place = {s: i for i, s in enumerate(table.ids())}
        kept = counts[[place[s] for s in ids]].tocoo()
        with (folder / f"{name}.cells.tsv").open("w", encoding="utf-8") as handle:
            handle.write("row\tcolumn\tcount\n")
            handle.writelines(f"{i + 1}\t{j + 1}\t{v:g}\n" for i, j, v in zip(kept.row, kept.col, kept.data, strict=True))
        with (folder / f"{name}.metadata.tsv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
            writer.writerow(["sample_id", *columns])
            writer.writerows([s, *(rows[s][c] for c in columns)] for s in ids)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
