"""A heatmap of shares as plain plotly data: taxa down, samples along, blocks of groups and a strip of verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from gutdiv.model.results import VERDICTS
from gutdiv.report import charts
from gutdiv.report.wording import percent

if TYPE_CHECKING:
    from gutdiv.report.charts import Layout, Trace

Column = tuple[str, str, str, Sequence[float]]  # group, verdict, text shown at the column, shares in [0, 1]

ROW, ABOVE, BELOW = 15, 44, 132
FLOOR = -4  # one read in 10,000: smaller shares have the same colour
_ABSENT = 1.0  # decades of the colour bar that stand for no read
_STRIP, _GAP, _UNDER = 14, 4, 64
_BAR, _BAR_NARROW = 460, 270  # length of the colour bar in pixels


def chart(columns: Sequence[Column], taxa: Sequence[str]) -> tuple[tuple[Trace, ...], Layout]:
    """Lay shares by colour on a logarithmic scale; what has no read has a colour of its own, apart from all others."""
    seen = [v for c in columns for v in c[3] if v > 0]
    low = max(FLOOR, math.floor(math.log10(min(seen))))
    high = max(low + 1, math.ceil(math.log10(max(seen))))
    none = low - _ABSENT
    places, rows = list(range(len(columns))), list(range(len(taxa)))
    names = [charts.label(t, limit=34) for t in taxa]
    heat = {
        "type": "heatmap",
        "x": places,
        "y": rows,
        "z": [[none if not c[3][j] else round(max(low, math.log10(c[3][j])), 2) for c in columns] for j in rows],
        "text": [[percent(c[3][j]) if c[3][j] else "no read" for c in columns] for j in rows],
        "customdata": [[charts.label(c[2], limit=60) for c in columns]] * len(rows),
        "coloraxis": "coloraxis",
        "hovertemplate": "<b>%{customdata}</b><br>%{y}: %{text}<extra></extra>",
    }
    x, lines = charts.blocks([c[0] for c in columns])
    x["range"] = [-0.5, len(columns) - 0.5]
    y = charts.axis(tickvals=rows, ticktext=names, range=[len(rows) - 0.5, -0.5], showgrid=False, ticklabelstandoff=4)
    y["tickfont"] = {**y["tickfont"], "size": 11}
    height = ABOVE + ROW * len(rows) + BELOW
    strip = _strip(columns)
    inner = ROW * len(rows)
    made = charts.layout(x=x, y=y, height=height, legend=bool(strip), shapes=lines, bargap=0, barmode="overlay")
    made["margin"] = {**made["margin"], "t": ABOVE, "b": BELOW}
    if strip:
        y["domain"] = [0, round(1 - (_STRIP + _GAP) / inner, 4)]
        made["yaxis2"] = charts.axis(domain=[round(1 - _STRIP / inner, 4), 1], range=[0, 1], visible=False, fixedrange=True)
    made["coloraxis"] = _scale(none, low, high, inner, cut=min(seen) < 10.0**low)
    return (heat, *strip), made


def narrow(taxa: Sequence[str], layout: Layout) -> Layout:
    """Return what changes on a small screen: short names in small type, and a shorter colour bar with every other number."""
    words = layout["coloraxis"]["colorbar"]["ticktext"]
    bar = {"len": _BAR_NARROW, "x": 1, "xanchor": "right", "ticktext": [t if i % 2 == 0 else "" for i, t in enumerate(words)]}
    return {**charts.narrow(taxa), "margin": {"l": 40, "r": 8}, "coloraxis": {"colorbar": bar}}


def _scale(none: float, low: int, high: int, inner: int, *, cut: bool) -> Layout:
    """Colour from few to many reads, and none at all below, with the bar that tells which is which."""
    whole = high - none
    step, middle = (low - none) / whole, (low - none + (high - low) / 2) / whole
    scale = [[0, "var(--heat-none)"], [step, "var(--heat-none)"], [step, "var(--heat-low)"], [middle, "var(--heat-middle)"], [1, "var(--heat-high)"]]
    ticks = list(range(low, high + 1))
    words = [percent(10.0**t, digits=1) for t in ticks]
    return {
        "cmin": none,
        "cmax": high,
        "colorscale": scale,
        "colorbar": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": round(-_UNDER / inner, 4),
            "yanchor": "top",
            "ypad": 0,
            "len": _BAR,
            "lenmode": "pixels",
            "thickness": 12,
            "outlinewidth": 0,
            "title": {"text": "Share of the sample's reads (log scale)", "side": "top", "font": {"size": 12, "color": "var(--ink-2)"}},
            "tickmode": "array",
            "tickvals": [none + _ABSENT / 4, *ticks],
            "ticktext": ["no read", f"\u2264{words[0]}" if cut else words[0], *words[1:]],
            "tickangle": 0,
            "tickfont": {"size": 11, "color": "var(--ink-2)"},
        },
    }


def _strip(columns: Sequence[Column]) -> list[Trace]:
    """Lay a strip of verdicts along the samples, one bar for each run of the same group and verdict; nothing where all are alike."""
    if len({c[1] for c in columns}) < 2:
        return []
    runs: dict[str, list[tuple[float, int]]] = {}
    at = 0
    for (_, verdict), members in groupby(columns, key=lambda c: (c[0], c[1])):
        n = len(list(members))
        runs.setdefault(verdict, []).append((at + (n - 1) / 2, n))
        at += n
    return [
        {
            "type": "bar",
            "name": verdict,
            "x": [place for place, _ in runs[verdict]],
            "y": [1] * len(runs[verdict]),
            "width": [n for _, n in runs[verdict]],
            "yaxis": "y2",
            "marker": {"color": charts.BARS[verdict], "line": {"width": 0}, "pattern": charts.pattern(verdict)},
            "hovertemplate": f"{verdict}<extra></extra>",
        }
        for verdict in VERDICTS
        if verdict in runs
    ]
