"""`gutdiv run`: the packaged Snakemake workflow on one table."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.follow import follow
from gutdiv.cli.inputs import DEFAULTS, add_inputs, carries_tree
from gutdiv.cli.options import add_seed, depth, positive
from gutdiv.cli.resume import claim, foreign_snakemake, locked, mark, recover, remove_unfinished, slurm_prefix
from gutdiv.cli.settings import COLUMNS, FILES, NOT_THE_DEMO, Settings, filled, sheet
from gutdiv.cli.workflow_files import PROFILES, own_caches, own_path, workflow_folder
from gutdiv.errors import ExpressionError, GutdivError, InputError, first_ids
from gutdiv.grammar.expression import parse_expression
from gutdiv.grammar.formula import parse_formula

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from gutdiv.cli.resume import Claim

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DRY = re.compile(r"--dry-?run|-[pqkF]*n[pqkF]*")  # alone, or with other options of one letter


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gutdiv run`."""
    add_inputs(parser)
    parser.add_argument("--controls", metavar="EXPR", help="who the others are held against, as in: 'group == \"healthy\" and age >= 18'")
    parser.add_argument(
        "--controls-are", choices=("healthy",), default="", help="what you know of the controls; the report uses the word only if given"
    )
    parser.add_argument(
        "--formula", default="", metavar="F", help="what may explain differences, as in '~ disease + age * sex' (default: the group alone)"
    )
    parser.add_argument("--baseline", default="", metavar="GROUP", help="the group that the others are compared with")
    parser.add_argument(
        "--covariate", action="append", default=[], metavar="COL", help="metadata column to hold constant in links; repeatable"
    )
    parser.add_argument(
        "--marker", action="append", default=[], metavar="COL", help="numeric metadata column to link taxa with; repeatable"
    )
    parser.add_argument("--depth", type=depth, default="auto", metavar="auto|none|N", help="reads to rarefy samples to (default: auto)")
    add_seed(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for config/, results/ and logs/")
    parser.add_argument("--cores", type=_cores, metavar="N", help="processors to use at once (default: all)")
    parser.add_argument("--profile", default="default", metavar="P", help=f"{' or '.join(PROFILES)}, or the path of a profile of your own")
    parser.add_argument("--verbose", action="store_true", help="show all that Snakemake says instead of the progress by stages")
    parser.add_argument(
        "snakemake", nargs="*", metavar="-- SNAKEMAKE OPTIONS", help="what stands behind -- goes to Snakemake: -- --dry-run"
    )
    parser.set_defaults(run=_run)


def _cores(text: str) -> str:
    """Read a number of processors, or `all`."""
    return text if text == "all" else str(positive(text))


# ---------------------------------------------------------------- gutdiv run
def _run(args: argparse.Namespace) -> int:
    """Write config and sheet, run the workflow, and say where the report is or what went wrong."""
    workflow = workflow_folder()
    name = cohort_name(args.name, args.table)
    row = _row(args, name)
    _check_columns(args)
    profile = _profile(args.profile, workflow)
    values: dict[tuple[str, ...], object] = {
        ("seed",): args.seed,
        **{("cohort", key): getattr(args, key) for key in DEFAULTS if key != "carried_tree"},
        ("cohort", "carried_tree"): "use" if args.tree is None and carries_tree(args) else "leave",
        ("reference", "controls_are"): args.controls_are,
        ("diversity", "depth"): args.depth,
        ("comparison", "formula"): args.formula,
        ("comparison", "baseline"): args.baseline,
        ("immune", "covariates"): list(dict.fromkeys(args.covariate)),
        ("immune", "markers"): list(dict.fromkeys(args.marker)),
    }
    template = (workflow / "config" / "config.yaml").read_text(encoding="utf-8")
    settings = Settings(args.output, filled(template, {**NOT_THE_DEMO, **values}), sheet([row]))
    options = ["--snakefile", str(workflow / "Snakefile"), "--directory", str(args.output)]
    if args.profile == "default" and "--resources" not in args.snakemake:
        options += ["--resources", f"mem_mb={_memory()}"]
    options += ["--workflow-profile", str(profile), "--rerun-incomplete"]
    options += ["--cores", args.cores] if args.cores else []
    if _queues(profile, args.snakemake) and not _names_jobs(profile, args.snakemake):
        options += ["--slurm-jobname-prefix", slurm_prefix(args.output)]
    environment = {**os.environ, "PATH": own_path(), **own_caches(), **mark(args.output)}
    dry = any(map(_DRY.fullmatch, args.snakemake))
    with claim(args.output) as held, tempfile.TemporaryDirectory() as aside:
        _clear(held, args.snakemake, dry=dry)
        options += ["--configfile", str(settings.write(Path(aside) if dry else None))]  # what a dry run would do is not yet what the folder holds
        if not dry:
            _begin(held, options, environment, slurm=_may_queue(profile, args.snakemake))
        follow([*options, *args.snakemake], environment, output=args.output, verbose=args.verbose)
    page = (args.output / "results" / name / "report.html").absolute()
    if page.is_file():
        sys.stdout.write(f"{page}\n")
    else:
        sys.stderr.write(f"gutdiv run: Snakemake ended well without making {page}, as in a dry run.\n")
    return 0


def _clear(held: Claim, own: list[str], *, dry: bool) -> None:
    """End what a killed run left at work, and refuse where somebody else may be; a dry run ends nothing."""
    lock = locked(held.output)
    if lock and (pid := foreign_snakemake(held.output)):
        msg = f"Snakemake is at work in {held.output} without `gutdiv run`: process {pid}. Wait until it has ended."
        raise GutdivError(msg)
    if held.before and not dry:
        recover(held, _say)
    elif lock and not held.before and "--unlock" not in own:
        msg = (
            f"Snakemake was started in {held.output} without `gutdiv run`, and was killed, or is at work there on another computer. "
            "If it does not work any more, add `-- --unlock` to this command once, and then give it without."
        )
        raise GutdivError(msg)


def _begin(held: Claim, options: list[str], environment: Mapping[str, str], *, slurm: bool) -> None:
    """Sign the folder, and clear away the half files and the lock of a killed run."""
    held.sign(slurm=slurm)
    remove_unfinished(held.output)
    if held.before and locked(held.output):
        command = [sys.executable, "-m", "snakemake", *options, "--unlock"]
        unlocked = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
        if unlocked.returncode:
            msg = f"the lock that a killed run left in {held.output} cannot be removed; Snakemake says:\n{unlocked.stderr.strip()}"
            raise GutdivError(msg)


def _memory() -> int:
    """Return the megabytes that all steps together may take here: nine tenths of this computer's."""
    import psutil

    return int(psutil.virtual_memory().total * 0.9 / 1e6)


def _say(text: str) -> None:
    """Tell the user what is done on the way."""
    sys.stderr.write(f"gutdiv run: {text}\n")


def _queues(profile: Path, own: list[str]) -> bool:
    """Whether jobs go through SLURM, by the profile or by Snakemake's own option."""
    return bool(re.search(r"(?:^|\s)(?:--executor[ =]|-e )\s*slurm(?:\s|$)", " ".join(own)) or re.search(r"(?m)^executor:\s*slurm\s*(#|$)", _text(profile)))


def _may_queue(profile: Path, own: list[str]) -> bool:
    """Whether SLURM may be what jobs go through: more is taken for it than `_queues` is sure of, so that no job is left in a queue."""
    elsewhere = "SNAKEMAKE_PROFILE" in os.environ or any(word.startswith("--profile") for word in own)
    return elsewhere or "slurm" in f"{_text(profile)} {' '.join(own)}".lower()


def _names_jobs(profile: Path, own: list[str]) -> bool:
    """Whether the user gives the SLURM jobs names of their own."""
    return "--slurm-jobname-prefix" in " ".join(own) or bool(re.search(r"(?m)^slurm-jobname-prefix:", _text(profile)))


def _text(profile: Path) -> str:
    """Return a profile's text: of the file, or of the file in the folder, as Snakemake looks for it."""
    files = [profile] if profile.is_file() else sorted(profile.glob("config*.yaml"))
    return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)


