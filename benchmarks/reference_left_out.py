"""False alarms of the portable reference by leaving one study out: both methods, by number of local controls.

    python benchmarks/reference_left_out.py --work FOLDER [--draws 20] > table.md

Each of the eight groups is held out (with groups that share people); a reference is fitted and calibrated on the rest; n of the held-out
people are drawn as controls and all others judged. `--work` is the folder of `build_reference.py`. Nothing is tuned here.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from build_reference import HERE, STUDIES, make_sheet
from scipy import stats

from gutdiv.cli.reference_portable import DEPTH, _sheet, _study
from gutdiv.io.knowledge import read_parts
from gutdiv.numerics.portable_score import fit_model, judge_new
from gutdiv.reference.calibration import calibrate

LEVELS = (0.01, 0.025, 0.05, 0.10)
NUMBERS = (0, 10, 20, 40)
SEED = 20260101  # of the controls drawn here, apart from the seed of the calibration


def main() -> None:
    """Print a table for each method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=20)
    args = parser.parse_args()
    data = Path(os.environ.get("GUTDIV_DATA", HERE.parent / "shared" / "data"))
    rules = read_parts()
    made = [_study(row, rules, (DEPTH,), 42) for row in _sheet(make_sheet(data, args.work))]
    people = {s.name: s.people for s in made}
    partners = {s.name: s.shares_people_with for s in made}
    rates: dict[tuple[str, int, str], np.ndarray] = {}
    for place, (name, *_) in enumerate(STUDIES):
        rest = {k: v for k, v in people.items() if k != name and k not in partners[name]}
        model = fit_model(list(rest.values()))
        for method in ("v0", "robust"):
            robust = method == "robust"
            tables = calibrate(rest, partners, robust=robust, seed=42, grid=NUMBERS)
            own = people[name]
            for n in NUMBERS:
                if own.size < n + 20:
                    continue
                hits = []
                for draw in range(args.draws if n else 1):
                    order = np.random.Generator(np.random.Philox(key=[SEED, place], counter=[0, 0, n, draw])).permutation(own.size)
                    p = judge_new(model, tables, own.take(order[n : n + 200]), own.take(order[:n]), robust=robust)
                    hits.append([np.mean(p <= a) for a in LEVELS])
                rates[method, n, name] = np.mean(hits, axis=0)
    print("| method | controls | studies | " + " | ".join(f"mean at {a:g} % (95 % CI over studies); worst" for a in 100 * np.array(LEVELS)) + " |")
    print("|---|---|---|" + "---|" * len(LEVELS))
    for method in ("v0", "robust"):
        for n in NUMBERS:
            named = [k for k in people if (method, n, k) in rates]
            table = 100 * np.array([rates[method, n, k] for k in named])
            half = stats.t.ppf(0.975, len(named) - 1) * table.std(axis=0, ddof=1) / np.sqrt(len(named))
            cells = []
            for j, mean in enumerate(table.mean(axis=0)):
                worst = int(table[:, j].argmax())
                cells.append(f"{mean:.1f} ({mean - half[j]:.1f} to {mean + half[j]:.1f}); {table[worst, j]:.1f} {named[worst].split('_')[1]}")
            print(f"| {method} | {n} | {len(named)} | " + " | ".join(cells) + " |")
    print()
    print("False alarms at 5 %, by study:\n\n| study | people | " + " | ".join(f"{m} n={n}" for m in ("v0", "robust") for n in NUMBERS) + " |")
    print("|---|---|" + "---|" * 2 * len(NUMBERS))
    for name, own in people.items():
        cells = [f"{100 * rates[m, n, name][2]:.1f}" if (m, n, name) in rates else "-" for m in ("v0", "robust") for n in NUMBERS]
        print(f"| {name} | {own.size} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
