"""Plotly charts as plain data: where marks stand, in which colour and shape; no number is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from gutdiv.model.results import FLAGS, VERDICTS
from gutdiv.report.wording import folded, missing

Trace = Mapping[str, Any]
Layout = dict[str, Any]

# Colour and shape always change together, so that either alone tells groups apart. The page resolves the variables for its theme.
COLOURS = tuple(f"var(--s{i})" for i in range(1, 9))
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "triangle-down", "star")
FRAME, ROW, FOLDED = 132, 24, 30  # pixels of a forest around its rows, of a row, and of one with its name in two lines
QUIET = ("var(--ink-3)", "circle-open")
STATUS_MARKS = {
    "outside": ("var(--outside)", "diamond"),
    "below": ("var(--outside)", "triangle-down"),
    "above": ("var(--above)", "triangle-up"),
    "borderline": ("var(--borderline)", "square"),
    "within": ("var(--within)", "circle"),
    "not assessable": ("var(--ink-3)", "circle-open"),
}
BARS = {
    "outside": "var(--outside-fill)",
    "borderline": "var(--borderline-fill)",
    "within": "var(--within-fill)",
    "not assessable": "var(--none-fill)",
}
MANY = 2000  # points from which they are drawn smaller; never by scattergl: it makes its code in the browser, which the policy refuses


def escaped(text: str) -> str:
    """Escape a text for plotly, which reads a small subset of HTML in all its labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def label(text: str, *, limit: int = 30) -> str:
    """Cut and escape a label for an axis or a legend."""
    return escaped(text if len(text) <= limit else text[: limit - 1] + "…")


def rounded(value: Any) -> float | None:
    """Give a number with six significant digits: more cannot be seen in a picture; undefined becomes null."""
    return None if missing(value) else float(f"{float(value):.6g}")


def style(index: int) -> tuple[str, str]:
    """Return colour and symbol of the group at this place; after eight groups colours come again with other symbols."""
    turn = index // len(COLOURS)
    return COLOURS[index % len(COLOURS)], SYMBOLS[(index + 3 * turn) % len(SYMBOLS)]


def axis(title: str = "", **more: Any) -> Layout:
    """Return an axis in the page's style."""
    return {
        "title": {"text": escaped(title), "standoff": 12, "font": {"size": 13, "color": "var(--ink-2)"}},
        "gridcolor": "var(--grid)",
        "linecolor": "var(--line-2)",
        "zerolinecolor": "var(--line-2)",
        "tickfont": {"color": "var(--ink-2)", "size": 12},
        "zeroline": False,
        "automargin": True,
        "fixedrange": False,
        "separatethousands": True,
        **more,
    }


def layout(*, x: Layout, y: Layout, height: int, legend: bool, **more: Any) -> Layout:
    """Return a layout in the page's style: no title (the page has it as a heading), quiet lines, legend above the plot."""
    return {
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 40 if legend else 12, "b": 52},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif", "size": 13, "color": "var(--ink)"},
        "hoverlabel": {
            "bgcolor": "var(--surface)",
            "bordercolor": "var(--line-2)",
            "font": {"color": "var(--ink)", "size": 13},
            "align": "left",
        },
        "hovermode": "closest",
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "bottom",
            "font": {"color": "var(--ink-2)", "size": 12},
        },
        "dragmode": "zoom",
        "xaxis": x,
        "yaxis": y,
        **more,
    }


def boxes(groups: Sequence[tuple[str, Sequence[tuple[str, Any]]]], *, title: str, quiet: str = "") -> tuple[tuple[Trace, ...], Layout]:
    """Lay a box with all points for each group, one row a group, values along x.

    `groups` holds pairs of a label and its (sample, value) pairs; the group `quiet` is drawn pale.
    """
    traces = []
    for i, (group, points) in enumerate(groups):
        colour, symbol = QUIET if group == quiet else style(i)
        traces.append(
            {
                "type": "box",
                "orientation": "h",
                "name": label(group),
                "x": [rounded(v) for _, v in points],
                "y": [i] * len(points),
                "width": 0.5,
                "text": [label(s, limit=60) for s, _ in points],
                "boxpoints": "all",
                "jitter": 0.55,
                "pointpos": 0,
                "fillcolor": "rgba(0,0,0,0)",
                "line": {"color": "var(--ink-2)", "width": 1.5},
                "marker": {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.6, "line": {"width": 0}},
                "hoveron": "points",
                "hovertemplate": "<b>%{text}</b><br>%{x}<extra></extra>",
            }
        )
    height = 96 + 84 * max(1, len(groups))
    return tuple(traces), layout(x=axis(title), y=_rows([g for g, _ in groups]), height=height, legend=False)


