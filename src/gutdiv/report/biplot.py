"""Arrows, of taxa or of terms, over a scatter of samples; the legend switches them on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import charts
from gutdiv.report.charts import escaped, label, rounded
from gutdiv.report.wording import missing, name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.report.charts import Layout, Trace

LEGEND = "taxa (arrows)"
_REACH = 0.75  # of the way to the outermost sample, for the longest arrow


def with_arrows(
    chart: tuple[tuple[Trace, ...], Layout],
    rows: Sequence[Mapping[str, Any]],
    points: Sequence[tuple[Any, Any]],
    *,
    legend: str = LEGEND,
) -> tuple[tuple[Trace, ...], Layout]:
    """Add arrows to a scatter of these points; one scale for all arrows, so that their lengths compare.

    Names find their places in the page, where pixels are known. Rows hold `taxon` (or the name of a term), `axis_1`, `axis_2` and `told`, what is said of
    the arrow.
    """
    data, layout = chart
    scale = _scale(rows, points)
    heads = [(float(r["axis_1"]) * scale, 0.0 if missing(r["axis_2"]) else float(r["axis_2"]) * scale) for r in rows]
    taxa = [name(r["taxon"], limit=60) for r in rows]
    shared = {"type": "scatter", "legendgroup": legend, "cliponaxis": False}
    lines = {
        **shared,
        "mode": "lines+markers",
        "name": legend,
        "x": [v for x, _ in heads for v in (0.0, rounded(x), None)],
        "y": [v for _, y in heads for v in (0.0, rounded(y), None)],
        "line": {"color": "var(--ink-2)", "width": 1.5},
        "marker": {
            "symbol": "arrow",
            "angleref": "previous",
            "size": [0, 11, 0] * len(rows),
            "color": "var(--ink-2)",
            "line": {"width": 0},
        },
        "hoverinfo": "skip",
        "meta": {"arrows": True},
    }
    names = {
        **shared,
        "mode": "text",
        "name": "names of arrows",
        "showlegend": False,
        "x": [rounded(x) for x, _ in heads],
        "y": [rounded(y) for _, y in heads],
        "text": [label(t, limit=28) for t in taxa],
        "textposition": "middle center",
        "meta": {"names": True},
        "textfont": {"size": 12, "color": "var(--ink)", "shadow": "auto"},
        "marker": {"color": "var(--ink)"},
        "customdata": [escaped(f"{t}: {r['told']}") for t, r in zip(taxa, rows, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    leads = {
        **shared,
        "mode": "lines",
        "name": "lines to names",
        "showlegend": False,
        "x": [],
        "y": [],
        "line": {"color": "var(--ink-3)", "width": 0.75, "dash": "dot"},
        "hoverinfo": "skip",
        "meta": {"leads": True},
    }
    shown = {**layout, "showlegend": True, "margin": {**layout["margin"], "t": 40}}
    return (*data, leads, lines, names), shown


def narrow() -> Layout:
    """Return what changes on a small screen: less height, for the plot is as high as it is wide."""
    return {**charts.narrow(), "height": 480}


def _scale(rows: Sequence[Mapping[str, Any]], points: Sequence[tuple[Any, Any]]) -> float:
    """Return by how much arrows are stretched to fill the picture."""
    reach = []
    for axis, key in ((0, "axis_1"), (1, "axis_2")):
        out = max((abs(float(p[axis])) for p in points if not missing(p[axis])), default=0.0)
        long = max((abs(float(r[key])) for r in rows if not missing(r[key])), default=0.0)
        reach += [out / long] if long > 0 and out > 0 else []
    return _REACH * min(reach, default=1.0)
