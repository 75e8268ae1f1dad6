"""The page in a real browser: quiet, offline, complete, usable by hand, by keyboard, on a phone, in the dark and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ["overview", "composition", "diversity", "abundance", "longitudinal", "dysbiosis", "immune", "methods"]
SHEET = 688  # pixels between the margins of an A4 sheet: 182 mm
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("name", ["full", "hostile", "bare"])
def test_a_page_is_quiet_fetches_nothing_and_draws_every_figure(watch: Any, pages: dict[str, Path], name: str) -> None:
    watched = watch()
    page = watched.open(pages[name])
    watched.read_through()
    assert page.eval_on_selector_all("section.panel", "all => all.map(s => s.id)") == WORDS
    figures = page.query_selector_all("figure[data-figure]")
    assert len(figures) == {"full": 16, "hostile": 16, "bare": 7}[name]
    for figure in figures:
        box = figure.query_selector(".main-svg").bounding_box()
        assert box["width"] > 300
        assert box["height"] > 100
        assert figure.query_selector_all(".point, .points path, .box, .scatterlayer path, .barlayer path")
    watched.assert_quiet()


def test_the_policy_refuses_a_foreign_script_and_a_request(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    page.evaluate("() => { const s = document.createElement('script'); s.textContent = 'window.foreign = 1'; document.body.append(s); }")
    assert page.evaluate("() => window.foreign") is None
    assert page.evaluate("() => fetch('https://example.org/').then(() => 'fetched', () => 'refused')") == "refused"
    # In a later task: what the debugger itself evaluates is exempt from the policy.
    later = "() => new Promise(r => setTimeout(() => { try { r(new Function('return 1')()); } catch (e) { r('refused'); } }))"
    assert page.evaluate(later) == "refused"
    assert any("Content Security Policy" in s for s in watched.said)


def test_a_figure_is_drawn_only_when_it_is_seen(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    page.wait_for_timeout(300)
    assert page.locator("#f-links").get_attribute("data-drawn") is None
    page.locator("#f-links").scroll_into_view_if_needed()
    page.wait_for_selector("#f-links[data-drawn='yes']")


def test_the_metric_switch_changes_title_picture_and_numbers(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    figure = page.locator("#f-alpha")
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("#f-alpha[data-drawn='yes']")
    before = figure.locator("[data-title]").inner_text()
    figure.locator("summary").click()
    figure.locator(".switch input").nth(1).check(force=True)
    page.wait_for_function("f => f.querySelector('.xtitle').textContent === 'Observed features (features)'", arg=figure.element_handle())
    assert figure.locator("[data-title]").inner_text() != before
    assert "Observed features" in figure.locator(".plot").get_attribute("aria-label")
    assert "Observed features (features)" in figure.locator("thead").inner_text()
    assert page.locator("#announce").inner_text() == figure.locator("[data-title]").inner_text()
    watched.assert_quiet()


def rows(page: Any, key: str) -> list[list[str]]:
    """Read a table's visible rows."""
    script = "(all) => all.map(r => [...r.children].filter(c => !c.matches('.pick')).map(c => c.textContent.trim()))"
    found: list[list[str]] = page.eval_on_selector_all(f"[data-table='{key}'] tbody tr:not(.opened)", script)
    return found


