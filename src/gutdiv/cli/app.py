"""The one edge: finds the command, runs it, and turns an error into one clear message and exit code 2."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

from gutdiv import __version__
from gutdiv.cli.startup import defer_unused, end_soon, start_soon
from gutdiv.errors import GutdivError

if TYPE_CHECKING:
    from collections.abc import Sequence

# One word a stage, in the order in which a table passes through them, then the two commands for people.
COMMANDS = {
    "cohort": "read a table with its taxonomy, tree and metadata into one cohort",
    "diversity": "alpha and beta diversity, rarefaction and ordination",
    "comparison": "tests between groups and along variables",
    "reference": "reference intervals from declared controls",
    "dysbiosis": "flags and verdicts of samples against their reference",
    "immune": "immune-relevant taxa and their links with diversity",
    "report": "write the report of one cohort's results",
    "init": "write a commented config, a cohort sheet and a Snakefile into a folder",
    "run": "run the whole workflow on one table and print the report's path",
}
_WITHOUT_NUMPY = ("init", "run")


def _parser(command: str | None) -> argparse.ArgumentParser:
    """Build the parser; only the chosen command's module is imported, so that `--help` stays quick."""
    parser = argparse.ArgumentParser(
        prog="gutdiv",
        description="From a gut 16S abundance table to one offline report on diversity, dysbiosis and immune-relevant taxa. "
        "For research use only: gutdiv diagnoses nobody.",
    )
    parser.add_argument("--version", action="version", version=f"gutdiv {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for word, summary in COMMANDS.items():
        sub = commands.add_parser(word, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if word == command:
            importlib.import_module(f"gutdiv.cli.{word}").configure(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run gutdiv with these arguments (default: the process's) and return its exit code."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # sums in BLAS must not depend on the number of threads; Snakemake sets these to a rule's threads
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((w for w in words if not w.startswith("-")), None)
    args = _parser(command).parse_args(words)
    if args.command not in _WITHOUT_NUMPY:
        defer_unused()
    try:
        code: int = args.run(args)
    except GutdivError as error:
        sys.stderr.write(f"gutdiv: error: {error}\n")
        return 2
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("gutdiv: interrupted; nothing half-written was left as a result.\n")
        return 130
    return code


def process() -> int:
    """Run gutdiv as a process of its own."""
    start_soon()
    code = main()
    end_soon()
    return code
