"""`gutdiv report`: reads one cohort's results and writes the page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--results", type=Path, required=True, metavar="DIR", help="folder of one cohort's results, as the workflow writes it"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the page to write, for example report.html")
    parser.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> int:
    """Read, assemble, render, write."""
    from gutdiv.io.artifacts import write_text
    from gutdiv.io.results import read_results
    from gutdiv.report.content import build
    from gutdiv.report.render import render

    page = build(read_results(args.results))
    for panel, error in page.broken.items():
        sys.stderr.write(f"report: the panel {panel!r} could not be made and is replaced by a note ({error}). Please report this.\n")
    text = render(page)
    write_text(args.output, text)
    sys.stderr.write(f"report: {args.output} ({len(text.encode()) / 1e6:.1f} MB, {len(page.panels)} panels)\n")
    return 0
