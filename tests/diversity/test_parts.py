"""The parts by which studies are held against each other, on a table worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutdiv.diversity.parts import measure_portable, own_genera, parts_of
from gutdiv.io.knowledge import read_parts
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, Roles, SampleMetadata

# feature, phylum, family as spelled, genus as spelled, canonical family, canonical genus, the part it belongs to
ROWS = (
    ("Barnesiellaceae_unclassified", None, None, None, None, None, "Porphyromonadaceae_sl"),  # only its own name tells the family
    ("a", "Firmicutes", "Lachnospiraceae", "Blautia", "Lachnospiraceae", "Blautia", "Blautia"),
    ("b", "Firmicutes", "Lachnospiraceae", None, "Lachnospiraceae", None, "Lachnospiraceae_other"),
    ("c", "Firmicutes", "Lachnospiraceae", "[Ruminococcus]", "Lachnospiraceae", "[Ruminococcus] (Greengenes bin)", "Lachnospiraceae_other"),
    ("d", "Bacteroidetes", "S24-7", None, "Muribaculaceae", None, "Porphyromonadaceae_sl"),
    ("e", "Proteobacteria", None, "Nothing", None, "Nothing", "other"),
)
COUNTS = np.array([[1, 4, 2, 1, 1, 1]], dtype=np.int64)


def cohort() -> Cohort:
    names = tuple(r[0] for r in ROWS)
    keys = ("phylum", "family", "genus", "canonical_family", "canonical_genus")
    frame = pd.DataFrame(
        [[dict(zip(keys, r[1:6], strict=True)).get(c) for c in LINEAGE_COLUMNS] for r in ROWS], index=names, columns=list(LINEAGE_COLUMNS), dtype=object
    )
    return Cohort(("s",), names, sparse.csr_matrix(COUNTS), frame, None, SampleMetadata(("s",), {}, {}), Roles())


def test_features_fall_into_parts_by_genus_then_family_then_their_own_name() -> None:
    rules = read_parts()
    parts = tuple(dict.fromkeys(r["part"] for r in rules))
    assert len(parts) == 29
    assert parts[-1] == "other"
    assert [parts[k] for k in parts_of(cohort(), rules, parts)] == [r[-1] for r in ROWS]


def test_genera_are_counted_by_the_studys_own_names() -> None:
    names = own_genera(cohort())
    assert names == ["Barnesiellaceae_unclassified", "Blautia", "unclassified Lachnospiraceae", "[Ruminococcus]", "unclassified S24-7", "Nothing"]


def test_values_at_full_depth_equal_a_calculation_by_hand() -> None:
    seen = measure_portable(cohort(), read_parts(), depth=10, draws=3)
    p = np.array([1, 4, 2, 1, 1, 1]) / 10
    assert seen.alpha["Shannon"] == pytest.approx(-np.sum(p * np.log(p)))
    assert seen.alpha["lnRichness"] == pytest.approx(np.log(6))
    assert seen.alpha["lnInvSimpson"] == pytest.approx(-np.log(np.sum(p**2)))
    assert seen.alpha["-logitBP"] == pytest.approx(np.log(0.6 / 0.4))
    q = np.array([4, 3, 2, 1]) / 10  # Blautia, other Lachnospiraceae, Porphyromonadaceae in the wide sense, other
    assert seen.alpha["ShannonGuild"] == pytest.approx(-np.sum(q * np.log(q)))
    assert seen.alpha["log2FB"] == pytest.approx(np.log2(7.5 / 2.5))  # the feature without a phylum counts by its part
    counts = dict(zip(seen.parts, seen.counts[0], strict=True))
    assert (counts["Blautia"], counts["Porphyromonadaceae_sl"], counts["Faecalibacterium"]) == (4, 2, 0)
    logs = np.log(np.array(list(counts.values())) + 0.5)
    assert seen.clr(other=True)[0] == pytest.approx(logs - logs.mean())
    # MDI: no up part has a read; of the ten down parts Blautia has 4, other Lachnospiraceae 3, Porphyromonadaceae 2
    down = (np.log(4.5) + np.log(3.5) + np.log(2.5) + 7 * np.log(0.5)) / 10
    assert seen.mdi()[0] == pytest.approx(np.log(0.5) - down)
