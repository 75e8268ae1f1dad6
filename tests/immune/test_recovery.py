"""Recovery of the truth of `test_data/`: planted links are found with sign and size, unplanted taxa no more often than their rate."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gutdiv.cohort.align import align
from gutdiv.immune.links import link
from gutdiv.io.knowledge import read_immune_taxa, read_synonyms
from gutdiv.io.metadata import read_metadata
from gutdiv.io.tables import read_abundance_table
from gutdiv.io.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from gutdiv.model.cohort import Cohort

FOLDER = Path(__file__).resolve().parents[2] / "test_data"
LEVEL = 0.05  # of q
SIZES = (0.8, 0.5, 0.3)


def read_simulated(folder: Path) -> Cohort:
    """Read a simulated cohort as the command line does."""
    cohort, _ = align(
        read_abundance_table(folder / "table.biom"),
        taxonomy=read_taxonomy(folder / "taxonomy.tsv"),
        metadata=read_metadata(folder / "metadata.tsv"),
        synonyms=read_synonyms(),
    )
    return cohort


def part_of(row: Mapping[str, str | None]) -> str:
    """Name a feature's taxon as the table of links does: its genus, or `unclassified` and its finest name."""
    if row["canonical_genus"]:
        return str(row["canonical_genus"])
    for rank in ("canonical_family", "order", "class", "phylum", "domain"):
        name = str(row[rank] or "").replace("_", " ")
        if name and name not in {"uncultured", "unclassified"}:
            return f"unclassified {name}"
    return "unclassified"


def recovered(folder: Path, *, covariates: tuple[str, ...] = ()) -> pd.DataFrame:
    """Link, and set beside each link what is true of the taxon: `role` and `slope`; a taxon that pools several roles is `mixed`."""
    cohort = read_simulated(folder)
    assert cohort.lineages is not None
    frame, about = link(cohort, read_immune_taxa(), subject="subject", covariates=covariates)
    assert about["judged_by"] == ("HC3 of subject means" if covariates == ("age", "sex") else "jackknife over subjects")
    assert about["n_reference_taxa"] >= 25
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["taxa"]
    of_feature = {f: t for t in truth for f in t["features"]}
    members: dict[str, list[dict[str, Any]]] = {}
    for feature, row in cohort.lineages.to_dict("index").items():
        members.setdefault(part_of(row), []).append(of_feature[str(feature)])
        members.setdefault(f"family {row['canonical_family']}", []).append(of_feature[str(feature)])
    keys = [f"family {r.taxon}" if r.rank == "family" else r.taxon for r in frame[["taxon", "rank"]].itertuples(index=False)]
    assert all(k in members for k in keys), [k for k in keys if k not in members]
    roles = [{t["role"] for t in members[k]} for k in keys]
    frame["role"] = [next(iter(r)) if len(r) == 1 else "mixed" for r in roles]
    frame["slope"] = [members[k][0]["slope"] if r == {"planted"} else np.nan for k, r in zip(keys, roles, strict=True)]
    # The table's estimate is damped by the taxon's zeros; per reader it is on the scale of the planted slope.
    reader = frame["estimate_per_reader"] / frame["estimate"]
    frame["low"], frame["high"] = frame["ci_low"] * reader, frame["ci_high"] * reader
    frame["covered"] = (frame["low"] <= frame["slope"]) & (frame["slope"] <= frame["high"])
    return frame


@pytest.fixture(scope="module")
def shipped() -> pd.DataFrame:
    return recovered(FOLDER)


def found(frame: pd.DataFrame, size: float) -> int:
    """Count the planted taxa of a size that are found with the right sign."""
    own = frame[frame["slope"].abs() == size]
    assert len(own) == 5
    return int(((own["q"] <= LEVEL) & (np.sign(own["estimate"]) == np.sign(own["slope"]))).sum())


def test_planted_links_are_found_with_the_right_sign(shipped: pd.DataFrame) -> None:
    assert found(shipped, 0.8) == 5
    assert found(shipped, 0.5) == 5
    assert found(shipped, 0.3) >= 4