def cohort_name(name: str | None, table: Path) -> str:
    """Return the cohort's name: as given, else the table's file stem with other than letters, digits and `._-` made `_`.

    Raises
    ------
    InputError
        Where a given name holds anything else.
    """
    if name is None:
        return re.sub(r"[^A-Za-z0-9._-]+", "_", (table.name or table.resolve().name).split(".")[0]).lstrip("._-") or "cohort"
    if not _NAME.fullmatch(name):
        msg = f"--name {name!r} cannot name a folder: use letters, digits, dots, dashes and underscores, a letter or digit first."
        raise InputError(msg)
    return name


def _row(args: argparse.Namespace, name: str) -> dict[str, str]:
    """Return the cohort's row of the sheet, its files with absolute paths; refuse what cannot work before anything starts."""
    row = {"cohort": name}
    for key in FILES:
        path: Path | None = getattr(args, key)
        if path is None:
            continue
        if not (path.is_file() or (key == "table" and path.is_dir())):
            found = "is a folder" if path.is_dir() else "does not exist"
            msg = f"--{key} {str(path)!r} {found}. Give the path of a file."
            raise InputError(msg)
        row[key] = str(path.absolute())
    for key, path_of in {**row, "output": str(args.output.absolute())}.items():
        if re.search(r"[{}]", path_of):
            msg = f"--{key} {path_of!r} has braces, which Snakemake takes for wildcards. Rename it, or link to it under another name."
            raise InputError(msg)
    row |= {key: value for key in COLUMNS[5:] if (value := getattr(args, key))}
    texts = [*row.items(), *(("covariate", c) for c in args.covariate), *(("marker", m) for m in args.marker)]
    texts += [(key, value) for key in (*DEFAULTS, "formula", "baseline") if isinstance(value := getattr(args, key), str) and value]
    for option, text in texts:
        if not text or re.search(r"[\x00-\x1f\x7f]", text):
            msg = f"--{option.replace('_', '-')} {text!r} is empty or holds a tab, a line end or another control character. Rename it."
            raise InputError(msg)
    if args.output.exists() and not args.output.is_dir():
        msg = f"--output {str(args.output)!r} is a file. Give a folder; it is made where missing."
        raise InputError(msg)
    return row


