"""Where every result comes from: a picture of which file was made of which, by the records, and the software that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import cells, charts
from gutdiv.report.parts import Figure, Part, Section, View
from gutdiv.report.wording import listing, name, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gutdiv.model.results import Results

COHORT = "cohort/cohort"
# The result behind each role that an input can have in a record; other roles are files from outside.
_BEHIND = {
    "cohort": COHORT,
    "metadata": COHORT,
    "alpha": "diversity/alpha",
    "taxa": "diversity/taxa",
    "distances": "diversity/distances",
    "reference": "reference/reference",
    "verdicts": "dysbiosis/verdicts",
    "flags": "dysbiosis/flags",
    "links": "immune/links",
    "abundance": "comparison/abundance",
}
# Results whose records the page does not always read.
_MADE = {"reference/reference": (COHORT, "diversity/alpha", "diversity/taxa"), "diversity/distances": (COHORT,), "diversity/taxa": (COHORT,)}
_STAGES = ("input", "cohort", "diversity", "reference", "comparison", "dysbiosis", "immune")
_COLUMN, _ROW = 1.0, 1.0
_LEAST = 104  # pixels of a column with its names: a narrower screen moves the figure sideways
_NUMBERS = (cells.column("Result", "result", cells.text), cells.column("Made of", "made_of", cells.text, kind="words"))
_SOFTWARE = (cells.column("Software", "package", cells.text), cells.column("Version", "version", cells.text))


def sections(results: Results) -> Iterator[Section]:
    """Yield the sections: how results were made of each other, and by which software; without records or versions there is none."""
    edges = made_of(results)
    if len(edges) > 1:
        lead = "Lines join each result with those, to its left or in its own column, that it was made of."
        yield Section("workflow", "From the table to the results", (_figure(edges),), lead)
    if results.software:
        rows = [{"package": package, "version": version} for package, version in results.software.items()]
        table: Part = cells.build("software", "Software in the environment that wrote this page", _SOFTWARE, rows)
        yield Section("software", "Software", (table,))


def made_of(results: Results) -> dict[str, tuple[str, ...]]:
    """Return what each result was made of, by the inputs in its record: places, with all distances as one, and names of files from outside."""
    found: dict[str, tuple[str, ...]] = {COHORT: tuple(dict.fromkeys(str(i.get("name")) for i in results.cohort.get("inputs") or ()))}
    records = {place: table.record for place, table in results.tables.items()}
    if results.reference is not None and "reference/outliers" in records:
        records["reference/reference"] = records["reference/outliers"]
    for place, record in sorted(records.items()):
        key = "/".join(place.split("/")[:2])
        if not key.startswith("cohort/"):
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *_sources(record))))
    for key, sources in _MADE.items():
        if any(key in made for made in found.values()):
            found.setdefault(key, sources)
    return found


def _sources(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what a record lists as its inputs."""
    return tuple(dict.fromkeys(_BEHIND.get(str(i.get("role")), str(i.get("name"))) for i in record.get("inputs") or ()))


def _figure(edges: Mapping[str, tuple[str, ...]]) -> Figure:
    """Draw results in columns by stage, with a line from each to what is made of it."""
    inputs = dict.fromkeys(s for sources in edges.values() for s in sources if s not in edges)
    by_stage = {"input": [*inputs], **{stage: [key for key in edges if key.startswith(f"{stage}/")] for stage in _STAGES[1:]}}
    stages, columns = zip(*((stage, column) for stage, column in by_stage.items() if column), strict=True)
    tallest = max(map(len, columns))
    place = {key: (x * _COLUMN, _ROW * ((len(column) - 1) / 2 - y)) for x, column in enumerate(columns) for y, key in enumerate(column)}
    lines: dict[str, list[float | None]] = {"x": [], "y": []}
    for key, sources in edges.items():
        for source in sources:
            for axis, at in zip("xy", zip(place[source], place[key], strict=True), strict=True):
                lines[axis] += [*at, None]
    told = {key: f"made of {listing([_word(s) for s in edges[key]], limit=6)}" if edges.get(key) else "an input file" for key in place}
    traces = (
        {"type": "scatter", "mode": "lines", **lines, "line": {"color": "var(--line-2)", "width": 1}, "hoverinfo": "skip"},
        {
            "type": "scatter",
            "mode": "markers",
            "x": [x for x, _ in place.values()],
            "y": [y for _, y in place.values()],
            "text": [charts.label(key, limit=60) for key in place],
            "customdata": [charts.label(told[key], limit=160) for key in place],
            "hovertemplate": "<b>%{text}</b><br>%{customdata}<extra></extra>",
            "marker": {"size": 9, "color": "var(--accent)", "symbol": ["square" if key in inputs else "circle" for key in place]},
        },
    )
    names = [
        {
            "x": x,
            "y": y,
            "text": charts.label(_word(key), limit=26),
            "showarrow": False,
            "yshift": 12,
            "font": {"size": 11, "color": "var(--ink-2)"},
            "bgcolor": "var(--bg)",
            "borderpad": 0,
        }
        for key, (x, y) in place.items()
    ]
    height = 110 + 46 * tallest
    spans = [-0.62, len(columns) - 0.5], [-tallest / 2 - 0.3, tallest / 2 + 0.5]
    stage_axis = charts.axis("Stage", range=spans[0], tickvals=list(range(len(columns))), ticktext=list(stages), showgrid=False, fixedrange=True)
    layout = charts.layout(x=stage_axis, y={"visible": False, "fixedrange": True, "range": spans[1]}, height=height, legend=False)
    layout |= {"margin": {"l": 8, "r": 8, "t": 8, "b": 52}, "annotations": names, "meta": {"least": _LEAST * len(columns)}}
    rows = [{"result": key, "made_of": ", ".join(sources)} for key, sources in edges.items()]
    numbers = cells.build("workflow-numbers", "Results and what each is made of", _NUMBERS, rows)
    count = f"{plural(len(edges), 'result')} come from {plural(len(inputs), 'input file')}"
    alt = f"{count}, in {len(columns)} columns from left to right."
    return Figure("workflow", (View("workflow", "", count, alt, traces, layout, numbers, height=height),))


_CALLED = {"diversity/alpha": "alpha diversity", "comparison/alpha": "tests of alpha diversity"}  # two results of one word


def outside(results: Results) -> Iterator[dict[str, Any]]:
    """Yield the files from outside that later steps read besides the cohort's own inputs, each once: role, name and digest."""
    seen = {(str(i.get("name")), str(i.get("sha256"))) for i in results.cohort.get("inputs") or ()}
    for _, table in sorted(results.tables.items()):
        for entry in table.record.get("inputs") or ():
            file = str(entry.get("name")), str(entry.get("sha256"))
            if str(entry.get("role")) not in _BEHIND and file not in seen:
                seen.add(file)
                yield dict(entry)


def _word(key: str) -> str:
    """Return a result's own word without its stage, or an input's file name."""
    if key in _CALLED:
        return _CALLED[key]
    stage, slash, step = key.partition("/")
    return name(step.replace("_", " ") if slash and stage in _STAGES else key, limit=40)
