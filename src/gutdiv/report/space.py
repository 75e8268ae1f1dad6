"""Three axes for points that can be seen in space, as plain plotly data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report.wording import missing, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.report.charts import Layout


def scene(shares: Sequence[Any]) -> Layout:
    """Return three axes of one scale in the page's style, titled with the share of the variation (0 to 1, or None) that each explains."""
    quiet = {"showbackground": False, "showspikes": False, "gridcolor": "var(--line-2)", "zerolinecolor": "var(--line-2)", "nticks": 5}
    titles = [f"Axis {i}" + ("" if missing(s) else f" ({percent(s)})") for i, s in enumerate(shares, start=1)]
    words = [{"text": t, "font": {"size": 12, "color": "var(--ink-2)"}} for t in titles]
    axes = {f"{k}axis": {**quiet, "title": w, "tickfont": {"color": "var(--ink-2)", "size": 11}} for k, w in zip("xyz", words, strict=True)}
    return {**axes, "aspectmode": "data", "dragmode": "turntable", "camera": {"eye": _eye(1.5), "center": {"x": 0, "y": 0, "z": -0.12}}}


def narrow() -> Layout:
    """Return what changes on a small screen: the axes are seen from farther off, so that their titles stay in the picture."""
    return {"scene": {"camera": {"eye": _eye(2.25)}}}


def _eye(far: float) -> Layout:
    """Look from the front and a little above."""
    return {"x": far, "y": -far, "z": round(0.55 * far, 3)}
