"""A small simulator of genus tables, written for these tests alone, and the cohorts made of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.io.knowledge import read_immune_taxa
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, Roles, SampleMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Simulated:
    """Counts of one table, which taxa are independent of all others, which follow the diversity of the others by how much, and total load."""

    counts: np.ndarray
    null: np.ndarray
    planted: Mapping[int, float]
    load: np.ndarray


def simulate(
    rng: np.random.Generator, n: int, *, bloom: bool = False, load: bool = False, planted: Mapping[int, float] | None = None
) -> Simulated:
    """Draw log-normal absolute abundances of 80 taxa, two thirds of them correlated by four factors, and multinomial reads of them.

    `bloom`: one dominant taxon is twenty times higher in every fifth sample. `load`: everything but the null taxa follows a common factor
    (SD .7) that goes with diversity (correlation .5). `planted`: taxon to its slope in ln-units per SD of the Shannon diversity of the
    correlated taxa.
    """
    p = 80
    null = np.zeros(p, dtype=bool)
    null[1::3] = True  # spread over all abundance ranks
    centre = np.linspace(4.2, -6.2, p)
    spread = rng.uniform(0.8, 1.4, p)
    loading = rng.normal(size=(p, 4)) * 0.45
    loading[null] = 0
    own = np.sqrt(np.maximum(1 - (loading**2).sum(axis=1), 0.25))
    logs = centre + spread * (rng.normal(size=(n, 4)) @ loading.T + rng.normal(size=(n, p)) * own)
    if bloom:
        logs[:, 0] += np.log(20) * (rng.random(n) < 0.2)
        null[0] = False
    others = np.exp(logs[:, ~null])
    share = others / others.sum(axis=1, keepdims=True)
    diversity = -(share * np.log(share)).sum(axis=1)
    diversity = (diversity - diversity.mean()) / diversity.std()
    if load:
        logs[:, ~null] += 0.7 * (0.5 * diversity + np.sqrt(0.75) * rng.normal(size=n))[:, None]
    for j, size in (planted or {}).items():
        logs[:, j] += size * diversity
        null[j] = False
    amount = np.exp(logs)
    depth = np.exp(rng.normal(np.log(12_000), 0.7, n)).astype(int) + 1_000
    counts = np.vstack([rng.multinomial(d, a / a.sum()) for d, a in zip(depth, amount, strict=True)]).astype(np.int64)
    return Simulated(counts, null, dict(planted or {}), amount.sum(axis=1))


def make_cohort(
    counts: np.ndarray,
    *,
    genera: Sequence[str] | None = None,
    families: Sequence[str | None] | None = None,
    metadata: Mapping[str, Sequence[str | None]] | None = None,
    kinds: Mapping[str, str] | None = None,
    species: Sequence[str | None] | None = None,
    lineages: bool = True,
) -> Cohort:
    """Make a cohort of a dense table; genera are `Genus 00`, ... unless named."""
    n, p = counts.shape
    samples = tuple(f"S{i:05d}" for i in range(n))
    features = tuple(f"F{j:05d}" for j in range(p))
    names = list(genera) if genera is not None else [f"Genus {j:02d}" for j in range(p)]
    above = list(families) if families is not None else ["Someaceae"] * p
    below = list(species) if species is not None else [None] * p
    rows = [("Bacteria", None, None, None, f, g, s, f, g, f"{f};{g}") for f, g, s in zip(above, names, below, strict=True)]
    frame = pd.DataFrame(rows, index=pd.Index(features, dtype=object), columns=list(LINEAGE_COLUMNS), dtype=object)
    columns = {k: tuple(v) for k, v in (metadata or {}).items()}
    about = SampleMetadata(samples, columns, dict(kinds or dict.fromkeys(columns, "categorical")))
    return Cohort(
        samples,
        features,
        sparse.csr_matrix(counts.astype(np.int64)),
        frame if lineages else None,
        None,
        about,
        Roles(),
        {"dialect": "plain"},
    )


@pytest.fixture
def simulated() -> Callable[..., Simulated]:
    return simulate


@pytest.fixture
def cohort_of() -> Callable[..., Cohort]:
    return make_cohort


@pytest.fixture(scope="session")
def knowledge() -> tuple[Mapping[str, str], ...]:
    return read_immune_taxa()
