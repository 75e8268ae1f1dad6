"""How often healthy people who are no controls are flagged or lie beyond the cut-off of an index: random splits of two real groups.

    python benchmarks/validate_flags.py --work FOLDER [--splits 5] > table.md

Of each group's healthy people n are drawn as controls and all others held against them, at 1,000 reads. Nothing is tuned here.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.cli.app import main as gutdiv
from gutdiv.diversity.measure import measure_alpha
from gutdiv.diversity.rarefaction import sample_keys
from gutdiv.diversity.taxa import mdi_features, measure_taxa
from gutdiv.dysbiosis.flags import flag_samples, flag_taxa
from gutdiv.dysbiosis.indices import INDICES, Signs, measure_indices
from gutdiv.io.cohorts import read_cohort
from gutdiv.io.knowledge import read_immune_taxa, read_parts
from gutdiv.reference.controls import choose_controls

if TYPE_CHECKING:
    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Controls

GROUPS = {"crc_hale_genus": 'group == "healthy"', "ob_zeevi_israel": 'group == "normal_weight"'}
NUMBERS = (60, 100, 150)
DEPTH = 1000
SEED = 20260201


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=5)
    args = parser.parse_args()
    data = Path(os.environ.get("GUTDIV_DATA", Path(__file__).parents[2] / "shared" / "data"))
    heads = ["alpha below", "alpha above", "taxa below", "taxa above", *INDICES]
    print(f"| group | controls | others | {' | '.join(heads)} |\n|---|---|---|{'---|' * len(heads)}")
    for place, (name, expression) in enumerate(GROUPS.items()):
        folder = data / name
        inputs = [f"--{part}={folder / file}" for part, file in (("table", "table.biom"), ("taxonomy", "taxonomy.tsv"), ("metadata", "metadata.tsv"))]
        assert gutdiv(["cohort", "build", *inputs, "--output", str(args.work / name)]) == 0
        cohort = read_cohort(args.work / name / "cohort.json")
        healthy = choose_controls(cohort, expression, depth=DEPTH)
        alpha, _ = measure_alpha(cohort, ["sobs", "shannon", "pielou_e"], depth=DEPTH, draws=20)
        taxa, _ = measure_taxa(cohort, read_immune_taxa(), depth=DEPTH)
        signs = Signs(*mdi_features(cohort, read_parts()))
        for n in NUMBERS:
            rows = []
            for split in range(args.splits):
                rng = np.random.Generator(np.random.Philox(key=[SEED, place], counter=[0, 0, n, split]))
                drawn = tuple(sorted(rng.permutation(np.array(healthy.chosen, dtype=object))[:n]))
                rows.append(shares(cohort, replace(healthy, samples=drawn, chosen=drawn), healthy.chosen, alpha, taxa, signs))
            found = np.mean(rows, axis=0), np.min(rows, axis=0), np.max(rows, axis=0)
            cells = [f"{100 * m:.1f} ({100 * low:.1f} to {100 * high:.1f})" for m, low, high in zip(*found, strict=True)]
            print(f"| {name} | {n} | {len(healthy.chosen) - n} | {' | '.join(cells)} |")


def shares(cohort: Cohort, controls: Controls, healthy: tuple[str, ...], alpha, taxa, signs: Signs) -> list[float]:
    """Shares of the healthy people who are no controls: of their values of alpha and of taxa that are flagged, and beyond each cut-off."""
    others = set(healthy) - set(controls.chosen)
    flags = flag_samples(alpha, controls, depth=DEPTH)
    flags = flags[flags["sample_id"].isin(others)]
    marked, about = flag_taxa(taxa, controls, depth=DEPTH)
    marked = marked[marked["sample_id"].isin(others)]
    values = len(others) * len(about["counts"])
    made, _ = measure_indices(cohort, controls, signs, depth=DEPTH, keys=sample_keys(cohort.sample_ids))
    made = made[made["sample_id"].isin(others)]
    beyond = (made["beyond"] == "true").groupby(made["index"]).mean()
    sides = ("below", "above")
    return [*(float((flags["flag"] == s).mean()) for s in sides), *(float((marked["flag"] == s).sum() / values) for s in sides), *beyond[list(INDICES)]]


if __name__ == "__main__":
    main()
