"""`gutdiv reference`: build a reference from controls, show one, and check one against local controls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.options import add_cohort, add_output, add_subject

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = commands.add_parser("build", help="make reference intervals from one study's controls")
    add_cohort(build)
    build.add_argument("--alpha", type=Path, required=True, metavar="A", help="alpha.tsv, rarefied")
    build.add_argument("--controls", required=True, metavar="EXPR", help="which samples are controls, as in 'group == \"control\"'")
    build.add_argument(
        "--controls-are", choices=("healthy",), default="", help="what is known of the controls; the report uses the word only if given"
    )
    add_subject(build)
    build.add_argument("--name", help="the reference's name (default: the cohort's)")
    add_output(build, "reference.json")
    build.set_defaults(run=_build)
    show = commands.add_parser("show", help="print a reference")
    show.add_argument("reference", type=Path, metavar="R", help="reference.json")
    show.set_defaults(run=_show)
    check = commands.add_parser("check", help="count local controls beyond a reference's limits, with exact confidence intervals")
    check.add_argument("--reference", type=Path, required=True, metavar="R", help="reference.json")
    add_cohort(check)
    check.add_argument("--alpha", type=Path, required=True, metavar="A", help="alpha.tsv, rarefied to the reference's depth")
    check.add_argument("--controls", required=True, metavar="EXPR", help="which samples are controls")
    add_subject(check)
    add_output(check, "check.tsv")
    check.set_defaults(run=_check)


def _build(args: argparse.Namespace) -> int:
    """Choose controls, make intervals, write."""
    from gutdiv.io.artifacts import input_digest, read_table, record, write_reference
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.reference.controls import choose_controls
    from gutdiv.reference.intervals import build_reference

    cohort = read_cohort(args.cohort)
    alpha = read_table(args.alpha, "alpha")
    depth = alpha.record.get("depth")
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth)
    about = record(
        "reference",
        options={"controls": args.controls, "controls_are": args.controls_are, "subject": args.subject},
        inputs=[input_digest("cohort", args.cohort), input_digest("alpha", args.alpha)],
        too_shallow=len(controls.too_shallow),
    )
    name = args.name or str(cohort.record.get("name", "reference"))
    write_reference(
        args.output, build_reference(alpha.frame, controls, name=name, depth=depth, controls_are=args.controls_are, about=about)
    )
    return 0


def _show(args: argparse.Namespace) -> int:
    """Print a reference as lines of text."""
    from gutdiv.io.artifacts import read_reference

    reference = read_reference(args.reference)
    what = f"controls declared {reference.controls_are}" if reference.controls_are else "controls"
    lines = [
        f"{reference.name}: {what} by {reference.declared}",
        f"{reference.n_samples:,} samples of {reference.n_subjects:,} subjects, rarefied to {reference.depth:,} reads",
    ]
    for i in reference.intervals:
        if i.lower is None or i.upper is None or i.lower_ci is None or i.upper_ci is None:
            lines.append(f"{i.metric} ({i.level}): no interval: {i.absent}")
        else:
            ends = f"{i.lower:.4g} [{i.lower_ci[0]:.4g}, {i.lower_ci[1]:.4g}] to {i.upper:.4g} [{i.upper_ci[0]:.4g}, {i.upper_ci[1]:.4g}]"
            lines.append(f"{i.metric} ({i.level}): {ends}, n = {i.n}, {i.method}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _check(args: argparse.Namespace) -> int:
    """Count local controls beyond the limits."""
    from gutdiv.io.artifacts import input_digest, read_reference, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.check import check_reference
    from gutdiv.reference.controls import choose_controls

    cohort, alpha, reference = read_cohort(args.cohort), read_table(args.alpha, "alpha"), read_reference(args.reference)
    depth = alpha.record.get("depth")
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth)
    frame = check_reference(reference, alpha.frame, controls, depth=depth)
    inputs = [input_digest(role, getattr(args, role)) for role in ("reference", "cohort", "alpha")]
    about = record("reference_check", options={"controls": args.controls, "subject": args.subject}, inputs=inputs)
    write_table(args.output, Table("reference_check", frame, about))
    return 0
