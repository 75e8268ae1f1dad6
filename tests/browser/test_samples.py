"""A sample's own page in a real browser, and the switch that hides the names of samples and subjects."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from fake_visits import unjudged, visited

from gutdiv.report.content import build
from gutdiv.report.render import render

IDS = {*(f"S{i:03d}" for i in range(24)), *(f"P{i}" for i in range(12))}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
SEEN = """() => {
  const said = [document.title, location.hash, document.body.innerText];
  for (const e of document.body.querySelectorAll('*')) {
    for (const a of ['title', 'aria-label', 'alt', 'placeholder', 'href']) if (e.getAttribute(a)) said.push(e.getAttribute(a));
    if (e.matches('option')) said.push(e.textContent);
    if (e.matches('input')) said.push(e.value);
  }
  for (const p of document.querySelectorAll('.js-plotly-plot')) {
    for (const t of p.data) said.push(JSON.stringify([t.name, t.text, t.customdata, t.hovertemplate]));
    said.push(JSON.stringify(p.layout), p.textContent);
  }
  return said.join('\\n');
}"""


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the page of a study with subjects and time, and that of the same study without verdicts."""
    folder = tmp_path_factory.mktemp("visits")
    made = {"judged": visited(), "unjudged": unjudged()}
    for name, results in made.items():
        (folder / f"{name}.html").write_text(render(build(results)), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


def named(page: Any) -> set[str]:
    """Return the names that anything on the page says."""
    return IDS & set(re.findall(r"\w+", page.evaluate(SEEN)))


def opened(page: Any) -> None:
    """Open all that can be opened, and the first rows of tables."""
    page.evaluate("() => document.querySelectorAll('details').forEach(d => (d.open = true))")
    for opener in page.query_selector_all("tbody tr:first-child button.open"):
        if opener.is_visible():
            opener.click()


def test_no_name_is_left_anywhere_while_names_are_hidden(watch: Any, visits: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(visits["judged"])
    watched.read_through()
    figure = page.locator("#f-ordination")
    figure.get_by_label("Colour and shape by").select_option("subject")
    opened(page)
    assert len(named(page)) > 20, "the test would see a name"
    switch = page.get_by_role("button", name="Hide sample names")
    switch.click()
    page.wait_for_selector("html[data-names='hidden']")
    watched.read_through()
    opened(page)
    assert named(page) == set()
    note = page.locator(".note", has_text="fewer reads than the depth").inner_text()
    assert re.search(r"depth: 'sample \d\d', 'sample \d\d'; they are of 'person \d\d' and person \d\d", note)
    assert re.search(r"subject in \[.person \d\d", page.locator("#dysbiosis-intervals").inner_text())
    point = figure.locator(".point").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    page.wait_for_selector("#f-ordination .hoverlayer text")
    assert re.match(r"sample \d\d", figure.locator(".hoverlayer").first.text_content())
    with page.expect_download() as download:
        page.locator("[data-table='samples']").get_by_role("button", name="Save as TSV").click()
    assert not IDS & set(re.findall(r"\w+", download.value.path().read_text(encoding="utf-8")))
    page.locator("[data-table='samples'] a[data-who]").first.click()
    page.wait_for_selector("#sample-page figure[data-settled]")
    opened(page)
    watched_figures(page)
    assert named(page) == set()
    assert re.search(r"#number=\d+$", page.url)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert named(page) == set()
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    switch.click()
    page.wait_for_selector("html:not([data-names])")
    assert page.locator("#sample-title").inner_text() in IDS
    assert re.search(r"#sample=S\d+$", page.url)
    page.keyboard.press("Escape")
    page.wait_for_selector("main > .panel", state="visible")
    assert page.locator("[data-table='samples'] tbody th").first.inner_text() in IDS
    assert "'S004', 'S017'" in page.locator(".note", has_text="fewer reads than the depth").inner_text()
    watched.assert_quiet()


# Notes every name that is ever painted or titled while the page opens: looked at before each frame, and at every change of the document's title.
WATCH = """() => {
  window.seen = [];
  const look = () => {
    window.seen.push(document.title);
    const body = document.body;
    if (body && getComputedStyle(body).visibility === 'visible') window.seen.push(body.innerText);
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.mark.parametrize("stored", [True, False], ids=["with storage", "without storage"])
def test_hidden_names_stay_hidden_through_a_reload_and_none_is_seen_on_the_way(watch: Any, visits: dict[str, Path], stored: bool) -> None:
    watched = watch()
    if not stored:
        watched.page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('refused', 'SecurityError'); } })")
    page = watched.open(visits["judged"])
    page.get_by_role("button", name="Hide sample names").click()
    page.wait_for_selector("html[data-names='hidden']")
    page.locator("[data-table='samples'] a[data-who]").first.click()
    page.wait_for_url(re.compile(r"#number=\d+$"))
    address = page.url
    page.add_init_script(f"({WATCH})()")
    page.reload()
    page.wait_for_selector("#sample-title")
    page.wait_for_selector("html[data-names='hidden'][data-ready]")
    assert page.url == address
    assert page.get_by_role("button", name="Hide sample names").get_attribute("aria-pressed") == "true"
    assert named(page) == set()
    seen = page.evaluate("() => window.seen")
    assert len(seen) > 3, "the test would see a name"
    assert IDS & set(re.findall(r"\w+", " ".join(seen))) == set()
    page.get_by_role("button", name="Hide sample names").click()
    page.wait_for_selector("html:not([data-names])")
    assert re.search(r"#sample=S\d+$", page.url)
    page.reload()
    page.wait_for_selector("html[data-ready]:not([data-names])")
    assert page.locator("#sample-title").inner_text() in IDS
    assert watched.said == []


def test_names_stay_hidden_through_a_reload_wherever_the_reader_stands(watch: Any, visits: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(visits["judged"])
    page.get_by_role("button", name="Hide sample names").click()
    page.wait_for_selector("html[data-names='hidden']")
    page.reload()
    page.wait_for_selector("html[data-names='hidden'][data-ready]")
    opened(page)
    assert named(page) == set()
    page.goto(visits["unjudged"].as_uri())
    page.wait_for_selector("html[data-ready]:not([data-names])")
    assert watched.said == []


def watched_figures(page: Any) -> None:
    """Scroll to every figure of a sample's page until it is drawn."""
    for figure in page.query_selector_all("#sample-page figure"):
        figure.scroll_into_view_if_needed()
        page.wait_for_function("f => f.dataset.settled === 'yes'", arg=figure)


@pytest.mark.parametrize("kind", ["judged", "unjudged"])
def test_a_sample_is_listed_and_its_figures_state_findings_can_be_saved_and_read_as_numbers(watch: Any, visits: dict[str, Path], kind: str) -> None:
    watched = watch()
    page = watched.open(visits[kind])
    link = page.locator("[data-table='samples'] a[data-who='S007']")
    link.click()
    page.wait_for_selector("#sample-title:has-text('S007')")
    watched_figures(page)
    figures = page.locator("#sample-page figure")
    assert figures.evaluate_all("all => all.map(f => f.dataset.figure)") == ["sample-composition", "sample-ordination", "sample-course"]
    titles = figures.locator("[data-title]").all_inner_texts()
    assert titles[0].startswith("The largest genus is ")
    assert re.search(r"Farther from the middle of all samples than \d+% of the others", titles[1])
    assert re.match(r"Shannon entropy \(nats\): [\d.]+ at weeks 0, [\d.]+ at weeks 1", titles[2])
    course = figures.nth(2)
    metrics = course.locator("select option").all_inner_texts()
    assert metrics[:2] == ["Shannon entropy", "Observed features"]
    course.locator("select").select_option("Observed features")
    page.wait_for_function("() => document.querySelector('#f-sample-course .ytitle').textContent === 'Observed features (features)'")
    course.locator("summary", has_text="Show the numbers").click()
    course.locator("[data-numbers] tbody tr").nth(1).wait_for()  # they are laid out when the browser tells that the part was opened
    assert course.locator("[data-numbers] tbody tr").count() == 2
    with page.expect_download() as download:
        course.get_by_role("button", name="Save as TSV").click()
    assert download.value.path().read_text(encoding="utf-8").splitlines()[0].split("\t")[:3] == ["Sample", "weeks", "Observed features (features)"]
    with page.expect_download() as download:
        course.locator("[data-save=svg]").click()
    assert b"Observed features (features)" in download.value.path().read_bytes()
    assert ("Verdict" in page.locator("#sample-page").inner_text()) is (kind == "judged")
    assert ("Not assessed" in page.locator("#sample-page").inner_text()) is (kind == "unjudged")
    watched.assert_quiet()


def test_a_closed_page_gives_back_place_and_focus_and_arrows_lead_to_the_neighbours(watch: Any, visits: dict[str, Path]) -> None:
    watched = watch(1000, 700, reduced_motion="reduce")
    page = watched.open(visits["judged"])
    link = page.locator("[data-table='samples'] a[data-who='S007']")

    def leave(how: Any) -> None:
        link.scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        link.click()
        page.wait_for_selector("#sample-title:has-text('S007')")
        how()
        page.wait_for_selector("main > .panel", state="visible")
        page.wait_for_function("() => document.activeElement.dataset.who === 'S007'")
        assert abs(page.evaluate("scrollY") - before) <= 2

    leave(page.go_back)
    leave(lambda: page.keyboard.press("Escape"))
    leave(lambda: page.get_by_role("link", name="All samples").click())
    link.click()
    page.wait_for_selector("#sample-title:has-text('S007')")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#sample-title:has-text('S008')")
    press = "() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, cancelable: true }))"
    page.evaluate(f"() => [1, 2].map({press})")  # two keys before the first one's page is there
    page.wait_for_selector("#sample-title:has-text('S006')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.dataset.who === 'S007'")
    watched.assert_quiet()


def test_an_address_left_while_samples_are_unpacked_opens_no_page(watch: Any, visits: dict[str, Path]) -> None:
    watched = watch()
    leave = "(text) => { const made = parse(text); if (made && made.samples) location.hash = '#diversity'; return made; }"
    watched.page.add_init_script(f"location.hash = '#sample=S007'; const parse = JSON.parse; JSON.parse = {leave}")
    page = watched.open(visits["judged"])
    page.wait_for_function("() => location.hash === '#diversity'")
    page.evaluate("() => new Promise((next) => setTimeout(next, 100))")
    assert page.evaluate("document.documentElement.dataset.sample ?? null") is None
    assert page.locator("#sample-title").count() == 0
    watched.assert_quiet()


def test_every_column_of_the_metadata_can_be_added_filtered_by_and_saved(watch: Any, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    results = visited()
    n = len(results.metadata.ids)
    ages = [None, *(f"{i - 3.5:g}" for i in range(1, n))]  # below 0, too: as words they would sort otherwise
    words = {f"w{k}": tuple(f"{k}{i % 3}" for i in range(n)) for k in range(6)}
    more = {**words, "years": tuple(ages), "case": tuple("01"[i % 2] for i in range(n)), "same": ("one",) * n}
    kinds = {**results.metadata.kinds, **dict.fromkeys(more, "categorical"), "years": "numeric", "case": "numeric"}
    wide = dataclasses.replace(results.metadata, columns={**results.metadata.columns, **more}, kinds=kinds)
    path = tmp_path / "wide.html"
    path.write_text(render(build(dataclasses.replace(results, metadata=wide))), encoding="utf-8")
    watched = watch()
    page = watched.open(path)
    table = page.locator("[data-table='samples']")
    heads = table.locator("thead th").all_inner_texts()
    assert "w0" in heads
    assert not {"years", "case", "same"} & set(heads)
    adding = table.get_by_label("Add a column")
    assert {"years", "case", "same"} <= set(adding.locator("option").all_inner_texts())
    adding.select_option(label="years")
    adding.select_option(label="case")
    table.get_by_label("years, from").fill("-1")
    table.get_by_label("years, to").fill("6.5")
    between = [i for i in range(1, n) if -1 <= i - 3.5 <= 6.5]
    assert f"{len(between)} of {n} rows" == table.locator(".dt-info").inner_text()
    table.locator("label", has_text="case").locator("select").select_option("1")
    assert f"{len([i for i in between if i % 2])} of {n} rows" == table.locator(".dt-info").inner_text()
    table.get_by_role("button", name="years").click()
    place = 1 + table.locator("thead th").all_inner_texts().index("years")
    cells = [float(c) for c in table.locator(f"tbody tr > :nth-child({place})").all_inner_texts()]
    assert cells == [i - 3.5 for i in between if i % 2]
    with page.expect_download() as saved:
        table.get_by_role("button", name="Save as TSV").click()
    lines = [line.split("\t") for line in Path(saved.value.path()).read_text(encoding="utf-8").splitlines()]
    assert {*more, *results.metadata.columns} <= set(lines[0]), "also what stands aside"
    assert len(lines) == 1 + len(cells)
    while adding.count():
        adding.select_option(index=1)
    assert "same" in table.locator("thead th").all_inner_texts()
    faults = Axe().run(page, context="[data-table='samples']", options=WCAG).response["violations"]
    assert [(f["id"], [node["html"][:200] for node in f["nodes"][:3]]) for f in faults] == []
    watched.assert_quiet()


@pytest.mark.parametrize("theme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_axe_finds_no_fault_in_a_sample_page(watch: Any, visits: dict[str, Path], theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = watch(color_scheme=theme, reduced_motion="reduce").open(visits["judged"])
    page.evaluate("location.hash = '#sample=S007'")
    page.wait_for_selector("#sample-title")
    watched_figures(page)
    opened(page)
    faults = Axe().run(page, options=WCAG).response["violations"]
    assert [(f["id"], [n["html"][:200] for n in f["nodes"][:3]]) for f in faults] == []


def test_a_large_cloud_is_thinned_but_keeps_what_lies_apart(watch: Any, visits: dict[str, Path]) -> None:
    page = watch().open(visits["judged"])
    thin = """() => {
      const n = 9000, i = [...Array(n).keys()];
      const [x, y, words] = [i.map(k => (k === 4321 ? 50 : k % 7)), i.map(k => k % 5), i.map(String)];
      const trace = { type: 'scatter', mode: 'markers', x: x, y: y, text: words, ids: words, marker: { color: i } };
      const box = { type: 'box', name: 'b', x: i, y: i.map(() => 0), width: 0.5, jitter: 0.5, text: words, marker: {} };
      const one = gutdiv.thinned([trace]), two = gutdiv.thinned([box]), few = gutdiv.thinned([{ ...trace, x: [1], y: [1], text: ['a'] }]);
      const kept = one.traces[0];
      const same = [one.drawn, kept.marker.color.length].every(n => n === kept.x.length);
      return [kept.ids.includes('4321'), same, kept.x.length < 2600, one.total, two.traces.length, two.traces[1].x.length, few.drawn];
    }"""
    apart, same, thinned, total, parts, boxed, few = page.evaluate(thin)
    assert (apart, same, thinned, total) == (True, True, True, 9000)
    assert (parts, boxed) == (2, 9000), "a box is of all values"
    assert few == 1


def test_on_a_phone_both_of_two_long_names_of_groups_stand_under_their_blocks(watch: Any, visits: dict[str, Path]) -> None:
    page = watch().open(visits["judged"])
    names = """() => {
      const layout = { height: 400, margin: { l: 40, r: 8, t: 10, b: 50 }, yaxis: {}, xaxis: { tickmode: 'array', range: [-0.5, 29.5], tickvals: [9.5, 24.5],
        ticktext: ['healthy &lt;volunteers&gt;', 'patients with Crohn'] } };
      const { xaxis, height } = gutdiv.blocks(layout, 240);
      return [xaxis.ticktext, xaxis.ticklabeloverflow, height];
    }"""
    texts, overflow, height = page.evaluate(names)
    assert texts == ["healthy<br>&lt;volunteers&gt;", "patients<br>with<br>Crohn"]
    assert (overflow, height) == ("allow", 430)
