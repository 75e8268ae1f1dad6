"""Paths over time as plain data for a chart: pale lines of single subjects under one strong line a group, with a band where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gutdiv.report import charts
from gutdiv.report.wording import missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.report.charts import Layout, Trace

SHOWN = 40  # single lines of a group that can still be told apart; beyond, only every so many-th subject is drawn


@dataclass(frozen=True)
class Path:
    """One group: `subjects` as (name, [(time, value)]), and `middle` as (time, value, low, high), where low and high may be missing."""

    label: str
    subjects: Sequence[tuple[str, Sequence[tuple[Any, Any]]]]
    middle: Sequence[tuple[Any, Any, Any, Any]]


def several(subjects: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[str, Sequence[Any]]]:
    """Return the subjects with more than one visit: one visit makes no line."""
    return [s for s in subjects if len(s[1]) > 1]


def drawn(subjects: Sequence[Any]) -> Sequence[Any]:
    """Return which of the subjects that have a line are drawn: all, or evenly spaced ones by their order, never chosen by what they look like."""
    step = -(-len(subjects) // SHOWN) if subjects else 1
    return subjects[::step]


def chart(groups: Sequence[Path], *, x_title: str, y_title: str) -> tuple[tuple[Trace, ...], Layout]:
    """Lay the paths of all groups."""
    traces: list[Trace] = []
    for i, group in enumerate(groups):
        colour, symbol = charts.style(i)
        shared = {"type": "scatter", "legendgroup": group.label}
        lines = drawn(several(group.subjects))
        if lines:
            traces.append(
                {
                    **shared,
                    "mode": "lines",
                    "x": [v for _, points in lines for v in (*(charts.rounded(t) for t, _ in points), None)],
                    "y": [v for _, points in lines for v in (*(charts.rounded(y) for _, y in points), None)],
                    "text": [v for who, points in lines for v in (*[charts.label(who, limit=60)] * len(points), "")],
                    "line": {"color": colour, "width": 1},
                    "opacity": 0.3 if group.middle else 0.7,
                    "name": charts.label(group.label, limit=60),
                    "showlegend": not group.middle,
                    "hovertemplate": "<b>%{text}</b><br>%{x}: %{y:.3g}<extra></extra>",
                }
            )
        if not group.middle:
            continue
        edges = [m for m in group.middle if not (missing(m[2]) or missing(m[3]))]
        if edges:
            traces.append(
                {
                    **shared,
                    "mode": "lines",
                    "x": [charts.rounded(m[0]) for m in (*edges, *reversed(edges))],
                    "y": [charts.rounded(m[3]) for m in edges] + [charts.rounded(m[2]) for m in reversed(edges)],
                    "fill": "toself",
                    "fillcolor": colour,
                    "line": {"width": 0, "color": colour},
                    "opacity": 0.14,
                    "hoverinfo": "skip",
                    "showlegend": False,
                }
            )
        traces.append(
            {
                **shared,
                "mode": "lines+markers",
                "name": charts.label(group.label, limit=60),
                "x": [charts.rounded(m[0]) for m in group.middle],
                "y": [charts.rounded(m[1]) for m in group.middle],
                "line": {"color": colour, "width": 2.5, "dash": ("solid", "dash", "dot", "dashdot")[i % 4]},
                "marker": {"color": colour, "symbol": symbol, "size": 8},
                "hovertemplate": f"<b>{charts.label(group.label, limit=60)}</b><br>%{{x}}: %{{y:.3g}}<extra></extra>",
            }
        )
    return tuple(traces), charts.layout(x=charts.axis(x_title, separatethousands=False), y=charts.axis(y_title), height=400, legend=True)