def test_planted_links_are_recovered_by_size(shipped: pd.DataFrame) -> None:
    planted = shipped[shipped["role"] == "planted"]
    assert (planted["estimate_per_reader"] - planted["slope"]).abs().max() < 0.15
    assert planted["covered"].sum() >= 13
    mean = [planted.loc[planted["slope"].abs() == s, "estimate_per_reader"].abs().mean() for s in SIZES]
    assert mean == pytest.approx(SIZES, abs=0.08)


def test_unplanted_taxa_are_reported_no_more_often_than_chance_allows(shipped: pd.DataFrame) -> None:
    null = shipped[shipped["role"] == "null"]
    assert len(null) >= 70
    # 1 in 1,000 tables of independent nulls at 5 % would exceed this count.
    assert (null["p"] <= 0.05).sum() <= stats.binom.ppf(0.999, len(null), 0.05)
    # With r planted and lost taxa found, at most about r / 19 false ones are expected in a family's reports.
    hits = (shipped["q"] <= LEVEL) & (shipped["role"] != "null")
    assert ((null["q"] <= LEVEL).sum()) <= stats.poisson.ppf(0.999, hits.sum() / 19)


def test_adjusting_for_covariates_that_follow_nothing_changes_little(shipped: pd.DataFrame) -> None:
    adjusted = recovered(FOLDER, covariates=("age", "sex", "bmi"))
    assert found(adjusted, 0.8) == 5
    both = adjusted.merge(shipped, on="taxon", suffixes=("_adjusted", ""))
    planted = both[both["role"] == "planted"]
    assert (planted["estimate_per_reader_adjusted"] - planted["estimate_per_reader"]).abs().max() < 0.1


def test_subject_means_recover_the_large_links_too() -> None:
    assert found(recovered(FOLDER, covariates=("age", "sex")), 0.8) == 5


def load_simulate() -> ModuleType:
    """Import `test_data/simulate.py` by its path."""
    if "simulate" not in sys.modules:
        spec = importlib.util.spec_from_file_location("simulate", FOLDER / "simulate.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["simulate"] = module
        spec.loader.exec_module(module)
    return sys.modules["simulate"]


@pytest.mark.slow
def test_over_twenty_seeds_power_sign_size_and_false_positives_hold(tmp_path: Path) -> None:
    simulate = load_simulate()
    frames = []
    for seed in range(1, 21):
        simulate.main(["--seed", str(seed), "--output", str(tmp_path)])
        frames.append(recovered(tmp_path).assign(seed=seed))
    every = pd.concat(frames, ignore_index=True)
    power = {s: sum(found(f, s) for f in frames) / (5 * len(frames)) for s in SIZES}
    assert power[0.8] == 1
    assert power[0.5] >= 0.95
    assert power[0.3] >= 0.95
    planted = every[every["role"] == "planted"]
    assert not ((planted["q"] <= LEVEL) & (np.sign(planted["estimate"]) != np.sign(planted["slope"]))).any()
    assert planted["covered"].mean() >= 0.95  # above 95 %, because planted slopes are met within the samples themselves
    bias = (planted["estimate_per_reader"] - planted["slope"]).groupby(planted["slope"]).mean()
    assert bias.abs().max() < 0.05
    null = every[every["role"] == "null"]
    rates = (null["p"] <= 0.05).groupby(null["seed"]).mean()
    assert rates.mean() < 0.05 + 0.02  # links.md promises 3-7 % with blooms at n = 120 and 400
    for family, own in every[every["q"] <= LEVEL].groupby("test_family"):
        shares = (own["role"] == "null").groupby(own["seed"]).mean().reindex(range(1, 21), fill_value=0.0)
        error = float(shares.std(ddof=1)) / np.sqrt(len(shares))
        assert shares.mean() <= LEVEL + 2 * error, (family, shares.mean(), error)
