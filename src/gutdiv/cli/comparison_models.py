"""`gutdiv comparison model` and `longitudinal`: alpha diversity by a formula, and over time within subjects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.cli.options import add_cohort, add_output, add_seed, add_subject, not_negative, pair
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands."""
    model = commands.add_parser("model", help="alpha diversity by a formula: linear models, and mixed models where subjects repeat")
    model.add_argument("--alpha", type=Path, required=True, metavar="A", help="alpha.tsv, as `gutdiv diversity alpha` writes it")
    add_cohort(model)
    model.add_argument("--formula", required=True, metavar="F", help="as in '~ disease + age * sex'; other names stand in backticks")
    add_subject(model)
    model.add_argument("--metric", action="append", metavar="NAME", help="metric, repeatable (default: all of alpha.tsv)")
    _add_untestable(model)
    add_output(model, "model.tsv")
    model.set_defaults(run=_model)

    longitudinal = commands.add_parser("longitudinal", help="alpha diversity, and distance from the own first sample, over time within subjects")
    longitudinal.add_argument("--alpha", type=Path, required=True, metavar="A", help="alpha.tsv, as `gutdiv diversity alpha` writes it")
    longitudinal.add_argument("--distances", type=Path, action="append", default=[], metavar="D", help="distances, .h5 or .tsv, repeatable")
    add_cohort(longitudinal)
    add_subject(longitudinal)
    longitudinal.add_argument("--time", metavar="COL", help="metadata column of numbers or ISO dates (default: as in the cohort)")
    longitudinal.add_argument(
        "--time-value",
        action="append",
        default=[],
        type=_time_value,
        metavar="WORD=NUMBER",
        help="where the column of time holds words: the number for each of them, as in pre=0; repeatable",
    )
    longitudinal.add_argument("--group", metavar="COL", help="metadata column of groups, constant within subjects (default: the cohort's group)")
    longitudinal.add_argument("--metric", action="append", metavar="NAME", help="metric, repeatable (default: all of alpha.tsv)")
    longitudinal.add_argument(
        "--permutations",
        type=not_negative,
        default=9999,
        metavar="N",
        help="random permutations where a rank test's p would be an approximation for fewer than 10 subjects (default: %(default)s)",
    )
    add_seed(longitudinal)
    _add_untestable(longitudinal)
    add_output(longitudinal, "folder for trajectories.tsv and tests.tsv", metavar="FOLDER")
    longitudinal.set_defaults(run=_longitudinal)


def _add_untestable(parser: argparse.ArgumentParser) -> None:
    """Add `--untestable`."""
    parser.add_argument(
        "--untestable",
        choices=("error", "record"),
        default="error",
        help="where these samples cannot be tested: stop, or write an empty table with the reason (default: %(default)s)",
    )


def _time_value(text: str) -> tuple[str, float]:
    """Read `WORD=NUMBER`."""
    return pair(text, "WORD=NUMBER, as in pre=0")


def _model(args: argparse.Namespace) -> int:
    """Model alpha metrics."""
    from gutdiv.comparison.models import model_alpha
    from gutdiv.comparison.scheme import UntestableError
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    subject = args.subject or cohort.roles.subject
    options: dict[str, Any] = {"formula": args.formula, "subject": subject, "metric": args.metric}
    try:
        table = model_alpha(
            read_table(args.alpha, "alpha").frame, cohort.metadata, formula=args.formula, subject=subject, metrics=args.metric
        )
    except UntestableError as error:
        if args.untestable == "error":
            raise
        table = _untested(args.formula, str(error), {"formula": args.formula, "subject": subject})
    inputs = [input_digest("alpha", args.alpha), input_digest("cohort", args.cohort)]
    write_table(args.output, Table(table.kind, table.frame, {**record(table.kind, options=options, inputs=inputs), **table.record}))
    return 0


def _longitudinal(args: argparse.Namespace) -> int:
    """Follow subjects over time and test their courses."""
    from gutdiv.comparison.contrasts import Procedure
    from gutdiv.comparison.courses import group_courses
    from gutdiv.comparison.longitudinal import compare_courses
    from gutdiv.comparison.scheme import UntestableError
    from gutdiv.comparison.share import subsample_note
    from gutdiv.comparison.trajectories import follow, nowhere
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.io.distances import read_distances
    from gutdiv.model.results import Table

    cohort = read_cohort(args.cohort)
    roles = {"subject": args.subject or cohort.roles.subject, "time": args.time or cohort.roles.time}
    for role, column in roles.items():
        if column is None:
            msg = f"the cohort names no {role}. Give --{role} with a metadata column."
            raise InputError(msg)
    group = args.group or cohort.roles.group
    alpha = read_table(args.alpha, "alpha").frame
    unknown = [m for m in args.metric or () if m not in set(alpha["metric"])]
    if unknown:
        msg = f"the alpha table has no metric {unknown[0]!r}. It has: {', '.join(dict.fromkeys(alpha['metric']))}."
        raise InputError(msg)
    if args.metric:
        alpha = alpha[alpha["metric"].isin(args.metric)]
    courses: Table | None = None
    distances = [read_distances(d) for d in args.distances]
    try:
        courses = follow(
            alpha,
            cohort.metadata,
            subject=str(roles["subject"]),
            time=str(roles["time"]),
            group=group,
            distances=distances,
            given=dict(args.time_value),
        )
        tests = compare_courses(courses, how=Procedure("rank", args.permutations, args.seed))
    except UntestableError as error:
        if args.untestable == "error":
            raise
        tests = _untested("every test", str(error), {**roles, "group": group})
        courses = nowhere({**roles, "group": group}) if courses is None else courses
    lines = group_courses(courses.frame, by_group=group is not None and group not in tests.record["absent"])
    options: dict[str, Any] = {**roles, "group": group, "time_value": dict(args.time_value), "metric": args.metric}
    inputs = [input_digest("alpha", args.alpha), *(input_digest("distances", d) for d in args.distances), input_digest("cohort", args.cohort)]
    parts = {f"distances of {d.metric}": d.record["subsample"] for d in distances if "subsample" in d.record}
    told = {"notes": [f"{what[0].upper()}{what[1:]}: {subsample_note(part)}" for what, part in parts.items()]} if parts else {}
    about = {**record(courses.kind, options=options, inputs=inputs), **told}
    write_table(args.output / "trajectories.tsv", Table(courses.kind, courses.frame, {**about, **courses.record, "courses": lines}))
    options["permutations"] = args.permutations
    about = {**record(tests.kind, options=options, inputs=inputs, seed=args.seed), **told}
    write_table(args.output / "tests.tsv", Table(tests.kind, tests.frame, {**about, **tests.record}))
    return 0


def _untested(what: str, reason: str, about: Mapping[str, Any]) -> Any:
    """Make the table of what these samples cannot test: no row, and the reason in the record."""
    import pandas as pd

    from gutdiv.model.results import TABLES, Table

    frame = pd.DataFrame({c: pd.Series(dtype=object) for c in TABLES["group_test"]})
    return Table("group_test", frame, {**about, "absent": {what: reason}, "findings": []})
