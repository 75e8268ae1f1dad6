"""`gutdiv init`: a commented config, a cohort sheet and a Snakefile in a folder of one's own."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.settings import NOT_THE_DEMO, filled, sheet
from gutdiv.cli.workflow_files import PROFILES, workflow_folder
from gutdiv.errors import InputError, first_ids

if TYPE_CHECKING:
    import argparse

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
    """Add the options of `gutdiv init`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write into; made where missing")
    parser.set_defaults(run=_init)


def _init(args: argparse.Namespace) -> int:
    """Write config, sheet, Snakefile and profiles into a folder that has none of them."""
    from gutdiv.io.artifacts import write_text

    workflow = workflow_folder()
    example = {"cohort": "my_cohort", "table": "../data/table.biom", "taxonomy": "../data/taxonomy.tsv", "metadata": "../data/metadata.tsv"}
    template = (workflow / "config" / "config.yaml").read_text(encoding="utf-8")
    texts = {
        "Snakefile": _SNAKEFILE,
        "config/config.yaml": "# The settings of your study.\n" + filled(template, NOT_THE_DEMO),
        "config/cohorts.tsv": sheet([example]),
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
