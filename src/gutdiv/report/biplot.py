"""Arrows of taxa over a scatter of samples, as one trace that the legend switches on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report.charts import escaped, label, rounded
from gutdiv.report.wording import missing, name, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.report.charts import Layout, Trace

LEGEND = "taxa (arrows)"
_REACH = 0.85  # of the way to the outermost sample, for the longest arrow


def with_arrows(
    chart: tuple[tuple[Trace, ...], Layout], rows: Sequence[Mapping[str, Any]], points: Sequence[tuple[Any, Any]]
) -> tuple[tuple[Trace, ...], Layout]:
    """Add arrows of the `arrows` rows to a scatter of these points; one scale for all arrows, so that their lengths compare."""
    data, layout = chart
    scale = _scale(rows, points)
    xs: list[float | None] = []
    ys: list[float | None] = []
    texts, places, hovers, sizes = [], [], [], []
    for row in rows:
        x, y = float(row["axis_1"]) * scale, 0.0 if missing(row["axis_2"]) else float(row["axis_2"]) * scale
        taxon = name(row["taxon"], limit=60)
        xs += [0.0, rounded(x), None]
        ys += [0.0, rounded(y), None]
        texts += ["", label(taxon, limit=28), ""]
        places += ["middle center", _beside(x, y), "middle center"]
        hovers += ["", escaped(f"{taxon}: the two axes explain {percent(row['r2'])} of its variation"), ""]
        sizes += [0, 11, 0]
    trace = {
        "type": "scatter",
        "mode": "lines+markers+text",
        "name": LEGEND,
        "x": xs,
        "y": ys,
        "text": texts,
        "textposition": places,
        "textfont": {"size": 12, "color": "var(--ink)"},
        "customdata": hovers,
        "cliponaxis": False,
        "line": {"color": "var(--ink-2)", "width": 1.5},
        "marker": {"symbol": "arrow", "angleref": "previous", "size": sizes, "color": "var(--ink-2)", "line": {"width": 0}},
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    shown = {**layout, "showlegend": True, "margin": {**layout["margin"], "t": 40}}
    return (*data, trace), shown


def _scale(rows: Sequence[Mapping[str, Any]], points: Sequence[tuple[Any, Any]]) -> float:
    """Return by how much arrows are stretched to fill the picture."""
    reach = []
    for axis, key in ((0, "axis_1"), (1, "axis_2")):
        out = max((abs(float(p[axis])) for p in points if not missing(p[axis])), default=0.0)
        long = max((abs(float(r[key])) for r in rows if not missing(r[key])), default=0.0)
        reach += [out / long] if long > 0 and out > 0 else []
    return _REACH * min(reach, default=1.0)


def _beside(x: float, y: float) -> str:
    """Return where an arrow's name stands: away from the middle."""
    if abs(x) >= abs(y):
        return "middle right" if x > 0 else "middle left"
    return "top center" if y > 0 else "bottom center"
