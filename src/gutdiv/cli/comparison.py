"""`gutdiv comparison`: alpha diversity between groups, and what is computed from distances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli import comparison_distances
from gutdiv.cli.options import add_cohort, add_output, add_subject
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    alpha = commands.add_parser("alpha", help="alpha diversity between groups, or along a number")
    alpha.add_argument("--alpha", type=Path, required=True, metavar="A", help="alpha.tsv, as `gutdiv diversity alpha` writes it")
    add_cohort(alpha)
    alpha.add_argument("--variable", metavar="COL", help="metadata column to compare along (default: the cohort's group)")
    add_subject(alpha)
    alpha.add_argument(
        "--treat-as",
        choices=("auto", "groups", "numbers"),
        default="auto",
        help="take the column as groups or as numbers; auto: numbers where it is numeric with more than two values (default: %(default)s)",
    )
    alpha.add_argument("--baseline", metavar="GROUP", help="the group that the others are compared with (default: pairs in order of names)")
    add_output(alpha, "alpha.tsv")
    alpha.set_defaults(run=_alpha)

    comparison_distances.configure(commands)


def _alpha(args: argparse.Namespace) -> int:
    """Compare alpha metrics along one column."""
    from gutdiv.comparison.groups import compare_groups
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    variable = args.variable or cohort.roles.group
    if variable is None:
        msg = "no column to compare along: the cohort names no group. Give --variable."
        raise InputError(msg)
    subject = args.subject or cohort.roles.subject
    alpha = read_table(args.alpha, "alpha")
    table = compare_groups(
        alpha.frame, cohort.metadata, variable=variable, subject=subject, treat_as=args.treat_as, baseline=args.baseline
    )
    options = {"variable": variable, "subject": subject, "treat_as": args.treat_as, "baseline": args.baseline}
    inputs = [input_digest("alpha", args.alpha), input_digest("cohort", args.cohort)]
    write_table(args.output, Table(table.kind, table.frame, {**record(table.kind, options=options, inputs=inputs), **table.record}))
    return 0
