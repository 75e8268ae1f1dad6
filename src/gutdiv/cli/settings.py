"""Config and sheet of a study: the packaged ones with a user's values put in, and who may write over which."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from typing import TYPE_CHECKING

from gutdiv.errors import GutdivError, InputError, first_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILES = ("table", "taxonomy", "tree", "metadata")
COLUMNS = ("cohort", *FILES, "group", "subject", "time", "controls", "specimen", "age_band")
# What the demo's config sets for the demo alone.
NOT_THE_DEMO: dict[tuple[str, ...], object] = {("reference", "controls_are"): "", ("immune", "covariates"): []}

_SETTING = re.compile(r'(?P<key> *\w+:)\s+(?P<value>\[.*?\]|".*?"|\S+)(?P<rest>\s*(#.*)?)')
_WRITTEN = "# Written by `gutdiv run`, which rewrites this file as long as nobody else has changed it or the sheet. sha256:"


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


def sheet(rows: Iterable[Mapping[str, str]]) -> str:
    """Return the sheet of these cohorts."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, dialect="excel-tab", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class Settings:
    """The config and the sheet of a folder that `gutdiv run` writes to.

    Parameters
    ----------
    output : Path
        The run's folder; both lie in its `config/`.
    config, cohorts : str
        What is to stand there.

    Raises
    ------
    InputError
        Where somebody else wrote or changed what is there.
    """

    def __init__(self, output: Path, config: str, cohorts: str) -> None:
        self._config, self._cohorts = output / "config" / "config.yaml", output / "config" / "cohorts.tsv"
        self._texts = {self._cohorts: cohorts, self._config: f"{_mark(config, cohorts)}\n{config}"}
        old = {p: p.read_text(encoding="utf-8", errors="replace") if p.is_file() else None for p in self._texts}
        self._stand = old == self._texts
        if not self._stand and not self._own(old[self._config], old[self._cohorts]):
            msg = (
                f"{self._config.parent} holds settings that `gutdiv run` did not write, or that were changed since. "
                f"Choose another --output, or run Snakemake on these settings, or delete the folder."
            )
            raise InputError(msg)

    def _own(self, config: str | None, cohorts: str | None) -> bool:
        """Whether nobody but `gutdiv run` wrote these; it may have been killed when it had written the sheet and not yet the config."""
        half = cohorts in {None, self._texts[self._cohorts]}
        if config is None:
            return half
        first, _, rest = config.partition("\n")
        mark = _mark(rest, cohorts or "")
        return first == mark or (half and first.rpartition(" ")[0] == mark.rpartition(" ")[0])

    def write(self, folder: Path | None = None) -> Path:
        """Write both into their folder, unless they stand there already, or into another one; return the config's path."""
        from gutdiv.io.artifacts import write_text

        for path, text in self._texts.items():
            if folder is not None:
                write_text(folder / path.name, text)
            elif not self._stand:
                write_text(path, text)
        return self._config if folder is None else folder / self._config.name


def _mark(config: str, cohorts: str) -> str:
    """Return the first line of a config, which tells whether it or its sheet were changed."""
    return _WRITTEN + " ".join(hashlib.sha256(text.encode()).hexdigest() for text in (config, cohorts))