def _check_columns(args: argparse.Namespace) -> None:
    """Refuse expressions that cannot be read, and columns and controls that the metadata lacks, before the first stages have run."""
    expressions = {option: parse_expression(text) for option in ("controls", "blanks") if (text := getattr(args, option))}
    formula = parse_formula(args.formula) if args.formula else None
    if not args.metadata:  # what a table carries is read with the table
        return
    from gutdiv.io.metadata import read_metadata

    metadata = read_metadata(args.metadata)
    named = [(option, column) for option, expression in expressions.items() for column in expression.columns]
    named += [(option, column) for option in ("group", "subject", "time") if (column := getattr(args, option))]
    named += [(option, column) for option in ("covariate", "marker") for column in getattr(args, option)]
    named += [("formula", column) for column in (formula.columns if formula else ())]
    for option, column in named:
        if column not in metadata.columns:
            known = first_ids(metadata.columns, limit=12) or "none"
            msg = f"--{option} names the column {column!r}, which {args.metadata.name} has not. Known columns: {known}."
            raise InputError(msg)
    try:
        chosen = "controls" not in expressions or expressions["controls"].select(metadata).any()
    except ExpressionError:  # a sample that the table lacks may hold what no number can be held against; the stage sees the others only
        return
    if not chosen:
        msg = f"--controls {args.controls!r} selects none of the {len(metadata.ids):,} samples of {args.metadata.name}. Check the column's values."
        raise InputError(msg)


def _profile(name: str, workflow: Path) -> Path:
    """Return the folder of a packaged profile, or the user's path."""
    if name in PROFILES:
        return workflow / "workflow" / "profiles" / name
    path = Path(name).absolute()
    if not path.exists():
        msg = f"--profile {name!r} is neither {' nor '.join(PROFILES)} nor the path of a profile."
        raise InputError(msg)
    return path
