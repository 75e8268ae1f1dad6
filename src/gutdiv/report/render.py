"""Turns a page into one HTML file: escaped everywhere, everything inside, nothing fetched, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.report.parts import Cell, DataTable, Figure, Page, Part, View

STYLES = ("tokens.css", "base.css", "parts.css", "tables.css", "print.css")
HEAD_SCRIPTS = ("theme.js",)  # before the first paint, so that the page does not flash
PAGE_SCRIPTS = ("build.js", "tables.js", "page.js")
FIGURE_SCRIPTS = ("colours.js", "figures.js")
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
    environment.filters["figure_json"] = _figure_json
    environment.filters["table_json"] = _table_json
    scripts = {"head": _asset(HEAD_SCRIPTS), "page": _asset(PAGE_SCRIPTS), "plotly": _plotly(), "figures": _asset(FIGURE_SCRIPTS)}
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


def _kind(part: Part) -> str:
    """Name a part's kind for the template."""
    return type(part).__name__


def _long(text: str) -> bool:
    """Whether a text holds a word that may have to be broken."""
    return any(len(word) >= 28 for word in text.split())


def _asset(names: tuple[str, ...]) -> str:
    """Join files of the assets folder."""
    loader, environment = PackageLoader("gutdiv.report", "assets"), Environment(autoescape=True)
    return "\n".join(loader.get_source(environment, name)[0] for name in names)


def _plotly() -> str:
    """Return plotly's script as its package ships it."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    if "</script" in script.lower() or "<!--" in script:
        script = script.replace("</script", "<\\/script").replace("<!--", "\\u003c!--")
    return script


def _hash(text: str) -> str:
    """Return the hash by which the policy knows a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def safe_json(content: Any) -> Markup:
    """Write JSON that can stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    for char, escape in _UNSAFE.items():
        text = text.replace(char, escape)
    return Markup(text)


def _figure_json(figure: Figure) -> Markup:
    """Write a figure's views, with their numbers, for the page's script."""
    return safe_json([_view(v) for v in figure.views])


def _view(view: View) -> Mapping[str, Any]:
    """Return one view as plain data."""
    plain = {k: getattr(view, k) for k in ("key", "title", "subtitle", "alt", "data", "layout", "narrow", "height")}
    return {**plain, "numbers": _plain_table(view.numbers)}


def _table_json(table: DataTable) -> Markup:
    """Write a table for the page's script."""
    return safe_json(_plain_table(table))


def _plain_table(table: DataTable) -> Mapping[str, Any]:
    """Return a table as plain data; details only where a row has some."""
    details = {str(i): [asdict(d) for d in r.details] for i, r in enumerate(table.rows) if r.details}
    return {
        "key": table.key,
        "caption": table.caption,
        "source": table.source,
        "note": table.note,
        "columns": [asdict(c) for c in table.columns],
        "rows": [[_plain_cell(c) for c in r.cells] for r in table.rows],
        "details": details,
    }


def _plain_cell(cell: Cell) -> Any:
    """Return a cell as a text, or as text and sort value, or with the ends of its range bar."""
    if cell.span is not None:
        return [cell.text, cell.value, [cell.span.low, cell.span.high, cell.span.lower, cell.span.upper]]
    return cell.text if cell.value is None else [cell.text, cell.value]
