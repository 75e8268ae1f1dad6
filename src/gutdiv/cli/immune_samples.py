"""`gutdiv immune samples` and `gutdiv immune enrichment`: what is low in each sample, and which guilds are over-represented."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.knowledge import add_knowledge, knowledge_inputs, read_knowledge
from gutdiv.cli.options import add_cohort, add_output, add_subject

if TYPE_CHECKING:
    import argparse


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands."""
    samples = commands.add_parser("samples", help="what is depleted or enriched in each sample that is low, borderline or outside")
    add_cohort(samples)
    samples.add_argument("--taxa", type=Path, required=True, metavar="T", help="taxa.tsv, as `gutdiv diversity taxa` writes it")
    samples.add_argument("--verdicts", type=Path, required=True, metavar="V", help="verdicts.tsv, as `gutdiv dysbiosis verdict` writes it")
    samples.add_argument("--flags", type=Path, required=True, metavar="F", help="flags.tsv, which stands beside verdicts.tsv")
    samples.add_argument("--controls", metavar="EXPR", help="which samples are controls, as in 'group == \"control\"'; without it nothing is told")
    add_subject(samples)
    add_knowledge(samples)
    add_output(samples, "table of samples, TSV; its record stands beside it")
    samples.set_defaults(run=_samples)


def _samples(args: argparse.Namespace) -> int:
    """Describe and write."""
    from gutdiv.immune.samples import describe_samples
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls

    cohort, taxa = read_cohort(args.cohort), read_table(args.taxa, "taxa")
    depth = taxa.record["depth"]
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth) if args.controls else None
    frame, about = describe_samples(
        cohort,
        taxa.frame,
        verdicts=read_table(args.verdicts, "verdicts").frame,
        flags=read_table(args.flags, "flags").frame,
        rows=read_knowledge(args),
        controls=controls,
    )
    given = {"cohort": args.cohort, "taxa": args.taxa, "verdicts": args.verdicts, "flags": args.flags, **knowledge_inputs(args)}
    head = record(
        "samples",
        options={"controls": args.controls, "subject": args.subject},
        inputs=[input_digest(role, path) for role, path in given.items() if path],
        depth=depth,
        **about,
    )
    write_table(args.output, Table("samples", frame, head))
    for part, reason in about["absent"].items():
        sys.stderr.write(f"immune samples: no {part}: {reason}\n")
    if len(frame):
        sys.stderr.write(
            f"immune samples: {frame['sample_id'].nunique():,} samples, {(frame['state'] == 'depleted').sum():,} rows on what is depleted, "
            f"{(frame['state'] == 'enriched').sum():,} on what is enriched; {args.output}\n"
        )
    return 0
