"""What draws show of samples beside controls, against plain Python on the draws themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import strategies as st

from gutdiv.numerics.jit import use_threads
from gutdiv.numerics.observed import Rows, genus_counts, observe

DEPTH, SEED, CONTROLS = 60, 7, 4


def table() -> Rows:
    """Nine samples of forty features, of which three each are a genus."""
    counts = st.sparse.csr_matrix(np.random.default_rng(5).poisson(3.0, (9, 40)).astype(np.int64))
    keys = np.arange(1, 10, dtype=np.uint64) * np.uint64(7919)
    return Rows(counts.indptr, counts.indices, counts.data, np.arange(40) // 3, 14, keys)


@pytest.mark.parametrize("threads", [1, 2])
def test_entropy_shared_reads_logarithms_and_presence_are_those_of_the_draws(threads: int) -> None:
    rows, samples, genera, draws = table(), np.arange(9), np.array([0, 3, 13]), range(2, 5)
    by_feature = rows._replace(genus=np.arange(40), n_genera=40)
    beside = [genus_counts(rows, samples[:CONTROLS], depth=DEPTH, seed=SEED, draw=d) for d in draws]
    use_threads(threads)
    found = observe(rows, samples, beside, genera, depth=DEPTH, seed=SEED, draws=draws)
    use_threads(2)
    for s in samples:
        entropy, unshared, logs, seen = 0.0, [0] * CONTROLS, [0.0] * 3, [0] * 3
        for d, controls in zip(draws, beside, strict=True):
            features = genus_counts(by_feature, np.array([s]), depth=DEPTH, seed=SEED, draw=d)[:, 0].tolist()
            assert sum(features) == DEPTH
            entropy -= sum(x / DEPTH * math.log(x / DEPTH) for x in features if x)
            reads = [sum(features[g * 3 : g * 3 + 3]) for g in range(14)]
            unshared = [u + DEPTH - sum(map(min, reads, controls[:, k].tolist())) for k, u in enumerate(unshared)]
            logs = [total + math.log(reads[g] + 0.5) for total, g in zip(logs, genera, strict=True)]
            seen = [total + (reads[g] > 0) for total, g in zip(seen, genera, strict=True)]
        assert found.entropy[s] == pytest.approx(entropy, rel=1e-12)
        assert found.unshared[s].tolist() == unshared
        assert found.logs[s] == pytest.approx(logs, rel=1e-12)
        assert found.seen[s].tolist() == seen
