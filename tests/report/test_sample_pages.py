"""What stands on each sample's own page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fake_results import fake_results
from fake_tables import table
from fake_visits import unjudged, visited

from gutdiv.report import sample_pages
from gutdiv.report.content import build

if TYPE_CHECKING:
    from gutdiv.model.results import Results
    from gutdiv.report.parts import SamplePages

SEEN = {
    "sample_id": "S005", "verdict": "outside", "low_metrics": "shannon", "level": "genus", "name": "Faecalibacterium", "state": "depleted", "detected": False,
    "share": 0.0, "control_share": 0.08, "value": -3.0, "control_median": 2.0, "z": -4.24, "control_tail": 0.01, "n_controls": 120, "depth": 5000,
    "detection_limit": 0.0006, "reported_direction": "depleted", "agreement": "agrees", "evidence": "", "strength": "strong",
}  # fmt: skip


def pages(results: Results) -> SamplePages:
    found = build(results)
    assert found.broken == {}
    assert found.samples is not None
    return found.samples


def of(made: SamplePages, sample: str) -> dict[str, object]:
    return next(dict(s) for s in made.samples if s["id"] == sample)


def test_every_sample_has_a_page_with_verdict_metrics_composition_and_metadata() -> None:
    results = fake_results(n=24)
    made = pages(results)
    assert [s["id"] for s in made.samples] == list(results.metadata.ids)
    verdicts = results.tables["dysbiosis/verdicts"].frame.set_index("sample_id")
    for sample in made.samples:
        assert sample["verdict"] == verdicts.loc[sample["id"], "verdict"]
        assert len(sample["metrics"]) == len(made.shared["metrics"])
        assert len(sample["shares"]) == len(made.shared["taxa"])
        assert sample["told"][0] in {"healthy", "patient"}
    shannon = next(m for m in made.shared["metrics"] if m["label"].startswith("Shannon"))
    interval = next(i for i in results.reference.intervals if i.metric == "shannon")
    assert shannon["lower"] == float(f"{interval.lower:.6g}")
    assert shannon["ends"][0] <= shannon["lower"]


def test_taxa_of_a_sample_are_told_with_numbers_limits_and_the_rows_of_the_knowledge_base() -> None:
    results = fake_results(n=24)
    row = str(results.knowledge["immune_taxa"][0]["row"])
    rows = [{**SEEN, "row": int(row)}, {**SEEN, "row": int(row), "name": "Roseburia", "detected": True, "share": 0.004}]
    seen = table("samples", rows, by_chance={"depleted": 0.4, "enriched": 0.25}, absent={})
    made = pages(replace(results, tables={**results.tables, "immune/samples": seen}))
    first, second = of(made, "S005")["immune"]
    assert first[:3] == ["Faecalibacterium", "genus", "depleted"]
    assert first[3].startswith("not detected; it would be seen 95% of the time above 0.060% of the reads; 8.0% in the median control")
    assert second[3].startswith("0.40% of the reads")
    assert first[4] == [int(row)]
    assert made.shared["evidence"][row]["details"][0]["text"]
    assert made.shared["immune"]["told"] == "A control judged by the same rule has 0.4 depleted and 0.2 enriched on average."
    assert set(made.shared["evidence"]) == {row}, "evidence that no sample names stays out of the page"


def test_without_verdict_or_reference_the_page_says_so() -> None:
    made = pages(fake_results(n=12, controls=False))
    assert all(s["said"][0].startswith("Not assessable") for s in made.samples)
    bare = pages(replace(fake_results(n=12), tables={}, reference=None))
    assert bare.samples[0]["said"][0].startswith("Not assessed: these results hold no verdicts")
    assert sample_pages.build(replace(fake_results(n=12), metadata=None)) is None


def test_second_opinion_position_and_stability_are_said() -> None:
    results = fake_results(n=12)
    found = results.tables["dysbiosis/verdicts"]
    frame = found.frame.assign(position_p=0.04, second_p=0.2, second_verdict="within", agreement="they differ")
    made = pages(replace(results, tables={**results.tables, "dysbiosis/verdicts": replace(found, frame=frame)}))
    told = " ".join(made.samples[0]["said"])
    assert "Second opinion, by the reference across studies: within (p = 0.2); they differ." in told.replace("0.20", "0.2")


def test_a_provisional_verdict_says_so_and_names_what_lies_beyond_the_own_limits() -> None:
    results = fake_results(n=12)
    found = results.tables["dysbiosis/verdicts"]
    frame = found.frame.assign(tier="provisional", verdict="outside", p=0.01, q=0.02, n_reference=12)
    rows = [{"sample_id": "S001", "tier": "provisional", "beyond_local": '[["shannon", "below"]]', "nearest": '[["S003", 0.2]]'}]
    tables = {**results.tables, "dysbiosis/verdicts": replace(found, frame=frame), "dysbiosis/explanations": table("explanations", rows)}
    own = of(pages(replace(results, tables=tables)), "S001")
    assert own["said"][0].startswith("Provisional: outside: very unusual against published groups aligned by the controls, p = 0.01")
    assert "Beyond this study's own limits at 5%: Shannon entropy (below). A cross-check, no verdict." in own["said"]
    assert own["near"] == ["S003"]


def test_pages_are_plain_json_whatever_the_names() -> None:
    made = pages(fake_results(n=24, hostile=True))
    text = json.dumps({"shared": made.shared, "samples": made.samples}, allow_nan=False)
    assert json.loads(text)["samples"][0]["id"]


def test_without_verdicts_a_page_shows_what_was_measured() -> None:
    made = pages(unjudged())
    own = of(made, "S004")
    labels = [m["label"] for m in made.shared["metrics"]]
    assert own["verdict"] == ""
    assert labels[0] == "Shannon entropy (nats)"
    alpha = unjudged().tables["diversity/alpha"].frame.set_index(["sample_id", "metric"])["value"]
    assert own["metrics"][0][0] == pytest.approx(alpha["S004", "shannon"], rel=1e-5)
    assert own["metrics"][0][2] == ""
    assert own["shares"]
    assert own["at"]
    assert made.shared["blocks"]["intervals"]["title"] == "Diversity of the sample"
    assert of(made, "S005")["metrics"][0] == [None, "\N{EN DASH}", "", "no value at 5,000 reads"]


@pytest.mark.parametrize("judged", [True, False])
def test_the_course_of_a_person_offers_every_metric_of_the_trajectories_with_or_without_flags(judged: bool) -> None:
    results = visited() if judged else unjudged()
    made = pages(results)
    metrics = made.shared["courses"]["metrics"]
    trajectories = results.tables["comparison/longitudinal/trajectories"].frame
    assert [m["key"] for m in metrics] == list(dict.fromkeys(trajectories["metric"]))
    assert made.shared["courses"]["time"] == "weeks"
    assert ("lower" in metrics[0]) is judged
    at = next(i for i, m in enumerate(metrics) if m["key"] == "braycurtis_from_baseline")
    assert of(made, "S007")["course"][at] == 0.25
    assert of(made, "S006")["course"][at] is None, "the first sample of a person has no distance to itself"
    assert (of(made, "S006")["time"], of(made, "S007")["time"]) == (0.0, 1.0)


def test_without_trajectories_the_course_is_that_of_alpha_diversity() -> None:
    results = visited()
    tables = {place: found for place, found in results.tables.items() if "longitudinal" not in place}
    made = pages(replace(results, tables=tables))
    assert made.shared["courses"]["source"] == "diversity/alpha.tsv"
    assert made.shared["courses"]["time"] == "week"
    assert "shannon" in [m["key"] for m in made.shared["courses"]["metrics"]]


def test_every_part_of_a_page_explains_the_terms_that_it_uses() -> None:
    blocks = pages(visited()).shared["blocks"]
    assert {"reference interval", "Shannon"} <= {t["term"] for t in blocks["intervals"]["terms"]}
    assert "ordination" in {t["term"] for t in blocks["ordination"]["terms"]}
    assert all(t["text"] for b in blocks.values() for t in b["terms"])


def test_genera_that_are_large_in_one_sample_alone_are_named_on_its_page() -> None:
    results = fake_results(n=24)
    assert results.metadata is not None
    made, first = pages(results), results.metadata.ids[0]
    assert [t[1] for t in of(made, first)["own"]] == [0.31, 0.06]
    assert of(made, first)["own"][1][0] == "Citrobacter"
    assert of(made, results.metadata.ids[1])["own"] == []


def test_the_q_of_a_sample_is_explained_beside_it() -> None:
    made = pages(fake_results(n=24))
    judged = [s for s in made.samples if any(", q = " in line for line in s["said"])]
    assert judged
    assert all("q is p corrected for how many samples were judged" in " ".join(s["said"]) for s in judged)


def test_a_sample_that_is_within_though_its_metrics_are_not_says_so_and_one_without_p_was_held_against_nobody() -> None:
    results = fake_results(n=24)
    verdicts, flags = results.tables["dysbiosis/verdicts"], results.tables["dysbiosis/flags"]
    sample = str(verdicts.frame["sample_id"].iloc[3])
    ours = flags.frame["sample_id"] == sample
    below = flags.frame.assign(flag=flags.frame["flag"].where(~ours, "below"))
    within = verdicts.frame.assign(verdict=verdicts.frame["verdict"].where(verdicts.frame["sample_id"] != sample, "within"))
    made = replace(results, tables={**results.tables, "dysbiosis/flags": replace(flags, frame=below), "dysbiosis/verdicts": replace(verdicts, frame=within)})
    told = " ".join(of(pages(made), sample)["said"])
    count = int(ours.sum())
    assert f"Yet {count} of {count} metrics lie outside their own interval ({count} below): the verdict takes" in told
    others = [" ".join(s["said"]) for s in pages(results).samples if s["verdict"] in {"outside", "borderline"}]
    assert not any("own interval (" in line for line in others)
    lost = verdicts.frame.assign(p=float("nan"), is_control=True)
    made = replace(results, tables={**results.tables, "dysbiosis/verdicts": replace(verdicts, frame=lost)})
    assert not any("held against the others" in " ".join(s["said"]) for s in pages(made).samples)
