"""The part of the distances that the tested model explains (distance-based redundancy analysis), as a picture for the diversity panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import biplot, cells, charts, reading
from gutdiv.report.panels import ordination
from gutdiv.report.parts import Figure, View
from gutdiv.report.wording import fixed, listing, missing, name, percent, plural, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Results

FOLDER = "comparison/constrained/"
LEGEND = "terms of the model (arrows)"
SHOWN = 12  # arrows in a picture
_WARNING = (
    "The axes are chosen to set apart what the model tells apart, so that groups look farther apart than they are; whether they differ is "
    "for PERMANOVA to say."
)


def figure(results: Results) -> Figure | None:
    """Assemble the constrained ordinations with a switch between dissimilarities."""
    views = tuple(v for v in (_view(results, n) for n in reading.under(results, FOLDER)) if v is not None)
    return Figure("constrained", views, "Dissimilarity") if views else None


def drawn(results: Results) -> bool:
    """Whether there is a constrained ordination."""
    return any(reading.filled(results, f"{FOLDER}{n}") is not None for n in reading.under(results, FOLDER))


def _view(results: Results, key: str) -> View | None:
    """Show the first two constrained axes, or the only one, of one dissimilarity."""
    found = reading.filled(results, f"{FOLDER}{key}")
    if found is None or "axis_1" not in found.frame.columns:
        return None
    about, metric, grouped = found.record, reading.metric(results, key), reading.groups(results)
    rows = list(reading.rows(found))
    members = ordination.by_group(results, rows)
    axes = [f"Constrained axis {i + 1} ({percent(s)} of the variation)" for i, s in enumerate(list(about.get("proportion_explained") or ())[:2])]
    terms = _terms(about)
    flat = "axis_2" not in found.frame.columns
    if flat:
        along = [(group, [(s, x) for s, x, _ in there]) for group, there in members]
        data, layout = charts.boxes(along, title=axes[0] if axes else "Constrained axis 1", quiet=reading.NO_GROUP)
        narrow = charts.narrow([group for group, _ in along])
    else:
        titles = [*axes, "Constrained axis 1", "Constrained axis 2"][:2]
        chart = charts.points(members, x_title=titles[0], y_title=titles[1], square=True, quiet=reading.NO_GROUP)
        places = [(r["axis_1"], r["axis_2"]) for r in rows]
        data, layout = biplot.with_arrows(chart, terms, places, legend=LEGEND) if terms else chart
        narrow = biplot.narrow()
    of = grouped.of if grouped is not None else {}
    spec = (
        cells.column("Sample", "sample_id", cells.text, kind="name"),
        cells.column(grouped.column if grouped else "Group", "group", cells.text, kind="name"),
        *(cells.column(f"Constrained axis {i}", f"axis_{i}", cells.real) for i in (1, 2) if f"axis_{i}" in found.frame.columns),
    )
    listed = [{**r, "group": of.get(r["sample_id"])} for r in rows]
    caption = f"Constrained coordinates, {metric.label}"
    numbers = cells.build(f"constrained-{key}", caption, spec, listed, source=f"{FOLDER}{key}.tsv", interactive=True)
    title = f"{quoted(about.get('formula'), limit=80)} holds {percent(about.get('constrained_share'))} of the variation in {metric.label}"
    what = "Boxes and points along the only constrained axis" if flat else "Scatter of the first two constrained axes"
    alt = f"{title}. {what} of {plural(len(rows), 'sample')}."
    if terms and not flat:
        alt += f" Arrows of {listing([str(t['taxon']) for t in terms], limit=SHOWN)}."
    return View(key, metric.label, title, alt, data, layout, numbers, f"Distance-based redundancy analysis. {_WARNING}", narrow, int(layout["height"]))


def _terms(about: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the arrows of the model's terms, each with what is said of it."""
    listed = [t for t in about.get("biplot") or () if not missing(t.get("axis_1"))][:SHOWN]
    return [
        {
            "taxon": _named(t),
            "axis_1": t["axis_1"],
            "axis_2": t.get("axis_2"),
            "told": f"correlation with the axes {fixed(t['axis_1'])} and {fixed(t.get('axis_2'))}",
        }
        for t in listed
    ]


def _named(entry: Mapping[str, Any]) -> str:
    """Name an arrow by its term, and by the group that the design's column stands for."""
    term, column = name(entry.get("term"), limit=60), name(entry.get("column"), limit=60)
    group = column.removeprefix(term)
    return column if group in {"", column} else f"{term}: {group}"