def _rows(labels: Sequence[str]) -> Layout:
    """Return an axis of named rows, the first at the top; on small screens the page puts the short names in their place."""
    names = [label(text, limit=34) for text in labels]
    rows = list(range(len(labels)))
    return axis(tickvals=rows, ticktext=names, range=[len(labels) - 0.4, -0.6], showgrid=False, ticklabelstandoff=8)


def narrow(labels: Sequence[str] = (), *, lines: int = 1) -> Layout:
    """Return what changes on a small screen: smaller margins and type, names of rows cut short or, in a forest, laid in two lines with room for them."""
    told = folded(labels, 18, lines)
    deep: Layout = {"height": FRAME + FOLDED * len(told)} if any(len(t) > 1 for t in told) else {}
    base: Layout = {"margin": {"l": 40, "r": 8, "b": 48}, **deep}
    return {**base, "yaxis": {"tickfont": {"size": 10}, "ticktext": ["<br>".join(map(escaped, t)) for t in told]}} if labels else base


def points(
    groups: Sequence[tuple[str, Sequence[tuple[str, Any, Any]]]], *, x_title: str, y_title: str, square: bool = False, quiet: str = ""
) -> tuple[tuple[Trace, ...], Layout]:
    """Lay a scatter of (sample, x, y) triples by group; `square` keeps the same scale on both axes; the group `quiet` is drawn pale."""
    total = sum(len(p) for _, p in groups)
    traces = []
    for i, (group, members) in enumerate(groups):
        colour, symbol = QUIET if group == quiet else style(i)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(group),
                "x": [rounded(m[1]) for m in members],
                "y": [rounded(m[2]) for m in members],
                "text": [label(m[0], limit=60) for m in members],
                "marker": {
                    "color": colour,
                    "symbol": symbol,
                    "size": 5 if total >= MANY else 8,
                    "opacity": 0.75,
                    "line": {"width": 0 if total >= MANY else 0.5, "color": "var(--surface)"},
                },
                "hovertemplate": "<b>%{text}</b><br>%{x:.3g}, %{y:.3g}<extra></extra>",
            }
        )
    y = axis(y_title, **({"scaleanchor": "x", "scaleratio": 1, "constrain": "domain", "constraintoward": "top"} if square else {}))
    x = axis(x_title, **({"constrain": "domain", "constraintoward": "left"} if square else {}))
    return tuple(traces), layout(x=x, y=y, height=620 if square else 380, legend=len(groups) > 1)


def forest(rows: Sequence[Mapping[str, Any]], *, title: str, marks: Mapping[str, tuple[str, str]]) -> tuple[tuple[Trace, ...], Layout]:
    """Lay estimates with intervals, one row each, the first row at the top.

    Rows hold `label`, `estimate`, `low`, `high` and `kind`; `marks` gives each kind its colour and symbol, in the legend's order.
    """
    place = {id(r): i for i, r in enumerate(rows)}
    traces = []
    for kind, (colour, symbol) in marks.items():
        members = [r for r in rows if r["kind"] == kind]
        if members:
            up = [rounded(0 if missing(r["high"]) else r["high"] - r["estimate"]) for r in members]
            down = [rounded(0 if missing(r["low"]) else r["estimate"] - r["low"]) for r in members]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label(kind, limit=48),
                    "x": [rounded(r["estimate"]) for r in members],
                    "y": [place[id(r)] for r in members],
                    "text": [label(r["label"], limit=60) for r in members],
                    "customdata": [r.get("hover", "") for r in members],
                    "error_x": {
                        "type": "data",
                        "symmetric": False,
                        "array": up,
                        "arrayminus": down,
                        "color": colour,
                        "thickness": 1.5,
                        "width": 0,
                    },
                    "marker": {"color": colour, "symbol": symbol, "size": 10},
                    "hovertemplate": "<b>%{text}</b><br>%{customdata}<extra></extra>",
                }
            )
    height = FRAME + ROW * len(rows)
    y = _rows([r["label"] for r in rows])
    x = axis(title, zeroline=True, zerolinewidth=1.5, rangemode="tozero")
    return tuple(traces), layout(x=x, y=y, height=height, legend=len(traces) > 1)


