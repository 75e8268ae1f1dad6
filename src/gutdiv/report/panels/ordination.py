"""Ordinations of samples for the diversity panel: one view a dissimilarity, with arrows of taxa where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import biplot, cells, charts, reading, space, story
from gutdiv.report.parts import Column, DataTable, Figure, View
from gutdiv.report.wording import integer, listing, missing, name, percent, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Results, Table

ALL = "all samples"
FOLDER = "diversity/ordination/"
SHOWN = 8  # arrows in a picture: more cannot be read


def figure(results: Results) -> Figure | None:
    """Assemble the ordinations with a switch between dissimilarities."""
    views = tuple(v for v in (_view(results, n) for n in reading.under(results, FOLDER)) if v is not None)
    spatial = any("scene" in v.layout for v in views)
    return Figure("ordination", views, "Dissimilarity", recolour=True, spatial=spatial) if views else None


def arrows_table(results: Results) -> DataTable | None:
    """List the taxa whose arrows are drawn, for all dissimilarities."""
    rows = [{**row, "metric": reading.metric(results, n).label} for n in reading.under(results, FOLDER) for row in _arrows(results, n)]
    if not rows:
        return None
    spec = (
        (Column("Dissimilarity", choose=True), lambda r: cells.text(r["metric"])),
        cells.column("Taxon", "taxon", cells.text, kind="taxon"),
        cells.column("R²", "r2", cells.real, help="Share of the taxon's variation (centred log-ratio) that follows the two axes."),
        cells.column("Along axis 1", "axis_1", cells.real),
        cells.column("Along axis 2", "axis_2", cells.real),
        cells.column("Found in", "prevalence", cells.share, help="Share of samples."),
        cells.column("Mean share", "mean_share", cells.share, help="Of the reads of a sample."),
    )
    note = f"The {SHOWN} taxa most associated with the first two axes of each ordination. Association with an axis is no cause and was not tested."
    note = f"{note} {story.NO_PATHOGEN}"
    source = "diversity/ordination/, files that end in _arrows.tsv, with all taxa"
    return cells.build("arrows", "Taxa along the axes", spec, rows, source=source, note=note, interactive=len(rows) > 2 * SHOWN)


def told(results: Results) -> str:
    """Tell how samples were ordinated, for the methods."""
    names = [n for n in reading.under(results, FOLDER) if reading.filled(results, f"{FOLDER}{n}") is not None]
    text = "Dissimilarities were ordinated by principal coordinates analysis (Gower 1966)."
    guessed = [n for n in names if not missing(reading.record(results, f"{FOLDER}{n}").get("proportion_error"))]
    if guessed:
        labels = listing([reading.metric(results, n).label for n in guessed], limit=12)
        text += f" For {labels} the sum of positive eigenvalues was estimated by stochastic Lanczos quadrature (Ubaru et al. 2017)."
    for count, of, keys in by_landmarks(results):
        text += (
            f" For {listing([reading.metric(results, k).label for k in keys], limit=12)} the coordinates of {integer(count)} landmarks were computed, and all "
            f"{integer(of)} samples placed by their distances to these (Gower 1968; de Silva and Tenenbaum 2004; a Nyström approximation, Platt 2005)."
        )
    drawn = [reading.record(results, f"{FOLDER}{n}_arrows") for n in names if _arrows(results, n)]
    if drawn:
        text += (
            f" Arrows fit the centred log-ratio (pseudocount {name(drawn[0].get('pseudocount'))}) of each genus found in at least "
            f"{percent(drawn[0].get('prevalence'))} of samples on the first two axes by least squares; they were not tested."
        )
    return text


def estimated(results: Results) -> bool:
    """Whether the proportions of any ordination rest on an estimate."""
    return any(not missing(reading.record(results, f"{FOLDER}{n}").get("proportion_error")) for n in reading.under(results, FOLDER))


def by_landmarks(results: Results) -> list[tuple[int, int, list[str]]]:
    """Return of which ordinations samples were placed by landmarks: how many these were, of how many samples, and the dissimilarities."""
    found: dict[tuple[int, int], list[str]] = {}
    for key in (n for n in reading.under(results, FOLDER) if reading.filled(results, f"{FOLDER}{n}") is not None):
        told = reading.record(results, f"{FOLDER}{key}").get("landmarks") or {}
        if not missing(told.get("count")) and told["count"] < told["of"]:
            found.setdefault((int(told["count"]), int(told["of"])), []).append(key)
    return [(count, of, keys) for (count, of), keys in sorted(found.items())]


def _arrows(results: Results, key: str) -> list[dict[str, Any]]:
    """Return the arrows that are drawn for one dissimilarity, longest first."""
    found = reading.rows(reading.table(results, f"{FOLDER}{key}_arrows"))
    return [r for r in found if not (missing(r["r2"]) or missing(r["axis_1"]))][:SHOWN]


def _view(results: Results, key: str) -> View | None:
    """Show the first two axes of one ordination."""
    found = reading.filled(results, f"{FOLDER}{key}")
    if found is None or not {"axis_1", "axis_2"} <= set(found.frame.columns):
        return None
    grouped, metric = reading.groups(results), reading.metric(results, key)
    of = grouped.of if grouped is not None else {}
    rows = list(reading.rows(found))
    members = by_group(results, rows)
    shares = [*list(found.record.get("proportion_explained") or ()), None, None, None]
    titles = [f"Axis {i + 1}" + ("" if missing(s) else f" ({percent(s)} of the variation)") for i, s in enumerate(shares[:2])]
    chart = charts.points(members, x_title=titles[0], y_title=titles[1], square=True, quiet=reading.NO_GROUP)
    third = {r["sample_id"]: r["axis_3"] for r in rows} if "axis_3" in found.frame.columns else None
    chart = _with_ids(results, chart, members, third)
    if third is not None:
        chart = (chart[0], {**chart[1], "scene": space.scene(shares[:3])})
    taxa = _arrows(results, key)
    told = [{**t, "told": f"the two axes explain {percent(t['r2'])} of its variation"} for t in taxa]
    data, layout = biplot.with_arrows(chart, told, [(r["axis_1"], r["axis_2"]) for r in rows]) if taxa else chart
    listed = [{**r, "group": of.get(r["sample_id"])} for r in rows]
    spec = (
        cells.column("Sample", "sample_id", cells.text, kind="name"),
        cells.column(grouped.column if grouped else "Group", "group", cells.text, kind="name"),
        *(cells.column(f"Axis {i}", f"axis_{i}", cells.real) for i in (1, 2, 3) if f"axis_{i}" in found.frame.columns),
    )
    numbers = cells.build(f"ordination-{key}", f"Coordinates, {metric.label}", spec, listed, source=f"{FOLDER}{key}.tsv", interactive=True)
    title = _title(results, key, metric.label)
    alt = f"Scatter of the first two axes of {plural(len(rows), 'sample')}, {metric.label}."
    if taxa:
        alt += f" Arrows of {listing([name(r['taxon'], limit=60) for r in taxa], limit=SHOWN)}."
    note, small = _note(found, drawn=bool(taxa)), {**biplot.narrow(), **space.narrow()}
    return View(key, metric.label, title, f"{title}. {alt}", data, layout, numbers, note, small, int(layout["height"]), _note(found))


def _with_ids(
    results: Results,
    chart: tuple[tuple[Mapping[str, Any], ...], dict[str, Any]],
    members: Sequence[tuple[str, Sequence[Any]]],
    third: Mapping[Any, Any] | None,
) -> tuple[tuple[Mapping[str, Any], ...], dict[str, Any]]:
    """Add to each trace the places of its samples in the metadata, by which the page can colour them, their third coordinates, and whether it is a group."""
    place = {s: str(i) for i, s in enumerate(results.metadata.ids)} if results.metadata is not None else {}
    several = len([group for group, _ in members if group != reading.NO_GROUP]) > 1
    traces = []
    for trace, (group, found) in zip(chart[0], members, strict=True):
        meta: dict[str, Any] = {"group": several and group != reading.NO_GROUP}
        if third is not None:
            meta["z"] = [charts.rounded(third[m[0]]) for m in found]
        traces.append({**trace, "ids": [place.get(m[0], "") for m in found], "meta": meta})
    return tuple(traces), chart[1]


def by_group(results: Results, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[Any, Any, Any]]]]:
    """Sort samples with their first two coordinates by group; all together where there are no groups, or numbers in their place."""
    grouped = reading.groups(results)
    of = grouped.of if grouped is not None else {}
    labels = grouped.labels if grouped is not None and not grouped.numeric else (ALL,)
    places: dict[str, list[tuple[Any, Any, Any]]] = {label: [] for label in labels}
    for r in rows:
        label = labels[0] if len(labels) == 1 else of.get(r["sample_id"], ALL)
        if label in places:
            places[label].append((r["sample_id"], r["axis_1"], r.get("axis_2")))
    return list(places.items())


def _note(found: Table, *, drawn: bool | None = None) -> str:
    """Say how far the axes can be trusted, and what ellipses and, where they are drawn, arrows are; only the first of points along three axes (None)."""
    source: Mapping[str, Any] = found.record
    told = []
    if (source.get("options") or {}).get("method") == "umap" or (source.get("landmarks") or {}).get("agreement"):
        told += [str(n) for n in source.get("notes") or ()]
    elif not missing(source.get("negative_share")):
        told.append(f"Principal coordinates; negative eigenvalues make up {percent(source['negative_share'])} of all.")
    error = source.get("proportion_error")
    if not missing(error):
        told.append(f"The percentages on the axes were estimated, to within {percent(error)} of their value.")
    if drawn is None:
        return " ".join([*told, "The same points along three axes, without ellipses and arrows."])
    told.append("An ellipse would hold 68% of a group's samples if they were normally distributed along the two axes (groups of 5 samples or more).")
    if drawn:
        told.append(
            "Arrows point to where a genus has a larger share; longer ones follow the axes more closely. They show association, not cause."
        )
    return " ".join(told)


def _title(results: Results, key: str, label: str) -> str:
    """State what PERMANOVA found for this dissimilarity, or what is shown."""
    grouped = reading.groups(results)
    column = grouped.column if grouped is not None else ""
    found = [f for f in reading.structure_findings(results) if f.subject == key and f.strength in {"clear", "weak"}]
    if not found:
        return f"{label} between samples"
    first = min(found, key=lambda f: (f.strength != "clear", str(f.values.get("term")).strip("`") != column))  # what is clear, the groups before others
    term = name(first.values.get("term"), limit=60)
    spread = reading.spread_finding(results, key, term)
    if first.strength == "clear":
        how = ", in position or in spread" if spread is not None and spread.strength == "clear" else ""
        return f"Communities differ by {term}{how}: {percent(first.size)} of the variation in {label}"
    return f"No clear difference by {term} in {label}"
