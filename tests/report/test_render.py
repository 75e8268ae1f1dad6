"""The page as one file: the same bytes, nothing fetched, everything escaped, only its own scripts allowed."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import zlib
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from fake_results import HOSTILE, fake_results

import gutdiv.report
from gutdiv.report.content import build
from gutdiv.report.render import render, safe_json


@pytest.fixture(scope="module")
def html() -> str:
    """Return the page of an ordinary cohort."""
    return render(build(fake_results()))


@pytest.fixture(scope="module")
def hostile() -> str:
    """Return the page of a cohort whose every name is hostile."""
    return render(build(fake_results(hostile=True)))


class Elements(HTMLParser):
    """Collects every element with its attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open: dict[str, str | None] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.found.append((tag, dict(attrs)))
        self._open = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        """Leave a script."""
        if tag == "script":
            self._open = None

    def handle_data(self, data: str) -> None:
        """Keep a script's text."""
        if self._open is not None:
            self.scripts.append((self._open, data))


def test_the_same_results_give_the_same_bytes() -> None:
    assert render(build(fake_results(n=40))) == render(build(fake_results(n=40)))


def test_the_page_of_240_samples_is_smaller_than_7_mb(html: str) -> None:
    assert len(html.encode()) < 7_000_000


def test_no_element_fetches_anything(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on"), f"<{tag} {name}> is an inline handler"
            if name in {"src", "srcset", "poster", "action"}:
                pytest.fail(f"<{tag} {name}={value!r}>")
            if name == "href":
                assert str(value).startswith(("#", "https://doi.org/"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_policy_allows_exactly_the_scripts_of_the_page(html: str) -> None:
    page = Elements(html)
    policy = next(str(a["content"]) for t, a in page.found if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    hashes = set(rules["script-src"])
    code = [text for attributes, text in page.scripts if attributes.get("type") != "application/json"]
    assert hashes == {f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in code}
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in " ".join(rules["script-src"])
    assert not re.search(r"https?:|\*", policy)


def test_data_blocks_are_json_and_can_end_no_script(hostile: str) -> None:
    blocks = [text for attributes, text in Elements(hostile).scripts if attributes.get("type") == "application/json"]
    assert len(blocks) > 8
    for block in blocks:
        json.loads(block)
        assert "<" not in block
        assert "&" not in block


def test_hostile_names_make_no_element(html: str, hostile: str) -> None:
    tame = {tag for tag, _ in Elements(html).found}
    wild = Elements(hostile)
    assert {tag for tag, _ in wild.found} <= tame
    assert not any(name.startswith("on") for _, attributes in wild.found for name in attributes)
    code = [t for a, t in wild.scripts if a.get("type") != "application/json"]
    assert not any(re.search(r"alert\([12]\)", t) for t in code)


def test_a_template_in_a_name_is_not_evaluated(hostile: str) -> None:
    assert "{{7*7}}" in hostile
    assert HOSTILE[0] not in hostile
    assert "&lt;script&gt;alert(1)" in hostile


def unpacked(block: str) -> Any:
    """Read a block of data as the page's script does."""
    content = json.loads(block)
    return json.loads(zlib.decompress(base64.b64decode(content))) if isinstance(content, str) else content


def test_long_data_is_packed_and_short_data_is_not(html: str) -> None:
    blocks = [text for attributes, text in Elements(html).scripts if attributes.get("type") == "application/json"]
    packed = [b for b in blocks if b.startswith('"')]
    assert 0 < len(packed) < len(blocks)
    for block in packed:
        content = unpacked(block)
        plain = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")))
        assert plain > 15_000
        assert len(block) < 0.6 * plain
    samples = next(c for c in map(unpacked, blocks) if isinstance(c, dict) and c.get("key") == "samples")
    assert len(samples["rows"]) == 240, "no row is left out"


def test_the_first_rows_of_a_long_table_stand_in_the_page_itself(html: str) -> None:
    before, _, after = html.partition('<div class="datatable" data-table="samples">')
    table = after.partition("</table>")[0]
    assert table.count("<tr>") == 1 + 15
    assert table.count('class="track"') >= 15
    assert before.count("<script>") == 1, "only the theme's script stands before the content"


def test_datatables_stands_in_the_page_as_itables_ships_it_and_after_the_content(html: str) -> None:
    shipped = (resources.files("itables") / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    modules = [text for attributes, text in Elements(html).scripts if attributes.get("type") == "module"]
    assert len(modules) == 2
    library, _, handed_over = modules[0].rstrip().rpartition("\n")
    assert library.replace("\\u003c!--", "<!--").rstrip() == shipped.rstrip()
    assert re.fullmatch(r"window\.gutdiv\.DataTable = [\w$]+;", handed_over)
    assert html.index("</main>") < html.index('<script type="module">')


def test_json_escapes_what_ends_a_script_and_the_line_ends_that_json_does_not_know() -> None:
    told = str(safe_json({"a": "</script><!-- & \u2028\u2029"}))
    assert not re.search("[<>&\u2028\u2029]", told)
    assert json.loads(told) == {"a": "</script><!-- & \u2028\u2029"}


def test_not_a_number_never_reaches_a_script() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        safe_json({"a": float("nan")})


def test_headings_stand_in_order_and_landmarks_are_there(html: str) -> None:
    page = Elements(html)
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    tags = {tag for tag, _ in page.found}
    assert {"header", "nav", "main", "footer"} <= tags
    ids = [a["id"] for _, a in page.found if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in page.found:
        href = attributes.get("href") or ""
        place = "sample-page" if href.startswith("#sample=") else href[1:]
        assert not href.startswith("#") or place in ids, f"{href} leads nowhere"


def test_no_asset_is_longer_than_400_lines() -> None:
    folder = Path(gutdiv.report.__file__).parent
    for path in [*(folder / "assets").iterdir(), *(folder / "templates").iterdir()]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name