def strips(
    rows: Sequence[tuple[str, Sequence[tuple[str, Any, str]]]],
    *,
    title: str,
    limits: tuple[float | None, float | None],
    bands: Sequence[tuple[float, float]],
    median: float | None,
) -> tuple[tuple[Trace, ...], Layout]:
    """Lay samples as points along a metric, one row a group, over the reference interval.

    `rows` holds a label and (sample, value, flag) triples; `bands` are the confidence intervals of the limits.
    """
    traces = []
    for flag in FLAGS:
        colour, symbol = STATUS_MARKS[flag]
        xs, ys, names = [], [], []
        for r, (_, members) in enumerate(rows):
            chosen = [m for m in members if m[2] == flag and not missing(m[1])]
            xs += [rounded(m[1]) for m in chosen]
            ys += [round(r + _scatter(i), 3) for i in range(len(chosen))]
            names += [label(m[0], limit=60) for m in chosen]
        if xs:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": flag,
                    "x": xs,
                    "y": ys,
                    "text": names,
                    "marker": {"color": colour, "symbol": symbol, "size": 5 if len(xs) >= MANY else 7, "opacity": 0.75},
                    "hovertemplate": f"<b>%{{text}}</b><br>%{{x}} ({flag})<extra></extra>",
                }
            )
    height = 132 + 88 * len(rows)
    y = _rows([r[0] for r in rows])
    shapes = _interval_shapes(limits, bands, median)
    return tuple(traces), layout(x=axis(title), y=y, height=height, legend=True, shapes=shapes)


def _scatter(index: int) -> float:
    """Spread points over a row by the golden ratio: even, and the same on every run."""
    return ((index * 0.618034) % 1 - 0.5) * 0.62


def _interval_shapes(limits: tuple[float | None, float | None], bands: Sequence[tuple[float, float]], median: float | None) -> list[Layout]:
    """Draw the interval as a pale field, its limits' confidence intervals a little darker, and the median as a line."""
    lower, upper = limits
    below = {"layer": "below", "yref": "paper", "y0": 0, "y1": 1}
    shapes: list[Layout] = []
    if lower is not None and upper is not None:
        shapes.append(
            {**below, "type": "rect", "x0": rounded(lower), "x1": rounded(upper), "fillcolor": "var(--band)", "line": {"width": 0}}
        )
    shapes += [
        {**below, "type": "rect", "x0": rounded(a), "x1": rounded(b), "fillcolor": "var(--band-2)", "line": {"width": 0}} for a, b in bands
    ]
    lines = [(v, "dot") for v in (lower, upper) if v is not None] + ([(median, "solid")] if median is not None else [])
    shapes += [
        {**below, "type": "line", "x0": rounded(v), "x1": rounded(v), "line": {"color": "var(--line-2)", "width": 1.5, "dash": dash}}
        for v, dash in lines
    ]
    return shapes


def verdict_bars(rows: Sequence[tuple[str, Mapping[str, int]]]) -> tuple[tuple[Trace, ...], Layout]:
    """Lay verdict counts as stacked bars, one row a set of samples."""
    traces = tuple(_bar(verdict, rows) for verdict in VERDICTS)
    y = axis(autorange="reversed", showgrid=False, ticklabelstandoff=8)
    return traces, layout(x=axis("Samples"), y=y, height=120 + 48 * len(rows), legend=True, barmode="stack", bargap=0.4)


def _bar(verdict: str, rows: Sequence[tuple[str, Mapping[str, int]]]) -> Trace:
    """Lay the counts of one verdict; colour and pattern change together."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": verdict,
        "y": [label(r[0]) for r in rows],
        "x": [int(r[1].get(verdict, 0)) for r in rows],
        "marker": {"color": BARS[verdict], "line": {"color": "var(--surface)", "width": 1}, "pattern": pattern(verdict)},
        "hovertemplate": f"%{{y}}<br>{verdict}: %{{x}} samples<extra></extra>",
    }


def pattern(verdict: str) -> Layout:
    """Return the pattern of a verdict's bars, which changes with their colour."""
    shape = {"borderline": "/", "not assessable": "x"}.get(verdict, "")
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "var(--surface)", "size": 7, "solidity": 0.22}


