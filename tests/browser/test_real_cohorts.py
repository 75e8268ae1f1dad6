"""Every panel on real cohorts: quiet, offline, inside the screen, no title cut off."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SHEET = 688  # pixels between the margins of an A4 sheet: 182 mm
COHORTS = {
    "hct_taur": ("--group", "group", "--subject", "subject_id", "--controls", 'group == "pre_transplant"'),
    "crc_baxter_genus": ("--group", "group", "--subject", "subject_id", "--controls", 'group == "healthy"', "--controls-are", "healthy"),
    "ibd_2538_longitudinal": (
        *("--group", "group", "--subject", "subject_id", "--time", "timepoint", "--controls", 'group == "control_relative"'),
        "--specimen",
        "stool",
    ),
}
# What reaches beyond the right edge of the screen though nothing around it can be moved sideways or cuts it off.
BEYOND = """() => [...document.querySelectorAll("main *")].filter((e) => {
  const box = e.getBoundingClientRect();
  if (!box.width || box.right <= document.documentElement.clientWidth + 1) return false;
  for (let up = e; up && up.tagName !== "MAIN"; up = up.parentElement) if (getComputedStyle(up).overflowX !== "visible") return false;
  return !e.closest("svg") && !e.closest(".visually-hidden, .stage");
}).map((e) => e.outerHTML.slice(0, 120))"""
# Titles, ticks and legends that leave the picture of their figure.
CUT = """() => [...document.querySelectorAll("figure[data-drawn] .plot :is(.xtitle, .ytitle, .xtick text, .ytick text, .legendtext)")].filter((t) => {
  const text = t.getBoundingClientRect();
  const figure = t.closest("svg").getBoundingClientRect();
  return text.width && (text.left < figure.left - 1 || text.right > figure.right + 1 || text.top < figure.top - 1 || text.bottom > figure.bottom + 1);
}).map((t) => t.closest("figure").id + ": " + t.textContent)"""

# Legends that had to be given a scroll bar: part of them is out of sight.
SCROLLED = """() => [...document.querySelectorAll("figure[data-drawn] .legend .scrollbar")].filter((bar) => bar.getBoundingClientRect().height > 1)
  .map((bar) => bar.closest("figure").id)"""


@pytest.fixture(scope="module", params=COHORTS)
def report(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the workflow on one cohort, as a user does, and return its report."""
    folder, inputs = tmp_path_factory.mktemp(request.param), real_data / request.param
    files = (f"--{word}={inputs / file}" for word, file in (("table", "table.biom"), ("taxonomy", "taxonomy.tsv"), ("metadata", "metadata.tsv")))
    command = [sys.executable, "-m", "gutdiv", "run", *files, *COHORTS[request.param], "--name", "cohort", "--output", folder]
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # noqa: PTH120 - the environment's own programs
    run = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=3600, check=False)
    assert run.returncode == 0, run.stderr
    return folder / "results" / "cohort" / "report.html"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 360])
def test_every_panel_of_a_real_cohort_is_whole(watch: Any, report: Path, width: int) -> None:
    look(watch(width, 900), report)


@pytest.mark.slow
def test_nothing_is_wider_than_a_sheet_of_paper(watch: Any, report: Path) -> None:
    page = watch(SHEET, 1000).open(report)
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("() => document.documentElement.scrollWidth") == SHEET


@pytest.mark.slow
def test_the_fullest_page_of_a_sample_takes_two_sheets(watch: Any, report: Path, tmp_path: Path) -> None:
    sheets(watch(), report, tmp_path / "sample.pdf")


def sheets(watched: Any, path: Path, pdf: Path) -> None:
    """Print the page of the sample with most immune-relevant taxa."""
    page = watched.open(path)
    fullest = "d => d.samples.reduce((most, s) => (s.immune.length > most.immune.length ? s : most)).id"
    page.evaluate(f"async () => {{ location.hash = gutdiv.names.address(({fullest})(await gutdiv.samples())); }}")
    page.wait_for_selector("#f-sample-ordination")
    page.pdf(path=str(pdf), prefer_css_page_size=True)
    assert len(re.findall(rb"/Type ?/Page\b", pdf.read_bytes())) <= 2


def look(watched: Any, path: Path) -> None:
    """Read a page from end to end and the page of its first sample."""
    page = watched.open(path)
    watched.read_through()
    for figure in page.query_selector_all("figure[data-figure]"):
        page.wait_for_function("f => f.dataset.settled === 'yes'", arg=figure)
    for panel in page.query_selector_all("section.panel"):
        absent = panel.query_selector(".note.absent")
        assert panel.query_selector("figure, table, .section") or absent, panel.get_attribute("id")
    assert page.evaluate(CUT) == []
    assert page.evaluate(SCROLLED) == []
    page.evaluate("() => document.querySelectorAll('details').forEach(d => (d.open = true))")
    page.wait_for_timeout(300)
    assert page.evaluate(BEYOND) == []
    page.locator("[data-table='samples'] a[href^='#sample=']").first.click()
    page.wait_for_selector("#sample-page h1")
    page.evaluate("() => document.querySelectorAll('details').forEach(d => (d.open = true))")
    assert page.evaluate(BEYOND) == []
    watched.assert_quiet()
