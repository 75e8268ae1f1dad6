"""`gutdiv run` and `gutdiv init`: the packaged Snakemake workflow on one table, or in a folder of one's own."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.inputs import DEFAULTS, add_inputs, carries_tree
from gutdiv.cli.options import add_seed, depth, positive
from gutdiv.cli.workflow_files import PROFILES, own_path, workflow_folder
from gutdiv.errors import GutdivError, InputError, first_ids
from gutdiv.grammar.expression import parse_expression
from gutdiv.grammar.formula import parse_formula

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

FILES = ("table", "taxonomy", "tree", "metadata")
COLUMNS = ("cohort", *FILES, "group", "subject", "time", "controls", "specimen", "age_band")
# What the demo's config sets for the demo alone.
NOT_THE_DEMO: dict[tuple[str, ...], object] = {("reference", "controls_are"): "", ("immune", "covariates"): []}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SETTING = re.compile(r'(?P<key> *\w+:)\s+(?P<value>\[.*?\]|".*?"|\S+)(?P<rest>\s*(#.*)?)')
_WRITTEN = "# Written by `gutdiv run`, which rewrites this file as long as nobody else has changed it or the sheet. sha256:"

_SNAKEFILE = """\
# Runs the workflow that the installed gutdiv carries on config/config.yaml and config/cohorts.tsv of this folder. Snakemake must be
# run by the Python that gutdiv is installed in; nothing needs to be activated.
import os

from gutdiv.cli.workflow_files import own_path, workflow_folder

os.environ["PATH"] = own_path()


include: str(workflow_folder() / "Snakefile")


rule reports:
    default_target: True
    input:
        rules.all.input,
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gutdiv init` or of `gutdiv run`."""
    if parser.prog.endswith(" init"):
        parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write into; made where missing")
        parser.set_defaults(run=_init)
        return
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
    for expression in filter(None, (args.controls, args.blanks)):
        parse_expression(expression)  # a slip in it is told now, not after the first stages
    if args.formula:
        parse_formula(args.formula)
    row = _row(args, name)
    profile = _profile(args.profile, workflow)
    environment = {**os.environ, "PATH": own_path()}
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
    config = filled(template, {**NOT_THE_DEMO, **values})
    _write_settings(args.output, config, _sheet([row]), unlocking="--unlock" in args.snakemake)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow / "Snakefile"), "--directory", str(args.output)]
    command += ["--configfile", str(args.output / "config" / "config.yaml"), "--workflow-profile", str(profile)]
    command += (["--cores", args.cores] if args.cores else []) + args.snakemake
    code, said = _follow(command, environment)
    page = (args.output / "results" / name / "report.html").absolute()
    if code:
        raise GutdivError(failure(said, args.output))
    if page.is_file():
        sys.stdout.write(f"{page}\n")
    else:
        sys.stderr.write(f"gutdiv run: Snakemake ended well without making {page}, as in a dry run.\n")
    return 0


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
        if re.search(r"[{}]", row[key]):
            msg = f"--{key} {row[key]!r} has braces, which Snakemake takes for wildcards. Rename it, or link to it under another name."
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


def _profile(name: str, workflow: Path) -> Path:
    """Return the folder of a packaged profile, or the user's path."""
    if name in PROFILES:
        return workflow / "workflow" / "profiles" / name
    path = Path(name).absolute()
    if not path.exists():
        msg = f"--profile {name!r} is neither {' nor '.join(PROFILES)} nor the path of a profile."
        raise InputError(msg)
    return path


# ---------------------------------------------------------------- config and sheet
def filled(template: str, values: Mapping[tuple[str, ...], object]) -> str:
    """Return a commented config with these values in place of its own; each stands on one line `key: value  # comment`.

    Parameters
    ----------
    template : str
        The packaged `config.yaml`; its first line says whose it is and is left out.
    values : mapping of tuple of str to object
        Section and key, or key alone, to a value that JSON can hold (JSON is YAML).
    """
    section = ""
    wanted = dict(values)
    lines = []
    for line in template.splitlines()[1:]:
        if head := re.match(r"\w+(?=:)", line):
            section = head.group()
        if match := _SETTING.fullmatch(line):
            key = match["key"].strip().rstrip(":")
            place = (section, key) if line.startswith(" ") else (key,)
            if place in wanted:
                line = f"{match['key']} {json.dumps(wanted.pop(place), ensure_ascii=False)}{match['rest']}"
        lines.append(line)
    if wanted:
        msg = f"the packaged config.yaml has no {first_ids('.'.join(place) for place in wanted)}. Install gutdiv again."
        raise GutdivError(msg)
    return "\n".join(lines) + "\n"


def _sheet(rows: Iterable[Mapping[str, str]]) -> str:
    """Return the sheet of these cohorts."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, dialect="excel-tab", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_settings(output: Path, config: str, sheet: str, *, unlocking: bool) -> None:
    """Write config and sheet below `output`, unless somebody else wrote or changed what is there, or a run is using it."""
    from gutdiv.io.artifacts import write_text

    paths = (output / "config" / "config.yaml", output / "config" / "cohorts.tsv")
    new = (f"{_WRITTEN}{_digest(config, sheet)}\n{config}", sheet)
    old = tuple(p.read_text(encoding="utf-8", errors="replace") if p.is_file() else None for p in paths)
    if old == new:
        return
    if old != (None, None):
        mark, _, rest = (old[0] or "").partition("\n")
        if mark != f"{_WRITTEN}{_digest(rest, old[1] or '')}":
            msg = (
                f"{paths[0].parent} holds settings that `gutdiv run` did not write, or that were changed since. "
                f"Choose another --output, or run Snakemake on these settings, or delete the folder."
            )
            raise InputError(msg)
        if not unlocking and any((output / ".snakemake" / "locks").glob("*")):
            msg = (
                f"a run with other settings is at work in {output}, or was killed there. Wait for it; if none is at work, "
                f"add `-- --unlock` to this command once, and then run it without."
            )
            raise InputError(msg)
    for path, text in zip(paths, new, strict=True):
        write_text(path, text)


