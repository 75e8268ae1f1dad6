"""Arrows, of taxa or of terms, over a scatter of samples; the legend switches them on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    Rows hold `taxon` (or the name of a term), `axis_1`, `axis_2` and `told`, what is said of the arrow.
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
    }
    names = {
        **shared,
        "mode": "text",
        "name": "names of arrows",
        "showlegend": False,
        "x": [rounded(x) for x, _ in heads],
        "y": [rounded(y) for _, y in heads],
        "text": [label(t, limit=28) for t in taxa],
        "textposition": _beside(heads),
        "textfont": {"size": 12, "color": "var(--ink)"},
        "marker": {"color": "var(--ink)"},
        "customdata": [escaped(f"{t}: {r['told']}") for t, r in zip(taxa, rows, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    shown = {**layout, "showlegend": True, "margin": {**layout["margin"], "t": 40}}
    return (*data, lines, names), shown


def _scale(rows: Sequence[Mapping[str, Any]], points: Sequence[tuple[Any, Any]]) -> float:
    """Return by how much arrows are stretched to fill the picture."""
    reach = []
    for axis, key in ((0, "axis_1"), (1, "axis_2")):
        out = max((abs(float(p[axis])) for p in points if not missing(p[axis])), default=0.0)
        long = max((abs(float(r[key])) for r in rows if not missing(r[key])), default=0.0)
        reach += [out / long] if long > 0 and out > 0 else []
    return _REACH * min(reach, default=1.0)


def _beside(heads: Sequence[tuple[float, float]]) -> list[str]:
    """Return where each name stands: away from the middle, and away from those that point to the same side."""
    upright = [abs(y) > abs(x) for x, y in heads]
    sides = [("top" if y > 0 else "bottom") if up else ("right" if x > 0 else "left") for (x, y), up in zip(heads, upright, strict=True)]
    places = [f"{side} center" if up else f"middle {side}" for side, up in zip(sides, upright, strict=True)]
    for side in set(sides):
        up = side in {"top", "bottom"}
        there = sorted((i for i, s in enumerate(sides) if s == side), key=lambda i: heads[i][0 if up else 1])
        if len(there) > 1:  # the outer two give way
            low, high = ("left", "right") if up else ("bottom", "top")
            places[there[0]], places[there[-1]] = (f"{side} {low}", f"{side} {high}") if up else (f"{low} {side}", f"{high} {side}")
    return places
