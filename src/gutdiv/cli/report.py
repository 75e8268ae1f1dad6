"""`gutdiv report`: reads one cohort's results and writes the page."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.knowledge import add_knowledge, read_base
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from gutdiv.model.results import Results

_ANONYMISE = (
    "number samples and subjects instead of naming them, for a page to be shared; the numbers follow from the names, "
    "so that whoever has the list of names can find out who is who"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--results", type=Path, metavar="DIR", help="folder of one cohort's results, as the workflow writes it")
    what.add_argument(
        "--index", type=Path, nargs="+", metavar="DIR", help="folders of several cohorts: a page over all, that leads to the report.html in each"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the page to write, for example report.html")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder for the numbers of every figure as TSV; what lies there from an earlier page goes")
    parser.add_argument("--multiqc", type=Path, metavar="FILE", help="custom content for MultiQC, a file that ends in _mqc.json")
    parser.add_argument("--anonymise", action="store_true", help=_ANONYMISE)
    add_knowledge(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    """Write one cohort's page, or the page over several."""
    return _index(args) if args.index else _report(args)


def _index(args: argparse.Namespace) -> int:
    """Read what an index needs of each cohort, and write it."""
    import os

    from gutdiv.io.artifacts import write_text
    from gutdiv.io.results import read_results
    from gutdiv.report import index
    from gutdiv.report.render import render

    if args.data or args.multiqc or args.anonymise:
        msg = "--data, --multiqc and --anonymise belong to the page of one cohort. Leave them out, or give --results in place of --index."
        raise InputError(msg)
    start = args.output.absolute().parent
    paths = [Path(os.path.relpath(folder.absolute() / "report.html", start)).as_posix() for folder in args.index]
    cohorts = [(path, read_results(folder, index.PLACES)) for path, folder in zip(paths, args.index, strict=True)]
    for (_, results), folder in zip(cohorts, args.index, strict=True):
        _tell(results, f"{folder}: ")
    text = render(index.build(cohorts))
    write_text(args.output, text)
    sys.stderr.write(f"report: {args.output} ({len(text.encode()) / 1e6:.1f} MB, {len(paths)} cohorts)\n")
    return 0


def _report(args: argparse.Namespace) -> int:
    """Read, assemble, render, write."""
    from gutdiv.cli.again import commands
    from gutdiv.io.artifacts import write_json, write_text
    from gutdiv.io.results import read_results
    from gutdiv.report.anonymous import anonymised
    from gutdiv.report.content import build
    from gutdiv.report.export import figure_data, multiqc
    from gutdiv.report.render import render

    if args.multiqc and not args.multiqc.name.endswith("_mqc.json"):
        msg = f"MultiQC reads custom content from files that end in _mqc.json, not {args.multiqc.name!r}. Change --multiqc."
        raise InputError(msg)
    rows, references = read_base(args)
    results = replace(read_results(args.results, knowledge={"immune_taxa": rows, "references": references}), software=_software())
    _tell(results)
    results = anonymised(results) if args.anonymise else results
    page = build(replace(results, commands=commands(results)))
    for panel, error in page.broken.items():
        sys.stderr.write(f"report: the panel {panel!r} could not be made and is replaced by a note ({error}). Please report this.\n")
    text = render(page)
    write_text(args.output, text)
    if args.data:
        _write_data(args.data, figure_data(page))
    if args.multiqc:
        write_json(args.multiqc, multiqc(results))
    sys.stderr.write(f"report: {args.output} ({len(text.encode()) / 1e6:.1f} MB, {len(page.panels)} panels)\n")
    return 0


def _tell(results: Results, before: str = "") -> None:
    """Say which parts could not be read and are left out."""
    for why in results.unreadable.values():
        sys.stderr.write(f"report: {before}{why} The page is made without it.\n")


def _software() -> dict[str, str]:
    """Return the versions of gutdiv, of Python, and of what gutdiv needs."""
    import platform
    import re
    from importlib.metadata import requires, version

    from gutdiv import __version__

    needed = [re.split(r"[^\w.-]", entry, maxsplit=1)[0] for entry in requires("gutdiv") or () if "extra ==" not in entry]
    return {"gutdiv": __version__, "Python": platform.python_version(), **{package: version(package) for package in sorted(needed)}}


def _write_data(folder: Path, files: Mapping[str, tuple[list[str], list[list[object]]]]) -> None:
    """Write one TSV a view, and take away those of an earlier page."""
    from gutdiv.io.artifacts import write_rows

    for name, (header, rows) in files.items():
        write_rows(folder / name, header, iter(rows))
    for left in set(folder.glob("*.tsv")) - {folder / name for name in files}:
        left.unlink()