def test_the_sample_table_sorts_filters_and_searches(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    table = page.locator("[data-table='samples']")
    assert len(rows(page, "samples")) == 15
    assert {r[2] for r in rows(page, "samples")} == {"outside"}
    sample = table.locator("thead button", has_text="Sample")
    sample.click()
    assert [r[0] for r in rows(page, "samples")][:3] == ["S000", "S001", "S002"]
    assert table.locator("thead th:not(.pick)").first.get_attribute("aria-sort") == "ascending"
    sample.click()
    assert rows(page, "samples")[0][0] == "S239"
    table.locator("thead button").get_by_text("p", exact=True).click()
    by_p = [r[5] for r in rows(page, "samples")]
    assert "\u2013" not in by_p  # undefined stands last
    table.locator("select").first.select_option("not assessable")
    assert {r[2] for r in rows(page, "samples")} == {"not assessable"}
    assert table.locator(".dt-info").inner_text() == "3 of 240 rows"
    table.locator("select").first.select_option("")
    table.locator("input[type=search]").fill("S10")
    assert {r[0] for r in rows(page, "samples")} == {f"S10{i}" for i in range(10)}
    table.locator("input[type=search]").fill("PATIENT  s10")
    assert {r[0] for r in rows(page, "samples")} == {f"S10{i}" for i in range(10) if (100 + i) % 8 >= 5}  # all words, in any order
    table.locator("input[type=search]").fill("no such sample")
    assert "No row fits" in table.locator("tbody").inner_text()
    watched.assert_quiet()


def test_numbers_sort_as_numbers_whatever_their_text(watch: Any, pages: dict[str, Path]) -> None:
    page = watch().open(pages["full"])
    table = page.locator("[data-table='link-table']")
    table.locator("thead button", has_text="Estimate").click()
    told = [float(r[2].replace("\u2212", "-")) for r in rows(page, "link-table")]
    assert told == sorted(told)
    assert told[0] < 0 < told[-1]


def test_a_row_opens_to_evidence_by_keyboard_alone(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    table = page.locator("[data-table='link-table']")
    opener = table.locator("button.open", has_text="Faecalibacterium").first
    opener.focus()
    page.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    opened = table.locator("tr.opened")
    assert "regulatory T cells" in opened.inner_text()
    link = opened.locator("a").first
    assert link.get_attribute("href") == "https://doi.org/10.1073/pnas.0804812105"
    assert "noopener" in link.get_attribute("rel")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.href") == "https://doi.org/10.1073/pnas.0804812105"
    opener.focus()
    page.keyboard.press("Enter")
    assert table.locator("tr.opened").count() == 0
    watched.assert_quiet()


def test_the_keyboard_reaches_contents_tables_and_switches_and_focus_is_seen(watch: Any, pages: dict[str, Path]) -> None:
    page = watch().open(pages["full"])
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    seen = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "() => { const e = document.activeElement; if (e === document.body) return 'end';"
                " const c = getComputedStyle(e.matches('input[type=radio]') ? e.nextElementSibling : e);"
                " return e.tagName + (e.type ? ':' + e.type : '') + (c.outlineStyle === 'none' ? ' unseen' : ''); }"
            )
        )
        if "end" in seen:
            break
    assert {"A", "BUTTON:button", "INPUT:radio", "INPUT:search", "SELECT:select-one", "SUMMARY", "DIV"} <= seen
    assert not [s for s in seen if s.endswith("unseen")]


