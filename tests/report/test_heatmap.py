"""The heatmap of the immune panel: one cell a taxon and sample, none apart from few, and the numbers of every column."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import pytest
from fake_results import fake_results

from gutdiv.report import heat, story
from gutdiv.report.anonymous import anonymised
from gutdiv.report.export import figure_data
from gutdiv.report.panels import heatmap
from gutdiv.report.parts import Figure, Page, Panel

if TYPE_CHECKING:
    from gutdiv.model.results import Results

COLUMNS = [
    ("a", "outside", "S1", (0.0, 0.01)),
    ("a", "within", "S2", (0.1, 0.00002)),
    ("a", "within", "S3", (1.0, 0.0)),
    ("b", "within", "mean of 2 samples", (0.001, 0.3)),
]


def figure_of(results: Results) -> Figure:
    section = heatmap.section(results)
    assert section is not None
    figure = section.parts[0]
    assert isinstance(figure, Figure)
    return figure


def with_record(results: Results, **changes: Any) -> Results:
    table = results.tables[heatmap.PLACE]
    changed = dataclasses.replace(table, record={**table.record, **changes})
    return dataclasses.replace(results, tables={**results.tables, heatmap.PLACE: changed})


def test_colours_follow_the_logarithm_of_the_share_and_no_read_lies_below_all() -> None:
    (cells, *strip), layout = heat.chart(COLUMNS, ["one", "two"])
    none = layout["coloraxis"]["cmin"]
    assert cells["z"] == [[none, -1, 0, -3], [-2, heat.FLOOR, none, round(math.log10(0.3), 2)]]  # 0.00002 is drawn as the smallest share
    assert none < heat.FLOOR
    assert cells["text"][0] == ["no read", "10%", "100%", "0.10%"]
    assert cells["text"][1][1] == "0.0020%", "the share itself can be read at the cell"
    scale = layout["coloraxis"]["colorscale"]
    step = (heat.FLOOR - none) / (layout["coloraxis"]["cmax"] - none)
    assert [s for s, colour in scale if colour == "var(--heat-none)"] == [0, step], "a sharp step, no shade between none and few"
    assert scale[2] == [step, "var(--heat-low)"]
    bar = layout["coloraxis"]["colorbar"]
    assert bar["ticktext"] == ["no read", "\u22640.01%", "0.1%", "1%", "10%", "100%"]
    assert "log scale" in bar["title"]["text"]
    runs = {t["name"]: list(zip(t["x"], t["width"], strict=True)) for t in strip}
    assert runs == {"outside": [(0, 1)], "within": [(1.5, 2), (3, 1)]}, "one bar a run, and none over the line between groups"
    assert len(layout["shapes"]) == 1
    assert heat.narrow(["one", "two"], layout)["coloraxis"]["colorbar"]["ticktext"] == ["no read", "", "0.1%", "", "10%", ""]


def test_the_panel_says_what_was_called_how_columns_stand_and_that_no_pathogen_is_reported() -> None:
    results = fake_results(n=24)
    section = heatmap.section(results)
    assert section is not None
    figure = figure_of(results)
    assert [v.key for v in figure.views] == ["genus", "guild"]
    genus, guild = figure.views
    first = results.tables[heatmap.PLACE].record["heatmap"]["genus"]["taxa"][0]
    assert genus.title == f"{first}: depleted in 2 of 2 samples that stand out, and in 3 of 150 controls tried by the same rule"
    assert guild.title.startswith("Butyrate producer: depleted in 2 of 2")
    assert "each column is the mean of up to 2 neighbouring samples, by group and then verdict" in genus.subtitle
    assert "1 sample without reads is left out" in genus.subtitle
    assert story.NO_PATHOGEN in [getattr(p, "text", "") for p in section.parts]
    called = figure_of(with_record(results, summary=[]))
    assert called.views[0].title.startswith(f"Found in most samples: {first} (100%); in fewest: ")
    assert heatmap.section(with_record(results, heatmap={})) is None


def test_the_numbers_are_those_of_the_columns_and_become_a_file() -> None:
    results = fake_results(n=24)
    figure = figure_of(results)
    about = results.tables[heatmap.PLACE].record["heatmap"]["genus"]
    table = figure.views[0].numbers
    assert [c.label for c in table.columns] == ["Group", "Verdict", "Column", *about["taxa"]]
    assert [[c.value for c in row.cells[3:]] for row in table.rows] == [pytest.approx(c[4]) for c in about["columns"]]
    page = Page("x", "", "", (Panel("immune", "Immune", "", "", (heatmap.section(results),)),))  # type: ignore[arg-type]
    assert {"heatmap-genus.tsv", "heatmap-guild.tsv"} <= set(figure_data(page)) or {"heatmap_genus.tsv", "heatmap_guild.tsv"} <= set(figure_data(page))


def test_names_are_text_and_are_hidden_where_the_page_is_anonymous() -> None:
    figure = figure_of(fake_results(hostile=True))
    for view in figure.views:
        words = [*view.layout["yaxis"]["ticktext"], *view.layout["xaxis"]["ticktext"], *view.data[0]["customdata"][0]]
        assert not any("<" in w or ">" in w for w in words)
    assert "S005" in figure_of(fake_results(n=24)).views[0].data[0]["customdata"][0]
    hidden = figure_of(anonymised(fake_results(n=24))).views[0].data[0]["customdata"][0]
    assert all(w.startswith(("sample ", "mean of ")) for w in hidden)
