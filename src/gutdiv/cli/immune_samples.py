"""`gutdiv immune samples` and `gutdiv immune enrichment`: what is low in each sample, and which guilds are over-represented."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.knowledge import add_knowledge, knowledge_inputs, read_knowledge
from gutdiv.cli.options import add_cohort, add_output, add_subject
from gutdiv.errors import InputError

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
    guilds = commands.add_parser("enrichment", help="which guilds are over-represented among taxa that are linked or differ")
    add_cohort(guilds)
    guilds.add_argument("--links", type=Path, metavar="L", help="links.tsv, as `gutdiv immune link` writes it")
    guilds.add_argument("--abundance", type=Path, metavar="A", help="abundance.tsv, as `gutdiv comparison abundance` writes it")
    add_knowledge(guilds)
    add_output(guilds, "table of guilds, TSV; its record stands beside it")
    guilds.set_defaults(run=_enrichment)


def _samples(args: argparse.Namespace) -> int:
    """Describe and write."""
    from gutdiv.immune.heatmap import order_shares
    from gutdiv.immune.samples import describe_samples
    from gutdiv.io.artifacts import input_digest, making, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls

    cohort, taxa = read_cohort(args.cohort), read_table(args.taxa, "taxa")
    depth = taxa.record["depth"]
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth) if args.controls else None
    verdicts, rows = read_table(args.verdicts, "verdicts").frame, read_knowledge(args)
    flags = read_table(args.flags, "flags").frame
    frame, about = describe_samples(cohort, taxa.frame, verdicts=verdicts, flags=flags, rows=rows, controls=controls)
    word, group = dict(zip(verdicts["sample_id"], verdicts["verdict"], strict=True)), cohort.roles.group
    of = dict(zip(cohort.sample_ids, cohort.metadata.column(group), strict=True)) if group else None
    given = {"cohort": args.cohort, "taxa": args.taxa, "verdicts": args.verdicts, "flags": args.flags, **knowledge_inputs(args)}
    head = record(
        "samples",
        options={"controls": args.controls, "subject": args.subject},
        inputs=[input_digest(role, path) for role, path in given.items() if path],
        depth=depth,
        group=group,
        sources={"taxa": making(taxa.record)},
        heatmap=order_shares(taxa.frame, verdicts=word, rows=rows, groups=of),
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


def _enrichment(args: argparse.Namespace) -> int:
    """Count and write."""
    from gutdiv.immune.enrichment import enrich
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    if not (args.links or args.abundance):
        msg = "nothing was given to look at. Name --links links.tsv, --abundance abundance.tsv, or both."
        raise InputError(msg)
    frame, about = enrich(
        read_cohort(args.cohort),
        read_knowledge(args),
        links=read_table(args.links, "links").frame if args.links else None,
        abundance=read_table(args.abundance, "abundance").frame if args.abundance else None,
    )
    given = {"cohort": args.cohort, "links": args.links, "abundance": args.abundance, **knowledge_inputs(args)}
    inputs = [input_digest(role, path) for role, path in given.items() if path]
    write_table(args.output, Table("enrichment", frame, record("enrichment", inputs=inputs, **about)))
    for part, reason in about["absent"].items():
        sys.stderr.write(f"immune enrichment: no {part}: {reason}\n")
    if len(frame):
        sys.stderr.write(f"immune enrichment: {frame['p'].notna().sum()} tests, {(frame['q'] <= 0.05).sum()} with q <= 0.05; {args.output}\n")
    return 0
