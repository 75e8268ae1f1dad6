"""`gutdiv dysbiosis indices`: published indices of dysbiosis, beside the verdict and never part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gutdiv.cli.options import add_cohort, add_depth, add_output, add_seed, add_subject, add_threads, take_threads

if TYPE_CHECKING:
    import argparse


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    indices = commands.add_parser("indices", help="published indices of every sample, with cut-offs from the controls")
    add_cohort(indices)
    indices.add_argument("--controls", metavar="EXPR", help="which samples are controls, as in 'group == \"control\"'")
    add_subject(indices)
    indices.add_argument(
        "--level", choices=("feature", "genus"), default="genus", help="what dissimilarities compare (default: %(default)s; without lineages, features)"
    )
    add_depth(indices)
    add_seed(indices)
    add_threads(indices)
    add_output(indices, "indices.tsv")
    indices.set_defaults(run=_indices)


def _indices(args: argparse.Namespace) -> int:
    """Choose controls, compute, write."""
    from gutdiv.diversity.rarefaction import resolve_depth, sample_keys
    from gutdiv.diversity.taxa import mdi_features
    from gutdiv.dysbiosis.indices import Signs, measure_indices
    from gutdiv.io.artifacts import input_digest, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.io.knowledge import read_parts
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls

    take_threads(args.threads)
    cohort = read_cohort(args.cohort)
    depth = resolve_depth(cohort, args.depth if isinstance(args.depth, int) else "auto")  # distances always need one common depth
    assert depth is not None
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth) if args.controls else None
    level = args.level if cohort.lineages is not None else "feature"
    signs = Signs(*mdi_features(cohort, read_parts()))
    frame, about = measure_indices(
        cohort, controls, signs, depth=depth, keys=sample_keys(cohort.sample_ids), level=level, seed=args.seed
    )
    options = {"controls": args.controls, "subject": args.subject, "level": level, "depth": args.depth}
    head = record("indices", options=options, inputs=[input_digest("cohort", args.cohort)], seed=args.seed, depth=depth, **about)
    write_table(args.output, Table("indices", frame, head))
    return 0
