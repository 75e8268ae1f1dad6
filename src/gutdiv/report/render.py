"""Turns a page into one HTML file: escaped everywhere, everything inside, nothing fetched, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gutdiv.report.parts import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.report.parts import Cell, DataTable, Detail, Page, Part, SamplePages, Span, View

STYLES = ("tokens.css", "base.css", "parts.css", "tables.css", "sample.css", "print.css")
HEAD_SCRIPTS = ("theme.js", "hidden.js")  # before the first paint, so that the page does not flash
PAGE_SCRIPTS = ("build.js", "cells.js", "page.js")
FIGURE_SCRIPTS = ("names.js", "colours.js", "ordinations.js", "places.js", "figures.js", "sample_charts.js", "sample.js")
TABLE_SCRIPTS = ("tables.js",)  # a module, for DataTables comes as one
FIRST_ROWS, SPARE_ROWS = 15, 10  # rows of a long table that stand in the page itself; so few more are shown at once rather than paged
PACKED_FROM = 20_000  # characters of JSON from which a block is packed
# What cannot stand in a script element, and the two line ends that JavaScript knows and JSON does not.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(page: Page) -> str:
    """Render a page to one self-contained HTML document.

    All text from results passes through jinja2's autoescape or through JSON whose `<`, `>` and `&` are escaped. The content security
    policy allows only the scripts of this file, by their hashes, and no address at all.
    """
    environment = Environment(
        loader=PackageLoader("gutdiv.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["long"] = _long
    environment.filters["kind"] = _kind
    environment.filters["shown"] = _shown
    environment.filters["track"] = _track
    environment.filters["figure_json"] = _figure_json
    environment.filters["table_json"] = _table_json
    environment.filters["samples_json"] = _samples_json
    scripts = {
        "head": _asset(HEAD_SCRIPTS),
        "page": _asset(PAGE_SCRIPTS),
        "plotly": _plotly() if _draws(page) else "",
        "figures": _asset(FIGURE_SCRIPTS),
        "datatables": _datatables(),
        "tables": _asset(TABLE_SCRIPTS),
    }
    hashes = " ".join(f"'{_hash(text)}'" for text in scripts.values())
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src "
        "data:; base-uri 'none'; form-action 'none'"
    )
    template = environment.get_template("page.html")
    return template.render(
        page=page,
        policy=policy,
        style=Markup(_asset(STYLES)),
        scripts={k: Markup(v) for k, v in scripts.items()},
    )


def _draws(page: Page) -> bool:
    """Whether anything on the page is drawn by plotly."""
    return page.samples is not None or any(isinstance(p, Figure) for panel in page.panels for section in panel.sections for p in section.parts)


def _kind(part: Part) -> str:
    """Name a part's kind for the template."""
    return type(part).__name__


def _long(text: str) -> bool:
    """Whether a text holds a word that may have to be broken."""
    return any(len(word) >= 32 for word in text.split())


def _asset(names: tuple[str, ...], package: str = "gutdiv.report", folder: str = "assets") -> str:
    """Join files of the assets folder, or of another package's."""
    loader, environment = PackageLoader(package, folder), Environment(autoescape=True)
    return "\n".join(loader.get_source(environment, name)[0] for name in names)


def _plotly() -> str:
    """Return plotly's script as its package ships it."""
    from plotly.offline import get_plotlyjs

    return _embeddable(get_plotlyjs())


def _datatables() -> str:
    """Return the module of DataTables as itables ships it, with one line that hands the library over to the page's scripts."""
    script = _asset(("dt_bundle.js",), "itables", "html")
    exported = re.search(r"export\{[^}]*?([\w$]+) as default\b", script)
    if exported is None:
        msg = f"DataTables was not found in itables {version('itables')}, which this version of gutdiv does not know"
        raise RuntimeError(msg)
    return f"{_embeddable(script)}\nwindow.gutdiv.DataTable = {exported[1]};\n"


def _embeddable(script: str) -> str:
    """Write otherwise what would end a script element, or let it run on: the same text to JavaScript."""
    return script.replace("</script", "<\\/script").replace("<!--", "\\u003c!--")


def _hash(text: str) -> str:
    """Return the hash by which the policy knows a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def safe_json(content: Any) -> Markup:
    """Write JSON that can stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    for char, escape in _UNSAFE.items():
        text = text.replace(char, escape)
    return Markup(text)


def _block(content: Any) -> Markup:
    """Write a block of data: JSON, or where that is long a JSON string that holds it packed (zlib, base64); the page reads both."""
    plain = safe_json(content)
    if len(plain) < PACKED_FROM:
        return plain
    packed = zlib.compress(plain.encode(), 7)
    return Markup('"{}"').format(base64.b64encode(packed).decode())


def _figure_json(figure: Figure) -> Markup:
    """Write a figure's views, with their numbers, for the page's script."""
    return _block([_view(v) for v in figure.views])


def _samples_json(pages: SamplePages) -> Markup:
    """Write what the samples' own pages show."""
    return _block({"shared": pages.shared, "samples": pages.samples})


def _view(view: View) -> Mapping[str, Any]:
    """Return one view as plain data."""
    plain = {k: getattr(view, k) for k in ("key", "title", "subtitle", "alt", "data", "layout", "narrow", "height", "deep")}
    return {**plain, "numbers": _plain_table(view.numbers)}


def _table_json(table: DataTable) -> Markup:
    """Write a table for the page's script."""
    return _block(_plain_table(table))


def _plain_table(table: DataTable) -> Mapping[str, Any]:
    """Return a table as plain data; details only where a row has some."""
    details = {str(i): [_detail(d) for d in r.details] for i, r in enumerate(table.rows) if r.details}
    return {
        "key": table.key,
        "caption": table.caption,
        "source": table.source,
        "note": table.note,
        "hint": table.hint,
        "columns": [asdict(c) for c in table.columns],
        "rows": [[_plain_cell(c) for c in r.cells] for r in table.rows],
        "details": details,
        "shown": _shown(table),
    }


def _shown(table: DataTable) -> int:
    """Return how many rows are shown at first."""
    return FIRST_ROWS if len(table.rows) > FIRST_ROWS + SPARE_ROWS else len(table.rows)


def _detail(detail: Detail) -> Mapping[str, Any]:
    """Return what is said when a row is opened."""
    links = [{"text": link.text, "href": link.href} for link in detail.links]
    return {"term": detail.term, "text": detail.text, "links": links, "wide": detail.wide}


def _plain_cell(cell: Cell) -> Any:
    """Return a cell as a text, or as text and sort value, or with the marks of its range bar."""
    if cell.span is not None:
        return [cell.text, cell.value, _track(cell.span)]
    return cell.text if cell.value is None else [cell.text, cell.value]


def _track(span: Span) -> tuple[float | None, float | None, float]:
    """Return where on a range bar its interval begins, how wide it is, and where the value lies, in hundredths of the bar."""
    ends = [0.0 if span.lower is None else _place(span, span.lower), 100.0 if span.upper is None else _place(span, span.upper)]
    if span.lower is None and span.upper is None:
        return None, None, _place(span, span.value)
    return ends[0], round(ends[1] - ends[0], 1), _place(span, span.value)


def _place(span: Span, value: float) -> float:
    """Return where a value lies between the ends of a range bar."""
    return round(100 * (value - span.low) / (span.high - span.low), 1) if span.high > span.low else 50.0
