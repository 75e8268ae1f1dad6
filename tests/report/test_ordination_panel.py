"""The ordination of the diversity panel: arrows of taxa are drawn, named safely, listed, and called association."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from fake_results import fake_results
from fake_tables import HOSTILE

from gutdiv.report import biplot, charts, reading
from gutdiv.report.panels import ordination

if TYPE_CHECKING:
    from gutdiv.model.results import Results


def arrows_of(results: Results) -> dict[str, object]:
    figure = ordination.figure(results)
    assert figure is not None
    view = next(v for v in figure.views if v.key == "braycurtis")
    lines, names = view.data[-2:]
    assert lines["legendgroup"] == names["legendgroup"], "one click hides arrows and names"
    assert names["x"] == lines["x"][1::3]
    assert names["y"] == lines["y"][1::3]
    return {**names, **lines}


def test_the_longest_eight_arrows_start_in_the_middle_and_stay_in_the_picture() -> None:
    results = fake_results()
    figure = ordination.figure(results)
    assert figure is not None
    assert figure.views[0].key == "braycurtis"
    assert not any(v.key.endswith("_arrows") for v in figure.views)
    view, trace = figure.views[0], arrows_of(results)
    xs, ys = trace["x"], trace["y"]
    assert len(xs) == 3 * ordination.SHOWN
    assert xs[::3] == [0.0] * 8
    assert xs[2::3] == [None] * 8
    heads = results.tables["diversity/ordination/braycurtis_arrows"].frame.iloc[:8]
    scale = xs[1] / heads["axis_1"][0]
    assert xs[1::3] == pytest.approx(heads["axis_1"] * scale, rel=1e-5)
    assert ys[1::3] == pytest.approx(heads["axis_2"] * scale, rel=1e-5), "one scale for both axes"
    points = results.tables["diversity/ordination/braycurtis"].frame
    assert max(map(abs, xs[1::3])) <= points["axis_1"].abs().max()
    assert max(map(abs, ys[1::3])) <= points["axis_2"].abs().max()
    assert view.layout["showlegend"], "the legend switches them off"
    assert "association, not cause" in view.subtitle
    assert "Arrows of" in view.alt
    others = [v for v in figure.views if v.key != "braycurtis"]
    assert all(biplot.LEGEND not in [t["name"] for t in v.data] for v in others)


def test_the_drawn_taxa_are_listed_with_what_the_axes_explain() -> None:
    table = ordination.arrows_table(fake_results())
    assert table is not None
    assert len(table.rows) == 8
    assert "no cause and was not tested" in table.note
    plain = fake_results()
    bare = dataclasses.replace(plain, tables={k: t for k, t in plain.tables.items() if not k.endswith("_arrows")})
    assert ordination.arrows_table(bare) is None
    assert ordination.figure(bare) is not None


def test_names_of_taxa_are_escaped_for_the_chart() -> None:
    trace = arrows_of(fake_results(hostile=True))
    shown = [*trace["text"], *trace["customdata"]]
    assert not any("<" in t or ">" in t for t in shown)
    assert any("&lt;" in t for t in shown), HOSTILE


def test_an_estimate_is_told_as_one_and_umap_for_what_it_is_not() -> None:
    results = fake_results()
    place = "diversity/ordination/braycurtis"
    changed = dataclasses.replace(results.tables[place], record={**results.tables[place].record, "proportion_error": 0.002})
    figure = ordination.figure(dataclasses.replace(results, tables={**results.tables, place: changed}))
    assert figure is not None
    assert "were estimated, to within 0.2" in figure.views[0].subtitle.replace("\u00a0", " ")
    record = {"options": {"method": "umap"}, "notes": ["Distances between clusters mean nothing."], "metric": "braycurtis"}
    changed = dataclasses.replace(results.tables[place], record=record)
    figure = ordination.figure(dataclasses.replace(results, tables={**results.tables, place: changed}))
    assert figure is not None
    assert figure.views[0].subtitle.startswith("Distances between clusters mean nothing.")
    assert "Principal" not in figure.views[0].subtitle


def test_points_carry_their_third_coordinate_and_groups_are_marked_for_ellipses() -> None:
    results = fake_results()
    figure = ordination.figure(results)
    assert figure is not None
    assert figure.spatial
    table = results.tables["diversity/ordination/braycurtis"].frame.set_index("sample_id")["axis_3"]
    assert results.metadata is not None
    for trace in [t for t in figure.views[0].data if "ids" in t]:
        assert trace["meta"]["group"]
        assert trace["meta"]["z"] == pytest.approx([table[results.metadata.ids[int(i)]] for i in trace["ids"]], rel=1e-5)
    scene = figure.views[0].layout["scene"]
    assert [scene[k]["title"]["text"] for k in ("xaxis", "yaxis", "zaxis")] == ["Axis 1 (21%)", "Axis 2 (9.4%)", "Axis 3 (5.1%)"]
    assert scene["aspectmode"] == "data", "one scale for all axes"
    assert "hold 68% of a group's samples if they were normally distributed" in figure.views[0].subtitle
    alone = ordination.figure(fake_results(group=False))
    assert alone is not None
    assert not any(t["meta"]["group"] for t in alone.views[0].data if "ids" in t), "all samples together are no group"


def test_an_ordination_of_two_axes_offers_no_third() -> None:
    results = fake_results(n=24)
    flat = {
        k: dataclasses.replace(t, frame=t.frame.drop(columns="axis_3")) if k.startswith("diversity/ordination/") and "axis_3" in t.frame.columns else t
        for k, t in results.tables.items()
    }
    figure = ordination.figure(dataclasses.replace(results, tables=flat))
    assert figure is not None
    assert not figure.spatial
    assert "scene" not in figure.views[0].layout


def test_thousands_of_points_are_small_and_need_no_code_that_the_policy_refuses() -> None:
    few, many = (charts.points([("a", [(str(i), i, i) for i in range(n)])], x_title="x", y_title="y")[0][0] for n in (10, 3000))
    assert few["type"] == many["type"] == "scatter"  # scattergl writes its own code while it draws
    assert many["marker"]["size"] < few["marker"]["size"]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Weighted UniFrac, normalised", "Normalised weighted UniFrac"),
        ("Weighted UniFrac, not normalised", "Unnormalised weighted UniFrac"),
        ("Bray-Curtis", "Bray-Curtis"),
    ],
)
def test_a_name_with_a_comma_is_worded_so_that_it_stands_in_a_list(label: str, shown: str) -> None:
    results = fake_results(n=24)
    place = "diversity/ordination/braycurtis"
    table = results.tables[place]
    record = {**table.record, "traits": {"label": label}, "metric": "braycurtis"}
    places = {p: t for p, t in results.tables.items() if p != "dysbiosis/flags"}
    places["diversity/alpha"] = dataclasses.replace(results.tables["diversity/alpha"], record={})
    results = dataclasses.replace(results, tables={**places, place: dataclasses.replace(table, record=record)})
    assert reading.metric(results, "braycurtis").label == shown
