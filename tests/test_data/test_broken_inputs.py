"""Every broken input of `test_data/broken/` ends in exit code 2 and a message that names file, place, finding and mend."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gutdiv.cli.app import main

if TYPE_CHECKING:
    from collections.abc import Mapping

BROKEN = Path(__file__).resolve().parents[2] / "test_data" / "broken"


def read_manifest() -> list[dict[str, str]]:
    with (BROKEN / "manifest.tsv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


def run(line: str, out: Path) -> int:
    """Run one command line of the manifest in this process."""
    words = [w.replace("{dir}", str(BROKEN)).replace("{out}", str(out)) for w in shlex.split(line)]
    return main(words)


def not_named(message: str, must_mention: str) -> list[str]:
    """Return what the message fails to name; a file's name is taken out first, so that it cannot answer for what it is called after."""
    terms = must_mention.split(" & ")
    text = message.replace(str(BROKEN), "")
    missing = []
    for term in terms:
        choices = [c.lower() for c in term.split("/")]
        if not any(c in text.lower() for c in choices):
            missing.append(term)
        if (BROKEN / term).suffix in {".tsv", ".csv", ".nwk", ".biom", ".xlsx"}:
            text = text.replace(term, "")
    return missing


@pytest.mark.parametrize("case", read_manifest(), ids=lambda c: c["case"])
def test_a_broken_input_gives_one_message_that_says_what_where_and_how_to_mend(
    case: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if case["before"]:
        assert run(case["before"], tmp_path) == 0
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert run(case["command_line"], tmp_path) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("gutdiv: error: ")
    assert "Traceback" not in captured.err
    assert not_named(captured.err, case["must_mention"]) == [], captured.err
    assert {p for p in tmp_path.rglob("*") if p.is_file()} == before


def test_the_sound_partners_of_the_broken_inputs_are_sound(tmp_path: Path) -> None:
    files = ("sound_table.tsv", "sound_taxonomy.tsv", "sound_tree.nwk", "sound_metadata.tsv")
    parts = " ".join(f"--{name.split('_')[1].split('.')[0]} {{dir}}/{name}" for name in files)
    assert run(f"cohort build {parts} --group group --output {{out}}/cohort", tmp_path) == 0
    assert (tmp_path / "cohort" / "cohort.json").is_file()


def test_every_broken_file_is_used_by_a_case() -> None:
    words = [w for c in read_manifest() for w in shlex.split(f"{c['before']} {c['command_line']}")]
    used = {w.removeprefix("{dir}/") for w in words if w.startswith("{dir}/")}
    lying = {p.name for p in BROKEN.iterdir()} - {"manifest.tsv", "sound_taxonomy.tsv", "sound_tree.nwk"}
    assert lying == used - {"no_such_table.biom"}
