"""What is depleted or enriched in a sample, and what the literature says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from gutdiv.cli.app import main
from gutdiv.immune.samples import FAR, MIN_CONTROLS, TAIL, agreement, describe_samples, detection_limit
from gutdiv.io.artifacts import read_table, record, write_table
from gutdiv.io.cohorts import write_cohort
from gutdiv.model.results import TABLES, Controls, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gutdiv.model.cohort import Cohort

Rows = tuple["Mapping[str, str]", ...]
GENERA = ("Faecalibacterium", "Roseburia", "Akkermansia", "Bifidobacterium", "Klebsiella", "Lactobacillus", "Genus x")
SCORED = GENERA[:5]
FAMILIES = ["Ruminococcaceae", "Lachnospiraceae", "Akkermansiaceae", "Bifidobacteriaceae", "Enterobacteriaceae", "Lactobacillaceae", "Xaceae"]
N = 60


def scores_of(counts: np.ndarray, samples: Sequence[str]) -> pd.DataFrame:
    """Log-ratios by hand, without rarefaction: CLR of the five genera and the rest, and one guild."""
    rest = counts.sum(axis=1) - counts[:, :5].sum(axis=1)
    logs = np.log(np.column_stack([counts[:, :5], rest]) + 0.5)
    clr = logs - logs.mean(axis=1, keepdims=True)
    share = counts / counts.sum(axis=1, keepdims=True)
    frames = [
        pd.DataFrame({"sample_id": samples, "level": "genus", "metric": f"clr:{g}", "value": clr[:, j], "share": share[:, j]})
        for j, g in enumerate(SCORED)
    ]
    butyrate = share[:, :2].sum(axis=1)
    guild = {"level": "guild", "metric": "guild:butyrate producer", "value": np.log(butyrate / (1 - butyrate)), "share": butyrate}
    frames.append(pd.DataFrame({"sample_id": samples, **guild}))
    return pd.concat(frames, ignore_index=True).assign(sd=0.0, depth=1_000, detected=1.0)[list(TABLES["taxa"])]


@pytest.fixture
def world(cohort_of: Callable[..., Cohort]) -> dict[str, Any]:
    """Fifty controls and ten others. S00050 lacks Faecalibacterium, S00051 is full of Klebsiella, S00052 lacks what many controls lack too."""
    rng = np.random.default_rng(51)
    counts = rng.poisson([900, 400, 200, 100, 40, 0, 8_000], size=(N, 7))
    counts[:, 2] *= rng.random(N) < 0.7  # Akkermansia: a third of the controls lack it
    counts[50, 0], counts[51, 4], counts[52, 2], counts[53, 5] = 0, 9_000, 0, 7
    cohort = cohort_of(counts, genera=GENERA, families=FAMILIES)
    ids = cohort.sample_ids
    subjects = {s: f"subject {i}" for i, s in enumerate(ids)} | {ids[50]: "subject 0"}  # S00050 is of the first control's subject
    controls = Controls("group == 'c'", ids[:50], ids[:50], subjects, ())
    word = ["within"] * 50 + ["outside", "borderline", "outside", "outside", *["within"] * 6]
    verdicts = pd.DataFrame({"sample_id": ids, "verdict": word})
    flags = pd.DataFrame({"sample_id": [ids[54], ids[55], ids[56]], "metric": ["shannon", "pielou_e", "sobs (genus)"], "flag": "below"})
    return {"cohort": cohort, "taxa": scores_of(counts, ids), "verdicts": verdicts, "flags": flags, "controls": controls, "counts": counts}


def told(world: dict[str, Any], knowledge: Rows, **more: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Describe the samples of a world."""
    given = {k: world[k] for k in ("verdicts", "flags", "controls")} | more
    return describe_samples(world["cohort"], world["taxa"], rows=knowledge, **given)


def test_samples_are_those_outside_borderline_or_low_in_diversity_or_richness(world: dict[str, Any], knowledge: Rows) -> None:
    frame, about = told(world, knowledge)
    assert set(frame["sample_id"]) <= {f"S000{i}" for i in (50, 51, 52, 53, 54, 56)}  # 55 is low in evenness only
    assert about["samples"] == {"borderline": 1, "outside": 3, "within": 2}
    assert set(frame.loc[frame["sample_id"] == "S00056", "low_metrics"]) == {"sobs (genus)"}


