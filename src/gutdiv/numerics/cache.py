"""Where what is compiled may be kept: the first folder that can be written to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Return the first writable of `$GUTDIV_CACHE_DIR`, `$XDG_CACHE_HOME/gutdiv`, `~/.cache/gutdiv` and a folder of the user under the temporary one.

    Installed files may be read-only and home folders may not exist on a compute node, so that numba's own choice is not relied on.
    """
    own = os.environ.get("GUTDIV_CACHE_DIR")
    xdg = os.environ.get("XDG_CACHE_HOME")
    candidates = [Path(own)] if own else []
    candidates += [Path(xdg) / "gutdiv"] if xdg else []
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    candidates += [Path(home) / ".cache" / "gutdiv"] if home != "~" else []
    candidates += [Path(tempfile.gettempdir()) / f"gutdiv-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"]
    return next((folder for folder in candidates if can_write(folder)), None) or Path(tempfile.mkdtemp(prefix="gutdiv-"))


def can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
