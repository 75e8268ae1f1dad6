"""Figures that are finished in the browser: three axes, ellipses, names of arrows, colour bars, the heatmap."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import chi2

if TYPE_CHECKING:
    from pathlib import Path

PLOT = "document.querySelector('#f-ordination .plot')"
BOXES = "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"


@pytest.fixture(scope="module")
def shared(watch_once: Any, pages: dict[str, Path]) -> Any:
    """Open the ordinary page once for all tests; each leaves the ordination as drawn."""
    watched = watch_once()
    watched.open(pages["full"])
    return watched


def ordination(watched: Any, width: int = 1440) -> Any:
    """Show the ordination as it is drawn, on a screen of this width."""
    page = watched.page
    page.set_viewport_size({"width": width, "height": 1000})
    page.locator("#f-ordination").scroll_into_view_if_needed()
    page.wait_for_selector("#f-ordination[data-drawn='yes'] .textpoint")
    page.locator("#f-ordination").get_by_label("Colour and shape by").select_option("as drawn")
    page.wait_for_function(f"w => {PLOT}.clientWidth <= w && {PLOT}._fullLayout.width === {PLOT}.clientWidth", arg=width)
    page.wait_for_selector("#f-ordination[data-settled]")
    return page


def test_points_turn_along_three_axes_keep_their_colours_and_are_saved(shared: Any, tmp_path: Path) -> None:
    page = ordination(shared)
    figure = page.locator("#f-ordination")
    assert figure.locator("canvas").count() == 0, "nothing is drawn in space before it is asked for"
    figure.get_by_label("View").select_option("3")
    page.wait_for_selector("#f-ordination .gl-container canvas")
    kinds = f"() => {PLOT}.data.map(t => [t.type, t.name, t.ids.length, t.z.length])"
    assert page.evaluate(kinds) == [["scatter3d", "healthy", 150, 150], ["scatter3d", "patient", 90, 90]]
    eye = f"() => {PLOT}._fullLayout.scene.camera.eye"
    before = page.evaluate(eye)
    figure.get_by_role("button", name="Turn left").click()
    page.wait_for_function(f"x => {PLOT}._fullLayout.scene.camera.eye.x !== x", arg=before["x"])
    after = page.evaluate(eye)
    assert np.hypot(after["x"], after["y"]) == pytest.approx(np.hypot(before["x"], before["y"]))
    figure.get_by_label("Colour and shape by").select_option("age")
    page.wait_for_function(f"() => {PLOT}.data[0].marker.showscale && {PLOT}.data[0].type === 'scatter3d'")
    assert page.evaluate(eye) == pytest.approx(after), "what was turned stays turned"
    with page.expect_download() as saved:
        figure.locator("[data-save=png]").click()
    saved.value.save_as(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    figure.get_by_label("View").select_option("")
    page.wait_for_function(f"() => {PLOT}.data[0].type === 'scatter'")
    shared.assert_quiet()


def test_an_ellipse_is_that_of_normal_data_and_follows_the_groups(shared: Any) -> None:
    page = ordination(shared)
    points = np.random.default_rng(3).standard_normal((40, 2)) @ [[2.0, 0.7], [0.0, 0.4]] + [5, -3]
    line = page.evaluate("([x, y]) => gutdiv.ellipse(x, y)", points.T.tolist())
    away = np.column_stack([line["x"], line["y"]]) - points.mean(axis=0)
    squared = np.einsum("ij,jk,ik->i", away, np.linalg.inv(np.cov(points.T)), away)
    assert squared == pytest.approx(np.full(73, chi2.ppf(0.68, 2)))  # Mahalanobis, the quantile by scipy
    assert page.evaluate("gutdiv.ellipse([1, 2, 3, 4], [1, 5, 2, 3])") is None, "four samples have no ellipse"
    assert page.evaluate("gutdiv.ellipse([1, 1, 1, 1, 1], [1, 5, 2, 3, 4])") is None
    ellipses = f"() => {PLOT}.data.filter(t => t.name.startsWith('ellipses')).map(t => [t.x.length, t.legendgroup])"
    assert page.evaluate(ellipses) == [[73, "ellipses (68% of a group)"], [73, "ellipses (68% of a group)"], [1, "ellipses (68% of a group)"]]
    seen = f"() => {PLOT}.data.filter(t => t.name.startsWith('ellipses')).map(t => t.visible ?? true)"
    page.evaluate(f"() => Plotly.restyle({PLOT}, {{ visible: 'legendonly' }}, [0])")  # as a click in the legend does
    page.wait_for_function(f"() => ({seen})()[0] === 'legendonly'")
    assert page.evaluate(seen) == ["legendonly", True, True], "a group that is hidden takes its ellipse with it"
    page.evaluate(f"() => Plotly.restyle({PLOT}, {{ visible: true }}, [0])")
    page.wait_for_function(f"() => ({seen})()[0] === true")
    choice = page.locator("#f-ordination").get_by_label("Colour and shape by")
    choice.select_option("subject")  # far more than eight
    page.wait_for_function(f"() => {PLOT}.data.length > 10")
    assert page.evaluate(ellipses) == []
    choice.select_option("group")
    page.wait_for_function(f"() => {PLOT}.data.length < 10")
    assert len(page.evaluate(ellipses)) == 3
    shared.assert_quiet()


@pytest.mark.parametrize("width", [1440, 360])
def test_names_of_arrows_keep_apart_and_a_colour_bar_stands_by_its_plot(shared: Any, width: int) -> None:
    page = ordination(shared, width)
    boxes = page.eval_on_selector_all("#f-ordination .textpoint text", BOXES)
    field = page.eval_on_selector_all("#f-ordination .bglayer, #f-ordination .cartesianlayer .plot", BOXES)
    assert len(boxes) == (8 if width > 500 else 5), "on a phone only the longest are named"
    for one, two in combinations(boxes, 2):
        assert one[2] <= two[0] + 1 or two[2] <= one[0] + 1 or one[3] <= two[1] + 1 or two[3] <= one[1] + 1
    assert min(b[0] for b in boxes) >= min(f[0] for f in field) - 2
    assert max(b[2] for b in boxes) <= width
    page.locator("#f-ordination").get_by_label("Colour and shape by").select_option("age")
    page.wait_for_selector("#f-ordination .cbfills")
    page.wait_for_selector("#f-ordination[data-settled]")
    (bar,) = page.eval_on_selector_all("#f-ordination .cbfills", BOXES)
    size = page.evaluate(f"() => {{ const l = {PLOT}._fullLayout, b = {PLOT}.getBoundingClientRect(); "
                         "return [b.left + l.xaxis._offset + l.xaxis._length, b.top + l.yaxis._offset + l.yaxis._length]; }")  # fmt: skip
    gap = bar[0] - size[0] if width > 500 else bar[1] - size[1]
    assert 0 < gap < (40 if width > 500 else 110)
    shared.assert_quiet()


def test_the_heatmap_is_drawn_switched_and_its_numbers_are_paged(shared: Any) -> None:
    page = shared.page
    figure = page.locator("#f-heatmap")
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("#f-heatmap .hm image")
    scale = "() => document.querySelector('#f-heatmap .plot').layout.coloraxis.colorscale.map(s => s[1])"
    assert page.evaluate(scale) == ["#f3ead2", "#f3ead2", "#9cc4e0", "#2f7fb0", "#06243a"], "colours of the theme"
    figure.locator("summary").click()
    figure.locator("tbody tr").first.wait_for()
    assert figure.locator("tbody tr").count() <= 40
    figure.locator(".switch input").nth(1).check(force=True)
    page.wait_for_function("() => document.querySelector('#f-heatmap .plot').data[0].y.length === 1")
    shared.assert_quiet()
