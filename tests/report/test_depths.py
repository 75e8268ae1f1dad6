"""The section on depth: curves with their bands, the table of depths, and the standards beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_results import fake_results
from fake_tables import HOSTILE

from gutdiv.model.results import Results, Table
from gutdiv.report.panels.depths import section
from gutdiv.report.parts import DataTable, Figure, Note


def figure(results: Results, key: str) -> Figure:
    found = section(results)
    assert found is not None
    return next(p for p in found.parts if isinstance(p, Figure) and p.key == key)


def changed(results: Results, place: str, **record: object) -> Results:
    table = results.tables[place]
    return replace(results, tables={**results.tables, place: Table(table.kind, table.frame, {**table.record, **record})})


def without(results: Results, *places: str) -> Results:
    return replace(results, tables={k: v for k, v in results.tables.items() if k not in places})


def test_curves_have_a_line_and_a_band_for_each_group_and_mark_the_depth() -> None:
    richness, coverage = figure(fake_results(), "curves").views
    assert [t["name"] for t in richness.data if "name" in t] == ["healthy", "patient"]
    assert sum(t.get("fill") == "toself" for t in richness.data) == 2
    assert richness.layout["shapes"][0]["x0"] == 5000
    assert richness.title == "At 5,000 reads, median features: 148"
    assert "half of its group" in richness.subtitle
    assert [t["name"] for t in coverage.data] == ["healthy", "patient"]
    assert len(richness.numbers.rows) == 10, "no sample's own curve is drawn or listed"


def test_without_groups_all_samples_have_one_curve() -> None:
    (richness, _) = figure(fake_results(group=False), "curves").views
    assert [t["name"] for t in richness.data if "name" in t] == ["all samples"]


def test_too_many_groups_for_one_picture_are_drawn_as_one() -> None:
    results = fake_results()
    table = results.tables["diversity/curves"]
    frame = table.frame.copy()
    first = frame[frame["group"] == "healthy"]
    more = [first.assign(group=f"g{i}") for i in range(12)]
    import pandas as pd

    many = Table("curves", pd.concat([frame, *more], ignore_index=True), table.record)
    (richness, _) = figure(replace(results, tables={**results.tables, "diversity/curves": many}), "curves").views
    assert [t["name"] for t in richness.data if "name" in t] == ["all samples"]


def test_without_coverage_there_is_one_view() -> None:
    results = fake_results()
    table = results.tables["diversity/curves"]
    bare = Table("curves", table.frame.assign(coverage=float("nan")), table.record)
    assert len(figure(replace(results, tables={**results.tables, "diversity/curves": bare}), "curves").views) == 1


def listed(results: Results, key: str) -> DataTable:
    found = section(results)
    assert found is not None
    return next(p for p in found.parts if isinstance(p, DataTable) and p.key == key)


def test_the_table_of_depths_tells_loss_slope_and_correlation_with_reads() -> None:
    table = listed(fake_results(), "depths-near")
    heads = [c.label for c in table.columns]
    row = dict(zip(heads, [c.text for c in table.rows[2].cells], strict=True))
    assert row["Loss p"] == "0.12"
    assert row["New in 1,000"] == "11.0"
    assert row["Richness ~ reads"] == "0.42 → 0.03"
    assert row["Depth (reads)"] == "chosen: 5,000"
    assert "Lost at 5,000 reads: healthy 3 of 150 and patient 3 of 90." in table.note
    assert "at 5,000 reads against controls of this study, and at 1,000 against those of other studies" in table.note
    assert "Loss p" not in [c.label for c in listed(fake_results(group=False), "depths-near").columns]


def test_of_many_depths_those_around_the_chosen_one_are_listed() -> None:
    results = fake_results()
    table = results.tables["diversity/depths"]
    import pandas as pd

    more = [table.frame[~table.frame["chosen"]].assign(depth=table.frame["depth"] + 10_000 * k) for k in range(1, 4)]
    many = Table("depths", pd.concat([table.frame, *more], ignore_index=True), table.record)
    shown = replace(results, tables={**results.tables, "diversity/depths": many})
    near = listed(shown, "depths-near")
    assert [r.cells[0].text for r in near.rows].index("chosen: 5,000") == 2
    assert len(near.rows) == 7
    assert len(figure(shown, "depths").views[0].numbers.rows) == len(many.frame)


def test_a_candidate_that_shows_next_to_nothing_is_listed_but_not_drawn() -> None:
    results = fake_results()
    table = results.tables["diversity/depths"]
    lowest = table.frame.assign(depth=[1, *table.frame["depth"][1:]])
    shown = replace(results, tables={**results.tables, "diversity/depths": Table("depths", lowest, table.record)})
    view = figure(shown, "depths").views[0]
    assert all(1 not in trace["x"] for trace in view.data)
    assert view.subtitle == "Not drawn: 1 read per sample, which would show next to nothing of a sample; diversity/depths.tsv lists all."
    assert view.numbers.rows[0].cells[0].value == 1
    assert "1" not in [r.cells[0].text for r in listed(shown, "depths-near").rows]
    assert figure(results, "depths").views[0].subtitle == ""


def test_a_metric_that_still_follows_the_reads_is_said_to() -> None:
    results = fake_results()
    table = results.tables["diversity/depths"]
    before = section(results)
    assert before is not None
    assert not [p for p in before.parts if isinstance(p, Note) and "still follow" in p.text]
    frame = table.frame.assign(rho_sobs=0.31, rho_shannon=-0.2)
    record = {**table.record, "followed": {"sobs": "follows", "shannon": "by chance"}}
    shown = replace(results, tables={**results.tables, "diversity/depths": Table("depths", frame, record)})
    rows = {r.cells[0].text: r.cells[-1].text for r in listed(shown, "depths-followed").rows}
    assert rows == {"Observed features": "still follows the reads", "Shannon entropy": "no more than chance leaves"}
    assert {r.cells[-1].text for r in listed(results, "depths-followed").rows} == {"near 0"}
    found = section(shown)
    assert found is not None
    (told,) = [p.text for p in found.parts if isinstance(p, Note) and "still follow" in p.text]
    assert told.startswith("At 5,000 reads Observed features still follow the reads that samples came with.")


@pytest.mark.parametrize(
    ("depth", "mark", "lead"),
    [
        (5000, ["chosen: 5,000"], "The choice was made without looking at any group difference."),
        (8000, ["chosen: 8,000"], "The depth was given with --depth; the rule, which looks at no group difference, would take 5,000."),
        (None, [], "Samples were not rarefied, as was asked for; the rule, which looks at no group difference, would take 5,000."),
    ],
)
def test_the_depth_that_was_taken_is_marked_also_where_the_rule_would_take_another(depth: int | None, mark: list[str], lead: str) -> None:
    results = changed(fake_results(), "diversity/depths", depth=depth)
    found = section(results)
    assert found is not None
    assert found.lead.endswith(lead)
    rows = [r.cells[0].text for r in listed(results, "depths-near").rows]
    assert [r for r in rows if r.startswith("chosen")] == mark
    title = figure(results, "depths").views[0].title
    assert title == ("No common depth was chosen" if depth is None else f"At {depth:,} reads, {237 if depth == 5000 else 210} samples are kept")


def test_the_standards_stand_beside_each_other() -> None:
    table = listed(fake_results(), "standards")
    assert [r.cells[1].text for r in table.rows[:3]] == ["as sequenced", "equal depth", "equal coverage"]
    assert table.rows[0].cells[0].text == "Richness (Hill number 0)"
    assert "98.1%" in table.note
    why = changed(fake_results(), "diversity/standards", absent={"coverage": "there are no singletons"})
    told = section(why)
    assert told is not None
    assert any(isinstance(p, Note) and p.kind == "absent" and "no singletons" in p.text for p in told.parts)


def test_a_table_that_came_rarefied_is_told_as_such() -> None:
    found = section(changed(fake_results(), "diversity/depths", notes=["All samples came with 5,000 reads."]))
    assert found is not None
    assert any(isinstance(p, Note) and p.kind == "info" and "came with 5,000" in p.text for p in found.parts)


def test_what_is_not_there_is_left_out() -> None:
    bare = without(fake_results(), "diversity/curves", "diversity/standards")
    assert [type(p) for p in section(bare).parts] == [Figure, DataTable, DataTable]
    assert section(without(bare, "diversity/depths")) is None


def test_hostile_groups_are_escaped_in_the_curves() -> None:
    for view in figure(fake_results(hostile=True), "curves").views:
        for trace in view.data:
            assert "<script" not in str(trace.get("name", ""))
            assert HOSTILE[5] not in str(trace), "a name of ten thousand letters is cut"
