"""`gutdiv diversity`: depth, curves, standards, alpha, beta, gather, ordination."""

from __future__ import annotations

import argparse
from pathlib import Path

from gutdiv.cli import ordination
from gutdiv.cli.knowledge import add_knowledge, knowledge_inputs, read_knowledge
from gutdiv.cli.options import add_cohort, add_depth, add_level, add_output, add_seed, add_subject, add_threads, positive, take_threads
from gutdiv.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    depth = commands.add_parser("depth", help="weigh rarefaction depths and show the one that `auto` takes")
    add_cohort(depth)
    add_depth(depth)
    depth.add_argument(
        "--metric", action="append", metavar="NAME", help="alpha metric to correlate with reads at each depth; repeatable (default: the usual ones)"
    )
    add_seed(depth)
    add_output(depth, "depths.tsv")
    depth.set_defaults(run=_depth)

    curves = commands.add_parser("curves", help="rarefaction curves of every sample and group: expected richness and coverage along depth")
    add_cohort(curves)
    add_depth(curves)
    curves.add_argument("--points", type=positive, default=24, metavar="K", help="depths along each curve (default: %(default)s)")
    add_threads(curves)
    add_output(curves, "curves.tsv")
    curves.set_defaults(run=_curves)

    standards = commands.add_parser("standards", help="Hill numbers as sequenced, at equal depth and at equal coverage")
    add_cohort(standards)
    add_depth(standards)
    add_level(standards)
    add_threads(standards)
    add_output(standards, "standards.tsv")
    standards.set_defaults(run=_standards)

    alpha = commands.add_parser("alpha", help="alpha diversity of every sample")
    add_cohort(alpha)
    alpha.add_argument(
        "--metric", action="append", metavar="NAME", help="metric, repeatable (default: the usual ones that the cohort allows)"
    )
    alpha.add_argument(
        "--level", action="append", choices=("feature", "genus"), help="count features or genera, repeatable (default: feature)"
    )
    add_depth(alpha)
    alpha.add_argument("--draws", type=positive, default=100, metavar="R", help="rarefaction draws (default: %(default)s)")
    add_seed(alpha)
    add_threads(alpha)
    add_output(alpha, "alpha.tsv")
    alpha.set_defaults(run=_alpha)

    beta = commands.add_parser("beta", help="distances between samples")
    add_cohort(beta)
    beta.add_argument("--metric", required=True, metavar="NAME", help="one metric")
    add_depth(beta)
    add_seed(beta)
    beta.add_argument("--rows", type=_part, default=(1, 1), metavar="K/N", help="compute only the K-th of N blocks of rows")
    beta.add_argument("--draws", type=positive, default=1, metavar="R", help="rarefaction draws whose mean is taken (default: %(default)s)")
    beta.add_argument("--alpha", type=float, metavar="A", help="of generalized_unifrac, from 0 to 1 (default: 0.5)")
    beta.add_argument(
        "--precision",
        choices=("double", "single"),
        default="double",
        help="single halves the memory and keeps 6 digits (default: %(default)s)",
    )
    beta.add_argument(
        "--subsample",
        type=positive,
        metavar="M",
        help="measure between M samples at most, drawn by the seed: whole subjects, each group in its proportion (default: all samples)",
    )
    add_threads(beta)
    add_output(beta, "distances, .h5 or .tsv")
    beta.set_defaults(run=_beta)

    gather = commands.add_parser("gather", help="put blocks of rows together into one matrix")
    gather.add_argument("parts", nargs="+", type=Path, metavar="PART", help="files that `diversity beta --rows` wrote")
    add_output(gather, "distances, .h5 or .tsv")
    gather.set_defaults(run=_gather)

    taxa = commands.add_parser("taxa", help="scores of taxa and guilds of a knowledge table: centred log-ratios and log-ratios")
    add_cohort(taxa)
    add_knowledge(taxa)
    add_depth(taxa)
    taxa.add_argument("--draws", type=positive, default=20, metavar="R", help="rarefaction draws (default: %(default)s)")
    add_seed(taxa)
    add_output(taxa, "taxa.tsv")
    taxa.set_defaults(run=_taxa)

    composition = commands.add_parser("composition", help="shares of the most abundant taxa at every rank")
    add_cohort(composition)
    composition.add_argument("--controls", metavar="EXPR", help="which samples are controls: their mean is written too, one sample a subject")
    add_subject(composition)
    add_output(composition, "composition.tsv")
    composition.set_defaults(run=_composition)

    ordination.configure(commands)


def _part(text: str) -> tuple[int, int]:
    """Read `K/N`."""
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n)):
        msg = f"{text!r} is not K/N with 1 <= K <= N, as in 2/8"
        raise argparse.ArgumentTypeError(msg)
    return int(k), int(n)


def _depth(args: argparse.Namespace) -> int:
    """Write the table of candidate depths."""
    from gutdiv.diversity.depths import batch_warnings, depth_notes, depth_table, depth_warnings, followed, group_losses, verdict_depths
    from gutdiv.diversity.rarefaction import COVERAGE, KEPT, resolve_depth
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    target = resolve_depth(cohort, args.depth)
    table, absent = depth_table(cohort, extra=[] if target is None else [target], seed=args.seed, metrics=args.metric)
    about = record(
        "depths",
        options={"depth": args.depth, "metric": args.metric},
        inputs=[input_digest("cohort", args.cohort)],
        seed=args.seed,
        depth=target,
        keeps=KEPT,
        coverage=COVERAGE,
        verdict_depths=verdict_depths(cohort, target),
        warnings=[*depth_warnings(cohort, table, target), *batch_warnings(table, target)],
        beyond_depth=batch_warnings(table, target),
        followed=followed(table, target),
        notes=depth_notes(cohort, target),
        absent=absent,
        **group_losses(cohort, table),
    )
    write_table(args.output, Table("depths", table, about))
    return 0


