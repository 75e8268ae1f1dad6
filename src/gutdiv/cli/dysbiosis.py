"""`gutdiv dysbiosis`: verdicts, how stable they are, flags, and published indices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli import dysbiosis_flags, dysbiosis_indices, dysbiosis_stability
from gutdiv.cli.options import add_cohort, add_depth, add_output, add_seed, add_subject, add_threads, take_threads

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verdict = commands.add_parser("verdict", help="judge every sample against the controls")
    add_cohort(verdict)
    verdict.add_argument("--alpha", type=Path, metavar="A", help="alpha.tsv (default: measured here, at --depth)")
    verdict.add_argument("--controls", metavar="EXPR", help="which samples are controls, as in 'group == \"control\"'")
    verdict.add_argument(
        "--reference",
        type=Path,
        metavar="R",
        help="reference.json: its intervals flag samples where no controls are given; made of several studies, it takes the place of the package's",
    )
    verdict.add_argument(
        "--no-reference", action="store_true", help="hold samples against no published healthy groups: verdicts by own controls only, 60 or more"
    )
    add_subject(verdict)
    add_depth(verdict)
    add_seed(verdict)
    add_threads(verdict)
    add_output(verdict, "folder for verdicts.tsv, explanations.tsv and flags.tsv", metavar="DIR")
    verdict.set_defaults(run=_verdict)
    dysbiosis_stability.configure(commands)
    dysbiosis_flags.configure(commands)
    dysbiosis_indices.configure(commands)


def _verdict(args: argparse.Namespace) -> int:
    """Measure what is missing, flag, judge, write."""
    from dataclasses import asdict

    import numpy as np

    from gutdiv.cli.dysbiosis_measures import measured_alarms, published_groups, shipped_reference
    from gutdiv.diversity.measure import measure_alpha
    from gutdiv.diversity.rarefaction import resolve_depth, sample_keys
    from gutdiv.dysbiosis.flags import flag_samples
    from gutdiv.dysbiosis.verdict import DRAWS, judge
    from gutdiv.io.artifacts import input_digest, read_reference, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table
    from gutdiv.reference.controls import choose_controls

    take_threads(args.threads)
    cohort = read_cohort(args.cohort)
    reference = read_reference(args.reference) if args.reference else None
    if args.alpha:
        alpha = read_table(args.alpha, "alpha")
        frame, about = alpha.frame, dict(alpha.record)
    else:
        frame, about = measure_alpha(cohort, depth=args.depth, seed=args.seed)
    wanted = args.depth if isinstance(args.depth, int) else about["depth"] or "auto"  # a verdict always needs one common depth
    depth = resolve_depth(cohort, wanted)
    assert depth is not None
    shannon = frame[(frame["metric"] == "shannon") & (frame["level"] == "feature")]
    if about["depth"] != depth or shannon.empty:
        shannon, _ = measure_alpha(cohort, ["shannon"], depth=depth, seed=args.seed)
    controls = choose_controls(cohort, args.controls, subject=args.subject, depth=depth) if args.controls else None
    entropy = shannon.set_index("sample_id")["value"].reindex(list(cohort.sample_ids)).to_numpy(dtype=np.float64)
    place = args.reference if reference is not None and reference.portable else shipped_reference()
    portable = None if args.no_reference else reference if reference is not None and reference.portable else read_reference(place)
    published, absent = published_groups(cohort, portable, expression=args.controls, subject=args.subject, seed=args.seed)
    judged = judge(
        cohort,
        controls,
        entropy,
        depth=depth,
        keys=sample_keys(cohort.sample_ids),
        seed=args.seed,
        published=published,
        absent=absent,
        alpha=frame if about["depth"] else None,
        false_alarms=measured_alarms(place),
    )
    flags = flag_samples(frame, controls, depth=about["depth"], reference=reference, seed=args.seed)
    given = {"cohort": args.cohort, "alpha": args.alpha, "reference": args.reference}
    inputs = [input_digest(role, path) for role, path in given.items() if path]
    inputs += [input_digest("published", place)] if portable is not None else []
    options = {"controls": args.controls, "subject": args.subject, "draws": DRAWS, "no_reference": args.no_reference}
    head = {"options": options, "inputs": inputs, "seed": args.seed, "depth": depth}
    write_table(args.output / "flags.tsv", Table("flags", flags, record("flags", **head)))
    write_table(args.output / "explanations.tsv", Table("explanations", judged.explanations, record("explanations", **head)))
    findings = [asdict(f) for f in judged.findings]
    write_table(args.output / "verdicts.tsv", Table("verdicts", judged.verdicts, record("verdicts", **head, findings=findings)))
    return 0