def blocks(groups: Sequence[str]) -> tuple[Layout, list[Layout]]:
    """Return an axis of samples that stand side by side, each group named under its middle, and the lines between groups."""
    ticks, lines, at = [], [], 0
    for group, members in groupby(groups):
        n = len(list(members))
        ticks.append((at + (n - 1) / 2, label(group, limit=18)))
        if at:
            lines.append({"type": "line", "x0": at - 0.5, "x1": at - 0.5, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": "var(--ink)", "width": 1.5}})
        at += n
    x = axis("Samples, by group" if len(ticks) > 1 else "Samples", tickmode="array", tickvals=[t[0] for t in ticks], showgrid=False)
    return {**x, "ticktext": [t[1] for t in ticks]}, lines


def bands(
    lines: Sequence[tuple[str, Sequence[tuple[Any, Any, Any, Any]]]], *, x_title: str, y_title: str, chosen: Any, share: bool = False
) -> tuple[tuple[Trace, ...], Layout]:
    """Lay lines of (x, middle, low, high) with a pale band from low to high where there is one, and the chosen x marked."""
    traces: list[Trace] = []
    for i, (line, members) in enumerate(lines):
        colour, symbol = style(i)
        edges = [m for m in members if not (missing(m[2]) or missing(m[3]))]
        if edges:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [rounded(m[0]) for m in edges] + [rounded(m[0]) for m in reversed(edges)],
                    "y": [rounded(m[3]) for m in edges] + [rounded(m[2]) for m in reversed(edges)],
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
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(line, limit=60),
                "x": [rounded(m[0]) for m in members],
                "y": [rounded(m[1]) for m in members],
                "line": {"color": colour, "width": 2, "dash": _DASHES[i % len(_DASHES)]},
                "marker": {"color": colour, "symbol": symbol, "size": 6},
                "hovertemplate": f"<b>{label(line, limit=60)}</b><br>%{{x:,}} reads: %{{y:{'.1%' if share else '.1f'}}}<extra></extra>",
            }
        )
    y = axis(y_title, rangemode="tozero", **({"tickformat": ".0%"} if share else {}))
    shapes = [] if missing(chosen) else [_upright(chosen)]
    return tuple(traces), layout(x=axis(x_title, tickformat=","), y=y, height=380, legend=True, shapes=shapes)


_DASHES = ("solid", "dash", "dot", "dashdot")
_DECADES = 1000  # beyond it only powers of ten have a number on an axis of depths


def _upright(at: Any) -> Layout:
    """Mark one place along x by a line from bottom to top."""
    line = {"color": "var(--ink-2)", "width": 1.5}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": rounded(at), "x1": rounded(at), "line": line}


def curves(
    lines: Sequence[tuple[str, Sequence[tuple[Any, Any]]]], *, x_title: str, y_title: str, chosen: Any
) -> tuple[tuple[Trace, ...], Layout]:
    """Lay shares (0 to 1) along depth on a logarithmic axis, with the chosen depth marked."""
    traces = []
    for i, (line, members) in enumerate(lines):
        colour, symbol = style(i)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(line, limit=60),
                "x": [rounded(m[0]) for m in members],
                "y": [rounded(m[1]) for m in members],
                "line": {"color": colour, "width": 2, "dash": ("solid", "dash", "dot")[i % 3]},
                "marker": {"color": colour, "symbol": symbol, "size": 8},
                "hovertemplate": "%{x:,} reads: %{y:.1%}<extra></extra>",
            }
        )
    depths = [m[0] for _, members in lines for m in members if not missing(m[0]) and m[0] > 0]
    x = axis(x_title, type="log", tickformat=",", dtick=1 if depths and max(depths) > _DECADES * min(depths) else "D2")
    y = axis(y_title, tickformat=".0%", range=[0, 1.04])
    return tuple(traces), layout(x=x, y=y, height=340, legend=True, shapes=[] if missing(chosen) else [_upright(chosen)])