def naive_call(world: dict[str, Any], sample: str, metric: str) -> tuple[str, float, float]:
    """Naive twin of the rule for one sample and metric: state, z, tail."""
    own = world["taxa"][world["taxa"]["metric"] == metric]
    value, shares = dict(zip(own["sample_id"], own["value"], strict=True)), dict(zip(own["sample_id"], own["share"], strict=True))
    controls = world["controls"]
    others = [s for s in controls.chosen if controls.subjects[s] != controls.subjects[sample]]
    values = [value[s] for s in others]
    x, share = value[sample], shares[sample]
    middle = float(np.median(values))
    z = (x - middle) / (1.4826 * float(np.median([abs(v - middle) for v in values])))
    typical = float(np.median([shares[s] for s in others]))
    tail = float(np.mean([v <= x if x < middle else v >= x for v in values]))
    if abs(z) < FAR or tail > TAIL or (share - typical) * z <= 0:
        return "", z, tail
    return ("depleted" if z < 0 else "enriched"), z, tail


def test_states_z_and_tails_are_those_of_the_naive_twin(world: dict[str, Any], knowledge: Rows) -> None:
    frame, _ = told(world, knowledge)
    checked = 0
    for sample in ("S00050", "S00051", "S00052", "S00053", "S00054", "S00056"):
        for metric in (*(f"clr:{g}" for g in SCORED), "guild:butyrate producer"):
            state, z, tail = naive_call(world, sample, metric)
            own = frame[(frame["sample_id"] == sample) & (frame["name"] == metric.partition(":")[2])]
            assert (set(own["state"]) - {"present"}) == ({state} - {""}), (sample, metric)
            if len(own):
                assert own["z"].iloc[0] == pytest.approx(z, abs=1e-12)
                assert own["control_tail"].iloc[0] == pytest.approx(tail)
                checked += 1
    assert checked >= 8


def test_what_is_lacking_is_depleted_with_the_detection_limit_of_the_samples_own_reads(world: dict[str, Any], knowledge: Rows) -> None:
    frame, _ = told(world, knowledge)
    rows = frame[(frame["sample_id"] == "S00050") & (frame["name"] == "Faecalibacterium")]
    reads = int(world["counts"][50].sum())
    assert set(rows["state"]) == {"depleted"}
    assert not rows["detected"].any()
    assert (rows["n_controls"] == 49).all()  # the control of the same subject is left out
    assert rows["detection_limit"].iloc[0] == pytest.approx(1 - 0.05 ** (1 / reads), rel=1e-9)
    assert (1 - detection_limit(1_000)) ** 1_000 == pytest.approx(0.05)  # a taxon at the limit is missed 5 % of the time
    assert frame.loc[frame["detected"], "detection_limit"].isna().all()


def test_what_many_controls_lack_is_not_depleted_where_it_is_absent(world: dict[str, Any], knowledge: Rows) -> None:
    frame, _ = told(world, knowledge)
    assert frame[(frame["sample_id"] == "S00052") & (frame["name"] == "Akkermansia")].empty


def test_an_absent_taxon_is_never_enriched_though_its_log_ratio_rises_in_a_poor_sample(
    cohort_of: Callable[..., Cohort], knowledge: Rows, world: dict[str, Any]
) -> None:
    counts = world["counts"].copy()
    counts[:, 4] = 0  # Klebsiella is nowhere
    counts[51] = [0, 0, 0, 0, 0, 0, 9_000]
    taxa = scores_of(counts + np.array([[0, 1, 0, 0, 0, 0, 1]]), world["cohort"].sample_ids)
    frame, _ = told({**world, "cohort": cohort_of(counts, genera=GENERA, families=FAMILIES), "taxa": taxa}, knowledge)
    assert frame[(frame["name"] == "Klebsiella")].empty


def test_each_row_of_the_knowledge_base_on_a_genus_stands_with_level_strength_and_agreement(world: dict[str, Any], knowledge: Rows) -> None:
    frame, _ = told(world, knowledge)
    lacking = frame[(frame["sample_id"] == "S00050") & (frame["name"] == "Faecalibacterium")]
    known = {r["row"]: r for r in knowledge}
    assert lacking["row"].tolist() == [1, 2]
    for line in lacking.to_dict("records"):
        row = known[str(line["row"])]
        assert (line["evidence"], line["strength"], line["text_checked"]) == (row["evidence"], row["strength"], row["text_checked"])
        assert line["agreement"] == "as reported"
        assert line["substrates"] == row["prebiotic_substrates"] != ""
    bloom = frame[(frame["sample_id"] == "S00051") & (frame["name"] == "Klebsiella")]
    assert set(bloom["state"]) == {"enriched"}
    assert set(bloom["substrates"]) == {""}  # what feeds it is told of depleted taxa only
    guild = frame[frame["level"] == "guild"]
    assert len(guild)
    assert guild["row"].isna().all()