def _digest(config: str, sheet: str) -> str:
    """Return what tells whether config or sheet were changed."""
    return hashlib.sha256(f"{config}\0{sheet}".encode()).hexdigest()


# ---------------------------------------------------------------- Snakemake
def _follow(command: list[str], environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a command, pass on what it says, and return its exit code and its last lines of errors."""
    said: deque[str] = deque(maxlen=2000)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            for line in process.stderr or ():
                sys.stderr.write(line)
                said.append(line.rstrip("\n"))
        except KeyboardInterrupt:  # Snakemake has had the signal too: let it stop its jobs
            process.wait()
            msg = "interrupted. The same command goes on where this one stopped."
            raise GutdivError(msg) from None
        finally:
            process.wait()
            signal.signal(signal.SIGTERM, before)
    return process.returncode, list(said)


def failure(said: list[str], output: Path) -> str:
    """Say in one message which stage failed, why, and where its log is, from what Snakemake said."""
    start = next((i for i, line in enumerate(said) if line.startswith("Error in rule ")), None)
    if any("cannot be locked" in line for line in said):
        return (
            f"another run is at work in {output}, or one was killed there. Wait for it; if none is at work, "
            "add `-- --unlock` to this command once, and then run it without."
        )
    if start is None:
        return f"the workflow did not get to its end; Snakemake says why above. The same command goes on with what is in {output}."
    rule = said[start].removeprefix("Error in rule ").split(":")[0].split(",")[0]
    entry = next((line for line in said[start:] if line.strip().startswith("log: ")), "")
    logs = [output / name for name in re.sub(r" \(check log.*", "", entry.strip().removeprefix("log: ")).split(", ") if name]
    texts = [log.read_text(encoding="utf-8", errors="replace") for log in logs if log.is_file()]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("gutdiv: error: ") for line in lines if line.startswith("gutdiv: error: ")]
    reason = (errors or lines or ["it left no message; it may have been stopped from outside, for example for lack of memory."])[-1]
    stage, _, step = rule.partition("_")
    return f"the stage {stage} failed at its step {step}: {reason}\nIts log: {', '.join(map(str, logs))}"


# ---------------------------------------------------------------- gutdiv init
def _init(args: argparse.Namespace) -> int:
    """Write config, sheet, Snakefile and profiles into a folder that has none of them."""
    from gutdiv.io.artifacts import write_text

    workflow = workflow_folder()
    example = {"cohort": "my_cohort", "table": "../data/table.biom", "taxonomy": "../data/taxonomy.tsv", "metadata": "../data/metadata.tsv"}
    template = (workflow / "config" / "config.yaml").read_text(encoding="utf-8")
    texts = {
        "Snakefile": _SNAKEFILE,
        "config/config.yaml": "# The settings of your study.\n" + filled(template, NOT_THE_DEMO),
        "config/cohorts.tsv": _sheet([example]),
        "config/README.md": (workflow / "config" / "README.md").read_text(encoding="utf-8"),
    }
    for profile in PROFILES:
        path = Path("workflow", "profiles", profile, "config.yaml")
        texts[f"profiles/{profile}/config.yaml"] = (workflow / path).read_text(encoding="utf-8").replace("workflow/profiles/", "profiles/")
    there = [name for name in texts if (args.folder / name).exists()]
    if there:
        msg = f"{args.folder} already holds {first_ids(there)}; nothing was written. Choose another folder, or move them away."
        raise InputError(msg)
    for name, text in texts.items():
        write_text(args.folder / name, text)
        sys.stdout.write(f"{args.folder / name}\n")
    command = f"cd {shlex.quote(str(args.folder))} && {shlex.quote(sys.executable)} -m snakemake"
    sys.stdout.write(
        "Put your cohorts into config/cohorts.tsv and your settings into config/config.yaml.\n"
        f"What would be done:  {command} --dry-run\n"
        f"Do it:               {command}\n"
        "Each report is then results/<cohort>/report.html.\n"
    )
    return 0
