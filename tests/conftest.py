"""What all tests share: the folder of real data, a browser, and a last line that counts the tests on real data."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
LONG = ("workflow", "browser")  # folders whose tests run the whole workflow or a browser


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real public tables, or skip with the reason why there is none."""
    named = os.environ.get("GUTDIV_DATA")
    folder = Path(named) if named else SHARED / "data"
    if folder.is_dir():
        return folder
    if named:
        pytest.fail(f"GUTDIV_DATA names {folder}, which is no folder")
    if os.environ.get("CI") and SHARED.is_dir():
        pytest.fail(f"{SHARED} is here but holds no data folder: real data must not go missing unseen where it is expected")
    pytest.skip("no real data: GUTDIV_DATA is not set and ../shared/data is not there")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium-like browser, or skip with the reason why there is none."""
    names = [os.environ.get("GUTDIV_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium: none of chromium, chromium-browser, google-chrome is in PATH; GUTDIV_CHROMIUM may name one")
    return found


class RealDataTally:
    """Counts the tests on real data and prints the count as the last line of the run."""

    def __init__(self) -> None:
        self.ran = 0
        self.left_out = 0
        self.skipped: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """A test that asks for real data is marked as one, before `-m` selects; files that take long come first, so that none is waited for at the end."""
        items.sort(key=lambda item: item.path.parent.name not in LONG)
        for item in items:
            if "real_data" in getattr(item, "fixturenames", ()):
                item.add_marker("real_data")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count what `-m` or `-k` left out."""
        self.left_out += sum("real_data" in item.keywords for item in items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: where it was called, or where it was skipped, or where its set-up failed."""
        if "real_data" not in report.keywords:
            return
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped[reason.removeprefix("Skipped: ")] += 1
        elif report.when == "call" or (report.when == "setup" and report.failed):
            self.ran += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell what was left out where this is one of several processes; all of them leave out the same."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["left_out"] = self.left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear it from one of several processes."""
        self.left_out = getattr(node, "workeroutput", {}).get("left_out", self.left_out)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the line after everything that pytest itself prints."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or config.option.collectonly:
            return
        reasons = "; ".join(f"{count} x {reason}" for reason, count in self.skipped.most_common())
        left_out = f", {self.left_out} not selected" if self.left_out else ""
        why = f" ({reasons})" if reasons else ""
        reporter.write_line(f"real data: {self.ran} tests ran, {self.skipped.total()} skipped{left_out}{why}")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(RealDataTally(), "real-data-tally")
