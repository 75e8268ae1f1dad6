"""`gutdiv reference build --studies`: a reference of several healthy studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.cli.options import positive
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from gutdiv.diversity.parts import Portable
    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Reference
    from gutdiv.reference.portable import Study

NEEDED = ("name", "cohort", "controls")
OPTIONAL = ("shares_people_with", "citation", "country", "region", "taxonomy", "licence", "people")
DEPTH = 1000


def configure(build: argparse.ArgumentParser) -> None:
    """Add the options."""
    build.add_argument(
        "--studies", type=Path, metavar="SHEET", help=f"several healthy studies, TSV with the columns {', '.join(NEEDED)}, and {', '.join(OPTIONAL)}"
    )
    build.add_argument(
        "--method",
        choices=("v0", "robust"),
        default="v0",
        help="with --studies: whether a new study's controls count alike (v0), or may be partly ill, which costs false alarms (robust) "
        "(default: %(default)s)",
    )
    build.add_argument("--at", type=positive, default=DEPTH, metavar="N", help="with --studies: reads of the verdict (default: %(default)s)")
    build.add_argument(
        "--metrics-at", type=positive, action="append", default=[], metavar="N", help="with --studies: reads of further tables of metrics, repeatable"
    )


def build(args: argparse.Namespace) -> int:
    """Measure every study, fit, calibrate, write."""
    from gutdiv.diversity.parts import MDI_DOWN, MDI_UP, SCALES
    from gutdiv.io.artifacts import input_digest, record, write_reference
    from gutdiv.io.knowledge import read_parts
    from gutdiv.reference.portable import build_portable

    for option in ("cohort", "alpha", "taxa", "controls", "partition", "outliers"):
        if getattr(args, option):
            msg = f"--{option} is for one study, --studies for several. Leave one of them out."
            raise InputError(msg)
    rules = read_parts()
    sheet = _sheet(args.studies)
    depths = tuple(dict.fromkeys([args.at, *args.metrics_at]))
    studies = [_study(row, rules, depths, args.seed) for row in sheet]
    inputs = [input_digest("studies", args.studies), *(input_digest(f"cohort {r['name']}", Path(r["cohort"])) for r in sheet)]
    options = {"method": args.method, "at": args.at, "metrics_at": args.metrics_at, "controls": {r["name"]: r["controls"] for r in sheet}}
    made = build_portable(
        studies,
        name=args.name or "healthy adult stool",
        method=args.method,
        depth=args.at,
        parts=tuple(dict.fromkeys(r["part"] for r in rules)),
        rules=rules,
        index=(MDI_UP, MDI_DOWN),
        scales={**SCALES, "clr": "clr of part, all 29 parts, counts+.5"},
        seed=args.seed,
        about=record("reference", options=options, inputs=inputs, seed=args.seed),
    )
    write_reference(args.output, made)
    return 0


def _sheet(path: Path) -> list[dict[str, str]]:
    """Read the sheet; a cohort's path is taken from the sheet's folder."""
    from gutdiv.io.artifacts import read_rows

    header, rows = read_rows(path)
    lacking = [c for c in NEEDED if c not in header]
    if lacking:
        msg = f"{path} lacks the column {', '.join(lacking)}; it has {', '.join(header)}."
        raise InputError(msg)
    found = [dict(zip(header, row, strict=True)) for row in rows]
    return [{**row, "cohort": str(path.parent / row["cohort"])} for row in found]


def _study(row: Mapping[str, str], rules: Sequence[Mapping[str, str]], depths: tuple[int, ...], seed: int) -> Study:
    """Measure one study's healthy people, one sample each, at every depth."""
    import numpy as np

    from gutdiv.diversity.parts import measure_portable
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.numerics.portable_score import People
    from gutdiv.reference.controls import choose_controls
    from gutdiv.reference.portable import Study

    cohort = read_cohort(Path(row["cohort"]))
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    metrics: dict[int, dict[str, Any]] = {}
    prevalence: dict[int, dict[str, float]] = {}
    people = None
    chosen = choose_controls(cohort, row["controls"], depth=depths[0])  # at other depths the same samples, where they have the reads
    own = np.array([place[s] for s in chosen.chosen], dtype=np.int64)
    for depth in depths:
        rows = own[cohort.depth[own] >= depth]
        seen = measure_portable(cohort, rules, depth=depth, seed=seed)
        metrics[depth] = _values(seen, rows)
        prevalence[depth] = {f"clr:{part}": float((seen.counts[rows, k] > 0).mean()) for k, part in enumerate(seen.parts) if rows.size}
        if depth == depths[0]:
            people = People(seen.alpha["Shannon"][rows], seen.clr(other=False)[rows], seen.mdi()[rows])
    assert people is not None
    shared = frozenset(filter(None, row.get("shares_people_with", "").split("|")))
    facts = {c: row.get(c, "") for c in OPTIONAL if c != "shares_people_with"}
    return Study(row["name"], metrics, prevalence, people, shared, facts, len(chosen.samples))


def _values(seen: Portable, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Every metric of these samples."""
    clr = seen.clr(other=True)[rows]
    return {**{name: values[rows] for name, values in seen.alpha.items()}, **{f"clr:{part}": clr[:, k] for k, part in enumerate(seen.parts)}}


def checked(args: argparse.Namespace, cohort: Cohort, reference: Reference) -> pd.DataFrame:
    """Hold local controls against a reference of several studies."""
    import numpy as np

    from gutdiv.diversity.parts import measure_portable
    from gutdiv.numerics.portable_score import People
    from gutdiv.reference.check import check_portable
    from gutdiv.reference.controls import choose_controls

    seen = measure_portable(cohort, reference.portable["parts_rule"], depth=reference.depth, seed=args.seed)
    chosen = choose_controls(cohort, args.controls, subject=args.subject, depth=reference.depth)
    if not chosen.chosen:
        msg = f"none of the {len(chosen.samples):,} controls has {reference.depth:,} reads, at which the reference was made."
        raise InputError(msg)
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    rows = np.array([place[s] for s in chosen.chosen], dtype=np.int64)
    people = People(seen.alpha["Shannon"][rows], seen.clr(other=False)[rows], seen.mdi()[rows])
    return check_portable(reference, _values(seen, rows), people)
