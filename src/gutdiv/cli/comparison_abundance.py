"""`gutdiv comparison abundance`: which taxa differ between groups or along a number."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gutdiv.cli.options import add_cohort, add_output, add_subject

if TYPE_CHECKING:
    import argparse


def configure(commands: Any) -> None:
    """Add the subcommand."""
    abundance = commands.add_parser("abundance", help="which taxa differ in abundance or prevalence between groups, or along a number")
    add_cohort(abundance)
    abundance.add_argument(
        "--formula", metavar="F", help="as in '~ group + age'; other names stand in backticks (default: the variable alone)"
    )
    abundance.add_argument(
        "--variable", metavar="COL", help="the column that is tested (default: the first of the formula, or the cohort's group)"
    )
    abundance.add_argument(
        "--rank", choices=("genus", "family", "feature"), default="genus", help="what is compared (default: %(default)s)"
    )
    add_subject(abundance)
    abundance.add_argument(
        "--baseline", metavar="GROUP", help="the group that the others are compared with (default: the first by name)"
    )
    abundance.add_argument(
        "--min-prevalence", type=float, default=0.1, metavar="SHARE", help="share of samples that must hold a taxon (default: %(default)s)"
    )
    abundance.add_argument(
        "--untestable",
        choices=("error", "record"),
        default="error",
        help="where these samples cannot test the formula: stop, or write an empty table with the reason (default: %(default)s)",
    )
    add_output(abundance, "abundance.tsv")
    abundance.set_defaults(run=_abundance)


def _abundance(args: argparse.Namespace) -> int:
    """Compare and write."""
    from gutdiv.comparison.abundance import compare_abundance, untested
    from gutdiv.comparison.scheme import UntestableError
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    options = {name: getattr(args, name) for name in ("formula", "variable", "rank", "baseline", "min_prevalence")}
    options["subject"] = args.subject or cohort.roles.subject
    try:
        table = compare_abundance(cohort, **options)
    except UntestableError as error:
        if args.untestable == "error":
            raise
        table = untested(str(error))
    about = {**record(table.kind, options=options, inputs=[input_digest("cohort", args.cohort)]), **table.record}
    write_table(args.output, Table(table.kind, table.frame, about))
    for part, reason in table.record["absent"].items():
        sys.stderr.write(f"comparison abundance: no {part}: {reason}\n")
    clear = table.frame[table.frame["strength"] == "clear"]
    confirmed = sum(f["what"] == "abundance_difference" for f in table.record["findings"])
    by = f", {confirmed} of them confirmed by {table.record['confirmed_by']}" if table.record.get("confirmed_by") else ""
    abundance, prevalence = ((clear["metric"] == m).sum() for m in ("abundance", "prevalence"))
    sys.stderr.write(
        f"comparison abundance: {len(table.frame)} rows; abundance {abundance} clear{by}; prevalence {prevalence} clear; {args.output}\n"
    )
    return 0
