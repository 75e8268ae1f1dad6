"""`gutdiv comparison`: alpha diversity between groups, by models and over time, what is computed from distances, and abundances."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli import comparison_abundance, comparison_distances, comparison_models
from gutdiv.cli.options import add_cohort, add_output, add_seed, add_subject, not_negative, power
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    alpha = commands.add_parser("alpha", help="alpha diversity between groups, or along a number")
    alpha.add_argument("--alpha", type=Path, required=True, metavar="A", help="alpha.tsv, as `gutdiv diversity alpha` writes it")
    add_cohort(alpha)
    along = alpha.add_mutually_exclusive_group()
    along.add_argument("--variable", metavar="COL", help="metadata column to compare along (default: the cohort's group)")
    along.add_argument(
        "--versus",
        metavar="EXPR",
        help="compare the samples for which this is true with those for which it is false, as in 'bmi >= 30'; missing cells count for neither",
    )
    add_subject(alpha)
    alpha.add_argument(
        "--treat-as",
        choices=("auto", "groups", "numbers"),
        default="auto",
        help="take the column as groups or as numbers; auto: numbers where it is numeric with more than two values (default: %(default)s)",
    )
    alpha.add_argument("--baseline", metavar="GROUP", help="the group that the others are compared with (default: pairs in order of names)")
    alpha.add_argument(
        "--test",
        choices=("rank", "welch"),
        default="rank",
        help="rank tests, or Welch's t for each pair of groups (within subjects: Student's t of pairs) (default: %(default)s)",
    )
    alpha.add_argument(
        "--transform",
        action="append",
        default=[],
        type=power,
        metavar="METRIC=POWER",
        help="raise a metric to a power before it is tested, as in shannon=2; may be repeated",
    )
    alpha.add_argument(
        "--permutations",
        type=not_negative,
        default=9999,
        metavar="N",
        help="random permutations where a rank test's p would be an approximation and the smallest group has fewer than 10 units, and not all "
        "arrangements can be listed; 0: keep the approximation (default: %(default)s)",
    )
    add_seed(alpha)
    alpha.add_argument(
        "--untestable",
        choices=("error", "record"),
        default="error",
        help="where the cohort lacks the group named by --baseline: stop, or compare without it and record why (default: %(default)s)",
    )
    add_output(alpha, "alpha.tsv")
    alpha.set_defaults(run=_alpha)

    comparison_models.configure(commands)
    comparison_distances.configure(commands)
    comparison_abundance.configure(commands)


def _alpha(args: argparse.Namespace) -> int:
    """Compare alpha metrics along one column."""
    from gutdiv.comparison.contrasts import Procedure
    from gutdiv.comparison.groups import compare_groups
    from gutdiv.comparison.versus import split
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    metadata, variable, baseline = cohort.metadata, args.variable or cohort.roles.group, args.baseline
    if args.versus is not None:
        metadata, variable, other = split(metadata, args.versus)
        baseline = baseline or other
    if variable is None:
        msg = "no column to compare along: the cohort names no group. Give --variable or --versus."
        raise InputError(msg)
    subject = args.subject or cohort.roles.subject
    how = Procedure(args.test, args.permutations, args.seed, dict(args.transform))
    alpha = read_table(args.alpha, "alpha")
    ask = partial(compare_groups, alpha.frame, metadata, variable=variable, subject=subject, treat_as=args.treat_as, how=how)
    try:
        table = ask(baseline=baseline)
    except InputError as error:
        if args.untestable == "error" or baseline is None:
            raise
        table = ask()  # a baseline may serve many cohorts, of which this one lacks the group
        table = Table(table.kind, table.frame, {**table.record, "absent": {**table.record["absent"], "baseline": str(error)}})
    options = {"variable": variable, "subject": subject, "treat_as": args.treat_as, "baseline": baseline, "versus": args.versus}
    options |= {"test": args.test, "transform": dict(args.transform), "permutations": args.permutations}
    inputs = [input_digest("alpha", args.alpha), input_digest("cohort", args.cohort)]
    about = {**record(table.kind, options=options, inputs=inputs, seed=args.seed), **table.record}
    write_table(args.output, Table(table.kind, table.frame, about))
    return 0
