"""What the tests of the workflow share: Snakemake in a scratch folder, and a `gutdiv` that only notes how it was called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]

# Stands in for `gutdiv`: notes its arguments and makes the files that the real command would make, so that every rule runs in no time.
NOTING = f"""#!{sys.executable}
import json, pathlib, sys, time
args = sys.argv[1:]
here = pathlib.Path(__file__).parent
if args[0] in ("run", "init"):  # these two are the real ones; they put this folder first in PATH because they were called here
    from gutdiv.cli.app import main
    sys.exit(main(args))
if (here / "fail").is_file() and (here / "fail").read_text() in " ".join(args):
    print("some words before", file=sys.stderr)
    print("gutdiv: error: the table has no samples. Give another one.", file=sys.stderr)
    sys.exit(2)
if (here / "hang").is_file() and (here / "hang").read_text() in " ".join(args):
    pathlib.Path(args[args.index("--output") + 1]).write_text("half")
    (here / "hanging").touch()
    time.sleep(120)
listed = args[args.index("--results") + 1] if "--results" in args else None
results = sorted(str(p.relative_to(listed)) for p in pathlib.Path(listed).rglob("*") if p.is_file()) if listed else None
with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({{"args": args, "results": results}}) + chr(10))
output = pathlib.Path(args[args.index("--output") + 1])
if args[:2] == ["cohort", "build"]:
    tables = [output / (name + end) for name in ("metadata", "alignment", "taxonomy_audit") for end in (".tsv", ".json")]
    made = [*(output / name for name in ("cohort.json", "counts.biom", "taxonomy.tsv", "tree.nwk")), *tables]
elif args[:2] == ["cohort", "merge"]:
    made = [output / name for name in ("table.biom", "taxonomy.tsv", "metadata.tsv", "merged.json")]
elif args[:2] == ["comparison", "longitudinal"]:
    made = [output / (name + end) for name in ("trajectories", "tests") for end in (".tsv", ".json")]
elif args[:2] == ["comparison", "structure"]:
    (metric,) = [pathlib.Path(word).stem for word in args if word.startswith("--distances=")]
    made = [output / name / (metric + end) for name in ("permanova", "constrained") for end in (".tsv", ".json")]
    if any(word.startswith("--variable=") for word in args):
        made += [output / name / (metric + end) for name in ("dispersion", "pairs") for end in (".tsv", ".json")]
elif args[:2] == ["dysbiosis", "verdict"]:
    made = [output / (name + end) for name in ("verdicts", "explanations", "flags") for end in (".tsv", ".json")]
else:
    made = [output, output.with_suffix(".json")] if output.suffix == ".tsv" else [output]
    if "--outliers" in args:
        outliers = pathlib.Path(args[args.index("--outliers") + 1])
        made += [outliers, outliers.with_suffix(".json")]
    if args[:2] in (["diversity", "ordination"], ["diversity", "landmarks"]):
        made += [output.with_name(output.stem + "_arrows" + end) for end in (".tsv", ".json")]
if args[0] == "report":
    if "--data" in args:
        made += [pathlib.Path(args[args.index("--data") + 1]) / "links.tsv"]
    if "--multiqc" in args:
        made += [pathlib.Path(args[args.index("--multiqc") + 1])]
for path in made:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({{"n_samples": 240, "n_entries": 30000}}))
"""


class Noted:
    """A `gutdiv` that notes its calls, and Snakemake that finds it first in PATH."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        script = self.bin / "gutdiv"
        script.write_text(NOTING, encoding="utf-8")
        script.chmod(0o755)
        self.env = {
            **{k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"},
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }

    def fail_on(self, words: str) -> None:
        """Let the calls that hold these words fail."""
        (self.bin / "fail").write_text(words, encoding="utf-8")

    def hang_on(self, words: str) -> None:
        """Let the calls that hold these words write half a file and hang; `words` empty ends it."""
        path = self.bin / "hang"
        path.write_text(words, encoding="utf-8") if words else path.unlink()

    @property
    def hanging(self) -> bool:
        """Whether a call hangs."""
        return (self.bin / "hanging").exists()

    def snakemake(self, *options: str, directory: Path, snakefile: Path = ROOT / "Snakefile") -> subprocess.CompletedProcess[str]:
        """Run Snakemake in a folder."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(snakefile),
            "--directory",
            str(directory),
            "--cores",
            "2",
            *options,
        ]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=300, check=False)

    def gutdiv(self, *args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the real `gutdiv run` or `gutdiv init`, whose jobs then call the noting one; its folder is not in PATH."""
        env = {**self.env, "PATH": os.environ["PATH"]}
        command = [str(self.bin / "gutdiv"), *map(str, args)]
        return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call so far."""
        return [call["args"] for call in self._lines()]

    @property
    def results(self) -> list[str]:
        """The files that the last report was given."""
        found: list[str] = [call["results"] for call in self._lines() if call["results"] is not None][-1]
        return found

    def forget(self) -> None:
        """Forget the calls so far."""
        (self.bin / "calls.jsonl").unlink(missing_ok=True)

    def of(self, *words: str) -> list[list[str]]:
        """The calls of one command."""
        return [call for call in self.calls if call[: len(words)] == list(words)]

    def _lines(self) -> list[dict[str, list[str]]]:
        path = self.bin / "calls.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def noted(tmp_path: Path) -> Noted:
    """Return a `gutdiv` that only notes its calls."""
    return Noted(tmp_path / "noted")


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of small study folders: config, sheet and the files that the sheet names."""

    def make(config: str, *rows: dict[str, str], folder: str = "study") -> Path:
        place = tmp_path / folder
        (place / "config").mkdir(parents=True, exist_ok=True)
        (place / "config" / "config.yaml").write_text(config, encoding="utf-8")
        columns = list(dict.fromkeys(key for row in rows for key in row))
        lines = [columns, *([row.get(c, "") for c in columns] for row in rows)]
        text = "".join("\t".join(f'"{c}"' if c.startswith('"') else c for c in line) + "\n" for line in lines)
        (place / "config" / "cohorts.tsv").write_text(text, encoding="utf-8")
        for row in rows:
            for key in {"table", "taxonomy", "tree", "metadata"} & set(row):
                if row[key]:
                    path = place / "config" / row[key]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text("some content\n", encoding="utf-8")
        return place

    return make