@pytest.mark.parametrize(
    ("state", "direction", "strength", "want"),
    [
        ("depleted", "depleted", "strong", "as reported"),
        ("enriched", "depleted", "strong", "against the report"),
        ("depleted", "enriched", "weak", "against the report"),
        ("depleted", "contested", "strong", "contested"),
        ("depleted", "depleted", "contested", "contested"),
        ("depleted", "none", "weak", "no direction reported"),
        ("present", "depleted", "weak", ""),
    ],
)
def test_a_state_is_held_against_what_is_reported(state: str, direction: str, strength: str, want: str) -> None:
    assert agreement(state, {"direction": direction, "strength": strength}) == want


def test_probiotic_genera_that_are_there_are_told_by_genus_or_by_their_family(world: dict[str, Any], knowledge: Rows) -> None:
    frame, _ = told(world, knowledge)
    own = frame[(frame["sample_id"] == "S00053") & frame["probiotic"]]
    assert set(own["name"]) == {"Bifidobacterium", "Lactobacillus"}
    row = own[own["name"] == "Lactobacillus"].iloc[0]
    assert (row["state"], row["row"], row["reported_direction"]) == ("present", 48, "contested")
    assert row["share"] == pytest.approx(7 / world["counts"][53].sum())
    others = frame[(frame["sample_id"] != "S00053") & (frame["name"] == "Lactobacillus")]
    assert others.empty


def test_the_rule_is_tried_on_the_controls_and_counted(world: dict[str, Any], knowledge: Rows) -> None:
    _, about = told(world, knowledge)
    metrics = [*(f"clr:{g}" for g in SCORED), "guild:butyrate producer"]
    states = [naive_call(world, s, m)[0] for s in world["controls"].chosen for m in metrics]
    assert about["by_chance"]["depleted"] == pytest.approx(states.count("depleted") / 50)
    assert about["by_chance"]["enriched"] == pytest.approx(states.count("enriched") / 50)
    entry = next(r for r in about["summary"] if (r["name"], r["state"]) == ("Klebsiella", "enriched"))
    chosen = [f"S000{i}" for i in (50, 51, 52, 53, 54, 56)]
    want = [sum(naive_call(world, s, "clr:Klebsiella")[0] == "enriched" for s in group) for group in (chosen, world["controls"].chosen)]
    assert (entry["samples"], entry["controls"]) == tuple(want)
    assert (entry["of_samples"], entry["of_controls"]) == (6, 50)


def test_without_controls_or_with_few_there_are_no_rows_and_the_reason_is_told(world: dict[str, Any], knowledge: Rows) -> None:
    frame, about = told(world, knowledge, controls=None)
    assert len(frame) == 0
    assert "no controls were declared" in about["absent"]["samples"]
    few = Controls("x", world["controls"].samples[:20], world["controls"].chosen[:20], world["controls"].subjects, ())
    frame, about = told(world, knowledge, controls=few)
    assert len(frame) == 0
    assert f"20 control subjects have enough reads, and {MIN_CONTROLS} besides" in about["absent"]["samples"]


def test_a_sample_without_scores_is_named_and_has_no_rows(world: dict[str, Any], knowledge: Rows) -> None:
    taxa = world["taxa"].copy()
    taxa.loc[taxa["sample_id"] == "S00051", "value"] = np.nan
    frame, about = told({**world, "taxa": taxa}, knowledge)
    assert about["not_measured"] == ["S00051"]
    assert "S00051" not in set(frame["sample_id"])


def test_pathogens_strains_and_firmicutes_to_bacteroidetes_are_never_told_of(world: dict[str, Any], knowledge: Rows) -> None:
    first = world["taxa"][world["taxa"]["metric"] == "clr:Klebsiella"]
    more = [first.assign(metric="clr:Clostridioides"), first.assign(metric="log2_fb", level="phylum"), first.assign(metric="clr:Candidatus Arthromitus")]
    frame, _ = told({**world, "taxa": pd.concat([world["taxa"], *more], ignore_index=True)}, knowledge)
    assert set(frame["name"]) <= {*SCORED, "Lactobacillus", "butyrate producer"}
    ranks = {int(r["row"]): r["rank"] for r in knowledge}
    assert {ranks[int(k)] for k in frame["row"].dropna()} <= {"genus", "genera", "family"}


