"""Stacked bars of shares as plain plotly data: one bar a sample (or a set of samples), one colour and pattern a taxon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gutdiv.report import charts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.report.charts import Layout, Trace

PATTERNS = ("", "/", "\\", "x")  # colours come again with the next pattern
TINTS = (1, 0.55, 0.35, 0.2)  # in bars too thin to show one, paler
THIN = 60  # bars from which on they are so
REST = ("var(--none-fill)", "")
HEIGHT, LINE = 300, 19

Bar = tuple[str, str, Sequence[float]]  # group, text shown at the bar, shares in [0, 1]


def samples(bars: Sequence[Bar], taxa: Sequence[str], *, rest: str) -> tuple[tuple[Trace, ...], Layout]:
    """Stand bars side by side, groups in turn with a line between them; the taxon `rest` is grey and last."""
    places = list(range(len(bars)))
    thin = len(bars) > THIN
    traces = [_trace(taxa, i, rest, places, [b[2][i] for b in bars], [b[1] for b in bars], thin=thin) for i in range(len(taxa))]
    x, lines = charts.blocks([b[0] for b in bars])
    return tuple(traces), _layout(x, _share_axis(), taxa, height=HEIGHT, barmode="stack", bargap=0, shapes=lines)


def means(rows: Sequence[Bar], taxa: Sequence[str], *, rest: str) -> tuple[tuple[Trace, ...], Layout]:
    """Lay bars under each other, one a set of samples."""
    words = [charts.label(r[0], limit=28) for r in rows]
    traces = [_trace(taxa, i, rest, [r[2][i] for r in rows], list(range(len(rows))), [r[1] for r in rows], flat=True) for i in range(len(taxa))]
    y = charts.axis("", tickmode="array", tickvals=list(range(len(rows))), ticktext=words, autorange="reversed", showgrid=False)
    return tuple(traces), _layout(_share_axis(), y, taxa, height=24 + 44 * len(rows), barmode="stack", bargap=0.35)


def narrow(taxa: Sequence[str], height: int) -> Layout:
    """Return what changes on a narrow screen: the legend has one taxon a line, and the plot keeps its height."""
    room = 76 + LINE * len(taxa)
    return {"height": height - _room(taxa) + room, "margin": {"b": room}}


def _layout(x: Layout, y: Layout, taxa: Sequence[str], *, height: int, **more: Any) -> Layout:
    """Return the page's layout with the legend at the very bottom: many taxa need many lines."""
    made = charts.layout(x=x, y=y, height=height + _room(taxa), legend=True, **more)
    made["legend"] = {**made["legend"], "yref": "container", "y": 0, "yanchor": "bottom", "maxheight": 1}
    return {**made, "margin": {**made["margin"], "t": 12, "b": _room(taxa), "r": 28}}


def _room(taxa: Sequence[str]) -> int:
    """Return the height of axis and legend: about five taxa stand in a line."""
    return 76 + LINE * -(-len(taxa) // 5)


def _share_axis() -> Layout:
    """Return an axis from nothing to all reads."""
    return charts.axis("Share of reads", range=[0, 1], dtick=0.2, tickformat=".0%")


def _trace(
    taxa: Sequence[str], index: int, rest: str, x: Sequence[Any], y: Sequence[Any], texts: Sequence[str], *, flat: bool = False, thin: bool = False
) -> Mapping[str, Any]:
    """Stack one taxon."""
    turn = index // len(charts.COLOURS) % len(PATTERNS)
    colour, shape = (charts.COLOURS[index % len(charts.COLOURS)], PATTERNS[turn]) if taxa[index] != rest else REST
    pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": "var(--surface)", "size": 6, "solidity": 0.35}
    name = charts.label(taxa[index])
    return {
        "type": "bar",
        "orientation": "h" if flat else "v",
        "name": name,
        "x": list(x),
        "y": list(y),
        "text": [charts.label(t, limit=60) for t in texts],
        "textposition": "none",
        "marker": {"color": colour, "line": {"width": 0}, **({} if thin else {"pattern": pattern})},
        **({"opacity": TINTS[turn] if taxa[index] != rest else 1} if thin else {}),
        "hovertemplate": f"<b>%{{text}}</b><br>{name}: %{{{'x' if flat else 'y'}:.1%}}<extra></extra>",
    }
