"""`gutdiv comparison`: alpha diversity between groups, by models and over time, PERMANOVA, and dispersion beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.comparison_models import configure as configure_models
from gutdiv.cli.options import add_cohort, add_output, add_seed, add_subject, not_negative, positive, power
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
    add_output(alpha, "alpha.tsv")
    alpha.set_defaults(run=_alpha)

    permanova = commands.add_parser("permanova", help="how much of the distances between samples follows a formula")
    permanova.add_argument("--distances", type=Path, required=True, metavar="D", help="distances, .h5 or .tsv")
    permanova.add_argument("--metadata", type=Path, required=True, metavar="M", help="sample metadata, TSV")
    permanova.add_argument("--formula", required=True, metavar="F", help="as in '~ disease + age * sex'; other names stand in backticks")
    permanova.add_argument(
        "--by",
        choices=("terms", "margin", "whole"),
        default="margin",
        help="each term after those before it (terms), after all others (margin), or all at once (whole) (default: %(default)s)",
    )
    permanova.add_argument("--strata", metavar="COL", help="metadata column: permute only within its values, as within batches")
    permanova.add_argument("--subject", metavar="COL", help="metadata column that tells which samples are of one subject")
    permanova.add_argument(
        "--permute",
        choices=("auto", "within", "whole"),
        default="auto",
        help="with repeated subjects: exchange samples within subjects, whole subjects, or whichever fits each term (default: %(default)s)",
    )
    permanova.add_argument("--permutations", type=positive, default=999, metavar="N", help="number of permutations (default: %(default)s)")
    add_seed(permanova)
    permanova.add_argument(
        "--untestable",
        choices=("error", "record"),
        default="error",
        help="where these samples cannot test the formula: stop, or write an empty table with the reason (default: %(default)s)",
    )
    add_output(permanova, "permanova.tsv")
    permanova.set_defaults(run=_permanova)

    configure_models(commands)
    dispersion = commands.add_parser("dispersion", help="whether groups differ in spread around their centre")
    dispersion.add_argument("--distances", type=Path, required=True, metavar="D", help="distances, .h5 or .tsv")
    dispersion.add_argument("--metadata", type=Path, required=True, metavar="M", help="sample metadata, TSV")
    dispersion.add_argument("--variable", required=True, metavar="COL", help="metadata column of groups")
    dispersion.add_argument("--subject", metavar="COL", help="metadata column that tells which samples are of one subject")
    dispersion.add_argument("--centre", choices=("median", "centroid"), default="median", help="centre of a group (default: spatial %(default)s)")
    dispersion.add_argument("--bias-adjust", action="store_true", help="correct for small groups by sqrt(n / (n - 1))")
    dispersion.add_argument("--permutations", type=positive, default=999, metavar="N", help="number of permutations (default: %(default)s)")
    add_seed(dispersion)
    add_output(dispersion, "dispersion.tsv")
    dispersion.set_defaults(run=_dispersion)
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
    table = compare_groups(alpha.frame, metadata, variable=variable, subject=subject, treat_as=args.treat_as, baseline=baseline, how=how)
    options = {"variable": variable, "subject": subject, "treat_as": args.treat_as, "baseline": baseline, "versus": args.versus}
    options |= {"test": args.test, "transform": dict(args.transform), "permutations": args.permutations}
    inputs = [input_digest("alpha", args.alpha), input_digest("cohort", args.cohort)]
    about = {**record(table.kind, options=options, inputs=inputs, seed=args.seed), **table.record}
    write_table(args.output, Table(table.kind, table.frame, about))
    return 0


def _permanova(args: argparse.Namespace) -> int:
    """Test a formula on distances."""
    from gutdiv.comparison.distances import permanova, untested
    from gutdiv.comparison.scheme import UntestableError
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.distances import read_distances
    from gutdiv.io.metadata import read_metadata
    from gutdiv.model.results import Table

    distances = read_distances(args.distances)
    names = ("formula", "by", "strata", "subject", "permute", "permutations")
    options = {name: getattr(args, name) for name in names}
    try:
        table = permanova(distances, read_metadata(args.metadata), seed=args.seed, **options)
    except UntestableError as error:
        if args.untestable == "error":
            raise
        table = untested(distances.metric, args.formula, str(error))
    inputs = [input_digest("distances", args.distances), input_digest("metadata", args.metadata)]
    traits = {"traits": distances.record["traits"]} if "traits" in distances.record else {}
    about = {**record(table.kind, options=options, inputs=inputs, seed=args.seed), **traits, **table.record}
    write_table(args.output, Table(table.kind, table.frame, about))
    return 0


def _dispersion(args: argparse.Namespace) -> int:
    """Compare the spread of groups."""
    from gutdiv.comparison.dispersion import compare_dispersion
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.distances import read_distances
    from gutdiv.io.metadata import read_metadata
    from gutdiv.model.results import Table

    options = {name: getattr(args, name) for name in ("variable", "subject", "centre", "bias_adjust", "permutations")}
    table = compare_dispersion(read_distances(args.distances), read_metadata(args.metadata), seed=args.seed, **options)
    inputs = [input_digest("distances", args.distances), input_digest("metadata", args.metadata)]
    about = {**record(table.kind, options=options, inputs=inputs, seed=args.seed), **table.record}
    write_table(args.output, Table(table.kind, table.frame, about))
    return 0
