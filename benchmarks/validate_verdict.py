"""How often healthy people are found outside, and how many ill are, at every tier of the verdict: the tables of docs/validation/verdict.md.

    python benchmarks/validate_verdict.py --work FOLDER [--figures src/gutdiv/knowledge/false_alarms.tsv] > tables.md
    python benchmarks/validate_verdict.py --work FOLDER --choose --draws 20 > choice.md

Reads the public tables from GUTDIV_DATA, else from ../shared/data beside the checkout. `--work` keeps cohorts, what was measured of people, calibrations
and the rates of every study, and takes them from there in a later run: empty it after a change of the code. Studies of the reference are judged by a reference
without them, other studies by the file that the package ships.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from build_reference import HERE
from validation_aligned import Rate, Variant, rates
from validation_in_study import STUDIES, in_study
from validation_page import page
from validation_studies import ABSENT, APART, OUTSIDE, REFERENCE, Known
from validation_tables import COLUMNS, choice_tables, in_study_rows, method_table, rows

from gutdiv.io.artifacts import read_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VARIANTS = (
    Variant("v0", robust=False, mapping="none"),
    Variant("v0, held-out map", robust=False, mapping="held out"),
    Variant("robust", robust=True, mapping="replayed"),
    Variant("robust, held-out map", robust=True, mapping="held out"),
)
FILE = HERE / "src" / "gutdiv" / "knowledge" / "healthy_reference.json"


def kept(path: Path, make: Callable[[], list[Rate]]) -> list[Rate]:
    """Read rates that were found before, or find and write them."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([dataclasses.asdict(r) for r in make()]), encoding="utf-8")
    return [Rate(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}) for row in json.loads(path.read_text(encoding="utf-8"))]


def aligned(variant: Variant, studies: Sequence[Known], data: Path, args: argparse.Namespace) -> list[Rate]:
    """Rates of one way to make the reference, in these studies."""
    found = []
    for study in studies:
        path = args.work / "rates" / f"{variant.name}.{args.draws}.{args.tested}" / f"{study.name}.json"
        found += kept(
            path,
            lambda study=study: rates(
                variant, data=data, work=args.work, shipped=FILE, draws=args.draws, tested=args.tested, studies=(study,)
            ),
        )
    return found


def main() -> None:
    """Judge, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for what is measured and found")
    parser.add_argument("--draws", type=int, default=100, help="control sets a study (default: %(default)s)")
    parser.add_argument("--tested", type=int, default=200, help="people judged a set, at most (default: %(default)s)")
    parser.add_argument("--splits", type=int, default=20, help="random splits of the in-study tier (default: %(default)s)")
    parser.add_argument("--choose", action="store_true", help="compare ways to make the reference instead, half by half")
    parser.add_argument("--figures", type=Path, help="false_alarms.tsv, to be written")
    args = parser.parse_args()
    data = Path(os.environ.get("GUTDIV_DATA", HERE.parent / "shared" / "data"))
    if args.choose:
        every = {v.name: aligned(v, (*REFERENCE, *OUTSIDE), data, args) for v in VARIANTS}
        print(choice_tables(every))
        for title, studies in (("Groups of the reference, each left out", REFERENCE), ("Other studies", OUTSIDE)):
            print(f"{title}:\n\n{method_table(every, [s.name for s in studies])}\n")
        return
    made_by = {"v0": VARIANTS[0], "robust": VARIANTS[2]}[read_reference(FILE).portable["method"]]
    shipped = dataclasses.replace(made_by, name="shipped", shipped=True)
    found = aligned(shipped, (*REFERENCE, *OUTSIDE, *APART), data, args)
    split = []
    for study in STUDIES:
        path = args.work / "rates" / f"in-study.{args.splits}.100" / f"{study.name}.json"
        split += kept(path, lambda study=study: in_study(study, data, args.work, draws=args.splits, tested=100))
    names = [s.name for s in (*REFERENCE, *OUTSIDE)]
    made = [*rows(found, names), *in_study_rows(split)]
    if args.figures:
        args.figures.write_text("\n".join("\t".join(map(str, r)) for r in (COLUMNS, *made)) + "\n", encoding="utf-8")
    print(page(found, split, made, {s.name: s for s in (*REFERENCE, *OUTSIDE, *APART)}, ABSENT))


if __name__ == "__main__":
    main()
