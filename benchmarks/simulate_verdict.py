"""False alarms and power of the portable reference on simulated studies, whose law is known: where its assumptions hold, and where tails are long.

    python benchmarks/simulate_verdict.py [--studies 200] > table.md

Eight studies make the reference, new ones are judged by it. A study has a shift in every measure and a scale of its own. With long tails one healthy
person in ten varies twice as much, in all studies or in the new ones alone. The ill have lower diversity, a higher index, and six of 28 parts shifted;
where they stand among the controls, others of them are judged.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from validation_aligned import LEVELS, NUMBERS, SHARES_ILL, joined
from validation_tables import percent

from gutdiv.numerics.aligned_score import judge_people
from gutdiv.numerics.portable_score import People, fit_model
from gutdiv.reference.calibration import calibrate

if TYPE_CHECKING:
    import numpy.typing as npt

SIZES = (300, 300, 170, 300, 290, 80, 180, 34)
PARTS, JUDGED, SEED = 28, 60, 20261126
LAWS = {  # share of healthy people who vary twice as much, in the reference and in new studies
    "normal": (0.0, 0.0),
    "long tails": (0.1, 0.1),
    "long tails, the reference normal": (0.0, 0.1),
}


class Study:
    """A study's law, from which people are drawn."""

    def __init__(self, rng: np.random.Generator, wide: float) -> None:
        self.rng, self.wide = rng, wide
        self.scale = np.exp(rng.normal(0, 0.2))
        self.shift = np.concatenate([rng.normal(2.2, 0.34, 1), rng.normal(0, 0.6, PARTS), rng.normal(-3.5, 0.5, 1)])

    def people(self, n: int, *, ill: bool = False) -> People:
        """Draw healthy or ill people."""
        away = self.rng.standard_normal((n, PARTS + 2)) * self.scale
        away *= np.where(self.rng.random(n) < self.wide, 2.0, 1.0)[:, None]
        x = self.shift + away * np.concatenate([[0.38], np.ones(PARTS), [0.8]])
        if ill:
            x += np.concatenate([[-0.8], np.full(6, 1.5), np.zeros(PARTS - 6), [1.5]])
        return People(x[:, 0], x[:, 1:-1], x[:, -1])


def main() -> None:
    """Print a row for every law, method, number of controls and share of ill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="new studies a row (default: %(default)s)")
    args = parser.parse_args()
    cells = " | ".join(f"{100 * a:g} %" for a in LEVELS)
    print(f"| healthy people | method | controls | ill, % | {cells} | power at 2.5 % |\n|---|---|---|---|{'---|' * len(LEVELS)}---|")
    for law, (usual, wide) in LAWS.items():
        rng = np.random.Generator(np.random.Philox(key=[SEED, 0]))
        reference = {f"study_{k}": Study(rng, usual).people(n) for k, n in enumerate(SIZES)}
        model = fit_model(list(reference.values()))
        for method in ("v0", "robust"):
            robust = method == "robust"
            tables = calibrate(reference, {}, robust=robust, seed=42, grid=NUMBERS)
            for n in NUMBERS:
                for share in SHARES_ILL if n else (0.0,):
                    alarms, power = [], []
                    for k in range(args.studies):
                        study = Study(np.random.Generator(np.random.Philox(key=[SEED, 1], counter=[0, 0, n, k])), wide)
                        replaced = round(share * n)
                        judged = joined(study.people(JUDGED), study.people(JUDGED, ill=True))
                        controls = joined(study.people(n).take(np.arange(n - replaced)), study.people(replaced, ill=True))
                        p = judge_people(model, tables, judged, np.full(judged.size, -1), controls, robust=robust).p
                        alarms.append([np.mean(p[:JUDGED] <= a) for a in LEVELS])
                        power.append(float(np.mean(p[JUDGED:] <= LEVELS[1])))
                    found = " | ".join(_interval(np.array(alarms)[:, j]) for j in range(len(LEVELS)))
                    print(f"| {law} | {method} | {n} | {100 * share:g} | {found} | {percent(float(np.mean(power)))} |", flush=True)


def _interval(values: npt.NDArray[np.float64]) -> str:
    """Mean over studies with its 95 % interval."""
    half = stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return f"{percent(float(values.mean()))} ({percent(max(float(values.mean() - half), 0.0))} to {percent(float(values.mean() + half))})"


if __name__ == "__main__":
    main()
