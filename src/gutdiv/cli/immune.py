"""`gutdiv immune`: immune-relevant taxa in a cohort, and their links with diversity."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli import immune_samples
from gutdiv.cli.knowledge import add_knowledge, knowledge_inputs, read_knowledge
from gutdiv.cli.options import add_cohort, add_output, add_subject

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    match = commands.add_parser("match", help="find the taxa of the knowledge base in the cohort's lineages")
    add_cohort(match)
    add_knowledge(match)
    add_output(match, "table of matches, TSV; its record stands beside it")
    match.set_defaults(run=_match)
    link = commands.add_parser("link", help="link each taxon with the diversity of all others")
    add_cohort(link)
    link.add_argument("--covariate", action="append", default=[], metavar="COL", help="metadata column to adjust for; may be repeated")
    link.add_argument(
        "--marker", action="append", default=[], metavar="COL", help="numeric metadata column to link taxa with as well; may be repeated"
    )
    link.add_argument(
        "--load", metavar="COL", help="numeric metadata column with cells or gene copies per gram: links are then of absolute abundance"
    )
    link.add_argument(
        "--verdicts", type=Path, metavar="V", help="verdicts.tsv: describe also which taxa go with how far a sample lies from the controls"
    )
    add_subject(link)
    add_knowledge(link)
    add_output(link, "table of links, TSV; its record stands beside it")
    link.set_defaults(run=_link)
    immune_samples.configure(commands)
    check = commands.add_parser("check-knowledge", help="check the knowledge base against its own rules")
    add_knowledge(check)
    check.set_defaults(run=_check)


def _match(args: argparse.Namespace) -> int:
    """Match and write."""
    from gutdiv.immune.matching import match
    from gutdiv.io.artifacts import record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.io.knowledge import databases_of, read_synonyms
    from gutdiv.model.results import Table

    rows = read_knowledge(args)
    frame, about = match(read_cohort(args.cohort), rows, spelled=databases_of(read_synonyms()))
    write_table(args.output, Table("matches", frame, record("matches", inputs=_inputs(args), **about)))
    sys.stderr.write(
        f"immune match: {about['rows_matched']} of {len(rows)} rows matched, {about['features_matched']:,} features, "
        f"{about['share_of_reads']:.1%} of the reads; {args.output}\n"
    )
    return 0


def _link(args: argparse.Namespace) -> int:
    """Link and write."""
    from gutdiv.immune.links import link, verdict_axis
    from gutdiv.io.artifacts import read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    subject = args.subject or cohort.roles.subject
    axis = verdict_axis(cohort, read_table(args.verdicts, "verdicts").frame) if args.verdicts else None
    frame, about = link(
        cohort, read_knowledge(args), covariates=args.covariate, markers=args.marker, subject=subject, load=args.load, verdict=axis
    )
    options = {"covariates": args.covariate, "markers": args.marker, "subject": subject} | ({"load": args.load} if args.load else {})
    write_table(args.output, Table("links", frame, record("links", options=options, inputs=_inputs(args), **about)))
    for part, reason in about["absent"].items():
        sys.stderr.write(f"immune link: no {part}: {reason}\n")
    if len(frame):
        hits = frame[frame["q"] < 0.1]
        sys.stderr.write(
            f"immune link: {len(frame)} tests, {len(hits)} with q < 0.1, {(hits['robustness'] == 'robust').sum()} robust; {args.output}\n"
        )
    return 0


def _check(args: argparse.Namespace) -> int:
    """Check and say what was found."""
    rows = read_knowledge(args)
    sys.stdout.write(f"{len(rows)} rows keep the rules of the knowledge base\n")
    return 0


def _inputs(args: argparse.Namespace) -> list[dict[str, str]]:
    """Digests of what was read."""
    from gutdiv.io.artifacts import input_digest

    given = {"cohort": args.cohort, "verdicts": getattr(args, "verdicts", None), **knowledge_inputs(args)}
    return [input_digest(role, path) for role, path in given.items() if path]
