"""Guilds among the genera that are linked with diversity or differ between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gutdiv.cli.app import main
from gutdiv.immune.enrichment import enrich
from gutdiv.io.artifacts import read_table, record, write_table
from gutdiv.io.cohorts import write_cohort
from gutdiv.model.results import TABLES, Table
from gutdiv.numerics.overlap import strata_of, stratified_overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gutdiv.model.cohort import Cohort

Rows = tuple["Mapping[str, str]", ...]
# By hand from the knowledge base: butyrate producers by genus, Citrobacter and Genus 03 by the family Enterobacteriaceae.
BUTYRATE = ["Faecalibacterium", "Roseburia", "Anaerostipes", "Coprococcus", "Butyricicoccus"]
GENERA = [*BUTYRATE, "Klebsiella", "Escherichia", "Citrobacter", *[f"Genus {j:02d}" for j in range(3, 35)]]
FAMILIES = ["Lachnospiraceae"] * 5 + ["Enterobacteriaceae"] * 4 + ["Someaceae"] * 31


def links(hits: Mapping[str, float], *, family: str = "exploratory") -> pd.DataFrame:
    """Links of all genera, of which the named ones have q = .01 and this estimate."""
    frame = pd.DataFrame({"taxon": GENERA, "rank": "genus", "test_family": family, "prevalence": np.linspace(0.2, 1, 40)})
    frame["estimate"] = [hits.get(g, 0.1) for g in GENERA]
    frame["q"] = [0.01 if g in hits else 0.9 for g in GENERA]
    return frame.reindex(columns=list(TABLES["links"]))


@pytest.fixture
def cohort(cohort_of: Callable[..., Cohort]) -> Cohort:
    return cohort_of(np.full((5, 40), 10), genera=GENERA, families=FAMILIES)


def row(frame: pd.DataFrame, guild: str, direction: str) -> pd.Series:
    """The row of a guild and direction."""
    found = frame[(frame["guild"] == guild) & (frame["direction"] == direction)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_guild_is_counted_among_hits_of_one_direction_against_genera_of_like_prevalence(cohort: Cohort, knowledge: Rows) -> None:
    hits = {"Faecalibacterium": 0.4, "Roseburia": 0.5, "Anaerostipes": 0.3, "Klebsiella": -0.5, "Genus 30": 0.6}
    frame, about = enrich(cohort, knowledge, links=links(hits))
    up, down = row(frame, "butyrate producer", "higher"), row(frame, "butyrate producer", "lower")
    assert (up["n_taxa"], up["n_hits"], up["n_guild"], up["observed"]) == (40, 4, 5, 3)
    assert up["members"] == "Anaerostipes; Faecalibacterium; Roseburia"
    inside = np.isin(GENERA, BUTYRATE)
    higher = np.array([hits.get(g, 0) > 0 for g in GENERA])
    _, expected, p = stratified_overlap(inside, higher, strata_of(np.linspace(0.2, 1, 40), 10))
    assert (up["expected"], up["p"]) == (pytest.approx(expected), pytest.approx(p))
    # by hand: three hits and all five members lie in the first stratum of ten, so that p = (C(5,3) C(5,0)) / C(10,3)
    assert p == pytest.approx(10 / 120)
    assert (down["n_hits"], down["observed"]) == (1, 0)
    assert set(BUTYRATE) <= set(about["guilds"]["butyrate producer"])
    lps = row(frame, "LPS-rich Proteobacteria", "lower")
    assert (lps["n_guild"], lps["observed"], lps["members"]) == (4, 1, "Klebsiella")


def test_q_is_within_a_source_and_what_is_too_small_says_so(cohort: Cohort, knowledge: Rows) -> None:
    frame, _ = enrich(cohort, knowledge, links=links({"Faecalibacterium": 0.4}))
    tested = frame[frame["p"].notna()]
    assert (tested["q"] >= tested["p"] - 1e-12).all()
    assert set(frame.loc[frame["p"].isna(), "reason"]) == {"fewer than 3 of its genera were tested", "no genus is a hit in this direction"}
    assert frame.loc[frame["p"].isna(), "q"].isna().all()


def test_links_with_a_marker_are_a_source_of_their_own(cohort: Cohort, knowledge: Rows) -> None:
    both = pd.concat([links({"Faecalibacterium": 0.4}), links({"Roseburia": -0.4}, family="marker:crp")], ignore_index=True)
    frame, _ = enrich(cohort, knowledge, links=both)
    assert list(dict.fromkeys(frame["source"])) == ["links", "marker:crp"]
    assert frame.loc[frame["members"] == "Roseburia", "source"].unique().tolist() == ["marker:crp"]


def test_differences_between_groups_are_counted_by_contrast_with_their_sign(cohort: Cohort, knowledge: Rows) -> None:
    one = pd.DataFrame({"taxon": GENERA, "rank": "genus", "metric": "abundance", "variable": "group", "prevalence": np.linspace(0.2, 1, 40)})
    one["effect"] = [-1.0 if g in BUTYRATE else 1.0 for g in GENERA]
    one["q"] = [0.001 if g in BUTYRATE[:4] else 0.06 for g in GENERA]
    two = [one.assign(contrast="case vs control", effect_name="log2 fold"), one.assign(contrast="all", effect_name="", effect=np.nan)]
    frame, _ = enrich(cohort, knowledge, abundance=pd.concat(two, ignore_index=True).reindex(columns=list(TABLES["abundance"])))
    assert set(frame["source"]) == {"abundance: group, case vs control", "abundance: group, all"}
    signed, overall = (frame[frame["source"].str.endswith(name)] for name in ("control", "all"))
    assert row(signed, "butyrate producer", "lower")["observed"] == 4
    assert row(signed, "butyrate producer", "higher")["reason"] == "no genus is a hit in this direction"
    assert row(overall, "butyrate producer", "either")["observed"] == 4


def test_few_taxa_or_no_lineages_give_no_rows_and_the_reason(cohort: Cohort, cohort_of: Callable[..., Cohort], knowledge: Rows) -> None:
    frame, about = enrich(cohort, knowledge, links=links({}).iloc[:19])
    assert len(frame) == 0
    assert about["absent"] == {"links": "19 genera were tested, and 20 are needed"}
    frame, about = enrich(cohort_of(np.full((5, 40), 10), lineages=False), knowledge, links=links({}))
    assert len(frame) == 0
    assert "no lineages" in about["absent"]["enrichment"]
    assert enrich(cohort, knowledge, links=links({}).iloc[:0])[1]["absent"] == {
        "enrichment": "no links and no differences between groups were tested"
    }


def test_the_command_writes_table_and_record_and_needs_something_to_look_at(
    tmp_path: Path, cohort: Cohort, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cohort(tmp_path, cohort, [], name="small", about={})
    frame = links({"Faecalibacterium": 0.4}).assign(robustness="robust", partner="", direction="higher", n=5, n_reference_taxa=20)
    write_table(tmp_path / "links.tsv", Table("links", frame, record("links")))
    words = ["immune", "enrichment", "--cohort", str(tmp_path / "cohort.json"), "--output", str(tmp_path / "enrichment.tsv")]
    assert main(words) == 2
    assert "nothing was given to look at" in capsys.readouterr().err
    assert main([*words, "--links", str(tmp_path / "links.tsv")]) == 0
    table = read_table(tmp_path / "enrichment.tsv", "enrichment")
    assert row(table.frame, "butyrate producer", "higher")["observed"] == 1
    assert [i["role"] for i in table.record["inputs"]] == ["cohort", "links"]
