"""How many planted links of the simulated cohort of `test_data/` are found, by size, and how many taxa that follow nothing are reported.

`python benchmarks/recover_links.py [--seeds N] [--first S]` simulates the cohort anew with each seed, links it as `gutdiv immune link --subject subject`
does, and prints a table of docs/validation/links.md; the shipped cohort comes first.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from gutdiv.cohort.align import align
from gutdiv.immune.links import link
from gutdiv.io.knowledge import read_immune_taxa, read_synonyms
from gutdiv.io.metadata import read_metadata
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

FOLDER = Path(__file__).resolve().parents[1] / "test_data"
LEVEL = 0.05


def simulator() -> ModuleType:
    """Import `test_data/simulate.py` by its path."""
    spec = importlib.util.spec_from_file_location("simulate", FOLDER / "simulate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate"] = module
    spec.loader.exec_module(module)
    return module


def linked(folder: Path) -> pd.DataFrame:
    """Link a simulated cohort; its genera with what is true of them, `role` and `slope`.

    A genus that pools taxa of several roles, as an undivided one may, is `mixed`.
    """
    cohort, _ = align(
        read_abundance_table(folder / "table.biom"),
        taxonomy=read_taxonomy(folder / "taxonomy.tsv"),
        metadata=read_metadata(folder / "metadata.tsv"),
        synonyms=read_synonyms(),
    )
    assert cohort.lineages is not None
    frame, _ = link(cohort, read_immune_taxa(), subject="subject")
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["taxa"]
    of_feature = {f: t for t in truth for f in t["features"]}
    parts: dict[str, list[dict[str, Any]]] = {}
    for feature, genus in cohort.lineages["canonical_genus"].items():
        if genus:
            parts.setdefault(str(genus), []).append(of_feature[str(feature)])
    frame = frame[frame["rank"] == "genus"].reset_index(drop=True)
    roles = [{t["role"] for t in parts[name]} for name in frame["taxon"]]
    frame["role"] = [next(iter(r)) if len(r) == 1 else "mixed" for r in roles]
    frame["slope"] = [parts[n][0]["slope"] if r == {"planted"} else np.nan for n, r in zip(frame["taxon"], roles, strict=True)]
    return frame


def percent(hits: int, tests: int) -> str:
    """Count, and percent with exact 95 % limits."""
    low, high = stats.binomtest(hits, tests).proportion_ci(method="exact")
    return f"{hits} of {tests} | {100 * hits / tests:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def show(name: str, frames: Sequence[pd.DataFrame]) -> None:
    """Print what was found in one or more cohorts."""
    every = pd.concat([f.assign(seed=k) for k, f in enumerate(frames)], ignore_index=True)
    hit, right = every["q"] <= LEVEL, np.sign(every["estimate"]) == np.sign(every["slope"])
    for size in (0.8, 0.5, 0.3):
        for sign, word in ((1, "upwards"), (-1, "downwards")):
            own = every["slope"] == sign * size
            if own.any():
                bias = (every["estimate_per_reader"] - every["slope"])[own].mean()
                found = percent(int((hit & right & own).sum()), int(own.sum()))
                sys.stdout.write(f"| {name} | {size} {word}, q <= .05 and right sign | {found} | {bias:+.3f} |\n")
    planted, null = every["role"] == "planted", every["role"] == "null"
    sys.stdout.write(f"| {name} | planted, q <= .05 and wrong sign | {percent(int((hit & ~right & planted).sum()), int(planted.sum()))} | |\n")
    sys.stdout.write(f"| {name} | follows nothing, p < .05 | {percent(int((null & (every['p'] < LEVEL)).sum()), int(null.sum()))} | |\n")
    for family in ("confirmatory", "exploratory"):
        reported = hit & (every["test_family"] == family)
        false = int((reported & null).sum())
        if reported.any():
            sys.stdout.write(f"| {name} | {family}, reported with q <= .05: follow nothing | {percent(false, int(reported.sum()))} | |\n")
    sys.stdout.flush()


def main() -> None:
    """Simulate, link, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=2001)
    args = parser.parse_args()
    sys.stdout.write("| cohort | taxa | number | % (95 % CI) | mean error of the slope |\n|---|---|---|---|---|\n")
    show("shipped", [linked(FOLDER)])
    module, frames = simulator(), []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.first, args.first + args.seeds):
            with contextlib.redirect_stdout(sys.stderr):
                module.main(["--seed", str(seed), "--output", folder])
            frames.append(linked(Path(folder)))
    show(f"{args.seeds} seeds", frames)


if __name__ == "__main__":
    main()