def test_rows_are_paged_and_all_can_be_shown(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    table = page.locator("[data-table='samples']")
    table.locator("thead button", has_text="Sample").click()
    table.get_by_role("link", name="Next page").click()
    assert [r[0] for r in rows(page, "samples")] == [f"S{i:03d}" for i in range(15, 30)]
    assert table.locator(".dt-info").inner_text() == "16\u201330 of 240 rows"
    table.get_by_label("Rows per page").select_option("all")
    assert [r[0] for r in rows(page, "samples")] == [f"S{i:03d}" for i in range(240)]
    assert not table.get_by_role("link", name="Next page").is_visible()
    watched.assert_quiet()


def test_shift_sorts_within_the_column_chosen_before(watch: Any, pages: dict[str, Path]) -> None:
    page = watch().open(pages["full"])
    table = page.locator("[data-table='samples']")
    table.locator("thead button", has_text="group").click()
    table.locator("thead button", has_text="Sample").click(modifiers=["Shift"])
    table.locator("thead button", has_text="Sample").click(modifiers=["Shift"])
    healthy = [f"S{i:03d}" for i in range(240) if i % 8 < 5]
    assert [r[0] for r in rows(page, "samples")] == healthy[::-1][:15]


def test_rows_are_picked_by_keyboard_and_saved(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    table = page.locator("[data-table='samples']")
    assert table.locator(".savers button:visible").all_inner_texts() == ["Save as TSV"]
    table.locator("thead button", has_text="Sample").click()
    table.get_by_label("Select S003").focus()
    page.keyboard.press("Space")
    assert page.locator("#announce").inner_text() == "1 row selected"
    for _ in range(3):  # past the button that opens the row and the link to the sample's page
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    table.locator("input[type=search]").fill("S239")  # what is no longer shown stays picked
    table.get_by_label("Select all rows that are found").check()
    assert page.locator("#announce").inner_text() == "3 rows selected"
    with page.expect_download() as download:
        table.get_by_role("button", name="Save selected (3)").click()
    assert download.value.suggested_filename == "samples-selected.tsv"
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["Sample", "S003", "S004", "S239"]
    assert table.locator("tr.selected").count() == 1
    table.get_by_role("button", name="Clear selection").click()
    assert not table.get_by_label("Select all rows that are found").is_checked()
    assert table.locator("tr.selected").count() == 0
    watched.assert_quiet()


def test_a_table_is_saved_with_exact_numbers(watch: Any, pages: dict[str, Path]) -> None:
    page = watch().open(pages["full"])
    table = page.locator("[data-table='link-table']")
    with page.expect_download() as download:
        table.locator("button", has_text="Save as TSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t")[:3] == ["Taxon", "Family", "Estimate"]
    assert len(lines) == 17
    saved = {line.split("\t")[0]: line.split("\t")[2] for line in lines[1:]}
    assert saved["Faecalibacterium"] == "0.82"
    assert saved["Escherichia-Shigella"] == "-0.74"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_figure_is_saved_as_a_picture(watch: Any, pages: dict[str, Path], kind: str) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    figure = page.locator("#f-links")
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("#f-links[data-drawn='yes']")
    with page.expect_download() as download:
        figure.locator(f"[data-save={kind}]").click()
    content = download.value.path().read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<svg"}[kind])
    if kind == "svg":
        assert b"4 of 10 taxa clearly linked" in content
    watched.assert_quiet()


@pytest.mark.parametrize("name", ["full", "hostile", "bare"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_runs_out_of_the_screen(watch: Any, pages: dict[str, Path], name: str, width: int) -> None:
    watched = watch(width, 800)
    page = watched.open(pages[name])
    assert page.evaluate(WIDE) == 0
    watched.read_through()
    page.evaluate("() => document.querySelectorAll('details').forEach(d => (d.open = true))")
    page.wait_for_timeout(200)
    for opener in page.query_selector_all("tbody tr:first-child button.open"):
        opener.click()
    assert page.evaluate(WIDE) == 0
    watched.assert_quiet()


def test_hostile_names_are_shown_as_text(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["hostile"])
    watched.read_through()
    assert page.evaluate("() => document.querySelectorAll('main script:not([type]), main img').length") == 0
    table = page.locator("[data-table='samples']")
    table.locator("input[type=search]").fill("<script>alert")
    table.get_by_label("Rows per page").select_option("all")
    assert "<script>alert(1)</script>" in [r[0] for r in rows(page, "samples")]
    table.locator("input[type=search]").fill("{{7*7}}")
    assert rows(page, "samples")
    table.locator("input[type=search]").fill("L" * 100)
    assert len(rows(page, "samples")) == 1
    assert table.locator("tbody tr").first.bounding_box()["height"] < 250
    assert page.locator("h1").bounding_box()["height"] < 200
    labels = page.eval_on_selector_all("#f-alpha .ytick text", "all => all.map(t => t.textContent)")
    assert "<script>alert(1)</script>" in labels
    watched.assert_quiet()


@pytest.mark.parametrize("width", [360, 768])
def test_what_an_opened_row_tells_is_all_on_the_screen(watch: Any, pages: dict[str, Path], width: int) -> None:
    page = watch(width, 800).open(pages["full"])
    page.locator("[data-table='samples'] button.open").first.click()
    box = page.locator("[data-table='samples'] .opened dl").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    link = page.get_by_role("link", name="Open the page of this sample")
    assert link.bounding_box()["x"] + link.bounding_box()["width"] <= width
    link.click()
    page.wait_for_selector("#sample-title")


def test_a_table_that_goes_on_has_a_shadow_at_its_edge_until_its_end_is_seen(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch(width=360)
    page = watched.open(pages["full"])
    scroll = page.locator("[data-table='samples'] .scroll")
    page.wait_for_selector("[data-table='samples'] .scroll.beyond")
    scroll.evaluate("s => s.scrollTo({ left: s.scrollWidth, behavior: 'instant' })")
    page.wait_for_selector("[data-table='samples'] .scroll:not(.beyond)")
    heads = scroll.locator("thead th").all_inner_texts()
    at = [next(i for i, head in enumerate(heads) if head.strip().startswith(word)) for word in ("Verdict", "Shannon", "Role", "p", "q")]
    assert at == sorted(at), "the place in the interval stands before role, p and q"
    watched.assert_quiet()


def test_no_axis_title_runs_out_of_its_figure_beside_long_names(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch(768, 800)
    page = watched.open(pages["full"])
    watched.read_through()
    page.wait_for_timeout(300)
    room = (
        "all => all.map(t => [t.getBoundingClientRect(), t.closest('svg').getBoundingClientRect()])"
        ".map(([t, s]) => Math.min(t.left - s.left, s.right - t.right))"
    )
    found = page.eval_on_selector_all("figure[data-figure] .xtitle", room)
    assert len(found) >= 8
    assert min(found) >= 0


# Of the first sample taxa are depleted and enriched.
LIGHT, DARK = (tuple((address, theme) for address in ("", "#sample=S001")) for theme in ("light", "dark"))


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("full", LIGHT),
        pytest.param("full", DARK, marks=pytest.mark.slow),
        pytest.param("hostile", (*LIGHT, *DARK), marks=pytest.mark.slow),
    ],
    ids=["full", "full, the other way round", "hostile"],
)
def test_axe_finds_no_fault_with_everything_opened(watch: Any, pages: dict[str, Path], name: str, states: tuple[tuple[str, str], ...]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    watched = watch(reduced_motion="reduce")
    page = watched.open(pages[name])
    watched.read_through()
    page.evaluate("() => document.querySelectorAll('details').forEach(d => (d.open = true))")
    for opener in page.query_selector_all("tbody tr:first-child button.open"):
        opener.click()
    for box in page.query_selector_all("tbody tr:first-child .pick input"):
        box.check()
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
    for address, theme in states:
        page.evaluate("address => { location.hash = address; }", address)
        while page.locator("[data-theme-word]").inner_text() != f"Theme: {theme}":
            page.locator("[data-action=theme]").click()
        if address:
            page.wait_for_selector("#sample-title")
            page.evaluate("() => document.querySelectorAll('details').forEach(d => (d.open = true))")
        faults = Axe().run(page, options=options).response["violations"]
        assert [(f["id"], [n["html"][:200] for n in f["nodes"][:3]]) for f in faults] == [], (address, theme)


def test_dark_follows_the_system_and_the_button_overrules_it(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch(color_scheme="dark")
    page = watched.open(pages["full"])
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    page.locator("#f-links").scroll_into_view_if_needed()
    page.wait_for_selector("#f-links[data-drawn='yes']")
    colour = "() => document.querySelector('#f-links .scatterlayer .point').style.fill"
    dark = page.evaluate(colour)
    page.locator("[data-action=theme]").click()
    assert page.evaluate(ground) == "rgb(251, 251, 249)"
    assert page.evaluate(colour) != dark
    assert page.locator("[data-theme-word]").inner_text() == "Theme: light"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate(ground) == "rgb(251, 251, 249)"
    watched.asked.pop()  # the page was read a second time
    watched.assert_quiet()


def test_paper_gets_every_panel_open_light_and_without_buttons(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch(color_scheme="dark")
    page = watched.open(pages["full"])
    assert page.locator(".on-screen:visible").count() > 0
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("figure[data-drawn='yes']").count() == page.locator("figure[data-figure]").count() == 16
    assert page.evaluate("() => document.querySelector('.glossary').open")
    assert not page.locator(".contents").is_visible()
    assert not page.locator("[data-action=theme]").is_visible()
    assert page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("() => getComputedStyle(document.querySelector('.lead')).color") == "rgb(69, 76, 84)"
    assert len(rows(page, "samples")) == 40
    assert page.locator(".on-screen:visible").count() == 0, "what can be done on a screen is not told on paper"
    assert page.locator("[data-table='samples'] .printed").inner_text() == "The first 40 of 240 rows."
    screen = page.viewport_size
    page.set_viewport_size({"width": SHEET, "height": 1000})
    assert page.evaluate("() => document.documentElement.scrollWidth") == SHEET, "what is wider than the sheet makes the browser shrink every sheet"
    page.set_viewport_size(screen)
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert len(rows(page, "samples")) == 15
    assert not page.evaluate("() => document.querySelector('.glossary').open")
    watched.assert_quiet()


@pytest.mark.slow
def test_a_pdf_of_the_page_has_every_panel(watch: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    page = watch().open(pages["full"])
    page.pdf(path=str(tmp_path / "page.pdf"), prefer_css_page_size=True)
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert 6 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 40


def test_nothing_moves_for_readers_who_ask_for_rest(watch: Any, pages: dict[str, Path]) -> None:
    page = watch(reduced_motion="reduce").open(pages["full"])
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_contents_show_where_the_reader_stands(watch: Any, pages: dict[str, Path]) -> None:
    page = watch(reduced_motion="reduce").open(pages["full"])
    page.locator(".contents a[href='#immune']").click()
    page.wait_for_function("() => document.querySelector('.contents li.here > a').getAttribute('href') === '#immune'")


def test_without_scripts_the_findings_can_still_be_read(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch(java_script_enabled=False)
    watched.page.goto(pages["full"].as_uri())
    text = watched.page.locator("main").inner_text()
    assert "assessed samples lie outside the reference" in text
    assert "runs no scripts" in text
    assert "dysbiosis/verdicts.tsv" in text
    assert len(rows(watched.page, "samples")) == 15
    assert "The first 15 of 240 rows." in text


def test_a_sample_has_a_page_of_its_own_with_an_address(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    page.locator("[data-table='samples'] a[href^='#sample=']").first.click()
    page.wait_for_selector("#sample-page h1")
    sample = page.locator("#sample-page h1").inner_text()
    assert page.url.endswith(f"#sample={sample}")
    assert page.evaluate("document.activeElement.tagName") == "H1", "a reader who hears the page is told where it is"
    assert not page.locator("main > .panel").first.is_visible()
    text = page.locator("#sample-page").inner_text()
    for part in ("Place in the reference intervals", "Composition", "Among all samples", "What cannot be said", "is no diagnosis"):
        assert part in text
    assert page.locator("#sample-page .metrics tbody tr").count() == 6
    page.locator("#f-sample-ordination").scroll_into_view_if_needed()
    page.wait_for_selector("#f-sample-ordination .main-svg")
    page.get_by_role("link", name="All samples").click()
    page.wait_for_selector("main > .panel", state="visible")
    assert page.locator("#sample-page").is_hidden()
    page.evaluate("location.hash = '#sample=nobody'")
    page.wait_for_selector("#sample-page:has-text('hold no sample of this name')")
    watched.assert_quiet()


def test_an_ordination_is_coloured_by_any_column_of_the_metadata(watch: Any, pages: dict[str, Path]) -> None:
    watched = watch()
    page = watched.open(pages["full"])
    figure = page.locator("#f-ordination")
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("#f-ordination[data-drawn='yes']")
    choice = figure.get_by_label("Colour and shape by")
    assert choice.evaluate("s => [...s.options].map(o => o.text)") == ["as drawn", "group", "age", "subject"]
    names = "() => document.querySelector('#f-ordination .plot').data.filter(t => t.ids).map(t => t.name)"
    assert page.evaluate(names) == ["healthy", "patient"]
    choice.select_option("subject")
    page.wait_for_function("() => document.querySelector('#f-ordination .plot').data.length > 10")
    assert page.evaluate(names)[-1] == "all others"
    choice.select_option("age")
    page.wait_for_function("() => document.querySelector('#f-ordination .plot').data[0].marker.showscale")
    first = "() => { const t = document.querySelector('#f-ordination .plot').data[0]; return [t.ids.length, t.marker.color[t.ids.indexOf('3')]]; }"
    assert page.evaluate(first) == [240, 23]  # the made-up age of the fourth sample
    choice.select_option("as drawn")
    page.wait_for_function("() => !document.querySelector('#f-ordination .plot').data[0].marker.showscale")
    watched.assert_quiet()
