"""`gutdiv reference`: build a reference from controls, show one, and check one against local controls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli import reference_portable
from gutdiv.cli.options import add_cohort, add_output, add_seed, add_subject
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse

    import pandas as pd


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = commands.add_parser("build", help="make a reference from one study's controls, or from several healthy studies")
    build.add_argument("--cohort", type=Path, metavar="C", help="cohort.json, as `gutdiv cohort build` writes it")
    build.add_argument("--alpha", type=Path, metavar="A", help="alpha.tsv, rarefied")
    build.add_argument("--taxa", type=Path, metavar="T", help="taxa.tsv, rarefied to the same depth: intervals of taxa and guilds as well")
    build.add_argument("--controls", metavar="EXPR", help="which samples are controls, as in 'group == \"control\"'")
    build.add_argument(
        "--controls-are", choices=("healthy",), default="", help="what is known of the controls; the report uses the word only if given"
    )
    add_subject(build)
    build.add_argument("--partition", metavar="COL", help="metadata column: do its groups need intervals of their own?")
    build.add_argument(
        "--untestable",
        choices=("error", "record"),
        default="error",
        help="where the controls cannot be parted by --partition: stop, or leave it out and record why (default: %(default)s)",
    )
    build.add_argument("--outliers", type=Path, metavar="FILE", help="list the controls that a rule calls outliers (none is left out)")
    reference_portable.configure(build)
    add_seed(build)
    build.add_argument("--name", help="the reference's name (default: the cohort's)")
    add_output(build, "reference.json")
    build.set_defaults(run=_build)
    show = commands.add_parser("show", help="print a reference")
    show.add_argument("reference", type=Path, nargs="?", metavar="R", help="reference.json (default: the package's, of eight healthy studies)")
    show.set_defaults(run=_show)
    check = commands.add_parser("check", help="count local controls beyond a reference's limits, with exact confidence intervals")
    check.add_argument("--reference", type=Path, metavar="R", help="reference.json (default: the package's, of eight healthy studies)")
    add_cohort(check)
    check.add_argument("--alpha", type=Path, metavar="A", help="alpha.tsv, rarefied to the reference's depth (a reference of several studies needs none)")
    check.add_argument("--taxa", type=Path, metavar="T", help="taxa.tsv at the same depth")
    check.add_argument("--controls", required=True, metavar="EXPR", help="which samples are controls")
    add_subject(check)
    add_seed(check)
    add_output(check, "check.tsv")
    check.set_defaults(run=_check)


def _build(args: argparse.Namespace) -> int:
    """Choose controls, make intervals, write; or fit several studies."""
    from dataclasses import replace

    if args.studies:
        return reference_portable.build(args)
    missing = [f"--{o}" for o in ("cohort", "alpha", "controls") if not getattr(args, o)]
    if missing:
        msg = f"{' and '.join(missing)} missing. Give --cohort, --alpha and --controls for one study, or --studies for several."
        raise InputError(msg)
    from gutdiv.io.artifacts import input_digest, record, write_reference, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls
    from gutdiv.reference.intervals import build_reference, named_outliers
    from gutdiv.reference.partition import partition_reference

    cohort = read_cohort(args.cohort)
    measured, depth = _measured(args)
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth)
    options = {"controls": args.controls, "controls_are": args.controls_are, "subject": args.subject, "partition": args.partition}
    inputs = [input_digest(role, getattr(args, role)) for role in ("cohort", "alpha", "taxa") if getattr(args, role)]
    about = record("reference", options=options, inputs=inputs, seed=args.seed, too_shallow=len(controls.too_shallow))
    name = args.name or str(cohort.record.get("name", "reference"))
    made = build_reference(measured, controls, name=name, depth=depth, controls_are=args.controls_are, about=about, seed=args.seed)
    if args.partition:
        try:
            made = replace(made, partitions=partition_reference(made, measured, controls, cohort, column=args.partition, seed=args.seed))
        except InputError as error:
            if args.untestable == "error" or args.partition not in cohort.metadata.columns:
                raise
            made = replace(made, record={**about, "absent": {"partition": str(error)}})  # a setting may serve many cohorts
    write_reference(args.output, made)
    if args.outliers:
        head = record("outliers", options=options, inputs=inputs)
        write_table(args.outliers, Table("outliers", named_outliers(measured, controls), head))
    return 0


def _measured(args: argparse.Namespace) -> tuple[pd.DataFrame, int | None]:
    """Read alpha diversity and, where it is given, taxa, all at one depth."""
    import pandas as pd

    from gutdiv.io.artifacts import read_table

    alpha = read_table(args.alpha, "alpha")
    depth = alpha.record.get("depth")
    if not args.taxa:
        return alpha.frame, depth
    taxa = read_table(args.taxa, "taxa")
    if taxa.record.get("depth") != depth:
        msg = f"{args.taxa} was rarefied to {taxa.record.get('depth')} reads, {args.alpha} to {depth}. Make both at one --depth."
        raise InputError(msg)
    return pd.concat([alpha.frame, taxa.frame], ignore_index=True) if len(taxa.frame) else alpha.frame, depth


def _shipped() -> Path:
    """Where the package keeps its own reference."""
    from importlib.resources import files

    return Path(str(files("gutdiv") / "knowledge" / "healthy_reference.json"))


def _show(args: argparse.Namespace) -> int:
    """Print a reference as lines of text."""
    from gutdiv.io.artifacts import read_reference
    from gutdiv.reference.wording import lines_of

    sys.stdout.write("\n".join(lines_of(read_reference(args.reference or _shipped()))) + "\n")
    return 0


def _check(args: argparse.Namespace) -> int:
    """Count local controls beyond the limits."""
    from gutdiv.io.artifacts import input_digest, read_reference, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.check import check_reference
    from gutdiv.reference.controls import choose_controls

    args.reference = args.reference or _shipped()
    cohort, reference = read_cohort(args.cohort), read_reference(args.reference)
    if reference.portable:
        frame = reference_portable.checked(args, cohort, reference)
    elif not args.alpha:
        msg = f"{args.reference} holds intervals of alpha diversity, which need --alpha: alpha.tsv of these samples at {reference.depth:,} reads."
        raise InputError(msg)
    else:
        measured, depth = _measured(args)
        controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth)
        frame = check_reference(reference, measured, controls, depth=depth)
    inputs = [input_digest(role, getattr(args, role)) for role in ("reference", "cohort", "alpha", "taxa") if getattr(args, role)]
    about = record("reference_check", options={"controls": args.controls, "subject": args.subject}, inputs=inputs, seed=args.seed)
    write_table(args.output, Table("reference_check", frame, about))
    return 0
