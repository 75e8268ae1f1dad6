"""Builds the portable reference of healthy adult stool from the eight public groups, and prints how it differs from an earlier one.

    python benchmarks/build_reference.py --work FOLDER --output healthy_reference.json [--method v0|robust] [--against v0.json]

Reads the public tables from GUTDIV_DATA, else from ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.cli.app import main as gutdiv

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parents[1]
COLUMNS = ("name", "cohort", "controls", "shares_people_with", "citation", "country", "region", "taxonomy", "licence", "people")
STUDIES = (
    ("twinsuk_goodrich", 'group in ("lean", "overweight")', "", "Goodrich 2014 Cell 159:789", "UK", "V4 MiSeq", "Greengenes 13_8 closed ref",
     "CC0", "lean+overweight, 98% women, median 63 y, twins"),
    ("hmp_v35_stool", 'group == "healthy"', "", "HMP 2012 Nature 486:207", "USA", "V3-V5 454", "Greengenes 13_8", "CC0",
     "screened healthy 18-40 y"),
    ("crc_baxter_genus", 'group == "healthy"', "", "Baxter 2016 Genome Med 8:37", "USA/Canada", "V4 MiSeq", "mothur/RDP genus", "MIT",
     "colonoscopy-normal"),
    ("crc_hale_genus", 'group == "healthy"', "", "Hale 2017 CEBP 26:85", "USA", "V3-V5 MiSeq", "mothur/RDP genus", "MIT", "colonoscopy-normal"),
    ("ob_zeevi_israel", 'group == "normal_weight"', "", "Zeevi 2015 Cell 163:1079 via Sze 2016", "Israel", "V3-V4 MiSeq", "mothur/RDP", "MIT",
     "normal weight"),
    ("healthy_poyet_genus", 'group == "healthy"', "", "Poyet 2019 Nat Med 25:1442", "USA", "V4", "GTDB genus", "MIT",
     "OpenBiome screened donors"),
    ("globalgut_yatsunenko_even10k", 'group == "adult_18plus"', "ob_turnbaugh", "Yatsunenko 2012 Nature 486:222", "USA/Malawi/Venezuela",
     "V4 HiSeq", "Greengenes 13_8 closed ref", "BSD", "adults 18+"),
    ("ob_turnbaugh", 'group == "lean"', "globalgut_yatsunenko_even10k", "Turnbaugh 2009 Nature 457:480", "USA", "V2 454",
     "Greengenes 97% NINJA", "MIT", "lean, one sample per person, twins/mothers"),
)  # fmt: skip


def run(*words: object) -> None:
    """Run a command of gutdiv, or stop."""
    if gutdiv([str(w) for w in words]):
        sys.exit(f"gutdiv {' '.join(map(str, words))} failed")


def make_sheet(data: Path, work: Path) -> Path:
    """Build the cohorts that are not there yet, and write the sheet of studies."""
    work.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(COLUMNS)]
    for name, controls, shared, *facts in STUDIES:
        source = data / name
        if not (work / name / "cohort.json").exists():
            inputs = [f(source) for f in (lambda s: s / "table.biom", lambda s: s / "taxonomy.tsv", lambda s: s / "metadata.tsv")]
            words = [w for pair in zip(("--table", "--taxonomy", "--metadata"), inputs, strict=True) for w in pair]
            run("cohort", "build", *words, "--subject", "subject_id", "--group", "group", "--name", name, "--output", work / name)
        quoted = '"' + controls.replace('"', '""') + '"'
        lines.append("\t".join([name, f"{name}/cohort.json", quoted, shared, *facts]))
    sheet = work / "studies.tsv"
    sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sheet


def leaves(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every leaf of nested mappings with its path; a list of numbers is one leaf."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, content


def compare(made: dict[str, Any], earlier: dict[str, Any]) -> list[str]:
    """Return one line a field: over all metrics or tables that have it, the largest difference and where it is."""
    mine = dict(leaves(made))
    found: dict[str, list[tuple[float, str, Any, Any]]] = {}
    absent = []
    for path, theirs in leaves(earlier):
        own = mine.get(path)
        if own is None:
            absent.append("/".join(path[:2]))
            continue
        group = "/".join((path[0], *path[-1:])) if path[0] in ("metrics", "studies") else "/".join(p for p in path if not p.isdigit())
        try:
            a, b = np.asarray(own, dtype=float), np.asarray(theirs, dtype=float)
        except (TypeError, ValueError):
            found.setdefault(group, []).append((0.0 if own == theirs else np.inf, "/".join(path), own, theirs))
            continue
        if a.shape != b.shape:
            found.setdefault(group, []).append((np.inf, "/".join(path), a.shape, b.shape))
            continue
        gap = np.abs(a - b)
        at = np.unravel_index(int(gap.argmax()), gap.shape) if gap.ndim else ()
        found.setdefault(group, []).append((float(gap.max()) if gap.size else 0.0, "/".join(path), a[at], b[at]))
    lines = ["| field | compared | equal | median largest difference | largest | where | here | earlier |", "|---|---|---|---|---|---|---|---|"]
    for group, rows in found.items():
        largest = max(rows, key=lambda r: r[0])
        gaps = np.array([r[0] for r in rows])
        here, there = (str(v)[:40] for v in largest[2:])
        lines.append(f"| {group} | {len(rows)} | {(gaps == 0).sum()} | {np.median(gaps):.3g} | {largest[0]:.3g} | {largest[1]} | {here} | {there} |")
    return [*lines, "", f"fields of the earlier file that are not here: {', '.join(dict.fromkeys(absent)) or 'none'}"]


def main() -> None:
    """Build, and compare where an earlier file is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for cohorts")
    parser.add_argument("--output", type=Path, required=True, help="reference.json")
    parser.add_argument("--method", choices=("v0", "robust"), default="v0")
    parser.add_argument("--against", type=Path, help="an earlier reference of the same form, to be compared with field by field")
    args = parser.parse_args()
    data = Path(os.environ.get("GUTDIV_DATA", HERE.parent / "shared" / "data"))
    sheet = make_sheet(data, args.work)
    run("reference", "build", "--studies", sheet, "--method", args.method, "--metrics-at", 2000, "--metrics-at", 5000, "--output", args.output)
    if args.against:
        made = json.loads(args.output.read_text(encoding="utf-8"))["reference"]["portable"]
        print("\n".join(compare(made, json.loads(args.against.read_text(encoding="utf-8")))))


if __name__ == "__main__":
    main()
