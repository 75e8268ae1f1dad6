"""What tests on distances share: tables of truth, the data sets that ship with vegan, and sample metadata made by hand."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist, squareform

from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import DistanceMatrix

TRUTH = Path(__file__).parent / "truth"


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of truth."""
    with (TRUTH / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def metadata(ids: list[str], columns: dict[str, list[Any]], *, categorical: tuple[str, ...] = ()) -> SampleMetadata:
    """Make sample metadata; columns of numbers are numeric unless named."""
    cells = {k: tuple(None if v is None or v == "" else str(v) for v in values) for k, values in columns.items()}

    def kind(name: str) -> str:
        try:
            [float(c) for c in cells[name] if c is not None]
        except ValueError:
            return "categorical"
        return "categorical" if name in categorical else "numeric"

    return SampleMetadata(tuple(ids), cells, {k: kind(k) for k in cells})


def vegan_data(name: str) -> tuple[DistanceMatrix, SampleMetadata]:
    """Return the distances and metadata that vegan was given."""
    env = rows({"nested": "nested.tsv"}.get(name, f"{name}_env.tsv"))
    ids = [r["sample_id"] for r in env]
    meta = metadata(ids, {k: [r[k] for r in env] for k in env[0] if k != "sample_id"}, categorical=("Moisture", "Manure"))
    if name == "nested":
        matrix = pdist(np.array([[float(r["agropyron"]), float(r["schizachyrium"])] for r in env]))
    else:
        table = [[float(v) for k, v in r.items() if k != "sample_id"] for r in rows(f"{name}.tsv")]
        matrix = pdist(np.array(table), "braycurtis")
    return DistanceMatrix(tuple(ids), squareform(matrix), "braycurtis"), meta


def agree_by_chance(p: float, permutations: int, theirs: float, their_permutations: int) -> bool:
    """Whether two p-values of independent sets of permutations lie within four standard errors."""
    middle = min(max((p + theirs) / 2, 0.002), 0.998)
    return bool(abs(p - theirs) < 4 * np.sqrt(middle * (1 - middle) * (1 / permutations + 1 / their_permutations)))
