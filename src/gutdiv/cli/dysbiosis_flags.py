"""`gutdiv dysbiosis flags`: alpha diversity, taxa and guilds of every sample against the interval of the controls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.cli.options import add_cohort, add_output, add_seed, add_subject
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse

    from gutdiv.model.results import Controls


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    flags = commands.add_parser("flags", help="flag alpha diversity, taxa and guilds of every sample against the controls' interval")
    add_cohort(flags)
    flags.add_argument("--alpha", type=Path, metavar="A", help="alpha.tsv, rarefied: a row for every sample and metric")
    flags.add_argument("--taxa", type=Path, metavar="T", help="taxa.tsv, rarefied: rows that are not within; the rest is counted in the record")
    flags.add_argument("--controls", metavar="EXPR", help="which samples are controls, as in 'group == \"control\"'")
    flags.add_argument("--reference", type=Path, metavar="R", help="reference.json, whose intervals flag samples where no controls are given")
    add_subject(flags)
    add_seed(flags)
    add_output(flags, "flags.tsv")
    flags.set_defaults(run=_flags)


def _flags(args: argparse.Namespace) -> int:
    """Read what was measured, flag, write."""
    import pandas as pd

    from gutdiv.dysbiosis.flags import flag_samples, flag_taxa
    from gutdiv.io.artifacts import input_digest, read_reference, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls

    if not (args.alpha or args.taxa):
        msg = "nothing to flag. Give --alpha alpha.tsv, --taxa taxa.tsv, or both."
        raise InputError(msg)
    cohort = read_cohort(args.cohort)
    reference = read_reference(args.reference) if args.reference else None

    def chosen(depth: int | None) -> Controls | None:
        return choose_controls(cohort, args.controls, subject=args.subject, depth=depth) if args.controls else None

    frames: list[pd.DataFrame] = []
    about: dict[str, Any] = {"counts": {}, "absent": {}, "shown_only": []}
    depths: dict[str, int | None] = {}
    if args.alpha:
        alpha = read_table(args.alpha, "alpha")
        depths["alpha"] = depth = alpha.record.get("depth")
        frames.append(flag_samples(alpha.frame, chosen(depth), depth=depth, reference=reference, seed=args.seed))
    if args.taxa:
        taxa = read_table(args.taxa, "taxa")
        depths["taxa"] = depth = taxa.record.get("depth")
        flags, told = flag_taxa(taxa.frame, chosen(depth), depth=depth, reference=reference, seed=args.seed)
        about = {**told, "absent": {**taxa.record.get("absent", {}), **told["absent"]}}
        frames.append(flags)
    columns = list(frames[-1].columns)
    frame = pd.concat([f for f in frames if len(f)] or frames[-1:], ignore_index=True).reindex(columns=columns)
    inputs = [input_digest(role, getattr(args, role)) for role in ("cohort", "alpha", "taxa", "reference") if getattr(args, role)]
    options = {"controls": args.controls, "subject": args.subject}
    head = record("flags", options=options, inputs=inputs, seed=args.seed, depth=next(iter(depths.values())), **about)
    write_table(args.output, Table("flags", frame, head))
    return 0
