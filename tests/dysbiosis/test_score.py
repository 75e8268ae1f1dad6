"""The in-study score by low-rank updates against its slow twin, which refits everything for every sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from score_twin import Components, _mahalanobis, components_of, conformal

from gutdiv.cli.app import main
from gutdiv.diversity.rarefaction import sample_keys
from gutdiv.dysbiosis.aligned import own_controls
from gutdiv.dysbiosis.score import judge_samples, measure_study, rows_of
from gutdiv.io.cohorts import read_cohort
from gutdiv.numerics.conformal import make_bags, may_be_kept, ranks_in_bags, squared_distances
from gutdiv.reference.controls import choose_controls

if TYPE_CHECKING:
    from pathlib import Path

DRAWS = 20


def simulated(n: int, g: int, seed: int = 1) -> Components:
    """Samples whose genera come and go, so that bags keep different genera; some entropies tie."""
    rng = np.random.default_rng(seed)
    common = np.where(np.arange(g) % 3 == 0, rng.uniform(0.15, 0.3, g), rng.uniform(0.05, 1, g))
    reads = rng.poisson(np.exp(rng.normal(2, 1, (n, g)))) * (rng.random((n, g)) < common)
    drawn = [rng.binomial(reads, 0.5) for _ in range(DRAWS)]
    distance = rng.integers(1000, 20000, (n, n))
    distance = np.minimum(distance, distance.T)
    np.fill_diagonal(distance, 0)
    logs, seen = sum(np.log(r + 0.5) for r in drawn) / DRAWS, sum((r > 0).astype(float) for r in drawn)
    return Components(rng.normal(3, 0.5, n).round(1), distance.astype(float), logs, seen, DRAWS)


@pytest.mark.parametrize("genera", [40, 150], ids=["fewer genera than controls", "more genera than controls"])
def test_scores_by_updates_are_those_of_refitting_to_1e_9_and_ranks_are_equal(genera: int) -> None:
    n, m = 70, 20
    c = simulated(n + m, genera)
    seen = c.presence.astype(np.int64)
    kept = np.flatnonzero(may_be_kept(seen[:n], np.ones(n, np.int64), DRAWS))
    logs, held = np.ascontiguousarray(c.logs[:, kept]), np.ascontiguousarray(seen[:, kept])
    apart = c.distance[:, :n].astype(np.int64)
    bags = make_bags(c.entropy[:n], logs[:n], held[:n], apart[:n], draws=DRAWS)
    own = np.append(np.arange(n), np.full(m, -1))  # controls are left out of their own bags
    own[n : n + 5] = [3, 3, 9, 1, 0]  # and so is the control of a sample's subject
    ranks = ranks_in_bags(bags, c.entropy, logs, held, apart, own)
    sets = set()
    for s in range(n + m):
        reference = np.delete(np.arange(n), own[s]) if own[s] >= 0 else np.arange(n)
        bag = np.append(reference, s)
        sets.add((c.presence[bag].mean(axis=0) >= 0.2 * DRAWS).tobytes())
        slow = conformal(c, s, reference)
        assert (slow.p, slow.diversity, slow.neighbours, slow.composition) == tuple(ranks[s])
        fast = squared_distances(bags, logs[s], held[s], int(own[s]))[np.append(reference, n)]
        np.testing.assert_allclose(fast, _mahalanobis(c.logs[bag], c.presence[bag], DRAWS), rtol=1e-9)
    assert len(sets) > 3  # bags did keep different genera


REAL = {
    "hct_taur": 'group == "pre_transplant"',
    "crc_baxter_genus": 'group == "healthy"',
    "ob_zeevi_israel": 'group == "normal_weight"',
}


@pytest.mark.parametrize("study", list(REAL))
def test_p_values_of_real_samples_are_those_of_refitting(study: str, real_data: Path, tmp_path: Path) -> None:
    source = real_data / study
    names = {"--table": "table.biom", "--taxonomy": "taxonomy.tsv", "--metadata": "metadata.tsv"}
    files = [word for option, file in names.items() for word in (option, str(source / file))]
    assert main(["cohort", "build", *files, "--subject", "subject_id", "--output", str(tmp_path)]) == 0
    cohort = read_cohort(tmp_path / "cohort.json")
    depth, keys = 1000, sample_keys(cohort.sample_ids)
    controls = choose_controls(cohort, REAL[study], depth=depth)
    at, own = own_controls(controls, cohort.sample_ids)
    rows = np.flatnonzero(cohort.depth >= depth)
    entropy = np.random.default_rng(1).normal(size=len(cohort.sample_ids))
    table, genera = rows_of(cohort, keys)
    found = measure_study(table, genera, rows, at, depth=depth, seed=42, draws=range(4), entropy=entropy[rows])
    fast = judge_samples(found, own[rows])
    c = components_of(cohort, entropy, depth=depth, keys=keys, seed=42, draws=4)
    picked = rows[:: max(1, rows.size // 60)]
    assert picked.size >= 60
    for s in picked:
        reference = np.delete(at, own[s]) if own[s] >= 0 else at
        slow = conformal(c, int(s), reference)
        assert (slow.p, slow.diversity, slow.neighbours, slow.composition) == tuple(fast[np.searchsorted(rows, s)])
