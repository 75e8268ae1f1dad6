"""`gutdiv dysbiosis stability`: how often a verdict stays over rarefaction draws and bootstraps of controls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.cli.options import add_cohort, add_output, add_threads, not_negative, take_threads
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Table
    from gutdiv.numerics.portable_score import People

DRAWS, BOOTSTRAPS = 20, 50


def configure(commands: Any) -> None:
    """Add the action."""
    parser = commands.add_parser("stability", help="say how often a verdict stays over rarefaction draws and bootstraps of controls")
    parser.add_argument("--verdicts", type=Path, required=True, metavar="V", help="verdicts.tsv; controls, subject, depth and seed are those of its record")
    add_cohort(parser)
    parser.add_argument("--alpha", type=Path, metavar="A", help="alpha.tsv, where the verdicts were made with it")
    parser.add_argument("--reference", type=Path, metavar="R", help="reference.json, where the verdicts were made with it")
    parser.add_argument("--draws", type=not_negative, default=DRAWS, metavar="N", help="single rarefaction draws (default: %(default)s)")
    parser.add_argument(
        "--bootstraps", type=not_negative, default=BOOTSTRAPS, metavar="N", help="bootstraps of the control subjects (default: %(default)s)"
    )
    add_threads(parser)
    add_output(parser, "stability.tsv")
    parser.set_defaults(run=_stability)


def _stability(args: argparse.Namespace) -> int:
    """Read the verdicts, judge the doubtful ones again, write."""
    import pandas as pd

    from gutdiv.dysbiosis.stability import CLEAR, COLUMNS, doubtful
    from gutdiv.io.artifacts import input_digest, read_table, record, write_table
    from gutdiv.io.cohorts import read_cohort
    from gutdiv.model.results import Table

    take_threads(args.threads)
    verdicts = read_table(args.verdicts, "verdicts")
    about = verdicts.record
    inputs = [input_digest("verdicts", args.verdicts), *_same_inputs(args, about)]
    wanted = doubtful(verdicts.frame)
    absent = {}
    if wanted.empty:
        frame = pd.DataFrame(columns=COLUMNS)
        absent = {"samples": f"no sample was judged with p of {CLEAR:g} or less"}
    else:
        frame = _again(args, read_cohort(args.cohort), about, wanted)
    options = {"draws": args.draws, "bootstraps": args.bootstraps, "clear_p": CLEAR}
    judged = int((verdicts.frame["verdict"] != "not assessable").sum())
    head = record("stability", options=options, inputs=inputs, seed=about.get("seed"), absent=absent, judged=judged, doubtful=len(wanted))
    write_table(args.output, Table("stability", frame, head))
    return 0


def _same_inputs(args: argparse.Namespace, about: Mapping[str, Any]) -> list[dict[str, str]]:
    """Digests of the inputs, after a check that the verdicts were made of the same files."""
    from gutdiv.io.artifacts import input_digest

    made_of = {entry["role"]: entry for entry in about["inputs"]}
    found = []
    for role in ("cohort", "alpha", "reference"):
        given, was = getattr(args, role), made_of.get(role)
        if given is None and was is not None:
            msg = f"{args.verdicts} was made with the {role} {was['name']}. Give it with --{role}."
            raise InputError(msg)
        if given is None:
            continue
        own = input_digest(role, given)
        if was is None or was["sha256"] != own["sha256"]:
            msg = f"{args.verdicts} was not made with the {role} {given}. Give the same one, or make the verdicts again."
            raise InputError(msg)
        found.append(own)
    return found


def _again(args: argparse.Namespace, cohort: Cohort, about: Mapping[str, Any], wanted: pd.DataFrame) -> pd.DataFrame:
    """Judge again in the tier of the verdicts."""
    from gutdiv.cli.dysbiosis_measures import people_of_draw, published_groups, shipped_reference
    from gutdiv.diversity.rarefaction import sample_keys
    from gutdiv.dysbiosis.stability import published_stability, study_stability
    from gutdiv.io.artifacts import input_digest, read_reference
    from gutdiv.reference.controls import choose_controls

    options, seed, depth = about["options"], int(about["seed"]), int(about["depth"])
    tries = {"seed": seed, "draws": args.draws, "bootstraps": args.bootstraps}
    if (wanted["tier"] == "in-study").all():
        controls = choose_controls(cohort, options["controls"], subject=options["subject"], depth=depth)
        keys = sample_keys(cohort.sample_ids)
        return study_stability(cohort, wanted, controls, _entropy(args, cohort, about), depth=depth, keys=keys, **tries)
    given = read_reference(args.reference) if args.reference else None
    place = args.reference if given is not None and given.portable else shipped_reference()
    portable = given if given is not None and given.portable else read_reference(place)
    was = next((e["sha256"] for e in about["inputs"] if e["role"] == "published"), None)
    if input_digest("published", place)["sha256"] != was:
        msg = f"{args.verdicts} was made with another reference of published groups than {place.name}. Make the verdicts again."
        raise InputError(msg)
    published, absent = published_groups(cohort, portable, expression=options["controls"], subject=options["subject"], seed=seed)
    if published is None:
        msg = f"{args.verdicts} holds verdicts by published groups, but {absent}."
        raise InputError(msg)

    def people_of(draw: int) -> People:
        return people_of_draw(cohort, portable, seed=seed, draw=draw)

    return published_stability(cohort, wanted, published, people_of, **tries)


def _entropy(args: argparse.Namespace, cohort: Cohort, about: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """Shannon entropy as the verdicts had it."""
    import numpy as np

    from gutdiv.diversity.measure import measure_alpha
    from gutdiv.io.artifacts import read_table

    alpha: Table | None = read_table(args.alpha, "alpha") if args.alpha else None
    frame = alpha.frame if alpha is not None else None
    if frame is not None:
        frame = frame[(frame["metric"] == "shannon") & (frame["level"] == "feature")]
    if alpha is None or frame is None or alpha.record["depth"] != about["depth"] or frame.empty:
        frame, _ = measure_alpha(cohort, ["shannon"], depth=int(about["depth"]), seed=int(about["seed"]))
    return frame.set_index("sample_id")["value"].reindex(list(cohort.sample_ids)).to_numpy(dtype=np.float64)
