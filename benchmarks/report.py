"""Measures the report of many samples: its size, when its first rows are seen, and how soon a table answers (`python report.py --help`).

The results are those of a folder, `results/demo` after `make demo`, with the rows of every sample written again under new ids until there are as many as
asked for; numbers are blurred a little (by seed), or they would pack better than those of a real cohort. The page is opened in headless Chromium. First
rows are seen when the browser has painted the verdict in numbers and the first rows of the table of samples; a sort, filter or selection has answered when
the browser has painted after it.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import shutil
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright

from gutdiv.io.results import read_results
from gutdiv.model.cohort import SampleMetadata
from gutdiv.report.content import build
from gutdiv.report.render import render

if TYPE_CHECKING:
    from gutdiv.model.results import Results, Table

SEED = 8
BLUR = 0.02
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# In the page before its own scripts: when the browser painted with the first rows there, and the longest task until then.
WATCH = """
const seen = () => {
  if (document.querySelector("[data-table='samples'] tbody tr") && document.querySelector(".verdicts")) {
    requestAnimationFrame(() => setTimeout(() => (window.firstRows = performance.now())));
  } else requestAnimationFrame(seen);
};
requestAnimationFrame(seen);
"""
TIMED = """async () => {
  const painted = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  const table = document.querySelector("[data-table='samples']");
  await painted();
  const begin = performance.now();
  ACT;
  await painted();
  return performance.now() - begin;
}"""
OPENED = """async () => {
  const link = [...document.querySelectorAll("[data-table='samples'] tbody .c-sample a")].at(AT);
  const begin = performance.now();
  link.click();
  while (document.getElementById("sample-page").hidden) await new Promise((next) => requestAnimationFrame(next));
  await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  return performance.now() - begin;
}"""
ACTS = {
    "sort by sample": "table.querySelector('thead th:not(.pick) button').click()",
    "sort by p": "[...table.querySelectorAll('thead button')].find((b) => b.textContent === 'p').click()",
    "sort by drivers": "[...table.querySelectorAll('thead button')].at(-1).click()",
    "filter by two words": "const i = table.querySelector('input[type=search]'); i.value = 'outside s1'; i.dispatchEvent(new Event('input'))",
    "filter taken back": "const i = table.querySelector('input[type=search]'); i.value = ''; i.dispatchEvent(new Event('input'))",
    "choose a verdict": "const s = table.querySelector('select'); s.selectedIndex = 1; s.dispatchEvent(new Event('change'))",
    "choose all again": "const s = table.querySelector('select'); s.selectedIndex = 0; s.dispatchEvent(new Event('change'))",
    "select a row": "table.querySelector('tbody .pick input').click()",
    "select all rows": "table.querySelector('thead .pick input').click()",
    "next page": "table.querySelector('.dt-paging-button.next').click()",
}


def multiplied(results: Results, n: int) -> Results:
    """Return results of n samples: those of each sample under new ids, numbers blurred."""
    if results.metadata is None:
        sys.exit("The results have no metadata. Give those of `make demo`.")
    rng = np.random.default_rng(SEED)
    ids = results.metadata.ids
    copies = -(-n // len(ids))
    kept = {f"{i}.{k}" for k in range(copies) for i in ids[: n - k * len(ids)]}
    tables = {place: _table(table, copies, kept, rng) for place, table in results.tables.items()}
    rows = [(f"{i}.{k}", at) for k in range(copies) for at, i in enumerate(ids) if f"{i}.{k}" in kept]
    columns = {c: tuple(v[at] for _, at in rows) for c, v in results.metadata.columns.items()}
    metadata = SampleMetadata(tuple(i for i, _ in rows), columns, results.metadata.kinds)
    return dataclasses.replace(results, tables=tables, metadata=metadata, cohort={**results.cohort, "n_samples": n})


def _table(table: Table, copies: int, kept: set[str], rng: np.random.Generator) -> Table:
    """Write the rows of each sample again; rows of no sample stand once."""
    record = dict(table.record)
    if isinstance(record.get("distances"), dict):
        record["distances"] = {
            f"{i}.{k}": d * (1 + BLUR * rng.standard_normal()) for k in range(copies) for i, d in record["distances"].items() if f"{i}.{k}" in kept
        }
    if "sample_id" not in table.frame.columns:
        return dataclasses.replace(table, record=record)
    frame = table.frame
    none = frame["sample_id"].astype(str) == ""
    parts = [frame[none]]
    for k in range(copies):
        part = frame[~none].copy()
        part["sample_id"] = part["sample_id"].astype(str) + f".{k}"
        part = part[part["sample_id"].isin(kept)]
        for column in part.columns:
            if part[column].dtype == np.float64 and column not in {"p", "q", "lower", "upper", "time", "depth"}:
                part[column] *= 1 + BLUR * rng.standard_normal(len(part))
        parts.append(part)
    return dataclasses.replace(table, frame=pd.concat(parts, ignore_index=True), record=record)


def measure(page: Page, path: Path) -> dict[str, float]:
    """Open the page and return milliseconds until first rows, until all is ready, and of each act (the median of three)."""
    page.add_init_script(WATCH)
    page.goto(path.as_uri(), wait_until="commit")
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    found: dict[str, Any] = {
        "first paint": page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
        "first rows": page.evaluate("window.firstRows"),
        "all tables ready": page.evaluate("performance.now()"),
    }
    page.locator("[data-table='samples']").scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    times: dict[str, list[float]] = {act: [] for act in ACTS}
    for _ in range(3):
        for act, code in ACTS.items():
            times[act].append(page.evaluate(TIMED.replace("ACT", code)))
    found |= {act: statistics.median(t) for act, t in times.items()}
    for at, name in enumerate(("first sample's page", "second sample's page")):
        found[name] = page.evaluate(OPENED.replace("AT", str(at)))
        page.evaluate("location.hash = ''")
        page.wait_for_selector("#sample-page", state="hidden")
    return found


def main() -> None:
    """Read the options, make the page, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/demo"), help="results of one cohort with verdicts and metadata")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--page", type=Path, metavar="FILE", help="a page to keep, or one that was kept: made only where it is not there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = args.page or Path(folder) / "report.html"
        if not path.exists():
            begin = time.perf_counter()
            path.write_text(render(build(multiplied(read_results(args.results), args.samples))), encoding="utf-8")
            print(f"{args.samples:,} samples: made in {time.perf_counter() - begin:.1f} s")
        print(f"{path.stat().st_size / 1e6:.2f} MB")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=FLAGS)
        for name, spent in measure(browser.new_page(viewport={"width": 1440, "height": 1000}), path.resolve()).items():
            print(f"{name:>20} {spent / 1000:6.2f} s")
        print(f"Chromium {browser.version}, Python {platform.python_version()}, itables {version('itables')}, plotly {version('plotly')}")
        browser.close()


if __name__ == "__main__":
    main()