def test_few_bifidobacteria_are_contested_and_confounders_are_named(world: dict[str, Any], knowledge: Rows, cohort_of: Callable[..., Cohort]) -> None:
    counts = world["counts"].copy()
    counts[50:54, 3] = 0
    given = {**world, "cohort": cohort_of(counts, genera=GENERA, families=FAMILIES), "taxa": scores_of(counts, world["cohort"].sample_ids)}
    frame, about = told(given, knowledge)
    low = frame[(frame["name"] == "Bifidobacterium") & (frame["state"] == "depleted")]
    assert len(low) >= 4
    assert set(low["agreement"]) == {"contested"}
    assert low["contested_reason"].str.contains("no sign of dysbiosis").all()
    words = ("transit", "stool consistency", "proton-pump inhibitors", "antibiotics", "diet", "age", "geography", "no immune function")
    assert all(word in " ".join(about["notes"]).casefold() for word in words)


def test_ten_thousand_samples_give_rows_for_those_that_are_not_within_only(cohort_of: Callable[..., Cohort], knowledge: Rows) -> None:
    rng = np.random.default_rng(52)
    counts = rng.poisson([900, 400, 200, 100, 40, 3, 8_000], size=(10_000, 7))
    cohort = cohort_of(counts, genera=GENERA, families=FAMILIES)
    ids = cohort.sample_ids
    controls = Controls("x", ids[:2_000], ids[:2_000], {s: s for s in ids}, ())
    verdicts = pd.DataFrame({"sample_id": ids, "verdict": ["within"] * 9_900 + ["outside"] * 100})
    flags = pd.DataFrame({"sample_id": [], "metric": [], "flag": []})
    frame, about = describe_samples(cohort, scores_of(counts, ids), verdicts=verdicts, flags=flags, rows=knowledge, controls=controls)
    assert set(frame["sample_id"]) == set(ids[9_900:])
    assert about["samples"] == {"outside": 100}


def test_the_command_reads_results_and_writes_table_and_record(tmp_path: Path, cohort_of: Callable[..., Cohort], world: dict[str, Any]) -> None:
    metadata = {"group": ["control"] * 50 + ["case"] * 10}
    write_cohort(tmp_path, cohort_of(world["counts"], genera=GENERA, families=FAMILIES, metadata=metadata), [], name="small", about={})
    verdicts = world["verdicts"].reindex(columns=list(TABLES["verdicts"]))
    flags = world["flags"].reindex(columns=list(TABLES["flags"]))
    empty = {"is_control": False, "n_reference": 49, "p": 0.5, "q": 0.5, "rank_diversity": 0.5, "rank_neighbours": 0.5, "rank_composition": 0.5}
    verdicts = verdicts.assign(tier="in-study", reason="", drivers="", **empty)
    numbers = dict.fromkeys(("value", "lower", "upper"), 0.0) | dict.fromkeys(("n_reference", "tail_below", "tail_above"), 0)
    write_table(tmp_path / "taxa.tsv", Table("taxa", world["taxa"], record("taxa", depth=1_000)))
    write_table(tmp_path / "verdicts.tsv", Table("verdicts", verdicts, record("verdicts")))
    write_table(tmp_path / "flags.tsv", Table("flags", flags.assign(reason="", **numbers), record("flags")))
    words = ["immune", "samples", "--cohort", str(tmp_path / "cohort.json"), "--taxa", str(tmp_path / "taxa.tsv")]
    words += ["--verdicts", str(tmp_path / "verdicts.tsv"), "--flags", str(tmp_path / "flags.tsv"), "--output", str(tmp_path / "samples.tsv")]
    assert main([*words, "--controls", "group == 'control'"]) == 0
    table = read_table(tmp_path / "samples.tsv", "samples")
    assert table.record["n_controls"] == 50
    assert table.record["options"] == {"controls": "group == 'control'", "subject": None}
    assert [i["role"] for i in table.record["inputs"]] == ["cohort", "taxa", "verdicts", "flags"]
    assert set(table.record["heatmap"]["genus"]["taxa"]) == set(SCORED)
    assert len(table.record["heatmap"]["guild"]["columns"]) == N
    assert {"depleted", "enriched", "present"} == set(table.frame["state"])
    first = (tmp_path / "samples.tsv").read_bytes()
    assert main([*words, "--controls", "group == 'control'"]) == 0
    assert (tmp_path / "samples.tsv").read_bytes() == first
    assert main(words) == 0
    alone = read_table(tmp_path / "samples.tsv", "samples").record
    assert "no controls were declared" in alone["absent"]["samples"]
    assert alone["heatmap"] == table.record["heatmap"], "it needs no controls"
