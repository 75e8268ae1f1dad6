"""Fixtures of the browser's tests: pages on disk, one browser for all, and what a page may not do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gutdiv.report.content import build
from gutdiv.report.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator

FAKES = Path(__file__).parents[1] / "report"
sys.path.insert(0, str(FAKES))  # the report's tests and these share the made-up results

# What the graphics driver says of itself, and no fault of the page.
DRIVER = ("GPU stall", "Canvas2D", "software WebGL")


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the pages that the tests open: an ordinary cohort, a hostile one, and one with almost nothing in it."""
    from fake_results import fake_results

    folder = tmp_path_factory.mktemp("pages")
    kinds: dict[str, dict[str, Any]] = {
        "full": {},
        "hostile": {"hostile": True},
        "bare": {"tree": False, "group": False, "controls": False, "links": False},
    }
    for name, kind in kinds.items():
        (folder / f"{name}.html").write_text(render(build(fake_results(**kind))), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in kinds}


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """Start the browser once."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("no playwright: install the test tools (requirements-test.lock)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--enable-unsafe-swiftshader"])
        yield started
        started.close()


class Watched:
    """A page with everything it said and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda e: self.said.append(f"error: {e}"))
        page.on("dialog", lambda d: (self.said.append(f"dialog: {d.message}"), d.dismiss()))
        page.on("request", lambda r: self.asked.append(r.url))

    def open(self, path: Path) -> Any:
        """Open a page and wait until its scripts have run."""
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready]")
        return self.page

    def read_through(self) -> None:
        """Scroll down to the end, as a reader does, until every figure is drawn."""
        for figure in self.page.query_selector_all("figure[data-figure]"):
            figure.scroll_into_view_if_needed()
            self.page.wait_for_function("f => f.dataset.drawn === 'yes'", arg=figure)

    def assert_quiet(self) -> None:
        """Nothing was fetched, nothing was refused, nothing went wrong."""
        assert [u for u in self.asked if not u.startswith(("file:", "data:", "blob:"))] == []
        assert len([u for u in self.asked if u.startswith("file:")]) == 1
        assert [s for s in self.said if not any(d in s for d in DRIVER)] == []


@pytest.fixture
def watch(browser: Any) -> Iterator[Any]:
    """Return a function that opens a watched page; `width`, `height` and playwright's context options may be given."""
    yield from _watching(browser)


@pytest.fixture(scope="module")
def watch_once(browser: Any) -> Iterator[Any]:
    """Return the same function for a page that the tests of a file share."""
    yield from _watching(browser)


def _watching(browser: Any) -> Iterator[Any]:
    """Hand over the function and close what it opened."""
    contexts = []

    def start(width: int = 1440, height: int = 1000, **options: Any) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        contexts.append(context)
        return Watched(context.new_page())

    yield start
    for context in contexts:
        context.close()
