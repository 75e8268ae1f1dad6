"""Finds the workflow that belongs to this gutdiv, and the folder of its own commands."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from gutdiv.errors import ArtifactError
from gutdiv.numerics.cache import cache_folder, can_write

PROFILES = ("default", "slurm")


def workflow_folder() -> Path:
    """Return the folder that holds `Snakefile`, `workflow/` and `config/`: inside an installed wheel, or the checkout.

    Raises
    ------
    ArtifactError
        Where neither is there, which means a broken installation.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "_workflow", package.parents[1])  # a checkout is src/gutdiv below it
    for folder in candidates:
        if (folder / "Snakefile").is_file() and (folder / "workflow" / "rules" / "common.smk").is_file():
            return folder
    msg = f"this installation of gutdiv has no workflow (looked in {' and '.join(map(str, candidates))}). Install gutdiv again."
    raise ArtifactError(msg)


def own_caches() -> dict[str, str]:
    """Return what lets Snakemake start where the home folder cannot be written to: its own cache beside that of the kernels; nothing where it can."""
    usual = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - Path.home() raises where there is none
    return {} if can_write(Path(usual)) else {"XDG_CACHE_HOME": str(cache_folder())}


def own_path() -> str:
    """Return a PATH in which the folder of this very gutdiv's command stands first, so that jobs need no activated environment.

    Raises
    ------
    ArtifactError
        Where the command `gutdiv` stands beside neither this program nor this Python.
    """
    called = Path(sys.argv[0])
    folders = [called.absolute().parent] if called.name == "gutdiv" else []
    folders += [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    for folder in folders:
        if shutil.which("gutdiv", path=str(folder)):
            return f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    msg = f"the command gutdiv is not installed beside the Python that runs it ({sys.executable}). Install the package there with pip."
    raise ArtifactError(msg)