def _curves(args: argparse.Namespace) -> int:
    """Compute and write rarefaction curves."""
    from gutdiv.diversity.curves import rarefaction_curves
    from gutdiv.diversity.rarefaction import resolve_depth
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    take_threads(args.threads)
    cohort = read_cohort(args.cohort)
    target = resolve_depth(cohort, args.depth)
    frame, about = rarefaction_curves(cohort, extra=[] if target is None else [target], points=args.points)
    options = {"depth": args.depth, "points": args.points}
    head = record("curves", options=options, inputs=[input_digest("cohort", args.cohort)], depth=target, **about)
    write_table(args.output, Table("curves", frame, head))
    return 0


def _standards(args: argparse.Namespace) -> int:
    """Compute and write Hill numbers by three standards."""
    from gutdiv.diversity.standards import standardise
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    take_threads(args.threads)
    frame, about = standardise(read_cohort(args.cohort), depth=args.depth, level=args.level)
    options = {"depth": args.depth, "level": args.level}
    head = record("standards", options=options, inputs=[input_digest("cohort", args.cohort)], **about)
    write_table(args.output, Table("standards", frame, head))
    return 0


def _alpha(args: argparse.Namespace) -> int:
    """Measure and write alpha diversity, at one level or several."""
    import pandas as pd

    from gutdiv.diversity.measure import measure_alpha
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    take_threads(args.threads)
    cohort = read_cohort(args.cohort)
    levels = list(dict.fromkeys(args.level or ["feature"]))
    made = [measure_alpha(cohort, args.metric, depth=args.depth, draws=args.draws, seed=args.seed, level=level) for level in levels]
    about = made[0][1]
    for level, (_, more) in zip(levels[1:], made[1:], strict=True):
        about["absent"] |= {f"{name} ({level})": reason for name, reason in more["absent"].items()}
        about["metrics"] = {**more["metrics"], **about["metrics"]}
    options = {"metric": args.metric, "level": levels, "depth": args.depth, "draws": args.draws}
    head = record("alpha", options=options, inputs=[input_digest("cohort", args.cohort)], seed=args.seed, **about)
    write_table(args.output, Table("alpha", pd.concat([frame for frame, _ in made], ignore_index=True), head))
    return 0


def _taxa(args: argparse.Namespace) -> int:
    """Score and write taxa and guilds."""
    from gutdiv.diversity.taxa import measure_taxa
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    frame, about = measure_taxa(read_cohort(args.cohort), read_knowledge(args), depth=args.depth, draws=args.draws, seed=args.seed)
    given = {"cohort": args.cohort, **knowledge_inputs(args)}
    inputs = [input_digest(role, path) for role, path in given.items() if path]
    head = record("taxa", options={"depth": args.depth, "draws": args.draws}, inputs=inputs, seed=args.seed, **about)
    write_table(args.output, Table("taxa", frame, head))
    return 0


def _composition(args: argparse.Namespace) -> int:
    """Measure and write what samples are made of."""
    import numpy as np

    from gutdiv.diversity.composition import measure_composition
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls

    cohort = read_cohort(args.cohort)
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    sets = {}
    if args.controls:
        chosen = choose_controls(cohort, args.controls, subject=args.subject).chosen
        sets["controls"] = np.array([place[s] for s in chosen], dtype=np.int64)
    group = cohort.roles.group
    frame, about = measure_composition(cohort, groups=cohort.metadata.column(group) if group else None, sets=sets)
    options = {"controls": args.controls, "subject": args.subject}
    head = record("composition", options=options, inputs=[input_digest("cohort", args.cohort)], group=group, **about)
    write_table(args.output, Table("composition", frame, head))
    return 0


def _beta(args: argparse.Namespace) -> int:
    """Measure and write distances, or one block of their rows."""
    from gutdiv.diversity.catalog import find
    from gutdiv.diversity.distances import measure_beta
    from gutdiv.io.artifacts import input_digest, record
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.io.distances import write_rows_block
    from gutdiv.numerics.span import Condensed

    take_threads(args.threads)
    if args.rows != (1, 1) and args.output.suffix != ".h5":
        msg = f"a block of rows is written as .h5, not {args.output.name!r}. Change the ending of --output."
        raise InputError(msg)
    cohort = read_cohort(args.cohort, parts=("tree",) if find(args.metric, "beta").needs_tree else ())
    whole = args.rows == (1, 1)
    ids, found, rows, about = measure_beta(
        cohort,
        args.metric,
        depth=args.depth,
        draws=args.draws,
        seed=args.seed,
        alpha=args.alpha,
        part=args.rows,
        condensed=whole,
        single=args.precision == "single",
        subsample=args.subsample,
    )
    options = {
        "metric": args.metric,
        "depth": args.depth,
        "draws": args.draws,
        "precision": args.precision,
        **({"alpha": about["alpha"]} if "alpha" in about else {}),
        **({"subsample": args.subsample} if args.subsample else {}),
    }
    head = {**record("distances", options=options, inputs=[input_digest("cohort", args.cohort)], seed=args.seed), **about}
    write_rows_block(args.output, ids, Condensed(found, len(ids)) if whole else found, rows, head)
    return 0


def _gather(args: argparse.Namespace) -> int:
    """Put blocks together."""
    from gutdiv.io.distances import gather_blocks

    gather_blocks(args.parts, args.output)
    return 0
